//! All jobs and lanes of a runtime, stepped together: the job core as its driver sees it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::digests::Digests;
use super::lane::Lane;
use super::listen::{canonical_order, in_canonical_order, note_reply};
use super::machine::{Context, Ended, Job, News, Shared};
use super::rooms::Rooms;
use super::state::State;
use super::stray::{LOOK_LIMIT, Step, Strays};
use super::wakes::Wakes;
use super::{Action, Input, LaneSpec, Placement, RosterEntry, SharedCapacity, TaskSpec, Told};
use crate::backend::Genuine;
use crate::rng::Seed;
use crate::trace::{
    CoreEvent, Decided, Execution, JobEvent, LaneName, Notes, On, RouterEvent, RuntimeEvent, StateName,
};
use crate::units::{Exchange, JobId, SimTime, Window};
use crate::wire::{Ask, Break, Reply, ResponseId};

/// Says where a task goes. It sees what is declared about the task and nothing else.
pub trait Router: std::fmt::Debug + Send + Sync {
    /// Where the task of this number goes.
    fn route(&self, task: JobId) -> Routed;

    /// The same for routers that look at the state of the lanes too.
    fn route_seeing(&self, task: JobId, seen: &Seen) -> Routed {
        let _ = seen;
        self.route(task)
    }

    /// Whether it says when tasks are due, so that lanes may serve later comers first.
    fn reorders(&self) -> bool {
        false
    }

    /// Hears how the job of a task that it placed has ended, as soon as the runtime knows. Routers that learn nothing do not
    /// listen.
    fn ended(&self, task: JobId, end: &JobEnd) {
        let _ = (task, end);
    }
}

/// How a job has ended, as far as the runtime itself knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobEnd {
    /// When.
    pub at: SimTime,
    /// How.
    pub outcome: StateName,
    /// How it was carried out in the end: work may have been handed over.
    pub execution: Execution,
    /// Whether its user had closed the session before.
    pub deserted: bool,
}

/// What a router may look at beside the task: what the runtime itself knows at that instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// The instant.
    pub now: SimTime,
    /// The lanes, in the order of [`LaneName::ALL`].
    pub lanes: [LaneSeen; 3],
}

/// How full a lane is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct LaneSeen {
    /// Jobs that may hold a place at once.
    pub capacity: u32,
    /// Jobs that hold one.
    pub active: u32,
    /// Jobs that wait for one.
    pub waiting: u32,
}

/// What a router says.
#[derive(Debug, Clone)]
pub enum Routed {
    /// It becomes a job.
    Placed(Placement, Arc<Decided>),
    /// It does not, for this reason.
    Refused(Arc<str>),
}

/// What a runtime starts with.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The tasks that may be submitted; a task's number is its job's id.
    pub tasks: Arc<[TaskSpec]>,
    /// Where they go.
    pub router: Arc<dyn Router>,
    /// What each lane allows, in the order of [`LaneName::ALL`].
    pub lanes: [LaneSpec; 3],
    /// What they share, if they share anything.
    pub shared: Option<SharedCapacity>,
    /// Who may decide about approvals.
    pub roster: Arc<[RosterEntry]>,
    /// All chance.
    pub seed: Seed,
    /// Unix seconds at the start of the run.
    pub epoch: u64,
}

/// All jobs and lanes of a runtime.
#[derive(Debug, Clone)]
pub struct Desk {
    setup: Setup,
    now: SimTime,
    lanes: [Lane; 3],
    held: Window<Held>,
    jobs: Rooms<Job>,
    /// Tasks that are not listed and will be submitted.
    expected: BTreeMap<JobId, TaskSpec>,
    /// Jobs that are over and that nobody was told of; counted only where they are let go.
    over: Vec<JobId>,
    wakes: Wakes,
    shared: Shared,
    deliveries: BTreeSet<Arc<str>>,
    strays: Strays,
    notes: Notes<CoreEvent>,
    /// What was last noted of each lane.
    loads: [(u32, u32); 3],
    open: u32,
}

