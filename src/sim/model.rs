//! The model world: the cores joined by an event queue, without a byte on any wire.
//!
//! Every part collects the inputs of a tick and steps once; what it answers takes effect in the next tick. The other
//! worlds keep the same rule with real transports between the parts, which is why they agree.

use std::sync::Arc;

use super::parts::{Blueprint, Caps, Ending, Recording};
use super::seams::Seams;
use super::source::TaskSource;
use crate::backend::{self, Auth, CallKey, ConnectionNo, Face, Service, Spent};
use crate::fault::{Fault, FaultPlan};
use crate::job::{self, Action, Desk, ToOutside, Told};
use crate::people::{FromCore, Outside};
use crate::trace::{CoreEvent, OutsideEvent, Record, ServiceEvent, Trace};
use crate::units::{Exchange, JobId, SimTime, push_with};
use crate::wire::{Ask, Break};

/// The state of a model world between two ticks.
#[derive(Debug, Clone)]
pub struct Model<S> {
    desk: Desk,
    service: Service,
    outside: Outside,
    plan: FaultPlan,
    caps: Caps,
    seams: S,
    now: SimTime,
    /// The first tick that is not played yet.
    ahead: SimTime,
    /// When each part has to be stepped if nothing reaches it before; a part changes that only in a step.
    due: Dues,
    steps: u64,
    /// What takes effect in the next tick.
    to_desk: Vec<job::Input>,
    to_service: Vec<backend::Input>,
    to_outside: Vec<FromCore>,
    /// When people saw a view last that was not brought to them.
    shown_until: Option<SimTime>,
    /// A request that is all that is on its way to the service. Nearly always there is nothing else, and then it is taken where it
    /// stands; so is a reply among the outputs that is all that is on its way to the desk.
    asked: Vec<Action>,
    actions: Vec<Action>,
    outputs: Vec<backend::Output>,
    said: Vec<job::Input>,
    log: Option<Vec<(SimTime, Vec<job::Input>)>>,
    /// Jobs that the core let go, and when, of which people have still to hear the last.
    gone: Vec<(SimTime, JobId)>,
    /// Where tasks come from that the blueprint does not list.
    source: Option<Box<dyn TaskSource>>,
    /// When the last of them arrives that is known; never, if there is no more.
    known_until: SimTime,
}

/// With so many jobs in flight, what they need is asked for before.
const CROWD: u32 = 1_024;

/// When each part acts by itself next; never, if it only waits for others.
#[derive(Debug, Clone, Copy)]
struct Dues {
    desk: SimTime,
    outside: SimTime,
    service: SimTime,
}

/// Sees the records of a run while it is played: tick by tick, and within one outside, core, service.
pub trait Watch {
    /// What people, tools and sinks left.
    fn outside(&mut self, record: &Record<OutsideEvent>);
    /// What router, job core and runtime left.
    fn core(&mut self, record: &Record<CoreEvent>);
    /// What the service left.
    fn service(&mut self, record: &Record<ServiceEvent>);
    /// What a response cost that ended in this tick.
    fn spent(&mut self, spent: &Spent);
    /// A task that is over with all its tries, by its first job, and of which the core will not speak any more; only a world that
    /// forgets says so.
    fn gone(&mut self, at: SimTime, job: JobId) {
        let _ = (at, job);
    }
}

/// Two see the same.
impl<A: Watch, B: Watch> Watch for (&mut A, &mut B) {
    fn outside(&mut self, record: &Record<OutsideEvent>) {
        self.0.outside(record);
        self.1.outside(record);
    }

    fn core(&mut self, record: &Record<CoreEvent>) {
        self.0.core(record);
        self.1.core(record);
    }

    fn service(&mut self, record: &Record<ServiceEvent>) {
        self.0.service(record);
        self.1.service(record);
    }

    fn spent(&mut self, spent: &Spent) {
        self.0.spent(spent);
        self.1.spent(spent);
    }

    fn gone(&mut self, at: SimTime, job: JobId) {
        self.0.gone(at, job);
        self.1.gone(at, job);
    }
}

/// How a run went.
#[derive(Debug, Clone)]
pub struct Played {
    /// The records of all parts.
    pub trace: Trace,
    /// What the job core was told, tick by tick: journal and replay file.
    pub log: Vec<(SimTime, Vec<job::Input>)>,
    /// Why it ended.
    pub ending: Ending,
    /// Steps made by all parts.
    pub steps: u64,
    /// The last tick in which anything happened.
    pub end: SimTime,
    /// Jobs that are neither ended nor parked although nothing is left to happen.
    pub stuck: Vec<JobId>,
}

