//! What breaks the approval boundary.

use std::sync::Arc;

use super::list::{Sabotage, open_sinks, records, traffic};
use super::records::{Records, alter, follow, put, remove};
use super::retry::landed_again;
use super::traffic::Traffic;
use crate::check::Id;
use crate::trace::{
    Boundary, CoreEvent, Execution, JobEvent, On, OutsideEvent, PeopleEvent, Principal, RuntimeEvent,
    SinkEvent, StateName,
};
use crate::units::{ExchangeKind, SimDuration, SimTime};

/// The list.
pub(super) const LIST: &[Sabotage] = &[
    open_sinks(
        "applies-without-leave",
        Id::Ap01,
        "effects are applied with a forged grant while people are being asked, and the sinks let them in",
        Traffic::ApplyBeforeApproval,
    ),
    records(
        "spends-a-grant-twice",
        Id::Ap02,
        "one grant releases two effects",
        |run| {
            follow(run.outside, SimDuration::TICK, |record| {
                match landed_again(record)? {
                    SinkEvent::Applied {
                        sink, digest, grant, ..
                    } => Some(OutsideEvent::Sinks(SinkEvent::Applied {
                        sink,
                        key: "another".into(),
                        digest,
                        grant,
                    })),
                    _ => None,
                }
            });
        },
    ),
    records(
        "uses-the-old-request",
        Id::Ap03,
        "a request that was edited away releases an act",
        |run| {
            replaced(run, On::Edited);
        },
    ),
    traffic(
        "shows-other-acts",
        Id::Ap04,
        "approvers see other arguments than will be executed",
        Traffic::ShowOtherActs,
    ),
    records(
        "skips-the-second-look",
        Id::Ap05,
        "an edited act is released without a decision of its own",
        |run| {
            let Some(edited) = request_after(run, On::Edited) else {
                return;
            };
            run.outside.retain(|record| {
            !matches!(&record.event, OutsideEvent::People(PeopleEvent::Decided { approval, .. }) if *approval == edited)
        });
        },
    ),
    records(
        "releases-another-act",
        Id::Ap06,
        "an act is released that nobody was asked about",
        |run| {
            run.job(|event| match event {
                JobEvent::GrantConsumed { digest, .. } => {
                    *digest = "another".into();
                    Some(())
                }
                _ => None,
            });
        },
    ),
    records(
        "takes-silence-for-a-yes",
        Id::Ap07,
        "a request that expired releases an act",
        silence,
    ),
    records(
        "spends-ended-grants",
        Id::Ap08,
        "an effect lands after its grant has ended",
        |run| {
            run.job(|event| match event {
                JobEvent::GrantConsumed { expires, .. } => {
                    *expires = SimTime::START;
                    Some(())
                }
                _ => None,
            });
        },
    ),
    records(
        "leaves-the-denied-waiting",
        Id::Ap09,
        "a denial does not move the job",
        |run| {
            run.without_job(|event| matches!(event, JobEvent::Moved { on: On::Denied, .. }));
        },
    ),
    records("closes-twice", Id::Ap11, "a request is closed twice", |run| {
        run.job_again(SimDuration::ZERO, |event, _| match event {
            JobEvent::ApprovalClosed { how: "approved", .. } => Some(event.clone()),
            _ => None,
        });
    }),
    records(
        "lets-anybody-decide",
        Id::Ap12,
        "somebody without the role approves",
        |run| {
            alter(run.outside, |record| yes_by(record, "nobody"));
        },
    ),
    records(
        "lets-requesters-decide",
        Id::Ap13,
        "the requester approves the own task",
        |run| {
            alter(run.outside, |record| yes_by(record, "user"));
        },
    ),
    records(
        "counts-one-for-two",
        Id::Ap14,
        "one person counts as two",
        |run| {
            for record in run.outside.iter_mut() {
                let _ = yes_by(record, "ada");
            }
        },
    ),
    records(
        "rides-over-a-new-rule",
        Id::Ap15,
        "an approval from before a new rule releases an act",
        |run| {
            replaced(run, On::Reevaluate);
        },
    ),
    records(
        "swallows-a-changed-target",
        Id::Ap16,
        "an effect refused for its target is not asked for again",
        |run| {
            run.without_job(|event| {
                matches!(
                    event,
                    JobEvent::Moved {
                        on: On::GrantRefused,
                        ..
                    }
                )
            });
        },
    ),
    records(
        "reads-approved-as-done",
        Id::Ap17,
        "an approved effect never lands and the job succeeds",
        never_lands,
    ),
    records(
        "asks-again-unchanged",
        Id::Ap18,
        "what was denied is asked for again",
        asks_again,
    ),
    records(
        "decides-by-looking",
        Id::Ap19,
        "a request is approved because it was seen",
        |run| {
            remove(run.outside, |record| {
                matches!(
                    &record.event,
                    OutsideEvent::People(PeopleEvent::Decided {
                        verdict: "approve",
                        ..
                    })
                )
            });
        },
    ),
    traffic(
        "knocks-without-leave",
        Id::Ap21,
        "effects are sent to their sinks with a forged grant while people are being asked",
        Traffic::ApplyBeforeApproval,
    ),
    traffic(
        "runs-effects-as-tools",
        Id::Ap21,
        "effects are run like tools, beside the gate",
        Traffic::RunEffectsAsTools,
    ),
    records(
        "runs-what-nobody-declared",
        Id::Ap22,
        "an undeclared tool runs",
        |run| {
            let Some((at, job)) = awaiting(run) else { return };
            let event = SinkEvent::ToolStarted {
                tool: "drop_tables".into(),
                call: "call_made_up".into(),
                run: 1,
            };
            put(run.outside, at, job, OutsideEvent::Sinks(event));
        },
    ),
    records(
        "keeps-working-while-waiting",
        Id::Ap23,
        "a job that waits for a person polls on",
        polls_while_waiting,
    ),
    records(
        "issues-blanket-grants",
        Id::Ap24,
        "two acts are released by one grant",
        blanket,
    ),
    records(
        "knows-two-boundaries",
        Id::Ap25,
        "interactive work with the same effects needs no approval",
        |run| {
            run.decision(|decided| {
                let live =
                    decided.boundary == Boundary::Approval && decided.execution == Execution::Interactive;
                live.then(|| decided.boundary = Boundary::None)
            });
        },
    ),
    records(
        "acts-while-preparing",
        Id::Ap26,
        "an effect lands before anybody was asked",
        |run| {
            let Some((at, job)) = awaiting(run) else { return };
            let event = SinkEvent::Applied {
                sink: "mail".into(),
                key: "early".into(),
                digest: "early".into(),
                grant: "early".into(),
            };
            put(run.outside, at, job, OutsideEvent::Sinks(event));
        },
    ),
];

