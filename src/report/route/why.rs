//! The account of one task: why it goes where it goes, and what would send it elsewhere.

use serde::Serialize;

use crate::policy::route::{Change, Elsewhere, Flip, Flips};
use crate::policy::{
    Answer, Attribute, AttributeId, Decision, Execution, Gates, Lane, Policy, Task, Truth, Vocabulary,
};
use crate::report::json::pretty;
use crate::report::paint::{Paint, Tone};
use crate::report::text::{line, wrap};

/// How wide the text is.
const COLUMNS: usize = 100;
/// Where what is said begins.
const INDENT: usize = 16;
/// Raised whenever a field changes its meaning or goes.
const VERSION: u32 = 1;

/// Everything there is to say about where one task goes.
#[derive(Debug, Clone)]
pub struct Account<'a> {
    /// Who decides.
    pub policy: &'a Policy,
    /// How the user names the task.
    pub name: String,
    /// The row of the table it stands in.
    pub row: u64,
    /// The task.
    pub task: Task,
    /// Where it goes.
    pub decision: Decision,
    /// What would send it to another lane.
    pub other_lane: Flips,
    /// What would send it to the background; none if it is there.
    pub to_background: Option<Flips>,
}

impl<'a> Account<'a> {
    /// Decides `task` and looks for the nearest other answers.
    #[must_use]
    pub fn of(policy: &'a Policy, name: &str, row: u64, task: Task) -> Self {
        let decision = policy.decide(&task);
        let lane = decision.lane();
        let there = decision.execution() == Some(Execution::Background);
        Self {
            policy,
            name: line(name),
            row,
            decision,
            other_lane: policy.flips(&task, Elsewhere::OtherLane(lane)),
            to_background: (!there).then(|| policy.flips(&task, Elsewhere::Background)),
            task,
        }
    }

    fn vocabulary(&self) -> &'a Vocabulary {
        self.policy.vocabulary()
    }

    /// Why the task is not carried out in the background: a sentence for each reason.
    fn against_background(&self) -> Vec<String> {
        let gates = self.decision.gates;
        let mut reasons = Vec::new();
        if !gates.outlives_session.is_true() {
            reasons.push(self.about(
                "the result has to keep its value after the session",
                &[Attribute::ValueAfterSession],
            ));
        }
        if !gates.several_steps_or_slow.is_true() {
            let slow = [Attribute::MultiStepOrSlow, Attribute::ReviewBeforeDelivery];
            reasons.push(self.about(
                "the work has to take several steps, be slow, or wait for a review",
                &slow,
            ));
        }
        if !gates.product_can_show.is_true() {
            let missing = Attribute::CAPABILITIES
                .into_iter()
                .filter(|capability| !self.task.truth(*capability).is_true());
            let missing: Vec<Attribute> = missing.collect();
            reasons.push(self.about("the product lacks what background work needs", &missing));
        }
        if gates.all().is_true() {
            reasons.push("all three gates hold; the policy itself decides otherwise".to_owned());
        }
        match (
            &self.decision.rule_of(self.policy),
            self.policy.refusal(&self.decision),
        ) {
            (Some(rule), Some(reason)) => {
                reasons.push(format!("the rule `{}` refuses it: {reason}", rule.id))
            }
            (None, Some(reason)) => reasons.push(reason),
            (Some(rule), None) => reasons.push(match &rule.because {
                Some(because) => format!("the rule `{}` decides: {because}", rule.id),
                None => format!("the rule `{}` decides and gives no reason", rule.id),
            }),
            (None, None) => {}
        }
        reasons
    }

    /// What is known of the attributes that a sentence is about.
    fn about(&self, sentence: &str, attributes: &[Attribute]) -> String {
        let known = attributes.iter().map(|attribute| {
            let truth = self.task.truth(*attribute);
            match truth {
                Truth::Unknown => format!("`{}` is unknown: ask for it", attribute.word()),
                Truth::True | Truth::False => format!("`{}` is {}", attribute.word(), truth.word()),
            }
        });
        format!("{sentence}: {}", known.collect::<Vec<_>>().join(", "))
    }

    fn change(&self, change: &Change) -> String {
        let vocabulary = self.vocabulary();
        let write = |value| vocabulary.write_value(change.attribute, value);
        let from = change.from.map_or_else(|| "unknown".to_owned(), write);
        format!(
            "{}: {from} -> {}",
            vocabulary.name(change.attribute),
            write(change.to)
        )
    }

    fn flip(&self, flip: &Flip) -> String {
        let changes: Vec<String> = flip.changes.iter().map(|change| self.change(change)).collect();
        let rule = flip.decision.rule_of(self.policy);
        let by = rule.map_or("no rule".to_owned(), |rule| format!("`{}`", rule.id));
        format!("{}  => {}, by {by}", changes.join(", "), place(&flip.decision))
    }

    fn flips(&self, flips: &Flips) -> Vec<String> {
        match flips {
            Flips::Never => vec!["nothing: no change of its attributes does it".to_owned()],
            Flips::Beyond(size) => vec![format!(
                "no change of up to {size} attributes; more were not tried"
            )],
            Flips::Found(found, more) => {
                let mut lines: Vec<String> = found.iter().map(|flip| self.flip(flip)).collect();
                if *more > 0 {
                    lines.push(format!("and {more} more of that size"));
                }
                lines
            }
        }
    }

    fn known(&self) -> Vec<(String, String)> {
        let vocabulary = self.vocabulary();
        let given = vocabulary
            .attributes()
            .filter_map(|attribute: AttributeId| self.task.given(attribute));
        given
            .map(|given| {
                let value = vocabulary.write_value(given.attribute, given.value);
                (vocabulary.name(given.attribute).to_owned(), value)
            })
            .collect()
    }
}

