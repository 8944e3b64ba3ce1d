//! What a job costs in `model` when many are in flight: how large a workload a comparison can play.
//!
//! A hundred thousand jobs, each of them one create and ten polls, counted only, on one thread: arriving so that a
//! hundred, a thousand, ten thousand of them are in flight, or all at once. Each is made when it arrives and forgotten
//! when it is over. `cargo bench --bench scale` ends with the cost of a job in each case, and how often it is that of a
//! hundred in flight. The rounds alternate between the cases, by time on the processor, so that another program on the
//! machine disturbs all alike.
//!
//! `cargo bench --bench scale -- JOBS IN_FLIGHT` plays one case once, for a profiler or for more jobs than fit into a
//! round, and says how long it took on the processor and how much memory the process held at most: `10000000 100` is ten
//! million jobs, and takes a minute or two.

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

use std::fs;
use std::hint::black_box;
use std::sync::Arc;

use lanebench::job::{Routed, Router};
use lanebench::sim::{Arrival, Blueprint, Ending, Honest, Model, Recording, TaskSource};
use lanebench::units::{JobId, SimDuration, SimTime};

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
        let cost = cost(&Case::of(in_flight), jobs);
        println!(
            "{jobs} jobs, {in_flight} in flight: {cost:.3} us/job, {:.1} s, {} KiB at most",
            cost * f64::from(jobs) / 1e6,
            memory_max()
        );
        return;
    }
    let cases = IN_FLIGHT.map(Case::of);
    let mut costs = IN_FLIGHT.map(|_| Vec::new());
    for _ in 0..ROUNDS {
        for (case, costs) in cases.iter().zip(&mut costs) {
            costs.push(cost(case, JOBS));
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

/// A world for so many jobs in flight, and the task that all jobs are.
struct Case {
    blueprint: Blueprint,
    task: Arrival,
    every: SimDuration,
}

impl Case {
    /// Jobs that arrive so that so many of them are in flight.
    fn of(in_flight: u32) -> Self {
        let bench = Bench::load_with("polls", |text| {
            text.replace("count: 2000", "count: 1")
                .replace("capacity: 100", &format!("capacity: {in_flight}"))
        });
        let mut blueprint = bench.blueprint;
        let task = Arrival {
            task: blueprint.desk.tasks[0].clone(),
            asked: blueprint.outside.tasks[0].clone(),
            script: blueprint.scripts[0].clone(),
        };
        blueprint.desk.router = Arc::new(Alike(blueprint.desk.router.route(JobId(0))));
        blueprint.desk.tasks = Arc::from([]);
        blueprint.scripts = Arc::from([]);
        Arc::make_mut(&mut blueprint.outside).tasks.clear();
        blueprint.caps.time = SimTime::CAP;
        blueprint.caps.steps = u64::MAX;
        let every = SimDuration::from_ticks(u64::from((LENGTH_US / in_flight).max(1)));
        Self {
            blueprint,
            task,
            every,
        }
    }
}

/// All tasks are alike, and so are their ways.
#[derive(Debug)]
struct Alike(Routed);

impl Router for Alike {
    fn route(&self, _: JobId) -> Routed {
        self.0.clone()
    }
}

/// The same task again and again, at even distances.
#[derive(Debug, Clone)]
struct Again {
    task: Arrival,
    every: SimDuration,
    left: u32,
}

impl TaskSource for Again {
    fn next(&mut self) -> Option<Arrival> {
        self.left = self.left.checked_sub(1)?;
        let next = self.task.clone();
        self.task.asked.at += self.every;
        Some(next)
    }

    fn fork(&self) -> Box<dyn TaskSource> {
        Box::new(self.clone())
    }
}

/// Microseconds a job.
fn cost(case: &Case, jobs: u32) -> f64 {
    let source = Again {
        task: case.task.clone(),
        every: case.every,
        left: jobs,
    };
    let took = time_of(1, || {
        let world = Model::new(&case.blueprint, Honest, Recording::Off);
        let played = world.fed_by(Box::new(source.clone()), &case.blueprint).play();
        assert_eq!((&played.ending, &played.stuck[..]), (&Ending::Quiet, &[][..]));
        black_box(played);
    });
    took.as_secs_f64() * 1e6 / f64::from(jobs)
}

/// The most memory that this process has held, in KiB, where Linux tells it.
fn memory_max() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = most.and_then(|rest| rest.trim().split(' ').next()?.parse().ok());
    number.unwrap_or(0)
}

fn middle(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
