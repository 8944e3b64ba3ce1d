//! The approval boundary: asking, deciding, granting.

use std::sync::Arc;

use super::act;
use super::machine::{Context, Job, cause};
use super::state::{ApplyPhase, Applying, Doing, FunctionCall, Pending, State};
use super::tools::waiting;
use super::{
    Act, ApprovalRequest, ApprovalVerdict, Decision, Grant, OnDenial, OwnApproval, RosterEntry, ToOutside,
    ToolAct,
};
use crate::trace::{JobEvent, LimitName, On, Principal, StateName, StopReason};
use crate::units::SimTime;
use crate::wire::{InputItem, Item, Response};

impl Job {
    /// The turn asks for effects: nothing of it is done before somebody approves.
    pub(super) fn ask_approval(
        &mut self,
        ctx: &mut Context<'_>,
        response: &Response,
        calls: Vec<FunctionCall>,
    ) {
        let mut todo = Vec::new();
        let mut outputs = Vec::new();
        for call in calls {
            match self.doing(&call) {
                Ok(doing) => todo.push(doing),
                Err(refused) => outputs.push(super::follow::output_item(&call.call, &refused)),
            }
        }
        for item in response.output.iter() {
            if let Item::McpApprovalRequest {
                id,
                server_label,
                name,
                arguments,
            } = item
            {
                let request = id.into();
                match self.act(&request, server_label, name, arguments) {
                    Ok(act) => todo.push(Doing::Mcp { request, act }),
                    Err(refused) => outputs.push(mcp_answer(&request, Some(refused))),
                }
            }
        }
        if todo.iter().all(|doing| doing.act().is_none()) {
            // Every act was refused for what it says; the model is told, and the tools beside them run.
            self.refuse_acts(ctx, todo, outputs);
            return;
        }
        let pending = self.request(ctx, todo, outputs, None, (ctx.now, 0));
        self.enter(
            ctx,
            On::ResponseNeedsApproval,
            State::AwaitingApproval(Box::new(pending)),
        );
    }

    fn refuse_acts(&mut self, ctx: &mut Context<'_>, todo: Vec<Doing>, outputs: Vec<InputItem>) {
        self.enter(ctx, On::ResponseToolCalls, State::UsingTools(Vec::new()));
        let mut outputs = outputs;
        for doing in todo {
            if let Doing::Tool(tool) = doing {
                outputs.push(super::follow::output_item(
                    &tool.call,
                    &Arc::from("not run: the turn was refused"),
                ));
            }
        }
        self.cause = Some(cause(
            "act_refused",
            "an act could not be put into canonical form",
        ));
        self.next_turn(ctx, On::ToolFailed, outputs.into());
    }

    /// What a call asks for; or, as text for the model, why it is refused.
    fn doing(&self, call: &FunctionCall) -> Result<Doing, Arc<str>> {
        match self.plan().tools.get(&call.name).map(|tool| &tool.act) {
            Some(ToolAct::Free | ToolAct::Once) => Ok(Doing::Tool(waiting(call.clone()))),
            Some(ToolAct::Effect { sink, .. }) => self
                .act(&call.call, sink, &call.name, &call.arguments)
                .map(Doing::Effect),
            // Nobody declared it: it is gated, and no sink of ours carries its name.
            None => self
                .act(&call.call, &call.name, &call.name, &call.arguments)
                .map(Doing::Effect),
        }
    }

    fn act(
        &self,
        call: &Arc<str>,
        sink: &Arc<str>,
        operation: &Arc<str>,
        arguments: &Arc<str>,
    ) -> Result<Act, Arc<str>> {
        let digest = act::digest(sink, operation, arguments)
            .map_err(|error| Arc::from(format!("error: the arguments are refused: {error}")))?;
        Ok(Act {
            call: call.clone(),
            sink: sink.clone(),
            operation: operation.clone(),
            arguments: arguments.clone(),
            digest,
        })
    }

