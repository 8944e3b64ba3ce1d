//! Where rows and cells stand in the raw text of a table.

use std::ops::Range;

/// The line breaks at the start of a text, in bytes and in lines.
pub(super) fn leading_breaks(text: &str) -> (usize, usize) {
    let bytes = text.len() - text.trim_start_matches(['\r', '\n']).len();
    (bytes, text[..bytes].matches('\n').count())
}

/// The cell of that number in a row, blanks and quotes around it left out; the whole row if there is none.
pub(super) fn cell(row: &str, column: usize) -> Range<usize> {
    let mut quoted = false;
    let mut starts = vec![0];
    for (at, byte) in row.bytes().enumerate() {
        quoted ^= byte == b'"';
        if byte == b',' && !quoted {
            starts.push(at + 1);
        }
    }
    let Some(start) = starts.get(column).copied() else {
        return 0..row.len();
    };
    let end = starts.get(column + 1).map_or(row.len(), |next| next - 1);
    let text = &row[start..end];
    let around = |c: char| c == ' ' || c == '"';
    let front = text.len() - text.trim_start_matches(around).len();
    let inner = text.trim_matches(around).len();
    if inner == 0 {
        return start..end;
    }
    start + front..start + front + inner
}

#[cfg(test)]
mod tests {
    use super::{cell, leading_breaks};

    #[test]
    fn a_cell_is_found_behind_quotes_and_blanks() {
        let row = r#"a," b, c ",,d"#;
        let cells = [0, 1, 2, 3].map(|column| &row[cell(row, column)]);
        assert_eq!(cells, ["a", "b, c", "", "d"]);
        assert_eq!(&row[cell(row, 9)], row);
        assert_eq!(leading_breaks("\r\n\nab"), (3, 2));
    }
}
