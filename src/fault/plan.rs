//! Which rule strikes.

use std::sync::Arc;

use super::{Fault, FaultRule, HeaderMatch, Probe, Target};
use crate::rng::{Purpose, Seed};
use crate::units::{Exchange, SimDuration, SimTime};

/// The rules of a scenario under a seed.
#[derive(Debug, Clone)]
pub struct FaultPlan {
    rules: Arc<[FaultRule]>,
    seed: Seed,
}

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
    pub const fn new(rules: Arc<[FaultRule]>, seed: Seed) -> Self {
        Self { rules, seed }
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

    /// The rules that look at a header, by their place.
    #[must_use]
    pub fn header_rules(&self) -> Arc<[(u32, HeaderMatch)]> {
        let rules = self.rules.iter().zip(0_u32..);
        rules
            .filter_map(|(rule, index)| Some((index, rule.select.header.clone()?)))
            .collect()
    }

    /// The rules that strike, in the order of the scenario; of an exchange, only the first counts.
    pub fn strikes<'a>(&'a self, target: &'a Target, probe: Probe<'a>) -> impl Iterator<Item = Struck<'a>> {
        let rules = self.rules.iter().zip(0_u32..);
        rules
            .filter(move |(rule, index)| {
                rule.select.header.is_none()
                    && rule.target.covers(target, probe.name)
                    && self.selects(rule, *index, probe)
            })
            .map(|(rule, index)| Struck {
                rule: index,
                fault: &rule.fault,
            })
    }

    /// The verdict on an exchange that arrives (or would arrive) at `at`.
    #[must_use]
    pub fn exchange(&self, key: Exchange, at: SimTime) -> Option<Struck<'_>> {
        self.marked_exchange(key, at, &[])
    }

    /// The verdict on an exchange whose request shows the headers of the rules `marks`.
    #[must_use]
    pub fn marked_exchange(&self, key: Exchange, at: SimTime, marks: &[u32]) -> Option<Struck<'_>> {
        let probe = Probe {
            job: key.job,
            attempt: key.attempt,
            turn: key.turn,
            nth: key.nth,
            name: "",
            at,
        };
        let strikes = |(rule, index): &(&FaultRule, u32)| {
            rule.target == Target::Exchange(key.kind)
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
            && select.share.is_none_or(|share| {
                let window = probe.at.ticks() / share.window.ticks().max(1);
                let entity = (u64::from(probe.job.0) << 32) | u64::from(index);
                share
                    .probability
                    .hits(self.seed.unit(Purpose::FaultStrikes, entity, window))
            })
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
