//! Asking for memory before it is needed.

use prefetch_index::prefetch_index;

/// Asks for the cache line in which a value begins.
///
/// Nothing waits for it, and nothing changes but when it is there: where many jobs are in flight, nothing of a job is in a
/// cache when its turn comes, and whoever knows whose turn is next says so while it has something else to do.
#[inline(always)]
pub(crate) fn prefetch<T>(value: &T) {
    prefetch_index(std::slice::from_ref(value), 0);
}
