//! The certificate: what a proof says, in a form that the naive interpreter checks again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::policy::checked::Policy;
use crate::policy::finding::FindingSeverity;
use crate::policy::hash::PolicyHash;
use crate::policy::space::{Reach, Space};

use super::issue::{FindingId, Subject, Witness};
use super::law::{Law, LawVerdict};
use super::naive::Naive;
use super::prove::{Method, Proof};
use super::question::{Plan, Question};

/// What a proof says, written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The version of this form.
    pub lanebench_certificate: u32,
    /// What the policy is called.
    pub policy: String,
    /// The policy that it is about.
    pub policy_hash: PolicyHash,
    /// What was taken to be impossible, and why.
    pub assumptions: Vec<AssumptionNote>,
    /// The laws of routing.
    pub laws: Vec<LawNote>,
    /// The spaces and the answers over them, the widest first.
    pub spaces: Vec<SpaceNote>,
    /// What there is to say, the worst first.
    pub findings: Vec<FindingNote>,
    /// The clauses of the source: decided, out of scope, forgotten.
    pub clauses: BTreeMap<String, String>,
}

/// A combination that was taken to be impossible.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssumptionNote {
    /// The condition that never holds.
    pub never: String,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub because: Option<String>,
}

/// A law with its verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LawNote {
    /// Which.
    pub law: Law,
    /// What it says.
    pub says: String,
    /// Whether it holds.
    pub verdict: LawVerdict,
}

/// A space with the answers over it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpaceNote {
    /// Which tasks it holds.
    pub reach: String,
    /// The attributes, each with its values in the order of their places.
    pub attributes: Vec<(String, Vec<String>)>,
    /// How many cells; numbers are texts, since they do not always fit elsewhere.
    pub cells: String,
    /// `symbolic`, or `enumerated` where each cell was looked at as well.
    pub method: String,
    /// The answers.
    pub answers: Vec<AnswerNote>,
}

/// The answer to one question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerNote {
    /// What was asked.
    pub question: String,
    /// In how many cells it is true.
    pub count: String,
    /// The least of them, by the places of its values.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub least: Option<Vec<usize>>,
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindingNote {
    /// What kind.
    pub id: FindingId,
    /// How bad.
    pub severity: FindingSeverity,
    /// In words.
    pub message: String,
    /// Where it stands, as `file:line:column`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub place: Option<String>,
    /// How many cells of the widest space show it.
    pub count: String,
    /// The task that says least of those that show it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub witness: Option<Witness>,
    /// Further facts.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub notes: Vec<String>,
    /// What to do.
    pub fix: String,
}

/// A text that is no certificate.
#[derive(Debug, thiserror::Error)]
#[error("this is no certificate of lanebench: {0}")]
pub struct CertificateError(#[from] serde_json::Error);

/// What does not agree with the naive interpreter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// Another version.
    #[error("the certificate has version {0}, and this program checks version {version}", version = Certificate::VERSION)]
    Version(u32),
    /// Another policy.
    #[error("the certificate is about another policy: {0}")]
    Policy(PolicyHash),
    /// The name of the policy, its assumptions, its attributes, or the list of questions.
    #[error("the certificate says something else about {what} than the policy")]
    Shape {
        /// About what.
        what: String,
    },
    /// A count.
    #[error("{reach}: `{question}` is true of {found} cells, the certificate says {said}")]
    Count {
        /// Over which tasks.
        reach: String,
        /// About what.
        question: String,
        /// What the interpreter counts.
        found: String,
        /// What the certificate says.
        said: String,
    },
    /// A task that does not show what it should.
    #[error("{reach}: the task given for `{question}` does not show it")]
    Witness {
        /// Over which tasks.
        reach: String,
        /// About what.
        question: String,
    },
    /// A law said to hold that does not, or the other way round.
    #[error("{law}: the certificate says `{said}`, and the counts say `{found}`")]
    Law {
        /// Which.
        law: &'static str,
        /// What the certificate says.
        said: &'static str,
        /// What follows from the counts.
        found: &'static str,
    },
    /// A compiled decision that is not what the policy says.
    #[error("the compiled rules and the naive interpreter disagree about `{0}`")]
    Compiled(String),
    /// A text that does not follow from the rest.
    #[error("the finding `{0}` does not follow from the counts")]
    Finding(String),
}

