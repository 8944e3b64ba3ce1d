//! Two policies side by side over their common space.

use std::collections::BTreeMap;

use crate::policy::checked::Policy;
use crate::policy::decide::Decision;
use crate::policy::lane::Boundary;
use crate::policy::space::{Algebra, Cell, Diagrams, Reach, Set, Space, Table};

use super::direction::{Answer, Direction, Going};

/// The place of the old policy in the space.
pub(super) const OLD: usize = 0;
/// The place of the new policy in the space.
pub(super) const NEW: usize = 1;

/// The policies are too large to be compared exactly within the bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the policies are too large to be compared exactly: more than {0} nodes")]
pub struct TooLarge(pub usize);

/// The rules that decide the cells of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RulePair {
    /// The rule of the old policy, by its place; none if no rule decides.
    pub old: Option<u16>,
    /// The rule of the new policy.
    pub new: Option<u16>,
    /// How many cells they decide; none if that is beyond 128 bits.
    pub cells: Option<u128>,
}

/// Changed cells with one old and one new answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What the old policy answers.
    pub old: Answer,
    /// What the new policy answers.
    pub new: Answer,
    /// How many cells there are; none if that is beyond 128 bits.
    pub cells: Option<u128>,
    /// The cell that says the least.
    pub witness: Cell,
    /// Who decides, the most cells first.
    pub rules: Vec<RulePair>,
    pub(super) set: Set,
}

impl Group {
    /// Which way the execution changes.
    #[must_use]
    pub const fn execution(&self) -> Direction {
        Direction::of_execution(self.old.going, self.new.going)
    }

    /// Which way the boundary changes.
    #[must_use]
    pub const fn boundary(&self) -> Direction {
        Direction::of_boundary(self.old.boundary, self.new.boundary)
    }
}

/// An attribute that only one of the policies reads or knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absent {
    /// Its name.
    pub attribute: String,
    /// Whether the old policy is the one that knows it.
    pub known_to_old: bool,
    /// Whether the other policy has another attribute of that name.
    pub other_type: bool,
}

/// The difference of two policies.
#[derive(Debug)]
pub struct PolicyDiff<'p> {
    /// The old policy and the new one.
    pub policies: [&'p Policy; 2],
    /// Their common space.
    pub space: Space,
    /// Everything that changes, by answer.
    pub groups: Vec<Group>,
    /// All cells but the impossible ones.
    pub cells: Option<u128>,
    /// Cells that both policies take to be impossible, and that are not compared.
    pub impossible: Option<u128>,
    /// The changed ones.
    pub changed: Option<u128>,
    /// Attributes that only one of them knows.
    pub absent: Vec<Absent>,
    pub(super) diagrams: Diagrams,
    /// Cells whose boundary was approval and is none.
    pub(super) loosened: Set,
    pub(super) ruled_out: Set,
}

impl<'p> PolicyDiff<'p> {
    /// Compares two policies over every task there can be.
    ///
    /// # Errors
    /// [`TooLarge`] if that takes more room than there is; nothing is said then.
    pub fn of(old: &'p Policy, new: &'p Policy) -> Result<Self, TooLarge> {
        Self::within(old, new, Diagrams::NODES_MAX)
    }

    /// Compares two policies with so many nodes at most.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub fn within(old: &'p Policy, new: &'p Policy, nodes_max: usize) -> Result<Self, TooLarge> {
        let policies = [old, new];
        let space = Space::of(&policies, Reach::Whole);
        let mut diagrams = Diagrams::bounded(&space, nodes_max);
        let tables = [OLD, NEW].map(|index| Table::read(&space, index, policies[index], None, &mut diagrams));
        let ruled_out = diagrams.and(&tables[OLD].impossible, &tables[NEW].impossible);
        let possible = diagrams.not(&ruled_out);
        let answers = [OLD, NEW].map(|index| answers(&tables[index], &possible, &mut diagrams));
        let mut groups = Vec::new();
        for (was, before) in &answers[OLD] {
            for (is, after) in answers[NEW].iter().filter(|(is, _)| is != was) {
                let set = diagrams.and(before, after);
                if let Some(witness) = diagrams.least(set) {
                    groups.push(Group {
                        old: *was,
                        new: *is,
                        cells: diagrams.count(set),
                        witness,
                        rules: pairs(&tables, set, &mut diagrams),
                        set,
                    });
                }
            }
        }
        let dropped = diagrams.minus(&tables[OLD].approval, &tables[NEW].approval);
        let loosened = diagrams.and(&dropped, &possible);
        if diagrams.exhausted() {
            return Err(TooLarge(nodes_max));
        }
        // What loosens comes first, then by size.
        groups.sort_by_key(|group| {
            let loosens = group.boundary() == Direction::Loosens;
            (!loosens, std::cmp::Reverse(group.cells.unwrap_or(u128::MAX)))
        });
        let mut counts = groups.iter().map(|group| group.cells);
        let changed = counts.try_fold(0_u128, |sum, cells| sum.checked_add(cells?));
        Ok(Self {
            policies,
            absent: absent(&space),
            groups,
            cells: diagrams.count(possible),
            impossible: diagrams.count(ruled_out),
            changed,
            diagrams,
            loosened,
            ruled_out,
            space,
        })
    }

    /// The group that a cell stands in; none if nothing changes there, or if it is impossible.
    #[must_use]
    pub fn group_of(&self, cell: &Cell) -> Option<&Group> {
        self.groups
            .iter()
            .find(|group| self.diagrams.contains(group.set, cell))
    }

    /// Which way the execution changes over all cells.
    #[must_use]
    pub fn execution(&self) -> Direction {
        let groups = self.groups.iter().map(Group::execution);
        groups.fold(Direction::Same, Direction::with)
    }

    /// Which way the boundary changes over all cells.
    #[must_use]
    pub fn boundary(&self) -> Direction {
        let groups = self.groups.iter().map(Group::boundary);
        groups.fold(Direction::Same, Direction::with)
    }
}

