//! The language of conditions, against a naive reading of it.

use lanebench::policy::{
    Attribute, AttributeId, Boundary, Execution, Given, Policy, Source, Task, Truth, Value,
};
use proptest::prelude::*;

use super::{policy, three_lane};

/// A condition as a tree of plain parts. `Minutes` compares the declared duration.
#[derive(Debug, Clone)]
pub(super) enum Tree {
    Constant(bool),
    Named(usize),
    Minutes(&'static str, u64),
    Not(Box<Tree>),
    And(Vec<Tree>),
    Or(Vec<Tree>),
}

/// What is known: the built-in attributes by index, and the declared duration in minutes.
#[derive(Debug, Clone)]
struct World {
    attributes: Vec<Option<bool>>,
    minutes: Option<u64>,
}

impl Tree {
    pub(super) fn text(&self) -> String {
        match self {
            Self::Constant(holds) => if *holds { "always" } else { "never" }.to_owned(),
            Self::Named(index) => Attribute::ALL[*index].word().to_owned(),
            Self::Minutes(symbol, minutes) => format!("expected_duration {symbol} {minutes}m"),
            Self::Not(inner) => format!("not ({})", inner.text()),
            Self::And(parts) => Self::joined(parts, " and "),
            Self::Or(parts) => Self::joined(parts, " or "),
        }
    }

    fn joined(parts: &[Self], between: &str) -> String {
        parts
            .iter()
            .map(|part| format!("({})", part.text()))
            .collect::<Vec<_>>()
            .join(between)
    }

    /// By the definition: what every completion of the unknown parts agrees on, part by part.
    fn truth(&self, world: &World) -> Option<bool> {
        match self {
            Self::Constant(holds) => Some(*holds),
            Self::Named(index) => world.attributes[*index],
            Self::Minutes(symbol, than) => world.minutes.map(|minutes| match *symbol {
                "==" => minutes == *than,
                "!=" => minutes != *than,
                "<" => minutes < *than,
                "<=" => minutes <= *than,
                ">" => minutes > *than,
                _ => minutes >= *than,
            }),
            Self::Not(inner) => inner.truth(world).map(|truth| !truth),
            Self::And(parts) => fold(parts.iter().map(|part| part.truth(world)), false),
            Self::Or(parts) => fold(parts.iter().map(|part| part.truth(world)), true),
        }
    }
}

/// `decisive` if one part is, its contrary if all are, else unknown.
fn fold(mut parts: impl Iterator<Item = Option<bool>> + Clone, decisive: bool) -> Option<bool> {
    if parts.clone().any(|part| part == Some(decisive)) {
        return Some(decisive);
    }
    parts.all(|part| part == Some(!decisive)).then_some(!decisive)
}

pub(super) fn trees() -> impl Strategy<Value = Tree> {
    let symbols = prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="]);
    let leaf = prop_oneof![
        8 => (0..Attribute::ALL.len()).prop_map(Tree::Named),
        2 => (symbols, 0..4_u64).prop_map(|(symbol, minutes)| Tree::Minutes(symbol, minutes)),
        1 => any::<bool>().prop_map(Tree::Constant),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|tree| Tree::Not(Box::new(tree))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Tree::And),
            prop::collection::vec(inner, 2..4).prop_map(Tree::Or),
        ]
    })
}

fn truths() -> impl Strategy<Value = Option<bool>> {
    prop_oneof![Just(None), Just(Some(false)), Just(Some(true))]
}

fn worlds() -> impl Strategy<Value = World> {
    let attributes = prop::collection::vec(truths(), Attribute::ALL.len());
    (attributes, prop::option::of(0..4_u64)).prop_map(|(attributes, minutes)| World { attributes, minutes })
}

/// The same world with some of what is unknown filled in.
fn filled(world: &World, with: &World) -> World {
    let pairs = world.attributes.iter().zip(&with.attributes);
    let attributes = pairs.map(|(known, more)| known.or(*more)).collect();
    World {
        attributes,
        minutes: world.minutes.or(with.minutes),
    }
}