/// What was checked again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// Counts that were counted again.
    pub counts: usize,
    /// Tasks that were read again.
    pub witnesses: usize,
    /// Cases on which compiled decisions were held against the interpreter.
    pub cases: u64,
    /// What the interpreter did not settle within its bound.
    pub unsettled: Vec<String>,
    /// What does not agree.
    pub mismatches: Vec<Mismatch>,
}

/// How many cases the naive interpreter splits before it says that it does not decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// For each question.
    pub each: u64,
    /// For all counts together.
    pub all: u64,
}

impl Certificate {
    /// Raised whenever a field changes its meaning or goes.
    pub const VERSION: u32 = 1;

    /// The certificate of a proof; `place` says where a finding stands, by its place in the list.
    #[must_use]
    pub fn of(proof: &Proof, place: impl Fn(usize) -> Option<String>) -> Self {
        let vocabulary = proof.policy.vocabulary();
        let assumptions = proof
            .policy
            .assumptions()
            .iter()
            .map(|assumption| AssumptionNote {
                never: assumption.never.write(vocabulary),
                because: assumption.because.clone(),
            });
        let laws = proof.laws.iter().map(|(law, verdict)| LawNote {
            law: *law,
            says: law.sentence().to_owned(),
            verdict: *verdict,
        });
        let findings = proof
            .findings
            .iter()
            .enumerate()
            .map(|(at, finding)| FindingNote {
                id: finding.id,
                severity: finding.severity(),
                message: finding.message.clone(),
                place: place(at),
                count: finding.count.to_string(),
                witness: finding.witness.clone(),
                notes: finding.notes.clone(),
                fix: finding.fix.clone(),
            });
        let clauses = proof.clauses.iter();
        Self {
            lanebench_certificate: Self::VERSION,
            policy: proof.policy.name().to_owned(),
            policy_hash: proof.hash,
            assumptions: assumptions.collect(),
            laws: laws.collect(),
            spaces: (0..proof.extents.len()).map(|at| space_note(proof, at)).collect(),
            findings: findings.collect(),
            clauses: clauses
                .map(|(clause, verdict)| (clause.name.to_owned(), verdict.word().to_owned()))
                .collect(),
        }
    }

    /// Reads a certificate.
    ///
    /// # Errors
    /// [`CertificateError`] if the text is none.
    pub fn read(text: &str) -> Result<Self, CertificateError> {
        Ok(serde_json::from_str(text)?)
    }

