//! The spanned tree.

use std::ops::Range;

use super::text::offset;
use crate::scenario::diagnostic::quoted;
use crate::scenario::source::{Span, Spanned};

/// A value of a file and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// All of it; for an alias the alias itself, while what is below keeps the place of the anchor.
    pub span: Span,
    /// The key that introduces it, or its own first words: what to underline when all of it is too much.
    pub header: Span,
    /// What it is.
    pub kind: NodeKind,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeKind {
    /// A single value.
    Scalar(Scalar),
    /// Values in order.
    List(Vec<Node>),
    /// Values by key, in the order written; no key is there twice.
    Map(Vec<Entry>),
    /// Nothing: empty, `~` or `null`.
    Null,
    /// Something that has been reported already; every decoder passes over it in silence.
    Broken,
}

/// A single value as text; what it means is for the decoder to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scalar {
    /// The text without quotes and escapes.
    pub text: String,
    /// How it was written.
    pub style: Style,
    /// Where `text` begins in the file, if it stands there letter by letter.
    verbatim: Option<u32>,
}

/// How a scalar was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Bare, so that it may also be a number or a truth value.
    Plain,
    /// In quotes or as a block, so that it is text.
    Quoted,
}

/// A key of a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Where it stands.
    pub span: Span,
    /// The text without quotes.
    pub text: String,
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: Key,
    /// The value.
    pub value: Node,
}

impl Scalar {
    pub(super) const fn new(text: String, style: Style, verbatim: Option<u32>) -> Self {
        Self {
            text,
            style,
            verbatim,
        }
    }
}

impl Node {
    /// What to underline: the value itself if it is short, otherwise what introduces it.
    #[must_use]
    pub fn mark(&self) -> Span {
        match &self.kind {
            NodeKind::Scalar(_) => self.span,
            NodeKind::List(items) if items.is_empty() => self.span,
            NodeKind::Map(entries) if entries.is_empty() => self.span,
            NodeKind::List(_) | NodeKind::Map(_) | NodeKind::Null | NodeKind::Broken => self.header,
        }
    }

    /// The place of a part of a scalar's text, in bytes of that text; all of it where escapes or folding
    /// part the text from what stands in the file.
    #[must_use]
    pub fn within(&self, part: Range<usize>) -> Span {
        let NodeKind::Scalar(Scalar {
            text,
            verbatim: Some(start),
            ..
        }) = &self.kind
        else {
            return self.span;
        };
        let low = (0..=part.start.min(text.len()))
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(0);
        let high = (part.end.max(low)..text.len())
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(text.len());
        Span {
            source: self.span.source,
            start: start + offset(low),
            end: start + offset(high),
        }
    }

    /// The scalar's text, if it is a scalar.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::Scalar(scalar) => Some(&scalar.text),
            _ => None,
        }
    }

    /// What a user would call it, for `expected ..., found ...`.
    #[must_use]
    pub fn describe(&self) -> String {
        match &self.kind {
            NodeKind::Scalar(Scalar {
                text,
                style: Style::Quoted,
                ..
            }) => format!("the text {}", quoted(text)),
            NodeKind::Scalar(Scalar { text, .. }) => describe_plain(text),
            NodeKind::List(_) => "a list".to_owned(),
            NodeKind::Map(_) => "a map".to_owned(),
            NodeKind::Null => "nothing".to_owned(),
            NodeKind::Broken => "something broken".to_owned(),
        }
    }
}

impl Key {
    /// The text with its place.
    #[must_use]
    pub fn spanned(&self) -> Spanned<String> {
        Spanned::new(self.text.clone(), self.span)
    }
}

fn describe_plain(text: &str) -> String {
    match text {
        "true" | "false" => quoted(text),
        _ if is_number(text) => format!("the number {}", quoted(text)),
        _ => format!("the text {}", quoted(text)),
    }
}

/// Whether YAML 1.2 readers take a bare text for a number.
pub(in crate::scenario) fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let based = |prefix: &str, base: u32| {
        unsigned
            .strip_prefix(prefix)
            .is_some_and(|d| !d.is_empty() && d.chars().all(|c| c.is_digit(base)))
    };
    let special = matches!(unsigned, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN");
    let starts = unsigned
        .trim_start_matches('.')
        .starts_with(|c: char| c.is_ascii_digit());
    special || based("0x", 16) || based("0o", 8) || (starts && unsigned.parse::<f64>().is_ok())
}
