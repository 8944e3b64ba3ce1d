//! How often people are put before approval requests, and how long they spend over them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::shape::Course;
use crate::trace::{PeopleEvent, Principal};
use crate::units::{JobId, SimDuration, SimTime};

/// The looks of people at approval requests, added up while a run is played: what is held are the looks under way.
#[derive(Debug, Clone)]
pub(super) struct Looks {
    /// Nobody arrives from here on.
    until: SimTime,
    /// How often somebody was put before a request.
    pub(super) interruptions: u64,
    /// How many instants that were.
    pub(super) moments: u64,
    /// The last of them.
    last_moment: Option<SimTime>,
    /// When it was, in its slots.
    pub(super) course: Course,
    /// How long people spent over requests until nobody arrives; what is decided together is one.
    pub(super) deciding: SimDuration,
    /// Who is before which request of a job, since when.
    looking: BTreeMap<JobId, Vec<(Principal, Arc<str>, SimTime)>>,
    /// From when to when those decided who decided last, so that what is decided together is known.
    last: Vec<(Principal, SimTime, SimTime)>,
}

impl Looks {
    /// Before anybody has looked, in a run in which nobody arrives from `until` on.
    pub(super) fn new(until: SimTime) -> Self {
        Self {
            until,
            interruptions: 0,
            moments: 0,
            last_moment: None,
            course: Course::default(),
            deciding: SimDuration::ZERO,
            looking: BTreeMap::new(),
            last: Vec::new(),
        }
    }

    /// What people do about a job, in the order of its instants.
    pub(super) fn take(&mut self, now: SimTime, job: JobId, event: &PeopleEvent) {
        match event {
            PeopleEvent::SawRequest { approval, by, .. } => {
                self.interruptions += 1;
                self.moments += u64::from(self.last_moment.replace(now) != Some(now));
                self.course.at(now, self.until).asked += 1;
                let looks = self.looking.entry(job).or_default();
                looks.retain(|(who, what, _)| (who, what) != (by, approval));
                looks.push((by.clone(), Arc::clone(approval), now));
            }
            PeopleEvent::Decided { approval, by, .. } => {
                self.last.retain(|(_, _, at)| *at == now);
                if let Some(since) = self.looked_since(job, by, approval) {
                    self.decided((by.clone(), since, now));
                }
            }
            _ => {}
        }
    }

    /// Ends a look, and says when it began.
    fn looked_since(&mut self, job: JobId, by: &Principal, approval: &Arc<str>) -> Option<SimTime> {
        let looks = self.looking.get_mut(&job)?;
        let place = looks
            .iter()
            .position(|(who, what, _)| (who, what) == (by, approval))?;
        Some(looks.swap_remove(place).2)
    }

    fn decided(&mut self, one: (Principal, SimTime, SimTime)) {
        if !self.last.contains(&one) {
            let (_, from, to) = &one;
            self.deciding += (*to).min(self.until).since(*from);
            self.last.push(one);
        }
    }

    /// Nothing more can be heard of a job: whoever still looks at something of it decides nothing.
    pub(super) fn forget(&mut self, job: JobId) {
        self.looking.remove(&job);
    }
}
