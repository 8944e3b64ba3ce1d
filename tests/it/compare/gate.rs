//! The equality gate over comparisons: every strategy of every shipped comparison gives the same whole trace in `model` and in
//! `virtual`, with the real runtime, client and server.

use std::collections::BTreeSet;

use lanebench::runner::{Link, play_over_http};
use lanebench::sim::compare::Comparison;
use lanebench::sim::{Ending, Honest, Model, Recording};
use lanebench::trace::{
    CoreEvent, Event, OutsideEvent, PeopleEvent, Principal, Record, RouterEvent, UserEvent,
};
use lanebench::units::{SimDuration, SimTime};

use super::read_sweep;
use super::text_of;
use crate::support::{repo, yaml_files};
use crate::worlds::difference;

/// The first minutes of every point of every shipped comparison, by its file.
fn shipped() -> Vec<(String, Comparison)> {
    let mut all = Vec::new();
    for path in yaml_files("scenarios/comparisons") {
        let name = path.strip_prefix(repo("")).unwrap().to_str().unwrap().to_owned();
        let (sweep, said) = read_sweep(&name, &text_of(&name));
        let points = sweep.unwrap_or_else(|| panic!("{said}")).points;
        // The points of a sweep have the same strategies; the busiest comes last.
        let mut comparison = points.into_iter().next_back().unwrap();
        // Where few tasks come, longer.
        let tasks = |comparison: &Comparison| comparison.stage(comparison.seed(0)).tasks().len();
        for minutes in [12, 45] {
            comparison.until = SimTime::START + SimDuration::from_secs(60 * minutes);
            if tasks(&comparison) >= 30 {
                break;
            }
        }
        comparison.strategies.retain(|named| named.program.is_none());
        all.push((name, comparison));
    }
    all
}

#[test]
fn every_strategy_of_every_shipped_comparison_plays_the_same_in_virtual() {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for (file, comparison) in shipped() {
        let stage = comparison.stage(comparison.seed(0));
        assert!(stage.tasks().len() > 3, "{file}");
        for named in &comparison.strategies {
            // A strategy that learns begins anew in each world.
            let blueprint = || comparison.blueprint(&stage, named);
            let model = Model::new(&blueprint(), Honest, Recording::Full).play();
            assert_eq!(model.ending, Ending::Quiet, "{file} {}", named.name);
            let (http, _) = play_over_http(&blueprint(), Link::Memory, Honest, Recording::Full).unwrap();
            if let Some(difference) = difference(&model, &http) {
                panic!("{file} {}: {difference}", named.name);
            }
            shown(model.trace.records(), &mut seen);
        }
    }
    // What the comparisons are there for did happen.
    for what in [
        "due",
        "drawn",
        "second request",
        "together",
        "misjudged",
        "on a tier",
    ] {
        assert!(seen.contains(what), "nothing shows: {what}; {seen:?}");
    }
}

/// What of interest records show.
fn shown(records: &[Record], seen: &mut BTreeSet<&'static str>) {
    let mut last: Option<(SimTime, Principal)> = None;
    for record in records {
        match &record.event {
            Event::Core(CoreEvent::Router(RouterEvent::Decided(decided))) => {
                seen.extend(decided.due.map(|_| "due"));
                if &*decided.rule == "bandit" {
                    seen.insert("drawn");
                }
            }
            Event::Outside(OutsideEvent::User(UserEvent::Submitted { task, .. }))
                if task.ends_with("-twin") =>
            {
                seen.insert("second request");
            }
            Event::Outside(OutsideEvent::People(PeopleEvent::Misjudged { .. })) => {
                seen.insert("misjudged");
            }
            Event::Outside(OutsideEvent::People(PeopleEvent::SawRequest { by, .. })) => {
                let now = Some((record.at, by.clone()));
                if last == now {
                    seen.insert("together");
                }
                last = now;
            }
            Event::Core(CoreEvent::Job(event)) => {
                let text = format!("{event:?}");
                if text.contains("tier_asked: \"flex\"") {
                    seen.insert("on a tier");
                }
            }
            _ => {}
        }
    }
}
