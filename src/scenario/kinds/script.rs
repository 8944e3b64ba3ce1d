//! Scripts: what the responses of a task do, step by step.
//!
//! | key | value | default |
//! |---|---|---|
//! | `queued` | how long a background response is queued, a law | `1s` |
//! | `steps` | a list of steps, in order | one message of 200 tokens |
//!
//! | step | value | what it is |
//! |---|---|---|
//! | `reasoning` | a law, or `{ takes, summary: [...], text: ... }`, see [`super::words`] | the model thinks |
//! | `file_search`, `web_search`, `code_interpreter` | a law | a tool that the service runs |
//! | `message` | `800 tokens`, or `{ tokens, takes, annotations, audio, phase }`, see [`super::words`] | text; without `takes` fifty tokens a second |
//! | `refusal` | `20 tokens`, or `{ tokens, takes }` | a message that declines |
//! | `compaction` | a law | what went before is packed into one opaque item |
//! | `call` | `{ tool, arguments, takes, namespace, caller, unlisted }` | a call of a function of the client; `caller` is `direct` or `{ program: ID }`; `unlisted: true` lets the model call what it was not offered |
//! | `tool` | `{ web_search: { query, sources }, takes, ends }`, see [`super::tools`] | a tool with everything that it shows |
//! | `mcp` | `{ server, tool, arguments, takes }` | a request for leave to run a tool of an MCP server |
//!
//! A turn ends behind a run of calls; the next turn goes on with the step behind it. Every law is written `4s`,
//! `{ uniform: { min: 1s, max: 5s } }`, `{ lognormal: { p50: 3m, p99: 9m } }` or `{ exponential: { mean: 20s } }`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::defaults;
use super::value::{arguments, filled, law, spanned_name};
use super::words;
use crate::backend::{Script, Step, StepWork, Tool, ToolEnd, ToolStep};
use crate::rng::Law;
use crate::scenario::decode::{MapReader, boolean, map, non_empty, variant};
use crate::scenario::{Diagnostic, Diagnostics, Node, Spanned};
use crate::wire::Shown;

/// A script with the places of what it calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::scenario) struct ScriptDraft {
    /// The script.
    pub(in crate::scenario) script: Script,
    /// What it calls, in order.
    pub(in crate::scenario) calls: Vec<Callee>,
}

/// What a step calls, which has to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::scenario) enum Callee {
    /// A tool of the kind.
    Tool(Spanned<Arc<str>>),
    /// An MCP server of the kind.
    Server(Spanned<Arc<str>>),
}

/// Longer scripts are refused.
const STEPS_MAX: usize = 1_000;

impl ScriptDraft {
    /// The script of a kind that has none.
    pub(in crate::scenario) fn default_script() -> Self {
        Self {
            script: defaults::script(),
            calls: Vec::new(),
        }
    }

    /// The tools that the service runs in it, by their type on the wire, each once.
    pub(in crate::scenario) fn hosted(&self) -> Vec<Arc<str>> {
        let mut found: Vec<Arc<str>> = Vec::new();
        for step in &*self.script.steps {
            if let StepWork::Hosted(item) = &step.work {
                let tool = item.strip_suffix(ITEM_ENDING).unwrap_or(item);
                if !found.iter().any(|known| **known == *tool) {
                    found.push(Arc::from(tool));
                }
            }
        }
        found
    }
}

/// The item on the wire is called like the tool with this behind it.
const ITEM_ENDING: &str = "_call";

/// Reads a script.
pub(in crate::scenario) fn script(node: &Node, out: &mut Diagnostics) -> Option<ScriptDraft> {
    let mut keys = map(node, out)?;
    let queued = keys.or("queued", defaults::QUEUED, law);
    let steps = keys.required("steps", non_empty(step));
    if let Some(steps) = steps.as_ref().filter(|steps| steps.len() > STEPS_MAX) {
        let message = format!("a script of {} steps, the limit is {STEPS_MAX}", steps.len());
        let span = keys.key_span("steps");
        keys.out().push(Diagnostic::error(message).at(span, ""));
    }
    keys.finish();
    let (steps, calls): (Vec<Step>, Vec<Option<Callee>>) = steps?.into_iter().unzip();
    let script = Script {
        queued: queued?,
        steps: steps.into(),
    };
    Some(ScriptDraft {
        script,
        calls: calls.into_iter().flatten().collect(),
    })
}

