//! What is counted over all sessions, for as long as the server runs.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::wire::Status;

/// The counts. Resetting or ending a session takes none of them back.
#[derive(Debug, Default)]
pub(in crate::mock) struct Tally {
    counts: Mutex<Counts>,
    /// Responses by the status they came into, of those in [`Status::KNOWN`].
    known: [AtomicU64; Status::KNOWN.len()],
    /// Streams that are open.
    streams: AtomicI64,
    /// Sessions that were refused because there were too many.
    refused: AtomicU64,
}

/// Counts by what is counted.
#[derive(Debug, Default)]
pub(in crate::mock) struct Counts {
    /// By route and status; no status: no reply.
    pub(in crate::mock) requests: BTreeMap<(&'static str, Option<u16>), u64>,
    /// By word.
    pub(in crate::mock) faults: BTreeMap<&'static str, u64>,
    /// By the status they came into, where the contract does not know it.
    responses: BTreeMap<Box<str>, u64>,
    /// By what became of them.
    pub(in crate::mock) webhooks: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// The counts, until they are let go.
    pub(in crate::mock) fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::mock) fn request(&self, route: &'static str, status: Option<u16>) {
        *self.counts().requests.entry((route, status)).or_default() += 1;
    }

    pub(in crate::mock) fn fault(&self, word: &'static str) {
        *self.counts().faults.entry(word).or_default() += 1;
    }

    pub(in crate::mock) fn response(&self, status: &Status) {
        if let Some(place) = Status::KNOWN.iter().position(|known| known == status) {
            self.known[place].fetch_add(1, Ordering::Relaxed);
            return;
        }
        let mut counts = self.counts();
        match counts.responses.get_mut(status.word()) {
            Some(count) => *count += 1,
            None => {
                counts.responses.insert(status.word().into(), 1);
            }
        }
    }

    /// Responses by the status they came into.
    pub(in crate::mock) fn responses(&self) -> BTreeMap<Box<str>, u64> {
        let known = Status::KNOWN.iter().zip(&self.known);
        let known = known.map(|(status, count)| (status.word().into(), count.load(Ordering::Relaxed)));
        let mut all = self.counts().responses.clone();
        all.extend(known.filter(|(_, count)| *count > 0));
        all
    }

    pub(in crate::mock) fn webhook(&self, outcome: &'static str) {
        *self.counts().webhooks.entry(outcome).or_default() += 1;
    }

    pub(in crate::mock) fn streams(&self, more: i64) {
        self.streams.fetch_add(more, Ordering::Relaxed);
    }

    pub(in crate::mock) fn streams_open(&self) -> i64 {
        self.streams.load(Ordering::Relaxed)
    }

    pub(in crate::mock) fn refuse_session(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(in crate::mock) fn refused_sessions(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}
