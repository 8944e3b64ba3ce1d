//! Results: captured, whole, counted once; and every job comes to an end.

use crate::check::catalogue::Id;
use crate::check::facts::{Ending, TaskFacts};
use crate::check::seen::{JobSeen, Seen};
use crate::check::tally::{Mark, Now, Tally, claim};
use crate::job::OnEmpty;
use crate::trace::{BackendEvent, CoreEvent, Event, JobEvent, On, RuntimeEvent, ServiceEvent, StateName};
use crate::units::SimTime;
use crate::wire::{ResponseId, Status};

/// Judges CO-01 to CO-03, CO-07 and CO-10 to CO-12.
#[derive(Debug)]
pub(super) struct Completion {
    jobs: Vec<Own>,
}

#[derive(Debug, Default)]
struct Own {
    /// Responses whose results were stored.
    stored: Vec<ResponseId>,
    /// Whether usage was noted since the last result.
    used: bool,
    successes: u16,
    /// A result stored in this tick whose usage is not yet on record.
    unpaid: Option<Mark>,
}

impl Completion {
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
            Event::Core(CoreEvent::Job(event)) => own.job(now, job, task, event, tally),
            Event::Core(CoreEvent::Runtime(RuntimeEvent::WebhookTaken { response, what, .. }))
                if (*what == "duplicate" || own.stored.contains(response)) =>
            {
                tally.seen(Id::Co07);
            }
            Event::Service(ServiceEvent::Backend(BackendEvent::Became {
                status: Status::Incomplete,
                ..
            })) => tally.seen(Id::Co03),
            Event::Service(ServiceEvent::Backend(BackendEvent::Dropped { response, .. })) => {
                let completed = job.response(response).and_then(|found| found.status.as_ref())
                    == Some(&Status::Completed);
                if completed && !own.stored.contains(response) {
                    tally.seen(Id::Co02);
                }
            }
            _ => {}
        }
    }

    pub(super) fn tick_over(&mut self, seen: &Seen<'_>, _at: SimTime, tally: &mut Tally) {
        for id in &seen.touched {
            let Some(own) = self.jobs.get_mut(id.0 as usize) else {
                continue;
            };
            if let Some(mark) = own.unpaid.take() {
                tally.test(Id::Co11, mark, own.used, || {
                    claim(
                        "a result is stored and nothing says what it cost and which tier served it",
                        "usage and tier",
                        "neither",
                    )
                });
                own.used = false;
            }
        }
    }

    pub(super) fn end(&mut self, seen: &Seen<'_>, end: SimTime, tally: &mut Tally) {
        for (id, job, _) in seen.all() {
            let Some(state) = job.state else {
                continue;
            };
            let over = state.is_terminal() || state == StateName::NeedsIntervention;
            let cut_off = seen.facts.ending == Ending::CutOff && job.deadline >= end;
            let mark = seen.at_the_end(end, Some(id));
            if over || !cut_off {
                tally.test(Id::Co12, mark, over, || {
                    claim(
                        "nothing is left to happen and the job has not ended",
                        "an end, or an operator",
                        state.word(),
                    )
                });
            }
        }
    }
}

impl Own {
    fn job(&mut self, now: &Now<'_>, job: &JobSeen, task: &TaskFacts, event: &JobEvent, tally: &mut Tally) {
        match event {
            JobEvent::Used { .. } => self.used = true,
            JobEvent::LateEvidence { .. } if !self.stored.is_empty() => tally.seen(Id::Co07),
            JobEvent::ResultStored {
                len,
                response: Some(response),
                ..
            } => {
                self.unpaid = Some(now.mark());
                if *len == 0 {
                    tally.seen(Id::Co10);
                }
                if self.stored.contains(response) {
                    tally.test(Id::Co07, now.mark(), false, || {
                        claim(
                            format!("the result of {response} was stored twice"),
                            "one completion",
                            "two",
                        )
                    });
                }
                self.stored.push(response.clone());
                self.kept(now, job, task, response, tally);
            }
            JobEvent::Moved {
                on: On::ResultRejected,
                ..
            } => tally.seen(Id::Co10),
            JobEvent::Moved {
                on,
                to: StateName::Succeeded,
                ..
            } => self.succeeded(now, job, task, *on, tally),
            _ => {}
        }
    }

    fn kept(&self, now: &Now<'_>, job: &JobSeen, task: &TaskFacts, response: &ResponseId, tally: &mut Tally) {
        let Some(dropped) = job.response(response).and_then(|found| found.dropped) else {
            return;
        };
        let last = dropped + task.task.plan.limits.call;
        tally.test(Id::Co02, now.mark(), now.at <= last, || {
            claim(
                "a result was captured after the service had dropped it",
                format!("by {dropped}, or lost"),
                format!("stored at {}", now.at),
            )
        });
    }

    fn succeeded(&mut self, now: &Now<'_>, job: &JobSeen, task: &TaskFacts, on: On, tally: &mut Tally) {
        self.successes += 1;
        if self.successes > 1 {
            tally.test(Id::Co07, now.mark(), false, || {
                claim("a job succeeded twice", "one completion", "two")
            });
        }
        let stored = job.stored.as_ref();
        let found = stored
            .and_then(|stored| stored.response.as_ref())
            .map(|id| job.response(id));
        let status = found.flatten().and_then(|response| response.status.as_ref());
        if status == Some(&Status::Incomplete) {
            tally.test(Id::Co03, now.mark(), false, || {
                claim(
                    "output that was cut short counts as success",
                    StateName::SucceededPartial.word(),
                    "succeeded",
                )
            });
        }
        let ours = match found {
            // An effect's receipt, or what an operator supplied.
            None => stored.is_some(),
            Some(response) => response.is_some_and(|response| {
                matches!(
                    response.status,
                    Some(Status::Completed | Status::Incomplete | Status::Unknown(_))
                )
            }),
        };
        let whole = stored.is_some_and(|stored| !stored.partial);
        tally.test(Id::Co01, now.mark(), ours && whole, || {
            claim(
                "a job succeeded without a whole result of a response of its own",
                "a stored result of a completed response",
                stored.map_or("no result".into(), |stored| {
                    format!("{} bytes, stored at {}", stored.len, stored.mark.at)
                }),
            )
        });
        let forbidden = task.task.plan.rules.empty == OnEmpty::Fail && on == On::ResultStored;
        if forbidden && stored.is_some_and(|stored| stored.len == 0) {
            tally.test(Id::Co10, now.mark(), false, || {
                claim("an empty result counts as success", "failed", "succeeded")
            });
        }
    }
}
