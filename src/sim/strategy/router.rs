//! How a strategy drives the router of the job core.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::drawn::Drawn;
use super::seam::{Choice, Heard, Sight, Strategy};
use crate::job::{HandOver, JobEnd, LaneSeen, Placement, Routed, Router, Seen};
use crate::policy::{self, Attribute, Decision, Policy};
use crate::scenario::{routed, written};
use crate::trace::{Boundary, Decided, Execution, LaneName, StateName};
use crate::units::{JobId, SimDuration, SimTime};

/// What a strategy is shown of the tasks of each sort, and what its policy says about them.
#[derive(Debug, Clone)]
pub struct SortRoutes {
    /// The kind.
    pub kind: Arc<str>,
    /// What is declared.
    pub attributes: policy::Task,
    declared: Arc<[(Arc<str>, Arc<str>)]>,
    decision: Decision,
    by_policy: Routed,
    target: Option<SimDuration>,
}

impl SortRoutes {
    /// Of tasks of this kind, with what is declared about them, under a policy.
    #[must_use]
    pub fn new(policy: &Policy, kind: Arc<str>, attributes: policy::Task) -> Self {
        let decision = policy.decide(&attributes);
        Self {
            by_policy: routed(policy, &attributes, &decision),
            declared: written(policy, &attributes)
                .map(|(name, value, _)| (name, value.into()))
                .collect(),
            decision,
            target: None,
            kind,
            attributes,
        }
    }

    /// The same with a declared target for the result.
    #[must_use]
    pub fn wanted_within(self, target: Option<SimDuration>) -> Self {
        Self { target, ..self }
    }

    /// Whether the policy has a user wait for it, and nothing of it needs an approval.
    #[must_use]
    pub const fn is_plain_chat(&self) -> bool {
        matches!(self.home(), Some(LaneName::Interactive))
    }

    /// Whether a job that was placed at this tick has ended whole, in time, and for somebody.
    fn is_good(&self, placed: u64, end: &JobEnd) -> bool {
        let took = SimDuration::from_ticks(end.at.ticks().saturating_sub(placed));
        let in_time = self.target.is_none_or(|target| took <= target);
        let outlives = self.attributes.truth(Attribute::ValueAfterSession).is_true();
        let reaches = !end.deserted || (outlives && end.execution == Execution::Background);
        end.outcome == StateName::Succeeded && in_time && reaches
    }

    /// The lane that the policy says; none if it refuses such tasks.
    #[must_use]
    pub const fn home(&self) -> Option<LaneName> {
        match &self.by_policy {
            Routed::Placed(placement, _) => Some(placement.lane),
            Routed::Refused(_) => None,
        }
    }
}

/// What a strategy is shown of each task of a replication alone, by the number of its job.
pub trait TaskFacts: std::fmt::Debug + Send + Sync {
    /// The sort of a task; none if there is no such task.
    fn sort(&self, job: JobId) -> Option<u32>;

    /// How long its work is predicted to take; none if nobody asks.
    fn predicted(&self, job: JobId) -> Option<SimDuration> {
        let _ = job;
        None
    }

    /// A number in `0..1` of its own.
    fn chance(&self, job: JobId) -> f64 {
        let _ = job;
        0.5
    }

    /// Whose task it is, if anybody is told from another.
    fn tenant(&self, job: JobId) -> Option<&str> {
        let _ = job;
        None
    }
}

/// A strategy in front of the job core.
#[derive(Debug, Clone)]
pub struct StrategyRouter {
    strategy: Arc<dyn Strategy>,
    sorts: Arc<[SortRoutes]>,
    tasks: Arc<dyn TaskFacts>,
    /// The task that goes the other way.
    other_way: Option<JobId>,
    /// What was drawn.
    drawn: Arc<Mutex<Draws>>,
    /// What was decided otherwise than by the policy, once for all tasks that are alike.
    others: Arc<Mutex<Vec<(Otherwise, Routed)>>>,
}

