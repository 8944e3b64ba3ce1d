//! What the replications say.

use super::plan::{Comparison, GateBound};
use super::regret::Regret;
use super::study::{Replication, Study, series};
use crate::rng::{Purpose, Seed};
use crate::sim::metric::{Metric, Unit};
use crate::sim::stats::{
    Direction, Interval, Moments, Paired, Resamples, Selection, bootstrap, holm, mean_interval, paired,
    pareto, quantile, quantile_interval, select_best, share_interval, student_beyond,
};
use crate::sim::strategy::{Drawn, inverse_propensity, mean_reward};
use crate::trace::Execution;

/// How many resamples stand behind an interval of a tail, and behind the Pareto set.
const RESAMPLES: u32 = 2_000;
/// How often the runs of the control are dealt anew.
const DEALS: u32 = 1_000;
/// The chance of everything that resamples.
const CHANCE: Seed = Seed(0x1a9e_be7c);

/// Everything that is said about a study.
#[derive(Debug, Clone, PartialEq)]
pub struct Findings {
    /// Whether there were enough replications before the cap.
    pub converged: bool,
    /// Effects without a grant, over all runs of all strategies: by strategy.
    pub unsafe_releases: Vec<u64>,
    /// Tasks that asked for a consequential act without a boundary: by strategy.
    pub ungated: Vec<u64>,
    /// For each metric of the report, what is said of each strategy.
    pub cells: Vec<Vec<Cell>>,
    /// The reference against itself on other luck, for each metric of the report.
    pub controls: Vec<Option<Control>>,
    /// Which strategies nobody beats in all metrics of the report, and with which share of the resamples.
    pub pareto: Option<Vec<(bool, f64)>>,
    /// The best strategy by the deciding metric.
    pub best: Option<Best>,
    /// What the gates say, in their order.
    pub gates: Vec<GateFinding>,
    /// Strategies of which the pilots of a warm-up rule saw no steady state.
    pub unsettled: Vec<usize>,
    /// Jobs that got a place both in the run of the reference and in the one with relief, and those of them for which it
    /// is a law that they wait no longer there.
    pub monotony: (u64, u64),
    /// What decisions have lost, by strategy, if that was asked for; none of a strategy of which nothing is known.
    pub regrets: Option<Vec<Option<RegretFinding>>>,
    /// What the choices that a strategy drew say of lanes that it did not choose, by strategy; none of one that draws nothing.
    pub off_policy: Vec<Option<OffPolicy>>,
    /// Runs that are no evidence: seed, strategy, why.
    pub broken: Vec<(Seed, usize, String)>,
    /// The tasks of all replications that count, for one strategy.
    pub tasks: u64,
}

/// What is said of a strategy in one metric.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing: some replication has no task that speaks about it.
    Silent,
    /// This.
    Said {
        /// The mean over the replications.
        mean: f64,
        /// Its interval.
        interval: Interval,
        /// Of a tail, the median of the replications and its interval from their order statistics, whatever their law; none of too
        /// few replications.
        median: Option<(f64, Interval)>,
        /// How it differs from the reference; none of the reference itself.
        contrast: Option<Contrast>,
    },
}

/// How a strategy differs from the reference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contrast {
    /// The differences, pairwise.
    pub paired: Paired,
    /// The probability of at least such a difference where there is none.
    pub p: f64,
    /// The same, adjusted for all questions of the report.
    pub adjusted: f64,
    /// In a word.
    pub verdict: Verdict,
}

/// A difference in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Better than the reference.
    Better,
    /// Worse than the reference.
    Worse,
    /// Different, of a metric that has no better and no worse.
    Different,
    /// The whole interval lies where differences do not matter.
    Equivalent,
    /// The same in every replication, to the last digit.
    Identical,
    /// Not decided.
    Open,
}

impl Verdict {
    /// The word used in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Different => "different",
            Self::Equivalent => "equivalent",
            Self::Identical => "identical",
            Self::Open => "not decided",
        }
    }
}

/// The reference against itself, on luck of its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Control {
    /// The difference of the two, judged as any other.
    pub paired: Paired,
    /// Its probability.
    pub p: f64,
    /// How many of the deals of the same runs into two hands the test would call a difference.
    pub alarms: u32,
    /// How often they were dealt.
    pub deals: u32,
    /// The interval of their share.
    pub rate: Interval,
}

