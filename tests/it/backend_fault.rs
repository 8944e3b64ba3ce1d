//! Every fault, what it does and that it is noted once.

use super::backend_bench::{
    Bench, Wish, always, background, check, constant, first, foreground, message, profile, reasoning, script,
    secs, streamed,
};
use lanebench::backend::{CallKey, Input, Output};
use lanebench::fault::{Fault, FaultRule, Place, Target};
use lanebench::units::ExchangeKind::{self, Cancel, Create, Delete, Poll};
use lanebench::wire::{ApiError, Break, Reply, Wait};

fn disturbed(rules: &[FaultRule]) -> Bench {
    Bench::with(profile(script(&[reasoning("2s"), message("4s", 4)])), rules)
}

/// A create and a poll at 8 s under one fault of the create.
#[track_caller]
fn check_create(fault: Fault, timeline: &str, backend: &str) -> Bench {
    let mut bench = disturbed(&[first(Create, fault)]);
    bench.at("0s").create(&background()).at("8s").poll(1).at("9s");
    check(&bench.timeline(), timeline);
    check(&bench.backend(), backend);
    bench
}

/// The life of an undisturbed response.
const LIFE: &str = "0s r1 created
    0s r1 queued
    1s r1 in_progress
    7s r1 completed";

#[test]
fn a_delay_sits_before_handling_or_before_the_reply() {
    let delay = |place| Fault::Delay {
        place,
        law: constant("3s"),
    };
    check_create(
        delay(Place::Handling),
        "3.010s create.1 r1 queued
         8.010s poll.1 r1 in_progress [reasoning]",
        "0s fault 0 delay
         3s r1 created
         3s r1 queued
         4s r1 in_progress",
    );
    check_create(
        delay(Place::Reply),
        "3.010s create.1 r1 queued
         8.010s poll.1 r1 completed [reasoning, message 4]",
        "0s r1 created
         0s r1 queued
         0s fault 0 delay
         1s r1 in_progress
         7s r1 completed",
    );
}

#[test]
fn an_error_reply_leaves_the_request_unhandled() {
    let error = ApiError::overloaded().with_wait(Wait::Seconds(7));
    let bench = check_create(
        Fault::Reply(error),
        "0.010s create.1 503 Seconds(7) The server is currently overloaded. Please try again later.
         8.010s poll.1 404 Response with id 'resp_unknown' not found.",
        "0s fault 0 reply",
    );
    assert!(
        bench
            .wire()
            .contains("0.010s replied create.1 http:503 told:7000000"),
        "{}",
        bench.wire()
    );
}

#[test]
fn a_wait_by_date_is_told_as_the_time_from_the_reply_on() {
    let error = ApiError::overloaded().with_wait(Wait::Date(1_786_000_005));
    let mut bench = disturbed(&[first(Create, Fault::Reply(error))]);
    bench.at("1s").create(&background()).at("2s");
    assert!(
        bench
            .wire()
            .contains("1.010s replied create.1 http:503 told:3990000"),
        "{}",
        bench.wire()
    );
}

#[test]
fn a_reset_before_handling_leaves_nothing_and_one_behind_it_a_run() {
    check_create(
        Fault::ResetBefore,
        "0.010s create.1 500 An error occurred while processing your request. You can retry your request. (Reset)
         8.010s poll.1 404 Response with id 'resp_unknown' not found.",
        "0.010s fault 0 reset_before",
    );
    spoiled(Fault::ResetAfter, "Reset", Some(Break::NoReply));
}

/// The run lives on and the reply is spoiled like this.
#[track_caller]
fn spoiled(fault: Fault, face: &str, told: Option<Break>) {
    let word = fault.word();
    let bench = check_create(
        fault,
        &format!(
            "0.010s create.1 r1 queued ({face})
             8.010s poll.1 r1 completed [reasoning, message 4]"
        ),
        &LIFE.replacen("1s", &format!("0.010s fault 0 {word}\n1s"), 1),
    );
    assert!(
        bench
            .wire()
            .contains(&format!("0.010s spoiled create.1 how:{word}")),
        "{}",
        bench.wire()
    );
    let Output::Reply { reply, face, .. } = &bench.outputs()[0].1 else {
        panic!("a reply")
    };
    assert_eq!(face.effect(reply), told.map(Err));
}

#[test]
fn a_reply_is_spoiled_on_its_way_and_the_run_lives_on() {
    let probe = disturbed(&[]).at("0s").create(&background()).at("1s").id(1);
    spoiled(Fault::LoseReply, "Silent", None);
    spoiled(Fault::StallBody, "Stall", None);
    spoiled(Fault::CutBeforeId, "CutBeforeId", Some(Break::Cut { id: None }));
    spoiled(
        Fault::CutAfterId,
        "CutAfterId",
        Some(Break::Cut { id: Some(probe) }),
    );
    spoiled(
        Fault::Malformed,
        "Malformed",
        Some(Break::Unreadable { id: None }),
    );
}

