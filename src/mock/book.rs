//! What the server remembers between a request and what leaves on it.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use foldhash::fast::{FixedState, RandomState};
use tokio::sync::{mpsc, oneshot};

use super::rendering::{Rendered, Rendering};
use super::request_log::RequestLog;
use crate::backend::{CallKey, ConnectionNo, Face, StreamEnd};
use crate::units::{AttemptNo, Exchange, ExchangeKind, JobId, TurnNo};
use crate::wire::{Echo, Obfuscation, Origin, Reply, Response, ResponseId, StreamEvent};

/// Events that wait for one slow reader before it is given up.
const EVENTS_WAITING: usize = 65_536;

/// Creates whose client went away before their response was known.
const ORPHANS: usize = 1_024;

/// What these keep of their requests, in bytes.
const ORPHAN_BYTES: usize = 1 << 20;

/// Names up to which those of forgotten responses are not looked for.
const ORDER_MIN: usize = 64;

/// What a call is about.
#[derive(Debug, Clone, Default)]
pub(super) struct Subject {
    /// The response, if there is one already.
    pub(super) response: Option<ResponseId>,
    /// Whom a create serves.
    pub(super) origin: Option<Origin>,
}

/// A header beside those that every reply has.
pub(super) type Field = (&'static str, Arc<str>);

/// What leaves on a call.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) reply: Reply,
    pub(super) face: Face,
    /// Headers beside those that every reply has.
    pub(super) fields: Vec<Field>,
    /// What the events of a stream repeat of the request, if it is still known.
    pub(super) echo: Option<Echo>,
    /// The bytes of [`Reply::Response`].
    pub(super) rendering: Option<Rendered>,
    /// What follows: the events of [`Reply::StreamOpen`], or the parts of a slow reply.
    pub(super) pieces: Option<mpsc::Receiver<Piece>>,
    /// Whether a reader of a stream wants padding; as its request said if nothing is said.
    pub(super) obfuscation: Option<Obfuscation>,
}

/// What follows on an open stream, or on a reply that leaves in parts.
#[derive(Debug)]
pub(super) enum Piece {
    /// The beginning of an event, and how much of it: a part of so many.
    Begun(Arc<StreamEvent>, u32, u32),
    /// An event, or the rest of one that has begun.
    Event(Arc<StreamEvent>),
    /// The end of a stream.
    End(StreamEnd),
    /// So many parts of a body.
    Part { part: u32, of: u32 },
    /// The rest of a body.
    Rest,
}

/// Whether a reply leaves in one piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    Whole,
    Slow,
}

#[derive(Debug)]
enum Call {
    /// A request that has no reply.
    Waiting {
        answer: oneshot::Sender<Answer>,
        /// For a create: what its response will repeat.
        echo: Option<Echo>,
        subject: Subject,
        fields: Vec<Field>,
    },
    /// A stream that is open.
    Streaming {
        pieces: mpsc::Sender<Piece>,
        /// For a create whose response did not show yet: what it will repeat.
        echo: Option<Echo>,
    },
    /// A reply that does not arrive: the call is over when the client has enough of it.
    Held,
}

/// What is remembered of a response.
#[derive(Debug)]
struct Known {
    /// What it repeats of its request.
    echo: Echo,
    /// Its bytes when it was last read, as long as it was not over: what is over is seldom read again.
    rendering: Option<Arc<Rendering>>,
}

/// A create whose client went away before its response was known.
#[derive(Debug)]
struct Orphan {
    call: CallKey,
    origin: Option<Origin>,
    echo: Echo,
}

/// Whether a step on a call could be made.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It was, or nobody is there any more.
    Yes,
    /// The reader is too slow; its call is over.
    TooSlow,
}

/// All calls in progress, and what outlives them.
#[derive(Debug)]
pub(super) struct Book {
    /// Looked up alone, but for the end of all of them, which comes in the same order each time.
    calls: HashMap<CallKey, Call, FixedState>,
    known: HashMap<ResponseId, Known, RandomState>,
    known_order: VecDeque<ResponseId>,
    known_max: usize,
    orphans: VecDeque<Orphan>,
    /// What these keep of their requests.
    orphan_bytes: usize,
    strangers: [u32; ExchangeKind::ALL.len()],
    connections: u64,
    /// Requests that asked for nothing that the service has.
    pub(super) astray: u32,
    pub(super) seen: RequestLog,
}

