//! How a task is carried out: what kinds say about it and tasks may change.
//!
//! | key | value | default |
//! |---|---|---|
//! | `prompt` | what is asked of the model | the description of the kind |
//! | `model` | the model | `gpt-5.2` |
//! | `max_output_tokens` | the cap on output | none |
//! | `tier` | the service tier asked for; `auto` and `default` leave it to the service | `default` |
//! | `follow` | `poll`, `stream`, `webhook`: how a background response is followed | `poll` |
//! | `polling` | `{ first, growth, max, fallback }` | `{ first: 1s, growth: 150%, max: 15s, fallback: 1m }` |
//! | `limits` | limits of time by name, see below | |
//! | `retry` | `{ attempts, base, cap, twins, effect_tries }` | `{ attempts: 3, base: 1s, cap: 1m, twins: 1, effect_tries: 3 }` |
//! | `tools` | the tools offered to the model, by name | none |
//! | `mcp` | MCP servers by label, each with the sink that its acts count for; the sink promises `neither` | none |
//! | `rules` | what is done about ends that are no clean success, see below | |
//! | `approval` | `{ quorum, role, own_approval: refused or counts }` | `{ quorum: 1, role: approver, own_approval: refused }` |
//! | `patience` | `{ quiet, stalled }`: how long without progress is unusual | `{ quiet: 30s, stalled: 5m }` |
//! | `script` | what the responses do, see the scripts | one message of 200 tokens |
//!
//! | limit | of what | default |
//! |---|---|---|
//! | `deadline` | everything, from acceptance | `24h` |
//! | `wait` | how long an interactive user is kept waiting | `30s` |
//! | `queue` | waiting for the lane | `10m` |
//! | `attempt` | one attempt | `30m` |
//! | `attempts` | all attempts together | `1h` |
//! | `call` | one exchange until its reply | `30s` |
//! | `tool` | one run of a tool, one try of an effect | `1m` |
//! | `approval_request` | a question put to a human | `8h` |
//! | `grant` | a permission until it is used | `15m` |
//! | `cancel` | a cancel until it is acknowledged | `1m` |
//! | `doubt` | doubt whether a create landed | `2m` |
//! | `capture` | capturing a result | `1m` |
//!
//! | rule | about | values, the default first |
//! |---|---|---|
//! | `incomplete` | output cut short | `partial`, `retry` |
//! | `filtered` | output cut by the filter | `fail`, `partial` |
//! | `tool_failure` | a tool that failed for good | `tell`, `fail` |
//! | `denial` | a denied approval | `end`, `replan` |
//! | `empty` | an answer without content | `fail`, `allow` |

use std::sync::Arc;

use super::product::entry;
use super::script::{ScriptDraft, script};
use super::value::{name, positive, spanned_name, text};
use crate::job::{
    ApprovalRule, Follow, Limits, Liveliness, OnDenial, OnEmpty, OnFiltered, OnIncomplete, OnToolFailure,
    OwnApproval, Plan, Polling, Retry, Rules,
};
use crate::scenario::decode::{MapReader, duration, integer, keyed, list, map, parsed, quantity, words};
use crate::scenario::{Diagnostics, Node, Spanned};
use crate::wire::SERVICE_TIERS;

/// Everything about how a task is carried out, before its tools are looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::scenario) struct Work {
    /// The plan without tools, servers and hosted tools.
    pub(in crate::scenario) plan: Plan,
    /// The tools by name.
    pub(in crate::scenario) tools: Vec<Spanned<Arc<str>>>,
    /// The MCP servers with their sinks.
    pub(in crate::scenario) mcp: Vec<(Arc<str>, Spanned<Arc<str>>)>,
    /// The script.
    pub(in crate::scenario) script: ScriptDraft,
    /// What is asked of the model; none is the description of the kind.
    pub(in crate::scenario) prompt: Option<Arc<str>>,
}

impl Work {
    /// What holds where nothing is said.
    pub(in crate::scenario) fn usual() -> Self {
        Self {
            plan: super::defaults::plan(),
            tools: Vec::new(),
            mcp: Vec::new(),
            script: ScriptDraft::default_script(),
            prompt: None,
        }
    }

