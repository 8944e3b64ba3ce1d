//! What is due when.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::CallKey;
use super::run::Keep;
use super::slots::Handle;
use crate::units::{SimTime, horizon};

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

/// Something that is due, in the order in which things that are due together have their turn. What is about nothing any more
/// has no key, and nothing happens in its turn.
type Entry = (SimTime, Option<CallKey>, Due);

/// When an ended response is forgotten.
#[derive(Debug, Clone, Copy)]
struct Expiry {
    at: SimTime,
    run: Handle,
    /// How many bytes it keeps of its request.
    weight: u64,
}

/// Instant and place in one number, which orders like the pair.
type Key = u128;

/// Everything that is due some time, in the order (time, key, what).
///
/// The queue knows instants alone, and where the rest stands: what is due at one instant is put into order when its
/// turn has come, which is cheap, for it is hardly ever more than one thing. Only then is it asked for its key.
///
/// Expiries stand apart. Nobody waits for them: they are seen to whenever something else happens, so that a run does
/// not last as long as its retention. And they come in the order in which responses end, so a queue for each time of
/// keeping holds them at no cost.
#[derive(Debug, Clone, Default)]
pub(super) struct Agenda {
    near: BinaryHeap<Reverse<Key>>,
    /// Everything behind the horizon. Empty unless something is near.
    far: Vec<Key>,
    /// The last key that belongs to what is near.
    horizon: Key,
    places: Vec<Due>,
    free: Vec<u32>,
    /// What is due in this step, the first at the end.
    turn: Vec<Entry>,
    /// The tick of the last step: nothing is planned for it or before it.
    taken: Option<SimTime>,
    expiries: [VecDeque<Expiry>; 2],
    /// How many they are.
    kept: usize,
    /// When one of them may be let go: when the first is due, or at once where one came since that was last asked.
    lets_go_at: SimTime,
    /// What the responses whose expiry is planned weigh.
    weight: u64,
}

impl Agenda {
    #[inline]
    pub(super) fn put(&mut self, at: SimTime, due: Due) {
        let place = self.plan(at);
        self.places[place as usize] = due;
    }

