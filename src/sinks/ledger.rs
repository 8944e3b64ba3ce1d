//! The ledger of a sink.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::units::{JobId, SimTime};

/// One effect that landed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The job it was done for.
    pub job: JobId,
    /// The idempotency key.
    pub key: Arc<str>,
    /// The digest of what was executed.
    pub digest: Arc<str>,
    /// The grant that released it.
    pub grant: Arc<str>,
    /// When it landed.
    pub at: SimTime,
}

/// Everything that landed in one sink, in order. Rows are only ever added; those of jobs that a run forgets go with them.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// By how many landed before.
    rows: BTreeMap<u64, Row>,
    first: BTreeMap<Arc<str>, u64>,
    landed: u64,
}

impl Ledger {
    /// The rows.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &Row> {
        self.rows.values()
    }

    /// The first row under a key.
    #[must_use]
    pub fn first(&self, key: &str) -> Option<&Row> {
        self.rows.get(self.first.get(key)?)
    }

    /// Adds a row, and gives the place that it has from now on.
    pub(super) fn add(&mut self, row: Row) -> u64 {
        let place = self.landed;
        self.landed += 1;
        self.first.entry(Arc::clone(&row.key)).or_insert(place);
        self.rows.insert(place, row);
        place
    }

    /// Lets the row of a place go, of a job of which nobody will speak any more.
    pub(super) fn forget(&mut self, place: u64) {
        if let Some(row) = self.rows.remove(&place) {
            self.first.remove(&row.key);
        }
    }
}
