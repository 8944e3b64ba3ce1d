//! The journal: what the job core was told, kept before anything is done about it.

use crate::job;
use crate::units::SimTime;

/// Keeps the inputs of the job core, and its results. The journal alone rebuilds every job.
pub trait Journal {
    /// Takes what the core is told in the tick `at` out of `batch` to keep it, and lends it for the step. Called before
    /// the core is stepped, and so before its actions.
    fn keep<'a>(&'a mut self, at: SimTime, batch: &'a mut Vec<job::Input>) -> &'a [job::Input];
}

/// A journal that lives as long as its run.
#[derive(Debug, Clone, Default)]
pub struct MemoryJournal {
    /// Tick by tick, in the order of the steps.
    pub batches: Vec<(SimTime, Vec<job::Input>)>,
}

impl Journal for MemoryJournal {
    fn keep<'a>(&'a mut self, at: SimTime, batch: &'a mut Vec<job::Input>) -> &'a [job::Input] {
        // As long as it has to be: there is one for every step of a run.
        let kept = Vec::from_iter(batch.drain(..));
        self.batches.push((at, kept));
        self.batches.last().map_or(&[], |(_, kept)| kept)
    }
}

/// Keeps nothing, and lends what it is given: for runs that are only counted.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoJournal;

impl Journal for NoJournal {
    fn keep<'a>(&'a mut self, _: SimTime, batch: &'a mut Vec<job::Input>) -> &'a [job::Input] {
        batch
    }
}
