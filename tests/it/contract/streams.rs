//! Statements 29 to 39 and 41: event streams.

use std::sync::Arc;

use lanebench::backend::{FailedEnd, Padding, StepWork, StreamClose, Streaming, Tool, ToolEnd, Words};
use lanebench::fault::{Fault, FaultRule, Target};
use lanebench::units::{ExchangeKind, Probability};
use lanebench::wire::{ErrorShape, Phase};
use serde_json::{Value, json};

use crate::backend_bench::{always, constant, first, function, secs, step};

use super::bench::{
    Bench, Client, Heard, Stage, asked, data_of, holds, invalid, ok, refused, same, shown, text, types_of,
};
use super::table::{Verdict, statements};
use super::tools::tool;

statements! {
    29 s29_events_are_framed_and_the_stream_closes_behind_the_last,
    30 s30_numbers_rise_by_one_and_a_replay_repeats_them,
    31 s31_only_background_streams_tell_of_the_queue,
    32 s32_pieces_add_up_to_what_is_done,
    33 s33_places_are_dense_and_every_item_ends,
    34 s34_a_cursor_is_exclusive,
    35 s35_every_reader_of_a_run_is_told_everything,
    36 s36_what_cannot_be_resumed_says_why,
    37 s37_padding_can_be_refused,
    38 s38_a_stream_can_be_cut_anywhere,
    39 s39_errors_come_in_every_shape,
    41 s41_silences_strangers_and_slow_bytes_can_be_scripted,
}

/// A request for a stream.
fn request(background: bool) -> Value {
    json!({"model": "gpt-5", "input": "hello", "background": background, "stream": true})
}

async fn hear(client: &Client, body: &Value) -> Result<Heard, String> {
    client
        .hear(asked("POST", "/v1/responses", &body.to_string()))
        .await
}

/// The events of a stream that came whole.
async fn told(client: &Client, body: &Value) -> Result<Vec<Value>, String> {
    let heard = hear(client, body).await?;
    same("status", heard.given.status, 200)?;
    holds("the stream broke off", heard.whole)?;
    Ok(data_of(&heard.given.body))
}

/// The events of a GET.
async fn read(client: &Client, id: &str, query: &str) -> Result<Vec<Value>, String> {
    let path = format!("/v1/responses/{id}?stream=true{query}");
    client.events(asked("GET", &path, "")).await
}

fn numbers(events: &[Value]) -> Vec<u64> {
    let number = |event: &Value| event["sequence_number"].as_u64().unwrap_or(u64::MAX);
    events.iter().map(number).collect()
}

/// The id of the response of a stream.
fn id_of(events: &[Value]) -> Result<String, String> {
    let born = events.iter().find(|event| event["response"].is_object());
    text(&born.ok_or("no event shows the response")?["response"], "id")
}

/// What closes behind the terminal event is a switch: the body alone, or the connection with it.
async fn s29_events_are_framed_and_the_stream_closes_behind_the_last(bench: &Bench) -> Verdict {
    for (background, close) in [false, true]
        .into_iter()
        .flat_map(|background| StreamClose::ALL.map(|close| (background, close)))
    {
        let mut stage = Stage::default();
        stage.options.stream_close = close;
        let client = bench.server(stage);
        let heard = hear(&client, &request(background)).await?;
        holds("the stream broke off", heard.whole)?;
        let closes = close == StreamClose::Connection;
        let said = heard
            .given
            .headers
            .get("connection")
            .is_some_and(|value| value == "close");
        same(
            "the connection closes, and says so",
            (heard.closed, said),
            (closes, closes),
        )?;
        let body = String::from_utf8_lossy(&heard.given.body).into_owned();
        let frames = body.strip_suffix("\n\n").ok_or("no blank line at the end")?;
        let mut last = String::new();
        for frame in frames.split("\n\n") {
            let lines: Vec<&str> = frame.lines().collect();
            let [name, data] = lines[..] else {
                return Err(format!("lines of an event: {lines:?}"));
            };
            let name = name.strip_prefix("event: ").ok_or("no name of the event")?;
            let data = data.strip_prefix("data: ").ok_or("no data of the event")?;
            let data: Value = serde_json::from_str(data).map_err(|error| format!("{error}: {data}"))?;
            same("name", name, data["type"].as_str().unwrap_or_default())?;
            name.clone_into(&mut last);
        }
        same("last event", last, "response.completed")?;
    }
    Ok(())
}

