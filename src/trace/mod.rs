//! The ordered record of everything that happened in a run; all checks read it and nothing else.
//!
//! Invariants: each channel is written only by its own part (the types of [`Notes`] see to it); records are
//! ordered by tick, then by writer (outside, core, service), then by the order in which the writer wrote them.

mod core;
mod digest;
mod names;
mod outside;
mod phrase;
mod record;
mod service;
mod view;

pub use self::core::{Audience, CoreEvent, Decided, JobEvent, RouterEvent, RuntimeEvent};
pub use digest::ResultDigest;
pub use names::{
    ActionWord, Boundary, Cause, Class, Execution, Landed, LaneName, LimitName, On, Outcome, Principal,
    StateName, StopReason, Verb,
};
pub use outside::{OutsideEvent, PeopleEvent, SinkEvent, UserEvent};
pub use phrase::Phrase;
pub use record::{Channel, Event, Notes, Record, Trace};
pub use service::{BackendEvent, ServiceEvent, WireEvent};
pub use view::{Liveness, View};
