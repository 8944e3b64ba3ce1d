//! Event streams as they leave the mock server.

use http_body_util::BodyExt;
use lanebench::backend::{Face, Input, Output, StreamEnd};
use lanebench::mock::MockOptions;
use lanebench::units::SimDuration;
use lanebench::wire::{Event, Reply, Shown, Status, StreamEvent};

use crate::mock_world::{Got, Over, Scripted, play, request, response, scripted};

fn options() -> MockOptions {
    MockOptions::default()
}

fn planned(plan: Vec<(u64, Output)>) -> Vec<(SimDuration, Output)> {
    plan.into_iter()
        .map(|(ticks, output)| (SimDuration::from_ticks(ticks), output))
        .collect()
}

fn event(seq: u64, event: Event) -> StreamEvent {
    StreamEvent { seq, event }
}

fn delta(seq: u64, text: &str) -> StreamEvent {
    let (output, item_id, delta) = (0, "msg_1".into(), text.into());
    event(
        seq,
        Event::TextDelta {
            output,
            item_id,
            delta,
            shown: Shown::default(),
        },
    )
}

/// Events by tick, and how the stream ends.
fn stream_core(
    background: bool,
    deltas: &'static [u64],
    end: Option<(u64, bool)>,
    complete: bool,
) -> Scripted {
    scripted(move |input| {
        let Input::Request { call, .. } = input else {
            return Vec::new();
        };
        let call = *call;
        let (reply, face) = (Reply::StreamOpen, Face::Whole);
        let made = response("resp_s", Status::InProgress, background);
        let mut plan = vec![
            (0, Output::Reply { call, reply, face }),
            (
                0,
                Output::Event {
                    call,
                    event: event(0, Event::Created(made.into())).into(),
                },
            ),
        ];
        for (at, seq) in deltas.iter().zip(1..) {
            plan.push((
                *at,
                Output::Event {
                    call,
                    event: delta(seq, "héllo").into(),
                },
            ));
        }
        if let Some((at, inside_event)) = end {
            let how = match inside_event {
                true => StreamEnd::InsideEvent,
                false => StreamEnd::BetweenEvents,
            };
            if complete {
                let done = Event::Completed(response("resp_s", Status::Completed, background).into());
                let seq = deltas.len() as u64 + 1;
                plan.push((
                    at,
                    Output::Event {
                        call,
                        event: event(seq, done).into(),
                    },
                ));
            }
            plan.push((at, Output::Close { call, how }));
        }
        planned(plan)
    })
    .0
}

const STREAMED: &str = r#"{"model":"gpt-5","input":"hello","stream":true}"#;

#[test]
fn events_leave_in_their_tick_and_the_connection_stays() {
    let core = stream_core(true, &[10, 20], Some((30, false)), true);
    play(Over::Memory, core, options(), |world| async move {
        let mut line = world.line().await;
        let (head, mut body) = line
            .open(request("POST", "/v1/responses", STREAMED))
            .await
            .into_parts();
        assert_eq!(head.headers["content-type"], "text/event-stream; charset=utf-8");
        let mut seen = Vec::new();
        while let Some(frame) = body.frame().await {
            let data = frame.unwrap().into_data().unwrap();
            let text = String::from_utf8(data.to_vec()).unwrap();
            let names: Vec<String> = text
                .lines()
                .filter_map(|line| line.strip_prefix("event: ").map(str::to_owned))
                .collect();
            assert!(text.ends_with("\n\n") && !text.contains("obfuscation"), "{text}");
            seen.push((world.clock.now().ticks(), names.join(" ")));
        }
        let expected = [
            (1, "response.created".to_owned()),
            (11, "response.output_text.delta".to_owned()),
            (21, "response.output_text.delta".to_owned()),
            (31, "response.completed".to_owned()),
        ];
        assert_eq!(seen, expected);
        let again = line.open(request("POST", "/v1/responses", STREAMED)).await;
        assert_eq!(again.status(), 200);
    });
}

#[test]
fn foreground_deltas_are_padded_unless_refused() {
    let refused = r#"{"model":"m","input":"i","stream":true,"stream_options":{"include_obfuscation":false}}"#;
    for (body, padded) in [(STREAMED, true), (refused, false)] {
        let core = stream_core(false, &[10], Some((20, false)), true);
        play(Over::Memory, core, options(), |world| async move {
            let mut line = world.line().await;
            let (_, _, body) = line.send(request("POST", "/v1/responses", body)).await.whole();
            let text = String::from_utf8(body.to_vec()).unwrap();
            assert_eq!(text.contains(r#""obfuscation":""#), padded, "{text}");
        });
    }
}

#[test]
fn a_stream_that_ends_too_early_is_cut_off() {
    for (inside, tail) in [(false, "\n\n"), (true, r#""response.outp"#)] {
        for over in [Over::Memory, Over::Tcp] {
            let core = stream_core(true, &[10], Some((20, inside)), false);
            play(over, core, options(), |world| async move {
                let mut line = world.line().await;
                let got = line.send(request("POST", "/v1/responses", STREAMED)).await;
                let Got::Cut { body, .. } = got else {
                    panic!("{got:?}")
                };
                let text = String::from_utf8(body.to_vec()).unwrap();
                assert!(text.contains("héllo") && text.ends_with(tail), "{text}");
            });
        }
    }
}

#[test]
fn the_end_of_a_stream_may_come_with_its_first_event() {
    let core = stream_core(true, &[0, 0], Some((0, true)), false);
    play(Over::Memory, core, options(), |world| async move {
        let mut line = world.line().await;
        let got = line.send(request("POST", "/v1/responses", STREAMED)).await;
        let Got::Cut { body, .. } = got else {
            panic!("{got:?}")
        };
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert!(
            text.starts_with("event: response.created\n") && text.ends_with("outp"),
            "{text}"
        );
    });
}

#[test]
fn an_empty_stream_ends_in_order() {
    let (core, _) = scripted(|input| {
        let Input::Request { call, .. } = input else {
            return Vec::new();
        };
        let (call, reply, face) = (*call, Reply::StreamOpen, Face::Whole);
        let how = StreamEnd::BetweenEvents;
        let replied = Output::Reply { call, reply, face };
        vec![
            (SimDuration::ZERO, replied),
            (SimDuration::TICK, Output::Close { call, how }),
        ]
    });
    play(Over::Memory, core, options(), |world| async move {
        let mut line = world.line().await;
        let got = line
            .send(request(
                "GET",
                "/v1/responses/r?stream=true&starting_after=99",
                "",
            ))
            .await;
        let (status, _, body) = got.whole();
        assert_eq!((status.as_u16(), body.len()), (200, 0));
    });
}

#[test]
fn a_reader_that_leaves_its_stream_is_reported() {
    for over in [Over::Memory, Over::Tcp] {
        let (core, told) = scripted(|input| {
            let Input::Request { call, .. } = input else {
                return Vec::new();
            };
            let (call, reply, face) = (*call, Reply::StreamOpen, Face::Whole);
            let made = Event::Created(response("resp_s", Status::InProgress, false).into());
            vec![
                (SimDuration::ZERO, Output::Reply { call, reply, face }),
                (
                    SimDuration::ZERO,
                    Output::Event {
                        call,
                        event: event(0, made).into(),
                    },
                ),
            ]
        });
        play(over, core, options(), |world| async move {
            let mut line = world.line().await;
            let mut body = line
                .open(request("POST", "/v1/responses", STREAMED))
                .await
                .into_body();
            body.frame().await.unwrap().unwrap();
            drop((body, line));
            told.until(|input| matches!(input, Input::Gone { .. })).await;
        });
    }
}
