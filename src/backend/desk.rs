//! What every part of the service works with.

use std::sync::Arc;

use smallvec::SmallVec;

use super::agenda::Agenda;
use super::fate::Fate;
use super::slots::Handle;
use super::text::Texts;
use super::{CallKey, Output, Profile, Script, Setup, name};
use crate::fault::{Fault, FaultPlan};
use crate::rng::{Law, Purpose, Seed};
use crate::trace::{BackendEvent, Notes, ServiceEvent};
use crate::units::{JobId, SimDuration, SimTime, Window};
use crate::wire::{Item, ResponseId};

/// The settings, the time, what is due, what leaves and what is noted.
#[derive(Debug, Clone)]
pub(super) struct Desk {
    pub(super) profile: Profile,
    pub(super) plan: FaultPlan,
    pub(super) seed: Seed,
    pub(super) notes: Notes<ServiceEvent>,
    pub(super) agenda: Agenda,
    pub(super) now: SimTime,
    pub(super) out: Vec<Output>,
    /// The tier of a response that has not ended.
    pub(super) tier_open: Arc<str>,
    /// The output of a response that has none yet.
    pub(super) no_output: Arc<[Item]>,
    pub(super) texts: Texts,
    plain: Arc<Fate>,
    scripts: Arc<[Option<Script>]>,
    /// The jobs that are not listed, as far as they are not forgotten.
    expected: Window<Expected>,
}

/// A job that is not listed.
#[derive(Debug, Clone, Default)]
struct Expected {
    script: Option<Script>,
    /// Its responses.
    runs: Handles,
    is_over: bool,
}

/// The responses of a job; nearly always there is one.
pub(super) type Handles = SmallVec<[Handle; 1]>;

impl Expected {
    fn of(script: Option<Script>) -> Self {
        Self {
            script,
            ..Self::default()
        }
    }
}

impl Desk {
    pub(super) fn new(setup: Setup) -> Self {
        Self {
            profile: setup.profile,
            plan: setup.plan,
            seed: setup.seed,
            notes: setup.notes,
            agenda: Agenda::default(),
            now: SimTime::START,
            out: Vec::new(),
            tier_open: "auto".into(),
            no_output: Arc::from([]),
            texts: Texts::default(),
            plain: Arc::new(Fate::PLAIN),
            expected: Window::from(JobId(u32::try_from(setup.scripts.len()).unwrap_or(u32::MAX))),
            scripts: setup.scripts,
        }
    }

    /// A fate as a response keeps it: those for which nothing is in store share theirs.
    pub(super) fn keep_fate(&self, fate: Fate) -> Arc<Fate> {
        match fate == Fate::PLAIN {
            true => self.plain.clone(),
            false => fate.into(),
        }
    }

    /// The script of a job, or the one of strangers.
    pub(super) fn script(&self, job: JobId) -> &Script {
        let listed = self.scripts.get(job.0 as usize).and_then(Option::as_ref);
        let expected = || self.expected.get(job)?.script.as_ref();
        listed.or_else(expected).unwrap_or(&self.profile.script)
    }

    /// Takes in the script of the next job that is not listed.
    pub(super) fn expect_job(&mut self, script: Option<Script>) -> JobId {
        self.expected.push(Expected::of(script))
    }

    /// Takes in the script of a job behind the row of those.
    pub(super) fn expect_further(&mut self, job: JobId, script: Option<Script>) {
        self.expected.put_apart(job, Expected::of(script));
    }

    /// How many jobs are not listed and not forgotten.
    pub(super) fn jobs_expected(&self) -> usize {
        self.expected.len()
    }

    /// A response serves a job.
    pub(super) fn serves(&mut self, job: JobId, run: Handle) {
        if let Some(expected) = self.expected.get_mut(job) {
            expected.runs.push(run);
        }
    }

    /// Forgets a job that is not listed and gives its responses.
    pub(super) fn forget(&mut self, job: JobId) -> Handles {
        let Some(expected) = self.expected.get_mut(job) else {
            return Handles::new();
        };
        expected.is_over = true;
        let runs = std::mem::take(&mut expected.runs);
        self.expected.take_apart(job);
        while self.expected.pop_if(|expected| expected.is_over) {}
        runs
    }

    /// The script of a job, or the one that was chosen for a stranger.
    pub(super) fn script_of(&self, job: JobId, choice: Option<u32>) -> &Script {
        let chosen = choice.and_then(|choice| self.profile.choices.get(choice as usize));
        chosen.map_or_else(|| self.script(job), |choice| &choice.script)
    }

    /// Leaves a record at the tick of the step.
    pub(super) fn note<I: Into<ServiceEvent>>(&mut self, job: JobId, event: impl FnOnce() -> I) {
        self.notes.note(self.now, job, event);
    }

    /// Notes that the fault of `rule` took hold.
    pub(super) fn fired(&mut self, job: JobId, rule: u32) {
        if let Some(fault) = self.fault(rule) {
            let fault = fault.word();
            self.note(job, || BackendEvent::FaultFired { rule, fault });
        }
    }

    /// Notes that a response is no longer kept.
    pub(super) fn dropped(&mut self, job: JobId, response: &ResponseId, why: &'static str) {
        self.note(job, || BackendEvent::Dropped {
            response: response.clone(),
            why,
        });
    }

    /// What the rule of this number does.
    pub(super) fn fault(&self, rule: u32) -> Option<&Fault> {
        self.plan.fault(rule)
    }

    /// Unix seconds at this tick.
    pub(super) const fn unix(&self) -> u64 {
        self.profile.epoch + self.now.ticks() / 1_000_000
    }

    /// The instant so long after this tick, one tick at least.
    pub(super) fn after(&self, length: SimDuration) -> SimTime {
        self.now + length.max(SimDuration::TICK)
    }

    /// A length drawn from `law`.
    pub(super) fn draw(&self, law: Law, purpose: Purpose, entity: u64, index: u64) -> SimDuration {
        match law {
            Law::Constant(length) => length,
            law => law.quantile(self.seed.unit(purpose, entity, index)),
        }
    }

    /// How long the exchange of `key` takes from handling to reply.
    pub(super) fn latency(&self, key: &CallKey) -> SimDuration {
        let (entity, index) = (name::call_entity(key), name::call_index(key.exchange));
        self.draw(self.profile.latency, Purpose::Latency, entity, index)
    }
}
