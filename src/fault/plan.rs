//! Which rule strikes.

use std::sync::Arc;

use super::{Fault, FaultRule, HeaderMatch, Probe, Share, Target};
use crate::rng::{Purpose, Seed};
use crate::units::{Exchange, JobId, SimDuration, SimTime};

/// The rules of a scenario under a seed, and those that were injected since.
#[derive(Debug, Clone)]
pub struct FaultPlan {
    rules: Arc<[FaultRule]>,
    /// Rules that strike only what is marked with their number; they are numbered behind the others.
    injected: Arc<Vec<FaultRule>>,
    seed: Seed,
}

/// The different rules that can be injected into one plan.
pub const INJECTED_MAX: usize = 4_096;

/// A rule that strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Struck<'a> {
    /// Its place in the scenario's list, from 0.
    pub rule: u32,
    /// What it does.
    pub fault: &'a Fault,
}

impl FaultPlan {
    /// The plan of `rules` under `seed`.
    #[must_use]
    pub fn new(rules: Arc<[FaultRule]>, seed: Seed) -> Self {
        Self {
            rules,
            injected: Arc::default(),
            seed,
        }
    }

    /// A plan without faults.
    #[must_use]
    pub fn none() -> Self {
        Self::new(Arc::from([]), Seed(0))
    }

    /// The rules, in order.
    #[must_use]
    pub fn rules(&self) -> &[FaultRule] {
        &self.rules
    }

