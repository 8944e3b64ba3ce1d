//! What breaks the invariants of retry.

use super::list::{Sabotage, records, traffic};
use super::records::{Records, follow, put, remove_all};
use super::traffic::Traffic;
use crate::check::Id;
use crate::trace::{
    CoreEvent, JobEvent, Record, RuntimeEvent, ServiceEvent, SinkEvent, StateName, WireEvent,
};
use crate::units::{AttemptNo, Exchange, ExchangeKind, SimDuration, SimTime};

/// The list.
pub(super) const LIST: &[Sabotage] = &[
    records(
        "sends-an-extra-create",
        Id::Rt01,
        "a create is on the wire that nobody started",
        |run| {
            follow(run.service, SimDuration::ZERO, |record| extra_create(record, 0));
        },
    ),
    records(
        "repeats-requests",
        Id::Rt02,
        "something on the way to the service repeats a request",
        |run| {
            follow(run.service, SimDuration::TICK, |record| match &record.event {
                ServiceEvent::Wire(event @ WireEvent::Arrived { .. }) => Some(event.clone().into()),
                _ => None,
            });
        },
    ),
    records(
        "forgets-to-classify",
        Id::Rt03,
        "a failed create gets no row of the norm",
        |run| {
            run.without_job(|event| {
            matches!(event, JobEvent::Classified { exchange: Some(exchange), .. } if exchange.kind() == ExchangeKind::Create)
        });
        },
    ),
    traffic(
        "retries-permanent-failures",
        Id::Rt04,
        "a failure for good is taken for one that may pass",
        Traffic::ExcusePermanentFailure,
    ),
    traffic(
        "forgets-retry-after",
        Id::Rt05,
        "the wait of a 429 is not read",
        Traffic::ForgetRetryAfter,
    ),
    records(
        "waits-outside-the-law",
        Id::Rt06,
        "a delay is longer than its cap",
        |run| {
            run.job(|event| match event {
                JobEvent::RetryPlanned { delay, .. } => {
                    *delay += SimDuration::from_secs(3_600);
                    Some(())
                }
                _ => None,
            });
        },
    ),
    records(
        "retries-without-jitter",
        Id::Rt07,
        "every delay is as long as its cap",
        without_jitter,
    ),
    records(
        "overdraws-the-budget",
        Id::Rt08,
        "a lane retries without paying",
        |run| {
            let started = |record: &Record<CoreEvent>| {
                matches!(
                    &record.event,
                    CoreEvent::Job(JobEvent::Moved {
                        to: StateName::Dispatching,
                        ..
                    })
                )
            };
            let Some(first) = run.core.iter().find(|record| started(record)).cloned() else {
                return;
            };
            for _ in 0..10_000 {
                put(
                    run.core,
                    first.at,
                    first.job,
                    CoreEvent::Job(JobEvent::TwinSent { attempt: 1 }),
                );
            }
        },
    ),
    records(
        "plans-behind-the-deadline",
        Id::Rt09,
        "a retry is planned for after the deadline",
        |run| {
            run.job(|event| match event {
                JobEvent::RetryPlanned { due, .. } => {
                    *due = SimTime::CAP;
                    Some(())
                }
                _ => None,
            });
        },
    ),
    records(
        "forgets-why-it-stopped",
        Id::Rt10,
        "no record says why retrying stopped",
        |run| {
            run.without_job(|event| matches!(event, JobEvent::RetryStopped { .. }));
        },
    ),
    traffic(
        "applies-twice",
        Id::Rt11,
        "an effect is sent to its sink twice",
        Traffic::ApplyTwice,
    ),
    records(
        "forgets-twins",
        Id::Rt14,
        "a second create leaves no record of the first",
        |run| {
            remove_all(run.core, |record| {
                matches!(
                    record.event,
                    CoreEvent::Job(JobEvent::TwinSent { .. } | JobEvent::OrphanSuspected { .. })
                )
            });
        },
    ),
    records(
        "overlaps-attempts",
        Id::Rt15,
        "a later attempt starts while a response runs",
        overlap,
    ),
];

fn extra_create(record: &Record<ServiceEvent>, later: u16) -> Option<ServiceEvent> {
    let ServiceEvent::Wire(WireEvent::Arrived { exchange, .. }) = &record.event else {
        return None;
    };
    let attempt = AttemptNo(exchange.attempt().0 + later);
    let (turn, nth) = (exchange.turn(), exchange.nth() + 1_000);
    let extra = Exchange::new(exchange.job(), attempt, turn, ExchangeKind::Create, nth);
    (exchange.kind() == ExchangeKind::Create).then_some({
        ServiceEvent::Wire(WireEvent::Arrived {
            exchange: extra,
            kind: ExchangeKind::Create,
            response: None,
            after: None,
        })
    })
}

/// In every tick in which several retries are planned, all of them get the whole cap.
fn without_jitter(run: &mut Records<'_>) {
    let planned =
        |record: &Record<CoreEvent>| matches!(record.event, CoreEvent::Job(JobEvent::RetryPlanned { .. }));
    let ticks: Vec<SimTime> = run
        .core
        .iter()
        .filter(|record| planned(record))
        .map(|record| record.at)
        .collect();
    for record in run.core.iter_mut() {
        let together = ticks.iter().filter(|tick| **tick == record.at).count();
        if let CoreEvent::Job(JobEvent::RetryPlanned {
            due,
            delay,
            ceiling,
            told,
            ..
        }) = &mut record.event
            && together >= 8
        {
            *delay = told.unwrap_or_default() + *ceiling;
            *due = record.at + *delay;
        }
    }
}

fn overlap(run: &mut Records<'_>) {
    let running = run.core.iter().find_map(|record| match &record.event {
        CoreEvent::Runtime(RuntimeEvent::Got {
            exchange,
            status: Some(status),
            ..
        }) => {
            (exchange.kind() == ExchangeKind::Create && status.is_open()).then_some((record.at, record.job))
        }
        _ => None,
    });
    let Some((at, job)) = running else { return };
    let arrived = run
        .service
        .iter()
        .filter(|record| record.job == job)
        .find_map(|record| extra_create(record, 1));
    if let Some(event) = arrived {
        put(run.service, at + SimDuration::TICK, job, event);
    }
}

/// The first effect that landed, once more.
pub(super) fn landed_again(record: &Record<crate::trace::OutsideEvent>) -> Option<SinkEvent> {
    match &record.event {
        crate::trace::OutsideEvent::Sinks(event @ SinkEvent::Applied { .. }) => Some(event.clone()),
        _ => None,
    }
}
