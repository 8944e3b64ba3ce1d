//! What happened to each task, gathered while a run is played.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::looks::Looks;
use super::measure::Crowd;
use crate::backend::Spent;
use crate::sim::Watch;
use crate::trace::{
    Audience, BackendEvent, Boundary, Cause, CoreEvent, Execution, JobEvent, LaneName, LimitName, Liveness,
    On, OutsideEvent, PeopleEvent, Record, RouterEvent, RuntimeEvent, ServiceEvent, SinkEvent, StateName,
    UserEvent, View, WireEvent,
};
use crate::units::{AttemptNo, JobId, SimDuration, SimTime, TurnNo};
use crate::wire::{ResponseId, Status};

/// What tasks of one sort are, whatever a strategy does with them.
#[derive(Debug, Clone, PartialEq)]
pub struct SortFacts {
    /// Its name.
    pub name: Arc<str>,
    /// Where the policy of the comparison sends it; none if that refuses it.
    pub home: Option<LaneName>,
    /// What it has to meet.
    pub targets: Targets,
    /// Whether its result has value when the session is over.
    pub outlives: bool,
    /// Whether its script asks for a consequential act.
    pub consequential: bool,
}

/// What a task has to meet, from its submission on; what is absent is not asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Targets {
    /// The id of the job in the user's hands.
    pub acknowledged: Option<SimDuration>,
    /// The first whole output item, or the result, on the user's view.
    pub first_output: Option<SimDuration>,
    /// The whole result on the user's view.
    pub result: Option<SimDuration>,
}

/// What a million tokens cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    /// Read by the model.
    pub input: f64,
    /// Written by it.
    pub output: f64,
}

/// The prices by tier; of a tier without one, tokens cost nothing.
pub type Prices = BTreeMap<Arc<str>, Price>;

/// What happened to one task.
#[derive(Debug, Clone, Default)]
pub struct Story {
    /// Whether it was submitted at all.
    pub came: bool,
    /// When it was submitted.
    pub submitted: SimTime,
    /// How often its user came again after giving up.
    pub retrials: u32,
    /// When the user had the id of the job.
    pub acknowledged: Option<SimTime>,
    /// When the user first saw output.
    pub first_output: Option<SimTime>,
    /// When the user first saw a result.
    pub shown_result: Option<SimTime>,
    /// When the user left.
    pub left: Option<SimTime>,
    /// Whether the user would not wait for it to begin.
    pub gave_up: bool,
    /// Whether that was at the first look.
    pub balked: bool,
    /// Whether the router refused it.
    pub refused: bool,
    /// How it was to be carried out.
    pub execution: Option<Execution>,
    /// What stood before its effects.
    pub boundary: Option<Boundary>,
    /// Whether it went on in the background.
    pub handed_over: bool,
    /// Where it stands.
    pub state: Option<StateName>,
    /// When it ended.
    pub ended: Option<SimTime>,
    /// When the first request to the service was sent.
    pub dispatched: Option<SimTime>,
    /// When its last response ended at the service.
    pub service_ended: Option<SimTime>,
    /// When a view first said how the job ended.
    pub shown_end: Option<SimTime>,
    /// The longest time for which the user's view did not change.
    pub silence: SimDuration,
    shown_last: Option<SimTime>,
    /// From when on the service would never go on with it, for a response of it was stuck or gone.
    pub dead: Option<SimTime>,
    /// When a view first said so.
    pub detected: Option<SimTime>,
    /// Whether a view called it stalled or lost while nothing was.
    pub cried: bool,
    /// The limit that fired last, and when.
    pub limit: Option<(LimitName, SimTime)>,
    /// Whether the user was told in time which limit ended it and what to do.
    pub limit_named: bool,
    /// What the user and the operator were last shown.
    pub views: [Option<Arc<View>>; 2],
    /// Requests on the wire.
    pub requests: u32,
    /// Tokens paid for.
    pub tokens: u64,
    /// Tokens of those that went into tries of which nothing came.
    pub tokens_lost: u64,
    /// What they cost.
    pub cost: f64,
    /// Approval requests.
    pub asked: u32,
    /// From asking to being seen, from there to the first decision, and from grants to effects: sums and numbers.
    pub approval: [(SimDuration, u32); 3],
    asked_at: Option<SimTime>,
    seen_at: Option<SimTime>,
    granted_at: Option<SimTime>,
    /// Grants consumed and not used: their digests.
    grants: Vec<Arc<str>>,
    /// Effects without a grant for exactly that act.
    pub unsafe_releases: u32,
    /// Approvals of what ought to have been denied.
    pub wrong_approvals: u32,
    /// Denials of what ought to have been approved.
    pub wrong_denials: u32,
    /// Decisions of people.
    pub decided: u32,
    /// Acts that landed although they ought to have been denied.
    pub harm: u32,
    /// The digests of acts that were approved and ought to have been denied.
    harmful: Vec<Arc<str>>,
    /// Whether an operator supplied the result.
    resolved: bool,
    /// The responses made for it, with their turns and attempts.
    responses: Vec<(ResponseId, TurnNo, AttemptNo)>,
    /// Responses of other tries beyond one for each attempt and turn, and whole second requests.
    duplicates_before: u64,
    /// The last turn of which a response was completed, by the service's own record.
    completed: Option<TurnNo>,
    /// Responses that have not ended.
    running: u32,
    /// When its job was let go.
    gone: Option<SimTime>,
}

