//! The same inputs give the same bytes: in any order within a tick, from a copy, and from the log.

use lanebench::job::{Action, Decision, Desk, Input};
use lanebench::trace::Notes;
use lanebench::units::SimTime;

use super::play::{lane, placement, setup};
use super::task::plan;

type Log = Vec<(SimTime, Vec<Input>)>;

/// What a desk makes of a log, as bytes: its notes and its actions.
fn told(mut desk: Desk, log: &Log, arrange: impl Fn(&mut Vec<Input>)) -> String {
    let mut out = String::new();
    let mut actions: Vec<Action> = Vec::new();
    for (at, batch) in log {
        let mut batch = batch.clone();
        arrange(&mut batch);
        desk.step(*at, &mut batch, &mut actions);
        out += &serde_json::to_string(&desk.take_notes()).unwrap();
        for action in actions.drain(..) {
            out += &format!("{action:?}\n");
        }
    }
    out
}

/// The logs of all cases that play the usual plan, joined into one crowd of jobs would not say more; each is
/// replayed alone, with the setup of its own case.
fn logs() -> Vec<(&'static str, Desk, Log)> {
    let played = super::plays();
    let fresh = super::fresh();
    played
        .zip(fresh)
        .map(|((name, play), desk)| (name, desk, play.batches))
        .collect()
}

#[test]
fn a_log_replays_to_the_same_bytes() {
    for (name, desk, log) in logs() {
        let first = told(desk.clone(), &log, |_| {});
        assert_eq!(first, told(desk, &log, |_| {}), "{name}");
        assert!(first.len() > 100, "{name}");
    }
}

#[test]
fn a_replay_gives_what_was_given() {
    for ((name, play), desk) in super::plays().zip(super::fresh()) {
        let mut desk = desk;
        let (mut notes, mut actions) = (Vec::new(), Vec::new());
        for (at, batch) in &play.batches {
            desk.step(*at, &mut batch.clone(), &mut actions);
            notes.extend(desk.take_notes());
        }
        let given: Vec<Action> = play.acted.into_iter().map(|(_, action)| action).collect();
        assert!(actions == given, "{name}");
        let bytes = |notes: &[lanebench::trace::Record<lanebench::trace::CoreEvent>]| {
            serde_json::to_string(notes).unwrap()
        };
        assert!(bytes(&notes) == bytes(&play.notes), "{name}");
    }
}

#[test]
fn the_order_within_a_tick_does_not_count() {
    for (name, desk, log) in logs() {
        let straight = told(desk.clone(), &log, |_| {});
        assert_eq!(
            straight,
            told(desk.clone(), &log, |batch| batch.reverse()),
            "{name}"
        );
        let turned = told(desk, &log, |batch| {
            let by = batch.len() / 2;
            batch.rotate_left(by);
        });
        assert_eq!(straight, turned, "{name}");
    }
}

/// Inputs that are alike but for what they say are still put into one order.
#[test]
fn contradictions_of_one_tick_have_one_order() {
    use super::play::{Play, who};
    use super::task::{calls, operator};
    use lanebench::job::{ApprovalVerdict, Told};
    use lanebench::trace::Verb;
    let play = Play::new()
        .reply("create.1", calls("r1", &[("send", "{}")]))
        .until(100)
        .run();
    let desk = play.desk;
    let decide = |verdict| {
        let digests = vec![lanebench::job::digest("mail", "send", "{}").unwrap()];
        let told = Told::Decided(Box::new(Decision {
            approval: "0.a1".into(),
            by: who("ann"),
            verdict,
            digests,
            reason: None,
        }));
        Input {
            job: lanebench::units::JobId(0),
            told,
        }
    };
    let reevaluate = |quorum| Input {
        job: lanebench::units::JobId(0),
        told: Told::Reevaluate {
            why: "so it is".into(),
            quorum,
        },
    };
    let act = |verb| Input {
        job: lanebench::units::JobId(0),
        told: operator(verb),
    };
    let contradictions = [
        vec![decide(ApprovalVerdict::Approve), decide(ApprovalVerdict::Deny)],
        vec![reevaluate(Some(2)), reevaluate(Some(3)), reevaluate(None)],
        vec![act(Verb::Retry), act(Verb::Cancel)],
    ];
    for batch in contradictions {
        let log = vec![(SimTime::from_ticks(200_000), batch)];
        let straight = told(desk.clone(), &log, |_| {});
        assert_eq!(straight, told(desk.clone(), &log, |batch| batch.reverse()));
    }
}

#[test]
fn a_copy_goes_on_as_the_original() {
    for (name, desk, log) in logs() {
        let mut original = desk;
        let half = log.len() / 2;
        let mut actions = Vec::new();
        for (at, batch) in &log[..half] {
            original.step(*at, &mut batch.clone(), &mut actions);
        }
        original.take_notes();
        let rest = log[half..].to_vec();
        let copy = original.clone();
        assert_eq!(told(original, &rest, |_| {}), told(copy, &rest, |_| {}), "{name}");
    }
}

/// Without notes the core does the same.
#[test]
fn silence_changes_nothing() {
    let log = super::play::Play::new().run().batches;
    let desk = |notes| Desk::new(setup(vec![plan()], &placement(), lane()), notes);
    let (mut loud, mut silent) = (desk(Notes::kept()), desk(Notes::off()));
    for (at, batch) in log {
        let (mut one, mut other) = (Vec::new(), Vec::new());
        loud.step(at, &mut batch.clone(), &mut one);
        silent.step(at, &mut batch.clone(), &mut other);
        assert_eq!(one, other);
        assert_eq!(loud.next_deadline(), silent.next_deadline());
    }
    assert!(silent.take_notes().is_empty());
}
