//! The input and the tools of a create request.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::request_field::{FieldSet, Unlisted, boolean, compact, field_set, fields, list, short_text, text};
use super::request_field::{tool_name, type_name, word};
use super::{ApiError, InputItem, Phase};

/// Roles of a message.
const ROLES: [&str; 4] = ["user", "assistant", "system", "developer"];

/// Types of content parts.
const PARTS: [&str; 8] = [
    "input_text",
    "input_image",
    "input_file",
    "input_audio",
    "output_text",
    "refusal",
    "summary_text",
    "reasoning_text",
];

/// Item types that are sent again, or that only matter to the model.
const REPLAYED: [&str; 28] = [
    "reasoning",
    "function_call",
    "custom_tool_call",
    "custom_tool_call_output",
    "web_search_call",
    "file_search_call",
    "code_interpreter_call",
    "image_generation_call",
    "computer_call",
    "computer_call_output",
    "mcp_list_tools",
    "mcp_call",
    "mcp_approval_request",
    "local_shell_call",
    "local_shell_call_output",
    "shell_call",
    "shell_call_output",
    "apply_patch_call",
    "apply_patch_call_output",
    "tool_search_call",
    "tool_search_output",
    "item_reference",
    "compaction",
    "compaction_trigger",
    "additional_tools",
    "program",
    "program_output",
    "configuration_update",
];

field_set! {
    /// The fields of an input item that matter here.
    ItemFields {
        kind = "type",
        role = "role",
        content = "content",
        id = "id",
        call_id = "call_id",
        output = "output",
        approval_request_id = "approval_request_id",
        approve = "approve",
        reason = "reason",
        phase = "phase",
        status = "status",
        encrypted_content = "encrypted_content",
        namespace = "namespace",
        caller = "caller",
    }
}

field_set! {
    /// The fields of a `caller`.
    CallerFields {
        kind = "type",
        caller_id = "caller_id",
    }
}

field_set! {
    /// The fields of a content part that matter here.
    PartFields {
        kind = "type",
        text = "text",
        refusal = "refusal",
    }
}

/// Reads `input`: a text, or a list of items.
pub(super) fn read_input(raw: &RawValue) -> Result<Arc<[InputItem]>, ApiError> {
    match type_name(raw) {
        "a string" => Ok(Arc::new([InputItem::Message {
            text: text(raw, format_args!("input"))?,
        }])),
        "an array" => {
            let items = list(raw, format_args!("input"))?;
            let items = items.into_iter().enumerate();
            let items: Vec<InputItem> = items
                .map(|(at, item)| read_item(item, at))
                .collect::<Result<_, _>>()?;
            trigger_is_last(&items)?;
            Ok(items.into())
        }
        other => Err(ApiError::invalid_type(
            "input",
            "one of an array of objects or string",
            other,
        )),
    }
}

/// Nothing stands behind the word to make a context smaller.
fn trigger_is_last(items: &[InputItem]) -> Result<(), ApiError> {
    let trigger = |item: &InputItem| matches!(item, InputItem::Replayed { kind, .. } if **kind == *"compaction_trigger");
    match items.iter().position(trigger) {
        Some(at) if at + 1 < items.len() => Err(ApiError::trigger_not_last(at)),
        _ => Ok(()),
    }
}

