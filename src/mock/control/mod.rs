//! The control API: what a test may ask of the server and do to it. `lanebench schema control` describes it.
//!
//! Invariants: nothing here touches a session but the one that is named; a body that is wrong changes nothing and is
//! answered with the places of all its mistakes; no page of a browser can use it.

mod ask;
mod listing;
mod reply;
mod wait;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, Uri, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::json;

use super::body::Body;
use super::front::{House, SESSION_HEADER, verdict_of};
use super::script::ScriptSlot;
use super::session::{DEFAULT, Room, RoomSetup, SHOTS_MAX};
use super::side::{Pairs, pairs_of};
use crate::clock::Pace;
use crate::report::{SchemaKind, client_json};
use crate::scenario::{Builtin, OneShot, ServicePlan, nearest, quoted_list};
use crate::units::SimTime;

use ask::{checked, length};
use reply::{Refusal, answered, document, yaml};

/// Where the control API begins.
pub(super) const CONTROL: &str = "/_lanebench";

/// The longest body of a request, in bytes.
const BODY_MAX: usize = 1 << 20;

/// A request to the control API.
struct Call<'h> {
    house: &'h Arc<House>,
    query: Pairs,
    body: Bytes,
    session: Arc<str>,
}

type Outcome = Result<Response<Body>, Refusal>;

/// Answers a request for `path` below [`CONTROL`].
pub(super) async fn answer(
    house: &Arc<House>,
    slot: &ScriptSlot,
    path: &str,
    request: Request<Incoming>,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    let outcome = match admitted(&head.headers) {
        Ok(()) => match read(body).await {
            Ok(body) => {
                slot.waits();
                let query = pairs_of(&head.uri);
                let session = session_of(&head.headers, &query);
                let call = Call {
                    house,
                    query,
                    body,
                    session,
                };
                call.route(&head.method, path, &head.uri).await
            }
            Err(refusal) => Err(refusal),
        },
        Err(refusal) => Err(refusal),
    };
    outcome.unwrap_or_else(Refusal::into_reply)
}

/// A page in a browser says where it comes from; programs do not.
fn admitted(headers: &HeaderMap) -> Result<(), Refusal> {
    match headers.contains_key(header::ORIGIN) {
        true => Err(Refusal::new(
            403,
            "browser",
            "the control API is not for pages in browsers",
        )),
        false => Ok(()),
    }
}

async fn read(body: Incoming) -> Result<Bytes, Refusal> {
    match http_body_util::Limited::new(body, BODY_MAX).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(_) => Err(Refusal::new(
            413,
            "too_long",
            format!("the body broke off, or is longer than {BODY_MAX} bytes"),
        )),
    }
}

/// The session that a request names by query or header.
fn session_of(headers: &HeaderMap, query: &Pairs) -> Arc<str> {
    let by_query = query.iter().find(|(name, _)| name == "session");
    let by_header = || headers.get(SESSION_HEADER)?.to_str().ok();
    by_query
        .map(|(_, name)| name.as_str())
        .or_else(by_header)
        .unwrap_or(DEFAULT)
        .into()
}

/// Every path below [`CONTROL`] with its methods, for those who miss one.
const PATHS: [(&str, &[&str]); 14] = [
    ("", &["GET"]),
    ("/openapi.json", &["GET"]),
    ("/requests", &["GET"]),
    ("/requests/{seq}", &["GET"]),
    ("/responses", &["GET"]),
    ("/webhooks", &["GET"]),
    ("/verdict", &["GET"]),
    ("/faults", &["GET", "POST", "DELETE"]),
    ("/scenario", &["GET", "POST"]),
    ("/reset", &["POST"]),
    ("/advance", &["POST"]),
    ("/wait_for", &["POST"]),
    ("/sessions", &["GET"]),
    ("/sessions/{name}", &["DELETE"]),
];

