//! The registry of kinds.
//!
//! | key of the file | value |
//! |---|---|
//! | `sinks` | the places where effects land, by name |
//! | `tools` | the function tools, by name |
//! | `attributes` | what holds for every kind that does not say otherwise: facts of the product around the tasks |
//! | `kinds` | the kinds, by name |
//!
//! The kind `any` is always there: nothing is known of its tasks but what they say.
//!
//! | key of a kind | value | default |
//! |---|---|---|
//! | `description` | one line for people | required |
//! | `attributes` | what a policy decides by, each alone (declared) or with its source: `{ value: 40s, source: predicted }` | those of the file; all else is unknown |
//! | everything of the plan | how tasks of this kind are carried out | |

use std::collections::BTreeMap;
use std::sync::Arc;

use super::plan::Work;
use super::product::{Product, entry};
use super::script::Callee;
use super::value::text;
use crate::backend::Script;
use crate::job::{Plan, SinkClass};
use crate::policy::{self, Vocabulary, decode_attributes};
use crate::scenario::decode::{keyed, map};
use crate::scenario::source::Span;
use crate::scenario::{Diagnostic, Diagnostics, Node, NodeKind, Spanned, quoted, suggest};

/// All kinds with the sinks and tools they use.
#[derive(Debug, Clone)]
pub struct Kinds {
    /// The kinds by name.
    pub kinds: BTreeMap<Arc<str>, Kind>,
    /// The sinks and tools.
    pub product: Product,
    /// The kind [`ANY`], where the registry has none of that name.
    any: Kind,
}

/// A named class of tasks.
#[derive(Debug, Clone)]
pub struct Kind {
    /// Its name.
    pub name: Arc<str>,
    /// Where its name stands.
    pub span: Span,
    /// One line for people.
    pub description: Arc<str>,
    /// What a policy decides by.
    pub attributes: policy::Task,
    /// How its tasks are carried out.
    pub(in crate::scenario) work: Work,
}

/// Everything about how a task is carried out, with its tools looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// For the core.
    pub plan: Plan,
    /// For the service.
    pub script: Script,
    /// What is asked of the model.
    pub prompt: Arc<str>,
}

/// The kind of which nothing is known but what a task says; a registry may have its own of that name.
pub(in crate::scenario) const ANY: &str = "any";

impl Kinds {
    /// The kind of a name: a registered one, or the one that is always there.
    #[must_use]
    pub fn kind(&self, name: &str) -> Option<&Kind> {
        self.kinds.get(name).or((name == ANY).then_some(&self.any))
    }

    /// How tasks of a kind are carried out, where they change nothing.
    #[must_use]
    pub fn ready(&self, kind: &Kind) -> Option<Ready> {
        kind.ready(&kind.work, &self.product, &mut Diagnostics::new())
    }
}

impl Kind {
    /// `work` of this kind with its tools looked up in `product`; what is not there is reported.
    pub(in crate::scenario) fn ready(
        &self,
        work: &Work,
        product: &Product,
        out: &mut Diagnostics,
    ) -> Option<Ready> {
        let before = out.errors();
        let mut plan = work.plan.clone();
        plan.hosted = work.script.hosted();
        for name in &work.tools {
            let entry = product.known_tool(name, out);
            if let Some(tool) = entry.and_then(|entry| product.tool(entry)) {
                plan.tools.insert(Arc::clone(&name.value), tool);
            }
        }
        for (label, sink) in &work.mcp {
            if product
                .known_sink(sink, out)
                .is_some_and(|entry| entry.class != SinkClass::Neither)
            {
                let error = Diagnostic::error(format!(
                    "the sink {} of an MCP server promises too much",
                    quoted(&sink.value)
                ));
                let help =
                    "the service itself runs such an act and nobody can repeat or ask: `class: neither`";
                out.push(error.at(sink.span, "").help(help));
            }
            plan.mcp.insert(Arc::clone(label), Arc::clone(&sink.value));
        }
        for callee in &work.script.calls {
            self.check_callee(callee, work, out);
        }
        (out.errors() == before).then(|| Ready {
            plan,
            script: work.script.script.clone(),
            prompt: work
                .prompt
                .clone()
                .unwrap_or_else(|| Arc::clone(&self.description)),
        })
    }

    fn check_callee(&self, callee: &Callee, work: &Work, out: &mut Diagnostics) {
        let (noun, key, wanted, names): (_, _, _, Vec<&str>) = match callee {
            Callee::Tool(tool) => (
                "tool",
                "tools",
                tool,
                work.tools.iter().map(|tool| &*tool.value).collect(),
            ),
            Callee::Server(server) => (
                "MCP server",
                "mcp",
                server,
                work.mcp.iter().map(|(label, _)| &**label).collect(),
            ),
        };
        if names.contains(&&*wanted.value) {
            return;
        }
        let message = format!("the kind `{}` has no {noun} {}", self.name, quoted(&wanted.value));
        let help = suggest(&wanted.value, &format!("its `{key}`"), &names);
        out.push(
            Diagnostic::error(message)
                .at(wanted.span, "called by the script")
                .help(help),
        );
    }
}

/// Reads a registry of kinds; `vocabulary` is that of the policy that will route them.
pub fn decode_kinds(vocabulary: &Vocabulary, node: &Node, out: &mut Diagnostics) -> Option<Kinds> {
    let before = out.errors();
    let mut keys = map(node, out)?;
    let (sinks, tools) = (keys.node("sinks"), keys.node("tools"));
    let given = keys.or("attributes", Vec::new(), |node, out| {
        decode_attributes(vocabulary, node, out)
    });
    let mut usual = policy::Task::new();
    usual.set_all(given.as_deref().unwrap_or_default());
    let kinds = keys.required("kinds", |node, out| {
        some(node, out)?;
        keyed(|key, node, out| {
            entry(key, node, out, |node, out| {
                kind(key.spanned(), (vocabulary, &usual), node, out)
            })
        })(node, out)
    });
    keys.finish();
    let product = Product::default().overlaid(sinks, tools, out);
    given?;
    let kinds = Kinds {
        kinds: kinds?.into_iter().collect(),
        product: product?,
        any: any(node),
    };
    kinds.product.check(out);
    for kind in kinds.kinds.values() {
        kind.ready(&kind.work, &kinds.product, out);
    }
    (out.errors() == before).then_some(kinds)
}

fn any(node: &Node) -> Kind {
    Kind {
        name: Arc::from(ANY),
        span: node.header,
        description: Arc::from("Any task at all."),
        attributes: policy::Task::new(),
        work: Work::usual(),
    }
}

/// Reports an empty map: a registry without kinds is of no use.
fn some(node: &Node, out: &mut Diagnostics) -> Option<()> {
    match &node.kind {
        NodeKind::Map(entries) if entries.is_empty() => {
            out.push(Diagnostic::error("there is no kind").at(node.mark(), "is empty"));
            None
        }
        _ => Some(()),
    }
}

fn kind(
    name: Spanned<String>,
    (vocabulary, usual): (&Vocabulary, &policy::Task),
    node: &Node,
    out: &mut Diagnostics,
) -> Option<Kind> {
    let mut keys = map(node, out)?;
    let description = keys.required("description", text);
    let given = keys.or("attributes", Vec::new(), |node, out| {
        decode_attributes(vocabulary, node, out)
    });
    let work = Work::usual().overlaid(&mut keys);
    keys.finish();
    let mut attributes = usual.clone();
    attributes.set_all(&given?);
    Some(Kind {
        name: Arc::from(name.value),
        span: name.span,
        description: description?,
        attributes,
        work: work?,
    })
}
