//! The responses that the service keeps.

use std::collections::VecDeque;

use foldhash::fast::FixedState;

use super::run::Run;
use super::slots::{Handle, Lookup, Slots};
use crate::units::JobId;
use crate::wire::{IdText, Item, ResponseId, StoredItem};

/// All responses, and how they are found.
#[derive(Debug, Clone)]
pub(super) struct Runs {
    slots: Slots<Run>,
    by_id: Lookup<ResponseId, Handle>,
    /// The latest response of each job, where no other job has taken its place here.
    latest: Vec<Handle>,
    /// What all of them keep.
    weight: u64,
    /// The last ones that were deleted.
    deleted: VecDeque<ResponseId>,
}

/// There is room from the start for so many jobs at most.
const ROOM: usize = 4_096;

/// Deleted responses that are remembered.
const DELETED: usize = 1_024;

impl Runs {
    /// None yet, and room for those of so many jobs.
    pub(super) fn for_jobs(jobs: usize) -> Self {
        let room = jobs.min(ROOM);
        Self {
            slots: Slots::with_capacity(room),
            by_id: Lookup::with_capacity_and_hasher(room, FixedState::default()),
            latest: vec![Handle::NONE; room.next_power_of_two()],
            weight: 0,
            deleted: VecDeque::new(),
        }
    }

    /// How many are held.
    pub(super) const fn len(&self) -> usize {
        self.slots.len()
    }

    /// What all of them keep.
    pub(super) const fn weight(&self) -> u64 {
        self.weight
    }

    /// Whether a response, readable or not, has this id.
    pub(super) fn is_taken(&self, id: &ResponseId) -> bool {
        self.by_id.contains_key(id)
    }

    /// Takes in what `make` makes of its own handle.
    pub(super) fn insert(&mut self, make: impl FnOnce(Handle) -> Run) -> Handle {
        let me = self.slots.insert_with(make);
        if let Some(run) = self.slots.get(me) {
            let job = run.key.exchange.job();
            self.by_id.insert(run.object.id.clone(), me);
            self.note_latest(job, me);
        }
        self.count(me);
        me
    }

    /// Counts what a response weighs now.
    pub(super) fn count(&mut self, run: Handle) -> u64 {
        let Some(run) = self.slots.get_mut(run) else {
            return 0;
        };
        let weight = run.weight();
        let before = std::mem::replace(&mut run.counted, weight);
        self.weight = self.weight - before + run.counted;
        run.counted
    }

    /// Jobs in flight have numbers near one another, so a table about as long as there are responses has a place for nearly
    /// each of them.
    fn note_latest(&mut self, job: JobId, run: Handle) {
        if self.latest.len() < self.slots.len() {
            self.latest.clear();
            self.latest
                .resize(self.slots.len().next_power_of_two(), Handle::NONE);
            for run in self.slots.iter() {
                let job = run.key.exchange.job();
                let place = self.place_of(job);
                if self.by_id.get(&run.object.id) == Some(&run.me) {
                    self.latest[place] = run.me;
                }
            }
        }
        let place = self.place_of(job);
        self.latest[place] = run;
    }

    const fn place_of(&self, job: JobId) -> usize {
        job.0 as usize & (self.latest.len() - 1)
    }

    /// What stands where the latest response of a job would: that one, as a rule, or another that its id gives away.
    /// Whether it can be read is another question.
    pub(super) fn latest(&self, job: JobId) -> Option<&Run> {
        self.slots.get(self.latest[self.place_of(job)])
    }

    /// Asks for the memory of what keeps the latest response of a job.
    #[inline]
    pub(super) fn prefetch_latest(&self, job: JobId) {
        self.prefetch(self.latest[self.place_of(job)]);
    }

    /// Asks for the memory of what keeps a response.
    #[inline]
    pub(super) fn prefetch(&self, run: Handle) {
        self.slots.prefetch(run);
    }

    pub(super) fn get(&self, run: Handle) -> Option<&Run> {
        self.slots.get(run)
    }

    pub(super) fn get_mut(&mut self, run: Handle) -> Option<&mut Run> {
        self.slots.get_mut(run)
    }

    /// The response that a client can read under this id.
    pub(super) fn visible(&self, id: &ResponseId) -> Option<&Run> {
        let run = self.slots.get(*self.by_id.get(id)?)?;
        run.is_visible().then_some(run)
    }

    /// Whether an item of this id stands in the output of `id` or of a turn before.
    pub(super) fn has_item(&self, id: &ResponseId, item: &str) -> bool {
        let mut next = Some(id);
        while let Some(run) = next.and_then(|id| self.visible(id)) {
            if run.object.output.iter().any(|own| *own.id() == *item) {
                return true;
            }
            next = run.parent.as_ref();
        }
        false
    }

    /// The approval request of this id, whoever made it.
    pub(super) fn approval_request(&self, request: &str) -> Option<&Item> {
        let visible = self.slots.iter().filter(|run| run.is_visible());
        visible
            .flat_map(|run| run.object.output.iter())
            .find(|item| matches!(item, Item::McpApprovalRequest { id, .. } if *id == *request))
    }

    /// Remembers that a client deleted this one.
    pub(super) fn remember_deleted(&mut self, id: &ResponseId) {
        if self.deleted.len() == DELETED {
            self.deleted.pop_front();
        }
        self.deleted.push_back(id.clone());
    }

    /// Whether a client deleted this one, as far as that is remembered.
    pub(super) fn was_deleted(&self, id: &ResponseId) -> bool {
        self.deleted.contains(id)
    }

    /// The item of this id that a response which can be read put out.
    pub(super) fn put_out(&self, item: &str) -> Option<&Item> {
        let visible = self.slots.iter().filter(|run| run.is_visible());
        visible
            .flat_map(|run| run.object.output.iter())
            .find(|own| *own.id() == *item)
    }

    /// The reasoning behind which an item of this id was put out by a response that can be read.
    pub(super) fn led_to(&self, item: &str) -> Option<&IdText> {
        let visible = self.slots.iter().filter(|run| run.is_visible());
        let mut pairs = visible.flat_map(|run| run.object.output.windows(2));
        pairs.find_map(|pair| match &pair[0] {
            Item::Reasoning { id, .. } if *pair[1].id() == *item => Some(id),
            _ => None,
        })
    }

    /// Whether an item of this id was asked with a response that can be read; `items` gives what was asked.
    pub(super) fn is_asked(&self, item: &str, items: impl Fn(&Run) -> Vec<StoredItem>) -> bool {
        let visible = self.slots.iter().filter(|run| run.is_visible());
        visible.flat_map(items).any(|own| *own.id == *item)
    }

    /// Lets it be found no more, and lives on.
    pub(super) fn hide(&mut self, run: Handle) {
        if let Some(run) = self.slots.get(run) {
            let place = self.place_of(run.key.exchange.job());
            if self.latest[place] == run.me {
                self.latest[place] = Handle::NONE;
            }
            self.by_id.remove(&run.object.id);
        }
    }

    /// Lets it go, and says which one it was.
    pub(super) fn remove(&mut self, run: Handle) -> Option<ResponseId> {
        let wanted = |gone: &mut Run| Some((gone.counted, gone.object.id.clone()));
        let (counted, id) = self.slots.take_of(run, wanted)?;
        self.weight -= counted;
        // One that was hidden may have left its name to another.
        if let Some(other) = self.by_id.remove(&id).filter(|found| *found != run) {
            self.by_id.insert(id.clone(), other);
        }
        Some(id)
    }
}
