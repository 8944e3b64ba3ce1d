//! The routes of the contract: from bytes to what is asked.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::body::Body;
use super::book::{Answer, Subject};
use super::paths::{Route, hint_for, word};
use super::reply::{Stamp, answer, refuse};
use super::script::ScriptSlot;
use super::server::{CallGuard, MockOptions, Session, Shared};
use super::session::Ticket;
use super::side::{includes_of, pairs_of, read_side};
use crate::backend::{Auth, CallKey, ConnectionNo, Input};
use crate::fault::{Fault, INJECTED_MAX, Target};
use crate::report::{Paint, render_all};
use crate::scenario::{Diagnostics, Sources, faults_of_header};
use crate::units::{Exchange, ExchangeError, ExchangeKind, SimTime};
use crate::wire::{ApiError, Ask, Echo, Obfuscation, ResponseId, Side, Talk, parse_create};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// The header in which our own runtime sends the key of an exchange.
pub const EXCHANGE_HEADER: &str = "x-lanebench-exchange";

/// The header in which a request asks for faults of its own, where its session has a record.
pub const FAULT_HEADER: &str = "x-lanebench-fault";

/// The header of a reply that says what the sender of a stray request may have meant.
pub const HINT_HEADER: &str = "x-lanebench-hint";

/// The longest body of a request, in bytes.
pub const BODY_MAX: usize = 16 << 20;

/// Bodies are counted by so many bytes; shorter ones not at all.
pub(super) const BODY_UNIT: usize = 64 << 10;

/// How much of a body that is too long is read and thrown away, so that the client gets to see the reply.
const DISCARD_MAX: usize = 4 * BODY_MAX;

/// A request on its way through the routes, as far as it is known before its body.
pub(super) struct Visit<'a> {
    /// The route of its path, whether or not that takes its method.
    pub(super) route: Option<Route>,
    /// When its head had arrived.
    pub(super) at: SimTime,
    pub(super) exchange: Option<Result<Exchange, ExchangeError>>,
    pub(super) auth: Auth,
    /// The header in which it asks for faults of its own.
    pub(super) faults: Option<HeaderValue>,
    pub(super) connection: ConnectionNo,
    pub(super) slot: &'a ScriptSlot,
    /// The fault rules whose header it shows.
    pub(super) marks: Vec<u32>,
    /// Its place in the record of its session, if that has one.
    pub(super) ticket: Option<Ticket<'a>>,
}

impl Visit<'_> {
    /// Takes down the body.
    fn body(&self, body: &[u8]) {
        if let Some(ticket) = &self.ticket {
            ticket.body(body);
        }
    }
}

/// Answers a request, which takes the route that its path and method say.
pub(super) async fn serve(
    shared: &Arc<Shared>,
    visit: Visit<'_>,
    request: Request<Incoming>,
) -> Response<Body> {
    let route = visit.route;
    let (mut caller, body) = Caller::of(shared, visit, request);
    match route {
        None => caller.stray(),
        Some(route) if !route.takes(caller.method.as_str()) => caller.not_allowed(route),
        Some(Route::Responses) => create(&mut caller, body).await,
        Some(Route::Response) if caller.method == Method::DELETE => {
            about(&mut caller, body, ExchangeKind::Delete, Ask::Delete).await
        }
        Some(Route::Response) => read(&mut caller).await,
        Some(Route::Cancel) => about(&mut caller, body, ExchangeKind::Cancel, Ask::Cancel).await,
        Some(route) => side(&mut caller, body, route).await,
    }
}

/// The key that a request shows in its header.
pub(super) fn exchange_of(value: &HeaderValue) -> Result<Exchange, ExchangeError> {
    String::from_utf8_lossy(value.as_bytes()).parse()
}

async fn create(caller: &mut Caller<'_>, body: Incoming) -> Response<Body> {
    let parsed = match read_body(caller.shared, body).await {
        Ok((bytes, _room)) => {
            caller.visit.body(&bytes);
            parse_create(&bytes)
        }
        Err(error) => return caller.refuse(&error),
    };
    let (ask, echo) = match parsed {
        Ok((_, echo)) if !caller.has_room(echo.weight()) => return caller.refuse(&too_much()),
        Ok((mut create, echo)) => {
            create.request = Some(echo.clone());
            (Ok(Ask::Create(Arc::new(create))), Some(echo))
        }
        Err(error) => (Err(error), None),
    };
    caller.call(ExchangeKind::Create, ask, echo, None).await
}

