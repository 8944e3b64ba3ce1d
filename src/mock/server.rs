//! The server: its handle, its connections, and what carries the backend's answers away.

use std::convert::Infallible;
use std::fmt;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use super::body::Body;
use super::book::{Book, Piece, Taken};
use super::heads::Heads;
use super::paths::{NOWHERE, Route};
use super::pipe::{Pipe, Transport, pipe};
use super::request_log::{RequestLog, SeenRequest};
use super::routes::{self, BODY_UNIT, Visit, auth_of, exchange_of};
use super::script::{Gauge, Script, ScriptSlot, play};
use super::session::{Record, shows};
use super::stock::Share;
use super::webhook::{WebhookTarget, deliver};
use crate::backend::{
    Auth, CallKey, ConnectionNo, Contract, EdgeHeaders, Input, Output, RequestIds, Service, StreamClose,
    Streaming,
};
use crate::clock::{Clock, Core, Outlet, Postbox, Stepper, inbox};
use crate::fault::HeaderMatch;
use crate::rng::Seed;
use crate::units::{Exchange, SimTime};

/// How the server presents itself.
#[derive(Debug, Clone)]
pub struct MockOptions {
    /// The key that clients have to show, where there are no accounts.
    pub api_key: Arc<str>,
    /// The keys of the accounts that the backend knows, in order.
    pub account_keys: Arc<[Arc<str>]>,
    /// Whether replies carry request ids.
    pub request_ids: RequestIds,
    /// Whether replies carry what a network in front of the service adds.
    pub edge: EdgeHeaders,
    /// What closes behind the last event of a stream.
    pub stream_close: StreamClose,
    /// Fixes the request ids.
    pub seed: Seed,
    /// Where webhooks go; none: they are lost.
    pub webhook: Option<WebhookTarget>,
    /// How streams behave where the contract leaves it open: what bytes alone show.
    pub streaming: Streaming,
    /// The fault rules that look at a header.
    pub headers: Arc<[(u32, HeaderMatch)]>,
    /// Requests that the log holds, 65,536 by default: some 10 MB.
    pub seen_max: usize,
    /// Responses of which is remembered what they repeat of their requests, 32,768 by default: about 1 KiB each, and of
    /// those that are not over the bytes of their body. Older ones are read with defaults in its place.
    pub known_max: usize,
    /// Bytes of long bodies that are read at once, 256 MiB by default; a request over that is refused as overload.
    pub bodies_max: usize,
}

impl MockOptions {
    /// The same in front of a service that reads its contract like this.
    #[must_use]
    pub fn of(self, contract: &Contract) -> Self {
        let keys = contract.accounts.iter().map(|account| account.key.clone());
        Self {
            account_keys: keys.collect(),
            request_ids: contract.switches.request_ids,
            edge: contract.switches.edge,
            stream_close: contract.switches.stream_close,
            ..self
        }
    }
}

impl Default for MockOptions {
    fn default() -> Self {
        Self {
            api_key: Arc::from("sk-lanebench"),
            account_keys: Arc::from([]),
            request_ids: RequestIds::Sent,
            edge: EdgeHeaders::Absent,
            stream_close: StreamClose::Body,
            seed: Seed(0),
            webhook: None,
            streaming: Streaming::default(),
            headers: Arc::from([]),
            seen_max: 65_536,
            known_max: 32_768,
            bodies_max: 256 << 20,
        }
    }
}

/// A handle of the server. Cheap to clone.
#[derive(Clone)]
pub struct Mock(pub(super) Arc<Shared>);

impl fmt::Debug for Mock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mock").finish_non_exhaustive()
    }
}

/// What handlers, connections and the carrier of answers share.
pub(super) struct Shared {
    pub(super) clock: Clock,
    pub(super) options: MockOptions,
    /// What shows the key, as nearly every client writes it; none where accounts have their own.
    shown: Option<HeaderValue>,
    postbox: Postbox<Input>,
    book: Mutex<Book>,
    /// Room for long bodies.
    pub(super) bodies: Arc<Semaphore>,
    door: Door,
    /// The session that this serves, if it is one of several.
    pub(super) session: Option<Session>,
}

/// What a session has beside its service.
pub(super) struct Session {
    pub(super) record: Arc<Record>,
    /// The Unix second in which its time began.
    pub(super) epoch: u64,
    /// Of the memory that all sessions have together.
    pub(super) share: Arc<Share>,
}

