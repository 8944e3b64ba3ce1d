//! Two policies side by side: every changed cell, directions, witnesses, workloads and waivers.

use std::process::{Command, Stdio};

use lanebench::policy::diff::{Answer, Date, Direction, PolicyDiff, Waiver, decode_waiver};
use lanebench::policy::{Policy, decode_policy};
use lanebench::report::{Paint, render_all};
use lanebench::rng::{Purpose, Seed};
use lanebench::scenario::{Diagnostics, Sources, read};

use crate::support::{check_golden, repo, yaml_files};

const OLD: &str = "tests/golden/diff/old.yaml";
const NEW: &str = "tests/golden/diff/new.yaml";
const THREE_LANE: &str = "scenarios/policies/three-lane.yaml";

#[track_caller]
fn said(arguments: &[&str], code: i32) -> (String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_lanebench"))
        .current_dir(repo(""))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(code), "{stdout}\n{stderr}");
    (stdout, stderr)
}

fn policy_of(text: &str) -> Policy {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let tree = read(&mut sources, "policy.yaml", text.as_bytes(), &mut out);
    let policy = tree.and_then(|tree| decode_policy(&tree, &mut out));
    policy.unwrap_or_else(|| panic!("{}", render_all(&out, &sources, Paint::Plain)))
}

fn policy(path: &str) -> Policy {
    policy_of(&std::fs::read_to_string(repo(path)).unwrap())
}

/// A policy that decides the boundary by this condition, and everything else alike.
fn bounded_by(condition: &str) -> Policy {
    policy_of(&format!(
        "policy: p\nattributes: {{ size: count }}\nboundary: {{ approval_when: {condition} }}\nrules: [{{ id: all, execution: interactive }}]\n"
    ))
}

fn waiver_of(old: &Policy, new: &Policy, text: &str) -> (Option<Waiver>, String) {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let tree = read(&mut sources, "waiver.yaml", text.as_bytes(), &mut out);
    let waiver = tree.and_then(|tree| decode_waiver(old, new, &tree, &mut out));
    (waiver, render_all(&out, &sources, Paint::Plain))
}

#[test]
fn a_difference_is_written_in_every_format() {
    for format in ["human", "json", "sarif", "junit", "github", "markdown"] {
        let tasks = "tests/golden/diff/tasks.csv";
        let (text, errors) = said(&["diff", OLD, NEW, "--tasks", tasks, "--format", format], 1);
        assert_eq!(errors, "");
        check_golden(&repo(&format!("tests/golden/diff/{format}.txt")), &text);
    }
}

#[test]
fn the_same_policy_changes_nothing_whatever_it_looks_like() {
    let (text, _) = said(&["diff", OLD, OLD], 0);
    assert!(
        text.ends_with("ok: no cell changes; execution: same, boundary: same\n"),
        "{text}"
    );
    let old = bounded_by("customer_comm or (record_change and not user_steering)");
    let new = bounded_by("not ((not customer_comm) and (user_steering or not record_change))");
    let diff = PolicyDiff::of(&old, &new).unwrap();
    assert_eq!((diff.groups.len(), diff.changed), (0, Some(0)));
}

#[test]
fn changed_cells_are_counted_exactly() {
    let (old, new) = (
        bounded_by("any_effect"),
        bounded_by("any_effect and not customer_comm"),
    );
    let diff = PolicyDiff::of(&old, &new).unwrap();
    // Of 18 attributes with three values each, `customer_comm` is known and true.
    assert_eq!(diff.cells, Some(3_u128.pow(18)));
    assert_eq!(diff.changed, Some(3_u128.pow(17)));
    assert_eq!(
        (diff.boundary(), diff.execution()),
        (Direction::Loosens, Direction::Same)
    );
    let back = PolicyDiff::of(&new, &old).unwrap();
    assert_eq!(
        (back.changed, back.boundary()),
        (diff.changed, Direction::Tightens)
    );
    let (old, new) = (bounded_by("size > 10"), bounded_by("size >= 10"));
    let diff = PolicyDiff::of(&old, &new).unwrap();
    let sizes = diff
        .space
        .axes()
        .iter()
        .find(|axis| axis.name() == "size")
        .unwrap();
    assert_eq!(
        sizes.values().len(),
        4,
        "unknown, and the constant with its neighbours"
    );
    assert_eq!(diff.changed, Some(3_u128.pow(18)));
    assert_eq!(
        diff.space.attributes_text(&diff.groups[0].witness),
        "{ size: 10 }"
    );
}

