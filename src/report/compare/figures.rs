//! The figures of a study.

use super::CompareReport;
use super::number::{number, unit};
use crate::report::chart::{
    Axis, BarRow, Curve, CurvePoint, Curves, Figure, IntervalRow, Intervals, Point, Points, bars, curves,
    intervals, points,
};
use crate::sim::compare::Cell;
use crate::sim::metric::{Bucket, Metric, SLOTS, Shapes, Slot, Spread, Unit};
use crate::sim::stats::{Direction, pareto};
use crate::units::SimTime;

/// The buckets from what went well to what went wrong, with the series whose look each has: neighbours are apart.
pub(super) const ORDER: [(Bucket, usize); 14] = [
    (Bucket::InTime, 2),
    (Bucket::Late, 5),
    (Bucket::Partial, 3),
    (Bucket::Stranded, 4),
    (Bucket::Abandoned, 1),
    (Bucket::Shed, 7),
    (Bucket::Misjudged, 14),
    (Bucket::Expired, 0),
    (Bucket::TimedOut, 6),
    (Bucket::Failed, 9),
    (Bucket::Denied, 11),
    (Bucket::Cancelled, 15),
    (Bucket::Parked, 12),
    (Bucket::Open, 13),
];

/// The figures of a study; what no task speaks about is not drawn.
pub(super) struct Figures {
    /// The differences to the reference, for each metric of the report.
    pub(super) differences: Vec<Option<Figure>>,
    /// How waits are spread, and their tails.
    pub(super) spreads: Vec<Figure>,
    /// The deciding metric against each other one.
    pub(super) fronts: Vec<Figure>,
    /// Where tasks end up.
    pub(super) buckets: Figure,
    /// How it went over time.
    pub(super) course: Vec<Figure>,
}

impl Figures {
    /// Draws them all.
    pub(super) fn of(report: &CompareReport<'_>) -> Self {
        let strategies = 0..report.comparison.strategies.len();
        let shapes: Vec<Shapes> = strategies.map(|place| report.study.shapes(place)).collect();
        let metrics = report.comparison.metrics.iter().enumerate();
        Self {
            differences: metrics
                .map(|(place, metric)| differences(report, *metric, place))
                .collect(),
            spreads: [
                spread(report, &shapes, "live_wait", |shapes| &shapes.live_waits),
                spread(report, &shapes, "result_time", |shapes| &shapes.result_times),
            ]
            .into_iter()
            .flatten()
            .flatten()
            .collect(),
            fronts: (1..report.comparison.metrics.len())
                .filter_map(|place| front(report, place))
                .collect(),
            buckets: buckets(report),
            course: [
                warm_up(report),
                abandonment(report, &shapes),
                approvers(report, &shapes),
            ]
            .into_iter()
            .flatten()
            .collect(),
        }
    }

    /// All of them, in the order of the page.
    pub(super) fn all(&self) -> impl Iterator<Item = &Figure> {
        let first = self.differences.iter().flatten().chain(&self.fronts);
        first
            .chain(&self.spreads)
            .chain([&self.buckets])
            .chain(&self.course)
    }
}

/// Every figure of a study as a file: its name and its text.
#[must_use]
pub fn compare_figures(report: &CompareReport<'_>) -> Vec<(String, String)> {
    let figures = Figures::of(report);
    figures
        .all()
        .map(|figure| (file_of(figure), figure.file()))
        .collect()
}

/// The name of the file of a figure.
pub(super) fn file_of(figure: &Figure) -> String {
    format!("{}.svg", figure.name)
}

fn named<'a>(report: &CompareReport<'a>, place: usize) -> &'a str {
    &report.comparison.strategies[place].name
}

/// A metric for readers.
pub(super) fn words(metric: Metric) -> String {
    metric.word().replace('_', " ")
}

pub(super) fn dashed(word: &str) -> String {
    word.replace('_', "-")
}

