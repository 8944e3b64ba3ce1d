//! The service: told what arrived, it answers what leaves.

use std::cmp::Ordering;
use std::sync::Arc;

use super::agenda::Due;
use super::call::{Asked, Call, Calls, Request, Stage};
use super::choice::of_choices;
use super::conversations::Conversations;
use super::desk::Desk;
use super::ledger::{Heading, Ledger};
use super::limiter::Bucket;
use super::runs::Runs;
use super::slots::Handle;
use super::webhook::{Deliveries, Repeated};
use super::{Auth, CallKey, ConnectionNo, Face, Input, Output, Profile, Script};
use crate::fault::{Fault, FaultPlan, Place, Target};
use crate::rng::Seed;
use crate::trace::{BackendEvent, Notes, Record, ServiceEvent, WireEvent};
use crate::units::{AttemptNo, Exchange, ExchangeKind, JobId, SimDuration, SimTime, TurnNo, prefetch};
use crate::wire::{ApiError, Ask, Reply};
use std::collections::BTreeMap;

/// What a service is made of.
#[derive(Debug, Clone)]
pub struct Setup {
    /// How it behaves apart from scripts and faults.
    pub profile: Profile,
    /// The scripts of jobs, by their number; a job without one plays the script of the profile.
    pub scripts: Arc<[Option<Script>]>,
    /// What disturbs it.
    pub plan: FaultPlan,
    /// All its chance.
    pub seed: Seed,
    /// Where it writes what it saw.
    pub notes: Notes<ServiceEvent>,
}

/// The Responses service without any transport.
///
/// A driver collects the inputs of a tick and steps once; what the step answers takes effect in the next tick. It
/// steps again when there is input, and at [`Service::next_deadline`].
#[derive(Debug, Clone)]
pub struct Service {
    pub(super) desk: Desk,
    pub(super) runs: Runs,
    pub(super) calls: Calls,
    pub(super) deliveries: Deliveries,
    pub(super) bucket: Option<Bucket>,
    /// The rate limits of tiers that have their own.
    pub(super) tier_buckets: Vec<(Arc<str>, Bucket)>,
    pub(super) ledger: Ledger,
    pub(super) conversations: Conversations,
    /// What the replies in the making tell beside the usual headers.
    pub(super) headings: BTreeMap<CallKey, Heading>,
    /// The rules whose headers the next request shows, and those injected for it, if there are any.
    marked: Option<(CallKey, Arc<[u32]>)>,
    /// The rules that were injected for the responses that calls in the making will make.
    pub(super) pins: BTreeMap<CallKey, Arc<[u32]>>,
    /// What ended responses cost, if somebody asks for it.
    pub(super) spent: Option<Vec<Spent>>,
}

/// What a response cost, however it ended and whether or not anybody heard of it: what a bill says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spent {
    /// The job it served.
    pub job: JobId,
    /// Tokens read.
    pub input: u32,
    /// Tokens of the output that was finished.
    pub output: u32,
    /// The tier that was served.
    pub tier: Arc<str>,
}