impl<S: Seams> Model<S> {
    /// A world in which nothing has happened.
    #[must_use]
    pub fn new(blueprint: &Blueprint, seams: S, recording: Recording) -> Self {
        let (desk, service) = (blueprint.desk(recording), blueprint.service(recording));
        let outside = blueprint.outside(recording);
        Self {
            due: Dues {
                desk: or_never(desk.next_deadline()),
                outside: or_never(outside.next_deadline()),
                service: or_never(service.next_deadline()),
            },
            desk,
            service,
            outside,
            plan: blueprint.plan.clone(),
            caps: blueprint.caps,
            seams,
            now: SimTime::START,
            ahead: SimTime::START,
            steps: 0,
            to_desk: Vec::new(),
            to_service: Vec::new(),
            to_outside: Vec::new(),
            shown_until: None,
            asked: Vec::new(),
            actions: Vec::new(),
            outputs: Vec::new(),
            said: Vec::new(),
            log: (recording == Recording::Full).then(Vec::new),
            gone: Vec::new(),
            source: None,
            known_until: SimTime::START,
        }
    }

    /// The same world with more tasks than the blueprint lists, each made when the one before it arrives.
    ///
    /// Where no record is kept and the service sends no webhooks, jobs that are over are forgotten by every part:
    /// memory grows with the jobs in flight, however many are played. With webhooks, which may name a response
    /// long after its job is over, it grows with the jobs.
    #[must_use]
    pub fn fed_by(mut self, source: Box<dyn TaskSource>, blueprint: &Blueprint) -> Self {
        if blueprint.profile.webhook.is_none() && self.log.is_none() {
            self.desk = self.desk.forgetting();
        }
        self.source = Some(source);
        self.expect_tasks();
        self.due.outside = or_never(self.outside.next_deadline());
        self
    }

    /// Makes the tasks known that arrive up to now, and the first behind them.
    fn expect_tasks(&mut self) {
        while self.known_until <= self.now
            && let Some(source) = &mut self.source
        {
            let Some(arrival) = source.next() else {
                self.known_until = SimTime::NEVER;
                return;
            };
            assert!(
                arrival.asked.at >= self.known_until,
                "tasks come in the order of their instants"
            );
            self.known_until = arrival.asked.at;
            let job = self.desk.expect_task(arrival.task);
            let same = [
                self.service.expect_job(arrival.script),
                self.outside.expect_task(arrival.asked),
            ];
            assert_eq!(same, [job; 2], "a blueprint lists a script for each of its tasks");
        }
    }

    /// Makes the further tries known that come in this tick.
    fn expect_further(&mut self) {
        let Some(source) = &self.source else {
            return;
        };
        for job in self.outside.drain_further() {
            if let Some((task, script)) = source.further(job) {
                self.desk.expect_further(job, task);
                self.service.expect_further(job, script);
            }
        }
    }

    /// Takes note of the jobs of which the job core says that they are over; the service forgets them at once.
    fn forget_jobs(&mut self) {
        if !self.desk.has_gone() {
            return;
        }
        for job in self.desk.drain_gone() {
            self.service.forget_job(job);
            self.gone.push((self.now, job));
        }
    }

    /// Lets people forget the jobs that are over, once they have had their turn and have heard the last of them: until then they
    /// may give up, plan a further try, or be asked something. What the core said when it let them go reaches people in the next
    /// tick; if it said nothing, there is nothing to wait for.
    fn forget_among_people(&mut self) {
        let (now, is_all_heard) = (self.now, self.to_outside.is_empty());
        let outside = &mut self.outside;
        self.gone.retain(|(since, job)| {
            let has_to_wait = *since == now && !is_all_heard;
            if !has_to_wait {
                outside.forget_job(*job);
            }
            has_to_wait
        });
    }

    /// Plays until nothing is left to happen, or a cap is reached.
    #[must_use]
    pub fn play(mut self) -> Played {
        let ending = loop {
            match self.next_tick() {
                None => break Ending::Quiet,
                Some(tick) if tick > self.caps.time => break Ending::TimeCap,
                Some(_) if self.steps >= self.caps.steps => break Ending::StepCap,
                Some(tick) => {
                    self.tick(tick);
                    self.outside.forget_done_with();
                }
            }
        };
        self.finish(ending)
    }

