//! What breaks the invariants of time-outs.

use super::list::{Sabotage, records, route, traffic};
use super::records::{Records, put, remove_all};
use super::router::Misroute;
use super::traffic::Traffic;
use crate::check::Id;
use crate::trace::{CoreEvent, JobEvent, LimitName, On, RuntimeEvent, ServiceEvent, StateName, WireEvent};
use crate::units::{ExchangeKind, SimDuration};

const HOUR: SimDuration = SimDuration::from_secs(3_600);

/// The list.
pub(super) const LIST: &[Sabotage] = &[
    route(
        "shortens-the-promise",
        Id::To01,
        "work that may be handed over gets the deadline of work that may not",
        Misroute::NoHandOver,
    ),
    records(
        "hands-over-with-more-time",
        Id::To02,
        "a hand-over grants a new deadline",
        |run| {
            run.job(|event| match event {
                JobEvent::HandedOver { deadline, .. } => {
                    *deadline += HOUR;
                    Some(())
                }
                _ => None,
            });
        },
    ),
    records(
        "calls-without-limit",
        Id::To03,
        "a call may take longer than there is time",
        |run| {
            run.runtime(|event| match event {
                RuntimeEvent::Sent { limit, .. } => {
                    *limit = HOUR.saturating_mul(24);
                    Some(())
                }
                _ => None,
            });
        },
    ),
    records(
        "misstates-a-limit",
        Id::To04,
        "a limit that fires has another length than declared",
        |run| {
            run.job(|event| match event {
                JobEvent::LimitFired { value, .. } => {
                    *value += HOUR;
                    Some(())
                }
                _ => None,
            });
        },
    ),
    records(
        "misplaces-a-limit",
        Id::To05,
        "a limit names another state than the one it fired in",
        |run| {
            run.job(|event| match event {
                JobEvent::LimitFired { during, .. } => {
                    *during = StateName::Accepted;
                    Some(())
                }
                _ => None,
            });
        },
    ),
    records(
        "fires-late",
        Id::To06,
        "a limit fires a second after it was due",
        |run| {
            run.job(|event| match event {
                JobEvent::LimitFired { due, .. } => {
                    *due = crate::units::SimTime::from_ticks(due.ticks().saturating_sub(1_000_000));
                    Some(())
                }
                _ => None,
            });
        },
    ),
    traffic(
        "abandons-timed-out-work",
        Id::To07,
        "no cancel leaves, so what timed out goes on",
        Traffic::LoseCancels,
    ),
    records(
        "stretches-a-request",
        Id::To08,
        "an approval request lives longer than declared",
        |run| {
            run.job(|event| match event {
                JobEvent::ApprovalRequested { expires, .. } => {
                    *expires += HOUR;
                    Some(())
                }
                _ => None,
            });
        },
    ),
    records(
        "promises-too-much",
        Id::To09,
        "a view promises more time than is enforced",
        |run| {
            run.view(|_, view| {
                view.deadline += HOUR;
                Some(())
            });
        },
    ),
    records(
        "polls-after-the-deadline",
        Id::To10,
        "a response is polled after its deadline",
        poll_late,
    ),
    records(
        "never-hands-over",
        Id::To11,
        "interactive work is kept waiting past its wait",
        |run| {
            remove_all(run.core, |record| {
                matches!(
                    record.event,
                    CoreEvent::Job(JobEvent::HandedOver { .. } | JobEvent::Moved { on: On::HandOver, .. })
                )
            });
        },
    ),
];

fn poll_late(run: &mut Records<'_>) {
    let fired = run.core.iter().find(|record| {
        matches!(
            record.event,
            CoreEvent::Job(JobEvent::LimitFired {
                limit: LimitName::Deadline | LimitName::Wait,
                during: StateName::Running,
                ..
            })
        )
    });
    let Some((at, job)) = fired.map(|record| (record.at, record.job)) else {
        return;
    };
    let mine = run.service.iter().filter(|record| record.job == job);
    let mut last = mine.filter_map(|record| match &record.event {
        ServiceEvent::Wire(WireEvent::Arrived {
            exchange, response, ..
        }) => Some((*exchange, response.clone())),
        _ => None,
    });
    let Some((before, response)) = last.next_back() else {
        return;
    };
    let exchange = before.beside(ExchangeKind::Poll, before.nth() + 1_000);
    let event = ServiceEvent::Wire(WireEvent::Arrived {
        exchange,
        kind: ExchangeKind::Poll,
        response,
        after: None,
    });
    put(run.service, at + SimDuration::from_secs(1), job, event);
}
