//! The stand-alone server: many sessions behind one address, with what controls and counts them.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderValue, Request, Response, header};
use hyper::body::Incoming;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::awake::Awake;
use super::body::Body;
use super::control::{self, CONTROL};
use super::heads::{Heads, OWN};
use super::metrics::{METRICS, metrics};
use super::pipe::{Pipe, Transport, pipe};
use super::reply::refuse_plainly;
use super::routes::{self, EXCHANGE_HEADER, FAULT_HEADER};
use super::script::ScriptSlot;
use super::server::{Door, MockOptions, accept_each, bodies_of};
use super::session::{Bell, Common, DEFAULT, LineSink, Room, RoomSetup, Tally};
use super::stock::Stock;
use crate::backend::{Bounds, ConnectionNo, SwitchSet};
use crate::check::{ClientJudgement, judge_client};
use crate::clock::{Clock, Pace};
use crate::fault::HeaderMatch;
use crate::scenario::{ServicePlan, nearest};
use crate::wire::ApiError;

/// The header that names the session of a request.
pub const SESSION_HEADER: &str = "x-lanebench-session";

/// How the stand-alone server is set up.
#[derive(Debug, Clone)]
pub struct FrontOptions {
    /// How each session presents itself. The keys of accounts and everything that a service says of itself are filled
    /// in from its plan.
    pub mock: MockOptions,
    /// The sessions that there may be at a time.
    pub sessions_max: usize,
    /// Ended responses that can be read in each session, at most.
    pub stored_max: u32,
    /// What the ended responses of each session keep of their requests, in all.
    pub stored_bytes_max: u64,
    /// What all sessions together keep of requests, responses, records and loaded scenarios, in bytes: 256 MiB by
    /// default. Of records and ended responses, the sessions that keep the most let go of their oldest; half is for
    /// responses in progress, conversations and scenarios, and each session may always keep its equal part of the other
    /// half. A request for more is refused with 429.
    pub kept_bytes_max: u64,
    /// What each session holds of responses in progress and of conversations; a request for more is refused with 429.
    /// 20,000 responses, 10,000 conversations, and 64 MiB of each by default.
    pub bounds: Bounds,
    /// Readings of the contract that hold whatever a session plays, before and after somebody loads something.
    pub switches: SwitchSet,
    /// Requests, responses and webhooks that the record of each session lists, of each sort.
    pub kept: usize,
    /// Where a line goes for each request that is over.
    pub log: Option<LineSink>,
}

impl Default for FrontOptions {
    fn default() -> Self {
        Self {
            mock: MockOptions::default(),
            sessions_max: 64,
            stored_max: 4_096,
            stored_bytes_max: 64 << 20,
            kept_bytes_max: 256 << 20,
            bounds: Bounds {
                open_max: 20_000,
                open_bytes_max: 64 << 20,
                conversations_max: 10_000,
                conversation_bytes_max: 64 << 20,
            },
            switches: SwitchSet::default(),
            kept: 2_000,
            log: None,
        }
    }
}

/// A handle of the stand-alone server. Cheap to clone.
#[derive(Clone)]
pub struct Front(pub(super) Arc<House>);

impl fmt::Debug for Front {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Front").finish_non_exhaustive()
    }
}

/// What is said of the clients of one session.
#[derive(Debug, Clone)]
pub struct SessionVerdict {
    /// The session.
    pub session: Arc<str>,
    /// Requests in all.
    pub requests: u64,
    /// A judgement a rule.
    pub judged: Vec<ClientJudgement>,
}

/// Everything behind the address.
pub(super) struct House {
    pub(super) options: FrontOptions,
    /// What a session plays unless somebody loads something else.
    base: Arc<RoomSetup>,
    /// A clock of the pace of all.
    clock: Clock,
    /// When the server began.
    pub(super) began: Instant,
    sessions: Mutex<BTreeMap<Arc<str>, Arc<Room>>>,
    pub(super) tally: Arc<Tally>,
    pub(super) door: Door,
    /// Where time is real, nobody waits for the server to wake up.
    awake: Option<Awake>,
    /// Room for long bodies, of all sessions together.
    bodies: Arc<Semaphore>,
    /// What all sessions together keep.
    pub(super) stock: Arc<Stock>,
}

