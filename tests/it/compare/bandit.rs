//! The strategy that learns: what it knew when, what its draws say of what was not played, and that looking ahead is found out.

use std::collections::BTreeMap;
use std::sync::Arc;

use lanebench::report::{CompareKind, CompareReport, Paint, choices_csv};
use lanebench::sim::compare::{Comparison, Findings, Kept, Named, Standing};
use lanebench::sim::metric::Metric;
use lanebench::sim::stats::Moments;
use lanebench::sim::strategy::{
    Bandit, Choice, Drawn, Heard, Sight, Strategy, inverse_propensity, mean_reward,
};
use lanebench::trace::Execution;
use lanebench::units::Probability;
use serde_json::Value;

use super::strategies::world;
use super::{part_lines, played};

/// Room for everybody, and users who leave before most reports are done: so those are lost unless they are in the background, and
/// no task gets into the way of another.
fn learning(strategy: &str) -> Comparison {
    world(&[
        (
            "other: policy",
            &format!("other: {strategy}, coin: {{ random: {{ interactive: 50% }} }}"),
        ),
        (
            "user: {}",
            "user: { leaves_after: { lognormal: { p50: 2m, p99: 20m } } }",
        ),
        ("every: 8s", "every: 4s"),
        (
            "{ kind: report_generation, share: 25%",
            "{ kind: report_generation, share: 55%, limits: { wait: 20m }",
        ),
        (
            "{ kind: short_answer, share: 60%",
            "{ kind: short_answer, share: 30%",
        ),
    ])
}

pub(super) fn learner() -> Comparison {
    learning("{ bandit: { explore: 20% } }")
}

pub(super) const PLACE: usize = 1;

#[test]
fn it_knows_nothing_before_the_first_job_is_over_and_prefers_what_served_well_afterwards() {
    let comparison = learner();
    let stage = comparison.stage(comparison.seed(0));
    let play = |place: usize| comparison.play(&stage, &comparison.strategies[place]);
    let (outcome, coin) = (play(PLACE), play(2));
    assert_eq!(outcome.broken, None);
    assert!(outcome.drawn.len() > 60, "{}", outcome.drawn.len());
    assert_eq!(outcome, play(PLACE));
    assert!(coin.drawn.is_empty());
    let mut known_first: BTreeMap<u32, u64> = BTreeMap::new();
    for drawn in &outcome.drawn {
        let (known_at, _) = drawn.came.unwrap();
        assert!(known_at > drawn.at, "{drawn:?}");
        let first = known_first.entry(drawn.context).or_insert(known_at);
        *first = (*first).min(known_at);
        // A fifth is left to chance, and half of that is either lane.
        assert!((0.1 - 1e-9..=0.9 + 1e-9).contains(&drawn.propensity), "{drawn:?}");
    }
    // The warm-up counts for nothing and teaches all the same, so the whole run is looked at here.
    let whole = Comparison {
        warm_up: lanebench::units::SimTime::START,
        ..comparison.clone()
    };
    let drawn = whole.play(&stage, &whole.strategies[PLACE]).drawn;
    let first = drawn
        .iter()
        .filter_map(|drawn| Some(drawn.came?.0))
        .min()
        .unwrap();
    let ignorant: Vec<&Drawn> = drawn.iter().filter(|drawn| drawn.at <= first).collect();
    assert!(ignorant.len() > 5, "{}", ignorant.len());
    assert!(
        ignorant.iter().all(|drawn| drawn.propensity == 0.5),
        "{ignorant:?}"
    );
    // In the end it is nine in ten sure of the background.
    let last = drawn.last().unwrap();
    let likely = match last.arm() {
        Execution::Background => last.propensity,
        Execution::Interactive => 1.0 - last.propensity,
    };
    assert!((likely - 0.9).abs() < 1e-9, "{last:?}");
    let goodput =
        |outcome: &lanebench::sim::compare::Outcome| outcome.measures.value(Metric::Goodput).unwrap();
    assert!(
        goodput(&outcome) > goodput(&coin) + 0.02,
        "{} {}",
        goodput(&outcome),
        goodput(&coin)
    );
}

/// Draws one lane always.
#[derive(Debug)]
struct Always(Execution);

impl Strategy for Always {
    fn choose(&self, sight: &Sight<'_>) -> Choice {
        match sight.decision.background_permitted() {
            true => Choice::Drawn {
                arm: self.0,
                propensity: 1.0,
                context: 0,
                rule: "always",
            },
            false => Choice::ByPolicy,
        }
    }
}

fn drawn(comparison: &Comparison, strategy: &Arc<dyn Strategy>, seeds: u32) -> Vec<Vec<Drawn>> {
    let named = Named {
        strategy: Arc::clone(strategy),
        ..comparison.strategies[PLACE].clone()
    };
    (0..seeds)
        .map(|place| {
            comparison
                .play(&comparison.stage(comparison.seed(place)), &named)
                .drawn
        })
        .collect()
}

/// Means over the replications that are as far apart as this: in standard errors of their difference.
fn apart(estimates: &[f64], truths: &[f64]) -> f64 {
    let differences: Vec<f64> = estimates.iter().zip(truths).map(|(a, b)| a - b).collect();
    let moments = Moments::of(&differences);
    (moments.mean().unwrap() / moments.error().unwrap()).abs()
}

