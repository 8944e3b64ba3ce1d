//! A row for each strategy, metric and replication.

use ::csv::Writer;

use super::CompareReport;
use crate::sim::compare::Outcome;
use crate::sim::metric::Metric;

/// The columns of [`compare_csv`].
const COLUMNS: [&str; 6] = ["strategy", "role", "seed", "metric", "unit", "value"];

/// Every number that was measured, one a row: for data frames.
///
/// | column | holds |
/// |---|---|
/// | `strategy` | its name |
/// | `role` | `reference`, `strategy`, `oracle`, or `control`: the reference on tasks of its own |
/// | `seed` | the replication; rows of one seed met the same tasks, except the control's |
/// | `metric`, `unit` | which number |
/// | `value` | the number, exactly; empty where no task of the replication speaks about it |
#[must_use]
pub fn compare_csv(report: &CompareReport<'_>) -> String {
    let CompareReport {
        comparison, study, ..
    } = *report;
    let mut writer = Writer::from_writer(Vec::new());
    let mut written = writer.write_record(COLUMNS);
    let mut rows = |name: &str, role: &str, seed: u64, outcome: &Outcome| {
        for metric in Metric::ALL {
            let value = outcome.measures.value(*metric);
            let value = value.map(|value| value.to_string()).unwrap_or_default();
            let seed = seed.to_string();
            let row = [name, role, &seed, metric.word(), metric.unit().word(), &value];
            written = std::mem::replace(&mut written, Ok(())).and_then(|()| writer.write_record(row));
        }
    };
    for (place, named) in comparison.strategies.iter().enumerate() {
        let role = match (place == comparison.reference, named.strategy.is_oracle()) {
            (true, _) => "reference",
            (false, true) => "oracle",
            (false, false) => "strategy",
        };
        for replication in &study.replications {
            if let Some(outcome) = replication.outcomes.get(place) {
                rows(&named.name, role, replication.seed.0, outcome);
            }
        }
    }
    let reference = &comparison.strategies[comparison.reference].name;
    for replication in &study.replications {
        rows(reference, "control", replication.seed.0, &replication.control);
    }
    let bytes = written.ok().and_then(|()| writer.into_inner().ok());
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    #[expect(
        clippy::expect_used,
        reason = "rows of equal length made of text are written to memory"
    )]
    text.expect("CSV in memory")
}