    /// This work with everything that `keys` changes; asks for each key of the table.
    pub(in crate::scenario) fn overlaid(&self, keys: &mut MapReader<'_, '_>) -> Option<Self> {
        let plan = overlaid(&self.plan, keys);
        let tools = keys.or("tools", self.tools.clone(), list(spanned_name));
        let mcp = keys.or(
            "mcp",
            self.mcp.clone(),
            keyed(|key, node, out| entry(key, node, out, spanned_name)),
        );
        let script = keys.or("script", self.script.clone(), script);
        let prompt = keys.optional("prompt", text);
        Some(Self {
            plan: plan?,
            tools: tools?,
            mcp: mcp?,
            script: script?,
            prompt: prompt?.or_else(|| self.prompt.clone()),
        })
    }
}

const FOLLOW: [(&str, Follow); 3] = [
    ("poll", Follow::Poll),
    ("stream", Follow::Stream),
    ("webhook", Follow::Webhook),
];

fn tier(node: &Node, out: &mut Diagnostics) -> Option<Arc<str>> {
    words("service tier", &SERVICE_TIERS.map(|tier| (tier, tier)))(node, out).map(Arc::from)
}

fn overlaid(base: &Plan, keys: &mut MapReader<'_, '_>) -> Option<Plan> {
    let model = keys.or("model", Arc::clone(&base.model), text);
    let max_output_tokens = keys.optional("max_output_tokens", output_cap);
    let tier = keys.or("tier", Arc::clone(&base.tier), tier);
    let follow = keys.or("follow", base.follow, words("way to follow", &FOLLOW));
    let polling = keys.or("polling", base.polling, |node, out| {
        polling(base.polling, node, out)
    });
    let limits = keys.or("limits", base.limits, |node, out| limits(base.limits, node, out));
    let retry = keys.or("retry", base.retry, |node, out| retry(base.retry, node, out));
    let rules = keys.or("rules", base.rules, |node, out| rules(base.rules, node, out));
    let approval = keys.or("approval", base.approval.clone(), |node, out| {
        approval(&base.approval, node, out)
    });
    let patience = keys.or("patience", base.patience, |node, out| {
        patience(base.patience, node, out)
    });
    Some(Plan {
        model: model?,
        max_output_tokens: max_output_tokens?.or(base.max_output_tokens),
        tier: tier?,
        follow: follow?,
        polling: polling?,
        limits: limits?,
        retry: retry?,
        tools: base.tools.clone(),
        mcp: base.mcp.clone(),
        hosted: base.hosted.clone(),
        rules: rules?,
        approval: approval?,
        patience: patience?,
    })
}

/// The contract wants at least 16.
fn output_cap(node: &Node, out: &mut Diagnostics) -> Option<u32> {
    quantity("tokens", 16..=1_000_000)(node, out)
}

fn polling(base: Polling, node: &Node, out: &mut Diagnostics) -> Option<Polling> {
    let mut keys = map(node, out)?;
    let first = keys.or("first", base.first, positive);
    let growth_percent = keys.or("growth", base.growth_percent, growth);
    let max = keys.or("max", base.max, positive);
    let fallback = keys.or("fallback", base.fallback, positive);
    keys.finish();
    Some(Polling {
        first: first?,
        growth_percent: growth_percent?,
        max: max?,
        fallback: fallback?,
    })
}

/// The growth of a gap in per cent of the one before: it never shrinks.
fn growth(node: &Node, out: &mut Diagnostics) -> Option<u32> {
    let percent = |text: &str| {
        let number = text.strip_suffix('%').and_then(|number| number.parse().ok());
        number
            .filter(|percent| (100..=1_000).contains(percent))
            .ok_or("from `100%`, which keeps the gap, to `1000%`")
    };
    parsed("a growth such as `150%`", percent)(node, out)
}

