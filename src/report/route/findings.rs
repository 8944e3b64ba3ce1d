//! What the decisions about a table have to say, as findings.

use serde_json::{Value, json};

use super::rows::summary;
use crate::policy::route::Census;
use crate::policy::{Finding, FindingSeverity, Places, Policy};
use crate::report::text::counted;
use crate::report::{Analysis, Found, LookedFor};
use crate::scenario::{Diagnostic, Severity, Sources, quoted};

/// What a finding about a decision means.
#[must_use]
pub const fn finding_title(finding: Finding) -> &'static str {
    match finding {
        Finding::Unsafe => "a consequential or unknown effect has no boundary",
        Finding::GateNotMet => "background execution, though a gate does not hold or is unknown",
        Finding::OutsidePermitted => "the execution is not one that the independent reading permits",
        Finding::NoRule => "no rule decides the task, so it is refused",
        Finding::AssumptionBroken => {
            "the task has a combination of attributes that the policy calls impossible"
        }
        Finding::Contested => "both executions are defensible",
        Finding::ChoiceWithoutReason => "a contested choice without a written reason",
        Finding::CapabilityGap => "work for the background that the product cannot show",
        Finding::Debt => "long work whose result nobody wants later",
        Finding::SingleQuickStep => "a single quick step without a reason for either lane",
        Finding::Ask => "a gate is unknown: attributes have to be asked for",
    }
}

/// The findings of a table by rule; `table` is what the user calls it.
#[must_use]
pub fn route_analysis(
    (policy, places): (&Policy, &Places),
    (table, broken): (&str, u64),
    census: &Census,
    sources: &Sources,
) -> Analysis {
    let found = census.findings.iter().map(|((finding, rule), count)| {
        let severity = match finding.severity() {
            FindingSeverity::Unsafe => Severity::Failed,
            FindingSeverity::Untidy => Severity::Warning,
            FindingSeverity::Note => Severity::Note,
        };
        let named = rule.and_then(|rule| policy.rules().get(usize::from(rule)));
        let by = named.map_or("no rule".to_owned(), |rule| quoted(&rule.id));
        let tasks = counted(count.tasks, "task");
        let diagnostic = Diagnostic::new(severity, format!("{}: {tasks} by {by}", finding_title(*finding)))
            .code(finding.word())
            .at(places.rule(*rule), "")
            .note(format!(
                "the first is row {} of {}",
                count.first_row,
                quoted(table)
            ))
            .help(format!("`--why {}` explains that task", count.first_row));
        Found::of(&diagnostic, None, sources)
    });
    let looked_for = Finding::ALL.map(|finding| LookedFor::new(finding.word(), finding_title(finding)));
    let name = sources.place(places.name()).name;
    Analysis {
        command: "route",
        subject: name,
        headline: summary(policy, census, broken),
        looked_for: looked_for.to_vec(),
        found: found.collect(),
        lead: String::new(),
        sections: Vec::new(),
        details: details(table, broken),
    }
}

fn details(table: &str, broken: u64) -> Value {
    json!({ "table": table, "broken_rows": broken })
}
