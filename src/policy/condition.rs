//! Conditions: what a rule, a fact, the boundary or an assumption asks of a task.
//!
//! A condition compares an attribute with a literal, never with another attribute, and never a fraction. Unknown
//! attributes make it unknown unless what is known settles it (strong Kleene logic).

use std::fmt::Write as _;

use super::attribute::Flag;
use super::task::NumberId;
use super::vocabulary::Vocabulary;

/// How a number is compared with a literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
}

impl Comparison {
    /// Every comparison; those of two characters first, so that a scan finds the longest.
    pub(super) const ALL: [Self; 6] = [
        Self::Equal,
        Self::NotEqual,
        Self::AtMost,
        Self::AtLeast,
        Self::Less,
        Self::More,
    ];

    /// As it is written.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
        }
    }

    /// Whether `value` stands in this relation to `literal`.
    #[must_use]
    pub const fn holds(self, value: u64, literal: u64) -> bool {
        match self {
            Self::Equal => value == literal,
            Self::NotEqual => value != literal,
            Self::Less => value < literal,
            Self::AtMost => value <= literal,
            Self::More => value > literal,
            Self::AtLeast => value >= literal,
        }
    }

    /// The relation that holds exactly where this one does not.
    #[must_use]
    pub const fn negated(self) -> Self {
        match self {
            Self::Equal => Self::NotEqual,
            Self::NotEqual => Self::Equal,
            Self::Less => Self::AtLeast,
            Self::AtMost => Self::More,
            Self::More => Self::AtMost,
            Self::AtLeast => Self::Less,
        }
    }
}

/// A checked condition: every name is known, every literal has the unit of its attribute.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Condition {
    /// Holds for every task.
    Always,
    /// Holds for no task.
    Never,
    /// Something true or false: an attribute, a fact, `any_effect` or `effects_fenced`.
    Is(Flag),
    /// A number beside a literal.
    Compare {
        /// The attribute.
        number: NumberId,
        /// The relation.
        comparison: Comparison,
        /// The literal, in the attribute's smallest unit.
        literal: u64,
    },
    /// The contrary.
    Not(Box<Condition>),
    /// All of them; at least two.
    And(Vec<Condition>),
    /// At least one of them; at least two.
    Or(Vec<Condition>),
}

impl Condition {
    /// Calls `visit` with every flag it names, in the order of writing.
    pub fn each_flag(&self, visit: &mut impl FnMut(Flag)) {
        match self {
            Self::Is(flag) => visit(*flag),
            Self::Not(inner) => inner.each_flag(visit),
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.each_flag(visit)),
            Self::Always | Self::Never | Self::Compare { .. } => {}
        }
    }

    /// Calls `visit` with every number it compares and the literal beside it, in the order of writing.
    pub fn each_literal(&self, visit: &mut impl FnMut(NumberId, u64)) {
        match self {
            Self::Compare { number, literal, .. } => visit(*number, *literal),
            Self::Not(inner) => inner.each_literal(visit),
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.each_literal(visit)),
            Self::Always | Self::Never | Self::Is(_) => {}
        }
    }

    /// Writes it in the canonical form: every compound part of a compound in parentheses.
    #[must_use]
    pub fn write(&self, vocabulary: &Vocabulary) -> String {
        let mut text = String::new();
        self.write_to(vocabulary, &mut text);
        text
    }

    fn write_to(&self, vocabulary: &Vocabulary, text: &mut String) {
        match self {
            Self::Always => text.push_str("always"),
            Self::Never => text.push_str("never"),
            Self::Is(flag) => text.push_str(vocabulary.flag_name(*flag)),
            Self::Compare {
                number,
                comparison,
                literal,
            } => {
                let name = vocabulary.name(super::task::AttributeId::Number(*number));
                let literal = vocabulary.write_number(*number, *literal);
                // Writing into a string cannot fail.
                let _ = write!(text, "{name} {} {literal}", comparison.symbol());
            }
            Self::Not(inner) => {
                text.push_str("not ");
                inner.write_part(vocabulary, text);
            }
            Self::And(parts) => write_joined(parts, " and ", vocabulary, text),
            Self::Or(parts) => write_joined(parts, " or ", vocabulary, text),
        }
    }

    fn write_part(&self, vocabulary: &Vocabulary, text: &mut String) {
        match self {
            Self::Always | Self::Never | Self::Is(_) => self.write_to(vocabulary, text),
            Self::Compare { .. } | Self::Not(_) | Self::And(_) | Self::Or(_) => {
                text.push('(');
                self.write_to(vocabulary, text);
                text.push(')');
            }
        }
    }
}

fn write_joined(parts: &[Condition], between: &str, vocabulary: &Vocabulary, text: &mut String) {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            text.push_str(between);
        }
        part.write_part(vocabulary, text);
    }
}
