//! Shows over scenarios that each invariant can fail, and that it fails for no honest run.
//!
//! An invariant is proven when a scenario exercises it, each of its sabotages makes it fire first there, and the
//! honest run with the same seed does not break it.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::{Sabotage, sabotages};
use crate::check::{self, Id, Judgement, Verdict};
use crate::report::{RunResult, RunVerdict};
use crate::rng::Seed;
use crate::runner::{Loaded, SuiteOptions, blueprint_behind, facts, in_order, play, play_suite};
use crate::sim::Recording;

/// What is known about every invariant that can be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// One entry per invariant, in the order of the catalogue.
    pub invariants: Vec<Proven>,
    /// Honest runs that were judged.
    pub runs: usize,
    /// Honest runs that could not be played, with the reason: nothing is known of them.
    pub broken: Vec<(Arc<str>, Arc<str>)>,
}

/// What is known about one invariant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// The invariant.
    pub id: Id,
    /// Honest runs that put it to the test.
    pub exercised: usize,
    /// Honest runs that broke it.
    pub false_alarms: usize,
    /// Each of its sabotages, and what came of it.
    pub trials: Vec<Trial>,
}

/// What came of a sabotage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// Its name.
    pub sabotage: &'static str,
    /// The scenario and the seed with which its invariant fired first.
    pub killed: Option<(Arc<str>, Seed)>,
    /// Where it survived, what fired first instead.
    pub instead: Vec<(Arc<str>, BTreeSet<Id>)>,
}

impl Proven {
    /// How many of its sabotages were caught.
    #[must_use]
    pub fn killed(&self) -> usize {
        self.trials.iter().filter(|trial| trial.killed.is_some()).count()
    }

    /// Whether the three numbers say that it can be relied upon.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.exercised > 0
            && self.false_alarms == 0
            && !self.trials.is_empty()
            && self.killed() == self.trials.len()
    }
}

/// Plays every scenario honestly, and every sabotage until its invariant fires first.
///
/// - `options.seeds`: of the honest runs that are counted; a sabotage is always played with the seed of its scenario,
///   and only where the honest run with that seed exercises its invariant and holds.
#[must_use]
pub fn prove(loaded: &[Loaded], options: &SuiteOptions) -> Proof {
    let own = SuiteOptions {
        seeds: Vec::new(),
        ..options.clone()
    };
    let honest = play_suite(loaded, &own).runs;
    let all: Vec<&'static Sabotage> = sabotages().collect();
    let trials = in_order(options.threads, all.len(), |index| {
        trial(all[index], loaded, &honest, &own)
    });
    let runs = match options.seeds.is_empty() {
        true => honest,
        false => play_suite(loaded, options).runs,
    };
    let invariants = Id::ALL.iter().map(|id| {
        let of_it = all
            .iter()
            .zip(&trials)
            .filter(|(sabotage, _)| sabotage.breaks == *id);
        proven(*id, &runs, of_it.map(|(_, trial)| trial.clone()).collect())
    });
    Proof {
        invariants: invariants.collect(),
        runs: runs.len(),
        broken: runs.iter().filter_map(broken).collect(),
    }
}

fn broken(run: &RunResult) -> Option<(Arc<str>, Arc<str>)> {
    match &run.verdict {
        RunVerdict::Broken(why) | RunVerdict::Skipped(why) => Some((run.file.clone(), why.clone())),
        RunVerdict::Passed | RunVerdict::Failed(_) => None,
    }
}

fn proven(id: Id, runs: &[RunResult], trials: Vec<Trial>) -> Proven {
    let (mut exercised, mut false_alarms) = (0, 0);
    for run in runs {
        match of(run, id) {
            Some(Verdict::Held { .. }) => exercised += 1,
            Some(Verdict::Violated(_)) => (exercised, false_alarms) = (exercised + 1, false_alarms + 1),
            Some(Verdict::NotExercised) | None => {}
        }
    }
    Proven {
        id,
        exercised,
        false_alarms,
        trials,
    }
}

fn of(run: &RunResult, id: Id) -> Option<&Verdict> {
    let found = run.invariants.iter().find(|judgement| judgement.id == id);
    found.map(|judgement| &judgement.verdict)
}

/// Plays a sabotage where the honest run exercises its invariant, small scenarios first, until it is caught.
fn trial(
    sabotage: &'static Sabotage,
    loaded: &[Loaded],
    honest: &[RunResult],
    options: &SuiteOptions,
) -> Trial {
    let exercises = |run: &&RunResult| matches!(of(run, sabotage.breaks), Some(Verdict::Held { .. }));
    let mut places: Vec<&RunResult> = honest.iter().filter(exercises).collect();
    places.sort_by_key(|run| run.records);
    let mut trial = Trial {
        sabotage: sabotage.name,
        killed: None,
        instead: Vec::new(),
    };
    for run in places {
        let Some(one) = loaded.iter().find(|one| one.file == run.file) else {
            continue;
        };
        let fired = earliest(&sabotaged(sabotage, one, run.seed, options));
        if fired.contains(&sabotage.breaks) {
            trial.killed = Some((run.file.clone(), run.seed));
            trial.instead.clear();
            return trial;
        }
        if !fired.is_empty() {
            trial.instead.push((run.file.clone(), fired));
        }
    }
    trial
}

/// The verdicts on a sabotaged run; none if the sabotage brings the run itself down.
fn sabotaged(sabotage: &Sabotage, loaded: &Loaded, seed: Seed, options: &SuiteOptions) -> Vec<Judgement> {
    let scenario = &loaded.scenario;
    let router = sabotage.router(Arc::new(scenario.router()));
    let mut blueprint = blueprint_behind(scenario, seed, router);
    blueprint.gate = sabotage.gate(blueprint.gate);
    let seams = sabotage.seams();
    let played = catch_unwind(AssertUnwindSafe(|| {
        play(&blueprint, options.world, seams, Recording::Full)
    }));
    match played {
        Ok(Ok(played)) => {
            let facts = facts(scenario, &blueprint, &played, options);
            check::judge(&played.trace, &facts)
        }
        Ok(Err(_)) | Err(_) => Vec::new(),
    }
}

/// What fired at the earliest record.
fn earliest(judged: &[Judgement]) -> BTreeSet<Id> {
    let broken = || {
        let broken = judged.iter();
        broken.filter_map(|one| Some((one.violation()?.record, one.id)))
    };
    let first = broken().map(|(record, _)| record).min();
    let at_first = broken().filter(|(record, _)| Some(*record) == first);
    at_first.map(|(_, id)| id).collect()
}
