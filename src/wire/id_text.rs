//! Texts of ids, as numbers where they are numbers.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::units::hex_digits;

/// The text of an id.
///
/// The ids of responses that our service makes are `resp_` and sixteen hexadecimal digits. They are kept as the number that
/// the digits are: it is copied, compared and looked up without memory of its own, and nobody counts who holds it.
/// Any other text stays as it is.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IdText(Form);

/// Invariant: a text that can be a number is one, so two texts are equal exactly if their forms are.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Form {
    Made(u64),
    /// A thin pointer: with it, an id that may be missing takes no more room than one that is there.
    Other(Arc<String>),
}

/// What stands in front of the digits.
const MADE: &str = "resp_";

/// How many digits there are.
const DIGITS: usize = 16;

impl IdText {
    /// The id that a service makes of these bits.
    #[must_use]
    pub const fn made(bits: u64) -> Self {
        Self(Form::Made(bits))
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> IdStr<'_> {
        match &self.0 {
            Form::Made(bits) => {
                let mut text = [0; MADE.len() + DIGITS];
                text[..MADE.len()].copy_from_slice(MADE.as_bytes());
                text[MADE.len()..].copy_from_slice(&hex_digits(*bits));
                IdStr(Shape::Written(text))
            }
            Form::Other(text) => IdStr(Shape::Kept(text)),
        }
    }

    /// How many bytes the text has.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Form::Made(_) => MADE.len() + DIGITS,
            Form::Other(text) => text.len(),
        }
    }

    /// Whether there is no text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The text of an id, to be read.
#[derive(Debug, Clone, Copy)]
pub struct IdStr<'a>(Shape<'a>);

#[derive(Debug, Clone, Copy)]
enum Shape<'a> {
    Written([u8; MADE.len() + DIGITS]),
    Kept(&'a str),
}

impl Deref for IdStr<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match &self.0 {
            Shape::Written(text) => std::str::from_utf8(text).unwrap_or_default(),
            Shape::Kept(text) => text,
        }
    }
}

/// The number of an id that a service may have made: its digits are those that it writes.
fn made(text: &str) -> Option<u64> {
    let digits: &[u8; DIGITS] = text.strip_prefix(MADE)?.as_bytes().try_into().ok()?;
    digits.iter().try_fold(0, |bits, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some((bits << 4) | u64::from(value))
    })
}

impl From<&str> for IdText {
    fn from(text: &str) -> Self {
        Self(made(text).map_or_else(|| Form::Other(Arc::new(text.to_owned())), Form::Made))
    }
}

impl From<Arc<str>> for IdText {
    fn from(text: Arc<str>) -> Self {
        (&*text).into()
    }
}

impl From<String> for IdText {
    fn from(text: String) -> Self {
        Self(match made(&text) {
            Some(bits) => Form::Made(bits),
            None => Form::Other(Arc::new(text)),
        })
    }
}

impl Serialize for IdText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

impl<'de> Deserialize<'de> for IdText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl Visitor<'_> for TextVisitor {
            type Value = IdText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<IdText, E> {
                Ok(text.into())
            }
        }

        deserializer.deserialize_str(TextVisitor)
    }
}

/// Numbers of as many digits stand in the order of their texts.
impl Ord for IdText {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Form::Made(left), Form::Made(right)) => left.cmp(right),
            _ => (*self.text()).cmp(&*other.text()),
        }
    }
}

impl PartialOrd for IdText {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// As a text is shown: inputs of a tick that nothing else tells apart are ordered by it.
impl fmt::Debug for IdText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.text(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_the_text_that_it_stands_for() {
        let texts = [
            "",
            "resp_",
            "resp_1",
            "resp_0000000000000000",
            "resp_00000000000000000",
            "resp_00f0a19c00000001",
            "resp_00F0A19C00000001",
            "resp_fedcba987654321g",
            "resp_ffffffffffffffff",
            "rest_ffffffffffffffff",
            "s",
        ];
        for left in texts {
            let id = IdText::from(left);
            assert_eq!(
                (&*id.text(), id.len(), format!("{id:?}")),
                (left, left.len(), format!("{left:?}"))
            );
            for right in texts {
                let other = IdText::from(Arc::<str>::from(right));
                assert_eq!((id == other, id.cmp(&other)), (left == right, left.cmp(right)));
            }
        }
        assert_eq!(
            IdText::from("resp_00f0a19c00000001"),
            IdText::made(0x00F0_A19C_0000_0001)
        );
    }
}
