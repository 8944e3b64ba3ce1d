//! Texts that are shown again and again, kept so that showing one costs no copy.

use std::sync::Arc;

/// The texts that were shown so far; there are no more than the source has literals.
#[derive(Debug, Clone, Default)]
pub(super) struct Phrases {
    known: Vec<(&'static str, Arc<str>)>,
}

impl Phrases {
    /// The shared copy of a text.
    pub(super) fn of(&mut self, text: &'static str) -> Arc<str> {
        let is_same = |(own, _): &&(&'static str, Arc<str>)| std::ptr::eq(*own, text);
        if let Some((_, shared)) = self.known.iter().find(is_same) {
            return shared.clone();
        }
        let shared: Arc<str> = text.into();
        self.known.push((text, shared.clone()));
        shared
    }
}
