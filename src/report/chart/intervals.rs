//! Intervals one below another, beside the line of no difference.

use maud::{Markup, html};

use super::figure::{Figure, TOP, WIDTH};
use super::look::{marker, px, stroke};
use super::scale::Axis;
use crate::report::text::cut;

const LEFT: f64 = 138.0;
const RIGHT: f64 = 84.0;
const ROW: f64 = 21.0;
const FOOT: f64 = 42.0;
const NAME: usize = 18;

/// A row: a name, a value with its interval, and a word.
pub(in crate::report) struct IntervalRow<'a> {
    /// Which of the series it is: how it looks.
    pub(in crate::report) series: usize,
    pub(in crate::report) name: &'a str,
    /// The value, from where, to where; none where nothing is known.
    pub(in crate::report) value: Option<(f64, f64, f64)>,
    pub(in crate::report) word: &'a str,
}

/// Intervals one below another.
pub(in crate::report) struct Intervals<'a> {
    pub(in crate::report) name: String,
    pub(in crate::report) title: String,
    pub(in crate::report) description: String,
    /// What the axis measures.
    pub(in crate::report) label: String,
    /// What stands above the rows.
    pub(in crate::report) note: String,
    /// Values this near to nothing do not matter.
    pub(in crate::report) zone: Option<f64>,
    /// Between what the values may lie.
    pub(in crate::report) range: (f64, f64),
    pub(in crate::report) rows: Vec<IntervalRow<'a>>,
}

/// Draws intervals.
pub(in crate::report) fn intervals(what: Intervals<'_>) -> Figure {
    let ends = what
        .rows
        .iter()
        .filter_map(|row| row.value)
        .flat_map(|(_, low, high)| [low, high]);
    let ends = ends.chain(what.zone.into_iter().flat_map(|zone| [-zone, zone]));
    let (low, high) = ends.fold((0.0_f64, 0.0_f64), |(low, high), end| {
        (low.min(end), high.max(end))
    });
    let x = Axis::numbers_in(&what.label, low, high, what.range);
    let across = |value: f64| LEFT + x.place(value) * (WIDTH - LEFT - RIGHT);
    let tall = ROW * what.rows.len() as f64 + 8.0;
    let floor = TOP + tall;
    let body = html! {
        text class="soft" x="8" y=(px(TOP - 9.0)) { (what.note) }
        @if let Some(zone) = what.zone {
            @let (from, to) = (across(-zone), across(zone));
            rect class="zone" x=(px(from)) y=(px(TOP)) width=(px(to - from)) height=(px(tall)) {}
        }
        @for (value, word) in x.ticks() {
            path class="grid" d={ "M" (px(across(*value))) " " (px(TOP)) "V" (px(floor)) } {}
            text class="soft" text-anchor="middle" x=(px(across(*value))) y=(px(floor + 15.0)) { (word) }
        }
        path class="axis" d={ "M" (px(across(0.0))) " " (px(TOP)) "V" (px(floor)) } {}
        text class="soft" text-anchor="end" x=(px(WIDTH - RIGHT)) y=(px(floor + 31.0)) { (x.label) }
        @for (number, row) in what.rows.iter().enumerate() {
            (drawn(row, TOP + 4.0 + ROW * (number as f64 + 0.5), &across))
        }
    };
    Figure {
        name: what.name,
        title: what.title,
        description: what.description,
        height: floor + FOOT,
        body,
    }
}

fn drawn(row: &IntervalRow<'_>, y: f64, across: &impl Fn(f64) -> f64) -> Markup {
    html! {
        g {
            title { (row.name) ": " (row.word) }
            text x="8" y=(px(y + 4.0)) { (cut(row.name, NAME)) }
            @if let Some((value, low, high)) = row.value {
                @let (from, to) = (across(low), across(high));
                path class={ "line " (stroke(row.series)) }
                    d={ "M" (px(from)) " " (px(y)) "H" (px(to)) "M" (px(from)) " " (px(y - 4.0)) "v8M" (px(to)) " " (px(y - 4.0)) "v8" } {}
                (marker(row.series, across(value), y))
            }
            text class="soft" x=(px(WIDTH - RIGHT + 10.0)) y=(px(y + 4.0)) { (row.word) }
        }
    }
}
