//! Comparisons: what is read, what is played, what is said about it.

mod bandit;
mod cheats;
mod counted;
mod feed;
mod file;
mod gate;
mod held;
mod listing;
mod metrics;
mod page;
mod parts;
mod play;
mod program;
mod regret;
mod rules;
mod strategies;
mod sweep;

use std::process::{Command, Stdio};

use lanebench::report::{Paint, render_all};
use lanebench::runner::play_comparison;
use lanebench::scenario::{Diagnostics, Sources};
use lanebench::sim::compare::{Comparison, Kept, Study, Sweep};
use lanebench::sim::metric::Metric;

use crate::scenario::from_disk;
use crate::support::repo;

/// The comparison that the reports are shown with.
const SMALL: &str = "tests/golden/compare/small.yaml";

/// The lines of a part that holds all replications of a study, behind its header.
fn part_lines(comparison: &Comparison, study: &Study) -> String {
    let all = study.replications.iter().zip(0..);
    all.map(|(one, place)| comparison.part_line(place, one)).collect()
}

/// What a file says, and what there is to say about it.
fn read_sweep(name: &str, text: &str) -> (Option<Sweep>, String) {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let sweep = Sweep::load(name, text.as_bytes(), &mut from_disk, &mut sources, &mut out);
    assert_eq!(
        sweep.is_none(),
        out.has_errors(),
        "{name}: neither a comparison nor a reason, or both"
    );
    (sweep, render_all(&out, &sources, Paint::Plain))
}

/// A comparison that varies nothing, and what there is to say about it.
fn read(name: &str, text: &str) -> (Option<Comparison>, String) {
    let (sweep, said) = read_sweep(name, text);
    (sweep.and_then(|sweep| sweep.points.into_iter().next()), said)
}

fn text_of(name: &str) -> String {
    std::fs::read_to_string(repo(name)).unwrap()
}

/// The small comparison with changes to its text.
#[track_caller]
fn small(changes: &[(&str, &str)]) -> Comparison {
    changed(SMALL, &text_of(SMALL), changes)
}

/// A comparison with changes to its text.
#[track_caller]
fn changed(name: &str, text: &str, changes: &[(&str, &str)]) -> Comparison {
    let mut text = text.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    let (comparison, said) = read(name, &text);
    comparison.unwrap_or_else(|| panic!("{said}"))
}

/// The small comparison for so many minutes, with users who come again after up to a quarter of an hour, and second requests for
/// what is slow to be created; few places make both happen often.
#[track_caller]
fn returning(minutes: u32) -> Comparison {
    let again = "{ leaves_after: { lognormal: { p50: 9m, p99: 20m } }, balks: busy, patience: { exponential: { mean: 3m } }, \
                 retries: { probability: 80%, after: { lognormal: { p50: 5m, p99: 15m } }, times: 3 } }";
    small(&[
        ("length: 12m", &format!("length: {minutes}m")),
        ("warm_up: 2m", "warm_up: 0s"),
        ("{ leaves_after: { lognormal: { p50: 2m, p99: 20m } } }", again),
        ("interactive: { capacity: 4 }", "interactive: { capacity: 1 }"),
        (
            "  oracle: { oracle: { over: 60s } }\n",
            "  hedged: { hedged: { after: 4s } }\n  patient: { hedged: { after: 12m } }\n",
        ),
        (
            "people:\n",
            "faults:\n  - { exchange: create, delay: 90s, probability: 20%, window: 5s }\npeople:\n",
        ),
        (
            "  - approver: { name: grace, takes: { lognormal: { p50: 4m, p99: 40m } } }",
            "  - staff: { name: desk, people: 6, takes: { lognormal: { p50: 2m, p99: 10m } } }\n  \
             - operator: { name: olga, takes: 1m, answers: [{ verb: abandon, reason: nobody knows }] }",
        ),
    ])
}

/// A study that nothing interrupts.
fn played(comparison: &Comparison) -> Study {
    unbroken(play_comparison(comparison, 2, &Kept::new(), |_, _| Ok(())))
}

/// The mean of a metric of a strategy over the replications.
fn series_mean(study: &Study, strategy: usize, metric: Metric) -> f64 {
    let values = study
        .replications
        .iter()
        .map(|replication| replication.outcomes[strategy].measures.value(metric).unwrap());
    values.sum::<f64>() / study.replications.len() as f64
}

fn unbroken<T>(result: Result<T, std::convert::Infallible>) -> T {
    match result {
        Ok(value) => value,
        Err(never) => match never {},
    }
}

/// What the program ends with and prints, run at the root of the project.
fn said(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_lanebench"))
        .current_dir(repo(""))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}
