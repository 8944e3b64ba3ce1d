//! Edits: a policy with one single thing changed, to see whether anything notices.
//!
//! An edit is what a slip of the pen would be: a literal left out or negated, one operator for another, a threshold
//! off by one, a rule gone or in another place, an answer flipped, an effect forgotten in the boundary. It is made on
//! the checked policy, so every edit is itself a policy that decides. Assumptions decide nothing and are not edited.

use std::collections::BTreeSet;

use super::attribute::{Attribute, Flag};
use super::checked::Policy;
use super::condition::{Comparison, Condition};
use super::draft::Answer;
use super::hash::PolicyHash;
use super::lane::Execution;
use super::task::NumberId;
use super::vocabulary::{NumberKind, Vocabulary};

/// What sort of slip an edit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EditSort {
    /// A part of a condition is left out.
    Dropped,
    /// A part of a condition is negated.
    Negated,
    /// `and` for `or`, or one comparison for another.
    Operator,
    /// A literal is off by one, on either side.
    Threshold,
    /// Another word of the same attribute.
    Word,
    /// An effect is missing in the boundary.
    Effect,
    /// A rule is gone.
    Removed,
    /// A rule stands in another place.
    Moved,
    /// A rule answers something else.
    Answer,
}

impl EditSort {
    /// Every sort, in canonical order.
    pub const ALL: [Self; 9] = [
        Self::Dropped,
        Self::Negated,
        Self::Operator,
        Self::Threshold,
        Self::Word,
        Self::Effect,
        Self::Removed,
        Self::Moved,
        Self::Answer,
    ];

    /// The word used in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Dropped => "dropped",
            Self::Negated => "negated",
            Self::Operator => "operator",
            Self::Threshold => "threshold",
            Self::Word => "word",
            Self::Effect => "effect",
            Self::Removed => "removed",
            Self::Moved => "moved",
            Self::Answer => "answer",
        }
    }
}

/// A policy with one thing changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What sort of slip it is.
    pub sort: EditSort,
    /// What was done, in words: ``rule `three-gates`: without `slow` ``.
    pub what: String,
    /// The policy after it.
    pub policy: Policy,
}

impl Policy {
    /// Every single edit of this policy, in the order of its text. Two edits that give the same policy are one.
    #[must_use]
    pub fn edits(&self) -> Vec<Edit> {
        let mut editor = Editor {
            policy: self,
            seen: BTreeSet::from([self.hash()]),
            edits: Vec::new(),
        };
        editor.boundary();
        editor.facts();
        for index in 0..self.rules().len() {
            editor.rule(index);
        }
        editor.edits
    }
}

struct Editor<'p> {
    policy: &'p Policy,
    seen: BTreeSet<PolicyHash>,
    edits: Vec<Edit>,
}

/// A condition after a change, with what was done to it.
struct Variant {
    sort: EditSort,
    what: String,
    condition: Condition,
}

impl Editor<'_> {
    fn add(&mut self, sort: EditSort, what: String, change: impl FnOnce(&mut Parts)) {
        let mut parts = Parts {
            approval_when: self.policy.approval_when().clone(),
            facts: self.policy.facts().to_vec(),
            rules: self.policy.rules().to_vec(),
        };
        change(&mut parts);
        let policy = Policy::new(
            self.policy.name().to_owned(),
            self.policy.vocabulary().clone(),
            parts.approval_when,
            parts.facts,
            self.policy.assumptions().to_vec(),
            parts.rules,
        );
        if self.seen.insert(policy.hash()) {
            self.edits.push(Edit { sort, what, policy });
        }
    }

    fn variants(&self, condition: &Condition, place: Place) -> Vec<Variant> {
        let vocabulary = self.policy.vocabulary();
        let mut all = Vec::new();
        if place != Place::Rule {
            all.push(Variant {
                sort: EditSort::Dropped,
                what: "never".to_owned(),
                condition: Condition::Never,
            });
        }
        if !matches!(condition, Condition::And(_) | Condition::Or(_)) {
            all.push(Variant {
                sort: EditSort::Dropped,
                what: "always".to_owned(),
                condition: Condition::Always,
            });
        }
        vary(condition, vocabulary, place, &mut all);
        all
    }

    fn boundary(&mut self) {
        for variant in self.variants(self.policy.approval_when(), Place::Boundary) {
            let what = format!("boundary: {}", variant.what);
            self.add(variant.sort, what, |parts| {
                parts.approval_when = variant.condition
            });
        }
    }

    fn facts(&mut self) {
        for (index, fact) in self.policy.facts().iter().enumerate() {
            let name = self.policy.vocabulary().flag_name(fact.flag);
            for variant in self.variants(&fact.when, Place::Fact) {
                let what = format!("fact `{name}`: {}", variant.what);
                self.add(variant.sort, what, |parts| {
                    parts.facts[index].when = variant.condition;
                });
            }
        }
    }

    fn rule(&mut self, index: usize) {
        let rules = self.policy.rules();
        let rule = &rules[index];
        let about = |what: &str| format!("rule `{}`: {what}", rule.id);
        for variant in self.variants(&rule.when, Place::Rule) {
            self.add(variant.sort, about(&variant.what), |parts| {
                parts.rules[index].when = variant.condition;
            });
        }
        let interactive = Answer::Execute(Execution::Interactive);
        let background = Answer::Execute(Execution::Background);
        for answer in [interactive, background] {
            if let Answer::Execute(execution) = &answer
                && answer != rule.answer
            {
                let what = about(&format!("{} for {}", execution.word(), answer_word(&rule.answer)));
                self.add(EditSort::Answer, what, |parts| parts.rules[index].answer = answer);
            }
        }
        if rules.len() > 1 {
            self.add(EditSort::Removed, about("removed"), |parts| {
                parts.rules.remove(index);
            });
        }
        for place in (0..rules.len()).filter(|place| *place != index) {
            let beside = if place < index { "before" } else { "behind" };
            let what = about(&format!("moved {beside} `{}`", rules[place].id));
            self.add(EditSort::Moved, what, |parts| {
                let rule = parts.rules.remove(index);
                parts.rules.insert(place, rule);
            });
        }
    }
}

