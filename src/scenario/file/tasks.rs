//! The tasks of a scenario, written one by one.
//!
//! | key of a task | value | default |
//! |---|---|---|
//! | `id` | its name | required |
//! | `kind` | its kind | required |
//! | `at` | when it arrives | `0s` |
//! | `count` | so many copies of it, called `ID-1`, `ID-2`, ... | 1, called `ID` |
//! | `every` | how long after each copy the next arrives | `0s` |
//! | `attributes` | what differs from the kind's | |
//! | `requester` | who asks | `user` |
//! | `deadline_at` | the instant of the run by which it has to be done, instead of `limits: { deadline: ... }` | |
//! | everything of the plan | what differs from the kind's | |
//!
//! Instead of a list `tasks` may be a workload out of a CSV file.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::backend::Script;
use crate::job::{Plan, TaskSpec};
use crate::policy::{self, Given, Policy, decode_attributes};
use crate::scenario::decode::{MapReader, duration, integer, map, mismatch};
use crate::scenario::kinds::value::{name, spanned_name};
use crate::scenario::kinds::{Kind, Kinds, Product, Ready, ScriptDraft, Whole, Work, defaults};
use crate::scenario::{Diagnostic, Diagnostics, Node, NodeKind, Span, Spanned, quoted, suggest};
use crate::trace::Principal;
use crate::units::{SimDuration, SimTime};
use crate::wire::InputItem;

use super::model::{Ends, ScenarioTask};
use super::names::Names;
use super::world::{arrives_in_time, instant};

/// No scenario has more tasks.
pub(super) const TASKS_MAX: u32 = 100_000;

/// Ids that mean something else where tasks are named.
const RESERVED: [&str; 2] = ["all", "kinds"];

/// Reads tasks into one list.
pub(super) struct TaskReader<'a> {
    /// The kinds; without them only ids are read.
    pub(super) kinds: Option<&'a Kinds>,
    /// The sinks and tools, as the scenario changes them.
    pub(super) product: &'a Product,
    /// The policy; without it attributes are not read.
    pub(super) policy: Option<&'a Policy>,
    /// The script of the tasks that have none of their own.
    pub(super) script: Option<&'a ScriptDraft>,
    /// Where the run is cut off.
    pub(super) ends: Ends,
    /// What was read so far.
    pub(super) tasks: Vec<ScenarioTask>,
    /// The ids, those of broken tasks too.
    pub(super) names: Names,
    /// What tasks without changes of their own share, by kind.
    pub(super) shared: BTreeMap<Arc<str>, Carried>,
    /// How many numbers are given out.
    pub(super) next: u32,
}

/// How a task is carried out, ready to be shared.
#[derive(Debug, Clone)]
pub(super) struct Carried {
    pub(super) plan: Arc<Plan>,
    pub(super) script: Script,
    pub(super) input: Arc<[InputItem]>,
}

impl From<Ready> for Carried {
    fn from(ready: Ready) -> Self {
        Self {
            plan: Arc::new(ready.plan),
            script: ready.script,
            input: TaskSpec::asking(ready.prompt),
        }
    }
}

/// What the keys say that both sorts of tasks have.
pub(super) struct Common {
    pub(super) given: Vec<Given>,
    pub(super) requester: Principal,
    /// The kind's work with the changes; of workloads, changes to be made to each kind.
    pub(super) work: Work,
}

impl<'a> TaskReader<'a> {
    /// Reads a list of tasks.
    pub(super) fn list(&mut self, node: &Node, out: &mut Diagnostics) {
        let NodeKind::List(items) = &node.kind else {
            mismatch(node, "a list of tasks, or a workload (`from: ...`)", out);
            self.names.whole = Whole::No;
            return;
        };
        for item in items {
            let before = out.errors();
            self.task(item, out);
            if out.errors() > before && id_of(item).is_none() {
                self.names.whole = Whole::No;
            }
        }
    }

    fn task(&mut self, node: &Node, out: &mut Diagnostics) -> Option<()> {
        let mut keys = map(node, out)?;
        let id = keys.required("id", spanned_name);
        let kind = keys.required("kind", spanned_name);
        let at = keys.or("at", SimDuration::ZERO, duration);
        let count = keys.optional("count", integer(1..=TASKS_MAX));
        let every = keys.or("every", SimDuration::ZERO, duration);
        let deadline_at = keys.optional("deadline_at", |node, out| {
            duration(node, out).map(|at| Spanned::new(at, node.mark()))
        });
        let kind = kind.and_then(|kind| self.kind(&kind, keys.out()));
        let common = self.common(&mut keys, kind);
        let at_span = keys.key_span("at");
        keys.finish();
        if let (Some(id), Some(count)) = (&id, count) {
            self.name(id, count, out);
        }
        let (id, at, count, every) = (id?, instant(at?), count?, every?);
        let mut common = common?;
        if let Some(end) = deadline_at? {
            common.work.plan.limits.deadline = length_until(at, at_span, end, out)?;
        }
        let (carried, attributes) = self.carried(kind?, &common, out)?;
        for copy in 0..count.unwrap_or(1) {
            let at = at + every.saturating_mul(u64::from(copy));
            arrives_in_time(at, self.ends, at_span, out);
            let id = match count {
                Some(_) => Arc::from(format!("{}-{}", id.value, copy + 1)),
                None => Arc::clone(&id.value),
            };
            self.tasks.push(made(
                node.header,
                (id, at),
                kind?,
                &common,
                carried.clone(),
                attributes.clone(),
            ));
        }
        Some(())
    }

