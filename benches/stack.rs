//! What a simulated exchange costs: how long a user waits for a suite, and how many seeds fit into a night.
//!
//! Two thousand jobs, each of them one create and ten polls, a hundred jobs in flight, on one thread:
//!
//! - `virtual`: the whole stack, from the policy to the verdict: job core, runtime, HTTP client, connections in
//!   memory, HTTP server, backend core, virtual clock, trace, journal, replay of the journal, every invariant.
//! - `bare`: a plain hyper client and a plain axum handler that exchange the same bytes through the same readers and
//!   writers over the same connections in memory, on the same runtime; it waits for nothing, so no time has to pass for
//!   it. It is played twice. With a hundred in flight, each chain of exchanges in turn with ninety-nine others, it is
//!   the measure: the whole stack has a hundred jobs in flight too, and comes back to each of them only after the
//!   others, when the processor's caches have forgotten it. One at a time is what a bare client can do at best, with
//!   all that it touches still warm; the whole stack has so few on a wire at one instant, since most of its time passes
//!   between exchanges. Both ratios are printed.
//! - `model`: the same cores joined by an event queue, judged in the same way, or only counted.
//!
//! `cargo bench --bench stack` ends with the ratios. They are taken from rounds that alternate between the sides, by
//! time on the processor, so that another program on the machine disturbs both alike. Within a round each side is
//! played as often as fills the time of the slowest, so that a short play does not pay for caches that another left.
//!
//! How much faster `model` is, is said of each world as it is used: a verdict is played in `virtual` and judged, a
//! comparison is played in `model` and counted, for nobody judges a million jobs by their traces. That is the claim:
//! jobs per second of `model`, counted, to `virtual`, judged. Beside it stand the two ratios of like to like: judged
//! to judged shows what checks cost in both, counted to counted what the bytes on the wire cost.
//!
//! `cargo bench --bench stack -- --play SIDE TIMES` plays one side alone, such as `virtual, judged`, for a profiler.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a program for developers"
)]

#[path = "worlds/bare.rs"]
mod bare;
#[path = "worlds/cpu.rs"]
mod cpu;
mod worlds;

use std::hint::black_box;
use std::rc::Rc;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use lanebench::runner::World;
use lanebench::sim::Recording;

use bare::{Exchanges, Service};
use cpu::time_of;
use worlds::Bench;

/// Rounds in which the sides alternate; the middle one counts.
const ROUNDS: usize = 9;

/// Jobs in flight, as the scenario's lane allows.
const IN_FLIGHT: usize = 100;

fn main() {
    let bench = Bench::load("polls");
    let exchanges = Rc::new(Exchanges::of(&bench));
    assert_eq!(
        exchanges.count(),
        exchanges.jobs() * 11,
        "a job is one create and ten polls"
    );
    let words: Vec<String> = std::env::args().skip_while(|arg| arg != "--play").collect();
    if let [_, side, times, ..] = &words[..] {
        return alone(&bench, &exchanges, side, times.parse().expect("how many times"));
    }
    let mut criterion = Criterion::default().configure_from_args();
    single(&mut criterion, &bench, &exchanges);
    criterion.final_summary();
    if !std::env::args().any(|arg| arg == "--test" || arg == "--list") {
        compare(&bench, &exchanges);
    }
}

/// Plays the side of this name so many times; profilers find it by its name.
#[inline(never)]
fn alone(bench: &Bench, exchanges: &Rc<Exchanges>, name: &str, times: u32) {
    let service = Service::of(exchanges);
    let sides = sides(bench, exchanges, &service);
    let side = sides.iter().find(|(one, ..)| *one == name);
    let (_, play, _) = side.expect("the name of a side");
    (0..times).for_each(|_| play());
}

/// Every side for itself.
fn single(criterion: &mut Criterion, bench: &Bench, exchanges: &Rc<Exchanges>) {
    let service = Service::of(exchanges);
    let mut group = criterion.benchmark_group("exchanges");
    group.throughput(Throughput::Elements(exchanges.count() as u64));
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(4))
        .warm_up_time(Duration::from_millis(500));
    group.bench_function("bare", |b| {
        b.iter_custom(|times| time_of(times, || bare::play(exchanges, &service, IN_FLIGHT)));
    });
    group.bench_function("bare, one at a time", |b| {
        b.iter_custom(|times| time_of(times, || bare::play(exchanges, &service, 1)));
    });
    group.bench_function("virtual", |b| {
        b.iter_custom(|times| time_of(times, || judged(bench, World::Virtual)))
    });
    group.finish();
    let mut group = criterion.benchmark_group("jobs");
    group.throughput(Throughput::Elements(exchanges.jobs() as u64));
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(4))
        .warm_up_time(Duration::from_millis(500));
    group.bench_function("virtual", |b| {
        b.iter_custom(|times| time_of(times, || judged(bench, World::Virtual)))
    });
    group.bench_function("model", |b| {
        b.iter_custom(|times| time_of(times, || judged(bench, World::Model)))
    });
    group.bench_function("model, counted", |b| {
        b.iter_custom(|times| time_of(times, || counted(bench, World::Model)));
    });
    group.finish();
}

