//! A row for each strategy, metric and replication.

use super::CompareReport;
use crate::report::csv::table;
use crate::sim::compare::{Outcome, Varied};
use crate::sim::metric::Metric;

/// The columns of [`compare_csv`].
const COLUMNS: [&str; 6] = ["strategy", "role", "seed", "metric", "unit", "value"];

/// What stands before them where something is varied.
const VARIED: [&str; 3] = ["parameter", "at", "x"];

/// Every number that was measured, one a row: for data frames.
///
/// | column | holds |
/// |---|---|
/// | `strategy` | its name |
/// | `role` | `reference`, `strategy`, `oracle`, or `control`: the reference on tasks of its own |
/// | `seed` | the replication; rows of one seed met the same tasks, except the control's |
/// | `metric`, `unit` | which number |
/// | `value` | the number, exactly; empty where no task of the replication speaks about it |
///
/// Where regret is asked for, the metric `regret` is the mean regret of the decisions of a run by the deciding metric.
#[must_use]
pub fn compare_csv(report: &CompareReport<'_>) -> String {
    table(COLUMNS, rows(report).into_iter())
}

/// The rows of all points of a sweep, with three columns before those of [`compare_csv`].
///
/// | column | holds |
/// |---|---|
/// | `parameter` | what is varied: `load`, or the path of a value |
/// | `at` | its value, as it is written |
/// | `x` | the same as a number: seconds, a share of 1, or the place of a word |
pub(super) fn sweep_csv(varied: &Varied, points: &[CompareReport<'_>]) -> String {
    let pairs = varied.values.iter().zip(points);
    let each = pairs.flat_map(|(value, report)| {
        let x = value.x.to_string();
        let rows = rows(report).into_iter();
        rows.map(move |row| {
            let [strategy, role, seed, metric, unit, number] = row;
            let (what, at) = (varied.what.to_string(), value.word.to_string());
            [what, at, x.clone(), strategy, role, seed, metric, unit, number]
        })
    });
    let [strategy, role, seed, metric, unit, number] = COLUMNS;
    let [what, at, x] = VARIED;
    table([what, at, x, strategy, role, seed, metric, unit, number], each)
}

fn rows(report: &CompareReport<'_>) -> Vec<[String; 6]> {
    let CompareReport {
        comparison, study, ..
    } = *report;
    let mut rows = Vec::new();
    for (place, named) in comparison.strategies.iter().enumerate() {
        let role = match (place == comparison.reference, named.strategy.is_oracle()) {
            (true, _) => "reference",
            (false, true) => "oracle",
            (false, false) => "strategy",
        };
        for replication in &study.replications {
            if let Some(outcome) = replication.outcomes.get(place) {
                rows.extend(measured(&named.name, role, replication.seed.0, outcome));
                let unit = comparison.metric.unit().word();
                let lost = comparison.regret_of.map(|_| {
                    let mean = outcome.regret.and_then(|regret| regret.mean());
                    let value = mean.map(|mean| mean.to_string()).unwrap_or_default();
                    let seed = replication.seed.0.to_string();
                    [
                        named.name.to_string(),
                        role.to_owned(),
                        seed,
                        "regret".to_owned(),
                        unit.to_owned(),
                        value,
                    ]
                });
                rows.extend(lost);
            }
        }
    }
    let reference = &comparison.strategies[comparison.reference].name;
    for replication in &study.replications {
        rows.extend(measured(
            reference,
            "control",
            replication.seed.0,
            &replication.control,
        ));
    }
    rows
}

/// The rows of a run.
fn measured(name: &str, role: &str, seed: u64, outcome: &Outcome) -> impl Iterator<Item = [String; 6]> {
    Metric::ALL.iter().map(move |metric| {
        let value = outcome.measures.value(*metric);
        [
            name.to_owned(),
            role.to_owned(),
            seed.to_string(),
            metric.word().to_owned(),
            metric.unit().word().to_owned(),
            value.map(|value| value.to_string()).unwrap_or_default(),
        ]
    })
}