impl Service {
    /// A service to which nothing happened yet.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        let runs = Runs::for_jobs(setup.scripts.len());
        Self {
            bucket: setup.profile.limiter.map(Bucket::new),
            tier_buckets: {
                let tiers = setup.profile.tiers.iter();
                let own =
                    tiers.filter_map(|(name, tier)| Some((Arc::clone(name), Bucket::new(tier.limiter?))));
                own.collect()
            },
            ledger: Ledger::new(&setup.profile.contract),
            conversations: Conversations::default(),
            headings: BTreeMap::new(),
            desk: Desk::new(setup),
            runs,
            calls: Calls::new(),
            deliveries: Deliveries::new(),
            marked: None,
            pins: BTreeMap::new(),
            spent: None,
        }
    }

    /// The same service, which keeps what ended responses cost until that is taken.
    #[must_use]
    pub fn keeping_bills(mut self) -> Self {
        self.spent = Some(Vec::new());
        self
    }

    /// Hands over what responses cost that ended since the last time, one by one.
    pub fn drain_spent(&mut self) -> impl Iterator<Item = Spent> {
        self.spent.iter_mut().flat_map(|spent| spent.drain(..))
    }

    /// When it has to be stepped next, if nothing arrives before. Nobody has to wait for stored responses to expire.
    #[must_use]
    pub fn next_deadline(&self) -> Option<SimTime> {
        self.desk.agenda.next()
    }

    /// Asks for the memory of what keeps the latest response of a job.
    #[inline]
    pub fn prefetch_run(&self, job: JobId) {
        self.runs.prefetch_latest(job);
    }

    /// Asks for the memory of the latest response of a job.
    #[inline]
    pub fn prefetch_response(&self, job: JobId) {
        if let Some(run) = self.runs.latest(job) {
            prefetch(&run.object.id);
            prefetch(&run.object.status);
        }
    }

    /// Asks for the memory of the reply that leaves next, and says which job it is for.
    #[inline]
    pub fn prefetch_due(&self) -> Option<JobId> {
        let call = match self.desk.agenda.first()? {
            Due::Leave(call) => call,
            Due::Advance { run, .. } => {
                self.runs.prefetch(run);
                return None;
            }
            _ => return None,
        };
        let call = self.calls.get(call)?;
        if let Stage::Leaving {
            reply: Reply::Response(response),
            ..
        } = &call.stage
        {
            prefetch(&response.id);
            prefetch(&response.status);
        }
        Some(call.key.exchange.job())
    }

    /// Takes what arrived in the tick `now`, in any order, and everything that is due; adds to `out` what leaves.
    ///
    /// # Panics
    /// If time runs backwards.
    pub fn step(&mut self, now: SimTime, batch: &mut Vec<Input>, out: &mut Vec<Output>) {
        self.begin(now);
        if !batch.is_empty() {
            self.take_all(batch);
        }
        self.finish(now, out);
    }

    #[inline(never)]
    fn take_all(&mut self, batch: &mut Vec<Input>) {
        // Strangers are numbered as they come, so mostly there is nothing to sort.
        if batch.len() > 1 && !batch.is_sorted_by(|left, right| canonical(left, right) != Ordering::Greater) {
            batch.sort_by(canonical);
        }
        for input in &*batch {
            self.take(input);
        }
        batch.clear();
    }

    /// The same where all that arrived is this request of our own runtime.
    ///
    /// # Panics
    /// If time runs backwards.
    pub fn step_asked(&mut self, now: SimTime, exchange: Exchange, ask: &Ask, out: &mut Vec<Output>) {
        self.begin(now);
        let (call, auth) = (bare(exchange), Auth::Granted);
        let request = Request {
            auth: &auth,
            ask: Ok(Asked::Main(ask)),
        };
        self.arrive(call, request, || Input::Request {
            call,
            auth: Auth::Granted,
            ask: Ok(ask.clone()),
        });
        self.finish(now, out);
    }

    #[inline(always)]
    fn begin(&mut self, now: SimTime) {
        assert!(
            now >= self.desk.now,
            "time runs backwards: {now} after {}",
            self.desk.now
        );
        self.desk.now = now;
        if self.desk.agenda.lets_go(now) {
            self.let_ended_go(now);
        }
    }

    /// Does everything that is due, and adds to `out` what leaves.
    #[inline(always)]
    fn finish(&mut self, now: SimTime, out: &mut Vec<Output>) {
        if self.desk.agenda.begin_turn(now) {
            self.take_all_due(now);
        }
        if self.desk.profile.webhook.is_some() {
            self.forget_dead_webhooks();
        }
        self.hand_out(out);
    }

    #[inline(never)]
    fn forget_dead_webhooks(&mut self) {
        let deliveries = &self.deliveries;
        self.desk.agenda.forget_dead(|due| match due {
            Due::Unanswered { delivery, send } => !deliveries.awaits(delivery, send),
            Due::Overdue(delivery) => !deliveries.holds_back(delivery),
            _ => false,
        });
    }

    // Inlined, each step would pay for its room on the stack, and in most of them nothing is due.
    #[inline(never)]
    fn take_all_due(&mut self, now: SimTime) {
        loop {
            let (calls, runs, deliveries) = (&self.calls, &self.runs, &self.deliveries);
            let key_of = |due| match due {
                Due::HandleCall(call) | Due::Leave(call) | Due::Piece(call) => calls.key_of(call),
                Due::Advance { run, .. } | Due::WindDown(run) | Due::Vanish(run) | Due::Beat(run) => {
                    runs.get(run).map(|run| run.key)
                }
                Due::Send(delivery)
                | Due::Repeat(delivery)
                | Due::Overdue(delivery)
                | Due::Unanswered { delivery, .. } => deliveries.key_of(delivery),
            };
            let Some(due) = self.desk.agenda.pop(now, key_of) else {
                break;
            };
            match due {
                Due::Leave(call) => self.leave(call),
                due => self.take_due(due),
            }
        }
    }

    /// Adds what leaves to `out`. Nearly always nothing leaves, or nothing stands there yet, and nothing has to be moved.
    #[inline(always)]
    fn hand_out(&mut self, out: &mut Vec<Output>) {
        if self.desk.out.is_empty() {
            return;
        }
        match out.is_empty() {
            true => std::mem::swap(&mut self.desk.out, out),
            false => out.append(&mut self.desk.out),
        }
    }

    /// What expired since the last step is gone before anybody asks for it, and so is what there is no room for.
    #[inline(never)]
    fn let_ended_go(&mut self, now: SimTime) {
        while let Some(run) = self.desk.agenda.pop_expired(now) {
            self.drop_run(run, "expired");
        }
        let contract = &self.desk.profile.contract;
        let (kept_max, bytes_max) = (contract.kept_max, contract.kept_bytes_max);
        self.crowd_out(kept_max, bytes_max);
    }

    /// Lets go of ended responses until so many are left, and they keep so many bytes.
    fn crowd_out(&mut self, kept_max: u32, bytes_max: u64) {
        while let Some(run) = self.desk.agenda.pop_crowded_out(kept_max, bytes_max) {
            self.drop_run(run, "crowded_out");
        }
    }

    /// What it keeps, in bytes.
    #[must_use]
    pub fn kept(&self) -> Kept {
        let (_, ended) = self.desk.agenda.kept();
        let open = self.runs.weight().saturating_sub(ended);
        Kept {
            ended,
            first: self.desk.agenda.first_weight(),
            open: open.saturating_add(self.conversations.bytes()),
        }
    }

    /// Takes in the script of the next job that the setup does not list, under the number that is returned.
    pub fn expect_job(&mut self, script: Option<Script>) -> JobId {
        self.desk.expect_job(script)
    }

    /// Takes in the script of a job behind the row of those.
    pub fn expect_further(&mut self, job: JobId, script: Option<Script>) {
        self.desk.expect_further(job, script);
    }

    /// How many jobs it knows that the setup does not list.
    #[must_use]
    pub fn jobs_expected(&self) -> usize {
        self.desk.jobs_expected()
    }

    /// A job that the setup does not list is over, and nobody will name its responses any more: what has ended of them
    /// goes before its time.
    pub fn forget_job(&mut self, job: JobId) {
        for run in self.desk.forget(job) {
            if self
                .runs
                .get(run)
                .is_some_and(|run| run.is_ended() && run.is_background())
            {
                self.runs.remove(run);
            }
        }
        self.desk
            .agenda
            .forget_expired(|run| self.runs.get(run).is_none());
    }

    /// What it saw so far.
    #[must_use]
    pub const fn notes(&self) -> &Notes<ServiceEvent> {
        &self.desk.notes
    }

    /// What its faults are, injected ones included.
    #[must_use]
    pub const fn plan(&self) -> &FaultPlan {
        &self.desk.plan
    }

    /// Hands over what it saw since the last time, one by one.
    pub fn drain_notes(&mut self) -> impl Iterator<Item = Record<ServiceEvent>> {
        self.desk.notes.drain()
    }

    /// Hands over what it saw since the last time.
    #[must_use]
    pub fn take_notes(&mut self) -> Vec<Record<ServiceEvent>> {
        self.desk.notes.take()
    }

    /// How many responses, open calls and webhooks it holds.
    #[must_use]
    pub const fn held(&self) -> Held {
        Held {
            responses: self.runs.len(),
            calls: self.calls.len(),
            webhooks: self.deliveries.len(),
        }
    }

    fn take(&mut self, input: &Input) {
        match input {
            Input::Request { call, .. } | Input::Side { call, .. } => {
                if let Some(request) = Request::of(input) {
                    self.arrive(*call, request, || input.clone());
                }
            }
            Input::Marked { call, rules } => self.mark(*call, rules),
            Input::Injected { call, faults } => self.inject(*call, faults),
            Input::Gone { call } => self.gone(call),
            Input::Refused { exchange, rule } => {
                let exchange = *exchange;
                self.desk.note(exchange.job(), || WireEvent::Refused { exchange });
                self.desk.fired(exchange.job(), *rule);
            }
            Input::Crowded { bytes } => self.crowd_out(u32::MAX, *bytes),
            Input::WebhookAnswered { delivery, send, http } => {
                self.deliveries.answered(delivery, *send, *http, &mut self.desk);
            }
        }
    }

    /// The next request, of this call, is marked with these rules too.
    fn mark(&mut self, call: CallKey, rules: &[u32]) {
        let before = self.marked.take().filter(|(marked, _)| *marked == call);
        let before = before.as_ref().map_or(&[][..], |(_, rules)| rules);
        self.marked = Some((call, before.iter().chain(rules).copied().collect()));
    }

    /// Injects what fits into the plan; whoever injects keeps count of what that is.
    fn inject(&mut self, call: CallKey, faults: &[(Target, Fault)]) {
        let plan = &mut self.desk.plan;
        let rules = faults
            .iter()
            .filter_map(|(target, fault)| plan.inject(target, fault));
        let rules: Arc<[u32]> = rules.collect();
        self.mark(call, &rules);
        if faults
            .iter()
            .any(|(target, _)| !matches!(target, Target::Exchange(_)))
        {
            self.pins.insert(call, rules);
        }
    }

    #[inline(never)]
    fn take_due(&mut self, due: Due) {
        match due {
            Due::HandleCall(call) => self.release(call),
            Due::Leave(call) => self.leave(call),
            Due::Vanish(run) => self.vanish(run),
            Due::Advance { run, alarm } => {
                if let Some(found) = self.runs.get_mut(run) {
                    found.advance(&mut self.desk, alarm);
                    self.settle(run);
                }
            }
            Due::WindDown(run) => {
                if let Some(found) = self.runs.get_mut(run) {
                    found.end_cancelled(&mut self.desk);
                    self.settle(run);
                }
            }
            Due::Piece(call) => self.next_piece(call),
            Due::Beat(run) => {
                if let Some(found) = self.runs.get_mut(run) {
                    found.beat(&mut self.desk);
                    self.settle(run);
                }
            }
            Due::Send(delivery) => self.deliveries.send(delivery, Repeated::No, &mut self.desk),
            Due::Repeat(delivery) => self.deliveries.send(delivery, Repeated::Yes, &mut self.desk),
            Due::Overdue(delivery) => self.deliveries.overdue(delivery, &mut self.desk),
            Due::Unanswered { delivery, send } => {
                self.deliveries.unanswered(delivery, send, &mut self.desk);
            }
        }
    }

    /// Takes a request in, which `held` tells as an input once more.
    #[inline]
    fn arrive(&mut self, key: CallKey, request: Request<'_>, held: impl FnOnce() -> Input) {
        let exchange = key.exchange;
        self.desk.note(exchange.job(), || arrived(exchange, request));
        if self.marked.is_none() && self.desk.plan.exchange(exchange, self.desk.now).is_none() {
            return self.handle(key, None, request);
        }
        self.arrive_marked(key, request, held);
    }

    /// A request that is marked, or struck by a rule.
    fn arrive_marked(&mut self, key: CallKey, request: Request<'_>, held: impl FnOnce() -> Input) {
        let exchange = key.exchange;
        let marked = self.marked.take().filter(|(marked, _)| *marked == key);
        let marks = marked.as_ref().map_or(&[][..], |(_, rules)| rules);
        self.pin_choices(key, marks);
        let Some(struck) = self.desk.plan.marked_exchange(exchange, self.desk.now, marks) else {
            return self.handle(key, None, request);
        };
        let rule = struck.rule;
        match struck.fault {
            Fault::Delay {
                place: Place::Handling,
                law,
            } => {
                let delay = self.delay(&key, rule, *law);
                self.desk.fired(exchange.job(), rule);
                let stage = Stage::Held(Box::new(held()));
                let strike = None;
                let call = self.calls.insert(Call { key, strike, stage });
                self.desk
                    .agenda
                    .put(self.desk.after(delay), Due::HandleCall(call));
            }
            Fault::Reply(error) => {
                let error = error.clone().into();
                self.desk.fired(exchange.job(), rule);
                self.reply(key, None, || Reply::Error(error));
            }
            Fault::HalfOpen => {
                let how = Fault::HalfOpen.word();
                self.desk.fired(exchange.job(), rule);
                self.desk
                    .note(exchange.job(), || WireEvent::Spoiled { exchange, how });
                let reply = Reply::Error(ApiError::server_error().into());
                let face = Face::Silent;
                self.desk.out.push(Output::Reply {
                    call: key,
                    reply,
                    face,
                });
                self.unpin(&key);
                self.hang(key, None);
            }
            // What would have been replied does not matter. A stranger shows only with its request that it was to
            // be refused.
            Fault::ResetBefore | Fault::Refuse => {
                self.reply(key, Some(rule), || Reply::Error(ApiError::server_error().into()))
            }
            _ => self.handle(key, Some(rule), request),
        }
    }

    /// Keeps what the headers of a create say about its script until it is handled.
    fn pin_choices(&mut self, key: CallKey, marks: &[u32]) {
        let mut own = of_choices(marks).peekable();
        if key.exchange.kind() != ExchangeKind::Create || own.peek().is_none() {
            return;
        }
        let before = self.unpin(&key);
        let before = before.as_deref().unwrap_or_default().iter().copied();
        self.pins.insert(key, before.chain(own).collect());
    }

    /// Handles a request that was held up.
    fn release(&mut self, call: Handle) {
        if let Some(Call {
            key,
            strike,
            stage: Stage::Held(input),
        }) = self.calls.remove(call)
            && let Some(request) = Request::of(&input)
        {
            self.handle(key, strike, request);
        }
    }
}