    /// The certificate as text, ending in a line break.
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "its parts are texts, lists and maps with text keys"
    )]
    pub fn write(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("plain data");
        text.push('\n');
        text
    }

    /// Checks everything in it again that the naive interpreter can check with such an effort.
    #[must_use]
    pub fn verify(&self, policy: &Policy, effort: Effort) -> Verified {
        let mut out = Verified::default();
        if self.lanebench_certificate != Self::VERSION {
            out.mismatches.push(Mismatch::Version(self.lanebench_certificate));
            return out;
        }
        if self.policy_hash != policy.hash() {
            out.mismatches.push(Mismatch::Policy(self.policy_hash));
            return out;
        }
        let plan = Plan::new(policy);
        self.verify_frame(policy, &mut out);
        let mut left = effort;
        // The smaller spaces come last, and are counted first.
        for note in self.spaces.iter().rev() {
            verify_space(note, &plan, &mut left, &mut out);
        }
        self.verify_agreement(policy, effort.each, &mut out);
        self.verify_laws(&plan, &mut out);
        out
    }

    fn verify_frame(&self, policy: &Policy, out: &mut Verified) {
        let vocabulary = policy.vocabulary();
        let never: Vec<String> = policy
            .assumptions()
            .iter()
            .map(|one| one.never.write(vocabulary))
            .collect();
        let said: Vec<&String> = self.assumptions.iter().map(|one| &one.never).collect();
        let reaches: Vec<&str> = self.spaces.iter().map(|space| space.reach.as_str()).collect();
        for (wrong, what) in [
            (self.policy != policy.name(), "the name"),
            (never.iter().collect::<Vec<_>>() != said, "the assumptions"),
            (reaches != REACHES.map(Reach::word), "the spaces"),
        ] {
            if wrong {
                out.mismatches.push(Mismatch::Shape {
                    what: what.to_owned(),
                });
            }
        }
    }

    fn verify_agreement(&self, policy: &Policy, cases_max: u64, out: &mut Verified) {
        let space = Space::of(&[policy], Reach::Whole);
        match Naive::new(policy, &space).agrees(cases_max) {
            None => out
                .unsettled
                .push("whole: compiled rules against the interpreter".to_owned()),
            Some(Ok(cases)) => out.cases = cases,
            Some(Err(cell)) => {
                let text = space.attributes_text(&cell);
                out.mismatches.push(Mismatch::Compiled(text));
            }
        }
    }

    /// Every law follows from the counts of the widest space, and so does every finding that breaks one.
    fn verify_laws(&self, plan: &Plan, out: &mut Verified) {
        let Some(whole) = self.spaces.first() else {
            return;
        };
        let policy = plan.policy();
        let count = |question: Question| {
            let name = question.name(policy);
            let answer = whole.answers.iter().find(|answer| answer.question == name);
            answer.map_or("0", |answer| answer.count.as_str())
        };
        let mut found: Vec<(FindingId, Meant)> = Vec::new();
        for question in plan.questions() {
            let any = count(*question) != "0";
            let id = broken_by(*question, any, &count);
            found.extend(id.map(|id| (id, meant(policy, id, *question))));
        }
        for note in self.laws.iter().filter(|note| note.law != Law::Ro12) {
            let mut breaking = note.law.broken_by().iter();
            let broken = breaking.any(|id| found.contains(&(*id, Meant::No)));
            let verdict = if broken {
                LawVerdict::Broken
            } else {
                LawVerdict::Held
            };
            if verdict != note.verdict {
                out.mismatches.push(Mismatch::Law {
                    law: note.law.name(),
                    said: note.verdict.word(),
                    found: verdict.word(),
                });
            }
        }
        if self.laws.iter().map(|note| note.law).ne(Law::ALL) {
            out.mismatches.push(Mismatch::Shape {
                what: "the list of laws".to_owned(),
            });
        }
        let lawful = |id: &FindingId| Law::ALL.iter().any(|law| law.broken_by().contains(id));
        let claimed = self.findings.iter().filter(|finding| lawful(&finding.id));
        let claimed = claimed.map(|finding| match finding.severity == finding.id.severity() {
            true => (finding.id, Meant::No),
            false => (finding.id, Meant::Yes),
        });
        let claimed: Vec<(FindingId, Meant)> = claimed.collect();
        found.sort();
        found.dedup();
        let unfounded = claimed.iter().filter(|one| !found.contains(one));
        let unclaimed = found.iter().filter(|one| !claimed.contains(one));
        for (id, _) in unfounded.chain(unclaimed) {
            out.mismatches.push(Mismatch::Finding(id.word().to_owned()));
        }
    }
}

const REACHES: [Reach; 3] = [Reach::Whole, Reach::ThreeValued, Reach::Known];

/// Whether the policy says that a finding is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Meant {
    Yes,
    No,
}

fn meant(policy: &Policy, id: FindingId, question: Question) -> Meant {
    let subject = match question {
        Question::Decides(rule) => Subject::Rule(rule),
        Question::Literal(site) => Subject::Literal(site),
        _ => return Meant::No,
    };
    let mut intentions = policy.intentional().iter();
    match intentions.any(|one| one.covers(id, &subject)) {
        true => Meant::Yes,
        false => Meant::No,
    }
}