async fn s30_numbers_rise_by_one_and_a_replay_repeats_them(bench: &Bench) -> Verdict {
    let client = bench.usual();
    let events = told(&client, &request(true)).await?;
    let dense: Vec<u64> = (0..events.len() as u64).collect();
    same("numbers", numbers(&events), dense)?;
    same("replay", read(&client, &id_of(&events)?, "").await?, events)?;
    let gaps = Probability::new(0.5).ok();
    let client = bench.server(Stage::default().streams(Streaming {
        gaps,
        ..Streaming::default()
    }));
    let events = told(&client, &request(true)).await?;
    let found = numbers(&events);
    holds("numbers fall", found.windows(2).all(|pair| pair[0] < pair[1]))?;
    holds("no gap", found.last() >= Some(&(events.len() as u64)))?;
    same(
        "replay with gaps",
        read(&client, &id_of(&events)?, "").await?,
        events,
    )
}

async fn s31_only_background_streams_tell_of_the_queue(bench: &Bench) -> Verdict {
    let client = bench.usual();
    let events = told(&client, &request(true)).await?;
    let begin = ["created", "queued", "in_progress"].map(|word| format!("response.{word}"));
    same("background", types_of(&events[..3]), begin.to_vec())?;
    let states: Vec<&Value> = events[..3]
        .iter()
        .map(|event| &event["response"]["status"])
        .collect();
    same("states", states, ["queued", "queued", "in_progress"])?;
    let events = told(&client, &request(false)).await?;
    same(
        "foreground",
        types_of(&events[..2]),
        ["response.created", "response.in_progress"],
    )?;
    holds(
        "a foreground stream tells of the queue",
        !types_of(&events).contains(&"response.queued"),
    )
}

/// A server that writes code, says something and calls a function.
fn varied(bench: &Bench) -> Client {
    let code = Tool::CodeInterpreter {
        code: "total = 1\nprint(total + 41)".into(),
        logs: "42".into(),
        images: Arc::from([]),
    };
    let words = Words::Message {
        tokens: 6,
        annotations: Arc::from([]),
        audio: None,
        phase: Some(Phase::Commentary),
    };
    bench.server(Stage::of(&[
        step("1s", StepWork::Reasoning),
        tool(code, ToolEnd::Completed),
        step("4s", StepWork::Words(Arc::new(words))),
        function("1s", "look_up"),
        function("1s", "look_up"),
    ]))
}

/// The pieces of an item under this name, joined.
fn joined(events: &[Value], item: &Value, name: &str) -> String {
    let of_item = events
        .iter()
        .filter(|event| event["item_id"] == item["id"] && event["type"] == name);
    of_item.filter_map(|event| event["delta"].as_str()).collect()
}

/// What the event of this name says of an item under `key`.
fn said<'a>(events: &'a [Value], item: &Value, name: &str, key: &str) -> &'a Value {
    let found = events
        .iter()
        .find(|event| event["item_id"] == item["id"] && event["type"] == name);
    found.map_or(&Value::Null, |event| &event[key])
}

