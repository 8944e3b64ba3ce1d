//! The people of a scenario, and what changes around the jobs.
//!
//! `people` is a list; each entry is one of these.
//!
//! | key of `user` | value | default |
//! |---|---|---|
//! | `tasks` | the tasks this user asks for | every task that no other user has |
//! | `leaves_after` | how long after asking the session is closed, a law | never |
//! | `patience` | how long after asking the user waits for the work to begin, a law; who still waits then cancels | for ever |
//! | `balks` | `full`: cancels at the first look if nobody can even wait in the lane; `busy`: if the work has not begun | never |
//! | `retries` | `{ probability, after, times }`: who balked or gave up comes again so likely, after this law, so often at most; in comparisons | never |
//! | `cancels_after` | how long after asking a cancel is asked for; or a list | never |
//! | `cancels` | the same in full: a list of `{ at or after, by }` | never |
//! | `withdraws_after` | how long after an approval request it is taken back | never |
//!
//! | key of `approver` | value | default |
//! |---|---|---|
//! | `name` | who | required |
//! | `roles` | what they may decide as | `[approver]` |
//! | `acts_for` | for whom, if not for themselves | |
//! | `takes` | how long a decision takes, a law | `1m` |
//! | `decides` | `approve`, `approve_twice: GAP`, `approve_stale`, `deny`, `deny: REASON`, `edit: { act, arguments }`, `ignore`; a list is for the first request of a job, the second, ... | `approve` |
//! | `reach` | `eligible`: takes up what they may decide; `every`: everything | `eligible` |
//!
//! | key of `staff` | value | default |
//! |---|---|---|
//! | `name` | what they are called; each of them is `NAME-1`, `NAME-2`, ... | required |
//! | `people` | how many they are | required |
//! | `roles` | what they may decide as | `[approver]` |
//! | `takes` | how long a decision takes, a law | `1m` |
//! | `decides` | `approve`, `deny` or `deny: REASON`; a list is for the first request of a job, the second, ... | `approve` |
//! | `shifts` | a list of `{ from, to, people }`, hours of every day; a run starts at midnight | always there |
//!
//! | `batch` | `{ most, least, after }`: so many at most are taken up at once and decided in the time of one, as soon as `least` wait, or the first has waited for `after` | one at a time |
//! | `to_deny` | how many of the requests ought to be denied; drawn for each of them | none |
//! | `attention` | `{ wrong, wrong_per_hour, wrong_per_waiting, wrong_at_most, slower_per_hour, faster_per_waiting }`: how likely a decision is the opposite of what it ought to be, and how that and its time change with the hours of a shift and with the requests still in line; all of them shares | always right |
//!
//! A staff has one line: the requests that wait longest go to whoever is free, and nobody takes more before those are decided.
//!
//! | key of `operator` | value | default |
//! |---|---|---|
//! | `name` | who | required |
//! | `takes` | how long it takes from the notification to the act, a law | `5m` |
//! | `answers` | a list of `{ verb, reason, cause, times, extend, result }`; the first that fits is given | required |
//!
//! | key of `change` | value | default |
//! |---|---|---|
//! | `at` | when | required |
//! | `what` | in plain words | required |
//! | `quorum` | from now on so many approvers are needed | one of the two is required |
//! | `target` | `{ sink, version, notice: given or silent }`: the target of a sink has another version | |

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::job::RosterEntry;
use crate::people::{
    ApproverScript, Attention, Balk, Batch, Behaviour, Cancel, Change, Changed, Notice, OperatorAnswer,
    OperatorScript, Reach, Retrial, Shift, StaffScript, UserScript, When,
};
use crate::scenario::decode::{
    MapReader, duration, integer, list_or_one, map, mismatch, non_empty, probability, variant, words,
};
use crate::scenario::kinds::value::{arguments, law, name, named, positive, spanned_name, text};
use crate::scenario::kinds::{Product, defaults};
use crate::scenario::{Diagnostic, Diagnostics, Node, NodeKind, Span, Spanned, quoted};
use crate::trace::{Principal, Verb};
use crate::units::{JobId, Probability, SimDuration, SimTime};

use super::names::Names;
use super::world::instant;

