//! The journal: what the job core was told, kept before anything is done about it.

use crate::job;
use crate::units::SimTime;

/// Keeps the inputs of the job core, and its results. The journal alone rebuilds every job.
pub trait Journal {
    /// Keeps what the core is told in the tick `at`. Called before the core is stepped, and so before its actions.
    fn keep(&mut self, at: SimTime, batch: &[job::Input]);
}

/// A journal that lives as long as its run.
#[derive(Debug, Clone, Default)]
pub struct MemoryJournal {
    /// Tick by tick, in the order of the steps.
    pub batches: Vec<(SimTime, Vec<job::Input>)>,
}

impl Journal for MemoryJournal {
    fn keep(&mut self, at: SimTime, batch: &[job::Input]) {
        self.batches.push((at, batch.to_vec()));
    }
}

/// Keeps nothing: for runs that are only counted.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoJournal;

impl Journal for NoJournal {
    fn keep(&mut self, _: SimTime, _: &[job::Input]) {}
}
