//! Our bodies against the published description of the API, where it is supplied beside the project.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use lanebench::wire::{
    ErrorShape, Event, Failure, Item, ItemStatus, Response, ResponseId, Shown, Status, StreamEvent, Usage,
    render_event, render_response,
};
use serde_json::{Map, Value};

use crate::differs::Differs;
use crate::wire::echo;

/// The component schemas of the description, each still as YAML text.
pub(crate) struct Description {
    schemas: BTreeMap<String, String>,
    read: RefCell<BTreeMap<String, Arc<Value>>>,
}

impl Description {
    /// The supplied description, or a word that it is not there.
    #[expect(clippy::print_stdout, reason = "a skipped test says so")]
    pub(crate) fn supplied() -> Option<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/openai-openapi.yaml");
        match std::fs::read_to_string(&path) {
            Ok(text) => Some(Self::split(&text)),
            Err(_) => {
                println!("skipped: {} is not there", path.display());
                None
            }
        }
    }

    /// Splits the text at the names of the schemas, since reading all of it takes seconds.
    fn split(text: &str) -> Self {
        let mut schemas = BTreeMap::new();
        let mut name = None;
        for line in text.lines().skip_while(|line| *line != "  schemas:").skip(1) {
            match line.strip_prefix("    ") {
                Some(rest) if !rest.starts_with([' ', '#']) && rest.ends_with(':') => {
                    name = Some(rest.trim_end_matches(':').to_owned());
                }
                None if !line.is_empty() => break,
                body => {
                    let schema: &mut String = schemas.entry(name.clone().unwrap()).or_default();
                    schema.push_str(body.unwrap_or_default());
                    schema.push('\n');
                }
            }
        }
        Self {
            schemas,
            read: RefCell::default(),
        }
    }

    /// The name of the schema of each event, by its type.
    pub(crate) fn events(&self) -> BTreeMap<String, String> {
        let all = self.schema("ResponseStreamEvent");
        let mut found = BTreeMap::new();
        for choice in all["anyOf"].as_array().unwrap() {
            let name = choice["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
            let words = self.schema(name)["properties"]["type"]["enum"].clone();
            for word in words.as_array().into_iter().flatten() {
                found.insert(word.as_str().unwrap().to_owned(), name.to_owned());
            }
        }
        found
    }

    pub(crate) fn schema(&self, name: &str) -> Arc<Value> {
        if let Some(known) = self.read.borrow().get(name) {
            return Arc::clone(known);
        }
        let text = self
            .schemas
            .get(name)
            .unwrap_or_else(|| panic!("no schema {name}"));
        let schema: Arc<Value> = Arc::new(serde_yaml::from_str(text).unwrap());
        self.read
            .borrow_mut()
            .insert(name.to_owned(), Arc::clone(&schema));
        schema
    }

    /// What is wrong with a value, with the path to it; nothing if it fits.
    pub(crate) fn check(&self, schema: &Value, value: &Value, path: &str) -> Result<(), String> {
        if let Some(target) = schema["$ref"].as_str() {
            let name = target.strip_prefix("#/components/schemas/").unwrap();
            return self.check(&self.schema(name), value, path);
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.check(part, value, path)?;
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(choices) = schema[key].as_array() {
                self.check_choices(choices, value, path)?;
            }
        }
        check_type(schema, value, path)?;
        if let Some(words) = schema["enum"].as_array()
            && !words.contains(value)
        {
            return Err(format!("{path}: {value} is not among {words:?}"));
        }
        match value {
            Value::Object(fields) => self.check_fields(schema, fields, path),
            Value::Array(entries) if schema["items"].is_object() => entries
                .iter()
                .enumerate()
                .try_for_each(|(at, entry)| self.check(&schema["items"], entry, &format!("{path}[{at}]"))),
            _ => Ok(()),
        }
    }

    fn check_choices(&self, choices: &[Value], value: &Value, path: &str) -> Result<(), String> {
        let mut problems = Vec::new();
        // The type of an object tells which choice is meant; the problems of the others would only hide its own.
        let meant = |choice: &&Value| value["type"].is_null() || self.may_be(choice, &value["type"]);
        let mut meant: Vec<&Value> = choices.iter().filter(meant).collect();
        if meant.is_empty() {
            meant = choices.iter().collect();
        }
        for choice in meant {
            match self.check(choice, value, path) {
                Ok(()) => return Ok(()),
                Err(problem) => problems.push(problem),
            }
        }
        Err(format!("{path}: {value} fits no choice: {problems:#?}"))
    }

    /// Whether a schema lets `type` have this value.
    fn may_be(&self, schema: &Value, word: &Value) -> bool {
        if let Some(target) = schema["$ref"].as_str() {
            return self.may_be(&self.schema(target.rsplit('/').next().unwrap()), word);
        }
        let parts = ["anyOf", "oneOf"]
            .iter()
            .filter_map(|key| schema[*key].as_array());
        let mut parts = parts.flatten().peekable();
        if parts.peek().is_some() {
            return parts.any(|part| self.may_be(part, word));
        }
        let wholes = schema["allOf"].as_array().into_iter().flatten();
        if !wholes.clone().all(|part| self.may_be(part, word)) {
            return false;
        }
        let words = schema["properties"]["type"]["enum"].as_array();
        words.is_none_or(|words| words.contains(word))
    }

    fn check_fields(&self, schema: &Value, fields: &Map<String, Value>, path: &str) -> Result<(), String> {
        let required = schema["required"].as_array().into_iter().flatten();
        for name in required.map(|name| name.as_str().unwrap()) {
            if !fields.contains_key(name) {
                return Err(format!("{path}: {name} is missing"));
            }
        }
        for (name, value) in fields {
            if let Some(schema) = schema["properties"].get(name) {
                self.check(schema, value, &format!("{path}.{name}"))?;
            }
        }
        Ok(())
    }
}

