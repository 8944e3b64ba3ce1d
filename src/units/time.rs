//! Simulated time.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An instant: microseconds since the start of the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SimTime(u64);

/// A length of time in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SimDuration(u64);

impl SimTime {
    /// The start of the run.
    pub const START: Self = Self(0);
    /// Later than any instant of any run.
    pub const NEVER: Self = Self(u64::MAX);
    /// Simulated time is capped at 180 days.
    pub const CAP: Self = Self(180 * 24 * 3600 * 1_000_000);

    /// The instant `ticks` microseconds after the start.
    #[must_use]
    pub const fn from_ticks(ticks: u64) -> Self {
        Self(ticks)
    }

    /// Microseconds since the start.
    #[must_use]
    pub const fn ticks(self) -> u64 {
        self.0
    }

    /// The next tick.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// How long after `earlier` this is; zero if it is not after.
    #[must_use]
    pub const fn since(self, earlier: Self) -> SimDuration {
        SimDuration(self.0.saturating_sub(earlier.0))
    }
}

impl SimDuration {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// One microsecond.
    pub const TICK: Self = Self(1);
    /// Longer than any run.
    pub const MAX: Self = Self(u64::MAX);

    /// A length of `ticks` microseconds.
    #[must_use]
    pub const fn from_ticks(ticks: u64) -> Self {
        Self(ticks)
    }

    /// A length of `millis` milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// A length of `secs` seconds.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// The nearest length to `secs` seconds; negative and not-a-number give zero.
    #[inline]
    #[must_use]
    pub fn from_secs_f64(secs: f64) -> Self {
        let ticks = secs * 1e6;
        // A float-to-integer cast saturates, so no input can overflow or panic.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the cast saturates"
        )]
        let whole = ticks as u64;
        // What is left is exact, and nothing where a float has no halves.
        Self(whole.saturating_add(u64::from(ticks - whole as f64 >= 0.5)))
    }

    /// Microseconds.
    #[must_use]
    pub const fn ticks(self) -> u64 {
        self.0
    }

    /// Seconds, as a float for reports and laws of chance.
    #[inline]
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// This length `times` times, or the longest length there is.
    #[must_use]
    pub const fn saturating_mul(self, times: u64) -> Self {
        Self(self.0.saturating_mul(times))
    }

    /// This length less `other`, or nothing.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Whether this is no time at all.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl Add<SimDuration> for SimTime {
    type Output = Self;
    #[inline]
    fn add(self, rhs: SimDuration) -> Self {
        Self(self.0.saturating_add(rhs.0))
    }
}

impl AddAssign<SimDuration> for SimTime {
    fn add_assign(&mut self, rhs: SimDuration) {
        *self = *self + rhs;
    }
}

impl Add for SimDuration {
    type Output = Self;
    #[inline]
    fn add(self, rhs: Self) -> Self {
        Self(self.0.saturating_add(rhs.0))
    }
}

impl AddAssign for SimDuration {
    fn add_assign(&mut self, rhs: Self) {
        *self = *self + rhs;
    }
}

impl Sub<SimDuration> for SimTime {
    type Output = Self;
    fn sub(self, rhs: SimDuration) -> Self {
        Self(self.0.saturating_sub(rhs.0))
    }
}

/// Writes an instant as seconds with as many digits as it needs: `14s`, `1.640s`, `0.000001s`.
impl fmt::Display for SimTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (secs, ticks) = (self.0 / 1_000_000, self.0 % 1_000_000);
        match ticks {
            0 => write!(f, "{secs}s"),
            _ if ticks % 1_000 == 0 => write!(f, "{secs}.{:03}s", ticks / 1_000),
            _ => write!(f, "{secs}.{ticks:06}s"),
        }
    }
}

/// Writes a length in the notation that [`FromStr`] reads: `250ms`, `7s`, `2m30s`, `1h`, `1d12h`.
impl fmt::Display for SimDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut rest = self.0;
        for (name, size) in UNITS {
            let count = rest / size;
            if count > 0 {
                write!(f, "{count}{name}")?;
            }
            rest %= size;
        }
        Ok(())
    }
}

