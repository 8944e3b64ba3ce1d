//! Staying awake for the next request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// How long the thread looks for the next request before it goes to sleep: longer than a client on the same machine
/// takes to wake up and to ask again.
const WATCH: Duration = Duration::from_micros(100);

/// For how long others may have the processor meanwhile: longer than a client takes to ask again. Who keeps it for longer
/// works at something else, and would have it between any two requests.
const LENT: Duration = Duration::from_millis(1);

/// Replies behind which nobody looks, at most, once looking was in vain.
const PASSED_MAX: u32 = 255;

/// Keeps the thread of the server awake where the next request comes at once.
///
/// A client that asks one thing after the other waits for two threads to wake up each time, its own and that of the
/// server, which on many machines takes longer than the request. Where looking is in vain, for clients take their
/// time, it is given up more and more often, so that they cost no time of the processor.
#[derive(Debug)]
pub(super) struct Awake {
    replies: Arc<Replies>,
    watcher: AbortHandle,
}

#[derive(Debug, Default)]
struct Replies {
    count: AtomicU64,
    bell: Notify,
}

impl Awake {
    /// Watches from now on; has to be called on the runtime.
    pub(super) fn begin() -> Self {
        let replies = Arc::new(Replies::default());
        let watcher = tokio::spawn(watch(Arc::clone(&replies))).abort_handle();
        Self { replies, watcher }
    }

    /// A reply is about to leave.
    pub(super) fn replied(&self) {
        self.replies.count.fetch_add(1, Ordering::Relaxed);
        self.replies.bell.notify_one();
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        self.watcher.abort();
    }
}

async fn watch(replies: Arc<Replies>) {
    let mut luck = Luck::default();
    loop {
        replies.bell.notified().await;
        if luck.looks() {
            luck.learn(look(&replies).await);
        }
    }
}

/// Looks until no reply was made for a while: whoever yields is called again once the sockets were looked at.
///
/// - returns: how many were made meanwhile; none where somebody else kept the processor, for then it is better to sleep.
async fn look(replies: &Replies) -> u64 {
    let first = replies.count.load(Ordering::Relaxed);
    let (mut last, mut since) = (first, Instant::now());
    while since.elapsed() < WATCH {
        // Others that want this processor come first; the client may be among them.
        let lent = Instant::now();
        std::thread::yield_now();
        if lent.elapsed() > LENT {
            return 0;
        }
        tokio::task::yield_now().await;
        let count = replies.count.load(Ordering::Relaxed);
        if count != last {
            (last, since) = (count, Instant::now());
        }
    }
    last - first
}

/// Whether looking is worth it, as far as was learnt.
#[derive(Debug, Default)]
struct Luck {
    /// Replies that are passed over each time.
    passed: u32,
    /// Those of them that are left.
    left: u32,
}

impl Luck {
    /// Whether to look behind the next reply.
    const fn looks(&mut self) -> bool {
        let looks = self.left == 0;
        self.left = self.left.saturating_sub(1);
        looks
    }

    /// Learns how many requests came while somebody looked.
    fn learn(&mut self, came: u64) {
        self.passed = match came {
            0 => (2 * self.passed + 1).min(PASSED_MAX),
            _ => 0,
        };
        self.left = self.passed;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Behind how many of `replies` replies somebody looks, if `came` requests come each time.
    fn looks(luck: &mut Luck, replies: u32, came: u64) -> u32 {
        let mut looks = 0;
        for _ in 0..replies {
            if luck.looks() {
                looks += 1;
                luck.learn(came);
            }
        }
        looks
    }

    #[test]
    fn looking_in_vain_is_given_up_and_tried_again() {
        let mut luck = Luck::default();
        assert_eq!(looks(&mut luck, 10_000, 0), 46);
        assert_eq!(looks(&mut luck, 2 * (PASSED_MAX + 1), 0), 2);
        assert!((0..=PASSED_MAX).any(|_| luck.looks()));
        luck.learn(1);
        assert_eq!(looks(&mut luck, 100, 1), 100);
    }
}
