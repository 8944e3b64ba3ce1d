//! The books of a run, and the laws that they have to keep.

use std::collections::BTreeMap;

use super::account::{Account, Exit, Turn};
use crate::backend::Spent;
use crate::job::{LaneSpec, SharedCapacity};
use crate::sim::{Ending, Watch};
use crate::trace::{
    CoreEvent, Event, JobEvent, LaneName, On, OutsideEvent, PeopleEvent, Record, RouterEvent, RuntimeEvent,
    ServiceEvent, StateName, UserEvent,
};
use crate::units::{JobId, SimDuration, SimTime};

/// What the lanes of a run allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// In the order of [`LaneName::ALL`].
    pub lanes: [LaneSpec; 3],
    /// What they share.
    pub shared: Option<SharedCapacity>,
}

/// A law.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Law {
    /// Every task that was asked for is refused, ended or open, and only one of them; nobody who gave up is served.
    Conservation,
    /// The time that jobs waited, and held places, is what the lanes say was waited and held.
    Little,
    /// Nobody waits while a place is free.
    WorkConservation,
    /// Nobody gets a place beyond the capacity.
    Capacity,
    /// Within a lane, who is due first goes first, and of those who are due at the same instant, or never, who came first.
    Order,
    /// Nobody gets a shared place while somebody of a lane before waits.
    Priority,
    /// With more places nobody waits longer, and with more arrivals nobody shorter.
    Monotony,
}

impl Law {
    /// The word used in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Conservation => "conservation",
            Self::Little => "little",
            Self::WorkConservation => "work_conservation",
            Self::Capacity => "capacity",
            Self::Order => "order",
            Self::Priority => "priority",
            Self::Monotony => "monotony",
        }
    }
}

/// A law that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// Which.
    pub law: Law,
    /// When it was seen first.
    pub at: SimTime,
    /// The job, if it is about one.
    pub job: Option<JobId>,
    /// In plain words.
    pub what: String,
}

/// The books of a run: fed with its records in their order.
#[derive(Debug, Clone)]
pub struct Ledger {
    rules: Rules,
    accounts: Accounts,
    /// What those that are over have waited and held in each lane.
    spent: [[u128; 2]; 3],
    /// The most accounts that were held at once.
    most: usize,
    lanes: [Books; 3],
    now: SimTime,
    breaches: Vec<Breach>,
}

/// The accounts of a ledger.
#[derive(Debug, Clone)]
enum Accounts {
    /// Of all tasks, by their numbers.
    All(Vec<Account>),
    /// Of those that are not over; and those that are, until they are taken out, if somebody does.
    Open {
        open: BTreeMap<JobId, Account>,
        over: Option<Vec<(JobId, Account)>>,
    },
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// To be admitted.
    Backlog,
    /// For a place.
    Queue,
}

impl Line {
    const fn of(state: StateName) -> Option<Self> {
        match state {
            StateName::Accepted => Some(Self::Backlog),
            StateName::Queued => Some(Self::Queue),
            _ => None,
        }
    }
}

/// The books of a lane.
#[derive(Debug, Clone, Default)]
struct Books {
    active: u32,
    waiting: u32,
    /// Since when that is so.
    since: SimTime,
    /// Ticks times jobs.
    waited: u128,
    held: u128,
    /// Who waits to be admitted, and who waits for a place.
    lines: [BTreeMap<Turn, JobId>; 2],
    /// How many have come into either.
    came: u64,
    /// Whether a place was granted in this tick.
    granted: bool,
}

impl Books {
    /// Somebody comes to wait at the end of those who are due no later.
    fn enter(&mut self, line: Line, job: JobId, due: SimTime) -> Turn {
        let number = self.came;
        self.came += 1;
        let turn = Turn { due, number };
        self.lines[line as usize].insert(turn, job);
        turn
    }

    /// Somebody stops waiting; who ought to have gone before and still waits.
    fn leave(&mut self, line: Line, turn: Turn) -> Option<(Turn, JobId)> {
        let line = &mut self.lines[line as usize];
        line.remove(&turn);
        let (first, job) = line.first_key_value()?;
        (*first < turn).then_some((*first, *job))
    }

    fn book(&mut self, now: SimTime) {
        let length = u128::from(now.since(self.since).ticks());
        self.waited += length * u128::from(self.waiting);
        self.held += length * u128::from(self.active);
        self.since = now;
    }
}

impl Ledger {
    /// Empty books for so many tasks.
    #[must_use]
    pub fn new(rules: Rules, tasks: usize) -> Self {
        Self {
            rules,
            accounts: Accounts::All(vec![Account::default(); tasks]),
            spent: [[0; 2]; 3],
            most: tasks,
            lanes: Default::default(),
            now: SimTime::START,
            breaches: Vec::new(),
        }
    }

