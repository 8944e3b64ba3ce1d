//! What the job core is told and what it answers.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::backend::Genuine;
use crate::trace::{Audience, Principal, ResultDigest, StateName, Verb, View};
use crate::units::{Exchange, JobId, SimTime};
use crate::wire::{Ask, Break, Reply, ResponseId, StreamEvent};

/// The id of an approval request: `0.a1` is the first of job 0.
pub type ApprovalId = Arc<str>;

/// One thing the core is told. The job is [`JobId::NONE`] for what no job is known for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// The job.
    pub job: JobId,
    /// What happened.
    pub told: Told,
}

/// What happened. The order of the variants is part of the canonical order of a tick: a cancel wins over an
/// approval of the same tick, a decision over an expiry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// The user submits the task of this number.
    Submitted,
    /// Somebody asks to cancel.
    CancelAsked {
        /// Who.
        by: Principal,
    },
    /// The user closed the session.
    SessionEnded,
    /// A reply was read.
    Reply {
        /// The exchange.
        exchange: Exchange,
        /// The reply.
        reply: Reply,
    },
    /// An exchange broke.
    Broke {
        /// The exchange.
        exchange: Exchange,
        /// How.
        how: Break,
    },
    /// An event of a stream was read.
    Event {
        /// The exchange.
        exchange: Exchange,
        /// The event.
        event: Arc<StreamEvent>,
    },
    /// A stream ended.
    StreamEnded {
        /// The exchange.
        exchange: Exchange,
    },
    /// A webhook came.
    Webhook {
        /// The delivery's id.
        delivery: Arc<str>,
        /// The how-manieth time it came to us in this run is not known here; the sending names the answer.
        send: u16,
        /// The response it names.
        response: ResponseId,
        /// `response.completed` and its like.
        kind: Arc<str>,
        /// Whether it is what it says.
        genuine: Genuine,
    },
    /// A tool answered.
    ToolAnswered {
        /// The call.
        call: Arc<str>,
        /// The run, from 1.
        run: u16,
        /// Its output, or its error text.
        answer: Result<Arc<str>, Arc<str>>,
    },
    /// The requester takes an approval request back.
    Withdrawn {
        /// The request.
        approval: ApprovalId,
        /// Who.
        by: Principal,
    },
    /// The policy was tightened or the target of a pending act changed.
    Reevaluate {
        /// In plain words.
        why: Arc<str>,
        /// The approvers needed from now on, if that changed.
        quorum: Option<u16>,
    },
    /// Somebody decided.
    Decided(Box<Decision>),
    /// A sink answered.
    SinkAnswered {
        /// The idempotency key.
        key: Arc<str>,
        /// The try, from 1.
        run: u16,
        /// What.
        answer: SinkAnswer,
    },
    /// The store kept the result.
    Stored {
        /// Its digest.
        digest: ResultDigest,
    },
    /// An operator acts on a parked job.
    Operator {
        /// Who.
        by: Principal,
        /// What.
        verb: Verb,
        /// Why.
        reason: Arc<str>,
        /// By how much the deadline is moved, if explicitly.
        extend: Option<crate::units::SimDuration>,
        /// The result, for [`Verb::Resolve`].
        result: Option<Arc<str>>,
    },
}

impl Told {
    /// The exchange it is about, if it is about one.
    #[must_use]
    pub const fn exchange(&self) -> Option<Exchange> {
        match self {
            Self::Reply { exchange, .. }
            | Self::Broke { exchange, .. }
            | Self::Event { exchange, .. }
            | Self::StreamEnded { exchange } => Some(*exchange),
            _ => None,
        }
    }
}

/// A decision about an approval request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The request.
    pub approval: ApprovalId,
    /// Who.
    pub by: Principal,
    /// What.
    pub verdict: ApprovalVerdict,
    /// The digests of the acts that were shown.
    pub digests: Vec<Arc<str>>,
    /// Why.
    pub reason: Option<Arc<str>>,
}

/// What an approver says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalVerdict {
    /// Yes.
    Approve,
    /// No.
    Deny,
    /// Not this, but that: new arguments for the act of this place.
    Edit {
        /// The act, from 0.
        act: u16,
        /// JSON text.
        arguments: Arc<str>,
    },
}

/// What a sink says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SinkAnswer {
    /// The effect landed, now or before under this key.
    Landed {
        /// The receipt.
        receipt: Arc<str>,
    },
    /// The gate refused the grant: it is asked for again.
    GrantRefused {
        /// `expired`, `spent`, `digest`, `precondition` or `no_grant`.
        why: Arc<str>,
    },
    /// Nothing landed; it may later.
    NotLanded {
        /// Why.
        why: Arc<str>,
    },
    /// Nothing landed and nothing will.
    Impossible {
        /// Why.
        why: Arc<str>,
    },
    /// The answer to a query.
    Found {
        /// The receipt, if the key has landed.
        receipt: Option<Arc<str>>,
    },
}

