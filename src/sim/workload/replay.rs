//! Arrivals out of a trace, as they were and resampled.

use crate::rng::{Purpose, Seed};
use crate::units::{SimDuration, SimTime};

/// A trace, cut into blocks of equal length: replayed, or drawn from block by block.
///
/// Blocks keep what happens within them, such as bursts; what goes on for longer than a block is lost.
///
/// Source: Künsch, "The jackknife and the bootstrap for general stationary observations" (1989).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocks {
    length: SimDuration,
    /// The rows of each block: the instant within it, and the place in the trace.
    blocks: Vec<Vec<(SimDuration, usize)>>,
}

/// Why a trace cannot be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// Nothing to replay.
    #[error("the trace has no row")]
    Empty,
    /// Rows are not in order.
    #[error("row {0} of the trace is earlier than the row before it")]
    Order(usize),
    /// A block has a length.
    #[error("a block has to be longer than zero")]
    Length,
    /// There is nothing to draw from.
    #[error("the trace is shorter than two blocks, so nothing can be drawn from it")]
    Short,
}

impl Blocks {
    /// Cuts a trace; what is left behind the last whole block is not drawn from.
    ///
    /// # Errors
    /// [`ReplayError`] names what is wrong.
    pub fn new(trace: &[SimTime], length: SimDuration) -> Result<Self, ReplayError> {
        let (Some(first), Some(last)) = (trace.first(), trace.last()) else {
            return Err(ReplayError::Empty);
        };
        if length.is_zero() {
            return Err(ReplayError::Length);
        }
        if let Some(place) = trace.windows(2).position(|pair| pair[1] < pair[0]) {
            return Err(ReplayError::Order(place + 2));
        }
        let whole = last.since(*first).ticks() / length.ticks();
        if whole < 2 {
            return Err(ReplayError::Short);
        }
        let mut blocks = vec![Vec::new(); usize::try_from(whole).unwrap_or(usize::MAX)];
        for (place, at) in trace.iter().enumerate() {
            let gone = at.since(*first).ticks();
            let block = usize::try_from(gone / length.ticks()).unwrap_or(usize::MAX);
            if let Some(block) = blocks.get_mut(block) {
                block.push((SimDuration::from_ticks(gone % length.ticks()), place));
            }
        }
        Ok(Self { length, blocks })
    }

    /// Blocks drawn with return until `until`: when each row arrives, and which row it was.
    pub fn drawn(&self, seed: Seed, until: SimTime) -> impl Iterator<Item = (SimTime, usize)> + '_ {
        let blocks = (0_u64..).map_while(move |number| {
            let starts = SimTime::START + self.length.saturating_mul(number);
            (starts < until).then_some((number, starts))
        });
        let rows = blocks.flat_map(move |(number, starts)| {
            let bits = u128::from(seed.bits(Purpose::Arrival, number, 2));
            // The high half of a product is uniform below the number of blocks, but for one part in 2^64.
            let place = usize::try_from((bits * self.blocks.len() as u128) >> 64).unwrap_or(0);
            let rows = self.blocks[place].iter();
            rows.map(move |(within, row)| (starts + *within, *row))
        });
        rows.take_while(move |(at, _)| *at < until)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn at(secs: u64) -> SimTime {
        SimTime::START + SimDuration::from_secs(secs)
    }

    #[test]
    fn blocks_are_drawn_whole_and_evenly() {
        // Block k has k + 1 rows; the last row is behind the last whole block.
        let trace = [5, 15, 16, 25, 26, 27, 36].map(at);
        let blocks = Blocks::new(&trace, SimDuration::from_secs(10)).unwrap();
        let drawn: Vec<_> = blocks.drawn(Seed(3), at(30_000)).collect();
        assert!(drawn.is_sorted_by_key(|(instant, _)| *instant));
        assert!(drawn.iter().all(|(_, row)| *row < 6));
        for row in 0..6 {
            let count = drawn.iter().filter(|(_, one)| *one == row).count();
            // 3,000 draws of 3 blocks: 1,000 each, with 4.5 standard deviations of 26.
            assert!((884..1_116).contains(&count), "row {row}: {count}");
        }
        let again: Vec<_> = blocks.drawn(Seed(3), at(30_000)).collect();
        assert_eq!(drawn, again);
    }

    #[test]
    fn what_cannot_be_cut_is_refused() {
        let second = SimDuration::from_secs(1);
        assert_eq!(Blocks::new(&[], second), Err(ReplayError::Empty));
        assert_eq!(Blocks::new(&[at(2), at(1)], second), Err(ReplayError::Order(2)));
        assert_eq!(
            Blocks::new(&[at(1), at(2)], SimDuration::ZERO),
            Err(ReplayError::Length)
        );
        assert_eq!(Blocks::new(&[at(1), at(2)], second), Err(ReplayError::Short));
    }
}
