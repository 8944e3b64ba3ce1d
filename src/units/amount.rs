//! Bounded numbers.

use serde::{Deserialize, Serialize};

/// A probability in `0..=1`, kept in parts per million so that it compares and hashes exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Probability(u32);

/// A number outside `0..=1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a probability lies between 0 and 1")]
pub struct ProbabilityError;

impl Probability {
    /// Never.
    pub const ZERO: Self = Self(0);
    /// Always.
    pub const ONE: Self = Self(1_000_000);
    /// One of ten times.
    pub const PER_TEN: Self = Self(100_000);

    /// The probability nearest to `value`, in steps of one millionth.
    ///
    /// # Errors
    /// [`ProbabilityError`] if `value` is not in `0..=1`.
    pub fn new(value: f64) -> Result<Self, ProbabilityError> {
        if !(0.0..=1.0).contains(&value) {
            return Err(ProbabilityError);
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked above"
        )]
        Ok(Self(libm::round(value * 1e6) as u32))
    }

    /// Whether a uniform draw `u` in `0..1` falls below this probability.
    #[must_use]
    pub fn hits(self, u: f64) -> bool {
        u * 1e6 < f64::from(self.0)
    }

    /// As parts per million.
    #[must_use]
    pub const fn millionths(self) -> u32 {
        self.0
    }

    /// As a float.
    #[must_use]
    pub fn value(self) -> f64 {
        f64::from(self.0) / 1e6
    }
}
