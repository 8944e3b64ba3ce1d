//! Ends: capturing the result, cancelling, time-outs, operators.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::machine::{Context, Job, Place, cause};
use super::retry;
use super::state::{Cancelling, Capture, Heard, State, text_of};
use super::{Action, OnEmpty};
use crate::trace::{Cause, JobEvent, LimitName, On, Principal, StateName, StopReason, Verb};
use crate::units::{Exchange, ExchangeKind, SimDuration, SimTime};
use crate::wire::{Ask, Reply, Response, ResponseId, Status};

/// What an operator does with a parked job.
pub(super) struct OperatorAct<'a> {
    pub(super) by: &'a Principal,
    pub(super) verb: Verb,
    pub(super) reason: &'a Arc<str>,
    pub(super) extend: Option<SimDuration>,
    pub(super) result: Option<&'a Arc<str>>,
}

impl Job {
    /// Ends the job.
    pub(super) fn end(&mut self, ctx: &mut Context<'_>, on: On, outcome: StateName, why: Option<Cause>) {
        self.enter_by(ctx, on, State::Ended(outcome), why, None);
    }

    /// The content is here: it is hashed and handed to the store.
    pub(super) fn capture(
        &mut self,
        ctx: &mut Context<'_>,
        on: On,
        content: &Arc<str>,
        partial: bool,
        response: Option<ResponseId>,
    ) {
        let digest = sha256(content);
        let storing = Capture::Storing {
            digest: digest.clone(),
            partial,
        };
        self.enter(ctx, on, State::Finalizing(Box::new(storing)));
        self.store(ctx, content, &digest, partial, response);
    }

    fn store(
        &mut self,
        ctx: &mut Context<'_>,
        content: &Arc<str>,
        digest: &Arc<str>,
        partial: bool,
        response: Option<ResponseId>,
    ) {
        if content.is_empty() && self.plan().rules.empty == OnEmpty::Fail {
            self.stop_retrying(ctx, StopReason::Permanent);
            let why = cause("empty_result", "the result is empty, and the kind forbids that");
            self.end(ctx, On::ResultRejected, StateName::Failed, Some(why));
            return;
        }
        let len = u32::try_from(content.len()).unwrap_or(u32::MAX);
        ctx.notes.note(ctx.now, self.id, || JobEvent::ResultStored {
            digest: digest.clone(),
            len,
            partial,
            response,
        });
        ctx.actions.push(Action::Store {
            job: self.id,
            digest: digest.clone(),
            content: content.clone(),
        });
    }

    /// The store has it.
    pub(super) fn stored(&mut self, ctx: &mut Context<'_>, digest: &Arc<str>) {
        let State::Finalizing(capture) = &self.state else {
            return;
        };
        let Capture::Storing {
            digest: awaited,
            partial,
        } = &**capture
        else {
            return;
        };
        if awaited != digest {
            return;
        }
        let (on, outcome) = match partial {
            false => (On::ResultStored, StateName::Succeeded),
            true => (On::PartialResultStored, StateName::SucceededPartial),
        };
        self.result = Some(digest.clone());
        let why = if *partial { self.cause.clone() } else { None };
        self.end(ctx, on, outcome, why);
    }

    /// A stream said that the result is there: the object itself is read.
    pub(super) fn read_result(&mut self, ctx: &mut Context<'_>, response: ResponseId) {
        let limits = self.plan().limits;
        let reading = Capture::Reading {
            response,
            poll: None,
            at: ctx.now,
            gap: self.plan().polling.first,
            give_up: ctx.now + limits.capture,
        };
        self.enter(ctx, On::ResponseFinalOutput, State::Finalizing(Box::new(reading)));
        self.read_again(ctx);
    }

    /// Reads the finished object (again).
    pub(super) fn read_again(&mut self, ctx: &mut Context<'_>) {
        let State::Finalizing(capture) = &self.state else {
            return;
        };
        let Capture::Reading {
            response, give_up, ..
        } = &**capture
        else {
            return;
        };
        let (ask, give_up) = (Ask::Poll(response.clone()), *give_up);
        let exchange = self.send(ctx, ask, give_up);
        if let State::Finalizing(capture) = &mut self.state {
            if let Capture::Reading { poll, at, .. } = &mut **capture {
                (*poll, *at) = (Some(exchange), SimTime::NEVER);
            }
        }
    }

