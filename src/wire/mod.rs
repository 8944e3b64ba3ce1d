//! What crosses the wire between a client and the Responses API, as typed values.
//!
//! The types of this module are what both cores speak: compact, cheap to clone, without transport. The JSON
//! faces beside them turn a value into the bytes of the contract and back.
//! Invariant: `parse(render(value)) == value` for every value that the backend can emit.

mod create;
mod date;
mod details;
mod echo;
mod event;
mod id_text;
mod json_create;
mod json_error;
mod json_event;
mod json_item;
mod json_out;
mod json_response;
mod read;
mod refusal;
mod reply;
mod request;
mod request_field;
mod request_input;
mod request_options;
mod request_side;
mod request_text;
mod request_tool;
mod response;
mod shown;
mod side;
mod sse;
mod text;
mod webhook;

pub use create::{Ask, Create, InputItem, Origin, ToolDeclaration};
pub(crate) use date::{civil_from_days, days_from_civil};
pub use date::{format_http_date, parse_http_date};
pub use details::{ApprovalRule, Details, Overflow, ServerRule, Summaries};
pub use echo::{Echo, Obfuscation};
pub use event::{Event, StreamEvent};
pub use id_text::{IdStr, IdText};
pub use json_create::{ClientFields, McpServer, render_create};
pub use json_error::{parse_error, read_should_retry, read_wait, render_error, write_wait};
pub use json_event::{ErrorShape, EventError, parse_event, render_event};
pub use json_response::{Unreadable, parse_response, render_response, salvage_id};
pub use refusal::{RangeEnd, StreamRefusal};
pub use reply::{ApiError, Break, Reply, Wait};
pub use request::{Endpoint, SERVICE_TIERS, parse_create, parse_subset};
pub use request_side::{
    check_include, parse_items, parse_metadata, parse_new_conversation, stored_items, stored_text,
};
pub use response::{Failure, Item, ItemStatus, Phase, Response, ResponseId, Status, Usage};
pub use shown::Shown;
pub use side::{Order, Page, Side, StoredItem, Talk, json_text, render_page};
pub use sse::{Frame, SseError, SseLimits, SseReader, StreamEnd};
pub use text::{text_of, text_start};
pub use webhook::{
    Authenticity, Secret, SecretError, SignatureHeaders, TOLERANCE_SECS, WebhookEvent, WebhookKind,
    parse_webhook, render_webhook, sign, verify,
};
