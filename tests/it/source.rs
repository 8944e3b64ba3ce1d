//! Tasks that are made when they arrive: they play like listed ones, and are gone when they are over.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::{Arc, Weak};

use lanebench::backend::{Spent, Step};
use lanebench::job::{Routed, Router};
use lanebench::people::{Cancel, OutsideSetup, When};
use lanebench::rng::Seed;
use lanebench::runner::blueprint;
use lanebench::scenario::{Diagnostics, Scenario, Sources};
use lanebench::sim::{Arrival, Blueprint, Ending, Honest, Model, Played, Recording, TaskSource, Watch};
use lanebench::trace::{CoreEvent, Event, JobEvent, OutsideEvent, Record, RuntimeEvent, ServiceEvent};
use lanebench::units::{JobId, SimDuration, SimTime};
use lanebench::wire::InputItem;

use crate::scenario::from_disk;
use crate::suite::{alike, suite};
use crate::support::repo;
use crate::worlds::difference;

/// The tasks of a blueprint, one by one.
#[derive(Debug, Clone)]
struct OneByOne(VecDeque<Arrival>);

impl TaskSource for OneByOne {
    fn next(&mut self) -> Option<Arrival> {
        self.0.pop_front()
    }

    fn fork(&self) -> Box<dyn TaskSource> {
        Box::new(self.clone())
    }
}

/// The blueprint without its tasks, and the tasks.
fn apart(whole: &Blueprint) -> (Blueprint, VecDeque<Arrival>) {
    let tasks = whole.desk.tasks.iter().zip(&whole.outside.tasks);
    let arrivals = tasks
        .zip(whole.scripts.iter())
        .map(|((task, asked), script)| Arrival {
            task: task.clone(),
            asked: asked.clone(),
            script: script.clone(),
        });
    let arrivals = arrivals.collect();
    let mut bare = whole.clone();
    bare.desk.tasks = Arc::from([]);
    bare.scripts = Arc::from([]);
    bare.outside = Arc::new(OutsideSetup {
        tasks: Vec::new(),
        ..OutsideSetup::clone(&whole.outside)
    });
    (bare, arrivals)
}

fn in_both_ways(scenario: &Scenario, recording: Recording) -> (Played, Played) {
    let listed = blueprint(scenario, Seed(5));
    let (bare, arrivals) = apart(&listed);
    let fed = Model::new(&bare, Honest, recording).fed_by(Box::new(OneByOne(arrivals)), &bare);
    (Model::new(&listed, Honest, recording).play(), fed.play())
}

#[test]
fn tasks_that_are_made_when_they_arrive_play_like_listed_ones() {
    let mut played = 0;
    for loaded in &suite() {
        let tasks = &loaded.scenario.tasks;
        if !tasks.is_sorted_by_key(|task| task.at) {
            continue;
        }
        played += 1;
        let (listed, fed) = in_both_ways(&loaded.scenario, Recording::Full);
        if let Some(difference) = difference(&listed, &fed) {
            panic!("{}: {difference}", loaded.file);
        }
        let (listed, fed) = in_both_ways(&loaded.scenario, Recording::Off);
        let counted = |played: &Played| {
            (
                played.steps,
                played.end,
                played.ending.clone(),
                played.stuck.clone(),
            )
        };
        assert_eq!(counted(&listed), counted(&fed), "{}", loaded.file);
    }
    assert!(played > 100, "{played} scenarios");
}

/// The names, the inputs and the scripts that were made.
type Made = Vec<(Weak<str>, Weak<[InputItem]>, Weak<[Step]>)>;

/// Copies of one task that share nothing, at even distances; it counts how many of those it made are still held.
#[derive(Debug, Clone)]
struct Copies {
    of: Arrival,
    every: SimDuration,
    left: u32,
    at: SimTime,
    made: Rc<RefCell<Made>>,
    held_max: Rc<Cell<usize>>,
}

impl TaskSource for Copies {
    fn next(&mut self) -> Option<Arrival> {
        self.left = self.left.checked_sub(1)?;
        let mut arrival = self.of.clone();
        arrival.task.input = Arc::from(&*arrival.task.input);
        arrival.asked.name = Arc::from(&*arrival.asked.name);
        arrival.asked.at = self.at;
        let script = arrival.script.as_mut().expect("the job has a script");
        script.steps = script.steps.iter().cloned().collect();
        self.at += self.every;
        let mut made = self.made.borrow_mut();
        made.retain(|(name, input, steps)| {
            name.strong_count() + input.strong_count() + steps.strong_count() > 0
        });
        made.push((
            Arc::downgrade(&arrival.asked.name),
            Arc::downgrade(&arrival.task.input),
            Arc::downgrade(&script.steps),
        ));
        self.held_max.set(self.held_max.get().max(made.len()));
        Some(arrival)
    }

    fn fork(&self) -> Box<dyn TaskSource> {
        Box::new(self.clone())
    }
}

/// Jobs that are created and polled ten times, without webhooks and faults.
fn plain() -> Scenario {
    load("benches/worlds/polls.yaml")
}

fn load(name: &str) -> Scenario {
    read(name, &std::fs::read(repo(name)).unwrap())
}

