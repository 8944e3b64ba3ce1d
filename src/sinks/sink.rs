//! Sinks: what they promise, what they do, what is done to them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::disturb::{Case, Count, Fate, Luck, fired};
use super::{Answered, Asked, Gate, Knock, Leave, Ledger, Question, Refusal, Row, gate};
use crate::fault::{Fault, Target};
use crate::job::{Act, ApprovalId, ApprovalRequest, Grant, SinkAnswer, SinkClass, digest};
use crate::rng::{Law, Purpose, Seed, name_key};
use crate::trace::{Notes, OutsideEvent, SinkEvent};
use crate::units::{JobId, SimDuration, SimTime};

/// A sink as a scenario states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkSpec {
    /// Its name.
    pub name: Arc<str>,
    /// What it promises about an effect whose receipt is lost.
    pub class: SinkClass,
    /// How long a try, or a query, takes.
    pub takes: Law,
    /// The version of its target at the start, where it has versions.
    pub version: Option<Arc<str>>,
}

/// All sinks of a run.
#[derive(Debug, Clone)]
pub struct Sinks {
    sinks: BTreeMap<Arc<str>, Sink>,
    questions: BTreeMap<ApprovalId, Question>,
    /// The key under which a grant released its effect, by grant.
    spent: BTreeMap<Arc<str>, Arc<str>>,
    tries: Count,
    /// What is kept of each job.
    jobs: BTreeMap<JobId, Kept>,
    gate: Gate,
}

/// What is kept of a job, so that it can be let go together.
#[derive(Debug, Clone, Default)]
struct Kept {
    questions: Vec<ApprovalId>,
    /// Grants that released an effect.
    spent: Vec<Arc<str>>,
    /// Places in ledgers, by sink.
    landed: Vec<(Arc<str>, u64)>,
    /// Tries under way: they may land however late.
    under_way: u32,
    is_over: bool,
}

#[derive(Debug, Clone)]
struct Sink {
    class: SinkClass,
    takes: Law,
    version: Option<Arc<str>>,
    ledger: Ledger,
    /// When the last try under a key is over, while there is one.
    under_way: BTreeMap<Arc<str>, SimTime>,
}

/// One try of an effect, between its beginning and its end.
#[derive(Debug, Clone)]
pub(crate) struct Effort {
    pub(crate) act: Act,
    pub(crate) key: Arc<str>,
    pub(crate) run: u16,
    pub(crate) grant: Grant,
    blow: Option<(u32, Blow)>,
}

/// How a fault decides about a try.
#[derive(Debug, Clone)]
enum Blow {
    /// Nothing lands and the sink says so.
    Unavailable(Arc<str>),
    /// Nothing lands, ever, and the sink says so.
    ForGood,
    /// What lands lands, and the sink says nothing.
    Silence,
    /// Nothing lands and the sink says nothing.
    Void,
}

impl Blow {
    fn of(fault: &Fault) -> Option<Self> {
        match fault {
            Fault::FailTool { message } => Some(Self::Unavailable(Arc::clone(message))),
            Fault::RefuseForGood => Some(Self::ForGood),
            Fault::Hang => Some(Self::Silence),
            Fault::HangBefore => Some(Self::Void),
            // The others are not about sinks; a slow-down does not decide.
            _ => None,
        }
    }
}

impl Sinks {
    /// Sinks with empty ledgers behind the [`gate`].
    #[must_use]
    pub fn new(specs: &[SinkSpec]) -> Self {
        let sinks = specs
            .iter()
            .map(|spec| (Arc::clone(&spec.name), Sink::new(spec)))
            .collect();
        Self {
            sinks,
            questions: BTreeMap::new(),
            spent: BTreeMap::new(),
            tries: Count::default(),
            jobs: BTreeMap::new(),
            gate,
        }
    }

    /// The same sinks behind another gate.
    #[must_use]
    pub const fn behind(mut self, gate: Gate) -> Self {
        self.gate = gate;
        self
    }

    /// The ledger of each sink, by name.
    pub fn ledgers(&self) -> impl Iterator<Item = (&Arc<str>, &Ledger)> {
        self.sinks.iter().map(|(name, sink)| (name, &sink.ledger))
    }

    /// Of how many jobs anything is kept.
    pub(crate) fn jobs_kept(&self) -> usize {
        self.jobs.len()
    }

    /// A job is over, and nobody will name anything of it any more: it goes, as soon as none of its tries is under way.
    pub(crate) fn forget(&mut self, job: JobId) {
        if let Some(kept) = self.jobs.get_mut(&job) {
            kept.is_over = true;
            self.let_go(job);
        }
    }

    fn let_go(&mut self, job: JobId) {
        let quiet = |kept: &&Kept| kept.is_over && kept.under_way == 0;
        if self.jobs.get(&job).filter(quiet).is_none() {
            return;
        }
        let kept = self.jobs.remove(&job).unwrap_or_default();
        for approval in &kept.questions {
            self.questions.remove(approval);
        }
        for grant in &kept.spent {
            self.spent.remove(grant);
        }
        for (sink, place) in kept.landed {
            if let Some(sink) = self.sinks.get_mut(&sink) {
                sink.ledger.forget(place);
            }
        }
        self.tries.forget(job);
    }

