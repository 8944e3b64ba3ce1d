//! The sinks and tools of the product: what is there for kinds to use.
//!
//! | key of a sink | value | default |
//! |---|---|---|
//! | `effect` | one of the effects, such as `customer_comm` | required |
//! | `class` | `idempotent_by_key`, `queryable`, `neither`: what it promises about a lost receipt | required |
//! | `takes` | how long a try takes, a law | `500ms` |
//! | `version` | the version of its target, where targets have versions | none |
//!
//! | key of a tool | value | default |
//! |---|---|---|
//! | `act` | `free`: may be run again; `once`: without consequence, yet never twice | `free` |
//! | `sink` | the sink that it acts on, instead of `act`: it needs an approval | |
//! | `then` | with `sink`: `last`, the receipt is the result; `more_turns`, the model goes on | `last` |
//! | `retries` | further runs after a failure | 1, with `sink` 0 |
//! | `takes` | how long a run takes, a law; a tool with `sink` takes what its sink takes | `500ms` |
//! | `output` | what it answers | `ok` |
//! | `fails` | the error text that it always answers, instead of `output` | |
//!
//! A scenario may have `sinks` and `tools` of its own: they add to those of the kinds, or change single keys.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::defaults;
use super::value::{law, named, spanned_name, text};
use crate::job::{SinkClass, Then, Tool, ToolAct};
use crate::policy::Attribute;
use crate::rng::Law;
use crate::scenario::decode::{MapReader, integer, keyed, map, words};
use crate::scenario::{Diagnostic, Diagnostics, Key, Node, Spanned, quoted, suggest};

/// A sink as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkEntry {
    /// The effect that lands there.
    pub effect: Attribute,
    /// What it promises about a lost receipt.
    pub class: SinkClass,
    /// How long a try takes.
    pub takes: Law,
    /// The version of its target.
    pub version: Option<Arc<str>>,
}

/// A tool as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolEntry {
    /// What running it does.
    pub act: ToolEntryAct,
    /// Further runs after a failure.
    pub retries: u16,
    /// How long a run takes.
    pub takes: Law,
    /// Its output, or its error text.
    pub answer: Result<Arc<str>, Arc<str>>,
}

/// What running a tool does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolEntryAct {
    /// Nothing outside.
    Free,
    /// Something that must not be done twice.
    Once,
    /// An effect in a sink.
    Effect {
        /// The sink.
        sink: Spanned<Arc<str>>,
        /// What follows the receipt.
        then: Then,
    },
}

/// All sinks and tools of a product.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Product {
    /// The sinks by name.
    pub sinks: BTreeMap<Arc<str>, SinkEntry>,
    /// The tools by name.
    pub tools: BTreeMap<Arc<str>, ToolEntry>,
    /// Whether all of them could be read; if not, none is missed.
    whole: Whole,
}

/// Whether something could be read to its end; if not, nothing is said about names that seem to be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::scenario) enum Whole {
    /// It could.
    #[default]
    Yes,
    /// It could not, and that is reported.
    No,
}

impl Product {
    /// A product that could not be read.
    pub(in crate::scenario) fn unread() -> Self {
        Self {
            whole: Whole::No,
            ..Self::default()
        }
    }

    /// This product with the sinks and tools that two maps add or change.
    pub(in crate::scenario) fn overlaid(
        &self,
        sinks: Option<&Node>,
        tools: Option<&Node>,
        out: &mut Diagnostics,
    ) -> Option<Self> {
        let sinks = sinks.map_or(Some(Vec::new()), |node| {
            keyed(|key, node, out| {
                entry(key, node, out, |node, out| {
                    sink(self.sinks.get(&*key.text), node, out)
                })
            })(node, out)
        });
        let tools = tools.map_or(Some(Vec::new()), |node| {
            keyed(|key, node, out| {
                entry(key, node, out, |node, out| {
                    tool(self.tools.get(&*key.text), node, out)
                })
            })(node, out)
        });
        let mut product = self.clone();
        product.sinks.extend(sinks?);
        product.tools.extend(tools?);
        Some(product)
    }

