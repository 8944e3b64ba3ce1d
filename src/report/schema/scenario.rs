//! Scenarios: tasks, faults, people, lanes and the model service.

use serde_json::{Value, json};

use super::expectation::expect;
use super::plan::{filled, plan, script, sinks, tools};
use super::service::backend;
use super::value::{any, case, integer, list, object, of, one_or_list, words};
use crate::scenario::ChecklistLine;
use crate::trace::{LaneName, Verb};
use crate::units::ExchangeKind;

/// The schema of a scenario.
pub(super) fn scenario() -> Value {
    let title = json!({ "type": "string", "pattern": "\\S", "maxLength": 120 });
    let id = json!({ "type": "string", "pattern": "^[A-Z]{2}-[0-9]{2}$" });
    let seed = json!({ "type": "integer", "minimum": 0 });
    object(
        &[
            ("scenario", title),
            (
                "shows",
                list(&words(ChecklistLine::ALL.map(ChecklistLine::word)), 1),
            ),
            ("policy", of("text")),
            ("kinds", of("text")),
            ("include", one_or_list(&of("text"))),
            ("tasks", any(&[list(&task(), 0), workload()])),
            ("sinks", sinks(&[])),
            ("tools", tools()),
            ("lanes", lanes()),
            ("backend", backend()),
            ("faults", list(&fault(), 0)),
            ("people", list(&person(), 0)),
            ("seed", seed),
            ("ends", ends()),
            ("expect", expect()),
            ("invariants", any(&[words(["all"]), list(&id, 0)])),
            ("requires", list(&id, 0)),
        ],
        &["scenario", "shows", "policy", "kinds"],
    )
}

/// Where a run is cut off.
pub(super) fn ends() -> Value {
    object(
        &[("at", of("duration")), ("steps", integer(1, 10_000_000_000))],
        &[],
    )
}

/// The schema of a service file.
pub(super) fn service() -> Value {
    object(
        &[
            ("service", json!({ "type": "string", "pattern": "\\S" })),
            ("backend", backend()),
            ("faults", list(&fault(), 0)),
            ("scripts", list(&choice(), 0)),
        ],
        &["service"],
    )
}

/// A script for requests that look alike.
fn choice() -> Value {
    let value = any(&[of("text"), json!({ "type": "null" })]);
    let metadata = json!({ "type": "object", "additionalProperties": value });
    let mut when = object(
        &[
            ("model", filled()),
            ("input", filled()),
            ("metadata", any(&[filled(), metadata])),
            ("header", header()),
        ],
        &[],
    );
    when["minProperties"] = json!(1);
    object(&[("when", when), ("script", script())], &["when", "script"])
}

/// A header that a request shows.
fn header() -> Value {
    any(&[
        of("name"),
        object(&[("name", of("name")), ("value", of("text"))], &["name"]),
    ])
}

fn task() -> Value {
    let mut keys = vec![
        ("id", of("name")),
        ("kind", of("name")),
        ("at", of("duration")),
        ("count", json!({ "type": "integer", "minimum": 1 })),
        ("every", of("duration")),
        ("attributes", of("attributes")),
        ("requester", of("name")),
        ("deadline_at", of("duration")),
    ];
    keys.extend(plan());
    object(&keys, &["id", "kind"])
}

fn workload() -> Value {
    let columns = object(
        &[
            (
                "at",
                any(&[case("timestamp", &of("text")), case("seconds", &of("text"))]),
            ),
            ("answer_tokens", of("text")),
            ("prompt_tokens", of("text")),
            (
                "attributes",
                json!({ "type": "object", "additionalProperties": of("text") }),
            ),
        ],
        &["at"],
    );
    let number = json!({ "type": "integer", "minimum": 0 });
    let cases = list(&object(&[("up_to", number), ("kind", of("name"))], &["kind"]), 1);
    let mut keys = vec![
        ("from", of("text")),
        ("columns", columns),
        (
            "kind",
            any(&[
                of("name"),
                object(&[("by", of("text")), ("cases", cases)], &["by", "cases"]),
            ]),
        ),
        ("rows", json!({ "type": "integer", "minimum": 1 })),
        ("id", of("name")),
        ("attributes", of("attributes")),
        ("requester", of("name")),
    ];
    keys.extend(plan());
    object(&keys, &["from", "columns", "kind"])
}

