//! A backend core that is watched: what its clients do is taken down on the way.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::backend::{Input, Output};
use crate::check::ClientLog;
use crate::clock::Core;
use crate::units::SimTime;

/// A core whose clients are watched.
#[derive(Debug)]
pub struct Watched<C> {
    core: C,
    watch: Watch,
}

/// What was seen so far. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Watch(Arc<Mutex<ClientLog>>);

impl<C> Watched<C> {
    /// Around `core`, with an empty log.
    pub fn new(core: C, log: ClientLog) -> Self {
        let watch = Watch(Arc::new(Mutex::new(log)));
        Self { core, watch }
    }

    /// What is seen.
    pub fn watch(&self) -> Watch {
        self.watch.clone()
    }
}

impl Watch {
    /// The log, until it is let go; the server stands still so long.
    pub fn log(&self) -> MutexGuard<'_, ClientLog> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: Core<Input = Input, Output = Output>> Core for Watched<C> {
    type Input = Input;
    type Output = Output;

    fn next_deadline(&self) -> Option<SimTime> {
        self.core.next_deadline()
    }

    fn step(&mut self, now: SimTime, batch: &mut Vec<Input>, out: &mut Vec<Output>) {
        let mut log = self.watch.log();
        batch.iter().for_each(|input| log.told(now, input));
        let told = out.len();
        self.core.step(now, batch, out);
        out[told..].iter().for_each(|output| log.answered(now, output));
    }
}
