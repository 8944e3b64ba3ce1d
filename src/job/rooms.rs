//! Rooms that are used again.

/// Values in rooms that are used again: those that come and go side by side stand side by side, and none is allocated.
#[derive(Debug, Clone)]
pub(super) struct Rooms<T> {
    rooms: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Rooms<T> {
    fn default() -> Self {
        Self {
            rooms: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T> Rooms<T> {
    /// Takes a value in and says where it is.
    ///
    /// # Panics
    /// If there are 2^32 values.
    pub(super) fn insert(&mut self, value: T) -> u32 {
        if let Some(room) = self.free.pop() {
            self.rooms[room as usize] = Some(value);
            return room;
        }
        let room = self.rooms.len();
        assert!(room < u32::MAX as usize, "more than 2^32 values at once");
        #[expect(clippy::cast_possible_truncation, reason = "asserted above")]
        let place = room as u32;
        self.rooms.push(Some(value));
        place
    }

    pub(super) fn get(&self, room: u32) -> Option<&T> {
        self.rooms.get(room as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, room: u32) -> Option<&mut T> {
        self.rooms.get_mut(room as usize)?.as_mut()
    }

    /// Lets the value go.
    pub(super) fn remove(&mut self, room: u32) {
        if let Some(value @ Some(_)) = self.rooms.get_mut(room as usize) {
            *value = None;
            self.free.push(room);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_used_again_once_it_is_empty() {
        let mut rooms = Rooms::default();
        let places = ["a", "b", "c"].map(|value| rooms.insert(value));
        rooms.remove(places[1]);
        rooms.remove(places[1]);
        assert_eq!((rooms.get(places[1]), rooms.get(places[2])), (None, Some(&"c")));
        assert_eq!((rooms.insert("d"), rooms.insert("e")), (places[1], 3));
        assert_eq!(rooms.get_mut(places[1]), Some(&mut "d"));
    }
}
