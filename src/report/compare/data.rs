//! The whole study as JSON.

use serde::Serialize;

use super::CompareReport;
use super::shape::ShapeRows;
use crate::report::json::pretty;
use crate::sim::compare::{Cell, Comparison, Control, GateBound, OffPolicy, Outcome, RegretFinding, WarmUp};
use crate::sim::metric::{Bucket, Metric};
use crate::sim::stats::{Direction, Interval, Paired};
use crate::sim::strategy::Drawn;
use crate::units::{SimDuration, SimTime};

/// Raised whenever a field changes its meaning or goes; new fields do not raise it.
const VERSION: u32 = 1;

/// Everything that is known about a study. Every field is always there, in this order; what is missing is `null`.
///
/// | field | holds |
/// |---|---|
/// | `format`, `version` | `lanebench-comparison`, 1 |
/// | `file`, `title`, `hypothesis`, `metric`, `indifference`, `alpha` | what was laid down before |
/// | `reference` | the strategy that the others are compared with |
/// | `standing` | `decided`, `failed` or `undecided`; `converged` says whether the intervals are narrow enough |
/// | `replications`, `tasks` | how many; the tasks that count, for one strategy |
/// | `definitions[]` | `metric`, `unit`, `better` (`more`, `less` or null), `tail`, `definition`, of the metrics reported |
/// | `strategies[]` | `name`, `oracle`, `unsafe_releases`, `ungated`, `pareto` (`free`, `share`), `metrics[]`, `buckets` (by bucket, over all runs), `shapes` |
/// | `strategies[].metrics[]` | `metric`, `mean`, `low`, `high`, of a tail the `median` of the replications (`value`, `low`, `high`), `contrast` (below); null numbers where nothing can be said |
/// | `contrast` | `difference`, `low`, `high`, `unpaired_low`, `unpaired_high`, `variance_ratio` (null: infinite), `p`, `adjusted_p`, `verdict` |
/// | `controls[]` | the reference against itself: `metric`, `difference`, `low`, `high`, `p`, `alarms`, `deals`, `rate_low`, `rate_high` |
/// | `warm_up` | `rule` (`fixed` or `mser-5`), `seconds`, and of the rule `strategies[]`: `seconds`, `settled`, `course[]`, the jobs in the system by hundredths of the time in which tasks arrive |
/// | `monotony` | `asked`: jobs that got a place in the run of the reference and in the one with relief; `compared`: those of them that may not wait longer there |
/// | `strategies[].regret` | null unless asked for: `decisions`, `mean`, `low`, `high`, `gain`, `gain_low`, `gain_high` |
/// | `strategies[].off_policy` | null where nothing is drawn: `choices`, and as `mean`, `low`, `high` the mean `reward` of a choice, and what it would be if all were `interactive` or `background`, estimated by inverse propensities |
/// | `best` | `strategy` (null: several are left), `left[]`, `confidence`, `indifference` |
/// | `gates[]` | `strategy`, `metric`, `bound`, `mean`, `low`, `high`, `verdict` |
/// | `broken[]` | `seed`, `strategy`, `why`: runs that are no evidence |
/// | `runs[]` | `seed`, `strategy` (null: the control), `tasks`, `buckets` (by bucket), `values` (by metric), `regret` (null unless asked for), `choices[]`, `shapes` |
/// | `choices[]` | what a strategy that learns, or a program, has drawn, in order: `job`, `at` in seconds, `chosen`, its `propensity`, `context`, and of what came of it `known_at` and whether it was `good` (null: nobody ever knew) |
/// | `shapes` | `live_waits`, `result_times`, `course` |
/// | `live_waits`, `result_times` | `tasks`; of them `without` end; quantiles (null: too many have no end); `bins[]`: the longest length of a bin in seconds, exactly, and how many lie in it; a bin is at most a 64th of its lengths wide |
/// | `course[]` | 24 slots of equal length while tasks arrive, the warm-up with them, and one for all behind: tasks submitted, those of them abandoned or stranded, approval requests put before a person |
#[must_use]
pub fn compare_json(report: &CompareReport<'_>) -> String {
    pretty(&Document::of(report))
}

