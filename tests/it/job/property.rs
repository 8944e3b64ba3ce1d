//! The desk against anything at all, beside a naive model that knows nothing of its insides.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lanebench::backend::Genuine;
use lanebench::job::{
    Act, Action, ApprovalRequest, ApprovalVerdict, Decision, Desk, Follow, HandOver, Input, OnDenial,
    OnIncomplete, Setup, SinkAnswer, ToOutside, Told,
};
use lanebench::trace::{CoreEvent, JobEvent, Notes, On, Record, RuntimeEvent, StateName, Verb};
use lanebench::units::{AttemptNo, Exchange, ExchangeKind, JobId, SimTime, TurnNo};
use lanebench::wire::{Ask, Break, Event, ItemStatus, Reply, Status, Wait};
use proptest::prelude::*;

use super::play::{interactive, lane, ms, placement, secs, setup, who};
use super::task::{
    api_error, asks_leave, calls, completed, created, delta, done, ended, event, failed, finished,
    incomplete, message, operator, plan_with, queued, response, webhook, working,
};

const JOBS: u32 = 5;

/// Small numbers from which everything else is made; what they do not mean is nonsense, which is welcome.
type Dice = [u8; 6];

/// Four jobs of different ways and one interactive, in narrow lanes.
fn crowd() -> Setup {
    let short = |change: fn(&mut lanebench::job::Plan)| {
        plan_with(|plan| {
            plan.limits.deadline = secs(300);
            plan.limits.attempt = secs(60);
            plan.limits.attempts = secs(120);
            plan.limits.approval_request = secs(80);
            change(plan);
        })
    };
    let plans = vec![
        short(|plan| plan.follow = Follow::Stream),
        short(|plan| plan.follow = Follow::Webhook),
        short(|plan| plan.approval.quorum = 2),
        short(|plan| {
            plan.rules.denial = OnDenial::Replan;
            plan.rules.incomplete = OnIncomplete::Retry;
        }),
        short(|_| {}),
    ];
    let mut lanes = lane();
    (lanes.capacity, lanes.waiting, lanes.budget) = (2, 1, 6);
    let mut setup = setup(plans, &placement(), lanes);
    let mut places = vec![placement(); 3];
    places.extend([interactive(HandOver::Permitted), interactive(HandOver::Forbidden)]);
    setup.router = Arc::new(super::play::Fixed(places));
    setup
}

/// What the world may answer: it remembers what was asked, and forgets nothing that is over.
#[derive(Default, Clone)]
struct World {
    sent: Vec<Exchange>,
    tools: Vec<(JobId, Arc<str>, u16)>,
    effects: Vec<(JobId, Arc<str>, u16)>,
    requests: Vec<Arc<ApprovalRequest>>,
    stores: Vec<(JobId, lanebench::trace::ResultDigest)>,
}

fn pick<T: Clone>(of: &[T], die: u8) -> Option<T> {
    // The newest are the likeliest to matter.
    let back = usize::from(die) % of.len().clamp(1, 6);
    of.len().checked_sub(1 + back).map(|place| of[place].clone())
}

impl World {
    fn heard(&mut self, actions: &[Action]) {
        for action in actions {
            match action {
                Action::Send { exchange, .. } => self.sent.push(*exchange),
                // What is given up is answered now and then all the same: it stays among the old.
                Action::Abort { exchange } => self.over(*exchange),
                Action::Store { job, digest, .. } => self.stores.push((*job, digest.clone())),
                Action::Outside { job, message } => match message {
                    ToOutside::RunTool { call, run, .. } => self.tools.push((*job, call.clone(), *run)),
                    ToOutside::Apply { key, run, .. } | ToOutside::QuerySink { key, run, .. } => {
                        self.effects.push((*job, key.clone(), *run));
                    }
                    ToOutside::AskApproval(request) => self.requests.push(request.clone()),
                    _ => {}
                },
                Action::AnswerWebhook { .. } => {}
            }
        }
    }

