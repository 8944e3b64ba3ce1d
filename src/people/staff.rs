//! The line in front of a staff: who takes which request when.

use std::collections::VecDeque;
use std::sync::Arc;

use super::arrivals::task_of;
use super::attention::request_key;
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
    /// Of each member, how many decisions are under way.
    busy: Vec<usize>,
    /// The timer of the next look at the line, while somebody waits in it.
    pub(super) call: Option<TimerKey>,
}

/// A request in a line.
#[derive(Debug, Clone)]
struct Waiting {
    since: SimTime,
    job: JobId,
    request: Arc<ApprovalRequest>,
    number: u16,
    /// How many more people have to look at it.
    wanted: u16,
    /// Who took it already.
    hands: Vec<usize>,
}

/// Requests that somebody takes up together.
pub(super) struct Taken {
    /// The place among all approvers.
    pub(super) approver: usize,
    pub(super) requests: Vec<TakenRequest>,
    /// How many are left in line.
    pub(super) waiting: usize,
}

/// A request that somebody takes up.
pub(super) struct TakenRequest {
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

    /// For how long the shift that is on at `now` has been on; no time at all where nobody has hours.
    fn since_shift_began(&self, now: SimTime) -> SimDuration {
        let time = time_of_day(now);
        let mut shifts = self.shifts.iter();
        let on = shifts.find(|shift| (shift.from..shift.to).contains(&time));
        on.map_or(SimDuration::ZERO, |shift| time.saturating_sub(shift.from))
    }

    /// How long its members are there until `until`, all told.
    #[must_use]
    pub fn there_until(&self, until: SimTime) -> SimDuration {
        if self.shifts.is_empty() {
            return until
                .since(SimTime::START)
                .saturating_mul(self.members.len() as u64);
        }
        let (days, rest) = (until.ticks() / DAY.ticks(), time_of_day(until));
        let ticks = self.shifts.iter().map(|shift| {
            let last = rest.min(shift.to).saturating_sub(shift.from);
            let whole = shift.to.saturating_sub(shift.from).saturating_mul(days);
            (whole + last).saturating_mul(shift.people as u64).ticks()
        });
        SimDuration::from_ticks(ticks.sum())
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
            busy: vec![0; staff.members.len()],
            call: None,
        }
    }

    /// A request comes in, for so many people.
    pub(super) fn enter(
        &mut self,
        (since, job): (SimTime, JobId),
        request: &Arc<ApprovalRequest>,
        number: u16,
        wanted: u16,
    ) {
        self.waiting.push_back(Waiting {
            since,
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

    /// A member is through with one of the requests taken.
    pub(super) fn free(&mut self, staff: &StaffScript, approver: usize) {
        if let Some(busy) = self.busy.get_mut(approver.wrapping_sub(staff.members.start)) {
            *busy = busy.saturating_sub(1);
        }
    }

    /// The requests that wait longest of those that somebody who is free may take, as many as are taken at once, and who
    /// takes them.
    pub(super) fn take(
        &mut self,
        (staff, now): (&StaffScript, SimTime),
        may: impl Fn(usize, JobId, &ApprovalRequest) -> bool,
    ) -> Option<Taken> {
        let present = self.busy.iter().take(staff.present(now));
        let free = present
            .zip(staff.members.clone())
            .filter(|(busy, _)| **busy == 0)
            .map(|(_, approver)| approver);
        let fits = |approver: usize, waiting: &Waiting| {
            !waiting.hands.contains(&approver) && may(approver, waiting.job, &waiting.request)
        };
        let opens = |approver: usize| {
            let mut fitting = self.waiting.iter().enumerate();
            let (place, first) = fitting.find(|(_, waiting)| fits(approver, waiting))?;
            let more = || fitting.filter(|(_, waiting)| fits(approver, waiting)).count();
            let least = match staff.batch.least {
                0 | 1 => 1,
                _ => 1 + more(),
            };
            staff
                .batch
                .opens(least, first.since, now)
                .then_some((place, approver))
        };
        // Of those who are free, whoever may take what waits longest.
        let (_, approver) = free.filter_map(opens).min_by_key(|(place, _)| *place)?;
        let mut requests = Vec::new();
        let mut place = 0;
        while requests.len() < staff.batch.most
            && let Some(waiting) = self.waiting.get_mut(place)
        {
            if waiting.hands.contains(&approver) || !may(approver, waiting.job, &waiting.request) {
                place += 1;
                continue;
            }
            requests.push(TakenRequest {
                job: waiting.job,
                request: Arc::clone(&waiting.request),
                number: waiting.number,
                before: waiting.hands.len() as u64,
            });
            waiting.hands.push(approver);
            waiting.wanted -= 1;
            match waiting.wanted {
                0 => drop(self.waiting.remove(place)),
                _ => place += 1,
            }
        }
        self.busy[approver - staff.members.start] = requests.len();
        Some(Taken {
            approver,
            requests,
            waiting: self.waiting.len(),
        })
    }

    /// When somebody has to look at the line again, if nothing else happens.
    pub(super) fn look_again(&self, staff: &StaffScript, now: SimTime) -> Option<SimTime> {
        let ripe = |waiting: &Waiting| Some(waiting.since + staff.batch.after?);
        let ripe = self.waiting.iter().filter_map(ripe).filter(|at| *at > now).min();
        let shift = (!self.waiting.is_empty())
            .then(|| staff.next_shift(now))
            .flatten();
        [ripe, shift].into_iter().flatten().min()
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
            self.lines[staff].enter((now, job), request, number, request.quorum.max(tightened));
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
            self.begin_decisions(now, staff, taken);
        }
        if let Some(call) = self.lines[place].call.take() {
            self.timers.forget(call);
        }
        self.lines[place].call = self.lines[place]
            .look_again(staff, now)
            .map(|at| self.timers.set(at, JobId::NONE, Due::Shift { staff: place }));
    }

    /// Somebody takes requests up: all of them are decided when the first of them would be.
    fn begin_decisions(&mut self, now: SimTime, staff: &StaffScript, taken: Taken) {
        let setup = Arc::clone(&self.setup);
        let Taken {
            approver,
            requests,
            waiting,
        } = taken;
        let shift = staff.since_shift_began(now);
        let name = name_key(&staff.name);
        let mut at = None;
        for TakenRequest {
            job,
            request,
            number,
            before,
        } in requests
        {
            self.note_seen((now, job), &request, &setup.approvers[approver].person.name);
            let (entity, index) = (request_key(job, number), name.wrapping_add(before));
            let at = *at.get_or_insert_with(|| {
                let usual = staff
                    .takes
                    .quantile(setup.seed.unit(Purpose::ApproverFor, entity, index));
                let takes = staff.attention.takes(usual, shift, waiting);
                now + takes.max(SimDuration::TICK)
            });
            let harmful = staff.ought_to_deny(setup.seed, job, number);
            let wrong = staff.attention.wrong_after(shift, waiting);
            let slips = wrong > 0.0 && setup.seed.unit(Purpose::Slip, entity, index) < wrong;
            let decision = Decision {
                approver,
                insight: setup.approvers[approver].insight(number, harmful, slips),
                request,
                number,
                look: Look::Again,
            };
            self.timers.set(at, job, Due::Decide(decision));
        }
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
