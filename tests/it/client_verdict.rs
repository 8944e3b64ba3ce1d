//! The verdict on a client: each rule is seen held, broken and not exercised.

use std::sync::Arc;

use lanebench::backend::{Auth, CallKey, ConnectionNo, Face, Input, Output};
use lanebench::check::{
    ClientAnswer, ClientAsk, ClientExchange, ClientLog, ClientRule, ClientVerdict, End, Gravity, judge_client,
};
use lanebench::units::{AttemptNo, Exchange, ExchangeKind, JobId, SimDuration, SimTime, TurnNo};
use lanebench::wire::{ApiError, Ask, Reply, ResponseId, Status, Wait};

/// What a server saw, told in order; every request is answered at once unless it says otherwise.
#[derive(Default)]
struct Story {
    seen: Vec<ClientExchange>,
    now: SimTime,
}

fn id(name: &str) -> ResponseId {
    ResponseId(name.into())
}

fn wire(status: &str) -> Option<Status> {
    Some(Status::from(Arc::<str>::from(status)))
}

impl Story {
    fn after(mut self, millis: u64) -> Self {
        self.now += SimDuration::from_millis(millis);
        self
    }

    fn sent(mut self, ask: ClientAsk, end: End) -> Self {
        self.seen.push(ClientExchange {
            no: self.seen.len() as u64 + 1,
            at: self.now,
            ask,
            outputs: Vec::new(),
            end,
        });
        self
    }

    fn create(self, answer: ClientAnswer) -> Self {
        let answer = ClientAnswer {
            at: self.now,
            ..answer
        };
        self.sent(ClientAsk::Create { fingerprint: 1 }, End::Answered(answer))
    }

    fn error(self, http: u16) -> Self {
        self.create(ClientAnswer {
            http,
            ..ClientAnswer::default()
        })
    }

    fn told(self, http: u16, secs: u64) -> Self {
        let wait = Some(SimDuration::from_secs(secs));
        self.create(ClientAnswer {
            http,
            wait,
            ..ClientAnswer::default()
        })
    }

    fn broken(self, made: Option<&str>) -> Self {
        let end = End::Broken {
            at: self.now,
            made: made.map(id),
        };
        self.sent(ClientAsk::Create { fingerprint: 1 }, end)
    }

    fn made(self, name: &str, status: &str) -> Self {
        let (response, status) = (Some(id(name)), wire(status));
        self.create(ClientAnswer {
            http: 200,
            response,
            status,
            ..ClientAnswer::default()
        })
    }

    fn poll(self, name: &str, status: &str) -> Self {
        let answer = ClientAnswer {
            at: self.now,
            http: 200,
            response: Some(id(name)),
            status: wire(status),
            ..ClientAnswer::default()
        };
        self.sent(ClientAsk::Poll(id(name)), End::Answered(answer))
    }

    fn cancel(self, name: &str) -> Self {
        let answer = ClientAnswer {
            at: self.now,
            http: 200,
            ..ClientAnswer::default()
        };
        self.sent(ClientAsk::Cancel(id(name)), End::Answered(answer))
    }

    fn cut_call(self, call: &str) -> Self {
        let cut_calls = vec![call.into()];
        let (response, status) = (Some(id("r")), wire("incomplete"));
        self.create(ClientAnswer {
            http: 200,
            response,
            status,
            cut_calls,
            ..ClientAnswer::default()
        })
    }

    fn output(mut self, call: &str) -> Self {
        self = self.sent(ClientAsk::Create { fingerprint: 2 }, End::Open);
        self.seen.last_mut().unwrap().outputs.push(call.into());
        self
    }

    #[track_caller]
    fn verdict(&self, rule: ClientRule) -> ClientVerdict {
        let judged = judge_client(&self.seen, self.now);
        judged.into_iter().find(|one| one.rule == rule).unwrap().verdict
    }

    #[track_caller]
    fn holds(self, rule: ClientRule, times: u64) {
        assert_eq!(self.verdict(rule), ClientVerdict::Held { exercised: times });
    }

    #[track_caller]
    fn breaks(self, rule: ClientRule, what: &str, requests: &[u64]) {
        let ClientVerdict::Broken { findings } = self.verdict(rule) else {
            panic!("{rule:?}: {:?}", self.verdict(rule));
        };
        assert_eq!(
            (findings[0].what.as_str(), &*findings[0].requests),
            (what, requests)
        );
    }
}

fn story() -> Story {
    Story::default()
}

#[test]
fn nothing_seen_exercises_nothing() {
    for rule in ClientRule::ALL {
        assert_eq!(story().verdict(rule), ClientVerdict::NotExercised, "{rule:?}");
    }
}

