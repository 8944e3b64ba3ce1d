//! The replications of a comparison, and when there are enough of them.

use super::pilot::Cut;
use super::plan::Comparison;
use super::relief::Relief;
use super::stage::Outcome;
use crate::rng::Seed;
use crate::sim::Honest;
use crate::sim::laws::Monotony;
use crate::sim::metric::{Bucket, Metric, Shapes};
use crate::sim::stats::{Moments, mean_interval};

/// One replication: all strategies on the same tasks, and the control on tasks of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Replication {
    /// Its seed.
    pub seed: Seed,
    /// How each strategy fared, in their order.
    pub outcomes: Vec<Outcome>,
    /// How the reference fared on other luck.
    pub control: Outcome,
    /// Where the pilots ended the warm-up, if they were asked.
    pub cut: Option<Cut>,
    /// What the reference with relief says of the law of monotony.
    pub monotony: Monotony,
}

/// What was played.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Study {
    /// The replications in the order of their seeds.
    pub replications: Vec<Replication>,
}

impl Study {
    /// The shapes of all runs of a strategy, put together in the order of their seeds.
    #[must_use]
    pub fn shapes(&self, strategy: usize) -> Shapes {
        let mut all = Shapes::default();
        for replication in &self.replications {
            if let Some(outcome) = replication.outcomes.get(strategy) {
                all.merge(&outcome.measures.shapes);
            }
        }
        all
    }

    /// Where the tasks of all runs of a strategy ended up, in the order of [`Bucket::ALL`].
    #[must_use]
    pub fn buckets(&self, strategy: usize) -> [u64; Bucket::ALL.len()] {
        let mut all = [0; Bucket::ALL.len()];
        for replication in &self.replications {
            if let Some(outcome) = replication.outcomes.get(strategy) {
                for (sum, count) in all.iter_mut().zip(outcome.measures.buckets) {
                    *sum += count;
                }
            }
        }
        all
    }
}

/// Where the seeds of the control begin, far from those of the replications.
const CONTROL: u64 = 1 << 32;

impl Comparison {
    /// The seed of a replication, counted from 0.
    #[must_use]
    pub const fn seed(&self, place: u32) -> Seed {
        Seed(1 + place as u64)
    }

    /// Plays the replication of a place, counted from 0.
    #[must_use]
    pub fn replicate(&self, place: u32) -> Replication {
        assert_eq!(self.pilots(), 0, "the warm-up is settled first");
        let seed = self.seed(place);
        let stage = self.stage(seed);
        let mut monotony = Monotony::default();
        let each = self.strategies.iter().enumerate().map(|(strategy, named)| {
            let mut outcome = match strategy == self.reference {
                false => self.play(&stage, named),
                true => {
                    let (mut outcome, found, _) = self.play_beside(&stage, named, Relief::of(place), Honest);
                    let breach = found.breach.as_ref();
                    let said = breach.map(|breach| {
                        format!("the law of {} does not hold: {}", breach.law.word(), breach.what)
                    });
                    outcome.broken = outcome.broken.or(said);
                    monotony = found;
                    outcome
                }
            };
            if place == 0 && named.strategy.learns() {
                outcome.broken = outcome.broken.or_else(|| self.foresight(&stage, named));
            }
            outcome
        });
        let outcomes = each.collect();
        drop(stage);
        let apart = self.stage(Seed(seed.0 + CONTROL));
        Replication {
            seed,
            outcomes,
            control: self.play_behind(&apart, &self.strategies[self.reference], Honest),
            cut: self.cut().cloned(),
            monotony,
        }
    }

    /// Whether the first `count` replications are enough: whether the interval of the deciding metric is narrow enough
    /// for every strategy. It depends on these replications alone.
    #[must_use]
    pub fn converged(&self, replications: &[Replication]) -> bool {
        (0..self.strategies.len()).all(|strategy| {
            let values = series(replications, strategy, self.metric);
            values.is_some_and(|values| self.is_narrow(&values))
        })
    }

    /// Whether the interval of a mean is narrow enough: by its share of the mean, or by what does not matter.
    #[must_use]
    pub fn is_narrow(&self, values: &[f64]) -> bool {
        let moments = Moments::of(values);
        let (Some(interval), Some(mean)) = (mean_interval(&moments, 1.0 - self.alpha), moments.mean()) else {
            return false;
        };
        let reach = interval.half_width();
        reach <= self.repeats.half_width * mean.abs()
            || self.indifference.is_some_and(|zone| reach <= 0.5 * zone)
    }
}

/// A metric of a strategy over the replications; none if one of them says nothing about it.
pub(super) fn series(replications: &[Replication], strategy: usize, metric: Metric) -> Option<Vec<f64>> {
    let values = replications.iter().map(|replication| {
        let outcome = replication.outcomes.get(strategy)?;
        outcome.measures.value(metric)
    });
    values.collect()
}
