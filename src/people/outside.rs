//! The outside world: everything beside the model service that the core talks to.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::approver::seen;
use super::arrivals::task_of;
use super::operator::{Desk, News};
use super::patience::Standing;
use super::staff::Line;
use super::timer::{Decision, Due, Impatience, Insight, Look, Timers};
use super::{Behaviour, Changed, FromCore, Notice, OutsideSetup, OutsideTask};
use crate::job::{self, ApprovalId, ApprovalRequest, Glance, Input, SinkAnswer, ToOutside, Told, Viewers};
use crate::rng::{Law, Purpose, name_key};
use crate::sinks::{Answered, Effort, Gate, Luck, Sinks, ToolRun, Tools};
use crate::trace::{Audience, Notes, OutsideEvent, PeopleEvent, Principal, SinkEvent, UserEvent};
use crate::units::{JobId, SimDuration, SimTime, Window};

/// The outside world of a run.
///
/// What it answers in a step arrives at the core in the next tick. Inside a tick changes come first, then the
/// messages in canonical order, then the tasks that arrive, then what is due, by job.
#[derive(Debug, Clone)]
pub struct Outside {
    pub(super) setup: Arc<OutsideSetup>,
    /// The tasks by their instants, and how many have arrived.
    pub(super) arrivals: Arc<[JobId]>,
    pub(super) arrived: usize,
    /// The changes by their instants, and how many are made.
    changes: Arc<[usize]>,
    changed: usize,
    /// What a tightened policy asks for: the quorum, and why.
    pub(super) quorum: Option<(u16, Arc<str>)>,
    pub(super) jobs: Window<Known>,
    /// The next to arrive of the tasks that are not listed.
    pub(super) next_expected: JobId,
    /// Tries behind the first that came and are not listed.
    pub(super) further: Vec<JobId>,
    /// Tasks of which everything was forgotten, by their first jobs.
    pub(super) done_with: Vec<JobId>,
    open: BTreeMap<ApprovalId, Open>,
    pub(super) desk: Desk,
    pub(super) sinks: Sinks,
    pub(super) tools: Tools,
    pub(super) timers: Timers,
    /// The line of each staff.
    pub(super) lines: Vec<Line>,
    pub(super) notes: Notes<OutsideEvent>,
}

/// What people remember of a job.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    requests: u16,
    retrieved: bool,
    pub(super) standing: Standing,
    /// Whether it was asked for.
    pub(super) is_asked: bool,
    /// Whether something of it was on view.
    pub(super) has_output: bool,
    /// Whether it is over on view, or nobody waits for it any more.
    pub(super) is_gone: bool,
    /// Its task, if that is not listed.
    pub(super) task: Option<Box<OutsideTask>>,
    /// Whether its user has still to leave.
    pub(super) leaves: bool,
    /// Whether the core has let it go.
    pub(super) is_over: bool,
    /// Whether that is so of all tries of its task.
    pub(super) is_done_with: bool,
}

impl Known {
    /// A job whose task is not listed.
    pub(super) fn of(task: OutsideTask) -> Self {
        Self {
            task: Some(Box::new(task)),
            ..Self::default()
        }
    }

    /// Whether nothing more is to be said of it. Who was shown nothing, since the task was refused, waits for it until they leave.
    pub(super) fn is_silent(&self) -> bool {
        self.is_over && !(self.leaves && self.standing == Standing::Unseen)
    }
}

/// An approval request that is open.
#[derive(Debug, Clone)]
struct Open {
    job: JobId,
    request: Arc<ApprovalRequest>,
    number: u16,
}

