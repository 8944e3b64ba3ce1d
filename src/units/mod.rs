//! Time, durations, identities, tokens, money and probabilities: plain data without behaviour.
//!
//! Invariant: time is a whole number of ticks of one microsecond since the start of the run.

mod amount;
mod id;
mod time;

pub use amount::{Probability, ProbabilityError};
pub use id::{AttemptNo, Exchange, ExchangeError, ExchangeKind, JobId, TurnNo};
pub use time::{DurationError, SimDuration, SimTime};
