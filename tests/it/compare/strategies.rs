//! Strategies, each told apart from its neighbour.

use std::sync::Arc;

use lanebench::job::{Routed, Router};
use lanebench::sim::compare::{Comparison, Outcome};
use lanebench::sim::metric::Metric;
use lanebench::sim::strategy::{StrategyRouter, TaskFacts};
use lanebench::units::{JobId, SimDuration, SimTime};

use super::changed;

const WORLD: &str = "
comparison: a short morning
metric: goodput
policy: scenarios/policies/three-lane.yaml
kinds: scenarios/kinds.yaml
workload:
  arrivals: { poisson: { every: 8s } }
  length: 20m
  warm_up: 2m
  mix:
    - { kind: short_answer, share: 60%, targets: { first_output: 10s, result: 20s } }
    - { kind: report_generation, share: 25%, targets: { result: 10m } }
    - { kind: customer_email, share: 15%, targets: { result: 1h } }
lanes:
  interactive: { capacity: 1000 }
  background: { capacity: 1000 }
  approval: { capacity: 1000 }
people:
  - user: {}
  - staff: { name: desk, people: 20, takes: { lognormal: { p50: 2m, p99: 20m } } }
prices: { default: { input: 1.25, output: 10 } }
strategies: { plain: policy, other: policy }
";

pub(super) fn world(changes: &[(&str, &str)]) -> Comparison {
    changed("morning.yaml", WORLD, changes)
}

/// How the plain strategy and the other one fare in the first replication.
fn both(comparison: &Comparison) -> [Outcome; 2] {
    let stage = comparison.stage(comparison.seed(0));
    let play = |place: usize| comparison.play(&stage, &comparison.strategies[place]);
    let outcomes = [play(0), play(1)];
    for outcome in &outcomes {
        assert_eq!(outcome.broken, None);
        assert!(outcome.measures.conserves());
        assert_eq!(outcome.measures.value(Metric::UnsafeReleases), Some(0.0));
    }
    outcomes
}

fn value(outcome: &Outcome, metric: Metric) -> f64 {
    outcome.measures.value(metric).unwrap()
}

#[test]
fn users_who_come_again_are_the_same_tasks_and_wait_since_the_first_time() {
    let narrow = ("interactive: { capacity: 1000 }", "interactive: { capacity: 1 }");
    let balk = world(&[narrow, ("user: {}", "user: { balks: busy }")]);
    let again = "user: { balks: busy, retries: { probability: 90%, after: { exponential: { mean: 20s } }, times: 5 } }";
    let again = world(&[narrow, ("user: {}", again)]);
    let ([left, _], [back, same]) = (both(&balk), both(&again));
    assert_eq!(left.measures.tasks, back.measures.tasks);
    assert_eq!(value(&left, Metric::Retrials), 0.0);
    assert!(value(&back, Metric::Retrials) > 0.05);
    assert!(value(&back, Metric::Abandoned) < value(&left, Metric::Abandoned));
    assert!(value(&back, Metric::Goodput) > value(&left, Metric::Goodput));
    assert_eq!(
        value(&back, Metric::Balked) > 0.0,
        value(&left, Metric::Balked) > 0.0
    );
    // Those who came again are late by the time in between: the goodput gains less than was not abandoned.
    let saved = value(&left, Metric::Abandoned) - value(&back, Metric::Abandoned);
    assert!(value(&back, Metric::Goodput) - value(&left, Metric::Goodput) < saved);
    assert_eq!(back, same);
}

#[test]
fn a_second_request_outruns_a_slow_one_and_is_paid_for() {
    let slow = world(&[
        (
            "people:\n",
            "faults:\n  - { exchange: create, delay: 90s, probability: 20%, window: 5s }\npeople:\n",
        ),
        ("other: policy", "other: { hedged: { after: 4s } }"),
    ]);
    let [plain, hedged] = both(&slow);
    assert!(value(&hedged, Metric::LiveWaitP95) < 0.5 * value(&plain, Metric::LiveWaitP95));
    assert!(value(&hedged, Metric::Goodput) > value(&plain, Metric::Goodput));
    assert!(value(&hedged, Metric::Requests) > value(&plain, Metric::Requests));
    assert_eq!(value(&plain, Metric::DuplicateWork), 0.0);
    assert!(value(&hedged, Metric::DuplicateWork) > 0.0);
    // What has effects, or runs in the background, is asked for once.
    assert_eq!(
        value(&hedged, Metric::AttainmentApproval),
        value(&plain, Metric::AttainmentApproval)
    );
    assert_eq!(
        value(&hedged, Metric::ResultTimeBackground),
        value(&plain, Metric::ResultTimeBackground)
    );
    // Where nothing is slow, nothing is asked for twice.
    let calm = world(&[("other: policy", "other: { hedged: { after: 1m } }")]);
    let [plain, hedged] = both(&calm);
    assert_eq!(plain.measures.values, hedged.measures.values);
}

