//! Everything that the server says, collected from a service that uses every tool, and what strangers make of it: the
//! published description and the types of async-openai here, those of the official SDKs in `tests/sdk`, which read what is
//! written down here. Where the wire is documented to differ from any of them, [`Differs`] has the row.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use async_openai::types::{models, responses as theirs, webhooks};
use lanebench::backend::{FailedEnd, Padding, Streaming};
use lanebench::clock::Pace;
use lanebench::fault::{Fault, Target};
use lanebench::units::ExchangeKind;
use lanebench::wire::{ApiError, ErrorShape};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::backend_bench::{always, first, function, hosted, secs};
use crate::differs::Differs;
use crate::wire_schema::Description;

use super::bench::{Bench, Client, Given, Stage, asked, data_of, text};
use super::table::Verdict;
use super::yaml::{stage, stage_of};

/// What was said: bodies with the schema that they have to fit, what they answered, and the data of events.
#[derive(Default)]
struct Said {
    bodies: Vec<(&'static str, Value)>,
    answers: BTreeSet<(&'static str, u16)>,
    events: Vec<Value>,
}

/// Statuses that no client can bring about with one request: the service is in trouble, or plays it.
const TROUBLE: [u16; 16] = [
    400, 401, 403, 404, 408, 409, 413, 418, 422, 424, 429, 500, 502, 503, 504, 529,
];

/// The name under which a webhook is written down for readers that tell its kind themselves.
const WEBHOOK: &str = "webhook";

/// Every operation, the schema of its success, and the statuses of its errors that a client can bring about.
const OPERATIONS: [(&str, &str, &[u16]); 17] = [
    (CREATE, "Response", &[400, 401, 403, 404, 413, 429]),
    (READ, "Response", &[400, 401, 404]),
    (DELETE, NAMELESS, &[400, 401, 404]),
    (CANCEL, "Response", &[400, 401, 404]),
    (INPUT_ITEMS, "ResponseItemList", &[400, 401, 404]),
    (COUNT, "TokenCountsResource", &[400, 401, 404]),
    (COMPACT, "CompactResource", &[400, 401]),
    (MODELS, "ListModelsResponse", &[401]),
    (MODEL, "Model", &[401, 404]),
    (TALK, "ConversationResource", &[400, 401]),
    ("GET /v1/conversations/{id}", "ConversationResource", &[401, 404]),
    (
        "POST /v1/conversations/{id}",
        "ConversationResource",
        &[400, 401, 404],
    ),
    (
        "DELETE /v1/conversations/{id}",
        "DeletedConversationResource",
        &[401, 404],
    ),
    (
        "GET /v1/conversations/{id}/items",
        "ConversationItemList",
        &[400, 401, 404],
    ),
    (
        "POST /v1/conversations/{id}/items",
        "ConversationItemList",
        &[400, 401, 404],
    ),
    (
        "GET /v1/conversations/{id}/items/{item}",
        "ConversationItem",
        &[401, 404],
    ),
    (
        "DELETE /v1/conversations/{id}/items/{item}",
        "ConversationResource",
        &[401, 404],
    ),
];

const CREATE: &str = "POST /v1/responses";
const READ: &str = "GET /v1/responses/{id}";
const DELETE: &str = "DELETE /v1/responses/{id}";
const CANCEL: &str = "POST /v1/responses/{id}/cancel";
const INPUT_ITEMS: &str = "GET /v1/responses/{id}/input_items";
const COUNT: &str = "POST /v1/responses/input_tokens";
const COMPACT: &str = "POST /v1/responses/compact";
const MODELS: &str = "GET /v1/models";
const MODEL: &str = "GET /v1/models/{id}";
const TALK: &str = "POST /v1/conversations";

/// What is no operation: a path, or a method on it, that is not there.
const NOWHERE: &str = "none";

/// A create that met a fault.
const FAULTED: &str = "POST /v1/responses, by a fault";

/// A body to which the description gives no schema.
const NAMELESS: &str = "the deletion of a response";

/// The schema of what an operation answers with this status.
fn schema_of(operation: &str, status: u16) -> &'static str {
    let found = OPERATIONS.iter().find(|(name, ..)| *name == operation);
    match found {
        Some((_, schema, _)) if status == 200 => schema,
        _ => "ErrorResponse",
    }
}

/// The service that uses every tool.
const EVERY_TOOL: &str = "tests/sdk/every-tool.yaml";

/// Everything that a request for every tool names.
fn request() -> Value {
    let server = |label: &str, approval: &str| {
        json!({"type": "mcp", "server_label": label, "server_url": "https://mcp.example.test/",
            "require_approval": approval})
    };
    json!({"model": "gpt-5", "instructions": "Be brief.", "background": true, "stream": true,
        "metadata": {"job": "für"}, "reasoning": {"effort": "low", "summary": "auto"},
        "text": {"format": {"type": "json_schema", "name": "report", "strict": true,
            "schema": {"type": "object", "properties": {}, "additionalProperties": false, "required": []}}},
        "include": ["file_search_call.results", "web_search_call.action.sources",
            "code_interpreter_call.outputs", "reasoning.encrypted_content", "message.output_text.logprobs"],
        "top_logprobs": 3,
        "tools": [
            {"type": "function", "name": "look_up", "parameters": {"type": "object", "properties": {}}, "strict": true},
            {"type": "custom", "name": "note"},
            {"type": "web_search"},
            {"type": "file_search", "vector_store_ids": ["vs_1"]},
            {"type": "code_interpreter", "container": {"type": "auto"}},
            {"type": "image_generation"},
            {"type": "computer_use_preview", "environment": "browser", "display_width": 800, "display_height": 600},
            {"type": "local_shell"}, {"type": "shell"}, {"type": "apply_patch"},
            server("search", "never"), server("tickets", "always")]})
}

/// What answers the item `asks` of the client; none if nothing has to.
fn answer(asks: &Value) -> Option<Value> {
    let call = &asks["call_id"];
    Some(match asks["type"].as_str()? {
        "function_call" => json!({"type": "function_call_output", "call_id": call, "output": "{\"id\":1}"}),
        "tool_search_call" if asks["execution"] == "client" => json!({"type": "tool_search_output",
            "call_id": call, "execution": "client", "status": "completed", "tools": [{"type": "function",
                "name": "look_up", "parameters": {"type": "object", "properties": {}}, "strict": true}]}),
        "custom_tool_call" => json!({"type": "custom_tool_call_output", "call_id": call, "output": "noted"}),
        "computer_call" => json!({"type": "computer_call_output", "call_id": call,
            "acknowledged_safety_checks": asks["pending_safety_checks"],
            "output": {"type": "computer_screenshot", "image_url": "data:image/png;base64,aGk="}}),
        "local_shell_call" => json!({"type": "local_shell_call_output", "id": call, "output": "{}"}),
        "shell_call" if asks["environment"]["type"] == "local" => json!({"type": "shell_call_output",
            "call_id": call, "output": [{"stdout": "a", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}]}),
        "apply_patch_call" => {
            json!({"type": "apply_patch_call_output", "call_id": call, "status": "completed", "output": "done"})
        }
        "mcp_approval_request" => {
            json!({"type": "mcp_approval_response", "approval_request_id": asks["id"], "approve": true})
        }
        _ => return None,
    })
}

impl Said {
    /// Asks, takes down what is answered, and gives the body. `path` is that of the operation, with its ids.
    async fn ask(
        &mut self,
        client: &Client,
        operation: &'static str,
        path: &str,
        body: &Value,
    ) -> Result<Value, String> {
        let method = operation.split(' ').next().unwrap_or_default();
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        self.send(client, operation, asked(method, path, &body)).await
    }

