//! The norm of the state machine: every legal move, and nothing else.

use crate::trace::On::{
    Accepted as OnAccepted, Admitted, Adopted, Approved, AttemptLimit, CancelRequested, CapacityGranted,
    Deadline, Denied as OnDenied, DeniedReplan, Due, Edited, EffectInDoubt, EffectNotLandedPermanent,
    EffectNotLandedRetryable, EffectReceiptLast, EffectReceiptMoreTurns, GrantRefused, HandOver,
    NoAcknowledgement, NotLandedPermanent, NotLandedRetryable, NothingLanded, OperatorAbandon,
    OperatorCancel, OperatorResolve, OperatorRetry, OutputsReady, PartialResultStored, QueueLimit,
    Reevaluate, ReplyUnknown, RequestExpired, ResponseCancelled, ResponseCancelledUnasked,
    ResponseCompletedFirst, ResponseFailed, ResponseFailedPermanent, ResponseFailedRetryable,
    ResponseFinalOutput, ResponseIncomplete, ResponseKnown, ResponseLost, ResponseNeedsApproval,
    ResponseToolCalls, ResultLost, ResultRejected, ResultStored, RetriesRefused, ToolFailed, ToolInDoubt,
    TwinAllowed, Unresolved, UserActionNeeded, WireStatusUnknown, Withdrawn,
};
use crate::trace::StateName::{
    Accepted, Applying, AwaitingApproval, Cancelled, Cancelling, Denied, Dispatching, Expired, Failed,
    Finalizing, InDoubt, NeedsIntervention, Queued, RetryWait, Running, Succeeded, SucceededPartial,
    TimedOut, UsingTools,
};
use crate::trace::{On, StateName};

/// One legal move; the first of a job comes from nowhere.
pub type Transition = (Option<StateName>, On, StateName);

/// Every legal move.
pub const TRANSITIONS: &[Transition] = &[
    (None, OnAccepted, Accepted),
    (Some(Accepted), Admitted, Queued),
    (Some(Accepted), CancelRequested, Cancelled),
    (Some(Accepted), QueueLimit, Expired),
    (Some(Queued), CapacityGranted, Dispatching),
    (Some(Queued), CancelRequested, Cancelled),
    (Some(Queued), QueueLimit, Expired),
    (Some(Queued), Deadline, Expired),
    (Some(Dispatching), ResponseKnown, Running),
    (Some(Dispatching), NotLandedRetryable, RetryWait),
    (Some(Dispatching), NotLandedPermanent, Failed),
    (Some(Dispatching), UserActionNeeded, NeedsIntervention),
    (Some(Dispatching), ReplyUnknown, InDoubt),
    (Some(Dispatching), CancelRequested, Cancelling),
    (Some(Dispatching), Deadline, TimedOut),
    (Some(InDoubt), Adopted, Running),
    (Some(InDoubt), TwinAllowed, Dispatching),
    (Some(InDoubt), Unresolved, NeedsIntervention),
    (Some(InDoubt), CancelRequested, Cancelling),
    (Some(InDoubt), Deadline, TimedOut),
    (Some(Running), ResponseFinalOutput, Finalizing),
    (Some(Running), ResponseToolCalls, UsingTools),
    (Some(Running), ResponseNeedsApproval, AwaitingApproval),
    (Some(Running), ResponseIncomplete, Finalizing),
    (Some(Running), ResponseFailedRetryable, RetryWait),
    (Some(Running), ResponseFailedPermanent, Failed),
    (Some(Running), ResponseCancelledUnasked, NeedsIntervention),
    (Some(Running), ResponseLost, NeedsIntervention),
    (Some(Running), WireStatusUnknown, NeedsIntervention),
    (Some(Running), AttemptLimit, RetryWait),
    (Some(Running), Deadline, TimedOut),
    (Some(Running), CancelRequested, Cancelling),
    (Some(Running), HandOver, Running),
    (Some(UsingTools), OutputsReady, Dispatching),
    (Some(UsingTools), ToolFailed, Dispatching),
    (Some(UsingTools), ToolInDoubt, NeedsIntervention),
    (Some(UsingTools), Deadline, TimedOut),
    (Some(UsingTools), CancelRequested, Cancelling),
    (Some(RetryWait), Due, Dispatching),
    (Some(RetryWait), CancelRequested, Cancelled),
    (Some(RetryWait), Deadline, TimedOut),
    (Some(RetryWait), RetriesRefused, Failed),
    (Some(RetryWait), UserActionNeeded, NeedsIntervention),
    (Some(AwaitingApproval), Approved, Applying),
    (Some(AwaitingApproval), OnDenied, Denied),
    (Some(AwaitingApproval), DeniedReplan, Dispatching),
    (Some(AwaitingApproval), Edited, AwaitingApproval),
    (Some(AwaitingApproval), Reevaluate, AwaitingApproval),
    (Some(AwaitingApproval), RequestExpired, Expired),
    (Some(AwaitingApproval), Withdrawn, Cancelled),
    (Some(AwaitingApproval), Deadline, TimedOut),
    (Some(AwaitingApproval), CancelRequested, Cancelled),
    (Some(Applying), EffectReceiptMoreTurns, Dispatching),
    (Some(Applying), EffectReceiptLast, Finalizing),
    (Some(Applying), GrantRefused, AwaitingApproval),
    (Some(Applying), EffectNotLandedRetryable, Applying),
    (Some(Applying), EffectNotLandedPermanent, NeedsIntervention),
    (Some(Applying), EffectInDoubt, NeedsIntervention),
    (Some(Applying), CancelRequested, Applying),
    (Some(Finalizing), ResultStored, Succeeded),
    (Some(Finalizing), PartialResultStored, SucceededPartial),
    (Some(Finalizing), ResultRejected, Failed),
    (Some(Finalizing), ResultLost, NeedsIntervention),
    (Some(Finalizing), CancelRequested, Finalizing),
    (Some(Cancelling), ResponseCancelled, Cancelled),
    (Some(Cancelling), NothingLanded, Cancelled),
    (Some(Cancelling), ResponseCompletedFirst, Finalizing),
    (Some(Cancelling), ResponseFailed, Failed),
    (Some(Cancelling), NoAcknowledgement, NeedsIntervention),
    (Some(Cancelling), Deadline, NeedsIntervention),
    (Some(NeedsIntervention), OperatorRetry, Queued),
    (Some(NeedsIntervention), OperatorAbandon, Failed),
    (Some(NeedsIntervention), OperatorResolve, Succeeded),
    (Some(NeedsIntervention), OperatorCancel, Cancelled),
];