#[test]
fn a_call_without_reply_stays_open_until_the_client_leaves() {
    for fault in [Fault::LoseReply, Fault::StallBody] {
        let mut bench = disturbed(&[first(Poll, fault)]);
        bench.at("0s").create(&background()).at("2s").poll(1).at("3s");
        assert_eq!(bench.service.held().calls, 1);
        bench.leave(Poll, 1).leave(Poll, 1).at("4s");
        assert_eq!(bench.service.held().calls, 0);
        assert_eq!(bench.wire().matches("gone").count(), 1);
    }
}

#[test]
fn a_face_that_does_not_fit_the_reply_spoils_nothing_and_is_not_noted() {
    for (kind, fault) in [
        (Create, Fault::CutStream { after: 0 }),
        (Cancel, Fault::CutBeforeId),
        (Cancel, Fault::CutAfterId),
        (Cancel, Fault::Malformed),
        (Delete, Fault::CutStream { after: 0 }),
    ] {
        let mut bench = disturbed(&[first(kind, fault.clone())]);
        bench
            .at("0s")
            .create(&background())
            .at("8s")
            .cancel(1)
            .delete(1)
            .at("9s");
        check(
            &bench.timeline(),
            "0.010s create.1 r1 queued
             8.010s cancel.1 400 Cannot cancel a completed response.
             8.010s delete.1 deleted",
        );
        assert!(!bench.backend().contains("fault"), "{fault:?}");
    }
    for fault in [Fault::StallBody, Fault::CutAfterId, Fault::Malformed] {
        let mut bench = disturbed(&[first(Create, fault)]);
        bench.at("0s").create(&streamed()).at("9s");
        assert!(bench.timeline().ends_with("create.1 closed\n") && !bench.backend().contains("fault"));
    }
}

#[test]
fn a_lost_reply_of_a_stream_keeps_its_events_too() {
    let mut bench = disturbed(&[first(Create, Fault::LoseReply)]);
    bench.at("0s").create(&streamed()).at("9s");
    check(&bench.timeline(), "0.010s create.1 stream (Silent)");
    bench.stream(1, None).at("10s");
    assert!(
        bench.timeline().contains("9.010s stream.1 #0 created queued"),
        "{}",
        bench.timeline()
    );
}

#[test]
fn a_reset_foreground_create_with_a_stream_ends_its_run() {
    let mut bench = disturbed(&[first(Create, Fault::ResetAfter)]);
    bench
        .at("0s")
        .create(&Wish {
            stream: true,
            ..foreground()
        })
        .at("9s");
    check(
        &bench.backend(),
        "0s r1 created
         0s r1 in_progress
         0.010s fault 0 reset_after
         0.010s r1 cancelled",
    );
}

#[test]
fn a_refused_connection_is_only_noted() {
    let mut bench = disturbed(&[first(Create, Fault::Refuse)]);
    let CallKey { exchange, .. } = bench.key(0, Create, 1);
    bench.at("1s").push(Input::Refused { exchange, rule: 0 }).at("2s");
    assert_eq!(bench.timeline(), "");
    check(&bench.wire(), "1s refused create.1");
    check(&bench.backend(), "1s fault 0 refuse");
}

/// The backend channel of a response, polled at 20 s, under one fault.
#[track_caller]
fn check_response(fault: Fault, polled: &str, backend: &str) {
    let mut bench = disturbed(&[always(Target::Response, fault)]);
    bench.at("0s").create(&background()).at("20s").poll(1).at("21s");
    let text = bench.timeline();
    let (_, line) = text.trim_end().split_once('\n').unwrap();
    check(line, &format!("20.010s poll.1 {polled}"));
    check(&bench.backend(), backend);
}

#[test]
fn a_response_fails_at_its_step_or_behind_the_last() {
    for (at_step, polled, at) in [
        (0, "r1 failed slow_down", 1),
        (1, "r1 failed slow_down [reasoning]", 3),
        (2, "r1 failed slow_down [reasoning, message 4]", 7),
        (9, "r1 failed slow_down [reasoning, message 4]", 7),
    ] {
        let code = "slow_down".into();
        check_response(
            Fault::Fail { code, at_step },
            polled,
            &format!(
                "0s r1 created
                 0s r1 queued
                 1s r1 in_progress
                 {at}s fault 0 fail
                 {at}s r1 failed slow_down"
            ),
        );
    }
}

