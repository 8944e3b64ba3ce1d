//! The axes of a space: one for each attribute, with every value that could make a difference.

use crate::policy::attribute::{Attribute, Source, Truth};
use crate::policy::checked::Policy;
use crate::policy::condition::Condition;
use crate::policy::literal::write_literal;
use crate::policy::task::{AttributeId, Given, NumberId, Value};
use crate::policy::vocabulary::{NumberKind, Unit};

/// A value on an axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AxisValue {
    /// Nobody said.
    Unknown,
    /// Of a true-or-false attribute.
    Truth(bool),
    /// An integer, and how files write it.
    Number(u64, String),
    /// A word.
    Word(String),
}

impl AxisValue {
    /// As files write it.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Unknown => Truth::Unknown.word(),
            Self::Truth(true) => Truth::True.word(),
            Self::Truth(false) => Truth::False.word(),
            Self::Number(_, text) | Self::Word(text) => text,
        }
    }
}

/// How one policy of the space sees an axis.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    attribute: AttributeId,
    values: Vec<Value>,
}

/// One attribute. Its first value weighs nothing: unknown, or the plainest one where unknown is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Axis {
    name: String,
    values: Vec<AxisValue>,
    seen: Vec<Option<Seen>>,
}

impl Axis {
    /// The name of the attribute.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its values.
    #[must_use]
    pub fn values(&self) -> &[AxisValue] {
        &self.values
    }

    /// The built-in attribute that it is, if it is one.
    #[must_use]
    pub fn built_in(&self) -> Option<Attribute> {
        Attribute::named(&self.name)
    }

    /// Which attribute of the `policy`-th policy it is; none if that one does not know it.
    #[must_use]
    pub fn attribute(&self, policy: usize) -> Option<AttributeId> {
        self.seen
            .get(policy)
            .and_then(|seen| seen.as_ref().map(|seen| seen.attribute))
    }

    /// What the `policy`-th policy sees there; none if it does not know the attribute. A word that it does not know is
    /// unknown to it.
    #[must_use]
    pub fn given(&self, policy: usize, value: usize) -> Option<Given> {
        let seen = self.seen.get(policy)?.as_ref()?;
        Some(Given {
            attribute: seen.attribute,
            value: *seen.values.get(value)?,
            source: Source::Declared,
        })
    }

    /// The place of the value that is a truth.
    #[must_use]
    pub fn place_of(&self, value: &AxisValue) -> Option<usize> {
        self.values.iter().position(|known| known == value)
    }
}

/// What kind of axis an attribute needs; attributes of one name share an axis only if they agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Truth,
    Integer(Unit),
    Words,
}

fn sort_of(policy: &Policy, attribute: AttributeId) -> Sort {
    let AttributeId::Number(number) = attribute else {
        return Sort::Truth;
    };
    match policy.vocabulary().kind(number) {
        Some(NumberKind::Integer(unit)) => Sort::Integer(*unit),
        Some(NumberKind::Words(_)) | None => Sort::Words,
    }
}

/// Every condition of a policy.
pub(super) fn conditions(policy: &Policy) -> impl Iterator<Item = &Condition> {
    let facts = policy.facts().iter().map(|fact| &fact.when);
    let never = policy.assumptions().iter().map(|assumption| &assumption.never);
    let rules = policy.rules().iter().map(|rule| &rule.when);
    std::iter::once(policy.approval_when())
        .chain(facts)
        .chain(never)
        .chain(rules)
}

/// Whether any condition of the policy names the attribute.
pub(in crate::policy) fn is_read(policy: &Policy, attribute: AttributeId) -> bool {
    let mut read = false;
    for condition in conditions(policy) {
        match attribute {
            AttributeId::Flag(flag) => condition.each_flag(&mut |named| read |= named == flag),
            AttributeId::Number(number) => condition.each_literal(&mut |named, _| read |= named == number),
        }
    }
    read
}

/// The constants that a policy compares a number with.
fn constants(policy: &Policy, number: NumberId) -> Vec<u64> {
    let mut all = Vec::new();
    for condition in conditions(policy) {
        condition.each_literal(&mut |named, literal| {
            if named == number {
                all.push(literal);
            }
        });
    }
    all
}

