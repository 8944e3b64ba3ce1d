//! Reading the bodies of the control API: YAML, of which JSON is a part.

use super::reply::Refusal;
use crate::report::{Paint, render_all};
use crate::scenario::decode::{duration, integer, map, string, words};
use crate::scenario::{Diagnostics, Node, Sources, read};
use crate::units::SimDuration;

/// Reads a body; every mistake is told, as the command line tells it.
pub(super) fn checked<T>(
    name: &str,
    body: &[u8],
    read: impl FnOnce(&str, &[u8], &mut Sources, &mut Diagnostics) -> Option<T>,
) -> Result<T, Refusal> {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    match read(name, body, &mut sources, &mut out) {
        Some(value) if !out.has_errors() => Ok(value),
        _ => {
            let first = out.iter().next().map(|first| first.message.clone());
            let text = render_all(&out, &sources, Paint::Plain);
            Err(Refusal::wrong(first.unwrap_or_default(), text))
        }
    }
}

/// `{ by: 30s }`.
pub(super) fn length(
    name: &str,
    body: &[u8],
    sources: &mut Sources,
    out: &mut Diagnostics,
) -> Option<SimDuration> {
    let root = read(sources, name, body, out)?;
    let mut keys = map(&root, out)?;
    let by = keys.required("by", duration);
    keys.finish();
    by
}

/// What is waited for, and how long.
#[derive(Debug)]
pub(super) struct Wait {
    pub(super) what: Awaited,
    /// In real time.
    pub(super) within: SimDuration,
}

/// What can be waited for. What is not said does not restrict.
#[derive(Debug)]
pub(super) enum Awaited {
    /// So many requests that are over.
    Requests {
        method: Option<String>,
        /// The path without query; a `*` at its end stands for anything.
        path: Option<String>,
        status: Option<u16>,
        fault: Option<String>,
        count: u64,
    },
    /// A response with a status, or any whose status is final.
    Response {
        id: Option<String>,
        status: Option<String>,
    },
    /// So many sendings of webhooks.
    Webhook {
        response: Option<String>,
        kind: Option<String>,
        outcome: Outcome,
        count: u64,
    },
}

/// What became of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was sent.
    Sent,
    /// It was answered, whatever the answer.
    Answered,
    /// It was answered with 2xx.
    Accepted,
}

/// The longest time that somebody may wait.
const WITHIN_MAX: SimDuration = SimDuration::from_secs(60);

/// Reads what is waited for.
pub(super) fn wait(name: &str, body: &[u8], sources: &mut Sources, out: &mut Diagnostics) -> Option<Wait> {
    let root = read(sources, name, body, out)?;
    let mut keys = map(&root, out)?;
    let what = keys.one_of(&["requests", "response", "webhook"]);
    let what = what.and_then(|(key, node)| match key {
        "requests" => requests(node, keys.out()),
        "response" => response(node, keys.out()),
        _ => webhook(node, keys.out()),
    });
    let within = keys.or("within", SimDuration::from_secs(10), duration);
    keys.finish();
    Some(Wait {
        what: what?,
        within: within?.min(WITHIN_MAX),
    })
}

fn count(keys: &mut crate::scenario::decode::MapReader<'_, '_>) -> Option<u64> {
    keys.or("count", 1, integer(1..=1_000_000))
}

fn requests(node: &Node, out: &mut Diagnostics) -> Option<Awaited> {
    let mut keys = map(node, out)?;
    let method = keys.optional("method", string);
    let path = keys.optional("path", string);
    let status = keys.optional("status", integer(100..=999));
    let fault = keys.optional("fault", string);
    let count = count(&mut keys);
    keys.finish();
    Some(Awaited::Requests {
        method: method?.map(|method| method.to_ascii_uppercase()),
        path: path?,
        status: status?,
        fault: fault?,
        count: count?,
    })
}

fn response(node: &Node, out: &mut Diagnostics) -> Option<Awaited> {
    let mut keys = map(node, out)?;
    let id = keys.optional("id", string);
    let status = keys.optional("status", string);
    keys.finish();
    Some(Awaited::Response {
        id: id?,
        status: status?,
    })
}

fn webhook(node: &Node, out: &mut Diagnostics) -> Option<Awaited> {
    let outcomes = [
        ("sent", Outcome::Sent),
        ("answered", Outcome::Answered),
        ("accepted", Outcome::Accepted),
    ];
    let mut keys = map(node, out)?;
    let response = keys.optional("response", string);
    let kind = keys.optional("kind", string);
    let outcome = keys.or("outcome", Outcome::Sent, words("outcome", &outcomes));
    let count = count(&mut keys);
    keys.finish();
    Some(Awaited::Webhook {
        response: response?,
        kind: kind?,
        outcome: outcome?,
        count: count?,
    })
}
