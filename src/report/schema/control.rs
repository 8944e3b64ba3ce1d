//! The control API of `lanebench serve`, as an OpenAPI 3.1 document.

use serde_json::{Map, Value, json};

/// The document.
pub(super) fn control() -> Value {
    let mut paths = Map::new();
    for (path, method, operation) in operations() {
        let entry = paths
            .entry(format!("/_lanebench{path}"))
            .or_insert_with(|| json!({}));
        entry[method] = operation;
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Control API of lanebench serve",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What a test may ask of the server and do to it. Bodies are YAML, of which JSON is a part. \
                            Times are in simulated microseconds since the session began. A session is named by the \
                            query parameter `session` or the header `x-lanebench-session`; one that is not there is \
                            made.",
        },
        "paths": paths,
        "components": { "schemas": schemas(), "parameters": parameters(), "responses": refusals() },
    })
}

type Operation = (&'static str, &'static str, Value);

fn operations() -> Vec<Operation> {
    let mut operations = reading();
    operations.extend(acting());
    operations
}

fn reading() -> Vec<Operation> {
    let list = |key: &str, item: &str, more: Value| {
        let mut properties = json!({ key: { "type": "array", "items": of(item) } });
        if let (Value::Object(properties), Value::Object(more)) = (&mut properties, more) {
            properties.extend(more);
        }
        whole(&properties)
    };
    let number = json!({ "type": "integer" });
    let text = json!({ "type": "string" });
    let session = || vec![by("session"), by("session_header")];
    let overview = whole(&json!({
        "server": text, "session": text, "plays": text, "clock": of("Clock"),
        "paths": { "type": "array", "items": text },
    }));
    vec![
        ("", "get", operation("What there is", session(), None, &overview)),
        (
            "/openapi.json",
            "get",
            operation(
                "This document",
                Vec::new(),
                None,
                &json!({ "type": "object", "required": ["openapi", "paths"] }),
            ),
        ),
        (
            "/requests",
            "get",
            operation(
                "The last requests of the session, oldest first",
                [session(), vec![by("since"), by("limit")]].concat(),
                None,
                &list(
                    "requests",
                    "Request",
                    json!({ "seen": number, "forgotten": number }),
                ),
            ),
        ),
        (
            "/requests/{seq}",
            "get",
            operation(
                "One request",
                [session(), vec![in_path("seq")]].concat(),
                None,
                &of("Request"),
            ),
        ),
        (
            "/responses",
            "get",
            operation(
                "The last responses of the session, oldest first",
                session(),
                None,
                &list("responses", "Response", json!({ "forgotten": number })),
            ),
        ),
        (
            "/webhooks",
            "get",
            operation(
                "The last sendings of webhooks",
                session(),
                None,
                &list("webhooks", "Webhook", json!({})),
            ),
        ),
        (
            "/verdict",
            "get",
            operation(
                "The verdict on the clients of the session",
                session(),
                None,
                &of("Verdict"),
            ),
        ),
        (
            "/faults",
            "get",
            operation(
                "The faults of the session and how often they struck; those that wait for their requests",
                session(),
                None,
                &whole(&json!({
                    "declared": { "type": "array", "items": whole(&json!({ "rule": number, "is": text, "struck": number })) },
                    "waiting": { "type": "array", "items": whole(&json!({ "fault": number, "is": text, "left": number })) },
                    "injected_struck": number,
                })),
            ),
        ),
        (
            "/scenario",
            "get",
            with_yaml(operation(
                "The text that the session plays",
                session(),
                None,
                &json!({ "type": "string" }),
            )),
        ),
        (
            "/sessions",
            "get",
            operation(
                "Every session",
                Vec::new(),
                None,
                &list("sessions", "Session", json!({ "sessions_max": number })),
            ),
        ),
    ]
}