const STEPS: [&str; 10] = [
    "reasoning",
    "file_search",
    "web_search",
    "code_interpreter",
    "message",
    "refusal",
    "compaction",
    "call",
    "mcp",
    "tool",
];

fn step(node: &Node, out: &mut Diagnostics) -> Option<(Step, Option<Callee>)> {
    let case = variant("step", &STEPS, node, out)?;
    let plain = |work, takes| (Step { work, takes }, None);
    match case.name {
        "reasoning" => case.value(words::reasoning, out).map(|step| (step, None)),
        "message" => case.value(words::message, out).map(|step| (step, None)),
        "refusal" => case.value(words::refusal, out).map(|step| (step, None)),
        "compaction" => case.value(law, out).map(|takes| {
            let (tool, ends) = (Tool::Compaction, ToolEnd::Completed);
            plain(StepWork::Tool(Arc::new(ToolStep { tool, ends })), takes)
        }),
        "call" => case.value(call, out),
        "mcp" => case.value(mcp, out),
        "tool" => case.value(super::tools::tool, out).map(|step| (step, None)),
        hosted => {
            let item = Arc::from(format!("{hosted}{ITEM_ENDING}"));
            case.value(law, out)
                .map(|takes| plain(StepWork::Hosted(item), takes))
        }
    }
}

/// The arguments and the time of a call of either sort.
fn arguments_and_time(keys: &mut MapReader<'_, '_>) -> Option<(Arc<str>, Law)> {
    let arguments = keys.or("arguments", Arc::from("{}"), arguments);
    let takes = keys.or("takes", defaults::CALL_TAKES, law);
    Some((arguments?, takes?))
}

fn call(node: &Node, out: &mut Diagnostics) -> Option<(Step, Option<Callee>)> {
    let mut keys = map(node, out)?;
    let tool = keys.required("tool", spanned_name);
    let rest = arguments_and_time(&mut keys);
    let namespace = keys.or("namespace", None, |node, out| tool_name(node, out).map(Some));
    let caller = keys.or("caller", None, |node, out| caller(node, out).map(Some));
    let unlisted = keys.or("unlisted", false, boolean);
    keys.finish();
    let (tool, (arguments, takes)) = (tool?, rest?);
    let shown = [("namespace", namespace?), ("caller", caller?)]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
        .fold(Shown::default(), |shown, (key, value)| shown.with(key, &value));
    let work = StepWork::FunctionCall {
        name: Arc::clone(&tool.value),
        arguments,
        shown,
    };
    let callee = (!unlisted?).then_some(Callee::Tool(tool));
    Some((Step { work, takes }, callee))
}

/// A name as tools have it.
fn tool_name(node: &Node, out: &mut Diagnostics) -> Option<Value> {
    let text = filled(node, out)?;
    if text.len() <= NAME_MAX && text.bytes().all(is_of_name) {
        return Some(json!(&*text));
    }
    let message = format!("expected at most {NAME_MAX} letters, digits, `_` and `-`");
    out.push(Diagnostic::error(message).at(node.span, "no name of a namespace"));
    None
}

/// The longest name of a namespace, and the longest id of a program.
const NAME_MAX: usize = 64;

const fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// What made the call: the model itself, or a program that it wrote.
fn caller(node: &Node, out: &mut Diagnostics) -> Option<Value> {
    let case = variant("caller", &["direct", "program"], node, out)?;
    match case.name {
        "direct" => case.bare(json!({ "type": "direct" }), out),
        _ => {
            let id = case.value(filled, out)?;
            if id.chars().count() > NAME_MAX {
                let message = format!("expected at most {NAME_MAX} letters");
                out.push(Diagnostic::error(message).at(node.span, "no id of a program"));
                return None;
            }
            Some(json!({ "type": "program", "caller_id": &*id }))
        }
    }
}

fn mcp(node: &Node, out: &mut Diagnostics) -> Option<(Step, Option<Callee>)> {
    let mut keys = map(node, out)?;
    let server = keys.required("server", spanned_name);
    let tool = keys.required("tool", spanned_name);
    let rest = arguments_and_time(&mut keys);
    keys.finish();
    let (server, tool, (arguments, takes)) = (server?, tool?, rest?);
    let work = StepWork::McpApproval {
        server_label: Arc::clone(&server.value),
        name: tool.value,
        arguments,
    };
    Some((Step { work, takes }, Some(Callee::Server(server))))
}
