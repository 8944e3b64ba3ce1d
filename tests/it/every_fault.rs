//! The catalogue of faults: each is written down as users write it, and strikes in virtual time and on real sockets.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;

use lanebench::clock::TimeScale;
use lanebench::fault::Fault;
use lanebench::rng::Seed;
use lanebench::runner::{World, blueprint, play};
use lanebench::scenario::{Diagnostics, Scenario, Sources};
use lanebench::sim::{Honest, Played, Recording};
use lanebench::trace::{BackendEvent, Event, OutsideEvent, ServiceEvent, SinkEvent};

use crate::scenario::from_disk;

/// A job that polls.
const POLLS: &str = "kind: data_job, follow: poll";
/// A job that polls several times, however busy the machine is.
const POLLS_ON: &str = "kind: data_job, follow: poll, prompt: at length";
/// A job that reads a stream.
const STREAMS: &str = "kind: data_job, follow: stream";
/// A job that waits for a webhook.
const WAITS: &str = "kind: data_job, follow: webhook";
/// A job that its user calls off.
const CALLED_OFF: &str = "kind: data_job, follow: poll, prompt: called off";
/// A job whose function runs here.
const CALLS: &str = "kind: support_reply";
/// A job that sends a mail.
const MAILS: &str = "kind: customer_email";

