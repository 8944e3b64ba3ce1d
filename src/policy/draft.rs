//! A policy as somebody wrote it, before it is checked.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::attribute::Flag;
use super::checked::{Assumption, Fact, Policy, Rule};
use super::condition::Condition;
use super::intention::{Intention, Parts};
use super::lane::Execution;
use super::parse::{ConditionError, read_condition};
use super::proof::{Clause, FindingId};
use super::vocabulary::{AttributeType, NameError, Vocabulary};

/// A policy with its conditions as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What the policy is called.
    pub name: String,
    /// The attributes that it declares.
    pub attributes: Vec<(String, AttributeType)>,
    /// When the boundary is approval.
    pub approval_when: String,
    /// Names for conditions.
    pub facts: Vec<(String, String)>,
    /// What cannot be.
    pub assume: Vec<AssumptionDraft>,
    /// The rules; the first that matches decides.
    pub rules: Vec<RuleDraft>,
    /// Clauses of the source that do not concern the policy, each with its reason.
    pub out_of_scope: Vec<(String, String)>,
    /// What looks like a slip and is none.
    pub intentional: Vec<IntentionDraft>,
}

/// Something of no use that is meant to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntentionDraft {
    /// What an analysis says about it.
    pub finding: FindingId,
    /// The rule, or the literal.
    pub name: String,
    /// What a literal stands in: a rule, a fact, or `boundary`.
    pub of: Option<String>,
    /// Why it is there.
    pub because: String,
}

/// A combination of attributes that cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssumptionDraft {
    /// The condition that never holds.
    pub never: String,
    /// Why it never holds.
    pub because: Option<String>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleDraft {
    /// Its name.
    pub id: String,
    /// When it matches; nothing matches always, and only the last rule may do so.
    pub when: Option<String>,
    /// What it decides.
    pub answer: Answer,
    /// Why.
    pub because: Option<String>,
}

/// What a rule decides.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Answer {
    /// Carry the task out.
    Execute(Execution),
    /// Do not take the task, for this reason.
    Refuse(String),
}

/// Why a word cannot be one of an attribute's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WordError {
    /// It does not look like a word.
    #[error("a word is letters, digits, `_` and `-`, and begins with a letter")]
    Shape,
    /// It means something in the language of conditions.
    #[error("it is a word of the language of conditions")]
    Reserved,
    /// It is there twice.
    #[error("it is there twice")]
    Twice,
}

/// What is wrong with a draft.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A name that cannot be used.
    #[error("`{name}` cannot be declared: {cause}")]
    Name {
        /// As written.
        name: String,
        /// Why not.
        cause: NameError,
    },
    /// An attribute of words without any.
    #[error("`{name}` has no words to choose from")]
    NoWords {
        /// The attribute.
        name: String,
    },
    /// A word of an attribute that no condition could spell, or that stands there twice.
    #[error("`{word}` cannot be a word of `{name}`: {cause}")]
    Word {
        /// The attribute.
        name: String,
        /// The word.
        word: String,
        /// Why not.
        cause: WordError,
    },
    /// A condition that cannot be read.
    #[error(transparent)]
    Condition(#[from] ConditionError),
    /// Facts that name each other in a circle.
    #[error("the fact `{}` depends on itself", cycle.first().map_or("", String::as_str))]
    Cycle {
        /// The names along the circle; the first is also the last.
        cycle: Vec<String>,
    },
    /// The boundary asks about what only follows from it.
    #[error("`effects_fenced` follows from the boundary, so the boundary cannot depend on it")]
    FencedInBoundary,
    /// An assumption asks about what is only derived while deciding.
    #[error("an assumption is about tasks, and `effects_fenced` follows from the boundary")]
    FencedInAssumption,
    /// No rule at all.
    #[error("a policy needs at least one rule")]
    NoRules,
    /// More rules than anybody reviews.
    #[error("a policy has at most {} rules", Draft::RULES_MAX)]
    TooManyRules,
    /// A rule's name that is none.
    #[error("the id of a rule is letters, digits, `-` and `_`")]
    RuleId,
    /// Two rules with one name.
    #[error("two rules are called `{id}`")]
    DuplicateRule {
        /// The name.
        id: String,
        /// The rule that had it first.
        first: usize,
    },
    /// A rule that matches always, with rules behind it.
    #[error("missing `when`: only the last rule may match always")]
    MissingWhen,
    /// A policy without a name.
    #[error("the policy has no name")]
    NoName,
    /// A reason without words.
    #[error("the reason is empty")]
    EmptyReason,
    /// A clause that the source does not have.
    #[error("the source has no clause `{name}`")]
    UnknownClause {
        /// As written.
        name: String,
    },
    /// An intention about a rule that the policy does not have.
    #[error("there is no rule `{name}`")]
    UnknownRule {
        /// As written.
        name: String,
        /// The rules.
        known: Vec<String>,
    },
    /// An intention about a literal of something that the policy does not have.
    #[error("there is no rule and no fact `{name}`")]
    UnknownOwner {
        /// As written.
        name: String,
        /// The boundary, the facts and the rules.
        known: Vec<String>,
    },
    /// An intention about something that is no literal.
    #[error("a literal is a single name or a single comparison")]
    NoLiteral,
    /// An intention about a literal that does not stand there.
    #[error("`{literal}` does not stand in `{of}`")]
    NoSuchLiteral {
        /// The literal.
        literal: String,
        /// The condition.
        of: String,
    },
}

