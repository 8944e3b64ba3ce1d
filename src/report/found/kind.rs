//! The formats of findings, and how a user asks for one in a file.

use std::fmt;
use std::str::FromStr;

use super::data::Analysis;
use super::{found_github, found_json, found_junit, found_markdown, found_sarif, found_text};
use crate::scenario::{nearest, quoted_list};

/// A format of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FoundKind {
    /// For people; see [`found_text`].
    Human,
    /// For programs; see [`found_json`].
    Json,
    /// SARIF 2.1.0, for code scanning; see [`found_sarif`].
    Sarif,
    /// JUnit XML, for CI; see [`found_junit`].
    Junit,
    /// Workflow commands that annotate a pull request; see [`found_github`].
    Github,
    /// Markdown for a comment on a pull request; see [`found_markdown`].
    Markdown,
}

impl FoundKind {
    /// Every format.
    pub const ALL: [Self; 6] = [
        Self::Human,
        Self::Json,
        Self::Sarif,
        Self::Junit,
        Self::Github,
        Self::Markdown,
    ];

    /// The word used on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Json => "json",
            Self::Sarif => "sarif",
            Self::Junit => "junit",
            Self::Github => "github",
            Self::Markdown => "markdown",
        }
    }

    /// The whole report. The same analysis gives the same bytes.
    #[must_use]
    pub fn render(self, analysis: &Analysis) -> String {
        match self {
            Self::Human => found_text(analysis),
            Self::Json => found_json(analysis),
            Self::Sarif => found_sarif(analysis),
            Self::Junit => found_junit(analysis),
            Self::Github => found_github(analysis),
            Self::Markdown => found_markdown(analysis),
        }
    }
}

impl fmt::Display for FoundKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for FoundKind {
    type Err = FoundKindError;

    fn from_str(word: &str) -> Result<Self, FoundKindError> {
        let found = Self::ALL.into_iter().find(|kind| kind.word() == word);
        found.ok_or_else(|| FoundKindError::Unknown {
            word: word.to_owned(),
            nearest: nearest(word, words()),
        })
    }
}

/// A report that a user asks for, written `KIND=PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundRequest {
    /// Which.
    pub kind: FoundKind,
    /// Where it goes.
    pub path: String,
}

impl FromStr for FoundRequest {
    type Err = FoundKindError;

    fn from_str(text: &str) -> Result<Self, FoundKindError> {
        let (word, path) = text.split_once('=').ok_or(FoundKindError::Shape)?;
        let kind = word.parse()?;
        match path {
            "" => Err(FoundKindError::NoPath { kind }),
            path => Ok(Self {
                kind,
                path: path.to_owned(),
            }),
        }
    }
}

/// Why a text asks for no report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FoundKindError {
    /// It has no equals sign.
    #[error(
        "a report is asked for as `KIND=PATH`, for example `sarif=lanebench.sarif`; kinds: {}",
        quoted_list(words())
    )]
    Shape,
    /// There is no such format.
    #[error("unknown format `{word}`{}; formats: {}", meant(*.nearest), quoted_list(words()))]
    Unknown {
        /// What was written.
        word: String,
        /// What was most likely meant.
        nearest: Option<&'static str>,
    },
    /// Nothing stands behind the equals sign.
    #[error("the report `{kind}` needs a path, for example `{kind}=report`")]
    NoPath {
        /// Which format.
        kind: FoundKind,
    },
}

fn words() -> impl Iterator<Item = &'static str> {
    FoundKind::ALL.into_iter().map(FoundKind::word)
}

fn meant(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |word| format!(", did you mean `{word}`?"))
}
