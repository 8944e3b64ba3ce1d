//! The difference of two policies, as findings.

use serde_json::{Value, json};

use super::found::{Analysis, Found, LookedFor};
use super::text::{counted, grouped, line};
use crate::policy::diff::{
    Absent, Date, Direction, Group, PolicyDiff, RulePair, Waiver, WaiverEntry, WaiverVerdict, Workload,
};
use crate::policy::{Cell, Places, Policy};
use crate::report::found::{code, escaped, fenced};
use crate::scenario::{Diagnostic, Severity, Sources, quoted};

/// So many pairs of rules are told of a group.
const PAIRS_MAX: usize = 6;

/// Everything that a report about a difference needs.
#[derive(Debug, Clone, Copy)]
pub struct DiffReport<'a> {
    /// The difference.
    pub diff: &'a PolicyDiff<'a>,
    /// Where the parts of the old and the new policy stand.
    pub places: [&'a Places; 2],
    /// The waiver, the day of today, and what the waiver is worth.
    pub waiver: Option<(&'a Waiver, Date)>,
    /// What is open, waived, and wrong with the waiver.
    pub verdict: &'a WaiverVerdict,
    /// The workload, if one was given.
    pub workload: Option<&'a Workload>,
}

const LOOKED_FOR: [(&str, &str); 8] = [
    (
        "boundary_loosened",
        "no task loses its approval boundary without a waiver",
    ),
    ("waiver_expired", "no entry of the waiver is past its last day"),
    (
        "waiver_too_wide",
        "no entry of the waiver covers cells that do not loosen",
    ),
    (
        "waiver_stale",
        "every entry of the waiver covers cells that loosen",
    ),
    ("boundary_waived", "what loosens and is accepted"),
    ("boundary_tightened", "tasks that get the approval boundary"),
    (
        "execution_changed",
        "tasks that are carried out otherwise, or refused, or no longer refused",
    ),
    (
        "absent_attribute",
        "attributes that only one of the policies knows",
    ),
];

/// The difference as findings, the worst first.
#[must_use]
pub fn diff_analysis(report: &DiffReport<'_>, sources: &Sources) -> Analysis {
    let mut found = Vec::new();
    for (index, cells, cell) in &report.verdict.open {
        found.push(report.loosened(&report.diff.groups[*index], *cells, cell, sources));
    }
    found.extend(report.waiver_findings(sources));
    let open: Vec<usize> = report.verdict.open.iter().map(|(index, _, _)| *index).collect();
    for (index, group) in report.diff.groups.iter().enumerate() {
        if !open.contains(&index) {
            found.push(report.changed(index, group, sources));
        }
    }
    let absent = report.diff.absent.iter();
    found.extend(absent.map(|absent| report.absent(absent, sources)));
    found.sort_by_key(|one| one.gravity);
    Analysis {
        command: "diff",
        subject: sources.place(report.places[1].name()).name,
        headline: report.headline(),
        looked_for: LOOKED_FOR.map(|(id, title)| LookedFor::new(id, title)).to_vec(),
        found,
        lead: report.lead(),
        sections: report.sections(),
        details: report.details(),
    }
}

impl DiffReport<'_> {
    fn old_policy(&self) -> &Policy {
        self.diff.policies[0]
    }

    fn new_policy(&self) -> &Policy {
        self.diff.policies[1]
    }

    /// A group that loosens where nobody answers for it.
    fn loosened(&self, group: &Group, cells: Option<u128>, cell: &Cell, sources: &Sources) -> Found {
        let message = format!(
            "{} lose the approval boundary: {} -> {}",
            cells_text(cells),
            quoted(&group.old.text()),
            quoted(&group.new.text())
        );
        let waiver = match self.waiver {
            None => "tighten `approval_when`, or have it accepted with `--waiver FILE --today YYYY-MM-DD`",
            Some(_) => "tighten `approval_when`, or have these cells accepted in the waiver as well",
        };
        let diagnostic = Diagnostic::new(Severity::Failed, message)
            .code("boundary_loosened")
            .at(self.places[1].approval_when(), "asks for approval now")
            .at(self.places[0].approval_when(), "asked before")
            .help(waiver);
        self.found(self.noted(diagnostic, group), cell, sources)
    }

    /// A group that loosens nothing, or that is waived.
    fn changed(&self, index: usize, group: &Group, sources: &Sources) -> Found {
        let (id, what) = match group.boundary() {
            Direction::Loosens => (
                "boundary_waived",
                "lose the approval boundary, and the waiver accepts it",
            ),
            Direction::Tightens => ("boundary_tightened", "get the approval boundary"),
            _ => ("execution_changed", "change"),
        };
        let message = format!(
            "{} {what}: {} -> {}",
            cells_text(group.cells),
            quoted(&group.old.text()),
            quoted(&group.new.text())
        );
        let mut diagnostic = Diagnostic::new(Severity::Note, message).code(id);
        for entry in self.waived_by(index) {
            let (who, why) = (line(&entry.accepted_by), line(&entry.because));
            diagnostic = diagnostic.note(format!("accepted by {who} until {}: {why}", entry.until.value));
        }
        let diagnostic = match (group.boundary(), group.rules.first()) {
            (Direction::Same, Some(pair)) => diagnostic
                .at(self.places[1].rule(pair.new), "decides now")
                .at(self.places[0].rule(pair.old), "decided before"),
            _ => diagnostic
                .at(self.places[1].approval_when(), "asks for approval now")
                .at(self.places[0].approval_when(), "asked before"),
        };
        self.found(self.noted(diagnostic, group), &group.witness, sources)
    }

    /// The entries of the waiver that count for a group.
    fn waived_by(&self, group: usize) -> impl Iterator<Item = &WaiverEntry> {
        let waived = self
            .verdict
            .waived
            .iter()
            .filter(move |(index, _)| *index == group);
        let entries = waived.flat_map(|(_, entries)| entries);
        entries.filter_map(|entry| self.waiver?.0.entries.get(*entry))
    }

    /// The directions, the rules responsible, and the share of the workload.
    fn noted(&self, mut diagnostic: Diagnostic, group: &Group) -> Diagnostic {
        diagnostic = diagnostic.note(format!(
            "execution: {}, boundary: {}",
            group.execution().word(),
            group.boundary().word()
        ));
        for pair in group.rules.iter().take(PAIRS_MAX) {
            diagnostic = diagnostic.note(format!("by {}: {}", self.pair(pair), cells_text(pair.cells)));
        }
        if let Some(more) = group.rules.len().checked_sub(PAIRS_MAX).filter(|more| *more > 0) {
            diagnostic = diagnostic.note(format!("and by {more} more pairs of rules"));
        }
        if let Some(workload) = self.workload {
            let (tasks, first) = workload
                .changed
                .get(&(group.old, group.new))
                .copied()
                .unwrap_or_default();
            let first = match tasks {
                0 => String::new(),
                _ => format!(", the first is row {first}"),
            };
            diagnostic = diagnostic.note(format!(
                "workload: {} of {} tasks{first}",
                grouped(tasks),
                grouped(workload.tasks)
            ));
        }
        diagnostic
    }

    fn found(&self, diagnostic: Diagnostic, cell: &Cell, sources: &Sources) -> Found {
        let task = self.diff.space.task_line(cell, "witness");
        Found::of(&diagnostic, Some(task), sources)
    }

    fn pair(&self, pair: &RulePair) -> String {
        let name = |policy: &Policy, rule: Option<u16>| {
            let rule = rule.and_then(|rule| policy.rules().get(usize::from(rule)));
            rule.map_or("no rule".to_owned(), |rule| quoted(&rule.id))
        };
        let (old, new) = (
            name(self.old_policy(), pair.old),
            name(self.new_policy(), pair.new),
        );
        match old == new {
            true => format!("{old} in both"),
            false => format!("{old} before and {new} now"),
        }
    }

    fn waiver_findings(&self, sources: &Sources) -> Vec<Found> {
        let Some((waiver, today)) = self.waiver else {
            return Vec::new();
        };
        let entry = |index: usize| &waiver.entries[index];
        let mut found = Vec::new();
        for index in &self.verdict.expired {
            let entry = entry(*index);
            let message = format!(
                "this entry counted until {}, and today is {today}",
                entry.until.value
            );
            let diagnostic = Diagnostic::new(Severity::Failed, message)
                .code("waiver_expired")
                .at(entry.until.span, "")
                .note(format!(
                    "accepted by {}: {}",
                    line(&entry.accepted_by),
                    line(&entry.because)
                ));
            found.push(Found::of(
                &diagnostic.help("have it accepted again, or tighten the boundary"),
                None,
                sources,
            ));
        }
        for (index, cell) in &self.verdict.too_wide {
            let diagnostic = Diagnostic::error("this entry covers cells that do not loosen")
                .code("waiver_too_wide")
                .at(entry(*index).when.span, "too wide")
                .help("cover exactly what loosens: add `unless`, or narrow `when`");
            found.push(self.found(diagnostic, cell, sources));
        }
        for index in &self.verdict.stale {
            let diagnostic = Diagnostic::error("this entry covers nothing that loosens")
                .code("waiver_stale")
                .at(entry(*index).when.span, "stale")
                .help("remove it: it waits for something that nobody has looked at");
            found.push(Found::of(&diagnostic, None, sources));
        }
        found
    }

    fn absent(&self, absent: &Absent, sources: &Sources) -> Found {
        let (knows, other) = match absent.known_to_old {
            true => ("old", "new"),
            false => ("new", "old"),
        };
        let name = quoted(&absent.attribute);
        let message = match absent.other_type {
            true => format!("{name} of the {knows} policy has another type in the {other} one"),
            false => format!("{name} is known to the {knows} policy alone"),
        };
        let diagnostic = Diagnostic::new(Severity::Note, message)
            .code("absent_attribute")
            .at(self.places[usize::from(!absent.known_to_old)].name(), "")
            .note(format!(
                "the {other} policy decides without it: every value of it is compared with the same answer there"
            ));
        Found::of(&diagnostic, None, sources)
    }

    fn headline(&self) -> String {
        let changed = match self.diff.changed {
            Some(0) => "no cell changes".to_owned(),
            changed => format!(
                "{} of {} change{}",
                number(changed),
                cells_text(self.diff.cells),
                share(changed, self.diff.cells)
            ),
        };
        let failed = !self.verdict.open.is_empty() || !self.verdict.expired.is_empty();
        let wrong = !self.verdict.too_wide.is_empty() || !self.verdict.stale.is_empty();
        let verdict = match (failed, wrong) {
            (true, _) => "FAILED",
            (false, true) => "WRONG",
            (false, false) => "ok",
        };
        format!(
            "{verdict}: {changed}; execution: {}, boundary: {}",
            self.diff.execution().word(),
            self.diff.boundary().word()
        )
    }

    fn lead(&self) -> String {
        let named = |policy: &Policy| format!("{} ({})", quoted(policy.name()), policy.hash().short());
        let mut text = format!("{} -> {}\n\n", named(self.old_policy()), named(self.new_policy()));
        for (policy, which) in [(self.old_policy(), "old"), (self.new_policy(), "new")] {
            for assumption in policy.assumptions() {
                let never = assumption.never.write(policy.vocabulary());
                text.push_str(&format!("{which} policy assumes: never {never}\n"));
            }
        }
        if let Some(impossible) = self.diff.impossible.filter(|cells| *cells > 0) {
            let cells = cells_text(Some(impossible));
            text.push_str(&format!(
                "{cells} are impossible to both and were not compared\n\n"
            ));
        }
        if let Some(workload) = self.workload {
            text.push_str(&format!("workload: {}\n\n", workload_text(workload)));
        }
        if !self.verdict.open.is_empty() {
            text.push_str("a waiver of everything that loosens, to be filled in:\n\n");
            for one in self.diff.waiver_text().lines() {
                text.push_str(&format!("    {one}\n"));
            }
            text.push('\n');
        }
        text
    }

    fn sections(&self) -> Vec<String> {
        let mut table = String::from("| before | now | cells | execution | boundary | rules |");
        table.push_str(if self.workload.is_some() {
            " tasks |\n"
        } else {
            "\n"
        });
        table.push_str("|---|---|--:|---|---|---|");
        table.push_str(if self.workload.is_some() { "--:|\n" } else { "\n" });
        for group in &self.diff.groups {
            let rules = group.rules.iter().take(2).map(|pair| escaped(&self.pair(pair)));
            let rules: Vec<String> = rules.collect();
            table.push_str(&format!(
                "| {} | {} | {} | {} | {} | {} |",
                group.old.text(),
                group.new.text(),
                number(group.cells),
                group.execution().word(),
                bold_if_loosens(group.boundary()),
                rules.join("; ")
            ));
            if let Some(workload) = self.workload {
                let (tasks, _) = workload
                    .changed
                    .get(&(group.old, group.new))
                    .copied()
                    .unwrap_or_default();
                table.push_str(&format!(" {} |", grouped(tasks)));
            }
            table.push('\n');
        }
        let mut sections = Vec::new();
        if !self.diff.groups.is_empty() {
            sections.push(table);
        }
        if let Some(workload) = self.workload {
            sections.push(format!("Workload: {}.\n", workload_text(workload)));
        }
        if !self.verdict.open.is_empty() {
            let waiver = fenced("yaml", &self.diff.waiver_text());
            sections.push(format!(
                "<details><summary>a waiver of everything that loosens, to be filled in</summary>\n\n{waiver}\n</details>\n"
            ));
        }
        let hashes = [self.old_policy(), self.new_policy()].map(|policy| code(&policy.hash().to_string()));
        sections.push(format!("{} -> {}\n", hashes[0], hashes[1]));
        sections
    }

    fn details(&self) -> Value {
        let policy = |policy: &Policy| json!({ "name": policy.name(), "hash": policy.hash().to_string() });
        let groups: Vec<Value> = self
            .diff
            .groups
            .iter()
            .map(|group| self.group_details(group))
            .collect();
        json!({
            "old": policy(self.old_policy()),
            "new": policy(self.new_policy()),
            "cells": self.diff.cells.map(|cells| cells.to_string()),
            "impossible": self.diff.impossible.map(|cells| cells.to_string()),
            "changed": self.diff.changed.map(|cells| cells.to_string()),
            "execution": self.diff.execution().word(),
            "boundary": self.diff.boundary().word(),
            "groups": groups,
            "waiver": self.waiver.map(|(waiver, today)| json!({
                "title": waiver.title,
                "today": today.to_string(),
                "entries": waiver.entries.iter().map(|entry| json!({
                    "accepted_by": entry.accepted_by,
                    "because": entry.because,
                    "until": entry.until.value.to_string(),
                })).collect::<Vec<Value>>(),
            })),
            "workload": self.workload.map(|workload| json!({
                "tasks": workload.tasks,
                "broken_rows": workload.broken,
                "changed": workload.affected(),
                "boundary_loosened": workload.loosened(),
            })),
        })
    }

    fn group_details(&self, group: &Group) -> Value {
        let id = |policy: &Policy, rule: Option<u16>| {
            let rule = rule.and_then(|rule| policy.rules().get(usize::from(rule)));
            rule.map(|rule| rule.id.clone())
        };
        let rules: Vec<Value> = group
            .rules
            .iter()
            .map(|pair| {
                json!({
                    "old": id(self.old_policy(), pair.old),
                    "new": id(self.new_policy(), pair.new),
                    "cells": pair.cells.map(|cells| cells.to_string()),
                })
            })
            .collect();
        let answer = |answer: crate::policy::diff::Answer| json!({ "going": answer.going.word(), "boundary": answer.boundary.word() });
        let tasks = self.workload.map(|workload| {
            workload
                .changed
                .get(&(group.old, group.new))
                .copied()
                .unwrap_or_default()
        });
        json!({
            "old": answer(group.old),
            "new": answer(group.new),
            "cells": group.cells.map(|cells| cells.to_string()),
            "execution": group.execution().word(),
            "boundary": group.boundary().word(),
            "witness": self.diff.space.attributes_text(&group.witness),
            "rules": rules,
            "tasks": tasks.map(|(tasks, _)| tasks),
        })
    }
}

