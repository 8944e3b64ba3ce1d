//! One replication: its tasks, and how a strategy fares with them.

use std::sync::Arc;

use super::plan::{Comparison, Named};
use super::regret::Regret;
use super::workload::tenant;
use crate::backend::Script;
use crate::job::{Plan, TaskSpec};
use crate::people::{Further, OutsideSetup, OutsideTask, Twins};
use crate::rng::{Purpose, Seed, normal_quantile};
use crate::sim::laws::{Ledger, Rules};
use crate::sim::metric::{Crowd, Measures, Measuring, Stories, Window};
use crate::sim::strategy::{Drawn, StrategyRouter, TaskRoutes};
use crate::sim::{Arrival, Blueprint, Caps, Ending, Honest, Model, Recording, Seams, TaskSource};
use crate::sinks;
use crate::units::{JobId, Probability, SimDuration, SimTime};

/// No replication has more tasks.
const TASKS_MAX: usize = 2_000_000;

/// The tasks of a replication, the same for every strategy, with the further tries that there may be of each.
#[derive(Debug, Clone)]
pub struct Stage {
    seed: Seed,
    /// How many tasks come by themselves.
    firsts: usize,
    tasks: Arc<[TaskSpec]>,
    scripts: Arc<[Option<Script>]>,
    outside: Arc<OutsideSetup>,
    /// The same without tasks.
    empty: Arc<OutsideSetup>,
    sorts: Arc<[u32]>,
    tenants: Arc<[u32]>,
    chances: Arc<[f64]>,
    lengths: Arc<[SimDuration]>,
}

impl Stage {
    /// The sort of each task that comes by itself, by its number.
    #[must_use]
    pub fn sorts(&self) -> &[u32] {
        &self.sorts[..self.firsts]
    }

    /// The tenant of each task, by its number; empty if nobody is told from another.
    #[must_use]
    pub fn tenants(&self) -> &[u32] {
        self.tenants.get(..self.firsts).unwrap_or(&[])
    }

    /// The tasks, by their numbers.
    #[must_use]
    pub fn tasks(&self) -> &[TaskSpec] {
        &self.tasks
    }

    /// Where its chance comes from.
    #[must_use]
    pub const fn seed(&self) -> Seed {
        self.seed
    }

    /// When a task arrives; never, if there is no such task.
    #[must_use]
    pub fn arrives(&self, job: JobId) -> SimTime {
        let task = self.outside.tasks.get(job.0 as usize);
        task.map_or(SimTime::NEVER, |task| task.at)
    }

    /// The world of a blueprint of these tasks before anything has happened. Its tasks are made when they arrive, and forgotten
    /// when they are over, wherever that can be.
    pub(super) fn world<S: Seams>(&self, blueprint: &Blueprint, seams: S) -> Model<S> {
        let sorted = self.outside.tasks.is_sorted_by_key(|task| task.at);
        let further = self.outside.further.firsts.is_some();
        let own = !Arc::ptr_eq(&self.outside, &blueprint.outside);
        if !sorted || further || own || blueprint.profile.webhook.is_some() {
            return Model::new(blueprint, seams, Recording::Streamed);
        }
        let queue = Queue {
            tasks: Arc::clone(&blueprint.desk.tasks),
            scripts: Arc::clone(&self.scripts),
            outside: Arc::clone(&self.outside),
            next: 0,
        };
        let mut bare = blueprint.clone();
        bare.desk.tasks = Arc::from([]);
        bare.scripts = Arc::from([]);
        bare.outside = Arc::clone(&self.empty);
        Model::new(&bare, seams, Recording::Streamed).fed_by(Box::new(queue), &bare)
    }

