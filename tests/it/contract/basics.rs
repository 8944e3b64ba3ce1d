//! Statements 1 to 16: requests, replies and stored responses.

use std::sync::Arc;

use http::HeaderMap;
use lanebench::backend::{Models, Tool, ToolEnd};
use lanebench::sabotage::contract::Given;
use serde_json::{Value, json};

use super::bench::{Bench, Client, KEY, Stage, asked, holds, invalid, ok, refused, same, shown, text};
use super::table::{Verdict, statements};
use super::tools::tool;

statements! {
    1 s01_the_body_alone_chooses_between_json_and_events,
    2 s02_every_reply_has_its_headers,
    3 s03_a_missing_and_a_wrong_key_are_told_apart,
    4 s04_unknown_field_is_named,
    5 s05_max_output_tokens_begins_at_sixteen,
    6 s06_metadata_has_limits,
    7 s07_two_parents_exclude_each_other,
    8 s08_an_unknown_model_is_a_400,
    9 s09_the_response_has_its_key_set,
    10 s10_the_response_echoes_its_request,
    11 s11_metadata_comes_back,
    12 s12_store_decides_whether_a_response_can_be_read,
    13 s13_an_unknown_id_is_a_404_of_its_form,
    14 s14_a_deleted_response_is_gone,
    15 s15_input_items_are_paged,
    16 s16_include_is_read_in_both_forms,
    40 s40_a_bad_request_with_stream_is_json,
}

/// What a header says.
fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

async fn s01_the_body_alone_chooses_between_json_and_events(bench: &Bench) -> Verdict {
    let client = bench.usual();
    for accept in ["application/json", "text/event-stream", "*/*"] {
        for (stream, kind) in [
            (json!({}), "application/json"),
            (json!({"stream": false}), "application/json"),
            (json!({"stream": true}), "text/event-stream; charset=utf-8"),
        ] {
            let mut body = json!({"model": "gpt-5", "input": "hello"});
            body["stream"] = stream.get("stream").cloned().unwrap_or(Value::Null);
            let mut request = asked("POST", "/v1/responses", &body.to_string());
            request.headers.push(("accept".to_owned(), accept.to_owned()));
            let given = client.send(request).await?;
            let got = (given.status, header(&given.headers, "content-type"));
            same(&format!("{stream} with `accept: {accept}`"), got, (200, kind))?;
        }
    }
    Ok(())
}

async fn s02_every_reply_has_its_headers(bench: &Bench) -> Verdict {
    let client = bench.usual();
    let made = client
        .post(&json!({"model": "gpt-5", "input": "hello", "background": true}))
        .await?;
    let id = text(&ok(&made)?, "id")?;
    let path = format!("/v1/responses/{id}");
    let mut bare = asked("GET", &path, "");
    bare.headers.clear();
    let replies = [
        made,
        client.streamed_reply().await?,
        client.get(&path).await?,
        client.cancel(&id).await?,
        client.delete(&path).await?,
        client.get(&path).await?,
        client
            .post(&json!({"model": "gpt-5", "input": "hello", "colour": 1}))
            .await?,
        client.send(bare).await?,
        client.get("/v1/nothing").await?,
        client.call("PUT", "/v1/responses", &json!({})).await?,
        client.send(asked("POST", "/v1/responses", "{")).await?,
    ];
    let mut ids = Vec::new();
    for given in &replies {
        check_headers(given)?;
        ids.push(header(&given.headers, "x-request-id").to_owned());
    }
    ids.sort_unstable();
    ids.dedup();
    same("different request ids", ids.len(), replies.len())
}

fn check_headers(given: &Given) -> Verdict {
    let id = header(&given.headers, "x-request-id");
    let hex = id.strip_prefix("req_").unwrap_or("-");
    let is_hex = hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    holds(&format!("request id `{id}` of {}", given.status), is_hex)?;
    let millis = header(&given.headers, "openai-processing-ms");
    let is_number = millis.parse::<u64>().is_ok();
    holds(
        &format!("processing time `{millis}` of {}", given.status),
        is_number,
    )?;
    same("version", header(&given.headers, "openai-version"), "2020-10-01")
}