    /// A reply while the result is read.
    pub(super) fn read_replied(&mut self, ctx: &mut Context<'_>, exchange: Exchange, reply: Option<&Reply>) {
        match reply {
            Some(Reply::Response(response)) if !response.status.is_open() => self.read_done(ctx, response),
            Some(Reply::Error(error)) if retry::poll_error(error.http) != retry::POLL_FAILED => {
                self.note_row(ctx, Some(exchange), retry::poll_error(error.http));
                let why = cause(
                    "result_lost",
                    format!("the service answered {} where the result was", error.http),
                );
                self.result_lost(ctx, why);
            }
            _ => {
                self.note_row(ctx, Some(exchange), retry::POLL_FAILED);
                self.read_later(ctx);
            }
        }
    }

    fn read_done(&mut self, ctx: &mut Context<'_>, response: &Response) {
        self.heard(ctx, response);
        let text = text_of(&response.output);
        let partial = response.status != Status::Completed;
        let digest = sha256(&text);
        self.state = State::Finalizing(Box::new(Capture::Storing {
            digest: digest.clone(),
            partial,
        }));
        self.store(ctx, &text, &digest, partial, Some(response.id.clone()));
    }

    fn read_later(&mut self, ctx: &Context<'_>) {
        let max = self.plan().polling.max;
        if let State::Finalizing(capture) = &mut self.state {
            if let Capture::Reading { poll, at, gap, .. } = &mut **capture {
                *poll = None;
                *at = ctx.now + *gap;
                *gap = SimDuration::from_ticks(gap.ticks().saturating_mul(3) / 2).min(max.max(*gap));
            }
        }
    }

    pub(super) fn result_lost(&mut self, ctx: &mut Context<'_>, why: Cause) {
        self.abort_all(ctx, &[ExchangeKind::Poll]);
        self.stop_retrying(ctx, StopReason::Operator);
        self.enter_for(ctx, On::ResultLost, State::NeedsIntervention, why);
    }

    pub(super) fn capture_limit(&mut self, ctx: &mut Context<'_>, due: SimTime) {
        self.limit_fired(ctx, LimitName::Capture, self.plan().limits.capture, due);
        self.result_lost(
            ctx,
            cause("limit:capture", "the result could not be read in time"),
        );
    }

    /// The deadline fired.
    pub(super) fn deadline_fired(&mut self, ctx: &mut Context<'_>) {
        let (limit, value) = (self.deadline_is, self.deadline.since(self.accepted));
        self.limit_fired(ctx, limit, value, self.deadline);
        let why = cause(
            &format!("limit:{limit}"),
            format!("the {limit} limit of {value} fired"),
        );
        self.stop_retrying(ctx, StopReason::Deadline);
        let outcome = match &self.state {
            State::Queued => StateName::Expired,
            State::Cancelling(_) => {
                self.suspect_orphan(ctx);
                self.abort_all(ctx, &ExchangeKind::ALL);
                self.enter_for(ctx, On::Deadline, State::NeedsIntervention, why);
                return;
            }
            State::Running(running) => {
                let response = running.response.clone();
                self.tell_to_stop(ctx, response);
                StateName::TimedOut
            }
            State::Dispatching | State::InDoubt { .. } => {
                self.suspect_orphan(ctx);
                self.abort_all(ctx, &ExchangeKind::ALL);
                StateName::TimedOut
            }
            State::UsingTools(_) => {
                self.drop_tools(ctx);
                StateName::TimedOut
            }
            State::AwaitingApproval(pending) => {
                let approval = pending.request.id.clone();
                self.close_request(ctx, &approval, "cancelled");
                StateName::TimedOut
            }
            _ => StateName::TimedOut,
        };
        self.end(ctx, On::Deadline, outcome, Some(why));
    }

    /// The queue limit fired.
    pub(super) fn queue_limit(&mut self, ctx: &mut Context<'_>, due: SimTime) {
        self.limit_fired(ctx, LimitName::Queue, self.plan().limits.queue, due);
        ctx.lane.forget(self.id);
        ctx.freed = true;
        let why = cause("limit:queue", "the lane had no room in time");
        self.end(ctx, On::QueueLimit, StateName::Expired, Some(why));
    }

