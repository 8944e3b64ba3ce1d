//! `kinds.yaml`: the registry of kinds, with the sinks and tools of the product.
//!
//! A kind can be three lines, since everything has a default (`defaults.rs`); the keys stand in the tables of the
//! parts: the registry, the plan, scripts, and the product. Tasks of scenarios may change whatever a kind says.

pub(in crate::scenario) mod defaults;
mod plan;
mod product;
mod registry;
mod script;
mod tools;
pub(in crate::scenario) mod value;
mod words;

pub(in crate::scenario) use plan::Work;
pub(in crate::scenario) use product::Whole;
pub use product::{Product, SinkEntry, ToolEntry, ToolEntryAct};
pub use registry::{Kind, Kinds, Ready, decode_kinds};
pub(in crate::scenario) use script::{ScriptDraft, script};
pub(crate) use value::law;
