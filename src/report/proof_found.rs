//! The proof of a policy, as findings.

use serde_json::{Value, json};

use super::found::{Analysis, Found, LookedFor};
use super::paint::Paint;
use super::proof::{finding_diagnostic, last_line, law_text, lead};
use super::text::grouped;
use super::witness::WrittenSuite;
use crate::policy::proof::{
    Census, Certificate, ClauseVerdict, FindingId, KindRow, Law, LawVerdict, Proof, Question,
};
use crate::policy::{Lane, ProofPlaces};
use crate::report::found::escaped;
use crate::scenario::{Diagnostic, Kinds, Severity, Sources, quoted, quoted_list};

/// What fails a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// What could slip past approval, alone.
    Unsafe,
    /// What is not where it belongs, decided by nobody or of no use as well.
    Untidy,
}

/// A registry of kinds with its census.
#[derive(Debug, Clone, Copy)]
pub struct KindsReport<'a> {
    /// The registry.
    pub kinds: &'a Kinds,
    /// What the policy does with it.
    pub census: &'a Census,
}

/// Everything that a report about a proof needs.
#[derive(Debug, Clone, Copy)]
pub struct ProofReport<'a> {
    /// The proof.
    pub proof: &'a Proof,
    /// Where the parts of the policy stand.
    pub places: &'a ProofPlaces,
    /// The registry of kinds, if one was given.
    pub kinds: Option<KindsReport<'a>>,
    /// The tests, if some were written.
    pub tests: Option<WrittenSuite<'a>>,
    /// What fails it.
    pub denied: Denied,
}

const UNSETTLED: &str = "kind-unsettled";

/// The proof as findings, the worst first.
#[must_use]
pub fn proof_analysis(report: &ProofReport<'_>, sources: &Sources) -> Analysis {
    let found = report
        .diagnostics()
        .into_iter()
        .map(|(diagnostic, witness)| Found::of(&diagnostic, witness, sources));
    let looked_for = FindingId::ALL.map(|id| LookedFor::new(id.word(), title(id)));
    let agreement = LookedFor::new(Law::Ro12.name(), law_text(report.proof, Law::Ro12));
    let kinds = report.kinds.map(|_| {
        LookedFor::new(
            UNSETTLED,
            "every kind resolves to one rule and supplies what is asked for",
        )
    });
    let all = looked_for.into_iter().chain([agreement]).chain(kinds);
    Analysis {
        command: "check",
        subject: sources.place(report.places.whole()).name,
        headline: last_line(report, Paint::Plain),
        looked_for: all.collect(),
        found: found.collect(),
        lead: lead(report, Paint::Plain),
        sections: report.sections(),
        details: report.details(sources),
    }
}

/// What is looked for, and the laws that a finding breaks.
fn title(id: FindingId) -> String {
    let laws = Law::ALL.into_iter().filter(|law| law.broken_by().contains(&id));
    let laws: Vec<&str> = laws.map(Law::name).collect();
    match laws.as_slice() {
        [] => id.sentence().to_owned(),
        laws => format!("{} ({})", id.sentence(), laws.join(", ")),
    }
}

impl<'a> ProofReport<'a> {
    /// Every finding with its witness: the law of agreement, what the policy shows, the kinds.
    pub(super) fn diagnostics(&self) -> Vec<(Diagnostic, Option<String>)> {
        let found = self.proof.findings.iter().map(|finding| {
            let diagnostic = finding_diagnostic(self.proof, self.places, self.denied, finding);
            let witness = finding.witness.as_ref().map(|witness| witness.task.clone());
            (diagnostic, witness)
        });
        let kinds = self.unsettled_kinds().map(|row| (self.unsettled(row), None));
        let agreement = self.disagreement().map(|diagnostic| (diagnostic, None));
        let mut all: Vec<_> = agreement.into_iter().chain(found).chain(kinds).collect();
        all.sort_by_key(|(diagnostic, _)| diagnostic.severity);
        all
    }

