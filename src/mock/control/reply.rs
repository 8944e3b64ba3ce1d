//! What the control API answers with.

use std::borrow::Cow;

use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use super::super::body::Body;
use super::super::front::SessionError;

/// An answer with a document.
pub(super) fn answered(value: &Value) -> Response<Body> {
    document(200, value.to_string())
}

/// An answer with the text of a document.
pub(super) fn document(status: u16, mut text: String) -> Response<Body> {
    if !text.ends_with('\n') {
        text.push('\n');
    }
    reply(status, "application/json", text)
}

/// An answer with a text in YAML.
pub(super) fn yaml(text: &str) -> Response<Body> {
    reply(200, "application/yaml", text.to_owned())
}

fn reply(status: u16, kind: &'static str, text: String) -> Response<Body> {
    let mut reply = Response::new(Body::from(text));
    *reply.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    reply
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    reply
}

/// Why something was not done.
#[derive(Debug)]
pub(super) struct Refusal {
    status: u16,
    code: &'static str,
    message: Cow<'static, str>,
    /// The whole text about the mistakes of a body, as the command line shows it.
    diagnostics: Option<String>,
}

impl Refusal {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            diagnostics: None,
        }
    }

    /// A body with mistakes.
    pub(super) fn wrong(message: String, diagnostics: String) -> Self {
        Self {
            diagnostics: Some(diagnostics),
            ..Self::new(422, "invalid", message)
        }
    }

    pub(super) fn of_session(error: &SessionError) -> Self {
        let status = match error {
            SessionError::Name(_) => 422,
            SessionError::TooMany(_) => 409,
        };
        Self::new(status, error.code(), error.to_string())
    }

    pub(super) fn into_reply(self) -> Response<Body> {
        let mut body = json!({ "error": { "code": self.code, "message": self.message } });
        if let Some(text) = self.diagnostics {
            body["error"]["diagnostics"] = text.into();
        }
        document(self.status, body.to_string())
    }
}
