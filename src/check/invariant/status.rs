//! States: legal moves, conservation, what a state needs, what has ended.

use crate::backend::{Script, StepWork};
use crate::check::catalogue::Id;
use crate::check::seen::{JobSeen, Seen};
use crate::check::tally::{Mark, Now, Tally, claim};
use crate::job::is_legal;
use crate::trace::{
    BackendEvent, CoreEvent, Event, JobEvent, LaneName, On, OutsideEvent, PeopleEvent, Principal,
    RouterEvent, RuntimeEvent, ServiceEvent, StateName, UserEvent,
};
use crate::units::{ExchangeKind, JobId, SimTime};
use crate::wire;

/// Judges the group ST.
#[derive(Debug)]
pub(super) struct Status {
    jobs: Vec<Own>,
    /// Jobs with a place, and jobs that wait, by lane.
    load: [(u32, u32); 3],
    /// Decisions that came too late and have not been answered.
    losers: Vec<(Mark, Principal, std::sync::Arc<str>)>,
}

#[derive(Debug, Default)]
struct Own {
    submitted: Option<Mark>,
    decided: bool,
    /// An unknown wire status was read while the response ran.
    unknown: Option<Mark>,
}

const fn has_place(state: StateName) -> bool {
    matches!(
        state,
        StateName::Dispatching
            | StateName::InDoubt
            | StateName::Running
            | StateName::UsingTools
            | StateName::RetryWait
            | StateName::Applying
            | StateName::Finalizing
            | StateName::Cancelling
    )
}

const fn waits(state: StateName) -> bool {
    matches!(state, StateName::Accepted | StateName::Queued)
}

/// Whether the turn of this number asks the client for something.
fn asks(script: &Script, turn: u16) -> bool {
    let mut rest = &script.steps[..];
    let mut number = 0;
    while let Some(first) = rest.iter().position(|step| step.work.asks_client()) {
        number += 1;
        if number == turn {
            return true;
        }
        let behind = &rest[first..];
        let end = behind.iter().position(|step| !step.work.asks_client());
        rest = end.map_or(&[], |end| &behind[end..]);
    }
    false
}

impl Status {
    pub(super) fn new(jobs: usize) -> Self {
        Self {
            jobs: std::iter::repeat_with(Own::default).take(jobs).collect(),
            load: [(0, 0); 3],
            losers: Vec::new(),
        }
    }

    pub(super) fn see(&mut self, seen: &Seen<'_>, now: &Now<'_>, tally: &mut Tally) {
        if let Event::Core(CoreEvent::Runtime(RuntimeEvent::LaneLoad {
            lane,
            active,
            waiting,
        })) = now.event
        {
            self.lane_load(now, (*lane, *active, *waiting), tally);
        }
        let Some((id, job, _)) = seen.of(now) else { return };
        match now.event {
            Event::Core(CoreEvent::Job(event)) => self.job_event(seen, now, event, tally),
            Event::Core(CoreEvent::Runtime(event)) => self.runtime(now, (id, job), event, tally),
            Event::Core(CoreEvent::Router(event)) => {
                self.jobs[id.0 as usize].decided |=
                    matches!(event, RouterEvent::Decided(_) | RouterEvent::Refused { .. });
            }
            Event::Service(ServiceEvent::Backend(BackendEvent::Became { status, .. })) => {
                if matches!(status, wire::Status::Unknown(_)) {
                    tally.seen(Id::St06);
                }
                if job.is_terminal() {
                    tally.seen(Id::St03);
                }
            }
            Event::Outside(OutsideEvent::User(UserEvent::Submitted { .. })) => {
                tally.seen(Id::St12);
                self.jobs[id.0 as usize].submitted = Some(now.mark());
            }
            Event::Outside(OutsideEvent::People(PeopleEvent::Decided { approval, by, .. })) => {
                let late = job
                    .approval(approval)
                    .and_then(|found| found.closed)
                    .is_some_and(|(_, closed)| closed < now.at);
                if late {
                    tally.seen(Id::St04);
                    self.losers.push((now.mark(), by.clone(), approval.clone()));
                }
            }
            _ => {}
        }
    }

