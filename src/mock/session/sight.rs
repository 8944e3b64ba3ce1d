//! What is seen of a session: kept while its service is stepped.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::entry::{Entry, EntryEnd, NearLine, ScriptSeen, Selected, Streaming};
use super::shots::Shots;
use super::tally::Tally;
use crate::backend::{CallKey, Choice, Chosen, Face, Genuine, Input, Output, StreamEnd, WebhookSend};
use crate::check::{ClientExchange, ClientLog};
use crate::fault::{FaultPlan, Target};
use crate::trace::{BackendEvent, ServiceEvent};
use crate::units::SimTime;
use crate::wire::{Ask, Create, Echo, Event, Reply, ResponseId, Status};

/// Everything seen, the last of each sort.
#[derive(Debug)]
pub(in crate::mock) struct Sight {
    /// The faults of the session.
    pub(in crate::mock) plan: FaultPlan,
    /// The scripts among which one is chosen for a request.
    choices: Arc<[Choice]>,
    /// The requests, oldest first, with contiguous numbers.
    pub(in crate::mock) entries: VecDeque<Entry>,
    /// Requests in all.
    pub(in crate::mock) seen: u64,
    pub(in crate::mock) client: ClientLog,
    pub(in crate::mock) responses: VecDeque<ResponseRow>,
    /// Responses that were forgotten.
    pub(in crate::mock) responses_gone: u64,
    pub(in crate::mock) webhooks: VecDeque<WebhookRow>,
    /// How often each rule took hold, by its number.
    pub(in crate::mock) fired: BTreeMap<u32, u64>,
    pub(in crate::mock) shots: Shots,
    /// When the service wants to be stepped next.
    pub(in crate::mock) due: Option<SimTime>,
    /// Streams that are open.
    pub(in crate::mock) streams: i64,
    /// What ended since somebody last asked.
    pub(super) ended: Vec<u64>,
    open: HashMap<CallKey, u64, RandomState>,
    by_id: HashMap<ResponseId, u64, RandomState>,
    marks: Option<(CallKey, Arc<[u32]>)>,
    made_by: Option<(ResponseId, u64)>,
    kept: usize,
    /// The texts of the requests.
    texts: usize,
    tally: Arc<Tally>,
}

/// A response as it is listed.
#[derive(Debug, Clone)]
pub(in crate::mock) struct ResponseRow {
    pub(in crate::mock) id: ResponseId,
    pub(in crate::mock) status: Status,
    pub(in crate::mock) code: Option<Arc<str>>,
    pub(in crate::mock) background: bool,
    pub(in crate::mock) created: SimTime,
    pub(in crate::mock) changed: SimTime,
    /// The request that made it.
    pub(in crate::mock) request: Option<u64>,
    /// Why it cannot be read any more.
    pub(in crate::mock) dropped: Option<&'static str>,
}

/// One sending of a webhook as it is listed.
#[derive(Debug, Clone)]
pub(in crate::mock) struct WebhookRow {
    pub(in crate::mock) delivery: Arc<str>,
    pub(in crate::mock) send: u16,
    pub(in crate::mock) kind: Arc<str>,
    pub(in crate::mock) response: ResponseId,
    pub(in crate::mock) signature: &'static str,
    pub(in crate::mock) at: SimTime,
    /// When an answer came, or none could be had any more.
    pub(in crate::mock) answered: Option<SimTime>,
    /// The status of the answer.
    pub(in crate::mock) http: Option<u16>,
}

impl Sight {
    /// Nothing seen yet; each sort is kept up to `kept`.
    pub(super) fn new(
        (plan, choices): (FaultPlan, Arc<[Choice]>),
        epoch: u64,
        kept: usize,
        tally: Arc<Tally>,
    ) -> Self {
        Self {
            plan,
            choices,
            entries: VecDeque::new(),
            seen: 0,
            client: ClientLog::new(CLIENT_KEPT.max(kept), epoch),
            responses: VecDeque::new(),
            responses_gone: 0,
            webhooks: VecDeque::new(),
            fired: BTreeMap::new(),
            shots: Shots::default(),
            due: None,
            streams: 0,
            ended: Vec::new(),
            open: HashMap::default(),
            by_id: HashMap::default(),
            marks: None,
            made_by: None,
            kept,
            texts: 0,
            tally,
        }
    }

    /// How many bytes it takes, roughly.
    pub(super) fn weight(&self) -> u64 {
        let bytes = self.entries.len() * size_of::<Entry>()
            + self.texts
            + self.client.iter().len() * EXCHANGE
            + self.responses.len() * (size_of::<ResponseRow>() + NAMED)
            + self.webhooks.len() * (size_of::<WebhookRow>() + NAMED);
        bytes as u64
    }