fn limits(base: Limits, node: &Node, out: &mut Diagnostics) -> Option<Limits> {
    let mut keys = map(node, out)?;
    let mut limit = |key, usual| keys.or(key, usual, positive);
    let found = [
        limit("deadline", base.deadline),
        limit("wait", base.wait),
        limit("queue", base.queue),
        limit("attempt", base.attempt),
        limit("attempts", base.attempts),
        limit("call", base.call),
        limit("tool", base.tool),
        limit("approval_request", base.approval_request),
        limit("grant", base.grant),
        limit("cancel", base.cancel),
        limit("doubt", base.doubt),
        limit("capture", base.capture),
    ];
    keys.finish();
    let [
        deadline,
        wait,
        queue,
        attempt,
        attempts,
        call,
        tool,
        approval_request,
        grant,
        cancel,
        doubt,
        capture,
    ] = found;
    Some(Limits {
        deadline: deadline?,
        wait: wait?,
        queue: queue?,
        attempt: attempt?,
        attempts: attempts?,
        call: call?,
        tool: tool?,
        approval_request: approval_request?,
        grant: grant?,
        cancel: cancel?,
        doubt: doubt?,
        capture: capture?,
    })
}

fn retry(base: Retry, node: &Node, out: &mut Diagnostics) -> Option<Retry> {
    let mut keys = map(node, out)?;
    let attempts = keys.or("attempts", base.attempts, integer(1..=1_000));
    let low = keys.or("base", base.base, duration);
    let cap = keys.or("cap", base.cap, duration);
    let twins = keys.or("twins", base.twins, integer(0..=1_000));
    let effect_tries = keys.or("effect_tries", base.effect_tries, integer(0..=1_000));
    keys.finish();
    Some(Retry {
        attempts: attempts?,
        base: low?,
        cap: cap?,
        twins: twins?,
        effect_tries: effect_tries?,
    })
}

fn rules(base: Rules, node: &Node, out: &mut Diagnostics) -> Option<Rules> {
    let incomplete = [("partial", OnIncomplete::Partial), ("retry", OnIncomplete::Retry)];
    let filtered = [("partial", OnFiltered::Partial), ("fail", OnFiltered::Fail)];
    let tool_failure = [("tell", OnToolFailure::Tell), ("fail", OnToolFailure::Fail)];
    let denial = [("end", OnDenial::End), ("replan", OnDenial::Replan)];
    let empty = [("fail", OnEmpty::Fail), ("allow", OnEmpty::Allow)];
    let mut keys = map(node, out)?;
    let incomplete = keys.or("incomplete", base.incomplete, words("rule", &incomplete));
    let filtered = keys.or("filtered", base.filtered, words("rule", &filtered));
    let tool_failure = keys.or("tool_failure", base.tool_failure, words("rule", &tool_failure));
    let denial = keys.or("denial", base.denial, words("rule", &denial));
    let empty = keys.or("empty", base.empty, words("rule", &empty));
    keys.finish();
    Some(Rules {
        incomplete: incomplete?,
        filtered: filtered?,
        tool_failure: tool_failure?,
        denial: denial?,
        empty: empty?,
    })
}

fn approval(base: &ApprovalRule, node: &Node, out: &mut Diagnostics) -> Option<ApprovalRule> {
    let own = [("refused", OwnApproval::Refused), ("counts", OwnApproval::Counts)];
    let mut keys = map(node, out)?;
    let quorum = keys.or("quorum", base.quorum, integer(1..=100));
    let role = keys.or("role", Arc::clone(&base.role), name);
    let own = keys.or("own_approval", base.own, words("rule", &own));
    keys.finish();
    Some(ApprovalRule {
        quorum: quorum?,
        role: role?,
        own: own?,
    })
}

fn patience(base: Liveliness, node: &Node, out: &mut Diagnostics) -> Option<Liveliness> {
    let mut keys = map(node, out)?;
    let quiet = keys.or("quiet", base.quiet, positive);
    let stalled = keys.or("stalled", base.stalled, positive);
    keys.finish();
    Some(Liveliness {
        quiet: quiet?,
        stalled: stalled?,
    })
}
