//! More people decide where more is at stake.

use std::sync::Arc;

use super::seam::{Choice, Sight, Strategy};
use crate::policy::{self, Condition, Policy, Truth};

/// What is risky goes behind the approval boundary, and so many people have to approve it; the rest is as the policy says.
#[derive(Debug, Clone)]
pub struct RiskTiers {
    /// The policy whose names the conditions use.
    pub policy: Arc<Policy>,
    /// What is risky, and how many people have to approve it.
    pub tiers: Arc<[(Condition, u16)]>,
}

impl RiskTiers {
    /// How many people have to approve what such a task does; none where nothing of the list concerns it. What nobody
    /// knows counts as risky.
    #[must_use]
    pub fn quorum(&self, task: &policy::Task) -> Option<u16> {
        let risky = |condition: &Condition| self.policy.holds(condition, task) != Truth::False;
        let tiers = self.tiers.iter().filter(|(when, _)| risky(when));
        tiers.map(|(_, quorum)| *quorum).max()
    }
}

impl Strategy for RiskTiers {
    fn choose(&self, sight: &Sight<'_>) -> Choice {
        match (self.quorum(sight.attributes), sight.decision.execution()) {
            (Some(_), Some(execution)) => Choice::Gate {
                execution: execution.into(),
                rule: "risk-tiers",
            },
            (None, _) | (_, None) => Choice::ByPolicy,
        }
    }

    fn fork(&self) -> Option<Arc<dyn Strategy>> {
        Some(Arc::new(self.clone()))
    }
}
