//! What a scenario wants of one task.

use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::scenario::source::Spanned;
use crate::trace::{
    Audience, Boundary, Execution, LaneName, LimitName, Liveness, StateName, StopReason, Verb,
};
use crate::units::{JobId, SimDuration};

/// What is wanted of one task, each wish with the place of its value.
///
/// | key | value | held when |
/// |---|---|---|
/// | `lane` | `interactive`, `background`, `approval` | the router named this lane |
/// | `execution` | `interactive`, `background` | the router named this execution |
/// | `boundary` | `none`, `approval` | the router named this boundary |
/// | `rule` | a rule of the policy | this rule decided |
/// | `refused_because` | a text | the task was refused in exactly these words |
/// | `outcome` | a terminal state, `needs_intervention` or `refused` | the job stands there at the end; `refused`: it never became a job |
/// | `attempts` | a number or a range such as `2-3` | so many attempts were made |
/// | `charged` | the same | so many attempts were charged |
/// | `turns` | the same | so many turns were made in the last attempt |
/// | `states` | a list of states | the job went through exactly these, in this order |
/// | `passes_through` | a list of states | these appear in this order, with anything between them |
/// | `never` | a list of states | none of these appears |
/// | `not_before` | a duration | the job did not end (or park) earlier after its arrival |
/// | `within` | a duration | the job ended (or parked) no later after its arrival |
/// | `effects` | a list of effects, `[]` for none | exactly these landed in the ledgers of the sinks |
/// | `approvals` | a number, or counts by how they ended | so many approvals were asked for |
/// | `creates`, `polls`, `streams`, `cancels` | a number or a range | so many such requests of this job reached the wire |
/// | `webhooks` | a number or a range | so many webhooks about this job were sent |
/// | `orphans` | a number or a range | so many possible orphans were recorded |
/// | `shown` | a list of views | such a view was shown |
/// | `not_shown` | a list of views | no such view was ever shown |
/// | `cause` | a cause code | the last cause on record |
/// | `stopped_because` | `permanent`, `attempts`, `budget`, `deadline`, ... | why there was no further attempt |
/// | `limits_fired` | a list of limits, `[]` for none | exactly these named limits fired, in this order |
/// | `handed_over` | `true`, `false` | whether interactive work went on in the background |
/// | `cancel_too_late` | `true`, `false` | whether a cancel was recorded as too late |
/// | `result` | `whole`, `partial`, `none` | what the job left |
/// | `retrieved` | `true`, `false` | whether the user took the result |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskExpectation {
    /// The job.
    pub job: JobId,
    /// The task's id, where the expectation names it.
    pub task: Spanned<Arc<str>>,
    /// The wishes, in the order of the table.
    pub wants: Vec<Spanned<Want>>,
}

/// Inclusive bounds of a count.
pub type Count = RangeInclusive<u32>;

/// One wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Want {
    /// The lane.
    Lane(LaneName),
    /// The execution.
    Execution(Execution),
    /// The boundary.
    Boundary(Boundary),
    /// The rule that decided.
    Rule(Arc<str>),
    /// The words of the refusal.
    RefusedBecause(Arc<str>),
    /// Where the job stands at the end.
    Outcome(End),
    /// How many attempts were made.
    Attempts(Count),
    /// How many attempts were charged.
    Charged(Count),
    /// How many turns the last attempt had.
    Turns(Count),
    /// Exactly these states, in this order.
    States(Vec<Spanned<StateName>>),
    /// These states in this order, with anything between them.
    PassesThrough(Vec<Spanned<StateName>>),
    /// None of these states.
    Never(Vec<Spanned<StateName>>),
    /// The earliest end, counted from the arrival of the task.
    NotBefore(SimDuration),
    /// The latest end, counted from the arrival of the task.
    Within(SimDuration),
    /// Exactly these effects landed, in any order.
    Effects(Vec<Spanned<EffectWant>>),
    /// The approval requests.
    Approvals(ApprovalWant),
    /// How many requests of one sort reached the wire.
    Requests(RequestSort, Count),
    /// How many webhooks about this job were sent.
    Webhooks(Count),
    /// How many possible orphans were recorded.
    Orphans(Count),
    /// A view that was shown.
    Shown(ViewWant),
    /// A view that was never shown.
    NotShown(ViewWant),
    /// The code of the last cause on record.
    Cause(Arc<str>),
    /// Why there was no further attempt.
    StoppedBecause(StopReason),
    /// Exactly these limits fired, in this order.
    LimitsFired(Vec<Spanned<LimitName>>),
    /// Whether interactive work went on in the background.
    HandedOver(YesNo),
    /// Whether a cancel was recorded as too late.
    CancelTooLate(YesNo),
    /// What the job left.
    Result(ResultWant),
    /// Whether the user took the result.
    Retrieved(YesNo),
}

