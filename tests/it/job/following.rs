//! Responses that are followed to their end: by polls, streams and webhooks.

use lanebench::backend::Genuine;
use lanebench::job::{Follow, HandOver, OnEmpty, OnFiltered, OnIncomplete, Plan, Told};
use lanebench::trace::StateName;
use lanebench::units::SimTime;
use lanebench::wire::{Break, Event, ItemStatus, Reply, Status};

use super::Case;
use super::play::{Answer, End, Play, interactive, ms, secs};
use super::task::{
    asks_leave, calls, completed, created, delta, done, ended, error, event, failed, finished, incomplete,
    message, plan, plan_with, queued, webhook, working,
};

fn streaming() -> Plan {
    plan_with(|plan| plan.follow = Follow::Stream)
}

fn hooked() -> Plan {
    plan_with(|plan| plan.follow = Follow::Webhook)
}

const DONE: &str = "accepted queued dispatching running finalizing succeeded";
const STUCK: &str = "accepted queued dispatching running needs_intervention";

pub(crate) const CASES: &[Case] = &[
    Case::new("done at once", DONE, || Play::new().reply("create.1", done("r1"))),
    Case::new("done after polls with a growing gap", DONE, || {
        Play::new()
            .reply("create.1", queued("r1"))
            .reply("poll.1", queued("r1"))
            .reply("poll.2", working("r1"))
            .reply("poll.3", working("r1"))
            .reply("poll.4", done("r1"))
    }),
    Case::new("failed polls change nothing", DONE, || {
        Play::new()
            .reply("create.1", working("r1"))
            .reply("poll.1", error(502))
            .broke("poll.2", Break::NoReply)
            .broke("poll.3", Break::Unreadable { id: None })
            .reply("poll.4", error(429))
            .reply("poll.6", done("r1"))
    }),
    Case::new(
        "a poll answered with another response tells nothing",
        DONE,
        || {
            Play::new()
                .reply("create.1", working("r1"))
                .reply("poll.1", done("r2"))
                .reply("poll.2", done("r1"))
        },
    ),
    Case::new("the response is gone", STUCK, || {
        Play::new()
            .reply("create.1", working("r1"))
            .reply("poll.1", error(404))
    }),
    Case::new("the key is not good any more", STUCK, || {
        Play::new()
            .reply("create.1", working("r1"))
            .reply("poll.1", error(401))
    }),
    Case::new("a wire status that nobody knows", STUCK, || {
        Play::new()
            .reply("create.1", working("r1"))
            .reply("poll.1", ended("r1", Status::Unknown("expired".into())))
    }),
    Case::new("cancelled by nobody here", STUCK, || {
        Play::new()
            .reply("create.1", working("r1"))
            .reply("poll.1", ended("r1", Status::Cancelled))
    }),
    Case::new(
        "cut short, and a part is enough",
        "accepted queued dispatching running finalizing succeeded_partial",
        || Play::new().reply("create.1", incomplete("r1", "max_output_tokens")),
    ),
    Case::new(
        "completed with a cut message is cut short",
        "accepted queued dispatching running finalizing succeeded_partial",
        || {
            let cut = finished("r1", &[message("the rep", ItemStatus::Incomplete)]);
            Play::new().reply("create.1", Reply::Response(cut.into()))
        },
    ),
    Case::new(
        "cut short, another attempt",
        "accepted queued dispatching running retry_wait dispatching running finalizing succeeded",
        || {
            Play::with(plan_with(|plan| plan.rules.incomplete = OnIncomplete::Retry))
                .reply("create.1", incomplete("r1", "max_output_tokens"))
                .reply("create.2", done("r2"))
        },
    ),
    Case::new(
        "cut short in every attempt",
        "accepted queued dispatching running retry_wait dispatching running retry_wait dispatching running \
         finalizing succeeded_partial",
        || {
            Play::with(plan_with(|plan| plan.rules.incomplete = OnIncomplete::Retry))
                .reply("create.*", incomplete("r1", "max_output_tokens"))
        },
    ),
    Case::new(
        "filtered, which the kind forbids",
        "accepted queued dispatching running failed",
        || {
            Play::with(plan_with(|plan| plan.rules.filtered = OnFiltered::Fail))
                .reply("create.1", incomplete("r1", "content_filter"))
        },
    ),
    Case::new(
        "empty, which the kind forbids",
        "accepted queued dispatching running finalizing failed",
        || Play::new().reply("create.1", ended("r1", Status::Completed)),
    ),
    Case::new("empty, which the kind allows", DONE, || {
        Play::with(plan_with(|plan| plan.rules.empty = OnEmpty::Allow))
            .reply("create.1", ended("r1", Status::Completed))
    }),
    Case::new(
        "the store never confirms",
        "accepted queued dispatching running finalizing needs_intervention",
        || Play::new().no_store().reply("create.1", done("r1")),
    ),
    Case::new("a stream to its end, the result read again", DONE, || {
        let events = vec![created(0, "r1"), delta(1), delta(2), completed(3, "r1")];
        Play::with(streaming())
            .on("create.1", Answer::Stream(events, End::Closes))
            .reply("poll.1", done("r1"))
    }),
    Case::new("a stream is cut and resumed behind the cursor", DONE, || {
        Play::with(streaming())
            .on(
                "create.1",
                Answer::Stream(vec![created(0, "r1"), delta(1)], End::Closes),
            )
            .on("stream.1", Answer::Stream(vec![delta(1), delta(2)], End::Closes))
            .broke("stream.2", Break::NoReply)
            .on("stream.3", Answer::Stream(vec![completed(3, "r1")], End::Closes))
            .reply("poll.1", done("r1"))
    }),
    Case::new("a stream that may not be resumed is polled", DONE, || {
        Play::with(streaming())
            .on("create.1", Answer::Stream(vec![created(0, "r1")], End::Closes))
            .reply("stream.1", error(400))
            .reply("poll.1", working("r1"))
            .reply("poll.2", done("r1"))
    }),
    Case::new("strange events and gaps move the cursor", DONE, || {
        let strange = event(
            7,
            Event::Unknown {
                name: "response.new".into(),
            },
        );
        let broken = event(
            8,
            Event::Error {
                code: "oops".into(),
                message: "no".into(),
            },
        );
        let events = vec![created(0, "r1"), delta(4), strange, broken, completed(9, "r1")];
        Play::with(streaming())
            .on("create.1", Answer::Stream(events, End::Closes))
            .reply("poll.*", done("r1"))
    }),
    Case::new("a stream that ends without saying how is resumed", DONE, || {
        let open = event(
            1,
            Event::Completed(super::task::response("r1", Status::InProgress).into()),
        );
        Play::with(streaming())
            .on(
                "create.1",
                Answer::Stream(vec![created(0, "r1"), open], End::StaysOpen),
            )
            .on("stream.1", Answer::Stream(vec![completed(2, "r1")], End::Closes))
            .reply("poll.1", done("r1"))
    }),
    Case::new("a result that cannot be read at first", DONE, || {
        Play::with(streaming())
            .on(
                "create.1",
                Answer::Stream(vec![created(0, "r1"), completed(1, "r1")], End::Closes),
            )
            .reply("poll.1", error(503))
            .reply("poll.2", working("r1"))
            .reply("poll.3", done("r1"))
    }),
    Case::new(
        "a result that cannot be read in time",
        "accepted queued dispatching running finalizing needs_intervention",
        || {
            Play::with(streaming())
                .on(
                    "create.1",
                    Answer::Stream(vec![created(0, "r1"), completed(1, "r1")], End::Closes),
                )
                .reply("poll.*", error(503))
        },
    ),
    Case::new(
        "a result that is gone before it is read",
        "accepted queued dispatching running finalizing needs_intervention",
        || {
            Play::with(streaming())
                .on(
                    "create.1",
                    Answer::Stream(vec![created(0, "r1"), completed(1, "r1")], End::Closes),
                )
                .reply("poll.1", error(404))
        },
    ),
    Case::new(
        "the object takes back what its stream said",
        "accepted queued dispatching running finalizing needs_intervention",
        || {
            Play::with(streaming())
                .on(
                    "create.1",
                    Answer::Stream(vec![created(0, "r1"), completed(1, "r1")], End::Closes),
                )
                .reply("poll.1", asks_leave("r1"))
        },
    ),
    Case::new(
        "the object is cut short",
        "accepted queued dispatching running finalizing succeeded_partial",
        || {
            Play::with(streaming())
                .on(
                    "create.1",
                    Answer::Stream(vec![created(0, "r1"), completed(1, "r1")], End::Closes),
                )
                .reply("poll.1", incomplete("r1", "max_output_tokens"))
        },
    ),
    Case::new("a webhook ends the wait", DONE, || {
        Play::with(hooked())
            .reply("create.1", working("r1"))
            .at(5_000, webhook("d1", "r1", Genuine::Valid))
            .at(5_005, webhook("d1", "r1", Genuine::Valid))
            .reply("poll.1", done("r1"))
            .at(9_000, webhook("d2", "r1", Genuine::Valid))
    }),
    Case::new(
        "forged and stale webhooks change nothing, and polls stand behind",
        DONE,
        || {
            Play::with(hooked())
                .reply("create.1", working("r1"))
                .at(5_000, webhook("d1", "r1", Genuine::Forged))
                .at(6_000, webhook("d1", "r1", Genuine::Stale))
                .reply("poll.1", done("r1"))
        },
    ),
    Case::new("a webhook during a look makes another", DONE, || {
        Play::with(hooked())
            .reply("create.1", working("r1"))
            .at(5_000, webhook("d1", "r1", Genuine::Valid))
            .at(5_004, webhook("d2", "r1", Genuine::Valid))
            .reply("poll.1", working("r1"))
            .reply("poll.2", done("r1"))
    }),
    Case::new("a webhook beside a stream looks once", DONE, || {
        Play::with(streaming())
            .on("create.1", Answer::Stream(vec![created(0, "r1")], End::StaysOpen))
            .at(5_000, webhook("d1", "r1", Genuine::Valid))
            .reply("poll.1", working("r1"))
            .at(
                60_000,
                Told::Event {
                    exchange: "0.1.1.create.1".parse().unwrap(),
                    event: completed(5, "r1").into(),
                },
            )
            .reply("poll.2", done("r1"))
    }),
    Case::new("a webhook beats the reply to the create", DONE, || {
        Play::with(hooked())
            .at(5, webhook("d1", "r1", Genuine::Valid))
            .reply("-/poll.1", working("r1"))
            .after(100, "create.1", Answer::Reply(working("r1")))
            .reply("poll.1", done("r1"))
    }),
    Case::new(
        "interactive work goes on in the background",
        "accepted queued dispatching running running finalizing succeeded",
        || {
            Play::placed(plan(), &interactive(HandOver::Permitted))
                .on(
                    "create.1",
                    Answer::Stream(vec![created(0, "r1"), delta(1)], End::StaysOpen),
                )
                .at(
                    40_000,
                    Told::Event {
                        exchange: "0.1.1.create.1".parse().unwrap(),
                        event: completed(2, "r1").into(),
                    },
                )
                .reply("poll.1", done("r1"))
        },
    ),
    Case::new(
        "the session ends before the response is known",
        "accepted queued dispatching running running finalizing succeeded",
        || {
            Play::placed(plan(), &interactive(HandOver::Permitted))
                .at(2, Told::SessionEnded)
                .on(
                    "create.1",
                    Answer::Stream(vec![created(0, "r1"), completed(1, "r1")], End::Closes),
                )
                .reply("poll.1", done("r1"))
        },
    ),
    Case::new("interactive work that may not be handed over", DONE, || {
        Play::placed(plan(), &interactive(HandOver::Forbidden))
            .at(3, Told::SessionEnded)
            .on(
                "create.1",
                Answer::Stream(vec![created(0, "r1"), completed(1, "r1")], End::Closes),
            )
    }),
    Case::new(
        "a foreground response dies with its connection",
        "accepted queued dispatching running retry_wait dispatching running finalizing succeeded",
        || {
            Play::placed(plan(), &interactive(HandOver::Forbidden))
                .on(
                    "create.1",
                    Answer::Stream(vec![created(0, "r1"), delta(1)], End::Closes),
                )
                .on(
                    "create.2",
                    Answer::Stream(vec![created(0, "r2"), completed(1, "r2")], End::Closes),
                )
        },
    ),
    Case::new(
        "the wait budget ends in a typed time-out",
        "accepted queued dispatching running timed_out",
        || {
            Play::placed(plan(), &interactive(HandOver::Forbidden))
                .on("create.1", Answer::Stream(vec![created(0, "r1")], End::StaysOpen))
        },
    ),
    Case::new(
        "two turns of tools, then the answer",
        "accepted queued dispatching running using_tools dispatching running finalizing succeeded",
        || {
            Play::new()
                .reply("create.1", calls("r1", &[("look", "{}"), ("look", "{}")]))
                .tool("tool c1#1", Ok("one"))
                .tool("tool c2#1", Err("busy"))
                .tool("tool c2#2", Ok("two"))
                .reply("create.2", done("r2"))
        },
    ),
    Case::new(
        "a tool fails and the model is told",
        "accepted queued dispatching running using_tools dispatching running finalizing succeeded",
        || {
            Play::new()
                .reply("create.1", calls("r1", &[("look", "{}")]))
                .tool("tool c1#1", Err("busy"))
                .reply("create.2", done("r2"))
        },
    ),
    Case::new(
        "a tool fails and so does the job",
        "accepted queued dispatching running using_tools failed",
        || {
            Play::with(plan_with(|plan| {
                plan.rules.tool_failure = lanebench::job::OnToolFailure::Fail
            }))
            .reply("create.1", calls("r1", &[("look", "{}")]))
            .tool("tool c1#1", Err("busy"))
            .tool("tool c1#2", Err("busy"))
        },
    ),
    Case::new(
        "a tool that must not run twice says nothing",
        "accepted queued dispatching running using_tools needs_intervention",
        || {
            Play::new()
                .reply("create.1", calls("r1", &[("look", "{}"), ("book", "{}")]))
                .tool("tool c1#1", Ok("one"))
        },
    ),
    Case::new(
        "the deadline during tools",
        "accepted queued dispatching running using_tools timed_out",
        || {
            Play::with(plan_with(|plan| plan.limits.deadline = secs(10)))
                .reply("create.1", calls("r1", &[("look", "{}"), ("book", "{}")]))
        },
    ),
    Case::new(
        "failures of the response by their codes",
        "accepted queued dispatching running retry_wait dispatching running retry_wait dispatching running failed",
        || {
            Play::new()
                .reply("create.1", failed("r1", "brand_new_code"))
                .reply("create.2", failed("r2", "server_error"))
                .reply("create.3", failed("r3", "brand_new_code"))
        },
    ),
    Case::new(
        "a failure for good",
        "accepted queued dispatching running failed",
        || Play::new().reply("create.1", failed("r1", "invalid_prompt")),
    ),
    Case::new(
        "a failure that needs money",
        "accepted queued dispatching running retry_wait needs_intervention",
        || Play::new().reply("create.1", failed("r1", "insufficient_quota")),
    ),
];

