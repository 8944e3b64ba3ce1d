//! Traces of model services in the formats in which they are published: from bytes to typed rows.
//!
//! | format | what it is | its hazards |
//! |---|---|---|
//! | `azure-2023`, `azure-2024` | CSV: `TIMESTAMP`, `ContextTokens`, `GeneratedTokens` | bursts; no line break at the end |
//! | `azure-multimodal` | the same with `NumImages` | |
//! | `burstgpt` | CSV: `Timestamp` in seconds, `Request tokens`, `Response tokens`; `Session ID`, `Elapsed time` and `Log Type` where they are there | no response token is a failure |
//! | `mooncake` | a JSON object a line: `timestamp` in milliseconds, `input_length`, `output_length` | timestamps in steps of three seconds: jitter has to be declared |
//! | CSV of one's own | columns by name | |
//!
//! ServeGen's clients are no trace but laws to draw from: see [`ServeGen`](super::ServeGen).
//!
//! Nothing of a row that is wrong is guessed: every mistake has its file, line and column, the first twenty are told,
//! and then there is no trace.

mod jsonl;
mod mistakes;
mod table;

pub use table::{At, Columns};

use self::mistakes::Mistakes;
use crate::scenario::{Diagnostics, Sources};
use crate::units::{SimDuration, SimTime};

/// Larger files are refused; a week of a large service is cut into parts first.
pub const BYTES_MAX: usize = 256 << 20;
/// No row speaks of more tokens.
pub const TOKENS_MAX: u32 = 10_000_000;

/// A format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// Azure's traces of 2023 and 2024.
    Azure,
    /// Azure's trace with images.
    AzureMultimodal,
    /// BurstGPT.
    BurstGpt,
    /// Mooncake's.
    Mooncake,
    /// CSV with these columns.
    Csv(Columns),
}

impl Format {
    /// The published one with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "azure-2023" | "azure-2024" => Some(Self::Azure),
            "azure-multimodal" => Some(Self::AzureMultimodal),
            "burstgpt" => Some(Self::BurstGpt),
            "mooncake" => Some(Self::Mooncake),
            _ => None,
        }
    }

    /// The words of the published ones.
    pub const WORDS: [&str; 5] = [
        "azure-2023",
        "azure-2024",
        "azure-multimodal",
        "burstgpt",
        "mooncake",
    ];
}

/// A request of a trace. What a trace does not say is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// When it came, since the first.
    pub at: SimTime,
    /// Tokens in.
    pub input: u32,
    /// Tokens out.
    pub output: u32,
    /// The session, by a number of its own.
    pub session: Option<u64>,
    /// Images.
    pub images: Option<u32>,
    /// How long it took there.
    pub took: Option<SimDuration>,
    /// Whether it failed there.
    pub failed: bool,
    /// The line it stands in.
    pub line: u32,
}

/// The first `limit` rows of a trace in their order of time, and what is wrong with the file.
///
/// Rows that stand a little out of order, as traces of several machines do, are put in order. The text is called
/// `name` in reports.
pub fn rows(
    (name, bytes): (&str, &[u8]),
    format: &Format,
    limit: usize,
    sources: &mut Sources,
    out: &mut Diagnostics,
) -> Option<Vec<Row>> {
    let mut mistakes = Mistakes::new(name, bytes, sources, out);
    if bytes.len() > BYTES_MAX {
        mistakes.whole(
            format!("the trace has {} bytes, the limit is {BYTES_MAX}", bytes.len()),
            "cut it into parts, each with the line of names",
        );
        return None;
    }
    let mut rows = match format {
        Format::Mooncake => jsonl::rows(limit, &mut mistakes),
        _ => table::rows(format, limit, &mut mistakes),
    };
    if rows.is_empty() && mistakes.count() == 0 {
        mistakes.whole(
            "there is no row in the trace".to_owned(),
            "the rows follow the line of names",
        );
    }
    if mistakes.count() > 0 {
        return None;
    }
    rows.sort_by_key(|row| row.at);
    let first = rows.first()?.at;
    for row in &mut rows {
        row.at = SimTime::START + row.at.since(first);
    }
    if let Some(last) = rows.last().filter(|row| row.at >= SimTime::CAP) {
        let line = last.line;
        mistakes.line(line, "lies beyond the 180 days of simulated time".to_owned());
        return None;
    }
    Some(rows)
}
