//! The backend core: the Responses service without any transport.
//!
//! Invariants: it is told the time and what arrived and answers what leaves; the inputs of a tick are stepped in
//! canonical order; ids and contents derive from keys, never from counters, so that nothing depends on the order
//! in which strangers to each other arrive.

mod acts;
mod agenda;
mod answers;
mod asks;
mod call;
mod choice;
mod contract;
mod conversations;
mod create;
mod desk;
mod document;
mod fate;
mod item;
mod leave;
mod ledger;
mod limiter;
mod log;
mod logprobs;
mod message;
mod name;
mod run;
mod runs;
mod script;
mod service;
mod settle;
mod side;
mod slots;
mod streaming;
mod text;
mod tool;
mod tool_item;
mod turn;
mod webhook;
mod words;

pub use choice::{Choice, Chosen, Looks, MetadataMatch};
pub use contract::{
    Account, BackgroundUnstored, Bounds, CancelCompleted, CancelOutput, CancelRace, Contract, DeleteInFlight,
    DeleteObject, EdgeHeaders, EndedUsage, GetAfterDelete, ModelMissing, Models, Rates, RequestIds,
    StreamClose, SwitchError, SwitchSet, Switches,
};
pub use message::{
    Auth, CallKey, ConnectionNo, Face, Genuine, Input, Output, Signatures, StreamEnd, WebhookSend,
};
pub use script::{Limiter, Profile, ResumeWindow, Script, Step, StepWork, TIERS, TierSpec};
pub use service::{Held, Kept, Service, Setup, Spent};
pub use streaming::{CancelledEnd, FailedEnd, Padding, Streaming};
pub use tool::{
    ComputerActs, McpError, PatchOperation, SearchedBy, ShellEnd, ShellPrinted, Tool, ToolEnd, ToolStep,
};
pub use words::{Annotation, Words};
