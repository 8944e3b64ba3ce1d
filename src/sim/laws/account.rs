//! What a ledger keeps of a job.

use crate::trace::{LaneName, StateName};
use crate::units::{SimDuration, SimTime};

/// The times of one job.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Account {
    /// When the user asked for it.
    pub submitted: Option<SimTime>,
    /// Its lane; none if it never became a job.
    pub lane: Option<LaneName>,
    /// When it first got a place.
    pub began: Option<SimTime>,
    /// Whether it got a place once more after that.
    pub again: bool,
    /// When the user would not wait any more.
    pub gave_up: Option<SimTime>,
    /// How long it waited for places, all told.
    pub waited: SimDuration,
    /// How long it held places, all told.
    pub held: SimDuration,
    /// When its approvers were asked first, and when the first of them looked.
    pub asked: Option<SimTime>,
    /// When the first approver looked.
    pub seen: Option<SimTime>,
    /// When the first decision fell.
    pub decided: Option<SimTime>,
    /// How it left.
    pub exit: Exit,
    /// Where it stands, and since when.
    pub(super) standing: Option<(StateName, SimTime)>,
    /// By when it should begin; never, if nothing says so.
    pub(super) due: Option<SimTime>,
    /// Its place among those who wait as it does.
    pub(super) turn: Option<Turn>,
}

/// A place among those who wait: who is due first comes first, and of those who are due at the same instant, or never, who came
/// first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn {
    pub(super) due: SimTime,
    pub(super) number: u64,
}

/// How a task left the run: each leaves in exactly one way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Exit {
    /// It has not left.
    #[default]
    Open,
    /// The router refused it.
    Refused,
    /// Its job ended so, then.
    Ended(StateName, SimTime),
}

impl Account {
    /// How long the job was kept waiting before it began, gave up or ended; none if nobody asked for it.
    #[must_use]
    pub fn wait(&self, end: SimTime) -> Option<SimDuration> {
        let submitted = self.submitted?;
        let until = match (self.began, self.gave_up, self.exit) {
            (Some(began), ..) => began,
            (None, Some(gave_up), _) => gave_up,
            (None, None, Exit::Ended(_, at)) => at,
            (None, None, _) => end,
        };
        Some(until.since(submitted))
    }

    /// Books the time until the run is over.
    pub(super) fn end(&mut self, end: SimTime) {
        self.book(end);
        self.standing = self.standing.map(|(state, _)| (state, end));
    }

    /// Books the time since the last move.
    pub(super) fn book(&mut self, now: SimTime) {
        let Some((state, since)) = self.standing else {
            return;
        };
        let length = now.since(since);
        match Claim::of(state) {
            Claim::Waits => self.waited += length,
            Claim::Holds => self.held += length,
            Claim::Rests => {}
        }
    }
}

/// What a job in a state has of its lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    /// It waits for a place.
    Waits,
    /// It holds one.
    Holds,
    /// Neither.
    Rests,
}

impl Claim {
    pub(super) const fn of(state: StateName) -> Self {
        match state {
            StateName::Accepted | StateName::Queued => Self::Waits,
            StateName::AwaitingApproval | StateName::NeedsIntervention => Self::Rests,
            _ if state.is_terminal() => Self::Rests,
            _ => Self::Holds,
        }
    }
}
