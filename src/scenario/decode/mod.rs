//! Takes values out of a tree and collects every mistake on the way.
//!
//! A decoder is a function from a node to `Some(value)`, or `None` if it has reported why not; so a part that
//! is broken is never reported twice, and the parts beside it are still read. Ask for everything first and use
//! `?` last:
//!
//! ```
//! use lanebench::scenario::decode::{duration, map, string};
//! use lanebench::scenario::{Diagnostics, Node, Sources, read};
//! use lanebench::units::SimDuration;
//!
//! struct Task { id: String, at: SimDuration }
//!
//! fn task(node: &Node, out: &mut Diagnostics) -> Option<Task> {
//!     let mut map = map(node, out)?;
//!     let id = map.required("id", string);
//!     let at = map.or("at", SimDuration::ZERO, duration);
//!     map.finish();
//!     Some(Task { id: id?, at: at? })
//! }
//!
//! let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
//! let tree = read(&mut sources, "task.yaml", b"id: report\nat: 5s\n", &mut out);
//! let task = tree.and_then(|node| task(&node, &mut out));
//! assert!(task.is_some_and(|task| task.id == "report" && task.at == SimDuration::from_secs(5)));
//! assert!(out.is_empty());
//! ```

mod collection;
mod map;
mod number;
mod scalar;
#[cfg(test)]
mod tests;
mod variant;

pub use collection::{keyed, list, list_or_one, non_empty, spanned};
pub use map::{MapReader, map};
pub use number::{decimal, duration, integer, probability, quantity, range};
pub use scalar::{boolean, mismatch, parsed, scalar, string, three_valued, word, words};
pub use variant::{Variant, variant};