/// A decision that the policy might not have taken: the sort of the task, what it is, and the name of what took it.
type Otherwise = (u32, Execution, HandOver, Boundary, &'static str);

/// Choices that were drawn, in the order in which they were.
#[derive(Debug, Clone, Default)]
struct Draws {
    all: Vec<Drawn>,
    /// The place of each of which nothing was heard yet.
    open: BTreeMap<JobId, usize>,
}

impl StrategyRouter {
    /// A router for these tasks.
    #[must_use]
    pub fn new(strategy: Arc<dyn Strategy>, sorts: Arc<[SortRoutes]>, tasks: Arc<dyn TaskFacts>) -> Self {
        Self {
            strategy,
            sorts,
            tasks,
            other_way: None,
            drawn: Arc::default(),
            others: Arc::default(),
        }
    }

    /// Takes out what was drawn, in the order in which it was.
    #[must_use]
    pub fn take_drawn(&self) -> Vec<Drawn> {
        let mut draws = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        draws.open.clear();
        std::mem::take(&mut draws.all)
    }

    fn note(&self, drawn: Drawn) {
        let mut draws = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        let place = draws.all.len();
        draws.open.insert(JobId(drawn.job), place);
        draws.all.push(drawn);
    }

    /// The same for a world that is forked, with all that its strategy knows and has drawn; none if that cannot be copied.
    #[must_use]
    pub fn fork(&self) -> Option<Self> {
        let drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Self {
            strategy: self.strategy.fork()?,
            drawn: Arc::new(Mutex::new(drawn.clone())),
            ..self.clone()
        })
    }

    /// The same, with one task that goes the other way: interactive instead of background, or back where its policy permits
    /// that, behind the same boundary. If that was drawn, the strategy hears what came of what was done.
    #[must_use]
    pub const fn with_other_way(mut self, task: JobId) -> Self {
        self.other_way = Some(task);
        self
    }

    fn sort(&self, task: JobId) -> Option<(u32, &SortRoutes)> {
        let sort = self.tasks.sort(task)?;
        Some((sort, self.sorts.get(sort as usize)?))
    }

    /// What a choice means for a task of this sort that arrives now.
    fn chosen(&self, of: (u32, &SortRoutes), choice: Choice, now: SimTime) -> Routed {
        let boundary = Boundary::from(of.1.decision.boundary);
        match choice {
            Choice::ByPolicy => of.1.by_policy.clone(),
            Choice::Refuse(reason) => Routed::Refused(reason),
            Choice::Execute {
                execution,
                hand_over,
                rule,
            } => self.otherwise(of, execution, hand_over, boundary, rule),
            Choice::Drawn { arm, rule, .. } => self.otherwise(of, arm, HandOver::Forbidden, boundary, rule),
            Choice::Gate { execution, rule } => {
                self.otherwise(of, execution, HandOver::Forbidden, Boundary::Approval, rule)
            }
            Choice::OnTier { tier, choice } => {
                let mut routed = self.chosen(of, *choice, now);
                if let Routed::Placed(placement, _) = &mut routed {
                    placement.tier = Some(tier);
                }
                routed
            }
            Choice::Due { slack, choice } => {
                let mut routed = self.chosen(of, *choice, now);
                if let Routed::Placed(placement, decided) = &mut routed {
                    placement.due = Some(now + slack);
                    Arc::make_mut(decided).due = placement.due;
                }
                routed
            }
        }
    }

    /// Where a task of this sort goes when the strategy decides otherwise than the policy might.
    fn otherwise(
        &self,
        (number, sort): (u32, &SortRoutes),
        execution: Execution,
        hand_over: HandOver,
        boundary: Boundary,
        rule: &'static str,
    ) -> Routed {
        let key = (number, execution, hand_over, boundary, rule);
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = others.iter().find(|(other, _)| *other == key) {
            return known.clone();
        }
        let routed = otherwise(sort, execution, hand_over, boundary, rule);
        others.push((key, routed.clone()));
        routed
    }
}

impl Router for StrategyRouter {
    /// Without the state of the lanes: they look empty.
    fn route(&self, task: JobId) -> Routed {
        let empty = LaneSeen {
            capacity: 1,
            active: 0,
            waiting: 0,
        };
        let seen = Seen {
            now: SimTime::START,
            lanes: [empty; 3],
        };
        self.route_seeing(task, &seen)
    }

