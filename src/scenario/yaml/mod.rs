//! YAML with places: bytes become a tree in which every node knows where it was written.
//!
//! The notation is YAML 1.2 less what hides meaning: no tags, no merge keys, no second document, no keys but
//! words, and no key twice. Aliases are followed within a budget.
//!
//! Invariant: every span lies inside its text, and on character boundaries.

mod build;
mod bytes;
mod cause;
mod read;
mod text;
mod tree;

pub use build::{DEPTH_MAX, NODES_MAX, TEXT_MAX};
pub use bytes::FILE_BYTES_MAX;
pub use read::read;
pub(in crate::scenario) use tree::is_number;
pub use tree::{Entry, Key, Node, NodeKind, Scalar, Style};
