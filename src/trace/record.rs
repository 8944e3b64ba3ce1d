//! Records, and who may write which.

use serde::Serialize;

use super::{CoreEvent, OutsideEvent, ServiceEvent};
use crate::units::{JobId, SimTime};

/// Which part wrote a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// What users did.
    User,
    /// What the policy decided.
    Router,
    /// What the job core did.
    Job,
    /// What the runtime sent, got and showed.
    Runtime,
    /// What crossed the wire, seen from the service.
    Wire,
    /// What the model service did.
    Backend,
    /// What approvers and operators did.
    People,
    /// What landed in the sinks, and what tools ran.
    Sinks,
}

impl Channel {
    /// The word used in traces and reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Router => "router",
            Self::Job => "job",
            Self::Runtime => "runtime",
            Self::Wire => "wire",
            Self::Backend => "backend",
            Self::People => "people",
            Self::Sinks => "sinks",
        }
    }
}

/// What happened, by writer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Event {
    /// Written by users, people and sinks.
    Outside(OutsideEvent),
    /// Written by router, job core and runtime.
    Core(CoreEvent),
    /// Written by the mock service.
    Service(ServiceEvent),
}

impl Event {
    /// The channel it stands in.
    #[must_use]
    pub const fn channel(&self) -> Channel {
        match self {
            Self::Outside(OutsideEvent::User(_)) => Channel::User,
            Self::Outside(OutsideEvent::People(_)) => Channel::People,
            Self::Outside(OutsideEvent::Sinks(_)) => Channel::Sinks,
            Self::Core(CoreEvent::Router(_)) => Channel::Router,
            Self::Core(CoreEvent::Job(_)) => Channel::Job,
            Self::Core(CoreEvent::Runtime(_)) => Channel::Runtime,
            Self::Service(ServiceEvent::Wire(_)) => Channel::Wire,
            Self::Service(ServiceEvent::Backend(_)) => Channel::Backend,
        }
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Record<E = Event> {
    /// When.
    pub at: SimTime,
    /// To which job, if to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
    /// What.
    pub event: E,
}

impl<E> Record<E> {
    fn map<F>(self, event: impl FnOnce(E) -> F) -> Record<F> {
        Record {
            at: self.at,
            job: self.job,
            event: event(self.event),
        }
    }
}

/// Where one writer leaves its records; switched off it costs nothing.
#[derive(Debug, Clone)]
pub struct Notes<E> {
    records: Vec<Record<E>>,
    on: bool,
}

impl<E> Notes<E> {
    /// Keeps every record.
    #[must_use]
    pub const fn kept() -> Self {
        Self {
            records: Vec::new(),
            on: true,
        }
    }

    /// Keeps nothing, for runs that only count.
    #[must_use]
    pub const fn off() -> Self {
        Self {
            records: Vec::new(),
            on: false,
        }
    }

    /// Whether records are kept.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.on
    }

    /// Leaves a record; `event` is made only if it is kept.
    #[inline]
    pub fn note<I: Into<E>>(
        &mut self,
        at: SimTime,
        job: impl Into<Option<JobId>>,
        event: impl FnOnce() -> I,
    ) {
        if self.on {
            self.keep(at, job.into(), event);
        }
    }

    // Inlined, what makes a record would take room wherever one may be left, and most runs keep none.
    #[inline(never)]
    fn keep<I: Into<E>>(&mut self, at: SimTime, job: Option<JobId>, event: impl FnOnce() -> I) {
        let job = job.filter(|job| *job != JobId::NONE);
        self.records.push(Record {
            at,
            job,
            event: event().into(),
        });
    }

    /// Everything left so far.
    #[must_use]
    pub fn records(&self) -> &[Record<E>] {
        &self.records
    }

    /// Hands over everything left so far, one by one, and keeps the room.
    pub fn drain(&mut self) -> impl Iterator<Item = Record<E>> {
        self.records.drain(..)
    }

    /// Hands over everything left so far.
    #[must_use]
    pub fn take(&mut self) -> Vec<Record<E>> {
        std::mem::take(&mut self.records)
    }
}

/// The whole trace of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Trace {
    records: Vec<Record>,
}

impl Trace {
    /// Joins what the three writers left into one order: by instant; within one, the writers keep their rank and each
    /// its own order.
    #[must_use]
    pub fn join(
        mut outside: Vec<Record<OutsideEvent>>,
        mut core: Vec<Record<CoreEvent>>,
        mut service: Vec<Record<ServiceEvent>>,
    ) -> Self {
        let mut records: Vec<Record> = Vec::with_capacity(outside.len() + core.len() + service.len());
        in_order(&mut outside);
        in_order(&mut core);
        in_order(&mut service);
        let (mut outside, mut core, mut service) =
            (outside.into_iter(), core.into_iter(), service.into_iter());
        loop {
            let ahead = (
                at(outside.as_slice()),
                at(core.as_slice()),
                at(service.as_slice()),
            );
            let first = ahead.0.min(ahead.1).min(ahead.2);
            let next = if ahead.0 == first {
                outside.next().map(|record| record.map(Event::Outside))
            } else if ahead.1 == first {
                core.next().map(|record| record.map(Event::Core))
            } else {
                service.next().map(|record| record.map(Event::Service))
            };
            match next {
                Some(record) => records.push(record),
                None => return Self { records },
            }
        }
    }

    /// The records in order.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The instant of the last record.
    #[must_use]
    pub fn end(&self) -> SimTime {
        self.records.last().map_or(SimTime::START, |record| record.at)
    }
}

/// Sorts by instant; what one writer left stands so already, unless somebody has meddled with it.
fn in_order<E>(records: &mut [Record<E>]) {
    if !records.is_sorted_by_key(|record| record.at) {
        records.sort_by_key(|record| record.at);
    }
}

/// When the first of them was left; behind everything if there is none.
fn at<E>(records: &[Record<E>]) -> SimTime {
    records.first().map_or(SimTime::NEVER, |record| record.at)
}
