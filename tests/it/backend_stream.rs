//! Streams: the order of events, replay, resuming, several readers.

use super::backend_bench::{
    Bench, Wish, always, background, check, first, foreground, foreground_stream, function, hosted, mcp,
    message, profile, reasoning, script, streamed,
};
use lanebench::fault::{Fault, Target};
use lanebench::units::ExchangeKind::{Create, Poll, Stream};
use lanebench::wire::{Event, Item, StreamEvent};

fn chat() -> Bench {
    Bench::playing(&[reasoning("2s"), message("4s", 2)])
}

#[test]
fn a_background_stream_has_the_order_of_the_contract() {
    let mut bench = chat();
    bench.at("0s").create(&streamed()).at("10s");
    check(
        &bench.timeline(),
        "0.010s create.1 stream
         0.010s create.1 #0 created queued
         0.010s create.1 #1 queued
         1s create.1 #2 in_progress
         1s create.1 #3 added 0 reasoning
         3s create.1 #4 done 0 reasoning
         3s create.1 #5 added 1 message 0 in_progress
         3s create.1 #6 part added 1
         5s create.1 #7 delta 1
         7s create.1 #8 delta 1
         7s create.1 #9 text done 1
         7s create.1 #10 part done 1
         7s create.1 #11 done 1 message 2
         7s create.1 #12 last completed [reasoning, message 2]
         7s create.1 closed",
    );
    assert!(
        bench.wire().ends_with(
            "7s stream_closed create.1 whole:true
"
        ),
        "{}",
        bench.wire()
    );
}

#[test]
fn a_foreground_stream_has_no_queue() {
    let mut bench = Bench::playing(&[message("1s", 1)]);
    bench
        .at("0s")
        .create(&foreground_stream())
        .at("10s")
        .poll(1)
        .at("11s");
    check(
        &bench.timeline(),
        "0.010s create.1 stream
         0.010s create.1 #0 created in_progress
         0.010s create.1 #1 in_progress
         0.010s create.1 #2 added 0 message 0 in_progress
         0.010s create.1 #3 part added 0
         1s create.1 #4 delta 0
         1s create.1 #5 text done 0
         1s create.1 #6 part done 0
         1s create.1 #7 done 0 message 1
         1s create.1 #8 last completed [message 1]
         1s create.1 closed
         10.010s poll.1 r1 completed [message 1]",
    );
}

#[test]
fn tools_have_the_order_of_the_contract() {
    let steps = [
        hosted("1s", "web_search_call"),
        hosted("1s", "code_interpreter_call"),
        function("1s", "a"),
        mcp("1s", "send"),
    ];
    let mut bench = Bench::playing(&steps);
    bench.at("0s").create(&streamed()).at("10s");
    let text = bench.timeline();
    let (_, text) = text.split_once("#2 in_progress\n").unwrap();
    check(
        &text.replace("create.1 ", ""),
        "1s #3 added 0 web_search_call in_progress
         1s #4 response.web_search_call.in_progress 0
         1s #5 response.web_search_call.searching 0
         2s #6 response.web_search_call.completed 0
         2s #7 done 0 web_search_call
         2s #8 added 1 code_interpreter_call in_progress
         2s #9 response.code_interpreter_call.in_progress 1
         2s #10 response.code_interpreter_call.interpreting 1
         3s #11 response.code_interpreter_call.completed 1
         3s #12 done 1 code_interpreter_call
         3s #13 added 2 call a() in_progress
         4s #14 arguments delta 2 {\"id\":1}
         4s #15 arguments done 2 {\"id\":1}
         4s #16 done 2 call a({\"id\":1})
         5s #17 added 3 approve send({\"to\":\"all\"})
         5s #18 done 3 approve send({\"to\":\"all\"})
         5s #19 last completed [web_search_call, code_interpreter_call, call a({\"id\":1}), approve send({\"to\":\"all\"})]
         5s closed",
    );
}

#[test]
fn deltas_join_to_the_final_text_and_numbers_rise_by_one() {
    let mut profile = profile(script(&[reasoning("1s"), message("3s", 100)]));
    profile.tokens_per_delta = 7;
    let mut bench = Bench::new(profile);
    bench.at("0s").create(&streamed()).at("10s");
    let events = bench.events(Create, 1);
    assert!(events.iter().map(|event| event.seq).eq(0..events.len() as u64));
    let deltas: Vec<&str> = events.iter().filter_map(delta).collect();
    assert_eq!(deltas.len(), 15);
    let last = events.last().unwrap().event.response().unwrap();
    let Some(Item::Message { text, .. }) = last.output.last() else {
        panic!("a message")
    };
    assert_eq!(deltas.concat(), **text);
    assert_eq!(text.split(' ').count(), 100);
}

