//! From a policy to its proof.

use crate::policy::attribute::Attribute;
use crate::policy::checked::Policy;
use crate::policy::condition::Condition;
use crate::policy::hash::PolicyHash;
use crate::policy::lane::Lane;
use crate::policy::space::{Algebra, Cell, Diagrams, Reach, Space, Table};

use super::clause::{Clause, ClauseVerdict, clauses};
use super::findings::Writer;
use super::issue::PolicyFinding;
use super::law::{Law, LawVerdict};
use super::naive::Naive;
use super::question::{Plan, Question};
use super::tally::Tally;

/// How the answers over a space were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// By decision diagrams of so many nodes.
    Symbolic {
        /// How many.
        nodes: usize,
    },
    /// Cell by cell, and by decision diagrams with the same result.
    Enumerated {
        /// The nodes of the diagrams.
        nodes: usize,
    },
}

/// One space with the answers over it, in the order of the questions.
#[derive(Debug, Clone)]
pub struct Extent {
    /// The space.
    pub space: Space,
    /// Its cells; none if that is no number of 128 bits.
    pub cells: Option<u128>,
    /// How the answers were found.
    pub method: Method,
    /// The answers.
    pub tallies: Vec<Tally>,
}

/// The answers of an enumeration that somebody made with [`Plan::enumerate`].
#[derive(Debug, Clone)]
pub struct Enumerated {
    /// Over which tasks.
    pub reach: Reach,
    /// The answers.
    pub tallies: Vec<Tally>,
}

/// What is proven about a policy.
#[derive(Debug, Clone)]
pub struct Proof {
    /// The policy.
    pub policy: Policy,
    /// Its identity.
    pub hash: PolicyHash,
    /// The questions.
    pub plan: Plan,
    /// The spaces, the widest first; findings are about that one.
    pub extents: Vec<Extent>,
    /// What there is to say, the worst first.
    pub findings: Vec<PolicyFinding>,
    /// The laws of routing.
    pub laws: Vec<(Law, LawVerdict)>,
    /// How the compiled rules were held against the written ones.
    pub agreement: Agreement,
    /// The clauses of the source.
    pub clauses: Vec<(Clause, ClauseVerdict)>,
}

/// How the compiled rules were held against the written ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreement {
    /// By the naive interpreter, on so many cases that together are the whole space.
    Cases(u64),
    /// Condition by condition, as sets of cells: the interpreter would have to split too many cases.
    Conditions,
}

/// Why there is no proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The diagrams became too large.
    #[error("the policy is too entangled: its decision diagrams need more than {nodes_max} nodes")]
    Exhausted {
        /// The bound.
        nodes_max: usize,
    },
    /// The space is larger than numbers of 128 bits.
    #[error("the policy tells more than 2^128 tasks apart, and nothing larger is counted")]
    Uncountable,
    /// The assumptions exclude every task: of nothing everything is true.
    #[error("the assumptions exclude every task, so there is nothing to prove")]
    Nothing,
    /// Two methods do not agree. That is a defect of this program.
    #[error("two methods disagree about `{question}` over the {reach} space; this is a defect of lanebench")]
    Disagreement {
        /// Over which tasks.
        reach: &'static str,
        /// About what.
        question: String,
    },
}

/// More cells than this are not enumerated.
pub const CELLS_MAX: u128 = 100_000_000;

/// How far a proof goes before it says that it does not decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The nodes of the diagrams of one space.
    pub nodes_max: usize,
    /// The cases that the naive interpreter splits for the law that both readings agree; fewer where there are many
    /// rules to read for each.
    pub cases_max: u64,
}

/// So many rules the naive interpreter reads, at most, for the law that both readings agree.
const RULES_READ_MAX: u64 = 20_000_000;

impl Default for Bounds {
    fn default() -> Self {
        Self {
            nodes_max: Diagrams::NODES_MAX,
            cases_max: 600_000,
        }
    }
}

