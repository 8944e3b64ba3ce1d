//! The job core and its surroundings in one place: what one driver steps.

use crate::clock::Core;
use crate::job::{self, Action, Desk};
use crate::people::{FromCore, Outside};
use crate::sim::Seams;
use crate::units::{Exchange, SimTime};

use super::journal::Journal;

/// What arrives at the desk or around it.
#[derive(Debug, Clone)]
pub enum Arrival {
    /// For the job core.
    Desk(job::Input),
    /// For people, tools and sinks.
    Outside(FromCore),
}

/// What leaves.
#[derive(Debug, Clone)]
pub enum Departure {
    /// The job core wants something done.
    Wanted(Action),
    /// People, tools or sinks say something.
    Said(job::Input),
}

/// The job core with its journal, and the people, tools and sinks around it.
///
/// Invariant: what the core is told stands in the journal before anything is done about it.
#[derive(Debug)]
pub struct Office<S, J> {
    desk: Desk,
    outside: Outside,
    journal: J,
    seams: S,
    /// Exchanges given up in the step before: what of them was on its way does not arrive any more.
    given_up: Vec<Exchange>,
    to_desk: Vec<job::Input>,
    to_outside: Vec<FromCore>,
    actions: Vec<Action>,
    said: Vec<job::Input>,
    steps: u64,
}

impl<S: Seams, J: Journal> Office<S, J> {
    /// An office in which nothing has happened.
    pub const fn new(desk: Desk, outside: Outside, journal: J, seams: S) -> Self {
        Self {
            desk,
            outside,
            journal,
            seams,
            given_up: Vec::new(),
            to_desk: Vec::new(),
            to_outside: Vec::new(),
            actions: Vec::new(),
            said: Vec::new(),
            steps: 0,
        }
    }

    /// Steps made by the desk and by its surroundings.
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    /// The desk.
    pub const fn desk(&self) -> &Desk {
        &self.desk
    }

    /// The desk, the surroundings, the journal and the seams.
    pub fn into_parts(self) -> (Desk, Outside, J, S) {
        (self.desk, self.outside, self.journal, self.seams)
    }

    fn sort(&mut self, batch: &mut Vec<Arrival>) {
        for arrival in batch.drain(..) {
            match arrival {
                Arrival::Desk(input) if self.is_given_up(&input) => {}
                Arrival::Desk(input) => self.to_desk.push(input),
                Arrival::Outside(message) => self.to_outside.push(message),
            }
        }
        self.given_up.clear();
    }

    fn is_given_up(&self, input: &job::Input) -> bool {
        !self.given_up.is_empty()
            && input
                .told
                .exchange()
                .is_some_and(|exchange| self.given_up.contains(&exchange))
    }

    fn step_desk(&mut self, now: SimTime, out: &mut Vec<Departure>) {
        self.steps += 1;
        self.seams.told(now, &mut self.to_desk);
        job::canonical_order(&mut self.to_desk);
        let told = self.journal.keep(now, &mut self.to_desk);
        self.desk.step_in_order(now, told, &mut self.actions);
        self.to_desk.clear();
        self.seams.wanted(now, &mut self.actions);
        for action in self.actions.drain(..) {
            if let Action::Abort { exchange } = &action {
                self.given_up.push(*exchange);
            }
            out.push(Departure::Wanted(action));
        }
    }

    fn step_outside(&mut self, now: SimTime, out: &mut Vec<Departure>) {
        self.steps += 1;
        self.seams.shown(now, &mut self.to_outside);
        self.outside.step(now, &mut self.to_outside, &mut self.said);
        self.seams.said(now, &mut self.said);
        out.extend(self.said.drain(..).map(Departure::Said));
    }
}

impl<S: Seams, J: Journal> Core for Office<S, J> {
    type Input = Arrival;
    type Output = Departure;

    fn next_deadline(&self) -> Option<SimTime> {
        let both = [self.desk.next_deadline(), self.outside.next_deadline()];
        both.into_iter().flatten().min()
    }

    fn step(&mut self, now: SimTime, batch: &mut Vec<Arrival>, out: &mut Vec<Departure>) {
        self.sort(batch);
        let due = |deadline: Option<SimTime>| deadline.is_some_and(|at| at <= now);
        if !self.to_desk.is_empty() || due(self.desk.next_deadline()) {
            self.step_desk(now, out);
        }
        if !self.to_outside.is_empty() || due(self.outside.next_deadline()) {
            self.step_outside(now, out);
        }
    }
}
