//! What the trace tells about one task, gathered once for all of its expectations.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::scenario::{End, RequestSort};
use crate::trace::{
    Audience, BackendEvent, Cause, CoreEvent, Decided, Event, JobEvent, LimitName, OutsideEvent, Record,
    RouterEvent, RuntimeEvent, ServiceEvent, SinkEvent, StateName, StopReason, Trace, UserEvent, View,
    WireEvent,
};
use crate::units::{ExchangeKind, JobId, SimTime};
use crate::wire::ResponseId;

/// A place of the trace: instant and record.
pub(super) type Spot = (SimTime, usize);

/// One task's story.
#[derive(Debug, Default)]
pub(super) struct Story<'a> {
    pub(super) arrived: Option<SimTime>,
    pub(super) decided: Option<(&'a Decided, Spot)>,
    pub(super) refused: Option<(&'a Arc<str>, Spot)>,
    pub(super) states: Vec<(StateName, Spot)>,
    pub(super) attempts: u32,
    pub(super) charged: u32,
    pub(super) turns: u32,
    pub(super) effects: Vec<(&'a Arc<str>, &'a Arc<str>, Spot)>,
    pub(super) asked: u32,
    pub(super) closed: Vec<(&'static str, Spot)>,
    pub(super) requests: [u32; 4],
    pub(super) webhooks: u32,
    pub(super) orphans: u32,
    pub(super) views: Vec<(Audience, &'a Arc<View>, Spot)>,
    pub(super) cause: Option<(&'a Cause, Spot)>,
    pub(super) stopped: Option<(StopReason, Spot)>,
    pub(super) limits: Vec<(LimitName, Spot)>,
    pub(super) handed_over: Option<Spot>,
    pub(super) cancel_too_late: Option<Spot>,
    pub(super) result: Option<(bool, Spot)>,
    pub(super) retrieved: Option<Spot>,
    pub(super) faults: Vec<(u32, Spot)>,
}

/// The stories of all tasks, and the rules that struck.
#[derive(Debug)]
pub(super) struct Stories<'a> {
    pub(super) tasks: Vec<Story<'a>>,
    pub(super) struck: BTreeMap<u32, Spot>,
}

impl<'a> Stories<'a> {
    pub(super) fn of(trace: &'a Trace, tasks: usize) -> Self {
        let mut all = Self {
            tasks: Vec::new(),
            struck: BTreeMap::new(),
        };
        all.tasks.resize_with(tasks, Story::default);
        let mut owners: BTreeMap<&ResponseId, JobId> = BTreeMap::new();
        for (index, record) in trace.records().iter().enumerate() {
            all.note_fault(record, (record.at, index));
            if let Event::Service(ServiceEvent::Backend(BackendEvent::Created {
                response,
                origin: Some(origin),
                ..
            })) = &record.event
            {
                owners.insert(response, origin.job);
            }
            let webhook = match &record.event {
                Event::Service(ServiceEvent::Wire(WireEvent::WebhookSent { response, .. })) => {
                    owners.get(response)
                }
                _ => None,
            };
            let job = record.job.or(webhook.copied());
            if let Some(story) = job.and_then(|job| all.tasks.get_mut(job.0 as usize)) {
                story.take(record, (record.at, index));
            }
        }
        all
    }

    fn note_fault(&mut self, record: &Record, spot: Spot) {
        let rule = match &record.event {
            Event::Service(ServiceEvent::Backend(BackendEvent::FaultFired { rule, .. })) => *rule,
            Event::Outside(OutsideEvent::Sinks(SinkEvent::FaultFired { rule })) => *rule,
            _ => return,
        };
        self.struck.entry(rule).or_insert(spot);
        if let Some(story) = record.job.and_then(|job| self.tasks.get_mut(job.0 as usize)) {
            story.faults.push((rule, spot));
        }
    }
}

impl<'a> Story<'a> {
    fn take(&mut self, record: &'a Record, spot: Spot) {
        match &record.event {
            Event::Core(CoreEvent::Job(event)) => self.take_job(event, spot),
            Event::Core(CoreEvent::Router(RouterEvent::Decided(decided))) => {
                self.decided = Some((decided, spot))
            }
            Event::Core(CoreEvent::Router(RouterEvent::Refused { reason })) => {
                self.refused = Some((reason, spot));
            }
            Event::Core(CoreEvent::Runtime(RuntimeEvent::Shown { audience, view })) => {
                self.views.push((*audience, view, spot));
            }
            Event::Service(ServiceEvent::Wire(WireEvent::Arrived { kind, .. })) => self.count_request(*kind),
            Event::Service(ServiceEvent::Wire(WireEvent::WebhookSent { .. })) => self.webhooks += 1,
            Event::Outside(OutsideEvent::User(UserEvent::Submitted { .. })) => self.arrived = Some(spot.0),
            Event::Outside(OutsideEvent::User(UserEvent::Retrieved { .. })) => self.retrieved = Some(spot),
            Event::Outside(OutsideEvent::Sinks(SinkEvent::Applied { sink, digest, .. })) => {
                self.effects.push((sink, digest, spot));
            }
            _ => {}
        }
    }

    fn take_job(&mut self, event: &'a JobEvent, spot: Spot) {
        match event {
            JobEvent::Moved {
                to,
                attempt,
                charged,
                turn,
                cause,
                ..
            } => {
                self.states.push((*to, spot));
                self.attempts = u32::from(*attempt);
                self.charged = u32::from(*charged);
                self.turns = u32::from(*turn);
                if let Some(cause) = cause {
                    self.cause = Some((cause, spot));
                }
            }
            JobEvent::ApprovalRequested { .. } => self.asked += 1,
            JobEvent::ApprovalClosed { how, .. } => self.closed.push((how, spot)),
            JobEvent::RetryStopped { reason } => self.stopped = Some((*reason, spot)),
            JobEvent::LimitFired { limit, .. } => self.limits.push((*limit, spot)),
            JobEvent::HandedOver { .. } => self.handed_over = Some(spot),
            JobEvent::CancelTooLate { .. } => self.cancel_too_late = Some(spot),
            JobEvent::ResultStored { partial, .. } => self.result = Some((*partial, spot)),
            JobEvent::OrphanSuspected { .. } => self.orphans += 1,
            _ => {}
        }
    }

    fn count_request(&mut self, kind: ExchangeKind) {
        let sort = match kind {
            ExchangeKind::Create => RequestSort::Creates,
            ExchangeKind::Poll => RequestSort::Polls,
            ExchangeKind::Stream => RequestSort::Streams,
            ExchangeKind::Cancel => RequestSort::Cancels,
            ExchangeKind::Delete | ExchangeKind::Other => return,
        };
        self.requests[sort as usize] += 1;
    }

    /// Where the task stands at the end.
    pub(super) fn end(&self) -> Option<(End, Spot)> {
        if let Some((state, spot)) = self.states.last() {
            return Some((End::At(*state), *spot));
        }
        self.refused.map(|(_, spot)| (End::Refused, spot))
    }

    /// What was shown to `to` at `at`: the last view up to then.
    pub(super) fn shown_at(&self, to: Audience, at: SimTime) -> Option<&(Audience, &'a Arc<View>, Spot)> {
        self.views
            .iter()
            .rev()
            .find(|(audience, _, (when, _))| *audience == to && *when <= at)
    }
}
