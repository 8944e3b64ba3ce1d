//! What the trace has shown of each job so far: the one index that all judges share.

use std::sync::Arc;

use super::facts::{Facts, TaskFacts};
use super::tally::{Mark, Now};
use crate::trace::{
    Audience, BackendEvent, Boundary, CoreEvent, Event, Execution, JobEvent, LaneName, On, OutsideEvent,
    PeopleEvent, Principal, ResultDigest, RouterEvent, RuntimeEvent, ServiceEvent, SinkEvent, StateName,
    UserEvent, View, WireEvent,
};
use crate::units::{Exchange, ExchangeKind, JobId, SimTime};
use crate::wire::{Break, ResponseId, Status};

/// Everything seen before the record under judgement.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    pub(super) facts: &'a Facts,
    pub(super) jobs: Vec<JobSeen>,
    /// Jobs with a record in the tick under way.
    pub(super) touched: Vec<JobId>,
    /// How many records were seen.
    pub(super) len: usize,
}

/// A response of a job, as the service sees it.
#[derive(Debug)]
pub(super) struct ResponseSeen {
    pub(super) id: ResponseId,
    pub(super) exchange: Exchange,
    pub(super) made: Mark,
    pub(super) background: bool,
    pub(super) status: Option<Status>,
    pub(super) ended: Option<SimTime>,
    /// A cancel for it was on the wire.
    pub(super) told_to_stop: bool,
    pub(super) dropped: Option<SimTime>,
    /// The runtime has read its id.
    pub(super) known: bool,
}

impl ResponseSeen {
    pub(super) const fn is_open(&self) -> bool {
        self.ended.is_none()
    }
}

/// A decision as people took it.
#[derive(Debug)]
pub(super) struct DecisionSeen {
    pub(super) by: Principal,
    pub(super) verdict: &'static str,
    pub(super) eligible: bool,
    /// Whether it speaks of exactly the acts that were asked for.
    pub(super) of_this: bool,
    pub(super) at: SimTime,
}

/// A consumed grant.
#[derive(Debug)]
pub(super) struct GrantSeen {
    pub(super) id: Arc<str>,
    pub(super) digest: Arc<str>,
    pub(super) expires: SimTime,
    pub(super) mark: Mark,
    pub(super) applied: u16,
}

/// An approval request.
#[derive(Debug)]
pub(super) struct ApprovalSeen {
    pub(super) id: Arc<str>,
    pub(super) digests: Vec<Arc<str>>,
    pub(super) asked: SimTime,
    pub(super) expires: SimTime,
    pub(super) supersedes: Option<Arc<str>>,
    pub(super) quorum: u16,
    pub(super) seen: u16,
    pub(super) closed: Option<(&'static str, SimTime)>,
    /// The move that replaced it.
    pub(super) replaced_on: Option<On>,
    pub(super) decisions: Vec<DecisionSeen>,
    pub(super) grants: Vec<GrantSeen>,
}

impl ApprovalSeen {
    /// Distinct people whose approval counts, by a naive recount.
    pub(super) fn approvers(&self, counts: impl Fn(&DecisionSeen) -> bool) -> usize {
        let mut people: Vec<&Principal> = Vec::new();
        for decision in &self.decisions {
            let yes = decision.verdict == "approve" && decision.of_this && counts(decision);
            if yes && !people.contains(&&decision.by) {
                people.push(&decision.by);
            }
        }
        people.len()
    }
}

/// A stored result.
#[derive(Debug, Clone)]
pub(super) struct StoredSeen {
    pub(super) digest: ResultDigest,
    pub(super) len: u32,
    pub(super) partial: bool,
    pub(super) response: Option<ResponseId>,
    pub(super) mark: Mark,
}

/// A job.
#[derive(Debug, Default)]
pub(super) struct JobSeen {
    /// Whether it has a record in the tick under way.
    touched: bool,
    pub(super) state: Option<StateName>,
    pub(super) since: SimTime,
    pub(super) accepted: SimTime,
    pub(super) deadline: SimTime,
    pub(super) attempts_max: u16,
    pub(super) attempt: u16,
    pub(super) charged: u16,
    pub(super) turn: u16,
    pub(super) lane: Option<LaneName>,
    pub(super) execution: Option<Execution>,
    pub(super) boundary: Option<Boundary>,
    pub(super) background_permitted: bool,
    pub(super) handed_over: bool,
    /// Cancels on record.
    pub(super) cancels: u16,
    /// Cancels that users asked for.
    pub(super) cancels_asked: u16,
    pub(super) too_late: Option<SimTime>,
    pub(super) withdrew: bool,
    pub(super) operator_acted: bool,
    pub(super) operator_retried: bool,
    /// When it ended.
    pub(super) ended: Option<Mark>,
    /// What ended it.
    pub(super) ended_on: Option<On>,
    pub(super) cause: Option<Arc<str>>,
    pub(super) cause_at: SimTime,
    pub(super) stopped: bool,
    pub(super) responses: Vec<ResponseSeen>,
    pub(super) approvals: Vec<ApprovalSeen>,
    pub(super) stored: Option<StoredSeen>,
    pub(super) shown: [Option<(Arc<View>, SimTime)>; 2],
    pub(super) heard: SimTime,
    pub(super) moved: Option<Mark>,
    /// When its interactive wait ends.
    pub(super) wait_ends: Option<SimTime>,
    pub(super) left: Option<SimTime>,
}

impl JobSeen {
    pub(super) fn is(&self, state: StateName) -> bool {
        self.state == Some(state)
    }

