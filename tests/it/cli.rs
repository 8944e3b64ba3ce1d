//! The program as a user meets it: exit codes, messages, and bad input of every kind.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn lanebench(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lanebench"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A folder of its own with these files, gone when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn with(name: &str, files: &[(&str, &[u8])]) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("cli-{name}"));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        for (file, bytes) in files {
            std::fs::write(path.join(file), bytes).unwrap();
        }
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[track_caller]
fn refused(folder: &Path, arguments: &[&str], code: i32, words: &str) {
    let output = lanebench(folder, arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.starts_with("error: "), "{said}");
    assert!(said.contains(words), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    assert!(output.stdout.is_empty());
}

#[test]
fn what_cannot_be_read_is_said_and_ends_with_2() {
    let folder = Folder::with(
        "unreadable",
        &[
            ("empty.yaml", b""),
            ("binary.yaml", b"\x7fELF\x00\x01\x02"),
            ("latin1.yaml", b"scenario: caf\xe9\n"),
            ("broken.yaml", b"scenario: [a\nshows: b\n"),
            ("twice.yaml", b"scenario: a\nscenario: b\n"),
            ("notes.txt", b"no yaml"),
        ],
    );
    std::fs::create_dir(folder.0.join("nothing")).unwrap();
    for (path, words) in [
        ("missing.yaml", "does not exist"),
        ("nothing", "has no scenario"),
        ("empty.yaml", "is empty"),
        ("binary.yaml", "binary"),
        ("latin1.yaml", "not valid UTF-8"),
        ("broken.yaml", "broken.yaml:"),
        ("twice.yaml", "twice.yaml:2:1"),
    ] {
        refused(&folder.0, &["run", path], 2, words);
    }
    for command in ["check", "compare"] {
        refused(&folder.0, &[command, "nothing"], 2, "`nothing` is a folder");
    }
}

#[test]
fn a_mistake_in_one_file_names_its_place_and_nothing_is_played() {
    let scenario = "scenario: a title\nshows: [retry]\npolicy: nowhere.yaml\nkinds: nowhere.yaml\ntasks: []\nlanebenhc: 1\n";
    let folder = Folder::with("mistakes", &[("wrong.yaml", scenario.as_bytes())]);
    let output = lanebench(&folder.0, &["run", "wrong.yaml"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    for words in ["wrong.yaml:3:", "nowhere.yaml", "wrong.yaml:6:1", "lanebenhc"] {
        assert!(said.contains(words), "{words} is missing:\n{said}");
    }
}

/// Every broken file of `tests/bad`, as a scenario and as the policy or the kinds of one.
#[test]
fn every_kind_of_bad_input_ends_with_2_and_never_with_a_panic() {
    let mut count = 0;
    for group in ["scenario", "yaml", "policy", "kinds"] {
        let folder = root().join("tests/bad").join(group);
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|ending| ending != "yaml") {
                continue;
            }
            count += 1;
            let bad = path.display().to_string();
            let (policy, kinds) = match group {
                "policy" => (&*bad, "kinds.yaml"),
                "kinds" => ("policies/three-lane.yaml", &*bad),
                _ => {
                    refused(&root(), &["run", &bad], 2, "error");
                    continue;
                }
            };
            let text = format!(
                "scenario: a broken part\nshows: [retry]\npolicy: {policy}\nkinds: {kinds}\n\
                 tasks: [{{ id: one, kind: short_answer }}]\nexpect: {{ one: {{ outcome: succeeded }} }}\n"
            );
            let here = Folder::with("part", &[("scenario.yaml", text.as_bytes())]);
            std::fs::create_dir(here.0.join("policies")).unwrap();
            for file in ["policies/three-lane.yaml", "kinds.yaml"] {
                std::fs::copy(root().join("scenarios").join(file), here.0.join(file)).unwrap();
            }
            refused(&here.0, &["run", "scenario.yaml"], 2, "error");
        }
    }
    assert!(count > 60, "only {count} broken files");
}

/// The commands whose whole use is what they print.
const SPEAKING: [&[&str]; 6] = [
    &["run", "scenarios/retry/rate-limited-create.yaml"],
    &["run", "scenarios/retry", "--format", "json"],
    &["run", "scenarios/retry", "--quiet"],
    &["invariants"],
    &["invariants", "--format", "json"],
    &["--help"],
];

#[test]
fn a_full_disk_behind_stdout_ends_with_3() {
    for arguments in SPEAKING {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_lanebench"))
            .current_dir(root())
            .args(arguments)
            .stdout(full)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}: {said}");
        assert!(
            said.starts_with("error: ") && said.contains("could not be written"),
            "{said}"
        );
    }
}

