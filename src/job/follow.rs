//! Following a response: polls, stream and webhook, and what its end means.

use std::sync::Arc;

use super::machine::{Context, FOLLOWING, Fenced, Job, LookFailed, News, cause};
use super::retry::{self, Row};
use super::state::{FunctionCall, Named, Running, State, text_of};
use super::{Follow, OnFiltered, OnIncomplete};
use crate::trace::{Cause, Execution, JobEvent, LimitName, On, RuntimeEvent, StateName, StopReason};
use crate::units::{Exchange, ExchangeKind, SimDuration, SimTime};
use crate::wire::{ApiError, Ask, Event, Item, ItemStatus, Reply, Response, ResponseId, Status, StreamEvent};

impl Job {
    /// How a response is followed from now on.
    pub(super) fn following(&self, ctx: &Context<'_>, response: ResponseId, look_now: bool) -> Running {
        let polling = self.plan().polling;
        let stream = self
            .pledges
            .iter()
            .map(|pledge| pledge.exchange)
            .find(|exchange| matches!(exchange.kind(), ExchangeKind::Create | ExchangeKind::Stream));
        let gap = match self.plan().follow {
            Follow::Webhook => polling.fallback,
            Follow::Poll | Follow::Stream => polling.first,
        };
        let poll_at = match stream {
            Some(_) => SimTime::NEVER,
            None if look_now => ctx.now.next(),
            None => ctx.now + self.poll_gap(ctx, gap),
        };
        Running {
            response,
            poll_at,
            gap,
            poll: None,
            named: Named::No,
            stream,
            resume_at: SimTime::NEVER,
            breaks: 0,
        }
    }

    /// A gap with up to a tenth taken off, so that jobs that start together do not poll together.
    fn poll_gap(&self, ctx: &Context<'_>, gap: SimDuration) -> SimDuration {
        let polls = u64::from(self.sent[ExchangeKind::Poll as usize]);
        let off = retry::jitter(
            ctx.shared.seed,
            crate::rng::Purpose::PollGap,
            self.id,
            polls,
            SimDuration::from_ticks(gap.ticks() / 10),
        );
        gap.saturating_sub(off).max(SimDuration::TICK)
    }

    fn grown(&self, gap: SimDuration) -> SimDuration {
        let polling = self.plan().polling;
        let max = match self.plan().follow {
            Follow::Webhook => polling.fallback.max(polling.max),
            Follow::Poll | Follow::Stream => polling.max,
        };
        let grown = gap
            .ticks()
            .saturating_mul(u64::from(polling.growth_percent.max(100)))
            / 100;
        SimDuration::from_ticks(grown).min(max.max(gap))
    }

    /// Looks at the response.
    pub(super) fn poll_now(&mut self, ctx: &mut Context<'_>) {
        let State::Running(running) = &self.state else {
            return;
        };
        if running.poll.is_some() {
            return;
        }
        let id = running.response.clone();
        let exchange = self.send(ctx, Ask::Poll(id), self.deadline);
        if let State::Running(running) = &mut self.state {
            running.poll = Some(exchange);
            running.named = Named::No;
            running.poll_at = SimTime::NEVER;
        }
    }

    /// The next look after a gap that grows; at once if a webhook came meanwhile. Where a stream tells more, a look
    /// that succeeded was the only one until the stream falls silent.
    fn poll_later(&mut self, ctx: &Context<'_>, at_least: SimDuration) {
        let State::Running(running) = &self.state else {
            return;
        };
        let streams = running.stream.is_some() || running.resume_at != SimTime::NEVER;
        let gap = self.grown(running.gap);
        let poll_at = match running.named {
            Named::Yes => ctx.now + SimDuration::TICK.max(at_least),
            Named::No if streams && self.look_failed == LookFailed::No => SimTime::NEVER,
            Named::No => ctx.now + self.poll_gap(ctx, gap).max(at_least),
        };
        if let State::Running(running) = &mut self.state {
            running.poll = None;
            running.gap = gap;
            running.poll_at = poll_at;
        }
    }

