//! Rules of a study: where the warm-up ends, what monotony says, what decisions have lost.

use lanebench::report::{CompareKind, CompareReport, Paint};
use lanebench::runner::settle;
use lanebench::sabotage::engine::WrongEngine;
use lanebench::sim::Honest;
use lanebench::sim::compare::{
    Comparison, Findings, Kept, Outcome, PartError, Regret, Relief, Standing, Study, Sweep,
};
use lanebench::sim::laws::Law;
use lanebench::sim::metric::Metric;
use lanebench::sim::stats::Interval;
use lanebench::sim::strategy::Drawn;
use serde_json::Value;

use super::{SMALL, part_lines, played, read_sweep, returning, small, text_of};

const FIXED: &str = "warm_up: 2m";
const RULE: &str = "warm_up: mser-5";
const USUAL: &str = "replications: { min: 4, max: 8, half_width: 10%, round: 2 }";
const FEW: &str = "replications: { min: 2, max: 2, half_width: 10% }";

fn rendered(comparison: &Comparison, study: &Study, kind: CompareKind) -> (String, Findings) {
    let findings = Findings::of(comparison, study);
    let report = CompareReport {
        comparison,
        study,
        findings: &findings,
    };
    (kind.render(&report, Paint::Plain), findings)
}

#[test]
fn intervals_end_where_what_they_measure_ends_and_hold_its_mean() {
    let text = text_of(SMALL)
        .replace(USUAL, &format!("{FEW}\nregret: {{ decisions: 1 }}"))
        .replace(
            "metric: live_wait, at_most: 30s",
            "metric: goodput, at_least: 50%",
        );
    let sweep = read_sweep(SMALL, &text).0.unwrap();
    let comparison = &sweep.points[0];
    let mut study = played(comparison);
    let drawn = |propensity: f64, good: bool| Drawn {
        job: 0,
        at: 0,
        interactive: false,
        propensity,
        context: 0,
        came: Some((1, good)),
    };
    let choices = [
        vec![drawn(0.25, true)],
        vec![drawn(0.25, true), drawn(0.25, false)],
    ];
    for (number, one) in study.replications.iter_mut().enumerate() {
        let other = number as f64;
        let outcome = &mut one.outcomes[3];
        outcome.measures.values[Metric::Goodput as usize] = Some(0.9 + 0.09 * other);
        outcome.drawn = choices[number].clone();
        outcome.regret = Some(Regret {
            decisions: 1,
            gain: 0.1 - 0.2 * other,
            regret: 0.1 - 0.1 * other,
        });
    }
    let findings = Findings::of(comparison, &study);
    // Two replications say little: every interval would go beyond both ends.
    let ends = |interval: Interval| (interval.low, interval.high);
    let gate = findings.gates[2].interval.unwrap();
    assert!(gate.low > 0.0 && gate.low < 0.5 && gate.high == 1.0, "{gate:?}");
    let off_policy = findings.off_policy[3].unwrap();
    assert_eq!(ends(off_policy.reward.1), (0.0, 1.0));
    let (mean, interval) = off_policy.background;
    assert!((mean - 3.0).abs() < 1e-12, "{mean}");
    assert!(interval.low == 0.0 && interval.high > mean, "{interval:?}");
    let regret = findings.regrets.unwrap()[3].unwrap();
    assert!(
        regret.interval.low == 0.0 && regret.interval.high > regret.mean,
        "{regret:?}"
    );
    assert!(regret.gain_interval.low < 0.0, "{regret:?}");
}

#[test]
fn what_is_missing_stands_in_the_data_as_null() {
    // Fewer replications have no order statistics around their median.
    let text = text_of(SMALL).replace(USUAL, "replications: { min: 8, max: 8 }");
    let sweep = read_sweep(SMALL, &text).0.unwrap();
    let study = played(&sweep.points[0]);
    let (json, _) = rendered(&sweep.points[0], &study, CompareKind::Json);
    let json: Value = serde_json::from_str(&json).unwrap();
    let rows = json["strategies"][0]["metrics"].as_array().unwrap();
    let median = |metric: &str| {
        let row = rows.iter().find(|row| row["metric"] == metric).unwrap();
        row.as_object().unwrap().get("median").cloned().unwrap()
    };
    assert_eq!(median("goodput"), Value::Null);
    assert!(median("live_wait_p95")["value"].is_number());
}

