//! The approval protocol: who was asked what, who decided, what it released.

use std::sync::Arc;

use crate::check::catalogue::Id;
use crate::check::facts::TaskFacts;
use crate::check::seen::{ApprovalSeen, DecisionSeen, JobSeen, Seen};
use crate::check::tally::{Mark, Now, Tally, claim};
use crate::job::OwnApproval;
use crate::trace::{CoreEvent, Event, JobEvent, On, OutsideEvent, PeopleEvent, StateName};
use crate::units::SimTime;

/// Judges AP-03 to AP-15, AP-18, AP-19 and AP-24.
#[derive(Debug)]
pub(super) struct Approval {
    jobs: Vec<Own>,
}

#[derive(Debug, Default)]
struct Own {
    /// A request closed in this tick in a way that has to move the job.
    has_to_move: Option<Mark>,
    /// Acts that were denied.
    denied: Vec<Vec<Arc<str>>>,
    grants: Vec<Arc<str>>,
}

impl Approval {
    pub(super) fn new(jobs: usize) -> Self {
        Self {
            jobs: std::iter::repeat_with(Own::default).take(jobs).collect(),
        }
    }

    pub(super) fn see(&mut self, seen: &Seen<'_>, now: &Now<'_>, tally: &mut Tally) {
        let Some((id, job, task)) = seen.of(now) else {
            return;
        };
        let own = &mut self.jobs[id.0 as usize];
        match now.event {
            Event::Outside(OutsideEvent::People(event)) => people(now, job, seen, task, event, tally),
            Event::Core(CoreEvent::Job(event)) => own.job(now, (job, task), seen, event, tally),
            _ => {}
        }
    }

    pub(super) fn tick_over(&mut self, seen: &Seen<'_>, at: SimTime, tally: &mut Tally) {
        for id in &seen.touched {
            let Some((id, job, _)) = seen.job(*id) else {
                continue;
            };
            if let Some(mark) = self.jobs[id.0 as usize].has_to_move.take() {
                let moved = job
                    .moved
                    .is_some_and(|moved| moved.at == at && moved.index > mark.index);
                tally.test(Id::Ap09, mark, moved, || {
                    claim(
                        "a request was closed and left its job waiting",
                        "the job moves on",
                        "nothing",
                    )
                });
            }
        }
    }

    pub(super) fn end(&mut self, seen: &Seen<'_>, _end: SimTime, tally: &mut Tally) {
        let requests = seen.all().flat_map(|(_, job, _)| &job.approvals);
        for request in requests {
            if request.seen > 0 && request.decisions.is_empty() && request.closed.is_some() {
                tally.seen(Id::Ap19);
            }
        }
    }
}

/// What the records say about somebody's right to decide.
fn is_own(decision: &DecisionSeen, seen: &Seen<'_>, task: &TaskFacts) -> bool {
    let requester = &task.task.requester;
    let proxy = || {
        let entry = seen.facts.roster.iter().find(|entry| entry.name == decision.by);
        entry.is_some_and(|entry| entry.acts_for.as_ref() == Some(requester))
    };
    task.task.plan.approval.own == OwnApproval::Refused && (decision.by == *requester || proxy())
}

fn has_role(decision: &DecisionSeen, seen: &Seen<'_>, task: &TaskFacts) -> bool {
    let entry = seen.facts.roster.iter().find(|entry| entry.name == decision.by);
    entry.is_some_and(|entry| entry.roles.contains(&task.task.plan.approval.role))
}

/// Distinct people whose approval of `request` counts.
pub(super) fn counted(request: &ApprovalSeen, seen: &Seen<'_>, task: &TaskFacts) -> usize {
    request.approvers(|decision| {
        decision.eligible && has_role(decision, seen, task) && !is_own(decision, seen, task)
    })
}