async fn s03_a_missing_and_a_wrong_key_are_told_apart(bench: &Bench) -> Verdict {
    let client = bench.usual();
    let create = json!({"model": "gpt-5", "input": "hello"}).to_string();
    for (method, path) in [
        ("POST", "/v1/responses"),
        ("GET", "/v1/responses/resp_1"),
        ("DELETE", "/v1/responses/resp_1"),
    ] {
        let mut none = asked(method, path, &create);
        none.headers.clear();
        refused(
            &client.send(none).await?,
            401,
            "invalid_request_error",
            None,
            None,
        )?;
        let mut wrong = asked(method, path, &create);
        wrong.headers = vec![(
            "authorization".to_owned(),
            "Bearer sk-abcdefghijklmnopqrstuvwxyz".to_owned(),
        )];
        let given = client.send(wrong).await?;
        refused(
            &given,
            401,
            "invalid_request_error",
            Some("invalid_api_key"),
            None,
        )?;
        let message = given_message(&given);
        let masked =
            message.starts_with("Incorrect API key provided: sk-ab***yz.") && !message.contains("cdef");
        holds(&format!("the key is not masked in `{message}`"), masked)?;
    }
    let mut right = asked("POST", "/v1/responses", &create);
    right.headers = vec![("Authorization".to_owned(), KEY.replace("Bearer", "bearer"))];
    ok(&client.send(right).await?).map(drop)
}

fn given_message(given: &Given) -> String {
    let body: Value = serde_json::from_slice(&given.body).unwrap_or_default();
    body["error"]["message"].as_str().unwrap_or_default().to_owned()
}

async fn s04_unknown_field_is_named(bench: &Bench) -> Verdict {
    let client = bench.usual();
    let given = client
        .post(&json!({"model": "gpt-5", "input": "hello", "colour": "green"}))
        .await?;
    invalid(&given, Some("unknown_parameter"), Some("colour"))?;
    same(
        "message",
        given_message(&given).as_str(),
        "Unknown parameter: 'colour'.",
    )?;
    let nested = json!({"model": "gpt-5", "input": "hello", "reasoning": {"depth": 1}});
    invalid(
        &client.post(&nested).await?,
        Some("unknown_parameter"),
        Some("reasoning.depth"),
    )
}

async fn s05_max_output_tokens_begins_at_sixteen(bench: &Bench) -> Verdict {
    let client = bench.usual();
    let mut body = json!({"model": "gpt-5", "input": "hello", "background": true, "max_output_tokens": 15});
    let given = client.post(&body).await?;
    invalid(&given, Some("integer_below_min_value"), Some("max_output_tokens"))?;
    body["max_output_tokens"] = 16.into();
    same(
        "the cap",
        &ok(&client.post(&body).await?)?["max_output_tokens"],
        &json!(16),
    )
}

async fn s06_metadata_has_limits(bench: &Bench) -> Verdict {
    let client = bench.usual();
    let of = |pairs: Vec<(String, String)>| {
        let pairs: serde_json::Map<String, Value> = pairs
            .into_iter()
            .map(|(key, value)| (key, value.into()))
            .collect();
        json!({"model": "gpt-5", "input": "hello", "background": true, "metadata": pairs})
    };
    let pairs = |count: usize| {
        (0..count)
            .map(|at| (format!("key{at}"), "value".to_owned()))
            .collect()
    };
    let one = |key: usize, value: usize| vec![("ä".repeat(key), "ö".repeat(value))];
    ok(&client.post(&of(pairs(16))).await?)?;
    ok(&client.post(&of(one(64, 512))).await?)?;
    for (what, body) in [
        ("17 pairs", of(pairs(17))),
        ("a key of 65", of(one(65, 1))),
        ("a value of 513", of(one(1, 513))),
    ] {
        let given = client.post(&body).await?;
        same(
            &format!("status for {what}: {}", shown(&given)),
            given.status,
            400,
        )?;
    }
    Ok(())
}

async fn s07_two_parents_exclude_each_other(bench: &Bench) -> Verdict {
    let body = json!({"model": "gpt-5", "input": "hello", "previous_response_id": "resp_1", "conversation": "conv_1"});
    let given = bench.usual().post(&body).await?;
    invalid(&given, None, Some("previous_response_id"))?;
    let message = given_message(&given);
    let named = message.contains("previous_response_id") && message.contains("conversation");
    holds(&format!("`{message}` names only one"), named)
}

/// The key set of a response that has not completed; a completed one has `billing` as well.
const KEYS: [&str; 32] = [
    "background",
    "completed_at",
    "created_at",
    "error",
    "frequency_penalty",
    "id",
    "incomplete_details",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "object",
    "output",
    "parallel_tool_calls",
    "presence_penalty",
    "previous_response_id",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "status",
    "store",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "usage",
];