impl Outside {
    /// The outside world before anything has happened.
    ///
    /// # Panics
    /// If a task names a user that is not there.
    #[must_use]
    pub fn new(setup: Arc<OutsideSetup>, notes: Notes<OutsideEvent>) -> Self {
        let users = setup.users.len();
        assert!(
            setup.tasks.iter().all(|task| task.user < users),
            "every task has a user"
        );
        let mut arrivals: Vec<JobId> = (0..)
            .map(JobId)
            .take(setup.further.firsts_of(setup.tasks.len()))
            .collect();
        arrivals.sort_by_key(|job| setup.tasks[job.0 as usize].at);
        let mut changes: Vec<usize> = (0..setup.changes.len()).collect();
        changes.sort_by_key(|place| setup.changes[*place].at);
        Self {
            arrivals: arrivals.into(),
            arrived: 0,
            changes: changes.into(),
            changed: 0,
            quorum: None,
            jobs: Window::of(setup.tasks.iter().map(|_| Known::default())),
            next_expected: JobId(u32::try_from(setup.tasks.len()).unwrap_or(u32::MAX)),
            further: Vec::new(),
            done_with: Vec::new(),
            open: BTreeMap::new(),
            desk: Desk::default(),
            sinks: Sinks::new(&setup.sinks),
            tools: Tools::new(&setup.tools),
            timers: Timers::default(),
            lines: setup.staffs.iter().map(Line::new).collect(),
            notes,
            setup,
        }
    }

    /// The same world with another gate in front of its sinks.
    #[must_use]
    pub fn behind(mut self, gate: Gate) -> Self {
        self.sinks = self.sinks.behind(gate);
        self
    }

    /// When something happens by itself next.
    #[must_use]
    pub fn next_deadline(&self) -> Option<SimTime> {
        let or_never = |at: Option<SimTime>| at.unwrap_or(SimTime::NEVER);
        let arrival = self.arrivals.get(self.arrived).and_then(|job| self.task(*job));
        let change = self
            .changes
            .get(self.changed)
            .map(|place| self.setup.changes[*place].at);
        let expected = self.expected().map(|task| task.at);
        let first = or_never(arrival.map(|task| task.at))
            .min(or_never(expected))
            .min(or_never(change))
            .min(or_never(self.timers.next()));
        (first != SimTime::NEVER).then_some(first)
    }

    /// Lives through one tick: takes everything out of `batch`, adds to `out` what arrives at the core in the next.
    pub fn step(&mut self, now: SimTime, batch: &mut Vec<FromCore>, out: &mut Vec<Input>) {
        self.make_changes(now, out);
        // Nearly always there is one. It is taken from the end, where nothing has to move up behind it.
        if batch.len() > 1 {
            batch.sort_by(FromCore::canonical);
            batch.reverse();
        }
        while let Some(FromCore { job, message }) = batch.pop() {
            self.hear((now, job), message, out);
        }
        self.submit_tasks(now, out);
        while let Some((job, due)) = self.timers.take(now) {
            self.fire((now, job), due, out);
        }
    }

    /// What lands where.
    #[must_use]
    pub const fn sinks(&self) -> &Sinks {
        &self.sinks
    }

    /// What was noted.
    #[must_use]
    pub const fn notes(&self) -> &Notes<OutsideEvent> {
        &self.notes
    }

    /// What was noted, to be taken away.
    #[must_use]
    pub const fn notes_mut(&mut self) -> &mut Notes<OutsideEvent> {
        &mut self.notes
    }
}

/// What happens by itself.
impl Outside {
    fn make_changes(&mut self, now: SimTime, out: &mut Vec<Input>) {
        if self.changed == self.changes.len() {
            return;
        }
        let setup = Arc::clone(&self.setup);
        while let Some(place) = self.changes.get(self.changed) {
            let change = &setup.changes[*place];
            if change.at > now {
                return;
            }
            self.changed += 1;
            let what = &change.what;
            self.notes.note(now, None, || PeopleEvent::Changed {
                what: Arc::clone(what),
            });
            match &change.change {
                Changed::Quorum(quorum) => self.tighten(*quorum, what, out),
                Changed::Target {
                    sink,
                    version,
                    notice,
                } => {
                    self.sinks.change(sink, version);
                    if *notice == Notice::Given {
                        self.reevaluate((what, None), out, |request| {
                            request.acts.iter().any(|act| act.sink == *sink)
                        });
                    }
                }
            }
        }
    }

