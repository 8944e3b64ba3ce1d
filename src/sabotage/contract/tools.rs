//! Breaches of statements 46 to 49 and 51.

use std::sync::Arc;

use serde_json::Value;

use super::basics::edit_response;
use super::seam::{Asked, Given, Memory, Wrong};
use super::{Breach, breach};
use crate::backend::Output;
use crate::units::SimTime;
use crate::wire::{Event, Item};

pub(super) const LIST: &[Breach] = &[
    breach(
        46,
        &[],
        "request_grows",
        "an approval request begins without its arguments",
        Wrong::Said(request_grows),
    ),
    breach(
        47,
        &[],
        "call_without_request",
        "an approved call does not name the request that was approved",
        Wrong::Given(call_without_request),
    ),
    breach(
        47,
        &[],
        "approved_call_as_any_other",
        "a call that was approved says only once that it is in progress",
        Wrong::Said(approved_call_as_any_other),
    ),
    breach(
        48,
        &[],
        "lists_are_passed_over",
        "approval is never demanded where a list names tools that need none",
        Wrong::Asked(lists_are_passed_over),
    ),
    breach(
        49,
        &[],
        "failed_call_fails_all",
        "a failed call of an MCP tool fails the response",
        Wrong::Given(failed_call_fails_all),
    ),
    breach(
        49,
        &[],
        "every_failure_of_http",
        "a failed call of an MCP tool is always an error of HTTP",
        Wrong::Given(every_failure_of_http),
    ),
    breach(
        51,
        &[],
        "maximum_passed_over",
        "a maximum of two tool calls is passed over",
        Wrong::Asked(maximum_passed_over),
    ),
];

#[expect(clippy::ptr_arg, reason = "a seam hands over the list")]
fn request_grows(_: &mut Memory, _: SimTime, out: &mut Vec<Output>) {
    for output in out.iter_mut() {
        if let Output::Event { event, .. } = output
            && let Event::ItemAdded {
                item: Item::McpApprovalRequest { arguments, .. },
                ..
            } = &mut Arc::make_mut(event).event
        {
            *arguments = Arc::from("");
        }
    }
}

fn call_without_request(_: &Asked, given: &mut Given) {
    edit_response(given, |body| {
        for item in body["output"].as_array_mut().into_iter().flatten() {
            if item["type"] == "mcp_call" {
                item["approval_request_id"] = Value::Null;
            }
        }
    });
}

fn approved_call_as_any_other(memory: &mut Memory, _: SimTime, out: &mut Vec<Output>) {
    out.retain(|output| {
        let Output::Event { call, event } = output else {
            return true;
        };
        let Event::Progress { name, item_id, .. } = &event.event else {
            return true;
        };
        let heard = format!("{call:?} {}", &*item_id.text());
        **name != *"response.mcp_call.in_progress" || memory.insert(heard, Value::Null).is_none()
    });
}

fn every_failure_of_http(_: &Asked, given: &mut Given) {
    edit_response(given, |body| {
        for item in body["output"].as_array_mut().into_iter().flatten() {
            if item["type"] == "mcp_call" && item["error"].is_object() {
                item["error"] = serde_json::json!({"type": "http_error", "code": 500, "message": "ticket 7"});
            }
        }
    });
}

fn lists_are_passed_over(asked: &mut Asked) {
    asked.edit(|body| {
        for tool in body["tools"].as_array_mut().into_iter().flatten() {
            if tool["require_approval"]["never"].is_object() {
                tool["require_approval"] = "never".into();
            }
        }
    });
}

fn failed_call_fails_all(_: &Asked, given: &mut Given) {
    const WHOLE: &str = "\"status\":\"completed\"";
    let body = String::from_utf8_lossy(&given.body).into_owned();
    if body.contains("mcp_call.failed") {
        given.body = body.replace(WHOLE, "\"status\":\"failed\"").into_bytes();
    }
}

fn maximum_passed_over(asked: &mut Asked) {
    asked.edit(|body| {
        if body["max_tool_calls"] == 2 {
            body["max_tool_calls"] = 1_000.into();
        }
    });
}
