//! Findings as SARIF 2.1.0.
//!
//! Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0" (2020).

use serde_json::{Value, json};

use super::data::{Analysis, Found, FoundPlace, Gravity};
use crate::report::json::pretty;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// One run of one tool; a result a finding, a rule for everything that was looked for.
#[must_use]
pub fn found_sarif(analysis: &Analysis) -> String {
    let mut rules: Vec<(&str, &str)> = analysis
        .looked_for
        .iter()
        .map(|one| (one.id.as_str(), one.title.as_str()))
        .collect();
    for found in &analysis.found {
        if !rules.iter().any(|(id, _)| *id == found.id) {
            rules.push((&found.id, &found.message));
        }
    }
    let results: Vec<Value> = analysis
        .found
        .iter()
        .map(|found| result(found, &rules, &analysis.subject))
        .collect();
    let rules: Vec<Value> = rules
        .iter()
        .map(|(id, title)| json!({ "id": id, "shortDescription": { "text": title } }))
        .collect();
    pretty(&json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "lanebench",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "automationDetails": { "id": format!("lanebench/{}/", analysis.command) },
            "columnKind": "unicodeCodePoints",
            "results": results,
            "properties": { "headline": analysis.headline },
        }],
    }))
}

fn result(found: &Found, rules: &[(&str, &str)], subject: &str) -> Value {
    let level = match found.gravity {
        Gravity::Error => "error",
        Gravity::Warning => "warning",
        Gravity::Note => "note",
    };
    let mut text = found.message.clone();
    for more in found.notes.iter().chain(&found.fix) {
        text.push('\n');
        text.push_str(more);
    }
    let mut result = json!({
        "ruleId": found.id,
        "level": level,
        "message": { "text": text },
        "locations": [{ "physicalLocation": location(found.place.as_ref(), subject) }],
    });
    if let Some(index) = rules.iter().position(|(id, _)| *id == found.id) {
        result["ruleIndex"] = json!(index);
    }
    if let Some(witness) = &found.witness {
        result["properties"] = json!({ "witness": witness });
    }
    result
}

fn location(place: Option<&FoundPlace>, subject: &str) -> Value {
    match place {
        None => json!({ "artifactLocation": { "uri": uri(subject) } }),
        Some(place) => json!({
            "artifactLocation": { "uri": uri(&place.file) },
            "region": {
                "startLine": place.line,
                "startColumn": place.column,
                "endLine": place.end_line,
                "endColumn": place.end_column,
            },
        }),
    }
}

/// A path as the reference of a URI: what may not stand there is written as `%XX`.
fn uri(path: &str) -> String {
    let mut text = String::new();
    for byte in path.replace('\\', "/").bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                text.push(char::from(byte));
            }
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn a_path_becomes_a_reference() {
        assert_eq!(uri("a b\\ü#.yaml"), "a%20b/%C3%BC%23.yaml");
    }
}
