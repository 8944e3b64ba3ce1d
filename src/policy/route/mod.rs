//! Routes tables of tasks: a decision a row, at any size, and why a task goes where it goes.
//!
//! Invariants: memory does not grow with the number of rows; a row gets the decision that [`Policy::decide`]
//! gives its task, whether it was seen before or not; a broken row is reported and takes no other row with it.
//!
//! [`Policy::decide`]: super::Policy::decide

mod cells;
mod census;
mod columns;
mod flip;
mod table;
mod tail;

pub use census::{Census, Count, LaneCounts};
pub use columns::{ColumnPlan, common_plans};
pub use flip::{Change, Elsewhere, Flip, Flips};
pub use table::{Next, Row, Table};
