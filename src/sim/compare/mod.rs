//! Comparisons: strategies side by side on the same tasks and the same luck, and how sure the difference is.
//!
//! ```text
//! comparison.yaml -> Comparison -> stage(seed) -> play(strategy) -> Outcome -.
//!                                  (the tasks of a replication)              +-> Study -> Findings -> a report
//! ```
//!
//! Invariants: a replication is a function of its seed; all strategies meet the same tasks in it, with the same ids,
//! instants, lengths, users and approvers; what is said about the study is a function of the replications in the order
//! of their seeds.

mod conclusion;
mod feed;
mod file;
mod findings;
mod foresight;
mod part;
mod pilot;
mod plan;
mod regret;
mod relief;
mod stage;
mod strategies;
mod study;
mod sweep;
mod table;
mod workload;

pub use conclusion::Conclusion;
pub use findings::{
    Best, Cell, Contrast, Control, Findings, GateFinding, GateVerdict, OffPolicy, RegretFinding, Standing,
    Verdict,
};
pub use part::{Kept, PartError};
pub use pilot::{Cut, StrategyCut, WarmUp};
pub use plan::{Comparison, Gate, GateBound, Named, Repeats};
pub use regret::Regret;
pub use relief::Relief;
pub use stage::{Held, Outcome, Stage};
pub use study::{Replication, Study};
pub use sweep::{Scale, Sweep, Value, Varied};
pub use table::{Parameter, STRATEGIES, Sees, StrategyRow};
pub use workload::{Arrival, Assign, Source, Taken};