impl Book {
    pub(super) fn new(seen_max: usize, known_max: usize) -> Self {
        Self {
            known_max,
            calls: HashMap::default(),
            known: HashMap::default(),
            known_order: VecDeque::new(),
            orphans: VecDeque::new(),
            orphan_bytes: 0,
            strangers: [0; ExchangeKind::ALL.len()],
            connections: 0,
            astray: 0,
            seen: RequestLog::new(seen_max),
        }
    }

    /// The number of a new connection.
    pub(super) const fn connect(&mut self) -> ConnectionNo {
        self.connections += 1;
        ConnectionNo(self.connections)
    }

    /// The key of a stranger's call: the so-manieth of its kind among strangers, and its connection.
    pub(super) const fn stranger(&mut self, kind: ExchangeKind, connection: ConnectionNo) -> CallKey {
        let count = &mut self.strangers[kind as usize];
        *count += 1;
        let exchange = Exchange::new(JobId::NONE, AttemptNo(0), TurnNo(0), kind, *count);
        CallKey { exchange, connection }
    }

    /// Opens a call; none if one of this key is open already.
    pub(super) fn open(
        &mut self,
        key: CallKey,
        echo: Option<Echo>,
        subject: Subject,
    ) -> Option<oneshot::Receiver<Answer>> {
        let Entry::Vacant(place) = self.calls.entry(key) else {
            return None;
        };
        let (answer, receiver) = oneshot::channel();
        place.insert(Call::Waiting {
            answer,
            echo,
            subject,
            fields: Vec::new(),
        });
        Some(receiver)
    }

    /// The client of a call went away. Whether the call was not over.
    pub(super) fn abandon(&mut self, key: &CallKey) -> bool {
        let Some(call) = self.calls.remove(key) else {
            return false;
        };
        if let Call::Waiting {
            echo: Some(echo),
            subject,
            ..
        } = call
        {
            self.orphan_bytes += echo.weight();
            self.orphans.push_back(Orphan {
                call: *key,
                origin: subject.origin,
                echo,
            });
            while self.orphans.len() > ORPHANS || self.orphan_bytes > ORPHAN_BYTES {
                self.take_orphan(0);
            }
        }
        true
    }

    /// The reply that follows on this call has these headers.
    pub(super) fn head(&mut self, key: &CallKey, more: Vec<Field>) {
        if let Some(Call::Waiting { fields, .. }) = self.calls.get_mut(key) {
            *fields = more;
        }
    }

    /// A reply leaves, or the rest of one that leaves in parts.
    pub(super) fn reply(&mut self, key: CallKey, reply: Reply, face: Face) {
        if matches!(self.calls.get(&key), Some(Call::Streaming { .. })) {
            return self.close(&key, Piece::Rest);
        }
        self.answer(key, reply, face, Pace::Whole);
    }

    /// A part of a reply leaves.
    pub(super) fn part(&mut self, key: CallKey, reply: Reply, part: u32, of: u32) {
        if let Some(Call::Streaming { pieces, .. }) = self.calls.get(&key) {
            // There are fewer parts than places in the queue, so only a reader that is gone misses one.
            let _ = pieces.try_send(Piece::Part { part, of });
            return;
        }
        self.answer(key, reply, Face::Whole, Pace::Slow);
    }

    fn answer(&mut self, key: CallKey, reply: Reply, face: Face, pace: Pace) {
        let Some(Call::Waiting {
            answer,
            echo,
            subject,
            fields,
        }) = self.calls.remove(&key)
        else {
            return self.adopt(&reply, |orphan| orphan.call == key);
        };
        if let Reply::Response(response) = &reply {
            match &echo {
                Some(echo) => self.remember(&response.id, echo),
                None if response.origin.is_some() && !self.known.contains_key(&response.id) => {
                    self.adopt(&reply, |orphan| orphan.origin == response.origin);
                }
                None => {}
            }
        }
        let (mut repeated, mut rendering) = (None, None);
        match &reply {
            Reply::Response(response) => rendering = Some(self.rendering(response, echo.as_ref())),
            Reply::StreamOpen => {
                let known = subject.response.as_ref().and_then(|id| self.known.get(id));
                repeated = echo.clone().or_else(|| known.map(|known| known.echo.clone()));
            }
            Reply::Deleted | Reply::Document(_) | Reply::Error(_) => {}
        }
        let pieces = match (&reply, &face) {
            (_, Face::Stall | Face::Silent) => {
                self.calls.insert(key, Call::Held);
                None
            }
            (reply, face) if pace == Pace::Slow || opens(reply, face) => {
                let (pieces, receiver) = mpsc::channel(EVENTS_WAITING);
                self.calls.insert(key, Call::Streaming { pieces, echo });
                Some(receiver)
            }
            _ => None,
        };
        // A receiver that is gone means that the handler was dropped, and its guard has said so.
        let _ = answer.send(Answer {
            reply,
            face,
            fields,
            echo: repeated,
            rendering,
            pieces,
            obfuscation: None,
        });
    }

