//! The ids of the tasks of a scenario.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::scenario::kinds::Whole;
use crate::scenario::source::Span;
use crate::scenario::{Diagnostic, Diagnostics, Spanned, quoted, suggest};
use crate::units::JobId;

/// Which jobs an id stands for. A task with copies has an id for all of them (`report`) and one for each
/// (`report-3`).
#[derive(Debug, Clone)]
pub(super) struct Names {
    jobs: BTreeMap<Arc<str>, (Span, Range<u32>)>,
    /// Whether all tasks could be read.
    pub(super) whole: Whole,
}

impl Names {
    /// No tasks yet.
    pub(super) const fn new(whole: Whole) -> Self {
        Self {
            jobs: BTreeMap::new(),
            whole,
        }
    }

    /// Adds an id; one that is taken is reported.
    pub(super) fn add(&mut self, id: &Spanned<Arc<str>>, jobs: Range<u32>, out: &mut Diagnostics) {
        if let Some((first, _)) = self.jobs.get(&id.value) {
            let error = Diagnostic::error(format!("there are two tasks {}", quoted(&id.value)));
            out.push(
                error
                    .at(id.span, "")
                    .at(*first, "the other")
                    .help("give each task an id of its own"),
            );
            return;
        }
        self.jobs.insert(Arc::clone(&id.value), (id.span, jobs));
    }

    /// The jobs of an id; an unknown one is reported, unless tasks are missing anyway.
    pub(super) fn jobs(&self, id: &Spanned<Arc<str>>, out: &mut Diagnostics) -> Option<Vec<JobId>> {
        if let Some((_, jobs)) = self.jobs.get(&id.value) {
            return Some(jobs.clone().map(JobId).collect());
        }
        if self.whole == Whole::Yes {
            let known: Vec<&str> = self.jobs.keys().map(|id| &**id).collect();
            let error = Diagnostic::error(format!("unknown task {}", quoted(&id.value)));
            out.push(
                error
                    .at(id.span, "")
                    .help(suggest(&id.value, "tasks of the scenario", &known)),
            );
        }
        None
    }

    /// Whether no task was named, although all tasks could be read.
    pub(super) fn is_empty(&self) -> bool {
        self.jobs.is_empty() && self.whole == Whole::Yes
    }

    /// How many jobs have a name.
    pub(super) fn count(&self) -> usize {
        self.jobs
            .values()
            .map(|(_, jobs)| jobs.end as usize)
            .max()
            .unwrap_or(0)
    }
}