#[test]
fn what_has_least_time_left_goes_first() {
    // One place, two sorts of answers of the same length: what is wanted soon passes what has time.
    let narrow = [
        ("interactive: { capacity: 1000 }", "interactive: { capacity: 1 }"),
        ("every: 8s", "every: 1600ms"),
        (
            "    - { kind: short_answer, share: 60%, targets: { first_output: 10s, result: 20s } }\n",
            "    - { kind: short_answer, id: soon, share: 20%, targets: { result: 20s } }\n    \
             - { kind: short_answer, id: later, share: 40%, targets: { result: 10m } }\n",
        ),
        ("other: policy", "other: { edf: { error: 0 } }"),
    ];
    let comparison = world(&narrow);
    let [plain, edf] = both(&comparison);
    assert!(
        value(&plain, Metric::AttainmentLeast) < 0.9,
        "{}",
        value(&plain, Metric::AttainmentLeast)
    );
    assert!(value(&edf, Metric::AttainmentLeast) > value(&plain, Metric::AttainmentLeast));
    assert!(value(&edf, Metric::Goodput) > value(&plain, Metric::Goodput));
    // Who comes later may go first, so order and monotony are no laws of such a reference, and break none of its runs.
    let mut first = narrow.to_vec();
    first.push(("plain: policy", "plain: { edf: { error: 0 } }"));
    for place in 0..2 {
        let [ordered, free] = [&comparison, &world(&first)].map(|world| world.replicate(place));
        assert!(ordered.monotony.asked > 0);
        assert_eq!((free.monotony.asked, &free.outcomes[0].broken), (0, &None));
        assert_eq!(free.control.broken, None);
    }
    // With one target for everything, and no prediction that could differ, who came first goes first.
    let mut same = narrow;
    same[2].1 = "    - { kind: short_answer, share: 60%, targets: { result: 20s } }\n";
    same[3].1 = "other: { tiers: { interactive: default } }";
    let [plain, other] = both(&world(&same));
    assert_eq!(plain.measures.values, other.measures.values);
}

#[test]
fn a_tier_changes_the_price_the_pace_and_who_is_let_in() {
    let tiers = "backend:\n  tiers:\n    flex: { queued: 2m, takes: 2 }\n    priority: { takes: 0.5 }\n\
                 prices: { default: { input: 1, output: 10 }, flex: { input: 0.5, output: 5 }, priority: { input: 2, output: 20 } }\n";
    let usual = "prices: { default: { input: 1.25, output: 10 } }\n";
    let flex = world(&[
        (usual, tiers),
        ("other: policy", "other: { tiers: { background: flex } }"),
    ]);
    let [plain, mapped] = both(&flex);
    assert!(value(&mapped, Metric::Cost) < value(&plain, Metric::Cost));
    let late = |outcome| value(outcome, Metric::ResultTimeBackground);
    assert!(
        late(&mapped) > late(&plain) + 100.0,
        "{} {}",
        late(&mapped),
        late(&plain)
    );
    assert_eq!(value(&mapped, Metric::LiveWait), value(&plain, Metric::LiveWait));
    let priority = world(&[
        (usual, tiers),
        ("other: policy", "other: { tiers: { interactive: priority } }"),
    ]);
    let [plain, mapped] = both(&priority);
    assert!(value(&mapped, Metric::LiveWait) < 0.8 * value(&plain, Metric::LiveWait));
    assert!(value(&mapped, Metric::Cost) > value(&plain, Metric::Cost));
    assert_eq!(late(&mapped), late(&plain));
    // Where another tier is the usual one, the default one is asked for by its name.
    let elsewhere = tiers.replace("  tiers:", "  tier: flex\n  tiers:");
    let named = "other: { tiers: { interactive: default, background: default, approval: default } }";
    let [plain, mapped] = both(&world(&[(usual, &elsewhere), ("other: policy", named)]));
    assert!(value(&mapped, Metric::Cost) > 1.5 * value(&plain, Metric::Cost));
    // A tier that lets hardly anybody in: whoever is refused is told when to come again.
    let full = tiers.replace("takes: 2 }", "takes: 2, limiter: { burst: 1, refill: 5m } }");
    let full = world(&[
        (usual, &full),
        ("other: policy", "other: { tiers: { background: flex } }"),
    ]);
    let [plain, mapped] = both(&full);
    assert!(value(&mapped, Metric::Requests) > 0.0);
    assert!(value(&mapped, Metric::AttainmentBackground) < value(&plain, Metric::AttainmentBackground));
}

