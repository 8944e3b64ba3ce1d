//! Closed forms of queueing theory: what a simulated queue has to agree with.
//!
//! Rates are per unit of time, times in the same unit. Every formula is of the steady state, and a queue that never
//! settles has none.

mod closed;
mod patience;

pub use closed::{Queue, cobham, erlang_b, erlang_c, mg1, mmc, mmc_wait_above};
pub use patience::{Impatient, erlang_a, mmck};