/// The part of a draft that a mistake is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DraftPart {
    /// The name of the policy.
    Name,
    /// The name of an attribute.
    AttributeName(usize),
    /// The type of an attribute.
    AttributeType(usize),
    /// One of the words of an attribute.
    Word(usize, usize),
    /// The condition of the boundary.
    ApprovalWhen,
    /// The name of a fact.
    FactName(usize),
    /// The condition of a fact.
    Fact(usize),
    /// The condition of an assumption.
    Never(usize),
    /// The reason of an assumption.
    AssumeBecause(usize),
    /// The list of rules.
    Rules,
    /// A whole rule.
    Rule(usize),
    /// The id of a rule.
    RuleId(usize),
    /// The condition of a rule.
    When(usize),
    /// The reason for refusing.
    Refuse(usize),
    /// The reason of a rule.
    Because(usize),
    /// The name of a clause that is out of scope.
    Clause(usize),
    /// Why it is.
    ClauseBecause(usize),
    /// The rule or the literal of an intention.
    IntentionName(usize),
    /// What the literal of an intention stands in.
    IntentionOf(usize),
    /// Why it is meant.
    IntentionBecause(usize),
}

/// One mistake in a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftMistake {
    /// What is wrong.
    pub error: PolicyError,
    /// The part it is about.
    pub part: DraftPart,
    /// The bytes inside that part's text, if it is not the whole.
    pub range: Option<Range<usize>>,
}

impl Draft {
    /// More rules than this no policy has.
    pub const RULES_MAX: usize = 256;

    /// Checks the draft.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn check(&self) -> Result<Policy, Vec<DraftMistake>> {
        Checker::default().check(self)
    }
}

#[derive(Default)]
struct Checker {
    vocabulary: Vocabulary,
    mistakes: Vec<DraftMistake>,
}

impl Checker {
    fn check(mut self, draft: &Draft) -> Result<Policy, Vec<DraftMistake>> {
        if draft.name.trim().is_empty() {
            self.report(DraftPart::Name, PolicyError::NoName);
        }
        self.attributes(&draft.attributes);
        let (facts, fenced) = self.facts(&draft.facts);
        let approval_when = self.condition(DraftPart::ApprovalWhen, &draft.approval_when);
        self.refuse_fenced(
            &approval_when,
            &fenced,
            DraftPart::ApprovalWhen,
            &PolicyError::FencedInBoundary,
        );
        let assume = self.assumptions(&draft.assume, &fenced);
        let rules = self.rules(&draft.rules);
        self.out_of_scope(&draft.out_of_scope);
        let parts = (&approval_when, facts.as_slice(), rules.as_slice());
        let intentional = self.intentions(&draft.intentional, parts);
        if !self.mistakes.is_empty() {
            return Err(self.mistakes);
        }
        Ok(Policy::new(
            draft.name.clone(),
            self.vocabulary,
            approval_when,
            facts,
            assume,
            rules,
        )
        .scoped(draft.out_of_scope.clone(), intentional))
    }

    /// What is marked as meant; in a policy that is broken anyway only the reasons are read.
    fn intentions(
        &mut self,
        drafts: &[IntentionDraft],
        (approval_when, facts, rules): (&Condition, &[Fact], &[Rule]),
    ) -> Vec<Intention> {
        let whole = self.mistakes.is_empty();
        let mut intentional = Vec::new();
        for (index, draft) in drafts.iter().enumerate() {
            self.reason(DraftPart::IntentionBecause(index), Some(&draft.because));
            let parts = Parts {
                vocabulary: &self.vocabulary,
                approval_when,
                facts,
                rules,
            };
            match parts.resolve(index, draft) {
                Ok(intention) => intentional.push(intention),
                Err((part, error)) if whole => self.report(part, error),
                Err(_) => {}
            }
        }
        intentional
    }

