//! Reads conditions over a whole space: strong Kleene logic on sets of cells, straight from the written conditions.

use std::collections::BTreeMap;

use crate::policy::attribute::{Attribute, Flag, Truth};
use crate::policy::compiled::Compiled;
use crate::policy::condition::{Comparison, Condition};
use crate::policy::task::{AttributeId, NumberId};

use super::algebra::{Algebra, Pair};
use super::axis::AxisValue;
use super::reach::Space;

/// Reads every cell as though its value on one axis were another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pin {
    /// The axis.
    pub axis: usize,
    /// The place of the value.
    pub place: usize,
}

/// Reads the conditions of one policy of a space.
#[derive(Debug)]
pub struct Eyes<'s, S> {
    space: &'s Space,
    policy: usize,
    pin: Option<Pin>,
    learnt: BTreeMap<Flag, Pair<S>>,
}

impl<'s, S: Clone + PartialEq> Eyes<'s, S> {
    /// For the conditions of the `policy`-th policy of `space`. Whether there is any effect is known at once.
    pub fn new(
        space: &'s Space,
        policy: usize,
        pin: Option<Pin>,
        algebra: &mut impl Algebra<Set = S>,
    ) -> Self {
        let mut eyes = Self {
            space,
            policy,
            pin,
            learnt: BTreeMap::new(),
        };
        let mut any = Pair::always(algebra).negated();
        for effect in Attribute::EFFECTS.into_iter().chain(Attribute::UMBRELLAS) {
            let truth = eyes.built_in(effect, algebra);
            any = any.or(&truth, algebra);
        }
        eyes.learn(Flag::ANY_EFFECT, any);
        eyes
    }

    /// Adds something derived: a fact, or whether the effects are fenced.
    pub fn learn(&mut self, flag: Flag, truth: Pair<S>) {
        self.learnt.insert(flag, truth);
    }

    /// Where a condition is true and where it is false.
    pub fn truth(&self, condition: &Condition, algebra: &mut impl Algebra<Set = S>) -> Pair<S> {
        match condition {
            Condition::Always => Pair::always(algebra),
            Condition::Never => Pair::always(algebra).negated(),
            Condition::Is(flag) => self.flag(*flag, algebra),
            Condition::Compare {
                number,
                comparison,
                literal,
            } => self.comparison(*number, *comparison, *literal, algebra),
            Condition::Not(inner) => self.truth(inner, algebra).negated(),
            Condition::And(parts) => {
                let mut truth = Pair::always(algebra);
                for part in parts {
                    truth = truth.and(&self.truth(part, algebra), algebra);
                }
                truth
            }
            Condition::Or(parts) => {
                let mut truth = Pair::always(algebra).negated();
                for part in parts {
                    truth = truth.or(&self.truth(part, algebra), algebra);
                }
                truth
            }
        }
    }

    /// Where a compiled condition is true and where it is false.
    pub(in crate::policy) fn compiled(
        &self,
        condition: &Compiled,
        algebra: &mut impl Algebra<Set = S>,
    ) -> Pair<S> {
        match condition {
            Compiled::Fixed(Truth::True) => Pair::always(algebra),
            Compiled::Fixed(Truth::False) => Pair::always(algebra).negated(),
            Compiled::Fixed(Truth::Unknown) => Pair {
                yes: algebra.none(),
                no: algebra.none(),
            },
            Compiled::All { yes, no } => self.any_of(*no, *yes, algebra).negated(),
            Compiled::Any(any) => self.any_of(any.yes, any.no, algebra),
            Compiled::Compare {
                number,
                comparison,
                literal,
            } => self.comparison(*number, *comparison, *literal, algebra),
            Compiled::And(parts) => parts.iter().fold(Pair::always(algebra), |truth, part| {
                let part = self.compiled(part, algebra);
                truth.and(&part, algebra)
            }),
            Compiled::Or(parts) => parts.iter().fold(Pair::always(algebra).negated(), |truth, part| {
                let part = self.compiled(part, algebra);
                truth.or(&part, algebra)
            }),
        }
    }

    /// Where a flag of `yes` holds or one of `no` does not.
    fn any_of(&self, yes: u64, no: u64, algebra: &mut impl Algebra<Set = S>) -> Pair<S> {
        let mut any = Pair::always(algebra).negated();
        for flag in Flag::in_mask(yes) {
            let truth = self.flag(flag, algebra);
            any = any.or(&truth, algebra);
        }
        for flag in Flag::in_mask(no) {
            let truth = self.flag(flag, algebra).negated();
            any = any.or(&truth, algebra);
        }
        any
    }

    /// Where something true or false holds.
    pub fn flag(&self, flag: Flag, algebra: &mut impl Algebra<Set = S>) -> Pair<S> {
        if let Some(known) = self.learnt.get(&flag) {
            return known.clone();
        }
        let axis = self.space.axis_of(self.policy, AttributeId::Flag(flag));
        let axis = axis.or_else(|| {
            let built_in = flag.built_in()?;
            self.space.axis_of_built_in(built_in)
        });
        match (axis, flag.built_in()) {
            (Some(axis), _) => Pair {
                yes: self.where_value(axis, |value| *value == AxisValue::Truth(true), algebra),
                no: self.where_value(axis, |value| *value == AxisValue::Truth(false), algebra),
            },
            // Umbrella flags without an axis are known to be false.
            (None, Some(_)) => Pair::always(algebra).negated(),
            (None, None) => Pair {
                yes: algebra.none(),
                no: algebra.none(),
            },
        }
    }

    /// Where a built-in attribute holds.
    pub fn built_in(&self, attribute: Attribute, algebra: &mut impl Algebra<Set = S>) -> Pair<S> {
        self.flag(attribute.flag(), algebra)
    }

    fn comparison(
        &self,
        number: NumberId,
        comparison: Comparison,
        literal: u64,
        algebra: &mut impl Algebra<Set = S>,
    ) -> Pair<S> {
        let Some(axis) = self.space.axis_of(self.policy, AttributeId::Number(number)) else {
            return Pair {
                yes: algebra.none(),
                no: algebra.none(),
            };
        };
        let values = self.space.axes()[axis].values().iter().enumerate();
        let truths: Vec<Option<bool>> = values
            .map(|(place, _)| {
                self.number(axis, place)
                    .map(|value| comparison.holds(value, literal))
            })
            .collect();
        let mut places = |wanted: bool| {
            let places: Vec<bool> = truths.iter().map(|truth| *truth == Some(wanted)).collect();
            self.places(axis, &places, algebra)
        };
        Pair {
            yes: places(true),
            no: places(false),
        }
    }

    /// The number that the policy sees at a place of an axis.
    fn number(&self, axis: usize, place: usize) -> Option<u64> {
        use crate::policy::task::Value;
        match self.space.axes()[axis].given(self.policy, place)?.value {
            Value::Number(number) => number,
            Value::Truth(_) => None,
        }
    }

    fn where_value(
        &self,
        axis: usize,
        wanted: impl Fn(&AxisValue) -> bool,
        algebra: &mut impl Algebra<Set = S>,
    ) -> S {
        let places: Vec<bool> = self.space.axes()[axis].values().iter().map(wanted).collect();
        self.places(axis, &places, algebra)
    }

    fn places(&self, axis: usize, places: &[bool], algebra: &mut impl Algebra<Set = S>) -> S {
        match self.pin {
            Some(pin) if pin.axis == axis && places[pin.place] => algebra.all(),
            Some(pin) if pin.axis == axis => algebra.none(),
            _ => algebra.having(axis, places),
        }
    }
}
