//! When a job wakes, and what it does then.

use super::machine::{Context, Job, News};
use super::state::{ApplyPhase, Capture, State};
use crate::trace::{LimitName, RuntimeEvent};
use crate::units::{Exchange, ExchangeKind, SimTime};
use crate::wire::Break;

/// What is due first; of several at one instant, the one that stands first here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alarm {
    Deadline,
    QueueLimit,
    AttemptLimit,
    Doubt,
    Twin,
    RetryDue,
    RequestExpires,
    ToolLimit,
    Apply,
    CaptureLimit,
    ReadAgain,
    CancelLimit,
    CancelAgain,
    HandOver,
    Poll,
    Resume,
    Call,
    Verdict,
}

impl Job {
    /// When something of this job is due first, and what; never, if it only waits for others.
    fn first_alarm(&self) -> (SimTime, Alarm) {
        // Nearly always it is a look, and nothing that comes before looks is due at the same instant.
        if let State::Running(running) = &self.state
            && running.poll_at == self.alarm
            && self.limits_at > self.alarm
        {
            return (self.alarm, Alarm::Poll);
        }
        let mut first = (SimTime::NEVER, Alarm::Verdict);
        self.each_alarm(|at, alarm| {
            if at < first.0 {
                first = (at, alarm);
            }
        });
        first
    }

    /// What may be due, in the order of [`Alarm`].
    #[inline]
    fn each_alarm(&self, mut consider: impl FnMut(SimTime, Alarm)) {
        if self.has_deadline() {
            consider(self.deadline, Alarm::Deadline);
        }
        match &self.state {
            State::Accepted | State::Queued if self.attempt == 0 => {
                consider(self.queue_until(), Alarm::QueueLimit);
            }
            State::InDoubt { twin_at, give_up } => {
                consider(*give_up, Alarm::Doubt);
                consider(*twin_at, Alarm::Twin);
            }
            State::Running(running) => {
                consider(self.attempt_until.min(self.attempts_until), Alarm::AttemptLimit);
                consider(self.hand_over_at, Alarm::HandOver);
                consider(running.poll_at.min(self.stream_doubted_at()), Alarm::Poll);
                consider(running.resume_at, Alarm::Resume);
            }
            State::UsingTools(runs) => {
                let open = runs.iter().filter(|tool| tool.answer.is_none());
                consider(
                    open.map(|tool| tool.until).min().unwrap_or(SimTime::NEVER),
                    Alarm::ToolLimit,
                );
            }
            State::RetryWait { due } => consider(*due, Alarm::RetryDue),
            State::AwaitingApproval(pending) => consider(pending.expires, Alarm::RequestExpires),
            State::Applying(applying) => match applying.phase {
                ApplyPhase::Receipt { until } | ApplyPhase::Query { until } => consider(until, Alarm::Apply),
                ApplyPhase::Again { due } => consider(due, Alarm::Apply),
            },
            State::Finalizing(capture) => match capture {
                Capture::Reading { at, give_up, .. } => {
                    consider(*give_up, Alarm::CaptureLimit);
                    consider(*at, Alarm::ReadAgain);
                }
                Capture::Storing { give_up, .. } => consider(*give_up, Alarm::CaptureLimit),
            },
            State::Cancelling(cancelling) => {
                consider(cancelling.give_up, Alarm::CancelLimit);
                consider(cancelling.at, Alarm::CancelAgain);
            }
            State::Accepted
            | State::Queued
            | State::Dispatching
            | State::NeedsIntervention
            | State::Ended(_) => {}
        }
        for pledge in &self.pledges {
            consider(pledge.until, Alarm::Call);
        }
        consider(self.verdict_at, Alarm::Verdict);
    }

    /// Works out anew what is due first, after something happened to the job.
    pub(super) fn set_alarm(&mut self, now: SimTime) {
        self.verdict_at = self.next_verdict(now);
        if let State::Running(_) = &self.state {
            let attempts = self.attempt_until.min(self.attempts_until);
            self.limits_at = attempts.min(self.hand_over_at).min(self.deadline);
        }
        self.set_alarm_only();
    }

    /// The same after a look was sent, which changes neither a limit nor the verdict on life.
    fn set_alarm_only(&mut self) {
        // What is due is asked when it is due.
        let first = match &self.state {
            State::Running(running) => {
                let look = running.poll_at.min(self.stream_doubted_at());
                let calls = self.pledges.iter().map(|pledge| pledge.until);
                let others = self.limits_at.min(look).min(running.resume_at);
                calls.fold(others.min(self.verdict_at), SimTime::min)
            }
            _ => self.first_of_all(),
        };
        debug_assert_eq!(first, self.first_of_all(), "what is due first of {:?}", self.id);
        self.alarm = first;
    }

    /// When something of this job is due first, asked of every alarm.
    fn first_of_all(&self) -> SimTime {
        let mut first = SimTime::NEVER;
        self.each_alarm(|at, _| first = first.min(at));
        first
    }

