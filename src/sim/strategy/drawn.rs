//! Choices that were drawn, with how likely each was and what came of it; and what they say of strategies that were not played.

use crate::sim::stats::Moments;
use crate::trace::Execution;
use crate::units::{JobId, SimTime};

/// A choice that was drawn between the interactive lane and the background. Every one of a run is kept, 40 bytes each: reports list
/// them one by one, so that others can judge by them what was not played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drawn {
    /// The number of the job.
    pub job: u32,
    /// When it was drawn, in ticks.
    pub at: u64,
    /// What was drawn: interactive or not.
    pub interactive: bool,
    /// How likely that was.
    pub propensity: f64,
    /// What the strategy took the task for.
    pub context: u32,
    /// When the runtime knew what came of it, in ticks, and whether it was good; none if it never did.
    pub came: Option<(u64, bool)>,
}

impl Drawn {
    pub(super) const fn new(job: JobId, at: SimTime, arm: Execution, propensity: f64, context: u32) -> Self {
        Self {
            job: job.0,
            at: at.ticks(),
            interactive: matches!(arm, Execution::Interactive),
            propensity,
            context,
            came: None,
        }
    }

    /// The same, had the other one been drawn.
    pub(super) fn other_way(self) -> Self {
        Self {
            interactive: !self.interactive,
            propensity: 1.0 - self.propensity,
            ..self
        }
    }

    /// What was drawn.
    #[must_use]
    pub const fn arm(&self) -> Execution {
        match self.interactive {
            true => Execution::Interactive,
            false => Execution::Background,
        }
    }

    /// 1 if what came of it was good, 0 if not, or if nobody ever knew.
    #[must_use]
    pub fn reward(&self) -> f64 {
        f64::from(u8::from(matches!(self.came, Some((_, true)))))
    }
}

/// The mean reward of the choices themselves; none of none.
#[must_use]
pub fn mean_reward(choices: &[Drawn]) -> Option<f64> {
    let mut moments = Moments::default();
    choices.iter().for_each(|drawn| moments.push(drawn.reward()));
    moments.mean()
}

/// The mean reward if every choice had been this one, estimated from those that were: what was drawn counts for as many as it
/// stands for, the inverse of how likely it was. Unbiased where tasks do not get into each other's way; none of no choices.
///
/// Source: Horvitz and Thompson, "A generalization of sampling without replacement from a finite universe" (1952).
#[must_use]
pub fn inverse_propensity(choices: &[Drawn], arm: Execution) -> Option<f64> {
    let mut moments = Moments::default();
    for drawn in choices {
        let stands_for = match drawn.arm() == arm {
            true => drawn.propensity.recip(),
            false => 0.0,
        };
        moments.push(stands_for * drawn.reward());
    }
    moments.mean()
}
