//! Points in two measures, with their intervals, and the line through those that none beats in both.

use maud::{Markup, html};

use super::curves::Frame;
use super::figure::{Figure, Sign, legend};
use super::look::{px, ring, stroke};
use super::scale::Axis;

/// A point.
pub(in crate::report) struct Point<'a> {
    /// Which of the series it is: how it looks.
    pub(in crate::report) series: usize,
    pub(in crate::report) name: &'a str,
    /// The value across, from where, to where.
    pub(in crate::report) x: (f64, f64, f64),
    /// The value upwards, from where, to where.
    pub(in crate::report) y: (f64, f64, f64),
    /// Whether none beats it in both.
    pub(in crate::report) free: bool,
}

/// Points in two measures.
pub(in crate::report) struct Points<'a> {
    pub(in crate::report) name: String,
    pub(in crate::report) title: String,
    pub(in crate::report) description: String,
    pub(in crate::report) x: String,
    pub(in crate::report) y: String,
    /// Between what the values across may lie, and those upwards.
    pub(in crate::report) ranges: [(f64, f64); 2],
    pub(in crate::report) points: Vec<Point<'a>>,
}

/// Draws points.
pub(in crate::report) fn points(what: Points<'_>) -> Figure {
    let around = |pick: fn(&Point<'_>) -> (f64, f64, f64)| {
        let ends = what.points.iter().map(pick);
        ends.fold(
            (f64::INFINITY, f64::NEG_INFINITY),
            |(low, high), (_, from, to)| (low.min(from), high.max(to)),
        )
    };
    let ((left, right), (low, high)) = (around(|point| point.x), around(|point| point.y));
    let (x, y) = (
        Axis::numbers_in(&what.x, left, right, what.ranges[0]),
        Axis::numbers_in(&what.y, low, high, what.ranges[1]),
    );
    let frame = Frame { x: &x, y: &y };
    let mut front: Vec<(f64, f64)> = what
        .points
        .iter()
        .filter(|point| point.free)
        .map(|point| (frame.across(point.x.0), frame.up(point.y.0)))
        .collect();
    front.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let front: Vec<String> = front
        .iter()
        .map(|(x, y)| format!("{} {}", px(*x), px(*y)))
        .collect();
    let names: Vec<(usize, &str)> = what
        .points
        .iter()
        .map(|point| (point.series, point.name))
        .collect();
    let (below, tall) = legend(&names, &Sign::Marker, Frame::below(), "");
    let body = html! {
        (frame.draw())
        @if front.len() > 1 {
            path class="thin axis" stroke-dasharray="4 3" d={ "M" (front.join("L")) } {}
        }
        @for (number, point) in what.points.iter().enumerate() {
            (drawn(&frame, point, &what.points[..number]))
        }
        (below)
    };
    Figure {
        name: what.name,
        title: what.title,
        description: what.description,
        height: Frame::below() + tall,
        body,
    }
}

/// A point; one in the place of earlier ones is drawn around them.
fn drawn(frame: &Frame<'_>, point: &Point<'_>, earlier: &[Point<'_>]) -> Markup {
    let place = |point: &Point<'_>| (frame.across(point.x.0), frame.up(point.y.0));
    let (x, y) = place(point);
    let near = |other: (f64, f64)| (other.0 - x).abs() < 3.0 && (other.1 - y).abs() < 3.0;
    let inner = earlier.iter().filter(|other| near(place(other))).count();
    let (left, right) = (frame.across(point.x.1), frame.across(point.x.2));
    let (low, high) = (frame.up(point.y.1), frame.up(point.y.2));
    html! {
        g {
            title { (point.name) }
            path class={ "thin " (stroke(point.series)) }
                d={ "M" (px(left)) " " (px(y)) "H" (px(right)) "M" (px(x)) " " (px(low)) "V" (px(high)) } {}
            (ring(point.series, (x, y), inner))
        }
    }
}
