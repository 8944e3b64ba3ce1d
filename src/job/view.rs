//! What a user and an operator are shown: pure functions of the core.

use std::sync::Arc;

use super::machine::{Context, Job, LookFailed};
use super::state::{Capture, State};
use super::{Glance, ToOutside, Viewers};
use crate::trace::{Audience, Execution, Liveness, Principal, RuntimeEvent, StateName, Verb, View};
use crate::units::SimTime;

/// What of the view that was shown last makes another one new; the clock alone does not.
///
/// The view itself goes to those who look at it: where many jobs are in flight, keeping one for each would be most of what a
/// job holds.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    since: SimTime,
    next_event: Option<SimTime>,
    cause: Option<Arc<str>>,
    progress: u32,
    attempt: u16,
    request: u16,
    state: StateName,
    liveness: Liveness,
    execution: Execution,
}

impl Job {
    /// The verdict of the evidence at `now`.
    pub(super) fn liveness(&self, now: SimTime) -> Liveness {
        if !matches!(self.state, State::Running(_)) {
            return match self.state.name() {
                StateName::Dispatching
                | StateName::UsingTools
                | StateName::Applying
                | StateName::Finalizing => Liveness::Fresh,
                StateName::InDoubt | StateName::Cancelling => Liveness::StatusUnknown,
                _ => Liveness::Resting,
            };
        }
        let patience = self.plan().patience;
        let still = now.since(self.progressed_at);
        match () {
            () if now > self.lost_at() => Liveness::Lost,
            () if still > patience.stalled => Liveness::Stalled,
            () if self.look_failed == LookFailed::Yes => Liveness::StatusUnknown,
            () if still > patience.quiet => Liveness::Quiet,
            () => Liveness::Fresh,
        }
    }

    fn next_event(&self) -> Option<(SimTime, &'static str)> {
        match &self.state {
            State::Accepted | State::Queued if self.attempt == 0 => {
                Some((self.queue_until(), "the queue limit"))
            }
            State::RetryWait { due } => Some((*due, "the next attempt")),
            State::AwaitingApproval(pending) => Some((pending.expires, "the approval request expires")),
            State::InDoubt { give_up, .. } => Some((*give_up, "the doubt is put to an operator")),
            State::Cancelling(cancelling) => Some((cancelling.give_up, "the cancel limit")),
            State::Finalizing(capture) => match capture {
                Capture::Reading { give_up, .. } => Some((*give_up, "the capture limit")),
                Capture::Storing { .. } => None,
            },
            State::NeedsIntervention | State::Ended(_) => None,
            _ => Some((self.deadline, "the deadline")),
        }
    }

    /// Whether what was last shown is what would be shown now.
    fn is_shown(&self, liveness: Liveness, next_event: Option<SimTime>) -> bool {
        let Some(shown) = &self.shown else {
            return false;
        };
        shown.state == self.state.name()
            && shown.since == self.since
            && shown.liveness == liveness
            && shown.attempt == self.attempt
            && shown.next_event == next_event
            && shown.progress == self.items
            && shown.execution == self.execution
            && shown.request == self.requests
            && shown.cause.as_ref() == self.cause.as_ref().map(|cause| &cause.code)
    }

    /// Shows what has changed since it was last shown.
    pub(super) fn show(&mut self, ctx: &mut Context<'_>) {
        let (liveness, next) = (self.liveness(ctx.now), self.next_event());
        if self.is_shown(liveness, next.map(|(at, _)| at)) {
            return;
        }
        let is_parked = matches!(self.state, State::NeedsIntervention);
        let before = self.shown.replace(Shown {
            since: self.since,
            next_event: next.map(|(at, _)| at),
            cause: self.cause.as_ref().map(|cause| cause.code.clone()),
            progress: self.items,
            attempt: self.attempt,
            request: self.requests,
            state: self.state.name(),
            liveness,
            execution: self.execution,
        });
        let was_parked = before.is_some_and(|before| before.state == StateName::NeedsIntervention);
        if ctx.notes.is_on() || is_parked {
            let view = Arc::new(self.view(liveness, next));
            return self.show_whole(ctx, (is_parked, was_parked), &view);
        }
        if was_parked {
            return self.show_apart(ctx, (self.glance(), self.glance()));
        }
        ctx.outside(self.id, || ToOutside::Show {
            to: Viewers::Both,
            view: self.glance(),
        });
    }

    /// Of the view, what people act on.
    #[inline]
    fn glance(&self) -> Glance {
        Glance {
            state: self.state.name(),
            since: self.since,
            progress: self.items,
            result: self.result.clone(),
            parked: None,
        }
    }

    /// Of what is shown in one tick, that for operators comes last: the end of a parking must not come before it.
    fn show_apart(&self, ctx: &mut Context<'_>, (for_user, for_operator): (Glance, Glance)) {
        for (to, view) in [(Viewers::User, for_user), (Viewers::Operator, for_operator)] {
            ctx.outside(self.id, || ToOutside::Show { to, view });
        }
    }