/// What is compared: its name, one play of it, and the times it took.
type Side<'a> = (&'static str, Box<dyn Fn() + 'a>, Vec<f64>);

/// Every side, before it was played.
fn sides<'a>(bench: &'a Bench, exchanges: &'a Rc<Exchanges>, service: &'a Service) -> [Side<'a>; 7] {
    [
        (
            "bare, 100 in flight",
            Box::new(|| bare::play(exchanges, service, IN_FLIGHT)),
            Vec::new(),
        ),
        (
            "bare, one at a time",
            Box::new(|| bare::play(exchanges, service, 1)),
            Vec::new(),
        ),
        (
            "virtual, judged",
            Box::new(|| judged(bench, World::Virtual)),
            Vec::new(),
        ),
        (
            "virtual, recorded",
            Box::new(|| recorded(bench, World::Virtual)),
            Vec::new(),
        ),
        (
            "virtual, counted",
            Box::new(|| counted(bench, World::Virtual)),
            Vec::new(),
        ),
        (
            "model, judged",
            Box::new(|| judged(bench, World::Model)),
            Vec::new(),
        ),
        (
            "model, counted",
            Box::new(|| counted(bench, World::Model)),
            Vec::new(),
        ),
    ]
}

/// The sides in turn, and the ratios between them.
fn compare(bench: &Bench, exchanges: &Rc<Exchanges>) {
    let service = Service::of(exchanges);
    let mut sides = sides(bench, exchanges, &service);
    let firsts: Vec<Duration> = sides.iter().map(|(_, side, _)| time_of(1, &**side)).collect();
    let longest = firsts.iter().max().copied().unwrap_or_default();
    for _ in 0..ROUNDS {
        for ((_, side, times), first) in sides.iter_mut().zip(&firsts) {
            let plays = (longest.as_secs_f64() / first.as_secs_f64()).round().max(1.0) as u32;
            times.push(time_of(u64::from(plays), &**side).as_secs_f64() / f64::from(plays));
        }
    }
    println!(
        "\n{} jobs, {IN_FLIGHT} of them in flight, {} exchanges, {:.2} of them on a wire at one instant",
        exchanges.jobs(),
        exchanges.count(),
        exchanges.in_flight
    );
    println!(
        "{:<24}{:>12}{:>12}{:>12}{:>12}",
        "", "us/exchange", "jobs/s", "to bare 100", "to bare 1"
    );
    for (name, _, times) in &sides {
        let exchange = middle(times) * 1e6 / exchanges.count() as f64;
        let jobs = exchanges.jobs() as f64 / middle(times);
        println!(
            "{name:<24}{exchange:>12.2}{jobs:>12.0}{:>12.2}{:>12.2}",
            ratio(times, &sides[0].2),
            ratio(times, &sides[1].2)
        );
    }
    println!(
        "jobs per second, model to virtual, as they are used (counted to judged): {:.1} times",
        ratio(&sides[2].2, &sides[6].2)
    );
    println!(
        "like to like: {:.1} times judged, {:.1} times counted",
        ratio(&sides[2].2, &sides[5].2),
        ratio(&sides[4].2, &sides[6].2)
    );
}

/// The middle of the ratios of single rounds.
fn ratio(these: &[f64], those: &[f64]) -> f64 {
    let ratios: Vec<f64> = these.iter().zip(those).map(|(this, that)| this / that).collect();
    middle(&ratios)
}

fn middle(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn judged(bench: &Bench, world: World) {
    let (played, judgements) = bench.judged(world);
    assert!(judgements.iter().all(|one| one.violation().is_none()));
    black_box((played, judgements));
}

fn recorded(bench: &Bench, world: World) {
    black_box(bench.play(world, Recording::Full));
}

fn counted(bench: &Bench, world: World) {
    black_box(bench.play(world, Recording::Off));
}
