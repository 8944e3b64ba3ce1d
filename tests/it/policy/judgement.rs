//! What a decision says about itself.

use lanebench::policy::{
    Attribute, Boundary, Class, DecisionNote, Execution, Finding, FindingSeverity, Lane, Policy, PolicyHash,
    Route, Task, Truth,
};

use super::{THREE_LANE, only, policy, three_lane};

const READY: [Attribute; 5] = [
    Attribute::ValueAfterSession,
    Attribute::MultiStepOrSlow,
    Attribute::CanShowStatus,
    Attribute::CanShowRetry,
    Attribute::CanRetrieveResult,
];

fn findings(policy: &Policy, task: &Task) -> Vec<&'static str> {
    policy.decide(task).findings.iter().map(Finding::word).collect()
}

/// A policy with one rule.
fn single(approval_when: &str, rule: &str) -> Policy {
    policy(&format!(
        "policy: p\nboundary: {{ approval_when: {approval_when} }}\nrules:\n  - {{ id: r, {rule} }}\n"
    ))
}

#[test]
fn each_class_brings_its_own_finding() {
    let policy = three_lane();
    let check =
        |holds: &[Attribute], expected: &[&str]| assert_eq!(findings(&policy, &only(holds)), expected);
    check(&READY, &[]);
    check(&[&READY[..], &[Attribute::UserSteering]].concat(), &["contested"]);
    check(
        &[&READY[..], &[Attribute::ToolsNarrowFast]].concat(),
        &["contested"],
    );
    check(&[Attribute::UserSteering], &[]);
    check(&[], &["single_quick_step"]);
    check(&READY[1..], &["debt"]);
    check(&READY[..3], &["capability_gap"]);
}

#[test]
fn a_capability_gap_names_what_is_missing() {
    let decision = three_lane().decide(&only(&READY[..3]));
    let missing: Vec<_> = decision.missing.iter().collect();
    assert_eq!(missing, [Attribute::CanShowRetry, Attribute::CanRetrieveResult]);
    assert_eq!(decision.gates.product_can_show, Truth::False);
    assert!(decision.permitted.refusal());
}

#[test]
fn an_unknown_gate_keeps_work_interactive_and_asks() {
    let task = only(&READY)
        .with(Attribute::CanShowRetry, Truth::Unknown)
        .with(Attribute::ProdWrite, Truth::Unknown);
    let decision = three_lane().decide(&task);
    assert_eq!(decision.lane(), Some(Lane::Approval));
    assert_eq!(decision.execution(), Some(Execution::Interactive));
    // The effect is fenced whatever it is, so it is not asked for.
    assert_eq!(decision.ask.iter().collect::<Vec<_>>(), [Attribute::CanShowRetry]);
    assert!(decision.findings.contains(Finding::Ask));
    assert!(!decision.background_permitted());
}

#[test]
fn a_task_of_which_nothing_is_known_waits_for_approval() {
    let decision = three_lane().decide(&Task::new());
    assert_eq!(
        (decision.lane(), decision.execution()),
        (Some(Lane::Approval), Some(Execution::Interactive))
    );
    assert_eq!(decision.class, None);
    assert_eq!(decision.ask.iter().count(), 6);
}

#[test]
fn steered_work_may_be_handed_over_only_where_all_gates_hold() {
    let policy = three_lane();
    let steered = only(&READY).with(Attribute::UserSteering, true);
    assert_eq!(policy.decide(&steered).execution(), Some(Execution::Interactive));
    assert!(policy.decide(&steered).background_permitted());
    assert!(
        !policy
            .decide(&steered.with(Attribute::ValueAfterSession, false))
            .background_permitted()
    );
}

#[test]
fn a_boundary_of_none_around_an_effect_is_unsafe_and_unfenced() {
    let reckless = single("never", "execution: background");
    let task = only(&READY).with(Attribute::ProdWrite, true);
    assert_eq!(
        findings(&reckless, &task),
        ["unsafe", "gate_not_met", "outside_permitted", "debt"]
    );
    let decision = reckless.decide(&task);
    assert_eq!(decision.boundary, Boundary::None);
    assert_eq!(decision.gates.outlives_session, Truth::False);
    assert_eq!(decision.findings.worst(), Some(FindingSeverity::Unsafe));
    let unknown = task.with(Attribute::ProdWrite, Truth::Unknown);
    let decision = reckless.decide(&unknown);
    assert!(decision.findings.contains(Finding::Unsafe) && decision.findings.contains(Finding::Ask));
    assert_eq!(decision.ask.iter().collect::<Vec<_>>(), [Attribute::ProdWrite]);
    assert!(!reckless.decide(&only(&READY)).findings.contains(Finding::Unsafe));
}

