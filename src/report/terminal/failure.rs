//! What failed, in full, with the way to see it again.

use super::COLUMNS;
use super::line::word;
use crate::report::paint::{Paint, Tone};
use crate::report::result::{Complaint, RunResult, RunVerdict};
use crate::report::text::{block, brief, counted, cut, line, wrap};
use crate::report::totals::{Grade, ScenarioTotals, ticks};

/// Of one scenario so many failed runs are shown; of the others only the seeds.
const SHOWN_MAX: usize = 3;
/// So many seeds of further failures are named.
const SEEDS_MAX: usize = 12;

/// One part for each failure that is shown, and one for those of a scenario that are not.
pub(super) fn failures(scenarios: &[ScenarioTotals<'_>], paint: Paint) -> Vec<String> {
    let mut parts = Vec::new();
    for scenario in scenarios {
        let is_bad = |run: &&&RunResult| matches!(Grade::of(&run.verdict), Grade::Failed | Grade::Broken);
        let bad: Vec<&RunResult> = scenario.runs.iter().filter(is_bad).copied().collect();
        let (shown, others) = bad.split_at(bad.len().min(SHOWN_MAX));
        parts.extend(shown.iter().map(|run| failure(run, paint)));
        parts.extend(rest(scenario, others));
    }
    parts
}

fn failure(run: &RunResult, paint: Paint) -> String {
    let mut out = heading(run, paint);
    match &run.verdict {
        RunVerdict::Failed(complaints) => {
            for complaint in complaints {
                out.push_str(&complaint_text(complaint, paint));
                out.push('\n');
            }
        }
        RunVerdict::Broken(reason) => {
            out.push_str(&paint.tone(Tone::Bad, "error"));
            out.push_str(&format!(": the machine failed: {}\n\n", block(reason)));
        }
        RunVerdict::Passed | RunVerdict::Skipped(_) => {}
    }
    out.push_str(&format!(
        "replay: {}\n",
        paint.tone(Tone::Strong, &line(&run.replay))
    ));
    out
}

fn heading(run: &RunResult, paint: Paint) -> String {
    let (word, tone) = word(Grade::of(&run.verdict));
    let mut about = format!("  seed {}", run.seed.0);
    if let RunVerdict::Failed(complaints) = &run.verdict {
        about.push_str(&format!(", {}", counted(complaints.len() as u64, "complaint")));
    }
    if run.records > 0 {
        about.push_str(&format!(", {} simulated", brief(ticks(run.simulated))));
    }
    let room = COLUMNS.saturating_sub(word.len() + 2 + about.len());
    let file = cut(&line(&run.file), room);
    let (word, file) = (paint.tone(tone, word), paint.tone(Tone::Strong, &file));
    format!("{word}  {file}{}\n", paint.tone(Tone::Faint, &about))
}

/// The complaint as it was rendered, coloured like other diagnostics.
fn complaint_text(complaint: &Complaint, paint: Paint) -> String {
    let text = block(&complaint.rendered);
    let mut lines = text.split('\n');
    let title = lines.next().unwrap_or_default();
    let end = title
        .find(|c: char| !c.is_ascii_alphabetic())
        .unwrap_or(title.len());
    let (word, message) = title.split_at(end);
    let (word, message) = (paint.tone(Tone::Bad, word), paint.tone(Tone::Strong, message));
    let mut out = format!("{word}{message}\n");
    for line in lines {
        out.push_str(&snippet_line(line, paint));
        out.push('\n');
    }
    out
}

/// A line below the title: the gutter steps back, what is underlined stands out.
fn snippet_line(line: &str, paint: Paint) -> String {
    let marks = ["-->", ":::", "|", "="];
    let start = line.trim_start_matches(|c: char| c == ' ' || c.is_ascii_digit());
    let Some(mark) = marks.into_iter().find(|mark| start.starts_with(mark)) else {
        return line.to_owned();
    };
    let (gutter, rest) = line.split_at(line.len() - start.len() + mark.len());
    let gutter = paint.tone(Tone::Faint, gutter);
    match rest.trim_start().starts_with('^') {
        true => format!("{gutter}{}", paint.tone(Tone::Bad, rest)),
        false => format!("{gutter}{rest}"),
    }
}

/// The failures of a scenario that are not shown.
fn rest(scenario: &ScenarioTotals<'_>, others: &[&RunResult]) -> Option<String> {
    if others.is_empty() {
        return None;
    }
    let mut seeds: Vec<String> = others.iter().map(|run| run.seed.0.to_string()).collect();
    if seeds.len() > SEEDS_MAX {
        seeds.truncate(SEEDS_MAX);
        seeds.push("...".to_owned());
    }
    let head = format!(
        "... and {} more of {}:",
        counted(others.len() as u64, "failed run"),
        line(scenario.file)
    );
    let mut out = format!("{}\n", cut(&head, COLUMNS));
    for seeds in wrap(seeds, ", ", COLUMNS - 10) {
        out.push_str(&format!("    seeds {seeds}\n"));
    }
    Some(out)
}
