//! A policy read over a whole space: which rule decides where, what stands before the effects, and what the
//! independent reading says about it.

use crate::policy::attribute::{Attribute, Flag};
use crate::policy::checked::Policy;
use crate::policy::draft::Answer;
use crate::policy::lane::{Execution, Lane};
use crate::policy::reading::Class;

use super::algebra::{Algebra, Pair};
use super::eyes::{Eyes, Pin};
use super::reach::Space;

/// What a policy answers, as sets of cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table<S> {
    /// Where the boundary is approval.
    pub approval: S,
    /// Where there is an effect.
    pub any_effect: Pair<S>,
    /// For each rule where its condition is true.
    pub matches: Vec<S>,
    /// For each rule where it decides: its condition is true and that of no earlier rule is.
    pub decides: Vec<S>,
    /// Where no rule decides, so that the task is refused.
    pub no_rule: S,
    /// Where the execution is interactive.
    pub interactive: S,
    /// Where the execution is background.
    pub background: S,
    /// Where a rule refuses the task.
    pub refused: S,
    /// What the policy takes to be impossible.
    pub impossible: S,
    /// What the independent reading says.
    pub classes: Classes<S>,
}

/// The independent reading over a space, written down apart from the one that single decisions carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classes<S> {
    /// The three gates.
    pub gates: [Pair<S>; 3],
    /// All three gates.
    pub all_gates: Pair<S>,
    /// Where each class is settled, in the order of [`Class::ALL`].
    pub classes: [S; 7],
    /// Where interactive execution is permitted, for every completion of what is unknown.
    pub permits_interactive: S,
    /// Where background execution is permitted, for every completion of what is unknown.
    pub permits_background: S,
    /// Where refusing the task is an alternative.
    pub permits_refusal: S,
}

impl<S: Clone + PartialEq> Table<S> {
    /// Reads `policy`, the `index`-th of `space`.
    pub fn read(
        space: &Space,
        index: usize,
        policy: &Policy,
        pin: Option<Pin>,
        algebra: &mut impl Algebra<Set = S>,
    ) -> Self {
        Self::with_eyes(space, index, policy, pin, algebra).0
    }

    /// Reads `policy`, and gives the eyes that know its facts as well.
    pub fn with_eyes<'s>(
        space: &'s Space,
        index: usize,
        policy: &Policy,
        pin: Option<Pin>,
        algebra: &mut impl Algebra<Set = S>,
    ) -> (Self, Eyes<'s, S>) {
        let mut eyes = Eyes::new(space, index, pin, algebra);
        let approval = settle_boundary(policy, &mut eyes, algebra);
        let rules = policy.rules();
        let matches: Vec<S> = rules
            .iter()
            .map(|rule| eyes.truth(&rule.when, algebra).yes)
            .collect();
        let mut open = algebra.all();
        let mut decides = Vec::with_capacity(matches.len());
        for matched in &matches {
            decides.push(algebra.and(&open, matched));
            open = algebra.minus(&open, matched);
        }
        let [mut interactive, mut background, mut refused] = [algebra.none(), algebra.none(), algebra.none()];
        for (rule, decided) in rules.iter().zip(&decides) {
            let answer = match rule.answer {
                Answer::Execute(Execution::Interactive) => &mut interactive,
                Answer::Execute(Execution::Background) => &mut background,
                Answer::Refuse(_) => &mut refused,
            };
            *answer = algebra.or(answer, decided);
        }
        let mut impossible = algebra.none();
        for assumption in policy.assumptions() {
            let never = eyes.truth(&assumption.never, algebra).yes;
            impossible = algebra.or(&impossible, &never);
        }
        let table = Self {
            approval,
            any_effect: eyes.flag(Flag::ANY_EFFECT, algebra),
            matches,
            decides,
            no_rule: open,
            interactive,
            background,
            refused,
            impossible,
            classes: Classes::read(&eyes, algebra),
        };
        (table, eyes)
    }

    /// The cells of a lane.
    pub fn lane(&self, lane: Lane, algebra: &mut impl Algebra<Set = S>) -> S {
        match lane {
            Lane::Interactive => algebra.minus(&self.interactive, &self.approval),
            Lane::Background => algebra.minus(&self.background, &self.approval),
            Lane::Approval => {
                let executed = algebra.or(&self.interactive, &self.background);
                algebra.and(&executed, &self.approval)
            }
        }
    }
}

