//! The webhook receiver, driven by raw bytes and by hyper's client, in memory and over TCP.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use lanebench::backend::Genuine;
use lanebench::runtime::{Receiver, Webhook, WebhookCall};
use lanebench::wire::{Secret, WebhookKind, sign};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Instant, sleep};

use crate::client_support::{id, in_memory, on_sockets};

// The vector of the contract, checked against the official SDK.
const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const BODY: &str = r#"{"object":"event","id":"evt_0001","type":"response.completed","created_at":1760000000,"data":{"id":"resp_0001"}}"#;
const SIGNATURE: &str = "v1,uOF1xHdsUQHeGFbGYBiILP+YH/Xxd93Hro3FCkvl9IU=";
const STAMP: u64 = 1_760_000_000;

/// A receiver whose clock stands at `now`, and the webhooks that it reports.
fn receiver(now: u64) -> (Receiver, UnboundedReceiver<WebhookCall>) {
    let (into, calls) = unbounded_channel();
    let secrets = vec![Secret::new(SECRET).unwrap()];
    let inbox = Rc::new(move |call| into.send(call).unwrap());
    (Receiver::new(secrets, Rc::new(move || now), inbox), calls)
}

fn serve(receiver: Receiver) -> DuplexStream {
    let (ours, theirs) = tokio::io::duplex(16 * 1024);
    tokio::task::spawn_local(async move { receiver.serve_connection(Box::new(theirs)).await });
    ours
}