    fn over(&mut self, exchange: Exchange) {
        if let Some(place) = self.sent.iter().position(|sent| *sent == exchange) {
            let sent = self.sent.remove(place);
            self.sent.insert(0, sent);
        }
    }

    fn input(&self, dice: Dice) -> Input {
        let job = JobId(u32::from(dice[1]) % JOBS);
        let told = match dice[0] % 32 {
            0..=11 => return self.about_exchange(dice),
            12..=14 => return self.about_tool(dice),
            15..=18 => return self.about_effect(dice),
            19..=22 => return self.decision(dice),
            23..=25 => return self.stored(dice),
            26 => webhook(
                &format!("d{}", dice[2]),
                &format!("r{}", dice[3] % 8),
                genuine(dice[4]),
            ),
            27 => Told::CancelAsked {
                by: who(if dice[2].is_multiple_of(8) {
                    "mallory"
                } else {
                    "user"
                }),
            },
            28 | 29 => operator(Verb::ALL[usize::from(dice[2]) % 4]),
            30 => Told::Reevaluate {
                why: "so it is".into(),
                quorum: (dice[2].is_multiple_of(2)).then_some(u16::from(dice[3] % 3)),
            },
            _ if dice[2].is_multiple_of(2) => Told::SessionEnded,
            _ => Told::Submitted,
        };
        Input { job, told }
    }

    fn about_exchange(&self, dice: Dice) -> Input {
        let known = if dice[5] < 8 {
            None
        } else {
            pick(&self.sent, dice[1])
        };
        let exchange = known.unwrap_or(Exchange::new(
            JobId(u32::from(dice[1]) % (JOBS + 1)),
            AttemptNo(u16::from(dice[2] % 3)),
            TurnNo(u16::from(dice[3] % 3)),
            ExchangeKind::ALL[usize::from(dice[4]) % 5],
            u32::from(dice[2] % 4),
        ));
        let told = match dice[2] % 12 {
            0 => Told::Broke {
                exchange,
                how: broken(dice[3]),
            },
            1 => Told::StreamEnded { exchange },
            2 | 3 => Told::Event {
                exchange,
                event: stream_event(dice[3], dice[4]).into(),
            },
            _ => Told::Reply {
                exchange,
                reply: reply(dice[3], dice[4], exchange),
            },
        };
        Input {
            job: exchange.job(),
            told,
        }
    }

    fn about_tool(&self, dice: Dice) -> Input {
        let (job, call, run) = pick(&self.tools, dice[1]).unwrap_or((JobId(0), "c1".into(), 1));
        let answer = if dice[2].is_multiple_of(3) {
            Err("busy".into())
        } else {
            Ok("fine".into())
        };
        Input {
            job,
            told: Told::ToolAnswered { call, run, answer },
        }
    }

    fn about_effect(&self, dice: Dice) -> Input {
        let (job, key, run) = pick(&self.effects, dice[1]).unwrap_or((JobId(0), "0.1.c1".into(), 1));
        let why = || Arc::from("so it is");
        let answer = match dice[2] % 8 {
            0 => SinkAnswer::GrantRefused { why: why() },
            1 => SinkAnswer::NotLanded { why: why() },
            2 => SinkAnswer::Impossible { why: why() },
            3 => SinkAnswer::Found { receipt: None },
            4 => SinkAnswer::Found { receipt: Some(why()) },
            _ => SinkAnswer::Landed { receipt: why() },
        };
        Input {
            job,
            told: Told::SinkAnswered { key, run, answer },
        }
    }

