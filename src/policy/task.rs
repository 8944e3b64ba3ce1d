//! A task as the router sees it: its attributes, packed.

use super::attribute::{Attribute, Flag, Source, Truth};

/// An attribute that is an integer or a word, by its place in the policy's vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NumberId(pub(super) u8);

impl NumberId {
    /// Its place among the numbers of its vocabulary.
    #[must_use]
    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// An attribute of a policy's vocabulary, built-in or declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AttributeId {
    /// True or false.
    Flag(Flag),
    /// An integer, or the index of a word.
    Number(NumberId),
}

impl From<Attribute> for AttributeId {
    fn from(attribute: Attribute) -> Self {
        Self::Flag(attribute.flag())
    }
}

/// The value of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// Of a true-or-false attribute.
    Truth(Truth),
    /// Of an integer attribute: ticks, tokens, a count, minor units; of a word: its index. None is unknown.
    Number(Option<u64>),
}

/// One attribute with its value and where that comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Given {
    /// Which attribute.
    pub attribute: AttributeId,
    /// Its value.
    pub value: Value,
    /// Where the value comes from.
    pub source: Source,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
struct Number {
    value: Option<u64>,
    source: Source,
}

/// What somebody asks for, as attributes. Whatever is not set is unknown.
///
/// Invariant: a bit of `value`, `measured` or `predicted` is set only where `known` is, no bit is both measured
/// and predicted, and the last number is known; so equal knowledge is equal in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Task {
    known: u64,
    value: u64,
    measured: u64,
    predicted: u64,
    numbers: Vec<Number>,
}

impl Task {
    /// A task of which nothing is known.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            known: 0,
            value: 0,
            measured: 0,
            predicted: 0,
            numbers: Vec::new(),
        }
    }

    /// This task with a built-in attribute set.
    #[must_use]
    pub fn with(mut self, attribute: Attribute, truth: impl Into<Truth>) -> Self {
        self.set_truth(attribute.flag(), truth.into(), Source::Declared);
        self
    }

    /// This task with each of `attributes` set to `truth`.
    #[must_use]
    pub fn with_all(self, attributes: &[Attribute], truth: impl Into<Truth>) -> Self {
        let truth = truth.into();
        attributes
            .iter()
            .fold(self, |task, attribute| task.with(*attribute, truth))
    }

    /// Sets one attribute; a value of the wrong kind for its attribute leaves it unknown.
    pub fn set(&mut self, given: Given) {
        match (given.attribute, given.value) {
            (AttributeId::Flag(flag), Value::Truth(truth)) => self.set_truth(flag, truth, given.source),
            (AttributeId::Number(id), Value::Number(value)) => self.set_number(id, value, given.source),
            (AttributeId::Flag(flag), Value::Number(_)) => {
                self.set_truth(flag, Truth::Unknown, given.source);
            }
            (AttributeId::Number(id), Value::Truth(_)) => self.set_number(id, None, given.source),
        }
    }

    /// Sets every attribute of `given`, the later over the earlier.
    pub fn set_all(&mut self, given: &[Given]) {
        for one in given {
            self.set(*one);
        }
    }

    /// The truth of a built-in attribute.
    #[must_use]
    pub const fn truth(&self, attribute: Attribute) -> Truth {
        truth_in(self.known, self.value, attribute.flag().mask())
    }

    /// The value of any attribute, with its source; none if it is unknown.
    #[must_use]
    pub fn given(&self, attribute: AttributeId) -> Option<Given> {
        let (value, source) = match attribute {
            AttributeId::Flag(flag) => {
                let truth = truth_in(self.known, self.value, flag.mask());
                (!truth.is_unknown()).then_some((Value::Truth(truth), self.source(flag)))?
            }
            AttributeId::Number(id) => {
                let number = self.numbers.get(usize::from(id.0))?;
                (Value::Number(Some(number.value?)), number.source)
            }
        };
        Some(Given {
            attribute,
            value,
            source,
        })
    }

    pub(super) const fn masks(&self) -> (u64, u64) {
        (self.known, self.value)
    }

    pub(super) fn number(&self, id: NumberId) -> Option<u64> {
        self.numbers
            .get(usize::from(id.0))
            .and_then(|number| number.value)
    }

    fn source(&self, flag: Flag) -> Source {
        match flag.mask() {
            mask if self.measured & mask != 0 => Source::Measured,
            mask if self.predicted & mask != 0 => Source::Predicted,
            _ => Source::Declared,
        }
    }

    fn set_truth(&mut self, flag: Flag, truth: Truth, source: Source) {
        let mask = flag.mask();
        for plane in [
            &mut self.known,
            &mut self.value,
            &mut self.measured,
            &mut self.predicted,
        ] {
            *plane &= !mask;
        }
        if truth.is_unknown() {
            return;
        }
        self.known |= mask;
        if truth.is_true() {
            self.value |= mask;
        }
        match source {
            Source::Declared => {}
            Source::Measured => self.measured |= mask,
            Source::Predicted => self.predicted |= mask,
        }
    }

    fn set_number(&mut self, id: NumberId, value: Option<u64>, source: Source) {
        let index = usize::from(id.0);
        if self.numbers.len() <= index {
            self.numbers.resize(index + 1, Number::default());
        }
        self.numbers[index] = value.map_or_else(Number::default, |_| Number { value, source });
        while self.numbers.last().is_some_and(|number| number.value.is_none()) {
            self.numbers.pop();
        }
    }
}

/// The truth of one bit.
pub(super) const fn truth_in(known: u64, value: u64, mask: u64) -> Truth {
    match (known & mask != 0, value & mask != 0) {
        (false, _) => Truth::Unknown,
        (true, false) => Truth::False,
        (true, true) => Truth::True,
    }
}

#[cfg(test)]
mod tests {
    use super::{AttributeId, Given, NumberId, Task, Value};
    use crate::policy::attribute::{Attribute, Source, Truth};

    #[test]
    fn a_value_set_twice_keeps_only_the_last_value_and_source() {
        let mut task = Task::new();
        let attribute = Attribute::UserSteering.into();
        task.set(Given {
            attribute,
            value: Value::Truth(Truth::True),
            source: Source::Measured,
        });
        task.set(Given {
            attribute,
            value: Value::Truth(Truth::False),
            source: Source::Predicted,
        });
        let given = task.given(attribute).map(|given| (given.value, given.source));
        assert_eq!(given, Some((Value::Truth(Truth::False), Source::Predicted)));
        task.set(Given {
            attribute,
            value: Value::Truth(Truth::Unknown),
            source: Source::Measured,
        });
        assert_eq!(task, Task::new());
    }

    #[test]
    fn a_number_that_was_never_set_is_unknown() {
        let mut task = Task::new();
        let second = AttributeId::Number(NumberId(1));
        task.set(Given {
            attribute: second,
            value: Value::Number(Some(7)),
            source: Source::Declared,
        });
        assert_eq!(task.number(NumberId(0)), None);
        assert_eq!(task.number(NumberId(1)), Some(7));
        assert_eq!(task.number(NumberId(9)), None);
        task.set(Given {
            attribute: second,
            value: Value::Number(None),
            source: Source::Measured,
        });
        assert_eq!(task, Task::new());
    }
}
