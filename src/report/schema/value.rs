//! Values that several formats share.

use serde_json::{Map, Value, json};

use crate::policy::{Attribute, Source};

/// A reference to one of [`definitions`].
pub(super) fn of(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

/// A map with these keys and no others.
pub(super) fn object(keys: &[(&str, Value)], required: &[&str]) -> Value {
    let properties: Map<String, Value> = keys
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()))
        .collect();
    let mut object = json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    object
}

/// A map of names that the user chooses.
pub(super) fn named(value: &Value) -> Value {
    json!({
        "type": "object",
        "propertyNames": of("name"),
        "additionalProperties": value,
    })
}

/// One of these words.
pub(super) fn words<'w>(words: impl IntoIterator<Item = &'w str>) -> Value {
    json!({ "enum": words.into_iter().collect::<Vec<&str>>() })
}

/// A whole number within limits.
pub(super) fn integer(least: u64, most: u64) -> Value {
    json!({ "type": "integer", "minimum": least, "maximum": most })
}

/// A list of values, at least so many of them.
pub(super) fn list(item: &Value, least: u64) -> Value {
    json!({ "type": "array", "items": item, "minItems": least })
}

/// A value, or a list of them.
pub(super) fn one_or_list(item: &Value) -> Value {
    any(&[item.clone(), list(item, 0)])
}

/// At least one of these.
pub(super) fn any(of: &[Value]) -> Value {
    json!({ "anyOf": of })
}

/// A word alone, or a map of one key.
pub(super) fn case(key: &str, value: &Value) -> Value {
    object(&[(key, value.clone())], &[key])
}

/// What every schema can refer to.
pub(super) fn definitions() -> Value {
    let law = any(&[
        of("duration"),
        case(
            "uniform",
            &object(
                &[("min", of("duration")), ("max", of("duration"))],
                &["min", "max"],
            ),
        ),
        case(
            "lognormal",
            &object(
                &[("p50", of("duration")), ("p99", of("duration"))],
                &["p50", "p99"],
            ),
        ),
        case("exponential", &object(&[("mean", of("duration"))], &["mean"])),
    ]);
    json!({
        "text": { "type": "string", "pattern": "\\S" },
        "name": { "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_.-]{0,63}$" },
        "condition": { "type": "string", "pattern": "\\S" },
        "duration": {
            "description": "a length with its unit, such as `250ms`, `30s` or `2m30s`",
            "anyOf": [
                { "type": "string", "pattern": "^(0|([0-9]+(\\.[0-9]+)?(us|ms|s|m|h|d))+)$" },
                { "const": 0 },
            ],
        },
        "law": law,
        "range": {
            "description": "a number, or a range such as `1-2`",
            "anyOf": [
                { "type": "integer", "minimum": 0 },
                { "type": "string", "pattern": "^ *[0-9]+ *(- *[0-9]+ *)?$" },
            ],
        },
        "amount": {
            "description": "a number, a range, a share such as `95%-100%`, or `at least` or `at most` with one",
            "anyOf": [
                { "type": "integer", "minimum": 0 },
                { "type": "string", "pattern": "^(at (least|most) )?[ 0-9.%-]+$" },
            ],
        },
        "probability": {
            "anyOf": [
                { "type": "number", "minimum": 0, "maximum": 1 },
                { "type": "string", "pattern": "^[0-9.]+ *%$" },
            ],
        },
        "tokens": { "type": "string", "pattern": "^[0-9]+ tokens?$" },
        "arguments": { "type": ["object", "string", "number", "boolean"] },
        "value": { "type": ["boolean", "string", "integer"] },
        "attributes": attributes(),
    })
}

/// The attributes of a task: any name, for a policy declares its own.
fn attributes() -> Value {
    let sources = words(Source::ALL.map(Source::word));
    let sourced = |value: &Value| {
        let full = object(
            &[("value", value.clone()), ("source", sources.clone())],
            &["value", "source"],
        );
        any(&[value.clone(), full])
    };
    let all = Attribute::EFFECTS.into_iter().chain(Attribute::UMBRELLAS);
    let effects = any(&[
        words(["none", "unknown"]),
        list(&words(all.map(Attribute::word)), 0),
    ]);
    json!({
        "type": "object",
        "properties": { "effects": sourced(&effects) },
        "additionalProperties": sourced(&of("value")),
    })
}