impl Call<'_> {
    async fn route(&self, method: &Method, path: &str, uri: &Uri) -> Outcome {
        let path = path.trim_end_matches('/');
        match (method.as_str(), path) {
            ("GET", "") => self.overview(),
            ("GET", "/openapi.json") => Ok(document(200, SchemaKind::Control.schema())),
            ("GET", "/requests") => self.requests(),
            ("GET", "/responses") => self.responses(),
            ("GET", "/webhooks") => self.webhooks(),
            ("GET", "/verdict") => self.verdict(),
            ("GET", "/faults") => self.faults(),
            ("POST", "/faults") => self.inject(),
            ("DELETE", "/faults") => self.forget_faults(),
            ("GET", "/scenario") => self.scenario(),
            ("POST", "/scenario") => self.load(),
            ("POST", "/reset") => self.reset(),
            ("POST", "/advance") => self.advance().await,
            ("POST", "/wait_for") => self.wait_for().await,
            ("GET", "/sessions") => self.sessions(),
            (method, path) => match (
                method,
                path.strip_prefix("/requests/"),
                path.strip_prefix("/sessions/"),
            ) {
                ("GET", Some(seq), _) => self.request(seq),
                ("DELETE", _, Some(name)) => self.end(name),
                _ => Err(lost(method, path, uri)),
            },
        }
    }

    fn room(&self) -> Result<Arc<Room>, Refusal> {
        self.house
            .session(&self.session)
            .map_err(|error| Refusal::of_session(&error))
    }

    fn overview(&self) -> Outcome {
        let room = self.room()?;
        let paths: Vec<String> = PATHS
            .iter()
            .flat_map(|(path, methods)| {
                methods
                    .iter()
                    .map(move |method| format!("{method} {CONTROL}{path}"))
            })
            .collect();
        Ok(answered(&json!({
            "server": concat!("lanebench ", env!("CARGO_PKG_VERSION")),
            "session": &*self.session,
            "plays": &*room.setup.plan.title,
            "clock": listing::clock(&room),
            "paths": paths,
        })))
    }

    fn verdict(&self) -> Outcome {
        let room = self.room()?;
        let verdict = verdict_of(&self.session, &room);
        Ok(answered(&client_json(
            &verdict.session,
            &verdict.judged,
            verdict.requests,
        )))
    }

    fn inject(&self) -> Outcome {
        let room = self.room()?;
        let shot = checked("body", &self.body, |name, body, sources, out| {
            OneShot::read(name, body, room.epoch, sources, out)
        })?;
        let number = room.record.sight().shots.add(shot);
        match number {
            Some(number) => Ok(answered(&json!({ "fault": number }))),
            None => Err(Refusal::new(
                409,
                "too_many_faults",
                format!(
                    "{SHOTS_MAX} faults wait for their requests already: DELETE {CONTROL}/faults forgets them"
                ),
            )),
        }
    }

    fn forget_faults(&self) -> Outcome {
        let forgotten = self.room()?.record.sight().shots.clear();
        Ok(answered(&json!({ "forgotten": forgotten })))
    }

    fn scenario(&self) -> Outcome {
        let room = self.room()?;
        match &room.setup.text {
            Some(text) => Ok(yaml(text)),
            None => Err(Refusal::new(
                404,
                "no_text",
                "what this session plays was not read from one text",
            )),
        }
    }

    /// Loads a text, or a profile by name, and begins anew with it.
    fn load(&self) -> Outcome {
        let profile = self.query.iter().find(|(name, _)| name == "profile");
        let setup = match profile {
            Some((_, name)) => {
                let builtin = Builtin::find(name).ok_or_else(|| unknown_profile(name))?;
                RoomSetup {
                    plan: builtin.plan(),
                    text: Some(builtin.text.into()),
                }
            }
            None => RoomSetup {
                plan: checked("body", &self.body, ServicePlan::read)?,
                text: Some(String::from_utf8_lossy(&self.body).into()),
            },
        };
        let room = self.room()?;
        let text = setup.text.as_ref().map_or(0, |text| text.len() as u64);
        let session = room.mock.0.session.as_ref();
        if session.is_some_and(|session| !session.share.has_room_to_play(text)) {
            let message = "all sessions together keep as much as they may, and this one its part of it: load a shorter \
                           text, or end sessions that are not needed any more";
            return Err(Refusal::new(429, "too_much_kept", message));
        }
        let room = self.house.renew(&self.session, Some(Arc::new(setup)));
        Ok(answered(&json!({
            "session": &*self.session,
            "plays": &*room.setup.plan.title,
            "faults": room.setup.plan.rules.len(),
        })))
    }

    /// Begins anew, with what the server was started with or with what the session plays.
    fn reset(&self) -> Outcome {
        let room = self.room()?;
        let keep = self.query.iter().find(|(name, _)| name == "keep");
        let setup = match keep.map(|(_, value)| value.as_str()) {
            None => None,
            Some("scenario") => Some(Arc::clone(&room.setup)),
            Some(other) => {
                let message = format!("`keep={other}` keeps nothing: use `keep=scenario`, or leave it out");
                return Err(Refusal::new(422, "invalid", message));
            }
        };
        let room = self.house.renew(&self.session, setup);
        Ok(answered(&json!({
            "session": &*self.session,
            "plays": &*room.setup.plan.title,
        })))
    }

    /// Moves the clock of the session on and waits until everything that became due was done.
    async fn advance(&self) -> Outcome {
        let room = self.room()?;
        let by = checked("body", &self.body, length)?;
        let from = room.clock.now();
        if from + by > SimTime::CAP {
            let message = format!("the clock ends at {}, and it shows {from}", SimTime::CAP);
            return Err(Refusal::new(422, "clock_ends", message));
        }
        room.clock.advance(by);
        room.settle().await;
        Ok(answered(&json!({
            "from_us": from.ticks(),
            "clock": listing::clock(&room),
        })))
    }

    fn sessions(&self) -> Outcome {
        Ok(answered(&listing::sessions(self.house)))
    }

    fn end(&self, name: &str) -> Outcome {
        if name == DEFAULT {
            let message = format!("the default session stays: POST {CONTROL}/reset begins it anew");
            return Err(Refusal::new(409, "default_session", message));
        }
        match self.house.end(name) {
            true => Ok(answered(&json!({ "ended": name }))),
            false => {
                let sessions = self.house.sessions();
                let known = sessions.keys().map(|name| &**name);
                let message = match nearest(name, known) {
                    Some(meant) => format!("there is no session `{name}`, did you mean `{meant}`?"),
                    None => format!("there is no session `{name}`"),
                };
                Err(Refusal::new(404, "no_session", message))
            }
        }
    }
}