    /// Reads one sort of tasks out of a mix: a task that stands for all of its sort.
    pub(super) fn sort(&mut self, keys: &mut MapReader<'_, '_>) -> Option<()> {
        let id = keys.optional("id", spanned_name);
        let kind = keys.required("kind", spanned_name);
        let known = kind.as_ref().and_then(|kind| self.kind(kind, keys.out()));
        let common = self.common(keys, known);
        let (header, kind) = (keys.header(), kind?);
        let id = id?.unwrap_or(kind);
        self.name(&id, None, keys.out());
        let common = common?;
        let (carried, attributes) = self.carried(known?, &common, keys.out())?;
        let at = (id.value, SimTime::START);
        self.tasks
            .push(made(header, at, known?, &common, carried, attributes));
        Some(())
    }

    /// Gives out the numbers of a task and its copies.
    fn name(&mut self, id: &Spanned<Arc<str>>, count: Option<u32>, out: &mut Diagnostics) {
        if RESERVED.contains(&&*id.value) {
            let error = Diagnostic::error(format!("no task can be called {}", quoted(&id.value)));
            out.push(
                error
                    .at(id.span, "")
                    .help("it means a group of tasks under `expect`: choose another id"),
            );
        }
        let copies = count.unwrap_or(1);
        let first = self.next;
        if self.room(copies, id.span, out).is_none() {
            return;
        }
        self.names.add(id, first..first + copies, out);
        if count.is_some() {
            for copy in 0..copies {
                let name = Spanned::new(Arc::from(format!("{}-{}", id.value, copy + 1)), id.span);
                self.names.add(&name, first + copy..first + copy + 1, out);
            }
        }
    }

    /// Takes so many numbers; too many tasks are reported.
    pub(super) fn room(&mut self, count: u32, span: Span, out: &mut Diagnostics) -> Option<()> {
        let total = self.next.saturating_add(count);
        if total > TASKS_MAX {
            let error = Diagnostic::error(format!("a scenario of {total} tasks, the limit is {TASKS_MAX}"));
            out.push(error.at(span, "goes over it"));
            self.names.whole = Whole::No;
            return None;
        }
        self.next = total;
        Some(())
    }

    /// The kind of that name; an unknown one is reported, unless the kinds could not be read.
    pub(super) fn kind(&self, wanted: &Spanned<Arc<str>>, out: &mut Diagnostics) -> Option<&'a Kind> {
        let kinds = self.kinds?;
        let found = kinds.kind(&wanted.value);
        if found.is_none() {
            let known: Vec<&str> = kinds.kinds.keys().map(|kind| &**kind).collect();
            let error = Diagnostic::error(format!("unknown kind {}", quoted(&wanted.value)));
            out.push(
                error
                    .at(wanted.span, "")
                    .help(suggest(&wanted.value, "registered kinds", &known)),
            );
        }
        found
    }

    /// Asks for the keys that both sorts of tasks have; the changes are made to the work of `kind`.
    pub(super) fn common(&self, keys: &mut MapReader<'_, '_>, kind: Option<&Kind>) -> Option<Common> {
        let given = keys.or("attributes", Vec::new(), |node, out| match self.policy {
            Some(policy) => decode_attributes(policy.vocabulary(), node, out),
            None => Some(Vec::new()),
        });
        let requester = keys.or("requester", Arc::from(defaults::REQUESTER), name);
        let usual = Work::usual();
        let work = kind.map_or(&usual, |kind| &kind.work).overlaid(keys);
        let mut work = work?;
        if let (Some(script), None) = (self.script, keys.node("script")) {
            work.script = script.clone();
        }
        Some(Common {
            given: given?,
            requester: Principal(requester?),
            work,
        })
    }

    /// How a task of this kind with these changes is carried out, and what is known of it.
    pub(super) fn carried(
        &mut self,
        kind: &Kind,
        common: &Common,
        out: &mut Diagnostics,
    ) -> Option<(Carried, policy::Task)> {
        let mut attributes = kind.attributes.clone();
        attributes.set_all(&common.given);
        if let Some(shared) = self.shared.get(&kind.name).filter(|_| common.work == kind.work) {
            return Some((shared.clone(), attributes));
        }
        let carried = Carried::from(kind.ready(&common.work, self.product, out)?);
        if common.work == kind.work {
            self.shared.insert(Arc::clone(&kind.name), carried.clone());
        }
        Some((carried, attributes))
    }
}

/// A task, put together.
pub(super) fn made(
    span: Span,
    (id, at): (Arc<str>, SimTime),
    kind: &Kind,
    common: &Common,
    carried: Carried,
    attributes: policy::Task,
) -> ScenarioTask {
    ScenarioTask {
        span,
        at,
        task: TaskSpec {
            name: id,
            kind: Arc::clone(&kind.name),
            requester: common.requester.clone(),
            input: carried.input,
            plan: carried.plan,
        },
        attributes,
        script: carried.script,
    }
}

/// The id of a task as it stands, whatever else is wrong with the task.
fn id_of(node: &Node) -> Option<&str> {
    let NodeKind::Map(entries) = &node.kind else {
        return None;
    };
    let id = entries.iter().find(|entry| entry.key.text == "id")?;
    id.value.text()
}

/// How long it is from the arrival of a task to the instant at which it has to be done.
fn length_until(
    at: SimTime,
    at_span: Span,
    end: Spanned<SimDuration>,
    out: &mut Diagnostics,
) -> Option<SimDuration> {
    let length = instant(end.value).since(at);
    if length.is_zero() {
        let error = Diagnostic::error("the deadline is not after the start");
        let help =
            "`deadline_at` is an instant of the run; a length from the start is `limits: { deadline: ... }`";
        out.push(
            error
                .at(end.span, "")
                .at(at_span, format!("arrives at {}", at.since(SimTime::START)))
                .help(help),
        );
        return None;
    }
    Some(length)
}
