//! The `wall` world: the same runtime and server over real sockets and real clocks.

use std::collections::BTreeMap;
use std::path::Path;

use lanebench::check::Replay;
use lanebench::clock::TimeScale;
use lanebench::fault::FaultPlan;
use lanebench::rng::Seed;
use lanebench::runner::{World, blueprint, play, replay};
use lanebench::scenario::{Diagnostics, Loaded, ResolveError, Scenario, Sources, join};
use lanebench::sim::{Blueprint, Ending, Honest, Played, Recording};
use lanebench::trace::{CoreEvent, Event, JobEvent, RuntimeEvent, ServiceEvent, StateName, WireEvent};
use lanebench::units::{Exchange, JobId};

fn shipped(name: &str) -> Blueprint {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(root.join(name)).unwrap();
    let mut resolver = |from: &str, path: &str| {
        let name = join(from, path);
        let bytes =
            std::fs::read(root.join(&name)).map_err(|_| ResolveError::Missing { name: name.clone() })?;
        Ok(Loaded { name, bytes })
    };
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let scenario = Scenario::load(name, &bytes, &mut resolver, &mut sources, &mut out).unwrap();
    blueprint(&scenario, Seed(7))
}

/// What each job went through, without the times.
fn sequences(played: &Played) -> BTreeMap<JobId, Vec<StateName>> {
    let mut all = BTreeMap::<JobId, Vec<StateName>>::new();
    for record in played.trace.records() {
        if let (Some(job), Event::Core(CoreEvent::Job(JobEvent::Moved { to, .. }))) =
            (record.job, &record.event)
        {
            all.entry(job).or_default().push(*to);
        }
    }
    all
}

fn sent_and_arrived(played: &Played) -> (Vec<Exchange>, Vec<Exchange>) {
    let (mut sent, mut arrived) = (Vec::new(), Vec::new());
    for record in played.trace.records() {
        match &record.event {
            Event::Core(CoreEvent::Runtime(RuntimeEvent::Sent { exchange, .. })) => sent.push(*exchange),
            Event::Service(ServiceEvent::Wire(
                WireEvent::Arrived { exchange, .. } | WireEvent::Refused { exchange },
            )) => arrived.push(*exchange),
            _ => {}
        }
    }
    sent.sort_unstable();
    arrived.sort_unstable();
    (sent, arrived)
}

#[test]
fn real_sockets_give_the_same_jobs_and_every_difference_can_be_replayed() {
    let blueprint = shipped("scenarios/completion/burst-of-short-work.yaml");
    let simulated = play(&blueprint, World::Model, Honest, Recording::Full).unwrap();
    let real = play(&blueprint, World::Wall(TimeScale::ONE), Honest, Recording::Full).unwrap();
    assert_eq!(real.ending, Ending::Quiet);
    assert_eq!(real.stuck, Vec::<JobId>::new());

    // The log of what the core was told gives the same core, byte for byte.
    assert_eq!(replay(&blueprint, &real), Replay::Same);

    // Every request of ours stands in the server's own log, and the other way round.
    let (sent, arrived) = sent_and_arrived(&real);
    assert!(sent.len() > 60, "{}", sent.len());
    assert_eq!(sent, arrived);

    // Every job comes to the end that the simulation foretold, however busy the machine is.
    let (simulated, real) = (sequences(&simulated), sequences(&real));
    let ends = |all: &BTreeMap<JobId, Vec<StateName>>| -> Vec<(JobId, StateName)> {
        all.iter()
            .map(|(job, states)| (*job, *states.last().unwrap()))
            .collect()
    };
    assert_eq!(ends(&simulated), ends(&real));
}

/// What each job did: every move with its reason, and the attempt it was in.
fn moves(played: &Played) -> BTreeMap<JobId, Vec<String>> {
    let mut all = BTreeMap::<JobId, Vec<String>>::new();
    for record in played.trace.records() {
        if let (Some(job), Event::Core(CoreEvent::Job(JobEvent::Moved { on, to, attempt, .. }))) =
            (record.job, &record.event)
        {
            all.entry(job)
                .or_default()
                .push(format!("{attempt}: {on} -> {to}"));
        }
    }
    all
}

/// The jobs that made other moves in one play than in the other.
fn differences(one: &Played, other: &Played) -> Vec<String> {
    let (one, other) = (moves(one), moves(other));
    assert_eq!(one.len(), other.len());
    let pairs = one.iter().zip(&other).filter(|(one, other)| one != other);
    pairs
        .map(|((job, one), (_, other))| format!("job {}: {one:?}\n  but: {other:?}", job.0))
        .collect()
}

#[test]
#[expect(
    clippy::print_stdout,
    reason = "differences are listed even where they are few enough"
)]
fn at_least_95_in_100_jobs_make_the_simulated_moves_on_real_clocks() {
    let blueprint = shipped("scenarios/completion/the-same-on-real-clocks.yaml");
    let simulated = play(&blueprint, World::Model, Honest, Recording::Full).unwrap();
    let real = play(&blueprint, World::Wall(TimeScale::ONE), Honest, Recording::Full).unwrap();
    let jobs = moves(&simulated).len();
    assert_eq!(jobs, 50);
    let differ = differences(&simulated, &real);
    println!("{} of {jobs} jobs differ\n{}", differ.len(), differ.join("\n"));
    assert!(
        differ.len() * 100 <= jobs * 5,
        "{} of {jobs} jobs differ:\n{}",
        differ.len(),
        differ.join("\n")
    );
    assert_eq!(replay(&blueprint, &real), Replay::Same);

    // The comparison can fail: without its faults the same scenario is another one.
    let calm = Blueprint {
        plan: FaultPlan::none(),
        ..blueprint
    };
    let calm = play(&calm, World::Model, Honest, Recording::Full).unwrap();
    assert!(differences(&simulated, &calm).len() * 100 > jobs * 5);
}
