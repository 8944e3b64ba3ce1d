//! Webhooks, and the rate limit beside them.

use std::sync::Arc;

use super::backend_bench::{
    Bench, Wish, always, background, check, constant, first, foreground, limiter, message, profile, script,
    secs, strange_create,
};
use lanebench::backend::{Output, Profile, WebhookSend};
use lanebench::fault::{Fault, FaultRule, Target};
use lanebench::units::ExchangeKind::Create;
use lanebench::wire::ApiError;

fn notified() -> Profile {
    let mut profile = profile(script(&[message("4s", 4)]));
    profile.webhook = Some(constant("500ms"));
    profile.webhook_retries = Arc::from([secs(5), secs(60)]);
    profile
}

/// A response that completes at 5 s; the receiver answers like this; what left behind that.
fn play(rules: &[FaultRule], receiver: &[Option<u16>]) -> Bench {
    let mut bench = Bench::with(notified(), rules);
    bench.receiver = receiver.to_vec();
    bench.at("0s").create(&background()).at("200s");
    bench
}

#[track_caller]
fn check_webhooks(bench: &Bench, expected: &str) {
    let text = bench.timeline();
    let (_, text) = text.split_once('\n').unwrap();
    check(text, expected);
    assert_eq!(bench.service.held().webhooks, 0, "all are settled");
}

fn sends(bench: &Bench) -> Vec<&WebhookSend> {
    let send = |(_, output): &'_ (_, Output)| matches!(output, Output::Webhook(_));
    let sends = bench.outputs().iter().filter(|output| send(output));
    sends
        .map(|(_, output)| match output {
            Output::Webhook(send) => &**send,
            _ => unreachable!(),
        })
        .collect()
}

#[test]
fn a_webhook_leaves_after_its_delay_and_once_if_it_is_accepted() {
    let bench = play(&[], &[Some(204)]);
    check_webhooks(&bench, "5.500s webhook r1 response.completed send 1");
    let send = sends(&bench)[0];
    assert_eq!((send.created_at, send.stamp), (1_786_000_005, 1_786_000_005));
    assert!(send.delivery.starts_with("wh_") && send.event.starts_with("evt_"));
    let wire = bench.wire();
    assert!(wire.contains("send:1 response:r1 signature:valid"), "{wire}");
    assert!(wire.contains("5.500001s webhook_answered"), "{wire}");
}

#[test]
fn what_is_not_accepted_is_sent_again_with_the_same_id_and_a_new_stamp() {
    let bench = play(&[], &[Some(500), None, Some(200)]);
    check_webhooks(
        &bench,
        "5.500s webhook r1 response.completed send 1
         10.500001s webhook r1 response.completed send 2
         70.500002s webhook r1 response.completed send 3",
    );
    let sends = sends(&bench);
    assert!(
        sends
            .iter()
            .all(|send| send.delivery == sends[0].delivery && send.event == sends[0].event)
    );
    assert!(
        sends
            .iter()
            .map(|send| send.stamp - 1_786_000_000)
            .eq([5, 10, 70])
    );
}

#[test]
fn silence_for_fifteen_seconds_counts_as_no_answer_and_retries_end() {
    let bench = play(&[], &[]);
    check_webhooks(
        &bench,
        "5.500s webhook r1 response.completed send 1
         25.500s webhook r1 response.completed send 2
         100.500s webhook r1 response.completed send 3",
    );
    assert_eq!(bench.wire().matches("webhook_answered").count(), 3);
}

#[test]
fn every_end_of_a_background_response_has_its_event_and_foreground_has_none() {
    let fail = Fault::Fail {
        code: "server_error".into(),
        at_step: 0,
    };
    let incomplete = Fault::Incomplete {
        reason: "content_filter".into(),
    };
    let unknown = Fault::UnknownStatus {
        word: "paused".into(),
    };
    for (fault, kind) in [
        (fail, "response.failed"),
        (incomplete, "response.incomplete"),
        (Fault::CancelledByService { at_step: 0 }, "response.cancelled"),
    ] {
        let bench = play(&[always(Target::Response, fault)], &[Some(200)]);
        assert_eq!(&*sends(&bench)[0].kind, kind);
    }
    assert!(sends(&play(&[always(Target::Response, unknown)], &[])).is_empty());
    let mut bench = Bench::with(notified(), &[]);
    bench.at("0s").create(&foreground()).at("60s");
    assert!(sends(&bench).is_empty());
    bench.create(&background()).at("61s").cancel(2).at("90s");
    assert_eq!(&*sends(&bench)[0].kind, "response.cancelled");
}