    fn tighten(&mut self, quorum: u16, why: &Arc<str>, out: &mut Vec<Input>) {
        self.quorum = Some((quorum, Arc::clone(why)));
        self.reevaluate((why, Some(quorum)), out, |request| request.quorum < quorum);
    }

    fn reevaluate(
        &self,
        (why, quorum): (&Arc<str>, Option<u16>),
        out: &mut Vec<Input>,
        concerns: impl Fn(&ApprovalRequest) -> bool,
    ) {
        let concerned = self.open.values().filter(|open| concerns(&open.request));
        out.extend(concerned.map(|open| Input {
            job: open.job,
            told: Told::Reevaluate {
                why: Arc::clone(why),
                quorum,
            },
        }));
    }

    fn fire(&mut self, (now, job): (SimTime, JobId), due: Due, out: &mut Vec<Input>) {
        match due {
            Due::Leave => {
                self.notes.note(now, job, || UserEvent::Left);
                out.push(Input {
                    job,
                    told: Told::SessionEnded,
                });
                self.leave_twin((now, job), out);
                self.has_left(job);
            }
            Due::Again => self.ask_again((now, job), out),
            Due::Twin => self.send_twin(now, job, out),
            Due::Cancel(by) => {
                self.notes.note(now, job, || UserEvent::AskedToCancel);
                out.push(Input {
                    job,
                    told: Told::CancelAsked { by },
                });
            }
            Due::Impatient(why) => self.lose_patience((now, job), why, out),
            Due::Withdraw(approval) => self.withdraw((now, job), approval, out),
            Due::Decide(decision) => self.end_decision((now, job), decision, out),
            Due::Put { request, number } => {
                if self.open.contains_key(&request.id) {
                    self.put((now, job), &request, number);
                }
            }
            Due::Shift { staff } => {
                self.lines[staff].call = None;
                self.call(now, staff);
            }
            Due::Operate { operator, since } => self.operate((now, job), operator, since, out),
            Due::Tool(run) => self.end_tool((now, job), run, out),
            Due::Effect(effort) => self.end_effect((now, job), *effort, out),
            Due::Query { sink, key, run } => self.end_query((now, job), (sink, key, run), out),
        }
    }
}

/// What the core says.
impl Outside {
    fn hear(&mut self, (now, job): (SimTime, JobId), message: ToOutside, out: &mut Vec<Input>) {
        match message {
            ToOutside::RunTool { call, run, tool, .. } => {
                let luck = Luck {
                    seed: self.setup.seed,
                    faults: &self.setup.faults,
                };
                let (at, run) = self
                    .tools
                    .begin((now, job), (call, run, tool), luck, &mut self.notes);
                self.timers.set(at, job, Due::Tool(run));
            }
            ToOutside::DropTool { call, run } => self.tools.drop_run(job, call, run),
            ToOutside::AskApproval(request) => self.ask((now, job), request, out),
            ToOutside::CloseApproval { approval } => self.close((now, job), &approval),
            ToOutside::Apply { act, key, run, grant } => {
                let luck = Luck {
                    seed: self.setup.seed,
                    faults: &self.setup.faults,
                };
                let what = (*act, key, run, *grant);
                let (at, effort) = self.sinks.begin((now, job), what, luck, &mut self.notes);
                self.timers.set(at, job, Due::Effect(Box::new(effort)));
            }
            ToOutside::QuerySink { sink, key, run } => self.query((now, job), sink, key, run),
            ToOutside::Show { to, view } => self.show((now, job), to, &view, out),
        }
    }

