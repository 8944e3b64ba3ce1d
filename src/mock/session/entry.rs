//! One request in the record, and its line in the log.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Method, header};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::super::routes::masked;
use crate::backend::{CallKey, ConnectionNo};
use crate::fault::FaultPlan;
use crate::units::{SimTime, hex};
use crate::wire::ResponseId;

/// One request and what became of it.
#[derive(Debug, Clone)]
pub(in crate::mock) struct Entry {
    /// Its number in the session, from 1 in the order in which heads arrived.
    pub(in crate::mock) seq: u64,
    /// When its head had arrived.
    pub(in crate::mock) at: SimTime,
    /// When it was over.
    pub(in crate::mock) ended: Option<SimTime>,
    pub(in crate::mock) method: Method,
    /// With the query.
    pub(in crate::mock) path: Cow<'static, str>,
    /// The route that it took, for counting.
    pub(in crate::mock) route: &'static str,
    /// The headers that tell something, secrets masked.
    pub(in crate::mock) headers: Shown,
    pub(in crate::mock) connection: ConnectionNo,
    pub(in crate::mock) body: Option<BodySeen>,
    /// Its key and when the service was told of it, once it was.
    pub(in crate::mock) call: Option<(CallKey, SimTime)>,
    /// The rules that look at a header it shows.
    pub(in crate::mock) marks: Vec<u32>,
    /// The rule that is to strike it.
    pub(in crate::mock) fault: Option<Selected>,
    /// Which script answers it, where there are several.
    pub(in crate::mock) script: Option<Box<ScriptSeen>>,
    /// What its sender may have meant.
    pub(in crate::mock) hint: Option<String>,
    /// The status of its reply, if one left.
    pub(in crate::mock) status: Option<u16>,
    /// The response that it made or is about.
    pub(in crate::mock) response: Option<ResponseId>,
    pub(in crate::mock) streaming: Streaming,
    pub(in crate::mock) end: EntryEnd,
    /// The bytes of the texts that it does not share with the one before.
    pub(super) texts: usize,
}

/// The longest path that is kept whole, in bytes.
const PATH_MAX: usize = 1_024;

/// A path as it is kept: that of its route where it is the same, and of a very long one the beginning.
pub(super) fn kept_path(path: &str, route: &'static str) -> Cow<'static, str> {
    if path == route {
        return Cow::Borrowed(route);
    }
    if path.len() <= PATH_MAX {
        return Cow::Owned(path.to_owned());
    }
    let end = (0..=PATH_MAX).rev().find(|end| path.is_char_boundary(*end));
    Cow::Owned([&path[..end.unwrap_or(0)], "..."].concat())
}

/// The body of a request.
#[derive(Debug, Clone, Copy)]
pub(in crate::mock) struct BodySeen {
    pub(in crate::mock) bytes: u64,
    sha256: [u8; 32],
}

impl BodySeen {
    pub(in crate::mock) fn of(body: &[u8]) -> Self {
        Self {
            bytes: body.len() as u64,
            sha256: Sha256::digest(body).into(),
        }
    }
}

/// The rule that is to strike a request.
#[derive(Debug, Clone, Copy)]
pub(in crate::mock) struct Selected {
    /// Its number in the scenario, from 0; none if it was injected.
    pub(in crate::mock) rule: Option<u32>,
    pub(in crate::mock) word: &'static str,
    /// Whether it took hold; one that does not fit the reply never does.
    pub(in crate::mock) struck: bool,
}

/// How far the stream of a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::mock) enum Streaming {
    /// There is none.
    No,
    /// It is open.
    Open {
        /// Whether nothing, or the last event, has left: then it may end in order.
        at_rest: bool,
    },
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::mock) enum EntryEnd {
    /// It did not yet.
    Open,
    /// With a reply that left whole.
    Whole,
    /// With a reply that was spoiled, or none, by a fault.
    Spoiled,
    /// The client went away before.
    Gone,
    /// The session was reset or ended.
    Reset,
}

/// Headers that tell something about a client.
const SHOWN: [&str; 10] = [
    "authorization",
    "content-type",
    "user-agent",
    "openai-organization",
    "openai-project",
    "idempotency-key",
    "x-stainless-retry-count",
    "x-lanebench-session",
    "x-lanebench-fault",
    "x-lanebench-exchange",
];

/// The longest value of a header that is kept whole.
const VALUE_MAX: usize = 256;

