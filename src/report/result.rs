//! What is reported: the outcome of a suite, scenario by scenario.

use std::sync::Arc;

use crate::check;
use crate::rng::Seed;
use crate::scenario::ChecklistLine;
use crate::units::SimTime;

/// The outcome of a suite, in the order in which its files were named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuiteResult {
    /// The world's word.
    pub world: &'static str,
    /// One entry per scenario and seed.
    pub runs: Vec<RunResult>,
}

/// The outcome of one play of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunResult {
    /// The scenario's file, as it was named.
    pub file: Arc<str>,
    /// What the scenario shows, in one line.
    pub title: Arc<str>,
    /// The lines of the checklist that it gives evidence for.
    pub shows: Vec<ChecklistLine>,
    /// The seed.
    pub seed: Seed,
    /// Tasks of the scenario.
    pub tasks: u32,
    /// The last simulated instant in which anything happened.
    pub simulated: SimTime,
    /// Records of the trace.
    pub records: u64,
    /// What came of it.
    pub verdict: RunVerdict,
    /// The verdict on each invariant that was asked for, in the order of the catalogue.
    pub invariants: Vec<check::Judgement>,
    /// The command that plays exactly this run again.
    pub replay: Arc<str>,
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunVerdict {
    /// Everything that was expected held.
    Passed,
    /// Something did not.
    Failed(Vec<Complaint>),
    /// It was not played, for this reason: no pass, and no failure of the scenario.
    Skipped(Arc<str>),
    /// The machine failed.
    Broken(Arc<str>),
}

/// Something that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// What: an invariant's id, `expectation`, `unused fault`, `not exercised` or `ending`.
    pub about: Arc<str>,
    /// In one line: expected and actual.
    pub message: Arc<str>,
    /// What was expected.
    pub expected: Arc<str>,
    /// What happened.
    pub actual: Arc<str>,
    /// When, if at an instant.
    pub at: Option<SimTime>,
    /// The task, if one is concerned.
    pub task: Option<Arc<str>>,
    /// `file:line:column`, if it stands somewhere.
    pub place: Option<Arc<str>>,
    /// The whole complaint as the terminal shows it, without colours.
    pub rendered: Arc<str>,
}
