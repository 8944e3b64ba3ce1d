//! Simulated time: it goes by when everybody waits.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::units::SimTime;

/// The instant that it is, and those that somebody waits for. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Simulated(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    now: AtomicU64,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Who waits, by instant, and at one instant by arrival; the first stands at the end. There are hardly ever more
    /// than a handful.
    sleepers: Vec<Sleeper>,
    arrived: u64,
    /// Room for those whose instant has come.
    woken: Vec<Waker>,
}

/// Somebody who waits.
#[derive(Debug)]
struct Sleeper {
    at: SimTime,
    /// Counted from 1 in the order of arrival.
    number: u64,
    waker: Waker,
}

impl Waiting {
    /// Where the sleeper of this number stands; or where it would.
    fn place(&self, at: SimTime, number: u64) -> Result<usize, usize> {
        self.sleepers
            .binary_search_by(|sleeper| (at, number).cmp(&(sleeper.at, sleeper.number)))
    }
}

impl Simulated {
    pub(super) fn now(&self) -> SimTime {
        SimTime::from_ticks(self.0.now.load(Ordering::Relaxed))
    }

    /// Goes on to the first instant that somebody waits for, and wakes everybody who does.
    ///
    /// To be called when nothing else is left to do: whoever could still act in the present would be too late.
    pub(super) fn go_on(&self) {
        let mut waiting = self.waiting();
        let Some(first) = waiting.sleepers.pop() else {
            return;
        };
        let at = first.at;
        self.0.now.store(at.ticks(), Ordering::Relaxed);
        let mut woken = std::mem::take(&mut waiting.woken);
        while let Some(sleeper) = waiting.sleepers.pop_if(|sleeper| sleeper.at == at) {
            woken.push(sleeper.waker);
        }
        drop(waiting);
        // Outside the lock: what a waker does is not known here.
        first.waker.wake();
        if !woken.is_empty() {
            woken.drain(..).for_each(Waker::wake);
            self.waiting().woken = woken;
        }
    }

    /// Waits for an instant.
    pub(super) const fn until(&self, at: SimTime) -> Until<'_> {
        Until {
            time: self,
            at,
            place: None,
        }
    }

    /// A panic elsewhere leaves the list whole, so a poisoned lock is as good as any.
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ready once it is `at` or later. Dropped before, it leaves nothing behind that time would stop for.
#[derive(Debug)]
pub(super) struct Until<'a> {
    time: &'a Simulated,
    at: SimTime,
    /// Its number among the sleepers, once it is one.
    place: Option<u64>,
}

impl Future for Until<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.time.now() >= self.at {
            return Poll::Ready(());
        }
        let time = self.time;
        let mut waiting = time.waiting();
        let number = self.place.unwrap_or_else(|| {
            waiting.arrived += 1;
            waiting.arrived
        });
        self.place = Some(number);
        match waiting.place(self.at, number) {
            Ok(place) => waiting.sleepers[place].waker.clone_from(context.waker()),
            Err(place) => {
                let (at, waker) = (self.at, context.waker().clone());
                waiting.sleepers.insert(place, Sleeper { at, number, waker });
            }
        }
        Poll::Pending
    }
}

impl Drop for Until<'_> {
    fn drop(&mut self) {
        // Whoever was woken is no sleeper any more.
        if let Some(number) = self.place.filter(|_| self.time.now() < self.at) {
            let mut waiting = self.time.waiting();
            if let Ok(place) = waiting.place(self.at, number) {
                waiting.sleepers.remove(place);
            }
        }
    }
}
