//! What a user or an operator is shown of a job.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Cause, Phrase, Principal, ResultDigest, StateName, Verb};
use crate::units::{SimDuration, SimTime};

/// What the evidence says about a job that is not ended: a verdict beside the state, never instead of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Liveness {
    /// Contact and progress within their periods.
    Fresh,
    /// Contact, but no progress for a while that is usual.
    Quiet,
    /// No progress for longer than is usual.
    Stalled,
    /// The last look at the wire status failed.
    StatusUnknown,
    /// No contact for longer than a look may take.
    Lost,
    /// Nothing is expected to move: waiting in a queue, for a time or for a person, or ended.
    Resting,
}

impl Liveness {
    /// The word used in scenarios and reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Quiet => "quiet",
            Self::Stalled => "stalled",
            Self::StatusUnknown => "status_unknown",
            Self::Lost => "lost",
            Self::Resting => "resting",
        }
    }
}

/// What one audience is shown of one job at one instant; a pure function of the core.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct View {
    /// The state, by its word.
    pub state: StateName,
    /// In plain words: what is going on.
    pub headline: Phrase,
    /// The verdict on life.
    pub liveness: Liveness,
    /// The attempt, from 1; 0 before the first.
    pub attempt: u16,
    /// How many attempts may be charged.
    pub attempts_max: u16,
    /// When something is due next.
    pub next_event: Option<SimTime>,
    /// What `next_event` is.
    pub next_what: Option<Phrase>,
    /// When the shown state began.
    pub since: SimTime,
    /// When the service was last heard about this job.
    pub heard_at: Option<SimTime>,
    /// The end of the promise.
    pub deadline: SimTime,
    /// The last cause of trouble.
    pub cause: Option<Cause>,
    /// Who has to act, if somebody has.
    pub must_act: Option<Principal>,
    /// What to do.
    pub what_to_do: Option<Arc<str>>,
    /// What an operator may do; empty for users.
    pub verbs: Vec<Verb>,
    /// Output items seen so far; never runs backwards.
    pub progress: u32,
    /// The digest of the result, once there is one.
    pub result: Option<ResultDigest>,
}

impl View {
    /// How old the shown state is at `now`.
    #[must_use]
    pub fn age(&self, now: SimTime) -> SimDuration {
        now.since(self.since)
    }
}
