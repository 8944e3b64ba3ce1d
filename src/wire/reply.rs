//! What comes back on an exchange, and how an exchange can break.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Response, ResponseId};

/// How long a reply asks the client to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// `retry-after-ms`; wins over the others.
    Millis(u64),
    /// `retry-after` in seconds.
    Seconds(u64),
    /// `retry-after` as a date, in Unix seconds.
    Date(u64),
}

/// An error reply: the body of the contract, as far as it could be read, and the headers that matter.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ApiError {
    /// The HTTP status.
    pub http: u16,
    /// `error.type`; empty if the body was not the contract's.
    pub kind: Arc<str>,
    /// `error.code`.
    pub code: Option<Arc<str>>,
    /// `error.param`.
    pub param: Option<Arc<str>>,
    /// `error.message`.
    pub message: Arc<str>,
    /// The wait the reply asks for.
    pub wait: Option<Wait>,
    /// `x-should-retry`.
    pub should_retry: Option<bool>,
}

/// A reply whose head and body arrived and could be read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// 200 with a Response object, shared by everybody who keeps it.
    Response(Arc<Response>),
    /// 200 that begins an event stream; the events follow.
    StreamOpen,
    /// 200 of a deletion.
    Deleted,
    /// 200 with another JSON body, which our own runtime never asks for.
    Document(Arc<str>),
    /// Any other status.
    Error(Box<ApiError>),
}

/// How an exchange ended without a readable reply.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "how")]
pub enum Break {
    /// No connection: nothing was sent.
    Refused,
    /// The connection was reset or closed after bytes were sent and before a reply head.
    NoReply,
    /// A head with status 200 arrived, the body did not arrive whole.
    Cut {
        /// The response id, if it stood in what did arrive.
        id: Option<ResponseId>,
    },
    /// The body arrived whole and is not what the contract says.
    Unreadable {
        /// The response id, if it could still be read.
        id: Option<ResponseId>,
    },
}
