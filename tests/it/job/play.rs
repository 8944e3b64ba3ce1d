//! A desk with a trivial router, played with scripted inputs; what it did is told as text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use lanebench::job::{
    Action, ApprovalRequest, ApprovalVerdict, Decision, Desk, Input, LaneSpec, Placement, Plan, RosterEntry,
    Routed, Router, Setup, SinkAnswer, TaskSpec, ToOutside, Told, Transition,
};
use lanebench::rng::Seed;
use lanebench::trace::{
    Boundary, CoreEvent, Decided, Execution, JobEvent, LaneName, Notes, Principal, Record, StateName, View,
};
use lanebench::units::{Exchange, JobId, SimDuration, SimTime};
use lanebench::wire::{Break, Reply, StreamEvent};

use super::task::plan;

/// Sends every task to the same place; tasks beyond the list are refused.
#[derive(Debug)]
pub(crate) struct Fixed(pub(crate) Vec<Placement>);

impl Router for Fixed {
    fn route(&self, task: JobId) -> Routed {
        let Some(placement) = self.0.get(task.0 as usize) else {
            return Routed::Refused("no place for it".into());
        };
        let decided = Decided {
            lane: placement.lane,
            execution: placement.execution,
            boundary: placement.boundary,
            rule: "r".into(),
            policy: "p".into(),
            gates: [None; 3],
            background_permitted: placement.execution == Execution::Background,
            findings: Vec::new(),
            attributes: BTreeMap::new(),
            due: None,
        };
        Routed::Placed(placement.clone(), Arc::new(decided))
    }
}

/// What answers an exchange, a tool or a sink when the core asks.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Reply(Reply),
    Broke(Break),
    /// The head of a stream, its events one tick apart, and whether it then ends.
    Stream(Vec<StreamEvent>, End),
    Tool(Result<&'static str, &'static str>),
    Sink(SinkAnswer),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum End {
    Closes,
    StaysOpen,
}

/// A script and what became of it.
pub(crate) struct Play {
    pub(crate) desk: Desk,
    queue: BTreeMap<SimTime, Vec<Scripted>>,
    rules: BTreeMap<String, (u64, Answer)>,
    requests: BTreeMap<Arc<str>, Arc<ApprovalRequest>>,
    stores: bool,
    pub(crate) notes: Vec<Record<CoreEvent>>,
    pub(crate) acted: Vec<(SimTime, Action)>,
    pub(crate) batches: Vec<(SimTime, Vec<Input>)>,
    lines: Vec<String>,
    until: SimTime,
}

#[derive(Debug, Clone)]
enum Scripted {
    Told(Input),
    Decide(Arc<str>, Principal, ApprovalVerdict),
}

pub(crate) fn ms(millis: u64) -> SimDuration {
    SimDuration::from_millis(millis)
}

pub(crate) fn secs(secs: u64) -> SimDuration {
    SimDuration::from_secs(secs)
}

pub(crate) fn who(name: &str) -> Principal {
    Principal(name.into())
}

pub(crate) fn placement() -> Placement {
    Placement {
        lane: LaneName::Background,
        execution: Execution::Background,
        boundary: Boundary::Approval,
        hand_over: lanebench::job::HandOver::Permitted,
        tier: None,
        due: None,
    }
}

pub(crate) fn interactive(hand_over: lanebench::job::HandOver) -> Placement {
    Placement {
        lane: LaneName::Interactive,
        execution: Execution::Interactive,
        hand_over,
        ..placement()
    }
}

pub(crate) fn lane() -> LaneSpec {
    LaneSpec {
        capacity: 4,
        waiting: 8,
        budget: 100,
        jobs_per_retry: 0,
    }
}

pub(crate) fn roster() -> Arc<[RosterEntry]> {
    let person = |name: &str, roles: &[&str], acts_for: Option<&str>| RosterEntry {
        name: who(name),
        roles: roles.iter().map(|role| Arc::from(*role)).collect(),
        acts_for: acts_for.map(who),
    };
    Arc::from([
        person("ann", &["approver"], None),
        person("bob", &["approver"], None),
        person("ann-bot", &["approver"], Some("ann")),
        person("user", &["approver"], None),
        person("user-bot", &["approver"], Some("user")),
        person("carl", &["clerk"], None),
    ])
}

