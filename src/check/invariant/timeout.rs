//! Limits of time: declared, named, punctual, and enforced at the service too.

use crate::check::catalogue::Id;
use crate::check::facts::TaskFacts;
use crate::check::seen::{JobSeen, Seen};
use crate::check::tally::{Mark, Now, Tally, claim};
use crate::trace::{
    CoreEvent, Event, Execution, JobEvent, LimitName, On, RuntimeEvent, ServiceEvent, StateName, WireEvent,
};
use crate::units::{Exchange, ExchangeKind, JobId, SimDuration, SimTime};
use crate::wire::ResponseId;

/// Judges the group TO.
#[derive(Debug)]
pub(super) struct Timeout {
    jobs: Vec<Own>,
}

#[derive(Debug, Default)]
struct Own {
    /// When the attempt started, and how long people were awaited in it.
    attempt_since: SimTime,
    waited: SimDuration,
    waiting_since: Option<SimTime>,
    /// The last limit that fired.
    fired: Option<(Mark, LimitName)>,
    /// A response that timed out and has to be told to stop.
    to_stop: Vec<(Mark, ResponseId)>,
    /// When the deadline fired while a response ran.
    polls_end: Option<SimTime>,
    overdue: bool,
}

impl Timeout {
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
            Event::Core(CoreEvent::Job(event)) => {
                own.overdue(now, job, event, seen.facts.tolerance, tally);
                own.job(seen, now, (id, job, task), event, tally);
            }
            Event::Core(CoreEvent::Runtime(event)) => own.runtime(now, job, task, event, tally),
            Event::Service(ServiceEvent::Wire(event)) => own.wire(seen, now, event, tally),
            _ => {}
        }
    }

    pub(super) fn tick_over(&mut self, _seen: &Seen<'_>, _at: SimTime, _tally: &mut Tally) {}

    pub(super) fn end(&mut self, seen: &Seen<'_>, end: SimTime, tally: &mut Tally) {
        for (id, job, _) in seen.all() {
            let own = &self.jobs[id.0 as usize];
            for (mark, response) in &own.to_stop {
                let stopped = job.response(response).is_none_or(|found| {
                    found.told_to_stop || found.ended.is_some_and(|at| at <= mark.at.next())
                });
                if mark.at < end {
                    tally.test(Id::To07, *mark, stopped, || {
                        claim(
                            "an attempt timed out and its response was not told to stop",
                            "a cancel, or a closed connection",
                            "neither",
                        )
                    });
                }
            }
            let open = job.state.filter(|state| has_deadline(*state));
            if let (Some(mark), Some(state)) = (job.moved, open) {
                let late = end > job.deadline + seen.facts.tolerance;
                if late && !job.operator_retried {
                    tally.test(Id::To06, mark, false, || not_fired(state, job.deadline));
                }
            }
        }
    }
}

/// Whether the deadline moves a job in this state.
const fn has_deadline(state: StateName) -> bool {
    matches!(
        state,
        StateName::Queued
            | StateName::Dispatching
            | StateName::InDoubt
            | StateName::Running
            | StateName::UsingTools
            | StateName::RetryWait
            | StateName::AwaitingApproval
            | StateName::Cancelling
    )
}

fn not_fired(state: StateName, deadline: SimTime) -> crate::check::tally::Claim {
    claim(
        "the deadline did not fire",
        format!("at {deadline}"),
        format!("still {state}"),
    )
}

/// The length and the instant that a limit of this name has by what is declared.
fn declared(job: &JobSeen, task: &TaskFacts, own: &Own, limit: LimitName) -> (SimDuration, Option<SimTime>) {
    let limits = task.task.plan.limits;
    let promise = job.deadline.since(job.accepted);
    match limit {
        LimitName::Deadline | LimitName::Wait => (promise, Some(job.deadline)),
        LimitName::Queue => (limits.queue, Some(job.accepted + limits.queue)),
        LimitName::Attempt => (
            limits.attempt,
            Some(own.attempt_since + limits.attempt + own.waited),
        ),
        LimitName::Attempts => (limits.attempts, None),
        LimitName::Call => (limits.call, None),
        LimitName::Tool => (limits.tool, None),
        LimitName::ApprovalRequest => (
            limits.approval_request,
            job.approvals.last().map(|asked| asked.expires),
        ),
        LimitName::Grant => (limits.grant, None),
        LimitName::Cancel => (limits.cancel, Some(job.since + limits.cancel)),
        LimitName::Doubt => (limits.doubt, None),
        LimitName::Capture => (limits.capture, Some(job.since + limits.capture)),
    }
}

