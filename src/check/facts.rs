//! What the checks know beside the trace: facts that were fixed before the run, and how it ended.

use std::sync::Arc;

use crate::backend::Script;
use crate::job::{LaneSpec, RosterEntry, TaskSpec};
use crate::policy::{self, Policy};
use crate::rng::Seed;
use crate::units::SimDuration;

/// The facts of a run.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The tasks; a task's place is its job's id.
    pub tasks: Vec<TaskFacts>,
    /// What each lane allows, in the order of [`LaneName::ALL`](crate::trace::LaneName::ALL).
    pub lanes: [LaneSpec; 3],
    /// Who may decide about approvals.
    pub roster: Vec<RosterEntry>,
    /// The policy that routes.
    pub policy: Option<Arc<Policy>>,
    /// All chance.
    pub seed: Seed,
    /// How late an instant may be: nothing in simulated time, a little on real clocks.
    pub tolerance: SimDuration,
    /// How the run ended.
    pub ending: Ending,
    /// What came of replaying the journal.
    pub replay: Replay,
}

/// The facts of a task.
#[derive(Debug, Clone)]
pub struct TaskFacts {
    /// What the core was given.
    pub task: TaskSpec,
    /// What the router was given.
    pub attributes: policy::Task,
    /// What its responses do.
    pub script: Script,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Nothing was left to happen.
    Quiet,
    /// It was cut off while something was still to happen.
    CutOff,
}

/// What came of replaying the journal of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replay {
    /// Nobody tried.
    NotPlayed,
    /// Every job came out the same.
    Same,
    /// Something came out differently.
    Differs {
        /// What, in plain words.
        what: Arc<str>,
    },
}
