//! What a single number does not say of a run: how its waits are spread, and how it went over time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::units::{SimDuration, SimTime};

/// Bins for each doubling of a length, as a power of two: none is wider than a 64th of what lies in it.
const BITS: u32 = 6;
/// The slots of a course while tasks arrive.
pub const SLOTS: usize = 24;

/// How lengths of time are spread: counts in bins that are narrow beside what lies in them, and exact at their edges.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    bins: BTreeMap<u32, u64>,
    without: u64,
}

impl Spread {
    /// Counts a length; none is one without end.
    pub fn add(&mut self, length: Option<SimDuration>) {
        match length {
            Some(length) => *self.bins.entry(bin(length.ticks())).or_default() += 1,
            None => self.without += 1,
        }
    }

    /// Counts everything that another one has counted.
    pub fn merge(&mut self, other: &Self) {
        for (bin, count) in &other.bins {
            *self.bins.entry(*bin).or_default() += count;
        }
        self.without += other.without;
    }

    /// Everything counted, with or without end.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.bins.values().sum::<u64>() + self.without
    }

    /// How many have no end.
    #[must_use]
    pub const fn without(&self) -> u64 {
        self.without
    }

    /// The longest length of each bin with something in it, and how many lie in the bin, from short to long.
    pub fn bins(&self) -> impl Iterator<Item = (SimDuration, u64)> + '_ {
        self.bins.iter().map(|(bin, count)| (longest(*bin), *count))
    }

    /// The length that at least this share of everything counted does not exceed, up to the width of a bin; none where
    /// too many have no end.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<SimDuration> {
        let wanted = share * self.count() as f64;
        let mut seen = 0;
        let mut bins = self.bins();
        bins.find_map(|(edge, count)| {
            seen += count;
            (seen as f64 >= wanted).then_some(edge)
        })
    }
}

/// The bin of a length, in ticks.
fn bin(ticks: u64) -> u32 {
    let width = u64::BITS - ticks.leading_zeros();
    let shift = width.saturating_sub(BITS + 1);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "what is left of a shifted length has seven bits at most"
    )]
    let place = (ticks >> shift) as u32;
    (shift << BITS) + place
}

/// The longest length in a bin.
fn longest(bin: u32) -> SimDuration {
    let shift = (bin >> BITS).saturating_sub(1);
    let place = u128::from(bin - (shift << BITS));
    let end = ((place + 1) << shift) - 1;
    SimDuration::from_ticks(u64::try_from(end).unwrap_or(u64::MAX))
}

/// What happened in a slot of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Tasks submitted.
    pub submitted: u64,
    /// Those of them whose user left before the end and got nothing.
    pub forsaken: u64,
    /// Approval requests put before a person.
    pub asked: u64,
}

/// How a run went: [`SLOTS`] slots of equal length while tasks arrive, warm-up and all, and one for everything behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// The slots.
    pub slots: Vec<Slot>,
}

impl Default for Course {
    fn default() -> Self {
        Self {
            slots: vec![Slot::default(); SLOTS + 1],
        }
    }
}

impl Course {
    /// The slot of an instant, where tasks arrive until `until`.
    pub fn at(&mut self, at: SimTime, until: SimTime) -> &mut Slot {
        let place = u128::from(at.ticks()) * SLOTS as u128 / u128::from(until.ticks().max(1));
        let place = usize::try_from(place).unwrap_or(SLOTS).min(SLOTS);
        &mut self.slots[place]
    }

    /// Counts everything that another one has counted.
    pub fn merge(&mut self, other: &Self) {
        for (slot, more) in self.slots.iter_mut().zip(&other.slots) {
            slot.submitted += more.submitted;
            slot.forsaken += more.forsaken;
            slot.asked += more.asked;
        }
    }
}

/// What a single number does not say of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shapes {
    /// The waits of `live_wait`, of any length; without end where nothing was shown before the user left.
    pub live_waits: Spread,
    /// The times of `result_time`, of any length; without end where there was no result for the user.
    pub result_times: Spread,
    /// How it went over time.
    pub course: Course,
}

impl Shapes {
    /// Counts everything that another one has counted.
    pub fn merge(&mut self, other: &Self) {
        self.live_waits.merge(&other.live_waits);
        self.result_times.merge(&other.result_times);
        self.course.merge(&other.course);
    }
}

#[cfg(test)]
mod tests {
    use super::{Spread, bin, longest};
    use crate::units::SimDuration;

    #[test]
    fn bins_follow_each_other_and_are_narrow() {
        let mut from = 0_u64;
        for number in 0..3_000 {
            let to = longest(number).ticks();
            assert_eq!((bin(from), bin(to)), (number, number));
            assert!((to - from) * 64 <= from, "{from}..{to}");
            let Some(next) = to.checked_add(1) else { break };
            from = next;
        }
        assert_eq!(longest(bin(u64::MAX)).ticks(), u64::MAX);
    }

    #[test]
    fn what_has_no_end_stays_below_the_line() {
        let mut spread = Spread::default();
        for ticks in [10, 20, 30] {
            spread.add(Some(SimDuration::from_ticks(ticks)));
        }
        spread.add(None);
        let quantile = |share| spread.quantile(share).map(SimDuration::ticks);
        assert_eq!(
            [quantile(0.5), quantile(0.75), quantile(0.76)],
            [Some(20), Some(30), None]
        );
        let mut both = spread.clone();
        both.merge(&spread);
        assert_eq!((both.count(), both.without(), both.bins().count()), (8, 2, 3));
    }
}
