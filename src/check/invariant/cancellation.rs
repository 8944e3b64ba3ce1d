//! Cancels: on record first, applied once, bounded, and honest about who won.

use crate::check::catalogue::Id;
use crate::check::facts::TaskFacts;
use crate::check::seen::{JobSeen, Seen};
use crate::check::tally::{Mark, Now, Tally, claim};
use crate::job::CANCEL_BY_STRANGER;
use crate::trace::{
    BackendEvent, CoreEvent, Event, JobEvent, On, OutsideEvent, RuntimeEvent, ServiceEvent, SinkEvent,
    StateName, UserEvent, WireEvent,
};
use crate::units::{ExchangeKind, JobId, SimDuration, SimTime};
use crate::wire::{Break, ResponseId, Status};

/// Judges the group CA.
#[derive(Debug)]
pub(super) struct Cancellation {
    jobs: Vec<Own>,
}

#[derive(Debug, Default)]
struct Own {
    /// Cancels that users asked for and that are not on record yet.
    asked: Vec<Mark>,
    /// Cancels on record that moved the job.
    took_hold: u16,
    /// A cancel that has to be answered in this tick, and the state it found.
    answer: Option<(Mark, StateName)>,
    /// Since when the job is cancelled.
    cancelled: Option<SimTime>,
    /// An id that became known while a cancel waits.
    learned: Option<Mark>,
    /// An open response whose job was cancelled.
    to_stop: Option<(Mark, ResponseId)>,
    cancelling_since: Option<SimTime>,
    /// A pending request that a cancel has to retire in this tick.
    started: bool,
}

impl Cancellation {
    pub(super) fn new(jobs: usize) -> Self {
        Self {
            jobs: std::iter::repeat_with(Own::default).take(jobs).collect(),
        }
    }

    pub(super) fn see(&mut self, seen: &Seen<'_>, now: &Now<'_>, tally: &mut Tally) {
        let Some((id, job, task)) = seen.of(now) else {
            return;
        };
        let own = &mut self.jobs[id.0 as usize];
        match now.event {
            Event::Outside(OutsideEvent::User(UserEvent::AskedToCancel)) if job.state.is_some() => {
                tally.seen(Id::Ca01);
                own.asked.push(now.mark());
            }
            Event::Outside(OutsideEvent::Sinks(event)) => own.sink(now, job, seen, event, tally),
            Event::Core(CoreEvent::Job(event)) => own.job(now, (id, job, task), seen, event, tally),
            Event::Core(CoreEvent::Runtime(event)) => own.runtime(now, job, event, tally),
            Event::Service(ServiceEvent::Wire(WireEvent::Arrived { exchange, .. }))
                if exchange.kind() == ExchangeKind::Create =>
            {
                own.nothing_starts(now, job, seen, "a create", tally);
            }
            Event::Service(ServiceEvent::Backend(BackendEvent::Became { response, status, .. })) => {
                if *status == Status::Completed && own.cancelled.is_some() {
                    tally.seen(Id::Ca06);
                }
                let unasked =
                    job.cancels_asked == 0 && !job.response(response).is_some_and(|found| found.told_to_stop);
                if *status == Status::Cancelled && unasked {
                    tally.seen(Id::Ca13);
                }
            }
            _ => {}
        }
    }

    pub(super) fn tick_over(&mut self, seen: &Seen<'_>, at: SimTime, tally: &mut Tally) {
        for id in &seen.touched {
            let Some((id, job, _)) = seen.job(*id) else {
                continue;
            };
            let own = &mut self.jobs[id.0 as usize];
            if let Some((mark, state)) = own.answer.take() {
                let answered = job.too_late == Some(at);
                let which = if state == StateName::Applying {
                    Id::Ca09
                } else {
                    Id::Ca03
                };
                tally.test(which, mark, answered, || {
                    claim(
                        "a cancel that could change nothing was not answered",
                        format!("too late: {state}"),
                        "nothing",
                    )
                });
            }
            if let Some(mark) = own.learned.take() {
                tally.test(Id::Ca07, mark, !job.is(StateName::Cancelling), || {
                    claim(
                        "the response id is known and the waiting cancel was not applied",
                        "a cancel to the service",
                        "nothing",
                    )
                });
            }
        }
    }

