//! The tables of the page: they say everything that the plots show.

use maud::{Markup, html};

use super::CompareReport;
use super::figures::ORDER;
use super::number::{number, signed};
use super::page::words;
use super::shape::QUANTILES;
use super::text::{bound_text, percent_round};
use crate::report::text::grouped;
use crate::sim::compare::{Cell, Contrast, GateVerdict, RegretFinding, Verdict};
use crate::sim::metric::{Metric, Spread};
use crate::sim::stats::Interval;

/// A number as people read it, with its exact value and its place in the JSON report.
pub(super) fn exact(value: f64, at: &str) -> Markup {
    let text = match is_count(at) {
        true => grouped(value),
        false => number(value),
    };
    html! { data value=(value) data-at=(at) { (text) } }
}

/// Whether what stands at a place of the JSON report is a number of things.
fn is_count(at: &str) -> bool {
    let counts = [
        "/unsafe_releases",
        "/ungated",
        "/alarms",
        "/deals",
        "/tasks",
        "/without",
        "/monotony/asked",
        "/monotony/compared",
        "/decisions",
    ];
    at.contains("/buckets/") || counts.iter().any(|end| at.ends_with(end))
}

pub(super) fn signed_exact(value: f64, at: &str) -> Markup {
    html! { data value=(value) data-at=(at) { (signed(value)) } }
}

/// A probability, of which nobody reads more than that it is small.
pub(super) fn probability(value: f64, at: &str) -> Markup {
    const SMALL: f64 = 0.0001;
    match value < SMALL {
        true => html! { data value=(value) data-at=(at) { "< " (number(SMALL)) } },
        false => exact(value, at),
    }
}

fn between(interval: Interval, at: &str) -> Markup {
    html! { (exact(interval.low, &format!("{at}low"))) " to " (exact(interval.high, &format!("{at}high"))) }
}

fn table(caption: &str, heads: &[&str], rows: &Markup) -> Markup {
    html! {
        div class="scroll" tabindex="0" {
            table {
                caption { (caption) }
                thead { tr { @for head in heads { th scope="col" class=[is_word(head)] { (head) } } } }
                tbody { (rows) }
            }
        }
    }
}

/// Whether words stand below a head.
fn is_word(head: &str) -> Option<&'static str> {
    ["verdict", "has to be", "Pareto set"]
        .contains(&head)
        .then_some("word")
}

fn strategy_head(report: &CompareReport<'_>, place: usize) -> Markup {
    let named = &report.comparison.strategies[place];
    html! {
        th scope="row" { (named.name) @if named.strategy.is_oracle() { small { " oracle" } } }
    }
}

fn strategies(report: &CompareReport<'_>, row: impl Fn(usize) -> Markup) -> Markup {
    html! {
        @for place in 0..report.comparison.strategies.len() {
            tr { (strategy_head(report, place)) (row(place)) }
        }
    }
}

pub(super) fn safety_table(report: &CompareReport<'_>) -> Markup {
    let findings = report.findings;
    let count = |counts: &[u64], place: usize, word: &str| {
        let class = if counts[place] > 0 { "bad" } else { "good" };
        html! { td class=(class) { (exact(counts[place] as f64, &format!("/strategies/{place}/{word}"))) } }
    };
    let rows = strategies(report, |place| {
        html! {
            (count(&findings.unsafe_releases, place, "unsafe_releases"))
            (count(&findings.ungated, place, "ungated"))
        }
    });
    let heads = ["strategy", "unsafe releases", "tasks without their boundary"];
    table("over all runs, warm-up and all", &heads, &rows)
}

pub(super) fn gates_table(report: &CompareReport<'_>) -> Markup {
    let CompareReport {
        comparison, findings, ..
    } = *report;
    let pairs = comparison.gates.iter().zip(&findings.gates).enumerate();
    let rows = html! {
        @for (place, (gate, found)) in pairs {
            @let at = format!("/gates/{place}/");
            @let class = match found.verdict {
                GateVerdict::Held => "word good",
                GateVerdict::Failed => "word bad",
                GateVerdict::Undecided => "word doubtful",
            };
            tr {
                th scope="row" { (gate.metric.word()) " of " (comparison.strategies[gate.strategy].name) }
                td class="word" { (words(&bound_text(comparison, gate.bound))) }
                td { @match found.mean { Some(mean) => (exact(mean, &format!("{at}mean"))), None => "-" } }
                td { @match found.interval { Some(interval) => (between(interval, &at)), None => "-" } }
                td class=(class) { (found.verdict.word()) }
            }
        }
    };
    let heads = ["metric", "has to be", "measured", "interval", "verdict"];
    table("a gate on a difference measures the difference", &heads, &rows)
}