/// An act: what is to be done where, in canonical form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// The call it comes from.
    pub call: Arc<str>,
    /// The sink.
    pub sink: Arc<str>,
    /// The tool.
    pub operation: Arc<str>,
    /// JSON text as the model wrote it (or an approver edited it); the digest is over its canonical form.
    pub arguments: Arc<str>,
    /// The digest of the canonical act, in hexadecimal.
    pub digest: Arc<str>,
}

/// The question put to a human.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRequest {
    /// Its id.
    pub id: ApprovalId,
    /// The job.
    pub job: JobId,
    /// The acts; they are approved together or not at all.
    pub acts: Vec<Act>,
    /// The role that may decide.
    pub role: Arc<str>,
    /// Distinct approvers needed.
    pub quorum: u16,
    /// The request it replaces.
    pub supersedes: Option<ApprovalId>,
}

/// The single-use permission that goes with an act to its sink.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Its id.
    pub id: Arc<str>,
    /// The approval it comes from.
    pub approval: ApprovalId,
    /// The digest it is bound to.
    pub digest: Arc<str>,
    /// When it ends.
    pub expires: crate::units::SimTime,
}

/// What the core wants done. It takes effect in the next tick.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Send a request.
    Send {
        /// Its key.
        exchange: Exchange,
        /// What it asks.
        ask: Ask,
    },
    /// Give an exchange up: close its connection.
    Abort {
        /// Its key.
        exchange: Exchange,
    },
    /// Answer a webhook.
    AnswerWebhook {
        /// The delivery.
        delivery: Arc<str>,
        /// The sending.
        send: u16,
        /// The HTTP status.
        http: u16,
    },
    /// Keep a result; answered by [`Told::Stored`].
    Store {
        /// The job.
        job: JobId,
        /// Its digest.
        digest: ResultDigest,
        /// The content.
        content: Arc<str>,
    },
    /// Tell the outside world something.
    Outside {
        /// The job.
        job: JobId,
        /// What.
        message: ToOutside,
    },
}

/// What the core tells people, tools and sinks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToOutside {
    /// Run a tool.
    RunTool {
        /// The call.
        call: Arc<str>,
        /// The run, from 1.
        run: u16,
        /// The tool.
        tool: Arc<str>,
        /// JSON text.
        arguments: Arc<str>,
    },
    /// Stop waiting for a tool.
    DropTool {
        /// The call.
        call: Arc<str>,
        /// The run.
        run: u16,
    },
    /// Ask for an approval.
    AskApproval(Arc<ApprovalRequest>),
    /// An approval request is over.
    CloseApproval {
        /// The request.
        approval: ApprovalId,
    },
    /// Apply an effect.
    Apply {
        /// The act.
        act: Box<Act>,
        /// The idempotency key.
        key: Arc<str>,
        /// The try, from 1.
        run: u16,
        /// The grant.
        grant: Box<Grant>,
    },
    /// Ask a sink whether a key has landed.
    QuerySink {
        /// The sink.
        sink: Arc<str>,
        /// The key.
        key: Arc<str>,
        /// The try, from 1.
        run: u16,
    },
    /// Show a view.
    Show {
        /// To whom.
        to: Viewers,
        /// What.
        view: Glance,
    },
}

/// Of a view, what people act on; the whole of it stands in the records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Glance {
    /// The state.
    pub state: StateName,
    /// When it began.
    pub since: SimTime,
    /// Output items seen so far.
    pub progress: u32,
    /// The digest of the result, once there is one.
    pub result: Option<ResultDigest>,
    /// The whole view, for operators, of a job that waits for one of them.
    pub parked: Option<Arc<View>>,
}

impl Glance {
    /// Of a view that is there.
    #[must_use]
    pub fn of(view: &Arc<View>) -> Self {
        Self {
            state: view.state,
            since: view.since,
            progress: view.progress,
            result: view.result.clone(),
            parked: (view.state == StateName::NeedsIntervention).then(|| Arc::clone(view)),
        }
    }
}

/// Who is shown a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Viewers {
    /// Who asked for the task.
    User,
    /// Who runs the product.
    Operator,
    /// Both, where they are shown the same.
    Both,
}

impl Viewers {
    /// Whether this audience is among them.
    #[must_use]
    pub const fn include(self, audience: Audience) -> bool {
        matches!(
            (self, audience),
            (Self::Both, _) | (Self::User, Audience::User) | (Self::Operator, Audience::Operator)
        )
    }
}
