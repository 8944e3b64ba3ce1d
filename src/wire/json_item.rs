//! The JSON face of output items.

use std::sync::Arc;

use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::json_out::{key, pair_text, put, put_raw};
use super::read::{Loose, Text};
use super::{IdText, Item, ItemStatus, Phase, Shown};

/// Appends a list of items.
pub(super) fn put_items(out: &mut Vec<u8>, items: &[Item]) {
    out.push(b'[');
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        put_item(out, item);
    }
    out.push(b']');
}

/// A message that has just begun has no content yet.
fn put_message(
    out: &mut Vec<u8>,
    id: &str,
    text: &str,
    status: ItemStatus,
    phase: Option<Phase>,
    shown: &Shown,
) {
    pair_text(out, "{\"id\":", id);
    put_raw(out, key!("type"));
    put_raw(out, "\"message\"");
    pair_text(out, key!("status"), status_word(status));
    put_raw(out, key!("role"));
    put_raw(out, "\"assistant\"");
    if let Some(phase) = phase {
        pair_text(out, key!("phase"), phase.word());
    }
    put_raw(out, key!("content"));
    out.push(b'[');
    if status != ItemStatus::InProgress || !text.is_empty() {
        put_part(out, text, shown);
    }
    put_raw(out, "]}");
}

/// Appends a content part: what it shows of itself, or plain text.
pub(super) fn put_part(out: &mut Vec<u8>, text: &str, shown: &Shown) {
    if let Some(pairs) = shown.pairs() {
        out.push(b'{');
        put_raw(out, pairs);
        return out.push(b'}');
    }
    put_raw(out, "{\"type\":\"output_text\"");
    put_raw(out, key!("annotations"));
    put_raw(out, "[]");
    put_raw(out, key!("logprobs"));
    put_raw(out, "[]");
    pair_text(out, key!("text"), text);
    out.push(b'}');
}

#[derive(Serialize)]
struct ReasoningOut<'a> {
    id: &'a str,
    r#type: &'static str,
    summary: [u8; 0],
}

#[derive(Serialize)]
struct FunctionCallOut<'a> {
    id: &'a str,
    r#type: &'static str,
    status: &'static str,
    arguments: &'a str,
    call_id: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
struct ApprovalRequestOut<'a> {
    id: &'a str,
    r#type: &'static str,
    arguments: &'a str,
    name: &'a str,
    server_label: &'a str,
}

#[derive(Serialize)]
struct McpCallOut<'a> {
    id: &'a str,
    r#type: &'static str,
    status: &'static str,
    approval_request_id: Option<&'a str>,
    arguments: &'a str,
    error: Option<McpErrorOut>,
    name: &'a str,
    output: Option<&'static str>,
    server_label: &'a str,
}

#[derive(Serialize)]
struct McpErrorOut {
    r#type: &'static str,
    code: u16,
    message: &'static str,
}

#[derive(Serialize)]
struct FileSearchOut<'a> {
    id: &'a str,
    r#type: &'a str,
    status: &'static str,
    queries: [u8; 0],
    results: Option<u8>,
}

#[derive(Serialize)]
struct WebSearchOut<'a> {
    id: &'a str,
    r#type: &'a str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<SearchOut>,
}

#[derive(Serialize)]
struct SearchOut {
    r#type: &'static str,
    query: &'static str,
    queries: [u8; 0],
}

#[derive(Serialize)]
struct CodeInterpreterOut<'a> {
    id: &'a str,
    r#type: &'a str,
    status: &'static str,
    code: &'static str,
    container_id: &'static str,
    outputs: Option<u8>,
}

#[derive(Serialize)]
struct OtherOut<'a> {
    id: &'a str,
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_label: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<[u8; 0]>,
}

