//! Tables of tasks: every row gets what `decide` says, broken rows are shown and take no other with them.

use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use lanebench::policy::route::{ColumnPlan, Next, Table};
use lanebench::policy::{Decision, Given, Policy, Source, Task, decode_policy};
use lanebench::report::{Paint, RouteFormat, RouteRows, render_all};
use lanebench::rng::{Purpose, Seed};
use lanebench::scenario::{Diagnostics, Sources, read};

use crate::support::{check_golden, repo};

const POLICY: &str = "tests/golden/route/policy.yaml";
const TASKS: &str = "tests/golden/route/tasks.csv";

fn policy() -> Policy {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let bytes = std::fs::read(repo(POLICY)).unwrap();
    let tree = read(&mut sources, POLICY, &bytes, &mut out).unwrap();
    decode_policy(&tree, &mut out).unwrap()
}

fn lanebench(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lanebench"))
        .current_dir(repo(""))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[track_caller]
fn said(arguments: &[&str], code: i32) -> (String, String) {
    let output = lanebench(arguments);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    (String::from_utf8(output.stdout).unwrap(), stderr)
}

#[test]
fn a_table_is_routed_in_every_format() {
    for (format, end) in [("human", "txt"), ("json", "json"), ("csv", "csv")] {
        let (text, errors) = said(&["route", POLICY, TASKS, "--format", format], 0);
        assert_eq!(errors, "");
        check_golden(&repo(&format!("tests/golden/route/decisions.{end}")), &text);
        let (text, _) = said(&["route", POLICY, TASKS, "--census", "--format", format], 0);
        check_golden(&repo(&format!("tests/golden/route/census.{end}")), &text);
    }
}

#[test]
fn the_json_is_one_document_and_the_csv_is_read_by_others() {
    let (text, _) = said(&["route", POLICY, TASKS, "--format", "json"], 0);
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["decisions"].as_array().map(Vec::len), Some(7));
    assert_eq!(document["decisions"][5]["id"], "a \"b\", c");
    assert_eq!(document["census"]["lanes"]["all"], 7);
    let (text, _) = said(&["route", POLICY, TASKS, "--format", "csv"], 0);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 7);
    assert_eq!(&rows[5][1], "a \"b\", c");
    let header = reader.headers().unwrap();
    assert!(rows.iter().all(|row| row.len() == header.len()));
}

#[test]
fn one_task_is_explained() {
    for (task, name) in [
        ("long", "long"),
        ("blind", "blind"),
        ("free", "free"),
        ("steer", "steer"),
        ("3", "row"),
    ] {
        let (text, _) = said(&["route", POLICY, TASKS, "--why", task], 0);
        check_golden(&repo(&format!("tests/golden/route/why-{name}.txt")), &text);
    }
    let (text, _) = said(&["route", POLICY, TASKS, "--why", "blind", "--format", "json"], 0);
    check_golden(&repo("tests/golden/route/why-blind.json"), &text);
    let (_, errors) = said(&["route", POLICY, TASKS, "--why", "nobody"], 2);
    assert!(errors.contains("there is no task `nobody`"), "{errors}");
}

#[test]
fn broken_tables_are_explained_as_their_files_say() {
    for (name, rows) in [
        ("rows", 2),
        ("latin", 2),
        ("columns", 0),
        ("nothing", 0),
        ("empty", 0),
    ] {
        let path = format!("tests/bad/route/{name}.csv");
        let (text, errors) = said(&["route", POLICY, &path, "--format", "csv"], 2);
        check_golden(&repo(&format!("tests/bad/route/{name}.err")), &errors);
        assert_eq!(text.lines().count().saturating_sub(1), rows, "{name}: {text}");
        assert!(errors.starts_with("error: "), "{errors}");
    }
}

#[test]
fn every_broken_row_is_counted_and_few_are_shown() {
    let mut table = String::from("user_steering\n");
    for row in 0..1000 {
        table.push_str(if row % 2 == 0 { "true\n" } else { "tru\n" });
    }
    let policy = policy();
    let (routed, errors, out) = play(&policy, &ColumnPlan::default(), table.as_bytes());
    assert_eq!((routed.len(), out.errors()), (500, 500));
    assert!(errors.ends_with("... and 400 more\n"), "{errors}");
    assert!(errors.contains("tasks.csv:201:1"), "{errors}");
}

