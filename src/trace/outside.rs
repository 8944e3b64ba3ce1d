//! What users, approvers, operators and sinks write.

use std::sync::Arc;

use serde::Serialize;

use super::{Principal, ResultDigest, Verb};

/// Written by the outside world.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OutsideEvent {
    /// Channel `user`.
    User(UserEvent),
    /// Channel `people`.
    People(PeopleEvent),
    /// Channel `sinks`.
    Sinks(SinkEvent),
}

impl From<UserEvent> for OutsideEvent {
    fn from(event: UserEvent) -> Self {
        Self::User(event)
    }
}

impl From<PeopleEvent> for OutsideEvent {
    fn from(event: PeopleEvent) -> Self {
        Self::People(event)
    }
}

impl From<SinkEvent> for OutsideEvent {
    fn from(event: SinkEvent) -> Self {
        Self::Sinks(event)
    }
}

/// Channel `user`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UserEvent {
    /// Asked for a task.
    Submitted {
        /// The task's name.
        task: Arc<str>,
        /// Its kind.
        kind: Arc<str>,
    },
    /// Closed the session.
    Left,
    /// Would not wait; the request to cancel follows.
    GaveUp {
        /// `full`: nobody could even wait in the lane; `busy`: the work did not begin at once; `waited`: it did not
        /// begin in time.
        why: &'static str,
    },
    /// Asked to cancel.
    AskedToCancel,
    /// Took the result.
    Retrieved {
        /// The digest of what was taken.
        digest: ResultDigest,
    },
}

/// Channel `people`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PeopleEvent {
    /// An approver sees a request.
    SawRequest {
        /// The request.
        approval: Arc<str>,
        /// Who.
        by: Principal,
        /// The digests of the acts as shown, computed from what was shown.
        digests: Vec<Arc<str>>,
    },
    /// An approver decided.
    Decided {
        /// The request.
        approval: Arc<str>,
        /// Who.
        by: Principal,
        /// `approve`, `deny` or `edit`.
        verdict: &'static str,
        /// Why.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<Arc<str>>,
        /// The digests this decision speaks of.
        digests: Vec<Arc<str>>,
        /// Whether the roster lets this person decide.
        eligible: bool,
    },
    /// What an approver decided was the opposite of what an attentive one would have said.
    Misjudged {
        /// The request.
        approval: Arc<str>,
        /// Who.
        by: Principal,
        /// What was said: `approve` or `deny`.
        verdict: &'static str,
        /// The digests of the acts.
        digests: Vec<Arc<str>>,
    },
    /// An operator was told that a job is parked.
    Notified,
    /// An operator acted.
    Acted {
        /// Who.
        by: Principal,
        /// What.
        verb: Verb,
        /// Why.
        reason: Arc<str>,
    },
    /// The requester took the request back.
    Withdrew {
        /// The request.
        approval: Arc<str>,
        /// Who.
        by: Principal,
    },
    /// The policy was tightened, or the target of an act changed.
    Changed {
        /// In plain words.
        what: Arc<str>,
    },
}

/// Channel `sinks`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SinkEvent {
    /// An effect landed: a row of the ledger.
    Applied {
        /// The sink.
        sink: Arc<str>,
        /// The idempotency key.
        key: Arc<str>,
        /// The digest of what was executed, computed by the sink from what it executed.
        digest: Arc<str>,
        /// The grant that was shown.
        grant: Arc<str>,
    },
    /// The same key came again; nothing was done.
    Repeated {
        /// The sink.
        sink: Arc<str>,
        /// The idempotency key.
        key: Arc<str>,
    },
    /// The sink refused.
    Refused {
        /// The sink.
        sink: Arc<str>,
        /// The idempotency key.
        key: Arc<str>,
        /// Why: `no_grant`, `digest`, `expired`, `spent`, `precondition`, `unavailable` or `invalid`.
        why: &'static str,
    },
    /// The effect landed and its receipt was lost.
    ReceiptLost {
        /// The sink.
        sink: Arc<str>,
        /// The idempotency key.
        key: Arc<str>,
    },
    /// The sink was asked whether a key has landed.
    Queried {
        /// The sink.
        sink: Arc<str>,
        /// The idempotency key.
        key: Arc<str>,
        /// The answer.
        found: bool,
    },
    /// A tool began to run.
    ToolStarted {
        /// The tool.
        tool: Arc<str>,
        /// The call.
        call: Arc<str>,
        /// The try, from 1.
        run: u16,
    },
    /// A tool ended.
    ToolEnded {
        /// The tool.
        tool: Arc<str>,
        /// The call.
        call: Arc<str>,
        /// The try, from 1.
        run: u16,
        /// Whether it gave an output.
        ok: bool,
    },
    /// A fault of the scenario struck a tool or a sink.
    FaultFired {
        /// Its place in the scenario's list, from 0.
        rule: u32,
    },
}
