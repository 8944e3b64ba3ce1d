//! Count, mean and variance of a stream of numbers.

/// Count, mean and sum of squared deviations, without keeping the numbers.
///
/// Source: Welford, "Note on a method for calculating corrected sums of squares and products" (1962); merging after
/// Chan, Golub and LeVeque (1983).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Moments {
    count: u64,
    mean: f64,
    squares: f64,
}

impl Moments {
    /// Of these numbers.
    #[must_use]
    pub fn of(numbers: &[f64]) -> Self {
        let mut moments = Self::default();
        numbers.iter().for_each(|number| moments.push(*number));
        moments
    }

    /// Takes one more number.
    pub fn push(&mut self, number: f64) {
        self.count += 1;
        let off = number - self.mean;
        self.mean += off / self.count as f64;
        self.squares += off * (number - self.mean);
    }

    /// Of both streams together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        if self.count == 0 || other.count == 0 {
            return if self.count == 0 { other } else { self };
        }
        let (mine, theirs) = (self.count as f64, other.count as f64);
        let off = other.mean - self.mean;
        Self {
            count: self.count + other.count,
            mean: self.mean + off * theirs / (mine + theirs),
            squares: self.squares + other.squares + off * off * mine * theirs / (mine + theirs),
        }
    }

    /// How many numbers.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Their mean; none of none.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then_some(self.mean)
    }

    /// The unbiased estimate of their variance; none of fewer than two.
    #[must_use]
    pub fn variance(&self) -> Option<f64> {
        (self.count > 1).then(|| self.squares / (self.count - 1) as f64)
    }

    /// The standard error of the mean; none of fewer than two.
    #[must_use]
    pub fn error(&self) -> Option<f64> {
        self.variance()
            .map(|variance| libm::sqrt(variance / self.count as f64))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_numbers_however_they_are_split() {
        let numbers: Vec<f64> = (0..97).map(|i| f64::from(i * i % 31) + 1e9).collect();
        let mean = numbers.iter().sum::<f64>() / 97.0;
        let variance = numbers.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / 96.0;
        for cut in [0, 1, 40, 97] {
            let (left, right) = numbers.split_at(cut);
            let both = Moments::of(left).and(Moments::of(right));
            assert_eq!(both.count(), 97);
            assert!((both.mean().unwrap() - mean).abs() < 1e-6);
            assert!((both.variance().unwrap() / variance - 1.0).abs() < 1e-6, "{cut}");
        }
        assert_eq!(Moments::default().mean(), None);
        assert_eq!(Moments::of(&[1.0]).variance(), None);
    }
}