/// Learns the facts and the fence on the way; unknown counts as approval.
fn settle_boundary<S: Clone + PartialEq>(
    policy: &Policy,
    eyes: &mut Eyes<'_, S>,
    algebra: &mut impl Algebra<Set = S>,
) -> S {
    for fact in policy.facts().iter().filter(|fact| !fact.after_boundary) {
        let truth = eyes.truth(&fact.when, algebra);
        eyes.learn(fact.flag, truth);
    }
    let asked = eyes.truth(policy.approval_when(), algebra);
    let approval = algebra.not(&asked.no);
    let effect = eyes.flag(Flag::ANY_EFFECT, algebra);
    let fenced = Pair {
        yes: algebra.or(&approval, &effect.no),
        no: algebra.minus(&effect.yes, &approval),
    };
    eyes.learn(Flag::EFFECTS_FENCED, fenced);
    for fact in policy.facts().iter().filter(|fact| fact.after_boundary) {
        let truth = eyes.truth(&fact.when, algebra);
        eyes.learn(fact.flag, truth);
    }
    approval
}

impl<S: Clone + PartialEq> Classes<S> {
    /// `eyes` have to know already whether the effects are fenced.
    fn read(eyes: &Eyes<'_, S>, algebra: &mut impl Algebra<Set = S>) -> Self {
        let status = eyes.built_in(Attribute::CanShowStatus, algebra);
        let retry = eyes.built_in(Attribute::CanShowRetry, algebra);
        let retrieve = eyes.built_in(Attribute::CanRetrieveResult, algebra);
        let value = eyes.built_in(Attribute::ValueAfterSession, algebra);
        let fenced = eyes.flag(Flag::EFFECTS_FENCED, algebra);
        let steps = eyes.built_in(Attribute::MultiStepOrSlow, algebra);
        let review = eyes.built_in(Attribute::ReviewBeforeDelivery, algebra);
        let steering = eyes.built_in(Attribute::UserSteering, algebra);
        let talk = eyes.built_in(Attribute::ConversationalValuePrimary, algebra);
        let short = eyes.built_in(Attribute::AnswerShortWithinWait, algebra);
        let fast = eyes.built_in(Attribute::ToolsNarrowFast, algebra);

        let lasts = value.and(&fenced, algebra);
        let slow = steps.or(&review, algebra);
        let shown = status.and(&retry, algebra).and(&retrieve, algebra);
        let pull = steering.or(&talk, algebra);
        let brief = short.or(&fast, algebra);
        Self::of(lasts, slow, shown, pull, brief, algebra)
    }

    fn of(
        lasts: Pair<S>,
        slow: Pair<S>,
        shown: Pair<S>,
        pull: Pair<S>,
        brief: Pair<S>,
        algebra: &mut impl Algebra<Set = S>,
    ) -> Self {
        let all_gates = lasts.and(&slow, algebra).and(&shown, algebra);
        let keep = pull.or(&brief, algebra);
        let brief_alone = algebra.and(&pull.no, &brief.yes);
        let homeless = algebra.and(&all_gates.no, &keep.no);
        let long = algebra.and(&homeless, &slow.yes);
        let gap = algebra.and(&long, &lasts.yes);
        let classes = [
            algebra.and(&all_gates.yes, &keep.no),
            algebra.and(&all_gates.yes, &pull.yes),
            algebra.and(&all_gates.yes, &brief_alone),
            algebra.and(&all_gates.no, &keep.yes),
            algebra.and(&homeless, &slow.no),
            algebra.and(&long, &lasts.no),
            algebra.and(&gap, &shown.no),
        ];
        let not_background = algebra.not(&all_gates.yes);
        let permits_interactive = algebra.or(&not_background, &keep.yes);
        let no_home = algebra.or(&lasts.no, &shown.no);
        let slow_alone = algebra.and(&keep.no, &slow.yes);
        let permits_refusal = algebra.and(&slow_alone, &no_home);
        Self {
            permits_background: all_gates.yes.clone(),
            permits_interactive,
            permits_refusal,
            gates: [lasts, slow, shown],
            all_gates,
            classes,
        }
    }

    /// Where both executions are defensible.
    pub fn contested(&self, algebra: &mut impl Algebra<Set = S>) -> S {
        let mut contested = algebra.none();
        for (class, set) in Class::ALL.into_iter().zip(&self.classes) {
            if class.is_contested() {
                contested = algebra.or(&contested, set);
            }
        }
        contested
    }
}
