//! Cells: one value on every axis, as a number and as a task.

use crate::policy::attribute::{Attribute, Truth};
use crate::policy::task::{Task, Value};

use super::axis::AxisValue;
use super::reach::{Reach, Space};

/// One cell: for each axis the place of its value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell(pub Vec<usize>);

impl Space {
    /// The number of a cell: the first axis counts most. None where numbers of 128 bits do not reach.
    #[must_use]
    pub fn number(&self, cell: &Cell) -> Option<u128> {
        let pairs = self.axes().iter().zip(&cell.0);
        pairs.clone().try_fold(0_u128, |number, (axis, place)| {
            number
                .checked_mul(axis.values().len() as u128)?
                .checked_add(*place as u128)
        })
    }

    /// The cell of a number; a number past the last cell wraps around.
    #[must_use]
    pub fn cell(&self, number: u128) -> Cell {
        let mut rest = number;
        let mut places: Vec<usize> = self
            .axes()
            .iter()
            .rev()
            .map(|axis| {
                let size = axis.values().len() as u128;
                let place = rest % size;
                rest /= size;
                usize::try_from(place).unwrap_or_default()
            })
            .collect();
        places.reverse();
        Cell(places)
    }

    /// How much a cell says: the axes with another value than their first.
    #[must_use]
    pub fn weight(&self, cell: &Cell) -> usize {
        cell.0.iter().filter(|place| **place != 0).count()
    }

    /// What the least cell of a set is the least by: how much it says; then what is named first comes first.
    #[must_use]
    pub fn rank(&self, cell: &Cell) -> (usize, Vec<usize>) {
        let sizes = self.axes().iter().map(|axis| axis.values().len());
        let ranks = cell
            .0
            .iter()
            .zip(sizes)
            .map(|(place, size)| place_rank(*place, size));
        (self.weight(cell), ranks.collect())
    }

    /// The value of a cell on an axis.
    #[must_use]
    pub fn value(&self, cell: &Cell, axis: usize) -> Option<&AxisValue> {
        self.axes().get(axis)?.values().get(*cell.0.get(axis)?)
    }

    /// The cell as a task of the `policy`-th policy.
    #[must_use]
    pub fn task(&self, policy: usize, cell: &Cell) -> Task {
        let mut task = match self.reach() {
            Reach::Whole => Task::new(),
            Reach::ThreeValued | Reach::Known => Task::new().with_all(&Attribute::UMBRELLAS, false),
        };
        for (axis, place) in self.axes().iter().zip(&cell.0) {
            if let Some(given) = axis.given(policy, *place) {
                task.set(given);
            }
        }
        task
    }

    /// The place of what a task of the first policy says on an axis; none if that is unknown there.
    #[must_use]
    pub fn place_of(&self, axis: usize, task: &Task) -> Option<usize> {
        let own = &self.axes()[axis];
        let attribute = own.attribute(0)?;
        match task.given(attribute)?.value {
            Value::Truth(Truth::True) => own.place_of(&AxisValue::Truth(true)),
            Value::Truth(Truth::False) => own.place_of(&AxisValue::Truth(false)),
            Value::Truth(Truth::Unknown) | Value::Number(None) => None,
            Value::Number(Some(number)) => self.nearest_place(axis, number),
        }
    }

    /// The point that no condition can tell from `number`: between two points nothing changes.
    fn nearest_place(&self, axis: usize, number: u64) -> Option<usize> {
        let own = &self.axes()[axis];
        let seen = (0..own.values().len()).filter_map(|place| match own.given(0, place)?.value {
            Value::Number(Some(point)) => Some((place, point)),
            Value::Number(None) | Value::Truth(_) => None,
        });
        let seen: Vec<(usize, u64)> = seen.collect();
        let below = seen.iter().rev().find(|(_, point)| *point <= number);
        below.or_else(|| seen.first()).map(|(place, _)| *place)
    }