/// Where a decision sends a task, in words.
fn place(decision: &Decision) -> String {
    match (decision.lane(), decision.execution()) {
        (Some(Lane::Approval), Some(execution)) => format!("approval ({})", execution.word()),
        (Some(lane), _) => lane.word().to_owned(),
        (None, _) => "refused".to_owned(),
    }
}

const GATES: [&str; 3] = [
    "outlives the session",
    "several steps or slow",
    "product can show it",
];

fn answers(gates: Gates) -> [Truth; 3] {
    [
        gates.outlives_session,
        gates.several_steps_or_slow,
        gates.product_can_show,
    ]
}

/// The account for people.
#[must_use]
pub fn why_text(account: &Account<'_>, paint: Paint) -> String {
    let decision = &account.decision;
    let title = format!("{} (row {}) => {}", account.name, account.row, place(decision));
    let mut text = paint.tone(Tone::Strong, &title);
    text.push_str("\n\n");
    let rule = decision.rule_of(account.policy);
    let by = match rule {
        Some(rule) => {
            let answer = match &rule.answer {
                Answer::Execute(_) => rule
                    .because
                    .clone()
                    .unwrap_or_else(|| "no reason given".to_owned()),
                Answer::Refuse(reason) => reason.clone(),
            };
            format!("{}: {}", rule.id, answer)
        }
        None => "none decides".to_owned(),
    };
    text.push_str(&labelled("rule", &[by], paint));
    text.push_str(&labelled(
        "boundary",
        &[decision.boundary.word().to_owned()],
        paint,
    ));
    let gates = GATES.iter().zip(answers(decision.gates));
    let gates: Vec<String> = gates
        .map(|(name, truth)| format!("{name}: {}", truth.word()))
        .collect();
    text.push_str(&labelled("gates", &gates, paint));
    let findings: Vec<String> = decision
        .findings
        .iter()
        .map(|finding| finding.word().to_owned())
        .collect();
    if !findings.is_empty() {
        text.push_str(&labelled("findings", &[findings.join(", ")], paint));
    }
    let known: Vec<String> = account
        .known()
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    let known = match known.is_empty() {
        true => "nothing".to_owned(),
        false => known.join(", "),
    };
    text.push_str(&labelled("known", &[known], paint));
    text.push_str(&labelled(
        "nearest flip",
        &account.flips(&account.other_lane),
        paint,
    ));
    if let Some(flips) = &account.to_background {
        text.push_str(&labelled("not background", &account.against_background(), paint));
        text.push_str(&labelled("would be, with", &account.flips(flips), paint));
    }
    text
}

