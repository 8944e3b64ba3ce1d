//! Where everything stands that a finding about a whole policy can be about.

use std::collections::BTreeMap;

use crate::scenario::Span;

use super::checked::Policy;
use super::proof::{SiteOwner, Subject};

/// Where the parts of a policy and their literals stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofPlaces {
    pub(super) whole: Span,
    pub(super) rules: Span,
    pub(super) boundary: Span,
    pub(super) boundary_literals: Vec<Span>,
    /// By name: the name itself, and the literals of the condition.
    pub(super) facts: BTreeMap<String, (Span, Vec<Span>)>,
    pub(super) attributes: BTreeMap<String, Span>,
    pub(super) intentional: Vec<Span>,
    /// For each rule its id, and the literals of its condition.
    pub(super) rule: Vec<(Span, Vec<Span>)>,
}

impl ProofPlaces {
    /// The whole policy.
    #[must_use]
    pub const fn whole(&self) -> Span {
        self.whole
    }

    /// Where a subject stands.
    #[must_use]
    pub fn span(&self, policy: &Policy, subject: &Subject) -> Span {
        let found = match subject {
            Subject::Rules => Some(self.rules),
            Subject::Boundary => Some(self.boundary),
            Subject::Rule(rule) => self.rule.get(*rule).map(|(id, _)| *id),
            Subject::Intention(index) => self.intentional.get(*index).copied(),
            Subject::Name(name) => {
                let attribute = self.attributes.get(name).copied();
                attribute.or_else(|| self.facts.get(name).map(|(span, _)| *span))
            }
            Subject::Literal(site) => match site.owner {
                SiteOwner::Boundary => self.boundary_literals.get(site.index).copied(),
                SiteOwner::Rule(rule) => self
                    .rule
                    .get(rule)
                    .and_then(|(_, spans)| spans.get(site.index))
                    .copied(),
                SiteOwner::Fact(fact) => policy.facts().get(fact).and_then(|fact| {
                    let name = policy.vocabulary().flag_name(fact.flag);
                    self.facts.get(name)?.1.get(site.index).copied()
                }),
            },
        };
        found.unwrap_or(self.whole)
    }
}