/// Builds the axes of some policies, attribute by attribute.
#[derive(Debug)]
pub(super) struct Builder<'p> {
    policies: &'p [&'p Policy],
    unknown: bool,
    axes: Vec<(Sort, Axis)>,
}

impl<'p> Builder<'p> {
    pub(super) const fn new(policies: &'p [&'p Policy], unknown: bool) -> Self {
        Self {
            policies,
            unknown,
            axes: Vec::new(),
        }
    }

    pub(super) fn axes(self) -> Vec<Axis> {
        self.axes.into_iter().map(|(_, axis)| axis).collect()
    }

    /// Adds the axis of an attribute of the `policy`-th policy, unless it is there.
    pub(super) fn add(&mut self, policy: usize, attribute: AttributeId) {
        let name = self.policies[policy].vocabulary().name(attribute);
        let sort = sort_of(self.policies[policy], attribute);
        if self
            .axes
            .iter()
            .any(|(known, axis)| *known == sort && axis.name == name)
        {
            return;
        }
        let ids: Vec<_> = self
            .policies
            .iter()
            .map(|other| {
                let found = other.vocabulary().attribute(name)?;
                (sort_of(other, found) == sort).then_some(found)
            })
            .collect();
        let values = self.values(sort, &ids);
        let seen = ids
            .iter()
            .zip(self.policies)
            .map(|(id, other)| {
                id.map(|attribute| Seen {
                    attribute,
                    values: values
                        .iter()
                        .map(|value| seen_value(other, attribute, value))
                        .collect(),
                })
            })
            .collect();
        let name = name.to_owned();
        self.axes.push((sort, Axis { name, values, seen }));
    }

    fn values(&self, sort: Sort, ids: &[Option<AttributeId>]) -> Vec<AxisValue> {
        let mut values = Vec::new();
        if self.unknown {
            values.push(AxisValue::Unknown);
        }
        match sort {
            Sort::Truth => values.extend([false, true].map(AxisValue::Truth)),
            Sort::Integer(unit) => {
                let kind = NumberKind::Integer(unit);
                let points = self.points(ids).into_iter();
                values.extend(points.map(|point| AxisValue::Number(point, write_literal(&kind, point))));
            }
            Sort::Words => values.extend(self.words(ids).into_iter().map(AxisValue::Word)),
        }
        values
    }

    /// Each constant and one unit either side; between them no comparison changes.
    fn points(&self, ids: &[Option<AttributeId>]) -> Vec<u64> {
        let mut points = Vec::new();
        for (policy, id) in self.policies.iter().zip(ids) {
            let Some(AttributeId::Number(number)) = id else {
                continue;
            };
            for constant in constants(policy, *number) {
                let around = [constant.checked_sub(1), Some(constant), constant.checked_add(1)];
                points.extend(around.into_iter().flatten());
            }
        }
        if points.is_empty() {
            points.push(0);
        }
        points.sort_unstable();
        points.dedup();
        points
    }

    fn words(&self, ids: &[Option<AttributeId>]) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for (policy, id) in self.policies.iter().zip(ids) {
            let Some(AttributeId::Number(number)) = id else {
                continue;
            };
            if let Some(NumberKind::Words(words)) = policy.vocabulary().kind(*number) {
                let new: Vec<_> = words.iter().filter(|word| !all.contains(word)).cloned().collect();
                all.extend(new);
            }
        }
        all
    }
}

fn seen_value(policy: &Policy, attribute: AttributeId, value: &AxisValue) -> Value {
    match (attribute, value) {
        (AttributeId::Flag(_), AxisValue::Truth(truth)) => Value::Truth((*truth).into()),
        (AttributeId::Flag(_), _) => Value::Truth(Truth::Unknown),
        (AttributeId::Number(_), AxisValue::Number(number, _)) => Value::Number(Some(*number)),
        (AttributeId::Number(id), AxisValue::Word(word)) => {
            let index = match policy.vocabulary().kind(id) {
                Some(NumberKind::Words(words)) => words.iter().position(|known| known == word),
                Some(NumberKind::Integer(_)) | None => None,
            };
            Value::Number(index.map(|index| index as u64))
        }
        (AttributeId::Number(_), AxisValue::Unknown | AxisValue::Truth(_)) => Value::Number(None),
    }
}
