//! Queueing systems, written as the lanes, people and scripts of the engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::backend::{Contract, Profile, ResumeWindow, Script, Step, StepWork, Streaming};
use crate::fault::FaultPlan;
use crate::job::{
    self, ApprovalRule, Follow, HandOver, LaneSpec, Limits, Liveliness, OnDenial, OnEmpty, OnFiltered,
    OnIncomplete, OnToolFailure, OwnApproval, Placement, Plan, Polling, Retry, RosterEntry, Routed, Router,
    Rules, Seen, SharedCapacity, SinkClass, TaskSpec, Then, Tool, ToolAct,
};
use crate::people::{
    ApproverScript, Attention, Balk, Batch, Behaviour, Further, OutsideSetup, OutsideTask, Reach, Retrial,
    StaffScript, UserScript,
};
use crate::rng::{Law, Purpose, Seed};
use crate::sim::{Blueprint, Caps};
use crate::sinks::{self, SinkSpec};
use crate::trace::{Boundary, Decided, Execution, LaneName, Principal};
use crate::units::{JobId, Probability, SimDuration, SimTime};
use crate::wire::Shown;

/// The unit of time of the closed forms in a run: so long that the ticks of an exchange are below every digit that
/// is looked at.
pub const UNIT: SimDuration = SimDuration::from_secs(100);

/// What the approvers of a station are called.
pub(super) const STAFF: &str = "staff";

/// Longer than any run.
const FOR_EVER: SimDuration = SimDuration::from_secs(400 * 24 * 3_600);
const MANY: u32 = 1_000_000;

/// A queueing system.
#[derive(Debug, Clone, PartialEq)]
pub struct Station {
    /// Who comes; of more than one class the first goes first.
    pub classes: Vec<Class>,
    /// What serves them.
    pub servers: Servers,
}

/// What serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Servers {
    /// The places of a lane, each class in a lane of its own.
    Lanes(u32),
    /// The places that the lanes of all classes share.
    Shared(u32),
    /// The places of a lane in which all classes wait; who is due first goes first.
    Due(u32),
    /// Approvers.
    Staff(u32),
    /// One approver who takes up to `most` at once, as soon as `least` wait.
    Bulk {
        /// So many have to wait.
        least: u32,
        /// No more are taken at once.
        most: u32,
    },
}

impl Servers {
    /// How many serve.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Lanes(servers) | Self::Shared(servers) | Self::Due(servers) | Self::Staff(servers) => {
                servers
            }
            Self::Bulk { .. } => 1,
        }
    }

    /// Whether they are approvers.
    pub(super) const fn decide(self) -> bool {
        matches!(self, Self::Staff(_) | Self::Bulk { .. })
    }

    /// How many requests an approver takes at once.
    pub(super) fn batch(self) -> Batch {
        let Self::Bulk { least, most } = self else {
            return Batch::SINGLE;
        };
        Batch {
            most: most as usize,
            least: least as usize,
            // Longer than anybody waits, so that only the last of a run are ever taken for it.
            after: Some(UNIT.saturating_mul(1_000)),
        }
    }
}

/// Who comes to a station.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Class {
    /// Arrivals per unit of time, Poisson.
    pub rate: f64,
    /// How long one is served.
    pub service: Law,
    /// How long one waits, for the mean of an exponential law in units; none: for ever.
    pub patience: Option<f64>,
    /// What one does not even begin to wait for.
    pub balks: Option<Balk>,
    /// Places to wait.
    pub room: u32,
    /// How one comes again who did not stay.
    pub returns: Option<Returns>,
    /// How long after coming one ought to begin, in units, where that says who goes first; none: never.
    pub slack: Option<f64>,
}

/// How people come again who found everybody busy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Returns {
    /// How likely, each time.
    pub probability: Probability,
    /// How long after, for the mean of an exponential law in units.
    pub after: f64,
    /// How often at most: so often that next to nobody gets there. What is cut off counts: with tries that follow each other
    /// in a quarter of a service, sixty of them take nearly three per cent from the mean wait.
    pub times: u16,
}

impl Class {
    /// Arrivals at this rate, served for a unit of time on average by an exponential law, with all the patience and
    /// room in the world.
    #[must_use]
    pub fn exponential(rate: f64) -> Self {
        Self {
            rate,
            service: Law::Exponential { mean: UNIT },
            patience: None,
            balks: None,
            room: MANY,
            returns: None,
            slack: None,
        }
    }

    /// The same where nobody waits, and whoever finds everybody busy comes again.
    #[must_use]
    pub fn returning(self, returns: Returns) -> Self {
        Self {
            returns: Some(returns),
            ..self.in_room(0)
        }
    }

