//! The JSON face of stream events.

use std::sync::Arc;

use serde::Deserialize;

use super::echo::Echo;
use super::json_error::{Code, ErrorIn, ErrorOut};
use super::json_item::{ItemIn, PartIn, put_item, put_part};
use super::json_out::{key, pair_number, pair_text, put, put_raw};
use super::json_response::{ResponseIn, render_response};
use super::read::{Count, Loose, Word};
use super::{Event, IdText, Item, Response, Shown, StreamEvent};

/// How an `error` event is written: captures show the first form, the published description the second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorShape {
    /// `code` and `message` inside an `error` object.
    #[default]
    Nested,
    /// `code` and `message` beside the type.
    Flat,
}

/// Why data of a stream are no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// The data are not what the contract says.
    #[error("the data of the event are not readable")]
    Unreadable,
    /// The event has no number, as in old captures; a reader may count for itself.
    #[error("the event has no sequence number")]
    Unnumbered(Box<Event>),
}

/// Appends an event as one frame: event line, data line, blank line.
///
/// - `obfuscation`: padding; only delta events carry it.
pub fn render_event(
    event: &StreamEvent,
    echo: &Echo,
    shape: ErrorShape,
    obfuscation: Option<&str>,
    out: &mut Vec<u8>,
) {
    let name = event.event.name();
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    match event.event.response() {
        Some(response) => render_life_cycle(name, event.seq, response, echo, out),
        None => {
            PieceOut::of(event, shape, obfuscation).write(out);
            if let Event::Progress { shown, .. } = &event.event
                && let Some(pairs) = shown.pairs()
            {
                out.pop();
                out.push(b',');
                out.extend_from_slice(pairs.as_bytes());
                out.push(b'}');
            }
        }
    }
    out.extend_from_slice(b"\n\n");
}

/// Reads the data of a frame.
///
/// - `name`: the text of its event line; may be empty or wrong, since the type in the data decides if there is one.
///
/// # Errors
/// [`EventError`]; an event of an unknown type is none.
pub fn parse_event(name: &str, data: &[u8]) -> Result<StreamEvent, EventError> {
    if !name.is_empty()
        && let Some(found) = read_as(name, data)
    {
        return found;
    }
    let head: Head<'_> = serde_json::from_slice(data).map_err(|_| EventError::Unreadable)?;
    match head.r#type {
        Some(Word(declared)) if declared != name => read_as(&declared, data).ok_or(EventError::Unreadable)?,
        _ => Err(EventError::Unreadable),
    }
}

impl Event {
    /// The name on the wire.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Created(_) => "response.created",
            Self::Queued(_) => "response.queued",
            Self::InProgress(_) => "response.in_progress",
            Self::ItemAdded { .. } => "response.output_item.added",
            Self::PartAdded { .. } => "response.content_part.added",
            Self::TextDelta { .. } => "response.output_text.delta",
            Self::TextDone { .. } => "response.output_text.done",
            Self::PartDone { .. } => "response.content_part.done",
            Self::ArgumentsDelta { .. } => "response.function_call_arguments.delta",
            Self::ArgumentsDone { .. } => "response.function_call_arguments.done",
            Self::ItemDone { .. } => "response.output_item.done",
            Self::Completed(_) => "response.completed",
            Self::Failed(_) => "response.failed",
            Self::Incomplete(_) => "response.incomplete",
            Self::Error { .. } => "error",
            Self::Keepalive => "keepalive",
            Self::Progress { name, .. } | Self::Unknown { name } => name,
        }
    }
}

/// Events of the contract that move an item on without a variant of their own.
const PROGRESS: [&str; 46] = [
    "response.output_text.annotation.added",
    "response.refusal.delta",
    "response.refusal.done",
    "response.reasoning_text.delta",
    "response.reasoning_text.done",
    "response.reasoning_summary_part.added",
    "response.reasoning_summary_part.done",
    "response.reasoning_summary_text.delta",
    "response.reasoning_summary_text.done",
    "response.custom_tool_call_input.delta",
    "response.custom_tool_call_input.done",
    "response.file_search_call.in_progress",
    "response.file_search_call.searching",
    "response.file_search_call.completed",
    "response.web_search_call.in_progress",
    "response.web_search_call.searching",
    "response.web_search_call.completed",
    "response.code_interpreter_call.in_progress",
    "response.code_interpreter_call.interpreting",
    "response.code_interpreter_call.completed",
    "response.code_interpreter_call_code.delta",
    "response.code_interpreter_call_code.done",
    "response.image_generation_call.in_progress",
    "response.image_generation_call.generating",
    "response.image_generation_call.completed",
    "response.image_generation_call.partial_image",
    "response.mcp_list_tools.in_progress",
    "response.mcp_list_tools.completed",
    "response.mcp_list_tools.failed",
    "response.mcp_call.in_progress",
    "response.mcp_call.completed",
    "response.mcp_call.failed",
    "response.mcp_call_arguments.delta",
    "response.mcp_call_arguments.done",
    "response.shell_call_command.added",
    "response.shell_call_command.delta",
    "response.shell_call_command.done",
    "response.shell_call_output_content.delta",
    "response.shell_call_output_content.done",
    "response.apply_patch_call_operation_diff.delta",
    "response.apply_patch_call_operation_diff.done",
    "response.compaction.compacting",
    "response.audio.delta",
    "response.audio.done",
    "response.audio.transcript.delta",
    "response.audio.transcript.done",
];

