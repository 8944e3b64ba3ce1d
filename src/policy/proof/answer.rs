//! The sets of cells that answer the questions about a policy.

use crate::policy::attribute::Attribute;
use crate::policy::checked::Policy;
use crate::policy::condition::Condition;
use crate::policy::draft::Answer;
use crate::policy::lane::Execution;
use crate::policy::reading::Class;
use crate::policy::space::{Algebra, AxisValue, Eyes, Pin, Space, Table};

use super::question::{Plan, Question};
use super::site::{Site, SiteOwner};

/// What a policy does with a task; what it says of itself does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Interactive,
    Background,
    Refuse,
}

const DEEDS: [Deed; 3] = [Deed::Interactive, Deed::Background, Deed::Refuse];

const fn deed(answer: &Answer) -> Deed {
    match answer {
        Answer::Execute(Execution::Interactive) => Deed::Interactive,
        Answer::Execute(Execution::Background) => Deed::Background,
        Answer::Refuse(_) => Deed::Refuse,
    }
}

/// Everything that single questions are answered from.
struct Ground<'p, S> {
    space: &'p Space,
    policy: &'p Policy,
    table: Table<S>,
    eyes: Eyes<'p, S>,
    possible: S,
    /// Before each rule, where no earlier rule matched.
    open: Vec<S>,
    /// From each rule on, where the first that matches does each deed; by the order of [`DEEDS`].
    from: Vec<[S; 3]>,
    /// From each rule on, where some rule with a condition does each deed.
    asked: Vec<[S; 3]>,
    contested: S,
}

impl Plan {
    /// The sets that answer the questions, in their order.
    #[must_use]
    pub fn answer<A: Algebra>(&self, space: &Space, algebra: &mut A) -> Vec<A::Set> {
        let ground = Ground::new(space, self.policy(), algebra);
        let answers = self.questions().iter().map(|question| {
            let set = ground.answer(*question, algebra);
            algebra.and(&set, &ground.possible)
        });
        answers.collect()
    }
}

impl<'p, S: Clone + PartialEq> Ground<'p, S> {
    fn new(space: &'p Space, policy: &'p Policy, algebra: &mut impl Algebra<Set = S>) -> Self {
        let (mut table, eyes) = Table::with_eyes(space, 0, policy, None, algebra);
        let rules = policy.rules();
        let mut open = vec![algebra.all()];
        for matched in &table.matches {
            let rest = algebra.minus(&open[open.len() - 1], matched);
            open.push(rest);
        }
        let none = algebra.none();
        let mut from = vec![[none.clone(), none.clone(), none.clone()]];
        let mut asked = from.clone();
        for (rule, matched) in rules.iter().zip(&table.matches).rev() {
            let (later, later_asked) = (&from[from.len() - 1], &asked[asked.len() - 1]);
            let mut now = later.clone().map(|set| algebra.minus(&set, matched));
            let mut now_asked = later_asked.clone();
            let at = deed(&rule.answer) as usize;
            now[at] = algebra.or(&now[at], matched);
            if rule.when != Condition::Always {
                now_asked[at] = algebra.or(&now_asked[at], matched);
            }
            from.push(now);
            asked.push(now_asked);
        }
        from.reverse();
        asked.reverse();
        let contested = table.classes.contested(algebra);
        let possible = algebra.not(&table.impossible);
        table.impossible = algebra.none();
        Self {
            space,
            policy,
            table,
            eyes,
            possible,
            open,
            from,
            asked,
            contested,
        }
    }

    fn answer(&self, question: Question, algebra: &mut impl Algebra<Set = S>) -> S {
        let (table, classes) = (&self.table, &self.table.classes);
        match question {
            Question::Possible => algebra.all(),
            Question::Lane(lane) => table.lane(lane, algebra),
            Question::Execution(Execution::Interactive) => table.interactive.clone(),
            Question::Execution(Execution::Background) => table.background.clone(),
            Question::Refused => table.refused.clone(),
            Question::Approval => table.approval.clone(),
            Question::Class(class) => self.class(class, algebra),
            Question::Gap => table.no_rule.clone(),
            Question::EffectLoose => algebra.minus(&table.any_effect.yes, &table.approval),
            Question::UnknownLoose => {
                let known = algebra.or(&table.any_effect.yes, &table.any_effect.no);
                let unknown = algebra.not(&known);
                algebra.minus(&unknown, &table.approval)
            }
            Question::Decides(rule) => table.decides[rule].clone(),
            Question::Matches(rule) => table.matches[rule].clone(),
            Question::GateFalse(rule) => algebra.and(&table.decides[rule], &classes.all_gates.no),
            Question::GateUnknown(rule) => {
                let known = algebra.or(&classes.all_gates.yes, &classes.all_gates.no);
                algebra.minus(&table.decides[rule], &known)
            }
            Question::Outside(rule) => algebra.minus(&table.decides[rule], &classes.permits_interactive),
            Question::Refusal(rule) => algebra.minus(&table.decides[rule], &classes.permits_refusal),
            Question::Silent(rule) => algebra.and(&table.decides[rule], &self.contested),
            Question::Overlap(rule) => self.overlap(rule, algebra),
            Question::Needed(rule) => {
                let own = deed(&self.policy.rules()[rule].answer) as usize;
                algebra.minus(&table.decides[rule], &self.from[rule + 1][own])
            }
            Question::Literal(site) => self.literal(site, algebra),
            Question::EffectLoses(effect) => self.effect_loses(effect, algebra),
            Question::CapabilityMoves(capability) => self.capability_moves(capability, algebra),
        }
    }

