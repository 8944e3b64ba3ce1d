//! What a proof costs: how long an engineer waits for `lanebench check`.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::expect_used,
    reason = "a program for developers"
)]

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use lanebench::policy::proof::Plan;
use lanebench::policy::{Policy, Reach, Space, decode_policy};
use lanebench::runner::{enumerate, prove_policy};
use lanebench::scenario::{Diagnostics, Sources, read};

const THREE_LANE: &str = include_str!("../scenarios/policies/three-lane.yaml");

fn policy(text: &str) -> Policy {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let tree = read(&mut sources, "policy.yaml", text.as_bytes(), &mut out).expect("YAML");
    decode_policy(&tree, &mut out).expect("a policy")
}

/// The shipped policy: every question of every row, and the whole command without its printing.
fn three_lane(criterion: &mut Criterion) {
    let policy = policy(THREE_LANE);
    let plan = Plan::new(&policy);
    let mut group = criterion.benchmark_group("three-lane");
    group.sample_size(10);
    for (name, reach, threads) in [
        ("32,768 rows", Reach::Known, 1),
        ("14,348,907 rows, 1 thread", Reach::ThreeValued, 1),
        ("14,348,907 rows, 2 threads", Reach::ThreeValued, 2),
    ] {
        let space = Space::of(&[&policy], reach);
        let cells = space
            .cells()
            .and_then(|cells| u64::try_from(cells).ok())
            .expect("few cells");
        group.throughput(Throughput::Elements(cells));
        group.bench_function(name, |b| b.iter(|| black_box(enumerate(&plan, &space, threads))));
    }
    group.bench_function("the whole proof", |b| {
        b.iter(|| black_box(prove_policy(&policy, 2).expect("a proof")));
    });
    group.finish();
}

/// 200 rules over 40 attributes: past enumeration, by decision diagrams alone; the whole command without its printing.
fn synthetic(criterion: &mut Criterion) {
    let policy = policy(&synthetic_text());
    let mut group = criterion.benchmark_group("200 rules, 40 attributes");
    group.sample_size(10);
    group.bench_function("the whole proof", |b| {
        b.iter(|| black_box(prove_policy(&policy, 2).expect("a proof")));
    });
    group.finish();
}

/// Rules that each look at three of four neighbouring attributes of 22, and at the gates.
fn synthetic_text() -> String {
    let mut text = "policy: synthetic\nattributes:\n".to_owned();
    for attribute in 0..22 {
        let _ = writeln!(text, "  a{attribute}: bool");
    }
    text.push_str(
        "boundary: { approval_when: any_effect }\n\
         facts: { slow: multi_step_or_slow or review_before_delivery, \
         shown: can_show_status and can_show_retry and can_retrieve_result }\nrules:\n",
    );
    let mut chance = 7_u64;
    for rule in 0..199 {
        let mut parts = Vec::new();
        chance = chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let left_out = chance >> 60 & 3;
        for place in (0..4).filter(|place| *place != left_out) {
            let sign = if chance >> (40 + place) & 1 == 1 {
                "not "
            } else {
                ""
            };
            parts.push(format!("{sign}a{}", rule * 18 / 198 + place));
        }
        let (more, execution) = match rule % 3 {
            1 => ("(user_steering or not slow)", "interactive"),
            _ => ("value_after_session and slow and shown", "background"),
        };
        let _ = writeln!(
            text,
            "  - {{ id: r{rule}, when: '{} and {more}', execution: {execution}, because: synthetic }}",
            parts.join(" and ")
        );
    }
    text.push_str("  - { id: otherwise, execution: interactive }\n");
    text
}

criterion_group!(benches, three_lane, synthetic);
criterion_main!(benches);
