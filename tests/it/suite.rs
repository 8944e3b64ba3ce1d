//! The shipped scenarios together: they pass, they mean the same in both simulated worlds, and each adds something.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lanebench::report::{RunVerdict, SuiteResult};
use lanebench::rng::Seed;
use lanebench::runner::{Loaded, SuiteOptions, World, blueprint, play, play_suite};
use lanebench::scenario::{ChecklistLine, Diagnostics, FaultUse, Scenario, Sources};
use lanebench::sim::{Ending, Honest, Played, Recording};
use lanebench::trace::{CoreEvent, Event, JobEvent};
use lanebench::units::{JobId, SimDuration, SimTime};

use crate::scenario::{from_disk, shipped};
use crate::support::repo;
use crate::worlds::difference;

/// The folders of the suite: each says what its scenarios are about.
const GROUPS: [&str; 8] = [
    "approval",
    "cancellation",
    "completion",
    "retry",
    "routing",
    "status",
    "timeout",
    "visibility",
];

/// What is shipped, ready to be played.
pub(crate) fn suite() -> Vec<Loaded> {
    let read = |name: String| {
        let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
        let bytes = std::fs::read(repo(&name)).unwrap();
        let scenario = Scenario::load(&name, &bytes, &mut from_disk, &mut sources, &mut out);
        Loaded {
            scenario: Arc::new(scenario.unwrap_or_else(|| panic!("{name} does not load"))),
            sources: Arc::new(sources),
            file: name.into(),
        }
    };
    shipped().into_iter().map(read).collect()
}

pub(crate) fn in_world(scenario: &Scenario, seed: Seed, world: World) -> Played {
    play(&blueprint(scenario, seed), world, Honest, Recording::Full).unwrap()
}

/// Plays a scenario in both simulated worlds, which have to agree in every record and in the journal.
#[track_caller]
pub(crate) fn alike(file: &str, scenario: &Scenario, seed: Seed) -> Played {
    let model = in_world(scenario, seed, World::Model);
    let other = in_world(scenario, seed, World::Virtual);
    if let Some(difference) = difference(&model, &other) {
        panic!("{file} with seed {}: {difference}", seed.0);
    }
    assert_eq!(model.ending, Ending::Quiet, "{file} with seed {}", seed.0);
    assert!(model.stuck.is_empty(), "{file} with seed {}: open jobs", seed.0);
    model
}

/// What a run leaves that is only counted.
fn counted(played: &Played) -> (u64, SimTime, &Ending, &[JobId]) {
    (played.steps, played.end, &played.ending, &played.stuck)
}

/// Where nothing is recorded, jobs that are over are let go; nothing that happens may depend on that.
#[test]
fn what_is_only_counted_happens_all_the_same() {
    for Loaded { scenario, file, .. } in &suite() {
        let blueprint = blueprint(scenario, Seed(3));
        let recorded = play(&blueprint, World::Model, Honest, Recording::Full).unwrap();
        let unrecorded = play(&blueprint, World::Model, Honest, Recording::Off).unwrap();
        assert_eq!(counted(&recorded), counted(&unrecorded), "{file}");
        assert!(unrecorded.trace.records().is_empty() && unrecorded.log.is_empty());
        assert!(recorded.steps > 0, "{file}");
        // Without a journal, messages that are alone on their way are in no batch.
        let streamed = play(&blueprint, World::Model, Honest, Recording::Streamed).unwrap();
        assert!(!recorded.log.is_empty() && streamed.log.is_empty(), "{file}");
        assert_eq!(recorded.trace, streamed.trace, "{file}");
    }
}

fn on_threads(loaded: &[Loaded], threads: usize) -> SuiteResult {
    let options = SuiteOptions {
        world: World::Virtual,
        seeds: Vec::new(),
        threads,
        wall_limit: SimDuration::from_secs(10),
    };
    play_suite(loaded, &options)
}

#[test]
fn every_scenario_passes_on_any_number_of_threads() {
    let loaded = suite();
    let alone = on_threads(&loaded, 1);
    let failed: Vec<String> = alone
        .runs
        .iter()
        .filter_map(|run| match &run.verdict {
            RunVerdict::Passed => None,
            RunVerdict::Failed(complaints) => Some(
                complaints
                    .iter()
                    .map(|one| format!("{}: {}", run.file, one.rendered))
                    .collect(),
            ),
            RunVerdict::Skipped(why) | RunVerdict::Broken(why) => Some(format!("{}: {why}", run.file)),
        })
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert_eq!(alone.runs.len(), loaded.len());
    assert_eq!(
        alone,
        on_threads(&loaded, 2),
        "the result depends on the number of threads"
    );
}

