//! Virtual and real clocks, and the driver that steps a core by either.
//!
//! Invariants: all time is ticks since the start of the run, and nothing above reads another clock. Virtual time
//! belongs to a tokio runtime without I/O and timers: the clock moves only when every task waits, straight to the
//! next instant that one of them waits for, and a core is stepped as of tick `t` when the clock shows `t + 1`: by
//! then everything that was to happen in `t` has happened, so the order in which tasks ran cannot show. In real
//! time a core is stepped at once. Whoever selects between futures does so `biased`; nothing runs on another thread.

mod inbox;
mod pace;
mod simulated;
mod stepper;

pub use inbox::{Inbox, Postbox, inbox};
pub use pace::{Clock, Pace, TimeScale, TimeScaleError, run};
pub use stepper::{Batch, BatchLog, Core, Logged, Outlet, Stepped, Stepper};
