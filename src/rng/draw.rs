//! The keyed random function.

use serde::{Deserialize, Serialize};

/// The number that fixes all chance of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

/// What a draw is for. The discriminants are part of the format: append only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u64)]
pub enum Purpose {
    /// Back-off jitter of a retry.
    Backoff = 1,
    /// Jitter on top of a wait that the service told.
    ToldWait = 2,
    /// Jitter of a poll interval.
    PollGap = 3,
    /// How long a response stays queued.
    QueuedFor = 4,
    /// How long a step of a script takes.
    StepFor = 5,
    /// How long a fault delays.
    FaultDelay = 6,
    /// Whether a fault with a probability strikes.
    FaultStrikes = 7,
    /// How long an exchange takes without any fault.
    Latency = 8,
    /// How long a tool runs.
    ToolFor = 9,
    /// How long an approver takes.
    ApproverFor = 10,
    /// How long a user has patience.
    Patience = 11,
    /// When a task arrives.
    Arrival = 12,
    /// What a text says.
    Text = 13,
    /// What an id is.
    Id = 14,
    /// How long a sink takes.
    SinkFor = 15,
    /// When a webhook is delivered.
    WebhookFor = 16,
    /// How long an operator takes.
    OperatorFor = 17,
    /// Whether numbers of a stream are left out, and how many.
    StreamGap = 18,
    /// Which replications a resample takes.
    Resample = 19,
    /// What a task of a workload is.
    Mix = 20,
    /// What a strategy leaves to chance.
    Route = 21,
    /// How far a prediction is off.
    Predict = 22,
    /// Whether a request ought to be denied.
    Harm = 40,
    /// Whether an approver is wrong.
    Slip = 41,
    /// Whether and when a user comes again.
    Retrial = 42,
}

impl Seed {
    /// 64 uniform bits for (`purpose`, `entity`, `index`).
    ///
    /// Two rounds of the SplitMix64 finaliser over the seed and purpose, then over the entity and index.
    /// Source: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators" (2014).
    #[inline]
    #[must_use]
    pub const fn bits(self, purpose: Purpose, entity: u64, index: u64) -> u64 {
        let stream = finalise(self.0 ^ (purpose as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let place = entity.wrapping_mul(0xD134_2543_DE82_EF95) ^ index.wrapping_mul(0x2545_F491_4F6C_DD1D);
        finalise(stream ^ finalise(place.wrapping_add(0x9E37_79B9_7F4A_7C15)))
    }

    /// A uniform number in `0..1` with 53 bits, never 0 and never 1.
    #[inline]
    #[must_use]
    pub fn unit(self, purpose: Purpose, entity: u64, index: u64) -> f64 {
        ((self.bits(purpose, entity, index) >> 11) as f64 + 0.5) / 9_007_199_254_740_992.0
    }
}

/// The number of a name, for draws that are keyed by one.
///
/// Source: FNV-1a, 64 bits, of Fowler, Noll and Vo.
#[must_use]
pub const fn name_key(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let mut key = 0xCBF2_9CE4_8422_2325;
    let mut place = 0;
    while place < bytes.len() {
        key = (key ^ bytes[place] as u64).wrapping_mul(0x0100_0000_01B3);
        place += 1;
    }
    key
}

const fn finalise(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The value at quantile `u` of the uniform law on `low..=high`.
#[must_use]
pub fn uniform(u: f64, low: u64, high: u64) -> u64 {
    let span = high.saturating_sub(low) as f64 + 1.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 <= u * span, casts saturate, and what is cut off is wanted gone"
    )]
    let offset = (u * span) as u64;
    low.saturating_add(offset.min(high.saturating_sub(low)))
}

/// The value at quantile `u` of the exponential law with the given mean.
#[inline]
#[must_use]
pub fn exponential(u: f64, mean: f64) -> f64 {
    // Where `u` is so small that the difference loses digits, the value is far below a tick.
    -mean * libm::log(1.0 - u)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keyed_function_keeps_its_values() {
        assert_eq!(Seed(42).bits(Purpose::StepFor, 7, 3), 11_723_788_470_766_949_784);
    }

    #[test]
    fn names_have_the_published_keys() {
        assert_eq!(name_key(""), 0xCBF2_9CE4_8422_2325);
        assert_eq!(name_key("a"), 0xAF63_DC4C_8601_EC8C);
        assert_eq!(name_key("foobar"), 0x8594_4171_F739_67E8);
    }

    #[test]
    fn neighbouring_keys_fill_every_byte_value_evenly() {
        let draws = 1_u64 << 16;
        let keys: [fn(u64) -> u64; 4] = [
            |i| Seed(1).bits(Purpose::Backoff, i, 0),
            |i| Seed(1).bits(Purpose::Backoff, 0, i),
            |i| Seed(i).bits(Purpose::Backoff, 0, 0),
            |i| Seed(1).bits(Purpose::Backoff, i, i),
        ];
        for (which, key) in keys.iter().enumerate() {
            let mut counts = [0_f64; 256];
            for i in 0..draws {
                counts[(key(i) & 0xFF) as usize] += 1.0;
            }
            let expected = draws as f64 / 256.0;
            let chi2: f64 = counts
                .iter()
                .map(|n| (n - expected) * (n - expected) / expected)
                .sum();
            // 255 degrees of freedom: 99.99 % of uniform sequences lie between 177 and 351.
            assert!((177.0..351.0).contains(&chi2), "key {which}: chi2 {chi2}");
        }
    }
}
