//! Users who come again, and second requests for the same task.
//!
//! Invariant: every try of a task is a job of its own, whose number follows from that of the first; which of them come is
//! decided here, and by what the user is shown alone.

use std::sync::Arc;

use super::Outside;
use super::patience::Standing;
use super::timer::Due;
use crate::job::{Input, Told};
use crate::rng::{Law, Purpose};
use crate::trace::{UserEvent, View};
use crate::units::{JobId, Probability, SimDuration, SimTime};

/// How a user comes again who balked or gave up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retrial {
    /// How likely, each time.
    pub probability: Probability,
    /// How long after giving up.
    pub after: Law,
    /// How often at most.
    pub times: u16,
}

/// The jobs that do not come by themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Further {
    /// The number of tasks that do; none: all of them.
    pub firsts: Option<u32>,
    /// How many further tries of each there are at most: that of number `n` is `n` times [`Self::firsts`] behind the first.
    pub tries: u16,
    /// Second requests for the same task, behind all tries.
    pub twins: Option<Twins>,
}

/// Second requests for the same task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Twins {
    /// How long after the first, if nothing of that is on view.
    pub after: SimDuration,
    /// For which of the tasks that come by themselves.
    pub of: Arc<[bool]>,
}

impl Further {
    /// How many of so many tasks come by themselves.
    #[must_use]
    pub fn firsts_of(&self, tasks: usize) -> usize {
        self.firsts.map_or(tasks, |firsts| (firsts as usize).min(tasks))
    }

    /// The try that this job is: 0 of the first, and so on.
    fn try_of(&self, job: JobId) -> u32 {
        self.firsts.map_or(0, |firsts| job.0 / firsts.max(1))
    }

    /// The job of the next try.
    fn next(&self, job: JobId) -> Option<JobId> {
        let further = self.try_of(job) < u32::from(self.tries);
        Some(JobId(job.0.checked_add(self.firsts?)?)).filter(|_| further)
    }

    /// The other one of a task that is asked for twice: the second of the first, or the first of the second.
    fn twin(&self, job: JobId) -> Option<JobId> {
        let (firsts, twins) = (self.firsts?, self.twins.as_ref()?);
        let behind = firsts * (u32::from(self.tries) + 1);
        match job.0.checked_sub(behind) {
            Some(first) => Some(JobId(first)),
            None => {
                let twinned = twins.of.get(job.0 as usize).copied().unwrap_or(false);
                twinned.then_some(JobId(job.0 + behind))
            }
        }
    }
}

impl Outside {
    /// A user who gave up comes again, or does not.
    pub(super) fn come_again(&mut self, now: SimTime, job: JobId) {
        let Some(retrial) = self
            .task(job)
            .and_then(|task| self.setup.users[task.user].retrial)
        else {
            return;
        };
        let tried = self.setup.further.try_of(job);
        let Some(next) = self
            .setup
            .further
            .next(job)
            .filter(|_| tried < u32::from(retrial.times))
        else {
            return;
        };
        let draw = self.setup.seed.unit(Purpose::Retrial, u64::from(job.0), 0);
        if retrial.probability.hits(draw) {
            let key = (Purpose::Retrial, u64::from(job.0), 1);
            let at = self.later(now, retrial.after, key);
            self.timers.set(at, next, Due::Again);
        }
    }

    /// A first try may be asked for a second time later.
    pub(super) fn plan_twin(&mut self, now: SimTime, job: JobId) {
        let further = &self.setup.further;
        let is_first = further.firsts.is_some_and(|firsts| job.0 < firsts);
        if let (true, Some(twin), Some(twins)) = (is_first, further.twin(job), &further.twins) {
            let at = now + twins.after.max(SimDuration::TICK);
            self.timers.set(at, twin, Due::Twin);
        }
    }

    /// The second request leaves, if nothing of the first is on view and its user is there.
    pub(super) fn send_twin(&mut self, now: SimTime, twin: JobId, out: &mut Vec<Input>) {
        let first = self.setup.further.twin(twin);
        let Some(first) = first.and_then(|first| self.jobs.get(first)) else {
            return;
        };
        if first.has_output || first.is_gone {
            return;
        }
        let Some(task) = self.task(twin).cloned() else {
            return;
        };
        if let Some(known) = self.jobs.get_mut(twin) {
            known.is_asked = true;
        }
        self.notes.note(now, twin, || UserEvent::Submitted {
            task: Arc::clone(&task.name),
            kind: Arc::clone(&task.kind),
        });
        out.push(Input {
            job: twin,
            told: Told::Submitted,
        });
    }

    /// Whether the other request for the same task has begun.
    pub(super) fn twin_has_begun(&self, job: JobId) -> bool {
        let twin = self.setup.further.twin(job).and_then(|twin| self.jobs.get(twin));
        twin.is_some_and(|twin| twin.standing == Standing::Begun)
    }

    /// What a view says about the one of two requests: the first result makes the other useless, and what is over needs
    /// no second.
    pub(super) fn look_at_twins(&mut self, (now, job): (SimTime, JobId), view: &View, out: &mut Vec<Input>) {
        let Some(twin) = self.setup.further.twin(job) else {
            return;
        };
        if let Some(known) = self.jobs.get_mut(job) {
            known.has_output |= view.progress > 0 || view.result.is_some();
            known.is_gone |= view.state.is_terminal();
        }
        if view.result.is_some() {
            self.drop_twin((now, twin), out);
        }
    }

    /// A request that nobody needs any more is cancelled.
    pub(super) fn drop_twin(&mut self, (now, twin): (SimTime, JobId), out: &mut Vec<Input>) {
        let open = |known: &super::outside::Known| known.is_asked && !known.is_gone;
        let Some(by) = self.task(twin).map(|task| task.requester.clone()) else {
            return;
        };
        let Some(known) = self.jobs.get_mut(twin).filter(|known| open(known)) else {
            return;
        };
        known.is_gone = true;
        self.notes.note(now, twin, || UserEvent::AskedToCancel);
        out.push(Input {
            job: twin,
            told: Told::CancelAsked { by },
        });
    }

    /// A user leaves, or gives up: nobody needs the second request.
    pub(super) fn leave_twin(&mut self, (now, job): (SimTime, JobId), out: &mut Vec<Input>) {
        let twin = self.setup.further.twin(job);
        if let Some(known) = self.jobs.get_mut(job) {
            known.is_gone = true;
        }
        if let Some(twin) = twin {
            self.drop_twin((now, twin), out);
        }
    }
}
