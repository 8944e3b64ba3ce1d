//! Strategies: what a comparison puts side by side.
//!
//! Invariants: a strategy sees what is declared about a task and what the runtime knows about its lanes, never what
//! will happen; the one that is shown the future is marked as an oracle. The boundary of a built-in strategy is that of
//! the comparison's policy or a stricter one.

mod bandit;
mod builtin;
mod drawn;
mod risk;
mod router;
mod seam;

pub use bandit::Bandit;
pub use builtin::Builtin;
pub use drawn::{Drawn, inverse_propensity, mean_reward};
pub use risk::RiskTiers;
pub use router::{SortRoutes, StrategyRouter, TaskFacts};
pub use seam::{Choice, Heard, Sight, Strategy};
