//! Effects: one act after another, each with its grant and its key.

use std::sync::Arc;

use super::approve::mcp_answer;
use super::follow::output_item;
use super::machine::{Context, Job, cause};
use super::retry;
use super::state::{ApplyPhase, Doing, State};
use super::{Act, SinkAnswer, SinkClass, Then, ToOutside, ToolAct};
use crate::rng::Purpose;
use crate::trace::{Cause, LimitName, On, StopReason};
use crate::units::SimTime;
use crate::wire::InputItem;

impl Job {
    /// Starts the first thing that is left to do, or finishes the turn.
    pub(super) fn apply_next(&mut self, ctx: &mut Context<'_>) {
        let State::Applying(applying) = &mut self.state else {
            return;
        };
        // Answers to the service release their acts together with the next turn; here they only line up.
        while let Some(Doing::Mcp { request, .. }) = applying.todo.first() {
            applying.outputs.push(mcp_answer(request, None));
            applying.todo.remove(0);
            applying.grants.remove(0);
        }
        if applying.todo.is_empty() {
            self.turn_applied(ctx);
        } else {
            self.apply_again(ctx);
        }
    }

    /// Tries the act under way (again), with the same grant and key.
    pub(super) fn apply_again(&mut self, ctx: &mut Context<'_>) {
        let until = ctx.now + self.plan().limits.tool;
        let State::Applying(applying) = &mut self.state else {
            return;
        };
        applying.run = applying.run.saturating_add(1);
        applying.phase = ApplyPhase::Receipt { until };
        let run = applying.run;
        match applying.todo.first() {
            Some(Doing::Effect(act)) => {
                let (act, grant) = (Box::new(act.clone()), Box::new(applying.grants[0].clone()));
                let key = self.idempotency_key(&act);
                ctx.outside(self.id, || ToOutside::Apply { act, key, run, grant });
            }
            Some(Doing::Tool(tool)) => {
                let mut tool = tool.clone();
                tool.run = run - 1;
                self.start_tool(ctx, &mut tool);
            }
            Some(Doing::Mcp { .. }) | None => {}
        }
    }

    /// The idempotency key of an act: the same for every try of it.
    fn idempotency_key(&self, act: &Act) -> Arc<str> {
        format!("{}.{}.{}", self.id.0, self.turn, act.call).into()
    }

    /// What the sink of an act can promise; what nobody declared promises nothing.
    fn class(&self, act: &Act) -> SinkClass {
        match self.plan().tools.get(&act.operation).map(|tool| &tool.act) {
            Some(ToolAct::Effect { class, .. }) => *class,
            _ => SinkClass::Neither,
        }
    }

    fn current_act(&self) -> Option<Act> {
        match &self.state {
            State::Applying(applying) => applying.todo.first().and_then(Doing::act).cloned(),
            _ => None,
        }
    }

    /// A sink answered.
    pub(super) fn sink_answered(&mut self, ctx: &mut Context<'_>, key: &str, run: u16, answer: &SinkAnswer) {
        let current = self
            .current_act()
            .filter(|act| *self.idempotency_key(act) == *key);
        let awaited = matches!(&self.state, State::Applying(applying) if applying.run == run
            && !matches!(applying.phase, ApplyPhase::Again { .. }));
        let Some(act) = current.filter(|_| awaited) else {
            self.late(ctx, "the answer of a sink that nobody waits for", None);
            return;
        };
        match answer {
            SinkAnswer::Landed { receipt }
            | SinkAnswer::Found {
                receipt: Some(receipt),
            } => {
                self.landed(ctx, &act, receipt);
            }
            SinkAnswer::Found { receipt: None } => self.apply_again(ctx),
            SinkAnswer::GrantRefused { why } => self.grant_refused(ctx, why),
            SinkAnswer::NotLanded { why } => {
                self.note_row(ctx, None, retry::EFFECT_NOT_LANDED);
                let why = cause(
                    "effect_not_landed",
                    format!("sink {} did not take the effect: {why}", act.sink),
                );
                self.not_landed(ctx, why);
            }
            SinkAnswer::Impossible { why } => {
                let why = cause(
                    "effect_refused",
                    format!("sink {} refused the effect for good: {why}", act.sink),
                );
                self.stop_retrying(ctx, StopReason::Permanent);
                self.enter_for(ctx, On::EffectNotLandedPermanent, State::NeedsIntervention, why);
            }
        }
    }

    fn landed(&mut self, ctx: &mut Context<'_>, act: &Act, receipt: &Arc<str>) {
        let last = matches!(
            self.plan().tools.get(&act.operation).map(|tool| &tool.act),
            Some(ToolAct::Effect { then: Then::Last, .. })
        );
        self.landed = self.landed.saturating_add(1);
        if let State::Applying(applying) = &mut self.state {
            applying.todo.remove(0);
            applying.grants.remove(0);
            applying.outputs.push(output_item(&act.call, receipt));
            (applying.run, applying.misses) = (0, 0);
            applying.last_receipt = last.then(|| receipt.clone());
        }
        self.apply_next(ctx);
    }

    /// Nothing landed: the same key again after a while, as often as the kind allows.
    fn not_landed(&mut self, ctx: &mut Context<'_>, why: Cause) {
        let rules = self.plan().retry;
        let State::Applying(applying) = &mut self.state else {
            return;
        };
        applying.misses = applying.misses.saturating_add(1);
        let misses = applying.misses;
        if misses > rules.effect_tries {
            self.stop_retrying(ctx, StopReason::Attempts);
            self.enter_for(ctx, On::EffectNotLandedPermanent, State::NeedsIntervention, why);
            return;
        }
        let ceiling = retry::ceiling(&rules, u32::from(misses - 1));
        let index = (1 << 32) | (u64::from(self.turn) << 16) | u64::from(misses);
        let delay = retry::jitter(ctx.shared.seed, Purpose::Backoff, self.id, index, ceiling);
        applying.phase = ApplyPhase::Again {
            due: (ctx.now + delay).max(ctx.now.next()),
        };
        let same = State::Applying(applying.clone());
        self.enter_for(ctx, On::EffectNotLandedRetryable, same, why);
    }

