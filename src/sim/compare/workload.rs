//! The tasks of a replication: when they arrive, and of which sort they are.

use crate::rng::{Purpose, Seed};
use crate::sim::workload::Arrivals;
use crate::units::{Probability, SimTime};

/// Where tasks come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// They arrive by a law, and chance says of which sort each of them is.
    Law(Arrivals),
}

impl Source {
    /// The instants until `until`, with the sort of each task; at most `most` of them.
    #[must_use]
    pub fn tasks(
        &self,
        shares: &[Probability],
        seed: Seed,
        until: SimTime,
        most: usize,
    ) -> Vec<(SimTime, u32)> {
        match self {
            Self::Law(arrivals) => {
                let instants = arrivals.instants(seed).take_while(|at| *at < until).take(most);
                let numbered = instants.zip(0_u64..);
                numbered
                    .map(|(at, number)| (at, sort(shares, seed.unit(Purpose::Mix, number, 0))))
                    .collect()
            }
        }
    }
}

/// The sort at a place of the mix.
fn sort(shares: &[Probability], u: f64) -> u32 {
    let mut left = u * 1e6;
    for (share, place) in shares.iter().zip(0_u32..) {
        left -= f64::from(share.millionths());
        if left < 0.0 {
            return place;
        }
    }
    // What rounding left over belongs to the last sort.
    u32::try_from(shares.len().saturating_sub(1)).unwrap_or(0)
}
