//! A strategy that learns which lane serves which tasks.

use std::sync::{Arc, Mutex, PoisonError};

use super::seam::{Choice, Heard, Sight, Strategy};
use crate::rng::Seed;
use crate::trace::{Execution, LaneName};
use crate::units::Probability;

/// A contextual bandit: where the background is permitted, it tries both lanes, and prefers the one that has done more tasks of
/// that kind in time while the interactive lane was as full as it is now.
///
/// It knows what it was told of its own choices, and it is told when the runtime knows: a job that takes an hour teaches nothing
/// for an hour. A share of its choices is left to chance, so that it goes on learning, and every choice says how likely it was.
///
/// Source: Sutton and Barto, "Reinforcement Learning" (2nd ed. 2018), chapter 2, epsilon-greedy; what was not tried yet counts as
/// good half of the time (Laplace's rule of succession).
#[derive(Debug)]
pub struct Bandit {
    explore: Probability,
    known: Mutex<Vec<Context>>,
}

/// What is known of tasks of a kind at a level.
#[derive(Debug, Clone)]
struct Context {
    kind: Box<str>,
    level: u8,
    /// Of each arm, in the order of [`ARMS`]: how many were heard of, and how many of them were good.
    arms: [(u32, u32); 2],
}

const ARMS: [Execution; 2] = [Execution::Interactive, Execution::Background];

impl Bandit {
    /// One that knows nothing.
    #[must_use]
    pub const fn new(explore: Probability) -> Self {
        Self {
            explore,
            known: Mutex::new(Vec::new()),
        }
    }

    /// How likely the background is, by what is known.
    fn background(&self, context: &Context) -> f64 {
        let [interactive, background] = context
            .arms
            .map(|(heard, good)| (f64::from(good) + 1.0) / (f64::from(heard) + 2.0));
        let greedy = match background.total_cmp(&interactive) {
            std::cmp::Ordering::Less => 0.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Greater => 1.0,
        };
        let explore = self.explore.value();
        explore / 2.0 + (1.0 - explore) * greedy
    }
}

/// How full the interactive lane is, those who wait included: below half, below its capacity, below twice that, or beyond.
fn level(sight: &Sight<'_>) -> u8 {
    let lane = sight.lane(LaneName::Interactive);
    let (busy, capacity) = (
        u64::from(lane.active) + u64::from(lane.waiting),
        u64::from(lane.capacity),
    );
    match () {
        () if busy * 2 < capacity => 0,
        () if busy < capacity => 1,
        () if busy < capacity * 2 => 2,
        () => 3,
    }
}

impl Strategy for Bandit {
    fn choose(&self, sight: &Sight<'_>) -> Choice {
        if sight.decision.execution().is_none() || !sight.decision.background_permitted() {
            return Choice::ByPolicy;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let level = level(sight);
        let found = known
            .iter()
            .position(|context| context.level == level && &*context.kind == sight.kind);
        let place = found.unwrap_or_else(|| {
            known.push(Context {
                kind: sight.kind.into(),
                level,
                arms: [(0, 0); 2],
            });
            known.len() - 1
        });
        let background = self.background(&known[place]);
        let (arm, propensity) = match sight.chance < background {
            true => (Execution::Background, background),
            false => (Execution::Interactive, 1.0 - background),
        };
        Choice::Drawn {
            arm,
            propensity,
            context: u32::try_from(place).unwrap_or(u32::MAX),
            rule: "bandit",
        }
    }

    fn begin(&self, _: Seed) -> Option<Arc<dyn Strategy>> {
        Some(Arc::new(Self::new(self.explore)))
    }

    fn fork(&self) -> Option<Arc<dyn Strategy>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::new(Self {
            explore: self.explore,
            known: Mutex::new(known.clone()),
        }))
    }

    fn learns(&self) -> bool {
        true
    }

    fn hears(&self, heard: Heard) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let arm = usize::from(heard.arm == ARMS[1]);
        if let Some(context) = known.get_mut(heard.context as usize) {
            let (count, good) = &mut context.arms[arm];
            *count += 1;
            *good += u32::from(heard.good);
        }
    }
}
