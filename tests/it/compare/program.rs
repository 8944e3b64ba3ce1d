//! Strategies that are programs of their own.

use std::path::Path;
use std::process::{Command, Stdio};

use lanebench::report::{CompareKind, CompareReport, Paint};
use lanebench::runner::{ProgramError, Programs, launch, play_places};
use lanebench::sim::compare::{Comparison, Findings, Kept, Outcome, Standing};
use lanebench::sim::metric::Metric;

use super::{said, small, unbroken};

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
    let (comparison, programs) = with_shell(&always("{\"execution\":\"interactive\"}"));
    // The third strategy is the one that comes with the program and does the same.
    assert_eq!(outcomes(&comparison, 3), outcomes(&comparison, 2));
    let (comparison, by_policy) = with_shell(&always("{\"by_policy\":true}"));
    assert_eq!(outcomes(&comparison, 3), outcomes(&comparison, 0));
    assert_eq!((programs.failure(), by_policy.failure()), (None, None));
}

/// A program that answers every question so.
fn always(answer: &str) -> String {
    format!("read greeting; echo '{{\"ready\":true}}'; while read question; do echo '{answer}'; done")
}

/// The same world as [`small`], in which the tier `flex` has half the price.
fn with_tiers(script: &str) -> (Comparison, Programs) {
    let words = serde_json::to_string(&["sh", "-c", script]).unwrap();
    let program = format!("coin: {{ program: {words} }}");
    let usual = "  default: { input: 1.25, output: 10 }\n";
    let mut comparison = small(&[
        ("coin: { random: { interactive: 50% } }", &program),
        (usual, &format!("{usual}  flex: {{ input: 0.625, output: 5 }}\n")),
    ]);
    let programs = launch(std::slice::from_mut(&mut comparison), Path::new("."));
    (comparison, programs)
}

#[test]
fn a_program_may_name_tiers_that_have_a_price_and_no_others() {
    let flex = always("{\"by_policy\":true,\"tier\":\"flex\"}");
    let (comparison, programs) = with_tiers(&flex);
    let cost = |place| outcomes(&comparison, place).measures.value(Metric::Cost).unwrap();
    assert!((cost(3) - 0.5 * cost(0)).abs() < 1e-12, "{} {}", cost(3), cost(0));
    assert_eq!(programs.failure(), None);
    // Where it has none, it would look free of charge.
    let (comparison, programs) = with_shell(&flex);
    let _ = outcomes(&comparison, 3);
    let said = programs.failure().unwrap().to_string();
    assert!(
        said.contains(
            "the service tier `flex` has no price under `prices`, and would look cheap; it may be `default`"
        ),
        "{said}"
    );
    // The greeting says which may be named.
    let said = |make: fn(&str) -> (Comparison, Programs)| {
        let (comparison, programs) = make("read greeting; echo \"$greeting\"");
        let _ = outcomes(&comparison, 3);
        match programs.failure() {
            Some(ProgramError::Answer(_, said, _)) => said,
            other => panic!("{other:?}"),
        }
    };
    assert!(said(with_shell).ends_with(",\"tiers\":[\"default\"]}"));
    assert!(said(with_tiers).ends_with(",\"tiers\":[\"default\",\"flex\"]}"));
}

#[test]
fn a_program_is_shown_targets_and_says_what_is_due() {
    // One interactive place, and twice the tasks: what is due at its target passes what has time, as `edf` has it.
    let plays = |strategy: &str| {
        let mut comparison = small(&[
            ("coin: { random: { interactive: 50% } }", strategy),
            ("interactive: { capacity: 4 }", "interactive: { capacity: 1 }"),
            (
                "    - { kind: short_answer, share: 50%, targets: { first_output: 10s, result: 20s } }\n",
                "    - { kind: short_answer, id: soon, share: 20%, targets: { result: 20s } }\n    \
                 - { kind: short_answer, id: later, share: 30%, targets: { result: 10m } }\n",
            ),
            ("every: 10s, cv2: 2", "every: 1500ms, cv2: 2"),
        ]);
        let programs = launch(std::slice::from_mut(&mut comparison), Path::new("."));
        let outcome = outcomes(&comparison, 3);
        assert_eq!((programs.failure(), &outcome.broken), (None, &None));
        outcome
    };
    let script = "read greeting; echo '{\"ready\":true}'; while read question; do \
                  target=${question#*target??}; target=${target%%,*}; \
                  echo \"{\\\"by_policy\\\":true,\\\"due\\\":$target}\"; done";
    let words = serde_json::to_string(&["sh", "-c", script]).unwrap();
    let program = plays(&format!("coin: {{ program: {words} }}"));
    // With no prediction, least time left is the target.
    let due = |outcome: &Outcome| outcome.measures.value(Metric::AttainmentLeast).unwrap();
    let in_order = plays("coin: policy");
    assert!(
        due(&program) > due(&in_order),
        "{} {}",
        due(&program),
        due(&in_order)
    );
}

