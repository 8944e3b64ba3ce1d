//! The form of the texts that a create request asks for.

use serde_json::value::RawValue;

use super::ApiError;
use super::json_out::key;
use super::request::optional_text;
use super::request_field::{FieldSet, Unlisted, field_set, fields, short_text, word};
use super::request_input::pair;

/// The schema of a structured output; any object where only JSON is asked for.
pub(super) fn read_schema(raw: Option<&RawValue>) -> Result<Option<Box<str>>, ApiError> {
    let Some(raw) = raw else { return Ok(None) };
    let settings: TextFields<'_> = fields(raw, format_args!("text"), Unlisted::Refuse)?;
    let Some(raw) = settings.format else {
        return Ok(None);
    };
    let format: FormatFields<'_> = fields(raw, format_args!("text.format"), Unlisted::Pass)?;
    let kind = optional_text(format.kind, "text.format.type")?;
    Ok(match kind.as_deref() {
        Some("json_schema") => format.schema.map(|schema| schema.get().into()),
        Some("json_object") => Some("{\"type\":\"object\"}".into()),
        _ => None,
    })
}

/// The echo of `text`, with its defaults.
pub(super) fn echo_text(raw: Option<&RawValue>, out: &mut String) -> Result<(), ApiError> {
    let settings: TextFields<'_> = match raw {
        Some(raw) => fields(raw, format_args!("text"), Unlisted::Refuse)?,
        None => TextFields::default(),
    };
    if let Some(raw) = settings.verbosity {
        word(raw, format_args!("text.verbosity"), &["low", "medium", "high"])?;
    }
    if let Some(raw) = settings.format {
        check_format(raw)?;
    }
    out.push_str(",\"text\":{\"verbosity\":");
    match settings.verbosity {
        Some(raw) => out.push_str(raw.get()),
        None => out.push_str("\"medium\""),
    }
    pair(out, key!("format"), settings.format, "{\"type\":\"text\"}");
    out.push('}');
    Ok(())
}

fn check_format(raw: &RawValue) -> Result<(), ApiError> {
    let format: FormatFields<'_> = fields(raw, format_args!("text.format"), Unlisted::Pass)?;
    let missing = |name: &str| ApiError::missing_parameter(&format!("text.format.{name}"));
    let kind = format.kind.ok_or_else(|| missing("type"))?;
    let kind = word(
        kind,
        format_args!("text.format.type"),
        &["text", "json_schema", "json_object"],
    )?;
    if &*kind == "json_schema" {
        let name = format.name.ok_or_else(|| missing("name"))?;
        short_text(name, format_args!("text.format.name"), 64)?;
        format.schema.ok_or_else(|| missing("schema"))?;
    }
    Ok(())
}

field_set! {
    /// The fields of `text`.
    TextFields {
        format = "format",
        verbosity = "verbosity",
    }
}

field_set! {
    /// The fields of `text.format`.
    FormatFields {
        kind = "type",
        name = "name",
        schema = "schema",
    }
}