    /// What was awaited of an effect did not come in time, or its next try is due.
    pub(super) fn apply_due(&mut self, ctx: &mut Context<'_>) {
        let State::Applying(applying) = &self.state else {
            return;
        };
        match applying.phase {
            ApplyPhase::Again { .. } => self.apply_again(ctx),
            ApplyPhase::Receipt { until } | ApplyPhase::Query { until } => self.receipt_lost(ctx, until),
        }
    }

    fn receipt_lost(&mut self, ctx: &mut Context<'_>, due: SimTime) {
        self.limit_fired(ctx, LimitName::Tool, self.plan().limits.tool, due);
        let Some(act) = self.current_act() else {
            self.applying_tool_silent(ctx);
            return;
        };
        let tries = self.plan().retry.effect_tries;
        let until = ctx.now + self.plan().limits.tool;
        let class = self.class(&act);
        self.note_row(ctx, None, retry::effect_lost(class));
        let key = self.idempotency_key(&act);
        let (id, sink) = (self.id, act.sink.clone());
        let State::Applying(applying) = &mut self.state else {
            return;
        };
        applying.misses = applying.misses.saturating_add(1);
        let exhausted = applying.misses > tries;
        match class {
            SinkClass::IdempotentByKey if !exhausted => self.apply_again(ctx),
            SinkClass::Queryable if !exhausted => {
                applying.run = applying.run.saturating_add(1);
                applying.phase = ApplyPhase::Query { until };
                ctx.outside(id, || ToOutside::QuerySink {
                    sink,
                    key,
                    run: applying.run,
                });
            }
            SinkClass::IdempotentByKey | SinkClass::Queryable | SinkClass::Neither => {
                let why = cause(
                    "effect_in_doubt",
                    format!("the effect at sink {sink} may have landed"),
                );
                self.stop_retrying(ctx, StopReason::Operator);
                self.enter_for(ctx, On::EffectInDoubt, State::NeedsIntervention, why);
            }
        }
    }

    /// A tool beside the effects of a turn answered.
    pub(super) fn applying_tool_answered(
        &mut self,
        ctx: &mut Context<'_>,
        call: &str,
        run: u16,
        answer: &Result<Arc<str>, Arc<str>>,
    ) {
        let awaited = matches!(&self.state, State::Applying(applying) if applying.run == run
            && matches!(applying.todo.first(), Some(Doing::Tool(tool)) if &*tool.call == call));
        if !awaited {
            self.late(ctx, "the answer of a tool that nobody waits for", None);
            return;
        }
        match answer {
            Ok(text) => self.applying_tool_done(ctx, text),
            Err(text) => {
                self.note_row(ctx, None, retry::TOOL_FAILED);
                self.applying_tool_missed(ctx, text);
            }
        }
    }

    /// A tool beside the effects of a turn said nothing in time.
    fn applying_tool_silent(&mut self, ctx: &mut Context<'_>) {
        let State::Applying(applying) = &self.state else {
            return;
        };
        let Some(Doing::Tool(tool)) = applying.todo.first() else {
            return;
        };
        let (call, name, run) = (tool.call.clone(), tool.tool.clone(), applying.run);
        ctx.outside(self.id, || ToOutside::DropTool { call, run });
        self.note_row(ctx, None, retry::TOOL_TIMED_OUT);
        if self.runs_once(&name) {
            let why = cause("tool_in_doubt", format!("the act of tool {name} may have landed"));
            self.stop_retrying(ctx, StopReason::Operator);
            self.enter_for(ctx, On::EffectInDoubt, State::NeedsIntervention, why);
            return;
        }
        self.applying_tool_missed(ctx, &format!("error: tool {name} timed out").into());
    }

    /// A run of a tool brought nothing: another run, or the end of its tries.
    fn applying_tool_missed(&mut self, ctx: &mut Context<'_>, text: &Arc<str>) {
        let State::Applying(applying) = &self.state else {
            return;
        };
        let Some(Doing::Tool(tool)) = applying.todo.first() else {
            return;
        };
        let again = self
            .plan()
            .tools
            .get(&tool.tool)
            .is_some_and(|spec| applying.run <= spec.retries);
        if again {
            self.apply_again(ctx);
        } else {
            self.applying_tool_done(ctx, text);
        }
    }

    fn applying_tool_done(&mut self, ctx: &mut Context<'_>, text: &Arc<str>) {
        if let State::Applying(applying) = &mut self.state
            && let Doing::Tool(tool) = applying.todo.remove(0)
        {
            applying.outputs.push(output_item(&tool.call, text));
            (applying.run, applying.misses) = (0, 0);
        }
        self.apply_next(ctx);
    }

    /// Everything the turn asked for is done: the model goes on, or the receipt is the result.
    fn turn_applied(&mut self, ctx: &mut Context<'_>) {
        let State::Applying(applying) = &mut self.state else {
            return;
        };
        let outputs = std::mem::take(&mut applying.outputs);
        let last_receipt = applying.last_receipt.take();
        let releases = outputs
            .iter()
            .any(|item| matches!(item, InputItem::McpApprovalResponse { .. }));
        match last_receipt.filter(|_| !releases) {
            Some(receipt) => self.capture(ctx, On::EffectReceiptLast, &receipt, false, None),
            None => self.next_turn(ctx, On::EffectReceiptMoreTurns, outputs.into()),
        }
    }
}
