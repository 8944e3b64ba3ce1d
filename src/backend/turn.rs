//! What one turn plays: the acts between the answer to the last turn and the next question to the client.

use std::ops::Range;
use std::sync::Arc;

use super::acts::Acts;
use super::name::entity;
use super::text::piece_end;
use super::{McpError, Script, Step, StepWork, Tool, ToolEnd, ToolStep, Words};
use crate::rng::{Law, Purpose, Seed};
use crate::units::{JobId, SimDuration};
use crate::wire::{Details, ItemStatus, ServerRule, Shown, Summaries};

/// One thing that a response does.
#[derive(Debug, Clone)]
pub(super) struct Act {
    /// What appears in the output.
    pub(super) work: Work,
    /// How long it takes.
    pub(super) takes: Law,
    /// Its index among the draws of the turn.
    pub(super) index: u64,
    /// Its place among the steps of the turn, unless the script does not name it.
    pub(super) step: Option<u16>,
}

/// What an act does.
#[derive(Debug, Clone)]
pub(super) enum Work {
    /// A step of the script.
    Scripted(StepWork),
    /// An MCP call that the client approved.
    Approved(Arc<Approved>),
    /// Text that ends early.
    Cut {
        /// The tokens of the whole text.
        tokens: u32,
        /// How many of them appear.
        shown: u32,
        /// What they are, if they show more than plain text does.
        words: Option<Arc<Words>>,
    },
    /// A call of a function of which only the beginning was written.
    CutCall {
        /// The function.
        name: Arc<str>,
        /// As much of the JSON text as there is.
        arguments: Arc<str>,
        /// What a whole call shows beside.
        shown: Shown,
    },
}

/// The approved request behind an MCP call.
#[derive(Debug, Clone)]
pub(super) struct Approved {
    /// The item that asked; none if nobody had to be asked.
    pub(super) request: Option<Arc<str>>,
    /// The server.
    pub(super) server_label: Arc<str>,
    /// The tool.
    pub(super) name: Arc<str>,
    /// JSON text.
    pub(super) arguments: Arc<str>,
    /// What it answers, where the script says so; of a failed call, why.
    pub(super) output: Option<Arc<str>>,
    /// How its item ends.
    pub(super) ends: ItemStatus,
    /// What kind of failure it is, if it fails.
    pub(super) error: McpError,
}

/// What the client answered to the requests of the turn before.
#[derive(Debug, Clone, Default)]
pub(super) struct Answers {
    /// What may run.
    pub(super) approved: Vec<Arc<Approved>>,
    /// How many requests were denied.
    pub(super) denied: usize,
}

/// The message of a turn that has nothing left to do.
const CLOSING: Step = Step {
    work: StepWork::Message { tokens: 12 },
    takes: Law::Constant(SimDuration::from_millis(200)),
};

/// How long an approved MCP call takes.
const CALL_TAKES: Law = Law::Constant(SimDuration::from_millis(500));

/// Indices of draws for acts that no step stands behind.
const UNSCRIPTED: u64 = 1 << 32;

/// The acts of turn number `turn`, counted from 1.
///
/// After a denial and no approval the turn speaks and does nothing else. Calls of built-in tools beyond the maximum of
/// the request are passed over, as are tools of an MCP server that it does not allow.
pub(super) fn acts(script: &Script, turn: u32, answers: Answers, details: Option<&Details>) -> Acts {
    let segment = segment(&script.steps, turn, details);
    if answers.approved.is_empty()
        && answers.denied == 0
        && let Some(acts) = Acts::of_script(&script.steps, segment.clone())
    {
        return acts;
    }
    Acts::Made(made(script, &script.steps[segment], answers, details))
}

/// The acts of these steps, written out.
fn made(script: &Script, steps: &[Step], answers: Answers, details: Option<&Details>) -> Vec<Act> {
    let only_words = answers.denied > 0 && answers.approved.is_empty();
    let mut acts = Vec::with_capacity(answers.approved.len() + steps.len().max(1));
    for (approved, index) in answers.approved.into_iter().zip(UNSCRIPTED + 1..) {
        let approved = promised(script, approved);
        acts.push(Act {
            work: Work::Approved(approved),
            takes: CALL_TAKES,
            index,
            step: None,
        });
    }
    let called = acts.len();
    let mut calls_left = details
        .and_then(|details| details.max_tool_calls)
        .unwrap_or(u32::MAX);
    for (step, place) in steps.iter().zip(0_u16..) {
        if only_words && step.work.said().is_none() {
            continue;
        }
        if is_built_in(&step.work) {
            if calls_left == 0 || !is_allowed(&step.work, details) {
                continue;
            }
            calls_left -= 1;
        }
        perform(step, place, details, &mut acts);
    }
    if acts.len() == called {
        acts.push(scripted(&CLOSING, UNSCRIPTED, None));
    }
    acts
}