#[test]
fn pilots_end_the_warm_up_where_the_rule_says() {
    let text = text_of(SMALL).replace(FIXED, RULE).replace(USUAL, FEW);
    let sweep = || -> Sweep { read_sweep(SMALL, &text).0.unwrap() };
    let mut settled = sweep();
    settle(&mut settled.points[0], 2);
    let comparison = &settled.points[0];
    let cut = comparison.cut().unwrap();
    assert!(comparison.pilots() == 0 && cut.strategies.len() == comparison.strategies.len());
    assert_eq!(comparison.warm_up, cut.at());
    let study = played(comparison);
    let (said, findings) = rendered(comparison, &study, CompareKind::Human);
    assert!(said.contains("by MSER-5 over the jobs in the system"), "{said}");
    let (json, _) = rendered(comparison, &study, CompareKind::Json);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["warm_up"]["rule"], "mser-5");
    assert_eq!(
        json["warm_up"]["strategies"][0]["course"]
            .as_array()
            .unwrap()
            .len(),
        100
    );
    // A merge plays nothing: what the pilots said stands in the parts.
    let lines = part_lines(comparison, &study);
    let part = settled.part_header() + &lines;
    let mut merged = sweep();
    let mut kept = vec![Kept::new()];
    assert!(merged.read_part(&part, &mut kept).is_ok());
    merged.settle_as_kept(&kept);
    let together = merged.points[0].put_together(&kept[0]).unwrap();
    assert_eq!(
        rendered(&merged.points[0], &together, CompareKind::Human),
        (said, findings)
    );
    let elsewhere = part.replacen("\"ticks\":", "\"ticks\":1", 1);
    assert_eq!(merged.read_part(&elsewhere, &mut kept), Err(PartError::Cut(2)));
}

#[test]
fn a_strategy_without_a_steady_state_decides_nothing() {
    // Reports come every half a minute and take minutes, one at a time.
    let mut comparison = small(&[
        (FIXED, RULE),
        (USUAL, FEW),
        (
            "  interactive: { capacity: 4 }\n",
            "  interactive: { capacity: 4 }\n  background: { capacity: 1 }\n",
        ),
        (
            "  - { strategy: three-lane, metric: goodput, no_worse_than: all-interactive, by: 2% }\n  - { strategy: coin, metric: live_wait, at_most: 30s }\n",
            "",
        ),
    ]);
    settle(&mut comparison, 2);
    let study = played(&comparison);
    let (said, findings) = rendered(&comparison, &study, CompareKind::Human);
    let (three_lane, all_interactive) = (0, 2);
    assert!(
        findings.unsettled.contains(&three_lane),
        "{:?}",
        findings.unsettled
    );
    assert!(
        !findings.unsettled.contains(&all_interactive),
        "{:?}",
        findings.unsettled
    );
    assert_eq!(findings.standing(), Standing::Undecided);
    assert!(
        said.contains("undecided: no steady state of `three-lane`"),
        "{said}"
    );
}

#[test]
fn with_more_room_or_fewer_tasks_nobody_waits_longer() {
    let comparison = small(&[("strategies:\n", "reference: all-interactive\nstrategies:\n")]);
    let stage = comparison.stage(comparison.seed(0));
    for relief in [Relief::Places, Relief::Fewer] {
        let honest = comparison.monotony(&stage, relief, Honest);
        assert!(honest.breach.is_none() && honest.compared > 10, "{honest:?}");
        assert!(honest.asked >= honest.compared);
        // An engine that lets them in one by one, however much room there is.
        let wrong = comparison.monotony(&stage, relief, WrongEngine::LastFirst.seams(1));
        assert_eq!(
            wrong.breach.map(|breach| breach.law),
            Some(Law::Monotony),
            "{relief:?}"
        );
    }
    let replication = comparison.replicate(1);
    assert!(
        replication.monotony.compared > 10 && replication.outcomes[comparison.reference].broken.is_none()
    );
}

