//! How a response ends, if the faults of the scenario have their way.

use std::sync::Arc;

use super::acts::Acts;
use super::turn::{self, Act};
use crate::fault::{Fault, FaultPlan, Probe, Target};
use crate::rng::Law;
use crate::units::SimDuration;

/// What is in store for a response; each part knows the rule behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fate {
    /// It ends before this act.
    pub(super) halt: Option<Halt>,
    /// How it ends if nothing stops it before.
    pub(super) finale: Finale,
    /// It never leaves the queue.
    pub(super) stuck_queued: Option<u32>,
    /// It never gets anywhere.
    pub(super) stuck_in_progress: Option<u32>,
    /// It is forgotten so long after its creation.
    pub(super) vanish: Option<(SimDuration, u32)>,
    /// It takes so long to be cancelled.
    pub(super) slow_cancel: Option<(SimDuration, u32)>,
    /// It takes so long until anything is said of it.
    pub(super) admission: Option<(Law, u32)>,
    /// It is shown as queued once more after it was in progress.
    pub(super) disorder: Option<u32>,
    /// A cancel is acknowledged and changes nothing.
    pub(super) ignored_cancel: Option<u32>,
    /// Its output is cut and called completed.
    pub(super) truncated: Option<u32>,
    /// The tokens that it may not pass, if it would.
    pub(super) cap: Option<u32>,
}

/// The number that no rule has.
const NO_RULE: u32 = u32::MAX;

/// An early end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Halt {
    /// Before which act.
    pub(super) place: usize,
    /// With this code; none if the service cancels it.
    pub(super) code: Option<Arc<str>>,
    /// The rule.
    pub(super) rule: u32,
}

/// An end behind the last act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finale {
    /// `completed`.
    Completed,
    /// `incomplete`, by a rule or by the cap of the request.
    Incomplete {
        /// The reason.
        reason: Arc<str>,
        /// The rule, if it was one.
        rule: Option<u32>,
    },
    /// A status that the contract does not know.
    Unknown {
        /// The word.
        word: Arc<str>,
        /// The rule.
        rule: u32,
    },
}

impl Fate {
    /// Nothing is in store.
    pub(super) const PLAIN: Self = Self {
        halt: None,
        finale: Finale::Completed,
        stuck_queued: None,
        stuck_in_progress: None,
        vanish: None,
        slow_cancel: None,
        admission: None,
        disorder: None,
        ignored_cancel: None,
        truncated: None,
        cap: None,
    };

    /// The fate of a response that would play `acts`; a response that has to end early loses the acts behind that.
    ///
    /// A step behind the last one means the end of the turn. Of several early ends the first rule counts, as of
    /// several finales; a cap of the request goes before both.
    pub(super) fn of(plan: &FaultPlan, probe: Probe<'_>, acts: &mut Acts, cap: Option<u32>) -> Self {
        let mut fate = Self::PLAIN;
        if cap.is_some_and(|cap| turn::cap_tokens(acts.made(), cap)) {
            fate.cap = cap;
            let reason = "max_output_tokens".into();
            fate.finale = Finale::Incomplete { reason, rule: None };
        }
        for struck in plan.strikes(&Target::Response, probe) {
            fate.take(struck.fault, struck.rule, acts);
        }
        fate
    }

    /// It ends at once for want of money.
    pub(super) fn run_dry(&mut self) {
        self.halt = Some(Halt {
            place: 0,
            code: Some("insufficient_quota".into()),
            rule: NO_RULE,
        });
    }

    fn take(&mut self, fault: &Fault, rule: u32, acts: &mut Acts) {
        match fault {
            Fault::Fail { code, at_step } => self.halt_at(*at_step, Some(code.clone()), rule, acts.made()),
            Fault::CancelledByService { at_step } => self.halt_at(*at_step, None, rule, acts.made()),
            Fault::Incomplete { reason } if self.is_plain() => {
                turn::cut_last(acts.made());
                self.finale = Finale::Incomplete {
                    reason: reason.clone(),
                    rule: Some(rule),
                };
            }
            Fault::UnknownStatus { word } if self.is_plain() => {
                let word = word.clone();
                self.finale = Finale::Unknown { word, rule };
            }
            Fault::StuckQueued => self.stuck_queued = self.stuck_queued.or(Some(rule)),
            Fault::StuckInProgress => self.stuck_in_progress = self.stuck_in_progress.or(Some(rule)),
            Fault::Vanish { after } => self.vanish = self.vanish.or(Some((*after, rule))),
            Fault::SlowAdmission { law } => self.admission = self.admission.or(Some((*law, rule))),
            Fault::WrongOrder => self.disorder = self.disorder.or(Some(rule)),
            Fault::IgnoreCancel => self.ignored_cancel = self.ignored_cancel.or(Some(rule)),
            Fault::Truncate if self.is_plain() && self.truncated.is_none() && turn::truncate(acts.made()) => {
                self.truncated = Some(rule);
            }
            Fault::SlowCancel { lag } => self.slow_cancel = self.slow_cancel.or(Some((*lag, rule))),
            // The rest disturbs no response.
            _ => {}
        }
    }

    const fn is_plain(&self) -> bool {
        matches!(self.finale, Finale::Completed)
    }

    fn halt_at(&mut self, step: u16, code: Option<Arc<str>>, rule: u32, acts: &[Act]) {
        if self.halt.is_none() {
            let reached = |act: &Act| act.step.is_some_and(|place| place >= step);
            let place = acts.iter().position(reached).unwrap_or(acts.len());
            self.halt = Some(Halt { place, code, rule });
        }
    }
}
