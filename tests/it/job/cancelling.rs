//! The race matrix of cancelling: every state, both winners.

use lanebench::backend::Genuine;
use lanebench::job::{Follow, HandOver, Told};
use lanebench::wire::{Break, ResponseId, Status};

use super::Case;
use super::play::{Answer, End, Play, interactive, lane, placement, secs, setup, who};
use super::task::{
    asks_leave, calls, completed, created, done, ended, error, failed, incomplete, limited, plan, plan_with,
    webhook, working,
};

fn running() -> Play {
    Play::new()
        .reply("create.1", working("r1"))
        .cancel(500)
        .reply("poll.*", working("r1"))
}

const CANCELLED: &str = "accepted queued dispatching running cancelling cancelled";

pub(crate) const CASES: &[Case] = &[
    Case::new("before it is queued", "accepted cancelled", || {
        let mut lanes = lane();
        lanes.waiting = 0;
        Play::of(setup(vec![plan()], &placement(), lanes)).cancel(500)
    }),
    Case::new("while it queues", "accepted queued cancelled", || {
        let mut lanes = lane();
        lanes.capacity = 0;
        Play::of(setup(vec![plan()], &placement(), lanes))
            .cancel(500)
            .cancel(600)
    }),
    Case::new(
        "during the create, known later",
        "accepted queued dispatching cancelling cancelled",
        || {
            Play::new()
                .cancel(5)
                .reply("create.1", working("r1"))
                .reply("cancel.1", ended("r1", Status::Cancelled))
        },
    ),
    Case::new(
        "during the create, which did not land",
        "accepted queued dispatching cancelling cancelled",
        || Play::new().cancel(5).broke("create.1", Break::Refused),
    ),
    Case::new(
        "during the create, which was refused",
        "accepted queued dispatching cancelling cancelled",
        || Play::new().cancel(5).reply("create.1", error(400)),
    ),
    Case::new(
        "during the create, whose fate stays open",
        "accepted queued dispatching cancelling needs_intervention",
        || Play::new().cancel(5).reply("create.1", error(503)),
    ),
    Case::new(
        "during the create, which is silent",
        "accepted queued dispatching cancelling needs_intervention",
        || Play::new().cancel(5),
    ),
    Case::new(
        "during the create, whose broken reply shows the id",
        "accepted queued dispatching cancelling cancelled",
        || {
            let id = Some(ResponseId("r1".into()));
            Play::new()
                .cancel(5)
                .broke("create.1", Break::Cut { id })
                .reply("cancel.1", ended("r1", Status::Cancelled))
        },
    ),
    Case::new(
        "during the create, which is already done",
        "accepted queued dispatching cancelling finalizing succeeded",
        || Play::new().cancel(5).reply("create.1", done("r1")),
    ),
    Case::new(
        "during the create of a stream",
        "accepted queued dispatching cancelling cancelled",
        || {
            Play::with(plan_with(|plan| plan.follow = Follow::Stream))
                .cancel(5)
                .on("create.1", Answer::Stream(vec![created(0, "r1")], End::StaysOpen))
                .reply("cancel.1", ended("r1", Status::Cancelled))
        },
    ),
    Case::new(
        "during the create, made known by a webhook",
        "accepted queued dispatching cancelling cancelled",
        || {
            Play::new()
                .cancel(5)
                .broke("create.1", Break::NoReply)
                .at(3_000, webhook("d1", "r1", Genuine::Valid))
                .reply("-/poll.1", working("r1"))
                .reply("cancel.1", ended("r1", Status::Cancelled))
        },
    ),
    Case::new(
        "after a webhook made it known",
        "accepted queued dispatching cancelling cancelled",
        || {
            Play::new()
                .at(2, webhook("d1", "r1", Genuine::Valid))
                .reply("-/poll.1", working("r1"))
                .after(5_000, "create.1", Answer::Reply(working("r1")))
                .cancel(100)
                .reply("cancel.1", ended("r1", Status::Cancelled))
        },
    ),
    Case::new(
        "in doubt, never known",
        "accepted queued dispatching in_doubt cancelling needs_intervention",
        || {
            Play::with(plan_with(|plan| plan.retry.twins = 0))
                .broke("create.1", Break::NoReply)
                .cancel(500)
        },
    ),
    Case::new(
        "in doubt, then adopted when done",
        "accepted queued dispatching in_doubt cancelling finalizing succeeded",
        || {
            Play::with(plan_with(|plan| plan.retry.twins = 0))
                .broke("create.1", Break::NoReply)
                .cancel(500)
                .at(3_000, webhook("d1", "r1", Genuine::Valid))
                .reply("-/poll.1", done("r1"))
        },
    ),
    Case::new("while it runs", CANCELLED, || {
        running().reply("cancel.1", ended("r1", Status::Cancelled))
    }),
    Case::new("acknowledged late", CANCELLED, || {
        running()
            .reply("cancel.1", working("r1"))
            .reply("poll.1", working("r1"))
            .reply("poll.2", ended("r1", Status::Cancelled))
    }),
    Case::new("the cancel is lost and repeated", CANCELLED, || {
        running()
            .broke("cancel.1", Break::NoReply)
            .reply("cancel.2", error(429))
            .reply("cancel.3", ended("r1", Status::Cancelled))
    }),
    Case::new(
        "the cancel is refused for what is done already",
        "accepted queued dispatching running cancelling finalizing succeeded",
        || {
            running()
                .reply("cancel.1", error(400))
                .reply("poll.1", done("r1"))
        },
    ),
    Case::new(
        "completed just before",
        "accepted queued dispatching running cancelling finalizing succeeded",
        || running().reply("cancel.1", done("r1")),
    ),
    Case::new(
        "cut short just before",
        "accepted queued dispatching running cancelling finalizing succeeded_partial",
        || running().reply("cancel.1", incomplete("r1", "max_output_tokens")),
    ),
    Case::new(
        "failed just before",
        "accepted queued dispatching running cancelling failed",
        || running().reply("cancel.1", failed("r1", "server_error")),
    ),
    Case::new(
        "completed with a question that nobody will answer",
        CANCELLED,
        || running().reply("cancel.1", asks_leave("r1")),
    ),
    Case::new(
        "acknowledged, then it completes after all",
        "accepted queued dispatching running cancelling finalizing succeeded",
        || {
            running()
                .reply("cancel.1", working("r1"))
                .reply("poll.1", done("r1"))
        },
    ),
    Case::new("the end is told by a webhook", CANCELLED, || {
        running()
            .reply("cancel.1", working("r1"))
            .reply("poll.1", ended("r1", Status::Cancelled))
            .at(600, webhook("d1", "r1", Genuine::Valid))
    }),
    Case::new(
        "never acknowledged",
        "accepted queued dispatching running cancelling needs_intervention",
        || running().reply("cancel.*", error(503)),
    ),
    Case::new(
        "never acknowledged before the deadline",
        "accepted queued dispatching running cancelling needs_intervention",
        || {
            Play::with(plan_with(|plan| plan.limits.deadline = secs(20)))
                .reply("create.1", working("r1"))
                .cancel(500)
                .reply("cancel.*", error(503))
        },
    ),
    Case::new("twice", CANCELLED, || {
        running()
            .cancel(505)
            .reply("cancel.1", ended("r1", Status::Cancelled))
            .cancel(700)
    }),
    Case::new(
        "by a stranger",
        "accepted queued dispatching running finalizing succeeded",
        || {
            Play::new()
                .reply("create.1", working("r1"))
                .at(500, Told::CancelAsked { by: who("mallory") })
                .reply("poll.1", done("r1"))
        },
    ),
    Case::new(
        "of a foreground response: the connection is closed",
        CANCELLED,
        || {
            Play::placed(plan(), &interactive(HandOver::Forbidden))
                .on("create.1", Answer::Stream(vec![created(0, "r1")], End::StaysOpen))
                .cancel(500)
        },
    ),
    Case::new(
        "of a foreground response that is not known yet",
        "accepted queued dispatching cancelling cancelled",
        || Play::placed(plan(), &interactive(HandOver::Forbidden)).cancel(5),
    ),
    Case::new("late events of a stream", CANCELLED, || {
        Play::with(plan_with(|plan| plan.follow = Follow::Stream))
            .on("create.1", Answer::Stream(vec![created(0, "r1")], End::StaysOpen))
            .cancel(500)
            .at(
                501,
                Told::Event {
                    exchange: "0.1.1.create.1".parse().unwrap(),
                    event: completed(1, "r1").into(),
                },
            )
            .reply("cancel.1", ended("r1", Status::Cancelled))
    }),
    Case::new(
        "during a wait",
        "accepted queued dispatching retry_wait cancelled",
        || {
            Play::new()
                .reply("create.1", limited(lanebench::wire::Wait::Seconds(30)))
                .cancel(500)
        },
    ),
    Case::new(
        "while tools run",
        "accepted queued dispatching running using_tools cancelling cancelled",
        || {
            Play::new()
                .reply("create.1", calls("r1", &[("look", "{}")]))
                .cancel(500)
                .after(800, "tool c1#1", Answer::Tool(Ok("late")))
        },
    ),
    Case::new(
        "while a person is asked",
        "accepted queued dispatching running awaiting_approval cancelled",
        || {
            Play::new()
                .reply("create.1", calls("r1", &[("send", "{}")]))
                .cancel(500)
                .approve(501, "0.a1", "ann")
        },
    ),
    Case::new(
        "in the tick of the approval: the cancel wins",
        "accepted queued dispatching running awaiting_approval cancelled",
        || {
            Play::new()
                .reply("create.1", calls("r1", &[("send", "{}")]))
                .approve(500, "0.a1", "ann")
                .cancel(500)
        },
    ),
    Case::new(
        "during an effect: too late",
        "accepted queued dispatching running awaiting_approval applying applying dispatching running finalizing \
         succeeded",
        || {
            Play::new()
                .reply("create.1", calls("r1", &[("send", "{}")]))
                .approve(500, "0.a1", "ann")
                .cancel(505)
                .sink(
                    "sink 0.1.c1#1",
                    lanebench::job::SinkAnswer::Landed {
                        receipt: "m-1".into(),
                    },
                )
                .reply("create.2", done("r2"))
        },
    ),
    Case::new(
        "while the result is captured: too late",
        "accepted queued dispatching running finalizing finalizing succeeded",
        || {
            Play::with(plan_with(|plan| plan.follow = Follow::Stream))
                .on(
                    "create.1",
                    Answer::Stream(vec![created(0, "r1"), completed(1, "r1")], End::Closes),
                )
                .reply("poll.1", done("r1"))
                .cancel(15)
        },
    ),
    Case::new(
        "of a parked job: the operator decides",
        "accepted queued dispatching needs_intervention",
        || Play::new().reply("create.1", error(401)).cancel(500),
    ),
    Case::new(
        "after the end",
        "accepted queued dispatching running finalizing succeeded",
        || Play::new().reply("create.1", done("r1")).cancel(500),
    ),
    Case::new(
        "the stop of an earlier attempt is not the answer to this cancel",
        "accepted queued dispatching running retry_wait dispatching running cancelling cancelled",
        || {
            Play::with(plan_with(|plan| {
                plan.limits.attempt = secs(2);
                plan.limits.call = secs(60);
                plan.retry.base = secs(1);
            }))
            .reply("create.1", working("r1"))
            .reply("poll.*", working("r1"))
            .after(4_000, "cancel.1", Answer::Reply(ended("r1", Status::Cancelled)))
            .reply("create.2", working("r2"))
            .cancel(3_500)
            .after(9_000, "cancel.2", Answer::Reply(ended("r2", Status::Cancelled)))
        },
    ),
];