#[test]
fn the_fence_follows_from_the_boundary() {
    let rule = "when: effects_fenced, execution: background";
    let paid = only(&READY).with(Attribute::SpendsMoney, true);
    assert!(single("any_effect", rule).decide(&paid).execution().is_some());
    assert!(single("never", rule).decide(&paid).execution().is_none());
    assert!(single("never", rule).decide(&only(&READY)).execution().is_some());
}

#[test]
fn a_contested_choice_without_a_reason_is_told() {
    let task = only(&READY).with(Attribute::UserSteering, true);
    let silent = single("any_effect", "execution: interactive");
    assert_eq!(findings(&silent, &task), ["contested", "choice_without_reason"]);
    let reasoned = single("any_effect", "execution: interactive, because: we say so");
    assert_eq!(findings(&reasoned, &task), ["contested"]);
}

#[test]
fn a_task_that_no_rule_decides_is_refused() {
    let gappy = single("any_effect", "when: user_steering, execution: interactive");
    let task = only(&[]);
    let decision = gappy.decide(&task);
    assert_eq!((decision.rule, decision.lane()), (None, None));
    assert!(decision.findings.contains(Finding::NoRule));
    assert_eq!(
        gappy.refusal(&decision).as_deref(),
        Some("no rule of the policy decides this task")
    );
}

#[test]
fn a_rule_can_refuse_with_its_reason() {
    let strict = single(
        "any_effect",
        "when: not can_show_status, refuse: the product cannot show it",
    );
    let decision = strict.decide(&only(&[]));
    assert!(matches!(decision.route, Route::Refuse(_)));
    assert_eq!(decision.rule, Some(0));
    assert_eq!(
        strict.refusal(&decision).as_deref(),
        Some("the product cannot show it")
    );
}

#[test]
fn a_task_that_the_policy_calls_impossible_is_told() {
    let sure = policy(
        "policy: p\nboundary: { approval_when: any_effect }\nassume:\n  \
         - { never: user_steering and review_before_delivery, because: nobody reviews what he steers }\n\
         rules: [ { id: r, execution: interactive } ]\n",
    );
    let both = [Attribute::UserSteering, Attribute::ReviewBeforeDelivery];
    assert!(
        sure.decide(&only(&both))
            .findings
            .contains(Finding::AssumptionBroken)
    );
    assert!(
        !sure
            .decide(&only(&both[..1]))
            .findings
            .contains(Finding::AssumptionBroken)
    );
}

#[test]
fn the_hash_sees_through_layout_and_sees_every_decision() {
    let plain: String = THREE_LANE
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| format!("{line}\n"))
        .collect();
    let respelt = plain.replace("can_show_status and", "( can_show_status)  and");
    assert_eq!(policy(&respelt).hash(), three_lane().hash());
    for (from, to) in [
        ("any_effect", "prod_write"),
        (" and slow", " "),
        ("id: otherwise", "id: rest"),
        ("short", "brief"),
    ] {
        assert_ne!(
            policy(&THREE_LANE.replace(from, to)).hash(),
            three_lane().hash(),
            "{from}"
        );
    }
}

#[test]
fn the_hash_of_the_shipped_policy_is_known() {
    let (policy, hash) = (three_lane(), three_lane().hash());
    insta::assert_snapshot!(policy.canonical());
    assert_eq!(
        hash.to_string(),
        "13174b9cc5aad4537f21f97d9e64046864629217f1320b1ab99417649bc7b1e3"
    );
    assert_eq!(hash.to_string().parse::<PolicyHash>(), Ok(hash));
}

#[test]
fn a_note_says_it_all_in_words() {
    let policy = three_lane();
    let task = only(&READY[..3])
        .with(Attribute::RecordChange, true)
        .with(Attribute::CanShowRetry, Truth::Unknown);
    let note = policy.note(&task, &policy.decide(&task));
    let json = serde_json::to_string_pretty(&note).unwrap();
    insta::assert_snapshot!(json);
    assert_eq!(serde_json::from_str::<DecisionNote>(&json).unwrap(), note);
    assert_eq!(note.class, Some(Class::D7));
}
