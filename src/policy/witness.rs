//! Witnesses: a few tasks that pin a policy down, so that every single edit that changes a decision changes that of
//! one of them.
//!
//! The set of cells on which an edit decides otherwise is exact, whatever the size of the space. An edit whose set is
//! empty is silent: no task could catch it, and it does not count. Edits whose sets have no cell in common need a
//! witness each, so the largest family of such edits that is found is a lower bound of the number of witnesses.
//!
//! Invariant: what a witness catches is decided by the two policies themselves, not by the sets.

use std::collections::BTreeMap;

use super::checked::Policy;
use super::decide::{Decision, Refusal};
use super::draft::Answer;
use super::edit::{Edit, EditSort};
use super::lane::{Boundary, Execution};
use super::space::{Algebra, Cell, Diagrams, Reach, Set, Space, Table};
use super::task::Task;

/// What a run shows of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Observed<'p> {
    /// The task is carried out.
    Placed {
        /// How.
        execution: Execution,
        /// What stands before its effects.
        boundary: Boundary,
        /// The rule that decided.
        rule: &'p str,
    },
    /// The task is refused in these words.
    Refused(&'p str),
}

/// A task of the suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// The cell of the space that it is.
    pub cell: Cell,
    /// The task.
    pub task: Task,
    /// The edits that it catches, by their places in [`WitnessSuite::edits`].
    pub catches: Vec<usize>,
}

/// Tasks that pin a policy down, and how well.
#[derive(Debug, Clone)]
pub struct WitnessSuite {
    /// The space of the policy and its edits.
    pub space: Space,
    /// The edits that change a decision.
    pub edits: Vec<Edit>,
    /// The edits that change none.
    pub silent: Vec<Edit>,
    /// The tasks, in the order of the rules that decide them.
    pub witnesses: Vec<Witness>,
    /// No suite has fewer tasks: so many edits have no cell in common with each other.
    pub at_least: usize,
}

/// Why there is no suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WitnessError {
    /// The sets of cells grow beyond what is kept in memory.
    #[error(
        "the policy is too entangled: its cells need more than {} nodes",
        Diagrams::NODES_MAX
    )]
    TooEntangled,
}

/// The edits of one sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EditCount {
    /// Which.
    pub sort: EditSort,
    /// How many change a decision.
    pub edits: usize,
    /// How many of those some witness catches.
    pub caught: usize,
    /// How many change none.
    pub silent: usize,
}

impl WitnessSuite {
    /// How many of the edits that change a decision some witness catches.
    #[must_use]
    pub fn caught(&self) -> usize {
        self.census().iter().map(|count| count.caught).sum()
    }

    /// The edits by sort.
    #[must_use]
    pub fn census(&self) -> Vec<EditCount> {
        let mut caught = vec![false; self.edits.len()];
        for edit in self.witnesses.iter().flat_map(|witness| &witness.catches) {
            caught[*edit] = true;
        }
        let count = |sort| {
            let loud = self.edits.iter().zip(&caught);
            let loud = loud.filter(|(edit, _)| edit.sort == sort);
            EditCount {
                sort,
                edits: loud.clone().count(),
                caught: loud.filter(|(_, caught)| **caught).count(),
                silent: self.silent.iter().filter(|edit| edit.sort == sort).count(),
            }
        };
        let all = EditSort::ALL.into_iter().map(count);
        all.filter(|count| count.edits + count.silent > 0).collect()
    }
}