/// What events and items say about the probabilities of a message's tokens.
fn probable(events: &[Value], item: &Value) -> Verdict {
    let tokens = |list: &Value| {
        let list = list.as_array().cloned().unwrap_or_default();
        list.iter()
            .map(|one| one["token"].as_str().unwrap_or_default().to_owned())
            .collect::<String>()
    };
    let mut joined = Vec::new();
    for event in events.iter().filter(|event| event["item_id"] == item["id"]) {
        if event["type"] == "response.output_text.delta" {
            same(
                "tokens of a piece",
                tokens(&event["logprobs"]),
                event["delta"].as_str().unwrap_or_default(),
            )?;
            joined.extend(event["logprobs"].as_array().cloned().unwrap_or_default());
        }
    }
    let joined = Value::from(joined);
    let part = &item["content"][0];
    same(
        "tokens",
        tokens(&joined),
        part["text"].as_str().unwrap_or_default(),
    )?;
    same(
        "done",
        said(events, item, "response.output_text.done", "logprobs"),
        &joined,
    )?;
    same(
        "part",
        &said(events, item, "response.content_part.done", "part")["logprobs"],
        &joined,
    )?;
    same("item", &part["logprobs"], &joined)?;
    for one in joined.as_array().into_iter().flatten() {
        let likely = one["top_logprobs"].as_array().map_or(0, Vec::len);
        let fits = one["logprob"].as_f64().is_some_and(|number| number <= 0.0) && (1..=3).contains(&likely);
        holds(&format!("a token: {one}"), fits && one["bytes"].is_array())?;
    }
    Ok(())
}

async fn s32_pieces_add_up_to_what_is_done(bench: &Bench) -> Verdict {
    let mut body = request(true);
    let client = varied(bench);
    let events = told(&client, &body).await?;
    adds_up(&events)?;
    let bare = events.iter().filter_map(|event| event.get("logprobs"));
    holds(
        "probabilities that nobody asked for",
        bare.into_iter().all(|list| *list == json!([])),
    )?;
    body["include"] = json!(["message.output_text.logprobs"]);
    body["top_logprobs"] = 3.into();
    let events = told(&client, &body).await?;
    adds_up(&events)?;
    let last = &events.last().ok_or("no event came")?["response"];
    probable(&events, &last["output"][2])?;
    let path = format!("/v1/responses/{}", text(last, "id")?);
    let read = ok(&client
        .get(&format!("{path}?include[]=message.output_text.logprobs"))
        .await?)?;
    same("a later read", &read["output"], &last["output"])
}

fn adds_up(events: &[Value]) -> Verdict {
    let last = &events.last().ok_or("no event came")?["response"];
    let output = last["output"].as_array().ok_or("no output")?;
    let mut kinds = Vec::new();
    for item in output {
        let done = events
            .iter()
            .find(|event| event["type"] == "response.output_item.done" && event["item"]["id"] == item["id"]);
        same("done item", &done.ok_or("an item is not done")?["item"], item)?;
        let added = events
            .iter()
            .find(|event| event["type"] == "response.output_item.added" && event["item"]["id"] == item["id"]);
        same(
            "phase",
            &added.ok_or("an item did not begin")?["item"]["phase"],
            &item["phase"],
        )?;
        let whole = |stem: &str, key: &str| {
            let pieces = joined(events, item, &format!("{stem}.delta"));
            holds("no piece came", !pieces.is_empty())?;
            same(stem, said(events, item, &format!("{stem}.done"), key), &*pieces)?;
            Ok::<_, String>(pieces)
        };
        match item["type"].as_str().unwrap_or_default() {
            "message" => {
                let pieces = whole("response.output_text", "text")?;
                same("phase", &item["phase"], "commentary")?;
                let part = said(events, item, "response.content_part.done", "part");
                same("part", &part["text"], &*pieces)?;
                same("item", &item["content"][0]["text"], &*pieces)?;
            }
            "function_call" => {
                let pieces = whole("response.function_call_arguments", "arguments")?;
                same("item", &item["arguments"], &*pieces)?;
            }
            "code_interpreter_call" => {
                let pieces = whole("response.code_interpreter_call_code", "code")?;
                same("item", &item["code"], &*pieces)?;
            }
            _ => {}
        }
        kinds.push(item["type"].as_str().unwrap_or_default());
    }
    let wanted = [
        "reasoning",
        "code_interpreter_call",
        "message",
        "function_call",
        "function_call",
    ];
    same("items", kinds, wanted)
}