    fn out_of_scope(&mut self, clauses: &[(String, String)]) {
        for (index, (name, because)) in clauses.iter().enumerate() {
            if Clause::ALL.iter().all(|clause| clause.name != name) {
                let error = PolicyError::UnknownClause { name: name.clone() };
                self.report(DraftPart::Clause(index), error);
            }
            self.reason(DraftPart::ClauseBecause(index), Some(because));
        }
    }

    fn attributes(&mut self, attributes: &[(String, AttributeType)]) {
        for (index, (name, attribute)) in attributes.iter().enumerate() {
            if let AttributeType::Words(words) = attribute {
                self.words(index, name, words);
            }
            if let Err(cause) = self.vocabulary.declare(name, attribute.clone()) {
                let error = PolicyError::Name {
                    name: name.clone(),
                    cause,
                };
                self.report(DraftPart::AttributeName(index), error);
            }
        }
    }

    fn words(&mut self, index: usize, name: &str, words: &[String]) {
        if words.is_empty() {
            self.report(
                DraftPart::AttributeType(index),
                PolicyError::NoWords {
                    name: name.to_owned(),
                },
            );
        }
        let mut seen = BTreeSet::new();
        for (at, word) in words.iter().enumerate() {
            let twice = (!seen.insert(word)).then_some(WordError::Twice);
            if let Some(cause) = word_error(word).or(twice) {
                let error = PolicyError::Word {
                    name: name.to_owned(),
                    word: word.clone(),
                    cause,
                };
                self.report(DraftPart::Word(index, at), error);
            }
        }
    }

    /// The facts in an order in which each needs only earlier ones, and those that depend on the fence.
    fn facts(&mut self, drafts: &[(String, String)]) -> (Vec<Fact>, BTreeSet<Flag>) {
        let mut declared = Vec::new();
        for (index, (name, text)) in drafts.iter().enumerate() {
            match self.vocabulary.declare_fact(name) {
                Ok(flag) => declared.push((index, flag, text)),
                Err(cause) => {
                    let error = PolicyError::Name {
                        name: name.clone(),
                        cause,
                    };
                    self.report(DraftPart::FactName(index), error);
                }
            }
        }
        let mut open: BTreeMap<Flag, (usize, Condition)> = BTreeMap::new();
        for (index, flag, text) in declared {
            let condition = self.condition(DraftPart::Fact(index), text);
            open.insert(flag, (index, condition));
        }
        let mut facts = Vec::new();
        let mut fenced = BTreeSet::new();
        sort_facts(&mut open, &mut facts, &mut fenced);
        while let Some((index, circle)) = find_circle(&open) {
            let cycle = circle
                .iter()
                .map(|flag| self.vocabulary.flag_name(*flag).to_owned())
                .collect();
            self.report(DraftPart::Fact(index), PolicyError::Cycle { cycle });
            open.retain(|flag, _| !circle.contains(flag));
            sort_facts(&mut open, &mut facts, &mut fenced);
        }
        (facts, fenced)
    }

    fn assumptions(&mut self, drafts: &[AssumptionDraft], fenced: &BTreeSet<Flag>) -> Vec<Assumption> {
        let mut assumptions = Vec::new();
        for (index, draft) in drafts.iter().enumerate() {
            let part = DraftPart::Never(index);
            let never = self.condition(part, &draft.never);
            self.refuse_fenced(&never, fenced, part, &PolicyError::FencedInAssumption);
            self.reason(DraftPart::AssumeBecause(index), draft.because.as_deref());
            assumptions.push(Assumption {
                never,
                because: draft.because.clone(),
            });
        }
        assumptions
    }

    fn rules(&mut self, drafts: &[RuleDraft]) -> Vec<Rule> {
        if drafts.is_empty() {
            self.report(DraftPart::Rules, PolicyError::NoRules);
        }
        if drafts.len() > Draft::RULES_MAX {
            self.report(DraftPart::Rules, PolicyError::TooManyRules);
            return Vec::new();
        }
        let mut seen = BTreeMap::new();
        let mut rules = Vec::new();
        for (index, draft) in drafts.iter().enumerate() {
            self.rule_id(index, &draft.id, &mut seen);
            self.reason(DraftPart::Because(index), draft.because.as_deref());
            if let Answer::Refuse(reason) = &draft.answer {
                self.reason(DraftPart::Refuse(index), Some(reason));
            }
            let when = match &draft.when {
                Some(text) => self.condition(DraftPart::When(index), text),
                None if index + 1 == drafts.len() => Condition::Always,
                None => {
                    self.report(DraftPart::Rule(index), PolicyError::MissingWhen);
                    Condition::Always
                }
            };
            let (id, answer, because) = (draft.id.clone(), draft.answer.clone(), draft.because.clone());
            rules.push(Rule {
                id,
                when,
                answer,
                because,
            });
        }
        rules
    }

