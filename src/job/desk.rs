//! All jobs and lanes of a runtime, stepped together: the job core as its driver sees it.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};
use std::sync::Arc;

use super::finish::OperatorAct;
use super::lane::Lane;
use super::machine::{Context, Job};
use super::state::State;
use super::{Action, Input, LaneSpec, Placement, RosterEntry, TaskSpec, Told};
use crate::backend::Genuine;
use crate::rng::Seed;
use crate::trace::{CoreEvent, Decided, JobEvent, LaneName, Notes, On, RouterEvent, RuntimeEvent, StateName};
use crate::units::{AttemptNo, Exchange, ExchangeKind, JobId, SimTime, TurnNo};
use crate::wire::{Ask, Break, Reply, ResponseId, StreamEvent};

/// Says where a task goes. It sees what is declared about the task and nothing else.
pub trait Router: std::fmt::Debug + Send + Sync {
    /// Where the task of this number goes.
    fn route(&self, task: JobId) -> Routed;
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
    jobs: Vec<Option<Box<Job>>>,
    timers: BinaryHeap<Reverse<(SimTime, JobId)>>,
    owners: HashMap<ResponseId, JobId>,
    parked: BTreeSet<ResponseId>,
    deliveries: BTreeSet<Arc<str>>,
    /// Looks at responses that nobody claims: exchange and response.
    strays: Vec<(Exchange, ResponseId)>,
    stray_looks: u32,
    notes: Notes<CoreEvent>,
    open: u32,
}

impl Desk {
    /// A runtime without jobs.
    #[must_use]
    pub fn new(setup: Setup, notes: Notes<CoreEvent>) -> Self {
        let jobs = std::iter::repeat_with(|| None).take(setup.tasks.len()).collect();
        Self {
            now: SimTime::START,
            lanes: setup.lanes.map(Lane::new),
            jobs,
            timers: BinaryHeap::new(),
            owners: HashMap::new(),
            parked: BTreeSet::new(),
            deliveries: BTreeSet::new(),
            strays: Vec::new(),
            stray_looks: 0,
            notes,
            open: 0,
            setup,
        }
    }

    /// When the core has to be stepped next, if nothing happens before.
    #[must_use]
    pub fn next_deadline(&self) -> Option<SimTime> {
        self.timers.peek().map(|Reverse((at, _))| *at)
    }

    /// What was noted since it was last taken.
    pub fn take_notes(&mut self) -> Vec<crate::trace::Record<CoreEvent>> {
        self.notes.take()
    }

    /// Where a job stands; none if it was never accepted.
    #[must_use]
    pub fn state(&self, job: JobId) -> Option<StateName> {
        self.jobs
            .get(job.0 as usize)?
            .as_ref()
            .map(|job| job.state.name())
    }

    /// Jobs that are neither ended nor parked. Where nothing is left to happen, nobody will ever move them.
    #[must_use]
    pub fn stuck(&self) -> Vec<JobId> {
        let open = |name: StateName| !name.is_terminal() && name != StateName::NeedsIntervention;
        let jobs = self.jobs.iter().flatten();
        jobs.filter(|job| open(job.state.name()))
            .map(|job| job.id)
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
        assert!(now >= self.now, "time runs backwards: {now} after {}", self.now);
        self.now = now;
        canonical_order(batch);
        let mut freed = false;
        for input in batch.drain(..) {
            freed |= self.take(&input, actions);
        }
        freed |= self.wake_due(actions);
        while freed {
            freed = self.pump(actions);
            freed |= self.wake_due(actions);
        }
    }

