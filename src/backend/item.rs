//! Output items, and the events that tell of them.

use std::ops::Range;
use std::sync::Arc;

use serde_json::json;

use super::logprobs::{logprobs, token_end};
use super::text::piece_end;
use super::tool_item::progress;
use super::turn::{Approved, Work};
use super::words::{REASONING_TOKENS, encrypted};
use super::{StepWork, Words};
use crate::wire::{Details, Event, IdText, Item, ItemStatus, ResponseId, Shown};

/// An item that is being written.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    /// Its id.
    pub(super) id: IdText,
    /// Its place in the output.
    pub(super) output: u32,
    /// Its text, if it is a message.
    pub(super) text: Arc<str>,
    /// The id of the item before it.
    pub(super) after: Option<IdText>,
    /// The pieces in which its text appears.
    pub(super) parts: u32,
    /// Its response.
    pub(super) response: ResponseId,
    /// How many likely tokens stand beside each of its tokens; none: probabilities are not shown.
    pub(super) logprobs: Option<u8>,
}

impl Draft {
    /// The end of the first `part` pieces of its text, in bytes; where probabilities are shown, no piece splits a token.
    pub(super) fn end(&self, part: u32) -> usize {
        let end = piece_end(&self.text, part, self.parts);
        match self.logprobs {
            Some(_) if end > 0 => token_end(&self.text, end),
            _ => end,
        }
    }

    /// The bytes of piece number `piece`, counted from 1.
    pub(super) fn piece(&self, piece: u32) -> Range<usize> {
        self.end(piece - 1)..self.end(piece)
    }

    /// What an event says about the probabilities of these bytes.
    pub(super) fn probabilities(&self, bytes: Range<usize>) -> Shown {
        match self.logprobs {
            Some(wanted) => {
                Shown::of(&json!({"logprobs": logprobs(&self.id.text(), &self.text, bytes, wanted)}))
            }
            None => Shown::default(),
        }
    }

    /// What the part of a message shows that says the first `end` bytes of this text; nothing if that is plain text.
    pub(super) fn plain_part(&self, end: usize) -> Shown {
        match self.logprobs {
            Some(wanted) => Shown::of(&json!({"type": "output_text", "annotations": [],
                "logprobs": logprobs(&self.id.text(), &self.text, 0..end, wanted), "text": &self.text[..end]})),
            None => Shown::default(),
        }
    }
}

impl Work {
    /// The id of the item that this work makes.
    pub(super) fn item_id(&self, bits: u64) -> IdText {
        let prefix = match self {
            Self::Cut { .. } | Self::Scripted(StepWork::Message { .. }) => "msg_",
            Self::Approved(_) => "mcp_",
            Self::Scripted(StepWork::Reasoning) => "rs_",
            Self::Scripted(StepWork::FunctionCall { .. }) | Self::CutCall { .. } => "fc_",
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
        IdText::of_item(prefix, bits)
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
            Self::Approved(_) | Self::CutCall { .. } => None,
        }
    }

