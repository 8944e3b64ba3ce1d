//! Statements 46 to 49 and 51: tools, and the items and events of each.

use std::sync::Arc;

use lanebench::backend::{
    ComputerActs, McpError, PatchOperation, SearchedBy, ShellEnd, ShellPrinted, Step, StepWork, Tool,
    ToolEnd, ToolStep,
};
use lanebench::clock::Pace;
use serde_json::{Value, json};

use crate::backend_bench::{function, hosted, message, step};

use super::bench::{Bench, Client, Stage, holds, invalid, ok, same, shown, text, types_of};
use super::table::{Verdict, statements};

statements! {
    46 s46_an_approval_request_comes_whole,
    47 s47_an_answer_decides_about_the_call,
    48 s48_approval_is_demanded_as_the_request_has_it,
    49 s49_a_failed_call_does_not_fail_the_response,
    51 s51_built_in_calls_have_a_maximum,
}

pub(super) fn tool(tool: Tool, ends: ToolEnd) -> Step {
    step("1s", StepWork::Tool(Arc::new(ToolStep { tool, ends })))
}

fn list(words: &[&str]) -> Arc<[Arc<str>]> {
    words.iter().map(|word| Arc::from(*word)).collect()
}

/// A call of this tool of the server `tickets`.
fn call(name: &str, ends: ToolEnd) -> Step {
    called(name, McpError::Http, ends)
}

/// A call of this tool that fails in this way.
fn failing(name: &str, error: McpError) -> Step {
    called(name, error, ToolEnd::Failed)
}

fn called(name: &str, error: McpError, ends: ToolEnd) -> Step {
    let call = Tool::McpCall {
        server_label: "tickets".into(),
        name: name.into(),
        arguments: "{\"title\":\"Outage\"}".into(),
        output: "ticket 7".into(),
        error,
    };
    tool(call, ends)
}

fn stage(ends: ToolEnd) -> Stage {
    Stage::of(&[call("create", ends), message("1s", 3)])
}

/// A request with the server, and what is said about approval.
fn request(rule: &Value) -> Value {
    let mut server =
        json!({"type": "mcp", "server_label": "tickets", "server_url": "https://mcp.example.test/"});
    for (key, value) in rule.as_object().into_iter().flatten() {
        server[key] = value.clone();
    }
    json!({"model": "gpt-5", "input": "hello", "tools": [server]})
}

/// The types of the items of a response, apart from the list of tools in front.
fn items(response: &Value) -> Vec<String> {
    let output = response["output"].as_array().cloned().unwrap_or_default();
    let types = output
        .iter()
        .map(|item| item["type"].as_str().unwrap_or_default().to_owned());
    types.filter(|kind| kind != "mcp_list_tools").collect()
}

/// The first item of this type; null if there is none.
fn item<'a>(response: &'a Value, kind: &str) -> &'a Value {
    let output = response["output"].as_array().map_or(&[][..], Vec::as_slice);
    output
        .iter()
        .find(|item| item["type"] == kind)
        .unwrap_or(&Value::Null)
}

async fn s46_an_approval_request_comes_whole(bench: &Bench) -> Verdict {
    let events = bench
        .server(stage(ToolEnd::Completed))
        .streamed(&request(&json!({})))
        .await?;
    let types = types_of(&events);
    let wanted = [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.mcp_list_tools.in_progress",
        "response.mcp_list_tools.completed",
        "response.output_item.done",
        "response.output_item.added",
        "response.output_item.done",
        "response.completed",
    ];
    same("events", types, wanted.to_vec())?;
    for event in &events[6..8] {
        let item = &event["item"];
        same("item", &item["type"], "mcp_approval_request")?;
        same("arguments", &item["arguments"], "{\"title\":\"Outage\"}")?;
        same(
            "names",
            (&item["server_label"], &item["name"]),
            (&json!("tickets"), &json!("create")),
        )?;
        holds("it has a status", item.get("status").is_none())?;
    }
    same("status", &events[8]["response"]["status"], "completed")
}