/// Two tasks of 20 s, 1 s apart, due after 37 s, and one interactive place.
const BY_HAND: &str = "
comparison: a world in which regret is known
metric: goodput
policy: ../../../scenarios/policies/three-lane.yaml
kinds: ../../../scenarios/kinds.yaml
workload:
  arrivals: { renewal: { every: 1s, cv2: 0 } }
  length: 2500ms
  mix:
    - { kind: report_generation, share: 100%, script: { steps: [{ message: 1000 tokens }] }, targets: { result: 37s } }
lanes: { interactive: { capacity: 1 } }
strategies: { one-lane: all_interactive, other-lane: all_background }
replications: { min: 2, max: 2 }
regret: { decisions: 8 }
";

#[test]
fn regret_is_what_it_is_by_hand() {
    let (sweep, said) = read_sweep(SMALL, BY_HAND);
    let comparison = &sweep.unwrap_or_else(|| panic!("{said}")).points[0];
    let study = played(comparison);
    let (text, findings) = rendered(comparison, &study, CompareKind::Human);
    // In one lane the second task waits 19 s and comes after 39 s, too late; with either of them in the background both
    // are in time: one more task, whichever decision is changed. In the background both are, whatever is changed.
    assert_eq!(study.replications[0].outcomes[0].measures.tasks, 2);
    let regrets = findings.regrets.unwrap();
    let [live, background] = [0, 1].map(|place| regrets[place].unwrap());
    assert_eq!(
        (live.mean, live.gain, live.interval.half_width()),
        (1.0, 1.0, 0.0)
    );
    assert_eq!((background.mean, background.gain), (0.0, 0.0));
    assert!(
        live.decisions >= 2 && text.contains("regret of a decision by `goodput`"),
        "{text}"
    );
    // A fork in which all goes the same way has to end the same: it is caught if it does not.
    let stage = comparison.stage(comparison.seed(0));
    let mut other = study.replications[0].outcomes[0].measures.clone();
    other.tasks += 1;
    let checked = comparison.regret(&stage, &comparison.strategies[0], &other);
    assert!(checked.unwrap_err().contains("goes the same way ends otherwise"));
    // It is the same in parts.
    let mut kept = Kept::new();
    let lines = part_lines(comparison, &study);
    comparison
        .read_part(&(comparison.part_header() + &lines), &mut kept)
        .unwrap();
    assert_eq!(comparison.put_together(&kept).unwrap(), study);
}

/// A task a second and two places; who waits for half a minute in the queue is given up.
const IMPATIENT: &str = "
comparison: patience and the limit of the queue
metric: goodput
policy: ../../../scenarios/policies/three-lane.yaml
kinds: ../../../scenarios/kinds.yaml
workload:
  arrivals: { renewal: { every: 1s, cv2: 0 } }
  length: 1h
  mix:
    - { kind: report_generation, share: 100%, script: { steps: [{ message: 4000 tokens }] }, limits: { queue: 30s, wait: 10m }, targets: { result: 20m } }
lanes: { interactive: { capacity: 2 } }
people:
  - user: { patience: PATIENCE, leaves_after: 3h, retries: { probability: 100%, after: 20m, times: 2 } }
strategies: { one-lane: all_interactive, other-lane: all_background }
replications: { min: 2, max: 2 }
";

