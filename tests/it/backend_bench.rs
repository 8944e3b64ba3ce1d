//! Drives a backend core without any world: calls in, a timeline out.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use lanebench::backend::{
    Auth, CallKey, ConnectionNo, Contract, Face, Genuine, Input, Limiter, Output, Profile, ResumeWindow,
    Script, Service, Setup, Step, StepWork, StreamEnd, Streaming,
};
use lanebench::fault::{Fault, FaultPlan, FaultRule, Select, Target};
use lanebench::rng::{Law, Seed};
use lanebench::trace::{BackendEvent, Notes, Record, ServiceEvent, WireEvent};
use lanebench::units::{AttemptNo, Exchange, ExchangeKind, JobId, SimDuration, SimTime, TurnNo};
use lanebench::wire::{
    Ask, Create, Event, InputItem, Item, ItemStatus, Origin, Reply, Response, ResponseId, Shown, StreamEvent,
};

pub(crate) const fn secs(secs: u64) -> SimDuration {
    SimDuration::from_secs(secs)
}

pub(crate) fn constant(text: &str) -> Law {
    Law::Constant(text.parse().unwrap())
}

pub(crate) fn step(takes: &str, work: StepWork) -> Step {
    let takes = constant(takes);
    Step { work, takes }
}

pub(crate) fn message(takes: &str, tokens: u32) -> Step {
    step(takes, StepWork::Message { tokens })
}

pub(crate) fn reasoning(takes: &str) -> Step {
    step(takes, StepWork::Reasoning)
}

pub(crate) fn hosted(takes: &str, tool: &str) -> Step {
    step(takes, StepWork::Hosted(tool.into()))
}

pub(crate) fn function(takes: &str, name: &str) -> Step {
    let arguments = "{\"id\":1}".into();
    let (name, shown) = (name.into(), Shown::default());
    let work = StepWork::FunctionCall {
        name,
        arguments,
        shown,
    };
    step(takes, work)
}

pub(crate) fn mcp(takes: &str, name: &str) -> Step {
    let arguments = "{\"to\":\"all\"}".into();
    let (server_label, name) = ("mail".into(), name.into());
    let work = StepWork::McpApproval {
        server_label,
        name,
        arguments,
    };
    step(takes, work)
}

/// Queued for a second, then these steps.
pub(crate) fn script(steps: &[Step]) -> Script {
    Script {
        queued: constant("1s"),
        steps: steps.into(),
    }
}

/// Every exchange takes 10 ms; a delta is one token; no limit, no webhooks.
pub(crate) fn profile(script: Script) -> Profile {
    Profile {
        latency: constant("10ms"),
        limiter: None,
        retention: secs(3600),
        resume_window: ResumeWindow::OfResponse(secs(300)),
        streaming: Streaming::default(),
        webhook: None,
        webhook_retries: Arc::from([]),
        choices: Arc::from([]),
        tokens_per_delta: 1,
        tier: "default".into(),
        tiers: Arc::from([]),
        epoch: 1_786_000_000,
        contract: Contract::default(),
        script,
    }
}

pub(crate) fn limiter(burst: u32, refill: &str) -> Option<Limiter> {
    let refill = refill.parse().unwrap();
    Some(Limiter { burst, refill })
}

/// A fault that strikes whatever `target` covers.
pub(crate) fn always(target: Target, fault: Fault) -> FaultRule {
    let select = Select::default();
    FaultRule {
        target,
        select,
        fault,
    }
}

/// A fault that strikes the first `kind` of a job.
pub(crate) fn first(kind: ExchangeKind, fault: Fault) -> FaultRule {
    let select = Select {
        nth: Some((1, 1)),
        ..Select::default()
    };
    FaultRule {
        target: Target::Exchange(kind),
        select,
        fault,
    }
}

/// How a create request differs from a stored background response of job 0 for one message.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) job: u32,
    pub(crate) turn: u16,
    pub(crate) background: bool,
    pub(crate) stream: bool,
    pub(crate) store: bool,
    pub(crate) previous: Option<ResponseId>,
    pub(crate) input: Vec<InputItem>,
    pub(crate) max_output_tokens: Option<u32>,
}

