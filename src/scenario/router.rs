//! The router that a policy drives: the one function that is proven, run and simulated.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::job::{HandOver, Placement, Routed, Router};
use crate::policy::{self, Decision, Lane, Policy, Truth};
use crate::trace::{Boundary, Decided, Execution, LaneName};
use crate::units::JobId;

/// Routes the tasks of a scenario by a policy.
///
/// A decision depends on the policy and the attributes alone, so tasks of the same attributes share one.
#[derive(Debug, Clone)]
pub struct PolicyRouter {
    policy: Arc<Policy>,
    /// What was decided, once for all tasks that are alike.
    decided: Arc<[Routed]>,
    /// The decision of each task, by its place there.
    places: Arc<[usize]>,
}

impl PolicyRouter {
    /// A router for these tasks, by their numbers.
    #[must_use]
    pub fn new<'t>(policy: Arc<Policy>, tasks: impl IntoIterator<Item = &'t policy::Task>) -> Self {
        let mut known: HashMap<&policy::Task, usize> = HashMap::new();
        let mut decided = Vec::new();
        let places = tasks.into_iter().map(|task| {
            *known.entry(task).or_insert_with(|| {
                decided.push(routed(&policy, task, &policy.decide(task)));
                decided.len() - 1
            })
        });
        let places = places.collect();
        Self {
            decided: decided.into(),
            places,
            policy,
        }
    }
}

impl Router for PolicyRouter {
    /// A number without a task is a task of which nothing is known.
    fn route(&self, task: JobId) -> Routed {
        match self.places.get(task.0 as usize) {
            Some(place) => self.decided[*place].clone(),
            None => {
                let unknown = policy::Task::new();
                routed(&self.policy, &unknown, &self.policy.decide(&unknown))
            }
        }
    }
}

/// What a decision of this policy about this task means for the core and for the trace.
#[must_use]
pub fn routed(policy: &Policy, task: &policy::Task, decision: &Decision) -> Routed {
    let (Some(execution), Some(lane)) = (decision.execution(), decision.lane()) else {
        let reason = policy.refusal(decision).unwrap_or_default();
        return Routed::Refused(reason.into());
    };
    let execution = Execution::from(execution);
    let (lane, boundary) = (lane.into(), decision.boundary.into());
    let hash: Arc<str> = decision.policy.to_string().into();
    let rule: Arc<str> = decision
        .rule_of(policy)
        .map_or("", |rule| rule.id.as_str())
        .into();
    let may_leave = execution == Execution::Interactive && decision.background_permitted();
    let decided = Decided {
        lane,
        execution,
        boundary,
        rule,
        policy: hash,
        gates: gates(decision),
        background_permitted: decision.background_permitted(),
        findings: decision
            .findings
            .iter()
            .map(|finding| finding.word().into())
            .collect(),
        attributes: attributes(policy, task),
        due: None,
    };
    let placement = Placement {
        lane,
        execution,
        boundary,
        hand_over: if may_leave {
            HandOver::Permitted
        } else {
            HandOver::Forbidden
        },
        tier: None,
        due: None,
    };
    Routed::Placed(placement, Arc::new(decided))
}

fn gates(decision: &Decision) -> [Option<bool>; 3] {
    let known = |truth: Truth| (!truth.is_unknown()).then_some(truth.is_true());
    let gates = decision.gates;
    [
        known(gates.outlives_session),
        known(gates.several_steps_or_slow),
        known(gates.product_can_show),
    ]
}

/// What was known, by name: `true (declared)`.
fn attributes(policy: &Policy, task: &policy::Task) -> BTreeMap<Arc<str>, Arc<str>> {
    written(policy, task)
        .map(|(name, value, source)| (name, format!("{value} ({})", source.word()).into()))
        .collect()
}

/// What is known about a task, by name, as it is written, and from where.
pub fn written(
    policy: &Policy,
    task: &policy::Task,
) -> impl Iterator<Item = (Arc<str>, String, policy::Source)> {
    let vocabulary = policy.vocabulary();
    let given = vocabulary
        .attributes()
        .filter_map(|attribute| task.given(attribute));
    given.map(|given| {
        let value = vocabulary.write_value(given.attribute, given.value);
        (Arc::from(vocabulary.name(given.attribute)), value, given.source)
    })
}

/// The words of policies are those of the trace.
impl From<policy::Execution> for Execution {
    fn from(execution: policy::Execution) -> Self {
        match execution {
            policy::Execution::Interactive => Self::Interactive,
            policy::Execution::Background => Self::Background,
        }
    }
}

impl From<policy::Boundary> for Boundary {
    fn from(boundary: policy::Boundary) -> Self {
        match boundary {
            policy::Boundary::None => Self::None,
            policy::Boundary::Approval => Self::Approval,
        }
    }
}

impl From<Lane> for LaneName {
    fn from(lane: Lane) -> Self {
        match lane {
            Lane::Interactive => Self::Interactive,
            Lane::Background => Self::Background,
            Lane::Approval => Self::Approval,
        }
    }
}
