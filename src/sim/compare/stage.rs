//! One replication: its tasks, and how a strategy fares with them.

use std::sync::Arc;

use super::plan::{Comparison, Named};
use super::regret::Regret;
use super::workload::{Comers, Coming, script, tenant};
use crate::backend::Script;
use crate::job::{Plan, Router, TaskSpec};
use crate::people::{Further, OutsideSetup, OutsideTask};
use crate::rng::{Law, Purpose, Seed, normal_quantile};
use crate::sim::laws::{Ledger, Rules};
use crate::sim::metric::{Crowd, Measures, Measuring, Stories, Who, Window};
use crate::sim::strategy::{Drawn, SortRoutes, StrategyRouter, TaskFacts};
use crate::sim::{Arrival, Blueprint, Caps, Ending, Honest, Model, Played, Recording, Seams, TaskSource};
use crate::sinks;
use crate::units::{JobId, Probability, SimDuration, SimTime};

/// No replication has more tasks.
const TASKS_MAX: usize = 2_000_000;
/// So often a run stands still for a look at what it holds.
const LOOKS: u64 = 512;

/// The tasks of a replication, the same for every strategy, with the further tries that there may be of each. They are made when
/// they are asked for.
#[derive(Debug, Clone)]
pub struct Stage {
    seed: Seed,
    coming: Coming,
    /// What distinguishes the names of first tries, of those behind them, and of second requests.
    blocks: Arc<[String]>,
    /// What tasks of each sort are made of.
    samples: Arc<[Sample]>,
    /// How many of all tasks are of each tenant; empty if nobody is told from another.
    tenants: Arc<[Probability]>,
    /// The outside world without tasks.
    empty: Arc<OutsideSetup>,
    /// From which task on the last step takes so long, in another future.
    later: Option<(usize, SimDuration)>,
}

/// What tasks of a sort are made of.
#[derive(Debug)]
struct Sample {
    task: TaskSpec,
    script: Script,
    user: usize,
}

impl Stage {
    /// How many tasks come by themselves.
    #[must_use]
    pub const fn firsts(&self) -> usize {
        self.coming.count()
    }

    /// How many jobs there may be: the tasks with all their tries.
    #[must_use]
    pub fn jobs(&self) -> usize {
        self.firsts() * self.blocks.len()
    }

    /// A further try is the same task.
    fn number(&self, job: JobId) -> usize {
        job.0 as usize % self.firsts().max(1)
    }

    /// The sort of each task that comes by itself, by its number.
    #[must_use]
    pub fn sorts(&self) -> Vec<u32> {
        (0..self.firsts())
            .filter_map(|number| self.coming.sort(number))
            .collect()
    }

    /// The tenant of each task, by its number; empty if nobody is told from another.
    #[must_use]
    pub fn tenants(&self) -> Vec<u32> {
        (0..self.firsts())
            .filter_map(|number| Who::tenant(self, number))
            .collect()
    }

    /// The tasks, by their numbers, with all their tries.
    #[must_use]
    pub fn tasks(&self) -> Vec<TaskSpec> {
        self.all(&Changes::default())
            .map(|arrival| arrival.task)
            .collect()
    }

    /// The script of each task, by its number, with all their tries.
    #[must_use]
    pub fn scripts(&self) -> Vec<Option<Script>> {
        self.all(&Changes::default())
            .map(|arrival| arrival.script)
            .collect()
    }

    /// Where its chance comes from.
    #[must_use]
    pub const fn seed(&self) -> Seed {
        self.seed
    }

    /// When the tasks come, by their numbers.
    pub(super) fn instants(&self) -> Comers {
        self.coming.instants()
    }

    /// The name of a job.
    fn name(&self, job: JobId) -> Option<Arc<str>> {
        let (number, block) = (self.number(job), job.0 as usize / self.firsts().max(1));
        let sample = self.samples.get(self.coming.sort(number)? as usize)?;
        let block = self.blocks.get(block)?;
        Some(format!("{}-{}{block}", sample.task.name, number + 1).into())
    }