    /// Forgets the oldest of each sort until it takes so many bytes.
    pub(super) fn come_down(&mut self, bytes: u64) {
        while self.weight() > bytes {
            let entry = self.forget_entry();
            let response = self.forget_response();
            let others = self.client.forget_oldest() | self.webhooks.pop_front().is_some();
            if !(entry || response || others) {
                break;
            }
        }
        self.entries.shrink_to(2 * self.entries.len());
        self.responses.shrink_to(2 * self.responses.len());
        self.webhooks.shrink_to(2 * self.webhooks.len());
        self.client.shrink();
    }

    fn forget_entry(&mut self) -> bool {
        let gone = self.entries.pop_front();
        self.texts -= gone.as_ref().map_or(0, |gone| gone.texts);
        gone.is_some()
    }

    fn forget_response(&mut self) -> bool {
        let Some(oldest) = self.responses.pop_front() else {
            return false;
        };
        self.by_id.remove(&oldest.id);
        self.responses_gone += 1;
        true
    }

    pub(in crate::mock) fn entry(&mut self, seq: u64) -> Option<&mut Entry> {
        let first = self.seen + 1 - self.entries.len() as u64;
        let place = usize::try_from(seq.checked_sub(first)?).ok()?;
        self.entries.get_mut(place)
    }

    /// Takes in a request whose head arrived.
    pub(super) fn arrive(&mut self, make: impl FnOnce(u64) -> Entry) -> u64 {
        self.seen += 1;
        if self.entries.len() == self.kept {
            self.forget_entry();
        }
        let mut entry = make(self.seen);
        let before = self.entries.back();
        entry.texts = entry.texts(before.map(|before| &before.headers));
        self.texts += entry.texts;
        self.entries.push_back(entry);
        self.seen
    }

    /// The request became a call.
    pub(super) fn call(&mut self, seq: u64, call: CallKey) {
        self.open.insert(call, seq);
    }

    /// A request is over.
    pub(super) fn finish(&mut self, seq: u64, at: SimTime, end: EntryEnd) {
        let Some(entry) = self.entry(seq).filter(|entry| entry.end == EntryEnd::Open) else {
            return;
        };
        entry.end = end;
        entry.ended = Some(at);
        let (route, status) = (entry.route, entry.status);
        let streamed = std::mem::replace(&mut entry.streaming, Streaming::No) != Streaming::No;
        self.tally.request(route, status);
        if streamed {
            self.streams -= 1;
            self.tally.streams(-1);
        }
        self.ended.push(seq);
    }

    fn finish_call(&mut self, call: &CallKey, at: SimTime, end: EntryEnd) {
        if let Some(seq) = self.open.remove(call) {
            self.finish(seq, at, end);
        }
    }

    /// Everything that is open ends with the session.
    pub(super) fn end(&mut self, at: SimTime) {
        let open: Vec<u64> = self
            .entries
            .iter()
            .filter(|entry| entry.end == EntryEnd::Open)
            .map(|entry| entry.seq)
            .collect();
        for seq in open {
            self.finish(seq, at, EntryEnd::Reset);
        }
        self.open.clear();
    }

    fn of_call(&mut self, call: &CallKey) -> Option<&mut Entry> {
        let seq = *self.open.get(call)?;
        self.entry(seq)
    }

    /// Takes down what the service is told.
    pub(super) fn told(&mut self, now: SimTime, input: &Input) {
        let begun = match input {
            Input::Request { call, .. } | Input::Side { call, .. } => self.open.get(call).copied(),
            _ => None,
        };
        self.client.told_as(now, input, begun.unwrap_or(self.seen));
        match input {
            Input::Marked { call, rules } => self.marks = Some((*call, Arc::clone(rules))),
            Input::Injected { call, faults } => {
                let about_exchange = |(target, _): &&(Target, _)| matches!(target, Target::Exchange(_));
                let word = faults.iter().find(about_exchange).map(|(_, fault)| fault.word());
                if let Some(entry) = self.of_call(call) {
                    entry.fault = word.map(|word| Selected {
                        rule: None,
                        word,
                        struck: false,
                    });
                }
            }
            Input::Request { call, ask, .. } => {
                let about = ask.as_ref().ok().and_then(|ask| ask.response().cloned());
                let create = match ask {
                    Ok(Ask::Create(create)) if !self.choices.is_empty() => Some(&**create),
                    Ok(_) | Err(_) => None,
                };
                self.select(now, (call, begun), about, create);
            }
            Input::Side { call, .. } => self.select(now, (call, begun), None, None),
            Input::Gone { call } => self.finish_call(call, now, EntryEnd::Gone),
            Input::WebhookAnswered { delivery, send, http } => {
                self.answered_webhook(now, delivery, *send, *http)
            }
            Input::Refused { .. } | Input::Crowded { .. } => {}
        }
    }

