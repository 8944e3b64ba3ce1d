//! Sweeps: a comparison at several values of one thing.

use lanebench::report::{CompareKind, Paint, SweepReport};
use lanebench::runner::play_comparison;
use lanebench::sim::compare::{Comparison, Findings, Kept, Scale, Study, Sweep};
use regex::Regex;
use serde_json::Value;

use super::{SMALL, played, read_sweep, text_of, unbroken};

const USUAL: &str = "replications: { min: 4, max: 8, half_width: 10%, round: 2 }";

/// The small comparison, of two strategies and few replications, over some values.
#[track_caller]
fn swept(sweep: &str) -> Sweep {
    let text = text_of(SMALL)
        .replace(
            USUAL,
            "replications: { min: 2, max: 3, half_width: 10%, round: 1 }",
        )
        .replace(
            "  product-first: { policy: ../../../scenarios/policies/product-first.yaml }\n",
            "",
        )
        .replace("  spill: { spill: { above: 75% } }\n", "")
        .replace("  oracle: { oracle: { over: 60s } }\n", "")
        + sweep;
    let (sweep, said) = read_sweep(SMALL, &text);
    sweep.unwrap_or_else(|| panic!("{said}"))
}

fn studies(sweep: &Sweep) -> Vec<Study> {
    sweep.points.iter().map(played).collect()
}

fn with_report<T>(sweep: &Sweep, studies: &[Study], f: impl FnOnce(&SweepReport<'_>) -> T) -> T {
    let pairs = sweep.points.iter().zip(studies);
    let findings: Vec<Findings> = pairs.map(|(point, study)| Findings::of(point, study)).collect();
    f(&SweepReport::new(sweep, studies, &findings))
}

#[test]
fn a_point_is_the_comparison_that_its_value_makes() {
    let sweep = swept("sweep: { vary: workload.arrivals.renewal.every, over: [10s, 5s] }\n");
    let varied = sweep.varied.as_ref().unwrap();
    assert_eq!((varied.scale, varied.values[1].x), (Scale::Lengths, 5.0));
    let alone = |every: &str| {
        let text = text_of(SMALL).replace("every: 10s", &format!("every: {every}"));
        read_sweep(SMALL, &text).0.unwrap().points.remove(0)
    };
    let instants = |comparison: &Comparison| {
        let stage = comparison.stage(comparison.seed(1));
        let blueprint = comparison.blueprint(&stage, &comparison.strategies[0]);
        blueprint
            .outside
            .tasks
            .iter()
            .map(|task| task.at)
            .collect::<Vec<_>>()
    };
    for (point, every) in sweep.points.iter().zip(["10s", "5s"]) {
        assert_eq!(instants(point), instants(&alone(every)));
    }
    // The same luck: twice the load is the same tasks in half the time, and more behind them.
    let load = swept("sweep: { vary: load, over: [1, 200%] }\n");
    assert_eq!(instants(&load.points[1]), instants(&sweep.points[1]));
    assert!(instants(&load.points[1]).len() > instants(&load.points[0]).len());
}

#[test]
fn parts_of_a_sweep_put_together_are_the_sweep_that_one_machine_plays() {
    let sweep = swept("sweep: { vary: lanes.interactive.capacity, over: [2, 6] }\n");
    let alone = studies(&sweep);
    let mut kept = vec![Kept::new(); 2];
    for shard in [1, 0] {
        let mut text = sweep.part_header();
        for ((point, place), _) in sweep.places().zip(0..).filter(|(_, number)| number % 2 == shard) {
            let comparison = &sweep.points[point];
            text.push_str(&comparison.part_line(place, &comparison.replicate(place)));
        }
        assert_eq!(sweep.read_part(&text, &mut kept), Ok(text.len()));
    }
    let pairs = sweep.points.iter().zip(&kept);
    let together: Vec<Study> = pairs
        .map(|(point, kept)| point.put_together(kept).unwrap())
        .collect();
    assert_eq!(together, alone);
    assert_ne!(alone[0], alone[1]);
    // What was interrupted goes on: nothing of what is kept is played again.
    let mut again = 0;
    for (point, kept) in sweep.points.iter().zip(&kept) {
        unbroken(play_comparison(point, 1, kept, |_, _| {
            again += 1;
            Ok(())
        }));
    }
    assert_eq!(again, 0);
    for kind in CompareKind::ALL {
        let render =
            |studies: &[Study]| with_report(&sweep, studies, |report| report.render(kind, Paint::Plain));
        assert_eq!(render(&together), render(&alone), "{kind}");
    }
}

/// The mean of a metric for each strategy and place on the axis, out of the table of all runs.
fn mean_of_csv(csv: &str, strategy: &str, metric: &str, x: f64) -> f64 {
    let rows = csv
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect::<Vec<_>>());
    let values: Vec<f64> = rows
        .filter(|row| row[2].parse::<f64>().unwrap() == x)
        .filter(|row| row[3] == strategy && row[4] != "control" && row[6] == metric)
        .map(|row| row[8].parse().unwrap())
        .collect();
    assert!(values.len() >= 2, "{strategy} {metric} {x}");
    values.iter().sum::<f64>() / values.len() as f64
}

