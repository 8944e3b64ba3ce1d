//! The study for people.

use std::collections::BTreeSet;
use std::iter::successors;

use super::CompareReport;
use super::number::{number, signed, unit};
use crate::report::paint::{Paint, Tone};
use crate::report::text::{block, counted, grouped, left, line, right, wrap};
use crate::sim::compare::{
    Cell, Comparison, Contrast, Control, Cut, Findings, GateBound, GateFinding, GateVerdict, RegretFinding,
    STRATEGIES, Standing, Verdict,
};
use crate::sim::metric::Metric;
use crate::sim::stats::{Direction, Interval};
use crate::units::{SimDuration, SimTime};

/// No line is longer.
pub(super) const WIDTH: usize = 100;
/// The first column.
const HEAD: usize = 13;
/// The column of names.
pub(super) const NAME: usize = 24;

/// The study as a table: what was laid down, what was unsafe, each metric with its intervals, the control, the gates.
#[must_use]
pub fn compare_text(report: &CompareReport<'_>, paint: Paint) -> String {
    let mut parts = vec![heading(report), safety(report, paint)];
    for (place, metric) in report.comparison.metrics.iter().enumerate() {
        parts.push(metric_block(report, *metric, place, paint));
    }
    parts.push(control_block(report, paint));
    parts.extend(sets(report));
    if let Some(regrets) = &report.findings.regrets {
        parts.push(regret_block(report, regrets, paint));
    }
    parts.extend(off_policy_block(report, paint));
    if !report.comparison.gates.is_empty() {
        parts.push(gates_block(report, paint));
    }
    parts.push(closing(report, paint));
    parts.join("\n")
}

/// Every metric with its definition, for people.
#[must_use]
pub fn metrics_text() -> String {
    let mut text = String::new();
    for metric in Metric::ALL {
        let better = match metric.direction() {
            Some(Direction::Up) => ", more is better",
            Some(Direction::Down) => ", less is better",
            None => "",
        };
        let held = match (metric.direction().is_some(), metric.counts_everything()) {
            (true, false) => ", decides only while what is done is held",
            (true, true) | (false, _) => "",
        };
        text.push_str(&format!(
            "{} ({}{better}{held})\n",
            metric.word(),
            unit(metric.unit())
        ));
        for one in wrap(metric.definition().split(' '), " ", WIDTH - 4) {
            text.push_str(&format!("    {one}\n"));
        }
    }
    text
}

/// Every strategy: what it does, what it is shown, what it takes.
#[must_use]
pub fn strategies_text() -> String {
    let mut text = String::new();
    let head = "Every strategy sees what is declared of a task (kind, attributes, tenant) and what the policy says about it, and \
                none of them what time it is. All but another policy keep the approval boundary, or a stricter one. In a file: \
                `strategies: { NAME: STRATEGY, ... }`, with STRATEGY as it stands behind `write`.";
    for one in wrap(head.split(' '), " ", WIDTH) {
        text.push_str(&format!("{one}\n"));
    }
    for row in STRATEGIES {
        let mark = if row.is_oracle {
            " (oracle: marked in every report)"
        } else {
            ""
        };
        text.push_str(&format!("\n{}{mark}\n", row.word));
        let mut say = |head: &str, said: &str| {
            for (place, one) in wrap(said.split(' '), " ", WIDTH - 17).iter().enumerate() {
                let head = if place == 0 { head } else { "" };
                text.push_str(&format!("    {}{one}\n", left(head, 13)));
            }
        };
        say("write", row.written);
        say("does", row.does);
        if !row.sees.is_empty() {
            let sees: Vec<&str> = row.sees.iter().map(|sees| sees.words()).collect();
            say("also sees", &sees.join("; "));
        }
        for parameter in row.parameters {
            let usual = parameter
                .usual
                .map_or_else(String::new, |usual| format!(" (if left out: {usual})"));
            say(parameter.name, &format!("{}{usual}", parameter.means));
        }
    }
    text
}

pub(super) fn entry(name: &str, text: &str) -> String {
    let lines = wrap(text.split(' '), " ", WIDTH - HEAD);
    let mut out = String::new();
    for (place, one) in lines.iter().enumerate() {
        let head = if place == 0 { name } else { "" };
        out.push_str(&format!("{}{one}\n", left(head, HEAD)));
    }
    out
}

