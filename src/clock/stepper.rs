//! The loop around a core: collect, step, release.

use std::future::{pending, poll_fn};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Clock, Inbox, Pace};
use crate::units::SimTime;

/// A core that decides without I/O: it is told the time and what happened, and answers what to do.
pub trait Core {
    /// What it is told.
    type Input;
    /// What it answers.
    type Output;

    /// When it wants to be stepped next, even if nothing arrives.
    fn next_deadline(&self) -> Option<SimTime>;

    /// Takes everything out of `batch`, does what is due at `now`, and appends its answers to `out`.
    ///
    /// `now` rises from step to step. The core itself puts the batch into canonical order.
    fn step(&mut self, now: SimTime, batch: &mut Vec<Self::Input>, out: &mut Vec<Self::Output>);
}

/// What stands around a core: it sees what goes in and carries away what comes out.
pub trait Outlet<C: Core> {
    /// Sees a batch before it is stepped as of `at`.
    fn before(&mut self, at: SimTime, batch: &[C::Input]) {
        let _ = (at, batch);
    }

    /// Takes everything out of `out`, the answers of the step as of `at`. In virtual time the clock shows `at + 1`.
    fn release(&mut self, at: SimTime, out: &mut Vec<C::Output>);
}

/// One step that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stepped {
    /// As of when.
    pub at: SimTime,
    /// How many inputs it took.
    pub inputs: usize,
    /// How many answers it gave.
    pub outputs: usize,
}

/// Steps a core as its inbox and its deadlines demand.
#[derive(Debug)]
pub struct Stepper<C: Core, O> {
    clock: Clock,
    inbox: Inbox<C::Input>,
    core: C,
    outlet: O,
    /// The core's next deadline, which changes in a step alone.
    wanted: SimTime,
    last: Option<SimTime>,
    batch: Vec<C::Input>,
    out: Vec<C::Output>,
}

impl<C: Core, O: Outlet<C>> Stepper<C, O> {
    /// Around `core`, which was not stepped yet.
    pub fn new(clock: Clock, inbox: Inbox<C::Input>, core: C, outlet: O) -> Self {
        let (batch, out) = (Vec::new(), Vec::new());
        Self {
            wanted: wanted(&core),
            clock,
            inbox,
            core,
            outlet,
            last: None,
            batch,
            out,
        }
    }

    /// The core.
    pub const fn core(&self) -> &C {
        &self.core
    }

    /// The core, to take out what it notes beside its answers; when it wants to be stepped stays as it is.
    pub const fn core_mut(&mut self) -> &mut C {
        &mut self.core
    }

    /// What stands around it.
    pub const fn outlet(&mut self) -> &mut O {
        &mut self.outlet
    }

    /// The core and what stands around it.
    pub fn into_parts(self) -> (C, O) {
        (self.core, self.outlet)
    }

    /// When a step is due, as far as is known: with the first input that waits, or at the core's deadline.
    pub fn next_due(&self) -> Option<SimTime> {
        let first = self.inbox.first().unwrap_or(SimTime::NEVER).min(self.wanted);
        (first != SimTime::NEVER).then_some(first)
    }

    /// Waits until a step is due and makes it.
    ///
    /// Dropping the future before it is ready loses nothing. Without inputs and deadlines it waits for ever: in
    /// virtual time somebody else has to hold a timer, or the run stands still.
    pub async fn step(&mut self) -> Stepped {
        let at = match self.clock.pace() {
            Pace::Virtual => self.behind_barrier().await,
            Pace::Real(_) | Pace::Manual => self.as_soon_as_due().await,
        };
        self.make(at)
    }

    /// When the tick that is to be stepped next will be over, as far as is known: what a step in virtual time waits
    /// for. An input can bring it nearer as long as none waits; see [`Stepper::first_input`].
    pub fn over_at(&self) -> SimTime {
        self.due().next()
    }

    /// Waits until an input comes where none waits.
    pub async fn first_input(&self) {
        if self.inbox.first().is_some() {
            return pending().await;
        }
        first_input(&self.inbox).await;
    }

    /// Lets no input wake whoever waited for the first one last.
    pub fn stop_listening(&self) {
        self.inbox.stop_listening();
    }