/// Names and values as they are shown.
pub(in crate::mock) type Shown = Arc<[(&'static str, String)]>;

thread_local! {
    /// The headers of the last request, as they came and as they are shown.
    static LAST: RefCell<(Vec<(&'static str, HeaderValue)>, Shown)> = RefCell::default();
}

/// The headers that tell something, secrets masked; of a header that stands several times, the first. Kept once for
/// requests that come one after the other and say the same, as most clients' do.
pub(in crate::mock) fn shown_headers(headers: &HeaderMap) -> Shown {
    LAST.with_borrow_mut(|(last, shown)| {
        if !telling(headers).eq(last.iter().map(|(name, value)| (*name, value))) {
            // A copy: the value itself would keep alive what the connection read.
            let copy = |value: &HeaderValue| HeaderValue::from_bytes(value.as_bytes());
            *last = telling(headers)
                .filter_map(|(name, value)| Some((name, copy(value).ok()?)))
                .collect();
            *shown = last
                .iter()
                .map(|(name, value)| (*name, shown_value(name, value)))
                .collect();
        }
        Arc::clone(shown)
    })
}

/// The headers that tell something.
fn telling(headers: &HeaderMap) -> impl Iterator<Item = (&'static str, &HeaderValue)> {
    let mut last = "";
    headers.iter().filter_map(move |(name, value)| {
        let name = SHOWN.into_iter().find(|known| *known == name.as_str())?;
        (std::mem::replace(&mut last, name) != name).then_some((name, value))
    })
}

fn shown_value(name: &str, value: &HeaderValue) -> String {
    let value = String::from_utf8_lossy(value.as_bytes());
    match name {
        _ if name == header::AUTHORIZATION => match value.split_once(' ') {
            Some((scheme, key)) => [scheme, " ", &masked(key.trim())].concat(),
            None => masked(&value).to_string(),
        },
        _ if value.len() > VALUE_MAX => value.chars().take(VALUE_MAX).chain("...".chars()).collect(),
        _ => value.into_owned(),
    }
}

/// A request as a line of the log and in the control API.
#[derive(Serialize)]
struct Line<'a> {
    session: &'a str,
    seq: u64,
    at_us: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_us: Option<u64>,
    connection: u64,
    method: &'a str,
    path: &'a str,
    headers: std::collections::BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<BodyLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<FaultLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nearest: Option<NearLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    script: Option<&'a ScriptSeen>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<&'a ResponseId>,
    end: EntryEnd,
}

#[derive(Serialize)]
struct BodyLine {
    bytes: u64,
    sha256: String,
}

#[derive(Serialize)]
struct FaultLine {
    /// From 1, as people count.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<u32>,
    does: &'static str,
    by: &'static str,
}

/// The rule or script that came nearest, from 1, as people count.
#[derive(Debug, Clone, Serialize)]
pub(in crate::mock) struct NearLine {
    pub(super) rule: u32,
    pub(super) about: String,
    pub(super) kept_by: Vec<String>,
}

/// Which script answers a request.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::mock) enum ScriptSeen {
    /// The one of this number, from 1.
    Chosen(u32),
    /// The usual one; this one came nearest.
    Nearest(NearLine),
    /// That of the response or conversation that it follows on.
    GoesOn(std::sync::Arc<str>),
}

impl Entry {
    /// The bytes of its texts; those of headers that it shares with the request before it count there.
    pub(super) fn texts(&self, before: Option<&Shown>) -> usize {
        let path = match &self.path {
            Cow::Borrowed(_) => 0,
            Cow::Owned(path) => path.len(),
        };
        let shared = before.is_some_and(|before| Arc::ptr_eq(before, &self.headers));
        let headers = self.headers.iter().filter(|_| !shared);
        let header = size_of::<(&str, String)>();
        path + headers.map(|(_, value)| header + value.len()).sum::<usize>()
    }

    /// Whether a fault took hold of it, and which.
    pub(in crate::mock) fn struck_by(&self) -> Option<&'static str> {
        self.fault.filter(|fault| fault.struck).map(|fault| fault.word)
    }

    /// As JSON, without a line break.
    pub(in crate::mock) fn json(&self, session: &str, plan: &FaultPlan) -> String {
        let line = Line {
            session,
            seq: self.seq,
            at_us: self.at.ticks(),
            ended_us: self.ended.map(SimTime::ticks),
            connection: self.connection.0,
            method: self.method.as_str(),
            path: &self.path,
            headers: self
                .headers
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect(),
            body: self.body.map(|body| BodyLine {
                bytes: body.bytes,
                sha256: hex(&body.sha256),
            }),
            fault: self.fault.filter(|fault| fault.struck).map(|fault| FaultLine {
                rule: fault.rule.map(|rule| rule + 1),
                does: fault.word,
                by: if fault.rule.is_some() { "rule" } else { "injection" },
            }),
            nearest: self.nearest(plan),
            script: self.script.as_deref(),
            hint: self.hint.as_deref(),
            status: self.status,
            response: self.response.as_ref(),
            end: self.end,
        };
        // A struct of texts and numbers is always JSON.
        serde_json::to_string(&line).unwrap_or_default()
    }

    /// The rule that came nearest, where there are rules and none struck.
    fn nearest(&self, plan: &FaultPlan) -> Option<NearLine> {
        let (call, told) = self.call.filter(|_| self.fault.is_none())?;
        let near = plan.nearest(call.exchange, told, &self.marks)?;
        let about = plan.rules().get(near.rule as usize)?.to_string();
        Some(NearLine {
            rule: near.rule + 1,
            about,
            kept_by: near.kept_by,
        })
    }
}