    /// Somebody asks to cancel.
    pub(super) fn cancel_asked(&mut self, ctx: &mut Context<'_>, by: &Principal) {
        let who = by.clone();
        ctx.notes
            .note(ctx.now, self.id, || JobEvent::CancelRecorded { by: who });
        let why = cause("cancelled_by_user", format!("{} asked to cancel", by.0));
        match &self.state {
            State::Accepted | State::Queued => {
                ctx.lane.forget(self.id);
                ctx.freed = true;
                self.cancelled(ctx, On::CancelRequested, why, by);
            }
            State::RetryWait { .. } => {
                self.stop_retrying(ctx, StopReason::Cancel);
                self.cancelled(ctx, On::CancelRequested, why, by);
            }
            State::AwaitingApproval(pending) => {
                let approval = pending.request.id.clone();
                self.close_request(ctx, &approval, "cancelled");
                self.cancelled(ctx, On::CancelRequested, why, by);
            }
            State::Dispatching | State::InDoubt { .. } => self.cancel_create(ctx, why, by),
            State::Running(running) => {
                let response = running.response.clone();
                self.cancel_response(ctx, response, why, by);
            }
            State::UsingTools(_) => {
                self.drop_tools(ctx);
                self.cancelling(ctx, None, why.clone(), by);
                self.cancelled(ctx, On::NothingLanded, why, by);
            }
            State::Applying(applying) => {
                let same = State::Applying(applying.clone());
                self.too_late(ctx);
                self.enter_by(ctx, On::CancelRequested, same, None, Some(by.clone()));
            }
            State::Finalizing(capture) => {
                let same = State::Finalizing(capture.clone());
                self.too_late(ctx);
                self.enter_by(ctx, On::CancelRequested, same, None, Some(by.clone()));
            }
            State::Cancelling(_) => self.late(ctx, "a second cancel", None),
            State::NeedsIntervention | State::Ended(_) => self.too_late(ctx),
        }
    }

    fn too_late(&self, ctx: &mut Context<'_>) {
        let during = self.state.name();
        ctx.notes
            .note(ctx.now, self.id, || JobEvent::CancelTooLate { during });
    }

    fn cancelled(&mut self, ctx: &mut Context<'_>, on: On, why: Cause, by: &Principal) {
        self.enter_by(
            ctx,
            on,
            State::Ended(StateName::Cancelled),
            Some(why),
            Some(by.clone()),
        );
    }

    fn cancelling(
        &mut self,
        ctx: &mut Context<'_>,
        response: Option<ResponseId>,
        why: Cause,
        by: &Principal,
    ) {
        let at = if response.is_some() {
            ctx.now
        } else {
            SimTime::NEVER
        };
        let give_up = ctx.now + self.plan().limits.cancel;
        let gap = self.plan().polling.first;
        let next = Cancelling {
            response,
            at,
            heard: Heard::No,
            give_up,
            gap,
        };
        self.stop_retrying(ctx, StopReason::Cancel);
        self.enter_by(
            ctx,
            On::CancelRequested,
            State::Cancelling(next),
            Some(why),
            Some(by.clone()),
        );
    }

    /// A create is on its way or in doubt: the cancel waits until the response is known.
    fn cancel_create(&mut self, ctx: &mut Context<'_>, why: Cause, by: &Principal) {
        self.cancelling(ctx, None, why.clone(), by);
        if !self.in_background() {
            self.abort_all(ctx, &ExchangeKind::ALL);
            self.cancelled(ctx, On::NothingLanded, why, by);
        }
    }

    fn cancel_response(&mut self, ctx: &mut Context<'_>, response: ResponseId, why: Cause, by: &Principal) {
        self.abort_all(
            ctx,
            &[ExchangeKind::Create, ExchangeKind::Poll, ExchangeKind::Stream],
        );
        let background = self.in_background();
        self.cancelling(ctx, Some(response), why.clone(), by);
        if background {
            self.ask_cancel(ctx);
        } else {
            self.cancelled(ctx, On::ResponseCancelled, why, by);
        }
    }