async fn s09_the_response_has_its_key_set(bench: &Bench) -> Verdict {
    let client = bench.usual();
    let body = json!({"model": "gpt-5", "input": "hello"});
    let mut background = body.clone();
    background["background"] = true.into();
    check_keys(&client.create(&background).await?, &["user"])?;
    check_keys(&client.ended(&body).await?, &["user", "billing"])?;
    check_keys(&client.create(&body).await?, &["user", "billing"])
}

fn check_keys(response: &Value, more: &[&str]) -> Verdict {
    let mut wanted: Vec<&str> = KEYS.iter().chain(more).copied().collect();
    wanted.sort_unstable();
    let object = response.as_object().ok_or("no object")?;
    let mut got: Vec<&str> = object.keys().map(String::as_str).collect();
    got.sort_unstable();
    same(&format!("keys while `{}`", response["status"]), got, wanted)
}

async fn s10_the_response_echoes_its_request(bench: &Bench) -> Verdict {
    let client = bench.usual();
    let schema = json!({"type": "object", "properties": {"id": {"type": "integer"}}});
    let tools = json!([
        {"type": "function", "name": "look_up", "parameters": schema},
        {"type": "mcp", "server_label": "mail", "server_url": "https://mail.example.test/", "headers": {"x": "secret"},
         "authorization": "secret"},
        {"type": "web_search"},
    ]);
    let body = json!({"model": "gpt-4o", "input": "hello", "background": true, "tools": tools, "temperature": 0.5,
        "instructions": "Be brief.", "max_tool_calls": 3, "user": "somebody"});
    let made = client.create(&body).await?;
    same("model", &made["model"], "gpt-4o-2024-08-06")?;
    let dated = json!({"model": "gpt-4.1-2025-04-14", "input": "hello", "background": true});
    same(
        "dated model",
        &client.create(&dated).await?["model"],
        "gpt-4.1-2025-04-14",
    )?;
    for key in ["temperature", "instructions", "max_tool_calls", "user"] {
        same(key, &made[key], &body[key])?;
    }
    same(
        "text",
        &made["text"],
        &json!({"format": {"type": "text"}, "verbosity": "medium"}),
    )?;
    let function = &made["tools"][0];
    same("parameters", &function["parameters"], &schema)?;
    same("strict", &function["strict"], &json!(true))?;
    same("description", function.get("description"), Some(&Value::Null))?;
    let server = &made["tools"][1];
    same("headers", server.get("headers"), Some(&Value::Null))?;
    same("allowed_tools", server.get("allowed_tools"), Some(&Value::Null))?;
    same("require_approval", &server["require_approval"], "always")?;
    holds("a secret comes back", !made.to_string().contains("secret"))
}

async fn s11_metadata_comes_back(bench: &Bench) -> Verdict {
    let client = bench.usual();
    let metadata = json!({"job": "42", "schön": "ja \"wohl\"", "leer": ""});
    let body = json!({"model": "gpt-5", "input": "hello", "background": true, "metadata": metadata});
    let made = client.create(&body).await?;
    let id = text(&made, "id")?;
    same("from POST", &made["metadata"], &metadata)?;
    same("from GET", &client.read(&id).await?["metadata"], &metadata)?;
    same(
        "from cancel",
        &ok(&client.cancel(&id).await?)?["metadata"],
        &metadata,
    )?;
    same(
        "from GET of the end",
        &client.read(&id).await?["metadata"],
        &metadata,
    )
}

async fn s12_store_decides_whether_a_response_can_be_read(bench: &Bench) -> Verdict {
    let client = bench.usual();
    for (store, status) in [(json!(false), 404), (json!(true), 200), (Value::Null, 200)] {
        let body = json!({"model": "gpt-5", "input": "hello", "store": store});
        let made = client.create(&body).await?;
        same("echo", &made["store"], &json!(status == 200))?;
        let given = client
            .get(&format!("/v1/responses/{}", text(&made, "id")?))
            .await?;
        same(&format!("GET behind `store: {store}`"), given.status, status)?;
    }
    Ok(())
}