    /// Remembers what people are asked about for a job, and the versions that this is about.
    pub(crate) fn remember(&mut self, job: JobId, request: &ApprovalRequest) {
        let asked = |act: &Act| Asked {
            sink: Arc::clone(&act.sink),
            digest: digest(&act.sink, &act.operation, &act.arguments).ok(),
            version: self.sinks.get(&act.sink).and_then(|sink| sink.version.clone()),
        };
        let asked = request.acts.iter().map(asked).collect();
        let question = Question::new(asked, request.quorum);
        self.questions.insert(Arc::clone(&request.id), question);
        let kept = self.jobs.entry(job).or_default();
        kept.questions.push(Arc::clone(&request.id));
    }

    /// Hears what a person who may decide says about a request.
    pub(crate) fn hear(&mut self, now: SimTime, approval: &ApprovalId, said: Answered<'_>) {
        if let Some(question) = self.questions.get_mut(approval) {
            question.hear(now, said);
        }
    }

    /// Changes the target of a sink.
    pub(crate) fn change(&mut self, sink: &str, version: &Arc<str>) {
        if let Some(sink) = self.sinks.get_mut(sink) {
            sink.version = Some(Arc::clone(version));
        }
    }

    /// Takes a try in hand; it is over at the instant that comes back.
    pub(crate) fn begin(
        &mut self,
        (now, job): (SimTime, JobId),
        (act, key, run, grant): (Act, Arc<str>, u16, Grant),
        luck: Luck<'_>,
        notes: &mut Notes<OutsideEvent>,
    ) -> (SimTime, Effort) {
        self.jobs.entry(job).or_default().under_way += 1;
        let nth = self.tries.next(job, &act.sink);
        let case = Case {
            job,
            name: &act.sink,
            nth,
            at: now,
        };
        let takes = self.sinks.get(&act.sink).map_or(Law::ZERO, |sink| sink.takes);
        let takes = (takes, Purpose::SinkFor);
        let Fate { due, blow } = luck.fate(&Target::Sink(None), case, takes, Blow::of, notes);
        if let Some(sink) = self.sinks.get_mut(&act.sink) {
            let over = sink.under_way.entry(Arc::clone(&key)).or_insert(due);
            *over = due.max(*over);
        }
        let effort = Effort {
            act,
            key,
            run,
            grant,
            blow,
        };
        (due, effort)
    }

    /// Ends a try: this is the instant at which its effect lands, if it does.
    pub(crate) fn end(
        &mut self,
        (now, job): (SimTime, JobId),
        effort: &Effort,
        notes: &mut Notes<OutsideEvent>,
    ) -> Option<SinkAnswer> {
        let answer = self.land((now, job), effort, notes);
        if let Some(kept) = self.jobs.get_mut(&job) {
            kept.under_way = kept.under_way.saturating_sub(1);
            self.let_go(job);
        }
        answer
    }

    fn land(
        &mut self,
        (now, job): (SimTime, JobId),
        effort: &Effort,
        notes: &mut Notes<OutsideEvent>,
    ) -> Option<SinkAnswer> {
        let known = self.settle(now, effort);
        // A sink that knows the key answers from its ledger, whatever else it would refuse.
        let struck = effort
            .blow
            .as_ref()
            .filter(|(_, blow)| !known || !matches!(blow, Blow::Unavailable(_) | Blow::ForGood));
        if let Some((rule, _)) = struck {
            fired(notes, now, job, *rule);
        }
        let mut desk = Desk {
            now,
            job,
            effort,
            notes,
        };
        match struck.map(|(_, blow)| blow) {
            None => Some(self.execute(&mut desk)),
            Some(Blow::Unavailable(why)) => {
                desk.refuse("unavailable");
                Some(SinkAnswer::NotLanded { why: Arc::clone(why) })
            }
            Some(Blow::ForGood) => Some(desk.invalid("the sink refuses this for good")),
            Some(Blow::Void) => None,
            Some(Blow::Silence) => {
                if let SinkAnswer::Landed { .. } = self.execute(&mut desk) {
                    desk.note(|sink, key| SinkEvent::ReceiptLost { sink, key });
                }
                None
            }
        }
    }

    /// Takes a query in hand; it is over at the instant that comes back, if this sink can be asked at all. It waits
    /// for the tries of its key that are under way, so that an answer stands.
    pub(crate) fn begin_query(
        &self,
        (now, job): (SimTime, JobId),
        (sink, key, run): (&str, &str, u16),
        seed: Seed,
    ) -> Option<SimTime> {
        let found = self.sinks.get(sink)?;
        if found.class != SinkClass::Queryable {
            return None;
        }
        let index = name_key(key).wrapping_add(u64::from(run));
        let takes = found
            .takes
            .quantile(seed.unit(Purpose::SinkFor, u64::from(job.0), index));
        let due = now + takes.max(SimDuration::TICK);
        let over = found.under_way.get(key).map_or(due, |over| over.next());
        Some(due.max(over))
    }