    /// Asks the service to cancel, or reads the state once it has heard.
    pub(super) fn ask_cancel(&mut self, ctx: &mut Context<'_>) {
        let State::Cancelling(cancelling) = &mut self.state else {
            return;
        };
        cancelling.at = SimTime::NEVER;
        let Some(id) = cancelling.response.clone() else {
            return;
        };
        let (heard, give_up) = (cancelling.heard, cancelling.give_up);
        let ask = match heard {
            Heard::No => Ask::Cancel(id),
            Heard::Yes => Ask::Poll(id),
        };
        self.send(ctx, ask, give_up);
    }

    /// A reply, or silence, while a cancel waits.
    pub(super) fn cancel_replied(
        &mut self,
        ctx: &mut Context<'_>,
        exchange: Exchange,
        reply: Option<&Reply>,
    ) {
        if exchange.kind == ExchangeKind::Create {
            self.cancelled_create_replied(ctx, exchange, reply);
            return;
        }
        match reply {
            Some(Reply::Response(response)) => {
                self.note_row(ctx, Some(exchange), retry::CANCEL_ANSWERED);
                self.cancel_state(ctx, response);
            }
            Some(Reply::Error(error)) if exchange.kind == ExchangeKind::Cancel => {
                let row = retry::cancel_error(error.http);
                self.note_row(ctx, Some(exchange), row);
                let heard = if row == retry::CANCEL_REFUSED {
                    Heard::Yes
                } else {
                    Heard::No
                };
                self.cancel_later(ctx, heard);
            }
            _ if exchange.kind == ExchangeKind::Cancel => {
                self.note_row(ctx, Some(exchange), retry::CANCEL_FAILED);
                self.cancel_later(ctx, Heard::No);
            }
            _ => {
                self.note_row(ctx, Some(exchange), retry::POLL_FAILED);
                self.cancel_later(ctx, Heard::Yes);
            }
        }
    }

    fn cancel_later(&mut self, ctx: &Context<'_>, heard: Heard) {
        let max = self.plan().polling.max;
        if let State::Cancelling(cancelling) = &mut self.state {
            cancelling.heard = heard;
            cancelling.at = ctx.now + cancelling.gap;
            let grown = SimDuration::from_ticks(cancelling.gap.ticks().saturating_mul(3) / 2);
            cancelling.gap = grown.min(max.max(cancelling.gap));
        }
    }

    /// The create that was on its way when the cancel came.
    fn cancelled_create_replied(&mut self, ctx: &mut Context<'_>, exchange: Exchange, reply: Option<&Reply>) {
        match reply {
            Some(Reply::Response(response)) => self.cancel_known(ctx, response),
            Some(Reply::Error(error)) => {
                let row = retry::create_error(error, None, SimDuration::ZERO);
                self.note_row(ctx, Some(exchange), row);
                if row.landed == crate::trace::Landed::No {
                    self.nothing_landed(ctx);
                }
            }
            Some(Reply::StreamOpen | Reply::Deleted) | None => {}
        }
    }

    pub(super) fn nothing_landed(&mut self, ctx: &mut Context<'_>) {
        let why = self.cause.clone();
        self.enter_by(
            ctx,
            On::NothingLanded,
            State::Ended(StateName::Cancelled),
            why,
            None,
        );
    }

    /// The response id is known now: the cancel is applied.
    pub(super) fn cancel_known(&mut self, ctx: &mut Context<'_>, response: &Response) {
        ctx.owners.insert(response.id.clone(), self.id);
        if let State::Cancelling(cancelling) = &mut self.state {
            cancelling.response = Some(response.id.clone());
        }
        if response.status.is_open() {
            self.abort_all(ctx, &[ExchangeKind::Create]);
            self.ask_cancel(ctx);
        } else {
            self.cancel_state(ctx, response);
        }
    }

    /// The id could be read from a broken reply: the cancel is applied.
    pub(super) fn cancel_id(&mut self, ctx: &mut Context<'_>, id: ResponseId) {
        ctx.owners.insert(id.clone(), self.id);
        if let State::Cancelling(cancelling) = &mut self.state {
            cancelling.response = Some(id);
        }
        self.ask_cancel(ctx);
    }

