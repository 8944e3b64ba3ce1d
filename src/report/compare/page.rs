//! The study as one page: nothing of it comes from elsewhere, and nothing in it runs.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::CompareReport;
use super::figures::{Figures, file_of};
use super::number::{number, unit};
use super::tables::{
    buckets_table, control_table, definitions, exact, gates_table, metric_table, pareto_table, regret_table,
    safety_table, spread_table,
};
use super::text::{self, ending, percent_round, warm_up};
use crate::report::chart::{Figure, style};
use crate::report::text::{counted, line};
use crate::sim::compare::Standing;
use crate::units::SimTime;

/// What an address cannot hold as it is.
const OUTSIDE_OF_ADDRESSES: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'|')
    .add(b'\\')
    .add(b'^');

const STYLE: &str = include_str!("page.css");

/// The study as a page of HTML: what was unsafe, what was laid down, the gates, the control, each metric with its plot
/// and its table, sets, spreads, buckets, the course over time.
///
/// Every number of a table names its place in [`compare_json`](super::compare_json) (`data-at`, a JSON pointer) and has
/// its exact value beside it.
#[must_use]
pub fn compare_html(report: &CompareReport<'_>) -> String {
    let figures = Figures::of(report);
    let title = line(&report.comparison.title.value);
    let body = html! {
        (heading(report, &title))
        (safety(report))
        (laid_down(report))
        (gates(report))
        (control(report))
        (metrics(report, &figures))
        (sets(report, &figures))
        (regrets(report))
        (spreads(report, &figures))
        (ends(report, &figures))
        (course(report, &figures))
        (meanings(report))
    };
    page(&title, &body)
}

/// A page with its style.
pub(super) fn page(title: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content="lanebench compare";
                title { (title) }
                style { (PreEscaped(STYLE)) (PreEscaped(style())) }
            }
            body {
                main { (body) }
            }
        }
    };
    page.into_string() + "\n"
}

fn heading(report: &CompareReport<'_>, title: &str) -> Markup {
    let CompareReport {
        comparison,
        study,
        findings,
    } = *report;
    let (class, word) = match findings.standing() {
        Standing::Decided => ("good", "decided"),
        Standing::Failed => ("bad", "FAILED"),
        Standing::Undecided => ("doubtful", "undecided"),
    };
    html! {
        header {
            h1 { (title) }
            p {
                strong class={ "badge " (class) } { (word) } ": " (words(&ending(report))) "."
            }
            p {
                (counted(study.replications.len() as u64, "replication")) " of "
                (comparison.until.since(SimTime::START)) " of arrivals, "
                (comparison.strategies.len()) " strategies, "
                (exact(findings.tasks as f64, "/tasks")) " tasks each, on the same tasks and the same luck."
            }
            p { "Made by " code { (command(report, "html=study.html")) } }
            nav {
                @for (id, name) in SECTIONS { a href={ "#" (id) } { (name) } " " }
            }
        }
    }
}

const SECTIONS: [(&str, &str); 9] = [
    ("safety", "safety"),
    ("laid-down", "laid down before"),
    ("control", "A/A control"),
    ("metrics", "metrics"),
    ("sets", "best and Pareto set"),
    ("spreads", "waits and tails"),
    ("buckets-of-tasks", "buckets"),
    ("course", "over time"),
    ("meanings", "definitions"),
];

/// The command that makes a report of this study.
pub(super) fn command(report: &CompareReport<'_>, what: &str) -> String {
    format!("{} --report {what}", text::command(report.comparison))
}