/// The order in which lanes are looked at where they share nothing.
const LANE_ORDER: [LaneName; 3] = [LaneName::Interactive, LaneName::Background, LaneName::Approval];

/// Where what is no job stands in the queue of wakes; jobs stand behind it, by their rooms.
const STRAYS: u32 = 0;
const FIRST_ROOM: u32 = 1;

/// What is held of a task: a word, so that those of many jobs stand close together.
#[derive(Debug, Clone, Copy)]
enum Held {
    /// Nothing: it was not submitted, or it was refused.
    Nothing,
    /// Its job, in this room.
    Job(u32),
    /// How its job ended. Whatever is told to such a job leaves a note and nothing else, so where no notes are kept,
    /// the job need not be kept either.
    Over(StateName),
    /// Nothing, and it cannot be submitted any more.
    Gone,
}

impl Held {
    const fn is_over(&self) -> bool {
        matches!(self, Self::Over(_) | Self::Gone)
    }
}

impl Desk {
    /// A runtime without jobs.
    #[must_use]
    pub fn new(setup: Setup, notes: Notes<CoreEvent>) -> Self {
        let tasks = setup.tasks.len();
        Self {
            now: SimTime::START,
            lanes: setup.lanes.map(Lane::new),
            wakes: Wakes::new(),
            held: Window::of(std::iter::repeat_n(Held::Nothing, tasks)),
            jobs: Rooms::default(),
            expected: BTreeMap::new(),
            over: Vec::new(),
            shared: Shared {
                seed: setup.seed,
                epoch: setup.epoch.saturating_mul(1_000_000),
                digests: Digests::default(),
                no_tools: Arc::from([]),
                owners: Some(HashMap::default()),
                ended: Ended::Known,
                parked: BTreeSet::new(),
            },
            deliveries: BTreeSet::new(),
            strays: Strays::default(),
            notes,
            loads: [(0, 0); 3],
            open: 0,
            setup,
        }
    }

    /// The same with another router for all that is not decided yet.
    #[must_use]
    pub fn routed_by(mut self, router: Arc<dyn Router>) -> Self {
        self.setup.router = router;
        self
    }

    /// The same runtime for a service that sends no webhooks: nobody names a response but the job that follows it.
    #[must_use]
    pub fn without_webhooks(mut self) -> Self {
        self.shared.owners = None;
        self
    }

    /// The same runtime without memory of jobs that are over: for runs of any number of them. It leaves no notes about what
    /// is told to them when they are over. Nothing may name their responses any more, so there must be no webhooks.
    #[must_use]
    pub const fn forgetting(mut self) -> Self {
        self.shared.ended = Ended::LetGo;
        self
    }

    /// Makes a task known that is not listed in the setup, and will be submitted under the number that is returned.
    pub fn expect_task(&mut self, task: TaskSpec) -> JobId {
        let id = self.held.push(Held::Nothing);
        self.expected.insert(id, task);
        id
    }

    /// The same for a task that is submitted under a number behind the row of those that are returned.
    pub fn expect_further(&mut self, job: JobId, task: TaskSpec) {
        self.held.put_apart(job, Held::Nothing);
        self.expected.insert(job, task);
    }

    /// Of how many tasks it holds anything, listed or not.
    #[must_use]
    pub fn tasks_held(&self) -> usize {
        self.held.len()
    }

    /// Whether jobs were let go since they were last asked for.
    #[must_use]
    pub const fn has_gone(&self) -> bool {
        !self.over.is_empty()
    }

    /// The jobs that were let go since this was last asked.
    pub fn drain_gone(&mut self) -> impl Iterator<Item = JobId> {
        self.over.drain(..)
    }

    /// The job that wakes first.
    #[inline]
    #[must_use]
    pub fn next_awake(&self) -> JobId {
        self.wakes.first().map_or(JobId::NONE, |(_, job, _)| job)
    }