/// Appends an item.
pub(super) fn put_item(out: &mut Vec<u8>, item: &Item) {
    let id = item.id().text();
    let id = &*id;
    match item {
        Item::Message {
            text,
            status,
            phase,
            shown,
            ..
        } => put_message(out, id, text, *status, *phase, shown),
        Item::Reasoning { shown, .. } if !shown.is_empty() => {
            put_shown(out, id, "reasoning", &Shown::default(), shown)
        }
        Item::Reasoning { .. } => put(
            out,
            &ReasoningOut {
                id,
                r#type: "reasoning",
                summary: [],
            },
        ),
        Item::FunctionCall {
            call_id,
            name,
            arguments,
            status,
            shown,
            ..
        } => {
            let (r#type, status) = ("function_call", status_word(*status));
            put(
                out,
                &FunctionCallOut {
                    id,
                    r#type,
                    status,
                    arguments,
                    call_id,
                    name,
                },
            );
            put_more(out, shown);
        }
        Item::McpApprovalRequest {
            server_label,
            name,
            arguments,
            ..
        } => {
            let r#type = "mcp_approval_request";
            put(
                out,
                &ApprovalRequestOut {
                    id,
                    r#type,
                    arguments,
                    name,
                    server_label,
                },
            )
        }
        Item::McpCall {
            server_label,
            name,
            arguments,
            approval_request_id,
            status,
            shown,
            ..
        } if shown.pairs().is_some() => put_shown(
            out,
            id,
            "mcp_call",
            &Shown::of(&serde_json::json!({
                "approval_request_id": approval_request_id.as_deref(),
                "arguments": &**arguments, "name": &**name, "server_label": &**server_label,
            })),
            &shown.with("status", &status_word(*status).into()),
        ),
        Item::McpCall {
            server_label,
            name,
            arguments,
            approval_request_id,
            status,
            shown: _,
            ..
        } => put(
            out,
            &McpCallOut {
                id,
                r#type: "mcp_call",
                status: status_word(*status),
                approval_request_id: approval_request_id.as_deref(),
                arguments,
                error: (*status == ItemStatus::Failed).then_some(McpErrorOut {
                    r#type: "http_error",
                    code: 500,
                    message: "Internal Server Error",
                }),
                name,
                output: (*status == ItemStatus::Completed).then_some(""),
                server_label,
            },
        ),
        Item::Hosted { tool, shown, .. } if shown.pairs().is_some() => {
            put_shown(out, id, tool, &Shown::default(), shown)
        }
        Item::Hosted { tool, status, .. } => put_hosted(out, id, tool, *status),
    }
}

/// An item that knows what it shows.
fn put_shown(out: &mut Vec<u8>, id: &str, kind: &str, first: &Shown, second: &Shown) {
    pair_text(out, "{\"id\":", id);
    pair_text(out, key!("type"), kind);
    for pairs in [first, second].into_iter().filter_map(Shown::pairs) {
        out.push(b',');
        put_raw(out, pairs);
    }
    out.push(b'}');
}

/// Appends what an object that stands at the end shows beside its fields.
fn put_more(out: &mut Vec<u8>, shown: &Shown) {
    if let Some(pairs) = shown.pairs() {
        out.pop();
        out.push(b',');
        put_raw(out, pairs);
        out.push(b'}');
    }
}

fn put_hosted(out: &mut Vec<u8>, id: &str, tool: &str, status: ItemStatus) {
    let word = status_word(status);
    let (r#type, ended) = (tool, status != ItemStatus::InProgress);
    match tool {
        "file_search_call" => put(
            out,
            &FileSearchOut {
                id,
                r#type,
                status: word,
                queries: [],
                results: None,
            },
        ),
        "web_search_call" => {
            let action = ended.then_some(SearchOut {
                r#type: "search",
                query: "",
                queries: [],
            });
            put(
                out,
                &WebSearchOut {
                    id,
                    r#type,
                    status: word,
                    action,
                },
            )
        }
        "code_interpreter_call" => {
            let (code, container_id) = ("", "cntr_1");
            put(
                out,
                &CodeInterpreterOut {
                    id,
                    r#type,
                    status: word,
                    code,
                    container_id,
                    outputs: None,
                },
            )
        }
        // The contract has no status on this one, and a list that was read in full does not need it.
        "mcp_list_tools" => {
            let status = (status != ItemStatus::Completed).then_some(word);
            put(
                out,
                &OtherOut {
                    id,
                    r#type,
                    status,
                    server_label: Some(""),
                    tools: Some([]),
                },
            )
        }
        _ => put(
            out,
            &OtherOut {
                id,
                r#type,
                status: Some(word),
                server_label: None,
                tools: None,
            },
        ),
    }
}

const fn status_word(status: ItemStatus) -> &'static str {
    match status {
        ItemStatus::InProgress => "in_progress",
        ItemStatus::Completed => "completed",
        ItemStatus::Incomplete => "incomplete",
        ItemStatus::Failed => "failed",
    }
}

/// An item as it is read.
pub(super) struct ItemIn(pub(super) Item);

/// Every field that some item has. Types are not held against it: what one item type calls `arguments` is an
/// object in another.
#[derive(Deserialize)]
struct AnyItem {
    r#type: Text,
    #[serde(default)]
    id: Loose<IdText>,
    #[serde(default)]
    status: Loose,
    #[serde(default)]
    content: Content,
    #[serde(default)]
    phase: Loose,
    #[serde(default)]
    call_id: Loose,
    #[serde(default)]
    name: Loose,
    #[serde(default)]
    arguments: Loose,
    #[serde(default)]
    server_label: Loose,
    #[serde(default)]
    approval_request_id: Loose,
}

/// The text of a message: its parts of text and refusal, joined.
#[derive(Default)]
pub(super) struct Content(pub(super) Option<Arc<str>>);

/// The text of one content part.
#[derive(Deserialize)]
pub(super) struct PartIn {
    #[serde(default)]
    text: Loose,
    #[serde(default)]
    refusal: Loose,
}

impl PartIn {
    /// Text or refusal, whichever it holds.
    pub(super) fn into_text(self) -> Option<Arc<str>> {
        self.text.0.or(self.refusal.0)
    }
}

impl<'de> Deserialize<'de> for ItemIn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let item = AnyItem::deserialize(deserializer)?;
        item.read()
            .map(ItemIn)
            .ok_or_else(|| D::Error::custom("an item without a field that it needs"))
    }
}

