//! Written tests: they pass on the policy that they were written for, and every single edit that changes a decision
//! makes one of them fail, played and judged like any other scenario.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::sync::Arc;

use lanebench::policy::{EditSort, Policy, Task, WitnessSuite, decode_policy};
use lanebench::report::{RunVerdict, WrittenSuite, witness_files};
use lanebench::runner::{Loaded, SuiteOptions, World, play_suite};
use lanebench::scenario::{Diagnostics, Loaded as Text, ResolveError, Resolver, Scenario, Sources, read};
use lanebench::units::SimDuration;

use serde_json::json;

use crate::support::repo;

fn shipped(name: &str) -> (String, Policy) {
    let text = std::fs::read_to_string(repo(&format!("scenarios/policies/{name}.yaml"))).unwrap();
    let policy = policy(&text);
    (text, policy)
}

#[track_caller]
fn policy(text: &str) -> Policy {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let tree = read(&mut sources, "policy.yaml", text.as_bytes(), &mut out);
    tree.and_then(|node| decode_policy(&node, &mut out)).unwrap()
}

/// Files in memory.
struct Memory<'f>(&'f BTreeMap<String, String>);

impl Resolver for Memory<'_> {
    fn resolve(&mut self, _: &str, path: &str) -> Result<Text, ResolveError> {
        let name = path.to_owned();
        match self.0.get(path) {
            Some(text) => Ok(Text {
                bytes: text.clone().into_bytes(),
                name,
            }),
            None => Err(ResolveError::Missing { name }),
        }
    }
}

/// The written scenarios of a policy, read as any scenario is.
fn written(text: &str, files: &BTreeMap<String, String>) -> Vec<Loaded> {
    let mut all = files.clone();
    all.insert("policy.yaml".to_owned(), text.to_owned());
    let scenarios = files.keys().filter(|name| *name != "kinds.yaml");
    let load = |name: &String| {
        let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
        let scenario = Scenario::load(
            name,
            files[name].as_bytes(),
            &mut Memory(&all),
            &mut sources,
            &mut out,
        );
        let said: Vec<_> = out.iter().map(|one| one.message.clone()).collect();
        Loaded {
            file: name.as_str().into(),
            scenario: Arc::new(scenario.unwrap_or_else(|| panic!("{name}: {said:?}\n{}", files[name]))),
            sources: Arc::new(sources),
        }
    };
    scenarios.map(load).collect()
}

fn verdicts(loaded: &[Loaded]) -> Vec<RunVerdict> {
    let options = SuiteOptions {
        world: World::Model,
        seeds: Vec::new(),
        threads: 1,
        wall_limit: SimDuration::from_secs(10),
    };
    play_suite(loaded, &options)
        .runs
        .into_iter()
        .map(|run| run.verdict)
        .collect()
}

/// The scenario with another policy, as though its file had been edited.
fn under(loaded: &Loaded, policy: &Policy) -> Loaded {
    let mut scenario = (*loaded.scenario).clone();
    scenario.policy = Arc::new(policy.clone());
    Loaded {
        scenario: Arc::new(scenario),
        ..loaded.clone()
    }
}

fn rule_file(policy: &Policy, task: &Task) -> String {
    match policy.decide(task).rule_of(policy) {
        Some(rule) => format!("rule-{}.yaml", rule.id),
        None => "no-rule.yaml".to_owned(),
    }
}

/// Writes the tests of a policy, plays them, and plays them under every edit; gives the suite.
#[track_caller]
fn pin_down(text: &str, policy: &Policy) -> WitnessSuite {
    let suite = policy.witnesses().unwrap();
    let files = witness_files(policy, &suite, "policy.yaml");
    let loaded = written(text, &files);
    for (verdict, one) in verdicts(&loaded).into_iter().zip(&loaded) {
        assert_eq!(verdict, RunVerdict::Passed, "{}\n{}", one.file, files[&*one.file]);
    }
    let by_file: BTreeMap<&str, &Loaded> = loaded.iter().map(|one| (&*one.file, one)).collect();
    for (index, edit) in suite.edits.iter().enumerate() {
        let witness = suite.witnesses.iter().find(|one| one.catches.contains(&index));
        let witness = witness.unwrap_or_else(|| panic!("nothing catches: {}", edit.what));
        let file = rule_file(policy, &witness.task);
        let verdict = verdicts(&[under(by_file[&*file], &edit.policy)]).remove(0);
        assert!(
            matches!(verdict, RunVerdict::Failed(_)),
            "{file} holds under: {}",
            edit.what
        );
    }
    suite
}

#[track_caller]
fn check(name: &str, edits: usize, silent: usize, witnesses: usize, at_least: usize) {
    let (text, policy) = shipped(name);
    let suite = pin_down(&text, &policy);
    let found = (
        suite.edits.len(),
        suite.silent.len(),
        suite.witnesses.len(),
        suite.at_least,
    );
    assert_eq!(found, (edits, silent, witnesses, at_least), "{name}");
    assert_eq!(suite.caught(), edits, "{name}");
}