    fn wake_due(&mut self, actions: &mut Vec<Action>) -> bool {
        let mut freed = false;
        while let Some(Reverse((at, job))) = self.timers.peek().copied() {
            if at > self.now {
                break;
            }
            self.timers.pop();
            let current = self.jobs[job.0 as usize]
                .as_ref()
                .is_some_and(|found| found.armed == at);
            if current {
                freed |= self.with(job, actions, |job, ctx| {
                    job.armed = SimTime::NEVER;
                    job.wake(ctx);
                });
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
            Told::Reply { exchange, reply } if exchange.job == JobId::NONE => {
                self.stray_seen(*exchange, reply, actions)
            }
            Told::Broke { exchange, .. } if exchange.job == JobId::NONE => {
                self.strays.retain(|(key, _)| key != exchange);
                false
            }
            told => {
                let known = self.jobs.get(input.job.0 as usize).is_some_and(Option::is_some);
                known && self.with(input.job, actions, |job, ctx| job.tell(ctx, told))
            }
        }
    }

    fn submitted(&mut self, id: JobId, actions: &mut Vec<Action>) -> bool {
        let Some(task) = self.setup.tasks.get(id.0 as usize) else {
            return false;
        };
        if self.jobs[id.0 as usize].is_some() {
            return false;
        }
        let (placement, decided) = match self.setup.router.route(id) {
            Routed::Placed(placement, decided) => (placement, decided),
            Routed::Refused(reason) => {
                self.notes.note(self.now, id, || RouterEvent::Refused { reason });
                return false;
            }
        };
        self.notes.note(self.now, id, || RouterEvent::Decided(decided));
        let lane = placement.lane;
        let job = Job::new(id, task, placement, self.now);
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
        self.jobs[id.0 as usize] = Some(Box::new(job));
        self.open += 1;
        self.lanes[lane as usize].arrive(id);
        self.with(id, actions, |_, ctx| ctx.freed = true)
    }

    /// Lets jobs into the lanes as far as there is room; whether that made room elsewhere.
    fn pump(&mut self, actions: &mut Vec<Action>) -> bool {
        let mut freed = false;
        for lane in 0..self.lanes.len() {
            let before = self.lanes[lane].load();
            loop {
                if let Some(job) = self.lanes[lane].admit() {
                    freed |= self.with(job, actions, |job, ctx| {
                        job.enter(ctx, On::Admitted, State::Queued)
                    });
                } else if let Some(job) = self.lanes[lane].grant() {
                    freed |= self.with(job, actions, Job::capacity_granted);
                } else {
                    break;
                }
            }
            let (active, waiting) = self.lanes[lane].load();
            if before != (active, waiting) {
                let lane = LaneName::ALL[lane];
                self.notes.note(self.now, None, || RuntimeEvent::LaneLoad {
                    lane,
                    active,
                    waiting,
                });
            }
        }
        freed
    }

    /// Steps one job, shows what changed, and sets its timer; whether a place became free.
    fn with(
        &mut self,
        id: JobId,
        actions: &mut Vec<Action>,
        act: impl FnOnce(&mut Job, &mut Context<'_>),
    ) -> bool {
        let Some(job) = self.jobs[id.0 as usize].as_mut() else {
            return false;
        };
        let was_open = !job.state.name().is_terminal();
        let mut ctx = Context {
            now: self.now,
            seed: self.setup.seed,
            epoch: self.setup.epoch.saturating_mul(1_000_000),
            actions,
            notes: &mut self.notes,
            lane: &mut self.lanes[job.placement.lane as usize],
            roster: &self.setup.roster,
            owners: &mut self.owners,
            parked: &mut self.parked,
            freed: false,
        };
        act(job, &mut ctx);
        job.show(&mut ctx);
        let freed = ctx.freed;
        if was_open && job.state.name().is_terminal() {
            self.open -= 1;
        }
        let due = job.due(self.now);
        if due < SimTime::NEVER && due != job.armed {
            job.armed = due;
            self.timers.push(Reverse((due, id)));
        }
        freed
    }

    fn webhook(
        &mut self,
        delivery: &Arc<str>,
        send: u16,
        response: &ResponseId,
        genuine: Genuine,
        actions: &mut Vec<Action>,
    ) -> bool {
        let owner = self.owners.get(response).copied();
        let what = match (genuine, owner) {
            (Genuine::Forged, _) => "forged",
            (Genuine::Stale, _) => "stale",
            (Genuine::Valid, _) if self.deliveries.contains(delivery) => "duplicate",
            (Genuine::Valid, None) => "parked",
            (Genuine::Valid, Some(_)) => "read_state",
        };
        let http = if genuine == Genuine::Valid { 200 } else { 400 };
        actions.push(Action::AnswerWebhook {
            delivery: delivery.clone(),
            send,
            http,
        });
        let (id, name) = (delivery.clone(), response.clone());
        self.notes.note(self.now, owner, || RuntimeEvent::WebhookTaken {
            delivery: id,
            response: name,
            what,
        });
        match what {
            "read_state" => {
                self.deliveries.insert(delivery.clone());
                owner.is_some_and(|owner| {
                    let response = response.clone();
                    self.with(owner, actions, |job, ctx| job.named_by_webhook(ctx, response))
                })
            }
            "parked" => {
                self.deliveries.insert(delivery.clone());
                self.look_at_stray(response, actions);
                false
            }
            _ => false,
        }
    }

    /// A response that nobody claims: whom it serves stands in its metadata.
    fn look_at_stray(&mut self, response: &ResponseId, actions: &mut Vec<Action>) {
        self.parked.insert(response.clone());
        self.stray_looks += 1;
        let exchange = Exchange {
            job: JobId::NONE,
            attempt: AttemptNo(0),
            turn: TurnNo(0),
            kind: ExchangeKind::Poll,
            nth: self.stray_looks,
        };
        self.strays.push((exchange, response.clone()));
        let limit = crate::units::SimDuration::from_secs(60);
        let id = response.clone();
        self.notes.note(self.now, None, || RuntimeEvent::Sent {
            exchange,
            response: Some(id),
            limit,
        });
        actions.push(Action::Send {
            exchange,
            ask: Ask::Poll(response.clone()),
        });
    }

    fn stray_seen(&mut self, exchange: Exchange, reply: &Reply, actions: &mut Vec<Action>) -> bool {
        self.strays.retain(|(key, _)| *key != exchange);
        note_reply(&mut self.notes, self.now, None, exchange, reply);
        let Reply::Response(response) = reply else {
            return false;
        };
        let Some(origin) = response.origin else {
            return false;
        };
        if self.jobs.get(origin.job.0 as usize).is_none_or(Option::is_none) {
            return false;
        }
        self.with(origin.job, actions, |job, ctx| job.claim(ctx, response))
    }
}

impl Job {
    /// Takes what happened to this job.
    fn tell(&mut self, ctx: &mut Context<'_>, told: &Told) {
        match told {
            Told::CancelAsked { by } => self.cancel_asked(ctx, by),
            Told::SessionEnded => self.session_ended(ctx),
            Told::Reply { exchange, reply } => self.replied(ctx, *exchange, reply),
            Told::Broke { exchange, how } => self.broke(ctx, *exchange, how),
            Told::Event { exchange, event } => self.event(ctx, *exchange, event),
            Told::StreamEnded { exchange } => self.ended_stream(ctx, *exchange),
            Told::ToolAnswered { call, run, answer } => self.tool_answered(ctx, call, *run, answer),
            Told::Withdrawn { approval, by } => self.withdrawn(ctx, approval, by),
            Told::Reevaluate { why, quorum } => self.reevaluate(ctx, why, *quorum),
            Told::Decided {
                approval,
                by,
                verdict,
                digests,
                ..
            } => self.decided(ctx, approval, by, verdict, digests),
            Told::SinkAnswered { key, run, answer } => self.sink_answered(ctx, key, *run, answer),
            Told::Stored { digest } => self.stored(ctx, digest),
            Told::Operator {
                by,
                verb,
                reason,
                extend,
                result,
            } => self.operate(
                ctx,
                &OperatorAct {
                    by,
                    verb: *verb,
                    reason,
                    extend: *extend,
                    result: result.as_ref(),
                },
            ),
            Told::Submitted | Told::Webhook { .. } => {}
        }
    }

    fn session_ended(&mut self, ctx: &mut Context<'_>) {
        if self.hand_over_at != SimTime::NEVER {
            self.hand_over_at = ctx.now;
            self.hand_over_if_due(ctx);
        }
    }

    fn replied(&mut self, ctx: &mut Context<'_>, exchange: Exchange, reply: &Reply) {
        let response = match reply {
            Reply::Response(response) => Some(response.id.clone()),
            _ => None,
        };
        if self.pledge_mut(exchange).is_none() {
            self.late(ctx, "a reply that nobody waits for", response);
            return;
        }
        note_reply(ctx.notes, ctx.now, Some(self.id), exchange, reply);
        if matches!(reply, Reply::StreamOpen) {
            self.stream_opened(exchange);
            return;
        }
        self.settle(exchange);
        match (&self.state, exchange.kind, reply) {
            (State::Dispatching, ExchangeKind::Create, Reply::Response(response)) => {
                self.known(ctx, On::ResponseKnown, response.id.clone());
                self.observe(ctx, response);
            }
            (State::Dispatching, ExchangeKind::Create, Reply::Error(error)) => {
                self.create_refused(ctx, exchange, error);
            }
            (State::Running(_), ExchangeKind::Poll, reply) => self.poll_replied(ctx, exchange, reply),
            (State::Running(_), ExchangeKind::Stream, _) => self.stream_refused(ctx, exchange),
            (State::Finalizing(_), ExchangeKind::Poll, reply) => {
                self.read_replied(ctx, exchange, Some(reply))
            }
            (State::Cancelling(_), _, reply) => self.cancel_replied(ctx, exchange, Some(reply)),
            _ => self.late(ctx, "a reply that changes nothing any more", response),
        }
    }

    /// The head of a stream is here. A stream that is resumed may be silent for as long as it likes; a new one owes
    /// its first event within the call limit.
    fn stream_opened(&mut self, exchange: Exchange) {
        if exchange.kind == ExchangeKind::Stream {
            if let Some(pledge) = self.pledge_mut(exchange) {
                pledge.until = SimTime::NEVER;
            }
        }
    }

    fn event(&mut self, ctx: &mut Context<'_>, exchange: Exchange, event: &StreamEvent) {
        if self.pledge_mut(exchange).is_none() {
            self.late(ctx, "an event that nobody waits for", None);
            return;
        }
        match (&self.state, event.event.response()) {
            (State::Dispatching | State::Running(_), _) => self.streamed(ctx, exchange, event),
            (State::Cancelling(_), Some(response)) => self.cancel_known(ctx, response),
            _ => {}
        }
    }

    fn ended_stream(&mut self, ctx: &mut Context<'_>, exchange: Exchange) {
        if self.pledge_mut(exchange).is_none() {
            return;
        }
        match &self.state {
            State::Running(_) => self.stream_ended(ctx, exchange),
            _ => self.broke(ctx, exchange, &Break::NoReply),
        }
    }

    /// A webhook named a response of this job.
    fn named_by_webhook(&mut self, ctx: &mut Context<'_>, response: ResponseId) {
        match &self.state {
            State::Running(running) if running.response == response => self.nudge(ctx),
            State::Finalizing(_) => {}
            _ => self.late(
                ctx,
                "a webhook about a response that nobody waits for",
                Some(response),
            ),
        }
    }

    /// A stray response says that it serves this job.
    fn claim(&mut self, ctx: &mut Context<'_>, response: &crate::wire::Response) {
        ctx.owners.insert(response.id.clone(), self.id);
        let this_turn = response.origin == Some(self.origin());
        match &self.state {
            State::InDoubt { .. } if this_turn => {
                ctx.parked.remove(&response.id);
                self.adopt(ctx, response);
            }
            State::Cancelling(cancelling) if this_turn && cancelling.response.is_none() => {
                ctx.parked.remove(&response.id);
                self.adopt(ctx, response);
            }
            // The reply to the create is still on its way and will bring the id itself.
            State::Dispatching if this_turn => {}
            State::Running(running) if running.response == response.id => {}
            _ => self.late(ctx, "a response of an earlier attempt", Some(response.id.clone())),
        }
    }
}

/// Puts the inputs of a tick into their canonical order, whatever order they came in.
pub fn canonical_order(batch: &mut [Input]) {
    if batch.len() > 1 {
        batch.sort_by(|a, b| order(a).cmp(&order(b)));
    }
}

fn note_reply(
    notes: &mut Notes<CoreEvent>,
    now: SimTime,
    job: Option<JobId>,
    exchange: Exchange,
    reply: &Reply,
) {
    notes.note(now, job, || {
        let (http, status) = match reply {
            Reply::Response(response) => (200, Some(response.status.clone())),
            Reply::StreamOpen | Reply::Deleted => (200, None),
            Reply::Error(error) => (error.http, None),
        };
        RuntimeEvent::Got {
            exchange,
            http,
            status,
        }
    });
}

/// The canonical order of the inputs of a tick: by job, then by kind of input, then by exchange and sequence.
fn order(input: &Input) -> (JobId, u8, Option<Exchange>, u64, Option<&str>) {
    let (rank, exchange, seq, name): (u8, Option<Exchange>, u64, Option<&str>) = match &input.told {
        Told::Submitted => (0, None, 0, None),
        Told::CancelAsked { by } => (1, None, 0, Some(&by.0)),
        Told::SessionEnded => (2, None, 0, None),
        Told::Reply { exchange, .. } => (3, Some(*exchange), 0, None),
        Told::Event { exchange, event } => (3, Some(*exchange), 1 + event.seq, None),
        Told::Broke { exchange, .. } | Told::StreamEnded { exchange } => (3, Some(*exchange), u64::MAX, None),
        Told::Webhook { delivery, send, .. } => (4, None, u64::from(*send), Some(delivery)),
        Told::ToolAnswered { call, run, .. } => (5, None, u64::from(*run), Some(call)),
        Told::Withdrawn { approval, .. } => (6, None, 0, Some(approval)),
        Told::Reevaluate { why, .. } => (7, None, 0, Some(why)),
        Told::Decided { by, .. } => (8, None, 0, Some(&by.0)),
        Told::SinkAnswered { key, run, .. } => (9, None, u64::from(*run), Some(key)),
        Told::Stored { digest } => (10, None, 0, Some(digest)),
        Told::Operator { by, .. } => (11, None, 0, Some(&by.0)),
    };
    (input.job, rank, exchange, seq, name)
}