    /// Makes the next step if its tick is over at `now`, for those who wait for several steppers in virtual time.
    pub fn step_if_over(&mut self, now: SimTime) -> Option<Stepped> {
        let at = self.due();
        (at < now).then(|| self.make(at))
    }

    /// The earliest tick in which something is to be stepped, as far as is known.
    fn due(&self) -> SimTime {
        let first = self.inbox.first().unwrap_or(SimTime::NEVER);
        self.after_last(first.min(self.deadline()))
    }

    fn make(&mut self, at: SimTime) -> Stepped {
        debug_assert!(self.last.is_none_or(|last| last < at), "time rises");
        self.last = Some(at);
        self.inbox.take(at, &mut self.batch);
        let inputs = self.batch.len();
        self.outlet.before(at, &self.batch);
        self.core.step(at, &mut self.batch, &mut self.out);
        self.batch.clear();
        self.wanted = wanted(&self.core);
        let outputs = self.out.len();
        self.outlet.release(at, &mut self.out);
        self.out.clear();
        Stepped { at, inputs, outputs }
    }

    /// Steps until it is dropped.
    pub async fn run(mut self) {
        loop {
            self.step().await;
        }
    }

    /// The earliest tick in which something happened that was not stepped, once that tick is over.
    async fn behind_barrier(&mut self) -> SimTime {
        let deadline = self.deadline();
        let first = match self.inbox.first() {
            Some(first) => first,
            None => tokio::select! {
                biased;
                first = first_input(&self.inbox) => first,
                () = self.clock.sleep_until(deadline.next()) => deadline,
            },
        };
        let at = self.after_last(first.min(deadline));
        self.clock.sleep_until(at.next()).await;
        at
    }

    /// Now, once something is there.
    async fn as_soon_as_due(&mut self) -> SimTime {
        let deadline = self.deadline();
        tokio::select! {
            biased;
            _ = first_input(&self.inbox) => {}
            () = self.clock.sleep_until(deadline) => {}
        }
        let now = self.clock.now();
        match self.clock.pace() {
            // Moved over several deadlines at once, each is stepped as of its own instant.
            Pace::Manual => self.after_last(self.next_due().map_or(now, |due| due.min(now))),
            Pace::Virtual | Pace::Real(_) => self.after_last(now),
        }
    }

    fn deadline(&self) -> SimTime {
        match self.wanted {
            SimTime::NEVER => SimTime::NEVER,
            wanted => self.after_last(wanted),
        }
    }

    /// `at`, or the tick behind the last step if that is later: a tick is stepped once.
    fn after_last(&self, at: SimTime) -> SimTime {
        self.last.map_or(at, |last| at.max(last.next()))
    }
}

/// When a core wants to be stepped next; never, if it only waits for inputs.
fn wanted<C: Core>(core: &C) -> SimTime {
    core.next_deadline().unwrap_or(SimTime::NEVER)
}

async fn first_input<I>(inbox: &Inbox<I>) -> SimTime {
    poll_fn(|context| inbox.poll_first(context)).await
}

/// The batches that a core was fed: enough to play it again. Cheap to clone.
#[derive(Debug)]
pub struct BatchLog<I>(Arc<Mutex<Vec<Batch<I>>>>);

/// What a step took, and as of when it was made.
pub type Batch<I> = (SimTime, Vec<I>);

impl<I> Default for BatchLog<I> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<I> Clone for BatchLog<I> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<I> BatchLog<I> {
    /// Takes out what was logged since the last time.
    #[must_use]
    pub fn take(&self) -> Vec<Batch<I>> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// An outlet that writes every batch to a log before it is stepped.
#[derive(Debug)]
pub struct Logged<O, I> {
    /// What stands around the core.
    pub outlet: O,
    /// Where the batches go.
    pub log: BatchLog<I>,
}

impl<C: Core, O: Outlet<C>> Outlet<C> for Logged<O, C::Input>
where
    C::Input: Clone,
{
    fn before(&mut self, at: SimTime, batch: &[C::Input]) {
        let mut log = self.log.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.push((at, batch.to_vec()));
        drop(log);
        self.outlet.before(at, batch);
    }

    fn release(&mut self, at: SimTime, out: &mut Vec<C::Output>) {
        self.outlet.release(at, out);
    }
}