    fn decision(&self, dice: Dice) -> Input {
        let Some(request) = pick(&self.requests, dice[1]) else {
            return Input {
                job: JobId(0),
                told: Told::SessionEnded,
            };
        };
        let by = ["ann", "bob", "ann-bot", "user", "carl", "mallory"][usize::from(dice[2]) % 6];
        let (job, approval) = (request.job, request.id.clone());
        if dice[3].is_multiple_of(16) {
            return Input {
                job,
                told: Told::Withdrawn {
                    approval,
                    by: who(by),
                },
            };
        }
        let verdict = match dice[3] % 8 {
            0 => ApprovalVerdict::Deny,
            1 => ApprovalVerdict::Edit {
                act: u16::from(dice[4] % 2),
                arguments: if dice[4].is_multiple_of(3) {
                    "{".into()
                } else {
                    r#"{"to":9}"#.into()
                },
            },
            _ => ApprovalVerdict::Approve,
        };
        let mut digests: Vec<Arc<str>> = request.acts.iter().map(|act| act.digest.clone()).collect();
        if dice[4].is_multiple_of(8) {
            digests.reverse();
            digests.pop();
        }
        let reason = None;
        Input {
            job,
            told: Told::Decided(Box::new(Decision {
                approval,
                by: who(by),
                verdict,
                digests,
                reason,
            })),
        }
    }

    fn stored(&self, dice: Dice) -> Input {
        let (job, digest) = pick(&self.stores, dice[1]).unwrap_or((JobId(0), "none".into()));
        Input {
            job,
            told: Told::Stored { digest },
        }
    }
}

fn genuine(die: u8) -> Genuine {
    [Genuine::Valid, Genuine::Valid, Genuine::Stale, Genuine::Forged][usize::from(die) % 4]
}

fn broken(die: u8) -> Break {
    let id = Some(lanebench::wire::ResponseId(format!("r{}", die % 8).into()));
    match die % 5 {
        0 => Break::Refused,
        1 => Break::NoReply,
        2 => Break::Cut { id: None },
        3 => Break::Cut { id },
        _ => Break::Unreadable { id },
    }
}

