//! What breaks the invariants of cancellation.

use super::list::{Sabotage, records, traffic};
use super::records::{Records, follow, remove, remove_all};
use super::traffic::Traffic;
use crate::check::Id;
use crate::trace::{
    Audience, CoreEvent, JobEvent, On, OutsideEvent, Record, RuntimeEvent, SinkEvent, StateName,
};
use crate::units::{ExchangeKind, SimDuration};

/// The list.
pub(super) const LIST: &[Sabotage] = &[
    traffic(
        "loses-a-cancel",
        Id::Ca01,
        "a user's cancel never reaches the core",
        Traffic::IgnoreCancel,
    ),
    records(
        "cancels-twice",
        Id::Ca02,
        "a second cancel moves the job again",
        |run| {
            run.job_again(SimDuration::TICK, |event, _| match event {
                JobEvent::Moved {
                    on: On::CancelRequested,
                    to: StateName::Cancelling,
                    ..
                } => Some(event.clone()),
                _ => None,
            });
        },
    ),
    records(
        "ignores-late-cancels",
        Id::Ca03,
        "a cancel of an ended job is not answered",
        |run| {
            run.without_job(
                |event| matches!(event, JobEvent::CancelTooLate { during } if during.is_terminal()),
            );
        },
    ),
    records(
        "works-on-after-cancel",
        Id::Ca04,
        "a tool starts after the cancel has taken hold",
        start_after_cancel,
    ),
    records(
        "keeps-the-race-secret",
        Id::Ca05,
        "a success after a cancel does not say so",
        |run| {
            let success = run.core.iter().position(|record| {
                matches!(
                    record.event,
                    CoreEvent::Job(JobEvent::Moved {
                        on: On::ResponseCompletedFirst,
                        ..
                    })
                )
            });
            let Some(job) = success.and_then(|place| run.core[place].job) else {
                return;
            };
            remove_all(run.core, |record| {
                record.job == Some(job)
                    && matches!(record.event, CoreEvent::Job(JobEvent::CancelTooLate { .. }))
            });
        },
    ),
    records(
        "shows-cancelled-as-done",
        Id::Ca06,
        "a cancelled job is shown as a success later",
        |run| {
            follow(run.core, SimDuration::from_secs(1), |record| {
                match &record.event {
                    CoreEvent::Runtime(RuntimeEvent::Shown {
                        audience: Audience::User,
                        view,
                    }) if view.state == StateName::Cancelled => {
                        let mut view = (**view).clone();
                        view.state = StateName::Succeeded;
                        Some(CoreEvent::Runtime(RuntimeEvent::Shown {
                            audience: Audience::User,
                            view: view.into(),
                        }))
                    }
                    _ => None,
                }
            });
        },
    ),
    records(
        "forgets-a-waiting-cancel",
        Id::Ca07,
        "the id becomes known and the cancel is not applied",
        forget_cancel,
    ),
    records(
        "leaves-requests-open",
        Id::Ca08,
        "a cancelled job leaves its approval request open",
        |run| {
            run.without_job(|event| matches!(event, JobEvent::ApprovalClosed { how: "cancelled", .. }));
        },
    ),
    records(
        "ignores-cancels-of-effects",
        Id::Ca09,
        "a cancel during an effect is not answered",
        |run| {
            run.without_job(|event| {
                matches!(
                    event,
                    JobEvent::CancelTooLate {
                        during: StateName::Applying
                    }
                )
            });
        },
    ),
    traffic(
        "lets-cancelled-work-go-on",
        Id::Ca10,
        "no cancel leaves, so cancelled work goes on",
        Traffic::LoseCancels,
    ),
    records(
        "waits-for-ever",
        Id::Ca11,
        "a cancel without acknowledgement is waited for for ever",
        |run| {
            let deaf = run.core.iter().position(|record| {
                matches!(
                    record.event,
                    CoreEvent::Job(JobEvent::Moved {
                        on: On::NoAcknowledgement,
                        ..
                    })
                )
            });
            let Some((at, job)) = deaf.map(|place| (run.core[place].at, run.core[place].job)) else {
                return;
            };
            remove_all(run.core, |record| {
                let doubt = matches!(record.event, CoreEvent::Job(JobEvent::OrphanSuspected { .. }));
                record.at >= at && record.job == job && !doubt
            });
        },
    ),
    records(
        "blames-the-user",
        Id::Ca13,
        "what the service cancelled by itself is reported as cancelled",
        |run| {
            run.job(|event| match event {
                JobEvent::Moved { on, to, .. } if *on == On::ResponseCancelledUnasked => {
                    *to = StateName::Cancelled;
                    Some(())
                }
                _ => None,
            });
        },
    ),
];

fn start_after_cancel(run: &mut Records<'_>) {
    let cancelled = run.core.iter().find(|record| {
        matches!(
            record.event,
            CoreEvent::Job(JobEvent::Moved {
                from: Some(StateName::Cancelling),
                to: StateName::Cancelled,
                ..
            })
        )
    });
    let Some((at, job)) = cancelled.map(|record| (record.at, record.job)) else {
        return;
    };
    let event = SinkEvent::ToolStarted {
        tool: "search".into(),
        call: "call_late".into(),
        run: 1,
    };
    super::records::put(
        run.outside,
        at + SimDuration::from_secs(1),
        job,
        OutsideEvent::Sinks(event),
    );
}

fn forget_cancel(run: &mut Records<'_>) {
    let mut learned: Option<(crate::units::SimTime, Option<crate::units::JobId>)> = None;
    remove(run.core, |record: &Record<CoreEvent>| match &record.event {
        CoreEvent::Runtime(RuntimeEvent::Got { exchange, .. }) if exchange.kind() == ExchangeKind::Create => {
            learned = Some((record.at, record.job));
            false
        }
        CoreEvent::Runtime(RuntimeEvent::Sent { exchange, .. }) => {
            exchange.kind() == ExchangeKind::Cancel && learned == Some((record.at, record.job))
        }
        _ => false,
    });
}
