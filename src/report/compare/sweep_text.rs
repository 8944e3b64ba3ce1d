//! A sweep for people.

use super::number::{number, signed, unit};
use super::text::{NAME, WIDTH, bound_text, command, entry, laid_down, percent_round, unsettled};
use super::{CompareReport, SweepReport};
use crate::report::paint::{Paint, Tone};
use crate::report::text::{counted, cut, grouped, left, line, right};
use crate::sim::compare::{Cell, Conclusion, Contrast, GateVerdict, Standing, Varied, Verdict};
use crate::sim::metric::Metric;
use crate::sim::stats::Direction;

/// What stands in a cell, with its tone if it has one.
type Mark = (Option<Tone>, String);
/// A name and its cells.
type Row = (String, Vec<Mark>);

/// The column of a value.
const COLUMN: usize = 20;
/// So many values stand beside each other.
const ACROSS: usize = (WIDTH - 2 - NAME) / COLUMN;

/// A sweep as tables: what was unsafe, each metric at every point, what is concluded and where it turns, how each point
/// ended.
pub(super) fn sweep_text(report: &SweepReport<'_>, varied: &Varied, paint: Paint) -> String {
    let metrics = report.sweep.points[0].metrics.iter().enumerate();
    let mut parts = vec![heading(report, varied), safety(report, varied, paint)];
    parts.extend(metrics.map(|(place, metric)| metric_block(report, varied, (place, *metric), paint)));
    parts.push(control(report, varied, paint));
    parts.push(conclusions(report, varied, paint));
    parts.push(points(report, varied, paint));
    parts.push(closing(report, paint));
    parts.join("\n")
}

fn heading(report: &SweepReport<'_>, varied: &Varied) -> String {
    let mut out = laid_down(&report.sweep.points[0]);
    let values: Vec<&str> = varied.values.iter().map(|value| &*value.word).collect();
    let what = format!(
        "`{}` over {}: each point is a comparison of its own, and all meet the same luck",
        varied.what,
        values.join(", ")
    );
    out.push_str(&entry("swept", &line(&what)));
    out
}

fn safety(report: &SweepReport<'_>, varied: &Varied, paint: Paint) -> String {
    let mut out = format!("{}\n", paint.tone(Tone::Strong, "safety"));
    let titles = ["unsafe releases", "tasks without their approval boundary"];
    for (place, title) in titles.into_iter().enumerate() {
        let mut bad = Vec::new();
        for (value, point) in varied.values.iter().zip(&report.points) {
            let counts = [&point.findings.unsafe_releases, &point.findings.ungated][place];
            for (named, count) in point.comparison.strategies.iter().zip(counts) {
                if *count > 0 {
                    bad.push(format!("`{}` {} at {}", named.name, grouped(count), value.word));
                }
            }
        }
        let said = match bad.is_empty() {
            true => paint.tone(Tone::Good, "none, by any strategy at any point"),
            false => paint.tone(Tone::Bad, &line(&bad.join(", "))),
        };
        out.push_str(&format!("  {}{said}\n", left(title, 40)));
    }
    out
}

/// A table with a column for each value, as many beside each other as fit.
fn table(varied: &Varied, rows: &[Row], paint: Paint) -> String {
    let mut out = String::new();
    for from in (0..varied.values.len()).step_by(ACROSS) {
        let heads: String = varied.values[from..]
            .iter()
            .take(ACROSS)
            .map(|value| right(&cut(&value.word, COLUMN - 2), COLUMN))
            .collect();
        out.push_str(&paint.tone(Tone::Faint, &format!("  {}{heads}", left("", NAME))));
        out.push('\n');
        for (name, cells) in rows {
            let cells: String = cells[from..]
                .iter()
                .take(ACROSS)
                .map(|(tone, text)| match tone {
                    Some(tone) => paint.tone(*tone, &right(text, COLUMN)),
                    None => right(text, COLUMN),
                })
                .collect();
            out.push_str(&format!("  {}{cells}\n", left(name, NAME)));
        }
    }
    out
}

fn metric_block(
    report: &SweepReport<'_>,
    varied: &Varied,
    (place, metric): (usize, Metric),
    paint: Paint,
) -> String {
    let better = match metric.direction() {
        Some(Direction::Up) => ", more is better",
        Some(Direction::Down) => ", less is better",
        None => "",
    };
    let role = if place == 0 { "decides" } else { "exploratory" };
    let title = format!("{} ({}{better}; {role})", metric.word(), unit(metric.unit()));
    let strategies = report.sweep.points[0].strategies.iter().enumerate();
    let rows: Vec<Row> = strategies
        .map(|(strategy, named)| {
            let mark = if named.strategy.is_oracle() {
                " (oracle)"
            } else {
                ""
            };
            let cells = report.points.iter();
            let cells = cells.map(|point| match &point.findings.cells[place][strategy] {
                Cell::Silent => (Some(Tone::Faint), "-".to_owned()),
                Cell::Said { mean, interval, .. } => {
                    let text = format!("{} ±{}", number(*mean), number(interval.half_width()));
                    (None, text)
                }
            });
            (format!("{}{mark}", named.name), cells.collect())
        })
        .collect();
    format!(
        "{}\n{}",
        paint.tone(Tone::Strong, &title),
        table(varied, &rows, paint)
    )
}