/// How the names of events about speech begin.
const AUDIO: &str = "response.audio.";

fn render_life_cycle(name: &str, seq: u64, response: &Response, echo: &Echo, out: &mut Vec<u8>) {
    pair_text(out, "{\"type\":", name);
    put_raw(out, key!("response"));
    render_response(response, echo, out);
    pair_number(out, key!("sequence_number"), seq);
    out.push(b'}');
}

/// Every field that some event without a response has; each is written only where it stands.
#[derive(Default)]
struct PieceOut<'a> {
    kind: &'a str,
    item_id: Option<&'a IdText>,
    output_index: Option<u32>,
    content_index: Option<u32>,
    delta: Option<&'a str>,
    text: Option<&'a str>,
    arguments: Option<&'a str>,
    logprobs: Logprobs<'a>,
    item: Option<&'a Item>,
    part: Option<(&'a str, &'a Shown)>,
    /// Code and words of a flat error; no code is `null`.
    flat: Option<(Option<&'a str>, &'a str)>,
    error: Option<ErrorOut<'a>>,
    seq: u64,
    obfuscation: Option<&'a str>,
}

/// What an event says about the probabilities of its tokens.
#[derive(Clone, Copy, Default)]
enum Logprobs<'a> {
    #[default]
    Unsaid,
    /// The list; an empty one where nothing is shown.
    Said(&'a Shown),
}

