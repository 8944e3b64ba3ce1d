//! What breaks the invariants of completion and of durability.

use super::list::{Sabotage, records, traffic};
use super::records::{Records, alter, follow, put, remove_all};
use super::traffic::Traffic;
use crate::check::Id;
use crate::trace::{
    BackendEvent, CoreEvent, JobEvent, OutsideEvent, Record, RuntimeEvent, ServiceEvent, SinkEvent,
    StateName, UserEvent,
};
use crate::units::SimDuration;
use crate::wire::{ResponseId, Status};

/// The list.
pub(super) const LIST: &[Sabotage] = &[
    records(
        "succeeds-with-a-part",
        Id::Co01,
        "a job succeeds with a result that is not whole",
        |run| {
            run.job(|event| match event {
                JobEvent::ResultStored {
                    partial,
                    response: Some(_),
                    ..
                } if !*partial => {
                    *partial = true;
                    Some(())
                }
                _ => None,
            });
        },
    ),
    records(
        "captures-what-is-gone",
        Id::Co02,
        "a result is captured long after it was dropped",
        drop_early,
    ),
    traffic(
        "calls-a-part-whole",
        Id::Co03,
        "output that was cut short is read as complete",
        Traffic::CallItComplete,
    ),
    records(
        "delivers-twice",
        Id::Co04,
        "a result is recorded as taken twice",
        |run| {
            follow(run.outside, SimDuration::TICK, |record| match &record.event {
                OutsideEvent::User(event @ UserEvent::Retrieved { .. }) => Some(event.clone().into()),
                _ => None,
            });
        },
    ),
    traffic(
        "loses-a-stream-event",
        Id::Co06,
        "an event of a stream never reaches the core",
        Traffic::LoseStreamEvent,
    ),
    records(
        "completes-twice",
        Id::Co07,
        "the result of one response is stored twice",
        |run| {
            run.job_again(SimDuration::ZERO, |event, _| match event {
                JobEvent::ResultStored {
                    response: Some(_), ..
                } => Some(event.clone()),
                _ => None,
            });
        },
    ),
    records(
        "sleeps-through-completion",
        Id::Co08,
        "a response ended long before anybody looked",
        end_early,
    ),
    traffic(
        "believes-any-webhook",
        Id::Co09,
        "a webhook is acted on without a look at its signature",
        Traffic::BelieveWebhooks,
    ),
    records(
        "succeeds-with-nothing",
        Id::Co10,
        "an empty result counts as success",
        |run| {
            run.job(|event| match event {
                JobEvent::ResultStored {
                    len,
                    response: Some(_),
                    ..
                } if *len > 0 => {
                    *len = 0;
                    Some(())
                }
                _ => None,
            });
        },
    ),
    records(
        "forgets-the-bill",
        Id::Co11,
        "no record says what a response cost",
        |run| {
            remove_all(run.core, |record| {
                matches!(record.event, CoreEvent::Job(JobEvent::Used { .. }))
            });
        },
    ),
    records("never-ends", Id::Co12, "a job stops short of its end", |run| {
        let ends = |record: &Record<CoreEvent>| {
            matches!(
                record.event,
                CoreEvent::Job(JobEvent::Moved {
                    to: StateName::Succeeded,
                    ..
                })
            )
        };
        let Some((at, job)) = run
            .core
            .iter()
            .find(|record| ends(record))
            .map(|record| (record.at, record.job))
        else {
            return;
        };
        // The loads were counted with the job still there.
        let load = |record: &Record<CoreEvent>| {
            matches!(record.event, CoreEvent::Runtime(RuntimeEvent::LaneLoad { .. }))
        };
        remove_all(run.core, |record| {
            (record.at >= at && record.job == job) || load(record)
        });
    }),
    records(
        "sends-off-the-record",
        Id::Du03,
        "a request arrives that nobody recorded as sent",
        |run| {
            run.without_runtime(|event| matches!(event, RuntimeEvent::Sent { .. }));
        },
    ),
    traffic(
        "loses-a-create",
        Id::Du09,
        "a create that is recorded as sent never leaves",
        Traffic::LoseCreate,
    ),
    records(
        "repeats-in-doubt",
        Id::Du12,
        "an effect in doubt is tried again where nobody can know",
        repeat_lost,
    ),
    records(
        "rewrites-history",
        Id::Du14,
        "a record differs from what a replay gives",
        |run| {
            run.job(|event| match event {
                JobEvent::Used { input, .. } => {
                    *input += 1;
                    Some(())
                }
                _ => None,
            });
        },
    ),
];

/// Every effect whose receipt was lost is tried again.
fn repeat_lost(run: &mut Records<'_>) {
    let lost: Vec<_> = run
        .outside
        .iter()
        .filter_map(|record| match &record.event {
            OutsideEvent::Sinks(SinkEvent::ReceiptLost { sink, key }) => {
                Some((record.at, record.job, sink.clone(), key.clone()))
            }
            _ => None,
        })
        .collect();
    for (at, job, sink, key) in lost {
        let event = SinkEvent::Repeated { sink, key };
        put(run.outside, at + SimDuration::from_secs(1), job, event.into());
    }
}

/// Moves the end of a response whose webhook did not come to its beginning.
/// Lets the service forget the response whose result took longest right after it was made.
fn drop_early(run: &mut Records<'_>) {
    let stored = |response: &ResponseId| {
        run.core.iter().find(|record| {
            matches!(&record.event, CoreEvent::Job(JobEvent::ResultStored { response: Some(of), .. }) if of == response)
        })
    };
    let made = run.service.iter().filter_map(|record| match &record.event {
        ServiceEvent::Backend(BackendEvent::Created { response, .. }) => Some((
            stored(response)?.at.since(record.at),
            record.at,
            record.job,
            response.clone(),
        )),
        _ => None,
    });
    let Some((_, at, job, response)) = made.max_by_key(|(took, ..)| *took) else {
        return;
    };
    let why = "expired";
    let event = BackendEvent::Dropped { response, why };
    put(run.service, at + SimDuration::TICK, job, event.into());
}

fn end_early(run: &mut Records<'_>) {
    let followed: Vec<_> = run
        .core
        .iter()
        .filter(|record| {
            matches!(&record.event, CoreEvent::Runtime(RuntimeEvent::WebhookTaken { what, .. }) if *what == "read_state")
        })
        .map(|record| record.job)
        .collect();
    let hooked: Vec<_> = run
        .service
        .iter()
        .filter_map(|record| match &record.event {
            ServiceEvent::Backend(BackendEvent::Became {
                response,
                status: Status::Completed,
                ..
            }) if !followed.contains(&record.job) => Some(response.clone()),
            _ => None,
        })
        .collect();
    for response in hooked {
        let of = |found: &crate::wire::ResponseId| *found == response;
        let made = run.service.iter().find(|record| {
            matches!(&record.event, ServiceEvent::Backend(BackendEvent::Created { response, .. }) if of(response))
        });
        let Some((at, job)) = made.map(|record| (record.at, record.job)) else {
            continue;
        };
        let event = BackendEvent::Became {
            response: response.clone(),
            status: Status::Completed,
            code: None,
        };
        put(run.service, at, job, event.into());
    }
}

/// Changes what a user took.
pub(super) fn take_another(run: &mut Records<'_>) {
    alter(run.outside, |record| match &mut record.event {
        OutsideEvent::User(UserEvent::Retrieved { digest }) => {
            *digest = "another".into();
            Some(())
        }
        _ => None,
    });
}
