//! From what the backend answers to bytes, spoiled ones included.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{self, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, TRANSFER_ENCODING};
use http::response::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;

use super::body::Body;
use super::book::{Answer, Field};
use super::rendering::{Rendered, Rendering, fallback_echo};
use super::script::{Act, Script, ScriptSlot};
use super::server::{CallGuard, Shared};
use super::slow::SlowBody;
use super::stream::{EventBody, Manner};
use crate::backend::{CallKey, EdgeHeaders, Face, RequestIds, StreamClose};
use crate::rng::{Purpose, Seed};
use crate::units::{SimTime, hex_digits};
use crate::wire::{ApiError, Reply, ResponseId, render_error, write_wait};

/// What every reply carries beside its meaning.
pub(super) struct Stamp {
    request_id: Option<HeaderValue>,
    /// The number under which a network in front of the service knows the reply, if it says so.
    ray: Option<HeaderValue>,
    processing_ms: u64,
    /// Headers of this reply alone.
    fields: Vec<Field>,
    /// Empty, with room for the headers of the reply.
    room: HeaderMap,
}

/// The headers for which room is used again, at most.
const ROOM_MAX: usize = 16;

impl Stamp {
    /// Of a call that arrived at `at`; the id derives from its key.
    pub(super) fn of_call(shared: &Shared, call: &CallKey, at: SimTime) -> Self {
        let key = call.exchange;
        Self::new(shared, at, [key.origin(), key.place(), call.connection.0])
    }

    /// Of a request that did not become a call.
    pub(super) fn of_stray(shared: &Shared, at: SimTime) -> Self {
        let number = {
            let mut book = shared.book();
            book.astray += 1;
            u64::from(book.astray)
        };
        Self::new(shared, at, [u64::MAX, number, 0])
    }

    fn new(shared: &Shared, at: SimTime, [origin, place, connection]: [u64; 3]) -> Self {
        let Seed(seed) = shared.options.seed;
        let high = Seed(seed).bits(Purpose::Id, origin, place);
        let low = Seed(high).bits(Purpose::Id, connection, place);
        let sent = shared.options.request_ids == RequestIds::Sent;
        Self {
            request_id: sent.then(|| request_id(high, low)),
            ray: match shared.options.edge {
                EdgeHeaders::Absent => None,
                EdgeHeaders::Sent => HeaderValue::try_from(format!("{low:016x}-FRA")).ok(),
            },
            fields: Vec::new(),
            room: HeaderMap::new(),
            processing_ms: shared.clock.now().since(at).ticks() / 1_000,
        }
    }

    /// Takes the room of the headers of the request for those of the reply.
    pub(super) fn take_room(&mut self, headers: &mut HeaderMap) {
        if headers.capacity() <= ROOM_MAX {
            self.room = std::mem::take(headers);
            self.room.clear();
        }
    }
}

/// `req_` and the digits of two numbers.
fn request_id(high: u64, low: u64) -> HeaderValue {
    let mut id = *b"req_00000000000000000000000000000000";
    id[4..20].copy_from_slice(&hex_digits(high));
    id[20..].copy_from_slice(&hex_digits(low));
    HeaderValue::from_bytes(&id).unwrap_or(HeaderValue::from_static("req_"))
}

