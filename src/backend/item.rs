//! Output items, and the events that tell of them.

use std::sync::Arc;

use super::text::piece_end;
use super::tool::progress;
use super::turn::{Approved, Work};
use super::words::{REASONING_TOKENS, encrypted};
use super::{StepWork, Words, name};
use crate::wire::{Details, Event, Item, ItemStatus, ResponseId, Shown};

/// An item that is being written.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    /// Its id.
    pub(super) id: Arc<str>,
    /// Its place in the output.
    pub(super) output: u32,
    /// Its text, if it is a message.
    pub(super) text: Arc<str>,
    /// The id of the item before it.
    pub(super) after: Option<Arc<str>>,
    /// The pieces in which its text appears.
    pub(super) parts: u32,
    /// Its response.
    pub(super) response: ResponseId,
}

impl Work {
    /// The id of the item that this work makes.
    pub(super) fn item_id(&self, bits: u64) -> Arc<str> {
        let prefix = match self {
            Self::Cut { .. } | Self::Scripted(StepWork::Message { .. }) => "msg_",
            Self::Approved(_) => "mcp_",
            Self::Scripted(StepWork::Reasoning) => "rs_",
            Self::Scripted(StepWork::FunctionCall { .. }) => "fc_",
            Self::Scripted(StepWork::McpApproval { .. }) => "mcpr_",
            Self::Scripted(StepWork::Tool(step)) => step.tool.names().1,
            Self::Scripted(StepWork::Words(words)) => words.prefix(),
            Self::Scripted(StepWork::Hosted(tool)) => match &**tool {
                "file_search_call" => "fs_",
                "web_search_call" => "ws_",
                "code_interpreter_call" => "ci_",
                _ => "tool_",
            },
        };
        name::id(prefix, bits)
    }

    /// Whether it runs a tool that a request may ask more of.
    pub(super) const fn is_tool(&self) -> bool {
        matches!(self, Self::Scripted(StepWork::Tool(_)))
    }

    /// The tokens of text that appear; none if this is no message.
    pub(super) fn text_tokens(&self) -> Option<u32> {
        match self {
            Self::Scripted(work) => work.said(),
            Self::Cut { shown, .. } => Some(*shown),
            Self::Approved(_) => None,
        }
    }

    /// Its words, if they show more than plain text does.
    pub(super) fn words(&self) -> Option<&Words> {
        match self {
            Self::Scripted(StepWork::Words(words)) => Some(words),
            Self::Cut { words, .. } => words.as_deref(),
            Self::Scripted(_) | Self::Approved(_) => None,
        }
    }

    /// What it thinks aloud, if anything.
    pub(super) fn thought(&self) -> Option<String> {
        self.words()
            .map(Words::thought)
            .filter(|thought| !thought.is_empty())
    }

    /// The tokens that this work costs, and how many of them are reasoning.
    pub(super) fn cost(&self) -> (u32, u32) {
        let call = |name: &str, arguments: &str| tokens_of(name.len() + arguments.len());
        match self {
            Self::Scripted(StepWork::Message { tokens }) => (*tokens, 0),
            Self::Cut { shown, .. } => (*shown, 0),
            Self::Scripted(StepWork::Words(words)) => words.cost(),
            Self::Scripted(StepWork::Reasoning) => (REASONING_TOKENS, REASONING_TOKENS),
            Self::Scripted(
                StepWork::FunctionCall { name, arguments } | StepWork::McpApproval { name, arguments, .. },
            ) => (call(name, arguments), 0),
            Self::Scripted(StepWork::Tool(step)) => (tokens_of(step.tool.written()), 0),
            Self::Scripted(StepWork::Hosted(_)) | Self::Approved(_) => (0, 0),
        }
    }

    /// The item as it begins; an approval request appears only when it is whole.
    pub(super) fn begun(&self, draft: &Draft) -> Option<Item> {
        match self {
            Self::Scripted(StepWork::McpApproval { .. }) => None,
            Self::Scripted(StepWork::Tool(step)) => Some(step.begun(draft)),
            _ => Some(self.item(draft, "", ItemStatus::InProgress)),
        }
    }

    /// The item when the first `sent` pieces of its text have appeared and no more will.
    pub(super) fn broken_off(&self, draft: &Draft, sent: u32) -> Option<Item> {
        match (self.words(), self.text_tokens()) {
            (Some(words), _) => Some(words.item(draft, sent, ItemStatus::InProgress)),
            (None, Some(_)) => {
                let text = &draft.text[..piece_end(&draft.text, sent, draft.parts)];
                Some(self.item(draft, text, ItemStatus::InProgress))
            }
            (None, None) => self.begun(draft),
        }
    }

