//! The JSON face of the Response object.
//!
//! Invariant: the id stands first, so that a body that was cut shows it early.

use std::sync::Arc;

use serde::de::{Error as _, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::echo::{Echo, MetadataOut};
use super::json_item::{ItemIn, put_items};
use super::json_out::{key, pair_number, pair_text, put, put_raw};
use super::read::{Count, Loose, OriginIn, StatusWord, Tier};
use super::{Failure, IdText, Item, Response, ResponseId, Usage};

/// A body that is no Response object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the body is not a response of the contract")]
pub struct Unreadable {
    /// The response id, if it could still be read.
    pub id: Option<ResponseId>,
}

/// Appends the JSON of `response`, with the full key set of the contract.
pub fn render_response(response: &Response, echo: &Echo, out: &mut Vec<u8>) {
    put_head(response, echo, out);
    out.push(b',');
    put_raw(out, echo.pairs());
    out.push(b'}');
}

/// Reads a Response object.
///
/// Strict about `id`, `status` and `output`; every other field may be missing, and unknown fields, statuses and
/// item types are read.
///
/// # Errors
/// [`Unreadable`] with the id, if at least that can be read.
pub fn parse_response(body: &[u8]) -> Result<Response, Unreadable> {
    serde_json::from_slice::<ResponseIn>(body)
        .map(Response::from)
        .map_err(|_| Unreadable { id: salvage_id(body) })
}

/// Reads the id out of the first bytes of a Response object, if it is complete there.
#[must_use]
pub fn salvage_id(prefix: &[u8]) -> Option<ResponseId> {
    let mut rest = prefix;
    rest = skip_space(rest).strip_prefix(b"{")?;
    loop {
        let (key, after) = take_string(skip_space(rest))?;
        let after = skip_space(after).strip_prefix(b":")?;
        if key == b"\"id\"" {
            let (text, _) = take_string(skip_space(after))?;
            let id = serde_json::from_slice::<IdText>(text).ok()?;
            return (!id.is_empty()).then_some(ResponseId(id));
        }
        rest = skip_value(after)?;
    }
}

fn put_head(response: &Response, echo: &Echo, out: &mut Vec<u8>) {
    let completed = response.status == super::Status::Completed;
    pair_text(out, "{\"id\":", &response.id.0.text());
    put_raw(out, key!("object"));
    put_raw(out, "\"response\"");
    pair_number(out, key!("created_at"), response.created_at);
    pair_text(out, key!("status"), response.status.word());
    put_raw(out, key!("background"));
    put_raw(out, if response.background { "true" } else { "false" });
    if completed {
        put_raw(out, key!("billing"));
        put_raw(out, "{\"payer\":\"developer\"}");
    }
    put_raw(out, key!("completed_at"));
    put(out, &response.completed_at);
    put_raw(out, key!("error"));
    put(out, &response.error);
    put_raw(out, key!("incomplete_details"));
    let incomplete = response.incomplete.as_deref();
    put(out, &incomplete.map(|reason| ReasonOut { reason }));
    put_raw(out, key!("metadata"));
    let metadata = MetadataOut {
        origin: response.origin,
        rest: echo.metadata(),
    };
    put(out, &metadata);
    put_raw(out, key!("output"));
    put_items(out, &response.output);
    pair_text(out, key!("service_tier"), &response.service_tier);
    put_raw(out, key!("usage"));
    match response.usage {
        Some(usage) => put_usage(usage, out),
        None => put_raw(out, "null"),
    }
}

#[derive(Serialize)]
struct ReasonOut<'a> {
    reason: &'a str,
}

fn put_usage(usage: Usage, out: &mut Vec<u8>) {
    pair_number(out, "{\"input_tokens\":", usage.input);
    put_raw(out, key!("input_tokens_details"));
    put_raw(out, "{\"cached_tokens\":0,\"cache_write_tokens\":0}");
    pair_number(out, key!("output_tokens"), usage.output);
    put_raw(out, key!("output_tokens_details"));
    pair_number(out, "{\"reasoning_tokens\":", usage.reasoning);
    let total = u64::from(usage.input) + u64::from(usage.output);
    pair_number(out, concat!("}", key!("total_tokens")), total);
    out.push(b'}');
}