fn read_item(raw: &RawValue, at: usize) -> Result<InputItem, ApiError> {
    let item: ItemFields<'_> = fields(raw, format_args!("input[{at}]"), Unlisted::Pass)?;
    let missing = |name: &str| ApiError::missing_parameter(&format!("input[{at}].{name}"));
    let kind = match item.kind {
        Some(kind) => text(kind, format_args!("input[{at}].type"))?,
        None => "message".into(),
    };
    if kind.contains("_call") {
        check_context(&item, kind.ends_with("_output"), at)?;
    }
    match &*kind {
        "message" => read_message(&item, at),
        "function_call_output" => Ok(InputItem::FunctionCallOutput {
            call_id: short_text(
                item.call_id.ok_or_else(|| missing("call_id"))?,
                format_args!("input[{at}].call_id"),
                64,
            )?,
            output: result(item.output.ok_or_else(|| missing("output"))?, at)?,
        }),
        "mcp_approval_response" => Ok(InputItem::McpApprovalResponse {
            approval_request_id: text(
                item.approval_request_id
                    .ok_or_else(|| missing("approval_request_id"))?,
                format_args!("input[{at}].approval_request_id"),
            )?,
            approve: boolean(
                item.approve.ok_or_else(|| missing("approve"))?,
                format_args!("input[{at}].approve"),
            )?,
            reason: optional(item.reason, at, "reason")?,
        }),
        known if REPLAYED.contains(&known) => replayed(&item, kind, at),
        unknown => Err(ApiError::invalid_value(
            &format!("input[{at}].type"),
            unknown,
            &item_types(),
        )),
    }
}

/// The longest name of a namespace that an output names, and the longest id of a program.
const NAME_MAX: usize = 64;

/// What a call or its output says of the namespace of its tool, and of what made the call.
fn check_context(item: &ItemFields<'_>, is_output: bool, at: usize) -> Result<(), ApiError> {
    if let Some(raw) = item.namespace {
        let path = format_args!("input[{at}].namespace");
        match is_output {
            true => tool_name(raw, path, NAME_MAX).map(drop)?,
            false => text(raw, path).map(drop)?,
        }
    }
    let Some(caller) = item.caller else { return Ok(()) };
    let fields: CallerFields<'_> = fields(caller, format_args!("input[{at}].caller"), Unlisted::Pass)?;
    let missing = |name: &str| ApiError::missing_parameter(&format!("input[{at}].caller.{name}"));
    let kind = fields.kind.ok_or_else(|| missing("type"))?;
    let kind = word(
        kind,
        format_args!("input[{at}].caller.type"),
        &["direct", "program"],
    )?;
    if &*kind == "program" {
        let path = format!("input[{at}].caller.caller_id");
        let id = fields.caller_id.ok_or_else(|| missing("caller_id"))?;
        if short_text(id, format_args!("{path}"), NAME_MAX)?.is_empty() {
            return Err(ApiError::empty_string(&path));
        }
    }
    Ok(())
}

fn item_types() -> Vec<&'static str> {
    REPLAYED
        .into_iter()
        .chain(["message", "function_call_output", "mcp_approval_response"])
        .collect()
}

/// A message in easy or full form; one of the assistant is a replay.
fn read_message(item: &ItemFields<'_>, at: usize) -> Result<InputItem, ApiError> {
    let missing = |name: &str| ApiError::missing_parameter(&format!("input[{at}].{name}"));
    let role = item.role.ok_or_else(|| missing("role"))?;
    let role = word(role, format_args!("input[{at}].role"), &ROLES)?;
    let text = content(item.content.ok_or_else(|| missing("content"))?, at, "content")?;
    if let Some(phase) = item.phase {
        word(
            phase,
            format_args!("input[{at}].phase"),
            &Phase::ALL.map(Phase::word),
        )?;
    }
    if &*role == "assistant" {
        return replayed(item, "message".into(), at);
    }
    Ok(InputItem::Message { text })
}

fn replayed(item: &ItemFields<'_>, kind: Arc<str>, at: usize) -> Result<InputItem, ApiError> {
    let id = optional(item.id, at, "id")?;
    check_result(item, &kind, at)?;
    let call_id = optional(item.call_id, at, "call_id")?;
    Ok(InputItem::Replayed { kind, id, call_id })
}

/// How every blob begins that the service encrypted.
const BLOB: &str = "gAAAA";

/// The most characters that the output of a function has.
const OUTPUT_MAX: usize = 10_485_760;