/// A setup with these plans, one task each, all placed alike.
pub(crate) fn setup(plans: Vec<Plan>, place: &Placement, lanes: LaneSpec) -> Setup {
    let count = plans.len();
    let task = |plan: Plan| TaskSpec {
        name: "t".into(),
        kind: "k".into(),
        requester: who("user"),
        input: TaskSpec::asking("do it"),
        plan: Arc::new(plan),
    };
    Setup {
        tasks: plans.into_iter().map(task).collect(),
        router: Arc::new(Fixed(vec![place.clone(); count])),
        lanes: [lanes; 3],
        shared: None,
        roster: roster(),
        seed: Seed(7),
        epoch: 1_800_000_000,
    }
}

impl Play {
    /// One job with the usual plan, submitted at the start.
    pub(crate) fn new() -> Self {
        Self::with(plan())
    }

    pub(crate) fn with(plan: Plan) -> Self {
        Self::of(setup(vec![plan], &placement(), lane()))
    }

    pub(crate) fn placed(plan: Plan, place: &Placement) -> Self {
        Self::of(setup(vec![plan], place, lane()))
    }

    pub(crate) fn of(setup: Setup) -> Self {
        let count = u32::try_from(setup.tasks.len()).unwrap();
        let mut play = Self {
            desk: Desk::new(setup, Notes::kept()),
            queue: BTreeMap::new(),
            rules: BTreeMap::new(),
            requests: BTreeMap::new(),
            stores: true,
            notes: Vec::new(),
            acted: Vec::new(),
            batches: Vec::new(),
            lines: Vec::new(),
            until: SimTime::from_ticks(7_200_000_000),
        };
        for job in 0..count {
            play = play.tell(0, job, Told::Submitted);
        }
        play
    }

    /// Something happens to job 0 at `at` milliseconds.
    pub(crate) fn at(self, at: u64, told: Told) -> Self {
        self.tell(at, 0, told)
    }

    pub(crate) fn tell(mut self, at: u64, job: u32, told: Told) -> Self {
        let (at, job) = (SimTime::START + ms(at), JobId(job));
        let one = Scripted::Told(Input { job, told });
        self.queue.entry(at).or_default().push(one);
        self
    }

    /// Somebody decides about a request of job 0 as it was shown.
    pub(crate) fn decide(mut self, at: u64, approval: &str, by: &str, verdict: ApprovalVerdict) -> Self {
        let one = Scripted::Decide(approval.into(), who(by), verdict);
        self.queue.entry(SimTime::START + ms(at)).or_default().push(one);
        self
    }

    pub(crate) fn approve(self, at: u64, approval: &str, by: &str) -> Self {
        self.decide(at, approval, by, ApprovalVerdict::Approve)
    }

    pub(crate) fn cancel(self, at: u64) -> Self {
        self.at(at, Told::CancelAsked { by: who("user") })
    }

    /// What answers `create.1`, `tool c1#1`, `sink 0.1.c1#1` and their like of job 0, 10 ms after it was asked.
    pub(crate) fn on(self, what: &str, answer: Answer) -> Self {
        self.after(10, what, answer)
    }

    pub(crate) fn after(mut self, wait: u64, what: &str, answer: Answer) -> Self {
        self.rules.insert(what.into(), (wait, answer));
        self
    }

    pub(crate) fn reply(self, what: &str, reply: Reply) -> Self {
        self.on(what, Answer::Reply(reply))
    }

    pub(crate) fn broke(self, what: &str, how: Break) -> Self {
        self.on(what, Answer::Broke(how))
    }

    pub(crate) fn tool(self, what: &str, answer: Result<&'static str, &'static str>) -> Self {
        self.on(what, Answer::Tool(answer))
    }

    pub(crate) fn sink(self, what: &str, answer: SinkAnswer) -> Self {
        self.on(what, Answer::Sink(answer))
    }

    /// The store never confirms.
    pub(crate) fn no_store(mut self) -> Self {
        self.stores = false;
        self
    }

    pub(crate) fn until(mut self, until: u64) -> Self {
        self.until = SimTime::START + ms(until);
        self
    }