/// The finding that follows from an answer, of those that break a law.
fn broken_by<'c>(question: Question, any: bool, count: &impl Fn(Question) -> &'c str) -> Option<FindingId> {
    match question {
        Question::Gap if any => Some(FindingId::Gap),
        Question::EffectLoose if any => Some(FindingId::UnsafeCell),
        Question::UnknownLoose if any => Some(FindingId::UnknownEffect),
        Question::EffectLoses(_) if any => Some(FindingId::BoundaryLost),
        Question::CapabilityMoves(_) if any => Some(FindingId::CapabilityMoves),
        Question::GateFalse(_) if any => Some(FindingId::GateFalse),
        Question::GateUnknown(_) if any => Some(FindingId::UnknownWidens),
        Question::Outside(_) if any => Some(FindingId::OutsidePermitted),
        Question::Silent(_) if any => Some(FindingId::ContestedWithoutReason),
        Question::Decides(rule) if !any => Some(if count(Question::Matches(rule)) == "0" {
            FindingId::DeadRule
        } else {
            FindingId::ShadowedRule
        }),
        Question::Literal(site) if !any => match site.owner {
            super::site::SiteOwner::Rule(rule) if count(Question::Needed(rule)) == "0" => None,
            _ => Some(FindingId::VacuousCondition),
        },
        _ => None,
    }
}

fn space_note(proof: &Proof, at: usize) -> SpaceNote {
    let extent = &proof.extents[at];
    let answers = proof.plan.questions().iter().zip(&extent.tallies);
    SpaceNote {
        reach: extent.space.reach().word().to_owned(),
        attributes: attributes(&extent.space),
        cells: extent
            .cells
            .map_or_else(|| "more than 2^128".to_owned(), |cells| cells.to_string()),
        method: match extent.method {
            Method::Symbolic { .. } => "symbolic".to_owned(),
            Method::Enumerated { .. } => "enumerated".to_owned(),
        },
        answers: answers
            .map(|(question, tally)| AnswerNote {
                question: question.name(&proof.policy),
                count: tally.count.to_string(),
                least: tally.least.as_ref().map(|cell| cell.0.clone()),
            })
            .collect(),
    }
}

fn attributes(space: &Space) -> Vec<(String, Vec<String>)> {
    let axes = space.axes().iter();
    axes.map(|axis| {
        let values = axis.values().iter().map(|value| value.text().to_owned());
        (axis.name().to_owned(), values.collect())
    })
    .collect()
}

fn verify_space(note: &SpaceNote, plan: &Plan, left: &mut Effort, out: &mut Verified) {
    let Some(reach) = REACHES.into_iter().find(|reach| reach.word() == note.reach) else {
        return;
    };
    let space = Space::of(&[plan.policy()], reach);
    let cells = space.cells().map(|cells| cells.to_string());
    if attributes(&space) != note.attributes || cells.is_some_and(|cells| cells != note.cells) {
        out.mismatches.push(Mismatch::Shape {
            what: format!("the {} space", note.reach),
        });
        return;
    }
    let names = plan
        .questions()
        .iter()
        .map(|question| question.name(plan.policy()));
    if names.ne(note.answers.iter().map(|answer| answer.question.clone())) {
        out.mismatches.push(Mismatch::Shape {
            what: format!("the questions of the {} space", note.reach),
        });
        return;
    }
    let naive = Naive::new(plan.policy(), &space);
    for (question, answer) in plan.questions().iter().zip(&note.answers) {
        verify_answer(&naive, *question, (note, answer), left, out);
    }
}

fn verify_answer(
    naive: &Naive<'_>,
    question: Question,
    (note, answer): (&SpaceNote, &AnswerNote),
    left: &mut Effort,
    out: &mut Verified,
) {
    let (count, cases) = naive.count_with(question, left.each.min(left.all));
    left.all -= cases;
    match count {
        None => out.unsettled.push(format!("{}: {}", note.reach, answer.question)),
        Some(found) if found.to_string() == answer.count => out.counts += 1,
        Some(found) => out.mismatches.push(Mismatch::Count {
            reach: note.reach.clone(),
            question: answer.question.clone(),
            found: found.to_string(),
            said: answer.count.clone(),
        }),
    }
    let shown = answer.least.as_ref().map(|places| naive.shows(question, places));
    match (shown, answer.count.as_str()) {
        (Some(true), _) => out.witnesses += 1,
        (None, "0") => {}
        (Some(false), _) | (None, _) => out.mismatches.push(Mismatch::Witness {
            reach: note.reach.clone(),
            question: answer.question.clone(),
        }),
    }
}
