//! The rows of a CSV file, with places.

use std::ops::Range;

use csv::{ErrorKind, ReaderBuilder, StringRecord};

use crate::scenario::{Diagnostic, Diagnostics, Resolver, SourceId, Sources, Span, Spanned, quoted, suggest};

/// Larger files are refused.
const BYTES_MAX: usize = 64 << 20;
/// More tokens than this no field speaks of.
const TOKENS_MAX: u64 = 1_000_000;

/// The rows of a file that were asked for.
pub(super) struct Rows {
    source: SourceId,
    /// The text as far as it was read.
    text: String,
    columns: StringRecord,
    list: Vec<StringRecord>,
}

/// One row.
pub(super) struct Row<'r> {
    rows: &'r Rows,
    index: usize,
}

impl Rows {
    /// Reads the first `limit` rows of a file, one after the other; a broken row is reported.
    pub(super) fn open(
        path: &Spanned<String>,
        limit: u32,
        resolver: &mut dyn Resolver,
        sources: &mut Sources,
        out: &mut Diagnostics,
    ) -> Option<Self> {
        let from = sources.get(path.span.source).name().to_owned();
        let loaded = match resolver.resolve(&from, &path.value) {
            Ok(loaded) => loaded,
            Err(cause) => {
                let error = Diagnostic::error(format!("cannot read {}", quoted(&path.value)));
                out.push(
                    error
                        .at(path.span, cause.to_string())
                        .help("paths are relative to the file they stand in"),
                );
                return None;
            }
        };
        if loaded.bytes.len() > BYTES_MAX {
            let message = format!(
                "{} has {} bytes, the limit is {BYTES_MAX}",
                quoted(&loaded.name),
                loaded.bytes.len()
            );
            out.push(Diagnostic::error(message).at(path.span, ""));
            return None;
        }
        let bytes = loaded
            .bytes
            .strip_prefix(b"\xEF\xBB\xBF")
            .unwrap_or(&loaded.bytes);
        let (records, end, broken) = records(bytes, limit);
        let text = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let source = sources.add(loaded.name, text.clone());
        if let Some(error) = broken {
            out.push(explain(&error, source, &text));
            return None;
        }
        let mut list = records;
        let columns = if list.is_empty() {
            StringRecord::new()
        } else {
            list.remove(0)
        };
        if list.is_empty() {
            let error = Diagnostic::error(format!("there is no row in {}", quoted(&path.value)));
            out.push(
                error
                    .at(path.span, "nothing to run")
                    .help("the first line names the columns, the rows follow"),
            );
            return None;
        }
        Some(Self {
            source,
            text,
            columns,
            list,
        })
    }

    /// How many rows there are.
    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.list.len()).unwrap_or(u32::MAX)
    }

    /// The rows in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        (0..self.list.len()).map(|index| Row { rows: self, index })
    }

    /// The place of a column; an unknown one is reported.
    pub(super) fn column(&self, wanted: &Spanned<String>, out: &mut Diagnostics) -> Option<usize> {
        let found = self.columns.iter().position(|name| name.trim() == wanted.value);
        if found.is_none() {
            let names: Vec<&str> = self.columns.iter().map(str::trim).collect();
            let error = Diagnostic::error(format!("unknown column {}", quoted(&wanted.value)));
            out.push(
                error
                    .at(wanted.span, "")
                    .help(suggest(&wanted.value, "columns of the file", &names)),
            );
        }
        found
    }
}

/// The line of names and the rows, up to where the text was read, and what is wrong with the row behind.
fn records(bytes: &[u8], limit: u32) -> (Vec<StringRecord>, usize, Option<csv::Error>) {
    let mut reader = ReaderBuilder::new().has_headers(false).from_reader(bytes);
    let mut list = Vec::new();
    while list.len() <= limit as usize {
        let mut record = StringRecord::new();
        match reader.read_record(&mut record) {
            Ok(true) => list.push(record),
            Ok(false) => break,
            Err(error) => return (list, line_end(bytes, offset(&error)), Some(error)),
        }
    }
    let end = usize::try_from(reader.position().byte()).unwrap_or(bytes.len());
    (list, end.min(bytes.len()), None)
}

