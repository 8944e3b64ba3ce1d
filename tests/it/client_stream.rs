//! Event streams through the client: order, cuts at every byte, slow pieces, caps and bytes that are no events.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use lanebench::runtime::{EventReader, Fact, Limits};
use lanebench::wire::{Ask, Event, Reply, SseLimits, Status, StreamEvent};
use proptest::prelude::*;
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, sleep};

use crate::client_support::{
    MemoryDial, Probe, Streamed, create, id, in_memory, read_request, response_json,
};

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n\r\n";

fn frame(name: &str, data: &str) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

fn life_cycle(seq: u64, name: &str, status: &str) -> String {
    let response = response_json("resp_1", status);
    frame(
        name,
        &format!(r#"{{"type":"{name}","sequence_number":{seq},"response":{response}}}"#),
    )
}

fn delta(seq: u64, text: &str) -> String {
    let name = "response.output_text.delta";
    frame(
        name,
        &format!(
            r#"{{"type":"{name}","item_id":"msg_1","output_index":0,"content_index":0,"delta":"{text}","logprobs":[],"sequence_number":{seq},"obfuscation":"aX9"}}"#
        ),
    )
}

/// A background stream with letters of two and four bytes.
fn whole() -> Vec<String> {
    vec![
        life_cycle(0, "response.created", "queued"),
        life_cycle(1, "response.queued", "queued"),
        life_cycle(2, "response.in_progress", "in_progress"),
        delta(3, "Zürich "),
        delta(4, "🚲"),
        life_cycle(5, "response.completed", "completed"),
    ]
}

/// All facts of a streamed create when `pieces` come a millisecond apart and the connection closes.
fn facts_of(head: &str, pieces: Vec<Vec<u8>>) -> Vec<Fact> {
    in_memory(async {
        let head = head.to_owned();
        let dial = MemoryDial::new(move |_, mut stream| {
            let (head, pieces) = (head.clone(), pieces.clone());
            async move {
                read_request(&mut stream).await.unwrap();
                stream.write_all(head.as_bytes()).await.unwrap();
                for piece in pieces {
                    if stream.write_all(&piece).await.is_err() {
                        return;
                    }
                    sleep(Duration::from_millis(1)).await;
                }
            }
        });
        Probe::in_memory(&dial)
            .carry("0.1.1.create.1", create(Streamed::Yes))
            .await
    })
}

/// The events between the head and the end of the stream.
#[track_caller]
fn events(facts: Vec<Fact>) -> Vec<StreamEvent> {
    let (first, rest) = facts.split_first().unwrap();
    let (last, events) = rest.split_last().unwrap();
    assert_eq!(
        (first, last),
        (&Fact::Reply(Reply::StreamOpen), &Fact::StreamEnded)
    );
    let event = |fact: &Fact| match fact {
        Fact::Event(event) => event.clone(),
        other => panic!("{other:?} inside a stream"),
    };
    events.iter().map(event).collect()
}

fn seqs(events: &[StreamEvent]) -> Vec<u64> {
    events.iter().map(|event| event.seq).collect()
}

/// The events of `bytes`, given to the reader in one piece.
fn read(bytes: &[u8]) -> Vec<StreamEvent> {
    let mut found = Vec::new();
    EventReader::new(SseLimits::default(), None)
        .read(bytes, |event| found.push(event))
        .unwrap();
    found
}

#[test]
fn a_background_stream_is_reported_event_by_event() {
    let pieces = whole().into_iter().map(String::into_bytes).collect();
    let events = events(facts_of(HEAD, pieces));
    assert_eq!(seqs(&events), [0, 1, 2, 3, 4, 5]);
    assert!(matches!(&events[0].event, Event::Created(response) if response.status == Status::Queued));
    assert!(matches!(&events[3].event, Event::TextDelta { delta, .. } if &**delta == "Zürich "));
    assert!(matches!(&events[5].event, Event::Completed(response) if response.id == id("resp_1")));
}

#[test]
fn every_cut_of_a_stream_keeps_the_events_before_it() {
    let frames = whole();
    let bytes = frames.concat().into_bytes();
    let mut ends: Vec<usize> = Vec::new();
    for frame in &frames {
        ends.push(ends.last().copied().unwrap_or(0) + frame.len());
    }
    for cut in 0..=bytes.len() {
        let complete = ends.iter().filter(|end| **end <= cut).count() as u64;
        let events = events(facts_of(HEAD, vec![bytes[..cut].to_vec()]));
        assert_eq!(seqs(&events), (0..complete).collect::<Vec<_>>(), "cut at {cut}");
    }
}

#[test]
fn a_chunked_stream_that_breaks_off_ends_like_one_that_closes() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: Text/Event-Stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let event = life_cycle(0, "response.created", "queued");
    let chunk = format!("{:x}\r\n{event}\r\n", event.len());
    for end in ["", "0\r\n\r\n", "ff\r\nevent: resp", "zz\r\n"] {
        let events = events(facts_of(head, vec![format!("{chunk}{end}").into_bytes()]));
        assert_eq!(seqs(&events), [0], "{end:?}");
    }
}

