//! Cases: a plain word, or a map with one key that names the case.

use super::scalar::mismatch;
use crate::scenario::diagnostic::{Diagnostic, Diagnostics, quoted, suggest};
use crate::scenario::source::Span;
use crate::scenario::yaml::{Node, NodeKind};

/// A case with the value it carries, if any: `queued`, or `file_search: 4s`.
#[derive(Debug, Clone, Copy)]
pub struct Variant<'n> {
    /// The word that names the case, out of those given to [`variant`].
    pub name: &'static str,
    /// Where the word stands.
    pub span: Span,
    value: Option<&'n Node>,
}

/// One of a few cases. `noun` says what they are: ``unknown step `file_serch` ``.
pub fn variant<'n>(
    noun: &str,
    cases: &[&'static str],
    node: &'n Node,
    out: &mut Diagnostics,
) -> Option<Variant<'n>> {
    let (word, span, value) = match &node.kind {
        NodeKind::Scalar(scalar) => (scalar.text.as_str(), node.span, None),
        NodeKind::Map(entries) => match entries.as_slice() {
            [entry] => (entry.key.text.as_str(), entry.key.span, Some(&entry.value)),
            _ => return several(noun, cases, node, out),
        },
        _ => {
            mismatch(node, &format!("a word or a map of one key for the {noun}"), out);
            return None;
        }
    };
    let Some(name) = cases.iter().find(|case| **case == word) else {
        let error = Diagnostic::error(format!("unknown {noun} {}", quoted(word)));
        out.push(error.at(span, "").help(suggest(word, "possible", cases)));
        return None;
    };
    Some(Variant { name, span, value })
}

fn several<'n>(
    noun: &str,
    cases: &[&'static str],
    node: &Node,
    out: &mut Diagnostics,
) -> Option<Variant<'n>> {
    let NodeKind::Map(entries) = &node.kind else {
        return None;
    };
    let error = Diagnostic::error(format!(
        "expected one key that names the {noun}, found {}",
        entries.len()
    ));
    let error = match entries.get(1) {
        Some(second) => error.at(second.key.span, "one too many"),
        None => error.at(node.mark(), "is empty"),
    };
    out.push(error.help(format!(
        "{}; several of them make a list",
        suggest("", "possible", cases)
    )));
    None
}

impl<'n> Variant<'n> {
    /// What the case carries; a case written without is reported.
    pub fn value<T>(
        self,
        decode: impl FnOnce(&'n Node, &mut Diagnostics) -> Option<T>,
        out: &mut Diagnostics,
    ) -> Option<T> {
        match self.value {
            Some(node) => decode(node, out),
            None => {
                let error = Diagnostic::error(format!("`{}` needs a value", self.name));
                out.push(
                    error
                        .at(self.span, "")
                        .help(format!("write `{}: ...`", self.name)),
                );
                None
            }
        }
    }

    /// What the case carries, if anything: `None` if it is broken, `Some(None)` if there is nothing.
    pub fn optional<T>(
        self,
        decode: impl FnOnce(&'n Node, &mut Diagnostics) -> Option<T>,
        out: &mut Diagnostics,
    ) -> Option<Option<T>> {
        match self.value {
            Some(Node {
                kind: NodeKind::Null, ..
            })
            | None => Some(None),
            Some(node) => decode(node, out).map(Some),
        }
    }

    /// `case`, if nothing is carried; a value is reported.
    pub fn bare<T>(self, case: T, out: &mut Diagnostics) -> Option<T> {
        match self.value {
            Some(Node {
                kind: NodeKind::Null, ..
            })
            | None => Some(case),
            Some(node) => {
                let error = Diagnostic::error(format!("`{}` takes no value", self.name));
                out.push(
                    error
                        .at(node.mark(), "")
                        .help(format!("write `{}` alone", self.name)),
                );
                None
            }
        }
    }
}
