//! A line before servers, without anything of the engine: who would be served when.
//!
//! It reads the same arrivals and the same lengths, and knows nothing else. So the engine can be held against it job by
//! job, and it against the closed forms with millions of jobs.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::measure::{Customer, Fate};
use super::station::{Class, Servers, Station, UNIT};
use crate::people::{Balk, Batch};
use crate::rng::{Purpose, Seed, exponential};
use crate::units::{SimDuration, SimTime};

/// One who comes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Visit {
    /// When; nobody comes before who is given first.
    pub at: f64,
    /// How long the server is held.
    pub service: f64,
    /// How long one would wait.
    pub patience: f64,
    /// The class; the lower goes first.
    pub class: usize,
}

/// The servers, and the room to wait; without any, nobody stays who is not served at once.
#[derive(Debug, Clone)]
pub struct Line {
    /// When each server is free.
    free: BinaryHeap<Reverse<Instant>>,
    room: Option<usize>,
    /// When those who wait stop waiting, served or not.
    waiting: BinaryHeap<Reverse<Instant>>,
}

/// A number of a total order.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Instant(f64);

impl Eq for Instant {}

impl Ord for Instant {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Instant {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Line {
    /// Everybody free, nobody there.
    ///
    /// - `room`: places to wait; none is as many as there are people.
    #[must_use]
    pub fn new(servers: u32, room: Option<u32>) -> Self {
        Self {
            free: (0..servers).map(|_| Reverse(Instant(0.0))).collect(),
            room: room.map(|room| room as usize),
            waiting: BinaryHeap::new(),
        }
    }

    /// The next one comes: how long the wait is, and whether it ends in service. First come, first served.
    ///
    /// Source: Kiefer and Wolfowitz, "On the theory of queues with many servers" (1955); with patience, who would give
    /// up before the turn comes is passed over, after Baccelli, Boyer and Hebuterne (1984).
    pub fn come(&mut self, visit: &Visit) -> (f64, bool) {
        let Some(Reverse(Instant(free))) = self.free.peek().copied() else {
            return (visit.patience, false);
        };
        let wait = (free - visit.at).max(0.0);
        if let Some(room) = self.room {
            while self
                .waiting
                .peek()
                .is_some_and(|Reverse(until)| until.0 <= visit.at)
            {
                self.waiting.pop();
            }
            if wait > 0.0 && self.waiting.len() >= room {
                return (0.0, false);
            }
            if wait > 0.0 {
                let until = visit.at + wait.min(visit.patience);
                self.waiting.push(Reverse(Instant(until)));
            }
        }
        if wait > visit.patience {
            return (visit.patience, false);
        }
        self.free.pop();
        self.free.push(Reverse(Instant(visit.at + wait + visit.service)));
        (wait, true)
    }
}

impl Station {
    /// What the bare line makes of the first `count` arrivals under a seed, with draws of its own.
    #[must_use]
    pub fn line(&self, seed: Seed, count: usize) -> Vec<Customer> {
        let visits = self.visits(seed, count);
        let waits = self.waits_with(&visits, |place, number| {
            let returns = self.classes[visits[place].class].returns?;
            let draw = |index| seed.unit(Purpose::Retrial, place as u64, (u64::from(number) << 8) + index);
            let stays = number < returns.times && returns.probability.hits(draw(8));
            stays.then(|| exponential(draw(9), returns.after))
        });
        let people = visits.iter().zip(waits);
        people
            .map(|(visit, (wait, served))| Customer {
                class: visit.class,
                came: SimTime::START + SimDuration::from_secs_f64(visit.at * UNIT.as_secs_f64()),
                wait,
                fate: if served { Fate::Served } else { Fate::Left },
                held: if served { visit.service } else { 0.0 },
            })
            .collect()
    }

    /// The waits of these visits, and whether they end in service, where nobody comes again.
    #[must_use]
    pub fn waits(&self, visits: &[Visit]) -> Vec<(f64, bool)> {
        self.waits_with(visits, |_, _| None)
    }

    /// The same where somebody comes again.
    ///
    /// - `again`: how long after the try of this number, from 0, the visit of this place comes again, if it does.
    pub fn waits_with(
        &self,
        visits: &[Visit],
        again: impl Fn(usize, u16) -> Option<f64>,
    ) -> Vec<(f64, bool)> {
        if self.classes.iter().any(|class| class.returns.is_some()) {
            return in_orbit(visits, self.servers.number(), again);
        }
        let room = |class: &Class| match class.balks {
            None => None,
            Some(Balk::Busy) => Some(0),
            Some(Balk::Full) => Some(class.room),
        };
        match self.servers {
            Servers::Shared(servers) => {
                let waits = by_class(visits, servers);
                waits.into_iter().map(|wait| (wait, wait.is_finite())).collect()
            }
            Servers::Due(servers) => {
                let slack = |visit: &Visit| self.classes[visit.class].slack.unwrap_or(f64::INFINITY);
                let waits = in_order(visits, servers, |visit| visit.at + slack(visit));
                waits.into_iter().map(|wait| (wait, wait.is_finite())).collect()
            }
            Servers::Bulk { .. } => {
                let waits = in_batches(visits, self.servers.batch());
                waits.into_iter().map(|wait| (wait, true)).collect()
            }
            Servers::Lanes(servers) | Servers::Staff(servers) => {
                let lines = self.classes.iter().map(|class| Line::new(servers, room(class)));
                let mut lines: Vec<Line> = lines.collect();
                visits
                    .iter()
                    .map(|visit| lines[visit.class].come(visit))
                    .collect()
            }
        }
    }

