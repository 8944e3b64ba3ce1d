//! The law of retrying: delays, waves, budgets, and why there was no further attempt.

use crate::check::catalogue::Id;
use crate::check::seen::{JobSeen, Seen};
use crate::check::tally::{Mark, Now, Tally, claim};
use crate::job::Retry as Rules;
use crate::trace::{CoreEvent, Event, JobEvent, LaneName, On, StateName};
use crate::units::{SimDuration, SimTime};

/// Judges RT-06 to RT-10, with RO-15.
#[derive(Debug)]
pub(super) struct RetryLaw {
    planned: Vec<Option<SimTime>>,
    /// What was planned in the tick under way.
    wave: Vec<(SimTime, Mark)>,
    /// Retries paid for, and jobs admitted, by lane.
    paid: [u32; 3],
    admitted: [u32; 3],
    /// Where each delay without a told wait lies under its ceiling, in millionths.
    ratios: Ratios,
}

#[derive(Debug, Default)]
struct Ratios {
    count: u64,
    sum: u64,
    last: Option<Mark>,
}

/// Delays under ceilings shorter than this say nothing about a law.
const COARSE: u64 = 1_000;
/// From so many delays on their mean is judged.
const ENOUGH: u64 = 50;

/// `min(cap, base * 2^n)`, the long way round.
fn ceiling(rules: &Rules, n: u16) -> SimDuration {
    let mut grown = u128::from(rules.base.ticks());
    for _ in 0..n {
        grown = (grown * 2).min(u128::from(u64::MAX));
    }
    let cap = u128::from(rules.cap.ticks());
    SimDuration::from_ticks(u64::try_from(grown.min(cap)).unwrap_or(u64::MAX))
}

impl RetryLaw {
    pub(super) fn new(jobs: usize) -> Self {
        Self {
            planned: vec![None; jobs],
            wave: Vec::new(),
            paid: [0; 3],
            admitted: [0; 3],
            ratios: Ratios::default(),
        }
    }

    pub(super) fn see(&mut self, seen: &Seen<'_>, now: &Now<'_>, tally: &mut Tally) {
        let Event::Core(CoreEvent::Job(event)) = now.event else {
            return;
        };
        let Some((id, job, task)) = seen.of(now) else {
            return;
        };
        match event {
            JobEvent::RetryPlanned {
                due,
                delay,
                ceiling,
                told,
                ..
            } => {
                self.planned[id.0 as usize] = Some(*due);
                self.wave.push((*due, now.mark()));
                self.law(
                    now,
                    (*due, *delay, *ceiling, *told),
                    job,
                    &task.task.plan.retry,
                    tally,
                );
                self.pay(seen, now, job, tally);
                tally.test(Id::Rt09, now.mark(), *due < job.deadline, || {
                    claim(
                        "a retry is planned behind the deadline",
                        format!("before {}", job.deadline),
                        format!("at {due}"),
                    )
                });
            }
            JobEvent::TwinSent { .. } => self.pay(seen, now, job, tally),
            JobEvent::Moved { on, to, from, .. } => {
                self.moved(
                    now,
                    (*from, *on, *to),
                    job,
                    task.task.plan.limits.queue,
                    seen,
                    tally,
                );
                if *on == On::Due {
                    let planned = self.planned[id.0 as usize].take();
                    let punctual =
                        planned.is_some_and(|due| due <= now.at && now.at.since(due) <= seen.facts.tolerance);
                    tally.test(Id::Rt06, now.mark(), punctual, || {
                        claim(
                            "a retry did not start when it was due",
                            planned.map_or("no plan".into(), |due| due.to_string()),
                            now.at.to_string(),
                        )
                    });
                }
            }
            _ => {}
        }
    }

    fn law(
        &mut self,
        now: &Now<'_>,
        (due, delay, most, told): (SimTime, SimDuration, SimDuration, Option<SimDuration>),
        job: &JobSeen,
        rules: &Rules,
        tally: &mut Tally,
    ) {
        let declared = match told {
            Some(_) => rules.base,
            None => ceiling(rules, job.charged.saturating_sub(1)),
        };
        let least = told.unwrap_or_default();
        let inside = most == declared
            && delay >= least.max(SimDuration::TICK)
            && delay <= (least + declared).max(SimDuration::TICK)
            && due == now.at + delay;
        tally.test(Id::Rt06, now.mark(), inside, || {
            claim(
                "a delay is outside the law",
                format!("between {least} and {}", least + declared),
                format!("{delay} under a ceiling of {most}"),
            )
        });
        if told.is_none() && most.ticks() >= COARSE {
            self.ratios.count += 1;
            self.ratios.sum += delay.ticks().saturating_mul(1_000_000) / most.ticks().max(1);
            self.ratios.last = Some(now.mark());
        }
    }

