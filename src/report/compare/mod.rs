//! Comparisons: a table for people, a page with plots, rows for data frames, JSON for programs.

mod data;
mod figures;
mod kind;
mod number;
mod page;
mod rows;
mod shape;
mod sweep;
mod sweep_figures;
mod sweep_page;
mod sweep_text;
mod tables;
mod text;

pub use data::compare_json;
pub use figures::compare_figures;
pub use kind::{CompareFile, CompareKind, CompareKindError, CompareRequest};
pub use page::compare_html;
pub use rows::{choices_csv, compare_csv};
pub use sweep::SweepReport;
pub use text::{compare_text, metrics_text, strategies_text};

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
