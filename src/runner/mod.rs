//! Plays scenarios in a world.

mod http_world;
mod play;

pub use http_world::{Link, WorldError, play_over_http};
pub use play::{World, blueprint, blueprint_behind, play};
