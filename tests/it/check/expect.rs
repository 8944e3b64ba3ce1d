//! Expectations: each key met, and each key not met with its place and its cause.

use lanebench::check::expect;
use lanebench::report::{Paint, render};
use lanebench::sim::Honest;

use super::world::{load_with_sources, play};
use crate::support::{check_golden, repo};

#[test]
fn what_is_met_is_silent() {
    let (scenario, _) = load_with_sources("tests/check/expect/met.yaml");
    let failures = expect(&scenario, &play(&scenario, 1, Honest).trace);
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn what_is_not_met_says_where_and_why() {
    let (scenario, sources) = load_with_sources("tests/check/expect/unmet.yaml");
    let failures = expect(&scenario, &play(&scenario, 1, Honest).trace);
    let rendered = failures
        .iter()
        .map(|failure| render(&failure.diagnostic, &sources, Paint::Plain));
    let text = rendered.collect::<Vec<_>>().join("\n");
    // What the record itself looks like is not what this is about.
    let lines = text.lines().filter(|line| !line.starts_with("   = record"));
    let text: String = lines.flat_map(|line| [line, "\n"]).collect();
    check_golden(&repo("tests/check/expect/unmet.txt"), &text);
}
