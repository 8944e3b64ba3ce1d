//! Plays many scenarios and judges each run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::play::{World, blueprint, play};
use super::threads::in_order;
use crate::check::{self, Facts, Replay, TaskFacts, Verdict};
use crate::report::{Complaint, Paint, RunResult, RunVerdict, SuiteResult, render};
use crate::rng::Seed;
use crate::scenario::{Diagnostic, Invariants, Scenario, Severity, Sources};
use crate::sim::{Blueprint, Ending, Honest, Model, Played, Recording};
use crate::trace::{CoreEvent, Event, Record};
use crate::units::{JobId, SimDuration, SimTime};

/// A scenario that was read, with the texts it came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// Its file, as it was named.
    pub file: Arc<str>,
    /// What it says.
    pub scenario: Arc<Scenario>,
    /// The texts, for places in messages.
    pub sources: Arc<Sources>,
}

/// How a suite is played.
#[derive(Debug, Clone)]
pub struct SuiteOptions {
    /// Where.
    pub world: World,
    /// With these seeds instead of that of each scenario.
    pub seeds: Vec<Seed>,
    /// On so many threads; the result does not depend on it.
    pub threads: usize,
    /// In the `wall` world, scenarios that take longer than this are skipped.
    pub wall_limit: SimDuration,
}

/// Plays every scenario under every seed, in the order in which they were named.
#[must_use]
pub fn play_suite(loaded: &[Loaded], options: &SuiteOptions) -> SuiteResult {
    let cases: Vec<(&Loaded, Seed)> = loaded
        .iter()
        .flat_map(|one| {
            let own = vec![one.scenario.seed];
            let seeds = if options.seeds.is_empty() {
                own
            } else {
                options.seeds.clone()
            };
            seeds.into_iter().map(move |seed| (one, seed))
        })
        .collect();
    let runs = in_order(options.threads, cases.len(), |index| {
        let (one, seed) = cases[index];
        play_one(one, seed, options)
    });
    SuiteResult {
        world: options.world.word(),
        runs,
    }
}

/// Plays one scenario under one seed. A panic is a failure of the machine, of this run alone.
fn play_one(loaded: &Loaded, seed: Seed, options: &SuiteOptions) -> RunResult {
    let blueprint = blueprint(&loaded.scenario, seed);
    let mut result = blank(loaded, seed, options);
    if let Some(why) = too_long_for_wall(&blueprint, options) {
        result.verdict = RunVerdict::Skipped(why);
        return result;
    }
    match catch_unwind(AssertUnwindSafe(|| {
        play(&blueprint, options.world, Honest, Recording::Full)
    })) {
        Ok(Ok(played)) => judge(loaded, &blueprint, &played, options, &mut result),
        Ok(Err(error)) => result.verdict = RunVerdict::Broken(error.to_string().into()),
        Err(panic) => {
            result.verdict = RunVerdict::Broken(format!("panicked: {}", panic_text(&*panic)).into())
        }
    }
    result
}

fn blank(loaded: &Loaded, seed: Seed, options: &SuiteOptions) -> RunResult {
    let world = match options.world {
        World::Virtual => String::new(),
        other => format!(" --world {}", other.word()),
    };
    RunResult {
        file: loaded.file.clone(),
        title: loaded.scenario.title.value.as_str().into(),
        shows: loaded.scenario.shows.iter().map(|line| line.value).collect(),
        seed,
        tasks: u32::try_from(loaded.scenario.tasks.len()).unwrap_or(u32::MAX),
        simulated: SimTime::START,
        records: 0,
        verdict: RunVerdict::Passed,
        invariants: Vec::new(),
        replay: format!("lanebench run {} --seed {}{world}", loaded.file, seed.0).into(),
    }
}

/// How long a scenario takes is known from the model world, which plays it in no time.
fn too_long_for_wall(blueprint: &Blueprint, options: &SuiteOptions) -> Option<Arc<str>> {
    let World::Wall(_) = options.world else {
        return None;
    };
    let end = Model::new(blueprint, Honest, Recording::Off).play().end;
    let long = end.since(SimTime::START) > options.wall_limit;
    long.then(|| format!("takes {end} of real time, the limit is {}", options.wall_limit).into())
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a message")
}