/// A request with the headers of a delivery.
fn delivery(method: &str, stamp: u64, signature: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut bytes = format!(
        "{method} /hooks HTTP/1.1\r\nhost: hooks.test\r\nwebhook-id: wh_0001\r\nwebhook-timestamp: {stamp}\r\n\
         webhook-signature: {signature}\r\nx-lanebench-send: 2\r\ncontent-length: {length}\r\n\r\n"
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// The status of the next reply; none if the connection closes instead.
async fn status(stream: &mut DuplexStream) -> Option<u16> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    assert!(
        !head.to_lowercase().contains("\r\ndate:"),
        "bytes that differ from run to run: {head}"
    );
    head.split(' ').nth(1)?.parse().ok()
}

/// What is reported of `bytes` at `now`, answered with 200, and the status of the answer.
fn told(now: u64, bytes: Vec<u8>) -> (Option<Webhook>, Option<u16>) {
    in_memory(async {
        let (receiver, mut calls) = receiver(now);
        let mut stream = serve(receiver);
        let seen = Rc::new(RefCell::new(None));
        let note = Rc::clone(&seen);
        tokio::task::spawn_local(async move {
            while let Some(call) = calls.recv().await {
                *note.borrow_mut() = Some(call.webhook.clone());
                call.answer(http::StatusCode::OK);
            }
        });
        // The receiver may close before it has taken all of it.
        let _closed = stream.write_all(&bytes).await;
        let status = status(&mut stream).await;
        let webhook = seen.borrow_mut().take();
        (webhook, status)
    })
}

fn genuine(now: u64, signature: &str) -> Option<Genuine> {
    let (webhook, status) = told(now, delivery("POST", STAMP, signature, BODY.as_bytes()));
    assert_eq!(status, Some(200));
    webhook.map(|webhook| webhook.genuine)
}

#[test]
fn the_vector_of_the_contract_is_genuine() {
    let (webhook, status) = told(STAMP, delivery("POST", STAMP, SIGNATURE, BODY.as_bytes()));
    let expected = Webhook {
        delivery: "wh_0001".into(),
        send: Some(2),
        response: id("resp_0001"),
        kind: WebhookKind::Completed,
        genuine: Genuine::Valid,
    };
    assert_eq!((webhook, status), (Some(expected), Some(200)));
}

#[test]
fn a_stamp_counts_for_five_minutes_either_way() {
    for (now, expected) in [
        (STAMP + 300, Genuine::Valid),
        (STAMP - 300, Genuine::Valid),
        (STAMP + 301, Genuine::Stale),
        (STAMP - 301, Genuine::Stale),
    ] {
        assert_eq!(genuine(now, SIGNATURE), Some(expected), "{now}");
    }
}

#[test]
fn one_right_signature_of_several_is_enough() {
    let other = sign(
        &Secret::new("another").unwrap(),
        "wh_0001",
        STAMP,
        BODY.as_bytes(),
    );
    for (signatures, expected) in [
        (format!("{other} {SIGNATURE}"), Genuine::Valid),
        (format!("v1a,AAAA {SIGNATURE}"), Genuine::Valid),
        (other, Genuine::Forged),
        (SIGNATURE.replacen("uOF1", "uOF2", 1), Genuine::Forged),
        (SIGNATURE.replace("v1,", "v2,"), Genuine::Forged),
        ("v1,".to_owned(), Genuine::Forged),
        ("%%%".to_owned(), Genuine::Forged),
    ] {
        assert_eq!(genuine(STAMP, &signatures), Some(expected), "{signatures}");
    }
}

#[test]
fn the_raw_bytes_are_signed_not_their_meaning() {
    let spaced = BODY.replace("\"object\":", "\"object\": ");
    let (webhook, _) = told(STAMP, delivery("POST", STAMP, SIGNATURE, spaced.as_bytes()));
    assert_eq!(webhook.unwrap().genuine, Genuine::Forged);
}

#[test]
fn what_names_no_response_is_refused_without_asking() {
    let sign_own = |body: &[u8]| sign(&Secret::new(SECRET).unwrap(), "wh_0001", STAMP, body);
    let post = |body: &[u8]| delivery("POST", STAMP, &sign_own(body), body);
    let large = vec![b' '; (64 << 10) + 1];
    let fits = [BODY.as_bytes(), &vec![b' '; (64 << 10) - BODY.len()]].concat();
    let cases = [
        (delivery("GET", STAMP, SIGNATURE, b""), Some(405)),
        (delivery("PUT", STAMP, SIGNATURE, BODY.as_bytes()), Some(405)),
        (post(b""), Some(400)),
        (post(b"not json"), Some(400)),
        (post(br#"{"type":"response.completed"}"#), Some(400)),
        (post(&[0xFF, 0xFE]), Some(400)),
        (delivery("POST", STAMP, "v1,AAAA", b"forged garbage"), Some(400)),
        (post(&large), Some(413)),
        (
            b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}".to_vec(),
            Some(400),
        ),
        (b"what is this\r\n\r\n".to_vec(), Some(400)),
    ];
    for (bytes, expected) in cases {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
        assert_eq!(told(STAMP, bytes), (None, expected), "{shown}");
    }
    let (webhook, status) = told(STAMP, post(&fits));
    assert_eq!((webhook.unwrap().genuine, status), (Genuine::Valid, Some(200)));
}

#[test]
fn the_answer_comes_when_it_is_told_and_not_before() {
    in_memory(async {
        let (receiver, mut calls) = receiver(STAMP);
        let mut stream = serve(receiver);
        let start = Instant::now();
        tokio::task::spawn_local(async move {
            for status in [http::StatusCode::OK, http::StatusCode::BAD_REQUEST] {
                let call = calls.recv().await.unwrap();
                sleep(Duration::from_secs(7200)).await;
                call.answer(status);
            }
        });
        for (expected, hours) in [(200, 2), (400, 4)] {
            stream
                .write_all(&delivery("POST", STAMP, SIGNATURE, BODY.as_bytes()))
                .await
                .unwrap();
            assert_eq!(
                status(&mut stream).await,
                Some(expected),
                "both on one connection"
            );
            assert_eq!(start.elapsed(), Duration::from_secs(3600 * hours));
        }
    });
}

#[test]
fn a_webhook_that_is_dropped_closes_the_connection() {
    in_memory(async {
        let (receiver, mut calls) = receiver(STAMP);
        let mut stream = serve(receiver);
        stream
            .write_all(&delivery("POST", STAMP, SIGNATURE, BODY.as_bytes()))
            .await
            .unwrap();
        drop(calls.recv().await.unwrap());
        assert_eq!(status(&mut stream).await, None);
    });
}

#[test]
fn a_sender_that_goes_away_does_not_hear_the_answer() {
    in_memory(async {
        let (receiver, mut calls) = receiver(STAMP);
        let mut stream = serve(receiver.clone());
        stream
            .write_all(&delivery("POST", STAMP, SIGNATURE, BODY.as_bytes()))
            .await
            .unwrap();
        let call = calls.recv().await.unwrap();
        drop(stream);
        sleep(Duration::from_secs(1)).await;
        call.answer(http::StatusCode::OK);
        let bytes = delivery("POST", STAMP, SIGNATURE, BODY.as_bytes());
        let mut half = serve(receiver);
        half.write_all(&bytes[..bytes.len() - 1]).await.unwrap();
        drop(half);
        sleep(Duration::from_secs(1)).await;
        assert!(
            calls.try_recv().is_err(),
            "a webhook that did not come whole was reported"
        );
    });
}

#[test]
fn a_client_over_tcp_is_answered() {
    on_sockets(async {
        let (receiver, mut calls) = receiver(STAMP);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::task::spawn_local(async move {
            let (stream, _) = listener.accept().await.unwrap();
            receiver.serve_connection(Box::new(stream)).await;
        });
        let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
        let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
        tokio::task::spawn_local(connection);
        let request = hyper::Request::post("/hooks/openai")
            .header("host", "hooks.test")
            .header(
                "user-agent",
                "OpenAI/1.0 (+https://platform.openai.com/docs/webhooks)",
            )
            .header("content-type", "application/json")
            .header("webhook-id", "wh_0001")
            .header("webhook-timestamp", STAMP)
            .header("webhook-signature", SIGNATURE)
            .body(Full::new(Bytes::from(BODY)))
            .unwrap();
        let reply = tokio::task::spawn_local(sender.send_request(request));
        let call = calls.recv().await.unwrap();
        assert_eq!((call.webhook.genuine, call.webhook.send), (Genuine::Valid, None));
        call.answer(http::StatusCode::OK);
        assert_eq!(reply.await.unwrap().unwrap().status(), 200);
    });
}

proptest! {
    /// No bytes make the receiver panic or report anything that is not signed as genuine.
    #[test]
    fn any_bytes_are_survived(
        body in prop::collection::vec(any::<u8>(), 0..120),
        raw in any::<bool>(),
        signature in "[ -~]{0,60}",
    ) {
        let bytes = if raw { body } else { delivery("POST", STAMP, &signature, &body) };
        in_memory(async {
            let (receiver, mut calls) = receiver(STAMP);
            let mut stream = serve(receiver);
            stream.write_all(&bytes).await.unwrap();
            stream.shutdown().await.unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.unwrap();
            assert!(calls.try_recv().is_err());
        });
    }
}
