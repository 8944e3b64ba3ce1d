//! Creates that may have landed: doubt, twins, adoption.

use lanebench::backend::Genuine;
use lanebench::job::{Follow, Plan, Told};
use lanebench::wire::{Break, Reply, ResponseId};

use super::Case;
use super::play::{Answer, End, Play, secs};
use super::task::{
    asks_leave, created, done, error, operator, origin, plan_with, response, webhook, working,
};

const TWIN: &str = "accepted queued dispatching in_doubt dispatching running finalizing succeeded";
const ADOPTED: &str = "accepted queued dispatching in_doubt running finalizing succeeded";
const UNRESOLVED: &str = "accepted queued dispatching in_doubt needs_intervention";

fn no_twins() -> Plan {
    plan_with(|plan| plan.retry.twins = 0)
}

pub(crate) const CASES: &[Case] = &[
    Case::new("a twin brings the result", TWIN, || {
        Play::new()
            .broke("create.1", Break::NoReply)
            .reply("create.2", done("r2"))
    }),
    Case::new("a server error leaves it open", TWIN, || {
        Play::new()
            .reply("create.1", error(502))
            .reply("create.2", done("r2"))
    }),
    Case::new("an unknown status leaves it open", TWIN, || {
        Play::new()
            .reply("create.1", error(299))
            .reply("create.2", done("r2"))
    }),
    Case::new("silence ends with the call limit", TWIN, || {
        Play::new().reply("create.2", done("r2"))
    }),
    Case::new(
        "one twin and no more",
        "accepted queued dispatching in_doubt dispatching in_doubt needs_intervention",
        || Play::new().broke("create.*", Break::NoReply),
    ),
    Case::new("no twin is allowed", UNRESOLVED, || {
        Play::with(no_twins()).broke("create.1", Break::NoReply)
    }),
    Case::new(
        "the doubt outlasts the deadline",
        "accepted queued dispatching in_doubt timed_out",
        || {
            Play::with(plan_with(|plan| {
                plan.retry.twins = 0;
                plan.limits.deadline = secs(5);
            }))
            .broke("create.1", Break::NoReply)
        },
    ),
    Case::new("a webhook makes the response known", ADOPTED, || {
        Play::with(no_twins())
            .broke("create.1", Break::NoReply)
            .at(2_000, webhook("d1", "r1", Genuine::Valid))
            .reply("-/poll.1", done("r1"))
    }),
    Case::new("the look at a stray is repeated", ADOPTED, || {
        Play::with(no_twins())
            .broke("create.1", Break::NoReply)
            .at(2_000, webhook("d1", "r1", Genuine::Valid))
            .reply("-/poll.1", error(503))
            .broke("-/poll.2", Break::NoReply)
            .reply("-/poll.3", done("r1"))
    }),
    Case::new("the look at a stray is not repeated for ever", UNRESOLVED, || {
        Play::with(no_twins())
            .broke("create.1", Break::NoReply)
            .at(2_000, webhook("d1", "r1", Genuine::Valid))
            .reply("-/poll.*", error(503))
    }),
    Case::new("a stray of somebody else", UNRESOLVED, || {
        let mut other = response("r9", lanebench::wire::Status::Completed);
        other.origin = None;
        Play::with(no_twins())
            .broke("create.1", Break::NoReply)
            .at(2_000, webhook("d1", "r9", Genuine::Valid))
            .reply("-/poll.1", Reply::Response(other.into()))
    }),
    Case::new("a webhook comes before the reply is lost", ADOPTED, || {
        Play::with(no_twins())
            .at(2, webhook("d1", "r1", Genuine::Valid))
            .reply("-/poll.1", working("r1"))
            .after(500, "create.1", Answer::Broke(Break::NoReply))
            .reply("poll.1", done("r1"))
    }),
    Case::new("the reply crosses with our leaving", ADOPTED, || {
        Play::with(no_twins()).after(10_001, "create.1", Answer::Reply(done("r1")))
    }),
    Case::new(
        "a response of an earlier attempt is evidence",
        "accepted queued dispatching in_doubt dispatching running finalizing succeeded",
        || {
            let mut late = response("r1", lanebench::wire::Status::Completed);
            late.origin = Some(origin(1, 1));
            Play::new()
                .broke("create.1", Break::NoReply)
                .reply("create.2", working("r2"))
                .at(2_500, webhook("d1", "r1", Genuine::Valid))
                .reply("-/poll.1", Reply::Response(late.into()))
                .reply("poll.1", working("r2"))
                .reply("poll.2", done("r2"))
        },
    ),
    Case::new(
        "the id is read from a broken reply",
        "accepted queued dispatching running finalizing succeeded",
        || {
            let id = Some(ResponseId("r1".into()));
            Play::new()
                .broke("create.1", Break::Cut { id })
                .reply("poll.1", done("r1"))
        },
    ),
    Case::new("a stream begins and tells no id", TWIN, || {
        Play::with(plan_with(|plan| plan.follow = Follow::Stream))
            .on("create.1", Answer::Stream(Vec::new(), End::Closes))
            .on("create.2", Answer::Stream(vec![created(0, "r2")], End::StaysOpen))
            .at(
                20_000,
                Told::Event {
                    exchange: "0.2.1.create.2".parse().unwrap(),
                    event: super::task::completed(1, "r2").into(),
                },
            )
            .reply("poll.1", done("r2"))
    }),
    Case::new(
        "a turn that releases an act is never sent twice",
        "accepted queued dispatching running awaiting_approval applying dispatching in_doubt needs_intervention",
        || {
            Play::new()
                .reply("create.1", asks_leave("r1"))
                .approve(1_000, "0.a1", "ann")
                .broke("create.2", Break::NoReply)
        },
    ),
    Case::new(
        "nor when the service asks for it again",
        "accepted queued dispatching running awaiting_approval applying dispatching in_doubt needs_intervention",
        || {
            let mut again = super::task::api_error(503, None, None);
            again.should_retry = Some(true);
            Play::new()
                .reply("create.1", asks_leave("r1"))
                .approve(1_000, "0.a1", "ann")
                .reply("create.2", Reply::Error(again.into()))
        },
    ),
    Case::new(
        "nor when its response failed",
        "accepted queued dispatching running awaiting_approval applying dispatching running retry_wait \
         needs_intervention",
        || {
            Play::new()
                .reply("create.1", asks_leave("r1"))
                .approve(1_000, "0.a1", "ann")
                .reply("create.2", super::task::failed("r2", "server_error"))
        },
    ),
    Case::new(
        "but when it did not land",
        "accepted queued dispatching running awaiting_approval applying dispatching retry_wait dispatching \
         running finalizing succeeded",
        || {
            Play::new()
                .reply("create.1", asks_leave("r1"))
                .approve(1_000, "0.a1", "ann")
                .broke("create.2", Break::Refused)
                .reply("create.3", done("r2"))
        },
    ),
    Case::new(
        "an operator sends it again",
        "accepted queued dispatching in_doubt needs_intervention queued dispatching running finalizing succeeded",
        || {
            Play::with(no_twins())
                .broke("create.1", Break::NoReply)
                .at(100_000, operator(lanebench::trace::Verb::Retry))
                .reply("create.2", done("r2"))
        },
    ),
];

/// A twin is on the record, and so is what may live on.
#[test]
fn a_twin_is_never_forgotten() {
    let play = Play::new().broke("create.*", Break::NoReply).run();
    play.must_say("twin of attempt 1");
    play.must_say("orphan of 2.1");
}
