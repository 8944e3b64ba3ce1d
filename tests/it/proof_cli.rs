//! `lanebench check` as a user meets it: formats, exit codes, certificates, and witnesses that are pasted.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use lanebench::policy::decode_with_places;
use lanebench::policy::proof::{Bounds, Plan, census, prove};
use lanebench::report::{
    Denied, Detail, FoundKind, KindsReport, Paint, ProofReport, WrittenSuite, findings_text, proof_analysis,
    proof_text,
};
use lanebench::scenario::{Diagnostics, Sources, decode_kinds, read};
use serde_json::Value;

use crate::support::{check_golden, repo, yaml_files};

fn lanebench(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lanebench"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A folder of its own, empty.
fn folder(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("proof-{name}"));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}

const KINDS: &str = "kinds:\n  vague: { description: nothing is known of it }\n";

/// A proof with everything that can be told of one.
fn with_report(check: impl Fn(&ProofReport<'_>, &Sources)) {
    let bytes = std::fs::read(repo("tests/bad/proof/boundary-lost.yaml")).unwrap();
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let tree = read(&mut sources, "policies/boundary-lost.yaml", &bytes, &mut out).unwrap();
    let (policy, places) = decode_with_places(&tree, &mut out).unwrap();
    let tree = read(&mut sources, "kinds.yaml", KINDS.as_bytes(), &mut out).unwrap();
    let kinds = decode_kinds(policy.vocabulary(), &tree, &mut out).unwrap();
    let bounds = Bounds {
        cases_max: 100,
        ..Bounds::default()
    };
    let proof = prove(&Plan::new(&policy), &[], bounds).unwrap();
    let tasks = kinds.kinds.iter().map(|(name, kind)| (&**name, &kind.attributes));
    let census = census(&policy, tasks).unwrap();
    let suite = policy.witnesses().unwrap();
    let report = ProofReport {
        proof: &proof,
        places: &places,
        kinds: Some(KindsReport {
            kinds: &kinds,
            census: &census,
        }),
        tests: Some(WrittenSuite {
            suite: &suite,
            scenarios: 3,
            folder: "tests/lanes",
        }),
        denied: Denied::Unsafe,
    };
    check(&report, &sources);
}

#[test]
fn a_proof_is_written_in_every_format() {
    with_report(|report, sources| {
        let analysis = proof_analysis(report, sources);
        for kind in FoundKind::ALL {
            let golden = repo(&format!("tests/golden/check/{}.txt", kind.word()));
            check_golden(&golden, &kind.render(&analysis));
        }
        let shown = proof_text(report, sources, Detail::Full, Paint::Plain);
        assert_eq!(
            shown,
            FoundKind::Human.render(&analysis),
            "the terminal says what the report says"
        );
        let found: BTreeSet<&str> = analysis.found.iter().map(|found| found.id.as_str()).collect();
        assert!(
            found.contains("boundary-lost") && found.contains("kind-unsettled"),
            "{found:?}"
        );
    });
}

/// A policy with a gap and a space that is not enumerated, so that it is proven at once.
const GAP: &str = "\
policy: gap
attributes: { urgent: bool, internal: bool, tested: bool }
boundary: { approval_when: any_effect }
rules:
  - id: urgent-stays
    when: urgent and (internal or tested)
    execution: interactive
    because: somebody waits for it
";

#[test]
fn every_format_is_reached_from_the_command_line_and_by_reports() {
    let folder = folder("formats");
    std::fs::write(folder.join("gap.yaml"), GAP).unwrap();
    for kind in ["json", "sarif", "junit", "github", "markdown"] {
        let report = format!("{kind}=report.txt");
        let output = lanebench(
            &folder,
            &["check", "gap.yaml", "--format", kind, "--report", &report],
        );
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let written = std::fs::read_to_string(folder.join("report.txt")).unwrap();
        assert_eq!(written, text(&output.stdout), "{kind}");
        assert!(written.contains("no rule decides some tasks"), "{written}");
        assert!(!written.contains("<failure"), "{written}");
    }
    // What is denied fails in every format alike.
    let denied = ["check", "gap.yaml", "--deny", "untidy", "--format", "junit"];
    let output = lanebench(&folder, &denied);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stdout).contains("<failure"),
        "{}",
        text(&output.stdout)
    );
    let output = lanebench(
        &folder,
        &["check", "gap.yaml", "--report", "junit=no/such/folder/x"],
    );
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let output = lanebench(&folder, &["check", "gap.yaml", "--format", "sarf"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("did you mean `sarif`?"));
}

