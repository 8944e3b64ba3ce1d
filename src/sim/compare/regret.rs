//! Outcome regret: what one decision was worth, found by forking the world at it.
//!
//! In a run of a strategy a few of its decisions are drawn. At each the world stands still and is forked: in the fork that one
//! task goes the other way (interactive instead of background, or back, where the policy permits it; the boundary stays), and
//! everything else goes on with the same luck and the same strategy. How much better the whole run is then by the deciding
//! metric is what the decision lost: its regret, and 0 where the other way is no better. Metrics that are means over tasks are
//! counted as sums over the tasks, so that a regret of 1 by `goodput` is one more task done in time.
//!
//! A fork in which the task goes the same way has to end as the run did, to the last digit: that is checked in every run.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::plan::{Comparison, Named};
use super::stage::Stage;
use crate::job::Router;
use crate::rng::Purpose;
use crate::sim::metric::{Measures, Measuring, Metric, Unit};
use crate::sim::stats::Direction;
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

impl Comparison {
    /// The regret of a strategy whose run on these tasks came out so.
    ///
    /// # Errors
    /// What does not agree, if a fork in which nothing is otherwise ends otherwise.
    pub fn regret(&self, stage: &Stage, named: &Named, ended: &Measures) -> Result<Option<Regret>, String> {
        // A program, and what a strategy has learned, cannot be forked.
        let forks = named.program.is_none() && !named.strategy.learns();
        let Some(wanted) = self.regret_of.filter(|_| forks) else {
            return Ok(None);
        };
        let router = self.router(stage, named);
        let setting = self.setting(stage, named, Arc::new(router.clone()));
        let mut world = stage.world(&setting, Honest);
        let mut measuring = self.measuring(stage);
        let mut regret = Regret::default();
        let play = |world: &Model<Honest>, measuring: &Measuring<'_>, other: Option<Arc<dyn Router>>| {
            let (fork, mut measuring) = (world.clone(), measuring.clone());
            let fork = match other {
                Some(router) => fork.routed_by(router),
                None => fork,
            };
            let _ = fork.play_watched(&mut measuring);
            measuring.finish()
        };
        for (job, at) in self.drawn(stage, wanted) {
            world.watch_until(at, &mut measuring);
            if regret.decisions == 0 && play(&world, &measuring, None) != *ended {
                return Err("a fork in which every task goes the same way ends otherwise".to_owned());
            }
            let other = router.clone().with_other_way(job);
            let otherwise = play(&world, &measuring, Some(Arc::new(other)));
            let Some(gain) = self.gained(ended, &otherwise) else {
                continue;
            };
            regret.decisions += 1;
            regret.gain += gain;
            regret.regret += gain.max(0.0);
        }
        Ok(Some(regret))
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
