//! Reading the fields of a request one by one, so that each refusal names its parameter.

use std::collections::BTreeSet;
use std::fmt::{Arguments, Formatter};
use std::sync::Arc;

use serde::de::{DeserializeSeed, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::ApiError;
use super::echo::Metadata;
use super::read::{Text, Word};
use super::refusal::RangeEnd;

/// A named set of fields of a JSON object, each kept as its raw text.
pub(super) trait FieldSet<'a>: Default {
    /// Where the field of this name goes; `None` if there is none.
    fn slot(&mut self, name: &str) -> Option<&mut Option<&'a RawValue>>;
}

/// Declares a [`FieldSet`].
macro_rules! field_set {
    ($(#[$doc:meta])* $set:ident { $($field:ident = $name:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Default)]
        pub(super) struct $set<'a> {
            $(pub(super) $field: Option<&'a RawValue>,)*
        }

        impl<'a> FieldSet<'a> for $set<'a> {
            fn slot(&mut self, name: &str) -> Option<&mut Option<&'a RawValue>> {
                match name {
                    $($name => Some(&mut self.$field),)*
                    _ => None,
                }
            }
        }
    };
}
pub(super) use field_set;

/// What becomes of a field that the set does not have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unlisted {
    Refuse,
    Pass,
}

/// The JSON type of a value, with its article, as refusals name it.
pub(super) fn type_name(raw: &RawValue) -> &'static str {
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'"') => "a string",
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ if text.contains(['.', 'e', 'E']) => "a decimal",
        _ => "an integer",
    }
}

fn wrong_type(raw: &RawValue, path: Arguments<'_>, expected: &str) -> ApiError {
    ApiError::invalid_type(&path.to_string(), expected, type_name(raw))
}

/// Reads the fields of an object; `null` counts as absent.
pub(super) fn fields<'a, F: FieldSet<'a>>(
    raw: &'a RawValue,
    path: Arguments<'_>,
    unlisted: Unlisted,
) -> Result<F, ApiError> {
    if type_name(raw) != "an object" {
        return Err(wrong_type(raw, path, "an object"));
    }
    let refuse = |problem| match problem {
        Problem::Unknown(name) => ApiError::unknown_parameter(&format!("{path}.{name}")),
        Problem::Twice(name) => twice(&format!("{path}.{name}")),
    };
    let mut set = F::default();
    match read_fields(raw.get().as_bytes(), unlisted, &mut set).map_err(ApiError::not_json)? {
        None => Ok(set),
        Some(problem) => Err(refuse(problem)),
    }
}

/// Reads the fields of the whole body.
pub(super) fn body_fields<'a, F: FieldSet<'a>>(body: &'a [u8]) -> Result<F, ApiError> {
    let mut set = F::default();
    fill_with_body(body, &mut set)?;
    Ok(set)
}

/// The same for a set that is large enough to stay where it is.
pub(super) fn fill_with_body<'a, F: FieldSet<'a>>(body: &'a [u8], set: &mut F) -> Result<(), ApiError> {
    let refuse = |problem| match problem {
        Problem::Unknown(name) => ApiError::unknown_parameter(&name),
        Problem::Twice(name) => twice(&name),
    };
    match read_fields(body, Unlisted::Refuse, set).map_err(ApiError::not_json)? {
        None => Ok(()),
        Some(problem) => Err(refuse(problem)),
    }
}

fn twice(path: &str) -> ApiError {
    ApiError {
        param: Some(path.into()),
        ..ApiError::not_json(format_args!("duplicate key '{path}'"))
    }
}

/// The first thing wrong with the keys of an object.
enum Problem {
    Unknown(String),
    Twice(String),
}

fn read_fields<'a, F: FieldSet<'a>>(
    body: &'a [u8],
    unlisted: Unlisted,
    set: &mut F,
) -> Result<Option<Problem>, serde_json::Error> {
    let seed = FieldsSeed { unlisted, set };
    // What is text as a whole is not looked at once more for each of its values.
    match std::str::from_utf8(body) {
        Ok(text) => read_all(seed, serde_json::Deserializer::from_str(text)),
        Err(_) => read_all(seed, serde_json::Deserializer::from_slice(body)),
    }
}

fn read_all<'a, F: FieldSet<'a>, R: serde_json::de::Read<'a>>(
    seed: FieldsSeed<'_, F>,
    mut reader: serde_json::Deserializer<R>,
) -> Result<Option<Problem>, serde_json::Error> {
    let problem = seed.deserialize(&mut reader)?;
    reader.end()?;
    Ok(problem)
}

struct FieldsSeed<'a, F> {
    unlisted: Unlisted,
    set: &'a mut F,
}

impl<'de, F: FieldSet<'de>> DeserializeSeed<'de> for FieldsSeed<'_, F> {
    type Value = Option<Problem>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: FieldSet<'de>> Visitor<'de> for FieldsSeed<'_, F> {
    type Value = Option<Problem>;

    fn expecting(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut problem = None;
        while let Some(Word(name)) = map.next_key()? {
            let value: &'de RawValue = map.next_value()?;
            match self.set.slot(&name) {
                Some(slot @ None) => *slot = (value.get() != "null").then_some(value),
                Some(Some(_)) => problem = problem.or(Some(Problem::Twice(name.into_owned()))),
                None if self.unlisted == Unlisted::Refuse => {
                    problem = problem.or(Some(Problem::Unknown(name.into_owned())));
                }
                None => {}
            }
        }
        Ok(problem)
    }
}