#[test]
fn what_is_risky_takes_more_people_and_nothing_else_does() {
    let comparison = world(&[(
        "other: policy",
        "other: { risk_tiers: [{ when: customer_comm, quorum: 2 }] }",
    )]);
    assert!(comparison.strategies[0].quorums.is_empty());
    assert_eq!(&*comparison.strategies[1].quorums, [0, 0, 2]);
    let [plain, tiers] = both(&comparison);
    let asked = [&plain, &tiers].map(|outcome| value(outcome, Metric::InterruptLoad));
    assert!((asked[1] / asked[0] - 2.0).abs() < 0.1, "{asked:?}");
    assert_eq!(value(&tiers, Metric::LiveWait), value(&plain, Metric::LiveWait));
    assert_eq!(value(&tiers, Metric::OverGating), 0.0);
    // What nobody is affected by is gated too, where a condition says so.
    let wide = world(&[(
        "other: policy",
        "other: { risk_tiers: [{ when: multi_step_or_slow, quorum: 1 }] }",
    )]);
    let [plain, tiers] = both(&wide);
    assert_eq!(value(&plain, Metric::OverGating), 0.0);
    assert!(value(&tiers, Metric::OverGating) > 0.1);
}

#[test]
fn requests_that_are_kept_interrupt_less_and_wait_longer() {
    let comparison = world(&[("other: policy", "other: { approval_windows: { every: 10m } }")]);
    let [plain, kept] = both(&comparison);
    assert!(value(&kept, Metric::Interruptions) < 0.5 * value(&plain, Metric::Interruptions));
    let waits = [&plain, &kept].map(|outcome| value(outcome, Metric::ApprovalWaiting));
    // Half a window on average, and no more than a whole one.
    assert!(
        waits[1] > waits[0] + 150.0 && waits[1] < waits[0] + 600.0,
        "{waits:?}"
    );
    assert_eq!(value(&kept, Metric::LiveWait), value(&plain, Metric::LiveWait));
}

/// Every task is of the second sort.
#[derive(Debug)]
struct AllReports;

impl TaskFacts for AllReports {
    fn sort(&self, _: JobId) -> Option<u32> {
        Some(1)
    }
}

#[test]
fn the_other_way_of_a_task_keeps_its_tier_and_when_it_is_due() {
    let of = |strategy: &str| {
        let comparison = world(&[("other: policy", strategy)]);
        let named = &comparison.strategies[1];
        // A report: in the background, and as well while somebody waits.
        let router = StrategyRouter::new(
            Arc::clone(&named.strategy),
            Arc::clone(&named.routes),
            Arc::new(AllReports),
        );
        let routes = [router.clone(), router.with_other_way(JobId(0))].map(|router| router.route(JobId(0)));
        routes.map(|routed| match routed {
            Routed::Placed(placement, _) => placement,
            Routed::Refused(why) => panic!("{why}"),
        })
    };
    let [one, other] = of("other: { edf: { error: 0 } }");
    assert_ne!(one.lane, other.lane);
    assert_eq!(one.due, Some(SimTime::START + SimDuration::from_secs(600)));
    assert_eq!(other.due, one.due);
    let [one, other] = of("other: { tiers: { background: default } }");
    assert_ne!(one.lane, other.lane);
    assert_eq!([one.tier.as_deref(), other.tier.as_deref()], [Some("default"); 2]);
}
