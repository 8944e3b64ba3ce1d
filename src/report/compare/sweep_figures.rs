//! The figures of a sweep: each metric against what is varied, and where conclusions turn.

use super::SweepReport;
use super::figures::{better, dashed, measure, range, range_of_differences, words};
use super::number::{number, unit};
use crate::report::chart::{Axis, Curve, CurvePoint, Curves, Figure, curves};
use crate::sim::compare::{Scale, Varied};
use crate::sim::metric::Metric;

/// The figures of a sweep; what no task speaks about is not drawn.
pub(super) struct SweepFigures {
    /// How many give up, whatever else is reported.
    pub(super) abandonment: Option<Figure>,
    /// The other metrics of the report.
    pub(super) metrics: Vec<(Metric, Option<Figure>)>,
    /// The differences to the reference in the deciding metric.
    pub(super) sensitivity: Figure,
}

impl SweepFigures {
    /// Draws them all.
    pub(super) fn of(report: &SweepReport<'_>, varied: &Varied) -> Self {
        let metrics = report.sweep.points[0].metrics.iter();
        Self {
            abandonment: against(report, varied, Metric::Abandonment),
            metrics: metrics
                .filter(|metric| **metric != Metric::Abandonment)
                .map(|metric| (*metric, against(report, varied, *metric)))
                .collect(),
            sensitivity: sensitivity(report, varied),
        }
    }

    /// All of them as files, in the order of the page.
    pub(super) fn files(&self) -> Vec<(String, String)> {
        let metrics = self.metrics.iter().filter_map(|(_, figure)| figure.as_ref());
        let all = [&self.sensitivity]
            .into_iter()
            .chain(&self.abandonment)
            .chain(metrics);
        all.map(|figure| (super::figures::file_of(figure), figure.file()))
            .collect()
    }
}

fn axis(varied: &Varied) -> Axis {
    let values: Vec<(f64, &str)> = varied
        .values
        .iter()
        .map(|value| (value.x, &*value.word))
        .collect();
    Axis::written(&varied.what, &values, varied.scale == Scale::Lengths)
}

/// What is varied, fit for the name of a file.
fn slug(varied: &Varied) -> String {
    dashed(&varied.what.replace('.', "-")).to_lowercase()
}

/// From left to right, whatever the order in which values are written.
fn sorted(mut points: Vec<CurvePoint>) -> Vec<CurvePoint> {
    points.sort_by(|a, b| a.x.total_cmp(&b.x));
    points
}

/// A metric of all strategies against what is varied.
fn against(report: &SweepReport<'_>, varied: &Varied, metric: Metric) -> Option<Figure> {
    let first = report.points.first()?.comparison;
    let all: Vec<Curve<'_>> = first
        .strategies
        .iter()
        .enumerate()
        .map(|(strategy, named)| {
            let pairs = varied.values.iter().zip(&report.points);
            let points = pairs.filter_map(|(value, point)| {
                let (mean, interval) = point
                    .comparison
                    .said(&point.study.replications, strategy, metric)?;
                Some(CurvePoint {
                    x: value.x,
                    y: mean,
                    reach: Some((interval.low, interval.high)),
                })
            });
            Curve {
                series: strategy,
                name: &named.name,
                points: sorted(points.collect()),
            }
        })
        .collect();
    if all.iter().all(|curve| curve.points.is_empty()) {
        return None;
    }
    let name = format!("{}-against-{}", dashed(metric.word()), slug(varied));
    let title = format!("{} against {}", words(metric), varied.what);
    let label = format!("{} ({})", words(metric), unit(metric.unit()));
    Some(draw((name, title, label), axis(varied), None, range(metric), all))
}

fn draw(
    (name, title, label): (String, String, String),
    x: Axis,
    zone: Option<f64>,
    range: (f64, f64),
    all: Vec<Curve<'_>>,
) -> Figure {
    let ends = all.iter().flat_map(|curve| &curve.points).flat_map(|point| {
        let (low, high) = point.reach.unwrap_or((point.y, point.y));
        [low, high, point.y]
    });
    let ends = ends.chain(zone.into_iter().flat_map(|zone| [-zone, zone]));
    let (low, high) = ends.fold((0.0_f64, 0.0_f64), |(low, high), end| {
        (low.min(end), high.max(end))
    });
    let said: Vec<String> = all.iter().map(in_words).collect();
    curves(Curves {
        name,
        title,
        description: said.join("; "),
        x,
        y: Axis::numbers_in(&label, low, high, range),
        stepped: false,
        zone: None,
        curves: all,
    })
}

fn in_words(curve: &Curve<'_>) -> String {
    match (curve.points.first(), curve.points.last()) {
        (Some(first), Some(last)) => {
            format!("{}: from {} to {}", curve.name, number(first.y), number(last.y))
        }
        _ => format!("{}: not known", curve.name),
    }
}

/// The differences to the reference against what is varied.
fn sensitivity(report: &SweepReport<'_>, varied: &Varied) -> Figure {
    let first = &report.sweep.points[0];
    let conclusions = report.conclusions.iter();
    let all: Vec<Curve<'_>> = conclusions
        .map(|conclusion| {
            let steps = varied.values.iter().zip(&conclusion.steps);
            let points = steps.filter_map(|(value, step)| {
                let paired = step.as_ref()?.paired;
                Some(CurvePoint {
                    x: value.x,
                    y: paired.difference,
                    reach: Some((paired.interval.low, paired.interval.high)),
                })
            });
            Curve {
                series: conclusion.strategy,
                name: &first.strategies[conclusion.strategy].name,
                points: sorted(points.collect()),
            }
        })
        .collect();
    let reference = &first.strategies[first.reference].name;
    let what = (
        "sensitivity".to_owned(),
        format!(
            "{}: difference to {reference} against {}",
            words(first.metric),
            varied.what
        ),
        format!(
            "difference in {}{}",
            measure(first.metric),
            better(first.metric)
                .replace("right", "up")
                .replace("left", "down")
        ),
    );
    let range = range_of_differences(first.metric);
    draw(what, axis(varied), first.indifference, range, all)
}
