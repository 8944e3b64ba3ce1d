//! The census of a registry of kinds: which rule decides each, and which attributes nobody supplies.

use crate::policy::attribute::Attribute;
use crate::policy::checked::Policy;
use crate::policy::lane::Lane;
use crate::policy::space::{Algebra, AxisValue, Diagrams, Reach, Set, Space, Table};
use crate::policy::task::Task;

/// One kind of a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindRow {
    /// Its name.
    pub kind: String,
    /// Its lane as it is declared; none if it is refused.
    pub lane: Option<Lane>,
    /// The rule that decides it as it is declared, by its place in the policy.
    pub rule: Option<usize>,
    /// Every rule that could decide it, were what is unknown about it known.
    pub rules: Vec<usize>,
    /// Whether some task of the kind could be decided by no rule.
    pub gap: bool,
    /// The attributes that a condition of the policy or a gate asks for and that the kind does not supply.
    pub unsupplied: Vec<String>,
}

impl KindRow {
    /// Whether one rule decides every task of the kind and nothing is missing.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.rules.len() == 1 && !self.gap && self.unsupplied.is_empty()
    }
}

/// A registry under a policy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Census {
    /// Each kind, in the order given.
    pub kinds: Vec<KindRow>,
    /// The attributes that are asked for and that no kind supplies.
    pub nobody_supplies: Vec<String>,
}

/// Takes the census of `kinds`; none if the bound on memory was met.
#[must_use]
pub fn census<'k>(policy: &Policy, kinds: impl IntoIterator<Item = (&'k str, &'k Task)>) -> Option<Census> {
    let space = Space::of(&[policy], Reach::Whole);
    let mut diagrams = Diagrams::new(&space);
    let table = Table::read(&space, 0, policy, None, &mut diagrams);
    let asked: Vec<usize> = (0..space.axes().len())
        .filter(|axis| is_asked(policy, &space, *axis))
        .collect();
    let mut census = Census::default();
    let mut missing: Option<Vec<usize>> = None;
    for (name, task) in kinds {
        let without: Vec<usize> = asked
            .iter()
            .copied()
            .filter(|axis| space.place_of(*axis, task).is_none())
            .collect();
        let of_kind = tasks_of(&space, task, &mut diagrams);
        let of_kind = diagrams.minus(&of_kind, &table.impossible);
        let meets = |diagrams: &mut Diagrams, set: &Set| {
            let both = diagrams.and(&of_kind, set);
            !diagrams.is_empty(&both)
        };
        let rules = table.decides.iter().enumerate();
        let rules = rules
            .filter(|(_, set)| meets(&mut diagrams, set))
            .map(|(rule, _)| rule);
        let rules = rules.collect();
        let gap = meets(&mut diagrams, &table.no_rule);
        let decision = policy.decide(task);
        census.kinds.push(KindRow {
            kind: name.to_owned(),
            lane: decision.lane(),
            rule: decision.rule.map(usize::from),
            rules,
            gap,
            unsupplied: names(&space, &without),
        });
        missing = Some(match missing {
            None => without,
            Some(all) => all.into_iter().filter(|axis| without.contains(axis)).collect(),
        });
    }
    census.nobody_supplies = names(&space, &missing.unwrap_or_default());
    (!diagrams.exhausted()).then_some(census)
}

fn names(space: &Space, axes: &[usize]) -> Vec<String> {
    axes.iter()
        .map(|axis| space.axes()[*axis].name().to_owned())
        .collect()
}

/// Whether a condition reads the attribute, or the reading does: a gate, or what an effect is.
fn is_asked(policy: &Policy, space: &Space, axis: usize) -> bool {
    let axis = &space.axes()[axis];
    let gate = [
        Attribute::ValueAfterSession,
        Attribute::MultiStepOrSlow,
        Attribute::ReviewBeforeDelivery,
        Attribute::CanShowStatus,
        Attribute::CanShowRetry,
        Attribute::CanRetrieveResult,
    ];
    let effects = Attribute::EFFECTS.into_iter().chain(Attribute::UMBRELLAS);
    let built_in = axis.built_in();
    built_in.is_some_and(|known| gate.contains(&known) || effects.clone().any(|effect| effect == known))
        || axis.attribute(0).is_some_and(|attribute| policy.reads(attribute))
}

/// Every task with the attributes of a kind: what it does not supply may be anything.
fn tasks_of(space: &Space, task: &Task, diagrams: &mut Diagrams) -> Set {
    let mut tasks = diagrams.all();
    for (axis, own) in space.axes().iter().enumerate() {
        let values = own.values();
        let wanted = space.place_of(axis, task);
        let places: Vec<bool> = match wanted {
            Some(wanted) => (0..values.len()).map(|place| place == wanted).collect(),
            None => values.iter().map(|value| *value != AxisValue::Unknown).collect(),
        };
        let having = diagrams.having(axis, &places);
        tasks = diagrams.and(&tasks, &having);
    }
    tasks
}
