//! Workloads of comparisons: when tasks arrive, out of laws and out of traces.
//!
//! Invariants: arrivals never go back in time, and the same seed gives the same instants, however many are asked for.

mod arrivals;
mod feed;
mod replay;
mod servegen;
pub mod trace;

pub use arrivals::{Arrivals, ArrivalsError, Instants, Phase};
pub use feed::{Feed, Replay, Request, TokenSpeed};
pub use replay::{Blocks, ReplayError};
pub use servegen::{Client, Drawn};