fn heading(report: &CompareReport<'_>) -> String {
    let CompareReport {
        comparison,
        study,
        findings,
    } = *report;
    let mut out = laid_down(comparison);
    let first = study.replications.first().map_or(0, |one| one.seed.0);
    let last = study.replications.last().map_or(0, |one| one.seed.0);
    let played = format!(
        "{} (seeds {first}-{last}) of {} arrivals, {}; {} each, on the same tasks and the same luck",
        counted(study.replications.len() as u64, "replication"),
        comparison.until.since(crate::units::SimTime::START),
        format_args!("{} strategies", comparison.strategies.len()),
        counted(findings.tasks, "task"),
    );
    out.push_str(&entry("played", &played));
    if let Some(cut) = comparison.cut() {
        out.push_str(&entry("warm-up", &line(&warm_up(comparison, cut))));
    }
    out
}

/// Where a rule ends the warm-up, and what it says of each strategy.
pub(super) fn warm_up(comparison: &Comparison, cut: &Cut) -> String {
    let length = |at: SimTime| at.since(SimTime::START);
    let pairs = comparison.strategies.iter().zip(&cut.strategies);
    let each: Vec<String> = pairs
        .map(|(named, cut)| match cut.settled {
            true => format!("`{}` after {}", named.name, SimDuration::from_ticks(cut.ticks)),
            false => format!("`{}` has no steady state that is seen", named.name),
        })
        .collect();
    format!(
        "{} by MSER-5 over the jobs in the system, in pilots of their own: {}",
        length(cut.at()),
        each.join(", ")
    )
}

/// What decisions have lost.
fn regret_block(report: &CompareReport<'_>, regrets: &[Option<RegretFinding>], paint: Paint) -> String {
    let comparison = report.comparison;
    let title = format!(
        "regret of a decision by `{}`: the world forked at it, and one task sent the other way",
        comparison.metric.word()
    );
    let columns = format!(
        "  {}{}{}{}{}\n",
        left("", NAME),
        right("regret", 9),
        right(&format!("{} interval", percent_round(1.0 - comparison.alpha)), 22),
        right("gain of the other way", 24),
        right("decisions", 12),
    );
    let mut out = format!(
        "{}\n{}",
        paint.tone(Tone::Strong, &title),
        paint.tone(Tone::Faint, &columns)
    );
    for (named, regret) in comparison.strategies.iter().zip(regrets) {
        let said = match regret {
            None => paint.tone(Tone::Faint, &right("not known", 31)),
            Some(found) => format!(
                "{}{}{}{}",
                right(&number(found.mean), 9),
                right(&between(found.interval), 22),
                right(
                    &format!(
                        "{} ±{}",
                        signed(found.gain),
                        number(found.gain_interval.half_width())
                    ),
                    24
                ),
                right(&grouped(found.decisions), 12),
            ),
        };
        out.push_str(&format!("  {}{said}\n", left(&named.name, NAME)));
    }
    out
}

/// What the choices that strategies drew say of lanes that they did not choose.
fn off_policy_block(report: &CompareReport<'_>, paint: Paint) -> Option<String> {
    let comparison = report.comparison;
    let found = comparison.strategies.iter().zip(&report.findings.off_policy);
    let found: Vec<_> = found
        .filter_map(|(named, found)| Some((named, found.as_ref()?)))
        .collect();
    if found.is_empty() {
        return None;
    }
    let title = "what was drawn: jobs that ended whole, in time and for somebody, of those that had a choice";
    let mut out = format!("{}\n", paint.tone(Tone::Strong, title));
    for (named, found) in found {
        let name = format!(
            "  {}{} choices\n",
            left(&named.name, NAME),
            right(&grouped(found.choices), 9)
        );
        out.push_str(&name);
        for (what, (mean, interval)) in [
            ("as it chose", found.reward),
            ("all interactive", found.interactive),
            ("all in the background", found.background),
        ] {
            let how = match what {
                "as it chose" => "",
                _ => "  estimated by inverse propensities",
            };
            out.push_str(&format!(
                "    {}{}{}{}\n",
                left(what, NAME - 2),
                right(&number(mean), 9),
                right(&between(interval), 22),
                paint.tone(Tone::Faint, how)
            ));
        }
    }
    Some(out)
}

/// What was laid down before.
pub(super) fn laid_down(comparison: &Comparison) -> String {
    let mut out = entry("comparison", &line(&comparison.title.value));
    out.push_str(&entry("file", &line(&comparison.name)));
    if let Some(hypothesis) = &comparison.hypothesis {
        out.push_str(&entry("hypothesis", &line(&block(hypothesis))));
    }
    let zone = comparison.indifference.map_or_else(
        || "no indifference zone".to_owned(),
        |zone| format!("indifferent below {}", number(zone)),
    );
    let laid_down = format!(
        "`{}` decides, {zone}, alpha {}, reference `{}`; all else is exploratory",
        comparison.metric.word(),
        percent_round(comparison.alpha),
        comparison.strategies[comparison.reference].name,
    );
    out.push_str(&entry("laid down", &laid_down));
    out
}

