//! What all sessions together keep: of their requests, of what was said to them, in their records, and of what they play.
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
/// conversations, and what sessions loaded to play: for each session its equal part of the other half, and the rest for
/// those who come first. Ended responses and records may take whatever is left; when less than an eighth of the bound is
/// free, the sessions that keep the most of them let go of their oldest, all down to the same level, until a quarter is
/// free again.
#[derive(Debug)]
pub(super) struct Stock {
    max: u64,
    /// What each session may keep of what cannot be let go of, whatever the others do.
    part: u64,
    ended: AtomicU64,
    open: AtomicU64,
    records: AtomicU64,
    shares: Mutex<Vec<Weak<Share>>>,
}

/// How much of the memory a text takes that somebody loaded, once it was read: so many times its length.
const PLAYED: u64 = 4;

/// What all sessions keep, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stored {
    /// Of ended responses.
    pub(super) ended: u64,
    /// Of responses in progress, of conversations, and of what was loaded.
    pub(super) open: u64,
    /// In records.
    pub(super) records: u64,
}

impl Stored {
    const fn all(self) -> u64 {
        self.ended.saturating_add(self.open).saturating_add(self.records)
    }
}

impl Stock {
    pub(super) fn new(max: u64, sessions_max: usize) -> Arc<Self> {
        Arc::new(Self {
            max,
            part: max / 2 / (sessions_max.max(1) as u64),
            ended: AtomicU64::new(0),
            open: AtomicU64::new(0),
            records: AtomicU64::new(0),
            shares: Mutex::default(),
        })
    }

    /// What all sessions keep.
    pub(super) fn kept(&self) -> Stored {
        Stored {
            ended: self.ended.load(Ordering::Relaxed),
            open: self.open.load(Ordering::Relaxed),
            records: self.records.load(Ordering::Relaxed),
        }
    }

