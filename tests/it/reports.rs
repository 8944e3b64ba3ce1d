//! Reports: golden files of one suite, every format read back, and texts that try to break them.

use std::sync::Arc;

use lanebench::check::{CATALOGUE, Id, Judgement, Standing, Verdict, Violation};
use lanebench::report::{
    Complaint, Detail, Paint, ReportArgError, ReportKind, ReportRequest, RunResult, RunVerdict, SuiteResult,
    catalogue_json, catalogue_text, terminal,
};
use lanebench::rng::Seed;
use lanebench::scenario::ChecklistLine;
use lanebench::units::{JobId, SimTime};
use proptest::prelude::*;
use quick_junit::{NonSuccessKind, Report, TestCaseStatus};
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use crate::support::{check_golden, repo};

const RATE_LIMITED: &str = "\
failed: expected `report` to take 3 attempts, got 2
  --> scenarios/retry/rate-limited-create.yaml:19:15
19 |     attempts: 3
   |               ^ 2 attempts, the last one started at 7.412s
   = caused by: server replied 429 (fault 1, line 11)
";
const EARLY: &str = "\
failed: invariant RT-05 does not hold: the create was repeated early
 --> scenarios/retry/rate-limited-create.yaml:6:5
6 |   - id: report
  |     ^^^^^^^^^^ expected a create at 7.020s or later, got one at 6.412s
  = RT-05: A create that was told to wait is not repeated before that time.
";

fn run(file: &str, title: &str, shows: &[ChecklistLine]) -> RunResult {
    RunResult {
        file: file.into(),
        title: title.into(),
        shows: shows.to_vec(),
        seed: Seed(1),
        tasks: 1,
        simulated: SimTime::from_ticks(852_345_678),
        records: 1_412,
        verdict: RunVerdict::Passed,
        invariants: judgements(4),
        replay: format!("lanebench run {file} --seed 1").into(),
    }
}

/// Every `each`th invariant was not put to the test, the others held.
fn judgements(each: usize) -> Vec<Judgement> {
    let verdict = |index: usize| match index % each {
        0 => Verdict::NotExercised,
        rest => Verdict::Held {
            exercised: rest as u32,
        },
    };
    let all = Id::ALL.iter().enumerate();
    all.map(|(index, id)| Judgement {
        id: *id,
        verdict: verdict(index),
    })
    .collect()
}

fn complaint(about: &str, message: &str, rendered: &str) -> Complaint {
    Complaint {
        about: about.into(),
        message: message.into(),
        expected: "3".into(),
        actual: "2".into(),
        at: Some(SimTime::from_ticks(7_412_000)),
        task: Some("report".into()),
        place: Some("scenarios/retry/rate-limited-create.yaml:19:15".into()),
        rendered: rendered.into(),
    }
}

fn failed() -> RunResult {
    let shows = [ChecklistLine::Retry, ChecklistLine::Completion];
    let title = "a rate-limited job waits as told, retries and completes";
    let mut run = run("scenarios/retry/rate-limited-create.yaml", title, &shows);
    run.verdict = RunVerdict::Failed(vec![
        complaint(
            "expectation",
            "expected `report` to take 3 attempts, got 2",
            RATE_LIMITED,
        ),
        complaint(
            "RT-05",
            "invariant RT-05 does not hold: the create was repeated early",
            EARLY,
        ),
    ]);
    let broken = run.invariants.iter_mut().find(|one| one.id == Id::Rt05).unwrap();
    broken.verdict = Verdict::Violated(Box::new(Violation {
        at: SimTime::from_ticks(6_412_000),
        job: Some(JobId(0)),
        record: 37,
        what: "the create was repeated early".to_owned(),
        expected: "a create at 7.020s or later".to_owned(),
        actual: "one at 6.412s".to_owned(),
        times: 2,
    }));
    run
}

