//! The norms: transitions and rows of retrying, compared both ways.

use std::collections::BTreeSet;
use std::path::PathBuf;

use lanebench::job::retry::{self, Row};
use lanebench::job::{ALTERNATIVES, SinkClass, TRANSITIONS, Transition, is_legal};
use lanebench::trace::{JobEvent, On, StateName};
use lanebench::units::SimDuration;
use lanebench::wire::{ApiError, Break, Reply, ResponseId, Wait};

use super::play::{Play, secs};
use super::task::{api_error, plan_with, working};
use crate::support::repo;

fn rows(path: PathBuf) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .has_headers(false)
        .from_path(path)
        .unwrap();
    let records = reader
        .records()
        .map(|record| record.unwrap().iter().map(str::to_owned).collect());
    records.collect()
}

fn transition(row: &[String]) -> Transition {
    let state = |word: &str| StateName::from_word(word).unwrap_or_else(|| panic!("no state `{word}`"));
    let from = (row[0] != "-").then(|| state(&row[0]));
    let on = On::from_word(&row[1]).unwrap_or_else(|| panic!("no move `{}`", row[1]));
    (from, on, state(&row[2]))
}

fn told(rows: &[Vec<String>]) -> BTreeSet<Transition> {
    rows[1..].iter().map(|row| transition(row)).collect()
}

#[test]
fn the_table_is_the_norm() {
    let norm = rows(repo("tests/norm/transitions.csv"));
    assert_eq!(norm[0], ["from", "on", "to"]);
    let code: BTreeSet<Transition> = TRANSITIONS.iter().copied().collect();
    assert_eq!(code.len(), TRANSITIONS.len(), "a row stands twice");
    assert_eq!(told(&norm), code);
    assert_eq!(norm.len() - 1, code.len());
    assert!(ALTERNATIVES.iter().all(|row| !code.contains(row)));
    for from in code.iter().filter_map(|(from, ..)| *from) {
        assert!(!from.is_terminal(), "{from} is left again");
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "what is skipped is said")]
fn the_shared_transitions_are_the_same() {
    let shared = repo("../shared/reference/transitions.csv");
    if !shared.exists() {
        println!("skipped: {} is not here", shared.display());
        return;
    }
    assert_eq!(
        told(&rows(shared)),
        told(&rows(repo("tests/norm/transitions.csv")))
    );
}

/// Each row of the norm is made by the real core in some case, and nothing else is.
#[test]
fn every_row_is_made_and_nothing_else() {
    let mut made = BTreeSet::new();
    for (_, play) in super::plays() {
        made.extend(play.moves());
    }
    let strange: Vec<_> = made
        .iter()
        .filter(|(from, on, to)| !is_legal(*from, *on, *to))
        .collect();
    assert!(strange.is_empty(), "{strange:?}");
    let all = TRANSITIONS.iter().chain(ALTERNATIVES);
    let missing: Vec<_> = all.filter(|row| !made.contains(*row)).collect();
    assert!(missing.is_empty(), "no case makes {missing:#?}");
}

