//! Webhooks on their way to the receiver.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::server::Shared;
use crate::backend::{Genuine, Input, Signatures, WebhookSend};
use crate::wire::{Secret, WebhookEvent, WebhookKind, render_webhook, sign};

/// The header in which a webhook says which sending of its delivery it is; receivers of ours tell sendings apart by it,
/// strangers pass it over.
const SEND_HEADER: &str = "x-lanebench-send";

/// A stream of bytes in both directions.
pub trait ByteStream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> ByteStream for T {}

/// A connection in the making.
pub type Dialling = Pin<Box<dyn Future<Output = io::Result<Box<dyn ByteStream>>> + Send>>;

/// Makes a connection to the receiver of webhooks.
pub type Dial = Arc<dyn Fn() -> Dialling + Send + Sync>;

/// Where webhooks go.
#[derive(Clone)]
pub struct WebhookTarget {
    dial: Dial,
    authority: Arc<str>,
    path: Arc<str>,
    secret: Secret,
}

impl fmt::Debug for WebhookTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookTarget")
            .field("authority", &self.authority)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Why a text is no address of a receiver.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address for webhooks: expected `http://host:port/path`")]
pub struct WebhookUrlError(String);

impl WebhookTarget {
    /// A receiver that `dial` reaches.
    #[must_use]
    pub fn new(dial: Dial, path: &str, secret: Secret) -> Self {
        Self {
            dial,
            authority: Arc::from("receiver.internal"),
            path: Arc::from(path),
            secret,
        }
    }

    /// A receiver at a URL of the form `http://host:port/path`.
    ///
    /// # Errors
    /// [`WebhookUrlError`] if it is not of that form.
    pub fn tcp(url: &str, secret: Secret) -> Result<Self, WebhookUrlError> {
        let wrong = || WebhookUrlError(url.to_owned());
        let uri = Uri::from_str(url).map_err(|_| wrong())?;
        let authority = uri.authority().filter(|_| uri.scheme_str() == Some("http"));
        let authority = authority.ok_or_else(wrong)?;
        if authority.host().is_empty() || authority.as_str().contains('@') {
            return Err(wrong());
        }
        let address: Arc<str> = match authority.port_u16() {
            Some(_) => authority.as_str().into(),
            None if authority.port().is_none() && !authority.as_str().ends_with(':') => {
                format!("{authority}:80").into()
            }
            None => return Err(wrong()),
        };
        let dial: Dial = Arc::new(move || {
            let address = Arc::clone(&address);
            Box::pin(async move {
                let stream = TcpStream::connect(&*address).await?;
                Ok(Box::new(stream) as Box<dyn ByteStream>)
            })
        });
        Ok(Self {
            dial,
            authority: authority.as_str().into(),
            path: uri.path_and_query().map_or("/", |path| path.as_str()).into(),
            secret,
        })
    }

    /// The request of one sending.
    fn request(&self, send: &WebhookSend) -> Result<Request<Full<Bytes>>, http::Error> {
        let mut body = Vec::new();
        render_webhook(
            &WebhookEvent {
                id: Arc::clone(&send.event),
                kind: WebhookKind::Unknown(Arc::clone(&send.kind)),
                response: send.response.clone(),
                created_at: send.created_at,
            },
            &mut body,
        );
        let mut signature = match send.genuine {
            Genuine::Valid | Genuine::Stale => sign(&self.secret, &send.delivery, send.stamp, &body),
            // What a stranger would write: of the right form, made with no key of ours.
            Genuine::Forged => format!("v1,{}", "Zm9y".repeat(10) + "Z2U="),
        };
        if send.signatures == Signatures::Two {
            let retired = sign(&retired(), &send.delivery, send.stamp, &body);
            signature = format!("{retired} {signature}");
        }
        Request::post(&*self.path)
            .header(header::HOST, &*self.authority)
            .header(
                header::USER_AGENT,
                "OpenAI/1.0 (+https://platform.openai.com/docs/webhooks)",
            )
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", &*send.delivery)
            .header("webhook-timestamp", send.stamp)
            .header("webhook-signature", signature)
            .header(SEND_HEADER, send.send)
            .body(Full::from(body))
    }
}

/// The secret that went out of use, as long as deliveries are signed with both.
fn retired() -> Secret {
    #[expect(clippy::expect_used, reason = "the text is a valid secret")]
    Secret::new("whsec_cmV0aXJlZC1zZWNyZXQtb2YtdGhlLW1vY2s=").expect("a valid secret")
}

/// Sends a webhook once and tells the backend what came of it.
pub(super) async fn deliver(shared: Arc<Shared>, send: Box<WebhookSend>) {
    let http = match &shared.options.webhook {
        Some(target) => post(target, &send).await.ok(),
        None => None,
    };
    shared.post(Input::WebhookAnswered {
        delivery: send.delivery,
        send: send.send,
        http,
    });
}

/// Why a webhook got no answer.
#[derive(Debug, thiserror::Error)]
enum DeliveryError {
    #[error("no connection to the receiver")]
    Connect(#[from] io::Error),
    #[error("the receiver did not answer")]
    Exchange(#[from] hyper::Error),
    #[error("the webhook makes no request")]
    Request(#[from] http::Error),
}

async fn post(target: &WebhookTarget, send: &WebhookSend) -> Result<u16, DeliveryError> {
    let request = target.request(send)?;
    let stream = (target.dial)().await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let mut connection = std::pin::pin!(connection);
    let exchange = async {
        let reply = sender.send_request(request).await?;
        let status = reply.status().as_u16();
        // The status is the answer; the body is read so that the receiver sees an orderly end, up to a bound.
        let mut body = reply.into_body();
        let mut rest = ANSWER_MAX;
        while let Some(Ok(frame)) = body.frame().await {
            let length = frame.data_ref().map_or(0, Bytes::len);
            match rest.checked_sub(length) {
                Some(left) => rest = left,
                None => break,
            }
        }
        Ok(status)
    };
    let mut exchange = std::pin::pin!(exchange);
    tokio::select! {
        biased;
        status = &mut exchange => status,
        // The connection may end with the reply; what it had received is still there.
        _ = &mut connection => exchange.await,
    }
}

/// How much of an answer to a webhook is read, in bytes.
const ANSWER_MAX: usize = 64 * 1024;
