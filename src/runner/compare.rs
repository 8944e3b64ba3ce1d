//! Plays comparisons on many threads.

use super::program::ask_again;
use super::threads::{each_in_order, in_order};
use crate::sim::compare::{Comparison, Kept, Replication, Study};

/// Plays a comparison on so many threads, until there are enough replications or the cap is reached; the result does
/// not depend on the threads, nor on what was played before.
///
/// - `kept`: replications that were played before.
/// - `done`: is given every replication that is played here, with its place.
///
/// # Errors
/// What `done` says.
pub fn play_comparison<E>(
    comparison: &Comparison,
    threads: usize,
    kept: &Kept,
    mut done: impl FnMut(u32, &Replication) -> Result<(), E>,
) -> Result<Study, E> {
    let mut known = kept.clone();
    for look in comparison.repeats.looks() {
        let missing: Vec<u32> = (0..look).filter(|place| !known.contains_key(place)).collect();
        play_places(comparison, threads, &missing, |place, replication| {
            done(place, replication)?;
            known.insert(place, replication.clone());
            Ok(())
        })?;
        let first: Vec<Replication> = (0..look).filter_map(|place| known.get(&place).cloned()).collect();
        if look == comparison.repeats.most || comparison.converged(&first) {
            return Ok(Study { replications: first });
        }
    }
    Ok(Study::default())
}

/// Plays the pilots of a comparison, if it needs some, and ends its warm-up where they say.
pub fn settle(comparison: &mut Comparison, threads: usize) {
    let pilots = comparison.pilots();
    if pilots > 0 {
        let numbers: Vec<u32> = (0..pilots).collect();
        let played = in_order(threads, numbers.len(), |index| comparison.pilot(numbers[index]));
        comparison.settle(&played);
    }
}

/// Plays the replications of these places; each is done as soon as it and those before it are played, so that little is
/// lost where it is interrupted. In the first of all, programs are asked again, wherever that one is played.
///
/// # Errors
/// What `done` says.
pub fn play_places<E>(
    comparison: &Comparison,
    threads: usize,
    places: &[u32],
    mut done: impl FnMut(u32, &Replication) -> Result<(), E>,
) -> Result<(), E> {
    each_in_order(
        threads,
        places.len(),
        |index| {
            let mut replication = comparison.replicate(places[index]);
            if places[index] == 0 {
                ask_again(comparison, &mut replication);
            }
            replication
        },
        |index, replication| done(places[index], &replication),
    )
}