    /// Finds the rule that is to strike a request: the one that the service will find.
    ///
    /// - `seq`: the number of the request, if it is on record.
    fn select(
        &mut self,
        now: SimTime,
        (call, seq): (&CallKey, Option<u64>),
        about: Option<ResponseId>,
        create: Option<&Create>,
    ) {
        let marked = self.marks.take().filter(|(marked, _)| marked == call);
        let marks = marked.map(|(_, marks)| marks);
        let marks = marks.as_deref().unwrap_or_default();
        let struck = self.plan.marked_exchange(call.exchange, now, marks);
        let struck = struck.map(|struck| Selected {
            rule: Some(struck.rule),
            word: struck.fault.word(),
            struck: false,
        });
        let script = create.and_then(|create| self.script_of(create, marks));
        let Some(entry) = seq.and_then(|seq| self.entry(seq)) else {
            return;
        };
        entry.script = script;
        entry.call = Some((*call, now));
        entry.marks = marks.to_vec();
        entry.response = about;
        entry.fault = entry.fault.or(struck);
    }

    /// What is found for a request among the scripts: what follows on another turn goes on with its script.
    fn script_of(&self, create: &Create, marks: &[u32]) -> Option<Box<ScriptSeen>> {
        let details = create.request.as_ref().map(Echo::details);
        let talk = details.and_then(|details| details.conversation.as_ref());
        let previous = create.previous.as_ref().map(|id| Arc::from(&*id.0.text()));
        if let Some(before) = previous.or_else(|| talk.cloned()) {
            return Some(Box::new(ScriptSeen::GoesOn(before)));
        }
        let seen = match Choice::find(&self.choices, create, marks)? {
            Chosen::This(choice) => ScriptSeen::Chosen(choice + 1),
            Chosen::Nearest { choice, kept_by } => {
                let about = self.choices.get(choice as usize);
                ScriptSeen::Nearest(NearLine {
                    rule: choice + 1,
                    about: about.map_or_else(String::new, |choice| choice.when.to_string()),
                    kept_by,
                })
            }
        };
        Some(Box::new(seen))
    }

    /// Takes down what the service answers.
    pub(super) fn answered(&mut self, now: SimTime, output: &Output) {
        self.client.answered(now, output);
        match output {
            Output::Made { call, response } => {
                let seq = self.open.get(call).copied();
                let Some(seq) = seq else { return };
                if let Some(entry) = self.entry(seq) {
                    entry.response = Some(response.clone());
                }
                self.made_by(response, seq);
            }
            Output::Heading { .. } | Output::EventPart { .. } | Output::Dropped { .. } => {}
            Output::Part { call, reply, .. } => {
                if let Some(entry) = self.of_call(call) {
                    entry.status = Some(reply_status(reply));
                }
            }
            Output::Reply { call, reply, face } => self.replied(now, call, reply, face),
            Output::Event { call, event } => {
                let rests = event.event.is_last() || matches!(event.event, Event::Error { .. });
                if let Some(entry) = self.of_call(call) {
                    entry.streaming = Streaming::Open { at_rest: rests };
                    if let (None, Some(response)) = (&entry.response, event.event.response()) {
                        entry.response = Some(response.id.clone());
                    }
                }
            }
            Output::Close { call, how } => {
                let rests = self
                    .of_call(call)
                    .is_some_and(|entry| entry.streaming == Streaming::Open { at_rest: true });
                let end = match how {
                    StreamEnd::BetweenEvents if rests => EntryEnd::Whole,
                    _ => EntryEnd::Spoiled,
                };
                self.finish_call(call, now, end);
            }
            Output::Webhook(send) => self.sent_webhook(now, send),
        }
    }

    fn replied(&mut self, now: SimTime, call: &CallKey, reply: &Reply, face: &Face) {
        let status = match face {
            Face::Reset | Face::Silent => None,
            Face::Whole | Face::WrongType => Some(reply_status(reply)),
            // These leave as if all were well.
            Face::CutBeforeId
            | Face::CutAfterId
            | Face::Stall
            | Face::Malformed
            | Face::WrongLength
            | Face::HtmlPage => Some(200),
        };
        let opens = matches!((reply, face), (Reply::StreamOpen, Face::Whole));
        let Some(entry) = self.of_call(call) else { return };
        entry.status = status;
        if let (None, Reply::Response(response)) = (&entry.response, reply) {
            entry.response = Some(response.id.clone());
        }
        if opens {
            entry.streaming = Streaming::Open { at_rest: true };
            self.streams += 1;
            self.tally.streams(1);
            return;
        }
        match face {
            Face::Silent | Face::Stall => {}
            Face::Whole => self.finish_call(call, now, EntryEnd::Whole),
            _ => self.finish_call(call, now, EntryEnd::Spoiled),
        }
    }