    async fn send(
        &mut self,
        client: &Client,
        operation: &'static str,
        asked: lanebench::sabotage::contract::Asked,
    ) -> Result<Value, String> {
        let given = client.send(asked).await?;
        self.take(operation, &given)
    }

    /// Takes down a reply and gives its body.
    fn take(&mut self, operation: &'static str, given: &Given) -> Result<Value, String> {
        let body: Value =
            serde_json::from_slice(&given.body).map_err(|error| format!("{operation}: {error}"))?;
        self.answers.insert((operation, given.status));
        self.bodies
            .push((schema_of(operation, given.status), body.clone()));
        Ok(body)
    }

    /// Takes down a stream and gives its last Response object.
    async fn stream(&mut self, client: &Client, body: &Value) -> Result<Value, String> {
        let heard = client
            .hear(asked("POST", "/v1/responses", &body.to_string()))
            .await?;
        let events = data_of(&heard.given.body);
        let last = events
            .iter()
            .rev()
            .find_map(|event| event.get("response"))
            .cloned();
        self.events.extend(events);
        last.ok_or_else(|| format!("no response: {}", String::from_utf8_lossy(&heard.given.body)))
    }

    /// Plays all turns with every tool, and reads in every way.
    async fn tools(&mut self, client: &Client, foreground: bool) -> Verdict {
        let mut body = request();
        body["background"] = (!foreground).into();
        body["input"] = "Use everything.".into();
        for _ in 0..4 {
            let last = self.stream(client, &body).await?;
            let id = text(&last, "id")?;
            let path = format!("/v1/responses/{id}");
            self.ask(client, READ, &path, &Value::Null).await?;
            let path = format!("{path}/input_items?limit=100");
            self.ask(client, INPUT_ITEMS, &path, &Value::Null).await?;
            let output = last["output"].as_array().cloned().unwrap_or_default();
            let answers: Vec<Value> = output.iter().filter_map(answer).collect();
            if answers.is_empty() {
                return Ok(());
            }
            body["previous_response_id"] = id.into();
            body["input"] = answers.into();
        }
        Err("the turns have no end".to_owned())
    }

