//! What a job is told, taken to where it belongs; and the canonical order of what happens in one tick.

use std::cmp::Ordering;

use super::finish::OperatorAct;
use super::machine::{Context, Job};
use super::state::State;
use super::{Input, Told};
use crate::trace::{CoreEvent, Notes, On, RuntimeEvent};
use crate::units::{Exchange, ExchangeKind, JobId, SimTime};
use crate::wire::{Break, Reply, Response, ResponseId, StreamEvent};

impl Job {
    /// Takes what happened to this job.
    pub(super) fn tell(&mut self, ctx: &mut Context<'_>, told: &Told) {
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
            Told::Decided(decision) => self.decided(ctx, decision),
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
        self.deserted = true;
        if self.hand_over_at != SimTime::NEVER {
            self.hand_over_at = ctx.now;
            self.hand_over_if_due(ctx);
        }
    }

    /// Takes a reply to an exchange of this job.
    pub(super) fn replied(&mut self, ctx: &mut Context<'_>, exchange: Exchange, reply: &Reply) {
        if self.pledge_mut(exchange).is_none() {
            self.replied_late(ctx, exchange, reply);
            return;
        }
        note_reply(ctx.notes, ctx.now, Some(self.id), exchange, reply);
        if matches!(reply, Reply::StreamOpen) && exchange.kind() != ExchangeKind::Poll {
            self.stream_opened(exchange);
            return;
        }
        self.settle(exchange);
        match (&self.state, exchange.kind(), reply) {
            (State::Dispatching, ExchangeKind::Create, Reply::Response(response)) => {
                self.known(ctx, On::ResponseKnown, response.id.clone());
                self.observe(ctx, response);
            }
            (State::Dispatching, ExchangeKind::Create, Reply::Error(error)) => {
                self.create_refused(ctx, exchange, error);
            }
            (State::Dispatching, ExchangeKind::Create, _) => {
                self.silent(ctx, exchange, &Break::Unreadable { id: None });
            }
            (State::Running(_), ExchangeKind::Poll, reply) => self.poll_replied(ctx, exchange, reply),
            (State::Running(_), ExchangeKind::Stream, _) => self.stream_refused(ctx, exchange),
            // A stream that turns into a plain reply has ended; its response is followed otherwise.
            (State::Running(_), ExchangeKind::Create, _) => self.stream_ended(ctx, exchange),
            (State::Finalizing(_), ExchangeKind::Poll, reply) => {
                self.read_replied(ctx, exchange, Some(reply));
            }
            (State::Cancelling(_), ExchangeKind::Create, reply) => {
                self.cancelled_create_replied(ctx, exchange, reply);
            }
            (State::Cancelling(cancelling), _, reply) if cancelling.asked == Some(exchange) => {
                self.cancel_replied(ctx, exchange, Some(reply));
            }
            _ => self.late(ctx, "a reply that changes nothing any more", shown(reply)),
        }
    }

    /// A reply that was given up: it crossed with our leaving.
    fn replied_late(&mut self, ctx: &mut Context<'_>, exchange: Exchange, reply: &Reply) {
        match (&self.state, reply) {
            (State::InDoubt { .. }, Reply::Response(response))
                if exchange.kind() == ExchangeKind::Create
                    && (exchange.attempt(), exchange.turn())
                        == (self.origin().attempt, self.origin().turn) =>
            {
                self.adopt(ctx, response);
            }
            _ => self.late(ctx, "a reply that nobody waits for", shown(reply)),
        }
    }

    /// The head of a stream is here. A stream that is resumed may be silent for as long as it likes; a new one owes
    /// its first event within the call limit.
    fn stream_opened(&mut self, exchange: Exchange) {
        if exchange.kind() == ExchangeKind::Stream
            && let Some(pledge) = self.pledge_mut(exchange)
        {
            pledge.until = SimTime::NEVER;
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
            // A stream begins with its head; what is missing is the id.
            _ => self.broke(ctx, exchange, &Break::Cut { id: None }),
        }
    }