/// What happened to all tasks of a run.
#[derive(Debug, Clone)]
pub struct Stories {
    /// Those of the first jobs of tasks, from `first` on, that were heard of.
    stories: VecDeque<Story>,
    first: usize,
    /// Those of the other jobs of these tasks.
    further: BTreeMap<usize, Story>,
    /// How many tasks there are, and how many jobs with all their tries.
    tasks: usize,
    jobs: usize,
    prices: Arc<Prices>,
    /// Records about jobs that are not there.
    pub strays: u64,
    /// Records about tasks that were let go.
    pub(super) late: u64,
    pub(super) looks: Looks,
}

impl Stories {
    /// Of so many tasks, of which none arrives from `until` on, before anything has happened.
    #[must_use]
    pub fn of(tasks: usize, until: SimTime, prices: Arc<Prices>) -> Self {
        Self {
            stories: VecDeque::new(),
            first: 0,
            further: BTreeMap::new(),
            tasks,
            jobs: tasks,
            prices,
            strays: 0,
            late: 0,
            looks: Looks::new(until),
        }
    }

    /// The same with so many jobs in all: those of further tries lie behind the first ones, try by try.
    #[must_use]
    pub fn with_jobs(self, jobs: usize) -> Self {
        Self { jobs, ..self }
    }

