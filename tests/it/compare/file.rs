//! Comparison files: the shipped ones, and broken ones with what is said about them.

use lanebench::sim::metric::Metric;

use super::{read, small, text_of};
use crate::support::{check_golden, repo, yaml_files};

#[test]
fn every_shipped_comparison_is_read() {
    for path in yaml_files("scenarios/comparisons") {
        let name = path.strip_prefix(repo("")).unwrap().to_str().unwrap().to_owned();
        let (comparison, said) = read(&name, &text_of(&name));
        assert!(comparison.is_some() && said.is_empty(), "{said}");
    }
}

#[test]
fn every_mistake_is_said_at_once_with_its_place() {
    for path in yaml_files("tests/bad/comparison") {
        let name = path.strip_prefix(repo("")).unwrap().to_str().unwrap().to_owned();
        let (comparison, said) = read(&name, &text_of(&name));
        assert!(comparison.is_none(), "{name} is taken");
        check_golden(&path.with_extension("err"), &said);
    }
}

#[test]
fn what_is_left_out_is_usual() {
    let comparison = small(&[
        ("indifference: 2%\n", ""),
        ("hypothesis: three lanes beat one\n", ""),
        (
            "metrics: [live_wait, live_wait_p95, abandonment, cost, fairness]\n",
            "metrics: [goodput]\n",
        ),
        (
            "replications: { min: 4, max: 8, half_width: 10%, round: 2 }\n",
            "",
        ),
    ]);
    assert_eq!(comparison.metrics, [Metric::Goodput]);
    assert_eq!((comparison.reference, comparison.indifference), (0, None));
    assert_eq!((comparison.repeats.least, comparison.repeats.most), (10, 40));
    assert!(comparison.gates.len() == 3 && comparison.alpha == 0.05);
}

#[test]
fn it_is_looked_after_fixed_rounds() {
    let looks = |text: &str| -> Vec<u32> {
        let wanted = format!("replications: {text}\n");
        let usual = "replications: { min: 4, max: 8, half_width: 10%, round: 2 }\n";
        small(&[(usual, &wanted)]).repeats.looks().collect()
    };
    assert_eq!(looks("{ min: 4, max: 8, round: 2 }"), [4, 6, 8]);
    assert_eq!(looks("{ min: 4, max: 9, round: 3 }"), [4, 7, 9]);
    assert_eq!(looks("{ min: 5, max: 5 }"), [5]);
}