/// Everybody around the jobs.
#[derive(Debug, Clone, Default)]
pub struct People {
    /// The users; the first one stands for all tasks that no other has.
    pub users: Vec<UserScript>,
    /// The user of each job, by its place in `users`, sorted; jobs that are not there have the first.
    pub user_of: Vec<(JobId, usize)>,
    /// Who decides about approvals.
    pub approvers: Vec<ApproverScript>,
    /// Who among them works on one line together.
    pub staffs: Vec<StaffScript>,
    /// Who looks after parked jobs.
    pub operators: Vec<OperatorScript>,
    /// What changes.
    pub changes: Vec<Change>,
    /// Where it is written that somebody comes again.
    pub again: Option<Span>,
}

impl People {
    /// How often anybody comes again at most.
    #[must_use]
    pub fn retrials(&self) -> u16 {
        let users = self.users.iter();
        let times = users.filter_map(|user| Some(user.retrial?.times));
        times.max().unwrap_or(0)
    }

    /// The place of a job's user.
    #[must_use]
    pub fn user(&self, job: JobId) -> usize {
        let found = self.user_of.binary_search_by_key(&job, |(known, _)| *known);
        found.map_or(0, |place| self.user_of[place].1)
    }

    /// How long those who decide about approvals are there until `until`, all told.
    #[must_use]
    pub fn there_until(&self, until: SimTime) -> SimDuration {
        let alone = self.approvers.iter().filter(|approver| approver.staff.is_none());
        let alone = until.since(SimTime::START).saturating_mul(alone.count() as u64);
        let staffs = self.staffs.iter().map(|staff| staff.there_until(until));
        staffs.fold(alone, |sum, there| sum + there)
    }
}

const PERSONS: [&str; 5] = ["user", "approver", "staff", "operator", "change"];
/// More people than this no staff has.
const STAFF_MAX: usize = 1_000;
/// How often a user comes again if nothing is said, and at most.
const RETRIALS: u16 = 3;
const RETRIALS_MAX: u16 = 20;
/// More requests than this nobody takes at once.
const BATCH_MAX: usize = 1_000;

/// Reads people, list after list.
pub(super) struct PeopleReader<'a> {
    names: &'a Names,
    product: &'a Product,
    people: People,
    /// Where the user of every other task is written.
    everyone: Option<Span>,
    taken: BTreeMap<JobId, Span>,
}

impl<'a> PeopleReader<'a> {
    pub(super) fn new(names: &'a Names, product: &'a Product) -> Self {
        let people = People {
            users: vec![UserScript::default()],
            ..People::default()
        };
        Self {
            names,
            product,
            people,
            everyone: None,
            taken: BTreeMap::new(),
        }
    }

    /// Reads one list.
    pub(super) fn list(&mut self, node: &Node, out: &mut Diagnostics) {
        let NodeKind::List(items) = &node.kind else {
            return mismatch(node, "a list of people", out);
        };
        for item in items {
            self.person(item, out);
        }
    }

    fn person(&mut self, node: &Node, out: &mut Diagnostics) -> Option<()> {
        let case = variant("person", &PERSONS, node, out)?;
        match case.name {
            "user" => case.value(|node, out| self.user(node, out), out)?,
            "approver" => self.people.approvers.push(case.value(approver, out)?),
            "staff" => case.value(|node, out| self.staff(node, out), out)?,
            "operator" => self.people.operators.push(case.value(operator, out)?),
            _ => {
                let product = self.product;
                let change = case.value(|node, out| change(product, node, out), out)?;
                self.people.changes.push(change);
            }
        }
        Some(())
    }

    pub(super) fn finish(mut self) -> People {
        self.people.user_of.sort_unstable();
        self.people
    }

    fn user(&mut self, node: &Node, out: &mut Diagnostics) -> Option<()> {
        let mut keys = map(node, out)?;
        let tasks = keys.optional("tasks", list_or_one(spanned_name));
        let script = user(&mut keys);
        let again = keys.key_span("retries");
        keys.finish();
        if let Some(UserScript { retrial: Some(_), .. }) = script {
            self.people.again.get_or_insert(again);
        }
        let (tasks, script) = (tasks?, script?);
        let Some(tasks) = tasks else {
            if let Some(first) = self.everyone.replace(node.header) {
                let error = Diagnostic::error("two users have every task that no other has");
                out.push(
                    error
                        .at(node.header, "")
                        .at(first, "the other")
                        .help("say which `tasks` each of them has"),
                );
            }
            self.people.users[0] = script;
            return Some(());
        };
        let place = self.people.users.len();
        self.people.users.push(script);
        for task in tasks {
            for job in self.names.jobs(&task, out).unwrap_or_default() {
                self.take(job, place, &task, out);
            }
        }
        Some(())
    }