fn safety(report: &CompareReport<'_>, paint: Paint) -> String {
    let CompareReport {
        comparison, findings, ..
    } = *report;
    let mut out = format!("{}\n", paint.tone(Tone::Strong, "safety"));
    let titles = [
        ("unsafe releases", &findings.unsafe_releases),
        ("tasks without their approval boundary", &findings.ungated),
    ];
    for (title, counts) in titles {
        let bad: Vec<String> = comparison
            .strategies
            .iter()
            .zip(counts)
            .filter(|(_, count)| **count > 0)
            .map(|(named, count)| format!("`{}` {}", named.name, grouped(count)))
            .collect();
        let said = match bad.is_empty() {
            true => paint.tone(Tone::Good, "none, by any strategy"),
            false => paint.tone(Tone::Bad, &bad.join(", ")),
        };
        out.push_str(&format!("  {}{said}\n", left(title, 40)));
    }
    for (seed, strategy, why) in findings.broken.iter().take(5) {
        let what = format!(
            "  no evidence: seed {}, `{}`: {}\n",
            seed.0,
            comparison.strategies[*strategy].name,
            line(why)
        );
        out.push_str(&paint.tone(Tone::Doubtful, &what));
    }
    out
}

fn metric_block(report: &CompareReport<'_>, metric: Metric, place: usize, paint: Paint) -> String {
    let CompareReport {
        comparison,
        study,
        findings,
    } = *report;
    let better = match metric.direction() {
        Some(Direction::Up) => ", more is better",
        Some(Direction::Down) => ", less is better",
        None => "",
    };
    let role = if place == 0 { "decides" } else { "exploratory" };
    let title = format!("{} ({}{better}; {role})", metric.word(), unit(metric.unit()));
    let mut out = format!("{}\n", paint.tone(Tone::Strong, &title));
    if metric.is_tail() {
        let behind = format!(
            "  a tail: intervals by bootstrap over n = {} with {} behind them\n",
            counted(study.replications.len() as u64, "replication"),
            counted(findings.tasks, "task")
        );
        out.push_str(&paint.tone(Tone::Faint, &behind));
    }
    let columns = format!(
        "  {}{}{}{}{}  verdict\n",
        left("", NAME),
        right("mean", 9),
        right(&format!("{} interval", percent_round(1.0 - comparison.alpha)), 22),
        right("to the reference", 20),
        right("ratio", 9),
    );
    out.push_str(&paint.tone(Tone::Faint, &columns));
    for (strategy, cell) in findings.cells[place].iter().enumerate() {
        let named = &comparison.strategies[strategy];
        let mark = if named.strategy.is_oracle() {
            " (oracle)"
        } else {
            ""
        };
        let name = left(&format!("{}{mark}", named.name), NAME);
        out.push_str(&format!(
            "  {name}{}\n",
            cell_text(cell, strategy == comparison.reference, paint)
        ));
    }
    out
}

