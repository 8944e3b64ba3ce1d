//! The space of a policy: its cells against single decisions, its sets against their counts, its tasks against files.

use lanebench::policy::{
    Algebra, AxisValue, Bitmaps, Boundary, Cell, Class, Diagrams, Execution, Policy, Reach, Space, Table,
    decode_attributes,
};
use lanebench::scenario::{Diagnostics, Sources, read};

use super::{policy, three_lane};

const NUMBERS: &str = "
policy: numbers
attributes: { expected_duration: duration, plan: [free, team], night_shift: bool, unread: count }
boundary: { approval_when: any_effect or expected_duration > 1h }
facts: { fenced_night: effects_fenced and night_shift }
assume: [{ never: plan == team and user_steering }]
rules:
  - { id: free-plan, when: plan == free and expected_duration >= 30s, refuse: too long for the free plan }
  - { id: night, when: fenced_night and not user_steering, execution: background }
  - { id: day, when: night_shift or plan != free, execution: interactive }
";

fn table(space: &Space, policy: &Policy) -> (Diagrams, Table<lanebench::policy::Set>) {
    let mut diagrams = Diagrams::new(space);
    let table = Table::read(space, 0, policy, None, &mut diagrams);
    (diagrams, table)
}

#[test]
fn the_spaces_of_the_shipped_policy_have_the_stated_counts() {
    let policy = three_lane();
    for (reach, cells, background, approval) in [
        (Reach::Known, 32_768, 96 + 288, 31_744),
        (Reach::ThreeValued, 14_348_907, 43_740, 14_289_858),
    ] {
        let space = Space::of(&[&policy], reach);
        let (diagrams, table) = table(&space, &policy);
        assert_eq!(space.cells(), Some(cells));
        assert_eq!(diagrams.count(table.background), Some(background), "{reach:?}");
        assert_eq!(diagrams.count(table.approval), Some(approval), "{reach:?}");
        assert_eq!(diagrams.count(table.no_rule), Some(0));
        let all = diagrams.all();
        assert_eq!(diagrams.count(all), Some(cells));
    }
}

#[test]
fn the_independent_reading_has_the_stated_counts() {
    let policy = three_lane();
    let space = Space::of(&[&policy], Reach::Known);
    let (diagrams, table) = table(&space, &policy);
    let counts = table.classes.classes.map(|class| diagrams.count(class));
    assert_eq!(counts, [96, 1_152, 288, 29_280, 512, 768, 672].map(Some));
}

/// Holds what the table says about a cell against the decision about its task.
#[track_caller]
fn check_cell(
    policy: &Policy,
    space: &Space,
    diagrams: &Diagrams,
    table: &Table<lanebench::policy::Set>,
    cell: &Cell,
) {
    let decision = policy.decide(&space.task(0, cell));
    let within = |set| diagrams.contains(set, cell);
    let text = space.attributes_text(cell);
    assert_eq!(
        within(table.approval),
        decision.boundary == Boundary::Approval,
        "{text}"
    );
    let rule = table.decides.iter().position(|set| within(*set));
    assert_eq!(rule, decision.rule.map(usize::from), "{text}");
    assert_eq!(within(table.no_rule), decision.rule.is_none(), "{text}");
    let execution = |wanted| decision.execution() == Some(wanted);
    assert_eq!(
        within(table.background),
        execution(Execution::Background),
        "{text}"
    );
    assert_eq!(
        within(table.interactive),
        execution(Execution::Interactive),
        "{text}"
    );
    let class = Class::ALL.into_iter().zip(table.classes.classes);
    let class: Vec<_> = class
        .filter(|(_, set)| within(*set))
        .map(|(class, _)| class)
        .collect();
    assert_eq!(class.first().copied(), decision.class, "{text}");
    assert!(class.len() <= 1, "{text}");
    for (permits, wanted) in [
        (table.classes.permits_interactive, Execution::Interactive),
        (table.classes.permits_background, Execution::Background),
    ] {
        assert_eq!(within(permits), decision.permitted.contains(wanted), "{text}");
    }
    assert_eq!(
        within(table.classes.permits_refusal),
        decision.permitted.refusal(),
        "{text}"
    );
    let broken = decision
        .findings
        .contains(lanebench::policy::Finding::AssumptionBroken);
    assert_eq!(within(table.impossible), broken, "{text}");
}

#[test]
fn the_table_says_of_every_cell_what_a_decision_says() {
    for policy in [three_lane(), policy(NUMBERS)] {
        for reach in [Reach::Whole, Reach::ThreeValued, Reach::Known] {
            let space = Space::of(&[&policy], reach);
            let (diagrams, table) = table(&space, &policy);
            let cells = space.cells().unwrap();
            // A step that shares no factor with the cells meets every value of every axis.
            let step = (cells / 3_000).max(1) | 1;
            for number in (0..cells).step_by(step as usize) {
                let cell = space.cell(number);
                assert_eq!(space.number(&cell), Some(number));
                check_cell(&policy, &space, &diagrams, &table, &cell);
            }
        }
    }
}

#[test]
fn an_axis_has_each_constant_with_one_unit_either_side() {
    let policy = policy(NUMBERS);
    let space = Space::of(&[&policy], Reach::Whole);
    let values = |name: &str| {
        let axis = space.axes().iter().find(|axis| axis.name() == name)?;
        Some(
            axis.values()
                .iter()
                .map(AxisValue::text)
                .collect::<Vec<_>>()
                .join(" "),
        )
    };
    let expected = "unknown 29s999ms999us 30s 30s1us 59m59s999ms999us 1h 1h1us";
    assert_eq!(values("expected_duration").as_deref(), Some(expected));
    assert_eq!(values("plan").as_deref(), Some("unknown free team"));
    assert_eq!(values("unread"), None, "what no condition names is no axis");
}

