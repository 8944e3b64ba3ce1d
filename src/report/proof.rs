//! The proof of a policy as text: spaces, lanes, laws, findings with their places, clauses.

use super::diagnostic::render;
use super::paint::{Paint, Tone};
use super::terminal::Detail;
use super::text::{grouped, left, right};
use crate::policy::proof::{
    Census, ClauseVerdict, Extent, LawVerdict, Method, PolicyFinding, Proof, Question, Verified,
};
use crate::policy::{Class, FindingSeverity, Lane, ProofPlaces};
use crate::scenario::{Diagnostic, Severity, Sources};

/// One finding with its place, its witness and its fix.
#[must_use]
pub fn finding_diagnostic(proof: &Proof, places: &ProofPlaces, finding: &PolicyFinding) -> Diagnostic {
    let severity = match finding.severity() {
        FindingSeverity::Unsafe => Severity::Failed,
        FindingSeverity::Untidy => Severity::Warning,
        FindingSeverity::Note => Severity::Note,
    };
    let span = places.span(&proof.policy, &finding.subject);
    let mut diagnostic = Diagnostic::new(severity, finding.message.clone())
        .code(finding.id.word())
        .at(span, finding.label.clone());
    if let Some(witness) = &finding.witness {
        let cells = grouped(finding.count);
        let noun = if finding.count == 1 { "cell" } else { "cells" };
        diagnostic = diagnostic.note(format!("{cells} {noun}; the least: {}", witness.attributes));
        diagnostic = diagnostic.note(format!("answer: {}", witness.answer));
    }
    for note in &finding.notes {
        diagnostic = diagnostic.note(note.clone());
    }
    diagnostic.help(finding.fix.clone())
}

/// The findings of a proof alone, separated by blank lines.
#[must_use]
pub fn findings_text(proof: &Proof, places: &ProofPlaces, sources: &Sources, paint: Paint) -> String {
    let parts = proof
        .findings
        .iter()
        .map(|finding| render(&finding_diagnostic(proof, places, finding), sources, paint));
    parts.collect::<Vec<_>>().join("\n")
}

/// The whole proof.
#[must_use]
pub fn proof_text(
    proof: &Proof,
    places: &ProofPlaces,
    sources: &Sources,
    detail: Detail,
    paint: Paint,
) -> String {
    let shown =
        |finding: &&PolicyFinding| detail == Detail::Full || finding.severity() != FindingSeverity::Note;
    let parts = proof.findings.iter().filter(shown).map(|finding| {
        let mut text = render(&finding_diagnostic(proof, places, finding), sources, paint);
        text.push('\n');
        text
    });
    let mut out: String = parts.collect();
    if detail == Detail::Full {
        out.push_str(&frame(proof, paint));
    }
    out.push_str(&last_line(proof, paint));
    out
}

fn frame(proof: &Proof, paint: Paint) -> String {
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
        out.push_str(&format!("  {}  {word}{}\n", law.name(), law.sentence()));
    }
    out.push('\n');
    let vocabulary = proof.policy.vocabulary();
    for assumption in proof.policy.assumptions() {
        let because = assumption.because.as_deref().unwrap_or("no reason is given");
        out.push_str(&format!(
            "assumed     never {} ({because})\n",
            assumption.never.write(vocabulary)
        ));
    }
    let decided = proof
        .clauses
        .iter()
        .filter(|(_, verdict)| *verdict == ClauseVerdict::Decided)
        .count();
    out.push_str(&format!(
        "clauses     {decided} of {} decided\n",
        proof.clauses.len()
    ));
    for (clause, verdict) in &proof.clauses {
        if let ClauseVerdict::OutOfScope(because) = verdict {
            out.push_str(&format!(
                "            {} is out of scope: {because}\n",
                clause.name
            ));
        }
    }
    out.push('\n');
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

fn last_line(proof: &Proof, paint: Paint) -> String {
    let of = |severity| {
        proof
            .findings
            .iter()
            .filter(|finding| finding.severity() == severity)
            .count()
    };
    let [unsafe_, untidy, notes] = [
        FindingSeverity::Unsafe,
        FindingSeverity::Untidy,
        FindingSeverity::Note,
    ]
    .map(of);
    let plural = if notes == 1 { "" } else { "s" };
    let counts = format!("{unsafe_} unsafe, {untidy} untidy, {notes} note{plural}");
    match (unsafe_, untidy) {
        (0, 0) => format!("{}: {counts}\n", paint.tone(Tone::Good, "clean")),
        (0, _) => format!("{}: {counts}\n", paint.tone(Tone::Doubtful, "untidy")),
        (_, _) => format!("{}: {counts}\n", paint.tone(Tone::Bad, "UNSAFE")),
    }
}

/// The census of a registry of kinds.
#[must_use]
pub fn kinds_text(proof: &Proof, census: &Census, paint: Paint) -> String {
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
        "{settled} of {} kinds resolve to one rule\n\n",
        census.kinds.len()
    ));
    out
}

/// What the naive interpreter checked again.
#[must_use]
pub fn verified_text(verified: &Verified, paint: Paint) -> String {
    let mut out = String::new();
    for mismatch in &verified.mismatches {
        out.push_str(&format!("{}: {mismatch}\n", paint.tone(Tone::Bad, "failed")));
    }
    for unsettled in &verified.unsettled {
        let word = paint.tone(Tone::Doubtful, "undecided");
        out.push_str(&format!(
            "{word}: {unsettled}: more cases than the interpreter splits\n"
        ));
    }
    let (word, tone) = match (verified.mismatches.is_empty(), verified.unsettled.is_empty()) {
        (true, true) => ("verified", Tone::Good),
        (true, false) => ("undecided", Tone::Doubtful),
        (false, _) => ("FAILED", Tone::Bad),
    };
    out.push_str(&format!(
        "{}: {} counts and {} tasks read again, compiled decisions held against {} cases\n",
        paint.tone(tone, word),
        grouped(verified.counts as u64),
        grouped(verified.witnesses as u64),
        grouped(verified.cases),
    ));
    out
}
