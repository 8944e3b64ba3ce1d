//! Every invariant can fail: for each sabotage there is a shipped scenario that exercises its invariant, in which that
//! fires first, and whose honest twin breaks nothing.

use std::collections::BTreeSet;

use lanebench::check::Id;
use lanebench::runner::{SuiteOptions, World};
use lanebench::sabotage::{Proven, Sabotage, find, prove, sabotages};
use lanebench::units::SimDuration;

use crate::suite::suite;

fn options(world: World) -> SuiteOptions {
    SuiteOptions {
        world,
        seeds: Vec::new(),
        threads: 2,
        wall_limit: SimDuration::ZERO,
    }
}

#[test]
fn the_shipped_scenarios_prove_every_invariant() {
    let proof = prove(&suite(), &options(World::Model));
    assert_eq!(proof.broken, []);
    let missing: Vec<&Proven> = proof.invariants.iter().filter(|one| !one.holds()).collect();
    assert!(missing.is_empty(), "{missing:#?}");
    let ids: BTreeSet<Id> = proof.invariants.iter().map(|one| one.id).collect();
    assert!(Id::ALL.iter().all(|id| ids.contains(id)));
}

#[test]
fn nothing_is_proven_by_a_scenario_that_does_not_exercise_it() {
    let mut suite = suite();
    suite.retain(|one| &*one.file == "scenarios/status/polls-that-keep-failing.yaml");
    let proof = prove(&suite, &options(World::Model));
    assert_eq!((suite.len(), proof.runs), (1, 1));
    let approvals: Vec<&Proven> = proof
        .invariants
        .iter()
        .filter(|one| one.id.entry().name.starts_with("AP-0"))
        .collect();
    assert!(!approvals.is_empty());
    for one in approvals {
        assert_eq!(
            (one.exercised, one.killed(), one.holds()),
            (0, 0, false),
            "{one:?}"
        );
    }
    assert!(proof.invariants.iter().any(Proven::holds));
}

#[test]
fn every_invariant_has_a_sabotage() {
    let breaks = |sabotage: &Sabotage| sabotage.breaks;
    let broken: BTreeSet<Id> = sabotages().map(breaks).collect();
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