    /// Asks; from `since` on the execution limits stand still, and the first act was tried `runs` times before.
    fn request(
        &mut self,
        ctx: &mut Context<'_>,
        todo: Vec<Doing>,
        outputs: Vec<InputItem>,
        supersedes: Option<Arc<str>>,
        (since, runs): (SimTime, u16),
    ) -> Pending {
        self.requests = self.requests.saturating_add(1);
        let rule = &self.plan().approval;
        let request = Arc::new(ApprovalRequest {
            id: format!("{}.a{}", self.id.0, self.requests).into(),
            job: self.id,
            acts: todo.iter().filter_map(Doing::act).cloned().collect(),
            role: rule.role.clone(),
            quorum: self.quorum,
            supersedes,
        });
        let expires = ctx.now + self.plan().limits.approval_request;
        ctx.notes.note(ctx.now, self.id, || JobEvent::ApprovalRequested {
            approval: request.id.clone(),
            digests: digests(&request),
            expires,
            supersedes: request.supersedes.clone(),
            quorum: request.quorum,
        });
        ctx.outside(self.id, || ToOutside::AskApproval(request.clone()));
        Pending {
            request,
            expires,
            approvals: Vec::new(),
            todo,
            outputs,
            since,
            runs,
        }
    }

    pub(super) fn close_request(&self, ctx: &mut Context<'_>, approval: &Arc<str>, how: &'static str) {
        ctx.notes.note(ctx.now, self.id, || JobEvent::ApprovalClosed {
            approval: approval.clone(),
            how,
        });
        ctx.outside(self.id, || ToOutside::CloseApproval {
            approval: approval.clone(),
        });
    }

    /// Takes the pending request out; the caller moves the job on in the same step.
    fn take_pending(&mut self) -> Option<Pending> {
        match &self.state {
            State::AwaitingApproval(pending) => Some((**pending).clone()),
            _ => None,
        }
    }

    /// Somebody decided.
    pub(super) fn decided(
        &mut self,
        ctx: &mut Context<'_>,
        Decision {
            approval,
            by,
            verdict,
            digests,
            ..
        }: &Decision,
    ) {
        if let Some(why) = self.refusal(ctx, approval, by, verdict, digests) {
            self.decision_refused(ctx, approval, by, why);
            return;
        }
        let Some(mut pending) = self.take_pending() else {
            return;
        };
        match verdict {
            ApprovalVerdict::Approve => {
                pending.approvals.push(human(ctx.roster, by).clone());
                if pending.approvals.len() < usize::from(pending.request.quorum) {
                    self.state = State::AwaitingApproval(Box::new(pending));
                } else {
                    self.approved(ctx, pending, by);
                }
            }
            ApprovalVerdict::Deny => self.denied(ctx, pending, by),
            ApprovalVerdict::Edit { act, arguments } => {
                self.edited(ctx, pending, usize::from(*act), arguments, by)
            }
        }
    }

    fn decision_refused(
        &self,
        ctx: &mut Context<'_>,
        approval: &Arc<str>,
        by: &Principal,
        why: &'static str,
    ) {
        ctx.notes.note(ctx.now, self.id, || JobEvent::DecisionRefused {
            approval: approval.clone(),
            by: by.clone(),
            why,
        });
    }

