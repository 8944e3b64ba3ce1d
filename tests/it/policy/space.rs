//! The shipped policy over its whole space, two-valued and three-valued.

use std::collections::BTreeMap;

use lanebench::policy::{Attribute, Boundary, Decision, Execution, Policy, Task, Truth};

use super::oracle::{Answer, Row};
use super::{THREE_LANE, policy, three_lane};

const UMBRELLAS: [Attribute; 3] = Attribute::UMBRELLAS;

/// The row as a task; the umbrella flags are a factor of their own.
fn task_of(row: &Row) -> Task {
    let base = Task::new().with_all(&UMBRELLAS, false);
    row.named().into_iter().fold(base, |task, (name, holds)| {
        task.with(Attribute::named(name).unwrap(), holds)
    })
}

fn permitted(decision: &Decision) -> Vec<&'static str> {
    decision.permitted.executions().map(Execution::word).collect()
}

#[track_caller]
fn check_row(policy: &Policy, number: u32) -> Answer {
    let row = Row::numbered(number);
    let (answer, decision) = (row.answer(), policy.decide(&task_of(&row)));
    assert_eq!(decision.boundary.word(), answer.boundary, "{row:?}");
    assert_eq!(
        decision.execution().map(Execution::word),
        Some(answer.preferred),
        "{row:?}"
    );
    assert_eq!(permitted(&decision), answer.permitted, "{row:?}");
    assert_eq!(decision.permitted.refusal(), answer.may_refuse, "{row:?}");
    assert_eq!(
        decision.class.map(|class| class.word()),
        Some(answer.rule),
        "{row:?}"
    );
    answer
}

#[test]
fn three_lane_agrees_with_the_table_on_all_32768_rows() {
    let policy = three_lane();
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for number in 0..Row::COUNT {
        let answer = check_row(&policy, number);
        *counts.entry(answer.rule).or_default() += 1;
        *counts.entry(answer.boundary).or_default() += 1;
    }
    let expected = [
        ("D1", 96),
        ("D2", 1_152),
        ("D3", 288),
        ("D4", 29_280),
        ("D5", 512),
        ("D6", 768),
        ("D7", 672),
        ("approval", 31_744),
        ("none", 1_024),
    ];
    assert_eq!(counts, BTreeMap::from(expected));
}

/// The table would notice if any part of the shipped policy were left out.
#[test]
fn no_part_of_the_shipped_policy_is_vacuous() {
    let parts = [
        ("user_steering or conversational", "conversational"),
        (" or conversational_value_primary", ""),
        ("multi_step_or_slow or review", "review"),
        (" or review_before_delivery", ""),
        ("can_show_status and", ""),
        ("can_show_retry and", ""),
        (" and can_retrieve_result", ""),
        ("value_after_session and", ""),
        (" and slow", ""),
        (" and product_ready", ""),
        ("when: steered", "when: never"),
        (
            "any_effect",
            "customer_comm or record_change or purchase_or_credit or prod_write",
        ),
    ];
    for (from, to) in parts {
        let text = THREE_LANE.replacen(from, to, 1);
        assert_ne!(text, THREE_LANE, "{from}");
        let weakened = policy(&text);
        let differs = (0..Row::COUNT).any(|number| {
            let row = Row::numbered(number);
            let (answer, decision) = (row.answer(), weakened.decide(&task_of(&row)));
            let execution = decision.execution().map(Execution::word);
            execution != Some(answer.preferred) || decision.boundary.word() != answer.boundary
        });
        assert!(differs, "nobody misses `{from}`");
    }
}

#[test]
fn umbrella_flags_ask_for_approval_and_change_nothing_else() {
    let policy = three_lane();
    // Every row without a listed effect: a listed effect asks for approval whatever the flags say.
    for number in 0..1 << 10 {
        let task = task_of(&Row::numbered(number));
        let plain = policy.decide(&task);
        for flags in 1..1 << UMBRELLAS.len() {
            let set =
                |task: Task, (index, flag): (usize, &Attribute)| task.with(*flag, flags >> index & 1 == 1);
            let flagged = policy.decide(&UMBRELLAS.iter().enumerate().fold(task.clone(), set));
            assert_eq!(
                flagged,
                Decision {
                    boundary: Boundary::Approval,
                    ..plain
                }
            );
        }
    }
}

/// The ten attributes that are no effects.
fn calm() -> [Attribute; 10] {
    let all: Vec<_> = Attribute::ALL.into_iter().take(10).collect();
    all.try_into().unwrap()
}

const THREE: [Truth; 3] = [Truth::False, Truth::True, Truth::Unknown];

/// The task whose attributes are the digits of `cell` to the base of three: false, true, unknown.
fn with_digits(base: Task, attributes: &[Attribute], cell: u32) -> Task {
    let mut rest = cell;
    attributes.iter().fold(base, |task, attribute| {
        let truth = THREE[(rest % 3) as usize];
        rest /= 3;
        task.with(*attribute, truth)
    })
}

/// What the completions of a cell have in common, worked out from the table alone.
#[derive(Clone, Copy)]
struct Common {
    interactive: bool,
    background: bool,
    refusal: bool,
    rule: Option<&'static str>,
}

impl Common {
    fn of(answer: Answer) -> Self {
        Self {
            interactive: answer.permitted.contains(&"interactive"),
            background: answer.permitted.contains(&"background"),
            refusal: answer.may_refuse,
            rule: Some(answer.rule),
        }
    }