/// Proves what there is to prove about `plan`'s policy within `bounds`. What was enumerated is
/// held against the diagrams, question by question.
///
/// # Errors
/// [`ProofError`] if the bound is met or two methods disagree.
pub fn prove(plan: &Plan, enumerated: &[Enumerated], bounds: Bounds) -> Result<Proof, ProofError> {
    let nodes_max = bounds.nodes_max;
    let policy = plan.policy();
    if Space::of(&[policy], Reach::Whole).cells().is_none() {
        return Err(ProofError::Uncountable);
    }
    let exhausted = ProofError::Exhausted { nodes_max };
    let mut extents = Vec::new();
    for reach in [Reach::Whole, Reach::ThreeValued, Reach::Known] {
        extents.push(extent(plan, reach, enumerated, nodes_max)?);
    }
    if extents[0]
        .tallies
        .first()
        .is_some_and(|possible| possible.count == 0)
    {
        return Err(ProofError::Nothing);
    }
    let space = extents[0].space.clone();
    let mut diagrams = Diagrams::bounded(&space, nodes_max);
    let clauses = clauses(policy, &space, &mut diagrams).ok_or_else(|| exhausted.clone())?;
    let shadows = shadows(plan, &extents[0], &mut diagrams).ok_or(exhausted)?;
    let writer = Writer {
        plan,
        space: &space,
        tallies: &extents[0].tallies,
        clauses: &clauses,
        shadows: &shadows,
    };
    let findings = writer.findings();
    let (agreed, agreement) = agreement(policy, &space, bounds);
    let laws = Law::ALL.map(|law| (law, law.judge(&findings, agreed)));
    Ok(Proof {
        policy: policy.clone(),
        hash: policy.hash(),
        plan: plan.clone(),
        extents,
        findings,
        laws: laws.to_vec(),
        agreement,
        clauses,
    })
}

fn extent(
    plan: &Plan,
    reach: Reach,
    enumerated: &[Enumerated],
    nodes_max: usize,
) -> Result<Extent, ProofError> {
    let space = Space::of(&[plan.policy()], reach);
    let mut diagrams = Diagrams::bounded(&space, nodes_max);
    let tallies = plan.tallies(&space, &mut diagrams);
    let tallies = tallies.ok_or(ProofError::Exhausted { nodes_max })?;
    let nodes = diagrams.nodes();
    let method = match enumerated.iter().find(|one| one.reach == reach) {
        None => Method::Symbolic { nodes },
        Some(one) => {
            let pairs = plan.questions().iter().zip(tallies.iter().zip(&one.tallies));
            for (question, (symbolic, counted)) in pairs {
                if symbolic != counted {
                    return Err(ProofError::Disagreement {
                        reach: reach.word(),
                        question: question.name(plan.policy()),
                    });
                }
            }
            Method::Enumerated { nodes }
        }
    };
    Ok(Extent {
        cells: space.cells(),
        space,
        method,
        tallies,
    })
}

/// For each rule that matches and never decides, the earlier rules that decide where it matches.
fn shadows(plan: &Plan, extent: &Extent, diagrams: &mut Diagrams) -> Option<Vec<Vec<usize>>> {
    let tally = |wanted: Question| {
        let at = plan.questions().iter().position(|question| *question == wanted)?;
        extent.tallies.get(at)
    };
    let empty = |question| tally(question).is_some_and(|tally| tally.count == 0);
    let rules = plan.policy().rules().len();
    let wanted: Vec<bool> = (0..rules)
        .map(|rule| empty(Question::Decides(rule)) && !empty(Question::Matches(rule)))
        .collect();
    if !wanted.contains(&true) {
        return Some(vec![Vec::new(); rules]);
    }
    let table = Table::read(&extent.space, 0, plan.policy(), None, diagrams);
    let all = wanted.iter().enumerate().map(|(rule, wanted)| {
        let earlier = 0..if *wanted { rule } else { 0 };
        let meets = earlier.filter(|earlier| {
            let both = diagrams.and(&table.matches[rule], &table.decides[*earlier]);
            !diagrams.is_empty(&both)
        });
        meets.collect()
    });
    let all = all.collect();
    (!diagrams.exhausted()).then_some(all)
}

/// Holds the compiled rules against the naive interpreter: on every case that the interpreter tells apart, by two tasks
/// of it. Where there are too many cases, each compiled condition is held against the written one symbolically.
fn agreement(
    policy: &Policy,
    space: &Space,
    Bounds { nodes_max, cases_max }: Bounds,
) -> (LawVerdict, Agreement) {
    let naive = Naive::new(policy, space);
    let cases_max = cases_max.min(RULES_READ_MAX / policy.rules().len().max(1) as u64);
    match naive.agrees(cases_max) {
        None => {
            let verdict = compiled_as_written(policy, space, nodes_max);
            (verdict, Agreement::Conditions)
        }
        Some(Ok(cases)) => (LawVerdict::Held, Agreement::Cases(cases)),
        Some(Err(_)) => (LawVerdict::Broken, Agreement::Cases(cases_max)),
    }
}

