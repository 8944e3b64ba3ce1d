//! The naive interpreter: reads a policy as it is written, one case at a time, and counts by splitting cases.
//!
//! It shares no evaluation with the rest of this room: its truths are `Option<bool>`, its conditions are the written
//! ones, facts are read anew wherever they are named, and an attribute is looked at only when it is needed. What is not
//! looked at stands for all its values at once, so the count over a space is exact without visiting every cell.

use crate::policy::attribute::{Attribute, Flag};
use crate::policy::checked::Policy;
use crate::policy::condition::{Comparison, Condition};
use crate::policy::draft::Answer;
use crate::policy::lane::{Boundary, Execution, Lane};
use crate::policy::space::{AxisValue, Cell, Space};
use crate::policy::task::{AttributeId, NumberId, Value};

use super::question::Question;

/// The axis that a reading needs a value of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need(pub usize);

/// A truth that may be unknown, or the axis that has to be settled first.
type Truth3 = Result<Option<bool>, Need>;

/// Reads one policy over one space.
#[derive(Debug, Clone)]
pub struct Naive<'p> {
    policy: &'p Policy,
    space: &'p Space,
    /// The axis of each flag and of each number, so that nobody searches for it case by case.
    flags: Vec<Option<usize>>,
    numbers: Vec<Option<usize>>,
    /// The fact that each flag names.
    facts: Vec<Option<usize>>,
}

/// A task of which some attributes are not looked at yet; one may be read as though it were another.
#[derive(Debug, Clone, Copy)]
struct Case<'c> {
    places: &'c [Option<usize>],
    pin: Option<(usize, usize)>,
}

/// How many cases are split before the interpreter gives up.
struct Budget(u64);

impl<'p> Naive<'p> {
    /// Reads `policy` over `space`.
    #[must_use]
    pub fn new(policy: &'p Policy, space: &'p Space) -> Self {
        let mut naive = Self {
            policy,
            space,
            flags: Vec::new(),
            numbers: Vec::new(),
            facts: Vec::new(),
        };
        for (axis, own) in space.axes().iter().enumerate() {
            match own.attribute(0) {
                Some(AttributeId::Flag(flag)) => note(&mut naive.flags, flag.index(), axis),
                Some(AttributeId::Number(number)) => note(&mut naive.numbers, number.index(), axis),
                None => {}
            }
        }
        for (fact, own) in policy.facts().iter().enumerate() {
            note(&mut naive.facts, own.flag.index(), fact);
        }
        naive
    }

    /// In how many cells the question is true; none after `cases_max` cases.
    #[must_use]
    pub fn count(&self, question: Question, cases_max: u64) -> Option<u128> {
        self.count_with(question, cases_max).0
    }

    /// The same, with how many cases were split for it.
    pub(super) fn count_with(&self, question: Question, cases_max: u64) -> (Option<u128>, u64) {
        let changed = self.changed(question);
        let changed = changed.as_ref().map(|changed| Naive::new(changed, self.space));
        let mut places = vec![None; self.space.axes().len()];
        let mut budget = Budget(cases_max);
        let count = self.split((question, changed.as_ref()), &mut places, &mut budget);
        (count, cases_max - budget.0)
    }

    /// The policy without what the question leaves out.
    fn changed(&self, question: Question) -> Option<Policy> {
        match question {
            Question::Literal(site) => site.variant(self.policy),
            Question::Needed(rule) => {
                let mut rules = self.policy.rules().to_vec();
                rules.remove(rule);
                let (boundary, facts) = (self.policy.approval_when(), self.policy.facts());
                Some(self.policy.altered(boundary.clone(), facts.to_vec(), rules))
            }
            _ => None,
        }
    }

