//! A decision a row, as a table for people, as JSON, or as CSV.

use std::io::Write as _;

use serde::Serialize;

use super::census::CensusDocument;
use crate::policy::route::{Census, Row};
use crate::policy::{Attribute, Decision, Execution, Gates, Lane, Policy, Truth};
use crate::report::json::pretty;
use crate::report::text::{columns, counted, cut, grouped, left, line};

/// How the rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteFormat {
    /// A table with columns of fixed width.
    Human,
    /// One document with a decision a line.
    Json,
    /// A table for programs.
    Csv,
}

/// Which columns the table of tasks has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RouteShape {
    /// Whether tasks have names.
    pub ids: bool,
    /// Whether tasks have kinds.
    pub kinds: bool,
}

/// How wide the columns of [`RouteFormat::Human`] are.
const ROW: usize = 9;
const NAME: usize = 24;
const WORD: usize = 12;
const RULE: usize = 32;
/// Raised whenever a field changes its meaning or goes.
const VERSION: u32 = 1;

/// Writes decisions row by row; the part that comes from the decision alone is made once.
///
/// | column of the CSV | holds |
/// |---|---|
/// | `row` | the number of the row, from 1; broken rows are counted and left out |
/// | `id`, `kind` | as in the table of tasks, where it has them |
/// | `lane`, `execution` | empty if the task is refused |
/// | `boundary` | `none` or `approval` |
/// | `rule` | the rule that decided; empty if none did |
/// | `outlives_session`, `several_steps_or_slow`, `product_can_show` | the gates: `true`, `false` or `unknown` |
/// | `findings` | the worst first, with blanks between them |
#[derive(Debug)]
pub struct RouteRows {
    format: RouteFormat,
    shape: RouteShape,
    written: u64,
}

impl RouteRows {
    /// No row yet.
    #[must_use]
    pub const fn new(format: RouteFormat, shape: RouteShape) -> Self {
        Self {
            format,
            shape,
            written: 0,
        }
    }

    /// What stands before the first row.
    #[must_use]
    pub fn opening(&self, policy: &Policy) -> String {
        match self.format {
            RouteFormat::Human => self.heading(),
            RouteFormat::Csv => {
                let id = if self.shape.ids { "id," } else { "" };
                let kind = if self.shape.kinds { "kind," } else { "" };
                format!(
                    "row,{id}{kind}lane,execution,boundary,rule,outlives_session,several_steps_or_slow,\
                     product_can_show,findings\n"
                )
            }
            RouteFormat::Json => {
                let name = serde_json::Value::from(policy.name());
                format!(
                    "{{\n  \"format\": \"lanebench-route\",\n  \"version\": {VERSION},\n  \"policy\": {name},\n  \
                     \"policy_hash\": \"{}\",\n  \"decisions\": [",
                    policy.hash()
                )
            }
        }
    }

    fn heading(&self) -> String {
        let mut text = format!("{:>ROW$}", "row");
        for (name, shown) in [("id", self.shape.ids), ("kind", self.shape.kinds)] {
            if shown {
                text.push_str(&format!("  {}", left(name, NAME)));
            }
        }
        let words = ["lane", "execution", "boundary"].map(|word| left(word, WORD));
        format!("{text}  {}{}findings\n", words.concat(), left("rule", RULE))
    }

    /// The part of a row that comes from the decision alone.
    #[must_use]
    pub fn decision(format: RouteFormat, policy: &Policy, decision: &Decision) -> Vec<u8> {
        let note = Short::of(policy, decision);
        match format {
            RouteFormat::Human => {
                let lane = note.lane.unwrap_or("refused");
                let execution = note.execution.unwrap_or("-");
                let words = [lane, execution, note.boundary].map(|word| left(word, WORD));
                let rule = left(&line(note.rule.unwrap_or("-")), RULE);
                let text = format!("  {}{rule}{}", words.concat(), note.findings.join(", "));
                format!("{}\n", text.trim_end()).into_bytes()
            }
            RouteFormat::Csv => {
                let mut text = Vec::new();
                let gates = [
                    note.gates.outlives_session,
                    note.gates.several_steps_or_slow,
                    note.gates.product_can_show,
                ];
                let findings = note.findings.join(" ");
                let fields = [note.lane, note.execution, Some(note.boundary), note.rule];
                let fields = fields.map(Option::unwrap_or_default).into_iter();
                let fields = fields.chain(gates.map(Truth::word)).chain([findings.as_str()]);
                for field in fields {
                    text.push(b',');
                    push_field(&mut text, field);
                }
                text.push(b'\n');
                text
            }
            RouteFormat::Json => {
                let text = json(&note);
                let inner = text.strip_prefix('{').unwrap_or(&text);
                format!(",{inner}").into_bytes()
            }
        }
    }

