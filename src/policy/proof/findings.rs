//! Writes the findings that follow from the answers: message, task, fix.

use crate::policy::attribute::{Attribute, Truth};
use crate::policy::checked::Policy;
use crate::policy::draft::Answer;
use crate::policy::lane::{Execution, Lane};
use crate::policy::space::{Cell, Space};
use crate::policy::task::AttributeId;

use super::clause::{Clause, ClauseVerdict};
use super::issue::{FindingId, PolicyFinding, Subject, Witness};
use super::prove::{answer_text, fallback, said, with};
use super::question::{Plan, Question};
use super::site::SiteOwner;
use super::tally::Tally;

/// Everything that findings are written from.
pub(super) struct Writer<'p> {
    pub(super) plan: &'p Plan,
    pub(super) space: &'p Space,
    pub(super) tallies: &'p [Tally],
    pub(super) clauses: &'p [(Clause, ClauseVerdict)],
    /// For each rule the earlier ones that leave nothing to it.
    pub(super) shadows: &'p [Vec<usize>],
}

impl Writer<'_> {
    /// All findings, the worst first.
    pub(super) fn findings(&self) -> Vec<PolicyFinding> {
        let mut all = Vec::new();
        for (question, tally) in self.plan.questions().iter().zip(self.tallies) {
            all.extend(self.finding(*question, tally));
        }
        all.extend(self.forgotten());
        all.extend(self.unread());
        all.extend(self.reliance());
        for finding in &mut all {
            self.excuse(finding);
        }
        all.extend(self.stale());
        all.sort_by(|one, other| {
            (one.severity(), one.id, &one.subject).cmp(&(other.severity(), other.id, &other.subject))
        });
        all
    }

    /// Takes the weight off a finding that the policy says is meant.
    fn excuse(&self, finding: &mut PolicyFinding) {
        let mut intentions = self.policy().intentional().iter();
        if let Some(intention) = intentions.find(|one| one.covers(finding.id, &finding.subject)) {
            finding
                .notes
                .push(format!("marked intentional: {}", intention.because));
            finding.fix = "nothing, as long as the reason holds".to_owned();
            finding.intended = Some(intention.because.clone());
        }
    }

    /// What is said to be of no use, on purpose, and is of use or of no use in another way.
    fn stale(&self) -> Vec<PolicyFinding> {
        let intentions = self.policy().intentional().iter().enumerate();
        let stale = intentions.filter(|(_, one)| {
            let mut subjects = one.subjects.iter();
            !subjects.any(|subject| self.is_useless(one.finding, subject))
        });
        let made = stale.map(|(index, one)| {
            let message = match &one.of {
                None => format!(
                    "`{}` is marked as an intentional {}, and it is none",
                    one.name,
                    one.finding.word()
                ),
                Some(of) => format!(
                    "`{}` in `{of}` is marked as an intentional {}, and it is none",
                    one.name,
                    one.finding.word()
                ),
            };
            self.made(
                FindingId::StaleIntention,
                Subject::Intention(index),
                (message, "is not so"),
                None,
                "remove the mark: it would hide what nobody has looked at",
            )
        });
        made.collect()
    }

    fn is_useless(&self, finding: FindingId, subject: &Subject) -> bool {
        match (finding, subject) {
            (FindingId::DeadRule, Subject::Rule(rule)) => self.count(Question::Matches(*rule)) == 0,
            (FindingId::ShadowedRule, Subject::Rule(rule)) => {
                self.count(Question::Decides(*rule)) == 0 && self.count(Question::Matches(*rule)) > 0
            }
            (_, Subject::Literal(site)) => self.count(Question::Literal(*site)) == 0,
            _ => false,
        }
    }

    fn policy(&self) -> &Policy {
        self.plan.policy()
    }

    fn id_of(&self, rule: usize) -> &str {
        self.policy()
            .rules()
            .get(rule)
            .map_or("", |rule| rule.id.as_str())
    }

    fn count(&self, wanted: Question) -> u128 {
        self.tally(wanted).map_or(0, |tally| tally.count)
    }

    fn tally(&self, wanted: Question) -> Option<&Tally> {
        let at = self
            .plan
            .questions()
            .iter()
            .position(|question| *question == wanted);
        at.and_then(|at| self.tallies.get(at))
    }

    fn finding(&self, question: Question, tally: &Tally) -> Option<PolicyFinding> {
        let found = tally.count > 0;
        match question {
            Question::Gap if found => Some(self.gap(tally)),
            Question::EffectLoose if found => Some(self.loose(tally)),
            Question::UnknownLoose if found => Some(self.unknown_loose(tally)),
            Question::EffectLoses(effect) if found => Some(self.effect_loses(effect, tally)),
            Question::CapabilityMoves(lost) if found => Some(self.capability_moves(lost, tally)),
            Question::Decides(rule) if !found => Some(self.undecided(rule)),
            Question::Needed(rule) if !found => self.redundant(rule),
            Question::GateFalse(rule) if found => Some(self.gate_false(rule, tally)),
            Question::GateUnknown(rule) if found => Some(self.gate_unknown(rule, tally)),
            Question::Outside(rule) if found => Some(self.outside(rule, tally)),
            Question::Refusal(rule) if found => Some(self.refusal(rule, tally)),
            Question::Silent(rule) if found => Some(self.silent(rule, tally)),
            Question::Overlap(rule) if found => self.overlap(rule, tally),
            Question::Literal(_) if !found => self.vacuous(question),
            Question::Lane(lane) if !found => Some(self.unreachable(lane)),
            _ => None,
        }
    }

    fn witness(&self, cell: &Cell) -> Witness {
        Witness {
            attributes: said(self.space, cell),
            task: self.space.task_line(cell, "witness"),
            answer: answer_text(self.policy(), self.space, cell),
        }
    }

    fn made(
        &self,
        id: FindingId,
        subject: Subject,
        (message, label): (String, &str),
        tally: Option<&Tally>,
        fix: impl Into<String>,
    ) -> PolicyFinding {
        let least = tally.and_then(|tally| tally.least.as_ref());
        PolicyFinding {
            id,
            subject,
            message,
            label: label.to_owned(),
            notes: Vec::new(),
            count: tally.map_or(0, |tally| tally.count),
            witness: least.map(|cell| self.witness(cell)),
            fix: fix.into(),
            intended: None,
        }
    }

    fn gap(&self, tally: &Tally) -> PolicyFinding {
        let message = "no rule decides some tasks, so they are refused".to_owned();
        let fix = "end the rules with one that has no `when`: `- { id: otherwise, execution: interactive }`";
        self.made(
            FindingId::Gap,
            Subject::Rules,
            (message, "leaves tasks undecided"),
            Some(tally),
            fix,
        )
    }

    fn loose(&self, tally: &Tally) -> PolicyFinding {
        let message = "an effect gets past approval".to_owned();
        let label = "does not ask for every effect";
        let fix = "write `approval_when: any_effect`; a further condition may only add to it, with `or`";
        self.made(
            FindingId::UnsafeCell,
            Subject::Boundary,
            (message, label),
            Some(tally),
            fix,
        )
    }

    fn unknown_loose(&self, tally: &Tally) -> PolicyFinding {
        let message = "an effect that nobody ruled out gets past approval".to_owned();
        let label = "is known to be false though an effect is unknown";
        let fix = "write `approval_when: any_effect`: an unknown effect then asks for approval";
        self.made(
            FindingId::UnknownEffect,
            Subject::Boundary,
            (message, label),
            Some(tally),
            fix,
        )
    }

    fn effect_loses(&self, effect: Attribute, tally: &Tally) -> PolicyFinding {
        let message = format!("adding the effect `{}` takes the boundary away", effect.word());
        let fix = format!(
            "let no condition of the boundary depend on `not {}`",
            effect.word()
        );
        let label = "asks for less where there is more";
        let made = self.made(
            FindingId::BoundaryLost,
            Subject::Boundary,
            (message, label),
            Some(tally),
            fix,
        );
        self.beside(made, tally, effect, true)
    }

    fn capability_moves(&self, lost: Attribute, tally: &Tally) -> PolicyFinding {
        let message = format!("losing `{}` moves work to the background", lost.word());
        let cell = tally
            .least
            .as_ref()
            .map(|cell| with(self.space, cell, lost, false));
        let rule = cell
            .as_ref()
            .and_then(|cell| self.policy().decide(&self.space.task(0, cell)).rule);
        let fix = format!(
            "ask for `{}` where work goes to the background, never for its contrary",
            lost.word()
        );
        let subject = rule.map_or(Subject::Rules, |rule| Subject::Rule(usize::from(rule)));
        let label = "takes what the product cannot show";
        let made = self.made(
            FindingId::CapabilityMoves,
            subject,
            (message, label),
            Some(tally),
            fix,
        );
        self.beside(made, tally, lost, false)
    }

    /// Adds what becomes of the witness once the attribute is set.
    fn beside(
        &self,
        mut made: PolicyFinding,
        tally: &Tally,
        attribute: Attribute,
        value: bool,
    ) -> PolicyFinding {
        if let Some(cell) = &tally.least {
            let other = with(self.space, cell, attribute, value);
            let answer = answer_text(self.policy(), self.space, &other);
            made.notes
                .push(format!("with `{}: {value}`: {answer}", attribute.word()));
        }
        made
    }

    fn undecided(&self, rule: usize) -> PolicyFinding {
        let id = self.id_of(rule);
        if self.count(Question::Matches(rule)) == 0 {
            let message = format!("the rule `{id}` never matches");
            let fix = "remove it, or correct its condition";
            return self.made(
                FindingId::DeadRule,
                Subject::Rule(rule),
                (message, "matches no task"),
                None,
                fix,
            );
        }
        let message = format!("the rule `{id}` never decides: earlier rules take every task that it matches");
        let fix = "move it before them, narrow them, or remove it";
        let label = "comes too late";
        let mut made = self.made(
            FindingId::ShadowedRule,
            Subject::Rule(rule),
            (message, label),
            self.tally(Question::Matches(rule)),
            fix,
        );
        let earlier = self.shadows.get(rule).into_iter().flatten();
        let names: Vec<String> = earlier
            .map(|earlier| format!("`{}`", self.id_of(*earlier)))
            .collect();
        made.notes.push(format!("taken by {}", names.join(", ")));
        made
    }

    fn redundant(&self, rule: usize) -> Option<PolicyFinding> {
        if self.count(Question::Decides(rule)) == 0 {
            return None;
        }
        let message = format!(
            "without the rule `{}` every task is answered the same",
            self.id_of(rule)
        );
        let fix = "remove it, unless it is there for its reason";
        let label = "decides as the rules behind it would";
        Some(self.made(
            FindingId::RedundantRule,
            Subject::Rule(rule),
            (message, label),
            None,
            fix,
        ))
    }

    fn gate_false(&self, rule: usize, tally: &Tally) -> PolicyFinding {
        let message = format!(
            "`{}` sends work to the background though a gate for it is shut",
            self.id_of(rule)
        );
        let fix = "ask for all three gates: `value_after_session`, `multi_step_or_slow or review_before_delivery`, and \
                   `can_show_status and can_show_retry and can_retrieve_result`";
        let label = "asks for too little";
        let made = self.made(
            FindingId::GateFalse,
            Subject::Rule(rule),
            (message, label),
            Some(tally),
            fix,
        );
        self.gates(made, tally, Truth::False)
    }

    fn gate_unknown(&self, rule: usize, tally: &Tally) -> PolicyFinding {
        let message = format!(
            "`{}` sends work to the background though a gate for it is unknown",
            self.id_of(rule)
        );
        let fix = "ask for what must hold, not for the contrary of what must not: unknown never matches what is asked for";
        let label = "an unknown widens what is permitted";
        let made = self.made(
            FindingId::UnknownWidens,
            Subject::Rule(rule),
            (message, label),
            Some(tally),
            fix,
        );
        self.gates(made, tally, Truth::Unknown)
    }

    /// Names the gates that stand so at the witness.
    fn gates(&self, mut made: PolicyFinding, tally: &Tally, standing: Truth) -> PolicyFinding {
        let Some(cell) = &tally.least else {
            return made;
        };
        let gates = self.policy().decide(&self.space.task(0, cell)).gates;
        let named = [
            (gates.outlives_session, "the result outlives the session"),
            (gates.several_steps_or_slow, "several steps or slow"),
            (gates.product_can_show, "the product can show it"),
        ];
        for (_, name) in named.into_iter().filter(|(truth, _)| *truth == standing) {
            made.notes.push(format!("{}: {name}", standing.word()));
        }
        made
    }

    fn outside(&self, rule: usize, tally: &Tally) -> PolicyFinding {
        let message = format!(
            "`{}` keeps work interactive that belongs in the background",
            self.id_of(rule)
        );
        let fix =
            "let a rule before it send work to the background where all three gates hold and nobody steers";
        let label = "keeps the user waiting for nothing";
        self.made(
            FindingId::OutsidePermitted,
            Subject::Rule(rule),
            (message, label),
            Some(tally),
            fix,
        )
    }

    fn refusal(&self, rule: usize, tally: &Tally) -> PolicyFinding {
        let message = format!(
            "`{}` refuses tasks for which the reading has a lane",
            self.id_of(rule)
        );
        let fix = "nothing, if the product means to";
        let label = "a choice of this product";
        self.made(
            FindingId::RefusalBeyondReading,
            Subject::Rule(rule),
            (message, label),
            Some(tally),
            fix,
        )
    }

    fn silent(&self, rule: usize, tally: &Tally) -> PolicyFinding {
        let message = format!(
            "`{}` decides contested tasks and gives no reason",
            self.id_of(rule)
        );
        let fix = "say why in `because:`";
        let label = "both executions are defensible";
        self.made(
            FindingId::ContestedWithoutReason,
            Subject::Rule(rule),
            (message, label),
            Some(tally),
            fix,
        )
    }

    fn overlap(&self, rule: usize, tally: &Tally) -> Option<PolicyFinding> {
        if self.count(Question::Silent(rule)) > 0 {
            return None;
        }
        let cell = tally.least.as_ref()?;
        let other = self.next_that_differs(rule, cell)?;
        let message = format!(
            "`{}` and `{}` match the same tasks and answer differently",
            self.id_of(rule),
            self.id_of(other)
        );
        let fix = "say in `because:` why the first one wins, or keep them apart";
        let label = "wins only by standing first";
        Some(self.made(
            FindingId::Overlap,
            Subject::Rule(rule),
            (message, label),
            Some(tally),
            fix,
        ))
    }

    /// The first later rule that matches a cell and answers otherwise.
    fn next_that_differs(&self, rule: usize, cell: &Cell) -> Option<usize> {
        let rules = self.policy().rules();
        let route = |answer: &Answer| match answer {
            Answer::Execute(execution) => Some(*execution),
            Answer::Refuse(_) => None,
        };
        let naive = super::naive::Naive::new(self.policy(), self.space);
        let own = route(&rules.get(rule)?.answer);
        (rule + 1..rules.len())
            .filter(|later| route(&rules[*later].answer) != own)
            .find(|later| naive.is_true(Question::Matches(*later), cell))
    }

    fn vacuous(&self, question: Question) -> Option<PolicyFinding> {
        let Question::Literal(site) = question else {
            return None;
        };
        if let SiteOwner::Rule(rule) = site.owner {
            // A rule that is not needed is reported itself.
            if self.count(Question::Needed(rule)) == 0 {
                return None;
            }
        }
        let message = format!(
            "`{}` changes nothing: without it every task is answered the same",
            site.text(self.policy())
        );
        let fix = "leave it out, or correct what it was meant to exclude";
        let label = "could be left out";
        Some(self.made(
            FindingId::VacuousCondition,
            Subject::Literal(site),
            (message, label),
            None,
            fix,
        ))
    }

    fn unreachable(&self, lane: Lane) -> PolicyFinding {
        let message = format!("no task reaches the lane `{}`", lane.word());
        let (subject, fix) = match lane {
            Lane::Approval => (Subject::Boundary, "write `approval_when: any_effect`"),
            Lane::Interactive | Lane::Background if self.never_open() => (
                Subject::Boundary,
                "let tasks without any effect pass the boundary",
            ),
            Lane::Interactive => (
                Subject::Rules,
                "add a rule with `execution: interactive` that some task reaches",
            ),
            Lane::Background => (
                Subject::Rules,
                "add a rule with `execution: background` that some task reaches",
            ),
        };
        self.made(
            FindingId::UnreachableLane,
            subject,
            (message, "leads nowhere near it"),
            None,
            fix,
        )
    }

    /// Whether every task stands behind the boundary.
    fn never_open(&self) -> bool {
        self.count(Question::Approval) == self.count(Question::Possible)
    }

    fn forgotten(&self) -> Option<PolicyFinding> {
        let forgotten = self
            .clauses
            .iter()
            .filter(|(_, verdict)| *verdict == ClauseVerdict::Forgotten);
        let forgotten: Vec<&Clause> = forgotten.map(|(clause, _)| clause).collect();
        let first = forgotten.first()?;
        let message = match forgotten.len() {
            1 => "the policy forgets a clause of the source".to_owned(),
            more => format!("the policy forgets {more} clauses of the source"),
        };
        let fix = format!(
            "decide it, or say why not: `out_of_scope: {{ {}: the reason }}`",
            first.name
        );
        let label = "decide otherwise";
        let mut made = self.made(
            FindingId::ForgottenClause,
            Subject::Rules,
            (message, label),
            None,
            fix,
        );
        made.notes = forgotten
            .iter()
            .map(|clause| format!("{}: {}", clause.name, clause.sentence))
            .collect();
        Some(made)
    }

    fn unread(&self) -> Vec<PolicyFinding> {
        let policy = self.policy();
        let vocabulary = policy.vocabulary();
        let built_in = |attribute: &AttributeId| matches!(attribute, AttributeId::Flag(flag) if flag.built_in().is_some());
        let attributes = vocabulary
            .attributes()
            .filter(|attribute| !built_in(attribute) && !policy.reads(*attribute))
            .map(|attribute| vocabulary.name(attribute).to_owned());
        let facts = policy.facts().iter().map(|fact| fact.flag);
        let facts = facts
            .filter(|fact| !policy.reads(AttributeId::Flag(*fact)))
            .map(|fact| vocabulary.flag_name(fact).to_owned());
        let made = attributes.chain(facts).map(|name| {
            let message = format!("`{name}` is declared, and no condition reads it");
            let subject = Subject::Name(name);
            self.made(
                FindingId::UnreadName,
                subject,
                (message, "read nowhere"),
                None,
                "remove it, or use it",
            )
        });
        made.collect()
    }

    fn reliance(&self) -> Option<PolicyFinding> {
        let rule = fallback(self.policy())?;
        let (decided, possible) = (
            self.count(Question::Decides(rule)),
            self.count(Question::Possible),
        );
        if decided == 0 || possible == 0 {
            return None;
        }
        let rules = self.policy().rules();
        let share = permille(decided, possible);
        let message = format!(
            "the fallback `{}` decides {}.{} % of all cells",
            rules[rule].id,
            share / 10,
            share % 10
        );
        let fix = match rules[rule].answer {
            Answer::Execute(Execution::Interactive) => "nothing: what no rule claims stays with its user",
            Answer::Execute(Execution::Background) => {
                "let the fallback be interactive: background has three gates"
            }
            Answer::Refuse(_) => "nothing, if what no rule claims is meant to be refused",
        };
        Some(self.made(
            FindingId::DefaultReliance,
            Subject::Rule(rule),
            (message, "the fallback"),
            self.tally(Question::Decides(rule)),
            fix,
        ))
    }
}

/// A share in thousandths, rounded down, without overflow.
fn permille(part: u128, whole: u128) -> u128 {
    part.checked_mul(1000).map_or_else(
        || part / (whole / 1000).max(1),
        |thousandfold| thousandfold / whole,
    )
}
