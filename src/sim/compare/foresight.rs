//! Whether a strategy that learns knows what nobody can know yet: its run is played again with other futures.
//!
//! From some task on, everything takes hours longer there. Both runs show the strategy the same until the first of
//! these jobs ought to be over, and so it has to choose the same until then. One that looks ahead, or hears of jobs before they
//! end, chooses otherwise as soon as the future is another one.

use std::sync::{Arc, Mutex, PoisonError};

use super::plan::{Comparison, Named};
use super::stage::Stage;
use crate::job::LaneSeen;
use crate::rng::Seed;
use crate::sim::Honest;
use crate::sim::strategy::{Choice, Heard, Sight, Strategy};
use crate::units::SimDuration;

/// Longer than any target of a day.
const LONGER: SimDuration = SimDuration::from_secs(24 * 3_600);

/// What passes between a strategy and its run.
#[derive(Debug, Clone, PartialEq)]
enum Passed {
    /// It is asked, and answers.
    Chose(Box<(Asked, Choice)>),
    /// It hears what came of a choice.
    Heard(Heard),
}

/// What a strategy is shown beside predictions.
#[derive(Debug, Clone, PartialEq)]
struct Asked {
    kind: Box<str>,
    tenant: Option<Box<str>>,
    target: Option<SimDuration>,
    chance: f64,
    lanes: [LaneSeen; 3],
}

/// A strategy with somebody who takes down what passes.
#[derive(Debug)]
struct Overheard {
    inner: Arc<dyn Strategy>,
    passed: Arc<Mutex<Vec<Passed>>>,
}

impl Overheard {
    fn note(&self, passed: Passed) {
        let mut all = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(passed);
    }
}

impl Strategy for Overheard {
    fn choose(&self, sight: &Sight<'_>) -> Choice {
        let choice = self.inner.choose(sight);
        let asked = Asked {
            kind: sight.kind.into(),
            tenant: sight.tenant.map(Box::from),
            target: sight.target,
            chance: sight.chance,
            lanes: sight.lanes,
        };
        self.note(Passed::Chose(Box::new((asked, choice.clone()))));
        choice
    }

    fn begin(&self, seed: Seed) -> Option<Arc<dyn Strategy>> {
        let inner = self.inner.begin(seed)?;
        let passed = Arc::clone(&self.passed);
        Some(Arc::new(Self { inner, passed }))
    }

    fn reorders(&self) -> bool {
        self.inner.reorders()
    }

    fn learns(&self) -> bool {
        self.inner.learns()
    }

    fn hears(&self, heard: Heard) {
        self.note(Passed::Heard(heard));
        self.inner.hears(heard);
    }
}

impl Comparison {
    /// Plays a strategy with this future and with other ones, and says where it chooses otherwise although it was shown the same;
    /// nothing if it never does.
    #[must_use]
    pub fn foresight(&self, stage: &Stage, named: &Named) -> Option<String> {
        let overheard = |stage: &Stage| {
            let passed = Arc::default();
            let named = Named {
                strategy: Arc::new(Overheard {
                    inner: Arc::clone(&named.strategy),
                    passed: Arc::clone(&passed),
                }),
                ..named.clone()
            };
            let _ = self.play_behind(stage, &named, Honest);
            std::mem::take(&mut *passed.lock().unwrap_or_else(PoisonError::into_inner))
        };
        let one = overheard(stage);
        let all = stage.firsts();
        // Who knows little is easily changed; who looks ahead later on only is found later on.
        [0, all / 3, 2 * all / 3].into_iter().find_map(|from| {
            let other = overheard(&stage.with_later_ends(from, LONGER));
            let parts = one.iter().zip(&other).position(|(one, other)| one != other)?;
            match (&one[parts], &other[parts]) {
                (Passed::Chose(one), Passed::Chose(other)) if one.0 == other.0 => Some(format!(
                    "it looks ahead: its answer {} is another where only the future is",
                    parts + 1
                )),
                _ => None,
            }
        })
    }
}