    /// A reply to a poll while the response runs.
    pub(super) fn poll_replied(&mut self, ctx: &mut Context<'_>, exchange: Exchange, reply: &Reply) {
        match reply {
            Reply::Response(response) if !self.follows(&response.id) => {
                self.poll_failed(ctx, exchange, SimDuration::ZERO);
            }
            Reply::Response(response) => {
                let as_shown = self.is_as_shown(ctx.now);
                let before = (self.progressed_at, self.items);
                self.look_failed = LookFailed::No;
                self.observe(ctx, response);
                if matches!(&self.state, State::Running(running) if running.poll == Some(exchange)) {
                    if as_shown && (self.progressed_at, self.items) == before {
                        ctx.news = News::No;
                    }
                    self.poll_later(ctx, SimDuration::ZERO);
                }
            }
            Reply::Error(error) => self.poll_refused(ctx, exchange, error),
            Reply::StreamOpen | Reply::Deleted | Reply::Document(_) => {
                self.poll_failed(ctx, exchange, SimDuration::ZERO)
            }
        }
    }

    /// Whether the last view still says how the response lives, and another sign of life would not change it.
    fn is_as_shown(&self, now: SimTime) -> bool {
        now < self.verdict_at && now <= self.lost_at() && self.look_failed == LookFailed::No
    }

    fn follows(&self, response: &ResponseId) -> bool {
        matches!(&self.state, State::Running(running) if running.response == *response)
    }

    fn poll_refused(&mut self, ctx: &mut Context<'_>, exchange: Exchange, error: &ApiError) {
        let row = retry::poll_error(error.http);
        if row == retry::POLL_FAILED {
            let civil = ctx.shared.epoch.saturating_add(ctx.now.ticks());
            let told = error
                .wait
                .map(|wait| retry::told_wait(wait, civil))
                .unwrap_or_default();
            self.poll_failed(ctx, exchange, told);
            return;
        }
        self.note_row(ctx, Some(exchange), row);
        let why = match error.http {
            404 => cause("response_lost", "the service does not know the response any more"),
            http => cause(
                &format!("poll_http_{http}"),
                format!("the service answered {http} to a look at the response"),
            ),
        };
        self.lost(ctx, why);
    }

    fn lost(&mut self, ctx: &mut Context<'_>, why: Cause) {
        self.stop_retrying(ctx, StopReason::Operator);
        self.abort_all(ctx, FOLLOWING);
        self.enter_for(ctx, On::ResponseLost, State::NeedsIntervention, why);
    }

    /// A poll told nothing: the status is unknown for a while, the job goes on.
    pub(super) fn poll_failed(&mut self, ctx: &mut Context<'_>, exchange: Exchange, told: SimDuration) {
        self.note_row(ctx, Some(exchange), retry::POLL_FAILED);
        self.look_failed = LookFailed::Yes;
        self.poll_later(ctx, told);
    }

    /// An event of a stream, while its response is awaited or followed.
    pub(super) fn streamed(&mut self, ctx: &mut Context<'_>, exchange: Exchange, arrived: &StreamEvent) {
        let gap = self
            .cursor
            .is_some_and(|cursor| cursor.saturating_add(1) < arrived.seq);
        let strange = gap || matches!(arrived.event, Event::Unknown { .. });
        if strange {
            self.note_row(ctx, Some(exchange), retry::STREAM_STRANGE);
        }
        if self.cursor.is_some_and(|cursor| arrived.seq <= cursor) {
            self.late(ctx, "an event behind the cursor", None);
            return;
        }
        self.cursor = Some(arrived.seq);
        ctx.notes.note(ctx.now, self.id, || RuntimeEvent::StreamGot {
            exchange,
            seq: arrived.seq,
        });
        if let (State::Dispatching, Some(response)) = (&self.state, arrived.event.response()) {
            let id = response.id.clone();
            if let Some(pledge) = self.pledge_mut(exchange) {
                pledge.until = SimTime::NEVER;
            }
            self.known(ctx, On::ResponseKnown, id);
        }
        self.react(ctx, exchange, &arrived.event);
        if strange || matches!(arrived.event, Event::Error { .. }) {
            self.read_state(ctx.now);
        }
    }