/// The turn behind this answer.
async fn answered(client: &Client, first: &Value, approve: bool) -> Result<Value, String> {
    let mut body = request(&json!({}));
    body["previous_response_id"] = first["id"].clone();
    let request = item(first, "mcp_approval_request");
    body["input"] = json!([{"type": "mcp_approval_response", "approval_request_id": request["id"],
        "approve": approve}]);
    client.ended(&body).await
}

async fn s47_an_answer_decides_about_the_call(bench: &Bench) -> Verdict {
    let client = bench.server(stage(ToolEnd::Completed));
    let first = client.ended(&request(&json!({}))).await?;
    let approved = answered(&client, &first, true).await?;
    same("approved", items(&approved), ["mcp_call", "message"])?;
    let (made, asked) = (item(&approved, "mcp_call"), item(&first, "mcp_approval_request"));
    same("request", &made["approval_request_id"], &asked["id"])?;
    same("arguments", &made["arguments"], &asked["arguments"])?;
    same(
        "output",
        (&made["output"], &made["error"]),
        (&json!("ticket 7"), &Value::Null),
    )?;
    let mut body = request(&json!({}));
    body["previous_response_id"] = first["id"].clone();
    body["input"] = json!([{"type": "mcp_approval_response", "approval_request_id": asked["id"],
        "approve": true}]);
    let events = client.streamed(&body).await?;
    let types = types_of(&events);
    let of_call = types.iter().filter(|kind| kind.starts_with("response.mcp_call"));
    let wanted = [
        "response.mcp_call.in_progress",
        "response.mcp_call_arguments.delta",
        "response.mcp_call.in_progress",
        "response.mcp_call_arguments.done",
        "response.mcp_call.completed",
    ];
    same(
        "events of an approved call",
        of_call.copied().collect::<Vec<_>>(),
        wanted.to_vec(),
    )?;
    let denied = answered(&client, &first, false).await?;
    same("denied", items(&denied), ["message"])?;
    let mut body = request(&json!({}));
    body["input"] =
        json!([{"type": "mcp_approval_response", "approval_request_id": "mcpr_0000", "approve": true}]);
    let given = client.post(&body).await?;
    invalid(&given, None, Some("input"))?;
    holds(
        &format!("the request is not named: {}", shown(&given)),
        shown(&given).contains("mcpr_0000"),
    )
}

async fn s48_approval_is_demanded_as_the_request_has_it(bench: &Bench) -> Verdict {
    let client = bench.server(stage(ToolEnd::Completed));
    for (rule, asks) in [
        (json!({}), true),
        (json!({"require_approval": "always"}), true),
        (json!({"require_approval": "never"}), false),
        (
            json!({"require_approval": {"never": {"tool_names": ["create"]}}}),
            false,
        ),
        (
            json!({"require_approval": {"never": {"tool_names": ["search"]}}}),
            true,
        ),
        (
            json!({"require_approval": {"always": {"tool_names": ["create"]}}}),
            true,
        ),
        (
            json!({"require_approval": {"always": {"tool_names": ["search"]}}}),
            false,
        ),
    ] {
        let done = client.ended(&request(&rule)).await?;
        let wanted: &[&str] = if asks {
            &["mcp_approval_request"]
        } else {
            &["mcp_call", "message"]
        };
        same(&format!("items under {rule}"), items(&done), wanted.to_vec())?;
        if !asks {
            same(
                "no request",
                &item(&done, "mcp_call")["approval_request_id"],
                &Value::Null,
            )?;
        }
    }
    let barred = client
        .ended(&request(
            &json!({"allowed_tools": ["search"], "require_approval": "never"}),
        ))
        .await?;
    same("a tool that is not allowed", items(&barred), ["message"])
}

