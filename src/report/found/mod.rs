//! What an analysis of policies found, as plain data, and the formats it is written in.
//!
//! Invariant: no format loses a finding, and what a policy or a table says cannot break out of its place in one.

mod data;
mod github;
mod json;
mod junit;
mod kind;
mod markdown;
mod sarif;
mod text;

pub use data::{Analysis, Found, FoundPlace, Gravity, LookedFor};
pub use github::found_github;
pub use json::found_json;
pub use junit::found_junit;
pub use kind::{FoundKind, FoundKindError, FoundRequest};
pub use markdown::found_markdown;
pub(super) use markdown::{code, escaped, fenced};
pub use sarif::found_sarif;
pub use text::found_text;
