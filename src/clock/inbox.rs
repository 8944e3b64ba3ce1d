//! Where the inputs of a core wait for their step.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::units::SimTime;

/// A new inbox and the way into it.
///
/// One lock around a queue rather than a channel: the stepper looks at the first stamp without taking it, and takes
/// only what is stamped so far. The lock is never contended, since everything of a run lives on one thread; it is
/// there because handlers of HTTP frameworks have to be `Send`. What is asked again and again stands beside it.
#[must_use]
pub fn inbox<I>() -> (Postbox<I>, Inbox<I>) {
    let shared = Arc::new(Shared {
        first: AtomicU64::new(SimTime::NEVER.ticks()),
        listens: AtomicBool::new(false),
        waiting: Mutex::new(Waiting {
            queue: VecDeque::new(),
            waker: None,
        }),
    });
    (Postbox(Arc::clone(&shared)), Inbox(shared))
}

/// The way in. Cheap to clone.
#[derive(Debug)]
pub struct Postbox<I>(Arc<Shared<I>>);

impl<I> Clone for Postbox<I> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// The inputs that were not stepped yet, by stamp, and within a stamp by arrival.
#[derive(Debug)]
pub struct Inbox<I>(Arc<Shared<I>>);

#[derive(Debug)]
struct Shared<I> {
    /// The stamp of the first input; never, if there is none. Written under the lock.
    first: AtomicU64,
    /// Whether somebody is to be woken by the next input.
    listens: AtomicBool,
    waiting: Mutex<Waiting<I>>,
}

#[derive(Debug)]
struct Waiting<I> {
    queue: VecDeque<(SimTime, I)>,
    waker: Option<Waker>,
}

impl<I> Shared<I> {
    fn first(&self) -> Option<SimTime> {
        let first = SimTime::from_ticks(self.first.load(Ordering::Acquire));
        (first != SimTime::NEVER).then_some(first)
    }

    /// A panic elsewhere leaves the queue whole, so a poisoned lock is as good as any.
    fn waiting(&self) -> MutexGuard<'_, Waiting<I>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<I> Postbox<I> {
    /// Puts in what arrived at `at`: what the clock shows now.
    pub fn post(&self, at: SimTime, input: I) {
        let waker = {
            let mut waiting = self.0.waiting();
            debug_assert!(
                waiting.queue.back().is_none_or(|(last, _)| *last <= at),
                "stamps never go back"
            );
            if waiting.queue.is_empty() {
                self.0.first.store(at.ticks(), Ordering::Release);
            }
            waiting.queue.push_back((at, input));
            match self.0.listens.load(Ordering::Relaxed) {
                true => waiting.waker.take(),
                false => None,
            }
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<I> Inbox<I> {
    /// The stamp of the first input.
    pub fn first(&self) -> Option<SimTime> {
        self.0.first()
    }

    /// Moves everything stamped `until` or earlier to `batch`.
    pub fn take(&self, until: SimTime, batch: &mut Vec<I>) {
        if self.first().is_none_or(|first| first > until) {
            return;
        }
        let mut waiting = self.0.waiting();
        let count = waiting.queue.partition_point(|(at, _)| *at <= until);
        batch.extend(waiting.queue.drain(..count).map(|(_, input)| input));
        let first = waiting.queue.front().map_or(SimTime::NEVER, |(at, _)| *at);
        self.0.first.store(first.ticks(), Ordering::Release);
    }

    /// Lets no input wake whoever waited for the first one last.
    pub(super) fn stop_listening(&self) {
        self.0.listens.store(false, Ordering::Relaxed);
    }

    /// Ready with the stamp of the first input as soon as there is one.
    pub(super) fn poll_first(&self, context: &Context<'_>) -> Poll<SimTime> {
        let mut waiting = self.0.waiting();
        if let Some((at, _)) = waiting.queue.front() {
            return Poll::Ready(*at);
        }
        self.0.listens.store(true, Ordering::Relaxed);
        match &mut waiting.waker {
            Some(waker) => waker.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
        Poll::Pending
    }
}