fn labelled(label: &str, parts: &[String], paint: Paint) -> String {
    let mut text = String::new();
    let mut label = Some(label);
    for part in parts {
        let part = line(part);
        for (index, one) in wrap(part.split(' '), " ", COLUMNS - INDENT)
            .into_iter()
            .enumerate()
        {
            let head = label.take().unwrap_or_default();
            text.push_str(&paint.tone(Tone::Faint, &format!("{head:<INDENT$}")));
            text.push_str(if index == 0 { "" } else { "  " });
            text.push_str(&one);
            text.push('\n');
        }
    }
    text
}

/// The account as JSON.
///
/// | field | holds |
/// |---|---|
/// | `format`, `version` | `lanebench-why`, 1 |
/// | `task`, `row` | which |
/// | `decision` | with gates, rule, findings and attributes |
/// | `nearest_flips`, `to_background` | `changes[]`, `lane`, `execution`, `rule`; with `more`, or `tried_up_to` where none was found |
/// | `not_background` | the reasons, empty if it is there |
#[must_use]
pub fn why_json(account: &Account<'_>) -> String {
    #[derive(Serialize)]
    struct Document<'a> {
        format: &'static str,
        version: u32,
        task: &'a str,
        row: u64,
        decision: crate::policy::DecisionNote,
        nearest_flips: Answers,
        to_background: Option<Answers>,
        not_background: Vec<String>,
    }
    let against = account
        .to_background
        .as_ref()
        .map(|_| account.against_background());
    pretty(&Document {
        format: "lanebench-why",
        version: VERSION,
        task: &account.name,
        row: account.row,
        decision: account.policy.note(&account.task, &account.decision),
        nearest_flips: Answers::of(account, &account.other_lane),
        to_background: account
            .to_background
            .as_ref()
            .map(|flips| Answers::of(account, flips)),
        not_background: against.unwrap_or_default(),
    })
}

#[derive(Serialize)]
struct Answers {
    found: Vec<FlipNote>,
    more: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    tried_up_to: Option<usize>,
}

#[derive(Serialize)]
struct FlipNote {
    changes: Vec<ChangeNote>,
    lane: Option<&'static str>,
    execution: Option<&'static str>,
    rule: Option<String>,
}

#[derive(Serialize)]
struct ChangeNote {
    attribute: String,
    from: Option<String>,
    to: String,
}

impl Answers {
    fn of(account: &Account<'_>, flips: &Flips) -> Self {
        let (found, more, tried_up_to) = match flips {
            Flips::Found(found, more) => (found.as_slice(), *more, None),
            Flips::Never => (&[][..], 0, None),
            Flips::Beyond(size) => (&[][..], 0, Some(*size)),
        };
        let vocabulary = account.vocabulary();
        let change = |change: &Change| ChangeNote {
            attribute: vocabulary.name(change.attribute).to_owned(),
            from: change
                .from
                .map(|value| vocabulary.write_value(change.attribute, value)),
            to: vocabulary.write_value(change.attribute, change.to),
        };
        let note = |flip: &Flip| FlipNote {
            changes: flip.changes.iter().map(change).collect(),
            lane: flip.decision.lane().map(Lane::word),
            execution: flip.decision.execution().map(Execution::word),
            rule: flip.decision.rule_of(account.policy).map(|rule| rule.id.clone()),
        };
        Self {
            found: found.iter().map(note).collect(),
            more,
            tried_up_to,
        }
    }
}
