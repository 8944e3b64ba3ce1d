//! What there is to say about files that users wrote: data only, rendering is done by the reports.
//!
//! Invariant: a mistake is reported once; what follows from it is not.

use super::source::Span;

/// How bad it is; the word opens the rendered text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The input is broken.
    Error,
    /// An expectation was not met.
    Failed,
    /// Worth a look; nothing is broken.
    Warning,
    /// Said for completeness.
    Note,
}

impl Severity {
    /// The word shown to the user.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Failed => "failed",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// A place with a few words about it; the words may be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What about it.
    pub text: String,
}

/// One thing to say: what, where, why, what next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad.
    pub severity: Severity,
    /// One lower-case line without a full stop.
    pub message: String,
    /// A stable id, where there is one (of an invariant, of a finding).
    pub code: Option<String>,
    /// The places; the first is the one that the message is about.
    pub labels: Vec<Label>,
    /// Further facts, each a line, such as `caused by: ...`.
    pub notes: Vec<String>,
    /// What to do next.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A diagnostic of any severity.
    #[must_use]
    pub fn new(severity: Severity, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            severity,
            message,
            code: None,
            labels: Vec::new(),
            notes: Vec::new(),
            help: None,
        }
    }

    /// Broken input.
    #[must_use]
    pub fn error(message: impl Into<String>) -> Self {
        Self::new(Severity::Error, message)
    }

    /// Adds a place; the first one added is the main one.
    #[must_use]
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label {
            span,
            text: text.into(),
        });
        self
    }

    /// Sets what to do next.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Sets what to do next, if there is something to say.
    #[must_use]
    pub fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }

    /// Adds a further fact.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Sets the stable id.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// The place that the message is about.
    #[must_use]
    pub fn span(&self) -> Option<Span> {
        self.labels.first().map(|label| label.span)
    }
}

/// Collects what there is to say, up to [`Diagnostics::MAX`] entries; the rest is counted.
#[derive(Debug, Clone, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    left_out: usize,
    errors: usize,
}

impl Diagnostics {
    /// Nobody reads more than this many.
    pub const MAX: usize = 100;

    /// Nothing to say yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one, unless the very same was said before (a value may be read twice through an alias).
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if self.list.contains(&diagnostic) {
            return;
        }
        self.errors += usize::from(diagnostic.severity == Severity::Error);
        if self.list.len() < Self::MAX {
            self.list.push(diagnostic);
        } else {
            self.left_out += 1;
        }
    }

    /// Adds several.
    pub fn extend(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        diagnostics
            .into_iter()
            .for_each(|diagnostic| self.push(diagnostic));
    }

    /// Whether any of them says that the input is broken.
    #[must_use]
    pub const fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// How many say that the input is broken, those left out included.
    #[must_use]
    pub const fn errors(&self) -> usize {
        self.errors
    }

    /// Whether there is nothing to say.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many were left out over the limit.
    #[must_use]
    pub const fn left_out(&self) -> usize {
        self.left_out
    }

    /// In the order they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// In the order of place: by text, then from top to bottom; what has no place comes first.
    #[must_use]
    pub fn by_place(&self) -> Vec<&Diagnostic> {
        let mut sorted: Vec<&Diagnostic> = self.list.iter().collect();
        sorted.sort_by_key(|diagnostic| diagnostic.span());
        sorted
    }
}

/// Lists are cut after this many names.
const NAMES_MAX: usize = 24;
/// Longer words are not compared with anything.
const WORD_MAX: usize = 64;

/// The known word that `word` was most likely meant to be.
///
/// Upper case, `-` for `_`, transposed, missing and additional letters are forgiven, one in three letters at
/// most. Of equally near words the first one given counts.
#[must_use]
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let plain = |text: &str| text.to_lowercase().replace(['-', ' '], "_");
    let length = word.chars().count();
    if length == 0 || length > WORD_MAX {
        return None;
    }
    let allowed = (length / 3).max(1);
    let wanted = plain(word);
    let distances = known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&wanted, &plain(name)), name));
    let near = distances.filter(|(distance, name)| *distance <= allowed && *distance < name.chars().count());
    near.min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

