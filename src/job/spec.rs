//! The facts of a task that never change after it is accepted.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::trace::{Boundary, Execution, LaneName, Principal};
use crate::units::{SimDuration, SimTime};
use crate::wire::InputItem;

/// A task as the router hands it to the core.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskSpec {
    /// Its name in the scenario.
    pub name: Arc<str>,
    /// Its kind's name.
    pub kind: Arc<str>,
    /// Who asks.
    pub requester: Principal,
    /// What is asked: the input of the first turn, which every job of the task shares.
    pub input: Arc<[InputItem]>,
    /// What the kind and the task say about how it is carried out.
    pub plan: Arc<Plan>,
}

impl TaskSpec {
    /// The input that asks with this text.
    #[must_use]
    pub fn asking(prompt: impl Into<Arc<str>>) -> Arc<[InputItem]> {
        let text = prompt.into();
        Arc::from([InputItem::Message { text }])
    }
}

/// Where the router sends a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// The lane.
    pub lane: LaneName,
    /// While the user waits, or not.
    pub execution: Execution,
    /// Whether effects need an approval. The core asks for one before every effect, whatever stands here.
    pub boundary: Boundary,
    /// Whether interactive work may go on in the background.
    pub hand_over: HandOver,
    /// The service tier asked for; none: that of the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Arc<str>>,
    /// When it is due: of those who wait in a lane, the first of them goes first; who is never due goes behind them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<SimTime>,
}

/// Whether interactive work may go on in the background.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HandOver {
    /// It may: it is created as a background stream from the start.
    Permitted,
    /// It may not: its wait budget is its deadline.
    Forbidden,
}

/// How a kind of task is carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The model.
    pub model: Arc<str>,
    /// The cap on output tokens.
    pub max_output_tokens: Option<u32>,
    /// The service tier asked for.
    pub tier: Arc<str>,
    /// How background responses are followed.
    pub follow: Follow,
    /// How often they are polled.
    pub polling: Polling,
    /// The limits.
    pub limits: Limits,
    /// The rules of retrying.
    pub retry: Retry,
    /// The tools by name.
    pub tools: BTreeMap<Arc<str>, Tool>,
    /// The MCP servers by label; every call of theirs is asked for and goes to the sink of this name.
    pub mcp: BTreeMap<Arc<str>, Arc<str>>,
    /// Tools that the service runs, by their type on the wire.
    pub hosted: Vec<Arc<str>>,
    /// What is done about ends that are no clean success.
    pub rules: Rules,
    /// How acts are approved.
    pub approval: ApprovalRule,
    /// When a lack of progress counts as unusual.
    pub patience: Liveliness,
}

/// How a background response is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Follow {
    /// By polling alone.
    Poll,
    /// By its event stream, resumed from the cursor; by polling where the stream is refused.
    Stream,
    /// By its webhook, with slow polling behind it.
    Webhook,
}

/// The law of polling: the gap grows from `first` by `growth` to `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Polling {
    /// The first gap.
    pub first: SimDuration,
    /// Growth of the gap in per cent of the one before; 150 is half as much again.
    pub growth_percent: u32,
    /// The longest gap.
    pub max: SimDuration,
    /// The gap behind a webhook, as a safety net.
    pub fallback: SimDuration,
}

/// The limits of time; all of them are finite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Absolute, from acceptance.
    pub deadline: SimDuration,
    /// How long an interactive user is kept waiting.
    pub wait: SimDuration,
    /// In the queue, from acceptance.
    pub queue: SimDuration,
    /// One attempt, without waiting for approval.
    pub attempt: SimDuration,
    /// All attempts together, without waiting for approval.
    pub attempts: SimDuration,
    /// One exchange until its reply or first event.
    pub call: SimDuration,
    /// One run of a tool or one try of an effect.
    pub tool: SimDuration,
    /// An approval request.
    pub approval_request: SimDuration,
    /// A grant.
    pub grant: SimDuration,
    /// A cancel.
    pub cancel: SimDuration,
    /// Doubt whether a create landed.
    pub doubt: SimDuration,
    /// Capturing a result.
    pub capture: SimDuration,
}

