//! Stations beside their closed forms, on all cores.

use super::in_order;
use crate::rng::Seed;
use crate::sim::oracle::{Case, Covered, Effort, Reach, Surveyed};

/// Every case under one seed; the result is the same on any number of threads.
#[must_use]
pub fn survey_oracles(cases: &[Case], seed: Seed, reach: Reach, threads: usize) -> Vec<Surveyed> {
    in_order(threads, cases.len(), |index| cases[index].survey(seed, reach))
}

/// How often the intervals of the engine cover, over many seeds.
#[must_use]
pub fn cover_oracles(cases: &[Case], seeds: &[Seed], effort: Effort, threads: usize) -> Vec<Covered> {
    in_order(threads, cases.len(), |index| cases[index].cover(seeds, effort))
}
