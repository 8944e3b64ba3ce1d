//! Every expectation of a scenario, and every fault that had to strike.

use super::story::{Spot, Stories, Story};
use super::wish::{Miss, bounds, unmet};
use crate::scenario::{
    Amount, Diagnostic, End, FaultUse, GroupExpectation, GroupWant, Scenario, Severity, Spanned, Want, Who,
};
use crate::trace::{CoreEvent, Event, JobEvent, Record, StateName, Trace};
use crate::units::{JobId, SimTime};

/// Something that a scenario expected and that did not come true.
#[derive(Debug, Clone)]
pub struct Failure {
    /// `expectation` or `unused fault`.
    pub about: &'static str,
    /// What was expected.
    pub expected: String,
    /// What happened.
    pub actual: String,
    /// When, if at an instant.
    pub at: Option<SimTime>,
    /// In which job, if in one.
    pub job: Option<JobId>,
    /// The whole complaint, with the line of the scenario and the cause in the trace.
    pub diagnostic: Diagnostic,
}

/// Judges a trace by everything that its scenario expects, in the order of the file.
#[must_use]
pub fn expect(scenario: &Scenario, trace: &Trace) -> Vec<Failure> {
    let stories = Stories::of(trace, scenario.tasks.len());
    let judge = Judge {
        scenario,
        trace,
        stories: &stories,
    };
    let mut failures = Vec::new();
    for expectation in &scenario.expect {
        judge.task(expectation.job, &expectation.wants, &mut failures);
    }
    for group in &scenario.groups {
        judge.group(group, &mut failures);
    }
    judge.unused_faults(&mut failures);
    failures
}

struct Judge<'a> {
    scenario: &'a Scenario,
    trace: &'a Trace,
    stories: &'a Stories<'a>,
}