    /// Plays what else there is to ask.
    async fn others(&mut self, client: &Client) -> Verdict {
        let none = Value::Null;
        let plain = json!({"model": "gpt-5", "input": "hello"});
        let made = self.ask(client, CREATE, "/v1/responses", &plain).await?;
        let mut body = plain.clone();
        body["background"] = true.into();
        let queued = self.ask(client, CREATE, "/v1/responses", &body).await?;
        let path = format!("/v1/responses/{}", text(&queued, "id")?);
        client.wait("40ms").await;
        self.ask(client, READ, &path, &none).await?;
        self.ask(client, READ, &format!("{path}?stream=true"), &none)
            .await?;
        self.ask(client, DELETE, &path, &none).await?;
        self.ask(client, CANCEL, &format!("{path}/cancel"), &none).await?;
        let path = format!("/v1/responses/{}", text(&made, "id")?);
        self.ask(client, CANCEL, &format!("{path}/cancel"), &none).await?;
        self.ask(client, INPUT_ITEMS, &format!("{path}/input_items?limit=0"), &none)
            .await?;
        self.ask(client, DELETE, &path, &none).await?;
        let odd = json!({"model": "gpt-5", "colour": 1});
        for (operation, path) in [
            (CREATE, "/v1/responses"),
            (COUNT, "/v1/responses/input_tokens"),
            (COMPACT, "/v1/responses/compact"),
        ] {
            self.ask(client, operation, path, &odd).await?;
        }
        self.ask(client, COUNT, "/v1/responses/input_tokens", &plain)
            .await?;
        let nowhere = json!({"model": "gpt-5", "input": "hello", "conversation": "conv_0"});
        self.ask(client, COUNT, "/v1/responses/input_tokens", &nowhere)
            .await?;
        self.ask(client, COMPACT, "/v1/responses/compact", &plain).await?;
        let models = self.ask(client, MODELS, "/v1/models", &none).await?;
        let name = text(&models["data"][0], "id")?;
        self.ask(client, MODEL, &format!("/v1/models/{name}"), &none)
            .await?;
        let unsaved = json!({"model": "gpt-5", "input": [{"type": "item_reference", "id": "rs_1"}]});
        self.ask(client, CREATE, "/v1/responses", &unsaved).await?;
        for (method, path) in [("GET", "/v1/nothing"), ("PUT", "/v1/models")] {
            self.send(client, NOWHERE, asked(method, path, "")).await?;
        }
        self.talk(client).await
    }

