//! Where the inputs of a core wait for their step.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::units::SimTime;

/// A new inbox and the way into it.
///
/// One lock around a queue rather than a channel: the stepper looks at the first stamp without taking it, and takes
/// only what is stamped so far. The lock is never contended, since everything of a run lives on one thread; it is
/// there because handlers of HTTP frameworks have to be `Send`.
#[must_use]
pub fn inbox<I>() -> (Postbox<I>, Inbox<I>) {
    let shared = Arc::new(Mutex::new(Waiting {
        queue: VecDeque::new(),
        waker: None,
    }));
    (Postbox(Arc::clone(&shared)), Inbox(shared))
}

/// The way in. Cheap to clone.
#[derive(Debug)]
pub struct Postbox<I>(Arc<Mutex<Waiting<I>>>);

impl<I> Clone for Postbox<I> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// The inputs that were not stepped yet, by stamp, and within a stamp by arrival.
#[derive(Debug)]
pub struct Inbox<I>(Arc<Mutex<Waiting<I>>>);

#[derive(Debug)]
struct Waiting<I> {
    queue: VecDeque<(SimTime, I)>,
    waker: Option<Waker>,
}

impl<I> Postbox<I> {
    /// Puts in what arrived at `at`: what the clock shows now.
    pub fn post(&self, at: SimTime, input: I) {
        let waker = {
            let mut waiting = lock(&self.0);
            debug_assert!(
                waiting.queue.back().is_none_or(|(last, _)| *last <= at),
                "stamps never go back"
            );
            waiting.queue.push_back((at, input));
            waiting.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<I> Inbox<I> {
    /// The stamp of the first input.
    pub fn first(&self) -> Option<SimTime> {
        lock(&self.0).queue.front().map(|(at, _)| *at)
    }

    /// Moves everything stamped `until` or earlier to `batch`.
    pub fn take(&self, until: SimTime, batch: &mut Vec<I>) {
        let mut waiting = lock(&self.0);
        let count = waiting.queue.partition_point(|(at, _)| *at <= until);
        batch.extend(waiting.queue.drain(..count).map(|(_, input)| input));
    }

    /// Ready with the stamp of the first input as soon as there is one.
    pub(super) fn poll_first(&self, context: &Context<'_>) -> Poll<SimTime> {
        let mut waiting = lock(&self.0);
        if let Some((at, _)) = waiting.queue.front() {
            return Poll::Ready(*at);
        }
        match &mut waiting.waker {
            Some(waker) => waker.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
        Poll::Pending
    }
}

/// A panic elsewhere leaves the queue whole, so a poisoned lock is as good as any.
fn lock<I>(shared: &Mutex<Waiting<I>>) -> MutexGuard<'_, Waiting<I>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