impl Own {
    /// An open job that does something behind its deadline was not stopped there.
    fn overdue(
        &mut self,
        now: &Now<'_>,
        job: &JobSeen,
        event: &JobEvent,
        tolerance: SimDuration,
        tally: &mut Tally,
    ) {
        let Some(state) = job.state.filter(|state| has_deadline(*state)) else {
            return;
        };
        let fires = matches!(event, JobEvent::LimitFired { .. });
        let late = now.at > job.deadline + tolerance && !job.operator_retried;
        if late && !fires && !self.overdue && self.fired.is_none_or(|(mark, _)| mark.at < now.at) {
            self.overdue = true;
            tally.test(Id::To06, now.mark(), false, || not_fired(state, job.deadline));
        }
    }

    fn job(
        &mut self,
        seen: &Seen<'_>,
        now: &Now<'_>,
        (_, job, task): (JobId, &JobSeen, &TaskFacts),
        event: &JobEvent,
        tally: &mut Tally,
    ) {
        match event {
            JobEvent::Promised { deadline, .. } => promised(now, job, task, *deadline, tally),
            JobEvent::Moved { from, on, to, .. } => self.moved(now, job, (*from, *on, *to), tally),
            JobEvent::LimitFired {
                limit,
                value,
                due,
                during,
            } => {
                self.fired = Some((now.mark(), *limit));
                self.limit(seen, now, (job, task), (*limit, *value, *due, *during), tally);
            }
            JobEvent::HandedOver { deadline, .. } => {
                tally.test(Id::To02, now.mark(), *deadline <= job.deadline, || {
                    claim(
                        "a hand-over moved the deadline later",
                        job.deadline.to_string(),
                        deadline.to_string(),
                    )
                });
                tally.seen(Id::To11);
            }
            JobEvent::ApprovalRequested { expires, .. } => {
                let bound = now.at + task.task.plan.limits.approval_request;
                tally.test(Id::To08, now.mark(), *expires == bound, || {
                    claim(
                        "an approval request has not the limit that was declared",
                        format!("until {bound}"),
                        format!("until {expires}"),
                    )
                });
            }
            JobEvent::ResultStored {
                response: Some(response),
                ..
            } => {
                let late = self.to_stop.iter().any(|(_, stopped)| stopped == response);
                if late && !job.operator_retried {
                    tally.test(Id::To07, now.mark(), false, || {
                        claim(
                            "a result was taken from a response that had timed out",
                            "evidence only",
                            "a stored result",
                        )
                    });
                }
            }
            _ => {}
        }
    }

    fn moved(
        &mut self,
        now: &Now<'_>,
        job: &JobSeen,
        (from, on, to): (Option<StateName>, On, StateName),
        tally: &mut Tally,
    ) {
        if matches!(on, On::CapacityGranted | On::Due | On::TwinAllowed) {
            self.attempt_since = now.at;
            self.waited = SimDuration::ZERO;
        }
        if to == StateName::AwaitingApproval && from != Some(StateName::AwaitingApproval) {
            self.waiting_since = Some(now.at);
        }
        if from == Some(StateName::AwaitingApproval) && to != StateName::AwaitingApproval {
            let since = self.waiting_since.take().unwrap_or(now.at);
            self.waited += now.at.since(since);
        }
        if to == StateName::TimedOut {
            let named = self.fired.is_some_and(|(mark, _)| mark.at == now.at);
            tally.test(Id::To05, now.mark(), named, || {
                claim(
                    "a job timed out and no limit was named",
                    "the limit that fired",
                    "none",
                )
            });
        }
        let leaves_running = from == Some(StateName::Running) && to != StateName::Running;
        if leaves_running && job.may_hand_over() && !job.handed_over {
            self.hand_over_missed(now, job, tally);
        }
    }

    /// Interactive work that could have been handed over and was kept waiting instead.
    fn hand_over_missed(&self, now: &Now<'_>, job: &JobSeen, tally: &mut Tally) {
        let Some(wait) = job.hand_over_due() else { return };
        if now.at > wait.max(job.since) + SimDuration::TICK {
            tally.test(Id::To11, now.mark(), false, || {
                claim(
                    "interactive work outlasted its wait without a hand-over",
                    format!("handed over at {wait}"),
                    format!("still waited for at {}", now.at),
                )
            });
        }
    }

