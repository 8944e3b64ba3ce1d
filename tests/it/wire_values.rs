//! Arbitrary values of the wire.

use std::sync::Arc;

use lanebench::units::{AttemptNo, JobId, TurnNo};
use lanebench::wire::{
    ApiError, Create, Event, Failure, IdText, InputItem, Item, ItemStatus, Origin, Phase, Response,
    ResponseId, Shown, Status, StreamEvent, ToolDeclaration, Usage, Wait,
};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

/// Any text: quotes, line breaks, control letters and letters outside the basic plane are among them.
pub(crate) fn text() -> BoxedStrategy<Arc<str>> {
    prop_oneof![
        "[a-z ]{0,12}",
        any::<String>(),
        Just("\"\\\n\r\t\u{0}\u{2028}\u{1F600}".to_owned()),
    ]
    .prop_map(Arc::from)
    .boxed()
}

/// A text that can stand where an id stands.
pub(crate) fn id() -> BoxedStrategy<Arc<str>> {
    prop_oneof!["[a-z]{2,4}_[0-9a-f]{1,8}", "\\PC{1,6}"]
        .prop_map(Arc::from)
        .boxed()
}

/// The ids of items, those that the service makes among them.
fn item_id() -> BoxedStrategy<IdText> {
    let made = prop_oneof!["(msg|rs|fc|mcp|mcpr|ws)_[0-9a-f]{16}", "\\PC{1,20}"].prop_map(IdText::from);
    prop_oneof![made, id().prop_map(IdText::from)].boxed()
}

pub(crate) fn origin() -> impl Strategy<Value = Origin> {
    (any::<u32>(), any::<u16>(), any::<u16>()).prop_map(|(job, attempt, turn)| Origin {
        job: JobId(job),
        attempt: AttemptNo(attempt),
        turn: TurnNo(turn),
    })
}

pub(crate) fn status() -> impl Strategy<Value = Status> {
    prop_oneof![
        Just(Status::Queued),
        Just(Status::InProgress),
        Just(Status::Completed),
        Just(Status::Failed),
        Just(Status::Cancelled),
        Just(Status::Incomplete),
        "x_[a-z]{1,8}".prop_map(|word| Status::Unknown(word.into())),
    ]
}

fn item_status() -> impl Strategy<Value = ItemStatus> {
    prop_oneof![
        Just(ItemStatus::InProgress),
        Just(ItemStatus::Completed),
        Just(ItemStatus::Incomplete),
        Just(ItemStatus::Failed),
    ]
}

fn hosted() -> impl Strategy<Value = Arc<str>> {
    prop_oneof![
        Just("file_search_call"),
        Just("web_search_call"),
        Just("code_interpreter_call"),
        Just("mcp_list_tools"),
        Just("compaction"),
    ]
    .prop_map(Arc::from)
}

fn phase() -> impl Strategy<Value = Option<Phase>> {
    prop_oneof![
        Just(None),
        Just(Some(Phase::Commentary)),
        Just(Some(Phase::FinalAnswer))
    ]
}

pub(crate) fn item() -> BoxedStrategy<Item> {
    prop_oneof![
        (item_id(), text(), item_status(), phase()).prop_map(|(id, text, status, phase)| Item::Message {
            id,
            text,
            status,
            phase,
            shown: Shown::default()
        }),
        item_id().prop_map(|id| Item::Reasoning {
            id,
            shown: Shown::default()
        }),
        (item_id(), id(), text(), text(), item_status()).prop_map(
            |(id, call_id, name, arguments, status)| {
                Item::FunctionCall {
                    id,
                    call_id,
                    name,
                    arguments,
                    status,
                    shown: Shown::default(),
                }
            }
        ),
        (item_id(), text(), text(), text()).prop_map(|(id, server_label, name, arguments)| {
            Item::McpApprovalRequest {
                id,
                server_label,
                name,
                arguments,
            }
        }),
        (item_id(), text(), text(), text(), of(id()), item_status()).prop_map(
            |(id, server_label, name, arguments, approval_request_id, status)| Item::McpCall {
                id,
                server_label,
                name,
                arguments,
                approval_request_id,
                status,
                shown: Shown::default(),
            }
        ),
        (item_id(), hosted(), item_status()).prop_map(|(id, tool, status)| Item::Hosted {
            id,
            tool,
            status,
            shown: Shown::default()
        }),
    ]
    .boxed()
}

pub(crate) fn response() -> BoxedStrategy<Response> {
    let head = (
        id(),
        status(),
        any::<u64>(),
        of(any::<u64>()),
        any::<bool>(),
        of(origin()),
    );
    let failure = (text(), text()).prop_map(|(code, message)| Failure { code, message });
    let usage = (any::<u32>(), any::<u32>(), any::<u32>()).prop_map(|(input, output, reasoning)| Usage {
        input,
        output,
        reasoning,
    });
    (
        head,
        vec(item(), 0..5),
        of(failure),
        of(text()),
        of(usage),
        text(),
    )
        .prop_map(
            |(
                (id, status, created_at, completed_at, background, origin),
                output,
                error,
                incomplete,
                usage,
                tier,
            )| {
                Response {
                    id: ResponseId(id.into()),
                    status,
                    created_at,
                    completed_at,
                    background,
                    origin,
                    output: output.into(),
                    error,
                    incomplete,
                    usage,
                    service_tier: tier,
                }
            },
        )
        .boxed()
}