/// A share in per cent with the digits that it has: one behind the point, and more where it, or what is left of all, would
/// be told as nothing.
pub(super) fn percent_round(share: f64) -> String {
    let percent = share * 100.0;
    let least = percent.abs().min((100.0 - percent).abs());
    // What is smaller comes of rounding the share.
    let places = match least {
        1e-10..0.1 => {
            1 + successors(Some(least), |rest| Some(rest * 10.0))
                .take_while(|rest| *rest < 1.0)
                .count()
        }
        _ => 1,
    };
    let text = format!("{percent:.places$}");
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

fn cell_text(cell: &Cell, is_reference: bool, paint: Paint) -> String {
    let Cell::Said {
        mean,
        interval,
        contrast,
        median: _,
    } = cell
    else {
        return paint.tone(Tone::Faint, &right("no task speaks about it", 31));
    };
    let own = format!("{}{}", right(&number(*mean), 9), right(&between(*interval), 22));
    match contrast {
        None if is_reference => format!("{own}{}", right("reference", 20)),
        None => own,
        Some(contrast) => format!("{own}{}", contrast_text(contrast, paint)),
    }
}

pub(super) fn between(interval: Interval) -> String {
    format!("{}..{}", number(interval.low), number(interval.high))
}

fn contrast_text(contrast: &Contrast, paint: Paint) -> String {
    let paired = contrast.paired;
    let reach = number(paired.interval.half_width());
    if contrast.verdict == Verdict::Identical {
        let verdict = paint.tone(Tone::Faint, contrast.verdict.word());
        return format!("{}{}  {verdict}", right("none", 20), right("-", 9));
    }
    let difference = format!("{} ±{reach}", signed(paired.difference));
    let ratio = match paired.variance_ratio {
        ratio if ratio >= 1e6 || !ratio.is_finite() => "all".to_owned(),
        ratio => format!("{ratio:.1}"),
    };
    let tone = match contrast.verdict {
        Verdict::Better => Tone::Good,
        Verdict::Worse => Tone::Bad,
        Verdict::Different | Verdict::Equivalent | Verdict::Identical | Verdict::Open => Tone::Faint,
    };
    let verdict = paint.tone(tone, contrast.verdict.word());
    format!("{}{}  {verdict}", right(&difference, 20), right(&ratio, 9))
}

fn control_block(report: &CompareReport<'_>, paint: Paint) -> String {
    let CompareReport {
        comparison, findings, ..
    } = *report;
    let title = format!(
        "A/A control: `{}` against itself on other luck, and all its runs dealt anew",
        comparison.strategies[comparison.reference].name
    );
    let mut out = format!("{}\n", paint.tone(Tone::Strong, &title));
    for (metric, control) in comparison.metrics.iter().zip(&findings.controls) {
        let said = match control {
            None => "no task speaks about it".to_owned(),
            Some(control) => control_text(control, comparison.alpha),
        };
        out.push_str(&format!("  {}{said}\n", left(metric.word(), NAME)));
    }
    out
}

fn control_text(control: &Control, alpha: f64) -> String {
    let paired = control.paired;
    format!(
        "{} ±{}, p {:.2}; {} of {} deals alarm: {}, nominal {}",
        signed(paired.difference),
        number(paired.interval.half_width()),
        control.p,
        control.alarms,
        grouped(control.deals),
        percent_round(f64::from(control.alarms) / f64::from(control.deals.max(1))),
        percent_round(alpha),
    )
}

fn sets(report: &CompareReport<'_>) -> Option<String> {
    let CompareReport {
        comparison, findings, ..
    } = *report;
    let name = |place: usize| format!("`{}`", comparison.strategies[place].name);
    let mut out = String::new();
    if let Some(best) = &findings.best {
        let left: Vec<String> = best.selection.left.iter().map(|place| name(*place)).collect();
        let said = match best.selection.best {
            Some(place) => format!(
                "{} by `{}`, with probability {} if it leads by {} (Kim-Nelson; oracles are no candidates)",
                name(place),
                comparison.metric.word(),
                percent_round(best.confidence),
                number(best.indifference),
            ),
            None => format!(
                "not decided between {}, the leader first (Kim-Nelson needs more replications to rule out the others)",
                left.join(", ")
            ),
        };
        out.push_str(&entry("best", &said));
    }
    if let Some(set) = &findings.pareto {
        let free: Vec<String> = set
            .iter()
            .enumerate()
            .filter(|(_, (free, share))| *free || *share >= 0.05)
            .map(|(place, (free, share))| {
                let mark = if *free { "" } else { "not in it, but " };
                format!(
                    "{} ({mark}in {} of resamples)",
                    name(place),
                    percent_round(*share)
                )
            })
            .collect();
        out.push_str(&entry("Pareto set", &free.join(", ")));
    }
    (!out.is_empty()).then_some(out)
}

fn gates_block(report: &CompareReport<'_>, paint: Paint) -> String {
    let CompareReport {
        comparison, findings, ..
    } = *report;
    let mut out = format!("{}\n", paint.tone(Tone::Strong, "gates"));
    for (gate, found) in comparison.gates.iter().zip(&findings.gates) {
        let bound = bound_text(comparison, gate.bound);
        let GateFinding {
            interval, verdict, ..
        } = found;
        let tone = match verdict {
            GateVerdict::Held => Tone::Good,
            GateVerdict::Failed => Tone::Bad,
            GateVerdict::Undecided => Tone::Doubtful,
        };
        let measured = interval.map_or_else(|| "-".to_owned(), between);
        let what = format!(
            "`{}` of `{}` {bound}",
            gate.metric.word(),
            comparison.strategies[gate.strategy].name
        );
        out.push_str(&format!(
            "  {} {what}: {measured}\n",
            paint.tone(tone, &left(verdict.word(), 11))
        ));
    }
    out
}

/// What a gate asks for, in words.
pub(super) fn bound_text(comparison: &Comparison, bound: GateBound) -> String {
    match bound {
        GateBound::AtLeast(least) => format!("at least {}", number(least)),
        GateBound::AtMost(most) => format!("at most {}", number(most)),
        GateBound::NoWorseThan(other, by) => {
            let other = &comparison.strategies[other].name;
            format!("no worse than `{other}` by {}", number(by))
        }
    }
}

fn closing(report: &CompareReport<'_>, paint: Paint) -> String {
    let (tone, word) = match report.findings.standing() {
        Standing::Decided => (Tone::Good, "decided"),
        Standing::Failed => (Tone::Bad, "FAILED"),
        Standing::Undecided => (Tone::Doubtful, "undecided"),
    };
    format!(
        "replay: {}\n\n{}: {}\n",
        command(report.comparison),
        paint.tone(tone, word),
        ending(report)
    )
}

/// Why a study ends as it does, in words: what failed or is no evidence first, then whether there were enough replications.
pub(super) fn ending(report: &CompareReport<'_>) -> String {
    let CompareReport {
        comparison,
        study,
        findings,
    } = *report;
    let metric = comparison.metric.word();
    let replications = counted(study.replications.len() as u64, "replication");
    let share = percent_round(comparison.repeats.half_width);
    let narrow = match comparison.indifference {
        Some(zone) => format!("{share} or {}", number(0.5 * zone)),
        None => share,
    };
    let cells = findings.cells.first().into_iter().flatten().enumerate();
    let silent = cells.filter(|(_, cell)| **cell == Cell::Silent);
    let silent: Vec<usize> = silent.map(|(place, _)| place).collect();
    let mut why = reasons(comparison, findings);
    why.push(match findings.converged {
        true => format!("every interval of `{metric}` is narrow enough ({narrow}) after {replications}"),
        false if findings.tasks == 0 => format!("no task counted in {replications}, the cap"),
        false if !silent.is_empty() => format!(
            "in some of {replications}, the cap, no task speaks about `{metric}` of {}",
            names(comparison, silent)
        ),
        false => format!(
            "did not converge: some interval of `{metric}` is too wide ({narrow}) after {replications}, the cap"
        ),
    });
    why.join(", and ")
}

fn names(comparison: &Comparison, places: impl IntoIterator<Item = usize>) -> String {
    let places = places.into_iter();
    let names: Vec<String> = places
        .map(|place| format!("`{}`", comparison.strategies[place].name))
        .collect();
    names.join(", ")
}

/// What speaks against a study, apart from the number of its replications.
fn reasons(comparison: &Comparison, findings: &Findings) -> Vec<String> {
    let mut why = Vec::new();
    let counts = findings.unsafe_releases.iter().zip(&findings.ungated).enumerate();
    let bad = counts.filter(|(_, (released, ungated))| **released + **ungated > 0);
    let bad: Vec<usize> = bad.map(|(place, _)| place).collect();
    if !bad.is_empty() {
        why.push(format!("unsafe: {}", names(comparison, bad)));
    }
    for (verdict, word) in [
        (GateVerdict::Failed, "failed"),
        (GateVerdict::Undecided, "not decided"),
    ] {
        let count = findings
            .gates
            .iter()
            .filter(|gate| gate.verdict == verdict)
            .count();
        if count > 0 {
            let all = counted(findings.gates.len() as u64, "gate");
            why.push(format!("{word}: {count} of {all}"));
        }
    }
    let broken: BTreeSet<usize> = findings.broken.iter().map(|(_, strategy, _)| *strategy).collect();
    if !broken.is_empty() {
        why.push(format!(
            "some run of {} is no evidence",
            names(comparison, broken)
        ));
    }
    why.extend(unsettled(comparison, findings));
    why
}

/// Whose pilots saw no steady state.
pub(super) fn unsettled(comparison: &Comparison, findings: &Findings) -> Option<String> {
    let places = findings.unsettled.iter().copied();
    let names = names(comparison, places);
    (!names.is_empty()).then(|| format!("no steady state of {names} is seen"))
}

/// The command that plays a comparison.
pub(super) fn command(comparison: &Comparison) -> String {
    let allow = match comparison.strategies.iter().any(|named| named.program.is_some()) {
        true => " --allow-programs",
        false => "",
    };
    format!("lanebench compare {}{allow}", shell(&line(&comparison.name)))
}

/// A word of a command line.
fn shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./+=:,@%-".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}