#[test]
fn codes_are_counted_through_and_every_rule_has_advice() {
    for (rule, number) in ClientRule::ALL.into_iter().zip(1..) {
        assert_eq!(rule.code(), format!("CL-{number:02}"));
        assert!(!rule.demands().is_empty() && !rule.advice().is_empty());
    }
}

#[test]
fn told_waits_are_kept() {
    let rule = ClientRule::ToldWait;
    story()
        .told(429, 7)
        .after(7_000)
        .made("r", "queued")
        .holds(rule, 1);
    let hasty = story().told(429, 7).after(6_999).made("r", "queued");
    hasty.breaks(rule, "told to wait 7s, it asked again after 6s999ms", &[1, 2]);
    let two_jobs = story().told(429, 7);
    assert_eq!(two_jobs.verdict(rule), ClientVerdict::NotExercised);
}

#[test]
fn waits_between_retries_grow() {
    let rule = ClientRule::BackOff;
    let tries = |gaps: [u64; 4]| {
        let first = story().error(503);
        gaps.into_iter()
            .fold(first, |told, gap| told.after(gap).error(503))
    };
    tries([500, 900, 2_000, 3_500]).holds(rule, 1);
    let even = "4 retries all came 1s to 1s200ms apart";
    tries([1_000, 1_100, 1_000, 1_200]).breaks(rule, even, &[1, 2, 3, 4, 5]);
    let few = story().error(503).after(1_000).error(503).after(1_000).error(503);
    assert_eq!(few.verdict(rule), ClientVerdict::NotExercised);
}

#[test]
fn retries_do_not_storm() {
    let rule = ClientRule::Storm;
    let tries = |gap: u64| (0..11).fold(story().error(500), |told, _| told.after(gap).error(500));
    tries(200).holds(rule, 1);
    let numbers: Vec<u64> = (2..=12).collect();
    tries(50).breaks(rule, "11 retries came within one second", &numbers);
}

#[test]
fn what_is_refused_for_good_is_left() {
    let rule = ClientRule::Final;
    story().error(400).holds(rule, 1);
    story().error(401).after(9_000).error(401).breaks(
        rule,
        "refused for good with 401, it asked again",
        &[1, 2],
    );
    let quota = || ClientAnswer {
        http: 429,
        code: Some("insufficient_quota".into()),
        ..ClientAnswer::default()
    };
    let again = story().create(quota()).after(9_000).create(quota());
    again.breaks(rule, "refused for good with 429, it asked again", &[1, 2]);
    let no = ClientAnswer {
        http: 500,
        should_retry: Some(false),
        ..ClientAnswer::default()
    };
    let again = story().create(no).after(9_000).made("r", "queued");
    again.breaks(rule, "refused for good with 500, it asked again", &[1, 2]);
    let yes = ClientAnswer {
        http: 400,
        should_retry: Some(true),
        ..ClientAnswer::default()
    };
    let asked = story().create(yes).after(9_000).made("r", "queued");
    assert_eq!(asked.verdict(rule), ClientVerdict::NotExercised);
}

#[test]
fn retries_have_an_end() {
    let rule = ClientRule::Bounded;
    let tries =
        |times: u64| (0..times).fold(story().error(500), |told, gap| told.after(1_000 * gap).error(500));
    tries(10).holds(rule, 1);
    let numbers: Vec<u64> = (1..=12).collect();
    tries(11).breaks(rule, "it asked the same 11 times again", &numbers);
}

#[test]
fn polls_keep_their_distance() {
    let rule = ClientRule::PollDistance;
    let calm = story()
        .made("r", "queued")
        .after(1_000)
        .poll("r", "queued")
        .after(1_500)
        .poll("r", "in_progress");
    calm.after(1_500).poll("r", "completed").holds(rule, 2);
    let busy = story()
        .made("r", "queued")
        .after(1_000)
        .poll("r", "queued")
        .after(499)
        .poll("r", "queued");
    busy.breaks(rule, "two polls of an open response were 499ms apart", &[2, 3]);
}

#[test]
fn what_ended_is_left_alone() {
    let rule = ClientRule::PollAfterEnd;
    let once = story()
        .poll("r", "in_progress")
        .after(1_000)
        .poll("r", "failed")
        .after(1_000)
        .poll("r", "failed");
    once.holds(rule, 1);
    let twice = story()
        .poll("r", "odd_word")
        .after(1_000)
        .poll("r", "odd_word")
        .after(1_000)
        .poll("r", "odd_word");
    twice.breaks(rule, "r had ended and was polled 2 times more", &[1, 2, 3]);
}

