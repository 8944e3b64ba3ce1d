//! Maps with known keys.

use super::scalar::mismatch;
use crate::scenario::diagnostic::{Diagnostic, Diagnostics, nearest, quoted, quoted_list, suggest};
use crate::scenario::source::Span;
use crate::scenario::yaml::{Entry, Node, NodeKind};

/// Reads a map key by key; [`finish`](Self::finish) reports the keys that nobody asked for.
#[must_use = "`finish` reports unknown keys"]
pub struct MapReader<'n, 'o> {
    entries: &'n [Entry],
    header: Span,
    known: Vec<&'static str>,
    reported: Vec<Span>,
    out: &'o mut Diagnostics,
}

/// Begins to read a map; something else is reported.
pub fn map<'n, 'o>(node: &'n Node, out: &'o mut Diagnostics) -> Option<MapReader<'n, 'o>> {
    let NodeKind::Map(entries) = &node.kind else {
        mismatch(node, "a map", out);
        return None;
    };
    Some(MapReader {
        entries,
        header: node.header,
        known: Vec::new(),
        reported: Vec::new(),
        out,
    })
}

impl<'n> MapReader<'n, '_> {
    /// The value of a key that has to be there.
    pub fn required<T>(
        &mut self,
        key: &'static str,
        value: impl FnOnce(&'n Node, &mut Diagnostics) -> Option<T>,
    ) -> Option<T> {
        match self.node(key) {
            Some(node) => value(node, self.out),
            None => {
                self.missing(key);
                None
            }
        }
    }

    /// The value of a key that may be left out: `None` if it is broken, `Some(None)` if it is left out.
    pub fn optional<T>(
        &mut self,
        key: &'static str,
        value: impl FnOnce(&'n Node, &mut Diagnostics) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.node(key) {
            Some(node) => value(node, self.out).map(Some),
            None => Some(None),
        }
    }

    /// The value of a key, or `default` if the key is left out.
    pub fn or<T>(
        &mut self,
        key: &'static str,
        default: T,
        value: impl FnOnce(&'n Node, &mut Diagnostics) -> Option<T>,
    ) -> Option<T> {
        self.optional(key, value).map(|found| found.unwrap_or(default))
    }

    /// The one of several keys that is there; none and more than one are reported.
    pub fn one_of(&mut self, keys: &[&'static str]) -> Option<(&'static str, &'n Node)> {
        let mut found: Option<(&'static str, &'n Node)> = None;
        for key in keys {
            let Some(node) = self.node(key) else { continue };
            if let Some((first, _)) = found {
                let error = Diagnostic::error(format!("`{key}` and `{first}` exclude each other"));
                let (again, before) = (self.key_span(key), self.key_span(first));
                self.out.push(
                    error
                        .at(again, "")
                        .at(before, "the other")
                        .help("keep one of them"),
                );
                return None;
            }
            found = Some((key, node));
        }
        if found.is_none() {
            let list = quoted_list(keys.iter().copied());
            self.out
                .push(Diagnostic::error(format!("one of the keys {list} is missing")).at(self.header, ""));
        }
        found
    }

    /// The value of a key as it stands, if the key is there; the key counts as known from now on.
    pub fn node(&mut self, key: &'static str) -> Option<&'n Node> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        self.entries
            .iter()
            .find(|entry| entry.key.text == key)
            .map(|entry| &entry.value)
    }

    /// Where a key stands; what introduces the map if it is not there.
    #[must_use]
    pub fn key_span(&self, key: &str) -> Span {
        self.entries
            .iter()
            .find(|entry| entry.key.text == key)
            .map_or(self.header, |entry| entry.key.span)
    }

    /// What introduces the map: its own key, or its first words.
    #[must_use]
    pub const fn header(&self) -> Span {
        self.header
    }

    /// Where further complaints about the map go.
    pub const fn out(&mut self) -> &mut Diagnostics {
        self.out
    }

    /// Reports a key that is not there; a key that looks like it is not reported again as unknown.
    fn missing(&mut self, key: &'static str) {
        let error = Diagnostic::error(format!("the key `{key}` is missing"));
        let unclaimed = self
            .entries
            .iter()
            .filter(|entry| !self.known.contains(&entry.key.text.as_str()));
        let similar = unclaimed
            .map(|entry| &entry.key)
            .find(|found| nearest(&found.text, [key]).is_some());
        let error = match similar {
            Some(found) => {
                self.reported.push(found.span);
                let help = format!("write `{key}` instead of {}", quoted(&found.text));
                error.at(found.span, "is this meant to be it?").help(help)
            }
            None => error.at(self.header, format!("has no `{key}`")),
        };
        self.out.push(error);
    }

    /// Reports every key that was not asked for, with the nearest known one.
    pub fn finish(self) {
        for Entry { key, .. } in self.entries {
            if !self.known.contains(&key.text.as_str()) && !self.reported.contains(&key.span) {
                let error = Diagnostic::error(format!("unknown key {}", quoted(&key.text)));
                let help = suggest(&key.text, "known keys", &self.known);
                self.out.push(error.at(key.span, "").help(help));
            }
        }
    }
}