impl Want {
    /// The key under which scenarios write it.
    #[must_use]
    pub const fn key(&self) -> &'static str {
        match self {
            Self::Lane(_) => "lane",
            Self::Execution(_) => "execution",
            Self::Boundary(_) => "boundary",
            Self::Rule(_) => "rule",
            Self::RefusedBecause(_) => "refused_because",
            Self::Outcome(_) => "outcome",
            Self::Attempts(_) => "attempts",
            Self::Charged(_) => "charged",
            Self::Turns(_) => "turns",
            Self::States(_) => "states",
            Self::PassesThrough(_) => "passes_through",
            Self::Never(_) => "never",
            Self::NotBefore(_) => "not_before",
            Self::Within(_) => "within",
            Self::Effects(_) => "effects",
            Self::Approvals(_) => "approvals",
            Self::Requests(sort, _) => sort.key(),
            Self::Webhooks(_) => "webhooks",
            Self::Orphans(_) => "orphans",
            Self::Shown(_) => "shown",
            Self::NotShown(_) => "not_shown",
            Self::Cause(_) => "cause",
            Self::StoppedBecause(_) => "stopped_because",
            Self::LimitsFired(_) => "limits_fired",
            Self::HandedOver(_) => "handed_over",
            Self::CancelTooLate(_) => "cancel_too_late",
            Self::Result(_) => "result",
            Self::Retrieved(_) => "retrieved",
        }
    }
}

/// Whether something is wanted to have happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum YesNo {
    /// It has to have happened.
    Yes,
    /// It must not have happened.
    No,
}

impl From<bool> for YesNo {
    fn from(value: bool) -> Self {
        if value { Self::Yes } else { Self::No }
    }
}

/// Where a task stands when a run is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// In a terminal state, or parked.
    At(StateName),
    /// The router refused it: it never became a job.
    Refused,
}

impl End {
    /// The word for a refused task.
    pub const REFUSED: &'static str = "refused";

    /// The word used in scenarios and reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::At(state) => state.word(),
            Self::Refused => Self::REFUSED,
        }
    }
}

/// A sort of request whose number on the wire is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestSort {
    /// `POST /v1/responses`.
    Creates,
    /// `GET /v1/responses/{id}`.
    Polls,
    /// `GET /v1/responses/{id}?stream=true`.
    Streams,
    /// `POST /v1/responses/{id}/cancel`.
    Cancels,
}

impl RequestSort {
    /// Every sort.
    pub const ALL: [Self; 4] = [Self::Creates, Self::Polls, Self::Streams, Self::Cancels];

    /// The key used in scenarios.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Creates => "creates",
            Self::Polls => "polls",
            Self::Streams => "streams",
            Self::Cancels => "cancels",
        }
    }
}

/// An effect that is wanted in a ledger: `{ sink: mail, operation: send_email, arguments: { to: a@example.com } }`.
///
/// With `operation` and `arguments` the digest of the act that landed has to be theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectWant {
    /// The sink.
    pub sink: Arc<str>,
    /// The tool.
    pub operation: Option<Arc<str>>,
    /// JSON text.
    pub arguments: Option<Arc<str>>,
}

/// How many approvals are wanted; what is absent does not restrict.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ApprovalWant {
    /// Asked for in all.
    pub asked: Option<Count>,
    /// By how they ended, each with the place of its count.
    pub ended: Vec<(ApprovalEnd, Spanned<Count>)>,
}

/// How an approval request ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ApprovalEnd {
    /// Enough people said yes.
    Approved,
    /// Somebody said no.
    Denied,
    /// Nobody answered in time.
    Expired,
    /// Another request took its place.
    Superseded,
    /// The requester took it back.
    Withdrawn,
    /// The job was cancelled.
    Cancelled,
}

impl ApprovalEnd {
    /// Every way.
    pub const ALL: [Self; 6] = [
        Self::Approved,
        Self::Denied,
        Self::Expired,
        Self::Superseded,
        Self::Withdrawn,
        Self::Cancelled,
    ];

    /// The word used in scenarios and in the trace.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Superseded => "superseded",
            Self::Withdrawn => "withdrawn",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What a job is wanted to have left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResultWant {
    /// A whole result.
    Whole,
    /// An incomplete one.
    Partial,
    /// None.
    Nothing,
}

impl ResultWant {
    /// The word used in scenarios.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Partial => "partial",
            Self::Nothing => "none",
        }
    }
}

/// A view that is wanted, or unwanted; what is absent does not restrict. Times count from the arrival of the task.
///
/// | key | value | the view matches when |
/// |---|---|---|
/// | `to` | `user`, `operator` | it was made for them |
/// | `state` | a state | it showed this state |
/// | `liveness` | `fresh`, `quiet`, `stalled`, `status_unknown`, `lost`, `resting` | it gave this verdict |
/// | `words` | a text | its headline or what to do contains it, whatever the case of letters |
/// | `cause` | a cause code | it named this cause |
/// | `attempt` | a number | it spoke of this attempt |
/// | `verbs` | a list of verbs | it offered exactly these |
/// | `at` | a duration | it was what stood there at that instant |
/// | `by` | a duration | it was shown no later |
/// | `not_before` | a duration | it was shown no earlier |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewWant {
    /// To whom.
    pub to: Audience,
    /// The state shown.
    pub state: Option<StateName>,
    /// The verdict shown.
    pub liveness: Option<Liveness>,
    /// Words of the headline or of what to do.
    pub words: Option<Arc<str>>,
    /// The code of the cause shown.
    pub cause: Option<Arc<str>>,
    /// The attempt shown.
    pub attempt: Option<u16>,
    /// The verbs offered.
    pub verbs: Option<Vec<Verb>>,
    /// What stood there at this instant.
    pub at: Option<SimDuration>,
    /// Shown no later.
    pub by: Option<SimDuration>,
    /// Shown no earlier.
    pub not_before: Option<SimDuration>,
}
