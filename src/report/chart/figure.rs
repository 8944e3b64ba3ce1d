//! A figure, in a page or in a file of its own.

use maud::{Markup, html};

use super::look::{dash, fill, is_hatched, marker, px, stroke, style};
use crate::report::text::cut;

/// How wide every figure is, in its own units: it stays readable on a narrow screen.
pub(super) const WIDTH: f64 = 480.0;
/// What stands above the data: the title, and what is measured upwards.
pub(super) const TOP: f64 = 48.0;
const TITLE_MAX: usize = 60;
const LEGEND_COLUMNS: usize = 3;
const LEGEND_ROW: f64 = 17.0;
const LEGEND_NAME: usize = 17;

/// A plot.
pub(in crate::report) struct Figure {
    /// Its name, fit for a file and for an address within a page.
    pub(in crate::report) name: String,
    /// What it shows, in one line.
    pub(in crate::report) title: String,
    /// What it says, for those who do not see it.
    pub(in crate::report) description: String,
    pub(super) height: f64,
    pub(super) body: Markup,
}

impl Figure {
    /// The figure within a page that has the [`style`].
    pub(in crate::report) fn inline(&self) -> Markup {
        self.svg(None)
    }

    /// The figure as a file.
    pub(in crate::report) fn file(&self) -> String {
        self.svg(Some(&style())).into_string() + "\n"
    }

    fn svg(&self, style: Option<&str>) -> Markup {
        let (title, description) = (format!("{}-title", self.name), format!("{}-says", self.name));
        let (width, height) = (px(WIDTH), px(self.height));
        html! {
            svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (width) " " (height) }
                width=(width) height=(height) role="img" aria-labelledby={ (title) " " (description) } {
                title id=(title) { (self.title) }
                desc id=(description) { (self.description) }
                @if let Some(style) = style { style { (maud::PreEscaped(style)) } }
                rect class="ground" width=(width) height=(height) {}
                text class="head" x="8" y="19" { (cut(&self.title, TITLE_MAX)) }
                (self.body)
            }
        }
    }
}

/// What stands behind a sign of the legend.
pub(super) enum Sign {
    /// A line with its marker.
    Line,
    /// A marker alone.
    Marker,
    /// An area.
    Area,
}

/// The legend below a plot, and how high it is.
///
/// - `hatch`: the id of the pattern for series that share a colour.
pub(super) fn legend(entries: &[(usize, &str)], sign: &Sign, top: f64, hatch: &str) -> (Markup, f64) {
    let wide = (WIDTH - 16.0) / LEGEND_COLUMNS as f64;
    let place = |number: usize| {
        let (row, column) = (number / LEGEND_COLUMNS, number % LEGEND_COLUMNS);
        (8.0 + column as f64 * wide, top + 9.0 + row as f64 * LEGEND_ROW)
    };
    let markup = html! {
        @for (number, (series, name)) in entries.iter().enumerate() {
            @let (x, y) = place(number);
            g {
                title { (name) }
                @match sign {
                    Sign::Line => {
                        path class={ "line " (stroke(*series)) } stroke-dasharray=[dash(*series)]
                            d={ "M" (px(x)) " " (px(y)) "h26" } {}
                        (marker(*series, x + 13.0, y))
                    }
                    Sign::Marker => (marker(*series, x + 13.0, y)),
                    Sign::Area => (area(*series, (x + 8.0, y - 6.0), (16.0, 11.0), hatch)),
                }
                text x=(px(x + 31.0)) y=(px(y + 4.0)) { (cut(name, LEGEND_NAME)) }
            }
        }
    };
    let rows = entries.len().div_ceil(LEGEND_COLUMNS);
    (markup, rows as f64 * LEGEND_ROW + 4.0)
}

/// A filled area; hatched if its colour belongs to an earlier series.
pub(super) fn area(series: usize, (x, y): (f64, f64), (width, height): (f64, f64), hatch: &str) -> Markup {
    let (x, y, width, height) = (px(x), px(y), px(width), px(height));
    html! {
        rect class={ (fill(series)) " edge" } x=(x) y=(y) width=(width) height=(height) {}
        @if is_hatched(series) {
            rect fill={ "url(#" (hatch) ")" } x=(x) y=(y) width=(width) height=(height) {}
        }
    }
}