    /// The item as it ends.
    pub(super) fn ended(&self, draft: &Draft, details: Option<&Details>) -> Item {
        let id = draft.id.clone();
        match self {
            Self::Scripted(StepWork::Words(words)) => {
                including(words.whole(draft, ItemStatus::Completed), details)
            }
            Self::Cut {
                words: Some(words), ..
            } => words.whole(draft, ItemStatus::Incomplete),
            Self::Scripted(StepWork::Reasoning) => {
                including(self.item(draft, "", ItemStatus::Completed), details)
            }
            Self::Scripted(StepWork::Tool(step)) => step.ended(draft, details),
            Self::Approved(call) => mcp_call(id, call, call.ends),
            // Whole texts are shared, not copied.
            Self::Scripted(StepWork::Message { .. }) => Item::Message {
                id,
                text: draft.text.clone(),
                status: ItemStatus::Completed,
                shown: Shown::default(),
            },
            Self::Cut { .. } => Item::Message {
                id,
                text: draft.text.clone(),
                status: ItemStatus::Incomplete,
                shown: Shown::default(),
            },
            Self::Scripted(StepWork::FunctionCall { name, arguments }) => Item::FunctionCall {
                call_id: call_id(&id),
                id,
                name: name.clone(),
                arguments: arguments.clone(),
                status: ItemStatus::Completed,
            },
            _ => self.item(draft, "", ItemStatus::Completed),
        }
    }

    fn item(&self, draft: &Draft, text: &str, status: ItemStatus) -> Item {
        let id = draft.id.clone();
        match self {
            Self::Cut { .. } | Self::Scripted(StepWork::Message { .. }) => Item::Message {
                id,
                text: text.into(),
                status,
                shown: Shown::default(),
            },
            Self::Scripted(StepWork::Words(words)) => words.item(draft, 0, status),
            Self::Scripted(StepWork::Reasoning) => Item::Reasoning {
                id,
                shown: Shown::default(),
            },
            Self::Scripted(StepWork::Tool(step)) => step.begun(draft),
            Self::Scripted(StepWork::Hosted(tool)) => Item::Hosted {
                id,
                tool: tool.clone(),
                status,
                shown: Shown::default(),
            },
            Self::Scripted(StepWork::FunctionCall { name, .. }) => Item::FunctionCall {
                call_id: call_id(&id),
                id,
                name: name.clone(),
                arguments: text.into(),
                status,
            },
            Self::Scripted(StepWork::McpApproval {
                server_label,
                name,
                arguments,
            }) => Item::McpApprovalRequest {
                id,
                server_label: server_label.clone(),
                name: name.clone(),
                arguments: arguments.clone(),
            },
            Self::Approved(call) => mcp_call(id, call, status),
        }
    }

    /// The events when the work begins.
    pub(super) fn begin_events(&self, draft: &Draft, say: &mut impl FnMut(Event)) {
        let output = draft.output;
        if let Some(item) = self.begun(draft) {
            say(Event::ItemAdded { output, item });
        }
        match (self.words(), self.text_tokens()) {
            (Some(words), _) => words.begin_events(draft, say),
            (None, Some(_)) => say(Event::PartAdded {
                output,
                item_id: draft.id.clone(),
                shown: Shown::default(),
            }),
            (None, None) => {}
        }
        if let Self::Scripted(StepWork::Tool(step)) = self {
            step.begin_events(draft, say);
        }
        for word in self.progress().0 {
            say(self.progress_event(draft, word));
        }
    }

    /// The events of piece number `piece` of its text, counted from 1.
    pub(super) fn piece_events(&self, draft: &Draft, piece: u32, say: &mut impl FnMut(Event)) {
        if let Some(words) = self.words() {
            return words.piece_events(draft, piece, say);
        }
        let (text, parts) = (&draft.text, draft.parts);
        let delta = &text[piece_end(text, piece - 1, parts)..piece_end(text, piece, parts)];
        say(Event::TextDelta {
            output: draft.output,
            item_id: draft.id.clone(),
            delta: delta.into(),
        });
    }

    /// The events when the work ends, behind the deltas of its text.
    pub(super) fn end_events(&self, draft: &Draft, item: Item, say: &mut impl FnMut(Event)) {
        let (output, item_id) = (draft.output, || draft.id.clone());
        if let Some(words) = self.words() {
            words.end_events(draft, say);
            return say(Event::ItemDone { output, item });
        }
        match &item {
            Item::Message { text, .. } => {
                let text = || text.clone();
                say(Event::TextDone {
                    output,
                    item_id: item_id(),
                    text: text(),
                });
                say(Event::PartDone {
                    output,
                    item_id: item_id(),
                    text: text(),
                    shown: Shown::default(),
                });
            }
            Item::FunctionCall { arguments, .. } => {
                let arguments = || arguments.clone();
                say(Event::ArgumentsDelta {
                    output,
                    item_id: item_id(),
                    delta: arguments(),
                });
                say(Event::ArgumentsDone {
                    output,
                    item_id: item_id(),
                    arguments: arguments(),
                });
            }
            Item::McpApprovalRequest { .. } => say(Event::ItemAdded {
                output,
                item: item.clone(),
            }),
            Item::McpCall { arguments, .. } => {
                let fields = |key: &str| serde_json::json!({ key: &**arguments });
                say(progress(draft, "mcp_call_arguments.delta", &fields("delta")));
                say(progress(draft, "mcp_call_arguments.done", &fields("arguments")));
            }
            Item::Reasoning { .. } | Item::Hosted { .. } => {}
        }
        if let Self::Scripted(StepWork::Tool(step)) = self {
            step.end_events(draft, say);
        }
        for word in self.progress().1 {
            say(self.progress_event(draft, word));
        }
        say(Event::ItemDone { output, item });
    }

