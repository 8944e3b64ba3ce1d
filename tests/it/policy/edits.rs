//! Single edits of a policy: exactly those that a slip of the pen would be, each once.

use std::collections::{BTreeMap, BTreeSet};

use lanebench::policy::{EditSort, Policy};

use super::{policy, three_lane};

const SMALL: &str = "
policy: small
attributes: { cases: count, plan: [free, team, large] }
boundary: { approval_when: customer_comm }
facts: { slow: multi_step_or_slow or review_before_delivery }
rules:
  - { id: many, when: slow and cases > 5, execution: background }
  - { id: no-plan, when: not (plan == team), refuse: there is no plan }
  - { id: rest, execution: interactive }
";

fn whats(policy: &Policy) -> Vec<String> {
    policy.edits().into_iter().map(|edit| edit.what).collect()
}

#[test]
fn every_slip_is_made_once_and_in_the_order_of_the_text() {
    let expected = "
boundary: never
boundary: always
boundary: `not customer_comm` for `customer_comm`
fact `slow`: never
fact `slow`: `multi_step_or_slow and review_before_delivery`
fact `slow`: without `multi_step_or_slow`
fact `slow`: `not multi_step_or_slow` for `multi_step_or_slow`
fact `slow`: without `review_before_delivery`
fact `slow`: `not review_before_delivery` for `review_before_delivery`
rule `many`: `slow or (cases > 5)`
rule `many`: without `slow`
rule `many`: `not slow` for `slow`
rule `many`: without `cases > 5`
rule `many`: `cases <= 5` for `cases > 5`
rule `many`: `cases == 5` for `cases > 5`
rule `many`: `cases != 5` for `cases > 5`
rule `many`: `cases >= 5` for `cases > 5`
rule `many`: `cases < 5` for `cases > 5`
rule `many`: `cases > 4` for `cases > 5`
rule `many`: `cases > 6` for `cases > 5`
rule `many`: interactive for background
rule `many`: removed
rule `many`: moved behind `no-plan`
rule `many`: moved behind `rest`
rule `no-plan`: always
rule `no-plan`: `plan == team` for `not (plan == team)`
rule `no-plan`: `plan != team` for `plan == team`
rule `no-plan`: `plan == free` for `plan == team`
rule `no-plan`: `plan == large` for `plan == team`
rule `no-plan`: interactive for a refusal
rule `no-plan`: background for a refusal
rule `no-plan`: removed
rule `no-plan`: moved behind `rest`
rule `rest`: background for interactive
rule `rest`: removed
rule `rest`: moved before `many`";
    assert_eq!(whats(&policy(SMALL)).join("\n"), expected.trim_start());
}

#[test]
fn every_edit_is_another_policy_and_differs_in_one_line_at_most() {
    let original = three_lane();
    let edits = original.edits();
    let hashes: BTreeSet<_> = edits.iter().map(|edit| edit.policy.hash()).collect();
    assert_eq!(hashes.len(), edits.len());
    assert!(!hashes.contains(&original.hash()));
    for edit in &edits {
        let lines = |policy: &Policy| policy.canonical().lines().map(str::to_owned).collect::<Vec<_>>();
        let (before, after) = (lines(&original), lines(&edit.policy));
        let gone = before.iter().filter(|line| !after.contains(line)).count();
        let most = match edit.sort {
            // A rule is gone with its answer and its reason.
            EditSort::Removed => 3,
            // The lines are the same in another order.
            EditSort::Moved => 0,
            _ => 1,
        };
        assert!(gone <= most, "{}: {gone} lines differ", edit.what);
    }
}

#[test]
fn each_effect_of_the_boundary_is_forgotten_once() {
    let mut census: BTreeMap<&str, usize> = BTreeMap::new();
    for edit in three_lane().edits() {
        *census.entry(edit.sort.word()).or_default() += 1;
    }
    assert_eq!(census.get("effect"), Some(&8), "{census:?}");
    let sorts: Vec<&str> = EditSort::ALL.into_iter().map(EditSort::word).collect();
    assert!(census.keys().all(|sort| sorts.contains(sort)));
}