/// The connections of a server, as a whole.
#[derive(Debug)]
pub(super) struct Door {
    stopping: watch::Sender<Stopping>,
    /// The same for whoever looks whenever its connection goes on.
    stops: AtomicBool,
    /// Connections being served.
    live: watch::Sender<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stopping {
    No,
    Yes,
}

impl Default for Door {
    fn default() -> Self {
        Self {
            stopping: watch::Sender::new(Stopping::No),
            stops: AtomicBool::new(false),
            live: watch::Sender::new(0),
        }
    }
}

impl Door {
    /// Lets every connection end behind the reply in progress, and idle ones at once.
    pub(super) fn stop(&self) {
        self.stops.store(true, Ordering::Release);
        self.stopping.send_replace(Stopping::Yes);
    }

    /// How many connections are being served.
    pub(super) fn live(&self) -> usize {
        *self.live.borrow()
    }

    /// Waits until no connection is being served.
    pub(super) async fn drained(&self) {
        let mut live = self.live.subscribe();
        // The sender lives as long as the door, so waiting cannot fail.
        let _ = live.wait_for(|live| *live == 0).await;
    }

    /// Serves one connection until it ends: HTTP by `visit`, then the script that a handler left in `slot`.
    pub(super) async fn serve<T, F, R>(&self, slot: &ScriptSlot, stream: T, visit: F)
    where
        T: Transport,
        F: Fn(Request<Incoming>) -> R,
        R: Future<Output = Result<Response<Body>, Infallible>>,
    {
        let _live = Live::of(&self.live);
        if let Some((script, stream)) = self.speak(slot, stream, visit).await {
            play(script, stream).await;
        }
    }

    /// Speaks HTTP until the connection ends, or until a handler wants a script to be played on it instead.
    async fn speak<T, F, R>(&self, slot: &ScriptSlot, stream: T, visit: F) -> Option<(Script, T)>
    where
        T: Transport,
        F: Fn(Request<Incoming>) -> R,
        R: Future<Output = Result<Response<Body>, Infallible>>,
    {
        let (gauge, blocked) = Gauge::new(stream, slot);
        let mut connection = http1::Builder::new()
            .auto_date_header(false)
            .header_read_timeout(None)
            // Looking whether the client leaves is up to the gauge.
            .half_close(true)
            .serve_connection(TokioIo::new(gauge), service_fn(visit));
        let mut stopping = self.stopping.subscribe();
        let mut stopped = pin!(async move { stopping.wait_for(|stop| *stop == Stopping::Yes).await.is_ok() });
        let mut told = false;
        // Who waits for the end of the door is woken by it, so it is asked again only when it ends, or when somebody else
        // is to be woken.
        let mut woken: Option<Waker> = None;
        let script = std::future::poll_fn(|context| {
            let knows = woken
                .as_ref()
                .is_some_and(|woken| woken.will_wake(context.waker()));
            if !told && (!knows || self.stops.load(Ordering::Acquire)) {
                woken = Some(context.waker().clone());
                if stopped.as_mut().poll(context).is_ready() {
                    told = true;
                    Pin::new(&mut connection).graceful_shutdown();
                }
            }
            // Errors of a connection are the client's affair; the guards of its calls tell what matters.
            if Pin::new(&mut connection).poll(context).is_ready() {
                return Poll::Ready(None);
            }
            // What was buffered before the script leaves before it.
            match blocked.load(Ordering::Relaxed) {
                true => Poll::Pending,
                false => slot
                    .take()
                    .map_or(Poll::Pending, |script| Poll::Ready(Some(script))),
            }
        })
        .await?;
        let stream = connection.into_parts().io.into_inner().into_inner();
        Some((script, stream))
    }
}

/// What steps the backend and carries its answers to the connections.
pub type MockDriver<C> = Stepper<C, Carrier>;

impl Mock {
    /// A server around `core`, and the driver that somebody has to run.
    pub fn new<C>(core: C, clock: Clock, options: MockOptions) -> (Self, MockDriver<C>)
    where
        C: Core<Input = Input, Output = Output>,
    {
        let bodies = bodies_of(&options);
        Self::made(core, clock, options, None, bodies)
    }

