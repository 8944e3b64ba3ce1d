//! The law of monotony, asked of the reference in every replication: it is played once more with relief, and nobody whose
//! wait that cannot lengthen may wait longer.

use std::sync::Arc;

use super::plan::Comparison;
use super::stage::Stage;
use crate::job::{JobEnd, Routed, Router, Seen};
use crate::sim::Seams;
use crate::sim::laws::{Ledger, Monotony, monotony_of_jobs};
use crate::units::JobId;

/// Every so manieth task is turned away for relief.
const FEWER: u32 = 5;

/// What makes waits shorter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relief {
    /// One more place in every lane.
    Places,
    /// Every fifth task is turned away at the door.
    Fewer,
}

impl Relief {
    /// The relief of a replication: one and the other in turn.
    #[must_use]
    pub const fn of(place: u32) -> Self {
        match place.is_multiple_of(2) {
            true => Self::Places,
            false => Self::Fewer,
        }
    }
}

impl Comparison {
    /// Plays the reference with relief, behind somebody who may reach into its traffic, and holds it against its run without.
    ///
    /// Nothing is asked where lanes share their capacity, where the reference is a program, or where it lets later comers go
    /// first: one of them may get the place that room has freed earlier, and is then in the way of somebody else.
    #[must_use]
    pub fn monotony(&self, stage: &Stage, tight: &Ledger, relief: Relief, seams: impl Seams) -> Monotony {
        let named = &self.strategies[self.reference];
        let mut blueprint = self.blueprint(stage, named);
        let in_order = blueprint.desk.shared.is_none() && !blueprint.desk.router.reorders();
        if !in_order || named.program.is_some() {
            return Monotony::default();
        }
        match relief {
            Relief::Places => {
                for lane in &mut blueprint.desk.lanes {
                    lane.capacity = lane.capacity.saturating_add(1);
                }
            }
            Relief::Fewer => blueprint.desk.router = Arc::new(Thinned(Arc::clone(&blueprint.desk.router))),
        }
        let (_, wide) = self.run(stage, &blueprint, seams);
        monotony_of_jobs(tight, &wide)
    }
}

/// Turns some tasks away.
#[derive(Debug)]
struct Thinned(Arc<dyn Router>);

impl Thinned {
    fn refusal(task: JobId) -> Option<Routed> {
        let away = task.0 % FEWER == FEWER - 1;
        away.then(|| Routed::Refused("turned away for relief".into()))
    }
}

impl Router for Thinned {
    fn route(&self, task: JobId) -> Routed {
        Self::refusal(task).unwrap_or_else(|| self.0.route(task))
    }

    fn route_seeing(&self, task: JobId, seen: &Seen) -> Routed {
        Self::refusal(task).unwrap_or_else(|| self.0.route_seeing(task, seen))
    }

    fn reorders(&self) -> bool {
        self.0.reorders()
    }

    fn ended(&self, task: JobId, end: &JobEnd) {
        self.0.ended(task, end);
    }
}
