//! The simulator beside queueing theory: the whole engine, with its lanes, people and service, has to give what closed
//! forms say; and engines that are wrong do not.
//!
//! `lanebench oracles` goes further: half-widths of half a per cent, and how often intervals cover over many seeds.

use std::collections::BTreeMap;

use lanebench::report::{Paint, coverage_text};
use lanebench::rng::Seed;
use lanebench::runner::blueprint;
use lanebench::sabotage::engine::{Catcher, WrongEngine};
use lanebench::sim::laws::{Law, Ledger, Rules, monotony};
use lanebench::sim::oracle::{
    Case, Class, Effort, Fate, Measured, Quantity, Run, Servers, Station, Z_MAX, all, published,
};
use lanebench::sim::{Ending, Honest, Model, Recording};

use crate::suite::suite;

const SEED: Seed = Seed(3);

fn station(servers: Servers, class: Class) -> Station {
    Station {
        classes: vec![class],
        servers,
    }
}

#[test]
fn the_engine_has_every_wait_of_the_bare_line() {
    let cases = all();
    assert!(cases.len() >= 41, "11 published and 30 further: {}", cases.len());
    for case in cases {
        let run = case.station.play(SEED, 300);
        assert_eq!(run.ending, Ending::Quiet, "{}", case.name);
        assert_eq!(run.breaches, [], "{}", case.name);
        assert_eq!(run.differs(&case.station, SEED), None, "{}", case.name);
        assert!(run.customers.iter().all(|customer| customer.fate != Fate::Lost));
    }
}

#[track_caller]
fn check(case: &Case, measured: &[Measured]) {
    for ((quantity, expected), measured) in case.expected.iter().zip(measured) {
        let z = measured.z().unwrap();
        let mean = measured.moments.mean().unwrap();
        let (name, word) = (&case.name, quantity.word());
        assert!(z.abs() < Z_MAX, "{name}: {word} is {mean}, not {expected}: z {z}");
    }
}

#[test]
fn closed_forms_come_out_of_the_engine() {
    let effort = Effort {
        replications: 8,
        warm_up: 100,
        count: 250,
    };
    for case in published() {
        let (measured, breach) = case.measure(SEED, effort);
        assert_eq!(breach, None, "{}", case.name);
        check(&case, &measured);
    }
}

#[test]
fn closed_forms_come_out_of_the_bare_line() {
    let effort = Effort {
        replications: 10,
        warm_up: 500,
        count: 1_500,
    };
    for case in all() {
        check(&case, &case.measure_line(SEED, effort));
    }
}

/// Half a per cent takes millions of jobs almost everywhere; a calm server that nobody waits for is cheap.
#[test]
fn a_share_is_measured_to_half_a_per_cent() {
    let load = 0.02 / 0.98;
    let case = Case {
        name: "a calm server".to_owned(),
        station: station(Servers::Lanes(1), Class::exponential(load).in_room(0)),
        expected: vec![(Quantity::Served, 0.98)],
    };
    let effort = Effort {
        replications: 10,
        warm_up: 20,
        count: 2_000,
    };
    let (measured, _) = case.measure(SEED, effort);
    check(&case, &measured);
    let half = measured[0].half_width().unwrap();
    assert!(half <= 0.005, "{half}");
}

#[test]
fn a_run_that_is_watched_is_the_run_that_is_kept() {
    for case in [case("M/M/4"), case("Erlang-A"), case("approver in batches of 2")] {
        let blueprint = case.station.blueprint(SEED, 200);
        let (watched, kept) = (
            case.station.play(SEED, 200),
            case.station.play_as(&blueprint, Honest),
        );
        assert_eq!(watched.customers, kept.customers, "{}", case.name);
        assert_eq!(watched.ledger.accounts(), kept.ledger.accounts(), "{}", case.name);
    }
}

/// Whoever is left behind the last full batch waits a thousand units: one such customer would be in every second run.
#[test]
fn the_last_customers_of_a_run_who_cannot_fill_a_batch_are_not_counted() {
    let case = case("approver in batches of 4 to 4");
    let effort = Effort {
        replications: 4,
        warm_up: 0,
        count: 43,
    };
    let left_behind = |run: &Run| {
        run.customers
            .iter()
            .filter(|customer| customer.wait > 100.0)
            .count()
    };
    let runs: Vec<Run> = (0..4)
        .map(|replication| case.station.play(effort.seed(SEED, replication), 43))
        .collect();
    assert!(runs.iter().all(|run| left_behind(run) > 0));
    let (measured, _) = case.measure(SEED, effort);
    let wait = measured[1].moments.mean().unwrap();
    assert!(wait < 10.0, "{wait}");
}

#[test]
fn intervals_cover_what_is_true_and_not_what_is_a_tenth_off() {
    let seeds: Vec<Seed> = (0..20).map(Seed).collect();
    let effort = Effort {
        replications: 8,
        warm_up: 50,
        count: 400,
    };
    let right = case("Erlang-A  arrivals 10");
    let covered = right.cover(&seeds, effort);
    assert!(covered.holds(), "{:?}", covered.hits);
    assert_eq!(covered.breaches, 0);
    let mut wrong = right;
    for (_, expected) in &mut wrong.expected {
        *expected *= 1.1;
    }
    let covered = wrong.cover(&seeds, effort);
    assert!(!covered.holds(), "{:?}", covered.hits);
    assert!(coverage_text(&[covered], true, Paint::Plain).contains("too seldom"));
}

