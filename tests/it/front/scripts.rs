//! Scripts that are chosen by what a request looks like, and what is said where none fits.

use serde_json::{Value, json};

use super::{Line, Served, healthy, options, with};

/// A service that answers with a refusal, a call, or texts of several lengths.
const SERVICE: &str = "
service: several scripts
backend: { script: { queued: 0s, steps: [{ message: { tokens: 3 tokens, takes: 1ms } }] } }
scripts:
  - when: { input: refund, metadata: { tier: gold } }
    script: { queued: 0s, steps: [{ refusal: { tokens: 4 tokens, takes: 1ms } }] }
  - when: { input: look it up }
    script:
      queued: 0s
      steps:
        - call: { tool: look_up, arguments: {}, takes: 1ms, unlisted: true }
        - message: { tokens: 5 tokens, takes: 1ms }
  - when: { model: gpt-4o, metadata: trace }
    script: { queued: 0s, steps: [{ message: { tokens: 7 tokens, takes: 1ms } }] }
  - when: { header: { name: x-case, value: nine } }
    script: { queued: 0s, steps: [{ message: { tokens: 9 tokens, takes: 1ms } }] }
";

impl Served {
    /// What a request is answered with: the type of what is said last, how many words it has, and the response.
    async fn answer(&self, body: &Value, headers: &[(&str, &str)]) -> (String, usize, Value) {
        let mut body = body.clone();
        body["background"] = true.into();
        let made = self
            .came("POST", "/v1/responses", headers, &body.to_string())
            .await;
        let id = made.good()["id"].as_str().unwrap().to_owned();
        self.advance("1s").await;
        let read = self.get(&format!("/v1/responses/{id}")).await;
        let last = read["output"].as_array().unwrap().last().unwrap().clone();
        let part = &last["content"][0];
        let kind = part["type"].as_str().or(last["type"].as_str()).unwrap();
        let words = part["text"]
            .as_str()
            .or(part["refusal"].as_str())
            .unwrap_or_default();
        (kind.to_owned(), words.split_whitespace().count(), read)
    }

    /// What the record says of the script of the last create.
    async fn script(&self) -> Value {
        let requests = self.get("/_lanebench/requests").await["requests"].clone();
        let mut creates = requests.as_array().unwrap().iter().rev();
        creates
            .find(|request| request["path"] == "/v1/responses")
            .unwrap()["script"]
            .clone()
    }
}

fn asks(model: &str, input: &str, metadata: &Value) -> Value {
    json!({"model": model, "input": input, "metadata": metadata})
}

#[test]
fn the_first_script_that_fits_answers_and_the_usual_one_where_none_does() {
    with(SERVICE, options(), |served| async move {
        let (gold, none) = (json!({"tier": "gold"}), json!({}));
        let nine = [("x-case", "nine")];
        for (body, headers, expected, script) in [
            (
                asks("gpt-5", "A refund, please.", &gold),
                &[][..],
                ("refusal", 4),
                1,
            ),
            (
                asks("gpt-5", "Please look it up.", &none),
                &[],
                ("function_call", 0),
                2,
            ),
            (
                asks("gpt-4o-2024-08-06", "Hello.", &json!({"trace": "any"})),
                &[],
                ("output_text", 7),
                3,
            ),
            (asks("gpt-5", "Hello.", &none), &nine, ("output_text", 9), 4),
            // Of two that fit, the first.
            (
                asks("gpt-5", "look it up: a refund", &gold),
                &nine,
                ("refusal", 4),
                1,
            ),
        ] {
            let (kind, words, _) = served.answer(&body, headers).await;
            assert_eq!((kind.as_str(), words), expected, "{body}");
            assert_eq!(served.script().await, json!({ "chosen": script }), "{body}");
        }
        let body = asks("gpt-5", "A refund, please.", &json!({"tier": "tin"}));
        let (kind, words, _) = served.answer(&body, &[("x-case", "ten")]).await;
        assert_eq!((kind.as_str(), words), ("output_text", 3));
        let nearest = json!({ "rule": 1, "about": "when: input, metadata",
            "kept_by": ["`metadata: { tier: gold }`, and this has `tin`"] });
        assert_eq!(served.script().await, json!({ "nearest": nearest }));
    });
}

#[test]
fn what_follows_on_a_turn_goes_on_with_its_script() {
    with(SERVICE, options(), |served| async move {
        let (_, _, first) = served.answer(&asks("gpt-5", "look it up", &json!({})), &[]).await;
        let call = &first["output"][0]["call_id"];
        let output = json!([{"type": "function_call_output", "call_id": call, "output": "{}"}]);
        let body = json!({"model": "gpt-5", "previous_response_id": first["id"], "input": output});
        let (kind, words, _) = served.answer(&body, &[("x-case", "nine")]).await;
        assert_eq!((kind.as_str(), words), ("output_text", 5));
        assert_eq!(served.script().await, json!({ "goes_on": first["id"] }));
    });
}