async fn s13_an_unknown_id_is_a_404_of_its_form(bench: &Bench) -> Verdict {
    let client = bench.usual();
    let path = "/v1/responses/resp_0000";
    let expected = json!({"error": {"message": "Response with id 'resp_0000' not found.",
        "type": "invalid_request_error", "param": null, "code": null}});
    for given in [
        client.get(path).await?,
        client.get(&format!("{path}?stream=true")).await?,
        client.cancel("resp_0000").await?,
        client.delete(path).await?,
    ] {
        let body: Value = serde_json::from_slice(&given.body).unwrap_or_default();
        same("reply", (given.status, &body), (404, &expected))?;
    }
    Ok(())
}

async fn s14_a_deleted_response_is_gone(bench: &Bench) -> Verdict {
    let client = bench.usual();
    let made = client
        .create(&json!({"model": "gpt-5", "input": "hello"}))
        .await?;
    let id = text(&made, "id")?;
    let path = format!("/v1/responses/{id}");
    let gone = ok(&client.delete(&path).await?)?;
    same(
        "deletion",
        &gone,
        &json!({"id": id, "object": "response.deleted", "deleted": true}),
    )?;
    same("GET", client.get(&path).await?.status, 404)?;
    same("second DELETE", client.delete(&path).await?.status, 404)
}

async fn s08_an_unknown_model_is_a_400(bench: &Bench) -> Verdict {
    let mut stage = Stage::default();
    stage.profile.contract.models = Models::Listed(Arc::from([Arc::from("gpt-5"), Arc::from("gpt-4o")]));
    let client = bench.server(stage);
    let of = |model: &str| json!({"model": model, "input": "hello", "background": true});
    ok(&client.post(&of("gpt-5")).await?)?;
    ok(&client.post(&of("gpt-4o-2024-08-06")).await?)?;
    for model in ["gpt-99", "gpt-5-tiny", ""] {
        let given = client.post(&of(model)).await?;
        invalid(&given, Some("model_not_found"), Some("model"))?;
        let message = format!("The requested model '{model}' does not exist.");
        same("message", given_message(&given), message)?;
    }
    let listed = ok(&client.get("/v1/models").await?)?;
    let model =
        |id: &str| json!({"id": id, "object": "model", "created": 1_780_000_000, "owned_by": "openai"});
    same(
        "list",
        &listed,
        &json!({"object": "list", "data": [model("gpt-5"), model("gpt-4o")]}),
    )?;
    same(
        "one",
        &ok(&client.get("/v1/models/gpt-5").await?)?,
        &model("gpt-5"),
    )?;
    same("none", client.get("/v1/models/gpt-99").await?.status, 404)
}

/// A response with so many messages as input.
async fn with_input(client: &Client, count: usize) -> Result<String, String> {
    let input: Vec<Value> = (1..=count)
        .map(|number| json!({"role": "user", "content": format!("number {number}")}))
        .collect();
    let made = client
        .create(&json!({"model": "gpt-5", "input": input, "background": true}))
        .await?;
    text(&made, "id")
}

/// What the messages of a list say.
fn said(list: &Value) -> Vec<String> {
    let items = list["data"].as_array().cloned().unwrap_or_default();
    let text = |item: &Value| item["content"][0]["text"].as_str().unwrap_or_default().to_owned();
    items.iter().map(text).collect()
}

