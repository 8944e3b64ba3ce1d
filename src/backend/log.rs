//! The events of one response, as every reader of its stream gets them.

use std::sync::Arc;

use crate::rng::{Purpose, Seed};
use crate::units::{Probability, SimTime};
use crate::wire::{Event, StreamEvent};

/// The events so far. Their numbers rise by one, except where gaps are wanted.
#[derive(Debug, Clone)]
pub(super) struct Log {
    events: Vec<Arc<StreamEvent>>,
    /// When they came, where anybody looks at that.
    instants: Vec<SimTime>,
    next: u64,
    gaps: Option<Gaps>,
}

/// How numbers are left out.
#[derive(Debug, Clone, Copy)]
struct Gaps {
    likely: Probability,
    seed: Seed,
    entity: u64,
}

/// Numbers that one gap leaves out at most.
const GAP_MAX: u64 = 3;

impl Log {
    /// A log without events; `likely` says how often numbers are left out, drawn by `seed` and `entity`.
    pub(super) fn new(likely: Option<Probability>, seed: Seed, entity: u64) -> Self {
        Self {
            events: Vec::new(),
            instants: Vec::new(),
            next: 0,
            gaps: likely.map(|likely| Gaps { likely, seed, entity }),
        }
    }

    pub(super) fn append(&mut self, event: Event) {
        let seq = self.next + self.gap();
        self.next = seq + 1;
        self.events.push(Arc::new(StreamEvent { seq, event }));
    }

    /// The events that have no instant yet came at this one.
    pub(super) fn stamp(&mut self, now: SimTime) {
        self.instants.resize(self.events.len(), now);
    }

    /// When the first event with this number or a higher one came.
    pub(super) fn instant(&self, seq: u64) -> Option<SimTime> {
        let place = self.events.partition_point(|event| event.seq < seq);
        self.instants.get(place).copied()
    }

    /// The first event with this number or a higher one.
    pub(super) fn from(&self, seq: u64) -> Option<&Arc<StreamEvent>> {
        let place = usize::try_from(seq).ok()?;
        match self.events.get(place) {
            Some(event) if event.seq == seq => Some(event),
            _ => self
                .events
                .get(self.events.partition_point(|event| event.seq < seq)),
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether the last event is one behind which a stream ends.
    pub(super) fn is_whole(&self) -> bool {
        self.events.last().is_some_and(|last| last.event.is_last())
    }

    /// How many numbers are left out before the next event; the first has number 0 always.
    fn gap(&self) -> u64 {
        let Some(gaps) = self.gaps.filter(|_| !self.events.is_empty()) else {
            return 0;
        };
        let place = self.events.len() as u64;
        if !gaps
            .likely
            .hits(gaps.seed.unit(Purpose::StreamGap, gaps.entity, place))
        {
            return 0;
        }
        1 + gaps.seed.bits(Purpose::StreamGap, gaps.entity, place) % GAP_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_in_a_gap_goes_on_behind_it() {
        let mut log = Log::new(Probability::new(0.5).ok(), Seed(3), 9);
        (0..200).for_each(|_| log.append(Event::Keepalive));
        let seqs: Vec<u64> = log.events.iter().map(|event| event.seq).collect();
        let steps: Vec<u64> = seqs.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(
            (seqs[0], steps.iter().min(), steps.iter().max()),
            (0, Some(&1), Some(&4))
        );
        for cursor in 0..=seqs[199] {
            let next = seqs.iter().find(|seq| **seq >= cursor);
            assert_eq!(log.from(cursor).map(|event| event.seq).as_ref(), next);
        }
        assert_eq!(log.from(seqs[199] + 1), None);
    }
}
