//! The proof of a policy as text: spaces, lanes, laws, findings with their places, clauses.

use super::diagnostic::render;
use super::paint::{Paint, Tone};
use super::proof_found::{Denied, ProofReport};
use super::terminal::Detail;
use super::text::{counted, grouped, left, right};
use crate::policy::proof::{
    Agreement, Census, ClauseVerdict, Extent, Law, LawVerdict, Method, PolicyFinding, Proof, Question,
};
use crate::policy::{Class, FindingSeverity, Lane, ProofPlaces};
use crate::scenario::{Diagnostic, Severity, Sources};

/// One finding with its place and its fix; the witness comes behind, with [`witnessed`].
#[must_use]
pub fn finding_diagnostic(
    proof: &Proof,
    places: &ProofPlaces,
    denied: Denied,
    finding: &PolicyFinding,
) -> Diagnostic {
    let severity = match (finding.severity(), denied) {
        (FindingSeverity::Unsafe, _) | (FindingSeverity::Untidy, Denied::Untidy) => Severity::Failed,
        (FindingSeverity::Untidy, Denied::Unsafe) => Severity::Warning,
        (FindingSeverity::Note, _) => Severity::Note,
    };
    let span = places.span(&proof.policy, &finding.subject);
    let mut diagnostic = Diagnostic::new(severity, finding.message.clone())
        .code(finding.id.word())
        .at(span, finding.label.clone());
    if let Some(witness) = &finding.witness {
        let cells = grouped(finding.count);
        let noun = if finding.count == 1 { "cell" } else { "cells" };
        diagnostic = diagnostic.note(format!(
            "{cells} {noun}; the least is answered: {}",
            witness.answer
        ));
    }
    for note in &finding.notes {
        diagnostic = diagnostic.note(note.clone());
    }
    diagnostic.help(finding.fix.clone())
}

/// The same with the task that shows it.
pub(super) fn witnessed(diagnostic: Diagnostic, finding: &PolicyFinding) -> Diagnostic {
    match &finding.witness {
        Some(witness) => diagnostic.note(format!("witness: {}", witness.task)),
        None => diagnostic,
    }
}

/// The findings of a proof alone, separated by blank lines.
#[must_use]
pub fn findings_text(proof: &Proof, places: &ProofPlaces, sources: &Sources, paint: Paint) -> String {
    let parts = proof.findings.iter().map(|finding| {
        let diagnostic = finding_diagnostic(proof, places, Denied::Unsafe, finding);
        render(&witnessed(diagnostic, finding), sources, paint)
    });
    parts.collect::<Vec<_>>().join("\n")
}

/// The whole proof: what it is about, what was found, what it comes to.
#[must_use]
pub fn proof_text(report: &ProofReport<'_>, sources: &Sources, detail: Detail, paint: Paint) -> String {
    let mut out = String::new();
    if detail == Detail::Full {
        out.push_str(&lead(report, paint));
    }
    for (diagnostic, witness) in report.diagnostics() {
        if detail == Detail::Full || diagnostic.severity != Severity::Note {
            let diagnostic = match witness {
                Some(task) => diagnostic.note(format!("witness: {task}")),
                None => diagnostic,
            };
            out.push_str(&render(&diagnostic, sources, paint));
            out.push('\n');
        }
    }
    out.push_str(&last_line(report, paint));
    out.push('\n');
    out
}

/// What stands before the findings.
pub(super) fn lead(report: &ProofReport<'_>, paint: Paint) -> String {
    let proof = report.proof;
    let mut out = format!(
        "policy {}  {}\n\n",
        paint.tone(Tone::Strong, proof.policy.name()),
        proof.hash
    );
    out.push_str(&spaces(proof));
    out.push('\n');
    for (law, verdict) in &proof.laws {
        let tone = match verdict {
            LawVerdict::Held => Tone::Good,
            LawVerdict::Broken => Tone::Bad,
            LawVerdict::Undecided => Tone::Doubtful,
        };
        let word = paint.tone(tone, &left(verdict.word(), 10));
        out.push_str(&format!("  {}  {word}{}\n", law.name(), law_text(proof, *law)));
    }
    out.push('\n');
    out.push_str(&assumed_and_scoped(proof));
    if let Some(kinds) = &report.kinds {
        out.push('\n');
        out.push_str(&kinds_text(proof, kinds.census, paint));
    }
    if let Some(tests) = &report.tests {
        out.push('\n');
        out.push_str(&tests.text());
    }
    out.push('\n');
    out
}

/// What a law says; of the last one also how it was looked at.
pub(super) fn law_text(proof: &Proof, law: Law) -> String {
    let how = match (law, proof.agreement) {
        (Law::Ro12, Agreement::Cases(cases)) => format!(", on each of {} cases", grouped(cases)),
        (Law::Ro12, Agreement::Conditions) => {
            ", condition by condition as sets of cells: too many cases to split".to_owned()
        }
        _ => String::new(),
    };
    format!("{}{how}", law.sentence())
}

