//! Breaches of statements 1 to 16.

use http::HeaderValue;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::seam::{Asked, Given, Memory, Wrong};
use super::{Breach, breach};
use crate::backend::Input;
use crate::wire::Ask;

pub(super) const LIST: &[Breach] = &[
    breach(
        1,
        &[],
        "stream_called_json",
        "event streams are announced as JSON",
        Wrong::Given(stream_called_json),
    ),
    breach(
        2,
        &[],
        "errors_without_request_id",
        "error replies carry no request id",
        Wrong::Given(errors_without_request_id),
    ),
    breach(
        3,
        &[],
        "one_kind_of_401",
        "a wrong key is answered like a missing one",
        Wrong::Given(one_kind_of_401),
    ),
    breach(
        4,
        &[],
        "unknown_field_unnamed",
        "the error about an unknown field does not name it",
        Wrong::Given(unknown_field_unnamed),
    ),
    breach(
        5,
        &[],
        "cap_of_fifteen",
        "fifteen output tokens are accepted",
        Wrong::Asked(cap_of_fifteen),
    ),
    breach(
        6,
        &[],
        "metadata_cut",
        "values of metadata that are too long are cut instead of refused",
        Wrong::Asked(metadata_cut),
    ),
    breach(
        7,
        &[],
        "one_parent_wins",
        "of two parents the response counts",
        Wrong::Asked(one_parent_wins),
    ),
    breach(
        8,
        &[],
        "model_missing_unnamed",
        "the error about an unknown model does not name its parameter",
        Wrong::Given(model_missing_unnamed),
    ),
    breach(
        9,
        &[],
        "output_text_on_the_wire",
        "responses carry the convenience field of the client libraries",
        Wrong::Given(output_text_on_the_wire),
    ),
    breach(
        10,
        &[],
        "model_as_asked",
        "the model is echoed as it was asked for",
        Wrong::Given(model_as_asked),
    ),
    breach(
        11,
        &[],
        "cancel_forgets_metadata",
        "the reply to a cancel has no metadata",
        Wrong::Given(cancel_forgets_metadata),
    ),
    breach(
        12,
        &[],
        "foreground_always_stored",
        "a foreground response is kept whatever `store` says",
        Wrong::Told(foreground_always_stored),
    ),
    breach(
        13,
        &[],
        "other_words_for_404",
        "an unknown response is refused in other words",
        Wrong::Given(other_words_for_404),
    ),
    breach(
        14,
        &[],
        "deletion_without_word",
        "a deletion does not say that it deleted",
        Wrong::Given(deletion_without_word),
    ),
    breach(
        15,
        &[],
        "oldest_first",
        "input items are listed oldest first unless asked otherwise",
        Wrong::Asked(oldest_first),
    ),
    breach(
        16,
        &[],
        "first_include_alone",
        "of several includes only the first is read",
        Wrong::Asked(first_include_alone),
    ),
    breach(
        16,
        &[],
        "images_left_out",
        "what code drew is not shown",
        Wrong::Given(images_left_out),
    ),
    breach(
        40,
        &[],
        "refusal_as_stream",
        "a bad request for a stream is answered with a stream",
        Wrong::Given(refusal_as_stream),
    ),
];

fn stream_called_json(_: &Asked, given: &mut Given) {
    if given.body.starts_with(b"event: ") {
        let json = HeaderValue::from_static("application/json");
        given.headers.insert(CONTENT_TYPE, json);
    }
}

fn errors_without_request_id(_: &Asked, given: &mut Given) {
    if given.status >= 400 {
        given.headers.remove("x-request-id");
    }
}

fn one_kind_of_401(_: &Asked, given: &mut Given) {
    if given.status == 401 {
        given.edit(|body| body["error"]["code"] = Value::Null);
    }
}

fn unknown_field_unnamed(_: &Asked, given: &mut Given) {
    if given.code() == "unknown_parameter" {
        given.edit(|body| body["error"]["param"] = Value::Null);
    }
}

fn cap_of_fifteen(asked: &mut Asked) {
    asked.edit(|body| {
        if body["max_output_tokens"] == 15 {
            body["max_output_tokens"] = 16.into();
        }
    });
}

fn metadata_cut(asked: &mut Asked) {
    asked.edit(|body| {
        for value in body["metadata"]
            .as_object_mut()
            .into_iter()
            .flat_map(|map| map.values_mut())
        {
            if let Some(text) = value.as_str() {
                *value = text.chars().take(512).collect::<String>().into();
            }
        }
    });
}

fn one_parent_wins(asked: &mut Asked) {
    asked.edit(|body| {
        if body["previous_response_id"].is_string()
            && let Some(fields) = body.as_object_mut()
        {
            fields.remove("conversation");
        }
    });
}

fn model_missing_unnamed(_: &Asked, given: &mut Given) {
    if given.code() == "model_not_found" {
        given.edit(|body| body["error"]["param"] = Value::Null);
    }
}

fn oldest_first(asked: &mut Asked) {
    if asked.is("GET", "/input_items") && !asked.path.contains("order=") {
        let mark = if asked.path.contains('?') { '&' } else { '?' };
        asked.path = format!("{}{mark}order=asc", asked.path);
    }
}

fn first_include_alone(asked: &mut Asked) {
    if let Some((first, _)) = asked.path.split_once("&include[]=") {
        asked.path = first.to_owned();
    }
}

fn images_left_out(_: &Asked, given: &mut Given) {
    edit_response(given, |body| {
        for item in body["output"].as_array_mut().into_iter().flatten() {
            if let Some(outputs) = item.get_mut("outputs").and_then(Value::as_array_mut) {
                outputs.retain(|output| output["type"] != "image");
            }
        }
    });
}

fn refusal_as_stream(asked: &Asked, given: &mut Given) {
    let request: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
    if asked.creates() && request["stream"] == true && given.status == 400 {
        given.status = 200;
        let stream = HeaderValue::from_static("text/event-stream; charset=utf-8");
        given.headers.insert(CONTENT_TYPE, stream);
    }
}

/// Changes the Response object of a reply.
pub(super) fn edit_response(given: &mut Given, edit: impl FnOnce(&mut Value)) {
    given.edit(|body| {
        if body["object"] == "response" && body["status"].is_string() {
            edit(body);
        }
    });
}

fn output_text_on_the_wire(_: &Asked, given: &mut Given) {
    edit_response(given, |body| body["output_text"] = "".into());
}

fn model_as_asked(asked: &Asked, given: &mut Given) {
    let request: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
    if let Some(model) = request["model"].as_str() {
        edit_response(given, |body| body["model"] = model.into());
    }
}

fn cancel_forgets_metadata(asked: &Asked, given: &mut Given) {
    if asked.is("POST", "/cancel") {
        edit_response(given, |body| body["metadata"] = json!({}));
    }
}

fn foreground_always_stored(_: &mut Memory, batch: &mut Vec<Input>) {
    for input in batch {
        if let Input::Request {
            ask: Ok(Ask::Create(create)),
            ..
        } = input
            && !create.background
        {
            std::sync::Arc::make_mut(create).store = true;
        }
    }
}

fn other_words_for_404(_: &Asked, given: &mut Given) {
    if given.message().starts_with("Response with id") {
        given.edit(|body| body["error"]["message"] = "No such response.".into());
    }
}

fn deletion_without_word(asked: &Asked, given: &mut Given) {
    if asked.is_about_one("DELETE") && given.status == 200 {
        given.edit(|body| body["deleted"] = false.into());
    }
}
