//! The reports that are written to files, and how a user asks for one.

use std::fmt;
use std::str::FromStr;

use super::csv::{invariants_csv, runs_csv};
use super::json::suite_json;
use super::junit::suite_junit;
use super::result::SuiteResult;
use super::summary::suite_summary;
use crate::scenario::{nearest, quoted_list};

/// A report for a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReportKind {
    /// JUnit XML: a test suite for each folder, a test case for each run; see [`suite_junit`].
    Junit,
    /// Everything, as JSON; see [`suite_json`].
    Json,
    /// A row for each run, as CSV; see [`runs_csv`].
    Csv,
    /// A row for each invariant, as CSV; see [`invariants_csv`].
    Invariants,
    /// What a repository keeps of a suite and compares byte for byte, as JSON; see [`suite_summary`].
    Summary,
}

impl ReportKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Junit,
        Self::Json,
        Self::Csv,
        Self::Invariants,
        Self::Summary,
    ];

    /// The word used on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Junit => "junit",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Invariants => "invariants",
            Self::Summary => "summary",
        }
    }

    /// The whole report. The same suite gives the same bytes.
    #[must_use]
    pub fn render(self, suite: &SuiteResult) -> String {
        match self {
            Self::Junit => suite_junit(suite),
            Self::Json => suite_json(suite),
            Self::Csv => runs_csv(suite),
            Self::Invariants => invariants_csv(suite),
            Self::Summary => suite_summary(suite),
        }
    }
}

impl fmt::Display for ReportKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for ReportKind {
    type Err = ReportArgError;

    fn from_str(word: &str) -> Result<Self, ReportArgError> {
        let found = Self::ALL.into_iter().find(|kind| kind.word() == word);
        found.ok_or_else(|| ReportArgError::Unknown {
            word: word.to_owned(),
            nearest: nearest(word, words()),
        })
    }
}

/// A report that a user asks for, written `KIND=PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRequest {
    /// Which.
    pub kind: ReportKind,
    /// Where it goes.
    pub path: String,
}

impl FromStr for ReportRequest {
    type Err = ReportArgError;

    fn from_str(text: &str) -> Result<Self, ReportArgError> {
        let (word, path) = text.split_once('=').ok_or(ReportArgError::Shape)?;
        let kind = word.parse()?;
        match path {
            "" => Err(ReportArgError::NoPath { kind }),
            path => Ok(Self {
                kind,
                path: path.to_owned(),
            }),
        }
    }
}

/// Why a text asks for no report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReportArgError {
    /// It has no equals sign.
    #[error(
        "a report is asked for as `KIND=PATH`, for example `junit=report.xml`; kinds: {}",
        quoted_list(words())
    )]
    Shape,
    /// There is no such report.
    #[error("unknown report `{word}`{}; kinds: {}", meant(*.nearest), quoted_list(words()))]
    Unknown {
        /// What was written.
        word: String,
        /// What was most likely meant.
        nearest: Option<&'static str>,
    },
    /// Nothing stands behind the equals sign.
    #[error("the report `{kind}` needs a path, for example `{kind}=report`")]
    NoPath {
        /// Which report.
        kind: ReportKind,
    },
}

fn words() -> impl Iterator<Item = &'static str> {
    ReportKind::ALL.into_iter().map(ReportKind::word)
}

fn meant(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |word| format!(", did you mean `{word}`?"))
}