/// What the decisions of a strategy have lost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RegretFinding {
    /// At how many decisions the world was forked, over all replications.
    pub decisions: u64,
    /// The mean over the replications of the mean regret of a decision.
    pub mean: f64,
    /// Its interval.
    pub interval: Interval,
    /// What the other way would have gained on average, losses and all.
    pub gain: f64,
    /// Its interval.
    pub gain_interval: Interval,
}

/// What the choices that a strategy drew say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OffPolicy {
    /// How many choices, over all replications.
    pub choices: u64,
    /// The mean over the replications of the mean reward of a choice, with its interval: whether its job ended whole, in time, and
    /// for somebody, as far as the runtime knew.
    pub reward: (f64, Interval),
    /// The same if every choice had been the interactive lane, estimated by inverse propensities.
    pub interactive: (f64, Interval),
    /// The same if every one had been the background.
    pub background: (f64, Interval),
}

/// The best strategy.
#[derive(Debug, Clone, PartialEq)]
pub struct Best {
    /// What the selection says.
    pub selection: Selection,
    /// With what probability at least.
    pub confidence: f64,
    /// If it is better than all others by at least this.
    pub indifference: f64,
}

/// What a gate says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GateFinding {
    /// What was measured: the mean, or the difference.
    pub mean: Option<f64>,
    /// Its interval.
    pub interval: Option<Interval>,
    /// In a word.
    pub verdict: GateVerdict,
}

/// A gate in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateVerdict {
    /// The whole interval lies on the right side.
    Held,
    /// The whole interval lies on the wrong side.
    Failed,
    /// The interval lies on both sides.
    Undecided,
}

impl GateVerdict {
    /// The word used in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Failed => "failed",
            Self::Undecided => "not decided",
        }
    }
}

/// How a study ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Decided, and nothing unsafe.
    Decided,
    /// An effect was released without a grant, or a consequential task got no boundary, or a gate failed.
    Failed,
    /// The evidence does not decide.
    Undecided,
}

impl Findings {
    /// What the replications of a study say.
    #[must_use]
    pub fn of(comparison: &Comparison, study: &Study) -> Self {
        let replications = &study.replications;
        let total = |metric: Metric| -> Vec<u64> {
            let of = |strategy: usize| {
                let values = replications
                    .iter()
                    .filter_map(|replication| replication.outcomes.get(strategy)?.measures.value(metric));
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "whole numbers of things, and casts saturate"
                )]
                values.map(|value| value as u64).sum()
            };
            (0..comparison.strategies.len()).map(of).collect()
        };
        Self {
            converged: comparison.converged(replications),
            unsafe_releases: total(Metric::UnsafeReleases),
            ungated: total(Metric::Ungated),
            cells: cells(comparison, replications),
            controls: comparison
                .metrics
                .iter()
                .map(|metric| control(comparison, replications, *metric))
                .collect(),
            pareto: pareto_set(comparison, replications),
            best: best(comparison, replications),
            gates: gates(comparison, replications),
            unsettled: unsettled(replications),
            monotony: replications.iter().fold((0, 0), |(asked, compared), one| {
                (asked + one.monotony.asked, compared + one.monotony.compared)
            }),
            off_policy: (0..comparison.strategies.len())
                .map(|strategy| off_policy(comparison, replications, strategy))
                .collect(),
            regrets: comparison.regret_of.map(|_| {
                let strategies = 0..comparison.strategies.len();
                strategies
                    .map(|strategy| regret(comparison, replications, strategy))
                    .collect()
            }),
            broken: broken(replications),
            tasks: replications
                .iter()
                .filter_map(|replication| Some(replication.outcomes.first()?.measures.tasks))
                .sum(),
        }
    }

    /// How the study ends.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let any = |counts: &[u64]| counts.iter().any(|count| *count > 0);
        let gate = |verdict| self.gates.iter().any(|gate| gate.verdict == verdict);
        match () {
            () if any(&self.unsafe_releases) || any(&self.ungated) => Standing::Failed,
            () if gate(GateVerdict::Failed) => Standing::Failed,
            () if !self.converged || !self.broken.is_empty() || !self.unsettled.is_empty() => {
                Standing::Undecided
            }
            () if gate(GateVerdict::Undecided) => Standing::Undecided,
            () => Standing::Decided,
        }
    }
}

