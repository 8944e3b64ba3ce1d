//! A small world around the outside: what the core would say is scripted, everything it would see is written down.

use std::sync::Arc;

use lanebench::fault::{Fault, FaultPlan, FaultRule, Select, Target};
use lanebench::job::{
    Act, ApprovalRequest, ApprovalVerdict, Decision, Glance, Grant, Input, OwnApproval, RosterEntry,
    SinkAnswer, SinkClass, ToOutside, Told, Viewers, digest,
};
use lanebench::people::{
    ApproverScript, Behaviour, Change, Changed, FromCore, Notice, OperatorScript, Outside, OutsideSetup,
    OutsideTask, Reach, UserScript,
};
use lanebench::rng::{Law, Seed};
use lanebench::sinks::{SinkSpec, ToolSpec};
use lanebench::trace::{
    Cause, Liveness, Notes, OutsideEvent, PeopleEvent, Principal, Record, SinkEvent, StateName, UserEvent,
    Verb, View,
};
use lanebench::units::{JobId, SimDuration, SimTime};

pub(super) const PAY: &str = r#"{"cents": 500, "to": "acme"}"#;

/// Who says yes to everything.
const WILLING: &str = "willing";

pub(super) fn secs(secs: u64) -> SimDuration {
    SimDuration::from_secs(secs)
}

pub(super) fn at(secs: u64) -> SimTime {
    SimTime::from_ticks(secs * 1_000_000)
}

pub(super) fn takes(length: u64) -> Law {
    Law::Constant(secs(length))
}

pub(super) fn who(name: &str) -> Principal {
    Principal(name.into())
}

/// An outside world and what the core says to it.
#[derive(Clone)]
pub(super) struct World {
    pub(super) setup: OutsideSetup,
    pub(super) says: Vec<(SimTime, FromCore)>,
    rules: Vec<FaultRule>,
}

impl World {
    /// Nobody but one user, kim, who asks for `report` at the start; sinks that take a second.
    pub(super) fn new() -> Self {
        let setup = OutsideSetup {
            seed: Seed(7),
            faults: FaultPlan::none(),
            tasks: Vec::new(),
            windows: None,
            further: lanebench::people::Further::default(),
            users: vec![UserScript::default()],
            approvers: Vec::new(),
            staffs: Vec::new(),
            operators: Vec::new(),
            changes: Vec::new(),
            sinks: Vec::new(),
            tools: Vec::new(),
        };
        let world = Self {
            setup,
            says: Vec::new(),
            rules: Vec::new(),
        };
        world
            .task("report", 0)
            .sink("mail", SinkClass::IdempotentByKey, None)
            .sink("records", SinkClass::Queryable, None)
            .sink("purchases", SinkClass::Neither, None)
            .sink("production", SinkClass::IdempotentByKey, Some("v1"))
    }

    pub(super) fn task(mut self, name: &str, second: u64) -> Self {
        self.setup.tasks.push(OutsideTask {
            name: name.into(),
            kind: "some_kind".into(),
            at: at(second),
            requester: who("kim"),
            own: OwnApproval::Refused,
            user: 0,
            may_twin: false,
        });
        self
    }

    fn sink(mut self, name: &str, class: SinkClass, version: Option<&str>) -> Self {
        self.setup.sinks.push(SinkSpec {
            name: name.into(),
            class,
            takes: takes(1),
            version: version.map(Into::into),
        });
        self
    }

    pub(super) fn tool(mut self, name: &str, length: u64, answer: Result<&str, &str>) -> Self {
        self.setup.tools.push(ToolSpec {
            name: name.into(),
            takes: takes(length),
            answer: answer.map(Into::into).map_err(Into::into),
        });
        self
    }

    pub(super) fn user(mut self, user: UserScript) -> Self {
        self.setup.users[0] = user;
        self
    }

    pub(super) fn approver(self, name: &str, after: u64, decides: &[Behaviour]) -> Self {
        self.approver_with(name, &["lead"], after, decides, Reach::Eligible)
    }

