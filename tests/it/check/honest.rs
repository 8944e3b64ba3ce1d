//! The honest runtime violates nothing, and the scenarios here put every invariant to the test.

use std::collections::BTreeSet;

use lanebench::check::{Id, Verdict, judge};
use lanebench::sim::Honest;
use lanebench::trace::Trace;

use super::world::{load, play, scenarios};

#[test]
fn honest_runs_hold_and_together_exercise_everything() {
    let mut exercised: BTreeSet<Id> = BTreeSet::new();
    for path in scenarios() {
        let scenario = load(&path);
        for seed in 1..=3 {
            for judgement in play(&scenario, seed, Honest).judged() {
                match judgement.verdict {
                    Verdict::Held { .. } => drop(exercised.insert(judgement.id)),
                    Verdict::NotExercised => {}
                    Verdict::Violated(violation) => {
                        panic!("{path} with seed {seed} breaks {}: {violation:#?}", judgement.id)
                    }
                }
            }
        }
    }
    let missing: Vec<&Id> = Id::ALL.iter().filter(|id| !exercised.contains(id)).collect();
    assert!(missing.is_empty(), "nothing exercises {missing:?}");
}

#[test]
fn a_run_without_records_exercises_nothing() {
    let scenario = load("tests/check/retry.yaml");
    let mut facts = play(&scenario, 1, Honest).facts;
    facts.replay = lanebench::check::Replay::NotPlayed;
    for judgement in judge(&Trace::default(), &facts) {
        assert_eq!(judgement.verdict, Verdict::NotExercised, "{}", judgement.id);
    }
}
