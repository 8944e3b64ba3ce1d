//! The order in which messages come changes nothing.

use std::slice::from_ref;

use proptest::prelude::*;

use lanebench::fault::{Fault, Target};
use lanebench::job::Viewers;
use lanebench::people::{Behaviour, FromCore, UserScript};
use lanebench::rng::{Law, Seed};
use lanebench::trace::StateName;
use lanebench::units::JobId;

use super::world::{
    PAY, World, act, apply, ask, close, grant, parked, query, run_tool, secs, show, takes, view,
};

/// Three busy jobs, all of whose messages come in the same few ticks.
fn busy(seed: u64) -> World {
    let slow = Fault::Slow {
        law: Law::Exponential { mean: secs(3) },
    };
    let mut world = World::new()
        .task("second", 0)
        .task("third", 0)
        .user(UserScript {
            leaves_after: Some(Law::Exponential { mean: secs(3) }),
            ..UserScript::default()
        })
        .tool("lookup", 1, Ok("42"))
        .approver("ana", 1, &[Behaviour::Approve, Behaviour::ApproveStale])
        .approver("ben", 1, &[Behaviour::ApproveTwice { gap: secs(1) }])
        .fault(Target::Sink(None), 2, slow)
        .quorum(4, 2);
    world.setup.approvers[0].takes = Law::Exponential { mean: secs(2) };
    world.setup.sinks[0].takes = Law::Exponential { mean: secs(2) };
    world.setup.seed = Seed(seed);
    for job in 0..3 {
        let (mail, records) = (act("mail", PAY), act("records", PAY));
        let mut asked = super::world::request("a1", &[mail.clone(), records.clone()]);
        (asked.id, asked.job) = (format!("{job}.a1").into(), JobId(job));
        let granted = |id: &str, act| lanebench::job::Grant {
            approval: format!("{job}.a1").into(),
            ..grant(&format!("{job}.{id}"), act)
        };
        let key = |name: &str| format!("{job}.{name}");
        world = world
            .says_of(job, 1, lanebench::job::ToOutside::AskApproval(asked.into()))
            .says_of(job, 1, run_tool("lookup", &key("c1"), 1))
            .says_of(job, 3, run_tool("lookup", &key("c2"), 1))
            .says_of(job, 3, close(&key("a1")))
            .says_of(job, 3, ask(&key("a2"), from_ref(&mail)))
            .says_of(job, 3, apply(&mail, &key("k1"), 1, granted("g1", &mail)))
            .says_of(job, 3, apply(&mail, &key("k1"), 2, granted("g1", &mail)))
            .says_of(job, 3, apply(&mail, &key("k2"), 1, granted("g1", &mail)))
            .says_of(job, 3, apply(&records, &key("k3"), 1, granted("g2", &records)))
            .says_of(job, 3, query("records", &key("k3"), 1))
            .says_of(job, 3, show(Viewers::Operator, parked(3, "quota")))
            .says_of(job, 3, show(Viewers::User, view(StateName::NeedsIntervention, 3)));
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_order_of_a_batch_does_not_count(seed in any::<u64>(), keys in prop::collection::vec(any::<u32>(), 36)) {
        let world = busy(seed);
        prop_assert_eq!(world.says.len(), keys.len());
        let mut shuffled = world.clone();
        let mut keyed: Vec<_> = keys.iter().zip(world.says.clone()).collect();
        keyed.sort_by_key(|(key, _)| **key);
        shuffled.says = keyed.into_iter().map(|(_, message)| message).collect();
        prop_assert_eq!(world.play(), shuffled.play());
    }

    #[test]
    fn other_jobs_change_nothing_for_a_job(seed in any::<u64>()) {
        let of_last = |timeline: String| -> Vec<String> {
            timeline.lines().filter(|line| line.contains(" #2 ")).map(str::to_owned).collect()
        };
        let world = busy(seed);
        let mut alone = world.clone();
        alone.says.retain(|(_, FromCore { job, .. })| *job == JobId(2));
        let (together, alone) = (of_last(world.play()), of_last(alone.play()));
        prop_assert!(together.len() > 15);
        prop_assert_eq!(together, alone);
    }
}

#[test]
fn a_busy_tick_shows_everything_at_work() {
    let timeline = busy(1).play();
    for word in [
        "left",
        "saw",
        "approve",
        "applied",
        "refused",
        "repeated",
        "queried",
        "fault",
        "reevaluate",
    ] {
        assert!(timeline.contains(word), "{word}\n{timeline}");
    }
}

#[test]
fn a_clone_lives_the_same_life() {
    let world = busy(5);
    let outside = world.outside();
    assert_eq!(world.play_in(outside.clone()), world.play_in(outside));
}

#[test]
fn a_hundred_thousand_tasks_arrive_in_order() {
    let mut world = World::new().user(UserScript {
        leaves_after: Some(takes(5)),
        ..UserScript::default()
    });
    for number in 1..100_000_u64 {
        world = world.task("t", (number * 7919) % 1000);
    }
    let mut outside = world.outside();
    let (mut batch, mut out) = (Vec::new(), Vec::new());
    while let Some(now) = outside.next_deadline() {
        outside.step(now, &mut batch, &mut out);
    }
    assert_eq!(out.len(), 200_000);
    assert_eq!(outside.notes().records().len(), 200_000);
    assert!(outside.notes().records().is_sorted_by_key(|record| record.at));
}
