//! Breaches of statements 42, 52, 53, 57 and 58.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::basics::edit_response;
use super::seam::{Asked, Given, Memory, Wrong};
use super::{Breach, breach};
use crate::backend::Output;
use crate::units::SimTime;
use crate::wire::{Event, Item, ItemStatus};

pub(super) const LIST: &[Breach] = &[
    breach(
        42,
        &[],
        "incomplete_called_whole",
        "the last item of an incomplete response is called completed when it is read",
        Wrong::Given(incomplete_called_whole),
    ),
    breach(
        42,
        &[],
        "thoughts_uncounted",
        "a cap on tokens does not count what is thought",
        Wrong::Asked(thoughts_uncounted),
    ),
    breach(
        42,
        &[],
        "cut_call_called_whole",
        "a call whose arguments are cut off is called completed",
        Wrong::Said(cut_call_called_whole),
    ),
    breach(
        52,
        &[],
        "waits_untold",
        "no reply tells how long to wait in milliseconds",
        Wrong::Given(waits_untold),
    ),
    breach(
        53,
        &[52],
        "lost_runs_uncounted",
        "runs whose reply is lost are not counted",
        Wrong::Said(lost_runs_uncounted),
    ),
    breach(
        57,
        &[],
        "cancelled_unannounced",
        "no webhook tells of a cancelled response",
        Wrong::Said(cancelled_unannounced),
    ),
    breach(
        58,
        &[],
        "padding_unseeded",
        "padding differs from play to play",
        Wrong::Given(padding_unseeded),
    ),
];

#[expect(clippy::ptr_arg, reason = "a seam hands over the list")]
fn cut_call_called_whole(_: &mut Memory, _: SimTime, out: &mut Vec<Output>) {
    for output in out.iter_mut() {
        if let Output::Event { event, .. } = output
            && let Event::ItemDone {
                item: Item::FunctionCall { status, .. },
                ..
            } = &mut Arc::make_mut(event).event
        {
            *status = ItemStatus::Completed;
        }
    }
}

fn thoughts_uncounted(asked: &mut Asked) {
    asked.edit(|body| {
        if body["max_output_tokens"] == 100 {
            body["max_output_tokens"] = 1_000.into();
        }
    });
}

fn incomplete_called_whole(_: &Asked, given: &mut Given) {
    edit_response(given, |body| {
        if body["status"] == "incomplete"
            && let Some(last) = body["output"].as_array_mut().and_then(|output| output.last_mut())
        {
            last["status"] = "completed".into();
        }
    });
}

fn waits_untold(_: &Asked, given: &mut Given) {
    given.headers.remove("retry-after-ms");
}

/// A run is counted only when its reply leaves whole.
fn lost_runs_uncounted(memory: &mut Memory, _: SimTime, out: &mut Vec<Output>) {
    let mut told = Vec::new();
    out.retain(|output| match output {
        Output::Made { call, response } => {
            memory.insert(format!("{call:?}"), (&*response.0.text()).into());
            false
        }
        Output::Reply { call, face, .. } if *face == crate::backend::Face::Whole => {
            if let Some(response) = memory.remove(&format!("{call:?}")) {
                told.push((*call, response));
            }
            true
        }
        _ => true,
    });
    for (call, response) in told {
        let response = crate::wire::ResponseId(response.as_str().unwrap_or_default().into());
        out.push(Output::Made { call, response });
    }
}

fn cancelled_unannounced(_: &mut Memory, _: SimTime, out: &mut Vec<Output>) {
    out.retain(|output| !matches!(output, Output::Webhook(send) if *send.kind == *"response.cancelled"));
}

fn padding_unseeded(_: &Asked, given: &mut Given) {
    static PLAYS: AtomicU64 = AtomicU64::new(0);
    const FIELD: &str = "\"obfuscation\":\"";
    let body = String::from_utf8_lossy(&given.body);
    if body.contains(FIELD) {
        let play = PLAYS.fetch_add(1, Ordering::Relaxed);
        given.body = body.replace(FIELD, &format!("{FIELD}{play}")).into_bytes();
    }
}
