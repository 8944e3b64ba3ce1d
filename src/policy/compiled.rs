//! Conditions made ready for deciding: runs of names become two masks, negation is pushed to the leaves.
//!
//! Invariant: the compiled form and the written condition have the same truth on every task.

use super::attribute::{Attribute, Flag, Truth, mask_of};
use super::condition::{Comparison, Condition};
use super::task::{NumberId, Task, truth_in};

/// What is known while a task is decided: the task, and what was derived from it so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'t> {
    known: u64,
    value: u64,
    task: &'t Task,
}

const EFFECTS: u64 = mask_of(&Attribute::EFFECTS) | mask_of(&Attribute::UMBRELLAS);

impl<'t> Known<'t> {
    /// What `task` says in the attributes of `mask`, and whether it has any effect.
    pub(super) const fn of(task: &'t Task, mask: u64) -> Self {
        let (known, value) = task.masks();
        let mut state = Self {
            known: known & mask,
            value: value & mask,
            task,
        };
        let any_effect = Any { yes: EFFECTS, no: 0 }.truth(&state);
        state.learn(Flag::ANY_EFFECT, any_effect);
        state
    }

    /// Adds something derived.
    pub(super) const fn learn(&mut self, flag: Flag, truth: Truth) {
        match truth {
            Truth::False => self.known |= flag.mask(),
            Truth::True => {
                self.known |= flag.mask();
                self.value |= flag.mask();
            }
            Truth::Unknown => {}
        }
    }

    /// What is known of one flag.
    pub(super) const fn truth(&self, flag: Flag) -> Truth {
        truth_in(self.known, self.value, flag.mask())
    }

    /// Those of `attributes` of which nothing is known.
    pub(super) const fn unknown_of(&self, attributes: u64) -> u64 {
        attributes & !self.known
    }

    /// Those of `attributes` that are known not to hold.
    pub(super) const fn false_of(&self, attributes: u64) -> u64 {
        attributes & self.known & !self.value
    }
}

/// At least one of `yes` holds, or one of `no` does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Any {
    pub(super) yes: u64,
    pub(super) no: u64,
}

impl Any {
    const fn truth(self, known: &Known<'_>) -> Truth {
        let holds = known.known & known.value;
        let fails = known.known & !known.value;
        if (self.yes & holds) | (self.no & fails) != 0 {
            return Truth::True;
        }
        if (self.yes & !fails) | (self.no & !holds) == 0 {
            Truth::False
        } else {
            Truth::Unknown
        }
    }
}

/// A compiled condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Compiled {
    Fixed(Truth),
    /// All of `yes` hold and none of `no`.
    All {
        yes: u64,
        no: u64,
    },
    Any(Any),
    Compare {
        number: NumberId,
        comparison: Comparison,
        literal: u64,
    },
    And(Box<[Compiled]>),
    Or(Box<[Compiled]>),
}

/// Whether the condition or its contrary is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Plain,
    Negated,
}

impl Sign {
    const fn flipped(self) -> Self {
        match self {
            Self::Plain => Self::Negated,
            Self::Negated => Self::Plain,
        }
    }
}

impl Compiled {
    pub(super) fn new(condition: &Condition) -> Self {
        compile(condition, Sign::Plain)
    }

    pub(super) fn truth(&self, known: &Known<'_>) -> Truth {
        match self {
            Self::Fixed(truth) => *truth,
            Self::All { yes, no } => Any { yes: *no, no: *yes }.truth(known).negated(),
            Self::Any(any) => any.truth(known),
            Self::Compare {
                number,
                comparison,
                literal,
            } => {
                let value = known.task.number(*number);
                value.map_or(Truth::Unknown, |value| comparison.holds(value, *literal).into())
            }
            Self::And(parts) => settle(parts, known, Truth::False),
            Self::Or(parts) => settle(parts, known, Truth::True),
        }
    }
}

/// `decisive` as soon as one part has it; its contrary if all parts have that; else unknown.
fn settle(parts: &[Compiled], known: &Known<'_>, decisive: Truth) -> Truth {
    let mut settled = decisive.negated();
    for part in parts {
        let truth = part.truth(known);
        if truth == decisive {
            return decisive;
        }
        if truth.is_unknown() {
            settled = Truth::Unknown;
        }
    }
    settled
}

fn compile(condition: &Condition, sign: Sign) -> Compiled {
    let fixed = |truth: Truth| {
        Compiled::Fixed(if sign == Sign::Plain {
            truth
        } else {
            truth.negated()
        })
    };
    match (condition, sign) {
        (Condition::Always, _) => fixed(Truth::True),
        (Condition::Never, _) => fixed(Truth::False),
        (Condition::Is(flag), Sign::Plain) => Compiled::All {
            yes: flag.mask(),
            no: 0,
        },
        (Condition::Is(flag), Sign::Negated) => Compiled::All {
            yes: 0,
            no: flag.mask(),
        },
        (
            Condition::Compare {
                number,
                comparison,
                literal,
            },
            _,
        ) => {
            let comparison = if sign == Sign::Plain {
                *comparison
            } else {
                comparison.negated()
            };
            Compiled::Compare {
                number: *number,
                comparison,
                literal: *literal,
            }
        }
        (Condition::Not(inner), _) => compile(inner, sign.flipped()),
        (Condition::And(parts), Sign::Plain) | (Condition::Or(parts), Sign::Negated) => {
            conjunction(parts, sign)
        }
        (Condition::Or(parts), Sign::Plain) | (Condition::And(parts), Sign::Negated) => {
            disjunction(parts, sign)
        }
    }
}

fn conjunction(parts: &[Condition], sign: Sign) -> Compiled {
    let (mut all_yes, mut all_no) = (0, 0);
    let mut rest = Vec::new();
    for part in parts {
        match compile(part, sign) {
            Compiled::All { yes, no } => {
                all_yes |= yes;
                all_no |= no;
            }
            other => rest.push(other),
        }
    }
    let masks = (all_yes | all_no != 0).then_some(Compiled::All {
        yes: all_yes,
        no: all_no,
    });
    join(masks, rest, Compiled::And)
}

fn disjunction(parts: &[Condition], sign: Sign) -> Compiled {
    let (mut any_yes, mut any_no) = (0, 0);
    let mut rest = Vec::new();
    for part in parts {
        match compile(part, sign) {
            Compiled::All { yes, no } if (yes | no).is_power_of_two() && yes & no == 0 => {
                any_yes |= yes;
                any_no |= no;
            }
            Compiled::Any(any) => {
                any_yes |= any.yes;
                any_no |= any.no;
            }
            other => rest.push(other),
        }
    }
    let masks = (any_yes | any_no != 0).then_some(Compiled::Any(Any {
        yes: any_yes,
        no: any_no,
    }));
    join(masks, rest, Compiled::Or)
}

/// The masks first, since they are the cheapest to ask.
fn join(masks: Option<Compiled>, mut rest: Vec<Compiled>, wrap: fn(Box<[Compiled]>) -> Compiled) -> Compiled {
    match masks {
        Some(masks) if rest.is_empty() => masks,
        Some(masks) => {
            rest.insert(0, masks);
            wrap(rest.into())
        }
        None => wrap(rest.into()),
    }
}