fn acting() -> Vec<Operation> {
    let number = json!({ "type": "integer" });
    let text = json!({ "type": "string" });
    let session = || vec![by("session"), by("session_header")];
    let begun = whole(&json!({ "session": text, "plays": text }));
    let waited = whole(&json!({
        "met": { "type": "boolean" }, "waited_ms": number, "count": number,
        "seen": { "type": "array", "items": { "type": "object" } },
    }));
    let fault = json!({
        "type": "object",
        "description": "An entry of `faults` of a scenario about an exchange, a response, a step or a webhook, that \
                        selects by `header` alone, with `times`.",
        "examples": [{ "exchange": "create", "reply": { "status": 429, "retry_after": "7s" }, "times": 2 }],
    });
    let service = json!({
        "type": "string",
        "description": "A service file (`lanebench schema service`), or a scenario.",
    });
    let advance = json!({
        "type": "object", "properties": { "by": text }, "required": ["by"], "additionalProperties": false,
        "examples": [{ "by": "30s" }],
    });
    vec![
        (
            "/faults",
            "post",
            operation(
                "Injects a fault that strikes the next requests that fit",
                session(),
                Some(fault),
                &whole(&json!({ "fault": number })),
            ),
        ),
        (
            "/faults",
            "delete",
            operation(
                "Forgets the faults that wait for their requests",
                session(),
                None,
                &whole(&json!({ "forgotten": number })),
            ),
        ),
        (
            "/scenario",
            "post",
            operation(
                "Loads a service file, a scenario or a built-in profile, and begins the session anew with it",
                [session(), vec![by("profile")]].concat(),
                Some(service),
                &whole(&json!({ "session": text, "plays": text, "faults": number })),
            ),
        ),
        (
            "/reset",
            "post",
            operation(
                "Begins the session anew: its clock, responses, faults, record and verdict",
                [session(), vec![by("keep")]].concat(),
                None,
                &begun,
            ),
        ),
        (
            "/advance",
            "post",
            operation(
                "Moves the clock of the session on, and answers when everything that became due was done",
                session(),
                Some(advance),
                &whole(&json!({ "from_us": number, "clock": of("Clock") })),
            ),
        ),
        ("/wait_for", "post", {
            let mut wait = operation(
                "Answers as soon as something is on record",
                session(),
                Some(of("WaitFor")),
                &waited,
            );
            wait["responses"]["408"] = json!({
                "description": "The time is over; the last of what was seen.",
                "content": { "application/json": { "schema": waited } },
            });
            wait
        }),
        (
            "/sessions/{name}",
            "delete",
            operation(
                "Ends a session",
                vec![in_path("name")],
                None,
                &whole(&json!({ "ended": text })),
            ),
        ),
    ]
}

fn operation(summary: &str, parameters: Vec<Value>, body: Option<Value>, answer: &Value) -> Value {
    let mut operation = json!({
        "summary": summary,
        "parameters": parameters,
        "responses": {
            "200": { "description": "Done", "content": { "application/json": { "schema": answer } } },
            "default": { "$ref": "#/components/responses/Refused" },
        },
    });
    if let Some(schema) = body {
        operation["requestBody"] = json!({ "content": { "application/yaml": { "schema": schema } } });
    }
    operation
}

fn with_yaml(mut operation: Value) -> Value {
    let content = &mut operation["responses"]["200"]["content"];
    let json = content["application/json"].take();
    *content = json!({ "application/yaml": json });
    operation
}