/// Every fault with the job that meets it, and how a rule says so.
const ENTRIES: &[(&str, &str)] = &[
    // What the service answers.
    (POLLS, "exchange: create, nth: 1, reply: 400"),
    (POLLS, "exchange: create, nth: 1, reply: 401"),
    (POLLS, "exchange: create, nth: 1, reply: 403"),
    (POLLS, "exchange: create, nth: 1, reply: 408"),
    (POLLS, "exchange: create, nth: 1, reply: 409"),
    (POLLS, "exchange: create, nth: 1, reply: 413"),
    (POLLS, "exchange: create, nth: 1, reply: 422"),
    (POLLS, "exchange: create, nth: 1, reply: 424"),
    (POLLS, "exchange: poll, nth: 1, reply: 404"),
    (POLLS, "exchange: poll, nth: 1, reply: 500"),
    (POLLS, "exchange: poll, nth: 1, reply: 503"),
    (POLLS, "exchange: poll, nth: 1, reply: { status: 302 }"),
    (
        POLLS,
        "exchange: create, nth: 1, reply: { status: 429, retry_after: 1s }",
    ),
    (
        POLLS,
        "exchange: create, nth: 1, reply: { status: 429, retry_after_ms: 50ms }",
    ),
    (
        POLLS,
        "exchange: create, nth: 1, reply: { status: 429, retry_at: 1s }",
    ),
    (
        POLLS,
        "exchange: create, nth: 1, reply: { status: 429, code: insufficient_quota }",
    ),
    (
        POLLS,
        "exchange: create, nth: 1, reply: { status: 500, should_retry: false }",
    ),
    (
        POLLS,
        "exchange: create, nth: 1, reply: { status: 400, should_retry: true }",
    ),
    (
        POLLS,
        "exchange: poll, nth: 1, reply: { status: 502, body: html }",
    ),
    (
        POLLS,
        "exchange: poll, nth: 1, reply: { status: 503, body: empty }",
    ),
    (STREAMS, "response: any, slow_admission: 50ms"),
    (POLLS, "response: any, wrong_order: true"),
    (CALLED_OFF, "response: any, ignore_cancel: true"),
    (CALLED_OFF, "response: any, slow_cancel: 50ms"),
    (POLLS, "response: any, truncate: true"),
    (POLLS, "response: any, unknown_status: paused"),
    (STREAMS, "exchange: create, nth: 1, unknown_event: 2"),
    (STREAMS, "exchange: create, nth: 1, skip_event: 2"),
    (
        STREAMS,
        "exchange: create, nth: 1, error_event: { after: 3, code: server_error }",
    ),
    (
        POLLS,
        "response: any, attempts: 1, fail: { code: server_error, at_step: 1 }",
    ),
    (POLLS, "response: any, incomplete: content_filter"),
    (POLLS, "response: any, attempts: 1, stuck_queued: true"),
    (POLLS, "response: any, attempts: 1, stuck_in_progress: true"),
    (POLLS, "response: any, attempts: 1, cancelled_by_service: 2"),
    (POLLS, "response: any, attempts: 1, vanish: 60ms"),
    (POLLS, "step: 1, delay: 50ms"),
    // How the reply travels.
    (
        POLLS,
        "exchange: poll, nth: 1, delay: { takes: 50ms, place: handling }",
    ),
    (
        POLLS,
        "exchange: poll, nth: 1, delay: { takes: 50ms, place: reply }",
    ),
    (
        POLLS,
        "exchange: poll, nth: 1, delay: { takes: 50ms, place: body }",
    ),
    (POLLS, "exchange: poll, nth: 1, trickle: 10ms"),
    (STREAMS, "exchange: create, nth: 1, trickle: 5ms"),
    (POLLS, "exchange: poll, nth: 1, wrong_length: true"),
    (POLLS, "exchange: poll, nth: 1, cut_before_id: true"),
    (POLLS, "exchange: create, nth: 1, cut_after_id: true"),
    (POLLS, "exchange: poll, nth: 1, wrong_type: true"),
    (POLLS, "exchange: poll, nth: 1, html_page: true"),
    (POLLS, "exchange: poll, nth: 1, malformed: true"),
    (STREAMS, "exchange: create, nth: 1, cut_stream: 3"),
    (STREAMS, "exchange: create, nth: 1, cut_inside_event: 3"),
    (STREAMS, "exchange: create, nth: 1, cut_between_lines: 3"),
    // A cancel that a fault strikes; deletes and the rest, which no job of ours asks, are played by strangers.
    (CALLED_OFF, "exchange: cancel, nth: 1, delay: 50ms"),
    (CALLED_OFF, "exchange: cancel, nth: 1, reply: 500"),
    (CALLED_OFF, "exchange: cancel, nth: 1, reset_before: true"),
    (CALLED_OFF, "exchange: cancel, nth: 1, reset_after: true"),
    (CALLED_OFF, "exchange: cancel, nth: 1, cut_after_id: true"),
    (CALLED_OFF, "exchange: cancel, nth: 1, malformed: true"),
    (CALLED_OFF, "exchange: cancel, nth: 1, wrong_length: true"),
    (CALLED_OFF, "exchange: cancel, nth: 1, wrong_type: true"),
    (CALLED_OFF, "exchange: cancel, nth: 1, html_page: true"),
    (CALLED_OFF, "exchange: cancel, nth: 1, trickle: 10ms"),
    (CALLED_OFF, "exchange: cancel, nth: 1, lose_reply: true"),
    (CALLED_OFF, "exchange: cancel, nth: 1, half_open: true"),
    (CALLED_OFF, "exchange: cancel, nth: 1, stall_body: true"),
    (CALLED_OFF, "exchange: cancel, nth: 1, cut_before_id: true"),
    (CALLED_OFF, "exchange: cancel, nth: 1, refuse: true"),
    // What becomes of the connection.
    (POLLS, "exchange: create, nth: 1, refuse: true"),
    (POLLS, "exchange: create, nth: 1, reset_before: true"),
    (POLLS, "exchange: create, nth: 1, reset_after: true"),
    (POLLS, "exchange: create, nth: 1, lose_reply: true"),
    (POLLS, "exchange: poll, nth: 1, half_open: true"),
    (POLLS, "exchange: poll, nth: 1, stall_body: true"),
    (STREAMS, "exchange: create, nth: 1, stall_stream: 3"),
    (STREAMS, "exchange: create, nth: 1, reset_stream: 3"),
    // Webhooks.
    (WAITS, "webhook: any, lose_webhook: true"),
    (WAITS, "webhook: any, late_webhook: 50ms"),
    (WAITS, "webhook: any, repeat_webhook: 30ms"),
    (WAITS, "webhook: any, overtaken_webhook: 200ms"),
    (WAITS, "webhook: any, stale_webhook: true"),
    (WAITS, "webhook: any, future_webhook: true"),
    (WAITS, "webhook: any, forged_webhook: true"),
    (WAITS, "webhook: any, two_signatures: true"),
    // Tools and sinks.
    (CALLS, "tool: find_order, nth: 1, fail_tool: no such order"),
    (CALLS, "tool: any, nth: 1, hang: true"),
    (CALLS, "tool: any, nth: 1, slow: 30ms"),
    (MAILS, "sink: mail, nth: 1, hang_before: true"),
    (MAILS, "sink: any, nth: 1, refuse_for_good: true"),
    // When a rule strikes.
    (POLLS_ON, "exchange: poll, attempts: 1, nth: 2, reply: 500"),
    (
        POLLS,
        "exchange: create, turns: 1, within: 0s-1h, probability: 100%, window: 1s, delay: 20ms",
    ),
];