    /// Takes down what the service notes.
    pub(super) fn noted(&mut self, now: SimTime, event: &ServiceEvent) {
        let ServiceEvent::Backend(event) = event else {
            return;
        };
        match event {
            BackendEvent::Created {
                response, background, ..
            } => self.created(now, response, *background),
            BackendEvent::Became {
                response,
                status,
                code,
            } => {
                self.tally.response(status);
                if let Some(row) = self.row(response) {
                    row.status = status.clone();
                    row.code.clone_from(code);
                    row.changed = now;
                }
            }
            BackendEvent::FaultFired { rule, fault } => self.struck(*rule, fault),
            BackendEvent::Dropped { response, why } => {
                if let Some(row) = self.row(response) {
                    row.dropped = Some(why);
                    row.changed = now;
                }
            }
            BackendEvent::McpActed { .. } | BackendEvent::Limited { .. } => {}
        }
    }

    fn created(&mut self, now: SimTime, response: &ResponseId, background: bool) {
        if self.responses.len() == self.kept {
            self.forget_response();
        }
        let number = self.responses_gone + self.responses.len() as u64;
        self.by_id.insert(response.clone(), number);
        self.responses.push_back(ResponseRow {
            id: response.clone(),
            status: Status::Queued,
            code: None,
            background,
            created: now,
            changed: now,
            request: None,
            dropped: None,
        });
        if let Some((response, seq)) = self.made_by.take() {
            self.made_by(&response, seq);
        }
    }

    /// Whatever comes first, the note about a response or the word by which call it was made, the other completes it.
    fn made_by(&mut self, response: &ResponseId, seq: u64) {
        match self.row(response) {
            Some(row) => row.request = Some(seq),
            None => self.made_by = Some((response.clone(), seq)),
        }
    }

    pub(in crate::mock) fn row(&mut self, response: &ResponseId) -> Option<&mut ResponseRow> {
        // What is told of a response is often told of the newest one.
        let newest = self.responses.back();
        if newest.is_some_and(|newest| newest.id == *response) {
            return self.responses.back_mut();
        }
        let number = *self.by_id.get(response)?;
        let place = usize::try_from(number.checked_sub(self.responses_gone)?).ok()?;
        self.responses.get_mut(place)
    }

    /// A fault took hold: of the request that was selected for it longest ago, if it disturbs requests.
    fn struck(&mut self, rule: u32, word: &'static str) {
        self.tally.fault(word);
        *self.fired.entry(rule).or_default() += 1;
        let declared = (rule as usize) < self.plan.rules().len();
        let number = declared.then_some(rule);
        let is_it = |fault: &Selected| !fault.struck && fault.rule == number && fault.word == word;
        // A fault of an exchange strikes while the exchange is open.
        let open =
            |entry: &&mut Entry| entry.end == EntryEnd::Open && entry.fault.as_ref().is_some_and(is_it);
        let found = self.entries.iter_mut().rev().take(RECENT).filter(open).last();
        if let Some(fault) = found.and_then(|entry| entry.fault.as_mut()) {
            fault.struck = true;
        }
    }

    fn sent_webhook(&mut self, now: SimTime, send: &WebhookSend) {
        self.tally.webhook("sent");
        if self.webhooks.len() == self.kept {
            self.webhooks.pop_front();
        }
        self.webhooks.push_back(WebhookRow {
            delivery: Arc::clone(&send.delivery),
            send: send.send,
            kind: Arc::clone(&send.kind),
            response: send.response.clone(),
            signature: match send.genuine {
                Genuine::Valid => "valid",
                Genuine::Stale => "stale",
                Genuine::Forged => "forged",
            },
            at: now,
            answered: None,
            http: None,
        });
    }

    fn answered_webhook(&mut self, now: SimTime, delivery: &str, send: u16, http: Option<u16>) {
        self.tally.webhook(match http {
            Some(200..300) => "accepted",
            Some(_) => "refused",
            None => "unreachable",
        });
        let mut rows = self.webhooks.iter_mut().rev();
        if let Some(row) = rows.find(|row| *row.delivery == *delivery && row.send == send) {
            row.answered = Some(now);
            row.http = http;
        }
    }
}

/// What an exchange of a client takes, with its texts.
const EXCHANGE: usize = size_of::<ClientExchange>() + 64;

/// What a name takes, with what finds it.
const NAMED: usize = 96;

/// Requests among which the one that a fault took hold of is looked for.
const RECENT: usize = 1_024;

/// Requests over which clients are judged at least.
const CLIENT_KEPT: usize = 8_192;

const fn reply_status(reply: &Reply) -> u16 {
    match reply {
        Reply::Response(_) | Reply::StreamOpen | Reply::Deleted | Reply::Document(_) => 200,
        Reply::Error(error) => error.http,
    }
}
