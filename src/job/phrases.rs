//! Texts that are shown again and again, kept so that showing one costs no copy.

use std::sync::Arc;

/// The texts that were shown so far; there are no more than the source has literals.
#[derive(Debug, Clone, Default)]
pub(super) struct Phrases {
    /// Each where its address belongs; two that belong to one place take turns.
    known: Vec<Option<(&'static str, Arc<str>)>>,
}

/// Places for texts: a power of two, a few times as many as there are texts.
const PLACES: usize = 128;

impl Phrases {
    /// The shared copy of a text.
    pub(super) fn of(&mut self, text: &'static str) -> Arc<str> {
        if self.known.is_empty() {
            self.known.resize(PLACES, None);
        }
        let address = text.as_ptr().addr();
        let known = &mut self.known[(address ^ (address / PLACES)) % PLACES];
        match known {
            Some((same, copy)) if std::ptr::eq(*same, text) => copy.clone(),
            known => {
                let copy = Arc::from(text);
                known.insert((text, copy)).1.clone()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_itself_and_is_copied_once_where_nobody_takes_its_place() {
        let mut phrases = Phrases::default();
        let long = "waiting for a place, waiting for a person, done in part, denied, expired, failed";
        for end in 1..=long.len() {
            assert_eq!(&*phrases.of(&long[..end]), &long[..end]);
        }
        assert!(Arc::ptr_eq(&phrases.of("done"), &phrases.of("done")));
    }
}
