//! Values that several formats share: laws of duration, positive durations, words of our own enums, JSON texts.

use std::sync::Arc;

use serde_json::value::RawValue;

use crate::rng::Law;
use crate::scenario::decode::{duration, map, mismatch, string, variant, word, words};
use crate::scenario::yaml::is_number;
use crate::scenario::{Diagnostic, Diagnostics, Node, NodeKind, Spanned, Style, quoted};
use crate::units::SimDuration;

/// A law of duration: `4s`, `{ uniform: { min: 1s, max: 5s } }`, `{ lognormal: { p50: 3m, p99: 9m } }` or
/// `{ exponential: { mean: 20s } }`.
pub(crate) fn law(node: &Node, out: &mut Diagnostics) -> Option<Law> {
    if !matches!(node.kind, NodeKind::Map(_)) {
        return duration(node, out).map(Law::Constant);
    }
    let case = variant(
        "law of duration",
        &["uniform", "lognormal", "exponential"],
        node,
        out,
    )?;
    let name = case.name;
    let law = case.value(|node, out| parameters(name, node, out), out)?;
    match law.checked() {
        Ok(law) => Some(law),
        Err(cause) => {
            out.push(Diagnostic::error(cause.to_string()).at(case.span, ""));
            None
        }
    }
}

fn parameters(name: &str, node: &Node, out: &mut Diagnostics) -> Option<Law> {
    let mut keys = map(node, out)?;
    let mut both = |low, high| {
        let (low, high) = (keys.required(low, duration), keys.required(high, duration));
        Some((low?, high?))
    };
    let law = match name {
        "uniform" => both("min", "max").map(|(min, max)| Law::Uniform { min, max }),
        "lognormal" => both("p50", "p99").map(|(p50, p99)| Law::Lognormal { p50, p99 }),
        _ => keys
            .required("mean", duration)
            .map(|mean| Law::Exponential { mean }),
    };
    keys.finish();
    law
}

/// A duration that is longer than nothing.
pub(in crate::scenario) fn positive(node: &Node, out: &mut Diagnostics) -> Option<SimDuration> {
    let length = duration(node, out)?;
    if length.is_zero() {
        let error = Diagnostic::error("expected a duration longer than nothing");
        out.push(error.at(node.mark(), "is no time at all"));
        return None;
    }
    Some(length)
}

/// One of our own words, by the function that gives each its word.
pub(in crate::scenario) fn named<T: Copy>(
    noun: &'static str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
) -> impl Fn(&Node, &mut Diagnostics) -> Option<T> {
    let table: Vec<(&str, T)> = all.iter().map(|one| (name(*one), *one)).collect();
    move |node, out| words(noun, &table)(node, out)
}

/// A text that is shared from now on.
pub(in crate::scenario) fn text(node: &Node, out: &mut Diagnostics) -> Option<Arc<str>> {
    string(node, out).map(Arc::from)
}

/// A text with something in it.
pub(in crate::scenario) fn filled(node: &Node, out: &mut Diagnostics) -> Option<Arc<str>> {
    let found = text(node, out)?;
    if found.is_empty() {
        out.push(Diagnostic::error("expected a text, found an empty one").at(node.mark(), "is empty"));
        return None;
    }
    Some(found)
}

/// A name that is shared from now on.
pub(in crate::scenario) fn name(node: &Node, out: &mut Diagnostics) -> Option<Arc<str>> {
    word(node, out).map(Arc::from)
}

/// A name with its place.
pub(in crate::scenario) fn spanned_name(node: &Node, out: &mut Diagnostics) -> Option<Spanned<Arc<str>>> {
    name(node, out).map(|name| Spanned::new(name, node.mark()))
}

/// The arguments of a call: a map, written as JSON, or a text that is taken as it stands, so that a model that
/// writes broken JSON can be played too.
pub(in crate::scenario) fn arguments(node: &Node, out: &mut Diagnostics) -> Option<Arc<str>> {
    match &node.kind {
        NodeKind::Map(_) => json(node, out).map(Arc::from),
        NodeKind::Scalar(scalar) => Some(Arc::from(scalar.text.as_str())),
        _ => {
            mismatch(node, "a map of arguments, or a JSON text", out);
            None
        }
    }
}

/// A value as JSON text; numbers keep their digits.
fn json(node: &Node, out: &mut Diagnostics) -> Option<String> {
    match &node.kind {
        NodeKind::Null => Some("null".to_owned()),
        NodeKind::Broken => None,
        NodeKind::List(items) => {
            let items: Vec<Option<String>> = items.iter().map(|item| json(item, out)).collect();
            Some(format!(
                "[{}]",
                items.into_iter().collect::<Option<Vec<_>>>()?.join(",")
            ))
        }
        NodeKind::Map(entries) => {
            let entries: Vec<Option<String>> = entries
                .iter()
                .map(|entry| {
                    json(&entry.value, out).map(|value| format!("{}:{value}", string_json(&entry.key.text)))
                })
                .collect();
            Some(format!(
                "{{{}}}",
                entries.into_iter().collect::<Option<Vec<_>>>()?.join(",")
            ))
        }
        NodeKind::Scalar(scalar) => match (scalar.style, scalar.text.as_str()) {
            (Style::Plain, truth @ ("true" | "false")) => Some(truth.to_owned()),
            (Style::Plain, number) if is_number(number) => json_number(number, node, out),
            (Style::Plain | Style::Quoted, text) => Some(string_json(text)),
        },
    }
}

fn json_number(number: &str, node: &Node, out: &mut Diagnostics) -> Option<String> {
    if serde_json::from_str::<&RawValue>(number).is_ok() {
        return Some(number.to_owned());
    }
    let error = Diagnostic::error(format!("{} is no number of JSON", quoted(number)));
    out.push(
        error
            .at(node.mark(), "")
            .help(format!("put it into quotes if it is a text: `\"{number}\"`")),
    );
    None
}

fn string_json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
