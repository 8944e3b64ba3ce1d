//! The laws of routing and what a proof says about them.

use serde::{Deserialize, Serialize};

use super::issue::{FindingId, PolicyFinding};

/// A law that a policy keeps or breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Law {
    /// One rule for every task.
    #[serde(rename = "RO-01")]
    Ro01,
    /// Background only behind three gates.
    #[serde(rename = "RO-02")]
    Ro02,
    /// Permitted executions only.
    #[serde(rename = "RO-03")]
    Ro03,
    /// Effects behind the boundary.
    #[serde(rename = "RO-04")]
    Ro04,
    /// Monotone.
    #[serde(rename = "RO-05")]
    Ro05,
    /// Unknown never widens.
    #[serde(rename = "RO-06")]
    Ro06,
    /// Contested choices have reasons.
    #[serde(rename = "RO-07")]
    Ro07,
    /// Nothing dead, shadowed or vacuous.
    #[serde(rename = "RO-11")]
    Ro11,
    /// Compiled and naive agree.
    #[serde(rename = "RO-12")]
    Ro12,
}

/// What is said about a law.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LawVerdict {
    /// It holds for every task.
    Held,
    /// There is a task for which it does not hold.
    Broken,
    /// This run does not decide it.
    Undecided,
}

impl LawVerdict {
    /// The word used in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Broken => "broken",
            Self::Undecided => "undecided",
        }
    }
}

impl Law {
    /// Every law, in order.
    pub const ALL: [Self; 9] = [
        Self::Ro01,
        Self::Ro02,
        Self::Ro03,
        Self::Ro04,
        Self::Ro05,
        Self::Ro06,
        Self::Ro07,
        Self::Ro11,
        Self::Ro12,
    ];

    /// Its name in the catalogue of invariants.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ro01 => "RO-01",
            Self::Ro02 => "RO-02",
            Self::Ro03 => "RO-03",
            Self::Ro04 => "RO-04",
            Self::Ro05 => "RO-05",
            Self::Ro06 => "RO-06",
            Self::Ro07 => "RO-07",
            Self::Ro11 => "RO-11",
            Self::Ro12 => "RO-12",
        }
    }

    /// What it says.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Ro01 => "exactly one rule decides every task, unknown attributes included",
            Self::Ro02 => "background is chosen only where all three gates hold",
            Self::Ro03 => "the execution is one that the independent reading permits",
            Self::Ro04 => "any effect or umbrella flag asks for approval, in both executions",
            Self::Ro05 => {
                "more effects never lose the boundary, fewer capabilities never move work to the background"
            }
            Self::Ro06 => "an unknown value never widens permission",
            Self::Ro07 => "every contested choice has a written reason",
            Self::Ro11 => "no rule is dead or shadowed, no condition vacuous, unless marked intentional",
            Self::Ro12 => "the compiled rules and the naive interpreter agree",
        }
    }

    /// The findings that break it.
    #[must_use]
    pub const fn broken_by(self) -> &'static [FindingId] {
        match self {
            Self::Ro01 => &[FindingId::Gap],
            Self::Ro02 => &[FindingId::GateFalse, FindingId::UnknownWidens],
            Self::Ro03 => &[
                FindingId::GateFalse,
                FindingId::UnknownWidens,
                FindingId::OutsidePermitted,
            ],
            Self::Ro04 => &[FindingId::UnsafeCell],
            Self::Ro05 => &[FindingId::BoundaryLost, FindingId::CapabilityMoves],
            Self::Ro06 => &[FindingId::UnknownEffect, FindingId::UnknownWidens],
            Self::Ro07 => &[FindingId::ContestedWithoutReason],
            Self::Ro11 => &[
                FindingId::DeadRule,
                FindingId::ShadowedRule,
                FindingId::VacuousCondition,
            ],
            Self::Ro12 => &[],
        }
    }

    /// What the findings say about it; the last law is judged by the agreement of the two readings alone.
    pub(super) fn judge(self, findings: &[PolicyFinding], agreement: LawVerdict) -> LawVerdict {
        if self == Self::Ro12 {
            return agreement;
        }
        let broken = findings
            .iter()
            .any(|finding| finding.intended.is_none() && self.broken_by().contains(&finding.id));
        if broken {
            LawVerdict::Broken
        } else {
            LawVerdict::Held
        }
    }
}
