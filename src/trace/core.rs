//! What router, job core and runtime write.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::{
    ActionWord, Boundary, Cause, Class, Execution, Landed, LaneName, LimitName, On, Principal, ResultDigest,
    StateName, StopReason, View,
};
use crate::units::{Exchange, SimDuration, SimTime};
use crate::wire::{ResponseId, Status};

/// Written by the core.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CoreEvent {
    /// Channel `router`.
    Router(RouterEvent),
    /// Channel `job`.
    Job(JobEvent),
    /// Channel `runtime`.
    Runtime(RuntimeEvent),
}

impl From<RouterEvent> for CoreEvent {
    fn from(event: RouterEvent) -> Self {
        Self::Router(event)
    }
}

impl From<JobEvent> for CoreEvent {
    fn from(event: JobEvent) -> Self {
        Self::Job(event)
    }
}

impl From<RuntimeEvent> for CoreEvent {
    fn from(event: RuntimeEvent) -> Self {
        Self::Runtime(event)
    }
}

/// Channel `router`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RouterEvent {
    /// A task got its lane.
    Decided(Arc<Decided>),
    /// A task was refused; it never becomes a job.
    Refused {
        /// Why.
        reason: Arc<str>,
    },
}

/// What the router decided, with everything needed to judge it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Decided {
    /// The label.
    pub lane: LaneName,
    /// Interactive or background.
    pub execution: Execution,
    /// None or approval.
    pub boundary: Boundary,
    /// The rule that decided.
    pub rule: Arc<str>,
    /// The policy's hash.
    pub policy: Arc<str>,
    /// The three gates: outlives the session, several steps or slow, product can show it; none is unknown.
    pub gates: [Option<bool>; 3],
    /// Whether background would be allowed too.
    pub background_permitted: bool,
    /// What the analysis has to say, by its words.
    pub findings: Vec<Arc<str>>,
    /// The attributes with their values and sources, by name.
    pub attributes: BTreeMap<Arc<str>, Arc<str>>,
    /// By when it should begin, where that says who goes first in its lane.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<SimTime>,
}