/// The output of a function.
fn result(raw: &RawValue, at: usize) -> Result<Arc<str>, ApiError> {
    let output = content(raw, at, "output")?;
    if output.len() <= OUTPUT_MAX {
        return Ok(output);
    }
    let letters = output.chars().count();
    match letters > OUTPUT_MAX {
        true => Err(ApiError::string_too_long(
            &format!("input[{at}].output"),
            OUTPUT_MAX,
            letters,
        )),
        false => Ok(output),
    }
}

/// What the client made of a call of its own has everything that the service reads of it.
fn check_result(item: &ItemFields<'_>, kind: &str, at: usize) -> Result<(), ApiError> {
    let needed = |raw: Option<&RawValue>, name: &str| match raw {
        Some(_) => Ok(()),
        None => Err(ApiError::missing_parameter(&format!("input[{at}].{name}"))),
    };
    if let Some(blob) = item.encrypted_content.filter(|raw| type_name(raw) != "null") {
        let path = format_args!("input[{at}].encrypted_content");
        if !text(blob, path)?.starts_with(BLOB) {
            return Err(ApiError::invalid_encrypted_content(kind));
        }
    }
    match kind {
        "item_reference" | "local_shell_call_output" => needed(item.id, "id")?,
        "custom_tool_call_output" | "computer_call_output" | "apply_patch_call_output" => {
            needed(item.call_id, "call_id")?;
        }
        _ => {}
    }
    match kind {
        "apply_patch_call_output" => {
            let missing = || ApiError::missing_parameter(&format!("input[{at}].status"));
            let path = format_args!("input[{at}].status");
            word(item.status.ok_or_else(missing)?, path, &["completed", "failed"]).map(drop)
        }
        "custom_tool_call_output" | "computer_call_output" | "local_shell_call_output" => {
            needed(item.output, "output")
        }
        _ => Ok(()),
    }
}

fn optional(raw: Option<&RawValue>, at: usize, name: &str) -> Result<Option<Arc<str>>, ApiError> {
    raw.map(|raw| text(raw, format_args!("input[{at}].{name}")))
        .transpose()
}

/// The text of a content: itself, or that of its parts, joined.
fn content(raw: &RawValue, at: usize, name: &str) -> Result<Arc<str>, ApiError> {
    match type_name(raw) {
        "a string" => text(raw, format_args!("input[{at}].{name}")),
        "an array" => {
            let mut joined = String::new();
            for (part, raw) in list(raw, format_args!("input[{at}].{name}"))?
                .into_iter()
                .enumerate()
            {
                let path = format_args!("input[{at}].{name}[{part}]");
                joined.push_str(&part_text(raw, path)?);
            }
            Ok(joined.into())
        }
        other => {
            let expected = "one of an array of objects or string";
            Err(ApiError::invalid_type(
                &format!("input[{at}].{name}"),
                expected,
                other,
            ))
        }
    }
}

fn part_text(raw: &RawValue, path: std::fmt::Arguments<'_>) -> Result<Arc<str>, ApiError> {
    let part: PartFields<'_> = fields(raw, path, Unlisted::Pass)?;
    let kind = part
        .kind
        .ok_or_else(|| ApiError::missing_parameter(&format!("{path}.type")))?;
    let kind = word(kind, format_args!("{path}.type"), &PARTS)?;
    let (name, value) = match &*kind {
        "input_text" | "output_text" | "summary_text" | "reasoning_text" => ("text", part.text),
        "refusal" => ("refusal", part.refusal),
        _ => return Ok("".into()),
    };
    match value {
        Some(value) => text(value, format_args!("{path}.{name}")),
        None => Err(ApiError::missing_parameter(&format!("{path}.{name}"))),
    }
}

/// Appends a key and a value.
pub(super) fn pair(out: &mut String, key: &str, value: Option<&RawValue>, default: &str) {
    out.push_str(key);
    match value {
        Some(value) => compact(value, out),
        None => out.push_str(default),
    }
}