async fn read(caller: &mut Caller<'_>) -> Response<Body> {
    let Some(id) = caller.response() else {
        return caller.stray();
    };
    match read_query(&caller.uri) {
        Ok(Reading::Whole { include }) => {
            let ask = match include.is_empty() {
                true => Ask::Poll(id),
                false => Ask::Included { id, include },
            };
            caller.call(ExchangeKind::Poll, Ok(ask), None, None).await
        }
        Ok(Reading::Stream { after, obfuscation }) => {
            let ask = Ask::Stream { id, after };
            caller
                .call(ExchangeKind::Stream, Ok(ask), None, Some(obfuscation))
                .await
        }
        Err((kind, error)) => caller.call(kind, Err(error), None, None).await,
    }
}

/// A request whose body does not matter: clients send none, an empty one or `{}`.
async fn about(
    caller: &mut Caller<'_>,
    body: Incoming,
    kind: ExchangeKind,
    ask: impl Fn(ResponseId) -> Ask,
) -> Response<Body> {
    let Some(id) = caller.response() else {
        return caller.stray();
    };
    match read_body(caller.shared, body).await {
        Ok((body, _room)) => {
            caller.visit.body(&body);
            caller.call(kind, Ok(ask(id)), None, None).await
        }
        Err(error) => caller.refuse(&error),
    }
}

async fn side(caller: &mut Caller<'_>, body: Incoming, route: Route) -> Response<Body> {
    let (body, _room) = match read_body(caller.shared, body).await {
        Ok(body) => body,
        Err(error) => return caller.refuse(&error),
    };
    caller.visit.body(&body);
    match read_side(route, &caller.method, &caller.uri, &body) {
        Some(Ok(ask)) if adds(&ask) && !caller.has_room(body.len()) => caller.refuse(&too_much()),
        Some(ask) => caller.call_side(ask.map(Box::new)).await,
        None => caller.stray(),
    }
}

/// Whether something is kept that was not before, until somebody deletes it.
const fn adds(ask: &Side) -> bool {
    matches!(ask, Side::Conversation(Talk::Make { .. } | Talk::AddItems { .. }))
}

/// What is said where all sessions together have no room for more.
fn too_much() -> ApiError {
    let message = "All sessions together keep as much of their requests as they may, and this one its part of it. Wait \
                   until responses of this session have ended, or cancel them; delete conversations; or end sessions \
                   that are not needed any more.";
    ApiError::held_enough("too_much_kept", message.to_owned())
}

/// Who sent a request, and how to answer.
struct Caller<'a> {
    shared: &'a Arc<Shared>,
    visit: Visit<'a>,
    method: Method,
    uri: Uri,
    /// The headers, until the reply takes their room.
    headers: HeaderMap,
}

impl<'a> Caller<'a> {
    fn of(shared: &'a Arc<Shared>, visit: Visit<'a>, request: Request<Incoming>) -> (Self, Incoming) {
        let (head, body) = request.into_parts();
        let caller = Self {
            shared,
            visit,
            method: head.method,
            uri: head.uri,
            headers: head.headers,
        };
        (caller, body)
    }

    /// Whether there is room for so many more bytes of a request.
    fn has_room(&self, bytes: usize) -> bool {
        let session = self.shared.session.as_ref();
        session.is_none_or(|session| session.share.has_room(bytes as u64))
    }

    /// The response that the path names; none if that is no text.
    fn response(&self) -> Option<ResponseId> {
        word(self.uri.path(), 1).map(|id| ResponseId((*id).into()))
    }

