//! Texts, words and truth values.

use std::fmt::Display;

use crate::scenario::diagnostic::{Diagnostic, Diagnostics, quoted, suggest};
use crate::scenario::yaml::{Node, NodeKind, Scalar, Style, is_number};

/// Reports that something else was expected here; says nothing about a node that was reported before.
pub fn mismatch(node: &Node, expected: &str, out: &mut Diagnostics) {
    out.extend(unlike(node, expected));
}

/// The complaint of [`mismatch`], for callers that know a help.
pub(super) fn unlike(node: &Node, expected: &str) -> Option<Diagnostic> {
    let found = match &node.kind {
        NodeKind::Broken => return None,
        NodeKind::Null => Diagnostic::error(format!("a value is missing: expected {expected}")),
        _ => Diagnostic::error(format!("expected {expected}, found {}", node.describe())),
    };
    Some(found.at(node.mark(), format!("expected {expected}")))
}

/// The single value of a node, or a complaint that `expected` was wanted.
pub fn scalar<'n>(node: &'n Node, expected: &str, out: &mut Diagnostics) -> Option<&'n Scalar> {
    if let NodeKind::Scalar(scalar) = &node.kind {
        return Some(scalar);
    }
    mismatch(node, expected, out);
    None
}

/// The text of a single value that is not in quotes; quotes make it text, and so something else.
pub(super) fn plain<'n>(node: &'n Node, expected: &str, out: &mut Diagnostics) -> Option<&'n str> {
    let scalar = scalar(node, expected, out)?;
    if scalar.style == Style::Quoted {
        out.extend(unlike(node, expected).map(|error| error.help("remove the quotes")));
        return None;
    }
    Some(&scalar.text)
}

/// A text. A bare number or truth value is refused: other readers of YAML would not take it for a text.
pub fn string(node: &Node, out: &mut Diagnostics) -> Option<String> {
    let scalar = scalar(node, "a text", out)?;
    let ambiguous = matches!(scalar.text.as_str(), "true" | "false") || is_number(&scalar.text);
    if scalar.style == Style::Plain && ambiguous {
        let help = format!("put it into quotes: `\"{}\"`", scalar.text);
        out.extend(unlike(node, "a text").map(|error| error.help(help)));
        return None;
    }
    if scalar.text.trim().is_empty() {
        out.push(Diagnostic::error("expected a text, found an empty one").at(node.mark(), "is empty"));
        return None;
    }
    Some(scalar.text.clone())
}

/// An identifier: letters, digits, `_`, `-` and `.`, beginning with a letter or `_`, of 64 characters at most.
pub fn word(node: &Node, out: &mut Diagnostics) -> Option<String> {
    let text = string(node, out)?;
    let first = text
        .chars()
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    let rest = text
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    if first && rest && text.len() <= 64 {
        return Some(text);
    }
    let help =
        "a name has letters, digits, `_`, `-` and `.`, begins with a letter, and has 64 characters at most";
    out.push(
        Diagnostic::error(format!("{} is no name", quoted(&text)))
            .at(node.mark(), "")
            .help(help),
    );
    None
}

/// `true` or `false`, bare and in lower case.
pub fn boolean(node: &Node, out: &mut Diagnostics) -> Option<bool> {
    let expected = "`true` or `false`";
    match plain(node, expected, out)? {
        "true" => Some(true),
        "false" => Some(false),
        other => {
            let meant = match other.to_ascii_lowercase().as_str() {
                "yes" | "on" | "y" | "true" => Some("write `true`".to_owned()),
                "no" | "off" | "n" | "false" => Some("write `false`".to_owned()),
                _ => None,
            };
            out.extend(unlike(node, expected).map(|error| error.maybe_help(meant)));
            None
        }
    }
}

/// `true`, `false` or `unknown`; the inner `None` is `unknown`.
pub fn three_valued(node: &Node, out: &mut Diagnostics) -> Option<Option<bool>> {
    let table = [("true", Some(true)), ("false", Some(false)), ("unknown", None)];
    words("truth value", &table)(node, out)
}

/// One of a few words. `noun` says what they are: ``unknown lane `interactiv` ``.
pub fn words<T: Clone>(noun: &str, table: &[(&str, T)]) -> impl Fn(&Node, &mut Diagnostics) -> Option<T> {
    move |node, out| {
        let known: Vec<&str> = table.iter().map(|(name, _)| *name).collect();
        let scalar = scalar(node, &format!("a word for the {noun}"), out)?;
        if let Some((_, value)) = table.iter().find(|(name, _)| *name == scalar.text) {
            return Some(value.clone());
        }
        let error = Diagnostic::error(format!("unknown {noun} {}", quoted(&scalar.text)));
        out.push(
            error
                .at(node.mark(), "")
                .help(suggest(&scalar.text, "possible", &known)),
        );
        None
    }
}

/// Anything that a function makes of a single value's text; its error is shown as the cause.
///
/// `expected` names it with an article: `a duration`.
pub fn parsed<T, E: Display>(
    expected: &str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> impl Fn(&Node, &mut Diagnostics) -> Option<T> {
    move |node, out| {
        let text = &scalar(node, expected, out)?.text;
        match parse(text) {
            Ok(value) => Some(value),
            Err(cause) => {
                let error = Diagnostic::error(format!("expected {expected}, found {}", node.describe()));
                out.push(error.at(node.mark(), cause.to_string()));
                None
            }
        }
    }
}