    fn ask(&mut self, (now, job): (SimTime, JobId), request: Arc<ApprovalRequest>, out: &mut Vec<Input>) {
        self.sinks.remember(job, &request);
        let Some(known) = self.jobs.get_mut(job) else {
            return;
        };
        known.requests = known.requests.saturating_add(1);
        let number = known.requests;
        match self.next_window(now) {
            None => self.put((now, job), &request, number),
            Some(at) => {
                let request = Arc::clone(&request);
                self.timers.set(at, job, Due::Put { request, number });
            }
        }
        let user = self.task(job).map(|task| &self.setup.users[task.user]);
        if let Some(after) = user.and_then(|user| user.withdraws_after) {
            let at = now + after.max(SimDuration::TICK);
            self.timers.set(at, job, Due::Withdraw(Arc::clone(&request.id)));
        }
        if let Some((quorum, why)) = self
            .quorum
            .as_ref()
            .filter(|(quorum, _)| request.quorum < *quorum)
        {
            let told = Told::Reevaluate {
                why: Arc::clone(why),
                quorum: Some(*quorum),
            };
            out.push(Input { job, told });
        }
        self.open
            .insert(Arc::clone(&request.id), Open { job, request, number });
    }

    /// When requests that come now are put before people; none: now.
    fn next_window(&self, now: SimTime) -> Option<SimTime> {
        let every = self.setup.windows?.ticks().max(1);
        let since = now.ticks() % every;
        (since > 0).then(|| now + SimDuration::from_ticks(every - since))
    }

    fn put(&mut self, (now, job): (SimTime, JobId), request: &Arc<ApprovalRequest>, number: u16) {
        self.put_before_approvers((now, job), request, number);
        self.put_before_staffs((now, job), request, number);
    }

    fn put_before_approvers(
        &mut self,
        (now, job): (SimTime, JobId),
        request: &Arc<ApprovalRequest>,
        number: u16,
    ) {
        let setup = Arc::clone(&self.setup);
        let own = self.own_task(job);
        let task = setup.tasks.get(job.0 as usize).or(own.as_ref());
        for (approver, script) in setup.approvers.iter().enumerate() {
            if !(script.works_alone() && script.takes_up(request, task)) {
                continue;
            }
            self.note_seen((now, job), request, &script.person.name);
            if !matches!(
                script.behaviour(number),
                Behaviour::Ignore | Behaviour::ApproveStale
            ) {
                let decision = Decision {
                    approver,
                    request: Arc::clone(request),
                    number,
                    look: Look::Again,
                    insight: Insight::Usual,
                };
                self.plan_decision((now, job), decision);
            }
        }
    }

    pub(super) fn note_seen(
        &mut self,
        (now, job): (SimTime, JobId),
        request: &ApprovalRequest,
        by: &Principal,
    ) {
        self.notes.note(now, job, || PeopleEvent::SawRequest {
            approval: Arc::clone(&request.id),
            by: by.clone(),
            digests: seen(request),
        });
    }

    fn close(&mut self, (now, job): (SimTime, JobId), approval: &ApprovalId) {
        for staff in 0..self.lines.len() {
            self.lines[staff].leave(approval);
            self.call(now, staff);
        }
        let Some(Open { request, number, .. }) = self.open.remove(approval) else {
            return;
        };
        let setup = Arc::clone(&self.setup);
        let own = self.own_task(job);
        let task = setup.tasks.get(job.0 as usize).or(own.as_ref());
        for (approver, script) in setup.approvers.iter().enumerate() {
            let stale = *script.behaviour(number) == Behaviour::ApproveStale;
            if stale && script.works_alone() && script.takes_up(&request, task) {
                let decision = Decision {
                    approver,
                    request: Arc::clone(&request),
                    number,
                    look: Look::Never,
                    insight: Insight::Usual,
                };
                self.plan_decision((now, job), decision);
            }
        }
    }

    fn plan_decision(&mut self, (now, job): (SimTime, JobId), decision: Decision) {
        let script = &self.setup.approvers[decision.approver];
        let entity = u64::from(job.0) | (u64::from(decision.number) << 32);
        let key = (Purpose::ApproverFor, entity, name_key(&script.person.name.0));
        let at = self.later(now, script.takes, key);
        self.timers.set(at, job, Due::Decide(decision));
    }

