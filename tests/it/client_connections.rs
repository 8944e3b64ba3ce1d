//! The connections of the client: keep-alive, the pool, refusal and abort.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use lanebench::runtime::{Dial, Fact, Limits, TcpDial};
use lanebench::wire::{Ask, Break, Reply};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::client_support::{
    MemoryDial, Probe, Seen, Streamed, always, create, header, id, in_memory, ok_json, on_sockets,
    read_request, reply, response_json,
};

fn poll() -> Ask {
    Ask::Poll(id("resp_1"))
}

#[test]
fn one_exchange_can_be_refused_while_idle_connections_wait() {
    in_memory(async {
        let dial = MemoryDial::new(|_, stream| always(stream, ok_json(&response_json("resp_1", "queued"))));
        let mut probe = Probe::in_memory(&dial);
        probe.one("0.1.1.poll.1", poll()).await;
        dial.refuse("0.1.1.poll.2");
        assert_eq!(
            probe.one("0.1.1.poll.2", poll()).await,
            Fact::Broke(Break::Refused)
        );
        assert_eq!(probe.client.idle(), 1, "the idle connection was not touched");
        assert!(matches!(
            probe.one("0.1.1.poll.3", poll()).await,
            Fact::Reply(Reply::Response(_))
        ));
        assert_eq!(dial.made(), 1);
    });
}

#[test]
fn exchanges_one_after_the_other_share_a_connection() {
    for body in [response_json("resp_1", "queued"), String::new()] {
        in_memory(async {
            let reply = ok_json(&body);
            let dial = MemoryDial::new(move |_, stream| always(stream, reply.clone()));
            let mut probe = Probe::in_memory(&dial);
            for nth in 1..=50 {
                probe.one(&format!("0.1.1.poll.{nth}"), poll()).await;
                assert_eq!(probe.client.idle(), 1);
            }
            assert_eq!(dial.made(), 1);
        });
    }
}

#[test]
fn exchanges_at_once_have_a_connection_each_and_few_are_kept() {
    in_memory(async {
        let dial = MemoryDial::new(|_, mut stream| async move {
            while read_request(&mut stream).await.is_some() {
                sleep(Duration::from_secs(1)).await;
                stream
                    .write_all(&ok_json(&response_json("resp_1", "queued")))
                    .await
                    .unwrap();
            }
        });
        let mut probe = Probe::with_limits(
            &dial,
            Limits {
                idle_max: 3,
                ..Limits::default()
            },
        );
        for round in 0..2 {
            for nth in 1..=5 {
                probe
                    .client
                    .send(format!("{round}.1.1.poll.{nth}").parse().unwrap(), poll());
            }
            assert_eq!(probe.client.open(), 5);
            for _ in 1..=5 {
                assert!(matches!(probe.next().await.1, Fact::Reply(Reply::Response(_))));
            }
            assert_eq!((probe.client.open(), probe.client.idle()), (0, 3));
        }
        assert_eq!(dial.made(), 5 + 2, "the second round found three connections");
    });
}

#[test]
fn the_last_connection_put_back_is_the_first_taken() {
    in_memory(async {
        let log = Rc::new(RefCell::new(Vec::new()));
        let seen = Rc::clone(&log);
        let dial = MemoryDial::new(move |number, mut stream| {
            let seen = Rc::clone(&seen);
            async move {
                while read_request(&mut stream).await.is_some() {
                    seen.borrow_mut().push(number);
                    sleep(Duration::from_secs(u64::from(number))).await;
                    stream
                        .write_all(&ok_json(&response_json("resp_1", "queued")))
                        .await
                        .unwrap();
                }
            }
        });
        let mut probe = Probe::in_memory(&dial);
        for nth in 1..=3 {
            probe
                .client
                .send(format!("0.1.1.poll.{nth}").parse().unwrap(), poll());
        }
        for _ in 1..=3 {
            probe.next().await;
        }
        probe.one("0.1.1.poll.4", poll()).await;
        probe.one("0.1.1.poll.5", poll()).await;
        assert_eq!(
            log.borrow()[3..],
            [3, 3],
            "the slowest of the three came back last"
        );
    });
}