    fn rule_id<'d>(&mut self, index: usize, id: &'d str, seen: &mut BTreeMap<&'d str, usize>) {
        let part = DraftPart::RuleId(index);
        let letters = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if id.is_empty() || !id.chars().all(letters) {
            self.report(part, PolicyError::RuleId);
        } else if let Some(first) = seen.get(id) {
            self.report(
                part,
                PolicyError::DuplicateRule {
                    id: id.to_owned(),
                    first: *first,
                },
            );
        } else {
            seen.insert(id, index);
        }
    }

    fn reason(&mut self, part: DraftPart, reason: Option<&str>) {
        if reason.is_some_and(|reason| reason.trim().is_empty()) {
            self.report(part, PolicyError::EmptyReason);
        }
    }

    /// The condition of a text; a mistake is reported and stands for never.
    fn condition(&mut self, part: DraftPart, text: &str) -> Condition {
        match read_condition(text, &self.vocabulary) {
            Ok(condition) => condition,
            Err(misreads) => {
                self.mistakes
                    .extend(misreads.into_iter().map(|misread| DraftMistake {
                        error: misread.error.into(),
                        part,
                        range: Some(misread.range),
                    }));
                Condition::Never
            }
        }
    }

    fn refuse_fenced(
        &mut self,
        condition: &Condition,
        fenced: &BTreeSet<Flag>,
        part: DraftPart,
        error: &PolicyError,
    ) {
        if depends_on_fence(condition, fenced) {
            self.report(part, error.clone());
        }
    }

    fn report(&mut self, part: DraftPart, error: PolicyError) {
        self.mistakes.push(DraftMistake {
            error,
            part,
            range: None,
        });
    }
}

/// Why a condition could not spell this word.
fn word_error(word: &str) -> Option<WordError> {
    let letters = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !word.starts_with(|c: char| c.is_ascii_alphabetic()) || !word.chars().all(letters) {
        return Some(WordError::Shape);
    }
    super::vocabulary::RESERVED
        .contains(&word)
        .then_some(WordError::Reserved)
}

fn depends_on_fence(condition: &Condition, fenced: &BTreeSet<Flag>) -> bool {
    let mut found = false;
    condition.each_flag(&mut |flag| found |= flag == Flag::EFFECTS_FENCED || fenced.contains(&flag));
    found
}

/// The first open fact that a condition names.
fn first_open(condition: &Condition, open: &BTreeMap<Flag, (usize, Condition)>) -> Option<Flag> {
    let mut first = None;
    condition.each_flag(&mut |flag| {
        if first.is_none() && open.contains_key(&flag) {
            first = Some(flag);
        }
    });
    first
}

/// Takes facts out of `open` as long as one depends on no other open fact.
fn sort_facts(
    open: &mut BTreeMap<Flag, (usize, Condition)>,
    sorted: &mut Vec<Fact>,
    fenced: &mut BTreeSet<Flag>,
) {
    loop {
        let mut ready = open
            .iter()
            .filter(|(_, (_, when))| first_open(when, open).is_none());
        let Some(flag) = ready.next().map(|(flag, _)| *flag) else {
            return;
        };
        let Some((_, when)) = open.remove(&flag) else {
            return;
        };
        let after_boundary = depends_on_fence(&when, fenced);
        if after_boundary {
            fenced.insert(flag);
        }
        sorted.push(Fact {
            flag,
            when,
            after_boundary,
        });
    }
}

/// A circle among facts that each depend on another one of them: the facts along it, the first also as the last,
/// and where the first was written.
fn find_circle(open: &BTreeMap<Flag, (usize, Condition)>) -> Option<(usize, Vec<Flag>)> {
    let mut path: Vec<Flag> = Vec::new();
    let mut flag = *open.keys().next()?;
    while !path.contains(&flag) {
        path.push(flag);
        flag = first_open(&open.get(&flag)?.1, open)?;
    }
    let circle = path
        .into_iter()
        .skip_while(|one| *one != flag)
        .chain([flag])
        .collect();
    Some((open.get(&flag)?.0, circle))
}
