//! The catalogue of invariants, for people and for programs.

use serde::Serialize;

use super::json::pretty;
use super::paint::{Paint, Tone};
use super::text::{left, wrap};
use crate::check::{CATALOGUE, Entry, Group, Standing};
use crate::trace::Channel;

/// How wide the text is.
const COLUMNS: usize = 100;
/// Where the sentences begin.
const INDENT: usize = 9;
/// Where what is said about a sentence begins, behind [`INDENT`].
const LABEL: usize = 14;
/// Raised whenever a field changes its meaning or goes.
const VERSION: u32 = 1;

/// Every invariant under its group: what must be true, what puts it to the test and what it is judged from, or
/// why a trace cannot show it.
#[must_use]
pub fn catalogue_text(paint: Paint) -> String {
    let mut out = String::new();
    for group in Group::ALL {
        let entries = || CATALOGUE.iter().filter(|entry| entry.group == group);
        let judged = entries().filter(|entry| is_judged(entry)).count();
        let all = entries().count();
        out.push_str(&paint.tone(Tone::Strong, group.word()));
        out.push_str(&paint.tone(Tone::Faint, &format!("  {judged} of {all} judged")));
        out.push_str("\n\n");
        for entry in entries() {
            out.push_str(&entry_text(entry, paint));
        }
        out.push('\n');
    }
    let judged = CATALOGUE.iter().filter(|entry| is_judged(entry)).count();
    out.push_str(&format!(
        "{} invariants, {judged} of them judged in every run\n",
        CATALOGUE.len()
    ));
    out
}

const fn is_judged(entry: &Entry) -> bool {
    matches!(entry.standing, Standing::Judged { .. })
}

fn entry_text(entry: &Entry, paint: Paint) -> String {
    let tone = if is_judged(entry) {
        Tone::Good
    } else {
        Tone::Doubtful
    };
    let lines = wrap(entry.sentence.split(' '), " ", COLUMNS - INDENT);
    let name = paint.tone(tone, &left(&format!("  {}", entry.name), INDENT));
    let mut out = format!("{name}{}\n", lines.join(&format!("\n{}", " ".repeat(INDENT))));
    match entry.standing {
        Standing::Judged {
            exercised_by, reads, ..
        } => {
            out.push_str(&labelled("exercised by", exercised_by, paint));
            out.push_str(&labelled("reads", &reading(reads).join(", "), paint));
        }
        Standing::NotObservable { reason } => out.push_str(&labelled("not judged", reason, paint)),
    }
    out
}

fn labelled(label: &str, text: &str, paint: Paint) -> String {
    let lines = wrap(text.split(' '), " ", COLUMNS - INDENT - LABEL);
    let mut out = String::new();
    for (index, line) in lines.iter().enumerate() {
        let label = if index == 0 { label } else { "" };
        out.push_str(&" ".repeat(INDENT));
        out.push_str(&paint.tone(Tone::Faint, &left(label, LABEL)));
        out.push_str(&paint.tone(Tone::Faint, line));
        out.push('\n');
    }
    out
}

/// The channels of the trace; the one that reads none is judged from the journal.
fn reading(channels: &[Channel]) -> Vec<&'static str> {
    match channels {
        [] => vec!["journal"],
        channels => channels.iter().map(|channel| channel.word()).collect(),
    }
}

/// The catalogue as JSON.
///
/// | field | holds |
/// |---|---|
/// | `format`, `version` | `lanebench-invariants`, 1 |
/// | `invariants[]` | `id`, `group`, `sentence`, `judged`, `exercised_by`, `reads`, `reason` |
///
/// `exercised_by` and `reads` are `null` where `judged` is false, `reason` where it is true.
#[must_use]
pub fn catalogue_json() -> String {
    pretty(&Document {
        format: "lanebench-invariants",
        version: VERSION,
        invariants: CATALOGUE.iter().map(Invariant::of).collect(),
    })
}

#[derive(Serialize)]
struct Document {
    format: &'static str,
    version: u32,
    invariants: Vec<Invariant>,
}

#[derive(Serialize)]
struct Invariant {
    id: &'static str,
    group: &'static str,
    sentence: &'static str,
    judged: bool,
    exercised_by: Option<&'static str>,
    reads: Option<Vec<&'static str>>,
    reason: Option<&'static str>,
}

impl Invariant {
    fn of(entry: &Entry) -> Self {
        let (by, reads, reason) = match entry.standing {
            Standing::Judged {
                exercised_by, reads, ..
            } => (Some(exercised_by), Some(reading(reads)), None),
            Standing::NotObservable { reason } => (None, None, Some(reason)),
        };
        Self {
            id: entry.name,
            group: entry.group.word(),
            sentence: entry.sentence,
            judged: is_judged(entry),
            exercised_by: by,
            reads,
            reason,
        }
    }
}
