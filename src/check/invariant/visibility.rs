//! What users and operators are shown about where a job stands.

use std::sync::Arc;

use crate::check::catalogue::Id;
use crate::check::seen::{JobSeen, Seen};
use crate::check::tally::{Mark, Now, Tally, claim};
use crate::job::{Follow, Plan};
use crate::trace::{
    Audience, CoreEvent, Event, JobEvent, Liveness, OutsideEvent, PeopleEvent, Phrase, RuntimeEvent,
    StateName, UserEvent, View,
};
use crate::units::{ExchangeKind, JobId, SimDuration, SimTime};

/// Judges the part of VI that is about states in time, with ST-05, ST-09, ST-11 and ST-13.
#[derive(Debug)]
pub(super) struct Visibility {
    jobs: Vec<Own>,
    /// Headlines of the states that must not be confused.
    headlines: Vec<(Phrase, StateName)>,
}

#[derive(Debug, Default)]
struct Own {
    submitted: Option<Mark>,
    accepted: bool,
    acknowledged: bool,
    parked: Option<Mark>,
    poll_failed: Option<Mark>,
    progress: u32,
    /// When a stream last brought something.
    streamed: Option<SimTime>,
    changed: SimTime,
    wire_status: Option<crate::wire::Status>,
    planned: Option<SimTime>,
}

/// How long a submission may wait for its id.
const ACKNOWLEDGED_WITHIN: SimDuration = SimDuration::from_secs(1);

/// The longest silence that is not yet a loss of contact.
fn silence_max(plan: &Plan) -> SimDuration {
    let polls = plan.polling.max.max(plan.patience.stalled);
    let gap = match plan.follow {
        Follow::Webhook => plan.polling.fallback.max(polls),
        Follow::Poll | Follow::Stream => polls,
    };
    gap.saturating_mul(2) + plan.limits.call + SimDuration::from_ticks(2)
}

impl Visibility {
    pub(super) fn new(jobs: usize) -> Self {
        Self {
            jobs: std::iter::repeat_with(Own::default).take(jobs).collect(),
            headlines: Vec::new(),
        }
    }

    pub(super) fn see(&mut self, seen: &Seen<'_>, now: &Now<'_>, tally: &mut Tally) {
        let Some((id, job, task)) = seen.of(now) else {
            return;
        };
        let own = &mut self.jobs[id.0 as usize];
        match now.event {
            Event::Outside(OutsideEvent::User(UserEvent::Submitted { .. })) => {
                own.submitted = Some(now.mark())
            }
            Event::Outside(OutsideEvent::People(PeopleEvent::Notified)) => own.parked = None,
            Event::Core(CoreEvent::Runtime(RuntimeEvent::Shown { audience, view })) => {
                self.shown(now, (id, job), (*audience, view), seen, tally);
            }
            Event::Core(CoreEvent::Runtime(event)) => own.runtime(now, job, event, tally),
            Event::Core(CoreEvent::Job(JobEvent::RetryPlanned { due, .. })) => own.planned = Some(*due),
            Event::Core(CoreEvent::Job(JobEvent::Classified { row, .. }))
                if *row == crate::job::retry::POLL_FAILED.name && job.is(StateName::Running) =>
            {
                own.poll_failed = Some(now.mark());
            }
            Event::Core(CoreEvent::Job(JobEvent::Moved { from, to, .. })) => {
                own.accepted = true;
                if *from != Some(*to) {
                    own.changed = now.at;
                }
                if *to == StateName::NeedsIntervention {
                    tally.seen(Id::Vi11);
                    own.parked = Some(now.mark());
                }
                if *from == Some(StateName::Running) && *to != StateName::Running {
                    silent(now, job, &task.task.plan, tally);
                }
            }
            _ => {}
        }
    }