/// The moves that the norm allows in its notes beside a row: by the rules of the kind, or when nothing is left.
pub const ALTERNATIVES: &[Transition] = &[
    (Some(Running), ResponseIncomplete, RetryWait),
    (Some(Running), AttemptLimit, TimedOut),
    (Some(UsingTools), ToolFailed, Failed),
];

/// For each state of departure (nowhere first) and each arrival, the set of what leads there.
const LEGAL: [[u128; STATES]; STATES + 1] = {
    let mut legal = [[0; STATES]; STATES + 1];
    let mut place = 0;
    while place < TRANSITIONS.len() + ALTERNATIVES.len() {
        let (from, on, to) = if place < TRANSITIONS.len() {
            TRANSITIONS[place]
        } else {
            ALTERNATIVES[place - TRANSITIONS.len()]
        };
        legal[row(from)][to as usize] |= 1 << on as u32;
        place += 1;
    }
    legal
};

const STATES: usize = StateName::ALL.len();

const _: () = assert!(On::ALL.len() <= u128::BITS as usize, "one bit for each word");

const fn row(from: Option<StateName>) -> usize {
    match from {
        None => 0,
        Some(from) => from as usize + 1,
    }
}

/// Whether the norm has this move.
#[must_use]
pub const fn is_legal(from: Option<StateName>, on: On, to: StateName) -> bool {
    LEGAL[row(from)][to as usize] & (1 << on as u32) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_move_is_legal_exactly_if_it_is_listed() {
        let states = StateName::ALL.iter().copied();
        for from in states.clone().map(Some).chain([None]) {
            for (on, to) in On::ALL
                .iter()
                .flat_map(|on| states.clone().map(move |to| (*on, to)))
            {
                let listed = [TRANSITIONS, ALTERNATIVES].concat().contains(&(from, on, to));
                assert_eq!(is_legal(from, on, to), listed, "{from:?} {on} {to}");
            }
        }
    }
}
