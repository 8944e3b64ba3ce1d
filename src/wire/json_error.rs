//! The JSON face of error replies, and the headers that go with them.

use std::sync::Arc;

use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::date::{format_http_date, parse_http_date};
use super::json_out::put;
use super::read::Loose;
use super::{ApiError, Wait};

/// How much of a strange body its message quotes, in characters.
const QUOTED: usize = 60;
/// What stands in front of the quoted part of a body that is none of the contract.
const FOREIGN: &str = "not an error of the contract: ";
/// What is said where there is no body.
pub(super) const NO_BODY: &str = "empty body";

/// Appends the body of an error reply, with all four keys; a page, or nothing, if the error is one of a gateway.
pub fn render_error(error: &ApiError, out: &mut Vec<u8>) {
    if let Some(body) = error.foreign_body() {
        return out.extend_from_slice(body.as_bytes());
    }
    put(
        out,
        &BodyOut {
            error: ErrorOut::of(error),
        },
    );
}

/// Reads an error reply with its status, its wait and its `x-should-retry`.
///
/// Never fails: a body that is not the contract's (empty, HTML of a gateway, cut) gives an empty type and a short
/// message.
#[must_use]
pub fn parse_error(http: u16, wait: Option<Wait>, should_retry: Option<bool>, body: &[u8]) -> ApiError {
    let fields = match serde_json::from_slice::<BodyIn>(body) {
        Ok(BodyIn {
            error: ErrorIn::Fields(fields),
        }) => fields,
        Ok(BodyIn {
            error: ErrorIn::Text(text),
        }) => Fields::only(text),
        Err(_) => Fields::only(describe(body)),
    };
    ApiError {
        http,
        kind: fields.kind.unwrap_or_else(|| "".into()),
        code: fields.code,
        param: fields.param,
        message: fields.message.unwrap_or_else(|| "".into()),
        wait,
        should_retry,
    }
}

/// Reads the wait headers in the order of the official SDKs: `retry-after-ms`, then `retry-after` as seconds, then
/// as a date.
#[must_use]
pub fn read_wait(retry_after_ms: Option<&str>, retry_after: Option<&str>) -> Option<Wait> {
    let millis = retry_after_ms
        .and_then(|text| number(text, 1.0))
        .map(Wait::Millis);
    millis.or_else(|| {
        let text = retry_after?.trim();
        let date = || {
            parse_http_date(text)
                .and_then(|secs| u64::try_from(secs).ok())
                .map(Wait::Date)
        };
        match text.parse() {
            Ok(secs) => Some(Wait::Seconds(secs)),
            Err(_) => number(text, 1000.0).map(Wait::Millis).or_else(date),
        }
    })
}

/// The header that carries a wait, and its value.
#[must_use]
pub fn write_wait(wait: Wait) -> (&'static str, String) {
    match wait {
        Wait::Millis(millis) => ("retry-after-ms", millis.to_string()),
        Wait::Seconds(secs) => ("retry-after", secs.to_string()),
        Wait::Date(secs) => (
            "retry-after",
            format_http_date(i64::try_from(secs).unwrap_or(i64::MAX)),
        ),
    }
}

/// Reads `x-should-retry`.
#[must_use]
pub fn read_should_retry(header: Option<&str>) -> Option<bool> {
    match header?.trim() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// A number that is not negative, as whole multiples of `1 / scale`, rounded up so that nobody comes too early.
fn number(text: &str, scale: f64) -> Option<u64> {
    let text = text.trim();
    if scale == 1.0
        && let Ok(whole) = text.parse()
    {
        return Some(whole);
    }
    let value: f64 = text.parse().ok()?;
    // A float-to-integer cast saturates, so no input can overflow.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates"
    )]
    (value.is_finite() && value >= 0.0).then(|| libm::ceil(value * scale) as u64)
}

fn describe(body: &[u8]) -> Arc<str> {
    let text = String::from_utf8_lossy(&body[..body.len().min(4 * QUOTED)]);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() {
        return NO_BODY.into();
    }
    let quoted: String = text.chars().take(QUOTED).collect();
    format!("{FOREIGN}{quoted}").into()
}

