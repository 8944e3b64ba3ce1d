//! Breaches of statements 43 to 45 and 50.

use std::sync::Arc;

use serde_json::Value;

use super::basics::edit_response;
use super::seam::{Asked, Given, Memory, Wrong};
use super::{Breach, breach};
use crate::backend::Output;
use crate::units::SimTime;
use crate::wire::{Reply, ResponseId};

pub(super) const LIST: &[Breach] = &[
    breach(
        43,
        &[],
        "open_call_unnamed",
        "the error about a call without its output does not say which",
        Wrong::Given(open_call_unnamed),
    ),
    breach(
        43,
        &[],
        "searches_need_no_answer",
        "a search among tools by the client may stay without its output",
        Wrong::Given(searches_need_no_answer),
    ),
    breach(
        44,
        &[],
        "instructions_inherited",
        "a response shows the instructions of its parent",
        Wrong::Given(instructions_inherited),
    ),
    breach(
        45,
        &[],
        "one_child_for_all",
        "a second child of a parent, made in the same second, is answered with the first",
        Wrong::Said(one_child_for_all),
    ),
    breach(
        50,
        &[],
        "duplicates_dropped",
        "items that are stored are dropped from the input instead of refused",
        Wrong::Given(duplicates_dropped),
    ),
];

fn searches_need_no_answer(asked: &Asked, given: &mut Given) {
    let request: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
    if request["tools"][0]["type"] == "tool_search" && given.message().starts_with("No tool output found") {
        given.status = 200;
    }
}

fn open_call_unnamed(_: &Asked, given: &mut Given) {
    if given.message().starts_with("No tool output found") {
        given.edit(|body| body["error"]["message"] = "No tool output found.".into());
    }
}

fn instructions_inherited(_: &Asked, given: &mut Given) {
    edit_response(given, |body| {
        if body["previous_response_id"].is_string() {
            body["instructions"] = "Be brief.".into();
        }
    });
}

fn one_child_for_all(memory: &mut Memory, _: SimTime, out: &mut Vec<Output>) {
    for output in out {
        let Output::Reply {
            call,
            reply: Reply::Response(response),
            ..
        } = output
        else {
            continue;
        };
        if call.exchange.kind() == crate::units::ExchangeKind::Create {
            let made = memory
                .entry("made".to_owned())
                .or_insert_with(|| Value::Array(Vec::new()));
            let Some(made) = made.as_array_mut() else { continue };
            made.push(serde_json::json!([&*response.id.0.text(), response.created_at]));
            // The first is the parent, the second its first child.
            if let ([_, first, _], true) = (made.as_slice(), response.background)
                && first[1] == response.created_at
                && let Some(first) = first[0].as_str()
            {
                Arc::make_mut(response).id = ResponseId(first.into());
            }
        }
    }
}

fn duplicates_dropped(_: &Asked, given: &mut Given) {
    if given.message().starts_with("Duplicate item found") {
        given.status = 200;
    }
}
