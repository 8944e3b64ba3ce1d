//! Agreement of surfaces: causes, ends, failure messages, and calls that are not kept open.

use crate::check::catalogue::Id;
use crate::check::seen::{JobSeen, Seen};
use crate::check::tally::{Now, Tally, claim};
use crate::trace::{
    Audience, CoreEvent, Event, Execution, JobEvent, LimitName, OutsideEvent, RuntimeEvent, ServiceEvent,
    StateName, UserEvent, View, WireEvent,
};
use crate::units::{SimDuration, SimTime};

/// Judges ST-10, VI-05, VI-07 and VI-12.
#[derive(Debug)]
pub(super) struct Surface {
    /// When the interactive wait of each job was over.
    wait_over: Vec<Option<SimTime>>,
}

/// What must never be in a message.
const SECRETS: [&str; 3] = ["sk-", "Bearer ", "whsec_"];

impl Surface {
    pub(super) fn new(jobs: usize) -> Self {
        Self {
            wait_over: vec![None; jobs],
        }
    }

    pub(super) fn see(&mut self, seen: &Seen<'_>, now: &Now<'_>, tally: &mut Tally) {
        let Some((id, job, _)) = seen.of(now) else { return };
        let over = &mut self.wait_over[id.0 as usize];
        match now.event {
            Event::Core(CoreEvent::Runtime(RuntimeEvent::Shown { audience, view })) => {
                causes(now, job, (*audience, view), tally);
                ends(now, job, (*audience, view), tally);
                failure(now, view, tally);
            }
            Event::Outside(OutsideEvent::User(UserEvent::Retrieved { digest })) => {
                let stored = job.stored.as_ref().map(|stored| &stored.digest);
                tally.test(Id::Vi05, now.mark(), stored == Some(digest), || {
                    claim(
                        "a user took something else than the stored result",
                        text(stored),
                        digest.to_string(),
                    )
                });
            }
            Event::Core(CoreEvent::Job(JobEvent::LimitFired {
                limit: LimitName::Wait,
                ..
            })) if job.execution == Some(Execution::Interactive) => {
                tally.seen(Id::Vi12);
                *over = over.or(Some(now.at));
            }
            Event::Service(ServiceEvent::Wire(WireEvent::StreamSent { .. })) => {
                let last = over.map(|over| over + SimDuration::from_ticks(2) + seen.facts.tolerance);
                if let Some(last) = last.filter(|last| now.at > *last) {
                    tally.broken(Id::Vi12, now.mark(), || {
                        claim(
                            "a stream is kept open past the wait",
                            format!("closed by {last}"),
                            format!("an event at {}", now.at),
                        )
                    });
                }
            }
            _ => {}
        }
    }

    pub(super) fn tick_over(&mut self, _seen: &Seen<'_>, _at: SimTime, _tally: &mut Tally) {}

    pub(super) fn end(&mut self, _seen: &Seen<'_>, _end: SimTime, _tally: &mut Tally) {}
}

fn text(shown: Option<&impl ToString>) -> String {
    shown.map_or("none".into(), ToString::to_string)
}

/// One cause has one code: that of the move, and that of the other audience.
fn causes(now: &Now<'_>, job: &JobSeen, (audience, view): (Audience, &View), tally: &mut Tally) {
    let code = view.cause.as_ref().map(|cause| &cause.code);
    if code.is_some() {
        tally.seen(Id::St10);
    }
    let fresh = job.moved.is_some_and(|moved| moved.at == now.at) && job.cause_at == now.at;
    let said = job.cause.as_ref().filter(|_| fresh && view.state.is_terminal());
    if said.is_some() && said != code {
        tally.broken(Id::St10, now.mark(), || {
            claim(
                "a view names another cause than the records",
                text(said),
                text(code),
            )
        });
    }
    let other = job.shown[0]
        .as_ref()
        .filter(|(_, at)| audience == Audience::Operator && *at == now.at);
    let Some((user, _)) = other.filter(|(user, _)| user.state == view.state) else {
        return;
    };
    let theirs = user.cause.as_ref().map(|cause| &cause.code);
    if theirs != code {
        tally.broken(Id::St10, now.mark(), || {
            claim(
                "user and operator are shown different causes",
                text(theirs),
                text(code),
            )
        });
    }
}

fn ends(now: &Now<'_>, job: &JobSeen, (audience, view): (Audience, &View), tally: &mut Tally) {
    if !view.state.is_terminal() {
        return;
    }
    let state = job.is(view.state);
    let stored = job.stored.as_ref().map(|stored| &stored.digest);
    let result = view.result.is_none() || view.result.as_ref() == stored;
    let delivers = matches!(view.state, StateName::Succeeded | StateName::SucceededPartial);
    let held = state && result && (!delivers || view.result.is_some());
    tally.test(Id::Vi05, now.mark(), held, || {
        claim(
            format!("{audience:?} is shown another end than the records have").to_lowercase(),
            format!(
                "{} with result {}",
                job.state.map_or("none", StateName::word),
                text(stored)
            ),
            format!("{} with result {}", view.state, text(view.result.as_ref())),
        )
    });
}

fn failure(now: &Now<'_>, view: &View, tally: &mut Tally) {
    let failed = matches!(
        view.state,
        StateName::Failed
            | StateName::TimedOut
            | StateName::Denied
            | StateName::Expired
            | StateName::NeedsIntervention
    );
    if !failed {
        return;
    }
    let whole = view.cause.is_some() && view.must_act.is_some() && view.what_to_do.is_some();
    let detail = view.cause.as_ref().map_or("", |cause| &cause.detail);
    let leaks = SECRETS
        .iter()
        .any(|secret| detail.contains(secret) || view.headline.contains(secret));
    tally.test(Id::Vi07, now.mark(), whole && !leaks, || {
        claim(
            format!(
                "a view of a job that is {} does not say enough, or too much",
                view.state
            ),
            "a cause, who must act, what to do, and no secret",
            format!(
                "cause {}, headline `{}`",
                view.cause.as_ref().map_or("none", |cause| &cause.code),
                view.headline
            ),
        )
    });
}
