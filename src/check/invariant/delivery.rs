//! How results and signals travel: streams, webhooks, and the user who takes the result.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::check::catalogue::Id;
use crate::check::facts::TaskFacts;
use crate::check::seen::{JobSeen, Seen};
use crate::check::tally::{Mark, Now, Tally, claim};
use crate::job::Follow;
use crate::trace::{
    Audience, CoreEvent, Event, JobEvent, OutsideEvent, RuntimeEvent, ServiceEvent, StateName, UserEvent,
    WireEvent,
};
use crate::units::{Exchange, ExchangeKind, JobId, SimDuration, SimTime};
use crate::wire::ResponseId;

/// Judges CO-04, CO-06, CO-08 and CO-09.
#[derive(Debug)]
pub(super) struct Delivery {
    jobs: Vec<Own>,
    /// The signature of the last sending, by delivery.
    signatures: BTreeMap<Arc<str>, (&'static str, u16)>,
    /// Deliveries that were taken as valid.
    taken: BTreeSet<Arc<str>>,
    /// Webhooks that must change nothing, in the tick under way.
    void: Vec<(Mark, ResponseId, &'static str)>,
}

#[derive(Debug, Default)]
struct Own {
    offered: Option<Mark>,
    retrieved: u16,
    /// What the service sent last on each exchange, and what came before it.
    sent: Option<(Exchange, u64)>,
    resumed: Option<(Exchange, u64)>,
    got: Option<(Exchange, u64)>,
    /// Numbers that the service left out on an exchange: a fault, and no gap that anybody made.
    left_out: Vec<(Exchange, u64)>,
    nudged: Vec<ResponseId>,
    polls_failed: bool,
}

impl Delivery {
    pub(super) fn new(jobs: usize) -> Self {
        Self {
            jobs: std::iter::repeat_with(Own::default).take(jobs).collect(),
            signatures: BTreeMap::new(),
            taken: BTreeSet::new(),
            void: Vec::new(),
        }
    }

    pub(super) fn see(&mut self, seen: &Seen<'_>, now: &Now<'_>, tally: &mut Tally) {
        match now.event {
            Event::Service(ServiceEvent::Wire(WireEvent::WebhookSent {
                delivery,
                send,
                signature,
                ..
            })) => {
                self.signatures.insert(delivery.clone(), (signature, *send));
            }
            Event::Core(CoreEvent::Runtime(RuntimeEvent::WebhookTaken {
                delivery,
                response,
                what,
            })) => self.webhook(now, (delivery, response, what), tally),
            Event::Core(CoreEvent::Runtime(RuntimeEvent::Sent {
                exchange,
                response: Some(response),
                ..
            })) if exchange.kind() == ExchangeKind::Poll => self.void_read(now, response, tally),
            _ => {}
        }
        let Some((id, job, task)) = seen.of(now) else {
            return;
        };
        let own = &mut self.jobs[id.0 as usize];
        match now.event {
            Event::Outside(OutsideEvent::User(UserEvent::Retrieved { .. })) => {
                own.retrieved += 1;
                tally.test(Id::Co04, now.mark(), own.retrieved == 1, || {
                    claim(
                        "a result is recorded as taken twice",
                        "once",
                        format!("{} times", own.retrieved),
                    )
                });
            }
            Event::Service(ServiceEvent::Wire(event)) => own.wire(now, event, tally),
            Event::Core(CoreEvent::Runtime(event)) => own.runtime(now, event, tally),
            Event::Core(CoreEvent::Job(event)) => own.job(now, (id, job, task), event, tally),
            _ => {}
        }
    }

    fn webhook(
        &mut self,
        now: &Now<'_>,
        (delivery, response, what): (&Arc<str>, &ResponseId, &'static str),
        tally: &mut Tally,
    ) {
        if let Some(id) = now.job
            && let Some(own) = self.jobs.get_mut(id.0 as usize).filter(|_| what == "read_state")
        {
            own.nudged.push(response.clone());
        }
        let signature = self
            .signatures
            .get(delivery)
            .map_or("never sent", |(word, _)| *word);
        let repeated = self.taken.contains(delivery);
        let truth = match (signature, repeated) {
            ("valid", false) => {
                self.taken.insert(delivery.clone());
                return;
            }
            ("valid", true) => "duplicate",
            (other, _) => other,
        };
        let ignored = !matches!(what, "read_state" | "parked");
        tally.test(Id::Co09, now.mark(), ignored, || {
            claim(
                format!("a webhook that is {truth} was acted on"),
                "nothing is done",
                what,
            )
        });
        self.void.push((now.mark(), response.clone(), truth));
    }

    fn void_read(&mut self, now: &Now<'_>, response: &ResponseId, tally: &mut Tally) {
        let stray = now.job.is_none();
        let void = self
            .void
            .iter()
            .find(|(mark, about, _)| stray && about == response && mark.at == now.at);
        if let Some((_, _, truth)) = void {
            tally.broken(Id::Co09, now.mark(), || {
                claim(
                    format!("a webhook that is {truth} made the runtime look"),
                    "nothing is done",
                    "a read",
                )
            });
        }
    }

    pub(super) fn tick_over(&mut self, _seen: &Seen<'_>, _at: SimTime, _tally: &mut Tally) {
        self.void.clear();
    }

    pub(super) fn end(&mut self, _seen: &Seen<'_>, end: SimTime, tally: &mut Tally) {
        for own in &self.jobs {
            let Some(mark) = own.offered else { continue };
            if own.retrieved == 0 && mark.at.next() < end {
                tally.test(Id::Co04, mark, false, || {
                    claim("a result was shown and never taken", "a delivery", "none")
                });
            }
        }
    }
}

impl Own {
    fn wire(&mut self, now: &Now<'_>, event: &WireEvent, tally: &mut Tally) {
        match event {
            WireEvent::Arrived {
                exchange,
                after: Some(after),
                ..
            } => {
                self.resumed = Some((*exchange, *after));
                if let Some((before, got)) = self.got {
                    let same_turn =
                        (before.attempt(), before.turn()) == (exchange.attempt(), exchange.turn());
                    if same_turn {
                        tally.test(Id::Co06, now.mark(), *after <= got, || {
                            claim(
                                "a stream is resumed ahead of what was read",
                                format!("behind {got}"),
                                format!("behind {after}"),
                            )
                        });
                    }
                }
            }
            WireEvent::StreamSent { exchange, seq } => {
                let resumed = self.resumed.is_some_and(|(on, _)| on == *exchange);
                if let Some(wanted) = self.due(*exchange) {
                    self.follows(now, resumed, (wanted, *seq), tally);
                }
                self.sent = Some((*exchange, *seq));
            }
            WireEvent::Spoiled {
                exchange,
                how: "skip_event" | "gap",
            } => {
                if let Some(number) = self.due(*exchange) {
                    self.left_out.push((*exchange, number));
                    self.sent = Some((*exchange, number));
                }
            }
            _ => {}
        }
    }

    /// The number that has to leave next on an exchange; none before its first event, unless it is resumed.
    fn due(&self, exchange: Exchange) -> Option<u64> {
        let on_it = |place: &(Exchange, u64)| place.0 == exchange;
        let last = self.sent.filter(on_it).or(self.resumed.filter(on_it));
        last.map(|(_, seq)| seq + 1)
    }

    /// The number that has to be read on an exchange after `before`.
    fn due_here(&self, exchange: Exchange, before: u64) -> u64 {
        let mut wanted = before + 1;
        while self.left_out.contains(&(exchange, wanted)) {
            wanted += 1;
        }
        wanted
    }

    fn follows(&self, now: &Now<'_>, resumed: bool, (wanted, seq): (u64, u64), tally: &mut Tally) {
        if resumed {
            tally.seen(Id::Co06);
        }
        if wanted != seq {
            tally.broken(Id::Co06, now.mark(), || {
                claim(
                    "a stream has a gap or a repetition",
                    format!("event {wanted}"),
                    format!("event {seq}"),
                )
            });
        }
    }

    fn runtime(&mut self, now: &Now<'_>, event: &RuntimeEvent, tally: &mut Tally) {
        match event {
            RuntimeEvent::StreamGot { exchange, seq } => {
                let same = self
                    .got
                    .filter(|(on, _)| (on.attempt(), on.turn()) == (exchange.attempt(), exchange.turn()));
                if let Some((_, before)) = same {
                    self.follows(
                        now,
                        exchange.kind() == ExchangeKind::Stream,
                        (self.due_here(*exchange, before), *seq),
                        tally,
                    );
                }
                self.got = Some((*exchange, *seq));
            }
            RuntimeEvent::Shown { audience, view }
                if *audience == Audience::User && view.result.is_some() && self.offered.is_none() =>
            {
                tally.seen(Id::Co04);
                self.offered = Some(now.mark());
            }
            RuntimeEvent::Broke { exchange, .. } | RuntimeEvent::Aborted { exchange } => {
                self.polls_failed |= exchange.kind() == ExchangeKind::Poll;
            }
            RuntimeEvent::Got { exchange, http, .. } => {
                self.polls_failed |= exchange.kind() == ExchangeKind::Poll && *http >= 400;
            }
            _ => {}
        }
    }

    /// A job that is followed by webhook leaves its response.
    fn job(
        &mut self,
        now: &Now<'_>,
        (_, job, task): (JobId, &JobSeen, &TaskFacts),
        event: &JobEvent,
        tally: &mut Tally,
    ) {
        let JobEvent::Moved { from, to, .. } = event else {
            return;
        };
        if *to == StateName::Running {
            self.polls_failed = false;
        }
        let leaves = *from == Some(StateName::Running) && *to != StateName::Running;
        let plan = &task.task.plan;
        if !leaves || plan.follow != Follow::Webhook || self.polls_failed || !job.in_background() {
            return;
        }
        let ended = job.responses.iter().rev().find(|response| response.known);
        let Some(response) = ended.filter(|response| !self.nudged.contains(&response.id)) else {
            return;
        };
        let Some(at) = response.ended else { return };
        let most = plan.polling.fallback.max(plan.polling.max) + plan.limits.call + SimDuration::TICK;
        tally.test(Id::Co08, now.mark(), now.at.since(at) <= most, || {
            claim(
                "a webhook that did not come delayed the completion",
                format!("at most {most} after {at}"),
                format!("at {}", now.at),
            )
        });
    }
}