    fn script(&self, job: JobId) -> Option<Script> {
        let number = self.number(job);
        let sample = self.samples.get(self.coming.sort(number)? as usize)?;
        let mut script = script(&sample.script, self.coming.answer(number));
        if let Some((from, longer)) = self.later
            && number >= from
            && let Some((last, before)) = script.steps.split_last()
        {
            let mut last = last.clone();
            last.takes = Law::Constant(longer);
            script.steps = before.iter().cloned().chain([last]).collect();
        }
        Some(script)
    }

    /// The same tasks, of which those from this one on take so much time in their last step.
    pub(super) fn with_later_ends(&self, from: usize, longer: SimDuration) -> Self {
        Self {
            later: Some((from, longer)),
            ..self.clone()
        }
    }

    /// The tasks that come by themselves, one by one.
    fn queue(&self, changes: &Changes) -> Queue {
        Queue {
            stage: self.clone(),
            changes: changes.clone(),
            instants: self.instants(),
            number: 0,
        }
    }

    /// The tasks with all their tries, in the order of their numbers.
    fn all(&self, changes: &Changes) -> impl Iterator<Item = Arrival> {
        let jobs = (0_u32..).map(JobId);
        let instants = self.blocks.iter().flat_map(|_| self.instants());
        jobs.zip(instants)
            .map_while(|(job, at)| self.arrival(job, at, changes))
    }

    /// A try of a task.
    fn arrival(&self, job: JobId, at: SimTime, changes: &Changes) -> Option<Arrival> {
        let sort = self.coming.sort(self.number(job))? as usize;
        let sample = self.samples.get(sort)?;
        let name = self.name(job)?;
        let of_sort = |all: &Option<Arc<[bool]>>| all.as_ref().is_some_and(|all| all[sort]);
        let asked = OutsideTask {
            name: Arc::clone(&name),
            kind: Arc::clone(&sample.task.kind),
            at,
            requester: sample.task.requester.clone(),
            own: sample.task.plan.approval.own,
            user: sample.user,
            may_twin: of_sort(&changes.twins),
        };
        let plan = changes.plans.as_ref().and_then(|plans| plans.get(sort));
        let task = TaskSpec {
            name,
            plan: Arc::clone(plan.unwrap_or(&sample.task.plan)),
            ..sample.task.clone()
        };
        Some(Arrival {
            task,
            asked,
            script: Some(self.script(job)?),
        })
    }

    /// The world of a play of these tasks before anything has happened. Its tasks are made when they arrive, and forgotten when
    /// they are over, wherever that can be.
    pub(super) fn world<S: Seams>(&self, play: &Play, seams: S) -> Model<S> {
        let bare = &play.bare;
        if !self.coming.is_sorted() || bare.profile.webhook.is_some() {
            return Model::new(&self.listed(play), seams, Recording::Streamed);
        }
        let queue = self.queue(&play.changes);
        Model::new(bare, seams, Recording::Streamed).fed_by(Box::new(queue), bare)
    }

    /// The blueprint of a play that lists all tasks from the start.
    fn listed(&self, play: &Play) -> Blueprint {
        let mut blueprint = play.bare.clone();
        let mut outside = OutsideSetup::clone(&blueprint.outside);
        let (mut tasks, mut scripts) = (Vec::new(), Vec::new());
        for arrival in self.all(&play.changes) {
            tasks.push(arrival.task);
            scripts.push(arrival.script);
            outside.tasks.push(arrival.asked);
        }
        blueprint.desk.tasks = tasks.into();
        blueprint.scripts = scripts.into();
        blueprint.outside = Arc::new(outside);
        blueprint
    }
}

impl Who for Stage {
    fn tasks(&self) -> usize {
        self.firsts()
    }

    fn sort(&self, task: usize) -> Option<u32> {
        self.coming.sort(task)
    }

    fn tenant(&self, task: usize) -> Option<u32> {
        let told = !self.tenants.is_empty() && task < self.firsts();
        told.then(|| tenant(&self.tenants, self.seed, task as u64))
    }
}

/// The most that was held at once while a run was played, beside the run itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// What the laws know of jobs.
    pub accounts: usize,
    /// What is measured of tasks.
    pub stories: usize,
    /// What the parts of the world know of jobs, at the busiest of some instants.
    pub jobs: usize,
    /// Jobs that are held against those of a run with relief.
    pub pairs: usize,
}

