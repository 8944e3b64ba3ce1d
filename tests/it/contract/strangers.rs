//! Everything that the server says, collected from a service that uses every tool, and what strangers make of it: the
//! published description and the types of async-openai.
//!
//! Where the wire is documented to differ from the published description, [`DIFFERS`] says so; each of its rows has to be
//! needed by something that was said.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use async_openai::types::responses as theirs;
use lanebench::backend::{FailedEnd, Padding, Streaming};
use lanebench::clock::Pace;
use lanebench::fault::{Fault, Target};
use lanebench::wire::ErrorShape;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::backend_bench::{always, first, secs};
use crate::wire_schema::Description;

use super::bench::{Bench, Client, Stage, asked, data_of, ok, text};
use super::table::Verdict;
use super::yaml::stage_of;

/// What was said: bodies with the schema that they have to fit, and the data of events.
#[derive(Default)]
struct Said {
    bodies: Vec<(&'static str, Value)>,
    events: Vec<Value>,
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
            "code_interpreter_call.outputs", "reasoning.encrypted_content"],
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
    /// Takes down a body.
    fn body(&mut self, schema: &'static str, given: &super::bench::Given) -> Result<Value, String> {
        let body: Value = serde_json::from_slice(&given.body).map_err(|error| error.to_string())?;
        self.bodies.push((schema, body.clone()));
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
            self.body("Response", &client.get(&format!("/v1/responses/{id}")).await?)?;
            let path = format!("/v1/responses/{id}/input_items?limit=100");
            self.body("ResponseItemList", &client.get(&path).await?)?;
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
        let plain = json!({"model": "gpt-5", "input": "hello"});
        let made = self.body("Response", &client.post(&plain).await?)?;
        let mut body = plain.clone();
        body["background"] = true.into();
        let queued = self.body("Response", &client.post(&body).await?)?;
        let path = format!("/v1/responses/{}", text(&queued, "id")?);
        client.wait("40ms").await;
        self.body("Response", &client.get(&path).await?)?;
        self.body("Response", &client.cancel(&text(&queued, "id")?).await?)?;
        let of_made = format!("/v1/responses/{}", text(&made, "id")?);
        ok(&client.delete(&of_made).await?)?;
        for refused in [
            client.get(&of_made).await?,
            client.post(&json!({"model": "gpt-5", "colour": 1})).await?,
            client.cancel("resp_0000").await?,
            client.call("GET", "/v1/nothing", &Value::Null).await?,
        ] {
            self.body("ErrorResponse", &refused)?;
        }
        let tokens = client.call("POST", "/v1/responses/input_tokens", &plain).await?;
        self.body("TokenCountsResource", &tokens)?;
        let compact = client.call("POST", "/v1/responses/compact", &plain).await?;
        self.body("CompactResource", &compact)?;
        let models = self.body("ListModelsResponse", &client.get("/v1/models").await?)?;
        let name = text(&models["data"][0], "id")?;
        self.body("Model", &client.get(&format!("/v1/models/{name}")).await?)?;
        self.talk(client).await
    }

    /// Plays a conversation.
    async fn talk(&mut self, client: &Client) -> Verdict {
        let first = json!({"metadata": {"topic": "rain"},
            "items": [{"type": "message", "role": "user", "content": "Hello."}]});
        let made = self.body(
            "ConversationResource",
            &client.call("POST", "/v1/conversations", &first).await?,
        )?;
        let path = format!("/v1/conversations/{}", text(&made, "id")?);
        self.body("ConversationResource", &client.get(&path).await?)?;
        client
            .post(&json!({"model": "gpt-5", "input": "hello", "conversation": made["id"]}))
            .await?;
        let items = format!("{path}/items");
        let listed = self.body("ConversationItemList", &client.get(&items).await?)?;
        let item = format!("{items}/{}", text(&listed["data"][0], "id")?);
        self.body("ConversationItem", &client.get(&item).await?)?;
        self.body("DeletedConversationResource", &client.delete(&path).await?)?;
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
            self.body("Response", &client.get(&path).await?)?;
        }
        let stranger = first(
            lanebench::units::ExchangeKind::Create,
            Fault::UnknownEvent { after: 4 },
        );
        let client = bench.server(Stage::default().with(stranger));
        self.stream(&client, &body).await.map(drop)
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
        said.ends(&bench).await?;
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
    let others = ["error", "keepalive", "response.unheard_of"].map(str::to_owned);
    let named: BTreeSet<String> = named.chain(others).collect();
    let named: BTreeSet<&str> = named.iter().map(String::as_str).collect();
    assert_eq!(said, named);
}

