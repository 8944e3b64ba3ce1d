//! When there are enough replications.

use super::{Interval, Moments, mean_interval};

/// How precise a mean has to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Precision {
    relative: f64,
    confidence: f64,
    least: u64,
    most: u64,
}

/// Why numbers make no rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PrecisionError {
    /// No run is that precise.
    #[error("the half-width has to be a share above 0 and below 1")]
    Relative,
    /// No level of confidence.
    #[error("the confidence has to be above 0 and below 1")]
    Confidence,
    /// A variance needs two.
    #[error("at least two replications are needed, and no more than the cap")]
    Count,
}

/// Whether a mean is precise enough.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Progress {
    /// More replications are needed.
    More,
    /// It is.
    Converged(Interval),
    /// It is not, and the cap is reached: this is all there is.
    DidNotConverge(Interval),
}

impl Precision {
    /// Until the half-width of the interval is at most the share `relative` of the mean, with at least `least` and at
    /// most `most` replications.
    ///
    /// # Errors
    /// [`PrecisionError`] names what is wrong.
    pub fn new(relative: f64, confidence: f64, least: u64, most: u64) -> Result<Self, PrecisionError> {
        let open = |share: f64| share > 0.0 && share < 1.0;
        match (open(relative), open(confidence), least >= 2 && least <= most) {
            (false, ..) => Err(PrecisionError::Relative),
            (_, false, _) => Err(PrecisionError::Confidence),
            (.., false) => Err(PrecisionError::Count),
            (true, true, true) => Ok(Self {
                relative,
                confidence,
                least,
                most,
            }),
        }
    }

    /// Judges the replications so far.
    ///
    /// It is asked after fixed rounds, so that the answer does not depend on how work is spread; and a look too many
    /// makes the interval a little too optimistic, which the minimum of replications keeps small.
    #[must_use]
    pub fn judge(&self, moments: &Moments) -> Progress {
        let interval = mean_interval(moments, self.confidence).filter(|_| moments.count() >= self.least);
        let (Some(interval), Some(mean)) = (interval, moments.mean()) else {
            return Progress::More;
        };
        if interval.half_width() <= self.relative * mean.abs() {
            return Progress::Converged(interval);
        }
        match moments.count() >= self.most {
            true => Progress::DidNotConverge(interval),
            false => Progress::More,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn it_stops_when_it_is_precise_enough_and_says_when_it_never_was() {
        let rule = Precision::new(0.05, 0.95, 5, 50).unwrap();
        let mut close = Moments::default();
        let mut wild = Moments::default();
        let mut stopped = None;
        for i in 0..50 {
            let sign = if i % 2 == 0 { 1.0 } else { -1.0 };
            close.push(10.0 + sign);
            wild.push(1.0 + 20.0 * sign);
            if stopped.is_none() && matches!(rule.judge(&close), Progress::Converged(_)) {
                stopped = Some(i + 1);
            }
        }
        // t(17) * sqrt(18 / 17 / 18) = 0.512 is too wide, t(18) * 0.2354 = 0.495 is not.
        assert_eq!(stopped, Some(19));
        assert!(matches!(rule.judge(&wild), Progress::DidNotConverge(_)));
        assert_eq!(rule.judge(&Moments::of(&[1.0, 1.0])), Progress::More);
        assert_eq!(Precision::new(0.0, 0.95, 5, 50), Err(PrecisionError::Relative));
        assert_eq!(Precision::new(0.1, 1.0, 5, 50), Err(PrecisionError::Confidence));
        assert_eq!(Precision::new(0.1, 0.9, 1, 50), Err(PrecisionError::Count));
    }
}
