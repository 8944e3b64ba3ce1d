//! How often intervals of the engine hold what they are about.

use super::cases::Case;
use super::measure::Effort;
use crate::rng::Seed;

/// Intervals of 99 % may miss what they are about with this share of the seeds, all quantities together.
pub const MISSED_MAX: f64 = 0.035;

/// A single quantity may miss with one seed in so many, rounded up to whole seeds: of two hundred seeds, right intervals miss more
/// often once in a hundred thousand times, and there are more than a hundred quantities.
pub const MISSED_ONE_IN: u64 = 20;

/// How often intervals covered what they are about.
#[derive(Debug, Clone)]
pub struct Covered {
    /// The case.
    pub case: Case,
    /// Seeds.
    pub tries: u64,
    /// For each quantity, with how many of them the interval of 99 % held the expected value.
    pub hits: Vec<u64>,
    /// Seeds with which a law did not hold.
    pub breaches: u64,
}

impl Covered {
    /// Whether intervals with so many hits cover often enough.
    #[must_use]
    pub fn often_enough(&self, hits: u64) -> bool {
        self.tries - hits <= self.tries.div_ceil(MISSED_ONE_IN)
    }

    /// Whether every interval covers often enough, and every law held.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.breaches == 0 && self.hits.iter().all(|hits| self.often_enough(*hits))
    }
}

/// How many intervals cover, and how many there are.
#[must_use]
pub fn coverage(covered: &[Covered]) -> (u64, u64) {
    let hits = covered.iter().flat_map(|one| &one.hits).sum();
    let tries = covered.iter().map(|one| one.tries * one.hits.len() as u64).sum();
    (hits, tries)
}

/// Whether all of them hold, and all intervals together cover often enough.
#[must_use]
pub fn all_cover(covered: &[Covered]) -> bool {
    let (hits, tries) = coverage(covered);
    let often = (tries - hits) as f64 <= (MISSED_MAX * tries as f64).max(1.0);
    often && covered.iter().all(Covered::holds)
}

impl Case {
    /// Measures the engine with each of these seeds.
    #[must_use]
    pub fn cover(&self, seeds: &[Seed], effort: Effort) -> Covered {
        let mut covered = Covered {
            case: self.clone(),
            tries: seeds.len() as u64,
            hits: vec![0; self.expected.len()],
            breaches: 0,
        };
        for seed in seeds {
            let (measured, breach) = self.measure(*seed, effort);
            covered.breaches += u64::from(breach.is_some());
            for (hits, measured) in covered.hits.iter_mut().zip(&measured) {
                let interval = measured.interval();
                *hits += u64::from(interval.is_some_and(|interval| interval.holds(measured.expected)));
            }
        }
        covered
    }
}