fn delta(event: &StreamEvent) -> Option<&str> {
    match &event.event {
        Event::TextDelta { delta, .. } => Some(delta),
        _ => None,
    }
}

#[test]
fn a_cursor_is_exclusive_and_replay_gives_the_same_events() {
    let mut bench = chat();
    bench.at("0s").create(&streamed()).at("4s");
    bench
        .stream(1, None)
        .stream(1, Some(0))
        .stream(1, Some(5))
        .stream(1, Some(8));
    bench
        .at("20s")
        .stream(1, Some(10))
        .stream(1, Some(12))
        .stream(1, Some(u64::MAX))
        .at("21s");
    let all = bench.events(Create, 1);
    assert_eq!(all.len(), 13);
    let mut tails = (1..=7).map(|nth| bench.events(Stream, nth));
    for from in [0, 1, 6, 9, 11, 13, 13] {
        assert_eq!(tails.next().unwrap(), all[from..], "from {from}");
    }
    let text = bench.timeline();
    assert!(
        text.contains("20.010s stream.6 stream\n20.010s stream.6 closed"),
        "{text}"
    );
    // What was replayed came at once, the rest as it happened.
    assert!(text.contains("4.010s stream.1 #6 part added 1\n") && text.contains("5s stream.1 #7 delta 1\n"));
}

#[test]
fn a_stream_can_be_resumed_only_where_and_as_long_as_the_contract_allows() {
    let mut bench = chat();
    bench
        .at("0s")
        .create(&background())
        .create(&streamed())
        .create(&foreground());
    bench
        .at("300s")
        .stream(1, None)
        .stream(2, Some(11))
        .stream(3, None)
        .stream(9, None);
    bench.at("301s").stream(2, Some(11)).poll(2).at("302s");
    let text = bench.timeline();
    let (_, text) = text
        .split_once("6.010s create.3 r3 completed [reasoning, message 2]\n")
        .unwrap();
    let (_, text) = text.split_once("create.2 closed\n").unwrap();
    check(
        text,
        "300.010s stream.1 400 This response cannot be streamed because it was not created with stream=true.
         300.010s stream.2 stream
         300.010s stream.2 #12 last completed [reasoning, message 2]
         300.010s stream.2 closed
         300.010s stream.3 400 This response cannot be streamed because it was not created with background=true.
         300.010s stream.4 404 Response with id 'resp_unknown' not found.
         301.010s poll.1 r2 completed [reasoning, message 2]
         301.010s stream.5 400 This response can no longer be streamed because it is more than 5 minutes old.",
    );
}

#[test]
fn a_failed_run_says_error_and_then_failed() {
    let fault = Fault::Fail {
        code: "server_error".into(),
        at_step: 1,
    };
    let rules = [always(Target::Response, fault)];
    let mut bench = Bench::with(profile(script(&[reasoning("2s"), message("4s", 2)])), &rules);
    bench.at("0s").create(&streamed()).at("10s");
    let text = bench.timeline();
    let (_, text) = text.split_once("#4 done 0 reasoning\n").unwrap();
    check(
        text,
        "3s create.1 #5 error server_error
         3s create.1 #6 last failed server_error [reasoning]
         3s create.1 closed",
    );
}

#[test]
fn a_cancelled_stream_ends_with_failed_that_carries_cancelled() {
    let mut bench = chat();
    bench.at("0s").create(&streamed()).at("6s").cancel(1).at("7s");
    let text = bench.timeline();
    let (_, text) = text.split_once("#7 delta 1\n").unwrap();
    check(
        text,
        "6s create.1 #8 last cancelled [reasoning, message 1 in_progress]
         6s create.1 closed
         6.010s cancel.1 r1 cancelled [reasoning, message 1 in_progress]",
    );
    // What was cancelled keeps exactly the text that had left.
    let events = bench.events(Create, 1);
    let deltas: String = events.iter().filter_map(delta).collect();
    let Some(Item::Message { text, .. }) = bench.last_response().output.last() else {
        panic!("a message")
    };
    assert_eq!(deltas, **text);
}

