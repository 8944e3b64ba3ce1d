//! The checks: every invariant held, not exercised and violated, over runs of the model world.

mod catalogue;
mod honest;
mod world;