    fn lane_load(&mut self, now: &Now<'_>, (lane, active, waiting): (LaneName, u32, u32), tally: &mut Tally) {
        let counted = self.load[lane as usize];
        tally.test(Id::St12, now.mark(), counted == (active, waiting), || {
            claim(
                format!("the load of lane {lane} is not the sum of its jobs"),
                format!("{} active and {} waiting, by their states", counted.0, counted.1),
                format!("{active} active and {waiting} waiting"),
            )
        });
    }

    fn job_event(&mut self, seen: &Seen<'_>, now: &Now<'_>, event: &JobEvent, tally: &mut Tally) {
        let Some((id, job, task)) = seen.of(now) else {
            return;
        };
        match event {
            JobEvent::Moved {
                from, on, to, cause, ..
            } => {
                self.moved(now, job, (*from, *on, *to), tally);
                let parked_without_cause = *to == StateName::NeedsIntervention && cause.is_none();
                needs(now, job, (*from, *to), !parked_without_cause, tally);
                if matches!(to, StateName::NeedsIntervention)
                    || to.is_terminal()
                    || *to == StateName::Cancelling
                {
                    self.jobs[id.0 as usize].unknown = None;
                }
            }
            JobEvent::DecisionRefused { approval, by, .. } => {
                let answered = self
                    .losers
                    .iter()
                    .position(|(_, who, what)| who == by && what == approval);
                answered.map(|place| self.losers.swap_remove(place));
            }
            JobEvent::LateEvidence { .. } | JobEvent::CancelTooLate { .. } if job.is_terminal() => {
                tally.seen(Id::St03);
            }
            JobEvent::ResultStored {
                partial: false,
                response: Some(response),
                ..
            } => {
                let Some(found) = job.response(response) else {
                    return;
                };
                if matches!(found.status, Some(wire::Status::Unknown(_))) {
                    tally.broken(Id::St06, now.mark(), || {
                        claim(
                            "a result was taken from a response whose wire status nobody knows",
                            "an operator",
                            "a stored result",
                        )
                    });
                }
                if found.status == Some(wire::Status::Completed)
                    && asks(&task.script, found.exchange.turn().0)
                {
                    tally.broken(Id::St07, now.mark(), || {
                        claim(
                            format!(
                                "turn {} still asks the client for something",
                                found.exchange.turn().0
                            ),
                            "no result",
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
        let word = |state: Option<StateName>| state.map_or("nowhere", StateName::word);
        tally.test(Id::St01, now.mark(), from == job.state, || {
            claim(
                "a job moved from a state it was not in",
                word(job.state),
                word(from),
            )
        });
        tally.test(Id::St02, now.mark(), is_legal(from, on, to), || {
            claim(
                "a move that the table does not have",
                "a row of the table",
                format!("{} -{on}-> {to}", word(from)),
            )
        });
        if job.is_terminal() {
            tally.test(Id::St03, now.mark(), false, || {
                claim(
                    "a job left its end",
                    word(job.state),
                    format!("moved to {to} on {on}"),
                )
            });
        }
        let Some(lane) = job.lane else { return };
        let load = &mut self.load[lane as usize];
        if let Some(from) = job.state {
            load.0 = load.0.saturating_sub(u32::from(has_place(from)));
            load.1 = load.1.saturating_sub(u32::from(waits(from)));
        }
        load.0 += u32::from(has_place(to));
        load.1 += u32::from(waits(to));
    }

    fn runtime(
        &mut self,
        now: &Now<'_>,
        (id, job): (JobId, &JobSeen),
        event: &RuntimeEvent,
        tally: &mut Tally,
    ) {
        let own = &mut self.jobs[id.0 as usize];
        match event {
            RuntimeEvent::Got {
                status: Some(wire::Status::Unknown(_)),
                ..
            } if job.is(StateName::Running) => own.unknown = Some(now.mark()),
            RuntimeEvent::Sent { exchange, .. }
                if exchange.kind() == ExchangeKind::Poll
                    && own.unknown.is_some_and(|unknown| unknown.at < now.at) =>
            {
                tally.broken(Id::St06, now.mark(), || {
                    claim(
                        "a response is polled on after a wire status that nobody knows",
                        "an operator",
                        "another poll",
                    )
                });
            }
            RuntimeEvent::WebhookTaken { .. } if job.is_terminal() => tally.seen(Id::St03),
            _ => {}
        }
    }

    pub(super) fn tick_over(&mut self, seen: &Seen<'_>, at: SimTime, tally: &mut Tally) {
        for id in &seen.touched {
            let Some((id, job, task)) = seen.job(*id) else {
                continue;
            };
            if let Some(mark) = self.jobs[id.0 as usize].unknown.filter(|mark| mark.at == at) {
                tally.broken(Id::St06, mark, || {
                    claim(
                        "a wire status that nobody knows was read and nothing followed",
                        "an operator",
                        "the job goes on",
                    )
                });
            }
            for response in job.responses.iter().rev().take(1) {
                let completed =
                    response.ended == Some(at) && response.status == Some(wire::Status::Completed);
                if completed && asks(&task.script, response.exchange.turn().0) {
                    tally.seen(Id::St07);
                }
            }
        }
    }

    pub(super) fn end(&mut self, seen: &Seen<'_>, end: SimTime, tally: &mut Tally) {
        for (mark, by, approval) in self.losers.drain(..) {
            if mark.at < end {
                tally.broken(Id::St04, mark, || {
                    claim(
                        format!(
                            "{} decided about request {approval} after it was closed and was not told",
                            by.0
                        ),
                        "a refused decision",
                        "nothing",
                    )
                });
            }
        }
        for (id, job, _) in seen.all() {
            let own = &self.jobs[id.0 as usize];
            let Some(mark) = own.submitted.filter(|mark| mark.at < end) else {
                continue;
            };
            if !own.decided {
                tally.broken(Id::St12, mark, || {
                    claim(
                        "a submitted task was neither taken nor refused",
                        "a decision",
                        "nothing",
                    )
                });
            } else if job.lane.is_some() && job.state.is_none() {
                tally.broken(Id::St12, mark, || {
                    claim(
                        "a task got a lane and never became a job",
                        "an accepted job",
                        "nothing",
                    )
                });
            }
        }
    }
}

/// What a state needs when it is entered.
fn needs(
    now: &Now<'_>,
    job: &JobSeen,
    (from, to): (Option<StateName>, StateName),
    has_cause: bool,
    tally: &mut Tally,
) {
    if from == Some(to) && to != StateName::AwaitingApproval {
        return;
    }
    let open = || {
        job.approvals
            .last()
            .is_some_and(|approval| approval.closed.is_none())
    };
    let (held, wanted) = match to {
        StateName::Running => (!job.responses.is_empty(), "a response at the service"),
        StateName::AwaitingApproval => (open(), "an open approval request"),
        StateName::Applying => (
            job.approvals
                .last()
                .is_some_and(|approval| !approval.grants.is_empty()),
            "a consumed grant",
        ),
        StateName::NeedsIntervention => (has_cause, "a cause"),
        _ => return,
    };
    tally.test(Id::St08, now.mark(), held, || {
        claim(
            format!("a job entered {to} without what it needs"),
            wanted,
            "none",
        )
    });
}

/// Whether the script calls a function that `known` does not know, in the turn of this number.
pub(super) fn calls_unknown(script: &Script, turn: u16, known: impl Fn(&str) -> bool) -> bool {
    let mut number = 1;
    let mut asking = false;
    for step in script.steps.iter() {
        if asking && !step.work.asks_client() {
            number += 1;
            asking = false;
        }
        asking |= step.work.asks_client();
        if number == turn
            && let StepWork::FunctionCall { name, .. } = &step.work
            && !known(name)
        {
            return true;
        }
    }
    false
}
