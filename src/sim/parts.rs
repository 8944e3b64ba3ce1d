//! The parts of a world before anything has happened.

use std::sync::Arc;

use crate::backend::{self, Service};
use crate::fault::FaultPlan;
use crate::job::{self, Desk};
use crate::people::{Outside, OutsideSetup};
use crate::rng::Seed;
use crate::sinks::Gate;
use crate::trace::Notes;
use crate::units::SimTime;

/// Everything a run is made of; the same for every world.
#[derive(Debug, Clone)]
pub struct Blueprint {
    /// All chance.
    pub seed: Seed,
    /// The job core: tasks, router, lanes, roster.
    pub desk: job::Setup,
    /// The service: profile, scripts.
    pub profile: backend::Profile,
    /// The scripts of jobs, by their number.
    pub scripts: Arc<[Option<backend::Script>]>,
    /// Users, approvers, operators, sinks, tools.
    pub outside: Arc<OutsideSetup>,
    /// The gate in front of every sink.
    pub gate: Gate,
    /// What disturbs.
    pub plan: FaultPlan,
    /// Where the run is ended if it does not end by itself.
    pub caps: Caps,
}

/// Where a run is ended if it does not end by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// Simulated time.
    pub time: SimTime,
    /// Steps of any part.
    pub steps: u64,
}

impl Caps {
    /// Simulated time up to its cap, and ten million steps.
    pub const WIDEST: Self = Self {
        time: SimTime::CAP,
        steps: 10_000_000,
    };
}

/// Whether the parts leave records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recording {
    /// Every record is kept: what checks read.
    Full,
    /// Records are made and handed over tick by tick: for watchers. No journal is kept.
    Streamed,
    /// Nothing is kept: for counting and speed.
    Off,
}

impl Blueprint {
    /// The job core.
    #[must_use]
    pub fn desk(&self, recording: Recording) -> Desk {
        let desk = Desk::new(self.desk.clone(), notes(recording));
        match self.profile.webhook {
            Some(_) => desk,
            None => desk.without_webhooks(),
        }
    }

    /// The service.
    #[must_use]
    pub fn service(&self, recording: Recording) -> Service {
        let service = Service::new(backend::Setup {
            profile: self.profile.clone(),
            scripts: self.scripts.clone(),
            plan: self.plan.clone(),
            seed: self.seed,
            notes: notes(recording),
        });
        match recording {
            Recording::Streamed => service.keeping_bills(),
            Recording::Full | Recording::Off => service,
        }
    }

    /// People, tools and sinks.
    #[must_use]
    pub fn outside(&self, recording: Recording) -> Outside {
        Outside::new(self.outside.clone(), notes(recording)).behind(self.gate)
    }
}

fn notes<E>(recording: Recording) -> Notes<E> {
    match recording {
        Recording::Full | Recording::Streamed => Notes::kept(),
        Recording::Off => Notes::off(),
    }
}

/// Why a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Nothing was left to happen.
    Quiet,
    /// The cap of simulated time was reached.
    TimeCap,
    /// The cap of steps was reached.
    StepCap,
}