    /// The same, due so many units after coming.
    #[must_use]
    pub fn due_after(self, slack: f64) -> Self {
        Self {
            slack: Some(slack),
            ..self
        }
    }

    /// The same with another law of service.
    #[must_use]
    pub fn served(self, service: Law) -> Self {
        Self { service, ..self }
    }

    /// The same with exponential patience of this mean.
    #[must_use]
    pub fn patient(self, mean: f64) -> Self {
        Self {
            patience: Some(mean),
            ..self
        }
    }

    /// The same with so much room to wait, and nobody who stays without it.
    #[must_use]
    pub fn in_room(self, room: u32) -> Self {
        let balks = Some(if room == 0 { Balk::Busy } else { Balk::Full });
        Self {
            room: room.max(1),
            balks,
            ..self
        }
    }
}

/// The lognormal law with a mean of one unit of time and this squared coefficient of variation.
#[must_use]
pub fn lognormal(cv2: f64) -> Law {
    let sigma2 = libm::log1p(cv2);
    let median = UNIT.as_secs_f64() * libm::exp(-0.5 * sigma2);
    let p99 = median * libm::exp(libm::sqrt(sigma2) * crate::rng::normal_quantile(0.99));
    Law::Lognormal {
        p50: SimDuration::from_secs_f64(median),
        p99: SimDuration::from_secs_f64(p99),
    }
}

/// The lane of a class by its place.
const LANES: [LaneName; 2] = [LaneName::Interactive, LaneName::Background];

impl Station {
    /// The run of the first `count` arrivals under a seed.
    #[must_use]
    pub fn blueprint(&self, seed: Seed, count: usize) -> Blueprint {
        let firsts = self.arrivals(seed, count);
        // Further tries are jobs of their own, numbered behind all first ones.
        let tries = self
            .classes
            .iter()
            .filter_map(|class| Some(class.returns?.times))
            .max();
        let tries = tries.unwrap_or(0);
        let blocks = std::iter::repeat_n(&firsts, usize::from(tries) + 1);
        let arrivals: Vec<_> = blocks.flatten().copied().collect();
        let plans: Vec<Arc<Plan>> = self
            .classes
            .iter()
            .map(|_| Arc::new(plan(self.servers)))
            .collect();
        let name: Arc<str> = "customer".into();
        let input = TaskSpec::asking("serve me");
        let who = Principal(Arc::clone(&name));
        let task = |(_, class): &(SimTime, usize)| TaskSpec {
            name: Arc::clone(&name),
            kind: Arc::clone(&name),
            requester: who.clone(),
            input: Arc::clone(&input),
            plan: Arc::clone(&plans[*class]),
        };
        let asks = |(at, class): &(SimTime, usize)| OutsideTask {
            name: Arc::clone(&name),
            kind: Arc::clone(&name),
            at: *at,
            requester: who.clone(),
            own: OwnApproval::Refused,
            user: *class,
            may_twin: false,
        };
        let scripts: Vec<Script> = self.classes.iter().map(|class| self.script(class)).collect();
        let classes: Arc<[usize]> = arrivals.iter().map(|(_, class)| *class).collect();
        let approvers = self.approvers();
        Blueprint {
            seed,
            desk: job::Setup {
                tasks: arrivals.iter().map(task).collect(),
                router: Arc::new(ByClass::new(Arc::clone(&classes), self)),
                lanes: self.lanes(),
                shared: self.shared(),
                roster: approvers.iter().map(|approver| approver.person.clone()).collect(),
                seed,
                epoch: 0,
            },
            profile: profile(scripts[0].clone()),
            scripts: classes
                .iter()
                .map(|class| Some(scripts[*class].clone()))
                .collect(),
            outside: Arc::new(OutsideSetup {
                seed,
                faults: FaultPlan::none(),
                tasks: arrivals.iter().map(asks).collect(),
                windows: None,
                further: Further {
                    firsts: (tries > 0).then(|| u32::try_from(firsts.len()).unwrap_or(u32::MAX)),
                    tries,
                    ..Further::default()
                },
                users: self.classes.iter().map(user).collect(),
                staffs: self.staffs(approvers.len()),
                approvers,
                operators: Vec::new(),
                changes: Vec::new(),
                sinks: vec![SinkSpec {
                    name: "sink".into(),
                    class: SinkClass::IdempotentByKey,
                    takes: Law::ZERO,
                    version: None,
                }],
                tools: Vec::new(),
            }),
            gate: sinks::gate,
            plan: FaultPlan::none(),
            caps: Caps {
                time: SimTime::CAP,
                steps: 10_000_000_000,
            },
        }
    }

