//! What the server reads from a request, repeats and refuses.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use lanebench::wire::{
    InputItem, Obfuscation, Response, ResponseId, Status, ToolDeclaration, parse_create, render_response,
};
use serde_json::{Value, json};

/// Checks the refusal of a body: code, param, message.
#[track_caller]
fn refused(body: &Value, code: Option<&str>, param: Option<&str>, message: &str) {
    refused_text(&body.to_string(), code, param, message);
}

#[track_caller]
fn refused_text(body: &str, code: Option<&str>, param: Option<&str>, message: &str) {
    let error = parse_create(body.as_bytes()).expect_err(body);
    assert_eq!(
        (error.http, &*error.kind),
        (400, "invalid_request_error"),
        "{body}"
    );
    assert_eq!(
        (error.code.as_deref(), error.param.as_deref()),
        (code, param),
        "{body}: {}",
        error.message
    );
    assert!(error.message.contains(message), "{body}: {}", error.message);
}

/// A valid request with `key` set to `value`.
fn with(key: &str, value: Value) -> Value {
    let mut body = json!({"model": "gpt-5", "input": "hello"});
    body[key] = value;
    body
}

#[track_caller]
fn accepted(body: &Value) -> Value {
    let (create, echo) =
        parse_create(body.to_string().as_bytes()).unwrap_or_else(|error| panic!("{body}: {error:?}"));
    let response = Response {
        id: ResponseId("resp_1".into()),
        status: Status::Queued,
        created_at: 1_785_000_000,
        completed_at: None,
        background: create.background,
        origin: create.origin,
        output: [].into(),
        error: None,
        incomplete: None,
        usage: None,
        service_tier: "auto".into(),
    };
    let mut out = Vec::new();
    render_response(&response, &echo, &mut out);
    assert!(!out.contains(&b'\n'));
    serde_json::from_slice(&out).unwrap()
}

#[test]
fn fields_are_refused_by_name() {
    refused(
        &with("foo", json!(1)),
        Some("unknown_parameter"),
        Some("foo"),
        "Unknown parameter: 'foo'.",
    );
    refused(
        &json!({"model": "gpt-5"}),
        Some("missing_required_parameter"),
        Some("input"),
        "Missing required parameter: 'input'.",
    );
    refused(
        &json!({"input": "x"}),
        Some("missing_required_parameter"),
        Some("model"),
        "'model'",
    );
    refused(
        &with("model", json!(5)),
        Some("invalid_type"),
        Some("model"),
        "Invalid type for 'model': expected a string, but got an integer instead.",
    );
    refused(
        &with("store", json!("yes")),
        Some("invalid_type"),
        Some("store"),
        "expected a boolean, but got a string",
    );
    refused(
        &with("input", json!({})),
        Some("invalid_type"),
        Some("input"),
        "but got an object instead.",
    );
    refused(
        &with("input", json!([])),
        Some("empty_array"),
        Some("input"),
        "empty array",
    );
    refused(
        &with("reasoning", json!({"effort": "huge"})),
        Some("invalid_value"),
        Some("reasoning.effort"),
        "Invalid value: 'huge'. Supported values are: 'none', 'minimal',",
    );
    refused(
        &with("reasoning", json!({"x": 1})),
        Some("unknown_parameter"),
        Some("reasoning.x"),
        "reasoning.x",
    );
    refused(
        &with("include", json!(["nothing"])),
        Some("invalid_value"),
        Some("include[0]"),
        "'nothing'",
    );
    refused(
        &with("text", json!({"format": {"type": "json_schema", "name": "n"}})),
        Some("missing_required_parameter"),
        Some("text.format.schema"),
        "",
    );
}