proptest! {
    /// Where the pieces end makes no difference, inside UTF-8 and between `event:` and `data:` included.
    #[test]
    fn pieces_make_no_difference(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12)) {
        let bytes = whole().concat().into_bytes();
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        let pieces = at.windows(2).map(|pair| bytes[pair[0]..pair[1]].to_vec()).collect();
        prop_assert_eq!(events(facts_of(HEAD, pieces)), read(&bytes));
    }

    /// No bytes make the reader panic, and its events do not depend on where they were cut.
    #[test]
    fn any_bytes_are_read(
        parts in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..30),
                Just(b"event: response.created\n".to_vec()),
                Just(b"data: {\"type\":\"error\",\"sequence_number\":18446744073709551615}\n\n".to_vec()),
                Just(b"data: {\"type\":\"x\",\"sequence_number\":-1,\"response\":[]}\r\n\r\n".to_vec()),
                Just(b"data: {\"type\":\"keepalive\"}\n\n".to_vec()),
                Just(b"data: [DONE]\n\n".to_vec()),
            ],
            0..12,
        ),
        piece in 1_usize..20,
    ) {
        let bytes = parts.concat();
        let mut found = Vec::new();
        let mut reader = EventReader::new(SseLimits::default(), None);
        for piece in bytes.chunks(piece) {
            reader.read(piece, |event| found.push(event)).unwrap();
        }
        prop_assert_eq!(found, read(&bytes));
    }
}

#[test]
fn each_event_is_reported_when_its_last_byte_comes() {
    in_memory(async {
        let bytes = [HEAD.to_owned(), whole().concat()].concat().into_bytes();
        let count = bytes.len();
        let dial = MemoryDial::new(move |_, mut stream| {
            let bytes = bytes.clone();
            async move {
                read_request(&mut stream).await.unwrap();
                for byte in bytes {
                    sleep(Duration::from_secs(600)).await;
                    stream.write_all(&[byte]).await.unwrap();
                }
            }
        });
        let mut probe = Probe::in_memory(&dial);
        let start = Instant::now();
        probe
            .client
            .send("0.1.1.create.1".parse().unwrap(), create(Streamed::Yes));
        let mut expected = HEAD.len();
        let mut fact = probe.next().await.1;
        assert_eq!(fact, Fact::Reply(Reply::StreamOpen));
        for frame in whole() {
            assert_eq!(
                start.elapsed(),
                Duration::from_secs(600) * expected as u32,
                "{fact:?}"
            );
            expected += frame.len();
            fact = probe.next().await.1;
        }
        assert_eq!(expected, count);
        assert_eq!(probe.next().await.1, Fact::StreamEnded);
    });
}