    fn pay(&mut self, seen: &Seen<'_>, now: &Now<'_>, job: &JobSeen, tally: &mut Tally) {
        let Some(lane) = job.lane else { return };
        let spec = seen.facts.lanes[lane as usize];
        let earned = self.admitted[lane as usize]
            .checked_div(spec.jobs_per_retry)
            .unwrap_or(0);
        let allowed = spec.budget.saturating_add(earned);
        let paid = &mut self.paid[lane as usize];
        *paid += 1;
        tally.test(Id::Rt08, now.mark(), *paid <= allowed, || {
            over_budget(lane, allowed, *paid)
        })
    }

    fn moved(
        &mut self,
        now: &Now<'_>,
        (from, on, to): (Option<StateName>, On, StateName),
        job: &JobSeen,
        limit: SimDuration,
        seen: &Seen<'_>,
        tally: &mut Tally,
    ) {
        if let (On::Admitted, Some(lane)) = (on, job.lane) {
            self.admitted[lane as usize] += 1;
        }
        let leaves = from == Some(StateName::Queued) && job.attempt == 0;
        if leaves {
            let age = now.at.since(job.accepted);
            let bound = limit + seen.facts.tolerance;
            tally.test(Id::Ro15, now.mark(), age <= bound, || {
                claim(
                    "a job starved in its queue",
                    format!("out of it within {limit}"),
                    format!("after {age}"),
                )
            });
        }
        let stopped = match to {
            StateName::NeedsIntervention => true,
            StateName::Failed | StateName::TimedOut => on != On::OperatorAbandon,
            _ => false,
        };
        if stopped {
            tally.test(Id::Rt10, now.mark(), job.stopped, || {
                claim(
                    format!("a job is {to} and no record says why there was no further attempt"),
                    "a reason",
                    "none",
                )
            });
        }
    }

    pub(super) fn tick_over(&mut self, _seen: &Seen<'_>, _at: SimTime, tally: &mut Tally) {
        if self.wave.len() >= 4 {
            self.judge_wave(tally);
        }
        self.wave.clear();
    }

    fn judge_wave(&mut self, tally: &mut Tally) {
        let Some((_, mark)) = self.wave.first().copied() else {
            return;
        };
        self.wave.sort_by_key(|(due, _)| *due);
        let most = self
            .wave
            .chunk_by(|a, b| a.0 == b.0)
            .map(<[_]>::len)
            .max()
            .unwrap_or(0);
        let bound = 1 + self.wave.len() / 8;
        tally.test(Id::Rt07, mark, most <= bound, || {
            claim(
                format!(
                    "{} retries planned in one tick come back together",
                    self.wave.len()
                ),
                format!("at most {bound} at one instant"),
                format!("{most}"),
            )
        });
    }

    pub(super) fn end(&mut self, _seen: &Seen<'_>, _end: SimTime, tally: &mut Tally) {
        let Ratios { count, sum, last } = self.ratios;
        let Some(mark) = last.filter(|_| count >= ENOUGH) else {
            return;
        };
        let mean = sum / count;
        // Five standard errors of the mean of a uniform draw: 5 * 0.2887 / sqrt(count).
        let slack = 1_443_376 / count.isqrt();
        tally.test(Id::Rt06, mark, mean.abs_diff(500_000) <= slack, || {
            claim(
                format!("{count} delays are not spread evenly under their ceilings"),
                format!("a mean of half, within {slack} millionths"),
                format!("{mean} millionths"),
            )
        });
    }
}

fn over_budget(lane: LaneName, allowed: u32, paid: u32) -> crate::check::tally::Claim {
    claim(
        format!("lane {lane} retries beyond its budget"),
        format!("at most {allowed}"),
        format!("{paid}"),
    )
}