    fn split(
        &self,
        question: (Question, Option<&Naive<'_>>),
        places: &mut Vec<Option<usize>>,
        budget: &mut Budget,
    ) -> Option<u128> {
        budget.0 = budget.0.checked_sub(1)?;
        match self.holds(question, places) {
            Ok(false) => Some(0),
            Ok(true) => {
                let open = places
                    .iter()
                    .zip(self.space.axes())
                    .filter(|(place, _)| place.is_none());
                open.map(|(_, axis)| axis.values().len() as u128)
                    .try_fold(1_u128, u128::checked_mul)
            }
            Err(Need(axis)) => {
                let mut sum = 0_u128;
                for place in 0..self.space.axes()[axis].values().len() {
                    places[axis] = Some(place);
                    sum = sum.checked_add(self.split(question, places, budget)?)?;
                }
                places[axis] = None;
                Some(sum)
            }
        }
    }

    /// Holds [`Policy::decide`] against this reading: on every case that it tells apart, by the two tasks of it whose
    /// other attributes have their first and their last values. Gives how many cases, or a cell on which they differ;
    /// none after `cases_max` cases.
    #[must_use]
    pub fn agrees(&self, cases_max: u64) -> Option<Result<u64, Cell>> {
        let mut places = vec![None; self.space.axes().len()];
        let mut budget = Budget(cases_max);
        Some(
            self.agree(&mut places, &mut budget)?
                .map(|()| cases_max - budget.0),
        )
    }

    fn agree(&self, places: &mut Vec<Option<usize>>, budget: &mut Budget) -> Option<Result<(), Cell>> {
        budget.0 = budget.0.checked_sub(1)?;
        let case = Case { places, pin: None };
        let read = self
            .approval(case)
            .and_then(|approval| Ok((approval, self.decides(case)?)));
        let Need(axis) = match read {
            Ok(read) => return Some(self.compare(read, places)),
            Err(need) => need,
        };
        for place in 0..self.space.axes()[axis].values().len() {
            places[axis] = Some(place);
            match self.agree(places, budget)? {
                Ok(()) => {}
                Err(cell) => return Some(Err(cell)),
            }
        }
        places[axis] = None;
        Some(Ok(()))
    }

    fn compare(&self, read: (bool, Option<usize>), places: &[Option<usize>]) -> Result<(), Cell> {
        let filled = |last: bool| {
            let pairs = places.iter().zip(self.space.axes());
            let places = pairs.map(|(place, axis)| {
                let other = if last { axis.values().len() - 1 } else { 0 };
                place.unwrap_or(other)
            });
            Cell(places.collect())
        };
        for cell in [filled(false), filled(true)] {
            let decision = self.policy.decide(&self.space.task(0, &cell));
            let compiled = (
                decision.boundary == Boundary::Approval,
                decision.rule.map(usize::from),
            );
            if compiled != read {
                return Err(cell);
            }
        }
        Ok(())
    }

    /// Whether the question is true of a cell.
    #[must_use]
    pub fn is_true(&self, question: Question, cell: &Cell) -> bool {
        let places: Vec<Option<usize>> = cell.0.iter().copied().map(Some).collect();
        let changed = self.changed(question);
        let changed = changed.as_ref().map(|changed| Naive::new(changed, self.space));
        self.holds((question, changed.as_ref()), &places) == Ok(true)
    }

    /// Whether these are the places of a cell of the space, and the question is true of it.
    #[must_use]
    pub fn shows(&self, question: Question, places: &[usize]) -> bool {
        let axes = self.space.axes();
        let within = places.len() == axes.len()
            && places
                .iter()
                .zip(axes)
                .all(|(place, axis)| *place < axis.values().len());
        within && self.is_true(question, &Cell(places.to_vec()))
    }

    /// The rule that decides a cell, if one does.
    #[must_use]
    pub fn rule(&self, cell: &Cell) -> Option<usize> {
        let places: Vec<Option<usize>> = cell.0.iter().copied().map(Some).collect();
        self.decides(Case {
            places: &places,
            pin: None,
        })
        .unwrap_or_default()
    }

    /// Whether a cell stands behind the approval boundary.
    #[must_use]
    pub fn asks(&self, cell: &Cell) -> bool {
        let places: Vec<Option<usize>> = cell.0.iter().copied().map(Some).collect();
        self.approval(Case {
            places: &places,
            pin: None,
        }) == Ok(true)
    }

    fn holds(
        &self,
        (question, changed): (Question, Option<&Naive<'_>>),
        places: &[Option<usize>],
    ) -> Result<bool, Need> {
        let case = Case { places, pin: None };
        // What cannot be needs no further look.
        if !self.possible(case)? {
            return Ok(false);
        }
        match changed {
            Some(other) => Ok(
                self.route(case)? != other.route(case)? || self.approval(case)? != other.approval(case)?
            ),
            None => self.asked(question, case),
        }
    }

    /// The execution or the refusal of the rule that decides, if one does.
    fn route(&self, case: Case<'_>) -> Result<Option<Option<Execution>>, Need> {
        let rule = self.decides(case)?;
        Ok(rule.map(|rule| route(&self.policy.rules()[rule].answer)))
    }

    /// Whether the rule decides, and a later one with a condition matches and answers otherwise.
    fn overlaps(&self, rule: usize, case: Case<'_>) -> Result<bool, Need> {
        if !self.decided_by(rule, case)? {
            return Ok(false);
        }
        let rules = self.policy.rules();
        for later in &rules[rule + 1..] {
            let differs = route(&later.answer) != route(&rules[rule].answer);
            if differs && later.when != Condition::Always && self.truth(&later.when, case)? == Some(true) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn possible(&self, case: Case<'_>) -> Result<bool, Need> {
        for assumption in self.policy.assumptions() {
            if self.truth(&assumption.never, case)? == Some(true) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn asked(&self, question: Question, case: Case<'_>) -> Result<bool, Need> {
        match question {
            Question::Possible => Ok(true),
            Question::Lane(lane) => {
                let execution = self.execution(case)?;
                Ok(match lane {
                    Lane::Approval => execution.is_some() && self.approval(case)?,
                    Lane::Interactive => execution == Some(Execution::Interactive) && !self.approval(case)?,
                    Lane::Background => execution == Some(Execution::Background) && !self.approval(case)?,
                })
            }
            Question::Execution(wanted) => Ok(self.execution(case)? == Some(wanted)),
            Question::Refused => {
                let rule = self.decides(case)?;
                Ok(rule.is_some_and(|rule| matches!(self.policy.rules()[rule].answer, Answer::Refuse(_))))
            }
            Question::Approval => self.approval(case),
            Question::Class(class) => Ok(self.line(case)? == Some(class.word())),
            Question::Gap => Ok(self.decides(case)?.is_none()),
            Question::EffectLoose => Ok(self.effect(case)? == Some(true) && !self.approval(case)?),
            Question::UnknownLoose => Ok(self.effect(case)?.is_none() && !self.approval(case)?),
            Question::Decides(rule) => self.decided_by(rule, case),
            Question::Matches(rule) => Ok(self.truth(&self.policy.rules()[rule].when, case)? == Some(true)),
            Question::GateFalse(rule) => Ok(self.decided_by(rule, case)? && self.gates(case)? == Some(false)),
            Question::GateUnknown(rule) => Ok(self.decided_by(rule, case)? && self.gates(case)?.is_none()),
            // Only the background is permitted where every gate holds and nothing speaks for staying, for certain or
            // for some completion of what is unknown.
            Question::Outside(rule) => Ok(self.decided_by(rule, case)?
                && self.gates(case)? == Some(true)
                && self.keep(case)? != Some(true)),
            Question::Refusal(rule) => Ok(self.decided_by(rule, case)? && !self.may_refuse(case)?),
            Question::Silent(rule) => {
                Ok(self.decided_by(rule, case)? && matches!(self.line(case)?, Some("D2" | "D3")))
            }
            Question::EffectLoses(effect) => self.pair(effect, true, case, |naive, without, with| {
                Ok(naive.approval(without)? && !naive.approval(with)?)
            }),
            Question::CapabilityMoves(capability) => {
                self.pair(capability, false, case, |naive, with, without| {
                    Ok(naive.execution(without)? == Some(Execution::Background)
                        && naive.execution(with)? != Some(Execution::Background))
                })
            }
            Question::Overlap(rule) => self.overlaps(rule, case),
            // Their answer is where the changed policy differs.
            Question::Literal(_) | Question::Needed(_) => Ok(false),
        }
    }

    /// Whether `ask` is true of the case as it is and with one attribute set, where it is not set so anyway.
    fn pair<'c>(
        &self,
        attribute: Attribute,
        value: bool,
        case: Case<'c>,
        ask: impl Fn(&Self, Case<'c>, Case<'c>) -> Result<bool, Need>,
    ) -> Result<bool, Need> {
        let Some(axis) = self.space.axis_of_built_in(attribute) else {
            return Ok(false);
        };
        let wanted = AxisValue::Truth(value);
        let place = self.space.axes()[axis]
            .values()
            .iter()
            .position(|known| *known == wanted);
        let Some(place) = place else {
            return Ok(false);
        };
        let own = case.places[axis].ok_or(Need(axis))?;
        let pinned = Case {
            pin: Some((axis, place)),
            ..case
        };
        Ok(own != place && ask(self, case, pinned)? && self.possible(pinned)?)
    }

    fn decided_by(&self, rule: usize, case: Case<'_>) -> Result<bool, Need> {
        Ok(self.decides(case)? == Some(rule))
    }

    fn decides(&self, case: Case<'_>) -> Result<Option<usize>, Need> {
        for (index, rule) in self.policy.rules().iter().enumerate() {
            if self.truth(&rule.when, case)? == Some(true) {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    fn execution(&self, case: Case<'_>) -> Result<Option<Execution>, Need> {
        Ok(self.route(case)?.flatten())
    }

    /// Unknown asks.
    fn approval(&self, case: Case<'_>) -> Result<bool, Need> {
        Ok(self.truth(self.policy.approval_when(), case)? != Some(false))
    }

    fn truth(&self, condition: &Condition, case: Case<'_>) -> Truth3 {
        match condition {
            Condition::Always => Ok(Some(true)),
            Condition::Never => Ok(Some(false)),
            Condition::Is(flag) => self.named(*flag, case),
            Condition::Compare {
                number,
                comparison,
                literal,
            } => self.compared(*number, *comparison, *literal, case),
            Condition::Not(inner) => Ok(self.truth(inner, case)?.map(|truth| !truth)),
            Condition::And(parts) => self.any(parts.iter(), false, case),
            Condition::Or(parts) => self.any(parts.iter(), true, case),
        }
    }

    /// `wanted` if one part is, unknown if one is unknown, else the contrary.
    fn any<'c>(&self, parts: impl Iterator<Item = &'c Condition>, wanted: bool, case: Case<'_>) -> Truth3 {
        let mut unknown = false;
        for part in parts {
            match self.truth(part, case)? {
                Some(truth) if truth == wanted => return Ok(Some(wanted)),
                Some(_) => {}
                None => unknown = true,
            }
        }
        Ok((!unknown).then_some(!wanted))
    }

    fn named(&self, flag: Flag, case: Case<'_>) -> Truth3 {
        if flag == Flag::ANY_EFFECT {
            return self.effect(case);
        }
        if flag == Flag::EFFECTS_FENCED {
            return self.fenced(case);
        }
        if let Some(Some(fact)) = self.facts.get(flag.index()) {
            return self.truth(&self.policy.facts()[*fact].when, case);
        }
        match self.place(AttributeId::Flag(flag), case)? {
            Some((_, AxisValue::Truth(truth))) => Ok(Some(*truth)),
            Some(_) => Ok(None),
            // An umbrella flag that the space leaves out does not hold.
            None => Ok(flag.built_in().map(|_| false)),
        }
    }

    fn attribute(&self, attribute: Attribute, case: Case<'_>) -> Truth3 {
        self.named(attribute.flag(), case)
    }

    fn effect(&self, case: Case<'_>) -> Truth3 {
        let mut unknown = false;
        for effect in Attribute::EFFECTS.into_iter().chain(Attribute::UMBRELLAS) {
            match self.attribute(effect, case)? {
                Some(true) => return Ok(Some(true)),
                Some(false) => {}
                None => unknown = true,
            }
        }
        Ok((!unknown).then_some(false))
    }

    fn fenced(&self, case: Case<'_>) -> Truth3 {
        if self.approval(case)? {
            return Ok(Some(true));
        }
        Ok(self.effect(case)?.map(|effect| !effect))
    }

    fn compared(&self, number: NumberId, comparison: Comparison, literal: u64, case: Case<'_>) -> Truth3 {
        let Some((axis, _)) = self.place(AttributeId::Number(number), case)? else {
            return Ok(None);
        };
        let place = self.settled(axis, case)?;
        let value = match self.space.axes()[axis].given(0, place).map(|given| given.value) {
            Some(Value::Number(Some(value))) => value,
            Some(Value::Number(None) | Value::Truth(_)) | None => return Ok(None),
        };
        Ok(Some(match comparison {
            Comparison::Equal => value == literal,
            Comparison::NotEqual => value != literal,
            Comparison::Less => value < literal,
            Comparison::AtMost => value <= literal,
            Comparison::More => value > literal,
            Comparison::AtLeast => value >= literal,
        }))
    }

    /// The axis and the value of an attribute; none if the space has no such axis.
    fn place(&self, attribute: AttributeId, case: Case<'_>) -> Result<Option<(usize, &AxisValue)>, Need> {
        let known = match attribute {
            AttributeId::Flag(flag) => self.flags.get(flag.index()),
            AttributeId::Number(number) => self.numbers.get(number.index()),
        };
        let Some(Some(axis)) = known.copied() else {
            return Ok(None);
        };
        let place = self.settled(axis, case)?;
        Ok(Some((axis, &self.space.axes()[axis].values()[place])))
    }

    fn settled(&self, axis: usize, case: Case<'_>) -> Result<usize, Need> {
        match case.pin {
            Some((pinned, place)) if pinned == axis => Ok(place),
            _ => case.places[axis].ok_or(Need(axis)),
        }
    }

    /// The three gates, all together.
    fn gates(&self, case: Case<'_>) -> Truth3 {
        let mut unknown = false;
        for gate in [self.lasts(case), self.slow(case), self.shown(case)] {
            match gate? {
                Some(false) => return Ok(Some(false)),
                Some(true) => {}
                None => unknown = true,
            }
        }
        Ok((!unknown).then_some(true))
    }

    fn lasts(&self, case: Case<'_>) -> Truth3 {
        let value = self.attribute(Attribute::ValueAfterSession, case)?;
        if value == Some(false) {
            return Ok(value);
        }
        Ok(match (value, self.fenced(case)?) {
            (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        })
    }

    fn slow(&self, case: Case<'_>) -> Truth3 {
        self.either(Attribute::MultiStepOrSlow, Attribute::ReviewBeforeDelivery, case)
    }

    fn shown(&self, case: Case<'_>) -> Truth3 {
        let mut unknown = false;
        for capability in Attribute::CAPABILITIES {
            match self.attribute(capability, case)? {
                Some(false) => return Ok(Some(false)),
                Some(true) => {}
                None => unknown = true,
            }
        }
        Ok((!unknown).then_some(true))
    }

    fn pull(&self, case: Case<'_>) -> Truth3 {
        self.either(
            Attribute::UserSteering,
            Attribute::ConversationalValuePrimary,
            case,
        )
    }

    fn brief(&self, case: Case<'_>) -> Truth3 {
        self.either(Attribute::AnswerShortWithinWait, Attribute::ToolsNarrowFast, case)
    }

    fn keep(&self, case: Case<'_>) -> Truth3 {
        let pull = self.pull(case)?;
        if pull == Some(true) {
            return Ok(pull);
        }
        Ok(match (pull, self.brief(case)?) {
            (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        })
    }

    fn either(&self, one: Attribute, other: Attribute, case: Case<'_>) -> Truth3 {
        let first = self.attribute(one, case)?;
        if first == Some(true) {
            return Ok(first);
        }
        Ok(match (first, self.attribute(other, case)?) {
            (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        })
    }

    /// The line of the table that is settled.
    fn line(&self, case: Case<'_>) -> Result<Option<&'static str>, Need> {
        match self.gates(case)? {
            Some(true) => match self.pull(case)? {
                Some(true) => Ok(Some("D2")),
                Some(false) => Ok(match self.brief(case)? {
                    Some(true) => Some("D3"),
                    Some(false) => Some("D1"),
                    None => None,
                }),
                None => Ok(None),
            },
            Some(false) => match self.keep(case)? {
                Some(true) => Ok(Some("D4")),
                Some(false) => self.left_over(case),
                None => Ok(None),
            },
            None => Ok(None),
        }
    }

    /// Neither all gates nor anything that speaks for staying.
    fn left_over(&self, case: Case<'_>) -> Result<Option<&'static str>, Need> {
        match self.slow(case)? {
            Some(false) => Ok(Some("D5")),
            Some(true) => match self.lasts(case)? {
                Some(false) => Ok(Some("D6")),
                Some(true) if self.shown(case)? == Some(false) => Ok(Some("D7")),
                Some(true) | None => Ok(None),
            },
            None => Ok(None),
        }
    }

    /// Long work that nothing keeps here and that has no healthy lane elsewhere.
    fn may_refuse(&self, case: Case<'_>) -> Result<bool, Need> {
        if self.slow(case)? != Some(true) || self.keep(case)? != Some(false) {
            return Ok(false);
        }
        Ok(self.lasts(case)? == Some(false) || self.shown(case)? == Some(false))
    }
}

fn note(places: &mut Vec<Option<usize>>, index: usize, value: usize) {
    if places.len() <= index {
        places.resize(index + 1, None);
    }
    places[index] = Some(value);
}

const fn route(answer: &Answer) -> Option<Execution> {
    match answer {
        Answer::Execute(execution) => Some(*execution),
        Answer::Refuse(_) => None,
    }
}
