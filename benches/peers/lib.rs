//! The rules of the three-lane policy in three engines: Lanebench, Cedar and CEL.
//!
//! Each engine gets its question ready beforehand, as a router would that keeps its attributes in the engine's own
//! form, and answers with execution, boundary and rule. What Lanebench says beyond that (gates, class, findings, the
//! alternatives) is part of its time and of nobody else's.

use std::sync::Arc;

use cedar_policy::{
    Authorizer, Context as CedarContext, Decision, Entities, EntityUid, PolicySet, Request,
    RestrictedExpression,
};
use cel::{Context as CelContext, Env, Program, Value};
use lanebench::policy::{Attribute, Boundary, Execution, Policy, Task, decode_policy};
use lanebench::scenario::{Diagnostics, Sources, read};

/// The policy as it is shipped.
const THREE_LANE: &str = include_str!("../../scenarios/policies/three-lane.yaml");

/// The attributes of the boolean space: all but the umbrella flags, which are false.
pub const ATTRIBUTES: [Attribute; 15] = {
    let mut attributes = [Attribute::UserSteering; 15];
    let mut index = 0;
    while index < attributes.len() {
        attributes[index] = Attribute::ALL[index];
        index += 1;
    }
    attributes
};

/// How many rows the boolean space has.
pub const ROWS: u32 = 1 << ATTRIBUTES.len();

/// What all engines are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// How the task is carried out.
    pub execution: Execution,
    /// What stands before its effects.
    pub boundary: Boundary,
    /// Which rule decided: steered, the three gates, otherwise.
    pub rule: u16,
}

/// The attributes of a row by name.
fn named(row: u32) -> impl Iterator<Item = (&'static str, bool)> {
    let bit = move |index: usize| row >> index & 1 == 1;
    ATTRIBUTES
        .iter()
        .enumerate()
        .map(move |(index, attribute)| (attribute.word(), bit(index)))
}

/// An engine with the rules in it.
pub trait Engine {
    /// A row in the engine's own form.
    type Question;

    /// What it is called in reports.
    const NAME: &'static str;

    /// Reads the rules.
    fn new() -> Self;

    /// Gets a row ready.
    fn question(&self, row: u32) -> Self::Question;

    /// Decides.
    fn answer(&self, question: &Self::Question) -> Answer;
}

/// Lanebench.
pub struct Lanebench(Policy);

impl Engine for Lanebench {
    type Question = Task;
    const NAME: &'static str = "lanebench";

    fn new() -> Self {
        let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
        let tree = read(&mut sources, "three-lane.yaml", THREE_LANE.as_bytes(), &mut out);
        let policy = tree.and_then(|node| decode_policy(&node, &mut out));
        Self(policy.expect("the shipped policy is read"))
    }

    fn question(&self, row: u32) -> Task {
        let task = Task::new().with_all(&Attribute::UMBRELLAS, false);
        let bits = ATTRIBUTES.into_iter().enumerate();
        bits.fold(task, |task, (index, attribute)| {
            task.with(attribute, row >> index & 1 == 1)
        })
    }

    fn answer(&self, task: &Task) -> Answer {
        let decision = self.0.decide(task);
        Answer {
            execution: decision.execution().expect("nothing is refused"),
            boundary: decision.boundary,
            rule: decision.rule.expect("some rule decides"),
        }
    }
}

/// Cedar: two questions, since it allows or denies.
pub struct Cedar {
    authorizer: Authorizer,
    policies: PolicySet,
    entities: Entities,
}

const CEDAR: &str = r#"
@id("three-gates")
permit (principal, action == Action::"run_in_background", resource)
when {
  context.value_after_session &&
  (context.multi_step_or_slow || context.review_before_delivery) &&
  context.can_show_status && context.can_show_retry && context.can_retrieve_result
};

@id("steered-work-stays-interactive")
forbid (principal, action == Action::"run_in_background", resource)
when { context.user_steering || context.conversational_value_primary };

@id("no-boundary")
permit (principal, action == Action::"act_without_approval", resource)
unless {
  context.customer_comm || context.record_change || context.purchase_or_credit ||
  context.prod_write || context.publish_unchecked
};
"#;