#[test]
fn numbers_have_ranges() {
    let below = "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got 15 instead.";
    refused(
        &with("max_output_tokens", json!(15)),
        Some("integer_below_min_value"),
        Some("max_output_tokens"),
        below,
    );
    accepted(&with("max_output_tokens", json!(16)));
    refused(
        &with("max_output_tokens", json!(-4)),
        Some("integer_below_min_value"),
        Some("max_output_tokens"),
        "-4",
    );
    refused(
        &with("max_output_tokens", json!(99_999_999_999_u64)),
        Some("integer_above_max_value"),
        Some("max_output_tokens"),
        "",
    );
    refused(
        &with("max_output_tokens", json!(20.5)),
        Some("invalid_type"),
        Some("max_output_tokens"),
        "a decimal instead",
    );
    let cold =
        "Invalid 'temperature': decimal below minimum value. Expected a value >= 0, but got -1 instead.";
    refused(
        &with("temperature", json!(-1)),
        Some("decimal_below_min_value"),
        Some("temperature"),
        cold,
    );
    refused(
        &with("temperature", json!(2.01)),
        Some("decimal_above_max_value"),
        Some("temperature"),
        "<= 2",
    );
    refused(
        &with("top_p", json!(1.5)),
        Some("decimal_above_max_value"),
        Some("top_p"),
        "<= 1",
    );
    refused(
        &with("top_p", json!("x")),
        Some("invalid_type"),
        Some("top_p"),
        "",
    );
    refused(
        &with("top_logprobs", json!(21)),
        Some("integer_above_max_value"),
        Some("top_logprobs"),
        "<= 20",
    );
    assert_eq!(
        accepted(&with("temperature", json!(0.25)))["temperature"],
        json!(0.25)
    );
}

#[test]
fn metadata_has_limits() {
    let pairs = |count: usize| Value::Object((0..count).map(|at| (format!("k{at}"), json!("v"))).collect());
    assert_eq!(accepted(&with("metadata", pairs(16)))["metadata"], pairs(16));
    refused(
        &with("metadata", pairs(17)),
        Some("object_above_max_properties"),
        Some("metadata"),
        "17 properties",
    );
    let key = |len: usize| json!({"ö".repeat(len): "v"});
    accepted(&with("metadata", key(64)));
    refused(
        &with("metadata", key(65)),
        Some("string_above_max_length"),
        Some("metadata"),
        "length 65",
    );
    accepted(&with("metadata", json!({"k": "ö".repeat(512)})));
    refused(
        &with("metadata", json!({"k": "v".repeat(513)})),
        Some("string_above_max_length"),
        Some("metadata.k"),
        "513",
    );
    refused(
        &with("metadata", json!({"k": 1})),
        Some("invalid_type"),
        Some("metadata.k"),
        "",
    );
    refused(
        &with("metadata", json!("k")),
        Some("invalid_type"),
        Some("metadata"),
        "expected an object",
    );
}

#[test]
fn what_is_no_json_object_is_refused() {
    for body in [
        "",
        "{",
        "nonsense",
        "[]",
        "{\"model\":\"gpt-5\",}",
        "{\"model\":\"gpt-5\"} x",
        "\u{0}",
    ] {
        refused_text(body, None, None, "We could not parse the JSON body");
    }
    refused_text(
        r#"{"model":"a","model":"b","input":"x"}"#,
        None,
        Some("model"),
        "duplicate key 'model'",
    );
    let nested = r#"{"model":"a","input":"x","metadata":{"k":"1","k":"2"}}"#;
    refused_text(nested, None, Some("metadata.k"), "duplicate key 'metadata.k'");
}

#[test]
fn fields_that_exclude_each_other_are_refused() {
    let mut body = with("previous_response_id", json!("resp_1"));
    body["conversation"] = json!("conv_1");
    refused(&body, None, Some("previous_response_id"), "previous_response_id");
    refused(
        &with("stream_options", json!({})),
        None,
        Some("stream_options"),
        "only allowed when 'stream'",
    );
    assert_eq!(
        accepted(&with("conversation", json!("conv_1")))["conversation"],
        json!({"id": "conv_1"})
    );
    assert_eq!(
        accepted(&with("conversation", json!({"id": "c"})))["conversation"],
        json!({"id": "c"})
    );
}

