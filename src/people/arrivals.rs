//! How tasks arrive: those of the setup, and those that are made known while the run goes on.

use std::sync::Arc;

use super::outside::Known;
use super::{Outside, OutsideSetup, OutsideTask};
use crate::job::{Input, Told};
use crate::trace::UserEvent;
use crate::units::{JobId, SimTime, Window, push_with};

impl Outside {
    /// Makes a task known that the setup does not list, under the number that is returned; it arrives behind those that
    /// were made known before.
    ///
    /// # Panics
    /// If it names a user that is not there.
    pub fn expect_task(&mut self, task: OutsideTask) -> JobId {
        assert!(task.user < self.setup.users.len(), "every task has a user");
        self.jobs.push(Known::of(task))
    }

    /// A job is over, and what is known of it goes with all tries of its task.
    pub fn forget_job(&mut self, job: JobId) {
        self.forget(job);
    }

    /// Of how many jobs people know anything, listed or not, and sinks.
    #[must_use]
    pub fn jobs_known(&self) -> usize {
        self.jobs.len() + self.sinks.jobs_kept()
    }

    /// The tasks of which everything was forgotten since this was last asked, by their first jobs: nobody asks for them again.
    pub fn drain_done_with(&mut self) -> impl Iterator<Item = JobId> {
        self.done_with.drain(..)
    }

    /// The same where nobody wants to know.
    #[inline]
    pub fn forget_done_with(&mut self) {
        self.done_with.clear();
    }

    /// The tries that came since this was last asked of tasks that are not listed.
    pub fn drain_further(&mut self) -> impl Iterator<Item = JobId> {
        self.further.drain(..)
    }

    /// A try behind the first comes.
    pub(super) fn came(&mut self, job: JobId) {
        if self.jobs.in_row(job).is_none() {
            self.further.push(job);
        }
    }

    /// The task that arrives next of those that are not listed.
    pub(super) fn expected(&self) -> Option<&OutsideTask> {
        self.jobs.in_row(self.next_expected)?.task.as_deref()
    }

    pub(super) fn submit_tasks(&mut self, now: SimTime, out: &mut Vec<Input>) {
        while let Some(job) = self.arrivals.get(self.arrived).copied() {
            if self.setup.tasks[job.0 as usize].at > now {
                break;
            }
            let setup = Arc::clone(&self.setup);
            self.arrived += 1;
            self.submit((now, job), &setup.tasks[job.0 as usize], out);
        }
        while let Some(task) = self.expected().filter(|task| task.at <= now).cloned() {
            let job = self.next_expected;
            self.next_expected = JobId(job.0 + 1);
            self.submit((now, job), &task, out);
        }
    }

    fn submit(&mut self, (now, job): (SimTime, JobId), task: &OutsideTask, out: &mut Vec<Input>) {
        self.notes.note(now, job, || UserEvent::Submitted {
            task: Arc::clone(&task.name),
            kind: Arc::clone(&task.kind),
        });
        push_with(out, || Input {
            job,
            told: Told::Submitted,
        });
        if let Some(known) = self.jobs.get_mut(job) {
            known.is_asked = true;
        }
        self.plan_user((now, job), task);
        self.plan_twin(now, job);
    }

    /// A user who gave up asks for the same task again.
    pub(super) fn ask_again(&mut self, (now, job): (SimTime, JobId), out: &mut Vec<Input>) {
        if let Some(task) = self.task(job).cloned() {
            self.came(job);
            self.submit((now, job), &task, out);
        }
    }

    pub(super) fn task(&self, job: JobId) -> Option<&OutsideTask> {
        task_of(&self.setup, &self.jobs, job)
    }

    /// The task of a job, if it is not listed.
    pub(super) fn own_task(&self, job: JobId) -> Option<OutsideTask> {
        let task = self.jobs.get(job)?.task.as_deref()?;
        Some(task.clone())
    }
}

/// The task of a job, listed or not.
pub(super) fn task_of<'a>(
    setup: &'a OutsideSetup,
    jobs: &'a Window<Known>,
    job: JobId,
) -> Option<&'a OutsideTask> {
    let expected = || jobs.get(job)?.task.as_deref();
    setup.tasks.get(job.0 as usize).or_else(expected)
}