fn reply(die: u8, other: u8, exchange: Exchange) -> Reply {
    let id = format!("r{}", other % 8);
    let mut reply = match die % 24 {
        0..=3 => working(&id),
        4 => queued(&id),
        5 | 6 => done(&id),
        7 => calls(&id, &[("look", "{}"), ("book", "{}")]),
        8 | 9 => calls(&id, &[("send", r#"{"to":1}"#), ("look", "{}"), ("note", "{}")]),
        10 => calls(&id, &[("post", "{}"), ("nobody_knows", "{}")]),
        11 => calls(&id, &[("send", "{")]),
        12 => asks_leave(&id),
        13 => failed(
            &id,
            ["server_error", "invalid_prompt", "new", "insufficient_quota"][usize::from(other) % 4],
        ),
        14 => incomplete(
            &id,
            ["max_output_tokens", "content_filter"][usize::from(other) % 2],
        ),
        15 => ended(&id, Status::Cancelled),
        16 => ended(&id, Status::Unknown("expired".into())),
        17 => Reply::StreamOpen,
        18 => Reply::Deleted,
        19 => Reply::Error(
            api_error(
                429,
                Some("rate_limit_exceeded"),
                Some(Wait::Seconds(u64::from(other))),
            )
            .into(),
        ),
        20 => Reply::Error(api_error(429, None, None).into()),
        21 => Reply::Response(finished(&id, &[message("cut", ItemStatus::Incomplete)]).into()),
        _ => {
            let http = [400, 401, 404, 408, 409, 424, 500, 503, 302, 299][usize::from(other) % 10];
            let mut error = api_error(http, None, None);
            error.should_retry = [None, None, Some(true), Some(false)][usize::from(die) % 4];
            Reply::Error(error.into())
        }
    };
    if let Reply::Response(response) = &mut reply {
        // A stray names the turn of some job; a reply to us names ours.
        Arc::make_mut(response).origin = Some(lanebench::wire::Origin {
            job: if exchange.job() == JobId::NONE {
                JobId(u32::from(die) % JOBS)
            } else {
                exchange.job()
            },
            attempt: AttemptNo(exchange.attempt().0.max(1)),
            turn: TurnNo(exchange.turn().0.max(1)),
        });
    }
    reply
}

fn stream_event(die: u8, seq: u8) -> lanebench::wire::StreamEvent {
    let (id, seq) = (format!("r{}", seq % 8), u64::from(seq % 16));
    match die % 8 {
        0 | 1 => created(seq, &id),
        2 => delta(seq),
        3 => completed(seq, &id),
        4 => event(seq, Event::Keepalive),
        5 => event(u64::MAX, Event::Unknown { name: "new".into() }),
        6 => event(seq, Event::Failed(response(&id, Status::Cancelled).into())),
        _ => event(seq, Event::Incomplete(response(&id, Status::InProgress).into())),
    }
}

/// The naive model: what may never be, in plain words.
#[derive(Default)]
struct Model {
    state: BTreeMap<JobId, StateName>,
    deadline: BTreeMap<JobId, SimTime>,
    charged_max: BTreeMap<JobId, u16>,
    creates: BTreeMap<JobId, BTreeSet<Exchange>>,
    consumed: BTreeSet<(Arc<str>, Arc<str>)>,
    receipts: BTreeSet<Arc<str>>,
    results: BTreeMap<JobId, u32>,
    moves: BTreeSet<lanebench::job::Transition>,
    extended: BTreeSet<JobId>,
}

/// Which state may follow which, said without the causes and without looking at the table of the core.
fn may_follow(from: StateName, to: StateName) -> bool {
    use StateName as S;
    let next: &[S] = match from {
        S::Accepted => &[S::Queued, S::Cancelled, S::Expired],
        S::Queued => &[S::Dispatching, S::Cancelled, S::Expired],
        S::Dispatching => &[
            S::Running,
            S::RetryWait,
            S::InDoubt,
            S::Cancelling,
            S::NeedsIntervention,
            S::Failed,
            S::TimedOut,
        ],
        S::InDoubt => &[
            S::Running,
            S::Dispatching,
            S::NeedsIntervention,
            S::Cancelling,
            S::TimedOut,
        ],
        S::Running => &[
            S::Running,
            S::Finalizing,
            S::UsingTools,
            S::AwaitingApproval,
            S::RetryWait,
            S::Failed,
            S::NeedsIntervention,
            S::TimedOut,
            S::Cancelling,
        ],
        S::UsingTools => &[
            S::Dispatching,
            S::Failed,
            S::NeedsIntervention,
            S::TimedOut,
            S::Cancelling,
        ],
        S::RetryWait => &[
            S::Dispatching,
            S::Cancelled,
            S::TimedOut,
            S::Failed,
            S::NeedsIntervention,
        ],
        S::AwaitingApproval => &[
            S::AwaitingApproval,
            S::Applying,
            S::Denied,
            S::Dispatching,
            S::Expired,
            S::Cancelled,
            S::TimedOut,
        ],
        S::Applying => &[
            S::Applying,
            S::Dispatching,
            S::Finalizing,
            S::AwaitingApproval,
            S::NeedsIntervention,
        ],
        S::Finalizing => &[
            S::Finalizing,
            S::Succeeded,
            S::SucceededPartial,
            S::Failed,
            S::NeedsIntervention,
        ],
        S::Cancelling => &[S::Cancelled, S::Finalizing, S::Failed, S::NeedsIntervention],
        S::NeedsIntervention => &[S::Queued, S::Failed, S::Succeeded, S::Cancelled],
        _ => &[],
    };
    next.contains(&to)
}

impl Model {
    /// Takes what was noted and done in one step.
    fn check(&mut self, now: SimTime, inputs: &[Input], notes: &[Record<CoreEvent>], actions: &[Action]) {
        for input in inputs {
            self.answered(input);
        }
        for record in notes {
            assert_eq!(record.at, now);
            match (&record.event, record.job) {
                (CoreEvent::Job(event), Some(job)) => self.noted(job, event),
                (CoreEvent::Runtime(RuntimeEvent::Sent { exchange, limit, .. }), Some(job)) => {
                    self.sent(now, job, *exchange, now + *limit);
                }
                _ => {}
            }
        }
        for action in actions {
            self.acted(action);
        }
    }

    fn answered(&mut self, input: &Input) {
        let exchange = match &input.told {
            Told::Reply {
                reply: Reply::StreamOpen,
                ..
            } => return,
            Told::Reply { exchange, .. } | Told::Broke { exchange, .. } | Told::StreamEnded { exchange } => {
                exchange
            }
            Told::Event { exchange, event } if event.event.response().is_some() => exchange,
            _ => return,
        };
        if let Some(open) = self.creates.get_mut(&exchange.job()) {
            open.remove(exchange);
        }
    }

    fn noted(&mut self, job: JobId, event: &JobEvent) {
        match event {
            JobEvent::Moved {
                from,
                on,
                to,
                charged,
                by,
                ..
            } => {
                assert_eq!(
                    self.state.get(&job),
                    from.as_ref(),
                    "{job:?} left a state it was not in"
                );
                match from {
                    None => assert_eq!(*to, StateName::Accepted),
                    Some(from) => assert!(may_follow(*from, *to), "{from} -> {to}"),
                }
                if *from == Some(StateName::NeedsIntervention) {
                    assert!(by.is_some(), "a parked job moved without an operator");
                }
                if *on == On::OperatorRetry {
                    self.extended.insert(job);
                }
                if *to == StateName::Succeeded || *to == StateName::SucceededPartial {
                    assert!(self.results.contains_key(&job), "success without a result");
                }
                assert!(
                    *charged <= self.charged_max.get(&job).copied().unwrap_or(0),
                    "charged {charged}"
                );
                self.moves.insert((*from, *on, *to));
                self.state.insert(job, *to);
            }
            JobEvent::Promised {
                deadline,
                attempts_max,
                ..
            } => {
                self.deadline.insert(job, *deadline);
                self.charged_max.insert(job, *attempts_max);
            }
            JobEvent::GrantConsumed { grant, digest, .. } => {
                assert!(
                    self.consumed.insert((grant.clone(), digest.clone())),
                    "a grant was consumed twice"
                );
            }
            JobEvent::ResultStored { .. } => *self.results.entry(job).or_default() += 1,
            _ => {}
        }
    }

    fn sent(&mut self, now: SimTime, job: JobId, exchange: Exchange, until: SimTime) {
        let state = self.state[&job];
        let deadline = self.deadline[&job];
        let own = state == StateName::Finalizing || state.is_terminal() || now >= deadline;
        assert!(
            own || until <= deadline.max(now.next()),
            "{exchange} may last until {until}, the job until {deadline}"
        );
        if exchange.kind() == ExchangeKind::Create && !state.is_terminal() {
            let open = self.creates.entry(job).or_default();
            assert!(open.is_empty(), "{exchange} beside {open:?}");
            open.insert(exchange);
        }
        if exchange.kind() == ExchangeKind::Create {
            let right = matches!(state, StateName::Dispatching | StateName::Denied);
            assert!(right, "a create in {state}");
        }
    }

    fn acted(&mut self, action: &Action) {
        match action {
            Action::Abort { exchange } => {
                if let Some(open) = self.creates.get_mut(&exchange.job()) {
                    open.remove(exchange);
                }
            }
            Action::Outside {
                message: ToOutside::Apply { act, grant, .. },
                ..
            } => self.applied(act, &grant.id, &grant.digest),
            Action::Send {
                exchange,
                ask: Ask::Create(create),
            } => assert_eq!(create.origin.map(|origin| origin.job), Some(exchange.job())),
            _ => {}
        }
    }

    fn applied(&mut self, act: &Act, grant: &Arc<str>, digest: &Arc<str>) {
        assert_eq!(act.digest, *digest, "the grant is for another act");
        assert!(
            self.consumed.contains(&(grant.clone(), digest.clone())),
            "no grant was consumed for {act:?}"
        );
        let canonical = lanebench::job::digest(&act.sink, &act.operation, &act.arguments);
        assert_eq!(
            canonical.as_ref(),
            Ok(digest),
            "the digest is not that of the act"
        );
        self.receipts.insert(grant.clone());
    }

    /// What must hold between the steps.
    fn settled(&self, desk: &Desk, now: SimTime) {
        let open = self.state.values().filter(|state| !state.is_terminal()).count();
        assert_eq!(open, desk.open_jobs() as usize, "the count of open jobs");
        for (job, state) in &self.state {
            assert_eq!(desk.state(*job), Some(*state), "the core and its record disagree");
        }
        let awake = self
            .state
            .values()
            .any(|state| !state.is_terminal() && *state != StateName::NeedsIntervention);
        match desk.next_deadline() {
            Some(due) => assert!(due > now, "something is due at {due} and was not done at {now}"),
            None => assert!(!awake, "nothing will wake {:?}", self.state),
        }
    }
}

/// Plays the dice; returns the moves that were made.
fn play(steps: &[(u16, Vec<Dice>)]) -> BTreeSet<lanebench::job::Transition> {
    let mut desk = Desk::new(crowd(), Notes::kept());
    let (mut world, mut model, mut now) = (World::default(), Model::default(), SimTime::START);
    let mut batch: Vec<Input> = (0..JOBS)
        .map(|job| Input {
            job: JobId(job),
            told: Told::Submitted,
        })
        .collect();
    let mut step = |desk: &mut Desk, world: &mut World, now: SimTime, mut batch: Vec<Input>| {
        let (told, mut actions) = (batch.clone(), Vec::new());
        desk.step(now, &mut batch, &mut actions);
        assert!(batch.is_empty());
        model.check(now, &told, &desk.take_notes(), &actions);
        model.settled(desk, now);
        world.heard(&actions);
    };
    step(&mut desk, &mut world, now, std::mem::take(&mut batch));
    for (wait, dice) in steps {
        // Mostly moments, now and then a minute.
        let scale = if wait.is_multiple_of(8) { 60_000 } else { 600 };
        let later = now + ms(u64::from(*wait) * scale / 65_536 + 1);
        while let Some(due) = desk.next_deadline().filter(|due| *due < later) {
            step(&mut desk, &mut world, due, Vec::new());
        }
        now = later;
        let batch: Vec<Input> = dice.iter().map(|dice| world.input(*dice)).collect();
        for input in &batch {
            if let Told::Reply { exchange, .. } | Told::Broke { exchange, .. } = &input.told {
                world.over(*exchange);
            }
        }
        step(&mut desk, &mut world, now, batch);
    }
    // When nothing happens any more every job comes to its end or to an operator.
    for _ in 0..2_000 {
        let Some(due) = desk.next_deadline() else { break };
        step(&mut desk, &mut world, due, Vec::new());
    }
    assert_eq!(desk.next_deadline(), None, "the core does not come to rest");
    model.moves
}

fn steps() -> impl Strategy<Value = Vec<(u16, Vec<Dice>)>> {
    let step = (any::<u16>(), prop::collection::vec(any::<Dice>(), 1..4));
    prop::collection::vec(step, 20..90)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn nothing_breaks_the_plain_rules(steps in steps()) {
        play(&steps);
    }
}

/// The dice go far: most of the table is made by them alone.
#[test]
fn the_dice_reach_most_of_the_table() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut made = BTreeSet::new();
    for _ in 0..80 {
        made.extend(play(&steps().new_tree(&mut runner).unwrap().current()));
    }
    let all = lanebench::job::TRANSITIONS.len();
    assert!(made.len() * 10 > all * 7, "{} of {all}", made.len());
}
