//! Findings as JUnit XML.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::data::{Analysis, Found, Gravity};
use crate::report::text::{block, line};

/// A test case for everything that was looked for; it fails where an error was found, and what else was found stands in
/// its output.
#[must_use]
pub fn found_junit(analysis: &Analysis) -> String {
    let mut report = Report::new("lanebench");
    let mut suite = TestSuite::new(line(&format!("{} {}", analysis.command, analysis.subject)));
    let ids: Vec<&str> = analysis.looked_for.iter().map(|one| one.id.as_str()).collect();
    for one in &analysis.looked_for {
        let found = analysis.found.iter().filter(|found| found.id == one.id);
        suite.add_test_case(case(
            analysis,
            &format!("{}: {}", one.id, one.title),
            found.collect(),
        ));
    }
    let strays = analysis
        .found
        .iter()
        .filter(|found| !ids.contains(&found.id.as_str()));
    for found in strays {
        suite.add_test_case(case(analysis, &found.id, vec![found]));
    }
    report.add_test_suite(suite);
    #[expect(clippy::expect_used, reason = "writing XML to memory does not fail")]
    report.to_string().expect("XML in memory")
}

fn case(analysis: &Analysis, name: &str, found: Vec<&Found>) -> TestCase {
    let (errors, others): (Vec<&Found>, Vec<&Found>) = found
        .into_iter()
        .partition(|found| found.gravity == Gravity::Error);
    let status = match errors.first() {
        None => TestCaseStatus::success(),
        Some(first) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let message = line(&first.message);
            status.set_message(match errors.len() {
                1 => message,
                all => format!("{message} (and {} more)", all - 1),
            });
            status.set_type(line(&first.id));
            status.set_description(texts(&errors));
            status
        }
    };
    let mut case = TestCase::new(line(name), status);
    case.set_classname(line(&analysis.subject));
    if !others.is_empty() {
        case.set_system_out(texts(&others));
    }
    case
}

fn texts(found: &[&Found]) -> String {
    let texts: Vec<String> = found.iter().map(|one| block(&one.text)).collect();
    texts.join("\n\n")
}
