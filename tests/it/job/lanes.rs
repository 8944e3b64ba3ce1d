//! Places, queues, backlogs and the budgets of lanes.

use lanebench::job::{HandOver, Setup, SharedCapacity};
use lanebench::trace::{CoreEvent, JobEvent, LaneName, On, RuntimeEvent, StateName};
use lanebench::wire::Break;

use super::Case;
use super::play::{Answer, Play, interactive, lane, placement, setup};
use super::task::{done, plan, working};

fn crowd(capacity: u32, waiting: u32, jobs: usize) -> Setup {
    let mut lanes = lane();
    (lanes.capacity, lanes.waiting) = (capacity, waiting);
    setup(vec![plan(); jobs], &placement(), lanes)
}

pub(crate) const CASES: &[Case] = &[
    Case::new(
        "first come, first served",
        "accepted queued dispatching running finalizing succeeded",
        || {
            Play::of(crowd(1, 1, 4))
                .reply("create.1", done("r1"))
                .reply("1/create.1", done("s1"))
                .reply("2/create.1", done("t1"))
                .reply("3/create.1", done("u1"))
        },
    ),
    Case::new(
        "a cancel lets the next one in",
        "accepted queued dispatching running finalizing succeeded",
        || {
            Play::of(crowd(1, 1, 3))
                .after(20_000, "create.1", Answer::Broke(Break::NoReply))
                .tell(
                    1_000,
                    1,
                    lanebench::job::Told::CancelAsked {
                        by: super::play::who("user"),
                    },
                )
                .after(5_000, "create.1", Answer::Reply(done("r1")))
                .reply("2/create.1", done("t1"))
        },
    ),
    Case::new(
        "an expiry in the queue lets the next one in",
        "accepted queued dispatching running finalizing succeeded",
        || {
            let mut setup = crowd(1, 1, 3);
            let mut tasks: Vec<_> = setup.tasks.to_vec();
            tasks[1].plan = std::sync::Arc::new(super::task::plan_with(|plan| {
                plan.limits.deadline = super::play::secs(3);
            }));
            setup.tasks = tasks.into();
            Play::of(setup)
                .after(9_000, "create.1", Answer::Reply(done("r1")))
                .reply("2/create.1", done("t1"))
        },
    ),
];

/// What each lane holds never goes over its capacity where nobody waits for a person.
#[test]
fn places_are_never_overbooked() {
    let play = Play::of(crowd(2, 3, 9))
        .reply("create.1", done("r1"))
        .reply("1/create.1", done("s1"))
        .reply("2/create.1", done("t1"))
        .run();
    let loads = play.notes.iter().filter_map(|record| match &record.event {
        CoreEvent::Runtime(RuntimeEvent::LaneLoad { active, waiting, .. }) => Some((*active, *waiting)),
        _ => None,
    });
    let loads: Vec<(u32, u32)> = loads.collect();
    assert!(loads.iter().all(|(active, _)| *active <= 2), "{loads:?}");
    assert_eq!(loads.last(), Some(&(0, 0)));
    let rests = |job| {
        let state = play.desk.state(lanebench::units::JobId(job)).unwrap();
        state.is_terminal() || state == StateName::NeedsIntervention
    };
    assert!((0..9).all(rests));
}

/// A place that lanes share goes to the lane that comes first in the order, and never to two jobs.
#[test]
fn a_shared_place_goes_by_the_order() {
    let [users, work] = [LaneName::Interactive, LaneName::Background];
    for (first, second) in [(users, work), (work, users)] {
        let mut setup = setup(vec![plan(); 5], &placement(), lane());
        let places = (0..5).map(|job| match job {
            3.. => interactive(HandOver::Permitted),
            _ => placement(),
        });
        setup.router = std::sync::Arc::new(super::play::Fixed(places.collect()));
        setup.shared = Some(SharedCapacity {
            capacity: 1,
            order: [first, LaneName::Approval, second],
        });
        let play = Play::of(setup)
            .reply("create.1", done("r1"))
            .reply("1/create.1", done("s1"))
            .reply("2/create.1", done("t1"))
            .broke("3/create.*", Break::Refused)
            .broke("4/create.*", Break::Refused)
            .run();
        let granted = play.notes.iter().filter_map(|record| match &record.event {
            CoreEvent::Job(JobEvent::Moved {
                on: On::CapacityGranted,
                ..
            }) => record.job,
            _ => None,
        });
        let granted: Vec<u32> = granted.map(|job| job.0).collect();
        let expected = if first == users {
            [3, 4, 0, 1, 2]
        } else {
            [0, 1, 2, 3, 4]
        };
        assert_eq!(granted, expected);
    }
}

/// Retries of one lane never use up what another lane has.
#[test]
fn budgets_are_kept_apart() {
    let mut lanes = lane();
    lanes.budget = 2;
    let mut setup = setup(vec![plan(); 4], &placement(), lanes);
    let place = |job: usize| match job {
        3 => interactive(HandOver::Permitted),
        _ => placement(),
    };
    setup.router = std::sync::Arc::new(super::play::Fixed((0..4).map(place).collect()));
    let refuse = |play: Play, job: &str| play.broke(&format!("{job}create.*"), Break::Refused);
    let mut play = Play::of(setup);
    for job in ["", "1/", "2/", "3/"] {
        play = refuse(play, job);
    }
    let play = play.run();
    let attempts = |job: u32| play.states_of(job).matches("dispatching").count();
    assert_eq!(attempts(0) + attempts(1) + attempts(2), 3 + 2);
    assert_eq!(attempts(3), 3);
}

/// Every so many admitted jobs pay for one more retry.
#[test]
fn admitted_jobs_pay_for_retries() {
    let mut lanes = lane();
    (lanes.budget, lanes.jobs_per_retry) = (0, 2);
    let mut play = Play::of(setup(vec![plan(); 4], &placement(), lanes));
    for job in ["", "1/", "2/", "3/"] {
        play = play.broke(&format!("{job}create.*"), Break::Refused);
    }
    let play = play.run();
    let attempts: usize = (0..4)
        .map(|job| play.states_of(job).matches("dispatching").count())
        .sum();
    assert_eq!(attempts, 4 + 2);
}

/// Every accepted job is in exactly one state: counted by state they are those that were accepted.
#[test]
fn counts_are_conserved() {
    let play = Play::of(crowd(2, 2, 7))
        .reply("create.1", done("r1"))
        .reply("1/create.1", working("s1"))
        .until(20_000)
        .run();
    let states: Vec<StateName> = (0..7)
        .map(|job| play.desk.state(lanebench::units::JobId(job)).unwrap())
        .collect();
    let ended = states.iter().filter(|state| state.is_terminal()).count();
    assert_eq!(ended + play.desk.open_jobs() as usize, 7);
}
