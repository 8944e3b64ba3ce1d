//! A sweep as one page.

use maud::{Markup, html};

use super::number::unit;
use super::page::{command, page, shown, words};
use super::sweep_figures::SweepFigures;
use super::tables::{exact, probability, signed_exact};
use super::text::percent_round;
use super::{CompareReport, SweepReport};
use crate::report::text::{counted, line};
use crate::sim::compare::{Cell, Standing, Varied, Verdict};
use crate::sim::metric::Metric;

/// A sweep as a page of HTML: what was unsafe, where conclusions turn, each metric against what is varied, how each point
/// ended. Every number of a table names its place in the JSON report.
pub(super) fn sweep_html(report: &SweepReport<'_>, varied: &Varied) -> String {
    let figures = SweepFigures::of(report, varied);
    let title = line(&report.sweep.points[0].title.value);
    let body = html! {
        (heading(report, varied, &title))
        (safety(report, varied))
        (sensitivity(report, varied, &figures))
        (metrics(report, varied, &figures))
        (control(report, varied))
        (points(report, varied))
        (more(report))
    };
    page(&title, &body)
}

const fn badge(standing: Standing) -> (&'static str, &'static str) {
    match standing {
        Standing::Decided => ("good", "decided"),
        Standing::Failed => ("bad", "FAILED"),
        Standing::Undecided => ("doubtful", "undecided"),
    }
}

fn heading(report: &SweepReport<'_>, varied: &Varied, title: &str) -> Markup {
    let (class, word) = badge(report.standing());
    let first = &report.sweep.points[0];
    html! {
        header {
            h1 { (title) }
            p {
                strong class={ "badge " (class) } { (word) } " "
                "Swept: " code { (varied.what) } " over "
                @for (place, value) in varied.values.iter().enumerate() { @if place > 0 { ", " } (value.word) }
                ". Each point is a comparison of its own, and all meet the same luck."
            }
            @if let Some(hypothesis) = &first.hypothesis { p { "Hypothesis: " (line(hypothesis)) } }
            p {
                code { (first.metric.word()) } " decides; the reference is "
                code { (first.strategies[first.reference].name) } "; all else is exploratory."
            }
            p { "Made by " code { (command(&report.points[0], "html=sweep.html")) } }
            nav {
                @for (id, name) in [("safety", "safety"), ("conclusions", "sensitivity"), ("metrics", "metrics"), ("control", "A/A control"), ("points", "points")] {
                    a href={ "#" (id) } { (name) } " "
                }
            }
        }
    }
}

/// A table with a column for each value.
fn table(
    report: &SweepReport<'_>,
    varied: &Varied,
    caption: &str,
    rows: impl Iterator<Item = usize>,
    cell: impl Fn(usize, usize) -> Markup,
) -> Markup {
    html! {
        div class="scroll" tabindex="0" {
            table {
                caption { (caption) }
                thead { tr { th scope="col" { "strategy" } @for value in &varied.values { th scope="col" { (value.word) } } } }
                tbody {
                    @for strategy in rows {
                        tr {
                            th scope="row" { (report.sweep.points[0].strategies[strategy].name) }
                            @for point in 0..varied.values.len() { td { (cell(strategy, point)) } }
                        }
                    }
                }
            }
        }
    }
}

fn safety(report: &SweepReport<'_>, varied: &Varied) -> Markup {
    let none = |point: &CompareReport<'_>| {
        let counts = point
            .findings
            .unsafe_releases
            .iter()
            .chain(&point.findings.ungated);
        counts.copied().all(|count| count == 0)
    };
    let strategies = 0..report.sweep.points[0].strategies.len();
    html! {
        section id="safety" {
            h2 { "Safety first" }
            @if report.points.iter().all(none) {
                p class="good" { "No unsafe release and no consequential task without its approval boundary, by any strategy at any point." }
            } @else {
                p class="bad" { "Unsafe: see the counts. The sweep has failed, whatever else it says." }
            }
            (table(report, varied, "unsafe releases, and tasks without their boundary, over all runs", strategies, |strategy, point| {
                let findings = report.points[point].findings;
                let at = format!("/points/{point}/comparison/strategies/{strategy}");
                html! {
                    (exact(findings.unsafe_releases[strategy] as f64, &format!("{at}/unsafe_releases"))) ", "
                    (exact(findings.ungated[strategy] as f64, &format!("{at}/ungated")))
                }
            }))
        }
    }
}

fn sensitivity(report: &SweepReport<'_>, varied: &Varied, figures: &SweepFigures) -> Markup {
    let first = &report.sweep.points[0];
    let row_of = |strategy: usize| {
        let mut rows = report.conclusions.iter();
        rows.position(|conclusion| conclusion.strategy == strategy)
    };
    let strategies = report.conclusions.iter().map(|conclusion| conclusion.strategy);
    html! {
        section id="conclusions" {
            h2 { "Sensitivity: which conclusion turns where" }
            p {
                "Differences in " code { (first.metric.word()) } " to " code { (first.strategies[first.reference].name) }
                ", paired by replication; verdicts are adjusted for all points and strategies of this table (Holm)."
            }
            @if report.conclusions.iter().all(|conclusion| conclusion.flips.is_empty()) {
                p { "No conclusion turns anywhere." }
            } @else {
                ul {
                    @for conclusion in &report.conclusions {
                        @for (before, after) in &conclusion.flips {
                            li {
                                code { (first.strategies[conclusion.strategy].name) } " is "
                                (verdict_at(conclusion.steps[*before].map(|step| step.verdict), &varied.values[*before].word)) " and "
                                (verdict_at(conclusion.steps[*after].map(|step| step.verdict), &varied.values[*after].word))
                            }
                        }
                    }
                }
            }
            div class="beside" {
                (shown(&report.points[0], &figures.sensitivity, ""))
                (table(report, varied, "differences and verdicts", strategies, |strategy, point| {
                    let row = row_of(strategy);
                    let step = row.and_then(|row| report.conclusions[row].steps[point]);
                    html! {
                        @match (row, step) {
                            (Some(row), Some(step)) => {
                                (signed_exact(step.paired.difference, &format!("/conclusions/{row}/steps/{point}/difference")))
                                " " (step.verdict.word())
                            }
                            _ => "-",
                        }
                    }
                }))
            }
        }
    }
}