#[test]
fn padding_is_wanted_unless_refused() {
    let body =
        json!({"model": "m", "input": "x", "stream": true, "stream_options": {"include_obfuscation": false}});
    let (create, echo) = parse_create(body.to_string().as_bytes()).unwrap();
    assert!(create.stream);
    assert_eq!(echo.obfuscation(), Obfuscation::Refused);
    let body = json!({"model": "m", "input": "x", "stream": true});
    assert_eq!(
        parse_create(body.to_string().as_bytes()).unwrap().1.obfuscation(),
        Obfuscation::Wanted
    );
}

#[test]
fn input_is_read_in_all_its_forms() {
    let body = with(
        "input",
        json!([
            {"role": "user", "content": "easy"},
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "fu"},
                {"type": "input_image", "image_url": "data:"}, {"type": "input_text", "text": "ll"}]},
            {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
                "content": [{"type": "output_text", "text": "old", "annotations": []}]},
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAAABx"},
            {"type": "function_call", "id": "fc_1", "call_id": "call_A", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "call_A", "output": [{"type": "input_text", "text": "42"}]},
            {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": false, "reason": "no"},
            {"type": "item_reference", "id": "msg_0"},
        ]),
    );
    let (create, _) = parse_create(body.to_string().as_bytes()).unwrap();
    let replayed = |kind: &str, id: &str, call_id: Option<&str>| InputItem::Replayed {
        kind: kind.into(),
        id: Some(id.into()),
        call_id: call_id.map(Into::into),
    };
    let expected = [
        InputItem::Message { text: "easy".into() },
        InputItem::Message { text: "full".into() },
        replayed("message", "msg_1", None),
        replayed("reasoning", "rs_1", None),
        replayed("function_call", "fc_1", Some("call_A")),
        InputItem::FunctionCallOutput {
            call_id: "call_A".into(),
            output: "42".into(),
        },
        InputItem::McpApprovalResponse {
            approval_request_id: "mcpr_1".into(),
            approve: false,
            reason: Some("no".into()),
        },
        replayed("item_reference", "msg_0", None),
    ];
    assert_eq!(*create.input, expected);
}

#[test]
fn options_are_refused_by_path() {
    let compact = |entry: Value| with("context_management", json!([{"type": "compaction"}, entry]));
    accepted(&compact(
        json!({"type": "compaction", "compact_threshold": 1_000}),
    ));
    refused(
        &compact(json!({"type": "compaction", "compact_threshold": 999})),
        Some("integer_below_min_value"),
        Some("context_management[1].compact_threshold"),
        "",
    );
    refused(
        &compact(json!({"type": "forget"})),
        Some("invalid_value"),
        Some("context_management[1].type"),
        "'compaction'",
    );
    refused(
        &compact(json!({})),
        Some("missing_required_parameter"),
        Some("context_management[1].type"),
        "",
    );
    accepted(&with(
        "prompt",
        json!({"id": "pmpt_1", "version": "2", "variables": {"city": "Rome"}}),
    ));
    refused(
        &with("prompt", json!({"version": "2"})),
        Some("missing_required_parameter"),
        Some("prompt.id"),
        "",
    );
    accepted(&with(
        "prompt_cache_options",
        json!({"mode": "explicit", "ttl": "30m"}),
    ));
    refused(
        &with("prompt_cache_options", json!({"mode": "some"})),
        Some("invalid_value"),
        Some("prompt_cache_options.mode"),
        "'implicit' and 'explicit'",
    );
    accepted(&with(
        "background_options",
        json!({"completion_window": "soonest"}),
    ));
    refused(
        &with("background_options", json!({"completion_window": "1h"})),
        Some("invalid_value"),
        Some("background_options.completion_window"),
        "'soonest', '2h', and '8h'",
    );
}

