//! What the decisions of strategies that learn have lost: what they know is forked with the world, or their run begins anew.

use std::path::Path;
use std::sync::{Arc, Mutex};

use lanebench::rng::Seed;
use lanebench::runner::launch;
use lanebench::sim::compare::{Comparison, Named, Outcome, Regret};
use lanebench::sim::strategy::{Choice, Heard, Sight, Strategy};
use lanebench::trace::Execution;

use super::bandit::{PLACE, learner};
use super::{SMALL, changed};

/// Three tasks of 20 s, a minute apart, whose users leave after 10 s: what is interactive is lost, what is not is not.
const BY_HAND: &str = "
comparison: a world in which a learner has to learn one thing
metric: goodput
policy: ../../../scenarios/policies/three-lane.yaml
kinds: ../../../scenarios/kinds.yaml
workload:
  arrivals: { renewal: { every: 1m, cv2: 0 } }
  length: 200s
  mix:
    - { kind: report_generation, share: 100%, script: { steps: [{ message: 1000 tokens }] }, targets: { result: 40s } }
people: [{ user: { leaves_after: 10s } }]
strategies: { plain: policy, learner: LEARNER }
replications: { min: 2, max: 2 }
regret: { decisions: 40 }
";

fn by_hand(learner: &str) -> Comparison {
    changed(SMALL, BY_HAND, &[("LEARNER", learner)])
}

fn played(comparison: &Comparison, place: u32) -> Outcome {
    comparison.play(
        &comparison.stage(comparison.seed(place)),
        &comparison.strategies[1],
    )
}

/// Of three decisions: the sum of the gains of the other way, and of those that are any.
const fn three(gain: f64, regret: f64) -> Option<Regret> {
    Some(Regret {
        decisions: 3,
        gain,
        regret,
    })
}

#[test]
fn the_regret_of_a_learner_is_what_it_is_by_hand() {
    let comparison = by_hand("{ bandit: { explore: 0.01% } }");
    let mut begun = [0, 0];
    for place in 0..12 {
        let outcome = played(&comparison, place);
        assert_eq!(outcome.broken, None);
        let lanes: Vec<Execution> = outcome.drawn.iter().map(|drawn| drawn.arm()).collect();
        let background = Execution::Background;
        match lanes[..] {
            // What was lost taught it the background. In the background from the start, the first task is done too, and it learns the
            // same; each of the others is lost if it goes the other way, and still teaches that.
            [Execution::Interactive, ..] => {
                assert_eq!(lanes[1..], [background; 2]);
                assert_eq!(outcome.regret, three(-1.0, 1.0));
                begun[0] += 1;
            }
            // Whatever goes the other way is lost, and nothing else is: it hears that this was the other way.
            _ => {
                assert_eq!(lanes, [background; 3]);
                assert_eq!(outcome.regret, three(-3.0, 0.0));
                begun[1] += 1;
            }
        }
    }
    assert!(begun[0] > 1 && begun[1] > 1, "{begun:?}");
}

/// A program that stays in a lane as long as that serves, and goes where it hears that a task was served.
const LEARNS: &str = r#"read greeting; echo '{"ready":true,"learns":true}'
while read line; do case "$line" in
  *heard*interactive*false*|*heard*background*true*) lane=background;;
  *heard*) lane=interactive;;
  *) echo "{\"execution\":\"$lane\",\"propensity\":0.5}";;
esac; done"#;

fn with_program(begins: &str) -> Comparison {
    let script = format!("{begins}; {LEARNS}");
    let words = serde_json::to_string(&["sh", "-c", &script]).unwrap();
    let mut comparison = by_hand(&format!("{{ program: {words} }}"));
    let programs = launch(std::slice::from_mut(&mut comparison), Path::new("."));
    assert_eq!(programs.count(), 1);
    comparison
}

