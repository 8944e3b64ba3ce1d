//! The expectations of a scenario, judged over the trace of a run.

mod judge;
mod story;
mod wish;

pub use judge::{Failure, expect};
