//! Where a world lets somebody reach into the traffic between its parts: for sabotage, and for nothing else.

use crate::backend;
use crate::job;
use crate::people::FromCore;
use crate::trace::{CoreEvent, OutsideEvent, Record, ServiceEvent};
use crate::units::SimTime;

/// Sees, and may change, everything that passes between the parts of a world. Every method does nothing unless it
/// is overridden, so that an honest world is [`Honest`].
pub trait Seams {
    /// Whether anything may be overridden. If nothing is, a message that is alone on its way need not wait in a batch.
    const REACH_IN: bool = true;

    /// What the job core is about to be told.
    fn told(&mut self, now: SimTime, batch: &mut Vec<job::Input>) {
        let _ = (now, batch);
    }

    /// What the job core wants done.
    fn wanted(&mut self, now: SimTime, actions: &mut Vec<job::Action>) {
        let _ = (now, actions);
    }

    /// What the service is about to be told.
    fn asked(&mut self, now: SimTime, batch: &mut Vec<backend::Input>) {
        let _ = (now, batch);
    }

    /// What the service answers.
    fn answered(&mut self, now: SimTime, outputs: &mut Vec<backend::Output>) {
        let _ = (now, outputs);
    }

    /// What people, tools and sinks are about to be told.
    fn shown(&mut self, now: SimTime, batch: &mut Vec<FromCore>) {
        let _ = (now, batch);
    }

    /// What people, tools and sinks say.
    fn said(&mut self, now: SimTime, inputs: &mut Vec<job::Input>) {
        let _ = (now, inputs);
    }

    /// The records of the run, at its end.
    fn recorded(
        &mut self,
        outside: &mut Vec<Record<OutsideEvent>>,
        core: &mut Vec<Record<CoreEvent>>,
        service: &mut Vec<Record<ServiceEvent>>,
    ) {
        let _ = (outside, core, service);
    }
}

/// Changes nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Honest;

impl Seams for Honest {
    const REACH_IN: bool = false;
}