    /// Answers a query.
    pub(crate) fn end_query(&self, sink: &str, key: &str) -> SinkAnswer {
        let ledger = self.sinks.get(sink).map(|sink| &sink.ledger);
        let receipt = ledger
            .and_then(|ledger| ledger.first(key))
            .map(|row| receipt(sink, &row.key));
        SinkAnswer::Found { receipt }
    }

    /// Takes the try off the list of those under way; whether the sink knows its key and does nothing twice.
    fn settle(&mut self, now: SimTime, effort: &Effort) -> bool {
        let Some(sink) = self.sinks.get_mut(&effort.act.sink) else {
            return false;
        };
        if sink.under_way.get(&effort.key).is_some_and(|over| *over <= now) {
            sink.under_way.remove(&effort.key);
        }
        sink.class == SinkClass::IdempotentByKey && sink.ledger.first(&effort.key).is_some()
    }

    fn execute(&mut self, desk: &mut Desk<'_>) -> SinkAnswer {
        let Effort { act, key, grant, .. } = desk.effort;
        let Some(sink) = self.sinks.get_mut(&act.sink) else {
            return desk.invalid("there is no such sink");
        };
        let digest = match digest(&act.sink, &act.operation, &act.arguments) {
            Ok(digest) => digest,
            Err(error) => return desk.invalid(&error.to_string()),
        };
        if sink.class == SinkClass::IdempotentByKey
            && let Some(row) = sink.ledger.first(key)
        {
            return desk.repeat(row, &digest);
        }
        let question = self.questions.get(&grant.approval);
        let knock = Knock {
            now: desk.now,
            sink: &act.sink,
            key,
            digest: &digest,
            grant,
            asked: question.map(Question::asked),
            leave: question.map_or(Leave::NotGiven, Question::leave),
            spent_by: self.spent.get(&grant.id).map(|key| &**key),
            version: sink.version.as_deref(),
        };
        if let Err(refusal) = (self.gate)(&knock) {
            return desk.shut(refusal);
        }
        self.spent.insert(Arc::clone(&grant.id), Arc::clone(key));
        let place = sink.ledger.add(desk.row(&digest));
        let kept = self.jobs.entry(desk.job).or_default();
        kept.spent.push(Arc::clone(&grant.id));
        kept.landed.push((Arc::clone(&act.sink), place));
        desk.landed(digest)
    }
}

impl Sink {
    fn new(spec: &SinkSpec) -> Self {
        Self {
            class: spec.class,
            takes: spec.takes,
            version: spec.version.clone(),
            ledger: Ledger::default(),
            under_way: BTreeMap::new(),
        }
    }
}

/// Where a try is dealt with: what is done there is noted there.
struct Desk<'a> {
    now: SimTime,
    job: JobId,
    effort: &'a Effort,
    notes: &'a mut Notes<OutsideEvent>,
}

impl Desk<'_> {
    fn note(&mut self, event: impl FnOnce(Arc<str>, Arc<str>) -> SinkEvent) {
        let Effort { act, key, .. } = self.effort;
        self.notes.note(self.now, self.job, || {
            event(Arc::clone(&act.sink), Arc::clone(key))
        });
    }

    fn refuse(&mut self, why: &'static str) {
        self.note(|sink, key| SinkEvent::Refused { sink, key, why });
    }

    fn invalid(&mut self, why: &str) -> SinkAnswer {
        self.refuse("invalid");
        SinkAnswer::Impossible { why: why.into() }
    }

    fn shut(&mut self, refusal: Refusal) -> SinkAnswer {
        self.refuse(refusal.word());
        SinkAnswer::GrantRefused {
            why: refusal.word().into(),
        }
    }

    fn repeat(&mut self, row: &Row, digest: &Arc<str>) -> SinkAnswer {
        if row.digest != *digest {
            return self.shut(Refusal::Digest);
        }
        self.note(|sink, key| SinkEvent::Repeated { sink, key });
        self.receipt()
    }

    fn landed(&mut self, digest: Arc<str>) -> SinkAnswer {
        let grant = Arc::clone(&self.effort.grant.id);
        self.note(|sink, key| SinkEvent::Applied {
            sink,
            key,
            digest,
            grant,
        });
        self.receipt()
    }

    fn row(&self, digest: &Arc<str>) -> Row {
        Row {
            job: self.job,
            key: Arc::clone(&self.effort.key),
            digest: Arc::clone(digest),
            grant: Arc::clone(&self.effort.grant.id),
            at: self.now,
        }
    }

    fn receipt(&self) -> SinkAnswer {
        SinkAnswer::Landed {
            receipt: receipt(&self.effort.act.sink, &self.effort.key),
        }
    }
}

/// Receipts derive from keys, so that the same key has the same one.
fn receipt(sink: &str, key: &str) -> Arc<str> {
    format!("{sink}:{key}").into()
}