fn people(
    now: &Now<'_>,
    job: &JobSeen,
    seen: &Seen<'_>,
    task: &TaskFacts,
    event: &PeopleEvent,
    tally: &mut Tally,
) {
    match event {
        PeopleEvent::SawRequest {
            approval, digests, ..
        } => {
            let Some(request) = job.approval(approval) else {
                return;
            };
            tally.test(Id::Ap04, now.mark(), request.digests == *digests, || {
                claim(
                    "an approver was shown other acts than were asked for",
                    format!("{:?}", request.digests),
                    format!("{digests:?}"),
                )
            });
        }
        PeopleEvent::Decided {
            approval,
            by,
            verdict,
            digests,
            eligible,
            ..
        } => {
            let Some(request) = job.approval(approval) else {
                return;
            };
            let decision = DecisionSeen {
                by: by.clone(),
                verdict,
                eligible: *eligible,
                of_this: request.digests == *digests,
                at: now.at,
            };
            tally.test(Id::Ap04, now.mark(), decision.of_this, || {
                claim(
                    "a decision names other acts than were asked for",
                    format!("{:?}", request.digests),
                    format!("{digests:?}"),
                )
            });
            if !has_role(&decision, seen, task) {
                tally.seen(Id::Ap12);
            }
            if is_own(&decision, seen, task) {
                tally.seen(Id::Ap13);
            }
            if request.quorum > 1
                || request.decisions.iter().any(|before| before.by == *by)
                || *verdict == "deny"
            {
                tally.seen(Id::Ap14);
            }
        }
        _ => {}
    }
}

impl Own {
    fn job(
        &mut self,
        now: &Now<'_>,
        (job, task): (&JobSeen, &TaskFacts),
        seen: &Seen<'_>,
        event: &JobEvent,
        tally: &mut Tally,
    ) {
        match event {
            JobEvent::ApprovalRequested {
                digests,
                supersedes,
                quorum,
                ..
            } => {
                let again = self.denied.contains(digests);
                if again {
                    tally.test(Id::Ap18, now.mark(), false, || {
                        claim(
                            "what was denied is asked for again unchanged",
                            "another act, or an end",
                            "the same acts",
                        )
                    });
                }
                let before = supersedes.as_ref().and_then(|old| job.approval(old));
                if let Some(before) = before.filter(|before| *quorum < before.quorum) {
                    tally.broken(Id::Ap15, now.mark(), || {
                        claim(
                            "a question that was put again asks for fewer people",
                            before.quorum.to_string(),
                            quorum.to_string(),
                        )
                    });
                }
            }
            JobEvent::ApprovalClosed { approval, how } => {
                self.closed(now, (job, task), seen, (approval, how), tally)
            }
            JobEvent::GrantConsumed {
                grant,
                approval,
                digest,
                ..
            } => self.granted(now, job, (grant, approval, digest), tally),
            JobEvent::Moved { on: On::Edited, .. } => tally.seen(Id::Ap05),
            JobEvent::Moved {
                on: On::Reevaluate, ..
            } => tally.seen(Id::Ap15),
            JobEvent::Moved {
                on: On::Denied,
                to,
                cause,
                ..
            } => {
                let told = *to == StateName::Denied && cause.is_some();
                tally.test(Id::Ap18, now.mark(), told, || {
                    claim(
                        "a denial did not reach the job with its reason",
                        "denied, with a reason",
                        to.word(),
                    )
                });
            }
            _ => {}
        }
    }

