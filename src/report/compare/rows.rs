//! A row for each strategy, metric and replication.

use super::CompareReport;
use crate::report::csv::table;
use crate::sim::compare::{Outcome, Varied};
use crate::sim::metric::{Metric, Unit};
use crate::sim::strategy::{Drawn, inverse_propensity, mean_reward};
use crate::trace::Execution;
use crate::units::SimDuration;

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
/// Where a strategy draws its choices, the metrics `drawn_reward`, `drawn_if_interactive` and `drawn_if_background` are the mean reward of
/// a choice, and what it would be if all were one or the other, by inverse propensities. Where regret is asked for, the metric `regret` is the mean regret of the decisions of a run by the deciding metric.
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
                let seed = replication.seed.0.to_string();
                let drawn = estimates(&outcome.drawn).into_iter();
                rows.extend(drawn.map(|(metric, value)| {
                    [
                        named.name.to_string(),
                        role.to_owned(),
                        seed.clone(),
                        metric.to_owned(),
                        Unit::Share.word().to_owned(),
                        value.to_string(),
                    ]
                }));
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

/// What the choices of a run say; nothing of none.
fn estimates(drawn: &[Drawn]) -> Vec<(&'static str, f64)> {
    let each = [
        ("drawn_reward", mean_reward(drawn)),
        (
            "drawn_if_interactive",
            inverse_propensity(drawn, Execution::Interactive),
        ),
        (
            "drawn_if_background",
            inverse_propensity(drawn, Execution::Background),
        ),
    ];
    each.into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

/// The columns of [`choices_csv`].
const CHOICES: [&str; 9] = [
    "strategy",
    "seed",
    "job",
    "at",
    "chosen",
    "propensity",
    "context",
    "known_at",
    "good",
];

/// Every choice that was drawn, one a row, with how likely it was and what came of it: for estimates of what was not played.
///
/// | column | holds |
/// |---|---|
/// | `strategy`, `seed`, `job` | whose choice, in which replication, about which job |
/// | `at`, `known_at` | when it was drawn, and when the runtime knew what came of it, in seconds; empty if it never did |
/// | `chosen`, `propensity` | `interactive` or `background`, and how likely that was |
/// | `context` | what the strategy took the task for, by a number of its own |
/// | `good` | `1` if the job ended whole, in time and for somebody |
///
/// A sweep has the columns `parameter`, `at_value` and `x` before them.
#[must_use]
pub fn choices_csv(varied: Option<&Varied>, points: &[CompareReport<'_>]) -> String {
    let Some(varied) = varied else {
        return table(CHOICES, points.iter().flat_map(choices));
    };
    let pairs = varied.values.iter().zip(points);
    let rows = pairs.flat_map(|(value, report)| {
        let before = [
            varied.what.to_string(),
            value.word.to_string(),
            value.x.to_string(),
        ];
        choices(report)
            .into_iter()
            .map(move |row| swept(before.clone(), row))
    });
    table(swept(["parameter", "at_value", "x"], CHOICES), rows)
}

/// What is varied, and a choice behind it.
fn swept<T>([what, at, x]: [T; 3], [a, b, c, d, e, f, g, h, i]: [T; 9]) -> [T; 12] {
    [what, at, x, a, b, c, d, e, f, g, h, i]
}

fn choices(report: &CompareReport<'_>) -> Vec<[String; 9]> {
    let seconds = |ticks| SimDuration::from_ticks(ticks).as_secs_f64().to_string();
    let mut rows = Vec::new();
    for (place, named) in report.comparison.strategies.iter().enumerate() {
        for replication in &report.study.replications {
            let drawn = replication.outcomes.get(place).map_or(&[][..], |one| &one.drawn);
            rows.extend(drawn.iter().map(|drawn| {
                [
                    named.name.to_string(),
                    replication.seed.0.to_string(),
                    drawn.job.to_string(),
                    seconds(drawn.at),
                    drawn.arm().word().to_owned(),
                    drawn.propensity.to_string(),
                    drawn.context.to_string(),
                    drawn.came.map(|(at, _)| seconds(at)).unwrap_or_default(),
                    drawn
                        .came
                        .map(|(_, good)| u8::from(good).to_string())
                        .unwrap_or_default(),
                ]
            }));
        }
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