    /// When the first `count` come, and of which class each is. Classes arrive by laws of their own.
    #[must_use]
    pub fn arrivals(&self, seed: Seed, count: usize) -> Vec<(SimTime, usize)> {
        let all: f64 = self.classes.iter().map(|class| class.rate).sum();
        let mut merged = Vec::with_capacity(count);
        for (place, class) in self.classes.iter().enumerate() {
            // More than enough of each class: the mean number, and ten standard deviations.
            let mean = count as f64 * class.rate / all;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a small positive number"
            )]
            let enough = (mean + 10.0 * libm::sqrt(mean) + 10.0) as usize;
            let own = Seed(seed.bits(Purpose::Arrival, place as u64, 9));
            let gap = SimDuration::from_secs_f64(UNIT.as_secs_f64() / class.rate);
            if let Ok(law) = crate::sim::workload::Arrivals::poisson(gap) {
                merged.extend(law.instants(own).take(enough).map(|at| (at, place)));
            }
        }
        merged.sort_by_key(|(at, _)| *at);
        merged.truncate(count);
        merged
    }

    /// What the lanes allow.
    #[must_use]
    pub fn lanes(&self) -> [LaneSpec; 3] {
        let lane = |capacity, waiting| LaneSpec {
            capacity,
            waiting,
            budget: 0,
            jobs_per_retry: 0,
        };
        let mut lanes = [lane(MANY, MANY); 3];
        for (class, place) in self.classes.iter().zip(LANES) {
            let capacity = match self.servers {
                Servers::Lanes(servers) | Servers::Due(servers) => servers,
                Servers::Shared(_) | Servers::Staff(_) | Servers::Bulk { .. } => MANY,
            };
            lanes[place as usize] = lane(capacity, class.room);
        }
        lanes
    }

    /// What they share.
    #[must_use]
    pub fn shared(&self) -> Option<SharedCapacity> {
        match self.servers {
            Servers::Shared(capacity) => Some(SharedCapacity {
                capacity,
                order: [LaneName::Interactive, LaneName::Background, LaneName::Approval],
            }),
            Servers::Lanes(_) | Servers::Due(_) | Servers::Staff(_) | Servers::Bulk { .. } => None,
        }
    }

    fn approvers(&self) -> Vec<ApproverScript> {
        if !self.servers.decide() {
            return Vec::new();
        }
        let person = |number| ApproverScript {
            person: RosterEntry {
                name: Principal(format!("approver-{number}").into()),
                roles: vec!["approver".into()],
                acts_for: None,
            },
            takes: Law::ZERO,
            decides: vec![Behaviour::Approve],
            reach: Reach::Eligible,
            staff: Some(0),
        };
        (1..=self.servers.number()).map(person).collect()
    }

    fn staffs(&self, people: usize) -> Vec<StaffScript> {
        if people == 0 {
            return Vec::new();
        }
        vec![StaffScript {
            name: STAFF.into(),
            takes: self.classes[0].service,
            members: 0..people,
            shifts: Vec::new(),
            batch: self.servers.batch(),
            attention: Attention::PERFECT,
            to_deny: Probability::ZERO,
        }]
    }

    fn script(&self, class: &Class) -> Script {
        let step = match self.servers {
            Servers::Staff(_) | Servers::Bulk { .. } => Step {
                work: StepWork::FunctionCall {
                    name: "act".into(),
                    arguments: "{}".into(),
                    shown: Shown::default(),
                },
                takes: Law::ZERO,
            },
            Servers::Lanes(_) | Servers::Shared(_) | Servers::Due(_) => Step {
                work: StepWork::Message { tokens: 1 },
                takes: class.service,
            },
        };
        Script {
            queued: Law::ZERO,
            steps: [step].into(),
        }
    }
}

fn user(class: &Class) -> UserScript {
    let mean = |units: f64| SimDuration::from_secs_f64(units * UNIT.as_secs_f64());
    UserScript {
        patience: class.patience.map(|units| Law::Exponential { mean: mean(units) }),
        balks: class.balks,
        retrial: class.returns.map(|returns| Retrial {
            probability: returns.probability,
            after: Law::Exponential {
                mean: mean(returns.after),
            },
            times: returns.times,
        }),
        ..UserScript::default()
    }
}

/// Sends each task to the lane of its class.
#[derive(Debug)]
struct ByClass {
    classes: Arc<[usize]>,
    routes: Vec<(Placement, Arc<Decided>)>,
    /// How long after coming those of each class ought to begin.
    slacks: Vec<Option<SimDuration>>,
}