async fn s49_a_failed_call_does_not_fail_the_response(bench: &Bench) -> Verdict {
    for (error, wanted) in [
        (
            McpError::Protocol,
            json!({"type": "mcp_protocol_error", "code": -32603, "message": "ticket 7"}),
        ),
        (
            McpError::Execution,
            json!({"type": "mcp_tool_execution_error", "content": [{"type": "text", "text": "ticket 7"}]}),
        ),
    ] {
        let client = bench.server(Stage::of(&[failing("create", error), message("1s", 3)]));
        let done = client
            .ended(&request(&json!({"require_approval": "never"})))
            .await?;
        same("status", &done["status"], "completed")?;
        same("kind of failure", &item(&done, "mcp_call")["error"], &wanted)?;
    }
    let client = bench.server(stage(ToolEnd::Failed));
    let events = client
        .streamed(&request(&json!({"require_approval": "never"})))
        .await?;
    let done = &events.last().ok_or("no event came")?["response"];
    same("status", &done["status"], "completed")?;
    let failed = item(done, "mcp_call");
    same(
        "item",
        (&failed["type"], &failed["status"]),
        (&json!("mcp_call"), &json!("failed")),
    )?;
    same(
        "error",
        &failed["error"],
        &json!({"type": "http_error", "code": 500, "message": "ticket 7"}),
    )?;
    same("output", failed.get("output"), Some(&Value::Null))?;
    let types = types_of(&events);
    holds(
        "no event tells of it",
        types.contains(&"response.mcp_call.failed"),
    )?;
    same("the rest", items(done), ["mcp_call", "message"])
}

async fn s51_built_in_calls_have_a_maximum(bench: &Bench) -> Verdict {
    let client = bench.server(Stage::of(&[
        hosted("1s", "web_search_call"),
        hosted("1s", "file_search_call"),
        call("create", ToolEnd::Completed),
        function("1s", "look_up"),
        function("1s", "look_up"),
    ]));
    let mut body = request(&json!({"require_approval": "never"}));
    let all = [
        "web_search_call",
        "file_search_call",
        "mcp_call",
        "function_call",
        "function_call",
    ];
    same("without", items(&client.ended(&body).await?), all.to_vec())?;
    for (max, left) in [(2, vec![0, 1, 3, 4]), (0, vec![3, 4])] {
        body["max_tool_calls"] = max.into();
        let done = client.ended(&body).await?;
        let wanted: Vec<&str> = left.into_iter().map(|place| all[place]).collect();
        same(&format!("with {max}"), items(&done), wanted)?;
    }
    Ok(())
}

/// Plays one tool and gives what comes between the item's beginning and its end, and the whole item.
async fn played(bench: &Bench, made: Tool, ends: ToolEnd) -> Result<(Vec<String>, Value), String> {
    let client = bench.server(Stage::of(&[tool(made, ends), message("1s", 3)]));
    let include = json!([
        "file_search_call.results",
        "code_interpreter_call.outputs",
        "web_search_call.action.sources"
    ]);
    let events = client
        .streamed(&json!({"model": "gpt-5", "input": "hello", "include": include}))
        .await?;
    let of_first = events.iter().filter(|event| event["output_index"] == 0);
    let words: Vec<String> = of_first
        .map(|event| {
            event["type"]
                .as_str()
                .unwrap_or_default()
                .replace("response.", "")
        })
        .collect();
    same(
        "first",
        words.first().map(String::as_str),
        Some("output_item.added"),
    )?;
    same("last", words.last().map(String::as_str), Some("output_item.done"))?;
    let done = events
        .iter()
        .find(|event| event["type"] == "response.output_item.done");
    let item = done.ok_or("no item is done")?["item"].clone();
    let last = &events.last().ok_or("no event came")?["response"];
    same("status", &last["status"], "completed")?;
    same("final item", &last["output"][0], &item)?;
    Ok((words[1..words.len() - 1].to_vec(), item))
}

