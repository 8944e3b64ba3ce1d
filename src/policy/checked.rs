//! A checked policy.

use std::fmt::Write as _;

use super::attribute::Flag;
use super::compiled::Compiled;
use super::condition::Condition;
use super::draft::Answer;
use super::hash::PolicyHash;
use super::intention::Intention;
use super::task::AttributeId;
use super::vocabulary::Vocabulary;

/// One rule of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub id: String,
    /// When it matches.
    pub when: Condition,
    /// What it decides.
    pub answer: Answer,
    /// Why.
    pub because: Option<String>,
}

/// A named condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Its name, as a flag of the policy's vocabulary.
    pub flag: Flag,
    /// When it holds.
    pub when: Condition,
    /// Whether it depends on the boundary.
    pub after_boundary: bool,
}

/// A combination that cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assumption {
    /// The condition that never holds.
    pub never: Condition,
    /// Why it never holds.
    pub because: Option<String>,
}

/// A policy whose names, units and rules are checked.
///
/// Invariant: every flag and number in its conditions is one of its vocabulary, and each fact needs only facts
/// before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    name: String,
    vocabulary: Vocabulary,
    approval_when: Condition,
    facts: Vec<Fact>,
    assume: Vec<Assumption>,
    rules: Vec<Rule>,
    out_of_scope: Vec<(String, String)>,
    intentional: Vec<Intention>,
    hash: PolicyHash,
    pub(super) ready: Ready,
}

/// The conditions of a policy, ready for deciding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ready {
    pub(super) attributes: u64,
    pub(super) facts_before: Box<[(Flag, Compiled)]>,
    pub(super) approval_when: Compiled,
    pub(super) facts_after: Box<[(Flag, Compiled)]>,
    pub(super) rules: Box<[Compiled]>,
    pub(super) never: Box<[Compiled]>,
}

impl Policy {
    pub(super) fn new(
        name: String,
        vocabulary: Vocabulary,
        approval_when: Condition,
        facts: Vec<Fact>,
        assume: Vec<Assumption>,
        rules: Vec<Rule>,
    ) -> Self {
        let compiled_facts = |after: bool| {
            let facts = facts.iter().filter(|fact| fact.after_boundary == after);
            facts.map(|fact| (fact.flag, Compiled::new(&fact.when))).collect()
        };
        let ready = Ready {
            attributes: vocabulary.attribute_mask(),
            facts_before: compiled_facts(false),
            approval_when: Compiled::new(&approval_when),
            facts_after: compiled_facts(true),
            rules: rules.iter().map(|rule| Compiled::new(&rule.when)).collect(),
            never: assume
                .iter()
                .map(|assumption| Compiled::new(&assumption.never))
                .collect(),
        };
        let hash = PolicyHash::of("");
        let mut policy = Self {
            name,
            vocabulary,
            approval_when,
            facts,
            assume,
            rules,
            out_of_scope: Vec::new(),
            intentional: Vec::new(),
            hash,
            ready,
        };
        policy.hash = PolicyHash::of(&policy.canonical());
        policy
    }

    /// The same policy with clauses of the source that do not concern it, each with its reason, and with what looks
    /// like a slip and is none.
    pub(super) fn scoped(mut self, out_of_scope: Vec<(String, String)>, intentional: Vec<Intention>) -> Self {
        self.out_of_scope = out_of_scope;
        self.intentional = intentional;
        self.hash = PolicyHash::of(&self.canonical());
        self
    }

    /// The same policy with other conditions.
    pub(super) fn altered(&self, approval_when: Condition, facts: Vec<Fact>, rules: Vec<Rule>) -> Self {
        let (name, vocabulary) = (self.name.clone(), self.vocabulary.clone());
        Self::new(name, vocabulary, approval_when, facts, self.assume.clone(), rules)
    }

    /// Whether any of its conditions names the attribute or fact.
    #[must_use]
    pub fn reads(&self, attribute: AttributeId) -> bool {
        super::space::is_read(self, attribute)
    }

    /// The clauses of the source that do not concern it, each with its reason.
    #[must_use]
    pub fn out_of_scope(&self) -> &[(String, String)] {
        &self.out_of_scope
    }

    /// What looks like a slip and is none.
    #[must_use]
    pub fn intentional(&self) -> &[Intention] {
        &self.intentional
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The names that its conditions may use.
    #[must_use]
    pub const fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// When the boundary is approval; unknown counts as yes.
    #[must_use]
    pub const fn approval_when(&self) -> &Condition {
        &self.approval_when
    }

    /// Its named conditions, each after those that it needs.
    #[must_use]
    pub fn facts(&self) -> &[Fact] {
        &self.facts
    }

    /// What it takes to be impossible.
    #[must_use]
    pub fn assumptions(&self) -> &[Assumption] {
        &self.assume
    }

    /// Its rules; the first that matches decides.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Its identity.
    #[must_use]
    pub const fn hash(&self) -> PolicyHash {
        self.hash
    }

    /// The text that the hash is taken of: one fact a line, texts as JSON strings, what has no order sorted by name.
    #[must_use]
    pub fn canonical(&self) -> String {
        let mut text = format!("lanebench policy 1\npolicy {}\n", quoted(&self.name));
        for (name, kind) in self.vocabulary.declared_types() {
            line(&mut text, &["attribute", name, &kind]);
        }
        line(
            &mut text,
            &["approval_when", &self.approval_when.write(&self.vocabulary)],
        );
        let mut facts: Vec<_> = self.facts.iter().collect();
        facts.sort_by_key(|fact| self.vocabulary.flag_name(fact.flag));
        for fact in facts {
            let name = self.vocabulary.flag_name(fact.flag);
            line(&mut text, &["fact", name, &fact.when.write(&self.vocabulary)]);
        }
        for assumption in &self.assume {
            line(&mut text, &["never", &assumption.never.write(&self.vocabulary)]);
            because(&mut text, assumption.because.as_deref());
        }
        for rule in &self.rules {
            line(&mut text, &["rule", &rule.id, &rule.when.write(&self.vocabulary)]);
            match &rule.answer {
                Answer::Execute(execution) => line(&mut text, &["execution", execution.word()]),
                Answer::Refuse(reason) => line(&mut text, &["refuse", &quoted(reason)]),
            }
            because(&mut text, rule.because.as_deref());
        }
        for (clause, reason) in &self.out_of_scope {
            line(&mut text, &["out_of_scope", clause, &quoted(reason)]);
        }
        for intention in &self.intentional {
            let of = intention.of.as_deref().unwrap_or_default();
            let words = [intention.finding.word(), &quoted(&intention.name), &quoted(of)];
            line(&mut text, &["intentional", &words.join(" ")]);
            because(&mut text, Some(&intention.because));
        }
        text
    }
}

fn because(text: &mut String, reason: Option<&str>) {
    if let Some(reason) = reason {
        line(text, &["because", &quoted(reason)]);
    }
}

fn line(text: &mut String, words: &[&str]) {
    text.push_str(&words.join(" "));
    text.push('\n');
}

/// A JSON string: on one line, whatever it holds.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                // Writing into a string cannot fail.
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