#[test]
fn every_scenario_is_the_same_in_model_and_virtual() {
    // Eight seeds in turn: all of them for every scenario take a minute.
    for (one, seed) in suite().iter().zip((0..8).map(Seed).cycle()) {
        alike(&one.file, &one.scenario, seed);
    }
}

/// What makes a scenario this one and no other: what its jobs did, what went wrong, what was looked at.
fn fingerprint(scenario: &Scenario) -> String {
    let played = in_world(scenario, scenario.seed, World::Model);
    let moves: BTreeSet<_> = played
        .trace
        .records()
        .iter()
        .filter_map(|record| match &record.event {
            Event::Core(CoreEvent::Job(JobEvent::Moved { from, on, to, .. })) => Some((*from, *on, *to)),
            _ => None,
        })
        .collect();
    let faults: BTreeSet<_> = scenario
        .faults
        .iter()
        .map(|fault| format!("{:?} {}", fault.rule.target, fault.rule.fault.word()))
        .collect();
    let single = scenario.expect.iter().flat_map(|task| &task.wants);
    let each = scenario.groups.iter().flat_map(|group| &group.each);
    let keys: BTreeSet<_> = single.chain(each).map(|want| want.value.key()).collect();
    format!("{moves:?}\n{faults:?}\n{keys:?}")
}

#[test]
fn no_two_scenarios_are_the_same_one() {
    let mut seen: BTreeMap<String, Arc<str>> = BTreeMap::new();
    for one in suite() {
        if let Some(other) = seen.insert(fingerprint(&one.scenario), Arc::clone(&one.file)) {
            panic!(
                "{other} and {} make the same moves under the same faults and look at the same",
                one.file
            );
        }
    }
}

#[test]
fn the_suite_covers_the_checklist_and_says_what_it_shows() {
    let loaded = suite();
    assert!(loaded.len() >= 30, "only {} scenarios", loaded.len());
    let lines: BTreeSet<_> = loaded
        .iter()
        .flat_map(|one| &one.scenario.shows)
        .map(|line| line.value)
        .collect();
    assert_eq!(lines, BTreeSet::from(ChecklistLine::ALL));
    let groups: BTreeSet<_> = loaded
        .iter()
        .filter_map(|one| one.file.split('/').nth(1))
        .collect();
    assert_eq!(groups, BTreeSet::from(GROUPS));
    let titles: BTreeSet<_> = loaded
        .iter()
        .map(|one| one.scenario.title.value.as_str())
        .collect();
    assert_eq!(titles.len(), loaded.len(), "two scenarios have one title");
    for one in &loaded {
        let scenario = &one.scenario;
        let looks = !scenario.expect.is_empty() || !scenario.groups.is_empty();
        assert!(looks, "{} expects nothing", one.file);
        let lenient = |usage: &FaultUse| matches!(usage, FaultUse::MayStayUnused(_));
        let idle = !scenario.faults.is_empty() && scenario.faults.iter().all(|fault| lenient(&fault.usage));
        assert!(!idle, "{}: none of its faults has to strike", one.file);
    }
}

/// The hidden costs and the failures of the source text, and its lists of examples, as the scenarios name them.
const OF_THE_TEXT: [&str; 11] = [
    "spinner fatigue and abandoned sessions",
    "unclear timeout behaviour",
    "partial results with no stable hand-off",
    "poor failure messaging",
    "operators cannot tell whether a job runs or has silently failed",
    "async work behind a fake synchronous experience",
    "no job status",
    "background tasks write directly without review",
    "\"still running\"",
    "the five tasks that belong in the background",
    "all three conditions at once",
];

#[test]
fn every_example_and_every_failure_of_the_source_text_has_its_scenario() {
    let said = |file: &str| {
        let text = std::fs::read_to_string(repo(file)).unwrap();
        let comments = text.lines().filter_map(|line| line.strip_prefix('#'));
        comments.map(str::trim).collect::<Vec<_>>().join(" ")
    };
    let headers: Vec<String> = suite().iter().map(|one| said(&one.file)).collect();
    let missing: Vec<&str> = OF_THE_TEXT
        .into_iter()
        .filter(|words| !headers.iter().any(|header| header.contains(words)))
        .collect();
    assert!(missing.is_empty(), "no scenario stands for {missing:#?}");
}