    /// The story of a job that was not let go; of one that nothing was heard of it is empty.
    fn known(&self, job: usize) -> Option<Cow<'_, Story>> {
        let story = match job < self.tasks {
            true => self.stories.get(job.checked_sub(self.first)?),
            false if job < self.jobs => self.further.get(&job),
            false => return None,
        };
        Some(story.map_or_else(|| Cow::Owned(Story::default()), Cow::Borrowed))
    }

    /// The jobs of further tries of the task of this number.
    fn further(&self, task: usize) -> impl Iterator<Item = usize> + use<> {
        (task..self.jobs).step_by(self.tasks.max(1)).skip(1)
    }

    /// What happened to the task of this number, all its tries together: the user who came again stands where the last try
    /// stands, and has waited since the first; of two requests for one task, the one that showed its result first counts.
    #[must_use]
    pub fn of_task(&self, place: usize, crowd: &Crowd<'_>) -> Option<Cow<'_, Story>> {
        let firsts = crowd.who.tasks();
        let tries = usize::from(crowd.tries);
        let mut whole = self.known(place)?;
        for number in 1..=tries {
            let Some(next) = self.known(place + number * firsts).filter(|next| next.came) else {
                break;
            };
            let mut merged = next.into_owned();
            merged.retrials = whole.retrials + 1;
            // Who came again has another session: when the first one closes says nothing about it.
            let left = merged.left;
            merged.takes_over(&whole);
            merged.left = left;
            whole = Cow::Owned(merged);
        }
        let twin = self.known(place + (tries + 1) * firsts);
        if let Some(twin) = twin.filter(|twin| crowd.twins && twin.came) {
            let shown = |story: &Story| story.shown_result.map_or(u64::MAX, SimTime::ticks);
            let (best, other) = match shown(&twin) < shown(&whole) {
                true => (&*twin, &*whole),
                false => (&*whole, &*twin),
            };
            let mut merged = best.clone();
            merged.takes_over(other);
            merged.duplicates_before += u64::from(twin.has_response());
            whole = Cow::Owned(merged);
        }
        Some(whole)
    }

    /// One by one, by the number of the job; those that were let go are not among them.
    #[must_use]
    pub fn all(&self) -> Vec<&Story> {
        self.stories.iter().chain(self.further.values()).collect()
    }

    /// How many are held.
    pub(super) fn held(&self) -> usize {
        self.stories.len() + self.further.len()
    }

    /// Lets the first task go, with its number and the stories of all its tries together, if nothing more can be heard of it.
    pub(super) fn pop_settled(&mut self, now: SimTime, crowd: &Crowd<'_>) -> Option<(usize, Story)> {
        let task = self.first;
        let running = |job| self.further.get(&job).is_some_and(|story| story.running > 0);
        if !self.stories.front()?.is_settled(now) || self.further(task).any(running) {
            return None;
        }
        let whole = match self.further.is_empty() {
            true => None,
            false => self.of_task(task, crowd).map(Cow::into_owned),
        };
        for job in self.further(task) {
            self.further.remove(&job);
            self.looks.forget(id(job));
        }
        self.looks.forget(id(task));
        self.first += 1;
        let first = self.stories.pop_front()?;
        Some((task, whole.unwrap_or(first)))
    }

    /// The number of the first job that was not let go.
    pub(super) const fn first(&self) -> usize {
        self.first
    }

    /// The task of a job.
    fn task(&self, job: JobId) -> usize {
        let job = job.0 as usize;
        if job < self.tasks {
            job
        } else {
            job % self.tasks.max(1)
        }
    }

    /// Whether the task of a job was let go.
    fn is_past(&self, job: Option<JobId>) -> bool {
        job.is_some_and(|job| self.task(job) < self.first)
    }

    fn of_job(&mut self, job: Option<JobId>) -> Option<&mut Story> {
        let job = job?;
        let Some(place) = self.task(job).checked_sub(self.first) else {
            self.late += 1;
            return None;
        };
        let job = job.0 as usize;
        if job >= self.tasks {
            return (job < self.jobs).then(|| self.further.entry(job).or_default());
        }
        while self.stories.len() <= place {
            self.stories.push_back(Story::default());
        }
        self.stories.get_mut(place)
    }
}

/// The number of a job as the parts of a world have it.
fn id(job: usize) -> JobId {
    u32::try_from(job).map_or(JobId::NONE, JobId)
}

impl Watch for Stories {
    fn outside(&mut self, record: &Record<OutsideEvent>) {
        if let (OutsideEvent::People(event), Some(job)) = (&record.event, record.job) {
            self.looks.take(record.at, job, event);
        }
        let now = record.at;
        if matches!(record.event, OutsideEvent::User(_)) && self.is_past(record.job) {
            // What its user does when all is over changes nothing.
            return;
        }
        let Some(story) = self.of_job(record.job) else {
            return;
        };
        match &record.event {
            OutsideEvent::User(event) => story.user(now, event),
            OutsideEvent::People(event) => story.people(now, event),
            OutsideEvent::Sinks(SinkEvent::Applied { digest, .. }) => story.applied(now, digest),
            OutsideEvent::Sinks(_) => {}
        }
    }

