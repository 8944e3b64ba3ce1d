//! What must be true of a run: invariants of every run and the expectations of a scenario, judged over its trace.
//!
//! Invariants: nothing but the trace and the immutable facts of the scenario is read; what the runtime says about
//! itself is held against what the world saw; missing evidence is never a pass.

mod catalogue;
mod client;
mod expect;
mod facts;
mod invariant;
mod seen;
mod tally;

pub use catalogue::{CATALOGUE, Entry, Group, Id, Standing, find};
pub use client::{
    ClientAnswer, ClientAsk, ClientExchange, ClientFinding, ClientJudgement, ClientLog, ClientRule,
    ClientVerdict, End, Gravity, judge_client,
};
pub use expect::{Failure, expect};
pub use facts::{Ending, Facts, Replay, TaskFacts};
pub use invariant::judge;
pub use tally::{Judgement, Verdict, Violation};