    fn with(self, other: Self) -> Self {
        Self {
            interactive: self.interactive && other.interactive,
            background: self.background && other.background,
            refusal: self.refusal && other.refusal,
            rule: self.rule.filter(|rule| Some(*rule) == other.rule),
        }
    }
}

/// For every cell of the ten attributes the intersection over its completions: a cell with an unknown digit is the
/// intersection of the two cells with that digit filled in, and both have a smaller number.
fn intersections() -> Vec<Common> {
    let mut all: Vec<Common> = Vec::new();
    for cell in 0..3_u32.pow(10) {
        let digits = (0..10).map(|index| (3_u32.pow(index), cell / 3_u32.pow(index) % 3));
        let unknown = digits.clone().find(|(_, digit)| *digit == 2);
        all.push(match unknown {
            Some((weight, _)) => all[(cell - weight) as usize].with(all[(cell - 2 * weight) as usize]),
            None => {
                let bits = digits
                    .enumerate()
                    .fold(0, |bits, (index, (_, digit))| bits | digit << index);
                Common::of(Row::numbered(bits).answer())
            }
        });
    }
    all
}

/// Whether effects are all absent, or one is present, or the present ones are none but some unknown: what the other
/// attributes can see of the effects at most. The number is how many of the 243 cells of five effects are so.
const EFFECT_CLASSES: [(&[(Attribute, Truth)], u32); 3] = [
    (&[], 1),
    (&[(Attribute::RecordChange, Truth::True)], 211),
    (&[(Attribute::RecordChange, Truth::Unknown)], 31),
];

/// The cells that prefer the background, and those that need approval.
#[derive(Debug, PartialEq, Eq)]
struct Counts {
    background: u32,
    approval: u32,
}

const EXPECTED: Counts = Counts {
    background: 43_740,
    approval: 14_289_858,
};

#[test]
fn every_three_valued_cell_permits_what_all_its_completions_permit() {
    let (policy, common) = (three_lane(), intersections());
    let harmless = Task::new().with_all(&Attribute::ALL, false);
    let mut counts = Counts {
        background: 0,
        approval: 0,
    };
    for (effects, weight) in EFFECT_CLASSES {
        let base = effects.iter().fold(harmless.clone(), |task, (effect, truth)| {
            task.with(*effect, *truth)
        });
        for cell in 0..3_u32.pow(10) {
            let decision = policy.decide(&with_digits(base.clone(), &calm(), cell));
            check_cell(&decision, common[cell as usize], cell);
            counts.background += u32::from(decision.execution() == Some(Execution::Background)) * weight;
            counts.approval += u32::from(decision.boundary == Boundary::Approval) * weight;
        }
    }
    assert_eq!(counts, EXPECTED);
}

#[track_caller]
fn check_cell(decision: &Decision, common: Common, cell: u32) {
    let background = common.background;
    // An empty intersection means interactive.
    let interactive = common.interactive || !background;
    assert_eq!(
        decision.permitted.contains(Execution::Background),
        background,
        "cell {cell}"
    );
    assert_eq!(
        decision.permitted.contains(Execution::Interactive),
        interactive,
        "cell {cell}"
    );
    assert_eq!(decision.permitted.refusal(), common.refusal, "cell {cell}");
    assert_eq!(
        decision.class.map(|class| class.word()),
        common.rule,
        "cell {cell}"
    );
    assert!(
        decision
            .execution()
            .is_some_and(|execution| decision.permitted.contains(execution)),
        "cell {cell}"
    );
}

/// That the classes above lose nothing: over all 243 cells of the effects, only the class matters.
#[test]
fn a_decision_sees_no_more_of_the_effects_than_their_class() {
    let policy = three_lane();
    let harmless = Task::new().with_all(&Attribute::ALL, false);
    let mut weights = [0; 3];
    for effects in 0..3_u32.pow(5) {
        let digits: Vec<_> = (0..5).map(|index| effects / 3_u32.pow(index) % 3).collect();
        let class = if digits.contains(&1) {
            1
        } else {
            usize::from(digits.contains(&2)) * 2
        };
        weights[class] += 1;
        let sample = EFFECT_CLASSES[class].0;
        let base = sample.iter().fold(harmless.clone(), |task, (effect, truth)| {
            task.with(*effect, *truth)
        });
        // A step that is prime to three meets every digit in every place.
        for cell in (0..3_u32.pow(10)).step_by(149) {
            let sample = policy.decide(&with_digits(base.clone(), &calm(), cell));
            let whole = with_digits(
                with_digits(harmless.clone(), &calm(), cell),
                &Attribute::EFFECTS,
                effects,
            );
            assert_eq!(policy.decide(&whole), sample);
        }
    }
    assert_eq!(weights, EFFECT_CLASSES.map(|(_, weight)| weight));
}

/// All 14,348,907 cells, without any structure used.
#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "takes a minute without optimisation: run it with `--release`"
)]
fn the_whole_three_valued_space_has_the_stated_counts() {
    let policy = three_lane();
    let base = Task::new().with_all(&UMBRELLAS, false);
    let mut counts = Counts {
        background: 0,
        approval: 0,
    };
    for effects in 0..3_u32.pow(5) {
        let base = with_digits(base.clone(), &Attribute::EFFECTS, effects);
        for cell in 0..3_u32.pow(10) {
            let decision = policy.decide(&with_digits(base.clone(), &calm(), cell));
            counts.background += u32::from(decision.execution() == Some(Execution::Background));
            counts.approval += u32::from(decision.boundary == Boundary::Approval);
        }
    }
    assert_eq!(counts, EXPECTED);
}
