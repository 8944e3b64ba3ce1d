//! Literals: integers with their unit, and words.

use crate::units::{DurationError, SimDuration};

use super::vocabulary::{NumberKind, Unit};

/// Why a text is no value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LiteralError {
    /// Neither true nor false nor unknown.
    #[error("expected `true`, `false` or `unknown`")]
    Truth,
    /// Not a number at all.
    #[error("expected {}", expected(*.0))]
    NotANumber(Unit),
    /// A fraction, where only whole numbers count.
    #[error("a fraction: attributes are compared as whole numbers, so that no rounding can decide")]
    Fraction(Unit),
    /// A minus sign.
    #[error("the value of an attribute cannot be negative")]
    Negative,
    /// A duration without its unit.
    #[error("a duration needs a unit")]
    MissingUnit,
    /// A unit that does not belong to the attribute.
    #[error("`{unit}` is no unit of {}", .wanted.word())]
    Unit {
        /// As written.
        unit: String,
        /// What the attribute counts.
        wanted: Unit,
    },
    /// More than fits.
    #[error("the number is too large")]
    TooLarge,
    /// A duration that is none.
    #[error(transparent)]
    Duration(DurationError),
    /// A word that was not declared.
    #[error("unknown word `{word}`")]
    Word {
        /// As written.
        word: String,
        /// The words of the attribute.
        known: Vec<String>,
    },
}

/// What a value of this unit looks like.
pub(super) const fn expected(unit: Unit) -> &'static str {
    match unit {
        Unit::Duration => "a duration such as `250ms`, `30s` or `2m30s`",
        Unit::Tokens => "a number of tokens such as `8000` or `8000 tokens`",
        Unit::Count => "a whole number such as `3`",
        Unit::Money => "money in minor units such as `500` or `500 minor`",
    }
}

/// The value of `text` for an attribute of that kind.
pub(super) fn read_literal(kind: &NumberKind, text: &str) -> Result<u64, LiteralError> {
    match kind {
        NumberKind::Words(words) => match words.iter().position(|word| word == text) {
            Some(index) => Ok(index as u64),
            None => Err(LiteralError::Word {
                word: text.to_owned(),
                known: words.clone(),
            }),
        },
        NumberKind::Integer(Unit::Duration) => read_duration(text),
        NumberKind::Integer(unit) => read_integer(*unit, text),
    }
}

fn read_duration(text: &str) -> Result<u64, LiteralError> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(LiteralError::MissingUnit);
    }
    let parsed = match text.contains(' ') {
        true => text.replace(' ', "").parse::<SimDuration>(),
        false => text.parse(),
    };
    match parsed {
        Ok(duration) => Ok(duration.ticks()),
        Err(DurationError::Shape) => Err(LiteralError::NotANumber(Unit::Duration)),
        Err(DurationError::Unit(unit)) => Err(LiteralError::Unit {
            unit,
            wanted: Unit::Duration,
        }),
        Err(DurationError::Negative) => Err(LiteralError::Negative),
        Err(error @ DurationError::TooLong) => Err(LiteralError::Duration(error)),
    }
}

fn read_integer(unit: Unit, text: &str) -> Result<u64, LiteralError> {
    if text.starts_with('-') {
        return Err(LiteralError::Negative);
    }
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '_')
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(LiteralError::NotANumber(unit));
    }
    if rest.starts_with('.') {
        return Err(LiteralError::Fraction(unit));
    }
    let written = rest.trim_start();
    if !written.is_empty() && Some(written) != unit_word(unit) {
        return Err(LiteralError::Unit {
            unit: written.to_owned(),
            wanted: unit,
        });
    }
    let parsed = match digits.contains('_') {
        true => digits.replace('_', "").parse(),
        false => digits.parse(),
    };
    parsed.map_err(|_| LiteralError::TooLarge)
}

/// The word that may follow a number of this unit.
const fn unit_word(unit: Unit) -> Option<&'static str> {
    match unit {
        Unit::Tokens => Some("tokens"),
        Unit::Money => Some("minor"),
        Unit::Duration | Unit::Count => None,
    }
}

/// Writes what [`read_literal`] reads.
pub(super) fn write_literal(kind: &NumberKind, number: u64) -> String {
    match kind {
        NumberKind::Integer(Unit::Duration) => SimDuration::from_ticks(number).to_string(),
        NumberKind::Integer(unit) => match unit_word(*unit) {
            Some(word) => format!("{number} {word}"),
            None => number.to_string(),
        },
        NumberKind::Words(words) => {
            let word = usize::try_from(number).ok().and_then(|index| words.get(index));
            word.map_or_else(|| number.to_string(), Clone::clone)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LiteralError, read_literal, write_literal};
    use crate::policy::vocabulary::{NumberKind, Unit};

    #[track_caller]
    fn check(unit: Unit, text: &str, expected: Result<u64, LiteralError>) {
        assert_eq!(read_literal(&NumberKind::Integer(unit), text), expected, "{text}");
    }

    #[test]
    fn integers_take_their_own_unit_and_no_other() {
        check(Unit::Tokens, "8_000 tokens", Ok(8000));
        check(Unit::Tokens, "8000tokens", Ok(8000));
        check(Unit::Money, "500 minor", Ok(500));
        check(Unit::Duration, "1.5s", Ok(1_500_000));
        check(Unit::Duration, "30", Err(LiteralError::MissingUnit));
        check(Unit::Count, "3.0", Err(LiteralError::Fraction(Unit::Count)));
        check(Unit::Count, "-3", Err(LiteralError::Negative));
        check(Unit::Count, "_3", Err(LiteralError::NotANumber(Unit::Count)));
        check(Unit::Count, "99999999999999999999", Err(LiteralError::TooLarge));
        check(
            Unit::Count,
            "3 tokens",
            Err(LiteralError::Unit {
                unit: "tokens".into(),
                wanted: Unit::Count,
            }),
        );
        check(
            Unit::Duration,
            "3 tokens",
            Err(LiteralError::Unit {
                unit: "tokens".into(),
                wanted: Unit::Duration,
            }),
        );
    }

    #[test]
    fn what_is_written_is_read_back() {
        let plans = NumberKind::Words(vec!["free".into(), "pay-as-you-go".into()]);
        let kinds = [
            plans,
            NumberKind::Integer(Unit::Tokens),
            NumberKind::Integer(Unit::Duration),
        ];
        for kind in kinds {
            for number in [0, 1] {
                assert_eq!(read_literal(&kind, &write_literal(&kind, number)), Ok(number));
            }
        }
    }
}
