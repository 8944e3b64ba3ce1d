//! What chance and faults do to one run of a tool or one try of an effect.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::fault::{Fault, FaultPlan, Probe, Target};
use crate::rng::{Law, Purpose, Seed, name_key};
use crate::trace::{Notes, OutsideEvent, SinkEvent};
use crate::units::{AttemptNo, JobId, SimDuration, SimTime, TurnNo};

/// Where chance and faults come from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Luck<'a> {
    pub(crate) seed: Seed,
    pub(crate) faults: &'a FaultPlan,
}

/// One run or try: of what, for whom, and the how-manieth under this name in its job, from 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) job: JobId,
    pub(super) name: &'a str,
    pub(super) nth: u32,
    pub(super) at: SimTime,
}

/// What becomes of it: when it is over, and the first fault that decides how.
#[derive(Debug, Clone)]
pub(super) struct Fate<B> {
    pub(super) due: SimTime,
    pub(super) blow: Option<(u32, B)>,
}

impl Luck<'_> {
    /// All slow-downs add up and are noted here; the first other fault that `blow` knows decides, and is noted by
    /// the caller when it takes hold.
    pub(super) fn fate<B>(
        self,
        target: &Target,
        case: Case<'_>,
        takes: (Law, Purpose),
        blow: fn(&Fault) -> Option<B>,
        notes: &mut Notes<OutsideEvent>,
    ) -> Fate<B> {
        let entity = u64::from(case.job.0);
        let index = name_key(case.name).wrapping_add(u64::from(case.nth));
        let (law, purpose) = takes;
        let mut length = law.quantile(self.seed.unit(purpose, entity, index));
        let mut decided = None;
        for struck in self.faults.strikes(target, case.probe()) {
            if let Fault::Slow { law } = struck.fault {
                length += self.faults.delay(struck.rule, *law, entity, index);
                fired(notes, case.at, case.job, struck.rule);
            } else if decided.is_none() {
                decided = blow(struck.fault).map(|blow| (struck.rule, blow));
            }
        }
        Fate {
            due: case.at + length.max(SimDuration::TICK),
            blow: decided,
        }
    }
}

impl<'a> Case<'a> {
    /// Tools and sinks know nothing of attempts and turns: a rule that is restricted to some never strikes them.
    const fn probe(self) -> Probe<'a> {
        Probe {
            job: self.job,
            attempt: AttemptNo(0),
            turn: TurnNo(0),
            nth: self.nth,
            name: self.name,
            at: self.at,
            marks: &[],
        }
    }
}

/// Notes that a rule took hold.
pub(super) fn fired(notes: &mut Notes<OutsideEvent>, at: SimTime, job: JobId, rule: u32) {
    notes.note(at, job, || SinkEvent::FaultFired { rule });
}

/// Counts what a job does under each name.
#[derive(Debug, Clone, Default)]
pub(super) struct Count(BTreeMap<JobId, Vec<(Arc<str>, u32)>>);

impl Count {
    /// The how-manieth this one is, from 1.
    pub(super) fn next(&mut self, job: JobId, name: &Arc<str>) -> u32 {
        let counts = self.0.entry(job).or_default();
        match counts.iter_mut().find(|(known, _)| known == name) {
            Some((_, count)) => {
                *count += 1;
                *count
            }
            None => {
                counts.push((Arc::clone(name), 1));
                1
            }
        }
    }

    /// A job does nothing more.
    pub(super) fn forget(&mut self, job: JobId) {
        self.0.remove(&job);
    }
}
