//! Diagnostics as text: title, place, the line with the part underlined, notes, help.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::scenario::{Diagnostic, Diagnostics, Label, Place, Severity, Source, Sources, Span};

/// Whether the text carries colours for a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// Bare text.
    Plain,
    /// With ANSI escapes.
    Coloured,
}

/// Lines of code are cut around the underlined part to about this many columns.
const COLUMNS: usize = 140;
/// Labels farther apart than this many bytes are shown in pieces of their own.
const NEAR_BYTES: usize = 16_000;
/// What the renderer sees of a line before the first and after the last label; the rest would only cost time.
const MARGIN_BYTES: usize = 1_000;

/// One diagnostic, ending in a line break.
#[must_use]
pub fn render(diagnostic: &Diagnostic, sources: &Sources, paint: Paint) -> String {
    let title = level(diagnostic.severity).primary_title(diagnostic.message.as_str());
    let title = match &diagnostic.code {
        Some(code) => title.id(code.as_str()),
        None => title,
    };
    let mut group = Group::with_title(title);
    for piece in pieces(&diagnostic.labels, sources) {
        group = piece.show(group);
    }
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.no_name().message(note.as_str()));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    let renderer = match paint {
        Paint::Plain => Renderer::plain(),
        Paint::Coloured => Renderer::styled(),
    };
    let text = renderer.term_width(COLUMNS).render(&[group]);
    text.lines()
        .filter(|line| !is_bare_gutter(line))
        .flat_map(|line| [line, "\n"])
        .collect()
}

/// All diagnostics in the order of place, separated by blank lines, with a count of those left out.
#[must_use]
pub fn render_all(diagnostics: &Diagnostics, sources: &Sources, paint: Paint) -> String {
    let mut parts: Vec<String> = diagnostics
        .by_place()
        .into_iter()
        .map(|diagnostic| render(diagnostic, sources, paint))
        .collect();
    if diagnostics.left_out() > 0 {
        parts.push(format!("... and {} more\n", diagnostics.left_out()));
    }
    parts.join("\n")
}

/// Whether a line holds nothing but the mark between line numbers and code; such lines only take room.
fn is_bare_gutter(line: &str) -> bool {
    let mut escape = false;
    let visible = line.chars().filter(|c| {
        let shown = !escape && *c != '\u{1b}';
        escape = *c == '\u{1b}' || (escape && *c != 'm');
        shown
    });
    let mark: String = visible.filter(|c| *c != ' ').take(4).collect();
    mark == "|" || mark == ":::"
}

fn level(severity: Severity) -> Level<'static> {
    let level = match severity {
        Severity::Error | Severity::Failed => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    level.with_name(severity.word())
}

/// Labels of one text that are shown in one snippet; the first label of all is the main one.
struct Piece<'a> {
    source: &'a Source,
    place: Place,
    labels: Vec<(&'a Label, AnnotationKind)>,
}

fn pieces<'a>(labels: &'a [Label], sources: &'a Sources) -> Vec<Piece<'a>> {
    let mut pieces: Vec<(Span, Piece<'a>)> = Vec::new();
    for (index, label) in labels.iter().enumerate() {
        let kind = if index == 0 {
            AnnotationKind::Primary
        } else {
            AnnotationKind::Context
        };
        let near = |first: &Span| {
            let distance = first.start.abs_diff(label.span.start);
            first.source == label.span.source && distance as usize <= NEAR_BYTES
        };
        match pieces.iter_mut().find(|(first, _)| near(first)) {
            Some((_, piece)) => piece.labels.push((label, kind)),
            None => {
                let source = sources.get(label.span.source);
                let place = sources.place(label.span);
                pieces.push((
                    label.span,
                    Piece {
                        source,
                        place,
                        labels: vec![(label, kind)],
                    },
                ));
            }
        }
    }
    pieces.into_iter().map(|(_, piece)| piece).collect()
}

impl<'a> Piece<'a> {
    fn show(self, group: Group<'a>) -> Group<'a> {
        let origin = Origin::path(self.source.name());
        if self.source.text().is_empty() {
            return group.element(origin);
        }
        // The place is given apart from the snippet, because the snippet may begin in the middle of a line.
        let group = group.element(origin.line(self.place.line).char_column(self.place.column));
        let window = self.window();
        let shown = self.labels.iter().map(|(label, kind)| {
            let span = kind.span(on_first_line(self.source, label.span, &window));
            if label.text.is_empty() {
                span
            } else {
                span.label(label.text.as_str())
            }
        });
        let first = self
            .source
            .line_at(u32::try_from(window.start).unwrap_or(u32::MAX));
        let snippet = Snippet::source(&self.source.text()[window.clone()]).line_start(first);
        group.element(snippet.annotations(shown))
    }

    /// The bytes to show: whole lines, of long ones the part around the labels.
    fn window(&self) -> Range<usize> {
        let text = self.source.text();
        let starts = || self.labels.iter().map(|(label, _)| label.span.start);
        let (low, high) = (starts().min().unwrap_or(0), starts().max().unwrap_or(0));
        let first = self.source.line_range(self.source.line_at(low)).start;
        let last = self.source.line_range(self.source.line_at(high)).end;
        let start = (low as usize)
            .saturating_sub(MARGIN_BYTES)
            .max(first)
            .min(text.len());
        let end = (high as usize + MARGIN_BYTES).min(last).max(start);
        let start = (first..=start)
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(first);
        let end = (end..=last).find(|at| text.is_char_boundary(*at)).unwrap_or(last);
        start..end.max(start)
    }
}

/// The part of a span that lies on its first line and in the window, counted from the start of the window.
fn on_first_line(source: &Source, span: Span, window: &Range<usize>) -> Range<usize> {
    let line = source.line_range(source.line_at(span.start));
    let (low, high) = (line.start.max(window.start), line.end.min(window.end));
    let start = (span.start as usize).clamp(low, high.max(low));
    let end = (span.end as usize).clamp(start, high.max(start));
    start - window.start..end - window.start
}
