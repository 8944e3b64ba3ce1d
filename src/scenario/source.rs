//! Texts that users wrote, and places in them.

use std::fmt;
use std::ops::Range;

/// A text held by [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(u32);

/// A stretch of a text, in bytes; `end` is exclusive and never before `start`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The text.
    pub source: SourceId,
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl Span {
    /// The bytes as a range for slicing.
    #[must_use]
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The stretch from the start of this one to the end of `other`.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self {
            end: other.end.max(self.end),
            ..self
        }
    }
}

/// A value together with the place where it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// `value`, written at `span`.
    pub const fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }

    /// The same place with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Spanned<U> {
        Spanned {
            value: change(self.value),
            span: self.span,
        }
    }

    /// The same place with the value borrowed.
    pub const fn as_ref(&self) -> Spanned<&T> {
        Spanned {
            value: &self.value,
            span: self.span,
        }
    }
}

/// One text with its name as shown to the user.
#[derive(Debug, Clone)]
pub struct Source {
    name: String,
    text: String,
    line_starts: Vec<u32>,
    /// How many lines stand before this part of a longer text.
    lines_before: usize,
}

impl Source {
    /// The name as shown to the user, mostly a path.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text, without a byte order mark.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The line of the byte at `offset`, counted from 1.
    #[must_use]
    pub fn line_at(&self, offset: u32) -> usize {
        self.line_starts.partition_point(|start| *start <= offset).max(1) + self.lines_before
    }

    /// The bytes of a line counted from 1, without its line break; empty past the end.
    #[must_use]
    pub fn line_range(&self, line: usize) -> Range<usize> {
        let bound = |index: usize| {
            self.line_starts
                .get(index)
                .map_or(self.text.len(), |start| *start as usize)
        };
        let line = line.saturating_sub(self.lines_before);
        let (start, end) = (bound(line.saturating_sub(1)), bound(line));
        start..start + self.text[start..end].trim_end_matches(['\n', '\r']).len()
    }

    fn column_at(&self, offset: u32) -> usize {
        let start = self.line_range(self.line_at(offset)).start;
        let end = floor_char(&self.text, offset as usize);
        self.text[start.min(end)..end].chars().count() + 1
    }
}

/// The nearest character boundary at or before `offset`.
fn floor_char(text: &str, offset: usize) -> usize {
    let offset = offset.min(text.len());
    (0..=offset)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}

/// A place as a user counts it: line and column from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The name of the text.
    pub name: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// Writes `name:line:column`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.name, self.line, self.column)
    }
}

/// All texts of one reading: scenarios, policies, kinds and what they include.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    list: Vec<Source>,
}

impl Sources {
    /// No texts yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a text in and gives it an id.
    ///
    /// # Panics
    /// If the text is longer than 4 GiB or there are more than 2^32 texts; the limit per file is far below.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> SourceId {
        self.add_part(name, text, 1)
    }

    /// Takes in a part of a text that is too long to be kept; the part begins at the start of the line `first_line`.
    ///
    /// # Panics
    /// As [`add`](Self::add) does.
    #[expect(clippy::expect_used, reason = "the readers refuse such files long before")]
    pub fn add_part(
        &mut self,
        name: impl Into<String>,
        text: impl Into<String>,
        first_line: usize,
    ) -> SourceId {
        let (name, text) = (name.into(), text.into());
        assert!(u32::try_from(text.len()).is_ok(), "a text longer than 4 GiB");
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        #[expect(clippy::cast_possible_truncation, reason = "asserted above")]
        let line_starts = std::iter::once(0)
            .chain(breaks.map(|(at, _)| at as u32 + 1))
            .collect();
        let id = SourceId(u32::try_from(self.list.len()).expect("fewer than 2^32 texts"));
        self.list.push(Source {
            name,
            text,
            line_starts,
            lines_before: first_line.saturating_sub(1),
        });
        id
    }

    /// All texts, in the order in which they were taken in.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.list.iter()
    }

    /// The text of an id that [`add`](Self::add) of this very collection gave.
    ///
    /// # Panics
    /// If the id belongs to another collection.
    #[must_use]
    pub fn get(&self, id: SourceId) -> &Source {
        &self.list[id.0 as usize]
    }

    /// Where a stretch begins, as the user counts.
    #[must_use]
    pub fn place(&self, span: Span) -> Place {
        let source = self.get(span.source);
        Place {
            name: source.name.clone(),
            line: source.line_at(span.start),
            column: source.column_at(span.start),
        }
    }

    /// The text of a stretch.
    #[must_use]
    pub fn text(&self, span: Span) -> &str {
        self.get(span.source).text.get(span.range()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::{Sources, Span};

    #[track_caller]
    fn check(text: &str, offset: u32, place: &str) {
        let mut sources = Sources::new();
        let source = sources.add("t", text);
        assert_eq!(
            sources
                .place(Span {
                    source,
                    start: offset,
                    end: offset
                })
                .to_string(),
            place
        );
    }

    #[test]
    fn lines_and_columns_count_from_one_in_characters() {
        check("", 0, "t:1:1");
        check("ab\ncd", 1, "t:1:2");
        check("ab\ncd", 2, "t:1:3");
        check("ab\ncd", 3, "t:2:1");
        check("ab\r\ncd", 5, "t:2:2");
        check("日本: x", 8, "t:1:5");
        check("a\n", 2, "t:2:1");
        check("日", 1, "t:1:1");
        check("ab", 99, "t:1:3");
    }

    #[test]
    fn a_part_counts_its_lines_from_where_it_stands() {
        let mut sources = Sources::new();
        let source = sources.add_part("t", "ab\ncd\n", 1_000_000);
        let at = |start| Span {
            source,
            start,
            end: start,
        };
        assert_eq!(sources.place(at(1)).to_string(), "t:1000000:2");
        assert_eq!(sources.place(at(4)).to_string(), "t:1000001:2");
        assert_eq!(sources.get(source).line_range(1_000_001), 3..5);
    }

    #[test]
    fn spans_give_their_text() {
        let mut sources = Sources::new();
        let source = sources.add("t", "one two");
        let (one, two) = (
            Span {
                source,
                start: 0,
                end: 3,
            },
            Span {
                source,
                start: 4,
                end: 7,
            },
        );
        assert_eq!(sources.text(one.to(two)), "one two");
        assert_eq!(sources.text(two.to(one)), "two");
        assert_eq!(
            sources.text(Span {
                source,
                start: 5,
                end: 99
            }),
            ""
        );
    }
}
