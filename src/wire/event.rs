//! The events of a stream.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{IdText, Item, Response, Shown};

/// One event with its place in the stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StreamEvent {
    /// `sequence_number`: strictly increasing, not promised to be free of gaps.
    pub seq: u64,
    /// What happened.
    pub event: Event,
}

/// What happened in a stream. Fields are those of the contract; `output` is the `output_index`. Whoever keeps an event
/// shares its response.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// `response.created`.
    Created(Arc<Response>),
    /// `response.queued`.
    Queued(Arc<Response>),
    /// `response.in_progress`.
    InProgress(Arc<Response>),
    /// `response.output_item.added`: the item as it begins.
    ItemAdded {
        /// Place in the output.
        output: u32,
        /// The item, empty so far.
        item: Item,
    },
    /// `response.content_part.added` of a message, or of reasoning with text.
    PartAdded {
        /// Place in the output.
        output: u32,
        /// The item.
        item_id: IdText,
        /// The part, where that is no plain text.
        #[serde(skip)]
        shown: Shown,
    },
    /// `response.output_text.delta`.
    TextDelta {
        /// Place in the output.
        output: u32,
        /// The message.
        item_id: IdText,
        /// The new text.
        delta: Arc<str>,
        /// How probable its tokens were, where somebody asked.
        #[serde(skip)]
        shown: Shown,
    },
    /// `response.output_text.done`.
    TextDone {
        /// Place in the output.
        output: u32,
        /// The message.
        item_id: IdText,
        /// The whole text.
        text: Arc<str>,
        /// How probable its tokens were, where somebody asked.
        #[serde(skip)]
        shown: Shown,
    },
    /// `response.content_part.done` of a message, or of reasoning with text.
    PartDone {
        /// Place in the output.
        output: u32,
        /// The item.
        item_id: IdText,
        /// The whole text.
        text: Arc<str>,
        /// The part, where that is more than plain text.
        #[serde(skip)]
        shown: Shown,
    },
    /// `response.function_call_arguments.delta`.
    ArgumentsDelta {
        /// Place in the output.
        output: u32,
        /// The call.
        item_id: IdText,
        /// The new piece of JSON text.
        delta: Arc<str>,
    },
    /// `response.function_call_arguments.done`.
    ArgumentsDone {
        /// Place in the output.
        output: u32,
        /// The call.
        item_id: IdText,
        /// The whole JSON text.
        arguments: Arc<str>,
    },
    /// Progress of a hosted tool or MCP call: `response.file_search_call.searching` and its like.
    Progress {
        /// The event's name on the wire.
        name: Arc<str>,
        /// Place in the output.
        output: u32,
        /// The item; empty where the event does not name it.
        item_id: IdText,
        /// Everything else that it says.
        #[serde(skip)]
        shown: Shown,
    },
    /// `response.output_item.done`: the item as it ends.
    ItemDone {
        /// Place in the output.
        output: u32,
        /// The item, whole.
        item: Item,
    },
    /// `response.completed`.
    Completed(Arc<Response>),
    /// `response.failed`; also how a stream of a cancelled response ends.
    Failed(Arc<Response>),
    /// `response.incomplete`.
    Incomplete(Arc<Response>),
    /// `error`, nested or flat on the wire.
    Error {
        /// The code.
        code: Arc<str>,
        /// The words.
        message: Arc<str>,
    },
    /// `keepalive`: uses up a number and says nothing.
    Keepalive,
    /// An event that the contract does not know; its number still moves the cursor.
    Unknown {
        /// Its name.
        name: Arc<str>,
    },
}

impl Event {
    /// The response that a life-cycle event carries.
    #[must_use]
    pub fn response(&self) -> Option<&Response> {
        match self {
            Self::Created(response)
            | Self::Queued(response)
            | Self::InProgress(response)
            | Self::Completed(response)
            | Self::Failed(response)
            | Self::Incomplete(response) => Some(response),
            Self::ItemAdded { .. }
            | Self::PartAdded { .. }
            | Self::TextDelta { .. }
            | Self::TextDone { .. }
            | Self::PartDone { .. }
            | Self::ArgumentsDelta { .. }
            | Self::ArgumentsDone { .. }
            | Self::Progress { .. }
            | Self::ItemDone { .. }
            | Self::Error { .. }
            | Self::Keepalive
            | Self::Unknown { .. } => None,
        }
    }

    /// Whether the stream ends after this event.
    #[must_use]
    pub const fn is_last(&self) -> bool {
        matches!(self, Self::Completed(_) | Self::Failed(_) | Self::Incomplete(_))
    }
}
