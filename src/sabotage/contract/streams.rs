//! Breaches of statements 29 to 39 and 41.

use serde_json::{Value, json};

use super::seam::{Asked, Given, Memory, Wrong};
use super::{Breach, breach};
use crate::backend::{Output, StreamEnd};
use crate::units::{ExchangeKind, SimTime};
use crate::wire::Event;

pub(super) const LIST: &[Breach] = &[
    breach(
        29,
        &[],
        "done_behind_the_end",
        "a stream ends with the mark of another endpoint",
        Wrong::Given(done_behind_the_end),
    ),
    breach(
        29,
        &[],
        "close_unsaid",
        "a stream does not say that its connection closes behind it",
        Wrong::Given(close_unsaid),
    ),
    breach(
        30,
        &[],
        "replay_of_today",
        "the first event of a replay shows the response as it is now",
        Wrong::Given(replay_of_today),
    ),
    breach(
        31,
        &[],
        "queue_untold",
        "a background stream says that it is in progress twice instead of queued once",
        Wrong::Given(queue_untold),
    ),
    breach(
        32,
        &[],
        "part_cut_short",
        "a content part ends without its last letter",
        Wrong::Given(part_cut_short),
    ),
    breach(
        32,
        &[],
        "probabilities_in_the_end_alone",
        "deltas do not say how probable their tokens were",
        Wrong::Given(probabilities_in_the_end_alone),
    ),
    breach(
        32,
        &[],
        "phase_in_the_end_alone",
        "a message does not say from the start that it is no answer yet",
        Wrong::Given(phase_in_the_end_alone),
    ),
    breach(
        33,
        &[],
        "places_from_one",
        "items of the output are counted from 1",
        Wrong::Given(places_from_one),
    ),
    breach(
        34,
        &[],
        "cursor_included",
        "a resumed stream repeats the event of its cursor",
        Wrong::Asked(cursor_included),
    ),
    breach(
        35,
        &[],
        "one_reader_alone",
        "of several readers only the first is told what happens",
        Wrong::Said(one_reader_alone),
    ),
    breach(
        36,
        &[],
        "resume_unknown",
        "a stream that cannot be resumed is called unknown",
        Wrong::Given(resume_unknown),
    ),
    breach(
        37,
        &[],
        "padding_forced",
        "padding comes even if it is not wanted",
        Wrong::Asked(padding_forced),
    ),
    breach(
        38,
        &[],
        "cut_at_borders",
        "a stream is never cut between the lines of an event",
        Wrong::Said(cut_at_borders),
    ),
    breach(
        39,
        &[],
        "errors_flattened",
        "no error of a stream is nested",
        Wrong::Given(errors_flattened),
    ),
    breach(
        41,
        &[],
        "deltas_collected",
        "deltas are kept until something else happens",
        Wrong::Held(only_deltas),
    ),
    breach(
        41,
        &[],
        "silence_kept",
        "nothing is sent during silences",
        Wrong::Said(silence_kept),
    ),
];

fn close_unsaid(_: &Asked, given: &mut Given) {
    given.headers.remove("connection");
}

fn done_behind_the_end(_: &Asked, given: &mut Given) {
    const LAST: &[u8] = b"event: response.completed\n";
    if given.body.windows(LAST.len()).any(|window| window == LAST) {
        given.body.extend_from_slice(b"data: [DONE]\n\n");
    }
}

fn replay_of_today(asked: &Asked, given: &mut Given) {
    if asked.method == "GET" {
        given.edit_events(|event| {
            let first = event["type"] == "response.created";
            if first {
                event["response"]["status"] = "completed".into();
            }
            first
        });
    }
}

fn queue_untold(_: &Asked, given: &mut Given) {
    given.edit_events(|event| {
        let queued = event["type"] == "response.queued";
        if queued {
            event["type"] = "response.in_progress".into();
        }
        queued
    });
}

fn part_cut_short(_: &Asked, given: &mut Given) {
    given.edit_events(|event| {
        let text = event["part"]["text"].as_str().unwrap_or_default();
        let mut text = text.to_owned();
        let cut = event["type"] == "response.content_part.done" && text.pop().is_some();
        if cut {
            event["part"]["text"] = text.into();
        }
        cut
    });
}

fn probabilities_in_the_end_alone(_: &Asked, given: &mut Given) {
    given.edit_events(|event| {
        let delta = event["type"] == "response.output_text.delta";
        if delta {
            event["logprobs"] = json!([]);
        }
        delta
    });
}

fn phase_in_the_end_alone(_: &Asked, given: &mut Given) {
    given.edit_events(|event| {
        if event["type"] != "response.output_item.added" {
            return false;
        }
        let item = event["item"].as_object_mut();
        item.is_some_and(|item| item.remove("phase").is_some())
    });
}

fn places_from_one(_: &Asked, given: &mut Given) {
    given.edit_events(|event| {
        let place = event["output_index"].as_u64();
        if let Some(place) = place {
            event["output_index"] = (place + 1).into();
        }
        place.is_some()
    });
}

fn cursor_included(asked: &mut Asked) {
    let Some((head, cursor)) = asked.path.split_once("&starting_after=") else {
        return;
    };
    asked.path = match cursor.parse::<u64>() {
        Ok(cursor @ 1..) => format!("{head}&starting_after={}", cursor - 1),
        _ => head.to_owned(),
    };
}

fn one_reader_alone(memory: &mut Memory, _: SimTime, out: &mut Vec<Output>) {
    out.retain(|output| match output {
        Output::Event { call, .. } if call.exchange.kind() == ExchangeKind::Stream => {
            let this = Value::from(format!("{call:?}"));
            *memory.entry("reader".to_owned()).or_insert_with(|| this.clone()) == this
        }
        Output::Close { .. } => {
            memory.remove("reader");
            true
        }
        _ => true,
    });
}

fn resume_unknown(_: &Asked, given: &mut Given) {
    if given.message().contains("streamed because") {
        given.status = 404;
    }
}

fn padding_forced(asked: &mut Asked) {
    asked.path = asked.path.replace("&include_obfuscation=false", "");
    asked.edit(|body| {
        if let Some(fields) = body.as_object_mut() {
            fields.remove("stream_options");
        }
    });
}

#[expect(clippy::ptr_arg, reason = "a seam hands over the list")]
fn cut_at_borders(_: &mut Memory, _: SimTime, out: &mut Vec<Output>) {
    for output in out.iter_mut() {
        if let Output::Close { how, .. } = output
            && *how == StreamEnd::BetweenLines
        {
            *how = StreamEnd::BetweenEvents;
        }
    }
}

fn errors_flattened(_: &Asked, given: &mut Given) {
    given.edit_events(|event| {
        let nested = event["type"] == "error" && event["error"].is_object();
        if nested {
            let error = event["error"].take();
            let number = &event["sequence_number"];
            *event = json!({"type": "error", "sequence_number": number, "code": error["code"],
                "message": error["message"], "param": null});
        }
        nested
    });
}

fn only_deltas(said: &[Output]) -> bool {
    let delta = |output: &Output| {
        let Output::Event { event, .. } = output else {
            return false;
        };
        matches!(event.event, Event::TextDelta { .. })
    };
    said.iter().all(delta)
}

fn silence_kept(_: &mut Memory, _: SimTime, out: &mut Vec<Output>) {
    let kept = |output: &Output| {
        let Output::Event { event, .. } = output else {
            return true;
        };
        event.event != Event::Keepalive
    };
    out.retain(kept);
}
