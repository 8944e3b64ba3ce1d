//! How operators act on parked jobs.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{OperatorAnswer, OperatorScript};
use crate::job::Glance;
use crate::trace::View;
use crate::units::{JobId, SimTime};

/// What the operators see of one job.
#[derive(Debug, Clone, Default)]
pub(super) struct Desk {
    parked: BTreeMap<JobId, Arc<View>>,
    /// How often each job was parked.
    parkings: BTreeMap<JobId, u16>,
    /// How often an answer was given, by job, operator and answer.
    given: BTreeMap<(JobId, usize, usize), u16>,
}

/// What a view means to operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// A job was parked.
    Parked {
        /// When.
        since: SimTime,
        /// The how-manieth time, from 1.
        number: u16,
    },
    /// Nothing to do.
    Nothing,
}

impl Desk {
    /// Looks at a view.
    pub(super) fn look(&mut self, job: JobId, view: &Glance) -> News {
        let Some(parked) = &view.parked else {
            if !self.parked.is_empty() {
                self.parked.remove(&job);
            }
            return News::Nothing;
        };
        let before = self.parked.insert(job, Arc::clone(parked));
        match before {
            Some(before) if before.since == view.since => News::Nothing,
            _ => self.park(job, view.since),
        }
    }

    /// Whether looking at a view would change anything.
    pub(super) fn heeds(&self, job: JobId, view: &Glance) -> bool {
        view.parked.is_some() || (!self.parked.is_empty() && self.parked.contains_key(&job))
    }

    /// A job is over, and will not be parked any more.
    pub(super) fn forget(&mut self, job: JobId) {
        if self.parkings.remove(&job).is_some() {
            self.parked.remove(&job);
            self.given.retain(|(of, ..), _| *of != job);
        }
    }

    fn park(&mut self, job: JobId, since: SimTime) -> News {
        let number = self.parkings.entry(job).or_insert(0);
        *number = number.saturating_add(1);
        News::Parked {
            since,
            number: *number,
        }
    }

    /// The answer of the operator of this place to the parking that began at `since`; none if it is over, if no
    /// answer fits, or if the view does not offer the verb.
    pub(super) fn answer<'a>(
        &mut self,
        job: JobId,
        since: SimTime,
        (place, operator): (usize, &'a OperatorScript),
    ) -> Option<&'a OperatorAnswer> {
        let view = self.parked.get(&job).filter(|view| view.since == since)?;
        let given = |index| self.given.get(&(job, place, index)).copied().unwrap_or(0);
        let (index, answer) = operator
            .answers
            .iter()
            .enumerate()
            .find(|(index, answer)| answer.fits(view, given(*index)))?;
        if !view.verbs.contains(&answer.verb) {
            return None;
        }
        *self.given.entry((job, place, index)).or_insert(0) += 1;
        Some(answer)
    }
}

impl OperatorAnswer {
    fn fits(&self, view: &View, given: u16) -> bool {
        let code = view.cause.as_ref().map(|cause| &cause.code);
        self.times.is_none_or(|times| given < times)
            && self.cause.as_ref().is_none_or(|cause| code == Some(cause))
    }
}
