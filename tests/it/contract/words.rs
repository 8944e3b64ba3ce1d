//! Words that show more than plain text does: their items and events, in order, replayed, cut and cancelled.

use lanebench::clock::Pace;
use serde_json::{Value, json};

use super::bench::{Bench, Client, Stage, asked, holds, same, text, types_of};
use super::table::Verdict;
use super::yaml::stage;

/// A service that shows all of it.
fn talkative() -> Stage {
    stage(
        "tokens_per_delta: 2
script:
  queued: 1s
  steps:
    - reasoning: { takes: 4s, summary: [Rain is asked for., Look it up.], text: The user asks for rain. }
    - compaction: 1s
    - message:
        tokens: 4 tokens
        takes: 4s
        audio: aGk=
        annotations:
          - url_citation: { url: \"https://met.example.test/\", title: Rain }
          - file_citation: { file_id: file_1, filename: rain.txt }
    - refusal: { tokens: 4 tokens, takes: 4s }",
    )
}

fn request() -> Value {
    json!({"model": "gpt-5", "input": "hello", "background": true, "stream": true,
        "reasoning": {"summary": "auto"}})
}

/// Plays a check against a service.
#[track_caller]
fn play(stage: Stage, check: impl AsyncFnOnce(Client) -> Verdict) {
    let played = lanebench::clock::run(Pace::Virtual, async |clock| {
        check(Bench::new(clock, None).server(stage)).await
    });
    if let Err(why) = played.unwrap() {
        panic!("{why}");
    }
}

/// The names of the events of one item, without their common beginning.
fn of_item(events: &[Value], place: u64) -> Vec<&str> {
    types_of(events)
        .into_iter()
        .zip(events)
        .filter(|(_, event)| event["output_index"] == place)
        .map(|(name, _)| name.trim_start_matches("response."))
        .collect()
}

/// The words of all deltas of this name, joined.
fn deltas(events: &[Value], name: &str) -> String {
    let named = events.iter().filter(|event| event["type"] == name);
    named.filter_map(|event| event["delta"].as_str()).collect()
}

const SUMMARY: [&str; 5] = [
    "reasoning_summary_part.added",
    "reasoning_summary_text.delta",
    "reasoning_summary_text.delta",
    "reasoning_summary_text.done",
    "reasoning_summary_part.done",
];

#[test]
fn each_of_them_comes_in_the_order_of_the_contract() {
    play(talkative(), async |client| {
        let events = client.streamed(&request()).await?;
        let thought = of_item(&events, 0);
        same("sections", &thought[1..6], &SUMMARY[..])?;
        holds("the second section", thought[6] == SUMMARY[0])?;
        let rest: Vec<&str> = thought
            .iter()
            .copied()
            .filter(|name| !name.starts_with("reasoning_summary"))
            .collect();
        same(
            "first of the thought",
            &rest[..2],
            &["output_item.added", "content_part.added"][..],
        )?;
        same(
            "last of the thought",
            &rest[rest.len() - 3..],
            &["reasoning_text.done", "content_part.done", "output_item.done"][..],
        )?;
        same(
            "compaction",
            of_item(&events, 1),
            vec!["output_item.added", "compaction.compacting", "output_item.done"],
        )?;
        let (delta, annotation) = ("output_text.delta", "output_text.annotation.added");
        same(
            "message",
            of_item(&events, 2),
            vec![
                "output_item.added",
                "content_part.added",
                delta,
                annotation,
                annotation,
                delta,
                "output_text.done",
                "content_part.done",
                "output_item.done",
            ],
        )?;
        same(
            "refusal",
            of_item(&events, 3),
            vec![
                "output_item.added",
                "content_part.added",
                "refusal.delta",
                "refusal.delta",
                "refusal.done",
                "content_part.done",
                "output_item.done",
            ],
        )?;
        let speech: Vec<&str> = types_of(&events)
            .into_iter()
            .filter(|name| name.contains("audio"))
            .collect();
        same(
            "speech",
            speech,
            vec![
                "response.audio.delta",
                "response.audio.done",
                "response.audio.transcript.delta",
                "response.audio.transcript.done",
            ],
        )
    });
}

#[test]
fn what_the_events_said_is_what_the_response_holds() {
    play(talkative(), async |client| {
        let events = client.streamed(&request()).await?;
        let response = &events.last().ok_or("nothing")?["response"];
        let output = &response["output"];
        for event in events
            .iter()
            .filter(|event| event["type"] == "response.output_item.done")
        {
            let place = usize::try_from(event["output_index"].as_u64().unwrap()).unwrap();
            same("an item and its end", &output[place], &event["item"])?;
        }
        let thought = &output[0];
        let summary = format!(
            "{}{}",
            text(&thought["summary"][0], "text")?,
            text(&thought["summary"][1], "text")?
        );
        same(
            "summary",
            deltas(&events, "response.reasoning_summary_text.delta"),
            summary,
        )?;
        same(
            "thought",
            deltas(&events, "response.reasoning_text.delta"),
            text(&thought["content"][0], "text")?,
        )?;
        holds(
            "a blob",
            text(&output[1], "encrypted_content")?.len() > 10 && output[1]["status"].is_null(),
        )?;
        let part = &output[2]["content"][0];
        same(
            "message",
            deltas(&events, "response.output_text.delta"),
            text(part, "text")?,
        )?;
        let told = events
            .iter()
            .filter(|event| event["type"] == "response.output_text.annotation.added");
        let told: Vec<&Value> = told.map(|event| &event["annotation"]).collect();
        same(
            "annotations",
            told,
            part["annotations"].as_array().unwrap().iter().collect::<Vec<_>>(),
        )?;
        let cited = &part["annotations"][0];
        let (start, end) = (
            cited["start_index"].as_u64().unwrap(),
            cited["end_index"].as_u64().unwrap(),
        );
        holds(
            "a citation of nothing",
            start < end && end <= text(part, "text")?.len() as u64,
        )?;
        let refusal = &output[3]["content"][0];
        same(
            "refusal",
            deltas(&events, "response.refusal.delta"),
            text(refusal, "refusal")?,
        )?;
        same(
            "its part",
            (&refusal["type"], output[3]["content"].as_array().unwrap().len()),
            (&json!("refusal"), 1),
        )?;
        same(
            "speech",
            deltas(&events, "response.audio.transcript.delta"),
            text(part, "text")?,
        )
    });
}

#[test]
fn a_replay_from_any_cursor_repeats_them() {
    play(talkative(), async |client| {
        let events = client.streamed(&request()).await?;
        let id = text(&events[0]["response"], "id")?;
        for (cursor, _) in events.iter().enumerate() {
            let path = format!("/v1/responses/{id}?stream=true&starting_after={cursor}");
            let again = client.events(asked("GET", &path, "")).await?;
            same("a replay", &again[..], &events[cursor + 1..])?;
        }
        for (number, event) in events.iter().enumerate() {
            same("number", event["sequence_number"].as_u64(), Some(number as u64))?;
        }
        Ok(())
    });
}

#[test]
fn a_summary_is_shown_to_whoever_asks_and_a_blob_to_whoever_includes_it() {
    play(talkative(), async |client| {
        let mut body = request();
        body["reasoning"] = json!({"effort": "low"});
        let events = client.streamed(&body).await?;
        let thought = &events.last().ok_or("nothing")?["response"]["output"][0];
        same("no summary", &thought["summary"], &json!([]))?;
        let told = types_of(&events)
            .into_iter()
            .filter(|name| name.contains("summary"))
            .count();
        same("events of a summary", told, 0)?;
        holds("no blob", thought["encrypted_content"].is_null())?;
        let id = text(&events[0]["response"], "id")?;
        let path = format!("/v1/responses/{id}?include[]=reasoning.encrypted_content");
        let read = super::bench::ok(&client.get(&path).await?)?;
        let blob = text(&read["output"][0], "encrypted_content")?;
        body["include"] = json!(["reasoning.encrypted_content"]);
        let events = client.streamed(&body).await?;
        let thought = &events.last().ok_or("nothing")?["response"]["output"][0];
        same(
            "both begin alike",
            &text(thought, "encrypted_content")?[..6],
            &blob[..6],
        )
    });
}

#[test]
fn what_was_said_before_a_cancel_stays() {
    play(talkative(), async |client| {
        for (after, place, whole) in [
            ("2500ms", 0, false),
            ("8500ms", 2, false),
            ("13s", 3, false),
            ("4s", 0, true),
        ] {
            let events = client
                .leave(asked("POST", "/v1/responses", &request().to_string()), after)
                .await?;
            let id = text(&events[0]["response"], "id")?;
            let cancelled = super::bench::ok(&client.cancel(&id).await?)?;
            let item = &cancelled["output"][place];
            let (delta, kept) = match place {
                0 => ("response.reasoning_summary_text.delta", item["summary"].clone()),
                2 => ("response.output_text.delta", item["content"].clone()),
                _ => ("response.refusal.delta", item["content"].clone()),
            };
            let parts = kept.as_array().cloned().unwrap_or_default();
            let words = |part: &Value| {
                part["text"]
                    .as_str()
                    .or(part["refusal"].as_str())
                    .map(str::to_owned)
            };
            let kept: String = parts.iter().filter_map(words).collect();
            same(&format!("kept after {after}"), &kept, &deltas(&events, delta))?;
            holds("something was said", !kept.is_empty())?;
            same("all of it", kept.ends_with("Look it up."), whole)?;
        }
        Ok(())
    });
}

#[test]
fn a_cut_refusal_is_incomplete_and_stays_a_refusal() {
    let refusing = stage("script: { queued: 1s, steps: [{ refusal: { tokens: 40 tokens, takes: 4s } }] }");
    play(refusing, async |client| {
        let body = json!({"model": "gpt-5", "input": "hello", "max_output_tokens": 16});
        let events = client.streamed(&body).await?;
        let last = events.last().ok_or("nothing")?;
        same("end", &last["type"], &json!("response.incomplete"))?;
        let item = &last["response"]["output"][0];
        same(
            "item",
            (&item["status"], &item["content"][0]["type"]),
            (&json!("incomplete"), &json!("refusal")),
        )?;
        same(
            "said",
            deltas(&events, "response.refusal.delta"),
            text(&item["content"][0], "refusal")?,
        )?;
        let read = client.create(&body).await?;
        let part = &read["output"][0]["content"][0];
        holds(
            "a refusal without a stream",
            part["type"] == "refusal" && text(part, "refusal")?.len() > 16,
        )
    });
}
