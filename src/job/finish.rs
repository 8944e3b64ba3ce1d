//! Ends: capturing the result, time-outs, operators.

use std::sync::Arc;

use super::follow::{asks_us, cut_short, is_cut};
use super::machine::{Context, Job, Place, cause};
use super::retry;
use super::state::{Capture, State, text_of};
use super::{Action, OnEmpty};
use crate::trace::{Cause, JobEvent, LimitName, On, Principal, ResultDigest, StateName, StopReason, Verb};
use crate::units::{Exchange, ExchangeKind, SimDuration, SimTime, push_with};
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
        let digest = ctx.shared.digests.of(content);
        let storing = self.storing(ctx, &digest, partial);
        self.enter(ctx, on, storing);
        self.store(ctx, content, digest, partial, response);
    }

    fn storing(&self, ctx: &Context<'_>, digest: &ResultDigest, partial: bool) -> State {
        State::Finalizing(Capture::Storing {
            digest: digest.clone(),
            partial,
            give_up: ctx.now + self.plan().limits.capture.max(SimDuration::TICK),
        })
    }

    fn store(
        &mut self,
        ctx: &mut Context<'_>,
        content: &Arc<str>,
        digest: ResultDigest,
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
        push_with(ctx.actions, || Action::Store {
            job: self.id,
            digest,
            content: content.clone(),
        });
    }

    /// The store has it.
    pub(super) fn stored(&mut self, ctx: &mut Context<'_>, digest: &ResultDigest) {
        let State::Finalizing(capture) = &self.state else {
            return;
        };
        let Capture::Storing {
            digest: awaited,
            partial,
            ..
        } = capture
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
        self.enter(ctx, On::ResponseFinalOutput, State::Finalizing(reading));
        self.read_again(ctx);
    }

    /// Reads the finished object (again).
    pub(super) fn read_again(&mut self, ctx: &mut Context<'_>) {
        let State::Finalizing(capture) = &self.state else {
            return;
        };
        let Capture::Reading {
            response, give_up, ..
        } = capture
        else {
            return;
        };
        let (ask, give_up) = (Ask::Poll(response.clone()), *give_up);
        let exchange = self.send(ctx, ask, give_up);
        if let State::Finalizing(capture) = &mut self.state
            && let Capture::Reading { poll, at, .. } = capture
        {
            (*poll, *at) = (Some(exchange), SimTime::NEVER);
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
        self.note_usage(ctx, response);
        let partial = match &response.status {
            Status::Completed if !asks_us(response) => is_cut(response),
            Status::Incomplete => true,
            other => {
                let detail = format!(
                    "its stream said that it is complete, the response says {}",
                    other.word()
                );
                self.result_lost(ctx, cause("result_lost", detail));
                return;
            }
        };
        if partial {
            self.cause = Some(cut_short(response));
        }
        let text = text_of(&response.output);
        let digest = ctx.shared.digests.of(&text);
        self.state = self.storing(ctx, &digest, partial);
        self.store(ctx, &text, digest, partial, Some(response.id.clone()));
    }

    fn read_later(&mut self, ctx: &Context<'_>) {
        let max = self.plan().polling.max;
        if let State::Finalizing(capture) = &mut self.state
            && let Capture::Reading { poll, at, gap, .. } = capture
        {
            *poll = None;
            *at = (ctx.now + *gap).max(ctx.now.next());
            *gap = wider(*gap, max);
        }
    }

    pub(super) fn result_lost(&mut self, ctx: &mut Context<'_>, why: Cause) {
        self.abort_all(ctx, &[ExchangeKind::Poll]);
        self.stop_retrying(ctx, StopReason::Operator);
        self.enter_for(ctx, On::ResultLost, State::NeedsIntervention, why);
    }

    pub(super) fn capture_limit(&mut self, ctx: &mut Context<'_>, due: SimTime) {
        self.limit_fired(ctx, LimitName::Capture, self.plan().limits.capture, due);
        let detail = match &self.state {
            State::Finalizing(Capture::Storing { .. }) => "the store did not confirm the result in time",
            _ => "the result could not be read in time",
        };
        self.result_lost(ctx, cause("limit:capture", detail));
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
            State::Queued => {
                ctx.lane.forget(self.id);
                ctx.freed = true;
                StateName::Expired
            }
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
                self.close_request(ctx, &approval, "expired");
                StateName::TimedOut
            }
            _ => StateName::TimedOut,
        };
        self.end(ctx, On::Deadline, outcome, Some(why));
    }

    /// The queue limit fired, or the deadline of a job that is not admitted yet.
    pub(super) fn queue_limit(&mut self, ctx: &mut Context<'_>, due: SimTime) {
        let queue = self.plan().limits.queue;
        let (limit, value) = match due < self.accepted + queue {
            true => (self.deadline_is, self.deadline.since(self.accepted)),
            false => (LimitName::Queue, queue),
        };
        self.limit_fired(ctx, limit, value, due);
        ctx.lane.forget(self.id);
        ctx.freed = true;
        let why = cause(&format!("limit:{limit}"), "the lane had no room in time");
        self.end(ctx, On::QueueLimit, StateName::Expired, Some(why));
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
                self.unknown_failures = 0;
                self.attempts_until = SimTime::NEVER;
                self.enter_by(ctx, On::OperatorRetry, State::Queued, why("operator_retry"), who);
                self.place = Place::Free;
                ctx.lane.requeue(self.id, self.placement.due);
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
                let digest = ctx.shared.digests.of(&content);
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

/// The next gap between two looks: half as much again, up to `max`.
pub(super) fn wider(gap: SimDuration, max: SimDuration) -> SimDuration {
    SimDuration::from_ticks(gap.ticks().saturating_mul(3) / 2).min(max.max(gap))
}