fn check_type(schema: &Value, value: &Value, path: &str) -> Result<(), String> {
    let is = |word: &str| match word {
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        other => panic!("{path}: what is {other}"),
    };
    let fits = match &schema["type"] {
        Value::String(word) => is(word),
        Value::Array(words) => words.iter().any(|word| is(word.as_str().unwrap())),
        _ => true,
    };
    let nullable = schema["nullable"] == true && value.is_null();
    if fits || nullable {
        Ok(())
    } else {
        Err(format!("{path}: {value} is not {}", schema["type"]))
    }
}

/// One of every item that a backend emits, in the given state.
fn items(status: ItemStatus) -> Vec<Item> {
    let hosted = |tool: &str| Item::Hosted {
        id: "ws_1".into(),
        tool: tool.into(),
        status,
        shown: Shown::default(),
    };
    vec![
        Item::Message {
            id: "msg_1".into(),
            text: "Edinburgh.".into(),
            status,
            phase: None,
            shown: Shown::default(),
        },
        Item::Reasoning {
            id: "rs_1".into(),
            shown: Shown::default(),
        },
        Item::FunctionCall {
            id: "fc_1".into(),
            call_id: "call_1".into(),
            name: "look_up".into(),
            arguments: "{}".into(),
            status,
            shown: Shown::of(&serde_json::json!({
                "namespace": "crm",
                "caller": { "type": "program", "caller_id": "call_0" },
            })),
        },
        Item::McpApprovalRequest {
            id: "mcpr_1".into(),
            server_label: "crm".into(),
            name: "write".into(),
            arguments: "{}".into(),
        },
        Item::McpCall {
            id: "mcp_1".into(),
            server_label: "crm".into(),
            name: "write".into(),
            arguments: "{}".into(),
            approval_request_id: Some("mcpr_1".into()),
            status: if status == ItemStatus::Incomplete {
                ItemStatus::Failed
            } else {
                status
            },
            shown: Shown::default(),
        },
        hosted("file_search_call"),
        hosted("code_interpreter_call"),
    ]
}