    pub(super) fn is_terminal(&self) -> bool {
        self.state.is_some_and(StateName::is_terminal)
    }

    pub(super) fn response(&self, id: &ResponseId) -> Option<&ResponseSeen> {
        self.responses.iter().rev().find(|response| response.id == *id)
    }

    fn response_mut(&mut self, id: &ResponseId) -> Option<&mut ResponseSeen> {
        self.responses
            .iter_mut()
            .rev()
            .find(|response| response.id == *id)
    }

    pub(super) fn approval(&self, id: &str) -> Option<&ApprovalSeen> {
        self.approvals.iter().rev().find(|approval| *approval.id == *id)
    }

    fn approval_mut(&mut self, id: &str) -> Option<&mut ApprovalSeen> {
        self.approvals
            .iter_mut()
            .rev()
            .find(|approval| *approval.id == *id)
    }

    /// The approval and the grant of this id.
    pub(super) fn grant(&self, id: &str) -> Option<(&ApprovalSeen, &GrantSeen)> {
        let found = |approval: &'_ ApprovalSeen| approval.grants.iter().position(|grant| *grant.id == *id);
        let approval = self
            .approvals
            .iter()
            .rev()
            .find(|approval| found(approval).is_some())?;
        let place = found(approval)?;
        Some((approval, &approval.grants[place]))
    }

    /// Whether interactive work of this job may go on in the background.
    pub(super) fn may_hand_over(&self) -> bool {
        self.execution == Some(Execution::Interactive) && self.background_permitted
    }

    /// When its interactive wait ends: at its limit, or when the user left.
    pub(super) fn hand_over_due(&self) -> Option<SimTime> {
        let ends = self.wait_ends?;
        Some(self.left.map_or(ends, |left| left.min(ends)))
    }

    /// Whether its responses outlive their connection.
    pub(super) fn in_background(&self) -> bool {
        self.execution == Some(Execution::Background) || self.background_permitted
    }
}

impl<'a> Seen<'a> {
    pub(super) fn new(facts: &'a Facts) -> Self {
        let jobs = facts.tasks.iter().map(|_| JobSeen::default()).collect();
        Self {
            facts,
            jobs,
            touched: Vec::new(),
            len: 0,
        }
    }

    /// The job of the record with its task, if the record is about one of ours.
    pub(super) fn of(&self, now: &Now<'_>) -> Option<(JobId, &JobSeen, &'a TaskFacts)> {
        self.job(now.job?)
    }

    pub(super) fn job(&self, id: JobId) -> Option<(JobId, &JobSeen, &'a TaskFacts)> {
        let place = id.0 as usize;
        Some((id, self.jobs.get(place)?, self.facts.tasks.get(place)?))
    }

    /// The end of the trace, for what can only be known there.
    pub(super) const fn at_the_end(&self, end: SimTime, job: Option<JobId>) -> Mark {
        Mark {
            at: end,
            index: self.len,
            job,
        }
    }

    /// Every job with its task.
    pub(super) fn all(&self) -> impl Iterator<Item = (JobId, &JobSeen, &'a TaskFacts)> {
        let pairs = self.jobs.iter().zip(&self.facts.tasks);
        (0..)
            .map(JobId)
            .zip(pairs)
            .map(|(id, (job, task))| (id, job, task))
    }

    /// A new tick begins.
    pub(super) fn next_tick(&mut self) {
        for id in self.touched.drain(..) {
            self.jobs[id.0 as usize].touched = false;
        }
    }

