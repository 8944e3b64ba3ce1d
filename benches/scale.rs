//! What a job costs in `model` when many are in flight: how large a workload a comparison can play.
//!
//! A hundred thousand jobs, each of them one create and ten polls, counted only, on one thread: arriving so that a
//! hundred, a thousand, ten thousand of them are in flight, or all at once. `cargo bench --bench scale` ends with the
//! cost of a job in each case, and how often it is that of a hundred in flight. The rounds alternate between the
//! cases, by time on the processor, so that another program on the machine disturbs all alike.
//!
//! `cargo bench --bench scale -- JOBS IN_FLIGHT` plays one case once, for a profiler.

#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a program for developers"
)]

#[path = "worlds/cpu.rs"]
mod cpu;
mod worlds;

use std::hint::black_box;

use lanebench::runner::World;
use lanebench::sim::Recording;

use cpu::time_of;
use worlds::Bench;

const JOBS: u32 = 100_000;
const IN_FLIGHT: [u32; 4] = [100, 1_000, 10_000, 100_000];
const EXCHANGES: u32 = 11;
/// How long a job of this scenario takes.
const LENGTH_US: u32 = 57_600_000;
/// Rounds in which the cases alternate; the middle one counts.
const ROUNDS: usize = 5;

fn main() {
    let numbers: Vec<u32> = std::env::args().filter_map(|arg| arg.parse().ok()).collect();
    if std::env::args().any(|arg| arg == "--test" || arg == "--list") {
        return;
    }
    if let [jobs, in_flight] = numbers[..] {
        let bench = case(jobs, in_flight);
        println!("{:.3} us/job", cost(&bench, jobs));
        return;
    }
    let benches = IN_FLIGHT.map(|in_flight| case(JOBS, in_flight));
    let mut costs = IN_FLIGHT.map(|_| Vec::new());
    for _ in 0..ROUNDS {
        for (bench, costs) in benches.iter().zip(&mut costs) {
            costs.push(cost(bench, JOBS));
        }
    }
    println!(
        "{:>10}{:>12}{:>14}{:>10}",
        "in flight", "us/job", "us/exchange", "ratio"
    );
    for (in_flight, these) in IN_FLIGHT.iter().zip(&costs) {
        let ratios: Vec<f64> = these
            .iter()
            .zip(&costs[0])
            .map(|(this, first)| this / first)
            .collect();
        let job = middle(these);
        let exchange = job / f64::from(EXCHANGES);
        println!(
            "{in_flight:>10}{job:>12.2}{exchange:>14.3}{:>10.2}",
            middle(&ratios)
        );
    }
}

/// So many jobs, so many of them in flight.
fn case(jobs: u32, in_flight: u32) -> Bench {
    let every = if in_flight >= jobs {
        1
    } else {
        LENGTH_US / in_flight
    };
    Bench::load_with("polls", |text| {
        text.replace("count: 2000", &format!("count: {jobs}"))
            .replace("every: 576ms", &format!("every: {every}us"))
            .replace("capacity: 100", &format!("capacity: {in_flight}"))
    })
}

/// Microseconds a job.
fn cost(bench: &Bench, jobs: u32) -> f64 {
    let took = time_of(1, || drop(black_box(bench.play(World::Model, Recording::Off))));
    took.as_secs_f64() * 1e6 / f64::from(jobs)
}

fn middle(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
