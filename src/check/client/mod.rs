//! The verdict on a client: how it behaved towards the service, judged over what the server saw of it.
//!
//! Invariants: nothing but the exchanges and the instant of the question is read; a rule that nothing put to the
//! test is not exercised, never held; every finding names the requests that show it.

mod exchange;
mod judge;
mod log;
mod rule;

pub use exchange::{ClientAnswer, ClientAsk, ClientExchange, End};
pub use judge::{ClientFinding, ClientJudgement, ClientVerdict, judge_client};
pub use log::ClientLog;
pub use rule::{ClientRule, Gravity};
