//! What holds where a file says nothing: every default of the formats stands here, with its reason.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::backend::{Contract, Profile, ResumeWindow, Script, Step, StepWork, Streaming};
use crate::job::{
    ApprovalRule, Follow, LaneSpec, Limits, Liveliness, OnDenial, OnEmpty, OnFiltered, OnIncomplete,
    OnToolFailure, OwnApproval, Plan, Polling, Retry, Rules,
};
use crate::rng::{Law, Seed};
use crate::scenario::file::Ends;
use crate::units::{SimDuration, SimTime};

const fn secs(secs: u64) -> SimDuration {
    SimDuration::from_secs(secs)
}

const fn minutes(minutes: u64) -> SimDuration {
    secs(minutes * 60)
}

/// A kind of which nothing is said but its name.
pub(in crate::scenario) fn plan() -> Plan {
    Plan {
        model: Arc::from("gpt-5.2"),
        // The service's own cap.
        max_output_tokens: None,
        tier: Arc::from("default"),
        // The one way that every deployment has: no open connection, no public address.
        follow: Follow::Poll,
        polling: POLLING,
        limits: LIMITS,
        retry: RETRY,
        tools: BTreeMap::new(),
        mcp: BTreeMap::new(),
        hosted: Vec::new(),
        rules: RULES,
        approval: ApprovalRule {
            quorum: 1,
            role: Arc::from("approver"),
            // Separation of duties unless a kind gives it up.
            own: OwnApproval::Refused,
        },
        patience: PATIENCE,
    }
}

/// Quick at first for jobs that are soon done, then at most four times a minute.
const POLLING: Polling = Polling {
    first: secs(1),
    growth_percent: 150,
    max: secs(15),
    fallback: secs(60),
};

/// Finite everywhere; the deadline leaves room for an approver who looks once in half a day.
const LIMITS: Limits = Limits {
    deadline: minutes(24 * 60),
    wait: secs(30),
    queue: minutes(10),
    attempt: minutes(30),
    attempts: minutes(60),
    call: secs(30),
    tool: secs(60),
    approval_request: minutes(8 * 60),
    grant: minutes(15),
    cancel: secs(60),
    doubt: minutes(2),
    capture: secs(60),
};

/// Three tries with back-off up to a minute, one twin for a create whose reply was lost.
const RETRY: Retry = Retry {
    attempts: 3,
    base: secs(1),
    cap: minutes(1),
    twins: 1,
    effect_tries: 3,
};

/// Keep what there is, tell the model about failed tools, take a denial for an answer.
const RULES: Rules = Rules {
    incomplete: OnIncomplete::Partial,
    filtered: OnFiltered::Fail,
    tool_failure: OnToolFailure::Tell,
    denial: OnDenial::End,
    empty: OnEmpty::Fail,
};

/// Reasoning is silent for a while; five minutes without anything is not.
const PATIENCE: Liveliness = Liveliness {
    quiet: secs(30),
    stalled: minutes(5),
};

/// One short answer.
pub(in crate::scenario) fn script() -> Script {
    let tokens = 200;
    let answer = Step {
        work: StepWork::Message { tokens },
        takes: message_takes(tokens),
    };
    Script {
        queued: QUEUED,
        steps: Arc::from([answer]),
    }
}

/// How long a background response is queued.
pub(in crate::scenario) const QUEUED: Law = Law::Constant(secs(1));

/// How long a function call or an MCP request takes to write.
pub(in crate::scenario) const CALL_TAKES: Law = Law::Constant(SimDuration::from_millis(500));

/// Fifty tokens a second, and never less than a tenth of a second.
pub(in crate::scenario) fn message_takes(tokens: u32) -> Law {
    let writing = SimDuration::from_millis(20).saturating_mul(u64::from(tokens));
    Law::Constant(writing.max(SimDuration::from_millis(100)))
}

/// How long a tool runs, or a sink takes for one try.
pub(in crate::scenario) const TOOL_TAKES: Law = Law::Constant(SimDuration::from_millis(500));

/// What a tool answers.
pub(in crate::scenario) const TOOL_OUTPUT: &str = "ok";

/// Further runs of a tool without effect.
pub(in crate::scenario) const TOOL_RETRIES: u16 = 1;

/// Wide enough that a scenario about something else never meets it; twenty jobs pay for two further retries.
pub(in crate::scenario) const LANE: LaneSpec = LaneSpec {
    capacity: 100,
    waiting: 10_000,
    budget: 100,
    jobs_per_retry: 10,
};

/// The service as its documentation describes it: no rate limit, ten minutes of retention, five to resume.
pub(in crate::scenario) fn profile() -> Profile {
    Profile {
        latency: Law::Constant(SimDuration::from_millis(50)),
        limiter: None,
        retention: minutes(10),
        resume_window: ResumeWindow::OfResponse(minutes(5)),
        streaming: Streaming::default(),
        webhook: None,
        webhook_retries: Arc::from([secs(5), secs(30), minutes(2), minutes(10)]),
        tokens_per_delta: 16,
        tier: Arc::from("default"),
        tiers: Arc::from([]),
        epoch: EPOCH,
        contract: Contract::default(),
        script: script(),
        choices: Arc::from([]),
    }
}

/// How long after the end of a response its webhook leaves, where a task follows by webhook.
pub(in crate::scenario) const WEBHOOK: Law = Law::Constant(SimDuration::from_millis(200));

/// 2026-01-01T00:00:00Z: any fixed instant will do.
const EPOCH: u64 = 1_767_225_600;

/// A month, and more steps than any scenario of ours needs.
pub(in crate::scenario) const ENDS: Ends = Ends {
    at: SimTime::from_ticks(30 * 24 * 3_600 * 1_000_000),
    steps: 10_000_000,
};

/// The seed where neither file nor command line give one.
pub(in crate::scenario) const SEED: Seed = Seed(1);

/// Who asks where a task does not say.
pub(in crate::scenario) const REQUESTER: &str = "user";

/// How long one draw of a probability holds.
pub(in crate::scenario) const FAULT_WINDOW: SimDuration = minutes(1);

/// How long an approver takes: somebody who is there.
pub(in crate::scenario) const APPROVER_TAKES: Law = Law::Constant(minutes(1));

/// How long an operator takes: somebody who is called.
pub(in crate::scenario) const OPERATOR_TAKES: Law = Law::Constant(minutes(5));
