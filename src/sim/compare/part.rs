//! Replications as text, so that they can be played in many places and at many times, and put together.
//!
//! A part is JSON lines: a header that says which comparison it belongs to, and a line for each replication. Numbers are
//! written as texts that give back the very same numbers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::pilot::Cut;
use super::plan::Comparison;
use super::regret::Regret;
use super::stage::Outcome;
use super::study::{Replication, Study};
use crate::sim::laws::Monotony;
use crate::sim::metric::{Bucket, Measures, Metric, SLOTS, Shapes};
use crate::sim::strategy::Drawn;

const FORMAT: &str = "lanebench-part";
/// Raised whenever a replication means something else.
const VERSION: u32 = 3;

/// Why a part cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartError {
    /// It does not begin as a part does.
    #[error("it is no part of a comparison: its first line is no header")]
    Header,
    /// It belongs to something else.
    #[error("it belongs to another comparison, or to other contents of its files")]
    Stranger,
    /// Another program wrote it.
    #[error("it was written by lanebench {0}, and this is lanebench {version}", version = env!("CARGO_PKG_VERSION"))]
    Version(String),
    /// A line is broken.
    #[error("line {0} is no replication")]
    Line(usize),
    /// The warm-up of its replications ends elsewhere.
    #[error("the warm-up of line {0} ends in another instant than that of the others")]
    Cut(usize),
    /// The same replication came out differently.
    #[error("replication {0} is there twice, and not the same")]
    Twice(u32),
}

/// Replications by their places, out of parts.
pub type Kept = BTreeMap<u32, Replication>;

#[derive(Serialize, Deserialize)]
struct Header {
    format: String,
    version: u32,
    program: String,
    comparison: String,
}

#[derive(Serialize, Deserialize)]
struct Line {
    /// Which point of a sweep; none of a comparison that is played alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    point: Option<u32>,
    place: u32,
    runs: Vec<Run>,
    control: Run,
    /// Where the pilots ended the warm-up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cut: Option<Cut>,
    /// Jobs asked about monotony, and those that could be compared; a breach stands with the run of the reference.
    monotony: (u64, u64),
}

/// Which point of a sweep a line belongs to.
#[derive(Deserialize)]
struct Point {
    point: Option<u32>,
}

#[derive(Serialize, Deserialize)]
struct Run {
    tasks: u64,
    buckets: Vec<u64>,
    values: Vec<Option<String>>,
    shapes: Shapes,
    broken: Option<String>,
    /// Decisions, gain and regret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    regret: Option<(u32, String, String)>,
    /// What was drawn: of each choice its job, tick, whether it is interactive, propensity, context, and what came of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    drawn: Vec<DrawnRow>,
}

type DrawnRow = (u32, u64, bool, String, u32, Option<(u64, bool)>);

fn drawn_row(drawn: &Drawn) -> DrawnRow {
    let Drawn {
        job,
        at,
        interactive,
        propensity,
        context,
        came,
    } = *drawn;
    (job, at, interactive, propensity.to_string(), context, came)
}

fn drawn_of((job, at, interactive, propensity, context, came): DrawnRow) -> Option<Drawn> {
    Some(Drawn {
        job,
        at,
        interactive,
        propensity: propensity.parse().ok()?,
        context,
        came,
    })
}

impl Comparison {
    /// The first line of a part of this comparison.
    #[must_use]
    pub fn part_header(&self) -> String {
        line(&Header {
            format: FORMAT.to_owned(),
            version: VERSION,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            comparison: self.digest.to_string(),
        })
    }

    /// The line of a replication.
    #[must_use]
    pub fn part_line(&self, place: u32, replication: &Replication) -> String {
        line(&Line {
            point: Some(self.point).filter(|point| *point > 0),
            place,
            runs: replication.outcomes.iter().map(Run::of).collect(),
            control: Run::of(&replication.control),
            cut: replication.cut.clone(),
            monotony: (replication.monotony.asked, replication.monotony.compared),
        })
    }