/// The points of each curve of a plot: what they say, and where they lie.
fn points_of(svg: &str) -> Vec<(String, f64, f64)> {
    let curve = Regex::new(r"<g><title>([^<]*)</title><path.*?</g></g>").unwrap();
    let point = Regex::new(r#"<g data-x="([^"]*)" data-y="([^"]*)">"#).unwrap();
    let mut found = Vec::new();
    for curve in curve.captures_iter(svg) {
        for point in point.captures_iter(&curve[0]) {
            found.push((
                curve[1].to_owned(),
                point[1].parse().unwrap(),
                point[2].parse().unwrap(),
            ));
        }
    }
    found
}

#[test]
fn the_points_of_the_plots_are_those_of_the_table() {
    let sweep = swept("sweep: { vary: load, over: [50%, 1, 200%] }\n");
    let studies = studies(&sweep);
    let (csv, figures, json, page) = with_report(&sweep, &studies, |report| {
        let json: Value = serde_json::from_str(&report.render(CompareKind::Json, Paint::Plain)).unwrap();
        let page = report.render(CompareKind::Html, Paint::Plain);
        (
            report.render(CompareKind::Csv, Paint::Plain),
            report.figures(),
            json,
            page,
        )
    });
    let plot = |name: &str| {
        let found = figures.iter().find(|(known, _)| known == name);
        &found.unwrap_or_else(|| panic!("{name}")).1
    };
    let mut count = 0;
    for metric in ["abandonment", "goodput", "live_wait"] {
        let file = format!("{}-against-load.svg", metric.replace('_', "-"));
        for (strategy, x, y) in points_of(plot(&file)) {
            let mean = mean_of_csv(&csv, &strategy, metric, x);
            assert!(
                (mean - y).abs() <= 1e-12 * mean.abs(),
                "{file} {strategy} {x}: {y}, {mean}"
            );
            count += 1;
        }
        assert!(page.contains(&format!("figures/{file}")), "{file}");
        assert!(page.contains("<h2>A/A control</h2>"));
    }
    assert_eq!(count, 3 * 3 * 3);
    for (strategy, x, y) in points_of(plot("sensitivity.svg")) {
        let difference =
            mean_of_csv(&csv, &strategy, "goodput", x) - mean_of_csv(&csv, "three-lane", "goodput", x);
        assert!(
            (difference - y).abs() < 1e-12,
            "{strategy} {x}: {y}, {difference}"
        );
        count += 1;
    }
    assert_eq!(count, 33);
    // Each number of the page has its place in the JSON report.
    let shape = Regex::new(r#"<data value="([^"]*)" data-at="([^"]*)">"#).unwrap();
    let numbers = shape.captures_iter(&page).map(|found| {
        let said = json.pointer(&found[2]).and_then(Value::as_f64);
        let said = said.unwrap_or_else(|| panic!("{}", &found[2]));
        let value: f64 = found[1].parse().unwrap();
        assert!((said - value).abs() <= 1e-12 * value.abs(), "{}", &found[0]);
    });
    assert!(numbers.count() > 100);
}

#[test]
fn a_sweep_is_shown_to_people() {
    let sweep = swept("sweep: { vary: lanes.interactive.capacity, over: [1, 4, 8, 16, 32] }\n");
    let studies = studies(&sweep);
    let text = with_report(&sweep, &studies, |report| {
        report.render(CompareKind::Human, Paint::Plain)
    });
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    for part in [
        "swept        `lanes.interactive.capacity` over 1, 4, 8, 16, 32",
        "conclusions by `goodput`",
        "A/A control: `three-lane` against itself on other luck, p and share of alarms, nominal 5 %\n",
        "\npoints\n",
    ] {
        assert!(text.contains(part), "{text}");
    }
}
