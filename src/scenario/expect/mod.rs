//! What a scenario expects to be true after a run: plain data with places, judged by the checks.

mod group;
mod groups;
mod read;
mod want;

pub use group::{Amount, GroupExpectation, GroupWant, Who};
pub(in crate::scenario) use groups::{Expected, Lookup, expect};
pub(in crate::scenario) use read::ExpectContext;
pub use want::{
    ApprovalEnd, ApprovalWant, Count, EffectWant, End, RequestSort, ResultWant, TaskExpectation, ViewWant,
    Want, YesNo,
};