/// The acts of one step.
fn perform(step: &Step, place: u16, details: Option<&Details>, acts: &mut Vec<Act>) {
    let act = |work| Act {
        work,
        takes: step.takes,
        index: u64::from(place),
        step: Some(place),
    };
    match (mcp_call(&step.work), &step.work) {
        (Some(call), _) if !asks(&step.work, details) => acts.push(act(Work::Approved(Arc::new(call)))),
        (Some(call), _) => acts.push(act(Work::Scripted(StepWork::McpApproval {
            server_label: call.server_label,
            name: call.name,
            arguments: call.arguments,
        }))),
        (None, StepWork::Tool(tool)) => {
            acts.push(act(Work::Scripted(step.work.clone())));
            if let Some(tool) = tool.tool.followed_by() {
                let ends = ToolEnd::Completed;
                let work = Work::Scripted(StepWork::Tool(Arc::new(ToolStep { tool, ends })));
                acts.push(Act {
                    takes: Law::ZERO,
                    index: UNSCRIPTED + (1 << 16) + u64::from(place),
                    ..act(work)
                });
            }
        }
        (None, StepWork::Words(words)) if !sums_up(details) => {
            acts.push(act(Work::Scripted(StepWork::Words(Arc::new(words.unsummed())))));
        }
        (None, _) => acts.push(Act::of(step, place)),
    }
}

/// Whether the request wants summaries of reasoning.
fn sums_up(details: Option<&Details>) -> bool {
    details.is_none_or(|details| details.summaries == Summaries::Shown)
}

/// The call of an MCP tool that a step makes.
fn mcp_call(work: &StepWork) -> Option<Approved> {
    let (server_label, name, arguments, output, ends, error) = match work {
        StepWork::McpApproval {
            server_label,
            name,
            arguments,
        } => (
            server_label,
            name,
            arguments,
            None,
            ItemStatus::Completed,
            McpError::Http,
        ),
        StepWork::Tool(step) => match &step.tool {
            Tool::McpCall {
                server_label,
                name,
                arguments,
                output,
                error,
            } => (
                server_label,
                name,
                arguments,
                Some(output.clone()),
                step.ends.status(),
                *error,
            ),
            _ => return None,
        },
        _ => return None,
    };
    Some(Approved {
        request: None,
        server_label: server_label.clone(),
        name: name.clone(),
        arguments: arguments.clone(),
        output,
        ends,
        error,
    })
}

/// An approved call with what the script promises of it.
fn promised(script: &Script, approved: Arc<Approved>) -> Arc<Approved> {
    let mut calls = script.steps.iter().filter_map(|step| mcp_call(&step.work));
    let same = |call: &Approved| {
        call.server_label == approved.server_label
            && call.name == approved.name
            && call.arguments == approved.arguments
    };
    match calls.find(same) {
        Some(call) if call.output.is_some() => Arc::new(Approved {
            request: approved.request.clone(),
            ..call
        }),
        _ => approved,
    }
}

/// The act that lists the tools of a server: those that the script calls and the request allows.
pub(super) fn list_act(script: &Script, server: &ServerRule, place: u64) -> Act {
    let calls = script.steps.iter().filter_map(|step| mcp_call(&step.work));
    let of_server = calls.filter(|call| call.server_label == server.server_label);
    let mut tools: Vec<Arc<str>> = Vec::new();
    for call in of_server {
        let allowed = server.allowed.as_ref();
        if !tools.contains(&call.name) && allowed.is_none_or(|allowed| allowed.contains(&call.name)) {
            tools.push(call.name);
        }
    }
    let tool = Tool::McpListTools {
        server_label: server.server_label.clone(),
        tools: tools.into(),
    };
    let ends = ToolEnd::Completed;
    Act {
        work: Work::Scripted(StepWork::Tool(Arc::new(ToolStep { tool, ends }))),
        takes: Law::ZERO,
        index: UNSCRIPTED + (2 << 16) + place,
        step: None,
    }
}

