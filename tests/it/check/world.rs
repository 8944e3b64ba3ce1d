//! Plays a scenario text in the model world and judges it.

use std::path::PathBuf;

use lanebench::check::{Ending, Facts, Judgement, Replay, judge};
use lanebench::job::Desk;
use lanebench::rng::Seed;
use lanebench::runner::blueprint;
use lanebench::scenario::{Diagnostics, Loaded, ResolveError, Resolver, Scenario, Sources, join};
use lanebench::sim::{self, Blueprint, Model, Played, Recording, Seams};
use lanebench::trace::{Notes, Trace};

use crate::support::{repo, yaml_files};

/// Files below a folder of the repository.
struct Files(PathBuf);

impl Resolver for Files {
    fn resolve(&mut self, from: &str, path: &str) -> Result<Loaded, ResolveError> {
        let name = join(from, path);
        let bytes =
            std::fs::read(self.0.join(&name)).map_err(|_| ResolveError::Missing { name: name.clone() })?;
        Ok(Loaded { name, bytes })
    }
}

/// The scenarios that these tests play.
pub(super) fn scenarios() -> Vec<String> {
    let files = yaml_files("tests/check").into_iter();
    let names = files.map(|path| format!("tests/check/{}", path.file_name().unwrap().to_str().unwrap()));
    names.filter(|name| !name.ends_with("kinds.yaml")).collect()
}

/// Reads the scenario of this path.
#[track_caller]
pub(super) fn load(path: &str) -> Scenario {
    load_with_sources(path).0
}

/// Reads the scenario of this path, with the texts that its places are in.
#[track_caller]
pub(super) fn load_with_sources(path: &str) -> (Scenario, Sources) {
    let bytes = std::fs::read(repo(path)).unwrap();
    let (mut sources, mut out) = (Sources::default(), Diagnostics::new());
    let mut files = Files(repo(""));
    let scenario = Scenario::load(path, &bytes, &mut files, &mut sources, &mut out);
    let scenario = scenario.unwrap_or_else(|| panic!("{path}: {out:#?}"));
    (scenario, sources)
}

/// A run with what it is judged by.
pub(super) struct Run {
    pub(super) trace: Trace,
    pub(super) facts: Facts,
}

impl Run {
    pub(super) fn judged(&self) -> Vec<Judgement> {
        judge(&self.trace, &self.facts)
    }
}

/// Plays a scenario under a seed.
pub(super) fn play(scenario: &Scenario, seed: u64, seams: impl Seams) -> Run {
    let seed = Seed(seed);
    let blueprint = blueprint(scenario, seed);
    let played = Model::new(&blueprint, seams, Recording::Full).play();
    let mut facts = Facts::of(scenario, seed);
    facts.replay = replay(&blueprint, &played);
    facts.ending = match played.ending {
        sim::Ending::Quiet => Ending::Quiet,
        sim::Ending::TimeCap | sim::Ending::StepCap => Ending::CutOff,
    };
    Run {
        trace: played.trace,
        facts,
    }
}

/// Feeds the log back into a fresh core.
fn replay(blueprint: &Blueprint, played: &Played) -> Replay {
    let mut first = Desk::new(blueprint.desk.clone(), Notes::kept());
    let mut actions = Vec::new();
    for (now, batch) in &played.log {
        first.step(*now, &mut batch.clone(), &mut actions);
        actions.clear();
    }
    let again = first.take_notes();
    let core = |trace: &Trace| {
        let of_core = trace.records().iter().filter_map(|record| match &record.event {
            lanebench::trace::Event::Core(event) => Some((record.at, record.job, event.clone())),
            _ => None,
        });
        of_core.collect::<Vec<_>>()
    };
    let again: Vec<_> = again
        .into_iter()
        .map(|record| (record.at, record.job, record.event))
        .collect();
    if again == core(&played.trace) {
        Replay::Same
    } else {
        Replay::Differs {
            what: "the records of the core".into(),
        }
    }
}
