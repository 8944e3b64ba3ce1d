//! What comes first of many things, each of which can change at any time.

use super::prefetch;

/// The least key of many places, kept as they change.
///
/// Four places stand together, as wide as a cache line; the least of each four stands in the line above, and so on up to
/// one. A change climbs only as far as it changes what is least, so that what is set anew far ahead of its turn costs a
/// line or two, however many there are.
#[derive(Debug, Clone)]
pub(crate) struct Firsts {
    /// The top stands first, its four children behind it, and so on level by level.
    fours: Vec<Four>,
    /// The first of the lowest level.
    lowest: usize,
    /// The upper and the lower half of the least of all, which are read one by one: a processor does not find what it has just
    /// written in halves where it reads the whole.
    first: [u64; 2],
}

/// Four keys that fill a cache line.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Four([u128; 4]);

impl Four {
    const EMPTY: Self = Self([Firsts::NOTHING; 4]);

    fn least(&self) -> u128 {
        let [a, b, c, d] = self.0;
        a.min(b).min(c.min(d))
    }
}

impl Default for Firsts {
    fn default() -> Self {
        Self {
            fours: vec![Four::EMPTY],
            lowest: 0,
            first: halves(Self::NOTHING),
        }
    }
}

impl Firsts {
    /// The key of a place in which nothing stands.
    pub(crate) const NOTHING: u128 = u128::MAX;

    /// The least key; [`Self::NOTHING`], if nothing stands anywhere.
    pub(crate) const fn first(&self) -> u128 {
        let [upper, lower] = self.first;
        (upper as u128) << 64 | lower as u128
    }

    /// Asks for the memory that a change of this place takes.
    #[inline]
    pub(crate) fn prefetch(&self, place: u32) {
        let group = self.lowest + place as usize / 4;
        if let Some(four) = self.fours.get(group) {
            prefetch(four);
            prefetch(&self.fours[group.saturating_sub(1) / 4]);
        }
    }

    /// Puts a key into a place, instead of the one before.
    #[inline]
    pub(crate) fn set(&mut self, place: u32, key: u128) {
        let (mut group, slot) = (self.lowest + place as usize / 4, place as usize % 4);
        if group >= self.fours.len() {
            if key == Self::NOTHING {
                return;
            }
            self.grow(place as usize / 4 + 1);
            group = self.lowest + place as usize / 4;
        }
        let mut before = std::mem::replace(&mut self.fours[group].0[slot], key);
        let mut key = key;
        while let Some(above) = group.checked_sub(1) {
            let (parent, place) = (above / 4, above % 4);
            let least = self.fours[parent].0[place];
            if key > least {
                if before != least {
                    return;
                }
                key = self.fours[group].least();
            }
            self.fours[parent].0[place] = key;
            (group, before) = (parent, least);
        }
        self.first = halves(self.fours[0].least());
    }

    /// Makes room for so many fours on the lowest level.
    fn grow(&mut self, wanted: usize) {
        let (mut above, mut width) = (0, 1);
        while width < wanted {
            above += width;
            width *= 4;
        }
        let before = self.fours.split_off(self.lowest);
        self.fours.clear();
        self.fours.resize(above, Four::EMPTY);
        self.fours.extend(before);
        self.fours.resize(above + width, Four::EMPTY);
        self.lowest = above;
        for group in (1..self.fours.len()).rev() {
            let least = self.fours[group].least();
            self.fours[(group - 1) / 4].0[(group - 1) % 4] = least;
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the upper and the lower half")]
const fn halves(key: u128) -> [u64; 2] {
    [(key >> 64) as u64, key as u64]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::rng::{Purpose, Seed};

    #[test]
    fn the_least_is_known_whatever_is_changed() {
        for places in [1, 4, 5, 40, 700] {
            let (mut firsts, mut all) = (Firsts::default(), BTreeMap::new());
            for index in 0..20_000 {
                let bits = Seed(7).bits(Purpose::Arrival, places, index);
                let place = u32::try_from(bits % places).unwrap_or(0);
                let key = match (bits >> 32) % 6 {
                    0 => Firsts::NOTHING,
                    _ => u128::from(bits >> 40),
                };
                firsts.set(place, key);
                all.insert(place, key);
                assert_eq!(firsts.first(), all.values().copied().min().unwrap_or(u128::MAX));
            }
        }
    }
}
