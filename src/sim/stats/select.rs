//! Which strategy is the best, with a stated probability.

use super::Moments;
use crate::sim::stats::Direction;

/// What a selection says.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// The place of the best; none if several are left when the replications end.
    pub best: Option<usize>,
    /// The places of those that are left.
    pub left: Vec<usize>,
    /// After how many replications each of the others went.
    pub gone: Vec<Option<usize>>,
}

/// Selects the best of strategies that were played on the same replications: with probability at least `confidence`
/// it is the best one, if that is better than all others by at least `indifference`.
///
/// - `rows`: for each replication the metric of every strategy.
/// - `first`: the replications from which variances are estimated, at least two.
///
/// # Panics
/// If a row has not as many numbers as the first one.
///
/// Source: Kim and Nelson, "A fully sequential procedure for indifference-zone selection in simulation" (2001), with
/// c = 1. Strategies on common random numbers are covered by it, since only variances of differences count.
#[must_use]
pub fn select_best(
    rows: &[Vec<f64>],
    first: usize,
    direction: Direction,
    indifference: f64,
    confidence: f64,
) -> Selection {
    let count = rows.first().map_or(0, Vec::len);
    assert!(
        rows.iter().all(|row| row.len() == count),
        "each replication has them all"
    );
    let mut selection = Selection {
        best: None,
        left: (0..count).collect(),
        gone: vec![None; count],
    };
    if count < 2 || first < 2 || rows.len() < first || indifference <= 0.0 {
        selection.best = (count == 1).then_some(0);
        return selection;
    }
    let better = |row: &[f64], a: usize, b: usize| match direction {
        Direction::Up => row[a] - row[b],
        Direction::Down => row[b] - row[a],
    };
    let freedom = (first - 1) as f64;
    let eta = 0.5 * (libm::pow(2.0 * (1.0 - confidence) / (count - 1) as f64, -2.0 / freedom) - 1.0);
    let spread = |a: usize, b: usize| {
        let differences: Vec<f64> = rows[..first].iter().map(|row| better(row, a, b)).collect();
        2.0 * eta * freedom * Moments::of(&differences).variance().unwrap_or(0.0)
    };
    let spreads: Vec<Vec<f64>> = (0..count)
        .map(|a| (0..count).map(|b| spread(a, b)).collect())
        .collect();
    // By how much each leads each, summed over the replications.
    let mut leads = vec![vec![0.0; count]; count];
    for (done, row) in (1..).zip(rows) {
        for (a, leads) in leads.iter_mut().enumerate() {
            for (b, lead) in leads.iter_mut().enumerate() {
                *lead += better(row, a, b);
            }
        }
        if done < first {
            continue;
        }
        let loses = |a: usize, b: usize| {
            let reach = spreads[a][b] / (2.0 * indifference) - 0.5 * indifference * done as f64;
            leads[b][a] > reach.max(0.0)
        };
        let left = std::mem::take(&mut selection.left);
        for own in &left {
            match left.iter().any(|other| other != own && loses(*own, *other)) {
                true => selection.gone[*own] = Some(done),
                false => selection.left.push(*own),
            }
        }
        if let [best] = selection.left[..] {
            selection.best = Some(best);
            break;
        }
    }
    selection
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Seed, normal_quantile};

    /// Replications of strategies with these means, whose noise is half shared.
    fn rows(means: &[f64], count: u64, trial: u64) -> Vec<Vec<f64>> {
        let noise = |i: u64, of: u64| normal_quantile(Seed(trial).unit(Purpose::Latency, i, of));
        let row = |i: u64| {
            let own = means.iter().zip(1..);
            own.map(|(mean, of)| mean + noise(i, 0) + noise(i, of)).collect()
        };
        (0..count).map(row).collect()
    }

    #[test]
    fn the_best_is_found_as_often_as_promised() {
        let (mut right, trials) = (0, 400);
        for trial in 0..trials {
            // The hardest case that is promised: all others exactly the indifference away.
            let found = select_best(
                &rows(&[0.0, 0.5, 0.5, 0.5], 2_000, trial),
                20,
                Direction::Down,
                0.5,
                0.95,
            );
            right += u32::from(found.best == Some(0));
        }
        // 95 % less four standard errors.
        assert!(right >= 362, "{right} of {trials}");
    }

    #[test]
    fn what_is_far_behind_goes_early_and_what_is_close_stays() {
        let found = select_best(&rows(&[0.0, 9.0, 0.0], 60, 1), 10, Direction::Down, 0.05, 0.95);
        assert_eq!((found.best, found.left.clone()), (None, vec![0, 2]));
        assert!(found.gone[1].is_some_and(|done| done <= 20), "{found:?}");
        let upwards = select_best(&rows(&[0.0, 9.0, 0.0], 60, 1), 10, Direction::Up, 0.5, 0.95);
        assert_eq!(upwards.best, Some(1));
        assert_eq!(
            select_best(&rows(&[1.0], 3, 1), 2, Direction::Up, 0.5, 0.95).best,
            Some(0)
        );
        assert!(select_best(&[], 2, Direction::Up, 0.5, 0.95).left.is_empty());
    }
}