#[test]
fn input_items_are_refused_by_path() {
    let item = |item: Value| with("input", json!([{"role": "user", "content": "x"}, item]));
    let missing = Some("missing_required_parameter");
    refused(
        &item(json!({"role": "user"})),
        missing,
        Some("input[1].content"),
        "",
    );
    refused(&item(json!({"content": "x"})), missing, Some("input[1].role"), "");
    refused(
        &item(json!({"role": "robot", "content": "x"})),
        Some("invalid_value"),
        Some("input[1].role"),
        "'robot'",
    );
    refused(
        &item(json!({"type": "song"})),
        Some("invalid_value"),
        Some("input[1].type"),
        "'song'",
    );
    refused(
        &item(json!("x")),
        Some("invalid_type"),
        Some("input[1]"),
        "expected an object",
    );
    refused(
        &item(json!({"type": "function_call_output", "output": "x"})),
        missing,
        Some("input[1].call_id"),
        "",
    );
    refused(
        &item(json!({"type": "function_call_output", "call_id": "c".repeat(65), "output": "x"})),
        Some("string_above_max_length"),
        Some("input[1].call_id"),
        "",
    );
    refused(
        &item(json!({"type": "mcp_approval_response", "approval_request_id": "m", "approve": "yes"})),
        Some("invalid_type"),
        Some("input[1].approve"),
        "expected a boolean",
    );
    refused(
        &item(json!({"type": "function_call_output", "call_id": "c", "output": "x".repeat(10_485_761)})),
        Some("string_above_max_length"),
        Some("input[1].output"),
        "maximum length 10485760",
    );
    accepted(&item(
        json!({"type": "function_call_output", "call_id": "c", "output": "ä".repeat(10_000)}),
    ));
    refused(
        &item(json!({"role": "assistant", "content": "x", "phase": "first"})),
        Some("invalid_value"),
        Some("input[1].phase"),
        "'commentary' and 'final_answer'",
    );
    accepted(&item(
        json!({"role": "assistant", "content": "x", "phase": "commentary"}),
    ));
    for (lacking, name) in [
        (json!({"type": "item_reference"}), "id"),
        (
            json!({"type": "custom_tool_call_output", "output": "x"}),
            "call_id",
        ),
        (
            json!({"type": "custom_tool_call_output", "call_id": "c"}),
            "output",
        ),
        (json!({"type": "computer_call_output", "call_id": "c"}), "output"),
        (json!({"type": "local_shell_call_output", "output": "{}"}), "id"),
        (
            json!({"type": "apply_patch_call_output", "call_id": "c"}),
            "status",
        ),
    ] {
        refused(&item(lacking), missing, Some(&format!("input[1].{name}")), "");
    }
    let blob = |kind: &str, text: &str| item(json!({"type": kind, "encrypted_content": text}));
    for kind in ["reasoning", "compaction"] {
        let message = format!("'{kind}' could not be verified");
        refused(
            &blob(kind, "eAAAAB1"),
            Some("invalid_encrypted_content"),
            None,
            &message,
        );
        accepted(&blob(kind, "gAAAAB1"));
    }
    accepted(&item(
        json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": null}),
    ));
    refused(
        &item(json!({"type": "apply_patch_call_output", "call_id": "c", "status": "done"})),
        Some("invalid_value"),
        Some("input[1].status"),
        "'completed' and 'failed'",
    );
    let part = |part: Value| item(json!({"role": "user", "content": [part]}));
    refused(
        &part(json!({"type": "input_text"})),
        missing,
        Some("input[1].content[0].text"),
        "",
    );
    refused(
        &part(json!({"text": "x"})),
        missing,
        Some("input[1].content[0].type"),
        "",
    );
}

#[test]
fn tools_are_echoed_with_their_defaults_and_without_secrets() {
    let body = with(
        "tools",
        json!([
            {"type": "function", "name": "look_up"},
            {"type": "mcp", "server_label": "crm", "server_url": "https://crm.test/", "authorization": "secret",
                "headers": {"x-key": "secret"}},
            {"type": "web_search", "search_context_size": "low"},
        ]),
    );
    let (create, _) = parse_create(body.to_string().as_bytes()).unwrap();
    let expected = [
        ToolDeclaration::Function {
            name: "look_up".into(),
        },
        ToolDeclaration::Mcp {
            server_label: "crm".into(),
        },
        ToolDeclaration::Hosted {
            tool: "web_search".into(),
        },
    ];
    assert_eq!(*create.tools, expected);
    let echo = accepted(&body);
    assert!(!echo.to_string().contains("secret"));
    assert_eq!(echo["tools"][0]["strict"], json!(true));
    assert_eq!(echo["tools"][0]["parameters"], json!(null));
    assert_eq!(echo["tools"][1]["headers"], json!(null));
    assert_eq!(echo["tools"][1]["require_approval"], json!("always"));
    assert_eq!(
        echo["tools"][2],
        json!({"type": "web_search", "search_context_size": "low", "filters": null, "user_location": null})
    );
}