    fn core(&mut self, record: &Record<CoreEvent>) {
        let now = record.at;
        let Some(story) = self.of_job(record.job) else {
            return;
        };
        match &record.event {
            CoreEvent::Router(RouterEvent::Refused { .. }) => story.refused = true,
            CoreEvent::Router(RouterEvent::Decided(decided)) => {
                (story.execution, story.boundary) = (Some(decided.execution), Some(decided.boundary));
            }
            CoreEvent::Job(event) => story.job(now, event),
            CoreEvent::Runtime(RuntimeEvent::Acknowledged) => story.acknowledged = Some(now),
            CoreEvent::Runtime(RuntimeEvent::Shown { audience, view }) => {
                story.views[*audience as usize] = Some(Arc::clone(view));
                if *audience == Audience::User {
                    story.shown(now, view);
                    story.judge_life(now, view);
                }
            }
            CoreEvent::Runtime(_) => {}
        }
    }

    fn service(&mut self, record: &Record<ServiceEvent>) {
        let now = record.at;
        match &record.event {
            ServiceEvent::Wire(WireEvent::Arrived { exchange, .. }) => {
                match self.of_job(Some(exchange.job())) {
                    Some(story) => story.requests += 1,
                    None => self.strays += 1,
                }
            }
            ServiceEvent::Backend(BackendEvent::Became { response, status, .. }) if !status.is_open() => {
                if let Some(story) = self.of_job(record.job) {
                    story.service_ended = Some(now);
                    story.running = story.running.saturating_sub(1);
                    story.response_ended(response, *status == Status::Completed);
                }
            }
            ServiceEvent::Backend(BackendEvent::Created {
                response,
                origin: Some(origin),
                ..
            }) => {
                if let Some(story) = self.of_job(Some(origin.job)) {
                    let response = (response.clone(), origin.turn, origin.attempt);
                    story.responses.push(response);
                    story.running += 1;
                }
            }
            ServiceEvent::Backend(BackendEvent::McpActed { digest, .. }) => {
                if let Some(story) = self.of_job(record.job) {
                    story.applied(now, digest);
                }
            }
            ServiceEvent::Backend(
                BackendEvent::FaultFired {
                    fault: "stuck_queued" | "stuck_in_progress",
                    ..
                }
                | BackendEvent::Dropped { why: "vanished", .. },
            ) => {
                if let Some(story) = self.of_job(record.job)
                    && story.ended.is_none()
                {
                    story.dead.get_or_insert(now);
                }
            }
            ServiceEvent::Wire(_) | ServiceEvent::Backend(_) => {}
        }
    }

    fn spent(&mut self, spent: &Spent) {
        let price = self.prices.get(&spent.tier).copied();
        let Some(story) = self.of_job(Some(spent.job)) else {
            return;
        };
        story.tokens += u64::from(spent.input) + u64::from(spent.output);
        if let Some(price) = price {
            let (input, output) = (f64::from(spent.input), f64::from(spent.output));
            story.cost += (input * price.input + output * price.output) / 1e6;
        }
    }

    fn gone(&mut self, at: SimTime, job: JobId) {
        if let Some(story) = self.of_job(Some(job)) {
            story.gone = Some(at);
        }
    }
}

/// What is still on its way when a job is over arrives within this time.
const ON_ITS_WAY: SimDuration = SimDuration::from_secs(600);

impl Story {
    /// Whether nothing more can be heard of it.
    fn is_settled(&self, now: SimTime) -> bool {
        self.running == 0 && self.gone.is_some_and(|gone| now.since(gone) >= ON_ITS_WAY)
    }

