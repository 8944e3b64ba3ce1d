//! Chance: every draw is a function of (seed, purpose, entity, index), never of the order of draws.
//!
//! So strategies are compared on the same luck, and a new draw changes nothing elsewhere. Distributions go by
//! inverse CDF (one draw a value, monotone in the draw); mathematics comes from `libm`, so that the bytes do
//! not depend on the platform (verified on x86-64 Linux).

mod draw;
mod law;

pub use draw::{Purpose, Seed, exponential, name_key, uniform};
pub use law::{Law, LawError, normal_quantile};