async fn s33_places_are_dense_and_every_item_ends(bench: &Bench) -> Verdict {
    let events = told(&varied(bench), &request(true)).await?;
    let last = &events.last().ok_or("no event came")?["response"];
    let output = last["output"].as_array().ok_or("no output")?;
    let (mut begun, mut ended) = (0, 0);
    for event in &events {
        let Some(place) = event["output_index"].as_u64() else {
            continue;
        };
        let item = output.get(usize::try_from(place).unwrap_or(usize::MAX));
        match event["type"].as_str().unwrap_or_default() {
            "response.output_item.added" => {
                same("place of a new item", place, begun)?;
                same("the one before has not ended", ended, begun)?;
                begun += 1;
            }
            "response.output_item.done" => {
                same("place of an end", place, ended)?;
                same("item at its place", item, Some(&event["item"]))?;
                ended += 1;
            }
            _ => same("place of what happens", place, begun - 1)?,
        }
    }
    same(
        "items",
        (begun, ended),
        (output.len() as u64, output.len() as u64),
    )
}

async fn s34_a_cursor_is_exclusive(bench: &Bench) -> Verdict {
    let client = bench.usual();
    let events = told(&client, &request(true)).await?;
    let (id, end) = (id_of(&events)?, events.len() as u64);
    same("none", numbers(&read(&client, &id, "").await?)[0], 0)?;
    for cursor in 0..end + 2 {
        let found = read(&client, &id, &format!("&starting_after={cursor}")).await?;
        let wanted: Vec<u64> = (cursor + 1..end).collect();
        same(&format!("after {cursor}"), numbers(&found), wanted)?;
    }
    Ok(())
}

async fn s35_every_reader_of_a_run_is_told_everything(bench: &Bench) -> Verdict {
    let client = bench.usual();
    let began = client
        .leave(asked("POST", "/v1/responses", &request(true).to_string()), "2s")
        .await?;
    let id = id_of(&began)?;
    same("status", &client.read(&id).await?["status"], "in_progress")?;
    let (one, two) = tokio::join!(read(&client, &id, ""), read(&client, &id, "&starting_after=1"));
    let (one, two) = (one?, two?);
    same("the first", types_of(&one).last(), Some(&"response.completed"))?;
    let end = one.len() as u64;
    same("the first", numbers(&one), (0..end).collect::<Vec<_>>())?;
    let behind: Vec<&Value> = two
        .iter()
        .filter(|event| event["sequence_number"].as_u64() > Some(1))
        .collect();
    same("the second", behind, one[2..].iter().collect::<Vec<_>>())
}

async fn s36_what_cannot_be_resumed_says_why(bench: &Bench) -> Verdict {
    let client = bench.usual();
    let words = async |id: &str, param: Option<&str>, words: &str| {
        let given = client.get(&format!("/v1/responses/{id}?stream=true")).await?;
        invalid(&given, None, param)?;
        holds(
            &format!("other words: {}", shown(&given)),
            shown(&given).contains(words),
        )
    };
    let mut body = request(true);
    body["stream"] = false.into();
    let silent = text(&client.create(&body).await?, "id")?;
    words(&silent, None, "it was not created with stream=true.").await?;
    let events = told(&client, &request(false)).await?;
    let foreground = id_of(&events)?;
    words(
        &foreground,
        Some("stream"),
        "it was not created with background=true.",
    )
    .await?;
    let born = client.now();
    let events = told(&client, &request(true)).await?;
    let id = id_of(&events)?;
    let spent = client.now().since(born).ticks() / 1_000_000;
    client.wait(&format!("{}s", 299 - spent)).await;
    same("in time", read(&client, &id, "").await?.len(), events.len())?;
    client.wait("2s").await;
    words(&id, None, "it is more than 5 minutes old.").await?;
    for id in [silent, foreground, id] {
        same("plain GET", &client.read(&id).await?["status"], "completed")?;
    }
    let unknown = client.get("/v1/responses/resp_0000?stream=true").await?;
    refused(&unknown, 404, "invalid_request_error", None, None)
}