    /// Empty books that hold an account for each task in flight, and add up those that are over.
    #[must_use]
    pub fn of_open(rules: Rules) -> Self {
        let (open, over) = (BTreeMap::new(), None);
        Self {
            accounts: Accounts::Open { open, over },
            most: 0,
            ..Self::new(rules, 0)
        }
    }

    /// The same for somebody who takes out the accounts of those that are over.
    #[must_use]
    pub fn telling(rules: Rules) -> Self {
        let (open, over) = (BTreeMap::new(), Some(Vec::new()));
        Self {
            accounts: Accounts::Open { open, over },
            ..Self::of_open(rules)
        }
    }

    /// What is known of each job, by its number; nothing of books that hold those in flight alone.
    #[must_use]
    pub fn accounts(&self) -> &[Account] {
        match &self.accounts {
            Accounts::All(all) => all,
            Accounts::Open { .. } => &[],
        }
    }

    /// The most accounts that were held at once.
    #[must_use]
    pub const fn most_held(&self) -> usize {
        self.most
    }

    /// Takes out the accounts of those that are over since this was last asked.
    pub(super) fn take_over(&mut self) -> Vec<(JobId, Account)> {
        match &mut self.accounts {
            Accounts::Open { over: Some(over), .. } => std::mem::take(over),
            Accounts::Open { over: None, .. } | Accounts::All(_) => Vec::new(),
        }
    }

    /// When the first of those that are not over was submitted, and which it is.
    pub(super) fn first_open(&self) -> Option<(SimTime, JobId)> {
        let Accounts::Open { open, .. } = &self.accounts else {
            return None;
        };
        let submitted = |(job, account): (&JobId, &Account)| Some((account.submitted?, *job));
        open.iter().filter_map(submitted).min()
    }

    /// Takes a record of any channel.
    pub fn take(&mut self, record: &Record) {
        match &record.event {
            Event::Outside(event) => self.heard(record.at, record.job, event),
            Event::Core(event) => self.told(record.at, record.job, event),
            Event::Service(_) => {}
        }
    }

    fn heard(&mut self, at: SimTime, job: Option<JobId>, event: &OutsideEvent) {
        self.turn(at);
        if let (Accounts::Open { open, .. }, Some(job)) = (&mut self.accounts, job)
            && matches!(event, OutsideEvent::User(UserEvent::Submitted { .. }))
        {
            open.entry(job).or_default();
            self.most = self.most.max(open.len());
        }
        let Some(account) = self.account(job) else {
            return;
        };
        let again = match event {
            OutsideEvent::User(UserEvent::Submitted { .. }) => account.submitted.replace(at),
            OutsideEvent::User(UserEvent::GaveUp { .. }) => account.gave_up.replace(at),
            OutsideEvent::People(PeopleEvent::SawRequest { .. }) => {
                account.seen.get_or_insert(at);
                None
            }
            OutsideEvent::People(PeopleEvent::Decided { .. }) => {
                account.decided.get_or_insert(at);
                None
            }
            _ => None,
        };
        if again.is_some() {
            self.breach(Law::Conservation, job, "asks or gives up twice".to_owned());
        }
    }

    fn told(&mut self, at: SimTime, job: Option<JobId>, event: &CoreEvent) {
        self.turn(at);
        match event {
            CoreEvent::Runtime(RuntimeEvent::LaneLoad {
                lane,
                active,
                waiting,
            }) => {
                let books = &mut self.lanes[*lane as usize];
                books.book(at);
                (books.active, books.waiting) = (*active, *waiting);
            }
            CoreEvent::Router(RouterEvent::Refused { .. }) => self.leave(job, Exit::Refused),
            CoreEvent::Router(RouterEvent::Decided(decided)) => self.arrive(job, decided.lane, decided.due),
            CoreEvent::Job(JobEvent::Moved { on, to, .. }) => self.moved((at, job), *on, *to),
            CoreEvent::Job(JobEvent::ApprovalRequested { .. }) => {
                if let Some(account) = self.account(job) {
                    account.asked.get_or_insert(at);
                }
            }
            CoreEvent::Job(_) | CoreEvent::Runtime(_) => {}
        }
    }

    fn account(&mut self, job: Option<JobId>) -> Option<&mut Account> {
        let job = job?;
        match &mut self.accounts {
            Accounts::All(all) => all.get_mut(job.0 as usize),
            Accounts::Open { open, .. } => open.get_mut(&job),
        }
    }

