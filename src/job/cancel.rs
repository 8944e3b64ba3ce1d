//! Cancelling: every way in, and the wait for the service's word.

use super::finish::wider;
use super::follow::{asks_us, cut_short, is_cut};
use super::machine::{Context, FOLLOWING, Job, cause};
use super::retry;
use super::state::{Cancelling, Heard, State, text_of};
use crate::trace::{Cause, JobEvent, Landed, LimitName, On, Principal, StateName, StopReason};
use crate::units::{Exchange, ExchangeKind, SimDuration, SimTime};
use crate::wire::{Ask, Break, Reply, Response, ResponseId, Status};

/// What is on record where somebody asked to cancel who may not.
pub const CANCEL_BY_STRANGER: &str = "a cancel by a stranger";

impl Job {
    /// Somebody asks to cancel.
    pub(super) fn cancel_asked(&mut self, ctx: &mut Context<'_>, by: &Principal) {
        if !self.may_cancel(ctx, by) {
            self.late(ctx, CANCEL_BY_STRANGER, None);
            return;
        }
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

    /// The requester may cancel, whoever acts for the requester, and whoever may decide about approvals here.
    fn may_cancel(&self, ctx: &Context<'_>, by: &Principal) -> bool {
        *by == self.requester || ctx.roster.iter().any(|entry| entry.name == *by)
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
        let next = Cancelling {
            response,
            at: SimTime::NEVER,
            asked: None,
            heard: Heard::No,
            give_up: ctx.now + self.plan().limits.cancel,
            gap: self.plan().polling.first,
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
        } else if let Some(id) = self.claimed.take() {
            self.cancel_id(ctx, id);
        }
    }

    fn cancel_response(&mut self, ctx: &mut Context<'_>, response: ResponseId, why: Cause, by: &Principal) {
        self.abort_all(ctx, FOLLOWING);
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
        let end = cancelling.give_up.min(self.deadline);
        let ask = match cancelling.heard {
            Heard::No => Ask::Cancel(id),
            Heard::Yes => Ask::Poll(id),
        };
        let exchange = self.send(ctx, ask, end);
        if let State::Cancelling(cancelling) = &mut self.state {
            cancelling.asked = Some(exchange);
        }
    }

    /// A webhook says that the response has ended: its state is read now, unless a reply is awaited anyway.
    pub(super) fn cancel_named(&mut self, ctx: &mut Context<'_>) {
        if let State::Cancelling(cancelling) = &mut self.state
            && cancelling.asked.is_none()
        {
            cancelling.heard = Heard::Yes;
            self.ask_cancel(ctx);
        }
    }

    /// A reply, or silence, while a cancel waits.
    pub(super) fn cancel_replied(
        &mut self,
        ctx: &mut Context<'_>,
        exchange: Exchange,
        reply: Option<&Reply>,
    ) {
        match reply {
            Some(Reply::Response(response)) => {
                self.note_row(ctx, Some(exchange), retry::CANCEL_ANSWERED);
                self.cancel_state(ctx, response);
            }
            Some(Reply::Error(error)) if exchange.kind() == ExchangeKind::Cancel => {
                let row = retry::cancel_error(error.http);
                self.note_row(ctx, Some(exchange), row);
                let heard = if row == retry::CANCEL_REFUSED {
                    Heard::Yes
                } else {
                    Heard::No
                };
                self.cancel_later(ctx, heard);
            }
            _ if exchange.kind() == ExchangeKind::Cancel => {
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
            cancelling.asked = None;
            cancelling.heard = heard;
            cancelling.at = (ctx.now + cancelling.gap).max(ctx.now.next());
            cancelling.gap = wider(cancelling.gap, max);
        }
    }

    /// The reply to the create that was on its way when the cancel came.
    pub(super) fn cancelled_create_replied(
        &mut self,
        ctx: &mut Context<'_>,
        exchange: Exchange,
        reply: &Reply,
    ) {
        match reply {
            Reply::Response(response) => self.cancel_known(ctx, response),
            Reply::Error(error) => {
                let row = retry::create_error(error, None, SimDuration::ZERO);
                self.note_row(ctx, Some(exchange), row);
                if row.landed == Landed::No {
                    self.cancel_held(ctx, On::NothingLanded);
                }
            }
            Reply::StreamOpen | Reply::Deleted | Reply::Document(_) => {}
        }
    }

    /// The create that was on its way when the cancel came broke.
    pub(super) fn cancelled_create_broke(&mut self, ctx: &mut Context<'_>, exchange: Exchange, how: &Break) {
        let row = retry::create_break(how);
        self.note_row(ctx, Some(exchange), row);
        match how {
            Break::Refused => self.cancel_held(ctx, On::NothingLanded),
            Break::Cut { id: Some(id) } | Break::Unreadable { id: Some(id) } => {
                self.cancel_id(ctx, id.clone());
            }
            Break::NoReply | Break::Cut { id: None } | Break::Unreadable { id: None } => {}
        }
    }

    /// The response id is known now: the cancel is applied.
    pub(super) fn cancel_known(&mut self, ctx: &mut Context<'_>, response: &Response) {
        if response.status.is_open() {
            self.cancel_id(ctx, response.id.clone());
            return;
        }
        ctx.owns(self.id, &response.id);
        self.abort_all(ctx, &[ExchangeKind::Create]);
        self.cancel_state(ctx, response);
    }

    fn cancel_id(&mut self, ctx: &mut Context<'_>, id: ResponseId) {
        ctx.owns(self.id, &id);
        ctx.shared.parked.remove(&id);
        self.abort_all(ctx, &[ExchangeKind::Create]);
        if let State::Cancelling(cancelling) = &mut self.state {
            cancelling.response = Some(id);
        }
        self.ask_cancel(ctx);
    }

    /// The service's own word about the response that is to be cancelled.
    fn cancel_state(&mut self, ctx: &mut Context<'_>, response: &Response) {
        self.heard(ctx, response);
        match &response.status {
            Status::Queued | Status::InProgress | Status::Unknown(_) => self.cancel_later(ctx, Heard::Yes),
            Status::Cancelled => self.cancel_held(ctx, On::ResponseCancelled),
            // The turn is over and nothing of what it asks for will be done: the cancel took hold.
            Status::Completed if asks_us(response) => self.cancel_held(ctx, On::ResponseCancelled),
            Status::Completed | Status::Incomplete => self.completed_first(ctx, response),
            Status::Failed => {
                let code = response.error.as_ref().map_or("none", |error| &*error.code);
                let why = cause(code, format!("the response failed before the cancel ({code})"));
                self.end(ctx, On::ResponseFailed, StateName::Failed, Some(why));
            }
        }
    }

    /// Nothing is left that could still happen.
    fn cancel_held(&mut self, ctx: &mut Context<'_>, on: On) {
        let why = self.cause.clone();
        self.end(ctx, on, StateName::Cancelled, why);
    }

    fn completed_first(&mut self, ctx: &mut Context<'_>, response: &Response) {
        self.too_late(ctx);
        self.note_usage(ctx, response);
        let partial = response.status == Status::Incomplete || is_cut(response);
        if partial {
            self.cause = Some(cut_short(response));
        }
        let (text, id) = (text_of(&response.output), Some(response.id.clone()));
        self.capture(ctx, On::ResponseCompletedFirst, &text, partial, id);
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
}