#[test]
fn a_script_chosen_by_a_header_waits_for_a_request_that_is_held_up() {
    let text =
        format!("{SERVICE}faults: [{{ exchange: create, delay: {{ takes: 2s, place: handling }} }}]\n");
    with(&text, options(), |served| async move {
        let body = asks("gpt-5", "Hello.", &json!({})).to_string();
        let mut line = Line::to(&served.front).await;
        let asked = tokio::spawn(async move {
            line.send("POST", "/v1/responses", &[("x-case", "nine")], &body)
                .await
        });
        served
            .until("/_lanebench/requests", |requests| requests["seen"] == 1)
            .await;
        served.advance("3s").await;
        served.advance("3s").await;
        let read = asked.await.unwrap().unwrap().good();
        let said = read["output"][0]["content"][0]["text"].as_str().unwrap();
        assert_eq!(said.split_whitespace().count(), 9);
    });
}

#[test]
fn without_scripts_nothing_is_said_of_them() {
    healthy(|served| async move {
        served.create(&[]).await;
        assert_eq!(served.script().await, Value::Null);
    });
}

/// Calls of a function in a namespace, by the model itself and by a program that it wrote.
const CALLERS: &str = "
service: calls that say where they come from
backend:
  latency: 0s
  script:
    queued: 0s
    steps:
      - call: { tool: find, namespace: crm, caller: direct, takes: 0s, unlisted: true }
      - call: { tool: find, caller: { program: call_7 }, arguments: { n: 1 }, takes: 0s, unlisted: true }
";

#[test]
fn a_call_says_its_namespace_and_its_caller_wherever_it_shows() {
    with(CALLERS, options(), |served| async move {
        let expected = [
            json!(["crm", { "type": "direct" }]),
            json!([null, { "type": "program", "caller_id": "call_7" }]),
        ];
        let said = |item: &Value| json!([item["namespace"], item["caller"]]);
        let body = json!({ "model": "m", "input": "hello" });
        let read = served.post("/v1/responses", &body.to_string()).await;
        let items = read["output"].as_array().unwrap();
        assert_eq!(items.iter().map(said).collect::<Vec<_>>(), expected);
        assert!(items[1].get("namespace").is_none());
        let streamed = json!({ "model": "m", "input": "hello", "stream": true });
        let came = served
            .came("POST", "/v1/responses", &[], &streamed.to_string())
            .await;
        let events = came.text.lines().filter_map(|line| line.strip_prefix("data: "));
        let events: Vec<Value> = events.map(|data| serde_json::from_str(data).unwrap()).collect();
        for kind in ["response.output_item.added", "response.output_item.done"] {
            let of_kind = events.iter().filter(|event| event["type"] == kind);
            let shown: Vec<Value> = of_kind.map(|event| said(&event["item"])).collect();
            assert_eq!(shown, expected, "{kind}");
        }
        // What a client sends again is taken, with its output.
        let mut again: Vec<Value> = items.clone();
        again.extend(items.iter().map(|call| {
            json!({ "type": "function_call_output", "call_id": call["call_id"], "output": "{}",
                "caller": call["caller"] })
        }));
        let body = json!({ "model": "m", "input": again });
        served.post("/v1/responses", &body.to_string()).await;
    });
}

#[test]
fn a_caller_that_cannot_be_one_is_refused_where_it_stands() {
    with(CALLERS, options(), |served| async move {
        for (kind, key, value, param, code) in [
            (
                "function_call",
                "namespace",
                json!(7),
                "namespace",
                "invalid_type",
            ),
            (
                "function_call_output",
                "namespace",
                json!("c r m"),
                "namespace",
                "invalid_value",
            ),
            (
                "function_call_output",
                "namespace",
                json!("n".repeat(65)),
                "namespace",
                "string_above_max_length",
            ),
            (
                "function_call",
                "caller",
                json!("direct"),
                "caller",
                "invalid_type",
            ),
            (
                "function_call",
                "caller",
                json!({}),
                "caller.type",
                "missing_required_parameter",
            ),
            (
                "custom_tool_call",
                "caller",
                json!({ "type": "robot" }),
                "caller.type",
                "invalid_value",
            ),
            (
                "function_call",
                "caller",
                json!({ "type": "program" }),
                "caller.caller_id",
                "missing_required_parameter",
            ),
            (
                "function_call",
                "caller",
                json!({ "type": "program", "caller_id": "" }),
                "caller.caller_id",
                "empty_string",
            ),
        ] {
            let mut item = json!({ "type": kind, "call_id": "call_1", "name": "find", "arguments": "{}",
                "input": "", "output": "{}" });
            item[key] = value;
            let body = json!({ "model": "m", "input": [item] }).to_string();
            let came = served.came("POST", "/v1/responses", &[], &body).await;
            assert_eq!(came.status, 400, "{body}: {}", came.text);
            let error = &came.json()["error"];
            let place = format!("input[0].{param}");
            assert_eq!(
                (&error["param"], &error["code"]),
                (&json!(place), &json!(code)),
                "{body}"
            );
        }
        for wrong in [
            "namespace: c r m",
            "caller: robot",
            "caller: { program: '' }",
            "caller: { direct: 1 }",
        ] {
            let text = format!(
                "service: s\nbackend: {{ script: {{ steps: [{{ call: {{ tool: find, {wrong}, unlisted: true }} }}] }} }}\n"
            );
            let came = served.came("POST", "/_lanebench/scenario", &[], &text).await;
            assert_eq!(came.status, 422, "{wrong}: {}", came.text);
        }
    });
}
