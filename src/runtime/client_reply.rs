//! What the client makes of a reply.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::response::Parts;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde::Deserialize;

use super::pool::Link;
use crate::units::ExchangeKind;
use crate::wire::{
    Ask, Break, Reply, Response, parse_error, parse_response, read_should_retry, read_wait, salvage_id,
};

/// How the bytes of a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyEnd {
    /// As the head promised.
    Whole,
    /// The connection broke.
    Cut,
    /// At the cap; what follows was not read.
    OverCap,
}

/// Reads a body, at most `cap` bytes of it. One that came in one piece, as most do, is not copied.
pub(super) async fn read_body(link: &mut Link, mut body: Incoming, cap: usize) -> (Bytes, BodyEnd) {
    let (mut first, mut rest) = (Bytes::new(), Vec::new());
    let end = link.drive(async {
        loop {
            let data = match next_data(&mut body).await {
                Ok(Some(data)) => data,
                Ok(None) => return BodyEnd::Whole,
                Err(_) => return BodyEnd::Cut,
            };
            let room = cap - first.len() - rest.len();
            let taken = data.slice(..data.len().min(room));
            match first.is_empty() {
                true => first = taken,
                false => rest.extend_from_slice(&taken),
            }
            if data.len() > room {
                return BodyEnd::OverCap;
            }
        }
    });
    let end = end.await;
    if rest.is_empty() {
        return (first, end);
    }
    let mut whole = Vec::with_capacity(first.len() + rest.len());
    whole.extend_from_slice(&first);
    whole.append(&mut rest);
    (whole.into(), end)
}

/// The next piece of a body; trailers are passed over.
pub(super) async fn next_data(body: &mut Incoming) -> hyper::Result<Option<Bytes>> {
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// Whether the reply with this head is an event stream that was asked for.
///
/// Servers that imitate the service may answer with one object instead; that is then read as what it is.
pub(super) fn opens_stream(ask: &Ask, head: &Parts) -> bool {
    let asked = match ask {
        Ask::Create(create) => create.stream,
        Ask::Stream { .. } => true,
        Ask::Poll(_) | Ask::Included { .. } | Ask::Cancel(_) | Ask::Delete(_) => false,
    };
    let media =
        text(head, CONTENT_TYPE.as_str()).map(|value| value.split(';').next().unwrap_or(value).trim());
    asked
        && head.status.is_success()
        && media.is_some_and(|media| media.eq_ignore_ascii_case("text/event-stream"))
}

/// Reads a reply from its head and the bytes of its body.
///
/// # Errors
/// [`Break`] for a success whose body did not arrive whole or is not the contract's. Anything but a success is an
/// error reply, whatever its body: the status alone decides more than the body could.
pub(super) fn read_reply(ask: &Ask, head: &Parts, body: &[u8], end: BodyEnd) -> Result<Reply, Break> {
    if !head.status.is_success() {
        let wait = read_wait(text(head, "retry-after-ms"), text(head, RETRY_AFTER.as_str()));
        let should_retry = read_should_retry(text(head, "x-should-retry"));
        let error = parse_error(head.status.as_u16(), wait, should_retry, body);
        return Ok(Reply::Error(error.into()));
    }
    match end {
        BodyEnd::Cut => Err(Break::Cut { id: salvage_id(body) }),
        BodyEnd::OverCap => Err(Break::Unreadable { id: salvage_id(body) }),
        BodyEnd::Whole if ask.kind() == ExchangeKind::Delete => read_deletion(body),
        BodyEnd::Whole => match parse_response(body) {
            Ok(response) => Ok(Reply::Response(sharing_id(response, ask).into())),
            Err(unreadable) => Err(Break::Unreadable { id: unreadable.id }),
        },
    }
}

/// The response with the very id that it was asked by: replies are kept, and each would keep a copy of its own.
fn sharing_id(mut response: Response, ask: &Ask) -> Response {
    if let Some(id) = ask.response().filter(|id| **id == response.id) {
        response.id = id.clone();
    }
    response
}

fn text<'a>(head: &'a Parts, name: &str) -> Option<&'a str> {
    head.headers.get(name)?.to_str().ok()
}

#[derive(Deserialize)]
struct Deletion {
    deleted: bool,
}

fn read_deletion(body: &[u8]) -> Result<Reply, Break> {
    match serde_json::from_slice(body) {
        Ok(Deletion { deleted: true }) => Ok(Reply::Deleted),
        Ok(Deletion { deleted: false }) | Err(_) => Err(Break::Unreadable { id: salvage_id(body) }),
    }
}