#[test]
fn a_cut_stream_closes_between_events_or_inside_one_and_goes_on_for_the_next_reader() {
    for (fault, closed) in [
        (Fault::CutStream { after: 4 }, "1s create.1 closed\n"),
        (
            Fault::CutInsideEvent { after: 4 },
            "3s create.1 closed inside an event\n",
        ),
    ] {
        let word = fault.word();
        let mut bench = Bench::with(
            profile(script(&[reasoning("2s"), message("4s", 2)])),
            &[first(Create, fault)],
        );
        bench
            .at("0s")
            .create(&streamed())
            .at("4s")
            .stream(1, Some(3))
            .at("10s");
        assert_eq!(bench.events(Create, 1).len(), 4);
        let text = bench.timeline();
        assert!(text.contains(closed), "{text}");
        let resumed = bench.events(Stream, 1);
        assert!(resumed.iter().map(|event| event.seq).eq(4..=12), "{resumed:?}");
        assert!(
            bench.backend().contains(&format!("fault 0 {word}\n")),
            "{}",
            bench.backend()
        );
        assert_eq!(bench.backend().matches("fault").count(), 1);
    }
}

#[test]
fn a_cut_takes_hold_only_where_an_event_is_left() {
    for after in [13, 99] {
        for fault in [
            Fault::CutStream { after },
            Fault::CutInsideEvent { after },
            Fault::StallStream { after },
        ] {
            let steps = [reasoning("2s"), message("4s", 2)];
            let mut bench = Bench::with(profile(script(&steps)), &[first(Create, fault)]);
            bench.at("0s").create(&streamed()).at("10s");
            assert!(
                bench.timeline().ends_with("7s create.1 closed\n"),
                "{}",
                bench.timeline()
            );
            assert!(!bench.backend().contains("fault"));
        }
    }
}

#[test]
fn a_cut_foreground_stream_ends_the_run_with_it() {
    let rules = [first(Create, Fault::CutStream { after: 0 })];
    let mut bench = Bench::with(profile(script(&[message("4s", 2)])), &rules);
    bench
        .at("0s")
        .create(&foreground_stream())
        .at("9s")
        .poll(1)
        .at("10s");
    check(
        &bench.timeline(),
        "0.010s create.1 stream
         0.010s create.1 closed
         9.010s poll.1 404 Response with id 'r1' not found.",
    );
    assert!(
        bench.backend().contains("0.010s r1 cancelled"),
        "{}",
        bench.backend()
    );
}

#[test]
fn a_stalled_stream_stays_open_and_silent_until_the_client_leaves() {
    let rules = [first(Create, Fault::StallStream { after: 3 })];
    let mut bench = Bench::with(profile(script(&[message("4s", 2)])), &rules);
    bench.at("0s").create(&streamed()).at("60s");
    assert_eq!(bench.events(Create, 1).len(), 3);
    assert!(!bench.timeline().contains("closed"));
    assert_eq!(bench.service.held().calls, 1);
    bench.leave(Create, 1).poll(1).at("61s");
    assert_eq!(bench.service.held().calls, 0);
    assert!(
        bench.wire().contains("1s spoiled create.1 how:stall_stream"),
        "{}",
        bench.wire()
    );
    assert!(bench.wire().contains("60s gone create.1"), "{}", bench.wire());
    assert_eq!(bench.timeline().matches("poll.1 r1 completed").count(), 1);
    assert!(bench.events(Poll, 1).is_empty());
}

#[test]
fn a_forgotten_response_closes_its_streams_without_a_last_event() {
    let after = "2s".parse().unwrap();
    let rules = [always(Target::Response, Fault::Vanish { after })];
    let mut bench = Bench::with(profile(script(&[message("4s", 2)])), &rules);
    bench
        .at("0s")
        .create(&streamed())
        .at("1s")
        .stream(1, None)
        .at("3s")
        .poll(1)
        .at("4s");
    let text = bench.timeline();
    assert!(
        text.contains("2s create.1 closed\n2s stream.1 closed\n"),
        "{text}"
    );
    assert!(text.contains("3.010s poll.1 404"), "{text}");
    check(
        &bench.backend(),
        "0s r1 created
         0s r1 queued
         1s r1 in_progress
         2s fault 0 vanish
         2s r1 vanished",
    );
    assert_eq!(
        (bench.service.held().responses, bench.service.held().calls),
        (0, 0)
    );
}

#[test]
fn a_stream_that_nobody_asked_for_costs_no_log() {
    let mut bench = chat();
    bench
        .at("0s")
        .create(&background())
        .create(&Wish {
            job: 1,
            ..background()
        })
        .at("20s");
    assert!(bench.events(Create, 1).is_empty());
    bench.stream(2, None).at("21s");
    assert!(
        bench
            .timeline()
            .contains("400 This response cannot be streamed because it was not created with stream")
    );
}
