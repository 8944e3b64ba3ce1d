//! The decision space of one policy, or of two side by side: every attribute an axis, every value that could matter a
//! point on it, and the answers of a policy as sets of cells.
//!
//! - [`Space`] numbers the cells and turns a cell into a task.
//! - [`Algebra`] is what can be done with sets of cells; [`Diagrams`] does it symbolically, over any number of cells,
//!   [`Bitmaps`] by one bit for each cell of a block.
//! - [`Table`] is a policy read over a whole space with either of them.
//!
//! Invariant: a cell stands for every task that its policies cannot tell from it, so what holds on all cells holds for
//! all tasks.

mod algebra;
mod axis;
mod bitmaps;
mod cell;
mod diagrams;
mod eyes;
mod reach;
mod table;

pub use algebra::{Algebra, Pair};
pub(super) use axis::is_read;
pub use axis::{Axis, AxisValue};
pub use bitmaps::{Bitmaps, Bits};
pub use cell::Cell;
pub use diagrams::{Diagrams, Set};
pub use eyes::{Eyes, Pin};
pub use reach::{Reach, Space};
pub use table::{Classes, Table};