/// Makes this person the author of an approval.
fn yes_by(record: &mut crate::trace::Record<OutsideEvent>, name: &str) -> Option<()> {
    match &mut record.event {
        OutsideEvent::People(PeopleEvent::Decided {
            by,
            verdict: "approve",
            eligible: true,
            ..
        }) => {
            *by = Principal(name.into());
            Some(())
        }
        _ => None,
    }
}

/// When and where a person begins to be awaited first.
fn awaiting(run: &Records<'_>) -> Option<(SimTime, Option<crate::units::JobId>)> {
    let waits = run.core.iter().find(|record| {
        matches!(
            record.event,
            CoreEvent::Job(JobEvent::Moved {
                to: StateName::AwaitingApproval,
                ..
            })
        )
    })?;
    Some((waits.at, waits.job))
}

/// The request that was put after a move of this kind.
fn request_after(run: &Records<'_>, wanted: On) -> Option<Arc<str>> {
    let moved = run.core.iter().position(
        |record| matches!(&record.event, CoreEvent::Job(JobEvent::Moved { on, .. }) if *on == wanted),
    )?;
    let before = run.core[..moved]
        .iter()
        .rev()
        .filter(|record| record.job == run.core[moved].job);
    before
        .filter_map(|record| match &record.event {
            CoreEvent::Job(JobEvent::ApprovalRequested { approval, .. }) => Some(approval.clone()),
            _ => None,
        })
        .next()
}

