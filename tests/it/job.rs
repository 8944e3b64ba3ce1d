//! The job core, told what happened in every order that matters.

mod approval;
mod backoff;
mod cancelling;
mod doubt;
mod following;
mod lanes;
mod limits;
mod norm;
mod play;
mod property;
mod replay;
mod retrying;
mod task;

use play::Play;

use crate::support::{check_golden, repo};

/// A script, the states that its first job must go through, and its name in the golden file.
pub(crate) struct Case {
    name: &'static str,
    play: fn() -> Play,
    states: &'static str,
}

impl Case {
    const fn new(name: &'static str, states: &'static str, play: fn() -> Play) -> Self {
        Self { name, play, states }
    }
}

/// Every case by area; an area is a file in `tests/golden/job`.
const AREAS: &[(&str, &[Case])] = &[
    ("approval", approval::CASES),
    ("cancelling", cancelling::CASES),
    ("doubt", doubt::CASES),
    ("following", following::CASES),
    ("lanes", lanes::CASES),
    ("limits", limits::CASES),
    ("retrying", retrying::CASES),
];

/// The states are stated beside the script; what else was done and noted stands in the golden file.
#[test]
fn every_case_goes_its_way() {
    let mut wrong = String::new();
    for (area, cases) in AREAS {
        let mut golden = String::new();
        for case in *cases {
            let play = (case.play)().run();
            if play.states() != case.states {
                wrong += &format!(
                    "\n== {area}: {}\nexpected {}\nactual   {}\n{}\n",
                    case.name,
                    case.states,
                    play.states(),
                    play.text()
                );
            }
            golden += &format!("== {}\n{}\n\n", case.name, play.text());
        }
        if wrong.is_empty() {
            check_golden(&repo(&format!("tests/golden/job/{area}.txt")), &golden);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Every case, played.
fn plays() -> impl Iterator<Item = (&'static str, Play)> {
    let cases = AREAS.iter().flat_map(|(_, cases)| cases.iter());
    cases.map(|case| (case.name, (case.play)().run()))
}

/// The desk of every case before anything happened, in the same order.
fn fresh() -> impl Iterator<Item = lanebench::job::Desk> {
    let cases = AREAS.iter().flat_map(|(_, cases)| cases.iter());
    cases.map(|case| (case.play)().desk)
}
