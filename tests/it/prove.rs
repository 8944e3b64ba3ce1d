//! `lanebench check` as a user meets it: exit codes, what is printed, certificates.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn check(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lanebench"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .arg("check")
        .args(arguments)
        .output()
        .unwrap()
}

fn scratch(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

#[track_caller]
fn ended(output: &Output, code: i32) -> String {
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}{complaint}");
    said
}

#[test]
fn a_clean_policy_ends_with_0_and_its_certificate_is_about_it_alone() {
    let path = scratch("three-lane.json");
    let path = path.to_str().unwrap();
    let kinds = ["--kinds", "scenarios/kinds.yaml", "--certificate", path];
    let said = ended(
        &check(&[&["scenarios/policies/three-lane.yaml"], &kinds[..]].concat()),
        0,
    );
    assert!(said.contains("17 of 17 kinds resolve to one rule\n"), "{said}");
    assert!(said.contains("14,348,907"), "{said}");
    assert!(
        said.ends_with("\n\nclean: 0 unsafe, 0 untidy, 1 note\n"),
        "{said}"
    );
    let other = ["scenarios/policies/product-first.yaml", "--verify", path];
    let said = ended(&check(&other), 1);
    assert!(
        said.starts_with("failed[certificate-mismatch]: the certificate is about another policy"),
        "{said}"
    );
}

#[test]
fn untidy_is_shown_and_fails_only_where_it_is_denied() {
    let untidy = "tests/bad/proof/vacuous-condition.yaml";
    let said = ended(&check(&[untidy, "--deny", "untidy", "--quiet"]), 1);
    assert!(said.ends_with("\nFAILED: 0 unsafe, 1 untidy, 1 note\n"), "{said}");
    let said = ended(&check(&[untidy, "--format", "json"]), 0);
    assert!(said.contains("\"id\": \"vacuous-condition\""), "{said}");
    assert!(
        said.contains("\"place\": \"tests/bad/proof/vacuous-condition.yaml:5:"),
        "{said}"
    );
}

#[test]
fn unsafe_fails_without_being_asked() {
    let said = ended(&check(&["tests/bad/proof/unsafe-cell.yaml", "--quiet"]), 1);
    assert!(
        said.contains("failed[unsafe-cell]: an effect gets past approval"),
        "{said}"
    );
}

#[test]
fn what_is_no_policy_or_no_certificate_ends_with_2() {
    for arguments in [
        &["missing.yaml"][..],
        &["tests/bad/policy/unknown-fact.yaml"],
        &["scenarios/policies/three-lane.yaml", "--verify", "Cargo.toml"],
        &[
            "scenarios/policies/three-lane.yaml",
            "--kinds",
            "missing.yaml",
            "--threads",
            "2",
        ],
    ] {
        let output = check(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(output.stderr.starts_with(b"error: "), "{arguments:?}");
    }
}
