//! How many tasks went where.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::FixedState;

use crate::policy::decide::Decision;
use crate::policy::finding::Finding;
use crate::policy::lane::Lane;

/// More kinds than this are counted together.
const KINDS_MAX: usize = 1_000;
/// How the kinds over the limit are called.
const OTHERS: &str = "(others)";

/// How many tasks each lane got, and how many were refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LaneCounts {
    lanes: [u64; Lane::ALL.len()],
    /// Tasks that were not taken.
    pub refused: u64,
}

impl LaneCounts {
    /// Tasks that were not taken, and no others.
    #[must_use]
    pub fn only_refused(refused: u64) -> Self {
        Self {
            refused,
            ..Self::default()
        }
    }

    /// The tasks of one lane.
    #[must_use]
    pub const fn of(&self, lane: Lane) -> u64 {
        self.lanes[lane as usize]
    }

    /// All tasks.
    #[must_use]
    pub fn all(&self) -> u64 {
        self.lanes.iter().sum::<u64>() + self.refused
    }

    fn add(&mut self, lane: Option<Lane>, count: u64) {
        match lane {
            Some(lane) => self.lanes[lane as usize] += count,
            None => self.refused += count,
        }
    }
}

/// So many tasks, and the first row that is one of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// How many.
    pub tasks: u64,
    /// The first of them, by its number from 1.
    pub first_row: u64,
}

impl Count {
    fn add(&mut self, other: Self) {
        self.first_row = match self.tasks {
            0 => other.first_row,
            _ => self.first_row.min(other.first_row),
        };
        self.tasks += other.tasks;
    }
}

/// The census of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    /// By lane.
    pub lanes: LaneCounts,
    /// By rule, in the order of the policy; rules that decided nothing are there too.
    pub rules: Vec<(String, LaneCounts)>,
    /// Tasks that no rule decided.
    pub no_rule: u64,
    /// By kind, in the order of their names; empty without a column for it.
    pub kinds: Vec<(String, LaneCounts)>,
    /// By finding and rule, the worst first; the rule is its place in the policy.
    pub findings: BTreeMap<(Finding, Option<u16>), Count>,
}

impl Census {
    pub(super) fn new(rules: Vec<String>) -> Self {
        let rules = rules.into_iter().map(|id| (id, LaneCounts::default())).collect();
        Self {
            rules,
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, decision: &Decision, count: Count) {
        let lane = decision.lane();
        self.lanes.add(lane, count.tasks);
        match decision
            .rule
            .and_then(|rule| self.rules.get_mut(usize::from(rule)))
        {
            Some((_, rule)) => rule.add(lane, count.tasks),
            None => self.no_rule += count.tasks,
        }
        for finding in decision.findings.iter() {
            self.findings
                .entry((finding, decision.rule))
                .or_default()
                .add(count);
        }
    }
}

/// Counts the kinds row by row.
#[derive(Debug, Default)]
pub(super) struct KindCounter {
    places: HashMap<Box<[u8]>, usize, FixedState>,
    counts: Vec<LaneCounts>,
    others: LaneCounts,
}

impl KindCounter {
    pub(super) fn add(&mut self, kind: &[u8], lane: Option<Lane>) {
        if let Some(place) = self.places.get(kind) {
            self.counts[*place].add(lane, 1);
        } else if self.counts.len() < KINDS_MAX {
            self.places.insert(kind.into(), self.counts.len());
            self.counts.push(LaneCounts::default());
            self.add(kind, lane);
        } else {
            self.others.add(lane, 1);
        }
    }

    pub(super) fn sorted(&self) -> Vec<(String, LaneCounts)> {
        let named = self
            .places
            .iter()
            .map(|(kind, place)| (String::from_utf8_lossy(kind).into_owned(), self.counts[*place]));
        let mut all: Vec<_> = named.collect();
        all.sort_by(|one, other| one.0.cmp(&other.0));
        if self.others != LaneCounts::default() {
            all.push((OTHERS.to_owned(), self.others));
        }
        all
    }
}
