//! The law of monotony, asked of the reference in every replication: it is played once more with relief, and nobody whose
//! wait that cannot lengthen may wait longer.

use std::sync::Arc;

use super::plan::{Comparison, Named};
use super::stage::{Held, Outcome, Play, Stage};
use crate::job::{JobEnd, Routed, Router, Seen};
use crate::sim::laws::{Ledger, Monotony, SideBySide};
use crate::sim::{Honest, Seams};
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
    /// Plays a strategy, and beside it, behind somebody who may reach into its traffic, the same with relief, and holds one against
    /// the other while they are played.
    ///
    /// Nothing is asked where lanes share their capacity, where the strategy is a program, or where it lets later comers go
    /// first: one of them may get the place that room has freed earlier, and is then in the way of somebody else.
    pub fn play_beside(
        &self,
        stage: &Stage,
        named: &Named,
        relief: Relief,
        seams: impl Seams,
    ) -> (Outcome, Monotony, Held) {
        let router = Arc::new(self.router(stage, named));
        let play = self.setting(stage, named, Arc::clone(&router) as Arc<dyn Router>);
        let in_order = play.bare.desk.shared.is_none() && !play.bare.desk.router.reorders();
        if !in_order || named.program.is_some() {
            let (outcome, held) = self.play_counting(stage, named);
            return (outcome, Monotony::default(), held);
        }
        let eased = self.eased(stage, named, relief);
        let (mut tight, mut wide) = (stage.world(&play, Honest), stage.world(&eased, seams));
        let mut measuring = self.measuring(stage);
        let (mut books, mut others) = (Ledger::telling(play.rules()), Ledger::telling(eased.rules()));
        let mut both = SideBySide::default();
        let mut jobs = 0;
        for until in self.looks() {
            tight.watch_until(until, &mut (&mut measuring, &mut books));
            wide.watch_until(until, &mut others);
            both.take(&mut books, &mut others);
            jobs = jobs.max(tight.jobs_held());
        }
        let played = tight.play_watched(&mut (&mut measuring, &mut books));
        let eased = wide.play_watched(&mut others);
        others.close(eased.end, &eased.ending);
        let stories = measuring.most_held();
        let outcome = self.ended(stage, &router, measuring, &mut books, &played);
        both.take(&mut books, &mut others);
        let held = Held {
            accounts: books.most_held() + others.most_held(),
            stories,
            jobs,
            pairs: both.most_held(),
        };
        (self.regretted(stage, named, outcome), both.finish(), held)
    }

    /// What the law of monotony says of the reference.
    #[must_use]
    pub fn monotony(&self, stage: &Stage, relief: Relief, seams: impl Seams) -> Monotony {
        self.play_beside(stage, &self.strategies[self.reference], relief, seams)
            .1
    }

    fn eased(&self, stage: &Stage, named: &Named, relief: Relief) -> Play {
        let mut play = self.setting(stage, named, Arc::new(self.router(stage, named)));
        let desk = &mut play.bare.desk;
        match relief {
            Relief::Places => {
                for lane in &mut desk.lanes {
                    lane.capacity = lane.capacity.saturating_add(1);
                }
            }
            Relief::Fewer => desk.router = Arc::new(Thinned(Arc::clone(&desk.router))),
        }
        play
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
