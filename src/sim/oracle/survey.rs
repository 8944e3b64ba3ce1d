//! Everything that is known of a station, in one row for each quantity.

use super::cases::Case;
use super::measure::{Effort, Measured};
use crate::rng::Seed;
use crate::sim::stats::Moments;

/// What came out of a case.
#[derive(Debug, Clone)]
pub struct Surveyed {
    /// The case.
    pub case: Case,
    /// By the engine, in the order of [`Case::expected`].
    pub engine: Vec<Measured>,
    /// By the bare line, with as many visits as it took.
    pub line: Vec<Measured>,
    /// The first law that did not hold in the engine, or where engine and line parted.
    pub wrong: Option<String>,
}

/// How far a survey goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reach {
    /// How the engine is measured.
    pub engine: Effort,
    /// How one round of the line is measured.
    pub line: Effort,
    /// Rounds go on until every half-width is at most this share of what is expected.
    pub half_width: f64,
    /// There are no more rounds than this.
    pub rounds: u32,
}

impl Reach {
    /// Half a per cent, with no more than five hundred million visits to a station.
    pub const FULL: Self = Self {
        engine: Effort {
            replications: 10,
            warm_up: 1_000,
            count: 3_000,
        },
        line: Effort {
            replications: 20,
            warm_up: 2_000,
            count: 48_000,
        },
        half_width: 0.005,
        rounds: 500,
    };
}

/// Standard errors beyond which nothing is left to chance.
pub const Z_MAX: f64 = 4.5;

impl Case {
    /// Measures the engine, holds it against the bare line job by job, and the bare line against the closed forms.
    #[must_use]
    pub fn survey(&self, seed: Seed, reach: Reach) -> Surveyed {
        let (engine, breach) = self.measure(seed, reach.engine);
        let parts = (0..reach.engine.replications.min(2)).find_map(|replication| {
            let seed = reach.engine.seed(seed, replication);
            let all = reach.engine.warm_up + reach.engine.count;
            self.station.play(seed, all).differs(&self.station, seed)
        });
        let wrong = breach.map(|breach| format!("{}: {}", breach.law.word(), breach.what));
        Surveyed {
            case: self.clone(),
            engine,
            line: self.line(seed, reach),
            wrong: wrong.or(parts),
        }
    }

    fn line(&self, seed: Seed, reach: Reach) -> Vec<Measured> {
        let mut all: Vec<Measured> = Vec::new();
        for round in 0..reach.rounds {
            let seed = Seed(seed.0 ^ (u64::from(round + 1) << 32));
            let measured = self.measure_line(seed, reach.line);
            all = match all.is_empty() {
                true => measured,
                false => all
                    .iter()
                    .zip(&measured)
                    .map(|(all, more)| all.and(more))
                    .collect(),
            };
            let narrow =
                |measured: &Measured| measured.half_width().is_some_and(|half| half <= reach.half_width);
            if all.iter().all(narrow) {
                break;
            }
        }
        all
    }
}

impl Measured {
    fn and(&self, other: &Self) -> Self {
        Self {
            moments: Moments::and(self.moments, other.moments),
            expected: self.expected,
        }
    }
}

impl Surveyed {
    /// Whether everything is as the closed forms have it.
    #[must_use]
    pub fn holds(&self, half_width: f64) -> bool {
        let fits = |measured: &Measured| measured.score().is_some_and(|z| z.abs() < Z_MAX);
        let narrow = |measured: &Measured| measured.half_width().is_some_and(|half| half <= half_width);
        self.wrong.is_none()
            && self.engine.iter().all(fits)
            && self
                .line
                .iter()
                .all(|measured| fits(measured) && narrow(measured))
    }
}
