//! The reports of a comparison that are written to files.

use std::fmt;
use std::str::FromStr;

use super::{CompareReport, SweepReport, choices_csv, compare_csv, compare_html, compare_json, compare_text};
use crate::report::Paint;
use crate::scenario::{nearest, quoted_list};

/// A report of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompareKind {
    /// For people; see [`compare_text`].
    Human,
    /// A row for each strategy, metric and replication; see [`compare_csv`].
    Csv,
    /// Everything; see [`compare_json`].
    Json,
    /// A page with plots; see [`compare_html`].
    Html,
}

impl CompareKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Human, Self::Csv, Self::Json, Self::Html];

    /// The word used on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Html => "html",
        }
    }

    /// The whole report. The same study gives the same bytes.
    #[must_use]
    pub fn render(self, report: &CompareReport<'_>, paint: Paint) -> String {
        match self {
            Self::Human => compare_text(report, paint),
            Self::Csv => compare_csv(report),
            Self::Json => compare_json(report),
            Self::Html => compare_html(report),
        }
    }
}

impl fmt::Display for CompareKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for CompareKind {
    type Err = CompareKindError;

    fn from_str(word: &str) -> Result<Self, CompareKindError> {
        let found = Self::ALL.into_iter().find(|kind| kind.word() == word);
        found.ok_or_else(|| CompareKindError::Unknown {
            word: word.to_owned(),
            nearest: nearest(word, words()),
            known: quoted_list(words()),
        })
    }
}

/// What may be written to files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompareFile {
    /// A file.
    One(CompareKind),
    /// A folder with every figure of the page as SVG; see [`SweepReport::figures`].
    Figures,
    /// Every choice that was drawn, with its propensity; see [`choices_csv`].
    Choices,
}

/// The word of [`CompareFile::Figures`].
const FIGURES: &str = "svg";
/// The word of [`CompareFile::Choices`].
const CHOICES: &str = "choices";

/// A report of a comparison that a user asks for, written `KIND=PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompareRequest {
    /// Which.
    pub file: CompareFile,
    /// Where it goes: a file, or a folder for figures.
    pub path: String,
}

impl CompareRequest {
    /// The folder that has to be there, if it is one of Lanebench's own.
    #[must_use]
    pub fn folder(&self) -> Option<&str> {
        (self.file == CompareFile::Figures).then_some(&self.path)
    }

    /// The files with their texts. The same study gives the same bytes.
    #[must_use]
    pub fn render(&self, report: &SweepReport<'_>) -> Vec<(String, String)> {
        match self.file {
            CompareFile::One(kind) => vec![(self.path.clone(), report.render(kind, Paint::Plain))],
            CompareFile::Choices => {
                let varied = report.sweep.varied.as_ref();
                vec![(self.path.clone(), choices_csv(varied, &report.points))]
            }
            CompareFile::Figures => {
                let folder = self.path.trim_end_matches('/');
                let figures = report.figures().into_iter();
                figures
                    .map(|(name, text)| (format!("{folder}/{name}"), text))
                    .collect()
            }
        }
    }
}

impl FromStr for CompareRequest {
    type Err = CompareKindError;

    fn from_str(text: &str) -> Result<Self, CompareKindError> {
        let (word, path) = text.split_once('=').ok_or(CompareKindError::Shape)?;
        let file = match CompareKind::ALL.into_iter().find(|kind| kind.word() == word) {
            Some(kind) => CompareFile::One(kind),
            None if word == FIGURES => CompareFile::Figures,
            None if word == CHOICES => CompareFile::Choices,
            None => {
                return Err(CompareKindError::Unknown {
                    word: word.to_owned(),
                    nearest: nearest(word, file_words()),
                    known: quoted_list(file_words()),
                });
            }
        };
        match path {
            "" => Err(CompareKindError::NoPath {
                word: word.to_owned(),
            }),
            path => Ok(Self {
                file,
                path: path.to_owned(),
            }),
        }
    }
}

/// Why a text asks for no report of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompareKindError {
    /// It has no equals sign.
    #[error(
        "a report is asked for as `KIND=PATH`, for example `csv=runs.csv`; kinds: {}",
        quoted_list(file_words())
    )]
    Shape,
    /// There is no such report.
    #[error("unknown report `{word}`{}; kinds: {known}", meant(*.nearest))]
    Unknown {
        /// What was written.
        word: String,
        /// What was most likely meant.
        nearest: Option<&'static str>,
        /// What there is.
        known: String,
    },
    /// Nothing stands behind the equals sign.
    #[error("the report `{word}` needs a path, for example `{word}=report`")]
    NoPath {
        /// Which report.
        word: String,
    },
}

fn words() -> impl Iterator<Item = &'static str> {
    CompareKind::ALL.into_iter().map(CompareKind::word)
}

fn file_words() -> impl Iterator<Item = &'static str> {
    words().chain([FIGURES, CHOICES])
}

fn meant(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |word| format!(", did you mean `{word}`?"))
}
