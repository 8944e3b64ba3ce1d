//! What a response does, as a scenario or profile states it.

use std::sync::Arc;

use super::{Choice, Contract, Streaming, Tool, ToolStep, Words};
use crate::rng::{Law, Seed};
use crate::units::{JobId, SimDuration};
use crate::wire::Shown;

/// The work of all turns of a job: steps in order. A turn ends behind a run of calls (function calls and MCP
/// approval requests that follow each other), so the next turn goes on behind it. A turn with nothing left to do
/// answers with a short closing message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// How long a response stays `queued`; foreground responses skip it.
    pub queued: Law,
    /// The steps.
    pub steps: Arc<[Step]>,
}

impl Script {
    /// How long the steps of a job's first attempt take under a seed, all turns together, where nothing disturbs them:
    /// what only an oracle can know.
    #[must_use]
    pub fn length(&self, seed: Seed, job: JobId) -> SimDuration {
        super::turn::length(self, seed, job)
    }
}

/// One step: something appears in the output after a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What appears.
    pub work: StepWork,
    /// How long it takes.
    pub takes: Law,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepWork {
    /// Reasoning.
    Reasoning,
    /// A tool that the service runs: the item type on the wire, for example `file_search_call`.
    Hosted(Arc<str>),
    /// Text; its deltas are spread evenly over the step.
    Message {
        /// How many tokens; 0 is an empty answer.
        tokens: u32,
    },
    /// Words that show more than plain text does.
    Words(Arc<Words>),
    /// A call of a function of the client.
    FunctionCall {
        /// The function.
        name: Arc<str>,
        /// JSON text.
        arguments: Arc<str>,
        /// The namespace of the function, and what made the call, where that is said.
        shown: Shown,
    },
    /// A tool, with everything that it shows.
    Tool(Arc<ToolStep>),
    /// A request for leave to run a tool of an MCP server.
    McpApproval {
        /// The server.
        server_label: Arc<str>,
        /// The tool.
        name: Arc<str>,
        /// JSON text.
        arguments: Arc<str>,
    },
}

impl StepWork {
    /// Whether the turn ends behind a run of such steps.
    #[must_use]
    pub fn asks_client(&self) -> bool {
        match self {
            Self::FunctionCall { .. } | Self::McpApproval { .. } => true,
            Self::Tool(step) => step.tool.asks_client() || matches!(step.tool, Tool::McpCall { .. }),
            Self::Reasoning | Self::Hosted(_) | Self::Message { .. } | Self::Words(_) => false,
        }
    }

    /// How many tokens it says; none if it says nothing.
    #[must_use]
    pub fn said(&self) -> Option<u32> {
        match self {
            Self::Message { tokens } => Some(*tokens),
            Self::Words(words) => words.said(),
            Self::Reasoning
            | Self::Hosted(_)
            | Self::FunctionCall { .. }
            | Self::Tool(_)
            | Self::McpApproval { .. } => None,
        }
    }
}

/// A rate limit shared by all requests that it counts, with continuous refill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limiter {
    /// Create requests that may come at once.
    pub burst: u32,
    /// The time in which one request's worth of room comes back.
    pub refill: SimDuration,
}

/// How a service tier differs from the usual one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TierSpec {
    /// How much longer a background response stays queued.
    pub queued: Law,
    /// How long a step takes, in thousandths of its usual time.
    pub takes: u32,
    /// Its own rate limit, beside that of all requests.
    pub limiter: Option<Limiter>,
}

impl Profile {
    /// How the tier that is asked for, or the usual one, differs.
    #[must_use]
    pub fn tier_of(&self, asked: Option<&Arc<str>>) -> Option<&TierSpec> {
        let tier = asked.unwrap_or(&self.tier);
        let mut known = self.tiers.iter();
        known.find(|(name, _)| name == tier).map(|(_, spec)| spec)
    }

    /// How long a step takes on a tier that takes so long on the usual one.
    #[must_use]
    pub fn paced(&self, asked: Option<&Arc<str>>, usual: SimDuration) -> SimDuration {
        match self.tier_of(asked) {
            Some(spec) if spec.takes != 1_000 => {
                SimDuration::from_ticks(usual.ticks().saturating_mul(u64::from(spec.takes)) / 1_000)
            }
            Some(_) | None => usual,
        }
    }
}

/// The tiers that a request may name, beside `auto`.
pub const TIERS: [&str; 4] = ["default", "flex", "scale", "priority"];

/// How long a stream can be resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResumeWindow {
    /// Always.
    Open,
    /// So long after the creation of its response.
    OfResponse(SimDuration),
    /// So long after the next event that is asked for: a cursor before an older one is refused.
    OfEvent(SimDuration),
}

/// How the service behaves apart from scripts and faults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// How long any exchange takes from arrival to reply, at least one tick.
    pub latency: Law,
    /// The rate limit, if there is one.
    pub limiter: Option<Limiter>,
    /// How long a stored response can be read after its end.
    pub retention: SimDuration,
    /// How long a stream can be resumed.
    pub resume_window: ResumeWindow,
    /// How streams behave where the contract leaves it open.
    pub streaming: Streaming,
    /// How long after the end of a response its webhook leaves; none: no webhooks.
    pub webhook: Option<Law>,
    /// The gaps between sendings of a webhook that is not answered with 2xx.
    pub webhook_retries: Arc<[SimDuration]>,
    /// Tokens per event of a streamed text.
    pub tokens_per_delta: u32,
    /// The service tier that is served.
    pub tier: Arc<str>,
    /// How tiers differ from the usual one, by their names.
    pub tiers: Arc<[(Arc<str>, TierSpec)]>,
    /// Unix seconds at the start of the run.
    pub epoch: u64,
    /// How it reads its contract, and the accounts it knows.
    pub contract: Contract,
    /// The script of strangers, and of jobs that have none of their own.
    pub script: Script,
    /// Other scripts of strangers, each for requests that look alike; the first that fits answers.
    pub choices: Arc<[Choice]>,
}