    pub(super) fn approver_with(
        mut self,
        name: &str,
        roles: &[&str],
        after: u64,
        decides: &[Behaviour],
        reach: Reach,
    ) -> Self {
        self.setup.approvers.push(ApproverScript {
            person: RosterEntry {
                name: who(name),
                roles: roles.iter().map(|role| Arc::from(*role)).collect(),
                acts_for: None,
            },
            takes: takes(after),
            decides: decides.to_vec(),
            reach,
            staff: None,
        });
        self
    }

    /// With somebody who says yes to everything at once; [`check`] does not mention it.
    pub(super) fn given(self) -> Self {
        self.approver_with(WILLING, &["lead"], 0, &[Behaviour::Approve], Reach::Eligible)
    }

    pub(super) fn operator(mut self, operator: OperatorScript) -> Self {
        self.setup.operators.push(operator);
        self
    }

    pub(super) fn quorum(mut self, second: u64, quorum: u16) -> Self {
        self.setup.changes.push(Change {
            at: at(second),
            what: "stricter".into(),
            change: Changed::Quorum(quorum),
        });
        self
    }

    pub(super) fn version(mut self, second: u64, version: &str, notice: Notice) -> Self {
        self.setup.changes.push(Change {
            at: at(second),
            what: "released".into(),
            change: Changed::Target {
                sink: "production".into(),
                version: version.into(),
                notice,
            },
        });
        self
    }

    pub(super) fn fault(self, target: Target, nth: u32, fault: Fault) -> Self {
        let select = Select {
            nth: Some((nth, nth)),
            ..Select::default()
        };
        self.rule(FaultRule {
            target,
            select,
            fault,
        })
    }

    pub(super) fn rule(mut self, rule: FaultRule) -> Self {
        self.rules.push(rule);
        self
    }

    /// At this second, the core says something about job 0.
    pub(super) fn says(self, second: u64, message: ToOutside) -> Self {
        self.says_of(0, second, message)
    }

    pub(super) fn says_of(mut self, job: u32, second: u64, message: ToOutside) -> Self {
        let job = JobId(job);
        self.says.push((at(second), FromCore { job, message }));
        self
    }

    pub(super) fn outside(&self) -> Outside {
        let mut setup = self.setup.clone();
        setup.faults = FaultPlan::new(self.rules.clone().into(), setup.seed);
        Outside::new(Arc::new(setup), Notes::kept())
    }

    /// Plays everything and writes down what happened.
    pub(super) fn play(&self) -> String {
        self.play_in(self.outside())
    }

    pub(super) fn play_in(&self, mut outside: Outside) -> String {
        let mut says = self.says.clone();
        says.sort_by_key(|(at, _)| *at);
        let mut lines = Vec::new();
        let (mut batch, mut out) = (Vec::new(), Vec::new());
        loop {
            let next = [says.first().map(|(at, _)| *at), outside.next_deadline()];
            let Some(now) = next.into_iter().flatten().min() else {
                return lines.join("\n");
            };
            let later = says.partition_point(|(at, _)| *at <= now);
            batch.extend(says.drain(..later).map(|(_, message)| message));
            outside.step(now, &mut batch, &mut out);
            assert!(batch.is_empty(), "the batch is taken");
            assert!(
                outside.next_deadline().is_none_or(|next| next > now),
                "time goes on"
            );
            lines.extend(outside.notes_mut().take().iter().map(note));
            lines.extend(
                out.drain(..)
                    .map(|input| format!("{now}{} -> {}", of(input.job), told(&input))),
            );
        }
    }
}

/// Plays a world and compares the timeline with `expected`, apart from the submission of `report`, what is plain of a
/// world where approvals are [given](World::given), and blanks.
#[track_caller]
pub(super) fn check(world: &World, expected: &str) {
    let actual = world.play();
    let given = world
        .setup
        .approvers
        .iter()
        .any(|one| one.person.name == who(WILLING));
    let plain = |line: &str| line.contains(" saw ") || line.contains(&format!("{WILLING} approve"));
    let usual =
        |line: &&str| !(matches!(*line, "0s submitted report" | "0s -> submitted") || given && plain(line));
    let actual: Vec<&str> = actual.lines().filter(usual).collect();
    let expected: Vec<&str> = expected
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    assert!(
        actual == expected,
        "--- expected\n{}\n--- actual\n{}",
        expected.join("\n"),
        actual.join("\n")
    );
}

