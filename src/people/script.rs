//! What people do, as a scenario states it.

use std::ops::Range;
use std::sync::Arc;

use super::{Attention, Batch, Retrial};
use crate::job::RosterEntry;
use crate::rng::Law;
use crate::trace::{Principal, Verb};
use crate::units::{Probability, SimDuration, SimTime};

/// What a user does beside asking for a task and taking its result, which every user does when shown one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserScript {
    /// How long after the submission the user closes the session, if ever.
    pub leaves_after: Option<Law>,
    /// How long after the submission the user waits for the work to begin; who still waits then cancels.
    pub patience: Option<Law>,
    /// What makes the user cancel at the first look.
    pub balks: Option<Balk>,
    /// The requests to cancel.
    pub cancels: Vec<Cancel>,
    /// How the user comes again after balking or giving up, if ever.
    pub retrial: Option<Retrial>,
    /// How long after an approval request was asked the user takes it back, if it is still open then.
    pub withdraws_after: Option<SimDuration>,
}

/// What a user does not even begin to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Balk {
    /// A lane in which everything is taken, places to wait included.
    Full,
    /// A lane in which the work does not begin at once.
    Busy,
}

/// A request to cancel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancel {
    /// When; a tick after the submission at the earliest.
    pub when: When,
    /// Who; none is the requester.
    pub by: Option<Principal>,
}

/// An instant, or a delay after the submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// At this instant.
    At(SimTime),
    /// So long after the submission.
    After(SimDuration),
}

/// Somebody who decides about approval requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApproverScript {
    /// Who, with the roles of the roster.
    pub person: RosterEntry,
    /// How long a decision takes.
    pub takes: Law,
    /// What is done about the first request of a job, the second, and so on; the last for all further ones. Nothing
    /// at all is written as a list without elements.
    pub decides: Vec<Behaviour>,
    /// Which requests this person takes up.
    pub reach: Reach,
    /// The place in [`OutsideSetup::staffs`](super::OutsideSetup::staffs) of the staff whose line this person works
    /// on; nobody's requests but those of the line reach such a person.
    pub staff: Option<usize>,
}

/// People who work on one line of requests: the request that waits longest goes to whoever is free.
#[derive(Debug, Clone, PartialEq)]
pub struct StaffScript {
    /// What they are called.
    pub name: Arc<str>,
    /// How long a decision takes; it belongs to the request, whoever takes it.
    pub takes: Law,
    /// Their places in [`OutsideSetup::approvers`](super::OutsideSetup::approvers).
    pub members: Range<usize>,
    /// When how many of them are there, in the order of the day; always all of them if nothing is said.
    pub shifts: Vec<Shift>,
    /// How many requests one of them takes at once.
    pub batch: Batch,
    /// How well they look.
    pub attention: Attention,
    /// How many of the requests ought to be denied, whatever the members say about the others.
    pub to_deny: Probability,
}

/// Some hours of every day; the run starts at midnight. What was begun in a shift is ended behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shift {
    /// The first instant.
    pub from: SimDuration,
    /// The first instant behind it.
    pub to: SimDuration,
    /// How many are there.
    pub people: usize,
}

/// Which requests somebody takes up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// Those the roster lets this person decide.
    #[default]
    Eligible,
    /// Every one, allowed or not.
    Every,
}

/// What an approver does about one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Behaviour {
    /// Says yes.
    Approve,
    /// Says yes twice, so far apart; the second time without looking again.
    ApproveTwice {
        /// How far; none: in the same tick.
        gap: SimDuration,
    },
    /// Waits until the request is over, and says yes then.
    ApproveStale,
    /// Says no.
    Deny {
        /// Why.
        reason: Option<Arc<str>>,
    },
    /// Wants other arguments; says yes where the act already has them.
    Edit {
        /// The act, from 0.
        act: u16,
        /// JSON text.
        arguments: Arc<str>,
    },
    /// Does nothing.
    Ignore,
}

/// Somebody who acts on parked jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorScript {
    /// Who.
    pub name: Principal,
    /// How long it takes from the notification to the act.
    pub takes: Law,
    /// The answers; the first that fits is given.
    pub answers: Vec<OperatorAnswer>,
}

/// What an operator does about a parked job. A verb that the view does not offer is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorAnswer {
    /// Only for this cause, by its code.
    pub cause: Option<Arc<str>>,
    /// Only so often for one job.
    pub times: Option<u16>,
    /// What.
    pub verb: Verb,
    /// Why.
    pub reason: Arc<str>,
    /// By how much the deadline is moved.
    pub extend: Option<SimDuration>,
    /// The result, for [`Verb::Resolve`].
    pub result: Option<Arc<str>>,
}