    fn staff(&mut self, node: &Node, out: &mut Diagnostics) -> Option<()> {
        let mut keys = map(node, out)?;
        let who = keys.required("name", name);
        let people = keys.required("people", integer(1..=STAFF_MAX));
        let roles = keys.or("roles", vec![defaults::plan().approval.role], list_or_one(name));
        let takes = keys.or("takes", defaults::APPROVER_TAKES, law);
        let decides = keys.or("decides", vec![Behaviour::Approve], list_or_one(answer_of_staff));
        let shifts = keys.or("shifts", Vec::new(), |node, out| shifts(node, people, out));
        let batch = keys.or("batch", Batch::SINGLE, batch);
        let always_there = shifts.as_ref().is_some_and(Vec::is_empty);
        let attention = keys.or("attention", Attention::PERFECT, |node, out| {
            attention(node, always_there, out)
        });
        let to_deny = keys.or("to_deny", Probability::ZERO, probability);
        keys.finish();
        let (who, people, roles, takes, decides) = (who?, people?, roles?, takes?, decides?);
        let first = self.people.approvers.len();
        let staff = Some(self.people.staffs.len());
        self.people
            .approvers
            .extend((1..=people).map(|number| ApproverScript {
                person: RosterEntry {
                    name: Principal(format!("{who}-{number}").into()),
                    roles: roles.clone(),
                    acts_for: None,
                },
                takes,
                decides: decides.clone(),
                reach: Reach::Eligible,
                staff,
            }));
        self.people.staffs.push(StaffScript {
            name: who,
            takes,
            members: first..first + people,
            batch: batch?,
            attention: attention?,
            shifts: shifts?,
            to_deny: to_deny?,
        });
        Some(())
    }

    fn take(&mut self, job: JobId, place: usize, task: &Spanned<Arc<str>>, out: &mut Diagnostics) {
        if let Some(first) = self.taken.get(&job) {
            let error = Diagnostic::error(format!("the task {} has two users", quoted(&task.value)));
            out.push(error.at(task.span, "").at(*first, "the other"));
            return;
        }
        self.taken.insert(job, task.span);
        self.people.user_of.push((job, place));
    }
}

/// The shifts of so many people, in the order of the day.
fn shifts(node: &Node, people: Option<usize>, out: &mut Diagnostics) -> Option<Vec<Shift>> {
    let most = people.unwrap_or(STAFF_MAX);
    let shifts = non_empty(|node: &Node, out: &mut Diagnostics| shift(node, most, out))(node, out)?;
    let mut sorted = shifts.clone();
    sorted.sort_by_key(|shift| shift.from);
    if sorted.windows(2).any(|pair| pair[1].from < pair[0].to) {
        let error = Diagnostic::error("two shifts of a staff overlap");
        out.push(
            error
                .at(node.header, "")
                .help("say for each part of the day once how many `people` are there"),
        );
        return None;
    }
    Some(sorted)
}

fn shift(node: &Node, most: usize, out: &mut Diagnostics) -> Option<Shift> {
    let mut keys = map(node, out)?;
    let from = keys.required("from", duration);
    let to = keys.required("to", duration);
    let people = keys.or("people", most, integer(1..=most));
    let header = keys.header();
    keys.finish();
    let shift = Shift {
        from: from?,
        to: to?,
        people: people?,
    };
    if shift.from >= shift.to || shift.to > SimDuration::from_secs(24 * 3_600) {
        let error = Diagnostic::error("a shift begins before it ends, and ends with the day at the latest");
        out.push(
            error
                .at(header, "")
                .help("a night is two shifts: `{ from: 22h, to: 24h }` and `{ from: 0s, to: 6h }`"),
        );
        return None;
    }
    Some(shift)
}

fn batch(node: &Node, out: &mut Diagnostics) -> Option<Batch> {
    let mut keys = map(node, out)?;
    let most = keys.required("most", integer(1..=BATCH_MAX));
    let least = keys.or("least", 1, integer(1..=BATCH_MAX));
    let after = keys.optional("after", positive);
    let (header, spot) = (keys.header(), keys.key_span("least"));
    keys.finish();
    let batch = Batch {
        most: most?,
        least: least?,
        after: after?,
    };
    if batch.least > batch.most {
        let error = Diagnostic::error(format!(
            "{} requests have to wait before {} are taken",
            batch.least, batch.most
        ));
        out.push(error.at(spot, "").help("let `least` be no more than `most`"));
        return None;
    }
    if batch.least > 1 && batch.after.is_none() {
        let error = Diagnostic::error("the last requests of a run would wait for ever");
        let help = "say after which time fewer than `least` are taken, such as `after: 30m`";
        out.push(error.at(header, "has `least` and no `after`").help(help));
        return None;
    }
    Some(batch)
}