fn unknown_profile(name: &str) -> Refusal {
    let meant = nearest(name, Builtin::names())
        .map_or_else(String::new, |meant| format!(", did you mean `{meant}`?"));
    let message = format!(
        "unknown profile `{name}`{meant}; profiles: {}",
        quoted_list(Builtin::names())
    );
    Refusal::new(422, "unknown_profile", message)
}

/// What is said to a request that takes no route.
fn lost(method: &str, path: &str, uri: &Uri) -> Refusal {
    let base = |path: &str| match path.strip_prefix('/').and_then(|path| path.split_once('/')) {
        Some((first, _)) => format!("/{first}"),
        None => path.to_owned(),
    };
    let same = PATHS.iter().find(|(known, _)| match known.contains('{') {
        true => base(known) == base(path) && path.matches('/').count() == 2,
        false => *known == path,
    });
    if let Some((_, methods)) = same {
        let message = format!("{} takes {}, not {method}", uri.path(), methods.join(", "));
        return Refusal::new(405, "method_not_allowed", message);
    }
    let meant = nearest(
        path,
        PATHS
            .iter()
            .map(|(path, _)| *path)
            .filter(|path| !path.is_empty()),
    );
    let message = match meant {
        Some(meant) => format!("there is no {}: did you mean {CONTROL}{meant}?", uri.path()),
        None => format!("there is no {}: GET {CONTROL} lists what there is", uri.path()),
    };
    Refusal::new(404, "not_found", message)
}

/// The word of a pace.
const fn word_of(pace: Pace) -> &'static str {
    match pace {
        Pace::Virtual => "virtual",
        Pace::Real(_) => "real",
        Pace::Manual => "manual",
    }
}