fn judge(
    loaded: &Loaded,
    blueprint: &Blueprint,
    played: &Played,
    options: &SuiteOptions,
    result: &mut RunResult,
) {
    let scenario = &loaded.scenario;
    result.simulated = played.end;
    result.records = played.trace.records().len() as u64;
    let facts = facts(scenario, blueprint, played, options);
    let wanted = |id: check::Id| match &scenario.invariants {
        Invariants::All => true,
        Invariants::These(ids) => ids.iter().any(|wanted| wanted.value == id),
    };
    let judgements = check::judge(&played.trace, &facts);
    result.invariants = judgements.into_iter().filter(|one| wanted(one.id)).collect();
    let mut complaints = Vec::new();
    complaints.extend(ending_complaint(loaded, played));
    for failure in check::expect(scenario, &played.trace) {
        complaints.push(expectation_complaint(loaded, &failure));
    }
    for judgement in &result.invariants {
        complaints.extend(violation_complaint(loaded, judgement));
    }
    for required in &scenario.requires {
        complaints.extend(requirement_complaint(loaded, required, &result.invariants));
    }
    if !complaints.is_empty() {
        result.verdict = RunVerdict::Failed(complaints);
    }
}

/// The immutable facts of a run, and what came of replaying its journal.
#[must_use]
pub fn facts(scenario: &Scenario, blueprint: &Blueprint, played: &Played, options: &SuiteOptions) -> Facts {
    let task = |task: &crate::scenario::ScenarioTask| TaskFacts {
        task: task.task.clone(),
        attributes: task.attributes.clone(),
        script: task.script.clone(),
    };
    Facts {
        tasks: scenario.tasks.iter().map(task).collect(),
        lanes: blueprint.desk.lanes,
        roster: blueprint.desk.roster.to_vec(),
        policy: Some(scenario.policy.clone()),
        seed: blueprint.seed,
        tolerance: match options.world {
            World::Model | World::Virtual => SimDuration::ZERO,
            // Real clocks are late by scheduling; a faster pace makes the same lateness longer in simulated time.
            World::Wall(scale) => {
                SimDuration::from_ticks(u64::try_from(scale.ticks_in(250_000)).unwrap_or(u64::MAX))
            }
        },
        ending: match played.ending {
            Ending::Quiet => check::Ending::Quiet,
            Ending::TimeCap | Ending::StepCap => check::Ending::CutOff,
        },
        replay: replay(blueprint, played),
    }
}

/// Feeds the journal of a run to a fresh job core, which has to come out the same.
#[must_use]
pub fn replay(blueprint: &Blueprint, played: &Played) -> Replay {
    let mut desk = blueprint.desk(Recording::Full);
    let mut actions = Vec::new();
    let mut recorded = played.trace.records().iter().filter_map(core_record);
    let mut place = 0;
    for (at, logged) in &played.log {
        desk.step_in_order(*at, logged, &mut actions);
        actions.clear();
        for again in desk.drain_notes() {
            match recorded.next() {
                Some(first) if first == (again.at, again.job, &again.event) => place += 1,
                Some(first) => {
                    let what =
                        format!("record {place} of the core: {first:?} in the run, {again:?} in its replay");
                    return Replay::Differs { what: what.into() };
                }
                None => return goes_on("replay", place),
            }
        }
    }
    match recorded.next() {
        None => Replay::Same,
        Some(_) => goes_on("run", place),
    }
}

fn goes_on(longer: &str, place: usize) -> Replay {
    let what = format!("the {longer} goes on behind record {place} of the core, the other does not");
    Replay::Differs { what: what.into() }
}

fn core_record(record: &Record) -> Option<(SimTime, Option<JobId>, &CoreEvent)> {
    match &record.event {
        Event::Core(event) => Some((record.at, record.job, event)),
        Event::Outside(_) | Event::Service(_) => None,
    }
}

fn task_name(scenario: &Scenario, job: Option<JobId>) -> Option<Arc<str>> {
    scenario
        .tasks
        .get(job?.0 as usize)
        .map(|task| task.task.name.clone())
}

