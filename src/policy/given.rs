//! Reads the attributes of tasks: `attributes: { user_steering: true, expected_duration: 40s, effects: none }`.

use crate::scenario::decode::{map, mismatch, scalar, words};
use crate::scenario::{Diagnostic, Diagnostics, Entry, Node, NodeKind, quoted, suggest};

use super::attribute::{Attribute, Source, Truth};
use super::explain::literal_help;
use super::task::{AttributeId, Given, Value};
use super::vocabulary::Vocabulary;

/// The key that says all effects at once.
const EFFECTS: &str = "effects";

/// Reads attributes by name. A value stands alone and is then declared, or with its source:
/// `expected_duration: { value: 40s, source: measured }`.
///
/// `effects: none`, `effects: unknown` and `effects: [record_change]` set the five effects and the three umbrella
/// flags at once: what is not listed is known not to happen.
pub fn decode_attributes(vocabulary: &Vocabulary, node: &Node, out: &mut Diagnostics) -> Option<Vec<Given>> {
    let NodeKind::Map(entries) = &node.kind else {
        mismatch(node, "a map of attributes", out);
        return None;
    };
    let mut all = Some(Vec::new());
    for entry in entries {
        let given = if entry.key.text == EFFECTS {
            let all = sourced(&entry.value, out).and_then(|(value, source)| effects(value, source, out));
            all.filter(|_| no_singles(entries, entry, out))
        } else {
            attribute(vocabulary, entry, out).map(|given| vec![given])
        };
        match (given, &mut all) {
            (Some(given), Some(list)) => list.extend(given),
            (None, _) | (_, None) => all = None,
        }
    }
    all
}

fn attribute(vocabulary: &Vocabulary, entry: &Entry, out: &mut Diagnostics) -> Option<Given> {
    let Some(attribute) = vocabulary.attribute(&entry.key.text) else {
        let known: Vec<&str> = vocabulary
            .attribute_names()
            .into_iter()
            .chain([EFFECTS])
            .collect();
        let error = Diagnostic::error(format!("unknown attribute {}", quoted(&entry.key.text)));
        out.push(
            error
                .at(entry.key.span, "")
                .help(suggest(&entry.key.text, "known attributes", &known)),
        );
        return None;
    };
    let (value, source) = sourced(&entry.value, out)?;
    let text = &scalar(value, "the value of an attribute", out)?.text;
    match vocabulary.read_value(attribute, text) {
        Ok(value) => Some(Given {
            attribute,
            value,
            source,
        }),
        Err(error) => {
            let message = format!("{} is no value of `{}`", quoted(text), entry.key.text);
            let help = literal_help(&error);
            out.push(
                Diagnostic::error(message)
                    .at(value.mark(), error.to_string())
                    .maybe_help(help),
            );
            None
        }
    }
}

/// A value alone, or a map of value and source.
fn sourced<'n>(node: &'n Node, out: &mut Diagnostics) -> Option<(&'n Node, Source)> {
    let NodeKind::Map(_) = &node.kind else {
        return Some((node, Source::Declared));
    };
    let sources = Source::ALL.map(|source| (source.word(), source));
    let mut fields = map(node, out)?;
    let value = fields.required("value", |value, _| Some(value));
    let source = fields.required("source", words("source", &sources));
    fields.finish();
    Some((value?, source?))
}

fn effects(node: &Node, source: Source, out: &mut Diagnostics) -> Option<Vec<Given>> {
    let all = || Attribute::EFFECTS.into_iter().chain(Attribute::UMBRELLAS);
    let given = |attribute: Attribute, truth: Truth| Given {
        attribute: AttributeId::from(attribute),
        value: Value::Truth(truth),
        source,
    };
    let NodeKind::List(items) = &node.kind else {
        let table = [("none", Truth::False), ("unknown", Truth::Unknown)];
        let truth = words("set of effects", &table)(node, out)?;
        return Some(all().map(|attribute| given(attribute, truth)).collect());
    };
    let table: Vec<_> = all().map(|attribute| (attribute.word(), attribute)).collect();
    let listed: Vec<_> = items
        .iter()
        .map(|item| words("effect", &table)(item, out))
        .collect();
    let listed: Vec<Attribute> = listed.into_iter().collect::<Option<_>>()?;
    Some(
        all()
            .map(|attribute| given(attribute, listed.contains(&attribute).into()))
            .collect(),
    )
}

/// Whether no effect is given by itself beside `effects`; those that are, are reported.
fn no_singles(entries: &[Entry], effects: &Entry, out: &mut Diagnostics) -> bool {
    let before = out.errors();
    let is_effect = |name: &str| {
        let mut all = Attribute::EFFECTS.into_iter().chain(Attribute::UMBRELLAS);
        all.any(|attribute| attribute.word() == name)
    };
    for entry in entries.iter().filter(|entry| is_effect(&entry.key.text)) {
        let error = Diagnostic::error(format!("`{}` is given twice", entry.key.text));
        let error = error
            .at(entry.key.span, "")
            .at(effects.key.span, "gives all effects");
        out.push(error.help(format!("list it under `{EFFECTS}`, or leave `{EFFECTS}` out")));
    }
    out.errors() == before
}
