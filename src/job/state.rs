//! Where a job stands, with the data that belongs to each state.

use std::sync::Arc;

use super::{Act, ApprovalRequest, Grant};
use crate::trace::{Principal, ResultDigest, StateName};
use crate::units::{Exchange, SimDuration, SimTime};
use crate::wire::{InputItem, Item, ResponseId};

/// The state of a job.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum State {
    Accepted,
    Queued,
    Dispatching,
    InDoubt { twin_at: SimTime, give_up: SimTime },
    Running(Running),
    UsingTools(Vec<ToolRun>),
    RetryWait { due: SimTime },
    AwaitingApproval(Box<Pending>),
    Applying(Box<Applying>),
    Finalizing(Capture),
    Cancelling(Cancelling),
    NeedsIntervention,
    Ended(StateName),
}

impl State {
    pub(super) const fn name(&self) -> StateName {
        match self {
            Self::Accepted => StateName::Accepted,
            Self::Queued => StateName::Queued,
            Self::Dispatching => StateName::Dispatching,
            Self::InDoubt { .. } => StateName::InDoubt,
            Self::Running(_) => StateName::Running,
            Self::UsingTools(_) => StateName::UsingTools,
            Self::RetryWait { .. } => StateName::RetryWait,
            Self::AwaitingApproval(_) => StateName::AwaitingApproval,
            Self::Applying(_) => StateName::Applying,
            Self::Finalizing(_) => StateName::Finalizing,
            Self::Cancelling(_) => StateName::Cancelling,
            Self::NeedsIntervention => StateName::NeedsIntervention,
            Self::Ended(outcome) => *outcome,
        }
    }
}

/// A response is being followed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Running {
    pub(super) response: ResponseId,
    /// When to look next, unless a look is under way.
    pub(super) poll_at: SimTime,
    /// The gap before that look.
    pub(super) gap: SimDuration,
    /// The look under way.
    pub(super) poll: Option<Exchange>,
    /// A webhook named the response while a look was under way: that look may have come too early.
    pub(super) named: Named,
    /// The open stream.
    pub(super) stream: Option<Exchange>,
    /// When to open the stream again.
    pub(super) resume_at: SimTime,
    /// How often the stream broke.
    pub(super) breaks: u16,
}

/// Whether a webhook named the response since the look under way was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    No,
    Yes,
}

/// A run of a tool.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ToolRun {
    pub(super) call: Arc<str>,
    pub(super) tool: Arc<str>,
    pub(super) arguments: Arc<str>,
    /// The run under way, from 1; 0 while it waits for its turn.
    pub(super) run: u16,
    pub(super) until: SimTime,
    pub(super) answer: Option<Result<Arc<str>, Arc<str>>>,
}

/// What is left to do in a turn that asks for effects.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Doing {
    /// An effect of ours.
    Effect(Act),
    /// An act of the service at an MCP server, released by the answer in the next turn.
    Mcp { request: Arc<str>, act: Act },
    /// A tool without consequence that stood beside the effects.
    Tool(ToolRun),
}

impl Doing {
    pub(super) const fn act(&self) -> Option<&Act> {
        match self {
            Self::Effect(act) | Self::Mcp { act, .. } => Some(act),
            Self::Tool(_) => None,
        }
    }

    pub(super) const fn act_mut(&mut self) -> Option<&mut Act> {
        match self {
            Self::Effect(act) | Self::Mcp { act, .. } => Some(act),
            Self::Tool(_) => None,
        }
    }
}

/// A human is asked.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pending {
    pub(super) request: Arc<ApprovalRequest>,
    pub(super) expires: SimTime,
    /// The humans who approved so far; somebody who acts for another counts as that other.
    pub(super) approvals: Vec<Principal>,
    /// What waits, in order.
    pub(super) todo: Vec<Doing>,
    /// Outputs of what is done already in this turn.
    pub(super) outputs: Vec<InputItem>,
    /// When the job began to wait; its execution limits stand still since then.
    pub(super) since: SimTime,
    /// Tries of the first act under an earlier grant; the numbers go on, so that no answer is taken for another's.
    pub(super) runs: u16,
}

/// Grants are consumed, acts are being applied one after another.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Applying {
    pub(super) approval: Arc<str>,
    /// What is left, the one under way first.
    pub(super) todo: Vec<Doing>,
    /// The grants of the acts that are left.
    pub(super) grants: Vec<Grant>,
    pub(super) outputs: Vec<InputItem>,
    /// The try under way, from 1; queries count on, and so does another grant for the same act.
    pub(super) run: u16,
    /// Tries that did not land, or whose receipts did not come.
    pub(super) misses: u16,
    /// What is awaited until when.
    pub(super) phase: ApplyPhase,
    /// The receipt, if it is the result of the job.
    pub(super) last_receipt: Option<Arc<str>>,
}

/// What an effect waits for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum ApplyPhase {
    /// Its receipt.
    Receipt { until: SimTime },
    /// The answer of the sink to a query.
    Query { until: SimTime },
    /// Its next try.
    Again { due: SimTime },
}

/// A result is being captured.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Capture {
    /// The store has it, the confirmation is on its way.
    Storing {
        digest: ResultDigest,
        partial: bool,
        give_up: SimTime,
    },
    /// A stream said that it is there; the object itself is read again, for it alone counts.
    Reading {
        response: ResponseId,
        poll: Option<Exchange>,
        at: SimTime,
        gap: SimDuration,
        give_up: SimTime,
    },
}

/// A cancel waits for its acknowledgement.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cancelling {
    pub(super) response: Option<ResponseId>,
    /// When to ask (again); never while an exchange is under way.
    pub(super) at: SimTime,
    /// The exchange under way about that response.
    pub(super) asked: Option<Exchange>,
    /// Whether the service has heard it: from then on the state is read.
    pub(super) heard: Heard,
    pub(super) give_up: SimTime,
    pub(super) gap: SimDuration,
}

/// Whether the service has answered a cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    No,
    Yes,
}

/// A request on its way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pledge {
    pub(super) exchange: Exchange,
    /// When it is given up.
    pub(super) until: SimTime,
}

/// What a turn asks for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FunctionCall {
    pub(super) call: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) arguments: Arc<str>,
}

/// The text of an output, message by message.
pub(super) fn text_of(output: &[Item]) -> Arc<str> {
    let mut texts = output.iter().filter_map(|item| match item {
        Item::Message { text, .. } => Some(text),
        _ => None,
    });
    match (texts.next(), texts.next()) {
        (None, _) => Arc::from(""),
        (Some(only), None) => only.clone(),
        (Some(first), Some(second)) => {
            let mut all = String::with_capacity(first.len() + second.len());
            all.push_str(first);
            all.push_str(second);
            texts.for_each(|text| all.push_str(text));
            all.into()
        }
    }
}
