//! What a run without crashes can show of durability.

use crate::check::catalogue::Id;
use crate::check::facts::{Replay, TaskFacts};
use crate::check::seen::Seen;
use crate::check::tally::{Mark, Now, Tally, claim};
use crate::job::{SinkClass, ToolAct};
use crate::trace::{CoreEvent, Event, OutsideEvent, RuntimeEvent, ServiceEvent, SinkEvent, WireEvent};
use crate::units::{Exchange, ExchangeKind, SimDuration, SimTime};

/// Judges the group DU.
#[derive(Debug)]
pub(super) struct Durability {
    jobs: Vec<Own>,
}

#[derive(Debug, Default)]
struct Own {
    /// What was sent and has not arrived; few at a time.
    under_way: Vec<(Exchange, Mark)>,
    /// The highest number that has arrived, by kind.
    arrived: [u32; ExchangeKind::ALL.len()],
    /// What was given up last.
    given_up: Option<Exchange>,
    /// Keys whose receipts were lost at a sink that can promise nothing.
    lost: Vec<std::sync::Arc<str>>,
}

impl Durability {
    pub(super) fn new(jobs: usize) -> Self {
        Self {
            jobs: std::iter::repeat_with(Own::default).take(jobs).collect(),
        }
    }

    pub(super) fn see(&mut self, seen: &Seen<'_>, now: &Now<'_>, tally: &mut Tally) {
        let Some((id, _, task)) = seen.of(now) else { return };
        let own = &mut self.jobs[id.0 as usize];
        match now.event {
            Event::Core(CoreEvent::Runtime(RuntimeEvent::Sent { exchange, .. })) => {
                tally.seen(Id::Du09);
                own.under_way.push((*exchange, now.mark()));
            }
            Event::Core(CoreEvent::Runtime(RuntimeEvent::Aborted { exchange })) => {
                // Given up before it could arrive: it may still, or not.
                let soon = |mark: &Mark| now.at <= mark.at + SimDuration::TICK + seen.facts.tolerance;
                own.under_way
                    .retain(|(open, mark)| open != exchange || !soon(mark));
                own.given_up = Some(*exchange);
            }
            Event::Service(ServiceEvent::Wire(
                WireEvent::Arrived { exchange, .. } | WireEvent::Refused { exchange },
            )) => own.arrived(now, *exchange, tally),
            Event::Outside(OutsideEvent::Sinks(event)) => own.sink(now, task, event, tally),
            _ => {}
        }
    }

    pub(super) fn tick_over(&mut self, _seen: &Seen<'_>, _at: SimTime, _tally: &mut Tally) {}

    pub(super) fn end(&mut self, seen: &Seen<'_>, end: SimTime, tally: &mut Tally) {
        for own in &self.jobs {
            for (exchange, mark) in own.under_way.iter().filter(|(_, mark)| mark.at < end) {
                tally.broken(Id::Du09, *mark, || {
                    claim(
                        format!("{exchange} was recorded as sent and never arrived"),
                        "an arrival",
                        "nothing",
                    )
                });
            }
        }
        let mark = seen.at_the_end(end, None);
        match &seen.facts.replay {
            Replay::NotPlayed => {}
            Replay::Same => tally.seen(Id::Du14),
            Replay::Differs { what } => tally.test(Id::Du14, mark, false, || {
                claim(
                    "a replay of the journal came out differently",
                    "the same jobs",
                    what.to_string(),
                )
            }),
        }
    }
}

impl Own {
    fn arrived(&mut self, now: &Now<'_>, exchange: Exchange, tally: &mut Tally) {
        let place = self
            .under_way
            .iter()
            .position(|(open, mark)| *open == exchange && mark.at < now.at);
        if let Some(place) = place {
            self.under_way.swap_remove(place);
        }
        // A repetition is for others to judge: it has been on record since its first arrival.
        let highest = &mut self.arrived[exchange.kind() as usize];
        let known = place.is_some() || exchange.nth() <= *highest || self.given_up == Some(exchange);
        *highest = exchange.nth().max(*highest);
        tally.test(Id::Du03, now.mark(), known, || {
            claim(
                format!("{exchange} arrived before it was on record as sent"),
                "a record of an earlier tick",
                "none",
            )
        });
    }

    fn sink(&mut self, now: &Now<'_>, task: &TaskFacts, event: &SinkEvent, tally: &mut Tally) {
        match event {
            SinkEvent::ReceiptLost { sink, key } => {
                let neither = task.task.plan.tools.values().any(|tool| {
                    matches!(&tool.act, ToolAct::Effect { sink: name, class: SinkClass::Neither, .. } if name == sink)
                });
                if neither {
                    tally.seen(Id::Du12);
                    self.lost.push(key.clone());
                }
            }
            SinkEvent::Applied { key, .. }
            | SinkEvent::Repeated { key, .. }
            | SinkEvent::Queried { key, .. }
                if self.lost.contains(key) =>
            {
                tally.broken(Id::Du12, now.mark(), || {
                    claim(
                        "an effect in doubt was tried again at a sink that can promise nothing",
                        "an operator",
                        format!("key {key} again"),
                    )
                });
            }
            _ => {}
        }
    }
}