    /// The stream alone does not say how things stand: the response itself is looked at, where it has a record of its
    /// own and the stream says nothing better in this tick.
    fn read_state(&mut self, now: SimTime) {
        let in_background = self.in_background();
        if let State::Running(running) = &mut self.state
            && in_background
            && running.poll.is_none()
        {
            running.poll_at = now.next();
        }
    }

    fn react(&mut self, ctx: &mut Context<'_>, exchange: Exchange, event: &Event) {
        match event {
            Event::Completed(response) | Event::Failed(response) | Event::Incomplete(response)
                if response.status.is_open() =>
            {
                // It ends a stream without saying how the work ended.
                self.stream_ended(ctx, exchange);
            }
            Event::Completed(response) | Event::Failed(response) | Event::Incomplete(response) => {
                self.settle(exchange);
                self.signalled(ctx, response);
            }
            Event::Created(response) | Event::Queued(response) | Event::InProgress(response) => {
                self.observe(ctx, response);
            }
            Event::Error { .. } => self.note_row(ctx, Some(exchange), retry::STREAM_ERROR),
            Event::ItemDone { output, .. } => {
                self.heard_at = Some(ctx.now);
                self.progressed_at = ctx.now;
                self.items_here = self.items_here.max(output.saturating_add(1));
                self.items = self.items.max(self.items_here);
            }
            Event::ItemAdded { .. }
            | Event::PartAdded { .. }
            | Event::TextDelta { .. }
            | Event::TextDone { .. }
            | Event::PartDone { .. }
            | Event::ArgumentsDelta { .. }
            | Event::ArgumentsDone { .. }
            | Event::Progress { .. } => {
                self.heard_at = Some(ctx.now);
                self.progressed_at = ctx.now;
            }
            // Bytes are not progress: neither of these says that the work goes on.
            Event::Keepalive | Event::Unknown { .. } => self.heard_at = Some(ctx.now),
        }
    }

    /// A stream says that the response has ended. The final object of a stored response is read again, for the
    /// service's own record alone counts; a foreground response has no other record than its stream.
    fn signalled(&mut self, ctx: &mut Context<'_>, response: &Response) {
        let reread = self.in_background() && response.status == Status::Completed && !asks_us(response);
        if !reread {
            self.observe(ctx, response);
            return;
        }
        self.heard(ctx, response);
        self.abort_all(ctx, &[ExchangeKind::Poll]);
        self.read_result(ctx, response.id.clone());
    }

    /// A stream ended before its last event.
    pub(super) fn stream_ended(&mut self, ctx: &mut Context<'_>, exchange: Exchange) {
        self.settle(exchange);
        let cursor = self.cursor;
        ctx.notes.note(ctx.now, self.id, || RuntimeEvent::StreamEnded {
            exchange,
            cursor,
        });
        self.note_row(ctx, Some(exchange), retry::STREAM_CLOSED);
        if !self.in_background() {
            let why = cause(
                "stream_broke",
                "the connection broke, and a foreground response dies with it",
            );
            self.failed_response(ctx, retry::RESPONSE_FAILED, why);
            return;
        }
        let polling = self.plan().polling;
        let ceiling = polling.first;
        let State::Running(running) = &mut self.state else {
            return;
        };
        running.stream = None;
        running.breaks = running.breaks.saturating_add(1);
        let breaks = running.breaks;
        let wait = retry::jitter(
            ctx.shared.seed,
            crate::rng::Purpose::Backoff,
            self.id,
            1_000 + u64::from(breaks),
            ceiling,
        );
        let mut gap = polling.first;
        for _ in 1..breaks.min(32) {
            gap = self.grown(gap);
        }
        if let State::Running(running) = &mut self.state {
            running.resume_at = ctx.now + if breaks == 1 { wait } else { gap }.max(SimDuration::TICK);
        }
    }