/// Reads a text.
pub(super) fn text(raw: &RawValue, path: Arguments<'_>) -> Result<Arc<str>, ApiError> {
    serde_json::from_str::<Text>(raw.get())
        .map(|text| text.0)
        .map_err(|_| wrong_type(raw, path, "a string"))
}

/// Reads a text of at most `max` characters.
pub(super) fn short_text(raw: &RawValue, path: Arguments<'_>, max: usize) -> Result<Arc<str>, ApiError> {
    let text = text(raw, path)?;
    let len = if text.len() <= max {
        0
    } else {
        text.chars().count()
    };
    if len > max {
        return Err(ApiError::string_too_long(&path.to_string(), max, len));
    }
    Ok(text)
}

/// Reads a name of at most `max` letters as tools have it.
pub(super) fn tool_name(raw: &RawValue, path: Arguments<'_>, max: usize) -> Result<Arc<str>, ApiError> {
    let name = short_text(raw, path, max)?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !name.is_empty() && name.bytes().all(fits) {
        return Ok(name);
    }
    let message = format!(
        "Invalid '{path}': string does not match pattern. Expected a string that matches the pattern \
         '^[a-zA-Z0-9_-]+$'."
    );
    Err(ApiError::invalid(
        Some("invalid_value"),
        Some(&path.to_string()),
        message,
    ))
}

/// Reads a boolean.
pub(super) fn boolean(raw: &RawValue, path: Arguments<'_>) -> Result<bool, ApiError> {
    serde_json::from_str(raw.get()).map_err(|_| wrong_type(raw, path, "a boolean"))
}

/// Reads an integer of at least `min` and at most `max`.
pub(super) fn integer(raw: &RawValue, path: Arguments<'_>, min: u32, max: u32) -> Result<u32, ApiError> {
    if type_name(raw) != "an integer" {
        return Err(wrong_type(raw, path, "an integer"));
    }
    let digits = raw.get();
    let value = match digits.parse::<u32>() {
        Ok(value) => value,
        Err(_) if digits.starts_with('-') => 0,
        Err(_) => u32::MAX,
    };
    let end = |end| Err(ApiError::out_of_range(&path.to_string(), "integer", end, digits));
    if value < min || digits.starts_with('-') {
        return end(RangeEnd::Min(&min.to_string()));
    }
    if value > max || (value == u32::MAX && digits.len() > 10) {
        return end(RangeEnd::Max(&max.to_string()));
    }
    Ok(value)
}

/// Checks a number between 0 and `max`.
pub(super) fn decimal(raw: &RawValue, path: Arguments<'_>, max: u8) -> Result<(), ApiError> {
    let value: f64 = match type_name(raw) {
        "an integer" | "a decimal" => raw.get().parse().unwrap_or(f64::INFINITY),
        _ => return Err(wrong_type(raw, path, "a decimal")),
    };
    let end = |end| {
        Err(ApiError::out_of_range(
            &path.to_string(),
            "decimal",
            end,
            raw.get(),
        ))
    };
    match value {
        value if value < 0.0 => end(RangeEnd::Min("0")),
        value if value > f64::from(max) => end(RangeEnd::Max(&max.to_string())),
        _ => Ok(()),
    }
}

/// Checks a word against a list.
pub(super) fn word(raw: &RawValue, path: Arguments<'_>, supported: &[&str]) -> Result<Arc<str>, ApiError> {
    let word = text(raw, path)?;
    if supported.contains(&&*word) {
        return Ok(word);
    }
    Err(ApiError::invalid_value(&path.to_string(), &word, supported))
}

/// Reads the entries of a list.
pub(super) fn list<'a>(raw: &'a RawValue, path: Arguments<'_>) -> Result<Vec<&'a RawValue>, ApiError> {
    serde_json::from_str(raw.get()).map_err(|_| wrong_type(raw, path, "an array"))
}

/// Reads a map of at most 16 texts, with keys of at most 64 and values of at most 512 characters.
pub(super) fn metadata(raw: &RawValue) -> Result<Metadata, ApiError> {
    if type_name(raw) != "an object" {
        return Err(wrong_type(raw, format_args!("metadata"), "an object"));
    }
    let Pairs(pairs) = serde_json::from_str(raw.get()).map_err(ApiError::not_json)?;
    if pairs.len() > 16 {
        return Err(ApiError::too_many_properties("metadata", 16, pairs.len()));
    }
    let mut seen = BTreeSet::new();
    let mut metadata = Vec::with_capacity(pairs.len());
    for (Word(name), value) in &pairs {
        let len = name.chars().count();
        if len > 64 {
            return Err(ApiError::string_too_long("metadata", 64, len));
        }
        if !seen.insert(&**name) {
            return Err(twice(&format!("metadata.{name}")));
        }
        metadata.push((
            Arc::from(&**name),
            short_text(value, format_args!("metadata.{name}"), 512)?,
        ));
    }
    Ok(metadata)
}

/// The entries of a map in the order in which they stand.
struct Pairs<'a>(Vec<(Word<'a>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;
        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs<'de>;
            fn expecting(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(PairsVisitor)
    }
}

/// Appends a JSON text without the white space between its values: an event stream knows no line breaks in data.
pub(super) fn compact(raw: &RawValue, out: &mut String) {
    let text = raw.get();
    if !text.contains([' ', '\t', '\n', '\r']) {
        out.push_str(text);
        return;
    }
    let (mut inside, mut escaped) = (false, false);
    out.extend(text.chars().filter(|letter| {
        let keep = inside || !matches!(letter, ' ' | '\t' | '\n' | '\r');
        if *letter == '"' && !escaped {
            inside = !inside;
        }
        escaped = inside && *letter == '\\' && !escaped;
        keep
    }));
}
