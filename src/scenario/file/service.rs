//! How the model service behaves when it stands alone: the part of a scenario that its clients meet.
//!
//! | key of a service file | value | default |
//! |---|---|---|
//! | `service` | what it is like, in one line | required |
//! | `backend` | how the model service behaves | see [`super::world`] |
//! | `faults` | what goes wrong | none |
//! | `scripts` | a list of `{ when, script }`: other scripts for requests that look alike | none |
//!
//! | key of `when` | the request |
//! |---|---|
//! | `model` | asks for this model |
//! | `input` | has this text somewhere in its input |
//! | `metadata` | has these keys in its metadata, each with this value, or with any if none is written |
//! | `header` | shows this header: its name, or `{ name, value }` |
//!
//! The first script whose `when` fits answers; where none fits, `script` of `backend` does. What follows on another turn
//! goes on with its script.
//!
//! A whole scenario is taken too: its `scenario` stands for `service`, and what else it says about tasks, people and
//! expectations plays no part here. Clients have no tasks, tools and sinks, so no fault may name one.

use std::sync::Arc;

use crate::backend::{Choice, Looks, MetadataMatch, Profile};
use crate::fault::{FaultPlan, FaultRule, Target};
use crate::rng::{Law, Seed};
use crate::scenario::decode::{MapReader, list, map};
use crate::scenario::kinds::value::{filled, text};
use crate::scenario::kinds::{Product, Whole, script};
use crate::scenario::{Diagnostic, Diagnostics, Node, NodeKind, Scenario, Sources, read};

use super::faults::{FaultContext, faults, header};
use super::names::Names;
use super::world::{Backend, Webhook, backend};

/// How the model service behaves when it stands alone.
#[derive(Debug, Clone)]
pub struct ServicePlan {
    /// What it is like, in one line.
    pub title: Arc<str>,
    /// How it behaves apart from faults.
    pub profile: Profile,
    /// When its webhooks leave, if somebody receives any; none: as soon as is usual.
    pub webhook: Option<Law>,
    /// What goes wrong; the place in this list is the number of the rule.
    pub rules: Arc<[FaultRule]>,
}

/// Keys that a whole scenario has beside those that are read here.
const PASSED_OVER: [&str; 12] = [
    "shows",
    "policy",
    "kinds",
    "tasks",
    "sinks",
    "tools",
    "lanes",
    "people",
    "seed",
    "ends",
    "expect",
    "invariants",
];

impl ServicePlan {
    /// Reads the service file, or the scenario, `bytes`, called `name`.
    ///
    /// What is broken goes to `out`; then there is no plan.
    pub fn read(name: &str, bytes: &[u8], sources: &mut Sources, out: &mut Diagnostics) -> Option<Self> {
        let before = out.errors();
        let root = read(sources, name, bytes, out)?;
        let mut keys = map(&root, out)?;
        let title = title(&mut keys);
        if keys.node("scenario").is_some() {
            for key in PASSED_OVER.into_iter().chain(["requires"]) {
                keys.node(key);
            }
        }
        let choices = match keys.node("scenario") {
            Some(_) => Some(Vec::new()),
            None => keys.or("scripts", Vec::new(), list(choice)),
        };
        let (behaviour, list) = (keys.node("backend"), keys.node("faults"));
        if keys.node("include").is_some() {
            let error = Diagnostic::error("`include` is not followed here");
            let span = keys.key_span("include");
            keys.out().push(
                error
                    .at(span, "")
                    .help("write what the included files say into this one"),
            );
        }
        keys.finish();
        let backend = backend(behaviour, out);
        let epoch = backend.as_ref().map_or(0, |backend| backend.profile.epoch);
        let rules = list.map_or(Some(Vec::new()), |node| rules(node, epoch, out));
        let (title, Backend { profile, webhook, .. }, rules) = (title?, backend?, rules?);
        let choices = choices?.into();
        (out.errors() == before).then_some(())?;
        Some(Self {
            title,
            profile: Profile { choices, ..profile },
            webhook: match webhook {
                Webhook::After(law) => Some(law),
                Webhook::Unsaid | Webhook::None => None,
            },
            rules: rules.into(),
        })
    }

    /// The service of a scenario that was read whole.
    #[must_use]
    pub fn of(scenario: &Scenario) -> Self {
        Self {
            title: scenario.title.value.as_str().into(),
            profile: scenario.profile.clone(),
            webhook: scenario.profile.webhook,
            rules: scenario.faults.iter().map(|fault| fault.rule.clone()).collect(),
        }
    }

    /// Its faults under a seed.
    #[must_use]
    pub fn fault_plan(&self, seed: Seed) -> FaultPlan {
        FaultPlan::new(Arc::clone(&self.rules), seed)
    }
}

/// Reads one entry of `scripts`.
fn choice(node: &Node, out: &mut Diagnostics) -> Option<Choice> {
    let mut keys = map(node, out)?;
    let when = keys.required("when", looks);
    let script = keys.required("script", script);
    keys.finish();
    Some(Choice {
        when: when?,
        script: script?.script,
    })
}