pub(crate) const fn background() -> Wish {
    Wish {
        job: 0,
        turn: 1,
        background: true,
        stream: false,
        store: true,
        previous: None,
        input: Vec::new(),
        max_output_tokens: None,
    }
}

pub(crate) fn streamed() -> Wish {
    Wish {
        stream: true,
        ..background()
    }
}

pub(crate) fn foreground() -> Wish {
    Wish {
        background: false,
        ..background()
    }
}

pub(crate) fn foreground_stream() -> Wish {
    Wish {
        stream: true,
        ..foreground()
    }
}

/// A service, the calls of its clients, and what came back.
#[derive(Debug, Clone)]
pub(crate) struct Bench {
    pub(crate) service: Service,
    now: SimTime,
    batch: Vec<Input>,
    outputs: Vec<(SimTime, Output)>,
    counts: BTreeMap<(u32, ExchangeKind), u32>,
    /// How webhooks are answered; silence if there is no answer left.
    pub(crate) receiver: Vec<Option<u16>>,
}

impl Bench {
    pub(crate) fn new(profile: Profile) -> Self {
        Self::with(profile, &[])
    }

    pub(crate) fn with(profile: Profile, rules: &[FaultRule]) -> Self {
        let seed = Seed(7);
        let service = Service::new(Setup {
            profile,
            scripts: Arc::from([]),
            plan: FaultPlan::new(rules.into(), seed),
            seed,
            notes: Notes::kept(),
        });
        Self {
            service,
            now: SimTime::START,
            batch: Vec::new(),
            outputs: Vec::new(),
            counts: BTreeMap::new(),
            receiver: Vec::new(),
        }
    }

    /// A service whose only script is `steps`.
    pub(crate) fn playing(steps: &[Step]) -> Self {
        Self::new(profile(script(steps)))
    }

    /// Lets everything happen that is due before `text` (since the start); what is called then arrives at that time.
    #[track_caller]
    pub(crate) fn at(&mut self, text: &str) -> &mut Self {
        let time = SimTime::START + text.parse::<SimDuration>().unwrap();
        self.run_before(time);
        self.now = time;
        self
    }

    /// Lets everything happen.
    pub(crate) fn finish(&mut self) -> &mut Self {
        self.run_before(SimTime::NEVER);
        self
    }

    fn run_before(&mut self, end: SimTime) {
        let mut steps = 0;
        loop {
            let due = self.service.next_deadline().unwrap_or(SimTime::NEVER);
            let next = if self.batch.is_empty() { due } else { self.now };
            if next >= end {
                return;
            }
            self.now = next.max(self.now);
            let mut out = Vec::new();
            self.service.step(self.now, &mut self.batch, &mut out);
            out.retain(|output| !matches!(output, Output::Made { .. }));
            self.now = self.now.next();
            for output in out {
                self.receive(output);
            }
            steps += 1;
            assert!(steps < 100_000, "no end in sight");
        }
    }

    fn receive(&mut self, output: Output) {
        if let (Output::Webhook(send), false) = (&output, self.receiver.is_empty()) {
            let http = self.receiver.remove(0);
            self.batch.push(Input::WebhookAnswered {
                delivery: send.delivery.clone(),
                send: send.send,
                http,
            });
        }
        self.outputs.push((self.now, output));
    }

    pub(crate) fn key(&mut self, job: u32, kind: ExchangeKind, turn: u16) -> CallKey {
        let nth = self.counts.entry((job, kind)).or_default();
        *nth += 1;
        CallKey {
            exchange: Exchange::new(JobId(job), AttemptNo(1), TurnNo(turn), kind, *nth),
            connection: ConnectionNo(0),
        }
    }

    pub(crate) fn push(&mut self, input: Input) -> &mut Self {
        self.batch.push(input);
        self
    }

    pub(crate) fn request(&mut self, call: CallKey, ask: Ask) -> &mut Self {
        let (auth, ask) = (Auth::Granted, Ok(ask));
        self.push(Input::Request { call, auth, ask })
    }

    pub(crate) fn create(&mut self, wish: &Wish) -> &mut Self {
        let call = self.key(wish.job, ExchangeKind::Create, wish.turn);
        let ask = Ask::Create(Arc::new(create_of(wish, call)));
        self.request(call, ask)
    }