    /// The kinds that no single rule decides, or that lack something.
    pub(super) fn unsettled_kinds(&self) -> impl Iterator<Item = &'a KindRow> {
        let rows = self.kinds.into_iter().flat_map(|kinds| &kinds.census.kinds);
        rows.filter(|row| !row.is_settled())
    }

    /// Whether the compiled rules are the written ones.
    #[must_use]
    pub fn agreed(&self) -> LawVerdict {
        let mut laws = self.proof.laws.iter();
        laws.find(|(law, _)| *law == Law::Ro12)
            .map_or(LawVerdict::Undecided, |(_, verdict)| *verdict)
    }

    fn disagreement(&self) -> Option<Diagnostic> {
        let (message, help) = match self.agreed() {
            LawVerdict::Held => return None,
            LawVerdict::Broken => (
                "the compiled rules and the written ones disagree",
                "this is a defect of lanebench: report it together with the policy",
            ),
            LawVerdict::Undecided => (
                "whether the compiled rules are the written ones is not decided",
                "split the policy: its conditions are too large to be compared as sets of cells",
            ),
        };
        let diagnostic = Diagnostic::new(Severity::Failed, message).code(Law::Ro12.name());
        Some(diagnostic.at(self.places.whole(), "").help(help))
    }

    fn unsettled(&self, row: &KindRow) -> Diagnostic {
        let severity = match self.denied {
            Denied::Unsafe => Severity::Warning,
            Denied::Untidy => Severity::Failed,
        };
        let message = format!(
            "the kind {} does not resolve to one rule with all it needs",
            quoted(&row.kind)
        );
        let kinds = self.kinds.map(|kinds| kinds.kinds);
        let kind = kinds.and_then(|kinds| kinds.kind(&row.kind));
        let mut diagnostic = Diagnostic::new(severity, message).code(UNSETTLED);
        if let Some(kind) = kind {
            diagnostic = diagnostic.at(kind.span, "is not settled");
        }
        let rules = row
            .rules
            .iter()
            .map(|rule| quoted(&self.proof.policy.rules()[*rule].id));
        let none = row.gap.then(|| "no rule".to_owned());
        let rules: Vec<String> = rules.chain(none).collect();
        diagnostic = diagnostic.note(format!("decided by {}", rules.join(" or ")));
        if !row.unsupplied.is_empty() {
            let names = quoted_list(row.unsupplied.iter().map(String::as_str));
            diagnostic = diagnostic.note(format!("not supplied: {names}"));
        }
        diagnostic.help("say in `attributes:` of the kind what is known of its tasks")
    }

    fn sections(&self) -> Vec<String> {
        let proof = self.proof;
        let mut laws = String::from("| law | | |\n|---|---|---|\n");
        for (law, verdict) in &proof.laws {
            let word = match verdict {
                LawVerdict::Held => "held".to_owned(),
                other => format!("**{}**", other.word()),
            };
            laws.push_str(&format!(
                "| {} | {word} | {} |\n",
                law.name(),
                law_text(proof, *law)
            ));
        }
        let mut spaces = String::from(
            "| space | cells | interactive | background | approval | refused |\n|---|--:|--:|--:|--:|--:|\n",
        );
        for (at, extent) in proof.extents.iter().enumerate() {
            let refused = proof.tally(at, Question::Refused).map_or(0, |tally| tally.count);
            let counts = Lane::ALL
                .map(|lane| proof.lane(at, lane))
                .into_iter()
                .chain([refused]);
            let counts: Vec<String> = counts.map(grouped).collect();
            let cells = extent.cells.map_or_else(|| "more than 2^128".to_owned(), grouped);
            spaces.push_str(&format!(
                "| {} | {cells} | {} |\n",
                extent.space.reach().word(),
                counts.join(" | ")
            ));
        }
        let mut sections = vec![laws, spaces];
        if let Some(kinds) = &self.kinds {
            sections.push(self.kinds_section(kinds));
        }
        if let Some(tests) = &self.tests {
            let lines: Vec<String> = tests.text().lines().map(|line| format!("    {line}\n")).collect();
            sections.push(lines.concat());
        }
        sections
    }

    fn kinds_section(&self, kinds: &KindsReport<'_>) -> String {
        let mut text = String::from("| kind | lane | rule | not supplied |\n|---|---|---|---|\n");
        for row in &kinds.census.kinds {
            let rules = row
                .rules
                .iter()
                .map(|rule| escaped(&self.proof.policy.rules()[*rule].id));
            let none = row.gap.then(|| "none".to_owned());
            let rules: Vec<String> = rules.chain(none).collect();
            text.push_str(&format!(
                "| {} | {} | {} | {} |\n",
                escaped(&row.kind),
                row.lane.map_or("refused", Lane::word),
                rules.join(" or "),
                escaped(&row.unsupplied.join(", "))
            ));
        }
        text
    }

    fn details(&self, sources: &Sources) -> Value {
        let place = |at: usize| {
            let span = self
                .places
                .span(&self.proof.policy, &self.proof.findings[at].subject);
            Some(sources.place(span).to_string())
        };
        let clauses = self.proof.clauses.iter().map(|(clause, verdict)| {
            let because = match verdict {
                ClauseVerdict::OutOfScope(because) => Some(because),
                ClauseVerdict::Decided | ClauseVerdict::Forgotten => None,
            };
            json!({ "clause": clause.name, "says": clause.sentence, "verdict": verdict.word(), "because": because })
        });
        json!({
            "certificate": Certificate::of(self.proof, place),
            "clauses": clauses.collect::<Vec<_>>(),
            "kinds": self.kinds.map(|kinds| self.kinds_json(kinds.census)),
            "tests": self.tests.map(|tests| tests.json()),
        })
    }

    fn kinds_json(&self, census: &Census) -> Value {
        let id = |rule: &usize| self.proof.policy.rules()[*rule].id.clone();
        let rows = census.kinds.iter().map(|row| {
            json!({
                "kind": row.kind,
                "lane": row.lane.map(Lane::word),
                "rules": row.rules.iter().map(id).collect::<Vec<_>>(),
                "gap": row.gap,
                "not_supplied": row.unsupplied,
            })
        });
        let settled = census.kinds.iter().filter(|row| row.is_settled());
        json!({
            "settled": settled.count(),
            "kinds": rows.collect::<Vec<_>>(),
            "supplied_by_no_kind": census.nobody_supplies,
        })
    }
}
