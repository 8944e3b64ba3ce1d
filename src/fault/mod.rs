//! Fault rules: what disturbs an exchange, a response, a webhook, a tool or a sink, and when.
//!
//! Invariant: a verdict depends on the rules, the seed, the key of what is disturbed and the instant, on nothing
//! else; so the mock server and the event loop disturb alike, and strategies meet the same misfortune.

mod near;
mod plan;
mod rule;

pub use near::Near;
pub use plan::{FaultPlan, INJECTED_MAX, Struck};
pub use rule::{Fault, FaultRule, HeaderMatch, Place, Probe, Select, Share, Target};
