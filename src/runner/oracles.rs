//! Stations beside their closed forms, on all cores.

use super::in_order;
use crate::rng::Seed;
use crate::sim::oracle::{Case, Effort, Measured, Reach, Surveyed, further, published};

/// How often intervals covered what they are about.
#[derive(Debug, Clone)]
pub struct Covered {
    /// The case.
    pub case: Case,
    /// Seeds.
    pub tries: u64,
    /// For each quantity, with how many of them the interval of 99 % held the expected value.
    pub hits: Vec<u64>,
    /// Runs in which a law did not hold.
    pub breaches: u64,
}

/// Every case under one seed; the result is the same on any number of threads.
#[must_use]
pub fn survey_oracles(seed: Seed, reach: Reach, threads: usize) -> Vec<Surveyed> {
    let cases = all();
    in_order(threads, cases.len(), |index| cases[index].survey(seed, reach))
}

/// How often the intervals of the engine cover, over many seeds.
#[must_use]
pub fn cover_oracles(seeds: &[Seed], effort: Effort, threads: usize) -> Vec<Covered> {
    let cases = all();
    in_order(threads, cases.len(), |index| {
        covered(&cases[index], seeds, effort)
    })
}

fn all() -> Vec<Case> {
    published().into_iter().chain(further()).collect()
}

fn covered(case: &Case, seeds: &[Seed], effort: Effort) -> Covered {
    let mut covered = Covered {
        case: case.clone(),
        tries: seeds.len() as u64,
        hits: vec![0; case.expected.len()],
        breaches: 0,
    };
    let holds = |measured: &Measured| {
        measured
            .interval()
            .is_some_and(|interval| interval.holds(measured.expected))
    };
    for seed in seeds {
        let (measured, breach) = case.measure(*seed, effort);
        covered.breaches += u64::from(breach.is_some());
        for (hits, measured) in covered.hits.iter_mut().zip(&measured) {
            *hits += u64::from(holds(measured));
        }
    }
    covered
}