#[track_caller]
fn check(check: impl AsyncFnOnce(&Bench) -> Verdict) {
    let done = lanebench::clock::run(Pace::Virtual, async |clock| check(&Bench::new(clock, None)).await);
    done.unwrap().unwrap();
}

#[test]
fn hosted_tools_tell_of_themselves_in_order() {
    check(async |bench| {
        let search = Tool::WebSearch {
            query: "rain".into(),
            sources: list(&["https://a.test/"]),
        };
        let (words, item) = played(bench, search, ToolEnd::Completed).await?;
        let three = |tool: &str| {
            ["in_progress", "searching", "completed"]
                .map(|word| format!("{tool}.{word}"))
                .to_vec()
        };
        same("web search", words, three("web_search_call"))?;
        same(
            "action",
            &item["action"],
            &json!({"type": "search", "query": "rain", "queries": ["rain"],
            "sources": [{"type": "url", "url": "https://a.test/"}]}),
        )?;
        let search = Tool::FileSearch {
            queries: list(&["rain"]),
            results: list(&["It rains."]),
        };
        let (words, item) = played(bench, search, ToolEnd::Completed).await?;
        same("file search", words, three("file_search_call"))?;
        same("result", &item["results"][0]["text"], "It rains.")?;
        let code = Tool::CodeInterpreter {
            code: "print(1)".into(),
            logs: "1".into(),
            images: list(&["https://files.example.test/plot.png"]),
        };
        let (words, item) = played(bench, code, ToolEnd::Completed).await?;
        same(
            "code",
            words,
            [
                "code_interpreter_call.in_progress",
                "code_interpreter_call_code.delta",
                "code_interpreter_call_code.done",
                "code_interpreter_call.interpreting",
                "code_interpreter_call.completed",
            ],
        )?;
        same(
            "outputs",
            (&item["code"], &item["outputs"]),
            (
                &json!("print(1)"),
                &json!([{"type": "logs", "logs": "1"},
                    {"type": "image", "url": "https://files.example.test/plot.png"}]),
            ),
        )?;
        let image = Tool::ImageGeneration {
            prompt: "a cat".into(),
            image: "aGk=".into(),
            partial_images: 2,
        };
        let (words, item) = played(bench, image, ToolEnd::Completed).await?;
        same(
            "image",
            words,
            [
                "image_generation_call.in_progress",
                "image_generation_call.generating",
                "image_generation_call.partial_image",
                "image_generation_call.partial_image",
                "image_generation_call.completed",
            ],
        )?;
        same("result", &item["result"], "aGk=")?;
        let listing = Tool::McpListTools {
            server_label: "tickets".into(),
            tools: list(&["create"]),
        };
        let (words, item) = played(bench, listing.clone(), ToolEnd::Completed).await?;
        same(
            "list",
            words,
            ["mcp_list_tools.in_progress", "mcp_list_tools.completed"],
        )?;
        same(
            "tools",
            (&item["tools"][0]["name"], item.get("status")),
            (&json!("create"), None),
        )?;
        let (words, item) = played(bench, listing, ToolEnd::Failed).await?;
        same(
            "failed list",
            words,
            ["mcp_list_tools.in_progress", "mcp_list_tools.failed"],
        )?;
        same("error", item["error"].is_string(), true)?;
        let failed = Tool::WebSearch {
            query: "rain".into(),
            sources: list(&[]),
        };
        same(
            "failed",
            &played(bench, failed, ToolEnd::Failed).await?.1["status"],
            "failed",
        )
    });
}

