//! HTTP around the backend core: routes, event streams, byte-level faults.
//!
//! Invariants: the server decides nothing. What a request asks goes to the backend core as of the tick in which it
//! had arrived whole, what the core answers leaves in the tick behind its step, and a client that goes away is
//! reported, not judged. There is no time-out, no retry and no chance of its own; the same bytes come over TCP and
//! over a connection in memory.

mod awake;
mod body;
mod book;
mod control;
mod front;
mod heads;
mod metrics;
mod paths;
mod pipe;
mod rendering;
mod reply;
mod request_log;
mod routes;
mod script;
mod server;
mod session;
mod side;
mod slow;
mod stock;
mod stream;
mod webhook;

pub use front::{Front, FrontOptions, SESSION_HEADER, SessionVerdict};
pub use paths::operations;
pub use pipe::{Pipe, Transport, pipe};
pub use request_log::{RequestLog, SeenRequest};
pub use routes::{BODY_MAX, EXCHANGE_HEADER, FAULT_HEADER, HINT_HEADER};
pub use server::{Carrier, Mock, MockDriver, MockOptions, accept};
pub use session::LineSink;
pub use webhook::{ByteStream, Dial, Dialling, WebhookTarget, WebhookUrlError};
