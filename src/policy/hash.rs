//! The identity of a checked policy.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::units::hex;

/// SHA-256 over the canonical rendering of a checked policy: comments, layout and the spelling of conditions do not
/// count, everything that decides or explains does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct PolicyHash([u8; 32]);

impl PolicyHash {
    /// The hash of a canonical rendering.
    pub(super) fn of(rendering: &str) -> Self {
        Self(Sha256::digest(rendering.as_bytes()).into())
    }

    /// The first 12 digits: enough to tell the policies of a team apart.
    #[must_use]
    pub fn short(&self) -> String {
        let mut digits = self.to_string();
        digits.truncate(12);
        digits
    }

    /// The bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Writes 64 hexadecimal digits.
impl fmt::Display for PolicyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for PolicyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PolicyHash({self})")
    }
}

/// A text that is no hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a policy hash is 64 hexadecimal digits")]
pub struct PolicyHashError;

impl FromStr for PolicyHash {
    type Err = PolicyHashError;

    fn from_str(text: &str) -> Result<Self, PolicyHashError> {
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(PolicyHashError);
        }
        let mut bytes = [0; 32];
        for (index, byte) in bytes.iter_mut().enumerate() {
            let digits = &text[2 * index..2 * index + 2];
            *byte = u8::from_str_radix(digits, 16).map_err(|_| PolicyHashError)?;
        }
        Ok(Self(bytes))
    }
}

impl From<PolicyHash> for String {
    fn from(hash: PolicyHash) -> Self {
        hash.to_string()
    }
}

impl TryFrom<String> for PolicyHash {
    type Error = PolicyHashError;

    fn try_from(text: String) -> Result<Self, PolicyHashError> {
        text.parse()
    }
}