#[test]
fn tools_of_the_client_end_the_turn_and_are_answered_by_their_call() {
    check(async |bench| {
        let patch = |operation, diff: &str| Tool::ApplyPatch {
            operation,
            path: "a.txt".into(),
            diff: diff.into(),
        };
        let shell = Tool::Shell {
            commands: list(&["ls", "pwd"]),
            output: None,
        };
        let computer = Tool::Computer {
            acts: ComputerActs::One("{\"type\":\"screenshot\"}".into()),
            checks: list(&["malicious"]),
        };
        let several = Tool::Computer {
            acts: ComputerActs::Several(list(&["{\"type\":\"screenshot\"}", "{\"type\":\"wait\"}"])),
            checks: list(&[]),
        };
        let search = Tool::ToolSearch {
            arguments: "{\"goal\":\"rain\"}".into(),
            tools: list(&[]),
            by: SearchedBy::Client,
        };
        let word = |name: &str, words: &[&str]| {
            words
                .iter()
                .map(|word| format!("{name}.{word}"))
                .collect::<Vec<_>>()
        };
        let commands = [
            word("shell_call_command", &["added", "delta", "done"]),
            word("shell_call_command", &["added", "delta", "done"]),
        ];
        for (made, words, output) in [
            (
                Tool::Custom {
                    name: "note".into(),
                    input: "hi".into(),
                },
                word("custom_tool_call_input", &["delta", "done"]),
                "custom_tool_call_output",
            ),
            (computer, Vec::new(), "computer_call_output"),
            (several, Vec::new(), "computer_call_output"),
            (search, Vec::new(), "tool_search_output"),
            (
                Tool::LocalShell {
                    command: list(&["ls", "-l"]),
                },
                Vec::new(),
                "local_shell_call_output",
            ),
            (shell, commands.concat(), "shell_call_output"),
            (
                patch(PatchOperation::Update, "-a\n+b"),
                word("apply_patch_call_operation_diff", &["delta", "done"]),
                "apply_patch_call_output",
            ),
            (
                patch(PatchOperation::Delete, ""),
                Vec::new(),
                "apply_patch_call_output",
            ),
        ] {
            let (told, item) = played(bench, made.clone(), ToolEnd::Completed).await?;
            same(output, told, words)?;
            let client = bench.server(Stage::of(&[tool(made, ToolEnd::Completed), message("1s", 3)]));
            let turn = client.ended(&json!({"model": "gpt-5", "input": "hello"})).await?;
            same("items", items(&turn), [item["type"].as_str().unwrap_or_default()])?;
            let call_id = text(&turn["output"][0], "call_id")?;
            let next =
                |input: Value| json!({"model": "gpt-5", "previous_response_id": turn["id"], "input": input});
            let bare = client.post(&next(json!("go on"))).await?;
            invalid(&bare, None, Some("input"))?;
            holds("the call is not named", shown(&bare).contains(&call_id))?;
            let answer = json!([{"type": output, "call_id": call_id, "id": call_id, "output": "done", "status": "completed",
                "acknowledged_safety_checks": turn["output"][0]["pending_safety_checks"]}]);
            let after = client.ended(&next(answer)).await?;
            same("next turn", items(&after), ["message"])?;
        }
        Ok(())
    });
}

#[test]
fn a_hosted_shell_answers_itself() {
    check(async |bench| {
        let shell = Tool::Shell {
            commands: list(&["ls"]),
            output: Some(ShellPrinted {
                stdout: "a.txt".into(),
                stderr: "late".into(),
                end: ShellEnd::Timeout,
            }),
        };
        let client = bench.server(Stage::of(&[tool(shell, ToolEnd::Completed), message("1s", 3)]));
        let done = client.ended(&json!({"model": "gpt-5", "input": "hello"})).await?;
        same(
            "items",
            items(&done),
            ["shell_call", "shell_call_output", "message"],
        )?;
        same(
            "call",
            &done["output"][1]["call_id"],
            &done["output"][0]["call_id"],
        )?;
        same(
            "output",
            &done["output"][1]["output"],
            &json!([{"stdout": "a.txt", "stderr": "late", "outcome": {"type": "timeout"}}]),
        )?;
        let body = json!({"model": "gpt-5", "previous_response_id": done["id"], "input": "go on"});
        ok(&client.post(&body).await?).map(drop)
    });
}
