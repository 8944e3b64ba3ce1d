//! Monotony: where there is more room, or fewer come, nobody waits longer.
//!
//! In a world with patience, limits and retries that is no law for every job: whoever stays because of the room takes a place
//! that others then miss. It is a law for a job that comes after jobs of its lane which, in the run with more room, came at the same
//! instants or not at all, and held their places no longer. So the jobs of a lane are read in the order in which they came;
//! after one that breaks the condition nothing is asked until the lane was empty in both runs.
//!
//! Source: the order of the waits of a line with several servers, Kiefer and Wolfowitz, "On the theory of queues with many
//! servers" (1955).

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

/// Holds a run against another one with more room or fewer tasks.
#[must_use]
pub fn monotony_of_jobs(tight: &Ledger, wide: &Ledger) -> Monotony {
    let mut found = Monotony::default();
    for lane in LaneName::ALL {
        of_lane(tight, wide, *lane, &mut found);
    }
    found
}

/// A lane while its jobs are read.
struct Line {
    clean: bool,
    /// When all earlier jobs have left it, in both runs.
    empty_at: SimTime,
    /// How much longer places were held.
    more: SimDuration,
}

fn of_lane(tight: &Ledger, wide: &Ledger, lane: LaneName, found: &mut Monotony) {
    let pairs = tight.accounts().iter().zip(wide.accounts()).zip((0..).map(JobId));
    let mut jobs: Vec<(SimTime, JobId, &Account, &Account)> = pairs
        .filter(|((less, more), _)| less.lane == Some(lane) || more.lane == Some(lane))
        .filter_map(|((less, more), job)| Some((less.submitted.or(more.submitted)?, job, less, more)))
        .collect();
    jobs.sort_by_key(|(at, job, ..)| (*at, *job));
    let mut line = Line {
        clean: true,
        empty_at: SimTime::START,
        more: SimDuration::ZERO,
    };
    for (at, job, less, more) in jobs {
        if line.empty_at < at {
            (line.clean, line.more) = (true, SimDuration::ZERO);
        }
        let both = less.lane == Some(lane) && more.lane == Some(lane);
        if let (true, Some(before), Some(after)) = (both, less.began, more.began) {
            found.asked += 1;
            found.compared += u64::from(line.clean);
            if line.clean && after > before + SLACK + line.more && found.breach.is_none() {
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
        line.clean &= less.submitted == more.submitted || more.lane != Some(lane);
        line.clean &= holds_no_longer(less, more, lane, &mut line.more);
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