    /// Why a decision does not count, if it does not.
    fn refusal(
        &self,
        ctx: &Context<'_>,
        approval: &str,
        by: &Principal,
        verdict: &ApprovalVerdict,
        shown: &[Arc<str>],
    ) -> Option<&'static str> {
        let State::AwaitingApproval(pending) = &self.state else {
            return Some("closed");
        };
        if *pending.request.id != *approval {
            return Some("superseded");
        }
        let Some(entry) = ctx.roster.iter().find(|entry| entry.name == *by) else {
            return Some("not on the roster");
        };
        if !entry.roles.contains(&pending.request.role) {
            return Some("role");
        }
        let requester = &self.requester;
        let own = by == requester || human(ctx.roster, by) == requester;
        if own && self.plan().approval.own == OwnApproval::Refused {
            return Some("own request");
        }
        // One human counts once; to say no after a yes is always possible.
        let counted = pending.approvals.contains(human(ctx.roster, by));
        if counted && *verdict == ApprovalVerdict::Approve {
            return Some("decided already");
        }
        if shown != digests(&pending.request) {
            return Some("digest");
        }
        None
    }

    /// The quorum is reached: grants are issued and consumed in this step, and the first act starts.
    fn approved(&mut self, ctx: &mut Context<'_>, pending: Pending, by: &Principal) {
        let approval = pending.request.id.clone();
        self.close_request(ctx, &approval, "approved");
        self.execution_clock_goes_on(ctx, pending.since);
        let expires = ctx.now + self.plan().limits.grant;
        let grant = |(act, n): (&Act, u16)| Grant {
            id: format!("{approval}.g{n}").into(),
            approval: approval.clone(),
            digest: act.digest.clone(),
            expires,
        };
        let grants: Vec<Grant> = pending.request.acts.iter().zip(1..).map(grant).collect();
        for grant in &grants {
            ctx.notes.note(ctx.now, self.id, || JobEvent::GrantConsumed {
                grant: grant.id.clone(),
                approval: grant.approval.clone(),
                digest: grant.digest.clone(),
                expires: grant.expires,
            });
        }
        let applying = Applying {
            approval,
            todo: pending.todo,
            grants,
            outputs: pending.outputs,
            run: pending.runs,
            misses: 0,
            phase: ApplyPhase::Again { due: SimTime::NEVER },
            last_receipt: None,
        };
        self.enter_by(
            ctx,
            On::Approved,
            State::Applying(Box::new(applying)),
            None,
            Some(by.clone()),
        );
        self.apply_next(ctx);
    }

    /// The execution limits go on where they stood still.
    fn execution_clock_goes_on(&mut self, ctx: &Context<'_>, since: SimTime) {
        let waited = ctx.now.since(since);
        for until in [&mut self.attempt_until, &mut self.attempts_until] {
            if *until != SimTime::NEVER {
                *until += waited;
            }
        }
    }

    fn denied(&mut self, ctx: &mut Context<'_>, pending: Pending, by: &Principal) {
        self.close_request(ctx, &pending.request.id, "denied");
        let reason = Arc::<str>::from(format!("denied by {}", by.0));
        let outputs: Vec<InputItem> = denial(&pending, &reason);
        let why = cause("denied", reason);
        if self.plan().rules.denial == OnDenial::Replan {
            self.execution_clock_goes_on(ctx, pending.since);
            self.cause = Some(why);
            self.next_turn(ctx, On::DeniedReplan, outputs.into());
            return;
        }
        self.stop_retrying(ctx, StopReason::Operator);
        let asked_by_service = outputs
            .iter()
            .any(|item| matches!(item, InputItem::McpApprovalResponse { .. }));
        self.cause = Some(why.clone());
        self.enter_by(
            ctx,
            On::Denied,
            State::Ended(StateName::Denied),
            Some(why),
            Some(by.clone()),
        );
        if asked_by_service {
            // The service waits for its answer too; what comes back is evidence.
            self.turn = self.turn.saturating_add(1);
            self.turn_input = outputs.into();
            self.previous = self.asking.take();
            self.send_create(ctx);
        }
    }

    fn edited(
        &mut self,
        ctx: &mut Context<'_>,
        pending: Pending,
        place: usize,
        arguments: &Arc<str>,
        by: &Principal,
    ) {
        let mut todo = pending.todo.clone();
        let target = todo.iter_mut().filter_map(Doing::act_mut).nth(place);
        let edited = target.and_then(|act| {
            let digest = act::digest(&act.sink, &act.operation, arguments).ok()?;
            act.arguments = arguments.clone();
            act.digest = digest;
            Some(())
        });
        if edited.is_none() {
            let why = "the edited arguments cannot be put into canonical form";
            self.decision_refused(ctx, &pending.request.id, by, why);
            return;
        }
        self.ask_again(ctx, On::Edited, &pending, todo, Some(by.clone()));
    }

    /// Policy or target changed: a question that waits is void, and what is asked from now on follows the stricter
    /// of old and new.
    pub(super) fn reevaluate(&mut self, ctx: &mut Context<'_>, why: &Arc<str>, quorum: Option<u16>) {
        self.quorum = self.quorum.max(quorum.unwrap_or(1));
        let Some(pending) = self.take_pending() else {
            self.late(ctx, "a change that concerns no pending approval", None);
            return;
        };
        self.cause = Some(cause("reevaluated", why.clone()));
        let todo = pending.todo.clone();
        self.ask_again(ctx, On::Reevaluate, &pending, todo, None);
    }

    fn ask_again(
        &mut self,
        ctx: &mut Context<'_>,
        on: On,
        old: &Pending,
        todo: Vec<Doing>,
        by: Option<Principal>,
    ) {
        self.close_request(ctx, &old.request.id, "superseded");
        let supersedes = Some(old.request.id.clone());
        let pending = self.request(ctx, todo, old.outputs.clone(), supersedes, (old.since, old.runs));
        self.enter_by(ctx, on, State::AwaitingApproval(Box::new(pending)), None, by);
    }

    /// Nobody answered in time. Silence is never consent.
    pub(super) fn request_expired(&mut self, ctx: &mut Context<'_>, due: SimTime) {
        let Some(pending) = self.take_pending() else {
            return;
        };
        self.limit_fired(
            ctx,
            LimitName::ApprovalRequest,
            self.plan().limits.approval_request,
            due,
        );
        self.close_request(ctx, &pending.request.id, "expired");
        self.stop_retrying(ctx, StopReason::Operator);
        let why = cause(
            "limit:approval_request",
            "nobody decided in time, and silence is no consent",
        );
        self.end(ctx, On::RequestExpired, StateName::Expired, Some(why));
    }

    /// The requester took the request back.
    pub(super) fn withdrawn(&mut self, ctx: &mut Context<'_>, approval: &Arc<str>, by: &Principal) {
        let current =
            matches!(&self.state, State::AwaitingApproval(pending) if pending.request.id == *approval);
        if !current || *by != self.requester {
            let why = if current { "not the requester" } else { "closed" };
            self.decision_refused(ctx, approval, by, why);
            return;
        }
        self.close_request(ctx, approval, "withdrawn");
        self.stop_retrying(ctx, StopReason::Cancel);
        let why = cause("withdrawn", "the requester took the request back");
        self.enter_by(
            ctx,
            On::Withdrawn,
            State::Ended(StateName::Cancelled),
            Some(why),
            Some(by.clone()),
        );
    }

    /// The sink did not take the grant: the acts that are left are asked for again.
    pub(super) fn grant_refused(&mut self, ctx: &mut Context<'_>, why: &Arc<str>) {
        let State::Applying(applying) = &self.state else {
            return;
        };
        let (todo, outputs) = (applying.todo.clone(), applying.outputs.clone());
        let supersedes = Some(applying.approval.clone());
        let runs = applying.run;
        let pending = self.request(ctx, todo, outputs, supersedes, (ctx.now, runs));
        let why = cause(
            &format!("grant_refused:{why}"),
            format!("the sink refused the grant ({why})"),
        );
        self.enter_for(
            ctx,
            On::GrantRefused,
            State::AwaitingApproval(Box::new(pending)),
            why,
        );
    }
}

