//! What a comparison shares with scenarios: the world around the tasks, without the tasks.
//!
//! | key | value |
//! |---|---|
//! | `policy`, `kinds`, `include`, `sinks`, `tools`, `lanes`, `backend`, `people`, `faults`, `ends` | as in a scenario |
//!
//! | key of an entry of the mix | value | default |
//! |---|---|---|
//! | `kind` | the kind of these tasks | required |
//! | `share` | how many of all tasks | required |
//! | `id` | what they are called in `people` and reports | the kind |
//! | `targets` | `{ acknowledged, first_output, result }`: within how long after the submission | none |
//! | `attributes`, `requester`, everything of the plan | what differs from the kind's | |

use std::sync::Arc;

use crate::scenario::decode::{MapReader, map, mismatch, probability, spanned, string};
use crate::scenario::kinds::defaults;
use crate::scenario::kinds::value::positive;
use crate::scenario::{
    Diagnostic, Diagnostics, Includes, Node, NodeKind, Resolver, Sources, Span, Spanned, join,
};
use crate::units::{Probability, SimDuration};

use super::load::{Head, Loading, kinds, policy, title};
use super::model::{Invariants, Scenario};
use super::parts::Parts;
use super::tasks::TaskReader;
use super::world::ends;

/// A world without tasks, unread.
#[derive(Debug, Clone)]
pub struct Setting<'n> {
    head: Head<'n>,
    parts: Parts<'n>,
}

/// One sort of tasks in a mix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Portion {
    /// Where it is written.
    pub span: Span,
    /// How many of all tasks are of this sort.
    pub share: Probability,
    /// Within how long the user has the id of the job.
    pub acknowledged: Option<SimDuration>,
    /// Within how long the user sees output.
    pub first_output: Option<SimDuration>,
    /// Within how long the user sees the result.
    pub result: Option<SimDuration>,
}

impl<'n> Setting<'n> {
    /// Asks for every key of a setting; `key` names the title.
    pub fn of(key: &'static str, keys: &mut MapReader<'n, '_>) -> Self {
        let head = Head {
            title: keys.required(key, spanned(title)),
            shows: Some(Vec::new()),
            policy: keys.required("policy", spanned(string)),
            kinds: keys.required("kinds", spanned(string)),
            sinks: keys.node("sinks"),
            tools: keys.node("tools"),
            seed: Some(defaults::SEED),
            ends: keys.or("ends", defaults::ENDS, ends),
            invariants: Some(Invariants::All),
            requires: Some(Vec::new()),
        };
        Self {
            head,
            parts: Parts::of(keys),
        }
    }

    /// The scenario of this setting with one task for each entry of the mix, and the entries.
    ///
    /// - `behind`: another policy than that of the setting.
    /// - `root`: the whole file, called `name`.
    pub fn scenario(
        &self,
        behind: Option<&Spanned<String>>,
        mix: &Node,
        (name, root): (&str, &Node),
        resolver: &mut dyn Resolver,
        (sources, out): (&mut Sources, &mut Diagnostics),
    ) -> Option<(Scenario, Vec<Portion>)> {
        let before = out.errors();
        let mut head = self.head.clone();
        if let Some(other) = behind {
            head.policy = Some(other.clone());
        }
        let top = join("", name);
        let mut includes = Includes::below(&top, resolver);
        let policy = policy(&head, &mut includes, sources, out);
        let kinds = kinds(&head, policy.as_deref(), &mut includes, sources, out);
        let parts = self.parts.clone().gathered(&mut includes, sources, out);
        for (key, nodes) in [("tasks", &parts.tasks), ("expect", &parts.expect)] {
            for node in nodes {
                let error = Diagnostic::error(format!("a comparison has no `{key}`"));
                let help = "tasks come out of its `workload`, and what is measured stands under `metrics` and `gates`";
                out.push(error.at(node.header, "").help(help));
            }
        }
        let loading = Loading {
            head,
            parts,
            policy,
            kinds,
        };
        let mut portions = Some(Vec::new());
        let scenario = loading.finish(root, out, |reader, _, out| portions = self::mix(reader, mix, out));
        for rule in scenario.iter().flat_map(|scenario| &scenario.faults) {
            if rule.rule.select.jobs.is_some() {
                let error = Diagnostic::error("a fault of a comparison names no tasks");
                let help = "let it strike by chance (`probability`) or by time (`within`)";
                out.push(error.at(rule.span, "").help(help));
            }
        }
        let scenario = scenario.filter(|_| out.errors() == before)?;
        let named = Scenario {
            name: Arc::from(name),
            ..scenario
        };
        Some((named, portions?))
    }
}

/// Reads the mix: a task for each entry.
fn mix(reader: &mut TaskReader<'_>, node: &Node, out: &mut Diagnostics) -> Option<Vec<Portion>> {
    let items = match &node.kind {
        NodeKind::List(items) if !items.is_empty() => items,
        _ => {
            mismatch(node, "a list of sorts with at least one entry", out);
            reader.names.whole = crate::scenario::kinds::Whole::No;
            return None;
        }
    };
    let portions: Vec<Option<Portion>> = items.iter().map(|item| portion(reader, item, out)).collect();
    let portions: Vec<Portion> = portions.into_iter().collect::<Option<_>>()?;
    let sum: u64 = portions
        .iter()
        .map(|portion| u64::from(portion.share.millionths()))
        .sum();
    // Thirds are written with four decimals of a per cent.
    if sum.abs_diff(1_000_000) > portions.len() as u64 {
        let error = Diagnostic::error(format!("the shares sum up to {}%", sum as f64 / 10_000.0));
        out.push(error.at(node.header, "").help("let them sum up to 100%"));
        return None;
    }
    Some(portions)
}

fn portion(reader: &mut TaskReader<'_>, node: &Node, out: &mut Diagnostics) -> Option<Portion> {
    let whole = reader.names.whole;
    let mut keys = map(node, out)?;
    let share = keys.required("share", probability);
    let targets = keys.optional("targets", targets);
    let read = reader.sort(&mut keys);
    keys.finish();
    if read.is_none() {
        reader.names.whole = crate::scenario::kinds::Whole::No;
    } else {
        reader.names.whole = whole;
    }
    let [acknowledged, first_output, result] = targets?.unwrap_or_default();
    read?;
    Some(Portion {
        span: node.header,
        share: share?,
        acknowledged,
        first_output,
        result,
    })
}

fn targets(node: &Node, out: &mut Diagnostics) -> Option<[Option<SimDuration>; 3]> {
    let mut keys = map(node, out)?;
    let acknowledged = keys.optional("acknowledged", positive);
    let first_output = keys.optional("first_output", positive);
    let result = keys.optional("result", positive);
    keys.finish();
    Some([acknowledged?, first_output?, result?])
}
