//! The create request as far as anybody decides by it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Echo, ResponseId};
use crate::units::{AttemptNo, ExchangeKind, JobId, TurnNo};

/// Which turn of which attempt of which job a response serves.
///
/// Travels in `metadata` as `lanebench_job`, `lanebench_attempt` and `lanebench_turn`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// The job.
    pub job: JobId,
    /// The attempt.
    pub attempt: AttemptNo,
    /// The turn.
    pub turn: TurnNo,
}

/// One input item of a create request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum InputItem {
    /// A message of the user, the system or the developer.
    Message {
        /// Its text.
        text: Arc<str>,
    },
    /// The output of a function call of the previous turn.
    FunctionCallOutput {
        /// The call it answers.
        call_id: Arc<str>,
        /// Text; failures are ordinary text.
        output: Arc<str>,
    },
    /// The answer to an approval request of the previous turn.
    McpApprovalResponse {
        /// The request it answers.
        approval_request_id: Arc<str>,
        /// Whether the call may run.
        approve: bool,
        /// Why not.
        reason: Option<Arc<str>>,
    },
    /// An item of an earlier turn, sent again.
    Replayed {
        /// Its type on the wire.
        kind: Arc<str>,
        /// Its id; two items of one conversation never share it.
        id: Option<Arc<str>>,
        /// The call it makes, which an output in the same input may answer.
        call_id: Option<Arc<str>>,
    },
}

/// A tool that the request offers to the model.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum ToolDeclaration {
    /// A function that the client runs.
    Function {
        /// Its name.
        name: Arc<str>,
    },
    /// An MCP server that the service calls; approval is always required.
    Mcp {
        /// Its label.
        server_label: Arc<str>,
    },
    /// A tool that the service runs by itself: `file_search`, `web_search` or `code_interpreter`.
    Hosted {
        /// Its type on the wire.
        tool: Arc<str>,
    },
}

/// `POST /v1/responses`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Create {
    /// The model asked for.
    pub model: Arc<str>,
    /// Who asks; absent for strangers.
    pub origin: Option<Origin>,
    /// Whether the run outlives the connection.
    pub background: bool,
    /// Whether the reply is an event stream.
    pub stream: bool,
    /// Whether the response is kept.
    pub store: bool,
    /// The turn before.
    pub previous: Option<ResponseId>,
    /// The input.
    pub input: Arc<[InputItem]>,
    /// The tools offered.
    pub tools: Arc<[ToolDeclaration]>,
    /// The cap on output tokens.
    pub max_output_tokens: Option<u32>,
    /// The service tier asked for, if one is named.
    pub tier: Option<Arc<str>>,
    /// The rest of the request, if it came over a wire; what our own runtime sends has nothing there that matters.
    #[serde(skip)]
    pub request: Option<Echo>,
}

/// What a client asks on one exchange.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// Make a response.
    Create(Arc<Create>),
    /// Read a response.
    Poll(ResponseId),
    /// Read a response with more of its items than its request asked for. Our own runtime never does.
    Included {
        /// The response.
        id: ResponseId,
        /// What it has to show beside its usual fields.
        include: Arc<[Arc<str>]>,
    },
    /// Read the events of a background response, after a cursor or from the start.
    Stream {
        /// The response.
        id: ResponseId,
        /// The last number already seen.
        after: Option<u64>,
    },
    /// Stop a response.
    Cancel(ResponseId),
    /// Remove a response.
    Delete(ResponseId),
}

impl Ask {
    /// The kind of exchange that carries it.
    #[must_use]
    pub const fn kind(&self) -> ExchangeKind {
        match self {
            Self::Create(_) => ExchangeKind::Create,
            Self::Poll(_) | Self::Included { .. } => ExchangeKind::Poll,
            Self::Stream { .. } => ExchangeKind::Stream,
            Self::Cancel(_) => ExchangeKind::Cancel,
            Self::Delete(_) => ExchangeKind::Delete,
        }
    }

    /// The response it is about, if there is one already.
    #[must_use]
    pub const fn response(&self) -> Option<&ResponseId> {
        match self {
            Self::Create(_) => None,
            Self::Poll(id)
            | Self::Included { id, .. }
            | Self::Stream { id, .. }
            | Self::Cancel(id)
            | Self::Delete(id) => Some(id),
        }
    }
}
