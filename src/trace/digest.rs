//! Digests of results.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::units::hex;

/// The SHA-256 of a result, in hexadecimal.
///
/// It is worked out when somebody reads it: in most runs nobody does. It is compared, hashed and written as its text.
#[derive(Clone)]
pub struct ResultDigest(Arc<Content>);

struct Content {
    /// What it is the digest of; nothing, if the digest itself was read.
    result: Arc<str>,
    text: OnceLock<Arc<str>>,
}

impl ResultDigest {
    /// Of this result.
    #[must_use]
    pub fn of(result: &Arc<str>) -> Self {
        Self(Arc::new(Content {
            result: Arc::clone(result),
            text: OnceLock::new(),
        }))
    }
}

impl Deref for ResultDigest {
    type Target = str;

    fn deref(&self) -> &str {
        let Content { result, text } = &*self.0;
        text.get_or_init(|| hex(&Sha256::digest(result.as_bytes())).into())
    }
}

/// A digest that was read.
impl From<Arc<str>> for ResultDigest {
    fn from(text: Arc<str>) -> Self {
        Self(Arc::new(Content {
            result: Arc::default(),
            text: text.into(),
        }))
    }
}

impl From<&str> for ResultDigest {
    fn from(text: &str) -> Self {
        Arc::<str>::from(text).into()
    }
}

impl PartialEq for ResultDigest {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || **self == **other
    }
}

impl Eq for ResultDigest {}

impl Hash for ResultDigest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl fmt::Debug for ResultDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl fmt::Display for ResultDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl Serialize for ResultDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for ResultDigest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Arc::<str>::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_its_text_however_it_came() {
        let (made, again) = (ResultDigest::of(&"abc".into()), ResultDigest::of(&"abc".into()));
        // Source: FIPS 180-2, appendix B.1.
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!((&*made, made.to_string()), (text, text.to_owned()));
        assert_eq!((&made, &made), (&again, &ResultDigest::from(text)));
        assert_ne!(made, ResultDigest::of(&"abd".into()));
        let written = format!("\"{text}\"");
        assert_eq!(serde_json::to_string(&made).ok().as_ref(), Some(&written));
        assert_eq!(serde_json::from_str::<ResultDigest>(&written).ok(), Some(made));
    }
}