fn verdict_at(verdict: Option<Verdict>, word: &str) -> String {
    format!("{} at {word}", verdict.map_or("-", Verdict::word))
}

fn metrics(report: &SweepReport<'_>, varied: &Varied, figures: &SweepFigures) -> Markup {
    let metrics = &report.sweep.points[0].metrics;
    let place_of = |metric: Metric| metrics.iter().position(|one| *one == metric);
    let abandonment = [(Metric::Abandonment, &figures.abandonment)].into_iter();
    let others = figures.metrics.iter().map(|(metric, figure)| (*metric, figure));
    html! {
        section id="metrics" {
            h2 { "Metrics against " (varied.what) }
            @for (metric, figure) in abandonment.chain(others) {
                article id={ "metric-" (metric.word()) } {
                    h3 { (metric.word()) " " small { (unit(metric.unit())) } }
                    p class="soft" { (words(metric.definition())) }
                    div class="beside" {
                        @if let Some(figure) = figure { (shown(&report.points[0], figure, "")) }
                        @match place_of(metric) {
                            Some(place) => (metric_table(report, varied, place)),
                            None => p class="soft" { "Not among the metrics of the file: its numbers stand in the CSV report." },
                        }
                    }
                }
            }
        }
    }
}

fn metric_table(report: &SweepReport<'_>, varied: &Varied, metric: usize) -> Markup {
    let strategies = 0..report.sweep.points[0].strategies.len();
    table(
        report,
        varied,
        "means and their intervals",
        strategies,
        |strategy, point| {
            let at = format!("/points/{point}/comparison/strategies/{strategy}/metrics/{metric}");
            html! {
                @match &report.points[point].findings.cells[metric][strategy] {
                    Cell::Silent => "-",
                    Cell::Said { mean, interval, .. } => {
                        (exact(*mean, &format!("{at}/mean"))) " (" (exact(interval.low, &format!("{at}/low"))) " to "
                        (exact(interval.high, &format!("{at}/high"))) ")"
                    }
                }
            }
        },
    )
}

/// The reference against itself at every point.
fn control(report: &SweepReport<'_>, varied: &Varied) -> Markup {
    let first = &report.sweep.points[0];
    html! {
        section id="control" {
            h2 { "A/A control" }
            p {
                code { (first.strategies[first.reference].name) }
                " against itself on other luck, judged by the same test: the probability of such a difference, and how many of the deals "
                "of all its runs into two hands raise an alarm. Nominal: " (percent_round(first.alpha)) "."
            }
            div class="scroll" tabindex="0" {
                table {
                    caption { "p, and alarms of deals" }
                    thead { tr { th scope="col" { "metric" } @for value in &varied.values { th scope="col" { (value.word) } } } }
                    tbody {
                        @for (place, metric) in first.metrics.iter().enumerate() {
                            tr {
                                th scope="row" { (metric.word()) }
                                @for (number, point) in report.points.iter().enumerate() {
                                    td { (control_cell(point, place, &format!("/points/{number}/comparison/controls/{place}/"))) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn control_cell(point: &CompareReport<'_>, place: usize, at: &str) -> Markup {
    html! {
        @match &point.findings.controls[place] {
            None => "-",
            Some(control) => {
                (probability(control.p, &format!("{at}p"))) "; " (exact(f64::from(control.alarms), &format!("{at}alarms")))
                " of " (exact(f64::from(control.deals), &format!("{at}deals")))
            }
        }
    }
}

fn points(report: &SweepReport<'_>, varied: &Varied) -> Markup {
    html! {
        section id="points" {
            h2 { "How each point ended" }
            dl {
                @for (value, point) in varied.values.iter().zip(&report.points) {
                    @let (class, word) = badge(point.findings.standing());
                    dt { (value.word) }
                    dd {
                        span class=(class) { (word) } ", "
                        @if point.findings.converged { "narrow enough" } @else { "did not converge" }
                        " (" (percent_round(point.comparison.repeats.half_width)) ") after "
                        (counted(point.study.replications.len() as u64, "replication"))
                        @for (gate, found) in point.comparison.gates.iter().zip(&point.findings.gates) {
                            "; gate on " code { (gate.metric.word()) } " of "
                            code { (point.comparison.strategies[gate.strategy].name) } ": " (found.verdict.word())
                        }
                        @for (seed, strategy, why) in point.findings.broken.iter().take(2) {
                            "; no evidence: seed " (seed.0) ", " code { (point.comparison.strategies[*strategy].name) } ": " (line(why))
                        }
                    }
                }
            }
        }
    }
}

fn more(report: &SweepReport<'_>) -> Markup {
    html! {
        p class="soft" {
            "Everything about each point, sets and shapes: " code { (command(&report.points[0], "json=sweep.json")) }
            "; every single run, one number a row: " code { (command(&report.points[0], "csv=runs.csv")) } "."
        }
    }
}
