//! Decisions of the router, held against a naive reading of the attributes.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::check::catalogue::Id;
use crate::check::facts::TaskFacts;
use crate::check::seen::Seen;
use crate::check::tally::{Mark, Now, Tally, claim};
use crate::policy::{self, Attribute, Policy, Truth};
use crate::trace::{
    Boundary, CoreEvent, Decided, Event, Execution, JobEvent, LaneName, RouterEvent, RuntimeEvent,
};
use crate::units::SimTime;

/// Judges the group RO, with AP-25.
#[derive(Debug)]
pub(super) struct Routing {
    decided: Vec<bool>,
    /// Earlier decisions by what was declared.
    known: BTreeMap<BTreeMap<Arc<str>, Arc<str>>, Arc<Decided>>,
    /// Boundaries by effects, for each execution.
    by_effects: BTreeMap<u32, [Option<Boundary>; 2]>,
    waiting: [u32; 3],
    /// The cursor of each job's stream.
    cursors: Vec<Option<u64>>,
    policy: Option<String>,
}

/// A naive reading of the declared attributes.
struct Reading {
    gates: [Truth; 3],
    any_effect: Truth,
    contested: bool,
    relevant_unknown: bool,
}

fn any(task: &policy::Task, of: &[Attribute]) -> Truth {
    of.iter()
        .fold(Truth::False, |sum, attribute| sum.or(task.truth(*attribute)))
}

fn read(task: &policy::Task, boundary: Boundary) -> Reading {
    let effects = any(task, &Attribute::EFFECTS).or(any(task, &Attribute::UMBRELLAS));
    let fenced = match boundary {
        Boundary::Approval => Truth::True,
        Boundary::None => effects.negated(),
    };
    let of = |attribute: Attribute| task.truth(attribute);
    let gates = [
        of(Attribute::ValueAfterSession).and(fenced),
        of(Attribute::MultiStepOrSlow).or(of(Attribute::ReviewBeforeDelivery)),
        of(Attribute::CanShowStatus)
            .and(of(Attribute::CanShowRetry))
            .and(of(Attribute::CanRetrieveResult)),
    ];
    let pull = of(Attribute::UserSteering).or(of(Attribute::ConversationalValuePrimary));
    let brief = of(Attribute::AnswerShortWithinWait).or(of(Attribute::ToolsNarrowFast));
    let open = gates.iter().all(|gate| gate.is_true());
    Reading {
        gates,
        any_effect: effects,
        contested: open && (pull.is_true() || (pull.is_false() && brief.is_true())),
        relevant_unknown: effects.is_unknown() || gates.iter().any(|gate| gate.is_unknown()),
    }
}

const fn told(gate: Truth) -> Option<bool> {
    match gate {
        Truth::True => Some(true),
        Truth::False => Some(false),
        Truth::Unknown => None,
    }
}

impl Routing {
    pub(super) fn new(jobs: usize) -> Self {
        Self {
            decided: vec![false; jobs],
            known: BTreeMap::new(),
            by_effects: BTreeMap::new(),
            waiting: [0; 3],
            cursors: vec![None; jobs],
            policy: None,
        }
    }

    pub(super) fn see(&mut self, seen: &Seen<'_>, now: &Now<'_>, tally: &mut Tally) {
        if let Event::Core(CoreEvent::Runtime(RuntimeEvent::LaneLoad { lane, waiting, .. })) = now.event {
            self.waiting[*lane as usize] = *waiting;
        }
        let Some((id, job, task)) = seen.of(now) else {
            return;
        };
        match now.event {
            Event::Core(CoreEvent::Router(RouterEvent::Decided(decided))) => {
                let first = !std::mem::replace(&mut self.decided[id.0 as usize], true);
                self.decided(seen, now, (first, task), decided, tally);
            }
            Event::Core(CoreEvent::Runtime(RuntimeEvent::StreamGot { seq, .. })) => {
                self.cursors[id.0 as usize] = Some(*seq);
            }
            Event::Core(CoreEvent::Job(JobEvent::HandedOver { cursor, deadline })) => {
                let kept = *deadline == job.deadline && *cursor == self.cursors[id.0 as usize];
                tally.test(Id::Ro16, now.mark(), kept && job.may_hand_over(), || {
                    claim(
                        "a hand-over lost its deadline or its cursor, or was not permitted",
                        format!(
                            "deadline {} and cursor {:?}, where background is permitted",
                            job.deadline, self.cursors[id.0 as usize]
                        ),
                        format!("deadline {deadline} and cursor {cursor:?}"),
                    )
                });
            }
            _ => {}
        }
    }