/// Why there is no session of a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum SessionError {
    /// The name cannot be one.
    #[error("`{0}` is no name of a session: use at most {NAME_MAX} letters, digits, `-`, `_` and `.`")]
    Name(String),
    /// There are too many.
    #[error(
        "there are {0} sessions already, as many as may be: end one with DELETE {CONTROL}/sessions/NAME, or start the server with a higher `--sessions`"
    )]
    TooMany(usize),
}

impl SessionError {
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::Name(_) => "invalid_session",
            Self::TooMany(_) => "too_many_sessions",
        }
    }

    /// As an error that no client library tries again.
    pub(super) fn api_error(&self) -> ApiError {
        let error = ApiError::plain(400, "lanebench_error", Some(self.code()), None, self.to_string());
        error.with_should_retry(false)
    }
}

/// The longest name of a session.
const NAME_MAX: usize = 64;

fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(fits)
}

impl Front {
    /// A server whose sessions play `plan`; `text` is what that was read from. Has to be called on the runtime.
    #[must_use]
    pub fn new(plan: ServicePlan, text: Option<Arc<str>>, clock: Clock, options: FrontOptions) -> Self {
        let house = House {
            bodies: bodies_of(&options.mock),
            stock: Stock::new(options.kept_bytes_max, options.sessions_max),
            awake: matches!(clock.pace(), Pace::Real(_)).then(Awake::begin),
            options,
            base: Arc::new(RoomSetup { plan, text }),
            clock,
            began: Instant::now(),
            sessions: Mutex::default(),
            tally: Arc::default(),
            door: Door::default(),
        };
        let front = Self(Arc::new(house));
        // The default session is there from the start, whatever the bound.
        front.0.open(
            &mut front.0.sessions(),
            &DEFAULT.into(),
            Arc::clone(&front.0.base),
        );
        front
    }

    /// Serves one connection until it ends, over TCP or in memory alike.
    pub async fn serve_connection(&self, stream: impl Transport) {
        let slot = ScriptSlot::default();
        let guest = &Guest {
            house: Arc::clone(&self.0),
            slot: slot.clone(),
            places: Mutex::default(),
            bell: Arc::default(),
        };
        let visit = |request| async move {
            let reply = guest.visit(request).await;
            guest.house.awake.iter().for_each(Awake::replied);
            Ok::<_, Infallible>(reply)
        };
        self.0.door.serve(&slot, stream, visit).await;
    }

    /// A new connection in memory: serves one end and gives the other away. Has to be called on the runtime.
    #[must_use]
    pub fn connect(&self) -> Pipe {
        let (client, server) = pipe();
        let front = self.clone();
        tokio::spawn(async move { front.serve_connection(server).await });
        client
    }

    /// Accepts TCP connections and serves them until this is dropped.
    pub async fn accept(&self, listener: &TcpListener) -> Infallible {
        accept_each(listener, |stream| {
            let front = self.clone();
            async move { front.serve_connection(stream).await }
        })
        .await
    }

    /// Lets every connection end behind the reply in progress, and idle ones at once.
    pub fn stop(&self) {
        self.0.door.stop();
    }

    /// Waits until no connection is being served.
    pub async fn drained(&self) {
        self.0.door.drained().await;
    }

    /// Ends every session: what is still in progress is on record as broken off.
    pub fn close(&self) {
        for room in std::mem::take(&mut *self.0.sessions()).values() {
            room.close();
        }
    }

    /// Judges the clients of every session, by name.
    #[must_use]
    pub fn verdicts(&self) -> Vec<SessionVerdict> {
        let rooms: Vec<(Arc<str>, Arc<Room>)> = {
            let sessions = self.0.sessions();
            let each = sessions.iter();
            each.map(|(name, room)| (Arc::clone(name), Arc::clone(room)))
                .collect()
        };
        rooms.iter().map(|(name, room)| verdict_of(name, room)).collect()
    }
}

