//! Plays scenarios in a world, proves policies and plays comparisons on all cores.

mod compare;
mod http_world;
mod oracles;
mod play;
mod program;
mod prove;
mod suite;
mod threads;

pub use compare::{play_comparison, play_places, settle};
pub use http_world::{Link, WorldError, play_over_http};
pub use oracles::{cover_oracles, survey_oracles};
pub use play::{World, blueprint, blueprint_behind, play};
pub use program::{PROTOCOL, ProgramError, Programs, ask_again, launch};
pub use prove::{enumerate, prove_policy};
pub use suite::{Loaded, SuiteOptions, facts, play_suite, replay};
pub(crate) use threads::in_order;
