//! Diagnostics as text: title, place, the line with the part underlined, notes, help.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::paint::Paint;
use crate::scenario::{Diagnostic, Diagnostics, Label, Place, Severity, Source, Sources, Span};

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

/// The part of a span that lies on its first line and in the window, counted from the start of the window. A character of
/// which only a part is meant is shown whole.
fn on_first_line(source: &Source, span: Span, window: &Range<usize>) -> Range<usize> {
    let line = source.line_range(source.line_at(span.start));
    let (low, high) = (line.start.max(window.start), line.end.min(window.end));
    let start = (span.start as usize).clamp(low, high.max(low));
    let end = (span.end as usize).clamp(start, high.max(start));
    let is_whole = |at: &usize| source.text().is_char_boundary(*at);
    let start = (low..=start).rev().find(is_whole).unwrap_or(low);
    let end = (end..=high).find(is_whole).unwrap_or(end);
    start - window.start..end - window.start
}

#[cfg(test)]
mod tests {
    use super::{render, render_all};
    use crate::report::Paint;
    use crate::scenario::{Diagnostic, Diagnostics, Severity, SourceId, Sources, Span};

    fn find(sources: &Sources, source: SourceId, text: &str) -> Span {
        let start = sources.get(source).text().find(text).unwrap_or_default();
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Span {
            source,
            start: offset(start),
            end: offset(start + text.len()),
        }
    }

    #[test]
    fn a_failed_expectation_says_what_where_why_and_what_next() {
        let mut sources = Sources::new();
        let source = sources.add("burst.yaml", "expect:\n  job-3:\n    outcome: completed\n");
        let failed = Diagnostic::new(
            Severity::Failed,
            "expected `job-3` to end as `completed`, got `failed`",
        )
        .at(
            find(&sources, source, "completed"),
            "ended as `failed` at 1.640s, attempt 3 of 3",
        )
        .note("caused by: server replied 503 (fault rule `overload`, line 9)")
        .help("replay with `--seed 42 --until 1.640s`");
        let expected = "\
failed: expected `job-3` to end as `completed`, got `failed`
 --> burst.yaml:3:14
3 |     outcome: completed
  |              ^^^^^^^^^ ended as `failed` at 1.640s, attempt 3 of 3
  = caused by: server replied 503 (fault rule `overload`, line 9)
  = help: replay with `--seed 42 --until 1.640s`
";
        assert_eq!(render(&failed, &sources, Paint::Plain), expected);
    }

    #[test]
    fn a_part_of_a_character_is_shown_as_the_whole() {
        let mut sources = Sources::new();
        let source = sources.add("sizes.json", "\"\u{FFFD}\n");
        let span = |start, end| Span { source, start, end };
        let expected = "\
error: cut
 --> sizes.json:1:2
1 | \"\u{FFFD}
  |  ^
";
        for cut in [span(1, 2), span(1, 3), span(1, 4)] {
            let error = Diagnostic::error("cut").at(cut, "");
            assert_eq!(render(&error, &sources, Paint::Plain), expected);
        }
        for cut in [span(2, 3), span(3, 4), span(3, 3)] {
            let error = Diagnostic::error("cut").at(cut, "");
            assert!(
                render(&error, &sources, Paint::Plain).contains("  |  ^\n"),
                "{cut:?}"
            );
        }
    }

    #[test]
    fn places_in_two_texts_are_both_shown() {
        let mut sources = Sources::new();
        let one = sources.add("one.yaml", "kind: report\n");
        let two = sources.add("kinds.yaml", "summary: {}\nreport: {}\n");
        let warning = Diagnostic::new(Severity::Warning, "odd")
            .code("kinds-1")
            .at(find(&sources, one, "report"), "used here")
            .at(find(&sources, two, "report"), "declared here");
        let expected = "\
warning[kinds-1]: odd
 --> one.yaml:1:7
1 | kind: report
  |       ^^^^^^ used here
 ::: kinds.yaml:2:1
2 | report: {}
  | ------ declared here
";
        assert_eq!(render(&warning, &sources, Paint::Plain), expected);
    }

    #[test]
    fn what_has_no_place_is_a_title_with_its_lines() {
        let note = Diagnostic::new(Severity::Note, "nothing to run").help("name a folder with scenarios");
        let expected = "note: nothing to run\n = help: name a folder with scenarios\n";
        assert_eq!(render(&note, &Sources::new(), Paint::Plain), expected);
    }

    #[test]
    fn a_line_of_a_megabyte_is_cut_around_the_place() {
        let mut sources = Sources::new();
        let source = sources.add(
            "long.yaml",
            format!("{}\tX\t{}", "é,".repeat(200_000), "y".repeat(400_000)),
        );
        let error = Diagnostic::error("long").at(find(&sources, source, "X"), "here");
        let text = render(&error, &sources, Paint::Plain);
        assert!(
            text.contains("long.yaml:1:400002") && text.contains("^ here"),
            "{text}"
        );
        assert!(text.len() < 800, "{} bytes", text.len());
    }

    #[test]
    fn colours_change_nothing_else() {
        let mut sources = Sources::new();
        let source = sources.add("a.yaml", "lane: x\n");
        let mut out = Diagnostics::new();
        out.push(
            Diagnostic::error("unknown lane `x`")
                .at(find(&sources, source, "x"), "")
                .help("none"),
        );
        out.push(Diagnostic::error("and no place"));
        let coloured = render_all(&out, &sources, Paint::Coloured);
        let mut bare = String::new();
        for (index, piece) in coloured.split('\u{1b}').enumerate() {
            bare.push_str(if index == 0 {
                piece
            } else {
                piece.split_once('m').map_or("", |(_, rest)| rest)
            });
        }
        assert!(coloured.len() > bare.len());
        assert_eq!(bare, render_all(&out, &sources, Paint::Plain));
    }
}