/// The reference against itself at every point: the probability of such a difference, and how often the test alarms.
fn control(report: &SweepReport<'_>, varied: &Varied, paint: Paint) -> String {
    let first = &report.sweep.points[0];
    let title = format!(
        "A/A control: `{}` against itself on other luck, p and share of alarms, nominal {}",
        first.strategies[first.reference].name,
        percent_round(first.alpha),
    );
    let rows: Vec<Row> = first
        .metrics
        .iter()
        .enumerate()
        .map(|(place, metric)| {
            let cells = report.points.iter();
            let cells = cells.map(|point| match &point.findings.controls[place] {
                None => (Some(Tone::Faint), "-".to_owned()),
                Some(control) => {
                    let rate = f64::from(control.alarms) / f64::from(control.deals.max(1));
                    (None, format!("{:.2}, {}", control.p, percent_round(rate)))
                }
            });
            (metric.word().to_owned(), cells.collect())
        })
        .collect();
    format!(
        "{}\n{}",
        paint.tone(Tone::Strong, &title),
        table(varied, &rows, paint)
    )
}

fn conclusions(report: &SweepReport<'_>, varied: &Varied, paint: Paint) -> String {
    let first = &report.sweep.points[0];
    let title = format!(
        "conclusions by `{}`: differences to `{}`, adjusted for all points and strategies",
        first.metric.word(),
        first.strategies[first.reference].name,
    );
    let rows: Vec<Row> = report
        .conclusions
        .iter()
        .map(|conclusion| {
            let name = first.strategies[conclusion.strategy].name.to_string();
            (name, conclusion.steps.iter().map(step).collect())
        })
        .collect();
    let flips: String = report
        .conclusions
        .iter()
        .flat_map(|conclusion| flips(first, conclusion, varied))
        .collect();
    let flips = match flips.is_empty() {
        true => entry("flips", "no conclusion turns anywhere"),
        false => flips,
    };
    format!(
        "{}\n{}{flips}",
        paint.tone(Tone::Strong, &title),
        table(varied, &rows, paint)
    )
}

fn step(step: &Option<Contrast>) -> Mark {
    match step {
        None => (Some(Tone::Faint), "-".to_owned()),
        Some(contrast) => {
            let tone = match contrast.verdict {
                Verdict::Better => Tone::Good,
                Verdict::Worse => Tone::Bad,
                Verdict::Different | Verdict::Equivalent | Verdict::Identical | Verdict::Open => Tone::Faint,
            };
            let word = match contrast.verdict {
                Verdict::Open => "open",
                other => other.word(),
            };
            (
                Some(tone),
                format!("{} {word}", signed(contrast.paired.difference)),
            )
        }
    }
}

fn flips(first: &crate::sim::compare::Comparison, conclusion: &Conclusion, varied: &Varied) -> Vec<String> {
    let name = &first.strategies[conclusion.strategy].name;
    let said = |place: usize| {
        let verdict = conclusion.steps[place].map_or("-", |step| step.verdict.word());
        format!("{verdict} at {}", varied.values[place].word)
    };
    let flips = conclusion.flips.iter();
    flips
        .map(|(before, after)| {
            let text = format!("`{name}` is {} and {}", said(*before), said(*after));
            entry("flips", &line(&text))
        })
        .collect()
}

/// How each point ended.
fn points(report: &SweepReport<'_>, varied: &Varied, paint: Paint) -> String {
    let mut out = format!("{}\n", paint.tone(Tone::Strong, "points"));
    for (value, point) in varied.values.iter().zip(&report.points) {
        let (tone, word) = match point.findings.standing() {
            Standing::Decided => (Tone::Good, "decided"),
            Standing::Failed => (Tone::Bad, "FAILED"),
            Standing::Undecided => (Tone::Doubtful, "undecided"),
        };
        out.push_str(&format!(
            "  {}{} {}\n",
            left(&value.word, NAME),
            paint.tone(tone, &left(word, 10)),
            line(&in_words(point))
        ));
        for (seed, strategy, why) in point.findings.broken.iter().take(2) {
            let name = &point.comparison.strategies[*strategy].name;
            let what = format!("    no evidence: seed {}, `{name}`: {}\n", seed.0, line(why));
            out.push_str(&paint.tone(Tone::Doubtful, &what));
        }
        if let Some(why) = unsettled(point.comparison, point.findings) {
            out.push_str(&paint.tone(Tone::Doubtful, &format!("    {why}\n")));
        }
        for (gate, found) in point.comparison.gates.iter().zip(&point.findings.gates) {
            let tone = match found.verdict {
                GateVerdict::Held => continue,
                GateVerdict::Failed => Tone::Bad,
                GateVerdict::Undecided => Tone::Doubtful,
            };
            let what = format!(
                "    gate {}: `{}` of `{}` {}\n",
                found.verdict.word(),
                gate.metric.word(),
                point.comparison.strategies[gate.strategy].name,
                bound_text(point.comparison, gate.bound)
            );
            out.push_str(&paint.tone(tone, &what));
        }
    }
    out
}

fn in_words(point: &CompareReport<'_>) -> String {
    let CompareReport {
        comparison,
        study,
        findings,
    } = *point;
    let narrow = match findings.converged {
        true => "narrow enough",
        false => "did not converge",
    };
    let best = match findings.best.as_ref().map(|best| &best.selection) {
        None => String::new(),
        Some(selection) => match selection.best {
            Some(place) => format!(", best `{}`", comparison.strategies[place].name),
            None => ", best not decided".to_owned(),
        },
    };
    format!(
        "{narrow} ({}) after {}{best}",
        percent_round(comparison.repeats.half_width),
        counted(study.replications.len() as u64, "replication"),
    )
}

fn closing(report: &SweepReport<'_>, paint: Paint) -> String {
    let (tone, word, what) = match report.standing() {
        Standing::Decided => (Tone::Good, "decided", "at every point"),
        Standing::Failed => (Tone::Bad, "FAILED", "at one of the points, or more"),
        Standing::Undecided => (Tone::Doubtful, "undecided", "at one of the points, or more"),
    };
    format!(
        "replay: {}\n\n{}: {what}\n",
        command(&report.sweep.points[0]),
        paint.tone(tone, word)
    )
}
