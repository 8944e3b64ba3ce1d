//! A scenario, checked and ready to be played.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::backend::{Profile, Script};
use crate::check::Id;
use crate::fault::FaultRule;
use crate::job::{LaneSpec, SharedCapacity, TaskSpec};
use crate::policy::{self, Policy};
use crate::rng::Seed;
use crate::scenario::expect::{GroupExpectation, TaskExpectation};
use crate::scenario::kinds::Product;
use crate::scenario::source::{Span, Spanned};
use crate::trace::LaneName;
use crate::units::SimTime;

use super::people::People;

/// A scenario with everything it names: nothing in it is left to be checked but the run itself.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The name of its file.
    pub name: Arc<str>,
    /// What it shows, in one line.
    pub title: Spanned<String>,
    /// The lines of the checklist that it gives evidence for.
    pub shows: Vec<Spanned<ChecklistLine>>,
    /// The policy that routes its tasks.
    pub policy: Arc<Policy>,
    /// The tasks; the place in this list is the number of the job.
    pub tasks: Vec<ScenarioTask>,
    /// Its sinks and tools.
    pub product: Product,
    /// What each lane allows; every lane is there.
    pub lanes: BTreeMap<LaneName, LaneSpec>,
    /// What they share, if they share anything.
    pub shared: Option<SharedCapacity>,
    /// How the model service behaves.
    pub profile: Profile,
    /// The faults; the place in this list is the number of the rule.
    pub faults: Vec<DeclaredFault>,
    /// Everybody around the jobs.
    pub people: People,
    /// The seed, if nobody gives another.
    pub seed: Seed,
    /// Where a run is cut off.
    pub ends: Ends,
    /// What is expected of single tasks.
    pub expect: Vec<TaskExpectation>,
    /// What is expected of many tasks together.
    pub groups: Vec<GroupExpectation>,
    /// The invariants that are checked.
    pub invariants: Invariants,
    /// The invariants that have to be exercised.
    pub requires: Vec<Spanned<Id>>,
    /// The names of all files that were read for it, itself first.
    pub reads: Vec<Arc<str>>,
}

/// A line of the checklist. One word for each thing that a scenario can give evidence for.
///
/// | word | line | what it is about |
/// |---|---|---|
/// | `lanes` | C1 | the team can name which jobs belong where: routing |
/// | `status` | C2 | status and failure are visible to user and operator: status, visibility |
/// | `boundaries` | C3 | approval boundaries are explicit: approval |
/// | `timeout` | C4 | time-out behaviour is evaluated |
/// | `retry` | C4 | retry behaviour is evaluated |
/// | `completion` | C4 | completion behaviour is evaluated |
/// | `cancellation` | C4 | cancellation behaviour is evaluated |
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChecklistLine {
    /// Which jobs belong where.
    Lanes,
    /// Status and failure are visible.
    Status,
    /// Approval boundaries are explicit.
    Boundaries,
    /// Time-outs are evaluated.
    Timeout,
    /// Retries are evaluated.
    Retry,
    /// Completion is evaluated.
    Completion,
    /// Cancellation is evaluated.
    Cancellation,
}

impl ChecklistLine {
    /// Every line, in canonical order.
    pub const ALL: [Self; 7] = [
        Self::Lanes,
        Self::Status,
        Self::Boundaries,
        Self::Timeout,
        Self::Retry,
        Self::Completion,
        Self::Cancellation,
    ];

    /// The word used in scenarios and reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Lanes => "lanes",
            Self::Status => "status",
            Self::Boundaries => "boundaries",
            Self::Timeout => "timeout",
            Self::Retry => "retry",
            Self::Completion => "completion",
            Self::Cancellation => "cancellation",
        }
    }

    /// The line of the source text's checklist that it belongs to.
    #[must_use]
    pub const fn criterion(self) -> &'static str {
        match self {
            Self::Lanes => "C1",
            Self::Status => "C2",
            Self::Boundaries => "C3",
            Self::Timeout | Self::Retry | Self::Completion | Self::Cancellation => "C4",
        }
    }
}

/// A task of a scenario.
#[derive(Debug, Clone)]
pub struct ScenarioTask {
    /// Where it is written; of a task out of a workload, where its row stands.
    pub span: Span,
    /// When it arrives.
    pub at: SimTime,
    /// What the core is given.
    pub task: TaskSpec,
    /// What the router is given.
    pub attributes: policy::Task,
    /// What its responses do.
    pub script: Script,
}

/// A fault rule with what the scenario says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredFault {
    /// The rule.
    pub rule: FaultRule,
    /// Where it is written.
    pub span: Span,
    /// Whether it has to strike.
    pub usage: FaultUse,
}

/// Whether a declared fault has to strike for the scenario to pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultUse {
    /// It has to.
    Required,
    /// It need not, for this reason.
    MayStayUnused(Spanned<String>),
}

/// Where a run is cut off, whatever is still open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// At this instant.
    pub at: SimTime,
    /// After so many steps.
    pub steps: u64,
}

/// Which invariants are checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invariants {
    /// Every one of the catalogue.
    All,
    /// These.
    These(Vec<Spanned<Id>>),
}