#[test]
fn groups_and_witnesses_are_what_both_policies_decide() {
    let pairs = [
        (policy(OLD), policy(NEW)),
        (policy(NEW), policy(OLD)),
        (policy(THREE_LANE), policy(NEW)),
        (
            bounded_by("size > 3 and any_effect"),
            bounded_by("not user_steering"),
        ),
    ];
    for (old, new) in &pairs {
        let diff = PolicyDiff::of(old, new).unwrap();
        assert!(!diff.groups.is_empty());
        let answers = |cell: &_| {
            let [old_task, new_task] = [0, 1].map(|index| diff.space.task(index, cell));
            (
                Answer::of(&old.decide(&old_task)),
                Answer::of(&new.decide(&new_task)),
            )
        };
        for group in &diff.groups {
            assert_eq!(answers(&group.witness), (group.old, group.new));
            for axis in 0..group.witness.0.len() {
                let mut less = group.witness.clone();
                if std::mem::take(&mut less.0[axis]) != 0 {
                    assert_ne!(
                        answers(&less),
                        (group.old, group.new),
                        "the witness says too much"
                    );
                }
            }
            let sum: u128 = group.rules.iter().map(|pair| pair.cells.unwrap()).sum();
            assert_eq!(Some(sum), group.cells, "each cell has one pair of rules");
        }
        let cells = diff.space.cells().unwrap();
        for draw in 0..4_000 {
            let cell = diff
                .space
                .cell(u128::from(Seed(3).bits(Purpose::Text, draw, 0)) % cells);
            let (old, new) = answers(&cell);
            let group = diff.group_of(&cell).map(|group| (group.old, group.new));
            assert_eq!(group, (old != new).then_some((old, new)), "{cell:?}");
        }
    }
}

#[test]
fn only_what_both_call_impossible_is_left_out() {
    let with = |condition: &str, assume: &str| {
        policy_of(&format!(
            "policy: p\nboundary: {{ approval_when: {condition} }}\nassume: [{{ never: {assume} }}]\nrules: [{{ id: all, execution: interactive }}]\n"
        ))
    };
    let old = with("any_effect", "prod_write and user_steering");
    let hidden = with("any_effect and not customer_comm", "customer_comm");
    let diff = PolicyDiff::of(&old, &hidden).unwrap();
    // Of the loosened cells, a new assumption alone hides none; those stay out that the old one rules out as well.
    assert_eq!(diff.impossible, Some(3_u128.pow(15)));
    assert_eq!(diff.changed, Some(3_u128.pow(17) - 3_u128.pow(15)));
    let agreed = with("any_effect and not customer_comm", "prod_write and user_steering");
    let diff = PolicyDiff::of(&old, &agreed).unwrap();
    assert_eq!(diff.impossible, Some(3_u128.pow(16)));
    assert_eq!(diff.changed, Some(3_u128.pow(17) - 3_u128.pow(15)));
}

#[test]
fn what_is_too_large_is_not_guessed() {
    let (old, new) = (policy(OLD), policy(NEW));
    let error = PolicyDiff::within(&old, &new, 20).unwrap_err();
    assert!(error.to_string().contains("too large"), "{error}");
}