fn differences(report: &CompareReport<'_>, metric: Metric, place: usize) -> Option<Figure> {
    let CompareReport {
        comparison, findings, ..
    } = *report;
    let reference = named(report, comparison.reference);
    let mut rows = Vec::new();
    let mut said = Vec::new();
    for (strategy, cell) in findings.cells[place].iter().enumerate() {
        if strategy == comparison.reference {
            continue;
        }
        let contrast = match cell {
            Cell::Said { contrast, .. } => *contrast,
            Cell::Silent => None,
        };
        let value = contrast.map(|contrast| {
            let paired = contrast.paired;
            (paired.difference, paired.interval.low, paired.interval.high)
        });
        let word = contrast.map_or("not known", |contrast| contrast.verdict.word());
        said.push(match value {
            Some((value, low, high)) => format!(
                "{}: {} ({} to {}), {word}",
                named(report, strategy),
                number(value),
                number(low),
                number(high)
            ),
            None => format!("{}: not known", named(report, strategy)),
        });
        rows.push(IntervalRow {
            series: strategy,
            name: named(report, strategy),
            value,
            word,
        });
    }
    rows.iter().any(|row| row.value.is_some()).then(|| {
        intervals(Intervals {
            name: format!("difference-{}", dashed(metric.word())),
            title: format!("{}: difference to {reference}", words(metric)),
            description: said.join("; "),
            label: format!("difference in {}{}", measure(metric), better(metric)),
            note: "paired by replication, with intervals".to_owned(),
            zone: comparison.indifference.filter(|_| place == 0),
            range: range_of_differences(metric),
            rows,
        })
    })
}

/// Between what a metric may lie; its intervals may reach further.
pub(super) const fn range(metric: Metric) -> (f64, f64) {
    match metric.unit() {
        Unit::Share | Unit::Index => (0.0, 1.0),
        Unit::Count | Unit::PerHour | Unit::PerTask | Unit::Seconds | Unit::Money => (0.0, f64::INFINITY),
    }
}

/// The same of the difference of two.
pub(super) const fn range_of_differences(metric: Metric) -> (f64, f64) {
    let (least, most) = range(metric);
    (least - most, most - least)
}

pub(super) fn measure(metric: Metric) -> &'static str {
    match unit(metric.unit()) {
        "share" => "shares of 1",
        "count" => "number",
        other => other,
    }
}

pub(super) fn better(metric: Metric) -> &'static str {
    match metric.direction() {
        Some(Direction::Up) => "; right is better",
        Some(Direction::Down) => "; left is better",
        None => "",
    }
}

/// The distribution function of a spread and its tail; none if no task ever got there.
fn spread(
    report: &CompareReport<'_>,
    shapes: &[Shapes],
    word: &str,
    pick: fn(&Shapes) -> &Spread,
) -> Option<[Figure; 2]> {
    let spreads: Vec<&Spread> = shapes.iter().map(pick).collect();
    let edges = spreads.iter().flat_map(|spread| spread.bins());
    let (low, high) = edges.fold((f64::INFINITY, 0.0_f64), |(low, high), (edge, _)| {
        let edge = edge.as_secs_f64();
        (low.min(edge), high.max(edge))
    });
    let least = spreads.iter().map(|spread| spread.count()).max().unwrap_or(0);
    if high <= 0.0 {
        return None;
    }
    let what = match word {
        "live_wait" => "time from submission to the first output",
        _ => "time from submission to the result",
    };
    let said: Vec<String> = spreads
        .iter()
        .enumerate()
        .map(|(place, spread)| format!("{}: {}", named(report, place), in_words(spread)))
        .collect();
    let draw = |name: &str, title: String, y: Axis, of: fn(f64) -> f64| {
        let each = spreads.iter().enumerate();
        curves(Curves {
            name: format!("{}-{name}", dashed(word)),
            title,
            description: said.join("; "),
            x: Axis::lengths(what, low, high),
            y,
            stepped: true,
            zone: None,
            curves: each
                .map(|(place, spread)| curve_of(place, named(report, place), spread, of))
                .collect(),
        })
    };
    let title = word.replace('_', " ");
    Some([
        draw(
            "distribution",
            format!("{title}: how many tasks have waited no longer"),
            Axis::shares("share of all tasks asked about"),
            |share| share,
        ),
        draw(
            "tail",
            format!("{title}: how many tasks wait longer still"),
            Axis::tail(
                "share of all tasks asked about, logarithmic",
                1.0 / least.max(1) as f64,
            ),
            |share| 1.0 - share,
        ),
    ])
}

fn in_words(spread: &Spread) -> String {
    let within = |share: f64| match spread.quantile(share) {
        Some(length) => format!("{} s", number(length.as_secs_f64())),
        None => "no time".to_owned(),
    };
    format!(
        "half within {}, 95 % within {}, {} of {} never",
        within(0.5),
        within(0.95),
        spread.without(),
        spread.count()
    )
}

