//! Monotony: where there is more room, or fewer come, nobody waits longer.
//!
//! In a world with patience, limits and retries that is no law for every job: whoever stays because of the room takes a place
//! that others then miss. It is a law for a job that comes after jobs of its lane which, in the run with more room, came at the same
//! instants or not at all, and held their places no longer. So the jobs of a lane are read in the order in which they came;
//! after one that breaks the condition nothing is asked until the lane was empty in both runs.
//!
//! Source: the order of the waits of a line with several servers, Kiefer and Wolfowitz, "On the theory of queues with many
//! servers" (1955).

use std::collections::BTreeMap;

use super::account::{Account, Exit};
use super::ledger::{Breach, Law, Ledger};
use crate::trace::LaneName;
use crate::units::{JobId, SimDuration, SimTime};

/// What exchanges and the order within a tick may take.
const SLACK: SimDuration = SimDuration::from_ticks(2_000);
/// How much longer a place may be held for the same reason; it is added up.
const MORE: SimDuration = SimDuration::from_ticks(10);

/// Two runs of the same tasks, held against each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Monotony {
    /// Jobs that got a place in both runs.
    pub asked: u64,
    /// Those of them for which it is a law.
    pub compared: u64,
    /// The first that waited longer where there was more room.
    pub breach: Option<Breach>,
}

/// Two runs of the same tasks that are read side by side, the second with more room or fewer tasks. What is held are the jobs
/// behind the first that is not over in both.
#[derive(Debug, Clone, Default)]
pub struct SideBySide {
    pending: BTreeMap<(SimTime, JobId), [Account; 2]>,
    lines: [Line; 3],
    found: Monotony,
    most: usize,
}

/// A lane while its jobs are read.
#[derive(Debug, Clone, Default)]
struct Line {
    /// Whether a job broke the condition, and the lane was not empty since.
    spoilt: bool,
    /// When all earlier jobs have left it, in both runs.
    empty_at: SimTime,
    /// How much longer places were held.
    more: SimDuration,
}

impl SideBySide {
    /// Takes what is over in both runs, which have come equally far, out of their books.
    pub fn take(&mut self, tight: &mut Ledger, wide: &mut Ledger) {
        for (side, ledger) in [&mut *tight, &mut *wide].into_iter().enumerate() {
            for (job, account) in ledger.take_over() {
                // Who was refused before anybody asked is nobody.
                if let Some(submitted) = account.submitted {
                    self.pending.entry((submitted, job)).or_default()[side] = account;
                }
            }
        }
        self.most = self.most.max(self.pending.len());
        let open = [tight.first_open(), wide.first_open()];
        let until = open.into_iter().flatten().min();
        while let Some(first) = self.pending.first_entry()
            && until.is_none_or(|until| *first.key() < until)
        {
            let ((at, job), [less, more]) = first.remove_entry();
            for lane in LaneName::ALL {
                if less.lane == Some(*lane) || more.lane == Some(*lane) {
                    self.read(*lane, (at, job), &less, &more);
                }
            }
        }
    }

    /// The most jobs that were held at once.
    #[must_use]
    pub const fn most_held(&self) -> usize {
        self.most
    }

    /// What was found.
    #[must_use]
    pub fn finish(self) -> Monotony {
        self.found
    }

    /// The next job of a lane, in the order in which they came. One that did not come in a run has an empty account there.
    fn read(&mut self, lane: LaneName, (at, job): (SimTime, JobId), less: &Account, more: &Account) {
        let (line, found) = (&mut self.lines[lane as usize], &mut self.found);
        if line.empty_at < at {
            (line.spoilt, line.more) = (false, SimDuration::ZERO);
        }
        let both = less.lane == Some(lane) && more.lane == Some(lane);
        if let (true, Some(before), Some(after)) = (both, less.began, more.began) {
            found.asked += 1;
            found.compared += u64::from(!line.spoilt);
            if !line.spoilt && after > before + SLACK + line.more && found.breach.is_none() {
                found.breach = Some(Breach {
                    law: Law::Monotony,
                    at: after,
                    job: Some(job),
                    what: format!(
                        "job {} begins at {after} where there is more room, and at {before} where there is less",
                        job.0
                    ),
                });
            }
        }
        line.empty_at = line.empty_at.max(left(less)).max(left(more));
        line.spoilt |= less.submitted != more.submitted && more.lane == Some(lane);
        line.spoilt |= !holds_no_longer(less, more, lane, &mut line.more);
    }
}

/// Whether a job takes no more of the lane in the run with more room.
fn holds_no_longer(less: &Account, more: &Account, lane: LaneName, excess: &mut SimDuration) -> bool {
    if more.lane != Some(lane) || more.began.is_none() {
        // It takes nothing.
        return true;
    }
    if less.lane != Some(lane) || less.began.is_none() || less.again || more.again {
        return false;
    }
    let longer = more.held.saturating_sub(less.held);
    *excess += longer;
    longer <= MORE
}

/// When a job has left its lane for good, as far as its account says.
fn left(account: &Account) -> SimTime {
    match (account.lane, account.began, account.exit) {
        (None, ..) => SimTime::START,
        (Some(_), Some(began), _) if !account.again => began + account.held,
        (Some(_), _, Exit::Ended(_, at)) => at,
        (Some(_), _, Exit::Open | Exit::Refused) => SimTime::NEVER,
    }
}