    /// Plays a conversation.
    async fn talk(&mut self, client: &Client) -> Verdict {
        let [read, update, delete, list, add, item, forget] =
            [10, 11, 12, 13, 14, 15, 16].map(|at| OPERATIONS[at].0);
        let none = Value::Null;
        let words = json!([{"type": "message", "role": "user", "content": "Hello."}]);
        let first = json!({"metadata": {"topic": "rain"}, "items": words});
        let made = self.ask(client, TALK, "/v1/conversations", &first).await?;
        self.ask(client, TALK, "/v1/conversations", &json!({"topic": 1}))
            .await?;
        let path = format!("/v1/conversations/{}", text(&made, "id")?);
        self.ask(client, read, &path, &none).await?;
        self.ask(client, update, &path, &json!({"metadata": {"topic": "wind"}}))
            .await?;
        self.ask(client, update, &path, &json!({"metadata": 1})).await?;
        let answer = json!({"model": "gpt-5", "input": "hello", "conversation": made["id"]});
        self.ask(client, CREATE, "/v1/responses", &answer).await?;
        let items = format!("{path}/items");
        self.ask(client, add, &items, &json!({"items": words})).await?;
        self.ask(client, add, &items, &json!({"items": 1})).await?;
        self.ask(client, list, &format!("{items}?limit=0"), &none).await?;
        let listed = self.ask(client, list, &items, &none).await?;
        let one = format!("{items}/{}", text(&listed["data"][0], "id")?);
        self.ask(client, item, &one, &none).await?;
        self.ask(client, forget, &one, &none).await?;
        self.ask(client, delete, &path, &none).await?;
        Ok(())
    }

    /// Asks as somebody whom nobody knows, for what nobody has, and for more than there is room for.
    async fn refusals(&mut self, bench: &Bench) -> Verdict {
        let client = bench.usual();
        for (operation, ..) in OPERATIONS {
            let (method, path) = operation.split_once(' ').unwrap_or_default();
            let path = path.replace("{id}", "x_1").replace("{item}", "msg_1");
            let body = match operation {
                "POST /v1/conversations/{id}" => "{\"metadata\":{}}",
                "POST /v1/conversations/{id}/items" => {
                    "{\"items\":[{\"type\":\"message\",\"role\":\"user\",\"content\":\"Hello.\"}]}"
                }
                _ => "",
            };
            let known = asked(method, &path, body);
            let mut stranger = known.clone();
            stranger.headers.retain(|(name, _)| name != "authorization");
            self.send(&client, operation, stranger).await?;
            if operation.contains('{') {
                self.send(&client, operation, known).await?;
            }
        }
        let poor = stage("accounts: [{ key: sk-lanebench, models: [gpt-5], rates: { requests: 1 } }]");
        let client = bench.server(poor);
        for model in ["gpt-4o", "gpt-5", "gpt-5"] {
            let body = json!({"model": model, "input": "hello", "background": true});
            self.ask(&client, CREATE, "/v1/responses", &body).await?;
        }
        Ok(())
    }

