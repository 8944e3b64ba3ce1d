//! What users write, with places: texts, YAML trees, decoding with all mistakes at once.
//!
//! Bytes become a tree of nodes that know where they stand ([`read`]); [`decode`] takes values out of the tree
//! and collects every mistake in [`Diagnostics`]. Nothing here opens a file: texts come through a [`Resolver`].

pub mod decode;
mod diagnostic;
mod expect;
mod file;
mod include;
mod kinds;
mod router;
mod source;
mod yaml;

pub use diagnostic::{Diagnostic, Diagnostics, Label, Severity, nearest, quoted, quoted_list, suggest};
pub use expect::{
    Amount, ApprovalEnd, ApprovalWant, Count, EffectWant, End, GroupExpectation, GroupWant, RequestSort,
    ResultWant, TaskExpectation, ViewWant, Want, Who, YesNo,
};
pub(crate) use file::timestamp_micros;
pub use file::{
    Builtin, ChecklistLine, DeclaredFault, Ends, FaultUse, Invariants, OneShot, People, Portion, Scenario,
    ScenarioTask, ServicePlan, Setting, faults_of_header,
};
pub use include::{InMemory, IncludeError, IncludeStack, Includes, Loaded, ResolveError, Resolver, join};
pub(crate) use kinds::law;
pub use kinds::{Kind, Kinds, Product, Ready, SinkEntry, ToolEntry, ToolEntryAct, decode_kinds};
pub use router::{PolicyRouter, routed, written};
pub use source::{Place, Source, SourceId, Sources, Span, Spanned};
pub use yaml::{
    DEPTH_MAX, Entry, FILE_BYTES_MAX, Key, NODES_MAX, Node, NodeKind, Scalar, Style, TEXT_MAX, read,
};
