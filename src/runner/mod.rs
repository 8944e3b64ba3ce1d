//! Plays scenarios in a world.

mod http_world;
mod play;
mod suite;

pub use http_world::{Link, WorldError, play_over_http};
pub use play::{World, blueprint, blueprint_behind, play};
pub(crate) use suite::in_order;
pub use suite::{Loaded, SuiteOptions, facts, play_suite, replay};
