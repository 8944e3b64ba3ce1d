//! Function tools.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::disturb::{Case, Count, Fate, Luck, fired};
use crate::fault::{Fault, Target};
use crate::rng::{Law, Purpose};
use crate::trace::{Notes, OutsideEvent, SinkEvent};
use crate::units::{JobId, SimTime};

/// A tool as a scenario states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolSpec {
    /// Its name.
    pub name: Arc<str>,
    /// How long a run takes.
    pub takes: Law,
    /// Its output, or its error text.
    pub answer: Result<Arc<str>, Arc<str>>,
}

/// All tools of a run.
#[derive(Debug, Clone)]
pub(crate) struct Tools {
    tools: BTreeMap<Arc<str>, ToolSpec>,
    runs: Count,
    /// The runs that are not over, and whether somebody waits for them.
    under_way: BTreeMap<RunKey, Waiting>,
}

type RunKey = (JobId, Arc<str>, u16);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waiting {
    Somebody,
    Nobody,
}

/// One run of a tool.
#[derive(Debug, Clone)]
pub(crate) struct ToolRun {
    pub(crate) call: Arc<str>,
    pub(crate) run: u16,
    tool: Arc<str>,
    blow: Option<(u32, Blow)>,
}

/// How a fault decides about a run.
#[derive(Debug, Clone)]
enum Blow {
    Failure(Arc<str>),
    Silence,
}

impl Blow {
    fn of(fault: &Fault) -> Option<Self> {
        match fault {
            Fault::FailTool { message } => Some(Self::Failure(Arc::clone(message))),
            Fault::Hang => Some(Self::Silence),
            // The others are not about tools; a slow-down does not decide.
            _ => None,
        }
    }
}

impl Tools {
    pub(crate) fn new(specs: &[ToolSpec]) -> Self {
        let tools = specs
            .iter()
            .map(|spec| (Arc::clone(&spec.name), spec.clone()))
            .collect();
        Self {
            tools,
            runs: Count::default(),
            under_way: BTreeMap::new(),
        }
    }

    /// A job is over, and begins no run any more.
    pub(crate) fn forget(&mut self, job: JobId) {
        self.runs.forget(job);
    }

    /// Starts a run; it is over at the instant that comes back.
    pub(crate) fn begin(
        &mut self,
        (now, job): (SimTime, JobId),
        (call, run, tool): (Arc<str>, u16, Arc<str>),
        luck: Luck<'_>,
        notes: &mut Notes<OutsideEvent>,
    ) -> (SimTime, ToolRun) {
        notes.note(now, job, || SinkEvent::ToolStarted {
            tool: Arc::clone(&tool),
            call: Arc::clone(&call),
            run,
        });
        let nth = self.runs.next(job, &tool);
        let case = Case {
            job,
            name: &tool,
            nth,
            at: now,
        };
        let takes = self.tools.get(&tool).map_or(Law::ZERO, |spec| spec.takes);
        let takes = (takes, Purpose::ToolFor);
        let Fate { due, blow } = luck.fate(&Target::Tool(None), case, takes, Blow::of, notes);
        self.under_way
            .insert((job, Arc::clone(&call), run), Waiting::Somebody);
        let run = ToolRun {
            call,
            run,
            tool,
            blow,
        };
        (due, run)
    }

    /// Nobody waits for this run any more. It goes on all the same.
    pub(crate) fn drop_run(&mut self, job: JobId, call: Arc<str>, run: u16) {
        if let Some(waiting) = self.under_way.get_mut(&(job, call, run)) {
            *waiting = Waiting::Nobody;
        }
    }

    /// Ends a run; what comes back is its answer, if it gives one and somebody waits for it.
    pub(crate) fn end(
        &mut self,
        (now, job): (SimTime, JobId),
        run: &ToolRun,
        notes: &mut Notes<OutsideEvent>,
    ) -> Option<Result<Arc<str>, Arc<str>>> {
        let waiting = self.under_way.remove(&(job, Arc::clone(&run.call), run.run));
        if let Some((rule, _)) = &run.blow {
            fired(notes, now, job, *rule);
        }
        let answer = match &run.blow {
            Some((_, Blow::Silence)) => return None,
            Some((_, Blow::Failure(message))) => Err(Arc::clone(message)),
            None => self.answer(&run.tool),
        };
        notes.note(now, job, || SinkEvent::ToolEnded {
            tool: Arc::clone(&run.tool),
            call: Arc::clone(&run.call),
            run: run.run,
            ok: answer.is_ok(),
        });
        (waiting == Some(Waiting::Somebody)).then_some(answer)
    }

    fn answer(&self, tool: &str) -> Result<Arc<str>, Arc<str>> {
        match self.tools.get(tool) {
            Some(spec) => spec.answer.clone(),
            None => Err(format!("there is no tool `{tool}`").into()),
        }
    }
}
