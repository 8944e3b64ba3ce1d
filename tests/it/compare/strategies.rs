//! Strategies, each told apart from its neighbour.

use lanebench::sim::compare::{Comparison, Outcome};
use lanebench::sim::metric::Metric;

use super::read;

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

fn world(changes: &[(&str, &str)]) -> Comparison {
    let mut text = WORLD.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    let (comparison, said) = read("morning.yaml", &text);
    comparison.unwrap_or_else(|| panic!("{said}"))
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