    fn limit(
        &mut self,
        seen: &Seen<'_>,
        now: &Now<'_>,
        (job, task): (&JobSeen, &TaskFacts),
        (limit, value, due, during): (LimitName, SimDuration, SimTime, StateName),
        tally: &mut Tally,
    ) {
        let mark = now.mark();
        // What could not finish in time is given up at once, which the reason on record says.
        let early = due > now.at && job.stopped;
        let (length, instant) = declared(job, task, self, limit);
        let kept = value == length || job.operator_retried || early;
        tally.test(Id::To04, mark, kept, || {
            claim(
                format!("the {limit} limit has another length than declared"),
                length.to_string(),
                value.to_string(),
            )
        });
        tally.test(Id::To05, mark, job.is(during), || {
            claim(
                "a limit names another state than the one it fired in",
                job.state.map_or("none", StateName::word),
                during.word(),
            )
        });
        let punctual = early || (due <= now.at && now.at.since(due) <= seen.facts.tolerance);
        let right = instant.is_none_or(|instant| instant == due) || job.operator_retried;
        tally.test(Id::To06, mark, punctual && right, || {
            let instant = instant.unwrap_or(due);
            claim(
                format!("the {limit} limit did not fire when it was due"),
                instant.to_string(),
                format!("due {due}, fired {}", now.at),
            )
        });
        match limit {
            LimitName::Attempt => {
                let least = self.attempt_since + task.task.plan.limits.attempt + self.waited;
                tally.test(Id::To08, mark, due >= least, || {
                    claim(
                        "waiting for approval consumed the attempt limit",
                        format!("not before {least}"),
                        due.to_string(),
                    )
                });
                self.stop(now, job);
            }
            LimitName::Attempts => self.stop(now, job),
            LimitName::Deadline | LimitName::Wait => {
                let kept = due <= job.deadline || job.operator_retried;
                tally.test(Id::To02, mark, kept, || {
                    claim(
                        "the deadline moved later",
                        job.deadline.to_string(),
                        due.to_string(),
                    )
                });
                if limit == LimitName::Wait {
                    tally.seen(Id::To11);
                }
                if job.is(StateName::Running) {
                    tally.seen(Id::To10);
                    self.polls_end = Some(now.at);
                    self.stop(now, job);
                }
            }
            _ => {}
        }
    }

    fn stop(&mut self, now: &Now<'_>, job: &JobSeen) {
        let running = job.responses.iter().rev().find(|response| response.known);
        if let Some(response) = running.filter(|response| response.is_open()) {
            self.to_stop.push((now.mark(), response.id.clone()));
        }
    }

    fn runtime(
        &mut self,
        now: &Now<'_>,
        job: &JobSeen,
        task: &TaskFacts,
        event: &RuntimeEvent,
        tally: &mut Tally,
    ) {
        match event {
            RuntimeEvent::Sent { exchange, limit, .. } => sent(now, job, task, (*exchange, *limit), tally),
            RuntimeEvent::Shown { view, .. } => {
                let kept = view.deadline <= job.deadline || job.operator_retried;
                tally.test(Id::To09, now.mark(), kept, || {
                    claim(
                        "a view promises more time than is enforced",
                        job.deadline.to_string(),
                        view.deadline.to_string(),
                    )
                });
            }
            _ => {}
        }
    }

    fn wire(&self, seen: &Seen<'_>, now: &Now<'_>, event: &WireEvent, tally: &mut Tally) {
        let WireEvent::Arrived { exchange, .. } = event else {
            return;
        };
        let Some(end) = self.polls_end.filter(|_| exchange.kind() == ExchangeKind::Poll) else {
            return;
        };
        let last = end + SimDuration::TICK + seen.facts.tolerance;
        if now.at > last {
            tally.test(Id::To10, now.mark(), false, || {
                claim(
                    "a response is polled behind the deadline",
                    format!("no poll after {last}"),
                    format!("{exchange} at {}", now.at),
                )
            });
        }
    }
}

fn promised(now: &Now<'_>, job: &JobSeen, task: &TaskFacts, deadline: SimTime, tally: &mut Tally) {
    let limits = task.task.plan.limits;
    let bound = job.execution == Some(Execution::Interactive) && !job.background_permitted;
    let length = if bound {
        limits.wait.min(limits.deadline)
    } else {
        limits.deadline
    };
    let right = job.accepted + length;
    tally.test(
        Id::To01,
        now.mark(),
        deadline == right && deadline < SimTime::NEVER,
        || {
            claim(
                "the deadline is not the declared one",
                right.to_string(),
                deadline.to_string(),
            )
        },
    );
}

fn sent(
    now: &Now<'_>,
    job: &JobSeen,
    task: &TaskFacts,
    (exchange, limit): (Exchange, SimDuration),
    tally: &mut Tally,
) {
    let mut most = task.task.plan.limits.call;
    let under_deadline = matches!(job.state, Some(StateName::Dispatching | StateName::Running));
    let counts = matches!(
        exchange.kind(),
        ExchangeKind::Create | ExchangeKind::Poll | ExchangeKind::Stream
    );
    if under_deadline && counts && !job.operator_retried {
        most = most.min(job.deadline.since(now.at));
    }
    let most = most.max(SimDuration::TICK);
    tally.test(Id::To03, now.mark(), limit <= most, || {
        claim(
            format!("{exchange} may take longer than there is time"),
            format!("at most {most}"),
            limit.to_string(),
        )
    });
}
