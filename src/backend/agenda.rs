//! What is due when.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::CallKey;
use super::slots::Handle;
use crate::units::SimTime;

/// What is due. The derived order is the order inside a tick and a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// A stored response has been kept long enough.
    Expire(Handle),
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
    /// A webhook was not answered in time.
    Unanswered {
        /// The delivery.
        delivery: Handle,
        /// The sending.
        send: u16,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    at: SimTime,
    key: CallKey,
    due: Due,
}

/// Everything that is due some time, in the order (time, key, what).
///
/// Expiries stand apart: they come in the order in which responses end, so a queue holds them at no cost.
#[derive(Debug, Clone, Default)]
pub(super) struct Agenda {
    entries: BinaryHeap<Reverse<Entry>>,
    expiries: VecDeque<(SimTime, Handle)>,
}

impl Agenda {
    pub(super) fn put(&mut self, at: SimTime, key: CallKey, due: Due) {
        self.entries.push(Reverse(Entry { at, key, due }));
    }

    /// Plans an expiry that is not earlier than any planned before.
    pub(super) fn put_expiry(&mut self, at: SimTime, run: Handle) {
        assert!(
            self.expiries.back().is_none_or(|(last, _)| *last <= at),
            "expiries come in order"
        );
        self.expiries.push_back((at, run));
    }

    /// When something is due that anybody may wait for. Expiries are none: they are seen to whenever something else
    /// happens, so that a run does not last as long as its retention.
    pub(super) fn next_awaited(&self) -> Option<SimTime> {
        self.entries.peek().map(|Reverse(entry)| entry.at)
    }

    pub(super) fn next(&self) -> Option<SimTime> {
        let entry = self.entries.peek().map(|Reverse(entry)| entry.at);
        let expiry = self.expiries.front().map(|(at, _)| *at);
        match (entry, expiry) {
            (Some(entry), Some(expiry)) => Some(entry.min(expiry)),
            (entry, expiry) => entry.or(expiry),
        }
    }

    /// Takes an expiry that is due by `now`.
    pub(super) fn pop_expired(&mut self, now: SimTime) -> Option<Due> {
        let due = self.expiries.front().is_some_and(|(at, _)| *at <= now);
        if due { self.expiries.pop_front().map(|(_, run)| Due::Expire(run)) } else { None }
    }

    /// Takes what is due next, if it is due by `now`; of one instant, expiries come first.
    pub(super) fn pop(&mut self, now: SimTime) -> Option<Due> {
        let at = self.next().filter(|at| *at <= now)?;
        if self.expiries.front().is_some_and(|(expiry, _)| *expiry == at) {
            return self.expiries.pop_front().map(|(_, run)| Due::Expire(run));
        }
        self.entries.pop().map(|Reverse(entry)| entry.due)
    }
}