/// Holds every compiled condition against the written one, over the whole space at once.
fn compiled_as_written(policy: &Policy, space: &Space, nodes_max: usize) -> LawVerdict {
    let mut diagrams = Diagrams::bounded(space, nodes_max);
    let (_, eyes) = Table::with_eyes(space, 0, policy, None, &mut diagrams);
    let ready = &policy.ready;
    let facts = |after: bool| {
        let facts = policy
            .facts()
            .iter()
            .filter(move |fact| fact.after_boundary == after);
        facts.map(|fact| &fact.when)
    };
    let written = std::iter::once(policy.approval_when())
        .chain(facts(false))
        .chain(facts(true))
        .chain(policy.rules().iter().map(|rule| &rule.when))
        .chain(policy.assumptions().iter().map(|assumption| &assumption.never));
    let compiled = std::iter::once(&ready.approval_when)
        .chain(ready.facts_before.iter().map(|(_, when)| when))
        .chain(ready.facts_after.iter().map(|(_, when)| when))
        .chain(&ready.rules)
        .chain(&ready.never);
    let mut same = true;
    for (written, compiled) in written.zip(compiled) {
        same &= eyes.truth(written, &mut diagrams) == eyes.compiled(compiled, &mut diagrams);
    }
    match (diagrams.exhausted(), same) {
        (true, _) => LawVerdict::Undecided,
        (false, true) => LawVerdict::Held,
        (false, false) => LawVerdict::Broken,
    }
}

impl Proof {
    /// The answer to a question over the `extent`-th space.
    #[must_use]
    pub fn tally(&self, extent: usize, wanted: Question) -> Option<&Tally> {
        let at = self
            .plan
            .questions()
            .iter()
            .position(|question| *question == wanted)?;
        self.extents.get(extent)?.tallies.get(at)
    }

    /// How many cells of the `extent`-th space are in a lane.
    #[must_use]
    pub fn lane(&self, extent: usize, lane: Lane) -> u128 {
        self.tally(extent, Question::Lane(lane))
            .map_or(0, |tally| tally.count)
    }
}

/// Whether the last rule matches whatever no other does.
pub(super) fn fallback(policy: &Policy) -> Option<usize> {
    let last = policy.rules().last()?;
    (last.when == Condition::Always).then(|| policy.rules().len() - 1)
}

/// What a policy answers about a cell, in words.
pub(super) fn answer_text(policy: &Policy, space: &Space, cell: &Cell) -> String {
    let decision = policy.decide(&space.task(0, cell));
    let rule = match decision.rule_of(policy) {
        Some(rule) => format!("by `{}`", rule.id),
        None => "by no rule".to_owned(),
    };
    let route = decision
        .execution()
        .map_or("refused", |execution| execution.word());
    format!("{route} {rule}, boundary {}", decision.boundary.word())
}

/// The same cell with an attribute set.
pub(super) fn with(space: &Space, cell: &Cell, attribute: Attribute, value: bool) -> Cell {
    let wanted = crate::policy::space::AxisValue::Truth(value);
    let mut changed = cell.clone();
    let place = space
        .axis_of_built_in(attribute)
        .and_then(|axis| Some((axis, space.axes()[axis].place_of(&wanted)?)));
    if let Some((axis, place)) = place {
        changed.0[axis] = place;
    }
    changed
}

/// The attributes of a cell, for sentences.
pub(super) fn said(space: &Space, cell: &Cell) -> String {
    space.attributes_text(cell)
}

#[cfg(test)]
mod tests {
    use super::{Bounds, Diagrams, LawVerdict, Policy, Reach, Space, agreement};
    use crate::policy::draft::{Answer, Draft, RuleDraft};
    use crate::policy::lane::Execution;

    fn policy(when: &str) -> Policy {
        let rule = |id: &str, when: Option<&str>, execution| RuleDraft {
            id: id.to_owned(),
            when: when.map(str::to_owned),
            answer: Answer::Execute(execution),
            because: None,
        };
        let draft = Draft {
            name: "p".to_owned(),
            attributes: Vec::new(),
            approval_when: "any_effect".to_owned(),
            facts: Vec::new(),
            assume: Vec::new(),
            rules: vec![
                rule("first", Some(when), Execution::Background),
                rule("otherwise", None, Execution::Interactive),
            ],
            out_of_scope: Vec::new(),
            intentional: Vec::new(),
        };
        draft.check().unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
    }

    #[test]
    fn rules_compiled_wrongly_are_found_out_by_cases_and_by_symbols() {
        let good = policy("user_steering and (tools_narrow_fast or not can_show_retry)");
        let mut bad = good.clone();
        bad.ready = policy("user_steering and (tools_narrow_fast or can_show_retry)").ready;
        for cases_max in [100_000, 3] {
            let bounds = Bounds {
                nodes_max: Diagrams::NODES_MAX,
                cases_max,
            };
            for (policy, verdict) in [(&good, LawVerdict::Held), (&bad, LawVerdict::Broken)] {
                let space = Space::of(&[policy], Reach::Whole);
                assert_eq!(agreement(policy, &space, bounds).0, verdict);
            }
        }
    }
}
