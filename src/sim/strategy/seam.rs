//! What a strategy sees and says.

use std::fmt::Debug;
use std::sync::Arc;

use crate::job::{HandOver, LaneSeen};
use crate::policy::{self, Decision};
use crate::rng::Seed;
use crate::trace::{Execution, LaneName};
use crate::units::SimDuration;

/// Says where tasks go.
pub trait Strategy: Debug + Send + Sync {
    /// Where a task goes. The same sight gets the same choice.
    fn choose(&self, sight: &Sight<'_>) -> Choice;

    /// The strategy for one run, if it has to begin anew with each: what runs a program does.
    fn begin(&self, seed: Seed) -> Option<Arc<dyn Strategy>> {
        let _ = seed;
        None
    }

    /// The same with a copy of all that it knows, for a world that is forked; none if that cannot be copied, as of a program: then
    /// a run is played again from its beginning.
    fn fork(&self) -> Option<Arc<dyn Strategy>> {
        None
    }

    /// Whether its lanes may serve later comers first.
    fn reorders(&self) -> bool {
        false
    }

    /// Whether what it hears changes what it chooses. It has to begin anew with each run.
    fn learns(&self) -> bool {
        false
    }

    /// Hears what came of a choice that it drew, when the runtime knows.
    fn hears(&self, heard: Heard) {
        let _ = heard;
    }

    /// Whether it is shown what nobody can know.
    fn is_oracle(&self) -> bool {
        false
    }
}

/// What a strategy sees of a task and of the world around it. The instant is not among it: who knows when tasks begin to
/// count could turn all away that come before.
#[derive(Debug, Clone, Copy)]
pub struct Sight<'a> {
    /// The kind of the task.
    pub kind: &'a str,
    /// What is declared about the task.
    pub attributes: &'a policy::Task,
    /// The same by name, as it is written.
    pub declared: &'a [(Arc<str>, Arc<str>)],
    /// What the policy says about it.
    pub decision: &'a Decision,
    /// How long its work is predicted to take, if the strategy has a predictor.
    pub predicted: Option<SimDuration>,
    /// Within how long after the submission its result is wanted, if a target is declared.
    pub target: Option<SimDuration>,
    /// A number in `0..1` that belongs to this task alone, for strategies that toss coins.
    pub chance: f64,
    /// Whose task it is, if tenants are told from each other.
    pub tenant: Option<&'a str>,
    /// How full the lanes are, in the order of [`LaneName::ALL`].
    pub lanes: [LaneSeen; 3],
}

impl Sight<'_> {
    /// How full a lane is.
    #[must_use]
    pub const fn lane(&self, lane: LaneName) -> LaneSeen {
        self.lanes[lane as usize]
    }
}

/// What came of a choice that was drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// What the strategy took the task for when it drew.
    pub context: u32,
    /// What it drew.
    pub arm: Execution,
    /// Whether the job was carried out whole and within its target, and somebody was there for whom that had value, as far as
    /// the runtime knows.
    pub good: bool,
}

/// What a strategy says about a task.
#[derive(Debug, Clone, PartialEq)]
pub enum Choice {
    /// What the policy says.
    ByPolicy,
    /// It is carried out in this way. The boundary is that of the policy.
    Execute {
        /// While the user waits, or not.
        execution: Execution,
        /// Whether interactive work may go on in the background.
        hand_over: HandOver,
        /// Why, in a word.
        rule: &'static str,
    },
    /// The same behind the approval boundary, whatever the policy says.
    Gate {
        /// While the user waits, or not.
        execution: Execution,
        /// Why, in a word.
        rule: &'static str,
    },
    /// The same, asked for on this service tier.
    OnTier {
        /// The tier, by its name on the wire.
        tier: Arc<str>,
        /// Where it goes.
        choice: Box<Choice>,
    },
    /// The same, and due so long after now: whatever is due first gets a place of its lane first.
    Due {
        /// How long.
        slack: SimDuration,
        /// Where it goes.
        choice: Box<Choice>,
    },
    /// It is carried out in this way, behind the boundary of the policy, by a draw with this probability. It is written down with
    /// what comes of it, so that what others would have chosen can be judged by it.
    Drawn {
        /// While the user waits, or not.
        arm: Execution,
        /// How likely that was, in `0..=1` and above 0.
        propensity: f64,
        /// What the strategy took the task for, by a number of its own.
        context: u32,
        /// Why, in a word.
        rule: &'static str,
    },
    /// It is not taken, for this reason.
    Refuse(Arc<str>),
}

impl Choice {
    /// What was drawn, how likely it was, and what the task was taken for.
    pub(super) fn drawn(&self) -> Option<(Execution, f64, u32)> {
        match self {
            Self::Drawn {
                arm,
                propensity,
                context,
                ..
            } => Some((*arm, *propensity, *context)),
            Self::OnTier { choice, .. } | Self::Due { choice, .. } => choice.drawn(),
            Self::ByPolicy | Self::Execute { .. } | Self::Gate { .. } | Self::Refuse(_) => None,
        }
    }
}
