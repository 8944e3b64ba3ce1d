//! Users who come again, and second requests for the same task.
//!
//! Invariant: every try of a task is a job of its own, whose number follows from that of the first; which of them come is
//! decided here, and by what the user is shown alone. Where tasks are not listed, a try is known to people from when it is
//! planned, and they forget all tries of a task together.

use std::sync::Arc;

use super::outside::Known;
use super::patience::Standing;
use super::timer::Due;
use super::{Outside, OutsideTask};
use crate::job::{Glance, Input, Told};
use crate::rng::{Law, Purpose};
use crate::trace::UserEvent;
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
    /// How long after the first there is a second request for the same task, behind all tries, if nothing of the first is on
    /// view; none: there are none.
    pub twins: Option<SimDuration>,
    /// What the names of tries behind the first, and then of second requests, end in; of those that are not listed.
    pub marks: Arc<[String]>,
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

    /// The job of the first try.
    fn first(&self, job: JobId) -> JobId {
        JobId(self.firsts.map_or(job.0, |firsts| job.0 % firsts.max(1)))
    }

    /// How far second requests are behind the first ones.
    fn behind(&self) -> Option<u32> {
        Some(self.firsts? * (u32::from(self.tries) + 1))
    }

    /// The jobs of a task behind the first.
    fn behind_first(&self, first: JobId) -> impl Iterator<Item = JobId> + use<> {
        let blocks = 1..=u32::from(self.tries) + u32::from(self.twins.is_some());
        let firsts = self.firsts;
        blocks.filter_map(move |block| Some(JobId(first.0 + block * firsts?)))
    }

    /// The job of the next try.
    fn next(&self, job: JobId) -> Option<JobId> {
        let further = self.try_of(job) < u32::from(self.tries);
        Some(JobId(job.0.checked_add(self.firsts?)?)).filter(|_| further)
    }
}

impl Outside {
    /// The other one of a task that is asked for twice: the second of the first, or the first of the second.
    pub(super) fn twin(&self, job: JobId) -> Option<JobId> {
        let further = &self.setup.further;
        let (_, behind) = (further.twins?, further.behind()?);
        match job.0.checked_sub(behind) {
            Some(first) => Some(JobId(first)),
            None if further.try_of(job) > 0 => None,
            None => {
                let twinned = self.task(job).is_some_and(|task| task.may_twin);
                twinned.then_some(JobId(job.0 + behind))
            }
        }
    }

    /// A try of a task is planned: it is known from now on, if it is not listed.
    fn plan_further(&mut self, job: JobId) {
        let further = &self.setup.further;
        if self.jobs.get(job).is_some() {
            return;
        }
        let Some(task) = self.task(further.first(job)) else {
            return;
        };
        let place = further.try_of(job) as usize;
        let mark = place.checked_sub(1).and_then(|place| further.marks.get(place));
        let name = format!("{}{}", task.name, mark.map_or("", String::as_str));
        let task = OutsideTask {
            name: name.into(),
            ..task.clone()
        };
        self.jobs.put_apart(job, Known::of(task));
    }

    /// What was done for a job by anybody but its user.
    fn forget_deeds(&mut self, job: JobId) {
        self.sinks.forget(job);
        self.tools.forget(job);
        self.desk.forget(job);
    }

    /// A job is over, or was never needed: where all tries of its task are, all that is known of it goes.
    pub(super) fn forget(&mut self, job: JobId) {
        if let Some(known) = self.jobs.get_mut(job) {
            known.is_over = true;
        }
        let first = self.setup.further.first(job);
        let mut all = std::iter::once(first).chain(self.setup.further.behind_first(first));
        if !all.all(|job| self.jobs.get(job).is_none_or(Known::is_silent)) {
            return;
        }
        for job in self.setup.further.behind_first(first) {
            self.jobs.take_apart(job);
            self.forget_deeds(job);
        }
        self.forget_deeds(first);
        if let Some(known) = self.jobs.get_mut(first) {
            known.is_done_with = true;
            self.done_with.push(first);
        }
        while self.jobs.pop_if(|known| known.is_done_with) {}
    }

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
            self.plan_further(next);
            self.timers.set(at, next, Due::Again);
        }
    }

    /// A first try may be asked for a second time later.
    pub(super) fn plan_twin(&mut self, now: SimTime, job: JobId) {
        let further = &self.setup.further;
        let is_first = further.firsts.is_some_and(|firsts| job.0 < firsts);
        if let (true, Some(twin), Some(after)) = (is_first, self.twin(job), further.twins) {
            let at = now + after.max(SimDuration::TICK);
            self.plan_further(twin);
            self.timers.set(at, twin, Due::Twin);
        }
    }

    /// The second request leaves, if nothing of the first is on view and its user is there.
    pub(super) fn send_twin(&mut self, now: SimTime, twin: JobId, out: &mut Vec<Input>) {
        let first = self.twin(twin);
        let Some(first) = first.and_then(|first| self.jobs.get(first)) else {
            return;
        };
        if first.has_output || first.is_gone {
            // A listed one stays, as all do.
            if self.jobs.in_row(twin).is_none() {
                self.forget(twin);
            }
            return;
        }
        let Some(task) = self.task(twin).cloned() else {
            return;
        };
        self.came(twin);
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
        let twin = self.twin(job).and_then(|twin| self.jobs.get(twin));
        twin.is_some_and(|twin| twin.standing == Standing::Begun)
    }

    /// What a view says about the one of two requests: the first result makes the other useless, and what is over needs
    /// no second.
    pub(super) fn look_at_twins(
        &mut self,
        (now, job): (SimTime, JobId),
        view: &Glance,
        out: &mut Vec<Input>,
    ) {
        let Some(twin) = self.twin(job) else {
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
        let twin = self.twin(job);
        if let Some(known) = self.jobs.get_mut(job) {
            known.is_gone = true;
        }
        if let Some(twin) = twin {
            self.drop_twin((now, twin), out);
        }
    }
}
