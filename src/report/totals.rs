//! What the runs of a suite amount to: by scenario, by line of the checklist, by invariant, in all.

use std::collections::BTreeMap;

use super::result::{RunResult, RunVerdict, SuiteResult};
use crate::check::{Id, Verdict};
use crate::scenario::ChecklistLine;
use crate::units::SimTime;

/// The verdict without its reasons, the one that counts most last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Grade {
    Passed,
    Skipped,
    Broken,
    Failed,
}

impl Grade {
    pub(super) const ALL: [Self; 4] = [Self::Passed, Self::Skipped, Self::Broken, Self::Failed];

    pub(super) const fn of(verdict: &RunVerdict) -> Self {
        match verdict {
            RunVerdict::Passed => Self::Passed,
            RunVerdict::Failed(_) => Self::Failed,
            RunVerdict::Skipped(_) => Self::Skipped,
            RunVerdict::Broken(_) => Self::Broken,
        }
    }

    /// The word used in files.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Skipped => "skipped",
            Self::Broken => "broken",
            Self::Failed => "failed",
        }
    }
}

/// How many of each verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts([u64; Grade::ALL.len()]);

impl Counts {
    pub(super) fn of(grades: impl IntoIterator<Item = Grade>) -> Self {
        let mut counts = Self::default();
        for grade in grades {
            counts.0[grade as usize] += 1;
        }
        counts
    }

    pub(super) const fn get(&self, grade: Grade) -> u64 {
        self.0[grade as usize]
    }

    pub(super) fn all(&self) -> u64 {
        self.0.iter().sum()
    }
}

/// The runs of one scenario.
#[derive(Debug, Clone)]
pub(super) struct ScenarioTotals<'a> {
    pub(super) file: &'a str,
    pub(super) title: &'a str,
    pub(super) shows: &'a [ChecklistLine],
    pub(super) runs: Vec<&'a RunResult>,
    /// The verdict of the runs that counts most: failed before broken before skipped before passed.
    pub(super) grade: Grade,
    pub(super) records: u64,
    /// Simulated time of all its runs together, in ticks.
    pub(super) ticks: u64,
}

impl<'a> ScenarioTotals<'a> {
    fn of(run: &'a RunResult) -> Self {
        Self {
            file: &run.file,
            title: &run.title,
            shows: &run.shows,
            runs: Vec::new(),
            grade: Grade::Passed,
            records: 0,
            ticks: 0,
        }
    }

    fn add(&mut self, run: &'a RunResult) {
        self.grade = self.grade.max(Grade::of(&run.verdict));
        self.records = self.records.saturating_add(run.records);
        self.ticks = self.ticks.saturating_add(ticks(run.simulated));
        self.runs.push(run);
    }

    /// The folder and the name of its file.
    pub(super) fn place(&self) -> (&'a str, &'a str) {
        split(self.file)
    }
}

/// The folder and the name of a file; what lies in no folder lies in `.`.
pub(super) fn split(file: &str) -> (&str, &str) {
    match file.rsplit_once('/') {
        Some(("", name)) => ("/", name),
        Some((folder, name)) => (folder, name),
        None => (".", file),
    }
}

/// The simulated time of a run, in ticks.
pub(super) const fn ticks(simulated: SimTime) -> u64 {
    simulated.since(SimTime::START).ticks()
}

/// The scenarios in the order of their first runs.
pub(super) fn scenarios(suite: &SuiteResult) -> Vec<ScenarioTotals<'_>> {
    let mut found: Vec<ScenarioTotals<'_>> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for run in &suite.runs {
        let place = *places.entry(&run.file).or_insert_with(|| {
            found.push(ScenarioTotals::of(run));
            found.len() - 1
        });
        found[place].add(run);
    }
    found
}

/// What is known about one invariant over all runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InvariantTotals {
    pub(super) id: Id,
    /// Runs in which it was asked for.
    pub(super) asked_runs: u64,
    /// Runs that put it to the test.
    pub(super) exercised_runs: u64,
    /// How often it was put to the test; of a run that violates it only the violations are known.
    pub(super) exercised_times: u64,
    /// Runs in which it did not hold.
    pub(super) violated_runs: u64,
    /// Places where it did not hold.
    pub(super) violated_times: u64,
}

impl InvariantTotals {
    const fn new(id: Id) -> Self {
        Self {
            id,
            asked_runs: 0,
            exercised_runs: 0,
            exercised_times: 0,
            violated_runs: 0,
            violated_times: 0,
        }
    }

    fn add(&mut self, verdict: &Verdict) {
        self.asked_runs += 1;
        match verdict {
            Verdict::Held { exercised } => {
                self.exercised_runs += 1;
                self.exercised_times += u64::from(*exercised);
            }
            Verdict::NotExercised => {}
            Verdict::Violated(violation) => {
                self.exercised_runs += 1;
                self.exercised_times += u64::from(violation.times);
                self.violated_runs += 1;
                self.violated_times += u64::from(violation.times);
            }
        }
    }

    pub(super) const fn held(&self) -> bool {
        self.exercised_runs > 0 && self.violated_runs == 0
    }
}

/// Every invariant that can be judged, in the order of the catalogue.
pub(super) fn invariants(suite: &SuiteResult) -> Vec<InvariantTotals> {
    let mut totals: Vec<InvariantTotals> = Id::ALL.iter().map(|id| InvariantTotals::new(*id)).collect();
    for judgement in suite.runs.iter().flat_map(|run| &run.invariants) {
        totals[judgement.id as usize].add(&judgement.verdict);
    }
    totals
}

/// How many scenarios show a line of the checklist, by verdict.
pub(super) fn checklist(scenarios: &[ScenarioTotals<'_>]) -> Vec<(ChecklistLine, Counts)> {
    let count = |line: ChecklistLine| {
        let showing = scenarios.iter().filter(|scenario| scenario.shows.contains(&line));
        (line, Counts::of(showing.map(|scenario| scenario.grade)))
    };
    ChecklistLine::ALL.into_iter().map(count).collect()
}

/// Tasks, records and simulated ticks of all runs together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Volume {
    pub(super) tasks: u64,
    pub(super) records: u64,
    pub(super) ticks: u64,
}

impl Volume {
    pub(super) fn of(suite: &SuiteResult) -> Self {
        suite.runs.iter().fold(Self::default(), |sum, run| Self {
            tasks: sum.tasks.saturating_add(u64::from(run.tasks)),
            records: sum.records.saturating_add(run.records),
            ticks: sum.ticks.saturating_add(ticks(run.simulated)),
        })
    }
}