    /// Plays to the end.
    pub(crate) fn run(mut self) -> Self {
        let mut actions = Vec::new();
        for _ in 0..20_000 {
            let scripted = self.queue.first_key_value().map(|(at, _)| *at);
            let Some(now) = [scripted, self.desk.next_deadline()].into_iter().flatten().min() else {
                return self;
            };
            if now > self.until {
                return self;
            }
            let due = self.queue.remove(&now).unwrap_or_default();
            let mut batch: Vec<Input> = due.into_iter().map(|one| self.input(one)).collect();
            self.batches.push((now, batch.clone()));
            self.desk.step(now, &mut batch, &mut actions);
            let noted = self.desk.take_notes();
            self.lines.extend(noted.iter().filter_map(line_of_note));
            self.notes.extend(noted);
            for action in actions.drain(..) {
                self.act(now, &action);
                self.acted.push((now, action));
            }
        }
        panic!("no end: {}", self.text());
    }

    fn input(&self, one: Scripted) -> Input {
        match one {
            Scripted::Told(input) => input,
            Scripted::Decide(approval, by, verdict) => {
                let shown = self.requests.get(&approval).map(|request| &request.acts);
                let digests = shown
                    .into_iter()
                    .flatten()
                    .map(|act| act.digest.clone())
                    .collect();
                let job = JobId(approval.split('.').next().unwrap().parse().unwrap());
                let reason = None;
                let told = Told::Decided(Box::new(Decision {
                    approval,
                    by,
                    verdict,
                    digests,
                    reason,
                }));
                Input { job, told }
            }
        }
    }

    fn act(&mut self, now: SimTime, action: &Action) {
        if let Some(line) = line_of_action(now, action) {
            self.lines.push(line);
        }
        match action {
            Action::Send { exchange, .. } => {
                let name = format!("{}.{}", exchange.kind().word(), exchange.nth());
                if let Some((wait, answer)) = self.rule(exchange.job(), &name) {
                    self.answer_exchange(now + ms(wait), *exchange, answer);
                }
            }
            Action::Store { job, digest, .. } if self.stores => {
                let digest = digest.clone();
                self.soon(now + ms(1), *job, Told::Stored { digest });
            }
            Action::Outside { job, message } => self.outside(now, *job, message),
            Action::Abort { .. } | Action::AnswerWebhook { .. } | Action::Store { .. } => {}
        }
    }

    /// Rules without a job are those of job 0; a star stands for any number.
    fn rule(&self, job: JobId, name: &str) -> Option<(u64, Answer)> {
        let name = match job {
            JobId(0) => name.to_owned(),
            JobId::NONE => format!("-/{name}"),
            JobId(job) => format!("{job}/{name}"),
        };
        let (stem, _) = name.rsplit_once(['.', '#']).unwrap();
        let any = format!("{stem}.*");
        self.rules.get(&name).or_else(|| self.rules.get(&any)).cloned()
    }

    fn soon(&mut self, at: SimTime, job: JobId, told: Told) {
        let one = Scripted::Told(Input { job, told });
        self.queue.entry(at).or_default().push(one);
    }

    fn answer_exchange(&mut self, at: SimTime, exchange: Exchange, answer: Answer) {
        let job = exchange.job();
        match answer {
            Answer::Reply(reply) => self.soon(at, job, Told::Reply { exchange, reply }),
            Answer::Broke(how) => self.soon(at, job, Told::Broke { exchange, how }),
            Answer::Stream(events, end) => {
                let reply = Reply::StreamOpen;
                self.soon(at, job, Told::Reply { exchange, reply });
                let mut at = at;
                for event in events {
                    at += ms(1);
                    self.soon(
                        at,
                        job,
                        Told::Event {
                            exchange,
                            event: event.into(),
                        },
                    );
                }
                if end == End::Closes {
                    self.soon(at + ms(1), job, Told::StreamEnded { exchange });
                }
            }
            Answer::Tool(_) | Answer::Sink(_) => panic!("{exchange} is no tool and no sink"),
        }
    }

