//! What a sweep concludes: how each strategy differs from the reference at every point, and where that turns.

use super::findings::{Cell, Contrast, Findings, Verdict, verdict};
use super::sweep::Sweep;
use crate::sim::stats::holm;

/// How a strategy differs from the reference in the deciding metric, over all points.
#[derive(Debug, Clone, PartialEq)]
pub struct Conclusion {
    /// The strategy, by its place.
    pub strategy: usize,
    /// The difference at each point, adjusted for all points and strategies; none where nothing can be said.
    pub steps: Vec<Option<Contrast>>,
    /// Where it turns: the last point with one verdict and the next one, among those that are decided, with another.
    pub flips: Vec<(usize, usize)>,
}

impl Sweep {
    /// What is concluded of each strategy but the reference, from what is found at each point.
    #[must_use]
    pub fn conclusions(&self, findings: &[Findings]) -> Vec<Conclusion> {
        let Some(first) = self.points.first() else {
            return Vec::new();
        };
        let others = (0..first.strategies.len()).filter(|strategy| *strategy != first.reference);
        let mut rows: Vec<(usize, Vec<Option<Contrast>>)> = others
            .map(|strategy| {
                let steps = findings.iter().map(|findings| contrast(findings, strategy));
                (strategy, steps.collect())
            })
            .collect();
        let asked = rows.iter().flat_map(|(_, steps)| steps.iter().flatten());
        let p_values: Vec<f64> = asked.map(|contrast| contrast.p).collect();
        let mut tests = holm(&p_values).into_iter();
        for contrast in rows.iter_mut().flat_map(|(_, steps)| steps.iter_mut().flatten()) {
            let Some(test) = tests.next() else { break };
            contrast.adjusted = test.adjusted;
            contrast.verdict = verdict(contrast, first.metric, first.indifference, first.alpha);
        }
        let rows = rows.into_iter();
        rows.map(|(strategy, steps)| Conclusion {
            flips: flips(&steps),
            strategy,
            steps,
        })
        .collect()
    }
}

/// What is found of a strategy in the deciding metric, which is the first of a report.
fn contrast(findings: &Findings, strategy: usize) -> Option<Contrast> {
    match findings.cells.first()?.get(strategy)? {
        Cell::Said { contrast, .. } => *contrast,
        Cell::Silent => None,
    }
}

fn flips(steps: &[Option<Contrast>]) -> Vec<(usize, usize)> {
    let decided = steps.iter().enumerate().filter_map(|(place, step)| {
        let verdict = step.as_ref()?.verdict;
        let word = match verdict {
            Verdict::Open => return None,
            // Nothing differs where nothing differs much.
            Verdict::Identical => Verdict::Equivalent,
            other => other,
        };
        Some((place, word))
    });
    let decided: Vec<(usize, Verdict)> = decided.collect();
    let pairs = decided.windows(2).filter(|pair| pair[0].1 != pair[1].1);
    pairs.map(|pair| (pair[0].0, pair[1].0)).collect()
}

#[cfg(test)]
mod tests {
    use super::{Contrast, Verdict, flips};
    use crate::sim::stats::{Interval, Paired};

    #[test]
    fn a_conclusion_flips_where_what_is_decided_changes() {
        let step = |verdict| {
            let nothing = Interval { low: 0.0, high: 0.0 };
            Some(Contrast {
                paired: Paired {
                    difference: 0.0,
                    interval: nothing,
                    unpaired: nothing,
                    variance_ratio: 1.0,
                },
                p: 1.0,
                adjusted: 1.0,
                verdict,
            })
        };
        let steps = [
            step(Verdict::Better),
            step(Verdict::Open),
            None,
            step(Verdict::Worse),
            step(Verdict::Worse),
            step(Verdict::Identical),
            step(Verdict::Equivalent),
        ];
        assert_eq!(flips(&steps), [(0, 3), (4, 5)]);
        assert_eq!(flips(&steps[1..5]), []);
    }
}