    /// Reports every tool that acts on a sink that is not there.
    pub(in crate::scenario) fn check(&self, out: &mut Diagnostics) {
        for tool in self.tools.values() {
            if let ToolEntryAct::Effect { sink, .. } = &tool.act {
                self.known_sink(sink, out);
            }
        }
    }

    /// The sink of that name; an unknown one is reported.
    pub(in crate::scenario) fn known_sink(
        &self,
        sink: &Spanned<Arc<str>>,
        out: &mut Diagnostics,
    ) -> Option<&SinkEntry> {
        self.known("sink", &self.sinks, sink, out)
    }

    /// The tool of that name; an unknown one is reported.
    pub(in crate::scenario) fn known_tool(
        &self,
        tool: &Spanned<Arc<str>>,
        out: &mut Diagnostics,
    ) -> Option<&ToolEntry> {
        self.known("tool", &self.tools, tool, out)
    }

    fn known<'p, T>(
        &self,
        noun: &str,
        all: &'p BTreeMap<Arc<str>, T>,
        wanted: &Spanned<Arc<str>>,
        out: &mut Diagnostics,
    ) -> Option<&'p T> {
        let found = all.get(&wanted.value);
        if found.is_none() && self.whole == Whole::Yes {
            let names: Vec<&str> = all.keys().map(|name| &**name).collect();
            let error = Diagnostic::error(format!("unknown {noun} {}", quoted(&wanted.value)));
            let help = suggest(&wanted.value, &format!("known {noun}s"), &names);
            out.push(error.at(wanted.span, "").help(help));
        }
        found
    }

    /// The tool as the core knows it; `None` if its sink is not there.
    pub(in crate::scenario) fn tool(&self, entry: &ToolEntry) -> Option<Tool> {
        let act = match &entry.act {
            ToolEntryAct::Free => ToolAct::Free,
            ToolEntryAct::Once => ToolAct::Once,
            ToolEntryAct::Effect { sink, then } => ToolAct::Effect {
                sink: Arc::clone(&sink.value),
                class: self.sinks.get(&sink.value)?.class,
                then: *then,
            },
        };
        Some(Tool {
            act,
            retries: entry.retries,
        })
    }
}

/// A named entry; the name has to be one.
pub(in crate::scenario) fn entry<T>(
    key: &Key,
    node: &Node,
    out: &mut Diagnostics,
    read: impl FnOnce(&Node, &mut Diagnostics) -> Option<T>,
) -> Option<(Arc<str>, T)> {
    let name = key_name(key, out);
    let value = read(node, out);
    Some((name?, value?))
}

/// The text of a key that has to be a name.
fn key_name(key: &Key, out: &mut Diagnostics) -> Option<Arc<str>> {
    let shape = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
            && text.len() <= 64
    };
    if shape(&key.text) {
        return Some(Arc::from(key.text.as_str()));
    }
    let help =
        "a name has letters, digits, `_`, `-` and `.`, begins with a letter, and has 64 characters at most";
    out.push(
        Diagnostic::error(format!("{} is no name", quoted(&key.text)))
            .at(key.span, "")
            .help(help),
    );
    None
}

const CLASSES: [(&str, SinkClass); 3] = [
    ("idempotent_by_key", SinkClass::IdempotentByKey),
    ("queryable", SinkClass::Queryable),
    ("neither", SinkClass::Neither),
];

fn sink(base: Option<&SinkEntry>, node: &Node, out: &mut Diagnostics) -> Option<SinkEntry> {
    let effects: Vec<Attribute> = Attribute::EFFECTS
        .into_iter()
        .chain(Attribute::UMBRELLAS)
        .collect();
    let effect_word = named("effect", &effects, Attribute::word);
    let mut keys = map(node, out)?;
    let effect = match base {
        Some(base) => keys.or("effect", base.effect, effect_word),
        None => keys.required("effect", effect_word),
    };
    let class = match base {
        Some(base) => keys.or("class", base.class, words("class of sink", &CLASSES)),
        None => keys.required("class", words("class of sink", &CLASSES)),
    };
    let takes = keys.or("takes", base.map_or(defaults::TOOL_TAKES, |base| base.takes), law);
    let version = keys.optional("version", text);
    keys.finish();
    Some(SinkEntry {
        effect: effect?,
        class: class?,
        takes: takes?,
        version: version?.or_else(|| base.and_then(|base| base.version.clone())),
    })
}