type Routed = Vec<(u64, Task, Decision)>;

fn play(policy: &Policy, plan: &ColumnPlan, input: impl Read) -> (Routed, String, Diagnostics) {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let render = |decision: &Decision| RouteRows::decision(RouteFormat::Csv, policy, decision);
    let table = Table::open(
        (policy, None),
        plan,
        ("tasks.csv", input),
        &render,
        (&mut sources, &mut out),
    );
    let mut routed = Vec::new();
    if let Some(mut table) = table.unwrap() {
        loop {
            let (number, decision) = match table.next(&mut sources, &mut out).unwrap() {
                Next::Row(row) => (row.number, *row.decision),
                Next::Broken => continue,
                Next::End => break,
            };
            routed.push((number, table.task().unwrap(), decision));
        }
    }
    let errors = render_all(&out, &sources, Paint::Plain);
    (routed, errors, out)
}

#[test]
fn every_row_gets_what_decide_says_seen_before_or_not() {
    let policy = policy();
    let vocabulary = policy.vocabulary();
    let names = vocabulary.attribute_names();
    let names: Vec<&str> = names.into_iter().filter(|name| *name != "tenant").collect();
    let draw = |row: usize, column: usize, below: u64| {
        let entity = (row * 1000 + column) as u64;
        Seed(7).bits(Purpose::Text, entity, 0) % below
    };
    let mut text = format!("{}\n", names.join(","));
    let mut expected = Vec::new();
    for row in 0..4000 {
        let mut task = Task::new();
        // Every second row repeats an earlier one, so that remembered patterns are asked as well.
        let row = if row % 2 == 1 { row / 7 } else { row };
        let cells = names.iter().enumerate().map(|(column, name)| {
            let cell = match (*name, draw(row, column, 4)) {
                (_, 0) => return String::new(),
                ("expected_duration", _) => format!("{}s", draw(row, column + 100, 800)),
                (_, 1) => "unknown".to_owned(),
                (_, 2) => "true".to_owned(),
                _ => "false".to_owned(),
            };
            let attribute = vocabulary.attribute(name).unwrap();
            task.set(Given {
                attribute,
                value: vocabulary.read_value(attribute, &cell).unwrap(),
                source: Source::Declared,
            });
            cell
        });
        let cells: Vec<String> = cells.collect();
        text.push_str(&format!("{}\n", cells.join(",")));
        expected.push((policy.decide(&task), task));
    }
    let (routed, errors, _) = play(&policy, &ColumnPlan::default(), text.as_bytes());
    assert_eq!((routed.len(), errors.as_str()), (expected.len(), ""));
    for (index, ((number, task, decision), (wanted, meant))) in routed.iter().zip(&expected).enumerate() {
        assert_eq!((*number, task), (index as u64 + 1, meant));
        assert_eq!(decision, wanted, "row {number}");
    }
}

#[test]
fn rows_that_are_never_met_again_are_decided_like_any_other() {
    // More rows than are remembered, and than it takes to see that remembering is of no use.
    const ROWS: u64 = 140_000;
    let policy = policy();
    let mut text = String::from("value_after_session,multi_step_or_slow,expected_duration\n");
    for row in 0..ROWS {
        text.push_str(&format!("true,{},{}us\n", row % 3 == 0, 29_930_000 + row));
    }
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let table = Table::open(
        (&policy, None),
        &ColumnPlan::default(),
        ("tasks.csv", text.as_bytes()),
        &|_| Vec::new(),
        (&mut sources, &mut out),
    );
    let mut table = table.unwrap().unwrap();
    let mut seen = 0;
    while let Next::Row(row) = table.next(&mut sources, &mut out).unwrap() {
        let (number, decision) = (row.number, *row.decision);
        seen += 1;
        if number % 100 == 0 || number > ROWS - 2_000 {
            assert_eq!(decision, policy.decide(&table.task().unwrap()), "row {number}");
        }
    }
    assert_eq!((seen, table.census().lanes.all(), out.errors()), (ROWS, ROWS, 0));
}

/// Begins like a table and never ends.
struct Endless(usize);