/// A documented difference between the wire and a stranger's words: what, why, and how it is taken away.
struct Differs {
    what: &'static str,
    why: &'static str,
    /// Whether there was something to take away.
    settle: fn(&mut Value) -> bool,
}

const NESTED_ERRORS: Differs = Differs {
    what: "nested errors",
    why: "an `error` event holds its code and words in an object",
    settle: |value| {
        let nested = value.is_object() && value["type"] == "error" && value["error"].is_object();
        if nested {
            let error = value["error"].take();
            for key in ["code", "message", "param"] {
                value[key] = error[key].clone();
            }
        }
        nested
    },
};

const LOCAL_SHELL: Differs = Differs {
    what: "outputs of local shells",
    why: "they name their call by its id, where the description wants a second name for it",
    settle: |value| {
        let output = value["type"] == "local_shell_call_output" && value["call_id"].is_null();
        if output {
            value["call_id"] = value["id"].clone();
        }
        output
    },
};

const KEEPALIVES: Differs = Differs {
    what: "keepalives",
    why: "seen on the wire and in no description",
    settle: |value| strange(value, "keepalive"),
};

const PATCHES: Differs = Differs {
    what: "diffs of patches",
    why: "seen on the wire and in no description",
    settle: |value| {
        let mut ends = ["delta", "done"].into_iter();
        ends.any(|end| strange(value, &format!("response.apply_patch_call_operation_diff.{end}")))
    },
};

const STRANGERS: Differs = Differs {
    what: "strangers",
    why: "an event that nobody knows, by a fault",
    settle: |value| strange(value, "response.unheard_of"),
};

/// Where the wire is documented to differ from the published description (responses-api.md, sections 3 and 5).
const DIFFERS: &[Differs] = &[
    Differs {
        what: "error codes",
        why: "a failed response carries codes that the description does not list",
        settle: |value| swap(value, "code", "insufficient_quota", "server_error"),
    },
    NESTED_ERRORS,
    Differs {
        what: "the name of a function",
        why: "the end of its arguments does not repeat it",
        settle: |value| {
            let done = value["type"] == "response.function_call_arguments.done" && value["name"].is_null();
            if done {
                value["name"] = "look_up".into();
            }
            done
        },
    },
    Differs {
        what: "a search that begins",
        why: "it shows its action only when it is done",
        settle: |value| {
            let begins = value["type"] == "web_search_call" && value["action"].is_null();
            if begins {
                value["action"] = json!({"type": "search", "query": ""});
            }
            begins
        },
    },
    Differs {
        what: "answers to approvals",
        why: "they name what they answer as the request did, where the description wants a second name for it",
        settle: |value| {
            let answers = value["type"] == "mcp_approval_response" && value["request_id"].is_null();
            if answers {
                value["request_id"] = value["approval_request_id"].clone();
            }
            answers
        },
    },
    LOCAL_SHELL,
    KEEPALIVES,
    PATCHES,
    STRANGERS,
    Differs {
        what: "a context that is being packed",
        why: "late: the event stands in newer SDKs and in no description yet",
        settle: |value| strange(value, "response.compaction.compacting"),
    },
];

/// Puts another word in the place of this one.
fn swap(value: &mut Value, key: &str, word: &str, other: &str) -> bool {
    let found = value.is_object() && value[key] == word;
    if found {
        value[key] = other.into();
    }
    found
}

/// Takes away an event of this type.
fn strange(value: &mut Value, name: &str) -> bool {
    let found = value.is_object() && value["type"] == name;
    if found {
        *value = Value::Null;
    }
    found
}