    fn reorders(&self) -> bool {
        self.strategy.reorders()
    }

    fn route_seeing(&self, task: JobId, seen: &Seen) -> Routed {
        let Some((number, sort)) = self.sort(task) else {
            return Routed::Refused("no such task".into());
        };
        let choice = self.strategy.choose(&Sight {
            kind: &sort.kind,
            attributes: &sort.attributes,
            declared: &sort.declared,
            decision: &sort.decision,
            predicted: self.tasks.predicted(task),
            target: sort.target,
            chance: self.tasks.chance(task),
            tenant: self.tasks.tenant(task),
            lanes: seen.lanes,
        });
        let drawn = choice.drawn();
        let drawn =
            drawn.map(|(arm, propensity, context)| Drawn::new(task, seen.now, arm, propensity, context));
        let mut routed = self.chosen((number, sort), choice, seen.now);
        let mut turned = false;
        if self.other_way == Some(task) {
            let before = execution(&routed);
            routed = other_way(sort, routed);
            turned = execution(&routed) != before;
        }
        if let Some(drawn) = drawn {
            self.note(if turned { drawn.other_way() } else { drawn });
        }
        routed
    }

    fn ended(&self, task: JobId, end: &JobEnd) {
        let mut draws = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(place) = draws.open.remove(&task) else {
            return;
        };
        let good = self
            .sort(task)
            .is_some_and(|(_, sort)| sort.is_good(draws.all[place].at, end));
        let drawn = &mut draws.all[place];
        drawn.came = Some((end.at.ticks(), good));
        let heard = Heard {
            context: drawn.context,
            arm: drawn.arm(),
            good,
        };
        drop(draws);
        self.strategy.hears(heard);
    }
}

fn execution(routed: &Routed) -> Option<Execution> {
    match routed {
        Routed::Placed(placement, _) => Some(placement.execution),
        Routed::Refused(_) => None,
    }
}

/// Where a task goes if it goes the other way; as it was where there is none. Its tier and when it is due stay, since they
/// are other decisions.
fn other_way(sort: &SortRoutes, routed: Routed) -> Routed {
    let placed = match &routed {
        Routed::Placed(placement, _) => placement,
        // The other way of one that is turned away is to take it.
        Routed::Refused(_) => return sort.by_policy.clone(),
    };
    let execution = match placed.execution {
        Execution::Background => Execution::Interactive,
        Execution::Interactive if sort.decision.background_permitted() => Execution::Background,
        Execution::Interactive => return routed,
    };
    let mut other = otherwise(
        sort,
        execution,
        HandOver::Forbidden,
        placed.boundary,
        "the-other-way",
    );
    if let Routed::Placed(placement, decided) = &mut other {
        placement.tier.clone_from(&placed.tier);
        placement.due = placed.due;
        Arc::make_mut(decided).due = placed.due;
    }
    other
}

/// Where a task goes when the strategy decides otherwise than the policy might.
fn otherwise(
    sort: &SortRoutes,
    execution: Execution,
    hand_over: HandOver,
    boundary: Boundary,
    rule: &'static str,
) -> Routed {
    let lane = match (boundary, execution) {
        (Boundary::Approval, _) => LaneName::Approval,
        (Boundary::None, Execution::Interactive) => LaneName::Interactive,
        (Boundary::None, Execution::Background) => LaneName::Background,
    };
    let rule: Arc<str> = rule.into();
    let policy: Arc<str> = sort.decision.policy.to_string().into();
    let known = match &sort.by_policy {
        Routed::Placed(_, decided) => Some(decided),
        Routed::Refused(_) => None,
    };
    let decided = Decided {
        lane,
        execution,
        boundary,
        rule,
        policy,
        gates: known.map_or([None; 3], |decided| decided.gates),
        background_permitted: sort.decision.background_permitted(),
        findings: Vec::new(),
        attributes: known
            .map(|decided| decided.attributes.clone())
            .unwrap_or_default(),
        due: None,
    };
    let placement = Placement {
        lane,
        execution,
        boundary,
        hand_over,
        tier: None,
        due: None,
    };
    Routed::Placed(placement, Arc::new(decided))
}