    /// Asks the backend, and answers as it says.
    ///
    /// - `obfuscation`: what a reader of a stream says about padding.
    async fn call(
        &mut self,
        kind: ExchangeKind,
        ask: Result<Ask, ApiError>,
        echo: Option<Echo>,
        obfuscation: Option<Obfuscation>,
    ) -> Response<Body> {
        let subject = match &ask {
            Ok(Ask::Create(create)) => Subject {
                response: None,
                origin: create.origin,
            },
            Ok(other) => Subject {
                response: other.response().cloned(),
                origin: None,
            },
            Err(_) => Subject::default(),
        };
        let about = subject.response.clone();
        let (call, receiver) = match self.open(kind, ask.is_ok(), echo, subject) {
            Ok(opened) => opened,
            Err(error) => return self.refuse(&error),
        };
        let auth = self.visit.auth.clone();
        let ask = ask.map_err(Box::new);
        self.shared.post(Input::Request { call, auth, ask });
        self.finish(call, about, receiver, obfuscation).await
    }

    /// Asks the backend something beside the life of a response.
    async fn call_side(&mut self, ask: Result<Box<Side>, ApiError>) -> Response<Body> {
        let (call, receiver) = match self.open(ExchangeKind::Other, ask.is_ok(), None, Subject::default()) {
            Ok(opened) => opened,
            Err(error) => return self.refuse(&error),
        };
        let auth = self.visit.auth.clone();
        let ask = ask.map_err(Box::new);
        self.shared.post(Input::Side { call, auth, ask });
        self.finish(call, None, receiver, None).await
    }

    /// Opens a call, with what it shows and the faults that strike it.
    fn open(
        &self,
        kind: ExchangeKind,
        is_valid: bool,
        echo: Option<Echo>,
        subject: Subject,
    ) -> Result<(CallKey, oneshot::Receiver<Answer>), ApiError> {
        let faults = self.faults(kind, is_valid)?;
        let mut book = self.shared.book();
        let call = match self.key(kind)? {
            Some(key) => key,
            None => book.stranger(kind, self.visit.connection),
        };
        let opened = book.open(call, echo, subject);
        drop(book);
        let Some(receiver) = opened else {
            let message = format!("The exchange '{}' is already in progress.", call.exchange);
            return Err(ApiError::invalid(None, None, message));
        };
        self.mark(call, faults);
        Ok((call, receiver))
    }

    /// Says which rules look at a header that this request shows, and which faults were injected for it.
    fn mark(&self, call: CallKey, faults: Vec<(Target, Fault)>) {
        if let Some(ticket) = &self.visit.ticket {
            ticket.call(call);
        }
        if !self.visit.marks.is_empty() {
            let rules = self.visit.marks.as_slice().into();
            self.shared.post(Input::Marked { call, rules });
        }
        if !faults.is_empty() {
            let faults = faults.into();
            self.shared.post(Input::Injected { call, faults });
        }
    }

    /// The faults that the call asks for itself or that were injected for the next of its sort. A request that is refused
    /// for what it says uses up none of the latter: they are for one that works.
    fn faults(&self, kind: ExchangeKind, is_valid: bool) -> Result<Vec<(Target, Fault)>, ApiError> {
        let mut faults = Vec::new();
        if let (Some(ticket), Some(Session { epoch, .. })) = (&self.visit.ticket, &self.shared.session) {
            if let Some(asked) = &self.visit.faults {
                faults = own_faults(asked, kind, *epoch)?;
            }
            let shots = is_valid.then_some(kind);
            if !ticket.shots(shots, &self.headers, &mut faults) {
                let message = format!(
                    "This session has seen {INJECTED_MAX} different injected faults, as many as it can: POST \
                     /_lanebench/reset begins it anew."
                );
                let code = Some("too_many_faults");
                return Err(ApiError::plain(400, "lanebench_error", code, None, message));
            }
        }
        Ok(faults)
    }

    async fn finish(
        &mut self,
        call: CallKey,
        about: Option<ResponseId>,
        receiver: oneshot::Receiver<Answer>,
        obfuscation: Option<Obfuscation>,
    ) -> Response<Body> {
        // Dropped with this future, it says that the client went away.
        let guard = CallGuard::new(Arc::clone(self.shared), call);
        self.visit.slot.waits();
        let Ok(mut reply) = receiver.await else {
            // Nobody drops the sender of a call that still has its guard; a reader is never told a made-up reply.
            return std::future::pending().await;
        };
        reply.obfuscation = obfuscation;
        let mut stamp = Stamp::of_call(self.shared, &call, self.visit.at);
        stamp.take_room(&mut self.headers);
        match answer(reply, guard, stamp, about.as_ref(), self.visit.slot, self.shared) {
            Ok(response) => response,
            Err(script) => {
                self.visit.slot.put(script);
                // The handler waits to be dropped with the rest of the orderly conversation.
                std::future::pending().await
            }
        }
    }