#[test]
fn bytes_that_nobody_asked_for_end_a_connection_before_it_is_used_again() {
    in_memory(async {
        let dial = MemoryDial::new(|_, stream| async {
            let mut bytes = ok_json(&response_json("resp_1", "queued"));
            bytes.extend_from_slice(b"trailing garbage");
            always(stream, bytes).await;
        });
        let mut probe = Probe::in_memory(&dial);
        for nth in 1..=3 {
            let fact = probe.one(&format!("0.1.1.poll.{nth}"), poll()).await;
            assert!(matches!(fact, Fact::Reply(Reply::Response(_))), "{fact:?}");
            assert_eq!(dial.made(), nth);
        }
    });
}

#[test]
fn a_server_that_answers_before_it_took_the_request_is_heard_and_left() {
    in_memory(async {
        let dial = MemoryDial::with_buffer(16, |_, mut stream| async move {
            let refusal = reply("413 Payload Too Large", "", "no");
            stream.write_all(&refusal).await.unwrap();
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).await.unwrap();
            assert!(!rest.is_empty());
        });
        let mut probe = Probe::in_memory(&dial);
        let fact = probe.one("0.1.1.create.1", create(Streamed::No)).await;
        assert!(matches!(fact, Fact::Reply(Reply::Error(error)) if error.http == 413));
        assert_eq!(probe.client.idle(), 0);
    });
}

#[test]
fn a_connection_that_the_server_will_close_is_not_kept() {
    in_memory(async {
        let body = response_json("resp_1", "queued");
        let closing = reply("200 OK", "connection: close\r\n", &body);
        let dial = MemoryDial::new(move |_, stream| always(stream, closing.clone()));
        let mut probe = Probe::in_memory(&dial);
        for nth in 1..=2 {
            probe.one(&format!("0.1.1.poll.{nth}"), poll()).await;
            assert_eq!((probe.client.idle(), dial.made()), (0, nth));
        }
    });
}

/// Where an exchange stands when it is aborted.
#[derive(Clone, Copy, Debug)]
enum Moment {
    Waiting,
    InBody,
    InStream,
}

#[test]
fn an_abort_closes_the_connection_and_says_nothing_more() {
    for moment in [Moment::Waiting, Moment::InBody, Moment::InStream] {
        for drop_client in [false, true] {
            in_memory(abort_at(moment, drop_client));
        }
    }
}

async fn abort_at(moment: Moment, drop_client: bool) {
    let (reached, at_moment) = oneshot::channel();
    let (ended, at_end) = oneshot::channel();
    let signals = RefCell::new(Some((reached, ended)));
    let dial = MemoryDial::new(move |_, mut stream| {
        let (reached, ended) = signals.borrow_mut().take().unwrap();
        async move {
            read_request(&mut stream).await.unwrap();
            let bytes: &[u8] = match moment {
                Moment::Waiting => b"",
                Moment::InBody => b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{",
                Moment::InStream => b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n:\n",
            };
            stream.write_all(bytes).await.unwrap();
            // The clock moves only when the client has taken everything there is.
            sleep(Duration::from_millis(1)).await;
            reached.send(()).unwrap();
            let mut rest = Vec::new();
            assert_eq!(stream.read_to_end(&mut rest).await.unwrap(), 0, "{moment:?}");
            let late = stream.write_all(b"too late").await;
            assert!(late.is_err(), "the client still listens: {moment:?}");
            ended.send(()).unwrap();
        }
    });
    let mut probe = Probe::in_memory(&dial);
    let exchange = "0.1.1.create.1".parse().unwrap();
    probe.client.send(exchange, create(Streamed::Yes));
    at_moment.await.unwrap();
    if let Moment::InStream = moment {
        assert_eq!(probe.next().await.1, Fact::Reply(Reply::StreamOpen));
    }
    if drop_client {
        drop(std::mem::replace(&mut probe, Probe::in_memory(&dial)));
    } else {
        probe.client.abort(exchange);
        assert_eq!(probe.client.open(), 0);
        probe.client.abort(exchange);
    }
    at_end.await.unwrap();
    assert!(probe.is_silent(), "{moment:?}");
    assert_eq!(probe.client.idle(), 0);
}

#[test]
fn an_abort_over_tcp_closes_the_socket() {
    on_sockets(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let dial: Rc<dyn Dial> = Rc::new(TcpDial::new(address.as_str()));
        let mut probe = Probe::new(&address, Limits::default(), dial);
        let exchange = "0.1.1.poll.1".parse().unwrap();
        probe.client.send(exchange, poll());
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await.unwrap();
        probe.client.abort(exchange);
        assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0);
        assert!(probe.is_silent());
    });
}

