//! What the mock service writes.

use std::sync::Arc;

use serde::Serialize;

use crate::units::{Exchange, ExchangeKind, SimDuration};
use crate::wire::{Origin, ResponseId, Status};

/// Written by the mock service.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceEvent {
    /// Channel `wire`.
    Wire(WireEvent),
    /// Channel `backend`.
    Backend(BackendEvent),
}

impl From<WireEvent> for ServiceEvent {
    fn from(event: WireEvent) -> Self {
        Self::Wire(event)
    }
}

impl From<BackendEvent> for ServiceEvent {
    fn from(event: BackendEvent) -> Self {
        Self::Backend(event)
    }
}

/// Channel `wire`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WireEvent {
    /// A request arrived.
    Arrived {
        /// Its key.
        exchange: Exchange,
        /// What it asks.
        kind: ExchangeKind,
        /// The response it is about.
        #[serde(skip_serializing_if = "Option::is_none")]
        response: Option<ResponseId>,
        /// The cursor of a stream request.
        #[serde(skip_serializing_if = "Option::is_none")]
        after: Option<u64>,
    },
    /// A connection was refused: nothing arrived.
    Refused {
        /// The key of what would have arrived.
        exchange: Exchange,
    },
    /// A reply left, whole.
    Replied {
        /// Its key.
        exchange: Exchange,
        /// The HTTP status.
        http: u16,
        /// The wait that it told.
        #[serde(skip_serializing_if = "Option::is_none")]
        told: Option<SimDuration>,
    },
    /// A reply was spoiled on its way.
    Spoiled {
        /// Its key.
        exchange: Exchange,
        /// How: the fault's word.
        how: &'static str,
    },
    /// An event of a stream left.
    StreamSent {
        /// The exchange it left on.
        exchange: Exchange,
        /// Its number.
        seq: u64,
    },
    /// The service closed a stream.
    StreamClosed {
        /// The exchange.
        exchange: Exchange,
        /// Whether the last event had left.
        whole: bool,
    },
    /// The client went away before the reply or the stream was over.
    Gone {
        /// The exchange.
        exchange: Exchange,
    },
    /// A webhook left.
    WebhookSent {
        /// The delivery's id.
        delivery: Arc<str>,
        /// The try, from 1.
        send: u16,
        /// The response it names.
        response: ResponseId,
        /// `valid`, `stale` or `forged`.
        signature: &'static str,
    },
    /// A webhook was answered.
    WebhookAnswered {
        /// The delivery's id.
        delivery: Arc<str>,
        /// The HTTP status; none if nobody answered.
        http: Option<u16>,
    },
}

/// Channel `backend`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BackendEvent {
    /// A response was made.
    Created {
        /// Its id.
        response: ResponseId,
        /// The exchange that made it.
        exchange: Exchange,
        /// Whom it serves.
        #[serde(skip_serializing_if = "Option::is_none")]
        origin: Option<Origin>,
        /// Whether it outlives its connection.
        background: bool,
    },
    /// A response changed its status.
    Became {
        /// Its id.
        response: ResponseId,
        /// The new status.
        status: Status,
        /// The error code or the reason of incompleteness.
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<Arc<str>>,
    },
    /// The service itself ran a tool of an MCP server: an act outside our sinks.
    McpActed {
        /// The response that ran it.
        response: ResponseId,
        /// The server.
        server_label: Arc<str>,
        /// The tool.
        name: Arc<str>,
        /// The digest of the canonical act that was run.
        digest: Arc<str>,
        /// The request that was approved.
        approval_request_id: Option<Arc<str>>,
    },
    /// The shared rate limit refused a request.
    Limited {
        /// The exchange.
        exchange: Exchange,
        /// How long until there is room again.
        room_in: SimDuration,
    },
    /// A fault of the scenario struck.
    FaultFired {
        /// Its place in the scenario's list, from 0.
        rule: u32,
        /// Its word.
        fault: &'static str,
    },
    /// A response is no longer kept.
    Dropped {
        /// Its id.
        response: ResponseId,
        /// `deleted`, `expired` or `vanished`.
        why: &'static str,
    },
}