/// What a strategy runs in, without its tasks.
#[derive(Debug, Clone)]
pub(super) struct Play {
    pub(super) bare: Blueprint,
    changes: Changes,
}

/// What a strategy changes of the tasks.
#[derive(Debug, Clone, Default)]
struct Changes {
    /// The plans of each sort, if not as the kinds say.
    plans: Option<Arc<[Arc<Plan>]>>,
    /// Which sorts may be asked for a second time, if any.
    twins: Option<Arc<[bool]>>,
}

impl Play {
    /// What its lanes allow.
    pub(super) const fn rules(&self) -> Rules {
        Rules {
            lanes: self.bare.desk.lanes,
            shared: self.bare.desk.shared,
        }
    }
}

/// What a strategy is shown of the tasks of a stage.
#[derive(Debug)]
struct Shown {
    stage: Stage,
    /// How far predictions are off; none: there are none.
    error: Option<f64>,
    tenants: Arc<[Arc<str>]>,
}

impl TaskFacts for Shown {
    fn sort(&self, job: JobId) -> Option<u32> {
        let known = (job.0 as usize) < self.stage.jobs();
        known.then(|| self.stage.coming.sort(self.stage.number(job)))?
    }

    /// Its true length, off by a lognormal error of its own.
    fn predicted(&self, job: JobId) -> Option<SimDuration> {
        let (error, seed) = (self.error?, self.stage.seed);
        let length = self.stage.script(job)?.length(seed, job);
        let draw = seed.unit(Purpose::Predict, u64::from(job.0), 0);
        let off = libm::exp(error * normal_quantile(draw));
        Some(SimDuration::from_secs_f64(length.as_secs_f64() * off))
    }

    fn chance(&self, job: JobId) -> f64 {
        let number = self.stage.number(job) as u64;
        self.stage.seed.unit(Purpose::Route, number, 0)
    }

    fn tenant(&self, job: JobId) -> Option<&str> {
        let tenant = Who::tenant(&self.stage, self.stage.number(job))?;
        self.tenants.get(tenant as usize).map(|name| &**name)
    }
}

/// The tasks of a stage that come by themselves, one by one.
#[derive(Debug, Clone)]
struct Queue {
    stage: Stage,
    changes: Changes,
    instants: Comers,
    number: u32,
}

impl TaskSource for Queue {
    fn next(&mut self) -> Option<Arrival> {
        let (job, at) = (JobId(self.number), self.instants.next()?);
        self.number += 1;
        self.stage.arrival(job, at, &self.changes)
    }

    fn further(&self, job: JobId) -> Option<(TaskSpec, Option<Script>)> {
        // When it comes is for its user to know.
        let arrival = self.stage.arrival(job, SimTime::NEVER, &self.changes)?;
        Some((arrival.task, arrival.script))
    }

    fn fork(&self) -> Box<dyn TaskSource> {
        Box::new(self.clone())
    }
}

/// How a strategy fared in a replication.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// What was measured.
    pub measures: Measures,
    /// Why the run is no evidence, if it is none.
    pub broken: Option<String>,
    /// What its decisions have lost, if that was asked for.
    pub regret: Option<Regret>,
    /// The choices that it drew of tasks that count, in the order in which it did.
    pub drawn: Vec<Drawn>,
}

impl Comparison {
    /// The tasks of the replication of this seed.
    #[must_use]
    pub fn stage(&self, seed: Seed) -> Stage {
        let blocks = self.blocks();
        let coming = self
            .source
            .coming(&self.shares, seed, self.until, TASKS_MAX / blocks.len());
        let world = &self.world;
        let samples = world.tasks.iter().zip((0..).map(JobId));
        Stage {
            seed,
            samples: samples
                .map(|(of, sort)| Sample {
                    task: of.task.clone(),
                    script: of.script.clone(),
                    user: world.people.user(sort),
                })
                .collect(),
            tenants: self.tenants.iter().map(|(_, share)| *share).collect(),
            empty: Arc::new(OutsideSetup {
                tasks: Vec::new(),
                further: Further {
                    firsts: (blocks.len() > 1).then(|| u32::try_from(coming.count()).unwrap_or(u32::MAX)),
                    tries: world.people.retrials(),
                    twins: None,
                    marks: blocks.iter().skip(1).cloned().collect(),
                },
                ..world.outside(seed)
            }),
            coming,
            blocks: blocks.into(),
            later: None,
        }
    }

