//! Comparisons as they are played: the same luck for all, the same bytes on any number of threads, exit codes.

use lanebench::report::{CompareKind, CompareReport, Paint};
use lanebench::rng::Seed;
use lanebench::runner::play_comparison;
use lanebench::sim::compare::{Cell, Comparison, Findings, Kept, Standing, Study, Verdict};
use serde_json::Value;

use super::{SMALL, played, said, small, unbroken};
use crate::support::{check_golden, repo};

fn rendered(comparison: &Comparison, threads: usize) -> [String; 4] {
    let study = unbroken(play_comparison(comparison, threads, &Kept::new(), |_, _| Ok(())));
    let findings = Findings::of(comparison, &study);
    let report = CompareReport {
        comparison,
        study: &study,
        findings: &findings,
    };
    CompareKind::ALL.map(|kind| kind.render(&report, Paint::Plain))
}

/// Two replications, whatever comes of them.
const TWO_RUNS: (&str, &str) = (
    "replications: { min: 4, max: 8, half_width: 10%, round: 2 }",
    "replications: { min: 2, max: 2 }",
);

#[test]
fn a_study_is_written_in_every_format_and_the_same_on_any_number_of_threads() {
    let comparison = small(&[]);
    let [human, csv, json, html] = rendered(&comparison, 1);
    assert!([&human, &csv, &json, &html] == rendered(&comparison, 3).each_ref());
    check_golden(&repo("tests/golden/compare/human.txt"), &human);
    agree(&csv, &json);
    for line in human.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

/// Every number of the table stands in the JSON, and the other way round.
fn agree(csv: &str, json: &str) {
    let json: Value = serde_json::from_str(json).unwrap();
    let runs = json["runs"].as_array().unwrap();
    let mut rows = 0;
    for line in csv.lines().skip(1) {
        let [strategy, role, seed, metric, _, value] = line.split(',').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        let run = runs.iter().find(|run| {
            let name = run["strategy"].as_str();
            let own = if role == "control" {
                name.is_none()
            } else {
                name == Some(strategy)
            };
            own && run["seed"].as_u64() == seed.parse().ok()
        });
        let said = &run.unwrap()["values"][metric];
        match value {
            "" => assert!(said.is_null(), "{line}"),
            value => {
                // Readers of JSON may be off by a last digit.
                let (said, value) = (said.as_f64().unwrap(), value.parse::<f64>().unwrap());
                assert!((said - value).abs() <= 1e-12 * value.abs(), "{line}: {said}");
            }
        }
        rows += 1;
    }
    let numbers: usize = runs
        .iter()
        .map(|run| run["values"].as_object().unwrap().len())
        .sum();
    assert!(rows == numbers && rows > 1_000, "{rows} and {numbers}");
}

#[test]
fn strategies_meet_the_same_tasks_and_replications_others() {
    let comparison = small(&[]);
    let tasks = |seed: u64| {
        let stage = comparison.stage(Seed(seed));
        let blueprint = |place: usize| comparison.blueprint(&stage, &comparison.strategies[place]);
        let (first, second) = (blueprint(0), blueprint(3));
        assert_eq!(first.desk.tasks, second.desk.tasks);
        assert_eq!(first.outside.tasks, second.outside.tasks);
        assert_eq!((first.seed, &first.scripts), (second.seed, &second.scripts));
        first.outside.tasks.iter().map(|task| task.at).collect::<Vec<_>>()
    };
    assert_eq!(tasks(1), tasks(1));
    assert_ne!(tasks(1), tasks(2));
}

#[test]
fn the_same_strategy_under_another_name_differs_by_nothing() {
    let comparison = small(&[(
        "  all-interactive: all_interactive\n",
        "  again: policy\n  all-interactive: all_interactive\n",
    )]);
    let study = played(&comparison);
    for replication in &study.replications {
        assert_eq!(replication.outcomes[0], replication.outcomes[2]);
        assert_ne!(replication.outcomes[0], replication.control);
    }
    let findings = Findings::of(&comparison, &study);
    for row in &findings.cells {
        let Cell::Said {
            contrast: Some(contrast),
            ..
        } = &row[2]
        else {
            panic!("{row:?}")
        };
        assert_eq!((contrast.paired.difference, contrast.p), (0.0, 1.0));
        assert_eq!(contrast.verdict, Verdict::Identical);
    }
}

#[test]
fn a_policy_without_the_boundary_fails_the_comparison() {
    let loose = "tests/golden/compare/loose.yaml";
    let change = format!("product-first: {{ policy: ../../../{loose} }}");
    let comparison = small(&[(
        "product-first: { policy: ../../../scenarios/policies/product-first.yaml }",
        &change,
    )]);
    let study = played(&comparison);
    let findings = Findings::of(&comparison, &study);
    // The core asks all the same: nothing lands without a grant.
    assert_eq!(findings.unsafe_releases, [0; 6]);
    assert!(
        findings.ungated[1] > 0 && findings.ungated[0] == 0,
        "{:?}",
        findings.ungated
    );
    assert_eq!(findings.standing(), Standing::Failed);
    let text = text(&comparison, &study, &findings);
    assert!(text.contains("FAILED: unsafe: `product-first`, and "), "{text}");
}

fn text(comparison: &Comparison, study: &Study, findings: &Findings) -> String {
    let report = CompareReport {
        comparison,
        study,
        findings,
    };
    CompareKind::Human.render(&report, Paint::Plain)
}

#[test]
fn how_narrow_is_enough_is_said() {
    let wide = (
        "replications: { min: 4, max: 8, half_width: 10%, round: 2 }",
        "replications: { min: 4, max: 4, half_width: 0.0001% }",
    );
    let comparison = small(&[("indifference: 2%", "indifference: 100%"), wide]);
    let study = played(&comparison);
    let findings = Findings::of(&comparison, &study);
    // Far from its share of the mean, and yet well within what does not matter.
    let said = "every interval of `goodput` is narrow enough (0.0001 % or 0.5000) after 4 replications\n";
    let text = text(&comparison, &study, &findings);
    assert!(findings.converged && text.ends_with(said), "{text}");
}

#[test]
fn a_small_alpha_is_not_told_as_nothing() {
    let comparison = small(&[
        ("indifference: 2%\n", "indifference: 2%\nalpha: 0.04%\n"),
        TWO_RUNS,
    ]);
    let study = played(&comparison);
    let text = text(&comparison, &study, &Findings::of(&comparison, &study));
    for said in ["alpha 0.04 %", " 99.96 % interval", "nominal 0.04 %"] {
        assert!(text.contains(said), "{said}: {text}");
    }
}

#[test]
fn where_nobody_comes_that_is_what_is_said() {
    let comparison = small(&[("every: 10s", "every: 100h"), TWO_RUNS]);
    let study = played(&comparison);
    let findings = Findings::of(&comparison, &study);
    assert_eq!((findings.tasks, findings.standing()), (0, Standing::Undecided));
    let text = text(&comparison, &study, &findings);
    let said = "undecided: not decided: 2 of 3 gates, and no task counted in 2 replications, the cap\n";
    assert!(text.ends_with(said), "{text}");
}

#[test]
fn too_few_replications_are_said_to_be_too_few() {
    let usual = "replications: { min: 4, max: 8, half_width: 10%, round: 2 }";
    let comparison = small(&[
        (usual, "replications: { min: 2, max: 2, half_width: 0.0001% }"),
        ("indifference: 2%\n", ""),
        ("  - { strategy: coin, metric: live_wait, at_most: 30s }\n", ""),
    ]);
    let study = played(&comparison);
    let findings = Findings::of(&comparison, &study);
    assert!(!findings.converged);
    assert_eq!(findings.standing(), Standing::Undecided);
    let text = text(&comparison, &study, &findings);
    assert!(text.contains("undecided: did not converge"), "{text}");
}

#[test]
fn the_command_says_how_it_ended() {
    let (code, stdout, stderr) = said(&["compare", SMALL, "--format", "json", "--threads", "2"]);
    assert_eq!(stderr, "");
    let json: Value = serde_json::from_str(&stdout).unwrap();
    let expected = match json["standing"].as_str().unwrap() {
        "decided" => 0,
        "failed" => 1,
        _ => 4,
    };
    assert_eq!(code, Some(expected));
    let (code, stdout, stderr) = said(&["compare", "tests/bad/comparison/gates.yaml"]);
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    assert!(stderr.contains("did you mean `three-lane`?"), "{stderr}");
    let (code, _, stderr) = said(&["compare", "no/such.yaml"]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("`no/such.yaml` does not exist"), "{stderr}");
    let (code, stdout, _) = said(&["compare", "--metrics"]);
    assert_eq!(code, Some(0));
    assert!(
        stdout.starts_with(
            "unsafe_releases (count, less is better, decides only while what is done is held)\n"
        ),
        "{stdout}"
    );
}