    /// Writes one row behind the others.
    pub fn row(&mut self, row: &Row<'_>, out: &mut Vec<u8>) {
        match self.format {
            RouteFormat::Human => {
                // Writing to memory does not fail.
                let _ = write!(out, "{:>ROW$}", row.number);
                for name in [row.id, row.kind].into_iter().flatten() {
                    let fits = name.len() <= NAME && name.bytes().all(|byte| matches!(byte, b' '..=b'~'));
                    let shown = if fits {
                        name.to_owned()
                    } else {
                        cut(&line(name), NAME)
                    };
                    let blanks = NAME.saturating_sub(columns(&shown));
                    let _ = write!(out, "  {shown}{:blanks$}", "");
                }
            }
            RouteFormat::Csv => {
                push_number(out, row.number);
                for name in [row.id, row.kind].into_iter().flatten() {
                    out.push(b',');
                    push_field(out, name);
                }
            }
            RouteFormat::Json => {
                let comma = if self.written == 0 { "" } else { "," };
                let _ = write!(out, "{comma}\n    {{\"row\":{}", row.number);
                for (key, name) in [("id", row.id), ("kind", row.kind)] {
                    if let Some(name) = name {
                        let _ = write!(out, ",\"{key}\":{}", serde_json::Value::from(name));
                    }
                }
            }
        }
        out.extend_from_slice(row.text);
        self.written += 1;
    }

    /// What stands behind the last row.
    #[must_use]
    pub fn closing(&self, policy: &Policy, census: &Census, broken: u64) -> String {
        match self.format {
            RouteFormat::Csv => String::new(),
            RouteFormat::Human => format!("\n{}\n", summary(policy, census, broken)),
            RouteFormat::Json => {
                let document = pretty(&CensusDocument::of(census, broken));
                let inner = document.trim_end().trim_start_matches('{').to_owned();
                let end = if self.written == 0 { "]" } else { "\n  ]" };
                format!("{end},{inner}\n")
            }
        }
    }
}

/// How many tasks were routed, and where to.
#[must_use]
pub(super) fn summary(policy: &Policy, census: &Census, broken: u64) -> String {
    let lanes = Lane::ALL.map(|lane| (lane.word(), census.lanes.of(lane)));
    let parts = lanes.into_iter().chain([("refused", census.lanes.refused)]);
    let parts: Vec<String> = parts
        .filter(|(_, count)| *count > 0)
        .map(|(word, count)| format!("{word} {}", grouped(count)))
        .collect();
    let broken = match broken {
        0 => String::new(),
        rows => format!(", {} broken and left out", counted(rows, "row")),
    };
    format!(
        "{} routed by `{}` ({}){}{}{broken}",
        counted(census.lanes.all(), "task"),
        line(policy.name()),
        policy.hash().short(),
        if parts.is_empty() { "" } else { ": " },
        parts.join(", ")
    )
}

/// A decision in the words of reports.
#[derive(Serialize)]
pub(super) struct Short<'a> {
    lane: Option<&'static str>,
    execution: Option<&'static str>,
    boundary: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
    rule: Option<&'a str>,
    gates: Gates,
    findings: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ask: Vec<&'static str>,
}

impl<'a> Short<'a> {
    pub(super) fn of(policy: &'a Policy, decision: &Decision) -> Self {
        Self {
            lane: decision.lane().map(Lane::word),
            execution: decision.execution().map(Execution::word),
            boundary: decision.boundary.word(),
            refused: policy.refusal(decision),
            rule: decision.rule_of(policy).map(|rule| rule.id.as_str()),
            gates: decision.gates,
            findings: decision.findings.iter().map(|finding| finding.word()).collect(),
            missing: decision.missing.iter().map(Attribute::word).collect(),
            ask: decision.ask.iter().map(Attribute::word).collect(),
        }
    }
}

fn json(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value);
    #[expect(clippy::expect_used, reason = "words and numbers are written to memory")]
    text.expect("JSON in memory")
}

fn push_number(out: &mut Vec<u8>, number: u64) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    let mut rest = number;
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// A field of CSV, in quotes where it needs them.
pub(super) fn push_field(out: &mut Vec<u8>, field: &str) {
    let needs = |byte: u8| matches!(byte, b',' | b'"' | b'\r' | b'\n');
    if !field.bytes().any(needs) {
        out.extend_from_slice(field.as_bytes());
        return;
    }
    out.push(b'"');
    for byte in field.bytes() {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::{push_field, push_number};

    #[test]
    fn numbers_and_fields_are_written_as_others_read_them() {
        for number in [0, 9, 10, 1_234_567, u64::MAX] {
            let mut out = Vec::new();
            push_number(&mut out, number);
            assert_eq!(out, number.to_string().into_bytes());
        }
        let mut out = Vec::new();
        push_field(&mut out, "plain");
        push_field(&mut out, "a,\"b\"\n");
        assert_eq!(out, b"plain\"a,\"\"b\"\"\n\"");
    }
}
