//! Webhooks: the thin body, and the signature of Standard Webhooks.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::json_out::put;
use super::read::{Count, Text};
use super::{ResponseId, Status};

/// How far the stamp of a delivery may lie from now, either way, inclusive.
pub const TOLERANCE_SECS: u64 = 300;

/// What a webhook tells: that a background response has ended, and which.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct WebhookEvent {
    /// The event's id.
    pub id: Arc<str>,
    /// How the response ended.
    pub kind: WebhookKind,
    /// When it ended, in Unix seconds.
    pub created_at: u64,
    /// The response; everything else has to be read from it.
    pub response: ResponseId,
}

/// The type of a webhook event; open, because the service has others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookKind {
    /// `response.completed`.
    Completed,
    /// `response.failed`.
    Failed,
    /// `response.cancelled`.
    Cancelled,
    /// `response.incomplete`.
    Incomplete,
    /// Any other type.
    Unknown(Arc<str>),
}

impl WebhookKind {
    /// The kind that tells of an ended response; none while it is open.
    #[must_use]
    pub const fn of(status: &Status) -> Option<Self> {
        match status {
            Status::Completed => Some(Self::Completed),
            Status::Failed => Some(Self::Failed),
            Status::Cancelled => Some(Self::Cancelled),
            Status::Incomplete => Some(Self::Incomplete),
            Status::Queued | Status::InProgress | Status::Unknown(_) => None,
        }
    }

    /// The type on the wire.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Completed => "response.completed",
            Self::Failed => "response.failed",
            Self::Cancelled => "response.cancelled",
            Self::Incomplete => "response.incomplete",
            Self::Unknown(word) => word,
        }
    }

    fn read(word: Arc<str>) -> Self {
        let known = [Self::Completed, Self::Failed, Self::Cancelled, Self::Incomplete];
        known
            .into_iter()
            .find(|kind| kind.word() == &*word)
            .unwrap_or(Self::Unknown(word))
    }
}

/// Appends the body of a webhook.
pub fn render_webhook(event: &WebhookEvent, out: &mut Vec<u8>) {
    put(
        out,
        &BodyOut {
            object: "event",
            id: &event.id,
            r#type: event.kind.word(),
            created_at: event.created_at,
            data: DataOut {
                id: &event.response.0.text(),
            },
        },
    );
}

/// Reads the body of a webhook, whose signature was verified before; `None` if it is not the contract's.
#[must_use]
pub fn parse_webhook(body: &[u8]) -> Option<WebhookEvent> {
    let body: BodyIn = serde_json::from_slice(body).ok()?;
    Some(WebhookEvent {
        id: body.id.0,
        kind: WebhookKind::read(body.r#type.0),
        created_at: body.created_at.0.unwrap_or(0),
        response: ResponseId(body.data.id.0.into()),
    })
}

#[derive(Serialize)]
struct BodyOut<'a> {
    object: &'static str,
    id: &'a str,
    r#type: &'a str,
    created_at: u64,
    data: DataOut<'a>,
}

#[derive(Serialize)]
struct DataOut<'a> {
    id: &'a str,
}

#[derive(Deserialize)]
struct BodyIn {
    id: Text,
    r#type: Text,
    #[serde(default)]
    created_at: Count,
    data: DataIn,
}

#[derive(Deserialize)]
struct DataIn {
    id: Text,
}

/// The key of a webhook endpoint. Its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

/// A text that is no signing secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a signing secret is `whsec_` and base64, or any other text that is not empty")]
pub struct SecretError;

impl Secret {
    /// Reads a secret: `whsec_` and base64, or the bytes of any other text.
    ///
    /// # Errors
    /// [`SecretError`] if what follows `whsec_` is no base64, or if there is nothing.
    pub fn new(text: &str) -> Result<Self, SecretError> {
        let key = match text.strip_prefix("whsec_") {
            Some(encoded) => STANDARD.decode(encoded).map_err(|_| SecretError)?,
            None => text.as_bytes().to_vec(),
        };
        if key.is_empty() {
            return Err(SecretError);
        }
        Ok(Self(key))
    }

    /// The code over what is signed: `id.timestamp.body`.
    fn code(&self, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
        #[expect(clippy::expect_used, reason = "an HMAC takes a key of any length")]
        let mut code = Hmac::<Sha256>::new_from_slice(&self.0).expect("a key of any length");
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            code.update(part);
        }
        code
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The three headers of a delivery, as far as they are there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SignatureHeaders<'a> {
    /// `webhook-id`.
    pub id: Option<&'a str>,
    /// `webhook-timestamp`.
    pub timestamp: Option<&'a str>,
    /// `webhook-signature`.
    pub signature: Option<&'a str>,
}

/// What the signature of a delivery is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authenticity {
    /// Signed with a secret of ours, in time.
    Valid,
    /// Signed with a secret of ours, but not in time.
    Stale,
    /// Not signed with any secret of ours.
    Forged,
    /// A header is missing or cannot be read.
    Malformed,
}

/// The value of `webhook-signature` for one secret.
#[must_use]
pub fn sign(secret: &Secret, id: &str, timestamp: u64, body: &[u8]) -> String {
    let code = secret
        .code(id, &timestamp.to_string(), body)
        .finalize()
        .into_bytes();
    format!("v1,{}", STANDARD.encode(code))
}

/// Judges a delivery over the raw bytes of its body, in time that does not depend on where a signature differs.
///
/// Any secret and any of the signatures may match: during a rotation there are two. An entry without a version
/// counts as version 1, other versions are passed over.
///
/// - `now`: Unix seconds.
#[must_use]
pub fn verify(secrets: &[Secret], headers: SignatureHeaders<'_>, body: &[u8], now: u64) -> Authenticity {
    let SignatureHeaders {
        id: Some(id),
        timestamp: Some(timestamp),
        signature: Some(signature),
    } = headers
    else {
        return Authenticity::Malformed;
    };
    let Ok(stamp) = timestamp.trim().parse::<u64>() else {
        return Authenticity::Malformed;
    };
    let signed = secrets.iter().any(|secret| {
        let mut entries = signature.split_ascii_whitespace().filter_map(decode_entry);
        entries.any(|entry| secret.code(id, timestamp, body).verify_slice(&entry).is_ok())
    });
    match (signed, stamp.abs_diff(now) <= TOLERANCE_SECS) {
        (false, _) => Authenticity::Forged,
        (true, false) => Authenticity::Stale,
        (true, true) => Authenticity::Valid,
    }
}

fn decode_entry(entry: &str) -> Option<Vec<u8>> {
    let encoded = match entry.split_once(',') {
        Some(("v1", encoded)) => encoded,
        Some(_) => return None,
        None => entry,
    };
    STANDARD.decode(encoded).ok()
}
