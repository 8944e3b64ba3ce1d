//! Many questions and many metrics at once.

/// What a test of no difference says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Test {
    /// The probability of at least such a difference where there is none.
    pub p: f64,
    /// The same, adjusted for the number of tests.
    pub adjusted: f64,
}

/// Adjusts the p-values of a family, in their order: whatever is below alpha then is wrong with probability at most
/// alpha in the whole family.
///
/// Source: Holm, "A simple sequentially rejective multiple test procedure" (1979).
#[must_use]
pub fn holm(p_values: &[f64]) -> Vec<Test> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut tests: Vec<Test> = p_values.iter().map(|p| Test { p: *p, adjusted: 1.0 }).collect();
    let mut floor = 0.0_f64;
    for (rank, place) in order.into_iter().enumerate() {
        let weight = (p_values.len() - rank) as f64;
        floor = floor.max((weight * p_values[place]).min(1.0));
        tests[place].adjusted = floor;
    }
    tests
}

/// Whether more of a metric is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// More is better.
    Up,
    /// Less is better.
    Down,
}

/// Whether the first is at least as good in everything and better in something.
///
/// # Panics
/// If there are not as many numbers as directions.
#[must_use]
pub fn dominates(first: &[f64], second: &[f64], directions: &[Direction]) -> bool {
    assert!(first.len() == directions.len() && second.len() == directions.len());
    let gains = first
        .iter()
        .zip(second)
        .zip(directions)
        .map(|((a, b), direction)| match direction {
            Direction::Up => a - b,
            Direction::Down => b - a,
        });
    let (mut worse, mut better) = (false, false);
    for gain in gains {
        worse |= gain < 0.0;
        better |= gain > 0.0;
    }
    better && !worse
}

/// Whether nobody dominates each of them.
#[must_use]
pub fn pareto(points: &[Vec<f64>], directions: &[Direction]) -> Vec<bool> {
    let is_free = |point: &Vec<f64>| !points.iter().any(|other| dominates(other, point, directions));
    points.iter().map(is_free).collect()
}

/// Jain's index of fairness: 1 if all get the same, 1 / n if one gets everything; none of none or of nothing.
///
/// Source: Jain, Chiu and Hawe, "A quantitative measure of fairness and discrimination" (1984).
#[must_use]
pub fn jain(shares: &[f64]) -> Option<f64> {
    let sum: f64 = shares.iter().sum();
    let squares: f64 = shares.iter().map(|share| share * share).sum();
    (squares > 0.0).then(|| sum * sum / (shares.len() as f64 * squares))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holm_adjusts_as_in_the_published_example() {
        let adjusted: Vec<f64> = holm(&[0.01, 0.04, 0.03, 0.005])
            .iter()
            .map(|test| test.adjusted)
            .collect();
        let expected = [0.03, 0.06, 0.06, 0.02];
        let close = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-12;
        assert!(adjusted.iter().zip(&expected).all(close), "{adjusted:?}");
        assert!(holm(&[]).is_empty());
        assert_eq!(holm(&[0.9, 0.8])[0].adjusted, 1.0);
    }

    #[test]
    fn the_pareto_set_is_what_nobody_beats() {
        let directions = [Direction::Down, Direction::Up];
        let points = [vec![1.0, 5.0], vec![2.0, 9.0], vec![2.0, 5.0], vec![1.0, 5.0]];
        // The same point twice dominates neither.
        assert_eq!(pareto(&points, &directions), [true, true, false, true]);
    }

    #[test]
    fn fairness_has_its_ends() {
        assert_eq!(jain(&[2.0, 2.0, 2.0]), Some(1.0));
        assert_eq!(jain(&[3.0, 0.0, 0.0]), Some(1.0 / 3.0));
        assert_eq!(jain(&[0.0]), None);
        assert_eq!(jain(&[]), None);
    }
}
