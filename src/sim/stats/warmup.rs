//! Where a long run stops remembering how it began.

/// What is cut off at the start of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Warmup {
    /// So many numbers are left out.
    pub cut: usize,
    /// Whether the cut was found inside the first half; otherwise the series is too short to tell.
    pub settled: bool,
}

/// The cut that leaves the smallest standard error of the mean of the rest, over batches of five.
///
/// Source: White, "An effective truncation heuristic for bias reduction in simulation output" (1997), as MSER-5.
#[must_use]
pub fn mser5(series: &[f64]) -> Warmup {
    const BATCH: usize = 5;
    let batches: Vec<f64> = series
        .chunks_exact(BATCH)
        .map(|batch| batch.iter().sum::<f64>() / BATCH as f64)
        .collect();
    let count = batches.len();
    let (mut best, mut least) = (0, f64::INFINITY);
    let (mut sum, mut squares) = (0.0, 0.0);
    // From the back, so that each tail extends the one before. Tails of less than five batches say nothing.
    for cut in (0..count).rev() {
        sum += batches[cut];
        squares += batches[cut] * batches[cut];
        let rest = (count - cut) as f64;
        let score = (squares - sum * sum / rest) / (rest * rest);
        if count - cut >= BATCH && score <= least {
            (best, least) = (cut, score);
        }
    }
    Warmup {
        cut: best * BATCH,
        settled: count >= 2 * BATCH && 2 * best <= count,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Seed};

    fn noise(i: usize) -> f64 {
        Seed(11).unit(Purpose::Latency, i as u64, 0) - 0.5
    }

    #[test]
    fn a_slow_start_is_cut_off_and_an_even_series_is_not() {
        let slow: Vec<f64> = (0..1_000)
            .map(|i| noise(i) + if i < 100 { 8.0 } else { 0.0 })
            .collect();
        let found = mser5(&slow);
        assert!((100..160).contains(&found.cut) && found.settled, "{found:?}");
        let even: Vec<f64> = (0..1_000).map(noise).collect();
        assert!(mser5(&even).cut < 300, "{:?}", mser5(&even));
    }

    #[test]
    fn the_cut_is_the_one_that_is_found_by_hand() {
        // Batch means 9, 5, then 1 and 3 in turn. The squares around the mean of the rest over the square of its length:
        // 0.4144 for all 12, 0.1503 without the first, 10 / 100 without two, 0.1097 without three, 8 / 64 without four.
        let batches = [9.0, 5.0, 1.0, 3.0, 1.0, 3.0, 1.0, 3.0, 1.0, 3.0, 1.0, 3.0];
        let series: Vec<f64> = batches
            .iter()
            .flat_map(|mean| [-2.0, 2.0, 0.0, 1.0, -1.0].map(|off| mean + off))
            .collect();
        let found = mser5(&series);
        assert_eq!((found.cut, found.settled), (10, true));
        // Without the peak there is nothing to cut.
        assert_eq!(mser5(&series[10..]).cut, 0);
    }

    #[test]
    fn a_series_that_still_drifts_says_so() {
        let drifting: Vec<f64> = (0..400).map(|i| i as f64).collect();
        assert!(!mser5(&drifting).settled);
        assert!(!mser5(&[1.0; 12]).settled);
    }
}
