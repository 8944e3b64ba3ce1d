//! The summary: the checklist, the invariants, how much was played, and the verdict.

use super::COLUMNS;
use super::line::word;
use crate::report::paint::{Paint, Tone};
use crate::report::result::SuiteResult;
use crate::report::text::{counted, grouped, left, right, wrap};
use crate::report::totals::{Counts, Grade, InvariantTotals, ScenarioTotals, Volume, checklist, invariants};

/// The first column of the tables.
const NAME: usize = 18;
/// A column of counts.
const COUNT: usize = 9;
/// Where it says how much was played.
const PLAYED: usize = NAME + 2;

/// What stands above the last line.
pub(super) fn tables(suite: &SuiteResult, scenarios: &[ScenarioTotals<'_>], paint: Paint) -> Vec<String> {
    if scenarios.is_empty() {
        return Vec::new();
    }
    vec![
        checklist_table(scenarios, paint),
        invariants_table(&invariants(suite), paint),
        volume(suite, scenarios, paint),
    ]
}

/// The verdicts in the order of their columns.
const COLUMNS_OF_VERDICTS: [Grade; 4] = [Grade::Passed, Grade::Failed, Grade::Broken, Grade::Skipped];

fn checklist_table(scenarios: &[ScenarioTotals<'_>], paint: Paint) -> String {
    let mut heading = left("checklist", NAME);
    heading.push_str(&right("scenarios", COUNT + 2));
    for grade in COLUMNS_OF_VERDICTS {
        heading.push_str(&right(grade.word(), COUNT));
    }
    let mut out = format!("{}\n", paint.tone(Tone::Strong, &heading));
    for (line, counts) in checklist(scenarios) {
        let name = format!("  {}  {}", line.criterion(), line.word());
        out.push_str(&left(&name, NAME));
        out.push_str(&right(&counts.all().to_string(), COUNT + 2));
        out.push_str(&verdict_cells(&counts, paint));
        out.push('\n');
    }
    out
}

fn verdict_cells(counts: &Counts, paint: Paint) -> String {
    if counts.all() == 0 {
        return paint.tone(Tone::Doubtful, "    no scenario shows this line");
    }
    let cell = |grade: Grade| match counts.get(grade) {
        0 => paint.tone(Tone::Faint, &right("-", COUNT)),
        some => paint.tone(word(grade).1, &right(&some.to_string(), COUNT)),
    };
    COLUMNS_OF_VERDICTS.map(cell).concat()
}

fn invariants_table(totals: &[InvariantTotals], paint: Paint) -> String {
    let held = totals.iter().filter(|total| total.held()).count();
    let silent: Vec<&InvariantTotals> = totals.iter().filter(|total| total.exercised_runs == 0).collect();
    let violated: Vec<&InvariantTotals> = totals.iter().filter(|total| total.violated_runs > 0).collect();
    let mut heading = left("invariants", NAME);
    heading.push_str(&right(&totals.len().to_string(), COUNT + 2));
    let mut out = format!("{}\n", paint.tone(Tone::Strong, &heading));
    out.push_str(&row("held", held, &[], Tone::Good, paint));
    let names = by_group(&silent, |total| total.id.word().to_owned());
    out.push_str(&row("not exercised", silent.len(), &names, Tone::Doubtful, paint));
    let names = by_group(&violated, |total| {
        format!("{} ({})", total.id.word(), counted(total.violated_runs, "run"))
    });
    out.push_str(&row("violated", violated.len(), &names, Tone::Bad, paint));
    out
}

/// A count with the lines that belong to it.
fn row(name: &str, count: usize, lines: &[String], tone: Tone, paint: Paint) -> String {
    let tone = if count == 0 { Tone::Faint } else { tone };
    let shown = if count == 0 {
        "-".to_owned()
    } else {
        count.to_string()
    };
    let mut out = left(&format!("  {name}"), NAME);
    out.push_str(&paint.tone(tone, &right(&shown, COUNT + 2)));
    for (index, line) in lines.iter().enumerate() {
        let indent = if index == 0 { 2 } else { NAME + COUNT + 4 };
        out.push_str(&format!("{}{line}\n", " ".repeat(indent)));
    }
    if lines.is_empty() {
        out.push('\n');
    }
    out
}

/// The ids, with a new line for each group.
fn by_group(totals: &[&InvariantTotals], show: impl Fn(&InvariantTotals) -> String) -> Vec<String> {
    let room = COLUMNS - (NAME + COUNT + 4);
    let groups = totals.chunk_by(|a, b| a.id.entry().group == b.id.entry().group);
    groups
        .flat_map(|group| wrap(group.iter().map(|total| show(total)), " ", room))
        .collect()
}

fn volume(suite: &SuiteResult, scenarios: &[ScenarioTotals<'_>], paint: Paint) -> String {
    let Volume {
        tasks,
        records,
        ticks,
    } = Volume::of(suite);
    let hundredths = ticks / 36_000_000;
    let hours = format!(
        "{}.{:02} simulated hours",
        grouped(hundredths / 100),
        hundredths % 100
    );
    let parts = [
        counted(scenarios.len() as u64, "scenario"),
        counted(suite.runs.len() as u64, "run"),
        counted(tasks, "task"),
        counted(records, "record"),
        format!("{hours} in `{}`", suite.world),
    ];
    let lines = wrap(parts, ", ", COLUMNS - PLAYED);
    let lines = lines.join(&format!(",\n{}", " ".repeat(PLAYED)));
    format!("{}{lines}\n", paint.tone(Tone::Strong, &left("played", PLAYED)))
}

/// The last line: what came of it.
pub(super) fn verdict(scenarios: &[ScenarioTotals<'_>], paint: Paint) -> String {
    let counts = Counts::of(scenarios.iter().map(|scenario| scenario.grade));
    let worst = [Grade::Failed, Grade::Broken, Grade::Passed, Grade::Skipped]
        .into_iter()
        .find(|grade| counts.get(*grade) > 0);
    let Some(worst) = worst else {
        return format!(
            "{}: nothing was played\n",
            paint.tone(Tone::Doubtful, "no evidence")
        );
    };
    let (word, tone) = word(worst);
    let mut parts = vec![format!(
        "{} of {} passed",
        grouped(counts.get(Grade::Passed)),
        counted(counts.all(), "scenario")
    )];
    for grade in [Grade::Failed, Grade::Broken, Grade::Skipped] {
        match counts.get(grade) {
            0 => {}
            some => parts.push(format!("{} {}", grouped(some), grade.word())),
        }
    }
    format!("{}: {}\n", paint.tone(tone, word), parts.join(", "))
}