impl Standing {
    /// The word used in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Decided => "decided",
            Self::Failed => "failed",
            Self::Undecided => "undecided",
        }
    }
}

impl Comparison {
    /// The mean of a metric of a strategy over replications, with its interval; none if one of them says nothing about it.
    #[must_use]
    pub fn said(
        &self,
        replications: &[Replication],
        strategy: usize,
        metric: Metric,
    ) -> Option<(f64, Interval)> {
        let values = series(replications, strategy, metric)?;
        let entity = metric as u64 * 2 + ((strategy as u64) << 16);
        Some((
            Moments::of(&values).mean()?,
            possible(metric, interval(self, metric, &values, entity)?),
        ))
    }
}

impl Findings {
    /// How the studies of all points of a sweep end together: as the worst of them.
    #[must_use]
    pub fn standing_of_all(points: &[Self]) -> Standing {
        let any = |standing| points.iter().any(|point| point.standing() == standing);
        match () {
            () if any(Standing::Failed) => Standing::Failed,
            () if any(Standing::Undecided) => Standing::Undecided,
            () => Standing::Decided,
        }
    }
}

/// The pilots are the same for all replications.
fn unsettled(replications: &[Replication]) -> Vec<usize> {
    let cut = replications.first().and_then(|first| first.cut.as_ref());
    let cuts = cut.iter().flat_map(|cut| &cut.strategies).enumerate();
    cuts.filter(|(_, cut)| !cut.settled)
        .map(|(strategy, _)| strategy)
        .collect()
}

fn regret(comparison: &Comparison, replications: &[Replication], strategy: usize) -> Option<RegretFinding> {
    let each = replications.iter().map(|one| one.outcomes.get(strategy)?.regret);
    let regrets: Vec<Regret> = each.collect::<Option<_>>()?;
    let said = |of: fn(&Regret) -> Option<f64>| {
        let values: Vec<f64> = regrets.iter().map(of).collect::<Option<_>>()?;
        let moments = Moments::of(&values);
        Some((moments.mean()?, mean_interval(&moments, 1.0 - comparison.alpha)?))
    };
    let ((mean, interval), (gain, gain_interval)) = (said(Regret::mean)?, said(Regret::mean_gain)?);
    // A gain may be a loss; what was lost by not choosing the best is never below nothing.
    let interval = within(interval, f64::INFINITY);
    Some(RegretFinding {
        decisions: regrets.iter().map(|regret| u64::from(regret.decisions)).sum(),
        mean,
        interval,
        gain,
        gain_interval,
    })
}

fn off_policy(comparison: &Comparison, replications: &[Replication], strategy: usize) -> Option<OffPolicy> {
    let runs = replications
        .iter()
        .filter_map(|one| Some(one.outcomes.get(strategy)?.drawn.as_slice()));
    let drawn: Vec<&[Drawn]> = runs.collect();
    let said = |of: &dyn Fn(&[Drawn]) -> Option<f64>, most: f64| {
        let values: Vec<f64> = drawn.iter().map(|choices| of(choices)).collect::<Option<_>>()?;
        let moments = Moments::of(&values);
        let interval = mean_interval(&moments, 1.0 - comparison.alpha)?;
        Some((moments.mean()?, within(interval, most)))
    };
    // Weights by inverse propensities add up to the number of choices in the mean only: such an estimate may lie above 1.
    let all = |arm| said(&|choices| inverse_propensity(choices, arm), f64::INFINITY);
    Some(OffPolicy {
        choices: drawn.iter().map(|choices| choices.len() as u64).sum(),
        reward: said(&mean_reward, 1.0)?,
        interactive: all(Execution::Interactive)?,
        background: all(Execution::Background)?,
    })
}

fn broken(replications: &[Replication]) -> Vec<(Seed, usize, String)> {
    let each = replications.iter().flat_map(|replication| {
        let outcomes = replication.outcomes.iter().enumerate();
        outcomes.filter_map(|(strategy, outcome)| Some((replication.seed, strategy, outcome.broken.clone()?)))
    });
    each.collect()
}

/// The interval of a mean: Student's, or by resampling whole replications where the metric is a tail.
fn interval(comparison: &Comparison, metric: Metric, values: &[f64], entity: u64) -> Option<Interval> {
    let confidence = 1.0 - comparison.alpha;
    if !metric.is_tail() {
        return mean_interval(&Moments::of(values), confidence);
    }
    let how = Resamples {
        count: RESAMPLES,
        seed: CHANCE,
        entity,
    };
    bootstrap(values.len(), how, confidence, |drawn| mean_of(values, drawn))
}

