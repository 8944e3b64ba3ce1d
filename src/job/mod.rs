//! The job core: states, retry, deadlines, approval, effects, stall verdicts.
//!
//! Invariants: it is told what happened and answers what to do; every move of a job is a row of the norm
//! ([`TRANSITIONS`]); a job ends exactly once; no effect is asked of a sink without a grant that was consumed for
//! exactly that act; every job that is not ended has something that will wake it, or a person who must act.

mod act;
mod approve;
mod cancel;
mod desk;
mod digests;
mod dispatch;
mod effect;
mod finish;
mod follow;
mod lane;
mod listen;
mod machine;
mod message;
pub mod retry;
mod rooms;
mod spec;
mod state;
mod stray;
mod table;
mod timers;
mod tools;
mod view;
mod wakes;

pub use act::{ActError, canonical, digest};
pub use cancel::CANCEL_BY_STRANGER;
pub use desk::{Desk, JobEnd, LaneSeen, Routed, Router, Seen, Setup};
pub use listen::canonical_order;
pub use message::{
    Act, Action, ApprovalId, ApprovalRequest, ApprovalVerdict, Decision, Glance, Grant, Input, SinkAnswer,
    ToOutside, Told, Viewers,
};
pub use spec::{
    ApprovalRule, Follow, HandOver, LaneSpec, Limits, Liveliness, OnDenial, OnEmpty, OnFiltered,
    OnIncomplete, OnToolFailure, OwnApproval, Placement, Plan, Polling, Retry, RosterEntry, Rules,
    SharedCapacity, SinkClass, TaskSpec, Then, Tool, ToolAct,
};
pub use table::{ALTERNATIVES, TRANSITIONS, Transition, is_legal};
pub use wakes::Wakes;