fn curve_of<'a>(series: usize, name: &'a str, spread: &Spread, of: fn(f64) -> f64) -> Curve<'a> {
    let all = spread.count().max(1) as f64;
    let mut seen = 0;
    let point = |x: f64, seen: u64| CurvePoint {
        x,
        y: of(seen as f64 / all),
        reach: None,
    };
    let mut points = vec![point(0.0, 0)];
    for (edge, count) in spread.bins() {
        seen += count;
        points.push(point(edge.as_secs_f64(), seen));
    }
    Curve { series, name, points }
}

/// The deciding metric against the one at a place.
fn front(report: &CompareReport<'_>, place: usize) -> Option<Figure> {
    let CompareReport {
        comparison, findings, ..
    } = *report;
    let (upwards, across) = (comparison.metrics[0], comparison.metrics[place]);
    let directions = [across.direction()?, upwards.direction()?];
    let mut found = Vec::new();
    for strategy in 0..comparison.strategies.len() {
        let of = |metric: usize| match &findings.cells[metric][strategy] {
            Cell::Said { mean, interval, .. } => Some((*mean, interval.low, interval.high)),
            Cell::Silent => None,
        };
        if let (Some(x), Some(y)) = (of(place), of(0)) {
            found.push(Point {
                series: strategy,
                name: named(report, strategy),
                x,
                y,
                free: false,
            });
        }
    }
    let means: Vec<Vec<f64>> = found.iter().map(|point| vec![point.x.0, point.y.0]).collect();
    for (point, free) in found.iter_mut().zip(pareto(&means, &directions)) {
        point.free = free;
    }
    let free: Vec<&str> = found
        .iter()
        .filter(|point| point.free)
        .map(|point| point.name)
        .collect();
    let axis = |metric: Metric, more: &str, less: &str| {
        let better = if metric.direction() == Some(Direction::Up) {
            more
        } else {
            less
        };
        format!("{} ({}); {better} is better", words(metric), unit(metric.unit()))
    };
    (found.len() > 1).then(|| {
        points(Points {
            name: format!("front-{}", dashed(across.word())),
            title: format!("{} against {}", words(upwards), words(across)),
            description: format!("beaten in both by no other strategy: {}", free.join(", ")),
            x: axis(across, "right", "left"),
            y: axis(upwards, "up", "down"),
            ranges: [range(across), range(upwards)],
            points: found,
        })
    })
}

fn buckets(report: &CompareReport<'_>) -> Figure {
    let names = ORDER.map(|(bucket, series)| (series, words(Metric::of(bucket))));
    let parts = names.each_ref().map(|(series, name)| (*series, name.as_str()));
    let mut said = Vec::new();
    let mut rows = Vec::new();
    for strategy in 0..report.comparison.strategies.len() {
        let counts = report.study.buckets(strategy);
        let all = counts.iter().sum::<u64>().max(1) as f64;
        let shares: Vec<f64> = ORDER
            .iter()
            .map(|(bucket, _)| counts[*bucket as usize] as f64 / all)
            .collect();
        let main: Vec<String> = shares
            .iter()
            .zip(&parts)
            .filter(|(share, _)| **share > 0.0)
            .map(|(share, (_, part))| format!("{part} {} %", number(share * 100.0)))
            .collect();
        said.push(format!("{}: {}", named(report, strategy), main.join(", ")));
        rows.push(BarRow {
            name: named(report, strategy),
            shares,
        });
    }
    let title = "where tasks end up: every task in one bucket";
    bars(("buckets", title, said.join("; ")), &parts, &rows)
}