/// One observation of each row of the norm, as concrete as the wire has it.
enum Seen {
    Create(ApiError, Option<SimDuration>),
    CreateBroke(Break),
    Failed(&'static str),
    Incomplete(&'static str),
    Poll(u16),
    Cancel(u16),
    Sink(SinkClass),
    Row(Row),
}

fn with_header(http: u16, again: bool) -> Seen {
    let mut error = api_error(http, None, None);
    error.should_retry = Some(again);
    Seen::Create(error, None)
}

fn http(status: u16) -> Seen {
    Seen::Create(api_error(status, None, None), None)
}

fn coded(status: u16, code: &str) -> Seen {
    Seen::Create(api_error(status, Some(code), None), None)
}

fn limited(wait: u64) -> Seen {
    Seen::Create(
        api_error(429, Some("rate_limit_exceeded"), None),
        Some(secs(wait)),
    )
}

fn classify(seen: &Seen) -> Row {
    match seen {
        Seen::Create(error, told) => retry::create_error(error, *told, secs(100)),
        Seen::CreateBroke(how) => retry::create_break(how),
        Seen::Failed(code) => retry::response_failed(code),
        Seen::Incomplete("content_filter") => retry::RESPONSE_FILTERED,
        Seen::Incomplete(_) => retry::RESPONSE_INCOMPLETE,
        Seen::Poll(status) => retry::poll_error(*status),
        Seen::Cancel(status) => retry::cancel_error(*status),
        Seen::Sink(class) => retry::effect_lost(*class),
        Seen::Row(row) => *row,
    }
}

/// What each row of `tests/norm/retry.csv` looks like on the wire, in its order.
fn observations() -> Vec<Vec<Seen>> {
    let id = || Some(ResponseId("r1".into()));
    let failed = |codes: &[&'static str]| codes.iter().map(|code| Seen::Failed(code)).collect::<Vec<_>>();
    vec![
        vec![Seen::CreateBroke(Break::Refused)],
        vec![Seen::CreateBroke(Break::NoReply)],
        vec![
            Seen::CreateBroke(Break::Cut { id: None }),
            Seen::CreateBroke(Break::Unreadable { id: None }),
        ],
        vec![
            Seen::CreateBroke(Break::Cut { id: id() }),
            Seen::CreateBroke(Break::Unreadable { id: id() }),
        ],
        [408, 500, 502, 503, 504, 507, 529, 599].map(http).into(),
        vec![with_header(400, false), with_header(429, false)],
        vec![with_header(503, false)],
        vec![with_header(400, true), with_header(429, true)],
        vec![with_header(503, true)],
        vec![http(409)],
        vec![limited(7), limited(99)],
        vec![limited(100), limited(4_000)],
        vec![coded(429, "rate_limit_exceeded"), coded(429, "slow_down")],
        [
            "insufficient_quota",
            "credit_balance_exhausted",
            "organization_spend_limit_exceeded",
            "project_spend_limit_exceeded",
        ]
        .map(|code| coded(429, code))
        .into(),
        vec![http(429), coded(429, "something_new")],
        vec![coded(400, "conversation_locked")],
        [400, 403, 404, 405, 413, 422].map(http).into(),
        vec![http(401)],
        vec![http(424)],
        [301, 302, 307, 308].map(http).into(),
        [102, 204, 299, 600, 999].map(http).into(),
        failed(&[
            "server_error",
            "rate_limit_exceeded",
            "server_is_overloaded",
            "slow_down",
            "vector_store_timeout",
            "failed_to_download_image",
        ]),
        failed(&["insufficient_quota", "usage_not_included"]),
        failed(&[
            "context_length_exceeded",
            "invalid_prompt",
            "bio_policy",
            "image_content_policy_violation",
            "invalid_image_format",
            "image_too_large",
            "empty_image_file",
        ]),
        failed(&["brand_new_code", "none"]),
        vec![Seen::Incomplete("max_output_tokens")],
        vec![Seen::Incomplete("content_filter")],
        [408, 409, 425, 429, 500, 502, 503, 599].map(Seen::Poll).into(),
        vec![Seen::Poll(404)],
        vec![Seen::Poll(401), Seen::Poll(403)],
        [400, 405, 410, 422].map(Seen::Poll).into(),
        vec![Seen::Row(retry::STREAM_CLOSED)],
        vec![Seen::Row(retry::STREAM_STRANGE)],
        vec![Seen::Row(retry::STREAM_ERROR)],
        vec![Seen::Row(retry::CANCEL_ANSWERED)],
        vec![Seen::Cancel(400), Seen::Cancel(404)],
        [429, 500, 503].map(Seen::Cancel).into(),
        vec![Seen::Row(retry::TOOL_FAILED)],
        vec![Seen::Row(retry::TOOL_TIMED_OUT)],
        vec![Seen::Row(retry::EFFECT_NOT_LANDED)],
        vec![Seen::Sink(SinkClass::IdempotentByKey)],
        vec![Seen::Sink(SinkClass::Queryable)],
        vec![Seen::Sink(SinkClass::Neither)],
    ]
}

/// Our rows split three of the shared ones: an id that could be read, and headers by what their status says.
#[test]
fn every_row_of_retrying_is_classified_as_the_norm_says() {
    let norm = rows(repo("tests/norm/retry.csv"));
    assert_eq!(
        norm[0],
        ["exchange", "observation", "landed", "class", "action", "charged"]
    );
    let seen = observations();
    assert_eq!(norm.len() - 1, seen.len());
    let mut names = BTreeSet::new();
    for (row, observations) in norm[1..].iter().zip(&seen) {
        for one in observations {
            let got = classify(one);
            names.insert(got.name);
            assert!(got.name.starts_with(&row[0]), "{row:?}: {got:?}");
            let charged = match (row[5].as_str(), got.charged) {
                ("tool", false) => "tool",
                (_, true) => "yes",
                (_, false) => "no",
            };
            let words = [got.landed.word(), got.class.word(), got.action.word(), charged];
            assert_eq!(row[2..6], words, "{} {}", row[0], row[1]);
        }
    }
    let all: BTreeSet<&str> = retry::ROWS.iter().map(|row| row.name).collect();
    assert_eq!(names, all, "a row that no observation meets");
}

#[test]
#[expect(clippy::print_stdout, reason = "what is skipped is said")]
fn the_shared_rows_of_retrying_are_ours() {
    let shared = repo("../shared/reference/retry.csv");
    if !shared.exists() {
        println!("skipped: {} is not here", shared.display());
        return;
    }
    let (shared, ours) = (rows(shared), rows(repo("tests/norm/retry.csv")));
    assert_eq!(shared[0], ours[0]);
    assert_eq!(shared.len() + 3, ours.len(), "three rows are split in ours");
    let count = |rows: &[Vec<String>], exchange: &str| rows.iter().filter(|row| row[0] == exchange).count();
    for exchange in ["response", "poll", "stream", "cancel", "tool", "effect"] {
        assert_eq!(count(&shared, exchange), count(&ours, exchange), "{exchange}");
    }
    assert_eq!(count(&shared, "create") + 3, count(&ours, "create"));
}

/// What the core does about a create is what its row says: the move, and whether the attempt is charged.
#[test]
fn the_core_does_what_the_row_says() {
    let norm = rows(repo("tests/norm/retry.csv"));
    for (row, observations) in norm[1..]
        .iter()
        .zip(observations())
        .filter(|(row, _)| row[0] == "create")
    {
        for one in observations {
            let play = Play::with(plan_with(|plan| plan.limits.deadline = secs(100)));
            let play = match one {
                Seen::Create(mut error, told) => {
                    // The reply comes 10 ms after the start, so all waits end in time or do not as before.
                    error.wait = told.map(|wait| Wait::Millis(wait.ticks() / 1_000 - 10));
                    play.reply("create.1", Reply::Error(error.into()))
                }
                Seen::CreateBroke(how) => play.broke("create.1", how),
                _ => panic!("{row:?} is no create"),
            };
            let play = play.reply("poll.*", working("r1")).until(10).run();
            let states = play.states();
            let last = states.rsplit(' ').next().unwrap();
            let expected = match row[4].as_str() {
                "back_off" => "retry_wait",
                // The jitter on top may carry a wait that nearly fits over the deadline.
                "wait_as_told" if last == "timed_out" => "timed_out",
                "wait_as_told" => "retry_wait",
                "in_doubt" => "in_doubt",
                "adopt" => "running",
                "fail" => "failed",
                "time_out" => "timed_out",
                "intervene" => "needs_intervention",
                other => panic!("{other}"),
            };
            assert_eq!(last, expected, "{row:?}: {states}");
            assert_eq!(play.attempts(), (1, u16::from(row[5] == "yes")), "{row:?}");
            let noted = play.events().any(
                |(_, event)| matches!(event, JobEvent::Classified { action, .. } if action.word() == row[4]),
            );
            assert!(noted, "{row:?}");
        }
    }
}
