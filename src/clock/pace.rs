//! How fast ticks go by.

use std::fmt;
use std::future::pending;
use std::io;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::time::Instant;

use super::simulated::Simulated;
use crate::units::{SimDuration, SimTime};

/// Ticks per real microsecond, in thousandths: `10` plays ten times as fast, `0.5` half as fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeScale(NonZeroU32);

impl TimeScale {
    /// One tick is one real microsecond.
    pub const ONE: Self = Self(NonZeroU32::MIN.saturating_add(999));

    pub(crate) const fn ticks_in(self, real_micros: u128) -> u128 {
        real_micros * self.0.get() as u128 / 1_000
    }

    /// The real microseconds after which `ticks` have gone by for certain.
    const fn micros_for(self, ticks: u64) -> u128 {
        (ticks as u128 * 1_000).div_ceil(self.0.get() as u128)
    }
}

/// Why a text is no time scale.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no time scale: use a number from 0.001 to 1000000 with at most three decimals, such as 10 or 0.5"
)]
pub struct TimeScaleError(String);

impl FromStr for TimeScale {
    type Err = TimeScaleError;

    fn from_str(text: &str) -> Result<Self, TimeScaleError> {
        let thousandths = || {
            let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
            let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            if !digits(whole) || !digits(part) || part.len() > 3 {
                return None;
            }
            let whole: u32 = whole.parse().ok()?;
            let part: u32 = format!("{part:0<3}").parse().ok()?;
            NonZeroU32::new(whole.checked_mul(1_000)?.checked_add(part)?)
        };
        thousandths()
            .filter(|scale| scale.get() <= 1_000_000_000)
            .map(Self)
            .ok_or_else(|| TimeScaleError(text.to_owned()))
    }
}

impl fmt::Display for TimeScale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0.get() / 1_000, self.0.get() % 1_000);
        match part {
            0 => write!(f, "{whole}"),
            _ => write!(f, "{whole}.{}", format!("{part:03}").trim_end_matches('0')),
        }
    }
}

/// Whether time is simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Time goes by when everybody waits, straight to the next instant that somebody waits for.
    Virtual,
    /// Ticks follow the real clock.
    Real(TimeScale),
    /// Time stands still until somebody moves it on; see [`Clock::advance`].
    Manual,
}

/// Plays `main` to its end on a runtime of its own, with a clock that starts at [`SimTime::START`].
///
/// The runtime has one thread. In virtual time it knows neither sockets nor timers of its own, so nothing on it can
/// wait for what the clock does not see. Everything that `main` spawned and that is still running at its end is
/// dropped.
///
/// # Errors
/// What the operating system says when it refuses the runtime's resources.
pub fn run<F: Future>(pace: Pace, main: impl FnOnce(Clock) -> F) -> io::Result<F::Output> {
    let mut builder = Builder::new_current_thread();
    let (runtime, hands) = match pace {
        Pace::Virtual => {
            let time = Simulated::default();
            let idle = time.clone();
            // The thread parks when no task can go on: then, and only then, time goes by.
            let runtime = builder.on_thread_park(move || idle.go_on()).build()?;
            (runtime, Hands::Simulated(time))
        }
        Pace::Real(_) | Pace::Manual => (builder.enable_all().build()?, Hands::moved_by_nobody()),
    };
    Ok(runtime.block_on(async { main(Clock { pace, hands }).await }))
}

/// The rest of a wait that is passed by looking at the clock again between other work: the timers of the runtime go by
/// milliseconds, and most waits of a core are for the very next tick.
const SHORT: Duration = Duration::from_millis(1);

/// Tells the time of a run and waits for it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Clock {
    pace: Pace,
    hands: Hands,
}

#[derive(Debug, Clone)]
enum Hands {
    /// Moved by waiting alone.
    Simulated(Simulated),
    /// Moved by the real clock and by hand.
    Real {
        base: Instant,
        /// How far somebody moved them on beside their own pace.
        moved: Arc<watch::Sender<SimDuration>>,
    },
}

impl Hands {
    fn moved_by_nobody() -> Self {
        Self::Real {
            base: Instant::now(),
            moved: Arc::new(watch::Sender::new(SimDuration::ZERO)),
        }
    }
}

impl Clock {
    /// Another clock of the same pace that begins now, moved by nobody yet. In virtual time there is one time for all.
    #[must_use]
    pub fn anew(&self) -> Self {
        let hands = match &self.hands {
            Hands::Simulated(time) => Hands::Simulated(time.clone()),
            Hands::Real { .. } => Hands::moved_by_nobody(),
        };
        Self {
            pace: self.pace,
            hands,
        }
    }

    /// The pace at which it goes.
    #[must_use]
    pub const fn pace(&self) -> Pace {
        self.pace
    }

    /// The tick it shows.
    #[must_use]
    pub fn now(&self) -> SimTime {
        match &self.hands {
            Hands::Simulated(time) => time.now(),
            Hands::Real { base, moved } => {
                let own = match self.pace {
                    Pace::Real(scale) => scale.ticks_in(base.elapsed().as_micros()),
                    Pace::Manual | Pace::Virtual => 0,
                };
                SimTime::from_ticks(u64::try_from(own).unwrap_or(u64::MAX)) + *moved.borrow()
            }
        }
    }

    /// Moves the clock on, for everybody who has a clone of it, and returns what it shows then.
    ///
    /// In virtual time nothing moves: there time goes by when everybody waits.
    pub fn advance(&self, by: SimDuration) -> SimTime {
        if let Hands::Real { moved, .. } = &self.hands {
            moved.send_modify(|ahead| *ahead += by);
        }
        self.now()
    }

    /// Waits until it shows `at` or later; behind [`SimTime::CAP`] for ever.
    pub async fn sleep_until(&self, at: SimTime) {
        // One tick of grace, so that the barrier behind the last tick of a run still passes.
        if at > SimTime::CAP.next() {
            return pending().await;
        }
        match &self.hands {
            Hands::Simulated(time) => time.until(at).await,
            Hands::Real { base, moved } => self.sleep_really(*base, moved, at).await,
        }
    }

    async fn sleep_really(&self, base: Instant, moved: &watch::Sender<SimDuration>, at: SimTime) {
        // The next tick has mostly begun before somebody waits for it.
        if at <= self.now() {
            return;
        }
        let mut moved = moved.subscribe();
        loop {
            let ahead = *moved.borrow_and_update();
            let own = at.since(SimTime::START + ahead).ticks();
            if own == 0 || at <= self.now() {
                return;
            }
            tokio::select! {
                biased;
                // The sender lives as long as this clock, so waiting cannot fail.
                _ = moved.changed() => {}
                () = self.own_sleep(base, own) => return,
            }
        }
    }

    /// Waits until the clock by itself, moved by nobody, shows this many ticks.
    async fn own_sleep(&self, base: Instant, ticks: u64) {
        let Pace::Real(scale) = self.pace else {
            return pending().await;
        };
        let gone = Duration::from_micros(u64::try_from(scale.micros_for(ticks)).unwrap_or(u64::MAX));
        let Some(instant) = base.checked_add(gone) else {
            return pending().await;
        };
        if instant.saturating_duration_since(Instant::now()) > SHORT {
            tokio::time::sleep_until(instant - SHORT).await;
        }
        while Instant::now() < instant {
            tokio::task::yield_now().await;
        }
    }
}
