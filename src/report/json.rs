//! The whole result as JSON.

use serde::{Serialize, Serializer};

use super::result::{Complaint, RunResult, RunVerdict, SuiteResult};
use super::totals::{self, Counts, Grade, InvariantTotals, ScenarioTotals, Volume, ticks};
use crate::check::{Judgement, Verdict};
use crate::scenario::ChecklistLine;

/// Raised whenever a field changes its meaning or goes; new fields do not raise it.
const VERSION: u32 = 1;

/// Everything that is known about a suite. Every field is always there, in this order; what is missing is `null`.
///
/// | field | holds |
/// |---|---|
/// | `format`, `version` | `lanebench-suite`, 1 |
/// | `world` | `model`, `virtual` or `wall` |
/// | `totals` | `scenarios`, by verdict `passed`, `failed`, `broken`, `skipped`; `runs`, `tasks`, `records`, `simulated_us` |
/// | `checklist[]` | `line`, `criterion`, `scenarios`, of them `passed`, `failed`, `broken`, `skipped` |
/// | `invariants[]` | `id`, `group`, `asked_runs`, `exercised_runs`, `exercised_times`, `violated_runs`, `violated_times` |
/// | `runs[]` | `file`, `title`, `shows`, `seed`, `tasks`, `simulated_us`, `records`, `verdict`, `reason`, `complaints`, `invariants`, `replay` |
/// | `runs[].verdict` | `passed`, `failed`, `broken` or `skipped`; `reason` says why it is one of the last two |
/// | `runs[].complaints[]` | `about`, `message`, `expected`, `actual`, `at_us`, `task`, `place`, `rendered` |
/// | `runs[].invariants` | `held` (id to how often it was put to the test), `not_exercised` (ids), `violated` (below) |
/// | `runs[].invariants.violated[]` | `id`, `at_us`, `job`, `record`, `times`, `what`, `expected`, `actual` |
///
/// Simulated times are whole microseconds since the start of the run. Of a run that violates an invariant
/// `exercised_times` counts the violations alone. A seed takes all 64 bits: read it as an integer, not as a float.
#[must_use]
pub fn suite_json(suite: &SuiteResult) -> String {
    let scenarios = totals::scenarios(suite);
    pretty(&Document {
        format: "lanebench-suite",
        version: VERSION,
        world: suite.world,
        totals: Totals::of(suite, &scenarios),
        checklist: totals::checklist(&scenarios).into_iter().map(Line::of).collect(),
        invariants: totals::invariants(suite).into_iter().map(Invariant::of).collect(),
        runs: suite.runs.iter().map(Run::of).collect(),
    })
}

/// JSON for people and programs, with a line break at its end.
pub(super) fn pretty(document: &impl Serialize) -> String {
    let text = serde_json::to_string_pretty(document);
    #[expect(
        clippy::expect_used,
        reason = "the documents of this module have text keys and finite numbers"
    )]
    let text = text.expect("JSON in memory");
    text + "\n"
}

#[derive(Serialize)]
struct Document<'a> {
    format: &'static str,
    version: u32,
    world: &'static str,
    totals: Totals,
    checklist: Vec<Line>,
    invariants: Vec<Invariant>,
    runs: Vec<Run<'a>>,
}

#[derive(Serialize)]
struct Verdicts {
    scenarios: u64,
    passed: u64,
    failed: u64,
    broken: u64,
    skipped: u64,
}

impl Verdicts {
    fn of(counts: &Counts) -> Self {
        Self {
            scenarios: counts.all(),
            passed: counts.get(Grade::Passed),
            failed: counts.get(Grade::Failed),
            broken: counts.get(Grade::Broken),
            skipped: counts.get(Grade::Skipped),
        }
    }
}

#[derive(Serialize)]
struct Totals {
    #[serde(flatten)]
    verdicts: Verdicts,
    runs: u64,
    tasks: u64,
    records: u64,
    simulated_us: u64,
}