    pub(super) fn end(&mut self, seen: &Seen<'_>, end: SimTime, tally: &mut Tally) {
        for (id, job, task) in seen.all() {
            let own = &self.jobs[id.0 as usize];
            for mark in own.asked.iter().filter(|mark| mark.at < end) {
                tally.broken(Id::Ca01, *mark, || {
                    claim(
                        "a user asked to cancel and nothing is on record",
                        "a recorded cancel",
                        "nothing",
                    )
                });
            }
            if let Some((mark, response)) = own.to_stop.as_ref().filter(|(mark, _)| mark.at < end) {
                let stopped = job.response(response).is_none_or(|found| {
                    found.told_to_stop || found.ended.is_some_and(|at| at <= mark.at.next())
                });
                tally.test(Id::Ca10, *mark, stopped, || {
                    claim(
                        "the work of a cancelled job goes on at the service",
                        "a cancel to the service",
                        "nothing",
                    )
                });
            }
            if let (Some(since), Some(mark)) = (own.cancelling_since, job.moved) {
                let last = since + task.task.plan.limits.cancel + seen.facts.tolerance;
                tally.test(Id::Ca11, mark, end <= last, || {
                    claim(
                        "a cancel waits for ever",
                        format!("over by {last}"),
                        format!("still waiting at {end}"),
                    )
                });
            }
        }
    }
}

impl Own {
    fn job(
        &mut self,
        now: &Now<'_>,
        (_, job, task): (JobId, &JobSeen, &TaskFacts),
        seen: &Seen<'_>,
        event: &JobEvent,
        tally: &mut Tally,
    ) {
        match event {
            JobEvent::CancelRecorded { .. } => self.recorded(now, job, tally),
            // Somebody who may not cancel is turned away, and that is on record instead.
            JobEvent::LateEvidence { what, .. } if *what == CANCEL_BY_STRANGER && !self.asked.is_empty() => {
                self.asked.remove(0);
            }
            JobEvent::Moved { from, on, to, .. } => {
                self.started |= *to == StateName::Dispatching;
                self.moved(now, job, (*from, *on, *to), tally);
                self.waiting(now, (*from, *to), task, seen, tally);
            }
            JobEvent::Adopted { .. } if job.is(StateName::Cancelling) => self.learned = Some(now.mark()),
            JobEvent::GrantConsumed { .. } if self.cancelled.is_some() => {
                tally.test(Id::Ca08, now.mark(), false, || {
                    claim("a grant was issued for a cancelled job", "none", "a grant")
                });
            }
            _ => {}
        }
    }

    fn recorded(&mut self, now: &Now<'_>, job: &JobSeen, tally: &mut Tally) {
        if !self.asked.is_empty() {
            self.asked.remove(0);
        }
        if job.cancels > 0 {
            tally.seen(Id::Ca02);
        }
        let state = job
            .state
            .filter(|state| state.is_terminal() || *state == StateName::Applying);
        self.answer = state.map(|state| (now.mark(), state));
    }

    fn moved(
        &mut self,
        now: &Now<'_>,
        job: &JobSeen,
        (from, on, to): (Option<StateName>, On, StateName),
        tally: &mut Tally,
    ) {
        let mark = now.mark();
        if on == On::CancelRequested {
            let recorded = job.cancels > 0;
            if !recorded {
                tally.test(Id::Ca01, mark, false, || {
                    claim(
                        "a cancel was acted on before it was on record",
                        "a record",
                        "none",
                    )
                });
            }
            if matches!(to, StateName::Cancelling | StateName::Cancelled) {
                self.took_hold += 1;
                if self.took_hold > 1 && !job.operator_retried {
                    tally.test(Id::Ca02, mark, false, || {
                        claim("a second cancel changed the job", "nothing", to.word())
                    });
                }
                let open = job.responses.iter().rev().find(|response| response.known);
                if let Some(open) = open.filter(|open| open.is_open() && open.background) {
                    tally.seen(Id::Ca10);
                    self.to_stop = Some((mark, open.id.clone()));
                }
            }
            if from == Some(StateName::AwaitingApproval) {
                let retired = job.approvals.last().is_some_and(|request| {
                    request
                        .closed
                        .is_some_and(|(how, at)| how == "cancelled" && at == now.at)
                });
                tally.test(Id::Ca08, mark, retired, || {
                    claim(
                        "a cancel left an approval request pending",
                        "closed as cancelled",
                        "open",
                    )
                });
            }
        }
        if to == StateName::Cancelled {
            self.ended(now, job, on, tally);
        }
        if to == StateName::Succeeded && job.cancels > 0 && on == On::ResultStored {
            tally.test(Id::Ca05, mark, job.too_late.is_some(), || {
                claim(
                    "a job succeeded after a cancel and does not say that it came too late",
                    "too late",
                    "nothing",
                )
            });
        }
        if to == StateName::Succeeded && self.cancelled.is_some() {
            tally.test(Id::Ca06, mark, false, || {
                claim("a cancelled job became a success", "evidence only", "succeeded")
            });
        }
    }

