//! Deliberately wrong variants, each wrapped around a public seam, to show that a check can fail.
//!
//! Mock servers that break one statement of the contract stand in [`contract`].
//!
//! A sabotage says which invariant has to fire first; the honest run with the same seed must not break it. Nothing
//! outside this module knows of any of them.

mod approval;
mod cancellation;
mod completion;
pub mod contract;
pub mod engine;
mod list;
mod prove;
mod records;
mod retry;
mod router;
mod routing;
mod saboteur;
mod status;
mod timeout;
mod traffic;
mod visibility;

pub use list::{Sabotage, find, sabotages};
pub use prove::{Proof, Proven, Trial, prove};
pub use saboteur::Saboteur;
