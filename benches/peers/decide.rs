//! What one decision of the three-lane policy costs in three engines, in one run: time for each, and decisions a second.
//!
//! Before anything is measured, all of them answer all 32,768 rows of the boolean space, and have to agree.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use lanebench_peers::{Cedar, Cel, Engine, Lanebench, ROWS, agree};

/// Rows for the measurement: spread over the whole space, and few enough to stay in the cache of a core.
const SAMPLE: u32 = 512;

fn measure<E: Engine>(criterion: &mut Criterion) {
    let engine = E::new();
    let questions: Vec<_> = (0..SAMPLE)
        .map(|index| engine.question(index.wrapping_mul(40_503) % ROWS))
        .collect();
    let mut group = criterion.benchmark_group("decide three-lane");
    group.throughput(Throughput::Elements(u64::from(SAMPLE)));
    group.bench_function(E::NAME, |b| {
        b.iter(|| {
            for question in &questions {
                black_box(engine.answer(black_box(question)));
            }
        });
    });
    group.finish();
}

fn decide(criterion: &mut Criterion) {
    println!("all three engines agree on {} rows", agree());
    measure::<Lanebench>(criterion);
    measure::<Cedar>(criterion);
    measure::<Cel>(criterion);
}

criterion_group!(benches, decide);
criterion_main!(benches);
