//! The approval boundary as the sinks see it: what landed, behind what.

use std::sync::Arc;

use super::approval::counted;
use super::status::calls_unknown;
use crate::check::catalogue::Id;
use crate::check::facts::TaskFacts;
use crate::check::seen::{JobSeen, Seen};
use crate::check::tally::{Mark, Now, Tally, claim};
use crate::job::ToolAct;
use crate::trace::{
    BackendEvent, CoreEvent, Event, JobEvent, On, OutsideEvent, RuntimeEvent, ServiceEvent, SinkEvent,
    StateName, WireEvent,
};
use crate::units::{SimDuration, SimTime};
use crate::wire::Status;

/// Judges AP-01, AP-02, AP-16, AP-17, AP-21 to AP-23 and AP-26.
#[derive(Debug)]
pub(super) struct BoundaryOf {
    jobs: Vec<Own>,
}

#[derive(Debug, Default)]
struct Own {
    /// Grants by the effects they released.
    spent: Vec<Arc<str>>,
    /// Since when a person is awaited.
    awaiting: Option<SimTime>,
    /// An effect refused for its precondition.
    stale: Option<Mark>,
}

impl BoundaryOf {
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
            Event::Outside(OutsideEvent::Sinks(event)) => own.sink(now, (job, task), seen, event, tally),
            Event::Service(ServiceEvent::Backend(event)) => own.backend(now, (job, task), seen, event, tally),
            Event::Service(ServiceEvent::Wire(WireEvent::Arrived { .. })) => own.quiet(now, seen, tally),
            Event::Core(CoreEvent::Runtime(RuntimeEvent::Sent { .. } | RuntimeEvent::StreamGot { .. }))
                if own.awaiting.is_some() =>
            {
                tally.broken(Id::Ap23, now.mark(), || {
                    claim(
                        "a job that waits for a person uses the service",
                        "nothing open",
                        "an exchange",
                    )
                });
            }
            Event::Core(CoreEvent::Job(JobEvent::Moved { from, on, to, .. })) => {
                own.moved(now, (job, task), (*from, *on, *to), tally);
            }
            _ => {}
        }
    }

    pub(super) fn tick_over(&mut self, _seen: &Seen<'_>, _at: SimTime, _tally: &mut Tally) {}

    pub(super) fn end(&mut self, seen: &Seen<'_>, end: SimTime, tally: &mut Tally) {
        for (id, job, task) in seen.all() {
            if let Some(mark) = self.jobs[id.0 as usize].stale.filter(|mark| mark.at < end) {
                tally.broken(Id::Ap16, mark, || {
                    claim(
                        "an effect was refused for its precondition and nobody was asked again",
                        "a new request",
                        "nothing",
                    )
                });
            }
            let grants = || job.approvals.iter().flat_map(|request| &request.grants);
            for grant in grants().filter(|grant| grant.applied == 0) {
                let read_as_success = job.is(StateName::Succeeded)
                    && job.ended_on == Some(On::ResultStored)
                    && task.task.plan.mcp.is_empty()
                    && !superseded(job, &grant.id);
                tally.test(Id::Ap17, grant.mark, !read_as_success, || {
                    claim(
                        format!("grant {} was never used and the job reads as success", grant.id),
                        "approved, not applied",
                        "succeeded",
                    )
                });
            }
        }
    }
}

/// Whether the acts of this grant were asked for again.
fn superseded(job: &JobSeen, grant: &str) -> bool {
    let Some((approval, _)) = job.grant(grant) else {
        return false;
    };
    job.approvals
        .iter()
        .any(|later| later.supersedes.as_ref() == Some(&approval.id))
}

impl Own {
    fn sink(
        &mut self,
        now: &Now<'_>,
        (job, task): (&JobSeen, &TaskFacts),
        seen: &Seen<'_>,
        event: &SinkEvent,
        tally: &mut Tally,
    ) {
        match event {
            SinkEvent::Applied { grant, digest, .. } => {
                self.once(now, grant, tally);
                let found = job.grant(grant);
                if let Some((_, granted)) = found {
                    tally.test(Id::Ap08, now.mark(), now.at <= granted.expires, || {
                        claim(
                            "an effect landed after its grant had ended",
                            format!("by {}", granted.expires),
                            now.at.to_string(),
                        )
                    });
                }
                let held = found
                    .filter(|(_, granted)| granted.digest == *digest)
                    .map(|(request, _)| request);
                effect(
                    now,
                    held.map(|request| counted(request, seen, task) >= usize::from(request.quorum)),
                    tally,
                );
                self.prepared(now, job, tally);
                if has_effects(task) {
                    tally.seen(Id::Ap21);
                }
            }
            SinkEvent::ToolStarted { tool, .. } => tool_started(now, task, tool, tally),
            SinkEvent::Refused {
                why: why @ ("no_grant" | "not_given"),
                ..
            } => tally.test(Id::Ap21, now.mark(), false, || {
                claim(
                    "an effect was sent to its sink without leave, and the sink refused it",
                    "a grant from an approval that was given",
                    *why,
                )
            }),
            SinkEvent::Refused {
                why: "precondition", ..
            } => {
                tally.seen(Id::Ap16);
                self.stale = Some(now.mark());
            }
            _ => {}
        }
    }

