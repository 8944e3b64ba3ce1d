//! Reads policy files.
//!
//! A part that is broken is replaced by something harmless, so that the parts beside it are still checked; the
//! policy is then not given out. Nothing is said about what merely follows from a mistake that was reported.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::scenario::decode::{map, mismatch, scalar, string, words};
use crate::scenario::{Diagnostic, Diagnostics, Entry, Node, NodeKind, Span, quoted, suggest};

use super::checked::Policy;
use super::condition::Condition;
use super::draft::{
    Answer, AssumptionDraft, Draft, DraftMistake, DraftPart, IntentionDraft, PolicyError, RuleDraft,
};
use super::explain::{condition_diagnostic, explain};
use super::lane::Execution;
use super::parse::{ConditionError, literal_ranges, read_condition};
use super::proof::FindingId;
use super::proof_places::ProofPlaces;
use super::vocabulary::{AttributeType, Unit};

/// Reads a condition in the names of a policy; every mistake of it is reported with its place.
pub fn condition_of(policy: &Policy, node: &Node, out: &mut Diagnostics) -> Option<Condition> {
    let text = &scalar(node, "a condition", out)?.text;
    match read_condition(text, policy.vocabulary()) {
        Ok(condition) => Some(condition),
        Err(mistakes) => {
            for mistake in mistakes {
                out.push(condition_diagnostic(&mistake.error, node.within(mistake.range)));
            }
            None
        }
    }
}

/// Reads a policy out of the tree of its file; every mistake goes to `out`.
pub fn decode_policy(node: &Node, out: &mut Diagnostics) -> Option<Policy> {
    decode_with_places(node, out).map(|(policy, _)| policy)
}

/// Reads a policy, and keeps where its parts stand.
pub fn decode_with_places(node: &Node, out: &mut Diagnostics) -> Option<(Policy, ProofPlaces)> {
    let before = out.errors();
    let mut reader = Reader {
        out,
        spots: BTreeMap::new(),
        unread: BTreeSet::new(),
        names: BTreeSet::new(),
    };
    let draft = reader.draft(node)?;
    let Reader {
        spots, unread, names, ..
    } = reader;
    let place = |part, range| place(&spots, part, range).unwrap_or(node.header);
    match draft.check() {
        Ok(policy) => {
            let places = places(&draft, &spots, node.header);
            (out.errors() == before).then_some((policy, places))
        }
        Err(mistakes) => {
            for mistake in mistakes
                .iter()
                .filter(|mistake| !follows(mistake, &unread, &names))
            {
                out.push(explain(mistake, &place));
            }
            None
        }
    }
}

/// Where everything stands that a finding can be about.
fn places(draft: &Draft, spots: &BTreeMap<DraftPart, Spot<'_>>, whole: Span) -> ProofPlaces {
    let span = |part| place(spots, part, None).unwrap_or(whole);
    let literals = |part, text: Option<&str>| {
        let ranges = literal_ranges(text.unwrap_or_default()).into_iter();
        ranges
            .map(|range| place(spots, part, Some(range)).unwrap_or(whole))
            .collect()
    };
    let facts = draft.facts.iter().enumerate().map(|(index, (name, text))| {
        let spans = literals(DraftPart::Fact(index), Some(text.as_str()));
        (name.clone(), (span(DraftPart::FactName(index)), spans))
    });
    let attributes = draft.attributes.iter().enumerate();
    let rules = draft.rules.iter().enumerate();
    ProofPlaces {
        whole,
        rules: span(DraftPart::Rules),
        boundary: span(DraftPart::ApprovalWhen),
        boundary_literals: literals(DraftPart::ApprovalWhen, Some(draft.approval_when.as_str())),
        facts: facts.collect(),
        intentional: (0..draft.intentional.len())
            .map(|index| span(DraftPart::IntentionName(index)))
            .collect(),
        attributes: attributes
            .map(|(index, (name, _))| (name.clone(), span(DraftPart::AttributeName(index))))
            .collect(),
        rule: rules
            .map(|(index, rule)| {
                let spans = literals(DraftPart::When(index), rule.when.as_deref());
                (span(DraftPart::RuleId(index)), spans)
            })
            .collect(),
    }
}

/// Whether a mistake merely follows from one that was reported: its part could not be read, or it is about a name
/// whose declaration is wrong.
fn follows(mistake: &DraftMistake, unread: &BTreeSet<DraftPart>, names: &BTreeSet<&str>) -> bool {
    let declared = match &mistake.error {
        PolicyError::Condition(ConditionError::Unknown { name, .. }) => names.contains(name.as_str()),
        _ => false,
    };
    declared || unread.contains(&mistake.part)
}

/// Where a part of the draft stands.
#[derive(Debug, Clone, Copy)]
enum Spot<'n> {
    Value(&'n Node),
    Key(Span),
}

fn place(
    spots: &BTreeMap<DraftPart, Spot<'_>>,
    part: DraftPart,
    range: Option<Range<usize>>,
) -> Option<Span> {
    match (spots.get(&part)?, range) {
        (Spot::Key(span), _) => Some(*span),
        (Spot::Value(node), Some(range)) => Some(node.within(range)),
        (Spot::Value(node), None) => Some(node.mark()),
    }
}