fn task(policy: &Policy, world: &World) -> Task {
    let mut task = Task::new();
    for (attribute, truth) in Attribute::ALL.into_iter().zip(&world.attributes) {
        task = task.with(attribute, truth.map_or(Truth::Unknown, Truth::from));
    }
    if let Some(attribute @ AttributeId::Number(_)) = policy.vocabulary().attribute("expected_duration") {
        let value = Value::Number(world.minutes.map(|minutes| minutes * 60_000_000));
        task.set(Given {
            attribute,
            value,
            source: Source::Predicted,
        });
    }
    task
}

/// A policy that shows the truth of a condition: a rule matches where it is true, and the boundary is none where it
/// is false. The condition reaches both directly and through a fact.
fn revealing(condition: &str) -> Policy {
    policy(&format!(
        "policy: p\nattributes: {{ expected_duration: duration }}\nfacts: {{ asked: '{condition}' }}\n\
         boundary: {{ approval_when: '{condition}' }}\nrules:\n  - {{ id: r, when: asked, execution: background }}\n"
    ))
}

fn revealed(policy: &Policy, world: &World) -> Option<bool> {
    let decision = policy.decide(&task(policy, world));
    match (decision.execution(), decision.boundary) {
        (Some(_), Boundary::Approval) => Some(true),
        (None, Boundary::None) => Some(false),
        (None, Boundary::Approval) => None,
        (Some(_), Boundary::None) => panic!("true in a rule and false in the boundary"),
    }
}

proptest! {
    #[test]
    fn a_compiled_condition_is_what_it_says(tree in trees(), world in worlds()) {
        prop_assert_eq!(revealed(&revealing(&tree.text()), &world), tree.truth(&world));
    }

    #[test]
    fn the_canonical_form_means_and_reads_the_same(tree in trees()) {
        let first = revealing(&tree.text());
        let canonical = first.approval_when().write(first.vocabulary());
        let second = revealing(&canonical);
        prop_assert_eq!(first.approval_when(), second.approval_when());
        prop_assert_eq!(first.hash(), second.hash());
    }

    #[test]
    fn to_know_more_never_changes_what_was_known(tree in trees(), world in worlds(), more in worlds()) {
        let policy = revealing(&tree.text());
        if let Some(truth) = revealed(&policy, &world) {
            prop_assert_eq!(revealed(&policy, &filled(&world, &more)), Some(truth));
        }
    }

    /// Where a policy needs no approval on what is known, no completion needs it either.
    #[test]
    fn an_unknown_never_avoids_the_boundary(tree in trees(), world in worlds(), more in worlds()) {
        let policy = revealing(&tree.text());
        let boundary = |world: &World| policy.decide(&task(&policy, world)).boundary;
        prop_assert!(boundary(&world) >= boundary(&filled(&world, &more)));
    }

    #[test]
    fn an_unknown_never_widens_what_three_lane_permits(world in worlds(), more in worlds()) {
        let policy = three_lane();
        let less = policy.decide(&task(&policy, &world));
        let full = policy.decide(&task(&policy, &filled(&world, &more)));
        prop_assert!(!less.background_permitted() || full.background_permitted());
        if less.gates.any_unknown() {
            prop_assert_eq!(less.execution(), Some(Execution::Interactive));
        }
        prop_assert!(less.boundary >= full.boundary);
    }

    #[test]
    fn no_text_makes_the_reader_of_conditions_fail_otherwise_than_by_saying_so(text in "[a-z_ ()&|!<>=0-9.é-]{0,60}") {
        let vocabulary = lanebench::policy::Vocabulary::built_in();
        if let Err(mistakes) = lanebench::policy::read_condition(&text, &vocabulary) {
            for mistake in mistakes {
                prop_assert!(text.get(mistake.range).is_some());
            }
        }
    }
}
