//! Findings about a whole policy: what, how bad, where, on which task, what to do.

use serde::{Deserialize, Serialize};

use crate::policy::finding::FindingSeverity;

use super::site::Site;

/// What kind of finding it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingId {
    /// A known effect without the boundary.
    UnsafeCell,
    /// An effect that nobody ruled out, without the boundary.
    UnknownEffect,
    /// Adding an effect takes the boundary away.
    BoundaryLost,
    /// No rule decides.
    Gap,
    /// Background, though a gate is false.
    GateFalse,
    /// Background, though a gate is unknown: unknown widens permission.
    UnknownWidens,
    /// Losing a capability moves work to the background.
    CapabilityMoves,
    /// Interactive, where the reading permits the background alone.
    OutsidePermitted,
    /// A contested choice without a reason.
    ContestedWithoutReason,
    /// Rules that match the same tasks answer differently, and the first gives no reason.
    Overlap,
    /// A rule that never matches.
    DeadRule,
    /// A rule that matches only where earlier ones do.
    ShadowedRule,
    /// A literal that changes nothing.
    VacuousCondition,
    /// A lane that no task reaches.
    UnreachableLane,
    /// A clause of the source that the policy forgets.
    ForgottenClause,
    /// A rule without which every task is answered the same.
    RedundantRule,
    /// A refusal where the reading knows none.
    RefusalBeyondReading,
    /// A declared name that no condition reads.
    UnreadName,
    /// How much the fallback decides.
    DefaultReliance,
}

impl FindingId {
    /// Every kind, the worst first.
    pub const ALL: [Self; 19] = [
        Self::UnsafeCell,
        Self::UnknownEffect,
        Self::BoundaryLost,
        Self::Gap,
        Self::GateFalse,
        Self::UnknownWidens,
        Self::CapabilityMoves,
        Self::OutsidePermitted,
        Self::ContestedWithoutReason,
        Self::Overlap,
        Self::DeadRule,
        Self::ShadowedRule,
        Self::VacuousCondition,
        Self::UnreachableLane,
        Self::ForgottenClause,
        Self::RedundantRule,
        Self::RefusalBeyondReading,
        Self::UnreadName,
        Self::DefaultReliance,
    ];

    /// The word used in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::UnsafeCell => "unsafe-cell",
            Self::UnknownEffect => "unknown-effect",
            Self::BoundaryLost => "boundary-lost",
            Self::Gap => "gap",
            Self::GateFalse => "gate-false",
            Self::UnknownWidens => "unknown-widens",
            Self::CapabilityMoves => "capability-moves",
            Self::OutsidePermitted => "outside-permitted",
            Self::ContestedWithoutReason => "contested-without-reason",
            Self::Overlap => "overlap",
            Self::DeadRule => "dead-rule",
            Self::ShadowedRule => "shadowed-rule",
            Self::VacuousCondition => "vacuous-condition",
            Self::UnreachableLane => "unreachable-lane",
            Self::ForgottenClause => "forgotten-clause",
            Self::RedundantRule => "redundant-rule",
            Self::RefusalBeyondReading => "refusal-beyond-reading",
            Self::UnreadName => "unread-name",
            Self::DefaultReliance => "default-reliance",
        }
    }

    /// How bad it is.
    #[must_use]
    pub const fn severity(self) -> FindingSeverity {
        match self {
            Self::UnsafeCell | Self::UnknownEffect | Self::BoundaryLost => FindingSeverity::Unsafe,
            Self::Gap
            | Self::GateFalse
            | Self::UnknownWidens
            | Self::CapabilityMoves
            | Self::OutsidePermitted
            | Self::ContestedWithoutReason
            | Self::Overlap
            | Self::DeadRule
            | Self::ShadowedRule
            | Self::VacuousCondition
            | Self::UnreachableLane
            | Self::ForgottenClause => FindingSeverity::Untidy,
            Self::RedundantRule | Self::RefusalBeyondReading | Self::UnreadName | Self::DefaultReliance => {
                FindingSeverity::Note
            }
        }
    }
}

/// What a finding is about; the places of a file turn it into a stretch of text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The list of rules.
    Rules,
    /// The condition of the boundary.
    Boundary,
    /// A rule.
    Rule(usize),
    /// A literal.
    Literal(Site),
    /// A declared attribute or fact.
    Name(String),
}

/// A task on which a finding shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witness {
    /// Its attributes as files write them; what is not there is unknown.
    pub attributes: String,
    /// The task, to be pasted under `tasks:` of a scenario; what is unknown is spelled out.
    pub task: String,
    /// What the policy answers.
    pub answer: String,
}

/// One finding about a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFinding {
    /// What kind.
    pub id: FindingId,
    /// What it is about.
    pub subject: Subject,
    /// One lower-case line without a full stop.
    pub message: String,
    /// A few words beside the underlined place.
    pub label: String,
    /// Further facts.
    pub notes: Vec<String>,
    /// How many cells of the whole space show it.
    pub count: u128,
    /// The task that says least of those that show it.
    pub witness: Option<Witness>,
    /// What to do.
    pub fix: String,
}

impl PolicyFinding {
    /// How bad it is.
    #[must_use]
    pub const fn severity(&self) -> FindingSeverity {
        self.id.severity()
    }
}
