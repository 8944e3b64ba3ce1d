//! What a single decision has to say about itself.

use serde::{Deserialize, Serialize};

/// One thing to say about a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Finding {
    /// A consequential or unknown effect has no boundary.
    Unsafe,
    /// Background execution, though a gate does not hold or is unknown.
    GateNotMet,
    /// The execution is not one that the reading permits.
    OutsidePermitted,
    /// No rule decides the task, so it is refused.
    NoRule,
    /// The task has a combination of attributes that the policy calls impossible.
    AssumptionBroken,
    /// Both executions are defensible.
    Contested,
    /// Contested, and the rule gives no reason for its choice.
    ChoiceWithoutReason,
    /// Work for the background that the product cannot show; the missing parts are named.
    CapabilityGap,
    /// Long work whose result nobody wants later.
    Debt,
    /// A single quick step without any reason for either lane.
    SingleQuickStep,
    /// A gate is unknown; the attributes to ask for are named.
    Ask,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingSeverity {
    /// Something consequential could slip past approval.
    Unsafe,
    /// The task is not where it belongs, or nobody decided where it belongs.
    Untidy,
    /// Good to know.
    Note,
}

impl Finding {
    /// Every finding, in canonical order: the worst first.
    pub const ALL: [Self; 11] = [
        Self::Unsafe,
        Self::GateNotMet,
        Self::OutsidePermitted,
        Self::NoRule,
        Self::AssumptionBroken,
        Self::Contested,
        Self::ChoiceWithoutReason,
        Self::CapabilityGap,
        Self::Debt,
        Self::SingleQuickStep,
        Self::Ask,
    ];

    /// The word used in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unsafe => "unsafe",
            Self::GateNotMet => "gate_not_met",
            Self::OutsidePermitted => "outside_permitted",
            Self::NoRule => "no_rule",
            Self::AssumptionBroken => "assumption_broken",
            Self::Contested => "contested",
            Self::ChoiceWithoutReason => "choice_without_reason",
            Self::CapabilityGap => "capability_gap",
            Self::Debt => "debt",
            Self::SingleQuickStep => "single_quick_step",
            Self::Ask => "ask",
        }
    }

    /// How bad it is.
    #[must_use]
    pub const fn severity(self) -> FindingSeverity {
        match self {
            Self::Unsafe => FindingSeverity::Unsafe,
            Self::GateNotMet
            | Self::OutsidePermitted
            | Self::NoRule
            | Self::AssumptionBroken
            | Self::ChoiceWithoutReason => FindingSeverity::Untidy,
            Self::Contested | Self::CapabilityGap | Self::Debt | Self::SingleQuickStep | Self::Ask => {
                FindingSeverity::Note
            }
        }
    }

    const fn mask(self) -> u16 {
        1 << self as u16
    }
}

/// A set of findings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Findings(u16);

impl Findings {
    /// Whether `finding` is among them.
    #[must_use]
    pub const fn contains(self, finding: Finding) -> bool {
        self.0 & finding.mask() != 0
    }

    /// Whether there is nothing to say.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The worst severity among them.
    #[must_use]
    pub fn worst(self) -> Option<FindingSeverity> {
        self.iter().map(Finding::severity).min()
    }

    /// All of them, in canonical order.
    pub fn iter(self) -> impl Iterator<Item = Finding> {
        Finding::ALL
            .into_iter()
            .filter(move |finding| self.contains(*finding))
    }

    /// These and `finding`, if `present`.
    #[must_use]
    pub(super) const fn and_if(self, present: bool, finding: Finding) -> Self {
        Self(if present { self.0 | finding.mask() } else { self.0 })
    }
}