impl Policy {
    /// What a run shows of this policy's decision about a task.
    #[must_use]
    pub fn observed(&self, task: &Task) -> Observed<'_> {
        self.shown(&self.decide(task))
    }

    fn shown(&self, decision: &Decision) -> Observed<'_> {
        match decision.rule_of(self) {
            None => Observed::Refused(Refusal::NO_RULE),
            Some(rule) => match &rule.answer {
                Answer::Refuse(reason) => Observed::Refused(reason),
                Answer::Execute(execution) => Observed::Placed {
                    execution: *execution,
                    boundary: decision.boundary,
                    rule: &rule.id,
                },
            },
        }
    }

    /// A small suite of tasks that catches every single edit that changes a decision.
    ///
    /// # Errors
    /// [`WitnessError`] if the sets of cells grow beyond what is kept in memory.
    pub fn witnesses(&self) -> Result<WitnessSuite, WitnessError> {
        let edits = self.edits();
        let space = Space::of(&shifted(self, &edits), Reach::Whole);
        let mut diagrams = Diagrams::new(&space);
        let differences = differences(self, &edits, &space, &mut diagrams)?;
        let (loud, silent): (Vec<_>, Vec<_>) = edits
            .into_iter()
            .zip(differences)
            .partition(|(_, set)| !diagrams.is_empty(set));
        let (edits, sets): (Vec<Edit>, Vec<Set>) = loud.into_iter().unzip();
        let mut cover = Cover::new(&mut diagrams, &space, &sets);
        cover.settle();
        let (cells, at_least) = cover.finish();
        if diagrams.exhausted() {
            return Err(WitnessError::TooEntangled);
        }
        let mut witnesses: Vec<Witness> = cells
            .into_iter()
            .map(|cell| witness(self, &edits, &space, cell))
            .collect();
        witnesses.sort_by_key(|witness| {
            let rule = self.decide(&witness.task).rule;
            (rule.unwrap_or(u16::MAX), space.rank(&witness.cell))
        });
        Ok(WitnessSuite {
            silent: silent.into_iter().map(|(edit, _)| edit).collect(),
            space,
            edits,
            witnesses,
            at_least,
        })
    }
}

fn witness(policy: &Policy, edits: &[Edit], space: &Space, cell: Cell) -> Witness {
    let task = space.task(0, &cell);
    let observed = policy.observed(&task);
    let catches = edits.iter().enumerate();
    let catches = catches.filter(|(_, edit)| edit.policy.observed(&task) != observed);
    let catches = catches.map(|(index, _)| index).collect();
    Witness { cell, task, catches }
}

/// The policy and those of its edits that bring new constants, so that the space is cut at all of them.
fn shifted<'p>(policy: &'p Policy, edits: &'p [Edit]) -> Vec<&'p Policy> {
    let shifted = edits.iter().filter(|edit| edit.sort == EditSort::Threshold);
    std::iter::once(policy)
        .chain(shifted.map(|edit| &edit.policy))
        .collect()
}

/// For each edit the cells on which it decides otherwise, without those that the policy takes to be impossible.
fn differences(
    policy: &Policy,
    edits: &[Edit],
    space: &Space,
    diagrams: &mut Diagrams,
) -> Result<Vec<Set>, WitnessError> {
    let table = Table::read(space, 0, policy, None, diagrams);
    let original = by_observation(policy, &table, diagrams);
    let mut sets = Vec::with_capacity(edits.len());
    for edit in edits {
        // An edit has the names of its original, so it reads the space as that does.
        let read = Table::read(space, 0, &edit.policy, None, diagrams);
        let edited = by_observation(&edit.policy, &read, diagrams);
        let mut differs = diagrams.none();
        for (observed, set) in &original {
            let lost = match edited.get(observed) {
                Some(kept) => diagrams.minus(set, kept),
                None => *set,
            };
            differs = diagrams.or(&differs, &lost);
        }
        sets.push(diagrams.minus(&differs, &table.impossible));
        if diagrams.exhausted() {
            return Err(WitnessError::TooEntangled);
        }
    }
    Ok(sets)
}

/// The cells by what a run shows of them; together they are the whole space.
fn by_observation<'p>(
    policy: &'p Policy,
    table: &Table<Set>,
    diagrams: &mut Diagrams,
) -> BTreeMap<Observed<'p>, Set> {
    let mut cells: BTreeMap<Observed<'p>, Set> = BTreeMap::new();
    let mut add = |observed, set: Set, diagrams: &mut Diagrams| {
        let known = cells.entry(observed).or_insert_with(|| diagrams.none());
        *known = diagrams.or(known, &set);
    };
    for (rule, decides) in policy.rules().iter().zip(&table.decides) {
        match &rule.answer {
            Answer::Refuse(reason) => add(Observed::Refused(reason), *decides, diagrams),
            Answer::Execute(execution) => {
                let placed = |boundary| Observed::Placed {
                    execution: *execution,
                    boundary,
                    rule: &rule.id,
                };
                let fenced = diagrams.and(decides, &table.approval);
                let open = diagrams.minus(decides, &table.approval);
                add(placed(Boundary::Approval), fenced, diagrams);
                add(placed(Boundary::None), open, diagrams);
            }
        }
    }
    add(Observed::Refused(Refusal::NO_RULE), table.no_rule, diagrams);
    cells
}

