//! The record of a session, as handlers of requests and the control API use it.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::Request;
use http::uri::PathAndQuery;
use tokio::sync::watch;

use super::entry::{BodySeen, Entry, EntryEnd, Streaming, kept_path, shown_headers};
use super::sight::Sight;
use crate::backend::{CallKey, ConnectionNo};
use crate::clock::Clock;
use crate::fault::{Fault, Target};
use crate::units::{ExchangeKind, SimTime};

/// Where the lines of a log go; each comes without its line break.
#[derive(Clone)]
pub struct LineSink(Arc<dyn Fn(String) + Send + Sync>);

impl LineSink {
    /// Lines go to `take`.
    pub fn new(take: impl Fn(String) + Send + Sync + 'static) -> Self {
        Self(Arc::new(take))
    }
}

impl fmt::Debug for LineSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LineSink").finish_non_exhaustive()
    }
}

/// The record of one session.
#[derive(Debug)]
pub(in crate::mock) struct Record {
    pub(in crate::mock) session: Arc<str>,
    clock: Clock,
    sight: Mutex<Sight>,
    changed: watch::Sender<u64>,
    sink: Option<LineSink>,
    /// Whether a fault was injected that waits for its request.
    shot_waits: Arc<AtomicBool>,
}

impl Record {
    pub(super) fn new(session: Arc<str>, clock: Clock, sight: Sight, sink: Option<LineSink>) -> Self {
        Self {
            session,
            clock,
            shot_waits: sight.shots.any(),
            sight: Mutex::new(sight),
            changed: watch::Sender::new(0),
            sink,
        }
    }

    /// What is seen, until it is let go; the session stands still so long.
    pub(in crate::mock) fn sight(&self) -> MutexGuard<'_, Sight> {
        self.sight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells of every change from now on.
    pub(in crate::mock) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Takes in a request whose head arrived.
    pub(in crate::mock) fn arrive<B>(
        &self,
        at: SimTime,
        request: &Request<B>,
        route: &'static str,
        connection: ConnectionNo,
    ) -> Ticket<'_> {
        let path = request.uri().path_and_query().map_or("", PathAndQuery::as_str);
        let path = kept_path(path, route);
        let headers = shown_headers(request.headers());
        let seq = self.sight().arrive(|seq| Entry {
            seq,
            at,
            ended: None,
            method: request.method().clone(),
            path,
            route,
            headers,
            connection,
            body: None,
            call: None,
            marks: Vec::new(),
            fault: None,
            script: None,
            hint: None,
            status: None,
            response: None,
            streaming: Streaming::No,
            end: EntryEnd::Open,
            texts: 0,
        });
        Ticket {
            record: self,
            seq,
            body: Cell::new(None),
            called: Cell::new(false),
        }
    }

    /// Writes the lines of what ended, and tells whoever waits.
    pub(super) fn publish(&self, mut sight: MutexGuard<'_, Sight>) {
        let mut ended = std::mem::take(&mut sight.ended);
        for seq in ended.drain(..) {
            let Some(LineSink(sink)) = &self.sink else { break };
            let Some(entry) = sight.entry(seq).map(|entry| entry.clone()) else {
                continue;
            };
            sink(entry.json(&self.session, &sight.plan));
        }
        sight.ended = ended;
        drop(sight);
        // Whoever begins to wait looks at what is seen first.
        if self.changed.receiver_count() > 0 {
            self.changed.send_modify(|count| *count += 1);
        }
    }

    /// Everything that is open ends.
    pub(in crate::mock) fn end(&self) {
        let mut sight = self.sight();
        sight.end(self.clock.now());
        self.publish(sight);
    }
}

/// A request's place in the record. A request that is dropped before it became a call has gone.
#[derive(Debug)]
pub(in crate::mock) struct Ticket<'a> {
    record: &'a Record,
    seq: u64,
    /// Its body, which gets into the record with what becomes of it.
    body: Cell<Option<BodySeen>>,
    called: Cell<bool>,
}

impl Ticket<'_> {
    /// Its body arrived whole.
    pub(in crate::mock) fn body(&self, body: &[u8]) {
        self.body.set(Some(BodySeen::of(body)));
    }

    /// It became a call, which ends as the service says.
    pub(in crate::mock) fn call(&self, call: CallKey) {
        self.called.set(true);
        let mut sight = self.record.sight();
        sight.call(self.seq, call);
        if let Some(entry) = sight.entry(self.seq) {
            entry.body = self.body.get();
        }
    }

    /// It was answered without asking the service.
    pub(in crate::mock) fn refused(&self, status: u16, hint: Option<String>) {
        self.called.set(true);
        let mut sight = self.record.sight();
        if let Some(entry) = sight.entry(self.seq) {
            entry.body = self.body.get();
            entry.status = Some(status);
            entry.hint = hint;
        }
        sight.finish(self.seq, self.record.clock.now(), EntryEnd::Whole);
        self.record.publish(sight);
    }

    /// Adds the one-shot faults that strike it, if it is of a kind that any may strike.
    ///
    /// - returns: whether the service has room for all of them among those that were injected before.
    pub(in crate::mock) fn shots(
        &self,
        kind: Option<ExchangeKind>,
        headers: &http::HeaderMap,
        out: &mut Vec<(Target, Fault)>,
    ) -> bool {
        let kind = kind.filter(|_| self.record.shot_waits.load(Ordering::Acquire));
        if kind.is_none() && out.is_empty() {
            return true;
        }
        let mut sight = self.record.sight();
        if let Some(kind) = kind {
            sight.shots.take(kind, headers, out);
        }
        // The plan here takes in what the plan of the service will.
        out.iter()
            .all(|(target, fault)| sight.plan.inject(target, fault).is_some())
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        if !self.called.get() {
            let mut sight = self.record.sight();
            if let Some(entry) = sight.entry(self.seq) {
                entry.body = self.body.get();
            }
            sight.finish(self.seq, self.record.clock.now(), EntryEnd::Gone);
            self.record.publish(sight);
        }
    }
}
