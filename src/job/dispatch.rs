//! Sending the create request of a turn, and what its reply or silence means.

use std::sync::Arc;

use super::HandOver;
use super::machine::{Context, Fenced, Job, LookFailed, cause};
use super::retry::{self, Row};
use super::state::State;
use crate::rng::Purpose;
use crate::trace::{ActionWord, Cause, Execution, JobEvent, Landed, LimitName, On, StateName, StopReason};
use crate::units::{Exchange, SimDuration, SimTime};
use crate::wire::{ApiError, Ask, Break, Create, InputItem, Response, ResponseId};

impl Job {
    /// The lane has room: the first attempt starts.
    pub(super) fn capacity_granted(&mut self, ctx: &mut Context<'_>) {
        self.turn = self.turn.max(1);
        self.start_attempt(ctx);
        self.place = super::machine::Place::Held;
        self.enter(ctx, On::CapacityGranted, State::Dispatching);
        self.send_create(ctx);
    }

    /// The next turn of the same attempt: it answers the response that asked.
    pub(super) fn next_turn(&mut self, ctx: &mut Context<'_>, on: On, input: Arc<[InputItem]>) {
        self.turn = self.turn.saturating_add(1);
        self.turn_is_fenced = fence(&input);
        self.turn_input = input;
        if let Some(asking) = self.asking.take() {
            self.previous = Some(asking);
        }
        self.enter(ctx, on, State::Dispatching);
        self.send_create(ctx);
    }

    pub(super) fn send_create(&mut self, ctx: &mut Context<'_>) {
        if ctx.now >= self.deadline && !matches!(self.state, State::Ended(_)) {
            // An effect may be seen through behind the deadline; the deadline fires now, before anything is sent.
            return;
        }
        let plan = self.plan();
        let background = self.in_background();
        let streams = match self.execution {
            Execution::Interactive => true,
            Execution::Background => plan.follow == super::Follow::Stream,
        };
        let create = Create {
            model: plan.model.clone(),
            origin: Some(self.origin()),
            background,
            stream: streams,
            store: true,
            previous: self.previous.clone(),
            input: self.turn_input.clone(),
            tools: self.declared.clone(),
            max_output_tokens: plan.max_output_tokens,
            tier: self.tier(),
            request: None,
        };
        self.cursor = None;
        self.claimed = None;
        self.send(ctx, Ask::Create(Arc::new(create)), self.deadline);
    }

    /// The tier to ask for: what the strategy says, or that of the plan, if it is not left to the service.
    pub(super) fn tier(&self) -> Option<Arc<str>> {
        let planned = Some(&self.plan().tier).filter(|tier| !matches!(&***tier, "auto" | "default"));
        self.placement.tier.as_ref().or(planned).map(Arc::clone)
    }

    /// The create was answered with an error.
    pub(super) fn create_refused(&mut self, ctx: &mut Context<'_>, exchange: Exchange, error: &ApiError) {
        let civil = ctx.shared.epoch.saturating_add(ctx.now.ticks());
        let told = error.wait.map(|wait| retry::told_wait(wait, civil));
        let left = self.deadline.since(ctx.now);
        let row = retry::create_error(error, told, left);
        let code = error.code.as_deref().unwrap_or("none");
        let why = cause(
            &format!("http_{}", error.http),
            format!("the service answered {} ({code})", error.http),
        );
        self.create_failed(ctx, exchange, row, why, told);
    }

    /// The create broke.
    pub(super) fn create_broke(&mut self, ctx: &mut Context<'_>, exchange: Exchange, how: &Break) {
        let row = retry::create_break(how);
        if let Break::Cut { id: Some(id) } | Break::Unreadable { id: Some(id) } = how {
            self.note_row(ctx, Some(exchange), row);
            self.known(ctx, On::ResponseKnown, id.clone());
            return;
        }
        let why = match how {
            Break::Refused => cause("connection_refused", "no connection to the service"),
            Break::NoReply => cause("reply_lost", "no reply to the create request"),
            Break::Cut { .. } => cause("reply_cut", "the reply to the create request broke off"),
            Break::Unreadable { .. } => cause(
                "reply_unreadable",
                "the reply to the create request is not readable",
            ),
        };
        self.create_failed(ctx, exchange, row, why, None);
    }

