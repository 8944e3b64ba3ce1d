//! Whether a create request answers what the turn before asked.

use std::sync::Arc;

use serde_json::Value;

use super::McpError;
use super::item::{client_call, tokens_of};
use super::runs::Runs;
use super::turn::{Answers, Approved};
use crate::wire::{ApiError, Create, IdText, InputItem, Item, ItemStatus, StoredItem};

/// Reads the answers of `create` to `parent`.
///
/// # Errors
/// The refusal of the contract: an open call without its output, an output without its call, an answer without its
/// request or the other way round, or an item that is there already.
pub(super) fn read(create: &Create, asked: &[Item], runs: &Runs) -> Result<Answers, ApiError> {
    refuse_duplicates(create, runs)?;
    refuse_orphans(create)?;
    refuse_bare(create, runs)?;
    check_acknowledged(create, asked)?;
    check_outputs(create, asked, runs)?;
    let mut answers = Answers::default();
    let mut seen: Vec<&Arc<str>> = Vec::new();
    for item in create.input.iter() {
        if let InputItem::McpApprovalResponse {
            approval_request_id,
            approve,
            ..
        } = item
        {
            let request = find_request(create, asked, runs, approval_request_id)?;
            if seen.contains(&approval_request_id) {
                return Err(ApiError::duplicate_item(approval_request_id));
            }
            seen.push(approval_request_id);
            if *approve {
                answers.approved.push(request);
            } else {
                answers.denied += 1;
            }
        }
    }
    check_requests(create, asked)?;
    Ok(answers)
}

/// About how many tokens the input has.
pub(super) fn input_tokens(create: &Create) -> u32 {
    let bytes = create.input.iter().map(|item| match item {
        InputItem::Message { text } => text.len(),
        InputItem::FunctionCallOutput { output, .. } => output.len(),
        InputItem::McpApprovalResponse { reason, .. } => reason.as_ref().map_or(0, |reason| reason.len()),
        InputItem::Replayed { .. } => 0,
    });
    tokens_of(bytes.sum())
}

fn refuse_duplicates(create: &Create, runs: &Runs) -> Result<(), ApiError> {
    let ids: Vec<&Arc<str>> = create.input.iter().filter_map(replayed_id).collect();
    for (place, id) in ids.iter().enumerate() {
        let stored = create
            .previous
            .as_ref()
            .is_some_and(|parent| runs.has_item(parent, id));
        if stored || ids[..place].contains(id) {
            return Err(ApiError::duplicate_item(id));
        }
    }
    Ok(())
}

const fn replayed_id(item: &InputItem) -> Option<&Arc<str>> {
    match item {
        InputItem::Replayed { id, .. } => id.as_ref(),
        InputItem::Message { .. }
        | InputItem::FunctionCallOutput { .. }
        | InputItem::McpApprovalResponse { .. } => None,
    }
}

/// The stored items that the input refers to.
pub(super) fn references(create: &Create) -> impl Iterator<Item = &Arc<str>> {
    create.input.iter().filter_map(|item| match item {
        InputItem::Replayed { kind, id, .. } if **kind == *"item_reference" => id.as_ref(),
        _ => None,
    })
}

/// Reasoning that is sent again stands in front of what it led to.
fn refuse_orphans(create: &Create) -> Result<(), ApiError> {
    for (place, item) in create.input.iter().enumerate() {
        let InputItem::Replayed {
            kind, id: Some(id), ..
        } = item
        else {
            continue;
        };
        let led_to_something = || {
            let next = create.input.get(place + 1);
            next.is_some_and(
                |next| matches!(next, InputItem::Replayed { kind, .. } if !kind.ends_with("_output")),
            )
        };
        if **kind == *"reasoning" && !led_to_something() {
            return Err(ApiError::orphan_reasoning(id));
        }
    }
    Ok(())
}

/// What reasoning led to is sent again behind that reasoning.
fn refuse_bare(create: &Create, runs: &Runs) -> Result<(), ApiError> {
    let sent = |id: &IdText| {
        create
            .input
            .iter()
            .filter_map(replayed_id)
            .any(|own| *id == **own)
    };
    for item in create.input.iter() {
        let InputItem::Replayed {
            kind, id: Some(id), ..
        } = item
        else {
            continue;
        };
        if let Some(reasoning) = runs.led_to(id).filter(|reasoning| !sent(reasoning)) {
            return Err(ApiError::without_reasoning(id, kind, &reasoning.text()));
        }
    }
    Ok(())
}