fn assumed_and_scoped(proof: &Proof) -> String {
    let mut out = String::new();
    let vocabulary = proof.policy.vocabulary();
    for assumption in proof.policy.assumptions() {
        let because = assumption.because.as_deref().unwrap_or("no reason is given");
        out.push_str(&format!(
            "assumed     never {} ({because})\n",
            assumption.never.write(vocabulary)
        ));
    }
    let of = |wanted: &ClauseVerdict| {
        let clauses = proof.clauses.iter();
        clauses.filter(|(_, verdict)| verdict == wanted).count()
    };
    let (decided, forgotten) = (of(&ClauseVerdict::Decided), of(&ClauseVerdict::Forgotten));
    let all = proof.clauses.len();
    out.push_str(&format!(
        "clauses     {decided} of {all} decided, {} out of scope, {forgotten} forgotten\n",
        all - decided - forgotten
    ));
    for (clause, verdict) in &proof.clauses {
        if let ClauseVerdict::OutOfScope(because) = verdict {
            out.push_str(&format!(
                "            {} is out of scope: {because}\n",
                clause.name
            ));
        }
    }
    out
}

const NUMBER: usize = 28;

/// How wide the first column is.
const NAME: usize = 13;

fn spaces(proof: &Proof) -> String {
    let row = |name: &str, cell: &dyn Fn(usize, &Extent) -> String| {
        let cells = proof
            .extents
            .iter()
            .enumerate()
            .map(|(at, extent)| right(&cell(at, extent), NUMBER));
        format!("{}{}\n", left(name, NAME), cells.collect::<String>())
    };
    let count = |question: Question| {
        move |at: usize, _: &Extent| {
            let tally = proof.tally(at, question);
            tally.map_or_else(|| "-".to_owned(), |tally| grouped(tally.count))
        }
    };
    let mut out = row("", &|_, extent| extent.space.reach().word().to_owned());
    out.push_str(&row("cells", &|_, extent| {
        extent.cells.map_or_else(|| "more than 2^128".to_owned(), grouped)
    }));
    out.push_str(&row("method", &|_, extent| match extent.method {
        Method::Symbolic { nodes } => format!("symbolic ({nodes} nodes)"),
        Method::Enumerated { .. } => "each enumerated".to_owned(),
    }));
    for lane in Lane::ALL {
        out.push_str(&row(lane.word(), &count(Question::Lane(lane))));
    }
    out.push_str(&row("refused", &count(Question::Refused)));
    out.push_str(&row("boundary", &count(Question::Approval)));
    for class in Class::ALL {
        out.push_str(&row(class.word(), &count(Question::Class(class))));
    }
    out
}

/// What it comes to.
pub(super) fn last_line(report: &ProofReport<'_>, paint: Paint) -> String {
    let findings = report.proof.findings.iter();
    let of = |severity| {
        let found = findings.clone().filter(|finding| finding.severity() == severity);
        found.count() as u64
    };
    let (unsafe_, untidy) = (of(FindingSeverity::Unsafe), of(FindingSeverity::Untidy));
    let notes = counted(of(FindingSeverity::Note), "note");
    let unsettled = report.unsettled_kinds().count() as u64;
    let mut counts = format!("{unsafe_} unsafe, {untidy} untidy, {notes}");
    if unsettled > 0 {
        counts.push_str(&format!(", {} without a single rule", counted(unsettled, "kind")));
    }
    let (word, tone) = match report.agreed() {
        LawVerdict::Broken => ("BROKEN", Tone::Bad),
        _ if unsafe_ > 0 => ("UNSAFE", Tone::Bad),
        _ if report.denied == Denied::Untidy && untidy + unsettled > 0 => ("FAILED", Tone::Bad),
        LawVerdict::Undecided => ("UNDECIDED", Tone::Doubtful),
        LawVerdict::Held if untidy + unsettled > 0 => ("untidy", Tone::Doubtful),
        LawVerdict::Held => ("clean", Tone::Good),
    };
    format!("{}: {counts}", paint.tone(tone, word))
}

/// The census of a registry of kinds.
fn kinds_text(proof: &Proof, census: &Census, paint: Paint) -> String {
    let id = |rule: usize| proof.policy.rules().get(rule).map_or("", |rule| rule.id.as_str());
    let width = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0) + 2;
    let kind_width = width(&mut census.kinds.iter().map(|row| row.kind.chars().count())).max(6);
    let mut out = format!("{}{}rule\n", left("kind", kind_width), left("lane", NAME));
    for row in &census.kinds {
        let lane = row.lane.map_or("refused", Lane::word);
        let rules: Vec<&str> = row.rules.iter().map(|rule| id(*rule)).collect();
        let mut line = format!(
            "{}{}{}",
            left(&row.kind, kind_width),
            left(lane, NAME),
            rules.join(" or ")
        );
        if row.gap {
            line.push_str(" or none");
        }
        if !row.unsupplied.is_empty() {
            line.push_str(&format!("; not supplied: {}", row.unsupplied.join(", ")));
        }
        let line = if row.is_settled() {
            line
        } else {
            paint.tone(Tone::Doubtful, &line)
        };
        out.push_str(&line);
        out.push('\n');
    }
    if !census.nobody_supplies.is_empty() {
        out.push_str(&format!(
            "supplied by no kind: {}\n",
            census.nobody_supplies.join(", ")
        ));
    }
    let settled = census.kinds.iter().filter(|row| row.is_settled()).count();
    out.push_str(&format!(
        "{settled} of {} kinds resolve to one rule\n",
        census.kinds.len()
    ));
    out
}