    /// Plans something, and says in which place it has to stand.
    fn plan(&mut self, at: SimTime) -> u32 {
        assert!(
            self.taken.is_none_or(|taken| at > taken),
            "planned for a tick that is over"
        );
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(Due::Vanish(Handle::NONE));
            u32::try_from(self.places.len() - 1).unwrap_or(u32::MAX)
        });
        let key = (u128::from(at.ticks()) << 32) | u128::from(place);
        if key <= self.horizon {
            self.near.push(Reverse(key));
        } else {
            self.far.push(key);
            self.advance_if_empty();
        }
        place
    }

    /// Moves the horizon on if nothing is left before it.
    #[inline]
    fn advance_if_empty(&mut self) {
        if self.near.is_empty() && !self.far.is_empty() {
            self.advance();
        }
    }

    #[inline(never)]
    fn advance(&mut self) {
        self.horizon = horizon(&self.far);
        self.far.retain(|key| {
            let is_far = *key > self.horizon;
            if !is_far {
                self.near.push(Reverse(*key));
            }
            is_far
        });
    }

    /// Plans an expiry; with each way of keeping they come in order.
    pub(super) fn put_expiry(&mut self, at: SimTime, keep: Keep, run: Handle, weight: u64) {
        let queue = &mut self.expiries[keep as usize];
        let in_order = queue.back().is_none_or(|last| last.at <= at);
        assert!(in_order, "responses that end later expire later");
        queue.push_back(Expiry { at, run, weight });
        self.kept += 1;
        self.weight += weight;
        self.lets_go_at = SimTime::START;
    }

    /// Whether an ended response may have to go by `now`.
    #[inline]
    pub(super) const fn lets_go(&self, now: SimTime) -> bool {
        self.lets_go_at.ticks() <= now.ticks()
    }

    /// How many expiries are planned, and what those responses weigh.
    pub(super) const fn kept(&self) -> (usize, u64) {
        (self.kept, self.weight)
    }

    /// What the response weighs that has to go first where there is no room for all.
    pub(super) fn first_weight(&self) -> u64 {
        self.first_expiry()
            .and_then(|queue| self.expiries[queue].front())
            .map_or(0, |first| first.weight)
    }

    /// The queue of which the first expires before that of the other.
    fn first_expiry(&self) -> Option<usize> {
        let [stored, unstored] = &self.expiries;
        let first = |queue: &VecDeque<Expiry>| queue.front().map_or(SimTime::NEVER, |first| first.at);
        let queue = usize::from(first(unstored) < first(stored));
        (!self.expiries[queue].is_empty()).then_some(queue)
    }

    /// When something is due for which the service has to be stepped.
    pub(super) fn next(&self) -> Option<SimTime> {
        self.near.peek().map(|Reverse(key)| instant(*key))
    }

    /// What is due first, as far as that is known.
    pub(super) fn first(&self) -> Option<Due> {
        let Reverse(key) = self.near.peek()?;
        Some(self.places[place(*key)])
    }

    /// Forgets what stands first as long as nobody waits for it any more.
    pub(super) fn forget_dead(&mut self, is_dead: impl Fn(Due) -> bool) {
        while let Some(Reverse(key)) = self.near.peek() {
            if !is_dead(self.places[place(*key)]) {
                return;
            }
            self.take_first();
        }
    }

    /// Forgets the expiries that come first as long as they are of responses that are gone.
    pub(super) fn forget_expired(&mut self, is_gone: impl Fn(Handle) -> bool) {
        for queue in &mut self.expiries {
            while let Some(gone) = queue.front().copied().filter(|first| is_gone(first.run)) {
                queue.pop_front();
                self.kept -= 1;
                self.weight -= gone.weight;
            }
        }
    }

    /// Takes the expiry that is due first if more than `kept_max` are planned, or what they keep weighs more than
    /// `bytes_max`.
    #[inline]
    pub(super) fn pop_crowded_out(&mut self, kept_max: u32, bytes_max: u64) -> Option<Handle> {
        if self.kept <= kept_max as usize && self.weight <= bytes_max {
            return None;
        }
        self.pop_first_expiry()
    }

    fn pop_first_expiry(&mut self) -> Option<Handle> {
        let queue = self.first_expiry()?;
        let gone = self.expiries[queue].pop_front()?;
        self.kept -= 1;
        self.weight -= gone.weight;
        Some(gone.run)
    }

    /// Takes an expiry that is due by `now`.
    pub(super) fn pop_expired(&mut self, now: SimTime) -> Option<Handle> {
        let first = |queue: &VecDeque<Expiry>| queue.front().map_or(SimTime::NEVER, |first| first.at);
        let Some(queue) = self.expiries.iter_mut().find(|queue| first(queue) <= now) else {
            let [stored, unstored] = &self.expiries;
            self.lets_go_at = first(stored).min(first(unstored));
            return None;
        };
        let gone = queue.pop_front()?;
        self.kept -= 1;
        self.weight -= gone.weight;
        Some(gone.run)
    }

    /// From now on nothing is planned for `now` or before it.
    ///
    /// - returns: whether anything is due.
    #[inline]
    pub(super) fn begin_turn(&mut self, now: SimTime) -> bool {
        self.taken = Some(now);
        self.next().is_some_and(|at| at <= now)
    }

    /// Takes what is due next, if it is due by `now`; `key_of` knows the key of the call that something is about.
    #[inline]
    pub(super) fn pop(&mut self, now: SimTime, key_of: impl Fn(Due) -> Option<CallKey>) -> Option<Due> {
        if self.turn.is_empty() {
            if self.next()? > now {
                return None;
            }
            let first = self.take_first()?;
            if self.next().is_none_or(|at| at > now) {
                return Some(self.places[place(first)]);
            }
            self.gather(first, now, key_of);
        }
        self.turn.pop().map(|(.., due)| due)
    }

    /// Puts what is due by `now`, `first` among it, into its order.
    #[inline(never)]
    fn gather(&mut self, first: Key, now: SimTime, key_of: impl Fn(Due) -> Option<CallKey>) {
        let mut next = Some(first);
        while let Some(first) = next {
            let due = self.places[place(first)];
            self.turn.push((instant(first), key_of(due), due));
            let more = self.next().is_some_and(|at| at <= now);
            next = if more { self.take_first() } else { None };
        }
        self.turn.sort_unstable_by(|left, right| right.cmp(left));
    }

    /// Takes the first key; what stands in its place stays there until something else is planned.
    fn take_first(&mut self) -> Option<Key> {
        let Reverse(key) = self.near.pop()?;
        self.advance_if_empty();
        self.free.push(u32::try_from(place(key)).unwrap_or(u32::MAX));
        Some(key)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the upper 64 of 96 bits")]
const fn instant(key: Key) -> SimTime {
    SimTime::from_ticks((key >> 32) as u64)
}

#[expect(clippy::cast_possible_truncation, reason = "the lower 32 bits are the place")]
const fn place(key: Key) -> usize {
    key as u32 as usize
}