    /// Its words, if they show more than plain text does.
    pub(super) fn words(&self) -> Option<&Words> {
        match self {
            Self::Scripted(StepWork::Words(words)) => Some(words),
            Self::Cut { words, .. } => words.as_deref(),
            Self::Scripted(_) | Self::Approved(_) | Self::CutCall { .. } => None,
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
            Self::CutCall { name, arguments, .. } => (call(name, arguments), 0),
            Self::Scripted(StepWork::Words(words)) => words.cost(),
            Self::Scripted(StepWork::Reasoning) => (REASONING_TOKENS, REASONING_TOKENS),
            Self::Scripted(
                StepWork::FunctionCall { name, arguments, .. }
                | StepWork::McpApproval { name, arguments, .. },
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
            _ => Some(self.item(draft, ItemStatus::InProgress)),
        }
    }

    /// The item while its tool runs, as a read finds it that cannot wait for the end.
    fn running(&self, draft: &Draft) -> Option<Item> {
        match self {
            Self::Scripted(StepWork::Tool(step)) => Some(step.running(draft)),
            Self::Scripted(StepWork::Hosted(tool)) => Some(Item::Hosted {
                id: draft.id.clone(),
                tool: tool.clone(),
                status: ItemStatus::InProgress,
                shown: hosted_running(tool),
            }),
            Self::Approved(call) => Some(mcp_running(draft.id.clone(), call)),
            _ => self.begun(draft),
        }
    }

    /// The item when the first `sent` pieces of its text have appeared and no more will.
    pub(super) fn broken_off(&self, draft: &Draft, sent: u32) -> Option<Item> {
        match (self.words(), self.text_tokens()) {
            (Some(words), _) => Some(words.item(draft, sent, ItemStatus::InProgress)),
            (None, Some(_)) => Some(said(draft, draft.end(sent), ItemStatus::InProgress)),
            (None, None) => self.running(draft),
        }
    }

    /// The item as it ends.
    pub(super) fn ended(&self, draft: Draft, details: Option<&Details>) -> Item {
        match self {
            Self::Scripted(StepWork::Message { .. }) => said_whole(draft, ItemStatus::Completed),
            Self::Cut { words: None, .. } => said_whole(draft, ItemStatus::Incomplete),
            Self::Scripted(StepWork::Reasoning) => {
                let (id, shown) = (draft.id, Shown::default());
                including(Item::Reasoning { id, shown }, details)
            }
            Self::Scripted(StepWork::Words(words)) => {
                including(words.whole(&draft, ItemStatus::Completed), details)
            }
            Self::Cut {
                words: Some(words), ..
            } => words.whole(&draft, ItemStatus::Incomplete),
            Self::Scripted(StepWork::Tool(step)) => step.ended(&draft, details),
            Self::Approved(call) => mcp_call(draft.id, call, call.ends),
            Self::CutCall {
                name,
                arguments,
                shown,
            } => function_call(draft.id, name, arguments, ItemStatus::Incomplete, shown),
            Self::Scripted(StepWork::FunctionCall {
                name,
                arguments,
                shown,
            }) => function_call(draft.id, name, arguments, ItemStatus::Completed, shown),
            Self::Scripted(StepWork::Hosted(_) | StepWork::McpApproval { .. }) => {
                self.item(&draft, ItemStatus::Completed)
            }
        }
    }

    /// The item without any text of its own.
    fn item(&self, draft: &Draft, status: ItemStatus) -> Item {
        let id = draft.id.clone();
        match self {
            Self::Cut {
                words: Some(words), ..
            } => words.item(draft, 0, status),
            Self::Cut { .. } | Self::Scripted(StepWork::Message { .. }) => said(draft, 0, status),
            Self::CutCall { name, shown, .. }
            | Self::Scripted(StepWork::FunctionCall { name, shown, .. }) => {
                function_call(id, name, &"".into(), status, shown)
            }
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
        if let Self::Approved(call) = self {
            let fields = |key: &str| json!({ key: &*call.arguments });
            say(progress(draft, "mcp_call_arguments.delta", &fields("delta")));
            if call.request.is_some() {
                // As recorded: a call that was approved says twice that it is in progress.
                say(self.progress_event(draft, "in_progress"));
            }
            say(progress(draft, "mcp_call_arguments.done", &fields("arguments")));
        }
    }

    /// The events of piece number `piece` of its text, counted from 1.
    pub(super) fn piece_events(&self, draft: &Draft, piece: u32, say: &mut impl FnMut(Event)) {
        if let Some(words) = self.words() {
            return words.piece_events(draft, piece, say);
        }
        say_delta(draft, draft.piece(piece), say);
    }

    /// The events when the work ends, behind the deltas of its text.
    pub(super) fn end_events(&self, draft: &Draft, item: Item, say: &mut impl FnMut(Event)) {
        let (output, item_id) = (draft.output, || draft.id.clone());
        if let Some(words) = self.words() {
            words.end_events(draft, say);
            return say(Event::ItemDone { output, item });
        }
        match &item {
            Item::Message { text, shown, .. } => {
                say(text_done(draft));
                say(Event::PartDone {
                    output,
                    item_id: item_id(),
                    text: text.clone(),
                    shown: shown.clone(),
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
            Item::McpCall { .. } | Item::Reasoning { .. } | Item::Hosted { .. } => {}
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
            Self::Approved(call) => match call.ends {
                ItemStatus::Failed => (&["in_progress"], &["failed"]),
                ItemStatus::Completed => (&["in_progress"], &["completed"]),
                ItemStatus::InProgress | ItemStatus::Incomplete => (&["in_progress"], &[]),
            },
            Self::Scripted(_) | Self::Cut { .. } | Self::CutCall { .. } => (&[], &[]),
        }
    }

    fn progress_event(&self, draft: &Draft, word: &str) -> Event {
        let tool = match self {
            Self::Scripted(StepWork::Hosted(tool)) => tool,
            Self::Scripted(_) | Self::Approved(_) | Self::Cut { .. } | Self::CutCall { .. } => "mcp_call",
        };
        progress(draft, &format!("{tool}.{word}"), &serde_json::Value::Null)
    }
}

/// A message that says all of its text.
fn said_whole(draft: Draft, status: ItemStatus) -> Item {
    let shown = draft.plain_part(draft.text.len());
    Item::Message {
        id: draft.id,
        text: draft.text,
        status,
        phase: None,
        shown,
    }
}

/// A message that says the first `end` bytes of the text; a whole text is shared, not copied.
fn said(draft: &Draft, end: usize, status: ItemStatus) -> Item {
    let text: Arc<str> = match end == draft.text.len() {
        true => draft.text.clone(),
        false => draft.text[..end].into(),
    };
    let begun = text.is_empty() && status == ItemStatus::InProgress;
    Item::Message {
        id: draft.id.clone(),
        text,
        status,
        phase: None,
        shown: if begun {
            Shown::default()
        } else {
            draft.plain_part(end)
        },
    }
}

fn function_call(
    id: IdText,
    name: &Arc<str>,
    arguments: &Arc<str>,
    status: ItemStatus,
    shown: &Shown,
) -> Item {
    Item::FunctionCall {
        call_id: call_id(&id.text()),
        id,
        name: name.clone(),
        arguments: arguments.clone(),
        status,
        shown: shown.clone(),
    }
}

/// The next piece of a message; none where probabilities are shown and no token ends.
pub(super) fn say_delta(draft: &Draft, bytes: Range<usize>, say: &mut impl FnMut(Event)) {
    if bytes.is_empty() && draft.logprobs.is_some() {
        return;
    }
    say(Event::TextDelta {
        output: draft.output,
        item_id: draft.id.clone(),
        delta: draft.text[bytes.clone()].into(),
        shown: draft.probabilities(bytes),
    });
}

/// The whole text of a message.
pub(super) fn text_done(draft: &Draft) -> Event {
    Event::TextDone {
        output: draft.output,
        item_id: draft.id.clone(),
        text: draft.text.clone(),
        shown: draft.probabilities(0..draft.text.len()),
    }
}

/// What a hosted tool of which a script says no more shows while it runs.
fn hosted_running(tool: &str) -> Shown {
    match tool {
        "file_search_call" => Shown::of(&json!({"status": "searching", "queries": [], "results": null})),
        "web_search_call" => Shown::of(&json!({"status": "searching"})),
        "code_interpreter_call" => Shown::of(&json!({"status": "interpreting", "code": "",
            "container_id": "cntr_1", "outputs": null})),
        _ => Shown::default(),
    }
}

/// A call of an MCP tool that has no answer yet.
fn mcp_running(id: IdText, call: &Approved) -> Item {
    Item::McpCall {
        id,
        server_label: call.server_label.clone(),
        name: call.name.clone(),
        arguments: call.arguments.clone(),
        approval_request_id: call.request.clone(),
        status: ItemStatus::InProgress,
        shown: Shown::of(&json!({"status": "calling", "output": null, "error": null})),
    }
}

/// An item with what the request has it show beside its usual fields.
pub(super) fn including(item: Item, details: Option<&Details>) -> Item {
    match item {
        Item::Message {
            id,
            text,
            status,
            phase,
            shown,
        } if !text.is_empty() => {
            let shown = match details.and_then(Details::logprobs) {
                None => shown,
                Some(wanted) => {
                    let probabilities = logprobs(&id.text(), &text, 0..text.len(), wanted);
                    let plain =
                        json!({"type": "output_text", "annotations": [], "logprobs": [], "text": &*text});
                    let part = if shown.is_empty() {
                        Shown::of(&plain)
                    } else {
                        shown
                    };
                    part.replacing("logprobs", probabilities)
                }
            };
            Item::Message {
                id,
                text,
                status,
                phase,
                shown,
            }
        }
        Item::Reasoning { id, shown }
            if details.is_some_and(|details| details.includes("reasoning.encrypted_content")) =>
        {
            let shown = match shown.is_empty() {
                true => Shown::of(&json!({"summary": []})),
                false => shown,
            };
            let shown = shown.with("encrypted_content", &encrypted(&id.text()).into());
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
fn mcp_call(id: IdText, call: &Approved, status: ItemStatus) -> Item {
    let shown = match (status, &call.output) {
        (ItemStatus::Completed, Some(output)) => Shown::of(&json!({"output": &**output, "error": null})),
        (ItemStatus::Failed, output) => {
            let message = output.as_deref().unwrap_or("Internal Server Error");
            Shown::of(&json!({"output": null, "error": call.error.json(message)}))
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
        } if CLIENT_TOOLS.contains(&&**tool) => Some(call_id(&id.text())),
        _ => None,
    }
}

/// Tools that the client runs.
const CLIENT_TOOLS: [&str; 6] = [
    "custom_tool_call",
    "tool_search_call",
    "computer_call",
    "local_shell_call",
    "shell_call",
    "apply_patch_call",
];

/// About how many tokens a text of so many bytes has.
pub(super) fn tokens_of(bytes: usize) -> u32 {
    u32::try_from(bytes / 4 + 1).unwrap_or(u32::MAX)
}