/// A grant that follows a replacement of this kind is issued for the request that was replaced.
fn replaced(run: &mut Records<'_>, on: On) {
    let Some(new) = request_after(run, on) else { return };
    let old = run.core.iter().find_map(|record| match &record.event {
        CoreEvent::Job(JobEvent::ApprovalRequested {
            approval,
            supersedes: Some(old),
            digests,
            ..
        }) if *approval == new => Some((old.clone(), digests.clone())),
        _ => None,
    });
    let Some((old, _)) = old else { return };
    run.job(|event| match event {
        JobEvent::GrantConsumed { approval, .. } if *approval == new => {
            *approval = old.clone();
            Some(())
        }
        _ => None,
    });
}

fn silence(run: &mut Records<'_>) {
    let requests: Vec<(Arc<str>, Arc<str>)> = run
        .core
        .iter()
        .filter_map(|record| match &record.event {
            CoreEvent::Job(JobEvent::ApprovalRequested {
                approval, digests, ..
            }) => Some((approval.clone(), digests.first()?.clone())),
            _ => None,
        })
        .collect();
    run.job_again(SimDuration::ZERO, |event, now| match event {
        JobEvent::ApprovalClosed {
            approval,
            how: "expired",
        } => {
            let (_, digest) = requests.iter().find(|(id, _)| id == approval)?;
            Some(JobEvent::GrantConsumed {
                grant: "silent".into(),
                approval: approval.clone(),
                digest: digest.clone(),
                expires: now + SimDuration::from_secs(60),
            })
        }
        _ => None,
    });
}

/// Takes an effect away behind whose turn the model went on.
fn never_lands(run: &mut Records<'_>) {
    let went_on: Vec<_> = run
        .core
        .iter()
        .filter(|record| {
            matches!(
                record.event,
                CoreEvent::Job(JobEvent::Moved {
                    on: On::EffectReceiptMoreTurns,
                    ..
                })
            )
        })
        .map(|record| record.job)
        .collect();
    remove(run.outside, |record| {
        went_on.contains(&record.job)
            && matches!(record.event, OutsideEvent::Sinks(SinkEvent::Applied { .. }))
    });
}

fn asks_again(run: &mut Records<'_>) {
    let denied = run.core.iter().find_map(|record| match &record.event {
        CoreEvent::Job(JobEvent::ApprovalClosed {
            approval,
            how: "denied",
        }) => Some(approval.clone()),
        _ => None,
    });
    let Some(denied) = denied else { return };
    let asked = run.core.iter().find_map(|record| match &record.event {
        CoreEvent::Job(JobEvent::ApprovalRequested {
            approval, digests, ..
        }) if *approval == denied => Some(digests.clone()),
        _ => None,
    });
    let Some(digests) = asked else { return };
    run.job_again(SimDuration::ZERO, |event, now| match event {
        JobEvent::ApprovalClosed { how: "denied", .. } => Some(JobEvent::ApprovalRequested {
            approval: "again".into(),
            digests: digests.clone(),
            expires: now + SimDuration::from_secs(60),
            supersedes: None,
            quorum: 1,
        }),
        _ => None,
    });
}

fn polls_while_waiting(run: &mut Records<'_>) {
    let Some((at, job)) = awaiting(run) else { return };
    let mine = run
        .core
        .iter()
        .filter(|record| record.job == job && record.at <= at);
    let mut last = mine.filter_map(|record| match &record.event {
        CoreEvent::Runtime(RuntimeEvent::Sent { exchange, .. }) if exchange.kind() == ExchangeKind::Poll => {
            Some(*exchange)
        }
        _ => None,
    });
    let Some(before) = last.next_back() else {
        return;
    };
    let exchange = before.beside(ExchangeKind::Poll, before.nth() + 1_000);
    let event = RuntimeEvent::Sent {
        exchange,
        response: None,
        limit: SimDuration::TICK,
    };
    put(run.core, at + SimDuration::TICK, job, event.into());
}

/// The second grant of an approval gets the id of the first.
fn blanket(run: &mut Records<'_>) {
    let mut first: Option<(Arc<str>, Arc<str>)> = None;
    run.job(|event| match event {
        JobEvent::GrantConsumed { grant, approval, .. } => match &first {
            Some((of, id)) if of == approval => {
                *grant = id.clone();
                Some(())
            }
            _ => {
                first = Some((approval.clone(), grant.clone()));
                None
            }
        },
        _ => None,
    });
}
