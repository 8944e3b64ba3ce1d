//! When jobs wake.
//!
//! Invariant: a job stands here once at most, under the instant that counts now; nothing here is out of date, so the
//! queue is as long as jobs are in flight, and its first entry is awaited by somebody.

use crate::units::{JobId, SimTime, Window, horizon};

/// A queue of jobs in the order (instant, job); an instant can be changed in place.
///
/// Most jobs that wait would wake far ahead, at some limit, and are set anew long before. They stand in a plain list, in
/// no order, where a change costs nothing; only those that wake up to the horizon stand in a heap. When the heap is
/// empty, about an eighth of the others are taken over.
#[derive(Debug, Clone)]
pub struct Wakes {
    /// A heap in which each entry has up to four children: flat, and four of them fill a cache line.
    near: Vec<Key>,
    /// Everything behind the horizon. Empty unless something is near.
    far: Vec<Key>,
    /// The last key that belongs to what is near.
    horizon: Key,
    /// Where each job stands.
    places: Window<Place>,
    /// Where what is no job stands.
    strays: Place,
}

/// Instant and job in one number, which orders like the pair.
type Key = u128;

const CHILDREN: usize = 4;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It does not wake by itself.
    Nowhere,
    /// In the heap.
    Near(u32),
    /// In the list.
    Far(u32),
}

impl Wakes {
    /// A queue for so many jobs, and for what is no job ([`JobId::NONE`]). None of them wakes yet.
    #[must_use]
    pub fn new(jobs: usize) -> Self {
        Self {
            near: Vec::new(),
            far: Vec::new(),
            horizon: 0,
            places: Window::of(std::iter::repeat_n(Place::Nowhere, jobs)),
            strays: Place::Nowhere,
        }
    }

    /// There is one job more.
    pub(super) fn expect_one(&mut self) {
        self.places.push(Place::Nowhere);
    }

    /// The first job is over and wakes no more.
    pub(super) fn let_first_go(&mut self) {
        self.places.pop_if(|place| *place == Place::Nowhere);
    }

    /// Where a job stands.
    fn place(&self, id: JobId) -> Place {
        match id {
            JobId::NONE => self.strays,
            id => self.places.get(id).copied().unwrap_or(Place::Nowhere),
        }
    }

    fn note_place(&mut self, id: JobId, place: Place) {
        let known = match id {
            JobId::NONE => Some(&mut self.strays),
            id => self.places.get_mut(id),
        };
        if let Some(known) = known {
            *known = place;
        }
    }

    /// Who wakes first, and when; of several at one instant, the one with the lowest number.
    #[must_use]
    pub fn first(&self) -> Option<(SimTime, JobId)> {
        self.near.first().map(|key| (instant(*key), job(*key)))
    }

    /// Lets a job wake at an instant, instead of the one before; never, if that is the instant.
    pub fn set(&mut self, id: JobId, at: SimTime) {
        let key = (u128::from(at.ticks()) << 32) | u128::from(id.0);
        match self.place(id) {
            Place::Near(place) if key <= self.horizon => self.put(place as usize, key),
            Place::Far(place) if key > self.horizon && at != SimTime::NEVER => self.far[place as usize] = key,
            place => {
                self.take_out(id, place);
                if at != SimTime::NEVER {
                    self.take_in(key);
                }
            }
        }
        if self.near.is_empty() && !self.far.is_empty() {
            self.advance();
        }
    }

    fn take_in(&mut self, key: Key) {
        if key <= self.horizon {
            self.near.push(key);
            self.rise(self.near.len() - 1, key);
        } else {
            self.far.push(key);
            self.note_place(job(key), Place::Far(index(self.far.len() - 1)));
        }
    }

    fn take_out(&mut self, id: JobId, place: Place) {
        self.note_place(id, Place::Nowhere);
        match place {
            Place::Nowhere => {}
            Place::Near(place) => {
                if let Some(last) = self.near.pop()
                    && (place as usize) < self.near.len()
                {
                    self.put(place as usize, last);
                }
            }
            Place::Far(place) => self.leave_far(place as usize),
        }
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
                self.near.push(key);
                self.rise(self.near.len() - 1, key);
            } else {
                place += 1;
            }
        }
    }

    /// Puts `key` where `place` became free.
    fn put(&mut self, place: usize, key: Key) {
        if place > 0 && key < self.near[(place - 1) / CHILDREN] {
            self.rise(place, key);
        } else {
            self.sink(place, key);
        }
    }

    fn rise(&mut self, mut place: usize, key: Key) {
        while place > 0 {
            let parent = (place - 1) / CHILDREN;
            let above = self.near[parent];
            if above <= key {
                break;
            }
            self.stand(place, above);
            place = parent;
        }
        self.stand(place, key);
    }

    fn sink(&mut self, mut place: usize, key: Key) {
        while let Some((least, below)) = self.least_child(place).filter(|(_, below)| *below < key) {
            self.stand(place, below);
            place = least;
        }
        self.stand(place, key);
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

    fn stand(&mut self, place: usize, key: Key) {
        self.near[place] = key;
        self.note_place(job(key), Place::Near(index(place)));
    }
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
            assert_eq!(wakes.near.len() + wakes.far.len(), sorted.len());
        }
    }
}
