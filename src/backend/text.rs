//! Text in even pieces.

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
    fn pieces_join_to_the_text_and_never_split_a_character() {
        let text = "äöü€😀abc";
        let ends: Vec<usize> = (0..=5).map(|part| piece_end(text, part, 5)).collect();
        let joined: String = ends.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
        assert_eq!((joined.as_str(), ends[0], ends[5]), (text, 0, text.len()));
    }
}
