//! Plots as SVG: figures that stand in a page or in a file of their own, with scales, curves, intervals, points and bars.
//!
//! Invariants: the same data gives the same bytes; nothing is told by colour alone; text of strangers is escaped; a
//! figure needs nothing outside of itself.

mod bars;
mod curves;
mod figure;
mod intervals;
mod look;
mod points;
mod scale;

pub(super) use bars::{BarRow, bars};
pub(super) use curves::{Curve, CurvePoint, Curves, curves};
pub(super) use figure::Figure;
pub(super) use intervals::{IntervalRow, Intervals, intervals};
pub(super) use look::style;
pub(super) use points::{Point, Points, points};
pub(super) use scale::Axis;