/// An interval without what a metric cannot be.
fn possible(metric: Metric, interval: Interval) -> Interval {
    let most = match metric.unit() {
        // People who decide side by side are busy for more hours than one of them is there.
        Unit::Share | Unit::Index if metric != Metric::ApproverLoad => 1.0,
        Unit::Share
        | Unit::Index
        | Unit::Seconds
        | Unit::Count
        | Unit::PerTask
        | Unit::PerHour
        | Unit::Money => f64::INFINITY,
    };
    within(interval, most)
}

fn within(interval: Interval, most: f64) -> Interval {
    Interval {
        low: interval.low.clamp(0.0, most),
        high: interval.high.clamp(0.0, most),
    }
}

fn median(comparison: &Comparison, metric: Metric, mut values: Vec<f64>) -> Option<(f64, Interval)> {
    if !metric.is_tail() {
        return None;
    }
    values.sort_by(f64::total_cmp);
    let interval = quantile_interval(&values, 0.5, 1.0 - comparison.alpha)?;
    Some((quantile(&values, 0.5)?, interval))
}

fn mean_of(values: &[f64], drawn: &[usize]) -> f64 {
    drawn.iter().map(|place| values[*place]).sum::<f64>() / drawn.len() as f64
}

/// The two-sided probability of the mean of these differences where there is none.
fn p_value(differences: &[f64]) -> f64 {
    let moments = Moments::of(differences);
    let (Some(mean), Some(error)) = (moments.mean(), moments.error()) else {
        return 1.0;
    };
    if error <= 0.0 {
        return if mean == 0.0 { 1.0 } else { 0.0 };
    }
    student_beyond(mean / error, (moments.count() - 1) as f64)
}

fn differences(first: &[f64], second: &[f64]) -> Vec<f64> {
    first.iter().zip(second).map(|(a, b)| b - a).collect()
}

/// A pairing, with the interval that the metric asks for.
fn pair(
    comparison: &Comparison,
    metric: Metric,
    first: &[f64],
    second: &[f64],
    entity: u64,
) -> Option<Paired> {
    let pair = paired(first, second, 1.0 - comparison.alpha)?;
    let interval = interval(comparison, metric, &differences(first, second), entity)?;
    Some(Paired { interval, ..pair })
}

fn cells(comparison: &Comparison, replications: &[Replication]) -> Vec<Vec<Cell>> {
    let mut cells: Vec<Vec<Cell>> = comparison
        .metrics
        .iter()
        .map(|metric| {
            let strategies = 0..comparison.strategies.len();
            strategies
                .map(|strategy| cell(comparison, replications, *metric, strategy).unwrap_or(Cell::Silent))
                .collect()
        })
        .collect();
    adjust(comparison, &mut cells);
    cells
}

fn cell(
    comparison: &Comparison,
    replications: &[Replication],
    metric: Metric,
    strategy: usize,
) -> Option<Cell> {
    let entity = metric as u64 * 2 + ((strategy as u64) << 16);
    let values = series(replications, strategy, metric)?;
    let contrast = match strategy == comparison.reference {
        true => None,
        false => {
            let reference = series(replications, comparison.reference, metric);
            let contrast = reference.and_then(|reference| {
                let paired = pair(comparison, metric, &reference, &values, entity + 1)?;
                let p = p_value(&differences(&reference, &values));
                Some(Contrast {
                    paired,
                    p,
                    adjusted: p,
                    verdict: Verdict::Open,
                })
            });
            Some(contrast?)
        }
    };
    Some(Cell::Said {
        mean: Moments::of(&values).mean()?,
        interval: possible(metric, interval(comparison, metric, &values, entity)?),
        median: median(comparison, metric, values),
        contrast,
    })
}

