//! Identities of jobs, attempts, turns and exchanges.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A job, counted from 0 in the order of the tasks of a scenario.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub u32);

impl JobId {
    /// No job of ours: an exchange about a response that nobody claims, or one of a stranger.
    pub const NONE: Self = Self(u32::MAX);
}

/// One try of a job, counted from 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AttemptNo(pub u16);

/// One response inside an attempt, counted from 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TurnNo(pub u16);

/// What an exchange asks of the model service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExchangeKind {
    /// `POST /v1/responses`.
    Create,
    /// `GET /v1/responses/{id}`.
    Poll,
    /// `GET /v1/responses/{id}?stream=true`.
    Stream,
    /// `POST /v1/responses/{id}/cancel`.
    Cancel,
    /// `DELETE /v1/responses/{id}`.
    Delete,
    /// Any other endpoint: lists, counts, models and conversations.
    Other,
}

impl ExchangeKind {
    /// Every kind, in canonical order.
    pub const ALL: [Self; 6] = [
        Self::Create,
        Self::Poll,
        Self::Stream,
        Self::Cancel,
        Self::Delete,
        Self::Other,
    ];

    /// The word used in scenarios, traces and headers.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Poll => "poll",
            Self::Stream => "stream",
            Self::Cancel => "cancel",
            Self::Delete => "delete",
            Self::Other => "other",
        }
    }
}

/// One request and its reply: the canonical key of everything that crosses the wire.
///
/// `nth` counts the exchanges of this kind in this job from 1. The derived order is the canonical order of
/// inputs inside one tick, so the order of the fields is part of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Exchange {
    /// The job it serves.
    pub job: JobId,
    /// The attempt it belongs to.
    pub attempt: AttemptNo,
    /// The turn it belongs to.
    pub turn: TurnNo,
    /// What it asks.
    pub kind: ExchangeKind,
    /// The how-manieth of this kind in this job, from 1.
    pub nth: u32,
}

/// In two words, for exchanges are looked up all the time.
impl Hash for Exchange {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let turn = (u64::from(self.attempt.0) << 16) | u64::from(self.turn.0);
        state.write_u64((u64::from(self.job.0) << 32) | turn);
        state.write_u64(((self.kind as u64) << 32) | u64::from(self.nth));
    }
}

/// Writes `job.attempt.turn.kind.nth`, for example `0.1.1.create.1`; no job is written `-`.
impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.job {
            JobId::NONE => f.write_str("-")?,
            JobId(job) => write!(f, "{job}")?,
        }
        write!(
            f,
            ".{}.{}.{}.{}",
            self.attempt.0,
            self.turn.0,
            self.kind.word(),
            self.nth
        )
    }
}

/// A text that is no exchange key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no exchange key: expected `job.attempt.turn.kind.nth`")]
pub struct ExchangeError(String);

impl FromStr for Exchange {
    type Err = ExchangeError;

    fn from_str(text: &str) -> Result<Self, ExchangeError> {
        parse(text).ok_or_else(|| ExchangeError(text.to_owned()))
    }
}

impl From<Exchange> for String {
    fn from(exchange: Exchange) -> Self {
        exchange.to_string()
    }
}

impl TryFrom<String> for Exchange {
    type Error = ExchangeError;

    fn try_from(text: String) -> Result<Self, ExchangeError> {
        text.parse()
    }
}

fn parse(text: &str) -> Option<Exchange> {
    // They are short: a byte by byte look finds the next dot sooner than a search that is made for long texts.
    let mut rest = Some(text);
    let mut next = || {
        let text = rest?;
        let dot = text.bytes().position(|byte| byte == b'.');
        rest = dot.map(|dot| &text[dot + 1..]);
        Some(&text[..dot.unwrap_or(text.len())])
    };
    let job = match next()? {
        "-" => JobId::NONE,
        number => JobId(number.parse().ok()?),
    };
    let attempt = AttemptNo(next()?.parse().ok()?);
    let turn = TurnNo(next()?.parse().ok()?);
    let word = next()?;
    let kind = ExchangeKind::ALL.into_iter().find(|kind| kind.word() == word)?;
    let nth = next()?.parse().ok()?;
    next().is_none().then_some(Exchange {
        job,
        attempt,
        turn,
        kind,
        nth,
    })
}