fn looks(node: &Node, out: &mut Diagnostics) -> Option<Looks> {
    let before = out.errors();
    let mut keys = map(node, out)?;
    let (model, input) = (keys.optional("model", filled), keys.optional("input", filled));
    let metadata = keys.or("metadata", Vec::new(), metadata);
    let header = keys.optional("header", header);
    let span = keys.header();
    keys.finish();
    let looks = Looks {
        model: model?,
        input: input?,
        metadata: metadata?,
        header: header?,
    };
    if looks == Looks::default() && out.errors() == before {
        let error = Diagnostic::error("`when` says nothing, so every request fits");
        out.push(error.at(span, "").help(
            "name a `model`, an `input`, `metadata` or a `header`; for every request write `script` under `backend`",
        ));
        return None;
    }
    Some(looks)
}

/// Keys of metadata, each with its value, or with none: then any will do.
fn metadata(node: &Node, out: &mut Diagnostics) -> Option<Vec<MetadataMatch>> {
    let NodeKind::Map(entries) = &node.kind else {
        let key = filled(node, out)?;
        return Some(vec![(key, None)]);
    };
    let mut value = |node: &Node| match node.kind {
        NodeKind::Null => Some(None),
        _ => text(node, out).map(Some),
    };
    let pairs: Vec<_> = entries
        .iter()
        .map(|entry| Some((Arc::from(entry.key.text.as_str()), value(&entry.value)?)))
        .collect();
    pairs.into_iter().collect()
}

fn title(keys: &mut MapReader<'_, '_>) -> Option<Arc<str>> {
    let (_, node) = keys.one_of(&["service", "scenario"])?;
    text(node, keys.out())
}

fn rules(node: &Node, epoch: u64, out: &mut Diagnostics) -> Option<Vec<FaultRule>> {
    let context = FaultContext {
        names: &Names::new(Whole::No),
        product: &Product::unread(),
        epoch,
    };
    let before = out.errors();
    for key in keys_of_entries(node) {
        strangers_have_none(key, out);
    }
    let declared = (out.errors() == before).then(|| faults(&context, node, out))??;
    let rules: Vec<FaultRule> = declared.into_iter().map(|fault| fault.rule).collect();
    debug_assert!(
        rules
            .iter()
            .all(|rule| !matches!(rule.target, Target::Tool(_) | Target::Sink(_))),
        "refused above"
    );
    Some(rules)
}

fn keys_of_entries(node: &Node) -> impl Iterator<Item = &crate::scenario::Key> {
    let items = match &node.kind {
        NodeKind::List(items) => items.as_slice(),
        _ => &[],
    };
    items.iter().flat_map(|item| match &item.kind {
        NodeKind::Map(entries) => entries.iter().map(|entry| &entry.key).collect(),
        _ => Vec::new(),
    })
}

/// Reports a key about what the clients of a service that stands alone do not have.
fn strangers_have_none(key: &crate::scenario::Key, out: &mut Diagnostics) {
    let (noun, help) = match key.text.as_str() {
        "tasks" | "attempts" | "turns" => (
            "tasks",
            "select by `nth`, `within`, `header` or `probability` instead",
        ),
        "tool" | "sink" => (
            "tools and sinks",
            "disturb an `exchange`, a `response` or a `webhook` instead",
        ),
        _ => return,
    };
    let error = Diagnostic::error(format!(
        "`{}` strikes nothing here: the service knows no {noun} of its clients",
        key.text
    ));
    out.push(error.at(key.span, "").help(help));
}

/// A behaviour that is built in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Builtin {
    /// Its name.
    pub name: &'static str,
    /// What it does, in a few words.
    pub does: &'static str,
    /// Its service file.
    pub text: &'static str,
}

macro_rules! builtin {
    ($name:literal, $does:literal) => {
        Builtin {
            name: $name,
            does: $does,
            text: include_str!(concat!("../../../scenarios/profiles/", $name, ".yaml")),
        }
    };
}

impl Builtin {
    /// Every one.
    pub const ALL: [Self; 6] = [
        builtin!("healthy", "quick answers, nothing goes wrong"),
        builtin!("slow", "long queues, long runs, slow replies, quiet streams"),
        builtin!(
            "flaky",
            "one request in six fails, some streams and replies break, some webhooks are lost"
        ),
        builtin!(
            "rate-limited",
            "12 requests and 20,000 tokens a minute, a burst of 4 creates"
        ),
        builtin!(
            "outage",
            "healthy for 20 s, down for 60 s, overloaded for 20 s, then healthy again"
        ),
        builtin!(
            "hostile",
            "what clients count on least: odd states, cut bodies, bad signatures, wrong types"
        ),
    ];

    /// The one of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        static ALL: [Builtin; 6] = Builtin::ALL;
        ALL.iter().find(|one| one.name == name)
    }

    /// Every name.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().map(|one| one.name)
    }

    /// Reads it.
    ///
    /// # Panics
    /// Never: a test reads every one.
    #[must_use]
    pub fn plan(&self) -> ServicePlan {
        let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
        let plan = ServicePlan::read(self.name, self.text.as_bytes(), &mut sources, &mut out);
        #[expect(clippy::expect_used, reason = "a test reads every one")]
        plan.expect("a built-in service file")
    }
}
