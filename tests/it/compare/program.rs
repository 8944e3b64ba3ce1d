//! Strategies that are programs of their own.

use std::path::Path;
use std::process::{Command, Stdio};

use lanebench::runner::{ProgramError, Programs, answers_again, launch};
use lanebench::sim::compare::{Comparison, Outcome};
use lanebench::sim::metric::Metric;

use super::{said, small};

/// The small comparison with a program of the shell in the place of the coin.
fn with_shell(script: &str) -> (Comparison, Programs) {
    let words = serde_json::to_string(&["sh", "-c", script]).unwrap();
    let program = format!("coin: {{ program: {words} }}");
    let mut comparison = small(&[("coin: { random: { interactive: 50% } }", &program)]);
    let programs = launch(std::slice::from_mut(&mut comparison), Path::new("."));
    assert_eq!(programs.count(), 1);
    (comparison, programs)
}

fn outcomes(comparison: &Comparison, place: usize) -> Outcome {
    let stage = comparison.stage(comparison.seed(0));
    comparison.play(&stage, &comparison.strategies[place])
}

#[test]
fn a_program_decides_as_it_says() {
    let always = |answer: &str| {
        format!("read greeting; echo '{{\"ready\":true}}'; while read question; do echo '{answer}'; done")
    };
    let (comparison, programs) = with_shell(&always("{\"execution\":\"interactive\"}"));
    // The third strategy is the one that comes with the program and does the same.
    assert_eq!(outcomes(&comparison, 3), outcomes(&comparison, 2));
    let (comparison, by_policy) = with_shell(&always("{\"by_policy\":true}"));
    assert_eq!(outcomes(&comparison, 3), outcomes(&comparison, 0));
    assert_eq!((programs.failure(), by_policy.failure()), (None, None));
    let (comparison, on_tier) = with_shell(&always("{\"by_policy\":true,\"tier\":\"flex\"}"));
    // What has no price costs nothing: that is how one sees which tier was asked for.
    let cost = |place| outcomes(&comparison, place).measures.value(Metric::Cost);
    assert!(cost(0) > Some(0.0));
    assert_eq!((cost(3), on_tier.failure()), (Some(0.0), None));
}

#[test]
fn what_is_no_answer_is_a_failure_of_the_machine() {
    let failed = |script: &str| {
        let (comparison, programs) = with_shell(script);
        let _ = outcomes(&comparison, 3);
        programs.failure().unwrap()
    };
    assert!(matches!(failed("exit 0"), ProgramError::Ended(_)));
    assert!(matches!(
        failed("read greeting; echo hello"),
        ProgramError::Answer(..)
    ));
    let ready = "read greeting; echo '{\"ready\":true}'; read question;";
    assert!(matches!(failed(ready), ProgramError::Ended(_)));
    for answer in [
        "{}",
        "{\"execution\":\"later\"}",
        "{\"by_policy\":true,\"gate\":true}",
        "{\"execution\":\"background\",\"tier\":\"cheap\"}",
        "{\"refuse\":\"no\",\"tier\":\"flex\"}",
        "{\"by_policy\":true,\"prio\":1}",
    ] {
        let error = failed(&format!("{ready} echo '{answer}'"));
        assert!(matches!(error, ProgramError::Answer(..)), "{answer}: {error}");
    }
    let mut comparison = small(&[(
        "coin: { random: { interactive: 50% } }",
        "coin: { program: [no-such-program] }",
    )]);
    let programs = launch(std::slice::from_mut(&mut comparison), Path::new("."));
    let _ = outcomes(&comparison, 3);
    assert!(matches!(programs.failure(), Some(ProgramError::Begin(..))));
}

#[test]
fn a_program_that_changes_its_mind_is_found_out() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("changing-mind");
    let _ = std::fs::remove_file(&folder);
    let mark = folder.to_str().unwrap();
    let script = format!(
        "read greeting; echo '{{\"ready\":true}}'; if [ -e '{mark}' ]; then answer=background; else answer=interactive; fi; \
         : > '{mark}'; while read question; do echo '{{\"execution\":\"'$answer'\"}}'; done"
    );
    let (comparison, programs) = with_shell(&script);
    let first = comparison.replicate(0);
    assert!(!answers_again(&comparison, &first));
    assert!(answers_again(&comparison, &comparison.replicate(0)));
    assert_eq!(programs.failure(), None);
}

#[test]
fn the_program_in_python_plays_where_it_is_allowed() {
    let file = "scenarios/comparisons/own-program.yaml";
    let (code, _, stderr) = said(&["compare", file]);
    assert_eq!(code, Some(2));
    assert!(
        stderr.contains("let them run with `--allow-programs`"),
        "{stderr}"
    );
    let python = Command::new("python3")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    if !python.is_ok_and(|status| status.success()) {
        println!("skipped: there is no python3");
        return;
    }
    let (code, stdout, stderr) = said(&["compare", file, "--allow-programs"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    assert!(stdout.contains("free-places"), "{stdout}");
}