/// Names in backticks, separated by commas; long lists are cut.
#[must_use]
pub fn quoted_list<'k>(names: impl IntoIterator<Item = &'k str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    let shown = names
        .iter()
        .take(NAMES_MAX)
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().saturating_sub(NAMES_MAX) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// The help for an unknown word: the nearest match, then the known words after `title`.
///
/// Gives ``did you mean `lane`? known keys: `lane`, `outcome` `` with the title `known keys`.
#[must_use]
pub fn suggest(word: &str, title: &str, known: &[&str]) -> String {
    let list = match known {
        [] => format!("{title}: none"),
        known => format!("{title}: {}", quoted_list(known.iter().copied())),
    };
    match nearest(word, known.iter().copied()) {
        Some(name) => format!("did you mean `{name}`? {list}"),
        None => list,
    }
}

/// User text for a message: on one line, cut after 60 characters, in backticks.
#[must_use]
pub fn quoted(text: &str) -> String {
    const SHOWN: usize = 60;
    let visible = |c: char| if c.is_control() { ' ' } else { c };
    let mut shown: String = text.chars().take(SHOWN).map(visible).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

#[cfg(test)]
mod tests {
    use super::{Diagnostic, Diagnostics, Severity, nearest, quoted, quoted_list, suggest};
    use crate::scenario::{Sources, Span};

    #[test]
    fn the_nearest_word_forgives_a_slip() {
        let lanes = ["interactive", "background", "approval"];
        for (word, expected) in [
            ("interactiv", Some("interactive")),
            ("Background", Some("background")),
            ("bakcground", Some("background")),
            ("aproval", Some("approval")),
            ("foreground", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, lanes), expected, "for `{word}`");
        }
        assert_eq!(nearest("retry-after", ["retry_after"]), Some("retry_after"));
        assert_eq!(nearest("ta", ["at", "to"]), Some("at"));
        assert_eq!(nearest("x", ["y"]), None);
        assert_eq!(nearest(&"a".repeat(100_000), ["a"]), None);
    }

    #[test]
    fn lists_of_names_are_cut() {
        assert_eq!(quoted_list(["a", "b"]), "`a`, `b`");
        let names: Vec<String> = (0..30).map(|i| format!("n{i}")).collect();
        assert!(quoted_list(names.iter().map(String::as_str)).ends_with("`n23` and 6 more"));
        assert_eq!(
            suggest("lan", "known keys", &["lane"]),
            "did you mean `lane`? known keys: `lane`"
        );
        assert_eq!(suggest("lan", "known keys", &[]), "known keys: none");
    }

    #[test]
    fn user_text_stays_on_one_short_line() {
        assert_eq!(quoted("a\nb\u{1b}"), "`a b `");
        assert_eq!(quoted(&"é".repeat(70)), format!("`{}…`", "é".repeat(60)));
    }

    #[test]
    fn the_collector_counts_what_it_leaves_out_and_says_nothing_twice() {
        let mut out = Diagnostics::new();
        for number in 0..Diagnostics::MAX + 5 {
            out.push(Diagnostic::error(format!("mistake {number}")));
            out.push(Diagnostic::error("the same"));
        }
        out.push(Diagnostic::new(Severity::Warning, "odd"));
        assert_eq!(out.iter().count(), Diagnostics::MAX);
        assert_eq!((out.errors(), out.left_out()), (Diagnostics::MAX + 6, 7));
    }

    #[test]
    fn warnings_are_no_errors() {
        let mut out = Diagnostics::new();
        out.push(Diagnostic::new(Severity::Warning, "odd"));
        assert!(!out.has_errors() && !out.is_empty());
    }

    #[test]
    fn the_order_is_that_of_the_places() {
        let source = Sources::new().add("t", "abc");
        let at = |start| Span {
            source,
            start,
            end: start,
        };
        let mut out = Diagnostics::new();
        out.push(Diagnostic::error("late").at(at(2), ""));
        out.push(Diagnostic::error("early").at(at(0), ""));
        out.push(Diagnostic::error("nowhere"));
        let order: Vec<&str> = out
            .by_place()
            .into_iter()
            .map(|diagnostic| diagnostic.message.as_str())
            .collect();
        assert_eq!(order, ["nowhere", "early", "late"]);
    }
}