/// Passed, failed with two complaints, skipped and broken; one scenario with two seeds.
fn suite() -> SuiteResult {
    let mut skipped = run(
        "scenarios/timeout/never-leaves-in-progress.yaml",
        "a response that never ends is stopped by its limits, and polling stops with it",
        &[ChecklistLine::Timeout],
    );
    skipped.verdict = RunVerdict::Skipped("takes 7200s of real time, the limit is 30s".into());
    (skipped.records, skipped.simulated, skipped.invariants) = (0, SimTime::START, Vec::new());
    let mut broken = run(
        "scenarios/visibility/silent-death-is-seen.yaml",
        "a job without progress is shown as stalled while its state stays what it is",
        &[ChecklistLine::Status],
    );
    broken.verdict =
        RunVerdict::Broken("panicked: index out of bounds: the len is 3 but the index is 3".into());
    (broken.records, broken.simulated, broken.invariants) = (0, SimTime::START, Vec::new());
    let examples = "every example task goes to the lane where it belongs";
    let first = run(
        "scenarios/routing/examples-of-the-text.yaml",
        examples,
        &[ChecklistLine::Lanes],
    );
    let mut second = first.clone();
    second.seed = Seed(2);
    second.replay = "lanebench run scenarios/routing/examples-of-the-text.yaml --seed 2".into();
    let outside = run(
        "own.yaml",
        "漢字 and \u{202e}other\u{202c} \"things\", <odd>\n& long",
        &[],
    );
    SuiteResult {
        world: "virtual",
        runs: vec![first, second, failed(), skipped, broken, outside],
    }
}

fn golden(name: &str, actual: &str) {
    check_golden(&repo("tests/golden/reports").join(name), actual);
}

#[test]
fn every_format_has_a_golden_file() {
    let suite = suite();
    golden("terminal.txt", &terminal(&suite, Detail::Full, Paint::Plain));
    golden(
        "terminal-quiet.txt",
        &terminal(&suite, Detail::Quiet, Paint::Plain),
    );
    golden(
        "terminal-coloured.txt",
        &terminal(&suite, Detail::Full, Paint::Coloured),
    );
    golden("junit.xml", &ReportKind::Junit.render(&suite));
    golden("suite.json", &ReportKind::Json.render(&suite));
    golden("runs.csv", &ReportKind::Csv.render(&suite));
    golden("invariants.csv", &ReportKind::Invariants.render(&suite));
    golden("summary.json", &ReportKind::Summary.render(&suite));
}

#[test]
fn a_terminal_page_fits_and_colours_change_nothing_else() {
    let suite = suite();
    let plain = terminal(&suite, Detail::Full, Paint::Plain);
    for line in plain.lines() {
        assert!(line.width() <= 100 && line == line.trim_end(), "{line:?}");
    }
    assert_eq!(bare(&terminal(&suite, Detail::Full, Paint::Coloured)), plain);
    assert!(!plain.contains(['\u{1b}', '\u{202e}']));
}

/// The text without its escapes.
fn bare(text: &str) -> String {
    let mut pieces = text.split('\u{1b}');
    let mut bare = pieces.next().unwrap().to_owned();
    for piece in pieces {
        bare.push_str(piece.split_once('m').unwrap().1);
    }
    bare
}

#[test]
fn each_failure_ends_with_the_way_to_see_it_again() {
    let quiet = terminal(&suite(), Detail::Quiet, Paint::Plain);
    let ends: Vec<&str> = quiet
        .split("\n\n")
        .filter_map(|part| part.lines().find(|line| line.starts_with("replay: ")))
        .collect();
    assert_eq!(
        ends,
        [
            "replay: lanebench run scenarios/retry/rate-limited-create.yaml --seed 1",
            "replay: lanebench run scenarios/visibility/silent-death-is-seen.yaml --seed 1",
        ]
    );
    assert_eq!(
        quiet.lines().last(),
        Some("FAILED: 2 of 5 scenarios passed, 1 failed, 1 broken, 1 skipped")
    );
    assert!(!quiet.contains("checklist") && !quiet.contains("  ok"));
}

#[test]
fn of_many_failed_seeds_a_few_are_shown_and_the_others_named() {
    let runs = (1..=20).map(|seed| {
        let mut run = failed();
        run.seed = Seed(seed);
        run
    });
    let suite = SuiteResult {
        world: "model",
        runs: runs.collect(),
    };
    let text = terminal(&suite, Detail::Quiet, Paint::Plain);
    assert_eq!(text.matches("replay: ").count(), 3);
    let others = "\
... and 17 failed runs more of scenarios/retry/rate-limited-create.yaml:
    seeds 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, ...
";
    assert!(text.contains(others), "{text}");
    assert!(
        text.ends_with("\nFAILED: 0 of 1 scenario passed, 1 failed\n"),
        "{text}"
    );
}