    fn once(&mut self, now: &Now<'_>, grant: &Arc<str>, tally: &mut Tally) {
        tally.test(Id::Ap02, now.mark(), !self.spent.contains(grant), || {
            claim(
                "a grant released a second effect",
                "one",
                format!("{grant} again"),
            )
        });
        self.spent.push(grant.clone());
    }

    fn backend(
        &mut self,
        now: &Now<'_>,
        (job, task): (&JobSeen, &TaskFacts),
        seen: &Seen<'_>,
        event: &BackendEvent,
        tally: &mut Tally,
    ) {
        match event {
            BackendEvent::McpActed { digest, .. } => {
                let request = job.approvals.iter().rev().find(|request| {
                    request
                        .grants
                        .iter()
                        .any(|grant| grant.digest == *digest && grant.applied == 0)
                });
                effect(
                    now,
                    request.map(|request| counted(request, seen, task) >= usize::from(request.quorum)),
                    tally,
                );
                self.prepared(now, job, tally);
            }
            BackendEvent::Became {
                response,
                status: Status::Completed,
                ..
            } => {
                let turn = job.response(response).map_or(0, |found| found.exchange.turn().0);
                if calls_unknown(&task.script, turn, |name| task.task.plan.tools.contains_key(name)) {
                    tally.seen(Id::Ap22);
                }
            }
            _ => {}
        }
    }

    /// Nothing lands before the first request was approved.
    fn prepared(&self, now: &Now<'_>, job: &JobSeen, tally: &mut Tally) {
        let passed = job
            .approvals
            .iter()
            .any(|request| matches!(request.closed, Some(("approved", _))));
        if !passed {
            tally.test(Id::Ap26, now.mark(), false, || {
                claim(
                    "an effect landed before the boundary was passed",
                    "nothing outside",
                    "an effect",
                )
            });
        }
    }

    fn moved(
        &mut self,
        now: &Now<'_>,
        (job, _task): (&JobSeen, &TaskFacts),
        (from, on, to): (Option<StateName>, On, StateName),
        tally: &mut Tally,
    ) {
        let awaits = to == StateName::AwaitingApproval;
        if awaits && from != Some(to) {
            tally.seen(Id::Ap23);
            tally.seen(Id::Ap26);
        }
        self.awaiting = awaits.then_some(self.awaiting.unwrap_or(now.at));
        if on == On::GrantRefused {
            self.stale = None;
            let asked = job
                .approvals
                .last()
                .is_some_and(|request| request.asked == now.at && request.closed.is_none());
            if !asked {
                tally.broken(Id::Ap16, now.mark(), || {
                    claim("a refused grant was not asked for again", "a new request", "none")
                });
            }
        } else if to.is_terminal() || to == StateName::NeedsIntervention {
            self.stale = self.stale.filter(|_| to == StateName::Succeeded);
        }
    }

    /// What was sent before the wait has arrived by the next tick.
    fn quiet(&self, now: &Now<'_>, seen: &Seen<'_>, tally: &mut Tally) {
        let Some(since) = self.awaiting else { return };
        if now.at > since + SimDuration::TICK + seen.facts.tolerance {
            tally.broken(Id::Ap23, now.mark(), || {
                claim(
                    "a request of a job that waits for a person is on the wire",
                    "none",
                    "a request",
                )
            });
        }
    }
}

/// An effect landed; `enough` says whether its request was approved by enough people, none that it has no grant.
fn effect(now: &Now<'_>, enough: Option<bool>, tally: &mut Tally) {
    tally.test(Id::Ap01, now.mark(), enough == Some(true), || {
        let actual = match enough {
            None => "no grant for exactly this act",
            Some(_) => "a grant that too few approved",
        };
        claim(
            "an effect landed without leave",
            "a consumed grant for exactly this act, behind enough approvals",
            actual,
        )
    });
}

fn has_effects(task: &TaskFacts) -> bool {
    task.task
        .plan
        .tools
        .values()
        .any(|tool| matches!(tool.act, ToolAct::Effect { .. }))
}

fn tool_started(now: &Now<'_>, task: &TaskFacts, tool: &str, tally: &mut Tally) {
    match task.task.plan.tools.get(tool).map(|tool| &tool.act) {
        Some(ToolAct::Free | ToolAct::Once) => {
            if has_effects(task) {
                tally.seen(Id::Ap21);
            }
        }
        Some(ToolAct::Effect { .. }) => tally.test(Id::Ap21, now.mark(), false, || {
            claim(
                format!("tool {tool} has an effect and ran beside the gate"),
                "its sink, with a grant",
                "a run",
            )
        }),
        None => tally.test(Id::Ap22, now.mark(), false, || {
            claim(
                format!("nobody declared {tool}, and it ran"),
                "an approval",
                "a run",
            )
        }),
    }
}
