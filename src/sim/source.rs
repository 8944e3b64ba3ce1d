//! Tasks that are made when they arrive, so that a run holds those in flight and no others.

use std::fmt::Debug;

use crate::backend::Script;
use crate::job::TaskSpec;
use crate::people::OutsideTask;
use crate::units::JobId;

/// A task that arrives.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The task, for the job core.
    pub task: TaskSpec,
    /// The same for people: who asks, and when.
    pub asked: OutsideTask,
    /// What the service does for it; none for the script of the profile.
    pub script: Option<Script>,
}

/// Makes the tasks of a run one by one.
///
/// Invariant: the tasks come in the order of their instants. The job of each is numbered in this order, behind those that
/// the blueprint lists; the router is asked by that number.
pub trait TaskSource: Debug {
    /// The next task; none if there is no more.
    fn next(&mut self) -> Option<Arrival>;

    /// A further try of one of its tasks, by the number of its job: it comes now, and not by itself. None of those that let
    /// nobody come again.
    fn further(&self, job: JobId) -> Option<(TaskSpec, Option<Script>)> {
        let _ = job;
        None
    }

    /// The same source where it stands, for a world that is forked.
    fn fork(&self) -> Box<dyn TaskSource>;
}

impl Clone for Box<dyn TaskSource> {
    fn clone(&self) -> Self {
        self.fork()
    }
}