#[test]
fn nothing_played_is_no_pass() {
    let empty = SuiteResult {
        world: "virtual",
        runs: Vec::new(),
    };
    for detail in [Detail::Full, Detail::Quiet] {
        assert_eq!(
            terminal(&empty, detail, Paint::Plain),
            "no evidence: nothing was played\n"
        );
    }
    let mut skipped = failed();
    skipped.verdict = RunVerdict::Skipped("too long".into());
    let skipped = SuiteResult {
        world: "wall",
        runs: vec![skipped],
    };
    let text = terminal(&skipped, Detail::Quiet, Paint::Plain);
    assert_eq!(text, "skipped: 0 of 1 scenario passed, 1 skipped\n");
    for kind in ReportKind::ALL {
        read_back(kind, &empty);
    }
}

#[test]
fn one_failed_seed_fails_its_scenario() {
    let mut runs = vec![failed(), failed(), failed()];
    runs[0].verdict = RunVerdict::Passed;
    runs[2].verdict = RunVerdict::Skipped("too long".into());
    let suite = SuiteResult { world: "model", runs };
    let said: Value = serde_json::from_str(&ReportKind::Summary.render(&suite)).unwrap();
    let said = &said["scenarios"]["scenarios/retry/rate-limited-create.yaml"];
    assert_eq!((&said["verdict"], &said["runs"]), (&"failed".into(), &3.into()));
    let all: Value = serde_json::from_str(&ReportKind::Json.render(&suite)).unwrap();
    let line = |word: &str| {
        let lines = all["checklist"].as_array().unwrap();
        lines.iter().find(|line| line["line"] == word).unwrap().clone()
    };
    assert_eq!(
        (&line("retry")["failed"], &line("retry")["passed"]),
        (&1.into(), &0.into())
    );
    assert_eq!(line("lanes")["scenarios"], 0);
}

#[test]
fn the_same_invariants_are_counted_everywhere() {
    let suite = suite();
    let all: Value = serde_json::from_str(&ReportKind::Json.render(&suite)).unwrap();
    let summary: Value = serde_json::from_str(&ReportKind::Summary.render(&suite)).unwrap();
    let rows = rows(&ReportKind::Invariants.render(&suite));
    let totals = all["invariants"].as_array().unwrap();
    assert_eq!((rows.len(), totals.len()), (Id::ALL.len() + 1, Id::ALL.len()));
    for ((row, total), id) in rows[1..].iter().zip(totals).zip(Id::ALL) {
        assert_eq!((&*row[0], &total["id"]), (id.word(), &Value::from(id.word())));
        for (column, field) in rows[0].iter().enumerate().skip(2) {
            assert_eq!(row[column], total[field].to_string(), "{id} {field}");
        }
        assert_eq!(summary["invariants"][id.word()], total["exercised_runs"], "{id}");
    }
    let early = rows.iter().find(|row| row[0] == "RT-05").unwrap();
    assert_eq!(
        early[4..],
        ["5", "1", "2"],
        "three runs tested it once, one run was violated twice"
    );
}

#[test]
fn a_report_is_asked_for_by_its_word() {
    for kind in ReportKind::ALL {
        let asked: ReportRequest = format!("{kind}=a=b.out").parse().unwrap();
        assert_eq!((asked.kind, &*asked.path), (kind, "a=b.out"));
    }
    let wrong = |text: &str| text.parse::<ReportRequest>().unwrap_err();
    let said = |text: &str| wrong(text).to_string();
    assert_eq!(wrong("junit"), ReportArgError::Shape);
    assert_eq!(
        said("junit="),
        "the report `junit` needs a path, for example `junit=report`"
    );
    let kinds = "kinds: `junit`, `json`, `csv`, `invariants`, `summary`";
    assert_eq!(
        said("junti=x"),
        format!("unknown report `junti`, did you mean `junit`?; {kinds}")
    );
    assert_eq!(said("=x"), format!("unknown report ``; {kinds}"));
}

