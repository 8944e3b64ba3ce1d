//! Approvers with one line: several requests at once, tired and hurried eyes, and what ought to be denied.

use lanebench::job::RosterEntry;
use lanebench::people::{ApproverScript, Attention, Batch, Behaviour, Reach, Shift, StaffScript};
use lanebench::rng::{Law, Seed};
use lanebench::units::{JobId, Probability, SimDuration};

use super::world::{PAY, World, act, ask, check, close, secs, takes, who};

fn share(value: f64) -> Probability {
    Probability::new(value).unwrap()
}

/// A staff that takes a minute, and an open request of each job at these seconds.
fn desk(people: usize, asks: &[u64], change: impl FnOnce(&mut StaffScript)) -> World {
    let mut world = World::new();
    for number in 1..asks.len() {
        world = world.task(&format!("more-{number}"), 0);
    }
    let person = |number| ApproverScript {
        person: RosterEntry {
            name: who(&format!("desk-{number}")),
            roles: vec!["lead".into()],
            acts_for: None,
        },
        takes: Law::ZERO,
        decides: vec![Behaviour::Approve],
        reach: Reach::Eligible,
        staff: Some(0),
    };
    world.setup.approvers = (1..=people).map(person).collect();
    let mut staff = StaffScript {
        name: "desk".into(),
        takes: takes(60),
        members: 0..people,
        shifts: Vec::new(),
        batch: Batch::SINGLE,
        attention: Attention::PERFECT,
        to_deny: Probability::ZERO,
    };
    change(&mut staff);
    world.setup.staffs = vec![staff];
    for (job, second) in (0_u32..).zip(asks) {
        let acts = [act("mail", PAY)];
        world = world.says_of(job, *second, ask(&format!("a{job}"), &acts));
    }
    world
}

/// What is decided when, without what else happens.
fn decided(world: &World) -> Vec<String> {
    let lines = world.play();
    let said = lines.lines().filter(|line| !line.contains("->"));
    said.filter(|line| ["approve", "deny"].iter().any(|word| line.contains(word)))
        .map(str::to_owned)
        .collect()
}

fn batch(most: usize, least: usize, after: Option<u64>) -> Batch {
    Batch {
        most,
        least,
        after: after.map(secs),
    }
}

#[test]
fn one_after_the_other_takes_as_long_as_there_are_requests() {
    let one = decided(&desk(1, &[1, 2, 3], |_| {}));
    assert_eq!(
        one,
        [
            "61s desk-1 approve a0 <mail>",
            "121s #1 desk-1 approve a1 <mail>",
            "181s #2 desk-1 approve a2 <mail>"
        ]
    );
}

#[test]
fn what_is_taken_together_is_decided_together() {
    // The first is taken alone, for nothing else was there; the other two together.
    let two = decided(&desk(1, &[1, 2, 3], |staff| staff.batch = batch(5, 1, None)));
    assert_eq!(
        two,
        [
            "61s desk-1 approve a0 <mail>",
            "121s #1 desk-1 approve a1 <mail>",
            "121s #2 desk-1 approve a2 <mail>"
        ]
    );
    // Nobody takes more at once than said.
    let least = decided(&desk(1, &[1, 2, 3, 4], |staff| {
        staff.batch = batch(2, 2, Some(600))
    }));
    assert_eq!(
        least,
        [
            "62s desk-1 approve a0 <mail>",
            "62s #1 desk-1 approve a1 <mail>",
            "122s #2 desk-1 approve a2 <mail>",
            "122s #3 desk-1 approve a3 <mail>"
        ]
    );
}

#[test]
fn a_batch_opens_when_the_first_has_waited_long_enough() {
    check(
        &desk(2, &[1, 2], |staff| staff.batch = batch(5, 3, Some(100))),
        "0s #1 submitted more-1
         0s #1 -> submitted
         101s saw a0 <mail>
         101s #1 saw a1 <mail>
         161s desk-1 approve a0 <mail>
         161s #1 desk-1 approve a1 <mail>
         161s -> desk-1 approve a0 <mail>
         161s #1 -> desk-1 approve a1 <mail>",
    );
    // A request that is over no longer counts, and who looks at it is free only when all of them are decided.
    let over = desk(1, &[1, 2, 3, 70], |staff| staff.batch = batch(2, 1, None)).says_of(1, 65, close("a1"));
    assert_eq!(
        decided(&over),
        [
            "61s desk-1 approve a0 <mail>",
            "121s #2 desk-1 approve a2 <mail>",
            "181s #3 desk-1 approve a3 <mail>"
        ]
    );
}

