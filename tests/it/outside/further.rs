//! Users who come again, and second requests for one task.

use lanebench::job::Viewers;
use lanebench::people::{Balk, Further, Retrial, UserScript};
use lanebench::trace::{StateName, View};
use lanebench::units::Probability;

use super::world::{World, check, secs, show, takes, view};

/// Kim asks for `report`, and two further jobs stand for further tries of it.
fn again(user: UserScript) -> World {
    let mut world = World::new()
        .task("report-again-1", 0)
        .task("report-again-2", 0)
        .user(user);
    world.setup.further = Further {
        firsts: Some(1),
        tries: 2,
        ..Further::default()
    };
    world
}

fn comes_again(probability: Probability) -> UserScript {
    UserScript {
        balks: Some(Balk::Busy),
        retrial: Some(Retrial {
            probability,
            after: takes(60),
            times: 2,
        }),
        ..UserScript::default()
    }
}

#[test]
fn who_balks_comes_again_as_often_as_said_and_no_more() {
    let queued = || show(Viewers::User, view(StateName::Queued, 0));
    check(
        &again(comes_again(Probability::ONE))
            .says(1, queued())
            .says_of(1, 62, queued())
            .says_of(2, 123, queued()),
        "1.000001s gave up: busy
         1.000001s asked to cancel
         1.000001s -> cancel by kim
         61.000001s #1 submitted report-again-1
         61.000001s #1 -> submitted
         62.000001s #1 gave up: busy
         62.000001s #1 asked to cancel
         62.000001s #1 -> cancel by kim
         122.000001s #2 submitted report-again-2
         122.000001s #2 -> submitted
         123.000001s #2 gave up: busy
         123.000001s #2 asked to cancel
         123.000001s #2 -> cancel by kim",
    );
}

#[test]
fn who_is_served_or_has_had_enough_does_not() {
    let begun = show(Viewers::User, view(StateName::Running, 0));
    check(&again(comes_again(Probability::ONE)).says(1, begun), "");
    let queued = show(Viewers::User, view(StateName::Queued, 0));
    check(
        &again(comes_again(Probability::ZERO)).says(1, queued),
        "1.000001s gave up: busy
         1.000001s asked to cancel
         1.000001s -> cancel by kim",
    );
}

fn twinned() -> World {
    let mut world = World::new().task("report-twin", 0);
    world.setup.further = Further {
        firsts: Some(1),
        twins: Some(secs(8)),
        ..Further::default()
    };
    world.setup.tasks[0].may_twin = true;
    world
}

fn done() -> View {
    View {
        result: Some("d1".into()),
        ..view(StateName::Succeeded, 5)
    }
}

#[test]
fn the_first_result_ends_the_other_request() {
    let second_first = twinned()
        .says_of(1, 12, show(Viewers::User, done()))
        .says(13, show(Viewers::User, view(StateName::Cancelled, 13)));
    check(
        &second_first,
        "8s #1 submitted report-twin
         8s #1 -> submitted
         12s asked to cancel
         12s #1 retrieved d1
         12s -> cancel by kim",
    );
    check(
        &twinned().says(9, show(Viewers::User, done())),
        "8s #1 submitted report-twin
         8s #1 -> submitted
         9s #1 asked to cancel
         9s retrieved d1
         9s #1 -> cancel by kim",
    );
}

#[test]
fn what_shows_something_or_is_over_needs_no_second_request() {
    let output = View {
        progress: 1,
        ..view(StateName::Running, 1)
    };
    check(&twinned().says(5, show(Viewers::User, output)), "");
    check(
        &twinned().says(5, show(Viewers::User, view(StateName::Failed, 1))),
        "",
    );
    // Who leaves takes both along.
    let mut leaves = twinned();
    leaves.setup.users[0].leaves_after = Some(takes(10));
    check(
        &leaves,
        "8s #1 submitted report-twin
         8s #1 -> submitted
         10s left
         10s #1 asked to cancel
         10s -> session ended
         10s #1 -> cancel by kim",
    );
}
