//! Intervals of confidence.

use super::Moments;
use super::special::{binomial_cdf, student_quantile};

/// From where to where, at some level of confidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// Half of its width.
    #[must_use]
    pub fn half_width(&self) -> f64 {
        0.5 * (self.high - self.low)
    }

    /// Whether a value lies in it, the ends included.
    #[must_use]
    pub fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// The interval of a mean of independent replications, by Student's t; none of fewer than two.
///
/// - `confidence`: such as 0.95.
#[must_use]
pub fn mean_interval(moments: &Moments, confidence: f64) -> Option<Interval> {
    let (mean, error) = (moments.mean()?, moments.error()?);
    let reach = error * student_quantile(0.5 + 0.5 * confidence, (moments.count() - 1) as f64);
    Some(Interval {
        low: mean - reach,
        high: mean + reach,
    })
}

/// The quantile of sorted numbers: the smallest that at least a share `q` of them does not exceed; none of none.
///
/// # Panics
/// If the numbers are not sorted.
#[must_use]
pub fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    assert!(sorted.is_sorted(), "quantiles are read from sorted numbers");
    let last = sorted.len().checked_sub(1)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 <= q * len, and casts saturate"
    )]
    let place = libm::ceil(q * sorted.len() as f64) as usize;
    Some(sorted[place.saturating_sub(1).min(last)])
}

/// The interval of a quantile of independent numbers, from two of their order statistics, whatever their law.
///
/// It covers the quantile with at least `confidence`; none if there are too few numbers for any such pair, which is
/// the honest answer about a far tail of a short sample.
///
/// # Panics
/// If the numbers are not sorted.
///
/// Source: David and Nagaraja, "Order Statistics" (2003), section 7.1.
#[must_use]
pub fn quantile_interval(sorted: &[f64], q: f64, confidence: f64) -> Option<Interval> {
    assert!(sorted.is_sorted(), "quantiles are read from sorted numbers");
    let count = sorted.len() as u64;
    let tail = 0.5 * (1.0 - confidence);
    // The number of values up to the quantile is binomial: find places that it leaves with at most `tail` each.
    let below = first(count, |place| binomial_cdf(place, count, q) > tail);
    let above = first(count, |place| binomial_cdf(place, count, q) >= 1.0 - tail);
    let (low, high) = (below.checked_sub(1)?, above);
    (high < count).then(|| Interval {
        low: sorted[usize::try_from(low).unwrap_or(usize::MAX)],
        high: sorted[usize::try_from(high).unwrap_or(usize::MAX)],
    })
}

/// The first number below `end` that meets a condition which all behind it meet too; `end` if none does.
fn first(end: u64, meets: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, end);
    while low < high {
        let middle = low + (high - low) / 2;
        if meets(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// The interval of a share of independent tries; none of no tries.
///
/// Source: Wilson, "Probable inference, the law of succession, and statistical inference" (1927).
#[must_use]
pub fn share_interval(hits: u64, tries: u64, confidence: f64) -> Option<Interval> {
    if tries == 0 {
        return None;
    }
    let (n, p) = (tries as f64, hits as f64 / tries as f64);
    let z = crate::rng::normal_quantile(0.5 + 0.5 * confidence);
    let weight = 1.0 + z * z / n;
    let middle = (p + 0.5 * z * z / n) / weight;
    let reach = z * libm::sqrt(p * (1.0 - p) / n + 0.25 * z * z / (n * n)) / weight;
    Some(Interval {
        low: (middle - reach).max(0.0),
        high: (middle + reach).min(1.0),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Seed, exponential};

    #[test]
    fn a_mean_has_the_interval_of_the_textbook() {
        let interval = mean_interval(&Moments::of(&[4.0, 6.0, 5.0, 7.0, 8.0]), 0.95).unwrap();
        // Mean 6, error sqrt(2.5 / 5), t(4) = 2.776445.
        assert!((interval.low - 4.036_757).abs() < 1e-5 && (interval.high - 7.963_243).abs() < 1e-5);
        assert_eq!(mean_interval(&Moments::of(&[4.0]), 0.95), None);
    }

    #[test]
    fn the_order_statistics_of_a_published_example() {
        // For the median of 10 numbers the 2nd and the 9th cover with 97.9 %, the 3rd and the 8th with 89.1 % only.
        let numbers: Vec<f64> = (1..=10).map(f64::from).collect();
        let interval = quantile_interval(&numbers, 0.5, 0.95).unwrap();
        assert_eq!((interval.low, interval.high), (2.0, 9.0));
        assert_eq!(quantile_interval(&numbers, 0.99, 0.95), None);
        assert_eq!(quantile(&numbers, 0.5), Some(5.0));
        assert_eq!(
            (quantile(&numbers, 0.0), quantile(&numbers, 1.0)),
            (Some(1.0), Some(10.0))
        );
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn intervals_cover_what_they_promise() {
        let (mut tails, mut means, trials) = (0_u32, 0_u32, 2_000);
        let truth = exponential(0.9, 1.0);
        for trial in 0..trials {
            let draw = |index| exponential(Seed(7).unit(Purpose::Latency, trial, index), 1.0);
            let mut numbers: Vec<f64> = (0..200).map(draw).collect();
            let mean = mean_interval(&Moments::of(&numbers), 0.95).unwrap();
            means += u32::from(mean.holds(1.0));
            numbers.sort_by(f64::total_cmp);
            let tail = quantile_interval(&numbers, 0.9, 0.95).unwrap();
            tails += u32::from(tail.holds(truth));
        }
        // At least 95 % by construction, and 4.5 standard errors below that are allowed.
        assert!(tails >= 1_856, "{tails} of {trials}");
        // Of a skewed law the mean is covered a little less.
        assert!((1_840..1_960).contains(&means), "{means} of {trials}");
    }

    #[test]
    fn shares_stay_between_0_and_1() {
        let none = share_interval(0, 10, 0.95).unwrap();
        assert!(none.low == 0.0 && (none.high - 0.277_5).abs() < 1e-4, "{none:?}");
        assert_eq!(share_interval(0, 0, 0.95), None);
    }
}
