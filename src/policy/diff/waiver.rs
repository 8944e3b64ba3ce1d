//! Waivers: a loosened boundary that somebody has accepted, for these cells, for a reason, until a day.
//!
//! | key | value |
//! |---|---|
//! | `waiver` | one line for people |
//! | `cells` | a list of entries |
//!
//! | key of an entry | value |
//! |---|---|
//! | `when` | a condition in the names of the new policy: the cells where it holds |
//! | `unless` | a condition in the names of the old policy: but not the cells where that holds; optional |
//! | `accepted_by` | who answers for it |
//! | `because` | why |
//! | `until` | the last day on which it counts, `2027-01-31` |

use crate::policy::attribute::Flag;
use crate::policy::checked::Policy;
use crate::policy::condition::Condition;
use crate::policy::file::condition_of;
use crate::policy::space::{Algebra, Cell, Eyes, Set};
use crate::scenario::decode::{list, map, parsed, string};
use crate::scenario::{Diagnostic, Diagnostics, Node, Span, Spanned};

use super::compare::{Group, NEW, OLD, PolicyDiff};
use super::date::Date;
use super::direction::Direction;

/// A waiver as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    /// One line for people.
    pub title: String,
    /// What it waives.
    pub entries: Vec<WaiverEntry>,
}

/// Cells that somebody answers for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaiverEntry {
    /// The cells where this holds, in the names of the new policy.
    pub when: Spanned<Condition>,
    /// But not where this holds, in the names of the old policy.
    pub unless: Option<Condition>,
    /// Who answers for it.
    pub accepted_by: String,
    /// Why.
    pub because: String,
    /// The last day on which it counts.
    pub until: Spanned<Date>,
}

/// Reads a waiver of the step from `old` to `new`; every mistake goes to `out`.
pub fn decode_waiver(old: &Policy, new: &Policy, node: &Node, out: &mut Diagnostics) -> Option<Waiver> {
    let before = out.errors();
    let mut keys = map(node, out)?;
    let title = keys.required("waiver", string);
    let entries = keys.required("cells", list(|node, out| entry(old, new, node, out)));
    keys.finish();
    let waiver = Waiver {
        title: title?,
        entries: entries?,
    };
    (out.errors() == before).then_some(waiver)
}

fn entry(old: &Policy, new: &Policy, node: &Node, out: &mut Diagnostics) -> Option<WaiverEntry> {
    let mut keys = map(node, out)?;
    let when = keys.required("when", |node, out| {
        condition(new, node, out).map(|condition| Spanned::new(condition, node.mark()))
    });
    let unless = keys.optional("unless", |node, out| condition(old, node, out));
    let accepted_by = keys.required("accepted_by", string);
    let because = keys.required("because", string);
    let until = keys.required("until", |node, out| {
        parsed("a day", str::parse::<Date>)(node, out).map(|day| Spanned::new(day, node.mark()))
    });
    keys.finish();
    Some(WaiverEntry {
        when: when?,
        unless: unless?,
        accepted_by: accepted_by?,
        because: because?,
        until: until?,
    })
}

/// A condition over attributes and over facts that are settled before the boundary.
fn condition(policy: &Policy, node: &Node, out: &mut Diagnostics) -> Option<Condition> {
    match condition_of(policy, node, out) {
        Some(condition) if needs_boundary(policy, &condition) => {
            let error = Diagnostic::error("the condition depends on the boundary that it waives");
            let help = "name attributes, `any_effect`, or facts that do not ask for `effects_fenced`";
            out.push(error.at(node.mark(), "").help(help));
            None
        }
        condition => condition,
    }
}

fn needs_boundary(policy: &Policy, condition: &Condition) -> bool {
    let late = |flag: Flag| {
        let fact = policy.facts().iter().find(|fact| fact.flag == flag);
        flag == Flag::EFFECTS_FENCED || fact.is_some_and(|fact| fact.after_boundary)
    };
    let mut needs = false;
    condition.each_flag(&mut |flag| needs |= late(flag));
    needs
}