pub(super) fn lanes() -> Value {
    let lane = object(
        &[
            ("capacity", integer(1, 1_000_000)),
            ("waiting", integer(0, 1_000_000)),
            ("budget", integer(0, 1_000_000)),
            ("jobs_per_retry", integer(0, 1_000_000)),
        ],
        &[],
    );
    let order = list(&words(LaneName::ALL.iter().map(|name| name.word())), 3);
    let shared = object(
        &[("capacity", integer(1, 1_000_000)), ("order", order)],
        &["capacity"],
    );
    let mut lanes: Vec<_> = LaneName::ALL
        .iter()
        .map(|name| (name.word(), lane.clone()))
        .collect();
    lanes.push(("shared", shared));
    object(&lanes, &[])
}

fn reply() -> Value {
    let status = integer(300, 999);
    let full = object(
        &[
            ("status", status.clone()),
            ("retry_after", of("duration")),
            ("retry_after_ms", of("duration")),
            ("retry_at", of("duration")),
            ("body", words(["html", "empty"])),
            ("code", of("text")),
            ("type", of("text")),
            ("param", of("text")),
            ("message", of("text")),
            ("should_retry", json!({ "type": "boolean" })),
        ],
        &["status"],
    );
    any(&[status, full])
}

/// Every fault with its value; the program's own list is the norm.
fn fault_words() -> Vec<(&'static str, Value)> {
    const PLAIN: [&str; 25] = [
        "refuse",
        "reset_before",
        "reset_after",
        "lose_reply",
        "cut_before_id",
        "cut_after_id",
        "stall_body",
        "malformed",
        "half_open",
        "wrong_length",
        "wrong_type",
        "html_page",
        "wrong_order",
        "ignore_cancel",
        "truncate",
        "future_webhook",
        "two_signatures",
        "stuck_queued",
        "stuck_in_progress",
        "lose_webhook",
        "stale_webhook",
        "forged_webhook",
        "hang",
        "hang_before",
        "refuse_for_good",
    ];
    let events = json!({ "type": "integer", "minimum": 0 });
    let step = integer(1, 65_535);
    let delay = any(&[
        of("law"),
        object(
            &[
                ("takes", of("law")),
                ("place", words(["handling", "reply", "body"])),
            ],
            &["takes"],
        ),
    ]);
    let fail = any(&[
        of("name"),
        object(&[("code", of("name")), ("at_step", step.clone())], &["code"]),
    ]);
    let error_event = any(&[
        events.clone(),
        object(&[("after", events.clone()), ("code", of("name"))], &["after"]),
    ]);
    let mut all = vec![
        ("delay", delay),
        ("reply", reply()),
        ("cut_stream", events.clone()),
        ("cut_inside_event", events.clone()),
        ("cut_between_lines", events.clone()),
        ("reset_stream", events.clone()),
        ("stall_stream", events.clone()),
        ("skip_event", events.clone()),
        ("unknown_event", events.clone()),
        ("error_event", error_event),
        ("fail", fail),
        ("incomplete", of("name")),
        ("unknown_status", of("name")),
        ("cancelled_by_service", step),
        ("vanish", of("duration")),
        ("slow_cancel", of("duration")),
        ("late_webhook", of("law")),
        ("slow_admission", of("law")),
        ("trickle", of("law")),
        ("repeat_webhook", of("duration")),
        ("overtaken_webhook", of("duration")),
        ("fail_tool", of("text")),
        ("slow", of("law")),
    ];
    all.extend(PLAIN.map(|word| (word, json!({ "const": true }))));
    all
}

pub(super) fn fault() -> Value {
    let faults = fault_words();
    let one_of = |words: &[&str]| {
        let each: Vec<Value> = words.iter().map(|word| json!({ "required": [word] })).collect();
        json!({ "oneOf": each })
    };
    let targets = ["exchange", "response", "step", "webhook", "tool", "sink"];
    let words_of_faults: Vec<&str> = faults.iter().map(|(word, _)| *word).collect();
    let mut keys = vec![
        (
            "exchange",
            words(ExchangeKind::ALL.iter().map(|kind| kind.word())),
        ),
        ("response", words(["any"])),
        ("step", integer(1, 65_535)),
        ("webhook", words(["any"])),
        ("tool", of("name")),
        ("sink", of("name")),
        ("tasks", one_or_list(&of("name"))),
        ("attempts", of("range")),
        ("turns", of("range")),
        ("nth", of("range")),
        ("within", json!({ "type": "string", "pattern": "^[^-]+-[^-]+$" })),
        ("header", header()),
        ("probability", of("probability")),
        ("window", of("duration")),
        ("may_stay_unused", of("text")),
    ];
    keys.extend(faults.iter().cloned());
    let mut fault = object(&keys, &[]);
    fault["allOf"] = json!([one_of(&targets), one_of(&words_of_faults)]);
    fault["dependentRequired"] = json!({ "window": ["probability"] });
    fault
}

