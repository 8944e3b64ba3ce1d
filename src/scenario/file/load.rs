//! From bytes to a checked scenario, with all mistakes at once.
//!
//! | key of a scenario | value | default |
//! |---|---|---|
//! | `scenario` | what it shows, in one line | required |
//! | `shows` | the lines of the checklist it gives evidence for | required |
//! | `policy` | the policy file | required |
//! | `kinds` | the registry of kinds | required |
//! | `include` | files that add `tasks`, `faults`, `people`, `expect`, `lanes`, `backend` | none |
//! | `tasks` | a list of tasks, or a workload out of a CSV file | required, here or in an included file |
//! | `sinks`, `tools` | what differs from those of the kinds | |
//! | `lanes`, `backend` | what the lanes allow, how the model service behaves | |
//! | `faults` | what goes wrong | none |
//! | `people` | who is around | one user who waits and takes the result |
//! | `seed` | the number that fixes all chance | 1 |
//! | `ends` | `{ at, steps }`: where a run is cut off | `{ at: 30d, steps: 10000000 }` |
//! | `expect` | what must be true: by task, of `all`, of `kinds` | nothing |
//! | `invariants` | `all`, or a list of ids | `all` |
//! | `requires` | the ids of invariants that have to be exercised | none |
//!
//! Paths are relative to the file they stand in. Invariant: a scenario that is given out has no mistake.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::backend::Profile;
use crate::check::{Id, Standing, find};
use crate::job::Follow;
use crate::policy::{Policy, decode_policy};
use crate::rng::Seed;
use crate::scenario::decode::{integer, list, map, mismatch, non_empty, spanned, string};
use crate::scenario::expect::{ExpectContext, Expected, Lookup, expect};
use crate::scenario::kinds::value::named;
use crate::scenario::kinds::{Kinds, Product, decode_kinds, defaults};
use crate::scenario::{
    Diagnostic, Diagnostics, Includes, Loaded, Node, ResolveError, Resolver, Sources, Spanned, join, read,
};
use crate::units::JobId;

use super::faults::{FaultContext, faults};
use super::model::{ChecklistLine, DeclaredFault, Ends, Invariants, Scenario, ScenarioTask};
use super::names::Names;
use super::parts::Parts;
use super::people::{People, PeopleReader};
use super::tasks::TaskReader;
use super::workload::is_workload;
use super::world::{Backend, Webhook, backend, ends, lanes};

/// Remembers the names of the files that were asked for.
struct Recorder<'r> {
    inner: &'r mut dyn Resolver,
    reads: Vec<Arc<str>>,
}

impl Resolver for Recorder<'_> {
    fn resolve(&mut self, from: &str, path: &str) -> Result<Loaded, ResolveError> {
        let loaded = self.inner.resolve(from, path)?;
        if !self.reads.iter().any(|known| **known == loaded.name) {
            self.reads.push(Arc::from(loaded.name.as_str()));
        }
        Ok(loaded)
    }
}

/// The keys that only the scenario itself has.
#[derive(Debug, Clone)]
pub(super) struct Head<'n> {
    pub(super) title: Option<Spanned<String>>,
    pub(super) shows: Option<Vec<Spanned<ChecklistLine>>>,
    pub(super) policy: Option<Spanned<String>>,
    pub(super) kinds: Option<Spanned<String>>,
    pub(super) sinks: Option<&'n Node>,
    pub(super) tools: Option<&'n Node>,
    pub(super) seed: Option<Seed>,
    pub(super) ends: Option<Ends>,
    pub(super) invariants: Option<Invariants>,
    pub(super) requires: Option<Vec<Spanned<Id>>>,
}

impl Scenario {
    /// Reads the scenario `bytes`, called `name`, and every file it names.
    ///
    /// What is broken goes to `out`; then there is no scenario. What merely deserves a look goes there too.
    pub fn load(
        name: &str,
        bytes: &[u8],
        resolver: &mut dyn Resolver,
        sources: &mut Sources,
        out: &mut Diagnostics,
    ) -> Option<Self> {
        let before = out.errors();
        let root = read(sources, name, bytes, out)?;
        let (head, parts) = head(&root, out)?;
        let mut recorder = Recorder {
            inner: resolver,
            reads: vec![Arc::from(name)],
        };
        let top = join("", name);
        let mut includes = Includes::below(&top, &mut recorder);
        let policy = policy(&head, &mut includes, sources, out);
        let kinds = kinds(&head, policy.as_deref(), &mut includes, sources, out);
        let parts = parts.gathered(&mut includes, sources, out);
        let loading = Loading {
            head,
            parts,
            policy,
            kinds,
        };
        let scenario = loading.finish(&root, out, |reader, nodes, out| {
            for node in nodes {
                match is_workload(node) {
                    true => reader.workload(node, &mut recorder, sources, out),
                    false => reader.list(node, out),
                }
            }
        });
        if let Some(again) = scenario.as_ref().and_then(|scenario| scenario.people.again) {
            let error = Diagnostic::error("nobody comes again in a scenario");
            let help = "write a further task for each further try, or compare strategies with it";
            out.push(error.at(again, "is played in comparisons").help(help));
        }
        let scenario = scenario.filter(|_| out.errors() == before)?;
        Some(Self {
            name: Arc::from(name),
            reads: recorder.reads,
            ..scenario
        })
    }
}

