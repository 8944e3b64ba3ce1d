//! What changes between two policies: every changed cell, exactly, grouped by its old and its new answer.
//!
//! Invariants: a cell stands in at most one group; the witness of a group gets from both policies what the group says;
//! a loosened boundary is waived only where an entry of the waiver covers loosened cells and nothing else.

mod compare;
mod date;
mod direction;
mod waiver;

pub use compare::{Absent, Group, PolicyDiff, RulePair, TooLarge, Workload};
pub use date::{Date, DateError};
pub use direction::{Answer, Direction, Going};
pub use waiver::{Waiver, WaiverEntry, WaiverVerdict, decode_waiver};
