//! What a job costs in `model` when many are in flight: how large a workload a comparison can play.

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

use lanebench::runner::World;
use lanebench::sim::Recording;

use cpu::time_of;
use worlds::Bench;

fn main() {
    let numbers: Vec<u32> = std::env::args().filter_map(|arg| arg.parse().ok()).collect();
    let (jobs, in_flight) = (numbers.first().copied().unwrap_or(2000), numbers.get(1).copied().unwrap_or(100));
    let rounds = numbers.get(2).copied().unwrap_or(1);
    let every = 57_600_000 / in_flight;
    let bench = Bench::load_with("polls", |text| {
        text.replace("count: 2000", &format!("count: {jobs}"))
            .replace("every: 576ms", &format!("every: {every}us"))
            .replace("capacity: 100", &format!("capacity: {in_flight}"))
    });
    for _ in 0..rounds {
        let mut steps = 0;
        let took = time_of(1, || steps = bench.play(World::Model, Recording::Off).steps);
        let us = took.as_secs_f64() * 1e6 / f64::from(jobs) / 11.0;
        println!("{jobs} jobs, {in_flight} in flight: {us:.3} us/exchange, {steps} steps");
    }
}
