//! The invariants, group by group, in one pass over the trace.

mod approval;
mod boundary;
mod cancellation;
mod completion;
mod delivery;
mod durability;
mod judge;
mod retry;
mod retry_law;
mod routing;
mod status;
mod surface;
mod timeout;
mod visibility;

pub use judge::judge;
