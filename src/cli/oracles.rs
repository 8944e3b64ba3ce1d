//! `lanebench oracles`: whether the simulator is right.

use std::fmt::Write as _;
use std::io::{self, Write};

use clap::Args;
use serde_json::json;

use super::command::complain;
use super::exit::Exit;
use super::output::{Format, Output};
use super::run::seeds;
use crate::report::{oracles_json, oracles_text};
use crate::rng::Seed;
use crate::runner::{Covered, cover_oracles, survey_oracles};
use crate::sim::oracle::{Effort, Reach};

/// Intervals of 99 % have to cover this share at least, over many seeds.
const COVERAGE_MIN: f64 = 0.965;

/// The arguments of `oracles`.
#[derive(Debug, Args)]
pub(super) struct Oracles {
    /// The seed; with more than one (`A-B`, or given many times) it is counted how often the engine's intervals cover
    #[arg(long = "seed", value_name = "SEED", value_parser = seeds)]
    seeds: Vec<(u64, u64)>,
    /// The half-width to reach, as a share of what is expected
    #[arg(long, value_name = "SHARE", default_value = "0.5%", value_parser = half_width)]
    half_width: f64,
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
    let half_width = args.half_width;
    let reach = Reach {
        half_width,
        ..Reach::FULL
    };
    let surveyed = survey_oracles(seed, reach, threads);
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
    let effort: Effort = Reach::FULL.engine;
    let all = cover_oracles(seeds, effort, threads);
    let sum = |of: fn(&Covered) -> u64| all.iter().map(of).sum::<u64>();
    let hits = sum(|one| one.hits.iter().sum());
    let tries = sum(|one| one.tries * one.hits.len() as u64);
    let breaches = sum(|one| one.breaches);
    let share = hits as f64 / tries.max(1) as f64;
    let held = share >= COVERAGE_MIN && breaches == 0;
    if args.output.format == Format::Json {
        let stations: Vec<_> = all
            .iter()
            .map(|one| json!({ "station": one.case.name, "seeds": one.tries, "covered": one.hits, "breaches": one.breaches }))
            .collect();
        let whole = json!({ "coverage": share, "breaches": breaches, "stations": stations });
        return (format!("{whole:#}\n"), held);
    }
    let mut text = String::new();
    for one in all.iter().filter(|_| !args.output.quiet) {
        let shares = one.case.expected.iter().zip(&one.hits);
        let shares: Vec<String> = shares
            .map(|((quantity, _), hits)| {
                format!(
                    "{} {:.1}%",
                    quantity.word(),
                    100.0 * *hits as f64 / one.tries.max(1) as f64
                )
            })
            .collect();
        let _ = writeln!(text, "{:<50}{}", one.case.name, shares.join("   "));
    }
    let word = if held { "ok" } else { "FAILED" };
    let _ = writeln!(
        text,
        "\n{word}: {hits} of {tries} intervals of 99 % cover, {:.2}%; laws broken in {breaches} of {} runs",
        100.0 * share,
        seeds.len() * all.len()
    );
    (text, held)
}