#[derive(Serialize)]
pub(super) struct Document<'a> {
    format: &'static str,
    version: u32,
    file: &'a str,
    title: &'a str,
    hypothesis: Option<&'a str>,
    metric: &'static str,
    indifference: Option<f64>,
    alpha: f64,
    reference: &'a str,
    standing: &'static str,
    converged: bool,
    replications: usize,
    tasks: u64,
    warm_up: WarmUpRow,
    monotony: MonotonyRow,
    definitions: Vec<Definition>,
    strategies: Vec<Strategy<'a>>,
    controls: Vec<ControlRow>,
    best: Option<BestRow<'a>>,
    gates: Vec<GateRow<'a>>,
    broken: Vec<Broken<'a>>,
    runs: Vec<Run<'a>>,
}

#[derive(Serialize)]
struct WarmUpRow {
    rule: &'static str,
    seconds: f64,
    strategies: Vec<CutRow>,
}

#[derive(Serialize)]
struct CutRow {
    seconds: f64,
    settled: bool,
    course: Vec<f64>,
}

#[derive(Serialize)]
struct MonotonyRow {
    asked: u64,
    compared: u64,
}

#[derive(Serialize)]
struct RegretRow {
    decisions: u64,
    mean: f64,
    low: f64,
    high: f64,
    gain: f64,
    gain_low: f64,
    gain_high: f64,
}

#[derive(Serialize)]
struct OffPolicyRow {
    choices: u64,
    reward: Estimate,
    interactive: Estimate,
    background: Estimate,
}

#[derive(Serialize)]
struct Estimate {
    mean: f64,
    low: f64,
    high: f64,
}

#[derive(Serialize)]
struct Definition {
    metric: &'static str,
    unit: &'static str,
    better: Option<&'static str>,
    tail: bool,
    definition: &'static str,
}

#[derive(Serialize)]
struct Strategy<'a> {
    name: &'a str,
    oracle: bool,
    unsafe_releases: u64,
    ungated: u64,
    pareto: Option<Pareto>,
    regret: Option<RegretRow>,
    off_policy: Option<OffPolicyRow>,
    metrics: Vec<Said>,
    buckets: serde_json::Map<String, serde_json::Value>,
    shapes: ShapeRows,
}

#[derive(Serialize)]
struct Pareto {
    free: bool,
    share: f64,
}

#[derive(Serialize)]
struct Said {
    metric: &'static str,
    mean: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    /// Of a tail: the median of the replications.
    median: Option<MedianRow>,
    contrast: Option<ContrastRow>,
}

#[derive(Serialize)]
struct MedianRow {
    value: f64,
    low: f64,
    high: f64,
}

#[derive(Serialize)]
struct ContrastRow {
    difference: f64,
    low: f64,
    high: f64,
    unpaired_low: f64,
    unpaired_high: f64,
    variance_ratio: Option<f64>,
    p: f64,
    adjusted_p: f64,
    verdict: &'static str,
}

#[derive(Serialize)]
struct ControlRow {
    metric: &'static str,
    difference: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    p: Option<f64>,
    alarms: Option<u32>,
    deals: Option<u32>,
    rate_low: Option<f64>,
    rate_high: Option<f64>,
}

#[derive(Serialize)]
struct BestRow<'a> {
    strategy: Option<&'a str>,
    left: Vec<&'a str>,
    confidence: f64,
    indifference: f64,
}

#[derive(Serialize)]
struct GateRow<'a> {
    strategy: &'a str,
    metric: &'static str,
    bound: Bound<'a>,
    mean: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    verdict: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Bound<'a> {
    AtLeast(f64),
    AtMost(f64),
    NoWorseThan { strategy: &'a str, by: f64 },
}

#[derive(Serialize)]
struct Broken<'a> {
    seed: u64,
    strategy: &'a str,
    why: &'a str,
}

#[derive(Serialize)]
struct Run<'a> {
    seed: u64,
    strategy: Option<&'a str>,
    tasks: u64,
    buckets: serde_json::Map<String, serde_json::Value>,
    values: serde_json::Map<String, serde_json::Value>,
    regret: Option<f64>,
    choices: Vec<Choice>,
    shapes: ShapeRows,
}

#[derive(Serialize)]
struct Choice {
    job: u32,
    at: f64,
    chosen: &'static str,
    propensity: f64,
    context: u32,
    known_at: Option<f64>,
    good: Option<bool>,
}