impl Judge<'_> {
    fn task(&self, job: JobId, wants: &[Spanned<Want>], failures: &mut Vec<Failure>) {
        let Some(story) = self.stories.tasks.get(job.0 as usize) else {
            return;
        };
        for want in wants {
            if let Some(miss) = unmet(&want.value, story) {
                failures.push(self.failure(job, story, want, miss));
            }
        }
    }

    fn failure(&self, job: JobId, story: &Story<'_>, want: &Spanned<Want>, miss: Miss) -> Failure {
        let name = &self.scenario.tasks[job.0 as usize].task.name;
        let Miss {
            expected,
            actual,
            spot,
        } = miss;
        let message = format!(
            "expected `{}` of `{name}` to be {expected}, got {actual}",
            want.value.key()
        );
        let mut diagnostic = Diagnostic::new(Severity::Failed, message).at(want.span, actual.clone());
        for cause in self.causes(story, spot) {
            diagnostic = diagnostic.note(cause);
        }
        Failure {
            about: "expectation",
            expected,
            actual,
            at: spot.map(|(at, _)| at),
            job: Some(job),
            diagnostic,
        }
    }

    /// What led there: the faults that struck the job before, and the record that shows it.
    fn causes(&self, story: &Story<'_>, spot: Option<Spot>) -> Vec<String> {
        let until = spot.map_or(SimTime::NEVER, |(at, _)| at);
        let mut causes = Vec::new();
        let mut before = story.faults.iter().filter(|(_, (at, _))| *at <= until);
        if let Some((rule, (at, _))) = before.next_back() {
            let fault = self.scenario.faults.get(*rule as usize);
            let word = fault.map_or("?", |fault| fault.rule.fault.word());
            causes.push(format!(
                "caused by: fault {} of the file (`{word}`) struck at {at}",
                rule + 1
            ));
        }
        if let Some((cause, (at, _))) = story.cause {
            causes.push(format!(
                "cause on record: {} ({}) at {at}",
                cause.code, cause.detail
            ));
        }
        if let Some(record) = spot.and_then(|(_, index)| self.trace.records().get(index)) {
            causes.push(format!(
                "record {}: {}",
                spot.map_or(0, |(_, index)| index),
                brief(record)
            ));
        }
        causes
    }

    fn group(&self, group: &GroupExpectation, failures: &mut Vec<Failure>) {
        let members: Vec<JobId> = (0_u32..)
            .zip(&self.scenario.tasks)
            .filter(|(_, task)| match &group.who {
                Who::All => true,
                Who::Kind(kind) => task.task.kind == *kind,
            })
            .map(|(job, _)| JobId(job))
            .collect();
        for want in &group.wants {
            failures.extend(self.group_want(group, &members, want));
        }
        let before = failures.len();
        for job in &members {
            self.task(*job, &group.each, failures);
            if failures.len() >= before + EACH_SHOWN {
                break;
            }
        }
    }

    fn group_want(
        &self,
        group: &GroupExpectation,
        members: &[JobId],
        want: &Spanned<GroupWant>,
    ) -> Option<Failure> {
        let count = |holds: &dyn Fn(&Story<'_>) -> u32| -> u32 {
            members
                .iter()
                .map(|job| holds(&self.stories.tasks[job.0 as usize]))
                .sum()
        };
        let tasks = u32::try_from(members.len()).unwrap_or(u32::MAX);
        let (what, amount, found) = match &want.value {
            GroupWant::Tasks(amount) => ("tasks".to_owned(), amount, tasks),
            GroupWant::Outcome(end, amount) => (
                format!("tasks that end as `{}`", end.word()),
                amount,
                count(&|story| ends_as(story, *end)),
            ),
            GroupWant::Lane(lane, amount) => {
                let there = |story: &Story<'_>| {
                    u32::from(story.decided.is_some_and(|(decided, _)| decided.lane == *lane))
                };
                (format!("tasks in lane `{lane}`"), amount, count(&there))
            }
            GroupWant::HandedOver(amount) => (
                "tasks handed over".to_owned(),
                amount,
                count(&|story| u32::from(story.handed_over.is_some())),
            ),
            GroupWant::Effects(amount) => {
                let effects = |story: &Story<'_>| u32::try_from(story.effects.len()).unwrap_or(u32::MAX);
                ("effects".to_owned(), amount, count(&effects))
            }
            GroupWant::Creates(amount) => (
                "create requests".to_owned(),
                amount,
                count(&|story| story.requests[0]),
            ),
        };
        if amount.covers(found, tasks) {
            return None;
        }
        let expected = match amount {
            Amount::Count(range) => bounds(range),
            Amount::Share { low, high } => {
                format!("{} to {} of {tasks}", percent(low.value()), percent(high.value()))
            }
        };
        let who = match &group.who {
            Who::All => "all tasks".to_owned(),
            Who::Kind(kind) => format!("tasks of kind `{kind}`"),
        };
        let message = format!("expected {expected} {what} among {who}, got {found} of {tasks}");
        let diagnostic =
            Diagnostic::new(Severity::Failed, message).at(want.span, format!("{found} of {tasks}"));
        let actual = format!("{found} of {tasks}");
        Some(Failure {
            about: "expectation",
            expected,
            actual,
            at: None,
            job: None,
            diagnostic,
        })
    }

    fn unused_faults(&self, failures: &mut Vec<Failure>) {
        for (fault, rule) in self.scenario.faults.iter().zip(0_u32..) {
            if fault.usage != FaultUse::Required || self.stories.struck.contains_key(&rule) {
                continue;
            }
            let word = fault.rule.fault.word();
            let diagnostic = Diagnostic::new(Severity::Failed, format!("fault {} (`{word}`) never struck", rule + 1))
                .at(fault.span, "declared here, and nothing in this run met it")
                .note("what was to be shown under this fault was not shown; say `may_stay_unused` with a reason if that is meant");
            failures.push(Failure {
                about: "unused fault",
                expected: "the fault strikes".to_owned(),
                actual: "it never did".to_owned(),
                at: None,
                job: None,
                diagnostic,
            });
        }
    }
}

/// Of the wishes for each task of a group, so many misses are shown.
const EACH_SHOWN: usize = 10;

fn ends_as(story: &Story<'_>, wanted: End) -> u32 {
    u32::from(story.end().is_some_and(|(end, _)| end == wanted))
}

fn percent(share: f64) -> String {
    format!("{} %", (share * 10_000.0).round() / 100.0)
}

/// A record in one line: a move in the words of the norm, anything else as the trace writes it.
fn brief(record: &Record) -> String {
    if let Event::Core(CoreEvent::Job(JobEvent::Moved { from, on, to, .. })) = &record.event {
        let from = from.map_or("nothing", StateName::word);
        return format!("{from} -{on}-> {to}");
    }
    let mut text = serde_json::to_string(&record.event).unwrap_or_default();
    if text.len() > 160 {
        let end = (0..=157)
            .rev()
            .find(|end| text.is_char_boundary(*end))
            .unwrap_or(0);
        text.truncate(end);
        text.push_str("...");
    }
    text
}
