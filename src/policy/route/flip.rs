//! What would have to be different for a task to go elsewhere.

use std::collections::BTreeSet;

use crate::policy::attribute::{Attribute, Flag, Source, Truth};
use crate::policy::checked::Policy;
use crate::policy::condition::Condition;
use crate::policy::decide::Decision;
use crate::policy::lane::{Execution, Lane};
use crate::policy::space::{self, Algebra, Diagrams, Reach, Set, Space};
use crate::policy::task::{AttributeId, Given, NumberId, Task, Value};
use crate::policy::vocabulary::NumberKind;

/// So many tasks are tried at most.
const TRIES_MAX: u32 = 200_000;
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
    /// No change of up to so many attributes does it; more were not tried, and the diagrams grew beyond their bound.
    Beyond(usize),
}

/// Where a task is to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elsewhere {
    /// To another lane than this; none is a refusal.
    OtherLane(Option<Lane>),
    /// To the background, with or without the boundary.
    Background,
}

impl Elsewhere {
    /// Whether a decision goes there.
    #[must_use]
    pub fn is(self, decision: &Decision) -> bool {
        match self {
            Self::OtherLane(lane) => decision.lane() != lane,
            Self::Background => decision.execution() == Some(Execution::Background),
        }
    }

    /// The cells that go there.
    fn cells(self, table: &space::Table<Set>, diagrams: &mut Diagrams) -> Set {
        let wanted = match self {
            Self::Background => table.background,
            Self::OtherLane(Some(lane)) => {
                let own = table.lane(lane, diagrams);
                diagrams.not(&own)
            }
            Self::OtherLane(None) => diagrams.or(&table.interactive, &table.background),
        };
        diagrams.minus(&wanted, &table.impossible)
    }
}

impl Policy {
    /// The fewest attributes to change so that the decision about `task` goes elsewhere. Known values are tried,
    /// numbers at the literals of the policy and one unit beside them. Where there are too many to try, one of the
    /// nearest flips is found by decision diagrams.
    #[must_use]
    pub fn flips(&self, task: &Task, wanted: Elsewhere) -> Flips {
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
                return match (search.found.is_empty(), self.nearest(task, wanted)) {
                    (false, _) => Flips::Found(search.found, search.more),
                    (true, Some(Some(flip))) => Flips::Found(vec![flip], 0),
                    (true, Some(None)) => Flips::Never,
                    (true, None) => Flips::Beyond(size - 1),
                };
            }
            if !search.found.is_empty() {
                return Flips::Found(search.found, search.more);
            }
        }
        Flips::Never
    }

    /// A nearest flip by decision diagrams: none within the bound on memory, or none at all.
    fn nearest(&self, task: &Task, wanted: Elsewhere) -> Option<Option<Flip>> {
        let space = Space::of(&[self], Reach::Whole);
        let mut diagrams = Diagrams::new(&space);
        let table = space::Table::read(&space, 0, self, None, &mut diagrams);
        let there = wanted.cells(&table, &mut diagrams);
        if diagrams.exhausted() {
            return None;
        }
        let here = space.cell_of(task);
        // What is unknown is asked for, never the other way round.
        let price = |axis: usize, place: usize| match place {
            _ if place == here.0[axis] => Some(0),
            0 => None,
            _ => Some(1),
        };
        let Some(cell) = diagrams.cheapest(there, &here, &price) else {
            return Some(None);
        };
        let mut changed = task.clone();
        let mut changes = Vec::new();
        for (axis, place) in cell.0.iter().enumerate() {
            let given = space.axes()[axis].given(0, *place);
            if let Some(given) = given.filter(|_| *place != here.0[axis]) {
                changes.push(Change {
                    attribute: given.attribute,
                    from: task.given(given.attribute).map(|given| given.value),
                    to: given.value,
                });
                changed.set(given);
            }
        }
        changes.sort_by_key(|change| change.attribute);
        let decision = self.decide(&changed);
        wanted.is(&decision).then_some(Some(Flip { changes, decision }))
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
    wanted: Elsewhere,
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
        if !self.wanted.is(&decision) {
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

#[cfg(test)]
mod tests {
    use super::{Elsewhere, Flips, Space};
    use crate::policy::{Policy, Reach, Task, decode_policy};
    use crate::scenario::{Diagnostics, Sources, read};

    fn policy(text: &str) -> Policy {
        let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
        let tree = read(&mut sources, "policy.yaml", text.as_bytes(), &mut out);
        let policy = tree.and_then(|tree| decode_policy(&tree, &mut out));
        policy.unwrap_or_else(|| panic!("{out:?}"))
    }

    const POLICY: &str = "\
policy: p
attributes: { seats: count, tenant: [free, team] }
boundary: { approval_when: customer_comm or prod_write }
rules:
  - { id: few, when: seats < 5 and tenant == free, execution: interactive }
  - { id: long, when: value_after_session and (seats > 100 or multi_step_or_slow), execution: background }
  - { id: none, when: seats > 1_000, refuse: too many }
  - { id: otherwise, execution: interactive }
";

    #[test]
    fn trying_and_diagrams_find_flips_of_the_same_size() {
        let policy = policy(POLICY);
        let space = Space::of(&[&policy], Reach::Whole);
        let cells = space.cells().unwrap_or_default();
        let mut seen = 0;
        for number in (0..cells).step_by(usize::try_from(cells / 150).unwrap_or(1)) {
            let cell = space.cell(number);
            let task = space.task(0, &cell);
            assert_eq!(space.cell_of(&task), cell);
            for wanted in [
                Elsewhere::OtherLane(policy.decide(&task).lane()),
                Elsewhere::Background,
            ] {
                if wanted.is(&policy.decide(&task)) {
                    continue;
                }
                let tried = match policy.flips(&task, wanted) {
                    Flips::Found(flips, _) => flips[0].changes.len(),
                    other => panic!("{other:?}"),
                };
                let nearest = policy.nearest(&task, wanted).flatten();
                assert_eq!(nearest.map(|flip| flip.changes.len()), Some(tried), "{task:?}");
                seen += 1;
            }
        }
        assert!(seen > 100, "{seen}");
    }

    #[test]
    fn a_flip_too_far_to_be_tried_is_found_all_the_same() {
        let policy = policy(
            "policy: p\nboundary: { approval_when: any_effect }\nrules: [{ id: all, execution: interactive }]\n",
        );
        let flips = policy.flips(
            &Task::new(),
            Elsewhere::OtherLane(policy.decide(&Task::new()).lane()),
        );
        let Flips::Found(flips, 0) = flips else {
            panic!("{flips:?}")
        };
        assert_eq!(flips[0].changes.len(), 8, "each effect has to be ruled out");
        assert_eq!(policy.flips(&Task::new(), Elsewhere::Background), Flips::Never);
    }
}
