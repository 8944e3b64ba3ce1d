//! What breaks the invariants of routing.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::list::{Sabotage, records, route};
use super::records::{Records, remove_all};
use super::router::Misroute;
use crate::check::Id;
use crate::policy::Attribute;
use crate::trace::{
    Boundary, CoreEvent, Decided, Execution, JobEvent, LaneName, OutsideEvent, Record, RouterEvent,
    RuntimeEvent, StateName, UserEvent,
};
use crate::units::{JobId, SimDuration};

/// The list.
pub(super) const LIST: &[Sabotage] = &[
    records(
        "decides-by-no-rule",
        Id::Ro01,
        "a decision names a rule that the policy does not have",
        |run| {
            run.decision(|decided| {
                decided.rule = "no-such-rule".into();
                Some(())
            });
        },
    ),
    route(
        "sends-everything-to-background",
        Id::Ro02,
        "background is chosen whatever the gates say",
        Misroute::AllBackground,
    ),
    records(
        "opens-shut-gates",
        Id::Ro03,
        "a shut gate is recorded as open",
        |run| {
            run.decision(|decided| {
                let shut = decided.gates.contains(&Some(false));
                shut.then(|| decided.gates = [Some(true); 3])
            });
        },
    ),
    route(
        "drops-the-boundary",
        Id::Ro04,
        "effects pass without the approval boundary",
        Misroute::NoBoundary,
    ),
    records(
        "trusts-the-unknown",
        Id::Ro06,
        "unknown effects need no approval",
        |run| {
            run.decision(|decided| {
                // What nobody has said anything about is not among the attributes.
                let named = Attribute::EFFECTS.iter().chain(&Attribute::UMBRELLAS);
                let mut known = named.filter_map(|effect| decided.attributes.get(effect.word()));
                let fenced = decided.boundary == Boundary::Approval;
                (fenced && known.all(|value| !value.starts_with("true")))
                    .then(|| decided.boundary = Boundary::None)
            });
        },
    ),
    records(
        "gives-no-reason",
        Id::Ro07,
        "a contested decision is taken by a rule without a reason",
        |run| {
            run.decision(|decided| {
                let contested = decided
                    .findings
                    .iter()
                    .any(|finding| finding.contains("contested"));
                contested.then(|| decided.rule = "otherwise".into())
            });
        },
    ),
    records(
        "reads-the-future",
        Id::Ro08,
        "a decision reads how long the task really takes",
        |run| {
            run.decision(|decided| {
                decided
                    .attributes
                    .insert("real_duration".into(), "40s (measured)".into());
                Some(())
            });
        },
    ),
    records(
        "changes-its-mind",
        Id::Ro09,
        "the same task gets another rule the second time",
        |run| {
            let mut known: BTreeMap<BTreeMap<Arc<str>, Arc<str>>, ()> = BTreeMap::new();
            run.decision(|decided| {
                let again = known.insert(decided.attributes.clone(), ()).is_some();
                again.then(|| decided.rule = "another".into())
            });
        },
    ),
    records(
        "forgets-the-policy",
        Id::Ro10,
        "a decision does not say by which policy",
        |run| {
            run.decision(|decided| {
                decided.policy = "".into();
                Some(())
            });
        },
    ),
    records(
        "overrules-the-policy",
        Id::Ro12,
        "what runs is not what the policy says",
        |run| {
            run.decision(|decided| (decided.execution == Execution::Background).then(|| overrule(decided)));
        },
    ),
    records(
        "starves-a-lane",
        Id::Ro15,
        "a job waits an hour for a place",
        starve,
    ),
    records(
        "loses-the-cursor",
        Id::Ro16,
        "a hand-over forgets where the stream was",
        |run| {
            run.job(|event| match event {
                JobEvent::HandedOver { cursor, .. } => {
                    *cursor = Some(cursor.map_or(0, |seq| seq + 99));
                    Some(())
                }
                _ => None,
            });
        },
    ),
    records(
        "gives-way-under-load",
        Id::Ro18,
        "the boundary falls when jobs wait",
        |run| {
            let mut waiting = [0_u32; 3];
            super::records::alter(run.core, |record| under_load(record, &mut waiting));
        },
    ),
];

/// Background becomes interactive, which is permitted and still not what was decided.
fn overrule(decided: &mut Decided) {
    decided.execution = Execution::Interactive;
    if decided.boundary == Boundary::None {
        decided.lane = LaneName::Interactive;
    }
}

fn under_load(record: &mut Record<CoreEvent>, waiting: &mut [u32; 3]) -> Option<()> {
    match &mut record.event {
        CoreEvent::Runtime(RuntimeEvent::LaneLoad {
            lane, waiting: now, ..
        }) => {
            waiting[*lane as usize] = *now;
            None
        }
        CoreEvent::Router(RouterEvent::Decided(decided)) => {
            let loaded = waiting.iter().any(|waiting| *waiting > 0) && decided.boundary == Boundary::Approval;
            loaded.then(|| Arc::make_mut(decided).boundary = Boundary::None)
        }
        _ => None,
    }
}

/// Everything of the first job that gets a place happens an hour later.
fn starve(run: &mut Records<'_>) {
    let granted = run.core.iter().position(|record| {
        matches!(
            record.event,
            CoreEvent::Job(JobEvent::Moved {
                from: Some(StateName::Queued),
                to: StateName::Dispatching,
                ..
            })
        )
    });
    let Some((place, job)) = granted.and_then(|place| Some((place, run.core[place].job?))) else {
        return;
    };
    let behind = run.core.split_off(place);
    let (mine, others): (Vec<_>, Vec<_>) = behind.into_iter().partition(|record| record.job == Some(job));
    run.core.extend(others);
    run.core.extend(mine.into_iter().map(later));
    run.core.sort_by_key(|record| record.at);
    // The loads were counted with this job.
    remove_all(run.core, |record| {
        matches!(record.event, CoreEvent::Runtime(RuntimeEvent::LaneLoad { .. }))
    });
    delay(run.service, job, |_| true);
    delay(run.outside, job, |record| {
        !matches!(record.event, OutsideEvent::User(UserEvent::Submitted { .. }))
    });
}

fn later<E>(mut record: Record<E>) -> Record<E> {
    record.at += SimDuration::from_secs(3_600);
    record
}

fn delay<E>(records: &mut Vec<Record<E>>, job: JobId, fits: impl Fn(&Record<E>) -> bool) {
    let all = std::mem::take(records);
    let mine = |record: &Record<E>| record.job == Some(job) && fits(record);
    records.extend(
        all.into_iter()
            .map(|record| if mine(&record) { later(record) } else { record }),
    );
    records.sort_by_key(|record| record.at);
}