#[test]
fn an_exchange_that_is_aborted_before_it_ran_never_connects() {
    in_memory(async {
        let dial = MemoryDial::new(|_, _| async {});
        let mut probe = Probe::in_memory(&dial);
        let exchange = "0.1.1.poll.1".parse().unwrap();
        probe.client.send(exchange, poll());
        probe.client.abort(exchange);
        sleep(Duration::from_millis(1)).await;
        assert_eq!((dial.made(), probe.client.open()), (0, 0));
        assert!(probe.is_silent());
    });
}

#[test]
fn a_kept_connection_that_took_the_request_and_closed_is_no_reply() {
    for taken in [1, usize::MAX] {
        in_memory(async {
            let dial = MemoryDial::new(move |_, mut stream| async move {
                read_request(&mut stream).await.unwrap();
                let first = ok_json(&response_json("resp_1", "queued"));
                stream.write_all(&first).await.unwrap();
                // The second request is read in part or whole; either way the service may have acted on it.
                match taken {
                    1 => drop(stream.read_u8().await.unwrap()),
                    _ => drop(read_request(&mut stream).await.unwrap()),
                }
            });
            let mut probe = Probe::in_memory(&dial);
            probe.one("0.1.1.create.1", create(Streamed::No)).await;
            let fact = probe.one("0.1.1.create.2", create(Streamed::No)).await;
            assert_eq!(fact, Fact::Broke(Break::NoReply));
            assert_eq!(dial.made(), 1, "what may have been seen is never sent again");
        });
    }
}

#[test]
fn a_connection_closed_while_idle_costs_nothing() {
    in_memory(async {
        let log: Rc<RefCell<Vec<(u32, Seen)>>> = Rc::default();
        let seen = Rc::clone(&log);
        let dial = MemoryDial::new(move |number, mut stream| {
            let seen = Rc::clone(&seen);
            async move {
                let request = read_request(&mut stream).await.unwrap();
                seen.borrow_mut().push((number, request));
                stream
                    .write_all(&ok_json(&response_json("resp_1", "queued")))
                    .await
                    .unwrap();
                sleep(Duration::from_secs(30)).await;
            }
        });
        let mut probe = Probe::in_memory(&dial);
        probe.one("0.1.1.create.1", create(Streamed::No)).await;
        assert_eq!(probe.client.idle(), 1);
        sleep(Duration::from_secs(31)).await;
        let fact = probe.one("0.1.1.create.2", create(Streamed::No)).await;
        assert!(matches!(fact, Fact::Reply(Reply::Response(_))), "{fact:?}");
        let log = log.borrow();
        let keys: Vec<_> = log
            .iter()
            .map(|(number, seen)| (*number, header(&seen.head, "x-lanebench-exchange").unwrap()))
            .collect();
        assert_eq!(keys, [(1, "0.1.1.create.1"), (2, "0.1.1.create.2")]);
    });
}

#[test]
fn a_socket_closed_while_idle_costs_nothing() {
    on_sockets(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let dial: Rc<dyn Dial> = Rc::new(TcpDial::new(address.as_str()));
        let mut probe = Probe::new(&address, Limits::default(), dial);
        let body = ok_json(&response_json("resp_1", "queued"));
        let mut heads = Vec::new();
        for nth in 1..=3 {
            let exchange = format!("0.1.1.create.{nth}").parse().unwrap();
            probe.client.send(exchange, create(Streamed::No));
            let (mut stream, _) = tokio::select! {
                biased;
                accepted = listener.accept() => accepted.unwrap(),
                (_, fact) = probe.next() => panic!("{fact:?} without a new connection"),
            };
            heads.push(read_request(&mut stream).await.unwrap().head);
            stream.write_all(&body).await.unwrap();
            assert!(matches!(probe.next().await.1, Fact::Reply(Reply::Response(_))));
            assert_eq!(probe.client.idle(), 1);
            drop(stream);
            // An exchange of bytes elsewhere: once it is seen, so is the close before it.
            let elsewhere = tokio::net::TcpStream::connect(&address).await.unwrap();
            let (mut other, _) = listener.accept().await.unwrap();
            other.write_all(b"x").await.unwrap();
            elsewhere.readable().await.unwrap();
        }
        let keys: Vec<_> = heads
            .iter()
            .filter_map(|head| header(head, "x-lanebench-exchange"))
            .collect();
        assert_eq!(keys, ["0.1.1.create.1", "0.1.1.create.2", "0.1.1.create.3"]);
    });
}