/// Covers sets of cells by few cells.
struct Cover<'d> {
    diagrams: &'d mut Diagrams,
    /// The sets to be hit, each once; the rarest first.
    sets: Vec<Set>,
    /// What is left of the space for each witness: every cell of it hits all the sets that were given to it.
    bins: Vec<Set>,
    /// How many values each axis has.
    sizes: Vec<usize>,
    at_least: usize,
}

impl<'d> Cover<'d> {
    fn new(diagrams: &'d mut Diagrams, space: &Space, all: &[Set]) -> Self {
        let mut sets = all.to_vec();
        sets.sort_unstable();
        sets.dedup();
        sets.sort_by_key(|set| (diagrams.count(*set).unwrap_or(u128::MAX), *set));
        let sets = minimal(diagrams, sets);
        Self {
            diagrams,
            sets,
            bins: Vec::new(),
            sizes: space.axes().iter().map(|axis| axis.values().len()).collect(),
            at_least: 0,
        }
    }

    /// Opens a bin for each set of a family without common cells, then gives every other set to a bin: the set with
    /// the fewest choices first, to the bin of which the most is left.
    fn settle(&mut self) {
        let apart = apart(self.diagrams, &self.sets);
        self.at_least = apart.len();
        self.bins = apart.iter().map(|index| self.sets[*index]).collect();
        let mut open: Vec<(Set, Vec<Option<Set>>)> = Vec::new();
        for (index, set) in self.sets.iter().enumerate() {
            if !apart.contains(&index) {
                let meets = self
                    .bins
                    .iter()
                    .map(|bin| common(self.diagrams, *bin, *set))
                    .collect();
                open.push((*set, meets));
            }
        }
        while let Some(place) = most_pressed(&open) {
            let (set, meets) = open.remove(place);
            let (bin, left) = match self.roomiest(&meets) {
                Some(roomiest) => roomiest,
                None => {
                    self.bins.push(set);
                    (self.bins.len() - 1, set)
                }
            };
            self.bins[bin] = left;
            for (other, meets) in &mut open {
                let meet = common(self.diagrams, left, *other);
                if bin == meets.len() {
                    meets.push(meet);
                } else {
                    meets[bin] = meet;
                }
            }
        }
    }

    /// The bin of which the most is left with the set in it, and what that is.
    fn roomiest(&self, meets: &[Option<Set>]) -> Option<(usize, Set)> {
        let bins = meets.iter().enumerate();
        let bins = bins.filter_map(|(bin, left)| left.map(|left| (bin, left)));
        bins.max_by_key(|(bin, left)| {
            let cells = self.diagrams.count(*left).unwrap_or(u128::MAX);
            (cells, std::cmp::Reverse(*bin))
        })
    }

    /// The cell that says least, but something if possible: a task of which nothing is known tells a reader nothing.
    fn plainest(&mut self, set: Set) -> Option<Cell> {
        let least = self.diagrams.least(set)?;
        if least.0.iter().any(|place| *place != 0) {
            return Some(least);
        }
        let mut silent = self.diagrams.all();
        for (axis, size) in self.sizes.iter().enumerate() {
            let first: Vec<bool> = (0..*size).map(|place| place == 0).collect();
            let first = self.diagrams.having(axis, &first);
            silent = self.diagrams.and(&silent, &first);
        }
        let saying = self.diagrams.minus(&set, &silent);
        self.diagrams.least(saying).or(Some(least))
    }