#[test]
fn a_waiver_counts_until_its_last_day_and_for_its_cells_alone() {
    let with = |waiver: &str, today: &str, code| {
        let waiver = format!("tests/golden/diff/{waiver}.yaml");
        said(&["diff", OLD, NEW, "--waiver", &waiver, "--today", today], code).0
    };
    check_golden(
        &repo("tests/golden/diff/waived.txt"),
        &with("waiver", "2027-01-31", 0),
    );
    check_golden(
        &repo("tests/golden/diff/expired.txt"),
        &with("waiver", "2027-02-01", 1),
    );
    check_golden(
        &repo("tests/golden/diff/too-wide.txt"),
        &with("too-wide", "2027-01-31", 2),
    );
    check_golden(
        &repo("tests/golden/diff/narrow.txt"),
        &with("narrow", "2027-01-31", 1),
    );
    let waiver = "tests/golden/diff/waiver.yaml";
    let (_, errors) = said(&["diff", OLD, NEW, "--waiver", waiver], 2);
    assert!(errors.contains("--today"), "time is an argument: {errors}");
    let (_, errors) = said(&["diff", OLD, NEW, "--waiver", waiver, "--today", "tomorrow"], 2);
    assert!(errors.contains("YYYY-MM-DD"), "{errors}");
}

#[test]
fn the_waiver_that_is_proposed_covers_exactly_what_loosens() {
    let conditions = [
        "any_effect",
        "never",
        "always",
        "customer_comm",
        "any_effect and not customer_comm",
        "prod_write or size > 10",
        "size >= 11 and (record_change or not user_steering)",
    ];
    let today: Date = "2026-11-29".parse().unwrap();
    for old in conditions {
        for new in conditions {
            let (old, new) = (bounded_by(old), bounded_by(new));
            let mut diff = PolicyDiff::of(&old, &new).unwrap();
            let loosens = diff
                .groups
                .iter()
                .any(|group| group.boundary() == Direction::Loosens);
            let text = diff.waiver_text().replace("YYYY-MM-DD", "2026-11-29");
            let (waiver, errors) = waiver_of(&old, &new, &text);
            let waiver = waiver.unwrap_or_else(|| panic!("{text}\n{errors}"));
            let verdict = diff.judge(Some((&waiver, today)));
            assert_eq!(
                (verdict.open.len(), verdict.too_wide.len(), verdict.expired.len()),
                (0, 0, 0),
                "{text}"
            );
            assert_eq!(
                (verdict.waived.len(), verdict.stale.len()),
                (usize::from(loosens), usize::from(!loosens))
            );
            assert_eq!(diff.judge(None).open.len(), usize::from(loosens));
        }
    }
}

#[test]
fn broken_waivers_are_explained_as_their_files_say() {
    let (old, new) = (policy(OLD), policy(NEW));
    let files = yaml_files("tests/bad/waiver");
    assert!(files.len() >= 4);
    for path in files {
        let (waiver, errors) = waiver_of(&old, &new, &std::fs::read_to_string(&path).unwrap());
        assert!(waiver.is_none() && !errors.is_empty(), "{}", path.display());
        check_golden(&path.with_extension("err"), &errors);
    }
}

#[test]
fn a_workload_with_broken_rows_or_without_rows_is_no_evidence() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("diff-workload");
    std::fs::create_dir_all(&folder).unwrap();
    let with = |name: &str, text: &str, code| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        said(&["diff", OLD, OLD, "--tasks", path.to_str().unwrap()], code)
    };
    let (text, errors) = with("broken.csv", "user_steering\ntrue\nmaybe\n", 2);
    assert!(
        text.contains("0 of 1 tasks change") && text.contains("1 broken row"),
        "{text}"
    );
    assert_eq!(errors.matches("`maybe` is no value").count(), 1, "{errors}");
    let (_, errors) = with("empty.csv", "user_steering\n", 4);
    assert!(errors.contains("there is no row"), "{errors}");
    let (_, errors) = with("columns.csv", "usr_steering\ntrue\n", 2);
    assert!(errors.contains("did you mean `user_steering`?"), "{errors}");
}