#[test]
fn webhooks_are_lost_late_repeated_stale_and_forged() {
    let on = |fault| [always(Target::Webhook, fault)];
    check_webhooks(&play(&on(Fault::LoseWebhook), &[]), "");
    let late = play(&on(Fault::LateWebhook { law: constant("30s") }), &[Some(200)]);
    check_webhooks(&late, "35.500s webhook r1 response.completed send 1");
    let twice = play(
        &on(Fault::RepeatWebhook { gap: secs(2) }),
        &[Some(200), Some(200)],
    );
    check_webhooks(
        &twice,
        "5.500s webhook r1 response.completed send 1
         7.500s webhook r1 response.completed send 2",
    );
    let stale = play(&on(Fault::StaleWebhook), &[Some(400), Some(200)]);
    check_webhooks(
        &stale,
        "5.500s webhook r1 response.completed send 1 stale
         10.500001s webhook r1 response.completed send 2 stale",
    );
    assert_eq!(sends(&stale)[0].stamp, 1_786_000_005 - 301);
    let forged = play(&on(Fault::ForgedWebhook), &[Some(200)]);
    check_webhooks(&forged, "5.500s webhook r1 response.completed send 1 forged");
    // Alone, it waits as long as it may.
    let overtaken = play(&on(Fault::OvertakenWebhook { limit: secs(20) }), &[Some(200)]);
    check_webhooks(&overtaken, "25.500s webhook r1 response.completed send 1");
    for (bench, word) in [
        (overtaken, "overtaken"),
        (late, "late"),
        (twice, "repeat"),
        (stale, "stale"),
        (forged, "forged"),
    ] {
        let backend = bench.backend();
        assert!(
            backend.contains(&format!("5s fault 0 {word}_webhook")),
            "{backend}"
        );
        assert_eq!(backend.matches("fault").count(), 1);
    }
}

#[test]
fn a_webhook_that_is_overtaken_leaves_right_behind_the_next() {
    let held = FaultRule {
        target: Target::Webhook,
        select: lanebench::fault::Select {
            jobs: Some(vec![lanebench::units::JobId(0)]),
            ..Default::default()
        },
        fault: Fault::OvertakenWebhook { limit: secs(60) },
    };
    let mut bench = Bench::with(notified(), &[held]);
    bench.receiver = vec![Some(200), Some(200)];
    bench.at("0s").create(&background()).at("2s").create(&Wish {
        job: 1,
        ..background()
    });
    bench.at("200s");
    let text = bench.timeline();
    let sent: Vec<&str> = text.lines().filter(|line| line.contains("webhook")).collect();
    assert_eq!(
        sent,
        [
            "7.500s webhook r2 response.completed send 1",
            "7.500001s webhook r1 response.completed send 1"
        ]
    );
    assert_eq!(bench.service.held().webhooks, 0, "all are settled");
}

#[test]
fn a_deleted_response_is_still_announced() {
    let mut bench = Bench::with(notified(), &[]);
    bench
        .at("0s")
        .create(&background())
        .at("5200ms")
        .delete(1)
        .at("6s");
    assert_eq!(sends(&bench).len(), 1);
}

#[test]
fn the_rate_limit_is_shared_and_tells_the_real_wait() {
    let mut profile = profile(script(&[message("1s", 1)]));
    profile.limiter = limiter(2, "10s");
    let mut bench = Bench::new(profile);
    bench.at("1s500us").create(&background()).create(&Wish {
        job: 1,
        ..background()
    });
    let (call, ask) = strange_create(&background(), 1, 1);
    bench
        .request(call, ask)
        .at("4s")
        .poll(1)
        .create(&background())
        .at("11s500us")
        .create(&background());
    bench.at("12s");
    check(
        &bench.timeline(),
        "1.010500s create.1 r1 queued
         1.010500s 1.1.1.create.1 r2 queued
         1.010500s -.0.0.create.1 429 Millis(10000) Rate limit reached. Please try again in 10000ms.
         4.010s create.2 429 Millis(7001) Rate limit reached. Please try again in 7001ms.
         4.010s poll.1 r1 completed [message 1]
         11.010500s create.3 r3 queued",
    );
    assert!(
        bench.backend().contains("4s limited, room in 7s500us"),
        "{}",
        bench.backend()
    );
    assert!(
        bench
            .wire()
            .contains("4.010s replied create.2 http:429 told:7001000"),
        "{}",
        bench.wire()
    );
}

#[test]
fn what_is_refused_unhandled_takes_no_room() {
    let mut profile = profile(script(&[message("1s", 1)]));
    profile.limiter = limiter(1, "1h");
    let mut bench = Bench::with(profile, &[first(Create, Fault::Reply(ApiError::overloaded()))]);
    bench
        .at("0s")
        .create(&background())
        .at("1s")
        .create(&background())
        .at("2s");
    assert!(
        bench.timeline().contains("create.2 r1 queued"),
        "{}",
        bench.timeline()
    );
}