    fn about(&mut self, kind: ExchangeKind, ask: Ask) -> &mut Self {
        let call = self.key(0, kind, 1);
        self.request(call, ask)
    }

    /// Asks about the `nth` response that was made, from 1.
    pub(crate) fn poll(&mut self, nth: usize) -> &mut Self {
        let id = self.id(nth);
        self.about(ExchangeKind::Poll, Ask::Poll(id))
    }

    pub(crate) fn cancel(&mut self, nth: usize) -> &mut Self {
        let id = self.id(nth);
        self.about(ExchangeKind::Cancel, Ask::Cancel(id))
    }

    pub(crate) fn delete(&mut self, nth: usize) -> &mut Self {
        let id = self.id(nth);
        self.about(ExchangeKind::Delete, Ask::Delete(id))
    }

    pub(crate) fn stream(&mut self, nth: usize, after: Option<u64>) -> &mut Self {
        let id = self.id(nth);
        self.about(ExchangeKind::Stream, Ask::Stream { id, after })
    }

    /// The client of the `nth` call of a kind of job 0 leaves.
    pub(crate) fn leave(&mut self, kind: ExchangeKind, nth: u32) -> &mut Self {
        let mut call = self.clone().key(0, kind, 1);
        call.exchange = call.exchange.beside(kind, nth);
        self.push(Input::Gone { call })
    }

    fn ids(&self) -> Vec<ResponseId> {
        let created = |record: &Record<ServiceEvent>| match &record.event {
            ServiceEvent::Backend(BackendEvent::Created { response, .. }) => Some(response.clone()),
            _ => None,
        };
        self.service
            .notes()
            .records()
            .iter()
            .filter_map(created)
            .collect()
    }

    /// The id of the `nth` response that was made; an unknown one if there are fewer.
    pub(crate) fn id(&self, nth: usize) -> ResponseId {
        let found = self.ids().get(nth - 1).cloned();
        found.unwrap_or_else(|| ResponseId("resp_unknown".into()))
    }

    fn alias(&self, id: &ResponseId) -> String {
        match self.ids().iter().position(|known| known == id) {
            Some(place) => format!("r{}", place + 1),
            None => "r?".into(),
        }
    }

    pub(crate) fn outputs(&self) -> &[(SimTime, Output)] {
        &self.outputs
    }

