//! The strategies that come with the program.

use std::sync::Arc;

use super::seam::{Choice, Sight, Strategy};
use crate::job::{HandOver, LaneSeen};
use crate::rng::Law;
use crate::trace::{Execution, LaneName};
use crate::units::{Probability, SimDuration};

/// A strategy that comes with the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Builtin {
    /// What its policy says.
    Policy,
    /// Everything while the user waits, and nothing is handed over.
    AllInteractive,
    /// Everything in the background.
    AllBackground,
    /// Everything as its policy says, behind the approval boundary.
    AllApproval,
    /// A coin decides the execution.
    Random {
        /// How likely a task is interactive.
        interactive: Probability,
    },
    /// Everything interactive; where the policy permits the background, it goes on there behind the wait limit.
    HandOver,
    /// In the background what is permitted there and predicted to take longer.
    PredictedDuration {
        /// Longer than this.
        over: SimDuration,
    },
    /// As the policy says; where the background is permitted, there as soon as the interactive lane is so full.
    Spill {
        /// From this share of the capacity on, those who wait included.
        above: Probability,
    },
    /// A user is quoted the wait; where the background is permitted, it is chosen as soon as the quote is longer than that user
    /// would wait.
    QuotedWait {
        /// How long users would wait.
        over: Law,
        /// How long a place is taken to be held.
        service: SimDuration,
    },
    /// As the policy says; of those who wait in a lane, whoever has the least time left to begin goes first.
    Edf {
        /// How much time there is where no target is declared.
        without: SimDuration,
    },
    /// As the policy says, asked for on the tier of its lane.
    Tiers([Option<&'static str>; 3]),
    /// As the policy says, and refuses what would have to wait behind so many.
    Shed {
        /// At most so many jobs wait in a lane.
        waiting: u32,
    },
    /// In the background what is permitted there and will take longer: it is shown the future.
    Oracle {
        /// Longer than this.
        over: SimDuration,
    },
}

const fn execute(execution: Execution, rule: &'static str) -> Choice {
    Choice::Execute {
        execution,
        hand_over: HandOver::Forbidden,
        rule,
    }
}

impl Strategy for Builtin {
    fn choose(&self, sight: &Sight<'_>) -> Choice {
        let permitted = sight.decision.background_permitted();
        match *self {
            Self::Policy => Choice::ByPolicy,
            Self::AllInteractive => execute(Execution::Interactive, "all-interactive"),
            Self::AllBackground => execute(Execution::Background, "all-background"),
            Self::AllApproval => match sight.decision.execution() {
                Some(execution) => Choice::Gate {
                    execution: execution.into(),
                    rule: "all-approval",
                },
                None => Choice::ByPolicy,
            },
            Self::Random { interactive } => match interactive.hits(sight.chance) {
                true => execute(Execution::Interactive, "coin"),
                false => execute(Execution::Background, "coin"),
            },
            Self::HandOver => Choice::Execute {
                execution: Execution::Interactive,
                hand_over: match permitted {
                    true => HandOver::Permitted,
                    false => HandOver::Forbidden,
                },
                rule: "hand-over",
            },
            Self::PredictedDuration { over } => longer(sight, over, permitted, "predicted-duration"),
            Self::Oracle { over } => longer(sight, over, permitted, "oracle"),
            Self::Spill { above } => {
                let lane = sight.lane(LaneName::Interactive);
                let busy = u64::from(lane.active) + u64::from(lane.waiting);
                let full = busy * 1_000_000 >= u64::from(lane.capacity) * u64::from(above.millionths());
                aside(full && permitted, "spill")
            }
            Self::QuotedWait { over, service } => {
                let quote = quote(sight.lane(LaneName::Interactive), service);
                aside(quote > over.quantile(sight.chance) && permitted, "quoted-wait")
            }
            Self::Edf { without } => {
                let time = sight.target.unwrap_or(without);
                Choice::Due {
                    slack: time.saturating_sub(sight.predicted.unwrap_or(SimDuration::ZERO)),
                    choice: Box::new(Choice::ByPolicy),
                }
            }
            Self::Tiers(tiers) => {
                let lane = sight.decision.lane().map(LaneName::from);
                match lane.and_then(|lane| tiers[lane as usize]) {
                    Some(tier) => Choice::OnTier {
                        tier: tier.into(),
                        choice: Box::new(Choice::ByPolicy),
                    },
                    None => Choice::ByPolicy,
                }
            }
            Self::Shed { waiting } => {
                let lane = sight.decision.lane().map(LaneName::from);
                let full = lane.is_some_and(|lane| sight.lane(lane).waiting >= waiting);
                match full {
                    true => Choice::Refuse("the lane is full".into()),
                    false => Choice::ByPolicy,
                }
            }
        }
    }

    fn fork(&self) -> Option<Arc<dyn Strategy>> {
        Some(Arc::new(*self))
    }

    fn reorders(&self) -> bool {
        matches!(self, Self::Edf { .. })
    }

    fn is_oracle(&self) -> bool {
        matches!(self, Self::Oracle { .. })
    }
}

/// In the background if this holds, as the policy says otherwise.
const fn aside(holds: bool, rule: &'static str) -> Choice {
    match holds {
        true => execute(Execution::Background, rule),
        false => Choice::ByPolicy,
    }
}

/// In the background what is permitted there and takes longer, interactive what does not. Without a prediction the
/// policy decides.
fn longer(sight: &Sight<'_>, over: SimDuration, permitted: bool, rule: &'static str) -> Choice {
    match sight.predicted {
        Some(predicted) if predicted > over && permitted => execute(Execution::Background, rule),
        Some(_) => execute(Execution::Interactive, rule),
        None => Choice::ByPolicy,
    }
}

/// How long somebody who arrives now is told to wait for a place.
fn quote(lane: LaneSeen, service: SimDuration) -> SimDuration {
    let free = lane.capacity.saturating_sub(lane.active);
    if lane.waiting < free {
        return SimDuration::ZERO;
    }
    let ahead = u64::from(lane.waiting) + 1;
    SimDuration::from_ticks(service.saturating_mul(ahead).ticks() / u64::from(lane.capacity.max(1)))
}
