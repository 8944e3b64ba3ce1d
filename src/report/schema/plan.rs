//! How tasks are carried out: the registry of kinds, plans, scripts, sinks and tools.

use serde_json::{Value, json};

use super::value::{any, case, integer, list, named, object, of, words};
use crate::policy::Attribute;
use crate::wire::{Phase, SERVICE_TIERS};

/// The schema of a registry of kinds.
pub(super) fn kinds() -> Value {
    let mut keys = vec![("description", of("text")), ("attributes", of("attributes"))];
    keys.extend(plan());
    let mut kinds = named(&object(&keys, &["description"]));
    kinds["minProperties"] = json!(1);
    object(
        &[
            ("sinks", sinks(&["effect", "class"])),
            ("tools", tools()),
            ("attributes", of("attributes")),
            ("kinds", kinds),
        ],
        &["kinds"],
    )
}

/// The keys that kinds and tasks share.
pub(super) fn plan() -> Vec<(&'static str, Value)> {
    const LIMITS: [&str; 12] = [
        "deadline",
        "wait",
        "queue",
        "attempt",
        "attempts",
        "call",
        "tool",
        "approval_request",
        "grant",
        "cancel",
        "doubt",
        "capture",
    ];
    let lengths = |keys: &[&'static str]| {
        let keys: Vec<_> = keys.iter().map(|key| (*key, of("duration"))).collect();
        object(&keys, &[])
    };
    let polling = object(
        &[
            ("first", of("duration")),
            ("growth", json!({ "type": "string", "pattern": "^[0-9]+%$" })),
            ("max", of("duration")),
            ("fallback", of("duration")),
        ],
        &[],
    );
    let retry = object(
        &[
            ("attempts", integer(1, 1_000)),
            ("base", of("duration")),
            ("cap", of("duration")),
            ("twins", integer(0, 1_000)),
            ("effect_tries", integer(0, 1_000)),
        ],
        &[],
    );
    let rules = object(
        &[
            ("incomplete", words(["partial", "retry"])),
            ("filtered", words(["fail", "partial"])),
            ("tool_failure", words(["tell", "fail"])),
            ("denial", words(["end", "replan"])),
            ("empty", words(["fail", "allow"])),
        ],
        &[],
    );
    let approval = object(
        &[
            ("quorum", integer(1, 100)),
            ("role", of("name")),
            ("own_approval", words(["refused", "counts"])),
        ],
        &[],
    );
    vec![
        ("prompt", of("text")),
        ("model", of("text")),
        ("max_output_tokens", of("tokens")),
        ("tier", words(SERVICE_TIERS)),
        ("follow", words(["poll", "stream", "webhook"])),
        ("polling", polling),
        ("limits", lengths(&LIMITS)),
        ("retry", retry),
        ("tools", list(&of("name"), 0)),
        ("mcp", named(&of("name"))),
        ("rules", rules),
        ("approval", approval),
        ("patience", lengths(&["quiet", "stalled"])),
        ("script", script()),
    ]
}

/// What responses do.
pub(super) fn script() -> Value {
    let length = [("tokens", of("tokens")), ("takes", of("law"))];
    let refusal = any(&[of("tokens"), object(&length, &["tokens"])]);
    let mut keys = length.to_vec();
    keys.push(("annotations", list(&annotation(), 0)));
    keys.push(("audio", filled()));
    keys.push(("phase", words(Phase::ALL.map(Phase::word))));
    let message = any(&[of("tokens"), object(&keys, &["tokens"])]);
    let thought = [
        ("takes", of("law")),
        ("summary", list(&filled(), 0)),
        ("text", filled()),
    ];
    let reasoning = any(&[of("law"), object(&thought, &["takes"])]);
    let short = json!({ "type": "string", "minLength": 1, "maxLength": 64 });
    let mut namespace = short.clone();
    namespace["pattern"] = json!("^[A-Za-z0-9_-]+$");
    let caller = any(&[json!({ "const": "direct" }), case("program", &short)]);
    let call = object(
        &[
            ("tool", of("name")),
            ("arguments", of("arguments")),
            ("takes", of("law")),
            ("namespace", namespace),
            ("caller", caller),
            ("unlisted", json!({ "type": "boolean" })),
        ],
        &["tool"],
    );
    let mcp = object(
        &[
            ("server", of("name")),
            ("tool", of("name")),
            ("arguments", of("arguments")),
            ("takes", of("law")),
        ],
        &["server", "tool"],
    );
    let step = any(&[
        case("reasoning", &reasoning),
        case("file_search", &of("law")),
        case("web_search", &of("law")),
        case("code_interpreter", &of("law")),
        case("message", &message),
        case("refusal", &refusal),
        case("compaction", &of("law")),
        case("call", &call),
        case("mcp", &mcp),
        case("tool", &super::service::tool()),
    ]);
    object(&[("queued", of("law")), ("steps", list(&step, 1))], &["steps"])
}

/// A text with something in it.
pub(super) fn filled() -> Value {
    let mut text = of("text");
    text["pattern"] = json!("[\\s\\S]");
    text
}

/// What a place in a text refers to.
fn annotation() -> Value {
    let of_texts = |name: &'static str, keys: &[&'static str]| {
        let texts: Vec<_> = keys.iter().map(|key| (*key, of("text"))).collect();
        case(name, &object(&texts, keys))
    };
    any(&[
        of_texts("url_citation", &["url", "title"]),
        of_texts("file_citation", &["file_id", "filename"]),
        of_texts(
            "container_file_citation",
            &["container_id", "file_id", "filename"],
        ),
        of_texts("file_path", &["file_id"]),
    ])
}

/// Sinks by name.
pub(super) fn sinks(required: &[&str]) -> Value {
    let effects = Attribute::EFFECTS.into_iter().chain(Attribute::UMBRELLAS);
    named(&object(
        &[
            ("effect", words(effects.map(Attribute::word))),
            ("class", words(["idempotent_by_key", "queryable", "neither"])),
            ("takes", of("law")),
            ("version", of("text")),
        ],
        required,
    ))
}

/// Tools by name.
pub(super) fn tools() -> Value {
    let mut tool = object(
        &[
            ("act", words(["free", "once"])),
            ("sink", of("name")),
            ("then", words(["last", "more_turns"])),
            ("retries", integer(0, 100)),
            ("takes", of("law")),
            ("output", of("text")),
            ("fails", of("text")),
        ],
        &[],
    );
    tool["not"] = json!({ "anyOf": [
        { "required": ["act", "sink"] },
        { "required": ["output", "fails"] },
    ] });
    named(&tool)
}
