//! Where a task ends up.

use super::story::{SortFacts, Story};
use crate::trace::{Execution, StateName};

/// Where a task ends up: exactly one for each task. The first one that fits counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bucket {
    /// The router refused it: it never became a job.
    Shed,
    /// An act of it landed that an attentive approver would have denied.
    Misjudged,
    /// It was carried out whole, and nobody was there any more for whom it had value.
    Stranded,
    /// The user left before it ended, or would not wait for it to begin, and it did not end whole.
    Abandoned,
    /// It ended whole, and its result was shown within its target.
    InTime,
    /// It ended whole, and later than its target.
    Late,
    /// It ended with a part of the result.
    Partial,
    /// It ended without a result, or with one that the service does not call complete.
    Failed,
    /// A limit ended it.
    TimedOut,
    /// Somebody asked for it to be stopped.
    Cancelled,
    /// An approver said no.
    Denied,
    /// Nobody got to it in time: in the queue, or before an approver.
    Expired,
    /// It waits for an operator.
    Parked,
    /// It was not over when the run was.
    Open,
}

impl Bucket {
    /// All of them, in canonical order.
    pub const ALL: [Self; 14] = [
        Self::Shed,
        Self::Misjudged,
        Self::Stranded,
        Self::Abandoned,
        Self::InTime,
        Self::Late,
        Self::Partial,
        Self::Failed,
        Self::TimedOut,
        Self::Cancelled,
        Self::Denied,
        Self::Expired,
        Self::Parked,
        Self::Open,
    ];

    /// Whether the user left before the end and got nothing.
    #[must_use]
    pub const fn is_forsaken(self) -> bool {
        matches!(self, Self::Abandoned | Self::Stranded)
    }
}

/// The bucket of a task.
#[must_use]
pub fn bucket_of(story: &Story, facts: &SortFacts) -> Bucket {
    if story.refused {
        return Bucket::Shed;
    }
    if story.harm > 0 {
        return Bucket::Misjudged;
    }
    let whole = story.is_whole();
    if is_forsaken(story, facts) {
        return match whole {
            true => Bucket::Stranded,
            false => Bucket::Abandoned,
        };
    }
    match story.state {
        Some(StateName::Succeeded) if !whole => Bucket::Failed,
        Some(StateName::Succeeded) => {
            let took = story.shown_result.map(|at| at.since(story.submitted));
            match (took, facts.targets.result) {
                (Some(took), Some(target)) if took > target => Bucket::Late,
                (Some(_), _) => Bucket::InTime,
                (None, _) => Bucket::Open,
            }
        }
        Some(StateName::SucceededPartial) => Bucket::Partial,
        Some(StateName::Failed) => Bucket::Failed,
        Some(StateName::TimedOut) => Bucket::TimedOut,
        Some(StateName::Cancelled) if story.gave_up => Bucket::Abandoned,
        Some(StateName::Cancelled) => Bucket::Cancelled,
        Some(StateName::Denied) => Bucket::Denied,
        Some(StateName::Expired) => Bucket::Expired,
        Some(StateName::NeedsIntervention) => Bucket::Parked,
        _ => Bucket::Open,
    }
}

/// Whether the user left before the end, and nothing brings the result to them: the task has no value behind its
/// session, or it was carried out in the session alone.
fn is_forsaken(story: &Story, facts: &SortFacts) -> bool {
    let Some(left) = story.left else { return false };
    let gone = story.ended.is_none_or(|ended| left < ended);
    let reaches = facts.outlives && (story.execution == Some(Execution::Background) || story.handed_over);
    gone && !reaches
}
