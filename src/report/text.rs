//! Text of strangers, made fit for a line, a column or a block.

use unicode_width::UnicodeWidthStr;

/// What stands for a character that may not be shown.
const UNSHOWN: char = '\u{fffd}';
/// Of a text that has to fit a column, no more than this many characters for each column are looked at.
const CHARS_PER_COLUMN: usize = 4;

/// Whether a character could move the cursor, turn the direction of writing, or be refused by XML.
fn is_unfit(c: char) -> bool {
    let turns =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns || matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// The text on one line: white space of any kind becomes a blank, what may not be shown becomes `U+FFFD`.
pub(super) fn line(text: &str) -> String {
    let shown = text.trim_end().chars().map(|c| match c {
        c if c.is_whitespace() => ' ',
        c if is_unfit(c) => UNSHOWN,
        c => c,
    });
    shown.collect()
}

/// The text with its lines, and without line breaks at its end.
pub(super) fn block(text: &str) -> String {
    let lines = text.trim_end().split('\n').map(|one| {
        let one = one.strip_suffix('\r').unwrap_or(one).replace('\t', "    ");
        one.chars()
            .map(|c| if is_unfit(c) { UNSHOWN } else { c })
            .collect::<String>()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// How many columns a text takes.
pub(super) fn columns(text: &str) -> usize {
    text.width()
}

/// At most `width` columns of a line; where something is missing at its end stands an ellipsis.
pub(super) fn cut(text: &str, width: usize) -> String {
    if width == 0 {
        return String::new();
    }
    let looked_at = width * CHARS_PER_COLUMN;
    let head: String = text.chars().take(looked_at).collect();
    if head.len() == text.len() && columns(text) <= width {
        return head;
    }
    let mut kept = head;
    while !kept.is_empty() && columns(&kept) + 1 > width {
        kept.pop();
    }
    format!("{}…", kept.trim_end())
}

/// The text cut to `width` columns and filled with blanks behind it.
pub(super) fn left(text: &str, width: usize) -> String {
    let text = cut(text, width);
    let blanks = width.saturating_sub(columns(&text));
    format!("{text}{}", " ".repeat(blanks))
}

/// The text with blanks in front of it.
pub(super) fn right(text: &str, width: usize) -> String {
    let blanks = width.saturating_sub(columns(text));
    format!("{}{text}", " ".repeat(blanks))
}

/// Words joined by `gap` to lines of at most `width` columns; a longer word stands alone.
pub(super) fn wrap(words: impl IntoIterator<Item = impl AsRef<str>>, gap: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        let word = word.as_ref();
        match lines.last_mut() {
            Some(last) if columns(last) + columns(gap) + columns(word) <= width => {
                last.push_str(gap);
                last.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A number with a comma between its thousands.
pub(super) fn grouped(number: impl std::fmt::Display) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number with the word for what it counts, which takes an `s` unless there is one of it.
pub(super) fn counted(number: u64, word: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {word}{plural}", grouped(number))
}

/// A simulated length in at most seven columns, rounded down: `340ms`, `12.3s`, `14m05s`, `3h07m`, `12d04h`.
pub(super) fn brief(ticks: u64) -> String {
    let (millis, secs) = (ticks / 1_000, ticks / 1_000_000);
    match secs {
        0 if millis == 0 && ticks > 0 => format!("{ticks}us"),
        0 if millis == 0 => "0s".to_owned(),
        0 => format!("{millis}ms"),
        1..60 => format!("{secs}.{}s", millis % 1_000 / 100),
        60..3_600 => format!("{}m{:02}s", secs / 60, secs % 60),
        3_600..86_400 => format!("{}h{:02}m", secs / 3_600, secs % 3_600 / 60),
        _ => format!("{}d{:02}h", secs / 86_400, secs % 86_400 / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::{block, brief, columns, counted, cut, grouped, left, line, right, wrap};

    #[test]
    fn what_could_disturb_a_terminal_is_replaced() {
        assert_eq!(line("a\nb\tc \u{1b}[31mred\r\n"), "a b c \u{fffd}[31mred");
        assert_eq!(line("abc\u{202e}def\u{85}"), "abc\u{fffd}def");
        assert_eq!(
            block("one\r\n\ttwo\u{7}\n\n three\n\n"),
            "one\n    two\u{fffd}\n\n three"
        );
    }

    #[test]
    fn a_column_is_kept_whatever_the_script() {
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("longer text", 8), "longer…");
        assert_eq!(cut("漢字漢字", 5), "漢字…");
        for text in [
            "漢字",
            "e\u{301}\u{301}\u{301}",
            "שלום עולם",
            "❤\u{fe0f}❤\u{fe0f}",
            "",
            &"x".repeat(90),
        ] {
            for width in 1..12 {
                assert_eq!(columns(&left(text, width)), width, "{text:?} in {width}");
            }
        }
        assert_eq!(cut(&"\u{301}".repeat(100_000), 10).chars().count(), 41);
        assert_eq!(right("7", 3), "  7");
    }

    #[test]
    fn words_fill_lines() {
        assert_eq!(
            wrap(["aa", "bb", "cc", "dddddd"], " ", 5),
            ["aa bb", "cc", "dddddd"]
        );
    }

    #[test]
    fn numbers_are_easy_to_read() {
        assert_eq!(
            [grouped(0_u64), grouped(999_u64), grouped(1_234_567_u64)],
            ["0", "999", "1,234,567"]
        );
        assert_eq!([counted(1, "run"), counted(2, "run")], ["1 run", "2 runs"]);
    }

    #[test]
    fn lengths_are_brief() {
        let cases = [
            (0, "0s"),
            (999, "999us"),
            (340_999, "340ms"),
            (12_399_999, "12.3s"),
            (845_000_000, "14m05s"),
            (11_220_000_000, "3h07m"),
            (1_051_200_000_000, "12d04h"),
            (180 * 86_400_000_000, "180d00h"),
        ];
        for (ticks, expected) in cases {
            assert_eq!(brief(ticks), expected);
        }
    }
}
