//! Drives the job core: HTTP client, stream reader, webhook receiver, store.
//!
//! Invariant: a transport decides nothing. It has no retry, no time-out, no idle policy and no jitter; it carries one
//! exchange as it is told and reports what came back, at the instant at which the bytes were parsed.

mod client;
mod client_reply;
mod client_request;
mod dial;
mod driver;
mod journal;
mod office;
mod pool;
mod stream;
mod webhook;

pub use client::{Client, Fact, Inbox, Limits};
pub use client_request::{EXCHANGE_HEADER, Service, ServiceError};
pub use dial::{Admission, Channel, Dial, Dialling, Stream, TcpDial};
pub use driver::{Results, Runtime, RuntimeDriver, Surroundings};
pub use journal::{Journal, MemoryJournal, NoJournal};
pub use office::{Arrival, Departure, Office};
pub use stream::EventReader;
pub use webhook::{Receiver, SEND_HEADER, Webhook, WebhookCall};