    /// Asks for the memory of the job that wakes first.
    #[inline]
    pub fn prefetch_awake(&self) {
        if let Some((.., place)) = self.wakes.first() {
            self.wakes.prefetch(place);
            if let Some(job) = self.jobs.get(place.wrapping_sub(FIRST_ROOM)) {
                job.prefetch();
            }
        }
    }

    /// Asks for the memory of a job.
    #[inline]
    pub fn prefetch_job(&self, id: JobId) {
        if let Some(Held::Job(room)) = self.held.in_row(id)
            && let Some(job) = self.jobs.get(*room)
        {
            job.prefetch();
        }
    }

    /// When the core has to be stepped next, if nothing happens before.
    #[must_use]
    pub fn next_deadline(&self) -> Option<SimTime> {
        let next = self.wakes.next();
        (next != SimTime::NEVER).then_some(next)
    }

    /// What was noted since it was last taken.
    pub fn take_notes(&mut self) -> Vec<crate::trace::Record<CoreEvent>> {
        self.notes.take()
    }

    /// What was noted since it was last taken, one by one.
    pub fn drain_notes(&mut self) -> impl Iterator<Item = crate::trace::Record<CoreEvent>> {
        self.notes.drain()
    }

    /// Where a job stands; none if it was never accepted.
    #[must_use]
    pub fn state(&self, job: JobId) -> Option<StateName> {
        self.state_of(*self.held.get(job)?)
    }

    fn state_of(&self, held: Held) -> Option<StateName> {
        match held {
            Held::Nothing | Held::Gone => None,
            Held::Job(room) => self.jobs.get(room).map(|job| job.state.name()),
            Held::Over(outcome) => Some(outcome),
        }
    }

    /// Jobs that are neither ended nor parked. Where nothing is left to happen, nobody will ever move them.
    #[must_use]
    pub fn stuck(&self) -> Vec<JobId> {
        let open = |name: StateName| !name.is_terminal() && name != StateName::NeedsIntervention;
        let held = self.held.iter();
        held.filter(|(_, held)| self.state_of(**held).is_some_and(open))
            .map(|(id, _)| id)
            .collect()
    }

    /// Jobs that are accepted and not ended.
    #[must_use]
    pub const fn open_jobs(&self) -> u32 {
        self.open
    }

    /// Takes everything that happened in the tick `now` at once and answers what to do; what it answers takes effect
    /// in the next tick. The batch is left empty.
    ///
    /// # Panics
    /// If time runs backwards.
    pub fn step(&mut self, now: SimTime, batch: &mut Vec<Input>, actions: &mut Vec<Action>) {
        canonical_order(batch);
        self.step_in_order(now, batch, actions);
        batch.clear();
    }

    /// The same with a batch that is in canonical order already, and that stays with its owner.
    ///
    /// # Panics
    /// If time runs backwards.
    pub fn step_in_order(&mut self, now: SimTime, batch: &[Input], actions: &mut Vec<Action>) {
        debug_assert!(in_canonical_order(batch), "the batch of {now} is out of order");
        self.begin(now);
        let freed = !batch.is_empty() && self.take_all(batch, actions);
        self.finish(freed, actions);
    }

    #[inline(never)]
    fn take_all(&mut self, batch: &[Input], actions: &mut Vec<Action>) -> bool {
        let mut freed = false;
        for input in batch {
            freed |= self.take(input, actions);
        }
        freed
    }

    /// The same where all that happened is this reply.
    ///
    /// # Panics
    /// If time runs backwards.
    pub fn step_replied(
        &mut self,
        now: SimTime,
        exchange: Exchange,
        reply: &Reply,
        actions: &mut Vec<Action>,
    ) {
        self.begin(now);
        let freed = match exchange.job() {
            JobId::NONE => self.stray_seen(exchange, reply, actions),
            job => self.with(job, actions, |job, ctx| job.replied(ctx, exchange, reply)),
        };
        self.finish(freed, actions);
    }

