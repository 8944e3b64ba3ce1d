//! `lanebench oracles`: whether the simulator is right.

use std::io::{self, Write};

use clap::Args;

use super::command::complain;
use super::exit::Exit;
use super::output::{Format, Output};
use super::run::seeds;
use crate::report::{coverage_json, coverage_text, oracles_json, oracles_text};
use crate::rng::Seed;
use crate::runner::{cover_oracles, survey_oracles};
use crate::sim::oracle::{Reach, all, all_cover};

/// The arguments of `oracles`.
#[derive(Debug, Args)]
pub(super) struct Oracles {
    /// The seed; with more than one (`A-B`, or given many times) it is counted how often the engine's intervals cover
    #[arg(long = "seed", value_name = "SEED", value_parser = seeds)]
    seeds: Vec<(u64, u64)>,
    /// The half-width to reach with one seed, as a share of what is expected [default: 0.5%]
    #[arg(long, value_name = "SHARE", value_parser = half_width)]
    half_width: Option<f64>,
    /// Play on so many threads; the result is the same on any number
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    #[command(flatten)]
    output: Output,
}

fn half_width(text: &str) -> Result<f64, String> {
    let number = text
        .strip_suffix('%')
        .and_then(|number| number.parse::<f64>().ok());
    match number {
        Some(number) if (0.1..=100.0).contains(&number) => Ok(number / 100.0),
        Some(_) => Err("a half-width is 0.1% to 100%; below, this would take days".to_owned()),
        None => Err("write a share such as `0.5%`".to_owned()),
    }
}

/// Plays stations whose behaviour is known in closed form, and says how well the engine agrees.
pub(super) fn oracles(args: &Oracles) -> Exit {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = args.threads.unwrap_or(cores).max(1);
    let mut seeds: Vec<Seed> = args
        .seeds
        .iter()
        .flat_map(|(first, last)| *first..=*last)
        .map(Seed)
        .collect();
    if seeds.is_empty() {
        seeds.push(Seed(1));
    }
    if seeds.len() > 1 && args.half_width.is_some() {
        complain(
            "`--half-width` is of a survey under one seed; over several it is counted how often intervals cover",
            "leave it out, or name one seed",
        );
        return Exit::Input;
    }
    let (text, held) = match seeds[..] {
        [seed] => surveyed(args, seed, threads),
        _ => covered(args, &seeds, threads),
    };
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) if held => Exit::Held,
        Ok(()) => Exit::Failed,
        Err(error) => {
            complain(
                format_args!("the oracles could not be written: {error}"),
                "keep stdout open",
            );
            Exit::Machine
        }
    }
}

fn surveyed(args: &Oracles, seed: Seed, threads: usize) -> (String, bool) {
    let half_width = args.half_width.unwrap_or(Reach::FULL.half_width);
    let reach = Reach {
        half_width,
        ..Reach::FULL
    };
    let surveyed = survey_oracles(&all(), seed, reach, threads);
    let text = match args.output.format {
        Format::Human => oracles_text(
            &surveyed,
            half_width,
            args.output.quiet,
            args.output.paint_of_stdout(),
        ),
        Format::Json => oracles_json(&surveyed, half_width),
    };
    (text, surveyed.iter().all(|one| one.holds(half_width)))
}

fn covered(args: &Oracles, seeds: &[Seed], threads: usize) -> (String, bool) {
    let covered = cover_oracles(&all(), seeds, Reach::FULL.engine, threads);
    let text = match args.output.format {
        Format::Human => coverage_text(&covered, args.output.quiet, args.output.paint_of_stdout()),
        Format::Json => coverage_json(&covered),
    };
    (text, all_cover(&covered))
}