/// A scenario with every entry, each with a task of its own.
fn scenario() -> (Scenario, Vec<String>) {
    let mut text = String::from(
        "scenario: every fault strikes\nshows: [completion]\npolicy: ../../scenarios/policies/three-lane.yaml\n\
         kinds: ../../scenarios/kinds.yaml\n\
         backend: { latency: 2ms, webhook: 5ms, webhook_retries: [50ms], tokens_per_delta: 4 }\ntasks:\n",
    );
    for (place, (task, _)) in ENTRIES.iter().enumerate() {
        let steps = match *task {
            CALLS => {
                "{ call: { tool: find_order, arguments: { order: 17 } } }, { message: { tokens: 8 tokens, takes: 20ms } }"
            }
            MAILS => {
                "{ reasoning: 20ms }, \
                 { call: { tool: send_email, arguments: { to: ada@example.com, body: Soon. }, takes: 20ms } }"
            }
            CALLED_OFF | POLLS_ON => "{ reasoning: 1200ms }, { message: { tokens: 40 tokens, takes: 80ms } }",
            _ => "{ reasoning: 150ms }, { message: { tokens: 40 tokens, takes: 80ms } }",
        };
        writeln!(
            text,
            "  - {{ id: t{place}, {task}, polling: {{ first: 60ms, max: 150ms, fallback: 700ms }}, \
             retry: {{ base: 60ms, cap: 150ms }}, limits: {{ call: 400ms, attempt: 1500ms, tool: 300ms }}, \
             script: {{ queued: 20ms, steps: [{steps}] }} }}"
        )
        .unwrap();
    }
    text.push_str("faults:\n");
    for (place, (_, fault)) in ENTRIES.iter().enumerate() {
        let (target, rest) = fault.split_once(", ").unwrap();
        writeln!(text, "  - {{ {target}, tasks: t{place}, {rest} }}").unwrap();
    }
    let off = |(place, (task, _)): (usize, &(&str, &str))| (*task == CALLED_OFF).then(|| format!("t{place}"));
    let off: Vec<String> = ENTRIES.iter().enumerate().filter_map(off).collect();
    writeln!(
        text,
        "people:\n  - approver: {{ name: dana, takes: 20ms }}\n  - user: {{ tasks: [{}], cancels_after: 100ms }}\n\
         expect: {{ all: {{ tasks: {} }} }}",
        off.join(", "),
        ENTRIES.len()
    )
    .unwrap();
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let name = "tests/it/every-fault.yaml";
    let scenario = Scenario::load(name, text.as_bytes(), &mut from_disk, &mut sources, &mut out);
    let shown = lanebench::report::render_all(&out, &sources, lanebench::report::Paint::Plain);
    let scenario = scenario.unwrap_or_else(|| panic!("{shown}"));
    let words = scenario
        .faults
        .iter()
        .map(|fault| fault.rule.fault.word().to_owned());
    let words = words.collect();
    (scenario, words)
}

/// The rules that struck.
fn struck(played: &Played) -> BTreeSet<u32> {
    let records = played.trace.records().iter();
    records
        .filter_map(|record| match &record.event {
            Event::Service(ServiceEvent::Backend(BackendEvent::FaultFired { rule, .. }))
            | Event::Outside(OutsideEvent::Sinks(SinkEvent::FaultFired { rule })) => Some(*rule),
            _ => None,
        })
        .collect()
}

#[test]
fn every_fault_strikes_in_virtual_time_and_on_real_sockets() {
    let (scenario, words) = scenario();
    let known: BTreeSet<&str> = Fault::WORDS.into_iter().collect();
    let written: BTreeSet<&str> = words.iter().map(String::as_str).collect();
    assert_eq!(written, known, "the catalogue and its test differ");
    let scenario = Arc::new(scenario);
    for world in [World::Virtual, World::Wall(TimeScale::ONE)] {
        let played = play(&blueprint(&scenario, Seed(3)), world, Honest, Recording::Full).unwrap();
        let struck = struck(&played);
        let missed: Vec<String> = (0_u32..)
            .zip(ENTRIES)
            .filter(|(rule, _)| !struck.contains(rule))
            .map(|(rule, (_, fault))| format!("{rule}: {fault}"))
            .collect();
        assert!(missed.is_empty(), "{}: {missed:#?}", world.word());
    }
}
