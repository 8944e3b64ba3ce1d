//! A suite on the terminal: a line a scenario, what failed in full, then the summary.
//!
//! Invariant: but for complaints and the commands that replay, no line is wider than [`COLUMNS`].

mod closing;
mod failure;
mod line;

use super::paint::Paint;
use super::result::SuiteResult;
use super::totals;

/// How wide the page is.
const COLUMNS: usize = 100;

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// All of it.
    Full,
    /// What failed, and the last line of the summary.
    Quiet,
}

/// The outcome of a suite, to be read by people.
#[must_use]
pub fn terminal(suite: &SuiteResult, detail: Detail, paint: Paint) -> String {
    let scenarios = totals::scenarios(suite);
    let mut parts = Vec::new();
    if detail == Detail::Full && !scenarios.is_empty() {
        parts.push(line::lines(&scenarios, paint));
    }
    parts.extend(failure::failures(&scenarios, paint));
    if detail == Detail::Full {
        parts.extend(closing::tables(suite, &scenarios, paint));
    }
    parts.push(closing::verdict(&scenarios, paint));
    parts.join("\n")
}