async fn s15_input_items_are_paged(bench: &Bench) -> Verdict {
    let client = bench.usual();
    let numbers = |range: Vec<usize>| {
        range
            .iter()
            .map(|number| format!("number {number}"))
            .collect::<Vec<_>>()
    };
    let path = format!("/v1/responses/{}/input_items", with_input(&client, 25).await?);
    let first = ok(&client.get(&path).await?)?;
    same("newest first", said(&first), numbers((6..=25).rev().collect()))?;
    let mut keys: Vec<&String> = first.as_object().ok_or("no object")?.keys().collect();
    keys.sort_unstable();
    same(
        "keys",
        keys,
        ["data", "first_id", "has_more", "last_id", "object"],
    )?;
    same(
        "more",
        (&first["object"], &first["has_more"]),
        (&json!("list"), &json!(true)),
    )?;
    same("first_id", &first["first_id"], &first["data"][0]["id"])?;
    same("last_id", &first["last_id"], &first["data"][19]["id"])?;
    let item = &first["data"][0];
    same(
        "item",
        (&item["type"], &item["role"], &item["status"]),
        (&json!("message"), &json!("user"), &json!("completed")),
    )?;
    same(
        "part",
        &item["content"],
        &json!([{"type": "input_text", "text": "number 25"}]),
    )?;
    let after = text(&first, "last_id")?;
    let second = ok(&client.get(&format!("{path}?after={after}")).await?)?;
    same("behind the last", said(&second), numbers((1..=5).rev().collect()))?;
    same("no more", &second["has_more"], &json!(false))?;
    let oldest = ok(&client.get(&format!("{path}?order=asc&limit=2")).await?)?;
    same("oldest first", said(&oldest), numbers(vec![1, 2]))?;
    let all = ok(&client.get(&format!("{path}?limit=100")).await?)?;
    same("all", (said(&all).len(), &all["has_more"]), (25, &json!(false)))?;
    for (limit, code) in [
        ("0", "integer_below_min_value"),
        ("101", "integer_above_max_value"),
    ] {
        invalid(
            &client.get(&format!("{path}?limit={limit}")).await?,
            Some(code),
            Some("limit"),
        )?;
    }
    invalid(
        &client.get(&format!("{path}?order=up")).await?,
        Some("invalid_value"),
        Some("order"),
    )?;
    let plain = client
        .create(&json!({"model": "gpt-5", "input": "only this", "background": true}))
        .await?;
    let list = ok(&client
        .get(&format!("/v1/responses/{}/input_items", text(&plain, "id")?))
        .await?)?;
    same("a plain text", said(&list), ["only this"])?;
    same(
        "unknown id",
        client.get("/v1/responses/resp_0000/input_items").await?.status,
        404,
    )
}

async fn s16_include_is_read_in_both_forms(bench: &Bench) -> Verdict {
    let client = bench.usual();
    let path = format!("/v1/responses/{}", with_input(&client, 1).await?);
    let good = "include[]=reasoning.encrypted_content&include[]=file_search_call.results";
    for query in [
        good,
        "include=message.output_text.logprobs",
        "include%5B%5D=web_search_call.results",
    ] {
        ok(&client.get(&format!("{path}?{query}")).await?)?;
        ok(&client.get(&format!("{path}/input_items?{query}")).await?)?;
    }
    let bad = "include[]=reasoning.encrypted_content&include[]=everything";
    for path in [format!("{path}?{bad}"), format!("{path}/input_items?{bad}")] {
        invalid(
            &client.get(&path).await?,
            Some("invalid_value"),
            Some("include[1]"),
        )?;
    }
    let body = json!({"model": "gpt-5", "input": "hello", "include": ["everything"]});
    invalid(
        &client.post(&body).await?,
        Some("invalid_value"),
        Some("include[0]"),
    )?;
    outputs_of_code(bench).await
}

/// What code printed and drew is shown where it is included, in the request or in a later read.
async fn outputs_of_code(bench: &Bench) -> Verdict {
    let code = Tool::CodeInterpreter {
        code: "plot()".into(),
        logs: "42".into(),
        images: Arc::from([Arc::from("https://files.example.test/plot.png")]),
    };
    let client = bench.server(Stage::of(&[tool(code, ToolEnd::Completed)]));
    let body = json!({"model": "gpt-5", "input": "hello"});
    let bare = client.create(&body).await?;
    same(
        "not included",
        bare["output"][0].get("outputs"),
        Some(&Value::Null),
    )?;
    let path = format!(
        "/v1/responses/{}?include[]=code_interpreter_call.outputs",
        text(&bare, "id")?
    );
    let read = ok(&client.get(&path).await?)?;
    let mut body = body;
    body["include"] = json!(["code_interpreter_call.outputs"]);
    let wanted = json!([{"type": "logs", "logs": "42"},
        {"type": "image", "url": "https://files.example.test/plot.png"}]);
    for response in [read, client.create(&body).await?] {
        same("included", &response["output"][0]["outputs"], &wanted)?;
    }
    Ok(())
}

async fn s40_a_bad_request_with_stream_is_json(bench: &Bench) -> Verdict {
    let client = bench.usual();
    for more in [
        json!({"colour": 1}),
        json!({"max_output_tokens": 1}),
        json!({"previous_response_id": "resp_0000"}),
    ] {
        let mut body = json!({"model": "gpt-5", "input": "hello", "stream": true});
        for (key, value) in more.as_object().into_iter().flatten() {
            body[key] = value.clone();
        }
        let given = client.post(&body).await?;
        same("status", given.status, 400)?;
        same("type", header(&given.headers, "content-type"), "application/json")?;
        holds("the error has no body", !given_message(&given).is_empty())?;
    }
    Ok(())
}