/// Adjusts all questions of the report together, and says what comes of each.
fn adjust(comparison: &Comparison, cells: &mut [Vec<Cell>]) {
    let contrasts = |cell: &Cell| match cell {
        Cell::Said {
            contrast: Some(contrast),
            ..
        } => Some(contrast.p),
        Cell::Said { contrast: None, .. } | Cell::Silent => None,
    };
    let p_values: Vec<f64> = cells.iter().flatten().filter_map(contrasts).collect();
    let mut tests = holm(&p_values).into_iter();
    for (row, metric) in cells.iter_mut().zip(&comparison.metrics) {
        for cell in row {
            let Cell::Said {
                contrast: Some(contrast),
                ..
            } = cell
            else {
                continue;
            };
            let Some(test) = tests.next() else { return };
            contrast.adjusted = test.adjusted;
            let zone = comparison.indifference.filter(|_| *metric == comparison.metric);
            contrast.verdict = verdict(contrast, *metric, zone, comparison.alpha);
        }
    }
}

pub(super) fn verdict(contrast: &Contrast, metric: Metric, zone: Option<f64>, alpha: f64) -> Verdict {
    let Paired {
        difference, interval, ..
    } = contrast.paired;
    if difference == 0.0 && interval.half_width() == 0.0 {
        return Verdict::Identical;
    }
    if zone.is_some_and(|zone| interval.low >= -zone && interval.high <= zone) {
        return Verdict::Equivalent;
    }
    if contrast.adjusted > alpha {
        return Verdict::Open;
    }
    match (metric.direction(), difference > 0.0) {
        (None, _) => Verdict::Different,
        (Some(Direction::Up), true) | (Some(Direction::Down), false) => Verdict::Better,
        (Some(Direction::Up), false) | (Some(Direction::Down), true) => Verdict::Worse,
    }
}

/// The reference against itself. Its runs are independent of each other and of the control's, so that dealing all of
/// them anew into two hands makes another control: how often that raises an alarm is what the test really does here.
fn control(comparison: &Comparison, replications: &[Replication], metric: Metric) -> Option<Control> {
    let own = series(replications, comparison.reference, metric)?;
    let apart: Vec<f64> = replications
        .iter()
        .map(|replication| replication.control.measures.value(metric))
        .collect::<Option<_>>()?;
    let paired = pair(
        comparison,
        metric,
        &own,
        &apart,
        u64::from(u32::MAX) + metric as u64,
    )?;
    let all: Vec<f64> = own.iter().chain(&apart).copied().collect();
    let alarms = (0..u64::from(DEALS))
        .filter(|deal| {
            let dealt = shuffled(&all, *deal);
            let (first, second) = dealt.split_at(own.len());
            p_value(&differences(first, second)) <= comparison.alpha
        })
        .count();
    let alarms = u32::try_from(alarms).unwrap_or(DEALS);
    Some(Control {
        paired,
        p: p_value(&differences(&own, &apart)),
        alarms,
        deals: DEALS,
        rate: share_interval(u64::from(alarms), u64::from(DEALS), 1.0 - comparison.alpha)?,
    })
}

/// The numbers in an order that belongs to a deal.
///
/// Source: Fisher and Yates (1938), in the form of Durstenfeld (1964).
fn shuffled(values: &[f64], deal: u64) -> Vec<f64> {
    let mut values = values.to_vec();
    for place in (1..values.len()).rev() {
        let bits = u128::from(CHANCE.bits(Purpose::Resample, deal | (1 << 40), place as u64));
        let other = usize::try_from((bits * (place as u128 + 1)) >> 64).unwrap_or(0);
        values.swap(place, other);
    }
    values
}

fn pareto_set(comparison: &Comparison, replications: &[Replication]) -> Option<Vec<(bool, f64)>> {
    let judged: Vec<(Metric, Direction)> = comparison
        .metrics
        .iter()
        .filter_map(|metric| Some((*metric, metric.direction()?)))
        .collect();
    let directions: Vec<Direction> = judged.iter().map(|(_, direction)| *direction).collect();
    let strategies = 0..comparison.strategies.len();
    let table: Vec<Vec<Vec<f64>>> = strategies
        .clone()
        .map(|strategy| {
            let each = judged
                .iter()
                .map(|(metric, _)| series(replications, strategy, *metric));
            each.collect::<Option<Vec<_>>>()
        })
        .collect::<Option<_>>()?;
    if judged.len() < 2 || replications.len() < 2 {
        return None;
    }
    let of = |drawn: &[usize]| {
        let points: Vec<Vec<f64>> = table
            .iter()
            .map(|metrics| metrics.iter().map(|values| mean_of(values, drawn)).collect())
            .collect();
        pareto(&points, &directions)
    };
    let all: Vec<usize> = (0..replications.len()).collect();
    let free = of(&all);
    let mut counts = vec![0_u32; table.len()];
    let how = Resamples {
        count: RESAMPLES,
        seed: CHANCE,
        entity: u64::MAX,
    };
    // The statistic itself is of no interest: each resample is looked at.
    let _ = bootstrap(replications.len(), how, 0.5, |drawn| {
        for (count, free) in counts.iter_mut().zip(of(drawn)) {
            *count += u32::from(free);
        }
        0.0
    });
    let shares = counts
        .iter()
        .map(|count| f64::from(*count) / f64::from(RESAMPLES));
    Some(free.into_iter().zip(shares).collect())
}

