//! Closed forms of queueing theory: what a simulated queue has to agree with.
//!
//! Rates are per unit of time, times in the same unit. Every formula is of the steady state, and a queue that never
//! settles has none.

mod cases;
mod closed;
mod cover;
mod line;
mod measure;
mod patience;
mod station;
mod survey;

pub use cases::{Case, all, further, published};
pub use closed::{Queue, bulk, cobham, erlang_b, erlang_c, mg1, mmc, mmc_wait_above};
pub use cover::{Covered, MISSED_MAX, MISSED_ONE_IN, all_cover, coverage};
pub use line::{Line, Visit, by_class};
pub use measure::{Customer, Effort, Fate, Measured, Quantity, Run};
pub use patience::{Impatient, erlang_a, mmck, retrial};
pub use station::{Class, Returns, Servers, Station, UNIT, lognormal};
pub use survey::{Reach, Surveyed, Z_MAX};
