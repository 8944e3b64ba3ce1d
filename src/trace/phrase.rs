//! Texts that are the same wherever they are shown.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text that is shown again and again: as a rule a literal, of which no copy is made.
///
/// It is compared, hashed and written as its text.
#[derive(Clone)]
pub enum Phrase {
    /// A literal.
    Literal(&'static str),
    /// A text that was read.
    Read(Arc<str>),
}

impl Deref for Phrase {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Literal(text) => text,
            Self::Read(text) => text,
        }
    }
}

impl From<&'static str> for Phrase {
    fn from(text: &'static str) -> Self {
        Self::Literal(text)
    }
}

impl From<Arc<str>> for Phrase {
    fn from(text: Arc<str>) -> Self {
        Self::Read(text)
    }
}

impl PartialEq for Phrase {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Phrase {}

impl Hash for Phrase {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl Serialize for Phrase {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Phrase {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Arc::deserialize(deserializer).map(Self::Read)
    }
}

impl fmt::Debug for Phrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl fmt::Display for Phrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_is_what_is_read_of_it() -> Result<(), serde_json::Error> {
        let literal = Phrase::from("done");
        let written = serde_json::to_string(&literal)?;
        let read: Phrase = serde_json::from_str(&written)?;
        assert_eq!((&written[..], &read), ("\"done\"", &literal));
        assert_eq!(format!("{read} {read:?}"), "done \"done\"");
        assert_ne!(read, Phrase::from("failed"));
        Ok(())
    }
}
