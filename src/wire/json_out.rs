//! Writing objects whose keys stand in the program.
//!
//! What every reply and every event repeats is its keys. Here each is written as it stands, where serde would look
//! through every one of them for letters to escape.

use serde::Serialize;

/// A key with the comma before it and the colon behind.
macro_rules! key {
    ($name:literal) => {
        concat!(",\"", $name, "\":")
    };
}
pub(super) use key;

/// Appends the JSON of a value.
pub(super) fn put<T: Serialize>(out: &mut Vec<u8>, value: &T) {
    let written = serde_json::to_writer(&mut *out, value);
    assert!(
        written.is_ok(),
        "our own bodies have text keys, and a vector takes every byte"
    );
}

/// Appends what is JSON already.
pub(super) fn put_raw(out: &mut Vec<u8>, json: &str) {
    out.extend_from_slice(json.as_bytes());
}

/// Whether a text is written as it stands, as nearly every one is: without quotes, backslashes and control letters.
pub(super) fn is_plain(text: &[u8]) -> bool {
    /// The same letter eight times.
    const fn eight(letter: u8) -> u64 {
        u64::from_ne_bytes([letter; 8])
    }
    // The highest bit of a byte comes up if it, or one before it, is below the bound.
    const fn below(letters: u64, bound: u8) -> u64 {
        letters.wrapping_sub(eight(bound)) & !letters & eight(0x80)
    }
    let odd = |letters: &[u8; 8]| {
        let letters = u64::from_le_bytes(*letters);
        below(letters, b' ') | below(letters ^ eight(b'"'), 1) | below(letters ^ eight(b'\\'), 1)
    };
    let (rows, rest) = text.as_chunks::<8>();
    let mut last = [b' '; 8];
    last[..rest.len()].copy_from_slice(rest);
    rows.iter().fold(odd(&last), |found, row| found | odd(row)) == 0
}

/// Appends a text in quotes.
pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    if !is_plain(text.as_bytes()) {
        return put(out, &text);
    }
    out.reserve(text.len() + 2);
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// Appends a key and a text.
pub(super) fn pair_text(out: &mut Vec<u8>, key: &'static str, text: &str) {
    put_raw(out, key);
    put_text(out, text);
}

/// Appends a key and a number.
pub(super) fn pair_number(out: &mut Vec<u8>, key: &'static str, number: impl Into<u64>) {
    put_raw(out, key);
    put(out, &number.into());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_that_needs_a_backslash_is_seen_wherever_it_stands() {
        for letter in 0..=u8::MAX {
            let expected = letter >= b' ' && letter != b'"' && letter != b'\\';
            for place in 0..20 {
                let mut text = [b'a'; 20];
                text[place] = letter;
                for end in place + 1..=20 {
                    assert_eq!(is_plain(&text[..end]), expected, "{letter} at {place} of {end}");
                }
            }
        }
    }

    #[test]
    fn texts_are_written_as_serde_writes_them() {
        let every: String = (0..=0x7F).map(char::from).collect();
        for text in [
            "",
            "plain",
            "für 漢 🦀",
            "a \"b\" \\ c",
            "line\nend\u{7f}",
            &every,
        ] {
            let mut out = Vec::new();
            put_text(&mut out, text);
            assert_eq!(String::from_utf8_lossy(&out), serde_json::json!(text).to_string());
        }
    }
}