/// The best strategy by the deciding metric, if something is said about what does not matter. Oracles are no
/// candidates.
fn best(comparison: &Comparison, replications: &[Replication]) -> Option<Best> {
    let indifference = comparison.indifference.filter(|zone| *zone > 0.0)?;
    let direction = comparison.metric.direction()?;
    let candidates: Vec<usize> = comparison
        .strategies
        .iter()
        .enumerate()
        .filter(|(_, named)| !named.strategy.is_oracle())
        .map(|(place, _)| place)
        .collect();
    let columns: Vec<Vec<f64>> = candidates
        .iter()
        .map(|strategy| series(replications, *strategy, comparison.metric))
        .collect::<Option<_>>()?;
    let rows: Vec<Vec<f64>> = (0..replications.len())
        .map(|row| columns.iter().map(|column| column[row]).collect())
        .collect();
    let confidence = 1.0 - comparison.alpha;
    let first = comparison.repeats.least as usize;
    let mut selection = select_best(&rows, first, direction, indifference, confidence);
    let named = |place: usize| candidates[place];
    selection.best = selection.best.map(named);
    selection.left = selection.left.into_iter().map(named).collect();
    // Whoever leads is named first: strategies that vary much are left for long, however far behind they are.
    let mean = |strategy: &usize| {
        let place = candidates.iter().position(|one| one == strategy);
        let values = place.map(|place| Moments::of(&columns[place]));
        let mean = values.and_then(|moments| moments.mean()).unwrap_or(0.0);
        match direction {
            Direction::Up => -mean,
            Direction::Down => mean,
        }
    };
    selection.left.sort_by(|a, b| mean(a).total_cmp(&mean(b)));
    Some(Best {
        selection,
        confidence,
        indifference,
    })
}

fn gates(comparison: &Comparison, replications: &[Replication]) -> Vec<GateFinding> {
    let judge = |gate: &super::plan::Gate, number: usize| {
        let entity = (1 << 48) | number as u64;
        let own = series(replications, gate.strategy, gate.metric)?;
        let (values, least, most) = match gate.bound {
            GateBound::AtLeast(least) => (own, Some(least), None),
            GateBound::AtMost(most) => (own, None, Some(most)),
            GateBound::NoWorseThan(other, by) => {
                let others = series(replications, other, gate.metric)?;
                let values = differences(&others, &own);
                match gate.metric.direction()? {
                    Direction::Up => (values, Some(-by), None),
                    Direction::Down => (values, None, Some(by)),
                }
            }
        };
        let measured = interval(comparison, gate.metric, &values, entity)?;
        let interval = match gate.bound {
            GateBound::AtLeast(_) | GateBound::AtMost(_) => possible(gate.metric, measured),
            GateBound::NoWorseThan(..) => measured,
        };
        let right =
            least.is_none_or(|least| interval.low >= least) && most.is_none_or(|most| interval.high <= most);
        let wrong =
            least.is_some_and(|least| interval.high < least) || most.is_some_and(|most| interval.low > most);
        Some(GateFinding {
            mean: Moments::of(&values).mean(),
            interval: Some(interval),
            verdict: match (right, wrong) {
                (true, _) => GateVerdict::Held,
                (_, true) => GateVerdict::Failed,
                (false, false) => GateVerdict::Undecided,
            },
        })
    };
    let silent = GateFinding {
        mean: None,
        interval: None,
        verdict: GateVerdict::Undecided,
    };
    let gates = comparison.gates.iter().enumerate();
    gates
        .map(|(number, gate)| judge(gate, number).unwrap_or(silent))
        .collect()
}