impl Read for Endless {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let start = b"id,user_steering\none,true\n\"";
        for byte in into.iter_mut() {
            *byte = start.get(self.0).copied().unwrap_or(b'a');
            self.0 += 1;
        }
        Ok(into.len())
    }
}

#[test]
fn a_quote_that_is_never_closed_ends_the_reading_and_not_the_memory() {
    let (routed, errors, _) = play(&policy(), &ColumnPlan::default(), Endless(0));
    assert_eq!(routed.len(), 1);
    assert!(errors.contains("tasks.csv:3:1"), "{errors}");
    assert!(errors.contains("a quote is never closed"), "{errors}");
    assert!(errors.len() < 2_000, "{}", errors.len());
}

#[test]
fn columns_are_mapped_and_kinds_give_what_the_row_does_not_say() {
    let policy = "scenarios/policies/three-lane.yaml";
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("route-kinds");
    std::fs::create_dir_all(&folder).unwrap();
    let table = folder.join("tasks.csv");
    let text = "ticket,sort,steer,note\nt1,document_analysis,,x\nt2,document_analysis,true,y\nt3,report_generaton,,z\n";
    std::fs::write(&table, text).unwrap();
    let arguments = [
        "route",
        policy,
        table.to_str().unwrap(),
        "--kinds",
        "scenarios/kinds.yaml",
        "--id",
        "ticket",
        "--kind",
        "sort",
        "--column",
        "user_steering=steer",
        "--ignore",
        "note",
        "--format",
        "csv",
    ];
    let (text, errors) = said(&arguments, 2);
    assert!(
        text.contains("\n1,t1,document_analysis,background,background,none,three-gates,"),
        "{text}"
    );
    assert!(
        text.contains(
            "\n2,t2,document_analysis,interactive,interactive,none,steered-work-stays-interactive,"
        ),
        "{text}"
    );
    assert_eq!(text.lines().count(), 3);
    assert!(errors.contains("unknown kind `report_generaton`"), "{errors}");
    assert!(errors.contains("did you mean `report_generation`?"), "{errors}");
    assert!(errors.contains("tasks.csv:4:4"), "{errors}");
    let missing = said(&[&arguments[..5], &["--id", "nobody"]].concat(), 2).1;
    assert!(missing.contains("there is no column `nobody`"), "{missing}");
    assert!(missing.contains("no column says of which kind"), "{missing}");
}

#[test]
fn a_consequential_task_without_a_boundary_fails_and_an_empty_table_decides_nothing() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("route-unsafe");
    std::fs::create_dir_all(&folder).unwrap();
    let policy = folder.join("open.yaml");
    let text =
        "policy: open\nboundary: { approval_when: never }\nrules: [{ id: all, execution: interactive }]\n";
    std::fs::write(&policy, text).unwrap();
    let route = |table: &str| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lanebench"))
            .args(["route", policy.to_str().unwrap(), "-", "--format", "csv"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(table.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    assert_eq!(route("effects\nnone\n").0, Some(0));
    let (code, text) = route("effects\nnone\nrecord_change\n");
    assert_eq!(code, Some(1));
    assert!(
        text.contains("\n2,interactive,interactive,none,all,") && text.contains("unsafe"),
        "{text}"
    );
    assert_eq!(route("effects\n").0, Some(4));
}

#[test]
fn findings_about_a_table_are_written_in_every_format() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("route-reports");
    std::fs::create_dir_all(&folder).unwrap();
    let file = |kind: &str| folder.join(kind).to_str().unwrap().to_owned();
    let reports = ["json", "sarif", "junit", "github", "markdown", "human"];
    let requests: Vec<String> = reports
        .iter()
        .map(|kind| format!("{kind}={}", file(kind)))
        .collect();
    let mut arguments = vec!["route", POLICY, TASKS, "--census"];
    for request in &requests {
        arguments.extend(["--report", request.as_str()]);
    }
    said(&arguments, 0);
    for kind in reports {
        let text = std::fs::read_to_string(file(kind)).unwrap();
        assert!(text.contains("a gate is unknown"), "{kind}: {text}");
    }
    let text = std::fs::read_to_string(file("github")).unwrap();
    assert!(
        text.starts_with("::notice file=tests/golden/route/policy.yaml,line=13,endLine=13,col=9,"),
        "{text}"
    );
}
