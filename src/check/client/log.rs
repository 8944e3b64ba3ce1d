//! The log of what clients did, kept beside a backend core.

use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::{fast, quality::FixedState};

use super::exchange::{ClientAnswer, ClientAsk, ClientExchange, End};
use crate::backend::{CallKey, Face, Input, Output};
use crate::units::{SimDuration, SimTime};
use crate::wire::{ApiError, Ask, Create, InputItem, Item, ItemStatus, Reply, Response, Status, Wait};

/// What the clients of one backend did, as its inputs and outputs show it. Holds the last exchanges, up to a cap.
#[derive(Debug, Clone)]
pub struct ClientLog {
    exchanges: VecDeque<ClientExchange>,
    /// Looked up alone.
    open: HashMap<CallKey, Pending, fast::FixedState>,
    seen: u64,
    cap: usize,
    epoch: u64,
}

/// An exchange that is not over.
#[derive(Debug, Clone)]
struct Pending {
    /// Its place among all exchanges, from 1.
    place: u64,
    /// What it has shown so far.
    shown: ClientAnswer,
}

impl ClientLog {
    /// An empty log.
    ///
    /// - `cap`: how many exchanges it holds; beyond that it forgets the oldest.
    /// - `epoch`: the Unix second in which time begins, for waits that are told as dates.
    #[must_use]
    pub fn new(cap: usize, epoch: u64) -> Self {
        Self {
            exchanges: VecDeque::new(),
            open: HashMap::default(),
            seen: 0,
            cap,
            epoch,
        }
    }

    /// The exchanges it still knows, oldest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &ClientExchange> {
        self.exchanges.iter()
    }

    /// Forgets the oldest exchange.
    ///
    /// - returns: whether there was one.
    pub fn forget_oldest(&mut self) -> bool {
        self.exchanges.pop_front().is_some()
    }

    /// Gives room back that what is left does not need.
    pub fn shrink(&mut self) {
        self.exchanges.shrink_to(2 * self.exchanges.len());
    }

    /// How many exchanges there were in all, forgotten ones included.
    #[must_use]
    pub const fn seen(&self) -> u64 {
        self.seen
    }

    /// Takes down what the backend is told at `now`; exchanges are numbered as they come.
    pub fn told(&mut self, now: SimTime, input: &Input) {
        self.told_as(now, input, self.seen + 1);
    }

    /// The same with a number of somebody else's for the exchange that it begins, if it begins one.
    pub fn told_as(&mut self, now: SimTime, input: &Input, no: u64) {
        match input {
            Input::Request { call, ask, .. } => {
                let outputs = match ask {
                    Ok(Ask::Create(create)) => outputs_of(create),
                    Ok(_) | Err(_) => Vec::new(),
                };
                self.begin(now, no, *call, asked(ask, *call), outputs);
            }
            Input::Side { call, ask, .. } => {
                let line = short(format!("{ask:?}")).into();
                self.begin(now, no, *call, ClientAsk::Other { line }, Vec::new());
            }
            Input::Gone { call } => self.gone(now, call),
            Input::Marked { .. }
            | Input::Injected { .. }
            | Input::Refused { .. }
            | Input::Crowded { .. }
            | Input::WebhookAnswered { .. } => {}
        }
    }

    /// Takes down what the backend answers at `now`.
    pub fn answered(&mut self, now: SimTime, output: &Output) {
        match output {
            Output::Made { call, response } => {
                if let Some(pending) = self.open.get_mut(call) {
                    pending.shown.response = Some(response.clone());
                }
            }
            Output::Reply { call, reply, face } => self.reply(now, call, reply, face),
            // What is not whole tells a client nothing.
            Output::Part { .. } | Output::EventPart { .. } | Output::Dropped { .. } => {}
            Output::Event { call, event } => {
                if let (Some(pending), Some(response)) = (self.open.get_mut(call), event.event.response()) {
                    show(&mut pending.shown, response);
                }
            }
            Output::Close { call, .. } => {
                let whole = |pending: &Pending| {
                    pending
                        .shown
                        .status
                        .as_ref()
                        .is_some_and(|status| !status.is_open())
                };
                let Some(pending) = self.open.remove(call) else {
                    return;
                };
                let end = match whole(&pending) {
                    true => End::Answered(ClientAnswer {
                        at: now,
                        ..pending.shown
                    }),
                    false => End::Broken {
                        at: now,
                        made: pending.shown.response,
                    },
                };
                self.end(pending.place, end);
            }
            Output::Heading { .. } | Output::Webhook(_) => {}
        }
    }

    fn begin(&mut self, now: SimTime, no: u64, call: CallKey, ask: ClientAsk, outputs: Vec<Arc<str>>) {
        self.seen += 1;
        if self.exchanges.len() == self.cap {
            self.exchanges.pop_front();
        }
        self.exchanges.push_back(ClientExchange {
            no,
            at: now,
            ask,
            outputs,
            end: End::Open,
        });
        let shown = ClientAnswer::default();
        let place = self.seen;
        self.open.insert(call, Pending { place, shown });
    }

    fn gone(&mut self, now: SimTime, call: &CallKey) {
        if let Some(pending) = self.open.remove(call) {
            let made = pending.shown.response;
            self.end(pending.place, End::Broken { at: now, made });
        }
    }

    fn reply(&mut self, now: SimTime, call: &CallKey, reply: &Reply, face: &Face) {
        let Some(mut pending) = self.open.remove(call) else {
            return;
        };
        let end = match face.effect(reply) {
            // Nothing arrives, and the exchange goes on.
            None => {
                self.open.insert(*call, pending);
                return;
            }
            Some(Ok(Reply::StreamOpen)) => {
                pending.shown.http = 200;
                self.open.insert(*call, pending);
                return;
            }
            Some(Err(_)) => End::Broken {
                at: now,
                made: pending.shown.response,
            },
            Some(Ok(whole)) => End::Answered(answer_of(&whole, now, self.epoch)),
        };
        self.end(pending.place, end);
    }

    fn end(&mut self, place: u64, end: End) {
        let first = self.seen + 1 - self.exchanges.len() as u64;
        // What was forgotten meanwhile has no end.
        let place = place
            .checked_sub(first)
            .and_then(|place| usize::try_from(place).ok());
        if let Some(exchange) = place.and_then(|place| self.exchanges.get_mut(place)) {
            exchange.end = end;
        }
    }
}

