//! Where effects land, and function tools: pure behaviour and ledger.
//!
//! Invariants: nothing lands that the [`gate`] does not let through; the sinks hear for themselves what people decide,
//! and believe nobody about it; the gate is asked at the very instant of
//! landing, about the digest that the sink itself computes of what it would execute; the ledger only grows, and it
//! is the truth about effects.

mod disturb;
mod gate;
mod ledger;
mod question;
mod sink;
mod tool;

pub(crate) use disturb::Luck;
pub use gate::{Asked, Gate, Knock, Leave, Refusal, gate};
pub use ledger::{Ledger, Row};
pub(crate) use question::{Answered, Question};
pub(crate) use sink::Effort;
pub use sink::{SinkSpec, Sinks};
pub use tool::ToolSpec;
pub(crate) use tool::{ToolRun, Tools};