#[test]
fn unknown_events_move_the_cursor_and_strange_frames_are_passed_over() {
    let text = [
        ": a comment\n\n",
        &frame(
            "response.mood.changed",
            r#"{"type":"response.mood.changed","sequence_number":7,"mood":"calm"}"#,
        ),
        &frame("keepalive", r#"{"type":"keepalive","sequence_number":9}"#),
        &frame("response.created", "no json"),
        &frame(
            "response.created",
            r#"{"type":"response.created","sequence_number":10}"#,
        ),
        "data: [DONE]\n\n",
        "event: lonely\n\n",
        "data: {\"type\":\"keepalive\",\r\ndata: \"sequence_number\":12}\r\n\r\n",
    ]
    .concat();
    let found = events(facts_of(HEAD, vec![text.into_bytes()]));
    assert_eq!(seqs(&found), [7, 9, 12]);
    assert_eq!(
        found[0].event,
        Event::Unknown {
            name: "response.mood.changed".into()
        }
    );
    assert_eq!(
        (&found[1].event, &found[2].event),
        (&Event::Keepalive, &Event::Keepalive)
    );
}

#[test]
fn both_shapes_of_an_error_are_read_and_the_stream_goes_on() {
    let nested = r#"{"type":"error","sequence_number":2,"error":{"type":"insufficient_quota","code":"insufficient_quota","message":"Quota used up.","param":null}}"#;
    let flat =
        r#"{"type":"error","code":"server_error","message":"Broken.","param":null,"sequence_number":3}"#;
    let text = [
        frame("error", nested),
        frame("error", flat),
        life_cycle(4, "response.failed", "failed"),
    ]
    .concat();
    let found = events(facts_of(HEAD, vec![text.into_bytes()]));
    assert_eq!(seqs(&found), [2, 3, 4]);
    let error = |code: &str, message: &str| Event::Error {
        code: code.into(),
        message: message.into(),
    };
    assert_eq!(found[0].event, error("insufficient_quota", "Quota used up."));
    assert_eq!(found[1].event, error("server_error", "Broken."));
    assert!(matches!(&found[2].event, Event::Failed(_)));
}

#[test]
fn events_without_numbers_are_counted_on_from_the_cursor() {
    let bare = frame("keepalive", r#"{"type":"keepalive"}"#);
    let numbered = frame("keepalive", r#"{"type":"keepalive","sequence_number":40}"#);
    let text = [bare.as_str(), &bare, &numbered, &bare].concat();
    for (after, expected) in [(None, [0, 1, 40, 41]), (Some(6), [7, 8, 40, 41])] {
        let mut found = Vec::new();
        let mut reader = EventReader::new(SseLimits::default(), after);
        reader.read(text.as_bytes(), |event| found.push(event)).unwrap();
        assert_eq!(seqs(&found), expected, "after {after:?}");
    }
}

#[test]
fn a_stream_over_a_cap_ends_and_its_connection_closes() {
    let closed = Rc::new(RefCell::new(0));
    for limits in [
        SseLimits {
            frame_bytes: 4096,
            stream_bytes: 1 << 20,
        },
        SseLimits {
            frame_bytes: 1 << 20,
            stream_bytes: 4096,
        },
    ] {
        in_memory(async {
            let counter = Rc::clone(&closed);
            let dial = MemoryDial::new(move |_, mut stream| {
                let counter = Rc::clone(&counter);
                async move {
                    read_request(&mut stream).await.unwrap();
                    let start = [HEAD.to_owned(), life_cycle(0, "response.created", "queued")].concat();
                    stream.write_all(start.as_bytes()).await.unwrap();
                    while stream.write_all(b"data: x").await.is_ok() {}
                    *counter.borrow_mut() += 1;
                }
            });
            let mut probe = Probe::with_limits(
                &dial,
                Limits {
                    stream: limits,
                    ..Limits::default()
                },
            );
            let events = events(probe.carry("0.1.1.create.1", create(Streamed::Yes)).await);
            assert_eq!(seqs(&events), [0]);
            assert_eq!(probe.client.idle(), 0);
            sleep(Duration::from_millis(1)).await;
        });
    }
    assert_eq!(*closed.borrow(), 2);
}

#[test]
fn a_stream_is_read_to_its_end_behind_the_last_event() {
    let mut bytes = whole().concat();
    bytes.push_str(&frame("keepalive", r#"{"type":"keepalive","sequence_number":6}"#));
    let events = events(facts_of(HEAD, vec![bytes.into_bytes()]));
    assert_eq!(seqs(&events), [0, 1, 2, 3, 4, 5, 6]);
}

#[test]
fn an_empty_stream_is_one_that_ended() {
    in_memory(async {
        let dial = MemoryDial::new(|_, mut stream| async move {
            let request = read_request(&mut stream).await.unwrap();
            assert!(
                request
                    .head
                    .starts_with("GET /v1/responses/resp_1?stream=true HTTP/1.1\r\n")
            );
            stream.write_all(HEAD.as_bytes()).await.unwrap();
        });
        let ask = Ask::Stream {
            id: id("resp_1"),
            after: None,
        };
        let facts = Probe::in_memory(&dial).carry("0.1.1.stream.1", ask).await;
        assert_eq!(facts, [Fact::Reply(Reply::StreamOpen), Fact::StreamEnded]);
    });
}
