//! What single parts cost; each bench names the time that a user would feel.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::expect_used,
    reason = "a program for developers"
)]

#[path = "worlds/cpu.rs"]
mod cpu;
mod worlds;

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use lanebench::backend::{Profile, Service, Setup};
use lanebench::clock::{Pace, TimeScale, run};
use lanebench::fault::FaultPlan;
use lanebench::mock::{Mock, MockOptions, accept};
use lanebench::rng::{Law, Seed};
use lanebench::runner::World;
use lanebench::sim::Recording;
use lanebench::trace::Notes;
use lanebench::units::SimDuration;
use lanebench::wire::salvage_id;
use tokio::net::{TcpListener, TcpStream};

use cpu::time_of;
use worlds::Bench;

/// What a router adds to the submission of each task, and what a proof over the whole decision space spends on each
/// cell: one decision of the three-lane policy.
fn decide(criterion: &mut Criterion) {
    let bench = Bench::load("mixed");
    let policy = &bench.scenario.policy;
    let tasks: Vec<_> = bench.scenario.tasks.iter().map(|task| &task.attributes).collect();
    let mut group = criterion.benchmark_group("decide");
    group.throughput(Throughput::Elements(tasks.len() as u64));
    group.bench_function("three-lane", |b| {
        b.iter(|| {
            for task in &tasks {
                black_box(policy.decide(black_box(task)));
            }
        });
    });
    group.finish();
}

/// What the job core adds to each exchange of a live runtime, and what recovery from a journal spends on it: the
/// journal of two thousand jobs that poll, played into a fresh core.
fn step(criterion: &mut Criterion) {
    let bench = Bench::load("polls");
    let played = bench.play(World::Model, Recording::Full);
    let mut group = criterion.benchmark_group("job core");
    group.throughput(Throughput::Elements(22_000));
    group.sample_size(20);
    for (name, recording) in [
        ("a poll exchange", Recording::Off),
        ("a poll exchange, recorded", Recording::Full),
    ] {
        group.bench_function(name, |b| {
            let fresh = || (bench.blueprint.desk(recording), played.log.clone(), Vec::new());
            b.iter_batched_ref(
                fresh,
                |(desk, log, actions)| {
                    for (at, batch) in log {
                        desk.step(*at, batch, actions);
                        actions.clear();
                    }
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

/// How long one scenario of a suite takes: thirty jobs of all lanes over half an hour, with faults, judged.
fn scenario(criterion: &mut Criterion) {
    let bench = Bench::load("mixed");
    let mut group = criterion.benchmark_group("thirty jobs with faults");
    group.sample_size(20).measurement_time(Duration::from_secs(3));
    for world in [World::Model, World::Virtual] {
        group.bench_function(world.word(), |b| {
            b.iter_custom(|times| time_of(times, || drop(black_box(bench.judged(world)))));
        });
    }
    group.finish();
}

/// How fast a client in another language can test against `lanebench serve`: polls over TCP on loopback, four
/// connections that are kept, client and server on one thread.
fn serve(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("mock over tcp");
    group.throughput(Throughput::Elements(1));
    group.sample_size(20);
    group.bench_function("a poll, 4 connections", |b| {
        b.iter_custom(|times| {
            run(Pace::Real(TimeScale::ONE), |clock| async move {
                let options = MockOptions::default();
                let (mock, driver) = Mock::new(service(), clock, options);
                let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
                let address = listener.local_addr().expect("an address");
                tokio::spawn(driver.run());
                tokio::spawn(async move { accept(&mock, &listener).await });
                polls(address, times).await
            })
            .expect("a runtime")
        });
    });
    group.finish();
}

const CONNECTIONS: u64 = 4;

async fn polls(address: std::net::SocketAddr, times: u64) -> Duration {
    let mut senders = Vec::new();
    for _ in 0..CONNECTIONS {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("a live socket");
        let (sender, connection) = handshake::<_, Full<Bytes>>(TokioIo::new(stream))
            .await
            .expect("HTTP");
        tokio::spawn(connection);
        senders.push(sender);
    }
    let body = r#"{"model":"gpt-5","input":"hello","background":true}"#;
    let (_, created) = exchange(&mut senders[0], "POST", "/v1/responses", body).await;
    let id = salvage_id(&created).expect("a response");
    let path: Arc<str> = format!("/v1/responses/{id}").into();
    let start = Instant::now();
    let clients = senders.into_iter().zip(0..).map(|(mut sender, place)| {
        let path = path.clone();
        let share = times / CONNECTIONS + u64::from(place < times % CONNECTIONS);
        tokio::spawn(async move {
            for _ in 0..share {
                let (status, _) = exchange(&mut sender, "GET", &path, "").await;
                assert_eq!(status, 200);
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.expect("no client panics");
    }
    start.elapsed()
}

async fn exchange(
    sender: &mut SendRequest<Full<Bytes>>,
    method: &str,
    path: &str,
    body: &'static str,
) -> (u16, Bytes) {
    let request = axum::http::Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost")
        .header("authorization", "Bearer sk-lanebench")
        .header("content-type", "application/json");
    let request = request.body(Full::from(body)).expect("a request");
    sender.ready().await.expect("a connection that is kept");
    let reply = sender.send_request(request).await.expect("a reply");
    let status = reply.status().as_u16();
    (
        status,
        reply
            .into_body()
            .collect()
            .await
            .expect("a whole body")
            .to_bytes(),
    )
}

/// A service without latency, so that what is measured is the server.
fn service() -> Service {
    let bench = Bench::load("polls");
    Service::new(Setup {
        profile: Profile {
            latency: Law::Constant(SimDuration::ZERO),
            ..bench.blueprint.profile
        },
        scripts: Arc::from([]),
        plan: FaultPlan::none(),
        seed: Seed(1),
        notes: Notes::off(),
    })
}

criterion_group!(benches, decide, step, scenario, serve);
criterion_main!(benches);
