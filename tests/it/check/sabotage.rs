//! Every invariant can fail: for each there is a sabotage that makes it fire first, on a run whose honest twin
//! breaks nothing.

use std::collections::BTreeSet;

use lanebench::check::{Id, Judgement};
use lanebench::sabotage::{Sabotage, find, sabotages};
use lanebench::scenario::Scenario;

use super::world::{load, play_sabotaged, scenarios};

const SEED: u64 = 1;

/// What fired at the earliest record.
fn first(judged: &[Judgement]) -> BTreeSet<Id> {
    let broken = || {
        judged
            .iter()
            .filter_map(|one| Some((one.violation()?.record, one.id)))
    };
    let earliest = broken().map(|(record, _)| record).min();
    broken()
        .filter(|(record, _)| Some(*record) == earliest)
        .map(|(_, id)| id)
        .collect()
}

/// The scenario in which the sabotage makes its invariant fire first; what else happened, if there is none.
fn killed(sabotage: &Sabotage, scenarios: &[(String, Scenario)]) -> Result<(), String> {
    let mut seen = Vec::new();
    for (path, scenario) in scenarios {
        let fired = first(&play_sabotaged(scenario, SEED, sabotage).judged());
        if fired.contains(&sabotage.breaks) {
            return Ok(());
        }
        if !fired.is_empty() {
            seen.push(format!("{path}: {fired:?}"));
        }
    }
    Err(format!(
        "{} should break {} first, but: {seen:?}",
        sabotage.name, sabotage.breaks
    ))
}

#[test]
fn every_sabotage_makes_its_invariant_fire_first() {
    let scenarios: Vec<(String, Scenario)> = scenarios()
        .into_iter()
        .map(|path| {
            let scenario = load(&path);
            (path, scenario)
        })
        .collect();
    let failures: Vec<String> = sabotages()
        .filter_map(|sabotage| killed(sabotage, &scenarios).err())
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_invariant_has_a_sabotage() {
    let broken: BTreeSet<Id> = sabotages().map(|sabotage| sabotage.breaks).collect();
    let missing: Vec<&Id> = Id::ALL.iter().filter(|id| !broken.contains(id)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn names_are_unique_and_found() {
    for sabotage in sabotages() {
        let found = find(sabotage.name).unwrap();
        assert_eq!((found.name, found.breaks), (sabotage.name, sabotage.breaks));
        assert!(!sabotage.what.is_empty());
    }
    assert!(find("nothing-of-the-sort").is_none());
}
