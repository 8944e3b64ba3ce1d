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

/// Everything that landed in one sink, in order. Rows are only ever added.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    rows: Vec<Row>,
    first: BTreeMap<Arc<str>, usize>,
}

impl Ledger {
    /// The rows.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The first row under a key.
    #[must_use]
    pub fn first(&self, key: &str) -> Option<&Row> {
        self.first.get(key).map(|place| &self.rows[*place])
    }

    pub(super) fn add(&mut self, row: Row) {
        self.first.entry(Arc::clone(&row.key)).or_insert(self.rows.len());
        self.rows.push(row);
    }
}
