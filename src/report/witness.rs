//! Witness suites as scenarios that anybody can read, play and keep.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::policy::{Boundary, Observed, Policy, Witness, WitnessSuite};

/// The registry of the one kind that written tests need.
const KINDS: &str = "\
# The kind of the written tests: nothing is known of it but what a task says.
kinds:
  any:
    description: Any task at all.
    script: { steps: [{ message: 20 tokens }] }
";

/// How many of the edits that a task catches are named beside it.
const NAMED_MAX: usize = 3;

/// The files of a suite, by name: a scenario for each rule that decides some task of it, and the registry of their
/// kind. `policy_path` leads from their folder to the policy.
#[must_use]
pub fn witness_files(policy: &Policy, suite: &WitnessSuite, policy_path: &str) -> BTreeMap<String, String> {
    let mut by_rule: BTreeMap<Option<u16>, Vec<&Witness>> = BTreeMap::new();
    for witness in &suite.witnesses {
        let rule = policy.decide(&witness.task).rule;
        by_rule.entry(rule).or_default().push(witness);
    }
    let mut files = BTreeMap::from([("kinds.yaml".to_owned(), KINDS.to_owned())]);
    for (rule, witnesses) in by_rule {
        let id = rule.and_then(|rule| policy.rules().get(usize::from(rule)));
        let (file, title) = match id {
            Some(rule) => (
                format!("rule-{}.yaml", rule.id),
                format!(
                    "the rule {} of {} decides as it is written",
                    rule.id,
                    policy.name()
                ),
            ),
            None => (
                "no-rule.yaml".to_owned(),
                format!("what no rule of {} decides is refused", policy.name()),
            ),
        };
        files.insert(file, scenario(policy, suite, &witnesses, &title, policy_path));
    }
    files
}

fn scenario(
    policy: &Policy,
    suite: &WitnessSuite,
    witnesses: &[&Witness],
    title: &str,
    policy_path: &str,
) -> String {
    let (mut tasks, mut expect) = (String::new(), String::new());
    for (index, witness) in witnesses.iter().enumerate() {
        let id = format!("task-{}", index + 1);
        let caught = caught(suite, witness);
        let task = suite.space.task_yaml(&witness.cell, &id, "any");
        // Writing into a string cannot fail.
        let _ = write!(tasks, "{caught}{task}");
        let _ = writeln!(expect, "  {id}: {}", expectation(&policy.observed(&witness.task)));
    }
    format!(
        "# Written by `lanebench check --write-tests`. What stands over each task is what would change its decision.\n\
         scenario: {}\nshows: [lanes]\npolicy: {}\nkinds: kinds.yaml\n\ntasks:\n{tasks}\nexpect:\n{expect}\n\
         invariants: all\n",
        quoted(title),
        quoted(policy_path),
    )
}

/// What a task catches: how much, and by name what nobody else does.
fn caught(suite: &WitnessSuite, witness: &Witness) -> String {
    let others = |edit: usize| {
        let mut others = suite.witnesses.iter().filter(|other| other.cell != witness.cell);
        others.any(|other| other.catches.contains(&edit))
    };
    let alone: Vec<usize> = witness
        .catches
        .iter()
        .copied()
        .filter(|edit| !others(*edit))
        .collect();
    let mut text = format!(
        "  # catches {} edits, {} of them alone\n",
        witness.catches.len(),
        alone.len()
    );
    for edit in alone.iter().take(NAMED_MAX) {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "  # - {}", suite.edits[*edit].what);
    }
    text
}

fn expectation(observed: &Observed<'_>) -> String {
    match observed {
        Observed::Refused(reason) => format!("{{ outcome: refused, refused_because: {} }}", quoted(reason)),
        Observed::Placed {
            execution,
            boundary: Boundary::None,
            rule,
        } => format!("{{ lane: {}, boundary: none, rule: {rule} }}", execution.word()),
        Observed::Placed {
            execution,
            boundary: Boundary::Approval,
            rule,
        } => format!(
            "{{ lane: approval, execution: {}, rule: {rule} }}",
            execution.word()
        ),
    }
}

/// A JSON string, which is a YAML string too.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// A suite that was written.
#[derive(Debug, Clone, Copy)]
pub struct WrittenSuite<'a> {
    /// The suite.
    pub suite: &'a WitnessSuite,
    /// How many scenarios it was written to.
    pub scenarios: usize,
    /// The folder that they stand in.
    pub folder: &'a str,
}

impl WrittenSuite<'_> {
    /// What it is worth, in a few lines.
    #[must_use]
    pub fn text(&self) -> String {
        let suite = self.suite;
        let mut text = format!(
            "tests               {} tasks in {} scenarios in {}; no suite has fewer than {} tasks\n\
             edits caught        {} of {} that change a decision ({} more change none)\n",
            suite.witnesses.len(),
            self.scenarios,
            self.folder,
            suite.at_least,
            suite.caught(),
            suite.edits.len(),
            suite.silent.len(),
        );
        for count in suite.census() {
            // Writing into a string cannot fail.
            let _ = writeln!(
                text,
                "  {:<18}{:>4} of {}, {} without effect",
                count.sort.word(),
                count.caught,
                count.edits,
                count.silent
            );
        }
        text
    }

    /// What it is worth, for programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let suite = self.suite;
        let sorts = suite.census().into_iter().map(|count| {
            json!({
                "sort": count.sort.word(),
                "edits": count.edits,
                "caught": count.caught,
                "without_effect": count.silent,
            })
        });
        json!({
            "folder": self.folder,
            "scenarios": self.scenarios,
            "tasks": suite.witnesses.len(),
            "tasks_at_least": suite.at_least,
            "edits": suite.edits.len(),
            "caught": suite.caught(),
            "without_effect": suite.silent.len(),
            "by_sort": sorts.collect::<Vec<_>>(),
        })
    }
}