    /// The share of a new session, which keeps nothing yet but what it loaded: a text of so many bytes.
    pub(super) fn share(self: &Arc<Self>, loaded: u64) -> Arc<Share> {
        let plays = loaded.saturating_mul(PLAYED);
        self.open.fetch_add(plays, Ordering::Relaxed);
        let share = Arc::new(Share {
            stock: Arc::clone(self),
            plays,
            ended: AtomicU64::new(0),
            first: AtomicU64::new(0),
            open: AtomicU64::new(0),
            record: AtomicU64::new(0),
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

    /// Whether all together keep more than may be before somebody gives way.
    fn is_crowded(&self) -> bool {
        self.kept().all() > self.max - self.max / 8
    }

    /// Asks those who keep the most to let go of some.
    fn make_room(&self) {
        let shares: Vec<Arc<Share>> = self.shares().iter().filter_map(Weak::upgrade).collect();
        let open = self.open.load(Ordering::Relaxed);
        let sizes: Vec<Size> = shares.iter().map(|share| share.size()).collect();
        let all: u64 = sizes.iter().map(|size| size.all).sum();
        // Whoever was asked and has not answered yet counts as if it had.
        if all.saturating_add(open) <= self.max - self.max / 8 {
            return;
        }
        let room = (self.max - self.max / 4).saturating_sub(open);
        for (place, size) in asked_of(&sizes, room) {
            shares[place].ask(size);
        }
    }

    /// A panic elsewhere leaves the list whole, so a poisoned lock is as good as any.
    fn shares(&self) -> MutexGuard<'_, Vec<Weak<Share>>> {
        self.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a session keeps that it can let go of, in bytes.
#[derive(Debug, Clone, Copy)]
struct Size {
    all: u64,
    /// What it lets go of at once, at least.
    first: u64,
}

/// To which size each session has to come down, so that all together have `room`: the largest first, and nobody below the
/// level further than by what goes at once.
fn asked_of(sizes: &[Size], room: u64) -> Vec<(usize, u64)> {
    let mut all: Vec<u64> = sizes.iter().map(|size| size.all).collect();
    let level = level_of(&mut all, room);
    let mut left = all.iter().sum::<u64>().saturating_sub(room);
    let mut above: Vec<(usize, u64)> = (0..).zip(sizes.iter().map(|size| size.all)).collect();
    above.retain(|(_, size)| *size > level);
    above.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    // Down to the level, but for the one that would go beyond it.
    for (place, size) in &mut above {
        let down = (*size).min(level.saturating_add(sizes[*place].first));
        left = left.saturating_sub(*size - down);
        *size = down;
    }
    // Then that one too, of as few as it takes.
    for (place, size) in &mut above {
        if left == 0 {
            break;
        }
        let down = size.saturating_sub(sizes[*place].first.max(1)).min(level);
        left = left.saturating_sub(*size - down);
        *size = down;
    }
    above.retain(|(place, size)| *size < sizes[*place].all);
    above
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
    /// What it loaded takes.
    plays: u64,
    ended: AtomicU64,
    /// Of that, what goes first.
    first: AtomicU64,
    open: AtomicU64,
    record: AtomicU64,
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
    pub(super) fn report(&self, kept: Kept, record: u64) {
        // Nobody else writes what is this session's own.
        let change = |all: &AtomicU64, own: &AtomicU64, new: u64| {
            let old = own.load(Ordering::Relaxed);
            if new != old {
                own.store(new, Ordering::Relaxed);
                all.fetch_add(new.wrapping_sub(old), Ordering::Relaxed);
            }
        };
        change(&self.stock.ended, &self.ended, kept.ended);
        change(&self.stock.open, &self.open, kept.open);
        change(&self.stock.records, &self.record, record);
        self.first.store(kept.first, Ordering::Relaxed);
        if self.stock.is_crowded() {
            self.stock.make_room();
        }
    }

    /// It does as it was asked, and says what it keeps then.
    pub(super) fn answers(&self) {
        self.asked.store(u64::MAX, Ordering::Relaxed);
    }

    /// Whether there is room for so many more bytes of what nobody can let go of before its time: in the half that is
    /// for all, or in the part of this session.
    pub(super) fn has_room(&self, more: u64) -> bool {
        let own = self.plays.saturating_add(self.open.load(Ordering::Relaxed));
        let all = self.stock.kept().open;
        all.saturating_add(more) <= self.stock.max / 2 || own.saturating_add(more) <= self.stock.part
    }

    /// Whether there is room to play a text of so many bytes.
    pub(super) fn has_room_to_play(&self, text: u64) -> bool {
        self.has_room(text.saturating_mul(PLAYED))
    }

    /// What it can let go of, as far as it was not asked to yet.
    fn size(&self) -> Size {
        let kept = [&self.ended, &self.record].map(|part| part.load(Ordering::Relaxed));
        Size {
            all: (kept[0] + kept[1]).min(self.asked.load(Ordering::Relaxed)),
            first: self.first.load(Ordering::Relaxed),
        }
    }

    fn ask(&self, level: u64) {
        if self.asked.swap(level, Ordering::Relaxed) > level
            && let Some(session) = self.session.get().and_then(Weak::upgrade)
        {
            session.post(Input::Crowded { bytes: level });
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.stock.open.fetch_sub(self.plays, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_as_many_give_way_as_it_takes_where_one_response_is_most_of_a_session() {
        let alike = |count, all, first| vec![Size { all, first }; count];
        // Each keeps one response of more than the level: half of them let go of it, not all.
        let asked = asked_of(&alike(10, 60, 60), 300);
        assert_eq!(asked.len(), 5);
        assert!(asked.iter().all(|(_, size)| *size == 0));
        // Small ones come down to the level, give or take one.
        let asked = asked_of(&alike(10, 60, 5), 300);
        assert_eq!(asked.len(), 10);
        assert!(
            asked.iter().all(|(_, size)| (25..=35).contains(size)),
            "{asked:?}"
        );
        let freed: u64 = asked.iter().map(|(_, size)| 60 - size).sum();
        assert!((300..=350).contains(&freed), "{freed}");
        // Whoever is below the level is not asked.
        let mut sizes = alike(3, 100, 10);
        sizes.push(Size { all: 20, first: 20 });
        let asked = asked_of(&sizes, 200);
        assert!(asked.iter().all(|(place, _)| *place < 3), "{asked:?}");
        assert_eq!(asked_of(&alike(3, 10, 1), 30), []);
        // What is no response goes bit by bit.
        assert_eq!(asked_of(&alike(1, 100, 0), 40), [(0, 40)]);
    }

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
