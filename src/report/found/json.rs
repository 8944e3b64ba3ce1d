//! Findings as JSON.

use serde::Serialize;
use serde_json::Value;

use super::data::{Analysis, Found, Gravity, LookedFor};
use crate::report::json::pretty;

/// Raised whenever a field changes its meaning or goes.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    format: &'static str,
    version: u32,
    command: &'a str,
    subject: &'a str,
    headline: &'a str,
    failed: bool,
    errors: usize,
    warnings: usize,
    notes: usize,
    looked_for: &'a [LookedFor],
    found: &'a [Found],
    details: &'a Value,
}

/// The whole analysis.
///
/// | field | holds |
/// |---|---|
/// | `format`, `version` | `lanebench-findings`, 1 |
/// | `command`, `subject`, `headline` | what was analysed and what it comes to |
/// | `failed`, `errors`, `warnings`, `notes` | the verdict and the counts |
/// | `looked_for[]` | `id`, `title` |
/// | `found[]` | `id`, `gravity`, `message`, `place`, `witness`, `fix`, `notes` |
/// | `details` | what the command itself has to say |
#[must_use]
pub fn found_json(analysis: &Analysis) -> String {
    pretty(&Document {
        format: "lanebench-findings",
        version: VERSION,
        command: analysis.command,
        subject: &analysis.subject,
        headline: &analysis.headline,
        failed: analysis.failed(),
        errors: analysis.count(Gravity::Error),
        warnings: analysis.count(Gravity::Warning),
        notes: analysis.count(Gravity::Note),
        looked_for: &analysis.looked_for,
        found: &analysis.found,
        details: &analysis.details,
    })
}
