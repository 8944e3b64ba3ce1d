//! Identities of jobs, attempts, turns and exchanges.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::num::NonZeroU64;
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
/// It is kept in two words, for it is made, moved, compared and looked up with every message: words go through registers, and
/// fields of their own would be gathered from memory each time. The order of the words is that of (job, attempt, turn, kind,
/// nth), which is the canonical order of inputs inside one tick, so it is part of the format.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Exchange {
    /// Job, attempt and turn.
    origin: u64,
    /// Kind, counted from 1, and number.
    place: NonZeroU64,
}

impl Exchange {
    /// The `nth` exchange of this kind in this job, counted from 1, in a turn of an attempt.
    #[must_use]
    pub const fn new(job: JobId, attempt: AttemptNo, turn: TurnNo, kind: ExchangeKind, nth: u32) -> Self {
        let place = (kind as u64 + 1) << 32 | nth as u64;
        Self {
            origin: (job.0 as u64) << 32 | (attempt.0 as u64) << 16 | turn.0 as u64,
            // One and the rest: a sum that the compiler knows not to be nothing.
            place: NonZeroU64::MIN.saturating_add(place - 1),
        }
    }

    /// The job it serves.
    #[must_use]
    pub const fn job(self) -> JobId {
        JobId((self.origin >> 32) as u32)
    }

    /// The attempt it belongs to.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the third quarter")]
    pub const fn attempt(self) -> AttemptNo {
        AttemptNo((self.origin >> 16) as u16)
    }

    /// The turn it belongs to.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the last quarter")]
    pub const fn turn(self) -> TurnNo {
        TurnNo(self.origin as u16)
    }

    /// What it asks.
    #[must_use]
    pub const fn kind(self) -> ExchangeKind {
        match self.place.get() >> 32 {
            1 => ExchangeKind::Create,
            2 => ExchangeKind::Poll,
            3 => ExchangeKind::Stream,
            4 => ExchangeKind::Cancel,
            5 => ExchangeKind::Delete,
            _ => ExchangeKind::Other,
        }
    }

    /// The how-manieth of this kind in this job, from 1.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the lower half")]
    pub const fn nth(self) -> u32 {
        self.place.get() as u32
    }

    /// The exchange of this kind and number in the same turn.
    #[must_use]
    pub const fn beside(self, kind: ExchangeKind, nth: u32) -> Self {
        Self::new(self.job(), self.attempt(), self.turn(), kind, nth)
    }

    /// Job, attempt and turn in one number.
    #[must_use]
    pub const fn origin(self) -> u64 {
        self.origin
    }

    /// Kind, counted from 0, and number in one number.
    #[must_use]
    pub const fn place(self) -> u64 {
        self.place.get() - (1 << 32)
    }
}

impl Hash for Exchange {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.origin);
        state.write_u64(self.place.get());
    }
}

/// As it is written.
impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Writes `job.attempt.turn.kind.nth`, for example `0.1.1.create.1`; no job is written `-`.
impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.job() {
            JobId::NONE => f.write_str("-")?,
            JobId(job) => write!(f, "{job}")?,
        }
        write!(
            f,
            ".{}.{}.{}.{}",
            self.attempt().0,
            self.turn().0,
            self.kind().word(),
            self.nth()
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
    next()
        .is_none()
        .then_some(Exchange::new(job, attempt, turn, kind, nth))
}
