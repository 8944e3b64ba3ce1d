//! Tables for spreadsheets and data frames.

use ::csv::Writer;

use super::result::{RunResult, RunVerdict, SuiteResult};
use super::totals::{self, Grade, InvariantTotals, ticks};
use crate::check::Verdict;

/// The columns of [`runs_csv`].
const RUN_COLUMNS: [&str; 12] = [
    "file",
    "title",
    "world",
    "seed",
    "verdict",
    "simulated_s",
    "tasks",
    "records",
    "complaints",
    "invariants_held",
    "invariants_not_exercised",
    "invariants_violated",
];

/// The columns of [`invariants_csv`].
const INVARIANT_COLUMNS: [&str; 7] = [
    "id",
    "group",
    "asked_runs",
    "exercised_runs",
    "exercised_times",
    "violated_runs",
    "violated_times",
];

/// A row for each run.
///
/// | column | holds |
/// |---|---|
/// | `file`, `title`, `world`, `seed` | which run |
/// | `verdict` | `passed`, `failed`, `broken` or `skipped` |
/// | `simulated_s` | simulated seconds, with six decimals |
/// | `tasks`, `records` | how much was played |
/// | `complaints` | how many things did not hold |
/// | `invariants_held`, `invariants_not_exercised`, `invariants_violated` | of the invariants that were asked for |
#[must_use]
pub fn runs_csv(suite: &SuiteResult) -> String {
    let rows = suite.runs.iter().map(|run| run_row(run, suite.world));
    table(RUN_COLUMNS, rows)
}

/// A row for each invariant that can be judged, over all runs.
///
/// | column | holds |
/// |---|---|
/// | `id`, `group` | which invariant |
/// | `asked_runs` | runs in which it was asked for |
/// | `exercised_runs`, `exercised_times` | runs that put it to the test, and how often; of a run that violates it only the violations are counted |
/// | `violated_runs`, `violated_times` | runs in which it did not hold, and in how many places |
#[must_use]
pub fn invariants_csv(suite: &SuiteResult) -> String {
    table(
        INVARIANT_COLUMNS,
        totals::invariants(suite).iter().map(invariant_row),
    )
}

fn run_row(run: &RunResult, world: &str) -> [String; RUN_COLUMNS.len()] {
    let complaints = match &run.verdict {
        RunVerdict::Failed(complaints) => complaints.len(),
        RunVerdict::Passed | RunVerdict::Skipped(_) | RunVerdict::Broken(_) => 0,
    };
    let mut judged = [0_usize; 3];
    for judgement in &run.invariants {
        judged[match judgement.verdict {
            Verdict::Held { .. } => 0,
            Verdict::NotExercised => 1,
            Verdict::Violated(_) => 2,
        }] += 1;
    }
    let ticks = ticks(run.simulated);
    [
        run.file.to_string(),
        run.title.to_string(),
        world.to_owned(),
        run.seed.0.to_string(),
        Grade::of(&run.verdict).word().to_owned(),
        format!("{}.{:06}", ticks / 1_000_000, ticks % 1_000_000),
        run.tasks.to_string(),
        run.records.to_string(),
        complaints.to_string(),
        judged[0].to_string(),
        judged[1].to_string(),
        judged[2].to_string(),
    ]
}

fn invariant_row(totals: &InvariantTotals) -> [String; INVARIANT_COLUMNS.len()] {
    [
        totals.id.word().to_owned(),
        totals.id.entry().group.word().to_owned(),
        totals.asked_runs.to_string(),
        totals.exercised_runs.to_string(),
        totals.exercised_times.to_string(),
        totals.violated_runs.to_string(),
        totals.violated_times.to_string(),
    ]
}

/// A heading and rows, which the types keep at the same length.
pub(super) fn table<const N: usize>(heading: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let mut writer = Writer::from_writer(Vec::new());
    let mut written = writer.write_record(heading);
    for row in rows {
        written = written.and_then(|()| writer.write_record(&row));
    }
    let bytes = written.ok().and_then(|()| writer.into_inner().ok());
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    #[expect(
        clippy::expect_used,
        reason = "rows of equal length made of text are written to memory"
    )]
    text.expect("CSV in memory")
}
