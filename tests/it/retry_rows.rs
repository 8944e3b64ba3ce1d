//! Every row of the norm of retrying stands in a shipped scenario, and this is which.

use std::collections::{BTreeMap, BTreeSet};

use lanebench::runner::World;
use lanebench::scenario::Scenario;
use lanebench::trace::{CoreEvent, Event, JobEvent};

use crate::suite::{in_world, suite};
use crate::support::repo;

/// The rows of `tests/norm/retry.csv` in their order: as the core calls them, and a scenario that shows each.
const SHOWN: [(&str, &str); 43] = [
    ("create: connection refused", "retry/not-taken-this-time"),
    ("create: no reply", "retry/twin-after-doubt"),
    ("create: reply cut or unreadable", "retry/half-a-reply"),
    ("create: reply cut, id read", "retry/half-a-reply"),
    ("create: 408 or 5xx", "retry/twin-after-doubt"),
    ("create: x-should-retry false", "retry/service-decides"),
    ("create: x-should-retry false", "retry/service-decides"),
    ("create: x-should-retry true", "retry/service-decides"),
    ("create: x-should-retry true", "retry/service-decides"),
    ("create: 409", "retry/not-taken-this-time"),
    (
        "create: 429 with a wait before the deadline",
        "retry/waits-as-told",
    ),
    (
        "create: 429 with a wait beyond the deadline",
        "retry/wait-beyond-the-deadline",
    ),
    (
        "create: 429 rate limit code without a wait",
        "retry/not-taken-this-time",
    ),
    ("create: 429 quota", "retry/somebody-has-to-act"),
    (
        "create: 429 without a wait and without a known code",
        "retry/somebody-has-to-act",
    ),
    ("create: 400 conversation_locked", "retry/not-taken-this-time"),
    ("create: 4xx", "retry/refused-for-good"),
    ("create: 401", "retry/somebody-has-to-act"),
    ("create: 424", "retry/not-taken-this-time"),
    ("create: 3xx", "retry/refused-for-good"),
    ("create: unknown status", "retry/twin-after-doubt"),
    (
        "response: failed, worth another attempt",
        "retry/failed-responses",
    ),
    ("response: failed, quota", "retry/somebody-has-to-act"),
    ("response: failed for good", "retry/failed-responses"),
    ("response: failed, unknown code", "retry/failed-responses"),
    ("response: incomplete", "completion/cut-short-then-whole"),
    (
        "response: incomplete, content_filter",
        "completion/filtered-by-kind",
    ),
    ("poll: no readable status", "retry/looks-that-fail"),
    ("poll: 404 on a known id", "retry/looks-that-fail"),
    ("poll: 401 or 403", "retry/looks-that-fail"),
    ("poll: other 4xx", "retry/looks-that-fail"),
    (
        "stream: closed before a terminal event",
        "completion/stream-cut-and-resumed",
    ),
    (
        "stream: unknown event or gap",
        "completion/stream-with-a-gap-and-a-stranger",
    ),
    ("stream: error event", "completion/error-inside-a-stream"),
    ("cancel: 2xx", "cancellation/at-the-service"),
    ("cancel: 400 or 404", "cancellation/cancel-that-fails"),
    ("cancel: no readable answer", "cancellation/cancel-that-fails"),
    ("tool: declared failure", "timeout/slow-tools"),
    ("tool: time-out", "timeout/slow-tools"),
    ("effect: refused before it landed", "approval/sink-that-refuses"),
    ("effect: lost reply, idempotent by key", "approval/receipt-lost"),
    ("effect: lost reply, queryable", "approval/receipt-lost"),
    ("effect: lost reply, neither", "approval/receipt-lost"),
];

/// What the core said about one observation: the row, whether something landed, the class and what is done.
type Said = [String; 4];

fn said(scenario: &Scenario) -> BTreeSet<Said> {
    let played = in_world(scenario, scenario.seed, World::Model);
    let classified = |event: &Event| match event {
        Event::Core(CoreEvent::Job(JobEvent::Classified {
            row,
            landed,
            class,
            action,
            ..
        })) => Some([*row, landed.word(), class.word(), action.word()].map(str::to_owned)),
        _ => None,
    };
    let records = played.trace.records().iter();
    records.filter_map(|record| classified(&record.event)).collect()
}

#[test]
fn every_row_of_retrying_is_shown_by_a_shipped_scenario() {
    let norm: Vec<csv::StringRecord> = csv::Reader::from_path(repo("tests/norm/retry.csv"))
        .unwrap()
        .into_records()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(norm.len(), SHOWN.len());
    let files: BTreeSet<&str> = SHOWN.iter().map(|(_, file)| *file).collect();
    let suite = suite();
    let said: BTreeMap<&str, BTreeSet<Said>> = files
        .into_iter()
        .map(|file| {
            let path = format!("scenarios/{file}.yaml");
            let one = suite.iter().find(|one| *one.file == *path);
            (file, said(&one.unwrap_or_else(|| panic!("no {path}")).scenario))
        })
        .collect();
    for (row, (name, file)) in norm.iter().zip(SHOWN) {
        assert!(name.starts_with(&row[0]), "{row:?} is not `{name}`");
        let wanted = [name, &row[2], &row[3], &row[4]].map(str::to_owned);
        assert!(
            said[file].contains(&wanted),
            "{file} does not show `{}` of `{}`",
            &row[1],
            &row[0]
        );
    }
}