fn asked(ask: &Result<Ask, Box<ApiError>>, call: CallKey) -> ClientAsk {
    match ask {
        Ok(Ask::Create(create)) => {
            // The keys of this hasher are fixed, and the number never leaves the process.
            let fingerprint = FixedState::default().hash_one(create);
            ClientAsk::Create { fingerprint }
        }
        Ok(Ask::Poll(id) | Ask::Included { id, .. }) => ClientAsk::Poll(id.clone()),
        Ok(Ask::Stream { id, .. }) => ClientAsk::Stream(id.clone()),
        Ok(Ask::Cancel(id)) => ClientAsk::Cancel(id.clone()),
        Ok(Ask::Delete(id)) => ClientAsk::Delete(id.clone()),
        Err(error) => ClientAsk::Other {
            line: short(format!("{}: {}", call.exchange.kind().word(), error.message)).into(),
        },
    }
}

/// A line of some hundred letters at most; two that are different stay so.
fn short(line: String) -> String {
    const LETTERS: usize = 200;
    match line.char_indices().nth(LETTERS) {
        Some((end, _)) if line.len() > 2 * LETTERS => {
            let fingerprint = FixedState::default().hash_one(&line);
            format!("{}... {fingerprint:016x}", &line[..end])
        }
        _ => line,
    }
}

fn outputs_of(create: &Create) -> Vec<Arc<str>> {
    let call_of = |item: &InputItem| match item {
        InputItem::FunctionCallOutput { call_id, .. } => Some(Arc::clone(call_id)),
        InputItem::Message { .. } | InputItem::McpApprovalResponse { .. } | InputItem::Replayed { .. } => {
            None
        }
    };
    create.input.iter().filter_map(call_of).collect()
}

fn answer_of(reply: &Reply, now: SimTime, epoch: u64) -> ClientAnswer {
    let mut answer = ClientAnswer {
        at: now,
        http: 200,
        ..ClientAnswer::default()
    };
    match reply {
        Reply::Response(response) => show(&mut answer, response),
        Reply::Error(error) => {
            answer.http = error.http;
            answer.code.clone_from(&error.code);
            answer.should_retry = error.should_retry;
            answer.wait = error.wait.map(|wait| length_of(wait, now, epoch));
        }
        Reply::StreamOpen | Reply::Deleted | Reply::Document(_) => {}
    }
    answer
}

fn show(answer: &mut ClientAnswer, response: &Response) {
    answer.response = Some(response.id.clone());
    answer.status = Some(response.status.clone());
    if response.status.is_open() {
        return;
    }
    let ended_whole = response.status == Status::Completed;
    let cut = |item: &Item| match item {
        Item::FunctionCall { call_id, status, .. } if !ended_whole || *status != ItemStatus::Completed => {
            Some(Arc::clone(call_id))
        }
        _ => None,
    };
    answer.cut_calls = response.output.iter().filter_map(cut).collect();
}

/// A told wait, counted from `now`.
fn length_of(wait: Wait, now: SimTime, epoch: u64) -> SimDuration {
    match wait {
        Wait::Millis(millis) => SimDuration::from_millis(millis),
        Wait::Seconds(secs) => SimDuration::from_secs(secs),
        Wait::Date(date) => (SimTime::START + SimDuration::from_secs(date.saturating_sub(epoch))).since(now),
    }
}
