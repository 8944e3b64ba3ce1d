//! How many requests somebody takes at once, and how well they are looked at.

use super::StaffScript;
use crate::rng::{Purpose, Seed};
use crate::units::{JobId, Probability, SimDuration, SimTime};

/// How many requests one person takes up at once. All of them are decided together, in the time of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    /// At most so many.
    pub most: usize,
    /// Not before so many wait.
    pub least: usize,
    /// Or before the one that waits longest has waited so long; none: never.
    pub after: Option<SimDuration>,
}

impl Batch {
    /// One after the other.
    pub const SINGLE: Self = Self {
        most: 1,
        least: 1,
        after: None,
    };

    /// Whether so many that wait, the first of them since `since`, are enough to begin.
    pub(super) fn opens(&self, waiting: usize, since: SimTime, now: SimTime) -> bool {
        waiting >= self.least || self.after.is_some_and(|after| now.since(since) >= after)
    }
}

/// How well requests are looked at: mistakes and hurry grow with the hours of a shift and with the line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Attention {
    /// How likely a decision is the wrong one, at the beginning of a shift and with nobody else in line.
    pub wrong: Probability,
    /// How much likelier it gets with every hour of the shift.
    pub wrong_per_hour: Probability,
    /// How much likelier it gets with every request that waits.
    pub wrong_per_waiting: Probability,
    /// No decision is likelier to be wrong.
    pub wrong_at_most: Probability,
    /// By which share a decision takes longer with every hour of the shift.
    pub slower_per_hour: f64,
    /// By which share decisions are made faster with every request that waits.
    pub faster_per_waiting: f64,
}

impl Attention {
    /// Nobody ever errs, tires or hurries.
    pub const PERFECT: Self = Self {
        wrong: Probability::ZERO,
        wrong_per_hour: Probability::ZERO,
        wrong_per_waiting: Probability::ZERO,
        wrong_at_most: Probability::ONE,
        slower_per_hour: 0.0,
        faster_per_waiting: 0.0,
    };

    /// How likely a decision is wrong that is begun so long into a shift, with so many more in line.
    #[must_use]
    pub fn wrong_after(&self, shift: SimDuration, waiting: usize) -> f64 {
        let hours = shift.as_secs_f64() / 3_600.0;
        let grown = self.wrong_per_hour.value() * hours + self.wrong_per_waiting.value() * waiting as f64;
        (self.wrong.value() + grown).min(self.wrong_at_most.value())
    }

    /// How long a decision takes that takes `usual` at the beginning of a shift with nobody else in line.
    #[must_use]
    pub fn takes(&self, usual: SimDuration, shift: SimDuration, waiting: usize) -> SimDuration {
        if self.slower_per_hour <= 0.0 && self.faster_per_waiting <= 0.0 {
            return usual;
        }
        let hours = shift.as_secs_f64() / 3_600.0;
        let slower = 1.0 + self.slower_per_hour * hours;
        let faster = 1.0 + self.faster_per_waiting * waiting as f64;
        SimDuration::from_secs_f64(usual.as_secs_f64() * slower / faster)
    }
}

impl StaffScript {
    /// Whether the request of this number of a job ought to be denied. It belongs to the request, whoever looks at it.
    #[must_use]
    pub fn ought_to_deny(&self, seed: Seed, job: JobId, number: u16) -> bool {
        self.to_deny.value() > 0.0
            && self
                .to_deny
                .hits(seed.unit(Purpose::Harm, request_key(job, number), 0))
    }
}

/// The entity of draws about the request of this number of a job.
pub(super) fn request_key(job: JobId, number: u16) -> u64 {
    u64::from(job.0) | (u64::from(number) << 32)
}
