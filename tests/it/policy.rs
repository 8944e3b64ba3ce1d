//! Lane policies: the shipped one against a literal reading of the table, the language of conditions, bad files.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bad;
mod cells;
mod conditions;
mod declared;
mod edits;
mod fixtures;
mod judgement;
mod oracle;
mod proof;
mod space;

use lanebench::policy::{Attribute, Policy, Task, decode_policy};
use lanebench::scenario::{Diagnostics, Sources, read};

const THREE_LANE: &str = include_str!("../../scenarios/policies/three-lane.yaml");

/// The shipped policy.
fn three_lane() -> Policy {
    policy(THREE_LANE)
}

/// The policy of a text that has no mistake.
#[track_caller]
fn policy(text: &str) -> Policy {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let tree = read(&mut sources, "policy.yaml", text.as_bytes(), &mut out);
    let policy = tree.and_then(|node| decode_policy(&node, &mut out));
    let mistakes: Vec<_> = out.iter().map(|diagnostic| diagnostic.message.as_str()).collect();
    policy.unwrap_or_else(|| panic!("{mistakes:?}"))
}

/// A task of which everything built-in is known: what is listed holds, nothing else does.
fn only(holds: &[Attribute]) -> Task {
    Task::new().with_all(&Attribute::ALL, false).with_all(holds, true)
}