    /// Opens the stream again behind the cursor.
    pub(super) fn resume_stream(&mut self, ctx: &mut Context<'_>) {
        let State::Running(running) = &self.state else {
            return;
        };
        let ask = Ask::Stream {
            id: running.response.clone(),
            after: self.cursor,
        };
        let exchange = self.send(ctx, ask, self.deadline);
        if let State::Running(running) = &mut self.state {
            running.stream = Some(exchange);
            running.resume_at = SimTime::NEVER;
        }
    }

    /// The stream could not be opened again: from here on the response is polled.
    pub(super) fn stream_refused(&mut self, ctx: &mut Context<'_>, exchange: Exchange) {
        self.settle(exchange);
        self.note_row(ctx, Some(exchange), retry::STREAM_CLOSED);
        if let State::Running(running) = &mut self.state {
            running.stream = None;
            running.resume_at = SimTime::NEVER;
        }
        self.poll_now(ctx);
    }

    #[inline]
    pub(super) fn heard(&mut self, ctx: &Context<'_>, response: &Response) {
        self.heard_at = Some(ctx.now);
        let items = u32::try_from(response.output.len()).unwrap_or(u32::MAX);
        let turned = self.status.as_ref() != Some(&response.status);
        if turned || items > self.items_here {
            self.progressed_at = ctx.now;
            self.items_here = self.items_here.max(items);
            self.items = self.items.max(items);
        }
        if turned {
            self.status = Some(response.status.clone());
        }
    }

    /// The service's own word about the response of the turn under way.
    #[inline]
    pub(super) fn observe(&mut self, ctx: &mut Context<'_>, response: &Response) {
        self.heard(ctx, response);
        if !response.status.is_open() {
            self.observe_end(ctx, response);
        }
    }

    #[inline(never)]
    fn observe_end(&mut self, ctx: &mut Context<'_>, response: &Response) {
        self.note_usage(ctx, response);
        self.abort_all(ctx, FOLLOWING);
        match &response.status {
            Status::Completed => self.completed(ctx, response),
            Status::Incomplete => self.incomplete(ctx, response),
            Status::Failed => {
                let code = response.error.as_ref().map_or("none", |error| &*error.code);
                let row = retry::response_failed(code);
                let why = cause(code, format!("the response failed ({code})"));
                self.failed_response(ctx, row, why);
            }
            Status::Cancelled => {
                let why = cause(
                    "cancelled_by_service",
                    "the service cancelled the response, nobody here asked for it",
                );
                self.stop_retrying(ctx, StopReason::Operator);
                self.enter_for(ctx, On::ResponseCancelledUnasked, State::NeedsIntervention, why);
            }
            Status::Unknown(word) => {
                let why = cause(
                    "wire_status_unknown",
                    format!("the service reports the unknown status {word}"),
                );
                self.stop_retrying(ctx, StopReason::Operator);
                self.enter_for(ctx, On::WireStatusUnknown, State::NeedsIntervention, why);
            }
            Status::Queued | Status::InProgress => {}
        }
    }

    pub(super) fn note_usage(&self, ctx: &mut Context<'_>, response: &Response) {
        if let Some(usage) = response.usage {
            ctx.notes.note(ctx.now, self.id, || JobEvent::Used {
                input: usage.input,
                output: usage.output,
                tier_asked: Arc::clone(self.placement.tier.as_ref().unwrap_or(&self.plan().tier)),
                tier_served: response.service_tier.clone(),
            });
        }
    }