    /// The service's own word about the response that is to be cancelled.
    fn cancel_state(&mut self, ctx: &mut Context<'_>, response: &Response) {
        self.heard(ctx, response);
        let asks = !super::follow::calls_of(response).is_empty() || super::follow::asks_approval(response);
        match &response.status {
            Status::Queued | Status::InProgress => self.cancel_later(ctx, Heard::Yes),
            Status::Cancelled => {
                let why = self.cause.clone();
                self.enter_by(
                    ctx,
                    On::ResponseCancelled,
                    State::Ended(StateName::Cancelled),
                    why,
                    None,
                );
            }
            Status::Completed if asks => {
                // The turn is over and nothing of what it asks for will be done: the cancel took hold.
                let why = self.cause.clone();
                self.enter_by(
                    ctx,
                    On::ResponseCancelled,
                    State::Ended(StateName::Cancelled),
                    why,
                    None,
                );
            }
            Status::Completed | Status::Incomplete => {
                self.too_late(ctx);
                let partial = response.status == Status::Incomplete;
                let text = text_of(&response.output);
                self.capture(
                    ctx,
                    On::ResponseCompletedFirst,
                    &text,
                    partial,
                    Some(response.id.clone()),
                );
            }
            Status::Failed => {
                let code = response.error.as_ref().map_or("none", |error| &*error.code);
                let why = cause(code, format!("the response failed before the cancel ({code})"));
                self.end(ctx, On::ResponseFailed, StateName::Failed, Some(why));
            }
            Status::Unknown(_) => self.cancel_later(ctx, Heard::Yes),
        }
    }

    pub(super) fn cancel_limit(&mut self, ctx: &mut Context<'_>, due: SimTime) {
        self.limit_fired(ctx, LimitName::Cancel, self.plan().limits.cancel, due);
        self.suspect_orphan(ctx);
        self.abort_all(ctx, &ExchangeKind::ALL);
        let why = cause(
            "limit:cancel",
            "the service did not acknowledge the cancel in time",
        );
        self.enter_for(ctx, On::NoAcknowledgement, State::NeedsIntervention, why);
    }

    /// An operator acts on a parked job.
    pub(super) fn operate(&mut self, ctx: &mut Context<'_>, act: &OperatorAct<'_>) {
        if !matches!(self.state, State::NeedsIntervention) {
            self.late(ctx, "an operator's act on a job that is not parked", None);
            return;
        }
        let who = Some(act.by.clone());
        let why = |code: &str| Some(cause(code, format!("{}: {}", act.by.0, act.reason)));
        match act.verb {
            Verb::Retry => {
                if let Some(extend) = act.extend {
                    self.deadline = self.deadline.max(ctx.now) + extend;
                }
                self.charged = 0;
                self.twins = 0;
                self.attempts_until = SimTime::NEVER;
                self.enter_by(ctx, On::OperatorRetry, State::Queued, why("operator_retry"), who);
                self.place = Place::Free;
                ctx.lane.requeue(self.id);
                ctx.freed = true;
            }
            Verb::Abandon => {
                self.enter_by(
                    ctx,
                    On::OperatorAbandon,
                    State::Ended(StateName::Failed),
                    why("operator_abandon"),
                    who,
                );
            }
            Verb::Cancel => {
                let next = State::Ended(StateName::Cancelled);
                self.enter_by(ctx, On::OperatorCancel, next, why("operator_cancel"), who);
            }
            Verb::Resolve => {
                let content = act.result.cloned().unwrap_or_else(|| act.reason.clone());
                let digest = sha256(&content);
                let len = u32::try_from(content.len()).unwrap_or(u32::MAX);
                let stored = digest.clone();
                ctx.notes.note(ctx.now, self.id, || JobEvent::ResultStored {
                    digest: stored,
                    len,
                    partial: false,
                    response: None,
                });
                ctx.actions.push(Action::Store {
                    job: self.id,
                    digest: digest.clone(),
                    content,
                });
                self.result = Some(digest);
                let next = State::Ended(StateName::Succeeded);
                self.enter_by(ctx, On::OperatorResolve, next, why("operator_resolve"), who);
            }
        }
    }
}

fn sha256(content: &str) -> Arc<str> {
    use std::fmt::Write;
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(content.as_bytes()) {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex.into()
}
