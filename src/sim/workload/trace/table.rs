//! Traces as tables of comma-separated values.

use std::ops::Range;

use csv::{ByteRecord, ReaderBuilder};

use super::mistakes::Mistakes;
use super::{Format, Row, TOKENS_MAX};
use crate::rng::name_key;
use crate::scenario::{quoted, suggest, timestamp_micros};
use crate::units::{SimDuration, SimTime};

/// The columns of a table, by their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// When a request came.
    pub at: At,
    /// Tokens in.
    pub input: String,
    /// Tokens out.
    pub output: String,
    /// The session.
    pub session: Option<String>,
    /// Images.
    pub images: Option<String>,
    /// How long it took, in seconds.
    pub took: Option<String>,
}

/// The column that says when a request came, and how it says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// As date and time.
    Timestamp(String),
    /// In seconds, from whatever start.
    Seconds(String),
    /// In milliseconds, from whatever start.
    Millis(String),
}

impl At {
    fn column(&self) -> &str {
        match self {
            Self::Timestamp(column) | Self::Seconds(column) | Self::Millis(column) => column,
        }
    }
}

/// The places of columns.
struct Places {
    at: usize,
    input: usize,
    output: usize,
    session: Option<usize>,
    images: Option<usize>,
    took: Option<usize>,
    count: usize,
}

/// The columns of a published format; `there` says whether the file has a column that not every release has.
fn columns(format: &Format, there: impl Fn(&str) -> bool) -> Option<Columns> {
    let perhaps = |name: &str| there(name).then(|| name.to_owned());
    let azure = |images| Columns {
        at: At::Timestamp("TIMESTAMP".to_owned()),
        input: "ContextTokens".to_owned(),
        output: "GeneratedTokens".to_owned(),
        session: None,
        images,
        took: None,
    };
    match format {
        Format::Azure => Some(azure(None)),
        Format::AzureMultimodal => Some(azure(Some("NumImages".to_owned()))),
        Format::BurstGpt => Some(Columns {
            at: At::Seconds("Timestamp".to_owned()),
            input: "Request tokens".to_owned(),
            output: "Response tokens".to_owned(),
            session: perhaps("Session ID"),
            images: None,
            took: perhaps("Elapsed time"),
        }),
        Format::Csv(columns) => Some(columns.clone()),
        Format::Mooncake => None,
    }
}

/// Reads the rows; where something is wrong, it is said and the row is left out.
pub(super) fn rows(format: &Format, limit: usize, mistakes: &mut Mistakes<'_>) -> Vec<Row> {
    let skipped = if mistakes.bytes.starts_with(b"\xEF\xBB\xBF") {
        3
    } else {
        0
    };
    let bytes = &mistakes.bytes[skipped..];
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(bytes);
    let mut record = ByteRecord::new();
    let mut rows = Vec::new();
    let mut header: Option<(Columns, Places)> = None;
    while rows.len() < limit && !mistakes.enough() {
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                mistakes.whole(format!("the table cannot be read: {error}"), "it has to be CSV");
                break;
            }
        }
        let spot = Spot::of(&record, skipped, mistakes.bytes);
        match &header {
            None => match names(format, &record, spot, mistakes) {
                Some(found) => header = Some(found),
                None => break,
            },
            Some((columns, places)) => {
                let failed_if_empty = *format == Format::BurstGpt;
                let reading = Reading {
                    record: &record,
                    spot,
                };
                if let Some(row) = reading.row(columns, places, mistakes) {
                    let failed = failed_if_empty && row.output == 0;
                    rows.push(Row { failed, ..row });
                }
            }
        }
    }
    rows
}

/// Where a record stands.
#[derive(Debug, Clone, Copy)]
struct Spot {
    start: usize,
    line: u32,
}

impl Spot {
    /// The reader's place of a record may lie on the line breaks before it.
    fn of(record: &ByteRecord, skipped: usize, bytes: &[u8]) -> Self {
        let position = record.position();
        let byte = position.map_or(0, csv::Position::byte);
        let line = position.map_or(1, csv::Position::line);
        let start = (usize::try_from(byte).unwrap_or(0) + skipped).min(bytes.len());
        let breaks = bytes[start..]
            .iter()
            .take_while(|byte| matches!(byte, b'\n' | b'\r'));
        let passed = breaks.clone().filter(|byte| **byte == b'\n').count() as u64;
        Self {
            start: start + breaks.count(),
            line: u32::try_from(line + passed).unwrap_or(u32::MAX),
        }
    }
}

/// The line of names.
fn names(
    format: &Format,
    record: &ByteRecord,
    spot: Spot,
    mistakes: &mut Mistakes<'_>,
) -> Option<(Columns, Places)> {
    let names: Vec<String> = record.iter().map(|name| text(name).trim().to_owned()).collect();
    let find = |name: &str| names.iter().position(|known| known == name);
    let columns = columns(format, |name| find(name).is_some())?;
    let before = mistakes.count();
    let mut place = |name: &str| {
        find(name).unwrap_or_else(|| {
            let known: Vec<&str> = names.iter().map(String::as_str).collect();
            let what = format!("the trace has no column {}", quoted(name));
            let help = suggest(name, "columns of the trace", &known);
            let line = mistakes.line_range(spot.start).len();
            mistakes.at_with((spot.start, spot.line), 0..line, what, &help);
            0
        })
    };
    let places = Places {
        at: place(columns.at.column()),
        input: place(&columns.input),
        output: place(&columns.output),
        session: columns.session.as_deref().map(&mut place),
        images: columns.images.as_deref().map(&mut place),
        took: columns.took.as_deref().map(&mut place),
        count: names.len(),
    };
    (mistakes.count() == before).then_some((columns, places))
}

fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// One row as it is read.
struct Reading<'r> {
    record: &'r ByteRecord,
    spot: Spot,
}

impl Reading<'_> {
    fn row(&self, columns: &Columns, places: &Places, mistakes: &mut Mistakes<'_>) -> Option<Row> {
        if self.record.len() != places.count {
            let line = mistakes.line_range(self.spot.start).len();
            let what = format!(
                "a row of {} fields where the line of names has {}",
                self.record.len(),
                places.count
            );
            mistakes.at((self.spot.start, self.spot.line), 0..line, what, "");
            return None;
        }
        let at = self.instant(&columns.at, places.at, mistakes);
        let input = self.tokens(places.input, mistakes);
        let output = self.tokens(places.output, mistakes);
        let images = places.images.map(|place| self.tokens(place, mistakes));
        let took = places
            .took
            .and_then(|place| self.perhaps_seconds(place, mistakes));
        let session = places.session.map(|place| self.field(place));
        Some(Row {
            at: at?,
            input: input?,
            output: output?,
            session: session
                .filter(|name| !name.is_empty())
                .map(|name| name_key(&name)),
            images: match images {
                Some(images) => Some(images?),
                None => None,
            },
            took: match took {
                Some(took) => Some(took?),
                None => None,
            },
            failed: false,
            line: self.spot.line,
        })
    }

    fn field(&self, place: usize) -> String {
        text(self.record.get(place).unwrap_or_default()).trim().to_owned()
    }

    fn tokens(&self, place: usize, mistakes: &mut Mistakes<'_>) -> Option<u32> {
        let field = self.field(place);
        // Some releases write whole numbers with a decimal point.
        let digits = field.strip_suffix(".0").unwrap_or(&field);
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits
            .parse()
            .ok()
            .filter(|number| plain && *number <= TOKENS_MAX);
        if number.is_none() {
            self.wrong(place, &format!("a whole number up to {TOKENS_MAX}"), mistakes);
        }
        number
    }

    fn instant(&self, at: &At, place: usize, mistakes: &mut Mistakes<'_>) -> Option<SimTime> {
        let field = self.field(place);
        let (micros, expected) = match at {
            At::Timestamp(_) => (
                timestamp_micros(&field).and_then(|micros| u64::try_from(micros).ok()),
                "a timestamp such as `2023-11-16 18:17:03.979`",
            ),
            At::Seconds(_) => (scaled(&field, 1e6), "a number of seconds such as `12.5`"),
            At::Millis(_) => (scaled(&field, 1e3), "a number of milliseconds such as `12500`"),
        };
        if micros.is_none() {
            self.wrong(place, expected, mistakes);
        }
        micros.map(SimTime::from_ticks)
    }

    /// A number of seconds, or nothing where the field is empty.
    fn perhaps_seconds(&self, place: usize, mistakes: &mut Mistakes<'_>) -> Option<Option<SimDuration>> {
        let field = self.field(place);
        if field.is_empty() {
            return None;
        }
        let ticks = scaled(&field, 1e6);
        if ticks.is_none() {
            self.wrong(place, "a number of seconds such as `12.5`, or nothing", mistakes);
        }
        Some(ticks.map(SimDuration::from_ticks))
    }

    fn wrong(&self, place: usize, expected: &str, mistakes: &mut Mistakes<'_>) {
        let what = format!("expected {expected}, found {}", quoted(&self.field(place)));
        let within = self.within(place, mistakes);
        mistakes.at((self.spot.start, self.spot.line), within, what, "");
    }

    /// The bytes of a field within its line.
    fn within(&self, place: usize, mistakes: &Mistakes<'_>) -> Range<usize> {
        let line = mistakes.line_range(self.spot.start);
        let (mut quoted, mut field, mut start) = (false, 0, 0);
        for (at, byte) in mistakes.bytes[line.clone()].iter().enumerate() {
            quoted ^= *byte == b'"';
            if *byte == b',' && !quoted {
                if field == place {
                    return start..at;
                }
                (field, start) = (field + 1, at + 1);
            }
        }
        if field == place {
            start..line.len()
        } else {
            0..line.len()
        }
    }
}

/// A number that is not negative, times `factor`, as ticks.
fn scaled(field: &str, factor: f64) -> Option<u64> {
    let plain = field
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'+' | b'-'));
    let number = field
        .parse::<f64>()
        .ok()
        .filter(|number| plain && (0.0..=1e13).contains(number))?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and casts saturate"
    )]
    Some(libm::round(number * factor) as u64)
}
