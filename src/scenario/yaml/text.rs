//! A text as the parser counts it, and stretches as people see them.

use saphyr_parser::Marker;

use crate::scenario::source::{SourceId, Span};

/// The text with the byte offset of every character: the parser counts characters.
pub(super) struct Text<'t> {
    pub(super) source: SourceId,
    pub(super) text: &'t str,
    offsets: Option<Vec<u32>>,
}

impl<'t> Text<'t> {
    pub(super) fn new(source: SourceId, text: &'t str) -> Self {
        let offsets = (!text.is_ascii()).then(|| text.char_indices().map(|(at, _)| offset(at)).collect());
        Self {
            source,
            text,
            offsets,
        }
    }

    /// The byte offset of a mark.
    pub(super) fn offset(&self, mark: &Marker) -> u32 {
        let end = offset(self.text.len());
        match &self.offsets {
            Some(offsets) => offsets.get(mark.index()).copied().unwrap_or(end),
            None => offset(mark.index()).min(end),
        }
    }

    /// The stretch between two marks, without the blanks at its end.
    pub(super) fn span(&self, span: saphyr_parser::Span) -> Span {
        let start = self.offset(&span.start);
        let end = self.offset(&span.end).max(start);
        self.trimmed(start, end)
    }

    fn trimmed(&self, start: u32, end: u32) -> Span {
        let shown = self.text[start as usize..end as usize].trim_end().len();
        Span {
            source: self.source,
            start,
            end: start + offset(shown),
        }
    }

    /// A scalar's own text: behind anchor and tag, and up to the closing quote.
    ///
    /// The parser lets a quoted text reach to the next token, over blanks and comments.
    pub(super) fn scalar(&self, span: Span) -> Span {
        let start = self.behind_properties(span.start).min(span.end);
        let length = quoted_length(&self.text[start as usize..span.end as usize]);
        let end = length.map_or(span.end, |length| start + offset(length));
        self.trimmed(start, end)
    }

    /// Where a list or map begins: behind anchor and tag.
    pub(super) fn behind_properties(&self, start: u32) -> u32 {
        let mut rest = &self.text[start as usize..];
        while rest.starts_with(['&', '!']) {
            rest = rest.trim_start_matches(|c: char| !c.is_whitespace()).trim_start();
        }
        offset(self.text.len() - rest.len())
    }

    /// The character at an offset; the last visible one where the offset is past it.
    pub(super) fn character(&self, at: u32) -> Span {
        let visible = self.text.trim_end();
        match visible.get(at as usize..).and_then(|rest| rest.chars().next()) {
            Some(found) => self.wide(at as usize, found),
            None => self.before(offset(visible.len())),
        }
    }

    /// The last visible character before an offset.
    pub(super) fn before(&self, at: u32) -> Span {
        let visible = self.text[..at as usize].trim_end();
        match visible.char_indices().next_back() {
            Some((last, found)) => self.wide(last, found),
            None => Span {
                source: self.source,
                start: 0,
                end: 0,
            },
        }
    }

    /// A stretch up to its first blank.
    pub(super) fn first_word(&self, span: Span) -> Span {
        let text = &self.text[span.range()];
        let length = text.find(char::is_whitespace).unwrap_or(text.len());
        Span {
            end: span.start + offset(length),
            ..span
        }
    }

    fn wide(&self, at: usize, character: char) -> Span {
        Span {
            source: self.source,
            start: offset(at),
            end: offset(at + character.len_utf8()),
        }
    }

    /// A tab among the blanks in front of an offset, or in the indentation of its line or the line after it.
    pub(super) fn tab_near(&self, at: u32) -> Option<Span> {
        let before = &self.text[..at as usize];
        let blanks = before.trim_end_matches([' ', '\t']).len();
        if let Some(tab) = before[blanks..].find('\t') {
            return Some(self.wide(blanks + tab, '\t'));
        }
        let start = self.text[..at as usize].rfind('\n').map_or(0, |at| at + 1);
        let mut from = start;
        for line in self.text[start..].split_inclusive('\n').take(2) {
            let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
            if let Some(tab) = line[..indent].find('\t') {
                return Some(self.wide(from + tab, '\t'));
            }
            from += line.len();
        }
        None
    }

    /// Whether a line ends between two offsets.
    pub(super) fn breaks(&self, from: u32, to: u32) -> bool {
        self.text
            .get(from as usize..to as usize)
            .is_some_and(|between| between.contains('\n'))
    }

    /// Whether nothing but blanks follows an offset.
    pub(super) fn is_end(&self, at: u32) -> bool {
        self.text[at as usize..].trim().is_empty()
    }

    pub(super) fn starts_with(&self, at: u32, first: char) -> bool {
        self.text[at as usize..].starts_with(first)
    }
}

/// Texts are shorter than 4 GiB, which [`Sources::add`](crate::scenario::Sources::add) asserts.
pub(super) fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The bytes from an opening quote to its closing one.
fn quoted_length(text: &str) -> Option<usize> {
    let quote = text.chars().next().filter(|first| matches!(first, '"' | '\''))?;
    let mut rest = text.char_indices().skip(1).peekable();
    while let Some((at, found)) = rest.next() {
        match found {
            '\\' if quote == '"' => drop(rest.next()),
            _ if found != quote => {}
            '\'' if rest.peek().is_some_and(|(_, next)| *next == '\'') => drop(rest.next()),
            _ => return Some(at + 1),
        }
    }
    None
}
