//! Plans, replies and events for the plays.

use std::collections::BTreeMap;
use std::sync::Arc;

use lanebench::backend::Genuine;
use lanebench::job::{
    ApprovalRule, Follow, Limits, Liveliness, OnDenial, OnEmpty, OnFiltered, OnIncomplete, OnToolFailure,
    OwnApproval, Plan, Polling, Retry, Rules, SinkClass, Then, Told, Tool, ToolAct,
};
use lanebench::trace::Verb;
use lanebench::units::{AttemptNo, JobId, TurnNo};
use lanebench::wire::{
    ApiError, Event, Failure, Item, ItemStatus, Origin, Reply, Response, ResponseId, Shown, Status,
    StreamEvent, Usage, Wait,
};

use super::play::{ms, secs, who};

/// A plan with round numbers.
pub(crate) fn plan() -> Plan {
    Plan {
        model: "m".into(),
        max_output_tokens: None,
        tier: "default".into(),
        follow: Follow::Poll,
        polling: Polling {
            first: secs(1),
            growth_percent: 200,
            max: secs(8),
            fallback: secs(30),
        },
        limits: Limits {
            deadline: secs(3600),
            wait: secs(30),
            queue: secs(60),
            attempt: secs(600),
            attempts: secs(1200),
            call: secs(10),
            tool: secs(20),
            approval_request: secs(300),
            grant: secs(60),
            cancel: secs(40),
            doubt: secs(50),
            capture: secs(25),
        },
        retry: Retry {
            attempts: 3,
            base: secs(1),
            cap: secs(8),
            twins: 1,
            effect_tries: 2,
        },
        tools: tools(),
        mcp: BTreeMap::from([("shop".into(), "purchases".into())]),
        hosted: Vec::new(),
        rules: Rules {
            incomplete: OnIncomplete::Partial,
            filtered: OnFiltered::Partial,
            tool_failure: OnToolFailure::Tell,
            denial: OnDenial::End,
            empty: OnEmpty::Fail,
        },
        approval: ApprovalRule {
            quorum: 1,
            role: "approver".into(),
            own: OwnApproval::Refused,
        },
        patience: Liveliness {
            quiet: secs(60),
            stalled: secs(180),
        },
    }
}

fn tools() -> BTreeMap<Arc<str>, Tool> {
    let effect = |sink: &str, class, then| ToolAct::Effect {
        sink: sink.into(),
        class,
        then,
    };
    let all = [
        ("look", ToolAct::Free, 1),
        ("book", ToolAct::Once, 1),
        (
            "send",
            effect("mail", SinkClass::IdempotentByKey, Then::MoreTurns),
            0,
        ),
        (
            "note",
            effect("records", SinkClass::Queryable, Then::MoreTurns),
            0,
        ),
        (
            "ship",
            effect("production", SinkClass::Neither, Then::MoreTurns),
            0,
        ),
        (
            "post",
            effect("publication", SinkClass::IdempotentByKey, Then::Last),
            0,
        ),
    ];
    all.into_iter()
        .map(|(name, act, retries)| (name.into(), Tool { act, retries }))
        .collect()
}

/// A plan with one thing changed.
pub(crate) fn plan_with(change: impl FnOnce(&mut Plan)) -> Plan {
    let mut plan = plan();
    change(&mut plan);
    plan
}

/// A response of job 0, attempt 1, turn 1.
pub(crate) fn response(id: &str, status: Status) -> Response {
    let usage = (!status.is_open()).then_some(Usage {
        input: 10,
        output: 5,
        reasoning: 0,
    });
    Response {
        id: ResponseId(id.into()),
        status,
        created_at: 1_800_000_000,
        completed_at: None,
        background: true,
        origin: Some(origin(1, 1)),
        output: Arc::from([]),
        error: None,
        incomplete: None,
        usage,
        service_tier: "default".into(),
    }
}

pub(crate) fn origin(attempt: u16, turn: u16) -> Origin {
    Origin {
        job: JobId(0),
        attempt: AttemptNo(attempt),
        turn: TurnNo(turn),
    }
}

pub(crate) fn queued(id: &str) -> Reply {
    Reply::Response(response(id, Status::Queued).into())
}

pub(crate) fn working(id: &str) -> Reply {
    Reply::Response(response(id, Status::InProgress).into())
}

