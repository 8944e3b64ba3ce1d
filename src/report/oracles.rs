//! Stations beside their closed forms, as a table and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Paint;
use super::paint::Tone;
use super::text::left;
use crate::sim::oracle::{Measured, Surveyed, Z_MAX};

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
    let (tone, word) = match held == surveyed.len() {
        true => (Tone::Good, "ok"),
        false => (Tone::Bad, "FAILED"),
    };
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
