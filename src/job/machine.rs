//! One job: its facts, its moves, its exchanges and its timers.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use foldhash::fast::FixedState;
use smallvec::SmallVec;

use super::digests::Digests;
use super::lane::Lane;
use super::state::{Pledge, State};
use super::table::is_legal;
use super::{Action, HandOver, Placement, Plan, RosterEntry, TaskSpec, ToOutside};
use crate::rng::Seed;
use crate::trace::{
    Cause, CoreEvent, Execution, JobEvent, LaneName, LimitName, Notes, On, Principal, ResultDigest,
    RuntimeEvent, StateName, StopReason,
};
use crate::units::{
    AttemptNo, Exchange, ExchangeKind, JobId, SimDuration, SimTime, TurnNo, prefetch, push_with,
};
use crate::wire::{Ask, InputItem, Origin, ResponseId, Status, ToolDeclaration};

/// What a job may use while it is stepped.
pub(super) struct Context<'a> {
    pub(super) now: SimTime,
    pub(super) actions: &'a mut Vec<Action>,
    pub(super) notes: &'a mut Notes<CoreEvent>,
    pub(super) lane: &'a mut Lane,
    pub(super) roster: &'a [RosterEntry],
    pub(super) shared: &'a mut Shared,
    /// Whether a place became free.
    pub(super) freed: bool,
    /// Whether there may be something new to show.
    pub(super) news: News,
}

/// What all jobs of a runtime share.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    pub(super) seed: Seed,
    /// Unix microseconds at the start of the run.
    pub(super) epoch: u64,
    pub(super) digests: Digests,
    /// The tools of jobs that have none.
    pub(super) no_tools: Arc<[ToolDeclaration]>,
    /// Whose response is whose, where webhooks may name one; looked up, never walked.
    pub(super) owners: Option<HashMap<ResponseId, JobId, FixedState>>,
    /// What becomes of jobs that are over.
    pub(super) ended: Ended,
    /// Responses that a webhook named before anybody knew them.
    pub(super) parked: BTreeSet<ResponseId>,
}

/// What becomes of jobs that are over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// How they ended is kept.
    Known,
    /// They are let go.
    LetGo,
}

/// Whether something happened to a job that a view of it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    Perhaps,
    No,
}

impl Context<'_> {
    /// Remembers whose response this is.
    pub(super) fn owns(&mut self, job: JobId, response: &ResponseId) {
        if let Some(owners) = &mut self.shared.owners {
            owners.insert(response.clone(), job);
        }
    }

    #[inline]
    pub(super) fn outside(&mut self, job: JobId, message: impl FnOnce() -> ToOutside) {
        push_with(self.actions, || Action::Outside {
            job,
            message: message(),
        });
    }
}

/// The exchanges by which a response is made and followed.
pub(super) const FOLLOWING: &[ExchangeKind] =
    &[ExchangeKind::Create, ExchangeKind::Poll, ExchangeKind::Stream];

/// Trouble with a code that is the same on every surface.
pub(super) fn cause(code: &str, detail: impl Into<Arc<str>>) -> Cause {
    Cause {
        code: code.into(),
        detail: detail.into(),
    }
}

