//! Traces with a JSON object a line.

use serde::Deserialize;

use super::mistakes::Mistakes;
use super::{Row, TOKENS_MAX};
use crate::scenario::quoted;
use crate::units::SimTime;

/// A line of Mooncake's traces; its blocks of tokens are nothing that a lane could know.
#[derive(Debug, Deserialize)]
struct Line {
    timestamp: f64,
    input_length: u32,
    output_length: u32,
}

/// Reads the rows; where something is wrong, it is said and the row is left out.
pub(super) fn rows(limit: usize, mistakes: &mut Mistakes<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    let (mut start, mut number) = (0, 1_u32);
    while start < mistakes.bytes.len() && rows.len() < limit && !mistakes.enough() {
        let range = mistakes.line_range(start);
        let bytes = mistakes.bytes;
        let next = bytes[range.end..].iter().position(|byte| *byte == b'\n');
        let line = &bytes[range.clone()];
        if !line.iter().all(u8::is_ascii_whitespace)
            && let Some(row) = row((range.start, number), line, mistakes)
        {
            rows.push(row);
        }
        start = next.map_or(bytes.len(), |next| range.end + next + 1);
        number += 1;
    }
    rows
}

fn row(spot: (usize, u32), line: &[u8], mistakes: &mut Mistakes<'_>) -> Option<Row> {
    let read: Line = match serde_json::from_slice(line) {
        Ok(read) => read,
        Err(error) => {
            let said = error.to_string();
            let said = said.split(" at line ").next().unwrap_or_default();
            let said = said
                .replace("struct Line", "an object")
                .replace("f64", "a number")
                .replace("u32", "a whole number");
            let at = error.column().saturating_sub(1).min(line.len());
            let help = r#"a line is an object such as `{"timestamp": 3000, "input_length": 512, "output_length": 64}`"#;
            mistakes.at_with(spot, at..at, format!("the line is no request: {said}"), help);
            return None;
        }
    };
    let whole = 0..line.len();
    if !(0.0..=1e13).contains(&read.timestamp) {
        let what = format!(
            "{} is no number of milliseconds",
            quoted(&read.timestamp.to_string())
        );
        mistakes.at(spot, whole, what, "");
        return None;
    }
    if read.input_length.max(read.output_length) > TOKENS_MAX {
        mistakes.at(
            spot,
            whole,
            format!("a request of more than {TOKENS_MAX} tokens"),
            "",
        );
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and casts saturate"
    )]
    let micros = libm::round(read.timestamp * 1e3) as u64;
    Some(Row {
        at: SimTime::from_ticks(micros),
        input: read.input_length,
        output: read.output_length,
        session: None,
        images: None,
        took: None,
        failed: false,
        line: spot.1,
    })
}
