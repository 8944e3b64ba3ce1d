//! Digests of results. The same text comes again and again where a model writes it, and has one digest.

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::trace::ResultDigest;

/// The digests of the results that came last.
#[derive(Debug, Clone, Default)]
pub(super) struct Digests {
    /// Results with their digests, each where its text belongs.
    known: Vec<Option<Known>>,
    /// The same, each where its address belongs: a service without a wire hands the same text out again and again.
    here: Vec<Option<Known>>,
}

/// A result and its digest.
type Known = (Arc<str>, ResultDigest);

/// Results that are kept at most.
const KEPT: usize = 1_024;

/// Longer results are not kept.
const KEPT_LEN: usize = 8 * 1_024;

impl Digests {
    /// The digest of a result.
    pub(super) fn of(&mut self, content: &Arc<str>) -> ResultDigest {
        if content.len() > KEPT_LEN {
            return ResultDigest::of(content);
        }
        if self.known.is_empty() {
            self.known.resize(KEPT, None);
            self.here.resize(KEPT, None);
        }
        let address = content.as_ptr().addr();
        let here = ((address >> 4) ^ (address >> 12)) % KEPT;
        if let Some((known, digest)) = &self.here[here]
            && Arc::ptr_eq(known, content)
        {
            return digest.clone();
        }
        let digest = self.of_text(content);
        self.here[here] = Some((content.clone(), digest.clone()));
        digest
    }

    fn of_text(&mut self, content: &Arc<str>) -> ResultDigest {
        #[expect(clippy::cast_possible_truncation, reason = "any bits of the hash will do")]
        let place = FixedState::default().hash_one(content.as_bytes()) as usize % KEPT;
        match &self.known[place] {
            Some((known, digest)) if known == content => digest.clone(),
            _ => {
                let digest = ResultDigest::of(content);
                self.known[place] = Some((content.clone(), digest.clone()));
                digest
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_has_its_own_digest_wherever_it_stands_in_memory() {
        let mut digests = Digests::default();
        let texts: Vec<Arc<str>> = (0..2_000).map(|n: u32| format!("result {n}").into()).collect();
        for text in texts.iter().chain(&texts) {
            assert_eq!(digests.of(text), ResultDigest::of(text));
        }
        assert_eq!(digests.known.len(), KEPT);
        let twice = (digests.of(&texts[7]), digests.of(&texts[7]));
        assert_eq!(twice.0.as_ptr(), twice.1.as_ptr());
    }
}