/// Where the record begins that an error is about.
fn offset(error: &csv::Error) -> usize {
    let byte = error.position().map_or(0, csv::Position::byte);
    usize::try_from(byte).unwrap_or(0)
}

/// The end of the line that begins at `start`, line breaks in front of it passed over.
fn line_end(bytes: &[u8], start: usize) -> usize {
    let start = start.min(bytes.len());
    let breaks = bytes[start..]
        .iter()
        .take_while(|byte| matches!(byte, b'\r' | b'\n'))
        .count();
    let line = bytes[start + breaks..].iter().position(|byte| *byte == b'\n');
    line.map_or(bytes.len(), |length| start + breaks + length)
}

fn explain(error: &csv::Error, source: SourceId, text: &str) -> Diagnostic {
    let span = span(source, record_range(text, offset(error)));
    match error.kind() {
        ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => Diagnostic::error(format!(
            "a row of {len} fields where the first line has {expected_len}"
        ))
        .at(span, "")
        .help("a comma inside a field needs quotes around the field"),
        ErrorKind::Utf8 { err, .. } => Diagnostic::error("the row is not UTF-8")
            .at(span, format!("field {}", err.field() + 1))
            .help("save the file as UTF-8"),
        _ => Diagnostic::error("the row cannot be read").at(span, error.to_string()),
    }
}

fn span(source: SourceId, range: Range<usize>) -> Span {
    let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span {
        source,
        start: place(range.start),
        end: place(range.end),
    }
}

/// The record that begins at `start`, without the line breaks around it.
fn record_range(text: &str, start: usize) -> Range<usize> {
    let bytes = text.as_bytes();
    let start = start.min(bytes.len());
    let breaks = bytes[start..]
        .iter()
        .take_while(|byte| matches!(byte, b'\r' | b'\n'))
        .count();
    let start = start + breaks;
    let mut quoted = false;
    let end = bytes[start..].iter().position(|byte| {
        quoted ^= *byte == b'"';
        !quoted && matches!(byte, b'\r' | b'\n')
    });
    start..end.map_or(bytes.len(), |length| start + length)
}

impl Row<'_> {
    fn record(&self) -> &StringRecord {
        &self.rows.list[self.index]
    }

    /// Its number, from 1.
    pub(super) const fn number(&self) -> usize {
        self.index + 1
    }

    /// A field without the blanks around it; empty if it is not there.
    pub(super) fn field(&self, column: usize) -> &str {
        self.record().get(column).unwrap_or_default().trim()
    }

    /// Where the row stands.
    pub(super) fn span(&self) -> Span {
        span(self.rows.source, self.range())
    }

    fn range(&self) -> Range<usize> {
        let byte = self.record().position().map_or(0, csv::Position::byte);
        record_range(&self.rows.text, usize::try_from(byte).unwrap_or(0))
    }

    /// Where a field stands.
    pub(super) fn place(&self, column: usize) -> Span {
        let range = self.range();
        let bytes = &self.rows.text.as_bytes()[range.clone()];
        let mut quoted = false;
        let mut starts = vec![range.start];
        for (at, byte) in bytes.iter().enumerate() {
            quoted ^= *byte == b'"';
            if *byte == b',' && !quoted {
                starts.push(range.start + at + 1);
            }
        }
        let Some(start) = starts.get(column).copied() else {
            return self.span();
        };
        let end = starts.get(column + 1).map_or(range.end, |next| next - 1);
        span(self.rows.source, start..end)
    }

    /// A field as a number of tokens; anything else is reported.
    pub(super) fn tokens(&self, column: usize, out: &mut Diagnostics) -> Option<u32> {
        self.number_in(column, TOKENS_MAX, out)
            .and_then(|number| u32::try_from(number).ok())
    }

    /// A field as a whole number up to `most`; anything else is reported.
    pub(super) fn number_in(&self, column: usize, most: u64, out: &mut Diagnostics) -> Option<u64> {
        let text = self.field(column);
        let number = text.parse::<u64>().ok().filter(|number| *number <= most);
        if number.is_none() {
            let message = format!("expected a whole number up to {most}, found {}", quoted(text));
            out.push(Diagnostic::error(message).at(self.place(column), ""));
        }
        number
    }
}
