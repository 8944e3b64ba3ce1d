//! What is due when.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Balk;
use crate::job::{ApprovalId, ApprovalRequest};
use crate::sinks::{Effort, ToolRun};
use crate::trace::Principal;
use crate::units::{JobId, SimTime};

/// Something that happens later.
#[derive(Debug, Clone)]
pub(super) enum Due {
    /// The user closes the session.
    Leave,
    /// Somebody asks to cancel.
    Cancel(Principal),
    /// The user looks whether the work has begun.
    Impatient(Impatience),
    /// The user comes again.
    Again,
    /// The task is asked for a second time.
    Twin,
    /// The requester takes an approval request back.
    Withdraw(ApprovalId),
    /// An approver decides.
    Decide(Decision),
    /// Requests that were kept are put before people.
    Put {
        /// The request.
        request: Arc<ApprovalRequest>,
        /// The how-manieth of its job it is, from 1.
        number: u16,
    },
    /// A shift of a staff begins.
    Shift {
        /// The staff's place.
        staff: usize,
    },
    /// An operator acts on the parking that began then.
    Operate {
        /// The operator's place.
        operator: usize,
        /// Since when the job is parked.
        since: SimTime,
    },
    /// A tool's run is over.
    Tool(ToolRun),
    /// A try of an effect is over.
    Effect(Box<Effort>),
    /// A sink answers a query.
    Query { sink: Arc<str>, key: Arc<str>, run: u16 },
}

/// Why a user would not wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Impatience {
    /// At the first look.
    Balk(Balk),
    /// After a while.
    Waited,
}

/// A decision that is on its way.
#[derive(Debug, Clone)]
pub(super) struct Decision {
    /// The approver's place.
    pub(super) approver: usize,
    /// What was shown.
    pub(super) request: Arc<ApprovalRequest>,
    /// The how-manieth request of its job it is, from 1.
    pub(super) number: u16,
    /// Whether the approver looks again before deciding.
    pub(super) look: Look,
    /// What comes of how well the approver looks.
    pub(super) insight: Insight,
}

/// What comes of how well an approver looks at a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Insight {
    /// The decision is what the approver always says.
    #[default]
    Usual,
    /// The request ought to be denied, and is.
    Harmful,
    /// The decision is wrong: what ought to be denied is approved.
    WronglyApproved,
    /// The decision is wrong: what ought to be approved is denied.
    WronglyDenied,
}

/// Whether somebody looks again before acting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Only an open request is decided.
    Again,
    /// The request is decided, open or not.
    Never,
}

/// A timer that was set.
pub(super) type TimerKey = (SimTime, JobId, u64);

/// Timers, in the order of instant, job, and when they were set within the job.
#[derive(Debug, Clone, Default)]
pub(super) struct Timers {
    due: BTreeMap<TimerKey, Due>,
    set: u64,
}

impl Timers {
    pub(super) fn set(&mut self, at: SimTime, job: JobId, due: Due) -> TimerKey {
        let key = (at, job, self.set);
        self.due.insert(key, due);
        self.set += 1;
        key
    }

    /// Takes a timer back that is not due any more.
    pub(super) fn forget(&mut self, key: TimerKey) {
        self.due.remove(&key);
    }

    pub(super) fn next(&self) -> Option<SimTime> {
        self.due.first_key_value().map(|((at, ..), _)| *at)
    }

    /// Takes the first timer that is due by `now`.
    pub(super) fn take(&mut self, now: SimTime) -> Option<(JobId, Due)> {
        let first = self.due.first_entry().filter(|first| first.key().0 <= now)?;
        let job = first.key().1;
        Some((job, first.remove()))
    }
}