/// How often and when each turn was asked for: the tools' outputs travel with the next turn, which names the turn before.
#[test]
fn a_turn_carries_the_outputs_of_the_one_before() {
    use lanebench::job::Action;
    use lanebench::wire::{Ask, InputItem};
    let play = Play::new()
        .reply("create.1", calls("r1", &[("look", "{}"), ("look", "{}")]))
        .tool("tool c1#1", Ok("one"))
        .tool("tool c2#1", Ok("two"))
        .reply("create.2", done("r2"))
        .run();
    let creates: Vec<_> = play
        .acted
        .iter()
        .filter_map(|(_, action)| match action {
            Action::Send {
                ask: Ask::Create(create),
                ..
            } => Some(create.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(creates[0].previous, None);
    assert_eq!(
        creates[1].previous.as_ref().map(ToString::to_string).as_deref(),
        Some("r1")
    );
    let outputs: Vec<&str> = creates[1]
        .input
        .iter()
        .map(|item| match item {
            InputItem::FunctionCallOutput { output, .. } => &**output,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(outputs, ["one", "two"]);
    assert_eq!(
        creates[1].origin.map(|origin| (origin.attempt.0, origin.turn.0)),
        Some((1, 2))
    );
}

/// Another attempt of a turn asks the same thing of the same turn before.
#[test]
fn an_operators_retry_repeats_the_turn_and_not_the_answer_to_it() {
    use lanebench::job::Action;
    use lanebench::trace::Verb;
    use lanebench::wire::Ask;
    let play = Play::new()
        .reply("create.1", calls("r1", &[("book", "{}")]))
        .at(60_000, super::task::operator(Verb::Retry))
        .reply("create.2", done("r2"))
        .run();
    assert_eq!(
        play.states(),
        "accepted queued dispatching running using_tools needs_intervention queued dispatching running \
         finalizing succeeded"
    );
    let previous: Vec<_> = play
        .acted
        .iter()
        .filter_map(|(_, action)| match action {
            Action::Send {
                ask: Ask::Create(create),
                ..
            } => Some(create.previous.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(previous, [None, None]);
}

/// The gap grows from the first to the longest, less a tenth at most.
#[test]
fn gaps_between_polls_grow_to_their_longest() {
    let play = Play::new()
        .reply("create.1", working("r1"))
        .reply("poll.*", working("r1"))
        .until(120_000)
        .run();
    let sent: Vec<SimTime> = play
        .acted
        .iter()
        .filter_map(|(at, action)| match action {
            lanebench::job::Action::Send { exchange, .. }
                if exchange.kind() == lanebench::units::ExchangeKind::Poll =>
            {
                Some(*at)
            }
            _ => None,
        })
        .collect();
    assert!(sent.len() > 10);
    for (index, pair) in sent.windows(2).enumerate() {
        let gap = pair[1].since(pair[0]).saturating_sub(ms(10));
        let whole = secs((2 << index.min(10)).min(8));
        assert!(
            gap <= whole && gap.ticks() * 10 >= whole.ticks() * 9,
            "poll {index}: {gap} of {whole}"
        );
    }
}

/// What people see of a job that is silent for long, and that it never runs backwards.
#[test]
fn verdicts_follow_the_evidence() {
    use lanebench::trace::{Audience, Liveness};
    let play = Play::new()
        .reply("create.1", working("r1"))
        .reply("poll.*", working("r1"))
        .until(200_000)
        .run();
    let seen: Vec<(u64, Liveness)> = play
        .views(Audience::User)
        .iter()
        .filter(|(_, view)| view.state == StateName::Running)
        .map(|(at, view)| (at.ticks() / 1_000_000, view.liveness))
        .collect();
    assert_eq!(
        seen,
        [
            (0, Liveness::Fresh),
            (60, Liveness::Quiet),
            (180, Liveness::Stalled)
        ]
    );
    let play = Play::new()
        .reply("create.1", working("r1"))
        .reply("poll.1", error(500))
        .until(200_000)
        .run();
    let seen: Vec<Liveness> = play
        .views(Audience::Operator)
        .iter()
        .filter(|(_, view)| view.state == StateName::Running)
        .map(|(_, view)| view.liveness)
        .collect();
    assert_eq!(seen, [Liveness::Fresh, Liveness::StatusUnknown, Liveness::Lost]);
}
