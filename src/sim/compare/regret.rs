//! Outcome regret: what one decision was worth, found by forking the world at it.
//!
//! In a run of a strategy a few of its decisions are drawn. At each the world stands still and is forked: in the fork that one
//! task goes the other way (interactive instead of background, or back, where the policy permits it; the boundary stays), and
//! everything else goes on with the same luck and the same strategy. How much better the whole run is then by the deciding
//! metric is what the decision lost: its regret, and 0 where the other way is no better. Metrics that are means over tasks are
//! counted as sums over the tasks, so that a regret of 1 by `goodput` is one more task done in time.
//!
//! What a strategy has learned is forked with the world: in the fork it goes on learning, from the other way too. A program cannot be
//! forked, so its run is played again from the beginning, with another process that is asked the same up to the decision.
//!
//! A fork in which the task goes the same way has to end as the run did, to the last digit: that is checked at the first and the
//! last decision of every run.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::plan::{Comparison, Named};
use super::stage::Stage;
use crate::rng::Purpose;
use crate::sim::metric::{Measures, Measuring, Metric, Unit};
use crate::sim::stats::Direction;
use crate::sim::strategy::StrategyRouter;
use crate::sim::{Honest, Model};
use crate::units::{JobId, SimTime};

/// Keeps these draws apart from those of other resamples.
const DRAW: u64 = 1 << 41;

/// What the decisions of a run that were looked at have lost.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Regret {
    /// How many.
    pub decisions: u32,
    /// The sum of what the other way would have gained; losses count as such.
    pub gain: f64,
    /// The sum of the gains alone.
    pub regret: f64,
}

impl Regret {
    /// The mean regret of a decision; none of none.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.decisions > 0).then(|| self.regret / f64::from(self.decisions))
    }

    /// The mean gain of the other way.
    #[must_use]
    pub fn mean_gain(&self) -> Option<f64> {
        (self.decisions > 0).then(|| self.gain / f64::from(self.decisions))
    }
}

/// A run up to some instant, from which it goes on in more than one way.
struct Trunk<'a> {
    world: Model<Honest>,
    router: StrategyRouter,
    measuring: Measuring<'a>,
}

impl Trunk<'_> {
    /// How the run ends where one task goes the other way, or none; the strategy goes on with a copy of what it knows, if it can.
    fn branch(&self, other: Option<JobId>) -> Option<Measures> {
        let router = turned(self.router.fork()?, other);
        let (fork, mut measuring) = (
            self.world.clone().routed_by(Arc::new(router)),
            self.measuring.clone(),
        );
        let _ = fork.play_watched(&mut measuring);
        Some(measuring.finish())
    }
}

fn turned(router: StrategyRouter, other: Option<JobId>) -> StrategyRouter {
    match other {
        Some(job) => router.with_other_way(job),
        None => router,
    }
}

impl Comparison {
    /// The regret of a strategy whose run on these tasks came out so, if that is asked for.
    ///
    /// # Errors
    /// What does not agree, if a fork in which nothing is otherwise ends otherwise.
    pub fn regret(&self, stage: &Stage, named: &Named, ended: &Measures) -> Result<Option<Regret>, String> {
        let Some(wanted) = self.regret_of else {
            return Ok(None);
        };
        // What cannot be forked is not played along either, and no program is begun to learn that it cannot.
        let router = match named.program {
            Some(_) => None,
            None => self.router(stage, named).fork(),
        };
        let mut trunk = router.map(|router| Trunk {
            world: self.world_of(stage, named, router.clone()),
            router,
            measuring: self.measuring(stage),
        });
        let drawn = self.drawn(stage, wanted);
        let ends = [drawn.first_key_value(), drawn.last_key_value()].map(|end| end.map(|(job, _)| *job));
        let mut regret = Regret::default();
        for (job, at) in drawn {
            if let Some(trunk) = &mut trunk {
                trunk.world.watch_until(at, &mut trunk.measuring);
            }
            let branch = |other| {
                let forked = trunk.as_ref().and_then(|trunk| trunk.branch(other));
                forked.unwrap_or_else(|| self.replayed(stage, named, other))
            };
            if ends.contains(&Some(job)) && branch(None) != *ended {
                return Err("a fork in which every task goes the same way ends otherwise".to_owned());
            }
            let Some(gain) = self.gained(ended, &branch(Some(job))) else {
                continue;
            };
            regret.decisions += 1;
            regret.gain += gain;
            regret.regret += gain.max(0.0);
        }
        Ok(Some(regret))
    }

    fn world_of(&self, stage: &Stage, named: &Named, router: StrategyRouter) -> Model<Honest> {
        stage.world(&self.setting(stage, named, Arc::new(router)), Honest)
    }

    /// How a run ends that begins anew, in which one task goes the other way, or none.
    fn replayed(&self, stage: &Stage, named: &Named, other: Option<JobId>) -> Measures {
        let router = turned(self.router(stage, named), other);
        let mut measuring = self.measuring(stage);
        let _ = self.world_of(stage, named, router).play_watched(&mut measuring);
        measuring.finish()
    }

    /// Some of the tasks that count with their instants, in the order in which they come: the same for every strategy.
    fn drawn(&self, stage: &Stage, wanted: u32) -> BTreeMap<JobId, SimTime> {
        let jobs = (0_u32..).map(JobId).zip(stage.instants());
        let count: Vec<(JobId, SimTime)> = jobs.filter(|(_, at)| *at >= self.warm_up).collect();
        let mut drawn = BTreeMap::new();
        for draw in 0..u64::from(wanted) {
            let bits = u128::from(stage.seed().bits(Purpose::Resample, DRAW, draw));
            let place = usize::try_from((bits * count.len() as u128) >> 64).unwrap_or(0);
            drawn.extend(count.get(place).copied());
        }
        drawn
    }

    /// How much better a run is than another by the deciding metric.
    fn gained(&self, ended: &Measures, otherwise: &Measures) -> Option<f64> {
        let (before, after) = (ended.value(self.metric)?, otherwise.value(self.metric)?);
        let more = (after - before) * weight(self.metric, ended.tasks);
        match self.metric.direction()? {
            Direction::Up => Some(more),
            Direction::Down => Some(-more),
        }
    }
}

/// What a mean over tasks is counted as.
fn weight(metric: Metric, tasks: u64) -> f64 {
    match metric.unit() {
        Unit::Share | Unit::Seconds | Unit::PerTask | Unit::Money if !metric.is_tail() => tasks as f64,
        Unit::Share | Unit::Seconds | Unit::PerTask | Unit::Money => 1.0,
        Unit::Count | Unit::PerHour | Unit::Index => 1.0,
    }
}