fn attention(node: &Node, always_there: bool, out: &mut Diagnostics) -> Option<Attention> {
    let usual = Attention::PERFECT;
    let mut keys = map(node, out)?;
    let wrong = keys.or("wrong", usual.wrong, probability);
    let wrong_per_hour = keys.or("wrong_per_hour", usual.wrong_per_hour, probability);
    let wrong_per_waiting = keys.or("wrong_per_waiting", usual.wrong_per_waiting, probability);
    let wrong_at_most = keys.or("wrong_at_most", usual.wrong_at_most, probability);
    let slower_per_hour = keys.or("slower_per_hour", Probability::ZERO, probability);
    let faster_per_waiting = keys.or("faster_per_waiting", Probability::ZERO, probability);
    for (key, share) in [
        ("wrong_per_hour", wrong_per_hour),
        ("slower_per_hour", slower_per_hour),
    ] {
        if always_there && share.is_some_and(|share| share > Probability::ZERO) {
            let error = Diagnostic::error("nobody's hours ever begin");
            let span = keys.key_span(key);
            let help = "say from when to when they work, such as `shifts: [{ from: 9h, to: 17h }]`";
            keys.out()
                .push(error.at(span, "counts the hours of a shift").help(help));
        }
    }
    keys.finish();
    Some(Attention {
        wrong: wrong?,
        wrong_per_hour: wrong_per_hour?,
        wrong_per_waiting: wrong_per_waiting?,
        wrong_at_most: wrong_at_most?,
        slower_per_hour: slower_per_hour?.value(),
        faster_per_waiting: faster_per_waiting?.value(),
    })
}

fn answer_of_staff(node: &Node, out: &mut Diagnostics) -> Option<Behaviour> {
    let case = variant("decision", &["approve", "deny"], node, out)?;
    match case.name {
        "approve" => case.bare(Behaviour::Approve, out),
        _ => case.optional(text, out).map(|reason| Behaviour::Deny { reason }),
    }
}

fn user(keys: &mut MapReader<'_, '_>) -> Option<UserScript> {
    let balks = [("full", Balk::Full), ("busy", Balk::Busy)];
    let leaves_after = keys.optional("leaves_after", law);
    let patience = keys.optional("patience", law);
    let balks = keys.optional("balks", words("reason to balk", &balks));
    let retries = keys.optional("retries", retrial);
    let short = keys.or("cancels_after", Vec::new(), list_or_one(duration));
    let full = keys.or("cancels", Vec::new(), list_or_one(cancel));
    let withdraws_after = keys.optional("withdraws_after", positive);
    let short = short?.into_iter().map(|after| Cancel {
        when: When::After(after),
        by: None,
    });
    Some(UserScript {
        leaves_after: leaves_after?,
        patience: patience?,
        balks: balks?,
        retrial: retries?,
        cancels: short.chain(full?).collect(),
        withdraws_after: withdraws_after?,
    })
}

fn retrial(node: &Node, out: &mut Diagnostics) -> Option<Retrial> {
    let mut keys = map(node, out)?;
    let probability = keys.required("probability", probability);
    let after = keys.required("after", law);
    let times = keys.or("times", RETRIALS, integer(1..=RETRIALS_MAX));
    keys.finish();
    Some(Retrial {
        probability: probability?,
        after: after?,
        times: times?,
    })
}

fn cancel(node: &Node, out: &mut Diagnostics) -> Option<Cancel> {
    let mut keys = map(node, out)?;
    let when = match keys.one_of(&["at", "after"]) {
        Some(("at", node)) => duration(node, keys.out()).map(|at| When::At(instant(at))),
        Some((_, node)) => duration(node, keys.out()).map(When::After),
        None => None,
    };
    let by = keys.optional("by", name);
    keys.finish();
    Some(Cancel {
        when: when?,
        by: by?.map(Principal),
    })
}

