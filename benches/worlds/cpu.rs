//! Time on the processor: what a run costs, whoever else is on the machine.

use std::fs;
use std::time::{Duration, Instant};

/// How long `work` took `times` times: time on the processor where Linux tells it, real time elsewhere.
///
/// The kernel counts in scheduler ticks of up to four milliseconds, so this is for work that takes longer.
pub fn time_of(times: u64, mut work: impl FnMut()) -> Duration {
    let (start, on_cpu) = (Instant::now(), on_cpu());
    (0..times).for_each(|_| work());
    match (on_cpu, self::on_cpu()) {
        (Some(before), Some(after)) => after.saturating_sub(before),
        _ => start.elapsed(),
    }
}

fn on_cpu() -> Option<Duration> {
    // A thread's own figure is brought up to date when it gives way.
    std::thread::yield_now();
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}