/// The act that packs what went before.
pub(super) fn compaction_act() -> Act {
    let (tool, ends) = (Tool::Compaction, ToolEnd::Completed);
    Act {
        work: Work::Scripted(StepWork::Tool(Arc::new(ToolStep { tool, ends }))),
        takes: Law::ZERO,
        index: UNSCRIPTED + (3 << 16),
        step: None,
    }
}

impl Work {
    /// Whether it lists the tools of this server.
    pub(super) fn lists(&self, label: &str) -> bool {
        let Self::Scripted(StepWork::Tool(step)) = self else {
            return false;
        };
        matches!(&step.tool, Tool::McpListTools { server_label, .. } if **server_label == *label)
    }
}

/// Whether the turn ends behind a run of such steps, as the request has it.
fn asks(work: &StepWork, details: Option<&Details>) -> bool {
    match (work.asks_client(), mcp_call(work)) {
        (true, Some(call)) => {
            let rule = details.and_then(|details| details.server(&call.server_label));
            rule.is_none_or(|rule| rule.approval.asks(&call.name))
        }
        (asks, _) => asks,
    }
}

/// Whether a step counts against the maximum of tool calls.
fn is_built_in(work: &StepWork) -> bool {
    match work {
        StepWork::Hosted(_) | StepWork::McpApproval { .. } => true,
        StepWork::Tool(step) => step.tool.is_built_in(),
        StepWork::Reasoning
        | StepWork::Message { .. }
        | StepWork::Words(_)
        | StepWork::FunctionCall { .. } => false,
    }
}

/// Whether the request allows the MCP tool of a step.
fn is_allowed(work: &StepWork, details: Option<&Details>) -> bool {
    let Some(call) = mcp_call(work) else { return true };
    let rule = details.and_then(|details| details.server(&call.server_label));
    let allowed = rule.and_then(|rule| rule.allowed.as_ref());
    allowed.is_none_or(|allowed| allowed.contains(&call.name))
}

fn scripted(step: &Step, index: u64, place: Option<u16>) -> Act {
    Act {
        work: Work::Scripted(step.work.clone()),
        takes: step.takes,
        index,
        step: place,
    }
}

/// The places of the steps of turn number `turn`; none behind the end.
fn segment(steps: &[Step], turn: u32, details: Option<&Details>) -> Range<usize> {
    let mut start = 0;
    for _ in 1..turn {
        if start == steps.len() {
            break;
        }
        start += turn_len(&steps[start..], details);
    }
    start..start + turn_len(&steps[start..], details)
}

/// How long the steps of a job's first attempt take under a seed, all turns together, where nothing disturbs them.
pub(super) fn length(script: &Script, seed: Seed, job: JobId) -> SimDuration {
    let mut sum = SimDuration::ZERO;
    let mut rest = &script.steps[..];
    for turn in 1_u16.. {
        if rest.is_empty() {
            break;
        }
        let (steps, later) = rest.split_at(turn_len(rest, None));
        let entity = entity(job.0, 1, turn);
        for (step, place) in steps.iter().zip(0_u64..) {
            sum += step.takes.quantile(seed.unit(Purpose::StepFor, entity, place));
        }
        rest = later;
    }
    sum
}

/// How many of these steps stand before the end of the first run of questions to the client.
fn turn_len(steps: &[Step], details: Option<&Details>) -> usize {
    let asks = |step: &Step| asks(&step.work, details);
    let first = steps.iter().position(asks).unwrap_or(steps.len());
    first + steps[first..].iter().take_while(|step| asks(step)).count()
}

/// Caps the reasoning and the text of the turn at `max` tokens: the message that passes it is cut and is the last act, and
/// so is reasoning, of which nobody can see that it was cut.
///
/// - returns: whether anything was cut.
pub(super) fn cap_tokens(acts: &mut Vec<Act>, max: u32) -> bool {
    let mut left = max;
    for place in 0..acts.len() {
        let (_, reasoning) = acts[place].work.cost();
        if reasoning > left {
            acts.truncate(place + 1);
            return true;
        }
        left -= reasoning;
        let Some(tokens) = said(&acts[place]) else {
            continue;
        };
        if tokens > left {
            cut(acts, place, left);
            return true;
        }
        left -= tokens;
    }
    false
}