#[test]
fn the_run_of_a_program_that_learns_begins_anew_for_its_regret() {
    let outcome = played(&with_program("lane=interactive"), 0);
    assert_eq!((outcome.broken, outcome.regret), (None, three(-1.0, 1.0)));
    let outcome = played(&with_program("lane=background"), 0);
    assert_eq!((outcome.broken, outcome.regret), (None, three(-3.0, 0.0)));
    // One that begins otherwise the second time has no run that could be played again.
    let mark = Path::new(env!("CARGO_TARGET_TMPDIR")).join("regret-of-a-program");
    let _ = std::fs::remove_file(&mark);
    let mark = mark.display();
    let outcome = played(
        &with_program(&format!(
            "lane=interactive; [ -e '{mark}' ] && lane=background; : > '{mark}'"
        )),
        0,
    );
    assert!(
        outcome
            .broken
            .unwrap()
            .contains("goes the same way ends otherwise")
            && outcome.regret.is_none()
    );
}

/// A strategy that cannot be forked.
#[derive(Debug)]
struct Unforked(Arc<dyn Strategy>);

impl Strategy for Unforked {
    fn choose(&self, sight: &Sight<'_>) -> Choice {
        self.0.choose(sight)
    }

    fn begin(&self, seed: Seed) -> Option<Arc<dyn Strategy>> {
        Some(Arc::new(Self(self.0.begin(seed)?)))
    }

    fn learns(&self) -> bool {
        self.0.learns()
    }

    fn hears(&self, heard: Heard) {
        self.0.hears(heard);
    }
}

fn regret(comparison: &Comparison, strategy: Arc<dyn Strategy>) -> Result<Option<Regret>, String> {
    let stage = comparison.stage(comparison.seed(1));
    let named = Named {
        strategy,
        ..comparison.strategies[PLACE].clone()
    };
    let outcome = comparison.play_behind(&stage, &named, lanebench::sim::Honest);
    assert_eq!(outcome.broken, None);
    comparison.regret(&stage, &named, &outcome.measures)
}

fn asked() -> Comparison {
    Comparison {
        regret_of: Some(6),
        ..learner()
    }
}

#[test]
fn a_fork_of_what_was_learned_is_worth_a_run_from_the_beginning() {
    let comparison = asked();
    let bandit = &comparison.strategies[PLACE].strategy;
    let forked = regret(&comparison, Arc::clone(bandit)).unwrap().unwrap();
    let replayed = regret(&comparison, Arc::new(Unforked(Arc::clone(bandit))));
    assert_eq!(replayed, Ok(Some(forked)));
    assert!(forked.decisions == 6 && forked.gain != 0.0, "{forked:?}");
}

/// Chooses by how often it has heard anything; its forks have that for themselves, or know what the others hear.
#[derive(Debug)]
struct Counts {
    heard: Arc<Mutex<u32>>,
    apart: bool,
}

impl Strategy for Counts {
    fn choose(&self, sight: &Sight<'_>) -> Choice {
        if !sight.decision.background_permitted() {
            return Choice::ByPolicy;
        }
        Choice::Drawn {
            arm: match self.heard.lock().unwrap().is_multiple_of(2) {
                true => Execution::Background,
                false => Execution::Interactive,
            },
            propensity: 0.5,
            context: 0,
            rule: "counts",
        }
    }

    fn begin(&self, _: Seed) -> Option<Arc<dyn Strategy>> {
        Some(Arc::new(Self {
            heard: Arc::default(),
            apart: self.apart,
        }))
    }

    fn fork(&self) -> Option<Arc<dyn Strategy>> {
        let copied = *self.heard.lock().unwrap();
        Some(Arc::new(Self {
            heard: match self.apart {
                true => Arc::new(Mutex::new(copied)),
                false => Arc::clone(&self.heard),
            },
            apart: self.apart,
        }))
    }

    fn learns(&self) -> bool {
        true
    }

    fn hears(&self, _: Heard) {
        *self.heard.lock().unwrap() += 1;
    }
}

#[test]
fn forks_that_teach_each_other_are_found_out() {
    let comparison = asked();
    let counts = |apart| {
        let heard = Arc::default();
        regret(&comparison, Arc::new(Counts { heard, apart }))
    };
    assert_eq!(counts(true).unwrap().unwrap().decisions, 6);
    let said = counts(false).unwrap_err();
    assert!(said.contains("goes the same way ends otherwise"), "{said}");
}