/// Judges the clients of one session.
pub(super) fn verdict_of(name: &Arc<str>, room: &Room) -> SessionVerdict {
    let (exchanges, requests) = {
        let sight = room.record.sight();
        (sight.client.iter().cloned().collect::<Vec<_>>(), sight.seen)
    };
    SessionVerdict {
        session: Arc::clone(name),
        requests,
        judged: judge_client(&exchanges, room.clock.now()),
    }
}

type Sessions = BTreeMap<Arc<str>, Arc<Room>>;

impl House {
    /// A panic elsewhere leaves the map whole, so a poisoned lock is as good as any.
    pub(super) fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session of this name; a new one if there is none and room for it.
    pub(super) fn session(&self, name: &str) -> Result<Arc<Room>, SessionError> {
        let mut sessions = self.sessions();
        if let Some(room) = sessions.get(name) {
            return Ok(Arc::clone(room));
        }
        if !is_name(name) {
            return Err(SessionError::Name(name.chars().take(NAME_MAX).collect()));
        }
        if sessions.len() >= self.options.sessions_max.max(1) {
            self.tally.refuse_session();
            return Err(SessionError::TooMany(sessions.len()));
        }
        Ok(self.open(&mut sessions, &name.into(), Arc::clone(&self.base)))
    }

    /// Lets a session begin anew, with `setup` or as the server was started.
    pub(super) fn renew(&self, name: &Arc<str>, setup: Option<Arc<RoomSetup>>) -> Arc<Room> {
        let mut sessions = self.sessions();
        if let Some(old) = sessions.remove(name) {
            old.close();
        }
        let setup = setup.unwrap_or_else(|| Arc::clone(&self.base));
        self.open(&mut sessions, name, setup)
    }

    /// Ends a session.
    ///
    /// - returns: whether there was one.
    pub(super) fn end(&self, name: &str) -> bool {
        let gone = self.sessions().remove(name);
        if let Some(room) = &gone {
            room.close();
        }
        gone.is_some()
    }

    fn open(&self, sessions: &mut Sessions, name: &Arc<str>, setup: Arc<RoomSetup>) -> Arc<Room> {
        let clock = self.clock.anew();
        // Where time is moved by hand, it begins when the plan says, so that every run is the same.
        let epoch = match clock.pace() {
            Pace::Manual | Pace::Virtual => None,
            Pace::Real(_) => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .ok()
                .map(|gone| gone.as_secs()),
        };
        let common = Common {
            options: &self.options.mock,
            sink: self.options.log.as_ref(),
            kept: self.options.kept,
            stored_max: self.options.stored_max,
            stored_bytes_max: self.options.stored_bytes_max,
            bounds: self.options.bounds,
            base: &self.base,
            switches: &self.options.switches,
            bodies: &self.bodies,
            stock: &self.stock,
            tally: &self.tally,
        };
        let room = Room::open(name, setup, clock, epoch, &common);
        sessions.insert(Arc::clone(name), Arc::clone(&room));
        room
    }

    /// Whether this is a key of the server as it was started.
    fn is_key(&self, key: &str) -> bool {
        let accounts = &self.base.plan.profile.contract.accounts;
        key == &*self.options.mock.api_key || accounts.iter().any(|account| *account.key == *key)
    }
}

/// A connection.
struct Guest {
    house: Arc<House>,
    slot: ScriptSlot,
    /// The sessions that it visited, with its number in each.
    places: Mutex<Vec<(Arc<Room>, ConnectionNo)>>,
    /// Rings when one of them ends.
    bell: Arc<Bell>,
}

