//! Users, approvers, operators and changes around them.

use std::sync::Arc;

use lanebench::job::{OwnApproval, ToOutside, Viewers};
use lanebench::people::{Behaviour, Cancel, Notice, OperatorAnswer, OperatorScript, Reach, UserScript, When};
use lanebench::trace::{StateName, Verb, View};
use lanebench::units::SimDuration;

use super::world::{PAY, World, act, ask, at, check, close, parked, request, secs, show, takes, view, who};

#[test]
fn tasks_come_when_they_come() {
    let world = World::new().task("second", 5).task("third", 3);
    let expected = "0s submitted report\n0s -> submitted\n\
                    3s #2 submitted third\n3s #2 -> submitted\n\
                    5s #1 submitted second\n5s #1 -> submitted";
    assert_eq!(world.play(), expected);
}

#[test]
fn a_user_leaves_cancels_and_is_not_the_only_one_who_may_try() {
    let user = UserScript {
        leaves_after: Some(takes(30)),
        cancels: vec![
            Cancel {
                when: When::After(secs(10)),
                by: None,
            },
            Cancel {
                when: When::At(at(40)),
                by: Some(who("mallory")),
            },
            Cancel {
                when: When::At(at(0)),
                by: None,
            },
        ],
        withdraws_after: None,
        ..UserScript::default()
    };
    check(
        &World::new().user(user),
        "0.000001s asked to cancel
         0.000001s -> cancel by kim
         10s asked to cancel
         10s -> cancel by kim
         30s left
         30s -> session ended
         40s asked to cancel
         40s -> cancel by mallory",
    );
}

#[test]
fn a_user_takes_a_result_once() {
    let done = View {
        result: Some("d1".into()),
        ..view(StateName::Succeeded, 5)
    };
    check(
        &World::new()
            .says(3, show(Viewers::User, view(StateName::Running, 1)))
            .says(4, show(Viewers::Operator, done.clone()))
            .says(5, show(Viewers::User, done.clone()))
            .says(6, show(Viewers::User, done)),
        "5s retrieved d1",
    );
}

#[test]
fn a_user_takes_a_request_back_while_it_is_open() {
    let user = UserScript {
        withdraws_after: Some(secs(4)),
        ..UserScript::default()
    };
    check(
        &World::new()
            .user(user)
            .says(1, ask("a1", &[act("mail", PAY)]))
            .says(2, close("a1"))
            .says(3, ask("a2", &[act("mail", PAY)])),
        "7s kim withdrew a2
         7s -> withdrawn a2 by kim",
    );
}

#[test]
fn approvers_say_yes_no_or_nothing() {
    let no = Behaviour::Deny {
        reason: Some("too much".into()),
    };
    check(
        &World::new()
            .approver("ana", 120, &[Behaviour::Approve])
            .approver("ben", 60, &[no])
            .approver("cy", 1, &[Behaviour::Ignore])
            .approver("dee", 1, &[])
            .says(1, ask("a1", &[act("mail", PAY), act("records", PAY)])),
        "1s saw a1 <mail>+<records>
         1s saw a1 <mail>+<records>
         1s saw a1 <mail>+<records>
         1s saw a1 <mail>+<records>
         61s ben deny a1 <mail>+<records> (too much)
         61s -> ben deny a1 <mail>+<records> (too much)
         121s ana approve a1 <mail>+<records>
         121s -> ana approve a1 <mail>+<records>",
    );
}

#[test]
fn a_request_that_is_over_is_not_decided() {
    check(
        &World::new()
            .approver("ana", 60, &[Behaviour::Approve])
            .says(1, ask("a1", &[act("mail", PAY)]))
            .says(60, close("a1")),
        "1s saw a1 <mail>",
    );
}

#[test]
fn digests_are_of_what_is_shown_not_of_what_is_claimed() {
    let mut shown = act("mail", PAY);
    shown.digest = act("mail", "{}").digest;
    check(
        &World::new()
            .approver("ana", 1, &[Behaviour::Approve])
            .says(1, ask("a1", &[shown])),
        "1s saw a1 <mail>
         2s ana approve a1 <mail>
         2s -> ana approve a1 <mail>",
    );
}