    /// The lightest cell of every bin, after each was freed of what another one hits as well.
    fn finish(mut self) -> (Vec<Cell>, usize) {
        let mut cells: Vec<Cell> = self
            .bins
            .iter()
            .filter_map(|bin| self.diagrams.least(*bin))
            .collect();
        for index in 0..cells.len() {
            let mut own = self.diagrams.all();
            for set in &self.sets {
                let others = cells.iter().enumerate().filter(|(other, _)| *other != index);
                let mut others = others.map(|(_, cell)| cell);
                if !others.any(|cell| self.diagrams.contains(*set, cell)) {
                    own = self.diagrams.and(&own, set);
                }
            }
            if let Some(cell) = self.plainest(own) {
                cells[index] = cell;
            }
        }
        (cells, self.at_least)
    }
}

/// Without the sets that hold all of another one: whoever hits that hits them.
fn minimal(diagrams: &mut Diagrams, sets: Vec<Set>) -> Vec<Set> {
    let mut kept: Vec<(Set, Cell)> = Vec::new();
    for set in sets {
        let Some(least) = diagrams.least(set) else {
            continue;
        };
        let mut holds = false;
        for (smaller, cell) in &kept {
            // One cell outside settles most pairs without a look at all of them.
            if !holds && diagrams.contains(set, cell) {
                let rest = diagrams.minus(smaller, &set);
                holds = diagrams.is_empty(&rest);
            }
        }
        if !holds {
            kept.push((set, least));
        }
    }
    kept.into_iter().map(|(set, _)| set).collect()
}

/// The cells in both; none if there are none.
fn common(diagrams: &mut Diagrams, one: Set, other: Set) -> Option<Set> {
    let both = diagrams.and(&one, &other);
    (!diagrams.is_empty(&both)).then_some(both)
}

/// The set with the fewest bins left to go to.
fn most_pressed(open: &[(Set, Vec<Option<Set>>)]) -> Option<usize> {
    let choices = |meets: &[Option<Set>]| meets.iter().flatten().count();
    let places = open.iter().enumerate();
    places
        .min_by_key(|(place, (_, meets))| (choices(meets), *place))
        .map(|(place, _)| place)
}

/// A large family of sets of which no two have a cell in common: greedily the one in conflict with the fewest, then
/// one given up for two as long as that helps.
fn apart(diagrams: &mut Diagrams, sets: &[Set]) -> Vec<usize> {
    let mut conflicts = vec![vec![false; sets.len()]; sets.len()];
    for one in 0..sets.len() {
        for other in 0..one {
            let meet = common(diagrams, sets[one], sets[other]).is_some();
            conflicts[one][other] = meet;
            conflicts[other][one] = meet;
        }
    }
    let mut family = greedy(&conflicts);
    while let Some(better) = exchanged(&conflicts, &family) {
        family = better;
    }
    family.sort_unstable();
    family
}

fn greedy(conflicts: &[Vec<bool>]) -> Vec<usize> {
    let mut family = Vec::new();
    let mut free: Vec<usize> = (0..conflicts.len()).collect();
    let degree = |one: usize, free: &[usize]| free.iter().filter(|other| conflicts[one][**other]).count();
    while let Some(one) = free.iter().copied().min_by_key(|one| (degree(*one, &free), *one)) {
        family.push(one);
        free.retain(|other| *other != one && !conflicts[one][*other]);
    }
    family
}

/// The family with one set given up for two others.
fn exchanged(conflicts: &[Vec<bool>], family: &[usize]) -> Option<Vec<usize>> {
    let against = |one: usize| {
        family
            .iter()
            .copied()
            .filter(move |member| conflicts[one][*member])
    };
    for given_up in family {
        let freed: Vec<usize> = (0..conflicts.len())
            .filter(|one| !family.contains(one) && against(*one).all(|member| member == *given_up))
            .collect();
        for (place, one) in freed.iter().enumerate() {
            let Some(other) = freed[place + 1..].iter().find(|other| !conflicts[*one][**other]) else {
                continue;
            };
            let kept = family.iter().copied().filter(|member| member != given_up);
            return Some(kept.chain([*one, *other]).collect());
        }
    }
    None
}
