//! How an approver decides.

use std::sync::Arc;

use super::timer::Insight;
use super::{ApproverScript, Behaviour, OutsideTask, Reach};
use crate::job::{Act, ApprovalRequest, ApprovalVerdict, OwnApproval, digest};

/// What an approver says about a request.
pub(super) struct Say {
    pub(super) verdict: ApprovalVerdict,
    pub(super) reason: Option<Arc<str>>,
}

impl Say {
    const fn plain(verdict: ApprovalVerdict) -> Self {
        Self {
            verdict,
            reason: None,
        }
    }

    pub(super) const fn word(&self) -> &'static str {
        match self.verdict {
            ApprovalVerdict::Approve => "approve",
            ApprovalVerdict::Deny => "deny",
            ApprovalVerdict::Edit { .. } => "edit",
        }
    }
}

impl ApproverScript {
    /// What this person does about the request of this number of a job.
    pub(super) fn behaviour(&self, number: u16) -> &Behaviour {
        let place = usize::from(number.saturating_sub(1));
        let found = self.decides.get(place).or_else(|| self.decides.last());
        found.unwrap_or(&Behaviour::Ignore)
    }

    /// Whether the request reaches this person.
    pub(super) fn takes_up(&self, request: &ApprovalRequest, task: Option<&OutsideTask>) -> bool {
        self.reach == Reach::Every || self.may_decide(request, task)
    }

    /// Whether the roster lets this person decide: the role is there, and where the requester's own approval does
    /// not count, this is neither the requester nor somebody who acts for the requester.
    pub(super) fn may_decide(&self, request: &ApprovalRequest, task: Option<&OutsideTask>) -> bool {
        let person = &self.person;
        let own = |task: &OutsideTask| {
            task.requester == person.name || person.acts_for.as_ref() == Some(&task.requester)
        };
        person.roles.contains(&request.role)
            && !task.is_some_and(|task| task.own == OwnApproval::Refused && own(task))
    }

    /// What comes of a look that is wrong or not, at a request that ought to be denied or not.
    pub(super) fn insight(&self, number: u16, harmful: bool, wrong: bool) -> Insight {
        let denies = harmful || matches!(self.behaviour(number), Behaviour::Deny { .. });
        match (denies, wrong) {
            (true, true) => Insight::WronglyApproved,
            (false, true) => Insight::WronglyDenied,
            (_, false) if harmful => Insight::Harmful,
            (_, false) => Insight::Usual,
        }
    }

    /// What this person says about the request with this insight; none is silence.
    pub(super) fn says_with(&self, request: &ApprovalRequest, number: u16, insight: Insight) -> Option<Say> {
        let denied = |reason: &str| {
            Some(Say {
                verdict: ApprovalVerdict::Deny,
                reason: Some(reason.into()),
            })
        };
        match insight {
            Insight::Usual => self.says(request, number),
            Insight::Harmful => denied("it ought not to be done"),
            Insight::WronglyDenied => denied("it looks wrong"),
            Insight::WronglyApproved => Some(Say::plain(ApprovalVerdict::Approve)),
        }
    }

    /// What this person says about the request; none is silence.
    pub(super) fn says(&self, request: &ApprovalRequest, number: u16) -> Option<Say> {
        if seen(request).len() < request.acts.len() {
            return Some(Say {
                verdict: ApprovalVerdict::Deny,
                reason: Some("an act that is shown cannot be read in exactly one way".into()),
            });
        }
        match self.behaviour(number) {
            Behaviour::Approve | Behaviour::ApproveTwice { .. } | Behaviour::ApproveStale => {
                Some(Say::plain(ApprovalVerdict::Approve))
            }
            Behaviour::Deny { reason } => Some(Say {
                verdict: ApprovalVerdict::Deny,
                reason: reason.clone(),
            }),
            Behaviour::Edit { act, arguments } => Some(Say::plain(edit(request, *act, arguments))),
            Behaviour::Ignore => None,
        }
    }
}

/// Another form of an act, or a yes to one that already has it.
fn edit(request: &ApprovalRequest, act: u16, arguments: &Arc<str>) -> ApprovalVerdict {
    let shown = request.acts.get(usize::from(act));
    let as_wanted = |shown: &Act| {
        digest_of(shown).is_some_and(|is| Ok(is) == digest(&shown.sink, &shown.operation, arguments))
    };
    if shown.is_some_and(as_wanted) {
        return ApprovalVerdict::Approve;
    }
    ApprovalVerdict::Edit {
        act,
        arguments: Arc::clone(arguments),
    }
}

/// The digests of the acts of a request, computed from what it shows.
pub(super) fn seen(request: &ApprovalRequest) -> Vec<Arc<str>> {
    request.acts.iter().filter_map(digest_of).collect()
}

fn digest_of(act: &Act) -> Option<Arc<str>> {
    digest(&act.sink, &act.operation, &act.arguments).ok()
}