fn uid(text: &str) -> EntityUid {
    text.parse().expect("an entity")
}

impl Engine for Cedar {
    type Question = [Request; 2];
    const NAME: &'static str = "cedar-policy";

    fn new() -> Self {
        Self {
            authorizer: Authorizer::new(),
            policies: CEDAR.parse().expect("the rules are read"),
            entities: Entities::empty(),
        }
    }

    fn question(&self, row: u32) -> [Request; 2] {
        let pairs = named(row).map(|(name, holds)| (name.to_owned(), RestrictedExpression::new_bool(holds)));
        let context = CedarContext::from_pairs(pairs).expect("a context");
        ["run_in_background", "act_without_approval"].map(|action| {
            let action = uid(&format!("Action::\"{action}\""));
            let (who, what) = (uid("Router::\"router\""), uid("Task::\"task\""));
            Request::new(who, action, what, context.clone(), None).expect("a request")
        })
    }

    fn answer(&self, [leave, act]: &[Request; 2]) -> Answer {
        let ask = |request| {
            self.authorizer
                .is_authorized(request, &self.policies, &self.entities)
        };
        let (leave, act) = (ask(leave), ask(act));
        let (execution, rule) = match leave.decision() {
            Decision::Allow => (Execution::Background, 1),
            // A denial with a reason was forbidden; one without was merely not permitted.
            Decision::Deny if leave.diagnostics().reason().next().is_some() => (Execution::Interactive, 0),
            Decision::Deny => (Execution::Interactive, 2),
        };
        let boundary = match act.decision() {
            Decision::Allow => Boundary::None,
            Decision::Deny => Boundary::Approval,
        };
        Answer {
            execution,
            boundary,
            rule,
        }
    }
}

/// CEL: one expression that gives the number of the rule, with ten more where the boundary is approval.
pub struct Cel {
    env: Arc<Env>,
    program: Program,
}

const CEL: &str = "
(user_steering || conversational_value_primary
  ? 0
  : value_after_session && (multi_step_or_slow || review_before_delivery)
      && can_show_status && can_show_retry && can_retrieve_result
  ? 1
  : 2)
+ (customer_comm || record_change || purchase_or_credit || prod_write || publish_unchecked ? 10 : 0)
";

impl Engine for Cel {
    type Question = CelContext<'static, 'static>;
    const NAME: &'static str = "cel";

    fn new() -> Self {
        let env = Arc::new(Env::stdlib());
        let program = env.compile(CEL).expect("the rules are read");
        Self { env, program }
    }

    fn question(&self, row: u32) -> CelContext<'static, 'static> {
        let mut context = CelContext::with_env(Arc::clone(&self.env));
        for (name, holds) in named(row) {
            context.add_variable_from_value(name, holds);
        }
        context
    }

    fn answer(&self, context: &CelContext<'static, 'static>) -> Answer {
        let Ok(Value::Int(number)) = self.program.execute(context) else {
            panic!("no number");
        };
        let rule = u16::try_from(number % 10).expect("a rule");
        Answer {
            execution: if rule == 1 {
                Execution::Background
            } else {
                Execution::Interactive
            },
            boundary: if number >= 10 {
                Boundary::Approval
            } else {
                Boundary::None
            },
            rule,
        }
    }
}

/// Asserts that the three engines give the same answer on every row, and returns how many rows there are.
///
/// # Panics
/// If two engines differ.
#[must_use]
pub fn agree() -> u32 {
    let (ours, cedar, cel) = (Lanebench::new(), Cedar::new(), Cel::new());
    let mut background = 0;
    for row in 0..ROWS {
        let answer = ours.answer(&ours.question(row));
        assert_eq!(
            answer,
            cedar.answer(&cedar.question(row)),
            "Cedar differs on row {row}"
        );
        assert_eq!(answer, cel.answer(&cel.question(row)), "CEL differs on row {row}");
        background += u32::from(answer.execution == Execution::Background);
    }
    // Four of value and capabilities hold, at least one of two is slow, nobody steers or converses.
    assert_eq!(background, 3 << 7, "rows in the background");
    ROWS
}