    /// The last Response object that came back.
    #[track_caller]
    pub(crate) fn last_response(&self) -> &Response {
        let response = |(_, output): &'_ (SimTime, Output)| {
            matches!(
                output,
                Output::Reply {
                    reply: Reply::Response(_),
                    ..
                }
            )
        };
        match &self.outputs[self.outputs.iter().rposition(response).unwrap()].1 {
            Output::Reply {
                reply: Reply::Response(response),
                ..
            } => response,
            _ => unreachable!(),
        }
    }

    /// The events that left on the `nth` call of a kind.
    pub(crate) fn events(&self, kind: ExchangeKind, nth: u32) -> Vec<StreamEvent> {
        let on_call = |(_, output): &(SimTime, Output)| match output {
            Output::Event { call, event } if call.exchange.kind() == kind && call.exchange.nth() == nth => {
                Some(StreamEvent::clone(event))
            }
            _ => None,
        };
        self.outputs.iter().filter_map(on_call).collect()
    }

    /// What left, one line each.
    pub(crate) fn timeline(&self) -> String {
        let mut text = String::new();
        let shown = |(_, output): &&(SimTime, Output)| !matches!(output, Output::Dropped { .. });
        for (at, output) in self.outputs.iter().filter(shown) {
            // What is answered in a tick takes effect in the next one; the line names the tick of the answer.
            let tick = SimTime::from_ticks(at.ticks() - 1);
            writeln!(text, "{tick} {}", self.output_line(output)).unwrap();
        }
        text
    }

    fn output_line(&self, output: &Output) -> String {
        match output {
            Output::Reply { call, reply, face } => {
                let spoiled = match face {
                    Face::Whole => String::new(),
                    face => format!(" ({face:?})"),
                };
                format!("{} {}{spoiled}", name(call), self.reply_line(reply))
            }
            Output::Made { call, .. } => format!("{} made", name(call)),
            Output::Dropped { response } => format!("{response} dropped"),
            Output::Heading { call, fields } => format!("{} told {fields:?}", name(call)),
            Output::Event { call, event } => {
                format!("{} #{} {}", name(call), event.seq, event_line(&event.event))
            }
            Output::Part { call, part, of, .. } => format!("{} part {part} of {of}", name(call)),
            Output::EventPart {
                call,
                event,
                part,
                of,
            } => {
                format!("{} #{} part {part} of {of}", name(call), event.seq)
            }
            Output::Close { call, how } => {
                let inside = match how {
                    StreamEnd::BetweenEvents => "",
                    StreamEnd::InsideEvent => " inside an event",
                    StreamEnd::BetweenLines => " between lines",
                    StreamEnd::Reset => " with a reset",
                };
                format!("{} closed{inside}", name(call))
            }
            Output::Webhook(send) => {
                let genuine = match send.genuine {
                    Genuine::Valid => "",
                    Genuine::Stale => " stale",
                    Genuine::Forged => " forged",
                };
                let alias = self.alias(&send.response);
                format!("webhook {alias} {} send {}{genuine}", send.kind, send.send)
            }
        }
    }

    fn reply_line(&self, reply: &Reply) -> String {
        match reply {
            Reply::Response(response) => format!("{} {}", self.alias(&response.id), response_line(response)),
            Reply::StreamOpen => "stream".into(),
            Reply::Deleted => "deleted".into(),
            Reply::Document(json) => self.anonymous(json),
            Reply::Error(error) => {
                let wait = error.wait.map(|wait| format!(" {wait:?}")).unwrap_or_default();
                let message = self.anonymous(&error.message);
                format!("{}{wait} {message}", error.http)
            }
        }
    }

    /// A text with aliases in the place of ids.
    fn anonymous(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (id, nth) in self.ids().iter().zip(1..) {
            text = text.replace(&*id.0.text(), &format!("r{nth}"));
        }
        text
    }

    /// What the backend channel says, one line each.
    pub(crate) fn backend(&self) -> String {
        self.notes(|event| match event {
            ServiceEvent::Backend(event) => Some(self.backend_line(event)),
            ServiceEvent::Wire(_) => None,
        })
    }

    /// What the wire channel says, one line each.
    pub(crate) fn wire(&self) -> String {
        self.notes(|event| match event {
            ServiceEvent::Wire(event) => Some(self.wire_line(event)),
            ServiceEvent::Backend(_) => None,
        })
    }

    fn notes(&self, line: impl Fn(&ServiceEvent) -> Option<String>) -> String {
        let mut text = String::new();
        for record in self.service.notes().records() {
            if let Some(line) = line(&record.event) {
                writeln!(text, "{} {line}", record.at).unwrap();
            }
        }
        text
    }

    fn backend_line(&self, event: &BackendEvent) -> String {
        match event {
            BackendEvent::Created { response, .. } => format!("{} created", self.alias(response)),
            BackendEvent::Became {
                response,
                status,
                code,
            } => {
                let code = code.as_ref().map(|code| format!(" {code}")).unwrap_or_default();
                format!("{} {}{code}", self.alias(response), status.word())
            }
            BackendEvent::McpActed { response, digest, .. } => {
                format!("{} acted {digest}", self.alias(response))
            }
            BackendEvent::Limited { room_in, .. } => format!("limited, room in {room_in}"),
            BackendEvent::FaultFired { rule, fault } => format!("fault {rule} {fault}"),
            BackendEvent::Dropped { response, why } => format!("{} {why}", self.alias(response)),
        }
    }

    fn wire_line(&self, event: &WireEvent) -> String {
        let json = serde_json::to_string(event).unwrap();
        let inner = json.trim_start_matches('{').trim_end_matches('}');
        let inner = inner.replace(['"', '{', '}'], "").replace("exchange:0.1.1.", "");
        self.anonymous(&inner.replacen(':', " ", 1).replace(',', " "))
    }
}