pub(super) fn control_table(report: &CompareReport<'_>) -> Markup {
    let CompareReport {
        comparison, findings, ..
    } = *report;
    let rows = html! {
        @for (place, (metric, control)) in comparison.metrics.iter().zip(&findings.controls).enumerate() {
            @let at = format!("/controls/{place}/");
            tr {
                th scope="row" { (metric.word()) }
                @match control {
                    None => td class="word" colspan="5" { "no task speaks about it" },
                    Some(control) => {
                        td { (signed_exact(control.paired.difference, &format!("{at}difference"))) }
                        td { (between(control.paired.interval, &at)) }
                        td { (probability(control.p, &format!("{at}p"))) }
                        td {
                            (exact(f64::from(control.alarms), &format!("{at}alarms"))) " of "
                            (exact(f64::from(control.deals), &format!("{at}deals")))
                        }
                        td { (between(control.rate, &format!("{at}rate_"))) }
                    }
                }
            }
        }
    };
    let heads = [
        "metric",
        "difference",
        "interval",
        "p",
        "alarms",
        "rate of alarms",
    ];
    let caption = format!("nominal rate of alarms {}", percent_round(comparison.alpha));
    table(&caption, &heads, &rows)
}

pub(super) fn metric_table(report: &CompareReport<'_>, metric: usize) -> Markup {
    let CompareReport {
        comparison, findings, ..
    } = *report;
    let tail = comparison.metrics[metric].is_tail();
    let rows = strategies(report, |place| {
        let at = format!("/strategies/{place}/metrics/{metric}/");
        match &findings.cells[metric][place] {
            Cell::Silent => {
                html! { td class="word" colspan=(if tail { 8 } else { 6 }) { "no task speaks about it" } }
            }
            Cell::Said {
                mean,
                interval,
                median,
                contrast,
            } => html! {
                td { (exact(*mean, &format!("{at}mean"))) }
                td { (between(*interval, &at)) }
                @if tail { (median_cells(*median, &format!("{at}median/"))) }
                @match contrast {
                    Some(contrast) => (contrast_cells(contrast, &format!("{at}contrast/"))),
                    None => td class="word" colspan="4" {
                        @if place == comparison.reference { "reference" } @else { "not known" }
                    },
                }
            },
        }
    });
    let confidence = percent_round(1.0 - comparison.alpha);
    let own = format!("{confidence} interval");
    let mut heads = vec!["strategy", "mean", &own];
    if tail {
        heads.extend(["median", "its interval"]);
    }
    heads.extend(["difference and its interval", "ratio", "p, adjusted", "verdict"]);
    table(comparison.metrics[metric].word(), &heads, &rows)
}

/// The median of the replications, with its interval from their order statistics.
fn median_cells(median: Option<(f64, Interval)>, at: &str) -> Markup {
    html! {
        @match median {
            Some((value, interval)) => { td { (exact(value, &format!("{at}value"))) } td { (between(interval, at)) } }
            None => td class="word" colspan="2" { "too few runs" },
        }
    }
}

fn contrast_cells(contrast: &Contrast, at: &str) -> Markup {
    let paired = contrast.paired;
    let class = match contrast.verdict {
        Verdict::Better => "word good",
        Verdict::Worse => "word bad",
        Verdict::Different | Verdict::Equivalent | Verdict::Identical | Verdict::Open => "word",
    };
    html! {
        td {
            (signed_exact(paired.difference, &format!("{at}difference"))) " (" (between(paired.interval, at)) ")"
        }
        td {
            @if paired.variance_ratio.is_finite() {
                (exact(paired.variance_ratio, &format!("{at}variance_ratio")))
            } @else { "all" }
        }
        td { (probability(contrast.adjusted, &format!("{at}adjusted_p"))) }
        td class=(class) { (contrast.verdict.word()) }
    }
}