    #[inline]
    fn begin(&mut self, now: SimTime) {
        assert!(now >= self.now, "time runs backwards: {now} after {}", self.now);
        self.now = now;
    }

    /// Does what is due, and lets jobs in where places became free.
    #[inline(always)]
    fn finish(&mut self, freed: bool, actions: &mut Vec<Action>) {
        if freed | self.wake_due(actions) {
            self.fill_places(actions);
        }
        if self.notes.is_on() {
            self.note_loads();
        }
        if !self.over.is_empty() {
            self.forget_over();
        }
    }

    #[inline(never)]
    fn fill_places(&mut self, actions: &mut Vec<Action>) {
        while self.pump(actions) | self.wake_due(actions) {}
    }

    #[inline(never)]
    fn forget_over(&mut self) {
        for job in &self.over {
            self.held.take_apart(*job);
        }
        while self.held.pop_if(Held::is_over) {}
    }

    /// Notes how full each lane is, where that changed.
    #[inline(never)]
    fn note_loads(&mut self) {
        for (place, lane) in LaneName::ALL.iter().enumerate() {
            let load = self.lanes[place].load();
            if load != self.loads[place] {
                self.loads[place] = load;
                let (active, waiting) = load;
                self.notes.note(self.now, None, || RuntimeEvent::LaneLoad {
                    lane: *lane,
                    active,
                    waiting,
                });
            }
        }
    }

    #[inline]
    fn wake_due(&mut self, actions: &mut Vec<Action>) -> bool {
        match self.wakes.next() > self.now {
            true => false,
            false => self.wake(actions),
        }
    }

    #[inline(never)]
    fn wake(&mut self, actions: &mut Vec<Action>) -> bool {
        let mut freed = false;
        while self.wakes.next() <= self.now
            && let Some((_, _, place)) = self.wakes.first()
        {
            match place {
                STRAYS => self.wake_strays(actions),
                place => freed |= self.visit_room(place - FIRST_ROOM, actions, Job::wake),
            }
        }
        freed
    }

    fn take(&mut self, input: &Input, actions: &mut Vec<Action>) -> bool {
        match &input.told {
            Told::Submitted => self.submitted(input.job, actions),
            Told::Webhook {
                delivery,
                send,
                response,
                genuine,
                ..
            } => self.webhook(delivery, *send, response, *genuine, actions),
            Told::Reply { exchange, reply } if exchange.job() == JobId::NONE => {
                self.stray_seen(*exchange, reply, actions)
            }
            Told::Broke { exchange, how } if exchange.job() == JobId::NONE => {
                self.stray_broke(*exchange, how);
                false
            }
            told => self.with(input.job, actions, |job, ctx| job.tell(ctx, told)),
        }
    }

    fn seen(&self) -> Seen {
        let seen = |place: usize| {
            let (active, waiting) = self.lanes[place].load();
            LaneSeen {
                capacity: self.setup.lanes[place].capacity,
                active,
                waiting,
            }
        };
        Seen {
            now: self.now,
            lanes: [seen(0), seen(1), seen(2)],
        }
    }

