//! Generated requests against the request parser and the server: nothing that comes makes either panic, what is refused
//! is refused in the form of the contract, and whoever comes next is served.
//!
//! `PROPTEST_CASES` says how many; the suite has the default of proptest, the long run a large number.

use http_body_util::BodyExt;
use lanebench::backend::{Service, Setup};
use lanebench::fault::FaultPlan;
use lanebench::mock::MockOptions;
use lanebench::rng::Seed;
use lanebench::trace::Notes;
use lanebench::wire::{
    Endpoint, parse_create, parse_items, parse_new_conversation, parse_subset, render_error,
};
use proptest::prelude::*;
use serde_json::{Map, Value};
use tokio::io::AsyncWriteExt;

use crate::backend_bench::{message, profile, script};
use crate::mock_world::{Over, play, request};

/// Words that mean something in a request.
const WORDS: [&str; 48] = [
    "model",
    "input",
    "instructions",
    "background",
    "store",
    "stream",
    "stream_options",
    "include_obfuscation",
    "metadata",
    "max_output_tokens",
    "max_tool_calls",
    "previous_response_id",
    "conversation",
    "tools",
    "tool_choice",
    "text",
    "format",
    "reasoning",
    "effort",
    "include",
    "temperature",
    "top_p",
    "truncation",
    "service_tier",
    "prompt",
    "type",
    "role",
    "content",
    "id",
    "call_id",
    "output",
    "name",
    "parameters",
    "function",
    "function_call_output",
    "mcp",
    "server_label",
    "server_url",
    "require_approval",
    "never",
    "tool_names",
    "message",
    "user",
    "input_text",
    "item_reference",
    "mcp_approval_response",
    "approve",
    "gpt-5",
];

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => prop::sample::select(WORDS.to_vec()).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

/// A JSON value of such words.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        word().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (0..40_i64).prop_map(Value::from),
        Just(Value::Null),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((word(), inner), 0..6)
                .prop_map(|pairs| Value::from(pairs.into_iter().collect::<Map<String, Value>>())),
        ]
    })
}

/// The body of a request: mostly with a model and an input, so that it comes far.
fn body() -> impl Strategy<Value = Value> {
    let pairs = prop::collection::vec((word(), value()), 0..6);
    (pairs, any::<bool>()).prop_map(|(pairs, plain)| {
        let mut fields: Map<String, Value> = pairs.into_iter().collect();
        if plain {
            fields.insert("model".to_owned(), "gpt-5".into());
            fields.entry("input").or_insert_with(|| "hello".into());
        }
        fields.into()
    })
}

/// The bytes of a body, some of them damaged.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let damage = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3);
    (body(), damage).prop_map(|(body, damage)| {
        let mut bytes = body.to_string().into_bytes();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes
    })
}

/// An error is a 4xx with a body of the contract.
fn is_refusal(error: &lanebench::wire::ApiError) {
    let mut body = Vec::new();
    render_error(error, &mut body);
    let body: Value = serde_json::from_slice(&body).unwrap();
    let error_keys = body["error"].as_object().unwrap().len();
    assert!((400..500).contains(&error.http) && error_keys == 4, "{error:?}");
    assert!(
        body["error"]["message"]
            .as_str()
            .is_some_and(|message| !message.is_empty())
    );
}

/// A request as bytes: a line, headers, a body, each of which may be odd.
fn raw() -> impl Strategy<Value = Vec<u8>> {
    let method = prop::sample::select(vec!["GET", "POST", "DELETE", "PUT", "get", ""]);
    let path = prop_oneof![
        Just("/v1/responses".to_owned()),
        Just("/v1/responses/input_tokens".to_owned()),
        Just("/v1/responses/compact".to_owned()),
        Just("/v1/conversations".to_owned()),
        "/v1/responses/[a-z_0-9%]{0,12}(/cancel|/input_items)?(\\?[a-z_=&%\\[\\]0-9]{0,24})?",
        "[ -~]{0,30}",
    ];
    let header = prop_oneof![
        Just("authorization: Bearer sk-lanebench".to_owned()),
        Just("x-lanebench-exchange: 0.1.1.create.1".to_owned()),
        "x-lanebench-exchange: [ -~]{0,20}",
        "[a-z-]{1,12}: [ -~]{0,20}",
        "[ -~]{0,20}",
    ];
    (
        method,
        path,
        prop::collection::vec(header, 0..4),
        bytes(),
        any::<bool>(),
    )
        .prop_map(|(method, path, headers, body, right)| {
            let length = if right { body.len() } else { body.len() / 2 };
            let mut head = format!("{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n");
            headers
                .iter()
                .for_each(|line| head.push_str(&format!("{line}\r\n")));
            head.push_str("\r\n");
            [head.into_bytes(), body].concat()
        })
}

fn service() -> Service {
    Service::new(Setup {
        profile: profile(script(&[message("1s", 2)])),
        scripts: [].into(),
        plan: FaultPlan::none(),
        seed: Seed(7),
        notes: Notes::off(),
    })
}

proptest! {
    #[test]
    fn any_body_is_read_or_refused(bytes in bytes()) {
        match parse_create(&bytes) {
            Ok((create, _)) => prop_assert!(!create.model.is_empty()),
            Err(error) => is_refusal(&error),
        }
        for endpoint in [Endpoint::InputTokens, Endpoint::Compact] {
            parse_subset(&bytes, endpoint).err().iter().for_each(is_refusal);
        }
        parse_items(&bytes).err().iter().for_each(is_refusal);
        parse_new_conversation(&bytes).err().iter().for_each(is_refusal);
    }

    #[test]
    fn a_server_survives_any_request(requests in prop::collection::vec(raw(), 1..4)) {
        play(Over::Memory, service(), MockOptions::default(), |world| async move {
            for bytes in &requests {
                let mut stream = world.dial().await;
                // The server may have refused and gone before all of it has left.
                let _ = stream.write_all(bytes).await;
            }
            let mut line = world.line().await;
            let sent = request("POST", "/v1/responses", r#"{"model":"gpt-5","input":"hello"}"#);
            let reply = line.open(sent).await;
            assert_eq!(reply.status(), 200);
            reply.into_body().collect().await.unwrap();
        });
    }
}
