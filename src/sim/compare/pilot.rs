//! Where the warm-up ends, by a rule: MSER-5 over the jobs in the system, in pilot runs that count for nothing else.
//!
//! Pilots have seeds of their own. In each of them every strategy is played, and the time in which tasks arrive is cut into
//! 500 slots with the mean number of jobs in the system; the slots are averaged over the pilots, and MSER-5 says for each
//! strategy where its rest begins. The latest of these instants holds for all strategies and replications, so that all
//! count the same tasks. A strategy whose best cut lies in the second half has no steady state that could be seen.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::plan::Comparison;
use crate::backend::Spent;
use crate::rng::Seed;
use crate::sim::stats::mser5;
use crate::sim::{Honest, Watch};
use crate::trace::{
    CoreEvent, JobEvent, OutsideEvent, Record, RouterEvent, ServiceEvent, StateName, UserEvent,
};
use crate::units::{SimDuration, SimTime};

/// How many pilots are played.
const PILOTS: u32 = 5;
/// Where their seeds begin, far from all others.
const FIRST: u64 = 1 << 33;
/// Slots of the time in which tasks arrive.
const SLOTS: usize = 500;
/// Slots of a batch of MSER-5.
const BATCH: usize = 5;

/// How the end of the warm-up is chosen.
#[derive(Debug, Clone, PartialEq)]
pub enum WarmUp {
    /// As it is written.
    Fixed,
    /// By MSER-5; what the pilots said, once they are played.
    Mser5(Option<Cut>),
}

/// What the pilots say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// By strategy, in their order.
    pub strategies: Vec<StrategyCut>,
}

/// What the pilots say of a strategy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StrategyCut {
    /// The tick in which its rest begins; the middle if none is seen.
    pub ticks: u64,
    /// Whether it lies in the first half.
    pub settled: bool,
    /// The mean number of jobs in the system over the pilots, in thousandths, by batch.
    pub course: Vec<u64>,
}

impl Cut {
    /// When the warm-up ends: when the last strategy has settled.
    #[must_use]
    pub fn at(&self) -> SimTime {
        let ticks = self.strategies.iter().map(|cut| cut.ticks).max().unwrap_or(0);
        SimTime::START + SimDuration::from_ticks(ticks)
    }
}

impl Comparison {
    /// How many pilots have to be played before anything else.
    #[must_use]
    pub const fn pilots(&self) -> u32 {
        match self.rule {
            WarmUp::Mser5(None) => PILOTS,
            WarmUp::Fixed | WarmUp::Mser5(Some(_)) => 0,
        }
    }

    /// Plays a pilot: the mean number of jobs in the system by strategy and slot.
    #[must_use]
    pub fn pilot(&self, number: u32) -> Vec<Vec<f64>> {
        let stage = self.stage(Seed(FIRST + u64::from(number)));
        let each = self.strategies.iter().map(|named| {
            let play = self.setting(&stage, named, Arc::new(self.router(&stage, named)));
            let mut presence = Presence::new(self.until);
            let played = stage.world(&play, Honest).play_watched(&mut presence);
            presence.close(played.end)
        });
        each.collect()
    }

    /// Ends the warm-up where the pilots say.
    pub fn settle(&mut self, pilots: &[Vec<Vec<f64>>]) {
        let strategies = 0..self.strategies.len();
        let length = self.until.since(SimTime::START).ticks();
        let cut = Cut {
            strategies: strategies.map(|strategy| cut(pilots, strategy, length)).collect(),
        };
        self.settle_as(cut);
    }

    /// The same with a cut that is known.
    pub fn settle_as(&mut self, cut: Cut) {
        self.warm_up = cut.at();
        self.rule = WarmUp::Mser5(Some(cut));
    }

    /// What the pilots said, if they were asked.
    #[must_use]
    pub const fn cut(&self) -> Option<&Cut> {
        match &self.rule {
            WarmUp::Mser5(cut) => cut.as_ref(),
            WarmUp::Fixed => None,
        }
    }
}

fn cut(pilots: &[Vec<Vec<f64>>], strategy: usize, length: u64) -> StrategyCut {
    let mut series = vec![0.0; SLOTS];
    for slots in pilots.iter().filter_map(|pilot| pilot.get(strategy)) {
        for (sum, slot) in series.iter_mut().zip(slots) {
            *sum += slot / pilots.len() as f64;
        }
    }
    let found = mser5(&series);
    let slots = match found.settled {
        true => found.cut,
        false => SLOTS / 2,
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "numbers of jobs, and casts saturate"
    )]
    let thousandths = |batch: &[f64]| (1_000.0 * batch.iter().sum::<f64>() / BATCH as f64 + 0.5) as u64;
    StrategyCut {
        ticks: length * slots as u64 / SLOTS as u64,
        settled: found.settled,
        course: series.chunks_exact(BATCH).map(thousandths).collect(),
    }
}