#[test]
fn what_nobody_waits_for_is_cancelled() {
    let rule = ClientRule::Abandon;
    story()
        .made("r", "queued")
        .after(10_000)
        .cancel("r")
        .after(900_000)
        .holds(rule, 1);
    story().made("r", "queued").after(60_000).holds(rule, 1);
    let gone = story()
        .made("r", "queued")
        .after(5_000)
        .poll("r", "in_progress")
        .after(61_000);
    gone.breaks(
        rule,
        "r was open when last seen, and nobody asked for it for 1m1s",
        &[2],
    );
    let ended = story()
        .made("r", "queued")
        .after(5_000)
        .poll("r", "completed")
        .after(900_000);
    assert_eq!(ended.verdict(rule), ClientVerdict::NotExercised);
}

#[test]
fn one_ask_makes_one_response() {
    let rule = ClientRule::OneResponse;
    story().error(503).after(900).made("r", "queued").holds(rule, 1);
    story().broken(None).after(900).made("r", "queued").holds(rule, 1);
    let doubled = story().broken(Some("a")).after(900).made("b", "queued");
    doubled.breaks(rule, "one ask made 2 responses: a, b", &[1, 2]);
    let two_tasks = story().made("a", "queued").after(900).made("b", "queued");
    assert_eq!(two_tasks.verdict(rule), ClientVerdict::NotExercised);
}

#[test]
fn cut_off_arguments_are_not_executed() {
    let rule = ClientRule::CutCall;
    story()
        .cut_call("call_1")
        .after(900)
        .output("call_2")
        .holds(rule, 1);
    let executed = story().cut_call("call_1").after(900).output("call_1");
    let what = "the output of call_1 was sent, whose arguments had been cut off";
    executed.breaks(rule, what, &[1, 2]);
    assert_eq!(
        story().output("call_1").verdict(rule),
        ClientVerdict::NotExercised
    );
}

#[test]
fn what_harms_fails_and_what_costs_warns() {
    let failing: Vec<&str> = ClientRule::ALL
        .into_iter()
        .filter(|rule| rule.gravity() == Gravity::Fail)
        .map(ClientRule::code)
        .collect();
    assert_eq!(failing, ["CL-01", "CL-03", "CL-04", "CL-05", "CL-09", "CL-10"]);
}

#[test]
fn the_log_is_what_inputs_and_outputs_show() {
    let call = |kind, nth| CallKey {
        exchange: Exchange::new(JobId::NONE, AttemptNo(0), TurnNo(0), kind, nth),
        connection: ConnectionNo(1),
    };
    let (first, second, third) = (
        call(ExchangeKind::Poll, 1),
        call(ExchangeKind::Poll, 2),
        call(ExchangeKind::Stream, 1),
    );
    let asks = |call, ask| Input::Request {
        call,
        auth: Auth::Granted,
        ask: Ok(ask),
    };
    let at = |millis| SimTime::START + SimDuration::from_millis(millis);
    let busy = ApiError {
        should_retry: Some(true),
        ..ApiError::rate_limited(Some(Wait::Date(103)))
    };
    let mut log = ClientLog::new(2, 100);
    log.told(at(0), &asks(first, Ask::Poll(id("r"))));
    let (reply, face) = (Reply::Error(busy.into()), Face::Whole);
    log.answered(
        at(10),
        &Output::Reply {
            call: first,
            reply: reply.clone(),
            face,
        },
    );
    log.told(at(20), &asks(second, Ask::Poll(id("r"))));
    log.answered(
        at(30),
        &Output::Reply {
            call: second,
            reply,
            face: Face::Reset,
        },
    );
    let ends: Vec<End> = log.iter().map(|one| one.end.clone()).collect();
    let told = ClientAnswer {
        at: at(10),
        http: 429,
        code: Some("rate_limit_exceeded".into()),
        wait: Some(SimDuration::from_millis(2_990)),
        should_retry: Some(true),
        ..ClientAnswer::default()
    };
    assert_eq!(
        ends,
        [
            End::Answered(told),
            End::Broken {
                at: at(30),
                made: None
            }
        ]
    );

    // The oldest is forgotten; a reader that leaves breaks its own exchange.
    log.told(
        at(40),
        &asks(
            third,
            Ask::Stream {
                id: id("r"),
                after: None,
            },
        ),
    );
    log.told(at(50), &Input::Gone { call: third });
    let kept: Vec<(u64, bool)> = log.iter().map(|one| (one.no, one.failed())).collect();
    assert_eq!((kept, log.seen()), (vec![(2, true), (3, true)], 3));
}
