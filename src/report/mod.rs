//! Results to bytes: diagnostics, terminal, JUnit, CSV, JSON, pages with plots; opens no file and prints nothing.
//!
//! Invariant: the same result gives the same bytes, on every machine and whatever stands in titles and paths.

mod catalogue;
mod chart;
mod client;
mod compare;
mod csv;
mod diagnostic;
mod diff;
mod found;
mod json;
mod junit;
mod kind;
mod oracles;
mod paint;
mod proof;
mod proof_found;
mod proof_verified;
mod result;
mod route;
mod schema;
mod summary;
mod terminal;
mod text;
mod totals;
mod witness;

pub use catalogue::{catalogue_json, catalogue_text};
pub use client::{client_json, client_text, fails};
pub use compare::{
    CompareFile, CompareKind, CompareKindError, CompareReport, CompareRequest, SweepReport, choices_csv,
    compare_csv, compare_figures, compare_html, compare_json, compare_text, metrics_text, strategies_text,
};
pub use csv::{invariants_csv, runs_csv};
pub use diagnostic::{render, render_all};
pub use diff::{DiffReport, diff_analysis};
pub use found::{
    Analysis, Found, FoundKind, FoundKindError, FoundPlace, FoundRequest, Gravity, LookedFor, found_github,
    found_json, found_junit, found_markdown, found_sarif, found_text,
};
pub use json::suite_json;
pub use junit::suite_junit;
pub use kind::{ReportArgError, ReportKind, ReportRequest};
pub use oracles::{coverage_json, coverage_text, oracles_json, oracles_text};
pub use paint::Paint;
pub use proof::{finding_diagnostic, findings_text, proof_text};
pub use proof_found::{Denied, KindsReport, ProofReport, proof_analysis};
pub use proof_verified::verified_analysis;
pub use result::{Complaint, RunResult, RunVerdict, SuiteResult};
pub use route::{
    Account, RouteFormat, RouteRows, RouteShape, census_csv, census_json, census_text, finding_title,
    route_analysis, why_json, why_text,
};
pub use schema::{SchemaKind, SchemaKindError};
pub use summary::suite_summary;
pub use terminal::{Detail, terminal};
pub use witness::{WrittenSuite, witness_files};
