//! Documents that fit a schema: what the model writes where a structured output is asked for.

use std::cell::Cell;
use std::sync::Arc;

use serde_json::{Map, Value};

/// Schemas within schemas are followed so deep; what lies below is null.
const DEPTH_MAX: u8 = 24;

/// Documents have so many values at most; what lies beyond is null.
const VALUES_MAX: u32 = 4_096;

/// Lists have so many entries at most.
const ENTRIES_MAX: u64 = 16;

/// The least document that fits a schema, as JSON; its texts are made of `words`.
///
/// Types, constants, choices, references and the usual limits are kept; patterns are not.
pub(super) fn document(schema: &str, words: &str) -> Arc<str> {
    let root: Value = serde_json::from_str(schema).unwrap_or_default();
    let writer = Writer {
        root: &root,
        words,
        left: Cell::new(VALUES_MAX),
    };
    writer.value(&root, 0).to_string().into()
}

struct Writer<'a> {
    root: &'a Value,
    words: &'a str,
    /// How many values there may still be.
    left: Cell<u32>,
}

impl Writer<'_> {
    fn value(&self, schema: &Value, depth: u8) -> Value {
        let left = self.left.get();
        if depth > DEPTH_MAX || left == 0 {
            return Value::Null;
        }
        self.left.set(left - 1);
        if let Some(target) = schema["$ref"]
            .as_str()
            .and_then(|target| target.strip_prefix('#'))
        {
            let target = self.root.pointer(target).unwrap_or(&Value::Null);
            return self.value(target, depth + 1);
        }
        if let Some(fixed) = schema.get("const") {
            return fixed.clone();
        }
        if let Some(first) = schema["enum"].as_array().and_then(|words| words.first()) {
            return first.clone();
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(first) = schema[key].as_array().and_then(|choices| choices.first()) {
                return self.value(first, depth + 1);
            }
        }
        self.typed(schema, depth)
    }

    fn typed(&self, schema: &Value, depth: u8) -> Value {
        let words = schema["type"].as_array().and_then(|words| words.first());
        match words.unwrap_or(&schema["type"]).as_str() {
            Some("object") => self.object(schema, depth).into(),
            Some("array") => {
                let least = schema["minItems"].as_u64().unwrap_or(1).max(1);
                let most = schema["maxItems"].as_u64().unwrap_or(ENTRIES_MAX);
                let entry = self.value(&schema["items"], depth + 1);
                let count = least.min(most).min(ENTRIES_MAX);
                (0..count).map(|_| entry.clone()).collect()
            }
            Some("integer") => self.integer(schema).into(),
            Some("number") => schema["minimum"].as_f64().unwrap_or(1.0).into(),
            Some("boolean") => true.into(),
            Some("null") => Value::Null,
            Some("string") => self.text(schema).into(),
            Some(_) | None if schema["properties"].is_object() || schema["allOf"].is_array() => {
                self.object(schema, depth).into()
            }
            Some(_) | None => self.words.into(),
        }
    }

    /// An object with all its fields, those of its parts included.
    fn object(&self, schema: &Value, depth: u8) -> Map<String, Value> {
        let mut fields = Map::new();
        for part in schema["allOf"].as_array().into_iter().flatten() {
            if let Value::Object(more) = self.value(part, depth + 1) {
                fields.extend(more);
            }
        }
        for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
            fields.insert(name.clone(), self.value(schema, depth + 1));
        }
        fields
    }

    fn integer(&self, schema: &Value) -> i64 {
        let least = schema["minimum"].as_i64();
        let above = schema["exclusiveMinimum"]
            .as_i64()
            .map(|least| least.saturating_add(1));
        let most = schema["maximum"].as_i64().unwrap_or(i64::MAX);
        least.or(above).unwrap_or(1).min(most)
    }

    fn text(&self, schema: &Value) -> String {
        match schema["format"].as_str() {
            Some("date-time") => "2026-01-01T00:00:00Z".to_owned(),
            Some("date") => "2026-01-01".to_owned(),
            Some("time") => "00:00:00Z".to_owned(),
            Some("duration") => "P1D".to_owned(),
            Some("email") => "ada@example.com".to_owned(),
            Some("uuid") => "00000000-0000-4000-8000-000000000000".to_owned(),
            _ => {
                let most = schema["maxLength"].as_u64().unwrap_or(u64::MAX);
                let most = usize::try_from(most).unwrap_or(usize::MAX);
                self.words.chars().take(most).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(schema: &str, expected: &str) {
        assert_eq!(&*document(schema, "two words"), expected);
    }

    #[test]
    fn a_document_fits_its_schema() {
        check(r#"{"type":"object"}"#, "{}");
        check(
            r##"{"type":"object","properties":{"a":{"$ref":"#/$defs/a"},"b":{"type":["string","null"],"maxLength":3}},
                "$defs":{"a":{"type":"array","minItems":2,"items":{"enum":["x","y"]}}}}"##,
            r#"{"a":["x","x"],"b":"two"}"#,
        );
        check(
            r#"{"anyOf":[{"type":"integer","exclusiveMinimum":6},{"type":"null"}]}"#,
            "7",
        );
        check(
            r#"{"allOf":[{"properties":{"n":{"type":"number"}}}],"properties":{"t":{"const":4},"u":{"type":"boolean"}}}"#,
            r#"{"n":1.0,"t":4,"u":true}"#,
        );
    }

    #[test]
    fn a_schema_within_itself_twice_ends_too() {
        let schema = r##"{"properties":{"a":{"$ref":"#"},"b":{"$ref":"#"},"c":{"type":"array","items":{"$ref":"#"}}}}"##;
        assert!(document(schema, "x").len() < 1 << 20);
    }

    #[test]
    fn a_schema_within_itself_ends() {
        let schema = r##"{"type":"object","properties":{"next":{"$ref":"#"}}}"##;
        let text = document(schema, "x");
        assert!(
            text.starts_with(r#"{"next":{"next":"#) && text.len() < 300,
            "{text}"
        );
    }
}