/// Words in which what stands between backticks is code.
pub(super) fn words(text: &str) -> Markup {
    html! {
        @for (place, part) in text.split('`').enumerate() {
            @if place % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// A figure with what makes it.
pub(super) fn shown(report: &CompareReport<'_>, figure: &Figure, caption: &str) -> Markup {
    let file = file_of(figure);
    let text = figure.file();
    let address = utf8_percent_encode(&text, OUTSIDE_OF_ADDRESSES);
    html! {
        figure id=(figure.name) {
            (figure.inline())
            figcaption {
                @if !caption.is_empty() { p { (caption) } }
                p class="made" {
                    code { (command(report, "svg=figures")) } " writes " code { "figures/" (file) } " · "
                    a download=(file) href={ "data:image/svg+xml," (address) } { "download SVG" }
                }
            }
        }
    }
}

fn safety(report: &CompareReport<'_>) -> Markup {
    let CompareReport {
        comparison, findings, ..
    } = *report;
    let none = |counts: &[u64]| counts.iter().all(|count| *count == 0);
    let safe = none(&findings.unsafe_releases) && none(&findings.ungated);
    html! {
        section id="safety" {
            h2 { "Safety first" }
            @if safe {
                p class="good" { "No unsafe release and no consequential task without its approval boundary, by any strategy." }
            } @else {
                p class="bad" { "Unsafe: see the counts. The study has failed, whatever else it says." }
            }
            (safety_table(report))
            @if !findings.broken.is_empty() {
                p class="doubtful" { "These runs are no evidence:" }
                ul {
                    @for (seed, strategy, why) in &findings.broken {
                        li { "seed " (seed.0) ", " code { (comparison.strategies[*strategy].name) } ": " (line(why)) }
                    }
                }
            }
        }
    }
}

fn laid_down(report: &CompareReport<'_>) -> Markup {
    let CompareReport {
        comparison, study, ..
    } = *report;
    let seeds = match (study.replications.first(), study.replications.last()) {
        (Some(first), Some(last)) => format!("{} to {}", first.seed.0, last.seed.0),
        _ => "none".to_owned(),
    };
    html! {
        section id="laid-down" {
            h2 { "Laid down before" }
            dl {
                @if let Some(hypothesis) = &comparison.hypothesis { dt { "hypothesis" } dd { (line(hypothesis)) } }
                dt { "decides" } dd { code { (comparison.metric.word()) } "; all else is exploratory" }
                dt { "indifference" }
                dd {
                    @match comparison.indifference {
                        Some(zone) => { "differences below " (exact(zone, "/indifference")) " do not matter" }
                        None => "none",
                    }
                }
                dt { "alpha" } dd { (percent_round(comparison.alpha)) ", adjusted for all questions of the report (Holm)" }
                dt { "reference" } dd { code { (comparison.strategies[comparison.reference].name) } }
                dt { "replications" }
                dd {
                    (comparison.repeats.least) " to " (comparison.repeats.most) ", looked at every "
                    (comparison.repeats.round) ", until half-widths are at most "
                    (percent_round(comparison.repeats.half_width)) " of the mean"
                    @if comparison.indifference.is_some() { ", or half of what does not matter" }
                }
                dt { "warm-up" }
                dd {
                    @match comparison.cut() {
                        Some(cut) => { (line(&warm_up(comparison, cut))) "; what comes later is taken for a steady state" }
                        None if comparison.warm_up > SimTime::START => {
                            (comparison.warm_up.since(SimTime::START)) ", whose tasks do not count; what comes later is taken for a steady state"
                        }
                        None => "none: the run begins empty and ends empty, and every task counts",
                    }
                }
                dt { "laws" }
                dd {
                    "conservation, Little's law, work conservation, capacity, order and priority hold in every run that is not named above; "
                    @if report.findings.monotony.1 > 0 {
                        "monotony was asked of " (exact(report.findings.monotony.1 as f64, "/monotony/compared")) " of "
                        (exact(report.findings.monotony.0 as f64, "/monotony/asked"))
                        " jobs of the reference, played once more with one more place or a fifth fewer tasks"
                    } @else {
                        "monotony was not exercised"
                    }
                }
                dt { "seeds" } dd { (seeds) }
                dt { "file" } dd { code { (line(&comparison.name)) } }
            }
        }
    }
}

fn gates(report: &CompareReport<'_>) -> Markup {
    html! {
        @if !report.comparison.gates.is_empty() {
            section id="gates" { h2 { "Gates" } (gates_table(report)) }
        }
    }
}

fn control(report: &CompareReport<'_>) -> Markup {
    let comparison = report.comparison;
    html! {
        section id="control" {
            h2 { "A/A control" }
            p {
                code { (comparison.strategies[comparison.reference].name) }
                " against itself on other luck, judged by the same test; then all its runs are dealt anew into two hands, "
                "and the share of alarms is what the test really does on these numbers. Nominal: "
                (percent_round(comparison.alpha)) "."
            }
            (control_table(report))
        }
    }
}

fn metrics(report: &CompareReport<'_>, figures: &Figures) -> Markup {
    let comparison = report.comparison;
    let confidence = percent_round(1.0 - comparison.alpha);
    html! {
        section id="metrics" {
            h2 { "Metrics" }
            p {
                "Means over replications and their " (confidence) " intervals; differences to "
                code { (comparison.strategies[comparison.reference].name) } " are paired by replication. "
                "The ratio is what pairing was worth: how many times the replications independent runs would have needed."
            }
            @for (place, metric) in comparison.metrics.iter().enumerate() {
                article id={ "metric-" (metric.word()) } {
                    h3 { (metric.word()) " " small { (unit(metric.unit())) @if place == 0 { ", decides" } @else { ", exploratory" } } }
                    p class="soft" { (words(metric.definition())) }
                    @if metric.is_tail() {
                        p class="soft" {
                            "A tail: intervals of means by bootstrap over whole replications, of their median by their order statistics, with "
                            (exact(report.findings.tasks as f64, "/tasks")) " tasks behind them."
                        }
                    }
                    div class="beside" {
                        @if let Some(figure) = figures.differences.get(place).and_then(Option::as_ref) {
                            (shown(report, figure, ""))
                        }
                        (metric_table(report, place))
                    }
                }
            }
        }
    }
}

fn sets(report: &CompareReport<'_>, figures: &Figures) -> Markup {
    let CompareReport {
        comparison, findings, ..
    } = *report;
    let name = |place: usize| &*comparison.strategies[place].name;
    html! {
        section id="sets" {
            h2 { "The best, and the Pareto set" }
            @match &findings.best {
                None => p { "No best strategy is selected: the file says no `indifference`, or some run does not speak about the deciding metric." },
                Some(best) => p {
                    @match best.selection.best {
                        Some(place) => {
                            "Best by " code { (comparison.metric.word()) } ": " strong { (name(place)) } ", with probability "
                            (percent_round(best.confidence)) " if it leads by "
                            (exact(best.indifference, "/best/indifference")) " (Kim-Nelson; oracles are no candidates)."
                        }
                        None => {
                            "The best is not decided between "
                            @for (number, place) in best.selection.left.iter().enumerate() {
                                @if number > 0 { ", " } code { (name(*place)) }
                            }
                            ", the leader first (Kim-Nelson needs more replications to rule out the others; oracles are no candidates)."
                        }
                    }
                },
            }
            (pareto_table(report))
            p class="soft" {
                "In the plots the line joins those that no other strategy beats in both metrics at once; the table is about all metrics together."
            }
            div class="figures" { @for figure in &figures.fronts { (shown(report, figure, "")) } }
        }
    }
}

fn regrets(report: &CompareReport<'_>) -> Markup {
    html! {
        @if let Some(regrets) = &report.findings.regrets {
            section id="regret" {
                h2 { "Outcome regret" }
                p {
                    "At some decisions of every run the world was forked: one task went the other way (interactive instead of background, "
                    "or back where the policy permits it), and everything else went on with the same luck. The gain is how much better "
                    code { (report.comparison.metric.word()) } " of the whole run then is, as a sum over its tasks; the regret is the gain "
                    "where there is one, and 0 elsewhere. What learns goes on learning in the fork; the run of a program is played again up to it."
                }
                (regret_table(report, regrets))
            }
        }
    }
}

fn spreads(report: &CompareReport<'_>, figures: &Figures) -> Markup {
    html! {
        section id="spreads" {
            h2 { "Waits and their tails" }
            p {
                "All tasks of all replications together. A task that never got there stays among all tasks: its curve ends below "
                "100 %, and its tail does not come down. A curve ends with the longest wait that came to an end. Counts are kept in bins at most a 64th of their lengths wide (1.6 %); the "
                "curves are exact at the edges of the bins. Live waits are over the tasks at home in the interactive lane."
            }
            div class="figures" { @for figure in &figures.spreads { (shown(report, figure, "")) } }
            (spread_table(report, "live_waits"))
            (spread_table(report, "result_times"))
        }
    }
}

fn ends(report: &CompareReport<'_>, figures: &Figures) -> Markup {
    html! {
        section id="buckets-of-tasks" {
            h2 { "Where tasks end up" }
            div class="beside" { (shown(report, &figures.buckets, "")) (buckets_table(report)) }
        }
    }
}

fn course(report: &CompareReport<'_>, figures: &Figures) -> Markup {
    html! {
        @if !figures.course.is_empty() {
            section id="course" {
                h2 { "Over time" }
                p {
                    "All replications together, in 24 slots of the time in which tasks arrive"
                    @if report.comparison.warm_up > SimTime::START { "; the warm-up, whose tasks do not count, is shaded" }
                    ". The numbers stand in the JSON report (" code { "shapes.course" } ")."
                }
                div class="figures" { @for figure in &figures.course { (shown(report, figure, "")) } }
            }
        }
    }
}

fn meanings(report: &CompareReport<'_>) -> Markup {
    html! {
        section id="meanings" {
            h2 { "Definitions" }
            (definitions(report))
            p class="soft" {
                "All numbers: " code { (command(report, "json=study.json")) } "; every single run, one number a row: "
                code { (command(report, "csv=runs.csv")) } ". Each number of a table here has its exact value and its place in the "
                "JSON report (" code { "data-at" } ") beside it. Numbers are written with four digits that count, such as "
                (number(0.1234)) "."
            }
        }
    }
}
