//! The shared rate limit.

use super::Limiter;
use crate::units::{SimDuration, SimTime};

/// A token bucket in whole ticks: every request costs `refill` ticks of credit, and time gives one tick a tick.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    cost: u64,
    cap: u64,
    credit: u64,
    seen: SimTime,
}

impl Bucket {
    /// A full bucket; there is always room for one request at least.
    pub(super) fn new(limiter: Limiter) -> Self {
        let cost = limiter.refill.ticks();
        let cap = cost.saturating_mul(u64::from(limiter.burst.max(1)));
        Self {
            cost,
            cap,
            credit: cap,
            seen: SimTime::START,
        }
    }

    /// Takes room for one request.
    ///
    /// # Errors
    /// The time until there is room.
    pub(super) fn take(&mut self, now: SimTime) -> Result<(), SimDuration> {
        let earned = now.since(self.seen).ticks();
        self.credit = self.credit.saturating_add(earned).min(self.cap);
        self.seen = now;
        match self.credit.checked_sub(self.cost) {
            Some(rest) => {
                self.credit = rest;
                Ok(())
            }
            None => Err(SimDuration::from_ticks(self.cost - self.credit)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_comes_back_continuously_and_not_beyond_the_burst() {
        let secs = SimDuration::from_secs;
        let mut bucket = Bucket::new(Limiter {
            burst: 2,
            refill: secs(10),
        });
        let mut take = |at| bucket.take(SimTime::START + secs(at));
        assert_eq!([take(0), take(0), take(0)], [Ok(()), Ok(()), Err(secs(10))]);
        assert_eq!(
            [take(4), take(10), take(10)],
            [Err(secs(6)), Ok(()), Err(secs(10))]
        );
        assert_eq!([take(99), take(99), take(99)], [Ok(()), Ok(()), Err(secs(10))]);
    }
}
