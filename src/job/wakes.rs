//! When jobs wake.
//!
//! Invariant: a job is awaited once at most, under the instant that counts now; what stands first is awaited, and
//! hardly more stands here that nobody awaits than what somebody does.

use crate::units::{JobId, SimTime, Window, horizon};

/// A queue of jobs in the order (instant, job); an instant can be changed.
///
/// Most jobs that wait would wake far ahead, at some limit, and are set anew long before. They stand in a plain list, in
/// no order, where a change costs nothing; only those that wake up to the horizon stand in a heap. When the heap is
/// empty, about an eighth of the others are taken over.
///
/// A job that is set anew while it stands in the heap leaves its old key there, which is dead from then on: where keys
/// stand in the heap need not be known, and moving one touches nothing else. Dead keys go when they come first, and all
/// together when they are many.
#[derive(Debug, Clone)]
pub struct Wakes {
    /// A heap in which each entry has up to four children: flat, and four of them fill a cache line.
    near: Vec<Key>,
    /// How many keys of the heap are dead.
    dead: usize,
    /// Everything behind the horizon. Empty unless something is near.
    far: Vec<Key>,
    /// The last key that belongs to what is near.
    horizon: Key,
    /// Where each job stands.
    places: Window<Packed>,
    /// Where what is no job stands.
    strays: Packed,
}

/// Instant and job in one number, which orders like the pair.
type Key = u128;

const CHILDREN: usize = 4;

/// Dead keys that are always borne.
const DEAD: usize = 32;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It does not wake by itself.
    Nowhere,
    /// In the heap, with this instant.
    Near(SimTime),
    /// In the list.
    Far(u32),
}

/// A place in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Packed(u64);

/// Marks places in the list.
const FAR: u64 = 1 << 63;

/// Behind the cap of any run: whoever would wake later stands here.
const LAST: SimTime = SimTime::from_ticks(FAR - 1);

impl Packed {
    const NOWHERE: Self = Self(u64::MAX);

    const fn of(place: Place) -> Self {
        match place {
            Place::Nowhere => Self::NOWHERE,
            Place::Near(at) => Self(at.ticks()),
            Place::Far(place) => Self(FAR | place as u64),
        }
    }

    const fn place(self) -> Place {
        match self {
            Self::NOWHERE => Place::Nowhere,
            Self(word) if word & FAR == 0 => Place::Near(SimTime::from_ticks(word)),
            #[expect(clippy::cast_possible_truncation, reason = "packed from 32 bits")]
            Self(word) => Place::Far(word as u32),
        }
    }
}

impl Wakes {
    /// A queue for so many jobs, and for what is no job ([`JobId::NONE`]). None of them wakes yet.
    #[must_use]
    pub fn new(jobs: usize) -> Self {
        Self {
            near: Vec::new(),
            dead: 0,
            far: Vec::new(),
            horizon: 0,
            places: Window::of(std::iter::repeat_n(Packed::NOWHERE, jobs)),
            strays: Packed::NOWHERE,
        }
    }

    /// There is one job more.
    pub(super) fn expect_one(&mut self) {
        self.places.push(Packed::NOWHERE);
    }

    /// The first job is over and wakes no more.
    pub(super) fn let_first_go(&mut self) {
        self.places.pop_if(|place| *place == Packed::NOWHERE);
    }

    /// Where a job stands.
    fn place(&self, id: JobId) -> Place {
        match id {
            JobId::NONE => self.strays.place(),
            id => self
                .places
                .get(id)
                .map_or(Place::Nowhere, |packed| packed.place()),
        }
    }

    fn note_place(&mut self, id: JobId, place: Place) {
        let known = match id {
            JobId::NONE => Some(&mut self.strays),
            id => self.places.get_mut(id),
        };
        if let Some(known) = known {
            *known = Packed::of(place);
        }
    }

    /// Who wakes first, and when; of several at one instant, the one with the lowest number.
    #[inline]
    #[must_use]
    pub fn first(&self) -> Option<(SimTime, JobId)> {
        self.near.first().map(|key| (instant(*key), job(*key)))
    }

    /// Lets a job wake at an instant, instead of the one before; never, if that is the instant.
    pub fn set(&mut self, id: JobId, at: SimTime) {
        let (never, at) = (at == SimTime::NEVER, at.min(LAST));
        let key = key(id, at);
        match self.place(id) {
            Place::Far(place) if key > self.horizon && !never => {
                self.far[place as usize] = key;
                return;
            }
            Place::Far(place) => self.leave_far(place as usize),
            Place::Near(before) if self.near.first() == Some(&self::key(id, before)) => {
                if !never && key <= self.horizon {
                    self.note_place(id, Place::Near(at));
                    self.sink(key);
                    self.bury();
                    return;
                }
                self.pop();
            }
            Place::Near(_) => self.dead += 1,
            Place::Nowhere => {}
        }
        if never {
            self.note_place(id, Place::Nowhere);
        } else if key <= self.horizon {
            self.note_place(id, Place::Near(at));
            self.push(key);
        } else {
            self.note_place(id, Place::Far(index(self.far.len())));
            self.far.push(key);
        }
        self.bury();
        if self.near.is_empty() && !self.far.is_empty() {
            self.advance();
        }
    }