    /// Learns what the record says.
    pub(super) fn learn(&mut self, now: &Now<'_>) {
        self.len = now.index + 1;
        let Some(id) = now.job else { return };
        let Some(job) = self.jobs.get_mut(id.0 as usize) else {
            return;
        };
        if let Event::Core(CoreEvent::Job(JobEvent::Promised { .. })) = now.event {
            job.wait_ends = Some(job.accepted + self.facts.tasks[id.0 as usize].task.plan.limits.wait);
        }
        if !std::mem::replace(&mut job.touched, true) {
            self.touched.push(id);
        }
        match now.event {
            Event::Core(CoreEvent::Job(event)) => job.learn_job(now, event),
            Event::Core(CoreEvent::Runtime(event)) => job.learn_runtime(now, event),
            Event::Core(CoreEvent::Router(RouterEvent::Decided(decided))) => {
                job.lane = Some(decided.lane);
                job.execution = Some(decided.execution);
                job.boundary = Some(decided.boundary);
                job.background_permitted = decided.background_permitted;
            }
            Event::Core(CoreEvent::Router(RouterEvent::Refused { .. })) => {}
            Event::Service(ServiceEvent::Wire(event)) => job.learn_wire(event),
            Event::Service(ServiceEvent::Backend(event)) => job.learn_backend(now, event),
            Event::Outside(event) => job.learn_outside(now, event),
        }
    }
}

impl JobSeen {
    fn learn_job(&mut self, now: &Now<'_>, event: &JobEvent) {
        match event {
            JobEvent::Moved { .. } => self.learn_move(now, event),
            JobEvent::Promised {
                deadline,
                attempts_max,
                ..
            } => {
                self.deadline = *deadline;
                self.attempts_max = *attempts_max;
            }
            JobEvent::RetryStopped { .. } => self.stopped = true,
            JobEvent::CancelRecorded { .. } => self.cancels += 1,
            JobEvent::CancelTooLate { .. } => self.too_late = Some(now.at),
            JobEvent::HandedOver { .. } => self.handed_over = true,
            JobEvent::Adopted { response } => {
                if let Some(found) = self.response_mut(response) {
                    found.known = true;
                }
            }
            JobEvent::ApprovalRequested {
                approval,
                digests,
                expires,
                supersedes,
                quorum,
            } => self.approvals.push(ApprovalSeen {
                id: approval.clone(),
                digests: digests.clone(),
                asked: now.at,
                expires: *expires,
                supersedes: supersedes.clone(),
                quorum: *quorum,
                seen: 0,
                closed: None,
                replaced_on: None,
                decisions: Vec::new(),
                grants: Vec::new(),
            }),
            JobEvent::ApprovalClosed { approval, how } => {
                if let Some(found) = self.approval_mut(approval) {
                    found.closed = Some((how, now.at));
                }
            }
            JobEvent::GrantConsumed {
                grant,
                approval,
                digest,
                expires,
            } => {
                if let Some(found) = self.approval_mut(approval) {
                    found.grants.push(GrantSeen {
                        id: grant.clone(),
                        digest: digest.clone(),
                        expires: *expires,
                        mark: now.mark(),
                        applied: 0,
                    });
                }
            }
            JobEvent::ResultStored {
                digest,
                len,
                partial,
                response,
            } => {
                self.stored = Some(StoredSeen {
                    digest: digest.clone(),
                    len: *len,
                    partial: *partial,
                    response: response.clone(),
                    mark: now.mark(),
                });
            }
            JobEvent::Classified { .. }
            | JobEvent::RetryPlanned { .. }
            | JobEvent::TwinSent { .. }
            | JobEvent::OrphanSuspected { .. }
            | JobEvent::LateEvidence { .. }
            | JobEvent::LimitFired { .. }
            | JobEvent::DecisionRefused { .. }
            | JobEvent::Used { .. } => {}
        }
    }

    fn learn_move(&mut self, now: &Now<'_>, event: &JobEvent) {
        let JobEvent::Moved {
            on,
            to,
            attempt,
            charged,
            turn,
            cause,
            ..
        } = event
        else {
            return;
        };
        if self.state.is_none() {
            self.accepted = now.at;
        }
        if self.state != Some(*to) {
            self.since = now.at;
        }
        if matches!(on, On::Edited | On::Reevaluate | On::GrantRefused) {
            let replaced = self.approvals.len().checked_sub(2);
            if let Some(place) = replaced {
                self.approvals[place].replaced_on = Some(*on);
            }
        }
        if *on == On::OperatorRetry {
            self.operator_retried = true;
            self.stopped = false;
        }
        (self.attempt, self.charged, self.turn) = (*attempt, *charged, *turn);
        if let Some(cause) = cause {
            self.cause = Some(cause.code.clone());
            self.cause_at = now.at;
        }
        self.moved = Some(now.mark());
        self.state = Some(*to);
        if to.is_terminal() && self.ended.is_none() {
            self.ended = Some(now.mark());
            self.ended_on = Some(*on);
        }
    }