#[test]
fn the_catalogue_is_told_whole() {
    let text = catalogue_text(Paint::Plain);
    let sample = "
  RT-05  A create that was told to wait is not repeated before that time.
         exercised by  a 429 with a wait
         reads         wire
";
    assert!(text.contains(sample), "{text}");
    let unseen = "
  DU-01  An acknowledged job survives a crash.
         not judged    nothing crashes in a run
";
    assert!(text.contains(unseen), "{text}");
    assert_eq!(bare(&catalogue_text(Paint::Coloured)), text);
    assert!(
        text.lines()
            .all(|line| line.width() <= 100 && line == line.trim_end())
    );
    let told: Value = serde_json::from_str(&catalogue_json()).unwrap();
    let told = told["invariants"].as_array().unwrap();
    assert_eq!(told.len(), CATALOGUE.len());
    for (one, entry) in told.iter().zip(CATALOGUE) {
        assert!(text.contains(&format!("\n  {}  ", entry.name)), "{}", entry.name);
        assert_eq!(one["id"], entry.name);
        let judged = matches!(entry.standing, Standing::Judged { .. });
        assert_eq!(one["judged"], judged);
        assert_eq!(
            (one["exercised_by"].is_string(), one["reason"].is_string()),
            (judged, !judged)
        );
    }
}

fn rows(csv: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(csv.as_bytes());
    let rows = reader
        .records()
        .map(|row| row.unwrap().iter().map(str::to_owned).collect());
    rows.collect()
}

/// The text as a column or an attribute shows it: on one line, without what could disturb.
#[track_caller]
fn assert_tame(text: &str) {
    let unfit = |c: char| {
        (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{fffe}' | '\u{ffff}')
    };
    assert!(!text.contains(unfit), "{text:?}");
}

/// Reads a report back and holds it against the suite.
#[track_caller]
fn read_back(kind: ReportKind, suite: &SuiteResult) {
    let text = kind.render(suite);
    assert_eq!(text, kind.render(suite));
    match kind {
        ReportKind::Junit => read_junit(&text, suite),
        ReportKind::Json => read_json(&text, suite),
        ReportKind::Csv => read_csv(&text, suite),
        ReportKind::Invariants => assert_eq!(rows(&text).len(), Id::ALL.len() + 1),
        ReportKind::Summary => {
            let said: Value = serde_json::from_str(&text).unwrap();
            for run in &suite.runs {
                assert!(
                    said["scenarios"][&*run.file]["verdict"].is_string(),
                    "{}",
                    run.file
                );
            }
        }
    }
}

fn read_junit(text: &str, suite: &SuiteResult) {
    assert_tame(text);
    let report = Report::deserialize_from_str(text).unwrap();
    let kinds =
        |wanted: fn(&RunVerdict) -> bool| suite.runs.iter().filter(|run| wanted(&run.verdict)).count();
    assert_eq!(report.tests, suite.runs.len());
    assert_eq!(
        report.failures,
        kinds(|verdict| matches!(verdict, RunVerdict::Failed(_)))
    );
    assert_eq!(
        report.errors,
        kinds(|verdict| matches!(verdict, RunVerdict::Broken(_)))
    );
    assert_eq!(
        report.skipped,
        kinds(|verdict| matches!(verdict, RunVerdict::Skipped(_)))
    );
    assert_eq!((report.uuid, report.timestamp), (None, None));
    for case in report.test_suites.iter().flat_map(|folder| &folder.test_cases) {
        assert!(case.timestamp.is_none() && case.time.is_some());
        if let TestCaseStatus::NonSuccess {
            kind, description, ..
        } = &case.status
        {
            let description = description.as_ref().unwrap();
            assert!(
                description.lines().last().unwrap().starts_with("replay:"),
                "{description:?}"
            );
            assert!(*kind == NonSuccessKind::Error || description.contains("failed:"));
        }
    }
}

fn read_json(text: &str, suite: &SuiteResult) {
    let all: Value = serde_json::from_str(text).unwrap();
    let runs = all["runs"].as_array().unwrap();
    assert_eq!((runs.len(), &all["version"]), (suite.runs.len(), &1.into()));
    for (said, run) in runs.iter().zip(&suite.runs) {
        assert_eq!(
            (&said["file"], &said["title"]),
            (&(*run.file).into(), &(*run.title).into())
        );
        assert_eq!(said["seed"].as_u64(), Some(run.seed.0));
        if let RunVerdict::Failed(complaints) = &run.verdict {
            let rendered = said["complaints"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| &one["rendered"]);
            assert!(rendered.eq(complaints.iter().map(|one| &*one.rendered)));
        }
    }
}

fn read_csv(text: &str, suite: &SuiteResult) {
    let rows = rows(text);
    assert_eq!(rows.len(), suite.runs.len() + 1);
    for (row, run) in rows[1..].iter().zip(&suite.runs) {
        assert_eq!((&*row[0], &*row[1]), (&*run.file, &*run.title));
        assert_eq!(row[3], run.seed.0.to_string());
    }
}

#[test]
fn every_format_is_read_back() {
    for kind in ReportKind::ALL {
        read_back(kind, &suite());
    }
}

/// Texts with quotes, control characters, line breaks, other directions of writing, and of great length.
fn odd_text() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "\"",
        "'",
        ",",
        ";",
        "=",
        "\n",
        "\r\n",
        "\r",
        "\t",
        "\0",
        "\u{7}",
        "\u{1b}[31m",
        "\u{1b}]0;",
        "\u{9b}",
        "\u{7f}",
        "]]>",
        "<!--",
        "&amp;",
        "&#0;",
        "</failure>",
        "שלום",
        "مرحبا",
        "\u{202e}",
        "\u{2066}",
        "\u{2028}",
        "\u{fffe}",
        "\u{ffff}",
        "漢字",
        "👩\u{200d}👩\u{200d}👧",
        "❤\u{fe0f}",
        "e\u{301}",
        "\u{feff}",
        "..",
        "/",
        "\\",
        " ",
        "a",
        "lane",
    ]);
    prop_oneof![
        4 => prop::collection::vec(pieces, 0..12).prop_map(|pieces| pieces.concat()),
        2 => any::<String>(),
        1 => (any::<char>(), 100..3_000_usize).prop_map(|(c, times)| c.to_string().repeat(times)),
    ]
}