/// Cuts the last message in half, and all acts behind it away; without a message the last call of a function.
pub(super) fn cut_last(acts: &mut Vec<Act>) {
    let last = acts.iter().rposition(|act| said(act).is_some());
    if let Some((place, tokens)) = last.and_then(|place| Some((place, said(&acts[place])?))) {
        return cut(acts, place, tokens / 2);
    }
    for place in (0..acts.len()).rev() {
        if let Work::Scripted(StepWork::FunctionCall {
            name,
            arguments,
            shown,
        }) = &acts[place].work
        {
            acts[place].work = Work::CutCall {
                arguments: arguments[..piece_end(arguments, 1, 2)].into(),
                name: name.clone(),
                shown: shown.clone(),
            };
            return acts.truncate(place + 1);
        }
    }
}

/// The tokens of a message that nothing has cut yet.
fn said(act: &Act) -> Option<u32> {
    match &act.work {
        Work::Scripted(work) => work.said(),
        Work::Approved(_) | Work::Cut { .. } | Work::CutCall { .. } => None,
    }
}

/// Cuts the last message or function call in half without a word about it.
///
/// - returns: whether anything was cut.
pub(super) fn truncate(acts: &mut [Act]) -> bool {
    for act in acts.iter_mut().rev() {
        match &mut act.work {
            Work::Scripted(StepWork::Message { tokens }) => {
                *tokens /= 2;
                return true;
            }
            Work::Scripted(StepWork::Words(words)) if words.said().is_some() => {
                *words = Arc::new(words.saying(words.said().unwrap_or(0) / 2));
                return true;
            }
            Work::Scripted(StepWork::FunctionCall { arguments, .. }) => {
                *arguments = arguments[..piece_end(arguments, 1, 2)].into();
                return true;
            }
            Work::Scripted(_) | Work::Approved(_) | Work::Cut { .. } | Work::CutCall { .. } => {}
        }
    }
    false
}

fn cut(acts: &mut Vec<Act>, place: usize, shown: u32) {
    if let Some(tokens) = said(&acts[place]) {
        let words = match &acts[place].work {
            Work::Scripted(StepWork::Words(words)) => Some(Arc::clone(words)),
            Work::Scripted(_) | Work::Approved(_) | Work::Cut { .. } | Work::CutCall { .. } => None,
        };
        acts[place].work = Work::Cut { tokens, shown, words };
    }
    acts.truncate(place + 1);
}

#[cfg(test)]
mod tests {
    use super::super::words::REASONING_TOKENS;
    use super::*;

    fn step(work: StepWork) -> Step {
        let takes = Law::ZERO;
        Step { work, takes }
    }

    fn call(name: &str) -> Step {
        step(StepWork::FunctionCall {
            name: name.into(),
            arguments: "{}".into(),
            shown: Shown::default(),
        })
    }

    fn script() -> Script {
        let message = |tokens| step(StepWork::Message { tokens });
        Script {
            queued: Law::ZERO,
            steps: [
                step(StepWork::Reasoning),
                call("a"),
                call("b"),
                message(5),
                call("c"),
            ]
            .into(),
        }
    }

    fn words(turn: u32) -> String {
        let mut acts = acts(&script(), turn, Answers::default(), None);
        let word = |act: &Act| match &act.work {
            Work::Scripted(StepWork::Message { tokens }) => format!("message {tokens}"),
            Work::Scripted(StepWork::FunctionCall { name, .. }) => format!("call {name}"),
            work => format!("{work:?}"),
        };
        acts.made().iter().map(word).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn a_turn_ends_behind_a_run_of_questions_and_the_next_goes_on_there() {
        assert_eq!(words(1), "Scripted(Reasoning), call a, call b");
        assert_eq!(words(2), "message 5, call c");
        assert_eq!(words(3), "message 12");
        assert_eq!(words(u32::MAX), "message 12");
    }

    #[test]
    fn a_cap_counts_what_is_thought() {
        let mut first = acts(&script(), 1, Answers::default(), None);
        let mut spoken = |max| {
            let mut acts = first.made().clone();
            (cap_tokens(&mut acts, max), acts.len())
        };
        assert_eq!(spoken(REASONING_TOKENS), (false, 3));
        assert_eq!(spoken(REASONING_TOKENS - 1), (true, 1));
    }

    #[test]
    fn a_cap_cuts_the_message_that_passes_it() {
        let mut second = acts(&script(), 2, Answers::default(), None);
        let second = second.made();
        assert!(!cap_tokens(&mut second.clone(), 5));
        assert!(cap_tokens(second, 3));
        assert!(matches!(
            second.as_slice(),
            [Act {
                work: Work::Cut {
                    tokens: 5,
                    shown: 3,
                    words: None
                },
                ..
            }]
        ));
    }
}
