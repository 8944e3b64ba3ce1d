//! What the client writes.

use std::fmt::{self, Write as _};

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use http_body_util::Full;

use super::pool::Outgoing;
use crate::units::Exchange;
use crate::wire::{Ask, ClientFields, ResponseId, render_create};

/// The header that carries the key of an exchange.
pub const EXCHANGE_HEADER: &str = "x-lanebench-exchange";

const EXCHANGE: HeaderName = HeaderName::from_static(EXCHANGE_HEADER);
const AGENT: &str = concat!("lanebench/", env!("CARGO_PKG_VERSION"));
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Where the model service is, who asks it, and what every create request says beside its own content.
#[derive(Clone)]
pub struct Service {
    /// Host and port, as the `Host` header names them.
    pub authority: String,
    /// The path in front of `/responses`, for example `/v1`.
    pub base: String,
    /// The API key.
    pub key: String,
    /// What goes along with every create request.
    pub fields: ClientFields,
}

/// Shows everything but what opens doors.
impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("authority", &self.authority)
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

/// A service that cannot be written into a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// The host has characters that a header cannot hold.
    #[error("the host of the service cannot stand in a header")]
    Authority,
    /// The path is none.
    #[error("the base path of the service is empty or starts with `/`, and has no query")]
    Base,
    /// The key has characters that a header cannot hold.
    #[error("the API key cannot stand in a header")]
    Key,
}

/// Writes requests to one service.
pub(super) struct Requests {
    /// The headers of every request; the key of the exchange is filled in.
    headers: HeaderMap,
    base: String,
    fields: ClientFields,
}

impl Requests {
    pub(super) fn new(service: &Service) -> Result<Self, ServiceError> {
        let base = service.base.trim_end_matches('/');
        let path = PathAndQuery::try_from(format!("{base}/responses")).map_err(|_| ServiceError::Base)?;
        if !path.path().starts_with('/') || path.query().is_some() {
            return Err(ServiceError::Base);
        }
        let authority = HeaderValue::try_from(&service.authority).map_err(|_| ServiceError::Authority)?;
        let mut authorization =
            HeaderValue::try_from(format!("Bearer {}", service.key)).map_err(|_| ServiceError::Key)?;
        authorization.set_sensitive(true);
        let mut headers = HeaderMap::new();
        headers.insert(HOST, authority);
        headers.insert(AUTHORIZATION, authorization);
        headers.insert(EXCHANGE, HeaderValue::from_static(""));
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        headers.insert(ACCEPT, JSON);
        Ok(Self {
            headers,
            base: base.to_owned(),
            fields: service.fields.clone(),
        })
    }

    /// The request that carries `ask`.
    ///
    /// # Errors
    /// If it is no request at all; the service can cause that with an id longer than any address.
    pub(super) fn write(&self, exchange: Exchange, ask: &Ask) -> Result<Outgoing, http::Error> {
        let (method, path, body) = match ask {
            Ask::Create(create) => {
                let mut body = Vec::new();
                render_create(create, &self.fields, &mut body);
                (
                    Method::POST,
                    format!("{}/responses", self.base),
                    Bytes::from(body),
                )
            }
            Ask::Poll(id) => (Method::GET, self.path(id, ""), Bytes::new()),
            Ask::Included { id, include } => {
                let words: Vec<String> = include.iter().map(|word| format!("include[]={word}")).collect();
                let path = self.path(id, &format!("?{}", words.join("&")));
                (Method::GET, path, Bytes::new())
            }
            Ask::Stream { id, after } => {
                let cursor = after.map_or_else(String::new, |seq| format!("&starting_after={seq}"));
                let path = self.path(id, &format!("?stream=true{cursor}"));
                (Method::GET, path, Bytes::new())
            }
            Ask::Cancel(id) => (Method::POST, self.path(id, "/cancel"), Bytes::new()),
            Ask::Delete(id) => (Method::DELETE, self.path(id, ""), Bytes::new()),
        };
        let mut headers = self.headers.clone();
        headers.insert(
            EXCHANGE,
            HeaderValue::from_maybe_shared(Bytes::from(exchange.to_string()))?,
        );
        if !body.is_empty() {
            headers.insert(CONTENT_TYPE, JSON);
        }
        let mut request = http::Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = Uri::try_from(path)?;
        *request.headers_mut() = headers;
        Ok(request)
    }

    fn path(&self, id: &ResponseId, rest: &str) -> String {
        const MIDDLE: &str = "/responses/";
        let mut path = String::with_capacity(self.base.len() + MIDDLE.len() + id.0.len() + rest.len());
        path.push_str(&self.base);
        path.push_str(MIDDLE);
        push_segment(&mut path, &id.0.text());
        path.push_str(rest);
        path
    }
}

/// Appends an id as one segment of a path: ids are opaque, and a service may put anything into them.
fn push_segment(path: &mut String, id: &str) {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~' | b'.');
    if id.bytes().all(plain) {
        return path.push_str(id);
    }
    for byte in id.bytes() {
        if plain(byte) {
            path.push(char::from(byte));
        } else {
            let written = write!(path, "%{byte:02X}");
            debug_assert!(written.is_ok(), "a string takes every text");
        }
    }
}
