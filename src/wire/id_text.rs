//! Texts of ids, as numbers where they are numbers.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::units::hex_digits;

/// The text of an id.
///
/// The ids that our service makes of responses and output items are a prefix and sixteen hexadecimal digits. They are kept as
/// the number that the digits are: it is copied, compared and looked up without memory of its own, and nobody counts who holds
/// it. Any other text stays as it is.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IdText(Form);

/// Invariant: a text that can be a number is one, so two texts are equal exactly if their forms are.
#[derive(Clone, PartialEq, Eq)]
enum Form {
    /// The prefix, and the number.
    Made(Prefix, u64),
    /// A thin pointer: with it, an id that may be missing takes no more room than one that is there.
    Other(Arc<String>),
}

/// The numbers differ enough by themselves: what stands in front of them need not be hashed too.
impl Hash for Form {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Made(_, bits) => bits.hash(state),
            Self::Other(text) => text.hash(state),
        }
    }
}

/// What stands in front of the digits: of responses, then of the items that are made most.
///
/// A whole word, so that an id is two words without gaps between them, which are copied at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
enum Prefix {
    Response,
    Message,
    Reasoning,
    FunctionCall,
    McpCall,
    McpApprovalRequest,
}

impl Prefix {
    const ALL: [Self; 6] = [
        Self::Response,
        Self::Message,
        Self::Reasoning,
        Self::FunctionCall,
        Self::McpCall,
        Self::McpApprovalRequest,
    ];

    const fn text(self) -> &'static str {
        match self {
            Self::Response => "resp_",
            Self::Message => "msg_",
            Self::Reasoning => "rs_",
            Self::FunctionCall => "fc_",
            Self::McpCall => "mcp_",
            Self::McpApprovalRequest => "mcpr_",
        }
    }

    fn of(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|prefix| prefix.text() == text)
    }
}

/// The longest of them.
const PREFIX_MAX: usize = 5;

/// How many digits there are.
const DIGITS: usize = 16;

impl IdText {
    /// The id of a response that a service makes of these bits.
    #[must_use]
    pub const fn made(bits: u64) -> Self {
        Self(Form::Made(Prefix::Response, bits))
    }

    /// The id of an item that a service makes of this prefix and these bits.
    #[must_use]
    pub fn of_item(prefix: &str, bits: u64) -> Self {
        match Prefix::of(prefix) {
            Some(prefix) => Self(Form::Made(prefix, bits)),
            None => {
                let digits = hex_digits(bits);
                let text = [prefix, std::str::from_utf8(&digits).unwrap_or_default()].concat();
                Self(Form::Other(Arc::new(text)))
            }
        }
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> IdStr<'_> {
        match &self.0 {
            Form::Made(prefix, bits) => {
                let prefix = prefix.text();
                let mut text = [0; PREFIX_MAX + DIGITS];
                let len = prefix.len() + DIGITS;
                text[..prefix.len()].copy_from_slice(prefix.as_bytes());
                text[prefix.len()..len].copy_from_slice(&hex_digits(*bits));
                IdStr(Shape::Written(text, len))
            }
            Form::Other(text) => IdStr(Shape::Kept(text)),
        }
    }

    /// How many bytes the text has.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Form::Made(prefix, _) => prefix.text().len() + DIGITS,
            Form::Other(text) => text.len(),
        }
    }

    /// Whether there is no text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl PartialEq<str> for IdText {
    fn eq(&self, text: &str) -> bool {
        *self.text() == *text
    }
}

/// The text of an id, to be read.
#[derive(Debug, Clone, Copy)]
pub struct IdStr<'a>(Shape<'a>);

#[derive(Debug, Clone, Copy)]
enum Shape<'a> {
    /// As many of these bytes.
    Written([u8; PREFIX_MAX + DIGITS], usize),
    Kept(&'a str),
}

impl Deref for IdStr<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match &self.0 {
            Shape::Written(text, len) => std::str::from_utf8(&text[..*len]).unwrap_or_default(),
            Shape::Kept(text) => text,
        }
    }
}

/// The prefix and the number of an id that a service may have made: its digits are those that it writes.
fn made(text: &str) -> Option<Form> {
    let (prefix, digits) = text.split_at_checked(text.len().checked_sub(DIGITS)?)?;
    let prefix = Prefix::of(prefix)?;
    let bits = digits.bytes().try_fold(0, |bits, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some((bits << 4) | u64::from(value))
    })?;
    Some(Form::Made(prefix, bits))
}

impl From<&str> for IdText {
    fn from(text: &str) -> Self {
        Self(made(text).unwrap_or_else(|| Form::Other(Arc::new(text.to_owned()))))
    }
}

impl From<Arc<str>> for IdText {
    fn from(text: Arc<str>) -> Self {
        (&*text).into()
    }
}

impl From<&IdText> for Arc<str> {
    fn from(id: &IdText) -> Self {
        Self::from(&*id.text())
    }
}

impl From<String> for IdText {
    fn from(text: String) -> Self {
        Self(made(&text).unwrap_or_else(|| Form::Other(Arc::new(text))))
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

/// Numbers of as many digits behind the same prefix stand in the order of their texts.
impl Ord for IdText {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Form::Made(one, left), Form::Made(other, right)) if one == other => left.cmp(right),
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
            "msg_00f0a19c00000001",
            "msg_00f0a19c00000002",
            "mcp_00f0a19c00000001",
            "mcpr_00f0a19c00000001",
            "mcpr00f0a19c00000001",
            "ws_00f0a19c00000001",
            "é00f0a19c0000000",
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