/// Answers a request that the backend was not asked about; its connection ends with it.
pub(super) fn refuse(error: &ApiError, stamp: Stamp) -> Response<Body> {
    let (mut parts, body) = error_reply(error, stamp);
    if error.http == 413 {
        parts
            .headers
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Response::from_parts(parts, Body::from(body))
}

/// Answers a request that no service was asked about.
pub(super) fn refuse_plainly(error: &ApiError) -> Response<Body> {
    let stamp = Stamp {
        request_id: None,
        ray: None,
        processing_ms: 0,
        fields: Vec::new(),
        room: HeaderMap::new(),
    };
    refuse(error, stamp)
}

/// Answers a call as the backend says.
///
/// # Errors
/// With the script that takes the connection over where no orderly reply leaves.
pub(super) fn answer(
    answer: Answer,
    guard: CallGuard,
    mut stamp: Stamp,
    about: Option<&ResponseId>,
    slot: &ScriptSlot,
    shared: &Shared,
) -> Result<Response<Body>, Script> {
    let Answer {
        reply,
        face,
        fields,
        echo,
        rendering,
        pieces,
        obfuscation,
    } = answer;
    stamp.fields = fields;
    let streams = matches!(reply, Reply::StreamOpen);
    let (events, parts_of_body) = if streams { (pieces, None) } else { (None, pieces) };
    if let Some(pieces) = events {
        let echo = echo.unwrap_or_else(|| fallback_echo().clone());
        let manner = Manner {
            obfuscation: obfuscation.unwrap_or_else(|| echo.obfuscation()),
            streaming: shared.options.streaming,
            seed: shared.options.seed,
        };
        let body = EventBody::new(pieces, echo, guard, slot.clone(), manner);
        let mut head = head(StatusCode::OK, EVENTS, stamp);
        if shared.options.stream_close == StreamClose::Connection {
            head.headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        return Ok(Response::from_parts(head, Body::Events(Box::new(body))));
    }
    let (mut parts, body) = plain_reply(&reply, rendering, about, stamp);
    if let Some(pieces) = parts_of_body {
        let body = SlowBody::new(pieces, body, guard);
        return Ok(Response::from_parts(parts, Body::Slow(Box::new(body))));
    }
    let script = |acts, guard| Err(Script { acts, guard });
    let cut = match face {
        Face::Whole => return Ok(Response::from_parts(parts, Body::from(body))),
        Face::Malformed => {
            parts.status = StatusCode::OK;
            return Ok(Response::from_parts(parts, Body::from(malformed(&reply))));
        }
        Face::WrongType => {
            let plain = HeaderValue::from_static("text/plain; charset=utf-8");
            parts.headers.insert(CONTENT_TYPE, plain);
            return Ok(Response::from_parts(parts, Body::from(body)));
        }
        Face::HtmlPage => {
            parts.status = StatusCode::OK;
            parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static(HTML));
            return Ok(Response::from_parts(parts, Body::from(PAGE)));
        }
        Face::WrongLength => {
            parts.status = StatusCode::OK;
            parts
                .headers
                .insert(CONNECTION, HeaderValue::from_static("close"));
            let bytes = beginning(&parts, &reply, &body, body.len() / 2, body.len());
            return script(vec![Act::Write(bytes), Act::HalfClose], None);
        }
        Face::Reset => return script(vec![Act::Reset], None),
        Face::Silent => return script(vec![Act::Hang], Some(guard)),
        Face::CutBeforeId | Face::Stall => before_id(&reply, &body),
        Face::CutAfterId => after_id(&reply, &body),
    };
    // A cut is one of a reply that began well: a client looks into no other body.
    parts.status = StatusCode::OK;
    let start = Act::Write(beginning(&parts, &reply, &body, body.len(), cut));
    match face {
        Face::Stall => script(vec![start, Act::Hang], Some(guard)),
        _ => script(vec![start, Act::HalfClose], None),
    }
}

fn plain_reply(
    reply: &Reply,
    rendering: Option<Rendered>,
    about: Option<&ResponseId>,
    stamp: Stamp,
) -> (Parts, Bytes) {
    let body = match reply {
        Reply::Response(response) => match rendering {
            Some(rendered) => rendered.into_bytes(),
            None => Rendering::new(Arc::clone(response), None).into_bytes(),
        },
        Reply::Deleted => deleted(about).into(),
        Reply::Document(json) => json.as_bytes().to_vec().into(),
        Reply::StreamOpen => return (head(StatusCode::OK, EVENTS, stamp), Bytes::new()),
        Reply::Error(error) => return error_reply(error, stamp),
    };
    (head(StatusCode::OK, JSON, stamp), body)
}

fn error_reply(error: &ApiError, stamp: Stamp) -> (Parts, Bytes) {
    let status = StatusCode::from_u16(error.http).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let kind = if error.page_text().is_some() { HTML } else { JSON };
    let mut parts = head(status, kind, stamp);
    if let Some((name, value)) = error.wait.map(write_wait)
        && let Ok(value) = HeaderValue::try_from(value)
    {
        parts.headers.insert(name, value);
    }
    if let Some(should) = error.should_retry {
        let word = if should { "true" } else { "false" };
        parts
            .headers
            .insert("x-should-retry", HeaderValue::from_static(word));
    }
    if parts.status.is_redirection() {
        parts
            .headers
            .insert(LOCATION, HeaderValue::from_static(ELSEWHERE));
    }
    let mut body = Vec::new();
    render_error(error, &mut body);
    if body.is_empty() {
        parts.headers.remove(CONTENT_TYPE);
    }
    (parts, body.into())
}

const JSON: &str = "application/json";
const HTML: &str = "text/html; charset=utf-8";
const EVENTS: &str = "text/event-stream; charset=utf-8";

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const RAY: HeaderName = HeaderName::from_static("cf-ray");
const VERSION: HeaderName = HeaderName::from_static("openai-version");
const PROCESSING: HeaderName = HeaderName::from_static("openai-processing-ms");

/// What a proxy that wants somebody to log in answers.
const PAGE: &str = "<html><body><h1>Welcome</h1><p>Please log in.</p></body></html>";

/// Where redirects lead: to nothing that the service has.
const ELSEWHERE: &str = "/moved";

/// The head of every reply.
fn head(status: StatusCode, content_type: &'static str, stamp: Stamp) -> Parts {
    let (mut parts, ()) = Response::new(()).into_parts();
    parts.status = status;
    parts.headers = stamp.room;
    let headers = &mut parts.headers;
    headers.reserve(HEADERS);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Some(request_id) = stamp.request_id {
        headers.insert(REQUEST_ID, request_id);
    }
    if let Some(ray) = stamp.ray {
        headers.insert(RAY, ray);
        headers.insert(header::ALT_SVC, HeaderValue::from_static("h3=\":443\"; ma=86400"));
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000; includeSubDomains; preload"),
        );
    }
    for (name, value) in stamp.fields {
        if let Ok(value) = HeaderValue::try_from(&*value) {
            headers.insert(name, value);
        }
    }
    headers.insert(VERSION, HeaderValue::from_static("2020-10-01"));
    headers.insert(
        PROCESSING,
        match stamp.processing_ms {
            0 => HeaderValue::from_static("0"),
            millis => HeaderValue::from(millis),
        },
    );
    parts
}

