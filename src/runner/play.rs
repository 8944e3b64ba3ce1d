//! One play of a blueprint in a world.

use std::sync::Arc;

use super::http_world::{Link, WorldError, play_over_http};
use crate::clock::TimeScale;
use crate::job::Router;
use crate::rng::Seed;
use crate::scenario::Scenario;
use crate::sim::{Blueprint, Caps, Model, Played, Recording, Seams};
use crate::sinks;

/// Where a scenario plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum World {
    /// An event queue without bytes.
    Model,
    /// The real runtime and the real mock server over connections in memory, in virtual time.
    Virtual,
    /// The same over TCP on loopback, in real time at this pace.
    Wall(TimeScale),
}

impl World {
    /// The word used on the command line and in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Virtual => "virtual",
            Self::Wall(_) => "wall",
        }
    }
}

/// Everything that a run of this scenario is made of, under a seed.
#[must_use]
pub fn blueprint(scenario: &Scenario, seed: Seed) -> Blueprint {
    blueprint_behind(scenario, seed, Arc::new(scenario.router()))
}

/// The same behind another router than that of the scenario's policy.
#[must_use]
pub fn blueprint_behind(scenario: &Scenario, seed: Seed, router: Arc<dyn Router>) -> Blueprint {
    Blueprint {
        seed,
        desk: scenario.core(seed, router),
        profile: scenario.profile.clone(),
        scripts: scenario.scripts().into_iter().map(Some).collect(),
        outside: Arc::new(scenario.outside(seed)),
        gate: sinks::gate,
        plan: scenario.fault_plan(seed),
        caps: Caps {
            time: scenario.ends.at,
            steps: scenario.ends.steps,
        },
    }
}

/// Plays a blueprint.
///
/// # Errors
/// [`WorldError`] if the machine refuses what the world needs.
pub fn play<S: Seams + 'static>(
    blueprint: &Blueprint,
    world: World,
    seams: S,
    recording: Recording,
) -> Result<Played, WorldError> {
    match world {
        World::Model => Ok(Model::new(blueprint, seams, recording).play()),
        World::Virtual => Ok(play_over_http(blueprint, Link::Memory, seams, recording)?.0),
        World::Wall(scale) => Ok(play_over_http(blueprint, Link::Tcp(scale), seams, recording)?.0),
    }
}