/// One job.
///
/// Where many are in flight, nothing of a job is in a cache when its turn comes. So its fields stand in the order in
/// which they are wanted: what every wake asks, what is followed and how, what every reply asks, what is shown, and the rest.
#[derive(Debug, Clone)]
#[repr(C)]
pub(super) struct Job {
    pub(super) id: JobId,
    pub(super) attempt: u16,
    pub(super) charged: u16,
    pub(super) turn: u16,
    pub(super) twins: u16,
    /// Changes once at most, by a hand-over.
    pub(super) execution: Execution,
    /// Whether the turn under way may be repeated without harm.
    pub(super) turn_is_fenced: Fenced,
    pub(super) look_failed: LookFailed,
    /// Whether the job holds a place in its lane.
    pub(super) place: Place,
    /// Whether the user has closed the session.
    pub(super) deserted: bool,
    /// Where it was placed.
    pub(super) lane: LaneName,
    /// When something is due first.
    pub(super) alarm: SimTime,
    /// When the verdict on life may change by itself.
    pub(super) verdict_at: SimTime,
    /// When the job wakes by itself.
    pub(super) armed: SimTime,
    /// When the first of its limits is over, as long as a response runs.
    pub(super) limits_at: SimTime,
    pub(super) deadline: SimTime,
    pub(super) state: State,
    pub(super) pledges: SmallVec<[Pledge; 1]>,
    pub(super) plan: Arc<Plan>,
    pub(super) sent: [u32; ExchangeKind::ALL.len()],
    /// The most output items that any response of the job has shown.
    pub(super) items: u32,
    /// Output items of the response that is followed.
    pub(super) items_here: u32,
    pub(super) since: SimTime,
    pub(super) progressed_at: SimTime,
    pub(super) heard_at: Option<SimTime>,
    pub(super) status: Option<Status>,
    pub(super) attempt_until: SimTime,
    pub(super) attempts_until: SimTime,
    /// The interactive wait is over and the hand-over waits for a response to hand over.
    pub(super) hand_over_at: SimTime,
    pub(super) placement: Placement,
    /// What was shown last.
    pub(super) shown: Option<super::view::Shown>,
    pub(super) cause: Option<Cause>,
    pub(super) result: Option<ResultDigest>,
    pub(super) requests: u16,
    /// Effects that have landed at sinks.
    pub(super) landed: u16,
    /// Distinct approvers needed from now on; never fewer than before.
    pub(super) quorum: u16,
    pub(super) unknown_failures: u16,
    /// Which limit the deadline is: the absolute one, or the wait budget.
    pub(super) deadline_is: LimitName,
    pub(super) requester: Principal,
    pub(super) accepted: SimTime,
    pub(super) turn_input: Arc<[InputItem]>,
    /// The turn before the one under way.
    pub(super) previous: Option<ResponseId>,
    /// The response that asked for what is being done now; the next turn follows it.
    pub(super) asking: Option<ResponseId>,
    /// A response that a webhook made known while the reply to its create is awaited.
    pub(super) claimed: Option<ResponseId>,
    pub(super) declared: Arc<[ToolDeclaration]>,
    pub(super) cursor: Option<u64>,
}

/// Whether a turn may be sent twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fenced {
    /// Nothing happens outside without another question.
    Yes,
    /// It releases an act at the service.
    No,
}

/// Whether the last look at the wire status told nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LookFailed {
    No,
    Yes,
}

/// Whether a job holds a place in its lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Held,
    Free,
}

impl Job {
    pub(super) fn new(
        id: JobId,
        task: &TaskSpec,
        placement: Placement,
        now: SimTime,
        no_tools: &Arc<[ToolDeclaration]>,
    ) -> Self {
        let limits = &task.plan.limits;
        let bound =
            placement.execution == Execution::Interactive && placement.hand_over == HandOver::Forbidden;
        let (deadline_is, length) = match bound && limits.wait < limits.deadline {
            true => (LimitName::Wait, limits.wait),
            false => (LimitName::Deadline, limits.deadline),
        };
        let may_hand_over = placement.execution == Execution::Interactive && !bound;
        let declared = task.plan.declared(no_tools);
        Self {
            id,
            execution: placement.execution,
            accepted: now,
            deadline: now + length,
            deadline_is,
            state: State::Accepted,
            since: now,
            attempt: 0,
            charged: 0,
            turn: 0,
            twins: 0,
            turn_is_fenced: Fenced::Yes,
            turn_input: task.input.clone(),
            previous: None,
            asking: None,
            claimed: None,
            declared,
            sent: [0; ExchangeKind::ALL.len()],
            pledges: SmallVec::new(),
            attempt_until: SimTime::NEVER,
            attempts_until: SimTime::NEVER,
            hand_over_at: if may_hand_over {
                now + limits.wait
            } else {
                SimTime::NEVER
            },
            cursor: None,
            status: None,
            heard_at: None,
            progressed_at: now,
            look_failed: LookFailed::No,
            items: 0,
            items_here: 0,
            requests: 0,
            landed: 0,
            quorum: task.plan.approval.quorum.max(1),
            unknown_failures: 0,
            cause: None,
            result: None,
            shown: None,
            place: Place::Free,
            deserted: false,
            alarm: SimTime::NEVER,
            verdict_at: SimTime::NEVER,
            armed: SimTime::NEVER,
            limits_at: SimTime::NEVER,
            lane: placement.lane,
            plan: task.plan.clone(),
            requester: task.requester.clone(),
            placement,
        }
    }