pub(super) fn act(sink: &str, arguments: &str) -> Act {
    Act {
        call: "c1".into(),
        sink: sink.into(),
        operation: "pay".into(),
        arguments: arguments.into(),
        digest: digest(sink, "pay", arguments).unwrap_or_else(|_| "unreadable".into()),
    }
}

pub(super) fn request(id: &str, acts: &[Act]) -> ApprovalRequest {
    ApprovalRequest {
        id: id.into(),
        job: JobId(0),
        acts: acts.to_vec(),
        role: "lead".into(),
        quorum: 1,
        supersedes: None,
    }
}

pub(super) fn ask(id: &str, acts: &[Act]) -> ToOutside {
    ToOutside::AskApproval(Arc::new(request(id, acts)))
}

pub(super) fn close(id: &str) -> ToOutside {
    ToOutside::CloseApproval { approval: id.into() }
}

/// A grant of approval `a1` for `act`, good for an hour.
pub(super) fn grant(id: &str, act: &Act) -> Grant {
    Grant {
        id: id.into(),
        approval: "a1".into(),
        digest: Arc::clone(&act.digest),
        expires: at(3600),
    }
}

pub(super) fn apply(act: &Act, key: &str, run: u16, grant: Grant) -> ToOutside {
    ToOutside::Apply {
        act: act.clone().into(),
        key: key.into(),
        run,
        grant: grant.into(),
    }
}

pub(super) fn query(sink: &str, key: &str, run: u16) -> ToOutside {
    ToOutside::QuerySink {
        sink: sink.into(),
        key: key.into(),
        run,
    }
}

pub(super) fn run_tool(tool: &str, call: &str, run: u16) -> ToOutside {
    ToOutside::RunTool {
        call: call.into(),
        run,
        tool: tool.into(),
        arguments: "{}".into(),
    }
}

pub(super) fn view(state: StateName, since: u64) -> View {
    View {
        state,
        headline: "as it is".into(),
        liveness: Liveness::Resting,
        attempt: 1,
        attempts_max: 3,
        next_event: None,
        next_what: None,
        since: at(since),
        heard_at: None,
        deadline: at(7200),
        cause: None,
        must_act: None,
        what_to_do: None,
        verbs: Vec::new(),
        progress: 0,
        result: None,
    }
}

/// A view of a job that is parked since then, with every verb.
pub(super) fn parked(since: u64, code: &str) -> View {
    View {
        cause: Some(Cause {
            code: code.into(),
            detail: "in plain words".into(),
        }),
        verbs: Verb::ALL.to_vec(),
        ..view(StateName::NeedsIntervention, since)
    }
}

pub(super) fn show(to: Viewers, view: View) -> ToOutside {
    ToOutside::Show {
        to,
        view: Glance::of(&Arc::new(view)),
    }
}

fn of(job: JobId) -> String {
    if job.0 == 0 {
        String::new()
    } else {
        format!(" #{}", job.0)
    }
}

/// The digests of these tests by short names.
pub(super) fn digest_name(digest_text: &str) -> String {
    let is = |sink: &str, arguments: &str| &*digest(sink, "pay", arguments).unwrap() == digest_text;
    let sinks = ["mail", "records", "purchases", "production"];
    match sinks.into_iter().find(|sink| is(sink, PAY)) {
        Some(sink) => format!("<{sink}>"),
        None => format!("<{}>", &digest_text[..6]),
    }
}

fn all_short(digests: &[Arc<str>]) -> String {
    match digests {
        [] => "nothing".to_owned(),
        some => some
            .iter()
            .map(|digest| digest_name(digest))
            .collect::<Vec<_>>()
            .join("+"),
    }
}

fn note(record: &Record<OutsideEvent>) -> String {
    let what = match &record.event {
        OutsideEvent::User(event) => user(event),
        OutsideEvent::People(event) => people(event),
        OutsideEvent::Sinks(event) => sink(event),
    };
    format!("{}{} {what}", record.at, record.job.map(of).unwrap_or_default())
}

fn user(event: &UserEvent) -> String {
    match event {
        UserEvent::Submitted { task, .. } => format!("submitted {task}"),
        UserEvent::Left => "left".to_owned(),
        UserEvent::GaveUp { why } => format!("gave up: {why}"),
        UserEvent::AskedToCancel => "asked to cancel".to_owned(),
        UserEvent::Retrieved { digest } => format!("retrieved {digest}"),
    }
}

