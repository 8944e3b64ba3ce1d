//! The HTTP client: one task for each exchange, and every byte of it in the hands of that task.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use foldhash::fast::FixedState;
use http::response::Parts;
use hyper::body::Incoming;
use tokio::task::AbortHandle;

use super::client_reply::{BodyEnd, next_data, opens_stream, read_body, read_reply};
use super::client_request::{Requests, Service, ServiceError};
use super::dial::{Admission, Dial};
use super::pool::{Link, Outgoing, Pool};
use super::stream::EventReader;
use crate::units::Exchange;
use crate::wire::{Ask, Break, Reply, SseLimits, StreamEvent};

/// What an exchange brought.
///
/// Of every exchange that is not aborted comes one of: a reply that is no [`Reply::StreamOpen`]; a
/// [`Reply::StreamOpen`], events, and [`Fact::StreamEnded`]; [`Fact::Broke`].
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// A reply that could be read, or the head of an event stream.
    Reply(Reply),
    /// An event of the stream.
    Event(StreamEvent),
    /// The stream is over, however it ended; the half of an event that stood at its end is dropped.
    StreamEnded,
    /// No readable reply came.
    Broke(Break),
}

/// Takes facts at the instant at which their bytes were parsed, so that the owner of the clock can stamp them.
pub type Inbox = Rc<dyn Fn(Exchange, Fact)>;

/// How much the client keeps and takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Idle connections kept; enough for a few hundred jobs that poll in turn.
    pub idle_max: usize,
    /// Bytes of one body; far above any honest reply.
    pub body_bytes: usize,
    /// Bytes of one stream.
    pub stream: SseLimits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            idle_max: 128,
            body_bytes: 16 << 20,
            stream: SseLimits::default(),
        }
    }
}

/// Carries exchanges with the model service over HTTP/1.1.
///
/// It has no retry, no time-out and no idle policy. It belongs to one thread: exchanges are local tasks, so it works
/// inside a [`tokio::task::LocalSet`] only. Dropping it drops every exchange and every connection.
pub struct Client {
    shared: Rc<Shared>,
}

struct Shared {
    dial: Rc<dyn Dial>,
    requests: Requests,
    limits: Limits,
    pool: Pool,
    inbox: Inbox,
    /// Looked up, and walked only to end all of them.
    open: RefCell<HashMap<Exchange, AbortHandle, FixedState>>,
}

impl Client {
    /// A client of `service` that gets its connections from `dial` and reports to `inbox`.
    ///
    /// # Errors
    /// [`ServiceError`] if the service cannot be written into a request.
    pub fn new(
        service: &Service,
        limits: Limits,
        dial: Rc<dyn Dial>,
        inbox: Inbox,
    ) -> Result<Self, ServiceError> {
        Ok(Self {
            shared: Rc::new(Shared {
                dial,
                requests: Requests::new(service)?,
                limits,
                pool: Pool::new(limits.idle_max),
                inbox,
                open: RefCell::default(),
            }),
        })
    }

    /// Starts an exchange. Its facts go to the inbox, never before this returns.
    pub fn send(&self, exchange: Exchange, ask: Ask) {
        let shared = Rc::clone(&self.shared);
        let task = tokio::task::spawn_local(async move {
            let last = shared.carry(exchange, &ask).await;
            shared.open.borrow_mut().remove(&exchange);
            (shared.inbox)(exchange, last);
        });
        let before = self
            .shared
            .open
            .borrow_mut()
            .insert(exchange, task.abort_handle());
        assert!(before.is_none(), "an exchange is carried once: {exchange}");
    }

    /// Drops an exchange: its connection closes, and nothing more of it is reported. One that is over stays over.
    pub fn abort(&self, exchange: Exchange) {
        let open = self.shared.open.borrow_mut().remove(&exchange);
        if let Some(task) = open {
            task.abort();
        }
    }

    /// Exchanges that are not over.
    #[must_use]
    pub fn open(&self) -> usize {
        self.shared.open.borrow().len()
    }

    /// Connections that wait for an exchange.
    #[must_use]
    pub fn idle(&self) -> usize {
        self.shared.pool.len()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let open = std::mem::take(&mut *self.shared.open.borrow_mut());
        open.into_values().for_each(|task| task.abort());
    }
}