    /// The cell of a task of the first policy: what a space without unknown values does not hold has its first value.
    #[must_use]
    pub fn cell_of(&self, task: &Task) -> Cell {
        let places = (0..self.axes().len()).map(|axis| self.place_of(axis, task).unwrap_or_default());
        Cell(places.collect())
    }

    /// What a cell says, by name, in the order of the built-in attributes and then of the axes; what is unknown and
    /// umbrella flags that the space takes to be false are not in it.
    #[must_use]
    pub fn said(&self, cell: &Cell) -> Vec<(&str, &AxisValue)> {
        let mut said: Vec<_> = self
            .axes()
            .iter()
            .zip(&cell.0)
            .filter_map(|(axis, place)| Some((axis, axis.values().get(*place)?)))
            .filter(|(_, value)| **value != AxisValue::Unknown)
            .collect();
        let rank = |attribute: Option<Attribute>| attribute.map_or(usize::MAX, |known| known as usize);
        said.sort_by_key(|(axis, _)| rank(axis.built_in()));
        said.into_iter()
            .map(|(axis, value)| (axis.name(), value))
            .collect()
    }

    /// The attributes of a cell as files write them: `{ value_after_session: true, effects: none }`. Effects of which
    /// all are known stand together.
    #[must_use]
    pub fn attributes_text(&self, cell: &Cell) -> String {
        let said = self.said(cell);
        let mut parts: Vec<String> = Vec::new();
        let together = self.effects_text(cell);
        for (name, value) in said {
            let effect = Attribute::named(name).is_some_and(is_effect);
            if !(effect && together.is_some()) {
                parts.push(format!("{name}: {}", value.text()));
            }
        }
        parts.extend(together.map(|effects| format!("effects: {effects}")));
        if parts.is_empty() {
            "{}".to_owned()
        } else {
            format!("{{ {} }}", parts.join(", "))
        }
    }

    /// The cell as a task on one line that can be pasted under `tasks:` of a scenario: of the kind of which nothing is
    /// known but what is said.
    #[must_use]
    pub fn task_line(&self, cell: &Cell, id: &str) -> String {
        let attributes = match self.attributes_text(cell).as_str() {
            "{}" => String::new(),
            said => format!(", attributes: {said}"),
        };
        format!("- {{ id: {id}, kind: any{attributes} }}")
    }

    /// The cell as a task that can be pasted under `tasks:` of a scenario.
    #[must_use]
    pub fn task_yaml(&self, cell: &Cell, id: &str, kind: &str) -> String {
        let attributes = self.attributes_text(cell);
        format!("  - id: {id}\n    kind: {kind}\n    attributes: {attributes}\n")
    }

    /// What `effects:` says, if that can say it: all known.
    fn effects_text(&self, cell: &Cell) -> Option<String> {
        let truth = |attribute: Attribute| match self.axis_of_built_in(attribute) {
            None => Truth::False,
            Some(axis) => match self.value(cell, axis) {
                Some(AxisValue::Truth(truth)) => (*truth).into(),
                _ => Truth::Unknown,
            },
        };
        let all: Vec<_> = Attribute::EFFECTS
            .into_iter()
            .chain(Attribute::UMBRELLAS)
            .collect();
        if all.iter().any(|effect| truth(*effect).is_unknown()) {
            return None;
        }
        let present: Vec<&str> = all
            .into_iter()
            .filter(|effect| truth(*effect).is_true())
            .map(Attribute::word)
            .collect();
        Some(match present.as_slice() {
            [] => "none".to_owned(),
            present => format!("[{}]", present.join(", ")),
        })
    }
}

/// Values that say something come before the one that does not.
pub(super) const fn place_rank(place: usize, size: usize) -> usize {
    if place == 0 { size - 1 } else { place - 1 }
}

fn is_effect(attribute: Attribute) -> bool {
    Attribute::EFFECTS.contains(&attribute) || Attribute::UMBRELLAS.contains(&attribute)
}
