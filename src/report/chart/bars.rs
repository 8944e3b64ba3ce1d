//! Bars made of parts that sum up to all.

use maud::{Markup, html};

use super::figure::{Figure, Sign, TOP, WIDTH, area, legend};
use super::look::px;
use super::scale::Axis;
use crate::report::text::cut;

const LEFT: f64 = 138.0;
const RIGHT: f64 = 22.0;
const ROW: f64 = 22.0;
const FOOT: f64 = 26.0;
const NAME: usize = 18;

/// A bar.
pub(in crate::report) struct BarRow<'a> {
    pub(in crate::report) name: &'a str,
    /// Shares of all, in the order of the parts.
    pub(in crate::report) shares: Vec<f64>,
}

/// Draws bars whose parts look like these series and have these names; a part that no bar has is left out.
pub(in crate::report) fn bars(
    (name, title, description): (&str, &str, String),
    parts: &[(usize, &str)],
    rows: &[BarRow<'_>],
) -> Figure {
    let hatch = format!("{name}-hatch");
    let x = Axis::shares("");
    let wide = WIDTH - LEFT - RIGHT;
    let tall = ROW * rows.len() as f64 + 4.0;
    let floor = TOP - 12.0 + tall;
    let used: Vec<(usize, &str)> = parts
        .iter()
        .enumerate()
        .filter(|(place, _)| {
            rows.iter()
                .any(|row| row.shares.get(*place).is_some_and(|share| *share > 0.0))
        })
        .map(|(_, part)| *part)
        .collect();
    let (below, high) = legend(&used, &Sign::Area, floor + FOOT, &hatch);
    let body = html! {
        pattern id=(hatch) width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
            rect class="ground" width="2" height="5" {}
        }
        @for (value, word) in x.ticks() {
            @let at = LEFT + x.place(*value) * wide;
            path class="grid" d={ "M" (px(at)) " " (px(TOP - 12.0)) "V" (px(floor)) } {}
            text class="soft" text-anchor="middle" x=(px(at)) y=(px(floor + 15.0)) { (word) }
        }
        @for (number, row) in rows.iter().enumerate() {
            @let y = TOP - 9.0 + ROW * number as f64;
            text x="8" y=(px(y + 12.0)) { (cut(row.name, NAME)) }
            (stacked(row, parts, y, wide, &hatch))
        }
        (below)
    };
    Figure {
        name: name.to_owned(),
        title: title.to_owned(),
        description,
        height: floor + FOOT + high,
        body,
    }
}

fn stacked(row: &BarRow<'_>, parts: &[(usize, &str)], y: f64, wide: f64, hatch: &str) -> Markup {
    let mut before = 0.0;
    let pairs = row.shares.iter().zip(parts);
    let places: Vec<(usize, &str, f64, f64)> = pairs
        .map(|(share, (series, part))| {
            let from = LEFT + before * wide;
            before += share;
            (*series, *part, from, share * wide)
        })
        .collect();
    html! {
        @for (series, part, from, width) in places {
            @if width > 0.0 {
                g {
                    title { (row.name) ": " (part) }
                    (area(series, (from, y), (width, 16.0), hatch))
                }
            }
        }
    }
}