/// A response in every status that the contract knows.
fn responses() -> Vec<Response> {
    let plain = Response {
        id: ResponseId("resp_1".into()),
        status: Status::Queued,
        created_at: 1_785_000_000,
        completed_at: None,
        background: true,
        origin: None,
        output: [].into(),
        error: None,
        incomplete: None,
        usage: None,
        service_tier: "auto".into(),
    };
    let usage = Some(Usage {
        input: 3,
        output: 4,
        reasoning: 1,
    });
    let failure = Failure {
        code: "server_error".into(),
        message: "Broken.".into(),
    };
    let mut whole = items(ItemStatus::Completed);
    whole.push(Item::Hosted {
        id: "ws_1".into(),
        tool: "web_search_call".into(),
        status: ItemStatus::Completed,
        shown: Shown::default(),
    });
    whole.push(Item::Hosted {
        id: "mcpl_1".into(),
        tool: "mcp_list_tools".into(),
        status: ItemStatus::Completed,
        shown: Shown::default(),
    });
    let ended = |status, items: Vec<Item>| Response {
        status,
        output: items.into(),
        service_tier: "default".into(),
        ..plain.clone()
    };
    vec![
        plain.clone(),
        Response {
            status: Status::InProgress,
            output: items(ItemStatus::InProgress).into(),
            ..plain.clone()
        },
        Response {
            completed_at: Some(1_785_000_009),
            usage,
            ..ended(Status::Completed, whole)
        },
        Response {
            error: Some(failure),
            ..ended(Status::Failed, Vec::new())
        },
        ended(Status::Cancelled, items(ItemStatus::InProgress)),
        Response {
            incomplete: Some("max_output_tokens".into()),
            usage,
            ..ended(Status::Incomplete, items(ItemStatus::Incomplete))
        },
    ]
}

/// An event and the schema it has to fit.
fn events() -> Vec<(&'static str, Event)> {
    let item_id = || "msg_1".into();
    let progress = |name: &str| Event::Progress {
        name: name.into(),
        output: 0,
        item_id: "ws_1".into(),
        shown: Shown::default(),
    };
    let mut events = vec![
        (
            "ResponseContentPartAddedEvent",
            Event::PartAdded {
                output: 0,
                item_id: item_id(),
                shown: Shown::default(),
            },
        ),
        (
            "ResponseContentPartDoneEvent",
            Event::PartDone {
                output: 0,
                item_id: item_id(),
                text: "x".into(),
                shown: Shown::default(),
            },
        ),
        (
            "ResponseTextDeltaEvent",
            Event::TextDelta {
                output: 0,
                item_id: item_id(),
                delta: "x".into(),
                shown: Shown::default(),
            },
        ),
        (
            "ResponseTextDoneEvent",
            Event::TextDone {
                output: 0,
                item_id: item_id(),
                text: "x".into(),
                shown: Shown::default(),
            },
        ),
        (
            "ResponseFunctionCallArgumentsDeltaEvent",
            Event::ArgumentsDelta {
                output: 0,
                item_id: item_id(),
                delta: "{".into(),
            },
        ),
        (
            "ResponseFileSearchCallSearchingEvent",
            progress("response.file_search_call.searching"),
        ),
        (
            "ResponseWebSearchCallInProgressEvent",
            progress("response.web_search_call.in_progress"),
        ),
        (
            "ResponseCodeInterpreterCallInterpretingEvent",
            progress("response.code_interpreter_call.interpreting"),
        ),
        (
            "ResponseMCPCallCompletedEvent",
            progress("response.mcp_call.completed"),
        ),
        (
            "ResponseErrorEvent",
            Event::Error {
                code: "server_error".into(),
                message: "Broken.".into(),
            },
        ),
    ];
    for item in items(ItemStatus::Completed) {
        events.push((
            "ResponseOutputItemAddedEvent",
            Event::ItemAdded {
                output: 0,
                item: item.clone(),
            },
        ));
        events.push(("ResponseOutputItemDoneEvent", Event::ItemDone { output: 0, item }));
    }
    for response in responses() {
        let response = Arc::new(response);
        events.push(("ResponseCreatedEvent", Event::Created(response.clone())));
        events.push(("ResponseQueuedEvent", Event::Queued(response.clone())));
        events.push(("ResponseInProgressEvent", Event::InProgress(response.clone())));
        events.push(("ResponseCompletedEvent", Event::Completed(response.clone())));
        events.push(("ResponseFailedEvent", Event::Failed(response.clone())));
        events.push(("ResponseIncompleteEvent", Event::Incomplete(response)));
    }
    events
}

