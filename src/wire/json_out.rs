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

/// Appends a text in quotes.
pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    // Nearly every text is plain, and the whole of a short one is looked at in a few instructions.
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    if !text.bytes().fold(true, |plain, byte| plain & is_plain(byte)) {
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
