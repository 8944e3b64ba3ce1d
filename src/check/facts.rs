//! What the checks know beside the trace: facts that were fixed before the run, and how it ended.

use std::sync::Arc;

use crate::backend::Script;
use crate::job::{LaneSpec, RosterEntry, TaskSpec};
use crate::policy::{self, Policy};
use crate::rng::Seed;
use crate::scenario::Scenario;
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

impl Facts {
    /// The facts of a scenario under a seed; how the run ended and what its replay gave is set by who played it.
    #[must_use]
    pub fn of(scenario: &Scenario, seed: Seed) -> Self {
        let router = Arc::new(scenario.router());
        let setup = scenario.core(seed, router);
        let tasks = scenario.tasks.iter().map(|task| TaskFacts {
            task: task.task.clone(),
            attributes: task.attributes.clone(),
            script: task.script.clone(),
        });
        Self {
            tasks: tasks.collect(),
            lanes: setup.lanes,
            roster: setup.roster.to_vec(),
            policy: Some(Arc::clone(&scenario.policy)),
            seed,
            tolerance: SimDuration::ZERO,
            ending: Ending::Quiet,
            replay: Replay::NotPlayed,
        }
    }
}
