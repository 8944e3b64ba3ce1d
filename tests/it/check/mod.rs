//! The checks: every invariant held, not exercised and violated, over runs of the model world.

mod catalogue;
mod expect;
mod honest;
mod sabotage;
mod world;
