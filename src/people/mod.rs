//! Users with patience, approvers, operators, and everything else outside the core that is no model service.
//!
//! Invariants: people act on what they are shown and on nothing else; they compute the digests of the acts in front
//! of them themselves; what they decide on is followed by a person's delay of at least one tick; a decision says
//! whether the roster lets its author decide.

mod approver;
mod arrivals;
mod attention;
mod further;
mod message;
mod operator;
mod outside;
mod patience;
mod script;
mod setup;
mod staff;
mod timer;

pub use attention::{Attention, Batch};
pub use further::{Further, Retrial};
pub use message::FromCore;
pub use outside::Outside;
pub use script::{
    ApproverScript, Balk, Behaviour, Cancel, OperatorAnswer, OperatorScript, Reach, Shift, StaffScript,
    UserScript, When,
};
pub use setup::{Change, Changed, Notice, OutsideSetup, OutsideTask};
