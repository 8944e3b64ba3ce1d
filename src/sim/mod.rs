//! The event queue and the model world: the cores joined without any transport; and comparisons of strategies in it.

pub mod compare;
pub mod laws;
pub mod metric;
mod model;
pub mod oracle;
mod parts;
mod seams;
mod source;
pub mod stats;
pub mod strategy;
pub mod workload;

pub use model::{Model, Played, Watch, refused};
pub use parts::{Blueprint, Caps, Ending, Recording};
pub use seams::{Honest, Seams};
pub use source::{Arrival, TaskSource};
