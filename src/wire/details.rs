//! What strangers say in a create request and our own runtime never does.

use std::sync::Arc;

/// What a request says beside what our own runtime ever says, as far as the service acts on it.
#[derive(Debug, Default, Clone, PartialEq, Eq, Hash)]
pub struct Details {
    /// The input items as they came, as a JSON list; absent where the input was a plain text.
    pub input: Option<Box<str>>,
    /// The conversation that the response belongs to.
    pub conversation: Option<Arc<str>>,
    /// How many calls of built-in tools are made at most.
    pub max_tool_calls: Option<u32>,
    /// The service tier asked for, unless that is `auto`.
    pub service_tier: Option<Arc<str>>,
    /// Whether an input that is too long is cut instead of refused.
    pub overflow: Overflow,
    /// What the response has to show beside its usual fields.
    pub include: Vec<Arc<str>>,
    /// How many likely tokens stand beside each token of a text whose probabilities are shown.
    pub top_logprobs: u8,
    /// Beyond how many tokens of input what went before is packed.
    pub compact_threshold: Option<u32>,
    /// The schema that texts of the model have to fit, as JSON.
    pub schema: Option<Box<str>>,
    /// What is said about MCP servers.
    pub servers: Vec<ServerRule>,
    /// Whether summaries of reasoning are shown.
    pub summaries: Summaries,
}

/// Whether summaries of reasoning are shown: strangers ask for them with `reasoning.summary`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Summaries {
    /// They are not.
    #[default]
    Hidden,
    /// They are.
    Shown,
}

/// What becomes of an input that is too long: `truncation`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Overflow {
    /// The request is refused.
    #[default]
    Refused,
    /// Old items are left out.
    Cut,
}

/// What a request says about an MCP server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServerRule {
    /// Its label.
    pub server_label: Arc<str>,
    /// Which of its tools have to be approved.
    pub approval: ApprovalRule,
    /// Its tools that may be called; all if it is absent.
    pub allowed: Option<Vec<Arc<str>>>,
}

/// Which tools of an MCP server have to be approved: `require_approval`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ApprovalRule {
    /// All, which is the default.
    Always,
    /// None.
    Never,
    /// These are not; all others are.
    Except(Vec<Arc<str>>),
    /// These are; no other is.
    Only(Vec<Arc<str>>),
}

impl ApprovalRule {
    /// Whether a call of `tool` has to be approved.
    #[must_use]
    pub fn asks(&self, tool: &str) -> bool {
        let among = |tools: &[Arc<str>]| tools.iter().any(|one| **one == *tool);
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Except(tools) => !among(tools),
            Self::Only(tools) => among(tools),
        }
    }
}

/// What a request includes to see how probable each token of a text was.
pub(super) const LOGPROBS: &str = "message.output_text.logprobs";

impl Details {
    /// Whether the response has to show this.
    #[must_use]
    pub fn includes(&self, what: &str) -> bool {
        self.include.iter().any(|one| **one == *what)
    }

    /// How many likely tokens stand beside each token of a text; none: probabilities are not shown.
    #[must_use]
    pub fn logprobs(&self) -> Option<u8> {
        self.includes(LOGPROBS).then_some(self.top_logprobs)
    }

    /// What is said about the server of this label.
    #[must_use]
    pub fn server(&self, label: &str) -> Option<&ServerRule> {
        self.servers.iter().find(|server| *server.server_label == *label)
    }
}
