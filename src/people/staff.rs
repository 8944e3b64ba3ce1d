//! The line in front of a staff: who takes which request when.

use std::collections::VecDeque;
use std::sync::Arc;

use super::arrivals::task_of;
use super::timer::{Decision, Due, Look, TimerKey};
use super::{ApproverScript, Outside, Shift, StaffScript};
use crate::job::{ApprovalId, ApprovalRequest, Input};
use crate::rng::{Purpose, name_key};
use crate::units::{JobId, SimDuration, SimTime};

const DAY: SimDuration = SimDuration::from_secs(24 * 3_600);

/// The requests that wait for a staff, and who of it is at work.
#[derive(Debug, Clone)]
pub(super) struct Line {
    waiting: VecDeque<Waiting>,
    /// Of each member, whether a decision is under way.
    busy: Vec<bool>,
    /// The timer of the next shift, while somebody waits for it.
    pub(super) call: Option<TimerKey>,
}

/// A request in a line.
#[derive(Debug, Clone)]
struct Waiting {
    job: JobId,
    request: Arc<ApprovalRequest>,
    number: u16,
    /// How many more people have to look at it.
    wanted: u16,
    /// Who took it already.
    hands: Vec<usize>,
}

/// A request that somebody takes up.
pub(super) struct Taken {
    /// The place among all approvers.
    pub(super) approver: usize,
    pub(super) job: JobId,
    pub(super) request: Arc<ApprovalRequest>,
    pub(super) number: u16,
    /// How many took it before.
    pub(super) before: u64,
}

impl StaffScript {
    /// How many are there at `now`.
    fn present(&self, now: SimTime) -> usize {
        if self.shifts.is_empty() {
            return self.members.len();
        }
        let time = time_of_day(now);
        let shift = self
            .shifts
            .iter()
            .find(|shift| (shift.from..shift.to).contains(&time));
        shift.map_or(0, |shift| shift.people)
    }

    /// When the next shift begins behind `now`.
    fn next_shift(&self, now: SimTime) -> Option<SimTime> {
        let time = time_of_day(now);
        let wait = |shift: &Shift| match shift.from > time {
            true => shift.from.saturating_sub(time),
            false => (shift.from + DAY).saturating_sub(time),
        };
        self.shifts.iter().map(wait).min().map(|wait| now + wait)
    }
}

fn time_of_day(now: SimTime) -> SimDuration {
    SimDuration::from_ticks(now.ticks() % DAY.ticks())
}

impl Line {
    pub(super) fn new(staff: &StaffScript) -> Self {
        Self {
            waiting: VecDeque::new(),
            busy: vec![false; staff.members.len()],
            call: None,
        }
    }

    /// A request comes in, for so many people.
    pub(super) fn enter(&mut self, job: JobId, request: &Arc<ApprovalRequest>, number: u16, wanted: u16) {
        self.waiting.push_back(Waiting {
            job,
            request: Arc::clone(request),
            number,
            wanted: wanted.max(1),
            hands: Vec::new(),
        });
    }

    /// A request is over; a decision under way is made all the same, for nobody knows yet.
    pub(super) fn leave(&mut self, approval: &ApprovalId) {
        self.waiting.retain(|waiting| waiting.request.id != *approval);
    }

    /// A member is through with a request.
    pub(super) fn free(&mut self, staff: &StaffScript, approver: usize) {
        if let Some(busy) = self.busy.get_mut(approver.wrapping_sub(staff.members.start)) {
            *busy = false;
        }
    }

    /// The request that waits longest of those that somebody who is free may take, and who takes it.
    pub(super) fn take(
        &mut self,
        (staff, now): (&StaffScript, SimTime),
        may: impl Fn(usize, JobId, &ApprovalRequest) -> bool,
    ) -> Option<Taken> {
        let present = self.busy.iter().take(staff.present(now));
        let free: Vec<usize> = present
            .zip(staff.members.clone())
            .filter(|(busy, _)| !**busy)
            .map(|(_, approver)| approver)
            .collect();
        if free.is_empty() {
            return None;
        }
        let takes = |waiting: &Waiting| {
            let fits = |approver: &&usize| {
                !waiting.hands.contains(approver) && may(**approver, waiting.job, &waiting.request)
            };
            free.iter().find(fits).copied()
        };
        let mut line = self.waiting.iter().enumerate();
        let (place, approver) = line.find_map(|(place, waiting)| Some((place, takes(waiting)?)))?;
        self.busy[approver - staff.members.start] = true;
        let waiting = &mut self.waiting[place];
        let taken = Taken {
            approver,
            job: waiting.job,
            request: Arc::clone(&waiting.request),
            number: waiting.number,
            before: waiting.hands.len() as u64,
        };
        waiting.hands.push(approver);
        waiting.wanted -= 1;
        if waiting.wanted == 0 {
            self.waiting.remove(place);
        }
        Some(taken)
    }

    /// When somebody has to look at the line again, if nothing else happens.
    pub(super) fn look_again(&self, staff: &StaffScript, now: SimTime) -> Option<SimTime> {
        match self.waiting.is_empty() {
            true => None,
            false => staff.next_shift(now),
        }
    }
}

impl ApproverScript {
    /// Whether requests reach this person without any line.
    pub(super) const fn works_alone(&self) -> bool {
        self.staff.is_none()
    }
}

/// What staffs do.
impl Outside {
    pub(super) fn put_before_staffs(
        &mut self,
        (now, job): (SimTime, JobId),
        request: &Arc<ApprovalRequest>,
        number: u16,
    ) {
        let tightened = self.quorum.as_ref().map_or(0, |(quorum, _)| *quorum);
        for staff in 0..self.lines.len() {
            self.lines[staff].enter(job, request, number, request.quorum.max(tightened));
            self.call(now, staff);
        }
    }

    /// Whoever of a staff is free takes what waits longest.
    pub(super) fn call(&mut self, now: SimTime, place: usize) {
        let setup = Arc::clone(&self.setup);
        let staff = &setup.staffs[place];
        loop {
            let jobs = &self.jobs;
            let may = |approver: usize, job: JobId, request: &ApprovalRequest| {
                setup.approvers[approver].takes_up(request, task_of(&setup, jobs, job))
            };
            let Some(taken) = self.lines[place].take((staff, now), may) else {
                break;
            };
            let Taken {
                approver,
                job,
                request,
                number,
                before,
            } = taken;
            self.note_seen((now, job), &request);
            let entity = u64::from(job.0) | (u64::from(number) << 32);
            let key = (
                Purpose::ApproverFor,
                entity,
                name_key(&staff.name).wrapping_add(before),
            );
            let at = self.later(now, staff.takes, key);
            let decision = Decision {
                approver,
                request,
                number,
                look: Look::Again,
            };
            self.timers.set(at, job, Due::Decide(decision));
        }
        if let Some(call) = self.lines[place].call.take() {
            self.timers.forget(call);
        }
        self.lines[place].call = self.lines[place]
            .look_again(staff, now)
            .map(|at| self.timers.set(at, JobId::NONE, Due::Shift { staff: place }));
    }

    pub(super) fn end_decision(
        &mut self,
        (now, job): (SimTime, JobId),
        decision: Decision,
        out: &mut Vec<Input>,
    ) {
        let setup = Arc::clone(&self.setup);
        let approver = decision.approver;
        self.decide((now, job), decision, out);
        if let Some(staff) = setup.approvers[approver].staff {
            self.lines[staff].free(&setup.staffs[staff], approver);
            self.call(now, staff);
        }
    }
}
