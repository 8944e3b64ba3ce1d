//! What a request brings along: tools that are listed, items that come again, checks that are acknowledged; and what a
//! reader asks to be shown.

use std::sync::Arc;

use lanebench::backend::{ComputerActs, McpError, StepWork, Tool, ToolEnd};
use lanebench::clock::Pace;
use serde_json::{Value, json};

use crate::backend_bench::{function, message, step};

use super::bench::{Bench, Client, Stage, holds, invalid, ok, same, shown, text};
use super::table::Verdict;
use super::tools::tool;
use super::yaml::stage_of;

#[track_caller]
fn check(check: impl AsyncFnOnce(&Bench) -> Verdict) {
    let done = lanebench::clock::run(Pace::Virtual, async |clock| check(&Bench::new(clock, None)).await);
    done.unwrap().unwrap();
}

fn server(label: &str, more: &Value) -> Value {
    let mut server = json!({"type": "mcp", "server_label": label, "server_url": "https://mcp.example.test/",
        "require_approval": "never"});
    for (key, value) in more.as_object().into_iter().flatten() {
        server[key] = value.clone();
    }
    server
}

/// A call of this tool of this server.
fn calls(label: &str, name: &str) -> lanebench::backend::Step {
    let (server_label, name) = (label.into(), name.into());
    let (arguments, output) = ("{}".into(), "done".into());
    tool(
        Tool::McpCall {
            server_label,
            name,
            arguments,
            output,
            error: McpError::Http,
        },
        ToolEnd::Completed,
    )
}

/// The servers whose tools a response lists, each with the names of the tools.
fn lists(response: &Value) -> Vec<(String, Vec<String>)> {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let output = response["output"].as_array().into_iter().flatten();
    let lists = output.filter(|item| item["type"] == "mcp_list_tools");
    let names = |item: &Value| {
        let tools = item["tools"].as_array().into_iter().flatten();
        tools.map(|tool| word(&tool["name"])).collect()
    };
    lists
        .map(|item| (word(&item["server_label"]), names(item)))
        .collect()
}

#[test]
fn the_tools_of_a_server_are_listed_when_it_is_first_named() {
    check(async |bench| {
        let client = bench.server(Stage::of(&[
            calls("tickets", "create"),
            calls("tickets", "close"),
            calls("mail", "send"),
            message("1s", 3),
            function("1s", "look_up"),
            message("1s", 3),
        ]));
        let mut body = json!({"model": "gpt-5", "input": "hello",
            "tools": [server("tickets", &json!({})), server("mail", &json!({"allowed_tools": ["read"]}))]});
        let first = client.ended(&body).await?;
        let both = |tickets: &[&str]| {
            let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
            vec![
                ("tickets".to_owned(), names(tickets)),
                ("mail".to_owned(), names(&[])),
            ]
        };
        same("first", lists(&first), both(&["create", "close"]))?;
        same("in front", &first["output"][0]["type"], "mcp_list_tools")?;
        let calls = |response: &Value| {
            let output = response["output"].as_array().cloned().unwrap_or_default();
            output.into_iter().find(|item| item["type"] == "function_call")
        };
        let call = calls(&first).ok_or("no function is called")?;
        body["previous_response_id"] = first["id"].clone();
        body["input"] = json!([{"type": "function_call_output", "call_id": call["call_id"], "output": "1"}]);
        let second = client.ended(&body).await?;
        same("the list is in the context", lists(&second), Vec::new())?;
        body["previous_response_id"] = Value::Null;
        body["input"] = json!([first["output"][0].clone(), {"role": "user", "content": "again"}]);
        let replayed = client.ended(&body).await?;
        same("one list comes again", lists(&replayed), both(&[])[1..].to_vec())
    });
}

