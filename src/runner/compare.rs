//! Plays comparisons on many threads.

use super::suite::in_order;
use crate::sim::compare::{Comparison, Study};

/// Plays a comparison on so many threads, until there are enough replications or the cap is reached; the result does
/// not depend on the threads.
///
/// - `progress`: is told after each round how many replications are done.
pub fn play_comparison(comparison: &Comparison, threads: usize, mut progress: impl FnMut(u32)) -> Study {
    let mut study = Study::default();
    for look in comparison.repeats.looks() {
        let done = u32::try_from(study.replications.len()).unwrap_or(u32::MAX);
        let wanted = look.saturating_sub(done) as usize;
        let round = in_order(threads, wanted, |index| {
            comparison.replicate(done + u32::try_from(index).unwrap_or(u32::MAX))
        });
        study.replications.extend(round);
        progress(look);
        if comparison.converged(&study.replications) {
            break;
        }
    }
    study
}