    /// Whether it ended whole: by its own word, and by that of the service about the response of its last turn, so that
    /// nobody can call a failure a success.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let last = self.responses.iter().map(|(_, turn, _)| *turn).max();
        self.state == Some(StateName::Succeeded)
            && (self.resolved || (last.is_some() && self.completed == last))
    }

    /// Adds what another try of the same task began, took and left behind.
    fn takes_over(&mut self, other: &Self) {
        let first = |own: Option<SimTime>, other: Option<SimTime>| match (own, other) {
            (Some(own), Some(other)) => Some(own.min(other)),
            (own, other) => own.or(other),
        };
        self.submitted = self.submitted.min(other.submitted);
        self.acknowledged = first(self.acknowledged, other.acknowledged);
        self.first_output = first(self.first_output, other.first_output);
        self.dispatched = first(self.dispatched, other.dispatched);
        self.left = self.left.or(other.left);
        self.silence = self.silence.max(other.silence);
        self.balked |= other.balked;
        self.cried |= other.cried;
        self.dead = self.dead.or(other.dead);
        self.detected = self.detected.or(other.detected);
        self.requests += other.requests;
        self.tokens += other.tokens;
        self.tokens_lost += other.tokens;
        self.cost += other.cost;
        self.asked += other.asked;
        for ((sum, count), (more, times)) in self.approval.iter_mut().zip(other.approval) {
            *sum += more;
            *count += times;
        }
        self.unsafe_releases += other.unsafe_releases;
        self.wrong_approvals += other.wrong_approvals;
        self.wrong_denials += other.wrong_denials;
        self.decided += other.decided;
        self.harm += other.harm;
        self.duplicates_before += other.duplicates();
        if other.boundary == Some(Boundary::None) {
            self.boundary = other.boundary;
        }
    }

    /// Responses beyond one for each attempt and turn.
    #[must_use]
    pub fn duplicates(&self) -> u64 {
        let turns: BTreeSet<_> = self
            .responses
            .iter()
            .map(|(_, turn, attempt)| (turn, attempt))
            .collect();
        (self.responses.len() - turns.len()) as u64 + self.duplicates_before
    }

    /// Whether the service made a response for it.
    #[must_use]
    pub const fn has_response(&self) -> bool {
        !self.responses.is_empty()
    }

    /// Whether the user's last view explains why there is no whole result, and the operator's says the same; none where
    /// there is nothing to explain.
    #[must_use]
    pub fn explained(&self) -> Option<bool> {
        let troubled = matches!(
            self.state?,
            StateName::Failed
                | StateName::TimedOut
                | StateName::Denied
                | StateName::Expired
                | StateName::SucceededPartial
                | StateName::NeedsIntervention
        );
        let told = |user: &View, operator: &View| {
            let same = user.state == operator.state && user.cause == operator.cause;
            let right = Some(user.state) == self.state;
            let whole = user.cause.is_some() && user.must_act.is_some() && user.what_to_do.is_some();
            same && right && whole
        };
        troubled.then(|| match &self.views {
            [Some(user), Some(operator)] => told(user, operator),
            _ => false,
        })
    }

    fn judge_life(&mut self, now: SimTime, view: &View) {
        let called = matches!(view.liveness, Liveness::Stalled | Liveness::Lost);
        self.cried |= called && self.dead.is_none();
        let admitted = view.state.is_terminal()
            || matches!(
                view.state,
                StateName::NeedsIntervention
                    | StateName::RetryWait
                    | StateName::InDoubt
                    | StateName::Cancelling
            );
        if self.dead.is_some() && (called || admitted) {
            self.detected.get_or_insert(now);
        }
        if let Some((limit, fired)) = self.limit
            && view.state == StateName::TimedOut
        {
            let names = |cause: &Cause| cause.code.strip_prefix("limit:") == Some(limit.word());
            let soon = now.since(fired) <= SimDuration::from_secs(1);
            self.limit_named |= soon && view.cause.as_ref().is_some_and(names) && view.what_to_do.is_some();
        }
    }

    fn response_ended(&mut self, response: &ResponseId, whole: bool) {
        let found = self.responses.iter().find(|(known, ..)| known == response);
        if let Some((_, turn, _)) = found.filter(|_| whole) {
            self.completed = self.completed.max(Some(*turn));
        }
    }

    fn user(&mut self, now: SimTime, event: &UserEvent) {
        match event {
            UserEvent::Submitted { .. } => {
                self.came = true;
                (self.submitted, self.shown_last) = (now, Some(now));
            }
            UserEvent::Left => {
                self.left.get_or_insert(now);
                if self.ended.is_none() {
                    self.quiet_until(now);
                    self.shown_last = None;
                }
            }
            UserEvent::GaveUp { why } => {
                self.gave_up = true;
                self.balked |= matches!(*why, "busy" | "full");
            }
            UserEvent::AskedToCancel | UserEvent::Retrieved { .. } => {}
        }
    }

    fn people(&mut self, now: SimTime, event: &PeopleEvent) {
        match event {
            PeopleEvent::SawRequest { .. } => {
                if let Some(asked) = self.asked_at.take() {
                    add(&mut self.approval[0], now.since(asked));
                    self.seen_at = Some(now);
                }
            }
            PeopleEvent::Decided { .. } => {
                self.decided += 1;
                if let Some(seen) = self.seen_at.take() {
                    add(&mut self.approval[1], now.since(seen));
                }
            }
            PeopleEvent::Misjudged { verdict, digests, .. } => {
                if *verdict == "approve" {
                    self.wrong_approvals += 1;
                    self.harmful.extend(digests.iter().cloned());
                } else {
                    self.wrong_denials += 1;
                }
            }
            PeopleEvent::Notified
            | PeopleEvent::Acted { .. }
            | PeopleEvent::Withdrew { .. }
            | PeopleEvent::Changed { .. } => {}
        }
    }

    fn job(&mut self, now: SimTime, event: &JobEvent) {
        match event {
            JobEvent::Moved { to, on, .. } => {
                self.resolved |= *on == On::OperatorResolve;
                self.state = Some(*to);
                self.ended = to.is_terminal().then_some(now);
                if *to == StateName::Dispatching {
                    self.dispatched.get_or_insert(now);
                }
            }
            JobEvent::LimitFired { limit, .. } => self.limit = Some((*limit, now)),
            JobEvent::HandedOver { .. } => self.handed_over = true,
            JobEvent::ApprovalRequested { .. } => {
                self.asked += 1;
                self.asked_at = Some(now);
            }
            JobEvent::GrantConsumed { digest, .. } => {
                self.grants.push(Arc::clone(digest));
                self.granted_at = Some(now);
            }
            _ => {}
        }
    }

    fn shown(&mut self, now: SimTime, view: &View) {
        self.quiet_until(now);
        if self.shown_last.is_some() {
            self.shown_last = Some(now);
        }
        if view.progress > 0 || view.result.is_some() {
            self.first_output.get_or_insert(now);
        }
        if view.result.is_some() {
            self.shown_result.get_or_insert(now);
        }
        if view.state.is_terminal() {
            self.shown_end.get_or_insert(now);
            self.shown_last = None;
        }
    }

    fn quiet_until(&mut self, now: SimTime) {
        if let Some(last) = self.shown_last {
            self.silence = self.silence.max(now.since(last));
        }
    }

    /// An effect landed: it takes a grant for exactly that act with it.
    fn applied(&mut self, now: SimTime, digest: &Arc<str>) {
        self.harm += u32::from(self.harmful.contains(digest));
        match self.grants.iter().position(|granted| granted == digest) {
            Some(place) => {
                self.grants.swap_remove(place);
                if let Some(granted) = self.granted_at.take() {
                    add(&mut self.approval[2], now.since(granted));
                }
            }
            None => self.unsafe_releases += 1,
        }
    }
}

fn add((sum, count): &mut (SimDuration, u32), length: SimDuration) {
    *sum += length;
    *count += 1;
}