    /// Whether there is no rule of any sort.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.injected.is_empty()
    }

    /// What the rule of this number does.
    #[must_use]
    pub fn fault(&self, rule: u32) -> Option<&Fault> {
        self.rule(rule).map(|rule| &rule.fault)
    }

    fn rule(&self, number: u32) -> Option<&FaultRule> {
        let place = number as usize;
        let injected = || self.injected.get(place.checked_sub(self.rules.len())?);
        self.rules.get(place).or_else(injected)
    }

    /// Adds a rule that strikes only what is marked with the number that it gets; how it selects is ignored. A rule
    /// that was injected before keeps its number.
    ///
    /// - returns: the number; none if there are [`INJECTED_MAX`] others already.
    pub fn inject(&mut self, target: &Target, fault: &Fault) -> Option<u32> {
        let same = |rule: &FaultRule| rule.target == *target && rule.fault == *fault;
        let place = match self.injected.iter().position(same) {
            Some(place) => place,
            None if self.injected.len() == INJECTED_MAX => return None,
            None => {
                Arc::make_mut(&mut self.injected).push(FaultRule {
                    target: target.clone(),
                    select: super::Select::default(),
                    fault: fault.clone(),
                });
                self.injected.len() - 1
            }
        };
        u32::try_from(self.rules.len() + place).ok()
    }

    /// Those of the injected rules `marks` that are about `target`.
    fn pinned<'a>(&'a self, target: &'a Target, marks: &'a [u32]) -> impl Iterator<Item = Struck<'a>> {
        let marked = marks.iter().filter(|mark| **mark as usize >= self.rules.len());
        marked.filter_map(move |mark| {
            let rule = self.rule(*mark).filter(|rule| rule.target == *target)?;
            let fault = &rule.fault;
            Some(Struck { rule: *mark, fault })
        })
    }

    /// The rules that look at a header, by their place.
    #[must_use]
    pub fn header_rules(&self) -> Arc<[(u32, HeaderMatch)]> {
        let rules = self.rules.iter().zip(0_u32..);
        rules
            .filter_map(|(rule, index)| Some((index, rule.select.header.clone()?)))
            .collect()
    }

    /// The rules that strike: injected ones, then those of the scenario in their order; of an exchange, only the first
    /// counts.
    pub fn strikes<'a>(&'a self, target: &'a Target, probe: Probe<'a>) -> impl Iterator<Item = Struck<'a>> {
        let rules = self.rules.iter().zip(0_u32..);
        let declared = rules
            .filter(move |(rule, index)| {
                rule.select.header.is_none()
                    && rule.target.covers(target, probe.name)
                    && self.selects(rule, *index, probe)
            })
            .map(|(rule, index)| Struck {
                rule: index,
                fault: &rule.fault,
            });
        self.pinned(target, probe.marks).chain(declared)
    }

    /// The verdict on an exchange that arrives (or would arrive) at `at`.
    #[must_use]
    #[inline]
    pub fn exchange(&self, key: Exchange, at: SimTime) -> Option<Struck<'_>> {
        self.marked_exchange(key, at, &[])
    }

    /// The verdict on an exchange whose request is marked with these rules: it shows their headers, or they were
    /// injected for it.
    #[must_use]
    #[inline]
    pub fn marked_exchange(&self, key: Exchange, at: SimTime, marks: &[u32]) -> Option<Struck<'_>> {
        match self.rules.is_empty() && marks.is_empty() {
            true => None,
            false => self.struck(key, at, marks),
        }
    }

    fn struck(&self, key: Exchange, at: SimTime, marks: &[u32]) -> Option<Struck<'_>> {
        if !self.injected.is_empty() && !marks.is_empty() {
            let target = Target::Exchange(key.kind());
            let rule = self.pinned(&target, marks).next().map(|struck| struck.rule);
            if let Some(rule) = rule {
                return self.fault(rule).map(|fault| Struck { rule, fault });
            }
        }
        if self.rules.is_empty() {
            return None;
        }
        let probe = Probe::of(key, at);
        let strikes = |(rule, index): &(&FaultRule, u32)| {
            rule.target == Target::Exchange(key.kind())
                && (rule.select.header.is_none() || marks.contains(index))
                && self.selects(rule, *index, probe)
        };
        let (rule, index) = self.rules.iter().zip(0_u32..).find(strikes)?;
        Some(Struck {
            rule: index,
            fault: &rule.fault,
        })
    }

    /// How long the fault `rule` delays what has this entity and index.
    #[must_use]
    pub fn delay(&self, rule: u32, law: crate::rng::Law, entity: u64, index: u64) -> SimDuration {
        law.quantile(
            self.seed
                .unit(Purpose::FaultDelay, entity ^ (u64::from(rule) << 48), index),
        )
    }

    fn selects(&self, rule: &FaultRule, index: u32, probe: Probe<'_>) -> bool {
        let select = &rule.select;
        select.jobs.as_ref().is_none_or(|jobs| jobs.contains(&probe.job))
            && select
                .attempts
                .is_none_or(|(low, high)| (low..=high).contains(&probe.attempt))
            && select
                .turns
                .is_none_or(|(low, high)| (low..=high).contains(&probe.turn))
            && select
                .nth
                .is_none_or(|(low, high)| (low..=high).contains(&probe.nth))
            && select
                .within
                .is_none_or(|(from, to)| (from..=to).contains(&probe.at))
            && select
                .share
                .is_none_or(|share| self.drawn(share, index, probe.job, probe.at))
    }

    /// Whether the draw of the rule `index` for this job and the window of `at` says yes.
    pub(super) fn drawn(&self, share: Share, index: u32, job: JobId, at: SimTime) -> bool {
        let window = at.ticks() / share.window.ticks().max(1);
        let entity = (u64::from(job.0) << 32) | u64::from(index);
        share
            .probability
            .hits(self.seed.unit(Purpose::FaultStrikes, entity, window))
    }
}

impl Target {
    /// Whether a rule for `self` is about `other`, which is named `name`.
    fn covers(&self, other: &Self, name: &str) -> bool {
        match (self, other) {
            (Self::Tool(wanted), Self::Tool(_)) | (Self::Sink(wanted), Self::Sink(_)) => {
                wanted.as_ref().is_none_or(|wanted| &**wanted == name)
            }
            _ => self == other,
        }
    }
}