fn of(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

fn by(parameter: &str) -> Value {
    json!({ "$ref": format!("#/components/parameters/{parameter}") })
}

fn in_path(name: &str) -> Value {
    json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
}

/// An object with exactly these properties.
fn whole(properties: &Value) -> Value {
    let names: Vec<&String> = properties
        .as_object()
        .map(Map::keys)
        .into_iter()
        .flatten()
        .collect();
    json!({ "type": "object", "properties": properties, "required": names, "additionalProperties": false })
}

/// An object with these properties, of which some may be left out.
fn some(properties: &Value, optional: &[&str]) -> Value {
    let mut object = whole(properties);
    if let Value::Array(required) = &mut object["required"] {
        required.retain(|name| name.as_str().is_none_or(|name| !optional.contains(&name)));
    }
    object
}

fn parameters() -> Value {
    let query = |name: &str, schema: Value, says: &str| json!({ "name": name, "in": "query", "schema": schema, "description": says });
    json!({
        "session": query("session", json!({ "type": "string" }), "The session; `default` if none is named."),
        "session_header": {
            "name": "x-lanebench-session", "in": "header", "schema": { "type": "string" },
            "description": "The same as a header; the query goes before.",
        },
        "since": query("since", json!({ "type": "integer", "minimum": 0 }), "Only requests behind this number."),
        "limit": query("limit", json!({ "type": "integer", "minimum": 0 }), "At most so many; 100 if nothing is said, 1000 at most."),
        "profile": query("profile", json!({ "type": "string" }), "A built-in profile in place of a body."),
        "keep": query("keep", json!({ "enum": ["scenario"] }), "What the session plays stays; otherwise it is what the server was started with."),
    })
}

fn refusals() -> Value {
    let error = whole(&json!({
        "error": some(
            &json!({
                "code": { "type": "string" },
                "message": { "type": "string" },
                "diagnostics": { "type": "string" },
            }),
            &["diagnostics"],
        ),
    }));
    json!({
        "Refused": {
            "description": "Nothing was done. `diagnostics` has the places of all mistakes of a body, as the command line shows them.",
            "content": { "application/json": { "schema": error } },
        },
    })
}

fn schemas() -> Value {
    let number = json!({ "type": "integer" });
    let text = json!({ "type": "string" });
    let boolean = json!({ "type": "boolean" });
    let or_null = |kind: &str| json!({ "type": [kind, "null"] });
    let numbers = json!({ "type": "array", "items": number });
    let near =
        whole(&json!({ "rule": number, "about": text, "kept_by": { "type": "array", "items": text } }));
    let mut script = some(
        &json!({ "chosen": number, "nearest": near, "goes_on": text }),
        &["chosen", "nearest", "goes_on"],
    );
    script["description"] = json!(
        "Which of the `scripts` answers a create: the one of this number, or, where none fits, the nearest and what \
         kept it; what follows on a response or a conversation goes on with its script."
    );
    let request = some(
        &json!({
            "session": text, "seq": number, "at_us": number, "ended_us": number, "connection": number,
            "method": text, "path": text,
            "headers": { "type": "object", "additionalProperties": text },
            "body": whole(&json!({ "bytes": number, "sha256": text })),
            "fault": some(&json!({ "rule": number, "does": text, "by": { "enum": ["rule", "injection"] } }), &["rule"]),
            "nearest": near,
            "script": script, "hint": text, "status": or_null("integer"), "response": text,
            "end": { "enum": ["open", "whole", "spoiled", "gone", "reset"] },
        }),
        &[
            "ended_us", "body", "fault", "nearest", "script", "hint", "response",
        ],
    );
    let clock = whole(&json!({
        "pace": { "enum": ["real", "manual", "virtual"] }, "now_us": number, "due_us": or_null("integer"), "epoch": number,
    }));
    let finding = whole(&json!({ "what": text, "requests": numbers }));
    let rule = whole(&json!({
        "code": text, "demands": text,
        "verdict": { "enum": ["held", "not_exercised", "warn", "fail"] },
        "exercised": or_null("integer"),
        "findings": { "type": "array", "items": finding },
        "advice": text,
    }));
    let count = json!({ "type": "integer", "minimum": 1 });
    let wait = some(
        &json!({
            "requests": some(
                &json!({ "method": text, "path": text, "status": number, "fault": text, "count": count }),
                &["method", "path", "status", "fault", "count"],
            ),
            "response": some(&json!({ "id": text, "status": text }), &["id", "status"]),
            "webhook": some(
                &json!({
                    "response": text, "kind": text, "count": count,
                    "outcome": { "enum": ["sent", "answered", "accepted"] },
                }),
                &["response", "kind", "outcome", "count"],
            ),
            "within": { "type": "string", "description": "In real time; 10s if nothing is said, 60s at most." },
        }),
        &["requests", "response", "webhook", "within"],
    );
    json!({
        "Request": request,
        "Response": whole(&json!({
            "id": text, "status": text, "code": or_null("string"), "background": boolean, "created_us": number,
            "changed_us": number, "request": or_null("integer"), "dropped": or_null("string"),
        })),
        "Webhook": whole(&json!({
            "delivery": text, "send": number, "kind": text, "response": text,
            "signature": { "enum": ["valid", "stale", "forged"] },
            "at_us": number, "answered_us": or_null("integer"), "http": or_null("integer"),
        })),
        "Verdict": whole(&json!({
            "session": text, "verdict": { "enum": ["held", "failed", "undecided"] }, "requests": number,
            "rules": { "type": "array", "items": rule },
        })),
        "Clock": clock,
        "Session": whole(&json!({
            "session": text, "plays": text, "requests": number, "responses": number, "streams_open": number,
            "clock": of("Clock"),
        })),
        "WaitFor": wait,
    })
}
