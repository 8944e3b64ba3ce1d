//! What all sessions together keep of their requests.
//!
//! Sessions are kept apart: what one does is not seen in another. The one thing that they share is the memory of the
//! process, so it is bounded over all of them, and in a way that a session which keeps little never feels.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use super::server::Shared;
use crate::backend::{Input, Kept};

/// The bound over all sessions, and what they keep.
///
/// Half of the bound is for what nobody can let go of before its time, which is responses in progress and the items of
/// conversations: for each session its equal part of the other half, and the rest for those who come first. Ended
/// responses may take whatever is left; when less than an eighth of the bound is free, the sessions that keep the most
/// of them let go of their oldest, all down to the same level, until a quarter is free again.
#[derive(Debug)]
pub(super) struct Stock {
    max: u64,
    /// What each session may keep of what cannot be let go of, whatever the others do.
    part: u64,
    ended: AtomicU64,
    open: AtomicU64,
    shares: Mutex<Vec<Weak<Share>>>,
}

impl Stock {
    pub(super) fn new(max: u64, sessions_max: usize) -> Arc<Self> {
        Arc::new(Self {
            max,
            part: max / 2 / (sessions_max.max(1) as u64),
            ended: AtomicU64::new(0),
            open: AtomicU64::new(0),
            shares: Mutex::default(),
        })
    }

    /// What all sessions keep.
    pub(super) fn kept(&self) -> Kept {
        Kept {
            ended: self.ended.load(Ordering::Relaxed),
            open: self.open.load(Ordering::Relaxed),
        }
    }

    /// The share of a new session, which keeps nothing yet.
    pub(super) fn share(self: &Arc<Self>) -> Arc<Share> {
        let share = Arc::new(Share {
            stock: Arc::clone(self),
            ended: AtomicU64::new(0),
            open: AtomicU64::new(0),
            asked: AtomicU64::new(u64::MAX),
            session: OnceLock::new(),
        });
        let mut shares = self.shares();
        // Those of sessions that are over go before the list would grow.
        if shares.len() == shares.capacity() {
            shares.retain(|share| share.strong_count() > 0);
        }
        shares.push(Arc::downgrade(&share));
        share
    }

    /// Asks those who keep the most to let go of some.
    fn make_room(&self) {
        let room = self.max - self.max / 4;
        let room = room.saturating_sub(self.open.load(Ordering::Relaxed));
        let shares: Vec<Arc<Share>> = self.shares().iter().filter_map(Weak::upgrade).collect();
        let mut ended: Vec<u64> = shares.iter().map(|share| share.ended()).collect();
        let level = level_of(&mut ended, room);
        for share in shares.iter().filter(|share| share.ended() > level) {
            share.ask(level);
        }
    }

    /// A panic elsewhere leaves the list whole, so a poisoned lock is as good as any.
    fn shares(&self) -> MutexGuard<'_, Vec<Weak<Share>>> {
        self.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The level down to which everybody has to come who is above it, so that all together have `room`.
fn level_of(sizes: &mut [u64], mut room: u64) -> u64 {
    sizes.sort_unstable();
    for (size, others) in sizes.iter().zip((1..=sizes.len() as u64).rev()) {
        let fair = room / others;
        if *size > fair {
            return fair;
        }
        room -= size;
    }
    u64::MAX
}

/// What one session keeps.
#[derive(Debug)]
pub(super) struct Share {
    stock: Arc<Stock>,
    ended: AtomicU64,
    open: AtomicU64,
    /// The level that it was asked to come down to, until it has answered.
    asked: AtomicU64,
    session: OnceLock<Weak<Shared>>,
}

impl Share {
    /// Whom to ask.
    pub(super) fn belongs_to(&self, session: &Arc<Shared>) {
        // A share belongs to one session, which says so once.
        let _ = self.session.set(Arc::downgrade(session));
    }

    /// Takes down what it keeps now, and sees to it that all together keep no more than they may.
    pub(super) fn report(&self, kept: Kept) {
        let change = |all: &AtomicU64, own: &AtomicU64, new: u64| {
            let old = own.swap(new, Ordering::Relaxed);
            if new != old {
                all.fetch_add(new.wrapping_sub(old), Ordering::Relaxed);
            }
        };
        change(&self.stock.ended, &self.ended, kept.ended);
        change(&self.stock.open, &self.open, kept.open);
        if kept.ended <= self.asked.load(Ordering::Relaxed) {
            self.asked.store(u64::MAX, Ordering::Relaxed);
        }
        let Kept { ended, open } = self.stock.kept();
        if ended.saturating_add(open) > self.stock.max - self.stock.max / 8 {
            self.stock.make_room();
        }
    }

    /// Whether there is room for so many more bytes of what nobody can let go of before its time: in the half that is
    /// for all, or in the part of this session.
    pub(super) fn has_room(&self, more: u64) -> bool {
        let (all, own) = (self.stock.kept().open, self.open.load(Ordering::Relaxed));
        all.saturating_add(more) <= self.stock.max / 2 || own.saturating_add(more) <= self.stock.part
    }

    fn ended(&self) -> u64 {
        self.ended.load(Ordering::Relaxed)
    }

    fn ask(&self, level: u64) {
        if self.asked.swap(level, Ordering::Relaxed) > level
            && let Some(session) = self.session.get().and_then(Weak::upgrade)
        {
            session.post(Input::Crowded { bytes: level });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_above_the_level_come_down_to_it_and_nobody_else() {
        for (sizes, room, level) in [
            (&[][..], 10, u64::MAX),
            (&[3, 4], 7, u64::MAX),
            (&[3, 4], 6, 3),
            (&[1, 100, 50], 61, 30),
            (&[10, 10, 10], 0, 0),
            (&[0, 0, 9], 8, 8),
        ] {
            let mut sorted = sizes.to_vec();
            assert_eq!(level_of(&mut sorted, room), level, "{sizes:?}");
            let kept: u64 = sizes.iter().map(|size| size.min(&level)).sum();
            assert!(kept <= room, "{sizes:?}");
        }
    }
}