    /// The same tasks with other scripts.
    pub(super) fn playing(&self, scripts: Arc<[Option<Script>]>) -> Self {
        let numbered = (0_u32..).map(JobId).zip(scripts.iter());
        let lengths = match self.lengths.is_empty() {
            true => Arc::clone(&self.lengths),
            false => numbered
                .filter_map(|(job, script)| Some(script.as_ref()?.length(self.seed, job)))
                .collect(),
        };
        Self {
            scripts,
            lengths,
            ..self.clone()
        }
    }

    /// The script of each task, by its number.
    #[must_use]
    pub fn scripts(&self) -> &[Option<Script>] {
        &self.scripts
    }
}

/// The tasks of a stage, one by one.
#[derive(Debug, Clone)]
struct Queue {
    tasks: Arc<[TaskSpec]>,
    scripts: Arc<[Option<Script>]>,
    outside: Arc<OutsideSetup>,
    next: usize,
}

impl TaskSource for Queue {
    fn next(&mut self) -> Option<Arrival> {
        let place = self.next;
        self.next += 1;
        Some(Arrival {
            task: self.tasks.get(place)?.clone(),
            asked: self.outside.tasks.get(place)?.clone(),
            script: self.scripts.get(place)?.clone(),
        })
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
        let firsts = self
            .source
            .tasks(&self.shares, seed, self.until, TASKS_MAX / blocks.len());
        let world = &self.world;
        let arrivals: Vec<_> = blocks.iter().flat_map(|_| firsts.iter().copied()).collect();
        let firsts = firsts.len();
        let mut tasks = Vec::with_capacity(arrivals.len());
        let mut scripts = Vec::with_capacity(arrivals.len());
        let mut people = Vec::with_capacity(arrivals.len());
        for (arrival, place) in arrivals.iter().zip(0..) {
            let of = &world.tasks[arrival.sort as usize];
            let (block, number) = (&blocks[place / firsts], place % firsts + 1);
            let name: Arc<str> = format!("{}-{number}{block}", of.task.name).into();
            people.push(OutsideTask {
                name: Arc::clone(&name),
                kind: Arc::clone(&of.task.kind),
                at: arrival.at,
                requester: of.task.requester.clone(),
                own: of.task.plan.approval.own,
                user: world.people.user(JobId(arrival.sort)),
            });
            tasks.push(TaskSpec {
                name,
                ..of.task.clone()
            });
            scripts.push(Some(arrival.script(&of.script)));
        }
        let jobs = || (0_u32..).map(JobId).take(arrivals.len());
        // A further try is the same task.
        let task = |job: JobId| u64::from(job.0) % firsts.max(1) as u64;
        let lengths = match self.strategies.iter().any(|named| named.predictor.is_some()) {
            true => jobs()
                .zip(&scripts)
                .filter_map(|(job, script)| Some(script.as_ref()?.length(seed, job)))
                .collect(),
            false => Arc::from([]),
        };
        Stage {
            seed,
            firsts,
            chances: jobs()
                .map(|job| seed.unit(Purpose::Route, task(job), 0))
                .collect(),
            lengths,
            tenants: self.tenants_of(jobs().map(task), seed),
            sorts: arrivals.iter().map(|arrival| arrival.sort).collect(),
            empty: Arc::new(OutsideSetup {
                tasks: Vec::new(),
                ..world.outside(seed)
            }),
            outside: Arc::new(OutsideSetup {
                tasks: people,
                further: Further {
                    firsts: (blocks.len() > 1).then(|| u32::try_from(firsts).unwrap_or(u32::MAX)),
                    tries: world.people.retrials(),
                    twins: None,
                },
                ..world.outside(seed)
            }),
            tasks: tasks.into(),
            scripts: scripts.into(),
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

    fn tenants_of(&self, tasks: impl Iterator<Item = u64>, seed: Seed) -> Arc<[u32]> {
        if self.tenants.is_empty() {
            return Arc::from([]);
        }
        let shares: Vec<Probability> = self.tenants.iter().map(|(_, share)| *share).collect();
        tasks.map(|number| tenant(&shares, seed, number)).collect()
    }

    /// Plays a strategy on the tasks of a replication.
    #[must_use]
    pub fn play(&self, stage: &Stage, named: &Named) -> Outcome {
        self.play_with_books(stage, named).0
    }

    /// The same, with what the laws know of its jobs.
    #[must_use]
    pub fn play_with_books(&self, stage: &Stage, named: &Named) -> (Outcome, Ledger) {
        let (mut outcome, ledger) = self.run_of(stage, named, Honest);
        match self.regret(stage, named, &outcome.measures) {
            Ok(regret) => outcome.regret = regret,
            Err(why) => outcome.broken = outcome.broken.or(Some(why)),
        }
        (outcome, ledger)
    }

    /// The same with somebody who reaches into the traffic.
    #[must_use]
    pub fn play_behind(&self, stage: &Stage, named: &Named, seams: impl Seams) -> Outcome {
        self.run_of(stage, named, seams).0
    }

    fn run_of(&self, stage: &Stage, named: &Named, seams: impl Seams) -> (Outcome, Ledger) {
        let router = Arc::new(self.router(stage, named));
        let blueprint = self.blueprint_behind(stage, named, Arc::clone(&router));
        let (mut outcome, ledger) = self.run(stage, &blueprint, seams);
        outcome.drawn = self.counted(&router);
        (outcome, ledger)
    }

    /// What a router has drawn of tasks that count.
    fn counted(&self, router: &StrategyRouter) -> Vec<Drawn> {
        let mut drawn = router.take_drawn();
        drawn.retain(|drawn| drawn.at >= self.warm_up.ticks());
        drawn
    }

    /// The same in a world that lists all tasks from its start and forgets none: it has to come out the same.
    #[must_use]
    pub fn play_listed(&self, stage: &Stage, named: &Named) -> Outcome {
        let router = Arc::new(self.router(stage, named));
        let blueprint = self.blueprint_behind(stage, named, Arc::clone(&router));
        let model = Model::new(&blueprint, Honest, Recording::Streamed);
        let (mut outcome, _) = self.played(stage, &blueprint, model);
        outcome.drawn = self.counted(&router);
        outcome
    }

    /// Plays a run to its end.
    pub(super) fn run(&self, stage: &Stage, blueprint: &Blueprint, seams: impl Seams) -> (Outcome, Ledger) {
        self.played(stage, blueprint, stage.world(blueprint, seams))
    }

    fn played<S: Seams>(&self, stage: &Stage, blueprint: &Blueprint, model: Model<S>) -> (Outcome, Ledger) {
        let mut measuring = self.measuring(stage);
        let rules = Rules {
            lanes: blueprint.desk.lanes,
            shared: blueprint.desk.shared,
        };
        let mut ledger = Ledger::new(rules, stage.tasks.len());
        let played = model.play_watched(&mut (&mut measuring, &mut ledger));
        let breach = ledger.close(played.end, &played.ending).first().cloned();
        let late = measuring.late();
        let measures = measuring.finish();
        let broken = match played.ending {
            Ending::StepCap => Some(format!("it was cut off after {} steps", played.steps)),
            Ending::TimeCap => Some(format!("it was cut off at {}", played.end)),
            Ending::Quiet if !played.stuck.is_empty() => Some(format!(
                "it stands still with {} open jobs, the first one `{}`",
                played.stuck.len(),
                stage.tasks[played.stuck[0].0 as usize].name
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
        let outcome = Outcome {
            measures,
            broken,
            regret: None,
            drawn: Vec::new(),
        };
        (outcome, ledger)
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
            sorts: stage.sorts(),
            tenants: stage.tenants(),
        };
        let stories = Stories::of(stage.tasks.len(), Arc::clone(&self.prices));
        Measuring::new(stories, crowd, &self.sorts, window)
    }

    /// A strategy in front of the tasks of a replication.
    pub(super) fn router(&self, stage: &Stage, named: &Named) -> StrategyRouter {
        let routes = TaskRoutes {
            sorts: Arc::clone(&stage.sorts),
            predicted: predicted(stage, named),
            chances: Arc::clone(&stage.chances),
            tenants: Arc::clone(&stage.tenants),
            tenant_names: self.tenants.iter().map(|(name, _)| Arc::clone(name)).collect(),
        };
        let begun = named.strategy.begin(stage.seed);
        let strategy = begun.unwrap_or_else(|| Arc::clone(&named.strategy));
        StrategyRouter::new(strategy, Arc::clone(&named.routes), routes)
    }

    /// Everything that the run of a strategy is made of.
    #[must_use]
    pub fn blueprint(&self, stage: &Stage, named: &Named) -> Blueprint {
        self.blueprint_behind(stage, named, Arc::new(self.router(stage, named)))
    }

    fn blueprint_behind(&self, stage: &Stage, named: &Named, router: Arc<StrategyRouter>) -> Blueprint {
        let world = &self.world;
        let mut desk = world.core(stage.seed, router);
        desk.tasks = match (named.wait, named.quorums.is_empty()) {
            (None, true) => Arc::clone(&stage.tasks),
            (wait, _) => self.changed(stage, wait, &named.quorums),
        };
        Blueprint {
            seed: stage.seed,
            desk,
            profile: world.profile.clone(),
            scripts: Arc::clone(&stage.scripts),
            outside: match (named.hedge, named.windows) {
                (None, None) => Arc::clone(&stage.outside),
                (hedge, windows) => around(stage, named, hedge, windows),
            },
            gate: sinks::gate,
            plan: world.fault_plan(stage.seed),
            caps: Caps {
                time: world.ends.at,
                steps: world.ends.steps,
            },
        }
    }

    /// The tasks with another wait limit, and with at least so many people who have to approve those of each sort.
    fn changed(&self, stage: &Stage, wait: Option<SimDuration>, quorums: &[u16]) -> Arc<[TaskSpec]> {
        let plans: Vec<Arc<Plan>> = self
            .world
            .tasks
            .iter()
            .enumerate()
            .map(|(sort, task)| {
                let mut plan = Plan::clone(&task.task.plan);
                plan.limits.wait = wait.unwrap_or(plan.limits.wait);
                let least = quorums.get(sort).copied().unwrap_or(0);
                plan.approval.quorum = plan.approval.quorum.max(least);
                Arc::new(plan)
            })
            .collect();
        let changed = stage.tasks.iter().zip(stage.sorts.iter());
        changed
            .map(|(task, sort)| TaskSpec {
                plan: Arc::clone(&plans[*sort as usize]),
                ..task.clone()
            })
            .collect()
    }
}

/// The outside world with second requests for what is interactive and has no effects, by what is declared, and with approval
/// requests that are kept until the next window.
fn around(
    stage: &Stage,
    named: &Named,
    hedge: Option<SimDuration>,
    windows: Option<SimDuration>,
) -> Arc<OutsideSetup> {
    let mut outside = OutsideSetup::clone(&stage.outside);
    outside.windows = windows;
    outside.further.twins = hedge.map(|after| {
        let sorts = stage.sorts().iter();
        Twins {
            after,
            of: sorts
                .map(|sort| named.routes[*sort as usize].is_plain_chat())
                .collect(),
        }
    });
    Arc::new(outside)
}

/// What is predicted of each task: its true length, off by a lognormal error of its own.
fn predicted(stage: &Stage, named: &Named) -> Arc<[SimDuration]> {
    let Some(error) = named.predictor else {
        return Arc::from([]);
    };
    let off = |job: u64| libm::exp(error * normal_quantile(stage.seed.unit(Purpose::Predict, job, 0)));
    let lengths = stage.lengths.iter().zip(0_u64..);
    lengths
        .map(|(length, job)| SimDuration::from_secs_f64(length.as_secs_f64() * off(job)))
        .collect()
}
