//! What was found out about each invariant.

use super::catalogue::Id;
use crate::trace::{Event, Record};
use crate::units::{JobId, SimTime};

/// What is said about one invariant after a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It held wherever it was put to the test.
    Held {
        /// How often.
        exercised: u32,
    },
    /// Nothing in this run put it to the test. This is no pass.
    NotExercised,
    /// It did not hold.
    Violated(Box<Violation>),
}

/// The first place where an invariant did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// When.
    pub at: SimTime,
    /// In which job, if in one.
    pub job: Option<JobId>,
    /// The record that shows it, or that asked for what never came; its place in the trace, or the length of the
    /// trace for what can only be known at its end.
    pub record: usize,
    /// What is wrong, in one line.
    pub what: String,
    /// What should have been.
    pub expected: String,
    /// What was.
    pub actual: String,
    /// How many places there were in all.
    pub times: u32,
}

/// The verdict on one invariant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Which.
    pub id: Id,
    /// What.
    pub verdict: Verdict,
}

impl Judgement {
    /// The violation, if there is one.
    #[must_use]
    pub fn violation(&self) -> Option<&Violation> {
        match &self.verdict {
            Verdict::Violated(violation) => Some(violation),
            Verdict::Held { .. } | Verdict::NotExercised => None,
        }
    }
}

/// The record in front of the judges.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now<'a> {
    pub(super) at: SimTime,
    pub(super) index: usize,
    pub(super) job: Option<JobId>,
    pub(super) event: &'a Event,
}

impl<'a> Now<'a> {
    pub(super) const fn of(index: usize, record: &'a Record) -> Self {
        Self {
            at: record.at,
            index,
            job: record.job,
            event: &record.event,
        }
    }

    pub(super) const fn mark(&self) -> Mark {
        Mark {
            at: self.at,
            index: self.index,
            job: self.job,
        }
    }
}

/// A place in the trace that something is owed to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    pub(super) at: SimTime,
    pub(super) index: usize,
    pub(super) job: Option<JobId>,
}

/// What is wrong, what should have been, what was.
pub(super) type Claim = (String, String, String);

/// Everything found out so far.
#[derive(Debug)]
pub(super) struct Tally {
    exercised: [u32; Id::ALL.len()],
    broken: [Option<Box<Violation>>; Id::ALL.len()],
}

impl Tally {
    pub(super) const fn new() -> Self {
        Self {
            exercised: [0; Id::ALL.len()],
            broken: [const { None }; Id::ALL.len()],
        }
    }

    /// The invariant was put to the test.
    pub(super) const fn seen(&mut self, id: Id) {
        self.exercised[id as usize] += 1;
    }

    /// The invariant was put to the test at `mark`; `claim` is made only if it did not hold.
    pub(super) fn test(&mut self, id: Id, mark: Mark, held: bool, claim: impl FnOnce() -> Claim) {
        self.exercised[id as usize] += 1;
        if !held {
            self.broken(id, mark, claim);
        }
    }

    /// The invariant did not hold at `mark`. The earliest record stays.
    pub(super) fn broken(&mut self, id: Id, mark: Mark, claim: impl FnOnce() -> Claim) {
        let place = &mut self.broken[id as usize];
        let times = place.as_ref().map_or(0, |before| before.times) + 1;
        if let Some(before) = place.as_mut().filter(|before| before.record <= mark.index) {
            before.times = times;
            return;
        }
        let (what, expected, actual) = claim();
        *place = Some(Box::new(Violation {
            at: mark.at,
            job: mark.job,
            record: mark.index,
            what,
            expected,
            actual,
            times,
        }));
    }

    pub(super) fn judgements(self) -> Vec<Judgement> {
        let Self { exercised, broken } = self;
        let pairs = Id::ALL.iter().zip(exercised).zip(broken);
        pairs
            .map(|((id, exercised), broken)| Judgement {
                id: *id,
                verdict: match (broken, exercised) {
                    (Some(violation), _) => Verdict::Violated(violation),
                    (None, 0) => Verdict::NotExercised,
                    (None, exercised) => Verdict::Held { exercised },
                },
            })
            .collect()
    }
}

/// A claim out of its three parts.
pub(super) fn claim(
    what: impl Into<String>,
    expected: impl Into<String>,
    actual: impl Into<String>,
) -> Claim {
    (what.into(), expected.into(), actual.into())
}