    fn shown(
        &mut self,
        now: &Now<'_>,
        (id, job): (JobId, &JobSeen),
        (audience, view): (Audience, &Arc<View>),
        seen: &Seen<'_>,
        tally: &mut Tally,
    ) {
        let Some((_, _, task)) = seen.job(id) else { return };
        let own = &mut self.jobs[id.0 as usize];
        let mark = now.mark();
        let stamps = view.since == job.since && view.heard_at.is_none_or(|heard| heard <= now.at);
        tally.test(Id::St05, mark, stamps, || {
            claim(
                "a view names another instant than the records",
                format!("since {}", job.since),
                format!("since {}", view.since),
            )
        });
        let verdict = matches!(
            view.liveness,
            Liveness::Quiet | Liveness::Stalled | Liveness::Lost | Liveness::StatusUnknown
        );
        if verdict {
            tally.test(Id::St11, mark, job.is(view.state), || {
                claim(
                    "a verdict was written over the state",
                    job.state.map_or("no state", StateName::word),
                    view.state.word(),
                )
            });
        }
        let forward = view.progress >= own.progress;
        let early = view.result.is_some() && !view.state.is_terminal();
        tally.test(Id::Vi13, mark, forward && !early, || {
            claim(
                "progress ran backwards, or a result was shown before the end",
                format!("at least {} items and no result before the end", own.progress),
                format!("{} items in {}", view.progress, view.state),
            )
        });
        own.progress = own.progress.max(view.progress);
        own.stalled(now, view, &task.task.plan, tally);
        own.retry(now, job, view, tally);
        self.headline(now, view, tally);
        if audience == Audience::Operator && view.state == StateName::NeedsIntervention {
            let able = !view.verbs.is_empty() && view.must_act.is_some();
            tally.test(Id::Vi11, mark, able, || {
                claim(
                    "a parked job is shown without what may be done",
                    "verbs and who must act",
                    "none",
                )
            });
        }
    }

    fn headline(&mut self, now: &Now<'_>, view: &View, tally: &mut Tally) {
        let sort = match view.state {
            StateName::AwaitingApproval | StateName::NeedsIntervention | StateName::Cancelled => view.state,
            _ => return,
        };
        let other = self
            .headlines
            .iter()
            .find(|(text, state)| *text == view.headline && *state != sort);
        let known = other.map(|(_, state)| *state);
        tally.test(Id::St09, now.mark(), known.is_none(), || {
            claim(
                "two different states are shown in the same words",
                "words of its own",
                format!(
                    "`{}` for {sort} and {}",
                    view.headline,
                    known.map_or("", StateName::word)
                ),
            )
        });
        if !self
            .headlines
            .iter()
            .any(|(text, state)| *state == sort && *text == view.headline)
        {
            self.headlines.push((view.headline.clone(), sort));
        }
    }

    pub(super) fn tick_over(&mut self, seen: &Seen<'_>, at: SimTime, tally: &mut Tally) {
        for id in &seen.touched {
            let Some((id, job, _)) = seen.job(*id) else {
                continue;
            };
            let own = &mut self.jobs[id.0 as usize];
            if let Some(mark) = job.moved.filter(|mark| mark.at == at) {
                own.moved_in_tick(job, mark, tally);
            }
            if let Some(mark) = own.poll_failed.take() {
                poll_failed(job, mark, tally);
            }
        }
    }

    pub(super) fn end(&mut self, seen: &Seen<'_>, end: SimTime, tally: &mut Tally) {
        for own in &self.jobs {
            if let Some(mark) = own.parked.filter(|mark| mark.at < end) {
                tally.broken(Id::Vi11, mark, || {
                    claim(
                        "a job was parked and no operator was told",
                        "a notified operator",
                        "nobody",
                    )
                });
            }
            let unheard = own.accepted && !own.acknowledged;
            if let Some(mark) = own.submitted.filter(|_| unheard) {
                tally.test(Id::Vi01, mark, false, || {
                    claim("a caller never got a job id", "an acknowledgement", "nothing")
                });
            }
        }
        for (_, job, task) in seen.all() {
            let Some(mark) = job.moved.filter(|_| job.is(StateName::Running)) else {
                continue;
            };
            let silence = end.since(job.heard.max(job.since));
            let bound = silence_max(&task.task.plan);
            let told = job.shown.iter().flatten().any(|(view, _)| alarming(view));
            if silence > bound {
                tally.test(Id::Vi04, mark, told, || unseen_silence(silence, bound));
            }
        }
    }
}

fn alarming(view: &View) -> bool {
    matches!(view.liveness, Liveness::Stalled | Liveness::Lost)
}

fn unseen_silence(silence: SimDuration, bound: SimDuration) -> crate::check::tally::Claim {
    claim(
        format!("nothing was heard for {silence} and nobody was shown that"),
        format!("stalled or lost within {bound}"),
        "no such view",
    )
}

/// A response that was left behind: was its silence shown?
fn silent(now: &Now<'_>, job: &JobSeen, plan: &Plan, tally: &mut Tally) {
    let silence = now.at.since(job.heard.max(job.since));
    let bound = silence_max(plan);
    if silence > bound {
        let told = job.shown.iter().flatten().any(|(view, _)| alarming(view));
        tally.test(Id::Vi04, now.mark(), told, || unseen_silence(silence, bound));
    }
}