fn bold_if_loosens(direction: Direction) -> String {
    match direction {
        Direction::Loosens => "**loosens**".to_owned(),
        other => other.word().to_owned(),
    }
}

fn workload_text(workload: &Workload) -> String {
    let share = share(Some(workload.affected().into()), Some(workload.tasks.into()));
    let broken = match workload.broken {
        0 => String::new(),
        rows => format!(", {} left out", counted(rows, "broken row")),
    };
    format!(
        "{} of {} tasks change{share}, {} lose the approval boundary{broken}",
        grouped(workload.affected()),
        grouped(workload.tasks),
        grouped(workload.loosened())
    )
}

fn number(cells: Option<u128>) -> String {
    cells.map_or("more than 10^38".to_owned(), grouped)
}

fn cells_text(cells: Option<u128>) -> String {
    let plural = if cells == Some(1) { "" } else { "s" };
    format!("{} cell{plural}", number(cells))
}

/// ` (12.34 %)`; empty where that is no number.
fn share(part: Option<u128>, whole: Option<u128>) -> String {
    let (Some(part), Some(whole)) = (part, whole) else {
        return String::new();
    };
    let (Some(scaled), true) = (part.checked_mul(10_000), whole > 0) else {
        return String::new();
    };
    match scaled / whole {
        0 if part > 0 => " (less than 0.01 %)".to_owned(),
        hundredths => format!(" ({}.{:02} %)", hundredths / 100, hundredths % 100),
    }
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn shares_are_whole_hundredths_of_per_cent() {
        assert_eq!(share(Some(1), Some(3)), " (33.33 %)");
        assert_eq!(share(Some(1), Some(1_000_000)), " (less than 0.01 %)");
        assert_eq!(share(Some(0), Some(7)), " (0.00 %)");
        assert_eq!(share(Some(0), Some(0)), "");
        assert_eq!(share(None, Some(7)), "");
    }
}