#[test]
fn more_places_and_fewer_arrivals_make_nobody_wait_longer() {
    let play = |places, rate| {
        let station = station(Servers::Lanes(places), Class::exponential(rate));
        station.play(SEED, 600)
    };
    let (tight, wide) = (play(3, 2.8), play(4, 2.8));
    assert_eq!(monotony(&tight.ledger, &wide.ledger), None);
    let breach = monotony(&wide.ledger, &tight.ledger).unwrap();
    assert_eq!(breach.law, Law::Monotony);
    // The same people, further apart: nobody waits longer, though everybody begins later.
    let calm = play(3, 1.4);
    let pairs = tight.customers.iter().zip(&calm.customers);
    assert!(pairs.clone().all(|(tight, calm)| calm.wait <= tight.wait + 1e-4));
    assert!(pairs.clone().any(|(tight, calm)| calm.wait < 0.5 * tight.wait));
}

/// Lanes of all kinds, retries, hand-overs, approvals, cancels, operators: the laws hold whatever happens.
#[test]
fn laws_hold_in_every_shipped_scenario() {
    let mut broken = Vec::new();
    for loaded in suite() {
        let blueprint = blueprint(&loaded.scenario, SEED);
        let rules = Rules {
            lanes: blueprint.desk.lanes,
            shared: blueprint.desk.shared,
        };
        let mut ledger = Ledger::new(rules, blueprint.outside.tasks.len());
        let played = Model::new(&blueprint, Honest, Recording::Streamed).play_watched(&mut ledger);
        for breach in ledger.close(played.end, &played.ending) {
            broken.push(format!("{}: {breach:?}", loaded.file));
        }
    }
    assert_eq!(broken, Vec::<String>::new());
}

const EFFORT: Effort = Effort {
    replications: 6,
    warm_up: 100,
    count: 300,
};

fn places(case: &Case) -> u32 {
    case.station.servers.number()
}

fn case(name: &str) -> Case {
    let mut cases = all().into_iter();
    cases.find(|case| case.name.starts_with(name)).unwrap()
}

fn runs(case: &Case, wrong: Option<WrongEngine>) -> Vec<Run> {
    let one = |replication| {
        let seed = EFFORT.seed(SEED, replication);
        let mut blueprint = case.station.blueprint(seed, EFFORT.warm_up + EFFORT.count);
        match wrong {
            None => case.station.play_as(&blueprint, Honest),
            Some(wrong) => {
                wrong.plant(&mut blueprint);
                case.station.play_as(&blueprint, wrong.seams(places(case)))
            }
        }
    };
    (0..EFFORT.replications).map(one).collect()
}

/// Whether the form, or the law, catches these runs.
fn catches(catcher: Catcher, case: &Case, runs: &[Run]) -> bool {
    match catcher {
        Catcher::Law(_, law) => runs
            .iter()
            .all(|run| run.breaches.iter().any(|breach| breach.law == law)),
        Catcher::Form(_) => {
            let customers = runs.iter().map(|run| run.customers.clone());
            let measured = case.gather(EFFORT, customers);
            measured
                .iter()
                .any(|measured| measured.z().is_none_or(|z| z.abs() >= Z_MAX))
        }
    }
}

#[test]
fn every_wrong_engine_is_caught_by_what_is_named_for_it() {
    assert!(WrongEngine::ALL.len() >= 10);
    let mut honest: BTreeMap<String, Vec<Run>> = BTreeMap::new();
    let mut missed = Vec::new();
    for wrong in WrongEngine::ALL {
        for catcher in wrong.caught_by() {
            let (Catcher::Form(name) | Catcher::Law(name, _)) = catcher;
            let case = case(name);
            let honest = honest
                .entry(case.name.clone())
                .or_insert_with(|| runs(&case, None));
            let caught = catches(*catcher, &case, &runs(&case, Some(wrong)));
            if !caught || catches(*catcher, &case, honest) {
                missed.push((wrong, *catcher, caught));
            }
        }
    }
    assert_eq!(missed, []);
}

/// A mean says nothing about the order of service; the laws and the bare line do.
#[test]
fn the_last_first_has_the_mean_of_the_first_and_is_caught_all_the_same() {
    let case = case("M/D/1");
    let wrong = WrongEngine::LastFirst;
    let (wrong, honest) = (runs(&case, Some(wrong)), runs(&case, None));
    let mean = |runs: &[Run]| {
        let all: Vec<_> = runs.iter().flat_map(|run| run.customers.clone()).collect();
        Quantity::Wait.of(&all).unwrap()
    };
    assert!((mean(&wrong) / mean(&honest) - 1.0).abs() < 1e-3);
    assert!(wrong[0].differs(&case.station, EFFORT.seed(SEED, 0)).is_some());
    assert!(honest[0].differs(&case.station, EFFORT.seed(SEED, 0)).is_none());
}