    fn outside(&mut self, now: SimTime, job: JobId, message: &ToOutside) {
        let (name, key, run) = match message {
            ToOutside::RunTool { call, run, .. } => (format!("tool {call}#{run}"), call, *run),
            ToOutside::Apply { key, run, .. } => (format!("sink {key}#{run}"), key, *run),
            ToOutside::QuerySink { key, run, .. } => (format!("query {key}#{run}"), key, *run),
            ToOutside::AskApproval(request) => {
                self.requests.insert(request.id.clone(), request.clone());
                return;
            }
            ToOutside::DropTool { .. } | ToOutside::CloseApproval { .. } | ToOutside::Show { .. } => return,
        };
        let Some((wait, answer)) = self.rule(job, &name) else {
            return;
        };
        let told = match answer {
            Answer::Tool(answer) => Told::ToolAnswered {
                call: key.clone(),
                run,
                answer: answer.map(Arc::from).map_err(Arc::from),
            },
            Answer::Sink(answer) => Told::SinkAnswered {
                key: key.clone(),
                run,
                answer,
            },
            _ => panic!("{name} is no exchange"),
        };
        self.soon(now + ms(wait), job, told);
    }

    /// Everything worth telling, a line each.
    pub(crate) fn text(&self) -> String {
        self.lines.join("\n")
    }

    /// The states that job 0 went through, with the number of an attempt where one starts.
    pub(crate) fn states(&self) -> String {
        self.states_of(0)
    }

    pub(crate) fn states_of(&self, job: u32) -> String {
        let moves = self.moves_of(job).map(|(_, _, to)| to.word());
        moves.collect::<Vec<_>>().join(" ")
    }

    fn moves_of(&self, job: u32) -> impl Iterator<Item = Transition> {
        let of_job = self
            .notes
            .iter()
            .filter(move |record| record.job == Some(JobId(job)));
        of_job.filter_map(|record| match &record.event {
            CoreEvent::Job(JobEvent::Moved { from, on, to, .. }) => Some((*from, *on, *to)),
            _ => None,
        })
    }

    /// Every move that any job made.
    pub(crate) fn moves(&self) -> BTreeSet<Transition> {
        let moves = self.notes.iter().filter_map(|record| match &record.event {
            CoreEvent::Job(JobEvent::Moved { from, on, to, .. }) => Some((*from, *on, *to)),
            _ => None,
        });
        moves.collect()
    }

    /// The job events of job 0, with their times.
    pub(crate) fn events(&self) -> impl Iterator<Item = (SimTime, &JobEvent)> {
        self.notes.iter().filter_map(|record| match &record.event {
            CoreEvent::Job(event) if record.job == Some(JobId(0)) => Some((record.at, event)),
            _ => None,
        })
    }

    /// Attempts made and attempts charged at the end of job 0.
    pub(crate) fn attempts(&self) -> (u16, u16) {
        let counts = self.events().filter_map(|(_, event)| match event {
            JobEvent::Moved { attempt, charged, .. } => Some((*attempt, *charged)),
            _ => None,
        });
        counts.last().unwrap()
    }

    /// When job 0 came to this state for the first time.
    #[track_caller]
    pub(crate) fn when(&self, state: StateName) -> SimTime {
        let moved = self
            .events()
            .find(|(_, event)| matches!(event, JobEvent::Moved { to, .. } if *to == state));
        moved
            .unwrap_or_else(|| panic!("never {state}:\n{}", self.text()))
            .0
    }

    /// The views that were shown to one audience.
    pub(crate) fn views(&self, audience: lanebench::trace::Audience) -> Vec<(SimTime, Arc<View>)> {
        let shown = self.notes.iter().filter_map(|note| match &note.event {
            CoreEvent::Runtime(lanebench::trace::RuntimeEvent::Shown { audience: to, view })
                if *to == audience =>
            {
                Some((note.at, view.clone()))
            }
            _ => None,
        });
        shown.collect()
    }

    /// Whether a line says this.
    pub(crate) fn says(&self, what: &str) -> bool {
        self.lines.iter().any(|line| line.contains(what))
    }

    #[track_caller]
    pub(crate) fn must_say(&self, what: &str) {
        assert!(self.says(what), "nothing says `{what}`:\n{}", self.text());
    }
}

/// `12.5ms job 0`: the job only where it is another.
fn stamp(at: SimTime, job: Option<JobId>) -> String {
    match job {
        None | Some(JobId(0)) => format!("{at}"),
        Some(JobId::NONE) => format!("{at} -"),
        Some(JobId(job)) => format!("{at} {job}"),
    }
}