fn poll_failed(job: &JobSeen, mark: Mark, tally: &mut Tally) {
    if job.is(StateName::Failed) {
        tally.test(Id::Vi10, mark, false, || {
            claim(
                "a failed poll ended the job",
                "status unknown for a while",
                "failed",
            )
        });
        return;
    }
    if !job.is(StateName::Running) {
        return;
    }
    let shown = job.shown[0].as_ref().map(|(view, _)| view.liveness);
    let honest = matches!(
        shown,
        Some(Liveness::StatusUnknown | Liveness::Stalled | Liveness::Lost)
    );
    tally.test(Id::Vi10, mark, honest, || {
        claim(
            "a failed poll is not shown",
            "status temporarily unknown",
            format!("{shown:?}").to_lowercase(),
        )
    });
}

impl Own {
    fn runtime(&mut self, now: &Now<'_>, job: &JobSeen, event: &RuntimeEvent, tally: &mut Tally) {
        match event {
            RuntimeEvent::Acknowledged => {
                self.acknowledged = true;
                let within = self
                    .submitted
                    .is_none_or(|mark| now.at.since(mark.at) <= ACKNOWLEDGED_WITHIN);
                tally.test(Id::Vi01, now.mark(), within && job.state.is_some(), || {
                    claim(
                        "the job id came late, or before the job",
                        format!("within {ACKNOWLEDGED_WITHIN}"),
                        format!("at {}", now.at),
                    )
                });
            }
            RuntimeEvent::StreamGot { .. } => {
                tally.seen(Id::Vi03);
                self.streamed = Some(now.at);
            }
            RuntimeEvent::Got {
                status: Some(status),
                exchange,
                ..
            } if exchange.kind() != ExchangeKind::Cancel && self.wire_status.as_ref() != Some(status) => {
                self.changed = now.at;
                self.wire_status = Some(status.clone());
            }
            _ => {}
        }
    }

    fn stalled(&self, now: &Now<'_>, view: &View, plan: &Plan, tally: &mut Tally) {
        if !alarming(view) {
            return;
        }
        let moved = self.changed.max(self.streamed.unwrap_or(SimTime::START));
        let still = now.at.since(moved);
        let allowed = match view.liveness {
            Liveness::Lost => plan.patience.stalled.min(plan.limits.call),
            _ => plan.patience.stalled,
        };
        tally.test(Id::Vi03, now.mark(), still >= allowed, || {
            claim(
                "a response that moves is shown as stuck",
                format!("no alarm within {allowed}"),
                format!("an alarm after {still}"),
            )
        });
    }

    fn retry(&self, now: &Now<'_>, job: &JobSeen, view: &View, tally: &mut Tally) {
        if view.state != StateName::RetryWait || !job.is(StateName::RetryWait) {
            return;
        }
        let held = view.attempt == job.attempt
            && view.attempts_max == job.attempts_max
            && view.next_event.is_some()
            && view.next_event == self.planned
            && view.cause.is_some();
        tally.test(Id::Vi08, now.mark(), held, || {
            claim(
                "a retry is not shown as it is planned",
                format!(
                    "attempt {} of {}, the next one due, and a cause",
                    job.attempt, job.attempts_max
                ),
                format!("attempt {} of {}", view.attempt, view.attempts_max),
            )
        });
    }

    fn moved_in_tick(&self, job: &JobSeen, mark: Mark, tally: &mut Tally) {
        let state = job.state.map_or("no state", StateName::word);
        let shown = |place: usize| job.shown[place].as_ref().map(|(view, _)| view);
        let current = shown(0).is_some_and(|view| job.is(view.state));
        tally.test(Id::Vi02, mark, current, || {
            claim(
                "a user is shown an old state",
                state,
                shown(0).map_or("nothing", |view| view.state.word()),
            )
        });
        if job.is_terminal() {
            return;
        }
        let listed = shown(1).is_some_and(|view| {
            let next =
                view.next_event.is_some() || view.must_act.is_some() || view.state == StateName::Finalizing;
            job.is(view.state) && next
        });
        tally.test(Id::St13, mark, listed, || {
            claim(
                "an operator is not shown an open job as it stands",
                format!("{state} and what is due"),
                shown(1).map_or("nothing", |view| view.state.word()),
            )
        });
    }
}
