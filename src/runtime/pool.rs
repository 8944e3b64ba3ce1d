//! Connections, and the pool of those that wait for the next exchange.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{Connection, SendRequest, handshake};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

use super::dial::Stream;

pub(super) type Outgoing = Request<Full<Bytes>>;

/// One connection. It is driven by the exchange that holds it and by nobody else, so that dropping the exchange
/// closes it, and an idle one costs no task.
pub(super) struct Link {
    sender: SendRequest<Full<Bytes>>,
    /// None once the connection is over; what hyper still held of it was handed back then.
    connection: Option<Box<Connection<TokioIo<Stream>, Full<Bytes>>>>,
}

impl Link {
    /// Puts HTTP on a stream.
    ///
    /// # Errors
    /// Whatever hyper has against the stream; no byte was sent then.
    pub(super) async fn open(stream: Stream) -> hyper::Result<Self> {
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        Ok(Self {
            sender,
            connection: Some(Box::new(connection)),
        })
    }

    /// Sends a request and waits for the head of its reply.
    ///
    /// # Errors
    /// With the request in it if not one of its bytes was written.
    pub(super) async fn send(
        &mut self,
        request: Outgoing,
    ) -> Result<Response<Incoming>, TrySendError<Outgoing>> {
        let reply = self.sender.try_send_request(request);
        drive(&mut self.connection, reply).await
    }

    /// Runs `work`, which reads what this connection brings.
    pub(super) async fn drive<W: Future>(&mut self, work: W) -> W::Output {
        drive(&mut self.connection, work).await
    }

    /// The connection again, if it is ready for the next exchange now.
    ///
    /// There is no waiting for it to become ready: a server that replied before it took the whole request may never
    /// take the rest.
    pub(super) async fn settle(mut self) -> Option<Self> {
        drive(&mut self.connection, async {}).await;
        (self.connection.is_some() && self.sender.is_ready()).then_some(self)
    }
}

type Held = Option<Box<Connection<TokioIo<Stream>, Full<Bytes>>>>;

/// Polls the connection and the work on it in one task, the connection first: what it reads is there for the work.
async fn drive<W: Future>(connection: &mut Held, work: W) -> W::Output {
    let mut work = pin!(work);
    poll_fn(|context| {
        if let Some(open) = connection.as_mut() {
            // Its error is told to the request or the body as well, so it is not looked at here.
            if let Poll::Ready(Ok(()) | Err(_)) = Pin::new(open).poll(context) {
                *connection = None;
            }
        }
        work.as_mut().poll(context)
    })
    .await
}

/// Idle connections: the last one put back is the first taken, so that few stay warm.
pub(super) struct Pool {
    idle: RefCell<VecDeque<Link>>,
    idle_max: usize,
}

impl Pool {
    /// A pool of at most `idle_max` connections; the oldest is closed for the newest.
    pub(super) const fn new(idle_max: usize) -> Self {
        Self {
            idle: RefCell::new(VecDeque::new()),
            idle_max,
        }
    }

    pub(super) fn take(&self) -> Option<Link> {
        self.idle.borrow_mut().pop_back()
    }

    pub(super) fn put(&self, link: Link) {
        let mut idle = self.idle.borrow_mut();
        idle.push_back(link);
        let oldest = (idle.len() > self.idle_max).then(|| idle.pop_front());
        drop(idle);
        // Closed outside the borrow: what a stream does when it is dropped is not known here.
        drop(oldest);
    }

    pub(super) fn len(&self) -> usize {
        self.idle.borrow().len()
    }
}