    fn class(&self, class: Class, algebra: &impl Algebra<Set = S>) -> S {
        let at = Class::ALL.iter().position(|known| *known == class);
        at.map_or_else(|| algebra.none(), |at| self.table.classes.classes[at].clone())
    }

    fn overlap(&self, rule: usize, algebra: &mut impl Algebra<Set = S>) -> S {
        let own = deed(&self.policy.rules()[rule].answer);
        let mut other = algebra.none();
        for (at, deed) in DEEDS.into_iter().enumerate() {
            if deed != own {
                other = algebra.or(&other, &self.asked[rule + 1][at]);
            }
        }
        algebra.and(&self.table.decides[rule], &other)
    }

    /// Where the answer is another without the literal.
    fn literal(&self, site: Site, algebra: &mut impl Algebra<Set = S>) -> S {
        if let SiteOwner::Rule(rule) = site.owner {
            let Some(changed) = site.without(self.policy) else {
                return algebra.none();
            };
            let with = &self.table.matches[rule];
            let without = self.eyes.truth(&changed, algebra).yes;
            let differs = differing(with, &without, algebra);
            let reached = algebra.and(&differs, &self.open[rule]);
            let own = deed(&self.policy.rules()[rule].answer) as usize;
            return algebra.minus(&reached, &self.from[rule + 1][own]);
        }
        let Some(variant) = site.variant(self.policy) else {
            return algebra.none();
        };
        let (other, table) = (Table::read(self.space, 0, &variant, None, algebra), &self.table);
        let pairs = [
            (&table.approval, &other.approval),
            (&table.interactive, &other.interactive),
            (&table.background, &other.background),
            (&table.refused, &other.refused),
        ];
        let mut all = algebra.none();
        for (one, other) in pairs {
            let differs = differing(one, other, algebra);
            all = algebra.or(&all, &differs);
        }
        all
    }

    /// Behind the boundary without `effect`, and not with it.
    fn effect_loses(&self, effect: Attribute, algebra: &mut impl Algebra<Set = S>) -> S {
        let Some((pinned, elsewhere)) = self.pinned(effect, true, algebra) else {
            return algebra.none();
        };
        let kept = algebra.or(&pinned.approval, &pinned.impossible);
        let lost = algebra.minus(&self.table.approval, &kept);
        algebra.and(&lost, &elsewhere)
    }

    /// Not in the background with `capability`, and there without it.
    fn capability_moves(&self, capability: Attribute, algebra: &mut impl Algebra<Set = S>) -> S {
        let Some((pinned, elsewhere)) = self.pinned(capability, false, algebra) else {
            return algebra.none();
        };
        let there = algebra.minus(&pinned.background, &pinned.impossible);
        let moved = algebra.minus(&there, &self.table.background);
        algebra.and(&moved, &elsewhere)
    }

    /// The table with an attribute set, and where it is not set so anyway.
    fn pinned(
        &self,
        attribute: Attribute,
        value: bool,
        algebra: &mut impl Algebra<Set = S>,
    ) -> Option<(Table<S>, S)> {
        let axis = self.space.axis_of_built_in(attribute)?;
        let place = self.space.axes()[axis].place_of(&AxisValue::Truth(value))?;
        let pin = Some(Pin { axis, place });
        let pinned = Table::read(self.space, 0, self.policy, pin, algebra);
        let values = self.space.axes()[axis].values().len();
        let places: Vec<bool> = (0..values).map(|at| at != place).collect();
        Some((pinned, algebra.having(axis, &places)))
    }
}

fn differing<S>(one: &S, other: &S, algebra: &mut impl Algebra<Set = S>) -> S
where
    S: Clone + PartialEq,
{
    if one == other {
        return algebra.none();
    }
    let (more, less) = (algebra.minus(one, other), algebra.minus(other, one));
    algebra.or(&more, &less)
}
