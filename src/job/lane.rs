//! One lane: who holds a place, who waits for one, and how many retries are paid for.

use std::collections::VecDeque;

use super::LaneSpec;
use crate::units::{JobId, SimTime};

/// The state of one lane.
#[derive(Debug, Clone)]
pub(super) struct Lane {
    spec: LaneSpec,
    active: u32,
    queue: VecDeque<Waiting>,
    backlog: VecDeque<Waiting>,
    retries: u32,
    admitted: u32,
}

/// A job that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Waiting {
    due: SimTime,
    job: JobId,
}

/// Puts a job into a line: what is due first comes first, and what is due at the same instant, or never, in the order in
/// which it came.
fn enter(line: &mut VecDeque<Waiting>, waiting: Waiting) {
    let before = line.iter().rposition(|other| other.due <= waiting.due);
    line.insert(before.map_or(0, |place| place + 1), waiting);
}

impl Lane {
    pub(super) const fn new(spec: LaneSpec) -> Self {
        Self {
            spec,
            active: 0,
            queue: VecDeque::new(),
            backlog: VecDeque::new(),
            retries: spec.budget,
            admitted: 0,
        }
    }

    /// A job that is accepted asks to be admitted.
    pub(super) fn arrive(&mut self, job: JobId, due: Option<SimTime>) {
        let due = due.unwrap_or(SimTime::NEVER);
        enter(&mut self.backlog, Waiting { due, job });
    }

    /// The next job to admit into the queue, if there is room.
    pub(super) fn admit(&mut self) -> Option<JobId> {
        if self.queue.len() >= self.spec.waiting as usize {
            return None;
        }
        let waiting = self.backlog.pop_front()?;
        enter(&mut self.queue, waiting);
        self.admitted = self.admitted.saturating_add(1);
        if self.spec.jobs_per_retry > 0 && self.admitted.is_multiple_of(self.spec.jobs_per_retry) {
            self.retries = self.retries.saturating_add(1);
        }
        Some(waiting.job)
    }

    /// A parked job queues again, whatever the room.
    pub(super) fn requeue(&mut self, job: JobId, due: Option<SimTime>) {
        let due = due.unwrap_or(SimTime::NEVER);
        enter(&mut self.queue, Waiting { due, job });
    }

    /// The next job that gets a place, if one is free.
    pub(super) fn grant(&mut self) -> Option<JobId> {
        if self.active >= self.spec.capacity {
            return None;
        }
        let waiting = self.queue.pop_front()?;
        self.active += 1;
        Some(waiting.job)
    }

    /// A job that waited for a person takes a place again, over capacity if it must: people are not kept waiting.
    pub(super) const fn resume(&mut self) {
        self.active += 1;
    }

    /// A job gives its place back.
    pub(super) const fn release(&mut self) {
        self.active = self.active.saturating_sub(1);
    }

    /// A job leaves the queue or the backlog without a place.
    pub(super) fn forget(&mut self, job: JobId) {
        self.queue.retain(|waiting| waiting.job != job);
        self.backlog.retain(|waiting| waiting.job != job);
    }

    /// Pays for one retry, if the budget has one.
    pub(super) const fn pay_retry(&mut self) -> bool {
        let paid = self.retries > 0;
        if paid {
            self.retries -= 1;
        }
        paid
    }

    /// Jobs with a place, and jobs that wait for one.
    pub(super) fn load(&self) -> (u32, u32) {
        let waiting = self.queue.len() + self.backlog.len();
        (self.active, u32::try_from(waiting).unwrap_or(u32::MAX))
    }
}