    fn completed(&mut self, ctx: &mut Context<'_>, response: &Response) {
        if is_cut(response) {
            // A truncated output that calls itself completed is still truncated.
            self.incomplete(ctx, response);
            return;
        }
        let calls = calls_of(response);
        if asks_approval(response) || calls.iter().any(|call| self.is_consequential(&call.name)) {
            self.asking = Some(response.id.clone());
            self.ask_approval(ctx, response, calls);
        } else if !calls.is_empty() {
            self.asking = Some(response.id.clone());
            self.use_tools(ctx, calls);
        } else {
            let text = text_of(&response.output);
            self.capture(
                ctx,
                On::ResponseFinalOutput,
                &text,
                false,
                Some(response.id.clone()),
            );
        }
    }

    fn incomplete(&mut self, ctx: &mut Context<'_>, response: &Response) {
        let rules = self.plan().rules;
        let why = cut_short(response);
        let filtered = response.incomplete.as_deref() == Some("content_filter");
        let row = if filtered {
            retry::RESPONSE_FILTERED
        } else {
            retry::RESPONSE_INCOMPLETE
        };
        self.note_row(ctx, None, row);
        self.charge(row);
        if filtered && rules.filtered == OnFiltered::Fail {
            self.stop_retrying(ctx, StopReason::Permanent);
            self.end(ctx, On::ResponseFailedPermanent, StateName::Failed, Some(why));
        } else if !filtered
            && rules.incomplete == OnIncomplete::Retry
            && self.attempt < self.plan().retry.attempts
            && self.turn_is_fenced == Fenced::Yes
        {
            self.retry(ctx, On::ResponseIncomplete, row, why, None);
        } else {
            self.cause = Some(why);
            let text = text_of(&response.output);
            self.capture(
                ctx,
                On::ResponseIncomplete,
                &text,
                true,
                Some(response.id.clone()),
            );
        }
    }

    /// The response ended without a result, for the reason of `row`.
    pub(super) fn failed_response(&mut self, ctx: &mut Context<'_>, row: Row, why: Cause) {
        self.note_row(ctx, None, row);
        self.charge(row);
        let unknown = row == retry::RESPONSE_UNKNOWN_CODE;
        self.unknown_failures = self.unknown_failures.saturating_add(u16::from(unknown));
        if row == retry::RESPONSE_PERMANENT || unknown && self.unknown_failures > 1 {
            self.stop_retrying(ctx, StopReason::Permanent);
            self.end(ctx, On::ResponseFailedPermanent, StateName::Failed, Some(why));
        } else if row == retry::RESPONSE_QUOTA {
            self.stop_retrying(ctx, StopReason::UserAction);
            self.enter_for(
                ctx,
                On::ResponseFailedRetryable,
                State::RetryWait { due: SimTime::NEVER },
                why.clone(),
            );
            self.enter_for(ctx, On::UserActionNeeded, State::NeedsIntervention, why);
        } else {
            self.retry(ctx, On::ResponseFailedRetryable, row, why, None);
        }
    }

    /// The attempt, or all attempts together, took too long.
    pub(super) fn attempt_limit(&mut self, ctx: &mut Context<'_>) {
        let State::Running(running) = &self.state else {
            return;
        };
        let response = running.response.clone();
        let limits = self.plan().limits;
        let all = self.attempts_until <= self.attempt_until;
        let (limit, value, due) = match all {
            true => (LimitName::Attempts, limits.attempts, self.attempts_until),
            false => (LimitName::Attempt, limits.attempt, self.attempt_until),
        };
        self.limit_fired(ctx, limit, value, due);
        self.tell_to_stop(ctx, response);
        let why = cause(
            &format!("limit:{limit}"),
            format!("the {limit} limit of {value} fired"),
        );
        if all || self.charged >= self.plan().retry.attempts {
            self.stop_retrying(
                ctx,
                if all {
                    StopReason::Deadline
                } else {
                    StopReason::Attempts
                },
            );
            self.end(ctx, On::AttemptLimit, StateName::TimedOut, Some(why));
        } else {
            self.attempt_until = SimTime::NEVER;
            self.retry(ctx, On::AttemptLimit, retry::RESPONSE_FAILED, why, None);
        }
    }

