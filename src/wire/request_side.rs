//! The bodies and queries of the endpoints beside the life of a response.

use std::sync::Arc;

use serde_json::Value;
use serde_json::value::RawValue;

use super::request::INCLUDES;
use super::request_field::{FieldSet, body_fields, field_set, list, metadata};
use super::request_input::read_input;
use super::{ApiError, StoredItem};

/// Most items that one call adds to a conversation.
const ITEMS_MAX: usize = 20;

field_set! {
    /// The fields of a new conversation.
    NewFields {
        items = "items",
        metadata = "metadata",
    }
}

field_set! {
    /// The fields of a change of metadata.
    ChangeFields {
        metadata = "metadata",
    }
}

field_set! {
    /// The fields of new items.
    AddFields {
        items = "items",
    }
}

/// Reads the body of `POST /v1/conversations`: its metadata, as JSON, and its items.
///
/// # Errors
/// The 400 of the contract, with the parameter at fault.
pub fn parse_new_conversation(body: &[u8]) -> Result<(Arc<str>, Arc<[StoredItem]>), ApiError> {
    let body = if body.is_empty() { b"{}" } else { body };
    let found: NewFields<'_> = body_fields(body)?;
    Ok((checked_metadata(found.metadata)?, checked_items(found.items)?))
}

/// Reads the body of `POST /v1/conversations/{id}`: metadata, as JSON.
///
/// # Errors
/// The 400 of the contract, with the parameter at fault.
pub fn parse_metadata(body: &[u8]) -> Result<Arc<str>, ApiError> {
    let found: ChangeFields<'_> = body_fields(body)?;
    if found.metadata.is_none() {
        return Err(ApiError::missing_parameter("metadata"));
    }
    checked_metadata(found.metadata)
}

/// Reads the body of `POST /v1/conversations/{id}/items`.
///
/// # Errors
/// The 400 of the contract, with the parameter at fault.
pub fn parse_items(body: &[u8]) -> Result<Arc<[StoredItem]>, ApiError> {
    let found: AddFields<'_> = body_fields(body)?;
    if found.items.is_none() {
        return Err(ApiError::missing_parameter("items"));
    }
    checked_items(found.items)
}

/// Checks one value of the query `include[]`.
///
/// # Errors
/// 400 `invalid_value` for a word that the contract does not list.
pub fn check_include(word: &str, place: usize) -> Result<(), ApiError> {
    match INCLUDES.contains(&word) {
        true => Ok(()),
        false => Err(ApiError::invalid_value(
            &format!("include[{place}]"),
            word,
            &INCLUDES,
        )),
    }
}

fn checked_metadata(raw: Option<&RawValue>) -> Result<Arc<str>, ApiError> {
    let Some(raw) = raw else {
        return Ok("{}".into());
    };
    metadata(raw)?;
    Ok(raw.get().into())
}

fn checked_items(raw: Option<&RawValue>) -> Result<Arc<[StoredItem]>, ApiError> {
    let Some(raw) = raw else {
        return Ok(Arc::from([]));
    };
    read_input(raw)?;
    let items = list(raw, format_args!("items"))?;
    if items.len() > ITEMS_MAX {
        return Err(ApiError::array_too_long("items", ITEMS_MAX, items.len()));
    }
    Ok(stored_items(raw.get()).into())
}

/// The items of an input as they are listed: messages in full form, each with its status; ids where they have any.
#[must_use]
pub fn stored_items(list: &str) -> Vec<StoredItem> {
    let items: Vec<Value> = serde_json::from_str(list).unwrap_or_default();
    items.into_iter().map(stored_item).collect()
}

/// The one item of an input that is a plain text.
#[must_use]
pub fn stored_text(text: &str) -> StoredItem {
    stored_item(serde_json::json!({"role": "user", "content": text}))
}

fn stored_item(mut item: Value) -> StoredItem {
    let Some(fields) = item.as_object_mut() else {
        let (id, json) = ("".into(), item.to_string().into());
        return StoredItem { id, json };
    };
    let kind = fields.entry("type").or_insert_with(|| "message".into()).clone();
    if kind == "message"
        && let Some(text) = fields["content"].as_str().map(str::to_owned)
    {
        let part = match fields["role"].as_str() {
            Some("assistant") => {
                serde_json::json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
            }
            _ => serde_json::json!({"type": "input_text", "text": text}),
        };
        fields.insert("content".to_owned(), Value::Array(vec![part]));
    }
    if kind == "shell_call_output" {
        fields.entry("max_output_length").or_insert(Value::Null);
    }
    if kind != "item_reference" && kind != "mcp_approval_response" && kind != "reasoning" {
        fields.entry("status").or_insert_with(|| "completed".into());
    }
    let id = fields
        .get("id")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .into();
    StoredItem {
        id,
        json: item.to_string().into(),
    }
}

impl StoredItem {
    /// The same item under an id; one that it has already stays.
    #[must_use]
    pub fn named(self, id: impl FnOnce() -> Arc<str>) -> Self {
        if !self.id.is_empty() {
            return self;
        }
        let id = id();
        let mut item: Value = serde_json::from_str(&self.json).unwrap_or_default();
        item["id"] = Value::from(&*id);
        StoredItem {
            id,
            json: item.to_string().into(),
        }
    }

    /// Whether it is a message of the user.
    #[must_use]
    pub fn is_of_user(&self) -> bool {
        let item: Value = serde_json::from_str(&self.json).unwrap_or_default();
        item["type"] == "message" && item["role"] == "user"
    }

    /// Whether it lists the tools of this MCP server.
    #[must_use]
    pub fn lists_tools_of(&self, label: &str) -> bool {
        if !self.json.contains("mcp_list_tools") {
            return false;
        }
        let item: Value = serde_json::from_str(&self.json).unwrap_or_default();
        item["type"] == "mcp_list_tools" && item["server_label"] == label && item["error"].is_null()
    }

    /// An item that a response put out.
    #[must_use]
    pub fn of_output(item: &super::Item) -> Self {
        let mut json = Vec::new();
        super::json_item::put_item(&mut json, item);
        let value: Value = serde_json::from_slice(&json).unwrap_or_default();
        StoredItem {
            id: value["id"].as_str().unwrap_or_default().into(),
            json: String::from_utf8_lossy(&json).into(),
        }
    }
}
