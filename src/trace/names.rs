//! The words of the job core that trace, scenarios, reports and views share.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$item:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$item])* #[serde(rename = $word)] $variant,)+ }

        impl $name {
            /// All of them, in canonical order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word used in scenarios, traces and reports.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The one with this word.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.word() == word)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

words! {
    /// Where a job stands.
    StateName {
        /// Durably recorded, not yet admitted to its lane.
        Accepted = "accepted",
        /// Waiting for lane capacity.
        Queued = "queued",
        /// The create request of a turn is being sent.
        Dispatching = "dispatching",
        /// The create may have landed; no response id is known.
        InDoubt = "in_doubt",
        /// The response id is known.
        Running = "running",
        /// Tools without consequence run.
        UsingTools = "using_tools",
        /// The next attempt has its time.
        RetryWait = "retry_wait",
        /// A human is asked.
        AwaitingApproval = "awaiting_approval",
        /// A grant is consumed, its effect is being applied.
        Applying = "applying",
        /// The result is being captured.
        Finalizing = "finalizing",
        /// A cancel waits for its acknowledgement.
        Cancelling = "cancelling",
        /// Parked until an operator acts.
        NeedsIntervention = "needs_intervention",
        /// Ended with a stored result.
        Succeeded = "succeeded",
        /// Ended with a stored, incomplete result.
        SucceededPartial = "succeeded_partial",
        /// Ended without a result.
        Failed = "failed",
        /// Ended by a limit.
        TimedOut = "timed_out",
        /// Ended because somebody asked.
        Cancelled = "cancelled",
        /// Ended by a denial.
        Denied = "denied",
        /// Ended unheard: in the queue or before an approver.
        Expired = "expired",
    }
}

impl StateName {
    /// Whether the state is terminal.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Succeeded
                | Self::SucceededPartial
                | Self::Failed
                | Self::TimedOut
                | Self::Cancelled
                | Self::Denied
                | Self::Expired
        )
    }
}

/// How a job ended: a terminal state.
pub type Outcome = StateName;

words! {
    /// What moves a job from state to state: the column `on` of the norm.
    On {
        /// Durable.
        Accepted = "accepted",
        /// Let into its lane.
        Admitted = "admitted",
        /// Somebody asked to cancel.
        CancelRequested = "cancel_requested",
        /// The queue limit fired.
        QueueLimit = "queue_limit",
        /// The lane has room.
        CapacityGranted = "capacity_granted",
        /// The deadline fired.
        Deadline = "deadline",
        /// The response id is stored.
        ResponseKnown = "response_known",
        /// The create did not land; worth another attempt.
        NotLandedRetryable = "not_landed_retryable",
        /// The create did not land and never will.
        NotLandedPermanent = "not_landed_permanent",
        /// Somebody has to act first.
        UserActionNeeded = "user_action_needed",
        /// Nobody knows whether the create landed.
        ReplyUnknown = "reply_unknown",
        /// A response turned out to be this job's.
        Adopted = "adopted",
        /// A second create is allowed.
        TwinAllowed = "twin_allowed",
        /// The doubt could not be resolved.
        Unresolved = "unresolved",
        /// Completed, with nothing left to do.
        ResponseFinalOutput = "response_final_output",
        /// Completed, asks for tools without consequence.
        ResponseToolCalls = "response_tool_calls",
        /// Completed, asks for an effect.
        ResponseNeedsApproval = "response_needs_approval",
        /// Ended incomplete.
        ResponseIncomplete = "response_incomplete",
        /// Failed, worth another attempt.
        ResponseFailedRetryable = "response_failed_retryable",
        /// Failed for good.
        ResponseFailedPermanent = "response_failed_permanent",
        /// Cancelled by nobody here.
        ResponseCancelledUnasked = "response_cancelled_unasked",
        /// The service does not know it any more, or does not let us see it.
        ResponseLost = "response_lost",
        /// A wire status that the contract does not know.
        WireStatusUnknown = "wire_status_unknown",
        /// The attempt limit fired.
        AttemptLimit = "attempt_limit",
        /// Interactive work goes on in the background.
        HandOver = "hand_over",
        /// Every tool gave its output.
        OutputsReady = "outputs_ready",
        /// A tool failed for good.
        ToolFailed = "tool_failed",
        /// A tool's act may have landed.
        ToolInDoubt = "tool_in_doubt",
        /// The wait is over.
        Due = "due",
        /// No further attempt is allowed.
        RetriesRefused = "retries_refused",
        /// The approval is given.
        Approved = "approved",
        /// The approval is denied.
        Denied = "denied",
        /// Denied, and the model is told to plan again.
        DeniedReplan = "denied_replan",
        /// The approver changed the act.
        Edited = "edited",
        /// Policy or target changed while waiting.
        Reevaluate = "reevaluate",
        /// Nobody answered in time.
        RequestExpired = "request_expired",
        /// The requester took it back.
        Withdrawn = "withdrawn",
        /// The effect landed, the model goes on.
        EffectReceiptMoreTurns = "effect_receipt_more_turns",
        /// The effect landed and was the last thing to do.
        EffectReceiptLast = "effect_receipt_last",
        /// The sink refused the grant.
        GrantRefused = "grant_refused",
        /// The effect did not land; worth another try.
        EffectNotLandedRetryable = "effect_not_landed_retryable",
        /// The effect did not land and never will.
        EffectNotLandedPermanent = "effect_not_landed_permanent",
        /// The effect may have landed.
        EffectInDoubt = "effect_in_doubt",
        /// The result is stored.
        ResultStored = "result_stored",
        /// An incomplete result is stored.
        PartialResultStored = "partial_result_stored",
        /// The kind forbids this result.
        ResultRejected = "result_rejected",
        /// The result could not be captured.
        ResultLost = "result_lost",
        /// The service confirmed the cancel.
        ResponseCancelled = "response_cancelled",
        /// There was nothing to cancel.
        NothingLanded = "nothing_landed",
        /// The response ended before the cancel.
        ResponseCompletedFirst = "response_completed_first",
        /// The response failed before the cancel.
        ResponseFailed = "response_failed",
        /// The cancel limit fired.
        NoAcknowledgement = "no_acknowledgement",
        /// An operator queues the job again.
        OperatorRetry = "operator_retry",
        /// An operator gives the job up.
        OperatorAbandon = "operator_abandon",
        /// An operator supplies the result.
        OperatorResolve = "operator_resolve",
        /// An operator cancels.
        OperatorCancel = "operator_cancel",
    }
}