    /// A webhook named the response that is followed: its state is read now.
    pub(super) fn nudge(&mut self, ctx: &mut Context<'_>) {
        match &mut self.state {
            State::Running(running) if running.poll.is_some() => running.named = Named::Yes,
            _ => self.poll_now(ctx),
        }
    }

    /// When the verdict on life may change by itself.
    pub(super) fn next_verdict(&self, now: SimTime) -> SimTime {
        if !matches!(self.state, State::Running(_)) {
            return SimTime::NEVER;
        }
        let patience = self.plan().patience;
        let ahead = |last: SimTime| match last.next() {
            at if at > now => at,
            _ => SimTime::NEVER,
        };
        let quiet = ahead(self.progressed_at + patience.quiet);
        let stalled = ahead(self.progressed_at + patience.stalled);
        quiet.min(stalled).min(ahead(self.lost_at()))
    }

    /// When a stream has said nothing for so long that its response itself is looked at: a connection that is open
    /// and dead looks like one whose work is slow.
    pub(super) fn stream_doubted_at(&self) -> SimTime {
        match &self.state {
            State::Running(running)
                if running.stream.is_some()
                    && running.poll.is_none()
                    && running.poll_at == SimTime::NEVER
                    && self.in_background() =>
            {
                let heard = self.heard_at.map_or(self.since, |heard| heard.max(self.since));
                (heard + self.plan().patience.stalled).next()
            }
            _ => SimTime::NEVER,
        }
    }

    /// From when on contact counts as lost.
    pub(super) fn lost_at(&self) -> SimTime {
        let plan = self.plan();
        let gap = match (self.execution, plan.follow) {
            (Execution::Background, Follow::Webhook) => plan.polling.fallback.max(plan.polling.max),
            (Execution::Background, Follow::Stream) | (Execution::Interactive, _) => {
                plan.patience.stalled.max(plan.polling.max)
            }
            (Execution::Background, Follow::Poll) => plan.polling.max,
        };
        self.heard_at.unwrap_or(self.since) + gap.saturating_mul(2) + plan.limits.call
    }
}

/// The function calls of an output.
fn calls_of(response: &Response) -> Vec<FunctionCall> {
    let calls = response.output.iter().filter_map(|item| match item {
        Item::FunctionCall {
            call_id,
            name,
            arguments,
            ..
        } => Some(FunctionCall {
            call: call_id.clone(),
            name: name.clone(),
            arguments: arguments.clone(),
        }),
        _ => None,
    });
    calls.collect()
}

/// Whether the turn is over and the next step is ours: calls to answer, or leave to give.
pub(super) fn asks_us(response: &Response) -> bool {
    let ours = |item: &Item| matches!(item, Item::FunctionCall { .. } | Item::McpApprovalRequest { .. });
    response.output.iter().any(ours)
}

/// Whether an item was cut off, whatever the status of the response says.
pub(super) fn is_cut(response: &Response) -> bool {
    response.output.iter().any(|item| {
        matches!(item, Item::FunctionCall { status, .. } | Item::Message { status, .. }
            if *status != ItemStatus::Completed)
    })
}

/// Why an output is not whole.
pub(super) fn cut_short(response: &Response) -> Cause {
    let reason = response.incomplete.as_deref().unwrap_or("cut_off");
    cause(
        &format!("incomplete:{reason}"),
        format!("the output was cut short ({reason})"),
    )
}

/// Whether the service asks for leave to act.
fn asks_approval(response: &Response) -> bool {
    response
        .output
        .iter()
        .any(|item| matches!(item, Item::McpApprovalRequest { .. }))
}

/// The output of a call as the next turn carries it.
pub(super) fn output_item(call: &Arc<str>, output: &Arc<str>) -> crate::wire::InputItem {
    crate::wire::InputItem::FunctionCallOutput {
        call_id: call.clone(),
        output: output.clone(),
    }
}
