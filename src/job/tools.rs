//! Tools without consequence.

use std::sync::Arc;

use super::follow::output_item;
use super::machine::{Context, Job, cause};
use super::retry;
use super::state::{FunctionCall, State, ToolRun};
use super::{OnToolFailure, ToOutside, ToolAct};
use crate::trace::{LimitName, On, StateName, StopReason};
use crate::units::SimTime;

impl Job {
    /// Whether calling this function is an effect. What nobody declared is treated as one.
    pub(super) fn is_consequential(&self, name: &str) -> bool {
        match self.plan().tools.get(name).map(|tool| &tool.act) {
            Some(ToolAct::Free | ToolAct::Once) => false,
            Some(ToolAct::Effect { .. }) | None => true,
        }
    }

    /// Whether a run of this tool that told nothing must not be repeated.
    pub(super) fn runs_once(&self, name: &str) -> bool {
        matches!(
            self.plan().tools.get(name).map(|tool| &tool.act),
            Some(ToolAct::Once)
        )
    }

    /// The turn asks for tools without consequence: all of them run.
    pub(super) fn use_tools(&mut self, ctx: &mut Context<'_>, calls: Vec<FunctionCall>) {
        let mut runs: Vec<ToolRun> = calls.into_iter().map(waiting).collect();
        for run in &mut runs {
            self.start_tool(ctx, run);
        }
        self.enter(ctx, On::ResponseToolCalls, State::UsingTools(runs));
    }

    pub(super) fn start_tool(&self, ctx: &mut Context<'_>, tool: &mut ToolRun) {
        tool.run = tool.run.saturating_add(1);
        tool.until = ctx.now + self.plan().limits.tool;
        ctx.outside(self.id, || ToOutside::RunTool {
            call: tool.call.clone(),
            run: tool.run,
            tool: tool.tool.clone(),
            arguments: tool.arguments.clone(),
        });
    }

    /// A tool answered.
    pub(super) fn tool_answered(
        &mut self,
        ctx: &mut Context<'_>,
        call: &str,
        run: u16,
        answer: &Result<Arc<str>, Arc<str>>,
    ) {
        let State::UsingTools(runs) = &mut self.state else {
            self.applying_tool_answered(ctx, call, run, answer);
            return;
        };
        let place = runs
            .iter()
            .position(|tool| &*tool.call == call && tool.run == run && tool.answer.is_none());
        let Some(place) = place else {
            self.late(ctx, "the answer of a tool that nobody waits for", None);
            return;
        };
        match answer {
            Ok(_) => runs[place].answer = Some(answer.clone()),
            Err(text) => {
                let text = text.clone();
                self.note_row(ctx, None, retry::TOOL_FAILED);
                self.tool_missed(ctx, place, text);
            }
        }
        self.tools_done(ctx);
    }

    /// The limit of a tool fired.
    pub(super) fn tool_timed_out(&mut self, ctx: &mut Context<'_>, due: SimTime) {
        let State::UsingTools(runs) = &self.state else {
            return;
        };
        let late = runs
            .iter()
            .position(|tool| tool.answer.is_none() && tool.until <= due);
        let Some(place) = late else { return };
        let tool = runs[place].clone();
        self.limit_fired(ctx, LimitName::Tool, self.plan().limits.tool, tool.until);
        self.note_row(ctx, None, retry::TOOL_TIMED_OUT);
        if self.runs_once(&tool.tool) {
            let why = cause(
                "tool_in_doubt",
                format!("the act of tool {} may have landed", tool.tool),
            );
            self.drop_tools(ctx);
            self.stop_retrying(ctx, StopReason::Operator);
            self.enter_for(ctx, On::ToolInDoubt, State::NeedsIntervention, why);
            return;
        }
        let (call, run) = (tool.call.clone(), tool.run);
        ctx.outside(self.id, || ToOutside::DropTool { call, run });
        self.tool_missed(ctx, place, format!("error: tool {} timed out", tool.tool).into());
        self.tools_done(ctx);
    }

    /// A run of a tool brought nothing: another run, or the end of its tries.
    fn tool_missed(&mut self, ctx: &mut Context<'_>, place: usize, text: Arc<str>) {
        let State::UsingTools(runs) = &self.state else {
            return;
        };
        let mut tool = runs[place].clone();
        let again = self
            .plan()
            .tools
            .get(&tool.tool)
            .is_some_and(|spec| tool.run <= spec.retries);
        if again {
            self.start_tool(ctx, &mut tool);
        } else {
            tool.answer = Some(Err(text));
        }
        if let State::UsingTools(runs) = &mut self.state {
            runs[place] = tool;
        }
    }

    /// Every tool has answered: the next turn, or the end.
    fn tools_done(&mut self, ctx: &mut Context<'_>) {
        let State::UsingTools(runs) = &self.state else {
            return;
        };
        if runs.iter().any(|tool| tool.answer.is_none()) {
            return;
        }
        let failed = runs
            .iter()
            .find(|tool| matches!(tool.answer, Some(Err(_))))
            .map(|tool| tool.tool.clone());
        let outputs: Vec<_> = runs.iter().filter_map(answered).collect();
        let Some(tool) = failed else {
            self.next_turn(ctx, On::OutputsReady, outputs.into());
            return;
        };
        let why = cause("tool_failed", format!("tool {tool} failed"));
        if self.plan().rules.tool_failure == OnToolFailure::Fail {
            self.stop_retrying(ctx, StopReason::Permanent);
            self.end(ctx, On::ToolFailed, StateName::Failed, Some(why));
        } else {
            self.cause = Some(why);
            self.next_turn(ctx, On::ToolFailed, outputs.into());
        }
    }

    /// Nobody waits for the tools of this turn any more.
    pub(super) fn drop_tools(&self, ctx: &mut Context<'_>) {
        let State::UsingTools(runs) = &self.state else {
            return;
        };
        for tool in runs.iter().filter(|tool| tool.answer.is_none()) {
            ctx.outside(self.id, || ToOutside::DropTool {
                call: tool.call.clone(),
                run: tool.run,
            });
        }
    }
}

/// A call that waits for its first run.
pub(super) fn waiting(call: FunctionCall) -> ToolRun {
    let FunctionCall {
        call,
        name,
        arguments,
    } = call;
    ToolRun {
        call,
        tool: name,
        arguments,
        run: 0,
        until: SimTime::NEVER,
        answer: None,
    }
}

fn answered(tool: &ToolRun) -> Option<crate::wire::InputItem> {
    let (Ok(text) | Err(text)) = tool.answer.as_ref()?;
    Some(output_item(&tool.call, text))
}
