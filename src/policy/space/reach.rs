//! A space: its axes, how far it reaches, and the numbers of its cells.

use crate::policy::attribute::{Attribute, Flag};
use crate::policy::checked::Policy;
use crate::policy::condition::Condition;
use crate::policy::task::{AttributeId, NumberId};

use super::axis::{Axis, Builder, conditions, is_read};

/// Which tasks a space holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// Every task: each attribute known or unknown, umbrella flags included.
    Whole,
    /// Every task without an umbrella flag: those are known to be false.
    ThreeValued,
    /// Every task without an umbrella flag of which everything is known.
    Known,
}

impl Reach {
    /// The word used in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::ThreeValued => "three-valued",
            Self::Known => "known",
        }
    }
}

/// The decision space of some policies (one, or two side by side).
///
/// The built-in attributes are always axes; declared ones are where a policy reads them. The order of the axes is the
/// order in which the policies name them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    axes: Vec<Axis>,
    reach: Reach,
    policies: usize,
}

impl Space {
    /// The space of these policies; attributes of one name and type are one axis.
    #[must_use]
    pub fn of(policies: &[&Policy], reach: Reach) -> Self {
        let mut builder = Builder::new(policies, reach != Reach::Known);
        for (index, policy) in policies.iter().enumerate() {
            for attribute in in_order(policy) {
                if reach == Reach::Whole || !is_umbrella(attribute) {
                    builder.add(index, attribute);
                }
            }
        }
        Self {
            axes: builder.axes(),
            reach,
            policies: policies.len(),
        }
    }

    /// Its axes.
    #[must_use]
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// Which tasks it holds.
    #[must_use]
    pub const fn reach(&self) -> Reach {
        self.reach
    }

    /// How many policies it was made for.
    #[must_use]
    pub const fn policies(&self) -> usize {
        self.policies
    }

    /// How many cells it has; none if that is no number of 128 bits.
    #[must_use]
    pub fn cells(&self) -> Option<u128> {
        self.axes.iter().try_fold(1_u128, |cells, axis| {
            cells.checked_mul(axis.values().len() as u128)
        })
    }

    /// The axis of a true-or-false attribute of the `policy`-th policy.
    #[must_use]
    pub fn axis_of(&self, policy: usize, attribute: AttributeId) -> Option<usize> {
        self.axes
            .iter()
            .position(|axis| axis.attribute(policy) == Some(attribute))
    }

    /// The axis of a built-in attribute; none where umbrella flags are left out.
    #[must_use]
    pub fn axis_of_built_in(&self, attribute: Attribute) -> Option<usize> {
        self.axes
            .iter()
            .position(|axis| axis.built_in() == Some(attribute))
    }
}

fn is_umbrella(attribute: AttributeId) -> bool {
    Attribute::UMBRELLAS
        .iter()
        .any(|umbrella| AttributeId::from(*umbrella) == attribute)
}

/// The attributes of a policy in the order in which its rules need them, then the built-in ones that it does not name.
fn in_order(policy: &Policy) -> Vec<AttributeId> {
    let mut order = Vec::new();
    let rules = policy.rules().iter().map(|rule| &rule.when);
    let first = rules.chain(std::iter::once(policy.approval_when()));
    for condition in first.chain(conditions(policy)) {
        visit(policy, condition, &mut order);
    }
    let rest = policy
        .vocabulary()
        .attributes()
        .filter(|attribute| is_built_in(*attribute) || is_read(policy, *attribute));
    for attribute in rest {
        note(attribute, &mut order);
    }
    order
}

fn is_built_in(attribute: AttributeId) -> bool {
    matches!(attribute, AttributeId::Flag(flag) if flag.built_in().is_some())
}

fn note(attribute: AttributeId, order: &mut Vec<AttributeId>) {
    if !order.contains(&attribute) {
        order.push(attribute);
    }
}

/// Attributes in the order of writing, those of a fact where the fact is named.
fn visit(policy: &Policy, condition: &Condition, order: &mut Vec<AttributeId>) {
    match condition {
        Condition::Always | Condition::Never => {}
        Condition::Is(flag) => visit_flag(policy, *flag, order),
        Condition::Compare { number, .. } => note_number(*number, order),
        Condition::Not(inner) => visit(policy, inner, order),
        Condition::And(parts) | Condition::Or(parts) => {
            for part in parts {
                visit(policy, part, order);
            }
        }
    }
}

fn note_number(number: NumberId, order: &mut Vec<AttributeId>) {
    note(AttributeId::Number(number), order);
}

fn visit_flag(policy: &Policy, flag: Flag, order: &mut Vec<AttributeId>) {
    if let Some(fact) = policy.facts().iter().find(|fact| fact.flag == flag) {
        visit(policy, &fact.when, order);
    } else if flag == Flag::ANY_EFFECT || flag == Flag::EFFECTS_FENCED {
        for effect in Attribute::EFFECTS.into_iter().chain(Attribute::UMBRELLAS) {
            note(effect.into(), order);
        }
    } else {
        note(AttributeId::Flag(flag), order);
    }
}
