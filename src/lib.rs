//! Lanebench: an evaluation and simulation harness for the runtime lanes of products that call an AI model.

pub mod policy;
pub mod scenario;
pub mod units;
pub mod wire;
