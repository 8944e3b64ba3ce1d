//! What breaks the invariants of status.

use super::list::{Sabotage, records, traffic};
use super::records::Records;
use super::traffic::Traffic;
use crate::check::Id;
use crate::trace::{Audience, Cause, JobEvent, Liveness, On, RuntimeEvent, StateName};
use crate::units::SimDuration;

/// The list.
pub(super) const LIST: &[Sabotage] = &[
    records(
        "moves-from-elsewhere",
        Id::St01,
        "a job moves from a state it is not in",
        |run| {
            run.job(|event| match event {
                JobEvent::Moved { from, on, .. } if *on == On::ResponseKnown => {
                    (*from, *on) = (Some(StateName::InDoubt), On::Adopted);
                    Some(())
                }
                _ => None,
            });
        },
    ),
    records(
        "moves-off-the-table",
        Id::St02,
        "a job moves as the table does not allow",
        |run| {
            run.job(|event| match event {
                JobEvent::Moved { on, .. } if *on == On::CapacityGranted => {
                    *on = On::Adopted;
                    Some(())
                }
                _ => None,
            });
        },
    ),
    records(
        "rises-from-the-dead",
        Id::St03,
        "a job that has ended queues again",
        |run| {
            run.job_again(SimDuration::from_secs(1), |event, _| match event {
                JobEvent::Moved {
                    to,
                    attempt,
                    charged,
                    turn,
                    ..
                } if to.is_terminal() => Some(JobEvent::Moved {
                    from: Some(*to),
                    on: On::OperatorRetry,
                    to: StateName::Queued,
                    attempt: *attempt,
                    charged: *charged,
                    turn: *turn,
                    cause: None,
                    by: None,
                }),
                _ => None,
            });
        },
    ),
    records(
        "keeps-losers-waiting",
        Id::St04,
        "who decides too late is not told",
        |run| {
            run.without_job(|event| {
                matches!(
                    event,
                    JobEvent::DecisionRefused {
                        why: "closed" | "superseded",
                        ..
                    }
                )
            });
        },
    ),
    records(
        "stamps-views-wrongly",
        Id::St05,
        "a view names another instant for its state",
        |run| {
            run.view(|_, view| {
                view.since += SimDuration::from_secs(1);
                Some(())
            });
        },
    ),
    traffic(
        "guesses-unknown-status",
        Id::St06,
        "an unknown wire status is read as a completion",
        Traffic::GuessStatus,
    ),
    traffic(
        "overlooks-calls",
        Id::St07,
        "a response that asks for a tool is read as an answer",
        Traffic::OverlookCalls,
    ),
    records(
        "parks-without-cause",
        Id::St08,
        "a job is parked without a cause",
        |run| {
            run.job(|event| match event {
                JobEvent::Moved { to, cause, .. } if *to == StateName::NeedsIntervention => {
                    *cause = None;
                    Some(())
                }
                _ => None,
            });
        },
    ),
    records(
        "confuses-waiting-states",
        Id::St09,
        "waiting for a person is shown as waiting for an operator",
        |run| {
            run.view(|_, view| {
                if view.state == StateName::NeedsIntervention {
                    view.headline = "waiting for a person to approve".into();
                }
                None
            });
        },
    ),
    records(
        "renames-causes",
        Id::St10,
        "an operator is shown another code of the same cause",
        |run| {
            run.view(|audience, view| {
                let ended = audience == Audience::Operator && view.state.is_terminal();
                let cause = view.cause.as_mut().filter(|_| ended)?;
                *cause = Cause {
                    code: "something_else".into(),
                    detail: cause.detail.clone(),
                };
                Some(())
            });
        },
    ),
    records(
        "writes-verdict-over-state",
        Id::St11,
        "a stalled job is shown in another state",
        |run| {
            run.view(|_, view| {
                let quiet = matches!(view.liveness, Liveness::Quiet | Liveness::Stalled)
                    && view.state == StateName::Running;
                quiet.then(|| view.state = StateName::Failed)
            });
        },
    ),
    records(
        "miscounts-a-lane",
        Id::St12,
        "the load of a lane has one job too many",
        |run| {
            run.runtime(|event| match event {
                RuntimeEvent::LaneLoad { active, .. } => {
                    *active += 1;
                    Some(())
                }
                _ => None,
            });
        },
    ),
    records(
        "hides-open-jobs",
        Id::St13,
        "an operator is not shown a job that moved",
        hide_from_operator,
    ),
];

fn hide_from_operator(run: &mut Records<'_>) {
    run.without_runtime(|event| {
        matches!(event, RuntimeEvent::Shown { audience: Audience::Operator, view } if view.state == StateName::Dispatching)
    });
}