fn data_of(event: Event) -> Value {
    let mut out = Vec::new();
    render_event(
        &StreamEvent { seq: 3, event },
        &echo(),
        ErrorShape::Flat,
        None,
        &mut out,
    );
    let text = String::from_utf8(out).unwrap();
    let data = text.split_once("data: ").unwrap().1;
    serde_json::from_str(data).unwrap()
}

#[test]
fn responses_fit_the_published_description() {
    let Some(description) = Description::supplied() else {
        return;
    };
    let schema = description.schema("Response");
    for response in responses() {
        let mut out = Vec::new();
        render_response(&response, &echo(), &mut out);
        let mut body = serde_json::from_slice(&out).unwrap();
        Differs::of("description").settle(&mut body);
        description
            .check(&schema, &body, response.status.word())
            .unwrap_or_else(|problem| panic!("{problem}"));
    }
}

#[test]
fn events_fit_the_published_description() {
    let Some(description) = Description::supplied() else {
        return;
    };
    for (schema, event) in events() {
        let mut data = data_of(event);
        Differs::of("description").settle(&mut data);
        description
            .check(&description.schema(schema), &data, schema)
            .unwrap_or_else(|problem| panic!("{problem}"));
    }
}

#[test]
fn the_check_itself_can_fail() {
    let Some(description) = Description::supplied() else {
        return;
    };
    let schema = description.schema("Response");
    let mut out = Vec::new();
    render_response(&responses()[2], &echo(), &mut out);
    let mut body: Value = serde_json::from_slice(&out).unwrap();
    Differs::of("description").settle(&mut body);
    let broken = |change: &dyn Fn(&mut Value)| {
        let mut body = body.clone();
        change(&mut body);
        description.check(&schema, &body, "body").unwrap_err()
    };
    assert!(broken(&|body| drop(body.as_object_mut().unwrap().remove("tools"))).contains("tools is missing"));
    assert!(broken(&|body| body["status"] = "done".into()).contains("body.status"));
    assert!(broken(&|body| body["created_at"] = "now".into()).contains("body.created_at"));
    assert!(broken(&|body| body["output"][0]["status"] = "odd".into()).contains("body.output[0].status"));
}

/// What a strict Rust client of other people makes of a text.
fn parsed_by_async_openai(event: &Value) -> Result<(), String> {
    let parsed = serde_json::from_value::<async_openai::types::responses::ResponseStreamEvent>(event.clone());
    parsed.map(drop).map_err(|error| error.to_string())
}

#[test]
fn responses_are_read_by_the_types_of_async_openai() {
    for response in responses() {
        let mut out = Vec::new();
        render_response(&response, &echo(), &mut out);
        let read: async_openai::types::responses::Response = serde_json::from_slice(&out)
            .unwrap_or_else(|error| panic!("{}: {error}", response.status.word()));
        assert_eq!(
            (&*read.id, read.output.len()),
            (&*response.id.0.text(), response.output.len())
        );
    }
}

#[test]
fn events_are_read_by_the_types_of_async_openai() {
    for (schema, event) in events() {
        let data = data_of(event);
        parsed_by_async_openai(&data).unwrap_or_else(|error| panic!("{schema}: {error}: {data}"));
    }
    let error = parsed_by_async_openai(&serde_json::json!({"type": "response.created"})).unwrap_err();
    assert!(error.contains("missing field"), "{error}");
}
