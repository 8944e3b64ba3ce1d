//! Policies and waivers.

use serde_json::{Value, json};

use super::value::{list, object, of, words};
use crate::policy::proof::{Clause, FindingId};
use crate::policy::{Execution, Unit};

/// The schema of a policy.
pub(super) fn policy() -> Value {
    let name = json!({ "type": "string", "pattern": "^[a-z][a-z0-9_]*$" });
    let units = Unit::ALL.map(Unit::word);
    let types = json!({ "anyOf": [
        words(["bool"].into_iter().chain(units)),
        list(&of("text"), 1),
    ] });
    let mut rule = object(
        &[
            ("id", of("text")),
            ("when", of("condition")),
            ("execution", words(Execution::ALL.map(Execution::word))),
            ("refuse", of("text")),
            ("because", of("text")),
        ],
        &["id"],
    );
    rule["oneOf"] = json!([{ "required": ["execution"] }, { "required": ["refuse"] }]);
    let declared =
        |value: &Value| json!({ "type": "object", "propertyNames": name, "additionalProperties": value });
    let scope = json!({
        "type": "object",
        "propertyNames": words(Clause::ALL.iter().map(|clause| clause.name)),
        "additionalProperties": of("text"),
    });
    object(
        &[
            ("policy", of("text")),
            ("attributes", declared(&types)),
            (
                "boundary",
                object(&[("approval_when", of("condition"))], &["approval_when"]),
            ),
            ("facts", declared(&of("condition"))),
            (
                "assume",
                list(
                    &object(&[("never", of("condition")), ("because", of("text"))], &["never"]),
                    0,
                ),
            ),
            ("rules", list(&rule, 1)),
            ("out_of_scope", scope),
            ("intentional", list(&intention(), 0)),
        ],
        &["policy", "boundary", "rules"],
    )
}

/// What looks like a slip and is none.
fn intention() -> Value {
    let [dead, shadowed, vacuous] = FindingId::INTENDABLE.map(FindingId::word);
    let mut intention = object(
        &[
            (dead, of("text")),
            (shadowed, of("text")),
            (vacuous, of("text")),
            ("of", of("text")),
            ("because", of("text")),
        ],
        &["because"],
    );
    intention["oneOf"] =
        json!([{ "required": [dead] }, { "required": [shadowed] }, { "required": [vacuous, "of"] }]);
    intention["dependentRequired"] = json!({ "of": [vacuous] });
    intention
}

/// The schema of a waiver.
pub(super) fn waiver() -> Value {
    let day = json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" });
    let entry = object(
        &[
            ("when", of("condition")),
            ("unless", of("condition")),
            ("accepted_by", of("text")),
            ("because", of("text")),
            ("until", day),
        ],
        &["when", "accepted_by", "because", "until"],
    );
    object(
        &[("waiver", of("text")), ("cells", list(&entry, 0))],
        &["waiver", "cells"],
    )
}
