//! Every refusal of the gate, and what it lets through.

use std::slice::from_ref;
use std::sync::Arc;

use lanebench::job::ToOutside;
use lanebench::people::{Behaviour, Notice, Outside, Reach};
use lanebench::sinks::{Knock, Refusal};

use super::world::{PAY, World, act, apply, ask, at, check, grant, request, secs};

/// A world in which approval `a1` was given for `PAY` at `sink`.
fn asked(sink: &str) -> World {
    World::new().given().says(1, ask("a1", &[act(sink, PAY)]))
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
    let world = World::new()
        .given()
        .says(1, ask("a1", &[mail.clone(), records.clone()]));
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

/// What becomes of a mail whose approval needs `quorum` people, of whom these decide so long after they are asked.
fn decided(quorum: u16, deciders: &[(&str, u64, Behaviour)]) -> String {
    let mail = act("mail", PAY);
    let mut request = request("a1", from_ref(&mail));
    request.quorum = quorum;
    let mut world = World::new().says(1, ToOutside::AskApproval(Arc::new(request)));
    for (name, after, behaviour) in deciders {
        world = world.approver(name, *after, from_ref(behaviour));
    }
    let played = world.says(9, apply(&mail, "k1", 1, grant("g1", &mail))).play();
    let end = played.lines().find_map(|line| line.strip_prefix("10s -> k1/1 "));
    end.unwrap_or_else(|| panic!("{played}")).to_owned()
}

#[test]
fn a_grant_from_an_approval_that_was_asked_and_not_given_is_refused() {
    let yes = || Behaviour::Approve;
    let no = || Behaviour::Deny { reason: None };
    let refused = "grant refused: not_given";
    let landed = "landed mail:k1";
    let arguments = r#"{"cents": 1, "to": "acme"}"#.into();
    for (quorum, deciders, expected) in [
        (1, &[][..], refused),
        (1, &[("ada", 2, Behaviour::Ignore)], refused),
        (1, &[("ada", 2, no())], refused),
        (1, &[("ada", 2, Behaviour::Edit { act: 0, arguments })], refused),
        (1, &[("ada", 2, yes())], landed),
        // A yes that comes while the effect is on its way is in time; one that comes later is not.
        (1, &[("ada", 8, yes())], landed),
        (1, &[("ada", 20, yes())], refused),
        // The same person twice is one person; two people are two.
        (
            2,
            &[("ada", 2, Behaviour::ApproveTwice { gap: secs(1) })],
            refused,
        ),
        (2, &[("ada", 2, yes()), ("bea", 3, yes())], landed),
        // A no before the last yes that was needed counts, one behind it does not.
        (
            2,
            &[("ada", 2, yes()), ("bea", 3, no()), ("cal", 4, yes())],
            refused,
        ),
        (1, &[("ada", 2, yes()), ("bea", 3, no())], landed),
    ] {
        assert_eq!(decided(quorum, deciders), expected, "{quorum} of {deciders:?}");
    }
}

#[test]
fn a_yes_of_somebody_who_may_not_decide_is_none() {
    let mail = act("mail", PAY);
    let world = World::new()
        .approver_with("reader", &["reader"], 1, &[Behaviour::Approve], Reach::Every)
        .approver_with("kim", &["lead"], 2, &[Behaviour::Approve], Reach::Every)
        .says(1, ask("a1", from_ref(&mail)))
        .says(9, apply(&mail, "k1", 1, grant("g1", &mail)));
    let played = world.play();
    assert_eq!(played.matches(" ineligible").count(), 2, "{played}");
    assert!(
        played.ends_with("10s -> k1/1 grant refused: not_given"),
        "{played}"
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
            .given()
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
