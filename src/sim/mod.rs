//! The event queue and the model world: the cores joined without any transport.

mod model;
pub mod oracle;
mod parts;
mod seams;
pub mod stats;
pub mod workload;

pub use model::{Model, Played, refused};
pub use parts::{Blueprint, Caps, Ending, Recording};
pub use seams::{Honest, Seams};
