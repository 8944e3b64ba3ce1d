//! What users mean to do from the start, and when they would not wait any more.

use std::sync::Arc;

use super::timer::{Due, Impatience};
use super::{Balk, Outside, OutsideTask, When};
use crate::job::{Input, Told};
use crate::rng::Purpose;
use crate::trace::{StateName, UserEvent};
use crate::units::{JobId, SimTime};

/// How far a user has seen the work get.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing was shown.
    #[default]
    Unseen,
    /// It is not even in the queue.
    Outside,
    /// It waits in the queue.
    Queued,
    /// It has begun, or is over.
    Begun,
}

impl Standing {
    pub(super) const fn shown(self, state: StateName) -> Self {
        match (self, state) {
            (Self::Begun, _) => Self::Begun,
            (_, StateName::Accepted) => Self::Outside,
            (_, StateName::Queued) => Self::Queued,
            _ => Self::Begun,
        }
    }
}

impl Outside {
    pub(super) fn plan_user(&mut self, (now, job): (SimTime, JobId), task: &OutsideTask) {
        let user = &self.setup.users[task.user];
        let (leaves_after, patience, cancels) = (user.leaves_after, user.patience, !user.cancels.is_empty());
        if let Some(patience) = leaves_after {
            let at = self.later(now, patience, (Purpose::Patience, u64::from(job.0), 0));
            self.timers.set(at, job, Due::Leave);
            if let Some(known) = self.jobs.get_mut(job) {
                known.leaves = true;
            }
        }
        if let Some(patience) = patience {
            let at = self.later(now, patience, (Purpose::Patience, u64::from(job.0), 1));
            self.timers.set(at, job, Due::Impatient(Impatience::Waited));
        }
        if cancels {
            self.plan_cancels((now, job), task);
        }
    }

    /// What the user of a task will ask to cancel, and when.
    fn plan_cancels(&mut self, (now, job): (SimTime, JobId), task: &OutsideTask) {
        let setup = Arc::clone(&self.setup);
        for cancel in &setup.users[task.user].cancels {
            let at = match cancel.when {
                When::At(at) => at,
                When::After(delay) => now + delay,
            };
            let by = cancel.by.as_ref().unwrap_or(&task.requester);
            self.timers.set(at.max(now.next()), job, Due::Cancel(by.clone()));
        }
    }

    /// The user has left: of a task that is over there is nothing more to say.
    pub(super) fn has_left(&mut self, job: JobId) {
        if let Some(known) = self.jobs.get_mut(job) {
            known.leaves = false;
            if known.is_over && !known.is_done_with {
                self.forget(job);
            }
        }
    }

    /// The user would not wait for work that has not begun.
    pub(super) fn lose_patience(
        &mut self,
        (now, job): (SimTime, JobId),
        why: Impatience,
        out: &mut Vec<Input>,
    ) {
        if self.twin_has_begun(job) {
            return;
        }
        let standing = self.jobs.get(job).map(|known| known.standing);
        let why = match (why, standing) {
            (Impatience::Waited, Some(Standing::Outside | Standing::Queued)) => "waited",
            (Impatience::Balk(Balk::Busy), Some(Standing::Outside | Standing::Queued)) => "busy",
            (Impatience::Balk(Balk::Full), Some(Standing::Outside)) => "full",
            _ => return,
        };
        let Some(by) = self.task(job).map(|task| task.requester.clone()) else {
            return;
        };
        self.notes.note(now, job, || UserEvent::GaveUp { why });
        self.notes.note(now, job, || UserEvent::AskedToCancel);
        out.push(Input {
            job,
            told: Told::CancelAsked { by },
        });
        self.leave_twin((now, job), out);
        self.come_again(now, job);
    }
}
