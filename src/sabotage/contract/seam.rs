//! The seams at which a breach reaches in.

use std::collections::BTreeMap;

use http::HeaderMap;
use serde_json::Value;

use super::Breach;
use crate::backend::{Input, Output};
use crate::clock::Core;
use crate::units::SimTime;

/// A request before it leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Its method.
    pub method: String,
    /// Its path, with the query.
    pub path: String,
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

/// A whole reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
}

/// What a breach remembers of a server: values by name.
pub(super) type Memory = BTreeMap<String, Value>;

/// Where a breach reaches in.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wrong {
    /// In front of the server.
    Asked(fn(&mut Asked)),
    /// Behind the server.
    Given(fn(&Asked, &mut Given)),
    /// In front of the backend core.
    Told(fn(&mut Memory, &mut Vec<Input>)),
    /// Behind the backend core, with the instant of the step.
    Said(fn(&mut Memory, SimTime, &mut Vec<Output>)),
    /// Behind the backend core: what it says in one step is held back until it says something else, if this is so.
    Held(fn(&[Output]) -> bool),
    /// In front of the receiver of webhooks.
    Delivered(fn(&mut HeaderMap, &mut Vec<u8>)),
}

impl Breach {
    /// Disturbs a request.
    pub fn asked(&self, asked: &mut Asked) {
        if let Wrong::Asked(edit) = self.wrong {
            edit(asked);
        }
    }

    /// Disturbs a reply.
    pub fn given(&self, asked: &Asked, given: &mut Given) {
        if let Wrong::Given(edit) = self.wrong {
            edit(asked, given);
        }
    }

    /// Disturbs a webhook.
    pub fn delivered(&self, headers: &mut HeaderMap, body: &mut Vec<u8>) {
        if let Wrong::Delivered(edit) = self.wrong {
            edit(headers, body);
        }
    }
}

/// A backend core with a breach around it, or with none.
#[derive(Debug, Clone)]
pub struct Breached<C> {
    core: C,
    breach: Option<&'static Breach>,
    memory: Memory,
    held: Vec<Output>,
}

impl<C> Breached<C> {
    /// Puts `breach` around `core`.
    pub const fn new(core: C, breach: Option<&'static Breach>) -> Self {
        Self {
            core,
            breach,
            memory: Memory::new(),
            held: Vec::new(),
        }
    }
}

impl<C: Core<Input = Input, Output = Output>> Core for Breached<C> {
    type Input = Input;
    type Output = Output;

    fn next_deadline(&self) -> Option<SimTime> {
        self.core.next_deadline()
    }

    fn step(&mut self, now: SimTime, batch: &mut Vec<Input>, out: &mut Vec<Output>) {
        if let Some(Wrong::Told(edit)) = self.breach.map(|breach| breach.wrong) {
            edit(&mut self.memory, batch);
        }
        self.core.step(now, batch, out);
        if let Some(Wrong::Said(edit)) = self.breach.map(|breach| breach.wrong) {
            edit(&mut self.memory, now, out);
        }
        if let Some(Wrong::Held(holds)) = self.breach.map(|breach| breach.wrong) {
            self.held.append(out);
            if !holds(&self.held) {
                out.append(&mut self.held);
            }
        }
    }
}

impl Asked {
    /// Whether it is of this method, with a path (without the query) that ends so.
    pub(super) fn is(&self, method: &str, ending: &str) -> bool {
        self.method == method && self.path_alone().ends_with(ending)
    }

    /// Whether it makes a response.
    pub(super) fn creates(&self) -> bool {
        self.is("POST", "/v1/responses")
    }

    /// Whether it is about one response by itself, with this method.
    pub(super) fn is_about_one(&self, method: &str) -> bool {
        let about = self.path_alone().strip_prefix("/v1/responses/");
        self.method == method && about.is_some_and(|rest| !rest.contains('/'))
    }

    /// Changes its body, if that is JSON.
    pub(super) fn edit(&mut self, edit: impl FnOnce(&mut Value)) {
        edit_json(&mut self.body, edit);
    }

    fn path_alone(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }
}

impl Given {
    /// Changes its body, if that is JSON.
    pub(super) fn edit(&mut self, edit: impl FnOnce(&mut Value)) {
        edit_json(&mut self.body, edit);
    }

    /// Changes the data of those events of a stream for which `edit` says so; the name of each follows its type.
    pub(super) fn edit_events(&mut self, mut edit: impl FnMut(&mut Value) -> bool) {
        if !self.body.starts_with(b"event: ") {
            return;
        }
        let text = String::from_utf8_lossy(&self.body);
        let mut edited = String::with_capacity(text.len());
        for frame in text.split_inclusive("\n\n") {
            let data = frame.split_once("\ndata: ").map(|(_, data)| data.trim_end());
            let event = data.and_then(|data| serde_json::from_str::<Value>(data).ok());
            let changed = event.and_then(|mut event| edit(&mut event).then_some(event));
            match changed {
                Some(event) => {
                    let name = event["type"].as_str().unwrap_or_default();
                    edited.push_str(&format!("event: {name}\ndata: {event}\n\n"));
                }
                None => edited.push_str(frame),
            }
        }
        self.body = edited.into_bytes();
    }

    /// Its body, if that is JSON.
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The error code, or an empty text.
    pub(super) fn code(&self) -> String {
        self.json()["error"]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// The error message, or an empty text.
    pub(super) fn message(&self) -> String {
        self.json()["error"]["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
}

fn edit_json(body: &mut Vec<u8>, edit: impl FnOnce(&mut Value)) {
    if let Ok(mut json) = serde_json::from_slice(body) {
        edit(&mut json);
        *body = Value::to_string(&json).into_bytes();
    }
}