impl Totals {
    fn of(suite: &SuiteResult, scenarios: &[ScenarioTotals<'_>]) -> Self {
        let volume = Volume::of(suite);
        Self {
            verdicts: Verdicts::of(&Counts::of(scenarios.iter().map(|scenario| scenario.grade))),
            runs: suite.runs.len() as u64,
            tasks: volume.tasks,
            records: volume.records,
            simulated_us: volume.ticks,
        }
    }
}

#[derive(Serialize)]
struct Line {
    line: &'static str,
    criterion: &'static str,
    #[serde(flatten)]
    verdicts: Verdicts,
}

impl Line {
    fn of((line, counts): (ChecklistLine, Counts)) -> Self {
        Self {
            line: line.word(),
            criterion: line.criterion(),
            verdicts: Verdicts::of(&counts),
        }
    }
}

#[derive(Serialize)]
struct Invariant {
    id: &'static str,
    group: &'static str,
    asked_runs: u64,
    exercised_runs: u64,
    exercised_times: u64,
    violated_runs: u64,
    violated_times: u64,
}

impl Invariant {
    fn of(totals: InvariantTotals) -> Self {
        Self {
            id: totals.id.word(),
            group: totals.id.entry().group.word(),
            asked_runs: totals.asked_runs,
            exercised_runs: totals.exercised_runs,
            exercised_times: totals.exercised_times,
            violated_runs: totals.violated_runs,
            violated_times: totals.violated_times,
        }
    }
}

#[derive(Serialize)]
struct Run<'a> {
    file: &'a str,
    title: &'a str,
    shows: Vec<&'static str>,
    seed: u64,
    tasks: u32,
    simulated_us: u64,
    records: u64,
    verdict: &'static str,
    reason: Option<&'a str>,
    complaints: Vec<Grievance<'a>>,
    invariants: Judgements<'a>,
    replay: &'a str,
}

impl<'a> Run<'a> {
    fn of(run: &'a RunResult) -> Self {
        let (reason, complaints) = match &run.verdict {
            RunVerdict::Passed => (None, &[][..]),
            RunVerdict::Failed(complaints) => (None, complaints.as_slice()),
            RunVerdict::Skipped(reason) | RunVerdict::Broken(reason) => (Some(&**reason), &[][..]),
        };
        Self {
            file: &run.file,
            title: &run.title,
            shows: run.shows.iter().map(|line| line.word()).collect(),
            seed: run.seed.0,
            tasks: run.tasks,
            simulated_us: ticks(run.simulated),
            records: run.records,
            verdict: Grade::of(&run.verdict).word(),
            reason,
            complaints: complaints.iter().map(Grievance::of).collect(),
            invariants: Judgements::of(&run.invariants),
            replay: &run.replay,
        }
    }
}

/// A complaint in the shape of the document.
#[derive(Serialize)]
struct Grievance<'a> {
    about: &'a str,
    message: &'a str,
    expected: &'a str,
    actual: &'a str,
    at_us: Option<u64>,
    task: Option<&'a str>,
    place: Option<&'a str>,
    rendered: &'a str,
}

impl<'a> Grievance<'a> {
    fn of(complaint: &'a Complaint) -> Self {
        Self {
            about: &complaint.about,
            message: &complaint.message,
            expected: &complaint.expected,
            actual: &complaint.actual,
            at_us: complaint.at.map(ticks),
            task: complaint.task.as_deref(),
            place: complaint.place.as_deref(),
            rendered: &complaint.rendered,
        }
    }
}

#[derive(Serialize)]
struct Judgements<'a> {
    #[serde(serialize_with = "as_map")]
    held: Vec<(&'static str, u32)>,
    not_exercised: Vec<&'static str>,
    violated: Vec<Breach<'a>>,
}

fn as_map<S: Serializer>(pairs: &[(&'static str, u32)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().copied())
}

impl<'a> Judgements<'a> {
    fn of(judgements: &'a [Judgement]) -> Self {
        let mut sorted = Self {
            held: Vec::new(),
            not_exercised: Vec::new(),
            violated: Vec::new(),
        };
        for judgement in judgements {
            let id = judgement.id.word();
            match &judgement.verdict {
                Verdict::Held { exercised } => sorted.held.push((id, *exercised)),
                Verdict::NotExercised => sorted.not_exercised.push(id),
                Verdict::Violated(violation) => sorted.violated.push(Breach {
                    id,
                    at_us: ticks(violation.at),
                    job: violation.job.map(|job| job.0),
                    record: violation.record,
                    times: violation.times,
                    what: &violation.what,
                    expected: &violation.expected,
                    actual: &violation.actual,
                }),
            }
        }
        sorted
    }
}

/// A violation in the shape of the document.
#[derive(Serialize)]
struct Breach<'a> {
    id: &'static str,
    at_us: u64,
    job: Option<u32>,
    record: usize,
    times: u32,
    what: &'a str,
    expected: &'a str,
    actual: &'a str,
}