/// Channel `job`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum JobEvent {
    /// The job moved. The first record of a job has no `from`.
    Moved {
        /// Where it stood.
        from: Option<StateName>,
        /// Why it moved.
        on: On,
        /// Where it stands now.
        to: StateName,
        /// The attempt it is in; 0 before the first.
        attempt: u16,
        /// Attempts charged so far.
        charged: u16,
        /// The turn it is in; 0 before the first.
        turn: u16,
        /// What caused it, if it was trouble.
        #[serde(skip_serializing_if = "Option::is_none")]
        cause: Option<Cause>,
        /// Who caused it, if a person did.
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<Principal>,
    },
    /// The promise that was made at acceptance.
    Promised {
        /// The lane.
        lane: LaneName,
        /// The absolute deadline.
        deadline: SimTime,
        /// The most attempts that may be charged.
        attempts_max: u16,
    },
    /// An observation was classified by the retry table.
    Classified {
        /// The exchange, if it was one.
        exchange: Option<Exchange>,
        /// The row of the table.
        row: &'static str,
        /// Whether something took hold.
        landed: Landed,
        /// What it means.
        class: Class,
        /// What is done.
        action: ActionWord,
        /// Whether the attempt is charged.
        charged: bool,
    },
    /// A limit fired.
    LimitFired {
        /// Which.
        limit: LimitName,
        /// Its length.
        value: SimDuration,
        /// When it was due.
        due: SimTime,
        /// What was going on.
        during: StateName,
    },
    /// The next attempt has its time.
    RetryPlanned {
        /// The attempt to come.
        attempt: u16,
        /// When.
        due: SimTime,
        /// How long the core waits.
        delay: SimDuration,
        /// The most the back-off law allowed; with `told` the most jitter on top.
        ceiling: SimDuration,
        /// The wait the service told.
        #[serde(skip_serializing_if = "Option::is_none")]
        told: Option<SimDuration>,
    },
    /// There is no further attempt.
    RetryStopped {
        /// Why.
        reason: StopReason,
    },
    /// A second create was sent while a first may live.
    TwinSent {
        /// The attempt that may live.
        attempt: u16,
    },
    /// A response may live that nobody waits for.
    OrphanSuspected {
        /// The attempt it belongs to.
        attempt: u16,
        /// Its turn.
        turn: u16,
    },
    /// A response turned out to be this job's.
    Adopted {
        /// Which.
        response: ResponseId,
    },
    /// Something arrived that can change nothing any more.
    LateEvidence {
        /// What, in plain words.
        what: &'static str,
        /// The response it was about.
        #[serde(skip_serializing_if = "Option::is_none")]
        response: Option<ResponseId>,
    },
    /// Interactive work goes on in the background.
    HandedOver {
        /// The cursor that is kept.
        cursor: Option<u64>,
        /// The deadline that is kept.
        deadline: SimTime,
    },
    /// Somebody asked to cancel; recorded before anything is done about it.
    CancelRecorded {
        /// Who.
        by: Principal,
    },
    /// A cancel changed nothing.
    CancelTooLate {
        /// Where the job stood.
        during: StateName,
    },
    /// A human is asked.
    ApprovalRequested {
        /// The request.
        approval: Arc<str>,
        /// The digests of the acts, in order.
        digests: Vec<Arc<str>>,
        /// When it expires.
        expires: SimTime,
        /// The request it replaces.
        #[serde(skip_serializing_if = "Option::is_none")]
        supersedes: Option<Arc<str>>,
        /// Distinct approvers needed.
        quorum: u16,
    },
    /// A decision was not taken.
    DecisionRefused {
        /// The request it named.
        approval: Arc<str>,
        /// Who decided.
        by: Principal,
        /// Why it does not count.
        why: &'static str,
    },
    /// An approval request is over.
    ApprovalClosed {
        /// The request.
        approval: Arc<str>,
        /// `approved`, `denied`, `expired`, `superseded`, `withdrawn` or `cancelled`.
        how: &'static str,
    },
    /// A single-use permission was issued and consumed in the same step.
    GrantConsumed {
        /// The grant.
        grant: Arc<str>,
        /// The approval it comes from.
        approval: Arc<str>,
        /// The digest it is bound to.
        digest: Arc<str>,
        /// When it ends.
        expires: SimTime,
    },
    /// The result is stored.
    ResultStored {
        /// The digest of the content.
        digest: ResultDigest,
        /// Bytes.
        len: u32,
        /// Whether it is whole.
        partial: bool,
        /// The response it comes from, if a response made it.
        #[serde(skip_serializing_if = "Option::is_none")]
        response: Option<ResponseId>,
    },
    /// What the response cost.
    Used {
        /// Tokens in.
        input: u32,
        /// Tokens out.
        output: u32,
        /// The tier asked for.
        tier_asked: Arc<str>,
        /// The tier served.
        tier_served: Arc<str>,
    },
}

/// For whom a view is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// Who asked for the task.
    User,
    /// Who runs the product.
    Operator,
}

/// Channel `runtime`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RuntimeEvent {
    /// A request leaves.
    Sent {
        /// Its key.
        exchange: Exchange,
        /// The response it is about.
        #[serde(skip_serializing_if = "Option::is_none")]
        response: Option<ResponseId>,
        /// The limit it runs under.
        limit: SimDuration,
    },
    /// A reply was read.
    Got {
        /// Its key.
        exchange: Exchange,
        /// The HTTP status.
        http: u16,
        /// The wire status, if the reply had one.
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<Status>,
    },
    /// An exchange broke.
    Broke {
        /// Its key.
        exchange: Exchange,
        /// How.
        how: crate::wire::Break,
    },
    /// The core gave an exchange up.
    Aborted {
        /// Its key.
        exchange: Exchange,
    },
    /// An event of a stream was read.
    StreamGot {
        /// The exchange it came on.
        exchange: Exchange,
        /// Its number.
        seq: u64,
    },
    /// A stream ended.
    StreamEnded {
        /// The exchange.
        exchange: Exchange,
        /// The last number read.
        cursor: Option<u64>,
    },
    /// A webhook was taken and answered.
    WebhookTaken {
        /// The delivery's id.
        delivery: Arc<str>,
        /// The response it names.
        response: ResponseId,
        /// What is done: `read_state`, `parked`, `duplicate`, `late`, `stale` or `forged`.
        what: &'static str,
    },
    /// The user was told the job's id.
    Acknowledged,
    /// A view was shown.
    Shown {
        /// To whom.
        audience: Audience,
        /// What.
        view: Arc<View>,
    },
    /// How full a lane is.
    LaneLoad {
        /// The lane.
        lane: LaneName,
        /// Jobs that hold a place.
        active: u32,
        /// Jobs that wait for one.
        waiting: u32,
    },
}
