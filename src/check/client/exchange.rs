//! What the server saw of a client.

use std::sync::Arc;

use crate::units::{SimDuration, SimTime};
use crate::wire::{ResponseId, Status};

/// One request of a client and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientExchange {
    /// Its number in the log, from 1 in the order of arrival.
    pub no: u64,
    /// When its head had arrived.
    pub at: SimTime,
    /// What it asked.
    pub ask: ClientAsk,
    /// The function calls whose outputs it brought.
    pub outputs: Vec<Arc<str>>,
    /// How it ended.
    pub end: End,
}

/// What a request asks; two requests that ask the same are equal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClientAsk {
    /// A response; the fingerprint stands for the whole body.
    Create {
        /// Equal for equal bodies.
        fingerprint: u64,
    },
    /// The state of a response.
    Poll(ResponseId),
    /// The events of a response.
    Stream(ResponseId),
    /// The end of a response.
    Cancel(ResponseId),
    /// That a response is forgotten.
    Delete(ResponseId),
    /// Something else.
    Other {
        /// Method and path.
        line: Arc<str>,
    },
}

impl ClientAsk {
    /// The response it is about, if there was one already.
    #[must_use]
    pub const fn response(&self) -> Option<&ResponseId> {
        match self {
            Self::Poll(id) | Self::Stream(id) | Self::Cancel(id) | Self::Delete(id) => Some(id),
            Self::Create { .. } | Self::Other { .. } => None,
        }
    }
}

/// How an exchange ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It did not end yet.
    Open,
    /// No readable reply arrived.
    Broken {
        /// When.
        at: SimTime,
        /// The response that was made all the same.
        made: Option<ResponseId>,
    },
    /// A reply left whole.
    Answered(ClientAnswer),
}

/// A reply as the client got it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClientAnswer {
    /// When it left.
    pub at: SimTime,
    /// Its HTTP status.
    pub http: u16,
    /// The code of an error.
    pub code: Option<Arc<str>>,
    /// The wait that it told.
    pub wait: Option<SimDuration>,
    /// What `x-should-retry` said.
    pub should_retry: Option<bool>,
    /// The response that it showed.
    pub response: Option<ResponseId>,
    /// The wire status that it showed, or that its stream ended with.
    pub status: Option<Status>,
    /// The function calls that it showed with arguments that were cut off.
    pub cut_calls: Vec<Arc<str>>,
}

impl ClientExchange {
    /// The reply, if one arrived.
    #[must_use]
    pub const fn answer(&self) -> Option<&ClientAnswer> {
        match &self.end {
            End::Answered(answer) => Some(answer),
            End::Open | End::Broken { .. } => None,
        }
    }

    /// When it was over.
    #[must_use]
    pub const fn ended(&self) -> Option<SimTime> {
        match &self.end {
            End::Open => None,
            End::Broken { at, .. } => Some(*at),
            End::Answered(answer) => Some(answer.at),
        }
    }

    /// Whether it ended and brought nothing.
    #[must_use]
    pub const fn failed(&self) -> bool {
        match &self.end {
            End::Open => false,
            End::Broken { .. } => true,
            End::Answered(answer) => answer.http >= 400,
        }
    }

    /// The response that it made.
    #[must_use]
    pub const fn made(&self) -> Option<&ResponseId> {
        match (&self.ask, &self.end) {
            (ClientAsk::Create { .. }, End::Broken { made, .. }) => made.as_ref(),
            (ClientAsk::Create { .. }, End::Answered(answer)) => answer.response.as_ref(),
            _ => None,
        }
    }

    /// Whether trying again cannot help: the service refused for good, or said so.
    #[must_use]
    pub fn is_final(&self) -> bool {
        let Some(answer) = self.answer() else {
            return false;
        };
        match answer.should_retry {
            Some(should) => !should && answer.http >= 400,
            None if answer.http == 429 => answer.code.as_deref() == Some("insufficient_quota"),
            None => matches!(answer.http, 400..=499) && !matches!(answer.http, 408 | 409 | 429),
        }
    }
}