#[test]
fn inverse_propensities_say_what_would_have_come_of_the_other_lane() {
    const SEEDS: u32 = 12;
    let comparison = learner();
    let logged = drawn(&comparison, &comparison.strategies[PLACE].strategy, SEEDS);
    for arm in [Execution::Interactive, Execution::Background] {
        let always: Arc<dyn Strategy> = Arc::new(Always(arm));
        let truth = drawn(&comparison, &always, SEEDS);
        let truth: Vec<f64> = truth
            .iter()
            .map(|choices| mean_reward(choices).unwrap())
            .collect();
        let of = |estimate: &dyn Fn(&[Drawn]) -> f64| -> Vec<f64> {
            logged.iter().map(|choices| estimate(choices)).collect()
        };
        let estimates = of(&|choices| inverse_propensity(choices, arm).unwrap());
        let off = apart(&estimates, &truth);
        assert!(off < 4.0, "{arm:?}: {estimates:?} {truth:?}: {off}");
        // With the propensities of a coin, which are not those that it drew by, the same estimate is wrong.
        let coin = of(&|choices| {
            let wrong = |drawn: &Drawn| Drawn {
                propensity: 0.5,
                ..*drawn
            };
            let wrong: Vec<Drawn> = choices.iter().map(wrong).collect();
            inverse_propensity(&wrong, arm).unwrap()
        });
        let off = apart(&coin, &truth);
        assert!(off > 6.0, "{arm:?}: {coin:?} {truth:?}: {off}");
    }
    assert_eq!(inverse_propensity(&[], Execution::Interactive), None);
}

/// Learns at the choice what will only be known when the job is over.
#[derive(Debug)]
struct LooksAhead(Bandit);

impl LooksAhead {
    fn new() -> Self {
        Self(Bandit::new(Probability::PER_TEN))
    }
}

impl Strategy for LooksAhead {
    fn choose(&self, sight: &Sight<'_>) -> Choice {
        let choice = self.0.choose(sight);
        if let Choice::Drawn { arm, context, .. } = choice {
            let takes = sight.predicted.unwrap();
            let good = arm == Execution::Background && sight.target.is_none_or(|target| takes <= target);
            self.0.hears(Heard { context, arm, good });
        }
        choice
    }

    fn begin(&self, _: lanebench::rng::Seed) -> Option<Arc<dyn Strategy>> {
        Some(Arc::new(Self::new()))
    }

    fn learns(&self) -> bool {
        true
    }
}

#[test]
fn a_learner_that_looks_ahead_is_found_out() {
    let mut comparison = learner();
    let stage = comparison.stage(comparison.seed(0));
    assert_eq!(comparison.foresight(&stage, &comparison.strategies[PLACE]), None);
    assert_eq!(comparison.replicate(0).outcomes[PLACE].broken, None);
    let named = &mut comparison.strategies[PLACE];
    (named.strategy, named.predictor) = (Arc::new(LooksAhead::new()), Some(0.0));
    let stage = comparison.stage(comparison.seed(0));
    let said = comparison
        .foresight(&stage, &comparison.strategies[PLACE])
        .unwrap();
    assert!(said.starts_with("it looks ahead: its answer "), "{said}");
    // Such a study decides nothing.
    comparison.repeats.least = 2;
    comparison.repeats.most = 2;
    let study = played(&comparison);
    assert_eq!(study.replications[0].outcomes[PLACE].broken, Some(said));
    assert_eq!(Findings::of(&comparison, &study).standing(), Standing::Undecided);
}

#[test]
fn choices_stand_in_every_report_and_in_parts() {
    let mut comparison = learner();
    comparison.repeats.least = 2;
    comparison.repeats.most = 2;
    let study = played(&comparison);
    let findings = Findings::of(&comparison, &study);
    let report = CompareReport {
        comparison: &comparison,
        study: &study,
        findings: &findings,
    };
    let json: Value = serde_json::from_str(&CompareKind::Json.render(&report, Paint::Plain)).unwrap();
    let csv = CompareKind::Csv.render(&report, Paint::Plain);
    let all = &study.replications[1].outcomes[PLACE].drawn;
    let run = json["runs"]
        .as_array()
        .unwrap()
        .iter()
        .find(|run| run["seed"] == 2 && run["strategy"] == "other");
    let rows = run.unwrap()["choices"].as_array().unwrap();
    assert_eq!(rows.len(), all.len());
    for (row, drawn) in rows.iter().zip(all) {
        assert!((row["propensity"].as_f64().unwrap() - drawn.propensity).abs() < 1e-12);
        assert_eq!(row["good"].as_bool(), drawn.came.map(|(_, good)| good));
        assert_eq!(row["chosen"].as_str(), Some(drawn.arm().word()));
    }
    let table = choices_csv(None, &[report]);
    let choices: usize = study
        .replications
        .iter()
        .map(|one| one.outcomes[PLACE].drawn.len())
        .sum();
    assert_eq!(table.lines().count(), choices + 1);
    assert!(
        table.starts_with("strategy,seed,job,at,chosen,propensity,context,known_at,good\nother,1,"),
        "{table}"
    );
    let found = findings.off_policy[PLACE].unwrap();
    assert_eq!((found.choices as usize, findings.off_policy[0]), (choices, None));
    // Readers of JSON may be off by a last digit.
    let mean = json["strategies"][PLACE]["off_policy"]["background"]["mean"].as_f64();
    assert!((mean.unwrap() - found.background.0).abs() < 1e-12);
    let estimate = inverse_propensity(all, Execution::Background).unwrap();
    assert!(
        csv.contains(&format!("other,strategy,2,drawn_if_background,share,{estimate}")),
        "{csv}"
    );
    let human = CompareKind::Human.render(&report, Paint::Plain);
    assert!(
        human.contains("all in the background") && human.lines().all(|line| line.chars().count() <= 100),
        "{human}"
    );
    let lines = part_lines(&comparison, &study);
    let mut kept = Kept::new();
    comparison
        .read_part(&(comparison.part_header() + &lines), &mut kept)
        .unwrap();
    assert_eq!(comparison.put_together(&kept).unwrap(), study);
}