#[test]
fn what_ought_to_be_denied_is_denied_by_whoever_looks() {
    let ought = |staff: &StaffScript, job| staff.ought_to_deny(Seed(7), JobId(job), 1);
    let world = desk(3, &[1; 40], |staff| staff.to_deny = share(0.3));
    let staff = world.setup.staffs[0].clone();
    let said = decided(&world);
    assert_eq!(said.len(), 40);
    let denied = (0..40).filter(|job| ought(&staff, *job)).count();
    assert!((6..20).contains(&denied), "{denied}");
    for job in 0..40 {
        let of_job = said
            .iter()
            .find(|line| line.contains(&format!(" a{job} ")))
            .unwrap();
        assert_eq!(of_job.contains(" deny "), ought(&staff, job), "{of_job}");
    }
}

#[test]
fn tired_and_hurried_eyes_err_more() {
    let wrong = |attention: Attention| {
        let world = desk(1, &[36_000; 400], |staff| {
            staff.attention = attention;
            staff.takes = takes(1);
            staff.to_deny = share(0.5);
            staff.shifts = vec![Shift {
                from: secs(9 * 3_600),
                to: secs(24 * 3_600),
                people: 1,
            }];
        });
        let lines = world.play();
        let count = |word: &str| lines.lines().filter(|line| line.contains(word)).count();
        [count("is wrong to approve"), count("is wrong to deny")]
    };
    assert_eq!(wrong(Attention::PERFECT), [0, 0]);
    let some = |share| Attention {
        wrong: share,
        ..Attention::PERFECT
    };
    let [approve, deny] = wrong(some(share(0.2)));
    assert!(
        (25..60).contains(&approve) && (25..60).contains(&deny),
        "{approve} {deny}"
    );
    assert_eq!(wrong(some(Probability::ONE)).iter().sum::<usize>(), 400);
    // An hour into the shift, at a tenth an hour; and 399 to 0 others in line, at a two-thousandth each.
    let tired = Attention {
        wrong_per_hour: share(0.1),
        ..Attention::PERFECT
    };
    let hurried = Attention {
        wrong_per_waiting: share(0.0005),
        ..Attention::PERFECT
    };
    for attention in [tired, hurried] {
        let all: usize = wrong(attention).iter().sum();
        assert!((20..62).contains(&all), "{all}");
    }
    // By hand: three hours and forty others make 2 % + 3 × 1 % + 40 × 0.5 %, at most 20 %.
    let law = Attention {
        wrong: share(0.02),
        wrong_per_hour: share(0.01),
        wrong_per_waiting: share(0.005),
        wrong_at_most: share(0.2),
        slower_per_hour: 0.1,
        faster_per_waiting: 0.05,
    };
    let hours = |count: u64| SimDuration::from_secs(count * 3_600);
    assert!((law.wrong_after(hours(3), 20) - 0.15).abs() < 1e-12);
    assert!((law.wrong_after(hours(3), 40) - 0.2).abs() < 1e-12);
    assert_eq!(law.takes(secs(100), hours(5), 0), secs(150));
    assert_eq!(law.takes(secs(100), hours(0), 20), secs(50));
}

#[test]
fn requests_are_kept_until_the_next_window() {
    let mut world = desk(3, &[1, 59, 60, 61], |_| {});
    world.setup.windows = Some(secs(60));
    // What is over before its window is never put before anybody.
    let world = world.says_of(1, 59, close("a1"));
    assert_eq!(
        decided(&world),
        [
            "120s desk-2 approve a0 <mail>",
            "120s #2 desk-1 approve a2 <mail>",
            "180s #3 desk-1 approve a3 <mail>"
        ]
    );
}