/// Headers for which a reply has room from the start: ours, and those that the transport adds.
const HEADERS: usize = 6;

fn deleted(id: Option<&ResponseId>) -> Vec<u8> {
    #[derive(Serialize)]
    struct Deleted<'a> {
        id: &'a str,
        object: &'static str,
        deleted: bool,
    }
    let id = id.map(|id| id.0.text());
    let body = Deleted {
        id: id.as_deref().unwrap_or_default(),
        object: "response.deleted",
        deleted: true,
    };
    serde_json::to_vec(&body).unwrap_or_default()
}

/// A body that is whole and not what the contract says.
fn malformed(reply: &Reply) -> &'static str {
    match reply {
        Reply::StreamOpen => "event: response.created\ndata: {\"type\":}\n\n",
        Reply::Response(_) | Reply::Deleted | Reply::Document(_) | Reply::Error(_) => {
            "{\"object\":\"response\",\"status\":}"
        }
    }
}

/// How much of a body leaves in front of the response id.
fn before_id(reply: &Reply, body: &[u8]) -> usize {
    id_place(reply, body).map_or(body.len().min(1), |(start, _)| start)
}

/// How much of a body leaves up to and with the response id and the quote behind it.
fn after_id(reply: &Reply, body: &[u8]) -> usize {
    id_place(reply, body).map_or(body.len().min(1), |(_, end)| (end + 2).min(body.len()))
}

/// Where the id stands in the body; none if the reply has none.
fn id_place(reply: &Reply, body: &[u8]) -> Option<(usize, usize)> {
    let Reply::Response(response) = reply else {
        return None;
    };
    let id = response.id.0.text();
    let id = id.as_bytes();
    let start = body.windows(id.len().max(1)).position(|window| window == id)?;
    Some((start, start + id.len()))
}

/// The head, which promises `promised` bytes of a body, and its first `cut` bytes.
fn beginning(parts: &Parts, reply: &Reply, body: &[u8], promised: usize, cut: usize) -> Bytes {
    let mut bytes = format!("HTTP/1.1 {}\r\n", parts.status).into_bytes();
    let mut header = |name: &str, value: &[u8]| {
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value);
        bytes.extend_from_slice(b"\r\n");
    };
    for (name, value) in &parts.headers {
        header(name.as_str(), value.as_bytes());
    }
    let streamed = matches!(reply, Reply::StreamOpen);
    match streamed {
        true => header(TRANSFER_ENCODING.as_str(), b"chunked"),
        false => header(CONTENT_LENGTH.as_str(), promised.to_string().as_bytes()),
    }
    bytes.extend_from_slice(b"\r\n");
    match streamed {
        true => bytes.extend_from_slice(b"10\r\nevent: response.\r\n"),
        false => bytes.extend_from_slice(&body[..cut]),
    }
    bytes.into()
}

/// A text of `length` letters, fixed by its key.
pub(super) fn padding(seed: Seed, entity: u64, index: u64) -> Arc<str> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789Zz";
    let bits = seed.bits(Purpose::Text, entity, index);
    let length = 1 + (bits >> 60);
    let letter = |at: u64| char::from(LETTERS[(bits >> (at * 3) & 63) as usize]);
    (0..length).map(letter).collect::<String>().into()
}