    /// The create did not bring a response, for the reason of `row`.
    pub(super) fn create_failed(
        &mut self,
        ctx: &mut Context<'_>,
        exchange: Exchange,
        row: Row,
        why: Cause,
        told: Option<SimDuration>,
    ) {
        self.note_row(ctx, Some(exchange), row);
        self.charge(row);
        match row.action {
            // The service says: again. It may have landed all the same, and this turn must not land twice.
            ActionWord::BackOff if row.landed == Landed::Unknown && self.turn_is_fenced == Fenced::No => {
                self.doubt(ctx, why);
            }
            ActionWord::BackOff => self.retry(ctx, On::NotLandedRetryable, row, why, None),
            ActionWord::WaitAsTold => self.retry(ctx, On::NotLandedRetryable, row, why, told),
            ActionWord::TimeOut => {
                self.stop_retrying(ctx, StopReason::Deadline);
                self.limit_fired(
                    ctx,
                    self.deadline_is,
                    self.deadline.since(self.accepted),
                    self.deadline,
                );
                self.end(ctx, On::Deadline, StateName::TimedOut, Some(why));
            }
            ActionWord::Intervene => {
                self.stop_retrying(ctx, StopReason::UserAction);
                self.enter_for(ctx, On::UserActionNeeded, State::NeedsIntervention, why);
            }
            ActionWord::InDoubt => self.doubt(ctx, why),
            _ => {
                self.stop_retrying(ctx, StopReason::Permanent);
                self.end(ctx, On::NotLandedPermanent, StateName::Failed, Some(why));
            }
        }
    }

    /// Gives an attempt back that its row does not charge.
    pub(super) fn charge(&mut self, row: Row) {
        if !row.charged {
            self.charged = self.charged.saturating_sub(1);
        }
    }

    pub(super) fn note_row(&self, ctx: &mut Context<'_>, exchange: Option<Exchange>, row: Row) {
        let Row {
            name,
            landed,
            class,
            action,
            charged,
        } = row;
        ctx.notes.note(ctx.now, self.id, || JobEvent::Classified {
            exchange,
            row: name,
            landed,
            class,
            action,
            charged,
        });
    }

    /// Nobody knows whether the create landed: wait for a sign, then for a twin, then for a person.
    fn doubt(&mut self, ctx: &mut Context<'_>, why: Cause) {
        let rules = self.plan().retry;
        let ceiling = retry::ceiling(&rules, u32::from(self.charged.saturating_sub(1)));
        let delay = retry::jitter(
            ctx.shared.seed,
            Purpose::Backoff,
            self.id,
            u64::from(self.attempt),
            ceiling,
        );
        let give_up = ctx.now + self.plan().limits.doubt.max(delay + SimDuration::TICK);
        self.enter_for(
            ctx,
            On::ReplyUnknown,
            State::InDoubt {
                twin_at: ctx.now + delay,
                give_up,
            },
            why,
        );
        if let Some(id) = self.claimed.take() {
            // A webhook was faster than the reply that is lost now.
            ctx.notes
                .note(ctx.now, self.id, || JobEvent::Adopted { response: id.clone() });
            self.known(ctx, On::Adopted, id);
        }
    }

    /// The back-off in doubt is over: a second create, if it can do no harm.
    pub(super) fn try_twin(&mut self, ctx: &mut Context<'_>) {
        let rules = self.plan().retry;
        let refused = match () {
            () if self.turn_is_fenced == Fenced::No => Some(StopReason::Operator),
            () if self.twins >= rules.twins || self.charged >= rules.attempts => Some(StopReason::Attempts),
            () if ctx.now >= self.attempts_until => Some(StopReason::Deadline),
            () if !ctx.lane.pay_retry() => Some(StopReason::Budget),
            () => None,
        };
        if let State::InDoubt { twin_at, .. } = &mut self.state {
            *twin_at = SimTime::NEVER;
        }
        if let Some(reason) = refused {
            self.stop_retrying(ctx, reason);
            return;
        }
        self.twins = self.twins.saturating_add(1);
        let attempt = self.attempt;
        ctx.notes
            .note(ctx.now, self.id, || JobEvent::TwinSent { attempt });
        self.start_attempt(ctx);
        self.enter(ctx, On::TwinAllowed, State::Dispatching);
        self.send_create(ctx);
    }

    /// The doubt could not be resolved in time.
    pub(super) fn unresolved(&mut self, ctx: &mut Context<'_>, due: SimTime) {
        self.limit_fired(ctx, LimitName::Doubt, self.plan().limits.doubt, due);
        self.suspect_orphan(ctx);
        let why = cause(
            "landing_unknown",
            "nobody knows whether the create request landed",
        );
        self.enter_for(ctx, On::Unresolved, State::NeedsIntervention, why);
    }

    pub(super) fn suspect_orphan(&self, ctx: &mut Context<'_>) {
        let (attempt, turn) = (self.attempt, self.turn);
        ctx.notes
            .note(ctx.now, self.id, || JobEvent::OrphanSuspected { attempt, turn });
    }