    /// What distinguishes the names of first tries, of those behind them, and of second requests.
    fn blocks(&self) -> Vec<String> {
        let again = (1..=self.world.people.retrials()).map(|number| format!("-again-{number}"));
        let twin = self.has_twins().then(|| "-twin".to_owned());
        std::iter::once(String::new()).chain(again).chain(twin).collect()
    }

    fn has_twins(&self) -> bool {
        self.strategies.iter().any(|named| named.hedge.is_some())
    }

    /// Plays a strategy on the tasks of a replication.
    #[must_use]
    pub fn play(&self, stage: &Stage, named: &Named) -> Outcome {
        self.play_counting(stage, named).0
    }

    /// The same, with what was held at once while it was played.
    #[must_use]
    pub fn play_counting(&self, stage: &Stage, named: &Named) -> (Outcome, Held) {
        let (outcome, held) = self.play_with(stage, named, |play| stage.world(play, Honest));
        (self.regretted(stage, named, outcome), held)
    }

    /// The same with somebody who reaches into the traffic.
    #[must_use]
    pub fn play_behind(&self, stage: &Stage, named: &Named, seams: impl Seams) -> Outcome {
        self.play_with(stage, named, |play| stage.world(play, seams)).0
    }

    /// The same in a world that lists all tasks from its start and forgets none: it has to come out the same.
    #[must_use]
    pub fn play_listed(&self, stage: &Stage, named: &Named) -> Outcome {
        let listed = |play: &Play| Model::new(&stage.listed(play), Honest, Recording::Streamed);
        self.play_with(stage, named, listed).0
    }

    pub(super) fn regretted(&self, stage: &Stage, named: &Named, mut outcome: Outcome) -> Outcome {
        match self.regret(stage, named, &outcome.measures) {
            Ok(regret) => outcome.regret = regret,
            Err(why) => outcome.broken = outcome.broken.or(Some(why)),
        }
        outcome
    }

    fn play_with<S: Seams>(
        &self,
        stage: &Stage,
        named: &Named,
        world: impl FnOnce(&Play) -> Model<S>,
    ) -> (Outcome, Held) {
        let router = Arc::new(self.router(stage, named));
        let play = self.setting(stage, named, Arc::clone(&router) as Arc<dyn Router>);
        let mut measuring = self.measuring(stage);
        let mut ledger = Ledger::of_open(play.rules());
        let (mut world, mut jobs) = (world(&play), 0);
        for until in self.looks() {
            world.watch_until(until, &mut (&mut measuring, &mut ledger));
            jobs = jobs.max(world.jobs_held());
        }
        let played = world.play_watched(&mut (&mut measuring, &mut ledger));
        let held = Held {
            accounts: ledger.most_held(),
            stories: measuring.most_held(),
            jobs,
            pairs: 0,
        };
        (self.ended(stage, &router, measuring, &mut ledger, &played), held)
    }

    /// The instants, while tasks arrive, at which a run stands still for a look at what it holds.
    pub(super) fn looks(&self) -> impl Iterator<Item = SimTime> + use<> {
        let slice = (self.until.ticks() / LOOKS).max(1);
        (1..=LOOKS).map(move |look| SimTime::from_ticks(slice * look))
    }

    /// What comes of a run that is over.
    pub(super) fn ended(
        &self,
        stage: &Stage,
        router: &StrategyRouter,
        measuring: Measuring<'_>,
        ledger: &mut Ledger,
        played: &Played,
    ) -> Outcome {
        let breach = ledger.close(played.end, &played.ending).first().cloned();
        let late = measuring.late();
        let measures = measuring.finish();
        let broken = match played.ending {
            Ending::StepCap => Some(format!("it was cut off after {} steps", played.steps)),
            Ending::TimeCap => Some(format!("it was cut off at {}", played.end)),
            Ending::Quiet if !played.stuck.is_empty() => Some(format!(
                "it stands still with {} open jobs, the first one `{}`",
                played.stuck.len(),
                stage.name(played.stuck[0]).unwrap_or_default()
            )),
            Ending::Quiet if !measures.conserves() => {
                Some("the buckets do not sum up to the tasks submitted".to_owned())
            }
            Ending::Quiet if late > 0 => {
                Some(format!("{late} records came when their tasks were over for good"))
            }
            Ending::Quiet => breach
                .map(|breach| format!("the law of {} does not hold: {}", breach.law.word(), breach.what)),
        };
        // What was drawn while the world was still filling up does not count.
        let mut drawn = router.take_drawn();
        drawn.retain(|drawn| drawn.at >= self.warm_up.ticks());
        Outcome {
            measures,
            broken,
            regret: None,
            drawn,
        }
    }

