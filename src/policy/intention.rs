//! What a policy says is of no use and is there all the same: dead and shadowed rules, vacuous literals.
//!
//! Invariant: every subject of an intention is in the policy that it was checked with.

use super::checked::{Fact, Rule};
use super::condition::Condition;
use super::draft::{DraftPart, IntentionDraft, PolicyError};
use super::parse::read_condition;
use super::proof::{FindingId, Site, SiteOwner, Subject};
use super::vocabulary::Vocabulary;

/// Something that looks like a slip and is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intention {
    /// What an analysis says about it.
    pub finding: FindingId,
    /// What it is said about; a literal may stand in its condition many times.
    pub subjects: Vec<Subject>,
    /// The rule, or the literal as conditions write it.
    pub name: String,
    /// For a literal the rule, the fact or the boundary that it stands in.
    pub of: Option<String>,
    /// Why it is there.
    pub because: String,
}

impl Intention {
    /// Whether a finding is meant.
    #[must_use]
    pub fn covers(&self, finding: FindingId, subject: &Subject) -> bool {
        self.finding == finding && self.subjects.contains(subject)
    }
}

/// What an intention may name.
pub(super) struct Parts<'p> {
    pub(super) vocabulary: &'p Vocabulary,
    pub(super) approval_when: &'p Condition,
    pub(super) facts: &'p [Fact],
    pub(super) rules: &'p [Rule],
}

/// How the condition of the boundary is called.
const BOUNDARY: &str = "boundary";

impl Parts<'_> {
    /// What the `index`-th intention of a draft is about.
    ///
    /// # Errors
    /// What is wrong, and in which part.
    pub(super) fn resolve(
        &self,
        index: usize,
        draft: &IntentionDraft,
    ) -> Result<Intention, (DraftPart, PolicyError)> {
        let subjects = match &draft.of {
            None => vec![Subject::Rule(self.rule(index, &draft.name)?)],
            Some(of) => self.literals(index, &draft.name, of)?,
        };
        Ok(Intention {
            finding: draft.finding,
            subjects,
            name: draft.name.clone(),
            of: draft.of.clone(),
            because: draft.because.clone(),
        })
    }

    fn rule(&self, index: usize, name: &str) -> Result<usize, (DraftPart, PolicyError)> {
        let place = self.rules.iter().position(|rule| rule.id == name);
        place.ok_or_else(|| {
            let known = self.rules.iter().map(|rule| rule.id.clone()).collect();
            let name = name.to_owned();
            (
                DraftPart::IntentionName(index),
                PolicyError::UnknownRule { name, known },
            )
        })
    }

    /// The conditions of that name: the boundary, a fact, a rule.
    fn owners(&self, name: &str) -> Vec<(SiteOwner, &Condition)> {
        let boundary = (name == BOUNDARY).then_some((SiteOwner::Boundary, self.approval_when));
        let facts = self.facts.iter().enumerate();
        let facts = facts
            .filter(|(_, fact)| self.vocabulary.flag_name(fact.flag) == name)
            .map(|(at, fact)| (SiteOwner::Fact(at), &fact.when));
        let rules = self.rules.iter().enumerate();
        let rules = rules
            .filter(|(_, rule)| rule.id == name)
            .map(|(at, rule)| (SiteOwner::Rule(at), &rule.when));
        boundary.into_iter().chain(facts).chain(rules).collect()
    }

    fn literals(&self, index: usize, text: &str, of: &str) -> Result<Vec<Subject>, (DraftPart, PolicyError)> {
        let owners = self.owners(of);
        if owners.is_empty() {
            let facts = self.facts.iter();
            let facts = facts.map(|fact| self.vocabulary.flag_name(fact.flag).to_owned());
            let rules = self.rules.iter().map(|rule| rule.id.clone());
            let known = std::iter::once(BOUNDARY.to_owned()).chain(facts).chain(rules);
            let (name, known) = (of.to_owned(), known.collect());
            return Err((
                DraftPart::IntentionOf(index),
                PolicyError::UnknownOwner { name, known },
            ));
        }
        let part = DraftPart::IntentionName(index);
        let read = read_condition(text, self.vocabulary);
        let read = read.map_err(|misreads| match misreads.into_iter().next() {
            Some(misread) => (part, misread.error.into()),
            None => (part, PolicyError::NoLiteral),
        })?;
        let literal = match read {
            Condition::Not(inner) => *inner,
            plain => plain,
        };
        if !matches!(literal, Condition::Is(_) | Condition::Compare { .. }) {
            return Err((part, PolicyError::NoLiteral));
        }
        let sites = owners
            .into_iter()
            .flat_map(|(owner, when)| Site::all_of(owner, when, &literal));
        let subjects: Vec<Subject> = sites.map(Subject::Literal).collect();
        if subjects.is_empty() {
            let (literal, of) = (literal.write(self.vocabulary), of.to_owned());
            return Err((part, PolicyError::NoSuchLiteral { literal, of }));
        }
        Ok(subjects)
    }
}
