//! Engines that are wrong about lanes, people or chance: each is caught by a closed form or by a law.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::backend::{Script, Step, StepWork};
use crate::job::{Input, Routed, Router, Seen, ToOutside, Told};
use crate::people::{FromCore, OutsideSetup, UserScript};
use crate::rng::{Law, Purpose};
use crate::sim::laws::Law as Lawful;
use crate::sim::oracle::UNIT;
use crate::sim::{Blueprint, Seams};
use crate::trace::{Audience, CoreEvent, OutsideEvent, Record, RuntimeEvent, ServiceEvent};
use crate::units::{JobId, SimDuration, SimTime};

/// A wrong engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrongEngine {
    /// A place is lost now and then, when a job ends.
    LosesPlaces,
    /// Who came last is served first.
    LastFirst,
    /// The service begins late, with the place held.
    BeginsLate,
    /// Patience runs out so much later than it was drawn: it is measured from another instant.
    PatienceFromLater,
    /// One place more than declared.
    OnePlaceMore,
    /// Exponential draws with another rate.
    SlowDraws,
    /// The draw of the arrival is the draw of the service too.
    OneDrawForTwo,
    /// Who gave up is served all the same.
    ServesTheAbandoned,
    /// Some arrivals are dropped.
    ThinsArrivals,
    /// The order of the lanes is turned round.
    OrderReversed,
    /// Who waits is counted twice.
    CountsWaitsTwice,
    /// Who is due last is served first.
    LastDueFirst,
}

/// What has to catch it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Catcher {
    /// A closed form, in the published case whose name begins so.
    Form(&'static str),
    /// A law, in that case.
    Law(&'static str, Lawful),
}

impl WrongEngine {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::LosesPlaces,
        Self::LastFirst,
        Self::BeginsLate,
        Self::PatienceFromLater,
        Self::OnePlaceMore,
        Self::SlowDraws,
        Self::OneDrawForTwo,
        Self::ServesTheAbandoned,
        Self::ThinsArrivals,
        Self::OrderReversed,
        Self::CountsWaitsTwice,
        Self::LastDueFirst,
    ];

    /// What catches it.
    #[must_use]
    pub const fn caught_by(self) -> &'static [Catcher] {
        use Catcher::{Form, Law};
        match self {
            Self::LosesPlaces => &[Form("M/M/4")],
            Self::LastFirst => &[Law("M/M/1", Lawful::Order)],
            Self::BeginsLate => &[Form("M/D/1")],
            Self::PatienceFromLater => &[Form("Erlang-A  arrivals 1.2")],
            Self::OnePlaceMore => &[Form("M/M/4"), Law("M/M/4", Lawful::Capacity)],
            Self::SlowDraws => &[Form("Erlang-B")],
            Self::OneDrawForTwo => &[Form("M/M/1")],
            Self::ServesTheAbandoned => &[
                Form("Erlang-A  arrivals 1.2"),
                Law("Erlang-A  arrivals 1.2", Lawful::Conservation),
            ],
            Self::ThinsArrivals => &[Law("M/M/1", Lawful::Conservation)],
            Self::OrderReversed => &[Form("two classes"), Law("two classes", Lawful::Priority)],
            Self::CountsWaitsTwice => &[Law("M/M/1", Lawful::Little)],
            Self::LastDueFirst => &[Form("due first"), Law("due first", Lawful::Order)],
        }
    }

    /// Plants what is wrong before the run.
    pub fn plant(self, blueprint: &mut Blueprint) {
        match self {
            Self::BeginsLate => begin_late(blueprint),
            Self::PatienceFromLater => patience_from_later(blueprint),
            Self::OnePlaceMore => blueprint.desk.lanes[0].capacity += 1,
            Self::SlowDraws => {
                let mean = part_of_unit(1.25);
                serve(blueprint, |_| Law::Exponential { mean });
            }
            Self::OneDrawForTwo => {
                let instants: Vec<SimTime> = blueprint.outside.tasks.iter().map(|task| task.at).collect();
                let count = instants.len() as u64;
                let last = instants
                    .last()
                    .map_or(SimDuration::ZERO, |last| last.since(SimTime::START));
                let mean_gap = last.ticks() / count.max(1);
                serve(blueprint, |job| {
                    let before = job.checked_sub(1).map_or(SimTime::START, |job| instants[job]);
                    let gap = instants[job].since(before).as_secs_f64();
                    let mean = SimDuration::from_ticks(mean_gap).as_secs_f64();
                    Law::Constant(part_of_unit(gap / mean))
                });
            }
            Self::OrderReversed => {
                if let Some(shared) = &mut blueprint.desk.shared {
                    shared.order.reverse();
                }
            }
            Self::LastDueFirst => {
                blueprint.desk.router = Arc::new(Mirrored(Arc::clone(&blueprint.desk.router)));
            }
            Self::LosesPlaces
            | Self::LastFirst
            | Self::ServesTheAbandoned
            | Self::ThinsArrivals
            | Self::CountsWaitsTwice => {}
        }
    }

    /// What is wrong while it runs; `places` is what the first lane has.
    #[must_use]
    pub fn seams(self, places: u32) -> WrongSeams {
        WrongSeams {
            engine: self,
            free: places,
            kept: Vec::new(),
            ended: BTreeSet::new(),
        }
    }
}

