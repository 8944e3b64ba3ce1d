//! Statistics of comparisons: what replications say, how sure that is, and when there are enough of them.
//!
//! Invariants: everything is a function of its arguments; resampling draws by key, so the same numbers give the same
//! intervals on any machine. Tails are never given a normal interval.

mod bootstrap;
mod interval;
mod many;
mod moments;
mod paired;
mod select;
mod special;
mod stopping;
mod warmup;

pub use bootstrap::{Resamples, bootstrap};
pub use interval::{Interval, mean_interval, quantile, quantile_interval, share_interval};
pub use many::{Direction, Test, dominates, holm, jain, pareto};
pub use moments::Moments;
pub use paired::{Paired, paired};
pub use select::{Selection, select_best};
pub use special::{
    gamma_cdf, gamma_quantile, incomplete_beta, student_beyond, student_cdf, student_quantile,
};
pub use stopping::{Precision, PrecisionError, Progress};
pub use warmup::{Warmup, mser5};