#[test]
fn a_program_that_learns_hears_what_came_of_its_draws_and_writes_them_down() {
    // It draws the background until it has heard of something good, and the interactive lane from then on.
    let script = "read greeting; echo '{\"ready\":true,\"learns\":true}'; lane=background; while read line; do \
                  case $line in \
                  *'\"heard\"'*'\"good\":true'*) lane=interactive;; \
                  *'\"heard\"'*) ;; \
                  *'\"background_permitted\":true'*) echo '{\"execution\":\"'$lane'\",\"propensity\":0.5}';; \
                  *) echo '{\"by_policy\":true}';; esac; done";
    let (comparison, programs) = with_shell(script);
    let outcome = outcomes(&comparison, 3);
    assert_eq!((programs.failure(), &outcome.broken), (None, &None));
    let first = outcome.drawn.iter().position(|drawn| drawn.interactive).unwrap();
    let known = outcome.drawn[..first].iter().filter_map(|drawn| drawn.came);
    let good = known.filter(|(_, good)| *good).map(|(at, _)| at).min().unwrap();
    for (place, drawn) in outcome.drawn.iter().enumerate() {
        assert_eq!(
            (drawn.interactive, drawn.propensity),
            (drawn.at > good, 0.5),
            "{place} {drawn:?} {good}"
        );
    }
    assert!(first > 0 && outcome.drawn.len() > first + 3);
}

#[test]
fn the_protocol_is_printed_and_names_every_field() {
    let (code, stdout, _) = said(&["compare", "--protocol"]);
    assert_eq!(code, Some(0));
    let asked = "read greeting; echo '{\"ready\":true}'; read question; echo \"$question\"";
    let (comparison, programs) = with_shell(asked);
    let _ = outcomes(&comparison, 3);
    let Some(ProgramError::Answer(_, question, why)) = programs.failure() else {
        panic!("{:?}", programs.failure())
    };
    let question: serde_json::Value = serde_json::from_str(&question).unwrap();
    for field in question.as_object().unwrap().keys() {
        assert!(stdout.contains(&format!("`{field}`")), "{field}");
    }
    // What an answer may have is what serde lists for a field that it does not know.
    let (_, fields) = why.split_once("expected one of ").unwrap();
    let fields: Vec<&str> = fields.split('`').skip(1).step_by(2).collect();
    assert_eq!(fields.len(), 8, "{why}");
    for field in fields {
        assert!(stdout.contains(&format!("\"{field}\":")), "{field}");
    }
}

/// Why a comparison with this program fails.
fn failed(script: &str) -> ProgramError {
    let (comparison, programs) = with_shell(script);
    let _ = outcomes(&comparison, 3);
    programs.failure().unwrap()
}

