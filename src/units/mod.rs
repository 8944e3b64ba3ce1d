//! Time, durations, identities, tokens, money and probabilities: plain data without behaviour; what comes first of many
//! things, how far ahead a queue over time looks, what memory is asked for before it is needed,
//! how values are written where they stay, and digits.
//!
//! Invariant: time is a whole number of ticks of one microsecond since the start of the run.

mod amount;
mod firsts;
mod hex;
mod horizon;
mod id;
mod prefetch;
mod push_with;
mod time;
mod window;

pub use amount::{Probability, ProbabilityError};
pub(crate) use firsts::Firsts;
pub(crate) use hex::{hex, hex_digits};
pub(crate) use horizon::horizon;
pub use id::{AttemptNo, Exchange, ExchangeError, ExchangeKind, JobId, TurnNo};
pub(crate) use prefetch::prefetch;
pub(crate) use push_with::push_with;
pub use time::{DurationError, SimDuration, SimTime};
pub(crate) use window::Window;
