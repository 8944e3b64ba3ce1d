//! Creates that bring no response, and what is made of them.

use lanebench::job::{Plan, Told};
use lanebench::trace::{JobEvent, StateName, Verb};
use lanebench::units::SimTime;
use lanebench::wire::{Break, Reply, Wait};

use super::Case;
use super::play::{Play, lane, ms, placement, secs, setup};
use super::task::{api_error, done, error, failed, limited, operator, plan, plan_with, working};

const ONCE_MORE: &str = "accepted queued dispatching retry_wait dispatching running finalizing succeeded";
const FAILED: &str = "accepted queued dispatching failed";
const PARKED: &str = "accepted queued dispatching needs_intervention";

fn told(http: u16, again: bool) -> Reply {
    let mut error = api_error(http, None, None);
    error.should_retry = Some(again);
    Reply::Error(error.into())
}

fn poor() -> Play {
    let mut lanes = lane();
    lanes.budget = 0;
    Play::of(setup(vec![plan()], &placement(), lanes))
}

pub(crate) const CASES: &[Case] = &[
    Case::new("no connection", ONCE_MORE, || {
        Play::new()
            .broke("create.1", Break::Refused)
            .reply("create.2", done("r1"))
    }),
    Case::new(
        "attempts are used up",
        "accepted queued dispatching retry_wait dispatching retry_wait dispatching retry_wait failed",
        || Play::new().broke("create.*", Break::Refused),
    ),
    Case::new(
        "the budget of the lane is used up",
        "accepted queued dispatching retry_wait failed",
        || poor().broke("create.*", Break::Refused),
    ),
    Case::new(
        "waits as told are not charged",
        "accepted queued dispatching retry_wait dispatching retry_wait dispatching retry_wait dispatching running \
         finalizing succeeded",
        || {
            Play::new()
                .reply("create.1", limited(Wait::Seconds(7)))
                .reply("create.2", limited(Wait::Millis(1_500)))
                .reply("create.3", limited(Wait::Date(1_800_000_060)))
                .reply("create.4", done("r1"))
        },
    ),
    Case::new(
        "a wait beyond the deadline",
        "accepted queued dispatching timed_out",
        || Play::new().reply("create.1", limited(Wait::Seconds(4_000))),
    ),
    Case::new(
        "a wait that the back-off carries over the deadline",
        "accepted queued dispatching retry_wait timed_out",
        || {
            Play::with(plan_with(|plan| plan.limits.deadline = ms(20_000)))
                .reply("create.1", limited(Wait::Millis(19_989)))
        },
    ),
    Case::new(
        "the next attempt could not start in time",
        "accepted queued dispatching retry_wait timed_out",
        || Play::with(plan_with(|plan| plan.limits.attempts = ms(11))).broke("create.1", Break::Refused),
    ),
    Case::new("limited without a wait, by a known code", ONCE_MORE, || {
        Play::new()
            .reply(
                "create.1",
                Reply::Error(api_error(429, Some("slow_down"), None).into()),
            )
            .reply("create.2", done("r1"))
    }),
    Case::new("limited without anything to go by", PARKED, || {
        Play::new().reply("create.1", error(429))
    }),
    Case::new("out of money", PARKED, || {
        let quota = api_error(429, Some("insufficient_quota"), Some(Wait::Seconds(1)));
        Play::new().reply("create.1", Reply::Error(quota.into()))
    }),
    Case::new("a bad key", PARKED, || Play::new().reply("create.1", error(401))),
    Case::new("a bad request", FAILED, || {
        Play::new().reply("create.1", error(400))
    }),
    Case::new("told not to try again", FAILED, || {
        Play::new().reply("create.1", told(503, false))
    }),
    Case::new("told to try again", ONCE_MORE, || {
        Play::new()
            .reply("create.1", told(503, true))
            .reply("create.2", done("r1"))
    }),
    Case::new(
        "a conflict, a locked conversation, a failed dependency",
        "accepted queued dispatching retry_wait dispatching retry_wait dispatching retry_wait failed",
        || {
            Play::new()
                .reply("create.1", error(409))
                .reply(
                    "create.2",
                    Reply::Error(api_error(400, Some("conversation_locked"), None).into()),
                )
                .reply("create.3", error(424))
        },
    ),
    Case::new("elsewhere", FAILED, || Play::new().reply("create.1", error(302))),
    Case::new(
        "a failed response, then a good one",
        "accepted queued dispatching running retry_wait dispatching running finalizing succeeded",
        || {
            Play::new()
                .reply("create.1", failed("r1", "server_error"))
                .reply("create.2", done("r2"))
        },
    ),
    Case::new(
        "a reply that is no reply to a create",
        "accepted queued dispatching in_doubt needs_intervention",
        || Play::with(plan_with(|plan| plan.retry.twins = 0)).reply("create.1", Reply::Deleted),
    ),
    Case::new(
        "told waits up to the deadline",
        "accepted queued dispatching retry_wait dispatching retry_wait dispatching timed_out",
        || {
            Play::with(plan_with(|plan| plan.limits.deadline = secs(60)))
                .reply("create.1", limited(Wait::Seconds(30)))
                .at(
                    30,
                    Told::CancelAsked {
                        by: super::play::who("stranger"),
                    },
                )
                .reply("create.2", limited(Wait::Seconds(29)))
        },
    ),
    Case::new(
        "the operator gives up",
        "accepted queued dispatching needs_intervention failed",
        || {
            Play::new()
                .reply("create.1", error(401))
                .at(5_000, operator(Verb::Abandon))
        },
    ),
    Case::new(
        "the operator cancels",
        "accepted queued dispatching needs_intervention cancelled",
        || {
            Play::new()
                .reply("create.1", error(401))
                .at(5_000, operator(Verb::Cancel))
                .at(6_000, operator(Verb::Retry))
        },
    ),
    Case::new(
        "the operator has the result",
        "accepted queued dispatching needs_intervention succeeded",
        || {
            Play::new()
                .reply("create.1", error(401))
                .at(5_000, operator(Verb::Resolve))
        },
    ),
    Case::new(
        "the operator tries again",
        "accepted queued dispatching needs_intervention queued dispatching running finalizing succeeded",
        || {
            Play::new()
                .reply("create.1", error(401))
                .at(5_000, operator(Verb::Retry))
                .reply("create.2", done("r2"))
        },
    ),
    Case::new(
        "the operator tries again behind the deadline",
        "accepted queued dispatching needs_intervention queued expired",
        || {
            Play::with(plan_with(|plan| plan.limits.deadline = secs(4)))
                .reply("create.1", error(401))
                .at(5_000, operator(Verb::Retry))
        },
    ),
    Case::new(
        "the operator extends the deadline",
        "accepted queued dispatching needs_intervention queued dispatching running timed_out",
        || {
            let extended = Told::Operator {
                by: super::play::who("olga"),
                verb: Verb::Retry,
                reason: "once more".into(),
                extend: Some(secs(30)),
                result: None,
            };
            Play::with(plan_with(|plan| plan.limits.deadline = secs(4)))
                .reply("create.1", error(401))
                .at(5_000, extended)
                .reply("create.2", working("r1"))
                .reply("poll.*", working("r1"))
        },
    ),
];