/// The request of a wish.
pub(crate) fn create_of(wish: &Wish, call: CallKey) -> Create {
    let exchange = call.exchange;
    let hello = || InputItem::Message {
        text: "Please.".into(),
    };
    Create {
        model: "gpt-5".into(),
        origin: Some(Origin {
            job: exchange.job(),
            attempt: exchange.attempt(),
            turn: exchange.turn(),
        }),
        background: wish.background,
        stream: wish.stream,
        store: wish.store,
        previous: wish.previous.clone(),
        input: if wish.input.is_empty() {
            [hello()].into()
        } else {
            wish.input.as_slice().into()
        },
        tools: Arc::from([]),
        max_output_tokens: wish.max_output_tokens,
        tier: None,
        request: None,
    }
}

/// The same request from a stranger.
pub(crate) fn strange_create(wish: &Wish, connection: u64, nth: u32) -> (CallKey, Ask) {
    let call = CallKey {
        exchange: Exchange::new(JobId::NONE, AttemptNo(0), TurnNo(0), ExchangeKind::Create, nth),
        connection: ConnectionNo(connection),
    };
    let create = Create {
        origin: None,
        ..create_of(wish, call)
    };
    (call, Ask::Create(Arc::new(create)))
}

fn name(call: &CallKey) -> String {
    let exchange = call.exchange;
    match exchange.job().0 {
        0 => format!("{}.{}", exchange.kind().word(), exchange.nth()),
        _ => exchange.to_string(),
    }
}

pub(crate) fn response_line(response: &Response) -> String {
    let items: Vec<String> = response.output.iter().map(item_line).collect();
    let output = if items.is_empty() {
        String::new()
    } else {
        format!(" [{}]", items.join(", "))
    };
    let error = response.error.as_ref().map(|error| format!(" {}", error.code));
    let reason = response.incomplete.as_ref().map(|reason| format!(" {reason}"));
    let why = error.or(reason).unwrap_or_default();
    format!("{}{why}{output}", response.status.word())
}

fn item_line(item: &Item) -> String {
    let word = |status: &ItemStatus| match status {
        ItemStatus::InProgress => " in_progress",
        ItemStatus::Completed => "",
        ItemStatus::Incomplete => " incomplete",
        ItemStatus::Failed => " failed",
    };
    match item {
        Item::Message { text, status, .. } => {
            format!("message {}{}", text.split_whitespace().count(), word(status))
        }
        Item::Reasoning { .. } => "reasoning".into(),
        Item::FunctionCall {
            name,
            arguments,
            status,
            ..
        } => format!("call {name}({arguments}){}", word(status)),
        Item::McpApprovalRequest { name, arguments, .. } => format!("approve {name}({arguments})"),
        Item::McpCall {
            name,
            arguments,
            status,
            ..
        } => format!("mcp {name}({arguments}){}", word(status)),
        Item::Hosted { tool, status, .. } => format!("{tool}{}", word(status)),
    }
}

fn event_line(event: &Event) -> String {
    match event {
        Event::Created(response) => format!("created {}", response_line(response)),
        Event::Queued(_) => "queued".into(),
        Event::InProgress(_) => "in_progress".into(),
        Event::ItemAdded { output, item } => format!("added {output} {}", item_line(item)),
        Event::PartAdded { output, .. } => format!("part added {output}"),
        Event::TextDelta { output, .. } => format!("delta {output}"),
        Event::TextDone { output, .. } => format!("text done {output}"),
        Event::PartDone { output, .. } => format!("part done {output}"),
        Event::ArgumentsDelta { output, delta, .. } => format!("arguments delta {output} {delta}"),
        Event::ArgumentsDone {
            output, arguments, ..
        } => format!("arguments done {output} {arguments}"),
        Event::Progress { name, output, .. } => format!("{name} {output}"),
        Event::ItemDone { output, item } => format!("done {output} {}", item_line(item)),
        Event::Completed(response) | Event::Failed(response) | Event::Incomplete(response) => {
            format!("last {}", response_line(response))
        }
        Event::Error { code, .. } => format!("error {code}"),
        Event::Keepalive => "keepalive".into(),
        Event::Unknown { name } => format!("unknown {name}"),
    }
}

/// Compares line by line, without indentation and empty lines.
#[track_caller]
pub(crate) fn check(actual: &str, expected: &str) {
    let lines = |text: &str| {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.map(str::to_owned).collect::<Vec<_>>().join("\n")
    };
    let (actual, expected) = (lines(actual), lines(expected));
    assert!(
        actual == expected,
        "--- expected\n{expected}\n--- actual\n{actual}"
    );
}