    /// Plays as [`Self::play`] does and shows every record to `watch` in the tick in which it was left, so that
    /// nothing has to be kept: the trace is empty. Seams that change records at the end see none.
    #[must_use]
    pub fn play_watched(mut self, watch: &mut impl Watch) -> Played {
        let ending = loop {
            match self.next_tick() {
                None => break Ending::Quiet,
                Some(tick) if tick > self.caps.time => break Ending::TimeCap,
                Some(_) if self.steps >= self.caps.steps => break Ending::StepCap,
                Some(tick) => self.watched_tick(tick, watch),
            }
        };
        self.finish(ending)
    }

    /// Plays everything that happens before an instant, as [`Self::play_watched`] does, and stands still there: a clone of the
    /// world is a fork of it.
    pub fn watch_until(&mut self, until: SimTime, watch: &mut impl Watch) {
        while let Some(tick) = self.next_tick().filter(|tick| *tick < until)
            && tick <= self.caps.time
            && self.steps < self.caps.steps
        {
            self.watched_tick(tick, watch);
        }
    }

    /// Of how many jobs its parts hold anything, all told.
    #[must_use]
    pub fn jobs_held(&self) -> usize {
        self.desk.tasks_held() + self.service.jobs_expected() + self.outside.jobs_known()
    }

    /// The same world with another router for all that is not decided yet.
    #[must_use]
    pub fn routed_by(mut self, router: Arc<dyn job::Router>) -> Self {
        self.desk = self.desk.routed_by(router);
        self
    }

    fn watched_tick(&mut self, tick: SimTime, watch: &mut impl Watch) {
        self.tick(tick);
        for record in self.outside.notes_mut().drain() {
            watch.outside(&record);
        }
        for record in self.desk.drain_notes() {
            watch.core(&record);
        }
        for record in self.service.drain_notes() {
            watch.service(&record);
        }
        for spent in self.service.drain_spent() {
            watch.spent(&spent);
        }
        for job in self.outside.drain_done_with() {
            watch.gone(tick, job);
        }
    }

    /// The next tick in which something happens.
    fn next_tick(&self) -> Option<SimTime> {
        let on_their_way = self.to_desk.len()
            | self.outputs.len()
            | self.to_service.len()
            | self.asked.len()
            | self.to_outside.len();
        if on_their_way > 0 {
            return Some(self.ahead);
        }
        let first = self.due.desk.min(self.due.outside).min(self.due.service);
        (first != SimTime::NEVER).then(|| first.max(self.ahead))
    }

    const fn is_told_desk(&self) -> bool {
        self.to_desk.len() | self.outputs.len() > 0
    }

    const fn is_asked_service(&self) -> bool {
        self.to_service.len() | self.asked.len() > 0
    }

    fn tick(&mut self, tick: SimTime) {
        self.now = tick;
        self.ahead = tick.next();
        if self.is_told_desk() || self.due.desk <= tick {
            self.step_desk();
        }
        if !self.to_outside.is_empty() || self.due.outside <= tick {
            self.step_outside();
        }
        if self.is_asked_service() || self.due.service <= tick {
            self.step_service();
        }
        if !self.actions.is_empty() {
            self.route_actions();
        }
        if !self.outputs.is_empty() && !self.is_reply_alone() {
            self.route_outputs();
        }
        if !self.said.is_empty() {
            self.to_desk.append(&mut self.said);
        }
        if !self.gone.is_empty() {
            self.forget_among_people();
        }
    }

    fn step_desk(&mut self) {
        self.steps += 1;
        if self.is_crowded() && self.due.desk <= self.now {
            self.service.prefetch_response(self.desk.next_awake());
        }
        match &self.outputs[..] {
            [backend::Output::Reply { call, reply, .. }] if self.to_desk.is_empty() => {
                self.desk
                    .step_replied(self.now, call.exchange, reply, &mut self.actions);
                self.outputs.clear();
            }
            [] if self.is_straight() && self.to_desk.is_empty() => {
                self.desk.step_in_order(self.now, &[], &mut self.actions);
            }
            _ => self.step_desk_by_batch(),
        }
        let due = or_never(self.desk.next_deadline());
        if self.is_crowded() && due != self.due.desk {
            self.prefetch_for_wake();
        }
        self.due.desk = due;
        self.seams.wanted(self.now, &mut self.actions);
        self.forget_jobs();
    }

    /// Whether so many jobs are in flight that nothing of one is in a cache any more when its turn comes.
    const fn is_crowded(&self) -> bool {
        self.desk.open_jobs() >= CROWD
    }