/// Counts the jobs in the system, slot by slot.
struct Presence {
    until: SimTime,
    present: i64,
    since: SimTime,
    /// Ticks times jobs.
    slots: Vec<i128>,
}

impl Presence {
    fn new(until: SimTime) -> Self {
        Self {
            until,
            present: 0,
            since: SimTime::START,
            slots: vec![0; SLOTS],
        }
    }

    /// The slot of a tick, and when it ends.
    fn slot(&self, ticks: u64) -> (usize, u64) {
        let length = self.until.ticks().max(1);
        let slot = u128::from(ticks) * SLOTS as u128 / u128::from(length);
        let end = ((slot + 1) * u128::from(length)).div_ceil(SLOTS as u128);
        let end = u64::try_from(end).unwrap_or(u64::MAX);
        (usize::try_from(slot).unwrap_or(SLOTS), end)
    }

    fn book(&mut self, now: SimTime) {
        let now = now.min(self.until);
        let mut from = self.since.ticks();
        while from < now.ticks() {
            let (slot, end) = self.slot(from);
            let to = end.min(now.ticks());
            if let Some(sum) = self.slots.get_mut(slot) {
                *sum += i128::from(self.present) * i128::from(to - from);
            }
            from = to;
        }
        self.since = self.since.max(now);
    }

    fn change(&mut self, now: SimTime, by: i64) {
        self.book(now);
        self.present += by;
    }

    fn close(mut self, end: SimTime) -> Vec<f64> {
        self.book(end.max(self.until));
        let wide = self.until.ticks().max(1) as f64 / SLOTS as f64;
        self.slots.iter().map(|sum| *sum as f64 / wide).collect()
    }
}

/// Whether a job in this state is in nobody's hands any more.
const fn is_out(state: StateName) -> bool {
    state.is_terminal() || matches!(state, StateName::NeedsIntervention)
}

impl Watch for Presence {
    fn outside(&mut self, record: &Record<OutsideEvent>) {
        if matches!(record.event, OutsideEvent::User(UserEvent::Submitted { .. })) {
            self.change(record.at, 1);
        }
    }

    fn core(&mut self, record: &Record<CoreEvent>) {
        match &record.event {
            CoreEvent::Router(RouterEvent::Refused { .. }) => self.change(record.at, -1),
            CoreEvent::Job(JobEvent::Moved { from, to, .. }) => {
                let before = from.is_some_and(is_out);
                match (before, is_out(*to)) {
                    (false, true) => self.change(record.at, -1),
                    (true, false) => self.change(record.at, 1),
                    (false, false) | (true, true) => {}
                }
            }
            CoreEvent::Router(_) | CoreEvent::Job(_) | CoreEvent::Runtime(_) => {}
        }
    }

    fn service(&mut self, _record: &Record<ServiceEvent>) {}

    fn spent(&mut self, _spent: &Spent) {}
}

#[cfg(test)]
mod tests {
    use super::{Presence, SLOTS, cut};
    use crate::units::{SimDuration, SimTime};

    fn at(ticks: u64) -> SimTime {
        SimTime::START + SimDuration::from_ticks(ticks)
    }

    #[test]
    fn presence_is_the_mean_number_of_jobs_in_each_slot() {
        // Ten ticks a slot: one job from 5 to 25, another from 10 to 12.
        let mut presence = Presence::new(at(10 * SLOTS as u64));
        for (tick, by) in [(5, 1), (10, 1), (12, -1), (25, -1)] {
            presence.change(at(tick), by);
        }
        let slots = presence.close(at(30));
        assert_eq!(slots[..4], [0.5, 1.2, 0.5, 0.0]);
        assert_eq!(slots.len(), SLOTS);
    }

    #[test]
    fn a_known_transient_is_cut_off_and_a_drift_is_no_steady_state() {
        // Filling up with a time constant of 20 slots to ten jobs, beside a wave that stays.
        let wave = |slot: f64| 0.3 * libm::sin(slot);
        let fills = |slot: f64| 10.0 * (1.0 - libm::exp(-slot / 20.0)) + wave(slot);
        let series = |law: &dyn Fn(f64) -> f64| (0..SLOTS).map(|slot| law(slot as f64)).collect::<Vec<f64>>();
        let pilots = [vec![series(&fills), series(&|slot| slot), series(&|_| 3.0)]];
        let cuts: Vec<_> = (0..3).map(|strategy| cut(&pilots, strategy, 5_000)).collect();
        // What is left of the transient after 60 slots (600 of 5,000 ticks) is half a job, after 140 a hundredth.
        assert!(
            cuts[0].settled && (600..=1_400).contains(&cuts[0].ticks),
            "{:?}",
            cuts[0].ticks
        );
        assert!(!cuts[1].settled && cuts[1].ticks == 2_500);
        assert!(cuts[2].settled && cuts[2].ticks == 0);
        assert_eq!((cuts[2].course.len(), cuts[2].course[7]), (100, 3_000));
    }
}
