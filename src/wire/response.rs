//! The Response object as far as anybody decides by it.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{IdText, Origin, Shown};

/// The opaque id of a response.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ResponseId(pub IdText);

impl fmt::Display for ResponseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text())
    }
}

/// The wire status of a response; open, because the service may add words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "Arc<str>", into = "Arc<str>")]
pub enum Status {
    /// Accepted, not started.
    Queued,
    /// Running.
    InProgress,
    /// Ended; the output may still ask for a tool result or an approval.
    Completed,
    /// Ended with an error.
    Failed,
    /// Ended because somebody cancelled it.
    Cancelled,
    /// Ended early, with a reason.
    Incomplete,
    /// A word that the contract does not know.
    Unknown(Arc<str>),
}

impl Status {
    /// All that the contract knows.
    pub const KNOWN: [Self; 6] = [
        Self::Queued,
        Self::InProgress,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
        Self::Incomplete,
    ];

    /// The word on the wire.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Queued => "queued",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Incomplete => "incomplete",
            Self::Unknown(word) => word,
        }
    }

    /// Whether the service still works on the response. Anything unknown counts as ended.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Queued | Self::InProgress)
    }
}

impl From<Arc<str>> for Status {
    fn from(word: Arc<str>) -> Self {
        match &*word {
            "queued" => Self::Queued,
            "in_progress" => Self::InProgress,
            "completed" => Self::Completed,
            "failed" => Self::Failed,
            "cancelled" => Self::Cancelled,
            "incomplete" => Self::Incomplete,
            _ => Self::Unknown(word),
        }
    }
}

impl From<Status> for Arc<str> {
    fn from(status: Status) -> Self {
        match status {
            Status::Unknown(word) => word,
            known => known.word().into(),
        }
    }
}

/// Why a response failed: `error` of the Response object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Failure {
    /// The error code; open.
    pub code: Arc<str>,
    /// The service's own words.
    pub message: Arc<str>,
}

/// Tokens used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens read.
    pub input: u32,
    /// Tokens written, reasoning included.
    pub output: u32,
    /// Of these, tokens of reasoning.
    pub reasoning: u32,
}

/// Where an output item stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemStatus {
    /// Being written.
    InProgress,
    /// Whole.
    Completed,
    /// Cut off.
    Incomplete,
    /// The hosted tool failed.
    Failed,
}

/// What a message is to the answer of its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Words on the way to it.
    Commentary,
    /// The answer itself.
    FinalAnswer,
}

impl Phase {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Commentary, Self::FinalAnswer];

    /// The word on the wire.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Commentary => "commentary",
            Self::FinalAnswer => "final_answer",
        }
    }
}

/// One output item.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Item {
    /// Text for the user.
    Message {
        /// The item's id.
        id: IdText,
        /// The text.
        text: Arc<str>,
        /// Whole or cut.
        status: ItemStatus,
        /// Whether it is on the way to the answer, where the model says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        phase: Option<Phase>,
        /// Its content part, where that is more than plain text: a refusal, or text with annotations or logprobs.
        #[serde(skip)]
        shown: Shown,
    },
    /// Reasoning.
    Reasoning {
        /// The item's id.
        id: IdText,
        /// Its summary and content; nothing: an empty summary.
        #[serde(skip)]
        shown: Shown,
    },
    /// The model asks the client to run a function.
    FunctionCall {
        /// The item's id.
        id: IdText,
        /// The id that the output has to name.
        call_id: Arc<str>,
        /// The function.
        name: Arc<str>,
        /// JSON text, as it is.
        arguments: Arc<str>,
        /// Whole or cut; cut-off arguments are never executed.
        status: ItemStatus,
        /// The namespace of the function, and what made the call, where that is said.
        #[serde(skip)]
        shown: Shown,
    },
    /// The service asks for leave to run a tool of an MCP server.
    McpApprovalRequest {
        /// The item's id, named by the answer.
        id: IdText,
        /// The server.
        server_label: Arc<str>,
        /// The tool.
        name: Arc<str>,
        /// JSON text, as it is.
        arguments: Arc<str>,
    },
    /// A call that the service itself made to an MCP server.
    McpCall {
        /// The item's id.
        id: IdText,
        /// The server.
        server_label: Arc<str>,
        /// The tool.
        name: Arc<str>,
        /// JSON text, as it is.
        arguments: Arc<str>,
        /// The request that was approved, if one was asked.
        approval_request_id: Option<Arc<str>>,
        /// Whole or failed.
        status: ItemStatus,
        /// Its output or error.
        #[serde(skip)]
        shown: Shown,
    },
    /// A tool that the service runs by itself.
    Hosted {
        /// The item's id.
        id: IdText,
        /// `file_search_call`, `web_search_call` or `code_interpreter_call`; and of a stranger's script any other.
        tool: Arc<str>,
        /// Where it stands.
        status: ItemStatus,
        /// Everything else about it.
        #[serde(skip)]
        shown: Shown,
    },
}

impl Item {
    /// Its id.
    #[must_use]
    pub const fn id(&self) -> &IdText {
        match self {
            Self::Message { id, .. }
            | Self::Reasoning { id, .. }
            | Self::FunctionCall { id, .. }
            | Self::McpApprovalRequest { id, .. }
            | Self::McpCall { id, .. }
            | Self::Hosted { id, .. } => id,
        }
    }

    /// How many bytes its texts take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let shown = |shown: &Shown| shown.pairs().map_or(0, str::len);
        match self {
            Self::Message {
                text, shown: more, ..
            } => text.len() + shown(more),
            Self::FunctionCall {
                arguments,
                shown: more,
                ..
            }
            | Self::McpCall {
                arguments,
                shown: more,
                ..
            } => arguments.len() + shown(more),
            Self::McpApprovalRequest { arguments, .. } => arguments.len(),
            Self::Reasoning { shown: more, .. } | Self::Hosted { shown: more, .. } => shown(more),
        }
    }
}

/// The Response object, reduced to what a runtime may decide by. What every look at it asks stands close together.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(C)]
pub struct Response {
    /// Its id.
    pub id: ResponseId,
    /// Output so far; final only when the status is not open.
    pub output: Arc<[Item]>,
    /// Its wire status.
    pub status: Status,
    /// Unix seconds.
    pub created_at: u64,
    /// Unix seconds; only for `completed`.
    pub completed_at: Option<u64>,
    /// Whether it was created with `background: true`.
    pub background: bool,
    /// Who asked for it, read from `metadata`.
    pub origin: Option<Origin>,
    /// Why it failed.
    pub error: Option<Failure>,
    /// Why it is incomplete.
    pub incomplete: Option<Arc<str>>,
    /// Tokens; only when ended.
    pub usage: Option<Usage>,
    /// The service tier: `auto` while open, then the one served.
    pub service_tier: Arc<str>,
}
