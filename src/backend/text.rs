//! Texts that are shared, and text in even pieces.

use std::sync::Arc;

use super::slots::Lookup;
use crate::wire::{text_of, text_start};

/// Filler texts that were written lately: whoever writes the same shares it.
#[derive(Debug, Clone)]
pub(super) struct Texts {
    /// What has no text. The default one of the standard library is shared by all threads, which wait for one another's counts.
    nothing: Arc<str>,
    known: Lookup<(u64, u32), Arc<str>>,
}

/// Texts that are kept at most; beyond that all are forgotten.
const KEPT: usize = 1_024;

/// Longer texts are not kept.
const KEPT_TOKENS: u32 = 1_024;

impl Default for Texts {
    fn default() -> Self {
        Self {
            nothing: Arc::from(""),
            known: Lookup::default(),
        }
    }
}

impl Texts {
    /// The text of `tokens` words that belongs to a key.
    pub(super) fn of(&mut self, key: u64, tokens: u32) -> Arc<str> {
        if tokens == 0 {
            return self.nothing.clone();
        }
        if tokens > KEPT_TOKENS {
            return text_of(key, tokens);
        }
        let start = text_start(key);
        if self.known.len() >= KEPT && !self.known.contains_key(&(start, tokens)) {
            self.known.clear();
        }
        let text = self.known.entry((start, tokens));
        text.or_insert_with(|| text_of(start, tokens)).clone()
    }
}

/// No text has more pieces than this.
pub(super) const PIECES_MAX: u32 = 1 << 17;

/// The end of the first `part` of `parts` even pieces of a text, in bytes.
pub(super) fn piece_end(text: &str, part: u32, parts: u32) -> usize {
    let wanted = text.len() as u64 * u64::from(part) / u64::from(parts.max(1));
    let mut end = usize::try_from(wanted).unwrap_or(text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_texts_are_those_of_their_keys_and_there_are_not_many() {
        let mut texts = Texts::default();
        for (place, tokens) in (0..5_000_u64).zip((0..40).cycle()) {
            let key = place.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            assert_eq!(texts.of(key, tokens), text_of(key, tokens));
            assert!(texts.known.len() <= KEPT);
        }
        assert!(Arc::ptr_eq(&texts.of(7, 20), &texts.of(7, 20)));
        assert_eq!(texts.of(7, KEPT_TOKENS + 1), text_of(7, KEPT_TOKENS + 1));
    }

    #[test]
    fn pieces_join_to_the_text_and_never_split_a_character() {
        let text = "äöü€😀abc";
        let ends: Vec<usize> = (0..=5).map(|part| piece_end(text, part, 5)).collect();
        let joined: String = ends.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
        assert_eq!((joined.as_str(), ends[0], ends[5]), (text, 0, text.len()));
    }
}