    /// The same where something happens that happens to nobody who was not asked for, or is over.
    fn own_account(&mut self, job: Option<JobId>) -> Option<&mut Account> {
        if matches!(self.accounts, Accounts::Open { .. }) && job.is_some() && self.account(job).is_none() {
            let what = "goes on without being asked for once, or when it is over";
            self.breach(Law::Conservation, job, what.to_owned());
        }
        self.account(job)
    }

    fn arrive(&mut self, job: Option<JobId>, lane: LaneName, due: Option<SimTime>) {
        let now = self.now;
        let Some(account) = self.own_account(job) else {
            return;
        };
        let (again, submitted) = (account.lane.replace(lane).is_some(), account.submitted);
        account.due = due;
        if submitted.is_some_and(|submitted| now > submitted.next()) {
            self.breach(Law::Order, job, "is kept back before it becomes a job".to_owned());
        }
        if again || submitted.is_none() {
            self.breach(
                Law::Conservation,
                job,
                "becomes a job without being asked for once".to_owned(),
            );
        }
    }

    fn leave(&mut self, job: Option<JobId>, exit: Exit) {
        let Some(account) = self.own_account(job) else {
            return;
        };
        if std::mem::replace(&mut account.exit, exit) != Exit::Open {
            self.breach(Law::Conservation, job, "leaves twice".to_owned());
        }
        let over = match (&mut self.accounts, job) {
            (Accounts::Open { open, .. }, Some(job)) => open.remove(&job).map(|account| (job, account)),
            (Accounts::Open { .. } | Accounts::All(_), _) => None,
        };
        if let Some((job, account)) = over {
            self.settle(job, &account, &Ending::Quiet);
        }
    }

    /// Nothing can change an account any more: it is added up.
    fn settle(&mut self, job: JobId, account: &Account, ending: &Ending) {
        if let Some(lane) = account.lane {
            let [waited, held] = &mut self.spent[lane as usize];
            *waited += u128::from(account.waited.ticks());
            *held += u128::from(account.held.ticks());
        }
        if let Some(what) = unaccounted(account, ending) {
            self.breach(Law::Conservation, Some(job), what.to_owned());
        }
        if let Accounts::Open { over: Some(over), .. } = &mut self.accounts {
            over.push((job, *account));
        }
    }

    fn moved(&mut self, (at, job): (SimTime, Option<JobId>), on: On, to: StateName) {
        let Some(id) = job else { return };
        let Some(account) = self.own_account(job) else {
            return;
        };
        account.book(at);
        let before = account.standing.replace((to, at)).map(|(state, _)| state);
        let (lane, due) = (account.lane, account.due.unwrap_or(SimTime::NEVER));
        let turn = account.turn.take();
        let granted = on == On::CapacityGranted;
        if granted {
            account.again |= account.began.is_some();
            account.began.get_or_insert(at);
        }
        if let Some(lane) = lane {
            let books = &mut self.lanes[lane as usize];
            books.granted |= granted;
            let from = before.and_then(Line::of);
            let passed = from.zip(turn).and_then(|(line, turn)| books.leave(line, turn));
            let entered = Line::of(to).map(|line| books.enter(line, id, due));
            if let Some(account) = self.account(job) {
                account.turn = entered;
            }
            // Whoever leaves the line otherwise passes nobody.
            let passed = passed.filter(|_| granted || to == StateName::Queued);
            if let Some((first, other)) = passed {
                let why = match first.due < due {
                    true => "is due",
                    false => "came",
                };
                let what = format!(
                    "gets on before job {}, which {why} first and still waits",
                    other.0
                );
                self.breach(Law::Order, job, what);
            }
        }
        if to.is_terminal() {
            self.leave(job, Exit::Ended(to, at));
        }
    }

    /// Time goes on: what was true at the end of the last tick had to be lawful.
    fn turn(&mut self, at: SimTime) {
        if at <= self.now {
            return;
        }
        self.judge_places();
        self.now = at;
        for books in &mut self.lanes {
            books.granted = false;
        }
    }

    fn judge_places(&mut self) {
        let all: u32 = self.lanes.iter().map(|books| books.active).sum();
        let beyond = self.rules.shared.is_some_and(|shared| all > shared.capacity);
        let full = self.rules.shared.is_some_and(|shared| all >= shared.capacity);
        for lane in LaneName::ALL {
            let (books, spec) = (&self.lanes[*lane as usize], self.rules.lanes[*lane as usize]);
            let (active, waiting, granted) = (books.active, books.waiting, books.granted);
            if waiting > 0 && active < spec.capacity && !full && spec.waiting > 0 {
                let what = format!(
                    "{waiting} wait in {lane} while {active} of {} places are taken",
                    spec.capacity
                );
                self.breach(Law::WorkConservation, None, what);
            }
            if granted && (active > spec.capacity || beyond) {
                let what = format!("{active} places of {lane} are taken, {all} in all");
                self.breach(Law::Capacity, None, what);
            }
            if granted {
                self.judge_priority(*lane);
            }
        }
    }

