//! The law of backing off.

use lanebench::job::Retry;
use lanebench::job::retry::{ceiling, jitter};
use lanebench::rng::{Purpose, Seed};
use lanebench::units::{JobId, SimDuration, SimTime};
use lanebench::wire::Wait;
use proptest::prelude::*;

use super::play::{Play, lane, placement, secs, setup};
use super::task::{limited, plan};

fn rule(base: u64, cap: u64) -> Retry {
    Retry {
        attempts: 3,
        base: SimDuration::from_ticks(base),
        cap: SimDuration::from_ticks(cap),
        twins: 0,
        effect_tries: 0,
    }
}

proptest! {
    /// Against wide arithmetic that cannot overflow, for any numbers there are.
    #[test]
    fn the_ceiling_is_the_law(base in any::<u64>(), cap in any::<u64>(), low in 0_u32..64, n in any::<u32>()) {
        for (base, cap) in [(base, cap), (base >> low, cap), (base >> low, cap >> (low / 2))] {
            for n in [n, n % 70] {
                let wide = u128::from(base).checked_shl(n.min(64)).unwrap();
                let law = if base == 0 { 0 } else if n > 64 { u128::from(cap) } else { wide.min(u128::from(cap)) };
                prop_assert_eq!(u128::from(ceiling(&rule(base, cap), n).ticks()), law);
            }
        }
    }
}

/// Kolmogorov and Smirnov: the largest distance of the empirical law from U(0, 1) stays below 1.95 / sqrt(n) in 999
/// of 1,000 uniform samples.
fn distance(mut sample: Vec<f64>) -> f64 {
    sample.sort_by(f64::total_cmp);
    let n = sample.len() as f64;
    let gaps = sample.iter().enumerate().map(|(index, u)| {
        let (below, above) = (index as f64 / n, (index as f64 + 1.0) / n);
        (u - below).abs().max((above - u).abs())
    });
    gaps.fold(0.0, f64::max)
}

#[test]
fn jitter_is_full() {
    let most = secs(8);
    let n = 20_000_u32;
    let bound = 1.95 / f64::from(n).sqrt();
    for seed in 1..=5 {
        let by_job = |i: u32| jitter(Seed(seed), Purpose::Backoff, JobId(i), 1, most);
        let by_attempt = |i: u32| jitter(Seed(seed), Purpose::Backoff, JobId(1), u64::from(i), most);
        for draw in [&by_job as &dyn Fn(u32) -> SimDuration, &by_attempt] {
            let sample: Vec<f64> = (0..n).map(|i| draw(i).as_secs_f64() / 8.0).collect();
            let found = distance(sample);
            assert!(found < bound, "seed {seed}: {found} of {bound}");
        }
    }
}

/// A law that is not full would be found out: half-fixed jitter is far beyond the bound.
#[test]
fn the_measure_tells_half_jitter() {
    let draw = |i: u32| jitter(Seed(1), Purpose::Backoff, JobId(i), 1, secs(8)).as_secs_f64() / 8.0;
    let half: Vec<f64> = (0..20_000).map(|i| 0.5 + draw(i) / 2.0).collect();
    assert!(distance(half) > 0.4);
}

/// A thousand jobs are told to wait in the same tick. With a base of one second the mean of a window of 10 ms is 10;
/// more than 30 has a probability below 1e-6 in each of 100 windows.
#[test]
fn a_herd_is_spread() {
    let mut lanes = lane();
    (lanes.capacity, lanes.waiting, lanes.budget) = (1_000, 1_000, 1_000);
    let mut play = Play::of(setup(vec![plan(); 1_000], &placement(), lanes))
        .reply("create.1", limited(Wait::Seconds(5)));
    for job in 1..1_000 {
        play = play.reply(&format!("{job}/create.1"), limited(Wait::Seconds(5)));
    }
    let play = play.until(8_000).run();
    let mut windows = std::collections::BTreeMap::new();
    let told = SimTime::START + secs(5);
    let mut again = 0;
    for (at, action) in &play.acted {
        if matches!(action, lanebench::job::Action::Send { exchange, .. } if exchange.nth() == 2) {
            assert!(*at >= told, "{at}");
            *windows.entry(at.ticks() / 10_000).or_insert(0_u32) += 1;
            again += 1;
        }
    }
    assert_eq!(again, 1_000);
    let most = windows.values().max().unwrap();
    assert!(*most <= 30, "{most} retries within 10 ms");
}