    pub(super) fn tick_over(&mut self, _seen: &Seen<'_>, _at: SimTime, _tally: &mut Tally) {}

    pub(super) fn end(&mut self, _seen: &Seen<'_>, _end: SimTime, _tally: &mut Tally) {}

    fn decided(
        &mut self,
        seen: &Seen<'_>,
        now: &Now<'_>,
        (first, task): (bool, &TaskFacts),
        decided: &Arc<Decided>,
        tally: &mut Tally,
    ) {
        let mark = now.mark();
        let reading = read(&task.attributes, decided.boundary);
        gates(mark, decided, &reading, tally);
        self.boundary(mark, (task, decided), &reading, tally);
        if let Some(policy) = &seen.facts.policy {
            by_policy(mark, (first, policy), (task, decided), &reading, tally);
            self.recorded(mark, policy, (task, decided), tally);
        }
        self.same(mark, decided, tally);
    }

    fn boundary(
        &mut self,
        mark: Mark,
        (task, decided): (&TaskFacts, &Decided),
        reading: &Reading,
        tally: &mut Tally,
    ) {
        let fenced = decided.boundary == Boundary::Approval;
        let label = match decided.boundary {
            Boundary::Approval => LaneName::Approval,
            Boundary::None if decided.execution == Execution::Background => LaneName::Background,
            Boundary::None => LaneName::Interactive,
        };
        if reading.any_effect.is_true() {
            tally.test(Id::Ro04, mark, fenced && decided.lane == label, || {
                claim(
                    "a task with an effect has no approval boundary",
                    "approval",
                    format!("{} in lane {}", decided.boundary, decided.lane),
                )
            });
        }
        if reading.relevant_unknown {
            let narrow = (fenced || reading.any_effect.is_false())
                && (decided.execution == Execution::Interactive
                    || reading.gates.iter().all(|gate| gate.is_true()));
            tally.test(Id::Ro06, mark, narrow, || {
                claim(
                    "something unknown widened permission",
                    "interactive, and approval for unknown effects",
                    format!("{} with boundary {}", decided.execution, decided.boundary),
                )
            });
        }
        if self.waiting.iter().any(|waiting| *waiting > 0) {
            let right = fenced || reading.any_effect.is_false();
            tally.test(Id::Ro18, mark, right, || {
                claim("the boundary gave way under load", "approval", "none")
            });
        }
        let effects = Attribute::EFFECTS.iter().chain(&Attribute::UMBRELLAS);
        let effects = effects.fold(0_u32, |bits, effect| {
            bits << 1 | u32::from(!task.attributes.truth(*effect).is_false())
        });
        let seen = self.by_effects.entry(effects).or_default();
        let other = seen[1 - decided.execution as usize];
        seen[decided.execution as usize] = Some(decided.boundary);
        if let Some(other) = other {
            tally.test(Id::Ap25, mark, other == decided.boundary, || {
                claim(
                    "the same effects have another boundary in the other execution",
                    other.word(),
                    decided.boundary.word(),
                )
            });
        }
    }

    fn recorded(
        &mut self,
        mark: Mark,
        policy: &Policy,
        (task, decided): (&TaskFacts, &Decided),
        tally: &mut Tally,
    ) {
        let hash = self.policy.get_or_insert_with(|| policy.hash().to_string());
        let mut attributes = policy.vocabulary().attributes();
        let silent = attributes.all(|attribute| task.attributes.given(attribute).is_none());
        let noted = silent || !decided.attributes.is_empty();
        let whole = *decided.policy == **hash && !decided.rule.is_empty() && noted;
        tally.test(Id::Ro10, mark, whole, || {
            claim(
                "a decision does not say what it was decided by",
                format!("policy {hash}, a rule and attributes"),
                format!("policy {}, rule {}", decided.policy, decided.rule),
            )
        });
        let vocabulary = policy.vocabulary();
        let given = vocabulary
            .attributes()
            .filter_map(|attribute| task.attributes.given(attribute));
        let mut wanted = 0;
        let mut same = true;
        for given in given {
            wanted += 1;
            let noted = decided.attributes.get(vocabulary.name(given.attribute));
            let value = vocabulary.write_value(given.attribute, given.value);
            same &= noted.is_some_and(|noted| noted.starts_with(&*value));
        }
        tally.test(Id::Ro08, mark, same && wanted == decided.attributes.len(), || {
            claim(
                "a decision was taken on other attributes than were declared",
                format!("{wanted} declared attributes"),
                format!(
                    "{} attributes: {:?}",
                    decided.attributes.len(),
                    decided.attributes
                ),
            )
        });
    }

    fn same(&mut self, mark: Mark, decided: &Arc<Decided>, tally: &mut Tally) {
        let Some(before) = self.known.get(&decided.attributes) else {
            self.known.insert(decided.attributes.clone(), decided.clone());
            return;
        };
        let same = (before.lane, before.execution, before.boundary, &before.rule)
            == (decided.lane, decided.execution, decided.boundary, &decided.rule);
        tally.test(Id::Ro09, mark, same, || {
            claim(
                "the same task got another decision",
                format!("{} by {}", before.lane, before.rule),
                format!("{} by {}", decided.lane, decided.rule),
            )
        });
    }
}

fn gates(mark: Mark, decided: &Decided, reading: &Reading, tally: &mut Tally) {
    let named = decided.gates == reading.gates.map(told);
    let open = reading.gates.iter().all(|gate| gate.is_true());
    if decided.execution == Execution::Background {
        tally.test(Id::Ro02, mark, open, || {
            claim(
                "background was chosen with a gate that is not open",
                "three open gates",
                format!("{:?}", reading.gates.map(Truth::word)),
            )
        });
    }
    if reading.gates.iter().any(|gate| gate.is_false()) {
        tally.test(
            Id::Ro03,
            mark,
            named && decided.execution == Execution::Interactive,
            || {
                claim(
                    "a shut gate is not named, or not heeded",
                    format!("interactive, with gates {:?}", reading.gates.map(Truth::word)),
                    format!("{} with gates {:?}", decided.execution, decided.gates),
                )
            },
        );
    }
}

fn by_policy(
    mark: Mark,
    (first, policy): (bool, &Policy),
    (task, decided): (&TaskFacts, &Decided),
    reading: &Reading,
    tally: &mut Tally,
) {
    let named = policy
        .rules()
        .iter()
        .filter(|rule| *rule.id == *decided.rule)
        .count();
    tally.test(Id::Ro01, mark, first && named == 1, || {
        claim(
            "a task was decided twice, or by no rule of the policy",
            "one decision by one rule",
            format!("rule {}", decided.rule),
        )
    });
    let again = policy.decide(&task.attributes);
    let rule = again.rule_of(policy).map(|rule| &*rule.id);
    let execution = again.execution().map(policy::Execution::word);
    let same = execution == Some(decided.execution.word())
        && again.boundary.word() == decided.boundary.word()
        && rule == Some(&*decided.rule)
        && again.background_permitted() == decided.background_permitted;
    tally.test(Id::Ro12, mark, same, || {
        claim(
            "the router said something else than the policy",
            format!(
                "{} with boundary {} by {}",
                execution.unwrap_or("refused"),
                again.boundary.word(),
                rule.unwrap_or("no rule")
            ),
            format!(
                "{} with boundary {} by {}",
                decided.execution, decided.boundary, decided.rule
            ),
        )
    });
    if reading.contested {
        let because = policy
            .rules()
            .iter()
            .find(|rule| *rule.id == *decided.rule)
            .and_then(|rule| rule.because.as_ref());
        tally.test(Id::Ro07, mark, because.is_some(), || {
            claim(
                "a contested decision carries no reason",
                "a reason",
                format!("rule {} has none", decided.rule),
            )
        });
    }
}