    /// The key of the call that it shows; none if it comes from a stranger.
    fn key(&self, kind: ExchangeKind) -> Result<Option<CallKey>, ApiError> {
        let connection = ConnectionNo::default();
        match &self.visit.exchange {
            None => Ok(None),
            Some(Ok(exchange)) if exchange.kind() == kind => Ok(Some(CallKey {
                exchange: *exchange,
                connection,
            })),
            Some(Ok(exchange)) => {
                let message = format!("The exchange '{exchange}' is not of the kind '{}'.", kind.word());
                Err(ApiError::invalid(None, None, message))
            }
            Some(Err(error)) => {
                let message = format!("Invalid header '{EXCHANGE_HEADER}': {error}.");
                Err(ApiError::invalid(None, None, message))
            }
        }
    }

    /// Answers without asking the backend.
    fn refuse(&self, error: &ApiError) -> Response<Body> {
        self.refuse_with(error, None)
    }

    /// The same, with what its sender may have meant.
    fn refuse_with(&self, error: &ApiError, hint: Option<String>) -> Response<Body> {
        let mut reply = refuse(error, Stamp::of_stray(self.shared, self.visit.at));
        if let Some(ticket) = &self.visit.ticket {
            if let Some(hint) = hint.as_ref().and_then(|hint| HeaderValue::try_from(hint).ok()) {
                reply.headers_mut().insert(HINT_HEADER, hint);
            }
            ticket.refused(error.http, hint);
        }
        reply
    }

    /// Answers a request with a method that its route does not take.
    fn not_allowed(&self, route: Route) -> Response<Body> {
        let (method, path) = (self.method.as_str(), self.uri.path());
        let message = format!("Not allowed to {method} on {path}.");
        let error = ApiError::plain(405, "invalid_request_error", None, None, message);
        let mut reply = self.refuse_with(&error, hint_for(method, path));
        if let Ok(methods) = HeaderValue::try_from(route.methods().join(", ")) {
            reply.headers_mut().insert(header::ALLOW, methods);
        }
        reply
    }

    /// Answers a request for what the service does not have.
    fn stray(&self) -> Response<Body> {
        let (method, path) = (self.method.as_str(), self.uri.path());
        self.refuse_with(&ApiError::invalid_url(method, path), hint_for(method, path))
    }
}

/// Reads the faults that a request asks for itself.
fn own_faults(value: &HeaderValue, kind: ExchangeKind, epoch: u64) -> Result<Vec<(Target, Fault)>, ApiError> {
    let value = String::from_utf8_lossy(value.as_bytes());
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    faults_of_header(FAULT_HEADER, &value, kind, epoch, &mut sources, &mut out).ok_or_else(|| {
        let text = render_all(&out, &sources, Paint::Plain);
        let message = format!("Invalid header '{FAULT_HEADER}': {}", text.trim_end());
        ApiError::plain(400, "lanebench_error", Some("invalid_fault"), None, message)
    })
}

/// Who a request says that it comes from.
pub(super) fn auth_of(authorization: Option<&HeaderValue>, options: &MockOptions) -> Auth {
    let Some(value) = authorization else {
        return Auth::Missing;
    };
    let text = value.to_str().map_or_else(
        |_| String::from_utf8_lossy(value.as_bytes()),
        std::borrow::Cow::Borrowed,
    );
    let shown = match text.split_once(' ') {
        Some((scheme, shown)) if scheme.eq_ignore_ascii_case("bearer") => shown.trim(),
        _ => "",
    };
    match shown {
        "" => Auth::Missing,
        right if options.account_keys.is_empty() && right == &*options.api_key => Auth::Granted,
        known if options.account_keys.iter().any(|key| **key == *known) => {
            let place = options.account_keys.iter().position(|key| **key == *known);
            Auth::Account(
                place
                    .and_then(|place| u16::try_from(place + 1).ok())
                    .unwrap_or(u16::MAX),
            )
        }
        wrong => Auth::Wrong { shown: masked(wrong) },
    }
}