#[test]
fn a_kind_that_is_not_settled_fails_where_untidy_is_denied() {
    let folder = folder("kinds");
    std::fs::write(folder.join("gap.yaml"), GAP).unwrap();
    std::fs::write(folder.join("kinds.yaml"), KINDS).unwrap();
    let run = |more: &[&str]| {
        let arguments = ["check", "gap.yaml", "--kinds", "kinds.yaml"];
        lanebench(&folder, &[&arguments, more].concat())
    };
    let output = run(&[]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    for words in [
        "warning[kind-unsettled]: the kind `vague`",
        "kinds.yaml:2:3",
        "decided by `urgent-stays` or no rule",
        "0 of 1 kinds resolve to one rule",
        ", 1 kind without a single rule",
    ] {
        assert!(said.contains(words), "{words} is missing:\n{said}");
    }
    let output = run(&["--deny", "untidy", "--quiet"]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stdout);
    assert!(said.contains("failed[kind-unsettled]"), "{said}");
    assert!(!said.contains("note["), "{said}");
}

#[test]
fn what_written_tests_are_worth_is_in_the_json() {
    let folder = folder("worth");
    std::fs::write(folder.join("gap.yaml"), GAP).unwrap();
    let arguments = ["check", "gap.yaml", "--write-tests", "tests", "--format", "json"];
    let output = lanebench(&folder, &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let tests = &said["details"]["tests"];
    assert!(tests["edits"].as_u64() > Some(10), "{tests}");
    assert_eq!(tests["caught"], tests["edits"]);
    assert_eq!(tests["folder"], "tests");
    let output = lanebench(&folder, &["check", "gap.yaml", "--format", "json"]);
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["details"]["tests"], Value::Null);
}

/// A policy with three possible cells: on every attribute but one nothing is possible but that it is unknown.
const NARROW: &str = "\
policy: narrow
boundary: { approval_when: any_effect }
assume:
  - never: answer_short_within_wait or tools_narrow_fast or value_after_session or multi_step_or_slow
  - never: not answer_short_within_wait or not tools_narrow_fast or not value_after_session or not multi_step_or_slow
  - never: can_show_status or can_show_retry or can_retrieve_result or review_before_delivery
  - never: not can_show_status or not can_show_retry or not can_retrieve_result or not review_before_delivery
  - never: customer_comm or record_change or purchase_or_credit or prod_write or publish_unchecked
  - never: not customer_comm or not record_change or not purchase_or_credit or not prod_write
  - never: not publish_unchecked or conversational_value_primary or not conversational_value_primary
  - never: changes_state or spends_money or affects_customers
  - never: not changes_state or not spends_money or not affects_customers
rules:
  - id: steered
    when: user_steering
    execution: interactive
    because: the user speaks
  - id: otherwise
    execution: interactive
    because: nobody asked for more
";

/// What `check` shows of the findings about a policy.
fn shown_of(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap();
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let tree = read(&mut sources, "policy.yaml", &bytes, &mut out).unwrap();
    let (policy, places) = decode_with_places(&tree, &mut out).unwrap();
    let bounds = Bounds {
        cases_max: 100,
        ..Bounds::default()
    };
    let proof = prove(&Plan::new(&policy), &[], bounds).unwrap();
    findings_text(&proof, &places, &sources, Paint::Plain)
}

/// What a whole scenario looks like around a witness.
fn around(policy: &str, witness: &str, expectation: &str) -> String {
    format!(
        "scenario: a witness that was pasted\nshows: [lanes]\npolicy: {policy}\nkinds: kinds.yaml\n\
         tasks:\n  {witness}\nexpect:\n  witness: {expectation}\n"
    )
}

#[test]
fn every_witness_that_is_printed_can_be_pasted_into_a_scenario_and_played() {
    let folder = folder("paste");
    // Any registry will do: the kind of a witness is always there.
    let mut shown = BTreeSet::new();
    let mut pasted = 0;
    let scenarios = folder.join("scenarios");
    std::fs::create_dir(&scenarios).unwrap();
    std::fs::write(scenarios.join("kinds.yaml"), KINDS).unwrap();
    for path in yaml_files("tests/bad/proof") {
        let name = path.file_name().unwrap().to_str().unwrap();
        std::fs::copy(&path, scenarios.join(name)).unwrap();
        // The text for people is pasted as it stands there.
        for finding in shown_of(&path).split("\n\n") {
            let line = |start: &str| {
                let lines = finding.lines().map(str::trim);
                lines
                    .filter_map(|line| line.strip_prefix(start))
                    .next()
                    .map(str::to_owned)
            };
            let Some(witness) = line("= witness: ") else {
                continue;
            };
            let answer = finding
                .lines()
                .find_map(|line| line.split_once("the least is answered: "))
                .unwrap()
                .1;
            let (route, boundary) = answer.split_once(", boundary ").unwrap();
            let (route, rule) = route.split_once(" by ").unwrap();
            let rule = rule.trim_matches('`');
            let expectation = match (route, boundary) {
                ("refused", _) => "{ outcome: refused }".to_owned(),
                (execution, "approval") => {
                    format!("{{ lane: approval, execution: {execution}, rule: {rule} }}")
                }
                (execution, _) => format!("{{ lane: {execution}, rule: {rule} }}"),
            };
            let scenario = around(name, &witness, &expectation);
            std::fs::write(scenarios.join(format!("pasted-{pasted:03}.yaml")), scenario).unwrap();
            pasted += 1;
            let id = finding.split_once('[').unwrap().1.split_once(']').unwrap().0;
            shown.insert(id.to_owned());
        }
    }
    let expected = [
        "boundary-lost",
        "capability-moves",
        "contested-without-reason",
        "default-reliance",
        "gap",
        "gate-false",
        "outside-permitted",
        "overlap",
        "refusal-beyond-reading",
        "shadowed-rule",
        "unknown-effect",
        "unknown-widens",
        "unsafe-cell",
    ];
    assert_eq!(
        shown.iter().map(String::as_str).collect::<Vec<_>>(),
        expected,
        "every finding about tasks"
    );
    let output = lanebench(&scenarios, &["run", ".", "--world", "model", "--format", "json"]);
    assert_eq!(text(&output.stderr), "", "every scenario is read");
    let played: Value = serde_json::from_slice(&output.stdout).unwrap();
    let runs = played["runs"].as_array().unwrap();
    assert_eq!(runs.len(), pasted);
    let said = text(&output.stdout);
    // Each goes where the proof says. What is wrong with that is found again by the run, as an invariant that is broken.
    assert!(!said.contains("expected `"), "{said}");
    for law in ["RO-02", "RO-03", "RO-04", "RO-06"] {
        assert!(said.contains(&format!("invariant {law} does not hold")), "{law}");
    }
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_certificate_is_verified_and_one_that_was_tampered_with_is_not() {
    let folder = folder("certificate");
    std::fs::write(folder.join("lanes.yaml"), NARROW).unwrap();
    let output = lanebench(
        &folder,
        &["check", "lanes.yaml", "--certificate", "lanes.json", "--quiet"],
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let verify = |name: &str, more: &[&str]| {
        let output = lanebench(
            &folder,
            &[&["check", "lanes.yaml", "--verify", name], more].concat(),
        );
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, said, errors) = verify("lanes.json", &[]);
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{said}");
    assert!(said.starts_with("verified: "), "{said}");

    let certificate = std::fs::read_to_string(folder.join("lanes.json")).unwrap();
    let tampered = certificate.replacen("\"count\": \"3\"", "\"count\": \"4\"", 1);
    assert_ne!(tampered, certificate);
    std::fs::write(folder.join("tampered.json"), tampered).unwrap();
    let (code, said, _) = verify("tampered.json", &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains(
            "failed[certificate-mismatch]: whole: `possible` is true of 3 cells, the certificate says 4"
        ),
        "{said}"
    );
    assert!(said.contains("FAILED: "), "{said}");
    let (code, said, _) = verify("tampered.json", &["--format", "junit"]);
    assert!(code == Some(1) && said.contains("<failure"), "{said}");

    std::fs::write(folder.join("none.json"), "{}").unwrap();
    let (code, said, errors) = verify("none.json", &[]);
    assert_eq!((code, said.as_str()), (Some(2), ""));
    assert!(errors.contains("this is no certificate of lanebench"), "{errors}");

    // The certificate of another policy.
    std::fs::write(folder.join("lanes.yaml"), NARROW.replace("speaks", "steers")).unwrap();
    let (code, said, _) = verify("lanes.json", &[]);
    assert!(code == Some(1) && said.contains("about another policy"), "{said}");
}

#[test]
fn what_is_too_entangled_is_not_decided_and_ends_with_4() {
    let folder = folder("entangled");
    std::fs::write(folder.join("entangled.yaml"), entangled()).unwrap();
    let output = lanebench(&folder, &["check", "entangled.yaml", "--format", "sarif"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(
        said.contains("need more than 2000000 nodes") && said.contains("= help: "),
        "{said}"
    );
    assert!(output.stdout.is_empty());
}

#[test]
fn where_there_is_nothing_to_prove_nothing_is_proven() {
    let folder = folder("nothing");
    let many = |form: &dyn Fn(usize) -> String, by: &str| {
        let all: Vec<String> = (0..60).map(form).collect();
        all.join(by)
    };
    let numbers = format!(
        "policy: numbers\nattributes: {{ {} }}\nboundary: {{ approval_when: any_effect }}\nrules:\n  \
         - {{ id: all, when: '{}', execution: interactive }}\n  - {{ id: otherwise, execution: interactive }}\n",
        many(&|at| format!("n{at}: count"), ", "),
        many(&|at| format!("n{at} > {}", at + 2), " and ")
    );
    let impossible = format!("{GAP}assume: [{{ never: always }}]\n");
    for (text_of, words) in [
        (impossible, "the assumptions exclude every task"),
        (numbers, "more than 2^128 tasks apart"),
    ] {
        std::fs::write(folder.join("policy.yaml"), text_of).unwrap();
        let output = lanebench(&folder, &["check", "policy.yaml"]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(4), "{said}");
        assert!(
            said.contains(words) && said.contains("nothing is decided"),
            "{said}"
        );
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn the_readme_shows_what_check_and_route_print() {
    let readme = std::fs::read_to_string(repo("README.md")).unwrap();
    let why = std::fs::read_to_string(repo("tests/golden/route/why-blind.txt")).unwrap();
    assert!(readme.contains(&format!("```text\n{why}```")), "{why}");
    let policies = [
        "scenarios/policies/three-lane.yaml",
        "tests/bad/proof/unsafe-cell.yaml",
    ];
    let output = lanebench(&repo(""), &["diff", policies[0], policies[1]]);
    let said = text(&output.stdout);
    let lost = said.split("\n\n").find(|one| one.starts_with("failed[")).unwrap();
    assert!(readme.contains(&format!("```text\n{lost}\n```")), "{lost}");
    let shown = shown_of(&repo("tests/bad/proof/boundary-lost.yaml"));
    let found = shown
        .split("\n\n")
        .find(|one| one.starts_with("failed[boundary-lost]"))
        .unwrap();
    let found = found.replace("policy.yaml", "boundary-lost.yaml");
    assert!(readme.contains(&format!("```text\n{found}\n```")), "{found}");
}

/// Pairs whose halves are named far from each other: no diagram over this order of attributes is small.
fn entangled() -> String {
    let names = |letter: char| (0..22).map(move |index| format!("{letter}{index}"));
    let declared: Vec<String> = names('a')
        .chain(names('b'))
        .map(|name| format!("{name}: bool"))
        .collect();
    let first: Vec<String> = names('a').collect();
    let pairs: Vec<String> = names('a')
        .zip(names('b'))
        .map(|(a, b)| format!("({a} and {b})"))
        .collect();
    format!(
        "policy: entangled\nattributes: {{ {} }}\nboundary: {{ approval_when: any_effect }}\nrules:\n  \
         - {{ id: first, when: '{}', execution: interactive }}\n  - {{ id: pairs, when: '{}', execution: interactive }}\n  \
         - {{ id: otherwise, execution: interactive }}\n",
        declared.join(", "),
        first.join(" and "),
        pairs.join(" or ")
    )
}