/// A figure over the time in which tasks arrive.
fn over_time(
    report: &CompareReport<'_>,
    shapes: &[Shapes],
    (name, title, label): (&str, &str, &str),
    of: impl Fn(&Slot) -> Option<f64>,
) -> Figure {
    let CompareReport { comparison, .. } = *report;
    let seconds = |at: SimTime| at.since(SimTime::START).as_secs_f64();
    let (until, warm) = (seconds(comparison.until), seconds(comparison.warm_up));
    let (word, scale) = match until {
        until if until >= 7_200.0 => ("hours", 3_600.0),
        until if until >= 120.0 => ("minutes", 60.0),
        _ => ("seconds", 1.0),
    };
    let slot = until / scale / SLOTS as f64;
    let curve = |(place, shapes): (usize, &Shapes)| {
        let slots = shapes.course.slots.iter().take(SLOTS).zip(0_u32..);
        let mut points: Vec<CurvePoint> = slots
            .filter_map(|(one, number)| {
                Some(CurvePoint {
                    x: f64::from(number) * slot,
                    y: of(one)?,
                    reach: None,
                })
            })
            .collect();
        points.extend(points.last().copied().map(|last| CurvePoint {
            x: until / scale,
            ..last
        }));
        Curve {
            series: place,
            name: named(report, place),
            points,
        }
    };
    let all: Vec<Curve<'_>> = shapes.iter().enumerate().map(curve).collect();
    let most = all
        .iter()
        .flat_map(|curve| &curve.points)
        .map(|point| point.y)
        .fold(0.0, f64::max);
    let said: Vec<String> = all
        .iter()
        .map(|curve| {
            let most = curve.points.iter().map(|point| point.y).fold(0.0, f64::max);
            format!("{}: at most {}", curve.name, number(most))
        })
        .collect();
    curves(Curves {
        name: name.to_owned(),
        title: title.to_owned(),
        description: said.join("; "),
        x: Axis::numbers(&format!("{word} since the start"), 0.0, until / scale),
        y: Axis::numbers(label, 0.0, most),
        stepped: true,
        zone: (warm > 0.0).then_some((0.0, warm / scale)),
        curves: all,
    })
}

/// The jobs in the system of the pilots, and where the rule cuts.
fn warm_up(report: &CompareReport<'_>) -> Option<Figure> {
    let comparison = report.comparison;
    let cut = comparison.cut()?;
    let minutes = |at: SimTime| at.since(SimTime::START).as_secs_f64() / 60.0;
    let until = minutes(comparison.until);
    let all: Vec<Curve<'_>> = cut
        .strategies
        .iter()
        .enumerate()
        .map(|(place, cut)| {
            let batch = until / cut.course.len().max(1) as f64;
            let points = cut.course.iter().zip(0_u32..).map(|(jobs, number)| CurvePoint {
                x: f64::from(number) * batch,
                y: *jobs as f64 / 1_000.0,
                reach: None,
            });
            Curve {
                series: place,
                name: named(report, place),
                points: points.collect(),
            }
        })
        .collect();
    let points = all.iter().flat_map(|curve| &curve.points);
    let most = points.map(|point| point.y).fold(0.0, f64::max);
    Some(curves(Curves {
        name: "warm-up".to_owned(),
        title: "jobs in the system in the pilots, and the warm-up".to_owned(),
        description: super::text::warm_up(comparison, cut),
        x: Axis::numbers("minutes since the start", 0.0, until),
        y: Axis::numbers("mean number of jobs in the system", 0.0, most),
        stepped: true,
        zone: Some((0.0, minutes(cut.at()))),
        curves: all,
    }))
}

fn abandonment(report: &CompareReport<'_>, shapes: &[Shapes]) -> Option<Figure> {
    let any = shapes
        .iter()
        .flat_map(|shapes| &shapes.course.slots)
        .any(|slot| slot.forsaken > 0);
    any.then(|| {
        let what = (
            "abandonment-over-time",
            "abandoned or stranded, by the time of submission",
            "share of the tasks submitted in a slot",
        );
        over_time(report, shapes, what, |slot| {
            (slot.submitted > 0).then(|| slot.forsaken as f64 / slot.submitted as f64)
        })
    })
}

fn approvers(report: &CompareReport<'_>, shapes: &[Shapes]) -> Option<Figure> {
    let CompareReport {
        comparison, study, ..
    } = *report;
    let any = shapes
        .iter()
        .flat_map(|shapes| &shapes.course.slots)
        .any(|slot| slot.asked > 0);
    let hours = comparison.until.since(SimTime::START).as_secs_f64() / 3_600.0 / SLOTS as f64;
    let people = comparison.world.people.approvers.len() * study.replications.len();
    (any && people > 0).then(|| {
        let what = (
            "approver-load",
            "approval requests put before people",
            "requests an hour for each approver",
        );
        over_time(report, shapes, what, |slot| {
            Some(slot.asked as f64 / hours / people as f64)
        })
    })
}
