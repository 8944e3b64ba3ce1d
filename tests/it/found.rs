//! Findings in every format: nothing is lost, and no text breaks out of its place.

use lanebench::report::{
    Analysis, Found, FoundKind, FoundPlace, FoundRequest, Gravity, LookedFor, found_github, found_markdown,
    found_sarif,
};
use serde_json::{Value, json};

use crate::support::{check_golden, repo};

/// Findings of every weight, with text that tries to break out of every format.
fn analysis() -> Analysis {
    let place = FoundPlace {
        file: "policies/a b,c:d%.yaml".to_owned(),
        line: 14,
        column: 9,
        end_line: 14,
        end_column: 27,
    };
    let nasty = "`a|b` ]]> <b>bold</b> @team 100%\u{1b}[31m\n::error::x";
    let found = |id: &str, gravity, message: &str| Found {
        id: id.to_owned(),
        gravity,
        message: message.to_owned(),
        place: Some(place.clone()),
        witness: Some("  - id: w\n    attributes: { note: \"```\" }\n".to_owned()),
        fix: Some("say `approval_when: any_effect`".to_owned()),
        notes: vec!["the rule `a` decides".to_owned()],
        text: format!("error[{id}]: {message}\n  --> policies/a b,c:d%.yaml:14:9\n"),
    };
    let mut whole = found("stale", Gravity::Note, "nothing stands there");
    (whole.place, whole.witness, whole.fix) = (None, None, None);
    let mut lines = found("wide", Gravity::Warning, "two | lines");
    lines.place = Some(FoundPlace {
        end_line: 15,
        end_column: 1,
        ..place.clone()
    });
    Analysis {
        command: "diff",
        subject: "policies/new.yaml".to_owned(),
        headline: "3 findings, 1 of them an error".to_owned(),
        lead: "a -> b".to_owned(),
        looked_for: vec![
            LookedFor::new("loosened", "the boundary is not loosened"),
            LookedFor::new("wide", "a waiver is not too wide"),
            LookedFor::new("held", "what held"),
        ],
        found: vec![found("loosened", Gravity::Error, nasty), lines, whole],
        sections: vec!["| a | b |\n|---|---|\n| 1 | 2 |\n".to_owned()],
        details: json!({ "cells": 3 }),
    }
}

#[test]
fn every_format_is_as_it_was() {
    for kind in FoundKind::ALL {
        let path = repo(&format!("tests/golden/found/{}.txt", kind.word()));
        check_golden(&path, &kind.render(&analysis()));
        assert_eq!(kind.render(&analysis()), kind.render(&analysis()));
    }
}

/// What the schema of SARIF 2.1.0 requires of the objects that are written.
#[track_caller]
fn check_sarif(document: &Value) {
    let object = |value: &Value, allowed: &[&str], required: &[&str]| {
        let keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        assert!(
            keys.iter().all(|key| allowed.contains(key)),
            "{keys:?} beyond {allowed:?}"
        );
        assert!(
            required.iter().all(|key| keys.contains(key)),
            "{keys:?} without {required:?}"
        );
    };
    object(document, &["$schema", "version", "runs"], &["version", "runs"]);
    assert_eq!(document["version"], "2.1.0");
    for run in document["runs"].as_array().unwrap() {
        object(
            run,
            &["tool", "automationDetails", "columnKind", "results", "properties"],
            &["tool", "results"],
        );
        assert!(["utf16CodeUnits", "unicodeCodePoints"].contains(&run["columnKind"].as_str().unwrap()));
        object(&run["tool"], &["driver"], &["driver"]);
        let driver = &run["tool"]["driver"];
        object(driver, &["name", "semanticVersion", "rules"], &["name"]);
        let rules = driver["rules"].as_array().unwrap();
        for rule in rules {
            object(rule, &["id", "shortDescription"], &["id"]);
            object(&rule["shortDescription"], &["text"], &["text"]);
        }
        for result in run["results"].as_array().unwrap() {
            object(
                result,
                &[
                    "ruleId",
                    "ruleIndex",
                    "level",
                    "message",
                    "locations",
                    "properties",
                ],
                &["message"],
            );
            object(&result["message"], &["text"], &["text"]);
            assert!(["none", "note", "warning", "error"].contains(&result["level"].as_str().unwrap()));
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"]);
            for location in result["locations"].as_array().unwrap() {
                object(location, &["physicalLocation"], &[]);
                let physical = &location["physicalLocation"];
                object(physical, &["artifactLocation", "region"], &["artifactLocation"]);
                let uri = physical["artifactLocation"]["uri"].as_str().unwrap();
                let fine = |c: char| c.is_ascii_alphanumeric() || "/.-_~%".contains(c);
                assert!(uri.chars().all(fine), "{uri}");
                if let Some(region) = physical["region"].as_object() {
                    assert!(
                        region
                            .values()
                            .all(|number| number.as_u64().is_some_and(|number| number >= 1))
                    );
                    assert!(region["endLine"].as_u64() >= region["startLine"].as_u64());
                }
            }
        }
    }
}

#[test]
fn the_sarif_has_what_its_schema_requires_and_nothing_else() {
    let document: Value = serde_json::from_str(&found_sarif(&analysis())).unwrap();
    check_sarif(&document);
    assert_eq!(document["runs"][0]["results"].as_array().map(Vec::len), Some(3));
    assert_eq!(
        document["runs"][0]["tool"]["driver"]["rules"]
            .as_array()
            .map(Vec::len),
        Some(4)
    );
    let mut broken = document.clone();
    broken["runs"][0]["results"][0]["message"] = json!({});
    assert!(std::panic::catch_unwind(|| check_sarif(&broken)).is_err());
    let mut broken = document;
    broken["runs"][0]["tool"]["driver"]
        .as_object_mut()
        .unwrap()
        .remove("name");
    assert!(std::panic::catch_unwind(|| check_sarif(&broken)).is_err());
}

#[test]
fn annotations_stay_on_their_lines_and_comments_stay_text() {
    let text = found_github(&analysis());
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4);
    assert!(lines.iter().all(|line| line.starts_with("::")), "{text}");
    assert!(lines[0].starts_with(
        "::error file=policies/a b%2Cc%3Ad%25.yaml,line=14,endLine=14,col=9,endColumn=27,title=loosened::"
    ));
    assert!(
        lines[1].starts_with("::warning file=policies/a b%2Cc%3Ad%25.yaml,line=14,endLine=15,title=wide::")
    );
    assert!(lines[2].starts_with("::notice file=policies/new.yaml,title=stale::"));
    let text = found_markdown(&analysis());
    assert!(!text.contains("<b>") && !text.contains("@team"), "{text}");
    let rows: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("| **error**"))
        .collect();
    let pipes = rows[0].replace("\\|", "").matches('|').count();
    assert_eq!(pipes, 5, "{}", rows[0]);
}

#[test]
fn a_report_is_asked_for_by_kind_and_path() {
    let request: FoundRequest = "sarif=out/a=b.sarif".parse().unwrap();
    assert_eq!(
        (request.kind, request.path.as_str()),
        (FoundKind::Sarif, "out/a=b.sarif")
    );
    for (text, words) in [
        ("sarif", "KIND=PATH"),
        ("sarf=x", "did you mean `sarif`?"),
        ("markdown=", "needs a path"),
    ] {
        let error = text.parse::<FoundRequest>().unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}
