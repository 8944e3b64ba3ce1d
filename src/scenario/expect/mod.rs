//! What a scenario expects to be true after a run: plain data with places, judged by the checks.

mod group;
mod want;

pub use group::{Amount, GroupExpectation, GroupWant, Who};
pub use want::{
    ApprovalEnd, ApprovalWant, Count, EffectWant, End, RequestSort, ResultWant, TaskExpectation, ViewWant,
    Want, YesNo,
};