    /// The same for a session that has a record, and shares the room for long bodies with others.
    pub(super) fn recorded<C>(
        core: C,
        clock: Clock,
        options: MockOptions,
        session: Session,
        bodies: Arc<Semaphore>,
    ) -> (Self, MockDriver<C>)
    where
        C: Core<Input = Input, Output = Output>,
    {
        Self::made(core, clock, options, Some(session), bodies)
    }

    fn made<C>(
        core: C,
        clock: Clock,
        options: MockOptions,
        session: Option<Session>,
        bodies: Arc<Semaphore>,
    ) -> (Self, MockDriver<C>)
    where
        C: Core<Input = Input, Output = Output>,
    {
        let (postbox, inbox) = inbox();
        let shared = Arc::new(Shared {
            clock: clock.clone(),
            shown: match options.account_keys.is_empty() {
                true => HeaderValue::try_from(format!("Bearer {}", options.api_key)).ok(),
                false => None,
            },
            book: Mutex::new(Book::new(options.seen_max, options.known_max)),
            bodies,
            options,
            postbox,
            door: Door::default(),
            session,
        });
        let carrier = Carrier(Arc::clone(&shared));
        (Self(shared), Stepper::new(clock, inbox, core, carrier))
    }

    /// Serves one connection until it ends, over TCP or in memory alike.
    ///
    /// There are no time-outs: an idle connection stays, since nothing but the fault plan decides about its end.
    pub async fn serve_connection(&self, stream: impl Transport) {
        let slot = ScriptSlot::default();
        let connection = self.0.book().connect();
        let (shared, slot) = (&self.0, &slot);
        let visit = |request: Request<Incoming>| {
            let visit = shared.welcome(&request, &Heads::of(request.headers()), connection, slot);
            async move { Ok::<_, Infallible>(routes::serve(shared, visit, request).await) }
        };
        self.0.door.serve(slot, stream, visit).await;
    }

    /// A new connection in memory: serves one end and gives the other away. Has to be called on the runtime.
    #[must_use]
    pub fn connect(&self) -> Pipe {
        let (client, server) = pipe();
        let mock = self.clone();
        tokio::spawn(async move { mock.serve_connection(server).await });
        client
    }

    /// Tells the backend that the connection for `exchange` was refused by the rule of this number.
    pub fn refused(&self, exchange: Exchange, rule: u32) {
        self.0.post(Input::Refused { exchange, rule });
    }

    /// Lets every connection end behind the reply in progress, and idle ones at once.
    pub fn stop(&self) {
        self.0.door.stop();
    }

    /// Waits until no connection is being served.
    pub async fn drained(&self) {
        self.0.door.drained().await;
    }

    /// The requests seen so far.
    #[must_use]
    pub fn seen(&self) -> RequestLog {
        self.0.book().seen.clone()
    }
}

/// The room for long bodies.
pub(super) fn bodies_of(options: &MockOptions) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(options.bodies_max / BODY_UNIT))
}

/// Counts a connection while it is served.
struct Live<'a>(&'a watch::Sender<usize>);

impl<'a> Live<'a> {
    fn of(live: &'a watch::Sender<usize>) -> Self {
        live.send_modify(|live| *live += 1);
        Self(live)
    }
}

impl Drop for Live<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|live| *live -= 1);
    }
}

/// The core that this server was made for.
impl Core for Service {
    type Input = Input;
    type Output = Output;

    fn next_deadline(&self) -> Option<SimTime> {
        Self::next_deadline(self)
    }

    fn step(&mut self, now: SimTime, batch: &mut Vec<Input>, out: &mut Vec<Output>) {
        Self::step(self, now, batch, out);
    }
}

impl Shared {
    /// A panic elsewhere is a failure of the whole run; the book itself stays whole.
    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the backend something, as of now.
    pub(super) fn post(&self, input: Input) {
        self.postbox.post(self.clock.now(), input);
    }

