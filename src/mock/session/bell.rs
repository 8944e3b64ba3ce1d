//! How a connection hears that a session has ended.
//!
//! Every request waits for two things: its reply, and the end of its session. The second hardly ever comes, so waiting
//! for it must not cost what waiting for a channel does, with its list of waiters that each request enters and leaves.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;

/// Wakes the task of a connection.
#[derive(Debug, Default)]
pub(in crate::mock) struct Bell(Mutex<Option<Waker>>);

impl Bell {
    /// Ringing wakes this from now on. Whoever waits looks once more whether there is still something to wait for.
    pub(in crate::mock) fn wakes(&self, waker: &Waker) {
        let mut place = locked(&self.0);
        match &mut *place {
            Some(last) => last.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }

    fn ring(&self) {
        if let Some(waker) = locked(&self.0).take() {
            waker.wake();
        }
    }
}

/// The bells of the connections that visited a session.
#[derive(Debug, Default)]
pub(super) struct Bells(Mutex<Vec<Weak<Bell>>>);

impl Bells {
    /// Adds one.
    pub(super) fn add(&self, bell: &Arc<Bell>) {
        let mut bells = locked(&self.0);
        // Those of connections that ended go before the list would grow.
        if bells.len() == bells.capacity() {
            bells.retain(|bell| bell.strong_count() > 0);
        }
        bells.push(Arc::downgrade(bell));
    }

    /// Rings all of them.
    pub(super) fn ring(&self) {
        for bell in std::mem::take(&mut *locked(&self.0)) {
            if let Some(bell) = bell.upgrade() {
                bell.ring();
            }
        }
    }
}

/// A panic elsewhere leaves what is locked whole, so a poisoned lock is as good as any.
fn locked<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Rung(AtomicU32);

    impl Wake for Rung {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn bells_ring_once_and_those_of_gone_connections_are_forgotten() {
        let (bells, rung) = (Bells::default(), Arc::new(Rung::default()));
        let bell = Arc::new(Bell::default());
        bell.wakes(&Arc::clone(&rung).into());
        bells.add(&bell);
        for _ in 0..1_000 {
            bells.add(&Arc::default());
        }
        assert!(locked(&bells.0).len() < 10);
        bells.ring();
        bells.ring();
        assert_eq!(rung.0.load(Ordering::Relaxed), 1);
    }
}
