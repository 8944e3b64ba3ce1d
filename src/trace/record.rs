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
    pub fn note<I: Into<E>>(
        &mut self,
        at: SimTime,
        job: impl Into<Option<JobId>>,
        event: impl FnOnce() -> I,
    ) {
        if self.on {
            let job = job.into().filter(|job| *job != JobId::NONE);
            self.records.push(Record {
                at,
                job,
                event: event().into(),
            });
        }
    }

    /// Everything left so far.
    #[must_use]
    pub fn records(&self) -> &[Record<E>] {
        &self.records
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
    /// Joins what the three writers left into one order.
    #[must_use]
    pub fn join(
        outside: Vec<Record<OutsideEvent>>,
        core: Vec<Record<CoreEvent>>,
        service: Vec<Record<ServiceEvent>>,
    ) -> Self {
        let mut records: Vec<Record> = Vec::with_capacity(outside.len() + core.len() + service.len());
        records.extend(outside.into_iter().map(|r| Record {
            at: r.at,
            job: r.job,
            event: Event::Outside(r.event),
        }));
        records.extend(core.into_iter().map(|r| Record {
            at: r.at,
            job: r.job,
            event: Event::Core(r.event),
        }));
        records.extend(service.into_iter().map(|r| Record {
            at: r.at,
            job: r.job,
            event: Event::Service(r.event),
        }));
        // The sort is stable: within a tick the writers keep their rank and each its own order.
        records.sort_by_key(|record| record.at);
        Self { records }
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
