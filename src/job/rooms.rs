//! Rooms that are used again.

/// Values in rooms that are used again: those that come and go side by side stand side by side, and none is allocated.
///
/// A value that is over stays in its room until another moves in. So a room is never asked whether somebody is in it, for
/// which its memory would be needed; only its owner knows, and asks for no room that it gave back.
#[derive(Debug, Clone)]
pub(super) struct Rooms<T> {
    rooms: Vec<T>,
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
    #[inline]
    pub(super) fn insert(&mut self, value: T) -> u32 {
        if let Some(room) = self.free.pop() {
            self.rooms[room as usize] = value;
            return room;
        }
        let room = self.rooms.len();
        assert!(room < u32::MAX as usize, "more than 2^32 values at once");
        #[expect(clippy::cast_possible_truncation, reason = "asserted above")]
        let place = room as u32;
        self.rooms.push(value);
        place
    }

    pub(super) fn get(&self, room: u32) -> Option<&T> {
        self.rooms.get(room as usize)
    }

    pub(super) fn get_mut(&mut self, room: u32) -> Option<&mut T> {
        self.rooms.get_mut(room as usize)
    }

    /// Gives the room of a value that is over back.
    pub(super) fn give_back(&mut self, room: u32) {
        debug_assert!(!self.free.contains(&room), "room {room} was given back before");
        self.free.push(room);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_used_again_once_it_is_given_back() {
        let mut rooms = Rooms::default();
        let places = ["a", "b", "c"].map(|value| rooms.insert(value));
        rooms.give_back(places[1]);
        assert_eq!(
            (rooms.get(places[0]), rooms.get(places[2])),
            (Some(&"a"), Some(&"c"))
        );
        assert_eq!((rooms.insert("d"), rooms.insert("e")), (places[1], 3));
        assert_eq!(rooms.get_mut(places[1]), Some(&mut "d"));
        assert_eq!(rooms.get(4), None);
    }
}