    fn submitted(&mut self, id: JobId, actions: &mut Vec<Action>) -> bool {
        let seen = self.seen();
        let Some(held @ Held::Nothing) = self.held.get_mut(id) else {
            return false;
        };
        let expected = self.expected.remove(&id);
        let listed = || self.setup.tasks.get(id.0 as usize);
        let Some(task) = expected.as_ref().or_else(listed) else {
            return false;
        };
        let (placement, decided) = match self.setup.router.route_seeing(id, &seen) {
            Routed::Placed(placement, decided) => (placement, decided),
            Routed::Refused(reason) => {
                self.notes.note(self.now, id, || RouterEvent::Refused { reason });
                if expected.is_some() {
                    *held = Held::Gone;
                    self.let_go(id);
                }
                return false;
            }
        };
        self.notes.note(self.now, id, || RouterEvent::Decided(decided));
        let (lane, due) = (placement.lane, placement.due);
        let job = Job::new(id, task, placement, self.now, &self.shared.no_tools);
        let (deadline, attempts_max) = (job.deadline, task.plan.retry.attempts);
        self.notes.note(self.now, id, || JobEvent::Moved {
            from: None,
            on: On::Accepted,
            to: StateName::Accepted,
            attempt: 0,
            charged: 0,
            turn: 0,
            cause: None,
            by: None,
        });
        self.notes.note(self.now, id, || JobEvent::Promised {
            lane,
            deadline,
            attempts_max,
        });
        self.notes.note(self.now, id, || RuntimeEvent::Acknowledged);
        *held = Held::Job(self.jobs.insert(job));
        self.open += 1;
        self.lanes[lane as usize].arrive(id, due);
        self.with(id, actions, |_, ctx| ctx.freed = true)
    }

    /// Whether a shared capacity leaves a place free.
    fn has_room(&self) -> bool {
        self.setup
            .shared
            .is_none_or(|shared| self.lanes.iter().map(|lane| lane.load().0).sum::<u32>() < shared.capacity)
    }

    /// Lets jobs into the lanes as far as there is room; whether that made room elsewhere.
    fn pump(&mut self, actions: &mut Vec<Action>) -> bool {
        let mut freed = false;
        let order = self.setup.shared.map_or(LANE_ORDER, |shared| shared.order);
        for lane in order.map(|lane| lane as usize) {
            loop {
                if let Some(job) = self.lanes[lane].admit() {
                    freed |= self.with(job, actions, |job, ctx| {
                        job.enter(ctx, On::Admitted, State::Queued)
                    });
                } else if self.has_room()
                    && let Some(job) = self.lanes[lane].grant()
                {
                    freed |= self.with(job, actions, Job::capacity_granted);
                } else {
                    break;
                }
            }
        }
        freed
    }