impl Shared {
    /// Carries one exchange and gives its last fact; those before it are reported on the way.
    ///
    /// Every exchange is a task, so what few of them need is kept out of its size, in boxes.
    async fn carry(&self, exchange: Exchange, ask: &Ask) -> Fact {
        let (mut link, head, body) = match self.reach(exchange, ask).await {
            Ok(reply) => reply,
            Err(how) => return Fact::Broke(how),
        };
        if opens_stream(ask, &head) {
            (self.inbox)(exchange, Fact::Reply(Reply::StreamOpen));
            Box::pin(self.follow(exchange, ask, link, body)).await;
            return Fact::StreamEnded;
        }
        let (bytes, end) = read_body(&mut link, body, self.limits.body_bytes).await;
        let fact = match read_reply(ask, &head, &bytes, end) {
            Ok(reply) => Fact::Reply(reply),
            Err(how) => Fact::Broke(how),
        };
        // The connection looks for its next bytes in the room that these had.
        drop((head, bytes));
        self.keep(link, end).await;
        fact
    }

    /// Sends the request and waits for the head of the reply.
    async fn reach(&self, exchange: Exchange, ask: &Ask) -> Result<(Link, Parts, Incoming), Break> {
        if self.dial.admit(exchange) == Admission::Refused {
            return Err(Break::Refused);
        }
        let mut request = self.requests.write(exchange, ask).map_err(|_| Break::Refused)?;
        loop {
            let kept = self.pool.take();
            let fresh = kept.is_none();
            let mut link = match kept {
                Some(link) => link,
                None => Box::pin(self.connect(exchange)).await?,
            };
            match pass(&mut link, request).await {
                Ok((head, body)) => return Ok((link, head, body)),
                // The server may close a connection while it is idle. Then hyper gives the request back, and it
                // goes out on another connection. That is no retry: not one byte of it was written, so there was no
                // first try that the service could have seen, and the job core has nothing to decide.
                Err(Unsent(Some(unsent))) if !fresh => request = unsent,
                Err(Unsent(Some(_))) => return Err(Break::Refused),
                Err(Unsent(None)) => return Err(Break::NoReply),
            }
        }
    }

    /// A new connection.
    async fn connect(&self, exchange: Exchange) -> Result<Link, Break> {
        let stream = self.dial.connect(exchange).await.map_err(|_| Break::Refused)?;
        Link::open(stream).await.map_err(|_| Break::Refused)
    }

    /// Reports the events of a stream to its end, which may lie far behind the last meaningful one.
    async fn follow(&self, exchange: Exchange, ask: &Ask, mut link: Link, mut body: Incoming) {
        let mut events = EventReader::new(self.limits.stream, cursor(ask));
        let end = link.drive(async {
            loop {
                let data = match next_data(&mut body).await {
                    Ok(Some(data)) => data,
                    Ok(None) => return BodyEnd::Whole,
                    Err(_) => return BodyEnd::Cut,
                };
                let report = |event| (self.inbox)(exchange, Fact::Event(event));
                if events.read(&data, report).is_err() {
                    return BodyEnd::OverCap;
                }
            }
        });
        let end = end.await;
        self.keep(link, end).await;
    }

    /// Keeps the connection for the next exchange, if its last body came whole; closes it otherwise.
    async fn keep(&self, link: Link, end: BodyEnd) {
        if end == BodyEnd::Whole
            && let Some(link) = link.settle().await
        {
            self.pool.put(link);
        }
    }
}

/// The number of the event after which the stream begins.
const fn cursor(ask: &Ask) -> Option<u64> {
    match ask {
        Ask::Stream { after, .. } => *after,
        Ask::Create(_) | Ask::Poll(_) | Ask::Included { .. } | Ask::Cancel(_) | Ask::Delete(_) => None,
    }
}

/// A request without a reply; it is in here if not one byte of it was written.
struct Unsent(Option<Outgoing>);

async fn pass(link: &mut Link, request: Outgoing) -> Result<(Parts, Incoming), Unsent> {
    match link.send(request).await {
        Ok(reply) => Ok(reply.into_parts()),
        Err(mut error) => Err(Unsent(error.take_message())),
    }
}