    fn query(&mut self, (now, job): (SimTime, JobId), sink: Arc<str>, key: Arc<str>, run: u16) {
        match self
            .sinks
            .begin_query((now, job), (&sink, &key, run), self.setup.seed)
        {
            Some(at) => {
                self.timers.set(at, job, Due::Query { sink, key, run });
            }
            // Any answer would be a lie: this sink cannot know.
            None => self.notes.note(now, job, || SinkEvent::Refused {
                sink,
                key,
                why: "invalid",
            }),
        }
    }

    fn show(&mut self, (now, job): (SimTime, JobId), to: Viewers, view: &Glance, out: &mut Vec<Input>) {
        if to.include(Audience::User) {
            self.look_at_twins((now, job), view, out);
            self.retrieve((now, job), view);
        }
        if to.include(Audience::Operator)
            && let News::Parked { since, number } = self.desk.look(job, view)
        {
            self.notify((now, job), since, number);
        }
    }

    /// Whether this view would change anything here: what anybody knows, notes or does.
    #[must_use]
    pub fn heeds(&self, job: JobId, to: Viewers, view: &Glance) -> bool {
        let by_user = || {
            let is_news = |known: &Known| {
                known.standing != known.standing.shown(view.state)
                    || (view.result.is_some() && !known.retrieved)
            };
            self.jobs.get(job).is_some_and(is_news) || self.twin(job).is_some()
        };
        (to.include(Audience::Operator) && self.desk.heeds(job, view))
            || (to.include(Audience::User) && by_user())
    }

    /// A user looks how far the work has got, and takes the result once, when one is shown.
    fn retrieve(&mut self, (now, job): (SimTime, JobId), view: &Glance) {
        let Some(known) = self.jobs.get_mut(job) else {
            return;
        };
        let first = known.standing == Standing::Unseen;
        known.standing = known.standing.shown(view.state);
        if let Some(digest) = &view.result
            && !std::mem::replace(&mut known.retrieved, true)
        {
            self.notes.note(now, job, || UserEvent::Retrieved {
                digest: digest.clone(),
            });
        }
        if first
            && let Some(task) = task_of(&self.setup, &self.jobs, job)
            && let Some(balks) = self.setup.users[task.user].balks
        {
            // What a tick shows is known at its end.
            self.timers
                .set(now.next(), job, Due::Impatient(Impatience::Balk(balks)));
        }
    }

    fn notify(&mut self, (now, job): (SimTime, JobId), since: SimTime, number: u16) {
        self.notes.note(now, job, || PeopleEvent::Notified);
        let setup = Arc::clone(&self.setup);
        for (operator, script) in setup.operators.iter().enumerate() {
            let entity = u64::from(job.0) | (u64::from(number) << 32);
            let key = (Purpose::OperatorFor, entity, name_key(&script.name.0));
            let at = self.later(now, script.takes, key);
            self.timers.set(at, job, Due::Operate { operator, since });
        }
    }
}

/// What becomes of what was begun.
impl Outside {
    fn withdraw(&mut self, (now, job): (SimTime, JobId), approval: ApprovalId, out: &mut Vec<Input>) {
        let Some(task) = self.task(job).filter(|_| self.open.contains_key(&approval)) else {
            return;
        };
        let by = task.requester.clone();
        self.notes.note(now, job, || PeopleEvent::Withdrew {
            approval: Arc::clone(&approval),
            by: by.clone(),
        });
        let told = Told::Withdrawn { approval, by };
        out.push(Input { job, told });
    }

    pub(super) fn decide(&mut self, (now, job): (SimTime, JobId), decision: Decision, out: &mut Vec<Input>) {
        if decision.look == Look::Again && !self.open.contains_key(&decision.request.id) {
            return;
        }
        let setup = Arc::clone(&self.setup);
        let script = &setup.approvers[decision.approver];
        self.say((now, job), &decision, out);
        let Behaviour::ApproveTwice { gap } = script.behaviour(decision.number) else {
            return;
        };
        match decision.look {
            Look::Never => {}
            Look::Again if gap.is_zero() => self.say((now, job), &decision, out),
            Look::Again => {
                let again = Decision {
                    look: Look::Never,
                    ..decision
                };
                self.timers.set(now + *gap, job, Due::Decide(again));
            }
        }
    }