fn head<'n>(root: &'n Node, out: &mut Diagnostics) -> Option<(Head<'n>, Parts<'n>)> {
    let line = named("line of the checklist", &ChecklistLine::ALL, ChecklistLine::word);
    let mut keys = map(root, out)?;
    let title = keys.required("scenario", spanned(title));
    let shows = keys.required("shows", non_empty(spanned(line)));
    let policy = keys.required("policy", spanned(string));
    let kinds = keys.required("kinds", spanned(string));
    let parts = Parts::of(&mut keys);
    let head = Head {
        title,
        shows,
        policy,
        kinds,
        sinks: keys.node("sinks"),
        tools: keys.node("tools"),
        seed: keys.or("seed", defaults::SEED, |node, out| {
            integer(0..=u64::MAX)(node, out).map(Seed)
        }),
        ends: keys.or("ends", defaults::ENDS, ends),
        invariants: keys.or("invariants", Invariants::All, invariants),
        requires: keys.or("requires", Vec::new(), list(spanned(invariant))),
    };
    keys.finish();
    Some((head, parts))
}

/// One line of at most 120 characters, so that a report has room for it.
pub(super) fn title(node: &Node, out: &mut Diagnostics) -> Option<String> {
    const MAX: usize = 120;
    let text = string(node, out)?;
    if text.contains('\n') || text.chars().count() > MAX {
        let error = Diagnostic::error(format!("the title is longer than one line of {MAX} characters"));
        out.push(error.at(node.mark(), ""));
        return None;
    }
    Some(text)
}

fn invariants(node: &Node, out: &mut Diagnostics) -> Option<Invariants> {
    match node.text() {
        Some("all") => Some(Invariants::All),
        Some(_) => {
            mismatch(node, "`all`, or a list of ids", out);
            None
        }
        None => non_empty(spanned(invariant))(node, out).map(Invariants::These),
    }
}

/// An invariant that is judged; one that no trace can show is refused with the catalogue's reason.
fn invariant(node: &Node, out: &mut Diagnostics) -> Option<Id> {
    let entry = node.text().and_then(find);
    if let Some(Standing::NotObservable { reason }) = entry.map(|entry| &entry.standing) {
        let error = Diagnostic::error(format!("{} cannot be judged", node.describe()));
        out.push(error.at(node.mark(), *reason));
        return None;
    }
    named("invariant", Id::ALL, Id::word)(node, out)
}

pub(super) fn policy(
    head: &Head<'_>,
    includes: &mut Includes<'_>,
    sources: &mut Sources,
    out: &mut Diagnostics,
) -> Option<Arc<Policy>> {
    let path = head.policy.as_ref()?;
    let read =
        |_: &mut Includes<'_>, node: &Node, _: &mut Sources, out: &mut Diagnostics| decode_policy(node, out);
    includes
        .include(path.span.source, path, sources, out, read)
        .map(Arc::new)
}

/// Reads the kinds. Without the policy nobody knows what its attributes are called, so they are then only looked for.
pub(super) fn kinds(
    head: &Head<'_>,
    policy: Option<&Policy>,
    includes: &mut Includes<'_>,
    sources: &mut Sources,
    out: &mut Diagnostics,
) -> Option<Kinds> {
    let path = head.kinds.as_ref()?;
    let read = |_: &mut Includes<'_>, node: &Node, _: &mut Sources, out: &mut Diagnostics| {
        decode_kinds(policy?.vocabulary(), node, out)
    };
    includes.include(path.span.source, path, sources, out, read)
}

/// A scenario whose files are all read.
pub(super) struct Loading<'n> {
    pub(super) head: Head<'n>,
    pub(super) parts: Parts<'n>,
    pub(super) policy: Option<Arc<Policy>>,
    pub(super) kinds: Option<Kinds>,
}

