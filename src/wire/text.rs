//! Filler text for messages: readable, fixed by a key, and nearly free.

use std::sync::Arc;

/// About as many tokens as words.
const PARAGRAPH: &str = "the report lists every open order and the date on which it was last seen while the team \
    in the north checks each line against the ledger and writes down what does not agree a second reader then \
    compares both lists and marks the cases that need a human answer before anything is sent most of them are \
    small a price was rounded twice or a name was spelled in two ways but some are not and for those the note \
    says who was asked what was found and how long it took so that the next person can start where the last one \
    stopped in the end the table shows how many orders were fine how many were corrected and how many still wait \
    for a reply from the customer together with the reason and the day on which somebody will look again ";

/// Words of the paragraph.
const WORDS: usize = count_words();

/// Where each word begins, and at last where the paragraph ends.
const STARTS: [u16; WORDS + 1] = word_starts();

/// More words than any response has tokens; what goes beyond is left out.
const WORDS_MAX: u32 = 1 << 17;

/// A text of `tokens` words, one word standing for a token; the same for the same key.
///
/// Bounded: no text is longer than 131,072 words.
#[must_use]
pub fn text_of(key: u64, tokens: u32) -> Arc<str> {
    let words = tokens.min(WORDS_MAX) as usize;
    let start = usize::try_from(text_start(key)).unwrap_or(0);
    if words == 0 {
        return "".into();
    }
    if start + words <= WORDS {
        return slice(start, start + words).trim_end().into();
    }
    let rest = words - (WORDS - start);
    let mut text = String::with_capacity(PARAGRAPH.len() * (rest / WORDS + 2));
    text.push_str(slice(start, WORDS));
    for _ in 0..rest / WORDS {
        text.push_str(PARAGRAPH);
    }
    text.push_str(slice(0, rest % WORDS));
    text.trim_end().into()
}

/// Where in the paragraph the text of `key` begins: keys that begin at the same word have the same texts.
#[must_use]
pub const fn text_start(key: u64) -> u64 {
    key % WORDS as u64
}

/// The words from `from` to before `to`, each with its space.
fn slice(from: usize, to: usize) -> &'static str {
    &PARAGRAPH[STARTS[from] as usize..STARTS[to] as usize]
}

const fn count_words() -> usize {
    let (bytes, mut at, mut count) = (PARAGRAPH.as_bytes(), 0, 0);
    while at < bytes.len() {
        if bytes[at] == b' ' {
            count += 1;
        }
        at += 1;
    }
    count
}

const fn word_starts() -> [u16; WORDS + 1] {
    let (bytes, mut at, mut word) = (PARAGRAPH.as_bytes(), 0, 1);
    let mut starts = [0; WORDS + 1];
    while at < bytes.len() {
        at += 1;
        if bytes[at - 1] == b' ' {
            #[expect(clippy::cast_possible_truncation, reason = "the paragraph is short")]
            let start = at as u16;
            starts[word] = start;
            word += 1;
        }
    }
    starts
}