/// The rules of retrying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Attempts that may be charged, the first included.
    pub attempts: u16,
    /// The base of the back-off.
    pub base: SimDuration,
    /// The cap of the back-off.
    pub cap: SimDuration,
    /// Second creates that may be sent while a first one may live.
    pub twins: u16,
    /// Further tries of an effect that did not land.
    pub effect_tries: u16,
}

/// A tool that the client runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// What running it does.
    pub act: ToolAct,
    /// Further runs after a failure or a time-out.
    pub retries: u16,
}

/// What running a tool does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolAct {
    /// Nothing outside: it can be run again.
    Free,
    /// Something without consequence that still must not be done twice.
    Once,
    /// An effect: it needs an approval and goes to a sink.
    Effect {
        /// The sink.
        sink: Arc<str>,
        /// What the sink can promise.
        class: SinkClass,
        /// What follows the receipt.
        then: Then,
    },
}

/// What a sink can promise about an effect whose receipt is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SinkClass {
    /// The same key twice is one effect.
    IdempotentByKey,
    /// It can be asked whether a key has landed.
    Queryable,
    /// Neither.
    Neither,
}

/// What follows the receipt of an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// The model is told and goes on.
    MoreTurns,
    /// The receipt is the result.
    Last,
}

/// What is done about ends that are no clean success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Output cut by `max_output_tokens` or another reason.
    pub incomplete: OnIncomplete,
    /// Output cut by `content_filter`.
    pub filtered: OnFiltered,
    /// A tool that failed for good.
    pub tool_failure: OnToolFailure,
    /// A denied approval.
    pub denial: OnDenial,
    /// An answer without content.
    pub empty: OnEmpty,
}

/// Output cut short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnIncomplete {
    /// A partial result.
    Partial,
    /// Another attempt; a partial result when none is left.
    Retry,
}

/// Output cut by the filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFiltered {
    /// A partial result.
    Partial,
    /// Failure.
    Fail,
}

/// A tool that failed for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnToolFailure {
    /// The model is told.
    Tell,
    /// The job fails.
    Fail,
}

/// A denied approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDenial {
    /// The job ends as denied.
    End,
    /// The model is told and plans again.
    Replan,
}

/// An answer without content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnEmpty {
    /// The job fails.
    Fail,
    /// It is a result.
    Allow,
}

/// How acts are approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalRule {
    /// Distinct people who have to approve.
    pub quorum: u16,
    /// The role they need.
    pub role: Arc<str>,
    /// Whether the requester may be one of them.
    pub own: OwnApproval,
}

/// Whether a requester may approve the own task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnApproval {
    /// Never.
    Refused,
    /// Counts like any other.
    Counts,
}

/// When a lack of progress counts as unusual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Liveliness {
    /// Longer without progress: quiet, and usual.
    pub quiet: SimDuration,
    /// Longer without progress: stalled.
    pub stalled: SimDuration,
}

/// What a lane allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneSpec {
    /// Jobs that may hold a place at once.
    pub capacity: u32,
    /// Jobs that may wait for one; more stay accepted until there is room.
    pub waiting: u32,
    /// Retries that may be paid from the start.
    pub budget: u32,
    /// Admitted jobs that pay for one more retry; 0: none are added.
    pub jobs_per_retry: u32,
}

/// A capacity that all lanes share, beside that of each of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharedCapacity {
    /// Jobs that may hold a place at once, in whatever lane.
    pub capacity: u32,
    /// Who gets a place that becomes free: the first lane of these in which somebody waits.
    pub order: [LaneName; 3],
}

/// Who may decide about approvals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterEntry {
    /// Who.
    pub name: Principal,
    /// The roles.
    pub roles: Vec<Arc<str>>,
    /// For whom this person acts, if not for themselves alone.
    pub acts_for: Option<Principal>,
}
