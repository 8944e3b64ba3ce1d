//! What breaks the invariants of visibility.

use super::completion::take_another;
use super::list::{Sabotage, records};
use super::records::{Records, postpone, put, remove, remove_all};
use crate::check::Id;
use crate::trace::{
    Audience, CoreEvent, JobEvent, LimitName, Liveness, OutsideEvent, PeopleEvent, RuntimeEvent,
    ServiceEvent, StateName, WireEvent,
};
use crate::units::{ExchangeKind, SimDuration};

/// The list.
pub(super) const LIST: &[Sabotage] = &[
    records(
        "acknowledges-late",
        Id::Vi01,
        "a caller gets the job id after two seconds",
        |run| {
            postpone(run.core, SimDuration::from_secs(2), |record| {
                matches!(record.event, CoreEvent::Runtime(RuntimeEvent::Acknowledged))
            });
        },
    ),
    records(
        "shows-old-states",
        Id::Vi02,
        "a user is not shown that a job moved",
        |run| {
            run.without_runtime(|event| {
            matches!(event, RuntimeEvent::Shown { audience: Audience::User, view } if view.state == StateName::Running)
        });
        },
    ),
    records(
        "cries-wolf",
        Id::Vi03,
        "a response that moves is shown as stalled",
        |run| {
            run.view(|_, view| {
                let fresh = view.state == StateName::Running && view.liveness == Liveness::Fresh;
                fresh.then(|| view.liveness = Liveness::Stalled)
            });
        },
    ),
    records(
        "hides-silence",
        Id::Vi04,
        "nobody is shown that a response fell silent",
        |run| {
            remove_all(run.core, |record| {
                matches!(&record.event, CoreEvent::Runtime(RuntimeEvent::Shown { view, .. })
                if matches!(view.liveness, Liveness::Stalled | Liveness::Lost))
            });
        },
    ),
    records(
        "delivers-something-else",
        Id::Vi05,
        "a user takes something else than was stored",
        take_another,
    ),
    records(
        "says-too-little",
        Id::Vi07,
        "a failed job is shown without what to do",
        |run| {
            run.view(|_, view| {
                let failed = matches!(
                    view.state,
                    StateName::Failed | StateName::TimedOut | StateName::Expired
                );
                failed.then(|| view.what_to_do = None)
            });
        },
    ),
    records(
        "hides-retries",
        Id::Vi08,
        "a user is not shown when the next attempt is due",
        |run| {
            run.view(|audience, view| {
                let waits = audience == Audience::User && view.state == StateName::RetryWait;
                waits.then(|| view.next_event = None)
            });
        },
    ),
    records(
        "hides-failed-polls",
        Id::Vi10,
        "a failed poll is shown as if all were well",
        |run| {
            run.view(|audience, view| {
                let unknown = audience == Audience::User
                    && view.state == StateName::Running
                    && view.liveness == Liveness::StatusUnknown;
                unknown.then(|| view.liveness = Liveness::Fresh)
            });
        },
    ),
    records(
        "parks-in-silence",
        Id::Vi11,
        "no operator is told that a job is parked",
        |run| {
            remove(run.outside, |record| {
                matches!(record.event, OutsideEvent::People(PeopleEvent::Notified))
            });
        },
    ),
    records(
        "keeps-calls-open",
        Id::Vi12,
        "a stream stays open past the wait",
        stream_on,
    ),
    records(
        "claims-progress",
        Id::Vi13,
        "a view claims more than is there",
        |run| {
            run.view(|_, view| (view.state == StateName::Running).then(|| view.progress += 50));
        },
    ),
];

fn stream_on(run: &mut Records<'_>) {
    let fired = run.core.iter().find(|record| {
        matches!(
            record.event,
            CoreEvent::Job(JobEvent::LimitFired {
                limit: LimitName::Wait,
                ..
            })
        )
    });
    let Some((at, job)) = fired.map(|record| (record.at, record.job)) else {
        return;
    };
    let mine = run.service.iter().filter(|record| record.job == job);
    let mut sent = mine.filter_map(|record| match &record.event {
        ServiceEvent::Wire(WireEvent::Arrived { exchange, .. })
            if exchange.kind() == ExchangeKind::Create =>
        {
            Some(*exchange)
        }
        _ => None,
    });
    let Some(exchange) = sent.next_back() else { return };
    let event = WireEvent::StreamSent { exchange, seq: 9_999 };
    put(run.service, at + SimDuration::from_secs(1), job, event.into());
}
