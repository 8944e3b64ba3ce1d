//! The one pass.

use super::approval::Approval;
use super::boundary::BoundaryOf;
use super::cancellation::Cancellation;
use super::completion::Completion;
use super::delivery::Delivery;
use super::durability::Durability;
use super::retry::Retry;
use super::retry_law::RetryLaw;
use super::routing::Routing;
use super::status::Status;
use super::surface::Surface;
use super::timeout::Timeout;
use super::visibility::Visibility;
use crate::check::facts::Facts;
use crate::check::seen::Seen;
use crate::check::tally::{Judgement, Now, Tally};
use crate::trace::{CoreEvent, Event, ServiceEvent, Trace};
use crate::units::SimTime;

/// Judges every invariant of the catalogue over one run, in the order of the catalogue.
///
/// One pass over the records; what it costs grows with their number and with what single jobs did, not with the
/// product of both.
#[must_use]
pub fn judge(trace: &Trace, facts: &Facts) -> Vec<Judgement> {
    let mut seen = Seen::new(facts);
    let mut bench = Bench::new(facts);
    let mut tally = Tally::new();
    let mut tick = SimTime::START;
    for (index, record) in trace.records().iter().enumerate() {
        if record.at > tick {
            bench.tick_over(&seen, tick, &mut tally);
            seen.next_tick();
            tick = record.at;
        }
        let now = Now::of(index, record);
        bench.see(&seen, &now, &mut tally);
        seen.learn(&now);
    }
    bench.tick_over(&seen, tick, &mut tally);
    bench.end(&seen, trace.end(), &mut tally);
    tally.judgements()
}

/// Calls a method of every group.
macro_rules! every {
    ($bench:ident.$method:ident($($argument:expr),*)) => {
        $bench.status.$method($($argument),*);
        $bench.retry.$method($($argument),*);
        $bench.retry_law.$method($($argument),*);
        $bench.timeout.$method($($argument),*);
        $bench.completion.$method($($argument),*);
        $bench.delivery.$method($($argument),*);
        $bench.cancellation.$method($($argument),*);
        $bench.approval.$method($($argument),*);
        $bench.boundary.$method($($argument),*);
        $bench.visibility.$method($($argument),*);
        $bench.surface.$method($($argument),*);
        $bench.routing.$method($($argument),*);
        $bench.durability.$method($($argument),*);
    };
}

/// All judges.
#[derive(Debug)]
struct Bench {
    status: Status,
    retry: Retry,
    retry_law: RetryLaw,
    timeout: Timeout,
    completion: Completion,
    delivery: Delivery,
    cancellation: Cancellation,
    approval: Approval,
    boundary: BoundaryOf,
    visibility: Visibility,
    surface: Surface,
    routing: Routing,
    durability: Durability,
}

impl Bench {
    fn new(facts: &Facts) -> Self {
        let jobs = facts.tasks.len();
        Self {
            status: Status::new(jobs),
            retry: Retry::new(jobs),
            retry_law: RetryLaw::new(jobs),
            timeout: Timeout::new(jobs),
            completion: Completion::new(jobs),
            delivery: Delivery::new(jobs),
            cancellation: Cancellation::new(jobs),
            approval: Approval::new(jobs),
            boundary: BoundaryOf::new(jobs),
            visibility: Visibility::new(jobs),
            surface: Surface::new(jobs),
            routing: Routing::new(jobs),
            durability: Durability::new(jobs),
        }
    }

    /// What is sent and got makes up most of a trace; only those see it who look at such records.
    fn see(&mut self, seen: &Seen<'_>, now: &Now<'_>, tally: &mut Tally) {
        match now.event {
            Event::Service(ServiceEvent::Wire(_)) => {
                self.retry.see(seen, now, tally);
                self.timeout.see(seen, now, tally);
                self.delivery.see(seen, now, tally);
                self.cancellation.see(seen, now, tally);
                self.boundary.see(seen, now, tally);
                self.surface.see(seen, now, tally);
                self.durability.see(seen, now, tally);
            }
            Event::Core(CoreEvent::Runtime(_)) => {
                self.status.see(seen, now, tally);
                self.retry.see(seen, now, tally);
                self.timeout.see(seen, now, tally);
                self.completion.see(seen, now, tally);
                self.delivery.see(seen, now, tally);
                self.cancellation.see(seen, now, tally);
                self.boundary.see(seen, now, tally);
                self.visibility.see(seen, now, tally);
                self.surface.see(seen, now, tally);
                self.routing.see(seen, now, tally);
                self.durability.see(seen, now, tally);
            }
            _ => {
                every!(self.see(seen, now, tally));
            }
        }
    }

    /// Every record of the tick `at` is in.
    fn tick_over(&mut self, seen: &Seen<'_>, at: SimTime, tally: &mut Tally) {
        every!(self.tick_over(seen, at, tally));
    }

    /// The trace is over at `end`.
    fn end(&mut self, seen: &Seen<'_>, end: SimTime, tally: &mut Tally) {
        every!(self.end(seen, end, tally));
    }
}
