//! What a scenario wants of many tasks together.

use std::sync::Arc;

use super::want::{Count, End, Want};
use crate::scenario::source::{Span, Spanned};
use crate::trace::LaneName;
use crate::units::Probability;

/// What is wanted of all tasks, or of all tasks of a kind.
///
/// | key | value | held when |
/// |---|---|---|
/// | `tasks` | an amount | the group has so many tasks |
/// | `outcome` | a map from outcome to amount | so many ended so |
/// | `lane` | a map from lane to amount | so many went there |
/// | `handed_over` | an amount | so many went on in the background |
/// | `effects` | an amount | so many effects landed in all |
/// | `creates` | an amount | so many create requests reached the wire in all |
/// | `each` | expectations as of one task | they hold for every task of the group |
///
/// An amount is a number (`5`), a range (`480-500`), a share of the group (`95%-100%`, `100%`), or `at least` and
/// `at most` with a number or a share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupExpectation {
    /// Which tasks.
    pub who: Who,
    /// Where the group is named.
    pub span: Span,
    /// The wishes about all of them together.
    pub wants: Vec<Spanned<GroupWant>>,
    /// The wishes about each of them.
    pub each: Vec<Spanned<Want>>,
}

/// Which tasks a group has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// All of the scenario.
    All,
    /// All of this kind.
    Kind(Arc<str>),
}

/// One wish about a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupWant {
    /// How many tasks the group has.
    Tasks(Amount),
    /// How many ended so.
    Outcome(End, Amount),
    /// How many went to this lane.
    Lane(LaneName, Amount),
    /// How many went on in the background.
    HandedOver(Amount),
    /// How many effects landed.
    Effects(Amount),
    /// How many create requests reached the wire.
    Creates(Amount),
}

/// How many; both bounds count as inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Amount {
    /// So many.
    Count(Count),
    /// Such a share of the tasks of the group.
    Share {
        /// At least.
        low: Probability,
        /// At most.
        high: Probability,
    },
}

impl Amount {
    /// Whether `found` out of `tasks` is such an amount; a share of no tasks is never met.
    #[must_use]
    pub fn covers(&self, found: u32, tasks: u32) -> bool {
        match self {
            Self::Count(range) => range.contains(&found),
            Self::Share { low, high } => {
                let scaled = u64::from(found) * 1_000_000;
                let bound = |share: &Probability| u64::from(share.millionths()) * u64::from(tasks);
                tasks > 0 && bound(low) <= scaled && scaled <= bound(high)
            }
        }
    }
}
