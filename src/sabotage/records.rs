//! Tools for editing the records of a run.

use std::sync::Arc;

use crate::trace::{
    Audience, CoreEvent, Decided, JobEvent, OutsideEvent, Record, RouterEvent, RuntimeEvent, ServiceEvent,
    View,
};
use crate::units::{JobId, SimDuration, SimTime};

/// The records of a run, by writer.
#[derive(Debug)]
pub(super) struct Records<'a> {
    pub(super) outside: &'a mut Vec<Record<OutsideEvent>>,
    pub(super) core: &'a mut Vec<Record<CoreEvent>>,
    pub(super) service: &'a mut Vec<Record<ServiceEvent>>,
}

/// Changes the first record that `change` takes.
pub(super) fn alter<E>(records: &mut [Record<E>], change: impl FnMut(&mut Record<E>) -> Option<()>) {
    let _ = records.iter_mut().find_map(change);
}

/// Takes the first record away that fits.
pub(super) fn remove<E>(records: &mut Vec<Record<E>>, fits: impl FnMut(&Record<E>) -> bool) {
    if let Some(place) = records.iter().position(fits) {
        records.remove(place);
    }
}

/// Takes every record away that fits.
pub(super) fn remove_all<E>(records: &mut Vec<Record<E>>, mut fits: impl FnMut(&Record<E>) -> bool) {
    records.retain(|record| !fits(record));
}

/// Puts a record in, behind everything of its tick.
pub(super) fn put<E>(records: &mut Vec<Record<E>>, at: SimTime, job: Option<JobId>, event: E) {
    let place = records.partition_point(|record| record.at <= at);
    records.insert(place, Record { at, job, event });
}

/// Behind the first record for which `what` has something, puts that, so much later; with no delay right behind it.
pub(super) fn follow<E>(
    records: &mut Vec<Record<E>>,
    later: SimDuration,
    what: impl FnMut(&Record<E>) -> Option<E>,
) {
    let mut what = what;
    let found = records
        .iter()
        .enumerate()
        .find_map(|(place, record)| Some((place, record.at, record.job, what(record)?)));
    let Some((place, at, job, event)) = found else {
        return;
    };
    if later.is_zero() {
        records.insert(place + 1, Record { at, job, event });
    } else {
        put(records, at + later, job, event);
    }
}

/// Moves the first record that fits so much later.
pub(super) fn postpone<E>(
    records: &mut Vec<Record<E>>,
    later: SimDuration,
    fits: impl FnMut(&Record<E>) -> bool,
) {
    if let Some(place) = records.iter().position(fits) {
        let Record { at, job, event } = records.remove(place);
        put(records, at + later, job, event);
    }
}

impl Records<'_> {
    /// Changes the first event of the job core that `change` takes.
    pub(super) fn job(&mut self, mut change: impl FnMut(&mut JobEvent) -> Option<()>) {
        alter(self.core, |record| match &mut record.event {
            CoreEvent::Job(event) => change(event),
            _ => None,
        });
    }

    /// Changes the first event of the runtime that `change` takes.
    pub(super) fn runtime(&mut self, mut change: impl FnMut(&mut RuntimeEvent) -> Option<()>) {
        alter(self.core, |record| match &mut record.event {
            CoreEvent::Runtime(event) => change(event),
            _ => None,
        });
    }

    /// Changes the first view that `change` takes; it must not touch one that it does not take.
    pub(super) fn view(&mut self, mut change: impl FnMut(Audience, &mut View) -> Option<()>) {
        self.runtime(|event| match event {
            RuntimeEvent::Shown { audience, view } => change(*audience, Arc::make_mut(view)),
            _ => None,
        });
    }

    /// Changes the first decision that `change` takes; it must not touch one that it does not take.
    pub(super) fn decision(&mut self, mut change: impl FnMut(&mut Decided) -> Option<()>) {
        alter(self.core, |record| match &mut record.event {
            CoreEvent::Router(RouterEvent::Decided(decided)) => change(Arc::make_mut(decided)),
            _ => None,
        });
    }

    /// Takes the first event of the job core away that fits.
    pub(super) fn without_job(&mut self, fits: fn(&JobEvent) -> bool) {
        remove(
            self.core,
            |record| matches!(&record.event, CoreEvent::Job(event) if fits(event)),
        );
    }

    /// Takes the first event of the runtime away that fits.
    pub(super) fn without_runtime(&mut self, fits: fn(&RuntimeEvent) -> bool) {
        remove(
            self.core,
            |record| matches!(&record.event, CoreEvent::Runtime(event) if fits(event)),
        );
    }

    /// Behind the first event of the job core for which `what` has another, puts that one, so much later.
    pub(super) fn job_again(
        &mut self,
        later: SimDuration,
        what: impl Fn(&JobEvent, SimTime) -> Option<JobEvent>,
    ) {
        follow(self.core, later, |record| match &record.event {
            CoreEvent::Job(event) => what(event, record.at + later).map(CoreEvent::Job),
            _ => None,
        });
    }
}