fn odd_run() -> impl Strategy<Value = RunResult> {
    let texts = (odd_text(), odd_text(), odd_text(), odd_text());
    (texts, 0..5_u8, any::<(u64, u64, u32)>()).prop_map(
        |((file, title, said, replay), kind, (seed, records, tasks))| {
            let mut run = run(&file, &title, &ChecklistLine::ALL);
            (run.seed, run.tasks, run.records) = (Seed(seed), tasks, records);
            run.simulated = SimTime::from_ticks(records.min(SimTime::CAP.ticks()));
            run.replay = replay.into();
            let text: Arc<str> = said.as_str().into();
            let one = complaint(&said, &said, &format!("failed: {said}"));
            run.verdict = match kind {
                0 => RunVerdict::Passed,
                1 => RunVerdict::Failed(vec![one]),
                2 => RunVerdict::Failed(vec![one.clone(), one]),
                3 => RunVerdict::Skipped(text),
                _ => RunVerdict::Broken(text),
            };
            run
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_text_breaks_a_format(runs in prop::collection::vec(odd_run(), 0..6)) {
        let suite = SuiteResult { world: "virtual", runs };
        for kind in ReportKind::ALL {
            read_back(kind, &suite);
        }
        let plain = terminal(&suite, Detail::Full, Paint::Plain);
        assert_tame(&plain);
        prop_assert_eq!(bare(&terminal(&suite, Detail::Full, Paint::Coloured)), plain);
    }

    #[test]
    fn lines_of_scenarios_fit_whatever_their_titles(mut runs in prop::collection::vec(odd_run(), 1..6)) {
        for run in &mut runs {
            run.verdict = RunVerdict::Passed;
        }
        let text = terminal(&SuiteResult { world: "virtual", runs }, Detail::Full, Paint::Plain);
        for line in text.lines() {
            prop_assert!(line.width() <= 100, "{} columns: {:?}", line.width(), line);
        }
    }
}
