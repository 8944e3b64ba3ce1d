//! What is due when.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::CallKey;
use super::run::Keep;
use super::slots::Handle;
use crate::units::SimTime;

/// What is due. The derived order is the order inside a tick and a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// A request that was held up is handled.
    HandleCall(Handle),
    /// A response goes on, if this is still its latest alarm.
    Advance {
        /// The response.
        run: Handle,
        /// The alarm.
        alarm: u32,
    },
    /// A slow cancel takes hold.
    WindDown(Handle),
    /// A response is forgotten.
    Vanish(Handle),
    /// A reply leaves.
    Leave(Handle),
    /// A webhook leaves.
    Send(Handle),
    /// A webhook leaves once more, although nobody asked.
    Repeat(Handle),
    /// A webhook leaves although none has overtaken it.
    Overdue(Handle),
    /// A webhook was not answered in time.
    Unanswered {
        /// The delivery.
        delivery: Handle,
        /// The sending.
        send: u16,
    },
    /// The next piece of an event leaves on a slow stream.
    Piece(Handle),
    /// The time to the next keepalive of a response is over.
    Beat(Handle),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    at: SimTime,
    key: CallKey,
    due: Due,
}

/// When an ended response is forgotten.
#[derive(Debug, Clone, Copy)]
struct Expiry {
    at: SimTime,
    run: Handle,
    /// How many bytes it keeps of its request.
    weight: u64,
}

/// Everything that is due some time, in the order (time, key, what).
///
/// Expiries stand apart. Nobody waits for them: they are seen to whenever something else happens, so that a run does
/// not last as long as its retention. And they come in the order in which responses end, so a queue for each time of
/// keeping holds them at no cost.
#[derive(Debug, Clone, Default)]
pub(super) struct Agenda {
    entries: BinaryHeap<Reverse<Entry>>,
    expiries: [VecDeque<Expiry>; 2],
    /// What the responses whose expiry is planned weigh.
    weight: u64,
}

impl Agenda {
    pub(super) fn put(&mut self, at: SimTime, key: CallKey, due: Due) {
        self.entries.push(Reverse(Entry { at, key, due }));
    }

    /// Plans an expiry; with each way of keeping they come in order.
    pub(super) fn put_expiry(&mut self, at: SimTime, keep: Keep, run: Handle, weight: u64) {
        let queue = &mut self.expiries[keep as usize];
        let in_order = queue.back().is_none_or(|last| last.at <= at);
        assert!(in_order, "responses that end later expire later");
        queue.push_back(Expiry { at, run, weight });
        self.weight += weight;
    }

    /// When something is due for which the service has to be stepped.
    pub(super) fn next(&self) -> Option<SimTime> {
        self.entries.peek().map(|Reverse(entry)| entry.at)
    }

    /// Forgets what stands first as long as nobody waits for it any more.
    pub(super) fn forget_dead(&mut self, is_dead: impl Fn(Due) -> bool) {
        while self
            .entries
            .peek()
            .is_some_and(|Reverse(entry)| is_dead(entry.due))
        {
            self.entries.pop();
        }
    }

    /// Takes the expiry that is due first if more than `kept_max` are planned, or what they keep weighs more than
    /// `bytes_max`.
    pub(super) fn pop_crowded_out(&mut self, kept_max: u32, bytes_max: u64) -> Option<Handle> {
        let [stored, unstored] = &self.expiries;
        if stored.len() + unstored.len() <= kept_max as usize && self.weight <= bytes_max {
            return None;
        }
        let first = |queue: &VecDeque<Expiry>| queue.front().map_or(SimTime::NEVER, |first| first.at);
        let place = usize::from(first(unstored) < first(stored));
        let gone = self.expiries[place].pop_front()?;
        self.weight -= gone.weight;
        Some(gone.run)
    }

    /// Takes an expiry that is due by `now`.
    pub(super) fn pop_expired(&mut self, now: SimTime) -> Option<Handle> {
        let queue = self
            .expiries
            .iter_mut()
            .find(|queue| queue.front().is_some_and(|first| first.at <= now))?;
        let gone = queue.pop_front()?;
        self.weight -= gone.weight;
        Some(gone.run)
    }

    /// Takes what is due next, if it is due by `now`.
    pub(super) fn pop(&mut self, now: SimTime) -> Option<Due> {
        self.next().filter(|at| *at <= now)?;
        self.entries.pop().map(|Reverse(entry)| entry.due)
    }
}