    /// A piece of an event of an open stream leaves.
    pub(super) fn event_part(&mut self, key: &CallKey, event: Arc<StreamEvent>, part: u32, of: u32) -> Taken {
        self.pass(key, Piece::Begun(event, part, of))
    }

    /// An event of an open stream leaves.
    pub(super) fn event(&mut self, key: &CallKey, event: Arc<StreamEvent>) -> Taken {
        self.pass(key, Piece::Event(event))
    }

    fn pass(&mut self, key: &CallKey, piece: Piece) -> Taken {
        let Some(Call::Streaming { pieces, echo }) = self.calls.get_mut(key) else {
            return Taken::Yes;
        };
        let response = match &piece {
            Piece::Begun(event, ..) | Piece::Event(event) => event.event.response(),
            Piece::End(_) | Piece::Part { .. } | Piece::Rest => None,
        };
        let born = match (response, echo.as_ref()) {
            (Some(response), Some(_)) => echo.take().map(|echo| (response.id.clone(), echo)),
            _ => None,
        };
        let taken = pieces.try_send(piece);
        if let Some((id, echo)) = born {
            self.remember(&id, &echo);
        }
        match taken {
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.calls.remove(key);
                Taken::TooSlow
            }
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => Taken::Yes,
        }
    }

    /// A stream ends.
    pub(super) fn close(&mut self, key: &CallKey, end: Piece) {
        if let Some(Call::Streaming { pieces, .. }) = self.calls.remove(key) {
            // A full queue drops the sender with the call, and the reader finds its stream broken.
            let _ = pieces.try_send(end);
        }
    }

    /// Nothing more leaves on any call.
    pub(super) fn hang_up(&mut self) {
        self.calls.clear();
    }

    /// The response of a create shows only after its client went away.
    fn adopt(&mut self, reply: &Reply, is_its: impl Fn(&Orphan) -> bool) {
        let Some(place) = self.orphans.iter().position(is_its) else {
            return;
        };
        if let (Some(orphan), Reply::Response(response)) = (self.take_orphan(place), reply) {
            self.remember(&response.id, &orphan.echo);
        }
    }

    fn take_orphan(&mut self, place: usize) -> Option<Orphan> {
        let orphan = self.orphans.remove(place)?;
        self.orphan_bytes -= orphan.echo.weight();
        Some(orphan)
    }

    /// The bytes of a response: those of the last time if it is the same.
    fn rendering(&mut self, response: &Arc<Response>, echo: Option<&Echo>) -> Rendered {
        let once = |echo| Rendered::Once(Rendering::new(Arc::clone(response), echo));
        // The reply to its create is the first to show it.
        if let Some(echo) = echo.filter(|_| !response.status.is_open()) {
            return once(Some(echo.clone()));
        }
        let Some(known) = self.known.get_mut(&response.id) else {
            return once(None);
        };
        if let Some(last) = known.rendering.as_ref().filter(|last| last.is_of(response)) {
            return Rendered::Shared(Arc::clone(last));
        }
        if !response.status.is_open() {
            known.rendering = None;
            return once(Some(known.echo.clone()));
        }
        let new = Arc::new(Rendering::new(Arc::clone(response), Some(known.echo.clone())));
        known.rendering = Some(Arc::clone(&new));
        Rendered::Shared(new)
    }

    /// A response can be read no more.
    pub(super) fn forget(&mut self, id: &ResponseId) {
        self.known.remove(id);
        // Mostly the oldest goes first.
        if self.known_order.front() == Some(id) {
            self.known_order.pop_front();
        }
    }

    fn remember(&mut self, id: &ResponseId, echo: &Echo) {
        let known = Known {
            echo: echo.clone(),
            rendering: None,
        };
        if self.known.insert(id.clone(), known).is_some() {
            return;
        }
        // Most are forgotten long before they are the oldest; their names go once they are the greater part.
        if self.known_order.len() >= 2 * self.known.len().max(ORDER_MIN) {
            let known = &self.known;
            self.known_order.retain(|id| known.contains_key(id));
        }
        self.known_order.push_back(id.clone());
        if self.known_order.len() > self.known_max
            && let Some(oldest) = self.known_order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}

/// Whether events follow on a reply.
fn opens(reply: &Reply, face: &Face) -> bool {
    matches!((reply, face), (Reply::StreamOpen, Face::Whole))
}