    fn closed(
        &mut self,
        now: &Now<'_>,
        (job, task): (&JobSeen, &TaskFacts),
        seen: &Seen<'_>,
        (approval, how): (&Arc<str>, &'static str),
        tally: &mut Tally,
    ) {
        let mark = now.mark();
        let Some(request) = job.approval(approval) else {
            return;
        };
        tally.test(Id::Ap11, mark, request.closed.is_none(), || {
            claim(
                format!("request {approval} was closed twice"),
                request.closed.map_or("", |(how, _)| how),
                how,
            )
        });
        if matches!(how, "expired" | "denied" | "withdrawn" | "superseded") {
            self.has_to_move = Some(mark);
        }
        match how {
            "approved" => {
                let old = request.supersedes.as_ref().and_then(|old| job.approval(old));
                let edited = old.is_some_and(|old| old.replaced_on == Some(On::Edited));
                let undecided = if edited { Id::Ap05 } else { undecided(request) };
                approved(mark, (request, undecided), (seen, task), tally);
            }
            "denied" => {
                self.denied.push(request.digests.clone());
                let by = request
                    .decisions
                    .iter()
                    .find(|decision| decision.verdict == "deny");
                decided_at_all(mark, (request, undecided(request)), by.is_some(), tally);
                let rightful = by.is_none_or(|by| has_role(by, seen, task) && by.eligible);
                if !rightful {
                    tally.broken(Id::Ap12, mark, || {
                        claim("somebody without the role denied", "no decision", "denied")
                    });
                }
            }
            "expired" => tally.seen(Id::Ap07),
            _ => {}
        }
    }

    fn granted(
        &mut self,
        now: &Now<'_>,
        job: &JobSeen,
        (grant, approval, digest): (&Arc<str>, &Arc<str>, &Arc<str>),
        tally: &mut Tally,
    ) {
        let mark = now.mark();
        let request = job.approval(approval);
        let single = request.is_some() && !self.grants.contains(grant);
        tally.test(Id::Ap24, mark, single, || {
            claim(
                "a grant stands for more than one act of one job",
                "one grant for one act of its own job",
                format!("{grant} again"),
            )
        });
        self.grants.push(grant.clone());
        let Some(request) = request else { return };
        tally.test(Id::Ap08, mark, now.at <= request.expires, || {
            claim(
                "a grant was issued after its request had expired",
                format!("by {}", request.expires),
                now.at.to_string(),
            )
        });
        let covered = request.digests.iter().filter(|asked| *asked == digest).count();
        let used = request
            .grants
            .iter()
            .filter(|granted| granted.digest == *digest)
            .count();
        tally.test(Id::Ap06, mark, used < covered, || {
            claim(
                "an act was released that was not among those approved together",
                format!("{:?}", request.digests),
                digest.to_string(),
            )
        });
        let closed = request.closed.map(|(how, _)| how);
        let replaced = closed == Some("superseded");
        if replaced {
            let which = if request.replaced_on == Some(On::Reevaluate) {
                Id::Ap15
            } else {
                Id::Ap03
            };
            tally.test(which, mark, false, || {
                claim(
                    "a request that was replaced released an act",
                    "nothing",
                    "a grant",
                )
            });
        } else if closed == Some("expired") {
            tally.broken(Id::Ap07, mark, || {
                claim("a request that expired released an act", "nothing", "a grant")
            });
        }
        if let Some(old) = request.supersedes.as_ref().and_then(|old| job.approval(old)) {
            if matches!(old.replaced_on, Some(On::Edited | On::GrantRefused)) {
                tally.seen(Id::Ap03);
            }
            let decided = request
                .decisions
                .iter()
                .any(|decision| decision.verdict == "approve");
            if old.replaced_on == Some(On::Edited) && !decided {
                tally.broken(Id::Ap05, mark, || {
                    claim(
                        "an edited act was released on the decision about the old one",
                        "a decision of its own",
                        "none",
                    )
                });
            }
        }
    }
}

/// What is broken when a request counts as decided and nobody decided.
const fn undecided(request: &ApprovalSeen) -> Id {
    if request.seen > 0 { Id::Ap19 } else { Id::Ap07 }
}

fn decided_at_all(mark: Mark, (request, which): (&ApprovalSeen, Id), decided: bool, tally: &mut Tally) {
    if decided {
        tally.seen(Id::Ap07);
        return;
    }
    tally.test(which, mark, false, || {
        claim(
            format!("request {} was closed as decided and nobody decided", request.id),
            "open, or expired",
            "decided",
        )
    });
}

/// A request was closed as approved: by whom, counted again from what people did.
fn approved(
    mark: Mark,
    (request, undecided): (&ApprovalSeen, Id),
    (seen, task): (&Seen<'_>, &TaskFacts),
    tally: &mut Tally,
) {
    decided_at_all(mark, (request, undecided), !request.decisions.is_empty(), tally);
    let quorum = usize::from(request.quorum);
    let last = request
        .decisions
        .iter()
        .rev()
        .find(|by| by.verdict == "approve")
        .map(|by| by.at);
    let denied = request
        .decisions
        .iter()
        .any(|by| by.verdict == "deny" && by.eligible && by.of_this && Some(by.at) < last);
    let people = counted(request, seen, task);
    if (people >= quorum && !denied) || request.decisions.is_empty() {
        return;
    }
    let with_anybody = request.approvers(|_| true);
    let without_own = request.approvers(|decision| !is_own(decision, seen, task));
    let with_role = request.approvers(|decision| has_role(decision, seen, task));
    let which = match () {
        () if denied || with_anybody < quorum => Id::Ap14,
        () if without_own < quorum => Id::Ap13,
        () if with_role < quorum => Id::Ap12,
        () => Id::Ap14,
    };
    tally.test(which, mark, false, || {
        claim(
            format!("request {} was approved by too few who may", request.id),
            format!("{quorum} distinct people with the right to"),
            format!("{people}"),
        )
    });
}
