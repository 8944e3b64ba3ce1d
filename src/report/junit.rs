//! JUnit XML, for CI.
//!
//! Invariant: times are simulated and there is no stamp and no random id, so the same suite gives the same bytes.

use std::collections::BTreeMap;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::result::{Complaint, RunResult, RunVerdict, SuiteResult};
use super::text::{block, line};
use super::totals::{self, split, ticks};

/// A test suite for each folder, a test case for each scenario and seed.
///
/// | element | says |
/// |---|---|
/// | `testsuite` | a folder, in the order of first appearance; its property `world` |
/// | `testcase` | `classname` is the file, `name` the title, with the seed where a scenario has several; property `seed` |
/// | `failure` | what did not hold: `type` is what the first complaint is about, the text is all of them |
/// | `error` | the machine failed |
/// | `skipped` | not played, and why |
/// | `time` | simulated seconds |
#[must_use]
pub fn suite_junit(suite: &SuiteResult) -> String {
    let mut report = Report::new("lanebench");
    report.set_time(seconds(totals::Volume::of(suite).ticks));
    report.add_test_suites(folders(suite));
    let text = report.to_string();
    #[expect(clippy::expect_used, reason = "writing XML to memory does not fail")]
    text.expect("XML in memory")
}

fn folders(suite: &SuiteResult) -> Vec<TestSuite> {
    let mut found: Vec<(TestSuite, u64)> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for scenario in totals::scenarios(suite) {
        let (folder, _) = scenario.place();
        let place = *places.entry(folder).or_insert_with(|| {
            let mut suite_of_folder = TestSuite::new(line(folder));
            suite_of_folder.add_property(Property::new("world", suite.world));
            found.push((suite_of_folder, 0));
            found.len() - 1
        });
        let (folder, time) = &mut found[place];
        *time = time.saturating_add(scenario.ticks);
        let seeds = scenario.runs.len();
        folder.add_test_cases(scenario.runs.into_iter().map(|run| case(run, seeds)));
    }
    let timed = found.into_iter().map(|(mut folder, time)| {
        folder.set_time(seconds(time));
        folder
    });
    timed.collect()
}

fn case(run: &RunResult, seeds: usize) -> TestCase {
    let title = match line(&run.title) {
        title if title.is_empty() => line(split(&run.file).1),
        title => title,
    };
    let name = match seeds {
        0 | 1 => title,
        _ => format!("{title} (seed {})", run.seed.0),
    };
    let mut case = TestCase::new(name, status(run));
    case.set_classname(line(&run.file));
    case.set_time(seconds(ticks(run.simulated)));
    case.add_property(Property::new("seed", run.seed.0.to_string()));
    case
}

fn status(run: &RunResult) -> TestCaseStatus {
    match &run.verdict {
        RunVerdict::Passed => TestCaseStatus::success(),
        RunVerdict::Failed(complaints) => failure(run, complaints),
        RunVerdict::Skipped(reason) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(line(reason));
            status
        }
        RunVerdict::Broken(reason) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(line(reason));
            status.set_type("machine");
            status.set_description(with_replay(block(reason), run));
            status
        }
    }
}

fn failure(run: &RunResult, complaints: &[Complaint]) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    if let Some(first) = complaints.first() {
        let message = line(&first.message);
        status.set_message(match complaints.len() {
            1 => message,
            all => format!("{message} (and {} more)", all - 1),
        });
        status.set_type(line(&first.about));
    }
    let texts: Vec<String> = complaints.iter().map(|one| block(&one.rendered)).collect();
    status.set_description(with_replay(texts.join("\n\n"), run));
    status
}

fn with_replay(text: String, run: &RunResult) -> String {
    format!("{text}\n\nreplay: {}", line(&run.replay))
}

const fn seconds(ticks: u64) -> Duration {
    Duration::from_micros(ticks)
}
