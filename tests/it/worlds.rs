//! The equality gate: `model` and `virtual` give the same whole trace, and a planted difference turns it red.

use std::collections::BTreeMap;
use std::sync::Arc;

use lanebench::backend::{Contract, Limiter, Profile, ResumeWindow, Script, Step, StepWork, Streaming};
use lanebench::fault::{Fault, FaultPlan, FaultRule, Place, Select, Share, Target};
use lanebench::job::{
    self, Action, ApprovalRule, Follow, HandOver, LaneSpec, Limits, Liveliness, OnDenial, OnEmpty,
    OnFiltered, OnIncomplete, OnToolFailure, OwnApproval, Placement, Plan, Polling, Retry, RosterEntry,
    Routed, Router, Rules, SinkClass, TaskSpec, Then, Told, Tool, ToolAct,
};
use lanebench::people::{
    ApproverScript, Behaviour, OperatorAnswer, OperatorScript, OutsideSetup, OutsideTask, Reach, UserScript,
};
use lanebench::rng::{Law, Purpose, Seed};
use lanebench::runner::{Link, play_over_http};
use lanebench::sim::{Blueprint, Caps, Ending, Honest, Model, Played, Recording, Seams};
use lanebench::sinks::{SinkSpec, ToolSpec};
use lanebench::trace::{
    self, Boundary, CoreEvent, Decided, Execution, LaneName, Principal, Record, StateName, Verb,
};
use lanebench::units::{ExchangeKind, JobId, Probability, SimDuration, SimTime};
use lanebench::wire::{ApiError, Ask, Event, Reply, Shown, StreamEvent};

const SECS: fn(u64) -> SimDuration = SimDuration::from_secs;

fn constant(secs: u64) -> Law {
    Law::Constant(SECS(secs))
}

#[derive(Debug)]
struct ByNumber(Vec<Placement>);

impl Router for ByNumber {
    fn route(&self, task: JobId) -> Routed {
        let placement = self.0[task.0 as usize].clone();
        let decided = Decided {
            lane: placement.lane,
            execution: placement.execution,
            boundary: placement.boundary,
            rule: "by-number".into(),
            policy: "none".into(),
            gates: [None; 3],
            background_permitted: placement.hand_over == HandOver::Permitted,
            findings: Vec::new(),
            attributes: BTreeMap::new(),
            due: None,
        };
        Routed::Placed(placement, Arc::new(decided))
    }
}

fn plan(follow: Follow) -> Plan {
    let effect = ToolAct::Effect {
        sink: "mail".into(),
        class: SinkClass::IdempotentByKey,
        then: Then::MoreTurns,
    };
    let tools = BTreeMap::from([
        (
            "lookup".into(),
            Tool {
                act: ToolAct::Free,
                retries: 1,
            },
        ),
        (
            "send_mail".into(),
            Tool {
                act: effect,
                retries: 0,
            },
        ),
    ]);
    Plan {
        model: "gpt-5".into(),
        max_output_tokens: None,
        tier: "auto".into(),
        follow,
        polling: Polling {
            first: SECS(1),
            growth_percent: 150,
            max: SECS(15),
            fallback: SECS(60),
        },
        limits: Limits {
            deadline: SECS(1800),
            wait: SECS(30),
            queue: SECS(300),
            attempt: SECS(600),
            attempts: SECS(1500),
            call: SECS(20),
            tool: SECS(30),
            approval_request: SECS(900),
            grant: SECS(300),
            cancel: SECS(60),
            doubt: SECS(120),
            capture: SECS(120),
        },
        retry: Retry {
            attempts: 4,
            base: SimDuration::from_millis(500),
            cap: SECS(8),
            twins: 1,
            effect_tries: 2,
        },
        tools,
        mcp: BTreeMap::from([("tickets".into(), "tickets".into())]),
        hosted: vec!["file_search".into()],
        rules: Rules {
            incomplete: OnIncomplete::Partial,
            filtered: OnFiltered::Fail,
            tool_failure: OnToolFailure::Tell,
            denial: OnDenial::End,
            empty: OnEmpty::Fail,
        },
        approval: ApprovalRule {
            quorum: 1,
            role: "lead".into(),
            own: OwnApproval::Refused,
        },
        patience: Liveliness {
            quiet: SECS(60),
            stalled: SECS(240),
        },
    }
}

