//! `lanebench invariants --prove`: three numbers for each invariant, from runs that are really played.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::exit::Exit;
use super::files;
use super::output::{Format, Output};
use super::run::{refuse, seeds};
use crate::check::Id;
use crate::rng::Seed;
use crate::runner::{SuiteOptions, World};
use crate::sabotage::{Proof, Proven, Trial, prove};
use crate::units::SimDuration;

/// What is proven, and how.
#[derive(Debug, Args)]
pub(super) struct Prove {
    /// Prove every invariant over these scenarios: which runs exercise it, which of its sabotages are caught, and
    /// which honest runs break it
    #[arg(long = "prove", value_name = "PATH", num_args = 1..)]
    pub(super) paths: Vec<PathBuf>,
    /// With `--prove`, count the honest runs with these seeds; may be given many times, `A-B` gives a range
    #[arg(long = "seed", value_name = "SEED", value_parser = seeds, requires = "paths")]
    seeds: Vec<(u64, u64)>,
    /// With `--prove`, where they play
    #[arg(long, value_enum, default_value_t = Simulated::Virtual)]
    world: Simulated,
    /// With `--prove`, play on so many threads; the result is the same on any number
    #[arg(long, value_name = "N", requires = "paths")]
    threads: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Simulated {
    /// An event queue without a byte on any wire
    Model,
    /// The real runtime and the real mock server in memory, in virtual time
    Virtual,
}

impl Prove {
    /// Plays what is named; the text to be shown and how the program ends for it.
    ///
    /// # Errors
    /// The exit code, once it was said what could not be read.
    pub(super) fn play(&self, output: &Output) -> Result<(String, Exit), Exit> {
        let loaded = files::load(&self.paths, output.paint_of_stderr()).map_err(|error| refuse(&error))?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let options = SuiteOptions {
            world: match self.world {
                Simulated::Model => World::Model,
                Simulated::Virtual => World::Virtual,
            },
            seeds: self
                .seeds
                .iter()
                .flat_map(|(first, last)| *first..=*last)
                .map(Seed)
                .collect(),
            threads: self.threads.unwrap_or(cores).max(1),
            wall_limit: SimDuration::ZERO,
        };
        let proof = prove(&loaded, &options);
        let text = match output.format {
            Format::Human => human(&proof, output.quiet),
            Format::Json => json(&proof),
        };
        Ok((text, exit(&proof)))
    }
}

fn exit(proof: &Proof) -> Exit {
    match () {
        () if !proof.broken.is_empty() => Exit::Machine,
        () if proof.invariants.iter().all(Proven::holds) => Exit::Held,
        () => Exit::Failed,
    }
}

/// A table with a row for each invariant, what is not proven and why, and the sums.
fn human(proof: &Proof, quiet: bool) -> String {
    let mut out = String::new();
    if !quiet {
        let _ = writeln!(
            out,
            "{:<7}{:>16}{:>19}{:>14}   caught in",
            "id", "runs exercised", "sabotages killed", "false alarms"
        );
        for one in &proof.invariants {
            let killed = format!("{} of {}", one.killed(), one.trials.len());
            let places: Vec<&str> = one.trials.iter().filter_map(|trial| place(trial)).collect();
            let line = format!(
                "{:<7}{:>16}{killed:>19}{:>14}   {}",
                one.id.entry().name,
                one.exercised,
                one.false_alarms,
                places.join(", ")
            );
            let _ = writeln!(out, "{}", line.trim_end());
        }
        out.push('\n');
    }
    for (file, why) in &proof.broken {
        let _ = writeln!(out, "BROKEN      {file}: {why}");
    }
    for one in proof.invariants.iter().filter(|one| !one.holds()) {
        let _ = writeln!(
            out,
            "NOT PROVEN  {}: {}",
            one.id.entry().name,
            missing(one).join("; ")
        );
    }
    let proven = proof.invariants.iter().filter(|one| one.holds()).count();
    let trials = || proof.invariants.iter().flat_map(|one| &one.trials);
    let killed = trials().filter(|trial| trial.killed.is_some()).count();
    let alarms: usize = proof.invariants.iter().map(|one| one.false_alarms).sum();
    let all = proof.invariants.len();
    let verdict = if exit(proof) == Exit::Held { "ok" } else { "FAILED" };
    let _ = writeln!(
        out,
        "{verdict}: {proven} of {all} invariants proven; {killed} of {} sabotages killed; {alarms} false alarms in {} honest runs",
        trials().count(),
        proof.runs
    );
    out
}

fn place(trial: &Trial) -> Option<&str> {
    trial.killed.as_ref().map(|(file, _)| &**file)
}

/// What stands in the way of relying on an invariant.
fn missing(one: &Proven) -> Vec<String> {
    let mut missing = Vec::new();
    if one.exercised == 0 {
        missing.push("no run exercises it".to_owned());
    }
    if one.false_alarms > 0 {
        missing.push(format!("{} honest runs break it", one.false_alarms));
    }
    if one.trials.is_empty() {
        missing.push("it has no sabotage".to_owned());
    }
    for trial in one.trials.iter().filter(|trial| trial.killed.is_none()) {
        let instead = trial.instead.first().map(|(file, fired)| {
            let names: Vec<&str> = fired.iter().map(|id| id.entry().name).collect();
            format!(", in {file} {} fired before it", names.join(", "))
        });
        let instead = instead.unwrap_or_else(|| ", nothing fired".to_owned());
        missing.push(format!("the sabotage `{}` survives{instead}", trial.sabotage));
    }
    missing
}

/// Raised whenever a field changes its meaning or goes.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    format: &'static str,
    version: u32,
    honest_runs: usize,
    broken_runs: Vec<BrokenRun<'a>>,
    invariants: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct BrokenRun<'a> {
    file: &'a str,
    why: &'a str,
}

#[derive(Serialize)]
struct Row<'a> {
    id: &'static str,
    exercised_runs: usize,
    sabotages: usize,
    sabotages_killed: usize,
    false_alarms: usize,
    proven: bool,
    trials: Vec<TrialRow<'a>>,
}

#[derive(Serialize)]
struct TrialRow<'a> {
    sabotage: &'static str,
    killed: bool,
    file: Option<&'a str>,
    seed: Option<u64>,
}

fn json(proof: &Proof) -> String {
    let document = Document {
        format: "lanebench-proof",
        version: VERSION,
        honest_runs: proof.runs,
        broken_runs: proof
            .broken
            .iter()
            .map(|(file, why)| BrokenRun { file, why })
            .collect(),
        invariants: proof.invariants.iter().map(row).collect(),
    };
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

fn row(one: &Proven) -> Row<'_> {
    let id: Id = one.id;
    let trial = |trial: &'_ Trial| (trial.sabotage, trial.killed.as_ref().map(|(_, seed)| seed.0));
    Row {
        id: id.entry().name,
        exercised_runs: one.exercised,
        sabotages: one.trials.len(),
        sabotages_killed: one.killed(),
        false_alarms: one.false_alarms,
        proven: one.holds(),
        trials: one
            .trials
            .iter()
            .map(|one| {
                let (sabotage, seed) = trial(one);
                TrialRow {
                    sabotage,
                    killed: one.killed.is_some(),
                    file: place(one),
                    seed,
                }
            })
            .collect(),
    }
}
