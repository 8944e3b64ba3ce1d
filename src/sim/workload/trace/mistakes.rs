//! What is wrong with a trace, with places.

use std::ops::Range;

use crate::scenario::{Diagnostic, Diagnostics, Sources, Span};

/// So many mistakes are told one by one.
const TOLD: usize = 20;

/// Collects mistakes; only the lines that have one are kept as texts.
pub(super) struct Mistakes<'a> {
    name: &'a str,
    pub(super) bytes: &'a [u8],
    sources: &'a mut Sources,
    out: &'a mut Diagnostics,
    count: usize,
}

impl<'a> Mistakes<'a> {
    pub(super) const fn new(
        name: &'a str,
        bytes: &'a [u8],
        sources: &'a mut Sources,
        out: &'a mut Diagnostics,
    ) -> Self {
        Self {
            name,
            bytes,
            sources,
            out,
            count: 0,
        }
    }

    /// How many there are.
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// Whether there are so many that nobody reads on.
    pub(super) const fn enough(&self) -> bool {
        self.count >= TOLD
    }

    /// A mistake of the whole file.
    pub(super) fn whole(&mut self, what: String, help: &str) {
        let first = self.line_range(0);
        let span = self.span(first.start, 1, 0..0);
        self.push(Diagnostic::error(what).at(span, "").help(help));
    }

    /// A mistake at these bytes of the line that begins at the byte `start` and has this number.
    pub(super) fn at(
        &mut self,
        (start, line): (usize, u32),
        within: Range<usize>,
        what: String,
        label: &str,
    ) {
        let span = self.span(start, line, within);
        self.push(Diagnostic::error(what).at(span, label));
    }

    /// The same with help.
    pub(super) fn at_with(
        &mut self,
        (start, line): (usize, u32),
        within: Range<usize>,
        what: String,
        help: &str,
    ) {
        let span = self.span(start, line, within);
        self.push(Diagnostic::error(what).at(span, "").help(help));
    }

    /// A mistake of a whole line, found by its number.
    pub(super) fn line(&mut self, line: u32, what: String) {
        let mut starts = (0..1).chain(memchr(self.bytes).map(|at| at + 1));
        let start = starts.nth(line.saturating_sub(1) as usize).unwrap_or(0);
        let length = self.line_range(start).len();
        self.at((start, line), 0..length, what, "");
    }

    fn push(&mut self, diagnostic: Diagnostic) {
        self.count += 1;
        if self.count <= TOLD {
            self.out.push(diagnostic);
        }
    }

    /// The line at a byte, without its line break.
    pub(super) fn line_range(&self, start: usize) -> Range<usize> {
        let start = start.min(self.bytes.len());
        let length = self.bytes[start..]
            .iter()
            .position(|byte| matches!(byte, b'\n' | b'\r'))
            .unwrap_or(self.bytes.len() - start);
        start..start + length
    }

    fn span(&mut self, start: usize, line: u32, within: Range<usize>) -> Span {
        let range = self.line_range(start);
        let bytes = &self.bytes[range];
        let place = |at: usize| {
            let before = String::from_utf8_lossy(&bytes[..at.min(bytes.len())]).len();
            u32::try_from(before).unwrap_or(u32::MAX)
        };
        let (from, to) = (place(within.start), place(within.end));
        let text = String::from_utf8_lossy(bytes).into_owned();
        let source = self.sources.add_part(self.name, text, line as usize);
        Span {
            source,
            start: from,
            end: to.max(from),
        }
    }
}

/// Where the line breaks are.
fn memchr(bytes: &[u8]) -> impl Iterator<Item = usize> + '_ {
    let breaks = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    breaks.map(|(at, _)| at)
}
