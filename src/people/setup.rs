//! The outside world of a run, as a scenario states it.

use std::sync::Arc;

use super::{ApproverScript, Further, OperatorScript, StaffScript, UserScript};
use crate::fault::FaultPlan;
use crate::job::OwnApproval;
use crate::rng::Seed;
use crate::sinks::{SinkSpec, ToolSpec};
use crate::trace::Principal;
use crate::units::{SimDuration, SimTime};

/// The outside world of a run.
#[derive(Debug, Clone)]
pub struct OutsideSetup {
    /// All chance.
    pub seed: Seed,
    /// What disturbs tools and sinks.
    pub faults: FaultPlan,
    /// The tasks; the job of each is its place here.
    pub tasks: Vec<OutsideTask>,
    /// Which of the tasks do not come by themselves.
    pub further: Further,
    /// Approval requests are kept until the next multiple of this, and put before people together; none: at once.
    pub windows: Option<SimDuration>,
    /// The users that tasks refer to.
    pub users: Vec<UserScript>,
    /// Everybody who may be asked for an approval.
    pub approvers: Vec<ApproverScript>,
    /// Who among them works on one line together.
    pub staffs: Vec<StaffScript>,
    /// Everybody who looks after parked jobs.
    pub operators: Vec<OperatorScript>,
    /// What changes around the jobs.
    pub changes: Vec<Change>,
    /// Where effects land.
    pub sinks: Vec<SinkSpec>,
    /// Function tools.
    pub tools: Vec<ToolSpec>,
}

/// A task, as far as people are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideTask {
    /// Its name.
    pub name: Arc<str>,
    /// Its kind's name.
    pub kind: Arc<str>,
    /// When it is submitted.
    pub at: SimTime,
    /// Who asks.
    pub requester: Principal,
    /// Whether the requester may approve it.
    pub own: OwnApproval,
    /// The place of its user in [`OutsideSetup::users`].
    pub user: usize,
    /// Whether it may be asked for a second time; see [`Further::twins`].
    pub may_twin: bool,
}

/// Something that changes at an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// When.
    pub at: SimTime,
    /// In plain words.
    pub what: Arc<str>,
    /// What.
    pub change: Changed,
}

/// What changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    /// From now on so many approvers are needed, for requests that are open and for those to come.
    Quorum(u16),
    /// The target of a sink has another version.
    Target {
        /// The sink.
        sink: Arc<str>,
        /// The version.
        version: Arc<str>,
        /// Whether jobs that wait for an approval of an act there hear of it.
        notice: Notice,
    },
}

/// Whether a change is made known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// To the jobs it concerns.
    Given,
    /// To nobody: only the sink's gate knows.
    Silent,
}