    fn say(&mut self, (now, job): (SimTime, JobId), decision: &Decision, out: &mut Vec<Input>) {
        let Decision { request, number, .. } = decision;
        let script = &self.setup.approvers[decision.approver];
        let Some(say) = script.says_with(request, *number, decision.insight) else {
            return;
        };
        let (by, digests) = (&script.person.name, seen(request));
        let eligible = script.may_decide(request, self.task(job));
        self.notes.note(now, job, || PeopleEvent::Decided {
            approval: Arc::clone(&request.id),
            by: by.clone(),
            verdict: say.word(),
            reason: say.reason.clone(),
            digests: digests.clone(),
            eligible,
        });
        if matches!(
            decision.insight,
            Insight::WronglyApproved | Insight::WronglyDenied
        ) {
            self.notes.note(now, job, || PeopleEvent::Misjudged {
                approval: Arc::clone(&request.id),
                by: by.clone(),
                verdict: say.word(),
                digests: digests.clone(),
            });
        }
        if eligible {
            let human = script.person.acts_for.as_ref().unwrap_or(by);
            let said = Answered {
                by: human,
                verdict: &say.verdict,
                shown: &digests,
            };
            self.sinks.hear(now, &request.id, said);
        }
        let told = Told::Decided(Box::new(job::Decision {
            approval: Arc::clone(&request.id),
            by: by.clone(),
            verdict: say.verdict,
            digests,
            reason: say.reason,
        }));
        out.push(Input { job, told });
    }

    fn operate(&mut self, (now, job): (SimTime, JobId), place: usize, since: SimTime, out: &mut Vec<Input>) {
        let script = &self.setup.operators[place];
        let Some(answer) = self.desk.answer(job, since, (place, script)) else {
            return;
        };
        let by: &Principal = &script.name;
        self.notes.note(now, job, || PeopleEvent::Acted {
            by: by.clone(),
            verb: answer.verb,
            reason: Arc::clone(&answer.reason),
        });
        let told = Told::Operator {
            by: by.clone(),
            verb: answer.verb,
            reason: Arc::clone(&answer.reason),
            extend: answer.extend,
            result: answer.result.clone(),
        };
        out.push(Input { job, told });
    }

    fn end_tool(&mut self, (now, job): (SimTime, JobId), run: ToolRun, out: &mut Vec<Input>) {
        if let Some(answer) = self.tools.end((now, job), &run, &mut self.notes) {
            let ToolRun { call, run, .. } = run;
            let told = Told::ToolAnswered { call, run, answer };
            out.push(Input { job, told });
        }
    }

    fn end_effect(&mut self, (now, job): (SimTime, JobId), effort: Effort, out: &mut Vec<Input>) {
        if let Some(answer) = self.sinks.end((now, job), &effort, &mut self.notes) {
            let Effort { key, run, .. } = effort;
            let told = Told::SinkAnswered { key, run, answer };
            out.push(Input { job, told });
        }
    }

    fn end_query(
        &mut self,
        (now, job): (SimTime, JobId),
        (sink, key, run): (Arc<str>, Arc<str>, u16),
        out: &mut Vec<Input>,
    ) {
        let answer = self.sinks.end_query(&sink, &key);
        let found = matches!(&answer, SinkAnswer::Found { receipt: Some(_) });
        self.notes.note(now, job, || SinkEvent::Queried {
            sink,
            key: Arc::clone(&key),
            found,
        });
        let told = Told::SinkAnswered { key, run, answer };
        out.push(Input { job, told });
    }

    /// The instant after a delay of this law, at least a tick from now.
    pub(super) fn later(
        &self,
        now: SimTime,
        law: Law,
        (purpose, entity, index): (Purpose, u64, u64),
    ) -> SimTime {
        let delay = law.quantile(self.setup.seed.unit(purpose, entity, index));
        now + delay.max(SimDuration::TICK)
    }
}
