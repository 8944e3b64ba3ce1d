//! Lanebench: an evaluation and simulation harness for the runtime lanes of products that call an AI model.

pub mod backend;
pub mod check;
pub mod cli;
pub mod clock;
pub mod fault;
pub mod job;
pub mod mock;
pub mod people;
pub mod policy;
pub mod report;
pub mod rng;
pub mod runner;
pub mod runtime;
pub mod sabotage;
pub mod scenario;
pub mod sim;
pub mod sinks;
pub mod trace;
pub mod units;
pub mod wire;