pub(super) fn pareto_table(report: &CompareReport<'_>) -> Markup {
    let Some(set) = &report.findings.pareto else {
        return html! { p { "There is no Pareto set: too few metrics have a better and a worse, or some run does not speak about one." } };
    };
    let rows = strategies(report, |place| {
        let (free, share) = set[place];
        html! {
            td class="word" { @if free { "in it" } @else { "beaten" } }
            td { (exact(share, &format!("/strategies/{place}/pareto/share"))) }
        }
    });
    let heads = ["strategy", "Pareto set", "share of resamples in it"];
    table(
        "no other strategy is at least as good in every metric and better in one",
        &heads,
        &rows,
    )
}

/// The quantiles of a spread, by its name in the JSON report.
pub(super) fn spread_table(report: &CompareReport<'_>, word: &'static str) -> Markup {
    let rows = strategies(report, |place| {
        let shapes = report.study.shapes(place);
        let spread = match word {
            "live_waits" => shapes.live_waits,
            _ => shapes.result_times,
        };
        spread_cells(&spread, &format!("/strategies/{place}/shapes/{word}"))
    });
    let caption = match word {
        "live_waits" => "live wait in seconds: what so many tasks do not exceed",
        _ => "time to result in seconds: what so many tasks do not exceed",
    };
    let heads = [
        "strategy", "tasks", "never", "50 %", "90 %", "95 %", "99 %", "99.9 %",
    ];
    table(caption, &heads, &rows)
}

fn spread_cells(spread: &Spread, at: &str) -> Markup {
    html! {
        td { (exact(spread.count() as f64, &format!("{at}/tasks"))) }
        td { (exact(spread.without() as f64, &format!("{at}/without"))) }
        @for (name, share) in QUANTILES {
            td {
                @match spread.quantile(share) {
                    Some(length) => (exact(length.as_secs_f64(), &format!("{at}/{name}"))),
                    None => "never",
                }
            }
        }
    }
}

pub(super) fn buckets_table(report: &CompareReport<'_>) -> Markup {
    let strategies_count = report.comparison.strategies.len();
    let counts: Vec<_> = (0..strategies_count)
        .map(|place| report.study.buckets(place))
        .collect();
    let used: Vec<&str> = ORDER
        .iter()
        .filter(|(bucket, _)| counts.iter().any(|counts| counts[*bucket as usize] > 0))
        .map(|(bucket, _)| Metric::of(*bucket).word())
        .collect();
    let rows = strategies(report, |place| {
        html! {
            @for (bucket, _) in ORDER {
                @let word = Metric::of(bucket).word();
                @if used.contains(&word) {
                    td { (exact(counts[place][bucket as usize] as f64, &format!("/strategies/{place}/buckets/{word}"))) }
                }
            }
        }
    });
    let mut heads = vec!["strategy"];
    heads.extend(&used);
    table("tasks of all replications", &heads, &rows)
}

pub(super) fn definitions(report: &CompareReport<'_>) -> Markup {
    let metrics = &report.comparison.metrics;
    let buckets = ORDER.map(|(bucket, _)| Metric::of(bucket));
    let others = buckets.iter().filter(|bucket| !metrics.contains(bucket));
    html! {
        dl class="words" {
            @for metric in metrics.iter().chain(others) {
                dt { code { (metric.word()) } } dd { (words(metric.definition())) }
            }
        }
    }
}

pub(super) fn regret_table(report: &CompareReport<'_>, regrets: &[Option<RegretFinding>]) -> Markup {
    let rows = strategies(report, |place| {
        let at = format!("/strategies/{place}/regret/");
        html! {
            @match &regrets[place] {
                None => { td { "-" } td { "-" } td { "-" } td { "-" } td { "-" } }
                Some(found) => {
                    td { (exact(found.mean, &format!("{at}mean"))) }
                    td { (between(found.interval, &at)) }
                    td { (signed_exact(found.gain, &format!("{at}gain"))) }
                    td { (between(found.gain_interval, &format!("{at}gain_"))) }
                    td { (exact(found.decisions as f64, &format!("{at}decisions"))) }
                }
            }
        }
    });
    let heads = [
        "strategy",
        "regret",
        "interval",
        "gain of the other way",
        "interval",
        "decisions",
    ];
    table("means of a decision, over replications", &heads, &rows)
}