    fn learn_runtime(&mut self, now: &Now<'_>, event: &RuntimeEvent) {
        match event {
            RuntimeEvent::Got { exchange, status, .. } => {
                self.heard = now.at;
                if status.is_some() && exchange.kind() == ExchangeKind::Create {
                    self.know(*exchange);
                }
            }
            RuntimeEvent::StreamGot { exchange, .. } => {
                self.heard = now.at;
                if exchange.kind() == ExchangeKind::Create {
                    self.know(*exchange);
                }
            }
            RuntimeEvent::Broke {
                exchange,
                how: Break::Cut { id: Some(_) } | Break::Unreadable { id: Some(_) },
            } => self.know(*exchange),
            RuntimeEvent::Shown { audience, view } => {
                let place = match audience {
                    Audience::User => 0,
                    Audience::Operator => 1,
                };
                self.shown[place] = Some((view.clone(), now.at));
            }
            _ => {}
        }
    }

    fn know(&mut self, exchange: Exchange) {
        for response in self.responses.iter_mut().filter(|made| made.exchange == exchange) {
            response.known = true;
        }
    }

    fn learn_wire(&mut self, event: &WireEvent) {
        match event {
            WireEvent::Arrived {
                exchange,
                response: Some(response),
                ..
            } if exchange.kind() == ExchangeKind::Cancel => {
                if let Some(found) = self.response_mut(response) {
                    found.told_to_stop = true;
                }
            }
            // A refused connection names no response; the one that was to be stopped is the last.
            WireEvent::Refused { exchange } if exchange.kind() == ExchangeKind::Cancel => {
                if let Some(found) = self.responses.last_mut() {
                    found.told_to_stop = true;
                }
            }
            WireEvent::Gone { exchange } => {
                let made_by = |response: &&mut ResponseSeen| response.exchange == *exchange;
                if let Some(found) = self
                    .responses
                    .iter_mut()
                    .find(made_by)
                    .filter(|found| !found.background)
                {
                    found.told_to_stop = true;
                }
            }
            _ => {}
        }
    }

    fn learn_backend(&mut self, now: &Now<'_>, event: &BackendEvent) {
        match event {
            BackendEvent::Created {
                response,
                exchange,
                background,
                ..
            } => self.responses.push(ResponseSeen {
                id: response.clone(),
                exchange: *exchange,
                made: now.mark(),
                background: *background,
                status: None,
                ended: None,
                told_to_stop: false,
                dropped: None,
                known: false,
            }),
            BackendEvent::Became { response, status, .. } => {
                if let Some(found) = self.response_mut(response) {
                    found.status = Some(status.clone());
                    if !status.is_open() && found.ended.is_none() {
                        found.ended = Some(now.at);
                    }
                }
            }
            BackendEvent::Dropped { response, .. } => {
                if let Some(found) = self.response_mut(response) {
                    found.dropped = Some(now.at);
                    if found.ended.is_none() {
                        found.ended = Some(now.at);
                    }
                }
            }
            BackendEvent::McpActed { digest, .. } => {
                self.applied(|grant| grant.digest == *digest && grant.applied == 0)
            }
            BackendEvent::Limited { .. } | BackendEvent::FaultFired { .. } => {}
        }
    }

    fn applied(&mut self, which: impl Fn(&GrantSeen) -> bool) {
        let grants = self
            .approvals
            .iter_mut()
            .rev()
            .flat_map(|approval| &mut approval.grants);
        if let Some(grant) = grants.into_iter().find(|grant| which(grant)) {
            grant.applied += 1;
        }
    }

    fn learn_outside(&mut self, now: &Now<'_>, event: &OutsideEvent) {
        match event {
            OutsideEvent::User(UserEvent::Left) => self.left = Some(now.at),
            OutsideEvent::User(UserEvent::AskedToCancel) => self.cancels_asked += 1,
            OutsideEvent::People(PeopleEvent::SawRequest { approval, .. }) => {
                if let Some(found) = self.approval_mut(approval) {
                    found.seen += 1;
                }
            }
            OutsideEvent::People(PeopleEvent::Decided {
                approval,
                by,
                verdict,
                digests,
                eligible,
                ..
            }) => {
                if let Some(found) = self.approval_mut(approval) {
                    let of_this = found.digests == *digests;
                    found.decisions.push(DecisionSeen {
                        by: by.clone(),
                        verdict,
                        eligible: *eligible,
                        of_this,
                        at: now.at,
                    });
                }
            }
            OutsideEvent::People(PeopleEvent::Withdrew { .. }) => self.withdrew = true,
            OutsideEvent::People(PeopleEvent::Acted { .. }) => self.operator_acted = true,
            OutsideEvent::Sinks(SinkEvent::Applied { grant, .. }) => self.applied(|known| known.id == *grant),
            _ => {}
        }
    }
}
