//! Lists, maps with free keys, and values with their places.

use super::scalar::{mismatch, unlike};
use crate::scenario::diagnostic::Diagnostics;
use crate::scenario::source::Spanned;
use crate::scenario::yaml::{Key, Node, NodeKind};

/// A list; every item is read, and one that is broken breaks the list.
pub fn list<T>(
    item: impl Fn(&Node, &mut Diagnostics) -> Option<T>,
) -> impl Fn(&Node, &mut Diagnostics) -> Option<Vec<T>> {
    move |node, out| match &node.kind {
        NodeKind::List(items) => all(items.iter().map(|node| item(node, out)).collect()),
        _ => {
            mismatch(node, "a list", out);
            None
        }
    }
}

/// A list, or a single item that stands for a list of one.
pub fn list_or_one<T>(
    item: impl Fn(&Node, &mut Diagnostics) -> Option<T>,
) -> impl Fn(&Node, &mut Diagnostics) -> Option<Vec<T>> {
    move |node, out| match &node.kind {
        NodeKind::List(items) => all(items.iter().map(|node| item(node, out)).collect()),
        _ => item(node, out).map(|value| vec![value]),
    }
}

/// A list with at least one item.
pub fn non_empty<T>(
    item: impl Fn(&Node, &mut Diagnostics) -> Option<T>,
) -> impl Fn(&Node, &mut Diagnostics) -> Option<Vec<T>> {
    move |node, out| match &node.kind {
        NodeKind::List(items) if items.is_empty() => {
            out.extend(unlike(node, "a list with at least one entry"));
            None
        }
        _ => list(&item)(node, out),
    }
}

/// A map whose keys are the user's; the function gets each key with its value, in the order written.
pub fn keyed<T>(
    entry: impl Fn(&Key, &Node, &mut Diagnostics) -> Option<T>,
) -> impl Fn(&Node, &mut Diagnostics) -> Option<Vec<T>> {
    move |node, out| match &node.kind {
        NodeKind::Map(entries) => all(entries
            .iter()
            .map(|pair| entry(&pair.key, &pair.value, out))
            .collect()),
        _ => {
            mismatch(node, "a map", out);
            None
        }
    }
}

/// A value with its place.
pub fn spanned<T>(
    value: impl Fn(&Node, &mut Diagnostics) -> Option<T>,
) -> impl Fn(&Node, &mut Diagnostics) -> Option<Spanned<T>> {
    move |node, out| value(node, out).map(|value| Spanned::new(value, node.span))
}

/// All values, or none if one is missing; collected first, so that every one was asked for.
fn all<T>(values: Vec<Option<T>>) -> Option<Vec<T>> {
    values.into_iter().collect()
}
