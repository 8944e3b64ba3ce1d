//! What the server saw.

use std::collections::VecDeque;

use crate::backend::ConnectionNo;
use crate::units::{Exchange, SimTime};
use crate::wire::ResponseId;

/// One request as the server saw it, whether or not it was a valid one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenRequest {
    /// When its head had arrived.
    pub at: SimTime,
    /// Its method.
    pub method: String,
    /// Its path, with the query.
    pub path: String,
    /// The key that it showed.
    pub exchange: Option<Exchange>,
    /// The connection it came on, counted from 1.
    pub connection: ConnectionNo,
}

/// The last requests, in order of arrival.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestLog {
    seen: VecDeque<SeenRequest>,
    cap: usize,
    forgotten: u64,
    runs: VecDeque<ResponseId>,
    runs_made: u64,
}

impl RequestLog {
    /// A log of at most `cap` requests.
    #[must_use]
    pub const fn new(cap: usize) -> Self {
        Self {
            seen: VecDeque::new(),
            cap,
            forgotten: 0,
            runs: VecDeque::new(),
            runs_made: 0,
        }
    }

    /// The requests that it still knows, oldest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &SeenRequest> {
        self.seen.iter()
    }

    /// How many older ones it has forgotten.
    #[must_use]
    pub const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// How many runs were made: a request that is sent twice may make two.
    #[must_use]
    pub const fn runs_made(&self) -> u64 {
        self.runs_made
    }

    /// The responses of the last runs, oldest first.
    pub fn runs(&self) -> impl ExactSizeIterator<Item = &ResponseId> {
        self.runs.iter()
    }

    pub(super) fn made(&mut self, response: ResponseId) {
        self.runs_made += 1;
        if self.runs.len() == self.cap {
            self.runs.pop_front();
        }
        if self.cap > 0 {
            self.runs.push_back(response);
        }
    }

    pub(super) fn push(&mut self, request: SeenRequest) {
        if self.seen.len() == self.cap {
            self.forgotten += 1;
            self.seen.pop_front();
        }
        if self.cap > 0 {
            self.seen.push_back(request);
        }
    }
}
