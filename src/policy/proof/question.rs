//! The questions that a policy raises.

use crate::policy::attribute::Attribute;
use crate::policy::checked::Policy;
use crate::policy::draft::Answer;
use crate::policy::lane::{Execution, Lane};
use crate::policy::reading::Class;

use super::site::{Site, sites};

/// One question about the space of a policy; its answer is the set of the possible cells of which it is true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Question {
    /// Not excluded by an assumption.
    Possible,
    /// In this lane.
    Lane(Lane),
    /// With this execution.
    Execution(Execution),
    /// Refused by a rule.
    Refused,
    /// Behind the approval boundary.
    Approval,
    /// In this class of the independent reading.
    Class(Class),
    /// Decided by no rule.
    Gap,
    /// A known effect without the boundary.
    EffectLoose,
    /// An effect that nobody ruled out, without the boundary.
    UnknownLoose,
    /// Decided by this rule.
    Decides(usize),
    /// Matched by this rule.
    Matches(usize),
    /// Sent to the background by this rule though a gate is false.
    GateFalse(usize),
    /// Sent to the background by this rule though a gate is unknown.
    GateUnknown(usize),
    /// Kept interactive by this rule where the reading permits the background alone.
    Outside(usize),
    /// Refused by this rule where the reading permits no refusal.
    Refusal(usize),
    /// Contested, decided by this rule, which gives no reason.
    Silent(usize),
    /// Decided by this rule without a reason, where a later rule with a condition would answer otherwise.
    Overlap(usize),
    /// Decided by this rule, and answered otherwise if it were not there.
    Needed(usize),
    /// Answered otherwise without this literal.
    Literal(Site),
    /// Behind the boundary, and no longer so once this effect is added.
    EffectLoses(Attribute),
    /// Not in the background, and there once the product loses this capability.
    CapabilityMoves(Attribute),
}

/// The questions that a policy raises, in a fixed order.
#[derive(Debug, Clone)]
pub struct Plan {
    policy: Policy,
    questions: Vec<Question>,
}

impl Plan {
    /// All questions about `policy`.
    #[must_use]
    pub fn new(policy: &Policy) -> Self {
        let mut questions = vec![Question::Possible];
        questions.extend(Lane::ALL.map(Question::Lane));
        questions.extend(Execution::ALL.map(Question::Execution));
        questions.extend([Question::Refused, Question::Approval]);
        questions.extend(Class::ALL.map(Question::Class));
        questions.extend([Question::Gap, Question::EffectLoose, Question::UnknownLoose]);
        for (index, rule) in policy.rules().iter().enumerate() {
            questions.extend([
                Question::Decides(index),
                Question::Matches(index),
                Question::Needed(index),
            ]);
            match rule.answer {
                Answer::Execute(Execution::Background) => {
                    questions.extend([Question::GateFalse(index), Question::GateUnknown(index)]);
                }
                Answer::Execute(Execution::Interactive) => questions.push(Question::Outside(index)),
                Answer::Refuse(_) => questions.push(Question::Refusal(index)),
            }
            if rule.because.is_none() && !matches!(rule.answer, Answer::Refuse(_)) {
                questions.extend([Question::Silent(index), Question::Overlap(index)]);
            }
        }
        questions.extend(sites(policy).into_iter().map(Question::Literal));
        let effects = Attribute::EFFECTS.into_iter().chain(Attribute::UMBRELLAS);
        questions.extend(effects.map(Question::EffectLoses));
        questions.extend(Attribute::CAPABILITIES.map(Question::CapabilityMoves));
        Self {
            policy: policy.clone(),
            questions,
        }
    }

    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The questions.
    #[must_use]
    pub fn questions(&self) -> &[Question] {
        &self.questions
    }
}

impl Question {
    /// How certificates call it.
    #[must_use]
    pub fn name(self, policy: &Policy) -> String {
        let rule = |index: usize| policy.rules().get(index).map_or("", |rule| rule.id.as_str());
        match self {
            Self::Possible => "possible".to_owned(),
            Self::Lane(lane) => format!("lane {}", lane.word()),
            Self::Execution(execution) => format!("execution {}", execution.word()),
            Self::Refused => "refused".to_owned(),
            Self::Approval => "boundary approval".to_owned(),
            Self::Class(class) => format!("class {}", class.word()),
            Self::Gap => "no rule".to_owned(),
            Self::EffectLoose => "effect without boundary".to_owned(),
            Self::UnknownLoose => "unknown effect without boundary".to_owned(),
            Self::Decides(index) => format!("decides {}", rule(index)),
            Self::Matches(index) => format!("matches {}", rule(index)),
            Self::GateFalse(index) => format!("background against a gate {}", rule(index)),
            Self::GateUnknown(index) => format!("background with a gate unknown {}", rule(index)),
            Self::Outside(index) => format!("interactive where only background is permitted {}", rule(index)),
            Self::Refusal(index) => format!("refused where no refusal is permitted {}", rule(index)),
            Self::Silent(index) => format!("contested without a reason {}", rule(index)),
            Self::Overlap(index) => format!("overlap without a reason {}", rule(index)),
            Self::Needed(index) => format!("needed {}", rule(index)),
            Self::Literal(site) => format!("literal {:?} {}", site.owner, site.index),
            Self::EffectLoses(effect) => format!("boundary lost by adding {}", effect.word()),
            Self::CapabilityMoves(capability) => format!("to the background by losing {}", capability.word()),
        }
    }
}
