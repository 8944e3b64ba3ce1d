//! Findings as plain data.

use serde::Serialize;
use serde_json::Value;

use crate::policy::FindingSeverity;
use crate::report::{Paint, render};
use crate::scenario::{Diagnostic, Severity, Sources, Span};

/// How much weight a finding has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Gravity {
    /// It fails the run.
    Error,
    /// It should be looked at.
    Warning,
    /// Good to know.
    Note,
}

impl Gravity {
    /// The word used in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

impl From<FindingSeverity> for Gravity {
    fn from(severity: FindingSeverity) -> Self {
        match severity {
            FindingSeverity::Unsafe => Self::Error,
            FindingSeverity::Untidy => Self::Warning,
            FindingSeverity::Note => Self::Note,
        }
    }
}

impl From<Severity> for Gravity {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Error | Severity::Failed => Self::Error,
            Severity::Warning => Self::Warning,
            Severity::Note => Self::Note,
        }
    }
}

/// A stretch of a file, as the user counts: from 1, columns in characters, the end behind the last one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoundPlace {
    /// The file as the user names it.
    pub file: String,
    /// The first line.
    pub line: usize,
    /// The first column.
    pub column: usize,
    /// The last line.
    pub end_line: usize,
    /// The column behind the last character.
    pub end_column: usize,
}

impl FoundPlace {
    /// The place of a stretch.
    #[must_use]
    pub fn of(span: Span, sources: &Sources) -> Self {
        let start = sources.place(span);
        let end = sources.place(Span {
            start: span.end.max(span.start),
            ..span
        });
        Self {
            file: start.name,
            line: start.line,
            column: start.column,
            end_line: end.line,
            end_column: end.column,
        }
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// What was looked for: the id of one of [`Analysis::looked_for`].
    pub id: String,
    /// How much weight it has.
    pub gravity: Gravity,
    /// What is the matter, on one line.
    pub message: String,
    /// Where.
    pub place: Option<FoundPlace>,
    /// A task that shows it, as YAML that a scenario takes.
    pub witness: Option<String>,
    /// What to do.
    pub fix: Option<String>,
    /// Further facts, each a line.
    pub notes: Vec<String>,
    /// All of it for people, with the place underlined and no colours.
    #[serde(skip)]
    pub text: String,
}

impl Found {
    /// The finding that a diagnostic tells of; its code is the id, its help the fix.
    #[must_use]
    pub fn of(diagnostic: &Diagnostic, witness: Option<String>, sources: &Sources) -> Self {
        let shown = match &witness {
            Some(task) => &diagnostic.clone().note(format!("witness: {task}")),
            None => diagnostic,
        };
        let text = render(shown, sources, Paint::Plain);
        Self {
            id: diagnostic.code.clone().unwrap_or_default(),
            gravity: diagnostic.severity.into(),
            message: diagnostic.message.clone(),
            place: diagnostic.span().map(|span| FoundPlace::of(span, sources)),
            witness,
            fix: diagnostic.help.clone(),
            notes: diagnostic.notes.clone(),
            text,
        }
    }
}

/// Something that was looked for, found or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LookedFor {
    /// Its id, the same in every version.
    pub id: String,
    /// What it means, on one line.
    pub title: String,
}

impl LookedFor {
    /// `id` with its meaning.
    #[must_use]
    pub fn new(id: impl Into<String>, title: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            title: title.into(),
        }
    }
}

/// Everything an analysis has to say.
#[derive(Debug, Clone, PartialEq)]
pub struct Analysis {
    /// The command that made it, such as `diff`.
    pub command: &'static str,
    /// The file that it is about; findings without a place are shown there.
    pub subject: String,
    /// What it comes to, on one line.
    pub headline: String,
    /// Everything that was looked for.
    pub looked_for: Vec<LookedFor>,
    /// What was found, the worst first.
    pub found: Vec<Found>,
    /// What the command itself has to say, for people; stands before the findings.
    pub lead: String,
    /// Sections of Markdown between headline and findings.
    pub sections: Vec<String>,
    /// What the command itself has to say, for the JSON.
    pub details: Value,
}

impl Analysis {
    /// How many findings have this weight.
    #[must_use]
    pub fn count(&self, gravity: Gravity) -> usize {
        self.found.iter().filter(|found| found.gravity == gravity).count()
    }

    /// Whether something fails the run.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.count(Gravity::Error) > 0
    }
}
