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
    /// Something is marked as intentional that is not there.
    StaleIntention,
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
    pub const ALL: [Self; 20] = [
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
        Self::StaleIntention,
        Self::RedundantRule,
        Self::RefusalBeyondReading,
        Self::UnreadName,
        Self::DefaultReliance,
    ];

    /// What a policy may say is meant: it is of no use, and does no harm.
    pub const INTENDABLE: [Self; 3] = [Self::DeadRule, Self::ShadowedRule, Self::VacuousCondition];

    /// What is looked for: for what is wrong, what should hold.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::UnsafeCell => "no effect gets past approval",
            Self::UnknownEffect => "no effect that nobody ruled out gets past approval",
            Self::BoundaryLost => "adding an effect never takes the boundary away",
            Self::Gap => "some rule decides every task",
            Self::GateFalse => "nothing goes to the background while a gate is shut",
            Self::UnknownWidens => "an unknown never widens what is permitted",
            Self::CapabilityMoves => "losing a capability never moves work to the background",
            Self::OutsidePermitted => "nothing stays interactive that belongs in the background",
            Self::ContestedWithoutReason => "every contested choice has a written reason",
            Self::Overlap => "rules that match the same tasks and answer differently say why",
            Self::DeadRule => "every rule matches some task",
            Self::ShadowedRule => "every rule that matches decides some task",
            Self::VacuousCondition => "every literal changes some answer",
            Self::UnreachableLane => "some task reaches every lane",
            Self::ForgottenClause => "every clause of the source is decided or out of scope",
            Self::StaleIntention => "what is marked as intentional is there",
            Self::RedundantRule => "rules without which every task is answered the same",
            Self::RefusalBeyondReading => "refusals where the reading has a lane",
            Self::UnreadName => "names that no condition reads",
            Self::DefaultReliance => "how much the fallback decides",
        }
    }

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
            Self::StaleIntention => "stale-intention",
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
            | Self::ForgottenClause
            | Self::StaleIntention => FindingSeverity::Untidy,
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
    /// What the policy says is meant, by its place in [`Policy::intentional`].
    ///
    /// [`Policy::intentional`]: crate::policy::Policy::intentional
    Intention(usize),
}

/// A task on which a finding shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witness {
    /// Its attributes as files write them; what is not there is unknown.
    pub attributes: String,
    /// The task on one line, to be pasted under `tasks:` of a scenario.
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
    /// Why the policy says that it is meant, if it does.
    pub intended: Option<String>,
}

impl PolicyFinding {
    /// How bad it is; what is meant is merely shown.
    #[must_use]
    pub const fn severity(&self) -> FindingSeverity {
        match self.intended {
            Some(_) => FindingSeverity::Note,
            None => self.id.severity(),
        }
    }
}
