//! Worlds for the benches, read from scenario files as a user would write them.

use std::fs;
use std::io;

use lanebench::check::{Judgement, judge};
use lanebench::rng::Seed;
use lanebench::runner::{self, SuiteOptions, World};
use lanebench::scenario::{Diagnostics, Loaded, ResolveError, Resolver, Scenario, Sources, join};
use lanebench::sim::{Blueprint, Ending, Honest, Played, Recording};
use lanebench::units::SimDuration;

/// A scenario that is ready to be played again and again.
pub struct Bench {
    pub scenario: Scenario,
    pub blueprint: Blueprint,
}

impl Bench {
    /// Reads `benches/worlds/NAME.yaml`.
    pub fn load(name: &str) -> Self {
        Self::load_with(name, |text| text)
    }

    /// Reads `benches/worlds/NAME.yaml` with changes to its text.
    pub fn load_with(name: &str, change: impl FnOnce(String) -> String) -> Self {
        let file = format!("{}/benches/worlds/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
        let text = fs::read_to_string(&file).expect("the scenario is there");
        let bytes = change(text).into_bytes();
        let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
        let scenario = Scenario::load(&file, &bytes, &mut Disk, &mut sources, &mut out);
        let scenario = scenario.unwrap_or_else(|| panic!("{:?}", out.iter().collect::<Vec<_>>()));
        let blueprint = runner::blueprint(&scenario, Seed(1));
        Self { scenario, blueprint }
    }

    /// Plays it with trace and journal, or without either.
    pub fn play(&self, world: World, recording: Recording) -> Played {
        let played =
            runner::play(&self.blueprint, world, Honest, recording).expect("the world can be set up");
        assert_eq!(played.ending, Ending::Quiet);
        played
    }

    /// Plays it with trace and journal and judges every invariant, as `lanebench run` does.
    pub fn judged(&self, world: World) -> (Played, Vec<Judgement>) {
        let played = self.play(world, Recording::Full);
        let options = SuiteOptions {
            world,
            seeds: Vec::new(),
            threads: 1,
            wall_limit: SimDuration::ZERO,
        };
        let facts = runner::facts(&self.scenario, &self.blueprint, &played, &options);
        let judgements = judge(&played.trace, &facts);
        (played, judgements)
    }
}

struct Disk;

impl Resolver for Disk {
    fn resolve(&mut self, from: &str, path: &str) -> Result<Loaded, ResolveError> {
        let name = join(from, path);
        let unreadable = |cause: io::Error| ResolveError::Unreadable {
            name: name.clone(),
            cause: cause.to_string(),
        };
        let bytes = fs::read(&name).map_err(unreadable)?;
        Ok(Loaded { name, bytes })
    }
}
