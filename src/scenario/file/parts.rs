//! The parts of a scenario, gathered from its file and the files it includes.

use std::borrow::Cow;

use crate::scenario::decode::{MapReader, list_or_one, map, spanned, string};
use crate::scenario::kinds::Whole;
use crate::scenario::{Diagnostic, Diagnostics, Includes, Node, Sources, Spanned};

/// What stands in the scenario and its included files, unread; of lists there may be several.
#[derive(Debug, Clone, Default)]
pub(super) struct Parts<'n> {
    pub(super) tasks: Vec<Cow<'n, Node>>,
    pub(super) faults: Vec<Cow<'n, Node>>,
    pub(super) people: Vec<Cow<'n, Node>>,
    pub(super) expect: Vec<Cow<'n, Node>>,
    pub(super) lanes: Option<Cow<'n, Node>>,
    pub(super) backend: Option<Cow<'n, Node>>,
    /// The files still to be included.
    pub(super) include: Vec<Spanned<String>>,
    /// Whether every file could be read.
    pub(super) whole: Whole,
}

impl<'n> Parts<'n> {
    /// Asks for every key that included files may have as well.
    pub(super) fn of(keys: &mut MapReader<'n, '_>) -> Self {
        let many = |node: Option<&'n Node>| node.map(Cow::Borrowed).into_iter().collect();
        let include = keys.or("include", Vec::new(), list_or_one(spanned(string)));
        Self {
            tasks: many(keys.node("tasks")),
            faults: many(keys.node("faults")),
            people: many(keys.node("people")),
            expect: many(keys.node("expect")),
            lanes: keys.node("lanes").map(Cow::Borrowed),
            backend: keys.node("backend").map(Cow::Borrowed),
            whole: if include.is_some() { Whole::Yes } else { Whole::No },
            include: include.unwrap_or_default(),
        }
    }

    /// These parts and those of all files they include, own ones first.
    pub(super) fn gathered(
        mut self,
        includes: &mut Includes<'_>,
        sources: &mut Sources,
        out: &mut Diagnostics,
    ) -> Self {
        for path in std::mem::take(&mut self.include) {
            match includes.include(path.span.source, &path, sources, out, included) {
                Some(more) => self.join(more, out),
                None => self.whole = Whole::No,
            }
        }
        self
    }

    fn join(&mut self, more: Self, out: &mut Diagnostics) {
        self.tasks.extend(more.tasks);
        self.faults.extend(more.faults);
        self.people.extend(more.people);
        self.expect.extend(more.expect);
        once("lanes", &mut self.lanes, more.lanes, out);
        once("backend", &mut self.backend, more.backend, out);
        if more.whole == Whole::No {
            self.whole = Whole::No;
        }
    }

    /// The same parts, held without the tree they came from.
    fn owned(self) -> Parts<'static> {
        let many = |list: Vec<Cow<'n, Node>>| {
            list.into_iter()
                .map(|node| Cow::Owned(node.into_owned()))
                .collect()
        };
        let one = |node: Option<Cow<'n, Node>>| node.map(|node| Cow::Owned(node.into_owned()));
        Parts {
            tasks: many(self.tasks),
            faults: many(self.faults),
            people: many(self.people),
            expect: many(self.expect),
            lanes: one(self.lanes),
            backend: one(self.backend),
            include: self.include,
            whole: self.whole,
        }
    }
}

/// Reads an included file and what it includes in turn.
fn included(
    includes: &mut Includes<'_>,
    node: &Node,
    sources: &mut Sources,
    out: &mut Diagnostics,
) -> Option<Parts<'static>> {
    let mut keys = map(node, out)?;
    let parts = Parts::of(&mut keys).owned();
    keys.finish();
    Some(parts.gathered(includes, sources, out))
}

/// Keeps a part that only one file may have; a second one is reported.
fn once<'n>(key: &str, kept: &mut Option<Cow<'n, Node>>, more: Option<Cow<'n, Node>>, out: &mut Diagnostics) {
    match (kept.as_ref(), more) {
        (Some(first), Some(second)) => {
            let error = Diagnostic::error(format!("`{key}` is given in two files"));
            let error = error.at(second.header, "").at(first.header, "the other");
            out.push(error.help("keep one of them"));
        }
        (None, Some(second)) => *kept = Some(second),
        (_, None) => {}
    }
}
