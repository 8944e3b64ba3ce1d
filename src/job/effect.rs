//! Effects: one act after another, each with its grant and its key.

use std::sync::Arc;

use super::approve::mcp_answer;
use super::follow::output_item;
use super::machine::{Context, Fenced, Job, cause};
use super::retry;
use super::state::{ApplyPhase, Applying, Doing, State};
use super::{Act, SinkAnswer, SinkClass, Then, ToOutside, ToolAct};
use crate::rng::Purpose;
use crate::trace::{Cause, LimitName, On, StopReason};
use crate::units::SimTime;
use crate::wire::InputItem;

impl Job {
    /// Starts the first thing that is left to do, or finishes the turn.
    pub(super) fn apply_next(&mut self, ctx: &mut Context<'_>) {
        let State::Applying(applying) = &self.state else {
            return;
        };
        let mut applying = applying.clone();
        // Answers to the service release their acts together with the next turn; here they only line up.
        while let Some(Doing::Mcp { request, .. }) = applying.todo.first() {
            applying.outputs.push(mcp_answer(&request.clone(), None));
            applying.todo.remove(0);
            applying.grants.remove(0);
        }
        applying.run = 0;
        applying.misses = 0;
        let finished = applying.todo.is_empty();
        self.state = State::Applying(applying);
        if finished {
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
        applying.run += 1;
        let run = applying.run;
        applying.phase = ApplyPhase::Receipt { until };
        match applying.todo.first_mut() {
            Some(Doing::Effect(act)) => {
                let (act, grant) = (act.clone(), applying.grants[0].clone());
                let key = self.idempotency_key(&act);
                ctx.outside(self.id, ToOutside::Apply { act, key, run, grant });
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
        if let State::Applying(applying) = &mut self.state {
            applying.todo.remove(0);
            applying.grants.remove(0);
            applying.outputs.push(output_item(&act.call, receipt));
            applying.last_receipt = last.then(|| receipt.clone());
        }
        self.apply_next(ctx);
    }

    /// Nothing landed: the same key again after a while, as often as the kind allows.
    fn not_landed(&mut self, ctx: &mut Context<'_>, why: Cause) {
        let rules = self.plan().retry;
        let State::Applying(applying) = &self.state else {
            return;
        };
        let mut applying = applying.clone();
        applying.misses += 1;
        if applying.misses > rules.effect_tries {
            self.stop_retrying(ctx, StopReason::Attempts);
            self.enter_for(ctx, On::EffectNotLandedPermanent, State::NeedsIntervention, why);
            return;
        }
        let ceiling = retry::ceiling(&rules, u32::from(applying.misses - 1));
        let index = (1 << 20) | (u64::from(self.turn) << 8) | u64::from(applying.misses);
        let delay = retry::jitter(ctx.seed, Purpose::Backoff, self.id, index, ceiling);
        applying.phase = ApplyPhase::Again {
            due: (ctx.now + delay).max(ctx.now.next()),
        };
        self.enter_for(ctx, On::EffectNotLandedRetryable, State::Applying(applying), why);
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
            self.applying_tool_missed(ctx, &Arc::from("error: the tool timed out"));
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
        applying.misses += 1;
        let exhausted = applying.misses > tries;
        match class {
            SinkClass::IdempotentByKey if !exhausted => self.apply_again(ctx),
            SinkClass::Queryable if !exhausted => {
                applying.run += 1;
                applying.phase = ApplyPhase::Query { until };
                ctx.outside(
                    id,
                    ToOutside::QuerySink {
                        sink,
                        key,
                        run: applying.run,
                    },
                );
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
            Err(text) => self.applying_tool_missed(ctx, text),
        }
    }

    fn applying_tool_missed(&mut self, ctx: &mut Context<'_>, text: &Arc<str>) {
        let State::Applying(applying) = &self.state else {
            return;
        };
        let Some(Doing::Tool(tool)) = applying.todo.first() else {
            return;
        };
        let tool = tool.clone();
        let run = applying.run;
        ctx.outside(
            self.id,
            ToOutside::DropTool {
                call: tool.call.clone(),
                run,
            },
        );
        self.note_row(ctx, None, retry::TOOL_FAILED);
        if self
            .plan()
            .tools
            .get(&tool.tool)
            .is_some_and(|spec| run <= spec.retries)
        {
            self.apply_again(ctx);
        } else {
            self.applying_tool_done(ctx, text);
        }
    }

    fn applying_tool_done(&mut self, ctx: &mut Context<'_>, text: &Arc<str>) {
        if let State::Applying(applying) = &mut self.state {
            if let Doing::Tool(tool) = applying.todo.remove(0) {
                applying.outputs.push(output_item(&tool.call, text));
            }
        }
        self.apply_next(ctx);
    }

    /// Everything the turn asked for is done: the model goes on, or the receipt is the result.
    fn turn_applied(&mut self, ctx: &mut Context<'_>) {
        let State::Applying(applying) = &self.state else {
            return;
        };
        let Applying {
            outputs,
            last_receipt,
            ..
        } = (**applying).clone();
        let releases = outputs
            .iter()
            .any(|item| matches!(item, InputItem::McpApprovalResponse { approve: true, .. }));
        if let Some(receipt) = last_receipt.filter(|_| !releases) {
            self.capture(ctx, On::EffectReceiptLast, &receipt, false, None);
            return;
        }
        self.turn_is_fenced = if releases { Fenced::No } else { Fenced::Yes };
        self.next_turn(ctx, On::EffectReceiptMoreTurns, outputs.into());
    }
}