/// The possible cells of each answer.
fn answers(table: &Table<Set>, possible: &Set, diagrams: &mut Diagrams) -> Vec<(Answer, Set)> {
    let refused = diagrams.or(&table.refused, &table.no_rule);
    let mut all = Vec::new();
    for answer in Answer::all() {
        let going = match answer.going {
            Going::Interactive => &table.interactive,
            Going::Background => &table.background,
            Going::Refused => &refused,
        };
        let set = match answer.boundary {
            Boundary::Approval => diagrams.and(going, &table.approval),
            Boundary::None => diagrams.minus(going, &table.approval),
        };
        all.push((answer, diagrams.and(&set, possible)));
    }
    all
}

/// Which rules decide the cells of a set, before and after.
fn pairs(tables: &[Table<Set>; 2], set: Set, diagrams: &mut Diagrams) -> Vec<RulePair> {
    let mut pairs = Vec::new();
    for (old, before) in deciders(&tables[OLD]) {
        let here = diagrams.and(&set, &before);
        if diagrams.is_empty(&here) {
            continue;
        }
        for (new, after) in deciders(&tables[NEW]) {
            let both = diagrams.and(&here, &after);
            if !diagrams.is_empty(&both) {
                let cells = diagrams.count(both);
                pairs.push(RulePair { old, new, cells });
            }
        }
    }
    pairs.sort_by_key(|pair| std::cmp::Reverse(pair.cells.unwrap_or(u128::MAX)));
    pairs
}

/// The cells that each rule decides, and those that none does.
fn deciders(table: &Table<Set>) -> Vec<(Option<u16>, Set)> {
    let rules = table.decides.iter().enumerate();
    let rules = rules.map(|(index, set)| (u16::try_from(index).ok(), *set));
    rules.chain([(None, table.no_rule)]).collect()
}

fn absent(space: &Space) -> Vec<Absent> {
    let axes = space.axes();
    let known = |axis: usize, policy| axes[axis].attribute(policy).is_some();
    let lone = (0..axes.len()).filter(|axis| known(*axis, OLD) != known(*axis, NEW));
    lone.map(|axis| {
        let twin = axes
            .iter()
            .enumerate()
            .any(|(other, twin)| other != axis && twin.name() == axes[axis].name());
        Absent {
            attribute: axes[axis].name().to_owned(),
            known_to_old: known(axis, OLD),
            other_type: twin,
        }
    })
    .collect()
}

/// How many tasks of a workload change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Workload {
    /// All tasks that could be read.
    pub tasks: u64,
    /// Rows that could not.
    pub broken: u64,
    /// By old and new answer where they differ: how many, and the first row.
    pub changed: BTreeMap<(Answer, Answer), (u64, u64)>,
}

impl Workload {
    /// Counts one task.
    pub fn add(&mut self, row: u64, old: &Decision, new: &Decision) {
        self.tasks += 1;
        let answers = (Answer::of(old), Answer::of(new));
        if answers.0 != answers.1 {
            self.changed.entry(answers).or_insert((0, row)).0 += 1;
        }
    }

    /// The tasks that change.
    #[must_use]
    pub fn affected(&self) -> u64 {
        self.changed.values().map(|(tasks, _)| tasks).sum()
    }

    /// The tasks whose boundary is loosened.
    #[must_use]
    pub fn loosened(&self) -> u64 {
        let loosens = |(old, new): &(Answer, Answer)| {
            Direction::of_boundary(old.boundary, new.boundary) == Direction::Loosens
        };
        let changed = self.changed.iter().filter(|(answers, _)| loosens(answers));
        changed.map(|(_, (tasks, _))| tasks).sum()
    }
}