fn people(event: &PeopleEvent) -> String {
    match event {
        PeopleEvent::SawRequest {
            approval, digests, ..
        } => format!("saw {approval} {}", all_short(digests)),
        PeopleEvent::Decided {
            approval,
            by,
            verdict,
            reason,
            digests,
            eligible,
        } => {
            let reason = reason
                .as_ref()
                .map(|reason| format!(" ({reason})"))
                .unwrap_or_default();
            let eligible = if *eligible { "" } else { " ineligible" };
            format!(
                "{} {verdict} {approval} {}{reason}{eligible}",
                by.0,
                all_short(digests)
            )
        }
        PeopleEvent::Misjudged { by, verdict, .. } => format!("{} is wrong to {verdict}", by.0),
        PeopleEvent::Notified => "notified".to_owned(),
        PeopleEvent::Acted { by, verb, reason } => format!("{} {verb} ({reason})", by.0),
        PeopleEvent::Withdrew { approval, by } => format!("{} withdrew {approval}", by.0),
        PeopleEvent::Changed { what } => format!("changed: {what}"),
    }
}

fn sink(event: &SinkEvent) -> String {
    match event {
        SinkEvent::Applied {
            sink,
            key,
            digest,
            grant,
        } => {
            format!("{sink} applied {key} {} by {grant}", digest_name(digest))
        }
        SinkEvent::Repeated { sink, key } => format!("{sink} repeated {key}"),
        SinkEvent::Refused { sink, key, why } => format!("{sink} refused {key}: {why}"),
        SinkEvent::ReceiptLost { sink, key } => format!("{sink} lost the receipt of {key}"),
        SinkEvent::Queried { sink, key, found } => format!("{sink} queried {key}: {found}"),
        SinkEvent::ToolStarted { tool, call, run } => format!("{tool} started {call}/{run}"),
        SinkEvent::ToolEnded { tool, call, run, ok } => format!("{tool} ended {call}/{run}: {ok}"),
        SinkEvent::FaultFired { rule } => format!("fault {rule}"),
    }
}

fn told(input: &Input) -> String {
    match &input.told {
        Told::Submitted => "submitted".to_owned(),
        Told::CancelAsked { by } => format!("cancel by {}", by.0),
        Told::SessionEnded => "session ended".to_owned(),
        Told::ToolAnswered { call, run, answer } => format!("{call}/{run} {answer:?}"),
        Told::Withdrawn { approval, by } => format!("withdrawn {approval} by {}", by.0),
        Told::Reevaluate { why, quorum } => format!("reevaluate {why} {quorum:?}"),
        Told::Decided(decision) => {
            let Decision {
                approval,
                by,
                verdict,
                digests,
                reason,
            } = &**decision;
            let verdict = match verdict {
                ApprovalVerdict::Approve => "approve".to_owned(),
                ApprovalVerdict::Deny => "deny".to_owned(),
                ApprovalVerdict::Edit { act, arguments } => format!("edit {act} to {arguments}"),
            };
            let reason = reason
                .as_ref()
                .map(|reason| format!(" ({reason})"))
                .unwrap_or_default();
            format!("{} {verdict} {approval} {}{reason}", by.0, all_short(digests))
        }
        Told::SinkAnswered { key, run, answer } => format!("{key}/{run} {}", answered(answer)),
        Told::Operator {
            by,
            verb,
            extend,
            result,
            ..
        } => {
            format!("{} {verb} {extend:?} {result:?}", by.0)
        }
        other => panic!("the outside never says {other:?}"),
    }
}

fn answered(answer: &SinkAnswer) -> String {
    match answer {
        SinkAnswer::Landed { receipt } => format!("landed {receipt}"),
        SinkAnswer::GrantRefused { why } => format!("grant refused: {why}"),
        SinkAnswer::NotLanded { why } => format!("not landed: {why}"),
        SinkAnswer::Impossible { why } => format!("impossible: {why}"),
        SinkAnswer::Found { receipt } => format!("found {receipt:?}"),
    }
}
