//! Intervals by resampling, for numbers without a handy law.

use super::{Interval, quantile};
use crate::rng::{Purpose, Seed};

/// How often is resampled, and by which chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resamples {
    /// How many resamples.
    pub count: u32,
    /// Their chance.
    pub seed: Seed,
    /// Keeps the resamples of one number apart from those of another.
    pub entity: u64,
}

/// The percentile interval of a statistic of replications: whole replications are drawn, with return.
///
/// - `statistic`: is given the places of the drawn replications.
/// - returns: none of fewer than two replications.
///
/// Source: Efron, "Bootstrap methods: another look at the jackknife" (1979).
#[must_use]
pub fn bootstrap(
    replications: usize,
    how: Resamples,
    confidence: f64,
    mut statistic: impl FnMut(&[usize]) -> f64,
) -> Option<Interval> {
    if replications < 2 || how.count == 0 {
        return None;
    }
    let mut drawn = vec![0; replications];
    let mut values: Vec<f64> = (0..u64::from(how.count))
        .map(|resample| {
            for (place, one) in drawn.iter_mut().enumerate() {
                let index = (resample << 32) | place as u64;
                let bits = how.seed.bits(Purpose::Resample, how.entity, index);
                // The high half of a product is uniform below `replications`, but for one part in 2^64.
                let below = (u128::from(bits) * replications as u128) >> 64;
                *one = usize::try_from(below).unwrap_or(0);
            }
            statistic(&drawn)
        })
        .collect();
    values.sort_by(f64::total_cmp);
    let tail = 0.5 * (1.0 - confidence);
    Some(Interval {
        low: quantile(&values, tail)?,
        high: quantile(&values, 1.0 - tail)?,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::sim::stats::{Moments, mean_interval};

    #[test]
    fn of_a_mean_it_is_close_to_students_and_the_same_each_time() {
        let numbers: Vec<f64> = (0..60)
            .map(|i| Seed(3).unit(Purpose::Latency, i, 0) + Seed(3).unit(Purpose::Latency, i, 1))
            .collect();
        let how = Resamples {
            count: 4_000,
            seed: Seed(1),
            entity: 9,
        };
        let mean = |drawn: &[usize]| drawn.iter().map(|i| numbers[*i]).sum::<f64>() / drawn.len() as f64;
        let found = bootstrap(numbers.len(), how, 0.95, mean).unwrap();
        let students = mean_interval(&Moments::of(&numbers), 0.95).unwrap();
        let width = students.half_width();
        assert!(
            (found.low - students.low).abs() < 0.15 * width,
            "{found:?} {students:?}"
        );
        assert!((found.high - students.high).abs() < 0.15 * width);
        assert_eq!(bootstrap(numbers.len(), how, 0.95, mean), Some(found));
        assert_eq!(bootstrap(1, how, 0.95, |_| 0.0), None);
    }
}
