//! Comparisons on the requests of traces and clients.

use lanebench::backend::StepWork;
use lanebench::rng::{Law, Seed};
use lanebench::sabotage::engine::WrongEngine;
use lanebench::sim::compare::{Comparison, Stage};
use lanebench::units::SimDuration;

use super::small;

const ARRIVALS: &str = "  arrivals: { renewal: { every: 10s, cv2: 2 } }\n";

fn fed(by: &str) -> Comparison {
    small(&[(ARRIVALS, by)])
}

const TRACE: &str = "  trace: { file: ../../../scenarios/workloads/talk-trace.csv, format: azure-2023, blocks: 60s }\n  \
                       tokens: { base: 500ms, prefill: 4000, decode: 25 }\n  assign: output\n";

/// The lengths of the last messages, by sort.
fn answers(stage: &Stage) -> Vec<(u32, u32, SimDuration)> {
    stage
        .sorts()
        .iter()
        .zip(stage.scripts())
        .filter_map(|(sort, script)| {
            let last = script.as_ref()?.steps.last()?.clone();
            match (last.work, last.takes) {
                (StepWork::Message { tokens }, Law::Constant(takes)) => Some((*sort, tokens, takes)),
                _ => None,
            }
        })
        .collect()
}

#[test]
fn a_trace_is_drawn_anew_for_each_replication_and_keeps_its_lengths() {
    let comparison = fed(TRACE);
    let stage = comparison.stage(Seed(1));
    let all = answers(&stage);
    // One request every three seconds, for twelve minutes.
    assert!((180..300).contains(&all.len()), "{}", all.len());
    let of = |sort| all.iter().filter(move |(one, ..)| *one == sort);
    let longest = of(0).map(|(_, tokens, _)| *tokens).max().unwrap();
    assert!(
        of(1).all(|(_, tokens, _)| *tokens > longest),
        "the shortest are of the first sort"
    );
    let share = of(0).count() as f64 / stage.sorts().len() as f64;
    assert!((share - 0.5).abs() < 0.03, "{share}");
    for (_, tokens, takes) in &all {
        let written = f64::from(*tokens) / 25.0 + 0.5;
        let read = takes.as_secs_f64() - written;
        assert!((0.0..=14_000.0 / 4_000.0).contains(&read), "{tokens} {takes}");
    }
    assert_eq!(all, answers(&comparison.stage(Seed(1))));
    assert_ne!(all, answers(&comparison.stage(Seed(2))));
    let replication = comparison.replicate(0);
    for outcome in &replication.outcomes {
        assert_eq!(outcome.broken, None);
    }
}

#[test]
fn clients_come_with_their_own_lengths() {
    let comparison = fed(
        "  clients: [{ rates: client/chunk-0-trace.csv, sizes: client/chunk-0-dataset.json }]\n  \
         tokens: { prefill: 1000, decode: 10 }\n",
    );
    let seeds = (0..40).map(|seed| answers(&comparison.stage(Seed(seed))));
    let all: Vec<_> = seeds.flatten().collect();
    // Two in a hundred seconds for ten minutes, then nobody; 40 times.
    assert!((240..720).contains(&all.len()), "{}", all.len());
    assert!(all.iter().all(|(_, tokens, _)| [40, 400].contains(tokens)));
    for tokens in [40, 400] {
        assert!(all.iter().any(|(_, one, _)| *one == tokens));
    }
}

/// The laws are checked in the runs of a comparison: one that breaks a law is no evidence.
#[test]
fn a_run_that_breaks_a_law_is_no_evidence() {
    let comparison = fed(TRACE);
    let (stage, named) = (comparison.stage(Seed(1)), &comparison.strategies[0]);
    assert_eq!(comparison.play(&stage, named).broken, None);
    let wrong = comparison.play_behind(&stage, named, WrongEngine::LastFirst.seams(4));
    let why = wrong.broken.unwrap();
    assert!(why.starts_with("the law of order does not hold: "), "{why}");
}