#[derive(Serialize)]
struct BodyOut<'a> {
    error: ErrorOut<'a>,
}

/// The error object, also nested in the `error` event of a stream.
#[derive(Serialize)]
pub(super) struct ErrorOut<'a> {
    message: &'a str,
    r#type: &'a str,
    param: Option<&'a str>,
    code: Option<&'a str>,
}

impl<'a> ErrorOut<'a> {
    fn of(error: &'a ApiError) -> Self {
        let (param, code) = (error.param.as_deref(), error.code.as_deref());
        Self {
            message: &error.message,
            r#type: &error.kind,
            param,
            code,
        }
    }

    /// As it stands inside a stream, where the code is also the type; without a code it says `null`.
    pub(super) fn in_stream(code: &'a str, message: &'a str) -> Self {
        Self {
            message,
            r#type: code,
            param: None,
            code: (!code.is_empty()).then_some(code),
        }
    }
}

#[derive(Deserialize)]
struct BodyIn {
    error: ErrorIn,
}

/// `error` as the contract has it, or as bare text, as some gateways write it.
pub(super) enum ErrorIn {
    Fields(Fields),
    Text(Arc<str>),
}

/// The fields of an error object.
#[derive(Default)]
pub(super) struct Fields {
    pub(super) kind: Option<Arc<str>>,
    pub(super) code: Option<Arc<str>>,
    pub(super) param: Option<Arc<str>>,
    pub(super) message: Option<Arc<str>>,
}

impl Fields {
    fn only(message: Arc<str>) -> Self {
        Self {
            message: Some(message),
            ..Self::default()
        }
    }
}

/// A key of an error object.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Key {
    Type,
    Code,
    Param,
    Message,
    #[serde(other)]
    Other,
}

/// A code: a text, or a number as some proxies write it.
#[derive(Default)]
pub(super) struct Code(pub(super) Option<Arc<str>>);

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum TextOrNumber {
            Number(u64),
            Other(Loose),
        }
        Ok(Self(match TextOrNumber::deserialize(deserializer)? {
            TextOrNumber::Number(number) => Some(number.to_string().into()),
            TextOrNumber::Other(text) => text.0,
        }))
    }
}

impl<'de> Deserialize<'de> for ErrorIn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ErrorVisitor;
        impl<'de> Visitor<'de> for ErrorVisitor {
            type Value = ErrorIn;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an error object or a text")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<ErrorIn, E> {
                Ok(ErrorIn::Text(text.into()))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ErrorIn, A::Error> {
                let mut fields = Fields::default();
                while let Some(key) = map.next_key()? {
                    match key {
                        Key::Type => fields.kind = map.next_value::<Loose>()?.0,
                        Key::Code => fields.code = map.next_value::<Code>()?.0,
                        Key::Param => fields.param = map.next_value::<Loose>()?.0,
                        Key::Message => fields.message = map.next_value::<Loose>()?.0,
                        Key::Other => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(ErrorIn::Fields(fields))
            }
        }
        deserializer.deserialize_any(ErrorVisitor)
    }
}

impl ApiError {
    /// The page of a gateway in front of the service, which says nothing that the contract knows.
    #[must_use]
    pub fn page(http: u16) -> Self {
        let page = format!("<html><body><h1>{http}</h1></body></html>");
        Self {
            http,
            kind: "".into(),
            code: None,
            param: None,
            message: describe(page.as_bytes()),
            wait: None,
            should_retry: None,
        }
    }

    /// The body of a reply that comes from a gateway: its page, or nothing.
    fn foreign_body(&self) -> Option<&str> {
        let is_empty = self.kind.is_empty() && &*self.message == NO_BODY;
        self.page_text().or(is_empty.then_some(""))
    }

    /// The page, if this is one.
    #[must_use]
    pub fn page_text(&self) -> Option<&str> {
        let page = self.message.strip_prefix(FOREIGN)?;
        (self.kind.is_empty() && page.starts_with('<')).then_some(page)
    }
}