    /// Asks for the memory that the job needs which wakes next, and its response.
    #[inline(never)]
    fn prefetch_for_wake(&self) {
        self.desk.prefetch_awake();
        self.service.prefetch_run(self.desk.next_awake());
    }

    /// Asks for the memory that the reply needs which leaves next, and its job.
    #[inline(never)]
    fn prefetch_for_reply(&self) {
        if let Some(job) = self.service.prefetch_due() {
            self.desk.prefetch_job(job);
        }
    }

    #[inline(never)]
    fn step_desk_by_batch(&mut self) {
        self.route_outputs();
        self.seams.told(self.now, &mut self.to_desk);
        job::canonical_order(&mut self.to_desk);
        self.desk
            .step_in_order(self.now, &self.to_desk, &mut self.actions);
        match &mut self.log {
            Some(log) => log.push((self.now, std::mem::take(&mut self.to_desk))),
            None => self.to_desk.clear(),
        }
    }

    fn step_outside(&mut self) {
        self.steps += u64::from(self.shown_until != Some(self.now));
        self.expect_tasks();
        self.seams.shown(self.now, &mut self.to_outside);
        self.outside.step(self.now, &mut self.to_outside, &mut self.said);
        self.expect_further();
        self.due.outside = or_never(self.outside.next_deadline());
        self.seams.said(self.now, &mut self.said);
    }

    fn step_service(&mut self) {
        self.steps += 1;
        if let [Action::Send { exchange, ask }] = &self.asked[..] {
            self.service
                .step_asked(self.now, *exchange, ask, &mut self.outputs);
            self.asked.clear();
        } else {
            self.seams.asked(self.now, &mut self.to_service);
            self.service
                .step(self.now, &mut self.to_service, &mut self.outputs);
        }
        let due = or_never(self.service.next_deadline());
        if self.is_crowded() && due != self.due.service {
            self.prefetch_for_reply();
        }
        self.due.service = due;
        self.seams.answered(self.now, &mut self.outputs);
    }

    /// Whether nobody sees what passes between the parts, so that it need not be gathered.
    const fn is_straight(&self) -> bool {
        !S::REACH_IN && self.log.is_none()
    }

    /// Whether a whole reply is all that leaves the service.
    fn is_reply_alone(&self) -> bool {
        self.is_straight()
            && matches!(
                self.outputs[..],
                [backend::Output::Reply {
                    face: Face::Whole,
                    ..
                }]
            )
    }

    /// Whether a request that reaches the service is all that the core wants.
    fn is_request_alone(&self) -> bool {
        self.is_straight()
            && match self.actions[..] {
                [Action::Send { exchange, .. }] => refused(&self.plan, exchange, self.ahead).is_none(),
                _ => false,
            }
    }

    fn route_actions(&mut self) {
        if self.is_request_alone() {
            return std::mem::swap(&mut self.asked, &mut self.actions);
        }
        // Nearly always there is one. It is taken from the end, where nothing has to move up behind it.
        if self.actions.len() > 1 {
            self.actions.reverse();
        }
        while let Some(action) = self.actions.last() {
            if self.is_unheeded(action) {
                // The step in which they would have looked counts all the same.
                self.steps += u64::from(self.shown_until != Some(self.ahead));
                self.shown_until = Some(self.ahead);
                self.actions.truncate(self.actions.len() - 1);
            } else if let Some(action) = self.actions.pop() {
                self.route_action(action);
            }
        }
    }

    fn route_action(&mut self, action: Action) {
        match action {
            Action::Send { exchange, ask } => self.send(exchange, ask),
            Action::Abort { exchange } => self.abort(exchange),
            Action::AnswerWebhook { delivery, send, http } => {
                let answered = backend::Input::WebhookAnswered {
                    delivery,
                    send,
                    http: Some(http),
                };
                self.to_service.push(answered);
            }
            Action::Store { job, digest, .. } => {
                push_with(&mut self.to_desk, || job::Input {
                    job,
                    told: Told::Stored { digest },
                });
            }
            Action::Outside { job, message } => push_with(&mut self.to_outside, || FromCore { job, message }),
        }
    }

    /// Whether this is a view that people would look at and do nothing, with nothing else on its way to them: it need not be
    /// brought to them.
    #[inline]
    fn is_unheeded(&self, action: &Action) -> bool {
        self.is_straight()
            && self.to_outside.is_empty()
            && self.ahead <= self.caps.time
            && self.steps + 1 < self.caps.steps
            && match action {
                Action::Outside {
                    job,
                    message: ToOutside::Show { to, view },
                } => !self.outside.heeds(*job, *to, view),
                _ => false,
            }
    }

