//! The study as a page with plots, in one file that asks for nothing else.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::number::unit;
use super::svg::{Plot, Scale, colour, escape, stroke};
use super::{CompareReport, compare_text};
use crate::report::Paint;
use crate::sim::compare::Cell;
use crate::sim::metric::{Bucket, Metric};
use crate::sim::stats::Moments;

/// How wide plots are.
const WIDTH: f64 = 860.0;
/// Where they begin, behind the names of strategies.
const LEFT: f64 = 190.0;
/// Where they end.
const RIGHT: f64 = 820.0;
/// The height of a row.
const ROW: f64 = 24.0;

/// The whole study as a page: the report, and a plot of each metric with its intervals and its distribution over the
/// replications, of tails, of what trades off, and of where tasks end up. Every plot can be saved as SVG, and says how it
/// is made.
#[must_use]
pub fn compare_html(report: &CompareReport<'_>) -> String {
    let title = escape(&report.comparison.title.value);
    let mut figures = String::new();
    for (number, (caption, svg)) in (1_u32..).zip(plots(report)) {
        figures.push_str(&figure(report, number, &caption, &svg));
    }
    let text = escape(&compare_text(report, Paint::Plain));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n<style>\n\
         body {{ font-family: sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}\n\
         pre {{ overflow-x: auto; background: #f6f6f6; padding: 1rem; font-size: 0.8rem; }}\n\
         figure {{ margin: 2rem 0; }}\nsvg {{ max-width: 100%; height: auto; }}\nfigcaption {{ color: #333333; }}\n\
         </style>\n</head>\n<body>\n<h1>{title}</h1>\n{figures}<h2>The report</h2>\n<pre>{text}</pre>\n</body>\n</html>\n"
    )
}

fn figure(report: &CompareReport<'_>, number: u32, caption: &str, svg: &str) -> String {
    let saved = STANDARD.encode(svg);
    let (caption, file) = (escape(caption), escape(&report.comparison.name));
    format!(
        "<figure id=\"figure-{number}\">\n{svg}<figcaption>Figure {number}: {caption}. \
         <a download=\"figure-{number}.svg\" href=\"data:image/svg+xml;base64,{saved}\">Save as SVG</a>; \
         made by <code>lanebench compare {file} --report html=page.html</code></figcaption>\n</figure>\n"
    )
}

fn plots(report: &CompareReport<'_>) -> Vec<(String, String)> {
    let metrics = &report.comparison.metrics;
    let mut plots = Vec::new();
    for (place, metric) in metrics.iter().enumerate() {
        let intervals = format!("{} with its intervals", metric.word());
        plots.extend(forest(report, place, *metric).map(|svg| (intervals, svg)));
        let spread = format!(
            "{} over the replications, as a distribution function",
            metric.word()
        );
        plots.extend(distribution(report, *metric).map(|svg| (spread, svg)));
    }
    let waits = [Metric::LiveWaitP50, Metric::LiveWaitP95, Metric::LiveWaitP99];
    let results = [
        Metric::ResultTimeP50,
        Metric::ResultTimeP95,
        Metric::ResultTimeP99,
    ];
    for (what, quantiles) in [("live waits", waits), ("times to the result", results)] {
        let caption = format!("tails of the {what}: quantiles, the mean over the replications");
        plots.extend(tails(report, quantiles).map(|svg| (caption, svg)));
    }
    if let [first, second, ..] = metrics[..] {
        let caption = format!(
            "{} against {}; filled: nobody is better in all metrics of the report",
            first.word(),
            second.word()
        );
        plots.extend(trade(report, first, second).map(|svg| (caption, svg)));
    }
    plots.push(("where the tasks ended up".to_owned(), buckets(report)));
    plots
}

/// The numbers of a strategy over the replications.
fn values(report: &CompareReport<'_>, strategy: usize, metric: Metric) -> Vec<f64> {
    let replications = report.study.replications.iter();
    replications
        .filter_map(|replication| replication.outcomes.get(strategy)?.measures.value(metric))
        .collect()
}

fn mean(report: &CompareReport<'_>, strategy: usize, metric: Metric) -> Option<f64> {
    Moments::of(&values(report, strategy, metric)).mean()
}

fn axis(metric: Metric) -> String {
    format!("{} ({})", metric.word(), unit(metric.unit()))
}

/// A row for each strategy: its mean with the interval.
fn forest(report: &CompareReport<'_>, place: usize, metric: Metric) -> Option<String> {
    let strategies = &report.comparison.strategies;
    let cells = &report.findings.cells[place];
    let ends = cells.iter().flat_map(|cell| match cell {
        Cell::Said { interval, .. } => vec![interval.low, interval.high],
        Cell::Silent => Vec::new(),
    });
    let scale = Scale::over(ends, LEFT, RIGHT)?;
    let bottom = 20.0 + ROW * strategies.len() as f64;
    let mut plot = Plot::new(WIDTH, bottom + 45.0);
    plot.below(&scale, (10.0, bottom), &axis(metric));
    for (row, (named, cell)) in strategies.iter().zip(cells).enumerate() {
        let y = 26.0 + ROW * row as f64;
        plot.words((LEFT - 10.0, y + 4.0), "end", &named.name);
        if let Cell::Said { mean, interval, .. } = cell {
            let style = format!("{} stroke-width=\"2\"", stroke(row));
            plot.line((scale.at(interval.low), y), (scale.at(interval.high), y), &style);
            plot.dot((scale.at(*mean), y), &format!("fill=\"{}\"", colour(row)));
        }
    }
    Some(plot.finish())
}

/// A stair for each strategy: which share of the replications is at most so much.
fn distribution(report: &CompareReport<'_>, metric: Metric) -> Option<String> {
    let strategies = &report.comparison.strategies;
    let series: Vec<Vec<f64>> = (0..strategies.len())
        .map(|strategy| {
            let mut values = values(report, strategy, metric);
            values.sort_by(f64::total_cmp);
            values
        })
        .collect();
    let scale = Scale::over(series.iter().flatten().copied(), LEFT, RIGHT)?;
    let (top, bottom) = (24.0, 264.0);
    let share = Scale::of((0.0, 1.0), bottom, top);
    let mut plot = Plot::new(WIDTH, bottom + 45.0);
    plot.below(&scale, (top, bottom), &axis(metric));
    plot.beside(&share, (LEFT, RIGHT), "share of the replications");
    for (row, (named, values)) in strategies.iter().zip(&series).enumerate() {
        let mut places = Vec::new();
        for (rank, value) in values.iter().enumerate() {
            let (x, count) = (scale.at(*value), values.len() as f64);
            places.push((x, share.at(rank as f64 / count)));
            places.push((x, share.at((rank + 1) as f64 / count)));
        }
        plot.path(&places, &format!("{} stroke-width=\"1.5\"", stroke(row)));
        legend(&mut plot, row, &named.name, top);
    }
    Some(plot.finish())
}

/// A line of the legend, left of the plot.
fn legend(plot: &mut Plot, row: usize, name: &str, top: f64) {
    let y = top + 10.0 + 16.0 * row as f64;
    plot.line(
        (4.0, y - 4.0),
        (22.0, y - 4.0),
        &format!("{} stroke-width=\"2\"", stroke(row)),
    );
    plot.words((28.0, y), "start", &name.chars().take(18).collect::<String>());
}

/// A line for each strategy over three quantiles, by logarithms.
fn tails(report: &CompareReport<'_>, quantiles: [Metric; 3]) -> Option<String> {
    let strategies = &report.comparison.strategies;
    let series: Vec<Vec<f64>> = (0..strategies.len())
        .map(|strategy| {
            let each = quantiles
                .iter()
                .filter_map(|metric| mean(report, strategy, *metric));
            each.map(|seconds| libm::log10(seconds.max(1e-6))).collect()
        })
        .collect();
    let (top, bottom) = (24.0, 264.0);
    let scale = Scale::over(series.iter().flatten().copied(), bottom, top)?;
    let mut plot = Plot::new(WIDTH, bottom + 45.0);
    plot.beside_powers(&scale, (LEFT + 40.0, RIGHT));
    let across = |place: usize| LEFT + 90.0 + 240.0 * place as f64;
    for (place, word) in ["50 %", "95 %", "99 %"].into_iter().enumerate() {
        plot.words((across(place), bottom + 18.0), "middle", word);
    }
    for (row, (named, values)) in strategies.iter().zip(&series).enumerate() {
        let places: Vec<(f64, f64)> = values
            .iter()
            .enumerate()
            .map(|(place, value)| (across(place), scale.at(*value)))
            .collect();
        plot.path(&places, &format!("{} stroke-width=\"1.5\"", stroke(row)));
        for place in places {
            plot.dot(place, &format!("fill=\"{}\"", colour(row)));
        }
        legend(&mut plot, row, &named.name, top);
    }
    Some(plot.finish())
}

/// A dot for each strategy over two metrics.
fn trade(report: &CompareReport<'_>, first: Metric, second: Metric) -> Option<String> {
    let strategies = &report.comparison.strategies;
    let dots: Vec<Option<(f64, f64)>> = (0..strategies.len())
        .map(|strategy| mean(report, strategy, first).zip(mean(report, strategy, second)))
        .collect();
    let (top, bottom) = (24.0, 324.0);
    let across = Scale::over(dots.iter().flatten().map(|(x, _)| *x), LEFT, RIGHT)?;
    let up = Scale::over(dots.iter().flatten().map(|(_, y)| *y), bottom, top)?;
    let mut plot = Plot::new(WIDTH, bottom + 45.0);
    plot.below(&across, (top, bottom), &axis(first));
    plot.beside(&up, (LEFT, RIGHT), &axis(second));
    for (row, (named, dot)) in strategies.iter().zip(&dots).enumerate() {
        let Some((x, y)) = dot else { continue };
        let place = (across.at(*x), up.at(*y));
        let set = report.findings.pareto.as_ref();
        let fill = match set.is_some_and(|set| set[row].0) {
            true => colour(row),
            false => "#ffffff",
        };
        plot.dot(
            place,
            &format!("fill=\"{fill}\" {} stroke-width=\"2\"", stroke(row)),
        );
        legend(&mut plot, row, &named.name, top + 20.0);
    }
    Some(plot.finish())
}

/// A bar for each strategy, cut by buckets.
fn buckets(report: &CompareReport<'_>) -> String {
    let strategies = &report.comparison.strategies;
    let bottom = 20.0 + ROW * strategies.len() as f64;
    let scale = Scale::of((0.0, 1.0), LEFT, RIGHT);
    let mut plot = Plot::new(WIDTH, bottom + 95.0);
    plot.below(&scale, (10.0, bottom), "share of the tasks");
    for (row, named) in strategies.iter().enumerate() {
        let y = 14.0 + ROW * row as f64;
        plot.words((LEFT - 10.0, y + 15.0), "end", &named.name);
        let mut from = 0.0;
        for bucket in Bucket::ALL {
            let metric = Metric::of(bucket);
            let share = mean(report, row, metric).unwrap_or(0.0);
            if share > 0.0 {
                let (start, end) = (scale.at(from), scale.at(from + share));
                let title = format!("{}: {:.2} %", metric.word(), share * 100.0);
                plot.bar((start, y), (end - start, ROW - 6.0), shade(bucket), &title);
            }
            from += share;
        }
    }
    for (place, bucket) in Bucket::ALL.into_iter().enumerate() {
        let (x, y) = (
            20.0 + 118.0 * (place % 7) as f64,
            bottom + 50.0 + 20.0 * (place / 7) as f64,
        );
        plot.bar((x, y), (12.0, 12.0), shade(bucket), Metric::of(bucket).word());
        plot.words((x + 17.0, y + 10.0), "start", Metric::of(bucket).word());
    }
    plot.finish()
}

/// The colour of a bucket: green is good, red is lost, grey is neither.
const fn shade(bucket: Bucket) -> &'static str {
    match bucket {
        Bucket::InTime => "#009e73",
        Bucket::Late => "#8fd6b9",
        Bucket::Partial => "#f0e442",
        Bucket::Shed => "#000000",
        Bucket::Stranded => "#cc79a7",
        Bucket::Abandoned => "#882255",
        Bucket::Failed => "#d55e00",
        Bucket::TimedOut => "#e69f00",
        Bucket::Cancelled => "#bbbbbb",
        Bucket::Denied => "#56b4e9",
        Bucket::Expired => "#0072b2",
        Bucket::Parked => "#7f7f7f",
        Bucket::Open => "#dddddd",
    }
}
