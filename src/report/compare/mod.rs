//! Comparisons: a table for people, rows for data frames, JSON for programs.

mod data;
mod kind;
mod number;
mod rows;
mod text;

pub use data::compare_json;
pub use kind::{CompareKind, CompareKindError, CompareRequest};
pub use rows::compare_csv;
pub use text::{compare_text, metrics_text};

use crate::sim::compare::{Comparison, Findings, Study};

/// A comparison that was played.
#[derive(Debug, Clone, Copy)]
pub struct CompareReport<'a> {
    /// What was to be compared.
    pub comparison: &'a Comparison,
    /// What was played.
    pub study: &'a Study,
    /// What it says.
    pub findings: &'a Findings,
}