/// A reader that leaves before all is written: whatever it has read, the program says that it was not heard. What is
/// shorter than the pipe is written before anybody can leave, so this is about a long text.
#[test]
fn a_reader_that_leaves_at_any_point_ends_it_with_3() {
    for read in [0, 1, 10, 4_000, 30_000] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lanebench"))
            .current_dir(root())
            .args(["run", "scenarios/retry", "scenarios/approval", "--format", "json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut reader = child.stdout.take().unwrap();
        reader.read_exact(&mut vec![0; read]).unwrap();
        drop(reader);
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(
            child.wait().unwrap().code(),
            Some(3),
            "after {read} bytes: {said}"
        );
        assert!(
            said.contains("could not be written") && !said.contains("panicked"),
            "{said}"
        );
    }
}

#[test]
fn a_stderr_that_nobody_hears_changes_no_exit_code() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_lanebench"));
    let status = command.args(["run", "nowhere"]).stderr(full).status().unwrap();
    assert_eq!(status.code(), Some(2));
}

#[test]
fn wrong_arguments_end_with_2() {
    for arguments in [
        &["run"][..],
        &["run", "scenarios", "--seed", "x"],
        &["run", "scenarios", "--seed", "9-3"],
        &["run", "scenarios", "--world", "moon"],
        &["run", "scenarios", "--report", "paper=x"],
        &["run", "scenarios", "--wall-limit", "-3s"],
        &["walk"],
    ] {
        let output = lanebench(&root(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty());
    }
}

#[test]
fn invariants_are_proven_by_runs_or_said_not_to_be() {
    // One scenario exercises a part of the catalogue: that part is proven, the rest is said to be open.
    let one = "scenarios/retry/rate-limited-create.yaml";
    let output = lanebench(&root(), &["invariants", "--prove", one, "--seed", "0-2"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for words in [
        "RT-05                 3             1 of 1             0   scenarios/retry/rate-limited-create.yaml",
        "NOT PROVEN  AP-01: no run exercises it; the sabotage `applies-without-leave` survives, nothing fired",
        "0 false alarms in 3 honest runs",
    ] {
        assert!(said.contains(words), "{words} is missing:\n{said}");
    }
    refused(
        &root(),
        &["invariants", "--prove", "nowhere"],
        2,
        "does not exist",
    );
    let json = lanebench(&root(), &["invariants", "--prove", one, "--format", "json"]).stdout;
    let proof: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(proof["honest_runs"], 1);
}

#[test]
fn help_names_every_command_and_the_exit_codes() {
    let output = lanebench(&root(), &["--help"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0));
    for words in [
        "run",
        "diff",
        "route",
        "schema",
        "serve",
        "invariants",
        "Exit codes:",
    ] {
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn a_verdict_that_nobody_hears_is_no_verdict() {
    // The reader is gone before the first byte: the verdict cannot be written, and the program says so.
    let mut child = Command::new(env!("CARGO_BIN_EXE_lanebench"))
        .current_dir(root())
        .args(["run", "scenarios/retry/rate-limited-create.yaml"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(3), "{said}");
    assert!(said.contains("could not be written"), "{said}");
}

#[test]
fn a_report_that_cannot_be_written_ends_with_3() {
    // Nothing was done for it: a proof, a difference or a table would have been printed.
    for (words, kind) in REPORTING {
        let report = format!("{kind}=no/such/folder/report");
        let words = [words, &["--report", &report]].concat();
        let why = "the report `no/such/folder/report` cannot be written: there is no folder `no/such/folder`";
        refused(&root(), &words, 3, why);
    }
    refused(
        &root(),
        &["check", POLICY, "--certificate", "no/such/folder/proof.txt"],
        3,
        "the certificate `no/such/folder/proof.txt` cannot be written: there is no folder",
    );
    refused(
        &root(),
        &["check", POLICY, "--report", "sarif=src"],
        3,
        "the report `src` cannot be written: it is a folder",
    );
}

const POLICY: &str = "scenarios/policies/three-lane.yaml";
const OTHER: &str = "scenarios/policies/product-first.yaml";

/// Commands that write reports, with a kind that each of them has.
const REPORTING: [(&[&str], &str); 5] = [
    (&["run", "scenarios/retry/rate-limited-create.yaml"], "csv"),
    (&["compare", "tests/golden/compare/small.yaml"], "csv"),
    (&["check", POLICY], "sarif"),
    (&["diff", POLICY, OTHER], "sarif"),
    (
        &[
            "route",
            "tests/golden/route/policy.yaml",
            "tests/golden/route/tasks.csv",
        ],
        "markdown",
    ),
];

#[test]
fn what_is_written_takes_the_place_of_nothing_that_is_read() {
    let copy = |file: &str| std::fs::read_to_string(root().join(file)).unwrap();
    let scenario = copy("scenarios/retry/rate-limited-create.yaml").replace("../policies/", "");
    let scenario = scenario.replace("../", &format!("{}/scenarios/", root().display()));
    let files = [
        ("scenario.yaml", scenario),
        ("three-lane.yaml", copy(POLICY)),
        ("other.yaml", copy(OTHER)),
        ("tasks.csv", copy("tests/golden/route/tasks.csv")),
        ("kinds.yaml", copy("scenarios/kinds.yaml")),
    ];
    let bytes = files.each_ref().map(|(name, text)| (*name, text.as_bytes()));
    let folder = Folder::with("places", &bytes);
    let policy = "three-lane.yaml";
    let commands: [(&[&str], &str, &[&str]); 5] = [
        (&["run", "scenario.yaml"], "csv", &["scenario.yaml", policy]),
        (&["check", policy], "sarif", &[policy]),
        (
            &["check", policy, "--kinds", "kinds.yaml"],
            "sarif",
            &["kinds.yaml"],
        ),
        (
            &["diff", policy, "other.yaml", "--tasks", "tasks.csv"],
            "sarif",
            &[policy, "other.yaml", "tasks.csv"],
        ),
        (&["route", policy, "tasks.csv"], "sarif", &[policy, "./tasks.csv"]),
    ];
    for (words, kind, inputs) in commands {
        for input in inputs {
            let report = format!("{kind}={input}");
            let why = format!("the report `{input}` cannot be written: it is read too");
            refused(&folder.0, &[words, &["--report", &report]].concat(), 2, &why);
        }
        let twice = format!("{kind}=twice");
        let words = [words, &["--report", &twice, "--report", &twice]].concat();
        refused(&folder.0, &words, 2, "it is written by another report too");
    }
    let over = ["check", policy, "--certificate", policy];
    refused(
        &folder.0,
        &over,
        2,
        "the certificate `three-lane.yaml` cannot be written: it is read too",
    );
    for (name, text) in files {
        assert_eq!(std::fs::read_to_string(folder.0.join(name)).unwrap(), text);
    }
    assert!(!folder.0.join("twice").exists());
}

#[test]
fn a_report_that_cannot_be_written_takes_nothing_else_with_it() {
    // The folder is there, but no file may have so long a name.
    let folder = Folder::with("reports", &[]);
    for (words, kind) in REPORTING {
        let report = format!("{kind}={}", "x".repeat(300));
        let other = format!("{kind}={}/other", folder.0.display());
        let words = [words, &["--report", &report, "--report", &other]].concat();
        let output = lanebench(&root(), &words);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains("x` cannot be written"), "{said}");
        assert!(!output.stdout.is_empty(), "{said}");
        std::fs::remove_file(folder.0.join("other")).unwrap();
    }
}

#[test]
fn the_usage_of_compare_names_a_file_or_what_is_printed_without_one() {
    let words = "Usage: lanebench compare [OPTIONS] FILE\n       lanebench compare --strategies | --metrics | --protocol\n";
    let small = "tests/golden/compare/small.yaml";
    for words_before in [
        &["compare"][..],
        &["compare", "--strategies", small],
        &["compare", "--metrics", "--strategies"],
    ] {
        refused(&root(), words_before, 2, words);
    }
}

#[test]
fn a_failed_expectation_shows_line_actual_cause_and_the_command_that_replays_it() {
    let text = std::fs::read_to_string(root().join("scenarios/retry/rate-limited-create.yaml")).unwrap();
    let text = text.replace("attempts: 3", "attempts: 2");
    let text = text
        .replace("../policies", "policies")
        .replace("../kinds", "kinds");
    let folder = Folder::with("failed", &[("wants-less.yaml", text.as_bytes())]);
    std::fs::create_dir(folder.0.join("policies")).unwrap();
    for file in ["policies/three-lane.yaml", "kinds.yaml"] {
        std::fs::copy(root().join("scenarios").join(file), folder.0.join(file)).unwrap();
    }
    let output = lanebench(&folder.0, &["run", "wants-less.yaml"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for words in [
        "expected `attempts` of `report` to be 2, got 3",
        "wants-less.yaml:",
        "struck at",
        "replay: lanebench run wants-less.yaml --seed 1",
    ] {
        assert!(said.contains(words), "{words} is missing:\n{said}");
    }
}

#[test]
fn the_same_bytes_come_out_on_any_number_of_threads_and_from_any_world_of_settings() {
    let run = |threads: &str, zone: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_lanebench"))
            .current_dir(root())
            .args([
                "run",
                "scenarios/retry",
                "--format",
                "json",
                "--seed",
                "3",
                "--threads",
                threads,
            ])
            .env("TZ", zone)
            .env("LANG", "tr_TR.UTF-8")
            .output()
            .unwrap();
        output.stdout
    };
    let one = run("1", "UTC");
    assert!(one.len() > 1000);
    assert_eq!(one, run("2", "Pacific/Chatham"));
}

#[test]
fn written_tests_pass_and_are_not_written_over() {
    let policy = std::fs::read(root().join("scenarios/policies/three-lane.yaml")).unwrap();
    let folder = Folder::with("write-tests", &[("lanes.yaml", &policy)]);
    let arguments = ["check", "lanes.yaml", "--write-tests", "tests/lanes"];
    let output = lanebench(&folder.0, &arguments);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(
        said.contains("9 tasks in 3 scenarios in tests/lanes; no suite has fewer than 9 tasks"),
        "{said}"
    );
    let played = lanebench(&folder.0, &["run", "tests/lanes", "--quiet"]);
    assert_eq!(
        played.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&played.stderr)
    );
    assert_eq!(
        String::from_utf8_lossy(&played.stdout),
        "ok: 3 of 3 scenarios passed\n"
    );

    // A slip of the pen in the policy, and the tests that are still there notice.
    let text = String::from_utf8(policy)
        .unwrap()
        .replace("multi_step_or_slow or", "multi_step_or_slow and");
    std::fs::write(folder.0.join("lanes.yaml"), text).unwrap();
    let played = lanebench(&folder.0, &["run", "tests/lanes", "--quiet"]);
    assert_eq!(played.status.code(), Some(1));
    refused(&folder.0, &arguments, 2, "`tests/lanes` is not empty");
}

#[test]
fn no_tests_are_written_for_what_is_unsafe() {
    let policy =
        b"policy: open\nboundary: { approval_when: never }\nrules: [{ id: all, execution: interactive }]\n";
    let folder = Folder::with("write-unsafe", &[("open.yaml", policy)]);
    let output = lanebench(&folder.0, &["check", "open.yaml", "--write-tests", "tests"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("no tests are written"), "{said}");
    assert!(!folder.0.join("tests").exists());
}

#[test]
fn oracles_take_no_half_width_that_nothing_would_reach_or_read() {
    let refusals = [
        (&["oracles", "--half-width", "0.05%"][..], "days"),
        (&["oracles", "--half-width", "5"][..], "0.5%"),
        (&["oracles", "--seed", "3-1"][..], "backwards"),
        (
            &["oracles", "--seed", "0-9", "--half-width", "1%"][..],
            "one seed",
        ),
    ];
    for (arguments, words) in refusals {
        refused(&root(), arguments, 2, words);
    }
}
