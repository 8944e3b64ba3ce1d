//! How fast ticks go by.

use std::fmt;
use std::future::pending;
use std::io;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::time::Instant;

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
    /// One tick is one millisecond of a paused runtime: time goes by when everybody waits.
    Virtual,
    /// Ticks follow the real clock.
    Real(TimeScale),
    /// Time stands still until somebody moves it on; see [`Clock::advance`].
    Manual,
}

impl Pace {
    /// The runtime for it: one thread; virtual time knows no sockets.
    ///
    /// # Errors
    /// What the operating system says when it refuses the resources.
    pub fn runtime(self) -> io::Result<Runtime> {
        match self {
            Self::Virtual => Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build(),
            Self::Real(_) | Self::Manual => Builder::new_current_thread().enable_all().build(),
        }
    }
}

/// Plays `main` to its end on a runtime of its own, with a clock that starts at [`SimTime::START`].
///
/// Everything that `main` spawned and that is still running then is dropped.
///
/// # Errors
/// What the operating system says when it refuses the runtime's resources.
pub fn run<F: Future>(pace: Pace, main: impl FnOnce(Clock) -> F) -> io::Result<F::Output> {
    let runtime = pace.runtime()?;
    Ok(runtime.block_on(async { main(Clock::start(pace)).await }))
}

/// Tells the time of a run and waits for it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Clock {
    base: Instant,
    pace: Pace,
    /// How far somebody moved it on beside its own pace; never in virtual time, which is moved by waiting alone.
    moved: Option<Arc<watch::Sender<SimDuration>>>,
}

impl Clock {
    /// A clock that shows [`SimTime::START`] now.
    ///
    /// In virtual time it has to be the first thing that happens on its runtime, so that no part of a millisecond
    /// leaks into it; [`run`] sees to that.
    #[must_use]
    pub fn start(pace: Pace) -> Self {
        let base = Instant::now();
        let moved = (pace != Pace::Virtual).then(|| Arc::new(watch::Sender::new(SimDuration::ZERO)));
        Self { base, pace, moved }
    }

    /// The pace at which it goes.
    #[must_use]
    pub const fn pace(&self) -> Pace {
        self.pace
    }

    /// The tick it shows.
    #[must_use]
    pub fn now(&self) -> SimTime {
        let gone = || Instant::now().duration_since(self.base);
        let ticks = match self.pace {
            Pace::Virtual => gone().as_millis(),
            Pace::Real(scale) => scale.ticks_in(gone().as_micros()),
            Pace::Manual => 0,
        };
        SimTime::from_ticks(u64::try_from(ticks).unwrap_or(u64::MAX)) + self.ahead()
    }

    /// Moves the clock on, for everybody who has a clone of it, and returns what it shows then.
    ///
    /// In virtual time nothing moves: there time goes by when everybody waits.
    pub fn advance(&self, by: SimDuration) -> SimTime {
        if let Some(moved) = &self.moved {
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
        let Some(moved) = &self.moved else {
            return sleep_to(self.base.checked_add(Duration::from_millis(at.ticks()))).await;
        };
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
                () = self.own_sleep(own) => return,
            }
        }
    }

    /// Waits until the clock by itself, moved by nobody, shows this many ticks.
    async fn own_sleep(&self, ticks: u64) {
        let Pace::Real(scale) = self.pace else {
            return pending().await;
        };
        let gone = Duration::from_micros(u64::try_from(scale.micros_for(ticks)).unwrap_or(u64::MAX));
        sleep_to(self.base.checked_add(gone)).await;
    }

    fn ahead(&self) -> SimDuration {
        let moved = self.moved.as_ref();
        moved.map_or(SimDuration::ZERO, |moved| *moved.borrow())
    }
}

/// Waits for an instant; for ever if there is none.
async fn sleep_to(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => pending().await,
    }
}