#[test]
fn what_is_no_answer_is_a_failure_of_the_machine() {
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
        "{\"by_policy\":true,\"due\":-1}",
        "{\"refuse\":\"no\",\"due\":1}",
        "{\"execution\":\"background\",\"propensity\":0}",
        "{\"execution\":\"background\",\"propensity\":0.5,\"gate\":true}",
        "{\"by_policy\":true,\"propensity\":0.5}",
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
    // Whoever plays the first replication finds out, and says so in a part too.
    let played = |places: &[u32]| {
        let mut lines = comparison.part_header();
        unbroken(play_places(&comparison, 1, places, |place, one| {
            lines.push_str(&comparison.part_line(place, one));
            Ok(())
        }));
        lines
    };
    let mut kept = Kept::new();
    for shard in [played(&[0, 2, 4, 6]), played(&[1, 3, 5, 7])] {
        comparison.read_part(&shard, &mut kept).unwrap();
    }
    let study = comparison.put_together(&kept).unwrap();
    let findings = Findings::of(&comparison, &study);
    assert_eq!(findings.standing(), Standing::Undecided);
    let [(seed, strategy, why)] = &findings.broken[..] else {
        panic!("{:?}", findings.broken);
    };
    assert_eq!((seed.0, *strategy), (1, 3));
    assert!(why.contains("answered otherwise"), "{why}");
    let report = CompareReport {
        comparison: &comparison,
        study: &study,
        findings: &findings,
    };
    let text = CompareKind::Human.render(&report, Paint::Plain);
    assert!(
        text.contains("undecided: some run of `coin` is no evidence, and "),
        "{text}"
    );
    // From now on it always answers the same.
    kept.clear();
    comparison.read_part(&played(&[0]), &mut kept).unwrap();
    assert_eq!(kept[&0].outcomes[3].broken, None);
    assert_eq!(programs.failure(), None);
}

#[test]
fn what_is_said_too_much_is_found_out_and_shown_in_short() {
    let twice = "read greeting; echo '{\"ready\":true}'; \
                 while read question; do echo '{\"by_policy\":true}'; echo '{\"by_policy\":true}'; done";
    assert!(matches!(failed(twice), ProgramError::Unasked(..)));
    // In the middle of a run, and when its last question is long answered.
    let once = "n=0; read greeting; echo '{\"ready\":true}'; while read question; do echo '{\"by_policy\":true}'; \
                n=$((n+1)); if [ $n = 40 ]; then echo '{\"execution\":\"background\"}'; fi; done";
    assert!(matches!(failed(once), ProgramError::Unasked(..)));
    let late = format!(
        "{}; echo '{{\"by_policy\":true}}'",
        always("{\"by_policy\":true}")
    );
    let said = failed(&late).to_string();
    assert!(
        said.ends_with(
            "whose run of seed 1 is over, has given an answer too many by then: `{\"by_policy\":true}`"
        ),
        "{said}"
    );
    let noise = "read greeting; echo '{\"ready\":true}'; read question; printf '\\033[31m\\377%0999d\\n' 7";
    let said = failed(noise).to_string();
    assert!(
        said.contains("asked about task 0 of seed 1, answered `\\u{1b}[31m")
            && said.contains("…`, which is no answer"),
        "{said}"
    );
    assert!(said.len() < 400 && !said.contains(char::is_control), "{said}");
}

#[test]
fn another_version_of_a_program_makes_other_parts() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("versions");
    std::fs::create_dir_all(&folder).unwrap();
    let digest = |text: &str| {
        std::fs::write(folder.join("mine.sh"), text).unwrap();
        let mut comparison = small(&[(
            "coin: { random: { interactive: 50% } }",
            "coin: { program: [sh, mine.sh] }",
        )]);
        launch(std::slice::from_mut(&mut comparison), &folder);
        comparison.part_header()
    };
    let first = digest(&always("{\"by_policy\":true}"));
    assert_eq!(digest(&always("{\"by_policy\":true}")), first);
    assert_ne!(digest(&always("{\"execution\":\"background\"}")), first);
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
    let (code, stdout, stderr) = said(&["compare", file, "--allow-programs", "--format", "json"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    let study: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    let strategies = study["strategies"].as_array().unwrap();
    let metric = |name: &str, metric: &str| {
        let strategy = strategies.iter().find(|one| one["name"] == name).unwrap();
        let metrics = strategy["metrics"].as_array().unwrap();
        metrics.iter().find(|one| one["metric"] == metric).unwrap()["mean"]
            .as_f64()
            .unwrap()
    };
    // What leaves the interactive lane is asked for on the cheap tier.
    assert!(metric("free-places", "cost") < 0.7 * metric("three-lane", "cost"));
    let learner = strategies.iter().find(|one| one["name"] == "learner").unwrap();
    let estimate = |lane: &str| learner["off_policy"][lane]["mean"].as_f64().unwrap();
    assert!(learner["off_policy"]["choices"].as_u64().unwrap() > 100);
    assert!(
        estimate("background") > estimate("interactive") + 0.2,
        "{learner}"
    );
}