    /// Asks for the memory that a look takes.
    #[inline(always)]
    pub(super) fn prefetch(&self) {
        prefetch(&self.id);
        prefetch(&self.state);
        prefetch(&self.pledges);
        prefetch(&self.sent);
        prefetch(&self.status);
    }

    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Whether it has ended and waits for nothing: nothing that it is told moves it any more.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::Ended(_)) && self.pledges.is_empty() && self.alarm == SimTime::NEVER
    }

    /// Whether responses of this job outlive their connection.
    pub(super) fn in_background(&self) -> bool {
        self.execution == Execution::Background || self.placement.hand_over == HandOver::Permitted
    }

    /// Moves to `next`; every move of every job goes through here.
    pub(super) fn enter(&mut self, ctx: &mut Context<'_>, on: On, next: State) {
        self.enter_by(ctx, on, next, None, None);
    }

    /// Moves to `next` because of trouble.
    pub(super) fn enter_for(&mut self, ctx: &mut Context<'_>, on: On, next: State, cause: Cause) {
        self.enter_by(ctx, on, next, Some(cause), None);
    }

    /// Moves to `next` because of trouble or somebody.
    pub(super) fn enter_by(
        &mut self,
        ctx: &mut Context<'_>,
        on: On,
        next: State,
        cause: Option<Cause>,
        by: Option<Principal>,
    ) {
        let (from, to) = (self.state.name(), next.name());
        assert!(
            is_legal(Some(from), on, to),
            "{from} -{on}-> {to} is not in the norm"
        );
        if from != to {
            self.since = ctx.now;
        }
        self.state = next;
        if cause.is_some() {
            self.cause.clone_from(&cause);
        }
        let (attempt, charged, turn) = (self.attempt, self.charged, self.turn);
        ctx.notes.note(ctx.now, self.id, || JobEvent::Moved {
            from: Some(from),
            on,
            to,
            attempt,
            charged,
            turn,
            cause,
            by,
        });
        self.settle_place(ctx, to);
    }

    /// Nobody who waits for a person, or for nothing any more, holds a place.
    fn settle_place(&mut self, ctx: &mut Context<'_>, to: StateName) {
        let rests = to.is_terminal()
            || matches!(
                to,
                StateName::AwaitingApproval | StateName::NeedsIntervention | StateName::Queued
            );
        match (self.place, rests) {
            (Place::Held, true) => {
                self.place = Place::Free;
                ctx.lane.release();
                ctx.freed = true;
            }
            (Place::Free, false) if to != StateName::Accepted => {
                // A place granted by the queue is held before the move; any other way back is a resumption.
                self.place = Place::Held;
                ctx.lane.resume();
            }
            _ => {}
        }
    }

    /// Sends a request under the call limit, or under what is left of the time to `end` if that is less.
    #[inline(always)]
    pub(super) fn send(&mut self, ctx: &mut Context<'_>, ask: Ask, end: SimTime) -> Exchange {
        let kind = ask.kind();
        let count = &mut self.sent[kind as usize];
        *count += 1;
        let (attempt, turn) = (AttemptNo(self.attempt), TurnNo(self.turn));
        let exchange = Exchange::new(self.id, attempt, turn, kind, *count);
        let until = (ctx.now + self.plan().limits.call).min(end).max(ctx.now.next());
        self.pledges.push(Pledge { exchange, until });
        // What is asked is not lent to a note that is nearly never made: it would have to stand in memory for it.
        if ctx.notes.is_on() {
            let (response, limit) = (ask.response().cloned(), until.since(ctx.now));
            ctx.notes.note(ctx.now, self.id, || RuntimeEvent::Sent {
                exchange,
                response,
                limit,
            });
        }
        push_with(ctx.actions, || Action::Send { exchange, ask });
        exchange
    }

    /// The pledge of an exchange, if it is still waited for.
    pub(super) fn pledge_mut(&mut self, exchange: Exchange) -> Option<&mut Pledge> {
        self.pledges.iter_mut().find(|pledge| pledge.exchange == exchange)
    }

    /// Ends the wait for an exchange.
    pub(super) fn settle(&mut self, exchange: Exchange) {
        match &self.pledges[..] {
            [only] if only.exchange == exchange => self.pledges.clear(),
            _ => self.pledges.retain(|pledge| pledge.exchange != exchange),
        }
    }

    /// Gives an exchange up.
    pub(super) fn abort(&mut self, ctx: &mut Context<'_>, exchange: Exchange) {
        self.settle(exchange);
        ctx.notes
            .note(ctx.now, self.id, || RuntimeEvent::Aborted { exchange });
        ctx.actions.push(Action::Abort { exchange });
    }

    /// Gives every exchange of these kinds up.
    pub(super) fn abort_all(&mut self, ctx: &mut Context<'_>, kinds: &[ExchangeKind]) {
        let find = |job: &Self| {
            let mut waits = job.pledges.iter().map(|pledge| pledge.exchange);
            waits.find(|exchange| kinds.contains(&exchange.kind()))
        };
        while let Some(exchange) = find(self) {
            self.abort(ctx, exchange);
        }
    }

    pub(super) fn limit_fired(
        &self,
        ctx: &mut Context<'_>,
        limit: LimitName,
        value: SimDuration,
        due: SimTime,
    ) {
        let during = self.state.name();
        ctx.notes.note(ctx.now, self.id, || JobEvent::LimitFired {
            limit,
            value,
            due,
            during,
        });
    }

    pub(super) fn stop_retrying(&self, ctx: &mut Context<'_>, reason: StopReason) {
        ctx.notes
            .note(ctx.now, self.id, || JobEvent::RetryStopped { reason });
    }

    /// Something came that can change nothing any more.
    pub(super) fn late(&self, ctx: &mut Context<'_>, what: &'static str, response: Option<ResponseId>) {
        ctx.notes
            .note(ctx.now, self.id, || JobEvent::LateEvidence { what, response });
    }

    /// Stops a response that nobody waits for any more; its answer is evidence.
    pub(super) fn tell_to_stop(&mut self, ctx: &mut Context<'_>, response: ResponseId) {
        // Closing the connection is the only cancel that a foreground response has.
        self.abort_all(ctx, FOLLOWING);
        if self.in_background() {
            // At the deadline itself nothing is left, and the response still has to hear of it.
            let end = if ctx.now < self.deadline {
                self.deadline
            } else {
                SimTime::NEVER
            };
            self.send(ctx, Ask::Cancel(response), end);
        }
    }

    /// Who the response of the turn under way serves.
    pub(super) const fn origin(&self) -> Origin {
        Origin {
            job: self.id,
            attempt: AttemptNo(self.attempt),
            turn: TurnNo(self.turn),
        }
    }

    /// Starts the clocks of an attempt.
    pub(super) fn start_attempt(&mut self, ctx: &Context<'_>) {
        let limits = self.plan().limits;
        self.attempt = self.attempt.saturating_add(1);
        self.charged = self.charged.saturating_add(1);
        self.attempt_until = ctx.now + limits.attempt;
        if self.attempts_until == SimTime::NEVER {
            self.attempts_until = ctx.now + limits.attempts;
        }
    }
}

impl Plan {
    /// The tools as a create request declares them; `none` if there are none.
    fn declared(&self, none: &Arc<[ToolDeclaration]>) -> Arc<[ToolDeclaration]> {
        if self.tools.is_empty() && self.mcp.is_empty() && self.hosted.is_empty() {
            return Arc::clone(none);
        }
        let functions = self
            .tools
            .keys()
            .map(|name| ToolDeclaration::Function { name: name.clone() });
        let servers = self.mcp.keys().map(|label| ToolDeclaration::Mcp {
            server_label: label.clone(),
        });
        let hosted = self
            .hosted
            .iter()
            .map(|tool| ToolDeclaration::Hosted { tool: tool.clone() });
        functions.chain(servers).chain(hosted).collect()
    }
}
