//! What is measured of a run: where every task ends up, and the metrics, with frozen definitions.
//!
//! Invariants: every task that counts lies in exactly one bucket; a metric is a function of what the tasks are and of
//! what happened to them, never of the lane that a strategy calls them by; a task that got nothing counts as the worst,
//! so that nothing is gained by dropping, delaying or hiding it.

mod bucket;
mod looks;
mod measure;
mod shape;
mod story;
mod table;

pub use bucket::{Bucket, bucket_of};
pub use measure::{Crowd, Measures, Measuring, Who, Window, measure};
pub use shape::{Course, SLOTS, Shapes, Slot, Spread};
pub use story::{Price, Prices, SortFacts, Stories, Story, Targets};
pub use table::{Metric, Unit};
