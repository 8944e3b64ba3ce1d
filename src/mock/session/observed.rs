//! A backend core that is watched: what goes in and comes out is taken down on the way.

use std::sync::Arc;

use super::record::Record;
use crate::backend::{Input, Kept, Output, Service};
use crate::clock::Core;
use crate::mock::stock::Share;
use crate::units::SimTime;

/// A service whose session has a record.
#[derive(Debug)]
pub(super) struct Observed {
    pub(super) service: Service,
    pub(super) record: Arc<Record>,
    /// Of the memory that all sessions have together.
    pub(super) share: Arc<Share>,
}

impl Drop for Observed {
    fn drop(&mut self) {
        self.share.answers();
        self.share.report(Kept::default(), 0);
    }
}

impl Core for Observed {
    type Input = Input;
    type Output = Output;

    fn next_deadline(&self) -> Option<SimTime> {
        self.service.next_deadline()
    }

    fn step(&mut self, now: SimTime, batch: &mut Vec<Input>, out: &mut Vec<Output>) {
        let mut sight = self.record.sight();
        for input in batch.iter_mut() {
            if let Input::Crowded { bytes } = input {
                // The record gives way first, down to half of what is left to the session.
                sight.come_down(*bytes / 2);
                *bytes = bytes.saturating_sub(sight.weight());
                self.share.answers();
            }
            sight.told(now, input);
        }
        let told = out.len();
        self.service.step(now, batch, out);
        // Notes first: a fault that spoils a reply is known before the reply ends its request.
        for note in self.service.drain_notes() {
            sight.noted(now, &note.event);
        }
        out[told..].iter().for_each(|output| sight.answered(now, output));
        sight.due = self.service.next_deadline();
        let record = sight.weight();
        self.record.publish(sight);
        self.share.report(self.service.kept(), record);
    }
}