    /// Takes the replications of this comparison out of a part, and passes over those of other points of its sweep. A last line without its end was interrupted, and does not count.
    ///
    /// - returns: how many bytes of the text are whole.
    ///
    /// # Errors
    /// [`PartError`] if it is no part of this comparison.
    pub fn read_part(&self, text: &str, kept: &mut Kept) -> Result<usize, PartError> {
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let mut lines = text[..whole].lines().zip(1..);
        let Some((first, _)) = lines.next() else {
            // What was interrupted before its first line was whole is begun anew; a file of somebody else is not.
            return match self.part_header().starts_with(text) {
                true => Ok(0),
                false => Err(PartError::Header),
            };
        };
        let header: Header = serde_json::from_str(first).map_err(|_| PartError::Header)?;
        if header.format != FORMAT {
            return Err(PartError::Header);
        }
        if header.version != VERSION || header.program != env!("CARGO_PKG_VERSION") {
            return Err(PartError::Version(header.program));
        }
        if *header.comparison != *self.digest {
            return Err(PartError::Stranger);
        }
        for (text, number) in lines {
            let of: Point = serde_json::from_str(text).map_err(|_| PartError::Line(number))?;
            if of.point.unwrap_or(0) != self.point {
                continue;
            }
            let (place, replication) = self.replication(text).ok_or(PartError::Line(number))?;
            let others = kept.values().next().map(|other| &other.cut);
            if self
                .cut()
                .is_some_and(|cut| Some(cut) != replication.cut.as_ref())
                || others.is_some_and(|cut| *cut != replication.cut)
            {
                return Err(PartError::Cut(number));
            }
            match kept.get(&place) {
                Some(known) if *known != replication => return Err(PartError::Twice(place)),
                Some(_) => {}
                None => drop(kept.insert(place, replication)),
            }
        }
        Ok(whole)
    }

    fn replication(&self, text: &str) -> Option<(u32, Replication)> {
        let line: Line = serde_json::from_str(text).ok()?;
        let outcomes: Vec<Outcome> = line.runs.into_iter().map(Run::outcome).collect::<Option<_>>()?;
        let fits = outcomes.len() == self.strategies.len() && line.place < self.repeats.most;
        let replication = Replication {
            seed: self.seed(line.place),
            outcomes,
            control: line.control.outcome()?,
            cut: line.cut,
            monotony: Monotony {
                asked: line.monotony.0,
                compared: line.monotony.1,
                breach: None,
            },
        };
        fits.then_some((line.place, replication))
    }

    /// The study that these replications make: at each look in turn, as if they were played one after another.
    ///
    /// # Errors
    /// The place of the first replication that is needed and not there.
    pub fn put_together(&self, kept: &Kept) -> Result<Study, u32> {
        let mut study = Study::default();
        for look in self.repeats.looks() {
            for place in u32::try_from(study.replications.len()).unwrap_or(u32::MAX)..look {
                study.replications.push(kept.get(&place).ok_or(place)?.clone());
            }
            if self.converged(&study.replications) {
                break;
            }
        }
        Ok(study)
    }
}

impl Run {
    fn of(outcome: &Outcome) -> Self {
        let Measures {
            values,
            tasks,
            buckets,
            shapes,
        } = &outcome.measures;
        Self {
            tasks: *tasks,
            buckets: buckets.to_vec(),
            // A number is written with as many digits as give it back.
            values: values
                .iter()
                .map(|value| value.map(|value| value.to_string()))
                .collect(),
            shapes: shapes.clone(),
            broken: outcome.broken.clone(),
            regret: outcome.regret.map(|regret| {
                (
                    regret.decisions,
                    regret.gain.to_string(),
                    regret.regret.to_string(),
                )
            }),
            drawn: outcome.drawn.iter().map(drawn_row).collect(),
        }
    }

    fn outcome(self) -> Option<Outcome> {
        let buckets: [u64; Bucket::ALL.len()] = self.buckets.try_into().ok()?;
        let number = |text: Option<String>| match text {
            None => Some(None),
            Some(text) => text.parse::<f64>().ok().map(Some),
        };
        let regret = match self.regret {
            None => None,
            Some((decisions, gain, regret)) => Some(Regret {
                decisions,
                gain: gain.parse().ok()?,
                regret: regret.parse().ok()?,
            }),
        };
        let values: Vec<Option<f64>> = self.values.into_iter().map(number).collect::<Option<_>>()?;
        let whole = values.len() == Metric::ALL.len() && self.shapes.course.slots.len() == SLOTS + 1;
        whole.then_some(Outcome {
            measures: Measures {
                values,
                tasks: self.tasks,
                buckets,
                shapes: self.shapes,
            },
            broken: self.broken,
            regret,
            drawn: self.drawn.into_iter().map(drawn_of).collect::<Option<_>>()?,
        })
    }
}

fn line(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value);
    #[expect(clippy::expect_used, reason = "text keys, whole numbers and texts")]
    let text = text.expect("JSON in memory");
    text + "\n"
}
