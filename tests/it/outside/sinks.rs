//! Classes of sinks under faults.

use std::slice::from_ref;

use lanebench::fault::{Fault, Target};
use lanebench::rng::Law;

use super::world::{PAY, World, act, apply, ask, check, grant, query, secs};

/// Approval `a1` is given for `PAY` at `sink`, and the act is tried at second 2.
fn tried(sink: &str) -> World {
    let what = act(sink, PAY);
    World::new()
        .given()
        .says(1, ask("a1", from_ref(&what)))
        .says(2, apply(&what, "k1", 1, grant("g1", &what)))
}

/// The same key and grant once more, at this second.
fn again(world: World, sink: &str, second: u64) -> World {
    let what = act(sink, PAY);
    world.says(second, apply(&what, "k1", 2, grant("g1", &what)))
}

fn struck(sink: &str, fault: Fault) -> World {
    tried(sink).fault(Target::Sink(Some(sink.into())), 1, fault)
}

#[test]
fn the_same_key_again_is_one_effect_where_the_sink_promises_it() {
    check(
        &again(tried("mail"), "mail", 5),
        "3s mail applied k1 <mail> by g1
         3s -> k1/1 landed mail:k1
         6s mail repeated k1
         6s -> k1/2 landed mail:k1",
    );
}

#[test]
fn a_repeat_under_way_together_with_the_first_try_is_one_effect() {
    check(
        &again(tried("mail"), "mail", 2),
        "3s mail applied k1 <mail> by g1
         3s mail repeated k1
         3s -> k1/1 landed mail:k1
         3s -> k1/2 landed mail:k1",
    );
}

#[test]
fn a_repeat_needs_no_living_grant_but_the_same_act() {
    let (what, other) = (act("mail", PAY), act("mail", "{}"));
    let mut ended = grant("g1", &what);
    ended.expires = super::world::at(4);
    check(
        &tried("mail")
            .says(5, apply(&what, "k1", 2, ended))
            .says(7, apply(&other, "k1", 3, grant("g2", &other))),
        "3s mail applied k1 <mail> by g1
         3s -> k1/1 landed mail:k1
         6s mail repeated k1
         6s -> k1/2 landed mail:k1
         8s mail refused k1: digest
         8s -> k1/3 grant refused: digest",
    );
}

#[test]
fn the_same_key_again_is_a_second_effect_where_nothing_is_promised() {
    let world = again(tried("purchases"), "purchases", 5);
    check(
        &world,
        "3s purchases applied k1 <purchases> by g1
         3s -> k1/1 landed purchases:k1
         6s purchases applied k1 <purchases> by g1
         6s -> k1/2 landed purchases:k1",
    );
}

#[test]
fn ledgers_hold_what_landed() {
    let mut outside = again(tried("purchases"), "purchases", 5).outside();
    let (mut batch, mut out) = (Vec::new(), Vec::new());
    for (now, message) in again(tried("purchases"), "purchases", 5).says {
        batch.push(message);
        outside.step(now, &mut batch, &mut out);
        outside.step(now + secs(1), &mut batch, &mut out);
    }
    let rows: Vec<(String, usize)> = outside
        .sinks()
        .ledgers()
        .map(|(name, ledger)| (name.to_string(), ledger.rows().len()))
        .collect();
    let expected = [("mail", 0), ("production", 0), ("purchases", 2), ("records", 0)];
    assert_eq!(rows, expected.map(|(name, rows)| (name.to_owned(), rows)));
}

#[test]
fn a_hanging_sink_does_it_and_says_nothing() {
    check(
        &again(struck("mail", Fault::Hang), "mail", 9),
        "3s fault 0
         3s mail applied k1 <mail> by g1
         3s mail lost the receipt of k1
         10s mail repeated k1
         10s -> k1/2 landed mail:k1",
    );
}

#[test]
fn a_sink_that_hangs_before_does_nothing_and_says_nothing() {
    check(
        &again(struck("purchases", Fault::HangBefore), "purchases", 9),
        "3s fault 0
         10s purchases applied k1 <purchases> by g1
         10s -> k1/2 landed purchases:k1",
    );
}

#[test]
fn an_unavailable_sink_says_that_nothing_landed() {
    let down = Fault::FailTool {
        message: "closed for lunch".into(),
    };
    check(
        &again(struck("mail", down), "mail", 4),
        "3s fault 0
         3s mail refused k1: unavailable
         3s -> k1/1 not landed: closed for lunch
         5s mail applied k1 <mail> by g1
         5s -> k1/2 landed mail:k1",
    );
}

#[test]
fn a_refusal_for_good_says_so() {
    check(
        &struck("mail", Fault::RefuseForGood),
        "3s fault 0
         3s mail refused k1: invalid
         3s -> k1/1 impossible: the sink refuses this for good",
    );
}

#[test]
fn a_key_that_landed_is_never_denied_afterwards() {
    let world = tried("mail").fault(Target::Sink(None), 2, Fault::RefuseForGood);
    check(
        &again(world, "mail", 5),
        "3s mail applied k1 <mail> by g1
         3s -> k1/1 landed mail:k1
         6s mail repeated k1
         6s -> k1/2 landed mail:k1",
    );
}

#[test]
fn a_slow_sink_takes_longer_and_the_first_other_fault_decides() {
    let slow = Fault::Slow {
        law: Law::Constant(secs(10)),
    };
    let world = struck("mail", slow)
        .fault(Target::Sink(None), 1, Fault::HangBefore)
        .fault(Target::Sink(None), 1, Fault::RefuseForGood);
    check(&world, "2s fault 0\n13s fault 1");
}

#[test]
fn a_sink_can_be_asked_whether_a_key_has_landed() {
    let world = struck("records", Fault::Hang)
        .says(5, query("records", "k1", 1))
        .says(7, query("records", "k2", 1));
    check(
        &world,
        "3s fault 0
         3s records applied k1 <records> by g1
         3s records lost the receipt of k1
         6s records queried k1: true
         6s -> k1/1 found Some(\"records:k1\")
         8s records queried k2: false
         8s -> k2/1 found None",
    );
}

#[test]
fn absent_means_absent_for_good() {
    let slow = Fault::Slow {
        law: Law::Constant(secs(10)),
    };
    check(
        &struck("records", slow).says(5, query("records", "k1", 1)),
        "2s fault 0
         13s records applied k1 <records> by g1
         13s -> k1/1 landed records:k1
         13.000001s records queried k1: true
         13.000001s -> k1/1 found Some(\"records:k1\")",
    );
}

#[test]
fn a_sink_that_cannot_know_keeps_silent() {
    check(
        &World::new()
            .says(5, query("purchases", "k1", 1))
            .says(5, query("nowhere", "k2", 1)),
        "5s purchases refused k1: invalid
         5s nowhere refused k2: invalid",
    );
}