fn input_item() -> BoxedStrategy<InputItem> {
    let replayed = prop_oneof![
        Just("reasoning"),
        Just("function_call"),
        Just("message"),
        Just("mcp_call")
    ];
    prop_oneof![
        text().prop_map(|text| InputItem::Message { text }),
        (id(), text()).prop_map(|(call_id, output)| InputItem::FunctionCallOutput { call_id, output }),
        (id(), any::<bool>(), of(text())).prop_map(|(approval_request_id, approve, reason)| {
            InputItem::McpApprovalResponse {
                approval_request_id,
                approve,
                reason,
            }
        }),
        (replayed, of(id()), of(id())).prop_map(|(kind, id, call_id)| InputItem::Replayed {
            kind: kind.into(),
            id,
            call_id
        }),
    ]
    .boxed()
}

fn tool() -> impl Strategy<Value = ToolDeclaration> {
    let hosted = prop_oneof![Just("file_search"), Just("web_search"), Just("code_interpreter")];
    prop_oneof![
        "[a-zA-Z0-9_-]{1,20}".prop_map(|name| ToolDeclaration::Function { name: name.into() }),
        text().prop_map(|server_label| ToolDeclaration::Mcp { server_label }),
        hosted.prop_map(|tool| ToolDeclaration::Hosted { tool: tool.into() }),
    ]
}

pub(crate) fn create() -> impl Strategy<Value = Create> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let lists = (vec(input_item(), 1..4), vec(tool(), 0..4));
    (text(), of(origin()), flags, of(id()), lists, of(16..=u32::MAX)).prop_map(
        |(model, origin, (background, stream, store), previous, (input, tools), max_output_tokens)| Create {
            model,
            origin,
            background,
            stream,
            store,
            previous: previous.map(|id| ResponseId(id.into())),
            input: input.into(),
            tools: tools.into(),
            max_output_tokens,
            tier: max_output_tokens.map(|_| "flex".into()),
            request: None,
        },
    )
}

pub(crate) fn wait() -> impl Strategy<Value = Wait> {
    prop_oneof![
        any::<u64>().prop_map(Wait::Millis),
        any::<u64>().prop_map(Wait::Seconds),
        (0..253_402_300_800_u64).prop_map(Wait::Date),
    ]
}

pub(crate) fn api_error() -> impl Strategy<Value = ApiError> {
    (
        400_u16..600,
        text(),
        of(text()),
        of(text()),
        text(),
        of(wait()),
        of(any::<bool>()),
    )
        .prop_map(
            |(http, kind, code, param, message, wait, should_retry)| ApiError {
                http,
                kind,
                code,
                param,
                message,
                wait,
                should_retry,
            },
        )
}

fn progress() -> impl Strategy<Value = Arc<str>> {
    prop_oneof![
        Just("response.file_search_call.searching"),
        Just("response.mcp_call.in_progress"),
        Just("response.code_interpreter_call.completed"),
    ]
    .prop_map(Arc::from)
}

fn event() -> BoxedStrategy<Event> {
    let piece = (any::<u32>(), item_id(), text());
    prop_oneof![
        (response(), 0..6_usize).prop_map(|(response, which)| {
            let wraps = [
                Event::Created,
                Event::Queued,
                Event::InProgress,
                Event::Completed,
                Event::Failed,
                Event::Incomplete,
            ];
            wraps[which](response.into())
        }),
        (any::<u32>(), item()).prop_map(|(output, item)| Event::ItemAdded { output, item }),
        (any::<u32>(), item()).prop_map(|(output, item)| Event::ItemDone { output, item }),
        (any::<u32>(), item_id()).prop_map(|(output, item_id)| Event::PartAdded {
            output,
            item_id,
            shown: Shown::default()
        }),
        (piece, 0..5_usize).prop_map(|((output, item_id, text), which)| match which {
            0 => Event::TextDelta {
                output,
                item_id,
                delta: text,
                shown: Shown::default(),
            },
            1 => Event::TextDone {
                output,
                item_id,
                text,
                shown: Shown::default(),
            },
            2 => Event::PartDone {
                output,
                item_id,
                text,
                shown: Shown::default(),
            },
            3 => Event::ArgumentsDelta {
                output,
                item_id,
                delta: text
            },
            _ => Event::ArgumentsDone {
                output,
                item_id,
                arguments: text
            },
        }),
        (progress(), any::<u32>(), item_id()).prop_map(|(name, output, item_id)| Event::Progress {
            name,
            output,
            item_id,
            shown: Shown::default(),
        }),
        (text(), text()).prop_map(|(code, message)| Event::Error { code, message }),
        Just(Event::Keepalive),
        "response\\.x[a-z_.]{1,12}".prop_map(|name| Event::Unknown { name: name.into() }),
    ]
    .boxed()
}

pub(crate) fn stream_event() -> impl Strategy<Value = StreamEvent> {
    (any::<u64>(), event()).prop_map(|(seq, event)| StreamEvent { seq, event })
}