impl AnyItem {
    /// The item; `None` if it lacks what its type cannot do without.
    fn read(self) -> Option<Item> {
        let id = self.id.0.unwrap_or_else(|| "".into());
        let status = read_status(self.status.0.as_deref());
        Some(match &*self.r#type.0 {
            "message" => Item::Message {
                id,
                text: self.content.0.unwrap_or_else(|| "".into()),
                status,
                phase: read_phase(self.phase.0.as_deref()),
                shown: Shown::default(),
            },
            "reasoning" => Item::Reasoning {
                id,
                shown: Shown::default(),
            },
            "function_call" => {
                let (call_id, name, arguments) = (self.call_id.0?, self.name.0?, self.arguments.0?);
                Item::FunctionCall {
                    id,
                    call_id,
                    name,
                    arguments,
                    status,
                    shown: Shown::default(),
                }
            }
            "mcp_approval_request" if id.is_empty() => return None,
            "mcp_approval_request" => {
                let (server_label, name, arguments) = (self.server_label.0?, self.name.0?, self.arguments.0?);
                Item::McpApprovalRequest {
                    id,
                    server_label,
                    name,
                    arguments,
                }
            }
            "mcp_call" => {
                let (server_label, name, arguments) = (self.server_label.0?, self.name.0?, self.arguments.0?);
                let approval_request_id = self.approval_request_id.0;
                Item::McpCall {
                    id,
                    server_label,
                    name,
                    arguments,
                    approval_request_id,
                    status,
                    shown: Shown::default(),
                }
            }
            _ => Item::Hosted {
                id,
                tool: self.r#type.0,
                status,
                shown: Shown::default(),
            },
        })
    }
}

/// A word that nobody knows says nothing.
fn read_phase(word: Option<&str>) -> Option<Phase> {
    Phase::ALL.into_iter().find(|phase| Some(phase.word()) == word)
}

/// A missing status means whole. An unknown word means cut off, so that nothing is done on its strength.
fn read_status(word: Option<&str>) -> ItemStatus {
    match word {
        None | Some("completed") => ItemStatus::Completed,
        Some("in_progress" | "searching" | "interpreting" | "generating" | "calling") => {
            ItemStatus::InProgress
        }
        Some("failed") => ItemStatus::Failed,
        Some(_) => ItemStatus::Incomplete,
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ContentVisitor;
        impl<'de> Visitor<'de> for ContentVisitor {
            type Value = Content;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list of parts")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Content, E> {
                Ok(Content(Some(text.into())))
            }
            fn visit_unit<E: Error>(self) -> Result<Content, E> {
                Ok(Content(None))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Content, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Content(None))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Content, A::Error> {
                let (mut first, mut joined) = (None, String::new());
                while let Some(part) = seq.next_element::<PartIn>()? {
                    match (part.into_text(), &first) {
                        (None, _) => {}
                        (Some(text), None) => first = Some(text),
                        (Some(text), Some(first)) => {
                            if joined.is_empty() {
                                joined.push_str(first);
                            }
                            joined.push_str(&text);
                        }
                    }
                }
                Ok(Content(if joined.is_empty() {
                    first
                } else {
                    Some(joined.into())
                }))
            }
        }
        deserializer.deserialize_any(ContentVisitor)
    }
}
