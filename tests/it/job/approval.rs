//! The approval boundary: nothing happens outside before somebody said yes to exactly that.

use std::sync::Arc;

use lanebench::job::{
    Action, ApprovalVerdict, Decision, OnDenial, OwnApproval, Plan, SinkAnswer, ToOutside, Told,
};
use lanebench::trace::{JobEvent, LaneName, Verb};
use lanebench::units::SimTime;

use super::Case;
use super::play::{Play, lane, ms, placement, secs, setup, who};
use super::task::{asks_leave, calls, done, operator, plan, plan_with};

fn asked() -> Play {
    asked_with(plan())
}

fn asked_with(plan: Plan) -> Play {
    Play::with(plan)
        .reply("create.1", calls("r1", &[("send", r#"{"to":1}"#)]))
        .reply("create.2", done("r2"))
}

fn landed() -> SinkAnswer {
    SinkAnswer::Landed {
        receipt: "m-1".into(),
    }
}

fn edit(arguments: &str) -> ApprovalVerdict {
    ApprovalVerdict::Edit {
        act: 0,
        arguments: arguments.into(),
    }
}

fn reevaluate(quorum: Option<u16>) -> Told {
    Told::Reevaluate {
        why: "the policy was tightened".into(),
        quorum,
    }
}

fn effect(name: &str) -> Play {
    Play::new()
        .reply("create.1", calls("r1", &[(name, "{}")]))
        .approve(500, "0.a1", "ann")
        .reply("create.2", done("r2"))
}

fn refused(why: &str) -> SinkAnswer {
    SinkAnswer::NotLanded { why: why.into() }
}

fn found(receipt: Option<&str>) -> SinkAnswer {
    SinkAnswer::Found {
        receipt: receipt.map(Arc::from),
    }
}

const APPLIED: &str = "accepted queued dispatching running awaiting_approval applying dispatching running finalizing \
                       succeeded";
const IN_DOUBT: &str = "accepted queued dispatching running awaiting_approval applying needs_intervention";
const EXPIRED: &str = "accepted queued dispatching running awaiting_approval expired";
const AGAIN: &str = "accepted queued dispatching running awaiting_approval awaiting_approval applying dispatching \
                     running finalizing succeeded";

pub(crate) const CASES: &[Case] = &[
    Case::new("approved and applied", APPLIED, || {
        asked()
            .approve(500, "0.a1", "ann")
            .sink("sink 0.1.c1#1", landed())
    }),
    Case::new(
        "the receipt is the result",
        "accepted queued dispatching running awaiting_approval applying finalizing succeeded",
        || effect("post").sink("sink 0.1.c1#1", landed()),
    ),
    Case::new(
        "denied",
        "accepted queued dispatching running awaiting_approval denied",
        || asked().decide(500, "0.a1", "ann", ApprovalVerdict::Deny),
    ),
    Case::new(
        "denied, and planned again",
        "accepted queued dispatching running awaiting_approval dispatching running finalizing succeeded",
        || {
            asked_with(plan_with(|plan| plan.rules.denial = OnDenial::Replan)).decide(
                500,
                "0.a1",
                "ann",
                ApprovalVerdict::Deny,
            )
        },
    ),
    Case::new("nobody answers", EXPIRED, asked),
    Case::new(
        "the deadline comes before an answer",
        "accepted queued dispatching running awaiting_approval timed_out",
        || asked_with(plan_with(|plan| plan.limits.deadline = secs(100))),
    ),
    Case::new(
        "withdrawn",
        "accepted queued dispatching running awaiting_approval cancelled",
        || {
            let by = |name: &str| Told::Withdrawn {
                approval: "0.a1".into(),
                by: who(name),
            };
            asked()
                .at(400, by("ann"))
                .at(500, by("user"))
                .approve(501, "0.a1", "ann")
        },
    ),
    Case::new("edited is a new question", AGAIN, || {
        asked()
            .decide(400, "0.a1", "ann", edit(r#"{"to":2}"#))
            .approve(450, "0.a1", "ann")
            .approve(500, "0.a2", "ann")
            .sink("sink 0.1.c1#1", landed())
    }),
    Case::new("an edit that cannot be read", EXPIRED, || {
        asked().decide(400, "0.a1", "ann", edit("{"))
    }),
    Case::new("an edit of an act that is not there", EXPIRED, || {
        asked().decide(
            400,
            "0.a1",
            "ann",
            ApprovalVerdict::Edit {
                act: 3,
                arguments: "{}".into(),
            },
        )
    }),
    Case::new("the policy is tightened", AGAIN, || {
        asked()
            .at(300, reevaluate(Some(2)))
            .approve(400, "0.a2", "ann")
            .approve(450, "0.a2", "bob")
            .sink("sink 0.1.c1#1", landed())
    }),
    Case::new(
        "what is tightened stays tight",
        "accepted queued dispatching running awaiting_approval applying awaiting_approval applying dispatching \
         running finalizing succeeded",
        || {
            asked()
                .at(5, reevaluate(Some(2)))
                .approve(400, "0.a1", "ann")
                .approve(450, "0.a1", "bob")
                .sink(
                    "sink 0.1.c1#1",
                    SinkAnswer::GrantRefused {
                        why: "expired".into(),
                    },
                )
                .approve(500, "0.a2", "ann")
                .approve(550, "0.a2", "bob")
                .sink("sink 0.1.c1#2", landed())
        },
    ),
    Case::new("two have to agree, and one human is one", APPLIED, || {
        asked_with(plan_with(|plan| plan.approval.quorum = 2))
            .approve(400, "0.a1", "ann")
            .approve(410, "0.a1", "ann")
            .approve(420, "0.a1", "ann-bot")
            .approve(500, "0.a1", "bob")
            .sink("sink 0.1.c1#1", landed())
    }),
    Case::new(
        "yes, and then no",
        "accepted queued dispatching running awaiting_approval denied",
        || {
            asked_with(plan_with(|plan| plan.approval.quorum = 2))
                .approve(400, "0.a1", "ann")
                .decide(500, "0.a1", "ann", ApprovalVerdict::Deny)
        },
    ),
    Case::new("people who may not decide", EXPIRED, || {
        asked()
            .approve(100, "0.a1", "carl")
            .approve(110, "0.a1", "mallory")
            .approve(120, "0.a1", "user")
            .approve(130, "0.a1", "user-bot")
            .approve(140, "0.a9", "ann")
            .at(
                150,
                Told::Decided(Box::new(Decision {
                    approval: "0.a1".into(),
                    by: who("ann"),
                    verdict: ApprovalVerdict::Approve,
                    digests: vec!["of something else".into()],
                    reason: None,
                })),
            )
    }),
    Case::new("the own request, where that counts", APPLIED, || {
        asked_with(plan_with(|plan| plan.approval.own = OwnApproval::Counts))
            .approve(500, "0.a1", "user")
            .sink("sink 0.1.c1#1", landed())
    }),
    Case::new("two approvals in one tick are one effect", APPLIED, || {
        asked()
            .approve(500, "0.a1", "ann")
            .approve(500, "0.a1", "bob")
            .sink("sink 0.1.c1#1", landed())
    }),
    Case::new(
        "the grant is refused, and asked for again",
        "accepted queued dispatching running awaiting_approval applying awaiting_approval expired",
        || {
            asked()
                .approve(500, "0.a1", "ann")
                .sink(
                    "sink 0.1.c1#1",
                    SinkAnswer::GrantRefused {
                        why: "precondition".into(),
                    },
                )
                .approve(600, "0.a1", "ann")
        },
    ),
    Case::new(
        "not landed, then landed with the same key",
        "accepted queued dispatching running awaiting_approval applying applying dispatching running finalizing \
         succeeded",
        || {
            asked()
                .approve(500, "0.a1", "ann")
                .sink("sink 0.1.c1#1", refused("busy"))
                .sink("sink 0.1.c1#2", landed())
        },
    ),
    Case::new(
        "never landed",
        "accepted queued dispatching running awaiting_approval applying applying applying needs_intervention",
        || {
            asked()
                .approve(500, "0.a1", "ann")
                .sink("sink 0.1.c1#1", refused("busy"))
                .sink("sink 0.1.c1#2", refused("busy"))
                .sink("sink 0.1.c1#3", refused("busy"))
        },
    ),
    Case::new("will never land", IN_DOUBT, || {
        effect("ship").sink(
            "sink 0.1.c1#1",
            SinkAnswer::Impossible {
                why: "no such thing".into(),
            },
        )
    }),
    Case::new("no receipt: the same key again", APPLIED, || {
        effect("send").sink("sink 0.1.c1#2", landed())
    }),
    Case::new("no receipt: the sink is asked, and has it", APPLIED, || {
        effect("note").sink("query 0.1.c1#2", found(Some("m-1")))
    }),
    Case::new("no receipt: the sink is asked, and has it not", APPLIED, || {
        effect("note")
            .sink("query 0.1.c1#2", found(None))
            .sink("sink 0.1.c1#3", landed())
    }),
    Case::new("no receipt, and the sink cannot say either", IN_DOUBT, || {
        effect("note")
    }),
    Case::new("no receipt, and nobody can say", IN_DOUBT, || {
        effect("ship").after(25_000, "sink 0.1.c1#1", super::play::Answer::Sink(landed()))
    }),
    Case::new("a sink that is never there", IN_DOUBT, || effect("send")),
    Case::new("a function that nobody declared is an effect", EXPIRED, || {
        Play::new().reply("create.1", calls("r1", &[("rm_rf", "{}")]))
    }),
    Case::new(
        "an act that cannot be put into canonical form",
        "accepted queued dispatching running using_tools dispatching running finalizing succeeded",
        || {
            Play::new()
                .reply(
                    "create.1",
                    calls("r1", &[("send", r#"{"a":1,"a":2}"#), ("look", "{}")]),
                )
                .reply("create.2", done("r2"))
        },
    ),
    Case::new("effects and a tool of one turn, in order", APPLIED, || {
        Play::new()
            .reply(
                "create.1",
                calls("r1", &[("send", r#"{"to":1}"#), ("look", "{}"), ("ship", "{}")]),
            )
            .approve(500, "0.a1", "ann")
            .sink("sink 0.1.c1#1", landed())
            .tool("tool c2#1", Err("busy"))
            .tool("tool c2#2", Ok("seen"))
            .sink("sink 0.1.c3#1", landed())
            .reply("create.2", done("r2"))
    }),
    Case::new(
        "a silent tool beside effects that must not run twice",
        IN_DOUBT,
        || {
            Play::new()
                .reply("create.1", calls("r1", &[("send", "{}"), ("book", "{}")]))
                .approve(500, "0.a1", "ann")
                .sink("sink 0.1.c1#1", landed())
        },
    ),
    Case::new("a silent tool beside effects", APPLIED, || {
        Play::new()
            .reply("create.1", calls("r1", &[("send", "{}"), ("look", "{}")]))
            .approve(500, "0.a1", "ann")
            .sink("sink 0.1.c1#1", landed())
            .reply("create.2", done("r2"))
    }),
    Case::new("an act of the service", APPLIED, || {
        Play::new()
            .reply("create.1", asks_leave("r1"))
            .approve(500, "0.a1", "ann")
            .reply("create.2", done("r2"))
    }),
    Case::new(
        "an act of the service is denied, and the service hears of it",
        "accepted queued dispatching running awaiting_approval denied",
        || {
            Play::new()
                .reply("create.1", asks_leave("r1"))
                .decide(500, "0.a1", "ann", ApprovalVerdict::Deny)
                .reply("create.2", done("r2"))
        },
    ),
    Case::new(
        "an operator tries again after doubt: it is asked for again",
        "accepted queued dispatching running awaiting_approval applying needs_intervention queued dispatching \
         running awaiting_approval expired",
        || {
            effect("ship")
                .at(60_000, operator(Verb::Retry))
                .reply("create.2", calls("r2", &[("ship", "{}")]))
        },
    ),
];

/// The act that is applied is the act that was approved, with a grant of exactly its digest; an edit shows.
#[test]
fn what_is_applied_is_what_was_approved() {
    let play = asked()
        .decide(400, "0.a1", "ann", edit(r#"{ "to": 2 }"#))
        .approve(500, "0.a2", "bob")
        .sink("sink 0.1.c1#1", landed())
        .run();
    let applied: Vec<_> = play
        .acted
        .iter()
        .filter_map(|(_, action)| match action {
            Action::Outside {
                message: ToOutside::Apply { act, grant, .. },
                ..
            } => Some((act.clone(), grant.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(applied.len(), 1);
    let (act, grant) = &applied[0];
    assert_eq!(&*act.arguments, r#"{ "to": 2 }"#);
    assert_eq!(
        act.digest,
        lanebench::job::digest("mail", "send", r#"{"to":2}"#).unwrap()
    );
    assert_eq!(grant.digest, act.digest);
    assert_eq!(&*grant.approval, "0.a2");
}

/// A job that waits for a person holds no place; when it goes on it takes one at once, over capacity if it must.
#[test]
fn waiting_for_a_person_holds_no_place() {
    let mut lanes = lane();
    lanes.capacity = 1;
    let play = Play::of(setup(vec![plan(), plan()], &placement(), lanes))
        .reply("create.1", calls("r1", &[("send", "{}")]))
        .approve(500, "0.a1", "ann")
        .sink("sink 0.1.c1#1", landed())
        .reply("create.2", done("r2"))
        .until(2_000)
        .run();
    assert!(play.states_of(1).starts_with("accepted queued dispatching"));
    let loads: Vec<u32> = play
        .notes
        .iter()
        .filter_map(|record| match &record.event {
            lanebench::trace::CoreEvent::Runtime(lanebench::trace::RuntimeEvent::LaneLoad {
                lane: LaneName::Background,
                active,
                ..
            }) => Some(*active),
            _ => None,
        })
        .collect();
    assert!(loads.iter().all(|active| *active <= 2), "{loads:?}");
    assert_eq!(play.states(), APPLIED);
}

/// The limits of execution stand still while a person is awaited; the deadline does not.
#[test]
fn attempt_limits_stand_still_for_people() {
    let slow = |approved_at: u64| {
        let plan = plan_with(|plan| {
            plan.limits.attempt = secs(30);
            plan.limits.attempts = secs(30);
        });
        Play::with(plan)
            .reply("create.1", calls("r1", &[("send", "{}")]))
            .approve(approved_at, "0.a1", "ann")
            .sink("sink 0.1.c1#1", landed())
            .reply("create.2", super::task::working("r2"))
            .reply("poll.*", super::task::working("r2"))
            .run()
    };
    // It was asked at 10 ms, so nearly the whole limit is left whenever the answer comes.
    for approved_at in [1_000, 100_000, 250_000] {
        let ended = slow(approved_at).when(lanebench::trace::StateName::TimedOut);
        assert_eq!(ended, SimTime::START + ms(approved_at - 10) + secs(30));
    }
}

/// Every request ends exactly once, and says how.
#[test]
fn every_request_is_closed_once() {
    for (name, play) in super::plays() {
        let mut open = std::collections::BTreeSet::new();
        for (_, event) in play.events() {
            match event {
                JobEvent::ApprovalRequested { approval, .. } => {
                    assert!(open.insert(approval.clone()), "{name}")
                }
                JobEvent::ApprovalClosed { approval, .. } => assert!(open.remove(approval), "{name}"),
                _ => {}
            }
        }
        assert!(open.is_empty(), "{name}: {open:?}");
    }
}

/// Every act that is applied had its grant consumed before, for its own digest, in every case there is.
#[test]
fn no_effect_without_a_grant() {
    for (name, play) in super::plays() {
        let consumed: Vec<_> = play
            .events()
            .filter_map(|(at, event)| match event {
                JobEvent::GrantConsumed { grant, digest, .. } => Some((at, grant.clone(), digest.clone())),
                _ => None,
            })
            .collect();
        for (at, action) in &play.acted {
            if let Action::Outside {
                message: ToOutside::Apply { act, grant, .. },
                ..
            } = action
            {
                let matching = |(when, id, digest): &(SimTime, Arc<str>, Arc<str>)| {
                    when <= at && *id == grant.id && *digest == act.digest
                };
                assert!(consumed.iter().any(matching), "{name}: {act:?}");
            }
        }
    }
}