struct Reader<'n, 'o> {
    out: &'o mut Diagnostics,
    spots: BTreeMap<DraftPart, Spot<'n>>,
    /// Parts that were reported as broken or missing.
    unread: BTreeSet<DraftPart>,
    /// The names that the file declares, broken ones too.
    names: BTreeSet<&'n str>,
}

/// Stands for a condition that could not be read.
const HARMLESS: &str = "never";

impl<'n> Reader<'n, '_> {
    fn draft(&mut self, node: &'n Node) -> Option<Draft> {
        let mut top = map(node, self.out)?;
        let name = top.required("policy", noted);
        let attributes = top.node("attributes");
        let boundary = top.required("boundary", noted);
        let facts = top.node("facts");
        let assume = top.node("assume");
        let rules = top.required("rules", noted);
        let out_of_scope = top.node("out_of_scope");
        let intentional = top.node("intentional");
        top.finish();
        Some(Draft {
            name: self.text(DraftPart::Name, name),
            attributes: attributes.map_or_else(Vec::new, |node| self.attributes(node)),
            approval_when: self.boundary(boundary),
            facts: facts.map_or_else(Vec::new, |node| self.facts(node)),
            assume: assume.map_or_else(Vec::new, |node| self.assumptions(node)),
            rules: self.rules(rules),
            out_of_scope: out_of_scope.map_or_else(Vec::new, |node| self.clauses(node)),
            intentional: intentional.map_or_else(Vec::new, |node| self.intentions(node)),
        })
    }

    /// The text of a part; a missing one was reported before.
    fn text(&mut self, part: DraftPart, node: Option<&'n Node>) -> String {
        let text = node.and_then(|node| {
            self.spots.insert(part, Spot::Value(node));
            string(node, self.out)
        });
        text.unwrap_or_else(|| {
            self.unread.insert(part);
            String::new()
        })
    }

    /// The text of a condition; a missing one was reported before.
    fn condition(&mut self, part: DraftPart, node: Option<&'n Node>) -> String {
        let text = node.and_then(|node| {
            self.spots.insert(part, Spot::Value(node));
            scalar(node, "a condition", self.out)
        });
        text.map_or_else(|| HARMLESS.to_owned(), |scalar| scalar.text.clone())
    }

    fn attributes(&mut self, node: &'n Node) -> Vec<(String, AttributeType)> {
        let mut attributes = Vec::new();
        for Entry { key, value } in self.entries(node) {
            self.names.insert(&key.text);
            let Some(attribute) = attribute_type(value, self.out) else {
                continue;
            };
            let index = attributes.len();
            self.spots
                .insert(DraftPart::AttributeName(index), Spot::Key(key.span));
            self.spots
                .insert(DraftPart::AttributeType(index), Spot::Value(value));
            if let NodeKind::List(words) = &value.kind {
                let spots = words
                    .iter()
                    .enumerate()
                    .map(|(at, word)| (DraftPart::Word(index, at), Spot::Value(word)));
                self.spots.extend(spots);
            }
            attributes.push((key.text.clone(), attribute));
        }
        attributes
    }

    fn boundary(&mut self, node: Option<&'n Node>) -> String {
        let when = node.and_then(|node| {
            let mut boundary = map(node, self.out)?;
            let when = boundary.required("approval_when", noted);
            boundary.finish();
            when
        });
        self.condition(DraftPart::ApprovalWhen, when)
    }

    fn facts(&mut self, node: &'n Node) -> Vec<(String, String)> {
        let mut facts = Vec::new();
        for Entry { key, value } in self.entries(node) {
            self.names.insert(&key.text);
            let index = facts.len();
            self.spots.insert(DraftPart::FactName(index), Spot::Key(key.span));
            facts.push((
                key.text.clone(),
                self.condition(DraftPart::Fact(index), Some(value)),
            ));
        }
        facts
    }

    fn assumptions(&mut self, node: &'n Node) -> Vec<AssumptionDraft> {
        let mut assumptions = Vec::new();
        for node in self.items(node).unwrap_or_default() {
            let index = assumptions.len();
            let Some(mut fields) = map(node, self.out) else {
                continue;
            };
            let never = fields.required("never", noted);
            let because = fields.node("because");
            fields.finish();
            let never = self.condition(DraftPart::Never(index), never);
            let because = because.map(|node| self.text(DraftPart::AssumeBecause(index), Some(node)));
            assumptions.push(AssumptionDraft { never, because });
        }
        assumptions
    }

    fn rules(&mut self, node: Option<&'n Node>) -> Vec<RuleDraft> {
        let items = node.and_then(|node| {
            self.spots.insert(DraftPart::Rules, Spot::Value(node));
            self.items(node)
        });
        if items.is_none() {
            self.unread.insert(DraftPart::Rules);
        }
        items
            .unwrap_or_default()
            .iter()
            .enumerate()
            .map(|(index, node)| self.rule(index, node))
            .collect()
    }

    fn rule(&mut self, index: usize, node: &'n Node) -> RuleDraft {
        self.spots.insert(DraftPart::Rule(index), Spot::Value(node));
        let Some(mut rule) = map(node, self.out) else {
            return self.unread_rule(index);
        };
        let id = rule.required("id", noted);
        let when = rule.node("when");
        let answer = rule.one_of(&["execution", "refuse"]);
        let because = rule.node("because");
        rule.finish();
        RuleDraft {
            id: self.text(DraftPart::RuleId(index), id),
            when: when.map(|node| self.condition(DraftPart::When(index), Some(node))),
            answer: self.answer(index, answer),
            because: because.map(|node| self.text(DraftPart::Because(index), Some(node))),
        }
    }

    fn unread_rule(&mut self, index: usize) -> RuleDraft {
        self.unread
            .extend([DraftPart::Rule(index), DraftPart::RuleId(index)]);
        let answer = Answer::Execute(Execution::Interactive);
        RuleDraft {
            id: String::new(),
            when: None,
            answer,
            because: None,
        }
    }

    fn answer(&mut self, index: usize, found: Option<(&'static str, &'n Node)>) -> Answer {
        match found {
            Some(("refuse", node)) => Answer::Refuse(self.text(DraftPart::Refuse(index), Some(node))),
            Some((_, node)) => Answer::Execute(execution(node, self.out).unwrap_or(Execution::Interactive)),
            None => Answer::Execute(Execution::Interactive),
        }
    }

    fn clauses(&mut self, node: &'n Node) -> Vec<(String, String)> {
        let mut clauses = Vec::new();
        for Entry { key, value } in self.entries(node) {
            let index = clauses.len();
            self.spots.insert(DraftPart::Clause(index), Spot::Key(key.span));
            let because = self.text(DraftPart::ClauseBecause(index), Some(value));
            clauses.push((key.text.clone(), because));
        }
        clauses
    }

    fn intentions(&mut self, node: &'n Node) -> Vec<IntentionDraft> {
        let mut intentions = Vec::new();
        for node in self.items(node).unwrap_or_default() {
            let index = intentions.len();
            let Some(mut fields) = map(node, self.out) else {
                continue;
            };
            let about = fields.one_of(&FindingId::INTENDABLE.map(FindingId::word));
            let finding = about.and_then(|(word, name)| {
                let known = FindingId::INTENDABLE.into_iter();
                Some((known.clone().find(|finding| finding.word() == word)?, name))
            });
            let literal = finding.is_some_and(|(finding, _)| finding == FindingId::VacuousCondition);
            let of = literal.then(|| fields.required("of", noted)).flatten();
            let because = fields.required("because", noted);
            fields.finish();
            // What is missing was reported.
            let (Some((finding, name)), Some(because)) = (finding, because) else {
                continue;
            };
            if literal && of.is_none() {
                continue;
            }
            intentions.push(IntentionDraft {
                finding,
                name: self.text(DraftPart::IntentionName(index), Some(name)),
                of: of.map(|node| self.text(DraftPart::IntentionOf(index), Some(node))),
                because: self.text(DraftPart::IntentionBecause(index), Some(because)),
            });
        }
        intentions
    }

    fn entries(&mut self, node: &'n Node) -> &'n [Entry] {
        let NodeKind::Map(entries) = &node.kind else {
            mismatch(node, "a map", self.out);
            return &[];
        };
        entries
    }

    fn items(&mut self, node: &'n Node) -> Option<&'n [Node]> {
        let NodeKind::List(items) = &node.kind else {
            mismatch(node, "a list", self.out);
            return None;
        };
        Some(items)
    }
}

/// Takes a node as it is, to be read later.
#[expect(clippy::unnecessary_wraps, reason = "the shape of every decoder")]
fn noted<'n>(node: &'n Node, _: &mut Diagnostics) -> Option<&'n Node> {
    Some(node)
}

fn execution(node: &Node, out: &mut Diagnostics) -> Option<Execution> {
    words(
        "execution",
        &Execution::ALL.map(|execution| (execution.word(), execution)),
    )(node, out)
}

/// `bool`, the word of a unit, or a list of words.
fn attribute_type(node: &Node, out: &mut Diagnostics) -> Option<AttributeType> {
    if let NodeKind::List(items) = &node.kind {
        let words: Vec<_> = items.iter().map(|item| string(item, out)).collect();
        return words.into_iter().collect::<Option<_>>().map(AttributeType::Words);
    }
    let text = &scalar(node, "a type of attribute", out)?.text;
    let unit = Unit::ALL.into_iter().find(|unit| unit.word() == text);
    if let Some(attribute) = unit
        .map(AttributeType::Integer)
        .or((text == "bool").then_some(AttributeType::Bool))
    {
        return Some(attribute);
    }
    let known: Vec<&str> = ["bool"].into_iter().chain(Unit::ALL.map(Unit::word)).collect();
    let error = Diagnostic::error(format!("unknown type of attribute {}", quoted(text))).at(node.mark(), "");
    out.push(error.help(suggest(text, "a list of words, or one of", &known)));
    None
}
