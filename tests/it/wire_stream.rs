//! Event streams: from values to bytes, from bytes cut anywhere to values.

use lanebench::wire::{
    ErrorShape, Event, EventError, Frame, Shown, SseError, SseLimits, SseReader, Status, StreamEnd,
    StreamEvent, parse_event, render_event,
};
use proptest::prelude::*;

use crate::wire::echo;
use crate::wire_values as values;

const STREAM: &str = include_str!("../golden/stream.sse");

/// A frame with its own bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Owned {
    Event(String, Vec<u8>),
    Done,
}

/// Reads pieces one after another; frames, error and end.
fn read(pieces: &[&[u8]], limits: SseLimits) -> (Vec<Owned>, Option<SseError>, StreamEnd) {
    let mut reader = SseReader::new(limits);
    let mut frames = Vec::new();
    for piece in pieces {
        let mut input = *piece;
        loop {
            match reader.pull(&mut input) {
                Ok(Some(Frame::Event { name, data })) => {
                    frames.push(Owned::Event(name.to_owned(), data.to_vec()))
                }
                Ok(Some(Frame::Done)) => frames.push(Owned::Done),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(reader.pull(&mut input), Err(error));
                    return (frames, Some(error), reader.end());
                }
            }
        }
        assert!(input.is_empty());
    }
    (frames, None, reader.end())
}

fn whole(text: &str) -> Vec<Owned> {
    let (frames, error, _) = read(&[text.as_bytes()], SseLimits::default());
    assert_eq!(error, None);
    frames
}

fn cut<'a>(bytes: &'a [u8], places: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = places.iter().map(|place| place.index(bytes.len() + 1)).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places.windows(2).map(|ends| &bytes[ends[0]..ends[1]]).collect()
}

fn rendered(event: &StreamEvent, shape: ErrorShape, obfuscation: Option<&str>) -> Vec<u8> {
    let mut out = Vec::new();
    render_event(event, &echo(), shape, obfuscation, &mut out);
    out
}

fn event(name: &str, data: &[u8]) -> Frame<'static> {
    Frame::Event {
        name: name.to_owned().leak(),
        data: data.to_owned().leak(),
    }
}

/// Text that looks like a stream: fields, line ends and odd letters in any order.
fn stream_like() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(&b"event: "[..]),
        Just(&b"data:"[..]),
        Just(&b"data: x"[..]),
        Just(&b"\n"[..]),
        Just(&b"\n\n"[..]),
        Just(&b"\r"[..]),
        Just(&b"\r\n"[..]),
        Just(&b":"[..]),
        Just(&b"\xEF\xBB\xBF"[..]),
        Just(&b"\xC3\xB6"[..]),
        Just(&b"[DONE]"[..]),
        Just(&b"\xFF"[..]),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn an_event_survives(
        event in values::stream_event(),
        flat in any::<bool>(),
        padding in prop::option::of("[a-z]{1,8}"),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
    ) {
        let shape = if flat { ErrorShape::Flat } else { ErrorShape::Nested };
        let bytes = rendered(&event, shape, padding.as_deref());
        let (frames, error, end) = read(&cut(&bytes, &cuts), SseLimits::default());
        prop_assert_eq!((frames.len(), error, end), (1, None, StreamEnd::Between));
        let Owned::Event(name, data) = &frames[0] else { panic!("no event") };
        prop_assert_eq!(&**name, event.event.name());
        prop_assert_eq!(parse_event(name, data), Ok(event.clone()));
        prop_assert_eq!(parse_event("", data), Ok(event.clone()));
        prop_assert_eq!(parse_event("response.completed", data), Ok(event));
    }

    #[test]
    fn cuts_change_nothing(
        bytes in prop_oneof![stream_like(), Just(STREAM.as_bytes().to_vec()), any::<Vec<u8>>()],
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        frame_bytes in prop_oneof![Just(1 << 20), 0_usize..200],
        stream_bytes in prop_oneof![Just(1 << 20), 0_u64..4_000],
    ) {
        let limits = SseLimits { frame_bytes, stream_bytes };
        let (frames, error, end) = read(&[&bytes], limits);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        for pieces in [cut(&bytes, &cuts), single] {
            let (cut_frames, cut_error, cut_end) = read(&pieces, limits);
            prop_assert_eq!(&cut_frames, &frames);
            // Which cap speaks first may depend on how far the reader looked ahead; that one does is certain.
            prop_assert_eq!(cut_error.is_some(), error.is_some());
            if error.is_none() {
                prop_assert_eq!(cut_end, end);
            }
        }
    }

    #[test]
    fn strange_data_do_no_harm(name in any::<String>(), data in any::<Vec<u8>>(), event in values::stream_event(),
        at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let _ = parse_event(&name, &data);
        let mut bytes = rendered(&event, ErrorShape::Nested, None);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        for frame in read(&[&bytes], SseLimits::default()).0 {
            if let Owned::Event(name, data) = frame {
                let _ = parse_event(&name, &data);
            }
        }
    }
}