    fn visits(&self, seed: Seed, count: usize) -> Vec<Visit> {
        let arrivals = self.arrivals(seed, count).into_iter().zip(0_u64..);
        arrivals
            .map(|((at, place), number)| {
                let class = &self.classes[place];
                let draw = |purpose| seed.unit(purpose, number, 8);
                let mean = class.patience.unwrap_or(f64::INFINITY);
                Visit {
                    at: at.since(SimTime::START).as_secs_f64() / UNIT.as_secs_f64(),
                    service: class.service.quantile(draw(Purpose::StepFor)).as_secs_f64()
                        / UNIT.as_secs_f64(),
                    patience: exponential(draw(Purpose::Patience), mean),
                    class: place,
                }
            })
            .collect()
    }
}

/// The waits of these visits before servers that nobody waits for, where whoever finds all of them busy comes again.
fn in_orbit(visits: &[Visit], servers: u32, again: impl Fn(usize, u16) -> Option<f64>) -> Vec<(f64, bool)> {
    let mut waits = vec![(0.0, false); visits.len()];
    let mut free: BinaryHeap<Reverse<Instant>> = (0..servers).map(|_| Reverse(Instant(0.0))).collect();
    let mut orbit: BinaryHeap<Reverse<(Instant, usize, u16)>> = BinaryHeap::new();
    let mut come = visits.iter().enumerate().peekable();
    loop {
        let first = come.peek().map(|(_, visit)| Instant(visit.at));
        let back = orbit.peek().map(|Reverse((at, ..))| *at);
        let (now, place, number) = match (first, back) {
            (None, None) => return waits,
            (Some(first), back) if back.is_none_or(|back| first <= back) => {
                let Some((place, visit)) = come.next() else {
                    return waits;
                };
                (visit.at, place, 0)
            }
            (_, _) => {
                let Some(Reverse((Instant(at), place, number))) = orbit.pop() else {
                    return waits;
                };
                (at, place, number)
            }
        };
        let wait = now - visits[place].at;
        match free.peek() {
            Some(Reverse(Instant(at))) if *at <= now => {
                free.pop();
                free.push(Reverse(Instant(now + visits[place].service)));
                waits[place] = (wait, true);
            }
            _ => {
                waits[place] = (wait, false);
                if let Some(after) = again(place, number) {
                    orbit.push(Reverse((Instant(now + after), place, number + 1)));
                }
            }
        }
    }
}

/// The waits of these visits before one server who takes several at once and serves them in the time of the first.
fn in_batches(visits: &[Visit], batch: Batch) -> Vec<f64> {
    let after = batch
        .after
        .map_or(f64::INFINITY, |after| after.as_secs_f64() / UNIT.as_secs_f64());
    let mut waits = Vec::with_capacity(visits.len());
    let mut free = 0.0_f64;
    while let Some(first) = visits.get(waits.len()) {
        let enough = visits.get(waits.len() + batch.least - 1);
        let opens = enough.map_or(f64::INFINITY, |last| last.at).min(first.at + after);
        let begins = free.max(opens);
        let there = visits[waits.len()..]
            .iter()
            .take_while(|visit| visit.at <= begins);
        let taken: Vec<f64> = there.take(batch.most).map(|visit| begins - visit.at).collect();
        waits.extend(taken);
        free = begins + first.service;
    }
    waits
}

/// The waits of these visits before so many servers that take the lowest class first, and within it who came first.
/// Nobody gives up.
#[must_use]
pub fn by_class(visits: &[Visit], servers: u32) -> Vec<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a handful of classes")]
    in_order(visits, servers, |visit| visit.class as f64)
}

/// The waits of these visits before so many servers that take whoever has the lowest rank first, and of equals who came first.
/// Nobody gives up.
fn in_order(visits: &[Visit], servers: u32, rank: impl Fn(&Visit) -> f64) -> Vec<f64> {
    let mut line: BinaryHeap<Reverse<(Instant, usize)>> = BinaryHeap::new();
    let mut free: BinaryHeap<Reverse<Instant>> = (0..servers).map(|_| Reverse(Instant(0.0))).collect();
    let mut waits = vec![f64::INFINITY; visits.len()];
    let mut next = 0;
    while let Some(Reverse(Instant(server))) = free.pop() {
        // Who has come by the time the server is free; if nobody waits then, whoever comes next.
        while let Some(visit) = visits.get(next).filter(|visit| visit.at <= server) {
            line.push(Reverse((Instant(rank(visit)), next)));
            next += 1;
        }
        let first = line.pop().map(|Reverse((_, place))| place);
        let Some(place) = first.or_else(|| (next < visits.len()).then_some(next)) else {
            break;
        };
        if first.is_none() {
            next += 1;
        }
        let begins = visits[place].at.max(server);
        waits[place] = begins - visits[place].at;
        free.push(Reverse(Instant(begins + visits[place].service)));
    }
    waits
}