    fn ended(&mut self, now: &Now<'_>, job: &JobSeen, on: On, tally: &mut Tally) {
        if self.started && self.cancelled.is_none() {
            tally.seen(Id::Ca04);
        }
        self.cancelled = self.cancelled.or(Some(now.at));
        let asked = match on {
            On::Withdrawn => job.withdrew,
            On::OperatorCancel => job.operator_acted,
            _ => job.cancels_asked > 0,
        };
        tally.test(Id::Ca13, now.mark(), asked, || {
            claim(
                "a job is reported as cancelled and nobody asked for it",
                "an operator",
                "cancelled",
            )
        });
        let undone = job.approvals.last().is_some_and(|request| {
            on == On::CancelRequested && job.is(StateName::Applying) && !request.grants.is_empty()
        });
        if undone {
            tally.broken(Id::Ca09, now.mark(), || {
                claim(
                    "a cancel claims to have undone an effect that is being applied",
                    "refused",
                    "cancelled",
                )
            });
        }
    }

    fn waiting(
        &mut self,
        now: &Now<'_>,
        (from, to): (Option<StateName>, StateName),
        task: &TaskFacts,
        seen: &Seen<'_>,
        tally: &mut Tally,
    ) {
        if to == StateName::Cancelling {
            self.cancelling_since = Some(now.at);
        } else if from == Some(StateName::Cancelling) {
            let since = self.cancelling_since.take().unwrap_or(now.at);
            let bound = task.task.plan.limits.cancel;
            tally.test(
                Id::Ca11,
                now.mark(),
                now.at.since(since) <= bound + seen.facts.tolerance,
                || {
                    claim(
                        "a cancel waited longer than its limit",
                        bound.to_string(),
                        now.at.since(since).to_string(),
                    )
                },
            );
        }
    }

    fn runtime(&mut self, now: &Now<'_>, job: &JobSeen, event: &RuntimeEvent, tally: &mut Tally) {
        match event {
            RuntimeEvent::Got {
                exchange,
                status: Some(status),
                ..
            } if exchange.kind() == ExchangeKind::Create && job.is(StateName::Cancelling) => {
                self.learned = Some(now.mark());
                let made = job.responses.iter().find(|made| made.exchange == *exchange);
                if let Some(made) = made.filter(|made| made.background && status.is_open()) {
                    tally.seen(Id::Ca10);
                    self.to_stop = Some((now.mark(), made.id.clone()));
                }
            }
            RuntimeEvent::Broke {
                how: Break::Cut { id: Some(_) } | Break::Unreadable { id: Some(_) },
                ..
            } if job.is(StateName::Cancelling) => self.learned = Some(now.mark()),
            RuntimeEvent::Sent { exchange, .. }
                if exchange.kind() == ExchangeKind::Cancel && self.learned.take().is_some() =>
            {
                tally.seen(Id::Ca07);
            }
            RuntimeEvent::Shown { view, .. }
                if self.cancelled.is_some() && view.state == StateName::Succeeded =>
            {
                tally.test(Id::Ca06, now.mark(), false, || {
                    claim("a cancelled job is shown as a success", "cancelled", "succeeded")
                });
            }
            _ => {}
        }
    }

    fn sink(&mut self, now: &Now<'_>, job: &JobSeen, seen: &Seen<'_>, event: &SinkEvent, tally: &mut Tally) {
        match event {
            SinkEvent::ToolStarted { .. } => self.nothing_starts(now, job, seen, "a tool", tally),
            SinkEvent::Applied { .. } => {
                self.nothing_starts(now, job, seen, "an effect", tally);
                if self.cancelled.is_some() && job.ended_on == Some(On::CancelRequested) {
                    tally.broken(Id::Ca08, now.mark(), || {
                        claim("a grant was spent after the cancel", "retired", "an effect")
                    });
                }
            }
            _ => {}
        }
    }

    fn nothing_starts(&self, now: &Now<'_>, job: &JobSeen, seen: &Seen<'_>, what: &str, tally: &mut Tally) {
        let Some(cancelled) = self
            .cancelled
            .filter(|_| self.started && job.is(StateName::Cancelled))
        else {
            return;
        };
        // What left in the tick of the cancel arrives in the next.
        let last = cancelled + SimDuration::TICK + seen.facts.tolerance;
        if now.at > last {
            tally.broken(Id::Ca04, now.mark(), || {
                claim(
                    format!("{what} started after the cancel had taken hold"),
                    format!("nothing after {last}"),
                    format!("at {}", now.at),
                )
            });
        }
    }
}
