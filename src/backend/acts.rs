//! The acts of a turn, written out as far as they differ from the steps of the script.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::turn::{Act, Work};
use super::{Step, StepWork};

/// What a turn plays, in its order.
#[derive(Debug, Clone)]
pub(super) enum Acts {
    /// Steps of a script as they stand there: most turns think and speak, and nothing of that has to be copied.
    OfScript {
        /// All steps.
        steps: Arc<[Step]>,
        /// Those of the turn.
        turn: Range<usize>,
    },
    /// These.
    Made(Vec<Act>),
}

impl Acts {
    /// No acts.
    pub(super) const NONE: Self = Self::Made(Vec::new());

    /// The acts of these steps, if none of them becomes anything else by being played.
    pub(super) fn of_script(steps: &Arc<[Step]>, turn: Range<usize>) -> Option<Self> {
        let is_bare = |step: &Step| matches!(step.work, StepWork::Reasoning | StepWork::Message { .. });
        let is_so = !turn.is_empty() && steps[turn.clone()].iter().all(is_bare);
        is_so.then(|| Self::OfScript {
            steps: Arc::clone(steps),
            turn,
        })
    }

    /// The act at this place.
    pub(super) fn get(&self, place: usize) -> Option<Cow<'_, Act>> {
        match self {
            Self::OfScript { steps, turn } => {
                let step = steps[turn.clone()].get(place)?;
                Some(Cow::Owned(Act::of(
                    step,
                    u16::try_from(place).unwrap_or(u16::MAX),
                )))
            }
            Self::Made(acts) => acts.get(place).map(Cow::Borrowed),
        }
    }

    /// The act at this place, which has begun.
    ///
    /// # Panics
    /// If there is none.
    pub(super) fn begun(&self, place: usize) -> Cow<'_, Act> {
        match self.get(place) {
            Some(act) => act,
            None => unreachable!("acts stay until their response ends"),
        }
    }

    /// The acts to be changed, all of them written out.
    pub(super) fn made(&mut self) -> &mut Vec<Act> {
        if let Self::OfScript { steps, turn } = self {
            let written = steps[turn.clone()].iter().zip(0..);
            *self = Self::Made(written.map(|(step, place)| Act::of(step, place)).collect());
        }
        match self {
            Self::Made(acts) => acts,
            Self::OfScript { .. } => unreachable!("they were written out"),
        }
    }

    /// Whether any of them runs a tool that a request may ask more of.
    pub(super) fn have_tools(&self) -> bool {
        match self {
            Self::OfScript { .. } => false,
            Self::Made(acts) => acts.iter().any(|act| act.work.is_tool()),
        }
    }
}

impl Act {
    /// A step as it stands at this place of its turn.
    pub(super) fn of(step: &Step, place: u16) -> Self {
        Self {
            work: Work::Scripted(step.work.clone()),
            takes: step.takes,
            index: u64::from(place),
            step: Some(place),
        }
    }
}