fn tool(base: Option<&ToolEntry>, node: &Node, out: &mut Diagnostics) -> Option<ToolEntry> {
    let mut keys = map(node, out)?;
    let act = act(base, &mut keys);
    let retries = keys.optional("retries", integer(0..=100));
    let takes = keys.or("takes", base.map_or(defaults::TOOL_TAKES, |base| base.takes), law);
    let output = keys.optional("output", text);
    let fails = keys.optional("fails", text);
    if let (Some(Some(_)), Some(Some(_))) = (&output, &fails) {
        let (fails, output) = (keys.key_span("fails"), keys.key_span("output"));
        let error = Diagnostic::error("`fails` and `output` exclude each other");
        keys.out().push(
            error
                .at(fails, "")
                .at(output, "the other")
                .help("keep one of them"),
        );
    }
    keys.finish();
    let (act, output, fails) = (act?, output?, fails?);
    let usual = match act {
        ToolEntryAct::Effect { .. } => 0,
        ToolEntryAct::Free | ToolEntryAct::Once => defaults::TOOL_RETRIES,
    };
    let answer = match (output, fails) {
        (_, Some(fails)) => Err(fails),
        (Some(output), None) => Ok(output),
        (None, None) => base.map_or_else(
            || Ok(Arc::from(defaults::TOOL_OUTPUT)),
            |base| base.answer.clone(),
        ),
    };
    Some(ToolEntry {
        act,
        retries: retries?.unwrap_or_else(|| base.map_or(usual, |base| base.retries)),
        takes: takes?,
        answer,
    })
}

const ACTS: [(&str, ToolEntryAct); 2] = [("free", ToolEntryAct::Free), ("once", ToolEntryAct::Once)];
const THEN: [(&str, Then); 2] = [("more_turns", Then::MoreTurns), ("last", Then::Last)];

fn act(base: Option<&ToolEntry>, keys: &mut MapReader<'_, '_>) -> Option<ToolEntryAct> {
    let act = keys.optional("act", words("act", &ACTS));
    let sink = keys.optional("sink", spanned_name);
    let then = keys.optional("then", words("continuation", &THEN));
    let (act, sink, then) = (act?, sink?, then?);
    let before = base.map(|base| &base.act);
    let acted = match (act, sink, before) {
        (Some(_), Some(sink), _) => {
            let span = keys.key_span("act");
            let error = Diagnostic::error("`act` and `sink` exclude each other");
            let help = "a tool that acts on a sink is neither free nor without consequence: remove `act`";
            keys.out()
                .push(error.at(span, "").at(sink.span, "the other").help(help));
            return None;
        }
        (Some(act), None, _) => act,
        (None, Some(sink), _) => ToolEntryAct::Effect {
            sink,
            then: then.unwrap_or(Then::Last),
        },
        (None, None, Some(ToolEntryAct::Effect { sink, then: usual })) => ToolEntryAct::Effect {
            sink: sink.clone(),
            then: then.unwrap_or(*usual),
        },
        (None, None, Some(before)) => before.clone(),
        (None, None, None) => ToolEntryAct::Free,
    };
    let misplaced: &[&'static str] = match acted {
        ToolEntryAct::Effect { .. } => &["takes", "output", "fails"],
        ToolEntryAct::Free | ToolEntryAct::Once => &["then"],
    };
    misplaced.iter().all(|key| fits(key, keys)).then_some(acted)
}

/// Whether a key is rightly absent; one that has no meaning beside the others is reported.
fn fits(key: &'static str, keys: &mut MapReader<'_, '_>) -> bool {
    if keys.node(key).is_none() {
        return true;
    }
    let span = keys.key_span(key);
    let (message, help) = match key {
        "then" => (
            "`then` needs a `sink`",
            "only an effect has a receipt that something can follow",
        ),
        _ => (
            "a tool that acts on a sink does nothing by itself",
            "write it at the sink, or as a fault of the sink",
        ),
    };
    keys.out()
        .push(Diagnostic::error(message).at(span, "").help(help));
    false
}
