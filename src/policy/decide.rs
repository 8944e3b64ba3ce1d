//! The decision: where a task goes, by which rule, and what there is to say about it.
//!
//! The boundary is settled first; whether the effects are fenced follows from it, and only then the rules are asked.
//! What the decision says about itself does not change it: the file decides, the findings judge.

use super::attribute::{AttributeSet, Flag, Truth};
use super::checked::{Policy, Ready, Rule};
use super::compiled::{Compiled, Known};
use super::condition::Condition;
use super::draft::Answer;
use super::finding::{Finding, Findings};
use super::hash::PolicyHash;
use super::lane::{Boundary, Execution, Lane};
use super::reading::{Class, Gates, Permitted, Reading, read};
use super::task::Task;

/// Where a task goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Route {
    /// It is carried out.
    Execute(Execution),
    /// It is not taken.
    Refuse(Refusal),
}

/// Why a task is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// A rule says so and gives the reason.
    ByRule,
    /// No rule decides it.
    NoRule,
}

impl Refusal {
    /// The reason where no rule gives one.
    pub const NO_RULE: &'static str = "no rule of the policy decides this task";
}

/// What a policy says about one task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decision {
    /// What stands between the work and its effects.
    pub boundary: Boundary,
    /// Where the task goes.
    pub route: Route,
    /// The rule that decided, by its place in [`Policy::rules`]; none if no rule did.
    pub rule: Option<u16>,
    /// The three conditions for background work.
    pub gates: Gates,
    /// The class of the independent reading; none while unknown attributes could decide between several.
    pub class: Option<Class>,
    /// What the independent reading permits.
    pub permitted: Permitted,
    /// What there is to say.
    pub findings: Findings,
    /// The capabilities that the product is known to lack.
    pub missing: AttributeSet,
    /// The unknown attributes that leave a gate unknown.
    pub ask: AttributeSet,
    /// The policy that decided.
    pub policy: PolicyHash,
}

impl Decision {
    /// How the task is carried out; none if it is refused.
    #[must_use]
    pub const fn execution(&self) -> Option<Execution> {
        match self.route {
            Route::Execute(execution) => Some(execution),
            Route::Refuse(_) => None,
        }
    }

    /// The lane; none if the task is refused.
    #[must_use]
    pub fn lane(&self) -> Option<Lane> {
        self.execution()
            .map(|execution| Lane::of(execution, self.boundary))
    }

    /// Whether interactive work may be handed over to the background.
    #[must_use]
    pub const fn background_permitted(&self) -> bool {
        self.permitted.contains(Execution::Background)
    }

    /// The rule that decided.
    #[must_use]
    pub fn rule_of<'p>(&self, policy: &'p Policy) -> Option<&'p Rule> {
        policy.rules().get(usize::from(self.rule?))
    }
}

impl Policy {
    /// Decides where `task` goes. Pure, total, and without allocation.
    #[must_use]
    pub fn decide(&self, task: &Task) -> Decision {
        let mut known = Known::of(task, self.ready.attributes);
        let boundary = settle_boundary(&self.ready, &mut known);
        let index = self
            .ready
            .rules
            .iter()
            .position(|when| when.truth(&known).is_true());
        let rule = index.and_then(|index| self.rules().get(index));
        let route = route_of(rule);
        let reading = read(&known);
        Decision {
            boundary,
            route,
            rule: index.and_then(|index| u16::try_from(index).ok()),
            gates: reading.gates,
            class: reading.class,
            permitted: reading.permitted,
            findings: findings(&reading, &known, boundary, route, rule).and_if(
                self.ready.never.iter().any(|never| never.truth(&known).is_true()),
                Finding::AssumptionBroken,
            ),
            missing: reading.missing,
            ask: reading.ask,
            policy: self.hash(),
        }
    }
}

impl Policy {
    /// Whether a condition over attributes, and facts that are settled before the boundary, holds of a task.
    #[must_use]
    pub fn holds(&self, condition: &Condition, task: &Task) -> Truth {
        let mut known = Known::of(task, self.ready.attributes);
        settle_boundary(&self.ready, &mut known);
        Compiled::new(condition).truth(&known)
    }
}

/// Unknown counts as approval.
fn settle_boundary(ready: &Ready, known: &mut Known<'_>) -> Boundary {
    for (fact, when) in &ready.facts_before {
        known.learn(*fact, when.truth(known));
    }
    let boundary = match ready.approval_when.truth(known) {
        Truth::False => Boundary::None,
        Truth::True | Truth::Unknown => Boundary::Approval,
    };
    let fenced = match boundary {
        Boundary::Approval => Truth::True,
        Boundary::None => known.truth(Flag::ANY_EFFECT).negated(),
    };
    known.learn(Flag::EFFECTS_FENCED, fenced);
    for (fact, when) in &ready.facts_after {
        known.learn(*fact, when.truth(known));
    }
    boundary
}

const fn route_of(rule: Option<&Rule>) -> Route {
    match rule {
        Some(Rule {
            answer: Answer::Execute(execution),
            ..
        }) => Route::Execute(*execution),
        Some(Rule {
            answer: Answer::Refuse(_),
            ..
        }) => Route::Refuse(Refusal::ByRule),
        None => Route::Refuse(Refusal::NoRule),
    }
}

fn findings(
    reading: &Reading,
    known: &Known<'_>,
    boundary: Boundary,
    route: Route,
    rule: Option<&Rule>,
) -> Findings {
    let harmless = known.truth(Flag::ANY_EFFECT).is_false();
    let contested = reading.class.is_some_and(Class::is_contested);
    let silent = rule.is_none_or(|rule| rule.because.is_none());
    let outside = matches!(route, Route::Execute(execution) if !reading.permitted.contains(execution));
    let background = matches!(route, Route::Execute(Execution::Background));
    Findings::default()
        .and_if(boundary == Boundary::None && !harmless, Finding::Unsafe)
        .and_if(background && !reading.gates.all().is_true(), Finding::GateNotMet)
        .and_if(outside, Finding::OutsidePermitted)
        .and_if(matches!(route, Route::Refuse(Refusal::NoRule)), Finding::NoRule)
        .and_if(contested, Finding::Contested)
        .and_if(
            contested && silent && rule.is_some(),
            Finding::ChoiceWithoutReason,
        )
        .and_if(reading.class == Some(Class::D7), Finding::CapabilityGap)
        .and_if(reading.class == Some(Class::D6), Finding::Debt)
        .and_if(reading.class == Some(Class::D5), Finding::SingleQuickStep)
        .and_if(reading.gates.any_unknown(), Finding::Ask)
}