    /// The words of progress when the work begins and when it ends.
    fn progress(&self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::Scripted(StepWork::Hosted(tool)) => match &**tool {
                "file_search_call" | "web_search_call" => (&["in_progress", "searching"], &["completed"]),
                "code_interpreter_call" => (&["in_progress", "interpreting"], &["completed"]),
                _ => (&["in_progress"], &["completed"]),
            },
            Self::Approved(call) if call.ends == ItemStatus::Failed => (&["in_progress"], &["failed"]),
            Self::Approved(_) => (&["in_progress"], &["completed"]),
            Self::Scripted(_) | Self::Cut { .. } => (&[], &[]),
        }
    }

    fn progress_event(&self, draft: &Draft, word: &str) -> Event {
        let tool = match self {
            Self::Scripted(StepWork::Hosted(tool)) => tool,
            Self::Scripted(_) | Self::Approved(_) | Self::Cut { .. } => "mcp_call",
        };
        progress(draft, &format!("{tool}.{word}"), &serde_json::Value::Null)
    }
}

/// An item with what the request has it show beside its usual fields.
pub(super) fn including(item: Item, details: Option<&Details>) -> Item {
    match item {
        Item::Reasoning { id, shown }
            if details.is_some_and(|details| details.includes("reasoning.encrypted_content")) =>
        {
            let shown = match shown.is_empty() {
                true => Shown::of(&serde_json::json!({"summary": []})),
                false => shown,
            };
            let shown = shown.with("encrypted_content", &encrypted(&id).into());
            Item::Reasoning { id, shown }
        }
        item => item,
    }
}

/// The id under which the client answers a function call: it shares the digits of the item's id.
pub(super) fn call_id(item: &str) -> Arc<str> {
    let digits = item.split_once('_').map_or(item, |(_, digits)| digits);
    format!("call_{digits}").into()
}

/// An MCP call shows its arguments only when it is whole, and its output or error when it has ended.
fn mcp_call(id: Arc<str>, call: &Approved, status: ItemStatus) -> Item {
    use serde_json::json;
    let shown = match (status, &call.output) {
        (ItemStatus::Completed, Some(output)) => Shown::of(&json!({"output": &**output, "error": null})),
        (ItemStatus::Failed, output) => {
            let message = output.as_deref().unwrap_or("Internal Server Error");
            let error = json!({"type": "http_error", "code": 500, "message": message});
            Shown::of(&json!({"output": null, "error": error}))
        }
        _ => Shown::default(),
    };
    let arguments = match status {
        ItemStatus::InProgress => "".into(),
        ItemStatus::Completed | ItemStatus::Incomplete | ItemStatus::Failed => call.arguments.clone(),
    };
    Item::McpCall {
        id,
        server_label: call.server_label.clone(),
        name: call.name.clone(),
        arguments,
        approval_request_id: call.request.clone(),
        status,
        shown,
    }
}

/// The call that an item makes, if the client has to answer it.
pub(super) fn client_call(item: &Item) -> Option<Arc<str>> {
    match item {
        Item::FunctionCall {
            call_id,
            status: ItemStatus::Completed,
            ..
        } => Some(call_id.clone()),
        Item::Hosted {
            id,
            tool,
            status: ItemStatus::Completed,
            ..
        } if CLIENT_TOOLS.contains(&&**tool) => Some(call_id(id)),
        _ => None,
    }
}

/// Tools that the client runs.
const CLIENT_TOOLS: [&str; 5] = [
    "custom_tool_call",
    "computer_call",
    "local_shell_call",
    "shell_call",
    "apply_patch_call",
];

/// About how many tokens a text of so many bytes has.
pub(super) fn tokens_of(bytes: usize) -> u32 {
    u32::try_from(bytes / 4 + 1).unwrap_or(u32::MAX)
}

/// The id of an item.
pub(super) fn id_of(item: &Item) -> &Arc<str> {
    match item {
        Item::Message { id, .. }
        | Item::Reasoning { id, .. }
        | Item::FunctionCall { id, .. }
        | Item::McpApprovalRequest { id, .. }
        | Item::McpCall { id, .. }
        | Item::Hosted { id, .. } => id,
    }
}
