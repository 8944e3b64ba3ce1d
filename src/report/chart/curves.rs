//! Curves over an axis: step functions and lines between points, with intervals where there are some.

use maud::{Markup, html};

use super::figure::{Figure, Sign, TOP, WIDTH, legend};
use super::look::{dash, marker, px, stroke};
use super::scale::Axis;

const LEFT: f64 = 56.0;
const RIGHT: f64 = 22.0;
const TALL: f64 = 210.0;
/// What stands below the plot: the values of the axis and its label.
const FOOT: f64 = 40.0;

/// A point of a curve.
#[derive(Debug, Clone, Copy)]
pub(in crate::report) struct CurvePoint {
    pub(in crate::report) x: f64,
    pub(in crate::report) y: f64,
    /// From where to where it may be.
    pub(in crate::report) reach: Option<(f64, f64)>,
}

/// A curve.
pub(in crate::report) struct Curve<'a> {
    /// Which of the series it is: how it looks.
    pub(in crate::report) series: usize,
    pub(in crate::report) name: &'a str,
    /// From left to right.
    pub(in crate::report) points: Vec<CurvePoint>,
}

/// Curves over an axis.
pub(in crate::report) struct Curves<'a> {
    pub(in crate::report) name: String,
    pub(in crate::report) title: String,
    pub(in crate::report) description: String,
    pub(in crate::report) x: Axis,
    pub(in crate::report) y: Axis,
    /// Whether a value holds until the next point.
    pub(in crate::report) stepped: bool,
    /// From where to where along the axis the ground is shaded.
    pub(in crate::report) zone: Option<(f64, f64)>,
    pub(in crate::report) curves: Vec<Curve<'a>>,
}

/// Where values lie in the figure.
pub(super) struct Frame<'a> {
    pub(super) x: &'a Axis,
    pub(super) y: &'a Axis,
}

impl Frame<'_> {
    pub(super) fn across(&self, value: f64) -> f64 {
        LEFT + self.x.place(value) * (WIDTH - LEFT - RIGHT)
    }

    pub(super) fn up(&self, value: f64) -> f64 {
        TOP + (1.0 - self.y.place(value)) * TALL
    }

    /// Where the legend begins.
    pub(super) const fn below() -> f64 {
        TOP + TALL + FOOT
    }

    /// The grid, the axes and what is written on them.
    pub(super) fn draw(&self) -> Markup {
        let (floor, right) = (TOP + TALL, WIDTH - RIGHT);
        html! {
            text class="soft" x="8" y=(px(TOP - 9.0)) { (self.y.label) }
            @for (value, word) in self.y.ticks() {
                @let y = self.up(*value);
                path class="grid" d={ "M" (px(LEFT)) " " (px(y)) "H" (px(right)) } {}
                text class="soft" text-anchor="end" x=(px(LEFT - 6.0)) y=(px(y + 4.0)) { (word) }
            }
            @for (value, word) in self.x.ticks() {
                @let x = self.across(*value);
                path class="grid" d={ "M" (px(x)) " " (px(TOP)) "V" (px(floor)) } {}
                text class="soft" text-anchor="middle" x=(px(x)) y=(px(floor + 15.0)) { (word) }
            }
            path class="axis" d={ "M" (px(LEFT)) " " (px(floor)) "H" (px(right)) } {}
            text class="soft" text-anchor="end" x=(px(right)) y=(px(floor + 30.0)) { (self.x.label) }
        }
    }
}

/// Draws curves.
pub(in crate::report) fn curves(what: Curves<'_>) -> Figure {
    let frame = Frame {
        x: &what.x,
        y: &what.y,
    };
    let names: Vec<(usize, &str)> = what
        .curves
        .iter()
        .map(|curve| (curve.series, curve.name))
        .collect();
    let (below, high) = legend(&names, &Sign::Line, Frame::below(), "");
    let body = html! {
        @if let Some((from, to)) = what.zone {
            @let (from, to) = (frame.across(from), frame.across(to));
            rect class="zone" x=(px(from)) y=(px(TOP)) width=(px(to - from)) height=(px(TALL)) {}
        }
        (frame.draw())
        @for curve in &what.curves {
            g {
                title { (curve.name) }
                (drawn(&frame, curve, what.stepped))
            }
        }
        (below)
    };
    Figure {
        name: what.name,
        title: what.title,
        description: what.description,
        height: Frame::below() + high,
        body,
    }
}

fn drawn(frame: &Frame<'_>, curve: &Curve<'_>, stepped: bool) -> Markup {
    let places: Vec<(f64, f64)> = curve
        .points
        .iter()
        .map(|point| (frame.across(point.x), frame.up(point.y)))
        .collect();
    html! {
        path class={ "line " (stroke(curve.series)) } stroke-dasharray=[dash(curve.series)] d=(path(&places, stepped)) {}
        @for (point, (x, _)) in curve.points.iter().zip(&places) {
            @if let Some((low, high)) = point.reach {
                path class={ "thin " (stroke(curve.series)) }
                    d={ "M" (px(*x)) " " (px(frame.up(low))) "V" (px(frame.up(high))) } {}
            }
        }
        @if stepped {
            // The end says which curve it is, and where it ends if that is not the edge.
            @if let Some((x, y)) = places.last() { (marker(curve.series, *x, *y)) }
        } @else {
            @for (point, (x, y)) in curve.points.iter().zip(&places) {
                g data-x=(point.x) data-y=(point.y) { (marker(curve.series, *x, *y)) }
            }
        }
    }
}

/// The path through places; what is too near to the last one to be seen is left out.
fn path(places: &[(f64, f64)], stepped: bool) -> String {
    let mut text = String::new();
    let mut last: Option<(f64, f64)> = None;
    for (number, (x, y)) in places.iter().enumerate() {
        let Some((before, level)) = last else {
            text = format!("M{} {}", px(*x), px(*y));
            last = Some((*x, *y));
            continue;
        };
        let near = (x - before).abs() < 0.4 && (y - level).abs() < 0.4;
        if near && number + 1 < places.len() {
            continue;
        }
        text.push_str(&match stepped {
            true => format!("H{}V{}", px(*x), px(*y)),
            false => format!("L{} {}", px(*x), px(*y)),
        });
        last = Some((*x, *y));
    }
    text
}
