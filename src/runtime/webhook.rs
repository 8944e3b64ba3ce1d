//! The receiver of webhooks: it verifies and reports; what it answers, it is told.

use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;

use super::dial::Stream;
use crate::backend::Genuine;
use crate::wire::{
    Authenticity, ResponseId, Secret, SignatureHeaders, WebhookEvent, WebhookKind, parse_webhook, verify,
};

/// The header in which our own service says which sending of a delivery this is; no other service has it.
pub const SEND_HEADER: &str = "x-lanebench-send";

/// The body is thin: an id and a type. This is far above any honest one.
const BODY_BYTES_MAX: usize = 64 << 10;

/// A webhook that says which response it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// The delivery's id, the same for every sending of it.
    pub delivery: Arc<str>,
    /// The sending, if it says.
    pub send: Option<u16>,
    /// The response it names.
    pub response: ResponseId,
    /// What it says of the response.
    pub kind: WebhookKind,
    /// Whether it is what it says. Nothing in a forged one is worth anything.
    pub genuine: Genuine,
}

/// A webhook whose sender waits for an answer. Dropped without one, it closes the connection.
#[derive(Debug)]
pub struct WebhookCall {
    /// What came.
    pub webhook: Webhook,
    answer: oneshot::Sender<StatusCode>,
}

impl WebhookCall {
    /// Answers. A sender that has gone away does not hear it.
    pub fn answer(self, status: StatusCode) {
        let _gone = self.answer.send(status);
    }
}

/// Receives webhooks on connections that somebody else accepts.
///
/// It answers by itself only what names no response and is thus nothing to decide about: another method with 405, a
/// body over 64 KiB with 413, missing headers or an unreadable body with 400. Everything else it reports, and it
/// answers when it is told, which is after the journal has it. It has no time-out.
#[derive(Clone)]
pub struct Receiver {
    secrets: Rc<[Secret]>,
    now: Rc<dyn Fn() -> u64>,
    inbox: Rc<dyn Fn(WebhookCall)>,
}

impl Receiver {
    /// A receiver that takes signatures with any of `secrets`.
    ///
    /// - `now`: civil time in Unix seconds, against which stamps are judged.
    /// - `inbox`: takes webhooks at the instant at which their last byte was read.
    #[must_use]
    pub fn new(
        secrets: impl Into<Rc<[Secret]>>,
        now: Rc<dyn Fn() -> u64>,
        inbox: Rc<dyn Fn(WebhookCall)>,
    ) -> Self {
        Self {
            secrets: secrets.into(),
            now,
            inbox,
        }
    }

    /// Serves one connection until the sender closes it or breaks the rules of HTTP.
    pub async fn serve_connection(&self, stream: Stream) {
        let service = service_fn(|request| self.receive(request));
        let connection = http1::Builder::new()
            // No byte and no timer that would differ from run to run.
            .auto_date_header(false)
            .header_read_timeout(None)
            .serve_connection(TokioIo::new(stream), service);
        // What breaks a connection here is the sender's affair: it will send again.
        let _broken = connection.await;
    }

    async fn receive(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Silence> {
        if request.method() != Method::POST {
            return Ok(answer(StatusCode::METHOD_NOT_ALLOWED));
        }
        let (head, body) = request.into_parts();
        let body = match Limited::new(body, BODY_BYTES_MAX).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return Ok(answer(StatusCode::PAYLOAD_TOO_LARGE)),
            Err(_) => return Err(Silence),
        };
        let Some(webhook) = self.read(&head.headers, &body) else {
            return Ok(answer(StatusCode::BAD_REQUEST));
        };
        let (into, told) = oneshot::channel();
        (self.inbox)(WebhookCall {
            webhook,
            answer: into,
        });
        told.await.map(answer).map_err(|_| Silence)
    }

    /// The webhook, if it says which delivery it is and which response it is about.
    fn read(&self, headers: &HeaderMap, body: &[u8]) -> Option<Webhook> {
        let text = |name: &str| headers.get(name)?.to_str().ok();
        let signed = SignatureHeaders {
            id: text("webhook-id"),
            timestamp: text("webhook-timestamp"),
            signature: text("webhook-signature"),
        };
        let genuine = match verify(&self.secrets, signed, body, (self.now)()) {
            Authenticity::Valid => Genuine::Valid,
            Authenticity::Stale => Genuine::Stale,
            Authenticity::Forged => Genuine::Forged,
            Authenticity::Malformed => return None,
        };
        let WebhookEvent { kind, response, .. } = parse_webhook(body)?;
        Some(Webhook {
            delivery: signed.id?.into(),
            send: text(SEND_HEADER).and_then(|send| send.parse().ok()),
            response,
            kind,
            genuine,
        })
    }
}

/// No answer: the connection closes.
#[derive(Debug, thiserror::Error)]
#[error("the webhook is not answered")]
struct Silence;

fn answer(status: StatusCode) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = status;
    answer
}