/// The parts of a policy that decide.
struct Parts {
    approval_when: Condition,
    facts: Vec<super::checked::Fact>,
    rules: Vec<super::checked::Rule>,
}

/// What a condition is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Boundary,
    Fact,
    Rule,
}

const fn answer_word(answer: &Answer) -> &'static str {
    match answer {
        Answer::Execute(execution) => execution.word(),
        Answer::Refuse(_) => "a refusal",
    }
}

/// Every change of one part of a condition, wherever that part stands in it.
fn vary(condition: &Condition, vocabulary: &Vocabulary, place: Place, all: &mut Vec<Variant>) {
    let written = |condition: &Condition| condition.write(vocabulary);
    let mut push = |sort, what: String, condition| {
        all.push(Variant {
            sort,
            what,
            condition,
        })
    };
    match condition {
        Condition::Always | Condition::Never => {}
        Condition::Is(flag) => {
            let not = Condition::Not(Box::new(condition.clone()));
            let what = format!("`{}` for `{}`", written(&not), written(condition));
            push(EditSort::Negated, what, not);
            if *flag == Flag::ANY_EFFECT && place != Place::Rule {
                for effect in effects() {
                    let what = format!("without the effect `{}`", effect.word());
                    push(EditSort::Effect, what, all_effects_but(effect));
                }
            }
        }
        Condition::Compare {
            number,
            comparison,
            literal,
        } => {
            for (sort, other) in other_comparisons(vocabulary, *number, *comparison, *literal) {
                let what = format!("`{}` for `{}`", written(&other), written(condition));
                push(sort, what, other);
            }
        }
        Condition::Not(inner) => {
            let what = format!("`{}` for `{}`", written(inner), written(condition));
            push(EditSort::Negated, what, (**inner).clone());
            within(inner, vocabulary, place, all, &|inner| {
                Condition::Not(Box::new(inner))
            });
        }
        Condition::And(parts) => joined(parts, Condition::And, Condition::Or, vocabulary, place, all),
        Condition::Or(parts) => joined(parts, Condition::Or, Condition::And, vocabulary, place, all),
    }
}

/// The changes of a part, each put back into the whole.
fn within(
    part: &Condition,
    vocabulary: &Vocabulary,
    place: Place,
    all: &mut Vec<Variant>,
    whole: &dyn Fn(Condition) -> Condition,
) {
    let mut inner = Vec::new();
    vary(part, vocabulary, place, &mut inner);
    all.extend(inner.into_iter().map(|variant| Variant {
        condition: whole(variant.condition),
        ..variant
    }));
}

type Join = fn(Vec<Condition>) -> Condition;

fn joined(
    parts: &[Condition],
    join: Join,
    other: Join,
    vocabulary: &Vocabulary,
    place: Place,
    all: &mut Vec<Variant>,
) {
    let swapped = other(parts.to_vec());
    let what = format!("`{}`", swapped.write(vocabulary));
    all.push(Variant {
        sort: EditSort::Operator,
        what,
        condition: swapped,
    });
    for (index, part) in parts.iter().enumerate() {
        let mut rest = parts.to_vec();
        rest.remove(index);
        let condition = match (rest.len(), rest.pop()) {
            (1, Some(last)) => last,
            (_, Some(last)) => {
                rest.push(last);
                join(rest)
            }
            (_, None) => Condition::Always,
        };
        all.push(Variant {
            sort: EditSort::Dropped,
            what: format!("without `{}`", part.write(vocabulary)),
            condition,
        });
        within(part, vocabulary, place, all, &|changed| {
            let mut parts = parts.to_vec();
            parts[index] = changed;
            join(parts)
        });
    }
}

fn effects() -> impl Iterator<Item = Attribute> {
    Attribute::EFFECTS.into_iter().chain(Attribute::UMBRELLAS)
}

fn all_effects_but(missing: Attribute) -> Condition {
    let rest = effects().filter(|effect| *effect != missing);
    Condition::Or(rest.map(|effect| Condition::Is(effect.flag())).collect())
}

/// Comparisons of the same attribute that a slip could have written.
fn other_comparisons(
    vocabulary: &Vocabulary,
    number: NumberId,
    comparison: Comparison,
    literal: u64,
) -> Vec<(EditSort, Condition)> {
    let compare = |comparison, literal| Condition::Compare {
        number,
        comparison,
        literal,
    };
    let words = match vocabulary.kind(number) {
        Some(NumberKind::Words(words)) => Some(words.len() as u64),
        Some(NumberKind::Integer(_)) | None => None,
    };
    let negated = comparison.negated();
    let mut all = vec![(EditSort::Negated, compare(negated, literal))];
    if let Some(words) = words {
        let others = (0..words).filter(|word| *word != literal);
        all.extend(others.map(|word| (EditSort::Word, compare(comparison, word))));
        return all;
    }
    let others = Comparison::ALL
        .into_iter()
        .filter(|other| *other != comparison && *other != negated);
    all.extend(others.map(|other| (EditSort::Operator, compare(other, literal))));
    let beside = [literal.checked_sub(1), literal.checked_add(1)];
    let beside = beside.into_iter().flatten();
    all.extend(beside.map(|literal| (EditSort::Threshold, compare(comparison, literal))));
    all
}