#[test]
fn tools_are_refused_by_path() {
    let tool = |tool: Value| with("tools", json!([tool]));
    let missing = Some("missing_required_parameter");
    refused(
        &tool(json!({"type": "function"})),
        missing,
        Some("tools[0].name"),
        "",
    );
    refused(
        &tool(json!({"type": "function", "name": "a b"})),
        Some("invalid_value"),
        Some("tools[0].name"),
        "pattern",
    );
    refused(
        &tool(json!({"type": "mcp", "server_label": "x"})),
        missing,
        Some("tools[0].server_url"),
        "",
    );
    refused(
        &tool(json!({"type": "spoon"})),
        Some("invalid_value"),
        Some("tools[0].type"),
        "'spoon'",
    );
    refused(&tool(json!({"name": "f"})), missing, Some("tools[0].type"), "");
    refused(
        &with("tools", json!({})),
        Some("invalid_type"),
        Some("tools"),
        "expected an array",
    );
}

#[test]
fn the_origin_is_read_only_when_it_is_whole() {
    let whole =
        json!({"lanebench_job": "7", "lanebench_attempt": "2", "lanebench_turn": "1", "team": "blue"});
    let body = with("metadata", whole.clone());
    let origin = parse_create(body.to_string().as_bytes())
        .unwrap()
        .0
        .origin
        .unwrap();
    assert_eq!((origin.job.0, origin.attempt.0, origin.turn.0), (7, 2, 1));
    assert_eq!(accepted(&body)["metadata"], whole);
    for partial in [
        json!({"lanebench_job": "7", "lanebench_attempt": "2"}),
        json!({"lanebench_job": "07", "lanebench_attempt": "2", "lanebench_turn": "1"}),
        json!({"lanebench_job": "+7", "lanebench_attempt": "2", "lanebench_turn": "1"}),
        json!({"lanebench_job": "7", "lanebench_attempt": "70000", "lanebench_turn": "1"}),
    ] {
        let body = with("metadata", partial.clone());
        assert_eq!(
            parse_create(body.to_string().as_bytes()).unwrap().0.origin,
            None,
            "{partial}"
        );
        assert_eq!(accepted(&body)["metadata"], partial);
    }
}

#[test]
fn the_echo_fills_in_defaults_and_keeps_what_was_asked() {
    let echo = accepted(&with("instructions", json!("line one\nline two")));
    assert_eq!(echo["instructions"], json!("line one\nline two"));
    assert_eq!(echo["model"], json!("gpt-5-2025-08-07"));
    assert_eq!(echo["reasoning"]["effort"], json!("medium"));
    assert_eq!(
        echo["text"],
        json!({"format": {"type": "text"}, "verbosity": "medium"})
    );
    assert_eq!(
        accepted(&with("model", json!("gpt-4o-2024-08-06")))["model"],
        json!("gpt-4o-2024-08-06")
    );
    assert_eq!(
        accepted(&with("reasoning", json!({"effort": "low"})))["reasoning"]["effort"],
        json!("low")
    );
    let spread = "{\"model\":\"m\",\"input\":\"x\",\n\"tool_choice\": {\r\n \"type\" : \"function\",\t\"name\": \"a \\\" b\" } }";
    let (_, echo) = parse_create(spread.as_bytes()).unwrap();
    assert!(
        format!("{echo:?}").contains(r#"{\"type\":\"function\",\"name\":\"a \\\" b\"}"#),
        "{echo:?}"
    );
}
