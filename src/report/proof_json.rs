//! The proof of a policy for programs.

use serde::Serialize;

use super::json::pretty;
use crate::policy::ProofPlaces;
use crate::policy::proof::{Census, Certificate, Proof};
use crate::scenario::Sources;

#[derive(Serialize)]
struct ProofNote {
    #[serde(flatten)]
    certificate: Certificate,
    #[serde(skip_serializing_if = "Option::is_none")]
    kinds: Option<KindsNote>,
}

#[derive(Serialize)]
struct KindsNote {
    settled: usize,
    kinds: Vec<KindNote>,
    supplied_by_no_kind: Vec<String>,
}

#[derive(Serialize)]
struct KindNote {
    kind: String,
    lane: Option<&'static str>,
    rules: Vec<String>,
    gap: bool,
    unsupplied: Vec<String>,
}

/// The proof as JSON: what its certificate says, and the census of kinds if one was taken.
#[must_use]
pub fn proof_json(proof: &Proof, places: &ProofPlaces, sources: &Sources, census: Option<&Census>) -> String {
    let place = |at: usize| {
        let span = places.span(&proof.policy, &proof.findings[at].subject);
        Some(sources.place(span).to_string())
    };
    pretty(&ProofNote {
        certificate: Certificate::of(proof, place),
        kinds: census.map(|census| kinds_note(proof, census)),
    })
}

fn kinds_note(proof: &Proof, census: &Census) -> KindsNote {
    let id = |rule: &usize| proof.policy.rules().get(*rule).map(|rule| rule.id.clone());
    let kinds = census.kinds.iter().map(|row| KindNote {
        kind: row.kind.clone(),
        lane: row.lane.map(|lane| lane.word()),
        rules: row.rules.iter().filter_map(id).collect(),
        gap: row.gap,
        unsupplied: row.unsupplied.clone(),
    });
    KindsNote {
        settled: census.kinds.iter().filter(|row| row.is_settled()).count(),
        kinds: kinds.collect(),
        supplied_by_no_kind: census.nobody_supplies.clone(),
    }
}