    /// A webhook named a response of this job.
    pub(super) fn named_by_webhook(&mut self, ctx: &mut Context<'_>, response: &ResponseId) {
        match &self.state {
            State::Running(running) if running.response == *response => self.nudge(ctx),
            State::Cancelling(cancelling) if cancelling.response.as_ref() == Some(response) => {
                self.cancel_named(ctx);
            }
            State::Finalizing(_) => {}
            _ => self.late(
                ctx,
                "a webhook about a response that nobody waits for",
                Some(response.clone()),
            ),
        }
    }

    /// A stray response says that it serves this job.
    pub(super) fn claim(&mut self, ctx: &mut Context<'_>, response: &Response) {
        ctx.owns(self.id, &response.id);
        let this_turn = response.origin == Some(self.origin());
        match &self.state {
            State::InDoubt { .. } if this_turn => self.adopt(ctx, response),
            State::Cancelling(cancelling) if this_turn && cancelling.response.is_none() => {
                self.adopt(ctx, response);
            }
            // The reply to the create will bring the id itself; if it is lost, the id is known all the same.
            State::Dispatching if this_turn => self.claimed = Some(response.id.clone()),
            State::Running(running) if running.response == response.id => {}
            _ => self.late(ctx, "a response of an earlier attempt", Some(response.id.clone())),
        }
    }
}

/// The response that a reply shows.
fn shown(reply: &Reply) -> Option<ResponseId> {
    match reply {
        Reply::Response(response) => Some(response.id.clone()),
        Reply::StreamOpen | Reply::Deleted | Reply::Document(_) | Reply::Error(_) => None,
    }
}

#[inline]
pub(super) fn note_reply(
    notes: &mut Notes<CoreEvent>,
    now: SimTime,
    job: Option<JobId>,
    exchange: Exchange,
    reply: &Reply,
) {
    notes.note(now, job, || {
        let (http, status) = match reply {
            Reply::Response(response) => (200, Some(response.status.clone())),
            Reply::StreamOpen | Reply::Deleted | Reply::Document(_) => (200, None),
            Reply::Error(error) => (error.http, None),
        };
        RuntimeEvent::Got {
            exchange,
            http,
            status,
        }
    });
}

/// Puts the inputs of a tick into their canonical order, whatever order they came in: by job, then by kind of input,
/// then by exchange and sequence; what is still alike, by everything it says.
#[inline]
pub fn canonical_order(batch: &mut [Input]) {
    if batch.len() > 1 {
        sort(batch);
    }
}

fn sort(batch: &mut [Input]) {
    batch.sort_by(canonical);
}

/// Whether they stand in that order.
pub(super) fn in_canonical_order(batch: &[Input]) -> bool {
    batch.is_sorted_by(|a, b| canonical(a, b) != Ordering::Greater)
}

fn canonical(a: &Input, b: &Input) -> Ordering {
    order(a).cmp(&order(b)).then_with(|| match a == b {
        true => Ordering::Equal,
        false => format!("{a:?}").cmp(&format!("{b:?}")),
    })
}

fn order(input: &Input) -> (JobId, u8, Option<Exchange>, u64, Option<&str>) {
    let (rank, exchange, seq, name): (u8, Option<Exchange>, u64, Option<&str>) = match &input.told {
        Told::Submitted => (0, None, 0, None),
        Told::CancelAsked { by } => (1, None, 0, Some(&by.0)),
        Told::SessionEnded => (2, None, 0, None),
        Told::Reply { exchange, .. } => (3, Some(*exchange), 0, None),
        Told::Event { exchange, event } => (3, Some(*exchange), event.seq.saturating_add(1), None),
        Told::Broke { exchange, .. } | Told::StreamEnded { exchange } => (3, Some(*exchange), u64::MAX, None),
        Told::Webhook { delivery, send, .. } => (4, None, u64::from(*send), Some(delivery)),
        Told::ToolAnswered { call, run, .. } => (5, None, u64::from(*run), Some(call)),
        Told::Withdrawn { approval, .. } => (6, None, 0, Some(approval)),
        Told::Reevaluate { why, .. } => (7, None, 0, Some(why)),
        Told::Decided(decision) => (8, None, 0, Some(&decision.by.0)),
        Told::SinkAnswered { key, run, .. } => (9, None, u64::from(*run), Some(key)),
        Told::Stored { digest } => (10, None, 0, Some(digest)),
        Told::Operator { by, .. } => (11, None, 0, Some(&by.0)),
    };
    (input.job, rank, exchange, seq, name)
}
