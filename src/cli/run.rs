//! `lanebench run`: plays scenarios and judges them.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::command::complain;
use super::exit::Exit;
use super::files::{self, FilesError};
use super::output::{Format, Output};
use super::reports::{Taken, write_reports};
use crate::clock::TimeScale;
use crate::report::{Detail, ReportRequest, RunVerdict, SuiteResult, suite_json, terminal};
use crate::rng::Seed;
use crate::runner::{SuiteOptions, World, play_suite};
use crate::scenario::Source;
use crate::units::SimDuration;

/// The arguments of `run`.
#[derive(Debug, Args)]
pub(super) struct Run {
    /// Scenario files, or folders with scenarios below them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Where they play
    #[arg(long, value_enum, default_value_t = WorldWord::Virtual)]
    world: WorldWord,
    /// Play with this seed instead of the scenario's own; may be given many times, `A-B` gives a range
    #[arg(long = "seed", value_name = "SEED", value_parser = seeds)]
    seeds: Vec<(u64, u64)>,
    /// Play on so many threads; the result is the same on any number
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// In the wall world, skip scenarios that take longer
    #[arg(long, default_value = "10s", value_name = "DURATION")]
    wall_limit: SimDuration,
    /// In the wall world, how many times as fast as real time
    #[arg(long, default_value_t = TimeScale::ONE, value_name = "FACTOR")]
    time_scale: TimeScale,
    /// Write a report as well: junit, json, csv, invariants or summary; may be given many times
    #[arg(long = "report", value_name = "KIND=PATH")]
    reports: Vec<ReportRequest>,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum WorldWord {
    /// An event queue without a byte on any wire
    Model,
    /// The real runtime and the real mock server in memory, in virtual time
    Virtual,
    /// The same over TCP on loopback, in real time
    Wall,
}

/// Most seeds of one range: more is a mistake.
const SEEDS_MAX: u64 = 1_000_000;

/// One seed, or a range of them.
pub(super) fn seeds(text: &str) -> Result<(u64, u64), String> {
    let number = |part: &str| {
        part.parse::<u64>()
            .map_err(|_| format!("`{part}` is no seed: a seed is a whole number"))
    };
    let (first, last) = match text.split_once('-') {
        Some((first, last)) => (number(first)?, number(last)?),
        None => (number(text)?, number(text)?),
    };
    match last.checked_sub(first) {
        Some(more) if more < SEEDS_MAX => Ok((first, last)),
        Some(_) => Err(format!("at most {SEEDS_MAX} seeds at a time")),
        None => Err(format!("the range `{text}` runs backwards")),
    }
}

/// Plays what is named and says what held.
pub(super) fn run(args: &Run) -> Exit {
    let loaded = match files::load(&args.paths, args.output.paint_of_stderr()) {
        Ok(loaded) => loaded,
        Err(error) => return refuse(&error),
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let options = SuiteOptions {
        world: match args.world {
            WorldWord::Model => World::Model,
            WorldWord::Virtual => World::Virtual,
            WorldWord::Wall => World::Wall(args.time_scale),
        },
        seeds: args
            .seeds
            .iter()
            .flat_map(|(first, last)| *first..=*last)
            .map(Seed)
            .collect(),
        threads: args.threads.unwrap_or(cores).max(1),
        wall_limit: args.wall_limit,
    };
    let texts = loaded.iter().flat_map(|one| one.sources.iter().map(Source::name));
    let mut taken = Taken::of_inputs(texts);
    if let Err(exit) = taken.take_reports(args.reports.iter().map(|request| &request.path)) {
        return exit;
    }
    let suite = play_suite(&loaded, &options);
    let reports = args.reports.iter();
    let reported = write_reports(reports.map(|request| (&request.path, request.kind.render(&suite))));
    match write(&suite, &args.output) {
        Ok(()) => reported.err().unwrap_or_else(|| verdict(&suite)),
        Err(error) => {
            complain(
                format_args!("the verdict could not be written: {error}"),
                "keep stdout open",
            );
            Exit::Machine
        }
    }
}

/// Says what could not be read, and how the program ends for it.
pub(super) fn refuse(error: &FilesError) -> Exit {
    match error {
        FilesError::Wrong(text) => {
            let _ = write!(io::stderr(), "{text}");
            Exit::Input
        }
        FilesError::Missing(_) | FilesError::Folder(_) => {
            complain(
                error,
                "check the path; scenarios may also be named by a folder above them",
            );
            Exit::Input
        }
        FilesError::Empty(_) => {
            complain(error, "name a scenario file, or a folder with scenarios below it");
            Exit::Input
        }
        FilesError::Unreadable { .. } => {
            complain(error, "make it readable and try again");
            Exit::Machine
        }
    }
}

fn write(suite: &SuiteResult, output: &Output) -> io::Result<()> {
    let text = match output.format {
        Format::Human => {
            let detail = if output.quiet { Detail::Quiet } else { Detail::Full };
            terminal(suite, detail, output.paint_of_stdout())
        }
        Format::Json => suite_json(suite),
    };
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

fn verdict(suite: &SuiteResult) -> Exit {
    let any = |is: fn(&RunVerdict) -> bool| suite.runs.iter().any(|run| is(&run.verdict));
    match () {
        () if any(|verdict| matches!(verdict, RunVerdict::Broken(_))) => Exit::Machine,
        () if any(|verdict| matches!(verdict, RunVerdict::Failed(_))) => Exit::Failed,
        // Nothing was played: that is no evidence.
        () if !any(|verdict| matches!(verdict, RunVerdict::Passed)) => Exit::Undecided,
        () => Exit::Held,
    }
}
