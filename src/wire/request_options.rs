//! Fields of a create request that are objects with a form of their own.

use serde_json::value::RawValue;

use super::ApiError;
use super::request_field::{FieldSet, Unlisted, field_set, fields, integer, list, text, word};

/// The number of tokens beyond which what went before is packed; the smallest, if several are given.
pub(super) fn compact_threshold(raw: &RawValue) -> Result<Option<u32>, ApiError> {
    let mut least = None;
    for (at, raw) in list(raw, format_args!("context_management"))?
        .into_iter()
        .enumerate()
    {
        let path = |name: &str| format!("context_management[{at}].{name}");
        let entry: ManagementFields<'_> =
            fields(raw, format_args!("context_management[{at}]"), Unlisted::Refuse)?;
        let kind = entry
            .kind
            .ok_or_else(|| ApiError::missing_parameter(&path("type")))?;
        word(kind, format_args!("{}", path("type")), &["compaction"])?;
        if let Some(raw) = entry.compact_threshold {
            let threshold: u32 = integer(
                raw,
                format_args!("{}", path("compact_threshold")),
                1_000,
                u32::MAX,
            )?;
            least = Some(least.map_or(threshold, |least: u32| least.min(threshold)));
        }
    }
    Ok(least)
}

/// A stored prompt is named by its id.
pub(super) fn check_prompt(raw: Option<&RawValue>) -> Result<(), ApiError> {
    let Some(raw) = raw else { return Ok(()) };
    let prompt: PromptFields<'_> = fields(raw, format_args!("prompt"), Unlisted::Refuse)?;
    let missing = || ApiError::missing_parameter("prompt.id");
    text(prompt.id.ok_or_else(missing)?, format_args!("prompt.id")).map(drop)
}

/// How much of the input is to be remembered, and how long.
pub(super) fn check_cache(raw: Option<&RawValue>) -> Result<(), ApiError> {
    let Some(raw) = raw else { return Ok(()) };
    let options: CacheFields<'_> = fields(raw, format_args!("prompt_cache_options"), Unlisted::Refuse)?;
    let words = ["implicit", "explicit"];
    let mode = options
        .mode
        .map(|raw| word(raw, format_args!("prompt_cache_options.mode"), &words));
    mode.transpose().map(drop)
}

/// By when a background response is wanted.
pub(super) fn check_window(raw: Option<&RawValue>) -> Result<(), ApiError> {
    let Some(raw) = raw else { return Ok(()) };
    let options: BackgroundFields<'_> = fields(raw, format_args!("background_options"), Unlisted::Refuse)?;
    let path = format_args!("background_options.completion_window");
    let window = options
        .completion_window
        .map(|raw| word(raw, path, &["soonest", "2h", "8h"]));
    window.transpose().map(drop)
}

field_set! {
    /// The fields of an entry of `context_management`.
    ManagementFields {
        kind = "type",
        compact_threshold = "compact_threshold",
    }
}

field_set! {
    /// The fields of `prompt`.
    PromptFields {
        id = "id",
        version = "version",
        variables = "variables",
    }
}

field_set! {
    /// The fields of `prompt_cache_options`.
    CacheFields {
        mode = "mode",
        ttl = "ttl",
    }
}

field_set! {
    /// The fields of `background_options`.
    BackgroundFields {
        completion_window = "completion_window",
        continuation_id = "continuation_id",
    }
}
