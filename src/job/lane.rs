//! One lane: who holds a place, who waits for one, and how many retries are paid for.

use std::collections::VecDeque;

use super::LaneSpec;
use crate::units::JobId;

/// The state of one lane.
#[derive(Debug, Clone)]
pub(super) struct Lane {
    spec: LaneSpec,
    active: u32,
    queue: VecDeque<JobId>,
    backlog: VecDeque<JobId>,
    retries: u32,
    admitted: u32,
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
    pub(super) fn arrive(&mut self, job: JobId) {
        self.backlog.push_back(job);
    }

    /// The next job to admit into the queue, if there is room.
    pub(super) fn admit(&mut self) -> Option<JobId> {
        if self.queue.len() >= self.spec.waiting as usize {
            return None;
        }
        let job = self.backlog.pop_front()?;
        self.queue.push_back(job);
        self.admitted = self.admitted.saturating_add(1);
        if self.spec.jobs_per_retry > 0 && self.admitted.is_multiple_of(self.spec.jobs_per_retry) {
            self.retries = self.retries.saturating_add(1);
        }
        Some(job)
    }

    /// A parked job queues again, whatever the room.
    pub(super) fn requeue(&mut self, job: JobId) {
        self.queue.push_back(job);
    }

    /// The next job that gets a place, if one is free.
    pub(super) fn grant(&mut self) -> Option<JobId> {
        if self.active >= self.spec.capacity {
            return None;
        }
        let job = self.queue.pop_front()?;
        self.active += 1;
        Some(job)
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
        self.queue.retain(|waiting| *waiting != job);
        self.backlog.retain(|waiting| *waiting != job);
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
