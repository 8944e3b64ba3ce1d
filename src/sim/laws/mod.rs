//! Laws that need no model of the world: what has to hold of every run, however it was loaded.
//!
//! A [`Ledger`] reads the records of a run as they are made and keeps a few numbers for each job. Its books are kept
//! twice where the run says a thing twice: how full a lane is comes from the lane's own notes, how long jobs waited and
//! held a place from the moves of the jobs, and Little's law holds one against the other to the tick.

mod account;
mod ledger;
mod monotony;

pub use account::{Account, Exit};
pub use ledger::{Breach, Law, Ledger, Rules, monotony};
pub use monotony::{Monotony, SideBySide};