impl ByClass {
    fn new(classes: Arc<[usize]>, station: &Station) -> Self {
        let routes = (0..station.classes.len()).map(|class| {
            let (lane, boundary) = match station.servers {
                Servers::Staff(_) | Servers::Bulk { .. } => (LaneName::Approval, Boundary::Approval),
                Servers::Due(_) => (LANES[0], Boundary::None),
                Servers::Lanes(_) | Servers::Shared(_) => (LANES[class], Boundary::None),
            };
            route(lane, boundary)
        });
        let slack = |class: &Class| {
            let units = class.slack?;
            Some(SimDuration::from_secs_f64(units * UNIT.as_secs_f64()))
        };
        Self {
            classes,
            routes: routes.collect(),
            slacks: station.classes.iter().map(slack).collect(),
        }
    }
}

impl Router for ByClass {
    fn route(&self, task: JobId) -> Routed {
        let (placement, decided) = &self.routes[self.classes[task.0 as usize]];
        Routed::Placed(placement.clone(), Arc::clone(decided))
    }

    fn route_seeing(&self, task: JobId, seen: &Seen) -> Routed {
        let mut routed = self.route(task);
        if let Routed::Placed(placement, decided) = &mut routed
            && let Some(slack) = self.slacks[self.classes[task.0 as usize]]
        {
            placement.due = Some(seen.now + slack);
            Arc::make_mut(decided).due = placement.due;
        }
        routed
    }
}

fn route(lane: LaneName, boundary: Boundary) -> (Placement, Arc<Decided>) {
    let (policy, rule): (Arc<str>, Arc<str>) = ("none".into(), "class".into());
    let execution = match lane {
        LaneName::Interactive => Execution::Interactive,
        LaneName::Background | LaneName::Approval => Execution::Background,
    };
    let decided = Decided {
        lane,
        execution,
        boundary,
        rule,
        policy,
        gates: [None; 3],
        background_permitted: execution == Execution::Background,
        findings: Vec::new(),
        attributes: BTreeMap::new(),
        due: None,
    };
    let placement = Placement {
        lane,
        execution,
        boundary,
        hand_over: HandOver::Forbidden,
        tier: None,
        due: None,
    };
    (placement, Arc::new(decided))
}

/// A plan without limits, so that nothing but the station decides.
fn plan(servers: Servers) -> Plan {
    let act = Tool {
        act: ToolAct::Effect {
            sink: "sink".into(),
            class: SinkClass::IdempotentByKey,
            then: Then::Last,
        },
        retries: 0,
    };
    Plan {
        model: "station".into(),
        max_output_tokens: None,
        tier: "default".into(),
        follow: Follow::Stream,
        polling: Polling {
            first: FOR_EVER,
            growth_percent: 100,
            max: FOR_EVER,
            fallback: FOR_EVER,
        },
        limits: Limits {
            deadline: FOR_EVER,
            wait: FOR_EVER,
            queue: FOR_EVER,
            attempt: FOR_EVER,
            attempts: FOR_EVER,
            call: FOR_EVER,
            tool: FOR_EVER,
            approval_request: FOR_EVER,
            grant: FOR_EVER,
            cancel: FOR_EVER,
            doubt: FOR_EVER,
            capture: FOR_EVER,
        },
        retry: Retry {
            attempts: 1,
            base: UNIT,
            cap: UNIT,
            twins: 0,
            effect_tries: 1,
        },
        tools: match servers {
            Servers::Staff(_) | Servers::Bulk { .. } => BTreeMap::from([("act".into(), act)]),
            Servers::Lanes(_) | Servers::Shared(_) | Servers::Due(_) => BTreeMap::new(),
        },
        mcp: BTreeMap::new(),
        hosted: Vec::new(),
        rules: Rules {
            incomplete: OnIncomplete::Partial,
            filtered: OnFiltered::Partial,
            tool_failure: OnToolFailure::Fail,
            denial: OnDenial::End,
            empty: OnEmpty::Allow,
        },
        approval: ApprovalRule {
            quorum: 1,
            role: "approver".into(),
            own: OwnApproval::Refused,
        },
        patience: Liveliness {
            quiet: FOR_EVER,
            stalled: FOR_EVER,
        },
    }
}

/// A service that does nothing but take its time.
fn profile(script: Script) -> Profile {
    Profile {
        latency: Law::ZERO,
        limiter: None,
        retention: SimDuration::from_secs(1),
        resume_window: ResumeWindow::Open,
        streaming: Streaming::default(),
        webhook: None,
        webhook_retries: Arc::from([]),
        tokens_per_delta: 1,
        tier: "default".into(),
        tiers: Arc::from([]),
        epoch: 0,
        contract: Contract::default(),
        script,
        choices: Arc::from([]),
    }
}