fn step(work: StepWork, takes: Law) -> Step {
    Step { work, takes }
}

fn script(job: u32) -> Script {
    let think = step(StepWork::Reasoning, Law::Exponential { mean: SECS(20) });
    let search = step(
        StepWork::Hosted("file_search_call".into()),
        Law::Uniform {
            min: SimDuration::from_millis(800),
            max: SECS(9),
        },
    );
    let answer = step(
        StepWork::Message { tokens: 120 },
        Law::Lognormal {
            p50: SECS(4),
            p99: SECS(30),
        },
    );
    let call = |name: &str, arguments: &str| {
        step(
            StepWork::FunctionCall {
                name: name.into(),
                arguments: arguments.into(),
                shown: Shown::default(),
            },
            constant(1),
        )
    };
    let steps: Vec<Step> = match job % 5 {
        0 => vec![search, think, answer],
        1 => vec![
            think,
            call("lookup", r#"{"id":7}"#),
            call("lookup", r#"{"id":8}"#),
            answer,
        ],
        2 => vec![think, call("send_mail", r#"{"to":"a@example.test"}"#), answer],
        3 => {
            let approval = StepWork::McpApproval {
                server_label: "tickets".into(),
                name: "create".into(),
                arguments: r#"{"title":"x"}"#.into(),
            };
            vec![search, step(approval, constant(1)), answer]
        }
        _ => vec![answer],
    };
    Script {
        queued: Law::Exponential { mean: SECS(3) },
        steps: steps.into(),
    }
}

fn often(probability: f64, window: u64) -> Select {
    let share = Share {
        probability: Probability::new(probability).unwrap(),
        window: SECS(window),
    };
    Select {
        share: Some(share),
        ..Select::default()
    }
}

/// Up to twice so many milliseconds.
fn odd(millis: u64) -> Law {
    Law::Uniform {
        min: SimDuration::TICK,
        max: SimDuration::from_millis(2 * millis),
    }
}

fn body(millis: u64) -> Fault {
    Fault::Delay {
        place: Place::Body,
        law: odd(millis),
    }
}

fn faults() -> Vec<FaultRule> {
    use ExchangeKind::{Cancel, Create, Poll, Stream};
    let rule = |target, select, fault| FaultRule {
        target,
        select,
        fault,
    };
    let on = |kind, probability, fault| rule(Target::Exchange(kind), often(probability, 7), fault);
    vec![
        on(Create, 0.04, Fault::Refuse),
        on(Create, 0.04, Fault::ResetBefore),
        on(Create, 0.04, Fault::ResetAfter),
        on(Create, 0.04, Fault::LoseReply),
        on(Create, 0.04, Fault::CutAfterId),
        on(Create, 0.04, Fault::CutBeforeId),
        on(Create, 0.04, Fault::StallBody),
        on(Create, 0.04, Fault::Malformed),
        on(Create, 0.05, Fault::Reply(ApiError::overloaded())),
        on(Create, 0.05, Fault::Reply(ApiError::quota_exhausted())),
        on(Create, 0.08, Fault::CutStream { after: 3 }),
        on(Create, 0.08, Fault::CutInsideEvent { after: 2 }),
        on(Create, 0.08, Fault::StallStream { after: 4 }),
        on(Create, 0.08, Fault::SkipEvent { after: 3 }),
        on(Create, 0.08, Fault::UnknownEvent { after: 2 }),
        on(
            Create,
            0.08,
            Fault::ErrorEvent {
                after: 4,
                code: "server_error".into(),
            },
        ),
        on(Stream, 0.1, Fault::CutStream { after: 1 }),
        on(Stream, 0.1, Fault::SkipEvent { after: 0 }),
        on(Stream, 0.1, Fault::Reply(ApiError::server_error())),
        on(Poll, 0.05, Fault::Reply(ApiError::server_error())),
        on(Poll, 0.04, Fault::ResetAfter),
        on(Poll, 0.04, Fault::Malformed),
        on(Poll, 0.03, Fault::LoseReply),
        on(Poll, 0.03, Fault::Refuse),
        on(Cancel, 0.3, Fault::Reply(ApiError::server_error())),
        rule(
            Target::Response,
            often(0.1, 50),
            Fault::Fail {
                code: "server_error".into(),
                at_step: 0,
            },
        ),
        rule(
            Target::Response,
            often(0.05, 50),
            Fault::Incomplete {
                reason: "max_output_tokens".into(),
            },
        ),
        rule(Target::Response, often(0.05, 50), Fault::StuckInProgress),
        rule(
            Target::Response,
            often(0.05, 50),
            Fault::UnknownStatus {
                word: "expired".into(),
            },
        ),
        rule(Target::Webhook, often(0.2, 50), Fault::LoseWebhook),
        rule(
            Target::Webhook,
            often(0.2, 50),
            Fault::RepeatWebhook { gap: SECS(2) },
        ),
        rule(Target::Webhook, often(0.2, 50), Fault::ForgedWebhook),
        rule(Target::Webhook, often(0.2, 50), Fault::StaleWebhook),
        on(Create, 0.04, Fault::HalfOpen),
        on(Create, 0.04, Fault::WrongLength),
        on(Create, 0.04, Fault::WrongType),
        on(Create, 0.04, Fault::HtmlPage),
        on(Create, 0.05, Fault::Trickle { pause: odd(700) }),
        on(Create, 0.05, body(1_300)),
        on(Create, 0.04, Fault::Reply(ApiError::page(502))),
        on(Create, 0.04, Fault::Reply(ApiError::without_body(413))),
        on(Create, 0.06, Fault::CutBetweenLines { after: 3 }),
        on(Create, 0.06, Fault::ResetStream { after: 3 }),
        on(Stream, 0.06, Fault::ResetStream { after: 2 }),
        on(Stream, 0.1, Fault::Trickle { pause: odd(90) }),
        on(Stream, 0.1, body(400)),
        on(Stream, 0.05, Fault::WrongType),
        on(Poll, 0.04, Fault::HtmlPage),
        on(Poll, 0.03, Fault::WrongLength),
        on(Poll, 0.03, Fault::WrongType),
        on(Poll, 0.04, Fault::Trickle { pause: odd(300) }),
        on(Poll, 0.04, body(900)),
        on(Poll, 0.02, Fault::HalfOpen),
        on(Cancel, 0.1, Fault::Trickle { pause: odd(200) }),
        rule(
            Target::Response,
            often(0.06, 50),
            Fault::SlowAdmission { law: odd(9_000) },
        ),
        rule(Target::Response, often(0.1, 50), Fault::WrongOrder),
        rule(Target::Response, often(0.1, 50), Fault::Truncate),
        rule(Target::Response, often(0.2, 50), Fault::IgnoreCancel),
        rule(Target::Webhook, often(0.1, 50), Fault::FutureWebhook),
        rule(Target::Webhook, often(0.2, 50), Fault::TwoSignatures),
        rule(
            Target::Webhook,
            often(0.1, 50),
            Fault::OvertakenWebhook {
                limit: SimDuration::from_secs(40),
            },
        ),
        rule(Target::Tool(None), often(0.2, 50), Fault::Hang),
        rule(Target::Sink(None), often(0.3, 50), Fault::Hang),
    ]
}

/// A world with everything in it: all ways of following, tools, effects, MCP, approvals, cancels, a shared rate
/// limit, webhooks and every kind of fault.
fn blueprint(seed: u64, jobs: u32) -> Blueprint {
    let seed = Seed(seed);
    let placement = |job: u32| {
        let (lane, execution, hand_over) = match job % 7 {
            0 => (LaneName::Interactive, Execution::Interactive, HandOver::Forbidden),
            1 => (LaneName::Interactive, Execution::Interactive, HandOver::Permitted),
            2 => (LaneName::Approval, Execution::Background, HandOver::Permitted),
            _ => (LaneName::Background, Execution::Background, HandOver::Permitted),
        };
        Placement {
            lane,
            execution,
            boundary: Boundary::Approval,
            hand_over,
            tier: None,
            due: None,
        }
    };
    let plans = [Follow::Poll, Follow::Stream, Follow::Webhook].map(|follow| Arc::new(plan(follow)));
    let name = |job: u32| Arc::<str>::from(format!("task-{job}"));
    let ana = Principal("ana".into());
    let tasks: Vec<TaskSpec> = (0..jobs)
        .map(|job| TaskSpec {
            name: name(job),
            kind: "mixed".into(),
            requester: Principal("uma".into()),
            input: TaskSpec::asking("Write the report."),
            plan: plans[(job / 2 % 3) as usize].clone(),
        })
        .collect();
    let mean_gap = 2.0;
    let mut at = 0.0;
    let outside_tasks = (0..jobs)
        .map(|job| {
            at += lanebench::rng::exponential(seed.unit(Purpose::Arrival, u64::from(job), 0), mean_gap);
            OutsideTask {
                may_twin: false,
                name: name(job),
                kind: "mixed".into(),
                at: SimTime::START + SimDuration::from_secs_f64(at),
                requester: Principal("uma".into()),
                own: OwnApproval::Refused,
                user: (job % 3) as usize,
            }
        })
        .collect();
    let leaves = UserScript {
        leaves_after: Some(constant(12)),
        ..UserScript::default()
    };
    let cancels = UserScript {
        cancels: vec![lanebench::people::Cancel {
            when: lanebench::people::When::After(SECS(25)),
            by: None,
        }],
        ..UserScript::default()
    };
    let roster: Arc<[RosterEntry]> = Arc::from([RosterEntry {
        name: ana,
        roles: vec!["lead".into()],
        acts_for: None,
    }]);
    let plan = FaultPlan::new(faults().into(), seed);
    let outside = OutsideSetup {
        seed,
        faults: plan.clone(),
        tasks: outside_tasks,
        windows: None,
        further: lanebench::people::Further::default(),
        users: vec![UserScript::default(), leaves, cancels],
        approvers: vec![ApproverScript {
            person: roster[0].clone(),
            takes: Law::Exponential { mean: SECS(40) },
            decides: vec![Behaviour::Approve],
            reach: Reach::Eligible,
            staff: None,
        }],
        staffs: Vec::new(),
        operators: vec![OperatorScript {
            name: Principal("olga".into()),
            takes: constant(30),
            answers: vec![OperatorAnswer {
                cause: None,
                times: None,
                verb: Verb::Abandon,
                reason: "not worth it".into(),
                extend: None,
                result: None,
            }],
        }],
        changes: Vec::new(),
        sinks: vec![SinkSpec {
            name: "mail".into(),
            class: SinkClass::IdempotentByKey,
            takes: constant(1),
            version: None,
        }],
        tools: vec![ToolSpec {
            name: "lookup".into(),
            takes: constant(2),
            answer: Ok("found".into()),
        }],
    };
    let lane = |capacity| LaneSpec {
        capacity,
        waiting: 200,
        budget: 50,
        jobs_per_retry: 2,
    };
    Blueprint {
        seed,
        gate: lanebench::sinks::gate,
        desk: job::Setup {
            tasks: tasks.into(),
            router: Arc::new(ByNumber((0..jobs).map(placement).collect())),
            lanes: [lane(8), lane(12), lane(4)],
            shared: None,
            roster,
            seed,
            epoch: 1_786_000_000,
        },
        profile: Profile {
            latency: Law::Uniform {
                min: SimDuration::from_millis(5),
                max: SimDuration::from_millis(80),
            },
            limiter: Some(Limiter {
                burst: 4,
                refill: SECS(2),
            }),
            retention: SECS(600),
            choices: Arc::from([]),
            resume_window: ResumeWindow::OfResponse(SECS(300)),
            streaming: Streaming {
                keepalive: Some(SECS(7)),
                gaps: Probability::new(0.1).ok(),
                ..Streaming::default()
            },
            webhook: Some(Law::Exponential { mean: SECS(1) }),
            webhook_retries: Arc::from([SECS(5), SECS(60)]),
            tokens_per_delta: 10,
            tier: "default".into(),
            tiers: Arc::from([]),
            epoch: 1_786_000_000,
            contract: Contract::default(),
            script: script(0),
        },
        scripts: (0..jobs).map(|job| Some(script(job))).collect(),
        outside: Arc::new(outside),
        plan,
        caps: Caps {
            time: SimTime::START + SECS(40_000),
            steps: 2_000_000,
        },
    }
}

fn model(blueprint: &Blueprint) -> Played {
    Model::new(blueprint, Honest, Recording::Full).play()
}

fn over_http<S: Seams + 'static>(blueprint: &Blueprint, seams: S) -> Played {
    play_over_http(blueprint, Link::Memory, seams, Recording::Full)
        .unwrap()
        .0
}

/// The first place where two runs differ, as text.
pub(crate) fn difference(model: &Played, other: &Played) -> Option<String> {
    let (a, b) = (model.trace.records(), other.trace.records());
    if let Some(place) = a.iter().zip(b).position(|(a, b)| a != b) {
        let from = place.saturating_sub(3);
        let text = |r: &[Record]| {
            r[from..]
                .iter()
                .take(7)
                .map(|r| serde_json::to_string(r).unwrap())
                .collect::<Vec<_>>()
                .join("\n  ")
        };
        return Some(format!(
            "record {place}:\n model\n  {}\n virtual\n  {}",
            text(a),
            text(b)
        ));
    }
    if a.len() != b.len() {
        return Some(format!(
            "{} records in model, {} in the other world",
            a.len(),
            b.len()
        ));
    }
    let place = model.log.iter().zip(&other.log).position(|(a, b)| a != b);
    match place {
        Some(place) => Some(format!(
            "journal {place}:\n {:?}\n {:?}",
            model.log[place], other.log[place]
        )),
        None => (model.log != other.log).then(|| "the journals differ in length".to_owned()),
    }
}

#[test]
fn model_and_virtual_give_the_same_trace_over_100_seeds() {
    let mut ended = BTreeMap::<StateName, u32>::new();
    for seed in 0..100 {
        let blueprint = blueprint(seed, 14);
        let (a, b) = (model(&blueprint), over_http(&blueprint, Honest));
        if let Some(difference) = difference(&a, &b) {
            panic!("seed {seed}: {difference}");
        }
        let straight = Model::new(&blueprint, Honest, Recording::Streamed).play();
        assert_eq!(a.trace, straight.trace, "seed {seed}: without a journal");
        assert_eq!(a.ending, Ending::Quiet, "seed {seed}");
        assert_eq!(a.stuck, Vec::<JobId>::new(), "seed {seed}");
        for record in a.trace.records() {
            if let trace::Event::Core(CoreEvent::Job(trace::JobEvent::Moved { to, .. })) = &record.event
                && to.is_terminal()
            {
                *ended.entry(*to).or_default() += 1;
            }
        }
    }
    // The gate is worth something only if the runs are rich: most outcomes occur in it.
    assert!(ended.len() >= 5, "{ended:?}");
    assert_eq!(ended.values().sum::<u32>(), 1400, "{ended:?}");
}

/// Differences between the two sides of the gate, planted on purpose between the wire and the core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Planted {
    DroppedField,
    MergedEvents,
    LostRetryAfter,
    ExtraRequest,
    ChangedOrder,
}

struct Planting {
    what: Planted,
    held: Option<job::Input>,
    extra: u32,
}

impl Planting {
    const fn new(what: Planted) -> Self {
        Self {
            what,
            held: None,
            extra: 0,
        }
    }

    fn merge(&mut self, input: job::Input) -> Option<job::Input> {
        let Told::Event { exchange, event } = &input.told else {
            return Some(input);
        };
        let Event::TextDelta { delta, .. } = &event.event else {
            return Some(input);
        };
        match self.held.take() {
            Some(job::Input {
                told:
                    Told::Event {
                        exchange: held_on,
                        event: held,
                    },
                ..
            }) if held_on == *exchange => {
                let Event::TextDelta {
                    delta: first,
                    output,
                    item_id,
                    shown,
                } = held.event.clone()
                else {
                    return Some(input);
                };
                let delta = format!("{first}{delta}").into();
                let event = StreamEvent {
                    seq: event.seq,
                    event: Event::TextDelta {
                        output,
                        item_id,
                        delta,
                        shown,
                    },
                };
                Some(job::Input {
                    job: input.job,
                    told: Told::Event {
                        exchange: *exchange,
                        event: event.into(),
                    },
                })
            }
            _ => {
                self.held = Some(input);
                None
            }
        }
    }

    fn late(&mut self, input: job::Input, out: &mut Vec<job::Input>) {
        if matches!(&input.told, Told::Event { event, .. } if event.seq == 3) && self.held.is_none() {
            self.held = Some(input);
        } else {
            out.push(input);
        }
    }
}

impl Seams for Planting {
    fn told(&mut self, _: SimTime, batch: &mut Vec<job::Input>) {
        let mut out = Vec::new();
        let before = self.held.is_some();
        for mut input in batch.drain(..) {
            match (self.what, &mut input.told) {
                (
                    Planted::DroppedField,
                    Told::Reply {
                        reply: Reply::Response(response),
                        ..
                    },
                ) => Arc::make_mut(response).usage = None,
                (
                    Planted::LostRetryAfter,
                    Told::Reply {
                        reply: Reply::Error(error),
                        ..
                    },
                ) => error.wait = None,
                (Planted::MergedEvents, _) => {
                    out.extend(self.merge(input));
                    continue;
                }
                (Planted::ChangedOrder, _) => {
                    self.late(input, &mut out);
                    continue;
                }
                _ => {}
            }
            out.push(input);
        }
        if self.what == Planted::ChangedOrder && before {
            out.extend(self.held.take());
        }
        *batch = out;
    }

    fn wanted(&mut self, _: SimTime, actions: &mut Vec<Action>) {
        if self.what != Planted::ExtraRequest || self.extra > 0 {
            return;
        }
        let poll = actions.iter().find_map(|action| match action {
            Action::Send {
                exchange,
                ask: Ask::Poll(id),
            } => Some((*exchange, id.clone())),
            _ => None,
        });
        if let Some((mut exchange, id)) = poll {
            exchange = exchange.beside(exchange.kind(), exchange.nth() + 1_000);
            self.extra += 1;
            actions.push(Action::Send {
                exchange,
                ask: Ask::Poll(id),
            });
        }
    }
}

#[test]
fn every_planted_difference_turns_the_gate_red() {
    use Planted::{ChangedOrder, DroppedField, ExtraRequest, LostRetryAfter, MergedEvents};
    for planted in [
        DroppedField,
        MergedEvents,
        LostRetryAfter,
        ExtraRequest,
        ChangedOrder,
    ] {
        let blueprint = blueprint(3, 24);
        let honest = model(&blueprint);
        let other = over_http(&blueprint, Planting::new(planted));
        assert!(difference(&honest, &other).is_some(), "{planted:?} went unseen");
    }
}

#[test]
fn virtual_gives_the_same_bytes_again_and_a_journal_rebuilds_the_job_core() {
    let blueprint = blueprint(11, 24);
    let (first, second) = (over_http(&blueprint, Honest), over_http(&blueprint, Honest));
    let bytes = |played: &Played| serde_json::to_vec(&played.trace).unwrap();
    assert_eq!(bytes(&first), bytes(&second));
    let (replayed, _) = replay(&blueprint, &first.log);
    let core: Vec<_> = first.trace.records().iter().filter_map(core_record).collect();
    assert_eq!(replayed, core);
}

/// Feeds a journal to a fresh job core; what it notes and what it wants done.
fn replay(
    blueprint: &Blueprint,
    log: &[(SimTime, Vec<job::Input>)],
) -> (Vec<Record<CoreEvent>>, Vec<Action>) {
    let mut desk = blueprint.desk(Recording::Full);
    let mut actions = Vec::new();
    for (at, batch) in log {
        desk.step(*at, &mut batch.clone(), &mut actions);
    }
    (desk.take_notes(), actions)
}

fn core_record(record: &Record) -> Option<Record<CoreEvent>> {
    match &record.event {
        trace::Event::Core(event) => Some(Record {
            at: record.at,
            job: record.job,
            event: event.clone(),
        }),
        _ => None,
    }
}