    /// Lets dead keys go that come first, and all of them where they are many.
    fn bury(&mut self) {
        if self.dead == 0 {
            return;
        }
        while self.near.first().is_some_and(|first| !self.is_awaited(*first)) {
            self.pop();
            self.dead -= 1;
        }
        if self.dead > DEAD + self.near.len() / 2 {
            let mut keys = std::mem::take(&mut self.near);
            keys.retain(|key| self.is_awaited(*key));
            // What is in order is a heap. A key that died and came back stands in it twice.
            keys.sort_unstable();
            keys.dedup();
            (self.near, self.dead) = (keys, 0);
        }
    }

    /// Whether this key of the heap is the one that counts.
    fn is_awaited(&self, key: Key) -> bool {
        self.place(job(key)) == Place::Near(instant(key))
    }

    /// The last of the list stands where one has left it.
    fn leave_far(&mut self, place: usize) {
        self.far.swap_remove(place);
        if let Some(moved) = self.far.get(place).copied() {
            self.note_place(job(moved), Place::Far(index(place)));
        }
    }

    /// Moves the horizon on.
    fn advance(&mut self) {
        self.horizon = horizon(&self.far);
        let mut place = 0;
        while let Some(key) = self.far.get(place).copied() {
            if key <= self.horizon {
                self.leave_far(place);
                self.note_place(job(key), Place::Near(instant(key)));
                self.push(key);
            } else {
                place += 1;
            }
        }
    }

    /// Takes a key into the heap.
    fn push(&mut self, key: Key) {
        let mut place = self.near.len();
        self.near.push(key);
        while place > 0 {
            let parent = (place - 1) / CHILDREN;
            let above = self.near[parent];
            if above <= key {
                break;
            }
            self.near[place] = above;
            place = parent;
        }
        self.near[place] = key;
    }

    /// Takes the first key out of the heap.
    fn pop(&mut self) {
        if let Some(last) = self.near.pop().filter(|_| !self.near.is_empty()) {
            self.sink(last);
        }
    }

    /// Puts a key in the place of the first.
    fn sink(&mut self, key: Key) {
        let mut place = 0;
        while let Some((least, below)) = self.least_child(place).filter(|(_, below)| *below < key) {
            self.near[place] = below;
            place = least;
        }
        self.near[place] = key;
    }

    /// The least child of a place, and where it stands.
    fn least_child(&self, place: usize) -> Option<(usize, Key)> {
        let first = place * CHILDREN + 1;
        let children = self.near.get(first..)?;
        if let Some([a, b, c, d]) = children.first_chunk() {
            let left = if b < a { (1, *b) } else { (0, *a) };
            let right = if d < c { (3, *d) } else { (2, *c) };
            let (least, below) = if right.1 < left.1 { right } else { left };
            return Some((first + least, below));
        }
        let children = children.iter().copied().zip(first..);
        children.min().map(|(below, least)| (least, below))
    }
}

fn key(id: JobId, at: SimTime) -> Key {
    (u128::from(at.ticks()) << 32) | u128::from(id.0)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "there are no more entries than job numbers"
)]
const fn index(place: usize) -> u32 {
    place as u32
}

#[expect(clippy::cast_possible_truncation, reason = "the upper 64 of 96 bits")]
const fn instant(key: Key) -> SimTime {
    SimTime::from_ticks((key >> 32) as u64)
}

#[expect(clippy::cast_possible_truncation, reason = "the lower 32 bits are the job")]
const fn job(key: Key) -> JobId {
    JobId(key as u32)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::rng::{Purpose, Seed};

    #[test]
    fn it_orders_like_a_sorted_set_whatever_is_changed() {
        for jobs in [1, 3, 40, 700] {
            check(jobs);
        }
    }

    fn check(jobs: u64) {
        let (mut wakes, mut sorted) = (Wakes::new(700), BTreeSet::new());
        let slot = |id: JobId| id.0.wrapping_add(1) as usize;
        let mut set_at = [SimTime::NEVER; 701];
        for index in 0..20_000 {
            let bits = Seed(7).bits(Purpose::Arrival, jobs, index);
            let id = match bits % (jobs + 1) {
                none if none == jobs => JobId::NONE,
                job => JobId(u32::try_from(job).unwrap_or(0)),
            };
            // Time goes on: whoever is first wakes, and is set anew.
            let id = match (bits >> 60, sorted.first()) {
                (0..8, Some((_, first))) => *first,
                _ => id,
            };
            let now = sorted.first().map_or(0, |(at, _): &(SimTime, JobId)| at.ticks());
            let at = match (bits >> 32) % 60 {
                0..10 => SimTime::NEVER,
                ticks => SimTime::from_ticks(now + ticks * (1 + (bits >> 50) % 9)),
            };
            sorted.remove(&(set_at[slot(id)], id));
            wakes.set(id, at);
            set_at[slot(id)] = at;
            if at < SimTime::NEVER {
                sorted.insert((at, id));
            }
            assert_eq!(wakes.first(), sorted.first().copied());
            assert_eq!(wakes.near.len() - wakes.dead + wakes.far.len(), sorted.len());
            assert!(wakes.dead <= DEAD + wakes.near.len() / 2);
        }
    }
}