#[test]
fn reasoning_and_what_it_led_to_come_again_together() {
    check(async |bench| {
        let client = bench.server(Stage::of(&[
            step("1s", StepWork::Reasoning),
            function("1s", "look_up"),
            message("1s", 3),
        ]));
        let first = client.ended(&json!({"model": "gpt-5", "input": "hello"})).await?;
        let (reasoning, call) = (first["output"][0].clone(), first["output"][1].clone());
        let output = json!({"type": "function_call_output", "call_id": call["call_id"], "output": "1"});
        let send = async |input: Value| {
            let body = json!({"model": "gpt-5", "input": input});
            client.post(&body).await
        };
        ok(&send(json!([reasoning, call, output])).await?)?;
        let bare = send(json!([call, output])).await?;
        invalid(&bare, None, Some("input"))?;
        let words = format!(
            "Item '{}' of type 'function_call' was provided without its required 'reasoning' item: '{}'.",
            text(&call, "id")?,
            text(&reasoning, "id")?
        );
        holds(&shown(&bare), shown(&bare).contains(&words))?;
        let alone = send(json!([reasoning])).await?;
        invalid(&alone, None, Some("input"))?;
        holds(
            &shown(&alone),
            shown(&alone).contains("without its required following item"),
        )?;
        // Without an id nobody knows where an item comes from.
        let mut strange = call.clone();
        if let Some(fields) = strange.as_object_mut() {
            fields.remove("id");
        }
        ok(&send(json!([strange, output])).await?).map(drop)
    });
}