    /// Asks for too much at once, and meets a service in every trouble.
    async fn trouble(&mut self, bench: &Bench) -> Verdict {
        let long = " ".repeat(lanebench::mock::BODY_MAX + 1);
        let given = bench.usual().send(asked("POST", "/v1/responses", &long)).await?;
        self.take(CREATE, &given)?;
        let body = json!({"model": "gpt-5", "input": "hello", "background": true}).to_string();
        let errors = TROUBLE.map(ApiError::of_status).into_iter().chain([
            ApiError::slow_down(),
            ApiError::quota_exhausted(),
            ApiError::conversation_locked(),
        ]);
        for error in errors {
            let rule = first(ExchangeKind::Create, Fault::Reply(error));
            let client = bench.server(Stage::default().with(rule));
            let given = client.send(asked("POST", "/v1/responses", &body)).await?;
            self.take(FAULTED, &given)?;
        }
        Ok(())
    }

    /// Hears what webhooks say.
    async fn webhooks(&mut self, bench: &Bench) -> Verdict {
        let body = json!({"model": "gpt-5", "input": "hello", "background": true});
        let fail = Fault::Fail {
            code: "server_error".into(),
            at_step: 1,
        };
        let reason = "content_filter".into();
        let cancel = Fault::CancelledByService { at_step: 1 };
        for fault in [None, Some(fail), Some(Fault::Incomplete { reason }), Some(cancel)] {
            let mut stage = Stage::default();
            stage
                .rules
                .extend(fault.map(|fault| always(Target::Response, fault)));
            let (client, inbox) = bench.watched(stage);
            client.ended(&body).await?;
            client.wait("1s").await;
            for (_, body) in inbox.all() {
                let event: Value = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
                self.bodies.push((WEBHOOK, event));
            }
        }
        Ok(())
    }

    /// Plays ends and faults of streams in every shape.
    async fn ends(&mut self, bench: &Bench) -> Verdict {
        let body = json!({"model": "gpt-5", "input": "hello", "background": true, "stream": true});
        let fail = || Fault::Fail {
            code: "insufficient_quota".into(),
            at_step: 1,
        };
        let incomplete = Fault::Incomplete {
            reason: "max_output_tokens".into(),
        };
        for (fault, error) in [
            (fail(), ErrorShape::Nested),
            (fail(), ErrorShape::Flat),
            (incomplete, ErrorShape::Nested),
        ] {
            let client = bench.server(Stage::default().with(always(Target::Response, fault)).streams(
                Streaming {
                    error,
                    keepalive: Some(secs(1)),
                    failed: FailedEnd::Both,
                    padding: Padding::Every,
                    ..Streaming::default()
                },
            ));
            let last = self.stream(&client, &body).await?;
            let path = format!("/v1/responses/{}", text(&last, "id")?);
            self.ask(&client, READ, &path, &Value::Null).await?;
        }
        let stranger = first(ExchangeKind::Create, Fault::UnknownEvent { after: 4 });
        let client = bench.server(Stage::default().with(stranger));
        self.stream(&client, &body).await?;
        let word = "paused".into();
        let odd = always(Target::Response, Fault::UnknownStatus { word });
        let client = bench.server(Stage::default().with(odd));
        let last = self.stream(&client, &body).await?;
        let path = format!("/v1/responses/{}", text(&last, "id")?);
        self.ask(&client, READ, &path, &Value::Null).await?;
        self.cut_off(bench, &body).await
    }

