//! What crosses the wire between a client and the Responses API, as typed values.
//!
//! The types of this module are what both cores speak: compact, cheap to clone, without transport. The JSON
//! faces beside them turn a value into the bytes of the contract and back.
//! Invariant: `parse(render(value)) == value` for every value that the backend can emit.

mod create;
mod event;
mod reply;
mod response;

pub use create::{Ask, Create, InputItem, Origin, ToolDeclaration};
pub use event::{Event, StreamEvent};
pub use reply::{ApiError, Break, Reply, Wait};
pub use response::{Failure, Item, ItemStatus, Response, ResponseId, Status, Usage};