#[test]
fn an_act_that_can_be_read_in_two_ways_is_denied() {
    let why = "an act that is shown cannot be read in exactly one way";
    check(
        &World::new()
            .approver("ana", 1, &[Behaviour::Approve])
            .says(1, ask("a1", &[act("mail", "{\"a\":1e3}")])),
        &format!("1s saw a1 nothing\n2s ana deny a1 nothing ({why})\n2s -> ana deny a1 nothing ({why})"),
    );
}

#[test]
fn an_edit_is_followed_by_what_is_done_about_the_new_request() {
    let edit = Behaviour::Edit {
        act: 0,
        arguments: PAY.into(),
    };
    let (before, after) = (act("mail", r#"{"cents":9}"#), act("mail", PAY));
    let first = super::world::digest_name(&before.digest);
    check(
        &World::new()
            .approver("ana", 1, &[edit])
            .says(1, ask("a1", &[before]))
            .says(3, close("a1"))
            .says(3, ask("a2", &[after])),
        &format!(
            "1s saw a1 {first}
             2s ana edit a1 {first}
             2s -> ana edit 0 to {PAY} a1 {first}
             3s saw a2 <mail>
             4s ana approve a2 <mail>
             4s -> ana approve a2 <mail>"
        ),
    );
}

#[test]
fn behaviours_go_by_the_number_of_the_request() {
    let no = Behaviour::Deny { reason: None };
    let mut world = World::new().approver("ana", 1, &[no, Behaviour::Ignore, Behaviour::Approve]);
    for (number, second) in [(1, 10), (2, 20), (3, 30), (4, 40)] {
        world = world.says(second, ask(&format!("a{number}"), &[act("mail", PAY)]));
    }
    check(
        &world,
        "10s saw a1 <mail>
         11s ana deny a1 <mail>
         11s -> ana deny a1 <mail>
         20s saw a2 <mail>
         30s saw a3 <mail>
         31s ana approve a3 <mail>
         31s -> ana approve a3 <mail>
         40s saw a4 <mail>
         41s ana approve a4 <mail>
         41s -> ana approve a4 <mail>",
    );
}

#[test]
fn a_double_click_decides_twice_in_one_tick_or_later() {
    let twice = |gap| [Behaviour::ApproveTwice { gap }];
    check(
        &World::new()
            .approver("ana", 1, &twice(SimDuration::ZERO))
            .says(1, ask("a1", &[act("mail", PAY)])),
        "1s saw a1 <mail>
         2s ana approve a1 <mail>
         2s ana approve a1 <mail>
         2s -> ana approve a1 <mail>
         2s -> ana approve a1 <mail>",
    );
    check(
        &World::new()
            .approver("ana", 1, &twice(secs(1)))
            .says(1, ask("a1", &[act("mail", PAY)]))
            .says(2, close("a1"))
            .says(5, ask("a2", &[act("mail", PAY)]))
            .says(7, close("a2")),
        "1s saw a1 <mail>
         5s saw a2 <mail>
         6s ana approve a2 <mail>
         6s -> ana approve a2 <mail>
         7s ana approve a2 <mail>
         7s -> ana approve a2 <mail>",
    );
}

#[test]
fn a_stale_card_is_still_clicked() {
    check(
        &World::new()
            .approver("ana", 2, &[Behaviour::ApproveStale, Behaviour::Ignore])
            .says(1, ask("a1", &[act("mail", PAY)]))
            .says(9, close("a1"))
            .says(9, ask("a2", &[act("records", PAY)])),
        "1s saw a1 <mail>
         9s saw a2 <records>
         11s ana approve a1 <mail>
         11s -> ana approve a1 <mail>",
    );
}

#[test]
fn the_roster_says_who_may_decide() {
    let yes = [Behaviour::Approve];
    let mut world = World::new()
        .approver_with("ana", &["intern"], 1, &yes, Reach::Eligible)
        .approver_with("ben", &["intern"], 2, &yes, Reach::Every)
        .approver_with("kim", &["lead"], 3, &yes, Reach::Every)
        .approver_with("bot", &["lead"], 4, &yes, Reach::Every)
        .approver_with("cy", &["intern", "lead"], 5, &yes, Reach::Eligible)
        .says(1, ask("a1", &[act("mail", PAY)]));
    world.setup.approvers[3].person.acts_for = Some(who("kim"));
    let expected = |own: &str| {
        format!(
            "1s saw a1 <mail>
             1s saw a1 <mail>
             1s saw a1 <mail>
             1s saw a1 <mail>
             3s ben approve a1 <mail> ineligible
             3s -> ben approve a1 <mail>
             4s kim approve a1 <mail>{own}
             4s -> kim approve a1 <mail>
             5s bot approve a1 <mail>{own}
             5s -> bot approve a1 <mail>
             6s cy approve a1 <mail>
             6s -> cy approve a1 <mail>"
        )
    };
    check(&world, &expected(" ineligible"));
    world.setup.tasks[0].own = OwnApproval::Counts;
    check(&world, &expected(""));
}

fn answer(verb: Verb, cause: Option<&str>, times: Option<u16>) -> OperatorAnswer {
    OperatorAnswer {
        cause: cause.map(Into::into),
        times,
        verb,
        reason: "as the book says".into(),
        extend: None,
        result: None,
    }
}

fn operated(answers: Vec<OperatorAnswer>) -> World {
    World::new().operator(OperatorScript {
        name: who("olga"),
        takes: takes(60),
        answers,
    })
}

fn shown(view: View) -> ToOutside {
    show(Viewers::Operator, view)
}

#[test]
fn an_operator_acts_once_on_each_parking_and_by_its_cause() {
    let resolve = OperatorAnswer {
        extend: Some(secs(3600)),
        result: Some("by hand".into()),
        ..answer(Verb::Resolve, Some("result_lost"), None)
    };
    let answers = vec![
        resolve,
        answer(Verb::Retry, None, Some(1)),
        answer(Verb::Abandon, None, None),
    ];
    check(
        &operated(answers)
            .says(1, shown(view(StateName::Running, 0)))
            .says(1, show(Viewers::User, parked(1, "quota")))
            .says(10, shown(parked(10, "quota")))
            .says(20, shown(parked(10, "quota")))
            .says(100, shown(parked(100, "quota")))
            .says(200, shown(parked(200, "result_lost"))),
        "10s notified
         70s olga retry (as the book says)
         70s -> olga retry None None
         100s notified
         160s olga abandon (as the book says)
         160s -> olga abandon None None
         200s notified
         260s olga resolve (as the book says)
         260s -> olga resolve Some(SimDuration(3600000000)) Some(\"by hand\")",
    );
}

#[test]
fn an_operator_acts_on_what_is_shown_alone() {
    let offered = View {
        verbs: vec![Verb::Abandon],
        ..parked(10, "quota")
    };
    check(
        &operated(vec![answer(Verb::Retry, None, None)]).says(10, shown(offered)),
        "10s notified",
    );
    check(
        &operated(vec![answer(Verb::Retry, None, None)])
            .says(10, shown(parked(10, "quota")))
            .says(69, shown(view(StateName::Queued, 69))),
        "10s notified",
    );
    check(
        &operated(vec![answer(Verb::Retry, Some("other"), None)]).says(10, shown(parked(10, "quota"))),
        "10s notified",
    );
}

#[test]
fn a_tightened_policy_reaches_open_requests_and_those_to_come() {
    let mut strict = request("a3", &[act("mail", PAY)]);
    strict.quorum = 2;
    check(
        &World::new()
            .quorum(5, 2)
            .says(1, ask("a1", &[act("mail", PAY)]))
            .says(3, close("a1"))
            .says(4, ask("a2", &[act("mail", PAY)]))
            .says(5, ToOutside::AskApproval(Arc::new(strict)))
            .says(6, ask("a4", &[act("mail", PAY)])),
        "5s changed: stricter
         5s -> reevaluate stricter Some(2)
         6s -> reevaluate stricter Some(2)",
    );
}

#[test]
fn a_changed_target_reaches_those_who_wait_for_an_act_there() {
    check(
        &World::new()
            .task("second", 0)
            .version(5, "v2", Notice::Given)
            .version(6, "v3", Notice::Silent)
            .says_of(0, 1, ask("a1", &[act("production", PAY)]))
            .says_of(1, 1, ask("b1", &[act("mail", PAY)])),
        "0s #1 submitted second
         0s #1 -> submitted
         5s changed: released
         5s -> reevaluate released None
         6s changed: released",
    );
}

#[test]
#[should_panic(expected = "every task has a user")]
fn a_task_without_a_user_is_our_mistake() {
    let mut world = World::new();
    world.setup.tasks[0].user = 1;
    let _ = world.outside();
}