/// A told wait is kept to the tick, in each of its forms, with at most the base on top.
#[test]
fn told_waits_are_never_undercut() {
    let waits = [
        (Wait::Seconds(7), secs(7)),
        (Wait::Millis(1_234), ms(1_234)),
        // The reply comes 10 ms after the start.
        (Wait::Date(1_800_000_030), ms(29_990)),
        (Wait::Date(1_700_000_000), ms(0)),
        (Wait::Seconds(0), ms(0)),
    ];
    for (wait, length) in waits {
        let play = Play::new().reply("create.1", limited(wait)).until(60_000).run();
        let replied = SimTime::START + ms(10);
        let again = play.acted.iter().find(|(_, action)| {
            matches!(action, lanebench::job::Action::Send { exchange, .. } if exchange.nth() == 2)
        });
        let waited = again.unwrap().0.since(replied);
        assert!(waited >= length, "{wait:?}: {waited}");
        assert!(waited <= length + secs(1), "{wait:?}: {waited}");
    }
}

/// `attempts` counts tries, `charged` those that use up the limit.
#[test]
fn only_charged_rows_use_up_the_limit() {
    let by_reply = |reply: Reply| Play::new().reply("create.1", reply).until(15).run().attempts();
    assert_eq!(by_reply(limited(Wait::Seconds(7))), (1, 0));
    assert_eq!(by_reply(error(400)), (1, 0));
    assert_eq!(by_reply(error(401)), (1, 0));
    assert_eq!(by_reply(error(409)), (1, 1));
    assert_eq!(by_reply(error(503)), (1, 1));
    assert_eq!(by_reply(failed("r1", "server_error")), (1, 1));
    assert_eq!(by_reply(failed("r1", "invalid_prompt")), (1, 0));
    assert_eq!(by_reply(failed("r1", "insufficient_quota")), (1, 0));
}

/// Endless told waits end with the deadline and not with a panic.
#[test]
fn a_service_that_always_says_later_meets_the_deadline() {
    let plan: Plan = plan_with(|plan| plan.limits.deadline = secs(200));
    let mut lanes = lane();
    lanes.budget = 100_000;
    let play = Play::of(setup(vec![plan], &placement(), lanes))
        .reply("create.*", limited(Wait::Seconds(0)))
        .run();
    assert!(play.when(StateName::TimedOut) <= SimTime::START + secs(200));
    let (attempts, charged) = play.attempts();
    assert!(attempts > 100);
    assert_eq!(charged, 0);
    let stopped = play
        .events()
        .any(|(_, event)| matches!(event, JobEvent::RetryStopped { reason } if reason.word() == "deadline"));
    assert!(stopped);
}
