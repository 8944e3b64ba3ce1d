//! The seams of a sabotaged world.

use super::list::Wrong;
use super::records::Records;
use super::traffic::{Memory, Traffic};
use crate::job::{Action, Input};
use crate::people::FromCore;
use crate::sim::Seams;
use crate::trace::{CoreEvent, OutsideEvent, Record, ServiceEvent};
use crate::units::SimTime;

/// Reaches into the traffic or the records of a world, in one wrong way.
#[derive(Debug, Clone)]
pub struct Saboteur {
    wrong: Wrong,
    memory: Memory,
}

impl Saboteur {
    pub(super) const fn new(wrong: Wrong) -> Self {
        Self {
            wrong,
            memory: Memory::new(),
        }
    }

    const fn traffic(&self) -> Option<Traffic> {
        match self.wrong {
            Wrong::Traffic(traffic) | Wrong::OpenSinks(traffic) => Some(traffic),
            Wrong::Route(_) | Wrong::Records(_) => None,
        }
    }
}

impl Seams for Saboteur {
    fn told(&mut self, _now: SimTime, batch: &mut Vec<Input>) {
        if let Some(traffic) = self.traffic() {
            traffic.told(&mut self.memory, batch);
        }
    }

    fn wanted(&mut self, _now: SimTime, actions: &mut Vec<Action>) {
        if let Some(traffic) = self.traffic() {
            traffic.wanted(&mut self.memory, actions);
        }
    }

    fn shown(&mut self, _now: SimTime, batch: &mut Vec<FromCore>) {
        if let Some(traffic) = self.traffic() {
            traffic.shown(batch);
        }
    }

    fn recorded(
        &mut self,
        outside: &mut Vec<Record<OutsideEvent>>,
        core: &mut Vec<Record<CoreEvent>>,
        service: &mut Vec<Record<ServiceEvent>>,
    ) {
        if let Wrong::Records(edit) = self.wrong {
            edit(&mut Records {
                outside,
                core,
                service,
            });
        }
    }
}