impl<'a> PieceOut<'a> {
    fn of(event: &'a StreamEvent, shape: ErrorShape, obfuscation: Option<&'a str>) -> Self {
        let base = Self {
            kind: event.event.name(),
            seq: event.seq,
            ..Self::default()
        };
        match &event.event {
            Event::ItemAdded { output, item } | Event::ItemDone { output, item } => Self {
                output_index: Some(*output),
                item: Some(item),
                ..base
            },
            Event::PartAdded {
                output,
                item_id,
                shown,
            } => Self {
                part: Some(("", shown)),
                ..base.in_text(*output, item_id)
            },
            Event::PartDone {
                output,
                item_id,
                text,
                shown,
            } => Self {
                part: Some((text, shown)),
                ..base.in_text(*output, item_id)
            },
            Event::TextDelta {
                output,
                item_id,
                delta,
                shown,
            } => Self {
                delta: Some(delta),
                logprobs: Logprobs::Said(shown),
                obfuscation,
                ..base.in_text(*output, item_id)
            },
            Event::TextDone {
                output,
                item_id,
                text,
                shown,
            } => Self {
                text: Some(text),
                logprobs: Logprobs::Said(shown),
                ..base.in_text(*output, item_id)
            },
            Event::ArgumentsDelta {
                output,
                item_id,
                delta,
            } => Self {
                delta: Some(delta),
                obfuscation,
                ..base.in_item(*output, item_id)
            },
            Event::ArgumentsDone {
                output,
                item_id,
                arguments,
            } => Self {
                arguments: Some(arguments),
                ..base.in_item(*output, item_id)
            },
            // Speech is about the response, not about an item of it.
            Event::Progress { name, .. } if name.starts_with(AUDIO) => Self {
                obfuscation: obfuscation.filter(|_| name.ends_with(".delta")),
                ..base
            },
            Event::Progress { output, item_id, .. } => Self {
                item_id: Some(item_id).filter(|id| !id.is_empty()),
                obfuscation: obfuscation.filter(|_| event.event.name().ends_with(".delta")),
                ..base.in_item(*output, item_id)
            },
            Event::Error { code, message } => base.with_error(code, message, shape),
            Event::Keepalive | Event::Unknown { .. } => base,
            Event::Created(_)
            | Event::Queued(_)
            | Event::InProgress(_)
            | Event::Completed(_)
            | Event::Failed(_)
            | Event::Incomplete(_) => base,
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        let text = |out: &mut Vec<u8>, key, text: Option<&str>| {
            if let Some(text) = text {
                pair_text(out, key, text);
            }
        };
        pair_text(out, "{\"type\":", self.kind);
        if let Some(id) = self.item_id {
            pair_text(out, key!("item_id"), &id.text());
        }
        if let Some(index) = self.output_index {
            pair_number(out, key!("output_index"), index);
        }
        if let Some(index) = self.content_index {
            pair_number(out, key!("content_index"), index);
        }
        text(out, key!("delta"), self.delta);
        text(out, key!("text"), self.text);
        text(out, key!("arguments"), self.arguments);
        if let Logprobs::Said(shown) = self.logprobs {
            out.push(b',');
            put_raw(out, shown.pairs().unwrap_or("\"logprobs\":[]"));
        }
        if let Some(item) = self.item {
            put_raw(out, key!("item"));
            put_item(out, item);
        }
        if let Some((text, shown)) = self.part {
            put_raw(out, key!("part"));
            put_part(out, text, shown);
        }
        if let Some((code, message)) = self.flat {
            put_raw(out, key!("code"));
            put(out, &code);
            pair_text(out, key!("message"), message);
            put_raw(out, key!("param"));
            put_raw(out, "null");
        }
        if let Some(error) = &self.error {
            put_raw(out, key!("error"));
            put(out, error);
        }
        pair_number(out, key!("sequence_number"), self.seq);
        text(out, key!("obfuscation"), self.obfuscation);
        out.push(b'}');
    }

    fn in_item(self, output: u32, item_id: &'a IdText) -> Self {
        Self {
            item_id: Some(item_id),
            output_index: Some(output),
            ..self
        }
    }

    fn in_text(self, output: u32, item_id: &'a IdText) -> Self {
        Self {
            content_index: Some(0),
            ..self.in_item(output, item_id)
        }
    }

    /// An error without a code says `null`.
    fn with_error(self, code: &'a str, message: &'a str, shape: ErrorShape) -> Self {
        match shape {
            ErrorShape::Nested => Self {
                error: Some(ErrorOut::in_stream(code, message)),
                ..self
            },
            ErrorShape::Flat => Self {
                flat: Some(((!code.is_empty()).then_some(code), message)),
                ..self
            },
        }
    }
}

/// The type and the number, which every event has.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, default)]
    r#type: Option<Word<'a>>,
    #[serde(default)]
    sequence_number: Count,
}

#[derive(Deserialize)]
struct LifeCycleIn<'a> {
    #[serde(borrow, default)]
    r#type: Option<Word<'a>>,
    #[serde(default)]
    sequence_number: Count,
    response: ResponseIn,
}

/// Every field of the events that carry a piece of an item.
#[derive(Deserialize)]
struct PieceIn<'a> {
    #[serde(borrow, default)]
    r#type: Option<Word<'a>>,
    #[serde(default)]
    sequence_number: Count,
    #[serde(default)]
    output_index: Count,
    #[serde(default)]
    item_id: Loose<IdText>,
    #[serde(default)]
    delta: Loose,
    #[serde(default)]
    text: Loose,
    #[serde(default)]
    arguments: Loose,
    #[serde(default)]
    item: Option<ItemIn>,
    #[serde(default)]
    part: Option<PartIn>,
}

/// The place of an event whose other fields nobody needs.
#[derive(Deserialize)]
struct ProgressIn<'a> {
    #[serde(borrow, default)]
    r#type: Option<Word<'a>>,
    #[serde(default)]
    sequence_number: Count,
    #[serde(default)]
    output_index: Count,
    #[serde(default)]
    item_id: Loose<IdText>,
}

#[derive(Deserialize)]
struct ErrorEventIn<'a> {
    #[serde(borrow, default)]
    r#type: Option<Word<'a>>,
    #[serde(default)]
    sequence_number: Count,
    #[serde(default)]
    code: Code,
    #[serde(default)]
    message: Loose,
    #[serde(default)]
    error: Option<ErrorIn>,
}