    /// Cancels a tool, and lets a call be cut off.
    async fn cut_off(&mut self, bench: &Bench, body: &Value) -> Verdict {
        let steps = [hosted("1s", "web_search_call"), hosted("1s", "file_search_call")];
        for step in steps.into_iter().chain([hosted("1s", "code_interpreter_call")]) {
            let client = bench.server(Stage::of(&[step]));
            let began = client
                .leave(asked("POST", "/v1/responses", &body.to_string()), "1500ms")
                .await?;
            let id = text(&began[0]["response"], "id")?;
            let path = format!("/v1/responses/{id}/cancel");
            self.ask(&client, CANCEL, &path, &Value::Null).await?;
        }
        let reason = "content_filter".into();
        let cut = always(Target::Response, Fault::Incomplete { reason });
        let client = bench.server(Stage::of(&[function("1s", "look_up")]).with(cut));
        self.stream(&client, body).await.map(drop)
    }
}

/// Everything that was said.
fn said() -> Said {
    let played = lanebench::clock::run(Pace::Virtual, async |clock| {
        let bench = Bench::new(clock, None);
        let mut said = Said::default();
        said.tools(&bench.server(stage_of(EVERY_TOOL)), false).await?;
        said.tools(&bench.server(stage_of(EVERY_TOOL)), true).await?;
        said.others(&bench.usual()).await?;
        said.refusals(&bench).await?;
        said.ends(&bench).await?;
        said.trouble(&bench).await?;
        said.webhooks(&bench).await?;
        Ok::<_, String>(said)
    });
    played.unwrap().unwrap()
}

/// Every event of the contract that an HTTP stream can carry (responses-api.md, section 5.2).
const EVENTS: &str = "
    created queued in_progress completed failed incomplete output_item.added output_item.done content_part.added
    content_part.done output_text.delta output_text.done output_text.annotation.added refusal.delta refusal.done
    reasoning_text.delta reasoning_text.done reasoning_summary_part.added reasoning_summary_part.done
    reasoning_summary_text.delta reasoning_summary_text.done function_call_arguments.delta function_call_arguments.done
    custom_tool_call_input.delta custom_tool_call_input.done file_search_call.in_progress file_search_call.searching
    file_search_call.completed web_search_call.in_progress web_search_call.searching web_search_call.completed
    code_interpreter_call.in_progress code_interpreter_call.interpreting code_interpreter_call.completed
    code_interpreter_call_code.delta code_interpreter_call_code.done image_generation_call.in_progress
    image_generation_call.generating image_generation_call.completed image_generation_call.partial_image
    mcp_list_tools.in_progress mcp_list_tools.completed mcp_list_tools.failed mcp_call.in_progress mcp_call.completed
    mcp_call.failed mcp_call_arguments.delta mcp_call_arguments.done shell_call_command.added shell_call_command.delta
    shell_call_command.done shell_call_output_content.delta shell_call_output_content.done
    apply_patch_call_operation_diff.delta apply_patch_call_operation_diff.done audio.delta audio.done
    audio.transcript.delta audio.transcript.done compaction.compacting";

#[test]
fn every_event_of_the_contract_is_said_and_no_other() {
    let said = said();
    let said: BTreeSet<&str> = said
        .events
        .iter()
        .filter_map(|event| event["type"].as_str())
        .collect();
    let named = EVENTS.split_whitespace().map(|name| format!("response.{name}"));
    let others = ["error", "keepalive", "response.unheard_of", "response.paused"].map(str::to_owned);
    let named: BTreeSet<String> = named.chain(others).collect();
    let named: BTreeSet<&str> = named.iter().map(String::as_str).collect();
    assert_eq!(said, named);
}

#[test]
fn every_operation_answers_with_every_status_that_it_has() {
    let served = lanebench::mock::operations();
    let named = OPERATIONS.iter().map(|(operation, ..)| (*operation).to_owned());
    assert_eq!(
        served.collect::<BTreeSet<_>>(),
        named.collect(),
        "operations and table differ"
    );
    let answers = OPERATIONS.iter().flat_map(|(operation, _, errors)| {
        [200]
            .iter()
            .chain(*errors)
            .map(move |status| (*operation, *status))
    });
    let answers = answers
        .chain([(NOWHERE, 404), (NOWHERE, 405)])
        .chain(TROUBLE.map(|status| (FAULTED, status)));
    assert_eq!(said().answers, answers.collect(), "answers and table differ");
}

#[test]
fn everything_fits_the_published_description() {
    let Some(description) = Description::supplied() else {
        return;
    };
    let said = said();
    let named = description.events();
    let mut differs = Differs::of("description");
    let mut wrong = BTreeMap::new();
    for (schema, mut body) in said.bodies {
        differs.settle(&mut body);
        let schema = match schema {
            NAMELESS => continue,
            WEBHOOK => webhook_schema(&body),
            schema => schema.to_owned(),
        };
        if let Err(problem) = description.check(&description.schema(&schema), &body, &schema) {
            wrong.insert(format!("{schema}: {problem}"), body);
        }
    }
    for mut event in said.events {
        differs.settle(&mut event);
        let Some(name) = event["type"].as_str() else {
            continue;
        };
        match named.get(name) {
            None => {
                wrong.insert(format!("{name} has no schema"), event);
            }
            Some(schema) => {
                if let Err(problem) = description.check(&description.schema(schema), &event, schema) {
                    wrong.insert(problem, event);
                }
            }
        }
    }
    let shown: Vec<&String> = wrong.keys().collect();
    assert!(wrong.is_empty(), "{} misfits: {shown:#?}", wrong.len());
    differs.all_needed();
}

/// The schema of a webhook goes by its type.
fn webhook_schema(body: &Value) -> String {
    let kind = body["type"]
        .as_str()
        .unwrap_or_default()
        .trim_start_matches("response.");
    let (first, rest) = kind.split_at(kind.len().min(1));
    format!("WebhookResponse{}{rest}", first.to_uppercase())
}

/// The SDKs for Python and Node, which `tests/sdk/run` plays, read the same: pairs of the name of a schema, or `event`, and
/// a value.
#[test]
fn what_was_said_is_written_down() {
    let said = said();
    let events = said.events.into_iter().map(|event| json!(["event", event]));
    let bodies = said
        .bodies
        .into_iter()
        .map(|(schema, body)| json!([schema, body]));
    let all: Vec<Value> = bodies.chain(events).collect();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("said.json");
    std::fs::write(&path, serde_json::to_string(&all).unwrap()).unwrap();
    let again: Vec<Value> = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert!(again == all && all.len() > 300, "{} things were said", all.len());
}

fn read_as<T: DeserializeOwned>(value: &Value) -> Result<(), String> {
    serde_json::from_value::<T>(value.clone())
        .map(drop)
        .map_err(|error| error.to_string())
}

#[test]
fn everything_is_read_by_async_openai() {
    let said = said();
    let mut differs = Differs::of("async-openai");
    let mut wrong = BTreeMap::new();
    for (schema, mut body) in said.bodies {
        differs.settle(&mut body);
        let read = match schema {
            "Response" => read_as::<theirs::Response>(&body),
            "ResponseItemList" => read_as::<theirs::ResponseItemList>(&body),
            "TokenCountsResource" => read_as::<theirs::TokenCountsResource>(&body),
            "CompactResource" => read_as::<theirs::CompactResource>(&body),
            NAMELESS => read_as::<theirs::DeleteResponse>(&body),
            "ListModelsResponse" => read_as::<models::ListModelResponse>(&body),
            "Model" => read_as::<models::Model>(&body),
            "ConversationResource" => read_as::<theirs::ConversationResource>(&body),
            "DeletedConversationResource" => read_as::<theirs::DeleteConversationResponse>(&body),
            "ConversationItemList" => read_as::<theirs::ConversationItemList>(&body),
            "ConversationItem" => read_as::<theirs::ConversationItem>(&body),
            WEBHOOK => read_as::<webhooks::WebhookEvent>(&body),
            "ErrorResponse" => read_as::<async_openai::error::WrappedError>(&body),
            other => Err(format!("nobody reads a {other}")),
        };
        if let Err(problem) = read {
            wrong.insert(format!("{schema}: {problem}"), body);
        }
    }
    for mut event in said.events {
        differs.settle(&mut event);
        if event.is_null() {
            continue;
        }
        if let Err(problem) = read_as::<theirs::ResponseStreamEvent>(&event) {
            wrong.insert(format!("{} {problem}", event["type"]), event);
        }
    }
    let shown: Vec<&String> = wrong.keys().collect();
    assert!(wrong.is_empty(), "{} misfits: {shown:#?}", wrong.len());
    differs.all_needed();
}