fn complain(loaded: &Loaded, about: &str, diagnostic: &Diagnostic) -> Complaint {
    let place = diagnostic
        .span()
        .map(|span| loaded.sources.place(span).to_string().into());
    Complaint {
        about: about.into(),
        message: diagnostic.message.as_str().into(),
        expected: "".into(),
        actual: "".into(),
        at: None,
        task: None,
        place,
        rendered: render(diagnostic, &loaded.sources, Paint::Plain).into(),
    }
}

fn expectation_complaint(loaded: &Loaded, failure: &check::Failure) -> Complaint {
    let complaint = complain(loaded, failure.about, &failure.diagnostic);
    Complaint {
        expected: failure.expected.as_str().into(),
        actual: failure.actual.as_str().into(),
        at: failure.at,
        task: task_name(&loaded.scenario, failure.job),
        ..complaint
    }
}

fn violation_complaint(loaded: &Loaded, judgement: &check::Judgement) -> Option<Complaint> {
    let violation = judgement.violation()?;
    let entry = judgement.id.entry();
    let task = task_name(&loaded.scenario, violation.job);
    let whose = task
        .as_ref()
        .map(|task| format!(" of task `{task}`"))
        .unwrap_or_default();
    let message = format!("invariant {} does not hold: {}", entry.name, violation.what);
    let span = violation
        .job
        .and_then(|job| loaded.scenario.tasks.get(job.0 as usize))
        .map(|task| task.span);
    let diagnostic = Diagnostic::new(Severity::Failed, message)
        .at(
            span.unwrap_or(loaded.scenario.title.span),
            format!("expected {}, got {}", violation.expected, violation.actual),
        )
        .note(format!("{}: {}", entry.name, entry.sentence))
        .note(format!(
            "at {}{whose}, record {} of the trace; {} in all",
            violation.at, violation.record, violation.times
        ));
    let complaint = complain(loaded, entry.name, &diagnostic);
    Some(Complaint {
        expected: violation.expected.as_str().into(),
        actual: violation.actual.as_str().into(),
        at: Some(violation.at),
        task,
        ..complaint
    })
}

fn requirement_complaint(
    loaded: &Loaded,
    required: &crate::scenario::Spanned<check::Id>,
    invariants: &[check::Judgement],
) -> Option<Complaint> {
    let named = |one: &&check::Judgement| one.id == required.value;
    let exercised = invariants
        .iter()
        .find(named)
        .is_some_and(|one| one.verdict != Verdict::NotExercised);
    if exercised {
        return None;
    }
    let diagnostic = Diagnostic::new(
        Severity::Failed,
        format!("invariant {} was not exercised", required.value.entry().name),
    )
    .at(
        required.span,
        "required here, and nothing in this run put it to the test",
    );
    Some(complain(loaded, "not exercised", &diagnostic))
}

/// A run that was cut off, or that stands still with open jobs, is no pass: here is what was open.
fn ending_complaint(loaded: &Loaded, played: &Played) -> Option<Complaint> {
    let message = match played.ending {
        Ending::Quiet if played.stuck.is_empty() => return None,
        Ending::Quiet => "the run stands still: jobs are open and nothing will ever move them".to_owned(),
        Ending::TimeCap => format!("the run was cut off at {}, the cap of simulated time", played.end),
        Ending::StepCap => format!("the run was cut off after {} steps", played.steps),
    };
    let mut diagnostic = Diagnostic::new(Severity::Failed, message).at(
        loaded.scenario.title.span,
        format!("the last thing happened at {}", played.end),
    );
    for job in played.stuck.iter().take(5) {
        let name = task_name(&loaded.scenario, Some(*job)).unwrap_or_default();
        let last = played
            .trace
            .records()
            .iter()
            .rev()
            .find(|record| record.job == Some(*job));
        let last = last
            .map(|record| format!("{:?} at {}", record.event, record.at))
            .unwrap_or_default();
        diagnostic = diagnostic.note(format!("task `{name}` is open; its last record: {last}"));
    }
    Some(complain(loaded, "ending", &diagnostic))
}