    /// Plans the next attempt, or says why there is none.
    pub(super) fn retry(
        &mut self,
        ctx: &mut Context<'_>,
        on: On,
        row: Row,
        why: Cause,
        told: Option<SimDuration>,
    ) {
        let rules = self.plan().retry;
        let (purpose, ceiling) = match told {
            Some(_) => (Purpose::ToldWait, rules.base),
            None => {
                let failures = u32::from(self.charged.saturating_sub(1));
                (Purpose::Backoff, retry::ceiling(&rules, failures))
            }
        };
        let drawn = retry::jitter(
            ctx.shared.seed,
            purpose,
            self.id,
            u64::from(self.attempt),
            ceiling,
        );
        let delay = (told.unwrap_or_default() + drawn).max(SimDuration::TICK);
        let due = ctx.now + delay;
        self.enter_for(ctx, on, State::RetryWait { due }, why.clone());
        if let Some(reason) = self.no_retry(ctx, row, due) {
            self.stop_retrying(ctx, reason);
            self.end_retrying(ctx, reason, why);
            return;
        }
        if row.landed == Landed::Unknown {
            self.suspect_orphan(ctx);
        }
        let planned = JobEvent::RetryPlanned {
            attempt: self.attempt.saturating_add(1),
            due,
            delay,
            ceiling,
            told,
        };
        ctx.notes.note(ctx.now, self.id, || planned);
    }

    /// Why there is no further attempt, if there is none; otherwise it is paid for.
    fn no_retry(&self, ctx: &mut Context<'_>, row: Row, due: SimTime) -> Option<StopReason> {
        if self.turn_is_fenced == Fenced::No && row.landed != Landed::No {
            // The act that this turn released may have been done: only a person may release it again.
            return Some(StopReason::Operator);
        }
        if self.charged >= self.plan().retry.attempts {
            return Some(StopReason::Attempts);
        }
        if due >= self.deadline || due >= self.attempts_until {
            return Some(StopReason::Deadline);
        }
        (!ctx.lane.pay_retry()).then_some(StopReason::Budget)
    }

    fn end_retrying(&mut self, ctx: &mut Context<'_>, reason: StopReason, why: Cause) {
        match reason {
            StopReason::Deadline => {
                let (limit, value, end) = match self.deadline <= self.attempts_until {
                    true => (
                        self.deadline_is,
                        self.deadline.since(self.accepted),
                        self.deadline,
                    ),
                    false => (
                        LimitName::Attempts,
                        self.plan().limits.attempts,
                        self.attempts_until,
                    ),
                };
                self.limit_fired(ctx, limit, value, end);
                self.end(ctx, On::Deadline, StateName::TimedOut, Some(why));
            }
            StopReason::Operator => {
                self.enter_for(ctx, On::UserActionNeeded, State::NeedsIntervention, why);
            }
            _ => self.end(ctx, On::RetriesRefused, StateName::Failed, Some(why)),
        }
    }

    /// The wait is over.
    pub(super) fn retry_due(&mut self, ctx: &mut Context<'_>) {
        self.start_attempt(ctx);
        self.enter(ctx, On::Due, State::Dispatching);
        self.send_create(ctx);
    }

    /// The response id is known: the turn has its response.
    pub(super) fn known(&mut self, ctx: &mut Context<'_>, on: On, id: ResponseId) {
        ctx.owns(self.id, &id);
        self.heard_at = Some(ctx.now);
        self.progressed_at = ctx.now;
        let look_now = ctx.shared.parked.remove(&id);
        self.look_failed = LookFailed::No;
        self.status = None;
        self.items_here = 0;
        let running = self.following(ctx, id, look_now);
        self.enter(ctx, on, State::Running(running));
        self.hand_over_if_due(ctx);
    }

    /// A response turned out to be this turn's, by what its metadata say.
    pub(super) fn adopt(&mut self, ctx: &mut Context<'_>, response: &Response) {
        let id = response.id.clone();
        ctx.notes
            .note(ctx.now, self.id, || JobEvent::Adopted { response: id.clone() });
        if matches!(self.state, State::Cancelling(_)) {
            self.cancel_known(ctx, response);
            return;
        }
        ctx.shared.parked.remove(&id);
        self.known(ctx, On::Adopted, response.id.clone());
        self.observe(ctx, response);
    }

    /// Whether the hand-over may happen, and happens now.
    pub(super) fn hand_over_if_due(&mut self, ctx: &mut Context<'_>) {
        if self.hand_over_at > ctx.now || self.execution == Execution::Background {
            return;
        }
        debug_assert!(self.placement.hand_over == HandOver::Permitted);
        if let State::Running(running) = &self.state {
            let running = running.clone();
            self.execution = Execution::Background;
            self.hand_over_at = SimTime::NEVER;
            let (cursor, deadline) = (self.cursor, self.deadline);
            ctx.notes
                .note(ctx.now, self.id, || JobEvent::HandedOver { cursor, deadline });
            self.enter(ctx, On::HandOver, State::Running(running));
        }
    }
}

/// A turn that releases an act at the service must not be sent twice.
fn fence(input: &[InputItem]) -> Fenced {
    let releases = |item: &InputItem| matches!(item, InputItem::McpApprovalResponse { approve: true, .. });
    if input.iter().any(releases) {
        Fenced::No
    } else {
        Fenced::Yes
    }
}