/// What a waiver is worth.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WaiverVerdict {
    /// Groups that loosen where nobody answers for it: their place, and the cell that says the least.
    pub open: Vec<(usize, Option<u128>, Cell)>,
    /// Groups that loosen and are waived as a whole, with the entries that count for them.
    pub waived: Vec<(usize, Vec<usize>)>,
    /// Entries whose last day is over.
    pub expired: Vec<usize>,
    /// Entries that cover cells that do not loosen, with the one that says the least.
    pub too_wide: Vec<(usize, Cell)>,
    /// Entries that cover nothing that loosens.
    pub stale: Vec<usize>,
}

impl PolicyDiff<'_> {
    /// Holds a waiver against what loosens. Without one everything that loosens is open.
    #[must_use]
    pub fn judge(&mut self, waiver: Option<(&Waiver, Date)>) -> WaiverVerdict {
        let mut verdict = WaiverVerdict::default();
        let mut counting: Vec<(usize, Set)> = Vec::new();
        let entries = waiver.iter().flat_map(|(waiver, today)| {
            let entries = waiver.entries.iter().enumerate();
            entries.map(|(index, entry)| (index, entry, *today))
        });
        for (index, entry, today) in entries {
            let cells = self.cells_of(entry);
            let loosened = self.diagrams.and(&cells, &self.loosened);
            let fine = self.diagrams.or(&self.loosened, &self.ruled_out);
            let beyond = self.diagrams.minus(&cells, &fine);
            if self.diagrams.is_empty(&loosened) {
                verdict.stale.push(index);
            } else if let Some(cell) = self.diagrams.least(beyond) {
                verdict.too_wide.push((index, cell));
            }
            if entry.until.value < today {
                verdict.expired.push(index);
            } else {
                counting.push((index, loosened));
            }
        }
        for (index, group) in self.groups.iter().enumerate() {
            if Group::boundary(group) != Direction::Loosens {
                continue;
            }
            let (mut open, mut by) = (group.set, Vec::new());
            for (entry, cells) in &counting {
                let here = self.diagrams.and(&group.set, cells);
                if !self.diagrams.is_empty(&here) {
                    by.push(*entry);
                }
                open = self.diagrams.minus(&open, cells);
            }
            match self.diagrams.least(open) {
                Some(cell) => verdict.open.push((index, self.diagrams.count(open), cell)),
                None => verdict.waived.push((index, by)),
            }
        }
        verdict
    }

    fn cells_of(&mut self, entry: &WaiverEntry) -> Set {
        let when = self.holds(NEW, &entry.when.value);
        match &entry.unless {
            None => when,
            Some(unless) => {
                let unless = self.holds(OLD, unless);
                self.diagrams.minus(&when, &unless)
            }
        }
    }

    /// The cells where a condition of a policy holds.
    fn holds(&mut self, policy: usize, condition: &Condition) -> Set {
        let mut eyes = Eyes::new(&self.space, policy, None, &mut self.diagrams);
        let facts = self.policies[policy].facts().iter();
        for fact in facts.filter(|fact| !fact.after_boundary) {
            let truth = eyes.truth(&fact.when, &mut self.diagrams);
            eyes.learn(fact.flag, truth);
        }
        eyes.truth(condition, &mut self.diagrams).yes
    }

    /// A waiver of everything that loosens, to be filled in. The loosened cells are exactly those where the new
    /// boundary is known not to ask for approval and the old one is not.
    #[must_use]
    pub fn waiver_text(&self) -> String {
        let [old, new] = self.policies;
        let contrary = |policy: &Policy| {
            let written = Condition::Not(Box::new(policy.approval_when().clone()));
            written.write(policy.vocabulary())
        };
        format!(
            "waiver: what is accepted, in a line\ncells:\n  - when: {}\n    unless: {}\n    accepted_by: who answers for \
             it\n    because: why it is accepted\n    until: YYYY-MM-DD\n",
            contrary(new),
            contrary(old)
        )
    }
}

/// The place of an entry.
impl WaiverEntry {
    /// Where its cells are named.
    #[must_use]
    pub const fn span(&self) -> Span {
        self.when.span
    }
}
