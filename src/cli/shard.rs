//! Which part of a comparison this program plays.

use std::str::FromStr;

/// A part of the replications, `2/4`; `auto` asks the environment of a job array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ShardArg {
    /// This one.
    Given(Shard),
    /// As the environment says; of so many, if it does not say that.
    Auto(Option<u32>),
}

/// One of so many parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shard {
    /// Which, from 1.
    pub(super) number: u32,
    /// Of how many.
    pub(super) count: u32,
}

/// Why a text or an environment names no part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ShardError {
    /// It has another shape.
    #[error("a shard is written `2/4` (the second of four), `auto`, or `auto/4`")]
    Shape,
    /// There is no such part.
    #[error("there is no shard {number} of {count}: they count from 1")]
    Outside {
        /// Which.
        number: u32,
        /// Of how many.
        count: u32,
    },
    /// No job array is known.
    #[error("no variable of a job array is set: {}", known())]
    NoArray,
    /// The array does not say how large it is.
    #[error("`{0}` is set, and nothing says how many shards there are: write `auto/4`")]
    NoCount(&'static str),
    /// A variable is no number.
    #[error("`{0}` is no whole number")]
    NoNumber(&'static str),
}

impl Shard {
    /// The part of this number.
    fn new(number: u32, count: u32) -> Result<Self, ShardError> {
        match (1..=count).contains(&number) {
            true => Ok(Self { number, count }),
            false => Err(ShardError::Outside { number, count }),
        }
    }

    /// Whether a replication belongs to it.
    pub(super) const fn has(self, place: u32) -> bool {
        place % self.count == self.number - 1
    }
}

impl FromStr for ShardArg {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let number = |text: &str| text.parse::<u32>().map_err(|_| ShardError::Shape);
        match text.split_once('/') {
            None if text == "auto" => Ok(Self::Auto(None)),
            None => Err(ShardError::Shape),
            Some(("auto", count)) => match number(count)? {
                0 => Err(ShardError::Shape),
                count => Ok(Self::Auto(Some(count))),
            },
            Some((which, count)) => Shard::new(number(which)?, number(count)?).map(Self::Given),
        }
    }
}

/// How a job array tells its jobs which they are.
struct Array {
    /// The variable with the number of the job.
    number: &'static str,
    /// The variable with the number of the first job, or the number itself.
    first: First,
    /// The variable with the number of jobs, if there is one.
    count: Option<&'static str>,
}

enum First {
    Variable(&'static str),
    Is(u32),
}

/// Slurm, Kubernetes indexed jobs, AWS Batch, GitLab, CircleCI, Buildkite.
const ARRAYS: [Array; 6] = [
    Array {
        number: "SLURM_ARRAY_TASK_ID",
        first: First::Variable("SLURM_ARRAY_TASK_MIN"),
        count: Some("SLURM_ARRAY_TASK_COUNT"),
    },
    Array {
        number: "JOB_COMPLETION_INDEX",
        first: First::Is(0),
        count: None,
    },
    Array {
        number: "AWS_BATCH_JOB_ARRAY_INDEX",
        first: First::Is(0),
        count: None,
    },
    Array {
        number: "CI_NODE_INDEX",
        first: First::Is(1),
        count: Some("CI_NODE_TOTAL"),
    },
    Array {
        number: "CIRCLE_NODE_INDEX",
        first: First::Is(0),
        count: Some("CIRCLE_NODE_TOTAL"),
    },
    Array {
        number: "BUILDKITE_PARALLEL_JOB",
        first: First::Is(0),
        count: Some("BUILDKITE_PARALLEL_JOB_COUNT"),
    },
];

fn known() -> String {
    let names: Vec<String> = ARRAYS.iter().map(|array| format!("`{}`", array.number)).collect();
    names.join(", ")
}

impl ShardArg {
    /// The part, with `variable` for the environment.
    ///
    /// # Errors
    /// [`ShardError`] if the environment names none.
    pub(super) fn settle(self, variable: impl Fn(&str) -> Option<String>) -> Result<Shard, ShardError> {
        let told = match self {
            Self::Given(shard) => return Ok(shard),
            Self::Auto(told) => told,
        };
        let number = |name: &'static str| match variable(name) {
            None => Ok(None),
            Some(text) => text
                .trim()
                .parse::<u32>()
                .map(Some)
                .map_err(|_| ShardError::NoNumber(name)),
        };
        for array in &ARRAYS {
            let Some(own) = number(array.number)? else {
                continue;
            };
            let first = match array.first {
                First::Is(first) => first,
                First::Variable(name) => number(name)?.unwrap_or(0),
            };
            let counted = match array.count {
                Some(name) => number(name)?,
                None => None,
            };
            let count = told.or(counted).ok_or(ShardError::NoCount(array.number))?;
            return Shard::new(own.saturating_sub(first).saturating_add(1), count);
        }
        Err(ShardError::NoArray)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Shard, ShardArg, ShardError};

    #[track_caller]
    fn settled(text: &str, environment: &[(&str, &str)]) -> Result<(u32, u32), ShardError> {
        let variable = |name: &str| {
            let found = environment.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let shard = text.parse::<ShardArg>()?.settle(variable)?;
        Ok((shard.number, shard.count))
    }

    #[test]
    fn a_shard_is_given_or_read_from_the_environment() {
        let slurm = [
            ("SLURM_ARRAY_TASK_ID", "7"),
            ("SLURM_ARRAY_TASK_MIN", "5"),
            ("SLURM_ARRAY_TASK_COUNT", "4"),
        ];
        assert_eq!(settled("2/4", &slurm), Ok((2, 4)));
        assert_eq!(settled("auto", &slurm), Ok((3, 4)));
        assert_eq!(settled("auto/8", &[("JOB_COMPLETION_INDEX", "7")]), Ok((8, 8)));
        assert_eq!(
            settled("auto", &[("CI_NODE_INDEX", "1"), ("CI_NODE_TOTAL", "2")]),
            Ok((1, 2))
        );
        assert_eq!(
            settled("auto", &[("CIRCLE_NODE_INDEX", "0"), ("CIRCLE_NODE_TOTAL", "2")]),
            Ok((1, 2))
        );
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["0/4", "5/4", "1/0"] {
            assert!(
                matches!(settled(text, &[]), Err(ShardError::Outside { .. })),
                "{text}"
            );
        }
        for text in ["", "2", "auto/", "auto/0", "a/b"] {
            assert_eq!(settled(text, &[]), Err(ShardError::Shape), "{text}");
        }
        assert_eq!(settled("auto", &[]), Err(ShardError::NoArray));
        assert_eq!(
            settled("auto", &[("JOB_COMPLETION_INDEX", "1")]),
            Err(ShardError::NoCount("JOB_COMPLETION_INDEX"))
        );
        assert_eq!(
            settled("auto/2", &[("JOB_COMPLETION_INDEX", "x")]),
            Err(ShardError::NoNumber("JOB_COMPLETION_INDEX"))
        );
        assert!(settled("auto/2", &[("JOB_COMPLETION_INDEX", "2")]).is_err());
    }

    #[test]
    fn shards_share_everything_out() {
        for count in 1..6 {
            let shards: Vec<Shard> = (1..=count)
                .map(|number| Shard::new(number, count).unwrap())
                .collect();
            for place in 0..50 {
                assert_eq!(shards.iter().filter(|shard| shard.has(place)).count(), 1);
            }
        }
    }
}
