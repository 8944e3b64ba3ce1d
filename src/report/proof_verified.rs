//! What the naive interpreter found of a certificate, as findings.

use serde_json::json;

use super::found::{Analysis, Found, LookedFor};
use super::text::{counted, grouped};
use crate::policy::proof::Verified;
use crate::scenario::{Diagnostic, Severity, Sources};

const MISMATCH: &str = "certificate-mismatch";
const UNSETTLED: &str = "certificate-unsettled";

/// So many answers that are not settled are named; the rest is counted.
const SHOWN_MAX: usize = 10;

/// What was checked again; `certificate` is what the user calls it.
#[must_use]
pub fn verified_analysis(certificate: &str, verified: &Verified) -> Analysis {
    let sources = Sources::new();
    let mismatches = verified.mismatches.iter().map(|mismatch| {
        let help = "prove the policy again, and ask who changed the certificate";
        Diagnostic::new(Severity::Failed, mismatch.to_string())
            .code(MISMATCH)
            .help(help)
    });
    let more = verified.unsettled.len().saturating_sub(SHOWN_MAX) as u64;
    let more = (more > 0).then(|| counted(more, "further answer"));
    let shown = verified.unsettled.iter().take(SHOWN_MAX).chain(&more);
    let unsettled = shown.map(|what| {
        let message = format!("{what}: more cases than the interpreter splits");
        Diagnostic::new(Severity::Failed, message)
            .code(UNSETTLED)
            .help("it is proven by `lanebench check` alone; no second reading confirms it")
    });
    let found = mismatches.chain(unsettled);
    let word = match (verified.mismatches.is_empty(), verified.unsettled.is_empty()) {
        (true, true) => "verified",
        (true, false) => "UNDECIDED",
        (false, _) => "FAILED",
    };
    let (counts, tasks) = (verified.counts as u64, verified.witnesses as u64);
    Analysis {
        command: "check",
        subject: certificate.to_owned(),
        headline: format!(
            "{word}: {} counts and {} tasks read again, compiled decisions held against {} cases",
            grouped(counts),
            grouped(tasks),
            grouped(verified.cases),
        ),
        looked_for: vec![
            LookedFor::new(MISMATCH, "the naive interpreter counts what the certificate says"),
            LookedFor::new(
                UNSETTLED,
                "the naive interpreter settles every count within its bound",
            ),
        ],
        found: found
            .map(|diagnostic| Found::of(&diagnostic, None, &sources))
            .collect(),
        lead: String::new(),
        sections: Vec::new(),
        details: json!({ "counts": counts, "tasks": tasks, "cases": verified.cases }),
    }
}
