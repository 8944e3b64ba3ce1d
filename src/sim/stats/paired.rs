//! Two strategies on the same luck.

use super::{Interval, Moments, mean_interval};

/// How two strategies differ over replications that share their chance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Paired {
    /// The mean of the differences, the second less the first.
    pub difference: f64,
    /// Its interval, from the differences.
    pub interval: Interval,
    /// The interval that the same numbers give if they are taken for independent.
    pub unpaired: Interval,
    /// The variance of the difference of independent runs over that of the paired ones: how many times the
    /// replications pairing was worth. Above 1 it helped; infinite if the differences do not vary.
    pub variance_ratio: f64,
}

/// Compares pairwise; none of fewer than two pairs.
///
/// # Panics
/// If there are not as many of one as of the other.
#[must_use]
pub fn paired(first: &[f64], second: &[f64], confidence: f64) -> Option<Paired> {
    assert_eq!(first.len(), second.len(), "each replication has both");
    let differences: Vec<f64> = first.iter().zip(second).map(|(a, b)| b - a).collect();
    let moments = Moments::of(&differences);
    let (own, other) = (Moments::of(first).variance()?, Moments::of(second).variance()?);
    let difference = moments.mean()?;
    let apart = own + other;
    let together = moments.variance()?;
    let freedom = 2.0 * (first.len() - 1) as f64;
    let reach = libm::sqrt(apart / first.len() as f64)
        * super::special::student_quantile(0.5 + 0.5 * confidence, freedom);
    Some(Paired {
        difference,
        interval: mean_interval(&moments, confidence)?,
        unpaired: Interval {
            low: difference - reach,
            high: difference + reach,
        },
        // Two strategies that do the same differ by nothing, and nothing is what pairing leaves of the noise.
        variance_ratio: match apart > 0.0 {
            true => apart / together,
            false => 1.0,
        },
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Seed};

    #[test]
    fn shared_luck_cancels_and_separate_luck_does_not() {
        let luck = |i: u64, of: u64| Seed(5).unit(Purpose::Latency, i, of);
        let first: Vec<f64> = (0..400).map(|i| 10.0 * luck(i, 0) + luck(i, 1)).collect();
        let shared: Vec<f64> = (0..400).map(|i| 10.0 * luck(i, 0) + luck(i, 2) + 0.5).collect();
        let apart: Vec<f64> = (0..400).map(|i| 10.0 * luck(i, 3) + luck(i, 2) + 0.5).collect();
        let together = paired(&first, &shared, 0.95).unwrap();
        assert!(together.interval.holds(0.5) && !together.interval.holds(0.0));
        // Variances are 101/12 each, and of the difference 2/12.
        assert!((80.0..125.0).contains(&together.variance_ratio), "{together:?}");
        assert!(together.unpaired.half_width() > 8.0 * together.interval.half_width());
        let separate = paired(&first, &apart, 0.95).unwrap();
        assert!((0.8..1.25).contains(&separate.variance_ratio), "{separate:?}");
    }

    #[test]
    fn what_is_the_same_differs_by_nothing() {
        let same = paired(&[1.0, 2.0, 4.0], &[1.0, 2.0, 4.0], 0.95).unwrap();
        assert_eq!((same.difference, same.interval.half_width()), (0.0, 0.0));
        assert!(same.variance_ratio.is_infinite());
        assert_eq!(paired(&[1.0], &[2.0], 0.95), None);
    }
}