#[derive(Deserialize)]
pub(super) struct ResponseIn {
    id: Id,
    status: StatusWord,
    output: ItemsIn,
    #[serde(default)]
    created_at: Count,
    #[serde(default)]
    completed_at: Count,
    #[serde(default)]
    background: Option<bool>,
    #[serde(default)]
    metadata: OriginIn,
    #[serde(default)]
    error: Option<FailureIn>,
    #[serde(default)]
    incomplete_details: Option<ReasonIn>,
    #[serde(default)]
    usage: Option<UsageIn>,
    #[serde(default)]
    service_tier: Tier,
}

thread_local! {
    /// The output of a response that has none, as most looks at one find it.
    static NOTHING_YET: Arc<[Item]> = Arc::from([]);
}

struct Id(ResponseId);

struct ItemsIn(Arc<[Item]>);

#[derive(Deserialize)]
struct FailureIn {
    #[serde(default)]
    code: Loose,
    #[serde(default)]
    message: Loose,
}

#[derive(Deserialize)]
struct ReasonIn {
    #[serde(default)]
    reason: Loose,
}

#[derive(Deserialize)]
struct UsageIn {
    #[serde(default)]
    input_tokens: Count,
    #[serde(default)]
    output_tokens: Count,
    #[serde(default)]
    output_tokens_details: Option<OutputDetailsIn>,
}

#[derive(Deserialize)]
struct OutputDetailsIn {
    #[serde(default)]
    reasoning_tokens: Count,
}

impl From<ResponseIn> for Response {
    fn from(body: ResponseIn) -> Self {
        Self {
            id: body.id.0,
            status: body.status.0,
            created_at: body.created_at.0.unwrap_or(0),
            completed_at: body.completed_at.0,
            background: body.background.unwrap_or(false),
            origin: body.metadata.0,
            output: body.output.0,
            error: body.error.map(Failure::from),
            incomplete: body
                .incomplete_details
                .map(|details| word_or_empty(details.reason)),
            usage: body.usage.map(Usage::from),
            service_tier: body.service_tier.0,
        }
    }
}

impl From<FailureIn> for Failure {
    fn from(failure: FailureIn) -> Self {
        Self {
            code: word_or_empty(failure.code),
            message: word_or_empty(failure.message),
        }
    }
}

impl From<UsageIn> for Usage {
    fn from(usage: UsageIn) -> Self {
        let tokens = |count: Count| u32::try_from(count.0.unwrap_or(0)).unwrap_or(u32::MAX);
        Self {
            input: tokens(usage.input_tokens),
            output: tokens(usage.output_tokens),
            reasoning: usage
                .output_tokens_details
                .map_or(0, |details| tokens(details.reasoning_tokens)),
        }
    }
}

fn word_or_empty(word: Loose) -> Arc<str> {
    word.0.unwrap_or_else(|| "".into())
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = IdText::deserialize(deserializer)?;
        if id.is_empty() {
            return Err(D::Error::custom("an id without a letter"));
        }
        Ok(Self(ResponseId(id)))
    }
}

impl<'de> Deserialize<'de> for ItemsIn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ItemsVisitor;
        impl<'de> Visitor<'de> for ItemsVisitor {
            type Value = ItemsIn;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list of items")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<ItemsIn, A::Error> {
                let mut items = Vec::new();
                while let Some(ItemIn(item)) = seq.next_element()? {
                    items.push(item);
                }
                if items.is_empty() {
                    return Ok(ItemsIn(NOTHING_YET.with(Arc::clone)));
                }
                Ok(ItemsIn(items.into()))
            }
        }
        deserializer.deserialize_seq(ItemsVisitor)
    }
}

fn skip_space(bytes: &[u8]) -> &[u8] {
    let start = bytes
        .iter()
        .position(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    &bytes[start.unwrap_or(bytes.len())..]
}

/// Splits a complete string, with its quotes, off the front.
fn take_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    if bytes.first() != Some(&b'"') {
        return None;
    }
    let mut at = 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(bytes.split_at(at + 1)),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// Skips a value and the comma behind it.
fn skip_value(bytes: &[u8]) -> Option<&[u8]> {
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    let rest = &bytes[values.byte_offset()..];
    skip_space(rest).strip_prefix(b",")
}
