//! The command line: one file per command; arguments, rendering, exit codes.
//!
//! Invariant: data go to stdout, messages to stderr, and a closed stream is no panic.

mod check;
mod columns;
mod command;
mod compare;
mod diff;
mod exit;
mod files;
mod invariants;
mod oracles;
mod output;
mod part;
mod policies;
mod prove;
mod reports;
mod route;
mod run;
mod schema;
mod serve;
mod serve_log;
mod shard;
mod write_tests;

pub use command::main;
pub use exit::Exit;