/// The ends of a key, so that no log holds one.
pub(super) fn masked(key: &str) -> Arc<str> {
    let letters = key.chars().count();
    if letters <= 8 {
        return Arc::from("***");
    }
    let place = |letter| {
        key.char_indices()
            .nth(letter)
            .map_or(key.len(), |(place, _)| place)
    };
    [&key[..place(5)], "***", &key[place(letters - 2)..]]
        .concat()
        .into()
}

/// What a GET asks for.
enum Reading {
    Whole {
        /// What has to be shown beside the usual fields.
        include: Arc<[Arc<str>]>,
    },
    Stream {
        after: Option<u64>,
        obfuscation: Obfuscation,
    },
}

/// Reads the query of a GET; a mistake in it is told with the kind of exchange that was meant.
fn read_query(uri: &Uri) -> Result<Reading, (ExchangeKind, ApiError)> {
    if uri.query().is_none() {
        let include = Arc::from([]);
        return Ok(Reading::Whole { include });
    }
    let pairs = pairs_of(uri);
    let value = |name: &str| {
        let found = pairs.iter().rev().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    };
    let include = includes_of(&pairs).map_err(|error| (ExchangeKind::Poll, error))?;
    match value("stream") {
        None | Some("false") => return Ok(Reading::Whole { include }),
        Some("true") => {}
        Some(other) => {
            let error = ApiError::invalid_value("stream", other, &["true", "false"]);
            return Err((ExchangeKind::Poll, error));
        }
    }
    let obfuscation = match value("include_obfuscation") {
        None | Some("true") => Obfuscation::Wanted,
        Some("false") => Obfuscation::Refused,
        Some(other) => {
            let error = ApiError::invalid_value("include_obfuscation", other, &["true", "false"]);
            return Err((ExchangeKind::Stream, error));
        }
    };
    match value("starting_after").map(str::parse) {
        None => Ok(Reading::Stream {
            after: None,
            obfuscation,
        }),
        Some(Ok(number)) => Ok(Reading::Stream {
            after: Some(number),
            obfuscation,
        }),
        Some(Err(_)) => {
            let error = ApiError::invalid_type("starting_after", "an integer", "a string");
            Err((ExchangeKind::Stream, error))
        }
    }
}

/// Reads a body whole, as long as it is not too long.
async fn read_body(shared: &Shared, mut body: Incoming) -> Result<(Bytes, Room), ApiError> {
    let mut whole = Vec::new();
    let mut only = Bytes::new();
    let mut length = 0;
    let mut room = Room::default();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return Err(ApiError::invalid(
                None,
                None,
                "The body of the request broke off.",
            ));
        };
        let Ok(data) = frame.into_data() else { continue };
        length += data.len();
        match length {
            _ if length > DISCARD_MAX => break,
            _ if length > BODY_MAX => (whole, room) = (Vec::new(), Room::default()),
            _ if !room.fits(&shared.bodies, length) => return Err(ApiError::overloaded()),
            _ if length == data.len() => only = data,
            _ => {
                whole.extend_from_slice(&std::mem::take(&mut only));
                whole.extend_from_slice(&data);
            }
        }
    }
    match length {
        _ if length > BODY_MAX => {
            let message = format!("The body of the request is longer than {BODY_MAX} bytes.");
            Err(ApiError::plain(413, "invalid_request_error", None, None, message))
        }
        _ if whole.is_empty() => Ok((only, room)),
        _ => Ok((whole.into(), room)),
    }
}

/// The room that a long body takes, until it is read.
#[derive(Default)]
struct Room(Option<OwnedSemaphorePermit>);

impl Room {
    /// Takes room for a body of this length, if there is any.
    fn fits(&mut self, bodies: &Arc<Semaphore>, length: usize) -> bool {
        let taken = self.0.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = (length / BODY_UNIT).saturating_sub(taken);
        if more == 0 {
            return true;
        }
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        match Arc::clone(bodies).try_acquire_many_owned(more) {
            Ok(permit) => {
                match &mut self.0 {
                    Some(room) => room.merge(permit),
                    none => *none = Some(permit),
                }
                true
            }
            Err(_) => false,
        }
    }
}