/// Every pending safety check of a computer call is acknowledged beside its output.
fn check_acknowledged(create: &Create, asked: &[Item]) -> Result<(), ApiError> {
    for item in asked {
        if !matches!(item, Item::Hosted { tool, .. } if **tool == *"computer_call") {
            continue;
        }
        let call: Value = serde_json::from_str(&StoredItem::of_output(item).json).unwrap_or_default();
        let acknowledged = acknowledged(create, &call["call_id"]);
        for check in call["pending_safety_checks"].as_array().into_iter().flatten() {
            if let Some(acknowledged) = &acknowledged
                && !acknowledged.contains(&check["id"])
            {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                return Err(ApiError::check_not_acknowledged(
                    &text(&call["call_id"]),
                    &text(&check["id"]),
                ));
            }
        }
    }
    Ok(())
}

/// The checks that the output of a computer call acknowledges; none if there is no output.
fn acknowledged(create: &Create, call_id: &Value) -> Option<Vec<Value>> {
    let items: Vec<Value> = serde_json::from_str(super::asks::details_of(create)?.input.as_deref()?).ok()?;
    let output = items
        .iter()
        .find(|item| item["type"] == "computer_call_output" && item["call_id"] == *call_id)?;
    let checks = output["acknowledged_safety_checks"].as_array();
    Some(
        checks
            .into_iter()
            .flatten()
            .map(|check| check["id"].clone())
            .collect(),
    )
}

/// Every whole call has its output and every output its call, in the turn before or in this input.
fn check_outputs(create: &Create, asked: &[Item], runs: &Runs) -> Result<(), ApiError> {
    let referred = references(create).filter_map(|id| runs.put_out(id));
    // What the service ran itself, a shell or a search among tools, has its output behind it.
    let answered_itself = |item: &&Item| {
        let next = asked.iter().skip_while(|own| own.id() != item.id()).nth(1);
        let outputs = ["shell_call_output", "tool_search_output"];
        matches!(next, Some(Item::Hosted { tool, .. }) if outputs.contains(&&**tool))
    };
    let open = asked.iter().filter(|item| !answered_itself(item));
    let stored: Vec<Arc<str>> = open.chain(referred).filter_map(client_call).collect();
    let stored = stored.iter();
    let replayed = create.input.iter().filter_map(|item| match item {
        InputItem::Replayed { kind, call_id, .. } if !kind.ends_with("_output") => call_id.as_ref(),
        InputItem::Replayed { .. } => None,
        InputItem::Message { .. }
        | InputItem::FunctionCallOutput { .. }
        | InputItem::McpApprovalResponse { .. } => None,
    });
    let calls: Vec<&Arc<str>> = stored.chain(replayed).collect();
    let outputs: Vec<&Arc<str>> = create.input.iter().filter_map(answered_call).collect();
    if let Some(open) = calls.iter().find(|call| !outputs.contains(call)) {
        return Err(ApiError::no_tool_output(open));
    }
    match outputs.iter().find(|output| !calls.contains(output)) {
        Some(stray) => Err(ApiError::no_tool_call(stray)),
        None => Ok(()),
    }
}

/// The call that an item answers; a local shell names it by its own id.
fn answered_call(item: &InputItem) -> Option<&Arc<str>> {
    match item {
        InputItem::FunctionCallOutput { call_id, .. } => Some(call_id),
        InputItem::Replayed { kind, id, .. } if **kind == *"local_shell_call_output" => id.as_ref(),
        InputItem::Replayed { kind, call_id, .. } if kind.ends_with("_output") => call_id.as_ref(),
        InputItem::Message { .. } | InputItem::McpApprovalResponse { .. } | InputItem::Replayed { .. } => {
            None
        }
    }
}

/// Every approval request of the turn before has its answer.
fn check_requests(create: &Create, asked: &[Item]) -> Result<(), ApiError> {
    let is_answered = |request: &IdText| {
        create.input.iter().any(|item| {
            matches!(item, InputItem::McpApprovalResponse { approval_request_id, .. } if *request == **approval_request_id)
        })
    };
    for item in asked {
        if let Item::McpApprovalRequest { id, .. } = item
            && !is_answered(id)
        {
            return Err(ApiError::no_approval_response(&id.text()));
        }
    }
    Ok(())
}

/// The request that an answer names: in the turn before, or sent again in this input.
fn find_request(
    create: &Create,
    asked: &[Item],
    runs: &Runs,
    request: &Arc<str>,
) -> Result<Arc<Approved>, ApiError> {
    let stored = asked.iter().find(|item| *item.id() == **request);
    let replayed = create
        .input
        .iter()
        .filter_map(replayed_id)
        .any(|id| id == request);
    let found = stored.or_else(|| runs.approval_request(request).filter(|_| replayed));
    match found {
        Some(Item::McpApprovalRequest {
            id,
            server_label,
            name,
            arguments,
        }) => Ok(Arc::new(Approved {
            request: Some(id.into()),
            server_label: server_label.clone(),
            name: name.clone(),
            arguments: arguments.clone(),
            output: None,
            ends: ItemStatus::Completed,
            error: McpError::Http,
        })),
        Some(_) | None => Err(ApiError::no_approval_request(request)),
    }
}