pub(super) fn person() -> Value {
    let at_or_after = |key: &'static str| object(&[(key, of("duration")), ("by", of("name"))], &[key]);
    let retries = object(
        &[
            ("probability", of("probability")),
            ("after", of("law")),
            ("times", integer(1, 20)),
        ],
        &["probability", "after"],
    );
    let user = object(
        &[
            ("tasks", one_or_list(&of("name"))),
            ("leaves_after", of("law")),
            ("patience", of("law")),
            ("retries", retries),
            ("balks", words(["full", "busy"])),
            ("cancels_after", one_or_list(&of("duration"))),
            (
                "cancels",
                one_or_list(&any(&[at_or_after("at"), at_or_after("after")])),
            ),
            ("withdraws_after", of("duration")),
        ],
        &[],
    );
    let edit = object(
        &[("act", integer(1, 65_535)), ("arguments", of("arguments"))],
        &["arguments"],
    );
    let decision = any(&[
        words(["approve", "approve_stale", "deny", "ignore"]),
        case("approve_twice", &of("duration")),
        case("deny", &any(&[of("text"), json!({ "type": "null" })])),
        case("edit", &edit),
        named_null(&["approve", "approve_stale", "ignore"]),
    ]);
    let approver = object(
        &[
            ("name", of("name")),
            ("roles", one_or_list(&of("name"))),
            ("acts_for", of("name")),
            ("takes", of("law")),
            ("decides", one_or_list(&decision)),
            ("reach", words(["eligible", "every"])),
        ],
        &["name"],
    );
    any(&[
        case("user", &user),
        case("approver", &approver),
        case("staff", &staff()),
        case("operator", &operator()),
        case("change", &change()),
    ])
}

fn staff() -> Value {
    let decision = any(&[
        words(["approve", "deny"]),
        case("deny", &any(&[of("text"), json!({ "type": "null" })])),
        named_null(&["approve"]),
    ]);
    let shift = object(
        &[
            ("from", of("duration")),
            ("to", of("duration")),
            ("people", integer(1, 1_000)),
        ],
        &["from", "to"],
    );
    let batch = object(
        &[
            ("most", integer(1, 1_000)),
            ("least", integer(1, 1_000)),
            ("after", of("duration")),
        ],
        &["most"],
    );
    let shares = [
        "wrong",
        "wrong_per_hour",
        "wrong_per_waiting",
        "wrong_at_most",
        "slower_per_hour",
        "faster_per_waiting",
    ];
    let attention = object(&shares.map(|key| (key, of("probability"))), &[]);
    object(
        &[
            ("name", of("name")),
            ("people", integer(1, 1_000)),
            ("roles", one_or_list(&of("name"))),
            ("takes", of("law")),
            ("decides", one_or_list(&decision)),
            ("shifts", list(&shift, 1)),
            ("batch", batch),
            ("to_deny", of("probability")),
            ("attention", attention),
        ],
        &["name", "people"],
    )
}

/// A word written as a key without a value.
fn named_null(words: &[&str]) -> Value {
    let keys: Vec<_> = words
        .iter()
        .map(|word| (*word, json!({ "type": "null" })))
        .collect();
    let mut object = object(&keys, &[]);
    object["minProperties"] = json!(1);
    object["maxProperties"] = json!(1);
    object
}

fn operator() -> Value {
    let answer = object(
        &[
            ("verb", words(Verb::ALL.iter().map(|verb| verb.word()))),
            ("reason", of("text")),
            ("cause", of("text")),
            ("times", integer(1, 1_000)),
            ("extend", of("duration")),
            ("result", of("text")),
        ],
        &["verb", "reason"],
    );
    object(
        &[
            ("name", of("name")),
            ("takes", of("law")),
            ("answers", list(&answer, 1)),
        ],
        &["name", "answers"],
    )
}

fn change() -> Value {
    let target = object(
        &[
            ("sink", of("name")),
            ("version", of("text")),
            ("notice", words(["given", "silent"])),
        ],
        &["sink", "version"],
    );
    let mut change = object(
        &[
            ("at", of("duration")),
            ("what", of("text")),
            ("quorum", integer(1, 100)),
            ("target", target),
        ],
        &["at", "what"],
    );
    change["oneOf"] = json!([{ "required": ["quorum"] }, { "required": ["target"] }]);
    change
}