#[test]
fn a_stream_of_others_is_read() {
    for text in [
        STREAM.to_owned(),
        STREAM.replace('\n', "\r\n"),
        STREAM.replace('\n', "\r"),
        format!("\u{FEFF}{STREAM}"),
    ] {
        let mut frames = whole(&text);
        assert_eq!(frames.pop(), Some(Owned::Done));
        let events: Vec<StreamEvent> = frames
            .iter()
            .map(|frame| match frame {
                Owned::Event(name, data) => parse_event(name, data).unwrap(),
                Owned::Done => panic!("the end came early"),
            })
            .collect();
        let numbers: Vec<u64> = events.iter().map(|event| event.seq).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6, 9, 10, 11, 12, 13]);
        let at = |index: usize| &events[index].event;
        assert_eq!(at(0).response().unwrap().status, Status::Queued);
        assert_eq!(*at(2), Event::Keepalive);
        assert_eq!(
            *at(6),
            Event::TextDelta {
                output: 0,
                item_id: "msg_s1".into(),
                delta: "Köln".into(),
                shown: Shown::default(),
            }
        );
        assert_eq!(
            *at(7),
            Event::Unknown {
                name: "response.mood.changed".into()
            }
        );
        assert!(matches!(at(8), Event::Progress { output: 1, .. }));
        assert_eq!(
            *at(9),
            Event::Error {
                code: "insufficient_quota".into(),
                message: "Nothing left.".into()
            }
        );
        assert_eq!(
            *at(10),
            Event::Error {
                code: "server_error".into(),
                message: "Broken.".into()
            }
        );
        assert_eq!(
            &*at(11).response().unwrap().error.as_ref().unwrap().code,
            "insufficient_quota"
        );
        assert!(at(11).is_last());
    }
}

#[test]
fn frames_are_built_by_the_rules_of_the_format() {
    let mut reader = SseReader::new(SseLimits::default());
    let mut input = &b"event:a\ndata:  x\ndata\nid: 7\nretry: 1\n\n\nevent: lost\n\ndata:y\n\ndata: z"[..];
    assert_eq!(reader.pull(&mut input), Ok(Some(event("a", b" x\n"))));
    assert_eq!(reader.pull(&mut input), Ok(Some(event("", b"y"))));
    assert_eq!(reader.end(), StreamEnd::Between);
    assert_eq!(reader.pull(&mut input), Ok(None));
    assert_eq!(reader.end(), StreamEnd::InsideFrame);
}

#[test]
fn caps_are_kept() {
    let limits = SseLimits {
        frame_bytes: 20,
        stream_bytes: 100,
    };
    let long = format!("data: ok\n\ndata: {}\n\n", "x".repeat(15));
    let (frames, error, _) = read(&[long.as_bytes()], limits);
    assert_eq!(
        (frames.len(), error),
        (1, Some(SseError::FrameTooLong { cap: 20 }))
    );
    let endless = "data: ok\n\n".repeat(11);
    let (frames, error, _) = read(&[endless.as_bytes()], limits);
    assert_eq!(
        (frames.len(), error),
        (10, Some(SseError::StreamTooLong { cap: 100 }))
    );
    let comments = ": still here\n".repeat(7);
    assert_eq!(read(&[comments.as_bytes()], limits).1, None);
}

#[test]
fn an_event_without_a_number_is_handed_over() {
    let delta = br#"{"type":"response.output_text.delta","item_id":"m","output_index":0,"delta":"x"}"#;
    let expected = Event::TextDelta {
        output: 0,
        item_id: "m".into(),
        delta: "x".into(),
        shown: Shown::default(),
    };
    assert_eq!(
        parse_event("", delta),
        Err(EventError::Unnumbered(Box::new(expected)))
    );
    for broken in [
        &b"{}"[..],
        b"{\"type\":7}",
        b"nothing",
        br#"{"type":"response.completed","sequence_number":1}"#,
    ] {
        assert_eq!(parse_event("", broken), Err(EventError::Unreadable));
    }
}

#[test]
fn only_deltas_are_padded() {
    let delta = Event::TextDelta {
        output: 0,
        item_id: "msg_1".into(),
        delta: "Hi".into(),
        shown: Shown::default(),
    };
    let expected = concat!(
        "event: response.output_text.delta\n",
        r#"data: {"type":"response.output_text.delta","item_id":"msg_1","output_index":0,"content_index":0,"#,
        r#""delta":"Hi","logprobs":[],"sequence_number":4,"obfuscation":"aX9"}"#,
        "\n\n"
    );
    let delta = StreamEvent { seq: 4, event: delta };
    assert_eq!(
        String::from_utf8(rendered(&delta, ErrorShape::Nested, Some("aX9"))).unwrap(),
        expected
    );
    let quiet = StreamEvent {
        seq: 5,
        event: Event::Keepalive,
    };
    let bytes = rendered(&quiet, ErrorShape::Nested, Some("aX9"));
    assert_eq!(
        bytes,
        b"event: keepalive\ndata: {\"type\":\"keepalive\",\"sequence_number\":5}\n\n"
    );
}
