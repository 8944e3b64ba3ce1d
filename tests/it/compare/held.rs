//! What a comparison holds of its tasks: those in flight, however many there are in all.

use lanebench::sabotage::engine::WrongEngine;
use lanebench::sim::Honest;
use lanebench::sim::compare::{Comparison, Held, Relief};
use lanebench::sim::laws::{Ledger, Rules};
use lanebench::trace::{
    CoreEvent, Event, JobEvent, On, OutsideEvent, Record, RouterEvent, StateName, UserEvent,
};
use lanebench::units::{JobId, SimDuration, SimTime};

use super::{returning, small};

/// The small comparison for so many minutes.
fn lasting(minutes: u32) -> Comparison {
    let strategies = "  windows: { approval_windows: { every: 10m } }\n  bandit: { bandit: { explore: 10% } }\n  oracle: { oracle: { over: 60s } }\n";
    small(&[
        ("length: 12m", &format!("length: {minutes}m")),
        ("  oracle: { oracle: { over: 60s } }\n", strategies),
        (
            "  - approver: { name: grace, takes: { lognormal: { p50: 4m, p99: 40m } } }",
            "  - staff: { name: desk, people: 6, takes: { lognormal: { p50: 2m, p99: 10m } } }",
        ),
    ])
}

fn held(comparison: &Comparison) -> Vec<(usize, Held)> {
    let stage = comparison.stage(comparison.seed(0));
    let each = comparison.strategies.iter().map(|named| {
        let (outcome, held) = comparison.play_counting(&stage, named);
        assert_eq!(outcome.broken, None, "{}", named.name);
        (stage.firsts(), held)
    });
    each.collect()
}

#[test]
fn what_is_held_does_not_grow_with_the_number_of_tasks() {
    let (short, long) = (held(&lasting(60)), held(&lasting(480)));
    for ((few, short), (many, long)) in short.into_iter().zip(long) {
        assert!(many > 7 * few, "{few} {many}");
        // What is in flight at the busiest instant varies; it is no share of all.
        assert!(
            short.accounts > 5 && long.accounts < 2 * short.accounts + 20,
            "{short:?} {long:?}"
        );
        assert!(
            short.stories > 5 && long.stories < 2 * short.stories + 20,
            "{short:?} {long:?}"
        );
        assert!(
            long.accounts < many / 8 && long.stories < many / 4,
            "{long:?} of {many}"
        );
    }
}

#[test]
fn nor_does_it_where_users_come_again_and_requests_are_sent_twice() {
    let (short, long) = (held(&returning(60)), held(&returning(480)));
    for ((few, short), (many, long)) in short.into_iter().zip(long) {
        assert!(many > 7 * few, "{few} {many}");
        for (short, long, share) in [
            (short.jobs, long.jobs, 1),
            (short.accounts, long.accounts, 8),
            (short.stories, long.stories, 4),
        ] {
            assert!(short > 2 && long < 2 * short + 40, "{short} {long} of {many}");
            assert!(long < many / share, "{long} of {many}");
        }
    }
}

#[test]
fn a_run_and_the_one_with_relief_are_read_side_by_side() {
    let played = |minutes| {
        let comparison = lasting(minutes);
        let stage = comparison.stage(comparison.seed(0));
        let named = &comparison.strategies[2];
        let [places, fewer] = [Relief::Places, Relief::Fewer].map(|relief| {
            let (outcome, monotony, held) = comparison.play_beside(&stage, named, relief, Honest);
            assert_eq!(
                (outcome.clone(), &monotony.breach),
                (comparison.play(&stage, named), &None)
            );
            assert!(
                monotony.compared > 10 && monotony.asked > stage.firsts() as u64 / 3,
                "{monotony:?}"
            );
            held
        });
        let wrong = WrongEngine::LastFirst.seams(1);
        let (_, found, _) = comparison.play_beside(&stage, named, Relief::Places, wrong);
        assert!(found.breach.is_some());
        (stage.firsts(), [places, fewer])
    };
    let ((few, short), (many, long)) = (played(60), played(480));
    for (short, long) in short.into_iter().zip(long) {
        assert!(
            short.pairs > 3 && long.pairs < 2 * short.pairs + 30,
            "{short:?} {long:?}"
        );
        assert!(
            long.accounts < 2 * short.accounts + 40 && long.pairs < many / 4,
            "{few} {many} {long:?}"
        );
    }
}

fn record(at: u64, event: Event) -> Record {
    Record {
        at: SimTime::START + SimDuration::from_secs(at),
        job: Some(JobId(7)),
        event,
    }
}

/// Books that let accounts go still see what happens to somebody who is not there any more.
#[test]
fn nothing_happens_to_who_is_over() {
    let lane = lanebench::job::LaneSpec {
        capacity: 1,
        waiting: 1,
        budget: 0,
        jobs_per_retry: 0,
    };
    let rules = Rules {
        lanes: [lane; 3],
        shared: None,
    };
    let asked = || {
        record(
            1,
            Event::Outside(OutsideEvent::User(UserEvent::Submitted {
                task: "t".into(),
                kind: "k".into(),
            })),
        )
    };
    let refused = |at| {
        record(
            at,
            Event::Core(CoreEvent::Router(RouterEvent::Refused {
                reason: "full".into(),
            })),
        )
    };
    let moved = record(
        3,
        Event::Core(CoreEvent::Job(JobEvent::Moved {
            from: Some(StateName::Running),
            on: On::Accepted,
            to: StateName::Succeeded,
            attempt: 1,
            charged: 1,
            turn: 1,
            cause: None,
            by: None,
        })),
    );
    let says = |records: &[Record]| {
        let mut ledger = Ledger::of_open(rules);
        records.iter().for_each(|record| ledger.take(record));
        let breaches = ledger.close(
            SimTime::START + SimDuration::from_secs(9),
            &lanebench::sim::Ending::Quiet,
        );
        breaches
            .iter()
            .map(|breach| breach.what.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(says(&[asked(), refused(2)]), Vec::<String>::new());
    let gone = ["goes on without being asked for once, or when it is over"];
    assert_eq!(says(&[asked(), refused(2), moved]), gone);
    assert_eq!(says(&[refused(2)]), gone);
    assert_eq!(says(&[asked()]), ["was asked for and is nowhere"]);
}