    pub(super) fn welcome<'a, B>(
        &'a self,
        request: &Request<B>,
        heads: &Heads<'_>,
        connection: ConnectionNo,
        slot: &'a ScriptSlot,
    ) -> Visit<'a> {
        let at = self.clock.now();
        let exchange = heads.exchange.map(exchange_of);
        if self.options.seen_max > 0 {
            let path = request.uri().path_and_query();
            self.book().seen.push(SeenRequest {
                at,
                method: request.method().as_str().to_owned(),
                path: path.map_or_else(String::new, |path| path.as_str().to_owned()),
                exchange: exchange.as_ref().and_then(|key| key.as_ref().ok().copied()),
                connection,
            });
        }
        let route = Route::of(request.uri().path());
        let ticket = self.session.as_ref().map(|Session { record, .. }| {
            let taken = route.filter(|route| route.takes(request.method().as_str()));
            record.arrive(at, request, taken.map_or(NOWHERE, Route::pattern), connection)
        });
        Visit {
            route,
            at,
            exchange,
            auth: match heads.authorization {
                known if known.is_some() && known == self.shown.as_ref() => Auth::Granted,
                other => auth_of(other, &self.options),
            },
            faults: heads.fault.cloned(),
            connection,
            slot,
            marks: self.marks(request.headers()),
            ticket,
        }
    }

    /// The fault rules whose header stands among these.
    fn marks(&self, headers: &HeaderMap) -> Vec<u32> {
        let rules = self.options.headers.iter();
        let marked = rules.filter(|(_, header)| shows(headers, header));
        marked.map(|(rule, _)| *rule).collect()
    }
}

/// Carries the backend's answers to whoever waits for them.
pub struct Carrier(Arc<Shared>);

impl fmt::Debug for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Carrier").finish_non_exhaustive()
    }
}

impl<C: Core<Input = Input, Output = Output>> Outlet<C> for Carrier {
    fn release(&mut self, _: SimTime, out: &mut Vec<Output>) {
        if out.is_empty() {
            return;
        }
        let mut book = self.0.book();
        for output in out.drain(..) {
            self.carry(&mut book, output);
        }
    }
}

impl Carrier {
    fn carry(&self, book: &mut Book, output: Output) {
        match output {
            Output::Made { response, .. } => book.seen.made(response),
            Output::Dropped { response } => book.forget(&response),
            Output::Heading { call, fields } => book.head(&call, fields),
            Output::Reply { call, reply, face } => book.reply(call, reply, face),
            Output::Part {
                call,
                reply,
                part,
                of,
            } => book.part(call, reply, part, of),
            Output::EventPart {
                call,
                event,
                part,
                of,
            } => {
                let taken = book.event_part(&call, event, part, of);
                self.give_up(call, taken);
            }
            Output::Event { call, event } => {
                let taken = book.event(&call, event);
                self.give_up(call, taken);
            }
            Output::Close { call, how } => book.close(&call, Piece::End(how)),
            Output::Webhook(send) => {
                tokio::spawn(deliver(Arc::clone(&self.0), send));
            }
        }
    }
}

impl Carrier {
    /// A reader that is too slow is told of as one that went away.
    fn give_up(&self, call: CallKey, taken: Taken) {
        if taken == Taken::TooSlow {
            self.0.post(Input::Gone { call });
        }
    }
}

/// Says that the client went away, unless its call is over by then.
pub(super) struct CallGuard {
    shared: Arc<Shared>,
    call: CallKey,
}

impl CallGuard {
    pub(super) const fn new(shared: Arc<Shared>, call: CallKey) -> Self {
        Self { shared, call }
    }
}

impl Drop for CallGuard {
    fn drop(&mut self) {
        if self.shared.book().abandon(&self.call) {
            self.shared.post(Input::Gone { call: self.call });
        }
    }
}

/// Accepts TCP connections and serves them until it is dropped.
pub async fn accept(mock: &Mock, listener: &TcpListener) -> Infallible {
    accept_each(listener, |stream| {
        let mock = mock.clone();
        async move { mock.serve_connection(stream).await }
    })
    .await
}

/// Accepts TCP connections and lets `serve` serve each until this is dropped.
pub(super) async fn accept_each<R>(listener: &TcpListener, serve: impl Fn(TcpStream) -> R) -> Infallible
where
    R: Future<Output = ()> + Send + 'static,
{
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Replies are written in one piece; held back, they would only wait for themselves.
                let _ = stream.set_nodelay(true);
                tokio::spawn(serve(stream));
            }
            // Mostly a connection that failed alone; if descriptors ran out, some have to come free first.
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// The pause after a connection that could not be accepted, so that a lasting trouble does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
