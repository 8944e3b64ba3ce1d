//! The backend core: the Responses service without any transport.
//!
//! Invariants: it is told the time and what arrived and answers what leaves; the inputs of a tick are stepped in
//! canonical order; ids and contents derive from keys, never from counters, so that nothing depends on the order
//! in which strangers to each other arrive.

mod message;
mod script;

pub use message::{Auth, CallKey, ConnectionNo, Face, Genuine, Input, Output, WebhookSend};
pub use script::{Limiter, Profile, Script, Step, StepWork};
