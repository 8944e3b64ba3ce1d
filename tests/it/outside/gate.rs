//! Every refusal of the gate, and what it lets through.

use std::slice::from_ref;

use lanebench::people::{Notice, Outside};
use lanebench::sinks::{Knock, Refusal};

use super::world::{PAY, World, act, apply, ask, at, check, grant};

/// A world in which approval `a1` was asked for `PAY` at `sink`.
fn asked(sink: &str) -> World {
    World::new().says(1, ask("a1", &[act(sink, PAY)]))
}

#[test]
fn a_grant_for_exactly_this_act_passes() {
    let mail = act("mail", PAY);
    check(
        &asked("mail").says(2, apply(&mail, "k1", 1, grant("g1", &mail))),
        "3s mail applied k1 <mail> by g1
         3s -> k1/1 landed mail:k1",
    );
}

#[test]
fn other_spelling_of_the_same_act_passes() {
    let mail = act("mail", PAY);
    let respelt = act("mail", r#"{ "to":"\u0061cme","cents":500 }"#);
    check(
        &asked("mail").says(2, apply(&respelt, "k1", 1, grant("g1", &mail))),
        "3s mail applied k1 <mail> by g1
         3s -> k1/1 landed mail:k1",
    );
}

#[test]
fn changed_arguments_are_refused_whatever_the_act_claims() {
    let mail = act("mail", PAY);
    let mut changed = act("mail", r#"{"cents": 501, "to": "acme"}"#);
    changed.digest = mail.digest.clone();
    check(
        &asked("mail").says(2, apply(&changed, "k1", 1, grant("g1", &mail))),
        "3s mail refused k1: digest
         3s -> k1/1 grant refused: digest",
    );
}

#[test]
fn an_act_that_was_not_part_of_the_approval_is_refused_with_a_grant_of_its_own() {
    let added = act("mail", r#"{"cents": 501, "to": "acme"}"#);
    check(
        &asked("mail").says(2, apply(&added, "k1", 1, grant("g1", &added))),
        "3s mail refused k1: digest
         3s -> k1/1 grant refused: digest",
    );
}

#[test]
fn the_grant_of_another_act_of_the_approval_is_refused() {
    let (mail, records) = (act("mail", PAY), act("records", PAY));
    let world = World::new().says(1, ask("a1", &[mail.clone(), records.clone()]));
    check(
        &world.says(2, apply(&mail, "k1", 1, grant("g1", &records))),
        "3s mail refused k1: digest
         3s -> k1/1 grant refused: digest",
    );
}

#[test]
fn a_grant_that_ends_while_the_sink_is_at_it_is_refused() {
    let mail = act("mail", PAY);
    let (mut ended, mut good) = (grant("g1", &mail), grant("g2", &mail));
    ended.expires = at(3);
    good.expires = at(3).next();
    check(
        &asked("mail")
            .says(2, apply(&mail, "k1", 1, ended))
            .says(2, apply(&mail, "k2", 1, good)),
        "3s mail refused k1: expired
         3s mail applied k2 <mail> by g2
         3s -> k1/1 grant refused: expired
         3s -> k2/1 landed mail:k2",
    );
}

#[test]
fn one_grant_releases_one_effect() {
    let mail = act("mail", PAY);
    check(
        &asked("mail")
            .says(2, apply(&mail, "k1", 1, grant("g1", &mail)))
            .says(2, apply(&mail, "k2", 1, grant("g1", &mail))),
        "3s mail applied k1 <mail> by g1
         3s mail refused k2: spent
         3s -> k1/1 landed mail:k1
         3s -> k2/1 grant refused: spent",
    );
}

#[test]
fn a_grant_from_an_approval_nobody_was_asked_for_is_refused() {
    let mail = act("mail", PAY);
    check(
        &World::new().says(2, apply(&mail, "k1", 1, grant("g1", &mail))),
        "3s mail refused k1: no_grant
         3s -> k1/1 grant refused: no_grant",
    );
}

#[test]
fn a_target_that_changed_since_the_approval_was_asked_is_refused() {
    let production = act("production", PAY);
    check(
        &asked("production")
            .version(2, "v2", Notice::Silent)
            .says(2, apply(&production, "k1", 1, grant("g1", &production))),
        "2s changed: released
         3s production refused k1: precondition
         3s -> k1/1 grant refused: precondition",
    );
}

#[test]
fn asked_again_after_the_change_it_passes() {
    let production = act("production", PAY);
    check(
        &World::new()
            .version(1, "v2", Notice::Silent)
            .says(1, ask("a1", from_ref(&production)))
            .says(2, apply(&production, "k1", 1, grant("g1", &production))),
        "1s changed: released
         3s production applied k1 <production> by g1
         3s -> k1/1 landed production:k1",
    );
}

#[test]
fn arguments_that_cannot_be_read_in_one_way_are_never_executed() {
    let doubled = act("mail", r#"{"cents":1,"cents":500}"#);
    check(
        &World::new()
            .says(1, ask("a1", from_ref(&doubled)))
            .says(2, apply(&doubled, "k1", 1, grant("g1", &doubled))),
        "3s mail refused k1: invalid
         3s -> k1/1 impossible: the key `cents` stands twice in one object, again at character 12",
    );
}

#[test]
fn there_is_no_way_into_a_sink_that_is_not_there() {
    let nowhere = act("nowhere", PAY);
    check(
        &asked("nowhere").says(2, apply(&nowhere, "k1", 1, grant("g1", &nowhere))),
        "2.000001s nowhere refused k1: invalid
         2.000001s -> k1/1 impossible: there is no such sink",
    );
}

#[test]
fn the_gate_alone_stands_between_a_wrong_grant_and_the_ledger() {
    fn shut(_: &Knock<'_>) -> Result<(), Refusal> {
        Err(Refusal::Expired)
    }
    fn open(_: &Knock<'_>) -> Result<(), Refusal> {
        Ok(())
    }
    let rows = |outside: Outside| {
        let mail = act("mail", PAY);
        let world = asked("mail").says(2, apply(&mail, "k1", 1, grant("g1", &act("mail", "{}"))));
        world.play_in(outside).contains("applied")
    };
    assert!(
        !rows(asked("mail").outside()),
        "the honest gate refuses a foreign digest"
    );
    assert!(!rows(asked("mail").outside().behind(shut)));
    assert!(rows(asked("mail").outside().behind(open)));
}