#[test]
fn two_policies_share_the_axes_they_agree_on() {
    let (new, old) = (
        policy(NUMBERS),
        policy(
            &NUMBERS
                .replace("night_shift: bool", "night_shift: count")
                .replace("night_shift", "shift")
                .replace("[free, team]", "[team, solo]")
                .replace("== free", "== solo")
                .replace("!= free", "!= solo")
                .replace("and shift", "and shift > 3")
                .replace("shift or", "shift > 3 or")
                .replace("1h", "2h"),
        ),
    );
    let space = Space::of(&[&old, &new], Reach::ThreeValued);
    let axis = |name: &str| space.axes().iter().find(|axis| axis.name() == name).unwrap();
    assert_eq!(axis("plan").values().len(), 4, "unknown and three words");
    assert_eq!(axis("expected_duration").values().len(), 10);
    assert_eq!(axis("night_shift").attribute(0), None);
    assert!(axis("shift").attribute(0).is_some());
    let solo = axis("plan").place_of(&AxisValue::Word("solo".into())).unwrap();
    let seen = |index| axis("plan").given(index, solo).unwrap().value;
    assert_ne!(
        seen(0),
        seen(1),
        "a word that a policy does not know is unknown to it"
    );
}

#[test]
fn the_least_cell_of_a_set_says_no_more_than_it_must() {
    let policy = three_lane();
    let space = Space::of(&[&policy], Reach::Whole);
    let (diagrams, table) = table(&space, &policy);
    let least = diagrams.least(table.background).unwrap();
    assert_eq!(
        space.attributes_text(&least),
        "{ value_after_session: true, multi_step_or_slow: true, can_show_status: true, can_show_retry: true, \
         can_retrieve_result: true }"
    );
    for axis in 0..space.axes().len() {
        let mut less = least.clone();
        less.0[axis] = 0;
        assert!(less == least || !diagrams.contains(table.background, &less));
    }
    assert_eq!(diagrams.least(diagrams.none()), None);
}

#[test]
fn boxes_are_disjoint_and_make_up_the_set() {
    let policy = policy(NUMBERS);
    let space = Space::of(&[&policy], Reach::Known);
    let (diagrams, table) = table(&space, &policy);
    let boxes = diagrams.boxes(table.background, 10_000).unwrap();
    let sizes = boxes
        .iter()
        .map(|places| places.iter().map(|axis| axis.len() as u128).product::<u128>());
    assert_eq!(Some(sizes.sum()), diagrams.count(table.background));
    assert_eq!(diagrams.boxes(table.background, 1), None, "more than the most");
}

#[test]
fn bitmaps_and_diagrams_are_the_same_sets() {
    for policy in [three_lane(), policy(NUMBERS)] {
        let space = Space::of(&[&policy], Reach::Known);
        let (diagrams, table) = table(&space, &policy);
        let mut bitmaps = Bitmaps::new(&space);
        let mut counts = [0; 3];
        let mut least: Option<Cell> = None;
        for block in 0..bitmaps.blocks().unwrap() {
            bitmaps.turn_to(block);
            let bits = Table::read(&space, 0, &policy, None, &mut bitmaps);
            let sets = [&bits.background, &bits.approval, &bits.impossible];
            for (count, set) in counts.iter_mut().zip(sets) {
                *count += u128::from(bitmaps.count(set));
            }
            let found = bitmaps.least(&bits.background, 99).map(|(_, cell)| cell);
            least = found.into_iter().chain(least).min_by_key(|cell| space.rank(cell));
        }
        let expected = [table.background, table.approval, table.impossible];
        assert_eq!(counts.map(Some), expected.map(|set| diagrams.count(set)));
        assert_eq!(least, diagrams.least(table.background));
    }
}

#[test]
fn a_bound_that_is_met_is_said() {
    let policy = three_lane();
    let space = Space::of(&[&policy], Reach::Whole);
    let mut diagrams = Diagrams::bounded(&space, 20);
    Table::read(&space, 0, &policy, None, &mut diagrams);
    assert!(diagrams.exhausted() && diagrams.nodes() <= 20);
}

#[test]
fn a_cell_written_down_is_read_back_as_its_task() {
    let policy = policy(NUMBERS);
    let space = Space::of(&[&policy], Reach::Whole);
    let cells = space.cells().unwrap();
    for number in (0..cells).step_by((cells / 300) as usize | 1) {
        let cell = space.cell(number);
        let text = space.attributes_text(&cell);
        let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
        let tree = read(&mut sources, "task.yaml", text.as_bytes(), &mut out).unwrap();
        let given =
            decode_attributes(policy.vocabulary(), &tree, &mut out).unwrap_or_else(|| panic!("{text}"));
        let mut task = lanebench::policy::Task::new();
        task.set_all(&given);
        assert_eq!(task, space.task(0, &cell), "{text}");
    }
    assert_eq!(space.task_line(&space.cell(0), "w"), "- { id: w, kind: any }");
    let first = space.task_yaml(&space.cell(0), "witness", "anything");
    assert_eq!(first, "  - id: witness\n    kind: anything\n    attributes: {}\n");
}