#[test]
fn the_small_policies_are_pinned_down_by_as_few_tasks_as_can_be() {
    check("three-lane", 50, 0, 9, 9);
    check("product-first", 71, 1, 11, 11);
}

#[test]
fn the_support_desk_is_pinned_down() {
    check("support-operations", 834, 29, 45, 44);
}

#[test]
fn the_research_assistant_is_pinned_down() {
    check("research-assistant", 672, 26, 39, 39);
}

const SILENT: &str = "
policy: twins
attributes: { cases: count }
boundary: { approval_when: any_effect }
assume: [{ never: cases > 9 }]
rules:
  - { id: steered, when: user_steering and cases < 100, execution: interactive }
  - { id: rest, execution: interactive }
";

#[test]
fn an_edit_that_changes_nothing_is_known_to_be_silent() {
    let policy = policy(SILENT);
    let suite = policy.witnesses().unwrap();
    let silent: Vec<&str> = suite.silent.iter().map(|edit| edit.what.as_str()).collect();
    // Only cases that the policy takes to be impossible tell these from the original; a missing number still does.
    for what in [
        "`cases < 99` for `cases < 100`",
        "`cases != 100` for `cases < 100`",
    ] {
        assert!(
            silent.iter().any(|edit| edit.ends_with(what)),
            "{what}: {silent:?}"
        );
    }
    assert!(
        !silent.iter().any(|edit| edit.ends_with("without `cases < 100`")),
        "{silent:?}"
    );
    // Nothing catches a silent edit, wherever one looks.
    for edit in &suite.silent {
        for witness in &suite.witnesses {
            assert_eq!(
                edit.policy.observed(&witness.task),
                policy.observed(&witness.task),
                "{}",
                edit.what
            );
        }
    }
    assert_eq!(suite.caught(), suite.edits.len());
}

#[test]
fn a_suite_with_a_task_less_lets_an_edit_through() {
    let (_, policy) = shipped("three-lane");
    let suite = policy.witnesses().unwrap();
    for left_out in 0..suite.witnesses.len() {
        let mut smaller = suite.clone();
        smaller.witnesses.remove(left_out);
        assert!(
            smaller.caught() < suite.edits.len(),
            "task {left_out} is of no use"
        );
    }
}

#[test]
fn every_task_for_a_threshold_stands_beside_it() {
    let (_, policy) = shipped("support-operations");
    let suite = policy.witnesses().unwrap();
    let thresholds = suite.edits.iter().filter(|edit| edit.sort == EditSort::Threshold);
    assert_eq!(thresholds.count(), 26);
    let files = witness_files(&policy, &suite, "../support-operations.yaml");
    let all: String = files.values().map(String::as_str).collect();
    for beside in [
        "refund_amount: 200000 minor",
        "refund_amount: 200001 minor",
        "cases: 200",
        "cases: 201",
    ] {
        assert!(all.contains(beside), "{beside}");
    }
}

#[test]
fn a_suite_says_what_it_is_worth_and_is_the_same_every_time() {
    let (_, policy) = shipped("three-lane");
    let suite = policy.witnesses().unwrap();
    let written = WrittenSuite {
        suite: &suite,
        scenarios: 3,
        folder: "tests/three-lane",
    };
    let expected = "\
tests               9 tasks in 3 scenarios in tests/three-lane; no suite has fewer than 9 tasks
edits caught        50 of 50 that change a decision (0 more change none)
  dropped             16 of 16, 0 without effect
  negated             12 of 12, 0 without effect
  operator             4 of 4, 0 without effect
  effect               8 of 8, 0 without effect
  removed              3 of 3, 0 without effect
  moved                4 of 4, 0 without effect
  answer               3 of 3, 0 without effect
";
    assert_eq!(written.text(), expected);
    let said = written.json();
    assert_eq!((&said["tasks"], &said["tasks_at_least"]), (&json!(9), &json!(9)));
    assert_eq!(
        (&said["edits"], &said["caught"], &said["without_effect"]),
        (&json!(50), &json!(50), &json!(0))
    );
    assert_eq!(
        said["by_sort"][2],
        json!({ "sort": "operator", "edits": 4, "caught": 4, "without_effect": 0 })
    );
    let mut lesser = suite.clone();
    lesser.witnesses.pop();
    assert!(
        lesser.caught() < 50,
        "what nobody catches any more is not counted"
    );
    let again = policy.witnesses().unwrap();
    let files = |suite| witness_files(&policy, suite, "../three-lane.yaml");
    assert_eq!(files(&suite), files(&again));
    assert_eq!(files(&suite).len(), 4, "a scenario for each rule, and the kinds");
}