    fn judge_priority(&mut self, lane: LaneName) {
        let Some(shared) = self.rules.shared else { return };
        let before = shared.order.iter().take_while(|other| **other != lane);
        let passed = before.copied().find(|other| {
            let (books, spec) = (&self.lanes[*other as usize], self.rules.lanes[*other as usize]);
            books.waiting > 0 && books.active < spec.capacity
        });
        if let Some(passed) = passed {
            let what = format!("{lane} gets a place while {passed} waits, which comes before it");
            self.breach(Law::Priority, None, what);
        }
    }

    /// Only the first breach of a law is told, and how it was.
    fn breach(&mut self, law: Law, job: Option<JobId>, what: String) {
        if self.breaches.iter().all(|breach| breach.law != law) {
            let at = self.now;
            self.breaches.push(Breach { law, at, job, what });
        }
    }

    /// Closes the books at the end of a run: the first breach of each law, in the order in which they were seen.
    pub fn close(&mut self, end: SimTime, ending: &Ending) -> &[Breach] {
        self.judge_places();
        self.now = end;
        let left: Vec<(JobId, Account)> = match &mut self.accounts {
            Accounts::All(all) => {
                for account in all.iter_mut() {
                    account.end(end);
                }
                (0_u32..).map(JobId).zip(all.iter().copied()).collect()
            }
            Accounts::Open { open, .. } => std::mem::take(open)
                .into_iter()
                .map(|(job, mut account)| {
                    account.end(end);
                    (job, account)
                })
                .collect(),
        };
        for (job, account) in left {
            self.settle(job, &account, ending);
        }
        for lane in LaneName::ALL {
            let books = &mut self.lanes[*lane as usize];
            books.book(end);
            let said = [books.waited, books.held];
            let found = self.spent[*lane as usize];
            for ((said, found), verb) in said.iter().zip(found).zip(["waited", "held places"]) {
                if *said != found {
                    let what = format!("{lane} says that {said} ticks were {verb}, its jobs {found}");
                    self.breach(Law::Little, None, what);
                }
            }
        }
        &self.breaches
    }
}

impl Watch for Ledger {
    fn outside(&mut self, record: &Record<OutsideEvent>) {
        self.heard(record.at, record.job, &record.event);
    }

    fn core(&mut self, record: &Record<CoreEvent>) {
        self.told(record.at, record.job, &record.event);
    }

    fn service(&mut self, _record: &Record<ServiceEvent>) {}

    fn spent(&mut self, _spent: &Spent) {}
}

/// What is wrong with how a task left, if anything is.
fn unaccounted(account: &Account, ending: &Ending) -> Option<&'static str> {
    let parked = |state| state == StateName::NeedsIntervention;
    match (account.submitted, account.exit) {
        (None, Exit::Open) => None,
        (None, Exit::Refused | Exit::Ended(..)) => Some("left without being asked for"),
        (Some(_), Exit::Open) if *ending == Ending::Quiet => match account.standing {
            None => Some("was asked for and is nowhere"),
            Some((state, _)) if parked(state) => None,
            Some(_) => Some("is open although nothing is left to happen"),
        },
        (Some(_), _) => match (account.gave_up, account.began) {
            (Some(gave_up), Some(began)) if began > gave_up.next() => Some("is served after it gave up"),
            _ => None,
        },
    }
}

/// Holds two runs of the same tasks against each other, of which the second has more places or fewer arrivals: nobody
/// may begin later in it, but for the ticks that exchanges take.
///
/// Holds job by job where lanes are first come, first served, nobody gives up, and each job holds its place as long in
/// both.
#[must_use]
pub fn monotony(tight: &Ledger, wide: &Ledger) -> Option<Breach> {
    let slack = SimDuration::from_ticks(2_000);
    let pairs = tight.accounts().iter().zip(wide.accounts()).zip((0..).map(JobId));
    for ((tight, wide), job) in pairs {
        let (Some(less), Some(more)) = (tight.began, wide.began) else {
            continue;
        };
        if more > less + slack {
            return Some(Breach {
                law: Law::Monotony,
                at: more,
                job: Some(job),
                what: format!("begins at {more} where there is more room, and at {less} where there is less"),
            });
        }
    }
    None
}