/// The human behind a principal: the one it acts for, or itself.
pub(super) fn human<'a>(roster: &'a [RosterEntry], by: &'a Principal) -> &'a Principal {
    let entry = roster.iter().find(|entry| entry.name == *by);
    entry.and_then(|entry| entry.acts_for.as_ref()).unwrap_or(by)
}

/// The digests of a request, in order.
pub(super) fn digests(request: &ApprovalRequest) -> Vec<Arc<str>> {
    request.acts.iter().map(|act| act.digest.clone()).collect()
}

/// The answer to a request of the service; a reason means no.
pub(super) fn mcp_answer(request: &Arc<str>, reason: Option<Arc<str>>) -> InputItem {
    InputItem::McpApprovalResponse {
        approval_request_id: request.clone(),
        approve: reason.is_none(),
        reason,
    }
}

fn denial(pending: &Pending, reason: &Arc<str>) -> Vec<InputItem> {
    let mut outputs = pending.outputs.clone();
    outputs.extend(pending.todo.iter().map(|doing| match doing {
        Doing::Effect(act) => super::follow::output_item(&act.call, reason),
        Doing::Mcp { request, .. } => mcp_answer(request, Some(reason.clone())),
        Doing::Tool(tool) => {
            super::follow::output_item(&tool.call, &Arc::from("not run: the turn was denied"))
        }
    }));
    outputs
}