    /// Until when the job may wait for a place. A job that is not yet admitted has no other limit.
    pub(super) fn queue_until(&self) -> SimTime {
        let until = self.accepted + self.plan().limits.queue;
        match self.state {
            State::Accepted => until.min(self.deadline),
            _ => until,
        }
    }

    /// Whether the deadline moves the job in this state. An effect under way is seen through, a result that exists
    /// is captured, and a parked job waits for its operator.
    const fn has_deadline(&self) -> bool {
        matches!(
            self.state,
            State::Queued
                | State::Dispatching
                | State::InDoubt { .. }
                | State::Running(_)
                | State::UsingTools(_)
                | State::RetryWait { .. }
                | State::AwaitingApproval(_)
                | State::Cancelling(_)
        )
    }

    /// Does everything that is due at `ctx.now`.
    pub(super) fn wake(&mut self, ctx: &mut Context<'_>) {
        // A look that is sent changes nothing that is shown, unless the verdict on life changes at this very instant.
        let as_shown = ctx.now < self.verdict_at;
        let mut looks = true;
        while self.alarm <= ctx.now {
            let (at, alarm) = self.first_alarm();
            if alarm == Alarm::Poll && as_shown {
                self.poll_now(ctx);
                self.set_alarm_only();
                continue;
            }
            looks &= alarm == Alarm::Poll;
            self.fire(ctx, at, alarm);
            self.set_alarm(ctx.now);
        }
        if as_shown && looks {
            ctx.news = News::No;
        }
    }

    fn fire(&mut self, ctx: &mut Context<'_>, at: SimTime, alarm: Alarm) {
        match alarm {
            Alarm::Deadline => {
                self.deadline_fired(ctx);
            }
            Alarm::QueueLimit => self.queue_limit(ctx, at),
            Alarm::AttemptLimit => self.attempt_limit(ctx),
            Alarm::Doubt => self.unresolved(ctx, at),
            Alarm::Twin => self.try_twin(ctx),
            Alarm::RetryDue => self.retry_due(ctx),
            Alarm::RequestExpires => self.request_expired(ctx, at),
            Alarm::ToolLimit => self.tool_timed_out(ctx, at),
            Alarm::Apply => self.apply_due(ctx),
            Alarm::CaptureLimit => self.capture_limit(ctx, at),
            Alarm::ReadAgain => self.read_again(ctx),
            Alarm::CancelLimit => self.cancel_limit(ctx, at),
            Alarm::CancelAgain => self.ask_cancel(ctx),
            Alarm::HandOver => self.hand_over_if_due(ctx),
            Alarm::Poll => self.poll_now(ctx),
            Alarm::Resume => self.resume_stream(ctx),
            Alarm::Call => self.call_limit(ctx, at),
            // The verdict itself is worked out when the view is made.
            Alarm::Verdict => {}
        }
    }

    /// An exchange took too long: it is given up, and its silence is an observation.
    fn call_limit(&mut self, ctx: &mut Context<'_>, due: SimTime) {
        let late = self.pledges.iter().find(|pledge| pledge.until <= due).copied();
        let Some(pledge) = late else { return };
        let exchange = pledge.exchange;
        self.limit_fired(ctx, LimitName::Call, self.plan().limits.call, due);
        self.abort(ctx, exchange);
        self.silent(ctx, exchange, &Break::NoReply);
    }

    /// An exchange broke.
    pub(super) fn broke(&mut self, ctx: &mut Context<'_>, exchange: Exchange, how: &Break) {
        if self.pledge_mut(exchange).is_none() {
            self.late(ctx, "the end of an exchange that nobody waits for", None);
            return;
        }
        self.settle(exchange);
        let seen = how.clone();
        ctx.notes
            .note(ctx.now, self.id, || RuntimeEvent::Broke { exchange, how: seen });
        self.silent(ctx, exchange, how);
    }

    /// An exchange ended without a readable reply.
    pub(super) fn silent(&mut self, ctx: &mut Context<'_>, exchange: Exchange, how: &Break) {
        match (&self.state, exchange.kind()) {
            (State::Dispatching, ExchangeKind::Create) => self.create_broke(ctx, exchange, how),
            (State::Running(_), ExchangeKind::Poll) => {
                self.poll_failed(ctx, exchange, crate::units::SimDuration::ZERO);
            }
            (State::Running(_), ExchangeKind::Create | ExchangeKind::Stream) => {
                self.stream_ended(ctx, exchange)
            }
            (State::Finalizing(_), ExchangeKind::Poll) => self.read_replied(ctx, exchange, None),
            (State::Cancelling(_), ExchangeKind::Create) => self.cancelled_create_broke(ctx, exchange, how),
            (State::Cancelling(cancelling), _) if cancelling.asked == Some(exchange) => {
                self.cancel_replied(ctx, exchange, None);
            }
            _ => self.late(ctx, "the silence of an exchange that nobody waits for", None),
        }
    }
}