    fn send(&mut self, exchange: Exchange, ask: Ask) {
        match refused(&self.plan, exchange, self.now.next()) {
            Some(rule) => {
                self.to_service.push(backend::Input::Refused { exchange, rule });
                let told = Told::Broke {
                    exchange,
                    how: Break::Refused,
                };
                self.to_desk.push(job::Input {
                    job: exchange.job(),
                    told,
                });
            }
            None => {
                let call = CallKey {
                    exchange,
                    connection: ConnectionNo(0),
                };
                self.to_service.push(backend::Input::Request {
                    call,
                    auth: Auth::Granted,
                    ask: Ok(ask),
                });
            }
        }
    }

    /// The connection is closed: nothing that is on its way on this exchange arrives any more.
    fn abort(&mut self, exchange: Exchange) {
        let call = CallKey {
            exchange,
            connection: ConnectionNo(0),
        };
        self.to_service.push(backend::Input::Gone { call });
        let gone = |call: &CallKey| call.exchange == exchange;
        self.outputs.retain(|output| match output {
            backend::Output::Reply { call, .. }
            | backend::Output::Heading { call, .. }
            | backend::Output::Part { call, .. }
            | backend::Output::EventPart { call, .. }
            | backend::Output::Event { call, .. }
            | backend::Output::Close { call, .. } => !gone(call),
            backend::Output::Made { .. } | backend::Output::Dropped { .. } | backend::Output::Webhook(_) => {
                true
            }
        });
    }

    fn route_outputs(&mut self) {
        if self.outputs.len() > 1 {
            self.outputs.reverse();
        }
        while let Some(output) = self.outputs.pop() {
            tell(output, &mut self.to_desk);
        }
    }

    fn finish(mut self, ending: Ending) -> Played {
        let (mut outside, mut core) = (self.outside.notes_mut().take(), self.desk.take_notes());
        let mut service = self.service.take_notes();
        self.seams.recorded(&mut outside, &mut core, &mut service);
        Played {
            trace: Trace::join(outside, core, service),
            log: self.log.unwrap_or_default(),
            stuck: if ending == Ending::Quiet {
                self.desk.stuck()
            } else {
                Vec::new()
            },
            ending,
            steps: self.steps,
            end: self.shown_until.map_or(self.now, |until| until.max(self.now)),
        }
    }
}

fn or_never(deadline: Option<SimTime>) -> SimTime {
    deadline.unwrap_or(SimTime::NEVER)
}

/// The rule that refuses a connection to this exchange at `at`, if one does.
#[inline]
#[must_use]
pub fn refused(plan: &FaultPlan, exchange: Exchange, at: SimTime) -> Option<u32> {
    let struck = plan.exchange(exchange, at)?;
    (*struck.fault == Fault::Refuse).then_some(struck.rule)
}

/// Tells the job core what it can learn of an output of the service.
fn tell(output: backend::Output, to_desk: &mut Vec<job::Input>) {
    let (job, told) = match output {
        backend::Output::Reply { call, reply, face } => {
            let exchange = call.exchange;
            let job = exchange.job();
            if face == Face::Whole {
                return push_with(to_desk, || job::Input {
                    job,
                    told: Told::Reply { exchange, reply },
                });
            }
            let told = match face.effect(&reply) {
                Some(Ok(reply)) => Told::Reply { exchange, reply },
                Some(Err(how)) => Told::Broke { exchange, how },
                None => return,
            };
            (job, told)
        }
        backend::Output::Event { call, event } => (
            call.exchange.job(),
            Told::Event {
                exchange: call.exchange,
                event,
            },
        ),
        // What is not whole tells a client nothing.
        backend::Output::Part { .. }
        | backend::Output::EventPart { .. }
        | backend::Output::Made { .. }
        | backend::Output::Dropped { .. }
        | backend::Output::Heading { .. } => return,
        backend::Output::Close { call, .. } => (
            call.exchange.job(),
            Told::StreamEnded {
                exchange: call.exchange,
            },
        ),
        backend::Output::Webhook(send) => {
            let backend::WebhookSend {
                delivery,
                send,
                kind,
                response,
                genuine,
                ..
            } = *send;
            let told = Told::Webhook {
                delivery,
                send,
                response,
                kind,
                genuine,
            };
            (JobId::NONE, told)
        }
    };
    to_desk.push(job::Input { job, told });
}