fn read(name: &str, text: &[u8]) -> Scenario {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let scenario = Scenario::load(name, text, &mut from_disk, &mut sources, &mut out);
    scenario.unwrap_or_else(|| panic!("{name} does not load"))
}

/// So many jobs are in flight that `model` asks for memory ahead: they play as they do over HTTP, and as they do when they
/// are made when they arrive.
#[test]
fn a_crowd_plays_alike_in_both_worlds_and_however_it_is_made() {
    let name = "benches/worlds/polls.yaml";
    let mut text = std::fs::read_to_string(repo(name)).unwrap();
    for (one, other) in [
        ("count: 2000", "count: 1200"),
        ("every: 576ms", "every: 1ms"),
        ("capacity: 100", "capacity: 1200"),
        (
            "first: 6s, growth: 100%, max: 6s",
            "first: 30s, growth: 100%, max: 30s",
        ),
    ] {
        assert!(text.contains(one), "{one}");
        text = text.replace(one, other);
    }
    let scenario = read(name, text.as_bytes());
    let played = alike(name, &scenario, Seed(5));
    let in_flight = played
        .trace
        .records()
        .iter()
        .filter_map(|record| match &record.event {
            Event::Core(CoreEvent::Runtime(RuntimeEvent::LaneLoad { active, .. })) => Some(*active),
            _ => None,
        });
    assert_eq!(in_flight.max(), Some(1_200));
    let (listed, fed) = in_both_ways(&scenario, Recording::Off);
    assert_eq!((listed.steps, listed.end), (fed.steps, fed.end));
    assert_eq!((played.steps, played.end), (fed.steps, fed.end));
}

/// Every task goes where the first one goes.
#[derive(Debug)]
struct AsTheFirst(Arc<dyn Router>);

impl Router for AsTheFirst {
    fn route(&self, _: JobId) -> Routed {
        self.0.route(JobId(0))
    }
}

#[test]
fn a_run_holds_the_tasks_in_flight_and_no_others() {
    let scenario = &plain();
    let (mut bare, mut arrivals) = apart(&blueprint(scenario, Seed(5)));
    arrivals.truncate(1);
    let alone = Model::new(&bare, Honest, Recording::Off)
        .fed_by(Box::new(OneByOne(arrivals.clone())), &bare)
        .play();
    bare.desk.router = Arc::new(AsTheFirst(bare.desk.router.clone()));
    bare.caps.time = SimTime::CAP;
    let (made, held_max) = (Rc::default(), Rc::new(Cell::new(0)));
    let source = Copies {
        of: arrivals.pop_front().expect("its task"),
        every: SimDuration::from_ticks(alone.end.ticks() / 3),
        left: 400,
        at: SimTime::START,
        made: Rc::clone(&made),
        held_max: held_max.clone(),
    };
    let played = Model::new(&bare, Honest, Recording::Off)
        .fed_by(Box::new(source), &bare)
        .play();
    assert_eq!((played.ending, played.stuck), (Ending::Quiet, Vec::new()));
    assert!(played.steps > 400 * 4, "{} steps", played.steps);
    assert!(
        (2..=12).contains(&held_max.get()),
        "{} tasks held at once",
        held_max.get()
    );
    let held = |made: &RefCell<Made>| {
        made.borrow()
            .iter()
            .filter(|(name, input, _)| name.strong_count() + input.strong_count() > 0)
            .count()
    };
    assert_eq!(held(&made), 0, "all are gone at the end");
}

/// Sees nothing.
#[derive(Debug)]
struct Nobody;

impl Watch for Nobody {
    fn outside(&mut self, _: &Record<OutsideEvent>) {}
    fn core(&mut self, _: &Record<CoreEvent>) {}
    fn service(&mut self, _: &Record<ServiceEvent>) {}
    fn spent(&mut self, _: &Spent) {}
}

/// Whenever a user cancels, before, while or after people are asked: nothing of the job is kept when it is over.
#[test]
fn who_cancels_while_people_are_asked_leaves_nothing_behind() {
    let mut whole = blueprint(&load("scenarios/approval/denied-publication.yaml"), Seed(5));
    whole.profile.webhook = None;
    let whole_run = Model::new(&whole, Honest, Recording::Full).play();
    let asked = |event: &Event| {
        matches!(
            event,
            Event::Core(CoreEvent::Job(JobEvent::ApprovalRequested { .. }))
        )
    };
    let asked = whole_run
        .trace
        .records()
        .iter()
        .find(|record| asked(&record.event))
        .unwrap()
        .at;
    for tick in asked.ticks() - 4..asked.ticks() + 4 {
        let mut setup = OutsideSetup::clone(&whole.outside);
        setup.users[setup.tasks[0].user].cancels = vec![Cancel {
            when: When::At(SimTime::from_ticks(tick)),
            by: None,
        }];
        whole.outside = Arc::new(setup);
        let (bare, arrivals) = apart(&whole);
        let mut world =
            Model::new(&bare, Honest, Recording::Streamed).fed_by(Box::new(OneByOne(arrivals)), &bare);
        world.watch_until(asked, &mut Nobody);
        assert!(world.jobs_held() > 0);
        world.watch_until(SimTime::CAP, &mut Nobody);
        assert_eq!(world.jobs_held(), 0, "cancelled at {tick}, asked at {asked}");
    }
}
