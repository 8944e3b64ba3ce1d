//! Texts that are shown again and again, kept so that showing one costs no copy.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;

/// The texts that were shown so far; there are no more than the source has literals.
#[derive(Debug, Clone, Default)]
pub(super) struct Phrases {
    /// By where they stand, which is looked up and never walked.
    known: HashMap<(usize, usize), Arc<str>, FixedState>,
}

impl Phrases {
    /// The shared copy of a text.
    pub(super) fn of(&mut self, text: &'static str) -> Arc<str> {
        let place = (text.as_ptr().addr(), text.len());
        self.known.entry(place).or_insert_with(|| text.into()).clone()
    }
}
