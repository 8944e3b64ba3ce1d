//! Places that are used again, with handles that notice it.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::units::prefetch;

/// Points at a value in [`Slots`]; it finds nothing once that value is gone, even if the place is used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Handle {
    place: u32,
    life: u32,
}

impl Handle {
    /// Points at nothing.
    pub(super) const NONE: Self = Self {
        place: u32::MAX,
        life: u32::MAX,
    };
}

/// Values in places that are used again.
#[derive(Debug, Clone)]
pub(super) struct Slots<T> {
    places: Vec<Slot<T>>,
    free: Vec<u32>,
}

/// How often the place was used, in front: whoever asks for the value asks for that too.
#[derive(Debug, Clone)]
#[repr(C)]
struct Slot<T> {
    life: u32,
    value: Option<T>,
}

impl<T> Slots<T> {
    pub(super) const fn new() -> Self {
        Self {
            places: Vec::new(),
            free: Vec::new(),
        }
    }

    /// The same with room for so many values.
    pub(super) fn with_capacity(values: usize) -> Self {
        Self {
            places: Vec::with_capacity(values),
            free: Vec::new(),
        }
    }

    #[inline]
    pub(super) fn insert(&mut self, value: T) -> Handle {
        self.insert_with(|_| value)
    }

    /// Takes in what `make` makes of its own handle.
    #[inline]
    pub(super) fn insert_with(&mut self, make: impl FnOnce(Handle) -> T) -> Handle {
        if let Some(place) = self.free.pop() {
            let Slot { life, value } = &mut self.places[place as usize];
            let handle = Handle { place, life: *life };
            // A free place is empty: an assignment would look for a value to let go.
            value.get_or_insert_with(|| make(handle));
            return handle;
        }
        assert!(
            self.places.len() < u32::MAX as usize,
            "more than 2^32 values at once"
        );
        #[expect(clippy::cast_possible_truncation, reason = "asserted above")]
        let place = self.places.len() as u32;
        let handle = Handle { place, life: 0 };
        let (life, value) = (0, Some(make(handle)));
        self.places.push(Slot { life, value });
        handle
    }

    /// The values, in the order of their places.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.places.iter().filter_map(|slot| slot.value.as_ref())
    }

    /// One that is looked for among all.
    pub(super) fn find(&self, is: impl Fn(&T) -> bool) -> Option<Handle> {
        let mut places = self.places.iter().zip(0..);
        places.find_map(|(slot, place)| {
            slot.value.as_ref().filter(|value| is(value))?;
            let life = slot.life;
            Some(Handle { place, life })
        })
    }

    pub(super) fn get(&self, handle: Handle) -> Option<&T> {
        let Slot { life, value } = self.places.get(handle.place as usize)?;
        value.as_ref().filter(|_| *life == handle.life)
    }

    /// Asks for the memory in which a value begins.
    #[inline]
    pub(super) fn prefetch(&self, handle: Handle) {
        if let Some(slot) = self.places.get(handle.place as usize) {
            prefetch(slot);
        }
    }

    pub(super) fn get_mut(&mut self, handle: Handle) -> Option<&mut T> {
        let Slot { life, value } = self.places.get_mut(handle.place as usize)?;
        value.as_mut().filter(|_| *life == handle.life)
    }

    /// Lets a value go where it is, without what is `wanted` of it; if nothing is, it stays.
    #[inline]
    pub(super) fn take_of<R>(
        &mut self,
        handle: Handle,
        wanted: impl FnOnce(&mut T) -> Option<R>,
    ) -> Option<R> {
        let Slot { life, value } = self.places.get_mut(handle.place as usize)?;
        let held = value.as_mut().filter(|_| *life == handle.life)?;
        let taken = wanted(held)?;
        *value = None;
        *life = life.wrapping_add(1);
        self.free.push(handle.place);
        Some(taken)
    }

    pub(super) fn remove(&mut self, handle: Handle) -> Option<T> {
        let Slot { life, value } = self.places.get_mut(handle.place as usize)?;
        if *life != handle.life {
            return None;
        }
        let gone = value.take()?;
        *life = life.wrapping_add(1);
        self.free.push(handle.place);
        Some(gone)
    }

    pub(super) const fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }
}

/// A map for look-ups alone: it is never iterated, so its order cannot show; nobody chooses keys to collide.
pub(super) type Lookup<K, V> = HashMap<K, V, FixedState>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_finds_nothing_once_its_place_is_used_again() {
        let mut slots = Slots::new();
        let first = slots.insert("first");
        assert_eq!(slots.remove(first), Some("first"));
        let second = slots.insert("second");
        assert_eq!((second.place, slots.len()), (first.place, 1));
        assert_eq!((slots.get(first), slots.get(second)), (None, Some(&"second")));
        assert_eq!(slots.remove(first), None);
    }
}