#[test]
fn who_comes_again_and_second_requests_are_measured_as_where_all_tries_are_listed() {
    let comparison = returning(90);
    let stage = comparison.stage(comparison.seed(1));
    let value = |outcome: &Outcome, metric| outcome.measures.value(metric).unwrap();
    let mut twice = 0.0;
    for named in &comparison.strategies {
        let fed = comparison.play_behind(&stage, named, Honest);
        assert_eq!(fed.broken, None, "{}", named.name);
        assert_eq!(fed, comparison.play_listed(&stage, named), "{}", named.name);
        assert!(value(&fed, Metric::Retrials) > 0.05, "{}", named.name);
        if named.hedge.is_some() {
            twice += value(&fed, Metric::DuplicateWork);
        }
    }
    assert!(twice > 0.02, "{twice}");
    // The first try that comes again: were it counted for itself, there would be more tasks.
    let outcome = comparison.play(&stage, &comparison.strategies[0]);
    assert_eq!(outcome.measures.tasks as usize, stage.firsts());
}

/// The limit of the queue and the patience of the user end in the same tick, or next to each other: who has not been told that the
/// job is over gives up and comes again, as where all tries are listed.
#[test]
fn who_gives_up_in_the_tick_in_which_the_job_ends_comes_again() {
    let mut retrials = Vec::new();
    for patience in ["30s", "30.000001s", "30.000002s", "30.000003s"] {
        let text = IMPATIENT.replace("PATIENCE", patience);
        let (sweep, said) = read_sweep(SMALL, &text);
        let comparison = &sweep.unwrap_or_else(|| panic!("{said}")).points[0];
        let stage = comparison.stage(comparison.seed(0));
        let named = &comparison.strategies[0];
        let fed = comparison.play(&stage, named);
        assert_eq!(fed.broken, None, "{patience}");
        assert_eq!(fed, comparison.play_listed(&stage, named), "{patience}");
        retrials.push(fed.measures.value(Metric::Retrials).unwrap());
    }
    // Who has asked to cancel before the limit, or in its tick, comes again; who has seen it end does not.
    assert!(retrials[0] > 1.5 && retrials[1] > 1.5, "{retrials:?}");
    assert_eq!(retrials[2..], [0.0, 0.0]);
}

/// What is known of a task that was refused is over at once; its user sees nothing until leaving, long after.
#[test]
fn who_is_refused_counts_as_silent_until_leaving() {
    let comparison = small(&[
        ("length: 12m", "length: 40m"),
        ("every: 10s", "every: 3s"),
        (
            "lognormal: { p50: 2m, p99: 20m }",
            "lognormal: { p50: 20m, p99: 40m }",
        ),
        ("interactive: { capacity: 4 }", "interactive: { capacity: 1 }"),
        (
            "  oracle: { oracle: { over: 60s } }\n",
            "  shed: { shed: { waiting: 1 } }\n",
        ),
        // Nothing is open for long, so that what is over is soon let go.
        ("takes: { lognormal: { p50: 4m, p99: 40m } }", "takes: 1s"),
    ]);
    let stage = comparison.stage(comparison.seed(0));
    let shed = comparison.strategies.last().unwrap();
    let fed = comparison.play(&stage, shed);
    let values = [Metric::Shed, Metric::Silence].map(|metric| fed.measures.value(metric).unwrap());
    assert!(values[0] > 0.03 && values[1] > 60.0, "{values:?}");
    assert_eq!(fed, comparison.play_listed(&stage, shed));
}

#[test]
fn a_run_whose_tasks_are_made_and_forgotten_is_measured_as_one_that_lists_them() {
    for (name, count) in [(SMALL, 6), ("scenarios/comparisons/three-lanes.yaml", 9)] {
        let text = text_of(name)
            .replace("length: 2h", "length: 30m")
            .replace("warm_up: 20m", "warm_up: 0s");
        let (sweep, said) = read_sweep(name, &text);
        let comparison = &sweep.unwrap_or_else(|| panic!("{said}")).points[0];
        let stage = comparison.stage(comparison.seed(2));
        assert_eq!(comparison.strategies.len(), count);
        for named in &comparison.strategies {
            let fed = comparison.play_behind(&stage, named, Honest);
            assert_eq!(
                fed,
                comparison.play_listed(&stage, named),
                "{name} {}",
                named.name
            );
        }
    }
}
