//! What a repository keeps of a suite, and compares byte for byte.

use std::fmt::Write;

use serde::Serialize;

use super::result::SuiteResult;
use super::totals::{self, ScenarioTotals};

/// Raised whenever the shape changes.
const VERSION: u32 = 1;

/// What the suite said, in a few lines that read well as a difference: one for each scenario and each invariant.
///
/// | field | holds |
/// |---|---|
/// | `format`, `version` | `lanebench-summary`, 1 |
/// | `world` | where it was played |
/// | `scenarios` | file to `verdict`, `runs`, `simulated_us` and `records` of all its runs, in the order of the suite |
/// | `invariants` | id to the number of runs that put it to the test |
///
/// Nothing in it depends on the machine or its speed.
#[must_use]
pub fn suite_summary(suite: &SuiteResult) -> String {
    let scenarios = totals::scenarios(suite);
    let files = scenarios
        .iter()
        .map(|scenario| entry(scenario.file, &Said::of(scenario)));
    let invariants = totals::invariants(suite);
    let ids = invariants
        .iter()
        .map(|totals| entry(totals.id.word(), &totals.exercised_runs));
    format!(
        "{{\n  \"format\": \"lanebench-summary\",\n  \"version\": {VERSION},\n  \"world\": {},\n  \
         \"scenarios\": {},\n  \"invariants\": {}\n}}\n",
        compact(&suite.world),
        object(files),
        object(ids),
    )
}

/// What a scenario said.
#[derive(Serialize)]
struct Said {
    verdict: &'static str,
    runs: usize,
    simulated_us: u64,
    records: u64,
}

impl Said {
    fn of(scenario: &ScenarioTotals<'_>) -> Self {
        Self {
            verdict: scenario.grade.word(),
            runs: scenario.runs.len(),
            simulated_us: scenario.ticks,
            records: scenario.records,
        }
    }
}

fn entry(key: &str, value: &impl Serialize) -> String {
    format!("{}: {}", compact(&key), compact(value))
}

/// An object with each entry on a line of its own.
fn object(entries: impl Iterator<Item = String>) -> String {
    let mut out = String::from("{");
    for (index, entry) in entries.enumerate() {
        let comma = if index == 0 { "" } else { "," };
        // Writing to a text does not fail.
        let _ = write!(out, "{comma}\n    {entry}");
    }
    let end = if out.len() == 1 { "}" } else { "\n  }" };
    out + end
}

fn compact(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value);
    #[expect(clippy::expect_used, reason = "text and whole numbers are always JSON")]
    text.expect("JSON in memory")
}