    /// What measures a run of these tasks.
    pub(super) fn measuring<'a>(&'a self, stage: &'a Stage) -> Measuring<'a> {
        let window = Window {
            from: self.warm_up,
            until: self.until,
            worst: self.worst,
            spinner: self.spinner,
            approvers: u32::try_from(self.world.people.approvers.len()).unwrap_or(u32::MAX),
            there: self.world.people.there_until(self.until),
        };
        let crowd = Crowd {
            tries: self.world.people.retrials(),
            twins: self.has_twins(),
            who: stage,
        };
        let stories = Stories::of(stage.firsts(), self.until, Arc::clone(&self.prices));
        Measuring::new(stories.with_jobs(stage.jobs()), crowd, &self.sorts, window)
    }

    /// A strategy in front of the tasks of a replication.
    pub(super) fn router(&self, stage: &Stage, named: &Named) -> StrategyRouter {
        let shown = Shown {
            stage: stage.clone(),
            error: named.predictor,
            tenants: self.tenants.iter().map(|(name, _)| Arc::clone(name)).collect(),
        };
        let begun = named.strategy.begin(stage.seed);
        let strategy = begun.unwrap_or_else(|| Arc::clone(&named.strategy));
        StrategyRouter::new(strategy, Arc::clone(&named.routes), Arc::new(shown))
    }

    /// Everything that the run of a strategy is made of, with all its tasks.
    #[must_use]
    pub fn blueprint(&self, stage: &Stage, named: &Named) -> Blueprint {
        stage.listed(&self.setting(stage, named, Arc::new(self.router(stage, named))))
    }

    /// The same without its tasks, behind a router.
    pub(super) fn setting(&self, stage: &Stage, named: &Named, router: Arc<dyn Router>) -> Play {
        let world = &self.world;
        let mut desk = world.core(stage.seed, router);
        desk.tasks = Arc::from([]);
        let bare = Blueprint {
            seed: stage.seed,
            desk,
            profile: world.profile.clone(),
            scripts: Arc::from([]),
            outside: match (named.hedge, named.windows) {
                (None, None) => Arc::clone(&stage.empty),
                (hedge, windows) => {
                    let mut outside = OutsideSetup::clone(&stage.empty);
                    (outside.further.twins, outside.windows) = (hedge, windows);
                    Arc::new(outside)
                }
            },
            gate: sinks::gate,
            plan: world.fault_plan(stage.seed),
            caps: Caps {
                time: world.ends.at,
                steps: world.ends.steps,
            },
        };
        let changed = named.wait.is_some() || !named.quorums.is_empty();
        let plans = changed.then(|| self.plans(named.wait, &named.quorums));
        // What is interactive and has no effects, by what is declared, may be asked for a second time.
        let plain = || named.routes.iter().map(SortRoutes::is_plain_chat).collect();
        let twins = named.hedge.map(|_| plain());
        let changes = Changes { plans, twins };
        Play { bare, changes }
    }

    /// The plans of each sort with another wait limit, and with at least so many people who have to approve.
    fn plans(&self, wait: Option<SimDuration>, quorums: &[u16]) -> Arc<[Arc<Plan>]> {
        let sorts = self.world.tasks.iter().enumerate();
        sorts
            .map(|(sort, task)| {
                let mut plan = Plan::clone(&task.task.plan);
                plan.limits.wait = wait.unwrap_or(plan.limits.wait);
                let least = quorums.get(sort).copied().unwrap_or(0);
                plan.approval.quorum = plan.approval.quorum.max(least);
                Arc::new(plan)
            })
            .collect()
    }
}