/// What a service holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Responses, whatever their state.
    pub responses: usize,
    /// Calls that are not over.
    pub calls: usize,
    /// Webhooks that are not settled.
    pub webhooks: usize,
}

/// What a service keeps of strangers' requests and of what it made of them, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kept {
    /// Of those whose responses have ended.
    pub ended: u64,
    /// Of the one of these that has to go first where there is no room for all.
    pub first: u64,
    /// Of those whose responses are in progress, and of conversations.
    pub open: u64,
}

/// The canonical order of the inputs of a tick: calls by key, requests first; then the answers to webhooks, and what
/// has to go.
fn canonical(left: &Input, right: &Input) -> Ordering {
    place(left).cmp(&place(right))
}

type InputPlace<'a> = (u8, CallKey, u8, &'a str, u16, Option<u16>);

fn place(input: &Input) -> InputPlace<'_> {
    let of_call = |call: CallKey, rank: u8| (0, call, rank, "", 0, None);
    match input {
        Input::Marked { call, .. } | Input::Injected { call, .. } => of_call(*call, 0),
        Input::Request { call, .. } | Input::Side { call, .. } => of_call(*call, 1),
        Input::Gone { call } => of_call(*call, 2),
        Input::Refused { exchange, rule } => {
            let mut place = of_call(bare(*exchange), 3);
            place.4 = u16::try_from(*rule).unwrap_or(u16::MAX);
            place
        }
        Input::WebhookAnswered { delivery, send, http } => (1, bare(NO_EXCHANGE), 4, delivery, *send, *http),
        Input::Crowded { .. } => (2, bare(NO_EXCHANGE), 5, "", 0, None),
    }
}

const fn bare(exchange: Exchange) -> CallKey {
    CallKey {
        exchange,
        connection: ConnectionNo(0),
    }
}

const NO_EXCHANGE: Exchange = Exchange::new(JobId::NONE, AttemptNo(0), TurnNo(0), ExchangeKind::Create, 0);

fn arrived(exchange: Exchange, request: Request<'_>) -> WireEvent {
    let ask = match request.ask {
        Ok(Asked::Main(ask)) => Some(ask),
        Ok(Asked::Side(_)) | Err(_) => None,
    };
    WireEvent::Arrived {
        exchange,
        kind: ask.map_or(exchange.kind(), Ask::kind),
        response: ask.and_then(Ask::response).cloned(),
        after: match ask {
            Some(Ask::Stream { after, .. }) => *after,
            _ => None,
        },
    }
}

/// What a limited create is told, and noted.
pub(super) fn limited(exchange: Exchange, room_in: SimDuration) -> (ApiError, BackendEvent) {
    use crate::wire::Wait;
    let error = ApiError::rate_limited(Some(Wait::Millis(room_in.ticks().div_ceil(1_000))));
    (error, BackendEvent::Limited { exchange, room_in })
}