#[test]
fn pending_safety_checks_are_acknowledged_or_the_output_is_refused() {
    check(async |bench| {
        let act = Tool::Computer {
            acts: ComputerActs::One("{\"type\":\"screenshot\"}".into()),
            checks: Arc::from([Arc::from("malicious"), Arc::from("sensitive")]),
        };
        let client = bench.server(Stage::of(&[tool(act, ToolEnd::Completed), message("1s", 3)]));
        let turn = client.ended(&json!({"model": "gpt-5", "input": "hello"})).await?;
        let call = &turn["output"][0];
        let all = call["pending_safety_checks"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        same("checks", all.len(), 2)?;
        let answer = async |checks: Value| {
            let output = json!({"type": "computer_screenshot", "image_url": "data:image/png;base64,aGk="});
            let item = json!({"type": "computer_call_output", "call_id": call["call_id"], "output": output,
                "acknowledged_safety_checks": checks});
            let body = json!({"model": "gpt-5", "previous_response_id": turn["id"], "input": [item]});
            client.post(&body).await
        };
        for (checks, missing) in [(json!([]), 0), (Value::Null, 0), (json!([all[0]]), 1)] {
            let given = answer(checks).await?;
            invalid(&given, None, Some("input"))?;
            let named = [text(&all[missing], "id")?, text(call, "call_id")?];
            holds(
                &shown(&given),
                named.iter().all(|name| shown(&given).contains(name.as_str())),
            )?;
        }
        ok(&answer(json!(all)).await?).map(drop)
    });
}

#[test]
fn a_structured_output_fits_its_schema() {
    check(async |bench| {
        let client = bench.usual();
        let line = json!({"type": "object", "properties": {"count": {"type": "integer", "minimum": 3}}});
        let schema = json!({"type": "object", "properties": {"title": {"type": "string"},
            "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}}}, "$defs": {"line": line}});
        let format = json!({"type": "json_schema", "name": "report", "schema": schema});
        let mut body = json!({"model": "gpt-5", "input": "hello", "text": {"format": format}});
        let events = client.streamed(&body).await?;
        let done = &events.last().ok_or("no event came")?["response"];
        let text = |response: &Value| {
            let message = response["output"].as_array().and_then(|output| output.last());
            let text = message.and_then(|message| message["content"][0]["text"].as_str());
            text.unwrap_or_default().to_owned()
        };
        let document: Value = serde_json::from_str(&text(done)).map_err(|error| error.to_string())?;
        holds(
            "no title",
            document["title"].as_str().is_some_and(|title| !title.is_empty()),
        )?;
        same("lines", &document["lines"], &json!([{"count": 3}]))?;
        let deltas = events.iter().filter_map(|event| event["delta"].as_str());
        same("deltas", deltas.collect::<String>(), text(done))?;
        body["text"] = json!({"format": {"type": "json_object"}});
        same("an object", text(&client.create(&body).await?), "{}")
    });
}

#[test]
fn a_compaction_trigger_is_the_last_item() {
    check(async |bench| {
        let client = bench.usual();
        let (trigger, hello) = (
            json!({"type": "compaction_trigger"}),
            json!({"role": "user", "content": "hello"}),
        );
        let send = async |input: Value| client.post(&json!({"model": "gpt-5", "input": input})).await;
        ok(&send(json!([hello, trigger])).await?)?;
        let given = send(json!([trigger, hello])).await?;
        invalid(&given, Some("invalid_value"), Some("input[0]"))
    });
}

#[test]
fn a_count_takes_a_personality() {
    check(async |bench| {
        let client = bench.usual();
        let mut body = json!({"model": "gpt-5", "input": "hello"});
        let count = async |body: &Value| client.call("POST", "/v1/responses/input_tokens", body).await;
        let plain = ok(&count(&body).await?)?;
        body["personality"] = "friendly".into();
        same("count", ok(&count(&body).await?)?, plain)?;
        body["personality"] = 3.into();
        invalid(&count(&body).await?, Some("invalid_type"), Some("personality"))?;
        body["personality"] = "x".repeat(65).into();
        invalid(
            &count(&body).await?,
            Some("string_above_max_length"),
            Some("personality"),
        )?;
        body["personality"] = "friendly".into();
        invalid(
            &client.post(&body).await?,
            Some("unknown_parameter"),
            Some("personality"),
        )
    });
}

#[test]
fn a_context_beyond_its_threshold_is_packed_behind_the_answer() {
    check(async |bench| {
        let client = bench.usual();
        let kinds = |response: &Value| -> Vec<String> {
            let output = response["output"].as_array().into_iter().flatten();
            output
                .map(|item| item["type"].as_str().unwrap_or_default().to_owned())
                .collect()
        };
        let mut body = json!({"model": "gpt-5", "input": "words ".repeat(1_000)});
        let usual = ["reasoning", "message"];
        for (threshold, packed) in [(1_000, true), (100_000, false)] {
            body["context_management"] = json!([{"type": "compaction", "compact_threshold": threshold}]);
            let done = client.create(&body).await?;
            let more: &[&str] = if packed { &["compaction"] } else { &[] };
            same("items", kinds(&done), [&usual, more].concat())?;
        }
        Ok(())
    });
}

/// What a response shows of the items that hide something.
fn hidden(response: &Value) -> Vec<(&str, bool)> {
    let output = response["output"].as_array().into_iter().flatten();
    let shows = |item: &Value| match item["type"].as_str() {
        Some("web_search_call") => item["action"]["sources"].is_array(),
        Some("file_search_call") => item["results"].is_array(),
        Some("code_interpreter_call") => item["outputs"].is_array(),
        _ => false,
    };
    let kinds = ["web_search_call", "file_search_call", "code_interpreter_call"];
    output
        .filter_map(|item| Some((item["type"].as_str()?, shows(item))))
        .filter(|(kind, _)| kinds.contains(kind))
        .collect()
}

#[test]
fn a_reader_can_have_included_what_the_request_did_not() {
    check(async |bench| {
        let client: Client = bench.server(stage_of("tests/sdk/every-tool.yaml"));
        let include = json!(["file_search_call.results"]);
        let done = client
            .ended(&json!({"model": "gpt-5", "input": "hello", "include": include}))
            .await?;
        let path = format!("/v1/responses/{}", text(&done, "id")?);
        let read = async |query: &str| ok(&client.get(&format!("{path}{query}")).await?);
        let of = |found: &Value, kind: &str| {
            let hidden = hidden(found);
            hidden.iter().any(|(own, shows)| *own == kind && *shows)
        };
        let plain = read("").await?;
        same("plain", &plain, &done)?;
        same("asked for at first", of(&plain, "file_search_call"), true)?;
        for kind in ["web_search_call", "code_interpreter_call"] {
            same(kind, of(&plain, kind), false)?;
        }
        let more =
            read("?include[]=web_search_call.action.sources&include[]=code_interpreter_call.outputs").await?;
        for kind in ["web_search_call", "code_interpreter_call", "file_search_call"] {
            same(kind, of(&more, kind), true)?;
        }
        same("the rest", more["usage"].clone(), plain["usage"].clone())?;
        same("afterwards", read("").await?, plain)
    });
}