#[test]
fn a_response_ends_in_the_ways_that_faults_name() {
    let began = "0s r1 created
        0s r1 queued
        1s r1 in_progress\n";
    check_response(
        Fault::Incomplete {
            reason: "content_filter".into(),
        },
        "r1 incomplete content_filter [reasoning, message 2 incomplete]",
        &format!("{began}5s fault 0 incomplete\n5s r1 incomplete content_filter"),
    );
    check_response(
        Fault::UnknownStatus {
            word: "paused".into(),
        },
        "r1 paused [reasoning, message 4]",
        &format!("{began}7s fault 0 unknown_status\n7s r1 paused"),
    );
    check_response(
        Fault::CancelledByService { at_step: 1 },
        "r1 cancelled [reasoning]",
        &format!("{began}3s fault 0 cancelled_by_service\n3s r1 cancelled"),
    );
    check_response(
        Fault::StuckInProgress,
        "r1 in_progress",
        &format!("{began}1s fault 0 stuck_in_progress"),
    );
    check_response(
        Fault::StuckQueued,
        "r1 queued",
        "0s r1 created
         0s r1 queued
         1s fault 0 stuck_queued",
    );
    check_response(
        Fault::Vanish { after: secs(7) },
        "404 Response with id 'r1' not found.",
        &format!("{began}7s r1 completed\n7s fault 0 vanish\n7s r1 vanished"),
    );
}

#[test]
fn what_is_stuck_can_be_cancelled() {
    for fault in [Fault::StuckQueued, Fault::StuckInProgress] {
        let mut bench = disturbed(&[always(Target::Response, fault)]);
        bench.at("0s").create(&background()).at("5s").cancel(1).at("6s");
        assert!(
            bench.timeline().ends_with("5.010s cancel.1 r1 cancelled\n"),
            "{}",
            bench.timeline()
        );
    }
}

#[test]
fn a_slow_cancel_leaves_the_response_open_for_a_while() {
    let mut bench = disturbed(&[always(Target::Response, Fault::SlowCancel { lag: secs(10) })]);
    bench
        .at("0s")
        .create(&background())
        .at("5500ms")
        .cancel(1)
        .at("8s")
        .cancel(1)
        .poll(1);
    bench.at("16s").poll(1).cancel(1).at("17s");
    check(
        &bench.timeline(),
        "0.010s create.1 r1 queued
         5.510s cancel.1 r1 in_progress [reasoning]
         8.010s poll.1 r1 in_progress [reasoning]
         8.010s cancel.2 r1 in_progress [reasoning]
         16.010s poll.2 r1 cancelled [reasoning, message 2 in_progress]
         16.010s cancel.3 r1 cancelled [reasoning, message 2 in_progress]",
    );
    check(
        &bench.backend(),
        "0s r1 created
         0s r1 queued
         1s r1 in_progress
         5.500s fault 0 slow_cancel
         15.500s r1 cancelled",
    );
}

#[test]
fn a_delayed_step_starts_the_next_one_later() {
    let delay = Fault::Delay {
        place: Place::Handling,
        law: constant("30s"),
    };
    let mut bench = disturbed(&[always(Target::Step(0), delay)]);
    bench.at("0s").create(&background()).at("60s");
    check(
        &bench.backend(),
        "0s r1 created
         0s r1 queued
         1s r1 in_progress
         1s fault 0 delay
         37s r1 completed",
    );
}

#[test]
fn the_first_rule_of_an_exchange_counts() {
    let rules = [
        first(Create, Fault::Reply(ApiError::overloaded())),
        first(Create, Fault::ResetAfter),
        always(Target::Exchange(Create), Fault::Reply(ApiError::server_error())),
    ];
    let mut bench = disturbed(&rules);
    bench
        .at("0s")
        .create(&background())
        .create(&background())
        .at("1s");
    check(
        &bench.timeline(),
        "0.010s create.1 503 The server is currently overloaded. Please try again later.
         0.010s create.2 500 An error occurred while processing your request. You can retry your request.",
    );
    check(&bench.backend(), "0s fault 0 reply\n0s fault 2 reply");
}

#[test]
fn who_leaves_while_a_request_is_held_up_is_never_handled() {
    let law = constant("3s");
    let mut bench = disturbed(&[first(
        Create,
        Fault::Delay {
            place: Place::Handling,
            law,
        },
    )]);
    bench
        .at("0s")
        .create(&background())
        .at("1s")
        .leave(Create, 1)
        .at("9s");
    assert_eq!(bench.timeline(), "");
    check(&bench.backend(), "0s fault 0 delay");
    check(&bench.wire(), "0s arrived create.1 kind:create\n1s gone create.1");
}

#[test]
fn a_stranger_is_disturbed_like_anybody() {
    let (call, ask) = super::backend_bench::strange_create(&background(), 3, 1);
    let mut bench = disturbed(&[always(
        Target::Exchange(Create),
        Fault::Reply(ApiError::overloaded()),
    )]);
    bench.request(call, ask).at("1s");
    assert!(matches!(
        &bench.outputs()[0].1,
        Output::Reply { reply: Reply::Error(error), .. } if error.http == 503
    ));
    assert_eq!(ExchangeKind::Create, call.exchange.kind());
}
