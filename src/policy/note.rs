//! A decision written down for reports: self-contained, with words instead of places.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::attribute::{Attribute, Source};
use super::checked::Policy;
use super::decide::{Decision, Refusal, Route};
use super::draft::Answer;
use super::finding::Finding;
use super::hash::PolicyHash;
use super::lane::{Boundary, Execution, Lane};
use super::reading::{Class, Gates};
use super::task::Task;

/// A decision with everything a reader needs to check it: the policy, the rule, what was known and from where, and
/// the alternatives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionNote {
    /// What the policy is called.
    pub policy: String,
    /// Its identity.
    pub policy_hash: PolicyHash,
    /// The lane; none if the task is refused.
    pub lane: Option<Lane>,
    /// How the task is carried out; none if it is refused.
    pub execution: Option<Execution>,
    /// What stands between the work and its effects.
    pub boundary: Boundary,
    /// Why the task is refused, if it is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub refused: Option<String>,
    /// The rule that decided, if one did.
    pub rule: Option<RuleNote>,
    /// The three conditions for background work.
    pub gates: Gates,
    /// The class of the independent reading, if it is settled.
    pub class: Option<Class>,
    /// The executions that the independent reading permits.
    pub permitted: Vec<Execution>,
    /// What there is to say, the worst first.
    pub findings: Vec<Finding>,
    /// The capabilities that the product lacks.
    pub missing: Vec<Attribute>,
    /// The attributes to ask for.
    pub ask: Vec<Attribute>,
    /// What was known about the task, by name; everything else is unknown.
    pub attributes: BTreeMap<String, AttributeNote>,
}

/// The rule that decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleNote {
    /// Its name.
    pub id: String,
    /// Its place in the policy, from 0.
    pub index: u16,
    /// Its reason, if it gives one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub because: Option<String>,
}

/// What was known about one attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributeNote {
    /// The value as files write it.
    pub value: String,
    /// Where it comes from.
    pub source: Source,
}

impl Policy {
    /// Writes down a decision that this policy took about `task`.
    #[must_use]
    pub fn note(&self, task: &Task, decision: &Decision) -> DecisionNote {
        DecisionNote {
            policy: self.name().to_owned(),
            policy_hash: decision.policy,
            lane: decision.lane(),
            execution: decision.execution(),
            boundary: decision.boundary,
            refused: self.refusal(decision),
            rule: self.rule_note(decision),
            gates: decision.gates,
            class: decision.class,
            permitted: decision.permitted.executions().collect(),
            findings: decision.findings.iter().collect(),
            missing: decision.missing.iter().collect(),
            ask: decision.ask.iter().collect(),
            attributes: self.attribute_notes(task),
        }
    }

    /// Why the task is refused, if it is.
    #[must_use]
    pub fn refusal(&self, decision: &Decision) -> Option<String> {
        match (decision.route, decision.rule_of(self).map(|rule| &rule.answer)) {
            (Route::Execute(_), _) => None,
            (Route::Refuse(_), Some(Answer::Refuse(reason))) => Some(reason.clone()),
            (Route::Refuse(_), Some(Answer::Execute(_)) | None) => Some(Refusal::NO_RULE.to_owned()),
        }
    }

    fn rule_note(&self, decision: &Decision) -> Option<RuleNote> {
        let rule = decision.rule_of(self)?;
        Some(RuleNote {
            id: rule.id.clone(),
            index: decision.rule?,
            because: rule.because.clone(),
        })
    }

    fn attribute_notes(&self, task: &Task) -> BTreeMap<String, AttributeNote> {
        let vocabulary = self.vocabulary();
        let given = vocabulary
            .attributes()
            .filter_map(|attribute| task.given(attribute));
        let note = |value, source| AttributeNote { value, source };
        given
            .map(|given| {
                let value = vocabulary.write_value(given.attribute, given.value);
                (
                    vocabulary.name(given.attribute).to_owned(),
                    note(value, given.source),
                )
            })
            .collect()
    }
}
