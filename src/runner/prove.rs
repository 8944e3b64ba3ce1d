//! Proves a policy on some threads.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::policy::proof::{Bounds, CELLS_MAX, Enumerated, Plan, Proof, ProofError, Tally, prove};
use crate::policy::{Bitmaps, Policy, Reach, Space};

/// Proves `policy` on so many threads; the proof does not depend on how many.
///
/// Spaces of at most [`CELLS_MAX`] cells are enumerated as well, and held against the symbolic answers.
///
/// # Errors
/// [`ProofError`] if the diagrams become too large, or two methods disagree.
pub fn prove_policy(policy: &Policy, threads: usize) -> Result<Proof, ProofError> {
    let plan = Plan::new(policy);
    let mut enumerated = Vec::new();
    for reach in [Reach::ThreeValued, Reach::Known] {
        let space = Space::of(&[policy], reach);
        if space.cells().is_some_and(|cells| cells <= CELLS_MAX) {
            let tallies = enumerate(&plan, &space, threads);
            enumerated.push(Enumerated { reach, tallies });
        }
    }
    prove(&plan, &enumerated, Bounds::default())
}

/// The answers over a space, cell by cell: each thread takes the next block that nobody has.
#[must_use]
pub fn enumerate(plan: &Plan, space: &Space, threads: usize) -> Vec<Tally> {
    let blocks = Bitmaps::new(space).blocks().unwrap_or(u64::MAX);
    let next = AtomicU64::new(0);
    let sum: Mutex<Vec<Tally>> = Mutex::new(vec![Tally::default(); plan.questions().len()]);
    let work = || {
        let mine = std::iter::from_fn(|| {
            let block = next.fetch_add(1, Ordering::Relaxed);
            (block < blocks).then_some(block)
        });
        let tallies = plan.enumerate(space, mine);
        let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
        for (all, own) in sum.iter_mut().zip(tallies) {
            *all = std::mem::take(all).and(own, space);
        }
    };
    let helpers = threads
        .saturating_sub(1)
        .min(usize::try_from(blocks).unwrap_or(usize::MAX));
    std::thread::scope(|scope| {
        for _ in 0..helpers {
            scope.spawn(work);
        }
        work();
    });
    sum.into_inner().unwrap_or_else(PoisonError::into_inner)
}