impl<'a> Document<'a> {
    pub(super) fn of(report: &CompareReport<'a>) -> Self {
        let CompareReport {
            comparison,
            study,
            findings,
        } = *report;
        let name = |place: usize| &*comparison.strategies[place].name;
        Self {
            format: "lanebench-comparison",
            version: VERSION,
            file: &comparison.name,
            title: &comparison.title.value,
            hypothesis: comparison.hypothesis.as_deref(),
            metric: comparison.metric.word(),
            indifference: comparison.indifference,
            alpha: comparison.alpha,
            reference: name(comparison.reference),
            standing: findings.standing().word(),
            converged: findings.converged,
            replications: study.replications.len(),
            tasks: findings.tasks,
            warm_up: warm_up(comparison),
            monotony: MonotonyRow {
                asked: findings.monotony.0,
                compared: findings.monotony.1,
            },
            definitions: comparison
                .metrics
                .iter()
                .map(|metric| definition(*metric))
                .collect(),
            strategies: strategies(report),
            controls: comparison
                .metrics
                .iter()
                .zip(&findings.controls)
                .map(|(metric, control)| control_row(*metric, control.as_ref()))
                .collect(),
            best: findings.best.as_ref().map(|best| BestRow {
                strategy: best.selection.best.map(name),
                left: best.selection.left.iter().map(|place| name(*place)).collect(),
                confidence: best.confidence,
                indifference: best.indifference,
            }),
            gates: gates(report),
            broken: findings
                .broken
                .iter()
                .map(|(seed, strategy, why)| Broken {
                    seed: seed.0,
                    strategy: name(*strategy),
                    why,
                })
                .collect(),
            runs: runs(report),
        }
    }
}

fn warm_up(comparison: &Comparison) -> WarmUpRow {
    let cuts = comparison.cut().into_iter().flat_map(|cut| &cut.strategies);
    WarmUpRow {
        rule: match comparison.rule {
            WarmUp::Fixed => "fixed",
            WarmUp::Mser5(_) => "mser-5",
        },
        seconds: comparison.warm_up.since(SimTime::START).as_secs_f64(),
        strategies: cuts
            .map(|cut| CutRow {
                seconds: SimDuration::from_ticks(cut.ticks).as_secs_f64(),
                settled: cut.settled,
                course: cut.course.iter().map(|jobs| *jobs as f64 / 1_000.0).collect(),
            })
            .collect(),
    }
}

fn regret(found: &RegretFinding) -> RegretRow {
    RegretRow {
        decisions: found.decisions,
        mean: found.mean,
        low: found.interval.low,
        high: found.interval.high,
        gain: found.gain,
        gain_low: found.gain_interval.low,
        gain_high: found.gain_interval.high,
    }
}

fn off_policy(found: &OffPolicy) -> OffPolicyRow {
    let estimate = |(mean, interval): (f64, Interval)| Estimate {
        mean,
        low: interval.low,
        high: interval.high,
    };
    OffPolicyRow {
        choices: found.choices,
        reward: estimate(found.reward),
        interactive: estimate(found.interactive),
        background: estimate(found.background),
    }
}

fn definition(metric: Metric) -> Definition {
    Definition {
        metric: metric.word(),
        unit: metric.unit().word(),
        better: metric.direction().map(|direction| match direction {
            Direction::Up => "more",
            Direction::Down => "less",
        }),
        tail: metric.is_tail(),
        definition: metric.definition(),
    }
}

fn strategies<'a>(report: &CompareReport<'a>) -> Vec<Strategy<'a>> {
    let CompareReport {
        comparison,
        study,
        findings,
    } = *report;
    let each = comparison.strategies.iter().enumerate();
    each.map(|(place, named)| Strategy {
        name: &named.name,
        oracle: named.strategy.is_oracle(),
        unsafe_releases: findings.unsafe_releases[place],
        ungated: findings.ungated[place],
        pareto: findings.pareto.as_ref().map(|set| Pareto {
            free: set[place].0,
            share: set[place].1,
        }),
        regret: findings
            .regrets
            .as_ref()
            .and_then(|regrets| regrets[place].as_ref())
            .map(regret),
        off_policy: findings.off_policy[place].as_ref().map(off_policy),
        metrics: comparison
            .metrics
            .iter()
            .zip(&findings.cells)
            .map(|(metric, row)| said(*metric, &row[place]))
            .collect(),
        buckets: buckets(&study.buckets(place)),
        shapes: ShapeRows::of(&study.shapes(place)),
    })
    .collect()
}