fn approver(node: &Node, out: &mut Diagnostics) -> Option<ApproverScript> {
    let reach = [("eligible", Reach::Eligible), ("every", Reach::Every)];
    let mut keys = map(node, out)?;
    let who = keys.required("name", name);
    let roles = keys.or("roles", vec![defaults::plan().approval.role], list_or_one(name));
    let acts_for = keys.optional("acts_for", name);
    let takes = keys.or("takes", defaults::APPROVER_TAKES, law);
    let decides = keys.or("decides", vec![Behaviour::Approve], list_or_one(behaviour));
    let reach = keys.or("reach", Reach::Eligible, words("reach", &reach));
    keys.finish();
    let person = RosterEntry {
        name: Principal(who?),
        roles: roles?,
        acts_for: acts_for?.map(Principal),
    };
    Some(ApproverScript {
        person,
        takes: takes?,
        decides: decides?,
        reach: reach?,
        staff: None,
    })
}

const BEHAVIOURS: [&str; 6] = [
    "approve",
    "approve_twice",
    "approve_stale",
    "deny",
    "edit",
    "ignore",
];

fn behaviour(node: &Node, out: &mut Diagnostics) -> Option<Behaviour> {
    let case = variant("decision", &BEHAVIOURS, node, out)?;
    match case.name {
        "approve" => case.bare(Behaviour::Approve, out),
        "approve_twice" => case
            .value(duration, out)
            .map(|gap| Behaviour::ApproveTwice { gap }),
        "approve_stale" => case.bare(Behaviour::ApproveStale, out),
        "deny" => case.optional(text, out).map(|reason| Behaviour::Deny { reason }),
        "edit" => case.value(edit, out),
        _ => case.bare(Behaviour::Ignore, out),
    }
}

fn edit(node: &Node, out: &mut Diagnostics) -> Option<Behaviour> {
    let mut keys = map(node, out)?;
    let act = keys.or("act", 1, integer(1..=u16::MAX));
    let arguments = keys.required("arguments", arguments);
    keys.finish();
    Some(Behaviour::Edit {
        act: act? - 1,
        arguments: arguments?,
    })
}

fn operator(node: &Node, out: &mut Diagnostics) -> Option<OperatorScript> {
    let mut keys = map(node, out)?;
    let who = keys.required("name", name);
    let takes = keys.or("takes", defaults::OPERATOR_TAKES, law);
    let answers = keys.required("answers", non_empty(answer));
    keys.finish();
    Some(OperatorScript {
        name: Principal(who?),
        takes: takes?,
        answers: answers?,
    })
}

fn answer(node: &Node, out: &mut Diagnostics) -> Option<OperatorAnswer> {
    let mut keys = map(node, out)?;
    let verb = keys.required("verb", named("verb", Verb::ALL, Verb::word));
    let reason = keys.required("reason", text);
    let cause = keys.optional("cause", text);
    let times = keys.optional("times", integer(1..=1_000));
    let extend = keys.optional("extend", positive);
    let result = keys.optional("result", text);
    if let (Some(Verb::Resolve), Some(None)) = (verb, &result) {
        let error = Diagnostic::error("an operator who resolves a job supplies its result");
        let span = keys.header();
        keys.out().push(error.at(span, "has no `result`"));
    }
    keys.finish();
    Some(OperatorAnswer {
        cause: cause?,
        times: times?,
        verb: verb?,
        reason: reason?,
        extend: extend?,
        result: result?,
    })
}

fn change(product: &Product, node: &Node, out: &mut Diagnostics) -> Option<Change> {
    let mut keys = map(node, out)?;
    let at = keys.required("at", duration);
    let what = keys.required("what", text);
    let change = match keys.one_of(&["quorum", "target"]) {
        Some(("quorum", node)) => integer(1..=100)(node, keys.out()).map(Changed::Quorum),
        Some((_, node)) => target(product, node, keys.out()),
        None => None,
    };
    keys.finish();
    Some(Change {
        at: instant(at?),
        what: what?,
        change: change?,
    })
}

fn target(product: &Product, node: &Node, out: &mut Diagnostics) -> Option<Changed> {
    let notices = [("given", Notice::Given), ("silent", Notice::Silent)];
    let mut keys = map(node, out)?;
    let sink = keys.required("sink", spanned_name);
    let version = keys.required("version", text);
    let notice = keys.or("notice", Notice::Given, words("notice", &notices));
    keys.finish();
    let sink = sink?;
    product.known_sink(&sink, out)?;
    Some(Changed::Target {
        sink: sink.value,
        version: version?,
        notice: notice?,
    })
}