/// Applies each row everywhere in a value, and notes which were needed.
fn settle(table: &'static [Differs], value: &mut Value, needed: &mut BTreeSet<&'static str>) {
    for row in table {
        let mut everywhere = |value: &mut Value| {
            if (row.settle)(value) {
                needed.insert(row.what);
            }
        };
        walk(value, &mut everywhere);
    }
}

fn walk(value: &mut Value, visit: &mut impl FnMut(&mut Value)) {
    visit(value);
    match value {
        Value::Object(fields) => fields.values_mut().for_each(|field| walk(field, visit)),
        Value::Array(entries) => entries.iter_mut().for_each(|entry| walk(entry, visit)),
        _ => {}
    }
}

/// All rows were needed.
#[track_caller]
fn all_needed(table: &'static [Differs], needed: &BTreeSet<&'static str>) {
    let idle = table.iter().filter(|row| !needed.contains(row.what));
    let idle: Vec<String> = idle.map(|row| format!("{} ({})", row.what, row.why)).collect();
    assert!(idle.is_empty(), "documented, but nothing differs: {idle:?}");
}

#[test]
fn everything_fits_the_published_description() {
    let Some(description) = Description::supplied() else {
        return;
    };
    let said = said();
    let named = description.events();
    let mut needed = BTreeSet::new();
    let mut wrong = BTreeMap::new();
    for (schema, mut body) in said.bodies {
        settle(DIFFERS, &mut body, &mut needed);
        if let Err(problem) = description.check(&description.schema(schema), &body, schema) {
            wrong.insert(format!("{schema}: {problem}"), body);
        }
    }
    for mut event in said.events {
        settle(DIFFERS, &mut event, &mut needed);
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
    all_needed(DIFFERS, &needed);
}

/// What async-openai cannot read of the wire.
const ASYNC_OPENAI: &[Differs] = &[
    NESTED_ERRORS,
    KEEPALIVES,
    PATCHES,
    STRANGERS,
    Differs {
        what: "outcomes of shells",
        why: "it looks for them beside the output instead of in `outcome`",
        settle: |value| {
            let Some(Value::Object(outcome)) = value.get("outcome").cloned() else {
                return false;
            };
            outcome.into_iter().for_each(|(key, field)| value[key] = field);
            true
        },
    },
    Differs {
        what: "user messages of a compaction",
        why: "it expects the model's messages alone there",
        settle: |value| {
            let compaction = value["object"] == "response.compaction";
            if compaction && let Some(output) = value["output"].as_array_mut() {
                output.retain(|item| item["type"] != "message");
            }
            compaction
        },
    },
];

fn read_as<T: DeserializeOwned>(value: &Value) -> Result<(), String> {
    serde_json::from_value::<T>(value.clone())
        .map(drop)
        .map_err(|error| error.to_string())
}

#[test]
fn everything_is_read_by_async_openai() {
    let said = said();
    let needed = RefCell::new(BTreeSet::new());
    let mut wrong = BTreeMap::new();
    for (schema, mut body) in said.bodies {
        settle(ASYNC_OPENAI, &mut body, &mut needed.borrow_mut());
        let read = match schema {
            "Response" => read_as::<theirs::Response>(&body),
            "ResponseItemList" => read_as::<theirs::ResponseItemList>(&body),
            "TokenCountsResource" => read_as::<theirs::TokenCountsResource>(&body),
            "CompactResource" => read_as::<theirs::CompactResource>(&body),
            _ => continue,
        };
        if let Err(problem) = read {
            wrong.insert(format!("{schema}: {problem}"), body);
        }
    }
    for mut event in said.events {
        settle(ASYNC_OPENAI, &mut event, &mut needed.borrow_mut());
        if event.is_null() {
            continue;
        }
        if let Err(problem) = read_as::<theirs::ResponseStreamEvent>(&event) {
            wrong.insert(format!("{} {problem}", event["type"]), event);
        }
    }
    let shown: Vec<&String> = wrong.keys().collect();
    assert!(wrong.is_empty(), "{} misfits: {shown:#?}", wrong.len());
    all_needed(ASYNC_OPENAI, &needed.borrow());
}