fn line_of_note(record: &Record<CoreEvent>) -> Option<String> {
    let CoreEvent::Job(event) = &record.event else {
        return None;
    };
    let mut line = stamp(record.at, record.job);
    let text = match event {
        JobEvent::Moved {
            on,
            to,
            attempt,
            charged,
            turn,
            cause,
            by,
            ..
        } => {
            write!(line, " {on} -> {to} {attempt}/{charged}.{turn}").unwrap();
            if let Some(cause) = cause {
                write!(line, " [{}]", cause.code).unwrap();
            }
            if let Some(by) = by {
                write!(line, " by {}", by.0).unwrap();
            }
            return Some(line);
        }
        JobEvent::Classified { row, .. } => format!("  row {row}"),
        JobEvent::LimitFired {
            limit, value, due, ..
        } => format!("  limit {limit} {value} due {due}"),
        JobEvent::RetryPlanned { attempt, due, .. } => format!("  attempt {attempt} planned for {due}"),
        JobEvent::RetryStopped { reason } => format!("  no further attempt: {reason}"),
        JobEvent::TwinSent { attempt } => format!("  twin of attempt {attempt}"),
        JobEvent::OrphanSuspected { attempt, turn } => format!("  orphan of {attempt}.{turn}"),
        JobEvent::Adopted { response } => format!("  adopted {response}"),
        JobEvent::LateEvidence { what, .. } => format!("  late: {what}"),
        JobEvent::HandedOver { cursor, .. } => format!("  handed over at cursor {cursor:?}"),
        JobEvent::CancelTooLate { during } => format!("  cancel too late: {during}"),
        JobEvent::DecisionRefused { why, by, .. } => format!("  decision of {} refused: {why}", by.0),
        JobEvent::ApprovalClosed { approval, how } => format!("  {approval} {how}"),
        JobEvent::GrantConsumed { grant, .. } => format!("  grant {grant} consumed"),
        JobEvent::ResultStored { len, partial, .. } => {
            format!(
                "  result of {len} bytes{}",
                if *partial { ", partial" } else { "" }
            )
        }
        JobEvent::Promised { .. }
        | JobEvent::CancelRecorded { .. }
        | JobEvent::ApprovalRequested { .. }
        | JobEvent::Used { .. } => return None,
    };
    Some(line + &text)
}

fn line_of_action(at: SimTime, action: &Action) -> Option<String> {
    let (job, text) = match action {
        Action::Send { exchange, .. } => (
            exchange.job(),
            format!("> {}.{}", exchange.kind().word(), exchange.nth()),
        ),
        Action::Abort { exchange } => (
            exchange.job(),
            format!("x {}.{}", exchange.kind().word(), exchange.nth()),
        ),
        Action::AnswerWebhook { delivery, http, .. } => {
            (JobId::NONE, format!("> {http} to webhook {delivery}"))
        }
        Action::Store { .. } => return None,
        Action::Outside { job, message } => (*job, outside_text(message)?),
    };
    Some(format!("{} {text}", stamp(at, Some(job))))
}

fn outside_text(message: &ToOutside) -> Option<String> {
    Some(match message {
        ToOutside::RunTool { call, run, tool, .. } => format!("> tool {tool} {call}#{run}"),
        ToOutside::DropTool { call, run } => format!("x tool {call}#{run}"),
        ToOutside::AskApproval(request) => {
            let acts: Vec<String> = request
                .acts
                .iter()
                .map(|act| format!("{}{}", act.operation, act.arguments))
                .collect();
            let old = request
                .supersedes
                .as_deref()
                .map(|old| format!(" instead of {old}"));
            let old = old.unwrap_or_default();
            format!("> ask {} {} x{}{old}", request.id, acts.join(" "), request.quorum)
        }
        ToOutside::CloseApproval { .. } | ToOutside::Show { .. } => return None,
        ToOutside::Apply { act, key, run, grant } => {
            format!(
                "> apply {}{} {key}#{run} {}",
                act.operation, act.arguments, grant.id
            )
        }
        ToOutside::QuerySink { key, run, .. } => format!("> query {key}#{run}"),
    })
}