/// How many deltas of a stream have padding, and how many there are.
fn padded(events: &[Value]) -> (usize, usize) {
    let deltas = events.iter().filter(|event| event["delta"].is_string());
    let with = deltas.clone().filter(|event| event["obfuscation"].is_string());
    (with.count(), deltas.count())
}

async fn s37_padding_can_be_refused(bench: &Bench) -> Verdict {
    let client = bench.usual();
    let mut body = request(false);
    same("by default", padded(&told(&client, &body).await?), (6, 6))?;
    body["stream_options"] = json!({"include_obfuscation": true});
    same("wanted", padded(&told(&client, &body).await?), (6, 6))?;
    body["stream_options"] = json!({"include_obfuscation": false});
    same("refused", padded(&told(&client, &body).await?), (0, 6))?;
    same(
        "background",
        padded(&told(&client, &request(true)).await?),
        (0, 6),
    )?;
    let client = bench.server(Stage::default().streams(Streaming {
        padding: Padding::Every,
        ..Streaming::default()
    }));
    let events = told(&client, &request(true)).await?;
    same("background by switch", padded(&events), (6, 6))?;
    let id = id_of(&events)?;
    same("replay by switch", padded(&read(&client, &id, "").await?), (6, 6))?;
    let bare = read(&client, &id, "&include_obfuscation=false").await?;
    same("replay, refused", padded(&bare), (0, 6))
}

/// The first stream of a create meets this.
fn struck(bench: &Bench, fault: Fault) -> Client {
    bench.server(Stage::default().with(first(ExchangeKind::Create, fault)))
}

async fn s38_a_stream_can_be_cut_anywhere(bench: &Bench) -> Verdict {
    for after in [1, 5, 9] {
        for (fault, tail) in [
            (Fault::CutStream { after }, "\n\n"),
            (Fault::CutInsideEvent { after }, "data: {\"type\":\"response.outp"),
            (
                Fault::CutBetweenLines { after },
                "event: response.output_text.delta\n",
            ),
            (Fault::ResetStream { after }, "\n\n"),
        ] {
            let word = fault.word();
            let client = struck(bench, fault);
            let heard = hear(&client, &request(true)).await?;
            let body = String::from_utf8_lossy(&heard.given.body).into_owned();
            holds(&format!("{word}: the stream is whole"), !heard.whole)?;
            same(word, data_of(body.as_bytes()).len(), after as usize)?;
            holds(&format!("{word}: {body}"), body.ends_with(tail))?;
            let rest = body.rsplit("\n\n").next().unwrap_or_default();
            same(word, rest.is_empty(), tail == "\n\n")?;
            let id = id_of(&data_of(body.as_bytes()))?;
            let rest = read(&client, &id, &format!("&starting_after={}", after - 1)).await?;
            holds("what follows is lost", numbers(&rest).contains(&u64::from(after)))?;
            same("the end", types_of(&rest).last(), Some(&"response.completed"))?;
        }
    }
    Ok(())
}

async fn s39_errors_come_in_every_shape(bench: &Bench) -> Verdict {
    let rule = || {
        let code = "insufficient_quota".into();
        always(Target::Response, Fault::Fail { code, at_step: 1 })
    };
    let play = async |streaming: Streaming| {
        let client = bench.server(Stage::default().with(rule()).streams(streaming));
        told(&client, &request(true)).await
    };
    for (failed, error, ends) in [
        (
            FailedEnd::Both,
            ErrorShape::Nested,
            &["error", "response.failed"][..],
        ),
        (FailedEnd::Both, ErrorShape::Flat, &["error", "response.failed"]),
        (FailedEnd::FailedOnly, ErrorShape::Nested, &["response.failed"]),
        (FailedEnd::ErrorOnly, ErrorShape::Nested, &["error"]),
        (FailedEnd::ErrorOnly, ErrorShape::Flat, &["error"]),
    ] {
        let events = play(Streaming {
            failed,
            error,
            ..Streaming::default()
        })
        .await?;
        let begin = events.len() - ends.len();
        same("end", &types_of(&events)[begin..], ends)?;
        let others = &types_of(&events)[..begin];
        holds("an end too many", !others.iter().any(|name| ends.contains(name)))?;
        for event in &events[begin..] {
            let shape = match (&event["type"] == "error", error) {
                (true, ErrorShape::Nested) => &event["error"],
                (true, ErrorShape::Flat) => event,
                (false, _) => &event["response"]["error"],
            };
            same("code", &shape["code"], "insufficient_quota")?;
            holds("no words", shape["message"].is_string())?;
        }
    }
    Ok(())
}

