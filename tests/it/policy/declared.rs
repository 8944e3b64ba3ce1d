//! Attributes that a policy declares itself, and the attributes of tasks as files give them.

use lanebench::policy::{AttributeId, Execution, Given, Policy, Source, Task, Value, decode_attributes};
use lanebench::scenario::{Diagnostics, Sources, read};

use super::policy;

const DECLARING: &str = "
policy: declaring
attributes:
  expected_duration: duration
  context_tokens: tokens
  documents: count
  price: money
  plan: [free, team, pay-as-you-go]
  night_shift: bool
boundary: { approval_when: any_effect or price >= 500 minor }
facts:
  long: expected_duration > 30s
  big: context_tokens >= 8000 tokens or documents > 3
rules:
  - { id: free-plan, when: plan == free and big, refuse: too big for the free plan }
  - { id: long-or-big, when: (long or big) and not night_shift, execution: background }
  - { id: night, when: night_shift and plan != free, execution: background }
  - { id: otherwise, execution: interactive }
";

fn given(policy: &Policy, text: &str) -> Result<Vec<Given>, Vec<String>> {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let tree = read(&mut sources, "task.yaml", text.as_bytes(), &mut out).unwrap();
    let given = decode_attributes(policy.vocabulary(), &tree, &mut out);
    let say = |one: &lanebench::scenario::Diagnostic| match &one.help {
        Some(help) => format!("{}: {}; {help}", one.message, one.labels[0].text),
        None => format!("{}: {}", one.message, one.labels[0].text),
    };
    given
        .filter(|_| !out.has_errors())
        .ok_or_else(|| out.iter().map(say).collect())
}

#[track_caller]
fn check(attributes: &str, rule: &str) {
    let policy = policy(DECLARING);
    let mut task = Task::new();
    task.set_all(&given(&policy, attributes).unwrap());
    let decision = policy.decide(&task);
    assert_eq!(
        decision.rule_of(&policy).map(|rule| rule.id.as_str()),
        Some(rule),
        "{attributes}"
    );
}

#[test]
fn declared_attributes_decide_with_their_units() {
    check(
        "{ expected_duration: 30s, context_tokens: 1, documents: 1, night_shift: false }",
        "otherwise",
    );
    check(
        "{ expected_duration: 30001ms, night_shift: false }",
        "long-or-big",
    );
    check(
        "{ context_tokens: 8_000 tokens, night_shift: false, plan: team }",
        "long-or-big",
    );
    check("{ documents: 4, plan: free }", "free-plan");
    check("{ night_shift: true, plan: pay-as-you-go }", "night");
    // What is unknown matches no rule: neither `plan != free` nor `not night_shift`.
    check("{ night_shift: true }", "otherwise");
    check(
        "{ expected_duration: 1h, plan: unknown, night_shift: unknown }",
        "otherwise",
    );
}

#[test]
fn a_declared_number_settles_the_boundary() {
    let policy = policy(DECLARING);
    let boundary = |text: &str| {
        let mut task = Task::new();
        task.set_all(&given(&policy, text).unwrap());
        policy.decide(&task).boundary.word()
    };
    assert_eq!(boundary("{ effects: none, price: 499 }"), "none");
    assert_eq!(boundary("{ effects: none, price: 500 minor }"), "approval");
    assert_eq!(
        boundary("{ effects: none }"),
        "approval",
        "an unknown price could be any"
    );
    assert_eq!(
        boundary("{ price: 0 }"),
        "approval",
        "unknown effects could be any"
    );
    assert_eq!(boundary("{ price: 0, effects: [prod_write] }"), "approval");
}

#[test]
fn a_value_keeps_its_source() {
    let policy = policy(DECLARING);
    let text = "{ user_steering: true, expected_duration: { value: 40s, source: measured }, night_shift: { value: false, source: predicted } }";
    let given = given(&policy, text).unwrap();
    let mut task = Task::new();
    task.set_all(&given);
    let sources: Vec<_> = given
        .iter()
        .map(|one| task.given(one.attribute).unwrap().source)
        .collect();
    assert_eq!(sources, [Source::Declared, Source::Measured, Source::Predicted]);
    let note = policy.note(&task, &policy.decide(&task));
    assert_eq!(note.attributes["expected_duration"].value, "40s");
    assert_eq!(note.attributes["expected_duration"].source, Source::Measured);
    assert_eq!(note.attributes.len(), 3);
    assert_eq!(note.execution, Some(Execution::Background));
}

#[test]
fn what_a_task_gets_wrong_is_told_all_at_once() {
    let text = "
user_stering: true
user_steering: maybe
expected_duration: 40
context_tokens: 0.5
plan: teem
effects: [record_chnge]
record_change: true
documents: { value: 3, source: guessed }
";
    let expected = [
        "unknown attribute `user_stering`: ; did you mean `user_steering`? known attributes: `user_steering`, \
         `answer_short_within_wait`, `tools_narrow_fast`, `conversational_value_primary`, `value_after_session`, \
         `multi_step_or_slow`, `can_show_status`, `can_show_retry`, `can_retrieve_result`, `review_before_delivery`, \
         `customer_comm`, `record_change`, `purchase_or_credit`, `prod_write`, `publish_unchecked`, `changes_state`, \
         `spends_money`, `affects_customers`, `night_shift`, `expected_duration`, `context_tokens`, `documents`, \
         `price`, `plan` and 1 more",
        "`maybe` is no value of `user_steering`: expected `true`, `false` or `unknown`",
        "`40` is no value of `expected_duration`: a duration needs a unit; write a duration such as `250ms`, `30s` or \
         `2m30s`",
        "`0.5` is no value of `context_tokens`: a fraction: attributes are compared as whole numbers, so that no \
         rounding can decide; write a number of tokens such as `8000` or `8000 tokens`",
        "`teem` is no value of `plan`: unknown word `teem`; did you mean `team`? words: `free`, `team`, \
         `pay-as-you-go`",
        "unknown effect `record_chnge`: ; did you mean `record_change`? possible: `customer_comm`, `record_change`, \
         `purchase_or_credit`, `prod_write`, `publish_unchecked`, `changes_state`, `spends_money`, \
         `affects_customers`",
        "unknown source `guessed`: ; possible: `declared`, `measured`, `predicted`",
    ];
    assert_eq!(given(&policy(DECLARING), text).unwrap_err(), expected);
    let doubled = given(&policy(DECLARING), "{ effects: none, record_change: true }").unwrap_err();
    assert_eq!(
        doubled,
        ["`record_change` is given twice: ; list it under `effects`, or leave `effects` out"]
    );
}

#[test]
fn a_value_of_the_wrong_kind_leaves_its_attribute_unknown() {
    let policy = policy(DECLARING);
    let flag = policy.vocabulary().attribute("night_shift").unwrap();
    let mut task = Task::new();
    task.set(Given {
        attribute: flag,
        value: Value::Number(Some(1)),
        source: Source::Declared,
    });
    assert_eq!(task.given(flag), None);
    assert!(matches!(
        policy.vocabulary().attribute("price"),
        Some(AttributeId::Number(_))
    ));
    assert_eq!(
        policy.vocabulary().attribute("big"),
        None,
        "a fact is no attribute"
    );
}