/// Tells the lanes that who is due late is due soon, and the other way round.
#[derive(Debug)]
struct Mirrored(Arc<dyn Router>);

impl Router for Mirrored {
    fn route(&self, task: JobId) -> Routed {
        self.0.route(task)
    }

    fn route_seeing(&self, task: JobId, seen: &Seen) -> Routed {
        let mut routed = self.0.route_seeing(task, seen);
        if let Routed::Placed(placement, _) = &mut routed {
            let mirrored = |due: SimTime| SimTime::from_ticks(SimTime::NEVER.ticks() / 2 - due.ticks());
            placement.due = placement.due.map(mirrored);
        }
        routed
    }
}

fn part_of_unit(part: f64) -> SimDuration {
    SimDuration::from_secs_f64(part * UNIT.as_secs_f64())
}

/// Other lengths of service, by the number of the job.
fn serve(blueprint: &mut Blueprint, law: impl Fn(usize) -> Law) {
    let script = |job| Script {
        queued: Law::ZERO,
        steps: [Step {
            work: StepWork::Message { tokens: 1 },
            takes: law(job),
        }]
        .into(),
    };
    blueprint.scripts = (0..blueprint.scripts.len())
        .map(|job| Some(script(job)))
        .collect();
}

/// Something stands before the work of every script.
fn begin_late(blueprint: &mut Blueprint) {
    let late = |script: &Option<Script>| {
        let script = script.as_ref()?;
        let first = Step {
            work: StepWork::Reasoning,
            takes: Law::Constant(part_of_unit(0.4)),
        };
        Some(Script {
            queued: script.queued,
            steps: std::iter::once(first)
                .chain(script.steps.iter().cloned())
                .collect(),
        })
    };
    blueprint.scripts = blueprint.scripts.iter().map(late).collect();
}

/// Everybody waits for half a unit longer than was drawn.
fn patience_from_later(blueprint: &mut Blueprint) {
    let mut outside = OutsideSetup::clone(&blueprint.outside);
    let seed = outside.seed;
    let users = outside.tasks.iter().zip(0_u64..).map(|(task, job)| {
        let user = outside.users[task.user].clone();
        let drawn = |law: Law| law.quantile(seed.unit(Purpose::Patience, job, 1)) + part_of_unit(0.5);
        UserScript {
            patience: user.patience.map(|law| Law::Constant(drawn(law))),
            ..user
        }
    });
    outside.users = users.collect();
    for (place, task) in outside.tasks.iter_mut().enumerate() {
        task.user = place;
    }
    blueprint.outside = Arc::new(outside);
}

/// The seams of a wrong engine.
#[derive(Debug, Clone)]
pub struct WrongSeams {
    engine: WrongEngine,
    /// Places that nobody holds, where the last comes first.
    free: u32,
    kept: Vec<Input>,
    ended: BTreeSet<JobId>,
}

impl Seams for WrongSeams {
    fn told(&mut self, _now: SimTime, batch: &mut Vec<Input>) {
        if self.engine == WrongEngine::LosesPlaces {
            batch.retain(|input| !(matches!(input.told, Told::Stored { .. }) && input.job.0 % 40 == 7));
        }
    }

    fn shown(&mut self, _now: SimTime, batch: &mut Vec<FromCore>) {
        if self.engine != WrongEngine::LastFirst {
            return;
        }
        for FromCore { job, message } in batch {
            let ToOutside::Show { to, view } = message else {
                continue;
            };
            if to.include(Audience::User) && view.state.is_terminal() && self.ended.insert(*job) {
                self.free += 1;
            }
        }
    }

    fn said(&mut self, _now: SimTime, batch: &mut Vec<Input>) {
        let submitted = |input: &Input| matches!(input.told, Told::Submitted);
        match self.engine {
            WrongEngine::ServesTheAbandoned => {
                batch.retain(|input| !matches!(input.told, Told::CancelAsked { .. }));
            }
            WrongEngine::ThinsArrivals => batch.retain(|input| !(submitted(input) && input.job.0 % 10 == 3)),
            WrongEngine::LastFirst => {
                let (new, others): (Vec<Input>, Vec<Input>) = batch.drain(..).partition(submitted);
                self.kept.extend(new);
                *batch = others;
                while self.free > 0
                    && let Some(last) = self.kept.pop()
                {
                    self.free -= 1;
                    batch.push(last);
                }
            }
            _ => {}
        }
    }

    fn recorded(
        &mut self,
        _outside: &mut Vec<Record<OutsideEvent>>,
        core: &mut Vec<Record<CoreEvent>>,
        _service: &mut Vec<Record<ServiceEvent>>,
    ) {
        if self.engine != WrongEngine::CountsWaitsTwice {
            return;
        }
        for record in core {
            if let CoreEvent::Runtime(RuntimeEvent::LaneLoad { waiting, .. }) = &mut record.event {
                *waiting *= 2;
            }
        }
    }
}
