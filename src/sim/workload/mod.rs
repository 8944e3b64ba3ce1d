//! Workloads of comparisons: when tasks arrive.
//!
//! Invariants: arrivals never go back in time, and the same seed gives the same instants, however many are asked for.

mod arrivals;
mod replay;

pub use arrivals::{Arrivals, ArrivalsError, Instants, Phase};
pub use replay::{Blocks, ReplayError};