    /// Lets something happen to a job; whether a place became free.
    fn with(
        &mut self,
        id: JobId,
        actions: &mut Vec<Action>,
        act: impl FnOnce(&mut Job, &mut Context<'_>),
    ) -> bool {
        self.visit(id, actions, |job, ctx| {
            act(job, ctx);
            job.set_alarm(ctx.now);
        })
    }

    /// Steps one job, shows what changed, and sets its timer; whether a place became free.
    fn visit(
        &mut self,
        id: JobId,
        actions: &mut Vec<Action>,
        act: impl FnOnce(&mut Job, &mut Context<'_>),
    ) -> bool {
        match self.held.get(id) {
            Some(Held::Job(room)) => self.visit_room(*room, actions, act),
            _ => false,
        }
    }

    fn visit_room(
        &mut self,
        room: u32,
        actions: &mut Vec<Action>,
        act: impl FnOnce(&mut Job, &mut Context<'_>),
    ) -> bool {
        let Some(job) = self.jobs.get_mut(room) else {
            return false;
        };
        let (id, was_open) = (job.id, !matches!(job.state, State::Ended(_)));
        let mut ctx = Context {
            now: self.now,
            actions,
            notes: &mut self.notes,
            lane: &mut self.lanes[job.lane as usize],
            roster: &self.setup.roster,
            shared: &mut self.shared,
            freed: false,
            news: News::Perhaps,
        };
        act(job, &mut ctx);
        if ctx.news == News::Perhaps {
            job.show(&mut ctx);
        }
        let freed = ctx.freed;
        if was_open && matches!(job.state, State::Ended(_)) {
            self.open -= 1;
            let end = JobEnd {
                at: self.now,
                outcome: job.state.name(),
                execution: job.execution,
                deserted: job.deserted,
            };
            self.setup.router.ended(id, &end);
        }
        let due = job.alarm;
        if due != job.armed {
            job.armed = due;
            self.wakes.set(room + FIRST_ROOM, id, due);
        }
        if (self.shared.ended == Ended::LetGo || !self.notes.is_on()) && job.is_over() {
            let over = Held::Over(job.state.name());
            self.jobs.give_back(room);
            if let Some(held) = self.held.get_mut(id) {
                *held = over;
            }
            self.let_go(id);
        }
        freed
    }

    /// A job is over: its place goes, and whoever holds something of it will be told, where that is wanted.
    fn let_go(&mut self, id: JobId) {
        if self.shared.ended == Ended::LetGo {
            self.over.push(id);
        }
    }

    fn webhook(
        &mut self,
        delivery: &Arc<str>,
        send: u16,
        response: &ResponseId,
        genuine: Genuine,
        actions: &mut Vec<Action>,
    ) -> bool {
        let owners = self.shared.owners.as_ref();
        let owner = owners.and_then(|owners| owners.get(response)).copied();
        let ended = owner
            .and_then(|owner| self.state(owner))
            .is_some_and(StateName::is_terminal);
        let what = match (genuine, owner) {
            (Genuine::Forged, _) => "forged",
            (Genuine::Stale, _) => "stale",
            (Genuine::Valid, _) if self.deliveries.contains(delivery) => "duplicate",
            (Genuine::Valid, None) => "parked",
            (Genuine::Valid, Some(_)) if ended => "late",
            (Genuine::Valid, Some(_)) => "read_state",
        };
        actions.push(Action::AnswerWebhook {
            delivery: delivery.clone(),
            send,
            http: if genuine == Genuine::Valid { 200 } else { 400 },
        });
        self.notes.note(self.now, owner, || RuntimeEvent::WebhookTaken {
            delivery: delivery.clone(),
            response: response.clone(),
            what,
        });
        if genuine != Genuine::Valid || !self.deliveries.insert(delivery.clone()) {
            return false;
        }
        match owner {
            Some(owner) => self.with(owner, actions, |job, ctx| job.named_by_webhook(ctx, response)),
            None => {
                if self.shared.parked.insert(response.clone()) {
                    self.strays.named(self.now, response.clone());
                    self.wake_strays(actions);
                }
                false
            }
        }
    }

    /// Sends and gives up looks at responses that nobody claims, as they are due.
    fn wake_strays(&mut self, actions: &mut Vec<Action>) {
        while let Some(step) = self.strays.wake(self.now) {
            match step {
                Step::Send(exchange, response) => {
                    self.notes.note(self.now, None, || RuntimeEvent::Sent {
                        exchange,
                        response: Some(response.clone()),
                        limit: LOOK_LIMIT,
                    });
                    let ask = Ask::Poll(response);
                    actions.push(Action::Send { exchange, ask });
                }
                Step::Abort(exchange) => {
                    self.notes
                        .note(self.now, None, || RuntimeEvent::Aborted { exchange });
                    actions.push(Action::Abort { exchange });
                }
            }
        }
        self.arm_strays();
    }

    fn arm_strays(&mut self) {
        self.wakes.set(STRAYS, JobId::NONE, self.strays.due());
    }

    fn stray_broke(&mut self, exchange: Exchange, how: &Break) {
        if self.strays.awaits(exchange) {
            self.notes.note(self.now, None, || RuntimeEvent::Broke {
                exchange,
                how: how.clone(),
            });
            self.strays.told_nothing(self.now, exchange);
            self.arm_strays();
        }
    }

    fn stray_seen(&mut self, exchange: Exchange, reply: &Reply, actions: &mut Vec<Action>) -> bool {
        if !self.strays.awaits(exchange) {
            return false;
        }
        note_reply(&mut self.notes, self.now, None, exchange, reply);
        let seen = self.strays.replied(self.now, exchange, reply);
        self.arm_strays();
        let Some((response, origin)) = seen.and_then(|seen| seen.origin.map(|origin| (seen, origin))) else {
            return false;
        };
        self.with(origin.job, actions, |job, ctx| job.claim(ctx, response))
    }
}
