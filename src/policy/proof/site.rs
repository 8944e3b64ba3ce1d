//! The literals of a policy: where they stand, and the policy without one of them.

use crate::policy::checked::{Fact, Policy, Rule};
use crate::policy::condition::Condition;
use crate::policy::task::AttributeId;

/// The condition that a literal stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SiteOwner {
    /// The condition of the boundary.
    Boundary,
    /// A fact, by its place in [`Policy::facts`].
    Fact(usize),
    /// A rule, by its place in [`Policy::rules`].
    Rule(usize),
}

/// One literal: an attribute, a fact or a comparison, with the `not` before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Site {
    /// The condition it stands in.
    pub owner: SiteOwner,
    /// Its place among the literals of that condition, in the order of writing.
    pub index: usize,
}

/// Every literal that can be dropped: those of the boundary, of facts that are read and have more than one, and of
/// rules.
pub(super) fn sites(policy: &Policy) -> Vec<Site> {
    let mut sites = Vec::new();
    let mut add = |owner: SiteOwner, condition: &Condition| {
        sites.extend((0..literals(condition)).map(|index| Site { owner, index }));
    };
    add(SiteOwner::Boundary, policy.approval_when());
    for (index, fact) in policy.facts().iter().enumerate() {
        // A fact of one literal is another name for it: there is nothing to drop. One that nobody reads is reported whole.
        if literals(&fact.when) > 1 && policy.reads(AttributeId::Flag(fact.flag)) {
            add(SiteOwner::Fact(index), &fact.when);
        }
    }
    for (index, rule) in policy.rules().iter().enumerate() {
        add(SiteOwner::Rule(index), &rule.when);
    }
    sites
}

fn literals(condition: &Condition) -> usize {
    match condition {
        Condition::Always | Condition::Never => 0,
        Condition::Is(_) | Condition::Compare { .. } => 1,
        Condition::Not(inner) => literals(inner),
        Condition::And(parts) | Condition::Or(parts) => parts.iter().map(literals).sum(),
    }
}

/// The `index`-th literal of a condition.
fn literal(condition: &Condition, index: usize) -> Option<&Condition> {
    match condition {
        Condition::Always | Condition::Never => None,
        Condition::Is(_) | Condition::Compare { .. } => (index == 0).then_some(condition),
        Condition::Not(inner) => literal(inner, index),
        Condition::And(parts) | Condition::Or(parts) => {
            let mut rest = index;
            for part in parts {
                let inside = literals(part);
                if rest < inside {
                    return literal(part, rest);
                }
                rest -= inside;
            }
            None
        }
    }
}

/// The condition without its `index`-th literal; none if nothing is left of it.
fn dropped(condition: &Condition, index: usize) -> Option<Condition> {
    match condition {
        Condition::Always | Condition::Never => Some(condition.clone()),
        Condition::Is(_) | Condition::Compare { .. } => None,
        Condition::Not(inner) => dropped(inner, index).map(|inner| Condition::Not(Box::new(inner))),
        Condition::And(parts) => joined(without(parts, index), Condition::And),
        Condition::Or(parts) => joined(without(parts, index), Condition::Or),
    }
}

fn without(parts: &[Condition], index: usize) -> Vec<Condition> {
    let mut rest = Some(index);
    let mut kept = Vec::new();
    for part in parts {
        let inside = literals(part);
        match rest {
            Some(at) if at < inside => {
                kept.extend(dropped(part, at));
                rest = None;
            }
            Some(at) => {
                kept.push(part.clone());
                rest = Some(at - inside);
            }
            None => kept.push(part.clone()),
        }
    }
    kept
}

fn joined(mut parts: Vec<Condition>, join: fn(Vec<Condition>) -> Condition) -> Option<Condition> {
    match parts.len() {
        0 => None,
        1 => parts.pop(),
        _ => Some(join(parts)),
    }
}

impl Site {
    /// Every place of a condition where the literal stands.
    pub(in crate::policy) fn all_of(
        owner: SiteOwner,
        condition: &Condition,
        wanted: &Condition,
    ) -> Vec<Self> {
        let sites = (0..literals(condition)).filter(|index| literal(condition, *index) == Some(wanted));
        sites.map(|index| Self { owner, index }).collect()
    }

    /// The condition that it stands in.
    pub(super) fn condition(self, policy: &Policy) -> Option<&Condition> {
        match self.owner {
            SiteOwner::Boundary => Some(policy.approval_when()),
            SiteOwner::Fact(index) => policy.facts().get(index).map(|fact| &fact.when),
            SiteOwner::Rule(index) => policy.rules().get(index).map(|rule| &rule.when),
        }
    }

    /// As it is written, without a `not` before it.
    pub(super) fn text(self, policy: &Policy) -> String {
        let found = self
            .condition(policy)
            .and_then(|condition| literal(condition, self.index));
        found.map_or_else(String::new, |literal| literal.write(policy.vocabulary()))
    }

    /// Its condition without it. A rule without any literal always matches; a boundary without any never asks.
    pub(super) fn without(self, policy: &Policy) -> Option<Condition> {
        let nothing = match self.owner {
            SiteOwner::Boundary => Condition::Never,
            SiteOwner::Fact(_) | SiteOwner::Rule(_) => Condition::Always,
        };
        let condition = self.condition(policy)?;
        Some(dropped(condition, self.index).unwrap_or(nothing))
    }

    /// The policy without it.
    pub(super) fn variant(self, policy: &Policy) -> Option<Policy> {
        let changed = self.without(policy)?;
        let mut facts: Vec<Fact> = policy.facts().to_vec();
        let mut rules: Vec<Rule> = policy.rules().to_vec();
        let mut approval_when = policy.approval_when().clone();
        match self.owner {
            SiteOwner::Boundary => approval_when = changed,
            SiteOwner::Fact(index) => facts.get_mut(index)?.when = changed,
            SiteOwner::Rule(index) => rules.get_mut(index)?.when = changed,
        }
        Some(policy.altered(approval_when, facts, rules))
    }
}
