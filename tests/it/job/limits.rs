//! Limits of time: each fires when it is due, names itself, and never allows more than is left.

use lanebench::job::{Action, Told};
use lanebench::trace::{CoreEvent, JobEvent, LimitName, RuntimeEvent, StateName};
use lanebench::units::SimTime;
use lanebench::wire::Break;

use super::Case;
use super::play::{Answer, End, Play, lane, ms, placement, secs, setup};
use super::task::{calls, created, done, hasty, plan, plan_with, working};

fn ever_working() -> Play {
    Play::with(plan_with(|plan| {
        plan.limits.attempt = secs(20);
        plan.retry.attempts = 2;
    }))
    .reply("create.1", working("r1"))
    .reply("create.2", working("r1"))
    .reply("poll.*", working("r1"))
}

pub(crate) const CASES: &[Case] = &[
    Case::new(
        "the deadline while it runs",
        "accepted queued dispatching running timed_out",
        || {
            Play::with(hasty())
                .reply("create.1", working("r1"))
                .reply("poll.*", working("r1"))
        },
    ),
    Case::new(
        "the deadline during a create",
        "accepted queued dispatching timed_out",
        || Play::with(plan_with(|plan| plan.limits.deadline = secs(5))),
    ),
    Case::new("the deadline in the queue", "accepted queued expired", || {
        let mut lanes = lane();
        lanes.capacity = 0;
        let plan = plan_with(|plan| plan.limits.deadline = secs(5));
        Play::of(setup(vec![plan], &placement(), lanes))
    }),
    Case::new("the limit of the queue", "accepted queued expired", || {
        let mut lanes = lane();
        lanes.capacity = 0;
        Play::of(setup(vec![plan()], &placement(), lanes))
    }),
    Case::new(
        "the limit of the queue before it is let in",
        "accepted expired",
        || {
            let mut lanes = lane();
            lanes.waiting = 0;
            Play::of(setup(vec![plan()], &placement(), lanes))
        },
    ),
    Case::new("the deadline before it is let in", "accepted expired", || {
        let mut lanes = lane();
        lanes.waiting = 0;
        let plan = plan_with(|plan| plan.limits.deadline = secs(5));
        Play::of(setup(vec![plan], &placement(), lanes))
    }),
    Case::new(
        "each attempt has its limit, and the last ends the job",
        "accepted queued dispatching running retry_wait dispatching running timed_out",
        ever_working,
    ),
    Case::new(
        "all attempts together have one",
        "accepted queued dispatching running timed_out",
        || {
            Play::with(plan_with(|plan| plan.limits.attempts = secs(20)))
                .reply("create.1", working("r1"))
                .reply("poll.*", working("r1"))
        },
    ),
    Case::new(
        "a stream that falls silent ends with its attempt",
        "accepted queued dispatching running timed_out",
        || {
            Play::with(plan_with(|plan| {
                plan.follow = lanebench::job::Follow::Stream;
                plan.retry.attempts = 1;
            }))
            .on("create.1", Answer::Stream(vec![created(0, "r1")], End::StaysOpen))
        },
    ),
    Case::new(
        "a late result of a timed-out attempt is evidence",
        "accepted queued dispatching running timed_out",
        || {
            Play::with(hasty())
                .reply("create.1", working("r1"))
                .reply("poll.1", working("r1"))
                .reply("poll.2", working("r1"))
                .reply("poll.3", working("r1"))
                .reply("cancel.1", done("r1"))
                .at(
                    30_000,
                    Told::Reply {
                        exchange: "0.1.1.poll.3".parse().unwrap(),
                        reply: done("r1"),
                    },
                )
        },
    ),
];

/// No call is allowed more time than is left to the deadline; only the capture of a result that exists, and the
/// stop that is told at the deadline itself, have a limit of their own.
#[test]
fn no_call_is_allowed_more_than_is_left() {
    let mut seen = 0;
    for (name, play) in super::plays() {
        let deadline = play.events().find_map(|(_, event)| match event {
            JobEvent::Promised { deadline, .. } => Some(*deadline),
            _ => None,
        });
        let (mut state, mut extended) = (StateName::Accepted, false);
        for record in &play.notes {
            match &record.event {
                CoreEvent::Job(JobEvent::Moved { to, on, .. }) => {
                    state = *to;
                    extended |= on.word() == "operator_retry";
                }
                CoreEvent::Runtime(RuntimeEvent::Sent { limit, exchange, .. })
                    if exchange.job().0 == 0 && !extended =>
                {
                    let left = deadline.unwrap().since(record.at);
                    let own = state == StateName::Finalizing || left.is_zero() || state.is_terminal();
                    assert!(own || *limit <= left, "{name}: {exchange} has {limit} of {left}");
                    seen += 1;
                }
                _ => {}
            }
        }
    }
    assert!(seen > 200, "{seen}");
}

/// A limit fires in the tick in which it is due, unless the core knows earlier that it cannot be kept.
#[test]
fn limits_fire_when_they_are_due() {
    let mut seen = std::collections::BTreeSet::new();
    for (name, play) in super::plays() {
        for (at, event) in play.events() {
            if let JobEvent::LimitFired { limit, due, .. } = event {
                seen.insert(*limit);
                let early = matches!(limit, LimitName::Deadline | LimitName::Wait | LimitName::Attempts);
                assert!(
                    *due == at || early && *due > at || *due < at && name.contains("behind"),
                    "{name}: {limit} at {at}, due {due}"
                );
            }
        }
    }
    for limit in [
        LimitName::Deadline,
        LimitName::Wait,
        LimitName::Queue,
        LimitName::Attempt,
        LimitName::Attempts,
        LimitName::Call,
        LimitName::Tool,
        LimitName::ApprovalRequest,
        LimitName::Cancel,
        LimitName::Doubt,
        LimitName::Capture,
    ] {
        assert!(seen.contains(&limit), "no case shows the limit {limit}");
    }
}

/// A timed-out attempt is told to stop.
#[test]
fn a_timed_out_response_is_told_to_stop() {
    let play = ever_working().run();
    let stops = play.acted.iter().filter(|(_, action)| {
        matches!(action, Action::Send { exchange, .. } if exchange.kind() == lanebench::units::ExchangeKind::Cancel)
    });
    assert_eq!(stops.count(), 2);
}

/// The deadline is kept through retries, doubt and people.
#[test]
fn nothing_moves_the_deadline() {
    let plan = plan_with(|plan| {
        plan.limits.deadline = secs(100);
        plan.limits.approval_request = secs(500);
    });
    let play = Play::with(plan)
        .broke("create.1", Break::Refused)
        .reply("create.2", calls("r1", &[("send", "{}")]))
        .run();
    assert_eq!(play.when(StateName::TimedOut), SimTime::START + ms(100_000));
}
