//! The client against a server that is nothing but bytes: cuts, resets, stalls, keep-alive and abort.

use std::rc::Rc;
use std::time::Duration;

use lanebench::runtime::{Dial, Fact, Limits, TcpDial};
use lanebench::wire::{Ask, Break, Reply, Status};
use proptest::prelude::*;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

use crate::client_support::{
    MemoryDial, Probe, Streamed, always, create, id, in_memory, ok_json, on_sockets, read_request, reply,
    response_json,
};

fn poll() -> Ask {
    Ask::Poll(id("resp_1"))
}

/// Carries one create against a server that reads the request, writes `bytes` and closes.
fn fact_of(bytes: &[u8]) -> Fact {
    in_memory(async {
        let bytes = bytes.to_vec();
        let dial = MemoryDial::new(move |_, mut stream| {
            let bytes = bytes.clone();
            async move {
                read_request(&mut stream).await.unwrap();
                stream.write_all(&bytes).await.unwrap();
            }
        });
        let mut probe = Probe::in_memory(&dial);
        let fact = probe.one("0.1.1.create.1", create(Streamed::No)).await;
        assert_eq!(dial.made(), 1, "one exchange, one connection");
        fact
    })
}

#[test]
fn every_cut_of_a_reply_is_told_for_what_can_be_known() {
    let whole = ok_json(&response_json("resp_1", "queued"));
    let head = whole.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let id_end = whole.windows(7).position(|seven| seven == b"resp_1\"").unwrap() + 7;
    for cut in 0..whole.len() {
        let expected = match cut {
            _ if cut < head => Break::NoReply,
            _ if cut < id_end => Break::Cut { id: None },
            _ => Break::Cut {
                id: Some(id("resp_1")),
            },
        };
        assert_eq!(fact_of(&whole[..cut]), Fact::Broke(expected), "cut at {cut}");
    }
    assert!(matches!(fact_of(&whole), Fact::Reply(Reply::Response(_))));
}

proptest! {
    /// Whatever the id is and wherever the pieces end: a cut shows the id if its closing quote had come.
    #[test]
    fn a_cut_shows_the_id_iff_its_closing_quote_came(
        word in "[a-zA-Z0-9_-]{1,20}|[^\\p{C}]{1,8}",
        piece in 1_usize..40,
        at in any::<prop::sample::Index>(),
        chunked in any::<bool>(),
    ) {
        let quoted = serde_json::to_string(&word).unwrap();
        let body = format!(r#"{{ "object": "response", "id" : {quoted},"status":"queued","output":[]}}"#);
        let id_end = body.find(&quoted).unwrap() + quoted.len();
        let cut = at.index(body.len());
        let (head, bytes) = if chunked {
            let pieces = body.as_bytes()[..cut].chunks(piece);
            let bytes = pieces.flat_map(|piece| [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat());
            ("transfer-encoding: chunked".to_owned(), bytes.collect())
        } else {
            (format!("content-length: {}", body.len()), body.as_bytes()[..cut].to_vec())
        };
        let fact = in_memory(async {
            let dial = MemoryDial::new(move |_, mut stream| {
                let (head, bytes) = (head.clone(), bytes.clone());
                async move {
                    read_request(&mut stream).await.unwrap();
                    stream.write_all(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n").as_bytes()).await.unwrap();
                    for piece in bytes.chunks(piece) {
                        stream.write_all(piece).await.unwrap();
                        sleep(Duration::from_millis(1)).await;
                    }
                }
            });
            Probe::in_memory(&dial).one("0.1.1.create.1", create(Streamed::No)).await
        });
        let known = (cut >= id_end).then(|| id(&word));
        prop_assert_eq!(fact, Fact::Broke(Break::Cut { id: known }));
    }

    /// No bytes make the client panic, hang or report more than one last fact.
    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200), after_head in any::<bool>()) {
        let mut all = if after_head { b"HTTP/1.1 200 OK\r\n".to_vec() } else { Vec::new() };
        all.extend(bytes);
        let fact = fact_of(&all);
        prop_assert!(!matches!(fact, Fact::Event(_) | Fact::StreamEnded), "{:?}", fact);
    }
}

#[test]
fn a_head_that_is_none_is_no_reply() {
    for bytes in [
        "",
        "\r\n\r\n",
        "SMTP ready\r\n\r\n",
        "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
    ] {
        assert_eq!(
            fact_of(bytes.as_bytes()),
            Fact::Broke(Break::NoReply),
            "{bytes:?}"
        );
    }
    let endless = format!("HTTP/1.1 200 OK\r\nx-noise: {}\r\n\r\n", "n".repeat(800_000));
    let fact = in_memory(async {
        let dial = MemoryDial::new(move |_, mut stream| {
            let endless = endless.clone();
            async move {
                read_request(&mut stream).await.unwrap();
                // The client gives up long before the end.
                assert!(stream.write_all(endless.as_bytes()).await.is_err());
            }
        });
        Probe::in_memory(&dial)
            .one("0.1.1.create.1", create(Streamed::No))
            .await
    });
    assert_eq!(fact, Fact::Broke(Break::NoReply));
}

#[test]
fn a_body_with_broken_framing_is_cut() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    for body in [
        "",
        "zz\r\n{}\r\n",
        "5\r\n{}",
        "2\r\n{}\r\n",
        "fffffffffffffffff\r\n{}",
    ] {
        let fact = fact_of(format!("{chunked}{body}").as_bytes());
        assert_eq!(fact, Fact::Broke(Break::Cut { id: None }), "{body:?}");
    }
}