    /// Shows a view that is kept in the records, or by operators.
    #[inline(never)]
    fn show_whole(&self, ctx: &mut Context<'_>, (is_parked, was_parked): (bool, bool), for_user: &Arc<View>) {
        let for_operator = match is_parked {
            true => Arc::new(View {
                verbs: Verb::ALL.to_vec(),
                ..View::clone(for_user)
            }),
            false => Arc::clone(for_user),
        };
        for (audience, view) in [(Audience::User, for_user), (Audience::Operator, &for_operator)] {
            let view = Arc::clone(view);
            ctx.notes
                .note(ctx.now, self.id, || RuntimeEvent::Shown { audience, view });
        }
        if is_parked || was_parked {
            return self.show_apart(ctx, (self.glance(), Glance::of(&for_operator)));
        }
        let (to, view) = (Viewers::Both, self.glance());
        ctx.outside(self.id, || ToOutside::Show { to, view });
    }

    /// What a user is shown; an operator is shown the same, and what may be done about a parked job.
    fn view(&self, liveness: Liveness, next_event: Option<(SimTime, &'static str)>) -> View {
        let (must_act, what_to_do) = self.who_must_act();
        View {
            state: self.state.name(),
            headline: self.headline(liveness).into(),
            liveness,
            attempt: self.attempt,
            attempts_max: self.plan().retry.attempts,
            next_event: next_event.map(|(at, _)| at),
            next_what: next_event.map(|(_, what)| what.into()),
            since: self.since,
            heard_at: self.heard_at,
            deadline: self.deadline,
            cause: self.cause.clone(),
            must_act,
            what_to_do,
            verbs: Vec::new(),
            progress: self.items,
            result: self.result.clone(),
        }
    }

    fn headline(&self, liveness: Liveness) -> &'static str {
        match (&self.state, liveness) {
            (State::Accepted, _) => "accepted, waiting to be let into its lane",
            (State::Queued, _) => "waiting for a place in its lane",
            (State::Dispatching, _) => "being handed to the model service",
            (State::InDoubt { .. }, _) => "status temporarily unknown: the request may have landed",
            (State::Running(_), Liveness::Fresh) if self.was_handed_over() => "goes on in the background",
            (State::Running(_), Liveness::Fresh) => "working",
            (State::Running(_), Liveness::Quiet) => {
                "still running, no new output for a while, which is usual"
            }
            (State::Running(_), Liveness::Stalled) => "may be stuck: no new output for longer than usual",
            (State::Running(_), Liveness::StatusUnknown) => "status temporarily unknown",
            (State::Running(_), Liveness::Lost | Liveness::Resting) => {
                "lost contact: will recover or ask for help"
            }
            (State::UsingTools(_), _) => "using tools",
            (State::RetryWait { .. }, _) => "waiting for the next attempt",
            (State::AwaitingApproval(_), _) => "waiting for a person to approve",
            (State::Applying(_), _) => "approved, being carried out",
            (State::Finalizing(_), _) => "fetching the result",
            (State::Cancelling(_), _) => "being cancelled",
            (State::NeedsIntervention, _) => "stopped: needs an operator",
            (State::Ended(StateName::Succeeded), _) => "done",
            (State::Ended(StateName::SucceededPartial), _) => "done in part: the output was cut short",
            (State::Ended(StateName::Failed), _) => "failed",
            (State::Ended(StateName::TimedOut), _) => "timed out",
            (State::Ended(StateName::Cancelled), _) => "cancelled",
            (State::Ended(StateName::Denied), _) => "denied by an approver",
            (State::Ended(_), _) => "expired before anybody got to it",
        }
    }

    fn was_handed_over(&self) -> bool {
        self.execution != self.placement.execution
    }

    /// What no end of the job takes back.
    fn what_stays(&self) -> String {
        match self.landed {
            1 => "1 effect has landed and stays".to_owned(),
            more => format!("{more} effects have landed and stay"),
        }
    }

    fn who_must_act(&self) -> (Option<Principal>, Option<Arc<str>>) {
        let operator = || Some(Principal("operator".into()));
        let requester = || Some(self.requester.clone());
        match &self.state {
            State::AwaitingApproval(pending) => {
                let role = Principal(pending.request.role.clone());
                (
                    Some(role),
                    Some(format!("decide about approval {}", pending.request.id).into()),
                )
            }
            State::NeedsIntervention => (
                operator(),
                Some("retry, abandon, resolve or cancel, with a reason".into()),
            ),
            State::Ended(StateName::Failed | StateName::TimedOut) if self.landed > 0 => (
                requester(),
                Some(
                    format!(
                        "read the cause; {}: submit again only what is left to do",
                        self.what_stays()
                    )
                    .into(),
                ),
            ),
            State::Ended(StateName::Failed | StateName::TimedOut) => (
                requester(),
                Some("read the cause; submit the task again if it is worth it".into()),
            ),
            State::Ended(StateName::Denied | StateName::Expired | StateName::Cancelled)
                if self.landed > 0 =>
            {
                (requester(), Some(self.what_stays().into()))
            }
            State::Ended(StateName::Denied | StateName::Expired) => (
                requester(),
                Some("change the task, or ask the people concerned".into()),
            ),
            State::Ended(StateName::SucceededPartial) => {
                (requester(), Some("decide whether the part is enough".into()))
            }
            _ => (None, None),
        }
    }
}