impl Guest {
    async fn visit(&self, mut request: Request<Incoming>) -> Response<Body> {
        let path = request.uri().path();
        if let Some(rest) = path
            .strip_prefix(CONTROL)
            .filter(|rest| rest.is_empty() || rest.starts_with('/'))
        {
            let rest = rest.to_owned();
            return control::answer(&self.house, &self.slot, &rest, request).await;
        }
        if path == METRICS {
            return metrics(&self.house, request.method());
        }
        let (mut heads, mut by_key) = (Heads::of(request.headers()), None);
        if let Some((name, rest)) = self.split_key(&heads) {
            by_key = Some(name);
            request.headers_mut().insert(header::AUTHORIZATION, rest);
            heads = Heads::of(request.headers());
        }
        let place = name_of(&heads, by_key.as_deref()).and_then(|name| self.place_in(name));
        let (room, connection) = match place {
            Ok(place) => place,
            Err(error) => return refuse_plainly(&error.api_error()),
        };
        let server = &room.mock.0;
        let visit = server.welcome(&request, &heads, connection, &self.slot);
        let unknown = match heads.others {
            true => unknown_header(request.headers(), &server.options.headers),
            false => None,
        };
        if let Some(error) = unknown {
            if let Some(ticket) = &visit.ticket {
                ticket.refused(error.http, Some(error.message.to_string()));
            }
            return refuse_plainly(&error);
        }
        let mut reply = pin!(routes::serve(server, visit, request));
        poll_fn(|context| {
            if let Poll::Ready(reply) = reply.as_mut().poll(context) {
                return Poll::Ready(reply);
            }
            self.bell.wakes(context.waker());
            match room.is_over() {
                true => Poll::Ready(refuse_plainly(&ended())),
                false => Poll::Pending,
            }
        })
        .await
    }

    /// The session of this name, and the number of this connection in it.
    fn place_in(&self, name: &str) -> Result<(Arc<Room>, ConnectionNo), SessionError> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let known = places
            .iter()
            .find(|(known, _)| *known.record.session == *name && !known.is_over());
        if let Some((room, number)) = known {
            return Ok((Arc::clone(room), *number));
        }
        let room = self.house.session(name)?;
        places.retain(|(known, _)| !known.is_over());
        let number = room.mock.0.book().connect();
        places.push((Arc::clone(&room), number));
        room.ring(&self.bell);
        Ok((room, number))
    }

    /// The session that the key of a request names behind a `:`, and the rest of the key.
    fn split_key(&self, heads: &Heads<'_>) -> Option<(String, HeaderValue)> {
        let value = heads.authorization?;
        let colon = value.as_bytes().iter().rposition(|letter| *letter == b':')?;
        let value = value.to_str().ok()?;
        let (rest, name) = (&value[..colon], &value[colon + 1..]);
        let key = value.split_once(' ').map_or(value, |(_, key)| key.trim());
        if !is_name(name) || self.house.is_key(key) {
            return None;
        }
        Some((name.to_owned(), HeaderValue::try_from(rest).ok()?))
    }
}

/// The session that a request names: by its header, or by its key.
fn name_of<'a>(heads: &Heads<'a>, by_key: Option<&'a str>) -> Result<&'a str, SessionError> {
    let Some(value) = heads.session else {
        return Ok(by_key.unwrap_or(DEFAULT));
    };
    match std::str::from_utf8(value.as_bytes()) {
        Ok(name) if is_name(name) => Ok(name),
        _ => {
            let name = String::from_utf8_lossy(value.as_bytes());
            Err(SessionError::Name(name.chars().take(NAME_MAX).collect()))
        }
    }
}

/// What is said to whoever waited when a session ended.
fn ended() -> ApiError {
    let message = "The session was reset or ended while this request was in progress.";
    ApiError::plain(503, "lanebench_error", Some("session_ended"), None, message).with_should_retry(false)
}

/// The headers of ours that a request may show.
const OWN_HEADERS: [&str; 3] = [SESSION_HEADER, FAULT_HEADER, EXCHANGE_HEADER];

/// A header of ours that does not exist would do nothing, and nobody would notice.
fn unknown_header(headers: &HeaderMap, rules: &[(u32, HeaderMatch)]) -> Option<ApiError> {
    let ours = headers.keys().map(http::HeaderName::as_str);
    let unknown = ours
        .filter(|name| name.starts_with(OWN))
        .find(|name| !OWN_HEADERS.contains(name) && !rules.iter().any(|(_, rule)| *rule.name == **name))?;
    let help = match nearest(unknown, OWN_HEADERS) {
        Some(meant) => format!("did you mean '{meant}'?"),
        None => format!("known are '{SESSION_HEADER}' and '{FAULT_HEADER}'."),
    };
    let message = format!("Unknown header '{unknown}': {help}");
    Some(ApiError::plain(
        400,
        "lanebench_error",
        Some("unknown_header"),
        None,
        message,
    ))
}