fn buckets(counts: &[u64; Bucket::ALL.len()]) -> serde_json::Map<String, serde_json::Value> {
    let pairs = Bucket::ALL.iter().zip(counts);
    pairs
        .map(|(bucket, count)| (Metric::of(*bucket).word().to_owned(), (*count).into()))
        .collect()
}

fn said(metric: Metric, cell: &Cell) -> Said {
    let word = metric.word();
    match cell {
        Cell::Silent => Said {
            metric: word,
            mean: None,
            low: None,
            high: None,
            median: None,
            contrast: None,
        },
        Cell::Said {
            mean,
            interval,
            median,
            contrast,
        } => Said {
            metric: word,
            mean: Some(*mean),
            low: Some(interval.low),
            high: Some(interval.high),
            median: median.map(|(value, interval)| MedianRow {
                value,
                low: interval.low,
                high: interval.high,
            }),
            contrast: contrast.map(|contrast| {
                let Paired {
                    difference,
                    interval,
                    unpaired,
                    variance_ratio,
                } = contrast.paired;
                ContrastRow {
                    difference,
                    low: interval.low,
                    high: interval.high,
                    unpaired_low: unpaired.low,
                    unpaired_high: unpaired.high,
                    variance_ratio: Some(variance_ratio).filter(|ratio| ratio.is_finite()),
                    p: contrast.p,
                    adjusted_p: contrast.adjusted,
                    verdict: contrast.verdict.word(),
                }
            }),
        },
    }
}

fn control_row(metric: Metric, control: Option<&Control>) -> ControlRow {
    ControlRow {
        metric: metric.word(),
        difference: control.map(|control| control.paired.difference),
        low: control.map(|control| control.paired.interval.low),
        high: control.map(|control| control.paired.interval.high),
        p: control.map(|control| control.p),
        alarms: control.map(|control| control.alarms),
        deals: control.map(|control| control.deals),
        rate_low: control.map(|control| control.rate.low),
        rate_high: control.map(|control| control.rate.high),
    }
}

fn gates<'a>(report: &CompareReport<'a>) -> Vec<GateRow<'a>> {
    let CompareReport {
        comparison, findings, ..
    } = *report;
    let name = |place: usize| &*comparison.strategies[place].name;
    let pairs = comparison.gates.iter().zip(&findings.gates);
    pairs
        .map(|(gate, found)| GateRow {
            strategy: name(gate.strategy),
            metric: gate.metric.word(),
            bound: match gate.bound {
                GateBound::AtLeast(least) => Bound::AtLeast(least),
                GateBound::AtMost(most) => Bound::AtMost(most),
                GateBound::NoWorseThan(other, by) => Bound::NoWorseThan {
                    strategy: name(other),
                    by,
                },
            },
            mean: found.mean,
            low: found.interval.map(|Interval { low, .. }| low),
            high: found.interval.map(|Interval { high, .. }| high),
            verdict: found.verdict.word(),
        })
        .collect()
}

fn runs<'a>(report: &CompareReport<'a>) -> Vec<Run<'a>> {
    let CompareReport {
        comparison, study, ..
    } = *report;
    let mut runs = Vec::new();
    for replication in &study.replications {
        for (named, outcome) in comparison.strategies.iter().zip(&replication.outcomes) {
            runs.push(run(replication.seed.0, Some(&named.name), outcome));
        }
        runs.push(run(replication.seed.0, None, &replication.control));
    }
    runs
}

fn choice(drawn: &Drawn) -> Choice {
    let seconds = |ticks| SimDuration::from_ticks(ticks).as_secs_f64();
    Choice {
        job: drawn.job,
        at: seconds(drawn.at),
        chosen: drawn.arm().word(),
        propensity: drawn.propensity,
        context: drawn.context,
        known_at: drawn.came.map(|(at, _)| seconds(at)),
        good: drawn.came.map(|(_, good)| good),
    }
}

fn run<'a>(seed: u64, strategy: Option<&'a str>, outcome: &Outcome) -> Run<'a> {
    let measures = &outcome.measures;
    let values = Metric::ALL.iter().zip(&measures.values);
    Run {
        seed,
        strategy,
        tasks: measures.tasks,
        buckets: buckets(&measures.buckets),
        values: values
            .map(|(metric, value)| (metric.word().to_owned(), (*value).into()))
            .collect(),
        regret: outcome.regret.and_then(|regret| regret.mean()),
        choices: outcome.drawn.iter().map(choice).collect(),
        shapes: ShapeRows::of(&measures.shapes),
    }
}
