//! Breaches of statements 17 to 28.
#![expect(
    clippy::ptr_arg,
    reason = "a seam hands over the list, and some breaches shorten it"
)]

use std::sync::Arc;

use serde_json::{Value, json};

use super::basics::edit_response;
use super::seam::{Asked, Given, Memory, Wrong};
use super::{Breach, breach};
use crate::backend::{Auth, Input, Output};
use crate::units::{ExchangeKind, SimTime};
use crate::wire::{ApiError, Ask, Reply, ResponseId, Status};

pub(super) const LIST: &[Breach] = &[
    breach(
        17,
        &[],
        "tier_resolved_at_once",
        "a queued response shows its tier already",
        Wrong::Given(tier_resolved_at_once),
    ),
    breach(
        18,
        &[],
        "completed_runs_again",
        "a completed response is in progress again when it is read for the fourth time",
        Wrong::Said(completed_runs_again),
    ),
    breach(
        19,
        &[],
        "cancelled_has_completed",
        "a cancelled response shows when it completed",
        Wrong::Given(cancelled_has_completed),
    ),
    breach(
        20,
        &[],
        "leaving_cancels",
        "closing a stream of a background response cancels it",
        Wrong::Told(leaving_cancels),
    ),
    breach(
        21,
        &[19, 57],
        "failure_as_500",
        "a failed response is read as a 500",
        Wrong::Given(failure_as_500),
    ),
    breach(
        22,
        &[],
        "second_cancel_refused",
        "a cancelled response cannot be cancelled again",
        Wrong::Said(second_cancel_refused),
    ),
    breach(
        22,
        &[],
        "states_of_tools_untold",
        "a tool that was cut off is shown as if it had only begun",
        Wrong::Given(states_of_tools_untold),
    ),
    breach(
        23,
        &[],
        "synchronous_unsaid",
        "a foreground response is refused its cancel in other words",
        Wrong::Given(synchronous_unsaid),
    ),
    breach(
        24,
        &[],
        "late_cancel_takes",
        "a completed response is shown as cancelled after a cancel that was refused",
        Wrong::Said(late_cancel_takes),
    ),
    breach(
        25,
        &[],
        "cancel_with_body_refused",
        "a cancel with an empty object is refused",
        Wrong::Given(cancel_with_body_refused),
    ),
    breach(
        26,
        &[],
        "background_always_stored",
        "a background response is kept whatever `store` says",
        Wrong::Told(background_always_stored),
    ),
    breach(
        27,
        &[],
        "requires_action",
        "a turn that asks the client for something gets a status of its own",
        Wrong::Given(requires_action),
    ),
    breach(
        28,
        &[],
        "stuck_gives_up",
        "a response that is stuck for an hour fails by itself",
        Wrong::Said(stuck_gives_up),
    ),
];

fn tier_resolved_at_once(_: &Asked, given: &mut Given) {
    edit_response(given, |body| {
        if body["status"] == "queued" {
            body["service_tier"] = "default".into();
        }
    });
}

/// The Response objects that leave as replies, with the kind of exchange that asked.
fn replied(out: &mut [Output]) -> impl Iterator<Item = (ExchangeKind, &mut Reply)> {
    out.iter_mut().filter_map(|output| match output {
        Output::Reply { call, reply, .. } => Some((call.exchange.kind(), reply)),
        _ => None,
    })
}

/// Counts in `memory` and gives the count.
fn count(memory: &mut Memory, name: &str) -> u64 {
    let counted = memory.entry(name.to_owned()).or_insert(json!(0));
    let next = counted.as_u64().unwrap_or(0) + 1;
    *counted = next.into();
    next
}

fn completed_runs_again(memory: &mut Memory, _: SimTime, out: &mut Vec<Output>) {
    for (_, reply) in replied(out) {
        if let Reply::Response(response) = reply
            && response.status == Status::Completed
            && count(memory, &response.id.0.text()) == 4
        {
            Arc::make_mut(response).status = Status::InProgress;
        }
    }
}

