//! Plays scenarios in a world, and proves policies on all cores.

mod http_world;
mod play;
mod prove;
mod suite;

pub use http_world::{Link, WorldError, play_over_http};
pub use play::{World, blueprint, blueprint_behind, play};
pub use prove::{enumerate, prove_policy};
pub(crate) use suite::in_order;
pub use suite::{Loaded, SuiteOptions, facts, play_suite, replay};