pub(crate) fn message(text: &str, status: ItemStatus) -> Item {
    Item::Message {
        id: "m1".into(),
        text: text.into(),
        status,
        phase: None,
        shown: Shown::default(),
    }
}

pub(crate) fn finished(id: &str, items: &[Item]) -> Response {
    Response {
        output: items.into(),
        ..response(id, Status::Completed)
    }
}

pub(crate) fn done(id: &str) -> Reply {
    Reply::Response(finished(id, &[message("the report", ItemStatus::Completed)]).into())
}

/// Completed with calls: `name` of each, ids `c1`, `c2` and so on.
pub(crate) fn calls(id: &str, names: &[(&str, &str)]) -> Reply {
    let items: Vec<Item> = names
        .iter()
        .enumerate()
        .map(|(at, (name, arguments))| Item::FunctionCall {
            id: format!("f{}", at + 1).into(),
            call_id: format!("c{}", at + 1).into(),
            name: (*name).into(),
            arguments: (*arguments).into(),
            status: ItemStatus::Completed,
            shown: Shown::default(),
        })
        .collect();
    Reply::Response(finished(id, &items).into())
}

/// Completed with a request for leave to call an MCP server.
pub(crate) fn asks_leave(id: &str) -> Reply {
    let item = Item::McpApprovalRequest {
        id: "q1".into(),
        server_label: "shop".into(),
        name: "buy".into(),
        arguments: "{}".into(),
    };
    Reply::Response(finished(id, &[item]).into())
}

pub(crate) fn failed(id: &str, code: &str) -> Reply {
    let failure = Failure {
        code: code.into(),
        message: "so it is".into(),
    };
    let response = Response {
        error: Some(failure),
        ..response(id, Status::Failed)
    };
    Reply::Response(response.into())
}

pub(crate) fn incomplete(id: &str, reason: &str) -> Reply {
    let response = Response {
        incomplete: Some(reason.into()),
        output: Arc::from([message("the rep", ItemStatus::Incomplete)]),
        ..response(id, Status::Incomplete)
    };
    Reply::Response(response.into())
}

pub(crate) fn ended(id: &str, status: Status) -> Reply {
    Reply::Response(response(id, status).into())
}

pub(crate) fn api_error(http: u16, code: Option<&str>, wait: Option<Wait>) -> ApiError {
    ApiError {
        http,
        kind: "some_error".into(),
        code: code.map(Arc::from),
        param: None,
        message: "no".into(),
        wait,
        should_retry: None,
    }
}

pub(crate) fn error(http: u16) -> Reply {
    Reply::Error(api_error(http, None, None).into())
}

pub(crate) fn limited(wait: Wait) -> Reply {
    Reply::Error(api_error(429, Some("rate_limit_exceeded"), Some(wait)).into())
}

pub(crate) fn event(seq: u64, event: Event) -> StreamEvent {
    StreamEvent { seq, event }
}

pub(crate) fn delta(seq: u64) -> StreamEvent {
    let told = Event::TextDelta {
        output: 0,
        item_id: "m1".into(),
        delta: "the ".into(),
        shown: Shown::default(),
    };
    event(seq, told)
}

pub(crate) fn created(seq: u64, id: &str) -> StreamEvent {
    event(seq, Event::Created(response(id, Status::InProgress).into()))
}

/// The last event of a stream with a whole message.
pub(crate) fn completed(seq: u64, id: &str) -> StreamEvent {
    let whole = finished(id, &[message("the report", ItemStatus::Completed)]);
    event(seq, Event::Completed(whole.into()))
}

pub(crate) fn webhook(delivery: &str, response: &str, genuine: Genuine) -> Told {
    Told::Webhook {
        delivery: delivery.into(),
        send: 1,
        response: ResponseId(response.into()),
        kind: "response.completed".into(),
        genuine,
    }
}

pub(crate) fn operator(verb: Verb) -> Told {
    Told::Operator {
        by: who("olga"),
        verb,
        reason: "looked at it".into(),
        extend: None,
        result: None,
    }
}

/// A plan whose jobs wait for nothing long.
pub(crate) fn hasty() -> Plan {
    plan_with(|plan| {
        plan.limits.deadline = secs(20);
        plan.limits.call = ms(4_000);
    })
}