words! {
    /// A named limit of time.
    LimitName {
        /// Absolute, from acceptance, for everything.
        Deadline = "deadline",
        /// How long an interactive user is kept waiting.
        Wait = "wait",
        /// How long a job may queue.
        Queue = "queue",
        /// One attempt.
        Attempt = "attempt",
        /// All attempts together, without waiting for approval.
        Attempts = "attempts",
        /// One exchange until its reply, or its first event.
        Call = "call",
        /// One run of a tool, or one try of an effect.
        Tool = "tool",
        /// An approval request without decision.
        ApprovalRequest = "approval_request",
        /// A grant between approval and use.
        Grant = "grant",
        /// A cancel without acknowledgement.
        Cancel = "cancel",
        /// Doubt without resolution.
        Doubt = "doubt",
        /// Capturing a result that is known to exist.
        Capture = "capture",
    }
}

words! {
    /// Why there is no further attempt.
    StopReason {
        /// The failure is permanent.
        Permanent = "permanent",
        /// Attempts are used up.
        Attempts = "attempts",
        /// The retry budget of the lane is used up.
        Budget = "budget",
        /// It could not finish before the deadline.
        Deadline = "deadline",
        /// Somebody cancelled.
        Cancel = "cancel",
        /// An operator decides.
        Operator = "operator",
        /// Somebody has to act first.
        UserAction = "user_action",
    }
}

words! {
    /// Whether a request may have taken hold.
    Landed {
        /// It did not.
        No = "no",
        /// It did.
        Yes = "yes",
        /// Nobody knows.
        Unknown = "unknown",
        /// The work it started has ended.
        Ended = "ended",
        /// The question does not arise.
        NotApplicable = "n/a",
    }
}

words! {
    /// What a failure means for another try.
    Class {
        /// Another try may help.
        Retryable = "retryable",
        /// No try will help.
        Permanent = "permanent",
        /// Not safe to repeat blindly.
        Unknown = "unknown",
        /// A person has to act.
        UserAction = "user_action",
        /// No failure of the job.
        None = "none",
    }
}

words! {
    /// What the core does about an observation.
    ActionWord {
        /// Another attempt after back-off.
        BackOff = "back_off",
        /// Another attempt after the wait that was told.
        WaitAsTold = "wait_as_told",
        /// The doubt is held open.
        InDoubt = "in_doubt",
        /// The response is adopted: its id could be read.
        Adopt = "adopt",
        /// The job fails.
        Fail = "fail",
        /// The job times out at once.
        TimeOut = "time_out",
        /// An operator is asked.
        Intervene = "intervene",
        /// A new attempt.
        NewAttempt = "new_attempt",
        /// A partial result or another attempt, as the kind says.
        PartialOrRetry = "partial_or_retry",
        /// A partial result or failure, as the kind says.
        PartialOrFail = "partial_or_fail",
        /// Polling goes on with a growing interval.
        KeepPolling = "keep_polling",
        /// The stream is resumed from the cursor.
        Resume = "resume",
        /// The cursor moves on.
        Advance = "advance",
        /// The state is read.
        ReadState = "read_state",
        /// The cancel is repeated within its bound.
        RepeatCancel = "repeat_cancel",
        /// The tool's own retry rule.
        ToolRule = "tool_rule",
        /// The effect is tried again with the same grant and key.
        SameKey = "same_key",
        /// The sink is asked.
        AskSink = "ask_sink",
    }
}

words! {
    /// What an operator may do with a parked job.
    Verb {
        /// Queue it again.
        Retry = "retry",
        /// Give it up.
        Abandon = "abandon",
        /// Supply the result.
        Resolve = "resolve",
        /// Cancel it.
        Cancel = "cancel",
    }
}

words! {
    /// The label derived from execution and boundary.
    LaneName {
        /// Short answers and fast tools, without effects.
        Interactive = "interactive",
        /// Long jobs, without effects.
        Background = "background",
        /// Anything with the approval boundary, in either execution.
        Approval = "approval",
    }
}

words! {
    /// How a job is carried out.
    Execution {
        /// While the user waits.
        Interactive = "interactive",
        /// Without anybody waiting.
        Background = "background",
    }
}

words! {
    /// Whether a job stops before an effect.
    Boundary {
        /// It has no effect to stop before.
        None = "none",
        /// It stops and asks.
        Approval = "approval",
    }
}

/// Somebody who acts: a user, approver or operator.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Principal(pub Arc<str>);

/// One canonical code for a cause, the same on every surface, with the service's own words where it has some.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cause {
    /// The code, for example `rate_limited`, `reply_lost`, `limit:attempt`.
    pub code: Arc<str>,
    /// In plain words.
    pub detail: Arc<str>,
}
