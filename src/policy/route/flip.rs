//! What would have to be different for a task to go elsewhere.

use std::collections::BTreeSet;

use crate::policy::attribute::{Attribute, Flag, Source, Truth};
use crate::policy::checked::Policy;
use crate::policy::condition::Condition;
use crate::policy::decide::Decision;
use crate::policy::task::{AttributeId, Given, NumberId, Task, Value};
use crate::policy::vocabulary::NumberKind;

/// So many tasks are tried at most.
const TRIES_MAX: u32 = 2_000_000;
/// Of equally near flips so many are told.
const TOLD_MAX: usize = 8;

/// One attribute that would have another value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub attribute: AttributeId,
    /// What it is; none if it is unknown.
    pub from: Option<Value>,
    /// What it would be.
    pub to: Value,
}

/// Changes that together send the task elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flip {
    /// The fewest that do.
    pub changes: Vec<Change>,
    /// Where it would go then.
    pub decision: Decision,
}

/// What the search came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flips {
    /// These, all of the same number of changes; and how many more there are of that number.
    Found(Vec<Flip>, usize),
    /// No change of any attributes does it.
    Never,
    /// No change of up to so many attributes does it; more were not tried.
    Beyond(usize),
}

impl Policy {
    /// The fewest attributes to change so that `wanted` holds of the decision about `task`. Known values are tried,
    /// numbers at the literals of the policy and one unit beside them.
    #[must_use]
    pub fn flips(&self, task: &Task, wanted: &dyn Fn(&Decision) -> bool) -> Flips {
        let axes: Vec<Axis> = self
            .asked()
            .into_iter()
            .map(|attribute| self.axis(task, attribute))
            .collect();
        let mut search = Search {
            policy: self,
            axes,
            wanted,
            tries: 0,
            found: Vec::new(),
            more: 0,
        };
        for size in 1..=search.axes.len() {
            search.extend(task, (0, size), &mut Vec::new());
            if search.tries > TRIES_MAX {
                return match search.found.is_empty() {
                    true => Flips::Beyond(size - 1),
                    false => Flips::Found(search.found, search.more),
                };
            }
            if !search.found.is_empty() {
                return Flips::Found(search.found, search.more);
            }
        }
        Flips::Never
    }

    /// The attributes that any condition asks for, in the order of the vocabulary.
    fn asked(&self) -> Vec<AttributeId> {
        let mut flags = BTreeSet::new();
        let mut numbers = BTreeSet::new();
        for condition in self.conditions() {
            condition.each_flag(&mut |flag| {
                flags.insert(flag);
            });
            condition.each_literal(&mut |number, _| {
                numbers.insert(number);
            });
        }
        if flags.contains(&Flag::ANY_EFFECT) || flags.contains(&Flag::EFFECTS_FENCED) {
            let effects = Attribute::EFFECTS.into_iter().chain(Attribute::UMBRELLAS);
            flags.extend(effects.map(Attribute::flag));
        }
        let asks = |attribute: &AttributeId| match attribute {
            AttributeId::Flag(flag) => flags.contains(flag),
            AttributeId::Number(number) => numbers.contains(number),
        };
        self.vocabulary().attributes().filter(asks).collect()
    }

    fn conditions(&self) -> impl Iterator<Item = &Condition> {
        let facts = self.facts().iter().map(|fact| &fact.when);
        let rules = self.rules().iter().map(|rule| &rule.when);
        [self.approval_when()].into_iter().chain(facts).chain(rules)
    }

    fn axis(&self, task: &Task, attribute: AttributeId) -> Axis {
        let from = task.given(attribute).map(|given| given.value);
        let mut values = match attribute {
            AttributeId::Flag(_) => [Truth::True, Truth::False].map(Value::Truth).to_vec(),
            AttributeId::Number(number) => self.values(number),
        };
        values.retain(|value| Some(*value) != from);
        Axis {
            attribute,
            from,
            values,
        }
    }

    /// The literals that a number is compared with and what is one unit beside them; of words all.
    fn values(&self, wanted: NumberId) -> Vec<Value> {
        let mut values = BTreeSet::new();
        if let Some(NumberKind::Words(words)) = self.vocabulary().kind(wanted) {
            values.extend(0..words.len() as u64);
        } else {
            for condition in self.conditions() {
                condition.each_literal(&mut |number, literal| {
                    if number == wanted {
                        values.extend([literal.saturating_sub(1), literal, literal.saturating_add(1)]);
                    }
                });
            }
        }
        values
            .into_iter()
            .map(|value| Value::Number(Some(value)))
            .collect()
    }
}

/// An attribute with the values it could have instead.
struct Axis {
    attribute: AttributeId,
    from: Option<Value>,
    values: Vec<Value>,
}

struct Search<'a> {
    policy: &'a Policy,
    axes: Vec<Axis>,
    wanted: &'a dyn Fn(&Decision) -> bool,
    tries: u32,
    found: Vec<Flip>,
    more: usize,
}

impl Search<'_> {
    /// Changes `more` further attributes, from the axis `first` on.
    fn extend(&mut self, task: &Task, (first, more): (usize, usize), changes: &mut Vec<Change>) {
        if more == 0 {
            self.judge(task, changes);
            return;
        }
        for index in first..self.axes.len().saturating_sub(more - 1) {
            for value in 0..self.axes[index].values.len() {
                if self.tries > TRIES_MAX {
                    return;
                }
                let axis = &self.axes[index];
                let (attribute, to) = (axis.attribute, axis.values[value]);
                changes.push(Change {
                    attribute,
                    from: axis.from,
                    to,
                });
                let mut changed = task.clone();
                changed.set(Given {
                    attribute,
                    value: to,
                    source: Source::Declared,
                });
                self.extend(&changed, (index + 1, more - 1), changes);
                changes.pop();
            }
        }
    }

    fn judge(&mut self, task: &Task, changes: &[Change]) {
        self.tries += 1;
        let decision = self.policy.decide(task);
        if !(self.wanted)(&decision) {
            return;
        }
        let same = |flip: &&mut Flip| {
            let attributes = flip.changes.iter().map(|change| change.attribute);
            let same = attributes.eq(changes.iter().map(|change| change.attribute));
            same && (flip.decision.route, flip.decision.boundary) == (decision.route, decision.boundary)
        };
        if let Some(known) = self.found.iter_mut().find(same) {
            if reach(changes) < reach(&known.changes) {
                known.changes = changes.to_vec();
                known.decision = decision;
            }
            return;
        }
        if self.found.len() == TOLD_MAX {
            self.more += 1;
            return;
        }
        self.found.push(Flip {
            changes: changes.to_vec(),
            decision,
        });
    }
}

/// How far the numbers move, so that of equal flips the nearest is told.
fn reach(changes: &[Change]) -> u128 {
    let far = changes.iter().map(|change| match (change.from, change.to) {
        (Some(Value::Number(Some(from))), Value::Number(Some(to))) => u128::from(from.abs_diff(to)),
        _ => 0,
    });
    far.sum()
}
