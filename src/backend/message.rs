//! What the backend core is told and what it answers.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::fault::{Fault, Target};
use crate::units::Exchange;
use crate::wire::{ApiError, Ask, Break, Reply, ResponseId, Side, StreamEvent};

/// A connection of a stranger, counted from 1; our own runtime is told apart by its exchange key alone: 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConnectionNo(pub u64);

/// One call to the service. The derived order is the canonical order of a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CallKey {
    /// The key of the exchange; for strangers the service makes one with [`crate::units::JobId::NONE`] and counts
    /// `nth` by connection and arrival.
    pub exchange: Exchange,
    /// The connection of a stranger.
    pub connection: ConnectionNo,
}

/// Whether the caller showed the right key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Auth {
    /// The right one.
    Granted,
    /// The one of the account at this place, counted from 1.
    Account(u16),
    /// None.
    Missing,
    /// Another one.
    Wrong {
        /// As it was shown, masked.
        shown: Arc<str>,
    },
}

/// What the backend core is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A request arrived whole and could be read.
    Request {
        /// Its key.
        call: CallKey,
        /// Whether it may.
        auth: Auth,
        /// What it asks; or why the request is no valid one.
        ask: Result<Ask, Box<ApiError>>,
    },
    /// The same with what our own runtime never asks.
    Side {
        /// Its key.
        call: CallKey,
        /// Whether it may.
        auth: Auth,
        /// What it asks; or why the request is no valid one.
        ask: Result<Box<Side>, Box<ApiError>>,
    },
    /// The request of this call, which follows in the same tick, shows the headers of these fault rules.
    Marked {
        /// The call.
        call: CallKey,
        /// The rules' places in the scenario's list.
        rules: Arc<[u32]>,
    },
    /// The request of this call, which follows in the same tick, and the response that it makes are disturbed by
    /// these faults before the rules of the plan are asked.
    Injected {
        /// The call.
        call: CallKey,
        /// What each disturbs, and how.
        faults: Arc<[(Target, Fault)]>,
    },
    /// The caller went away before its call was over.
    Gone {
        /// The call.
        call: CallKey,
    },
    /// A connection was refused by the rule of this number: nothing arrived.
    Refused {
        /// The key of what would have arrived.
        exchange: Exchange,
        /// The rule's place in the scenario's list.
        rule: u32,
    },
    /// There is no room for all that is kept: ended responses go before their time, those that would expire first in
    /// front, until what the rest keeps of its requests is no more than so many bytes.
    Crowded {
        /// The bytes.
        bytes: u64,
    },
    /// A webhook was answered, or not.
    WebhookAnswered {
        /// The delivery.
        delivery: Arc<str>,
        /// The try.
        send: u16,
        /// The HTTP status, if one came.
        http: Option<u16>,
    },
}

/// How a reply is spoiled on its way: the byte face; [`Face::effect`] is the typed one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Face {
    /// Not at all.
    Whole,
    /// The connection is reset instead.
    Reset,
    /// The body ends in front of the response id.
    CutBeforeId,
    /// The body ends behind the response id.
    CutAfterId,
    /// Part of the body comes, then nothing; the connection stays.
    Stall,
    /// The body is not JSON.
    Malformed,
    /// Nothing comes; the connection stays.
    Silent,
    /// The head promises less of the body than there is.
    WrongLength,
    /// The head says that the body is plain text; a stream ends there.
    WrongType,
    /// The body is a page for people.
    HtmlPage,
}

impl Face {
    /// What the client can know of a reply with this face; none if it is kept waiting.
    #[must_use]
    pub fn effect(&self, reply: &Reply) -> Option<Result<Reply, Break>> {
        let id = || match reply {
            Reply::Response(response) => Some(response.id.clone()),
            Reply::StreamOpen | Reply::Deleted | Reply::Document(_) | Reply::Error(_) => None,
        };
        match self {
            Self::WrongType if matches!(reply, Reply::StreamOpen) => {
                Some(Err(Break::Unreadable { id: None }))
            }
            Self::Whole | Self::WrongType => Some(Ok(reply.clone())),
            Self::WrongLength => Some(Err(Break::Unreadable { id: id() })),
            Self::Reset => Some(Err(Break::NoReply)),
            Self::CutBeforeId => Some(Err(Break::Cut { id: None })),
            Self::CutAfterId => Some(Err(Break::Cut { id: id() })),
            Self::Malformed | Self::HtmlPage => Some(Err(Break::Unreadable { id: None })),
            Self::Stall | Self::Silent => None,
        }
    }
}

/// One sending of a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSend {
    /// The delivery's id; the same for every sending of one event.
    pub delivery: Arc<str>,
    /// The sending, from 1.
    pub send: u16,
    /// The event's id.
    pub event: Arc<str>,
    /// `response.completed` and its like.
    pub kind: Arc<str>,
    /// The response.
    pub response: ResponseId,
    /// When the response ended, in Unix seconds.
    pub created_at: u64,
    /// The stamp, in Unix seconds.
    pub stamp: u64,
    /// Whether the signature is ours.
    pub genuine: Genuine,
    /// How many signatures it shows.
    pub signatures: Signatures,
}

/// Whether a webhook is what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Genuine {
    /// Signed by the service, in time.
    Valid,
    /// Signed by the service, with a stamp that is too old, or too far ahead.
    Stale,
    /// Not signed by the service.
    Forged,
}

/// Where a stream ends; the bytes in front of the end make no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamEnd {
    /// Between two events.
    BetweenEvents,
    /// Inside the data of one more event.
    InsideEvent,
    /// Between the name and the data of one more event.
    BetweenLines,
    /// The connection is reset.
    Reset,
}

/// How many signatures a webhook shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Signatures {
    /// That of the secret.
    #[default]
    One,
    /// That of a secret that is going out of use too, in front, as while a secret is rotated.
    Two,
}

/// What the backend core answers. It takes effect in the next tick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// A run was made, whatever becomes of the reply.
    Made {
        /// By which call.
        call: CallKey,
        /// Its response.
        response: ResponseId,
    },
    /// A response can be read no more; said again behind a reply that leaves later.
    Dropped {
        /// Which.
        response: ResponseId,
    },
    /// The reply that follows on this call has these headers beside those that every reply has.
    Heading {
        /// On which call.
        call: CallKey,
        /// Names and values.
        fields: Vec<(&'static str, Arc<str>)>,
    },
    /// A reply leaves. With [`Reply::StreamOpen`] events follow.
    Reply {
        /// On which call.
        call: CallKey,
        /// What, if nothing spoils it.
        reply: Reply,
        /// How it is spoiled.
        face: Face,
    },
    /// The beginning of a reply that follows as [`Output::Reply`] when it is whole: its head, and so much of its
    /// body. No client can make anything of it.
    Part {
        /// On which call.
        call: CallKey,
        /// What.
        reply: Reply,
        /// The parts of the body that have left; 0: the head alone.
        part: u32,
        /// Of how many.
        of: u32,
    },
    /// A piece of an event that follows as [`Output::Event`] when it is whole.
    EventPart {
        /// On which call.
        call: CallKey,
        /// What.
        event: Arc<StreamEvent>,
        /// The pieces that have left.
        part: u32,
        /// Of how many.
        of: u32,
    },
    /// An event of an open stream leaves.
    Event {
        /// On which call.
        call: CallKey,
        /// What.
        event: Arc<StreamEvent>,
    },
    /// A stream is over: the connection closes.
    Close {
        /// Which call.
        call: CallKey,
        /// Where.
        how: StreamEnd,
    },
    /// A webhook leaves.
    Webhook(Box<WebhookSend>),
}
