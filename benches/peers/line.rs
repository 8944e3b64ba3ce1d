//! What an event of a queueing system costs in the simulators that others use, in one run: M/M/10 at load 0.8.
//!
//! Ten servers, Poisson arrivals, exponential service, one queue in the order of arrival; a customer is two events. Lanebench
//! plays it with the queue in which the job core keeps what it waits for and with the chance that is keyed by customer,
//! nexosim as one model that schedules its own events on one thread and draws from that same chance, as far ahead, SimPy
//! as a process for each customer and a resource of ten. Each must come to the mean wait of the closed form before its
//! time counts.
//!
//! `cargo bench --bench line` ends with the ratios; without SimPy (`pip install simpy`) it says so. Rounds alternate, by
//! time on the processor, and the middle one counts.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a program for developers"
)]

use std::collections::VecDeque;
use std::process::Command;
use std::time::Duration;

use lanebench::job::Wakes;
use lanebench::rng::{Purpose, Seed, exponential};
use lanebench::units::{JobId, SimDuration, SimTime};
use nexosim::model::{Context, Model, schedulable};
use nexosim::ports::{EventSinkReader, Output, SinkState, event_slot};
use nexosim::simulation::{Mailbox, SimInit};
use nexosim::time::MonotonicTime;
use serde::{Deserialize, Serialize};

#[path = "../worlds/cpu.rs"]
mod cpu;

const SERVERS: u32 = 10;
/// The mean service time is the unit, a second; eight customers arrive in one.
const GAP: f64 = 0.125;
const CUSTOMERS: u64 = 1_000_000;
const EVENTS: u64 = 2 * CUSTOMERS;
/// Source: Erlang C for ten servers and an offered load of eight.
const MEAN_WAIT: f64 = 0.204_590_075;
/// Waits are correlated: a million of them leave a standard error of about one in a hundred.
const TOLERANCE: f64 = 0.05;
const ROUNDS: u64 = 5;
const SEED: Seed = Seed(1);
/// What wakes when a customer arrives; the numbers below are those of the servers.
const ARRIVAL: JobId = JobId(SERVERS);

fn gap(customer: u64) -> f64 {
    exponential(SEED.unit(Purpose::Arrival, customer, 0), GAP)
}

fn service(customer: u64) -> f64 {
    exponential(SEED.unit(Purpose::StepFor, customer, 0), 1.0)
}

/// How long the service of a customer takes, and how long it is to the next one.
///
/// Drawn one customer ahead, where it holds nothing up: it depends on nothing but the number.
fn ahead(customer: u64) -> (f64, f64) {
    (service(customer), gap(customer + 1))
}

/// The mean wait, in seconds.
fn lanebench(customers: u64) -> f64 {
    let mut wakes = Wakes::new();
    let mut idle: Vec<JobId> = (0..SERVERS).map(JobId).collect();
    let mut waiting = VecDeque::new();
    let mut waited = SimDuration::ZERO;
    let mut arrived = 0;
    let drawn = |customer| {
        let (service, gap) = ahead(customer);
        (SimDuration::from_secs_f64(service), SimDuration::from_secs_f64(gap))
    };
    wakes.set(ARRIVAL.0, ARRIVAL, SimTime::START + SimDuration::from_secs_f64(gap(0)));
    let mut next = drawn(0);
    while let Some((now, who, _)) = wakes.first() {
        let (server, length) = if who == ARRIVAL {
            let (length, gap) = next;
            arrived += 1;
            wakes.set(ARRIVAL.0, ARRIVAL, if arrived < customers { now + gap } else { SimTime::NEVER });
            next = drawn(arrived);
            let Some(server) = idle.pop() else {
                waiting.push_back((length, now));
                continue;
            };
            (server, length)
        } else {
            let Some((length, since)) = waiting.pop_front() else {
                wakes.set(who.0, who, SimTime::NEVER);
                idle.push(who);
                continue;
            };
            waited += now.since(since);
            (who, length)
        };
        wakes.set(server.0, server, now + length);
    }
    waited.as_secs_f64() / customers as f64
}

/// The station as a model of nexosim.
#[derive(Serialize, Deserialize)]
struct Station {
    mean_wait: Output<f64>,
    customers: u64,
    arrived: u64,
    next: (f64, f64),
    gone: u64,
    idle: u32,
    waiting: VecDeque<(f64, MonotonicTime)>,
    waited: f64,
}

