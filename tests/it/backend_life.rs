//! The life cycle of responses, and what can be done to them.

use super::backend_bench::{Bench, background, check, message, reasoning};

fn chat() -> Bench {
    Bench::playing(&[reasoning("2s"), message("4s", 4)])
}

#[test]
fn a_background_response_is_queued_runs_and_completes() {
    let mut bench = chat();
    bench.at("0s").create(&background());
    bench
        .at("500ms")
        .poll(1)
        .at("2s")
        .poll(1)
        .at("4s")
        .poll(1)
        .at("8s")
        .poll(1);
    check(
        &bench.at("9s").timeline(),
        "0.010s create.1 r1 queued
         0.510s poll.1 r1 queued
         2.010s poll.2 r1 in_progress
         4.010s poll.3 r1 in_progress [reasoning]
         8.010s poll.4 r1 completed [reasoning, message 4]",
    );
    check(
        &bench.backend(),
        "0s r1 created
         0s r1 queued
         1s r1 in_progress
         7s r1 completed",
    );
    let done = bench.last_response();
    assert_eq!(
        (done.created_at, done.completed_at),
        (1_786_000_000, Some(1_786_000_007))
    );
    assert_eq!(
        (&*done.service_tier, done.usage.unwrap().reasoning),
        ("default", 64)
    );
}