/// Reads data as an event of type `name`; `None` if they are unreadable or call themselves something else.
fn read_as(name: &str, data: &[u8]) -> Option<Result<StreamEvent, EventError>> {
    let (declared, seq, event) = match name {
        "response.created" => life_cycle(data, Event::Created),
        "response.queued" => life_cycle(data, Event::Queued),
        "response.in_progress" => life_cycle(data, Event::InProgress),
        "response.completed" => life_cycle(data, Event::Completed),
        "response.failed" => life_cycle(data, Event::Failed),
        "response.incomplete" => life_cycle(data, Event::Incomplete),
        "response.output_item.added"
        | "response.output_item.done"
        | "response.content_part.added"
        | "response.content_part.done"
        | "response.output_text.delta"
        | "response.output_text.done"
        | "response.function_call_arguments.delta"
        | "response.function_call_arguments.done" => piece(name, data),
        "error" => error(data),
        _ if PROGRESS.contains(&name) => progress(name, data),
        _ => other(name, data),
    }?;
    if declared.is_some_and(|declared| declared.0 != name) {
        return None;
    }
    Some(match seq.0 {
        Some(seq) => Ok(StreamEvent { seq, event }),
        None => Err(EventError::Unnumbered(Box::new(event))),
    })
}

/// What data say about themselves, and the event in them.
type Found<'a> = Option<(Option<Word<'a>>, Count, Event)>;

fn life_cycle(data: &[u8], wrap: impl Fn(Arc<Response>) -> Event) -> Found<'_> {
    let found: LifeCycleIn<'_> = serde_json::from_slice(data).ok()?;
    let response = Response::from(found.response);
    Some((found.r#type, found.sequence_number, wrap(response.into())))
}

fn piece<'a>(name: &str, data: &'a [u8]) -> Found<'a> {
    let found: PieceIn<'_> = serde_json::from_slice(data).ok()?;
    let output = index(found.output_index);
    let item_id = id_or_empty(found.item_id);
    let event = match name {
        "response.output_item.added" => Event::ItemAdded {
            output,
            item: found.item?.0,
        },
        "response.output_item.done" => Event::ItemDone {
            output,
            item: found.item?.0,
        },
        "response.content_part.added" => Event::PartAdded {
            output,
            item_id,
            shown: Shown::default(),
        },
        "response.content_part.done" => {
            let text = found.part?.into_text().unwrap_or_else(|| "".into());
            Event::PartDone {
                output,
                item_id,
                text,
                shown: Shown::default(),
            }
        }
        "response.output_text.delta" => Event::TextDelta {
            output,
            item_id,
            delta: found.delta.0?,
            shown: Shown::default(),
        },
        "response.output_text.done" => Event::TextDone {
            output,
            item_id,
            text: found.text.0?,
            shown: Shown::default(),
        },
        "response.function_call_arguments.delta" => Event::ArgumentsDelta {
            output,
            item_id,
            delta: found.delta.0?,
        },
        _ => Event::ArgumentsDone {
            output,
            item_id,
            arguments: found.arguments.0?,
        },
    };
    Some((found.r#type, found.sequence_number, event))
}

fn progress<'a>(name: &str, data: &'a [u8]) -> Found<'a> {
    let found: ProgressIn<'_> = serde_json::from_slice(data).ok()?;
    let (output, item_id) = (index(found.output_index), id_or_empty(found.item_id));
    Some((
        found.r#type,
        found.sequence_number,
        Event::Progress {
            name: name.into(),
            output,
            item_id,
            shown: Shown::default(),
        },
    ))
}

fn id_or_empty(id: Loose<IdText>) -> IdText {
    id.0.unwrap_or_else(|| "".into())
}

/// Both shapes of an error: the object wins where both stand.
fn error(data: &[u8]) -> Found<'_> {
    let found: ErrorEventIn<'_> = serde_json::from_slice(data).ok()?;
    let (code, message): (Option<Arc<str>>, Option<Arc<str>>) = match found.error {
        Some(ErrorIn::Fields(fields)) => (fields.code.or(fields.kind), fields.message),
        Some(ErrorIn::Text(text)) => (found.code.0, Some(text)),
        None => (found.code.0, found.message.0),
    };
    let event = Event::Error {
        code: code.unwrap_or_else(|| "".into()),
        message: message.unwrap_or_else(|| "".into()),
    };
    Some((found.r#type, found.sequence_number, event))
}

fn other<'a>(name: &str, data: &'a [u8]) -> Found<'a> {
    let found: Head<'_> = serde_json::from_slice(data).ok()?;
    let event = match name {
        "keepalive" => Event::Keepalive,
        _ => Event::Unknown { name: name.into() },
    };
    Some((found.r#type, found.sequence_number, event))
}

fn index(count: Count) -> u32 {
    u32::try_from(count.0.unwrap_or(0)).unwrap_or(u32::MAX)
}