impl Loading<'_> {
    /// The scenario; `read` reads its tasks.
    pub(super) fn finish(
        self,
        root: &Node,
        out: &mut Diagnostics,
        read: impl FnOnce(&mut TaskReader<'_>, &[std::borrow::Cow<'_, Node>], &mut Diagnostics),
    ) -> Option<Scenario> {
        let product = self.product(out);
        let lanes = lanes(self.parts.lanes.as_deref(), out);
        let backend = backend(self.parts.backend.as_deref(), out);
        let mut reader = self.task_reader(&product, backend.as_ref());
        read(&mut reader, &self.parts.tasks, out);
        let (tasks, names) = (reader.tasks, reader.names);
        if names.is_empty() {
            out.push(nothing_to_run(
                self.parts.tasks.first().map_or(root, |node| &**node),
            ));
        }
        let epoch = backend.as_ref().map_or(0, |backend| backend.profile.epoch);
        let faults = self.faults((&names, &product, epoch), out);
        let people = self.people(&names, &product, out);
        let expected = self.expected(&names, &product, &tasks, out);
        let head = self.head;
        let (lanes, shared) = lanes?;
        Some(Scenario {
            name: Arc::from(""),
            title: head.title?,
            shows: head.shows?,
            policy: self.policy?,
            profile: profile(backend?, &tasks),
            tasks,
            product,
            lanes,
            shared,
            faults,
            people,
            seed: head.seed?,
            ends: head.ends?,
            expect: expected.tasks,
            groups: expected.groups,
            invariants: head.invariants?,
            requires: head.requires?,
            reads: Vec::new(),
        })
    }

    /// The sinks and tools of the kinds, as the scenario changes them.
    fn product(&self, out: &mut Diagnostics) -> Product {
        let base = self
            .kinds
            .as_ref()
            .map_or_else(Product::unread, |kinds| kinds.product.clone());
        let changed = base.overlaid(self.head.sinks, self.head.tools, out);
        let product = changed.unwrap_or_else(Product::unread);
        product.check(out);
        product
    }

    fn task_reader<'a>(&'a self, product: &'a Product, backend: Option<&'a Backend>) -> TaskReader<'a> {
        TaskReader {
            kinds: self.kinds.as_ref(),
            product,
            policy: self.policy.as_deref(),
            script: backend.and_then(|backend| backend.script.as_ref()),
            ends: self.head.ends.unwrap_or(defaults::ENDS),
            tasks: Vec::new(),
            names: Names::new(self.parts.whole),
            shared: BTreeMap::new(),
            next: 0,
        }
    }

    fn faults(
        &self,
        (names, product, epoch): (&Names, &Product, u64),
        out: &mut Diagnostics,
    ) -> Vec<DeclaredFault> {
        let context = FaultContext {
            names,
            product,
            epoch,
        };
        let lists = self
            .parts
            .faults
            .iter()
            .filter_map(|node| faults(&context, node, out));
        lists.flatten().collect()
    }

    fn people(&self, names: &Names, product: &Product, out: &mut Diagnostics) -> People {
        let mut reader = PeopleReader::new(names, product);
        for node in &self.parts.people {
            reader.list(node, out);
        }
        reader.finish()
    }

    fn expected(
        &self,
        names: &Names,
        product: &Product,
        tasks: &[ScenarioTask],
        out: &mut Diagnostics,
    ) -> Expected {
        let context = ExpectContext {
            policy: self.policy.as_deref(),
            product,
        };
        let lookup = TaskLookup { names, tasks };
        let mut expected = Expected::default();
        for node in &self.parts.expect {
            expect(&context, &lookup, node, &mut expected, out);
        }
        expected
    }
}

/// The tasks as expectations name them.
struct TaskLookup<'a> {
    names: &'a Names,
    tasks: &'a [ScenarioTask],
}

impl Lookup for TaskLookup<'_> {
    fn jobs(&self, id: &Spanned<Arc<str>>, out: &mut Diagnostics) -> Option<Vec<JobId>> {
        self.names.jobs(id, out)
    }

    fn kinds(&self) -> Option<Vec<&str>> {
        let kinds: BTreeSet<&str> = self.tasks.iter().map(|task| &*task.task.kind).collect();
        (self.names.count() == self.tasks.len()).then(|| kinds.into_iter().collect())
    }
}

fn nothing_to_run(node: &Node) -> Diagnostic {
    let error = Diagnostic::error("the scenario has no task: there is nothing to run");
    error
        .at(node.mark(), "")
        .help("add one: `tasks: [{ id: ..., kind: ... }]`")
}

/// The profile; where nothing is said about webhooks, they are sent if a task follows by them.
fn profile(backend: Backend, tasks: &[ScenarioTask]) -> Profile {
    let followed = || tasks.iter().any(|task| task.task.plan.follow == Follow::Webhook);
    let webhook = match backend.webhook {
        Webhook::Unsaid => followed().then_some(defaults::WEBHOOK),
        Webhook::None => None,
        Webhook::After(law) => Some(law),
    };
    Profile {
        webhook,
        ..backend.profile
    }
}