#[test]
fn an_error_reply_stands_even_if_its_body_is_cut() {
    let whole = reply(
        "429 Too Many Requests",
        "retry-after: 9\r\n",
        r#"{"error":{"message":"m","type":"t"}}"#,
    );
    let head = whole.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    for cut in head..whole.len() {
        let Fact::Reply(Reply::Error(error)) = fact_of(&whole[..cut]) else {
            panic!("cut at {cut}")
        };
        assert_eq!(
            (error.http, error.wait),
            (429, Some(lanebench::wire::Wait::Seconds(9))),
            "cut at {cut}"
        );
    }
}

#[test]
fn provisional_heads_are_passed_over() {
    let mut bytes = b"HTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n".repeat(2);
    bytes.extend(ok_json(&response_json("resp_1", "queued")));
    assert!(matches!(fact_of(&bytes), Fact::Reply(Reply::Response(_))));
}

#[test]
fn a_body_over_the_cap_is_unreadable_and_its_connection_closed() {
    let limits = Limits {
        body_bytes: 64,
        ..Limits::default()
    };
    for (length, fits) in [(64, true), (65, false), (4000, false)] {
        let object = r#"{"id":"resp_1","status":"queued","output":[]"#;
        let body = format!("{object}{}}}", " ".repeat(length - object.len() - 1));
        let (fact, idle) = in_memory(async {
            let reply = ok_json(&body);
            let dial = MemoryDial::new(move |_, stream| always(stream, reply.clone()));
            let mut probe = Probe::with_limits(&dial, limits);
            let fact = probe.one("0.1.1.create.1", create(Streamed::No)).await;
            (fact, probe.client.idle())
        });
        if fits {
            assert!(matches!(fact, Fact::Reply(Reply::Response(_))));
        } else {
            assert_eq!(
                fact,
                Fact::Broke(Break::Unreadable {
                    id: Some(id("resp_1"))
                })
            );
        }
        assert_eq!(idle, usize::from(fits));
    }
}

#[test]
fn sixteen_mebibytes_are_drained_over_a_small_pipe() {
    let body = format!(
        r#"{{"id":"resp_1","status":"queued","output":[],"pad":"{}"}}"#,
        "x".repeat((16 << 20) - 64)
    );
    assert!(body.len() <= 16 << 20);
    let fact = in_memory(async {
        let reply = ok_json(&body);
        let dial = MemoryDial::with_buffer(4096, move |_, stream| always(stream, reply.clone()));
        Probe::in_memory(&dial).one("0.1.1.poll.1", poll()).await
    });
    assert!(matches!(fact, Fact::Reply(Reply::Response(_))));
}

#[test]
fn a_slow_reply_is_waited_for_and_stamped_when_it_is_whole() {
    in_memory(async {
        let bytes = ok_json(&response_json("resp_1", "in_progress"));
        let count = bytes.len() as u32;
        let dial = MemoryDial::new(move |_, mut stream| {
            let bytes = bytes.clone();
            async move {
                read_request(&mut stream).await.unwrap();
                for byte in bytes {
                    sleep(Duration::from_secs(3600)).await;
                    stream.write_all(&[byte]).await.unwrap();
                }
                assert_eq!(read_request(&mut stream).await, None);
            }
        });
        let mut probe = Probe::in_memory(&dial);
        let start = Instant::now();
        let fact = probe.one("0.1.1.poll.1", poll()).await;
        assert!(
            matches!(fact, Fact::Reply(Reply::Response(response)) if response.status == Status::InProgress)
        );
        assert_eq!(
            start.elapsed(),
            Duration::from_secs(3600) * count,
            "no timer of its own ended the wait"
        );
    });
}

/// A server on a real socket that reads one request, writes `bytes` and resets the connection.
async fn reset_after(bytes: &'static [u8]) -> Fact {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = tokio::task::spawn_local(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream.set_zero_linger().unwrap();
    });
    let dial: Rc<dyn Dial> = Rc::new(TcpDial::new(address.as_str()));
    let fact = Probe::new(&address, Limits::default(), dial)
        .one("0.1.1.create.1", create(Streamed::No))
        .await;
    server.await.unwrap();
    fact
}

#[test]
fn a_reset_before_the_head_is_no_reply() {
    on_sockets(async {
        assert_eq!(reset_after(b"").await, Fact::Broke(Break::NoReply));
        assert_eq!(reset_after(b"HTTP/1.1 200 O").await, Fact::Broke(Break::NoReply));
    });
}

#[test]
fn a_reset_inside_a_stream_ends_it() {
    on_sockets(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let dial: Rc<dyn Dial> = Rc::new(TcpDial::new(address.as_str()));
        let mut probe = Probe::new(&address, Limits::default(), dial);
        probe
            .client
            .send("0.1.1.create.1".parse().unwrap(), create(Streamed::Yes));
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await.unwrap();
        let start = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\nevent: resp";
        stream.write_all(start).await.unwrap();
        // A reset throws away what was not read yet, so it waits until the client has it.
        assert_eq!(probe.next().await.1, Fact::Reply(Reply::StreamOpen));
        stream.set_zero_linger().unwrap();
        drop(stream);
        assert_eq!(probe.next().await.1, Fact::StreamEnded);
        assert_eq!(probe.client.idle(), 0);
    });
}

#[test]
fn a_connection_that_never_opens_is_refused() {
    in_memory(async {
        let dial = MemoryDial::with_buffer(0, |_, _| async {});
        let fact = Probe::in_memory(&dial)
            .one("0.1.1.create.1", create(Streamed::No))
            .await;
        assert_eq!(fact, Fact::Broke(Break::Refused));
        assert_eq!(dial.made(), 1, "one exchange, one attempt to connect");
    });
}