async fn s41_silences_strangers_and_slow_bytes_can_be_scripted(bench: &Bench) -> Verdict {
    deltas_leave_when_they_are_made(bench).await?;
    keepalives_fill_silences(bench).await?;
    let client = struck(bench, Fault::UnknownEvent { after: 4 });
    let events = told(&client, &request(true)).await?;
    same("stranger", &events[4]["type"], "response.unheard_of")?;
    same("its number", &events[4]["sequence_number"], 4)?;
    bytes_leave_slowly(bench).await
}

/// Each delta comes in a piece of its own, at its own time.
async fn deltas_leave_when_they_are_made(bench: &Bench) -> Verdict {
    let heard = hear(&bench.usual(), &request(true)).await?;
    let mut instants = Vec::new();
    for (at, piece) in &heard.pieces {
        let events = data_of(piece);
        let deltas = events
            .iter()
            .filter(|event| event["type"] == "response.output_text.delta");
        instants.extend(deltas.map(|_| at.ticks()));
    }
    let gaps: Vec<u64> = instants
        .windows(2)
        .map(|pair| (pair[1] - pair[0]) / 100_000)
        .collect();
    same("tenths of seconds between deltas", gaps, [6, 6, 6, 6, 6])
}

/// A keepalive a second, from the first silent second on, each with a number.
async fn keepalives_fill_silences(bench: &Bench) -> Verdict {
    let late = always(Target::Response, Fault::SlowAdmission { law: constant("5s") });
    let client = bench.server(Stage::default().with(late).streams(Streaming {
        keepalive: Some(secs(1)),
        ..Streaming::default()
    }));
    let events = told(&client, &request(true)).await?;
    let types = types_of(&events);
    let before = types.iter().take_while(|name| **name == "keepalive").count();
    holds(&format!("before the first event: {before}"), before >= 4)?;
    same("behind them", types[before], "response.created")?;
    holds("none later", types[before..].contains(&"keepalive"))?;
    let dense: Vec<u64> = (0..events.len() as u64).collect();
    same("numbers", numbers(&events), dense)
}

/// Slow bytes make the same events, and their pieces end inside lines and characters.
async fn bytes_leave_slowly(bench: &Bench) -> Verdict {
    let slow = |rule: Option<FaultRule>| {
        let stage = Stage::default();
        bench.server(match rule {
            Some(rule) => stage.with(rule),
            None => stage,
        })
    };
    let pause = constant("70ms");
    let mut body = request(true);
    body["metadata"] = json!({"für": "wën"});
    let quick = hear(&slow(None), &body).await?;
    let heard = hear(
        &slow(Some(first(ExchangeKind::Create, Fault::Trickle { pause }))),
        &body,
    )
    .await?;
    let (quick, events) = (data_of(&quick.given.body), data_of(&heard.given.body));
    same("events", types_of(&events), types_of(&quick))?;
    let pieces = heard.pieces.iter().map(|(_, piece)| piece);
    let inside_line = pieces.clone().filter(|piece| !piece.ends_with(b"\n")).count();
    let inside_character = pieces.filter(|piece| piece[0] & 0xC0 == 0x80).count();
    holds("no piece ends inside a line", inside_line >= events.len())?;
    holds("no piece ends inside a character", inside_character > 0)
}