/// Units from the longest to the shortest, in microseconds.
const UNITS: [(&str, u64); 6] = [
    ("d", 86_400_000_000),
    ("h", 3_600_000_000),
    ("m", 60_000_000),
    ("s", 1_000_000),
    ("ms", 1_000),
    ("us", 1),
];

/// Why a text is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// The text has no number where one has to stand.
    #[error("a duration is a number and a unit, for example `250ms`, `7s`, `2m30s` or `1h`")]
    Shape,
    /// The text has a minus sign.
    #[error("a duration cannot be negative")]
    Negative,
    /// The unit is not known.
    #[error("unknown unit `{0}`: use `us`, `ms`, `s`, `m`, `h` or `d`")]
    Unit(String),
    /// The length is over the cap of simulated time.
    #[error("longer than the cap of simulated time, 180 days")]
    TooLong,
}

impl FromStr for SimDuration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        if text.starts_with('-') {
            return Err(DurationError::Negative);
        }
        let mut rest = text;
        let mut total: u64 = 0;
        while !rest.is_empty() {
            let end = rest
                .find(|c: char| !c.is_ascii_digit() && c != '.')
                .unwrap_or(rest.len());
            let (number, tail) = rest.split_at(end);
            let unit_end = tail
                .find(|c: char| c.is_ascii_digit() || c == '.')
                .unwrap_or(tail.len());
            let (unit, next) = tail.split_at(unit_end);
            let size = unit_size(number, unit)?;
            total = total
                .checked_add(scaled(number, size)?)
                .ok_or(DurationError::TooLong)?;
            rest = next;
        }
        match total {
            _ if text.is_empty() => Err(DurationError::Shape),
            ticks if ticks > SimTime::CAP.0 => Err(DurationError::TooLong),
            ticks => Ok(Self(ticks)),
        }
    }
}

fn unit_size(number: &str, unit: &str) -> Result<u64, DurationError> {
    if number.is_empty() || unit.is_empty() {
        return Err(DurationError::Shape);
    }
    let found = UNITS.iter().find(|(name, _)| *name == unit);
    found
        .map(|(_, size)| *size)
        .ok_or_else(|| DurationError::Unit(unit.to_owned()))
}

/// `number` (digits with at most one point) times `size`, exactly; what is finer than a microsecond is refused.
fn scaled(number: &str, size: u64) -> Result<u64, DurationError> {
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || part.is_empty() || part.contains('.') || part.len() > 9 {
        return Err(DurationError::Shape);
    }
    let whole: u64 = whole.parse().map_err(|_| DurationError::TooLong)?;
    let base = 10_u64.pow(u32::try_from(part.len()).map_err(|_| DurationError::Shape)?);
    let part: u64 = part.parse().map_err(|_| DurationError::Shape)?;
    let fraction = u128::from(part) * u128::from(size);
    if fraction % u128::from(base) != 0 {
        return Err(DurationError::Shape);
    }
    let fraction = u64::try_from(fraction / u128::from(base)).map_err(|_| DurationError::TooLong)?;
    whole
        .checked_mul(size)
        .and_then(|ticks| ticks.checked_add(fraction))
        .ok_or(DurationError::TooLong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Seed};

    #[test]
    fn seconds_become_the_nearest_ticks() {
        let drawn = (0..10_000).map(|index| {
            let unit = Seed(3).unit(Purpose::Arrival, 0, index);
            (unit - 0.1) * libm::exp2(f64::from(u32::try_from(index % 90).unwrap_or(0)) - 10.0)
        });
        let halves = (0..1_000).map(|ticks| (f64::from(ticks) + 0.5) / 1e6);
        let odd = [
            0.0,
            -0.0,
            -1.0,
            0.499_999_999_999_999_9e-6,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
        ];
        for secs in drawn.chain(halves).chain(odd) {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "as it is meant"
            )]
            let nearest = libm::round(secs * 1e6) as u64;
            assert_eq!(SimDuration::from_secs_f64(secs).ticks(), nearest, "{secs:e}");
        }
    }
}
