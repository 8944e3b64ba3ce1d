//! Stations beside their closed forms, as a table and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Paint;
use super::paint::Tone;
use super::text::left;
use crate::sim::oracle::{
    Covered, MISSED_MAX, MISSED_ONE_IN, Measured, Surveyed, Z_MAX, all_cover, coverage,
};

/// Wide enough for the longest name of a case.
const NAME: usize = 50;

/// A row for each quantity of each case; with [`quiet`](oracles_text) only those that do not hold, and the last line.
#[must_use]
pub fn oracles_text(surveyed: &[Surveyed], half_width: f64, quiet: bool, paint: Paint) -> String {
    let mut out = String::new();
    let head = format!(
        "{}{:>10}{:>13}{:>13}{:>8}{:>13}{:>8}{:>7}",
        left("station", NAME),
        "",
        "closed form",
        "engine",
        "z",
        "line",
        "±",
        "z"
    );
    if !quiet {
        let _ = writeln!(out, "{}", paint.tone(Tone::Strong, &head));
    }
    for one in surveyed {
        let holds = one.holds(half_width);
        if quiet && holds {
            continue;
        }
        let rows = one.case.expected.iter().zip(one.engine.iter().zip(&one.line));
        for (place, ((quantity, expected), (engine, line))) in rows.enumerate() {
            let name = if place == 0 { one.case.name.as_str() } else { "" };
            let row = format!(
                "{}{:>10}{expected:>13.6}{:>13}{:>8}{:>13}{:>8}{:>7}",
                left(name, NAME),
                quantity.word(),
                number(engine.moments.mean(), 6),
                number(engine.score(), 2),
                number(line.moments.mean(), 6),
                share(line.half_width()),
                number(line.score(), 2),
            );
            let _ = writeln!(out, "{}", row.trim_end());
        }
        if let Some(wrong) = &one.wrong {
            let _ = writeln!(out, "  {}: {wrong}", paint.tone(Tone::Bad, "wrong"));
        }
    }
    out.push_str(&last_line(surveyed, half_width, paint));
    out
}

fn last_line(surveyed: &[Surveyed], half_width: f64, paint: Paint) -> String {
    let held = surveyed.iter().filter(|one| one.holds(half_width)).count();
    let (tone, word) = verdict(held == surveyed.len());
    format!(
        "\n{}: {held} of {} stations agree with their closed forms: |z| below {Z_MAX}, half-widths of 99 % up to {}, \
         every wait as in the bare line, every law kept\n",
        paint.tone(tone, word),
        surveyed.len(),
        share(Some(half_width)),
    )
}

/// The same for programs.
#[must_use]
pub fn oracles_json(surveyed: &[Surveyed], half_width: f64) -> String {
    let stations: Vec<Value> = surveyed
        .iter()
        .map(|one| {
            let rows = one.case.expected.iter().zip(one.engine.iter().zip(&one.line));
            let quantities: Vec<Value> = rows
                .map(|((quantity, expected), (engine, line))| {
                    json!({
                        "quantity": quantity.word(),
                        "expected": expected,
                        "engine": measured(engine),
                        "line": measured(line),
                    })
                })
                .collect();
            json!({
                "station": one.case.name,
                "holds": one.holds(half_width),
                "wrong": one.wrong,
                "quantities": quantities,
            })
        })
        .collect();
    let mut text = format!("{:#}", json!({ "half_width": half_width, "stations": stations }));
    text.push('\n');
    text
}

/// How often the engine's intervals cover, a line for each station; with `quiet` only those that do not hold, and the last line.
#[must_use]
pub fn coverage_text(covered: &[Covered], quiet: bool, paint: Paint) -> String {
    let mut out = String::new();
    for one in covered.iter().filter(|one| !(quiet && one.holds())) {
        let quantities = one.case.expected.iter().zip(&one.hits);
        let shares = quantities.map(|((quantity, _), hits)| {
            let covers = format!("{} {}", quantity.word(), share(covering(*hits, one.tries)));
            match one.often_enough(*hits) {
                true => covers,
                false => paint.tone(Tone::Bad, &format!("{covers} too seldom")),
            }
        });
        let mut shares: Vec<String> = shares.collect();
        if one.breaches > 0 {
            shares.push(paint.tone(Tone::Bad, &format!("laws broken in {}", one.breaches)));
        }
        let _ = writeln!(out, "{}{}", left(&one.case.name, NAME), shares.join("   "));
    }
    let (hits, tries) = coverage(covered);
    let (tone, word) = verdict(all_cover(covered));
    let (least, least_of_one) = (share(Some(1.0 - MISSED_MAX)), 100 - 100 / MISSED_ONE_IN);
    let _ = writeln!(
        out,
        "\n{}: {hits} of {tries} intervals of 99 % cover, {}; {least} have to, each quantity with {least_of_one}% of the seeds, and every law to hold",
        paint.tone(tone, word),
        share(covering(hits, tries)),
    );
    out
}

/// The same for programs.
#[must_use]
pub fn coverage_json(covered: &[Covered]) -> String {
    let station = |one: &Covered| {
        let quantities = one.case.expected.iter().zip(&one.hits);
        let quantities: Vec<Value> = quantities
            .map(|((quantity, _), hits)| {
                json!({ "quantity": quantity.word(), "covered": hits, "holds": one.often_enough(*hits) })
            })
            .collect();
        json!({
            "station": one.case.name,
            "holds": one.holds(),
            "seeds": one.tries,
            "breaches": one.breaches,
            "quantities": quantities,
        })
    };
    let (hits, tries) = coverage(covered);
    let stations: Vec<Value> = covered.iter().map(station).collect();
    let whole = json!({ "coverage": covering(hits, tries), "least": 1.0 - MISSED_MAX, "stations": stations });
    format!("{whole:#}\n")
}

fn covering(hits: u64, tries: u64) -> Option<f64> {
    (tries > 0).then(|| hits as f64 / tries as f64)
}

fn verdict(held: bool) -> (Tone, &'static str) {
    match held {
        true => (Tone::Good, "ok"),
        false => (Tone::Bad, "FAILED"),
    }
}

fn measured(measured: &Measured) -> Value {
    json!({
        "mean": measured.moments.mean(),
        "half_width": measured.half_width(),
        "z": measured.score(),
        "replications": measured.moments.count(),
    })
}

fn number(number: Option<f64>, digits: usize) -> String {
    number.map_or_else(|| "-".to_owned(), |number| format!("{number:.digits$}"))
}

fn share(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.2}%", 100.0 * share))
}