#[Model]
impl Station {
    #[nexosim(init)]
    async fn init(&mut self, cx: &Context<Self>) {
        Self::plan_arrival(cx, gap(0));
    }

    fn plan_arrival(cx: &Context<Self>, gap: f64) {
        cx.schedule_event(Duration::from_secs_f64(gap), schedulable!(Self::arrive), ())
            .expect("a gap is longer than nothing");
    }

    fn serve(cx: &Context<Self>, length: f64) {
        cx.schedule_event(Duration::from_secs_f64(length), schedulable!(Self::leave), ())
            .expect("a service is longer than nothing");
    }

    #[nexosim(schedulable)]
    async fn arrive(&mut self, _: (), cx: &Context<Self>) {
        let (length, gap) = self.next;
        self.arrived += 1;
        if self.arrived < self.customers {
            Self::plan_arrival(cx, gap);
        }
        self.next = ahead(self.arrived);
        if self.idle > 0 {
            self.idle -= 1;
            Self::serve(cx, length);
        } else {
            self.waiting.push_back((length, cx.time()));
        }
    }

    #[nexosim(schedulable)]
    async fn leave(&mut self, _: (), cx: &Context<Self>) {
        self.gone += 1;
        if let Some((length, since)) = self.waiting.pop_front() {
            self.waited += cx.time().duration_since(since).as_secs_f64();
            Self::serve(cx, length);
        } else {
            self.idle += 1;
        }
        if self.gone == self.customers {
            self.mean_wait.send(self.waited / self.customers as f64).await;
        }
    }
}

fn nexosim(customers: u64) -> f64 {
    let mut station = Station {
        mean_wait: Output::default(),
        customers,
        arrived: 0,
        next: ahead(0),
        gone: 0,
        idle: SERVERS,
        waiting: VecDeque::new(),
        waited: 0.0,
    };
    let (sink, mut slot) = event_slot(SinkState::Enabled);
    station.mean_wait.connect_sink(sink);
    let mut simulation = SimInit::with_num_threads(1)
        .add_model(station, Mailbox::new(), "station")
        .init(MonotonicTime::EPOCH)
        .expect("the model is whole");
    simulation.run().expect("the run ends by itself");
    slot.try_read().expect("the last customer has left")
}

/// Time an event on the processor in nanoseconds and the mean wait, as the script tells them; `None` without SimPy.
fn simpy(customers: u64) -> Option<(f64, f64)> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/line.py");
    let output = Command::new("python3")
        .args([script, &customers.to_string()])
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (cost, wait) = text.trim().split_once(' ')?;
    Some((cost.parse().ok()?, wait.parse().ok()?))
}

fn middle(mut costs: Vec<f64>) -> f64 {
    costs.sort_by(f64::total_cmp);
    costs[costs.len() / 2]
}

fn check(name: &str, wait: f64) {
    let off = (wait / MEAN_WAIT - 1.0).abs();
    assert!(
        off < TOLERANCE,
        "{name}: a mean wait of {wait}, where the closed form has {MEAN_WAIT}"
    );
}

fn timed(name: &str, play: fn(u64) -> f64) -> f64 {
    let mut wait = 0.0;
    let time = cpu::time_of(1, || wait = play(CUSTOMERS));
    check(name, wait);
    time.as_secs_f64() * 1e9 / EVENTS as f64
}

fn main() {
    if std::env::args().any(|arg| arg == "--test" || arg == "--list") {
        return;
    }
    let (mut ours, mut theirs, mut python) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(timed("lanebench", lanebench));
        theirs.push(timed("nexosim", nexosim));
        if let Some((cost, wait)) = simpy(CUSTOMERS / 5) {
            // A fifth of the customers, and so about twice the error.
            check("SimPy", MEAN_WAIT + (wait - MEAN_WAIT) / 2.0);
            python.push(cost);
        }
    }
    let ours = middle(ours);
    println!("M/M/10, load 0.8, {CUSTOMERS} customers");
    println!("lanebench  {ours:8.1} ns/event");
    let other = |name: &str, cost: f64| println!("{name:<10} {cost:8.1} ns/event  {:6.1} times", cost / ours);
    other("nexosim", middle(theirs));
    if python.is_empty() {
        println!("SimPy      not measured: python3 has no module `simpy`");
    } else {
        other("SimPy", middle(python));
    }
}
