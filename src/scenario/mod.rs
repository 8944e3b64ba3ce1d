//! What users write, with places: texts, YAML trees, decoding with all mistakes at once.
//!
//! Bytes become a tree of nodes that know where they stand ([`read`]); [`decode`] takes values out of the tree
//! and collects every mistake in [`Diagnostics`]. Nothing here opens a file: texts come through a [`Resolver`].

pub mod decode;
mod diagnostic;
mod source;
mod yaml;

pub use diagnostic::{Diagnostic, Diagnostics, Label, Severity, nearest, quoted, quoted_list, suggest};
pub use source::{
    InMemory, IncludeError, IncludeStack, Loaded, Place, ResolveError, Resolver, Source, SourceId, Sources,
    Span, Spanned, join,
};
pub use yaml::{
    DEPTH_MAX, Entry, FILE_BYTES_MAX, Key, NODES_MAX, Node, NodeKind, Scalar, Style, TEXT_MAX, read,
};
