//! When jobs wake.

use crate::units::{Firsts, JobId, SimTime};

/// A queue of jobs in the order (instant, job); an instant can be changed.
///
/// Invariant: a job is awaited once at most, under the instant that counts now.
#[derive(Debug, Clone, Default)]
pub struct Wakes {
    firsts: Firsts,
}

impl Wakes {
    /// A queue in which nobody waits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// When somebody wakes first; never, if nobody waits.
    #[inline]
    #[must_use]
    pub const fn next(&self) -> SimTime {
        instant(self.firsts.first())
    }

    /// Who wakes first, when, and its place; of several at one instant, the one with the lowest number.
    #[inline]
    #[must_use]
    pub fn first(&self) -> Option<(SimTime, JobId, u32)> {
        let key = self.firsts.first();
        (key != Firsts::NOTHING).then(|| (instant(key), job(key), place(key)))
    }

    /// Asks for the memory that setting this place takes.
    #[inline]
    pub fn prefetch(&self, place: u32) {
        self.firsts.prefetch(place);
    }

    /// Lets the job of this place wake at an instant, instead of the one before; never, if that is the instant.
    ///
    /// - `place`: where it stands as long as it is there; places are used again, so that there are no more of them than
    ///   jobs at once.
    #[inline]
    pub fn set(&mut self, place: u32, id: JobId, at: SimTime) {
        let key = match at {
            SimTime::NEVER => Firsts::NOTHING,
            at => (u128::from(at.ticks()) << 64) | (u128::from(id.0) << 32) | u128::from(place),
        };
        self.firsts.set(place, key);
    }
}

const fn instant(key: u128) -> SimTime {
    SimTime::from_ticks((key >> 64) as u64)
}

#[expect(clippy::cast_possible_truncation, reason = "the 32 bits of the job")]
const fn job(key: u128) -> JobId {
    JobId((key >> 32) as u32)
}

#[expect(clippy::cast_possible_truncation, reason = "the lowest 32 bits")]
const fn place(key: u128) -> u32 {
    key as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_at_one_instant_the_lower_number_wakes_first() {
        let mut wakes = Wakes::new();
        let at = SimTime::from_ticks;
        assert_eq!((wakes.next(), wakes.first()), (SimTime::NEVER, None));
        wakes.set(0, JobId(7), at(5));
        wakes.set(9, JobId(3), at(5));
        wakes.set(2, JobId(1), at(6));
        assert_eq!(wakes.first(), Some((at(5), JobId(3), 9)));
        wakes.set(9, JobId(3), at(7));
        assert_eq!(wakes.first(), Some((at(5), JobId(7), 0)));
        wakes.set(0, JobId(7), SimTime::NEVER);
        assert_eq!((wakes.next(), wakes.first()), (at(6), Some((at(6), JobId(1), 2))));
    }
}
