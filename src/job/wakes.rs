//! When jobs wake.
//!
//! Invariant: a job stands here once at most, under the instant that counts now; nothing here is out of date, so the
//! queue is as long as jobs are in flight, and its first entry is awaited by somebody.

use crate::units::{JobId, SimTime};

/// A queue of jobs in the order (instant, job); an instant can be changed in place.
#[derive(Debug, Clone)]
pub(super) struct Wakes {
    /// A heap in which each entry has up to four children: flat, and four of them fill a cache line.
    heap: Vec<Key>,
    /// Where each job stands in the heap.
    places: Vec<u32>,
}

/// Instant and job in one number, which orders like the pair.
type Key = u128;

const CHILDREN: usize = 4;

/// The place of a job that does not wake by itself.
const NOWHERE: u32 = u32::MAX;

impl Wakes {
    /// A queue for so many jobs, and for what is no job.
    pub(super) fn new(jobs: usize) -> Self {
        Self {
            heap: Vec::new(),
            places: vec![NOWHERE; jobs + 1],
        }
    }

    /// Who wakes first, and when.
    pub(super) fn first(&self) -> Option<(SimTime, JobId)> {
        self.heap.first().map(|key| (instant(*key), job(*key)))
    }

    /// Lets a job wake at an instant, instead of the one before; never, if that is the instant.
    pub(super) fn set(&mut self, id: JobId, at: SimTime) {
        let key = (u128::from(at.ticks()) << 32) | u128::from(id.0);
        let place = self.places[slot(id)];
        match (place, at) {
            (NOWHERE, SimTime::NEVER) => {}
            (NOWHERE, _) => {
                self.heap.push(key);
                self.rise(self.heap.len() - 1, key);
            }
            (place, SimTime::NEVER) => self.remove(place as usize, id),
            (place, _) => self.put(place as usize, key),
        }
    }

    fn remove(&mut self, place: usize, id: JobId) {
        self.places[slot(id)] = NOWHERE;
        if let Some(last) = self.heap.pop()
            && place < self.heap.len()
        {
            self.put(place, last);
        }
    }

    /// Puts `key` where `place` became free.
    fn put(&mut self, place: usize, key: Key) {
        if place > 0 && key < self.heap[(place - 1) / CHILDREN] {
            self.rise(place, key);
        } else {
            self.sink(place, key);
        }
    }

    fn rise(&mut self, mut place: usize, key: Key) {
        while place > 0 {
            let parent = (place - 1) / CHILDREN;
            let above = self.heap[parent];
            if above <= key {
                break;
            }
            self.stand(place, above);
            place = parent;
        }
        self.stand(place, key);
    }

    fn sink(&mut self, mut place: usize, key: Key) {
        loop {
            let Some((least, below)) = self.least_child(place).filter(|(_, below)| *below < key) else {
                break;
            };
            self.stand(place, below);
            place = least;
        }
        self.stand(place, key);
    }

    /// The least child of a place, and where it stands.
    fn least_child(&self, place: usize) -> Option<(usize, Key)> {
        let first = place * CHILDREN + 1;
        let children = self.heap.get(first..)?;
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
        self.heap[place] = key;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "there are no more entries than job numbers"
        )]
        let at = place as u32;
        self.places[slot(job(key))] = at;
    }
}

/// The place of a job among the places; what is no job comes first.
const fn slot(id: JobId) -> usize {
    id.0.wrapping_add(1) as usize
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
        let (mut wakes, mut sorted) = (Wakes::new(40), BTreeSet::new());
        let mut set_at = [SimTime::NEVER; 41];
        for index in 0..20_000 {
            let bits = Seed(7).bits(Purpose::Arrival, 0, index);
            let id = match bits % 41 {
                40 => JobId::NONE,
                job => JobId(u32::try_from(job).unwrap_or(0)),
            };
            let at = match (bits >> 32) % 60 {
                0..20 => SimTime::NEVER,
                ticks => SimTime::from_ticks(ticks),
            };
            sorted.remove(&(set_at[slot(id)], id));
            wakes.set(id, at);
            set_at[slot(id)] = at;
            if at < SimTime::NEVER {
                sorted.insert((at, id));
            }
            assert_eq!(wakes.first(), sorted.first().copied());
            assert_eq!(wakes.heap.len(), sorted.len());
        }
    }
}