fn cancelled_has_completed(_: &Asked, given: &mut Given) {
    edit_response(given, |body| {
        if body["status"] == "cancelled" {
            body["completed_at"] = body["created_at"].clone();
        }
    });
}

fn leaving_cancels(memory: &mut Memory, batch: &mut Vec<Input>) {
    let mut cancels = Vec::new();
    for input in &*batch {
        match input {
            Input::Request {
                call,
                ask: Ok(Ask::Stream { id, .. }),
                ..
            } => {
                memory.insert(format!("{call:?}"), Value::from(&*id.0.text()));
            }
            Input::Gone { call } => {
                let left = memory.get(&format!("{call:?}")).and_then(Value::as_str);
                if let Some(id) = left {
                    let mut call = *call;
                    call.exchange = call.exchange.beside(ExchangeKind::Cancel, u32::MAX);
                    cancels.push(Input::Request {
                        call,
                        auth: Auth::Granted,
                        ask: Ok(Ask::Cancel(ResponseId(id.into()))),
                    });
                }
            }
            _ => {}
        }
    }
    batch.append(&mut cancels);
}

fn failure_as_500(_: &Asked, given: &mut Given) {
    if given.json()["status"] == "failed" {
        given.status = 500;
    }
}

fn states_of_tools_untold(_: &Asked, given: &mut Given) {
    edit_response(given, |body| {
        for item in body["output"].as_array_mut().into_iter().flatten() {
            if matches!(
                item["status"].as_str(),
                Some("searching" | "interpreting" | "generating" | "calling")
            ) {
                item["status"] = "in_progress".into();
            }
        }
    });
}

fn second_cancel_refused(memory: &mut Memory, _: SimTime, out: &mut Vec<Output>) {
    for (kind, reply) in replied(out) {
        if let Reply::Response(response) = reply
            && kind == ExchangeKind::Cancel
            && response.status == Status::Cancelled
            && count(memory, &response.id.0.text()) > 1
        {
            *reply = Reply::Error(ApiError::not_cancellable(&Status::Cancelled).into());
        }
    }
}

fn synchronous_unsaid(_: &Asked, given: &mut Given) {
    if given.message().contains("synchronous") {
        given.edit(|body| body["error"]["message"] = "Cannot cancel this response.".into());
    }
}

fn late_cancel_takes(memory: &mut Memory, _: SimTime, out: &mut Vec<Output>) {
    for (kind, reply) in replied(out) {
        match reply {
            Reply::Error(error) if error.message.contains("a completed response") => {
                memory.insert("cancelled".to_owned(), true.into());
            }
            Reply::Response(response)
                if kind == ExchangeKind::Poll
                    && memory.contains_key("cancelled")
                    && response.status == Status::Completed =>
            {
                Arc::make_mut(response).status = Status::Cancelled;
            }
            _ => {}
        }
    }
}

fn background_always_stored(_: &mut Memory, batch: &mut Vec<Input>) {
    for input in batch {
        if let Input::Request {
            ask: Ok(Ask::Create(create)),
            ..
        } = input
            && create.background
        {
            Arc::make_mut(create).store = true;
        }
    }
}

fn cancel_with_body_refused(asked: &Asked, given: &mut Given) {
    if asked.is("POST", "/cancel") && asked.body == b"{}" {
        given.status = 400;
    }
}

fn requires_action(_: &Asked, given: &mut Given) {
    edit_response(given, |body| {
        let last = body["output"].as_array().and_then(|output| output.last());
        let asks = last
            .is_some_and(|item| item["type"] == "function_call" || item["type"] == "mcp_approval_request");
        if asks && body["status"] == "completed" {
            body["status"] = "requires_action".into();
        }
    });
}

fn stuck_gives_up(_: &mut Memory, now: SimTime, out: &mut Vec<Output>) {
    const HOUR: u64 = 3_600_000_000;
    for (_, reply) in replied(out) {
        if let Reply::Response(response) = reply
            && response.status == Status::Queued
            && now.ticks() > HOUR
        {
            Arc::make_mut(response).status = Status::Failed;
        }
    }
}
